//! A block: some rows that follow each other, their values by columns, sealed against damage.
//!
//! What a table of items shows (`list`) lies as it is, row by row; the rest lies in columns, packed, with the words
//! that the rows name by numbers; digests, which nothing packs, lie apart.

use std::sync::OnceLock;

use super::numbers::{self, Numbers};
use super::pack::{Put as _, Take};
use super::words::{WordTable, checksum};
use crate::types::ItemKey;

/// Rows of a block, at most; a message and what is inside it may go beyond. Measured with 32, 64 and 128: smaller ones
/// pack worse, of larger ones a look at one item unpacks more.
pub(super) const ROWS: usize = 64;

/// Bytes of a block before it is packed, about; a row may be larger.
const BYTES: usize = 512 << 10;

/// Unpacked bytes of one block that are believed.
const MOST_UNPACKED: u64 = 1 << 30;

/// The columns of what is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Numbers,
    MessageId,
    People,
    Hops,
    HopIds,
    Attachments,
    Notes,
    More,
    /// Not packed.
    Digests,
}

/// Their number.
const COLUMNS: usize = 9;

/// A block as it is stored.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) first: ItemKey,
    pub(super) last: ItemKey,
    pub(super) list: Vec<u8>,
    pub(super) rest: Vec<u8>,
    pub(super) digests: Vec<u8>,
}

/// Rows that are gathered for a block.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    first: Option<ItemKey>,
    last: ItemKey,
    list: Vec<u8>,
    list_ends: Vec<u32>,
    pub(super) words: WordTable,
    columns: [Vec<u8>; COLUMNS],
    /// For each row the end of its bytes in each column.
    ends: Vec<[u32; COLUMNS]>,
}

impl BlockBuilder {
    /// The column, to which the bytes of the next row are appended.
    pub(super) fn column(&mut self, column: Column) -> &mut Vec<u8> {
        &mut self.columns[column as usize]
    }

    /// Several columns and the words at once.
    pub(super) fn parts(&mut self) -> (&mut [Vec<u8>; COLUMNS], &mut WordTable) {
        (&mut self.columns, &mut self.words)
    }

    /// The key of the first row; `None` when there is no row.
    pub(super) fn first(&self) -> Option<ItemKey> {
        self.first
    }

    /// Whether a row of `key` belongs into this block.
    pub(super) fn takes(&self, key: ItemKey) -> bool {
        let Some(first) = self.first else { return true };
        let bytes: usize = self.columns.iter().map(Vec::len).sum::<usize>() + self.words.bytes().len();
        first.segment() == key.segment()
            && key > self.last
            && self.ends.len() < ROWS
            && bytes + self.list.len() < BYTES
    }

    /// Ends the row whose bytes were appended to the columns; `list` appends those of the list.
    pub(super) fn end_row(&mut self, key: ItemKey, list: impl FnOnce(&mut Vec<u8>)) {
        let first = *self.first.get_or_insert(key);
        self.last = key;
        self.list.num(key.item() - first.item().min(key.item()));
        self.list.num(u64::from(key.child()));
        list(&mut self.list);
        self.list_ends.push(small(self.list.len()));
        self.ends.push(std::array::from_fn(|n| small(self.columns.get(n).map_or(0, Vec::len))));
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.first = None;
        self.list.clear();
        self.list_ends.clear();
        self.words.clear();
        self.columns.iter_mut().for_each(Vec::clear);
        self.ends.clear();
    }

