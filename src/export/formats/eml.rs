//! One file for each message: un-escaped by the container's rule, or the slice as found.

use std::fs;

use crate::case::item;
use crate::export::ExportError;
use crate::export::folder::ExportFolder;
use crate::store::StoreError;

use super::{ExportEnd, ExportEntry, ExportFormat, MailFile};

/// Files `mail/NUMBER-ID.eml`.
#[derive(Debug)]
pub(in crate::export) struct EmlFiles {
    /// Whether slices are written as found.
    pub(in crate::export) is_raw: bool,
}

impl ExportFormat for EmlFiles {
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError> {
        folder.make_dir("mail")
    }

    fn item(&mut self, folder: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError> {
        match self.write(folder, entry) {
            Ok(file) => entry.file = Some(file),
            Err(error) => entry.fail(error)?,
        }
        Ok(())
    }

    fn end(&mut self, _: &mut ExportFolder, _: &mut ExportEnd<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}

impl EmlFiles {
    fn write(&self, folder: &mut ExportFolder, entry: &ExportEntry<'_>) -> Result<MailFile, ExportError> {
        let ExportEntry { reader, catalog, bytes, row, told, number, .. } = entry;
        let id = told.id.to_string().replace('/', "_");
        let name = format!("mail/{number}-{id}.eml");
        let bytes = if self.is_raw { bytes.raw(row) } else { bytes.message(row) };
        let rule = if self.is_raw { "none" } else { row.rule().code() };
        match bytes.map_err(ExportError::from) {
            Ok(bytes) => {
                let mut file = folder.create(&name)?;
                file.put(&bytes)?;
                let (digest, size) = folder.close(file)?;
                Ok(MailFile { name, rule, size, sha256: digest.to_string() })
            }
            // Too long for memory: copied as it is stored, which is the message when the rule changes nothing.
            Err(ExportError::Store(StoreError::TooLong { .. })) => {
                let mut file = folder.create(&name)?;
                if let Err(error) = item::copy_raw(reader, catalog, row, &mut file.out) {
                    // What is there is not what was asked for, and no line would name it.
                    fs::remove_file(&file.path).unwrap_or_default();
                    return Err(error.into());
                }
                let (digest, size) = folder.close(file)?;
                Ok(MailFile { name, rule: "none", size, sha256: digest.to_string() })
            }
            Err(error) => Err(error),
        }
    }
}
