//! Segments put together into one: the same documents in the same order, one dictionary, one list for each term.
//!
//! All that is read is read once from front to back and all that is written is written so: memory is one list at a
//! time, whatever the segments hold. Files are read, not mapped, so that they do not count as memory either.

#![expect(clippy::cast_possible_truncation, reason = "what is put together has fewer than 2^32 places")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write as _;

use tantivy::columnar::{ColumnarReader, MergeRowOrder, StackMergeOrder, merge_columnar};
use tantivy::directory::{FileSlice, OwnedBytes, TerminatingWrite as _};
use tantivy::index::{Segment, SegmentComponent};
use tantivy::{HasLen as _, TantivyError};

use super::codec::{self, Cursor, END};
use super::dictionary::{Dictionary, ListAt, Terms, damaged};
use super::dictionary_write::DictionaryWriter;
use super::files::{Section, SegmentFiles, SegmentSections};
use super::part::record_size;
use super::schema::{
    self, FACT, FIELDS, HASHES, HOP, HOP_STARTS, HOP_TIMES, NARROW, STARTS, WIDE, WIDE_HASHES,
};

/// Bytes of a section that are read at once.
const READ: usize = 64 << 10;

/// Numbers of one term that are held as numbers; more are coded from the lists twice.
const HELD: usize = 1 << 20;

/// What a segment adds to the numbers of those behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) docs: u32,
    pub(super) places: u32,
    pub(super) hops: u32,
}

impl Sizes {
    /// Both together; `None` when that is more than one segment can hold.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let sum = |a: u32, b: u32, most: u32| a.checked_add(b).filter(|&sum| sum <= most);
        Some(Self {
            docs: sum(self.docs, other.docs, MOST_DOCS)?,
            places: sum(self.places, other.places, MOST_PLACES)?,
            hops: sum(self.hops, other.hops, MOST_PLACES)?,
        })
    }
}

/// Their numbers take three bytes in the table of hashes.
const MOST_DOCS: u32 = 1 << 23;

/// So that the bits of one list, also of a word that is all there is, can be counted with 32 bits.
const MOST_PLACES: u32 = 1 << 30;

/// A segment that is put together with others.
pub(super) struct Piece {
    sections: SegmentSections,
    columns: ColumnarReader,
    pub(super) sizes: Sizes,
    /// Key of its first document.
    pub(super) first: u64,
}

impl Piece {
    pub(super) fn open(segment: &Segment) -> tantivy::Result<Self> {
        let sections = SegmentSections::open(segment)?;
        let columns = ColumnarReader::open(segment.open_read(SegmentComponent::FastFields)?)?;
        let docs = segment.meta().max_doc();
        let starts = sections.section(STARTS)?.len();
        if starts != docs as usize * 4 || columns.num_docs() != docs || docs == 0 {
            return Err(damaged());
        }
        let first = super::part::column(&columns, schema::KEY)?.first(0).ok_or_else(damaged)?;
        let hops = u32::try_from(sections.section(HOP_TIMES)?.len() / 8).map_err(|_| damaged())?;
        let sizes = Sizes { docs, places: sections.places, hops };
        Ok(Self { sections, columns, sizes, first })
    }
}

/// Writes the documents of `pieces`, one piece behind the other, as the files of `segment`.
///
/// # Errors
/// [`TantivyError::DataCorruption`] when a piece is damaged; nothing then counts.
pub(super) fn merge(pieces: &[Piece], segment: &Segment) -> tantivy::Result<u32> {
    let mut offsets = vec![Sizes::default()];
    for piece in pieces {
        let sum = offsets.last().copied().unwrap_or_default().plus(piece.sizes);
        offsets
            .push(sum.ok_or_else(|| TantivyError::InvalidArgument("too many places to merge".to_owned()))?);
    }
    let all = offsets.pop().unwrap_or_default();
    let mut files = SegmentFiles::create(segment, all.places)?;
    for number in 0..FIELDS {
        let opened: Vec<_> = pieces.iter().map(|p| p.sections.field(number)).collect::<Result<_, _>>()?;
        let before: Vec<u32> = offsets
            .iter()
            .map(|sizes| match number {
                FACT => sizes.docs,
                HOP => sizes.hops,
                _ => sizes.places,
            })
            .collect();
        files.field(|dictionary, lists| merge_field(&opened, &before, dictionary, lists))?;
    }
    let each = |number: u8| pieces.iter().map(move |p| p.sections.section(number));
    files.table(|out| {
        for (file, sizes) in each(STARTS).zip(&offsets) {
            copy_shifted(&file?, sizes.places, out)?;
        }
        Ok(())
    })?;
    files.table(|out| {
        for (file, sizes) in each(HOP_STARTS).zip(&offsets) {
            copy_shifted(&file?, sizes.hops, out)?;
        }
        Ok(())
    })?;
    files.table(|out| {
        for file in each(HOP_TIMES) {
            let mut from = Stream::new(file?);
            while !from.is_empty() {
                let len = from.left().min(READ);
                out.write_all(from.take(len)?)?;
            }
        }
        Ok(())
    })?;
    for is_wide in [false, true] {
        files.table(|out| {
            let tables: Vec<_> =
                each(if is_wide { WIDE_HASHES } else { HASHES }).collect::<Result<_, _>>()?;
            merge_hashes(tables, &offsets, is_wide, out)
        })?;
    }
    files.close()?;
    let columns: Vec<&ColumnarReader> = pieces.iter().map(|p| &p.columns).collect();
    let mut out = segment.open_write(SegmentComponent::FastFields)?;
    let order = MergeRowOrder::Stack(StackMergeOrder::stack(&columns));
    merge_columnar(&columns, &schema::columns(), order, &mut out)?;
    out.terminate()?;
    Ok(all.docs)
}

