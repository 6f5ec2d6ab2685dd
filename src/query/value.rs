//! Values of fields that are no words: dates, sizes, networks, hex digits.

use std::net::{IpAddr, Ipv6Addr};

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use crate::types::time::UtcMs;

/// A stretch of numbers: from the first up to but not with the second.
pub(super) type Stretch = (Option<i64>, Option<i64>);

/// Splits `>=x`, `a..b` and plain values; `one` gives the stretch that a plain value stands for.
fn stretch(text: &str, one: impl Fn(&str) -> Option<(i64, i64)>) -> Option<Stretch> {
    if let Some((a, b)) = text.split_once("..") {
        let end = |t: &str| if t.is_empty() { Some(None) } else { one(t).map(|(start, _)| Some(start)) };
        return Some((end(a)?, end(b)?));
    }
    if let Some(rest) = text.strip_prefix(">=") {
        return Some((Some(one(rest)?.0), None));
    }
    if let Some(rest) = text.strip_prefix("<=") {
        return Some((None, Some(one(rest)?.1)));
    }
    if let Some(rest) = text.strip_prefix('>') {
        return Some((Some(one(rest)?.1), None));
    }
    if let Some(rest) = text.strip_prefix('<') {
        return Some((None, Some(one(rest)?.0)));
    }
    one(text.strip_prefix('=').unwrap_or(text)).map(|(a, b)| (Some(a), Some(b)))
}

/// A stretch of time in ms: a year, month, day, minute or second in the time zone, or one with its own offset.
pub(super) fn dates(text: &str, zone: &TimeZone) -> Option<(Option<UtcMs>, Option<UtcMs>)> {
    let (a, b) = stretch(text, |t| period(t, zone))?;
    Some((a.map(UtcMs), b.map(UtcMs)))
}

fn period(text: &str, zone: &TimeZone) -> Option<(i64, i64)> {
    let ms =
        |at: DateTime| zone.to_ambiguous_timestamp(at).compatible().ok().map(jiff::Timestamp::as_millisecond);
    if let Some(at) = text.find(['T', 't']) {
        return moment(text.get(..at)?, text.get(at + 1..)?, zone);
    }
    let mut parts = text.split('-');
    let number = |t: &str, digits: usize| {
        (t.len() == digits && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i16>().ok()).flatten()
    };
    let small = |t: &str| number(t, 2).and_then(|n| i8::try_from(n).ok());
    let year = number(parts.next()?, 4)?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let new = |y, m, d| jiff::civil::Date::new(y, m, d).ok();
    let (from, to) = match (month, day) {
        (None, _) => (new(year, 1, 1)?, new(year.checked_add(1)?, 1, 1).unwrap_or(date(9999, 12, 31))),
        (Some(m), None) => {
            let first = new(year, small(m)?, 1)?;
            (first, first.last_of_month().tomorrow().unwrap_or(date(9999, 12, 31)))
        }
        (Some(m), Some(d)) => {
            let day = new(year, small(m)?, small(d)?)?;
            (day, day.tomorrow().unwrap_or(date(9999, 12, 31)))
        }
    };
    Some((ms(from.at(0, 0, 0, 0))?, ms(to.at(0, 0, 0, 0))?))
}

/// `2024-03-01T10:00`, with seconds or without, with `Z` or an offset or in the time zone asked for.
fn moment(day: &str, time: &str, zone: &TimeZone) -> Option<(i64, i64)> {
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (time.get(..at)?, Some(time.get(at..)?)),
        None => (time, None),
    };
    let (seconds, long) = if clock.len() == 5 { (":00", 60_000) } else { ("", 1000) };
    let at: DateTime = format!("{day}T{clock}{seconds}").parse().ok()?;
    let start = match offset {
        Some("Z" | "z") => TimeZone::UTC.to_ambiguous_timestamp(at).compatible().ok()?.as_millisecond(),
        Some(offset) => {
            let text = format!("{at}{offset}");
            text.parse::<jiff::Timestamp>().ok()?.as_millisecond()
        }
        None => zone.to_ambiguous_timestamp(at).compatible().ok()?.as_millisecond(),
    };
    Some((start, start.checked_add(long)?))
}

/// A stretch of bytes, with `k`, `M`, `G` for 1024, 1024^2, 1024^3.
pub(super) fn sizes(text: &str) -> Option<(u64, u64)> {
    let one = |t: &str| {
        let digits = t.trim_end_matches(['b', 'B']);
        let (digits, unit) = match digits.as_bytes().last()? {
            b'k' | b'K' => (digits.get(..digits.len() - 1)?, 1 << 10),
            b'm' | b'M' => (digits.get(..digits.len() - 1)?, 1 << 20),
            b'g' | b'G' => (digits.get(..digits.len() - 1)?, 1 << 30),
            _ => (digits, 1i64),
        };
        let size = digits
            .parse::<u32>()
            .map(i64::from)
            .or_else(|_| digits.parse::<i64>())
            .ok()?
            .checked_mul(unit)?;
        (size >= 0).then_some((size, size.checked_add(1)?))
    };
    let (a, b) = stretch(text, one)?;
    Some((a.map_or(0, i64::cast_unsigned), b.map_or(u64::MAX, i64::cast_unsigned)))
}

