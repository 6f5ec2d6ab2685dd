//! A case opened for reading ([`CaseReader`]) or for writing ([`CaseWriter`]): how its sources are labelled, how it is
//! set, the bytes of its items; what is set or handed out is told to the custody log by the call itself.

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::index::IndexError;
use crate::query::{QueryError, SearchError};
use crate::store::StoreError;
use crate::types::ItemKey;

mod append;
pub mod item;
pub mod keys;
mod overlap;
mod reader;
mod recorded;
mod sources;
pub mod trust;
pub mod way;
mod writer;

pub use append::{add_key_file, append, set_trust};
pub use overlap::refuse_overlap;
pub use reader::CaseReader;
pub use recorded::recorded_catalog;
pub use sources::{SourceNames, source_names, unreadable_files};
pub use writer::CaseWriter;

/// Why a case could not be opened, asked or written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The record could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The index could not be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The question is wrong.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The catalog tells of sources that the record does not have, so that nothing of it is shown.
    #[error("the catalog has sources that the record does not have ({sources}): nothing is shown")]
    Unrecorded {
        /// How many.
        sources: usize,
    },
    /// Source and case lie in one another.
    #[error("{} lies inside {}", inner.display(), outer.display())]
    Overlap {
        /// The one inside.
        inner: PathBuf,
        /// The one around it.
        outer: PathBuf,
    },
}

impl From<SearchError> for CaseError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query(error) => Self::Query(error),
            SearchError::Catalog(error) => Self::Catalog(error),
            SearchError::Index(error) => Self::Index(error),
        }
    }
}

/// Why the bytes of an item could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ItemBytesError {
    /// An item has no row or no bytes.
    #[error("item with key {} is not in the case", key.as_u64())]
    NoItem {
        /// Its key.
        key: ItemKey,
    },
    /// The bytes of a child could not be found in its message any more.
    #[error("child {part} is not in its message")]
    NoChild {
        /// Its part path.
        part: String,
    },
    /// An attachment could not be found in its message any more.
    #[error("attachment {number} is not in the message with its recorded digest")]
    NoAttachment {
        /// Its number in the item, from 1.
        number: usize,
    },
    /// Only the beginning of an attachment was read.
    #[error(
        "attachment {number} goes on beyond the first {limit} bytes, which is all that is read of a long message"
    )]
    AttachmentCut {
        /// Its number in the item, from 1.
        number: usize,
        /// Bytes of the message that were read.
        limit: u64,
    },
    /// The record could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}