/// A section read from front to back.
struct Stream {
    file: FileSlice,
    /// Where what was read ends.
    to: usize,
    read: OwnedBytes,
    at: usize,
    joined: Vec<u8>,
}

impl Stream {
    fn new(file: FileSlice) -> Self {
        Self { file, to: 0, read: OwnedBytes::empty(), at: 0, joined: Vec::new() }
    }

    fn left(&self) -> usize {
        self.file.len() - self.to + self.read.len() - self.at
    }

    fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// The next `len` bytes.
    fn take(&mut self, len: usize) -> tantivy::Result<&[u8]> {
        if len > self.left() {
            return Err(damaged());
        }
        if self.at + len <= self.read.len() {
            self.at += len;
            return Ok(self.read.get(self.at - len..self.at).unwrap_or_default());
        }
        self.joined.clear();
        self.joined.extend_from_slice(self.read.get(self.at..).unwrap_or_default());
        let rest = len - self.joined.len();
        let to = (self.to + rest.max(READ)).min(self.file.len());
        self.read = self.file.slice(self.to..to).read_bytes()?;
        (self.to, self.at) = (to, rest);
        self.joined.extend_from_slice(self.read.get(..rest).unwrap_or_default());
        Ok(&self.joined)
    }
}

/// Copies numbers of four bytes, each with `shift` added.
fn copy_shifted(file: &FileSlice, shift: u32, out: &mut Section<'_>) -> tantivy::Result<()> {
    let mut from = Stream::new(file.clone());
    let mut buffer = Vec::with_capacity(READ);
    while !from.is_empty() {
        let len = from.left().min(READ);
        buffer.clear();
        for &number in from.take(len)?.as_chunks::<4>().0 {
            let number = u32::from_le_bytes(number).checked_add(shift).ok_or_else(damaged)?;
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        out.write_all(&buffer)?;
    }
    Ok(())
}

/// Puts tables of hashes together: by hash, then by piece.
fn merge_hashes(
    tables: Vec<FileSlice>,
    offsets: &[Sizes],
    is_wide: bool,
    out: &mut Section<'_>,
) -> tantivy::Result<()> {
    let size = record_size(is_wide);
    let head = 1 + if is_wide { WIDE } else { NARROW };
    let mut tables: Vec<Stream> = tables.into_iter().map(Stream::new).collect();
    let mut heap = BinaryHeap::new();
    let next = |table: &mut Stream| -> tantivy::Result<Option<Vec<u8>>> {
        if table.is_empty() { Ok(None) } else { Ok(Some(table.take(size)?.to_vec())) }
    };
    for (number, table) in tables.iter_mut().enumerate() {
        if let Some(record) = next(table)? {
            heap.push(Reverse((record.get(..head).unwrap_or_default().to_vec(), number, record)));
        }
    }
    while let Some(Reverse((hash, number, record))) = heap.pop() {
        let sizes = offsets.get(number).copied().unwrap_or_default();
        let is_of_hops = hash.first().copied().is_some_and(schema::kind::is_of_hops);
        let mut four = [0u8; 4];
        let tail = record.get(head..).unwrap_or_default();
        if let Some(to) = four.get_mut(4 - tail.len()..) {
            to.copy_from_slice(tail);
        }
        let shift = if is_of_hops { sizes.hops } else { sizes.docs };
        let shifted = u32::from_be_bytes(four).checked_add(shift).ok_or_else(damaged)?.to_be_bytes();
        out.write_all(&hash)?;
        out.write_all(shifted.get(4 - tail.len()..).unwrap_or_default())?;
        if let Some(table) = tables.get_mut(number)
            && let Some(record) = next(table)?
        {
            let hash = record.get(..head).unwrap_or_default().to_vec();
            heap.push(Reverse((hash, number, record)));
        }
    }
    Ok(())
}

/// One piece's terms of a field while they are put together.
struct Source<'a> {
    terms: Terms<'a>,
    lists: Stream,
    before: u32,
    /// The list of the term that it is at.
    list: ListAt,
}

