//! Times that programs hide in ids and boundaries: one decoder a format, none of them guesses.
//!
//! Every decoder is strict about the form and gives nothing for years that the format did not see. What it gives is the
//! clock of the program that made the id, with all its faults; it is never put in the place of another clock.

mod header;
mod queue;

pub use self::header::{
    MsgIdClock, arrival_filetime, gmail_boundary, gmail_msgid, javamail_boundary, message_id,
    outlook_boundary, outlook_msgid_ip, thread_index,
};
pub use self::queue::{IdKind, queue_id};

/// Digits, upper and lower case: 62 of them in Exim's and Nemesis' ids, the first 60 in sendmail's.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Postfix' alphabet: no vowels, so that no id spells a word.
const BASE52: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/// First second of the years in which ids are believed: 1990 and 2100.
const BELIEVED: std::ops::Range<i64> = 631_152_000..4_102_444_800;
/// 100 ns from 1601-01-01, where FILETIME begins, to 1970-01-01.
const FILETIME_EPOCH: i64 = 116_444_736_000_000_000;

/// A time as an id tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdTime {
    /// Microseconds since 1970-01-01, in UTC or, where `local`, in the zone of the program that wrote the id.
    pub us: i64,
    /// The id holds local time.
    pub local: bool,
    /// How fine the id's clock is, in microseconds.
    pub step_us: i64,
}

impl IdTime {
    fn secs(secs: i64) -> Option<Self> {
        Self::us(secs.checked_mul(1_000_000)?, 1_000_000)
    }

    fn us(us: i64, step_us: i64) -> Option<Self> {
        BELIEVED.contains(&us.div_euclid(1_000_000)).then_some(Self { us, local: false, step_us })
    }

    /// From 100 ns since 1601.
    fn filetime(ticks: i64, step_us: i64) -> Option<Self> {
        Self::us(ticks.checked_sub(FILETIME_EPOCH)?.div_euclid(10), step_us)
    }
}

/// A number in some base; `None` for other digits and for what does not fit.
fn number(digits: &[u8], alphabet: &[u8], base: i64) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |n, d| {
        let value = i64::try_from(memchr::memchr(*d, alphabet)?).ok()?;
        if value >= base { None } else { n.checked_mul(base)?.checked_add(value) }
    })
}

fn decimal(digits: &[u8]) -> Option<i64> {
    number(digits, BASE62, 10)
}

/// Upper or lower case hex digits.
fn hex(digits: &[u8]) -> Option<i64> {
    let mut lower = [0_u8; 16];
    let lower = lower.get_mut(..digits.len())?;
    lower.copy_from_slice(digits);
    lower.make_ascii_lowercase();
    number(lower, b"0123456789abcdef", 16)
}

/// `YYYYMMDDhhmmss`, the seconds optional, as seconds of that calendar.
fn stamp(digits: &[u8]) -> Option<i64> {
    let part = |from: usize, to: usize| u32::try_from(decimal(digits.get(from..to)?)?).ok();
    let second = if digits.len() >= 14 { part(12, 14)? } else { 0 };
    civil(i64::from(part(0, 4)?), part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, second)
}

/// Seconds since 1970-01-01 of a day and a time that a calendar and a clock have.
fn civil(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<i64> {
    if !crate::types::time::is_day(year, month, day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = crate::types::time::days_from_civil(year, month, day);
    let clock = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
    days.checked_mul(86_400)?.checked_add(i64::from(clock))
}

/// Standard base64 without padding, up to 24 bytes.
fn base64<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = [0; N];
    let mut filled = 0_usize;
    let mut bits: u32 = 0;
    let mut held: u32 = 0;
    for byte in text {
        if filled == N {
            break;
        }
        let value = u32::try_from(memchr::memchr(*byte, ALPHABET)?).ok()?;
        bits = (bits << 6 | value) & 0xff_ffff;
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            *out.get_mut(filled)? = u8::try_from(bits.checked_shr(held)? & 0xff).ok()?;
            filled = filled.saturating_add(1);
        }
    }
    (filled == N).then_some(out)
}

#[cfg(test)]
mod tests;
