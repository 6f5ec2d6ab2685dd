//! `info`: the case at a glance.

use crate::catalog::Catalog;
use crate::store::Reader;
use crate::types::text::shown;
use crate::view::{CaseView, SourceLag, lagging_sources};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::table::{counted, grouped};

pub(super) fn run(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let case = CaseView::of(&reader)?;
    if context.json {
        out.json(&case.to_json())?;
        return Ok(Exit::Done);
    }
    let (info, head) = (&case.info, &case.head);
    let (committed, indexed) = (case.committed(), case.indexed());
    out.line(&format!("case {} made {}", info.case, info.created))?;
    let rows = [
        ("name", &info.name),
        ("number", &info.number),
        ("examiner", &info.examiner),
        ("organisation", &info.organisation),
        ("authority", &info.authority),
        ("notes", &info.notes),
    ];
    for (word, value) in rows {
        if let Some(value) = value {
            out.line(&format!("{word}: {}", shown(value)))?;
        }
    }
    for s in &case.sources {
        out.line("")?;
        out.line(&format!("source {}", s.id))?;
        let (items, containers) =
            (counted(s.items, "item", "items"), counted(s.containers, "container", "containers"));
        let so_far = if s.is_pending { " committed so far" } else { "" };
        out.line(&format!("  {items} in {containers}, {} bytes{so_far}", grouped(s.bytes)))?;
        for label in &s.labels {
            out.line(&format!("  label: {}", shown(label)))?;
        }
        for path in &s.paths {
            out.line(&format!("  from {}", shown(path)))?;
        }
        if s.is_pending {
            let what = if s.is_account { "acquired" } else { "read" };
            let again = if s.is_account { "acquisition" } else { "import" };
            out.line(&format!("  not {what} to its end: run the same {again} again"))?;
        }
    }
    out.line("")?;
    out.line(&format!("{} committed", counted(committed, "item", "items")))?;
    out.line(&format!("index: {} of {} indexed", grouped(indexed), grouped(committed)))?;
    if let Some(number) = case.unreadable_files.filter(|&number| number > 0) {
        out.line(&not_in_case(number))?;
    }
    if indexed < committed {
        context.notes.note("hint: run `mailtrail rebuild`, or the import again, to index the rest");
    }
    let events = counted(head.events, "event", "events");
    out.line(&format!("head {} after {events}", head.head))?;
    Ok(Exit::Done)
}

/// Says that files could not be read when they were imported.
pub(super) fn not_in_case(number: u64) -> String {
    let is = if number == 1 { "is" } else { "are" };
    format!("{} could not be read at import and {is} not in the case", counted(number, "file", "files"))
}

/// Says so when the catalog does not hold all that is committed.
pub(super) fn warn_if_behind(context: &Context, reader: &Reader, catalog: &Catalog) -> Result<(), Failure> {
    for SourceLag { source, items } in lagging_sources(reader, catalog)? {
        context.notes.warning(&match items {
            Some((derived, committed)) => format!(
                "source {source}: {} of {} items indexed; run `mailtrail rebuild`",
                grouped(derived),
                grouped(committed)
            ),
            None => format!("source {source} is not read to its end; run the same import again"),
        });
    }
    Ok(())
}
