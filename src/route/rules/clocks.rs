//! Rules about times.

use super::{Report, Way};
use crate::parse::idclock::IdKind;
use crate::parse::received::HopClass;
use crate::route::Course;
use crate::types::AnomalyKind;
use crate::types::time::{UtcMs, rfc3339};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

pub(super) fn known_wrong(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let by = &way.names(at).by;
        let then = hop.date.as_ref().filter(|date| date.zone_known).map(|date| date.utc.0);
        let known = match then {
            Some(then) => way.clocks.clock_at(by, then),
            None => way.clocks.clock(by),
        };
        let Some(clock) = known.filter(|clock| clock.ahead_ms / SECOND != 0) else { continue };
        let course = match way.clocks.course(by) {
            Course::Steady => String::new(),
            Course::Drift { us_per_day } => {
                let tenths = us_per_day / 100_000;
                let sign = if tenths < 0 { "-" } else { "+" };
                format!(", drifting by {sign}{}.{} s a day", tenths.abs() / 10, tenths.abs() % 10)
            }
            Course::ZoneSlips => ", changing by whole or half hours over the months".to_owned(),
            Course::Changing => ", changing over the months".to_owned(),
        };
        let (word, secs) =
            if clock.ahead_ms > 0 { ("ahead", clock.ahead_ms) } else { ("behind", -clock.ahead_ms) };
        let zone = clock
            .zone_slip()
            .map(|steps| format!(", close to {} half hours", steps.abs()))
            .unwrap_or_default();
        report.add(
            &[at],
            [hop.by, hop.date.as_ref().map(|date| date.at)],
            format!("its clock is {} s {word}{zone}{course}, by attested votes", secs / SECOND),
        );
    }
}

/// The next older hop whose date counts.
fn older(way: &Way<'_>, at: usize) -> usize {
    let dated = |&at: &usize| {
        way.hops().get(at).is_some_and(|hop| hop.date.as_ref().is_some_and(|date| date.zone_known))
    };
    (at.saturating_add(1)..way.hops().len()).find(dated).unwrap_or(at)
}

/// By the times as they are written. What other messages show of the clocks stands beside them and takes no finding
/// away: else whoever writes many messages could make one of them look punctual.
fn steps(way: &Way<'_>, report: &mut Report<'_>, fits: impl Fn(i64) -> bool, text: impl Fn(i64) -> String) {
    for (at, delay) in way.delays.iter().enumerate() {
        let Some(delay) = delay.filter(|&ms| fits(ms)) else { continue };
        let other = older(way, at);
        let date = |n: usize| way.hops().get(n).and_then(|hop| hop.date.as_ref()).map(|date| date.at);
        report.add(&[at, other], [date(at), date(other)], text(delay));
    }
}

pub(super) fn time_reversal(way: &Way<'_>, report: &mut Report<'_>) {
    steps(
        way,
        report,
        |ms| ms < -300 * SECOND,
        |ms| format!("{} s earlier than the hop before it", -ms / SECOND),
    );
}

pub(super) fn clock_skew_minor(way: &Way<'_>, report: &mut Report<'_>) {
    steps(
        way,
        report,
        |ms| (-300 * SECOND..=-2 * SECOND).contains(&ms),
        |ms| format!("{} s earlier than the hop before it", -ms / SECOND),
    );
}

pub(super) fn tz_slip(way: &Way<'_>, report: &mut Report<'_>) {
    let near = |ms: i64| {
        let rest = (-ms).rem_euclid(30 * MINUTE);
        (-26 * HOUR..=-58 * MINUTE).contains(&ms) && (rest <= 2 * MINUTE || rest >= 28 * MINUTE)
    };
    steps(way, report, near, |ms| {
        format!("{} s earlier, close to {} half hours", -ms / SECOND, (-ms + 15 * MINUTE) / (30 * MINUTE))
    });
}

pub(super) fn long_delay(way: &Way<'_>, report: &mut Report<'_>) {
    steps(way, report, |ms| ms > HOUR, |ms| format!("{} s", ms / SECOND));
}

/// The year 2100: the end of mail where nobody said when it was seized. The rule may not ask what time it is now.
const CENTURY: UtcMs = UtcMs(4_102_444_800_000);

