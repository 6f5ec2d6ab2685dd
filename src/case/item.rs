//! The bytes behind a row: as found in the container, and as the message they stand for.

use crate::catalog::{AttachmentRow, BlobPlace, Catalog, Row};
use crate::facts::{Attachment, PARSE_LIMIT, PARSE_LIMIT_SLICE, files};
use crate::store::Reader;
use crate::store::pack::{BLOB_IN_MEMORY, BlobAt, FrameAt};
use crate::types::Sha256Digest;

use super::ItemBytesError;

/// Where a blob lies, as the store says it.
pub fn blob_at(place: &BlobPlace, sha256: Sha256Digest) -> BlobAt {
    let BlobPlace { pack, at, len, raw, offset, size } = *place;
    BlobAt { frame: FrameAt { pack, at, len, raw }, offset, len: size, sha256 }
}

/// The exact bytes of an item as found in its container; of a child its decoded bytes. Checked against their digest.
///
/// # Errors
/// [`ItemBytesError`].
pub fn raw(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    match row.blob(catalog)? {
        Some(place) => Ok(reader.blob(&blob_at(&place, row.digests(catalog)?.sha256))?),
        None => child(reader, catalog, row),
    }
}

/// The message of an item, un-escaped by the container's rule; of a child its decoded bytes.
///
/// # Errors
/// As [`raw`].
pub fn message(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    let slice = raw(reader, catalog, row)?;
    Ok(match row.rule().apply(&slice) {
        std::borrow::Cow::Borrowed(_) => slice,
        std::borrow::Cow::Owned(message) => message,
    })
}

/// The message of an item as far as it was read for its facts: all of it, or the first [`PARSE_LIMIT`] bytes when it is too
/// long for memory.
///
/// # Errors
/// As [`raw`].
pub fn as_read(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    match row.blob(catalog)? {
        Some(place) if place.size > BLOB_IN_MEMORY => {
            let head = reader.blob_head(&blob_at(&place, row.digests(catalog)?.sha256), PARSE_LIMIT_SLICE)?;
            let mut message = row.rule().apply(&head).into_owned();
            message.truncate(usize::try_from(PARSE_LIMIT).unwrap_or(usize::MAX));
            Ok(message)
        }
        _ => message(reader, catalog, row),
    }
}

/// The decoded bytes of an attachment of an item; `read` is what [`as_read`] gives.
///
/// # Errors
/// [`ItemBytesError::NoAttachment`] when the message does not hold it any more, [`ItemBytesError::AttachmentCut`] when it goes on
/// beyond what is read of a long message: then nobody knows where it ends.
pub fn attachment(
    read: &[u8],
    row: &Row<'_>,
    number: usize,
    file: &AttachmentRow,
) -> Result<Vec<u8>, ItemBytesError> {
    let is_long = row.part().is_none() && row.end() - row.start() > BLOB_IN_MEMORY;
    if is_long && file.at.end() >= read.len() as u64 {
        return Err(ItemBytesError::AttachmentCut { number, limit: PARSE_LIMIT });
    }
    files::attachment(read, &fact(file)).ok_or(ItemBytesError::NoAttachment { number })
}

/// An attachment's row as the fact it was made from.
fn fact(row: &AttachmentRow) -> Attachment {
    Attachment {
        part: row.part.clone(),
        name: row.name.clone(),
        content_type: row.content_type.to_string(),
        disposition: row.disposition.to_string(),
        encoding: row.encoding.to_string(),
        size: row.size,
        sha256: row.sha256,
        at: row.at,
    }
}

/// A child is read out of its message again; its digest must be that of the row.
fn child(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    let mut top = None;
    catalog.each([row.key().message()], |row| -> Result<(), ItemBytesError> {
        top = Some(message(reader, catalog, row)?);
        Ok(())
    })?;
    let top = top.ok_or(ItemBytesError::NoItem { key: row.key().message() })?;
    let part = row.part().unwrap_or_default();
    let sha256 = row.digests(catalog)?.sha256;
    files::child(&top, part)
        .map(std::borrow::Cow::into_owned)
        .filter(|bytes| Sha256Digest::of(bytes) == sha256)
        .ok_or_else(|| ItemBytesError::NoChild { part: part.to_owned() })
}

/// Copies the bytes of an item as found, however many, checking them against their digest at the end.
///
/// # Errors
/// [`ItemBytesError::NoItem`] for a child, [`ItemBytesError::Store`], [`ItemBytesError::Catalog`].
pub fn copy_raw(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    out: &mut dyn std::io::Write,
) -> Result<(), ItemBytesError> {
    let place = row.blob(catalog)?.ok_or(ItemBytesError::NoItem { key: row.key() })?;
    Ok(reader.copy_blob(&blob_at(&place, row.digests(catalog)?.sha256), out)?)
}
