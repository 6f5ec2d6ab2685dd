//! All the times that a message tells, side by side: none is put in the place of another.

use super::Mail;
use crate::parse::dkim::TagList;
use crate::parse::header::Field;
use crate::parse::idclock::{
    self, IdTime, arrival_filetime, gmail_boundary, gmail_msgid, javamail_boundary, outlook_boundary,
    thread_index,
};
use crate::parse::known::Known;
use crate::parse::value;
use crate::types::ByteRange;

/// One time, and what says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// Whose clock: `date-header`, `hop`, `hop-id`, `message-id`, `boundary`, `thread-index`, `original-arrival-time`,
    /// `signature`, `gmail-id`.
    pub clock: &'static str,
    /// More of it: the hop's number, the id's format, the field.
    pub what: String,
    /// Where it stands in the message.
    pub at: ByteRange,
    /// Microseconds since 1970-01-01.
    pub us: i64,
    /// How fine the clock is, in microseconds.
    pub step_us: i64,
    /// Whether the instant is certain; else the time was written without a zone and is given as if in UTC.
    pub zone_known: bool,
    /// The offset as written, in seconds east.
    pub offset_secs_east: Option<i32>,
    /// Why it may be no clock at all; `None` where a hop bears it out, or it is a date in words.
    pub doubt: Option<&'static str>,
}

/// Of an id, a boundary and the like: no date in words lies within two years of what its digits would tell.
const ALONE: &str = "no hop and no Date is within two years of it: digits of this shape may be random";

/// Two years, in microseconds.
const NEAR_US: u64 = 2 * 366 * 86_400_000_000;

/// Marks the clocks inside of ids that nothing bears out: the hops, or where there is none with a date the Date field.
/// A date in words that nothing bears out is still one.
fn mark(times: &mut [Time]) {
    let of = |clock: &str| -> Vec<i64> {
        times.iter().filter(|time| time.clock == clock && time.zone_known).map(|time| time.us).collect()
    };
    let hops = of("hop");
    let known = if hops.is_empty() { of("date-header") } else { hops };
    for time in times.iter_mut().filter(|time| matches!(time.clock, "message-id" | "boundary")) {
        let is_near = known.iter().any(|us| us.abs_diff(time.us) <= NEAR_US);
        time.doubt = (!is_near).then_some(ALONE);
    }
}

/// Every time that the header tells, in the order of the clocks.
pub fn times(mail: &Mail<'_>) -> Vec<Time> {
    let mut out = Vec::new();
    let facts = mail.facts;
    if let Some(date) = &facts.date {
        out.push(dated("date-header", String::new(), date));
    }
    for (n, hop) in facts.hops.iter().enumerate() {
        if let Some(date) = &hop.date {
            out.push(dated("hop", n.to_string(), date));
        }
    }
    for (n, hop) in facts.hops.iter().enumerate() {
        if let (Some(id), Some(at)) = (hop.id_time, hop.id) {
            let us = id.0.saturating_mul(1000);
            let what = format!("{n}, {}", hop.id_kind.code());
            out.push(Time {
                clock: "hop-id",
                what,
                at,
                us,
                step_us: 1_000_000,
                zone_known: true,
                offset_secs_east: None,
                doubt: None,
            });
        }
    }
    for field in &mail.header.fields {
        embedded(field, &mut out);
    }
    let order = |time: &Time| ORDER.iter().position(|clock| *clock == time.clock);
    out.sort_by_key(order);
    mark(&mut out);
    out
}

const ORDER: &[&str] = &[
    "date-header",
    "hop",
    "hop-id",
    "message-id",
    "thread-index",
    "boundary",
    "original-arrival-time",
    "gmail-id",
    "signature",
];

fn dated(clock: &'static str, what: String, date: &crate::parse::date::DateReading) -> Time {
    Time {
        clock,
        what,
        at: date.at,
        us: date.utc.0.saturating_mul(1000),
        step_us: 1_000_000,
        zone_known: date.zone_known,
        offset_secs_east: date.offset_secs_east,
        doubt: None,
    }
}

fn told(clock: &'static str, what: &str, at: ByteRange, time: IdTime) -> Time {
    let IdTime { us, step_us, local } = time;
    Time {
        clock,
        what: what.to_owned(),
        at,
        us,
        step_us,
        zone_known: !local,
        offset_secs_east: None,
        doubt: None,
    }
}

