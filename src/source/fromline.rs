//! The `From ` line of an mbox: which lines have the form of a separator.
//!
//! RFC 4155 appendix A asks for an address, a space and a UTC ctime. What programs write is wider: any sender (with
//! blanks, quoted, empty or `-`), then ctime with the zone before or after the year, without seconds, or the order of
//! RFC 822. The date is what tells a separator from a sentence, so it is read token by token from its weekday on.
//! Rarer orders, and lines without a date, are told apart in `sender`.

use super::sender;

/// Longest line that can be a separator, in bytes without its end. RFC 5321 allows addresses of 254.
pub(super) const MAX_LINE: usize = 1000;

const DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// What a line that starts with `From ` goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Something, then a date in the order of ctime or of RFC 822.
    Dated,
    /// Something, then a date in a rarer order that a known writer uses; says which.
    Odd(&'static str),
    /// A sender and a date in no known order: a separator only before header fields.
    Loose,
    /// Nothing but a sender as a known writer puts it: a separator only before header fields.
    Undated,
    /// A sentence, as far as the line tells.
    Text,
}

impl Form {
    /// Whether the date alone tells that this is a separator.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Dated | Self::Odd(_))
    }

    /// What must be said of a separator in this form: what it lacks, or how it is odd.
    pub(super) fn oddity(self) -> Option<&'static str> {
        match self {
            Self::Dated => None,
            Self::Odd(why) => Some(why),
            Self::Loose => Some("its date is in no known order"),
            Self::Undated | Self::Text => Some("it has no date"),
        }
    }
}

/// The form of a line, without its end.
pub(super) fn form(line: &[u8]) -> Form {
    let Some(tail) = line.strip_prefix(b"From ").filter(|tail| tail.len() <= MAX_LINE) else {
        return Form::Text;
    };
    if is_dated(line) {
        return Form::Dated;
    }
    let mut rest = words(tail);
    while let Some(word) = rest.next() {
        if is_one_of(bare(word), &DAYS)
            && let Some(order) = odd_order(rest.clone())
        {
            return Form::Odd(order);
        }
    }
    match sender::split(tail) {
        Some((_, [])) => Form::Undated,
        Some((_, date)) if is_loose_date(date) => Form::Loose,
        _ => Form::Text,
    }
}

/// Whether a line (without its end) that starts with `From ` goes on as a separator: something, then a date.
pub(super) fn is_dated(line: &[u8]) -> bool {
    let Some(tail) = line.strip_prefix(b"From ") else { return false };
    if tail.len() > MAX_LINE {
        return false;
    }
    let mut words = words(tail);
    while let Some(word) = words.next() {
        if is_one_of(bare(word), &DAYS) && date_follows(words.clone()) {
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

/// The word without a comma at its end.
fn bare(word: &[u8]) -> &[u8] {
    word.strip_suffix(b",").unwrap_or(word)
}

/// Reads what follows the weekday, to the end of the line, in the orders that are written seldom; says which it is.
fn odd_order<'a>(mut rest: impl Iterator<Item = &'a [u8]> + Clone) -> Option<&'static str> {
    let (a, b) = (rest.next()?, bare(rest.next()?));
    let is_any_day = |word: &[u8]| number(word, 1..=2).is_some_and(|d| d <= 31);
    let (month_first, day) = match (is_one_of(a, &MONTHS), is_one_of(b, &MONTHS)) {
        (true, _) => (true, b),
        (false, true) => (false, a),
        _ => return None,
    };
    if !is_any_day(day) {
        return None;
    }
    let word = rest.next()?;
    if number(bare(word), 4..=4).is_some() {
        if !(rest.next().is_some_and(is_time) && only_wide_zones(rest)) {
            return None;
        }
        let why = if month_first { "the year stands before the time" } else { "its zone is in a rare form" };
        return Some(if is_day(day) { why } else { "its day is 0" });
    }
    if !is_time(word) {
        return None;
    }
    let mut zones = 0u8;
    loop {
        let word = rest.next()?;
        if is_year(word) {
            break;
        }
        zones = zones.saturating_add(1);
        if zones > 2 || !is_wide_zone(word) {
            return None;
        }
    }
    let why = match (month_first, is_day(day)) {
        (_, false) => "its day is 0",
        (true, true) => "its zone is in a rare form",
        (false, true) => "the day stands before the month and the time before the year",
    };
    only_wide_zones(rest).then_some(why)
}

/// At most two zones; then nothing, or the name of the zone in parentheses.
fn only_wide_zones<'a>(rest: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut zones = 0u8;
    let mut named = false;
    let mut last: &[u8] = b"";
    for word in rest {
        named |= word.starts_with(b"(");
        if !named {
            zones = zones.saturating_add(1);
            if zones > 2 || !is_wide_zone(word) {
                return false;
            }
        }
        last = word;
    }
    !named || last.ends_with(b")")
}

/// A zone as mail has it, or as Java, JavaScript and `date` write it: `GMT+02:00`, `+02:00`, `GMT+0200`, `EST5EDT`.
fn is_wide_zone(word: &[u8]) -> bool {
    let name = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let rest = word.get(name..).unwrap_or_default();
    let offset = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b':');
    is_zone(word)
        || (name <= 5 && (1..=9).contains(&rest.len()) && !is_time(word) && rest.iter().all(offset) && {
            let signed = matches!(rest.first(), Some(b'+' | b'-'));
            signed || (name >= 3 && rest.first().is_some_and(u8::is_ascii_digit))
        })
}

