//! Hits to files: mail, attachments, manifests; and originals rebuilt.

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::store::StoreError;
use crate::types::{ItemKey, RelPath};

pub mod bundle;
pub mod item;
pub mod manifest;
pub mod message;
mod names;
pub mod restore;

/// Why something could not be written out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is something at the place already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// The place lies inside the case.
    #[error("{} lies inside the case", path.display())]
    InsideCase {
        /// The place.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A path of the ledger leads out of the folder.
    #[error("path {} of the ledger leads out of the folder", path.display())]
    UnsafePath {
        /// The path.
        path: RelPath,
    },
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

impl ExportError {
    /// Whether it is about one item, so that the others can still be written.
    pub fn is_of_one_item(&self) -> bool {
        matches!(
            self,
            Self::Store(_)
                | Self::NoItem { .. }
                | Self::NoChild { .. }
                | Self::NoAttachment { .. }
                | Self::AttachmentCut { .. }
        )
    }
}
