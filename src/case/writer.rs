//! A case opened for writing by whoever adds evidence or makes anew what is derived from it.

use std::path::Path;

use crate::store::{CaseInfo, Head, Run, StoreError, Writer};
use crate::types::CustodyEvent;

/// A case opened for writing; it holds the lock until it is dropped.
#[derive(Debug)]
pub struct CaseWriter {
    /// The record, for those who add evidence.
    pub store: Writer,
}

impl CaseWriter {
    /// Makes a case in `dir`.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub fn create(dir: &Path, info: &CaseInfo, run: &Run) -> Result<Self, StoreError> {
        Ok(Self { store: Writer::create(dir, info, run)? })
    }

    /// Opens the case in `dir`.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open(dir: &Path, run: &Run) -> Result<Self, StoreError> {
        Ok(Self { store: Writer::open(dir, run)? })
    }

    /// Tells that catalog and index were made anew from so many items.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn rebuilt(&mut self, items: u64) -> Result<Head, StoreError> {
        self.store.commit_event(&CustodyEvent::Rebuilt { items })
    }

    /// Lets the case go.
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close(self) -> Result<Head, StoreError> {
        self.store.close()
    }
}
