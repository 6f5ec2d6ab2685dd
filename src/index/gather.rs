//! Postings in memory, and their way into the files of a segment.
//!
//! While documents come, nothing but the numbers of their terms is kept, in the order of the text: a term's place in
//! the stream is its position. At the flush one counting sort turns the stream into postings. That is several times
//! cheaper than a list for every term, needs 4 bytes a word, and gives tantivy's own serializer what it asks for.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a flush comes long before 2^32 words or documents are held"
)]

use std::io;

use tantivy::columnar::{ColumnType, ColumnarWriter};
use tantivy::fieldnorm::FieldNormsSerializer;
use tantivy::index::{Segment, SegmentComponent};
use tantivy::postings::{FieldSerializer, InvertedIndexSerializer};
use tantivy::store::{Compressor, StoreWriter};

use super::schema::{self, FACT, FIELDS};
use super::terms::Terms;

/// A place in the stream that no word takes: phrases do not run across it.
const GAP: u32 = u32::MAX;

/// Tokens for which the section of the first one is kept, to find sections fast.
const STEP: usize = 256;

/// What has been gathered since the last flush.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) terms: Terms,
    /// Numbers of the words, in the order of the text.
    stream: Vec<u32>,
    /// Where sections begin in the stream, and of which document they are.
    sections: Vec<Section>,
    /// Numbers of the terms that are no words.
    facts: Vec<u32>,
    fact_sections: Vec<Section>,
    columns: Vec<Columns>,
}

/// A stretch of the stream: one field of one document. Positions count from its start.
#[derive(Clone, Copy, Debug, Default)]
struct Section {
    start: u32,
    doc: u32,
}

/// The numbers kept for each document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) key: u64,
    pub(super) date: Option<i64>,
    pub(super) size: u64,
}

impl Gather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            terms: Terms::new(seed),
            stream: Vec::new(),
            sections: Vec::new(),
            facts: Vec::new(),
            fact_sections: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Begins the next document.
    pub(super) fn begin(&mut self, columns: Columns) {
        self.columns.push(columns);
        let start = self.facts.len() as u32;
        self.fact_sections.push(Section { start, doc: self.doc() });
    }

    fn doc(&self) -> u32 {
        self.columns.len().saturating_sub(1) as u32
    }

    /// Begins a field of the document; words follow.
    pub(super) fn section(&mut self) {
        let start = self.stream.len() as u32;
        self.sections.push(Section { start, doc: self.doc() });
    }

    /// The next word.
    #[inline]
    pub(super) fn word(&mut self, field: u8, buffer: &[u8], at: usize, len: usize) {
        let id = self.terms.id(field, buffer, at, len);
        self.stream.push(id);
    }

    /// Keeps phrases from running on.
    pub(super) fn gap(&mut self) {
        self.stream.push(GAP);
    }

    /// A term that is no word. The buffer gets its padding here.
    pub(super) fn fact(&mut self, term: &mut Vec<u8>) {
        let len = term.len().min(super::words::LONGEST);
        term.resize(len + super::words::PADDING, 0);
        let id = self.terms.id(FACT, term, 0, len);
        self.facts.push(id);
    }

    /// Number of documents.
    pub(super) fn docs(&self) -> u32 {
        self.columns.len() as u32
    }

    /// Bytes of memory that the flush will have needed at its peak.
    pub(super) fn memory(&self) -> usize {
        let sections = (self.sections.len() + self.fact_sections.len()) * size_of::<Section>();
        // Once for the stream, once for its sorted form.
        (self.stream.len() + self.facts.len()) * 8 + sections + self.columns.len() * 64 + self.terms.memory()
    }

    /// Writes all files of a segment and forgets everything but the memory.
    pub(super) fn write(&mut self, segment: &Segment) -> tantivy::Result<()> {
        let order = self.terms.sorted();
        let mut serializer = InvertedIndexSerializer::open(segment)?;
        let words = Sorted::new(&self.stream, &self.sections, self.terms.len(), &order);
        let facts = Sorted::new(&self.facts, &self.fact_sections, self.terms.len(), &order);
        let mut rest = order.as_slice();
        for number in 0..FIELDS {
            let here = rest.iter().take_while(|&&id| self.terms.field(id) == number).count();
            let (ids, after) = rest.split_at(here);
            rest = after;
            let source = if number == FACT { &facts } else { &words };
            let total: u64 = ids.iter().map(|&id| u64::from(source.count(id))).sum();
            let mut field = serializer.new_field(schema::field(number), total, None)?;
            let mut lists = Lists::default();
            for &id in ids {
                if number == FACT {
                    field.new_term(self.terms.term(id), 0, false)?;
                    source.docs(id, &mut field);
                } else {
                    lists.fill(source, id);
                    field.new_term(self.terms.term(id), lists.docs.len() as u32, true)?;
                    lists.write(&mut field);
                }
                field.close_term()?;
            }
            field.close()?;
        }
        drop((words, facts));
        serializer.close()?;
        self.write_columns(segment)?;
        let norms = segment.open_write(SegmentComponent::FieldNorms)?;
        FieldNormsSerializer::from_write(norms)?.close()?;
        let store = segment.open_write(SegmentComponent::Store)?;
        StoreWriter::new(store, Compressor::None, 16_384, false)?.close()?;
        self.clear();
        Ok(())
    }

    fn write_columns(&self, segment: &Segment) -> io::Result<()> {
        let mut writer = ColumnarWriter::default();
        for name in [schema::KEY, schema::SIZE, schema::DATE] {
            writer.record_column_type(name, ColumnType::U64, false);
        }
        for (doc, columns) in (0u32..).zip(&self.columns) {
            writer.record_numerical(doc, schema::KEY, columns.key);
            writer.record_numerical(doc, schema::SIZE, columns.size);
            if let Some(date) = columns.date {
                writer.record_numerical(doc, schema::DATE, schema::date_number(date));
            }
        }
        let mut out = segment.open_write(SegmentComponent::FastFields).map_err(io::Error::other)?;
        writer.serialize(self.docs(), None, &mut out)?;
        tantivy::directory::TerminatingWrite::terminate(out)
    }

    fn clear(&mut self) {
        self.terms.clear();
        self.stream.clear();
        self.sections.clear();
        self.facts.clear();
        self.fact_sections.clear();
        self.columns.clear();
    }
}

