//! What was odd, not read, not indexed, and why: `mailtrail.report/1`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::catalog::{AttachmentRow, Catalog, ContainerRow, EntryRow, NoteRow, Row};
use crate::ingest::import_findings;
use crate::types::json::{self, Obj};
use crate::types::{ContainerId, Finding, ItemKey};

use super::ViewError;

/// What is no failure to process: an archive whose content follows.
const OPENED: &str = "archive-opened";

const SCHEMA: &str = "mailtrail.report/1";

/// One thing that a report tells.
#[derive(Debug)]
pub enum Exception {
    /// A departure from a standard, in an item or in a container.
    Anomaly {
        /// Id of the item or container.
        id: String,
        /// Whether it is of a container.
        of_container: bool,
        /// What was seen.
        note: NoteRow,
    },
    /// A part whose words are in no index.
    NotIndexed {
        /// Id of the item.
        item: String,
        /// Path of the part.
        part: String,
        /// Why.
        reason: String,
        /// The type that the mail states; empty when it states none.
        content_type: String,
    },
    /// A container that was not processed, not to its end, or opened as an archive.
    Container {
        /// Its id.
        id: String,
        /// What is known of it.
        row: Box<ContainerRow>,
    },
    /// Something that is no file, or could not be opened.
    Entry {
        /// Id of its source.
        source: String,
        /// What is known of it.
        row: EntryRow,
    },
    /// What could not be read, or changed while it was read.
    Finding(Finding),
}

impl Exception {
    /// Why a container was not processed; `None` for what is not one, or was opened as an archive.
    pub fn not_processed(&self) -> Option<(&ContainerRow, &str)> {
        let Self::Container { row, .. } = self else { return None };
        Some((&**row, reason(row))).filter(|(_, reason)| *reason != OPENED)
    }

    /// The object `mailtrail.report/1`, with its LF.
    pub fn to_json(&self) -> Vec<u8> {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        match self {
            Self::Anomaly { id, of_container, note } => anomaly(&mut o, *of_container, id, note),
            Self::NotIndexed { item, part, reason, content_type } => {
                if !content_type.is_empty() {
                    o.str("content_type", content_type);
                }
                o.str("item", item).str("part", part).str("reason", reason).str("schema", SCHEMA);
                o.str("type", "not-indexed");
            }
            Self::Container { id, row } => {
                o.str("container", id);
                if let Some((at, what)) = &row.error {
                    o.obj("error", |o| {
                        o.uint("at", *at).str("what", what);
                    });
                }
                o.str("kind", &row.kind);
                o.text("path", row.path.as_bytes()).str("reason", reason(row)).str("schema", SCHEMA);
                if let Some(sha256) = &row.sha256 {
                    o.digest("sha256", sha256);
                }
                o.opt_uint("size", row.size);
                o.str("type", if reason(row) == OPENED { "opened" } else { "not-processed" });
            }
            Self::Entry { source, row } => {
                o.str("kind", &row.kind);
                if let Some(note) = &row.note {
                    o.text("note", note);
                }
                o.text("path", row.path.as_bytes()).str("reason", &row.kind).str("schema", SCHEMA);
                o.str("source", source).str("type", "not-processed");
            }
            Self::Finding(finding) => {
                o.opt_uint("at", finding.offset).str("code", finding.kind.code());
                if let Some(container) = finding.hits.first() {
                    o.str("container", container);
                }
                o.str("detail", &finding.detail).str("path", &finding.file).str("schema", SCHEMA);
                o.str("type", "finding");
            }
        }
        o.end();
        line.push(b'\n');
        line
    }
}

fn reason(row: &ContainerRow) -> &str {
    row.reason.as_deref().unwrap_or("unreadable")
}

fn anomaly(o: &mut Obj<'_>, of_container: bool, id: &str, note: &NoteRow) {
    if let Some(at) = note.at {
        o.arr("at", [at.start(), at.end()], json::uint);
    }
    o.str("code", &note.code);
    if of_container {
        o.str("container", id);
    }
    if let Some(detail) = &note.detail {
        o.str("detail", detail);
    }
    if note.at.is_some() {
        o.str("in", if note.of_source || of_container { "container" } else { "message" });
    }
    if !of_container {
        o.str("item", id);
    }
    o.str("schema", SCHEMA).str("severity", note.kind.map_or("info", |kind| kind.severity().code()));
    o.str("type", "anomaly");
}

