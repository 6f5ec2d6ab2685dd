//! All messages in one mboxrd file.

use crate::export::ExportError;
use crate::export::folder::{ExportFolder, HashedFile};
use crate::types::Sha256Digest;

use super::{ExportEnd, ExportEntry, ExportFormat, MailFile};

const NAME: &str = "mail.mbox";

/// The file `mail.mbox`.
#[derive(Debug, Default)]
pub(in crate::export) struct MboxFile {
    out: Option<HashedFile>,
}

impl ExportFormat for MboxFile {
    fn begin(&mut self, folder: &mut ExportFolder) -> Result<(), ExportError> {
        self.out = Some(folder.create(NAME)?);
        Ok(())
    }

    fn item(&mut self, _: &mut ExportFolder, entry: &mut ExportEntry<'_>) -> Result<(), ExportError> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let message = match entry.bytes.message(entry.row) {
            Ok(message) => message,
            Err(error) => return entry.fail(error.into()),
        };
        append(out, &message)?;
        entry.file = Some(MailFile {
            name: NAME.to_owned(),
            rule: entry.row.rule().code(),
            size: message.len() as u64,
            sha256: Sha256Digest::of(&message).to_string(),
        });
        Ok(())
    }

    fn end(&mut self, folder: &mut ExportFolder, _: &mut ExportEnd<'_>) -> Result<(), ExportError> {
        if let Some(out) = self.out.take() {
            folder.close(out)?;
        }
        Ok(())
    }
}

/// One message of an mboxrd file; the separator names nobody and no time, because none is known for sure.
fn append(out: &mut HashedFile, message: &[u8]) -> Result<(), ExportError> {
    out.put(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n")?;
    for line in message.split_inclusive(|&b| b == b'\n') {
        let quotes = line.iter().take_while(|&&b| b == b'>').count();
        if line.get(quotes..).is_some_and(|rest| rest.starts_with(b"From ")) {
            out.put(b">")?;
        }
        out.put(line)?;
    }
    if !message.ends_with(b"\n") {
        out.put(b"\n")?;
    }
    out.put(b"\n")
}
