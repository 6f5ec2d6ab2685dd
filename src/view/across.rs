//! What stands in several messages of a case: the rules that need more than one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;

use crate::catalog::{Catalog, HopRow, Row};
use crate::ingest::trust;
use crate::query::{self, Case, Options};
use crate::route::{ACROSS, Across, Finding, Rule, Seen, Survey, found_name, is_mail, root_name};
use crate::store::Reader;
use crate::types::ItemKey;

use super::ViewError;
use super::relay_clocks::Witnesses;

/// Other items that a finding names.
const NAMED: usize = 5;

/// The rule across messages with this id.
pub fn cross_rule(id: &str) -> Option<&'static Rule> {
    ACROSS.iter().find(|rule| rule.id == id)
}

/// What the rules across messages found in a case.
#[derive(Debug)]
pub struct CrossFindings {
    all: Vec<Across>,
    /// Whether not all hops were compared, because one server gave one id, or left out encryption, too often.
    pub is_cut: bool,
}

/// Tells the hops of items one after the other.
struct HopTeller {
    teaching: bool,
    known: Witnesses,
    by: Vec<u8>,
    client: Vec<u8>,
    for_: Vec<u8>,
}

impl HopTeller {
    fn tell(
        &mut self,
        catalog: &Catalog,
        row: &Row<'_>,
        mut visit: impl FnMut(&Seen<'_>),
    ) -> Result<(), ViewError> {
        let message_id = String::from_utf8_lossy(row.message_id().unwrap_or_default());
        let hops = row.hops(catalog)?;
        let witnesses = self.known.see(row, &hops);
        for (at, (hop, witness)) in hops.iter().zip(witnesses).enumerate() {
            lower(&mut self.by, hop.relay.by);
            lower(&mut self.for_, hop.for_);
            client(&mut self.client, hop);
            visit(&Seen {
                item: row.key().as_u64(),
                hop: at,
                message_id: message_id.trim(),
                by: &self.by,
                client: &self.client,
                id: hop.id.unwrap_or_default(),
                for_: &self.for_,
                at: hop.date.filter(|_| hop.zone_known).map(|at| at.0),
                tls: tls(hop, self.teaching),
                witness,
            });
        }
        Ok(())
    }
}

/// The name under which a server counts, in a buffer that is used again.
fn lower(out: &mut Vec<u8>, text: Option<&[u8]>) {
    out.clear();
    out.extend_from_slice(root_name(text.unwrap_or_default()));
    out.make_ascii_lowercase();
}

/// The client as the server saw it: its reverse name, else its address; not what it called itself.
fn client(out: &mut Vec<u8>, hop: &HopRow<'_>) {
    let named = found_name(hop.relay.rdns, hop.relay.rdns_state);
    lower(out, Some(named));
    if let (true, Some(ip)) = (named.is_empty(), hop.relay.peer_ip) {
        write!(out, "{ip}").unwrap_or_default();
    }
}

/// Whether there is a sign of encryption; `None` where a server would write none.
fn tls(hop: &HopRow<'_>, teaching: bool) -> Option<bool> {
    let relay = &hop.relay;
    if relay.class != "network" {
        return None;
    }
    let is_public =
        matches!(relay.scope, "public" | "6to4" | "teredo") || teaching && relay.scope == "documentation";
    match relay.tls {
        "evidence" => Some(true),
        _ if is_public && is_mail(relay.protocol) => Some(false),
        _ => None,
    }
}

impl CrossFindings {
    /// Compares all hops of a case: one round over the catalog counts them, a second looks only at the items that can
    /// be part of a finding, so memory and time follow what is found.
    ///
    /// # Errors
    /// [`ViewError::Catalog`], [`ViewError::Store`].
    pub fn of(reader: &Reader, catalog: &Catalog) -> Result<Self, ViewError> {
        let teaching = trust::settings(reader)?.0.teaching_addresses;
        let mut teller = HopTeller {
            teaching,
            known: Witnesses::of(reader)?,
            by: Vec::new(),
            client: Vec::new(),
            for_: Vec::new(),
        };
        let mut survey = Survey::default();
        let (first, last) = (ItemKey::from_u64(0), ItemKey::from_u64(u64::MAX));
        catalog.range::<ViewError>(first, last, |row| {
            teller.tell(catalog, row, |seen| survey.count(seen))?;
            Ok(ControlFlow::Continue(()))
        })?;
        let (mut compare, items) = survey.chosen();
        catalog.each::<ViewError>(items.into_iter().map(ItemKey::from_u64), |row| {
            teller.tell(catalog, row, |seen| compare.see(seen))
        })?;
        let is_cut = compare.is_cut();
        Ok(Self { all: compare.findings(), is_cut })
    }

