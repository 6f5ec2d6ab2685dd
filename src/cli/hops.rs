//! `hops` and `path`: the way of one message, with what is attested and what does not fit.

use std::path::PathBuf;

use crate::parse::received::{Auth, Hop};
use crate::route::{Answer, Basis, LEAST, Trust};
use crate::types::ByteRange;
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};
use crate::view::{NetworkFiles, PathView, RelayClocks, WayView};

use super::args::HopsArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::geoip::sources;
use super::item::with_row;
use super::output::Out;
use super::table::{counted, pad};

pub(super) fn run(context: &Context, args: &HopsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let (item, networks) = (args.item.as_deref().unwrap_or_default(), NetworkFiles::open(&args.geoip)?);
    let way = with_row(context, item, |reader, catalog, row| Ok(WayView::of(reader, catalog, row)?))?;
    if context.json {
        out.json(&way.to_json(&networks)?)?;
        return Ok(Exit::Done);
    }
    table(&way, args.raw, &networks, out)?;
    answers(&way, &networks, out)?;
    findings(&way, out)?;
    Ok(Exit::Done)
}

/// `path`: the names of the servers on one line, oldest first.
pub(super) fn path(context: &Context, item: &str, geoip: &[PathBuf], out: &mut Out) -> Result<Exit, Failure> {
    let networks = NetworkFiles::open(geoip)?;
    let path = with_row(context, item, |reader, catalog, row| {
        Ok(PathView::of(&WayView::of(reader, catalog, row)?))
    })?;
    if context.json {
        out.json(&path.to_json(&networks)?)?;
        return Ok(Exit::Done);
    }
    out.line(&if path.names.is_empty() { "no hop".to_owned() } else { path.names.join(" -> ") })?;
    for (name, ip) in path.names.iter().zip(&path.seen) {
        let place = ip.map(|ip| networks.line(ip)).transpose()?.unwrap_or_default();
        if let Some(ip) = ip.filter(|_| !place.is_empty()) {
            let address = if name.contains(&format!("[{ip}]")) { String::new() } else { format!(" [{ip}]") };
            out.line(&format!("  {name}{address}: {place}"))?;
        }
    }
    sources(&networks, out)?;
    Ok(Exit::Done)
}

/// What attested votes show of the relays' clocks, and from what.
fn clock_lines(clocks: &RelayClocks) -> Vec<String> {
    if !clocks.is_any_known {
        return vec![
            "Clocks: no attested votes, since no setting names the recipient's servers (`mailtrail trust set`)"
                .to_owned(),
        ];
    }
    let relays = counted(clocks.relays as u64, "relay", "relays");
    let messages = counted(clocks.messages as u64, "message", "messages");
    let most = RelayClocks::MOST_MESSAGES;
    let cut = if clocks.is_cut { format!(", the newest {most} of each relay") } else { String::new() };
    let more = match clocks.passed_over {
        0 => String::new(),
        more => format!("; {} not looked up", counted(more as u64, "relay was", "relays were")),
    };
    let failed = clocks.failed.as_ref().map(|why| format!("; NOT COMPARED: {why}")).unwrap_or_default();
    let none = if clocks.votes.is_empty() { ": no attested votes" } else { "" };
    let mut lines =
        vec![format!("Clocks of {relays} looked up in {messages} of the case{cut}{more}{failed}{none}")];
    for (relay, clock) in &clocks.votes {
        let votes = counted(u64::from(clock.neighbours), "vote", "votes");
        let by = if clock.is_seen {
            "of servers of the recipient that saw it by address or reverse name"
        } else {
            "between servers of the recipient"
        };
        let shows = match clock.ahead_ms / 1000 {
            _ if clock.neighbours < LEAST => format!("fewer than {LEAST}, so nothing is said"),
            0 => "within 5 s".to_owned(),
            secs => format!("{secs:+} s"),
        };
        lines.push(format!("  {}: {shows}; {votes} {by}", shown(relay)));
    }
    lines
}

/// The time of a hop.
pub(super) fn dated(at: Option<UtcMs>, zone_known: bool) -> String {
    match at {
        Some(at) if zone_known => rfc3339(at),
        Some(at) => format!("{} (no zone, read as UTC)", rfc3339(at)),
        None => "no date".to_owned(),
    }
}

/// How long a step took; empty when that is not known.
pub(super) fn delay(ms: Option<i64>) -> String {
    let Some(ms) = ms else { return String::new() };
    let (sign, secs) = (if ms < 0 { "-" } else { "+" }, ms.unsigned_abs() / 1000);
    let (hours, minutes, rest) = (secs / 3600, secs / 60 % 60, secs % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{rest} s"),
        (0, _) => format!("{sign}{minutes}:{rest:02} min"),
        _ => format!("{sign}{hours}:{minutes:02}:{rest:02} h"),
    }
}

