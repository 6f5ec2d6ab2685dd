//! Times in Message-IDs, boundaries and the fields of mail programs.

use super::queue::{IdKind, decode};
use super::{IdTime, base64, decimal, hex, stamp};

/// Gmail's boundaries: `000000000000`, 6 hex digits, 8 hex digits, 2 hex digits; microseconds in the second group, then
/// the first.
pub fn gmail_boundary(boundary: &[u8]) -> Option<IdTime> {
    if boundary.len() != 28 || !boundary.starts_with(b"000000000000") {
        return None;
    }
    let (low, high) = (hex(boundary.get(12..18)?)?, hex(boundary.get(18..26)?)?);
    hex(boundary.get(26..28)?)?;
    IdTime::us(high.checked_mul(1 << 24)?.checked_add(low)?, 1)
}

/// X-GM-MSGID and X-GM-THRID: milliseconds in all but the last 20 bits.
pub fn gmail_msgid(id: u64) -> Option<IdTime> {
    IdTime::us(i64::try_from(id >> 20).ok()?.checked_mul(1000)?, 1000)
}

/// Thread-Index (MS-OXOMSG 2.2.1.3): after a byte 01, the top 40 bits of a FILETIME; in older ones the first 48 bits
/// are those of the FILETIME.
///
/// Told apart by what years they give; `None` when neither form gives one.
pub fn thread_index(value: &[u8]) -> Option<IdTime> {
    let bytes: [u8; 6] = base64(value.trim_ascii())?;
    let top = |list: &[u8]| list.iter().fold(0_i64, |n, b| n << 8 | i64::from(*b));
    let [first, rest @ ..] = bytes;
    // The five bytes after 01 begin with 01 too, as every FILETIME of our time does.
    let new = if first == 1 { IdTime::filetime(top(&rest) << 24, 1_677_721) } else { None };
    let old = || IdTime::filetime(top(&bytes) << 16, 6_553);
    new.or_else(old)
}

/// Outlook's boundaries: `----=_NextPart_SSS_CCCC_HHHHHHHH.LLLLLLLL`, a FILETIME.
pub fn outlook_boundary(boundary: &[u8]) -> Option<IdTime> {
    let rest = boundary.strip_prefix(b"----=_NextPart_")?;
    let (head, time) = rest.split_at_checked(rest.len().checked_sub(17)?)?;
    if head.last() != Some(&b'_') || time.get(8) != Some(&b'.') {
        return None;
    }
    filetime(time.get(..8)?, time.get(9..)?)
}

fn filetime(high: &[u8], low: &[u8]) -> Option<IdTime> {
    if high.len() != 8 || low.len() != 8 {
        return None;
    }
    IdTime::filetime(hex(high)? << 32 | hex(low)?, 1)
}

/// X-OriginalArrivalTime: `.. FILETIME=[LLLLLLLL:HHHHHHHH]`, the low half first.
pub fn arrival_filetime(value: &[u8]) -> Option<IdTime> {
    let mark = b"FILETIME=[";
    let at = memchr::memmem::find(value, mark)?.checked_add(mark.len())?;
    let rest = value.get(at..at.checked_add(18)?)?;
    if rest.get(8) != Some(&b':') || rest.get(17) != Some(&b']') {
        return None;
    }
    filetime(rest.get(9..17)?, rest.get(..8)?)
}

/// Boundaries of `JavaMail`: `----=_Part_n_n.EPOCHMS`.
pub fn javamail_boundary(boundary: &[u8]) -> Option<IdTime> {
    let rest = boundary.strip_prefix(b"----=_Part_")?;
    let dot = memchr::memrchr(b'.', rest)?;
    milliseconds(rest.get(dot.checked_add(1)?..)?)
}

fn milliseconds(digits: &[u8]) -> Option<IdTime> {
    if matches!(digits.len(), 12 | 13) { IdTime::us(decimal(digits)?.checked_mul(1000)?, 1000) } else { None }
}

