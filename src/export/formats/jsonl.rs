//! `manifest.jsonl`: one object for the export, one for each item.

use crate::export::ExportError;
use crate::export::bundle::Order;
use crate::export::folder::{ExportFolder, Spool};
use crate::export::item::{self, Extra};
use crate::export::manifest::{self, LedgerHead};

use super::{ExportEnd, ExportEntry, ExportFormat, MailFile};

/// The file `manifest.jsonl`. Its first line has the totals, so the others wait on the disk until the last item is
/// written.
#[derive(Debug)]
pub(in crate::export) struct JsonlManifest<'a> {
    order: &'a Order<'a>,
    settings_event: Option<u64>,
    lines: Option<Spool>,
    line: Vec<u8>,
}

impl<'a> JsonlManifest<'a> {
    pub(in crate::export) fn new(order: &'a Order<'a>, settings_event: Option<u64>) -> Self {
        Self { order, settings_event, lines: None, line: Vec::new() }
    }
}

impl ExportFormat for JsonlManifest<'_> {
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError> {
        self.lines = Some(folder.spool("manifest.jsonl")?);
        Ok(())
    }

    fn item(&mut self, _: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let file = entry.file.as_ref().map(MailFile::told);
        let extra = Extra { schema: manifest::SCHEMA, file, way: entry.way, ..Extra::default() };
        self.line.clear();
        item::write(&mut self.line, entry.row, entry.told, &extra);
        self.line.push(b'\n');
        lines.put(&self.line)
    }

    fn end(&mut self, folder: &mut ExportFolder, end: &mut ExportEnd<'_>) -> Result<(), ExportError> {
        let Some(lines) = self.lines.take() else { return Ok(()) };
        let mut file = folder.create("manifest.jsonl")?;
        let ledger = LedgerHead::read(end.reader)?;
        file.put(&manifest::head(self.order, self.settings_event, end.totals, &ledger))?;
        lines.copy_into(&mut file)?;
        end.manifest = Some(folder.close(file)?.0);
        Ok(())
    }
}