fn table(way: &WayView, raw: bool, networks: &NetworkFiles, out: &mut Out) -> Result<(), Failure> {
    let hops = &way.facts.hops;
    let total = way.hops_total();
    out.line(&format!("Hops ({total}), oldest first; the number is the place in the message, 0 the newest"))?;
    for (at, hop) in hops.iter().enumerate().rev() {
        let Some(step) = way.chain.steps.get(at) else { continue };
        let date = hop.date.as_ref();
        let date = dated(date.map(|date| date.utc), date.is_some_and(|date| date.zone_known));
        let corrected =
            step.corrected_ms.map(|ms| format!(" (corrected {})", delay(Some(ms)))).unwrap_or_default();
        let disputed = match step.disputed_by.as_slice() {
            [] => String::new(),
            rules => format!("; disputed by {} (hop {at})", rules.join(", ")),
        };
        let trust = format!("{}{disputed}", step.trust.code());
        out.line(&format!(
            "{at:>4}  {}  {}{}{corrected}",
            pad(&trust, 12),
            pad(&date, 22),
            delay(step.delay_ms)
        ))?;
        let by = way.text(hop.by).unwrap_or_else(|| "-".to_owned());
        out.line(&format!("      from {}  by {by}", way.client(hop)))?;
        let mut more = Vec::new();
        let mut word =
            |name: &str, value: Option<String>| more.extend(value.map(|value| format!("{name} {value}")));
        word("with", way.text(hop.with));
        word("id", way.text(hop.id));
        word("id time", hop.id_time.map(|at| format!("{} ({})", rfc3339(at), hop.id_kind.code())));
        word("for", way.text(hop.for_));
        word("envelope-from", way.text(hop.envelope_from));
        word("user", way.text(hop.user).filter(|_| hop.auth != Auth::None));
        let is_claim = !matches!(step.trust, Trust::Attested | Trust::Boundary);
        word(if is_claim { "the field asserts" } else { "encryption" }, Some(way.encryption(hop)));
        more.push(built(hop.grade.code(), hop.family));
        out.line(&format!("      {}", more.join("; ")))?;
        let place = hop.peer_ip.map(|ip| networks.line(ip)).transpose()?.unwrap_or_default();
        if !place.is_empty() {
            out.line(&format!("      client's network: {place}"))?;
        }
        if raw {
            underlined(way, hop, out)?;
        }
    }
    Ok(())
}

/// How a field is built, which anybody can imitate: `built as exim builds it`.
pub(super) fn built(grade: &str, family: &str) -> String {
    match (grade, family) {
        ("exact", family) if !family.is_empty() => format!("built as {family} builds it"),
        (grade, "") => format!("read {grade}"),
        (grade, family) => format!("read {grade}, in the manner of {family}"),
    }
}

/// The field as it stands, each line with marks below what was read from it.
fn underlined(way: &WayView, hop: &Hop, out: &mut Out) -> Result<(), Failure> {
    let spans = [
        ('f', hop.from),
        ('h', hop.helo),
        ('r', hop.rdns),
        ('p', hop.peer_ip_at),
        ('b', hop.by),
        ('v', hop.via),
        ('w', hop.with),
        ('i', hop.id),
        ('o', hop.for_),
        ('e', hop.envelope_from),
        ('u', hop.user),
        ('c', hop.tls_cipher),
        ('s', hop.software),
        ('d', hop.date.as_ref().map(|date| date.at)),
    ];
    let mut at = hop.at.start();
    for line in way.bytes(Some(hop.at)).split_inclusive(|&b| b == b'\n') {
        let (mut above, mut below) = (String::new(), String::new());
        for (n, &byte) in line.iter().enumerate() {
            if matches!(byte, b'\r' | b'\n') {
                continue;
            }
            let place = at + n as u64;
            let is_in =
                |range: &Option<ByteRange>| range.is_some_and(|r| (r.start()..r.end()).contains(&place));
            let mark = spans.iter().rev().find(|(_, range)| is_in(range)).map_or(' ', |(mark, _)| *mark);
            let width = if byte == b'\t' { 4 } else { 1 };
            above.extend(std::iter::repeat_n(
                if byte.is_ascii_graphic() {
                    char::from(byte)
                } else if byte == b' ' || byte == b'\t' {
                    ' '
                } else {
                    '?'
                },
                width,
            ));
            below.extend(std::iter::repeat_n(mark, width));
        }
        out.line(&format!("      | {above}"))?;
        if !below.trim().is_empty() {
            out.line(&format!("      | {}", below.trim_end()))?;
        }
        at += line.len() as u64;
    }
    out.line(
        "      | f from, h helo, r reverse name, p address, b by, w with, i id, o for, e envelope-from, u user, c cipher, s software, d date",
    )?;
    Ok(())
}

