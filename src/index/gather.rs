//! Postings in memory, and their way into the files of a segment.
//!
//! While documents come, nothing but the numbers of their terms is kept, in the order of the text, four bytes
//! each: a word's place in that stream is its position. At the flush counting sorts turn the stream into ascending
//! places for each term, in as many passes as memory asks for. That is several times cheaper than a growing list for
//! every term. Columns, files and commits are tantivy's; terms are written by [`super::dictionary`], lists by
//! [`super::codec`].

#![expect(
    clippy::cast_possible_truncation,
    reason = "a flush comes long before 2^32 words or documents are held"
)]

use std::io::{self, Write as _};

use tantivy::columnar::ColumnarWriter;
use tantivy::directory::TerminatingWrite as _;
use tantivy::index::{Segment, SegmentComponent};

use super::codec;
use super::dictionary_write::DictionaryWriter;
use super::files::{Section, SegmentFiles};
use super::schema::{self, FACT, FIELDS, HOP};
use super::terms::Terms;

/// Places sorted in one pass: 32 MB of them.
const PASS: usize = 8 << 20;

/// What has been gathered since the last flush.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) terms: Terms,
    /// Words in the order of the text.
    pub(super) stream: Vec<u32>,
    /// Words and gaps in the stream.
    places: u32,
    /// Terms that are no words, document after document with [`GAP`] at each end.
    pub(super) facts: Vec<u32>,
    /// Terms of hops, hop after hop with [`GAP`] at each end.
    pub(super) hop_facts: Vec<u32>,
    /// The instant of each hop, as [`schema::hop_time`] gives it.
    pub(super) hop_times: Vec<i64>,
    /// Hashes of what is looked up whole, with their documents, or hops: kind, 7 bytes of the hash.
    pub(super) hashes: Vec<(u64, u32)>,
    pub(super) docs: Vec<Doc>,
}

/// The numbers kept for each document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doc {
    pub(super) key: u64,
    pub(super) date: Option<i64>,
    pub(super) size: u64,
    /// Place of its first word.
    pub(super) start: u32,
    /// Number of its first hop.
    pub(super) hop: u32,
}

/// The number that no term has: between stretches, so that phrases do not run across, and between documents.
const GAP: u32 = 0;

