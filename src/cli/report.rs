//! `report`: what was odd, not read, not indexed, and why.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::case::recorded_catalog;
use crate::catalog::{AttachmentRow, Catalog, NoteRow, Row};
use crate::ingest::import_findings;
use crate::store::Reader;
use crate::types::json::{self, Obj};
use crate::types::record::{REASONS, shown_reason};
use crate::types::text::shown;
use crate::types::{AnomalyKind, ContainerId, ItemKey};

use super::args::ReportArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::show;
use super::table::{counted, grouped, pad};

/// Counts for the summary of an import.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Anomalies.
    pub(super) anomalies: u64,
    /// Messages inside others.
    pub(super) inside: u64,
    /// Their codes with numbers, most first.
    pub(super) by_code: Vec<(String, u64)>,
    /// Reasons of files not processed, with numbers.
    pub(super) not_processed: Vec<(String, u64)>,
    /// Findings: files that could not be read, not to their end, or changed while they were read.
    pub(super) findings: u64,
}

/// What is no failure to process: an archive whose content follows.
const OPENED: &str = "archive-opened";

/// Counts of one ledger segment.
pub(super) fn of_segment(catalog: &Catalog, segment: u32) -> Result<Counts, Failure> {
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |note: &NoteRow| *codes.entry(note.code.to_string()).or_default() += 1;
    let mut inside = 0;
    let from = ItemKey::new(segment, 0, 0).unwrap_or_default();
    let to = ItemKey::new(segment + 1, 0, 0).unwrap_or(ItemKey::from_u64(u64::MAX >> 1));
    catalog.range(from, to, |row| {
        inside += u64::from(row.part().is_some() && row.key().segment() == segment);
        if row.has_notes() && row.key().segment() == segment {
            row.notes(catalog)?.iter().for_each(&mut add);
        }
        Ok::<_, Failure>(ControlFlow::Continue(()))
    })?;
    for container in catalog.failed_or_noted()?.into_iter().filter(|c| c.segment == segment) {
        container.notes.iter().for_each(&mut add);
    }
    let mut counts = Counts { inside, ..Counts::default() };
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for container in catalog.not_processed()?.into_iter().filter(|c| c.segment == segment) {
        let reason = container.reason.unwrap_or_else(|| "unreadable".to_owned());
        if reason != OPENED {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    import_findings(catalog, Some(segment), &mut |_| {
        counts.findings += 1;
        Ok::<_, Failure>(())
    })?;
    counts.anomalies = codes.values().sum();
    counts.by_code = codes.into_iter().collect();
    counts.by_code.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.not_processed = reasons.into_iter().collect();
    Ok(counts)
}

pub(super) fn run(context: &Context, args: &ReportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = recorded_catalog(context.case()?)?;
    if context.json {
        return lines(&catalog, out);
    }
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    // Of each reason, how many parts of each type.
    let mut unindexed: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    each_item(&catalog, |row| {
        if row.has_notes() {
            for note in row.notes(&catalog)? {
                *codes.entry(note.code.to_string()).or_default() += 1;
                if args.all {
                    let id = catalog.item_id(row);
                    let at = show::place(&note);
                    let detail = note.detail.map(|d| format!(": {}", shown(&d))).unwrap_or_default();
                    out.line(&format!("{id}  {}{at}{detail}", note.code))?;
                }
            }
        }
        let missing = row.more(&catalog)?.not_indexed;
        if !missing.is_empty() {
            let files = row.attachments(&catalog)?;
            for (part, reason) in missing {
                let of = unindexed.entry(reason.to_string()).or_default();
                *of.entry(type_of(&files, &part).to_owned()).or_default() += 1;
            }
        }
        Ok(())
    })?;
    for container in catalog.failed_or_noted()? {
        let id = ContainerId { source: catalog.source_id(container.segment), number: container.number };
        for note in &container.notes {
            *codes.entry(note.code.to_string()).or_default() += 1;
            if args.all {
                let detail = note.detail.as_ref().map(|d| format!(": {}", shown(d))).unwrap_or_default();
                out.line(&format!("{id}  {}{}{detail}", note.code, show::place(note)))?;
            }
        }
    }
    let mut ordered: Vec<_> = codes.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out.line("Anomalies (departures from a standard; data, not verdicts):")?;
    if ordered.is_empty() {
        out.line("  none")?;
    }
    for (code, number) in ordered {
        let meaning = AnomalyKind::from_code(&code).map_or("", AnomalyKind::meaning);
        out.line(&format!("  {:>9}  {}  {meaning}", grouped(number), pad(&code, 28)))?;
    }
    out.line("")?;
    out.line("Not processed:")?;
    let mut any = false;
    for container in catalog.not_processed()? {
        let reason = container.reason.as_deref().unwrap_or("unreadable");
        if reason == OPENED {
            continue;
        }
        any = true;
        let meaning = REASONS.iter().find(|(code, _)| *code == reason).map_or("", |(_, meaning)| meaning);
        out.line(&format!("  {}: {} ({meaning})", shown(&container.path.display()), shown_reason(reason)))?;
        if let Some((at, what)) = &container.error {
            out.line(&format!("    at byte {at}: {}", shown(what)))?;
        }
    }
    for entry in catalog.entries()? {
        any = true;
        let note =
            entry.note.map(|n| format!(" ({})", shown(&String::from_utf8_lossy(&n)))).unwrap_or_default();
        out.line(&format!("  {}: {}{note}", shown(&entry.path.display()), shown(&entry.kind)))?;
    }
    if !any {
        out.line("  none")?;
    }
    out.line("")?;
    out.line("Findings (what could not be read, or changed while it was read):")?;
    let mut any = false;
    import_findings(&catalog, None, &mut |finding| {
        any = true;
        let ids =
            if finding.hits.is_empty() { String::new() } else { format!(" ({})", finding.hits.join(", ")) };
        let at = finding.offset.map(|at| format!(" at byte {at}")).unwrap_or_default();
        let (file, detail) = (shown(&finding.file), shown(&finding.detail));
        out.line(&format!("  {}: {file}{ids}{at}: {detail}", finding.kind.code()))?;
        Ok::<_, Failure>(())
    })?;
    if !any {
        out.line("  none")?;
    }
    out.line("")?;
    out.line("Not indexed (parts that no search can find by their words):")?;
    if unindexed.is_empty() {
        out.line("  none")?;
    }
    for (reason, types) in unindexed {
        out.line(&format!(
            "  {}: {reason}{}",
            counted(types.values().sum(), "part", "parts"),
            commonest(types)
        ))?;
    }
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}

/// The stated type of the attachment at a part path; empty when there is none.
fn type_of<'a>(files: &'a [AttachmentRow], part: &str) -> &'a str {
    files.iter().find(|f| &*f.part == part).map_or("", |f| &*f.content_type)
}

