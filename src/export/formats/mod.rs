//! The forms in which an export says what it holds: each takes one item after the other and keeps none.

mod attachments;
mod csv;
mod eml;
mod jsonl;
mod mbox;

use crate::case::item::ItemBytes;
use crate::case::way::ItemWay;
use crate::catalog::{Catalog, Row};
use crate::store::Reader;
use crate::types::Sha256Digest;

use super::ExportError;
use super::folder::ExportFolder;
use super::item::Told;
use super::manifest::Totals;

pub(super) use attachments::AttachmentFiles;
pub(super) use csv::CsvManifest;
pub(super) use eml::EmlFiles;
pub(super) use jsonl::JsonlManifest;
pub(super) use mbox::MboxFile;

/// One form of an export: a manifest, or the files of what it lists.
pub(super) trait ExportFormat {
    /// Before the first item.
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError>;

    /// The next item. A form that writes its mail says in `entry` where it is; those behind it tell that.
    fn item(&mut self, folder: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError>;

    /// After the last item.
    fn end(&mut self, folder: &mut ExportFolder, end: &mut ExportEnd<'_>) -> Result<(), ExportError>;
}

/// An item on its way through the forms of an export.
pub(super) struct ExportEntry<'a> {
    pub(super) reader: &'a Reader,
    pub(super) catalog: &'a Catalog,
    /// The bytes of the items, which come in the order of the ledger.
    pub(super) bytes: &'a ItemBytes<'a>,
    pub(super) row: &'a Row<'a>,
    pub(super) told: &'a Told<'a>,
    /// What was concluded about its way; `None` when its bytes could not be read.
    pub(super) way: Option<&'a ItemWay>,
    /// Its place in the export, from 1, with as many digits as the last one has.
    pub(super) number: String,
    /// Its mail, when it could be written.
    pub(super) file: Option<MailFile>,
    /// How many attachments of it were written.
    pub(super) attachments: u64,
    /// Why its mail or an attachment could not be written.
    pub(super) failed: Vec<String>,
}

/// A file of mail as the manifest tells it.
pub(super) struct MailFile {
    pub(super) name: String,
    pub(super) rule: &'static str,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl MailFile {
    /// Name, rule, size and digest.
    pub(super) fn told(&self) -> (&str, &str, u64, &str) {
        (&self.name, self.rule, self.size, &self.sha256)
    }
}

/// What is known when all items are written.
pub(super) struct ExportEnd<'a> {
    pub(super) reader: &'a Reader,
    pub(super) totals: &'a Totals,
    /// Digest of `manifest.jsonl`, by the form that writes it.
    pub(super) manifest: Option<Sha256Digest>,
}

impl ExportEntry<'_> {
    /// Takes what could not be done for this item; an error that is about more ends the export.
    pub(super) fn fail(&mut self, error: ExportError) -> Result<(), ExportError> {
        if !error.is_of_one_item() {
            return Err(error);
        }
        self.failed.push(said(&error));
        Ok(())
    }
}

/// An error and its causes in one line.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}
