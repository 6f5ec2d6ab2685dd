//! What the case shows of the clocks of the relays that a message went through.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::index::IndexReader;
use crate::query::{self, Case, Options};
use crate::route::{Clocks, Mail, Model};
use crate::store::Reader;

use super::failure::Failure;

/// Messages looked at for each relay: the newest.
const MESSAGES: usize = 500;

/// Relays of one message that are looked up.
const RELAYS: usize = 24;

/// Learns the clocks from messages that share a relay with this one; empty where there is no index.
pub(super) fn learn(reader: &Reader, catalog: &Catalog, mail: &Mail<'_>) -> Result<Model, Failure> {
    let Ok(index) = IndexReader::open(&reader.layout().index()) else { return Ok(Model::default()) };
    let mut relays = BTreeSet::new();
    for hop in mail.facts.hops.iter().filter(|hop| hop.date.is_some()) {
        let name = String::from_utf8_lossy(mail.bytes(hop.by)).to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if !name.is_empty() && name.bytes().all(plain) && relays.len() < RELAYS {
            relays.insert(name);
        }
    }
    let mut keys = BTreeSet::new();
    for relay in &relays {
        let options = Options { limit: Some(MESSAGES), ..Options::default() };
        let case = Case { catalog, index: &index };
        if let Ok(hits) = query::search(case, &format!("hop.by:\"{relay}\""), &options) {
            keys.extend(hits.keys);
        }
    }
    let mut clocks = Clocks::default();
    catalog.each(keys, |row| {
        let hops = row.hops(catalog)?;
        let named: Vec<(String, i64)> = hops
            .iter()
            .filter(|hop| hop.zone_known)
            .filter_map(|hop| {
                let by = String::from_utf8_lossy(hop.relay.by.as_deref()?).into_owned();
                Some((by, hop.date?.0))
            })
            .collect();
        clocks.observe(named.iter().map(|(by, at)| (by.as_str(), *at)));
        Ok::<(), crate::catalog::CatalogError>(())
    })?;
    Ok(clocks.learn())
}
