//! Values of fields that are no words: ranges of dates, sizes, numbers; networks, hex digits.

use std::net::{IpAddr, Ipv6Addr};

use super::Language;

/// A stretch of numbers: from the first up to but not with the second.
pub(super) type Stretch = (Option<i64>, Option<i64>);

/// Why a value is no stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoStretch {
    /// It cannot be read.
    Unreadable,
    /// Its end lies before its beginning; it turned around.
    Reversed(Option<String>),
    /// It counts from now, and no clock was given.
    NoClock,
}

/// Splits `>=x`, `a..b`, `a..<b`, `[a TO b]` and plain values; `one` gives the stretch that a plain value stands for.
///
/// In language 1 the end of `a..b` did not belong to it.
pub(super) fn stretch(
    text: &str,
    language: Language,
    one: impl Fn(&str) -> Result<(i64, i64), NoStretch>,
) -> Result<Stretch, NoStretch> {
    let is_old = language == Language::One;
    if let Some(inner) = text.strip_prefix(['[', '{']).filter(|_| !is_old) {
        let inner = inner.strip_suffix([']', '}']).ok_or(NoStretch::Unreadable)?;
        let (a, b) = inner.split_once(" TO ").ok_or(NoStretch::Unreadable)?;
        let ends = (open_end(a), open_end(b));
        let text = match (text.starts_with('{'), text.ends_with('}')) {
            (false, false) => format!("{}..{}", ends.0, ends.1),
            (false, true) if !ends.1.is_empty() => format!("{}..<{}", ends.0, ends.1),
            _ => return Err(NoStretch::Unreadable),
        };
        return stretch(&text, language, one);
    }
    if let Some((a, b)) = text.split_once("..") {
        let (b, with_end) = match b.strip_prefix('<') {
            Some(b) if !is_old => (b, false),
            _ => (b, !is_old),
        };
        if !is_old && a.is_empty() && b.is_empty() {
            return Err(NoStretch::Unreadable);
        }
        let first = if a.is_empty() { None } else { Some(one(a)?) };
        let last = if b.is_empty() { None } else { Some(one(b)?) };
        if let (Some(first), Some(last), false) = (first, last, is_old)
            && (last.1 <= first.0 || (!with_end && last.0 <= first.0))
        {
            let turned = with_end.then(|| format!("{b}..{a}")).filter(|_| last.0 < first.0);
            return Err(NoStretch::Reversed(turned));
        }
        return Ok((first.map(|f| f.0), last.map(|l| if with_end { l.1 } else { l.0 })));
    }
    if let Some(rest) = text.strip_prefix(">=") {
        return Ok((Some(one(rest)?.0), None));
    }
    if let Some(rest) = text.strip_prefix("<=") {
        return Ok((None, Some(one(rest)?.1)));
    }
    if let Some(rest) = text.strip_prefix('>') {
        return Ok((Some(one(rest)?.1), None));
    }
    if let Some(rest) = text.strip_prefix('<') {
        return Ok((None, Some(one(rest)?.0)));
    }
    one(text.strip_prefix('=').unwrap_or(text)).map(|(a, b)| (Some(a), Some(b)))
}

/// `*` is an open end.
fn open_end(text: &str) -> &str {
    let text = text.trim();
    if text == "*" { "" } else { text }
}

/// A stretch of bytes, with `k`, `M`, `G` for 1024, 1024^2, 1024^3.
pub(super) fn sizes(text: &str, language: Language) -> Result<(u64, u64), NoStretch> {
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
    let (a, b) = stretch(text, language, |t| one(t).ok_or(NoStretch::Unreadable))?;
    Ok((a.map_or(0, i64::cast_unsigned), b.map_or(u64::MAX, i64::cast_unsigned)))
}

/// A stretch of numbers of hops.
pub(super) fn counts(text: &str, language: Language) -> Result<(u64, u64), NoStretch> {
    let one = |t: &str| t.parse::<u32>().ok().map(|n| (i64::from(n), i64::from(n) + 1));
    let (a, b) = stretch(text, language, |t| one(t).ok_or(NoStretch::Unreadable))?;
    Ok((a.map_or(0, i64::cast_unsigned), b.map_or(u64::MAX, i64::cast_unsigned)))
}

/// A stretch of milliseconds: `90s`, `5m`, `1h`, `2d`, `1w`, with `-` before it when time ran backwards.
pub(super) fn delays(text: &str, language: Language) -> Result<Stretch, NoStretch> {
    let one = |t: &str| {
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
    };
    stretch(text, language, |t| one(t).ok_or(NoStretch::Unreadable))
}

