//! Writing the catalog: one transaction for a batch, with the watermark of what it holds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Error, ToSql, params};

use super::fill::{HopTables, pack_attachments, pack_more, pack_note, pack_people};
use super::intern::Interned;
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
#[derive(Debug)]
pub struct CatalogWriter {
    db: Connection,
    path: PathBuf,
    open: bool,
    persons: Interned,
    words: Interned,
    shapes: Interned,
    relays: Interned,
    frames: HashMap<(u32, u64), i64>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    people: Vec<u8>,
    hops: Vec<u8>,
    attachments: Vec<u8>,
    notes: Vec<u8>,
    more: Vec<u8>,
    key: Vec<u8>,
}

/// Frames whose numbers are remembered.
const MOST_FRAMES: usize = 50_000;

const INSERT_ITEM: &str = "INSERT OR REPLACE INTO item VALUES \
    (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)";

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
        "PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;
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
                "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
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
        let table = |name, insert| Interned::new(&db, name, insert).map_err(open);
        let persons = table("person", "INSERT INTO person VALUES (?1, ?2, ?3)")?;
        let words = table("word", "INSERT INTO word VALUES (?1, ?2)")?;
        let shapes = table("shape", "INSERT INTO shape VALUES (?1, ?2)")?;
        let relays = table(
            "relay",
            "INSERT INTO relay VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)",
        )?;
        let (frames, scratch) = (HashMap::new(), Scratch::default());
        Ok(Self { path: path.to_owned(), open: false, persons, words, shapes, relays, frames, scratch, db })
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
        let done = self.begin().and_then(|()| {
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
        for table in [&mut self.persons, &mut self.words, &mut self.shapes, &mut self.relays] {
            table.forget();
        }
        self.frames.clear();
    }

    /// Takes back the rows of a segment from an item on, for a ledger whose end was cut off. Rows of containers and
    /// entries are replaced when their lines come again.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn truncate_from(&mut self, segment: u32, item: u64) -> Result<(), CatalogError> {
        let from = ItemKey::new(segment, item, 0).map_or(u64::MAX >> 1, ItemKey::as_u64);
        let to = ItemKey::new(segment + 1, 0, 0).map_or(u64::MAX >> 1, ItemKey::as_u64);
        let work = |db: &Connection| -> Result<(), Error> {
            db.execute("DELETE FROM item WHERE key >= ?1 AND key < ?2", params![int(from), int(to)])?;
            db.execute(
                "DELETE FROM container WHERE segment = ?1 AND first_item >= ?2",
                params![segment, int(item)],
            )?;
            db.execute("UPDATE source SET id = NULL WHERE segment = ?1", [segment]).map(|_| ())
        };
        self.begin().and_then(|()| work(&self.db)).map_err(CatalogError::Write)
    }

    /// Takes back the rows of all items of a segment; its containers, entries and folders stay.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn remove_items(&mut self, segment: u32) -> Result<(), CatalogError> {
        let from = ItemKey::new(segment, 0, 0).map_or(u64::MAX >> 1, ItemKey::as_u64);
        let to = ItemKey::new(segment + 1, 0, 0).map_or(u64::MAX >> 1, ItemKey::as_u64);
        let sql = "DELETE FROM item WHERE key >= ?1 AND key < ?2";
        let work = |db: &Connection| db.execute(sql, params![int(from), int(to)]).map(|_| ());
        self.begin().and_then(|()| work(&self.db)).map_err(CatalogError::Write)
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
            Record::Source(r) => run(
                "INSERT INTO source (segment, listing, kind, split, entries) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (segment) DO UPDATE SET listing = ?2, kind = ?3, split = ?4, entries = ?5",
                params![segment, r.listing.as_bytes(), r.kind, r.split, int(r.entries)],
            ),
            Record::Account(r) => run(
                "INSERT INTO source (segment, listing, kind, split, entries, account) VALUES (?1, ?2, ?3, '', 0, ?4)
                 ON CONFLICT (segment) DO UPDATE SET kind = ?3, account = ?4",
                params![segment, Sha256Digest::of(b"").as_bytes(), r.kind, r.name()],
            ),
            Record::Folder(r) => run(
                "INSERT OR REPLACE INTO folder VALUES (?1, ?2, ?3)",
                params![segment, r.path.as_bytes(), r.name],
            ),
            Record::Closed(r) => run(
                "UPDATE source SET id = ?2, containers = ?3, items = ?4, bytes = ?5 WHERE segment = ?1",
                params![segment, r.id.as_bytes(), int(r.containers), int(r.items), int(r.bytes)],
            ),
            Record::Entry(r) => run(
                "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3, ?4)",
                params![segment, r.path.as_bytes(), r.kind, r.note],
            ),
            Record::Container(r) => run(
                "INSERT OR REPLACE INTO container (segment, number, parent, kind, path, first_item)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![segment, r.container, r.parent, r.kind, r.path.as_bytes(), int(next_item)],
            ),
            Record::File(r) => run(
                "INSERT OR REPLACE INTO container
                     (segment, number, parent, kind, path, first_item, items, size, sha256, internal, labels)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10)",
                params![
                    segment,
                    r.container,
                    r.parent,
                    r.kind,
                    r.path.as_bytes(),
                    int(next_item),
                    int(r.size),
                    r.sha256.as_bytes(),
                    r.server.as_ref().and_then(|server| server.internal()).map(|(at, _)| at.0),
                    r.server.as_ref().and_then(|server| labels(server))
                ],
            ),
            Record::End(r) => {
                let mut notes = Vec::new();
                for note in &r.notes {
                    pack_note(db, &mut self.words, &mut notes, note, true)?;
                }
                run(
                    "UPDATE container SET items = ?3, size = ?4, sha256 = ?5, md5 = ?6, sha1 = ?7, reason = ?8,
                     error_at = ?9, error = ?10, notes = ?11 WHERE segment = ?1 AND number = ?2",
                    params![
                        segment,
                        r.container,
                        int(r.items),
                        int(r.size),
                        r.sha256.as_bytes(),
                        r.md5,
                        r.sha1,
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

    /// Takes an item or child.
    ///
    /// # Errors
    /// [`CatalogError::Write`].
    pub fn add_item(&mut self, row: &ItemRow<'_>) -> Result<(), CatalogError> {
        self.begin().and_then(|()| self.item(row)).map_err(CatalogError::Write)
    }

    fn item(&mut self, row: &ItemRow<'_>) -> Result<(), Error> {
        let facts = row.facts;
        let frame = match row.blob {
            Some(blob) => Some(self.frame(blob)?),
            None => None,
        };
        let Self { db, persons, words, shapes, relays, scratch, .. } = self;
        let db = &*db;
        let Scratch { people, hops, attachments, notes, more, key } = scratch;
        for buffer in [&mut *people, hops, attachments, notes, more] {
            buffer.clear();
        }
        pack_people(db, persons, people, key, facts)?;
        let mut tables = HopTables { db, words, shapes, relays, key };
        let mut base = (0, facts.date.map_or(0, |d| d.utc.0));
        for hop in &facts.hops {
            base = tables.pack(hops, hop, row.message, base)?;
        }
        pack_attachments(db, words, attachments, facts)?;
        for note in row.notes {
            pack_note(db, words, notes, note, true)?;
        }
        // What the splitter told of the item already is not counted twice.
        for note in facts.anomalies.iter().filter(|a| !row.notes.iter().any(|n| n.kind == a.kind)) {
            pack_note(db, words, notes, note, false)?;
        }
        pack_more(db, words, more, row)?;
        let mih =
            facts.mih.as_deref().and_then(|m| u128::from_str_radix(m, 16).ok().filter(|_| m.len() == 32));
        let mih = mih.map(u128::to_be_bytes);
        let filled = |buffer: &Vec<u8>| !buffer.is_empty();
        let mut s = db.prepare_cached(INSERT_ITEM)?;
        s.raw_bind_parameter(1, int(row.key.as_u64()))?;
        s.raw_bind_parameter(2, row.container)?;
        s.raw_bind_parameter(3, row.number)?;
        s.raw_bind_parameter(4, facts.child.as_ref().map(|c| c.part.as_str()))?;
        s.raw_bind_parameter(5, int(row.start))?;
        s.raw_bind_parameter(6, int(row.end))?;
        s.raw_bind_parameter(7, row.sha256.as_bytes())?;
        s.raw_bind_parameter(8, (row.wire != row.sha256).then_some(row.wire.as_bytes()))?;
        s.raw_bind_parameter(9, u8::from(row.rule == Rule::MboxRd))?;
        s.raw_bind_parameter(10, int(row.lines))?;
        s.raw_bind_parameter(11, row.uid.map(int))?;
        s.raw_bind_parameter(12, frame)?;
        s.raw_bind_parameter(13, row.blob.map(|b| int(b.offset)))?;
        s.raw_bind_parameter(14, int(facts.size))?;
        s.raw_bind_parameter(15, facts.date.map(|d| d.utc.0))?;
        s.raw_bind_parameter(16, facts.date.and_then(|d| d.offset_secs_east))?;
        s.raw_bind_parameter(17, mih.as_ref().map(|m| &m[..]))?;
        match &facts.message_id_bytes {
            Some(bytes) => s.raw_bind_parameter(18, &bytes[..])?,
            None => s.raw_bind_parameter(18, facts.message_id.as_ref().map(|m| m.text.as_str()))?,
        }
        s.raw_bind_parameter(19, facts.subject.as_ref().map(|m| m.text.as_str()))?;
        s.raw_bind_parameter(20, filled(people).then_some(&people[..]))?;
        s.raw_bind_parameter(21, filled(hops).then_some(&hops[..]))?;
        s.raw_bind_parameter(22, filled(attachments).then_some(&attachments[..]))?;
        s.raw_bind_parameter(23, filled(notes).then_some(&notes[..]))?;
        s.raw_bind_parameter(24, &more[..])?;
        s.raw_execute().map(|_| ())
    }

    fn frame(&mut self, blob: BlobPlace) -> Result<i64, Error> {
        let place = (blob.pack, blob.at);
        if let Some(&id) = self.frames.get(&place) {
            return Ok(id);
        }
        // Bounded: a frame that is met again after it was forgotten gets a second row.
        if self.frames.len() >= MOST_FRAMES {
            self.frames.clear();
        }
        let mut s =
            self.db.prepare_cached("INSERT INTO frame (pack, at, len, raw) VALUES (?1, ?2, ?3, ?4)")?;
        let id = s.insert(params![blob.pack, int(blob.at), int(blob.len), int(blob.raw)])?;
        self.frames.insert(place, id);
        Ok(id)
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
