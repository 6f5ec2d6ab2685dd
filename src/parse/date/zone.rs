//! The zone of a mail date: RFC 5322 section 3.3, and section 4.3 for the old names.

use super::scan::{Kind, Tokens};
use crate::types::AnomalyKind;

/// A zone as it was read.
pub(super) struct Zone {
    /// Seconds east of UTC; `None` when there is none that we can read.
    pub(super) offset: Option<i32>,
    /// What was odd.
    pub(super) notes: [Option<AnomalyKind>; 2],
    /// Whether it is a zone in a form other than the standard's.
    pub(super) odd: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self { offset: None, notes: [Some(AnomalyKind::ZoneMissing), None], odd: false }
    }
}

impl Zone {
    /// A zone in the standard's form, with the name that a comment gives it.
    pub(super) fn plain(offset: i32, sign: u8, comment: Option<&[u8]>) -> Self {
        let minus_zero = sign == b'-' && offset == 0;
        let notes = [minus_zero.then_some(AnomalyKind::ZoneMinusZero), None];
        let mut zone = Self { offset: Some(offset), notes, odd: false };
        if let Some(meanings) = comment.and_then(meanings) {
            zone.check(meanings);
        }
        zone
    }

    /// A name without an agreed offset.
    fn unknown() -> Self {
        Self { offset: None, notes: [Some(AnomalyKind::ZoneUnknown), None], odd: false }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.notes == [Some(AnomalyKind::ZoneMissing), None]
    }
}

/// Names with an agreed offset in hours (RFC 5322 section 4.3), and `UTC`.
const AGREED: [(&[u8], i32); 12] = [
    (b"GMT", 0),
    (b"UTC", 0),
    (b"UT", 0),
    (b"Z", 0),
    (b"EST", -5),
    (b"EDT", -4),
    (b"CST", -6),
    (b"CDT", -5),
    (b"MST", -7),
    (b"MDT", -6),
    (b"PST", -8),
    (b"PDT", -7),
];

/// What the names in comments mean, in minutes east, the frequent ones first; one name may have several meanings, and
/// only a zone that is none of them is odd.
const IN_COMMENTS: [(&[u8], &[i32]); 45] = [
    (b"PDT", &[-420]),
    (b"PST", &[-480, 480]),
    (b"UTC", &[0]),
    (b"CEST", &[120]),
    (b"CET", &[60]),
    (b"EDT", &[-240, 660]),
    (b"EST", &[-300, 600, 660]),
    (b"GMT", &[0]),
    (b"BST", &[60, 360, -660]),
    (b"CDT", &[-300, 630, 540, -240]),
    (b"CST", &[-360, 480, 570, 630, -300]),
    (b"IST", &[60, 120, 330]),
    (b"JST", &[540]),
    (b"MST", &[-420, 480, 390]),
    (b"MDT", &[-360]),
    (b"EEST", &[180]),
    (b"EET", &[120]),
    (b"MSK", &[180, 240]),
    (b"UT", &[0]),
    (b"WET", &[0]),
    (b"WEST", &[60]),
    (b"MET", &[60]),
    (b"MEZ", &[60]),
    (b"MEST", &[120]),
    (b"MESZ", &[120]),
    (b"SAST", &[120]),
    (b"MSD", &[240]),
    (b"PKT", &[300]),
    (b"NPT", &[345]),
    (b"ICT", &[420]),
    (b"WIB", &[420]),
    (b"WIT", &[540]),
    (b"WITA", &[480]),
    (b"SGT", &[480]),
    (b"HKT", &[480]),
    (b"PHT", &[480]),
    (b"AWST", &[480]),
    (b"KST", &[540]),
    (b"ACST", &[570]),
    (b"ACDT", &[630]),
    (b"AEST", &[600]),
    (b"AEDT", &[660]),
    (b"NZST", &[720]),
    (b"NZDT", &[780]),
    (b"AKST", &[-540]),
];

