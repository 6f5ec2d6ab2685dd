//! A case opened for reading: record, catalog and index together.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::auth::KeyFile;
use crate::catalog::{Catalog, Row};
use crate::index::IndexReader;
use crate::query::{self, Case, Hits, MessageReader, Options, Order};
use crate::store::{Reader, StoreError};

use super::recorded::recorded_catalog;
use super::sources::labels;
use super::{CaseError, ItemBytesError, item, keys, trust};

/// Record, catalog and index of a case, opened for reading. Nothing in it changes the case. Each thread opens its own:
/// the catalog shares what it has read by counts that only one thread may touch.
#[derive(Debug)]
pub struct CaseReader {
    /// The record.
    pub reader: Reader,
    /// Facts of the items.
    pub catalog: Catalog,
    /// Words of the items.
    pub index: IndexReader,
}

impl CaseReader {
    /// Opens the case in `dir`.
    ///
    /// # Errors
    /// [`CaseError::Store`] when there is no case that this program reads, [`CaseError::Catalog`] and
    /// [`CaseError::Index`] when what is derived from it is not there or damaged, [`CaseError::Unrecorded`].
    pub fn open(dir: &Path) -> Result<Self, CaseError> {
        let reader = Reader::open(dir)?;
        let catalog = recorded_catalog(dir)?;
        let index = IndexReader::open(&reader.layout().index())?;
        Ok(Self { reader, catalog, index })
    }

    /// What a query is asked of.
    pub fn as_case(&self) -> Case<'_> {
        Case { catalog: &self.catalog, index: &self.index, messages: Some(self) }
    }

    /// How to answer `query`; `limit` is the most hits that are handed over, `zone` where days begin. Labels of sources
    /// are read from the custody log when a condition of the query is about a source, and only then.
    ///
    /// # Errors
    /// [`CaseError::Query`], [`CaseError::Store`].
    pub fn options(
        &self,
        query: &str,
        order: Order,
        limit: Option<usize>,
        zone: TimeZone,
    ) -> Result<Options, CaseError> {
        self.options_of(query, Options { order, limit, zone, ..Options::default() })
    }

    /// The same options with the labels of sources, when a condition of the query is about a source.
    ///
    /// # Errors
    /// [`CaseError::Query`], [`CaseError::Store`].
    pub fn options_of(&self, query: &str, options: Options) -> Result<Options, CaseError> {
        let asks = query::asks_for_source(query, options.language)?;
        let labels = if asks { labels(&self.reader)? } else { Vec::new() };
        Ok(Options { labels, ..options })
    }

    /// Answers a query with options of [`Self::options`].
    ///
    /// # Errors
    /// [`CaseError::Query`] with the column of what is wrong; the others when catalog or index cannot be read.
    pub fn search(&self, query: &str, options: &Options) -> Result<Hits, CaseError> {
        Ok(query::search(self.as_case(), query, options)?)
    }

    /// The recipient's side as the examiner named it, and the event that did.
    ///
    /// # Errors
    /// [`StoreError`] when the custody log cannot be read.
    pub fn settings(&self) -> Result<trust::Named, StoreError> {
        trust::settings(&self.reader)
    }

    /// The key files of the case with their text, in the order they were added.
    ///
    /// # Errors
    /// [`StoreError`] when the custody log cannot be read.
    pub fn key_files(&self) -> Result<Vec<(KeyFile, Vec<u8>)>, StoreError> {
        keys::files(&self.reader)
    }

    /// The message of an item, un-escaped by the container's rule; of a child its decoded bytes.
    ///
    /// # Errors
    /// [`ItemBytesError`].
    pub fn message(&self, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
        item::message(&self.reader, &self.catalog, row)
    }
}

impl MessageReader for CaseReader {
    fn message(&self, row: &Row<'_>) -> Option<Vec<u8>> {
        item::message(&self.reader, &self.catalog, row).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_is_read_can_be_sent_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<CaseReader>();
    }
}
