//! The card of an answer: what was asked, of what, and what came, so that it can be asked again and compared.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::index::schema::WORD_RULES;
use crate::query::{Hits, Options, Order, Telling};
use crate::types::digest::Sha256Stream;
use crate::types::json::{self, Obj};
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};

use super::ask;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::search::Opened;
use super::understood::{Unsearched, zone_name};

/// Most bytes of a card.
const LONGEST: u64 = 32 << 20;

/// The part of a card that is the same for the same evidence: whatever the order of imports, the number of threads and
/// the index. The list of hits counts as its ids in ascending order, one a line.
fn answer(case: &Opened, hits: &Hits, options: &Options, query: &str) -> Result<Vec<u8>, Failure> {
    let whole = Options { limit: None, order: Order::Ledger, telling: Telling::Counts, ..options.clone() };
    let mut ids = Vec::new();
    case.catalog.each_listed::<Failure>(case.search(query, &whole)?.keys, |row| {
        ids.push(case.catalog.listed_id(row).to_string());
        Ok(())
    })?;
    ids.sort_unstable();
    let mut hash = Sha256Stream::new();
    for id in &ids {
        hash.update(id.as_bytes());
        hash.update(b"\n");
    }
    let mut sources: Vec<String> =
        case.catalog.sources().iter().filter_map(|source| source.id.map(|id| id.to_string())).collect();
    sources.sort_unstable();
    let unsearched = Unsearched::of(case)?;
    let mut out = Vec::new();
    let mut o = Obj::new(&mut out);
    o.bool("by_settings", hits.by_settings).digest("hits_sha256", &hash.finish()).uint("inside", hits.inside);
    o.uint("language", hits.language.number());
    o.obj("not_searched", |o| unsearched.write(o, hits.unread));
    o.arr("periods", &hits.periods, |out, (what, from, before)| {
        let mut o = Obj::new(out);
        o.opt_str("before", before.map(rfc3339).as_deref()).opt_str("from", from.map(rfc3339).as_deref());
        o.str("term", what);
        o.end();
    });
    o.str("query", query).uint("searched", unsearched.searched());
    o.arr("sources", &sources, |out, source| json::string(out, source));
    o.uint("total", hits.total).opt_uint("undated", hits.undated).str("understood", &hits.understood);
    o.uint("words", u64::from(WORD_RULES)).str("zone", &zone_name(options));
    o.end();
    Ok(out)
}

/// `--card FILE`: writes the card of an answer to a new file.
///
/// # Errors
/// When the file is there, or cannot be written.
pub(super) fn write(
    case: &Opened,
    path: &Path,
    hits: &Hits,
    options: &Options,
    query: &str,
) -> Result<(), Failure> {
    let answer = answer(case, hits, options, query)?;
    let head = case.reader.head();
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    o.raw("answer", &answer);
    o.obj("made", |o| {
        o.digest("custody_head", &head.head).str("program", concat!("mailtrail ", env!("CARGO_PKG_VERSION")));
        o.opt_str("time", options.now.map(rfc3339).as_deref());
        o.opt_int("time_ms", options.now.map(|now| now.0));
    });
    o.str("schema", "mailtrail.card/1");
    o.end();
    line.push(b'\n');
    let name = shown(&path.display().to_string());
    let failed = |error: std::io::Error| Failure::new(format!("cannot write {name}: {error}"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, &line).map_err(failed)
}

/// `--replay CARD`: asks again what a card tells, by the same rules, and says what differs.
///
/// # Errors
/// When the card cannot be read, or its question cannot be asked.
pub(super) fn replay(context: &Context, case: &Opened, path: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let name = shown(&path.display().to_string());
    let unreadable = |why: &str| Failure::usage(format!("cannot read {name}: {why}"));
    let size = fs::metadata(path).map_err(|e| unreadable(&e.to_string()))?.len();
    if size > LONGEST {
        return Err(unreadable("it is too long for a card"));
    }
    let text = fs::read(path).map_err(|e| unreadable(&e.to_string()))?;
    let card = json::read(text.trim_ascii_end()).ok_or_else(|| unreadable("it is no JSON"))?;
    let then = &card["answer"];
    let (Some(query), Some(language), Some(zone)) =
        (then["query"].as_str(), then["language"].as_u64(), then["zone"].as_str())
    else {
        return Err(unreadable("it is no card of a search"));
    };
    let reading = super::args::QueryArgs { tz: Some(zone.to_owned()), language };
    let now = card["made"]["time_ms"].as_i64().map(UtcMs);
    let options = ask::options(&reading, Order::Ledger, Some(0))?;
    let options = case.options_of(query, Options { now, telling: Telling::Understood, ..options })?;
    let hits = case.search(query, &options)?;
    let answer = answer(case, &hits, &options, query)?;
    let answer = json::read(&answer).unwrap_or(Value::Null);
    let mut differs = Vec::new();
    let keys = answer.as_object().into_iter().chain(then.as_object()).flat_map(|o| o.keys());
    for key in keys.collect::<std::collections::BTreeSet<_>>() {
        if answer[key] != then[key] {
            differs.push((key.clone(), then[key].to_string(), answer[key].to_string()));
        }
    }
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.arr("differs", &differs, |out, (key, then, now)| {
            let mut o = Obj::new(out);
            o.str("key", key).str("now", now).str("then", then);
            o.end();
        });
        o.bool("identical", differs.is_empty()).str("query", query).str("schema", "mailtrail.replay/1");
        o.end();
        out.json(&line)?;
    } else if differs.is_empty() {
        out.line(&format!("identical: {}", shown(query)))?;
    } else {
        for (key, then, now) in &differs {
            out.line(&format!("{key}: was {}, is {}{}", shown(then), shown(now), cause(key)))?;
        }
    }
    Ok(if differs.is_empty() { Exit::Done } else { Exit::Mismatch })
}

/// Why a part of an answer may differ.
fn cause(key: &str) -> &'static str {
    match key {
        "sources" => " (the case has other sources)",
        "words" => " (the index cuts words by other rules)",
        "not_searched" | "searched" => " (other parts of the evidence are in the index)",
        "understood" | "periods" => " (this version of the program reads the query otherwise)",
        _ => "",
    }
}
