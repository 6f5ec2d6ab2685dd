//! What a server answers: the status line with its code (RFC 2449 8), and the lines of a long answer.

use crate::acquire::wire::{Wire, WireError};
use crate::types::text::shown;

/// A status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// `+OK`.
    pub(super) is_ok: bool,
    /// What follows, as sent.
    pub(super) text: Vec<u8>,
}

impl Status {
    /// The code in brackets, in upper case (`IN-USE`, `AUTH`, `SYS/TEMP`).
    pub(super) fn code(&self) -> Option<Vec<u8>> {
        let inner = self.text.strip_prefix(b"[")?;
        let end = inner.iter().position(|&b| b == b']')?;
        Some(inner.get(..end)?.to_ascii_uppercase())
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        said(&self.text)
    }
}

/// Text of the server, short and safe to show.
pub(super) fn said(text: &[u8]) -> String {
    let short = text.get(..512).unwrap_or(text);
    shown(&String::from_utf8_lossy(short))
}

/// Splits a status line; `None` when it is none.
fn split(line: &[u8]) -> Option<Status> {
    let (is_ok, rest) = match (line.strip_prefix(b"+OK"), line.strip_prefix(b"-ERR")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    match rest.split_first() {
        None => Some(Status { is_ok, text: Vec::new() }),
        Some((b' ' | b'\t', text)) => Some(Status { is_ok, text: text.to_vec() }),
        Some(_) => None,
    }
}

/// Reads a status line.
///
/// # Errors
/// [`WireError::Protocol`] when something else comes.
pub(super) fn status(wire: &mut Wire<'_>) -> Result<Status, WireError> {
    let line = wire.line()?;
    split(line).ok_or_else(|| {
        WireError::Protocol(format!("neither +OK nor -ERR but \u{201c}{}\u{201d}", said(line)))
    })
}

/// Reads the lines of a long answer to its single dot (RFC 1939 3), each given to `each` without stuffing.
///
/// # Errors
/// [`WireError::Protocol`] when they are more than `most` bytes altogether, and what `each` says.
pub(super) fn lines(
    wire: &mut Wire<'_>,
    most: u64,
    each: &mut dyn FnMut(&[u8]) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut read = 0_u64;
    loop {
        let line = wire.line()?;
        if line == b"." {
            return Ok(());
        }
        read = read.saturating_add(line.len() as u64).saturating_add(2);
        if read > most {
            return Err(WireError::Protocol(format!("an answer is longer than {most} bytes")));
        }
        each(line.strip_prefix(b".").unwrap_or(line))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_word_and_its_text() {
        let of = |line: &[u8]| split(line).map(|s| (s.is_ok, String::from_utf8(s.text).unwrap()));
        assert_eq!(of(b"+OK"), Some((true, String::new())));
        assert_eq!(of(b"+OK 2 320"), Some((true, "2 320".to_owned())));
        assert_eq!(of(b"-ERR [IN-USE] x"), Some((false, "[IN-USE] x".to_owned())));
        for odd in [&b"+OKAY"[..], b"OK", b"", b"+ ", b"* OK", b"-ERROR"] {
            assert_eq!(of(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_code_stands_in_brackets_at_the_front() {
        let code = |line: &[u8]| split(line).unwrap().code();
        assert_eq!(code(b"-ERR [sys/temp] later"), Some(b"SYS/TEMP".to_vec()));
        assert_eq!(code(b"-ERR x [IN-USE]"), None);
        assert_eq!(code(b"-ERR [IN-USE"), None);
    }
}
