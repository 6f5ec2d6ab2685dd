//! `clocks`: all the times that one item tells, side by side.

use crate::types::text::shown;
use crate::view::{ItemClock, ItemClocks};

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::item::with_row;
use super::output::Out;
use super::table::pad;

pub(super) fn run(context: &Context, item: &str, out: &mut Out) -> Result<Exit, Failure> {
    let clocks = with_row(context, item, |reader, catalog, row| Ok(ItemClocks::of(reader, catalog, row)?))?;
    if context.json {
        out.json(&clocks.to_json())?;
        return Ok(Exit::Done);
    }
    out.line("Clocks: each is its own; the last column but one counts from the Date header")?;
    let base = clocks.date_header().map(|time| time.us);
    for time in &clocks.times {
        line(time, base, out)?;
    }
    if base.is_none() {
        out.line("  there is no Date header that could be read")?;
    }
    Ok(Exit::Done)
}

fn line(time: &ItemClock, base: Option<i64>, out: &mut Out) -> Result<(), Failure> {
    let apart = base.map(|base| format!("{:+} s", (time.us - base) / 1_000_000)).unwrap_or_default();
    let place = time.at.map(|at| format!("bytes {}..{}", at.start(), at.end())).unwrap_or_default();
    let zone = if time.zone_known { "" } else { "  no zone, read as UTC" };
    let doubt = time.doubt.map(|doubt| format!("  {doubt}")).unwrap_or_default();
    out.line(&format!(
        "  {} {} {} {}  {place}{zone}{doubt}",
        pad(time.clock, 22),
        pad(&shown(&time.what), 24),
        pad(&time.time(), 28),
        pad(&apart, 12)
    ))?;
    Ok(())
}
