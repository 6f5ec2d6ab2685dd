//! Values of date fields: years, months, days, moments, and days counted from now.

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::Language;
use super::value::{NoStretch, stretch};
use crate::types::time::UtcMs;

/// The zone in which days begin, and the clock that days are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) now: Option<UtcMs>,
    pub(super) language: Language,
}

/// A stretch of time.
pub(super) type Period = (Option<UtcMs>, Option<UtcMs>);

impl Calendar<'_> {
    /// A stretch of time in ms: a year, month, day, minute or second in the time zone, or one with its own offset.
    pub(super) fn dates(self, text: &str) -> Result<Period, NoStretch> {
        // `7d` alone is the time from then on, as other programs have it.
        let text = if self.language == Language::Two && ago(text).is_some() {
            format!("{text}..")
        } else {
            text.to_owned()
        };
        let (a, b) = stretch(&text, self.language, |t| self.period(t))?;
        Ok((a.map(UtcMs), b.map(UtcMs)))
    }

    /// The first and the last instant of one period.
    pub(super) fn one(self, text: &str) -> Result<(UtcMs, UtcMs), NoStretch> {
        self.period(text).map(|(a, b)| (UtcMs(a), UtcMs(b)))
    }

    fn ms(self, at: DateTime) -> Option<i64> {
        self.zone.to_ambiguous_timestamp(at).compatible().ok().map(Timestamp::as_millisecond)
    }

    fn days(self, from: Date, to: Date) -> Option<(i64, i64)> {
        Some((self.ms(from.at(0, 0, 0, 0))?, self.ms(to.at(0, 0, 0, 0))?))
    }

    fn period(self, text: &str) -> Result<(i64, i64), NoStretch> {
        if self.language == Language::Two
            && let Some(relative) = relative(text)
        {
            let now = self.now.ok_or(NoStretch::NoClock)?;
            return self.from_now(relative, now.0).ok_or(NoStretch::Unreadable);
        }
        if let Some(at) = text.find(['T', 't', ' ']) {
            let moment = || self.moment(text.get(..at)?, text.get(at + 1..)?);
            return moment().ok_or(NoStretch::Unreadable);
        }
        let fixed = || {
            let (from, to) = civil(text, self.language)?;
            self.days(from, to)
        };
        fixed().ok_or(NoStretch::Unreadable)
    }

    #[expect(clippy::wrong_self_convention, reason = "from now on, not made from something")]
    fn from_now(self, relative: Relative, now: i64) -> Option<(i64, i64)> {
        let now = Timestamp::from_millisecond(now).ok()?.to_zoned(self.zone.clone());
        let today = now.date();
        let week =
            today.checked_sub(Span::new().days(i64::from(today.weekday().to_monday_zero_offset()))).ok()?;
        let month = today.first_of_month();
        let days = |n: i64| Span::new().try_days(n).ok();
        match relative {
            Relative::Now => Some((now.timestamp().as_millisecond(), now.timestamp().as_millisecond() + 1)),
            Relative::Day(back) => {
                let day = today.checked_sub(days(back)?).ok()?;
                self.days(day, day.tomorrow().ok()?)
            }
            Relative::Week(back) => {
                let from = week.checked_sub(Span::new().try_weeks(back).ok()?).ok()?;
                self.days(from, from.checked_add(days(7)?).ok()?)
            }
            Relative::Month(back) => {
                let from = month.checked_sub(Span::new().try_months(back).ok()?).ok()?;
                self.days(from, from.checked_add(Span::new().months(1)).ok()?)
            }
            Relative::Year(back) => {
                let year = today.first_of_year().checked_sub(Span::new().try_years(back).ok()?).ok()?;
                self.days(year, year.checked_add(Span::new().years(1)).ok()?)
            }
            Relative::Ago(span) => {
                let at = now.checked_sub(span).ok()?.timestamp().as_millisecond();
                Some((at, at + 1))
            }
        }
    }

    /// `2024-03-01T10:00`, with seconds or without, with `Z` or an offset or in the time zone asked for.
    fn moment(self, day: &str, time: &str) -> Option<(i64, i64)> {
        let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
            Some(at) => (time.get(..at)?, Some(time.get(at..)?)),
            None => (time, None),
        };
        let (clock, long) = match clock.len() {
            2 if self.language == Language::Two => (format!("{clock}:00:00"), 3_600_000),
            5 => (format!("{clock}:00"), 60_000),
            _ => (clock.to_owned(), 1000),
        };
        let at: DateTime = format!("{day}T{clock}").parse().ok()?;
        let start = match offset {
            Some("Z" | "z") => TimeZone::UTC.to_ambiguous_timestamp(at).compatible().ok()?.as_millisecond(),
            Some(offset) => format!("{at}{offset}").parse::<Timestamp>().ok()?.as_millisecond(),
            None => self.ms(at)?,
        };
        Some((start, start.checked_add(long)?))
    }
}

