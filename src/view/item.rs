//! One item: looked up by its id, and everything that is told of it.

use crate::catalog::{Catalog, Row};
use crate::export::item::{Extra, Teller, Told, write};
use crate::export::message::{as_read, raw};
use crate::index::IndexReader;
use crate::query::{self, Case, Options, Order};
use crate::store::Reader;
use crate::store::pack::BLOB_IN_MEMORY;
use crate::types::ItemId;

use super::ViewError;

/// Most instances of one content that are named.
const MOST_SAME: usize = 50;

/// The id of an item in text.
///
/// # Errors
/// [`ViewError::ItemId`].
pub fn item_id(text: &str) -> Result<ItemId, ViewError> {
    text.parse().map_err(|source| ViewError::ItemId { text: text.to_owned(), source })
}

/// Calls `then` with the row of an item; `id` as `search` and `list` print it.
///
/// # Errors
/// [`ViewError::ItemId`], [`ViewError::NoItem`], [`ViewError::Catalog`], and what `then` says.
pub fn find_item<T, E: From<ViewError>>(
    catalog: &Catalog,
    id: &str,
    then: impl FnOnce(&Row<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let id = item_id(id)?;
    let key = catalog.key(&id).map_err(ViewError::from)?;
    let key = key.ok_or_else(|| ViewError::NoItem { id: id.clone() })?;
    let (mut then, mut out) = (Some(then), None);
    let read = catalog.each::<ViewError>([key], |row| {
        out = then.take().map(|then| then(row));
        Ok(())
    });
    read?;
    out.ok_or(ViewError::NoItem { id })?
}

/// The message of an item as far as it was read for its facts, and the size of all of it in bytes: of a message that is
/// too long for memory its first bytes, which hold its header.
///
/// # Errors
/// [`ViewError::Export`].
pub(super) fn message_as_read(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
) -> Result<(Vec<u8>, u64), ViewError> {
    let message = as_read(reader, catalog, row)?;
    let whole = if is_long(row) { row.size() } else { message.len() as u64 };
    Ok((message, whole))
}

/// Whether a message is too long for memory.
fn is_long(row: &Row<'_>) -> bool {
    row.part().is_none() && row.end() - row.start() > BLOB_IN_MEMORY
}

/// The slice of an item as found in its container, where quoted lines make it another than the message; `None` also of
/// what is too long for memory, of which no body is hashed.
///
/// # Errors
/// [`ViewError::Export`].
pub(super) fn as_found(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
) -> Result<Option<Vec<u8>>, ViewError> {
    Ok(if row.lines() > 0 && !is_long(row) { Some(raw(reader, catalog, row)?) } else { None })
}

/// Everything that is told of one item.
#[derive(Debug)]
pub struct ItemView<'a> {
    /// What the catalog tells.
    pub told: Told<'a>,
    /// Ids of the other items with the same wire form; `None` where there is no index to ask.
    pub same: Option<Vec<String>>,
}

impl<'a> ItemView<'a> {
    /// Looks up what is told of a row.
    ///
    /// # Errors
    /// [`ViewError::Catalog`].
    pub fn of(reader: &Reader, catalog: &Catalog, row: &Row<'a>) -> Result<Self, ViewError> {
        let told = Teller::new(catalog).tell(row)?;
        Ok(Self { told, same: same_content(reader, catalog, row)? })
    }

    /// The object `mailtrail.item/1`.
    pub fn to_json(&self, row: &Row<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        let extra = Extra { schema: "mailtrail.item/1", same: self.same.as_deref(), ..Extra::default() };
        write(&mut out, row, &self.told, &extra);
        out
    }
}

/// Ids of the other items with the same wire form, the first of them; `None` where there is no index to ask.
///
/// # Errors
/// [`ViewError::Catalog`].
pub fn same_content(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
) -> Result<Option<Vec<String>>, ViewError> {
    let Ok(index) = IndexReader::open(&reader.layout().index()) else { return Ok(None) };
    let options = Options { order: Order::Ledger, limit: Some(MOST_SAME + 1), ..Options::default() };
    let case = Case { catalog, index: &index, messages: None };
    let Ok(hits) = query::search(case, &format!("wire:{}", row.digests(catalog)?.wire), &options) else {
        return Ok(None);
    };
    let mut ids = Vec::new();
    catalog.each(hits.keys.into_iter().filter(|key| *key != row.key()), |other| {
        ids.push(catalog.item_id(other).to_string());
        Ok::<(), ViewError>(())
    })?;
    ids.truncate(MOST_SAME);
    Ok(Some(ids))
}
