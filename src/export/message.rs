//! The bytes behind a row: as found in the container, and as the message they stand for.

use crate::catalog::{BlobPlace, Catalog, Row};
use crate::facts::files;
use crate::store::Reader;
use crate::store::pack::{BlobAt, FrameAt};
use crate::types::Sha256Digest;

use super::ExportError;

/// Where a blob lies, as the store says it.
pub fn blob_at(place: &BlobPlace, sha256: Sha256Digest) -> BlobAt {
    let BlobPlace { pack, at, len, raw, offset, size } = *place;
    BlobAt { frame: FrameAt { pack, at, len, raw }, offset, len: size, sha256 }
}

/// The exact bytes of an item as found in its container; of a child its decoded bytes. Checked against their digest.
///
/// # Errors
/// [`ExportError::NoItem`], [`ExportError::NoChild`], [`ExportError::Store`], [`ExportError::Catalog`].
pub fn raw(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    match row.blob(catalog)? {
        Some(place) => Ok(reader.blob(&blob_at(&place, row.sha256))?),
        None => child(reader, catalog, row),
    }
}

/// The message of an item, un-escaped by the container's rule; of a child its decoded bytes.
///
/// # Errors
/// As [`raw`].
pub fn message(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    let slice = raw(reader, catalog, row)?;
    Ok(match row.rule.apply(&slice) {
        std::borrow::Cow::Borrowed(_) => slice,
        std::borrow::Cow::Owned(message) => message,
    })
}

/// A child is read out of its message again; its digest must be that of the row.
fn child(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    let mut top = None;
    catalog.each([row.key.message()], |row| -> Result<(), ExportError> {
        top = Some(message(reader, catalog, row)?);
        Ok(())
    })?;
    let top = top.ok_or(ExportError::NoItem { key: row.key.message() })?;
    let part = row.part.unwrap_or_default();
    files::child(&top, part)
        .map(std::borrow::Cow::into_owned)
        .filter(|bytes| Sha256Digest::of(bytes) == row.sha256)
        .ok_or_else(|| ExportError::NoChild { part: part.to_owned() })
}

/// Copies the bytes of an item as found, however many, checking them against their digest at the end.
///
/// # Errors
/// [`ExportError::NoItem`] for a child, [`ExportError::Store`], [`ExportError::Catalog`].
pub fn copy_raw(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    out: &mut dyn std::io::Write,
) -> Result<(), ExportError> {
    let place = row.blob(catalog)?.ok_or(ExportError::NoItem { key: row.key })?;
    Ok(reader.copy_blob(&blob_at(&place, row.sha256), out)?)
}
