//! What the case shows of the clocks of the relays that a message went through.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, HopRow};
use crate::index::IndexReader;
use crate::query::{self, Case, Options};
use crate::route::{Clocks, Mail, Model, relay_name};
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
    }
}

/// Takes the hops of one message: those of servers with a name, at a time with a zone.
pub(super) fn observe(clocks: &mut Clocks, hops: &[HopRow<'_>]) {
    let times: Vec<(String, i64)> = hops
        .iter()
        .filter(|hop| hop.zone_known)
        .filter_map(|hop| {
            let by = relay_name(hop.relay.by?);
            let name = String::from_utf8_lossy(&by).into_owned();
            Some((name, hop.date?.0)).filter(|_| !by.is_empty())
        })
        .collect();
    clocks.observe(times.iter().map(|(by, at)| (by.as_str(), *at)));
}

/// Learns the clocks from messages that share a relay with this one. An index that cannot be asked is told, and nothing is compared.
pub(super) fn learn(reader: &Reader, catalog: &Catalog, mail: &Mail<'_>) -> Result<RelayClocks, ViewError> {
    let mut learned = RelayClocks::default();
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
        observe(&mut clocks, &row.hops(catalog)?);
        Ok::<(), ViewError>(())
    })?;
    learned.model = clocks.learn();
    Ok(learned)
}
