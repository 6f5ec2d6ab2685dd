//! The relays of a case, by the names they gave themselves: `mailtrail.relays/1`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::catalog::{Catalog, HopRow};
use crate::parse::header::one_line;
use crate::route::{Clock, Clocks, Course, LEAST, Model, month_name, root_name};
use crate::store::Reader;
use crate::types::ItemKey;
use crate::types::json::{self, Obj};
use crate::types::time::{UtcMs, rfc3339};

use super::ViewError;
use super::network_files::NetworkFiles;
use super::relay_clocks::{Witnesses, standing};

/// Most programs kept of one server; a server that says another each time is told by its hops.
const MOST_SOFTWARE: usize = 20;

/// What the hops of one server say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayView {
    /// Its name in lower case, without a final dot; empty for hops that name no server.
    pub name: Vec<u8>,
    /// Its hops.
    pub hops: u64,
    /// Items with such a hop.
    pub items: u64,
    /// The earliest time of a hop, by its own clock.
    pub first: Option<UtcMs>,
    /// The latest.
    pub last: Option<UtcMs>,
    /// Kinds of servers that its hops look like.
    pub families: BTreeSet<String>,
    /// What it says of its programs, each on one line.
    pub software: BTreeSet<Vec<u8>>,
    /// Hops with evidence of encryption.
    pub encrypted: u64,
    /// Hops by the client's address; empty where nobody asked for clients.
    pub clients: BTreeMap<IpAddr, u64>,
}

impl RelayView {
    /// Counts one of its hops.
    fn take(&mut self, hop: &HopRow<'_>, with_clients: bool) {
        self.hops += 1;
        if let Some(ip) = hop.relay.peer_ip.filter(|_| with_clients) {
            *self.clients.entry(ip).or_default() += 1;
        }
        if let Some(date) = hop.date {
            self.first = Some(self.first.map_or(date, |first| first.min(date)));
            self.last = Some(self.last.map_or(date, |last| last.max(date)));
        }
        self.encrypted += u64::from(hop.relay.tls == "evidence");
        if !hop.relay.family.is_empty() && !self.families.contains(hop.relay.family) {
            self.families.insert(hop.relay.family.to_owned());
        }
        if let Some(software) = hop.relay.software
            && self.software.len() < MOST_SOFTWARE
        {
            let software = one_line(software);
            if !self.software.contains(&*software) {
                self.software.insert(software.into_owned());
            }
        }
    }

    /// The networks of its clients with their hops, the most frequent first; without those that no database knows.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn client_networks(&self, networks: &NetworkFiles) -> Result<Vec<(String, u64)>, ViewError> {
        let mut places: BTreeMap<String, u64> = BTreeMap::new();
        for (ip, hops) in &self.clients {
            let place =
                networks.find(*ip)?.iter().map(|(_, place)| place.line()).collect::<Vec<_>>().join("; ");
            if !place.is_empty() {
                *places.entry(place).or_default() += hops;
            }
        }
        let mut places: Vec<(String, u64)> = places.into_iter().collect();
        places.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(places)
    }
}

/// The relays of a case, and their clocks against each other.
#[derive(Debug)]
pub struct RelaysView {
    /// The relays, the one with the most hops first.
    pub relays: Vec<RelayView>,
    /// Whether anything is known of the recipient's servers: without it no clock is.
    pub is_any_known: bool,
    clocks: Model,
}

