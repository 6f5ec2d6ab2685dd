//! What a server says of a message beside its bytes, as it said it.

use super::json::{self, Obj, Value};
use super::time::{UtcMs, days_from_civil, is_day};
use super::utf7;

/// What an IMAP or POP3 server told of one message. `None` and empty: it was not asked, or did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// INTERNALDATE as the server wrote it (RFC 9051 2.3.3).
    pub internal_date: Option<Vec<u8>>,
    /// FLAGS as the server wrote them, in byte order, without doubles.
    pub flags: Vec<Vec<u8>>,
    /// RFC822.SIZE, or the size in the listing of POP3, in octets as announced.
    pub size: Option<u64>,
    /// MODSEQ (RFC 7162), where the server volunteered it.
    pub modseq: Option<u64>,
    /// EMAILID (RFC 8474).
    pub email_id: Option<Vec<u8>>,
    /// THREADID (RFC 8474).
    pub thread_id: Option<Vec<u8>>,
    /// X-GM-MSGID.
    pub gm_msgid: Option<u64>,
    /// X-GM-THRID.
    pub gm_thrid: Option<u64>,
    /// X-GM-LABELS as the server wrote them (modified UTF-7), in byte order.
    pub gm_labels: Vec<Vec<u8>>,
    /// UIDL of POP3 (RFC 1939 7).
    pub uidl: Option<Vec<u8>>,
}

/// Bytes of memory that a list of words takes, near enough.
pub fn words_weight(words: &[Vec<u8>]) -> usize {
    words.iter().map(|word| word.len().saturating_add(48)).fold(0, usize::saturating_add)
}

impl ServerState {
    /// Bytes of memory that its flags and labels take, near enough: a server may tell many.
    pub fn weight(&self) -> usize {
        words_weight(&self.flags).saturating_add(words_weight(&self.gm_labels))
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Appends it as a canonical JSON object; numbers that may be over 2^53 are text.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        let list = |o: &mut Obj<'_>, key: &'static str, words: &[Vec<u8>]| {
            if !words.is_empty() {
                o.arr(key, words, |out, word| json::text(out, word));
            }
        };
        let text = |o: &mut Obj<'_>, key: &'static str, word: &Option<Vec<u8>>| {
            if let Some(word) = word {
                o.text(key, word);
            }
        };
        let number = |o: &mut Obj<'_>, key: &'static str, number: Option<u64>| {
            if let Some(number) = number {
                o.str(key, &number.to_string());
            }
        };
        text(&mut o, "email_id", &self.email_id);
        list(&mut o, "flags", &self.flags);
        list(&mut o, "gm_labels", &self.gm_labels);
        number(&mut o, "gm_msgid", self.gm_msgid);
        number(&mut o, "gm_thrid", self.gm_thrid);
        text(&mut o, "internal_date", &self.internal_date);
        number(&mut o, "modseq", self.modseq);
        number(&mut o, "size", self.size);
        text(&mut o, "thread_id", &self.thread_id);
        text(&mut o, "uidl", &self.uidl);
        o.end();
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(v: &Value) -> Option<Self> {
        let list = |key: &str| match v.get(key) {
            Some(words) => words.as_array()?.iter().map(json::text_of).collect(),
            None => Some(Vec::new()),
        };
        let text = |key: &str| v.get(key).and_then(json::text_of);
        let number = |key: &str| v.get(key).and_then(Value::as_str).and_then(|digits| digits.parse().ok());
        Some(Self {
            internal_date: text("internal_date"),
            flags: list("flags")?,
            size: number("size"),
            modseq: number("modseq"),
            email_id: text("email_id"),
            thread_id: text("thread_id"),
            gm_msgid: number("gm_msgid"),
            gm_thrid: number("gm_thrid"),
            gm_labels: list("gm_labels")?,
            uidl: text("uidl"),
        })
    }

    /// INTERNALDATE as an instant and its offset in seconds east; `None` when there is none, it is not in its form
    /// (`date-time` of RFC 9051 section 9: `17-Jul-1996 02:44:25 -0700`, the day of one digit after a space), or the
    /// calendar, the clock or the Earth has no such day, time or zone. A year has four digits: `96` is no year of this
    /// form, and none is guessed.
    pub fn internal(&self) -> Option<(UtcMs, i32)> {
        internal_date(self.internal_date.as_deref()?)
    }

    /// Each label of `gm_labels`, in its order, decoded for people: from modified UTF-7, or from UTF-8 where it is no
    /// ASCII; as it stands where it is broken.
    pub fn labels(&self) -> Vec<String> {
        let raw = |label: &[u8]| String::from_utf8_lossy(label).into_owned();
        self.gm_labels.iter().map(|label| utf7::decoded(label).unwrap_or_else(|| raw(label))).collect()
    }

    /// State words that the system flags tell, in byte order; keywords stay with the flags.
    pub fn words(&self) -> Vec<&'static str> {
        FLAGS
            .iter()
            .filter(|(flag, _)| self.flags.iter().any(|have| have.eq_ignore_ascii_case(flag.as_bytes())))
            .map(|(_, word)| *word)
            .collect()
    }
}