/// First day, and the day behind the last, of `2024`, `2024-03`, `2024-03-01`; also `2024/03/01` and `20240301`.
fn civil(text: &str, language: Language) -> Option<(Date, Date)> {
    let is_new = language == Language::Two;
    let number = |t: &str, digits: usize| {
        (t.len() == digits && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i16>().ok()).flatten()
    };
    let (year, month, day) = if is_new && text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        (text.get(..4)?, text.get(4..6), text.get(6..))
    } else {
        let sign = if is_new && text.contains('/') { '/' } else { '-' };
        let mut parts = text.split(sign);
        let found = (parts.next()?, parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        found
    };
    let year = number(year, 4)?;
    let small = |t: &str| number(t, 2).and_then(|n| i8::try_from(n).ok());
    let new = |y, m, d| Date::new(y, m, d).ok();
    let last = date(9999, 12, 31);
    Some(match (month, day) {
        (None, _) => (new(year, 1, 1)?, new(year.checked_add(1)?, 1, 1).unwrap_or(last)),
        (Some(m), None) => {
            let first = new(year, small(m)?, 1)?;
            (first, first.last_of_month().tomorrow().unwrap_or(last))
        }
        (Some(m), Some(d)) => {
            let day = new(year, small(m)?, small(d)?)?;
            (day, day.tomorrow().unwrap_or(last))
        }
    })
}

/// A period that is counted from now.
#[derive(Clone, Copy, Debug)]
enum Relative {
    Now,
    Day(i64),
    Week(i64),
    Month(i64),
    Year(i64),
    Ago(Span),
}

/// `90d`, `2w`, `3mo`, `1y`, `12h`, also with ` ago` or a dash before it.
fn ago(text: &str) -> Option<Span> {
    let text = text.trim().trim_end_matches("ago").trim_end_matches(['-', '_', ' ']);
    let text = text.strip_prefix('-').unwrap_or(text);
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.get(..text.len() - unit.len())?;
    let number: i64 = digits.parse().ok()?;
    let span = Span::new();
    match unit.trim().trim_start_matches(['-', '_']).to_ascii_lowercase().as_str() {
        "h" | "hour" | "hours" => span.try_hours(number).ok(),
        "d" | "day" | "days" => span.try_days(number).ok(),
        "w" | "week" | "weeks" => span.try_weeks(number).ok(),
        "m" | "mo" | "month" | "months" => span.try_months(number).ok(),
        "y" | "year" | "years" => span.try_years(number).ok(),
        _ => None,
    }
}

