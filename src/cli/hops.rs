//! `hops` and `path`: the way of one message, with what is attested and what does not fit.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::parse::received::{Auth, Hop};
use crate::route::{Answer, Basis, Finding, Place};
use crate::types::ByteRange;
use crate::types::json::{self, Obj};
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};

use super::args::HopsArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::geoip::{Geo, write_places};
use super::item::{Told, with_way};
use super::output::Out;
use super::table::{counted, pad};

pub(super) fn run(context: &Context, args: &HopsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let (item, geo) = (args.item.as_deref().unwrap_or_default(), Geo::open(&args.geoip)?);
    with_way(context, item, |told| {
        if context.json {
            let mut line = Vec::new();
            object(told, item, &geo, &mut line)?;
            line.push(b'\n');
            out.bytes(&line)?;
            return Ok(());
        }
        table(told, args.raw, &geo, out)?;
        answers(told, &geo, out)?;
        findings(told, out)
    })?;
    Ok(Exit::Done)
}

/// `path`: the names of the servers on one line, oldest first.
pub(super) fn path(context: &Context, item: &str, geoip: &[PathBuf], out: &mut Out) -> Result<Exit, Failure> {
    let geo = Geo::open(geoip)?;
    with_way(context, item, |told| {
        let hops = &told.mail.facts.hops;
        let mut names: Vec<String> = Vec::new();
        if let Some(oldest) = hops.last() {
            names.push(client(told, oldest));
        }
        names.extend(hops.iter().rev().map(|hop| text(told, hop.by).unwrap_or_else(|| "?".to_owned())));
        // The address of each stop is the one that the server after it saw; nobody saw the newest.
        let seen: Vec<Option<IpAddr>> = hops.iter().rev().map(|hop| hop.peer_ip).collect();
        if context.json {
            let said = seen.iter().map(|ip| ip.map_or_else(|| Ok(Vec::new()), |ip| geo.find(ip)));
            let said = said.collect::<Result<Vec<_>, _>>()?;
            let mut line = Vec::new();
            let mut o = Obj::new(&mut line);
            if !geo.is_empty() {
                geo.write_sources(&mut o);
            }
            o.str("item", item).arr("path", &names, |out, name| json::string(out, name));
            o.str("schema", "mailtrail.path/1");
            if !geo.is_empty() {
                o.arr("seen", seen.iter().zip(&said), |out, (ip, said)| {
                    let mut o = Obj::new(out);
                    o.opt_str("ip", ip.map(|ip| ip.to_string()).as_deref());
                    write_places(&mut o, said);
                    o.end();
                });
            }
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
            return Ok(());
        }
        out.line(&if names.is_empty() { "no hop".to_owned() } else { names.join(" -> ") })?;
        for (name, ip) in names.iter().zip(&seen) {
            let place = ip.map(|ip| geo.line(ip)).transpose()?.unwrap_or_default();
            if let Some(ip) = ip.filter(|_| !place.is_empty()) {
                let address =
                    if name.contains(&format!("[{ip}]")) { String::new() } else { format!(" [{ip}]") };
                out.line(&format!("  {name}{address}: {place}"))?;
            }
        }
        geo.sources(out)
    })?;
    Ok(Exit::Done)
}

fn text(told: &Told<'_>, range: Option<ByteRange>) -> Option<String> {
    range.map(|range| shown(&String::from_utf8_lossy(told.mail.bytes(Some(range)))))
}

