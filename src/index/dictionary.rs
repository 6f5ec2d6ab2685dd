//! The terms of one field in order, each with where its list is: front-coded blocks, packed one by one.
//!
//! A segment is written often and asked seldom, so building costs little and a look-up unpacks one block. A field is
//!
//! ```text
//! block, block, ..      zstd frames of up to 512 terms
//! head table            a zstd frame: of each block the first term, packed length, where its lists begin, and seal
//! seal, length          of the head table: 4 bytes, then 4 with the length of both, the least significant first
//! ```
//!
//! A block holds three runs, because like packs best beside like: for each term the bytes that it shares with the one
//! before and the bytes that it adds; the added bytes; for each term the count of its list and the list's length in
//! bytes, or the one place itself where the count is 1. Numbers take seven bits a byte, the least significant first.
//! A seal is the beginning of the SHA-256 of a packed frame: bytes that were changed or cut are an error and never
//! another answer.

use std::io::Read as _;
use std::ops::Range;

use tantivy::directory::{FileSlice, OwnedBytes};
use tantivy::error::DataCorruption;
use tantivy::{HasLen as _, TantivyError};
use zstd::bulk::Decompressor;

use crate::types::Sha256Digest;

/// Terms in a block. Measured with 32, 128, 512 and 2,048: fewer take more space, more make a look-up slower.
pub(super) const BLOCK: usize = 512;

/// Longest term in bytes.
pub(super) const LONGEST: usize = 255;

/// Most bytes of a block when it is unpacked: three lengths, then shapes, terms and numbers.
const MOST_BLOCK: usize = 32 + BLOCK * (3 + LONGEST + 20);

/// Most bytes of a head table when it is unpacked: that of 500 million terms.
const MOST_HEADS: u64 = 1 << 28;

/// The shape of a term of which 15 bytes or more are shared or added; a byte for each number follows.
pub(super) const WIDE: u8 = 0xff;

/// Where the list of a term is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListAt {
    /// It has one number, which is this one.
    One(u32),
    /// `count` numbers, which stand in these bytes of the field's lists.
    Bytes {
        /// How many.
        count: u32,
        /// Where.
        range: Range<u64>,
    },
}

impl ListAt {
    /// How many numbers it has.
    pub(super) fn count(&self) -> u32 {
        match self {
            Self::One(_) => 1,
            Self::Bytes { count, .. } => *count,
        }
    }
}

/// What is said of any damage.
pub(super) fn damaged() -> TantivyError {
    TantivyError::DataCorruption(DataCorruption::comment_only("a term dictionary is damaged"))
}

/// Takes a number from the front of `bytes`.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take_usize(bytes: &mut &[u8]) -> Option<usize> {
    take(bytes).and_then(|n| usize::try_from(n).ok())
}

/// What stands elsewhere of packed bytes, so that no change of them passes. zstd's own checksum is one of the bytes
/// that come out, and some changes of the packed ones make no difference to those.
pub(super) fn seal(packed: &[u8]) -> [u8; SEAL] {
    let digest = Sha256Digest::of(packed);
    std::array::from_fn(|n| digest.as_bytes()[n])
}

/// Bytes of a seal.
pub(super) const SEAL: usize = 4;

/// Unpacks a frame behind which its seal stands, to at most `most` bytes.
pub(super) fn unsealed(sealed: &[u8], most: u64) -> tantivy::Result<Vec<u8>> {
    let (packed, sealed) = sealed.split_last_chunk().ok_or_else(damaged)?;
    if *sealed != seal(packed) {
        return Err(damaged());
    }
    let mut out = Vec::new();
    let mut from = zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| damaged())?.take(most + 1);
    from.read_to_end(&mut out).map_err(|_| damaged())?;
    if out.len() as u64 > most { Err(damaged()) } else { Ok(out) }
}

/// What the head table says of a block.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// Where its first term ends in the text of all first terms.
    term_end: usize,
    /// Where it ends in the file; it begins where the one before ends.
    end: usize,
    /// Where its lists begin.
    lists: u64,
    seal: [u8; SEAL],
}

/// The dictionary of a field, opened.
pub(super) struct Dictionary {
    file: FileSlice,
    firsts: Vec<u8>,
    heads: Vec<Head>,
    /// Bytes of all lists.
    lists: u64,
}

