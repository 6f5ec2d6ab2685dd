//! Writing a term dictionary: terms in order into blocks, each packed when it is full. See [`super::dictionary`].

#![expect(clippy::cast_possible_truncation, reason = "a term has at most 255 bytes")]

use std::io::{self, Write};

use zstd::bulk::Compressor;

use super::dictionary::{BLOCK, LONGEST, SEAL, WIDE, seal};

/// The quickest level: others gain less than a tenth of the dictionary.
const LEVEL: i32 = 1;

/// A packer as dictionaries use it.
///
/// # Errors
/// When zstd has no memory.
pub(super) fn packer() -> io::Result<Compressor<'static>> {
    Compressor::new(LEVEL)
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Writes the dictionary of a field; terms come in ascending order.
pub(super) struct DictionaryWriter<'a, W> {
    out: &'a mut W,
    packer: &'a mut Compressor<'static>,
    last: Vec<u8>,
    /// Terms in the block.
    terms: usize,
    shapes: Vec<u8>,
    added: Vec<u8>,
    numbers: Vec<u8>,
    block: Vec<u8>,
    heads: Vec<u8>,
    blocks: u64,
    /// Bytes of the lists so far, and those before the block.
    lists: u64,
    lists_before: u64,
    first: Vec<u8>,
}

impl<'a, W: Write> DictionaryWriter<'a, W> {
    pub(super) fn new(out: &'a mut W, packer: &'a mut Compressor<'static>) -> Self {
        Self {
            out,
            packer,
            last: Vec::new(),
            terms: 0,
            shapes: Vec::new(),
            added: Vec::new(),
            numbers: Vec::new(),
            block: Vec::new(),
            heads: Vec::new(),
            blocks: 0,
            lists: 0,
            lists_before: 0,
            first: Vec::new(),
        }
    }

    /// The next term, whose list is this one number.
    pub(super) fn one(&mut self, term: &[u8], place: u32) -> io::Result<()> {
        self.term(term)?;
        put(&mut self.numbers, 1);
        put(&mut self.numbers, u64::from(place));
        self.close_if_full()
    }

    /// The next term, whose `count` numbers take the next `len` bytes of the lists. A list of one number has no bytes:
    /// see [`Self::one`].
    pub(super) fn many(&mut self, term: &[u8], count: u32, len: u64) -> io::Result<()> {
        self.term(term)?;
        put(&mut self.numbers, u64::from(count));
        put(&mut self.numbers, len);
        self.lists += len;
        self.close_if_full()
    }

    fn term(&mut self, term: &[u8]) -> io::Result<()> {
        let is_first = self.blocks == 0 && self.terms == 0;
        if term.len() > LONGEST || (!is_first && term <= self.last.as_slice()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "terms of an index are out of order"));
        }
        let shared = if self.terms == 0 {
            self.first.clear();
            self.first.extend_from_slice(term);
            0
        } else {
            self.last.iter().zip(term).take_while(|(a, b)| a == b).count()
        };
        let rest = term.get(shared..).unwrap_or_default();
        if shared < 15 && rest.len() < 15 {
            self.shapes.push((shared << 4 | rest.len()) as u8);
        } else {
            self.shapes.extend_from_slice(&[WIDE, shared as u8, rest.len() as u8]);
        }
        self.added.extend_from_slice(rest);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.terms += 1;
        Ok(())
    }

    fn close_if_full(&mut self) -> io::Result<()> {
        if self.terms < BLOCK { Ok(()) } else { self.close_block() }
    }

    fn close_block(&mut self) -> io::Result<()> {
        if self.terms == 0 {
            return Ok(());
        }
        self.block.clear();
        put(&mut self.block, self.terms as u64);
        put(&mut self.block, self.shapes.len() as u64);
        put(&mut self.block, self.added.len() as u64);
        for run in [&mut self.shapes, &mut self.added, &mut self.numbers] {
            self.block.extend_from_slice(run);
            run.clear();
        }
        let packed = self.packer.compress(&self.block)?;
        self.out.write_all(&packed)?;
        self.heads.push(self.first.len() as u8);
        self.heads.extend_from_slice(&self.first);
        put(&mut self.heads, packed.len() as u64);
        put(&mut self.heads, self.lists_before);
        self.heads.extend_from_slice(&seal(&packed));
        self.lists_before = self.lists;
        self.blocks += 1;
        self.terms = 0;
        Ok(())
    }

    /// Writes what is left and the head table.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.close_block()?;
        let mut table = Vec::with_capacity(self.heads.len() + 20);
        put(&mut table, self.blocks);
        put(&mut table, self.lists);
        table.extend_from_slice(&self.heads);
        let packed = self.packer.compress(&table)?;
        self.out.write_all(&packed)?;
        self.out.write_all(&seal(&packed))?;
        let len = u32::try_from(packed.len() + SEAL).map_err(io::Error::other)?;
        self.out.write_all(&len.to_le_bytes())
    }
}
