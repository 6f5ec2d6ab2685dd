//! Catalog and index of a case, opened together and kept at one state.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::{CatalogWriter, Watermark};
use crate::index::{IndexError, IndexWriter, Watermarks};
use crate::route::Settings;
use crate::store::{Layout, Reader};

use super::{IngestError, trust};

/// Catalog and index, opened for writing.
#[derive(Debug)]
pub struct Derived {
    /// The catalog.
    pub catalog: CatalogWriter,
    /// The index; workers share it.
    pub index: Mutex<IndexWriter>,
    /// Number of items of each ledger segment that are in both.
    pub marks: Watermarks,
    /// The recipient's side, as all ways in the index are read.
    pub settings: Arc<Settings>,
}

impl Derived {
    /// Opens both, or makes them. What the catalog has beyond the index is taken out again; when they cannot be used
    /// (another version, damaged), both are made anew, empty.
    ///
    /// # Errors
    /// [`IngestError::Files`], [`IngestError::Catalog`], [`IngestError::Index`].
    pub fn open(layout: &Layout) -> Result<Self, IngestError> {
        match Self::try_open(layout) {
            Ok(derived) => Ok(derived),
            Err(error @ (IngestError::Files { .. } | IngestError::Store(_))) => Err(error),
            Err(_) => Self::anew(layout),
        }
    }

    /// Deletes both and makes them anew, empty.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn anew(layout: &Layout) -> Result<Self, IngestError> {
        let dir = layout.derived();
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|source| IngestError::Files { path: dir, source })?;
        }
        Self::try_open(layout)
    }

    fn try_open(layout: &Layout) -> Result<Self, IngestError> {
        make(&layout.index())?;
        let mut index = IndexWriter::open(&layout.index())?;
        let mut catalog = CatalogWriter::open(&layout.catalog())?;
        let marks = index.watermarks().clone();
        // The catalog is committed first, so it can only be ahead; what it has beyond the index is taken back.
        for segment in catalog.segments()? {
            let items = marks.get(&segment).copied().unwrap_or(0);
            let have = catalog.watermark(segment)?.items;
            if have < items {
                return Err(IngestError::Index(IndexError::Damaged));
            }
            if have > items {
                catalog.truncate_from(segment, items)?;
            }
        }
        // One index is made under one set of settings, so that equal hops have equal answers; newer ones count from the
        // next rebuild on, and searches say so.
        let reader = Reader::open(layout.root())?;
        let settings = if marks.is_empty() {
            let (settings, event) = trust::settings(&reader)?;
            index.set_trust(event);
            settings
        } else {
            trust::settings_of(&reader, index.trust())?
        };
        Ok(Self { catalog, index: Mutex::new(index), marks, settings: Arc::new(settings) })
    }

    /// Makes both durable: so many items of these ledger segments are in them now.
    ///
    /// # Errors
    /// [`IngestError::Catalog`], [`IngestError::Index`].
    pub fn commit(&mut self, done: &[(u32, u64)]) -> Result<(), IngestError> {
        let mut is_new = false;
        for &(segment, items) in done {
            is_new |= self.marks.insert(segment, items) != Some(items);
        }
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let marks: Vec<_> = done.iter().map(|&(s, items)| (s, Watermark { items, lines: 0 })).collect();
        self.catalog.commit(&marks)?;
        if is_new {
            index.commit(&self.marks)?;
        }
        Ok(())
    }

    /// Puts the small segments of the index together and lets both go, so that the case can be read from a read-only
    /// medium.
    ///
    /// # Errors
    /// [`IngestError::Catalog`], [`IngestError::Index`].
    pub fn close(self) -> Result<(), IngestError> {
        self.index.into_inner().unwrap_or_else(PoisonError::into_inner).condense()?;
        self.catalog.close()?;
        Ok(())
    }
}

fn make(dir: &Path) -> Result<(), IngestError> {
    fs::create_dir_all(dir).map_err(|source| IngestError::Files { path: dir.to_owned(), source })
}