    /// The block of the rows; `None` without any. `pack` compresses.
    pub(super) fn seal<E>(
        &self,
        pack: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Sealed>, E> {
        let Some(first) = self.first else { return Ok(None) };
        let mut raw = Vec::new();
        raw.num(self.words.ends().len() as u64);
        let mut before = 0;
        for &end in self.words.ends() {
            raw.num(u64::from(end - before));
            before = end;
        }
        for n in 0..COLUMNS {
            let mut before = 0;
            for ends in &self.ends {
                raw.num(u64::from(ends[n] - before));
                before = ends[n];
            }
        }
        raw.extend_from_slice(self.words.bytes());
        let (digests, packed) = self.columns.split_last().map_or((&[][..], &[][..]), |(d, p)| (d, p));
        for column in packed {
            raw.extend_from_slice(column);
        }
        let mut list = Vec::with_capacity(self.list.len() + 4 * self.list_ends.len() + 12);
        list.extend_from_slice(&small(self.list_ends.len()).to_le_bytes());
        for end in &self.list_ends {
            list.extend_from_slice(&end.to_le_bytes());
        }
        list.extend_from_slice(&self.list);
        let mut rest = (raw.len() as u64).to_le_bytes().to_vec();
        rest.extend_from_slice(&pack(&raw)?);
        let mut sealed = Sealed { first, last: self.last, list, rest, digests: digests.to_vec() };
        let seed = seed(first, self.last);
        for (number, bytes) in [(1, &mut sealed.list), (2, &mut sealed.rest), (3, &mut sealed.digests)] {
            let sum = checksum(seed ^ number, bytes);
            bytes.extend_from_slice(&sum.to_le_bytes());
        }
        Ok(Some(sealed))
    }

    /// The first `rows` rows of a block, as they were gathered for it.
    pub(super) fn cut(block: &Block, rest: &Rest, rows: usize) -> Option<Self> {
        let mut out = Self::default();
        for id in 1..=rest.word_ends.len() as u64 {
            out.words.id(rest.word(id)?);
        }
        for row in 0..rows {
            for (n, column) in ALL.iter().enumerate() {
                out.columns.get_mut(n)?.extend_from_slice(rest.cell(row, *column)?);
            }
            let key = block.key(row)?;
            let mut cells = block.record(row)?;
            cells.num()?;
            cells.num()?;
            out.end_row(key, |list| list.extend_from_slice(cells.0));
        }
        Some(out)
    }
}

const ALL: [Column; COLUMNS] = [
    Column::Numbers,
    Column::MessageId,
    Column::People,
    Column::Hops,
    Column::HopIds,
    Column::Attachments,
    Column::Notes,
    Column::More,
    Column::Digests,
];

/// Columns are far below 4 GiB: a block ends at [`BYTES`], and one message is read up to a limit.
fn small(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn seed(first: ItemKey, last: ItemKey) -> u64 {
    first.as_u64().rotate_left(32) ^ last.as_u64()
}

/// The bytes without the sum at their end; `None` when it is not theirs.
fn unsealed(seed: u64, bytes: &[u8]) -> Option<&[u8]> {
    let (bytes, sum) = bytes.split_last_chunk::<8>()?;
    (checksum(seed, bytes) == u64::from_le_bytes(*sum)).then_some(bytes)
}

/// A block as it is read: the list at once, the rest when it is asked for.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) first: ItemKey,
    pub(super) last: ItemKey,
    rows: usize,
    list: Vec<u8>,
    rest: OnceLock<Rest>,
}

impl Block {
    /// `None` when the bytes are not those that were sealed.
    pub(super) fn open(first: ItemKey, last: ItemKey, list: &[u8]) -> Option<Self> {
        let list = unsealed(seed(first, last) ^ 1, list)?.to_vec();
        let rows = u32::from_le_bytes(*list.first_chunk()?) as usize;
        let block = Self { first, last, rows, list, rest: OnceLock::new() };
        let is_whole = block.key(0)? == first && block.key(rows.checked_sub(1)?)? == last;
        is_whole.then_some(block)
    }

    /// The number of its rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of memory that it takes now.
    pub(super) fn weight(&self) -> usize {
        self.list.len() + self.rest.get().map_or(0, Rest::weight)
    }

    fn end(&self, row: usize) -> Option<usize> {
        let at = row.checked_mul(4)?.checked_add(4)?;
        Some(u32::from_le_bytes(*self.list.get(at..)?.first_chunk()?) as usize)
    }

    /// What the list holds of a row, with its key.
    pub(super) fn record(&self, row: usize) -> Option<Take<'_>> {
        if row >= self.rows {
            return None;
        }
        let cells = self.list.get(self.rows.checked_mul(4)?.checked_add(4)?..)?;
        let start = if row == 0 { 0 } else { self.end(row - 1)? };
        cells.get(start..self.end(row)?).map(Take)
    }

    /// The key of a row.
    pub(super) fn key(&self, row: usize) -> Option<ItemKey> {
        let mut cells = self.record(row)?;
        let item = self.first.item().checked_add(cells.num()?)?;
        ItemKey::new(self.first.segment(), item, u32::try_from(cells.num()?).ok()?)
    }