/// First and last address of an address, a network, or `192.0.2.*`, `192.0.2.1..192.0.2.9`; IPv4 in its mapped form.
pub(super) fn network(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((a, b)) = text.split_once("..") {
        let (from, to) = (network(a)?, network(b)?);
        return (a.parse::<IpAddr>().is_ok() && b.parse::<IpAddr>().is_ok() && from.0 <= to.1)
            .then_some((from.0, to.1));
    }
    if let Some(known) = text.strip_suffix(".*") {
        let known = known.trim_end_matches(".*");
        let count = known.split('.').count();
        let whole = format!("{known}{}/{}", ".0".repeat(4usize.checked_sub(count)?), count * 8);
        return if count < 4 { network(&whole) } else { None };
    }
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

/// Whether a text can only be meant as an address or a network, right or wrong.
pub(super) fn is_like_address(text: &str) -> bool {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let digits = |t: &str, more: &str| t.chars().all(|c| c.is_ascii_digit() || more.contains(c));
    let is_four =
        address.contains('.') && digits(address, ".*") && address.starts_with(|c: char| c.is_ascii_digit());
    let is_six = address.matches(':').count() >= 2
        && address.chars().all(|c| c.is_ascii_hexdigit() || ":.*".contains(c));
    is_four || is_six || bits.is_some_and(|bits| !bits.is_empty() && digits(bits, "."))
}

/// At least eight hex digits, as lower-case text.
pub(super) fn hex(text: &str) -> Option<String> {
    let ok = (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    ok.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Language = Language::Two;

    #[test]
    fn sizes_and_numbers_are_stretches_with_both_ends() {
        assert_eq!(sizes(">1M", TWO), Ok(((1 << 20) + 1, u64::MAX)));
        assert_eq!(sizes("1k..2kb", TWO), Ok((1024, 2049)));
        assert_eq!(sizes("1k..<2kb", TWO), Ok((1024, 2048)));
        assert_eq!(sizes("1k..2kb", Language::One), Ok((1024, 2048)));
        assert_eq!(sizes("[1 TO 5]", TWO), Ok((1, 6)));
        assert_eq!(sizes("[1 TO 5}", TWO), Ok((1, 5)));
        assert_eq!(sizes("[* TO 5]", TWO), Ok((0, 6)));
        assert!(sizes("-1", TWO).is_err());
        assert!(sizes("99999999999G", TWO).is_err());
        assert_eq!(counts(">3", TWO), Ok((4, u64::MAX)));
        assert_eq!(counts("0", TWO), Ok((0, 1)));
        assert_eq!(counts("1..3", TWO), Ok((1, 4)));
        assert!(counts("x", TWO).is_err());
        assert_eq!(delays(">1h", TWO), Ok((Some(3_600_001), None)));
        assert_eq!(delays("<-5m", TWO), Ok((None, Some(-300_000))));
        assert_eq!(delays("0s..90", TWO), Ok((Some(0), Some(90_001))));
        assert!(delays("1y", TWO).is_err());
        assert!(delays(">", TWO).is_err());
    }

    #[test]
    fn a_range_that_holds_nothing_is_no_range() {
        assert_eq!(counts("5..3", TWO), Err(NoStretch::Reversed(Some("3..5".to_owned()))));
        assert_eq!(counts("3..<3", TWO), Err(NoStretch::Reversed(None)));
        assert_eq!(counts("..", TWO), Err(NoStretch::Unreadable));
        assert_eq!(counts("3..3", TWO), Ok((3, 4)));
        assert_eq!(counts("5..3", Language::One), Ok((5, 3)));
    }

    #[test]
    fn networks_are_written_in_the_usual_ways() {
        let net = |t: &str| network(t).map(|(a, b)| format!("{a} {b}"));
        assert_eq!(net("192.0.2.77/24").as_deref(), Some("::ffff:192.0.2.0 ::ffff:192.0.2.255"));
        assert_eq!(net("192.0.2.*").as_deref(), Some("::ffff:192.0.2.0 ::ffff:192.0.2.255"));
        assert_eq!(net("10.*").as_deref(), Some("::ffff:10.0.0.0 ::ffff:10.255.255.255"));
        assert_eq!(net("10.*.*.*").as_deref(), Some("::ffff:10.0.0.0 ::ffff:10.255.255.255"));
        assert_eq!(net("192.0.2.1..192.0.2.9").as_deref(), Some("::ffff:192.0.2.1 ::ffff:192.0.2.9"));
        assert_eq!(net("192.0.2.9..192.0.2.1"), None);
        assert_eq!(net("0.0.0.0/0").as_deref(), Some("::ffff:0.0.0.0 ::ffff:255.255.255.255"));
        assert_eq!(net("[IPv6:2001:db8::1]").as_deref(), Some("2001:db8::1 2001:db8::1"));
        assert!(net("::/0").is_some());
        assert_eq!(net("1.2.3.4/33"), None);
        assert_eq!(net("300.1.1.1"), None);
        assert_eq!(net("300.*"), None);
        assert_eq!(net("example.org"), None);
        for text in ["1.2.3.4/99", "300.1.1.1", "198.51.100.*", "192.0.2", "fe80::xyz/64", "2001:db8:::1"] {
            assert!(is_like_address(text), "{text}");
        }
        for text in ["mx1.example.org", "localhost", "a", "4.example", "b/c"] {
            assert!(!is_like_address(text), "{text}");
        }
        assert_eq!(hex("9F86D081").as_deref(), Some("9f86d081"));
        assert_eq!(hex("9f86d08"), None);
    }
}
