//! The catalog against the bytes and the lines of the ledger: every table that an output rests on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::catalog::{Catalog, CatalogError, ContainerRow, ItemRow, NoteRow, SourceRow, TableCounts, labels};
use crate::ingest::IngestError;
use crate::store::SegmentInfo;
use crate::types::record::Record;
use crate::types::{Anomaly, Finding, FindingKind, ItemKey, RelPath, SourceId};

use super::columns::LogicalRow;
use super::derived::{DerivedKeys, behind, catalog_finding, counted, said};

/// Compares the catalog while the record is read.
#[derive(Debug)]
pub(super) struct CatalogCheck<'a> {
    catalog: &'a Catalog,
    known: BTreeSet<u32>,
    segment: Option<Segment>,
    rows: u64,
    want: LogicalRow,
    got: LogicalRow,
}

/// The segment that is being compared.
#[derive(Debug)]
struct Segment {
    number: u32,
    source: String,
    items: u64,
    /// Its first items, whose rows are there.
    have: u64,
    /// Whether everything of it must be there.
    is_whole: bool,
    open: BTreeMap<u32, ContainerRow>,
    lines: TableCounts,
}

impl Segment {
    /// Tells of a row that a line of the ledger gives, when it is not there or not the same.
    fn line(
        &self,
        (what, path): (&str, Cow<'_, str>),
        is_same: Result<Option<bool>, CatalogError>,
        sink: &mut dyn FnMut(Finding),
    ) {
        let detail = match is_same {
            Ok(Some(true)) => return,
            Ok(Some(false)) => format!("{what} differs from the ledger: {path}"),
            Ok(None) if !self.is_whole => return,
            Ok(None) => format!("{what} is missing: {path}"),
            Err(error) => format!("{what} is damaged: {path}: {}", said(&error)),
        };
        sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![self.source.clone()]));
    }
}

fn note_rows(notes: &[Anomaly]) -> Vec<NoteRow> {
    let row = |note: &Anomaly| NoteRow {
        code: Arc::from(note.kind.code()),
        kind: Some(note.kind),
        at: note.at,
        detail: note.detail.as_deref().map(str::to_owned),
        of_source: true,
    };
    notes.iter().map(row).collect()
}

/// The row that a line of the ledger gives, as far as the line says.
fn container_row(segment: u32, next_item: u64, record: &Record) -> Option<ContainerRow> {
    let (number, kind, path) = match record {
        Record::Container(r) => (r.container, &r.kind, &r.path),
        Record::File(r) => (r.container, &r.kind, &r.path),
        _ => return None,
    };
    let mut row = ContainerRow {
        segment,
        number,
        kind: kind.clone(),
        path: path.clone(),
        first_item: next_item,
        items: None,
        size: None,
        sha256: None,
        reason: None,
        error: None,
        notes: Vec::new(),
        internal: None,
        labels: None,
    };
    if let Record::File(file) = record {
        (row.items, row.size) = (Some(1), Some(file.size));
        row.internal = file.server.as_ref().and_then(|server| server.internal()).map(|(at, _)| at);
        row.labels = file.server.as_ref().and_then(|server| labels(server));
    }
    Some(row)
}

impl<'a> CatalogCheck<'a> {
    pub(super) fn new(catalog: &'a Catalog, segments: &[SegmentInfo]) -> Self {
        let known = segments.iter().map(|segment| segment.number).collect();
        let (want, got) = (LogicalRow::default(), LogicalRow::default());
        Self { catalog, known, segment: None, rows: 0, want, got }
    }

    /// Begins a segment of `items` committed items.
    pub(super) fn begin(&mut self, segment: &SegmentInfo, items: u64, sink: &mut dyn FnMut(Finding)) {
        let source = segment.source().to_string();
        let row = self.catalog.source(segment.number);
        let have = row.map_or(0, |row| row.derived.items);
        let mut tell = |kind, detail: String| sink(catalog_finding(kind, detail, vec![source.clone()]));
        let is_behind = behind(items, have);
        if let Some(detail) = &is_behind {
            tell(FindingKind::CatalogMissing, detail.clone());
        } else if have > items {
            let detail = format!("it says that {have} items are in it, the ledger has {items}");
            tell(FindingKind::CatalogMismatch, detail);
        }
        let mut is_whole = is_behind.is_none();
        match row.map(SourceRow::source_id) {
            Some(id) if id == segment.source() || segment.closed().is_none() => {}
            // The import was cut off between the last line of the ledger and the catalog.
            None | Some(SourceId::Pending(_)) => {
                if have > 0 && is_whole {
                    tell(FindingKind::CatalogMissing, "the source is not closed in the catalog".to_owned());
                }
                is_whole = false;
            }
            Some(SourceId::Known(_)) => {
                let detail = "the catalog has another id for the source".to_owned();
                tell(FindingKind::CatalogMismatch, detail);
            }
        }
        if let Some(row) = row {
            let differ = source_differences(row, segment, is_whole);
            if !differ.is_empty() {
                let detail = format!("the row of the source differs from the ledger: {}", differ.join(", "));
                tell(FindingKind::CatalogMismatch, detail);
            }
        }
        let (open, lines) = Default::default();
        self.segment = Some(Segment { number: segment.number, source, items, have, is_whole, open, lines });
    }

