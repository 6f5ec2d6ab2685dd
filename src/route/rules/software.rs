//! Rules about server programs: what did not exist yet, and what they never write.

use super::{Report, Way};
use crate::parse::idclock::IdKind;
use crate::parse::received::{Hop, HopClass};
use crate::types::time::days_from_civil;

fn day(year: i64, month: u32) -> i64 {
    days_from_civil(year, month, 1).saturating_mul(86_400_000)
}

/// Exim releases: 4.`.0` came out in the month.
const EXIM: &[(u32, i64, u32)] = &[
    (0, 2002, 2),
    (20, 2003, 5),
    (30, 2003, 12),
    (40, 2004, 7),
    (50, 2005, 2),
    (60, 2005, 11),
    (70, 2009, 11),
    (80, 2012, 5),
    (90, 2017, 12),
    (92, 2019, 2),
    (94, 2020, 6),
    (96, 2022, 6),
    (97, 2023, 11),
    (98, 2024, 7),
];

/// sendmail releases: 8.`.0`.
const SENDMAIL: &[(u32, i64, u32)] = &[
    (10, 2000, 3),
    (11, 2000, 7),
    (12, 2001, 9),
    (13, 2004, 6),
    (14, 2007, 2),
    (15, 2014, 12),
    // Proofpoint's own 8.16 and 8.17 are older than sendmail's.
    (16, 2015, 1),
    (17, 2019, 1),
    (18, 2024, 1),
];

/// The number after `before` in a text.
fn number_after(text: &[u8], before: &[u8]) -> Option<u32> {
    let at = memchr::memmem::find(text, before)?;
    let digits: Vec<u8> = text
        .get(at.checked_add(before.len())?..)?
        .iter()
        .copied()
        .take_while(u8::is_ascii_digit)
        .take(4)
        .collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// When a version can have been in use first: its release, or that of the one before it for what calls itself a version
/// before the release (`8.12.0.Beta7`, `4.92-RC4`). `None` for versions before the table.
fn since(releases: &[(u32, i64, u32)], minor: u32, is_early: bool) -> Option<i64> {
    let at = releases.iter().rposition(|(from, ..)| *from <= minor)?;
    let at = if is_early { at.checked_sub(1)? } else { at };
    releases.get(at).map(|&(_, year, month)| day(year, month))
}

/// Whether the words of a version say that it is one before the release, or a copy from the developers' tree.
fn is_early(software: &[u8]) -> bool {
    const WORDS: [&[u8]; 9] =
        [b"rc", b"beta", b"alpha", b"dev", b"pre", b"snapshot", b"test", b"cvs", b"git"];
    let lower = software.to_ascii_lowercase();
    // A word that begins behind a digit or a mark: `8.13.0.PreAlpha4`, `4.90devstart`, `4_92_RC1`.
    WORDS.iter().any(|word| {
        memchr::memmem::find_iter(&lower, word)
            .any(|at| at > 0 && lower.get(at - 1).is_some_and(|b| !b.is_ascii_alphabetic()))
    })
}

/// The earliest time at which a hop can have been written, and why.
fn earliest(way: &Way<'_>, hop: &Hop) -> Vec<(i64, Option<crate::types::ByteRange>, &'static str)> {
    let mut out = Vec::new();
    match hop.tls_version {
        "TLSv1.3" => out.push((day(2017, 1), hop.tls_cipher, "TLS 1.3")),
        "TLSv1.2" => out.push((day(2008, 8), hop.tls_cipher, "TLS 1.2")),
        "TLSv1.1" => out.push((day(2006, 4), hop.tls_cipher, "TLS 1.1")),
        _ => {}
    }
    let cipher = way.mail.bytes(hop.tls_cipher);
    let has = |word: &[u8]| memchr::memmem::find(cipher, word).is_some();
    if has(b"CHACHA20") {
        out.push((day(2014, 1), hop.tls_cipher, "a ChaCha20 cipher"));
    } else if has(b"GCM") {
        out.push((day(2008, 8), hop.tls_cipher, "a GCM cipher"));
    } else if has(b"ECDHE") {
        out.push((day(2006, 5), hop.tls_cipher, "an ECDHE cipher"));
    }
    let software = way.mail.bytes(hop.software);
    if hop.family == "exim"
        && let Some(from) =
            number_after(software, b"Exim 4.").and_then(|minor| since(EXIM, minor, is_early(software)))
    {
        out.push((from, hop.software, "this version of Exim"));
    }
    if hop.family == "sendmail"
        && software.starts_with(b"(8.") | software.starts_with(b"8.")
        && let Some(from) =
            number_after(software, b"8.").and_then(|minor| since(SENDMAIL, minor, is_early(software)))
    {
        out.push((from, hop.software, "this version of sendmail"));
    }
    match hop.id_kind {
        IdKind::Exim if hop.id.is_some_and(|id| id.len() == 23) => {
            out.push((day(2023, 8), hop.id, "Exim's ids of 23 characters"));
        }
        IdKind::PostfixLong => out.push((day(2011, 1), hop.id, "Postfix' long ids")),
        _ => {}
    }
    if matches!(hop.protocol, "ESMTPSA" | "LMTPSA" | "LMTPA") {
        out.push((day(2003, 1), hop.with, "this protocol keyword (RFC 3848)"));
    }
    if matches!(hop.protocol, "UTF8SMTP" | "UTF8SMTPS" | "UTF8SMTPA" | "UTF8SMTPSA" | "UTF8LMTP") {
        out.push((day(2008, 9), hop.with, "this protocol keyword (RFC 5336)"));
    }
    out
}

pub(super) fn anachronism(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let Some(date) = &hop.date else { continue };
        let early = earliest(way, hop)
            .into_iter()
            .filter(|&(from, ..)| date.utc.0 < from)
            .max_by_key(|&(from, ..)| from);
        if let Some((_, span, what)) = early {
            report.add(
                &[at],
                [span, Some(date.at)],
                format!("there was no {} yet at this date", what.trim_start_matches("this ")),
            );
        }
    }
}

fn is_smtp(protocol: &str) -> bool {
    matches!(protocol, "SMTP" | "ESMTP" | "ESMTPS" | "ESMTPA" | "ESMTPSA")
}

pub(super) fn nonconforming(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        if hop.family != "postfix" || hop.class != HopClass::Network || !is_smtp(hop.protocol) {
            continue;
        }
        // Postfix writes `(name [address])` for every client, unless the session is hidden, and then there is no `from`
        // at all.
        let clientless = hop.from.is_some()
            && hop.peer_ip.is_none()
            && !way.noted(crate::types::AnomalyKind::IpInvalid).any(|(n, _)| n == at);
        // Short ids are capital hex digits, long ones base 52.
        let id = way.mail.bytes(hop.id);
        let short = |b: &u8| b.is_ascii_digit() || (b'A'..=b'F').contains(b);
        let odd_id = !id.is_empty() && hop.id_kind == IdKind::None && !id.iter().all(short) && id.len() < 12;
        if clientless && (odd_id || hop.rdns.is_none()) {
            report.add(&[at], [hop.from, hop.id], "Postfix writes the client's address after its name");
        }
    }
}
