//! What `verify` asks of the catalog beside its rows: which ledger segments its tables speak of, and how many rows.

use rusqlite::{Error, OptionalExtension as _};

use super::{Catalog, CatalogError};
use crate::types::RelPath;

/// How many rows the tables have for one ledger segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// Of containers.
    pub containers: u64,
    /// Of what was not read.
    pub entries: u64,
    /// Of folders of an account.
    pub folders: u64,
}

/// Kind and note of an entry.
type EntryFacts = (String, Option<Vec<u8>>);

impl Catalog {
    /// Number of rows for a ledger segment.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn counts(&self, segment: u32) -> Result<TableCounts, CatalogError> {
        let count = |table: &str| -> Result<u64, Error> {
            let sql = format!("SELECT count(*) FROM {table} WHERE segment = ?1");
            self.db.query_row(&sql, [segment], |r| r.get::<_, i64>(0)).map(i64::cast_unsigned)
        };
        let all = || {
            Ok(TableCounts {
                containers: count("container")?,
                entries: count("entry")?,
                folders: count("folder")?,
            })
        };
        all().map_err(CatalogError::Read)
    }

    /// The segments that containers, entries and folders are of, ascending.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn segments_named(&self) -> Result<Vec<i64>, CatalogError> {
        let read = || -> Result<Vec<i64>, Error> {
            let mut statement = self.db.prepare(
                "SELECT segment FROM container UNION SELECT segment FROM entry UNION SELECT segment FROM folder
                 UNION SELECT segment FROM source ORDER BY 1",
            )?;
            let rows = statement.query_map([], |r| r.get(0))?;
            rows.collect()
        };
        read().map_err(CatalogError::Read)
    }

    /// Columns with values of a sort that no writer puts there, which readers take for none: `table.column`.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn odd_columns(&self) -> Result<Vec<String>, CatalogError> {
        let texts = |sql: &str| -> Result<Vec<(String, String)>, Error> {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect()
        };
        let read = || -> Result<Vec<String>, Error> {
            let mut out = Vec::new();
            for (table, _) in
                texts("SELECT name, type FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
            {
                let columns =
                    texts(&format!("SELECT name, type FROM pragma_table_info('{table}') ORDER BY cid"))?;
                let odd = columns.iter().map(|(name, of)| {
                    let sorts = if of == "INTEGER" { "'integer'" } else { "'text', 'blob'" };
                    format!("count(CASE WHEN typeof(\"{name}\") NOT IN ('null', {sorts}) THEN 1 END)")
                });
                let sql = format!("SELECT {} FROM {table}", odd.collect::<Vec<_>>().join(", "));
                let counts: Vec<i64> =
                    self.db.query_row(&sql, [], |r| (0..columns.len()).map(|n| r.get(n)).collect())?;
                let named = columns.iter().zip(counts).filter(|(_, count)| *count > 0);
                out.extend(named.map(|((name, _), _)| format!("{table}.{name}")));
            }
            // One means nothing without the other.
            let sql = "SELECT count(*) FROM container WHERE (error_at IS NULL) <> (error IS NULL)";
            if self.db.query_row(sql, [], |r| r.get::<_, i64>(0))? > 0 {
                out.push("container.error_at".to_owned());
            }
            Ok(out)
        };
        read().map_err(CatalogError::Read)
    }

    /// Kind and note of something that was not read.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn entry(&self, segment: u32, path: &RelPath) -> Result<Option<EntryFacts>, CatalogError> {
        let find = || {
            let sql = "SELECT kind, note FROM entry WHERE segment = ?1 AND path = ?2";
            let mut statement = self.db.prepare_cached(sql)?;
            statement.query_row((segment, path.as_bytes()), |r| Ok((r.get(0)?, r.get(1)?))).optional()
        };
        find().map_err(CatalogError::Read)
    }
}
