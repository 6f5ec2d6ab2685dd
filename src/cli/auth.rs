//! `auth`: what servers recorded of a message, and what its signatures say when they are computed again.

use std::path::PathBuf;

use crate::auth::{ArcReport, Check, KeyFile, KeyStore, Recorded, RecordedSpf, Report, SignatureReport};
use crate::ingest::keys;
use crate::parse::authres::{MethodResult, Word};
use crate::parse::dkim::{Signature, SignatureKind};
use crate::route::Standing;
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};
use crate::types::{ByteRange, Sha256Digest};
use crate::view::{AuthView, field_standing};

use super::args::AuthArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::item::with_row;
use super::output::Out;
use super::table::{counted, grouped, pad};

pub(super) fn run(context: &Context, args: &AuthArgs, out: &mut Out) -> Result<Exit, Failure> {
    with_row(context, &args.item, |reader, catalog, row| {
        let mut store = KeyStore::default();
        for (file, text) in keys::files(reader)? {
            store.add(file, &text);
        }
        for path in &args.keys {
            let (file, text) = read_file(path)?;
            let unread = store.add(file, &text);
            if !unread.is_empty() {
                let lines: Vec<String> = unread.iter().take(5).map(u64::to_string).collect();
                let what = counted(unread.len() as u64, "line", "lines");
                context
                    .notes
                    .note(&format!("{what} of the key file could not be read: {}", lines.join(", ")));
            }
        }
        let view = AuthView::of(reader, catalog, row, store)?;
        if context.json {
            out.json(&view.to_json())?;
            return Ok(Exit::Done);
        }
        let (report, own) = (&view.report, view.own.as_slice());
        let keys = counted(view.keys.entries().count() as u64, "key record", "key records");
        out.line(&format!("{}{}", pad("item", 12), shown(&args.item)))?;
        out.line(&format!("{}{keys} at hand; nothing was asked of a network", pad("keys", 12)))?;
        let judged = report.judged.map_or_else(
            || "the message has no time that could be read".to_owned(),
            |judged| format!("{} ({})", rfc3339(judged.at), clock(judged.clock.code())),
        );
        out.line(&format!("{}{judged}", pad("judged at", 12)))?;
        recorded(report, own, out)?;
        spf(report, own, out)?;
        dkim(report, out)?;
        arc(&report.arc, out)?;
        anomalies(report, out)?;
        Ok(Exit::Done)
    })
}

/// A key file named on the command line.
pub(super) fn read_file(path: &PathBuf) -> Result<(KeyFile, Vec<u8>), Failure> {
    let name = path.display().to_string();
    let size = std::fs::metadata(path).map(|meta| meta.len()).unwrap_or_default();
    if size > keys::MAX_FILE {
        let most = grouped(keys::MAX_FILE);
        return Err(Failure::new(format!(
            "{} has {} bytes, a key file at most {most}",
            shown(&name),
            grouped(size)
        )));
    }
    let text = std::fs::read(path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", shown(&name))))?;
    let sha256 = Sha256Digest::of(&text);
    Ok((KeyFile { name, sha256, added: None, note: None }, text))
}

fn clock(code: &str) -> &'static str {
    if code == "received" { "newest Received field with a date" } else { "Date header: the sender's claim" }
}

fn text(word: &Word) -> String {
    shown(&word.to_text())
}

fn bytes(value: &[u8]) -> String {
    shown(&String::from_utf8_lossy(value))
}

fn place(at: ByteRange) -> String {
    format!("bytes {}..{}", at.start(), at.end())
}

fn above(hops: u64) -> String {
    format!("{} above it", counted(hops, "hop", "hops"))
}

fn recorded(report: &Report, own: Fields<'_>, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    let read = (report.recorded.len() + report.spf.len()) as u64;
    let more = if report.recorded_total > read {
        format!("; {read} of {} read", report.recorded_total)
    } else {
        String::new()
    };
    out.line(&format!("Recorded (written by whom the field names, or by whoever wrote the message{more})"))?;
    if report.recorded.is_empty() {
        out.line("  nothing")?;
    }
    for (n, field) in report.recorded.iter().enumerate() {
        one_recorded(n + 1, field, own, out)?;
    }
    Ok(())
}

/// The fields of the recipient's servers.
type Fields<'a> = &'a [(ByteRange, Standing)];

