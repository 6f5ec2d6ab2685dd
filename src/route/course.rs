//! How a relay's clock goes over the months: steady, drifting, or by hours at a time.

use super::clocks::SMALLEST;

/// What a relay's clock showed in one month (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Months since January 1970.
    pub number: i64,
    /// The middle of the times at which it was compared, in milliseconds since 1970.
    pub at: i64,
    /// Milliseconds that it was ahead; negative when it was behind.
    pub ahead_ms: i64,
    /// Neighbours in time that it was compared with.
    pub neighbours: u32,
}

/// How a clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is wrong by the same in every month, or right.
    Steady,
    /// It runs fast (more than 0) or slow, by so many microseconds a day.
    Drift {
        /// Microseconds a day.
        us_per_day: i64,
    },
    /// It changes by whole or half hours: zones and daylight saving time.
    ZoneSlips,
    /// It changes otherwise.
    Changing,
}

impl Course {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Drift { .. } => "drift",
            Self::ZoneSlips => "zone-slips",
            Self::Changing => "changing",
        }
    }
}

const DAY: i64 = 86_400_000;
const HALF_HOUR: i64 = 1_800_000;

/// How far from a multiple of half an hour a change may be to be one of zones.
const NEAR: i64 = 120_000;

/// The month of an instant (UTC), counted from January 1970.
pub(super) fn month(at: i64) -> i64 {
    // Days to years of 400-year cycles that begin in March, after Howard Hinnant's civil_from_days.
    let days = at.div_euclid(DAY) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    (era * 400 + year - 1_970) * 12 + march + 2
}

/// The name of a month: `2024-03`.
pub fn month_name(number: i64) -> String {
    format!("{:04}-{:02}", 1_970 + number.div_euclid(12), number.rem_euclid(12) + 1)
}

/// The error at a time on the line through the first and last month.
pub(super) fn on_line(first: &Month, last: &Month, at: i64) -> i64 {
    let span = i128::from(last.at - first.at).max(1);
    let rise = i128::from(last.ahead_ms - first.ahead_ms) * i128::from(at - first.at);
    first.ahead_ms.saturating_add(i64::try_from(rise / span).unwrap_or_default())
}

/// How a clock went, by its months in order; no month stands for a steady one.
pub(super) fn course(months: &[Month]) -> Course {
    let ([first, .., last], true) = (months, months.len() > 1) else { return Course::Steady };
    let changes = || months.windows(2).map(|pair| pair[1].ahead_ms - pair[0].ahead_ms);
    let is_slip = |change: i64| {
        let rest = change.rem_euclid(HALF_HOUR);
        change.abs() >= HALF_HOUR - NEAR && (rest <= NEAR || rest >= HALF_HOUR - NEAR)
    };
    if changes().all(|change| change.abs() < SMALLEST) && (last.ahead_ms - first.ahead_ms).abs() < SMALLEST {
        return Course::Steady;
    }
    if changes().all(|change| change.abs() < SMALLEST || is_slip(change)) && changes().any(is_slip) {
        return Course::ZoneSlips;
    }
    let fits = |month: &Month| (month.ahead_ms - on_line(first, last, month.at)).abs() <= SMALLEST;
    if months.len() >= 3 && months.iter().all(fits) {
        let span = i128::from(last.at - first.at).max(1);
        let rise = i128::from(last.ahead_ms - first.ahead_ms) * 1_000 * i128::from(DAY);
        return Course::Drift { us_per_day: i64::try_from(rise / span).unwrap_or_default() };
    }
    Course::Changing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[i64]) -> Course {
        let one = |(number, &secs): (i64, &i64)| Month {
            number,
            at: number * 30 * DAY,
            ahead_ms: secs * 1000,
            neighbours: 50,
        };
        course(&(0..).zip(values).map(one).collect::<Vec<_>>())
    }

    #[test]
    fn courses_are_told_apart() {
        assert_eq!(of(&[]), Course::Steady);
        assert_eq!(of(&[7200]), Course::Steady);
        assert_eq!(of(&[7200, 7201, 7199]), Course::Steady);
        assert_eq!(of(&[0, 30, 60, 90]), Course::Drift { us_per_day: 1_000_000 });
        assert_eq!(of(&[90, 62, 31, 0]), Course::Drift { us_per_day: -1_000_000 });
        assert_eq!(of(&[0, 0, 3600, 3601, 0]), Course::ZoneSlips);
        assert_eq!(of(&[0, -1800, -1800]), Course::ZoneSlips);
        assert_eq!(of(&[0, 400, 10, 2000]), Course::Changing);
        assert_eq!(of(&[0, 400]), Course::Changing);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (at, name) in [
            (0, "1970-01"),
            (-1, "1969-12"),
            (951_782_400_000, "2000-02"),
            (951_868_800_000, "2000-03"),
            (1_709_251_199_999, "2024-02"),
            (1_709_251_200_000, "2024-03"),
            (1_735_689_600_000, "2025-01"),
        ] {
            assert_eq!(month_name(month(at)), name, "{at}");
        }
    }
}