fn embedded(field: &Field<'_>, out: &mut Vec<Time>) {
    let at = field.value_at;
    match field.known {
        Known::MessageId => {
            if let Some((kind, time)) = idclock::message_id(field.value) {
                out.push(told("message-id", &format!("{kind:?}").to_lowercase(), at, time));
            }
        }
        Known::ContentType => {
            let Some(boundary) = value::structured(field.value).token("boundary") else { return };
            let found = [
                ("gmail", gmail_boundary(&boundary)),
                ("outlook", outlook_boundary(&boundary)),
                ("javamail", javamail_boundary(&boundary)),
            ];
            for (what, time) in found {
                out.extend(time.map(|time| told("boundary", what, at, time)));
            }
        }
        Known::DkimSignature | Known::ArcSeal | Known::ArcMessageSignature => {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            let tags = TagList::read(field.value, 0);
            for key in ["t", "x"] {
                let secs = tags.plain(key.as_bytes()).and_then(|text| text.parse::<i64>().ok());
                if let Some(us) =
                    secs.filter(|&s| (0..253_402_300_800).contains(&s)).map(|secs| secs * 1_000_000)
                {
                    let time = IdTime { us, local: false, step_us: 1_000_000 };
                    out.push(told("signature", &format!("{name} {key}="), at, time));
                }
            }
        }
        _ => {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name.as_bytes());
            if is("thread-index") {
                out.extend(thread_index(field.value).map(|time| told("thread-index", "", at, time)));
            } else if is("x-originalarrivaltime") {
                out.extend(
                    arrival_filetime(field.value).map(|time| told("original-arrival-time", "", at, time)),
                );
            } else if is("x-gm-msgid") || is("x-gm-thrid") {
                let number =
                    std::str::from_utf8(field.value.trim_ascii()).ok().and_then(|text| text.parse().ok());
                let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
                out.extend(number.and_then(gmail_msgid).map(|time| told("gmail-id", &name, at, time)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::derive::first;
    use crate::parse::header;

    #[test]
    fn digits_in_the_shape_of_a_clock_are_doubted_where_nothing_is_near() {
        let doubts = |id: &str| {
            let message = format!(
                "Received: from a by b.example with ESMTP id ABC; Tue, 14 May 2024 09:15:30 +0200\r\nMessage-ID: <{id}@x.example>\r\n\r\ntext\r\n"
            );
            let (facts, header) = (first(message.as_bytes()), header::read(message.as_bytes()).value);
            let times = times(&Mail { message: message.as_bytes(), header: &header, facts: &facts });
            times.iter().map(|time| (time.clock, time.doubt.is_some())).collect::<Vec<_>>()
        };
        // D0000000 seconds are in 2080.
        assert_eq!(doubts("D0000000.7654321"), [("hop", false), ("message-id", true)]);
        assert_eq!(doubts("66430F67.7654321"), [("hop", false), ("message-id", false)]);
    }

    #[test]
    fn every_clock_of_a_message_is_told_with_its_place() {
        let message = b"Received: from a by b.example with ESMTP id ABC; Tue, 14 May 2024 09:15:30 +0200\r\n\
            Date: Tue, 14 May 2024 09:15:20 +0200\r\n\
            Message-ID: <20240514071520.1@sender.example>\r\n\
            DKIM-Signature: v=1; d=sender.example; t=1715670920; x=1716275720; b=AA\r\n\
            X-OriginalArrivalTime: 14 May 2024 07:15:31.0000 (UTC) FILETIME=[8D1F1AB0:01DAA5CE]\r\n\
            Content-Type: multipart/mixed; boundary=\"----=_Part_1_2.1715670920123\"\r\n\r\ntext\r\n";
        let (facts, header) = (first(message), header::read(message).value);
        let mail = Mail { message, header: &header, facts: &facts };
        let times = times(&mail);
        let clocks: Vec<&str> = times.iter().map(|time| time.clock).collect();
        assert_eq!(
            clocks,
            [
                "date-header",
                "hop",
                "message-id",
                "boundary",
                "original-arrival-time",
                "signature",
                "signature"
            ]
        );
        assert_eq!((times[0].us, times[0].offset_secs_east), (1_715_670_920_000_000, Some(7200)));
        assert_eq!((times[3].us, times[3].step_us), (1_715_670_920_123_000, 1000));
        assert_eq!(times[5].us, 1_715_670_920_000_000);
        assert!(!times[2].zone_known, "a stamp in a Message-ID tells no zone");
        assert_eq!(mail.bytes(Some(times[0].at)), b"Tue, 14 May 2024 09:15:20 +0200");
    }
}