fn answer(way: &WayView, answer: &Answer) -> String {
    let place = match answer.hop {
        Some(hop) => format!("hop {hop}"),
        None => format!("field {}", answer.field),
    };
    let user = way
        .text(answer.user)
        .map(|user| format!(", the field says that the client had signed in as {user}"))
        .unwrap_or_default();
    format!("{} ({place}, {}{user})", answer.ip, answer.level.code())
}

fn answers(way: &WayView, networks: &NetworkFiles, out: &mut Out) -> Result<(), Failure> {
    let found = &way.chain.answers;
    out.line("")?;
    out.line("Addresses on the way")?;
    let lines = [
        ("attested peer", &found.attested_peer),
        ("submission", &found.submission),
        ("earliest claimed", &found.earliest_claimed),
        ("inner network", &found.lan),
    ];
    for (name, value) in lines {
        let value = value.as_ref().map_or_else(|| "none".to_owned(), |value| answer(way, value));
        out.line(&format!("  {}{value}", pad(name, 18)))?;
    }
    for field in &found.fields {
        out.line(&format!("  {}{}", pad("header field", 18), answer(way, field)))?;
    }
    let basis = match (way.chain.basis, way.set_by) {
        (Basis::Settings, Some(event)) => format!("the settings of custody event {event}"),
        (Basis::Settings, None) => "settings".to_owned(),
        (Basis::NewestHop, Some(event)) if way.settings.is_named() => format!(
            "the newest hop: the settings of event {event} name none of these servers (`mailtrail trust set`)"
        ),
        (Basis::NewestHop, _) => {
            "no setting: the newest hop's server is taken as the recipient's (`mailtrail trust set` names them)".to_owned()
        }
        (Basis::None, _) => "there is no hop".to_owned(),
    };
    out.line(&format!("  {}{basis}", pad("boundary rests on", 18)))?;
    for text in &way.settings.unread {
        out.line(&format!("  {}{} of the settings could not be read", pad("NOT COUNTED", 18), shown(text)))?;
    }
    out.line("  What is below the boundary is the sender's claim. No address here is \"the origin\".")?;
    sources(networks, out)?;
    authentication(way, out)?;
    out.line("")?;
    for line in clock_lines(&way.clocks) {
        out.line(&line)?;
    }
    Ok(())
}

/// What the recipient's servers recorded, and what of it can be computed again without a key; `auth` tells all.
fn authentication(way: &WayView, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    out.line("Authentication (`mailtrail auth` tells more)")?;
    if way.chain.recorded.is_empty() {
        out.line(&format!("  {}nothing by a server of the recipient", pad("recorded", 18)))?;
    }
    for own in &way.chain.recorded {
        let server = if own.server.is_empty() {
            "a server that it does not name".to_owned()
        } else {
            shown(&own.server)
        };
        let (method, result, standing) = (own.method, own.result, own.standing.code());
        out.line(&format!("  {}{method}={result} by {server} ({standing})", pad("recorded", 18)))?;
    }
    let (fit, all) = (way.chain.bodies.iter().filter(|fits| **fits).count(), way.chain.bodies.len());
    let bodies = match all {
        0 => "no DKIM signature with a hash of the body".to_owned(),
        _ => format!(
            "the body is what was signed for {fit} of {}",
            counted(all as u64, "DKIM signature", "DKIM signatures")
        ),
    };
    out.line(&format!("  {}{bodies}", pad("recomputed", 18)))?;
    Ok(())
}

fn findings(way: &WayView, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    out.line(&format!("Findings ({})", way.chain.findings.len()))?;
    for finding in &way.chain.findings {
        let hops: Vec<String> = finding.hops.iter().map(usize::to_string).collect();
        let hops = if hops.is_empty() { String::new() } else { format!(" hop {}", hops.join(", ")) };
        out.line(&format!(
            "  {}{}{hops}: {}",
            pad(finding.rule.severity.word(), 10),
            finding.rule.id,
            finding.text
        ))?;
        for span in &finding.spans {
            let bytes: String = way.text(Some(*span)).unwrap_or_default().chars().take(100).collect();
            out.line(&format!("          bytes {}..{}: {bytes}", span.start(), span.end()))?;
        }
        if finding.rule.caveat != "-" {
            out.line(&format!("          ordinary causes: {}", finding.rule.caveat))?;
        }
        if !finding.rule.forged().is_empty() {
            out.line(&format!("          if made up: {}", finding.rule.forged()))?;
        }
        out.line(&format!("          measured: {}", finding.rule.measured()))?;
    }
    Ok(())
}
