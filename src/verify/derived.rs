//! Catalog and index against the blobs: what both answer is derived again from the bytes and compared.
//!
//! The bytes are read once. Each row that they give is compared column by column with the catalog's; of what the index
//! answers about each item a digest is compared (see [`crate::index::DigestKey`]). Nothing is written, and the memory
//! is that of a batch of messages and some 20 bytes for each item.

use std::sync::Arc;

use crate::case::trust;
use crate::catalog::{Catalog, CatalogError};
use crate::index::DigestKey;
use crate::ingest::{Again, Bench, IngestError, Step, Watch, workers};
use crate::store::{Reader, SegmentInfo};
use crate::types::record::Record;
use crate::types::{Finding, FindingKind};

use super::catalog::CatalogCheck;
use super::index::IndexCheck;

/// What was compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct DerivedSummary {
    /// Rows that are as the blobs give them.
    pub rows: u64,
    /// Items and children in the index.
    pub indexed: u64,
}

/// Compares catalog and index with what the blobs give.
///
/// # Errors
/// [`IngestError`] when the record itself cannot be read; all else is a finding.
pub fn verify_derived(
    reader: &Reader,
    threads: usize,
    watch: &dyn Watch,
    sink: &mut dyn FnMut(Finding),
) -> Result<DerivedSummary, IngestError> {
    verify_derived_in_rounds(reader, threads, None, watch, sink)
}

/// As [`verify_derived`], with at most so many items read at once.
///
/// # Errors
/// As [`verify_derived`].
pub fn verify_derived_in_rounds(
    reader: &Reader,
    threads: usize,
    items_at_once: Option<usize>,
    watch: &dyn Watch,
    sink: &mut dyn FnMut(Finding),
) -> Result<DerivedSummary, IngestError> {
    let segments = reader.segments()?;
    let catalog = open_catalog(reader, &segments, sink);
    let key = DigestKey::default();
    // What is said of the index comes after what is said of the catalog.
    let mut of_index = Vec::new();
    let mut index = IndexCheck::open(reader, &segments, &key, &mut |finding| of_index.push(finding))?;
    let mut catalog = catalog.as_ref().map(|catalog| CatalogCheck::new(catalog, &segments));
    let mut done = Ok(());
    if catalog.is_some() || index.is_some() {
        let rounds = Rounds { reader, threads, items_at_once, watch };
        done = rounds.compare(&segments, &key, catalog.as_mut(), index.as_mut(), sink);
    }
    let mut summary = DerivedSummary::default();
    let is_alone = catalog.is_none();
    if let Some(catalog) = catalog {
        summary.rows = catalog.finish(sink);
    }
    of_index.into_iter().for_each(&mut *sink);
    if let Some(index) = index {
        summary.indexed = index.finish(is_alone, sink);
    }
    done.map(|()| summary)
}

/// How the bytes are read again.
struct Rounds<'a> {
    reader: &'a Reader,
    threads: usize,
    items_at_once: Option<usize>,
    watch: &'a dyn Watch,
}

impl Rounds<'_> {
    fn compare(
        &self,
        segments: &[SegmentInfo],
        key: &DigestKey,
        mut catalog: Option<&mut CatalogCheck<'_>>,
        mut index: Option<&mut IndexCheck>,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), IngestError> {
        let event = index.as_ref().and_then(|index| index.trust());
        let settings = trust::settings_of(self.reader, event)?;
        let mut again = Again::new(self.reader, self.threads, true)?;
        if let Some(items) = self.items_at_once {
            again = again.in_rounds_of(items);
        }
        let bench = Bench::for_digests(workers(self.threads), &Arc::new(settings), key);
        for segment in segments {
            let items = items_of(self.reader, segment)?;
            if let Some(catalog) = &mut catalog {
                catalog.begin(segment, items, sink);
            }
            let mut derived = DerivedKeys::new(items);
            again.read(segment.number, 0, &bench, None, self.watch, &mut |step| {
                match step {
                    Step::Record(record, ordinal) => {
                        if let Some(catalog) = &mut catalog {
                            catalog.record(record, ordinal, sink)?;
                        }
                    }
                    Step::Item(row) => {
                        derived.add(row.key.item());
                        if let Some(catalog) = &mut catalog {
                            catalog.item(row, sink)?;
                        }
                    }
                    Step::Digest(key, digest) => {
                        if let Some(index) = &mut index {
                            index.item(key, digest);
                        }
                    }
                }
                Ok(())
            })?;
            if let Some(catalog) = &mut catalog {
                catalog.end(&derived, sink)?;
            }
            if let Some(index) = &mut index {
                index.end(segment, &derived);
            }
        }
        Ok(())
    }
}

/// How many rows each item of a segment gave, itself and its children; 0 for one whose bytes cannot be read.
#[derive(Debug)]
pub(super) struct DerivedKeys(Vec<u32>);

impl DerivedKeys {
    fn new(items: u64) -> Self {
        Self(vec![0; usize::try_from(items).unwrap_or_default()])
    }

    fn add(&mut self, item: u64) {
        let at = usize::try_from(item).unwrap_or(usize::MAX);
        if let Some(count) = self.0.get_mut(at) {
            *count += 1;
        }
    }

    /// Rows that an item gave; `None` beyond the last item of the segment.
    pub(super) fn of(&self, item: u64) -> Option<u32> {
        self.0.get(usize::try_from(item).ok()?).copied()
    }
}

fn open_catalog(reader: &Reader, segments: &[SegmentInfo], sink: &mut dyn FnMut(Finding)) -> Option<Catalog> {
    let path = reader.layout().catalog();
    let (kind, detail) = match Catalog::open(&path) {
        Ok(catalog) => return Some(catalog),
        Err(CatalogError::Open { .. }) if !path.exists() => {
            if !segments.iter().any(has_items) {
                return None;
            }
            (FindingKind::CatalogMissing, "there is no catalog".to_owned())
        }
        Err(error @ CatalogError::OtherVersion { .. }) => {
            (FindingKind::CatalogOtherVersion, format!("{error}; run `mailtrail rebuild`"))
        }
        Err(error) => (FindingKind::CatalogUnreadable, said(&error)),
    };
    sink(catalog_finding(kind, detail, vec![]));
    None
}

/// Whether there may be items in a segment.
pub(super) fn has_items(segment: &SegmentInfo) -> bool {
    segment.closed().is_none_or(|closed| closed.items > 0)
}

/// Number of committed items of a segment, which a segment that was never closed does not say.
pub(super) fn items_of(reader: &Reader, segment: &SegmentInfo) -> Result<u64, IngestError> {
    if let Some(closed) = segment.closed() {
        return Ok(closed.items);
    }
    let mut items = 0;
    for record in reader.records(segment.number, 0)? {
        items += u64::from(matches!(record?.1, Record::Item(_) | Record::File(_)));
    }
    Ok(items)
}

pub(super) fn catalog_finding(kind: FindingKind, detail: String, hits: Vec<String>) -> Finding {
    Finding { kind, file: "derived/catalog.sqlite".to_owned(), offset: None, detail, hits }
}

/// How far something derived lags behind the `items` of a segment, in words.
pub(super) fn behind(items: u64, have: u64) -> Option<String> {
    (have < items).then(|| format!("{have} of {items} items"))
}

pub(super) fn counted(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// An error and its causes in one sentence.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