impl Gather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            terms: Terms::new(seed),
            stream: Vec::new(),
            places: 0,
            facts: Vec::new(),
            hop_facts: Vec::new(),
            hop_times: Vec::new(),
            hashes: Vec::new(),
            docs: Vec::new(),
        }
    }

    /// Begins the next document.
    pub(super) fn begin(&mut self, doc: Doc) {
        self.gap();
        if !self.docs.is_empty() {
            self.facts.push(GAP);
        }
        self.docs.push(Doc { start: self.places, hop: self.hop_times.len() as u32, ..doc });
    }

    /// Begins the next hop of the document.
    pub(super) fn begin_hop(&mut self, time: i64) {
        if !self.hop_times.is_empty() {
            self.hop_facts.push(GAP);
        }
        self.hop_times.push(time);
    }

    /// The next word.
    #[inline]
    pub(super) fn word(&mut self, field: u8, buffer: &[u8], at: usize, len: usize) {
        let id = self.terms.id(field, buffer, at, len);
        self.stream.push(id + 1);
        self.places += 1;
    }

    /// The next words, at most [`super::terms::TOGETHER`], as start and length in the buffer.
    #[inline]
    pub(super) fn words(&mut self, field: u8, buffer: &[u8], runs: &[(u32, u32)]) {
        let Self { terms, stream, .. } = self;
        terms.ids(field, buffer, runs, |id| stream.push(id + 1));
        self.places += runs.len() as u32;
    }

    /// Keeps phrases from running on.
    pub(super) fn gap(&mut self) {
        self.stream.push(GAP);
        self.places += 1;
    }

    /// A term that is no word. The buffer gets its padding here.
    pub(super) fn fact(&mut self, term: &mut Vec<u8>) {
        let len = term.len().min(super::words::LONGEST);
        term.resize(len + super::words::PADDING, 0);
        let id = self.terms.id(FACT, term, 0, len);
        self.facts.push(id + 1);
    }

    /// A term of the hop. The buffer gets its padding here.
    pub(super) fn hop_fact(&mut self, term: &mut Vec<u8>) {
        let len = term.len().min(super::words::LONGEST);
        term.resize(len + super::words::PADDING, 0);
        let id = self.terms.id(HOP, term, 0, len);
        self.hop_facts.push(id + 1);
    }

    /// A digest that the document is found by, or the hop when the kind is one of hops; `hash` is its first bytes.
    pub(super) fn hash(&mut self, kind: u8, hash: [u8; 7]) {
        let [a, b, c, d, e, f, g] = hash;
        let count = if schema::kind::is_of_hops(kind) { self.hop_times.len() } else { self.docs.len() };
        let number = count.saturating_sub(1) as u32;
        self.hashes.push((u64::from_be_bytes([kind, a, b, c, d, e, f, g]), number));
    }

    /// Number of hops.
    pub(super) fn hops(&self) -> u32 {
        self.hop_times.len() as u32
    }

    /// Number of documents.
    pub(super) fn docs(&self) -> u32 {
        self.docs.len() as u32
    }

    /// Bytes of memory that the flush will have needed at its peak.
    pub(super) fn memory(&self) -> usize {
        let sorting = (self.places as usize).min(PASS) * 4 + self.terms.len() * 12;
        (self.stream.len() + self.facts.len() + self.hop_facts.len()) * 4
            + self.hop_times.len() * 8
            + self.hashes.len() * 16
            + self.docs.len() * 48
            + sorting
            + self.terms.memory()
    }

    /// Writes all files of a segment and forgets everything but the memory.
    pub(super) fn write(&mut self, segment: &Segment) -> tantivy::Result<()> {
        let order = self.terms.sorted();
        let mut files = SegmentFiles::create(segment, self.places)?;
        let counts = self.counts();
        let mut sorter = Sorter { counts, cursors: vec![u32::MAX; self.terms.len()], places: Vec::new() };
        let mut rest = order.as_slice();
        for number in 0..FIELDS {
            let here = rest.iter().take_while(|&&id| self.terms.field(id) == number).count();
            let (ids, after) = rest.split_at(here);
            rest = after;
            files.field(|dictionary, lists| {
                Ok(self.write_field(number, ids, &mut sorter, dictionary, lists)?)
            })?;
        }
        drop(sorter);
        files.table(|out| {
            Ok(self.docs.iter().try_for_each(|doc| out.write_all(&doc.start.to_le_bytes()))?)
        })?;
        files
            .table(|out| Ok(self.docs.iter().try_for_each(|doc| out.write_all(&doc.hop.to_le_bytes()))?))?;
        files.table(|out| {
            Ok(self.hop_times.iter().try_for_each(|time| out.write_all(&time.to_le_bytes()))?)
        })?;
        self.hashes.sort_unstable();
        self.hashes.dedup();
        // Wide kinds come after all others.
        let wide = self.hashes.partition_point(|(hash, _)| !schema::is_wide(hash.to_be_bytes()[0]));
        let (narrow, wide) = self.hashes.split_at(wide);
        files.table(|out| {
            for (hash, doc) in narrow {
                let doc = doc.to_be_bytes();
                debug_assert!(doc[0] == 0, "a segment has fewer than 2^24 documents");
                out.write_all(&hash.to_be_bytes()[..=schema::NARROW])?;
                out.write_all(&doc[1..])?;
            }
            Ok(())
        })?;
        files.table(|out| {
            for (hash, number) in wide {
                out.write_all(&hash.to_be_bytes())?;
                out.write_all(&number.to_be_bytes())?;
            }
            Ok(())
        })?;
        files.close()?;
        self.write_columns(segment)?;
        self.clear();
        Ok(())
    }

    /// How often each term came.
    fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0u32; self.terms.len() + 1];
        for &number in self.stream.iter().chain(&self.facts).chain(&self.hop_facts) {
            counts[number as usize] += 1;
        }
        counts.remove(GAP as usize);
        counts
    }

    fn write_field(
        &self,
        number: u8,
        ids: &[u32],
        sorter: &mut Sorter,
        dictionary: &mut DictionaryWriter<'_, Section<'_>>,
        out: &mut Section<'_>,
    ) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut from = 0;
        while from < ids.len() {
            let mut total = 0;
            let mut to = from;
            while let Some(&id) = ids.get(to) {
                let more = sorter.count(id);
                if to > from && total + more > PASS {
                    break;
                }
                total += more;
                to += 1;
            }
            let pass = ids.get(from..to).unwrap_or_default();
            let (stream, is_words) = match number {
                FACT => (&self.facts, false),
                HOP => (&self.hop_facts, false),
                _ => (&self.stream, true),
            };
            sorter.sort(stream, !is_words, pass, total);
            let mut at = 0;
            for &id in pass {
                let count = sorter.count(id);
                let list = sorter.places.get_mut(at..at + count).unwrap_or_default();
                at += count;
                let list = if is_words { list } else { distinct(list) };
                if let [only] = list {
                    dictionary.one(self.terms.term(id), *only)?;
                    continue;
                }
                buffer.clear();
                codec::encode(list, &mut buffer);
                out.write_all(&buffer)?;
                dictionary.many(self.terms.term(id), list.len() as u32, buffer.len() as u64)?;
            }
            from = to;
        }
        Ok(())
    }

    fn write_columns(&self, segment: &Segment) -> io::Result<()> {
        let mut writer = ColumnarWriter::default();
        for (name, kind) in schema::columns() {
            writer.record_column_type(&name, kind, false);
        }
        for (number, doc) in (0u32..).zip(&self.docs) {
            writer.record_numerical(number, schema::KEY, doc.key);
            writer.record_numerical(number, schema::SIZE, doc.size);
            if let Some(date) = doc.date {
                writer.record_numerical(number, schema::DATE, schema::date_number(date));
            }
        }
        let mut out = segment.open_write(SegmentComponent::FastFields).map_err(io::Error::other)?;
        writer.serialize(self.docs(), None, &mut out)?;
        out.terminate()
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.terms.clear();
        self.stream.clear();
        self.places = 0;
        self.facts.clear();
        self.hop_facts.clear();
        self.hop_times.clear();
        self.hashes.clear();
        self.docs.clear();
    }
}

