//! One segment opened for reading.

use std::sync::OnceLock;

use tantivy::columnar::{Column, ColumnarReader};
use tantivy::directory::{CompositeFile, OwnedBytes};
use tantivy::index::{Segment, SegmentComponent};
use tantivy::postings::TermInfo;
use tantivy::termdict::TermDictionary;

use super::codec::{Cursor, END};
use super::schema::{self, FIELDS, NARROW, WIDE};
use super::set::Bits;

/// One segment.
pub(super) struct Part {
    pub(super) docs: u32,
    terms: CompositeFile,
    lists: CompositeFile,
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
    pub(super) terms: TermDictionary,
    lists: OwnedBytes,
}

fn column(columns: &ColumnarReader, name: &str) -> tantivy::Result<Column<u64>> {
    let handles = columns.read_columns(name)?;
    let column =
        handles.first().map(tantivy::columnar::DynamicColumnHandle::open_u64_lenient).transpose()?.flatten();
    Ok(column.unwrap_or_else(|| Column::build_empty_column(columns.num_docs())))
}

impl Part {
    pub(super) fn open(segment: &Segment) -> tantivy::Result<Self> {
        let terms = CompositeFile::open(&segment.open_read(SegmentComponent::Terms)?)?;
        let lists = CompositeFile::open(&segment.open_read(SegmentComponent::Postings)?)?;
        let columns = ColumnarReader::open(segment.open_read(SegmentComponent::FastFields)?)?;
        let key = column(&columns, schema::KEY)?;
        let docs = segment.meta().max_doc();
        let (fields, starts) = (Default::default(), OnceLock::new());
        let (hop_starts, hop_times) = (OnceLock::new(), OnceLock::new());
        Ok(Self { docs, terms, lists, columns, key, fields, starts, hop_starts, hop_times })
    }

    pub(super) fn key(&self, doc: u32) -> Option<u64> {
        self.key.first(doc)
    }

    pub(super) fn column(&self, name: &str) -> tantivy::Result<Column<u64>> {
        column(&self.columns, name)
    }

    fn bytes(&self, number: u8) -> tantivy::Result<OwnedBytes> {
        let file = self.lists.open_read(schema::field(number));
        Ok(file.map(|f| f.read_bytes()).transpose()?.unwrap_or_else(OwnedBytes::empty))
    }

    /// A field, opened once.
    pub(super) fn field(&self, number: u8) -> tantivy::Result<&FieldReader> {
        let cell = self.fields.get(usize::from(number)).unwrap_or(&self.fields[0]);
        if let Some(field) = cell.get() {
            return Ok(field);
        }
        let terms = match self.terms.open_read(schema::field(number)) {
            Some(file) => TermDictionary::open(file)?,
            None => TermDictionary::empty(),
        };
        let lists = self.bytes(number)?;
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

    /// About how many words there are.
    pub(super) fn places(&self) -> u64 {
        let last = self.walk().ok().and_then(|w| w.starts.last().copied());
        last.map_or(0, |s| u64::from(u32::from_le_bytes(s)))
    }

    /// Adds the documents, or hops, with a hash of `kind` that begins with `prefix`, as far as hashes are kept.
    pub(super) fn hashes(&self, kind: u8, prefix: &[u8], bits: &mut Bits) -> tantivy::Result<()> {
        // The two sizes of records lie apart: where one ends and the other begins could not be told from their bytes.
        let is_wide = schema::is_wide(kind);
        let kept = if is_wide { WIDE } else { NARROW };
        let size = 1 + kept + if is_wide { 4 } else { 3 };
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
            match records.get(low * size + 1 + kept..(low + 1) * size) {
                Some(&[a, b, c]) => bits.insert(u32::from_be_bytes([0, a, b, c])),
                Some(&[a, b, c, d]) => bits.insert(u32::from_be_bytes([a, b, c, d])),
                _ => {}
            }
            low += 1;
        }
        Ok(())
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
                visit(kind.first().copied().unwrap_or_default(), number(hash), number(place) as u32);
            }
        }
        Ok(())
    }
}

impl FieldReader {
    /// Visits all terms in order, each with its list.
    pub(super) fn each_list(&self, mut visit: impl FnMut(&[u8], Cursor<'_>)) -> tantivy::Result<()> {
        let mut stream = self.terms.stream()?;
        while let Some((term, info)) = stream.next() {
            visit(term, self.list(info));
        }
        Ok(())
    }

    /// The list of a term.
    pub(super) fn list(&self, info: &TermInfo) -> Cursor<'_> {
        let bytes = self.lists.get(info.postings_range.start..).unwrap_or_default();
        Cursor::new(bytes, info.doc_freq as usize)
    }

    /// Adds the documents of a list of documents.
    pub(super) fn docs(&self, info: &TermInfo, bits: &mut Bits) {
        let mut cursor = self.list(info);
        loop {
            match cursor.next() {
                END => return,
                doc => bits.insert(doc),
            }
        }
    }

    /// All places of some terms, ascending.
    pub(super) fn places(&self, infos: &[TermInfo]) -> Vec<u32> {
        let mut out = Vec::new();
        for info in infos {
            let mut cursor = self.list(info);
            out.extend(std::iter::from_fn(|| Some(cursor.next()).filter(|&place| place != END)));
        }
        if infos.len() > 1 {
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
