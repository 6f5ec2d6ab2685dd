//! `findings`: what does not fit in the ways of all messages, by rule, or the items of one rule.

use crate::ingest::trust;
use crate::query::{self, Options, Order};
use crate::route::{Finding, RULES, Rule, rule};
use crate::types::json::Obj;
use crate::types::text::{csv_cell, shown};

use super::across;
use super::args::FindingsArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::hops::write_finding;
use super::item::way_of;
use super::output::Out;
use super::rows::Form;
use super::search::{Opened, labels, refused, zone};
use super::table::{counted, grouped, pad};

/// Whether the findings in the index follow the settings as they are now.
fn is_current(case: &Opened) -> Result<bool, Failure> {
    let (now, _) = trust::settings(&case.reader)?;
    Ok(trust::settings_of(&case.reader, case.index.trust())? == now)
}

/// Says so when the recipient's side was named anew since the index was made.
pub(super) fn warn_if_outdated(context: &Context, case: &Opened) -> Result<(), Failure> {
    if !is_current(case)? {
        context.notes.warning(
            "`mailtrail trust` was set after the index was made: findings and trust of hops follow what was set before; \
             run `mailtrail rebuild`",
        );
    }
    Ok(())
}

pub(super) fn run(context: &Context, args: &FindingsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let case = Opened::open(context.case()?)?;
    let query = args.query.join(" ");
    let labels = if query.contains("source") { labels(&case.reader)? } else { Vec::new() };
    let options = Options { order: Order::Ledger, limit: None, zone: zone(args.tz.as_deref())?, labels };
    let form = Form::of(context.json, args.csv);
    let about_one = args.rule.as_deref().map(|id| (id, across::rule(id)));
    match about_one {
        Some((_, Some(rule))) => {
            let found = across::find(&case)?;
            head(form, out)?;
            let give = |item: &str, finding: &Finding| one(item, finding, form, out);
            let items = found.of_rule(&case, rule, (&query, &options), give)?;
            if form == Form::Table {
                context.notes.note(&counted(items, "item", "items"));
            }
            found.warn_if_cut(context);
        }
        Some((id, None)) => {
            let rule = rule(id).ok_or_else(|| {
                Failure::usage(format!("there is no rule {id:?}")).hint("`mailtrail findings` lists rules")
            })?;
            of_rule(context, &case, &query, &options, rule, form, out)?;
        }
        None => by_rule(context, &case, &query, &options, form, out)?,
    }
    out.flush()?;
    warn_if_outdated(context, &case)?;
    super::info::warn_if_behind(context, &case.reader, &case.catalog)?;
    Ok(Exit::Done)
}

fn csv(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn by_rule(
    context: &Context,
    case: &Opened,
    query: &str,
    options: &Options,
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let found = query::findings(case.as_case(), query, options).map_err(refused)?;
    let is_current = is_current(case)?;
    let of = |rule: &Rule| found.iter().find(|(id, _)| id == rule.id).map_or(0, |(_, count)| *count);
    // The heaviest first; among equals the most frequent.
    let across = across::find(case)?;
    let mut rules: Vec<(&Rule, u64)> = RULES.iter().map(|rule| (rule, of(rule))).collect();
    rules.extend(across.counts(case, query, options)?);
    rules.retain(|rule| rule.1 > 0);
    rules.sort_by_key(|(rule, count)| (std::cmp::Reverse((rule.severity, *count)), rule.id));
    match form {
        Form::Table => {
            out.line(&format!("{}{}{:>10}  WHEN", pad("SEVERITY", 10), pad("RULE", 30), "ITEMS"))?;
        }
        Form::Csv => out.bytes(csv(&["severity", "rule", "items", "when", "caveat"]).as_bytes())?,
        Form::Json => {}
    }
    for (rule, count) in &rules {
        match form {
            Form::Table => {
                let head = format!("{}{}", pad(rule.severity.code(), 10), pad(rule.id, 30));
                out.line(&format!("{head}{:>10}  {}", grouped(*count), rule.when))?;
                if rule.caveat != "-" {
                    out.line(&format!("{}{}", pad("", 52), rule.caveat))?;
                }
            }
            Form::Csv => {
                let count = count.to_string();
                let row = csv(&[rule.severity.code(), rule.id, &count, rule.when, rule.caveat]);
                out.bytes(row.as_bytes())?;
            }
            Form::Json => {
                let mut line = Vec::new();
                let mut o = Obj::new(&mut line);
                o.str("caveat", rule.caveat).bool("is_current", is_current).uint("items", *count);
                o.str("rule", rule.id).str("schema", "mailtrail.findings/1");
                o.opt_uint("settings_event", case.index.trust());
                o.str("severity", rule.severity.code()).str("when", rule.when);
                o.end();
                line.push(b'\n');
                out.bytes(&line)?;
            }
        }
    }
    if form == Form::Table {
        context.notes.note(&counted(rules.len() as u64, "rule found something", "rules found something"));
    }
    across.warn_if_cut(context);
    Ok(())
}

fn head(form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        out.bytes(csv(&["item", "rule", "severity", "hops", "text"]).as_bytes())?;
    }
    Ok(())
}

fn of_rule(
    context: &Context,
    case: &Opened,
    query: &str,
    options: &Options,
    rule: &Rule,
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let narrowed = if query.trim().is_empty() {
        format!("finding:{}", rule.id)
    } else {
        format!("({query}) finding:{}", rule.id)
    };
    let hits = case.search(&narrowed, options)?;
    let settings = trust::settings_of(&case.reader, case.index.trust())?;
    head(form, out)?;
    case.catalog.each::<Failure>(hits.keys.iter().copied(), |row| {
        let way = way_of(&case.reader, &case.catalog, row, &settings)?;
        let item = case.catalog.item_id(row).to_string();
        for finding in way.findings.iter().filter(|finding| finding.rule.id == rule.id) {
            one(&item, finding, form, out)?;
        }
        Ok(())
    })?;
    if form == Form::Table {
        context.notes.note(&counted(hits.total, "item", "items"));
    }
    Ok(())
}

fn one(item: &str, finding: &Finding, form: Form, out: &mut Out) -> Result<(), Failure> {
    let hops: Vec<String> = finding.hops.iter().map(usize::to_string).collect();
    let hops = hops.join(" ");
    match form {
        Form::Table => {
            let place = if hops.is_empty() { String::new() } else { format!("hop {hops}: ") };
            out.line(&format!("{}  {place}{}", pad(item, 24), shown(&finding.text)))?;
        }
        Form::Csv => {
            let severity = finding.rule.severity.code();
            out.bytes(csv(&[item, finding.rule.id, severity, &hops, &finding.text]).as_bytes())?;
        }
        Form::Json => {
            let mut line = Vec::new();
            write_finding(&mut line, finding, Some(item));
            line.push(b'\n');
            out.bytes(&line)?;
        }
    }
    Ok(())
}
