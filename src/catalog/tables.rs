//! The small tables: containers, entries, folders of accounts.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Error, OptionalExtension as _};

use super::read::uint;
use super::row;
use super::values::NoteRow;
use super::{Catalog, CatalogError};
use crate::types::time::UtcMs;
use crate::types::{ItemKey, RelPath, Sha256Digest};

/// Segment, path and name of a folder.
pub(super) type LastFolder = (u32, Vec<u8>, Option<Arc<str>>);

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRow {
    /// Number of the ledger segment of its source.
    pub segment: u32,
    /// Its number in the source.
    pub number: u32,
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
    /// Digest of its bytes, where it was not processed or not to its end; the ledger has it of all.
    pub sha256: Option<Sha256Digest>,
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

impl Catalog {
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

    /// Containers that were not processed, or not to their end, or of which something was odd.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn failed_or_noted(&self) -> Result<Vec<ContainerRow>, CatalogError> {
        self.select_containers(
            "WHERE reason IS NOT NULL OR error IS NOT NULL OR notes IS NOT NULL ORDER BY segment, number",
            (),
        )
    }

    fn select_containers(
        &self,
        which: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<ContainerRow>, CatalogError> {
        let sql = format!(
            "SELECT segment, number, kind, path, first_item, items, size, sha256, reason, error_at, error, internal, labels, notes
             FROM container {which}"
        );
        let read = || -> Result<Vec<(ContainerRow, Vec<u8>)>, Error> {
            let mut statement = self.db.prepare_cached(&sql)?;
            let rows = statement.query_map(values, |r| {
                let row = ContainerRow {
                    segment: r.get(0)?,
                    number: r.get(1)?,
                    kind: r.get(2)?,
                    path: RelPath::new(r.get::<_, Vec<u8>>(3)?),
                    first_item: uint(r, 4)?,
                    items: opt_uint(r, 5)?,
                    size: opt_uint(r, 6)?,
                    sha256: digest(r.get_ref(7)?),
                    reason: r.get(8)?,
                    error: opt_uint(r, 9)?.zip(r.get(10)?),
                    internal: r.get::<_, Option<i64>>(11)?.map(UtcMs),
                    labels: r.get(12)?,
                    notes: Vec::new(),
                };
                Ok((row, r.get::<_, Option<Vec<u8>>>(13)?.unwrap_or_default()))
            })?;
            rows.collect()
        };
        let mut out = Vec::new();
        for (mut container, packed) in read().map_err(CatalogError::Read)? {
            let key = ItemKey::new(container.segment, container.first_item, 0).unwrap_or_default().as_u64();
            container.notes = row::notes(&packed).ok_or(CatalogError::Damaged { key })?;
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

    /// The name for people of a folder of an account, by the path of the folder with its epoch.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn folder_name(&self, segment: u32, path: &[u8]) -> Result<Option<Arc<str>>, CatalogError> {
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
        let name: Option<Arc<str>> = find().map_err(CatalogError::Read)?.map(Arc::from);
        *last = Some((segment, path.to_vec(), name.clone()));
        Ok(name)
    }

    /// The items that came into their mailboxes at `from` or later and before `to`, by the server's clock
    /// (INTERNALDATE).
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
}

fn opt_uint(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

pub(super) fn digest(value: ValueRef<'_>) -> Option<Sha256Digest> {
    match value {
        ValueRef::Blob(bytes) => bytes.try_into().ok().map(Sha256Digest::from_bytes),
        _ => None,
    }
}
