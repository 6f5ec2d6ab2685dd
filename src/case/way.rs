//! What is concluded about the way of one item, for what is handed over: who stands behind each hop and what was found,
//! from the item's own bytes and the settings alone. What other messages show of clocks is left out, so that no other
//! item changes it.

use crate::auth;
use crate::catalog::Row;
use crate::facts::{MAX_HOPS, PARSE_LIMIT};
use crate::route::{self, Finding, RULES, Settings};
use crate::store::pack::BLOB_IN_MEMORY;
use crate::types::Sha256Digest;
use crate::types::json::{self, Obj};

use super::ItemBytesError;
use super::item::ItemBytes;

/// The clocks that delays and findings rest on.
pub const CLOCK_POLICY: &str = "times as they are written; no clock of another message is taken into account";

/// Who stands behind a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopStanding {
    /// The word for it.
    pub trust: &'static str,
    /// Why, in our words.
    pub because: &'static str,
    /// Rules that dispute it, where it is a claim.
    pub disputed_by: Vec<&'static str>,
}

/// The way of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemWay {
    /// On what the boundary rests.
    pub basis: &'static str,
    /// The hop of the boundary, 0 the newest.
    pub boundary: Option<u64>,
    /// One for each hop, newest first.
    pub hops: Vec<HopStanding>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl ItemWay {
    /// Reads it from the item's bytes.
    ///
    /// # Errors
    /// [`ItemBytesError`].
    pub fn of(bytes: &ItemBytes<'_>, row: &Row<'_>, settings: &Settings) -> Result<Self, ItemBytesError> {
        let is_long = row.part().is_none() && row.end() - row.start() > BLOB_IN_MEMORY;
        let message = bytes.as_read(row)?;
        let found = if row.lines() > 0 && !is_long { Some(bytes.raw(row)?) } else { None };
        let whole = if is_long { row.size() } else { message.len() as u64 };
        let chain = route::chain_of_bytes(&message, whole, found.as_deref(), settings);
        let standing = |step: &route::Step| HopStanding {
            trust: step.trust.code(),
            because: step.because,
            disputed_by: step.disputed_by.clone(),
        };
        Ok(Self {
            basis: chain.basis.code(),
            boundary: chain.boundary.map(|at| at as u64),
            hops: chain.steps.iter().map(standing).collect(),
            findings: chain.findings,
        })
    }
}

/// Writes a finding with both sides' explanations and what was measured.
pub fn write_finding(out: &mut Vec<u8>, finding: &Finding) {
    let mut o = Obj::new(out);
    o.str("caveat", finding.rule.caveat);
    o.arr("hops", &finding.hops, |out, hop| json::uint(out, *hop as u64));
    o.str("if_made_up", finding.rule.forged()).str("measured", &finding.rule.measured());
    o.str("rule", finding.rule.id).str("severity", finding.rule.severity.word());
    o.arr("spans", &finding.spans, |out, span| {
        let mut o = Obj::new(out);
        o.uint("end", span.end()).uint("start", span.start());
        o.end();
    });
    o.str("text", &finding.text);
    o.end();
}

/// Writes the object `limits`: what of an item is read for all this, and no more.
pub fn write_limits(o: &mut Obj<'_>) {
    o.obj("limits", |o| {
        o.uint("hops", MAX_HOPS as u64).uint("message_bytes", PARSE_LIMIT);
        o.uint("signatures", auth::MAX_SIGNATURES as u64);
    });
}

/// Writes the object `rule_set`: how many rules there are, and a digest of all their words, so that two versions are
/// told apart.
pub fn write_rule_set(o: &mut Obj<'_>) {
    let words: Vec<String> =
        RULES.iter().map(|rule| format!("{} {} {}\n", rule.id, rule.severity.word(), rule.when)).collect();
    o.obj("rule_set", |o| {
        o.uint("rules", RULES.len() as u64).digest("sha256", &Sha256Digest::of(words.concat().as_bytes()));
    });
}
