//! The one form that nearly all mail has, `Thu, 20 Nov 2025 09:15:04 +0100 (CET)`, without tokens.

use super::scan;
use super::zone::Zone;
use super::{Fields, Time};

/// The fields of a date in the plain form, its first byte and just past its last; `None` for every other form.
pub(super) fn read(text: &[u8]) -> Option<(Fields, usize, usize)> {
    let start = text.iter().position(|b| !is_blank(*b))?;
    let mut rest = text.get(start..)?;
    let mut weekday = None;
    if let [a, b, c, b',', b' ', tail @ ..] = rest {
        weekday = Some(short_weekday([*a, *b, *c])?);
        rest = tail;
    }
    let (day, after) = match rest {
        [d @ b'0'..=b'9', b' ', tail @ ..] => (digit(*d), tail),
        [b' ', d @ b'0'..=b'9', b' ', tail @ ..] if weekday.is_some() => (digit(*d), tail),
        [d @ b'0'..=b'9', e @ b'0'..=b'9', b' ', tail @ ..] => (two(*d, *e), tail),
        _ => return None,
    };
    let [
        m,
        o,
        n,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        z1,
        z2,
        z3,
        z4,
        tail @ ..,
    ] = after
    else {
        return None;
    };
    let digits = [y1, y2, y3, y4, h1, h2, m1, m2, s1, s2, z1, z2, z3, z4];
    if !digits.iter().all(|d| d.is_ascii_digit()) || tail.first().is_some_and(|b| !is_blank(*b)) {
        return None;
    }
    let month = short_month([*m, *o, *n])?;
    let (hours, minutes) = (two(*z1, *z2), two(*z3, *z4));
    let secs = i32::try_from(hours.saturating_mul(60).saturating_add(minutes).saturating_mul(60)).ok()?;
    // What is odd about a zone is told by the long way.
    let offset = match sign {
        b'+' if minutes < 60 && secs <= 14 * 3600 => secs,
        b'-' if minutes < 60 && secs <= 12 * 3600 => secs.saturating_neg(),
        _ => return None,
    };
    let end = text.len().saturating_sub(tail.len());
    let blanks = tail.iter().position(|b| !is_blank(*b)).unwrap_or(tail.len());
    let (comment, end) = match tail.get(blanks) {
        None => (None, end),
        Some(b'(') => {
            let open = end.saturating_add(blanks);
            let inside = text.get(open.saturating_add(1)..)?;
            let len = inside.iter().position(|b| !b.is_ascii_alphabetic())?;
            let close = open.saturating_add(1).saturating_add(len);
            if text.get(close) != Some(&b')')
                || !text.get(close.saturating_add(1)..)?.iter().all(|b| is_blank(*b))
            {
                return None;
            }
            (inside.get(..len), close.saturating_add(1))
        }
        Some(_) => return None,
    };
    let year = two(*y1, *y2).saturating_mul(100).saturating_add(two(*y3, *y4));
    let time = Time { hour: two(*h1, *h2), minute: two(*m1, *m2), second: two(*s1, *s2), ms: 0 };
    let zone = Zone::plain(offset, *sign, comment);
    Some((Fields { weekday, day, month, year: (year, 4), time: Some(time), zone }, start, end))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

fn two(tens: u8, ones: u8) -> u32 {
    digit(tens).saturating_mul(10).saturating_add(digit(ones))
}

fn short_weekday(name: [u8; 3]) -> Option<u32> {
    match &name {
        b"Sun" => Some(0),
        b"Mon" => Some(1),
        b"Tue" => Some(2),
        b"Wed" => Some(3),
        b"Thu" => Some(4),
        b"Fri" => Some(5),
        b"Sat" => Some(6),
        _ => scan::weekday_name(&name).map(|(day, _)| day),
    }
}

fn short_month(name: [u8; 3]) -> Option<u32> {
    match &name {
        b"Jan" => Some(1),
        b"Feb" => Some(2),
        b"Mar" => Some(3),
        b"Apr" => Some(4),
        b"May" => Some(5),
        b"Jun" => Some(6),
        b"Jul" => Some(7),
        b"Aug" => Some(8),
        b"Sep" => Some(9),
        b"Oct" => Some(10),
        b"Nov" => Some(11),
        b"Dec" => Some(12),
        _ => scan::month(&name).map(|(month, _)| month),
    }
}
