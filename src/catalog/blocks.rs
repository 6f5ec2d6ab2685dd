//! Finding and unpacking blocks; some are kept, up to a number of bytes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Error, OptionalExtension as _};

use super::block::{Block, Rest};
use super::read::uint;
use super::{Catalog, CatalogError};
use crate::types::ItemKey;

/// Bytes of blocks that are kept.
const MOST_KEPT: usize = 48 << 20;

/// Blocks read lately, in two generations: what was not asked for while the younger filled goes.
#[derive(Debug, Default)]
pub(super) struct BlockCache {
    last: Option<Arc<Block>>,
    young: BTreeMap<ItemKey, Arc<Block>>,
    old: BTreeMap<ItemKey, Arc<Block>>,
    bytes: usize,
}

impl BlockCache {
    /// The block whose keys include this one.
    fn find(&mut self, key: ItemKey) -> Option<Arc<Block>> {
        let holds = |block: &Arc<Block>| block.first <= key && key <= block.last;
        if let Some(last) = self.last.as_ref().filter(|block| holds(block)) {
            return Some(Arc::clone(last));
        }
        let among = |blocks: &BTreeMap<ItemKey, Arc<Block>>| {
            blocks.range(..=key).next_back().map(|(_, block)| Arc::clone(block)).filter(holds)
        };
        let found = if let Some(block) = among(&self.young) {
            block
        } else {
            let block = among(&self.old)?;
            self.keep(&block);
            block
        };
        self.last = Some(Arc::clone(&found));
        Some(found)
    }

    fn keep(&mut self, block: &Arc<Block>) {
        self.grew(block.weight());
        self.young.insert(block.first, Arc::clone(block));
        self.last = Some(Arc::clone(block));
    }

    fn grew(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes > MOST_KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
    }
}

/// Unpacks, with its memory kept.
pub(super) struct Unpacker(RefCell<zstd::bulk::Decompressor<'static>>);

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

impl Unpacker {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(RefCell::new(zstd::bulk::Decompressor::new()?)))
    }

    /// Exactly `len` bytes, or none.
    pub(super) fn unpack(&self, packed: &[u8], len: usize) -> Option<Vec<u8>> {
        self.0.borrow_mut().decompress(packed, len).ok()
    }
}

/// A block as the database holds it: its keys and its parts.
pub(super) type Stored = (ItemKey, ItemKey, Vec<u8>, Option<(Vec<u8>, Vec<u8>)>);

/// Reads a row of the table: keys, list and, when they were selected, rest and digests.
pub(super) fn stored(row: &rusqlite::Row<'_>, is_whole: bool) -> Result<Stored, Error> {
    let rest = if is_whole { Some((row.get(3)?, row.get(4)?)) } else { None };
    Ok((ItemKey::from_u64(uint(row, 0)?), ItemKey::from_u64(uint(row, 1)?), row.get(2)?, rest))
}

/// Opens a stored block.
pub(super) fn opened(stored: &Stored, unpacker: &Unpacker) -> Result<Block, CatalogError> {
    let (first, last, list, rest) = stored;
    let damaged = || CatalogError::Damaged { key: first.as_u64() };
    let block = Block::open(*first, *last, list).ok_or_else(damaged)?;
    if let Some((rest, digests)) = rest {
        block.fill(rest, digests, |packed, len| unpacker.unpack(packed, len)).ok_or_else(damaged)?;
    }
    Ok(block)
}

impl Catalog {
    /// The block and the row in it of a key; `None` when there is none.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`] also when the catalog says that it has the item and does not.
    pub(super) fn find(
        &self,
        key: ItemKey,
        is_whole: bool,
    ) -> Result<Option<(Arc<Block>, usize)>, CatalogError> {
        let damaged = || CatalogError::Damaged { key: key.as_u64() };
        if let Some(block) = self.block(key, is_whole)? {
            let at = block.seek(key).ok_or_else(damaged)?;
            if block.key(at) == Some(key) {
                return Ok(Some((block, at)));
            }
        }
        let have = self.source(key.segment()).map_or(0, |source| source.derived.items);
        if key.child() == 0 && key.item() < have { Err(damaged()) } else { Ok(None) }
    }

