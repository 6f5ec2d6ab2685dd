//! Hits to files: mail, attachments, manifests; and originals rebuilt.

use std::path::PathBuf;

use crate::case::ItemBytesError;
use crate::catalog::CatalogError;
use crate::store::StoreError;
use crate::types::{RelPath, SourceId};

pub mod bundle;
mod folder;
mod formats;
mod handed;
pub mod item;
pub mod manifest;
pub mod message;
mod names;
pub mod restore;

pub use handed::{HandedOut, RestoreId, export, restore as restore_original, write_failed};

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
    /// The case has no such source.
    #[error("the case has no source {id}")]
    NoSource {
        /// Its id.
        id: SourceId,
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
    /// The bytes of an item could not be had.
    #[error(transparent)]
    Item(ItemBytesError),
    /// The record could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<ItemBytesError> for ExportError {
    fn from(error: ItemBytesError) -> Self {
        match error {
            ItemBytesError::Store(error) => Self::Store(error),
            ItemBytesError::Catalog(error) => Self::Catalog(error),
            error => Self::Item(error),
        }
    }
}

impl ExportError {
    /// Whether it is about one item, so that the others can still be written.
    pub fn is_of_one_item(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Item(_))
    }
}
