//! The sign-ins of acquisitions: the server's clock against ours, `mailtrail.acquisition-session/1`.

use crate::parse::date;
use crate::store::Event;
use crate::types::json::{self, Obj, Value};
use crate::types::time::{UtcMs, rfc3339, secs_of_rfc3339};

/// The object `mailtrail.acquisition-session/1` of an event of a sign-in.
pub fn session_json(event: &Event, data: &Value) -> Vec<u8> {
    let clock = greeting_clock(data);
    let mut out = Vec::new();
    let mut o = Obj::new(&mut out);
    o.raw("data", &event.data).uint("event", event.seq);
    match greeting_ahead_secs(event, clock) {
        Some(secs) => o.int("greeting_ahead_secs", secs),
        None => o.null("greeting_ahead_secs"),
    };
    o.opt_str("greeting_clock", clock.map(rfc3339).as_deref());
    o.str("schema", "mailtrail.acquisition-session/1").str("time", &event.ts);
    o.end();
    out
}

/// Seconds that the server's clock is ahead of ours (negative: behind), by its greeting and the time of the event,
/// which is written when the sign-in is done: as long as that took, the figure is too small.
pub fn greeting_ahead_secs(event: &Event, clock: Option<UtcMs>) -> Option<i64> {
    Some(clock?.0.div_euclid(1000).saturating_sub(secs_of_rfc3339(&event.ts)?))
}

/// The server's clock, where its greeting shows one.
pub fn greeting_clock(data: &Value) -> Option<UtcMs> {
    in_greeting(&data.get("greeting").and_then(json::text_of)?)
}

/// A time in a greeting: the clock of an APOP timestamp (`<1896.697170952@host>`, RFC 1939 section 7; Dovecot writes
/// process, counter and clock in hex), or a date behind ` at ` with time and zone, as some servers of IMAP write it.
/// Anything else is not guessed.
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
