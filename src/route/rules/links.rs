//! Rules about the chain as such.

use std::collections::HashMap;

use super::{Report, Way};
use crate::parse::header::Field;
use crate::parse::received::{Auth, Grade, HopClass, IpScope};
use crate::route::names::{are_kin, is_bare};
use crate::types::AnomalyKind;

/// Pairs of neighbours whose names, addresses and organisations do not fit: (newer, older).
pub(super) fn breaks(way: &Way<'_>) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let counts =
        |class: HopClass| !matches!(class, HopClass::Fetch | HopClass::List | HopClass::LocalSubmission);
    let hops: Vec<_> = way
        .each()
        .filter(|(_, hop)| {
            hop.grade != Grade::Unparsed && counts(hop.class) && (hop.by.is_some() || hop.from.is_some())
        })
        .collect();
    for pair in hops.windows(2) {
        let [(newer, a), (older, b)] = pair else { continue };
        if matches!(a.peer_scope, IpScope::Loopback | IpScope::Private | IpScope::LinkLocal) {
            continue;
        }
        let (client, by) = (way.names(*newer), &way.names(*older).by);
        let from = [&client.helo, &client.rdns, &client.from];
        let mut from = from.into_iter().filter(|name| !name.is_empty()).peekable();
        if by.is_empty() || is_bare(by) || from.peek().is_none() {
            continue;
        }
        // A client that signed in, or came from a web page, is a person: nothing older is expected to fit.
        if a.auth != Auth::None {
            continue;
        }
        let fits = from.clone().any(|name| are_kin(name, by))
            || from.all(|name| is_bare(name))
            || b.by_ip.is_some() && b.by_ip == a.peer_ip
            || are_kin(&client.by, by);
        if !fits {
            out.push((*newer, *older));
        }
    }
    out
}

pub(super) fn chain_break(way: &Way<'_>, report: &mut Report<'_>) {
    for &(newer, older) in &way.breaks {
        let (Some(a), Some(b)) = (way.hops().get(newer), way.hops().get(older)) else { continue };
        report.add(&[newer, older], [a.from, b.by], "the older hop's server is not the newer hop's client");
    }
}

pub(super) fn chain_breaks(way: &Way<'_>, report: &mut Report<'_>) {
    let breaks = &way.breaks;
    if breaks.len() >= 2 {
        let hops: Vec<usize> = breaks.iter().map(|&(_, older)| older).collect();
        let spans = hops.iter().map(|&at| way.hops().get(at).and_then(|hop| hop.by));
        report.add(&hops, spans, format!("{} breaks", breaks.len()));
    }
}

pub(super) fn misplaced(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, anomaly) in way.noted(AnomalyKind::ReceivedMisplaced) {
        report.add(&[at], [anomaly.at], "below fields that the author's program writes");
    }
}

pub(super) fn duplicate(way: &Way<'_>, report: &mut Report<'_>) {
    // Most hops differ in their length: only those of equal length are looked at.
    let mut lengths: Vec<u64> = way.each().map(|(_, hop)| hop.at.len()).collect();
    lengths.sort_unstable();
    let is_alone =
        |len: u64| lengths.partition_point(|&l| l <= len) - lengths.partition_point(|&l| l < len) < 2;
    let mut seen: HashMap<&[u8], usize> = HashMap::new();
    for (at, hop) in way.each().filter(|(_, hop)| !is_alone(hop.at.len())) {
        let bytes = way.mail.bytes(Some(hop.at));
        match seen.get(bytes) {
            Some(&first) if !bytes.is_empty() => {
                report.add(&[first, at], [Some(hop.at)], "the same bytes");
            }
            _ => {
                seen.insert(bytes, at);
            }
        }
    }
}

