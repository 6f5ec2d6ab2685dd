//! What is handed out of a case, and the event by which the custody log tells of it: one call does both.

use std::path::Path;

use crate::case::{CaseReader, append};
use crate::store::{Head, Reader, Run, StoreError};
use crate::types::event::{ExportTally, RestoreTally};
use crate::types::json::Obj;
use crate::types::time::rfc3339_us;
use crate::types::{ContainerId, CustodyEvent, Sha256Digest, SourceId};

use super::ExportError;
use super::bundle::{Order, Written, write};
use super::restore::{Rebuilt, container, tree};

/// What was written, and whether the custody log tells of it.
#[derive(Debug)]
pub struct HandedOut<T> {
    /// What was written; it is there whatever became of the event.
    pub written: T,
    /// The head after the event; the case may lie on a read-only medium, or somebody may be writing to it.
    pub logged: Result<Head, StoreError>,
}

/// Writes an export into the folder `to`, with a provenance that names the case, the run and the head it was made from,
/// and tells the custody log of it.
///
/// # Errors
/// As [`write()`].
pub fn export(
    case: &CaseReader,
    order: &Order<'_>,
    to: &Path,
    run: &Run,
) -> Result<HandedOut<Written>, ExportError> {
    let reader = &case.reader;
    let now = rfc3339_us(run.clock.now_us());
    let head = reader.head().clone();
    let info = reader.case_info()?;
    let examiner = run.examiner.as_ref().or(info.examiner.as_ref());
    let written = write(reader, &case.catalog, order, to, |manifest: &Sha256Digest, failed| {
        let mut text = Vec::new();
        let mut o = Obj::new(&mut text);
        o.opt_str("authority", info.authority.as_deref()).str("case", &info.case);
        o.opt_str("case_name", info.name.as_deref()).opt_str("case_number", info.number.as_deref());
        o.uint("custody_events", head.events).digest("custody_head", &head.head);
        o.opt_str("examiner", examiner.map(String::as_str)).str("exported", &now);
        write_failed(&mut o, failed);
        o.digest("manifest_sha256", manifest).opt_str("organisation", info.organisation.as_deref());
        o.raw("run", &run.bytes()).str("schema", "mailtrail.provenance/1");
        o.end();
        text.push(b'\n');
        text
    })?;
    let totals = &written.totals;
    let event = CustodyEvent::Exported(ExportTally {
        attachments: totals.attachments,
        bytes: totals.bytes,
        failed: written.failed.len() as u64,
        form: order.form.code().to_owned(),
        items: totals.items,
        manifest_sha256: written.manifest,
        query: order.query.to_owned(),
        query_language: Some(order.language),
        query_zone: Some(order.zone.to_owned()),
        to: real(to),
    });
    let logged = append(reader.layout().root(), run, &event);
    Ok(HandedOut { written, logged })
}

/// Writes what could not be written out as `failed`: id of the item and reason.
pub fn write_failed(o: &mut Obj<'_>, failed: &[(String, String)]) {
    o.arr("failed", failed, |out, (item, reason)| {
        let mut o = Obj::new(out);
        o.str("item", item).str("reason", reason);
        o.end();
    });
}

/// What to write out again as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreId {
    /// One file.
    Container(ContainerId),
    /// A folder tree.
    Source(SourceId),
}

/// Writes a container to the new file, or a source into the new folder `to`, and tells the custody log of it. Nothing
/// is made when the case does not have it.
///
/// # Errors
/// [`ExportError::NoSource`]; as [`container`] and [`tree`].
pub fn restore(
    reader: &Reader,
    id: RestoreId,
    to: &Path,
    run: &Run,
) -> Result<HandedOut<Rebuilt>, ExportError> {
    let (rebuilt, name) = match id {
        RestoreId::Container(id) => (container(reader, id, to)?, id.to_string()),
        RestoreId::Source(id) => {
            let segments = reader.segments()?;
            let segment = segments.iter().find(|segment| segment.source() == id);
            let segment = segment.ok_or(ExportError::NoSource { id })?;
            (tree(reader, segment.number, to)?, id.to_string())
        }
    };
    let event = CustodyEvent::Restored(RestoreTally {
        bytes: rebuilt.bytes,
        files: rebuilt.files,
        id: name,
        inexact: rebuilt.inexact.len() as u64,
        left_out: rebuilt.left_out.len() as u64,
        renamed: Some(rebuilt.renamed.len() as u64),
        to: real(to),
    });
    let logged = append(reader.layout().root(), run, &event);
    Ok(HandedOut { written: rebuilt, logged })
}

/// Where a path really leads, or the path as it was given.
fn real(path: &Path) -> Vec<u8> {
    let real = std::fs::canonicalize(path);
    real.as_deref().unwrap_or(path).as_os_str().as_encoded_bytes().to_vec()
}