fn relative(text: &str) -> Option<Relative> {
    let plain = text.trim().to_ascii_lowercase().replace(['-', '_'], " ");
    Some(match plain.as_str() {
        "now" => Relative::Now,
        "today" => Relative::Day(0),
        "yesterday" => Relative::Day(1),
        "this week" => Relative::Week(0),
        "last week" => Relative::Week(1),
        "this month" => Relative::Month(0),
        "last month" => Relative::Month(1),
        "this year" => Relative::Year(0),
        "last year" => Relative::Year(1),
        _ => Relative::Ago(ago(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time::rfc3339;

    fn shown(got: Result<Period, NoStretch>) -> String {
        let shown = |t: Option<UtcMs>| t.map_or_else(String::new, rfc3339);
        got.map_or("-".to_owned(), |(a, b)| format!("{}..{}", shown(a), shown(b)))
    }

    const UTC: Calendar<'static> = Calendar { zone: &TimeZone::UTC, now: None, language: Language::Two };

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(shown(UTC.dates(text)), want, "{text}");
    }

    #[test]
    fn dates_are_of_any_length_and_ranges_hold_their_end() {
        check("2024", "2024-01-01T00:00:00Z..2025-01-01T00:00:00Z");
        check("2024-02", "2024-02-01T00:00:00Z..2024-03-01T00:00:00Z");
        check("2024-02-29", "2024-02-29T00:00:00Z..2024-03-01T00:00:00Z");
        check("2024/02/29", "2024-02-29T00:00:00Z..2024-03-01T00:00:00Z");
        check("20240229", "2024-02-29T00:00:00Z..2024-03-01T00:00:00Z");
        check("2024-03..2024-05", "2024-03-01T00:00:00Z..2024-06-01T00:00:00Z");
        check("2024-03..<2024-05", "2024-03-01T00:00:00Z..2024-05-01T00:00:00Z");
        check("[2024-03 TO 2024-05]", "2024-03-01T00:00:00Z..2024-06-01T00:00:00Z");
        check("..2024", "..2025-01-01T00:00:00Z");
        check(">2024-02", "2024-03-01T00:00:00Z..");
        check(">=2024-02", "2024-02-01T00:00:00Z..");
        check("<2024", "..2024-01-01T00:00:00Z");
        check("<=2024", "..2025-01-01T00:00:00Z");
        check("2024-03-01T10", "2024-03-01T10:00:00Z..2024-03-01T11:00:00Z");
        check("2024-03-01T10:00", "2024-03-01T10:00:00Z..2024-03-01T10:01:00Z");
        check("2024-03-01 10:00", "2024-03-01T10:00:00Z..2024-03-01T10:01:00Z");
        check("2024-03-01T10:00:05+02:00", "2024-03-01T08:00:05Z..2024-03-01T08:00:06Z");
        for text in [
            "2023-02-29",
            "24",
            "2024-1",
            "2024-01-01-01",
            "x",
            "01.02.2024",
            "2024-05..2024-03",
            "..",
            "soon",
        ] {
            check(text, "-");
        }
    }

    #[test]
    fn in_language_1_a_range_ends_before_its_end() {
        let old = Calendar { language: Language::One, ..UTC };
        assert_eq!(shown(old.dates("2024-03..2024-05")), "2024-03-01T00:00:00Z..2024-05-01T00:00:00Z");
        assert_eq!(shown(old.dates("20240301")), "-");
    }

    #[test]
    fn days_follow_the_time_zone_asked_for() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let calendar = Calendar { zone: &zone, ..UTC };
        assert_eq!(shown(calendar.dates("2024-02-29")), "2024-02-29T05:00:00Z..2024-03-01T05:00:00Z");
        let now = Some(UtcMs("2024-03-13T02:00:00Z".parse::<Timestamp>().unwrap().as_millisecond()));
        let at = Calendar { now, ..calendar };
        assert_eq!(shown(at.dates("today")), "2024-03-12T05:00:00Z..2024-03-13T05:00:00Z");
        assert_eq!(shown(at.dates("yesterday")), "2024-03-11T05:00:00Z..2024-03-12T05:00:00Z");
        assert_eq!(shown(at.dates("last-week")), "2024-03-04T05:00:00Z..2024-03-11T05:00:00Z");
        assert_eq!(shown(at.dates("last month")), "2024-02-01T05:00:00Z..2024-03-01T05:00:00Z");
        assert_eq!(shown(at.dates("this-year")), "2024-01-01T05:00:00Z..2025-01-01T05:00:00Z");
        assert_eq!(shown(at.dates("7d")), "2024-03-06T02:00:00Z..");
        assert_eq!(shown(at.dates("2w..7d")), "2024-02-28T02:00:00Z..2024-03-06T02:00:00.001Z");
        assert_eq!(calendar.dates("today"), Err(NoStretch::NoClock));
    }
}
