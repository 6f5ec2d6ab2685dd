//! The way of one message: its hops as a chain, what is attested, what does not fit, and on what that rests.

use crate::catalog::{Catalog, Row};
use crate::facts::ItemFacts;
use crate::facts::derive::first;
use crate::ingest::trust;
use crate::parse::header::{self, one_line};
use crate::parse::received::Hop;
use crate::route::{Chain, Mail, Model, Settings, chain_with};
use crate::store::Reader;
use crate::types::ByteRange;
use crate::types::text::shown;

use super::ViewError;
use super::item::{as_found, message_as_read};
use super::relay_clocks::{RelayClocks, learn};

/// What is shown of the way of an item, read again from its bytes under the settings of the case.
#[derive(Debug)]
pub struct WayView {
    /// The item.
    pub item: String,
    /// Its bytes, in which all ranges count: all of the message, or the first of a message that is too long for memory.
    pub message: Vec<u8>,
    /// What was read of it.
    pub facts: ItemFacts,
    /// Its hops as a chain.
    pub chain: Chain,
    /// What is known of the relays' clocks, and from what.
    pub clocks: RelayClocks,
    /// The settings of the recipient's side.
    pub settings: Settings,
    /// The custody event that made the settings.
    pub set_by: Option<u64>,
}

impl WayView {
    /// Reads the way of an item.
    ///
    /// # Errors
    /// [`ViewError::Export`], [`ViewError::Store`], [`ViewError::Catalog`]. An index that cannot be asked is told in
    /// `clocks`.
    pub fn of(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Self, ViewError> {
        let (settings, set_by) = trust::settings(reader)?;
        let found = as_found(reader, catalog, row)?;
        let (message, facts) = read(reader, catalog, row)?;
        let header = header::read(&message).value;
        let mail = Mail { message: &message, header: &header, facts: &facts };
        let clocks = learn(reader, catalog, &mail)?;
        let chain = chain_with(&mail, found.as_deref(), &settings, &clocks.model);
        let item = catalog.item_id(row).to_string();
        drop(header);
        Ok(Self { item, message, facts, chain, clocks, settings, set_by })
    }

    /// The hops there are; more than were read, where there are very many.
    pub fn hops_total(&self) -> u64 {
        self.facts.hops_total.max(self.facts.hops.len() as u64)
    }

    /// The bytes of a range; none where there is no range.
    pub fn bytes(&self, range: Option<ByteRange>) -> &[u8] {
        range.and_then(|range| range.of(&self.message)).unwrap_or_default()
    }

    /// The text of a range on one line, made safe to show.
    pub fn text(&self, range: Option<ByteRange>) -> Option<String> {
        range.map(|range| shown(&String::from_utf8_lossy(&one_line(self.bytes(Some(range))))))
    }

    /// What a hop says of its client: the names that it was given, and the address as the firmest.
    pub fn client(&self, hop: &Hop) -> String {
        let mut words = Vec::new();
        words.extend(self.text(hop.rdns));
        words.extend(hop.peer_ip.map(|ip| format!("[{ip}]")));
        match self.text(hop.helo) {
            Some(helo) if hop.helo != hop.rdns && !words.contains(&helo) => {
                words.push(format!("(helo {helo})"));
            }
            _ => {}
        }
        if words.is_empty() {
            words.push(self.text(hop.from).unwrap_or_else(|| "-".to_owned()));
        }
        words.join(" ")
    }

    /// The version of TLS and the cipher that a hop states, or the word for what it tells of encryption.
    pub fn encryption(&self, hop: &Hop) -> String {
        let version = if hop.tls_version.is_empty() { hop.tls.code() } else { hop.tls_version };
        match self.text(hop.tls_cipher) {
            Some(cipher) => format!("{version} {cipher}"),
            None => version.to_owned(),
        }
    }
}

/// The message of an item and its facts, as the import read them.
pub(super) fn read(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
) -> Result<(Vec<u8>, ItemFacts), ViewError> {
    let (message, whole) = message_as_read(reader, catalog, row)?;
    let mut facts = first(&message);
    facts.size = whole;
    Ok((message, facts))
}

/// The chain of an item under some settings, read again from its bytes alone, as the index holds it: without what other
/// messages show of the relays' clocks.
pub(super) fn chain_of(
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    settings: &Settings,
) -> Result<Chain, ViewError> {
    let found = as_found(reader, catalog, row)?;
    let (message, facts) = read(reader, catalog, row)?;
    let header = header::read(&message).value;
    let mail = Mail { message: &message, header: &header, facts: &facts };
    Ok(chain_with(&mail, found.as_deref(), settings, &Model::default()))
}
