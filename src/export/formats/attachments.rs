//! The decoded attachments of the items whose mail is written.

use crate::case::item::ItemAttachments;
use crate::export::ExportError;
use crate::export::folder::ExportFolder;
use crate::types::text::file_name;

use super::{ExportEnd, ExportEntry, ExportFormat};

/// Files `attachments/NUMBER-N-NAME`.
#[derive(Debug)]
pub(in crate::export) struct AttachmentFiles;

impl ExportFormat for AttachmentFiles {
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError> {
        folder.make_dir("attachments")
    }

    fn item(&mut self, folder: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError> {
        if entry.file.is_none() || entry.told.attachments.is_empty() {
            return Ok(());
        }
        let read = match entry.bytes.as_read(entry.row) {
            Ok(read) => read,
            Err(error) => return entry.fail(error.into()),
        };
        // As text, number 10 comes before number 2.
        let mut sums = Vec::new();
        let mut attachments = ItemAttachments::new(&read, entry.row);
        for (n, attachment) in entry.told.attachments.iter().enumerate() {
            let bytes = match attachments.read(n + 1, attachment) {
                Ok(bytes) => bytes,
                Err(error) => {
                    entry.fail(error.into())?;
                    continue;
                }
            };
            let name = format!("attachments/{}-{}-{}", entry.number, n + 1, file_name(&attachment.name));
            let mut file = folder.create(&name)?;
            file.put(&bytes)?;
            sums.push(file.finish()?);
            entry.attachments += 1;
        }
        sums.sort();
        sums.into_iter().try_for_each(|(name, digest, _)| folder.sum(name, digest))
    }

    fn end(&mut self, _: &mut ExportFolder, _: &mut ExportEnd<'_>) -> Result<(), ExportError> {
        Ok(())
    }
}
