//! Reading the catalog: one consistent view from when it was opened.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use rusqlite::{Connection, Error, OpenFlags, OptionalExtension as _};

use super::row::{self, Row, digest};
use super::values::{NoteRow, RelayRow};
use super::write::Watermark;
use super::{BlobPlace, CatalogError, schema};
use crate::types::time::UtcMs;
use crate::types::{ContainerId, ItemId, ItemKey, RelPath, Sha256Digest, SourceId};

/// A catalog opened for reading.
#[derive(Debug)]
pub struct Catalog {
    pub(super) db: Connection,
    sources: Vec<SourceRow>,
    pub(super) frames: RefCell<HashMap<i64, BlobPlace>>,
    pub(super) persons: RefCell<HashMap<u64, Person>>,
    pub(super) words: RefCell<HashMap<u64, Rc<[u8]>>>,
    pub(super) shapes: RefCell<HashMap<u64, Rc<[u8]>>>,
    pub(super) relays: RefCell<HashMap<u64, Rc<RelayRow>>>,
    // The folder that was looked up last.
    pub(super) folder: RefCell<Option<LastFolder>>,
}

pub(super) type Person = (Rc<str>, Rc<str>);

/// Segment, path and name of a folder.
pub(super) type LastFolder = (u32, Vec<u8>, Option<Rc<str>>);

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Number of its ledger segment.
    pub segment: u32,
    /// Source digest; `None` until it was read to its end.
    pub id: Option<Sha256Digest>,
    /// Digest of the listing.
    pub listing: Sha256Digest,
    /// `auto` or the kind named.
    pub kind: String,
    /// `strict`, `lenient` or `any`.
    pub split: String,
    /// Things found in it.
    pub entries: u64,
    /// Containers; `None` until its end.
    pub containers: Option<u64>,
    /// Items; `None` until its end.
    pub items: Option<u64>,
    /// Bytes of its files; `None` until its end.
    pub bytes: Option<u64>,
    /// The account, when it is one: `imap://user@host`.
    pub account: Option<String>,
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

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRow {
    /// Number of the ledger segment of its source.
    pub segment: u32,
    /// Its number in the source.
    pub number: u32,
    /// Number of the archive that holds it.
    pub parent: Option<u32>,
    /// Its kind.
    pub kind: String,
    /// Where it is.
    pub path: RelPath,
    /// Place of its first item among those of the segment, from 0.
    pub first_item: u64,
    /// Its items; `None` until its end.
    pub items: Option<u64>,
    /// Its size; `None` until its end.
    pub size: Option<u64>,
    /// Digest of its bytes; `None` until its end.
    pub sha256: Option<Sha256Digest>,
    /// MD5, where it was asked for.
    pub md5: Option<String>,
    /// SHA-1, where it was asked for.
    pub sha1: Option<String>,
    /// Why it was not processed, or not to its end.
    pub reason: Option<String>,
    /// Where reading failed, and what was said.
    pub error: Option<(u64, String)>,
    /// What the splitter saw of the whole.
    pub notes: Vec<NoteRow>,
    /// When the message came into its mailbox by the server's clock, when it was acquired over IMAP.
    pub internal: Option<UtcMs>,
    /// Labels of the message, one a line, decoded and raw, when it was acquired from a server that has labels.
    pub labels: Option<String>,
}

impl ContainerRow {
    /// First and last key that items in it, and their children, can have; `None` when there is no item.
    pub fn keys(&self) -> Option<(ItemKey, ItemKey)> {
        let count = self.items.unwrap_or(u64::from(u32::MAX));
        let last = self.first_item.checked_add(count.checked_sub(1)?)?;
        Some((
            ItemKey::new(self.segment, self.first_item, 0)?,
            ItemKey::new(self.segment, last, ItemKey::MAX_CHILD)?,
        ))
    }
}