/// Gives every exception of a case: of the items in ledger order, then of the containers, then what is no file, then
/// what could not be read.
///
/// # Errors
/// [`ViewError::Catalog`]; what `give` says.
pub fn each_exception<E: From<ViewError>>(
    catalog: &Catalog,
    give: &mut dyn FnMut(&Exception) -> Result<(), E>,
) -> Result<(), E> {
    let all = (ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX >> 1));
    let mut failed = None;
    catalog
        .range(all.0, all.1, |row| {
            let of_item = of_item(catalog, row)?;
            Ok::<_, ViewError>(match of_item.iter().try_for_each(&mut *give) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            })
        })
        .map_err(E::from)?;
    failed.map_or(Ok(()), Err)?;
    for row in catalog.failed_or_noted().map_err(ViewError::from)? {
        let id = ContainerId { source: catalog.source_id(row.segment), number: row.number }.to_string();
        for note in &row.notes {
            give(&Exception::Anomaly { id: id.clone(), of_container: true, note: note.clone() })?;
        }
        if row.reason.is_some() || row.error.is_some() {
            give(&Exception::Container { id, row: Box::new(row) })?;
        }
    }
    for row in catalog.entries().map_err(ViewError::from)? {
        give(&Exception::Entry { source: catalog.source_id(row.segment).to_string(), row })?;
    }
    let mut found = Vec::new();
    import_findings(catalog, None, &mut |finding| {
        found.push(finding);
        Ok::<_, ViewError>(())
    })?;
    found.into_iter().try_for_each(|finding| give(&Exception::Finding(finding)))
}

/// The exceptions of one item.
fn of_item(catalog: &Catalog, row: &Row<'_>) -> Result<Vec<Exception>, ViewError> {
    let mut out = Vec::new();
    if row.has_notes() {
        let id = catalog.item_id(row).to_string();
        for note in row.notes(catalog)? {
            out.push(Exception::Anomaly { id: id.clone(), of_container: false, note });
        }
    }
    let missing = row.more(catalog)?.not_indexed;
    if !missing.is_empty() {
        let (item, files) = (catalog.item_id(row).to_string(), row.attachments(catalog)?);
        for (part, reason) in missing {
            let content_type = type_of(&files, &part).to_owned();
            out.push(Exception::NotIndexed {
                item: item.clone(),
                part,
                reason: reason.to_string(),
                content_type,
            });
        }
    }
    Ok(out)
}

/// The stated type of the attachment at a part path; empty when there is none.
fn type_of<'a>(files: &'a [AttachmentRow], part: &str) -> &'a str {
    files.iter().find(|f| &*f.part == part).map_or("", |f| &*f.content_type)
}

/// Names with their numbers, most first; among equals by name.
pub fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut ordered: Vec<_> = counts.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ordered
}

/// Exceptions of one source in numbers.
#[derive(Debug, Default)]
pub struct ExceptionCounts {
    /// Anomalies.
    pub anomalies: u64,
    /// Messages inside others.
    pub inside: u64,
    /// Codes of anomalies with numbers, most first.
    pub by_code: Vec<(String, u64)>,
    /// Reasons of containers that were not processed, with numbers.
    pub not_processed: Vec<(String, u64)>,
    /// Findings: files that could not be read, not to their end, or changed while they were read.
    pub findings: u64,
}

impl ExceptionCounts {
    /// Counts those of one ledger segment.
    ///
    /// # Errors
    /// [`ViewError::Catalog`].
    pub fn of_segment(catalog: &Catalog, segment: u32) -> Result<Self, ViewError> {
        let mut codes: BTreeMap<String, u64> = BTreeMap::new();
        let mut add = |note: &NoteRow| *codes.entry(note.code.to_string()).or_default() += 1;
        let mut counts = Self::default();
        let from = ItemKey::new(segment, 0, 0).unwrap_or_default();
        let to = ItemKey::new(segment + 1, 0, 0).unwrap_or(ItemKey::from_u64(u64::MAX >> 1));
        catalog.range(from, to, |row| {
            let is_here = row.key().segment() == segment;
            counts.inside += u64::from(row.part().is_some() && is_here);
            if row.has_notes() && is_here {
                row.notes(catalog)?.iter().for_each(&mut add);
            }
            Ok::<_, ViewError>(ControlFlow::Continue(()))
        })?;
        for container in catalog.failed_or_noted()?.into_iter().filter(|c| c.segment == segment) {
            container.notes.iter().for_each(&mut add);
        }
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for container in catalog.not_processed()?.into_iter().filter(|c| c.segment == segment) {
            if reason(&container) != OPENED {
                *reasons.entry(reason(&container).to_owned()).or_default() += 1;
            }
        }
        import_findings(catalog, Some(segment), &mut |_| {
            counts.findings += 1;
            Ok::<_, ViewError>(())
        })?;
        counts.anomalies = codes.values().sum();
        counts.by_code = most_first(codes);
        counts.not_processed = reasons.into_iter().collect();
        Ok(counts)
    }
}
