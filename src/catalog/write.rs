//! Writing the catalog: one transaction for a batch, with the watermark of what it holds.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Error, OptionalExtension as _, ToSql, params};

use super::block::{Block, BlockBuilder, Sealed};
use super::blocks::{Unpacker, opened, signed, stored};
use super::fill;
use super::numbers::Before;
use super::{BlobPlace, CatalogError, schema};
use crate::facts::ItemFacts;
use crate::types::record::Record;
use crate::types::server::ServerState;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, ItemKey, Sha256Digest};

/// How far a ledger segment has been derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermark {
    /// Its first items, whose rows are there.
    pub items: u64,
    /// Its first lines, whose rows are there.
    pub lines: u64,
}

/// One item or child for the catalog.
#[derive(Clone, Copy, Debug)]
pub struct ItemRow<'a> {
    /// Its key.
    pub key: ItemKey,
    /// Number of its container in the source.
    pub container: u32,
    /// Number of the item in its container; a child has that of its message.
    pub number: u32,
    /// First byte in the container; for a child, in its parent's decoded bytes.
    pub start: u64,
    /// Just past the last.
    pub end: u64,
    /// Digest of the bytes as found; of a child's bytes.
    pub sha256: &'a Sha256Digest,
    /// Digest of the wire form.
    pub wire: &'a Sha256Digest,
    /// How the message is made from the slice.
    pub rule: Rule,
    /// Lines that the rule changes.
    pub lines: u64,
    /// UID from the container.
    pub uid: Option<u64>,
    /// Where the slice lies; `None` for a child.
    pub blob: Option<BlobPlace>,
    /// What the reader of the source noted.
    pub notes: &'a [Anomaly],
    /// What the server said of it.
    pub server: Option<&'a ServerState>,
    /// Mailbox state that the container tells.
    pub state: &'a [&'a str],
    /// What was read.
    pub facts: &'a ItemFacts,
    /// The bytes that the ranges of the facts count in.
    pub message: &'a [u8],
}

/// The one writer of a catalog.
pub struct CatalogWriter {
    db: Connection,
    path: PathBuf,
    open: bool,
    /// Rows that go into the next block. At a commit they are written as a block, which a later one replaces.
    block: BlockBuilder,
    before: Before,
    packer: zstd::bulk::Compressor<'static>,
}

impl std::fmt::Debug for CatalogWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CatalogWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Level of zstd for blocks: level 1 takes half as long and a tenth more room, which is 0.005 of text mail.
const LEVEL: i32 = 3;

/// Offsets and counts as SQLite holds them; nothing real is beyond 2^63.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The labels of a message, one a line, decoded, and as the server wrote them where that differs; `None` without any.
pub fn labels(server: &ServerState) -> Option<String> {
    if server.gm_labels.is_empty() {
        return None;
    }
    let mut lines = server.labels();
    for raw in &server.gm_labels {
        let raw = String::from_utf8_lossy(raw);
        if !lines.iter().any(|line| *line == raw) {
            lines.push(raw.into_owned());
        }
    }
    Some(lines.join("\n"))
}

/// Makes an empty catalog beside its place and moves it there whole: nobody meets one without tables.
fn create(path: &Path) -> Result<(), Error> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let io = |error: std::io::Error| Error::ToSqlConversionFailure(Box::new(error));
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let db = Connection::open(&new)?;
    // Nothing to undo: what a crash leaves of this file is made anew.
    db.execute_batch(&format!(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;
         BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;",
        schema::TABLES,
        schema::VERSION
    ))?;
    db.close().map_err(|(_, error)| error)?;
    std::fs::rename(&new, path).map_err(io)
}

