//! A case opened for writing, and the events by which it tells what was set, added and handed out.

use std::path::Path;

use crate::route::Settings;
use crate::store::{CaseInfo, Head, Run, StoreError, Writer};
use crate::types::CustodyEvent;

use super::{keys, trust};

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

    /// Names the recipient's own servers and networks; what was named before no longer counts.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn set_trust(&mut self, settings: &Settings) -> Result<Head, StoreError> {
        self.store.commit_event(&CustodyEvent::TrustSet(trust::words(settings)))
    }

    /// Puts a key file into the case, all of it.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn add_key_file(&mut self, path: &[u8], note: Option<&str>, text: &[u8]) -> Result<Head, StoreError> {
        self.store.commit_event(&keys::event(path, note, text))
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

/// Tells the custody log of what was handed out of the case, and lets the case go. What was handed out is there all the same when
/// that cannot be done: the case may lie on a read-only medium, somebody may be writing to it, or its record may be damaged.
///
/// # Errors
/// As [`Writer::open`] and [`Writer::commit`].
pub fn tell(dir: &Path, run: &Run, event: &CustodyEvent) -> Result<Head, StoreError> {
    let mut case = CaseWriter::open(dir, run)?;
    case.store.commit_event(event)?;
    case.close()
}
