//! The `From ` line of an mbox: which lines have the form of a separator.
//!
//! RFC 4155 appendix A asks for an address, a space and a UTC ctime. What programs write is wider: any sender (with
//! blanks, quoted, empty or `-`), then ctime with the zone before or after the year, without seconds, or the order of
//! RFC 822. The date is what tells a separator from a sentence, so it is read token by token from its weekday on.

/// Longest line that can be a separator, in bytes without its end. RFC 5321 allows addresses of 254.
pub(super) const MAX_LINE: usize = 1000;

const DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// Whether a line (without its end) that starts with `From ` goes on as a separator: something, then a date.
pub(super) fn is_dated(line: &[u8]) -> bool {
    let Some(tail) = line.strip_prefix(b"From ") else { return false };
    if tail.len() > MAX_LINE {
        return false;
    }
    let mut words = words(tail);
    while let Some(word) = words.next() {
        let day = word.strip_suffix(b",").unwrap_or(word);
        if is_one_of(day, &DAYS) && date_follows(words.clone()) {
            return true;
        }
    }
    false
}

/// Whether the line is the one that `git format-patch` puts before each patch: a commit id and a fixed date.
pub(super) fn is_git(line: &[u8]) -> bool {
    let mut words = words(line.strip_prefix(b"From ").unwrap_or_default());
    let id = words.next().unwrap_or_default();
    (id.len() == 40 || id.len() == 64)
        && id.iter().all(u8::is_ascii_hexdigit)
        && words.eq([&b"Mon"[..], b"Sep", b"17", b"00:00:00", b"2001"])
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    text.split(|&b| b == b' ' || b == b'\t').filter(|w| !w.is_empty())
}

fn is_one_of(word: &[u8], names: &[&[u8; 3]]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(*name))
}

/// Reads what follows the weekday, to the end of the line.
fn date_follows<'a>(mut rest: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
    let (Some(a), Some(b)) = (rest.next(), rest.next()) else { return false };
    if is_one_of(a, &MONTHS) && is_day(b) {
        // ctime: time, zones, year, zones
        if !rest.next().is_some_and(is_time) {
            return false;
        }
        let mut zones = 0u8;
        for word in rest.by_ref() {
            if is_year(word) {
                return only_zones(rest);
            }
            zones = zones.saturating_add(1);
            if zones > 2 || !is_zone(word) {
                return false;
            }
        }
        false
    } else if is_day(a) && is_one_of(b, &MONTHS) {
        // RFC 822: year, time, zones
        rest.next().is_some_and(is_year) && rest.next().is_some_and(is_time) && only_zones(rest)
    } else {
        false
    }
}

/// At most two zones, then nothing, or the `remote from host` of UUCP.
fn only_zones<'a>(rest: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
    let mut rest = rest.peekable();
    let mut zones = 0u8;
    while let Some(word) = rest.next() {
        if word == b"remote" && rest.peek() == Some(&&b"from"[..]) {
            return true;
        }
        zones = zones.saturating_add(1);
        if zones > 2 || !is_zone(word) {
            return false;
        }
    }
    true
}

fn number(word: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let plain = digits.contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    plain.then(|| word.iter().fold(0, |n: u32, b| n.saturating_mul(10).saturating_add(u32::from(b & 15))))
}

fn is_day(word: &[u8]) -> bool {
    number(word, 1..=2).is_some_and(|d| (1..=31).contains(&d))
}

fn is_year(word: &[u8]) -> bool {
    number(word, 4..=4).is_some() || number(word, 2..=2).is_some()
}

fn is_time(word: &[u8]) -> bool {
    let mut parts = word.split(|&b| b == b':').map(|p| number(p, 1..=2));
    let hour = parts.next().flatten().is_some_and(|h| h <= 24);
    let minute = parts.next().flatten().is_some_and(|m| m <= 59);
    let second = parts.next().is_none_or(|s| s.is_some_and(|s| s <= 61));
    hour && minute && second && parts.next().is_none()
}

fn is_zone(word: &[u8]) -> bool {
    match word {
        [b'+' | b'-', digits @ ..] => number(digits, 4..=4).is_some(),
        [b'(', name @ .., b')'] | name => {
            (1..=8).contains(&name.len()) && name.iter().all(u8::is_ascii_alphabetic)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: bool) {
        assert_eq!(is_dated(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn the_lines_that_programs_write_are_separators() {
        for line in [
            "From a@example.org Thu Nov 20 08:15:04 2025",
            "From a@example.org  Thu Nov  6 08:15:04 2025",
            "From - Thu Nov 20 08:15:04 2025",
            "From ???@??? Thu Nov 20 08:15:04 2025",
            "From MAILER-DAEMON Thu Nov 20 08:15:04 2025",
            "From 1764000000000000000@xxx Thu Nov 20 08:15:04 +0000 2025",
            "From a@example.org Sat Sep  1 20:58 EDT 2001",
            "From a@example.org Thu Sep 13 12:30:05 2001 -0400",
            "From a@example.org Thu Jan  1 00:00:00 MET DST 1970",
            "From a@example.org Thu Jan  1 00:00:00 1970 WETDST",
            "From joe at example.org  Wed Feb  1 19:06:04 2006",
            "From \"joe x\"@example.org Wed Feb  1 19:06:04 2006",
            "From  Wed Feb  1 19:06:04 2006",
            "From host!joe Wed, 11 Feb 87 19:06:04 PST remote from ahost",
            "From a@example.org Thu, 20 Nov 2025 08:15:04 +0000",
            "From a@example.org Thu, 20 Nov 2025 08:15:04 +0000 (GMT)",
            "From MAILER-DAEMON Fri 3 Jul 2009 08:15:04 +0900",
            "From sun wed Sun Wed Feb 1 19:6:04 2006",
        ] {
            check(line, true);
        }
    }

    #[test]
    fn sentences_are_no_separators() {
        for line in [
            "From here on it is downhill",
            "From ",
            "From",
            "From: a@example.org",
            "From a@example.org",
            "From Mon to Fri we meet at 10:00:00",
            "From then, Mon Jan 5 10:00:00 2004 was the day we met",
            "From a@example.org Thu Nov 20 2025",
            "From a@example.org Thu Nov 40 08:15:04 2025",
            "From a@example.org Thu Nov 20 25:15:04 2025",
            "From a@example.org Thu Nov 20 08:15:04",
            "from a@example.org Thu Nov 20 08:15:04 2025",
            "From a@example.org 2025-11-20 08:15:04",
        ] {
            check(line, false);
        }
    }

    #[test]
    fn the_line_of_a_git_patch_is_known_by_its_date() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert!(is_git(format!("From {id} Mon Sep 17 00:00:00 2001").as_bytes()));
        assert!(!is_git(format!("From {id} Mon Sep 17 00:00:01 2001").as_bytes()));
        assert!(!is_git(b"From a@example.org Mon Sep 17 00:00:00 2001"));
        check(&format!("From {id} Mon Sep 17 00:00:00 2001"), true);
    }
}