impl Source<'_> {
    /// Goes on to the next term, which is written into `term`; false at the end.
    fn next(&mut self, term: &mut Vec<u8>) -> tantivy::Result<bool> {
        let Some((next, list)) = self.terms.next()? else { return Ok(false) };
        term.clear();
        term.extend_from_slice(next);
        self.list = list;
        Ok(true)
    }

    /// Reads the list of the term that it is at.
    fn numbers(&mut self, numbers: &mut Numbers) -> tantivy::Result<()> {
        numbers.before = self.before;
        numbers.bytes.clear();
        match &self.list {
            ListAt::One(number) => (numbers.count, numbers.only) = (1, Some(*number)),
            ListAt::Bytes { count, range } => {
                let len = usize::try_from(range.end - range.start).map_err(|_| damaged())?;
                numbers.bytes.extend_from_slice(self.lists.take(len)?);
                (numbers.count, numbers.only) = (*count as usize, None);
            }
        }
        Ok(())
    }
}

/// The list of a term in one piece.
#[derive(Default)]
struct Numbers {
    count: usize,
    /// What is added to each.
    before: u32,
    /// The only number, when there are no bytes.
    only: Option<u32>,
    bytes: Vec<u8>,
}

impl Numbers {
    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let mut cursor = match self.only {
            Some(only) => Cursor::one(only),
            None => Cursor::new(&self.bytes, self.count),
        };
        std::iter::from_fn(move || Some(cursor.next()).filter(|&n| n != END))
            .map(|n| n.saturating_add(self.before))
    }
}

fn merge_field(
    opened: &[(Dictionary, FileSlice)],
    before: &[u32],
    dictionary: &mut DictionaryWriter<'_, Section<'_>>,
    out: &mut Section<'_>,
) -> tantivy::Result<()> {
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(opened.len());
    for ((terms, lists), &before) in opened.iter().zip(before) {
        let (terms, lists) = (terms.all(), Stream::new(lists.clone()));
        sources.push(Source { terms, lists, before, list: ListAt::One(0) });
    }
    // The least term of each piece, then the piece.
    let mut heap = BinaryHeap::new();
    for (number, source) in sources.iter_mut().enumerate() {
        let mut term = Vec::new();
        if source.next(&mut term)? {
            heap.push(Reverse((term, number)));
        }
    }
    let mut lists: Vec<Numbers> = Vec::new();
    lists.resize_with(sources.len(), Numbers::default);
    let (mut term, mut coded) = (Vec::new(), Vec::new());
    while let Some(Reverse((mut next, mut number))) = heap.pop() {
        term.clone_from(&next);
        let mut found = 0;
        loop {
            let source = sources.get_mut(number).ok_or_else(damaged)?;
            source.numbers(lists.get_mut(found).ok_or_else(damaged)?)?;
            found += 1;
            if source.next(&mut next)? {
                heap.push(Reverse((next, number)));
            }
            if heap.peek().is_none_or(|Reverse((next, _))| *next != term) {
                break;
            }
            match heap.pop() {
                Some(Reverse(again)) => (next, number) = again,
                None => break,
            }
        }
        let lists = lists.get(..found).unwrap_or_default();
        if let [Numbers { only: Some(only), before, .. }] = lists {
            dictionary.one(&term, only.checked_add(*before).ok_or_else(damaged)?)?;
            continue;
        }
        let count = lists.iter().try_fold(0u32, |sum, list| sum.checked_add(list.count as u32));
        let count = count.ok_or_else(damaged)?;
        coded.clear();
        let numbers = || lists.iter().flat_map(Numbers::iter);
        codec::encode_from(count as usize, HELD, numbers, &mut coded).ok_or_else(damaged)?;
        out.write_all(&coded)?;
        dictionary.many(&term, count, coded.len() as u64)?;
    }
    Ok(())
}
