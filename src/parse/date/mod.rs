//! Dates as mail writes them: RFC 5322 section 3.3 with all old forms of section 4.3, every oddity flagged.

mod fast;
mod scan;
mod zone;

use self::scan::{Kind, Tokens};
use crate::types::time::{UtcMs, days_from_civil, is_day, weekday};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

/// A date as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateReading {
    /// Where the date text stands in the message.
    pub at: ByteRange,
    /// The instant. Where the zone is not known, the written time is taken as UTC and `zone_known` is false.
    pub utc: UtcMs,
    /// The offset as written, in seconds east of UTC; `None` where there is none that we can read.
    pub offset_secs_east: Option<i32>,
    /// Whether the instant is certain: there is an offset (`-0000` counts: the instant is known).
    pub zone_known: bool,
}

/// Reads the date that `text` begins with. `at` is where `text` stands in the message.
///
/// Blanks, folds and comments may stand anywhere (RFC 5322 section 3.2.2). What a calendar or a clock does not have
/// gives `None`; so does a numeric month that may as well be the day. Nothing is guessed: what is read by a rule other
/// than that of section 3.3 is flagged. Reads the first 40 tokens of `text`, so it takes constant time beyond skipping
/// comments.
///
/// # Anomalies
/// `date-unreadable`, `date-invalid`, `weekday-mismatch`, `two-digit-year`, `zone-missing`, `zone-unknown`,
/// `zone-named`, `zone-invalid`, `zone-comment-mismatch`, `zone-minus-zero`, `leap-second`, `seconds-missing`,
/// `time-missing`, `twelve-hour-clock`, `date-form` (at most once) and `date-trailing`.
pub fn date(text: &[u8], at: u64) -> Parsed<Option<DateReading>> {
    read_in(text, at, Place::Field)
}

/// The same for the date of a `Received` field, whose words behind the date are clauses: `at` is none of a date there.
pub(super) fn of_hop(text: &[u8], at: u64) -> Parsed<Option<DateReading>> {
    read_in(text, at, Place::Hop)
}

/// The same for a place of a `Received` field that may hold something else: without a time of day it is no date, and
/// then nothing is flagged.
pub(super) fn timed(text: &[u8], at: u64) -> Option<Parsed<Option<DateReading>>> {
    Some(read_in(text, at, Place::Anywhere)).filter(|parsed| parsed.value.is_some())
}

fn read_in(text: &[u8], at: u64, place: Place) -> Parsed<Option<DateReading>> {
    let mut anomalies = Vec::new();
    let value = read(text, at, &mut anomalies, place);
    Parsed { value, anomalies }
}

/// Where a date stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A field that holds nothing else, and the separators of containers.
    Field,
    /// Behind a semicolon of a `Received` field.
    Hop,
    /// Where it may be no date at all.
    Anywhere,
}

/// A time of day, in the writer's zone.
#[derive(Clone, Copy, Default)]
struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    ms: u32,
}

/// What stands in the text, before it is checked.
#[derive(Default)]
struct Fields {
    weekday: Option<u32>,
    day: u32,
    month: u32,
    year: (u32, u8),
    time: Option<Time>,
    zone: zone::Zone,
}

struct Reader<'a> {
    text: &'a [u8],
    tokens: Tokens,
    next: usize,
    form: Form,
    invalid: bool,
    place: Place,
}

/// What was met beside the fields.
#[derive(Default)]
struct Form {
    /// Whether a form other than the standard's was met.
    odd: bool,
    no_seconds: bool,
    twelve: bool,
    trailing: bool,
}

