//! The sign-ins of all acquisitions: whom we spoke to, what it said of itself, and its clock against ours.

use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::parse::date;
use crate::store::{Event, Reader};
use crate::types::CustodyEventKind;
use crate::types::json::{self, Obj, Value};
use crate::types::text::{csv_cell, csv_number};
use crate::types::time::{UtcMs, rfc3339};

use super::runs::run_table;
use super::views::{Form, csv_line, events, names, text};

const COLUMNS: &[&str] = &[
    "event",
    "time",
    "url",
    "address",
    "mechanism",
    "tls_version",
    "tls_cipher",
    "tls_trusted_by",
    "certificates",
    "greeting",
    "capabilities_before_tls",
    "capabilities_before_sign_in",
    "capabilities_after_sign_in",
    "server_id",
    "greeting_clock",
    "greeting_ahead_secs",
];

pub(super) fn sessions(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        csv_line(out, &names(COLUMNS))?;
    }
    let mut any = false;
    events(reader, &mut |event, data| {
        if event.known_kind() != Some(CustodyEventKind::AccountSession) {
            return Ok(());
        }
        any = true;
        match form {
            Form::Table => run_table(event, data, out),
            Form::Csv => csv(event, data, out),
            Form::Json => json(event, data, out),
        }
    })?;
    if form == Form::Table && !any {
        out.line("nobody signed in to an account")?;
    }
    Ok(())
}

fn csv(event: &Event, data: &Value, out: &mut Out) -> Result<(), Failure> {
    let of = |key: &str| text(data.get(key));
    let tls = data.get("tls");
    let tls_of = |key: &str| text(tls.and_then(|tls| tls.get(key)));
    let chain = tls.and_then(|tls| tls.get("chain")).and_then(Value::as_array).into_iter().flatten();
    let chain: Vec<String> = chain.map(|digest| text(Some(digest))).collect();
    let capabilities = |nth: usize| text(data.get("capabilities").and_then(|list| list.get(nth)));
    let clock = clock(data);
    let cells = [
        event.seq.to_string(),
        event.ts.clone(),
        of("url"),
        of("address"),
        of("mechanism"),
        tls_of("version"),
        tls_of("cipher"),
        tls_of("trusted_by"),
        chain.join(" "),
        of("greeting"),
        capabilities(0),
        capabilities(1),
        capabilities(2),
        of("server_id"),
        clock.map(rfc3339).unwrap_or_default(),
    ];
    let mut line: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    line.push(ahead(event, clock).map_or_else(|| csv_cell(""), csv_number));
    out.bytes(format!("{}\r\n", line.join(",")).as_bytes())?;
    Ok(())
}

fn json(event: &Event, data: &Value, out: &mut Out) -> Result<(), Failure> {
    let clock = clock(data);
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    o.raw("data", &event.data).uint("event", event.seq);
    match ahead(event, clock) {
        Some(secs) => o.int("greeting_ahead_secs", secs),
        None => o.null("greeting_ahead_secs"),
    };
    o.opt_str("greeting_clock", clock.map(rfc3339).as_deref());
    o.str("schema", "mailtrail.acquisition-session/1").str("time", &event.ts);
    o.end();
    line.push(b'\n');
    out.bytes(&line)?;
    Ok(())
}

/// Seconds that the server's clock is ahead of ours (negative: behind), by its greeting and the time of the event, which is
/// written when the sign-in is done: as long as that took, the figure is too small.
pub(super) fn ahead(event: &Event, clock: Option<UtcMs>) -> Option<i64> {
    let ours: jiff::Timestamp = event.ts.parse().ok()?;
    Some(clock?.0.div_euclid(1000).saturating_sub(ours.as_second()))
}

/// The server's clock, where its greeting shows one.
pub(super) fn clock(data: &Value) -> Option<UtcMs> {
    in_greeting(&data.get("greeting").and_then(json::text_of)?)
}

/// A time in a greeting: the clock of an APOP timestamp (`<1896.697170952@host>`, RFC 1939 section 7; Dovecot writes process,
/// counter and clock in hex), or a date behind ` at ` with time and zone, as some servers of IMAP write it. Anything else is not guessed.
fn in_greeting(greeting: &[u8]) -> Option<UtcMs> {
    let text = String::from_utf8_lossy(greeting);
    apop(&text).or_else(|| {
        let (_, rest) = text.rsplit_once(" at ")?;
        let read = date::date(rest.as_bytes(), 0).value?;
        (read.zone_known && read.offset_secs_east.is_some()).then_some(read.utc)
    })
}

fn apop(text: &str) -> Option<UtcMs> {
    // What a clock in seconds can be: 2000 to 2100.
    const PLAUSIBLE: std::ops::Range<i64> = 946_684_800..4_102_444_800;
    let (words, _host) = text.rsplit_once('<')?.1.split_once('>')?.0.split_once('@')?;
    let words: Vec<&str> = words.split('.').collect();
    let secs = match words.as_slice() {
        [_process, clock] => clock.parse::<i64>().ok()?,
        [_process, _counter, clock, _random] => i64::from_str_radix(clock, 16).ok()?,
        _ => return None,
    };
    PLAUSIBLE.contains(&secs).then(|| UtcMs(secs.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_a_greeting_is_read_and_nothing_is_guessed() {
        let read = |text: &str| in_greeting(text.as_bytes()).map(rfc3339);
        let at = Some("2023-11-14T22:13:20Z".to_owned());
        assert_eq!(read("+OK POP3 ready <1896.1700000000@mail.example.org>"), at);
        assert_eq!(read("+OK Dovecot ready. <19f3.1.6553f100.Xy+a/b==@mail.example.org>"), at);
        assert_eq!(read("* OK IMAP4rev1 at Tue, 14 Nov 2023 14:13:20 -0800 (PST)"), at);
        for none in [
            "* OK IMAP4rev1 at Tue, 14 Nov 2023 14:13:20",
            "* OK Dovecot ready.",
            "+OK <17.42@model>",
            "+OK <1.2.3@x>",
            "+OK <1700000000@x>",
            "* OK at your service",
            "",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