fn whose(field: ByteRange, own: Fields<'_>) -> &'static str {
    match field_standing(field, own) {
        Some(Standing::Above) => "of a server of the recipient: above the hop of the boundary",
        Some(Standing::Beside) => {
            "of the server of the boundary, directly below its hop, if it takes away foreign fields of its name"
        }
        None => "not known to be of a server of the recipient: a claim",
    }
}

fn one_recorded(number: usize, field: &Recorded, own: Fields<'_>, out: &mut Out) -> Result<(), Failure> {
    let Recorded { name, at, hops_above, results } = field;
    let server = results.server.as_ref().map_or_else(|| "a server that it does not name".to_owned(), text);
    let instance = results.instance.map(|i| format!(" i={i}")).unwrap_or_default();
    let where_ = format!("{}, {}", place(*at), above(*hops_above));
    out.line(&format!("  {number:>3}  {}{instance} of {server}, {where_}", bytes(name)))?;
    out.line(&format!("       {}", whose(*at, own)))?;
    if results.is_none {
        out.line("       none: no check was made")?;
    }
    for result in &results.results {
        out.line(&format!("       {}", result_line(result)))?;
    }
    for name in &results.names {
        out.line(&format!("       also named: {}", text(name)))?;
    }
    Ok(())
}

fn result_line(result: &MethodResult) -> String {
    let mut words = vec![format!("{}={}", text(&result.method), text(&result.result))];
    for property in &result.properties {
        let kind = property.kind.as_ref().map(|kind| text(kind) + ".").unwrap_or_default();
        words.push(format!("{kind}{}={}", text(&property.name), text(&property.value)));
    }
    words.extend(result.reason.as_ref().map(|reason| format!("reason={}", text(reason))));
    words.extend(result.comments.iter().map(|comment| format!("({})", text(comment))));
    words.join(" ")
}

fn spf(report: &Report, own: Fields<'_>, out: &mut Out) -> Result<(), Failure> {
    if report.spf.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line("Received-SPF (recorded; what DNS said then cannot be asked again)")?;
    for (n, RecordedSpf { name, at, hops_above, spf }) in report.spf.iter().enumerate() {
        let where_ = format!("{}, {}", place(*at), above(*hops_above));
        out.line(&format!("  {:>3}  {}: {}, {where_}", n + 1, bytes(name), text(&spf.result)))?;
        out.line(&format!("       {}", whose(*at, own)))?;
        let pairs: Vec<String> =
            spf.pairs.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect();
        if !pairs.is_empty() {
            out.line(&format!("       {}", pairs.join(" ")))?;
        }
        for comment in &spf.comments {
            out.line(&format!("       ({})", text(comment)))?;
        }
    }
    Ok(())
}

fn dkim(report: &Report, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    let read = report.dkim.len() as u64;
    let more = if report.dkim_total > read {
        format!("; {read} of {} checked", report.dkim_total)
    } else {
        String::new()
    };
    out.line(&format!("DKIM signatures (recomputed here{more})"))?;
    let others: Vec<String> = report
        .unchecked
        .iter()
        .map(|(name, why, count)| {
            format!("{} {name}, not checked ({why})", counted(*count, "field", "fields"))
        })
        .collect();
    match (report.dkim.is_empty(), others.is_empty()) {
        (true, true) => out.line("  none")?,
        (true, false) => out.line(&format!("  none of RFC 6376; {}", others.join("; ")))?,
        (false, false) => out.line(&format!("  and {}", others.join("; ")))?,
        (false, true) => {}
    }
    for (n, one) in report.dkim.iter().enumerate() {
        out.line(&format!("  {:>3}  {}", n + 1, head(one)))?;
        details(one, "       ", out)?;
        let said: Vec<String> = report
            .said_of(one)
            .into_iter()
            .filter_map(|said| {
                let field = report.recorded.get(said.field)?;
                let result = field.results.results.get(said.result)?;
                let server = field.results.server.as_ref().map_or_else(|| "?".to_owned(), text);
                Some(format!("{} by {server} (field {})", text(&result.result), said.field + 1))
            })
            .collect();
        let said = if said.is_empty() { "nothing about this signature".to_owned() } else { said.join(", ") };
        out.line(&format!("       {}{said}", pad("recorded", 12)))?;
        out.line(&format!("       {}{}", pad("recomputed", 12), one.verdict.code()))?;
        if report.is_contradicted(one) {
            out.line("       a server recorded pass, but what is stored does not hold: changed after that server saw it, or the field is not that server's")?;
        }
    }
    Ok(())
}

fn head(one: &SignatureReport) -> String {
    let s = &one.signature;
    let algorithm = s.algorithm.map_or("unknown algorithm", |a| a.code());
    let canon = if s.kind == SignatureKind::ArcSeal {
        String::new()
    } else {
        format!(" {}/{}", s.canon.0.code(), s.canon.1.code())
    };
    format!("d={} s={} {algorithm}{canon}, {}", bytes(&s.domain), bytes(&s.selector), place(one.at))
}

fn details(one: &SignatureReport, indent: &str, out: &mut Out) -> Result<(), Failure> {
    let mut row = |word: &str, value: &str| out.line(&format!("{indent}{}{value}", pad(word, 12)));
    if let Some(body) = &one.body {
        let word = if body.is_ok() { "ok" } else { "bad" };
        let lines = match body.lines_left_out {
            0 => String::new(),
            n => format!(" ({} left out)", counted(n, "line", "lines")),
        };
        let why = match body.reading {
            Some(reading) => format!("{}{lines}: {}", reading.code(), reading.meaning()),
            None if body.is_cut_short => "other readings were not tried".to_owned(),
            None => "no reading that was tried explains it".to_owned(),
        };
        row("body hash", &format!("{word}, {why}"))?;
        if body.unsigned_size > 0 {
            row("covered", &format!("{} bytes at the end of the body are not", grouped(body.unsigned_size)))?;
        }
    }
    let key = match &one.key {
        Some(used) => {
            let bits = used.bits.map(|bits| format!("{bits} bits, ")).unwrap_or_default();
            let from = format!("line {} of {}", used.entry.line, shown(&used.entry.file.name));
            let why = if used.entry.provenance.is_empty() {
                String::new()
            } else {
                format!(" ({})", shown(&used.entry.provenance))
            };
            let added =
                used.entry.file.added.as_ref().map(|at| format!(", added {}", shown(at))).unwrap_or_default();
            format!(" ({bits}{from}{added}){why}")
        }
        None if one.check == Check::KeyUnknown => format!(": {}", bytes(&one.signature.key_name())),
        None => String::new(),
    };
    row("signature", &format!("{}{key}", one.check.code()))?;
    if one.check == Check::Pass {
        row(
            "worth",
            "whoever had the key signed these bytes; a key may be published once it is out of use, so its source and the time it was captured count",
        )?;
    }
    let times = times(&one.signature);
    if !times.is_empty() {
        row("times", &times)?;
    }
    if one.signature.kind != SignatureKind::ArcSeal {
        let signed: Vec<String> = one.signature.signed.iter().map(|name| bytes(name)).collect();
        row("fields", &signed.join(" "))?;
    }
    for fault in &one.signature.faults {
        row("not valid", fault.code())?;
    }
    for caveat in &one.caveats {
        row("note", &format!("{}: {}", caveat.code(), caveat.meaning()))?;
    }
    Ok(())
}

fn times(signature: &Signature) -> String {
    let of = |word: &str, secs: Option<u64>| {
        let ms = i64::try_from(secs?).ok()?.checked_mul(1000).filter(|ms| *ms < MAX_SHOWN_MS)?;
        Some(format!("{word} {}", rfc3339(UtcMs(ms))))
    };
    let both = [of("signed", signature.time), of("expires", signature.expires)];
    both.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The end of the year 9999; later times are no times of mail.
const MAX_SHOWN_MS: i64 = 253_402_300_800_000;

fn arc(arc: &ArcReport, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    let why = arc.reason.map(|(reason, set)| {
        if set == 0 { format!(", {}", reason.code()) } else { format!(", {} in set {set}", reason.code()) }
    });
    let oldest = match arc.oldest_pass {
        Some(0) => "; every message signature holds".to_owned(),
        Some(n) => format!("; message signatures hold from set {n} on"),
        None => String::new(),
    };
    out.line(&format!("ARC chain: {}{}{oldest}", arc.status.code(), why.unwrap_or_default()))?;
    for set in &arc.sets {
        let results = set.results.map_or_else(|| "missing".to_owned(), place);
        out.line(&format!("  {:>3}  results {results}", set.instance))?;
        for (word, one) in [("message", &set.message), ("seal", &set.seal)] {
            let Some(one) = one else {
                out.line(&format!("       {word} missing"))?;
                continue;
            };
            let cv = one.signature.chain.map(|cv| format!(" cv={}", cv.code())).unwrap_or_default();
            out.line(&format!("       {word} {}{cv}: {}", one.verdict.code(), head(one)))?;
            details(one, "         ", out)?;
        }
    }
    Ok(())
}

fn anomalies(report: &Report, out: &mut Out) -> Result<(), Failure> {
    if report.anomalies.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line("Anomalies (departures from a standard; no verdict)")?;
    for note in &report.anomalies {
        let at = note.at.map(|at| format!(" at {}", place(at))).unwrap_or_default();
        let detail = note.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
        out.line(&format!("  {}{at}{detail}: {}", note.kind.code(), note.kind.meaning()))?;
    }
    Ok(())
}
