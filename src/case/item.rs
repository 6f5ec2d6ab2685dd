//! The bytes behind a row: as found in the container, and as the message they stand for.

use std::cell::RefCell;

use crate::catalog::{AttachmentRow, BlobPlace, Catalog, Row};
use crate::facts::files::{AttachmentReader, MessageTree};
use crate::facts::{Attachment, PARSE_LIMIT, PARSE_LIMIT_SLICE};
use crate::store::Reader;
use crate::store::pack::{BLOB_IN_MEMORY, BlobAt, FrameAt};
use crate::types::{ItemKey, Sha256Digest};

use super::ItemBytesError;

/// Where a blob lies, as the store says it.
pub fn blob_at(place: &BlobPlace, sha256: Sha256Digest) -> BlobAt {
    let BlobPlace { pack, at, len, raw, offset, size } = *place;
    BlobAt { frame: FrameAt { pack, at, len, raw }, offset, len: size, sha256 }
}

/// Longest item that is kept for whoever asks for it again.
const KEPT: usize = 4 << 20;

/// The bytes of items one after the other. The last item is kept, because several that tell of it ask one after the
/// other; and the last message that a child was taken out of, so that the many children of one message cost one reading
/// of it.
#[derive(Debug)]
pub struct ItemBytes<'a> {
    reader: &'a Reader,
    catalog: &'a Catalog,
    last: RefCell<Option<(ItemKey, MessageTree)>>,
    kept: RefCell<Option<(ItemKey, Vec<u8>)>>,
}

impl<'a> ItemBytes<'a> {
    /// Of the items of a case.
    pub fn new(reader: &'a Reader, catalog: &'a Catalog) -> Self {
        Self { reader, catalog, last: RefCell::new(None), kept: RefCell::new(None) }
    }

    /// As [`raw`].
    ///
    /// # Errors
    /// As [`raw`].
    pub fn raw(&self, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
        if let Some((_, bytes)) = self.kept.borrow().as_ref().filter(|(of, _)| *of == row.key()) {
            return Ok(bytes.clone());
        }
        let bytes = match row.blob(self.catalog)? {
            Some(place) => self.reader.blob(&blob_at(&place, row.digests(self.catalog)?.sha256))?,
            None => self.child(row)?,
        };
        *self.kept.borrow_mut() = (bytes.len() <= KEPT).then(|| (row.key(), bytes.clone()));
        Ok(bytes)
    }

    /// As [`message`].
    ///
    /// # Errors
    /// As [`raw`].
    pub fn message(&self, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
        let slice = self.raw(row)?;
        Ok(match row.rule().apply(&slice) {
            std::borrow::Cow::Borrowed(_) => slice,
            std::borrow::Cow::Owned(message) => message,
        })
    }

    /// As [`as_read`].
    ///
    /// # Errors
    /// As [`raw`].
    pub fn as_read(&self, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
        match row.blob(self.catalog)? {
            Some(place) if place.size > BLOB_IN_MEMORY => {
                let at = blob_at(&place, row.digests(self.catalog)?.sha256);
                let head = self.reader.blob_head(&at, PARSE_LIMIT_SLICE)?;
                let mut message = row.rule().apply(&head).into_owned();
                message.truncate(usize::try_from(PARSE_LIMIT).unwrap_or(usize::MAX));
                Ok(message)
            }
            _ => self.message(row),
        }
    }

    /// A child is read out of its message again; its digest must be that of the row.
    fn child(&self, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
        let key = row.key().message();
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(of, _)| *of != key) {
            *last = None;
            let mut top = None;
            self.catalog.each([key], |row| -> Result<(), ItemBytesError> {
                top = Some(message(self.reader, self.catalog, row)?);
                Ok(())
            })?;
            let top = top.ok_or(ItemBytesError::NoItem { key })?;
            *last = Some((key, MessageTree::new(top)));
        }
        let part = row.part().unwrap_or_default();
        let sha256 = row.digests(self.catalog)?.sha256;
        last.as_mut()
            .and_then(|(_, tree)| tree.child(part))
            .filter(|bytes| Sha256Digest::of(bytes) == sha256)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| ItemBytesError::NoChild { part: part.to_owned() })
    }
}

/// The exact bytes of an item as found in its container; of a child its decoded bytes. Checked against their digest.
///
/// # Errors
/// [`ItemBytesError`].
pub fn raw(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    ItemBytes::new(reader, catalog).raw(row)
}

/// The message of an item, un-escaped by the container's rule; of a child its decoded bytes.
///
/// # Errors
/// As [`raw`].
pub fn message(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    ItemBytes::new(reader, catalog).message(row)
}

/// The message of an item as far as it was read for its facts: all of it, or the first [`PARSE_LIMIT`] bytes when it is
/// too long for memory.
///
/// # Errors
/// As [`raw`].
pub fn as_read(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Vec<u8>, ItemBytesError> {
    ItemBytes::new(reader, catalog).as_read(row)
}

/// The attachments of one item, one after the other.
#[derive(Debug)]
pub struct ItemAttachments<'a> {
    files: AttachmentReader<'a>,
    /// Bytes that were read of a message that goes on.
    cut: Option<u64>,
}

impl<'a> ItemAttachments<'a> {
    /// Of an item; `read` is what [`as_read`] gives.
    pub fn new(read: &'a [u8], row: &Row<'_>) -> Self {
        let is_long = row.part().is_none() && row.end() - row.start() > BLOB_IN_MEMORY;
        Self { files: AttachmentReader::new(read), cut: is_long.then_some(read.len() as u64) }
    }

    /// The decoded bytes of an attachment.
    ///
    /// # Errors
    /// [`ItemBytesError::NoAttachment`] when the message does not hold it any more, [`ItemBytesError::AttachmentCut`]
    /// when it goes on beyond what is read of a long message: then nobody knows where it ends.
    pub fn read(&mut self, number: usize, file: &AttachmentRow) -> Result<Vec<u8>, ItemBytesError> {
        if self.cut.is_some_and(|cut| file.at.end() >= cut) {
            return Err(ItemBytesError::AttachmentCut { number, limit: PARSE_LIMIT });
        }
        self.files.read(&fact(file)).ok_or(ItemBytesError::NoAttachment { number })
    }
}

/// The decoded bytes of an attachment of an item; `read` is what [`as_read`] gives.
///
/// # Errors
/// As [`ItemAttachments::read`].
pub fn attachment(
    read: &[u8],
    row: &Row<'_>,
    number: usize,
    file: &AttachmentRow,
) -> Result<Vec<u8>, ItemBytesError> {
    ItemAttachments::new(read, row).read(number, file)
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
