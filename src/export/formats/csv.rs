//! `manifest.csv`: a line for each item, for spreadsheets.

use crate::export::ExportError;
use crate::export::folder::{ExportFolder, HashedFile};
use crate::export::manifest;

use super::{ExportEnd, ExportEntry, ExportFormat, MailFile};

/// The file `manifest.csv`.
#[derive(Debug, Default)]
pub(in crate::export) struct CsvManifest {
    out: Option<HashedFile>,
}

impl ExportFormat for CsvManifest {
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError> {
        let out = self.out.insert(folder.create("manifest.csv")?);
        out.put(manifest::csv_head(true).as_bytes())
    }

    fn item(&mut self, _: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let file = entry.file.as_ref().map(MailFile::told);
        out.put(
            manifest::csv_row_with_way(&manifest::csv_row(entry.row, entry.told, file), entry.way).as_bytes(),
        )
    }

    fn end(&mut self, folder: &mut ExportFolder, _: &mut ExportEnd<'_>) -> Result<(), ExportError> {
        if let Some(out) = self.out.take() {
            folder.close(out)?;
        }
        Ok(())
    }
}