    fn block(&self, key: ItemKey, is_whole: bool) -> Result<Option<Arc<Block>>, CatalogError> {
        let kept = self.blocks.borrow_mut().find(key);
        if let Some(block) = kept {
            if is_whole {
                self.rest(&block)?;
            }
            return Ok(Some(block));
        }
        let sql = if is_whole {
            "SELECT first, last, list, rest, digests FROM block WHERE first <= ?1 ORDER BY first DESC LIMIT 1"
        } else {
            "SELECT first, last, list FROM block WHERE first <= ?1 ORDER BY first DESC LIMIT 1"
        };
        let find = || {
            let mut statement = self.db.prepare_cached(sql)?;
            statement.query_row([signed(key)], |row| stored(row, is_whole)).optional()
        };
        let Some(found) = find().map_err(CatalogError::Read)?.filter(|found| key <= found.1) else {
            return Ok(None);
        };
        let block = Arc::new(opened(&found, &self.unpacker)?);
        self.blocks.borrow_mut().keep(&block);
        Ok(Some(block))
    }

    /// The rest of a block, read when it was not.
    fn rest<'b>(&self, block: &'b Block) -> Result<&'b Rest, CatalogError> {
        if let Some(rest) = block.rest() {
            return Ok(rest);
        }
        let find = || -> Result<(Vec<u8>, Vec<u8>), Error> {
            let mut statement = self.db.prepare_cached("SELECT rest, digests FROM block WHERE first = ?1")?;
            statement.query_row([signed(block.first)], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let (rest, digests) = find().map_err(CatalogError::Read)?;
        let before = block.weight();
        let rest = block.fill(&rest, &digests, |packed, len| self.unpacker.unpack(packed, len));
        let rest = rest.ok_or(CatalogError::Damaged { key: block.first.as_u64() })?;
        self.blocks.borrow_mut().grew(block.weight().saturating_sub(before));
        Ok(rest)
    }

    /// Visits the blocks with keys in `from..=to` in their order, until `visit` answers false.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`] also where items are missing that the catalog says it has; what `visit` gives.
    pub(super) fn each_block<E: From<CatalogError>>(
        &self,
        (from, to): (ItemKey, ItemKey),
        is_whole: bool,
        mut visit: impl FnMut(&Block) -> Result<bool, E>,
    ) -> Result<(), E> {
        let read = |error| E::from(CatalogError::Read(error));
        let columns = if is_whole { "first, last, list, rest, digests" } else { "first, last, list" };
        let sql = format!(
            "SELECT {columns} FROM block
             WHERE first >= ifnull((SELECT max(first) FROM block WHERE first <= ?1), ?1) AND first <= ?2
             ORDER BY first"
        );
        let mut statement = self.db.prepare_cached(&sql).map_err(read)?;
        let mut rows = statement.query([signed(from), signed(to)]).map_err(read)?;
        let mut next = (from.segment(), from.item() + u64::from(from.child() > 0));
        while let Some(row) = rows.next().map_err(read)? {
            let found = stored(row, is_whole).map_err(read)?;
            if found.1 < from {
                continue;
            }
            self.complete(next, (found.0.segment(), found.0.item()))?;
            next = (found.1.segment(), found.1.item() + 1);
            if !visit(&opened(&found, &self.unpacker)?)? {
                return Ok(());
            }
        }
        self.complete(next, (to.segment(), to.item() + 1))?;
        Ok(())
    }

    /// Fails when items of `from..to` (segment and item) should be there by the marks of the sources.
    fn complete(&self, from: (u32, u64), to: (u32, u64)) -> Result<(), CatalogError> {
        for source in self.sources() {
            let segment = source.segment;
            let low = if segment == from.0 { from.1 } else { 0 };
            let high = if segment == to.0 { to.1 } else { u64::MAX };
            if segment >= from.0 && segment <= to.0 && low < high.min(source.derived.items) {
                let key = ItemKey::new(segment, low, 0).unwrap_or_default();
                return Err(CatalogError::Damaged { key: key.as_u64() });
            }
        }
        Ok(())
    }
}

/// A key as SQLite holds it; keys are below 2^63.
pub(super) fn signed(key: ItemKey) -> i64 {
    i64::try_from(key.as_u64()).unwrap_or(i64::MAX)
}
