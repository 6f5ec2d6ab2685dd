//! What repeats from mail to mail is stored once and named by a number.

use std::collections::HashMap;

use rusqlite::{Connection, Error, ToSql};

/// Numbers of the values met lately in one table.
///
/// The memory is bounded: when it is full it is forgotten, and a value met again gets a second row. Rows are never
/// compared by their numbers, so that costs only space.
#[derive(Debug)]
pub(super) struct Interned {
    known: HashMap<Box<[u8]>, i64>,
    bytes: usize,
    next: i64,
    insert: &'static str,
}

/// Bytes of keys that one table remembers.
const MOST_BYTES: usize = 6 << 20;

/// What a map entry takes beside its bytes.
const OVERHEAD: usize = 48;

impl Interned {
    /// `insert` takes the id as its first parameter.
    pub(super) fn new(db: &Connection, table: &str, insert: &'static str) -> Result<Self, Error> {
        let last: i64 = db.query_row(&format!("SELECT ifnull(max(id), 0) FROM {table}"), [], |r| r.get(0))?;
        Ok(Self { known: HashMap::new(), bytes: 0, next: last + 1, insert })
    }

    /// The number of `key`, whose row is made of `columns` when it is new.
    pub(super) fn id<const N: usize>(
        &mut self,
        db: &Connection,
        key: &[u8],
        columns: impl FnOnce(&mut dyn FnMut([&dyn ToSql; N]) -> Result<(), Error>) -> Result<(), Error>,
    ) -> Result<i64, Error> {
        if let Some(&id) = self.known.get(key) {
            return Ok(id);
        }
        let id = self.next;
        let insert = self.insert;
        columns(&mut |values| {
            let mut statement = db.prepare_cached(insert)?;
            statement.raw_bind_parameter(1, id)?;
            for (n, value) in values.into_iter().enumerate() {
                statement.raw_bind_parameter(n + 2, value)?;
            }
            statement.raw_execute().map(|_| ())
        })?;
        self.next += 1;
        if self.bytes > MOST_BYTES {
            self.forget();
        }
        self.bytes += key.len() + OVERHEAD;
        self.known.insert(key.into(), id);
        Ok(id)
    }

    /// Forgets what was met: after a rollback its rows are not there.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }
}
