//! `import`: copies sources into the case, one after the other.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::catalog::Catalog;
use crate::ingest::{self, Derived, Imported, Importer, IngestError, Request, Watch};
use crate::source::{Kind, Options, Split};
use crate::store::{CaseInfo, Head, Reader, State, Writer, state};
use crate::types::json::Obj;
use crate::types::record::{REASONS, shown_reason};
use crate::types::text::shown;
use crate::types::time::Clock as _;
use crate::view::ExceptionCounts;

use super::args::{ImportArgs, SplitArg};
use super::context::{Context, SystemClock};
use super::exit::Exit;
use super::failure::Failure;
use super::init::head_line;
use super::output::Out;
use super::progress::Bar;
use super::table::{counted, grouped, items};

/// Watches an import for the command line: bar, `committed` lines, Ctrl-C.
pub(super) struct Watcher {
    pub(super) stop: Arc<AtomicBool>,
    bar: Bar,
    json: bool,
    base_bytes: AtomicU64,
}

impl Watcher {
    /// Reacts to Ctrl-C, `TERM` and `HUP` by a clean stop; a second Ctrl-C ends at once.
    pub(super) fn new(context: &Context, bytes: u64) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        let bar = Bar::new(bytes, context.json || context.notes.is_quiet());
        Ok(Self { stop, bar, json: context.json, base_bytes: AtomicU64::new(0) })
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        self.bar.done();
    }

    fn next_source(&self, bytes: u64) {
        self.base_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Watch for Watcher {
    fn progress(&self, bytes: u64, items: u64) {
        self.bar.at(self.base_bytes.load(Ordering::Relaxed) + bytes, items);
    }

    fn committed(&self, items: u64) {
        if self.json {
            let line =
                format!("{{\"event\":\"committed\",\"items\":{items},\"schema\":\"mailtrail.import/1\"}}\n");
            let mut out = std::io::stdout().lock();
            // Whoever listened may be gone; the import goes on.
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn listed(&self, bytes: u64) {
        self.bar.more(bytes);
    }
}

/// Number of workers when none is named.
pub(super) fn threads(named: Option<u16>) -> usize {
    named.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

pub(super) fn run(context: &Context, args: &ImportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let dir = context.case()?;
    let options = options(args)?;
    for source in &args.sources {
        // Before anything is written: a case must not be made inside the source.
        ingest::refuse_overlap(dir, source)?;
        std::fs::symlink_metadata(source).map_err(|error| {
            Failure::new(format!("cannot read {}: {error}", shown(&source.display().to_string())))
                .hint("name a file or folder that is there")
        })?;
    }
    let run = context.run();
    let mut writer = match state(dir)? {
        State::Absent | State::Unfinished => {
            context.warn_if_nobody(None);
            Writer::create(
                dir,
                &CaseInfo { examiner: context.examiner.clone(), ..CaseInfo::default() },
                &run,
            )?
        }
        State::Case | State::Other => Writer::open(dir, &run)?,
    };
    for cut in writer.recovered() {
        context.notes.note(&format!(
            "note: {} bytes of {} that an interrupted command left were cut off; the custody log says so",
            grouped(cut.to - cut.from),
            cut.path
        ));
    }
    let watcher = Watcher::new(context, 0)?;
    let mut derived = Derived::open(writer.layout())?;
    let threads = threads(args.threads);
    ingest::catch_up(&Reader::open(dir)?, &mut derived, threads, &watcher)?;
    let mut done: Vec<(&std::path::PathBuf, Imported)> = Vec::new();
    let mut ended = Ok(());
    let mut importer = Importer::new(&mut writer, derived, threads)?;
    for source in &args.sources {
        let request = Request {
            root: source.clone(),
            label: args.label.clone(),
            note: args.note.clone(),
            options,
            force_case: args.force_case,
            rehash: args.rehash,
            now_us: Some(SystemClock.now_us()),
        };
        match importer.import(&request, &watcher) {
            Ok(one) => {
                watcher.next_source(one.totals.bytes);
                done.push((source, one));
            }
            Err(error) => {
                ended = Err(error);
                break;
            }
        }
    }
    watcher.done();
    importer.finish()?;
    let head = writer.close()?;
    let is_partial = summary(context, dir, &options, &done, &head, out)?;
    match ended {
        Ok(()) if is_partial => Ok(Exit::Partial),
        Ok(()) => Ok(Exit::Done),
        Err(IngestError::Stopped) => {
            out.flush()?;
            context.notes.note("stopped; run the same command again to go on");
            Ok(Exit::Interrupted)
        }
        Err(error) => Err(error.into()),
    }
}

/// How many items are new to the case; of a source that an earlier command had begun, how many this one stored.
fn how_new(one: &Imported) -> String {
    let (items, new) = (one.totals.items, one.totals.new_to_case);
    match (one.is_resumed, new) {
        (true, new) => format!("{} of them stored by this run", grouped(new)),
        (false, 0) => "none of them new to the case".to_owned(),
        (false, 1) if items == 1 => "new to the case".to_owned(),
        (false, new) if new == items => "all of them new to the case".to_owned(),
        (false, new) => format!("{} of them new to the case", grouped(new)),
    }
}

fn options(args: &ImportArgs) -> Result<Options, Failure> {
    let kind = Kind::from_code(&args.kind).ok_or_else(|| {
        let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        Failure::usage(format!("there is no kind {:?}", args.kind))
            .hint(format!("kinds: {}", known.join(", ")))
    })?;
    let split = match args.split {
        SplitArg::Header => Split::Header,
        SplitArg::Strict => Split::Strict,
        SplitArg::Lenient => Split::Lenient,
        SplitArg::Any => Split::Any,
    };
    Ok(Options { kind, split, md5: args.md5, sha1: args.sha1, ..Options::default() })
}

/// Says what was imported, what was odd, what was no mail and what could not be read. Answers whether anything could
/// not be read.
fn summary(
    context: &Context,
    dir: &Path,
    options: &Options,
    done: &[(&std::path::PathBuf, Imported)],
    head: &Head,
    out: &mut Out,
) -> Result<bool, Failure> {
    let catalog = Catalog::open(Reader::open(dir)?.layout().catalog().as_path())?;
    let mut partial = false;
    for (root, one) in done {
        let path = shown(&root.display().to_string());
        for case in &one.cases {
            let place = if case.as_bytes().is_empty() { (*root).clone() } else { case.below(root) };
            let case = shown(&place.display().to_string());
            context.notes.warning(&format!(
                "{case} is itself a case: its packs and ledger are imported as files, not the mail that it holds"
            ));
        }
        if let Some((kind, split)) = &one.read_otherwise {
            context.notes.warning(&format!(
                "{path}: already imported with kind {kind} and split {split}; not read again with kind {} and split {}",
                options.kind.code(),
                options.split.code()
            ));
            context.notes.note(
                "hint: a case reads a source in one way; import it into another case to read it in another",
            );
        }
        if one.is_known && (options.md5 || options.sha1) {
            context.notes.warning(&format!(
                "{path}: already imported; no digests were added, they are taken when a source is first read"
            ));
        }
        // Only a source without any finding is taken as unchanged, so there is nothing to count.
        let report = if one.is_unchanged_by_stat {
            ExceptionCounts::default()
        } else {
            ExceptionCounts::of_segment(&catalog, one.segment)?
        };
        partial |= report.findings > 0;
        if context.json {
            let mut line = Vec::new();
            let mut o = Obj::new(&mut line);
            o.uint("anomalies", report.anomalies).uint("bytes", one.totals.bytes);
            o.uint("containers", one.totals.containers).str("event", "imported").digest("head", &head.head);
            o.uint("items", one.totals.items)
                .bool("known", one.is_known)
                .uint("new_items", one.totals.new_items)
                .uint("new_to_case", one.totals.new_to_case);
            o.arr("not_processed", &report.not_processed, |out, (reason, number)| {
                let mut o = Obj::new(out);
                o.uint("count", *number).str("reason", reason);
                o.end();
            });
            o.str("path", &path);
            match &one.read_otherwise {
                Some((kind, split)) => o.obj("read_otherwise", |o| {
                    o.str("kind", kind).str("split", split);
                }),
                None => o.null("read_otherwise"),
            };
            o.bool("resumed", one.is_resumed).str("schema", "mailtrail.import/1");
            o.digest("sha256", &one.digest).str("source", &one.source.to_string());
            if one.is_unchanged_by_stat {
                o.str("unchanged_by", "stat");
            }
            o.uint("unreadable", report.findings);
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
            continue;
        }
        if report.findings > 0 {
            let number = counted(report.findings, "file was", "files were");
            context
                .notes
                .warning(&format!("{number} unreadable or changed while read; see `mailtrail exceptions`"));
        }
        if one.is_unchanged_by_stat {
            out.line(&format!(
                "nothing new in {path}, by sizes, times and inodes; not read again (`--rehash` reads it): \
                 the case has it as source {} with {}",
                one.source,
                counted(one.totals.items, "item", "items")
            ))?;
            continue;
        }
        if one.is_known {
            out.line(&format!(
                "nothing new in {path}: the case has it as source {} with {}",
                one.source,
                counted(one.totals.items, "item", "items")
            ))?;
            continue;
        }
        out.line(&format!(
            "imported {}, {}, in {} ({} bytes) from {path}",
            items(one.totals.items + report.inside, report.inside),
            how_new(one),
            counted(one.totals.containers, "container", "containers"),
            grouped(one.totals.bytes)
        ))?;
        out.line(&format!("source {}", one.source))?;
        if report.anomalies > 0 {
            let top: Vec<String> = report
                .by_code
                .iter()
                .take(5)
                .map(|(code, number)| format!("{code} {}", grouped(*number)))
                .collect();
            let odd = counted(report.anomalies, "anomaly", "anomalies");
            out.line(&format!("odd: {odd}: {}; `mailtrail exceptions` lists them", top.join(", ")))?;
        }
        for (reason, number) in &report.not_processed {
            let meaning = REASONS.iter().find(|(code, _)| code == reason).map_or("", |(_, meaning)| *meaning);
            out.line(&format!(
                "not processed: {} ({}: {meaning})",
                counted(*number, "file", "files"),
                shown_reason(reason)
            ))?;
        }
    }
    if !context.json {
        out.line(&head_line(head))?;
    }
    Ok(partial)
}
