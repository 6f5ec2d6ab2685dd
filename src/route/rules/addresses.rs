//! Rules about addresses.

use std::net::IpAddr;

use super::{Report, Way};
use crate::parse::received::{HopClass, IpScope};
use crate::route::answers::is_public;
use crate::route::networks::literal;
use crate::types::AnomalyKind;

pub(super) fn invalid(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, anomaly) in way.noted(AnomalyKind::IpInvalid) {
        report.add(&[at], [anomaly.at], "no address");
    }
}

pub(super) fn nonroutable(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let nobody = match hop.peer_scope {
            IpScope::Documentation => !way.settings.teaching_addresses,
            IpScope::Multicast | IpScope::Reserved => true,
            _ => false,
        };
        if nobody && hop.class == HopClass::Network {
            report.add(&[at], [hop.peer_ip_at], format!("an address of the kind {}", hop.peer_scope.code()));
        }
    }
}

pub(super) fn double(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let is_address = |range| literal(way.mail.bytes(range)).is_some();
        // A client that also gave a name goes by it.
        let is_bare = hop.helo.is_none() || hop.helo == hop.from;
        let is_inside = matches!(hop.peer_scope, IpScope::Loopback | IpScope::Private | IpScope::LinkLocal);
        if is_address(hop.from) && is_address(hop.by) && hop.rdns.is_none() && is_bare && !is_inside {
            report.add(&[at], [hop.from, hop.by], "client and server go by bare addresses");
        }
    }
}

pub(super) fn lan(way: &Way<'_>, report: &mut Report<'_>) {
    if let Some(lan) = &way.answers.lan
        && let Some(at) = lan.hop
    {
        // Only where the message then came over the Internet.
        let went_out = way.each().any(|(_, hop)| is_public(hop.peer_scope, way.settings));
        if went_out {
            report.add(&[at], [lan.at], "an address of an inner network");
        }
    }
}

fn apart(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..2] != b.octets()[..2],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..3] != b.segments()[..3],
        _ => true,
    }
}

pub(super) fn helo_ip(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let (Some(peer), Some((named, scope))) = (hop.peer_ip, literal(way.mail.bytes(hop.helo))) else {
            continue;
        };
        if is_public(scope, way.settings) && is_public(hop.peer_scope, way.settings) && apart(peer, named) {
            report.add(
                &[at],
                [hop.helo, hop.peer_ip_at],
                "the client's own name is an address far from the one the server saw",
            );
        }
    }
}

pub(super) fn origin(way: &Way<'_>, report: &mut Report<'_>) {
    for answer in &way.answers.fields {
        let known = way.hops().iter().any(|hop| {
            hop.peer_ip == Some(answer.ip)
                || literal(way.mail.bytes(hop.helo)).is_some_and(|(ip, _)| ip == answer.ip)
        });
        if !known {
            report.add(
                &[],
                [answer.at],
                format!("the field {} names an address that no hop names", answer.field),
            );
        }
    }
}