    /// For each rule the number of items in it that answer a query.
    ///
    /// # Errors
    /// [`ViewError::Search`].
    pub fn counts(
        &self,
        case: Case<'_>,
        query: &str,
        options: &Options,
    ) -> Result<Vec<(&'static Rule, u64)>, ViewError> {
        let wanted = wanted(case, query, options)?;
        let mut counts = Vec::new();
        for rule in ACROSS {
            let items = self.items(rule, wanted.as_deref()).len() as u64;
            counts.push((rule, items));
        }
        Ok(counts)
    }

    /// Items and their hops that a rule is about, with the groups they are in.
    fn items(&self, rule: &Rule, wanted: Option<&[ItemKey]>) -> BTreeMap<u64, Vec<(usize, &Across)>> {
        let mut items: BTreeMap<u64, Vec<(usize, &Across)>> = BTreeMap::new();
        for group in self.all.iter().filter(|group| group.rule().id == rule.id) {
            for &(item, hop) in &group.hops {
                let is_wanted = |all: &[ItemKey]| all.binary_search_by_key(&item, |key| key.as_u64()).is_ok();
                if wanted.is_none_or(is_wanted) {
                    items.entry(item).or_default().push((hop, group));
                }
            }
        }
        items
    }

    /// Gives every finding of a rule in the items that answer a query, in ledger order, with the item's id.
    ///
    /// # Errors
    /// [`ViewError::Search`], [`ViewError::Catalog`], and what `give` says.
    pub fn of_rule<E: From<ViewError>>(
        &self,
        case: Case<'_>,
        rule: &'static Rule,
        (query, options): (&str, &Options),
        mut give: impl FnMut(&str, &Finding) -> Result<(), E>,
    ) -> Result<u64, E> {
        let items = self.items(rule, wanted(case, query, options)?.as_deref());
        let id = |key: u64| -> Result<String, ViewError> {
            let mut id = String::new();
            case.catalog.each::<ViewError>([ItemKey::from_u64(key)], |row| {
                id = case.catalog.item_id(row).to_string();
                Ok(())
            })?;
            Ok(id)
        };
        for (item, hops) in &items {
            let mut places = Vec::new();
            case.catalog.each::<ViewError>([ItemKey::from_u64(*item)], |row| {
                places = row.hops(case.catalog)?.iter().map(|hop| hop.at).collect();
                Ok(())
            })?;
            for (hop, group) in hops {
                let mut others: Vec<u64> =
                    group.known.iter().map(|h| h.0).filter(|other| other != item).collect();
                others.dedup();
                let more = others.len().saturating_sub(NAMED);
                others.truncate(NAMED);
                let names = others.into_iter().map(&id).collect::<Result<Vec<_>, _>>()?.join(", ");
                let text = match (names.is_empty(), more) {
                    (true, _) if rule.id == "build-clock-mismatch" => {
                        "by witnessed hops of this case the build was in use at another time".to_owned()
                    }
                    (true, _) => "no sign of encryption, where there nearly always is one".to_owned(),
                    (false, 0) => format!("also in {names}, where it is witnessed"),
                    (false, more) => format!("also in {names} and {more} more, where it is witnessed"),
                };
                let spans = places.get(*hop).copied().into_iter().collect();
                give(&id(*item)?, &Finding { rule, hops: vec![*hop], spans, text })?;
            }
        }
        Ok(items.len() as u64)
    }
}

/// The items that answer a query, ascending; `None` for all.
fn wanted(case: Case<'_>, query: &str, options: &Options) -> Result<Option<Vec<ItemKey>>, ViewError> {
    if query.trim().is_empty() {
        return Ok(None);
    }
    let mut keys = query::search(case, query, options)?.keys;
    keys.sort_unstable_by_key(|key| key.as_u64());
    Ok(Some(keys))
}
