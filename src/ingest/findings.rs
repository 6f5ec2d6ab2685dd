//! What an import could not read, and what changed while it was read, as findings.

use std::ops::ControlFlow;

use crate::catalog::{Catalog, CatalogError, ContainerRow, NoteRow};
use crate::types::{AnomalyKind, ContainerId, Finding, FindingKind, ItemKey};

/// Tells the findings of the import of one ledger segment, or of all: containers in their order, then what could not
/// be opened, then files that are one message. The catalog holds all of it, so a source that is seen again tells the
/// same.
///
/// # Errors
/// What the catalog and `sink` give.
pub fn import_findings<E: From<CatalogError>>(
    catalog: &Catalog,
    segment: Option<u32>,
    sink: &mut dyn FnMut(Finding) -> Result<(), E>,
) -> Result<(), E> {
    let is_asked = |of: u32| segment.is_none_or(|segment| segment == of);
    for container in catalog.failed_or_noted()?.into_iter().filter(|c| is_asked(c.segment)) {
        if is_unreadable(&container) {
            let (offset, detail) = match &container.error {
                Some((at, what)) => (Some(*at), what.clone()),
                None => (None, FindingKind::Unreadable.meaning().to_owned()),
            };
            sink(Finding { offset, ..about(catalog, &container, FindingKind::Unreadable, detail) })?;
        }
        if has_changed(&container.notes) {
            sink(changed(catalog, &container))?;
        }
    }
    for entry in catalog.entries()?.into_iter().filter(|e| is_asked(e.segment) && e.kind == "unreadable") {
        sink(Finding {
            kind: FindingKind::Unreadable,
            file: entry.path.display().into_owned(),
            offset: None,
            detail: String::from_utf8_lossy(entry.note.as_deref().unwrap_or_default()).into_owned(),
            hits: Vec::new(),
        })?;
    }
    // A file that is one message has the notes of its container in its own line of the ledger.
    let from = ItemKey::new(segment.unwrap_or_default(), 0, 0).unwrap_or_default();
    let to = segment.and_then(|segment| ItemKey::new(segment.checked_add(1)?, 0, 0));
    catalog.range(from, to.unwrap_or(ItemKey::from_u64(u64::MAX >> 1)), |row| {
        let segment = row.key().segment();
        if is_asked(segment)
            && row.has_notes()
            && has_changed(&row.notes(catalog)?)
            && let Some(container) = catalog.container(segment, row.container())?
        {
            sink(changed(catalog, &container))?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Whether the system did not give all of its bytes.
fn is_unreadable(container: &ContainerRow) -> bool {
    match &container.reason {
        Some(reason) => reason == FindingKind::Unreadable.code(),
        None => container.error.is_some(),
    }
}

fn has_changed(notes: &[NoteRow]) -> bool {
    notes.iter().any(|note| note.kind == Some(AnomalyKind::ChangedWhileRead))
}

fn changed(catalog: &Catalog, container: &ContainerRow) -> Finding {
    let detail = FindingKind::ChangedWhileRead.meaning().to_owned();
    about(catalog, container, FindingKind::ChangedWhileRead, detail)
}

fn about(catalog: &Catalog, container: &ContainerRow, kind: FindingKind, detail: String) -> Finding {
    let id = ContainerId { source: catalog.source_id(container.segment), number: container.number };
    Finding {
        kind,
        file: container.path.display().into_owned(),
        offset: None,
        detail,
        hits: vec![id.to_string()],
    }
}
