//! What the case shows of the clocks of the relays that a message went through.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::trust;
use crate::catalog::{Catalog, HopRow, Row};
use crate::index::IndexReader;
use crate::query::{self, Case, Options};
use crate::route::{
    Clock, Clocks, HopWriter, Mail, Model, Settings, Witness, found_name, relay_name, witnesses,
};
use crate::store::Reader;
use crate::types::json::Obj;

use super::ViewError;

/// Messages looked at for each relay: the newest.
const MESSAGES: usize = 500;

/// Relays of one message that are looked up.
const RELAYS: usize = 24;

/// What was learned of the clocks of a message's relays, and from what.
#[derive(Debug, Default)]
pub struct RelayClocks {
    /// The clocks.
    pub model: Model,
    /// Whether anything is known of the recipient's servers: without it nothing is learned.
    pub is_any_known: bool,
    /// The message's relays with attested votes, and what these show.
    pub votes: Vec<(String, Clock)>,
    /// Relays that were looked up.
    pub relays: usize,
    /// Messages that they were compared over.
    pub messages: usize,
    /// Relays that were not looked up, because the message has more than 24.
    pub passed_over: usize,
    /// Whether a relay has more messages than are looked at: see [`RelayClocks::MOST_MESSAGES`].
    pub is_cut: bool,
    /// Why nothing was compared, or not all.
    pub failed: Option<String>,
}

impl RelayClocks {
    /// Messages looked at for each relay: the newest.
    pub const MOST_MESSAGES: usize = MESSAGES;

    /// The object `clocks` of `mailtrail.hops/1`.
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.opt_str("failed", self.failed.as_deref()).bool("is_cut", self.is_cut);
        o.uint("messages", self.messages as u64).uint("relays", self.relays as u64);
        o.uint("relays_passed_over", self.passed_over as u64);
        o.arr("votes", &self.votes, |out, (relay, clock)| {
            let mut o = Obj::new(out);
            o.int("ahead_ms", clock.ahead_ms).str("relay", relay).str("standing", standing(clock));
            o.uint("votes", u64::from(clock.neighbours));
            o.end();
        });
    }
}

/// On what a clock's votes rest: `attested` between servers of the recipient, `seen` of a stranger that they saw by
/// address or reverse name.
pub(super) fn standing(clock: &Clock) -> &'static str {
    if clock.is_seen { Witness::Seen.code() } else { Witness::Own.code() }
}

/// Who stands behind the hops of items: by the settings of the case, and by the host of an account for what was
/// acquired from it.
#[derive(Debug)]
pub(super) struct Witnesses {
    settings: Settings,
    /// By segment, the host of the account that it holds.
    hosts: BTreeMap<u32, String>,
}

impl Witnesses {
    /// Of a case.
    ///
    /// # Errors
    /// [`ViewError::Store`].
    pub(super) fn of(reader: &Reader) -> Result<Self, ViewError> {
        let segments = reader.segments()?;
        let hosts = segments.into_iter().filter_map(|segment| Some((segment.number, segment.account?.host)));
        Ok(Self { settings: trust::settings(reader)?.0, hosts: hosts.collect() })
    }

    /// Whether anything is known of the recipient's servers.
    pub(super) fn is_any_known(&self) -> bool {
        self.settings.is_named() || !self.hosts.is_empty()
    }

    /// For the hops of an item, newest first.
    pub(super) fn see(&self, row: &Row<'_>, hops: &[HopRow<'_>]) -> Vec<Witness> {
        let writers: Vec<HopWriter<'_>> = hops.iter().map(writer).collect();
        witnesses(&writers, &self.settings, self.hosts.get(&row.key().segment()).map(String::as_str))
    }
}

fn writer<'a>(hop: &HopRow<'a>) -> HopWriter<'a> {
    let relay = &hop.relay;
    HopWriter {
        by: relay.by.unwrap_or_default(),
        by_ip: relay.by_ip,
        rdns: found_name(relay.rdns, relay.rdns_state),
        peer_ip: relay.peer_ip,
        class: relay.class,
        grade: relay.grade,
        has_from: relay.from.is_some(),
    }
}

/// Takes the hops of one message, with who stands behind each.
fn observe(clocks: &mut Clocks, hops: &[HopRow<'_>], witnesses: &[Witness]) {
    let told: Vec<_> = hops
        .iter()
        .zip(witnesses)
        .map(|(hop, witness)| {
            let by = relay_name(hop.relay.by.unwrap_or_default());
            let at = hop.date.filter(|_| hop.zone_known && !by.is_empty());
            (*witness, at.map(|at| (clocks.number(&String::from_utf8_lossy(&by)), at.0)))
        })
        .collect();
    clocks.take(told);
}

/// Learns the clocks from messages that share a relay with this one. An index that cannot be asked is told, and nothing
/// is compared.
pub(super) fn learn(reader: &Reader, catalog: &Catalog, mail: &Mail<'_>) -> Result<RelayClocks, ViewError> {
    let mut learned = RelayClocks::default();
    let known = Witnesses::of(reader)?;
    learned.is_any_known = known.is_any_known();
    if !learned.is_any_known {
        return Ok(learned);
    }
    let index = match IndexReader::open(&reader.layout().index()) {
        Ok(index) => index,
        Err(error) => return Ok(RelayClocks { failed: Some(error.to_string()), ..learned }),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let mut relays: BTreeSet<String> = mail
        .facts
        .hops
        .iter()
        .filter(|hop| hop.date.is_some())
        .map(|hop| String::from_utf8_lossy(&relay_name(mail.bytes(hop.by))).into_owned())
        .filter(|name| !name.is_empty() && name.bytes().all(plain))
        .collect();
    learned.passed_over = relays.len().saturating_sub(RELAYS);
    while relays.len() > RELAYS {
        relays.pop_last();
    }
    learned.relays = relays.len();
    let mut keys = BTreeSet::new();
    for relay in &relays {
        let options = Options { limit: Some(MESSAGES), ..Options::default() };
        let case = Case { catalog, index: &index, messages: None };
        match query::search(case, &format!("hop.by:\"{relay}\""), &options) {
            Ok(hits) => {
                learned.is_cut |= hits.total > MESSAGES as u64;
                keys.extend(hits.keys);
            }
            Err(error) => return Ok(RelayClocks { failed: Some(error.to_string()), ..learned }),
        }
    }
    learned.messages = keys.len();
    let mut clocks = Clocks::default();
    catalog.each(keys, |row| {
        let hops = row.hops(catalog)?;
        observe(&mut clocks, &hops, &known.see(row, &hops));
        Ok::<(), ViewError>(())
    })?;
    learned.model = clocks.learn();
    for relay in relays {
        if let Some(clock) = learned.model.clock(&relay) {
            learned.votes.push((relay, clock));
        }
    }
    Ok(learned)
}
