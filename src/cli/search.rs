//! `search`: finds items.

use crate::case::{CaseError, unreadable_files};
use crate::catalog::Catalog;
use crate::facts::derive::{Scratch, derive};
use crate::query::{Hits, Order, SearchError, Seeker, Snippet, Telling, fields, sets};
use crate::types::json::{self, Obj};

use super::args::{QueryArgs, SearchArgs, SortArg};
use super::ask;
use super::card;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::rows::{Form, Printer};
use super::table::{counted, grouped, items, pad};
use super::understood::{self, Unsearched};

pub(super) use crate::case::CaseReader as Opened;

/// Why a query got no answer.
pub(super) fn refused(error: SearchError) -> Failure {
    CaseError::from(error).into()
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

pub(super) fn run(context: &Context, args: &SearchArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.fields {
        return list_fields(context, out);
    }
    let case = Opened::open(context.case()?)?;
    let text = ask::query(args)?;
    let order = match args.sort {
        SortArg::Newest => Order::Newest,
        SortArg::Oldest => Order::Oldest,
        SortArg::Relevance => Order::Relevance,
        SortArg::Ledger => Order::Ledger,
    };
    let limit = if args.count { Some(0) } else { args.limit };
    let mut options = ask::options(&args.reading, order, limit)?;
    if let Some(path) = &args.items {
        options.only = Some(ask::items(&case, path)?);
    }
    if let Some(path) = &args.replay {
        return card::replay(context, &case, path, out);
    }
    if let Some(path) = &args.terms {
        ask::terms(context, &case, path, (&text, &options), args.csv, out)?;
        reservations_of_case(context, &case)?;
        return Ok(Exit::Done);
    }
    let is_told = args.card.is_some() || (!args.count && (context.json || !context.notes.is_quiet()));
    options.telling = match (args.explain, is_told) {
        (true, _) => Telling::Steps,
        (false, true) => Telling::Understood,
        (false, false) => Telling::Counts,
    };
    let options = case.options_of(&text, options)?;
    let hits = case.search(&text, &options)?;
    let unsearched = if is_told { Some(Unsearched::of(&case)?) } else { None };
    if args.count {
        out.line(&hits.total.to_string())?;
    } else {
        let mut printer = Printer::new(&case.catalog, Form::of(context.json, args.csv), args.hops);
        let seeker = args.snippets.then(|| Seeker::new(&text, options.language)).transpose();
        let seeker = seeker.map_err(CaseError::Query)?;
        let keys = hits.keys.iter().copied();
        if printer.is_listed() && seeker.is_none() {
            case.catalog.each_listed(keys, |row| printer.print_listed(row, out))?;
        } else {
            case.catalog.each(keys, |row| {
                let snippet = seeker.as_ref().and_then(|seeker| {
                    let message = case.message(row).ok()?;
                    snippet(&message, seeker)
                });
                printer.print(row, snippet.as_ref(), out)
            })?;
        }
        if let Some(unsearched) = unsearched.as_ref().filter(|_| context.json) {
            out.json(&understood::summary(unsearched, &hits, &options, &text))?;
        }
    }
    out.flush()?;
    if !args.count {
        matched(context, &hits);
    }
    understood::steps(context, &hits);
    undated_and_settings(context, &case, &hits)?;
    match &unsearched {
        Some(unsearched) => {
            unread(context, unsearched.unread_files());
            super::info::warn_if_behind(context, &case.reader, &case.catalog)?;
            if !args.count {
                understood::notes(context, unsearched, (&hits, &text), &options);
            }
        }
        None => reservations_of_case(context, &case)?,
    }
    if let Some(path) = &args.card {
        card::write(&case, path, &hits, &options, &text)?;
    }
    // Taking its memory apart piece by piece at the end of the process is work for nobody.
    std::mem::forget(case);
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
    let verb = if hits.total == 1 { "matches" } else { "match" };
    context.notes.note(&format!("{} {verb}{more}{last}", items(hits.total, hits.inside)));
}

/// Says what the answer leaves out: undated items that would match but for the date conditions, what was set or
/// imported since the index was made.
pub(super) fn reservations(context: &Context, case: &Opened, hits: &Hits) -> Result<(), Failure> {
    undated_and_settings(context, case, hits)?;
    reservations_of_case(context, case)
}

fn undated_and_settings(context: &Context, case: &Opened, hits: &Hits) -> Result<(), Failure> {
    if let Some(undated) = hits.undated.filter(|&n| n > 0) {
        context.notes.note(&format!(
            "{} no date that could be read and may belong here too: `NOT has:date`",
            counted(undated, "item has", "items have")
        ));
    }
    if hits.by_settings {
        super::findings::warn_if_outdated(context, case)?;
    }
    Ok(())
}

/// Says what of the case no answer can hold.
fn reservations_of_case(context: &Context, case: &Opened) -> Result<(), Failure> {
    not_searched(context, &case.catalog)?;
    super::info::warn_if_behind(context, &case.reader, &case.catalog)
}

/// Says what of the sources no search can find, because it was not read.
fn not_searched(context: &Context, catalog: &Catalog) -> Result<(), Failure> {
    let mut missing = unreadable_files(catalog)?;
    let is_unread = |reason: Option<&str>| matches!(reason, None | Some("unreadable"));
    missing += catalog.not_processed()?.iter().filter(|one| is_unread(one.reason.as_deref())).count() as u64;
    unread(context, missing);
    Ok(())
}

fn unread(context: &Context, missing: u64) {
    if missing > 0 {
        let what = counted(missing, "file or container", "files and containers");
        context.notes.note(&format!("not searched: {what} that could not be read (`mailtrail exceptions`)"));
    }
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
    reading: &QueryArgs,
) -> Result<Hits, Failure> {
    let options = case.options_of(query, ask::options(reading, Order::Ledger, limit)?)?;
    Ok(case.search(query, &options)?)
}