/// A stretch of numbers of hops.
pub(super) fn counts(text: &str) -> Option<(u64, u64)> {
    let one = |t: &str| t.parse::<u32>().ok().map(|n| (i64::from(n), i64::from(n) + 1));
    let (a, b) = stretch(text, one)?;
    Some((a.map_or(0, i64::cast_unsigned), b.map_or(u64::MAX, i64::cast_unsigned)))
}

/// A stretch of milliseconds: `90s`, `5m`, `1h`, `2d`, `1w`, with `-` before it when time ran backwards.
pub(super) fn delays(text: &str) -> Option<Stretch> {
    stretch(text, |t| {
        let (sign, digits) = t.strip_prefix('-').map_or((1, t), |rest| (-1, rest));
        let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let length = match unit {
            "s" | "" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        let number = i64::from(digits.get(..digits.len() - unit.len())?.parse::<u32>().ok()?);
        let at = number.checked_mul(length)?.checked_mul(sign)?;
        Some((at, at.checked_add(1)?))
    })
}

/// First and last address of an address or network; IPv4 in its mapped form.
pub(super) fn network(text: &str) -> Option<(IpAddr, IpAddr)> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let text = text.strip_prefix("IPv6:").or_else(|| text.strip_prefix("ipv6:")).unwrap_or(text);
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let ip: IpAddr = address.parse().ok()?;
    let (six, bits) = match ip {
        IpAddr::V4(four) => (four.to_ipv6_mapped(), bits.map_or(Some(128), |b| (b <= 32).then_some(b + 96))?),
        IpAddr::V6(six) => (six, bits.unwrap_or(128)),
    };
    if bits > 128 {
        return None;
    }
    let host = u128::MAX.checked_shr(bits).unwrap_or(0);
    let (first, last) = (six.to_bits() & !host, six.to_bits() | host);
    Some((Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(last).into()))
}

/// At least eight hex digits, as lower-case text.
pub(super) fn hex(text: &str) -> Option<String> {
    let ok = (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    ok.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time::rfc3339;

    fn check(text: &str, want: &str) {
        let shown = |t: Option<UtcMs>| t.map_or_else(String::new, rfc3339);
        let got = dates(text, &TimeZone::UTC)
            .map_or("-".to_owned(), |(a, b)| format!("{}..{}", shown(a), shown(b)));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn dates_are_half_open_and_of_any_length() {
        check("2024", "2024-01-01T00:00:00Z..2025-01-01T00:00:00Z");
        check("2024-02", "2024-02-01T00:00:00Z..2024-03-01T00:00:00Z");
        check("2024-02-29", "2024-02-29T00:00:00Z..2024-03-01T00:00:00Z");
        check("2024-03..2024-05", "2024-03-01T00:00:00Z..2024-05-01T00:00:00Z");
        check("..2024", "..2024-01-01T00:00:00Z");
        check(">2024-02", "2024-03-01T00:00:00Z..");
        check(">=2024-02", "2024-02-01T00:00:00Z..");
        check("<2024", "..2024-01-01T00:00:00Z");
        check("<=2024", "..2025-01-01T00:00:00Z");
        check("2024-03-01T10:00", "2024-03-01T10:00:00Z..2024-03-01T10:01:00Z");
        check("2024-03-01T10:00:05+02:00", "2024-03-01T08:00:05Z..2024-03-01T08:00:06Z");
        check("2023-02-29", "-");
        check("24", "-");
        check("2024-1", "-");
        check("2024-01-01-01", "-");
        check("x", "-");
    }

    #[test]
    fn days_follow_the_time_zone_asked_for() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let (from, _) = dates("2024-02-29", &zone).unwrap();
        assert_eq!(rfc3339(from.unwrap()), "2024-02-29T05:00:00Z");
    }

    #[test]
    fn sizes_and_networks_are_stretches_too() {
        assert_eq!(sizes(">1M"), Some(((1 << 20) + 1, u64::MAX)));
        assert_eq!(sizes("1k..2kb"), Some((1024, 2048)));
        assert_eq!(sizes("-1"), None);
        assert_eq!(sizes("99999999999G"), None);
        assert_eq!(counts(">3"), Some((4, u64::MAX)));
        assert_eq!(counts("0"), Some((0, 1)));
        assert_eq!(counts("x"), None);
        assert_eq!(delays(">1h"), Some((Some(3_600_001), None)));
        assert_eq!(delays("<-5m"), Some((None, Some(-300_000))));
        assert_eq!(delays("0s..90"), Some((Some(0), Some(90_000))));
        assert_eq!(delays("1y"), None);
        assert_eq!(delays(">"), None);
        let net = |t: &str| network(t).map(|(a, b)| format!("{a} {b}"));
        assert_eq!(net("192.0.2.77/24").as_deref(), Some("::ffff:192.0.2.0 ::ffff:192.0.2.255"));
        assert_eq!(net("0.0.0.0/0").as_deref(), Some("::ffff:0.0.0.0 ::ffff:255.255.255.255"));
        assert_eq!(net("[IPv6:2001:db8::1]").as_deref(), Some("2001:db8::1 2001:db8::1"));
        assert!(net("::/0").is_some());
        assert_eq!(net("1.2.3.4/33"), None);
        assert_eq!(net("example.org"), None);
        assert_eq!(hex("9F86D081").as_deref(), Some("9f86d081"));
        assert_eq!(hex("9f86d08"), None);
    }
}
