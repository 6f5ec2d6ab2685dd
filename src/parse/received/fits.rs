//! Whether the values of a field are such as its family writes them, beside the order of its clauses.

use super::clauses::{Draft, begins};
use super::family::Family;
use super::lex::Span;
use super::protocol::Protocol;
use super::recognise::is_exim_id;
use crate::types::{Anomaly, AnomalyKind};

impl Draft {
    /// Whether id, protocol, date and client are written as the family's source writes them. A family whose source is
    /// not at hand is asked for nothing here. `notes` are the anomalies of the date.
    pub(super) fn fits_its_family(&self, text: &[u8], protocol: Protocol, notes: &[Anomaly]) -> bool {
        let id = |is: fn(&[u8]) -> bool| self.id.is_none_or(|id| is(id.of(text)));
        let bracketed = self.peer.ip.is_none() || !self.peer.bare_ip;
        let known = self.with.is_none() || !protocol.name.is_empty();
        let dated = || !notes.iter().any(|note| ODD_DATES.contains(&note.kind));
        match self.family {
            // `[%s]` in srvrsmtp.c and conf.c: never a bare address. smtpd.c writes `(name [address])` for every client
            // it tells.
            Family::Sendmail => {
                let told = self.with.is_none() || self.peer.ident.is_some() || self.peer.name.is_some();
                bracketed && known && id(is_sendmail_id) && (told || self.names_a_client(text)) && dated()
            }
            Family::Gmail => id(is_gmail_id) && dated(),
            // `(address)` without a name, and the version of the server as the id.
            Family::Exchange
                if self.with.is_some_and(|with| begins(with.of(text), b"microsoft smtp server")) =>
            {
                self.peer.name.is_none() && id(is_version)
            }
            Family::Postfix => {
                bracketed && known && id(is_postfix_id) && self.names_a_client(text) && dated()
            }
            Family::Exim => id(is_exim_id) && dated(),
            _ => true,
        }
    }

    /// Postfix: no client at all, or one with an address; a local one has `localhost` or a socket.
    fn names_a_client(&self, text: &[u8]) -> bool {
        self.peer.token.is_none_or(|token: Span| token.is_empty() || token.of(text).contains(&b'@'))
            || self.peer.ip.is_some()
            || self.peer.ip_invalid.is_some()
            || self.peer.local
            || self.peer.state == super::Rdns::None
    }
}

/// Dates in a form that no C library's `strftime` gives these programs.
const ODD_DATES: &[AnomalyKind] = &[
    AnomalyKind::DateForm,
    AnomalyKind::TwelveHourClock,
    AnomalyKind::TimeMissing,
    AnomalyKind::SecondsMissing,
    AnomalyKind::ZoneMissing,
    AnomalyKind::DateUnreadable,
    AnomalyKind::DateInvalid,
];

/// `AA12345`, `KAA14788` (before 8.10); `h2JAbCd01234` (8.10), `44E7FRrB012345` (8.12 and later); Proofpoint's have
/// `-1` behind.
fn is_sendmail_id(id: &[u8]) -> bool {
    let id = match memchr::memrchr(b'-', id) {
        Some(dash)
            if id
                .get(dash.saturating_add(1)..)
                .is_some_and(|n| n.len() == 1 && n.iter().all(u8::is_ascii_digit)) =>
        {
            id.get(..dash).unwrap_or_default()
        }
        _ => id,
    };
    let digits = id.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let head = id.get(..id.len().saturating_sub(digits)).unwrap_or_default();
    let old =
        (2..=3).contains(&head.len()) && head.iter().all(u8::is_ascii_uppercase) && (4..=7).contains(&digits);
    // Some of the characters of the time may be digits too.
    let new = (11..=16).contains(&id.len()) && digits >= 4 && id.iter().all(u8::is_ascii_alphanumeric);
    old || new
}

/// Letters, digits, dots and dashes, with a number in it; never short.
fn is_gmail_id(id: &[u8]) -> bool {
    id.len() >= 10
        && id.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && id.iter().any(u8::is_ascii_digit)
        && id.iter().any(u8::is_ascii_lowercase)
}

/// `15.20.7544.36`
fn is_version(id: &[u8]) -> bool {
    id.split(|b| *b == b'.').count() >= 3
        && id.split(|b| *b == b'.').all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}

/// Hex digits of microseconds and inode, or the long form in base 52.
fn is_postfix_id(id: &[u8]) -> bool {
    let short = !id.is_empty() && id.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b));
    let long = |b: &u8| b.is_ascii_alphanumeric() && !b"aeiouAEIOU".contains(b);
    short || id.len() >= 12 && id.iter().all(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_programs_are_told_from_numbers() {
        for id in ["AA12345", "KAA14788", "h2JAbCd01234", "44E7FRrB012345", "x5KAbc0Q012345-1"] {
            assert!(is_sendmail_id(id.as_bytes()), "{id}");
        }
        for id in ["", "12345", "12345-1", "abc", "3D8C2F013BB46F4.x", "1s6mPq-0000000A1bC-2d3E"] {
            assert!(!is_sendmail_id(id.as_bytes()), "{id}");
        }
        for id in ["4F3D21234", "40D861EAF62", "4VdXyz0Q8Lz9sWQ", "9C1D02E0"] {
            assert!(is_postfix_id(id.as_bytes()), "{id}");
        }
        for id in ["", "4f3d21234", "abcdefghijkl", "44E7FRrB01-345"] {
            assert!(!is_postfix_id(id.as_bytes()), "{id}");
        }
    }
}
