//! `hops --stats`: the relays of a case, by the names they gave themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::catalog::Catalog;
use crate::route::{Clock, Clocks, Course, LEAST, Model, month_name, relay_name};
use crate::store::Reader;
use crate::types::ItemKey;
use crate::types::json::{self, Obj};
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};

use super::args::HopsArgs;
use super::clocks;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::geoip::Geo;
use super::output::Out;
use super::table::{counted, grouped, pad};

/// What the hops of one server say.
#[derive(Default)]
struct Relay {
    hops: u64,
    items: u64,
    first: Option<UtcMs>,
    last: Option<UtcMs>,
    families: BTreeSet<String>,
    software: BTreeSet<Vec<u8>>,
    encrypted: u64,
    /// Hops by the client's address; filled only where a database will be asked of them.
    clients: BTreeMap<IpAddr, u64>,
}

/// Networks of clients named of one server in the table.
const MOST_CLIENTS: usize = 5;

/// Columns of a clock's error.
const CLOCK: usize = 18;

/// Most programs named of one server; a server that says another each time is told by its hops.
const MOST_SOFTWARE: usize = 20;

pub(super) fn run(context: &Context, args: &HopsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let catalog = Catalog::open(&reader.layout().catalog())?;
    let geo = Geo::open(&args.geoip)?;
    let (relays, clocks) = gather(&catalog, !geo.is_empty())?;
    let mut order: Vec<(&Vec<u8>, &Relay)> = relays.iter().collect();
    order.sort_by_key(|(name, relay)| (std::cmp::Reverse(relay.hops), *name));
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
    for (name, relay) in &order {
        if context.json {
            let mut line = Vec::new();
            object(name, relay, &clocks, &geo, &mut line)?;
            line.push(b'\n');
            out.bytes(&line)?;
            continue;
        }
        let at = |time: Option<UtcMs>| pad(&time.map_or_else(|| "-".to_owned(), rfc3339), 22);
        let host = shown(&String::from_utf8_lossy(name));
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
            pad(&offset(clock(&clocks, name), course(&clocks, name)), CLOCK),
            said.join("; ")
        ))?;
        let clients = clients(relay, &geo)?;
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
    }
    if !context.json {
        geo.sources(out)?;
    }
    out.flush()?;
    if !context.json {
        context.notes.note(&counted(order.len() as u64, "relay", "relays"));
    }
    super::info::warn_if_behind(context, &reader, &catalog)?;
    Ok(Exit::Done)
}

/// The networks of a relay's clients with their hops, the most frequent first; without those that no database knows.
fn clients(relay: &Relay, geo: &Geo) -> Result<Vec<(String, u64)>, Failure> {
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    for (ip, hops) in &relay.clients {
        let place = geo.find(*ip)?.iter().map(|(_, place)| place.line()).collect::<Vec<_>>().join("; ");
        if !place.is_empty() {
            *places.entry(place).or_default() += hops;
        }
    }
    let mut places: Vec<(String, u64)> = places.into_iter().collect();
    places.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(places)
}

/// What the case shows of a relay's clock; `None` where too few neighbours in time are known.
fn clock(clocks: &Model, name: &[u8]) -> Option<Clock> {
    clocks.clock(&String::from_utf8_lossy(name)).filter(|clock| clock.neighbours >= LEAST)
}

fn course(clocks: &Model, name: &[u8]) -> Course {
    clocks.course(&String::from_utf8_lossy(name))
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

/// The relays by name, and their clocks against each other.
fn gather(catalog: &Catalog, with_clients: bool) -> Result<(BTreeMap<Vec<u8>, Relay>, Model), Failure> {
    let mut observed = Clocks::default();
    let mut relays: BTreeMap<Vec<u8>, Relay> = BTreeMap::new();
    let (first, last) = (ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX));
    catalog.range::<Failure>(first, last, |row| {
        let mut here: BTreeSet<Vec<u8>> = BTreeSet::new();
        let hops = row.hops(catalog)?;
        clocks::observe(&mut observed, &hops);
        for hop in hops {
            let name = relay_name(hop.relay.by.as_deref().unwrap_or_default());
            let relay = relays.entry(name.clone()).or_default();
            relay.hops += 1;
            if let Some(ip) = hop.relay.peer_ip.filter(|_| with_clients) {
                *relay.clients.entry(ip).or_default() += 1;
            }
            relay.items += u64::from(here.insert(name));
            if let Some(date) = hop.date {
                relay.first = Some(relay.first.map_or(date, |first| first.min(date)));
                relay.last = Some(relay.last.map_or(date, |last| last.max(date)));
            }
            relay.encrypted += u64::from(hop.relay.tls == "evidence");
            if !hop.relay.family.is_empty() && !relay.families.contains(&hop.relay.family) {
                relay.families.insert(hop.relay.family.clone());
            }
            if let Some(software) = &hop.relay.software
                && relay.software.len() < MOST_SOFTWARE
                && !relay.software.contains(software)
            {
                relay.software.insert(software.clone());
            }
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok((relays, observed.learn()))
}

fn object(name: &[u8], relay: &Relay, clocks: &Model, geo: &Geo, out: &mut Vec<u8>) -> Result<(), Failure> {
    let clients = clients(relay, geo)?;
    let clock = clock(clocks, name);
    let mut o = Obj::new(out);
    o.text("by", name);
    if !geo.is_empty() {
        o.arr("clients", &clients, |out, (place, hops)| {
            let mut o = Obj::new(out);
            o.uint("hops", *hops).str("place", place);
            o.end();
        });
    }
    o.opt_int("clock_ahead_ms", clock.map(|clock| clock.ahead_ms));
    o.str("clock_course", course(clocks, name).code());
    o.arr("clock_months", clocks.months(&String::from_utf8_lossy(name)), |out, month| {
        let mut o = Obj::new(out);
        o.int("ahead_ms", month.ahead_ms).str("month", &month_name(month.number));
        o.uint("neighbours", u64::from(month.neighbours));
        o.end();
    });
    o.opt_uint("clock_neighbours", clock.map(|clock| u64::from(clock.neighbours)));
    if !geo.is_empty() {
        geo.write_sources(&mut o);
    }
    o.uint("encrypted", relay.encrypted);
    o.arr("families", &relay.families, |out, family| json::string(out, family));
    o.opt_str("first", relay.first.map(rfc3339).as_deref());
    o.uint("hops", relay.hops).uint("items", relay.items);
    o.opt_str("last", relay.last.map(rfc3339).as_deref());
    o.str("schema", "mailtrail.relays/1");
    o.arr("software", &relay.software, |out, text| json::text(out, text));
    o.end();
    Ok(())
}
