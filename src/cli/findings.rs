//! `findings`: what does not fit in the ways of all messages, by rule, or the items of one rule.

use crate::query::{Options, Order};
use crate::route::Finding;
use crate::types::text::{csv_cell, shown};
use crate::view::{FindingsSummary, findings_follow_settings, findings_of_rule, write_finding};

use super::args::FindingsArgs;
use super::ask;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::rows::Form;
use super::search::Opened;
use super::table::{counted, grouped, pad};

/// Says so when the recipient's side was named anew since the index was made.
pub(super) fn warn_if_outdated(context: &Context, case: &Opened) -> Result<(), Failure> {
    if !findings_follow_settings(&case.reader, &case.index)? {
        context.notes.warning(
            "`mailtrail trust` was set after the index was made: findings and trust of hops follow what was set before; \
             run `mailtrail rebuild`",
        );
    }
    Ok(())
}

/// Says so when not all hops could be kept.
fn warn_if_cut(context: &Context, is_cut: bool) {
    if is_cut {
        context.notes.warning(
            "one server gave one id over 256 times, or left out encryption as often: not all of these hops were compared",
        );
    }
}

pub(super) fn run(context: &Context, args: &FindingsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let case = Opened::open(context.case()?)?;
    let query = ask::text(&args.query);
    let options = case.options_of(&query, ask::options(&args.reading, Order::Ledger, None)?)?;
    let form = Form::of(context.json, args.csv);
    match &args.rule {
        Some(rule) => of_rule(context, &case, (&query, &options), rule, form, out)?,
        None => by_rule(context, &case, (&query, &options), form, out)?,
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
    (query, options): (&str, &Options),
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let found = FindingsSummary::of(&case.reader, &case.catalog, &case.index, query, options)?;
    match form {
        Form::Table => {
            out.line(&format!("{}{}{:>10}  WHEN", pad("SEVERITY", 10), pad("RULE", 30), "ITEMS"))?;
        }
        Form::Csv => out.bytes(csv(&["severity", "rule", "items", "when", "caveat"]).as_bytes())?,
        Form::Json => {}
    }
    for count in &found.rules {
        let rule = count.rule;
        match form {
            Form::Table => {
                let head = format!("{}{}", pad(rule.severity.word(), 10), pad(rule.id, 30));
                out.line(&format!("{head}{:>10}  {}", grouped(count.items), rule.when))?;
                if rule.caveat != "-" {
                    out.line(&format!("{}ordinary causes: {}", pad("", 52), rule.caveat))?;
                }
                if !rule.forged().is_empty() {
                    out.line(&format!("{}if made up: {}", pad("", 52), rule.forged()))?;
                }
                out.line(&format!("{}measured: {}", pad("", 52), rule.measured()))?;
                let (items, of) = (grouped(count.items), grouped(found.of));
                out.line(&format!("{}in this case: {items} of {of} items asked for", pad("", 52)))?;
            }
            Form::Csv => {
                let items = count.items.to_string();
                let row = csv(&[rule.severity.code(), rule.id, &items, rule.when, rule.caveat]);
                out.bytes(row.as_bytes())?;
            }
            Form::Json => out.json(&found.to_json(count))?,
        }
    }
    if form == Form::Table {
        let rules = found.rules.len() as u64;
        context.notes.note(&counted(rules, "rule found something", "rules found something"));
    }
    warn_if_cut(context, found.is_cut);
    Ok(())
}

fn of_rule(
    context: &Context,
    case: &Opened,
    query: (&str, &Options),
    rule: &str,
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut is_first = true;
    let mut head = |out: &mut Out| -> Result<(), Failure> {
        if std::mem::take(&mut is_first) && form == Form::Csv {
            out.bytes(csv(&["item", "rule", "severity", "hops", "text"]).as_bytes())?;
        }
        Ok(())
    };
    let give = |item: &str, finding: &Finding| {
        head(out)?;
        one(item, finding, form, out)
    };
    let (items, is_cut) =
        findings_of_rule::<Failure>(&case.reader, &case.catalog, &case.index, rule, query, give)?;
    head(out)?;
    if form == Form::Table {
        context.notes.note(&counted(items, "item", "items"));
    }
    warn_if_cut(context, is_cut);
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
            out.json(&line)?;
        }
    }
    Ok(())
}