/// What a hop says of its client, the address first as it is the firmest.
fn client(told: &Told<'_>, hop: &Hop) -> String {
    let mut words = Vec::new();
    words.extend(text(told, hop.rdns));
    words.extend(hop.peer_ip.map(|ip| format!("[{ip}]")));
    match text(told, hop.helo) {
        Some(helo) if hop.helo != hop.rdns && !words.contains(&helo) => words.push(format!("(helo {helo})")),
        _ => {}
    }
    if words.is_empty() {
        words.push(text(told, hop.from).unwrap_or_else(|| "-".to_owned()));
    }
    words.join(" ")
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

fn encryption(told: &Told<'_>, hop: &Hop) -> String {
    let version = if hop.tls_version.is_empty() { hop.tls.code() } else { hop.tls_version };
    match text(told, hop.tls_cipher) {
        Some(cipher) => format!("{version} {cipher}"),
        None => version.to_owned(),
    }
}

fn table(told: &Told<'_>, raw: bool, geo: &Geo, out: &mut Out) -> Result<(), Failure> {
    let hops = &told.mail.facts.hops;
    let total = told.mail.facts.hops_total.max(hops.len() as u64);
    out.line(&format!("Hops ({total}), oldest first; the number is the place in the message, 0 the newest"))?;
    for (at, hop) in hops.iter().enumerate().rev() {
        let Some(step) = told.chain.steps.get(at) else { continue };
        let date = hop.date.as_ref();
        let date = dated(date.map(|date| date.utc), date.is_some_and(|date| date.zone_known));
        let corrected =
            step.corrected_ms.map(|ms| format!(" (corrected {})", delay(Some(ms)))).unwrap_or_default();
        out.line(&format!(
            "{at:>4}  {}  {}{}{corrected}",
            pad(step.trust.code(), 12),
            pad(&date, 22),
            delay(step.delay_ms)
        ))?;
        let by = text(told, hop.by).unwrap_or_else(|| "-".to_owned());
        out.line(&format!("      from {}  by {by}", client(told, hop)))?;
        let mut more = Vec::new();
        let mut word =
            |name: &str, value: Option<String>| more.extend(value.map(|value| format!("{name} {value}")));
        word("with", text(told, hop.with));
        word("id", text(told, hop.id));
        word("id time", hop.id_time.map(|at| format!("{} ({})", rfc3339(at), hop.id_kind.code())));
        word("for", text(told, hop.for_));
        word("envelope-from", text(told, hop.envelope_from));
        word("user", text(told, hop.user).filter(|_| hop.auth != Auth::None));
        word("encryption", Some(encryption(told, hop)));
        word("read", Some(format!("{} {}", hop.grade.code(), hop.family).trim_end().to_owned()));
        out.line(&format!("      {}", more.join("; ")))?;
        let place = hop.peer_ip.map(|ip| geo.line(ip)).transpose()?.unwrap_or_default();
        if !place.is_empty() {
            out.line(&format!("      client's network: {place}"))?;
        }
        if raw {
            underlined(told, hop, out)?;
        }
    }
    Ok(())
}

/// The field as it stands, each line with marks below what was read from it.
fn underlined(told: &Told<'_>, hop: &Hop, out: &mut Out) -> Result<(), Failure> {
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
    for line in told.mail.bytes(Some(hop.at)).split_inclusive(|&b| b == b'\n') {
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

fn answer(told: &Told<'_>, answer: &Answer) -> String {
    let place = match answer.hop {
        Some(hop) => format!("hop {hop}"),
        None => format!("field {}", answer.field),
    };
    let user = text(told, answer.user).map(|user| format!(", signed in as {user}")).unwrap_or_default();
    format!("{} ({place}, {}{user})", answer.ip, answer.level.code())
}

fn answers(told: &Told<'_>, geo: &Geo, out: &mut Out) -> Result<(), Failure> {
    let found = &told.chain.answers;
    out.line("")?;
    out.line("Where it came from")?;
    let lines = [
        ("attested peer", &found.attested_peer),
        ("submission", &found.submission),
        ("earliest claimed", &found.earliest_claimed),
        ("inner network", &found.lan),
    ];
    for (name, value) in lines {
        let value = value.as_ref().map_or_else(|| "none".to_owned(), |value| answer(told, value));
        out.line(&format!("  {}{value}", pad(name, 18)))?;
    }
    for field in &found.fields {
        out.line(&format!("  {}{}", pad("header field", 18), answer(told, field)))?;
    }
    let basis = match (told.chain.basis, told.set_by) {
        (Basis::Settings, Some(event)) => format!("the settings of custody event {event}"),
        (Basis::Settings, None) => "settings".to_owned(),
        (Basis::NewestHop, _) => {
            "no setting: the newest hop's server is taken as the recipient's (`mailtrail trust set` names them)".to_owned()
        }
        (Basis::None, _) => "there is no hop".to_owned(),
    };
    out.line(&format!("  {}{basis}", pad("boundary rests on", 18)))?;
    for text in &told.settings.unread {
        out.line(&format!("  {}{} of the settings could not be read", pad("NOT COUNTED", 18), shown(text)))?;
    }
    out.line("  What is below the boundary is the sender's claim. No address here is \"the origin\".")?;
    geo.sources(out)?;
    authentication(told, out)?;
    out.line("")?;
    out.line(&told.clocks.line())?;
    Ok(())
}

/// What the recipient's servers recorded, and what of it can be computed again without a key; `auth` tells all.
fn authentication(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    out.line("Authentication (`mailtrail auth` tells more)")?;
    if told.chain.recorded.is_empty() {
        out.line(&format!("  {}nothing by a server of the recipient", pad("recorded", 18)))?;
    }
    for own in &told.chain.recorded {
        let server = if own.server.is_empty() {
            "a server that it does not name".to_owned()
        } else {
            shown(&own.server)
        };
        let (method, result, standing) = (own.method, own.result, own.standing.code());
        out.line(&format!("  {}{method}={result} by {server} ({standing})", pad("recorded", 18)))?;
    }
    let (fit, all) = (told.chain.bodies.iter().filter(|fits| **fits).count(), told.chain.bodies.len());
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

fn findings(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    out.line(&format!("Findings ({})", told.chain.findings.len()))?;
    for finding in &told.chain.findings {
        let hops: Vec<String> = finding.hops.iter().map(usize::to_string).collect();
        let hops = if hops.is_empty() { String::new() } else { format!(" hop {}", hops.join(", ")) };
        out.line(&format!(
            "  {}{}{hops}: {}",
            pad(finding.rule.severity.code(), 8),
            finding.rule.id,
            finding.text
        ))?;
        for span in &finding.spans {
            let bytes: String = text(told, Some(*span)).unwrap_or_default().chars().take(100).collect();
            out.line(&format!("          bytes {}..{}: {bytes}", span.start(), span.end()))?;
        }
        if finding.rule.caveat != "-" {
            out.line(&format!("          {}", finding.rule.caveat))?;
        }
    }
    Ok(())
}

fn range(o: &mut Obj<'_>, key: &'static str, told: &Told<'_>, range: Option<ByteRange>) {
    if let Some(range) = range {
        o.obj(key, |o| {
            o.uint("end", range.end()).uint("start", range.start());
            o.text("text", told.mail.bytes(Some(range)));
        });
    }
}

fn write_answer(out: &mut Vec<u8>, told: &Told<'_>, answer: &Answer) {
    let mut o = Obj::new(out);
    if !answer.field.is_empty() {
        o.str("field", &answer.field);
    }
    o.opt_uint("hop", answer.hop.map(|hop| hop as u64));
    o.str("ip", &answer.ip.to_string()).str("level", answer.level.code());
    range(&mut o, "user", told, answer.user);
    o.end();
}

/// A finding as an object, with the item that it is of where it stands alone.
pub(super) fn write_finding(out: &mut Vec<u8>, finding: &Finding, item: Option<&str>) {
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

fn object(told: &Told<'_>, item: &str, geo: &Geo, out: &mut Vec<u8>) -> Result<(), Failure> {
    let hops = &told.mail.facts.hops;
    let said = hops.iter().map(|hop| hop.peer_ip.map_or_else(|| Ok(Vec::new()), |ip| geo.find(ip)));
    let said = said.collect::<Result<Vec<_>, _>>()?;
    let found = &told.chain.answers;
    let mut o = Obj::new(out);
    o.obj("answers", |o| {
        for (key, value) in
            [("attested_peer", &found.attested_peer), ("earliest_claimed", &found.earliest_claimed)]
        {
            one_answer(o, key, told, value.as_ref());
        }
        o.arr("header_fields", &found.fields, |out, answer| write_answer(out, told, answer));
        one_answer(o, "inner_network", told, found.lan.as_ref());
        one_answer(o, "submission", told, found.submission.as_ref());
    });
    o.obj("authentication", |o| {
        o.arr("bodies", &told.chain.bodies, |out, fits| json::string(out, if *fits { "ok" } else { "bad" }));
        o.arr("recorded", &told.chain.recorded, |out, own| {
            let mut o = Obj::new(out);
            o.uint("end", own.at.end()).str("method", own.method).str("result", own.result);
            o.str("server", &own.server).str("standing", own.standing.code()).uint("start", own.at.start());
            o.end();
        });
    });
    o.str("basis", told.chain.basis.code());
    o.opt_uint("boundary", told.chain.boundary.map(|at| at as u64));
    o.obj("clocks", |o| told.clocks.write(o));
    if !geo.is_empty() {
        geo.write_sources(&mut o);
    }
    o.arr("findings", &told.chain.findings, |out, finding| write_finding(out, finding, None));
    o.arr("hops", hops.iter().zip(&said).enumerate(), |out, (at, (hop, said))| {
        write_hop(out, told, at, hop, (!geo.is_empty()).then_some(said));
    });
    o.uint("hops_total", told.mail.facts.hops_total.max(told.mail.facts.hops.len() as u64));
    o.str("item", item).str("schema", "mailtrail.hops/1");
    o.opt_uint("settings_event", told.set_by);
    o.bool("teaching_addresses", told.settings.teaching_addresses);
    o.opt_int("total_ms", told.chain.total_ms);
    o.end();
    Ok(())
}

fn one_answer(o: &mut Obj<'_>, key: &'static str, told: &Told<'_>, answer: Option<&Answer>) {
    match answer {
        Some(answer) => {
            let mut value = Vec::new();
            write_answer(&mut value, told, answer);
            o.raw(key, &value);
        }
        None => {
            o.null(key);
        }
    }
}

fn write_hop(out: &mut Vec<u8>, told: &Told<'_>, at: usize, hop: &Hop, said: Option<&Vec<(usize, Place)>>) {
    let step = told.chain.steps.get(at);
    let mut o = Obj::new(out);
    o.str("auth", hop.auth.code());
    range(&mut o, "by", told, hop.by);
    o.str("class", hop.class.code());
    o.opt_int("corrected_ms", step.and_then(|step| step.corrected_ms));
    o.opt_str("date", hop.date.as_ref().map(|date| rfc3339(date.utc)).as_deref());
    o.opt_int("delay_ms", step.and_then(|step| step.delay_ms));
    o.uint("end", hop.at.end());
    range(&mut o, "envelope_from", told, hop.envelope_from);
    o.str("family", hop.family);
    range(&mut o, "for", told, hop.for_);
    range(&mut o, "from", told, hop.from);
    o.str("grade", hop.grade.code());
    range(&mut o, "helo", told, hop.helo);
    range(&mut o, "id", told, hop.id);
    o.str("id_kind", hop.id_kind.code());
    o.opt_str("id_time", hop.id_time.map(rfc3339).as_deref());
    o.uint("index", at as u64);
    o.opt_str("peer_ip", hop.peer_ip.map(|ip| ip.to_string()).as_deref());
    range(&mut o, "peer_ip_at", told, hop.peer_ip_at);
    o.opt_uint("peer_port", hop.peer_port.map(u64::from));
    o.str("peer_scope", hop.peer_scope.code());
    if let Some(said) = said {
        write_places(&mut o, said);
    }
    o.str("protocol", hop.protocol);
    range(&mut o, "rdns", told, hop.rdns);
    o.str("rdns_state", hop.rdns_state.code());
    range(&mut o, "software", told, hop.software);
    o.uint("start", hop.at.start()).str("tls", hop.tls.code());
    range(&mut o, "tls_cipher", told, hop.tls_cipher);
    o.str("tls_version", hop.tls_version);
    o.str("trust", step.map_or("", |step| step.trust.code()));
    range(&mut o, "user", told, hop.user);
    range(&mut o, "via", told, hop.via);
    range(&mut o, "with", told, hop.with);
    o.bool("zone_known", hop.date.as_ref().is_some_and(|date| date.zone_known));
    o.end();
}
