//! Values that rows name by a number, remembered while a catalog is open.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use rusqlite::types::ValueRef;
use rusqlite::{Error, OptionalExtension as _};

use super::read::{Person, uint};
use super::row::blob;
use super::values::RelayRow;
use super::{BlobPlace, Catalog, CatalogError};
use crate::facts::Role;
use crate::types::time::UtcMs;
use crate::types::{ItemKey, RelPath};

impl Catalog {
    /// The name for people of a folder of an account, by the path of the folder with its epoch.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn folder_name(&self, segment: u32, path: &[u8]) -> Result<Option<Rc<str>>, CatalogError> {
        let mut last = self.folder.borrow_mut();
        if let Some((of, have, name)) = &*last
            && *of == segment
            && have.as_slice() == path
        {
            return Ok(name.clone());
        }
        let find = || {
            let mut statement =
                self.db.prepare_cached("SELECT name FROM folder WHERE segment = ?1 AND path = ?2")?;
            statement.query_row((segment, path), |r| r.get::<_, String>(0)).optional()
        };
        let name: Option<Rc<str>> = find().map_err(CatalogError::Read)?.map(Rc::from);
        *last = Some((segment, path.to_vec(), name.clone()));
        Ok(name)
    }

    /// The items that came into their mailboxes at `from` or later and before `to`, by the server's clock (INTERNALDATE).
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn arrived(&self, from: Option<UtcMs>, to: Option<UtcMs>) -> Result<Vec<ItemKey>, CatalogError> {
        let read = || -> Result<Vec<(u32, u64)>, Error> {
            let mut statement = self.db.prepare(
                "SELECT segment, first_item FROM container WHERE internal >= ?1 AND internal < ?2",
            )?;
            let rows = statement
                .query_map((from.map_or(i64::MIN, |at| at.0), to.map_or(i64::MAX, |at| at.0)), |r| {
                    Ok((r.get(0)?, uint(r, 1)?))
                })?;
            rows.collect()
        };
        let found = read().map_err(CatalogError::Read)?;
        Ok(found.into_iter().filter_map(|(segment, item)| ItemKey::new(segment, item, 0)).collect())
    }

    /// The folders of all accounts: segment, path with epoch, name for people.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn folders(&self) -> Result<Vec<(u32, RelPath, String)>, CatalogError> {
        let read = || {
            let mut statement =
                self.db.prepare("SELECT segment, path, name FROM folder ORDER BY segment, path")?;
            let rows = statement
                .query_map([], |r| Ok((r.get(0)?, RelPath::new(r.get::<_, Vec<u8>>(1)?), r.get(2)?)))?;
            rows.collect::<Result<_, Error>>()
        };
        read().map_err(CatalogError::Read)
    }

    pub(super) fn frame(&self, id: i64) -> Result<Option<BlobPlace>, CatalogError> {
        let sql = "SELECT pack, at, len, raw FROM frame WHERE id = ?1";
        self.interned(&self.frames, id, sql, id, |r| {
            Ok(BlobPlace {
                pack: r.get(0)?,
                at: uint(r, 1)?,
                len: uint(r, 2)?,
                raw: uint(r, 3)?,
                offset: 0,
                size: 0,
            })
        })
    }

    pub(super) fn person(&self, id: u64) -> Result<Option<Person>, CatalogError> {
        let text = |r: &rusqlite::Row<'_>, n| {
            Ok::<Rc<str>, Error>(Rc::from(r.get_ref(n)?.as_str().unwrap_or_default()))
        };
        let sql = "SELECT name, address FROM person WHERE id = ?1";
        self.interned(&self.persons, id, sql, id.cast_signed(), |r| Ok((text(r, 0)?, text(r, 1)?)))
    }

    /// A word; `None` for number 0 and for a number without a row.
    pub(super) fn word(&self, id: u64) -> Result<Option<Rc<[u8]>>, CatalogError> {
        if id == 0 {
            return Ok(None);
        }
        let sql = "SELECT text FROM word WHERE id = ?1";
        self.interned(&self.words, id, sql, id.cast_signed(), |r| {
            Ok(Rc::from(blob(r.get_ref(0)?).unwrap_or_default()))
        })
    }

    /// A word that is text; empty for number 0.
    pub(super) fn text(&self, id: u64) -> Result<Rc<str>, CatalogError> {
        let word = self.word(id)?;
        Ok(Rc::from(word.as_deref().and_then(|w| std::str::from_utf8(w).ok()).unwrap_or_default()))
    }

    pub(super) fn shape(&self, id: u64) -> Result<Option<Rc<[u8]>>, CatalogError> {
        let sql = "SELECT ranges FROM shape WHERE id = ?1";
        self.interned(&self.shapes, id, sql, id.cast_signed(), |r| {
            Ok(Rc::from(blob(r.get_ref(0)?).unwrap_or_default()))
        })
    }

    pub(super) fn relay(&self, id: u64) -> Result<Option<Rc<RelayRow>>, CatalogError> {
        let sql = "SELECT * FROM relay WHERE id = ?1";
        self.interned(&self.relays, id, sql, id.cast_signed(), |r| {
            let bytes = |n| Ok::<_, Error>(blob(r.get_ref(n)?).map(<[u8]>::to_vec));
            Ok(Rc::new(RelayRow {
                by: bytes(1)?,
                helo: bytes(2)?,
                rdns: bytes(3)?,
                peer_ip: bytes(4)?.and_then(|b| ip(&b)),
                by_ip: bytes(5)?.and_then(|b| ip(&b)),
                from: bytes(6)?,
                via: bytes(7)?,
                with: bytes(8)?,
                software: bytes(9)?,
                tls_cipher: bytes(10)?,
                family: r.get(11)?,
                protocol: r.get(12)?,
                grade: r.get(13)?,
                class: r.get(14)?,
                rdns_state: r.get(15)?,
                scope: r.get(16)?,
                auth: r.get(17)?,
                tls: r.get(18)?,
                tls_version: r.get(19)?,
                tls_bits: r.get(20)?,
                peer_ip_mapped: r.get(21)?,
            }))
        })
    }

    fn interned<K: std::hash::Hash + Eq, V: Clone>(
        &self,
        cache: &RefCell<HashMap<K, V>>,
        key: K,
        sql: &str,
        id: i64,
        read: impl FnOnce(&rusqlite::Row<'_>) -> Result<V, Error>,
    ) -> Result<Option<V>, CatalogError> {
        if let Some(value) = cache.borrow().get(&key) {
            return Ok(Some(value.clone()));
        }
        let find = || self.db.prepare_cached(sql)?.query_row([id], read).optional();
        let value = find().map_err(CatalogError::Read)?;
        if let Some(value) = &value {
            let mut cache = cache.borrow_mut();
            if cache.len() >= MOST_CACHED {
                cache.clear();
            }
            cache.insert(key, value.clone());
        }
        Ok(value)
    }
}

/// Values remembered of one table.
const MOST_CACHED: usize = 100_000;

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// The role of a number in a row.
pub(super) fn role(byte: u8) -> Option<Role> {
    Role::ALL.get(usize::from(byte)).copied()
}

/// A whole number that is not negative.
pub(super) fn number(value: ValueRef<'_>) -> Option<u64> {
    match value {
        ValueRef::Integer(n) => u64::try_from(n).ok(),
        _ => None,
    }
}