impl CatalogWriter {
    /// Opens the catalog in the file `path`; a new file gets its tables.
    ///
    /// # Errors
    /// [`CatalogError::OtherVersion`] when it has to be deleted and made anew; [`CatalogError::Open`].
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let open = |source| CatalogError::Open { path: path.to_owned(), source };
        if !path.exists() {
            create(path).map_err(open)?;
        }
        let db = Connection::open(path).map_err(open)?;
        let prepare = || -> Result<i64, Error> {
            db.execute_batch(
                "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;
                 PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;",
            )?;
            db.pragma_query_value(None, "user_version", |r| r.get(0))
        };
        let found = prepare().map_err(open)?;
        if found != schema::VERSION {
            return Err(CatalogError::OtherVersion { path: path.to_owned(), found });
        }
        db.set_prepared_statement_cache_capacity(32);
        let packer = zstd::bulk::Compressor::new(LEVEL).map_err(|error| open(packing(error)))?;
        let (block, before) = (BlockBuilder::default(), Before::default());
        Ok(Self { db, path: path.to_owned(), open: false, block, before, packer })
    }

    /// How far a ledger segment has been derived, as of the last commit or of what was written since.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn watermark(&self, segment: u32) -> Result<Watermark, CatalogError> {
        let sql = "SELECT derived_items, derived_lines FROM source WHERE segment = ?1";
        let row = |r: &rusqlite::Row<'_>| {
            Ok(Watermark {
                items: r.get::<_, i64>(0)?.cast_unsigned(),
                lines: r.get::<_, i64>(1)?.cast_unsigned(),
            })
        };
        match self.db.query_row(sql, [segment], row) {
            Err(Error::QueryReturnedNoRows) => Ok(Watermark::default()),
            other => other.map_err(CatalogError::Read),
        }
    }

    /// The ledger segments that the catalog knows.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn segments(&self) -> Result<Vec<u32>, CatalogError> {
        let read = || -> Result<Vec<u32>, Error> {
            let mut statement = self.db.prepare_cached("SELECT segment FROM source ORDER BY segment")?;
            let rows = statement.query_map([], |r| r.get(0))?;
            rows.collect()
        };
        read().map_err(CatalogError::Read)
    }

    fn begin(&mut self) -> Result<(), Error> {
        if !self.open {
            self.db.execute_batch("BEGIN IMMEDIATE")?;
            self.open = true;
        }
        Ok(())
    }

    /// Makes everything written since the last commit durable, together with how far each segment has come.
    ///
    /// # Errors
    /// [`CatalogError::Write`]; what was written since the last commit is then undone.
    pub fn commit(&mut self, marks: &[(u32, Watermark)]) -> Result<(), CatalogError> {
        let done = self.begin().and_then(|()| self.flush()).and_then(|()| {
            for (segment, mark) in marks {
                let sql = "UPDATE source SET derived_items = ?2, derived_lines = ?3 WHERE segment = ?1";
                let mut statement = self.db.prepare_cached(sql)?;
                statement.execute(params![segment, int(mark.items), int(mark.lines)])?;
            }
            self.db.execute_batch("COMMIT")
        });
        self.open = false;
        done.map_err(|error| {
            self.undo();
            CatalogError::Write(error)
        })
    }

    fn undo(&mut self) {
        // The error that led here is reported; a second one would say the same.
        self.db.execute_batch("ROLLBACK").unwrap_or_default();
        self.forget();
    }

    /// Forgets the rows that were gathered.
    fn forget(&mut self) {
        self.block.clear();
        self.before = Before::default();
    }

    /// Writes the rows that were gathered as a block.
    fn flush(&mut self) -> Result<(), Error> {
        let Self { block, packer, db, .. } = self;
        match block.seal(|raw| packer.compress(raw).map_err(packing))? {
            Some(sealed) => insert(db, &sealed),
            None => Ok(()),
        }
    }

    /// Takes back the rows of a segment from an item on, for a ledger whose end was cut off. Rows of containers and
    /// entries are replaced when their lines come again.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn truncate_from(&mut self, segment: u32, item: u64) -> Result<(), CatalogError> {
        let work = |writer: &mut Self| -> Result<(), CatalogError> {
            writer.begin().map_err(CatalogError::Write)?;
            writer.remove_from(segment, item)?;
            let change = |sql: &str, values: &[&dyn ToSql]| {
                writer.db.execute(sql, values).map(|_| ()).map_err(CatalogError::Write)
            };
            let from = int(item);
            change("DELETE FROM container WHERE segment = ?1 AND first_item >= ?2", params![segment, from])?;
            change("UPDATE source SET id = NULL WHERE segment = ?1", params![segment])
        };
        work(self)
    }

    /// Removes the rows of a segment from an item on. The block in which they begin is cut.
    fn remove_from(&mut self, segment: u32, item: u64) -> Result<(), CatalogError> {
        let write = CatalogError::Write;
        self.flush().map_err(write)?;
        self.forget();
        let last = ItemKey::from_u64(u64::MAX >> 1);
        let from = ItemKey::new(segment, item, 0).unwrap_or(last);
        let to = ItemKey::new(segment + 1, 0, 0).unwrap_or(last);
        let bounds = (signed(from), signed(to));
        self.db.execute("DELETE FROM block WHERE first >= ?1 AND first < ?2", bounds).map_err(write)?;
        let sql =
            "SELECT first, last, list, rest, digests FROM block WHERE first < ?1 ORDER BY first DESC LIMIT 1";
        let find = || self.db.query_row(sql, [signed(from)], |row| stored(row, true)).optional();
        let Some(found) = find().map_err(CatalogError::Read)?.filter(|found| found.1 >= from) else {
            return Ok(());
        };
        let block = opened(&found, &Unpacker::new().map_err(|error| write(packing(error)))?)?;
        let cut = |block: &Block| BlockBuilder::cut(block, block.rest()?, block.seek(from)?);
        self.block = cut(&block).ok_or(CatalogError::Damaged { key: from.as_u64() })?;
        self.flush().map_err(write)?;
        self.forget();
        Ok(())
    }

    /// Takes back the rows of all items of a segment; its containers, entries and folders stay.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn remove_items(&mut self, segment: u32) -> Result<(), CatalogError> {
        self.begin().map_err(CatalogError::Write)?;
        self.remove_from(segment, 0)
    }

    /// Takes a line of the ledger: everything but what [`Self::add_item`] holds. `next_item` is the place that the
    /// next item of the segment has or would have, from 0. For a [`Record::File`] this is its container.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn record(&mut self, segment: u32, next_item: u64, record: &Record) -> Result<(), CatalogError> {
        self.begin().and_then(|()| self.line(segment, next_item, record)).map_err(CatalogError::Write)
    }

    fn line(&mut self, segment: u32, next_item: u64, record: &Record) -> Result<(), Error> {
        let db = &self.db;
        let run = |sql: &str, values: &[&dyn ToSql]| db.prepare_cached(sql)?.execute(values).map(|_| ());
        match record {
            Record::Source(_) | Record::Account(_) => {
                run("INSERT OR IGNORE INTO source (segment) VALUES (?1)", params![segment])
            }
            Record::Folder(r) => run(
                "INSERT OR REPLACE INTO folder VALUES (?1, ?2, ?3)",
                params![segment, r.path.as_bytes(), r.name],
            ),
            Record::Closed(r) => {
                run("UPDATE source SET id = ?2 WHERE segment = ?1", params![segment, r.id.as_bytes()])
            }
            Record::Entry(r) => run(
                "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3, ?4)",
                params![segment, r.path.as_bytes(), r.kind, r.note],
            ),
            Record::Container(r) => run(
                "INSERT OR REPLACE INTO container (segment, number, kind, path, first_item)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![segment, r.container, r.kind, r.path.as_bytes(), int(next_item)],
            ),
            Record::File(r) => run(
                "INSERT OR REPLACE INTO container
                     (segment, number, kind, path, first_item, items, size, internal, labels)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)",
                params![
                    segment,
                    r.container,
                    r.kind,
                    r.path.as_bytes(),
                    int(next_item),
                    int(r.size),
                    r.server.as_ref().and_then(|server| server.internal()).map(|(at, _)| at.0),
                    r.server.as_ref().and_then(|server| labels(server))
                ],
            ),
            Record::End(r) => {
                let notes = fill::pack_notes(&r.notes);
                let is_odd = r.reason.is_some() || r.error.is_some();
                run(
                    "UPDATE container SET items = ?3, size = ?4, sha256 = ?5, reason = ?6, error_at = ?7, error = ?8,
                     notes = ?9 WHERE segment = ?1 AND number = ?2",
                    params![
                        segment,
                        r.container,
                        int(r.items),
                        int(r.size),
                        is_odd.then_some(r.sha256.as_bytes()),
                        r.reason,
                        r.error.as_ref().map(|(at, _)| int(*at)),
                        r.error.as_ref().map(|(_, what)| what),
                        (!notes.is_empty()).then_some(notes)
                    ],
                )
            }
            Record::Item(_) | Record::Gap(_) => Ok(()),
        }
    }

    /// Takes an item or child. The rows of a segment come in the order of their keys.
    ///
    /// # Errors
    /// [`CatalogError::Write`]; [`CatalogError::Damaged`] when the catalog has rows from there on already.
    pub fn add_item(&mut self, row: &ItemRow<'_>) -> Result<(), CatalogError> {
        self.begin().map_err(CatalogError::Write)?;
        if !self.block.takes(row.key) {
            self.flush().map_err(CatalogError::Write)?;
            self.forget();
        }
        if self.block.first().is_none() {
            self.is_next(row.key)?;
        }
        fill::add(&mut self.block, &mut self.before, row);
        Ok(())
    }

    /// Fails when a block has rows of this segment with this key or a later one.
    fn is_next(&self, key: ItemKey) -> Result<(), CatalogError> {
        let to = ItemKey::new(key.segment() + 1, 0, 0).unwrap_or(ItemKey::from_u64(u64::MAX >> 1));
        let sql = "SELECT last FROM block WHERE first < ?1 ORDER BY first DESC LIMIT 1";
        let find = || {
            let mut statement = self.db.prepare_cached(sql)?;
            statement.query_row([signed(to)], |row| row.get::<_, i64>(0)).optional()
        };
        match find().map_err(CatalogError::Read)? {
            Some(last) if last >= signed(key) => Err(CatalogError::Damaged { key: key.as_u64() }),
            _ => Ok(()),
        }
    }

    /// Commits nothing more and leaves one file behind that can be read on read-only media.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn close(mut self) -> Result<(), CatalogError> {
        if self.open {
            self.undo();
        }
        let Self { db, path, .. } = self;
        // A reader may hold the file: then the write-ahead log stays beside it, and the next writer tries again.
        let journal = db.pragma_update_and_check(None, "journal_mode", "DELETE", |r| r.get::<_, String>(0));
        journal.map(|_| ()).unwrap_or_default();
        db.close().map_err(|(_, source)| CatalogError::Open { path, source })
    }
}

fn insert(db: &Connection, block: &Sealed) -> Result<(), Error> {
    let mut statement = db.prepare_cached("INSERT OR REPLACE INTO block VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let Sealed { first, last, list, rest, digests } = block;
    statement.execute(params![signed(*first), signed(*last), list, rest, digests]).map(|_| ())
}

/// What zstd said, as an error of the database: there is one kind of failed write.
fn packing(error: std::io::Error) -> Error {
    Error::ToSqlConversionFailure(Box::new(error))
}
