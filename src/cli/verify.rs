//! `verify`: compares the record with itself, an earlier head and the originals, and says what was compared and what
//! differs.

use crate::case::unreadable_files;
use crate::catalog::Catalog;
use crate::ingest::Watch;
use crate::store::{Reader, SegmentInfo};
use crate::types::json::{self, Obj};
use crate::types::text::shown;
use crate::types::{Finding, FindingKind, Sha256Digest};
use crate::verify::{Summary, verify_derived, verify_record, verify_source};

use super::args::VerifyArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::import::{Watcher, threads};
use super::info::not_in_case;
use super::output::Out;
use super::table::{counted, grouped, items};

const SCHEMA: &str = "mailtrail.verify/1";

/// Prints findings as they come and remembers how bad they are.
struct Findings<'a> {
    out: &'a mut Out,
    json: bool,
    number: u64,
    /// Findings that change the verdict.
    grave: u64,
    mismatch: bool,
    failed: Option<std::io::Error>,
}

impl Findings<'_> {
    fn take(&mut self, finding: &Finding) {
        self.number += 1;
        self.grave += u64::from(finding.kind.exit() > 0);
        self.mismatch |= finding.kind.is_mismatch();
        let printed = if self.json { self.line(finding) } else { self.text(finding) };
        if let Err(error) = printed {
            self.failed.get_or_insert(error);
        }
    }

    fn line(&mut self, finding: &Finding) -> std::io::Result<()> {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.str("code", finding.kind.code()).str("detail", &finding.detail).str("file", &finding.file);
        o.arr("hits", &finding.hits, |out, hit| json::string(out, hit));
        o.bool("mismatch", finding.kind.is_mismatch()).opt_uint("offset", finding.offset);
        o.str("schema", SCHEMA).str("type", "finding");
        o.end();
        line.push(b'\n');
        self.out.bytes(&line)
    }

    fn text(&mut self, finding: &Finding) -> std::io::Result<()> {
        let at = finding.offset.map(|at| format!(" at byte {at}")).unwrap_or_default();
        let word = if finding.kind.is_mismatch() { "MISMATCH" } else { "notice" };
        let line = format!(
            "{word} {}: {}{at}: {}",
            finding.kind.code(),
            shown(&finding.file),
            shown(&finding.detail)
        );
        self.out.line(&line)?;
        for hit in finding.hits.iter().take(20) {
            self.out.line(&format!("    hits {}", shown(hit)))?;
        }
        if finding.hits.len() > 20 {
            self.out.line(&format!("    and {} more", finding.hits.len() - 20))?;
        }
        Ok(())
    }
}

/// Nobody watches.
struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _: u64, _: u64) {}
    fn committed(&self, _: u64) {}
    fn is_stopped(&self) -> bool {
        false
    }
}

