//! One segment opened for reading.

use std::sync::OnceLock;

use tantivy::HasLen as _;
use tantivy::columnar::{Column, ColumnarReader};
use tantivy::directory::OwnedBytes;
use tantivy::index::{Segment, SegmentComponent};

use super::codec::{Cursor, END};
use super::dictionary::{Dictionary, ListAt, damaged};
use super::files::SegmentSections;
use super::schema::{self, FIELDS, NARROW, WIDE};
use super::set::Bits;

/// One segment.
pub(super) struct Part {
    pub(super) docs: u32,
    sections: SegmentSections,
    columns: ColumnarReader,
    key: Column<u64>,
    fields: [OnceLock<FieldReader>; FIELDS as usize],
    starts: OnceLock<OwnedBytes>,
    hop_starts: OnceLock<OwnedBytes>,
    hop_times: OnceLock<OwnedBytes>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("docs", &self.docs).finish_non_exhaustive()
    }
}

/// One field of a segment.
pub(super) struct FieldReader {
    pub(super) terms: Dictionary,
    lists: OwnedBytes,
}

pub(super) fn column(columns: &ColumnarReader, name: &str) -> tantivy::Result<Column<u64>> {
    let handles = columns.read_columns(name)?;
    let column =
        handles.first().map(tantivy::columnar::DynamicColumnHandle::open_u64_lenient).transpose()?.flatten();
    Ok(column.unwrap_or_else(|| Column::build_empty_column(columns.num_docs())))
}

impl Part {
    pub(super) fn open(segment: &Segment) -> tantivy::Result<Self> {
        let sections = SegmentSections::open(segment)?;
        let columns = ColumnarReader::open(segment.open_read(SegmentComponent::FastFields)?)?;
        let key = column(&columns, schema::KEY)?;
        let docs = segment.meta().max_doc();
        let has_docs =
            |number| Ok::<_, tantivy::TantivyError>(sections.section(number)?.len() == docs as usize * 4);
        if !has_docs(schema::STARTS)? || !has_docs(schema::HOP_STARTS)? || columns.num_docs() != docs {
            return Err(damaged());
        }
        let (fields, starts) = (Default::default(), OnceLock::new());
        let (hop_starts, hop_times) = (OnceLock::new(), OnceLock::new());
        Ok(Self { docs, sections, columns, key, fields, starts, hop_starts, hop_times })
    }

    pub(super) fn key(&self, doc: u32) -> Option<u64> {
        self.key.first(doc)
    }

    pub(super) fn column(&self, name: &str) -> tantivy::Result<Column<u64>> {
        column(&self.columns, name)
    }

    fn bytes(&self, number: u8) -> tantivy::Result<OwnedBytes> {
        Ok(self.sections.section(number)?.read_bytes()?)
    }

    /// A field, opened once.
    pub(super) fn field(&self, number: u8) -> tantivy::Result<&FieldReader> {
        let cell = self.fields.get(usize::from(number)).unwrap_or(&self.fields[0]);
        if let Some(field) = cell.get() {
            return Ok(field);
        }
        let (terms, lists) = self.sections.field(number)?;
        let lists = lists.read_bytes()?;
        Ok(cell.get_or_init(|| FieldReader { terms, lists }))
    }

    fn once<'a>(&'a self, cell: &'a OnceLock<OwnedBytes>, number: u8) -> tantivy::Result<&'a [u8]> {
        if let Some(bytes) = cell.get() {
            return Ok(bytes.as_slice());
        }
        let bytes = self.bytes(number)?;
        Ok(cell.get_or_init(|| bytes).as_slice())
    }

    /// The first place of each document.
    pub(super) fn starts(&self) -> tantivy::Result<&[[u8; 4]]> {
        Ok(self.once(&self.starts, schema::STARTS)?.as_chunks().0)
    }

    /// From places to documents.
    pub(super) fn walk(&self) -> tantivy::Result<Walk<'_>> {
        Ok(Walk { starts: self.starts()?, doc: 0 })
    }

    /// From hops to documents.
    pub(super) fn hop_walk(&self) -> tantivy::Result<Walk<'_>> {
        Ok(Walk { starts: self.hop_starts()?, doc: 0 })
    }

    /// The first hop of each document.
    pub(super) fn hop_starts(&self) -> tantivy::Result<&[[u8; 4]]> {
        Ok(self.once(&self.hop_starts, schema::HOP_STARTS)?.as_chunks().0)
    }

    /// The instant of each hop, as [`schema::hop_time_of`] reads it.
    pub(super) fn hop_times(&self) -> tantivy::Result<&[[u8; 8]]> {
        Ok(self.once(&self.hop_times, schema::HOP_TIMES)?.as_chunks().0)
    }

    /// Number of hops.
    pub(super) fn hops(&self) -> tantivy::Result<u32> {
        Ok(u32::try_from(self.hop_times()?.len()).unwrap_or(u32::MAX))
    }

    /// Number of places in all fields of words together.
    pub(super) fn places(&self) -> u64 {
        u64::from(self.sections.places)
    }

    /// Adds the documents, or hops, with a hash of `kind` that begins with `prefix`, as far as hashes are kept.
    pub(super) fn hashes(&self, kind: u8, prefix: &[u8], bits: &mut Bits) -> tantivy::Result<()> {
        // The two sizes of records lie apart: where one ends and the other begins could not be told from their bytes.
        let is_wide = schema::is_wide(kind);
        let (kept, size) = (schema::kept(kind), record_size(is_wide));
        let bytes = self.bytes(if is_wide { schema::WIDE_HASHES } else { schema::HASHES })?;
        let records = bytes.as_slice();
        let wanted = prefix.get(..prefix.len().min(kept)).unwrap_or_default();
        let head = |n: usize| {
            let record = records.get(n * size..(n + 1) * size).unwrap_or_default();
            (record.first().copied().unwrap_or_default(), record.get(1..=wanted.len()).unwrap_or_default())
        };
        let (mut low, mut high) = (0, records.len() / size);
        while low < high {
            let middle = usize::midpoint(low, high);
            if head(middle) < (kind, wanted) { low = middle + 1 } else { high = middle }
        }
        while low < records.len() / size && head(low) == (kind, wanted) {
            if let Some(number) = records.get(low * size + 1 + kept..(low + 1) * size).and_then(number_of) {
                bits.insert(number);
            }
            low += 1;
        }
        Ok(())
    }
}