/// The third group of an Outlook Message-ID `<CCCCHHHHHHHH$LLLLLLLL$IIIIIIII@..>` as the sender's IPv4 address, as old
/// Outlook and Outlook Express wrote it: the last byte first. Later versions write other numbers there.
pub fn outlook_msgid_ip(group: &[u8]) -> Option<std::net::Ipv4Addr> {
    if group.len() != 8 {
        return None;
    }
    Some(std::net::Ipv4Addr::from(u32::try_from(hex(group)?).ok()?.swap_bytes()))
}

/// The format of a Message-ID that tells a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MsgIdClock {
    /// Outlook and Outlook Express: a FILETIME.
    Outlook,
    /// `JavaMail`: milliseconds.
    JavaMail,
    /// `YYYYMMDDhhmmss.` at the start, as Mutt, Postfix, sendmail and git write it; the zone is not told.
    Stamp,
    /// git-send-email: seconds.
    GitSendEmail,
    /// Exim: `E` and its queue id.
    Exim,
    /// Old Mozilla: seconds in 8 hex digits.
    Mozilla,
    /// A version 1 UUID.
    UuidV1,
    /// Python's `make_msgid`: hundredths of a second.
    Python,
}

/// Reads the time of a Message-ID, with or without angle brackets.
pub fn message_id(id: &[u8]) -> Option<(MsgIdClock, IdTime)> {
    let id = id.trim_ascii();
    let id = id.strip_prefix(b"<").unwrap_or(id);
    let left = id.get(..memchr::memrchr(b'@', id)?)?;
    let mut parts = left.split(|b| *b == b'$');
    if let (Some(first), Some(low), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        && first.len() == 12
    {
        hex(first.get(..4)?)?;
        return Some((MsgIdClock::Outlook, filetime(first.get(4..)?, low)?));
    }
    if let Some(queue) = left.strip_prefix(b"E")
        && let Some(time) = decode(queue, IdKind::Exim)
    {
        return Some((MsgIdClock::Exim, time));
    }
    if let Some(time) = decode(left, IdKind::UuidV1) {
        return Some((MsgIdClock::UuidV1, time));
    }
    if let Some(at) = memchr::memmem::find(left, b"-git-send-email") {
        let first = left.get(..at)?.split(|b| *b == b'-').next()?;
        if first.len() == 10 {
            return Some((MsgIdClock::GitSendEmail, IdTime::secs(decimal(first)?)?));
        }
    }
    let mut dots = left.split(|b| *b == b'.');
    let (first, second) = (dots.next()?, dots.next());
    match (first.len(), second) {
        (14, Some(second)) if second.len() <= 7 || !second.iter().all(u8::is_ascii_digit) => {
            let time = stamp(first).and_then(IdTime::secs)?;
            Some((MsgIdClock::Stamp, IdTime { local: true, ..time }))
        }
        (12, Some(_)) => stamp(first)
            .and_then(IdTime::secs)
            .map(|time| (MsgIdClock::Stamp, IdTime { local: true, step_us: 60_000_000, ..time })),
        (8, Some(second)) if left.len() == 16 && second.iter().all(u8::is_ascii_digit) => {
            Some((MsgIdClock::Mozilla, IdTime::secs(hex(first)?)?))
        }
        _ => {
            // `<12.345.1715670927123.JavaMail.user@host>`
            let left =
                memchr::memmem::find(left, b".JavaMail.").and_then(|at| left.get(..at)).unwrap_or(left);
            let last = left.rsplit(|b| *b == b'.').next()?;
            let java = left.split(|b| *b == b'.').count() >= 3
                && left.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
            milliseconds(last).filter(|_| java).map(|time| (MsgIdClock::JavaMail, time))
        }
    }
    .or_else(|| python(left))
}

/// `171567092712.12345.1234567890123456789`
fn python(left: &[u8]) -> Option<(MsgIdClock, IdTime)> {
    let mut parts = left.split(|b| *b == b'.');
    let (time, process, random) = (parts.next()?, parts.next()?, parts.next()?);
    decimal(process)?;
    if time.len() != 12 || random.len() < 15 {
        return None;
    }
    Some((MsgIdClock::Python, IdTime::us(decimal(time)?.checked_mul(10_000)?, 10_000)?))
}