    /// Compares what a line of the ledger gives that is no item of a container; `next_item` is the place that the next
    /// item has.
    pub(super) fn record(
        &mut self,
        record: &Record,
        next_item: u64,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), IngestError> {
        let Some(segment) = &mut self.segment else { return Err(IngestError::Worker) };
        let number = segment.number;
        match record {
            Record::Container(_) => {
                segment.lines.containers += 1;
                let row = container_row(number, next_item, record);
                segment.open.extend(row.map(|row| (row.number, row)));
            }
            Record::File(_) => {
                segment.lines.containers += 1;
                if let Some(row) = container_row(number, next_item, record) {
                    self.container(&row, false, sink)?;
                }
            }
            Record::End(end) => {
                if let Some(mut row) = segment.open.remove(&end.container) {
                    row.items = Some(end.items);
                    row.size = Some(end.size);
                    // Of the others the ledger alone has it.
                    let is_odd = end.reason.is_some() || end.error.is_some();
                    row.sha256 = is_odd.then_some(end.sha256);
                    row.reason.clone_from(&end.reason);
                    row.error.clone_from(&end.error);
                    row.notes = note_rows(&end.notes);
                    self.container(&row, false, sink)?;
                }
            }
            Record::Entry(entry) => {
                segment.lines.entries += 1;
                let found = self.catalog.entry(number, &entry.path);
                let is_same =
                    |(kind, note): &(String, Option<Vec<u8>>)| *kind == entry.kind && *note == entry.note;
                let what = ("the row of what was not read", text_of(&entry.path));
                segment.line(what, found.map(|found| found.as_ref().map(is_same)), sink);
            }
            Record::Folder(folder) => {
                segment.lines.folders += 1;
                let found = self.catalog.folder_name(number, folder.path.as_bytes());
                let what = ("the row of a folder", text_of(&folder.path));
                segment.line(what, found.map(|found| found.map(|name| *name == *folder.name)), sink);
            }
            Record::Source(_) | Record::Account(_) | Record::Item(_) | Record::Gap(_) | Record::Closed(_) => {
            }
        }
        Ok(())
    }

