//! The bytes behind a row, with the errors of exports; `case::item` has them.

use crate::case::item;
use crate::catalog::{AttachmentRow, Catalog, Row};
use crate::store::Reader;

use super::ExportError;

pub use crate::case::item::blob_at;

/// As [`item::raw`].
///
/// # Errors
/// [`ExportError`].
pub fn raw(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    Ok(item::raw(reader, catalog, row)?)
}

/// As [`item::message`].
///
/// # Errors
/// [`ExportError`].
pub fn message(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    Ok(item::message(reader, catalog, row)?)
}

/// As [`item::as_read`].
///
/// # Errors
/// [`ExportError`].
pub fn as_read(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ExportError> {
    Ok(item::as_read(reader, catalog, row)?)
}

/// As [`item::attachment`].
///
/// # Errors
/// [`ExportError`].
pub fn attachment(
    read: &[u8],
    row: &Row<'_>,
    number: usize,
    file: &AttachmentRow,
) -> Result<Vec<u8>, ExportError> {
    Ok(item::attachment(read, row, number, file)?)
}

/// As [`item::copy_raw`].
///
/// # Errors
/// [`ExportError`].
pub fn copy_raw(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    out: &mut dyn std::io::Write,
) -> Result<(), ExportError> {
    Ok(item::copy_raw(reader, catalog, row, out)?)
}