/// Something in a source that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Number of the ledger segment of its source.
    pub segment: u32,
    /// Where it is.
    pub path: RelPath,
    /// What it is.
    pub kind: String,
    /// Where a link points, or what the operating system said.
    pub note: Option<Vec<u8>>,
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
            frames: RefCell::default(),
            persons: RefCell::default(),
            words: RefCell::default(),
            shapes: RefCell::default(),
            relays: RefCell::default(),
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
        let container = ContainerId { source: self.source_id(row.key().segment()), number: row.container() };
        ItemId { container, number: row.number(), part: row.part().map(str::to_owned) }
    }

    /// The key of an item; `None` when there is no such item.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn key(&self, id: &ItemId) -> Result<Option<ItemKey>, CatalogError> {
        let Some(segment) = self.segment(id.container.source) else { return Ok(None) };
        let Some(container) = self.container(segment, id.container.number)? else { return Ok(None) };
        let item = container.first_item.saturating_add(u64::from(id.number.saturating_sub(1)));
        let Some(first) = ItemKey::new(segment, item, 0) else { return Ok(None) };
        let last = first.as_u64() + u64::from(ItemKey::MAX_CHILD);
        let sql = "SELECT key FROM item WHERE key BETWEEN ?1 AND ?2 AND container = ?3 AND part IS ?4";
        let find = || {
            let mut statement = self.db.prepare_cached(sql)?;
            let values =
                (first.as_u64().cast_signed(), last.cast_signed(), id.container.number, id.part.as_deref());
            statement.query_row(values, |r| uint(r, 0)).optional()
        };
        Ok(find().map_err(CatalogError::Read)?.map(ItemKey::from_u64))
    }

    /// Visits the rows of `keys`, in their order; a key without a row is left out.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`], and what `visit` gives.
    pub fn each<E: From<CatalogError>>(
        &self,
        keys: impl IntoIterator<Item = ItemKey>,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |e| E::from(CatalogError::Read(e));
        let mut statement = self.db.prepare_cached("SELECT * FROM item WHERE key = ?1").map_err(read)?;
        for key in keys {
            let mut rows = statement.query([key.as_u64().cast_signed()]).map_err(read)?;
            if let Some(row) = rows.next().map_err(read)? {
                let row = Row::read(row).ok_or(CatalogError::Damaged { key: key.as_u64() })?;
                visit(&row)?;
            }
        }
        Ok(())
    }

    /// Visits all rows with keys in `from..=to`, in ledger order, until `visit` breaks off.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`], and what `visit` gives.
    pub fn range<E: From<CatalogError>>(
        &self,
        from: ItemKey,
        to: ItemKey,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let read = |e| E::from(CatalogError::Read(e));
        let sql = "SELECT * FROM item WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
        let mut statement = self.db.prepare_cached(sql).map_err(read)?;
        let to = to.as_u64().min(u64::MAX >> 1);
        let mut rows = statement.query([from.as_u64().cast_signed(), to.cast_signed()]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let key = uint(row, 0).map_err(read)?;
            let row = Row::read(row).ok_or(CatalogError::Damaged { key })?;
            if visit(&row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// One container.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn container(&self, segment: u32, number: u32) -> Result<Option<ContainerRow>, CatalogError> {
        let mut found = self.select_containers("WHERE segment = ?1 AND number = ?2", (segment, number))?;
        Ok(found.pop())
    }

    /// All containers, in the order of the ledger.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn containers(&self) -> Result<Vec<ContainerRow>, CatalogError> {
        self.select_containers("ORDER BY segment, number", ())
    }

    /// Containers that were not processed, or not to their end.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn not_processed(&self) -> Result<Vec<ContainerRow>, CatalogError> {
        self.select_containers("WHERE reason IS NOT NULL OR error IS NOT NULL ORDER BY segment, number", ())
    }

    fn select_containers(
        &self,
        which: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<ContainerRow>, CatalogError> {
        let read = || -> Result<Vec<(ContainerRow, Vec<u8>)>, Error> {
            let mut statement = self.db.prepare_cached(&format!("SELECT * FROM container {which}"))?;
            let rows = statement.query_map(values, |r| {
                let row = ContainerRow {
                    segment: r.get(0)?,
                    number: r.get(1)?,
                    parent: r.get(2)?,
                    kind: r.get(3)?,
                    path: RelPath::new(r.get::<_, Vec<u8>>(4)?),
                    first_item: uint(r, 5)?,
                    items: opt_uint(r, 6)?,
                    size: opt_uint(r, 7)?,
                    sha256: digest(r.get_ref(8)?),
                    md5: r.get(9)?,
                    sha1: r.get(10)?,
                    reason: r.get(11)?,
                    error: opt_uint(r, 12)?.zip(r.get(13)?),
                    notes: Vec::new(),
                    internal: r.get::<_, Option<i64>>(15)?.map(UtcMs),
                    labels: r.get(16)?,
                };
                Ok((row, r.get::<_, Option<Vec<u8>>>(14)?.unwrap_or_default()))
            })?;
            rows.collect()
        };
        let mut out = Vec::new();
        for (mut container, packed) in read().map_err(CatalogError::Read)? {
            let key = ItemKey::new(container.segment, container.first_item, 0).unwrap_or_default().as_u64();
            container.notes = row::notes(self, &packed, || CatalogError::Damaged { key })?;
            out.push(container);
        }
        Ok(out)
    }

    /// Everything in the sources that was not read.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn entries(&self) -> Result<Vec<EntryRow>, CatalogError> {
        let read = || {
            let mut statement = self.db.prepare("SELECT * FROM entry ORDER BY segment, path")?;
            let rows = statement.query_map([], |r| {
                let path = RelPath::new(r.get::<_, Vec<u8>>(1)?);
                Ok(EntryRow { segment: r.get(0)?, path, kind: r.get(2)?, note: r.get(3)? })
            })?;
            rows.collect::<Result<_, Error>>()
        };
        read().map_err(CatalogError::Read)
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

fn opt_uint(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

fn read_sources(db: &Connection) -> Result<Vec<SourceRow>, Error> {
    let sql = "SELECT segment, id, listing, kind, split, entries, containers, items, bytes, derived_items, derived_lines, account
               FROM source ORDER BY segment";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |r| {
        Ok(SourceRow {
            segment: r.get(0)?,
            id: digest(r.get_ref(1)?),
            listing: digest(r.get_ref(2)?).unwrap_or_else(|| Sha256Digest::from_bytes([0; 32])),
            kind: r.get(3)?,
            split: r.get(4)?,
            entries: uint(r, 5)?,
            containers: opt_uint(r, 6)?,
            items: opt_uint(r, 7)?,
            bytes: opt_uint(r, 8)?,
            derived: Watermark { items: uint(r, 9)?, lines: uint(r, 10)? },
            account: r.get(11)?,
        })
    })?;
    rows.collect()
}