pub(super) fn date_future(way: &Way<'_>, report: &mut Report<'_>) {
    let (last, what) = match way.settings.acquired {
        Some(acquired) => (acquired, format!("seized {}", rfc3339(acquired))),
        None => (CENTURY, "which no mail of today can be".to_owned()),
    };
    for (at, hop) in way.each() {
        if let Some(date) = hop.date.as_ref().filter(|date| date.utc > last) {
            report.add(&[at], [Some(date.at)], format!("dated {}, {what}", rfc3339(date.utc)));
        }
    }
}

fn noted(way: &Way<'_>, report: &mut Report<'_>, kinds: &[AnomalyKind], text: &str) {
    let mut last = None;
    for kind in kinds {
        for (at, anomaly) in way.noted(*kind) {
            if last != Some((at, *kind)) {
                report.add(&[at], [anomaly.at], text);
                last = Some((at, *kind));
            }
        }
    }
}

pub(super) fn date_invalid(way: &Way<'_>, report: &mut Report<'_>) {
    let kinds = [
        AnomalyKind::DateInvalid,
        AnomalyKind::ZoneInvalid,
        AnomalyKind::TwelveHourClock,
        AnomalyKind::DateUnreadable,
    ];
    noted(
        way,
        report,
        &kinds,
        "the date is not one that a calendar and a clock can show, or could not be read",
    );
}

pub(super) fn date_missing(way: &Way<'_>, report: &mut Report<'_>) {
    noted(way, report, &[AnomalyKind::ReceivedDateMissing], "no date");
}

pub(super) fn weekday(way: &Way<'_>, report: &mut Report<'_>) {
    noted(way, report, &[AnomalyKind::WeekdayMismatch], "the day of the week is not that of the date");
}

pub(super) fn zone_comment(way: &Way<'_>, report: &mut Report<'_>) {
    noted(
        way,
        report,
        &[AnomalyKind::ZoneCommentMismatch],
        "the zone in the comment is not that of the offset",
    );
}

pub(super) fn date_header(way: &Way<'_>, report: &mut Report<'_>) {
    let Some(date) = way.mail.facts.date.as_ref().filter(|date| date.zone_known) else { return };
    let dated = |hop: &&crate::parse::received::Hop| hop.date.as_ref().is_some_and(|date| date.zone_known);
    let Some((at, hop)) = way.each().filter(|(_, hop)| dated(hop)).last() else { return };
    let Some(oldest) = hop.date.as_ref() else { return };
    let offset = date.utc.0.saturating_sub(oldest.utc.0);
    if offset.unsigned_abs() > (3 * HOUR).unsigned_abs() {
        let day = if offset.unsigned_abs() > (24 * HOUR).unsigned_abs() { ", over a day" } else { "" };
        report.add(
            &[at],
            [Some(date.at), Some(oldest.at)],
            format!("Date is {} s from the oldest hop{day}", offset / SECOND),
        );
    }
}

pub(super) fn id_clock(way: &Way<'_>, report: &mut Report<'_>) {
    for (at, hop) in way.each() {
        let (Some(id), Some(date)) = (hop.id_time, hop.date.as_ref().filter(|date| date.zone_known)) else {
            continue;
        };
        // What a program of the machine itself handed over got its id when the queue was run, or keeps one of another
        // program.
        if hop.class == HopClass::LocalSubmission || hop.class == HopClass::List {
            continue;
        }
        let late = date.utc.0.saturating_sub(id.0);
        let most = match hop.id_kind {
            IdKind::Sendmail => 24 * HOUR,
            _ => 2 * HOUR,
        };
        // Ids of scheduled sendings tell a later time than the hop.
        let least = if hop.id_kind == IdKind::ObjectId { i64::MIN } else { -5 * MINUTE };
        // Ids that are written as a calendar has it may be in local time, whatever the program's later versions write.
        let is_calendar =
            matches!(hop.id_kind, IdKind::Sendmail | IdKind::InterMail | IdKind::Gmail | IdKind::Domino);
        let east = i64::from(date.offset_secs_east.unwrap_or_default()) * SECOND;
        let as_local = is_calendar
            && [late.saturating_add(east), late.saturating_sub(east)]
                .iter()
                .any(|late| (least..=most).contains(late));
        if !(least..=most).contains(&late) && !as_local {
            report.add(
                &[at],
                [hop.id, Some(date.at)],
                format!("the id says {}, the hop {}", rfc3339(id), rfc3339(date.utc)),
            );
        }
    }
}