pub(super) fn run(context: &Context, args: &VerifyArgs, out: &mut Out) -> Result<Exit, Failure> {
    let dir = context.case()?;
    let threads = threads(args.threads);
    let wanted = match &args.expect_head {
        None => None,
        // As it was noted down: in groups, or in upper case.
        Some(text) => Some(noted(text).parse::<Sha256Digest>().map_err(|error| {
            Failure::usage(format!("--expect-head: {error}"))
                .hint("give the head as it was printed, all 64 digits")
        })?),
    };
    let mut findings =
        Findings { out, json: context.json, number: 0, grave: 0, mismatch: false, failed: None };
    if args.source && args.from.is_some() {
        one_source(dir)?;
    }
    let record = verify_record(dir, threads, &mut |finding| findings.take(&finding))?;
    let mut derived = None;
    let reader = Reader::open(dir);
    let since = wanted.zip(reader.as_ref().ok()).map(|(wanted, reader)| (wanted, event_of(reader, &wanted)));
    let is_whole_but_for_head = !findings.mismatch;
    if let Some((wanted, None)) = since {
        findings.take(&Finding {
            kind: FindingKind::HeadMismatch,
            file: "custody.jsonl".to_owned(),
            offset: None,
            detail: format!("no event of the custody log has the expected head {wanted}"),
            hits: vec![],
        });
    }
    let before_derived = findings.grave;
    if let Ok(reader) = &reader
        && !args.record_only
    {
        let watcher = Watcher::new(context, 0)?;
        let done = verify_derived(reader, threads, &Unwatched, &mut |f| findings.take(&f));
        watcher.done();
        match done {
            Ok(summary) => derived = Some(summary),
            // A record that cannot be read has its own findings already.
            Err(error) if findings.mismatch => drop(error),
            Err(error) => return Err(error.into()),
        }
    }
    let is_derived_well = findings.grave == before_derived;
    let mut originals = None;
    if let Ok(reader) = &reader
        && args.source
    {
        originals = Some(verify_source(reader, args.from.as_deref(), &mut |f| findings.take(&f))?);
    }
    let Findings { number, grave, mismatch, failed, .. } = findings;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let catalog = reader.as_ref().ok().and_then(|reader| Catalog::open(&reader.layout().catalog()).ok());
    let unreadable = catalog.as_ref().and_then(|catalog| unreadable_files(catalog).ok());
    let exit = match (mismatch, grave) {
        (true, _) => Exit::Mismatch,
        (false, 0) => Exit::Done,
        (false, _) => Exit::Partial,
    };
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.uint("blob_bytes", record.blob_bytes).uint("blobs", record.blobs);
        o.opt_uint("catalog_rows", derived.map(|d| d.rows)).uint("containers", record.containers);
        o.uint("events", record.events).uint("findings", number).uint("frames", record.frames);
        match &record.head {
            Some(head) => o.digest("head", &head.head),
            None => o.null("head"),
        };
        o.opt_uint("indexed", derived.map(|d| d.indexed)).uint("items", record.items);
        o.str("schema", SCHEMA).opt_uint("source_bytes", originals.map(|s| s.bytes));
        o.opt_uint("source_files", originals.map(|s| s.files));
        o.opt_uint("sources_compared", originals.map(|s| s.sources)).str("type", "summary");
        o.opt_uint("unreadable_files", unreadable);
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else if !context.notes.is_quiet() {
        out.line(&format!(
            "checked {}, {} ({} bytes), {}, {}",
            counted(record.events, "event", "events"),
            counted(record.blobs, "blob", "blobs"),
            grouped(record.blob_bytes),
            counted(record.containers, "container", "containers"),
            counted(record.items, "item", "items"),
        ))?;
        if let Some(derived) = derived {
            out.line(&format!(
                "catalog: {} as the blobs give them; index: {}",
                counted(derived.rows, "row", "rows"),
                items(derived.indexed, derived.indexed.saturating_sub(record.items))
            ))?;
        }
        if let Some(originals) = originals {
            out.line(&format!(
                "originals: {} of {} ({} bytes) read again and compared",
                counted(originals.files, "file", "files"),
                counted(originals.sources, "source", "sources"),
                grouped(originals.bytes)
            ))?;
            if originals.accounts > 0 {
                let accounts = counted(originals.accounts, "acquisition", "acquisitions");
                out.line(&format!("{accounts} from accounts: servers are not asked again"))?;
            }
        }
        if let Some(head) = &record.head {
            let events = counted(head.events, "event", "events");
            out.line(&format!("head {} after {events}", head.head))?;
        }
        if let Some(number) = unreadable.filter(|&number| number > 0) {
            out.line(&not_in_case(number))?;
        }
        let is_unknown_head = matches!(since, Some((_, None)));
        let verdict = match exit {
            Exit::Mismatch if is_unknown_head && is_whole_but_for_head && is_derived_well && grave == 1 => {
                "this was never a head of this case; the record itself is whole".to_owned()
            }
            Exit::Mismatch => {
                format!("{}: bytes do not match what was recorded", counted(number, "finding", "findings"))
            }
            Exit::Done => agreement(args, &record, since),
            _ => format!(
                "{}: something is unfinished; {}",
                counted(number, "finding", "findings"),
                agreement(args, &record, since)
            ),
        };
        out.line(&verdict)?;
    }
    Ok(exit)
}

/// One place cannot be that of several sources.
fn one_source(dir: &std::path::Path) -> Result<(), Failure> {
    let Ok(segments) = Reader::open(dir).and_then(|reader| reader.segments()) else { return Ok(()) };
    let is_place = |segment: &&SegmentInfo| !segment.is_pending() && segment.account.is_none();
    let number = segments.iter().filter(is_place).count();
    if number > 1 {
        return Err(Failure::usage(format!("--from names one place, the case has {number} sources"))
            .hint("leave --from out: each source is read again where it was imported from last"));
    }
    Ok(())
}

/// What may be said when no byte differs: what was compared with what, and what with nothing.
fn agreement(args: &VerifyArgs, record: &Summary, since: Option<(Sha256Digest, Option<u64>)>) -> String {
    let mut missing = Vec::new();
    let mut out = if let Some((head, Some(event))) = since {
        format!("nothing has changed since head {head} of event {event}")
    } else {
        missing.push("an earlier head");
        let events = counted(record.events, "event", "events");
        format!("the record agrees with itself ({events}, {})", counted(record.blobs, "blob", "blobs"))
    };
    if !args.source {
        missing.push("the source");
    }
    if args.record_only {
        missing.push("catalog and index");
    }
    if !missing.is_empty() {
        out.push_str("; not compared: ");
        out.push_str(&missing.join(", "));
    }
    out
}

/// A digest as people note it down.
fn noted(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// The number of the event that has this head.
fn event_of(reader: &Reader, wanted: &Sha256Digest) -> Option<u64> {
    let events = reader.custody().ok()?.filter_map(Result::ok);
    events
        .map(|(line, event)| (Sha256Digest::of(&line), event.seq))
        .find(|(head, _)| head == wanted)
        .map(|(_, n)| n)
}
