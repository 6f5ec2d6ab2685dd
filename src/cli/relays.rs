//! `hops --stats`: the relays of a case, by the names they gave themselves.

use crate::case::recorded_catalog;
use crate::route::{Clock, Course};
use crate::store::Reader;
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};
use crate::view::{NetworkFiles, RelayView, RelaysView};

use super::args::HopsArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::geoip;
use super::output::Out;
use super::table::{counted, grouped, pad};

/// Networks of clients named of one server in the table.
const MOST_CLIENTS: usize = 5;

/// Columns of a clock's error.
const CLOCK: usize = 18;

pub(super) fn run(context: &Context, args: &HopsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = recorded_catalog(context.case()?)?;
    let networks = NetworkFiles::open(&args.geoip)?;
    let view = RelaysView::of(&reader, &catalog, !networks.is_empty())?;
    if !context.json {
        let (host, time) = (pad("RELAY", 44), pad("FIRST (UTC)", 22));
        out.line(&format!(
            "{:>9} {:>9}  {host}{time}{}TLS  {}SOFTWARE",
            "HOPS",
            "ITEMS",
            pad("LAST (UTC)", 22),
            pad("CLOCK", CLOCK)
        ))?;
    }
    for relay in &view.relays {
        if context.json {
            out.json(&view.to_json(relay, &networks)?)?;
        } else {
            line(&view, relay, &networks, out)?;
        }
    }
    if !context.json {
        geoip::sources(&networks, out)?;
    }
    out.flush()?;
    if !context.json {
        context.notes.note(&counted(view.relays.len() as u64, "relay", "relays"));
        if !view.is_any_known {
            context.notes.note(
                "clocks: no attested votes, since no setting names the recipient's servers (`mailtrail trust set`)",
            );
        }
    }
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}

fn line(view: &RelaysView, relay: &RelayView, networks: &NetworkFiles, out: &mut Out) -> Result<(), Failure> {
    let at = |time: Option<UtcMs>| pad(&time.map_or_else(|| "-".to_owned(), rfc3339), 22);
    let host = shown(&String::from_utf8_lossy(&relay.name));
    let host = if host.is_empty() { "(no name)".to_owned() } else { host };
    let share = relay.encrypted * 100 / relay.hops.max(1);
    let mut said: Vec<String> = relay.families.iter().cloned().collect();
    said.extend(relay.software.iter().take(3).map(|text| shown(&String::from_utf8_lossy(text))));
    out.line(&format!(
        "{:>9} {:>9}  {} {}{}{share:>3}%  {}{}",
        grouped(relay.hops),
        grouped(relay.items),
        pad(&host, 43),
        at(relay.first),
        at(relay.last),
        pad(&offset(view.clock(relay), view.course(relay)), CLOCK),
        said.join("; ")
    ))?;
    let clients = relay.client_networks(networks)?;
    if !clients.is_empty() {
        let told: Vec<String> = clients
            .iter()
            .take(MOST_CLIENTS)
            .map(|(place, hops)| format!("{} {}", grouped(*hops), shown(place)))
            .collect();
        let more = clients.len().saturating_sub(MOST_CLIENTS);
        let more = if more > 0 { format!("; {more} more") } else { String::new() };
        out.line(&format!("{}clients of {}{more}", pad("", 21), told.join("; ")))?;
    }
    Ok(())
}

/// The error of a clock for a narrow column.
fn offset(clock: Option<Clock>, course: Course) -> String {
    match clock {
        None => "not known".to_owned(),
        Some(_) if matches!(course, Course::Drift { .. }) => "drifts".to_owned(),
        Some(_) if course == Course::ZoneSlips => "by hours".to_owned(),
        Some(_) if course == Course::Changing => "changing".to_owned(),
        Some(Clock { ahead_ms: 0, .. }) => "within 5 s".to_owned(),
        Some(clock) => {
            let zone = if clock.zone_slip().is_some() { " zone?" } else { "" };
            format!("{:+} s{zone}", clock.ahead_ms / 1000)
        }
    }
}