/// Whether the text holds a day, a month and a year and nothing but what a date is made of, in any order.
fn is_loose_date(text: &[u8]) -> bool {
    let (mut day, mut month, mut year, mut zones) = (false, false, false, 0u8);
    for word in words(text).map(bare) {
        let names = |table: &[&[u8; 3]]| {
            word.len() >= 3
                && word.iter().all(u8::is_ascii_alphabetic)
                && is_one_of(word.get(..3).unwrap_or(word), table)
        };
        if !month && names(&MONTHS) {
            month = true;
        } else if is_calendar_date(word) && !day && !month && !year {
            (day, month, year) = (true, true, true);
        } else if number(word, 4..=4).is_some() && !year {
            year = true;
        } else if is_day(word) && !day {
            day = true;
        } else if !is_time(word) && !names(&DAYS) {
            zones = zones.saturating_add(1);
            if zones > 2 || !is_wide_zone(word) {
                return false;
            }
        }
    }
    day && month && year
}

/// `2025-11-20`, `20.11.2025` or `11/20/2025`, and what ISO 8601 has behind the `T`.
fn is_calendar_date(word: &[u8]) -> bool {
    let digits = |b: &u8| b.is_ascii_digit();
    let date = word.iter().take_while(|b| digits(b) || matches!(b, b'-' | b'.' | b'/')).count();
    let (date, rest) = word.split_at(date);
    let parts = || date.split(|b| !digits(b));
    let sizes = (2..=4).contains(&parts().next().unwrap_or_default().len())
        || parts().next().is_some_and(|p| p.len() == 1);
    let rest_fits = rest.is_empty()
        || (rest.starts_with(b"T")
            && rest.len() > 4
            && rest.iter().all(|b| b.is_ascii_alphanumeric() || b"+-:.".contains(b)));
    parts().count() == 3
        && sizes
        && parts().any(|p| p.len() == 4)
        && parts().all(|p| !p.is_empty())
        && rest_fits
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

    fn form_of(line: &str) -> Form {
        form(line.as_bytes())
    }

    #[test]
    fn rarer_orders_of_the_date_are_known_and_told() {
        for (line, why) in [
            ("From a@example.org Sat Apr 12 2025 15:59:28", "the year stands before the time"),
            ("From - Sat Apr 12 2025 15:59:28", "the year stands before the time"),
            ("From - Sat Apr 12 2025 15:59:28 GMT+0200", "the year stands before the time"),
            (
                "From - Sat Apr 12 2025 15:59:28 GMT+0200 (Central European Summer Time)",
                "the year stands before the time",
            ),
            ("From Ann Lee at example.org Sat, Apr 12, 2025 15:59", "the year stands before the time"),
            ("From a@example.org Mon Jan 00 00:00:00 0000", "its day is 0"),
            ("From a@example.org Sun Jan 0 00:00:00 1900", "its day is 0"),
            (
                "From a@example.org Thu 20 Nov 08:15:04 CET 2025",
                "the day stands before the month and the time before the year",
            ),
            ("From a@example.org Tue Jun 05 10:11:12 GMT+02:00 2012", "its zone is in a rare form"),
            ("From a@example.org Tue, 05 Jun 2012 10:11:12 +02:00", "its zone is in a rare form"),
        ] {
            assert_eq!(form_of(line), Form::Odd(why), "{line}");
            check(line, false);
        }
        assert_eq!(form_of("From a@example.org Thu Nov 20 08:15:04 2025"), Form::Dated);
    }

    #[test]
    fn a_sender_alone_or_with_a_date_in_any_order_needs_fields_behind_it() {
        for line in [
            "From ",
            "From - ",
            "From  -",
            "From a@example.org",
            "From <a@example.org>",
            "From \"ann lee\"@example.org ",
            "From 1844347792267117879@xxx",
            "From ???@???",
            "From <>",
            "From a@[192.0.2.1]",
        ] {
            assert_eq!(form_of(line), Form::Undated, "{line}");
        }
        for line in [
            "From a@example.org 2025-11-20 08:15:04",
            "From - 2025-11-20T08:15:04+00:00",
            "From a@example.org Nov 20 08:15:04 2025",
            "From - 11/20/2025, 3:59:28 PM",
            "From - 20.11.2025 15:59",
            "From a@example.org Thursday, November 20, 2025 8:15:04 AM",
            "From a@example.org Thu Nov 20 2025",
        ] {
            assert_eq!(form_of(line), Form::Loose, "{line}");
        }
    }

    #[test]
    fn words_without_a_date_are_a_sentence() {
        for line in [
            "From the desk of Ann Lee",
            "From Russia with love",
            "From Ann",
            "From me:",
            "From a@example.org:",
            "From a@example.org.",
            "From a@example.org b@example.org",
            "From a@example.org to b@example.org on 2025-11-20",
            "From 10 to 12",
            "From here",
            "From : a@example.org",
            "From 2025-11-20 to 2025-11-21",
            "From a@example.org May we meet",
            "From Thu Nov 20 2025 on",
            "From 0123456789abcdef0123456789abcdef01234567",
        ] {
            assert_eq!(form_of(line), Form::Text, "{line}");
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