/// Where a range of terms ends.
#[derive(Clone, Debug)]
pub(super) enum Until {
    /// With the last term.
    End,
    /// Before this one.
    Before(Vec<u8>),
    /// With this one.
    With(Vec<u8>),
}

impl Until {
    /// The end of all terms that begin with `prefix`.
    pub(super) fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Self::Before(end);
            }
        }
        Self::End
    }

    fn holds(&self, term: &[u8]) -> bool {
        match self {
            Self::End => true,
            Self::Before(end) => term < end.as_slice(),
            Self::With(end) => term <= end.as_slice(),
        }
    }
}

impl Dictionary {
    /// Opens what `DictionaryWriter` wrote; reads the head table only.
    ///
    /// # Errors
    /// [`TantivyError::DataCorruption`], here and in all that follows.
    pub(super) fn open(file: FileSlice) -> tantivy::Result<Self> {
        let len = file.len();
        let at = len.checked_sub(4).ok_or_else(damaged)?;
        let size: [u8; 4] = file.slice_from(at).read_bytes()?.as_slice().try_into().map_err(|_| damaged())?;
        let from = at.checked_sub(u32::from_le_bytes(size) as usize).ok_or_else(damaged)?;
        let table = unsealed(file.slice(from..at).read_bytes()?.as_slice(), MOST_HEADS)?;
        let (firsts, heads, lists) = Self::heads(&table, from).ok_or_else(damaged)?;
        Ok(Self { file, firsts, heads, lists })
    }

    fn heads(mut table: &[u8], blocks_end: usize) -> Option<(Vec<u8>, Vec<Head>, u64)> {
        let blocks = take_usize(&mut table)?;
        let lists = take(&mut table)?;
        let (mut firsts, mut end) = (Vec::new(), 0usize);
        let mut heads = Vec::with_capacity(blocks.min(table.len()));
        for _ in 0..blocks {
            let (&len, rest) = table.split_first()?;
            let (first, rest) = rest.split_at_checked(usize::from(len))?;
            table = rest;
            firsts.extend_from_slice(first);
            end = end.checked_add(take_usize(&mut table)?)?;
            let lists = take(&mut table)?;
            let (seal, rest) = table.split_first_chunk()?;
            table = rest;
            heads.push(Head { term_end: firsts.len(), end, lists, seal: *seal });
        }
        (table.is_empty() && end == blocks_end).then_some((firsts, heads, lists))
    }

    /// Bytes that all its lists take.
    pub(super) fn lists(&self) -> u64 {
        self.lists
    }

    fn first(&self, block: usize) -> &[u8] {
        let from = block.checked_sub(1).and_then(|b| self.heads.get(b)).map_or(0, |h| h.term_end);
        let to = self.heads.get(block).map_or(from, |h| h.term_end);
        self.firsts.get(from..to).unwrap_or_default()
    }

    /// The block in which a term would stand.
    fn block_of(&self, term: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.heads.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.first(middle) <= term { low = middle + 1 } else { high = middle }
        }
        low.saturating_sub(1)
    }

    /// The list of a term.
    pub(super) fn get(&self, term: &[u8]) -> tantivy::Result<Option<ListAt>> {
        let mut terms = self.from(term, Until::With(term.to_vec()));
        Ok(terms.next()?.filter(|(found, _)| *found == term).map(|(_, list)| list))
    }

    /// All terms that begin with `prefix`.
    pub(super) fn prefixed(&self, prefix: &[u8]) -> Terms<'_> {
        self.from(prefix, Until::prefix(prefix))
    }

    /// All terms.
    pub(super) fn all(&self) -> Terms<'_> {
        self.from(&[], Until::End)
    }

    /// The terms from `from` on.
    pub(super) fn from(&self, from: &[u8], until: Until) -> Terms<'_> {
        let next = self.block_of(from);
        Terms { dictionary: self, from: from.to_vec(), until, next, block: Block::default(), unpacker: None }
    }
}

/// A block that is being read.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    shapes: Range<usize>,
    added: Range<usize>,
    numbers: Range<usize>,
    left: usize,
    lists: u64,
    lists_end: u64,
    term: Vec<u8>,
}