pub(super) fn mail_loop(way: &Way<'_>, report: &mut Report<'_>) {
    let mut seen: HashMap<(&str, std::net::IpAddr), Vec<usize>> = HashMap::new();
    let mut ips: Vec<_> = way.each().filter_map(|(_, hop)| hop.peer_ip).collect();
    ips.sort_unstable();
    let is_rare = |ip| ips.partition_point(|&i| i <= ip) - ips.partition_point(|&i| i < ip) < 3;
    for (at, hop) in way.each() {
        if let Some(ip) = hop.peer_ip.filter(|&ip| !ip.is_loopback() && !is_rare(ip)) {
            seen.entry((&way.names(at).by, ip)).or_default().push(at);
        }
    }
    let mut loops: Vec<Vec<usize>> = seen.into_values().filter(|hops| hops.len() >= 3).collect();
    loops.sort();
    for hops in loops {
        let spans: Vec<_> = hops.iter().map(|&at| way.hops().get(at).and_then(|hop| hop.by)).collect();
        report.add(&hops, spans, format!("{} times from the same client", hops.len()));
    }
}

pub(super) fn no_received(way: &Way<'_>, report: &mut Report<'_>) {
    if way.hops().is_empty() {
        report.add(&[], [], "no hop");
    }
}

pub(super) fn many(way: &Way<'_>, report: &mut Report<'_>) {
    let count = way.mail.facts.hops_total.max(way.hops().len() as u64);
    if count > 25 {
        report.add(&[], [], format!("{count} hops"));
    }
}

pub(super) fn unparsed(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.grade == Grade::Unparsed) {
        report.add(&[at], [Some(hop.at)], "not read");
    }
}

/// Fields that programs of authors write.
const AUTHOR_PROGRAM: &[&str] =
    &["from", "to", "subject", "date", "message-id", "x-mailer", "user-agent", "mime-version"];

pub(super) fn direct(way: &Way<'_>, report: &mut Report<'_>) {
    let mut network = way.each().filter(|(_, hop)| hop.class == HopClass::Network && hop.peer_ip.is_some());
    let (Some((at, hop)), None) = (network.next(), network.next()) else { return };
    let is_author = |field: &&Field<'_>| {
        AUTHOR_PROGRAM.iter().any(|name| field.name.eq_ignore_ascii_case(name.as_bytes()))
    };
    if way.mail.header.fields.iter().filter(is_author).count() >= 2
        && hop.auth == Auth::None
        && !hop.protocol.contains("LMTP")
        && !matches!(hop.peer_scope, IpScope::Private | IpScope::Loopback | IpScope::None)
        && way.hops().len() == at.saturating_add(1)
    {
        report.add(&[at], [hop.peer_ip_at], "the only hop over the network");
    }
}

fn class(way: &Way<'_>, report: &mut Report<'_>, class: HopClass, text: &str) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.class == class) {
        report.add(&[at], [hop.with.or(Some(hop.at))], text);
    }
}

pub(super) fn fetch(way: &Way<'_>, report: &mut Report<'_>) {
    class(way, report, HopClass::Fetch, "fetched from a mailbox");
}

pub(super) fn filter(way: &Way<'_>, report: &mut Report<'_>) {
    class(way, report, HopClass::FilterLoop, "through a filter and back");
}

pub(super) fn resubmission(way: &Way<'_>, report: &mut Report<'_>) {
    class(way, report, HopClass::Resubmission, "put in again");
}

pub(super) fn webmail(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each().filter(|(_, hop)| hop.auth == Auth::Webmail) {
        report.add(&[at], [hop.with], "handed in through a web page");
    }
}

pub(super) fn nul(way: &Way<'_>, report: &mut Report<'_>) {
    if let Some(anomaly) = way.mail.facts.anomalies.iter().find(|a| a.kind == AnomalyKind::NulInHeader) {
        let hops: Vec<usize> = way.noted(AnomalyKind::NulInHeader).map(|(at, _)| at).take(1).collect();
        report.add(&hops, [anomaly.at], "a NUL byte");
    }
}
