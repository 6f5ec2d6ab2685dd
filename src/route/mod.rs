//! The way of a message: its hops as a chain, how long each step took, who attests it, and what does not fit.
//!
//! File order is the evidence: the newest hop stands first and nothing is ever sorted by date. What is attested is a
//! boundary, not a score: the hops written by the recipient's own servers, down to the address that the last of them
//! saw. All below is what the sender's side says.

mod across;
mod answers;
mod clocks;
mod course;
mod embedded;
mod names;
mod networks;
mod peers;
mod places;
mod rates;
mod rates_counts;
mod recorded;
mod rules;
mod settings;
mod steps;
mod trust;
mod witness;

pub use across::{ACROSS, Across, Compare, Seen, Survey};
pub use answers::{Answer, Answers, Level};
pub use clocks::{Clock, Clocks, LEAST, Model};
pub use course::{Course, Month, month_name};
pub use embedded::{Time, times};
pub use names::{organisation, provider, relay_name, root_name};
pub use networks::{Network, NetworkError, Networks};
pub use peers::{Peers, peers};
pub use places::{Place, Places, PlacesError};
pub use rates::{POPULATIONS, Population, Rate, measured, rates};
pub use recorded::{METHODS, Own, RESULTS, Standing};
pub use rules::{Finding, OLD_IDS, RULES, Rule, Severity, is_mail, present_id, rule};
pub use settings::Settings;
pub use trust::{Basis, Trust};
pub use witness::{HopWriter, Witness, found_name, witnesses};

use crate::auth;
use crate::facts::ItemFacts;
use crate::parse::header::Header;
use crate::parse::received::Hop;
use crate::types::ByteRange;

/// A message as the chain looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Its bytes; the ranges of the facts count in them.
    pub message: &'a [u8],
    /// Its header block.
    pub header: &'a Header<'a>,
    /// What was read.
    pub facts: &'a ItemFacts,
}

impl<'a> Mail<'a> {
    /// The bytes of a range of the message; empty when there is none.
    pub fn bytes(&self, range: Option<ByteRange>) -> &'a [u8] {
        range.and_then(|r| r.of(self.message)).unwrap_or_default()
    }

    /// The text of a range in lower case, without a last dot.
    fn lower(&self, range: Option<ByteRange>) -> String {
        String::from_utf8_lossy(&relay_name(self.bytes(range))).into_owned()
    }
}

/// What is known of one hop beside what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who stands behind it.
    pub trust: Trust,
    /// Milliseconds since the next older hop with a date; negative when this one says it was earlier. `None` for the
    /// oldest dated hop and for hops without a date.
    pub delay_ms: Option<i64>,
    /// The same with the errors of the relays' clocks taken out; `None` where none is known.
    pub corrected_ms: Option<i64>,
    /// Rules that speak against the truth of the hop's own words, where it is a claim.
    pub disputed_by: Vec<&'static str>,
    /// Why it is trusted so far and no further, in our words.
    pub because: &'static str,
}

impl Step {
    /// The word by which hops are searched: that of the trust, and `disputed` for a claim that a rule speaks against.
    pub fn standing(&self) -> &'static str {
        if self.disputed_by.is_empty() { self.trust.code() } else { DISPUTED }
    }
}

/// The word for a claim that a rule speaks against.
pub const DISPUTED: &str = "disputed";

/// The hops of a message, read together. Index 0 is the newest hop, as in [`ItemFacts::hops`].
#[derive(Clone, Debug)]
pub struct Chain {
    /// One for each hop.
    pub steps: Vec<Step>,
    /// The oldest attested hop: the one in which a server of the recipient saw a stranger.
    pub boundary: Option<usize>,
    /// On what the boundary rests.
    pub basis: Basis,
    /// Milliseconds from the oldest to the newest dated hop.
    pub total_ms: Option<i64>,
    /// Where the message came from, as far as anybody says so.
    pub answers: Answers,
    /// What the recipient's servers recorded of their checks, in the order it stands.
    pub recorded: Vec<Own>,
    /// The fields that tell it, and where each stands; also those without a result of [`METHODS`].
    pub recorded_in: Vec<(ByteRange, Standing)>,
    /// For each DKIM signature whose hash could be computed, whether it fits the body as it is stored.
    pub bodies: Vec<bool>,
    /// What does not fit, and what is worth knowing; in the order of the rules.
    pub findings: Vec<Finding>,
}