    fn container(
        &mut self,
        want: &ContainerRow,
        is_open: bool,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), IngestError> {
        let Some(segment) = &self.segment else { return Err(IngestError::Worker) };
        let name = format!("{}-{}", segment.source, want.number);
        let found = match self.catalog.container(want.segment, want.number) {
            Ok(found) => found,
            Err(error) => {
                sink(catalog_finding(FindingKind::CatalogMismatch, said(&error), vec![name]));
                return Ok(());
            }
        };
        let Some(found) = found else {
            if segment.is_whole || want.first_item < segment.have {
                let detail = format!("the row of a container is missing: {}", text_of(&want.path));
                sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![name]));
            }
            return Ok(());
        };
        // The catalog may have been cut off before the container's end came to it.
        let is_open = is_open || (!segment.is_whole && found.items.is_none());
        self.want.take_container(want, is_open);
        self.got.take_container(&found, is_open);
        let differ = self.want.differences(&self.got);
        if !differ.is_empty() {
            let detail = format!("the row of a container differs from the ledger: {}", differ.join(", "));
            sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![name]));
        }
        Ok(())
    }

    /// Compares what the bytes of an item or child give.
    pub(super) fn item(
        &mut self,
        row: &ItemRow<'_>,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), IngestError> {
        let Self { catalog, want, got, rows, .. } = self;
        let Some(segment) = &self.segment else { return Err(IngestError::Worker) };
        if row.key.item() >= segment.have {
            return Ok(());
        }
        want.take_item(row);
        let mut is_there = false;
        let found = catalog.each([row.key], |found| {
            is_there = true;
            got.take_row(found, catalog)
        });
        let detail = match found {
            Err(error) => said(&error),
            Ok(()) if !is_there => "the row is missing".to_owned(),
            Ok(()) => {
                let differ = want.differences(got);
                if differ.is_empty() {
                    *rows += 1;
                    return Ok(());
                }
                format!("the row differs from the blob: {}", differ.join(", "))
            }
        };
        let id = item_name(catalog, row.key);
        sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![id]));
        Ok(())
    }

    /// Ends the segment: what the catalog has beyond it is told.
    pub(super) fn end(
        &mut self,
        derived: &DerivedKeys,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<(), IngestError> {
        let open = self.segment.as_mut().map(|segment| std::mem::take(&mut segment.open));
        for row in open.unwrap_or_default().into_values() {
            self.container(&row, true, sink)?;
        }
        let Some(segment) = self.segment.take() else { return Err(IngestError::Worker) };
        let counts = self.catalog.counts(segment.number).unwrap_or_else(|error| {
            sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![segment.source.clone()]));
            TableCounts::default()
        });
        let TableCounts { containers, entries, folders } = segment.lines;
        for (what, have, want) in [
            ("containers", counts.containers, containers),
            ("rows of what was not read", counts.entries, entries),
            ("folders", counts.folders, folders),
        ] {
            if have > want {
                let detail = format!("it has {have} {what} of a source of which the ledger has {want}");
                sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![segment.source.clone()]));
            }
        }
        let unread: Vec<ItemKey> = (0..segment.have.min(segment.items))
            .filter(|&item| derived.of(item) == Some(0))
            .filter_map(|item| ItemKey::new(segment.number, item, 0))
            .collect();
        let mut not_compared = 0;
        let from = ItemKey::new(segment.number, 0, 0).unwrap_or_default();
        let to = ItemKey::new(segment.number.saturating_add(1), 0, 0)
            .map_or(u64::MAX >> 1, |key| key.as_u64() - 1);
        self.each_row(from, ItemKey::from_u64(to), sink, &mut |key| match derived.of(key.item()) {
            Some(0) => {
                not_compared += 1;
                false
            }
            Some(count) => key.child() >= count,
            None => true,
        });
        if !unread.is_empty() {
            let detail = format!(
                "{} and {} of the catalog could not be compared: the bytes cannot be read",
                counted(unread.len() as u64, "item"),
                counted(not_compared, "row"),
            );
            let hits = unread.iter().map(|&key| item_name(self.catalog, key)).collect();
            sink(catalog_finding(FindingKind::NotCompared, detail, hits));
        }
        Ok(())
    }

    /// Visits the rows of a range of keys, and tells of those that `is_extra`.
    fn each_row(
        &self,
        from: ItemKey,
        to: ItemKey,
        sink: &mut dyn FnMut(Finding),
        is_extra: &mut dyn FnMut(ItemKey) -> bool,
    ) {
        let walked = self.catalog.range(from, to, |row| -> Result<ControlFlow<()>, CatalogError> {
            if is_extra(row.key()) {
                let id = self.catalog.item_id(row).to_string();
                let detail = "the row stands for no item of the ledger".to_owned();
                sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![id]));
            }
            Ok(ControlFlow::Continue(()))
        });
        if let Err(error) = walked {
            sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![]));
        }
    }

    /// Tells of what is of no segment of the ledger. Answers the number of rows that are as the bytes give them.
    pub(super) fn finish(self, sink: &mut dyn FnMut(Finding)) -> u64 {
        let named = self.catalog.segments_named().unwrap_or_else(|error| {
            sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![]));
            Vec::new()
        });
        for segment in named {
            if !u32::try_from(segment).is_ok_and(|segment| self.known.contains(&segment)) {
                let detail = format!("it speaks of ledger segment {segment}, which the record does not have");
                sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![]));
            }
        }
        match self.catalog.odd_columns() {
            Ok(odd) if odd.is_empty() => {}
            Ok(odd) => {
                let detail = format!("it holds values that no writer puts there: {}", odd.join(", "));
                sink(catalog_finding(FindingKind::CatalogMismatch, detail, vec![]));
            }
            Err(error) => sink(catalog_finding(FindingKind::CatalogUnreadable, said(&error), vec![])),
        }
        // The rows between the segments that the ledger has.
        let mut next = ItemKey::default();
        let last = ItemKey::from_u64(u64::MAX >> 1);
        for &segment in &self.known {
            let first = ItemKey::new(segment, 0, 0).unwrap_or(last);
            if let Some(before) = first.as_u64().checked_sub(1).filter(|&before| before >= next.as_u64()) {
                self.each_row(next, ItemKey::from_u64(before), sink, &mut |_| true);
            }
            next = ItemKey::new(segment.saturating_add(1), 0, 0).unwrap_or(last);
        }
        self.each_row(next, last, sink, &mut |_| true);
        self.rows
    }
}

/// Names of the columns in which the row of a source is not what the ledger says; the id is compared by itself.
fn source_differences(row: &SourceRow, segment: &SegmentInfo, is_whole: bool) -> Vec<&'static str> {
    let mut out = Vec::new();
    let mut check = |name, is_same: bool| {
        if !is_same {
            out.push(name);
        }
    };
    match segment.closed() {
        Some(closed) if is_whole => check("full id", row.id == Some(closed.id)),
        Some(_) => {}
        None => check("closed", row.id.is_none()),
    }
    check("watermark", row.derived.lines == 0);
    out
}

/// A path as text for people.
fn text_of(path: &RelPath) -> Cow<'_, str> {
    String::from_utf8_lossy(path.as_bytes())
}

fn item_name(catalog: &Catalog, key: ItemKey) -> String {
    let mut name = format!("item {} of ledger segment {}", key.item() + 1, key.segment());
    // When its row cannot be read either, the place is its name.
    catalog
        .each([key], |row| -> Result<(), CatalogError> {
            name = catalog.item_id(row).to_string();
            Ok(())
        })
        .unwrap_or_default();
    name
}
