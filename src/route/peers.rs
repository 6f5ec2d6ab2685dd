//! Peers of the chain as mail filters sort them: trusted down to the first stranger.
//!
//! The semantics are those of SpamAssassin's trusted networks, so that an examiner can compare: the first network that
//! holds an address decides, loopback is always trusted, what was broken once stays broken, hops without a peer shift
//! nothing, and header fields that name a sender count as a last hop. Without networks, inner addresses and users who
//! signed in are trusted.

use std::net::IpAddr;

use super::settings::Settings;
use super::{Mail, answers};
use crate::parse::received::{Auth, Grade, HopClass, IpScope};

/// The peers of a message, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// Addresses up to the first stranger.
    pub trusted: Vec<IpAddr>,
    /// The first stranger and all that came before it.
    pub untrusted: Vec<IpAddr>,
}

/// Sorts the peers of a message.
pub fn peers(mail: &Mail<'_>, settings: &Settings) -> Peers {
    let mut out = Peers::default();
    let inferred = settings.own_networks.is_empty();
    let (mut is_whole, mut is_below_submission) = (true, false);
    for hop in &mail.facts.hops {
        let Some(ip) = hop.peer_ip.filter(|_| hop.grade != Grade::Unparsed && hop.class != HopClass::Fetch)
        else {
            continue;
        };
        let is_own = is_below_submission
            || hop.peer_scope == IpScope::Loopback
            || if inferred {
                hop.peer_scope == IpScope::Private || hop.auth != Auth::None
            } else {
                settings.own_networks.holds(ip)
            };
        is_whole &= is_own;
        is_below_submission |= is_whole && settings.submission_networks.holds(ip);
        if is_whole { out.trusted.push(ip) } else { out.untrusted.push(ip) }
    }
    for answer in answers::fields(mail) {
        if is_below_submission { out.trusted.push(answer.ip) } else { out.untrusted.push(answer.ip) }
    }
    out
}
