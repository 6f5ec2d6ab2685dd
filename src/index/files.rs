//! The two files of a segment that hold terms and lists, in sections, and the table that says how long each is.
//!
//! tantivy's own table of sections has no checksum: a changed byte there would move a list. Ours, with the number of
//! places before the lengths, stands in a section of its own and is compared with it when a segment is opened.

#![expect(clippy::cast_possible_truncation, reason = "fields are numbered below 256")]

use std::io::{self, Write};

use tantivy::HasLen as _;
use tantivy::directory::{CompositeFile, CompositeWrite, FileSlice};
use tantivy::index::{Segment, SegmentComponent};
use zstd::bulk::Compressor;

use super::dictionary::{self, Dictionary, damaged};
use super::dictionary_write::{DictionaryWriter, packer};
use super::schema::{self, FIELDS, HASHES, HOP_STARTS, HOP_TIMES, SECTIONS, STARTS, WIDE_HASHES};

/// Sections beside the lists of the fields.
const TABLES: [u8; 5] = [STARTS, HOP_STARTS, HOP_TIMES, HASHES, WIDE_HASHES];

/// Most bytes of the table of lengths.
const MOST_TABLE: u64 = 1 << 10;

/// The files of a segment while they are written: every field once, in order, then every table.
pub(super) struct SegmentFiles {
    terms: CompositeWrite,
    lists: CompositeWrite,
    packer: Compressor<'static>,
    places: u32,
    /// How long each section is, in the order of their numbers.
    term_lengths: Vec<u64>,
    list_lengths: Vec<u64>,
}

impl SegmentFiles {
    /// `places` is the number of places in all fields of words together.
    pub(super) fn create(segment: &Segment, places: u32) -> tantivy::Result<Self> {
        Ok(Self {
            terms: CompositeWrite::wrap(segment.open_write(SegmentComponent::Terms)?),
            lists: CompositeWrite::wrap(segment.open_write(SegmentComponent::Postings)?),
            packer: packer()?,
            places,
            term_lengths: Vec::new(),
            list_lengths: Vec::new(),
        })
    }

    /// Writes the next field: `fill` gets its dictionary, and where its lists go.
    pub(super) fn field(
        &mut self,
        fill: impl FnOnce(&mut DictionaryWriter<'_, Section<'_>>, &mut Section<'_>) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        let field = schema::field(self.term_lengths.len() as u8);
        let mut terms = Section { out: self.terms.for_field(field), len: 0 };
        let mut lists = Section { out: self.lists.for_field(field), len: 0 };
        let mut writer = DictionaryWriter::new(&mut terms, &mut self.packer);
        fill(&mut writer, &mut lists)?;
        writer.finish()?;
        self.term_lengths.push(terms.len);
        self.list_lengths.push(lists.len);
        Ok(())
    }

    /// Writes the next of [`TABLES`].
    pub(super) fn table(
        &mut self,
        fill: impl FnOnce(&mut Section<'_>) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        let at = self.list_lengths.len() - usize::from(FIELDS);
        let number = TABLES.get(at).copied().unwrap_or(SECTIONS);
        let mut out = Section { out: self.lists.for_field(schema::field(number)), len: 0 };
        fill(&mut out)?;
        self.list_lengths.push(out.len);
        Ok(())
    }

    /// Writes the table of lengths and closes both files.
    pub(super) fn close(mut self) -> tantivy::Result<()> {
        let mut table = u64::from(self.places).to_le_bytes().to_vec();
        for len in self.term_lengths.iter().chain(&self.list_lengths) {
            table.extend_from_slice(&len.to_le_bytes());
        }
        let packed = self.packer.compress(&table)?;
        let out = self.lists.for_field(schema::field(SECTIONS));
        out.write_all(&packed)?;
        out.write_all(&dictionary::seal(&packed))?;
        self.terms.close()?;
        self.lists.close()?;
        Ok(())
    }
}

/// Where the bytes of a section go, counted.
pub(super) struct Section<'a> {
    out: &'a mut dyn Write,
    len: u64,
}

impl Write for Section<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The files of a segment opened for reading.
#[derive(Debug)]
pub(super) struct SegmentSections {
    terms: CompositeFile,
    lists: CompositeFile,
    /// Places in all fields of words together.
    pub(super) places: u32,
}

impl SegmentSections {
    /// Opens both files and compares the length of every section with the table.
    ///
    /// # Errors
    /// `DataCorruption` when a section is missing or has another length.
    pub(super) fn open(segment: &Segment) -> tantivy::Result<Self> {
        let terms = CompositeFile::open(&segment.open_read(SegmentComponent::Terms)?)?;
        let lists = CompositeFile::open(&segment.open_read(SegmentComponent::Postings)?)?;
        let mut opened = Self { terms, lists, places: 0 };
        let table = dictionary::unsealed(opened.section(SECTIONS)?.read_bytes()?.as_slice(), MOST_TABLE)?;
        let mut wanted = table.as_chunks::<8>().0.iter().map(|&len| u64::from_le_bytes(len));
        let places = wanted.next().and_then(|places| u32::try_from(places).ok());
        opened.places = places.ok_or_else(damaged)?;
        for number in 0..FIELDS {
            let file = opened.terms.open_read(schema::field(number)).ok_or_else(damaged)?;
            if wanted.next() != Some(file.len() as u64) {
                return Err(damaged());
            }
        }
        for number in (0..FIELDS).chain(TABLES) {
            if wanted.next() != Some(opened.section(number)?.len() as u64) {
                return Err(damaged());
            }
        }
        if wanted.next().is_some() { Err(damaged()) } else { Ok(opened) }
    }

    /// The lists of a field, or a table.
    pub(super) fn section(&self, number: u8) -> tantivy::Result<FileSlice> {
        self.lists.open_read(schema::field(number)).ok_or_else(damaged)
    }

    /// The dictionary of a field and its lists.
    pub(super) fn field(&self, number: u8) -> tantivy::Result<(Dictionary, FileSlice)> {
        let file = self.terms.open_read(schema::field(number)).ok_or_else(damaged)?;
        let (terms, lists) = (Dictionary::open(file)?, self.section(number)?);
        if terms.lists() == lists.len() as u64 { Ok((terms, lists)) } else { Err(damaged()) }
    }
}