/// A stream sorted by term, and within a term by place.
struct Sorted<'a> {
    sections: &'a [Section],
    /// For every [`STEP`]th place of the stream, the section it is in.
    steps: Vec<u32>,
    /// Just past the last place of each term in `places`.
    ends: Vec<u32>,
    counts: Vec<u32>,
    places: Vec<u32>,
}

impl<'a> Sorted<'a> {
    fn new(stream: &[u32], sections: &'a [Section], terms: usize, order: &[u32]) -> Self {
        let mut counts = vec![0u32; terms];
        for &id in stream {
            if let Some(count) = counts.get_mut(id as usize) {
                *count += 1;
            }
        }
        let mut ends = vec![0u32; terms];
        let mut total = 0u32;
        for &id in order {
            ends[id as usize] = total;
            total += counts[id as usize];
        }
        let mut places = vec![0u32; total as usize];
        for (place, &id) in (0u32..).zip(stream) {
            if let Some(end) = ends.get_mut(id as usize) {
                places[*end as usize] = place;
                *end += 1;
            }
        }
        let mut steps = Vec::with_capacity(stream.len() / STEP + 1);
        let mut section = 0;
        for place in (0..stream.len()).step_by(STEP) {
            while sections.get(section + 1).is_some_and(|s| s.start as usize <= place) {
                section += 1;
            }
            steps.push(section as u32);
        }
        Self { sections, steps, ends, counts, places }
    }

    fn count(&self, id: u32) -> u32 {
        self.counts.get(id as usize).copied().unwrap_or_default()
    }

    fn places(&self, id: u32) -> &[u32] {
        let end = self.ends.get(id as usize).copied().unwrap_or_default();
        self.places.get((end - self.count(id)) as usize..end as usize).unwrap_or_default()
    }

    /// The section of a place that is not before the section numbered `from`.
    #[inline]
    fn section(&self, place: u32, from: u32) -> u32 {
        let mut section = from.max(self.steps.get(place as usize / STEP).copied().unwrap_or_default());
        while self.sections.get(section as usize + 1).is_some_and(|s| s.start <= place) {
            section += 1;
        }
        section
    }

    fn docs(&self, id: u32, field: &mut FieldSerializer<'_>) {
        let (mut last, mut section) = (u32::MAX, 0);
        for &place in self.places(id) {
            section = self.section(place, section);
            let doc = self.sections[section as usize].doc;
            if doc != last {
                field.write_doc(doc, 0, &[]);
                last = doc;
            }
        }
    }
}

/// The postings of one term.
#[derive(Default)]
struct Lists {
    /// Documents, each with the end of its deltas.
    docs: Vec<(u32, u32)>,
    /// Positions, as differences within a document.
    deltas: Vec<u32>,
}

impl Lists {
    fn fill(&mut self, sorted: &Sorted<'_>, id: u32) {
        self.docs.clear();
        self.deltas.clear();
        let (mut doc, mut section, mut last, mut next) = (u32::MAX, 0, 0, 0);
        let mut start = 0;
        for &place in sorted.places(id) {
            if place >= next {
                section = sorted.section(place, section);
                let here = sorted.sections[section as usize];
                next = sorted.sections.get(section as usize + 1).map_or(u32::MAX, |s| s.start);
                start = here.start;
                if here.doc != doc {
                    if doc != u32::MAX {
                        self.docs.push((doc, self.deltas.len() as u32));
                    }
                    doc = here.doc;
                    last = 0;
                }
            }
            let position = place - start;
            self.deltas.push(position - last);
            last = position;
        }
        if doc != u32::MAX {
            self.docs.push((doc, self.deltas.len() as u32));
        }
    }

    fn write(&self, field: &mut FieldSerializer<'_>) {
        let mut from = 0;
        for &(doc, end) in &self.docs {
            let deltas = self.deltas.get(from as usize..end as usize).unwrap_or_default();
            field.write_doc(doc, end - from, deltas);
            from = end;
        }
    }
}