/// Reads the zone at token `index`; answers it and the token after it.
pub(super) fn read(text: &[u8], tokens: &Tokens, index: usize) -> (Zone, usize) {
    let after = |n: usize| index.saturating_add(n);
    let first = tokens.at(index);
    match first.kind {
        Kind::Mark(sign @ (b'+' | b'-')) if tokens.touch(index) => {
            let (mut zone, mut next) = numeric(tokens, sign, after(1), false);
            // `-0800 PST`: the name says it again.
            let word = tokens.at(next);
            let name = if word.kind == Kind::Word { text.get(word.from..word.to) } else { None };
            if let Some(meanings) = name.and_then(meanings) {
                zone.odd = true;
                zone.check(meanings);
                next = next.saturating_add(1);
            } else if next > after(1) && tokens.touch(next.saturating_sub(1)) && goes_on(text, tokens, next) {
                // `+0100x`: only the whole of it could be known.
                return (Zone::unknown(), name_end(text, tokens, next));
            } else {
                let last = tokens.at(next.saturating_sub(1));
                let inner = last
                    .comment
                    .and_then(|(from, to)| text.get(from.saturating_add(1)..to.saturating_sub(1)));
                if let Some(meanings) = inner.map(<[u8]>::trim_ascii).and_then(meanings) {
                    zone.check(meanings);
                }
            }
            (zone, next)
        }
        Kind::Word => {
            let name = text.get(first.from..first.to).unwrap_or_default();
            let agreed = AGREED.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, hours)| *hours);
            let sign = tokens.at(after(1));
            // `GMT+0200`, `UTC +2`: an offset from UTC, named so; `EST -0500`: the offset says it again.
            if let (Some(hours), Kind::Mark(s @ (b'+' | b'-'))) = (agreed, sign.kind)
                && name.len() > 1
                && tokens.touch(after(1))
            {
                let (mut zone, next) = numeric(tokens, s, after(2), hours == 0);
                let again = zone.offset == Some(hours.saturating_mul(3600));
                let fits = hours == 0 || again && tokens.at(after(2)).digits() == 4;
                // `EST+0500`, `GMT+1BST`: what the whole of it means is told nowhere.
                if !fits || goes_on(text, tokens, next) {
                    return (Zone::unknown(), name_end(text, tokens, next));
                }
                zone.odd = true;
                return (zone, next);
            }
            let end = name_end(text, tokens, after(1));
            if let Some(hours) = agreed.filter(|_| end == after(1)) {
                let notes = [Some(AnomalyKind::ZoneNamed), None];
                return (Zone { offset: Some(hours.saturating_mul(3600)), notes, odd: false }, after(1));
            }
            // Military letters were defined wrongly in RFC 822 and mean nothing (RFC 5322 section 4.3). A name that
            // only begins with a known one, such as `EST5EDT` or `GMT Daylight Time`, is not that one: half of the year
            // it is another.
            let zone_like = end > after(1) || name.len() <= 5;
            if zone_like && name.iter().all(u8::is_ascii_alphabetic) && !is_clause(name) {
                (Zone::unknown(), end)
            } else {
                (Zone::default(), index)
            }
        }
        _ => (Zone::default(), index),
    }
}

/// Whether the token at `index` is part of the zone's name before it: letters, digits or a mark and one of them,
/// without a blank between; or a word that is no clause, such as `Daylight`.
fn goes_on(text: &[u8], tokens: &Tokens, index: usize) -> bool {
    let (token, touches) = (tokens.at(index), tokens.touch(index.saturating_sub(1)));
    match token.kind {
        Kind::Word => touches || !is_clause(text.get(token.from..token.to).unwrap_or_default()),
        Kind::Number(_) => touches,
        Kind::Mark(b'+' | b'-' | b'/' | b'_' | b':' | b'\\') => {
            let next = tokens.at(index.saturating_add(1));
            touches && tokens.touch(index) && matches!(next.kind, Kind::Word | Kind::Number(_))
        }
        _ => false,
    }
}

/// Just past the tokens of a zone's name; one of more than twelve is none.
fn name_end(text: &[u8], tokens: &Tokens, from: usize) -> usize {
    let tail = (from..from.saturating_add(12)).take_while(|&at| goes_on(text, tokens, at)).count();
    from.saturating_add(tail)
}

/// Words of a `Received` field that may follow a date without zone.
fn is_clause(word: &[u8]) -> bool {
    [&b"for"[..], b"from", b"by", b"with", b"id", b"via", b"added", b"at", b"on", b"m"]
        .iter()
        .any(|w| w.eq_ignore_ascii_case(word))
}

/// `0200`, `02:00`, `02`; `2` where a name stands before it.
fn numeric(tokens: &Tokens, sign: u8, index: usize, named: bool) -> (Zone, usize) {
    let bad = |next| {
        let notes = [Some(AnomalyKind::ZoneInvalid), None];
        (Zone { offset: None, notes, odd: false }, next)
    };
    let t = tokens.at(index);
    let Kind::Number(number) = t.kind else { return (Zone::default(), index.saturating_sub(1)) };
    let mut next = index.saturating_add(1);
    let (hours, minutes, odd) = match t.digits() {
        4 => (number / 100, number % 100, false),
        1 if !named => return bad(next),
        1 | 2 => {
            let minutes = tokens.at(next.saturating_add(1));
            match minutes.kind {
                Kind::Number(m) if tokens.at(next).kind == Kind::Mark(b':') && minutes.digits() == 2 => {
                    next = next.saturating_add(2);
                    (number, m, true)
                }
                _ => (number, 0, true),
            }
        }
        _ => return bad(next),
    };
    let total = i32::try_from(hours.saturating_mul(60).saturating_add(minutes)).unwrap_or(i32::MAX);
    let total = if sign == b'-' { total.saturating_neg() } else { total };
    if minutes > 59 || !(-12 * 60..=14 * 60).contains(&total) {
        return bad(next);
    }
    let minus_zero = sign == b'-' && total == 0;
    let notes = [minus_zero.then_some(AnomalyKind::ZoneMinusZero), None];
    (Zone { offset: Some(total.saturating_mul(60)), notes, odd }, next)
}

fn meanings(name: &[u8]) -> Option<&'static [i32]> {
    if name.len() < 2 || name.len() > 4 {
        return None;
    }
    IN_COMMENTS.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, minutes)| *minutes)
}

impl Zone {
    fn check(&mut self, meanings: &[i32]) {
        if self.offset.is_some_and(|o| !meanings.iter().any(|m| m.saturating_mul(60) == o)) {
            self.notes = [self.notes.first().copied().flatten(), Some(AnomalyKind::ZoneCommentMismatch)];
        }
    }
}
