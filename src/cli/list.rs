//! `list`: items in the order of the ledger.

use std::ops::ControlFlow;

use crate::case::recorded_catalog;
use crate::store::Reader;
use crate::types::ItemKey;

use super::args::ListArgs;
use super::ask;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::rows::{Form, Printer};
use super::search::{self, Opened};

pub(super) fn run(context: &Context, args: &ListArgs, out: &mut Out) -> Result<Exit, Failure> {
    let query = ask::text(&args.query);
    if !matches!(query.trim(), "" | "*") {
        return some(context, args, &query, out);
    }
    search::zone(args.reading.tz.as_deref())?;
    // All items stand in the catalog: no index is needed.
    let reader = Reader::open(context.case()?)?;
    let catalog = recorded_catalog(context.case()?)?;
    let mut printer = Printer::new(&catalog, Form::of(context.json, args.csv), args.hops);
    let mut left = args.limit.unwrap_or(usize::MAX);
    let (first, last) = (ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX >> 1));
    let mut is_left = || {
        let is_left = left > 0;
        left = left.saturating_sub(1);
        is_left
    };
    if printer.is_listed() {
        catalog.range_listed(first, last, |row| {
            if !is_left() {
                return Ok(ControlFlow::Break(()));
            }
            printer.print_listed(row, out)?;
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })?;
    } else {
        catalog.range(first, last, |row| {
            if !is_left() {
                return Ok(ControlFlow::Break(()));
            }
            printer.print(row, None, out)?;
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })?;
    }
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}

/// Those that a query finds.
fn some(context: &Context, args: &ListArgs, query: &str, out: &mut Out) -> Result<Exit, Failure> {
    let case = Opened::open(context.case()?)?;
    let hits = search::in_ledger_order(&case, query, args.limit, &args.reading)?;
    let mut printer = Printer::new(&case.catalog, Form::of(context.json, args.csv), args.hops);
    let keys = hits.keys.iter().copied();
    if printer.is_listed() {
        case.catalog.each_listed(keys, |row| printer.print_listed(row, out))?;
    } else {
        case.catalog.each(keys, |row| printer.print(row, None, out))?;
    }
    out.flush()?;
    search::matched(context, &hits);
    search::reservations(context, &case, &hits)?;
    // Taking its memory apart piece by piece at the end of the process is work for nobody.
    std::mem::forget(case);
    Ok(Exit::Done)
}
