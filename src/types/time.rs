//! Instants, and the clock as a parameter.

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMs(pub i64);

/// Where the time of day comes from; tests pass one that stands still.
pub trait Clock: Send + Sync {
    /// Now, in microseconds since 1970-01-01T00:00:00Z.
    fn now_us(&self) -> i64;
}

/// How long each step of a way took: `times` are those of its hops, newest first, `None` where a hop tells no certain
/// instant; `each` gets the place of a hop in them and the milliseconds since the next older hop with an instant,
/// negative when it says it was earlier.
pub fn each_delay(
    times: impl DoubleEndedIterator<Item = Option<i64>> + ExactSizeIterator,
    mut each: impl FnMut(usize, i64),
) {
    let mut older: Option<i64> = None;
    for (at, time) in times.enumerate().rev() {
        let Some(now) = time else { continue };
        if let Some(then) = older {
            each(at, now.saturating_sub(then));
        }
        older = Some(now);
    }
}

/// The second of a time in RFC 3339 in UTC with `Z`, as [`rfc3339`] and [`rfc3339_us`] write it; `None` of anything
/// else.
pub fn secs_of_rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut days = date.splitn(3, '-');
    let (year, month, day) =
        (days.next()?.parse().ok()?, days.next()?.parse().ok()?, days.next()?.parse().ok()?);
    let mut parts = time.split('.').next()?.splitn(3, ':').map(str::parse::<u32>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let is_time = is_day(year, month, day) && hour < 24 && minute < 60 && second < 60;
    let secs = i64::from(hour * 3600 + minute * 60 + second);
    is_time.then(|| days_from_civil(year, month, day).saturating_mul(86_400).saturating_add(secs))
}

/// How many days a month has in the Gregorian calendar; 0 where there is no such month (`month` is 1..=12).
///
/// The one place that knows: the dates of fields, servers, ids and containers all ask here, so that 31 February is
/// nobody's date.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Whether the calendar has the day.
pub fn is_day(year: i64, month: u32, day: u32) -> bool {
    (1..=days_in_month(year, month)).contains(&day)
}

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar. `month` is 1..=12.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Year, month (1..=12) and day of a day counted from 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// Day of the week, 0 = Sunday, of a day counted from 1970-01-01 (a Thursday).
pub fn weekday(days: i64) -> u32 {
    u32::try_from((days + 4).rem_euclid(7)).unwrap_or_default()
}

/// RFC 3339 in UTC with `Z`: seconds, and milliseconds where they are not zero.
pub fn rfc3339(at: UtcMs) -> String {
    let (secs, ms) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
    let base = stamp(secs);
    if ms == 0 { format!("{base}Z") } else { format!("{base}.{ms:03}Z") }
}

/// The same of an instant that may not be certain: a time whose zone is not known ends in `mark` and not in `Z`, so
/// that nobody takes it for UTC.
pub fn rfc3339_marked(at: UtcMs, is_certain: bool, mark: &str) -> String {
    let text = rfc3339(at);
    match text.strip_suffix('Z') {
        Some(local) if !is_certain => format!("{local}{mark}"),
        _ => text,
    }
}

/// RFC 3339 in UTC with microseconds, the form of the custody log.
pub fn rfc3339_us(us: i64) -> String {
    format!("{}.{:06}Z", stamp(us.div_euclid(1_000_000)), us.rem_euclid(1_000_000))
}

/// RFC 3339 in UTC, as finely as a clock counts that goes in steps of `step_us` microseconds, and no finer: none of its
/// digits is invented.
pub fn rfc3339_step(us: i64, step_us: i64) -> String {
    let (base, rest) = (stamp(us.div_euclid(1_000_000)), us.rem_euclid(1_000_000));
    let digits = (0..6).find(|digits| step_us >= 10i64.pow(6 - digits)).unwrap_or(6);
    if digits == 0 {
        return format!("{base}Z");
    }
    let (fraction, width) = (rest / 10i64.pow(6 - digits), digits as usize);
    format!("{base}.{fraction:0width$}Z")
}

fn stamp(secs: i64) -> String {
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_the_days_of_the_calendar() {
        for (year, month, days) in [
            (2024, 2, 29),
            (2023, 2, 28),
            (1900, 2, 28),
            (2000, 2, 29),
            (2013, 4, 30),
            (2013, 12, 31),
            (2013, 0, 0),
            (2013, 13, 0),
        ] {
            assert_eq!(days_in_month(year, month), days, "{year}-{month}");
            assert!(!is_day(year, month, days + 1) && !is_day(year, month, 0), "{year}-{month}");
        }
        // Every day of the calendar, and only those, goes to the count of days and back.
        for (year, month, day) in
            (1996..2005).flat_map(|y| (0..14).flat_map(move |m| (0..33).map(move |d| (y, m, d))))
        {
            let there = days_from_civil(year, month, day);
            assert_eq!(
                is_day(year, month, day),
                civil_from_days(there) == (year, month, day),
                "{year} {month} {day}"
            );
        }
    }

    #[test]
    fn civil_dates_go_there_and_back() {
        for days in (-800_000..800_000).step_by(37) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
        assert_eq!(rfc3339(UtcMs(1_763_626_504_000)), "2025-11-20T08:15:04Z");
        assert_eq!(rfc3339(UtcMs(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(weekday(0), 4);
        for text in ["2025-11-20T08:15:04Z", "2025-11-20T08:15:04.999999Z"] {
            assert_eq!(secs_of_rfc3339(text), Some(1_763_626_504));
        }
        for text in ["2025-11-20T08:15:04", "2025-13-20T08:15:04Z", "2025-11-20 08:15:04Z", "", "TZ"] {
            assert_eq!(secs_of_rfc3339(text), None, "{text}");
        }
        for (step, want) in [
            (60_000_000, "2025-11-20T08:15:04Z"),
            (1_000_000, "2025-11-20T08:15:04Z"),
            (100_000, "2025-11-20T08:15:04.0Z"),
            (1_000, "2025-11-20T08:15:04.012Z"),
            (30, "2025-11-20T08:15:04.01234Z"),
            (1, "2025-11-20T08:15:04.012345Z"),
        ] {
            assert_eq!(rfc3339_step(1_763_626_504_012_345, step), want);
        }
    }
}
