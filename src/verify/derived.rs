//! Catalog and index against the blobs: every row is derived again and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, CatalogError, CatalogWriter, SourceRow};
use crate::export::item::{Extra, Teller, write};
use crate::index::{IndexError, IndexReader};
use crate::ingest::{Again, Bench, IngestError, Step, Watch};
use crate::store::{Reader, SegmentInfo};
use crate::types::record::Record;
use crate::types::{Finding, FindingKind, ItemKey, SourceId};

/// Rows that are derived again before they are compared.
const CHUNK: usize = 20_000;

/// What was compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct DerivedSummary {
    /// Rows that are as the blobs give them.
    pub rows: u64,
    /// Items and children in the index.
    pub indexed: u64,
}

/// Compares catalog and index with what the blobs give. `scratch` is a folder for a small catalog made anew; nothing is
/// written to the case.
///
/// # Errors
/// [`IngestError`] when the record itself cannot be read; all else is a finding.
pub fn verify_derived(
    reader: &Reader,
    threads: usize,
    scratch: &Path,
    watch: &dyn Watch,
    sink: &mut dyn FnMut(Finding),
) -> Result<DerivedSummary, IngestError> {
    verify_derived_in_chunks(reader, threads, scratch, CHUNK, watch, sink)
}

/// As [`verify_derived`], comparing after `rows_at_once` rows.
///
/// # Errors
/// As [`verify_derived`].
pub fn verify_derived_in_chunks(
    reader: &Reader,
    threads: usize,
    scratch: &Path,
    rows_at_once: usize,
    watch: &dyn Watch,
    sink: &mut dyn FnMut(Finding),
) -> Result<DerivedSummary, IngestError> {
    let mut summary = DerivedSummary::default();
    let mut keys = Keys::default();
    match Catalog::open(&reader.layout().catalog()) {
        Ok(catalog) => {
            rows(reader, &catalog, threads, scratch, rows_at_once, watch, sink, &mut summary, &mut keys)?;
        }
        Err(CatalogError::Open { .. }) if !reader.layout().catalog().exists() => {
            if reader.segments()?.iter().any(|s| s.closed().is_none_or(|c| c.items > 0)) {
                sink(catalog_finding(FindingKind::CatalogMissing, "there is no catalog".to_owned(), vec![]));
            }
        }
        Err(error @ CatalogError::OtherVersion { .. }) => {
            let detail = format!("{error}; run `mailtrail rebuild`");
            sink(catalog_finding(FindingKind::CatalogOtherVersion, detail, vec![]));
        }
        Err(error) => sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![])),
    }
    index(reader, &keys, sink, &mut summary)?;
    Ok(summary)
}

/// Which rows and index entries there should be.
#[derive(Debug, Default)]
struct Keys {
    /// Of items and children that the blobs give.
    derived: BTreeSet<u64>,
    /// Of items of the ledger whose bytes cannot be read, so that nobody knows which children they have.
    unread: BTreeSet<u64>,
    /// For each segment the number of items that are in the catalog.
    upto: BTreeMap<u32, u64>,
}

impl Keys {
    /// Whether this is an item that could not be read again, or a child of one.
    fn is_unread(&self, key: ItemKey) -> bool {
        self.unread.contains(&key.message().as_u64())
    }
}

fn catalog_finding(kind: FindingKind, detail: String, hits: Vec<String>) -> Finding {
    Finding { kind, file: "derived/catalog.sqlite".to_owned(), offset: None, detail, hits }
}

fn index_finding(kind: FindingKind, detail: String, hits: Vec<String>) -> Finding {
    Finding { kind, file: "derived/index".to_owned(), offset: None, detail, hits }
}

fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// How far something derived lags behind the `items` of a segment, in words.
fn behind(items: u64, have: u64) -> Option<String> {
    (have < items).then(|| format!("{have} of {items} items"))
}

/// Number of committed items of a segment, which a segment that was never closed does not say.
fn items_of(reader: &Reader, segment: &SegmentInfo) -> Result<u64, IngestError> {
    if let Some(closed) = segment.closed() {
        return Ok(closed.items);
    }
    let mut items = 0;
    for record in reader.records(segment.number, 0)? {
        items += u64::from(matches!(record?.1, Record::Item(_) | Record::File(_)));
    }
    Ok(items)
}

