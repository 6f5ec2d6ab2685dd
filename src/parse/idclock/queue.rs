//! The ids of `Received` fields.

use super::{BASE52, BASE62, IdTime, base64, civil, decimal, hex, number, stamp};

macro_rules! kinds {
    ($( $name:ident $code:literal $bound:literal $meaning:literal; )*) => {
        /// The format of an id, where it tells a time.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum IdKind {
            /// No format that we can read a time from.
            #[default]
            None,
            $( #[doc = $meaning] $name, )*
        }

        impl IdKind {
            /// The word that outputs hold; `""` for none.
            pub fn code(self) -> &'static str {
                match self { Self::None => "", $( Self::$name => $code, )* }
            }

            /// Whether the id is made when the message arrives, so that its time is that of the field. Where not, it is
            /// made before (sendmail: start of the process) or for later (scheduled sendings).
            pub fn is_made_on_arrival(self) -> bool {
                match self { Self::None => false, $( Self::$name => $bound, )* }
            }
        }
    };
}

kinds! {
    Gmail "gmail" true "Gmail: `..YYYY.MM.DD.hh.mm.ss` at the end, in the zone of the field, or milliseconds between its own servers.";
    SendGrid "sendgrid" true "SendGrid: `recvd-..-N-HHHHHHHH-N`, seconds in hex.";
    Exim "exim" true "Exim: `tttttt-pppppp-ss`, and `tttttt-ppppppppppp-ssss` since 4.97; seconds in base 62.";
    PostfixLong "postfix-long" true "Postfix long ids: seconds and microseconds in base 52, `z`, the file's inode.";
    ObjectId "object-id" false "A 24-digit object id: seconds in the first 8 hex digits; scheduled sendings have later ones.";
    Sendmail "sendmail" false "sendmail since 8.10: `YMDhms..`, start of the process, UTC.";
    Ecelerity "ecelerity" true "Momentum: `XX/XX-NNNNN-HHHHHHHH`, seconds in hex, digits reversed.";
    UuidV1 "uuid-v1" true "A version 1 UUID (RFC 9562): 100 ns since 1582-10-15.";
    Dovecot "dovecot" true "Dovecot LMTP: the log's session id.";
    InterMail "intermail" true "`InterMail`: `YYYYMMDDhhmmss..`, UTC.";
    Simta "simta" true "simta: `HHHHHHHH.HEX.N`, seconds in hex.";
    Zoho "zoho" true "Zoho: microseconds, 16 digits.";
    Courier "courier" true "Courier: `HEX.HEX.HEX`, seconds in the middle.";
    Domino "domino" true "Domino: `YYYYMMDDhhmmssff-n`, in the zone of the field.";
}

/// Reads the time of an id that a server of `family` (as in `Hop::family`) gave.
///
/// The form alone decides where it cannot be mistaken; forms that other ids may have count only with their family. Not
/// decoded are the ids of GMX and 1&1 (`6-10-6` characters): seconds in base 62 in 2004, but in fields of 2014 to 2020
/// what stands there lies weeks beside the date, on either side.
pub fn queue_id(id: &[u8], family: &str) -> Option<(IdKind, IdTime)> {
    let kind = match family {
        "gmail" => IdKind::Gmail,
        "exim" => IdKind::Exim,
        "postfix" => IdKind::PostfixLong,
        "sendmail" => IdKind::Sendmail,
        "dovecot" => IdKind::Dovecot,
        "intermail" => IdKind::InterMail,
        "zoho" => IdKind::Zoho,
        "simta" => IdKind::Simta,
        "domino" => IdKind::Domino,
        "courier" => IdKind::Courier,
        "sendgrid" => IdKind::SendGrid,
        _ => match id.len() {
            24 => IdKind::ObjectId,
            36.. if id.get(14) == Some(&b'1') => IdKind::UuidV1,
            20 if id.get(2) == Some(&b'/') => IdKind::Ecelerity,
            26 | 50 if id.get(8) == Some(&b'.') || id.get(16) == Some(&b'.') => IdKind::Courier,
            _ => return None,
        },
    };
    Some((kind, decode(id, kind)?))
}

/// The time in an id of one format.
pub(super) fn decode(id: &[u8], kind: IdKind) -> Option<IdTime> {
    match kind {
        IdKind::None => None,
        IdKind::Gmail => gmail(id),
        IdKind::SendGrid => sendgrid(id),
        IdKind::Exim => exim(id),
        IdKind::PostfixLong => postfix_long(id),
        IdKind::ObjectId => {
            let plain = id.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if id.len() == 24 && plain { IdTime::secs(hex(id.get(..8)?)?) } else { None }
        }
        IdKind::Sendmail => sendmail(id),
        IdKind::Ecelerity => ecelerity(id),
        IdKind::UuidV1 => uuid_v1(id),
        IdKind::Dovecot => dovecot(id),
        IdKind::InterMail => {
            if id.len() < 18 {
                return None;
            }
            IdTime::secs(stamp(id.get(..14)?)?)
        }
        IdKind::Simta => {
            let [first, rest, last] = dotted(id)?;
            hex(rest)?;
            hex(last)?;
            if first.len() == 8 { IdTime::secs(hex(first)?) } else { None }
        }
        IdKind::Zoho => {
            if id.len() == 16 {
                IdTime::us(decimal(id)?, 1)
            } else {
                None
            }
        }
        IdKind::Courier => {
            let [first, middle, last] = dotted(id)?;
            hex(first)?;
            hex(last)?;
            if matches!(middle.len(), 8 | 16) { IdTime::secs(hex(middle)?) } else { None }
        }
        IdKind::Domino => {
            if id.get(16) != Some(&b'-') {
                return None;
            }
            decimal(id.get(..16)?)?;
            Some(IdTime { local: true, ..IdTime::secs(stamp(id.get(..14)?)?)? })
        }
    }
}

