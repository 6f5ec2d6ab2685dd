//! `exceptions`: what was odd, not read, not indexed, and why.

use std::collections::BTreeMap;

use crate::case::recorded_catalog;
use crate::catalog::Catalog;
use crate::store::Reader;
use crate::types::AnomalyKind;
use crate::types::record::{REASONS, shown_reason};
use crate::types::text::shown;
use crate::view::{Exception, each_exception, most_first};

use super::args::ReportArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::show;
use super::table::{counted, grouped, pad};

pub(super) fn run(context: &Context, args: &ReportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = recorded_catalog(context.case()?)?;
    if context.json {
        each_exception::<Failure>(&catalog, &mut |exception| Ok(out.bytes(&exception.to_json())?))?;
        return Ok(Exit::Done);
    }
    table(&catalog, args.all, out)?;
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}

/// What the sections of the table hold, gathered while the exceptions go by.
#[derive(Default)]
struct Sections {
    codes: BTreeMap<String, u64>,
    // Of each reason, how many parts of each type.
    not_indexed: BTreeMap<String, BTreeMap<String, u64>>,
    not_processed: Vec<String>,
    findings: Vec<String>,
}

impl Sections {
    fn take(&mut self, exception: &Exception) {
        if let Some((row, reason)) = exception.not_processed() {
            let meaning = REASONS.iter().find(|(code, _)| *code == reason).map_or("", |(_, meaning)| meaning);
            self.not_processed.push(format!(
                "  {}: {} ({meaning})",
                shown(&row.path.display()),
                shown_reason(reason)
            ));
            let error = row.error.as_ref();
            self.not_processed.extend(error.map(|(at, what)| format!("    at byte {at}: {}", shown(what))));
        }
        match exception {
            Exception::Anomaly { note, .. } => *self.codes.entry(note.code.to_string()).or_default() += 1,
            Exception::NotIndexed { reason, content_type, .. } => {
                let of = self.not_indexed.entry(reason.clone()).or_default();
                *of.entry(content_type.clone()).or_default() += 1;
            }
            Exception::Container { .. } => {}
            Exception::Entry { row, .. } => {
                let note = row.note.as_ref();
                let note =
                    note.map(|n| format!(" ({})", shown(&String::from_utf8_lossy(n)))).unwrap_or_default();
                self.not_processed.push(format!(
                    "  {}: {}{note}",
                    shown(&row.path.display()),
                    shown(&row.kind)
                ));
            }
            Exception::Finding(finding) => {
                let ids = if finding.hits.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", finding.hits.join(", "))
                };
                let at = finding.offset.map(|at| format!(" at byte {at}")).unwrap_or_default();
                let (file, detail) = (shown(&finding.file), shown(&finding.detail));
                self.findings.push(format!("  {}: {file}{ids}{at}: {detail}", finding.kind.code()));
            }
        }
    }
}

fn table(catalog: &Catalog, all: bool, out: &mut Out) -> Result<(), Failure> {
    let mut sections = Sections::default();
    each_exception::<Failure>(catalog, &mut |exception| {
        if let (true, Exception::Anomaly { id, note, .. }) = (all, exception) {
            let detail = note.detail.as_ref().map(|d| format!(": {}", shown(d))).unwrap_or_default();
            out.line(&format!("{id}  {}{}{detail}", note.code, show::place(note)))?;
        }
        sections.take(exception);
        Ok(())
    })?;
    let codes = most_first(sections.codes).into_iter().map(|(code, number)| {
        let meaning = AnomalyKind::from_code(&code).map_or("", AnomalyKind::meaning);
        format!("  {:>9}  {}  {meaning}", grouped(number), pad(&code, 28))
    });
    let not_indexed = sections.not_indexed.into_iter().map(|(reason, types)| {
        let parts = counted(types.values().sum(), "part", "parts");
        format!("  {parts}: {reason}{}", commonest(types))
    });
    section("Anomalies (departures from a standard; data, not verdicts):", &codes.collect::<Vec<_>>(), out)?;
    out.line("")?;
    section("Not processed:", &sections.not_processed, out)?;
    out.line("")?;
    let findings = "Findings (what could not be read, or changed while it was read):";
    section(findings, &sections.findings, out)?;
    out.line("")?;
    section(
        "Not indexed (parts that no search can find by their words):",
        &not_indexed.collect::<Vec<_>>(),
        out,
    )
}

fn section(head: &str, lines: &[String], out: &mut Out) -> Result<(), Failure> {
    out.line(head)?;
    if lines.is_empty() {
        out.line("  none")?;
    }
    for line in lines {
        out.line(line)?;
    }
    Ok(())
}

/// Most types that the report names for one reason.
const MOST_TYPES: usize = 8;

/// Types with their numbers, most first; empty when no type is stated.
fn commonest(types: BTreeMap<String, u64>) -> String {
    if types.keys().all(String::is_empty) {
        return String::new();
    }
    let ordered = most_first(types);
    let more = ordered.len().saturating_sub(MOST_TYPES) as u64;
    let named = ordered.iter().take(MOST_TYPES).map(|(kind, number)| {
        let kind = if kind.is_empty() { "no type stated".to_owned() } else { shown(kind) };
        format!("{kind} {}", grouped(*number))
    });
    let rest = (more > 0).then(|| counted(more, "other type", "other types"));
    format!(" ({})", named.chain(rest).collect::<Vec<_>>().join(", "))
}