/// Most types that the report names for one reason.
const MOST_TYPES: usize = 8;

/// Types with their numbers, most first; empty when no type is stated.
fn commonest(types: BTreeMap<String, u64>) -> String {
    if types.keys().all(String::is_empty) {
        return String::new();
    }
    let mut ordered: Vec<_> = types.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let more = ordered.len().saturating_sub(MOST_TYPES) as u64;
    let named = ordered.iter().take(MOST_TYPES).map(|(kind, number)| {
        let kind = if kind.is_empty() { "no type stated".to_owned() } else { shown(kind) };
        format!("{kind} {}", grouped(*number))
    });
    let rest = (more > 0).then(|| counted(more, "other type", "other types"));
    format!(" ({})", named.chain(rest).collect::<Vec<_>>().join(", "))
}

fn each_item(
    catalog: &Catalog,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    catalog.range(ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX >> 1), |row| {
        visit(row)?;
        Ok::<_, Failure>(ControlFlow::Continue(()))
    })
}

const SCHEMA: &str = "mailtrail.report/1";

/// One object for every anomaly, everything not processed, everything not indexed.
fn lines(catalog: &Catalog, out: &mut Out) -> Result<Exit, Failure> {
    let mut line = Vec::new();
    each_item(catalog, |row| {
        let id = catalog.item_id(row).to_string();
        if row.has_notes() {
            for note in row.notes(catalog)? {
                line.clear();
                anomaly(&mut line, "item", &id, &note);
                out.bytes(&line)?;
            }
        }
        let missing = row.more(catalog)?.not_indexed;
        let files = if missing.is_empty() { Vec::new() } else { row.attachments(catalog)? };
        for (part, reason) in missing {
            line.clear();
            let mut o = Obj::new(&mut line);
            let kind = type_of(&files, &part);
            if !kind.is_empty() {
                o.str("content_type", kind);
            }
            o.str("item", &id).str("part", &part).str("reason", &reason).str("schema", SCHEMA);
            o.str("type", "not-indexed");
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
        }
        Ok(())
    })?;
    for container in catalog.failed_or_noted()? {
        let id = ContainerId { source: catalog.source_id(container.segment), number: container.number }
            .to_string();
        for note in &container.notes {
            line.clear();
            anomaly(&mut line, "container", &id, note);
            out.bytes(&line)?;
        }
        if container.reason.is_none() && container.error.is_none() {
            continue;
        }
        line.clear();
        let reason = container.reason.as_deref().unwrap_or("unreadable");
        let mut o = Obj::new(&mut line);
        o.str("container", &id);
        if let Some((at, what)) = &container.error {
            o.obj("error", |o| {
                o.uint("at", *at).str("what", what);
            });
        }
        o.str("kind", &container.kind);
        o.text("path", container.path.as_bytes()).str("reason", reason).str("schema", SCHEMA);
        if let Some(sha256) = &container.sha256 {
            o.digest("sha256", sha256);
        }
        o.opt_uint("size", container.size);
        o.str("type", if reason == OPENED { "opened" } else { "not-processed" });
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    }
    for entry in catalog.entries()? {
        line.clear();
        let mut o = Obj::new(&mut line);
        o.str("kind", &entry.kind);
        if let Some(note) = &entry.note {
            o.text("note", note);
        }
        o.text("path", entry.path.as_bytes()).str("reason", &entry.kind).str("schema", SCHEMA);
        o.str("source", &catalog.source_id(entry.segment).to_string()).str("type", "not-processed");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    }
    import_findings(catalog, None, &mut |finding| {
        line.clear();
        let mut o = Obj::new(&mut line);
        o.opt_uint("at", finding.offset).str("code", finding.kind.code());
        if let Some(container) = finding.hits.first() {
            o.str("container", container);
        }
        o.str("detail", &finding.detail)
            .str("path", &finding.file)
            .str("schema", SCHEMA)
            .str("type", "finding");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
        Ok::<_, Failure>(())
    })?;
    Ok(Exit::Done)
}

fn anomaly(line: &mut Vec<u8>, about: &'static str, id: &str, note: &NoteRow) {
    let mut o = Obj::new(line);
    if let Some(at) = note.at {
        o.arr("at", [at.start(), at.end()], json::uint);
    }
    o.str("code", &note.code);
    if about == "container" {
        o.str("container", id);
    }
    if let Some(detail) = &note.detail {
        o.str("detail", detail);
    }
    if note.at.is_some() {
        o.str("in", if note.of_source || about == "container" { "container" } else { "message" });
    }
    if about == "item" {
        o.str("item", id);
    }
    o.str("schema", SCHEMA).str("severity", note.kind.map_or("info", |kind| kind.severity().code()));
    o.str("type", "anomaly");
    o.end();
    line.push(b'\n');
}