/// Takes out neighbours that are equal.
fn distinct(list: &mut [u32]) -> &[u32] {
    let mut kept = 0;
    for at in 0..list.len() {
        if kept == 0 || list[at] != list[kept - 1] {
            list[kept] = list[at];
            kept += 1;
        }
    }
    &list[..kept]
}

/// One counting sort after the other, over the same memory.
struct Sorter {
    /// How often each term came.
    counts: Vec<u32>,
    /// For each term of the pass the slot of its next place; `u32::MAX` for all others.
    cursors: Vec<u32>,
    places: Vec<u32>,
}

impl Sorter {
    fn count(&self, id: u32) -> usize {
        self.counts.get(id as usize).copied().unwrap_or_default() as usize
    }

    /// Puts the places of the terms of `pass` one term after the other; in the stream of facts, their documents.
    fn sort(&mut self, stream: &[u32], facts: bool, pass: &[u32], total: usize) {
        let mut next = 0;
        for &id in pass {
            self.cursors[id as usize] = next;
            next += self.counts[id as usize];
        }
        self.places.resize(total.max(self.places.len()), 0);
        let (cursors, places) = (&mut self.cursors, &mut self.places);
        let mut place = 0u32;
        for &number in stream {
            // Facts count documents or hops, words count places; a gap ends the one and takes one of the other.
            if number != GAP {
                let cursor = &mut cursors[number as usize - 1];
                if *cursor != u32::MAX {
                    places[*cursor as usize] = place;
                    *cursor += 1;
                }
            }
            place += u32::from(!facts || number == GAP);
        }
        for &id in pass {
            self.cursors[id as usize] = u32::MAX;
        }
    }
}