/// Bytes of a record in one of the tables of hashes: kind, hash, and number of the document or hop.
pub(super) fn record_size(is_wide: bool) -> usize {
    if is_wide { 1 + WIDE + 4 } else { 1 + NARROW + 3 }
}

/// The number of a record, behind its hash.
fn number_of(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [a, b, c] => Some(u32::from_be_bytes([0, a, b, c])),
        [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    }
}

impl Part {
    /// Visits all hashes that are kept, each once: kind, the bytes kept as a number, document or hop.
    pub(super) fn each_hash(&self, mut visit: impl FnMut(u8, u64, u32)) -> tantivy::Result<()> {
        for (number, kept, place) in [(schema::HASHES, NARROW, 3), (schema::WIDE_HASHES, WIDE, 4)] {
            let bytes = self.bytes(number)?;
            let mut last: &[u8] = &[];
            for record in bytes.as_slice().chunks(1 + kept + place).filter(|&record| {
                let is_new = record != last;
                last = record;
                is_new
            }) {
                let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, &byte| n << 8 | u64::from(byte));
                let (head, place) = record.split_at(record.len().min(1 + kept));
                let (kind, hash) = head.split_at(1);
                visit(
                    kind.first().copied().unwrap_or_default(),
                    number(hash),
                    u32::try_from(number(place)).unwrap_or(u32::MAX),
                );
            }
        }
        Ok(())
    }
}

impl FieldReader {
    /// Visits all terms in order, each with its list.
    pub(super) fn each_list(&self, mut visit: impl FnMut(&[u8], Cursor<'_>)) -> tantivy::Result<()> {
        let mut terms = self.terms.all();
        while let Some((term, list)) = terms.next()? {
            visit(term, self.list(&list));
        }
        Ok(())
    }

    /// The list of a term.
    pub(super) fn list(&self, at: &ListAt) -> Cursor<'_> {
        match at {
            ListAt::One(number) => Cursor::one(*number),
            ListAt::Bytes { count, range } => {
                // The dictionary lies in one file with as many bytes of lists as it names: no range is outside.
                let end = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                let bytes = self.lists.get(end(range.start)..end(range.end)).unwrap_or_default();
                Cursor::new(bytes, *count as usize)
            }
        }
    }

    /// Adds the documents of a list of documents.
    pub(super) fn docs(&self, at: &ListAt, bits: &mut Bits) {
        let mut cursor = self.list(at);
        loop {
            match cursor.next() {
                END => return,
                doc => bits.insert(doc),
            }
        }
    }

    /// All places of some lists, ascending.
    pub(super) fn places(&self, lists: &[ListAt]) -> Vec<u32> {
        let mut out = Vec::new();
        for at in lists {
            let mut cursor = self.list(at);
            out.extend(std::iter::from_fn(|| Some(cursor.next()).filter(|&place| place != END)));
        }
        if lists.len() > 1 {
            out.sort_unstable();
        }
        out
    }
}

/// Finds the documents of ascending places.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    starts: &'a [[u8; 4]],
    doc: usize,
}

impl Walk<'_> {
    fn start(&self, doc: usize) -> u32 {
        self.starts.get(doc).map_or(END, |&s| u32::from_le_bytes(s))
    }

    /// The document of a place that is not below an earlier one, and where it ends.
    pub(super) fn doc(&mut self, place: u32) -> (u32, u32) {
        // The last document that begins at or before the place: gallop ahead, then halve.
        let mut reach = 1;
        while self.start(self.doc + reach) <= place && self.doc + reach < self.starts.len() {
            self.doc += reach;
            reach *= 2;
        }
        let mut high = (self.doc + reach).min(self.starts.len());
        while self.doc + 1 < high {
            let middle = usize::midpoint(self.doc, high);
            if self.start(middle) <= place { self.doc = middle } else { high = middle }
        }
        (u32::try_from(self.doc).unwrap_or(u32::MAX), self.start(self.doc + 1))
    }

    /// Adds the documents of ascending places.
    pub(super) fn mark(&mut self, places: impl Iterator<Item = u32>, bits: &mut Bits) {
        let mut end = 0;
        for place in places {
            if place >= end {
                let doc;
                (doc, end) = self.doc(place);
                bits.insert(doc);
            }
        }
    }
}