fn read(text: &[u8], at: u64, notes: &mut Vec<Anomaly>, kind: Place) -> Option<DateReading> {
    let place = |from: usize, to: usize| ByteRange::of_usize(from, to).shifted(at);
    if let Some((fields, from, to)) = fast::read(text) {
        return judge(&fields, &Form::default(), place(from, to), notes);
    }
    let mut reader = Reader {
        text,
        tokens: scan::tokens(text),
        next: 0,
        form: Form::default(),
        invalid: false,
        place: kind,
    };
    let Some(fields) = reader.fields() else {
        let kind = if reader.invalid { AnomalyKind::DateInvalid } else { AnomalyKind::DateUnreadable };
        notes.push(Anomaly::at(kind, place(0, text.len())));
        return None;
    };
    if kind == Place::Anywhere && fields.time.is_none() {
        return None;
    }
    reader.form.trailing = !reader.rest_is_empty();
    judge(&fields, &reader.form, place(reader.tokens.at(0).from, reader.end()), notes)
}

/// Checks the fields against calendar and clock.
fn judge(fields: &Fields, form: &Form, here: ByteRange, notes: &mut Vec<Anomaly>) -> Option<DateReading> {
    let mut note = |kind| notes.push(Anomaly::at(kind, here));
    let (number, digits) = fields.year;
    let year = match digits {
        2 if number < 50 => number.saturating_add(2000),
        2 | 3 => number.saturating_add(1900),
        _ => number,
    };
    if digits < 4 {
        note(AnomalyKind::TwoDigitYear);
    }
    let time = fields.time.unwrap_or_default();
    let fits = digits >= 2
        && year >= 1900
        && is_day(i64::from(year), fields.month, fields.day)
        && time.hour < 24
        && time.minute < 60
        && time.second <= 60;
    if !fits {
        note(AnomalyKind::DateInvalid);
        return None;
    }
    let days = days_from_civil(i64::from(year), fields.month, fields.day);
    let offset = fields.zone.offset;
    let clock = i64::from(time.hour)
        .saturating_mul(3600)
        .saturating_add(i64::from(time.minute).saturating_mul(60))
        .saturating_add(i64::from(time.second));
    let secs =
        days.saturating_mul(86_400).saturating_add(clock).saturating_sub(i64::from(offset.unwrap_or(0)));
    // Beyond the year 9999 there is no RFC 3339: a leap second or a zone has led there.
    if secs >= 253_402_300_800 {
        note(AnomalyKind::DateInvalid);
        return None;
    }
    if fields.weekday.is_some_and(|w| w != weekday(days)) {
        note(AnomalyKind::WeekdayMismatch);
    }
    if time.second == 60 {
        note(AnomalyKind::LeapSecond);
    }
    if fields.time.is_none() {
        note(AnomalyKind::TimeMissing);
    } else if form.no_seconds {
        note(AnomalyKind::SecondsMissing);
    }
    if form.twelve {
        note(AnomalyKind::TwelveHourClock);
    }
    if form.odd {
        note(AnomalyKind::DateForm);
    }
    for kind in fields.zone.notes.iter().flatten() {
        note(*kind);
    }
    if form.trailing {
        note(AnomalyKind::DateTrailing);
    }
    Some(DateReading {
        at: here,
        utc: UtcMs(secs.saturating_mul(1000).saturating_add(i64::from(time.ms))),
        offset_secs_east: offset,
        zone_known: offset.is_some() && fields.time.is_some(),
    })
}