/// Three parts with a dot between.
fn dotted(id: &[u8]) -> Option<[&[u8]; 3]> {
    let mut parts = id.split(|b| *b == b'.');
    let list = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(list)
}

fn gmail(id: &[u8]) -> Option<IdTime> {
    let mut parts = id.rsplit(|b| *b == b'.');
    // Between Google's own servers: milliseconds at the end.
    let last = parts.clone().next()?;
    if last.len() == 13 {
        return IdTime::us(decimal(last)?.checked_mul(1000)?, 1000);
    }
    let mut next = |len: usize| {
        let part = parts.next()?;
        if part.len() == len { u32::try_from(decimal(part)?).ok() } else { None }
    };
    let (second, minute, hour, day, month, year) =
        (next(2)?, next(2)?, next(2)?, next(2)?, next(2)?, next(4)?);
    let time = IdTime::secs(civil(i64::from(year), month, day, hour, minute, second)?)?;
    Some(IdTime { local: true, ..time })
}

fn sendgrid(id: &[u8]) -> Option<IdTime> {
    if !id.starts_with(b"recvd-") && !id.starts_with(b"filter") {
        return None;
    }
    let mut parts = id.rsplit(|b| *b == b'-');
    hex(parts.next()?)?;
    let seconds = parts.next()?;
    if seconds.len() == 8 { IdTime::secs(hex(seconds)?) } else { None }
}

/// Base 62; on Cygwin and macOS Exim counts in base 36, which is a much smaller number for the same digits and is
/// refused.
fn exim(id: &[u8]) -> Option<IdTime> {
    let second_dash = match id.len() {
        16 => 13,
        23 => 18,
        _ => return None,
    };
    let dashes = id.get(6) == Some(&b'-') && id.get(second_dash) == Some(&b'-');
    if !dashes || memchr::memchr_iter(b'-', id).count() != 2 {
        return None;
    }
    IdTime::secs(number(id.get(..6)?, BASE62, 62)?)
}

fn postfix_long(id: &[u8]) -> Option<IdTime> {
    // The separator is the last `z`: the inode is in base 51 and has none.
    let separator = memchr::memrchr(b'z', id).filter(|at| *at >= 10)?;
    let inode = id.get(separator.checked_add(1)?..)?;
    number(inode, BASE52, 51)?;
    let time = id.get(..separator)?;
    let split = time.len().checked_sub(4)?;
    let micros = number(time.get(split..)?, BASE52, 52)?;
    let secs = number(time.get(..split)?, BASE52, 52)?;
    if micros >= 1_000_000 {
        return None;
    }
    IdTime::us(secs.checked_mul(1_000_000)?.checked_add(micros)?, 1)
}

fn sendmail(id: &[u8]) -> Option<IdTime> {
    if !(12..=16).contains(&id.len()) || !id.get(8..)?.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Before 8.10: a letter for the hour, two letters, the process.
    let old = id.get(..3)?.iter().all(u8::is_ascii_uppercase) && id.get(3..)?.iter().all(u8::is_ascii_digit);
    if old {
        return None;
    }
    let digit = |i: usize| u32::try_from(number(id.get(i..i.checked_add(1)?)?, BASE62, 60)?).ok();
    // Counted from 1900 and cut at 60: since 8.10 came out in 2000, 40 and more are 2000 to 2019.
    let year = i64::from(digit(0)?);
    let year = year.checked_add(if year >= 40 { 1960 } else { 2020 })?;
    let month = digit(1)?.checked_add(1)?;
    IdTime::secs(civil(year, month, digit(2)?, digit(3)?, digit(4)?, digit(5)?)?)
}

fn ecelerity(id: &[u8]) -> Option<IdTime> {
    let mut parts = id.split(|b| *b == b'-');
    let (spool, number, time) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || spool.len() != 5 || spool.get(2) != Some(&b'/') || time.len() != 8 {
        return None;
    }
    decimal(number)?;
    let mut digits = [0; 8];
    digits.copy_from_slice(time);
    digits.reverse();
    IdTime::secs(hex(&digits)?)
}

fn uuid_v1(id: &[u8]) -> Option<IdTime> {
    let id = id.get(..36)?;
    let dashes = [8, 13, 18, 23].into_iter().all(|at| id.get(at) == Some(&b'-'));
    let (low, middle, high) = (hex(id.get(..8)?)?, hex(id.get(9..13)?)?, hex(id.get(14..18)?)?);
    hex(id.get(24..36)?)?;
    if !dashes || high >> 12 != 1 {
        return None;
    }
    let ticks = (high & 0xfff) << 48 | middle << 32 | low;
    // 100 ns from 1582-10-15 to 1970-01-01.
    IdTime::us(ticks.checked_sub(122_192_928_000_000_000)?.div_euclid(10), 1)
}

fn dovecot(id: &[u8]) -> Option<IdTime> {
    let (id, rest) = id.split_at_checked(22)?;
    let counted = rest.is_empty()
        || (rest.first() == Some(&b':') && rest.get(1..)?.iter().all(u8::is_ascii_alphanumeric));
    if !counted {
        return None;
    }
    let bytes: [u8; 16] = base64(id)?;
    let [_, _, _, _, a, b, c, d, ..] = bytes;
    IdTime::secs(i64::from(u32::from_le_bytes([a, b, c, d])))
}