    /// The first row with this key or a later one.
    ///
    /// The outer `None` is for a damaged block.
    pub(super) fn seek(&self, key: ItemKey) -> Option<usize> {
        // Most blocks have a row for each item.
        let guess = usize::try_from(key.item().saturating_sub(self.first.item())).ok()?;
        if guess < self.rows && self.key(guess)? == key {
            return Some(guess);
        }
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let mid = low.midpoint(high);
            if self.key(mid)? < key {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        Some(low)
    }

    /// The rest, when it was read.
    pub(super) fn rest(&self) -> Option<&Rest> {
        self.rest.get()
    }

    /// Reads the rest. `unpack` is given the packed bytes and the length that they have unpacked.
    pub(super) fn fill(
        &self,
        rest: &[u8],
        digests: &[u8],
        unpack: impl FnOnce(&[u8], usize) -> Option<Vec<u8>>,
    ) -> Option<&Rest> {
        let seed = seed(self.first, self.last);
        let (len, packed) = unsealed(seed ^ 2, rest)?.split_first_chunk::<8>()?;
        let len = u64::from_le_bytes(*len);
        if len > MOST_UNPACKED {
            return None;
        }
        let len = usize::try_from(len).ok()?;
        let raw = unpack(packed, len).filter(|raw| raw.len() == len)?;
        let filled = Rest::read(self.rows, raw, unsealed(seed ^ 3, digests)?)?;
        Some(self.rest.get_or_init(|| filled))
    }
}

/// The packed columns of a block, unpacked.
#[derive(Debug)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    /// Where the first word begins.
    words_at: usize,
    word_ends: Vec<u32>,
    /// Where the first column begins.
    columns_at: usize,
    /// For each column, each row: where its bytes end among those of all columns.
    ends: Vec<u32>,
    rows: usize,
    numbers: Vec<Numbers>,
}

impl Rest {
    fn read(rows: usize, mut raw: Vec<u8>, digests: &[u8]) -> Option<Self> {
        let mut take = Take(&raw);
        let count = usize::try_from(take.num()?).ok().filter(|&count| count <= raw.len())?;
        let mut word_ends = Vec::with_capacity(count);
        let mut end = 0u32;
        for _ in 0..count {
            end = end.checked_add(u32::try_from(take.num()?).ok()?)?;
            word_ends.push(end);
        }
        let all_words = end;
        let mut ends = Vec::with_capacity(rows.checked_mul(COLUMNS)?.min(raw.len()));
        end = 0;
        for _ in 0..rows.checked_mul(COLUMNS)? {
            end = end.checked_add(u32::try_from(take.num()?).ok()?)?;
            ends.push(end);
        }
        let words_at = raw.len().checked_sub(take.0.len())?;
        let columns_at = words_at.checked_add(all_words as usize)?;
        raw.extend_from_slice(digests);
        if raw.len() != columns_at.checked_add(end as usize)? {
            return None;
        }
        let mut rest = Self { bytes: raw, words_at, word_ends, columns_at, ends, rows, numbers: Vec::new() };
        rest.numbers = numbers::read(&rest, rows)?;
        Some(rest)
    }

    fn weight(&self) -> usize {
        self.bytes.len()
            + 4 * (self.word_ends.len() + self.ends.len())
            + self.numbers.len() * size_of::<Numbers>()
    }

    /// The numbers of a row.
    pub(super) fn numbers(&self, row: usize) -> Option<Numbers> {
        self.numbers.get(row).copied()
    }

    /// A word by its number.
    pub(super) fn word(&self, id: u64) -> Option<&[u8]> {
        let Some(at) = usize::try_from(id).ok()?.checked_sub(1) else { return Some(&[]) };
        let start = if at == 0 { 0 } else { *self.word_ends.get(at - 1)? as usize };
        let end = *self.word_ends.get(at)? as usize;
        self.bytes.get(self.words_at.checked_add(start)?..self.words_at.checked_add(end)?)
    }

    /// A word that is text.
    pub(super) fn text(&self, id: u64) -> Option<&str> {
        std::str::from_utf8(self.word(id)?).ok()
    }

    /// The bytes of a row in a column.
    pub(super) fn cell(&self, row: usize, column: Column) -> Option<&[u8]> {
        let at = (column as usize).checked_mul(self.rows)?.checked_add(row)?;
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? as usize };
        let end = *self.ends.get(at)? as usize;
        self.bytes.get(self.columns_at.checked_add(start)?..self.columns_at.checked_add(end)?)
    }
}