/// Reads the chain of a message. Linear in the number of hops.
pub fn chain(mail: &Mail<'_>, settings: &Settings) -> Chain {
    chain_by(mail, settings, &Model::default())
}

/// Reads the chain of a message with what is known of the relays' clocks.
pub fn chain_by(mail: &Mail<'_>, settings: &Settings, clocks: &Model) -> Chain {
    chain_with(mail, None, settings, clocks)
}

/// As [`chain_by`]; `as_found` is the slice in the container where it is not the message, since a body may be quoted
/// there that was never meant to be (see [`crate::auth::Reading::AsFound`]).
pub fn chain_with<'a>(
    mail: &Mail<'a>,
    as_found: Option<&'a [u8]>,
    settings: &Settings,
    clocks: &Model,
) -> Chain {
    let is_whole = mail.facts.size == mail.message.len() as u64;
    let auth = auth::outline(mail.message, mail.header, as_found, is_whole);
    let hops = &mail.facts.hops;
    let drawn = trust::draw(mail, settings);
    let delays = steps::delays(hops);
    let corrected = steps::corrected(mail, &delays, clocks);
    let total_ms = steps::total(hops);
    let answers = answers::answers(mail, &drawn, settings);
    let auth = recorded::weigh(mail, &drawn, settings, auth);
    let way = rules::Way::new(mail, settings, &drawn, &delays, clocks, &answers, &auth);
    let findings = rules::all(&way);
    let has_hash = |one: &&auth::SignatureReport| !one.signature.body_hash.is_empty();
    let hashed = auth.report.dkim.iter().filter(has_hash);
    let bodies = hashed.filter_map(|one| Some(one.body.as_ref()?.is_ok())).collect();
    let mut steps: Vec<Step> = drawn
        .trust
        .iter()
        .zip(&delays)
        .zip(&corrected)
        .zip(trust::because(&drawn, hops))
        .map(|(((&trust, &delay_ms), &corrected_ms), because)| Step {
            trust,
            delay_ms,
            corrected_ms,
            disputed_by: Vec::new(),
            because,
        })
        .collect();
    for finding in findings.iter().filter(|f| f.rule.disputes()) {
        for &at in &finding.hops {
            if let Some(step) = steps.get_mut(at)
                && step.trust == Trust::Claimed
                && !step.disputed_by.contains(&finding.rule.id)
            {
                step.disputed_by.push(finding.rule.id);
            }
        }
    }
    Chain {
        steps,
        boundary: drawn.boundary,
        basis: drawn.basis,
        total_ms,
        answers,
        recorded_in: auth.fields(),
        recorded: auth.own,
        bodies,
        findings,
    }
}

/// Reads the chain of a message from its bytes alone, as the index holds it: without what other messages show of
/// clocks. `whole` is the size of all of it, where `message` is only its beginning; `as_found` as for [`chain_with`].
pub fn chain_of_bytes(message: &[u8], whole: u64, as_found: Option<&[u8]>, settings: &Settings) -> Chain {
    // What the rules look at stands in the header; signatures read the body themselves.
    let mut facts = crate::facts::derive::of_header(message);
    facts.size = whole;
    let header = crate::parse::header::read(message).value;
    let mail = Mail { message, header: &header, facts: &facts };
    chain_with(&mail, as_found, settings, &Model::default())
}

/// Whether a hop has an address that a server saw.
fn has_peer(hop: &Hop) -> bool {
    hop.peer_ip.is_some()
}

#[cfg(test)]
mod auth_tests;
#[cfg(test)]
mod tests;
