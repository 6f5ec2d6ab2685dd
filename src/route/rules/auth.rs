//! Rules about authentication: what was recorded of it, and what can be computed again without a key.

use std::net::IpAddr;

use super::{Report, Way};
use crate::auth::{BodyCheck, Caveat, SignatureReport, Verdict};
use crate::facts::Role;
use crate::parse::authres::{MethodResult, Word};
use crate::parse::dkim::{Algorithm, ChainValue};
use crate::route::names::organisation;
use crate::route::networks::literal;
use crate::route::recorded::Standing;
use crate::types::ByteRange;

/// Signatures whose body is not the one that is stored.
fn bad_bodies<'a>(way: &Way<'a>) -> impl Iterator<Item = &'a SignatureReport> {
    way.auth.report.dkim.iter().filter(|one| is_bad(one))
}

fn is_bad(one: &SignatureReport) -> bool {
    // A field without a hash that could be read says nothing of the body.
    one.body.as_ref().is_some_and(|body| !body.is_ok()) && !one.signature.body_hash.is_empty()
}

pub(super) fn body_mismatch(way: &Way<'_>, report: &mut Report<'_>) {
    for one in bad_bodies(way) {
        report.add(&[], [Some(one.at)], "the hash does not fit the body as it is stored");
    }
}

/// Results that the recipient's servers recorded of a signature, where they say it is `result`.
fn own_results<'a>(way: &Way<'a>, one: &SignatureReport) -> Vec<&'a MethodResult> {
    let (auth, report) = (way.auth, &way.auth.report);
    report
        .said_of(one)
        .into_iter()
        .filter(|said| auth.recorded.get(said.field).copied().flatten().is_some())
        .filter_map(|said| report.recorded.get(said.field)?.results.results.get(said.result))
        .collect()
}

pub(super) fn pass_body_mismatch(way: &Way<'_>, report: &mut Report<'_>) {
    for one in bad_bodies(way) {
        if let Some(said) = own_results(way, one).into_iter().find(|said| said.result.is("pass")) {
            report.add(&[], [Some(said.at), Some(one.at)], "recorded as pass, but the body does not fit now");
        }
    }
}

pub(super) fn fail_body_fits(way: &Way<'_>, report: &mut Report<'_>) {
    if way.auth.own.iter().all(|own| own.method != "dkim" || own.result == "pass") {
        return;
    }
    let names_body = |word: &Word| {
        let text = word.to_text().to_ascii_lowercase();
        text.contains("body hash") || text.contains("bodyhash")
    };
    let fits = |one: &&SignatureReport| one.body.as_ref().is_some_and(BodyCheck::is_ok);
    for one in way.auth.report.dkim.iter().filter(fits) {
        let said = own_results(way, one)
            .into_iter()
            .find(|said| !said.result.is("pass") && said.comments.iter().chain(&said.reason).any(names_body));
        if let Some(said) = said {
            report.add(&[], [Some(said.at), Some(one.at)], "recorded as not fitting, but the body fits now");
        }
    }
}

fn told(way: &Way<'_>, report: &mut Report<'_>, caveat: Caveat, text: &str) {
    for one in way.auth.report.dkim.iter().filter(|one| one.has(caveat)) {
        report.add(&[], [Some(one.at)], text);
    }
}

pub(super) fn length(way: &Way<'_>, report: &mut Report<'_>) {
    for one in way.auth.report.dkim.iter().filter(|one| one.has(Caveat::LengthPartial)) {
        let size = one.body.as_ref().map_or(0, |body| body.unsigned_size);
        report.add(&[], [Some(one.at)], format!("{size} bytes at the end of the body are not covered"));
    }
}

pub(super) fn from_unsigned(way: &Way<'_>, report: &mut Report<'_>) {
    told(way, report, Caveat::FromNotSigned, "From is not covered");
}

pub(super) fn field_uncovered(way: &Way<'_>, report: &mut Report<'_>) {
    told(way, report, Caveat::FieldNotCovered, "one more field of a name than is covered");
}

pub(super) fn signed_late(way: &Way<'_>, report: &mut Report<'_>) {
    told(way, report, Caveat::SignedAfterReceipt, "t= is later than the message");
}

pub(super) fn expired(way: &Way<'_>, report: &mut Report<'_>) {
    told(way, report, Caveat::ExpiredAtReceipt, "x= is earlier than the message");
}

/// Bytes of the shortest RSA signature that counts: it is as long as the key (RFC 8017 section 8.2, RFC 8301 section
/// 3.2).
const SHORTEST_RSA: usize = 128;

pub(super) fn weak(way: &Way<'_>, report: &mut Report<'_>) {
    for one in &way.auth.report.dkim {
        let len = one.signature.signature.len();
        match one.signature.algorithm {
            Some(Algorithm::RsaSha1) => report.add(&[], [Some(one.at)], "rsa-sha1"),
            Some(Algorithm::RsaSha256) if (1..SHORTEST_RSA).contains(&len) => {
                let bits = len.saturating_mul(8);
                report.add(&[], [Some(one.at)], format!("the signature has {bits} bits"));
            }
            _ => {}
        }
    }
}