/// System flags (RFC 9051 section 2.3.2, `\\Recent` of RFC 3501) and registered keywords that tell of the same things
/// as flags of other mailboxes, with their state words.
const FLAGS: &[(&str, &str)] = &[
    ("\\Deleted", "deleted"),
    ("\\Draft", "draft"),
    ("\\Flagged", "flagged"),
    ("$Forwarded", "forwarded"),
    ("\\Recent", "recent"),
    ("\\Answered", "replied"),
    ("\\Seen", "seen"),
];

fn internal_date(text: &[u8]) -> Option<(UtcMs, i32)> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let number = |digits: &[u8], least: usize, most: usize| -> Option<u32> {
        let plain = (least..=most).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
    };
    let mut halves = text.trim_ascii().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (date, time, zone) = (halves.next()?, halves.next()?, halves.next()?);
    let mut date = date.split(|&b| b == b'-');
    let (day, month, year) =
        (number(date.next()?, 1, 2)?, date.next()?.to_ascii_lowercase(), number(date.next()?, 4, 4)?);
    let month = u32::try_from(MONTHS.iter().position(|name| *name == month)?.checked_add(1)?).ok()?;
    let mut time = time.split(|&b| b == b':');
    let (hour, minute, second) =
        (number(time.next()?, 1, 2)?, number(time.next()?, 1, 2)?, number(time.next()?, 1, 2)?);
    let (sign, zone) = match zone {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let zone = number(zone, 4, 4)?;
    let year = i64::from(year);
    let in_range = year >= 1 && is_day(year, month, day) && hour < 24 && minute < 60 && second < 61;
    let east = sign * (zone / 100 * 60 + zone % 100).cast_signed();
    // The offsets of all places on Earth, as for the dates of fields.
    let is_zone = zone % 100 < 60 && (-12 * 60..=14 * 60).contains(&east);
    let is_whole = date.next().is_none() && time.next().is_none() && halves.next().is_none();
    if !(in_range && is_zone && is_whole) {
        return None;
    }
    let clock = i64::from(hour * 3600 + minute * 60 + second);
    let secs = days_from_civil(year, month, day) * 86_400 + clock - i64::from(east) * 60;
    Some((UtcMs(secs * 1000), east * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_date_is_read_in_its_one_form() {
        let secs = |text: &str| internal_date(text.as_bytes()).map(|(at, zone)| (at.0 / 1000, zone));
        assert_eq!(secs("17-Jul-1996 02:44:25 -0700"), Some((837_596_665, -25_200)));
        assert_eq!(secs(" 1-Jan-1970 00:00:00 +0000"), Some((0, 0)));
        assert_eq!(secs("29-Feb-2024 23:59:60 +0530"), Some((1_709_231_400, 19_800)));
        assert_eq!(secs("31-Dec-1969 23:59:59 +0000"), Some((-1, 0)));
        for wrong in [
            "",
            "17-Jul-1996",
            "17-Xxx-1996 02:44:25 -0700",
            "17-Jul-1996 02:44:25 PST",
            "x",
            "17-Jul-1996 25:44:25 -0700",
            "31-Feb-2013 02:44:25 -0700",
            "29-Feb-2013 02:44:25 +0000",
            "31-Apr-2013 02:44:25 +0000",
            "0-Apr-2013 02:44:25 +0000",
            "17-Jul-96 02:44:25 -0700",
            " 5-Mar-13 02:44:25 +0000",
            "5-Mar-013 02:44:25 +0000",
            "005-Mar-2013 02:44:25 +0000",
            "5-Mar-2013 02:44:25 +9900",
            "5-Mar-2013 02:44:25 +0060",
            "5-Mar-2013 02:44:25 +0000 x",
        ] {
            assert_eq!(secs(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn labels_are_decoded_and_broken_ones_stay() {
        let labels = [&b"&APw"[..], b"M&APw-ller", b"\\Inbox", "ü".as_bytes()];
        let state = ServerState { gm_labels: labels.map(<[u8]>::to_vec).into(), ..ServerState::default() };
        assert_eq!(state.labels(), ["&APw", "Müller", "\\Inbox", "ü"]);
    }

    #[test]
    fn what_a_server_said_reads_back_bytes_and_all() {
        let state = ServerState {
            internal_date: Some(b"17-Jul-1996 02:44:25 -0700".to_vec()),
            flags: vec![b"$x\xff".to_vec(), b"\\Seen".to_vec(), b"\\flagged".to_vec()],
            size: Some(u64::MAX),
            gm_msgid: Some(u64::MAX - 1),
            uidl: Some(b"a".to_vec()),
            ..ServerState::default()
        };
        let mut out = Vec::new();
        state.write(&mut out);
        let value = json::read_canonical(&out).unwrap();
        assert_eq!(ServerState::read(&value), Some(state.clone()));
        assert_eq!(state.words(), ["flagged", "seen"]);
    }
}