impl Block {
    fn open(bytes: Vec<u8>, lists: u64, lists_end: u64, term: Vec<u8>) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let left = take_usize(&mut rest)?;
        let (shapes, added) = (take_usize(&mut rest)?, take_usize(&mut rest)?);
        let from = bytes.len() - rest.len();
        let shapes = from..from.checked_add(shapes)?;
        let added = shapes.end..shapes.end.checked_add(added)?;
        let numbers = added.end..bytes.len();
        (left > 0 && numbers.start <= numbers.end).then_some(Self {
            bytes,
            shapes,
            added,
            numbers,
            left,
            lists,
            lists_end,
            term,
        })
    }

    /// Reads the next term into `self.term`.
    fn next(&mut self) -> Option<ListAt> {
        let mut shapes = self.bytes.get(self.shapes.clone())?;
        let (&shape, rest) = shapes.split_first()?;
        shapes = rest;
        let (shared, len) = if shape == WIDE {
            let (&[shared, len], rest) = shapes.split_first_chunk()?;
            shapes = rest;
            (usize::from(shared), usize::from(len))
        } else {
            (usize::from(shape >> 4), usize::from(shape & 15))
        };
        self.shapes.start = self.shapes.end - shapes.len();
        let added = self.bytes.get(self.added.start..self.added.start.checked_add(len)?)?;
        if shared > self.term.len() || self.added.start + len > self.added.end {
            return None;
        }
        self.term.truncate(shared);
        self.term.extend_from_slice(added);
        self.added.start += len;
        let mut numbers = self.bytes.get(self.numbers.clone())?;
        let count = u32::try_from(take(&mut numbers)?).ok()?;
        let number = take(&mut numbers)?;
        self.numbers.start = self.numbers.end - numbers.len();
        self.left -= 1;
        if self.left == 0 && !(self.shapes.is_empty() && self.added.is_empty() && self.numbers.is_empty()) {
            return None;
        }
        if count == 1 {
            return Some(ListAt::One(u32::try_from(number).ok()?));
        }
        let from = self.lists;
        self.lists = from.checked_add(number)?;
        (self.lists <= self.lists_end).then_some(ListAt::Bytes { count, range: from..self.lists })
    }
}

/// Terms of a dictionary in order.
pub(super) struct Terms<'a> {
    dictionary: &'a Dictionary,
    from: Vec<u8>,
    until: Until,
    /// The block that is read next.
    next: usize,
    block: Block,
    unpacker: Option<Decompressor<'static>>,
}

impl Terms<'_> {
    /// The next term with its list; `None` at the end.
    ///
    /// # Errors
    /// [`TantivyError::DataCorruption`].
    pub(super) fn next(&mut self) -> tantivy::Result<Option<(&[u8], ListAt)>> {
        loop {
            if self.block.left == 0 && !self.enter()? {
                return Ok(None);
            }
            let list = self.block.next().ok_or_else(damaged)?;
            if self.block.term.as_slice() < self.from.as_slice() {
                continue;
            }
            if !self.until.holds(&self.block.term) {
                self.next = self.dictionary.heads.len();
                self.block.left = 0;
                return Ok(None);
            }
            return Ok(Some((&self.block.term, list)));
        }
    }

    fn enter(&mut self) -> tantivy::Result<bool> {
        let dictionary = self.dictionary;
        let Some(head) = dictionary.heads.get(self.next) else { return Ok(false) };
        if !self.until.holds(dictionary.first(self.next)) {
            return Ok(false);
        }
        let from = self.next.checked_sub(1).and_then(|b| dictionary.heads.get(b)).map_or(0, |h| h.end);
        let lists_end = dictionary.heads.get(self.next + 1).map_or(dictionary.lists, |h| h.lists);
        let packed: OwnedBytes = dictionary.file.slice(from..head.end).read_bytes()?;
        if seal(packed.as_slice()) != head.seal {
            return Err(damaged());
        }
        let unpacker = match &mut self.unpacker {
            Some(unpacker) => unpacker,
            None => self.unpacker.insert(Decompressor::new()?),
        };
        let bytes = unpacker.decompress(packed.as_slice(), MOST_BLOCK).map_err(|_| damaged())?;
        let mut term = std::mem::take(&mut self.block.term);
        term.clear();
        self.block = Block::open(bytes, head.lists, lists_end, term).ok_or_else(damaged)?;
        self.next += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
