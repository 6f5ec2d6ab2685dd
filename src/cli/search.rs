//! `search`: finds items.

use std::path::Path;

use crate::catalog::Catalog;
use crate::export::message::message;
use crate::facts::derive::{Scratch, derive};
use crate::index::IndexReader;
use crate::query::{self, Case, Hits, Options, Order, SearchError, fields};
use crate::store::Reader;
use crate::types::ItemKey;
use crate::types::json::{self, Obj};

use super::args::{SearchArgs, SortArg};
use super::context::Context;
use super::exit::Exit;
use super::failure::{Failure, chain};
use super::output::Out;
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
        let catalog = Catalog::open(&reader.layout().catalog())?;
        let index = IndexReader::open(&reader.layout().index())?;
        Ok(Self { reader, catalog, index })
    }

    /// Answers a query; `all` is every item.
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
        SearchError::Query(error) => Failure::usage(format!("query: {}", chain(&error)))
            .hint("`mailtrail search --fields` lists the fields; words with a colon need quotes"),
        SearchError::Catalog(error) => error.into(),
        SearchError::Index(error) => error.into(),
    }
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
        let Some(data) = json::read(&event.data) else { continue };
        let segment = data.get("segment").and_then(json::Value::as_u64).and_then(|n| u32::try_from(n).ok());
        if let (Some(segment), Some(label)) = (segment, data.get("label").and_then(json::Value::as_str)) {
            labels.push((segment, label.to_owned()));
        }
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
        SortArg::Relevance => Order::Relevance,
        SortArg::Ledger => Order::Ledger,
    };
    let limit = if args.count { Some(0) } else { args.limit };
    let hits = case.search(&text, &Options { order, limit, zone: zone(args.tz.as_deref())?, labels })?;
    if args.count {
        out.line(&hits.total.to_string())?;
    } else {
        let mut printer = Printer::new(&case.catalog, Form::of(context.json, args.csv), "mailtrail.search/1");
        let words = if args.snippets { wanted(&text) } else { Vec::new() };
        case.catalog.each(hits.keys.iter().copied(), |row| {
            let snippet = if args.snippets {
                message(&case.reader, &case.catalog, row).ok().and_then(|m| snippet(&m, &words))
            } else {
                None
            };
            printer.print(row, snippet.as_deref(), out)
        })?;
    }
    out.flush()?;
    let shown = hits.keys.len() as u64;
    if !args.count {
        let more = if shown < hits.total { format!(", {} shown", grouped(shown)) } else { String::new() };
        context.notes.note(&format!("{}{more}", counted(hits.total, "item matches", "items match")));
    }
    if let Some(undated) = hits.undated.filter(|&n| n > 0) {
        context.notes.note(&format!(
            "{} no date that could be read and may belong here too: `NOT has:date`",
            counted(undated, "item has", "items have")
        ));
    }
    if hits.by_settings {
        super::findings::warn_if_outdated(context, &case)?;
    }
    super::info::warn_if_behind(context, &case.reader, &case.catalog)?;
    Ok(Exit::Done)
}

/// Words of a query to show around: what is not a field's, an operator or a sign.
fn wanted(query: &str) -> Vec<String> {
    query
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | '*'))
        .filter(|word| !word.is_empty() && !matches!(*word, "AND" | "OR" | "NOT"))
        .map(|word| word.rsplit_once(':').map_or(word, |(_, value)| value).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Text of a message around the first of the words.
fn snippet(message: &[u8], words: &[String]) -> Option<String> {
    let mut found = None;
    derive(message, &mut Scratch::default(), &mut |_, facts, text| {
        if found.is_some() || facts.child.is_some() {
            return;
        }
        let lower = text.text.to_lowercase();
        // Lower case may be longer or shorter; only ASCII keeps its places, which is good enough for a hint.
        let at = words.iter().filter_map(|word| lower.find(word.as_str())).min().unwrap_or(0);
        let place = |mut at: usize| {
            at = at.min(text.text.len());
            while !text.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (from, to) = (place(at.saturating_sub(60)), place(at + 140));
        let piece: Vec<&str> = text.text[from..to].split_whitespace().collect();
        found = Some(piece.join(" "));
    });
    found.filter(|text| !text.is_empty())
}

fn list_fields(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    for field in fields::FIELDS {
        if context.json {
            let mut line = Vec::new();
            let mut o = Obj::new(&mut line);
            o.arr("aliases", field.aliases, |out, alias| json::string(out, alias));
            o.str("example", field.example).str("help", field.help).str("name", field.name);
            o.str("schema", "mailtrail.fields/1");
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
        } else {
            out.line(&format!("{}  {}", pad(field.name, 16), field.help))?;
            out.line(&format!("{}  {}", pad("", 16), field.example))?;
        }
    }
    Ok(Exit::Done)
}

/// All keys that a query finds, in ledger order.
pub(super) fn all_keys(case: &Opened, query: &str, tz: Option<&str>) -> Result<Vec<ItemKey>, Failure> {
    let labels = if query.contains("source") { labels(&case.reader)? } else { Vec::new() };
    let options = Options { order: Order::Ledger, limit: None, zone: zone(tz)?, labels };
    // The empty query is every item.
    let query = if query == "all" { "" } else { query };
    Ok(case.search(query, &options)?.keys)
}