pub(super) fn invalid(way: &Way<'_>, report: &mut Report<'_>) {
    for one in way.auth.report.dkim.iter().filter(|one| one.verdict == Verdict::Permerror) {
        let text = one.signature.faults.first().map_or("not in order", |fault| fault.code());
        report.add(&[], [Some(one.at)], text);
    }
}

pub(super) fn unaligned(way: &Way<'_>, report: &mut Report<'_>) {
    if way.auth.report.dkim.is_empty() {
        return;
    }
    let Some(from) = way.mail.facts.in_role(Role::From).next() else { return };
    let Some((_, host)) = from.address.rsplit_once('@') else { return };
    let host = host.trim_end_matches(['>', '.']).to_ascii_lowercase();
    let is_author = |one: &SignatureReport| {
        let domain = String::from_utf8_lossy(&one.signature.domain).to_ascii_lowercase();
        domain == host || organisation(&domain).is_some() && organisation(&domain) == organisation(&host)
    };
    if !host.is_empty() && !way.auth.report.dkim.iter().any(is_author) {
        let spans: Vec<_> = way.auth.report.dkim.iter().map(|one| Some(one.at)).collect();
        report.add(&[], spans, "no signature is of the organisation of the From address");
    }
}

fn address(word: &Word) -> Option<IpAddr> {
    literal(&word.text).map(|(ip, _)| ip)
}

/// `sender IP is 192.0.2.1`, as Microsoft writes.
fn sender_ip(comment: &Word) -> Option<IpAddr> {
    let text = comment.to_text();
    let (_, rest) = text.split_once("IP is ")?;
    literal(rest.split([' ', ')', ';']).next()?.as_bytes()).map(|(ip, _)| ip)
}

pub(super) fn spf_client(way: &Way<'_>, report: &mut Report<'_>) {
    let Some((at, hop)) = way.drawn.boundary.and_then(|at| Some((at, way.hops().get(at)?))) else { return };
    let Some(peer) = hop.peer_ip else { return };
    let mut compare = |named: Option<IpAddr>, field: ByteRange| {
        if named.is_some_and(|ip| ip.to_canonical() != peer.to_canonical()) {
            report.add(&[at], [Some(field), hop.peer_ip_at], "SPF was checked for another client");
        }
    };
    for (field, standing) in way.auth.report.spf.iter().zip(&way.auth.spf) {
        if standing.is_some() {
            compare(field.spf.get("client-ip").and_then(address), field.at);
        }
    }
    for (field, standing) in way.auth.report.recorded.iter().zip(&way.auth.recorded) {
        if standing.is_none() {
            continue;
        }
        for one in field.results.results.iter().filter(|one| one.method.is("spf")) {
            let named = ["client-ip", "remote-ip"].iter().find_map(|name| one.property("smtp", name));
            let named = named.and_then(address).or_else(|| one.comments.iter().find_map(sender_ip));
            compare(named, one.at);
        }
    }
}

pub(super) fn dmarc_fail(way: &Way<'_>, report: &mut Report<'_>) {
    for own in way.auth.own.iter().filter(|own| own.method == "dmarc" && own.result == "fail") {
        report.add(&[], [Some(own.at)], "a server of the recipient recorded dmarc=fail");
    }
}

pub(super) fn arc_fail(way: &Way<'_>, report: &mut Report<'_>) {
    let newest = way.auth.report.arc.sets.last().and_then(|set| set.seal.as_ref());
    if let Some(seal) = newest.filter(|seal| seal.signature.chain == Some(ChainValue::Fail)) {
        report.add(&[], [Some(seal.at)], "the newest seal says cv=fail");
    }
}

pub(super) fn arc_body(way: &Way<'_>, report: &mut Report<'_>) {
    let newest = way.auth.report.arc.sets.last().and_then(|set| set.message.as_ref());
    if let Some(one) = newest.filter(|one| is_bad(one)) {
        report.add(&[], [Some(one.at)], "the hash does not fit the body as it is stored");
    }
}

pub(super) fn untrusted(way: &Way<'_>, report: &mut Report<'_>) {
    let border = way.drawn.boundary.and_then(|at| way.hops().get(at)).map(|hop| hop.at.end());
    for (field, standing) in way.auth.report.recorded.iter().zip(&way.auth.recorded) {
        if !field.name.eq_ignore_ascii_case(b"authentication-results") {
            continue;
        }
        let is_below = border.is_some_and(|border| field.at.start() >= border);
        match standing {
            Some(Standing::Above | Standing::Beside) => {}
            None if is_below => {
                report.add(&[], [Some(field.at)], "stands below the hop of the boundary");
            }
            None => report.add(&[], [Some(field.at)], "names a server that is none of the recipient's"),
        }
    }
}
