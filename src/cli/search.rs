//! `search`: finds items.

use std::path::Path;

use crate::catalog::Catalog;
use crate::export::message::message;
use crate::facts::derive::{Scratch, derive};
use crate::index::IndexReader;
use crate::query::{
    self, Case, Hits, Options, Order, QueryError, SearchError, Seeker, Snippet, fields, sets,
};
use crate::store::Reader;
use crate::types::CustodyEvent;
use crate::types::json::{self, Obj};

use super::args::{SearchArgs, SortArg};
use super::context::Context;
use super::exit::Exit;
use super::failure::{Failure, chain};
use super::output::Out;
use super::recorded::recorded_catalog;
use super::rows::{Form, Printer};
use super::table::{counted, grouped, pad};

/// Record, catalog and index of a case, opened for reading.
pub(super) struct Opened {
    pub(super) reader: Reader,
    pub(super) catalog: Catalog,
    pub(super) index: IndexReader,
}

impl Opened {
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let reader = Reader::open(dir)?;
        let catalog = recorded_catalog(dir)?;
        let index = IndexReader::open(&reader.layout().index())?;
        Ok(Self { reader, catalog, index })
    }

    /// Answers a query.
    pub(super) fn search(&self, query: &str, options: &Options) -> Result<Hits, Failure> {
        query::search(self.as_case(), query, options).map_err(refused)
    }

    pub(super) fn as_case(&self) -> Case<'_> {
        Case { catalog: &self.catalog, index: &self.index }
    }
}

/// Why a query got no answer.
pub(super) fn refused(error: SearchError) -> Failure {
    match error {
        SearchError::Query(error) => wrong(&error),
        SearchError::Catalog(error) => error.into(),
        SearchError::Index(error) => error.into(),
    }
}

/// A query that is wrong.
fn wrong(error: &QueryError) -> Failure {
    Failure::usage(format!("query: {}", chain(error)))
        .hint("`mailtrail search --fields` lists fields and fixed words; words with a colon need quotes")
}

/// The zone that a flag names.
pub(super) fn zone(name: Option<&str>) -> Result<jiff::tz::TimeZone, Failure> {
    match name {
        None => Ok(jiff::tz::TimeZone::UTC),
        Some(name) => jiff::tz::TimeZone::get(name).map_err(|_| {
            Failure::usage(format!("there is no time zone {name:?}"))
                .hint("names look like Europe/Berlin or UTC")
        }),
    }
}

/// Labels of sources, from the custody log.
pub(super) fn labels(reader: &Reader) -> Result<Vec<(u32, String)>, Failure> {
    let mut labels = Vec::new();
    for event in reader.custody()? {
        let (_, event) = event?;
        let (segment, label) = match event.read() {
            Ok(CustodyEvent::SourceBegun { naming, segment, .. }) => (Some(segment), naming.label),
            Ok(event) => match event.account_run() {
                Some(run) => (run.segment, run.label.clone()),
                None => continue,
            },
            Err(_) => continue,
        };
        labels.extend(segment.zip(label));
    }
    Ok(labels)
}

pub(super) fn run(context: &Context, args: &SearchArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.fields {
        return list_fields(context, out);
    }
    let case = Opened::open(context.case()?)?;
    let text = args.query.join(" ");
    // The custody log is read only when the query may speak of a label.
    let labels = if text.contains("source") { labels(&case.reader)? } else { Vec::new() };
    let order = match args.sort {
        SortArg::Newest => Order::Newest,
        SortArg::Oldest => Order::Oldest,
        SortArg::Relevance => Order::Relevance,
        SortArg::Ledger => Order::Ledger,
    };
    let limit = if args.count { Some(0) } else { args.limit };
    let hits = case.search(&text, &Options { order, limit, zone: zone(args.tz.as_deref())?, labels })?;
    if args.count {
        out.line(&hits.total.to_string())?;
    } else {
        let mut printer = Printer::new(&case.catalog, Form::of(context.json, args.csv), "mailtrail.search/1");
        let seeker =
            if args.snippets { Some(Seeker::new(&text).map_err(|error| wrong(&error))?) } else { None };
        case.catalog.each(hits.keys.iter().copied(), |row| {
            let snippet = seeker.as_ref().and_then(|seeker| {
                let message = message(&case.reader, &case.catalog, row).ok()?;
                snippet(&message, seeker)
            });
            printer.print(row, snippet.as_ref(), out)
        })?;
    }
    out.flush()?;
    if !args.count {
        matched(context, &hits);
    }
    reservations(context, &case, &hits)?;
    Ok(Exit::Done)
}

/// Says how many items match, how many of them are shown, and how many stand last for want of a date.
pub(super) fn matched(context: &Context, hits: &Hits) {
    let shown = hits.keys.len() as u64;
    let more = if shown < hits.total { format!(", {} shown", grouped(shown)) } else { String::new() };
    let last = match hits.last {
        0 => String::new(),
        n => format!("; {} of them without a date that could be read, last in the order", grouped(n)),
    };
    context.notes.note(&format!("{}{more}{last}", counted(hits.total, "item matches", "items match")));
}

/// Says what the answer leaves out: undated items that would match but for the date conditions, what was set or imported
/// since the index was made.
pub(super) fn reservations(context: &Context, case: &Opened, hits: &Hits) -> Result<(), Failure> {
    if let Some(undated) = hits.undated.filter(|&n| n > 0) {
        context.notes.note(&format!(
            "{} no date that could be read and may belong here too: `NOT has:date`",
            counted(undated, "item has", "items have")
        ));
    }
    if hits.by_settings {
        super::findings::warn_if_outdated(context, case)?;
    }
    super::info::warn_if_behind(context, &case.reader, &case.catalog)
}

/// Text of a message around a match.
fn snippet(message: &[u8], seeker: &Seeker) -> Option<Snippet> {
    let mut found = None;
    let mut first = true;
    derive(message, &mut Scratch::default(), &mut |seen| {
        // Messages inside it are items of their own.
        if std::mem::take(&mut first) {
            found = seeker.find(&seen.facts, seen.text);
        }
    });
    found
}

fn list_fields(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    for field in fields::FIELDS {
        if context.json {
            let mut line = Vec::new();
            let mut o = Obj::new(&mut line);
            o.arr("aliases", field.aliases, |out, alias| json::string(out, alias));
            o.str("example", field.example).str("help", field.help).str("name", field.name);
            o.str("schema", "mailtrail.fields/1");
            if let Some(values) = sets::values(field) {
                o.arr("values", values, json::string);
            }
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
        } else {
            out.line(&format!("{}  {}", pad(field.name, 16), field.help))?;
            out.line(&format!("{}  {}", pad("", 16), field.example))?;
            // Short sets stand in the help.
            for row in sets::values(field).filter(|v| v.len() > 20).unwrap_or_default().chunks(6) {
                out.line(&format!("{}    {}", pad("", 16), row.join(", ")))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// What a query finds, in ledger order.
pub(super) fn in_ledger_order(
    case: &Opened,
    query: &str,
    limit: Option<usize>,
    tz: Option<&str>,
) -> Result<Hits, Failure> {
    let labels = if query.contains("source") { labels(&case.reader)? } else { Vec::new() };
    case.search(query, &Options { order: Order::Ledger, limit, zone: zone(tz)?, labels })
}
