//! Reading the catalog: one consistent view from when it was opened.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, Error, OpenFlags};

use super::blocks::{BlockCache, Unpacker};
use super::row::{ListRow, Row};
use super::tables::{LastFolder, digest};
use super::write::Watermark;
use super::{CatalogError, schema};
use crate::types::{ContainerId, ItemId, ItemKey, Sha256Digest, SourceId};

/// A catalog opened for reading.
#[derive(Debug)]
pub struct Catalog {
    pub(super) db: Connection,
    sources: Vec<SourceRow>,
    pub(super) blocks: RefCell<BlockCache>,
    pub(super) unpacker: Unpacker,
    // The folder that was looked up last.
    pub(super) folder: RefCell<Option<LastFolder>>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Number of its ledger segment.
    pub segment: u32,
    /// Source digest; `None` until it was read to its end.
    pub id: Option<Sha256Digest>,
    /// How far it has been derived.
    pub derived: Watermark,
}

impl SourceRow {
    /// Its id.
    pub fn source_id(&self) -> SourceId {
        match &self.id {
            Some(id) => {
                let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
                SourceId::Known(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
            None => SourceId::Pending(self.segment),
        }
    }
}

fn read_only(path: &Path) -> Result<Connection, Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let pragmas = |db: &Connection| {
        db.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
             PRAGMA cache_size = -8192; PRAGMA busy_timeout = 5000; BEGIN;",
        )?;
        db.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0))
    };
    let db = Connection::open_with_flags(path, flags)?;
    if let Err(error) = pragmas(&db) {
        // On read-only media a file left in WAL mode cannot be opened the usual way; when no log stands beside it,
        // the file alone is the whole catalog.
        let log = path.with_extension("sqlite-wal");
        if log.metadata().is_ok_and(|m| m.len() > 0) {
            return Err(error);
        }
        let mut uri = String::from("file:");
        for &byte in path.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
                uri.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                write!(uri, "%{byte:02x}").unwrap_or_default();
            }
        }
        uri.push_str("?immutable=1");
        let db = Connection::open_with_flags(uri, flags)?;
        pragmas(&db)?;
        return Ok(db);
    }
    Ok(db)
}