#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
fn rows(
    reader: &Reader,
    catalog: &Catalog,
    threads: usize,
    scratch: &Path,
    rows_at_once: usize,
    watch: &dyn Watch,
    sink: &mut dyn FnMut(Finding),
    summary: &mut DerivedSummary,
    keys: &mut Keys,
) -> Result<(), IngestError> {
    let again = Again::new(reader, threads, true)?;
    let bench = Bench::plain(threads);
    for segment in reader.segments()? {
        let have = catalog.source(segment.number).map_or(0, |s| s.derived.items);
        keys.upto.insert(segment.number, have);
        let items = items_of(reader, &segment)?;
        if let Some(detail) = behind(items, have) {
            sink(catalog_finding(FindingKind::CatalogMissing, detail, vec![segment.source().to_string()]));
        }
        match catalog.source(segment.number).map(SourceRow::source_id) {
            Some(id) if id == segment.source() || segment.closed().is_none() => {}
            // The import was cut off between the last line of the ledger and the catalog.
            None | Some(SourceId::Pending(_)) if have > 0 && behind(items, have).is_none() => {
                let detail = "the source is not closed in the catalog".to_owned();
                sink(catalog_finding(
                    FindingKind::CatalogMissing,
                    detail,
                    vec![segment.source().to_string()],
                ));
            }
            None | Some(SourceId::Pending(_)) => {}
            Some(SourceId::Known(_)) => {
                let detail = "the catalog has another id for the source".to_owned();
                sink(catalog_finding(
                    FindingKind::CatalogMismatch,
                    detail,
                    vec![segment.source().to_string()],
                ));
            }
        }
        let mut chunk = Chunk::new(scratch, segment.number);
        let mut expected = Vec::new();
        again.read(segment.number, 0, &bench, None, watch, &mut |step| {
            match step {
                Step::Record(record, ordinal) => chunk.writer()?.record(segment.number, ordinal, record)?,
                Step::Item(row) if row.key.item() < have => {
                    chunk.writer()?.add_item(row)?;
                    expected.push(row.key);
                    if expected.len() >= rows_at_once {
                        compare(catalog, &mut chunk, &mut expected, sink, summary, keys)?;
                    }
                }
                Step::Item(_) => {}
            }
            Ok(())
        })?;
        compare(catalog, &mut chunk, &mut expected, sink, summary, keys)?;
        let unread: Vec<ItemKey> = (0..have.min(items))
            .filter_map(|n| ItemKey::new(segment.number, n, 0))
            .filter(|key| !keys.derived.contains(&key.as_u64()))
            .collect();
        keys.unread.extend(unread.iter().map(|key| key.as_u64()));
        let not_compared = extra_rows(catalog, segment.number, keys, sink);
        if !unread.is_empty() {
            let detail = format!(
                "{} and {} of the catalog could not be compared: the bytes cannot be read",
                counted(unread.len() as u64, "item"),
                counted(not_compared, "row"),
            );
            let hits = unread.iter().map(|&key| item_name(catalog, segment.number, key)).collect();
            sink(catalog_finding(FindingKind::NotCompared, detail, hits));
        }
    }
    Ok(())
}

/// A catalog made anew for some rows; its containers stay, its items go from chunk to chunk.
struct Chunk {
    path: PathBuf,
    segment: u32,
    writer: Option<CatalogWriter>,
}

impl Chunk {
    fn new(scratch: &Path, segment: u32) -> Self {
        Self { path: scratch.join(format!("verify-{segment}.sqlite")), segment, writer: None }
    }

    fn writer(&mut self) -> Result<&mut CatalogWriter, CatalogError> {
        if self.writer.is_none() {
            fs::remove_file(&self.path).unwrap_or_default();
            self.writer = Some(CatalogWriter::open(&self.path)?);
        }
        self.writer.as_mut().ok_or(CatalogError::Damaged { key: 0 })
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.writer = None;
        fs::remove_file(&self.path).unwrap_or_default();
    }
}

/// Compares the rows of a chunk as the objects that outputs show, and begins the next chunk.
fn compare(
    catalog: &Catalog,
    chunk: &mut Chunk,
    expected: &mut Vec<ItemKey>,
    sink: &mut dyn FnMut(Finding),
    summary: &mut DerivedSummary,
    keys: &mut Keys,
) -> Result<(), IngestError> {
    if expected.is_empty() {
        return Ok(());
    }
    let segment = chunk.segment;
    chunk.writer()?.commit(&[])?;
    let anew = Catalog::open(&chunk.path)?;
    let (mut want, mut got) = (Vec::new(), Vec::new());
    let tellers = (Teller::new(&anew), Teller::new(catalog));
    for &key in &*expected {
        keys.derived.insert(key.as_u64());
        want.clear();
        got.clear();
        let extra = Extra { schema: "", ..Extra::default() };
        let mut blobs = (None, None);
        anew.each([key], |row| -> Result<(), CatalogError> {
            write(&mut want, row, &tellers.0.tell(row)?, &extra);
            blobs.0 = row.blob(&anew)?;
            Ok(())
        })?;
        let found = catalog.each([key], |row| -> Result<(), CatalogError> {
            write(&mut got, row, &tellers.1.tell(row)?, &extra);
            blobs.1 = row.blob(catalog)?;
            Ok(())
        });
        // The id of the source stands in the source's own row, which was compared before.
        let same = strip_source(&want) == strip_source(&got) && blobs.0 == blobs.1;
        match found {
            Ok(()) if same => summary.rows += 1,
            Ok(()) => {
                let what =
                    if got.is_empty() { "the row is missing" } else { "the row differs from the blob" };
                let id = item_name(catalog, segment, key);
                sink(catalog_finding(FindingKind::CatalogMismatch, what.to_owned(), vec![id]));
            }
            Err(error) => {
                let id = item_name(catalog, segment, key);
                sink(catalog_finding(FindingKind::CatalogMismatch, said(&error), vec![id]));
            }
        }
    }
    expected.clear();
    drop(tellers);
    drop(anew);
    chunk.writer()?.remove_items(segment)?;
    Ok(())
}