impl RelaysView {
    /// Counts the relays of a case, and learns their clocks from what the recipient's servers wrote and saw;
    /// `with_clients` also counts the addresses of their clients.
    ///
    /// # Errors
    /// [`ViewError::Catalog`], [`ViewError::Store`].
    pub fn of(reader: &Reader, catalog: &Catalog, with_clients: bool) -> Result<Self, ViewError> {
        let known = Witnesses::of(reader)?;
        let mut observed = Clocks::default();
        // By name the place in `relays`, and the number of its clock where it has a name.
        let mut places: HashMap<Vec<u8>, (usize, Option<usize>)> = HashMap::new();
        let mut relays: Vec<RelayView> = Vec::new();
        let (mut name, mut here, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (first, last) = (ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX));
        catalog.range::<ViewError>(first, last, |row| {
            here.clear();
            times.clear();
            let hops = row.hops(catalog)?;
            let seen = known.see(row, &hops);
            for (hop, witness) in hops.iter().zip(seen) {
                name.clear();
                name.extend_from_slice(root_name(hop.relay.by.unwrap_or_default()));
                name.make_ascii_lowercase();
                let (place, clock) = if let Some(known) = places.get(&name) {
                    *known
                } else {
                    let clock = (!name.is_empty()).then(|| observed.number(&String::from_utf8_lossy(&name)));
                    relays.push(RelayView { name: name.clone(), ..RelayView::default() });
                    places.insert(name.clone(), (relays.len() - 1, clock));
                    (relays.len() - 1, clock)
                };
                let told = clock.zip(hop.date).filter(|_| hop.zone_known).map(|(clock, at)| (clock, at.0));
                times.push((witness, told));
                let Some(relay) = relays.get_mut(place) else { continue };
                relay.take(hop, with_clients);
                if !here.contains(&place) {
                    here.push(place);
                    relay.items += 1;
                }
            }
            observed.take(times.iter().copied());
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        relays.sort_by(|a, b| a.name.cmp(&b.name));
        relays.sort_by_key(|relay| std::cmp::Reverse(relay.hops));
        Ok(Self { relays, is_any_known: known.is_any_known(), clocks: observed.learn() })
    }

    /// What the case shows of a relay's clock; `None` where too few neighbours in time are known.
    pub fn clock(&self, relay: &RelayView) -> Option<Clock> {
        let name = String::from_utf8_lossy(&relay.name);
        self.clocks.clock(&name).filter(|clock| clock.neighbours >= LEAST)
    }

    /// How it goes over the months.
    pub fn course(&self, relay: &RelayView) -> Course {
        self.clocks.course(&String::from_utf8_lossy(&relay.name))
    }

    /// The object `mailtrail.relays/1` of one of them, with what files say of the networks of its clients.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn to_json(&self, relay: &RelayView, networks: &NetworkFiles) -> Result<Vec<u8>, ViewError> {
        let clients = relay.client_networks(networks)?;
        let clock = self.clock(relay);
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.text("by", &relay.name);
        if !networks.is_empty() {
            o.arr("clients", &clients, |out, (place, hops)| {
                let mut o = Obj::new(out);
                o.uint("hops", *hops).str("place", place);
                o.end();
            });
        }
        o.opt_int("clock_ahead_ms", clock.map(|clock| clock.ahead_ms));
        o.str("clock_course", self.course(relay).code());
        let months = self.clocks.months(&String::from_utf8_lossy(&relay.name));
        o.arr("clock_months", months, |out, month| {
            let mut o = Obj::new(out);
            o.int("ahead_ms", month.ahead_ms).str("month", &month_name(month.number));
            o.uint("neighbours", u64::from(month.neighbours));
            o.end();
        });
        o.opt_uint("clock_neighbours", clock.map(|clock| u64::from(clock.neighbours)));
        o.opt_str("clock_standing", clock.as_ref().map(standing));
        if !networks.is_empty() {
            networks.write_sources(&mut o);
        }
        o.uint("encrypted", relay.encrypted);
        o.arr("families", &relay.families, |out, family| json::string(out, family));
        o.opt_str("first", relay.first.map(rfc3339).as_deref());
        o.uint("hops", relay.hops).uint("items", relay.items);
        o.opt_str("last", relay.last.map(rfc3339).as_deref());
        o.str("schema", "mailtrail.relays/1");
        o.arr("software", &relay.software, |out, text| json::text(out, text));
        o.end();
        Ok(out)
    }
}
