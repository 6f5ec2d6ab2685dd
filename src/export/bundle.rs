//! An export: a new folder with the mail, its attachments, the manifests, and `SHA256SUMS` over all of it. Each item
//! goes through all forms and is forgotten, so that memory does not grow with their number.

use std::fs;
use std::path::Path;

use crate::case::item::ItemBytes;
use crate::case::trust;
use crate::case::way::ItemWay;
use crate::catalog::Catalog;
use crate::store::Reader;
use crate::types::{ItemKey, Sha256Digest};

use super::ExportError;
use super::folder::ExportFolder;
use super::formats::{
    AttachmentFiles, CsvManifest, EmlFiles, ExportEnd, ExportEntry, ExportFormat, JsonlManifest, MboxFile,
};
use super::item::Teller;
use super::manifest::Totals;

/// Form of the mail in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One file for each message, un-escaped by the container's rule.
    Eml,
    /// One file for each slice as found in the container.
    Raw,
    /// All messages in one mboxrd file.
    Mbox,
}

impl Form {
    /// The word of the manifest.
    pub fn code(self) -> &'static str {
        match self {
            Self::Eml => "eml",
            Self::Raw => "raw",
            Self::Mbox => "mbox",
        }
    }
}

/// What to write.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The items, in the order of the manifest.
    pub keys: &'a [ItemKey],
    /// The query that found them, for the manifest.
    pub query: &'a str,
    /// The version of the language that it is written in.
    pub language: u64,
    /// The zone in which its days begin.
    pub zone: &'a str,
    /// Form of the mail.
    pub form: Form,
    /// Whether attachments are written too.
    pub attachments: bool,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Totals.
    pub totals: Totals,
    /// Items whose bytes, or an attachment of which, could not be written, with the reason.
    pub failed: Vec<(String, String)>,
    /// Digest of `manifest.jsonl`.
    pub manifest: Option<Sha256Digest>,
}

/// Writes an export into the folder `to`, which must not exist or be empty, and not lie inside the case. `provenance`
/// makes the file of what differs from run to run, when the digest of the manifest and all that failed is known.
///
/// # Errors
/// [`ExportError::Exists`], [`ExportError::InsideCase`], [`ExportError::Io`], [`ExportError::Store`],
/// [`ExportError::Catalog`]. An item whose bytes cannot be read is told in [`Written::failed`].
pub fn write(
    reader: &Reader,
    catalog: &Catalog,
    order: &Order<'_>,
    to: &Path,
    provenance: impl FnOnce(&Sha256Digest, &[(String, String)]) -> Vec<u8>,
) -> Result<Written, ExportError> {
    prepare(reader, to)?;
    let mut folder = ExportFolder::new(to);
    let (settings, settings_event) = trust::settings(reader)?;
    let mut formats = formats(order, settings_event);
    for format in &mut formats {
        format.begin(&mut folder)?;
    }
    let mut written = Written::default();
    let teller = Teller::new(catalog);
    let bytes = &ItemBytes::new(reader, catalog);
    let width = order.keys.len().to_string().len().max(6);
    catalog.each(order.keys.iter().copied(), |row| -> Result<(), ExportError> {
        let totals = &mut written.totals;
        totals.items += 1;
        let told = teller.tell(row)?;
        let number = format!("{:0width$}", totals.items);
        let (file, failed) = (None, Vec::new());
        // Bytes that cannot be read are told by the form that writes them.
        let way = ItemWay::of(bytes, row, &settings).ok();
        let (told, way) = (&told, way.as_ref());
        let mut entry =
            ExportEntry { reader, catalog, bytes, row, told, way, number, file, attachments: 0, failed };
        for format in &mut formats {
            format.item(&mut folder, &mut entry)?;
        }
        totals.children += u64::from(row.part().is_some());
        totals.undated += u64::from(row.date().is_none());
        totals.bytes += entry.file.as_ref().map_or(0, |file| file.size);
        totals.attachments += entry.attachments;
        written.failed.extend(entry.failed.into_iter().map(|why| (told.id.to_string(), why)));
        Ok(())
    })?;
    let mut end = ExportEnd { reader, totals: &written.totals, manifest: None };
    for format in &mut formats {
        format.end(&mut folder, &mut end)?;
    }
    written.manifest = end.manifest;
    if let Some(digest) = &written.manifest {
        let mut file = folder.create("provenance.json")?;
        file.put(&provenance(digest, &written.failed))?;
        folder.close(file)?;
    }
    drop(formats);
    folder.finish()?;
    Ok(written)
}

/// The forms of an export: first those that write the mail, then those that tell of it.
fn formats<'a>(order: &'a Order<'a>, settings_event: Option<u64>) -> Vec<Box<dyn ExportFormat + 'a>> {
    let mut formats: Vec<Box<dyn ExportFormat + 'a>> = Vec::new();
    formats.push(match order.form {
        Form::Eml => Box::new(EmlFiles { is_raw: false }),
        Form::Raw => Box::new(EmlFiles { is_raw: true }),
        Form::Mbox => Box::<MboxFile>::default(),
    });
    if order.attachments {
        formats.push(Box::new(AttachmentFiles));
    }
    formats.push(Box::new(JsonlManifest::new(order, settings_event)));
    formats.push(Box::<CsvManifest>::default());
    formats
}

fn prepare(reader: &Reader, to: &Path) -> Result<(), ExportError> {
    let io = |source| ExportError::Io { path: to.to_owned(), source };
    let absolute = std::path::absolute(to).map_err(io)?;
    let real = |path: &Path| path.ancestors().find_map(|up| fs::canonicalize(up).ok());
    let case = fs::canonicalize(reader.layout().root()).map_err(io)?;
    if real(&absolute).is_some_and(|up| up.starts_with(&case)) {
        return Err(ExportError::InsideCase { path: to.to_owned() });
    }
    if to.exists() && fs::read_dir(to).map_err(io)?.next().is_some() {
        return Err(ExportError::Exists { path: to.to_owned() });
    }
    fs::create_dir_all(to).map_err(io)
}