/// The object with ids taken out that depend on whether the source is closed.
fn strip_source(object: &[u8]) -> Option<crate::types::json::Value> {
    let mut value = crate::types::json::read(object)?;
    let map = value.as_object_mut()?;
    for key in ["container", "item", "parent", "source"] {
        map.remove(key);
    }
    Some(value)
}

fn item_name(catalog: &Catalog, segment: u32, key: ItemKey) -> String {
    let mut name = format!("item {} of ledger segment {segment}", key.item() + 1);
    let named = catalog.each([key], |row| -> Result<(), CatalogError> {
        name = catalog.item_id(row).to_string();
        Ok(())
    });
    drop(named);
    name
}

fn counted(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Tells of rows that no blob gives; answers how many rows belong to items that could not be read again.
fn extra_rows(catalog: &Catalog, segment: u32, keys: &Keys, sink: &mut dyn FnMut(Finding)) -> u64 {
    let mut not_compared = 0;
    let from = ItemKey::new(segment, 0, 0).unwrap_or_default();
    let to = ItemKey::new(segment + 1, 0, 0).unwrap_or(ItemKey::from_u64(u64::MAX >> 1));
    let walked = catalog.range(from, to, |row| -> Result<std::ops::ControlFlow<()>, CatalogError> {
        if row.key.segment() != segment || keys.derived.contains(&row.key.as_u64()) {
            return Ok(std::ops::ControlFlow::Continue(()));
        }
        if keys.is_unread(row.key) {
            not_compared += 1;
        } else {
            let id = catalog.item_id(row).to_string();
            let detail = "the row stands for no item of the ledger".to_owned();
            sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![id]));
        }
        Ok(std::ops::ControlFlow::Continue(()))
    });
    if let Err(error) = walked {
        sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![]));
    }
    not_compared
}

/// The set of items in the index, and the checksums of its files.
fn index(
    reader: &Reader,
    keys: &Keys,
    sink: &mut dyn FnMut(Finding),
    summary: &mut DerivedSummary,
) -> Result<(), IngestError> {
    let segments = reader.segments()?;
    let index = match IndexReader::open(&reader.layout().index()) {
        Ok(index) => index,
        Err(error @ IndexError::OtherVersion { .. }) => {
            let detail = format!("{error}; run `mailtrail rebuild`");
            sink(index_finding(FindingKind::IndexOtherVersion, detail, vec![]));
            return Ok(());
        }
        Err(error) => {
            let is_there = reader.layout().index().join("meta.json").exists();
            let kind = if is_there { FindingKind::IndexMismatch } else { FindingKind::IndexMissing };
            if is_there || segments.iter().any(|s| s.closed().is_none_or(|c| c.items > 0)) {
                sink(index_finding(kind, said(&error), vec![]));
            }
            return Ok(());
        }
    };
    for segment in &segments {
        let have = index.watermarks().get(&segment.number).copied().unwrap_or(0);
        if let Some(detail) = behind(items_of(reader, segment)?, have) {
            sink(index_finding(FindingKind::IndexMissing, detail, vec![segment.source().to_string()]));
        }
    }
    match index.damaged_files() {
        Ok(files) => {
            for file in files {
                let detail = "the file does not have its checksum".to_owned();
                let mut finding = index_finding(FindingKind::IndexMismatch, detail, vec![]);
                finding.file = format!("derived/index/{}", file.display());
                sink(finding);
            }
        }
        Err(error) => sink(index_finding(FindingKind::IndexMismatch, said(&error), vec![])),
    }
    match index.keys(&index.all()) {
        Ok(found) => {
            summary.indexed = found.len() as u64;
            // What one of the two lags behind the ledger has its own finding.
            let below = |marks: &BTreeMap<u32, u64>, key: u64| {
                let key = ItemKey::from_u64(key);
                key.item() < marks.get(&key.segment()).copied().unwrap_or(0)
            };
            let found = found.into_iter().filter(|&key| !keys.is_unread(key));
            let found: BTreeSet<u64> = found.map(ItemKey::as_u64).collect();
            let missing = keys.derived.difference(&found).filter(|&&key| below(index.watermarks(), key));
            let missing = missing.count();
            let extra = found.difference(&keys.derived).filter(|&&key| below(&keys.upto, key)).count();
            // Without a catalog there is nothing to compare with; that is a finding of its own.
            if !keys.derived.is_empty() && (missing > 0 || extra > 0) {
                let detail = format!("{missing} items are missing, {extra} stand for no item of the ledger");
                sink(index_finding(FindingKind::IndexMismatch, detail, vec![]));
            }
        }
        Err(error) => sink(index_finding(FindingKind::IndexMismatch, said(&error), vec![])),
    }
    Ok(())
}
