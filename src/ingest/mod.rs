//! Joins the stages: import, resume and rebuild. With `verify`, the only folder with threads.

use std::path::PathBuf;

use crate::case::CaseError;
use crate::catalog::CatalogError;
use crate::index::IndexError;
use crate::source::SourceError;
use crate::store::StoreError;

#[cfg(feature = "net")]
pub mod account;
mod batch;
mod derived;
mod engine;
mod findings;
mod fingerprint;
mod import;
mod importer;
mod lines;
mod long;
mod output;
mod rebuild;
mod registry;
mod state;
mod states;
mod tools;
mod unchanged;
mod way;
mod work;

pub use crate::case::{keys, refuse_overlap, trust};
pub use derived::Derived;
pub use engine::{MOST_WORKERS, workers};
pub use findings::import_findings;
pub use import::{Imported, Request, import};
pub use importer::Importer;
pub use output::Totals;
pub use rebuild::{Again, Step, catch_up};
pub use state::words as state_words;
pub use tools::{Bench, Read, read_message};

/// Who watches a long piece of work, and may stop it.
pub trait Watch: Sync {
    /// So many bytes of the source and items have been read and written.
    fn progress(&self, bytes: u64, items: u64);
    /// So many items of this run are durable.
    fn committed(&self, items: u64);
    /// Whether to stop at the next good moment.
    fn is_stopped(&self) -> bool;
    /// A source of so many bytes is read next.
    fn listed(&self, _bytes: u64) {}
}

/// Why an import or rebuild could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The record could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source could not be read at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The catalog could not be written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The index could not be written.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Source and case lie in one another, or the case could not be read.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// Two different sources have ids that start alike.
    #[error("source {id} has the id of another source of this case")]
    IdClash {
        /// The id.
        id: String,
    },
    /// A file of the case could not be made or removed.
    #[error("cannot write {}", path.display())]
    Files {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The source is a case, and was not to be read as one.
    #[error("{} is itself a case", path.display())]
    IsCase {
        /// The source.
        path: PathBuf,
    },
    /// Something that cannot be has come about: a fault of this program. What was committed stays.
    #[error("internal error: {0}")]
    Internal(&'static str),
    /// A worker died.
    #[error("a worker stopped unexpectedly")]
    Worker,
    /// The watcher asked to stop; what was committed stays.
    #[error("stopped on request")]
    Stopped,
}