impl Reader<'_> {
    fn word(&self, index: usize) -> &[u8] {
        let t = self.tokens.at(index);
        if t.kind == Kind::Word { self.text.get(t.from..t.to).unwrap_or_default() } else { &[] }
    }

    /// The next token's number and how many digits it has.
    fn number(&mut self, most: u8) -> Option<(u32, u8)> {
        let t = self.tokens.at(self.next);
        let (Kind::Number(value), digits) = (t.kind, t.digits()) else { return None };
        if digits > most {
            return None;
        }
        self.next = self.next.saturating_add(1);
        Some((value, digits))
    }

    fn is(&self, ahead: usize, mark: u8) -> bool {
        self.tokens.at(self.next.saturating_add(ahead)).kind == Kind::Mark(mark)
    }

    fn take(&mut self, mark: u8) -> bool {
        let is = self.is(0, mark);
        self.next = self.next.saturating_add(usize::from(is));
        is
    }

    fn month_word(&mut self) -> Option<u32> {
        let (month, full) = scan::month(self.word(self.next))?;
        self.form.odd |= full;
        self.next = self.next.saturating_add(1);
        Some(month)
    }

    fn fields(&mut self) -> Option<Fields> {
        let mut f = Fields::default();
        if let Some((day, full)) = scan::weekday_name(self.word(self.next)) {
            f.weekday = Some(day);
            self.form.odd |= full;
            self.next = self.next.saturating_add(1);
            if self.take(b'.') {
                self.form.odd = true;
            }
            if !self.take(b',') {
                self.form.odd = true;
            }
            // `Tue, ??, 29 Jan 2023`: what stands there is no part of a date, so whose day the name is cannot be told.
            while matches!(self.tokens.at(self.next).kind, Kind::Mark(b'?' | b',' | b'.' | b'*' | b'-')) {
                self.next = self.next.saturating_add(1);
                self.form.odd = true;
                f.weekday = None;
            }
        } else if self.tokens.at(0).kind == Kind::Word
            && self.is(1, b',')
            && scan::month(self.word(0)).is_none()
        {
            // A day name in another language: it cannot be checked.
            self.next = 2;
            self.form.odd = true;
        }
        let first = self.tokens.at(self.next);
        match first.kind {
            Kind::Word => self.month_first(&mut f)?,
            Kind::Number(_) if first.digits() <= 2 && self.second_is_word() => self.day_first(&mut f)?,
            Kind::Number(_) => self.all_numbers(&mut f)?,
            _ => return None,
        }
        if f.time.is_none() {
            let is = |word: &[u8]| self.word(self.next).eq_ignore_ascii_case(word);
            // `December 1, 2014 at 2:59:42 PM PST`, as some programs write dates for people.
            let at = self.place == Place::Field && is(b"at") && self.is(2, b':');
            if is(b"T") || at {
                self.next = self.next.saturating_add(1);
                self.form.odd |= at;
            }
            f.time = self.time()?;
        }
        if f.zone.is_missing() {
            self.zone(&mut f);
        }
        Some(f)
    }

    fn second_is_word(&self) -> bool {
        let at = self.next.saturating_add(1);
        let t = self.tokens.at(at);
        let at = if matches!(t.kind, Kind::Mark(b'-' | b'.' | b'/')) { at.saturating_add(1) } else { at };
        self.tokens.at(at).kind == Kind::Word
    }

    /// `14 May 2024 ..`, `14-May-24 ..`
    fn day_first(&mut self, f: &mut Fields) -> Option<()> {
        f.day = self.number(2)?.0;
        let dashed = self.take(b'-') || self.take(b'.') || self.take(b'/');
        f.month = self.month_word()?;
        let dashed = self.take(b'-') || self.take(b'.') || self.take(b'/') || self.take(b',') || dashed;
        self.form.odd |= dashed;
        if self.is(1, b':') {
            return self.time_then_year(f);
        }
        self.year(f)
    }

    /// `May 14 09:15:27 2024` as ctime(3) writes it, `May 14, 2024 ..`
    fn month_first(&mut self, f: &mut Fields) -> Option<()> {
        f.month = self.month_word()?;
        self.form.odd = true;
        self.take(b',');
        f.day = self.number(2)?.0;
        if self.is(1, b':') {
            return self.time_then_year(f);
        }
        self.take(b',');
        self.year(f)
    }

    fn time_then_year(&mut self, f: &mut Fields) -> Option<()> {
        self.form.odd = true;
        f.time = self.time()?;
        // `EDT 2018`, `+0200 2018`; a zone after the year is read later.
        let back = self.next;
        self.zone(f);
        if self.year(f).is_some() {
            return Some(());
        }
        self.next = back;
        f.zone = zone::Zone::default();
        self.year(f)
    }

    fn year(&mut self, f: &mut Fields) -> Option<()> {
        let t = self.tokens.at(self.next);
        if matches!(t.kind, Kind::Number(_)) && t.digits() > 4 {
            self.invalid = true;
        }
        f.year = self.number(4)?;
        Some(())
    }

    /// `2024-05-14 ..`, `2024/05/14 ..`; `20.05.2024 ..` and `5/20/2024 ..` where only one of the two can be a month.
    fn all_numbers(&mut self, f: &mut Fields) -> Option<()> {
        self.form.odd = true;
        let (a, a_digits) = self.number(4)?;
        let mark = [b'-', b'/', b'.'].into_iter().find(|m| self.is(0, *m))?;
        self.take(mark);
        let (b, _) = self.number(2)?;
        if !self.take(mark) {
            return None;
        }
        let (c, c_digits) = self.number(4)?;
        if a_digits == 4 && c_digits <= 2 {
            (f.year, f.month, f.day) = ((a, 4), b, c);
        } else if c_digits == 4 && a_digits <= 2 && a > 12 {
            (f.day, f.month, f.year) = (a, b, (c, 4));
        } else if c_digits == 4 && a_digits <= 2 && (b > 12 || a == b) {
            (f.month, f.day, f.year) = (a, b, (c, 4));
        } else {
            return None;
        }
        Some(())
    }

    /// `None` when there is a time but no clock shows it; `Some(None)` when there is none.
    #[expect(clippy::option_option, reason = "no time and an impossible time are two answers")]
    fn time(&mut self) -> Option<Option<Time>> {
        let mark = if self.is(1, b':') {
            b':'
        } else if self.is(1, b'.') && self.is(3, b'.') {
            self.form.odd = true;
            b'.'
        } else {
            return Some(None);
        };
        let mut time = Time::default();
        let long = |r: &mut Self| {
            r.number(2).or_else(|| {
                r.invalid = true;
                None
            })
        };
        time.hour = long(self)?.0;
        self.take(mark);
        time.minute = long(self)?.0;
        if self.take(mark) {
            time.second = long(self)?.0;
            if self.is(0, b'.') || self.is(0, b',') {
                let t = self.tokens.at(self.next.saturating_add(1));
                if matches!(t.kind, Kind::Number(_)) {
                    self.form.odd = true;
                    self.next = self.next.saturating_add(2);
                    time.ms = scan::milliseconds(self.text.get(t.from..t.to).unwrap_or_default());
                }
            }
        } else {
            self.form.no_seconds = true;
        }
        let word = self.word(self.next);
        // A narrow or plain no-break space before it, as CLDR's forms have since 2023.
        let word =
            [&b"\xe2\x80\xaf"[..], b"\xc2\xa0"].iter().find_map(|b| word.strip_prefix(*b)).unwrap_or(word);
        let (am, pm) = (word.eq_ignore_ascii_case(b"AM"), word.eq_ignore_ascii_case(b"PM"));
        if am || pm {
            self.next = self.next.saturating_add(1);
            self.form.twelve = true;
            if !(1..=12).contains(&time.hour) {
                self.invalid = true;
                return None;
            }
            time.hour = (time.hour % 12).saturating_add(if pm { 12 } else { 0 });
        }
        Some(Some(time))
    }

    fn zone(&mut self, f: &mut Fields) {
        let (zone, next) = zone::read(self.text, &self.tokens, self.next);
        self.form.odd |= zone.odd;
        self.next = next;
        f.zone = zone;
    }

    /// Just past the last byte that was read, with the comment after it.
    fn end(&self) -> usize {
        let last = self.tokens.at(self.next.saturating_sub(1));
        // A comment that names a zone belongs to the date; one with an address or a setting does not.
        let zone = |(from, to): &(usize, usize)| {
            let inside = self.text.get(*from..*to).unwrap_or_default();
            inside.len() <= 40 && !inside.iter().any(|b| matches!(b, b'@' | b'=' | b'<'))
        };
        last.comment.filter(zone).map_or(last.to, |(_, to)| to)
    }

    fn rest_is_empty(&self) -> bool {
        let rest = self.text.get(self.end()..).unwrap_or_default();
        let mut at = 0;
        while let Some(byte) = rest.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => at = at.saturating_add(1),
                b'(' => match scan::comment_end(rest, at) {
                    Some(end) => at = end,
                    None => return false,
                },
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