impl Catalog {
    /// Opens the catalog in the file `path` without writing.
    ///
    /// # Errors
    /// [`CatalogError::Open`]; [`CatalogError::OtherVersion`] when it has to be made anew.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let open = |source| CatalogError::Open { path: path.to_owned(), source };
        let db = read_only(path).map_err(open)?;
        let found: i64 = db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(open)?;
        if found != schema::VERSION {
            return Err(CatalogError::OtherVersion { path: path.to_owned(), found });
        }
        db.set_prepared_statement_cache_capacity(32);
        let sources = read_sources(&db).map_err(open)?;
        Ok(Self {
            db,
            sources,
            blocks: RefCell::default(),
            unpacker: Unpacker::new()
                .map_err(|error| open(Error::ToSqlConversionFailure(Box::new(error))))?,
            folder: RefCell::default(),
        })
    }

    /// The sources, in the order of their segments.
    pub fn sources(&self) -> &[SourceRow] {
        &self.sources
    }

    /// The source of a segment.
    pub fn source(&self, segment: u32) -> Option<&SourceRow> {
        let at = self.sources.binary_search_by_key(&segment, |s| s.segment).ok()?;
        self.sources.get(at)
    }

    /// The id of the source of a segment.
    pub fn source_id(&self, segment: u32) -> SourceId {
        self.source(segment).map_or(SourceId::Pending(segment), SourceRow::source_id)
    }

    /// The segment of a source.
    pub fn segment(&self, id: SourceId) -> Option<u32> {
        self.sources.iter().find(|s| s.source_id() == id).map(|s| s.segment)
    }

    /// The id of an item.
    pub fn item_id(&self, row: &Row<'_>) -> ItemId {
        self.listed_id(row.listed())
    }

    /// The id of an item of a list.
    pub fn listed_id(&self, row: &ListRow<'_>) -> ItemId {
        let container = ContainerId { source: self.source_id(row.key().segment()), number: row.container() };
        ItemId { container, number: row.number(), part: row.part().map(str::to_owned) }
    }

    /// The key of an item; `None` when there is no such item.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn key(&self, id: &ItemId) -> Result<Option<ItemKey>, CatalogError> {
        let Some(segment) = self.segment(id.container.source) else { return Ok(None) };
        let Some(container) = self.container(segment, id.container.number)? else { return Ok(None) };
        let item = container.first_item.saturating_add(u64::from(id.number.saturating_sub(1)));
        let (first, last) = (ItemKey::new(segment, item, 0), ItemKey::new(segment, item, ItemKey::MAX_CHILD));
        let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
        let mut found = None;
        self.range_listed::<CatalogError>(first, last, |row| {
            if row.container() == id.container.number && row.part() == id.part.as_deref() {
                found = Some(row.key());
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Visits the rows of `keys`, in their order; a key without a row is left out.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`] (also when the row of an item is not there that the catalog
    /// says it has), and what `visit` gives.
    pub fn each<E: From<CatalogError>>(
        &self,
        keys: impl IntoIterator<Item = ItemKey>,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for key in keys {
            if let Some((block, at)) = self.find(key, true)? {
                let row = block.rest().and_then(|rest| Row::read(&block, rest, at));
                visit(&row.ok_or(CatalogError::Damaged { key: key.as_u64() })?)?;
            }
        }
        Ok(())
    }

    /// As [`Self::each`], with what a table of items shows: nothing is unpacked.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn each_listed<E: From<CatalogError>>(
        &self,
        keys: impl IntoIterator<Item = ItemKey>,
        mut visit: impl FnMut(&ListRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for key in keys {
            if let Some((block, at)) = self.find(key, false)? {
                let row = ListRow::read(&block, at);
                visit(&row.ok_or(CatalogError::Damaged { key: key.as_u64() })?)?;
            }
        }
        Ok(())
    }

    /// Visits all rows with keys in `from..=to`, in ledger order, until `visit` breaks off. One block at a time is in
    /// memory.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn range<E: From<CatalogError>>(
        &self,
        from: ItemKey,
        to: ItemKey,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.each_block((from, to), true, |block| {
            let damaged = || CatalogError::Damaged { key: block.first.as_u64() };
            for at in block.seek(from).ok_or_else(damaged)?..block.rows() {
                let row = block.rest().and_then(|rest| Row::read(block, rest, at)).ok_or_else(damaged)?;
                if row.key() > to || visit(&row)?.is_break() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// As [`Self::range`], with what a table of items shows: nothing is unpacked.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn range_listed<E: From<CatalogError>>(
        &self,
        from: ItemKey,
        to: ItemKey,
        mut visit: impl FnMut(&ListRow<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.each_block((from, to), false, |block| {
            let damaged = || CatalogError::Damaged { key: block.first.as_u64() };
            for at in block.seek(from).ok_or_else(damaged)?..block.rows() {
                let row = ListRow::read(block, at).ok_or_else(damaged)?;
                if row.key() > to || visit(&row)?.is_break() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Whether SQLite finds the file sound. That is no proof of its content: most flipped bits pass.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn quick_check(&self) -> Result<bool, CatalogError> {
        let word: String =
            self.db.query_row("PRAGMA quick_check(1)", [], |r| r.get(0)).map_err(CatalogError::Read)?;
        Ok(word == "ok")
    }
}

/// SQLite's numbers are signed; ours are all below 2^63.
pub(super) fn uint(row: &rusqlite::Row<'_>, column: usize) -> Result<u64, Error> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn read_sources(db: &Connection) -> Result<Vec<SourceRow>, Error> {
    let sql = "SELECT segment, id, derived_items, derived_lines FROM source ORDER BY segment";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |r| {
        Ok(SourceRow {
            segment: r.get(0)?,
            id: digest(r.get_ref(1)?),
            derived: Watermark { items: uint(r, 2)?, lines: uint(r, 3)? },
        })
    })?;
    rows.collect()
}
