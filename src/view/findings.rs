//! What does not fit in the ways of all messages, by rule, or the items of one rule: `mailtrail.findings/1`,
//! `mailtrail.finding/1`.

use crate::catalog::Catalog;
use crate::index::IndexReader;
use crate::ingest::trust;
use crate::query::{self, Case, Options};
use crate::route::{Finding, RULES, Rule, rule};
use crate::store::Reader;
use crate::types::json::{self, Obj};

use super::ViewError;
use super::across::{CrossFindings, cross_rule};
use super::way::chain_of;

/// A rule and the number of items in which it found something.
#[derive(Clone, Copy, Debug)]
pub struct RuleCount {
    /// The rule.
    pub rule: &'static Rule,
    /// Items.
    pub items: u64,
}

/// What was found in a case, or in the items that answer a query.
#[derive(Debug)]
pub struct FindingsSummary {
    /// The rules that found something, the heaviest first; among equals the most frequent.
    pub rules: Vec<RuleCount>,
    /// Items that were asked for.
    pub of: u64,
    /// Whether the index follows the settings of the recipient's side as they are now.
    pub is_current: bool,
    /// The custody event that made the settings which the index follows.
    pub settings_event: Option<u64>,
    /// Whether not all hops were compared by the rules across messages.
    pub is_cut: bool,
}

/// Whether the findings in the index follow the settings as they are now.
///
/// # Errors
/// [`ViewError::Store`].
pub fn findings_follow_settings(reader: &Reader, index: &IndexReader) -> Result<bool, ViewError> {
    let (now, _) = trust::settings(reader)?;
    Ok(trust::settings_of(reader, index.trust())? == now)
}

impl FindingsSummary {
    /// Counts the findings in the items that answer a query; an empty one means all.
    ///
    /// # Errors
    /// [`ViewError::Search`], [`ViewError::Store`], [`ViewError::Catalog`].
    pub fn of(
        reader: &Reader,
        catalog: &Catalog,
        index: &IndexReader,
        query: &str,
        options: &Options,
    ) -> Result<Self, ViewError> {
        let case = Case { catalog, index, messages: None };
        let found = query::findings(case, query, options)?;
        let of = |rule: &Rule| found.iter().find(|(id, _)| id == rule.id).map_or(0, |(_, count)| *count);
        let across = CrossFindings::of(reader, catalog)?;
        let mut rules: Vec<RuleCount> =
            RULES.iter().map(|rule| RuleCount { rule, items: of(rule) }).collect();
        let counts = across.counts(case, query, options)?;
        rules.extend(counts.into_iter().map(|(rule, items)| RuleCount { rule, items }));
        rules.retain(|count| count.items > 0);
        rules.sort_by_key(|count| (std::cmp::Reverse((count.rule.severity, count.items)), count.rule.id));
        let all = Options { limit: Some(0), ..options.clone() };
        Ok(Self {
            rules,
            of: query::search(case, query, &all)?.total,
            is_current: findings_follow_settings(reader, index)?,
            settings_event: index.trust(),
            is_cut: across.is_cut,
        })
    }

    /// The object `mailtrail.findings/1` of one rule.
    pub fn to_json(&self, count: &RuleCount) -> Vec<u8> {
        let RuleCount { rule, items } = count;
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.str("caveat", rule.caveat).str("if_made_up", rule.forged());
        o.bool("is_current", self.is_current).uint("items", *items);
        o.str("measured", &rule.measured()).uint("of", self.of);
        o.str("rule", rule.id).str("schema", "mailtrail.findings/1");
        o.opt_uint("settings_event", self.settings_event);
        o.str("severity", rule.severity.code()).str("when", rule.when);
        o.end();
        out
    }
}

/// Gives what one rule found in the items that answer a query, in ledger order, with the item's id; returns the number
/// of items, and whether not all hops were compared.
///
/// # Errors
/// [`ViewError::NoRule`], [`ViewError::Search`], and what reading an item may say; what `give` says.
pub fn findings_of_rule<E: From<ViewError>>(
    reader: &Reader,
    catalog: &Catalog,
    index: &IndexReader,
    id: &str,
    (query, options): (&str, &Options),
    mut give: impl FnMut(&str, &Finding) -> Result<(), E>,
) -> Result<(u64, bool), E> {
    let case = Case { catalog, index, messages: None };
    if let Some(rule) = cross_rule(id) {
        let found = CrossFindings::of(reader, catalog)?;
        let items = found.of_rule(case, rule, (query, options), give)?;
        return Ok((items, found.is_cut));
    }
    let rule = rule(id).ok_or_else(|| ViewError::NoRule { id: id.to_owned() })?;
    let narrowed = if query.trim().is_empty() {
        format!("finding:{}", rule.id)
    } else {
        format!("({query}) finding:{}", rule.id)
    };
    let hits = query::search(case, &narrowed, options).map_err(ViewError::from)?;
    let settings = trust::settings_of(reader, index.trust()).map_err(ViewError::from)?;
    for &key in &hits.keys {
        let mut found = None;
        catalog.each::<ViewError>([key], |row| {
            let way = chain_of(reader, catalog, row, &settings)?;
            found = Some((catalog.item_id(row).to_string(), way.findings));
            Ok(())
        })?;
        let Some((item, findings)) = found else { continue };
        for finding in findings.iter().filter(|finding| finding.rule.id == rule.id) {
            give(&item, finding)?;
        }
    }
    Ok((hits.total, false))
}

/// A finding as an object, with the item that it is of where it stands alone.
pub fn write_finding(out: &mut Vec<u8>, finding: &Finding, item: Option<&str>) {
    let mut o = Obj::new(out);
    o.arr("hops", &finding.hops, |out, &hop| json::uint(out, hop as u64));
    if let Some(item) = item {
        o.str("item", item);
    }
    o.str("rule", finding.rule.id);
    if item.is_some() {
        o.str("schema", "mailtrail.finding/1");
    }
    o.str("severity", finding.rule.severity.code());
    o.arr("spans", &finding.spans, |out, span| {
        let mut o = Obj::new(out);
        o.uint("end", span.end()).uint("start", span.start());
        o.end();
    });
    o.str("text", &finding.text);
    o.end();
}
