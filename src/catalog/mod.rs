//! Facts on disk (SQLite); derived, disposable: rows are a pure function of a ledger record and the facts of its bytes.
//!
//! Rows stand in blocks of some 64 that follow each other (ADR 90). What a table of items shows lies open in its block;
//! the rest is packed by columns, with everything that repeats from row to row kept once in the words of the block.
//! Each part is sealed with a sum, so that damage is told and never answered. Nothing is searched for here that the
//! index does not find.

mod audit;
mod block;
#[cfg(test)]
mod block_tests;
mod blocks;
mod fill;
mod numbers;
mod pack;
mod read;
mod row;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod values;
mod words;
mod write;

use std::path::PathBuf;

pub use audit::TableCounts;
pub use read::{Catalog, SourceRow};
pub use row::{ListRow, Row};
pub use tables::{ContainerRow, EntryRow};
pub use values::{AttachmentRow, HopRow, MoreRow, NoteRow, PersonRow, RelayRow, RowDigests};
pub use write::{CatalogWriter, ItemRow, Watermark, labels};

/// Why the catalog could not be used. It can always be made anew from the record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// It could not be opened.
    #[error("cannot open the catalog {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It was made by another version of this program and has to be made anew.
    #[error("the catalog {} was made by version {found}", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
    },
    /// It could not be written.
    #[error("cannot write the catalog")]
    Write(#[source] rusqlite::Error),
    /// It could not be read.
    #[error("cannot read the catalog")]
    Read(#[source] rusqlite::Error),
    /// A row does not hold what its writer puts there.
    #[error("row {key} of the catalog is damaged")]
    Damaged {
        /// Its key.
        key: u64,
    },
}

/// Where the bytes of an item lie in the packs of the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobPlace {
    /// Number of the pack.
    pub pack: u32,
    /// Offset of the frame in it.
    pub at: u64,
    /// Length of the frame as stored.
    pub len: u64,
    /// Length of the frame unpacked.
    pub raw: u64,
    /// Offset of the bytes in the unpacked frame.
    pub offset: u64,
    /// Their number.
    pub size: u64,
}
