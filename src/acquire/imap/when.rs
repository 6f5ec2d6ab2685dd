//! INTERNALDATE as an instant (RFC 9051 section 9, `date-time`), for rules of time. What is stored is what the server wrote.

use crate::types::time::days_from_civil;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Seconds since 1970 UTC of `17-Jul-1996 02:44:25 -0700` (a one-digit day may have a blank before it); `None` when it is no date.
pub(super) fn seconds(date: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(date).ok()?.trim();
    let mut words = text.split_ascii_whitespace();
    let (day, time, zone) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let mut day = day.split('-');
    let (d, month, year) = (number(day.next()?, 2)?, day.next()?, number(day.next()?, 4)?);
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))?;
    let month = u32::try_from(month).ok()?.checked_add(1)?;
    let mut time = time.split(':');
    let (h, m, s) = (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
    let is_real =
        (1..=31).contains(&d) && h < 24 && m < 60 && s <= 60 && day.next().or(time.next()).is_none();
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, zone.get(1..)?),
        b'-' => (-1, zone.get(1..)?),
        _ => return None,
    };
    let (zone_h, zone_m) = (number(digits.get(..2)?, 2)?, number(digits.get(2..)?, 2)?);
    if !is_real || zone_m > 59 {
        return None;
    }
    let east = sign * (zone_h * 3600 + zone_m * 60);
    Some(days_from_civil(year, month, u32::try_from(d).ok()?) * 86_400 + h * 3600 + m * 60 + s - east)
}

/// A number of at most so many digits.
fn number(digits: &str, most: usize) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.len() <= most && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_standard_are_instants_and_others_are_none() {
        assert_eq!(seconds(b"17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(seconds(b" 1-jan-1970 00:00:00 +0000"), Some(0));
        assert_eq!(seconds(b"01-Jan-1970 01:00:00 +0100"), Some(0));
        for bad in
            ["", "x", "1-Foo-1970 00:00:00 +0000", "1-Jan-1970 25:00:00 +0000", "1-Jan-1970 00:00:00 EST"]
        {
            assert_eq!(seconds(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(seconds(b"1-Jan-1970 00:00:00 +00\xff"), None);
        assert_eq!(seconds("1-Jan-1970 00:00:00 +0é0".as_bytes()), None);
    }
}
