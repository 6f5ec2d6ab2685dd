//! The three header fields that concern the container: `Content-Length`, and what marks deleted or pseudo messages.

use crate::types::ByteRange;

use super::drive::{Window, span};

/// Longest header block looked through.
pub(super) const MAX_HEADER: u64 = 64 * 1024;

/// What the header block of an item says to the splitter.
#[derive(Debug, Default)]
pub(super) struct Peek {
    /// First byte of the body; `None` when no empty line was found.
    pub body: Option<u64>,
    /// `Content-Length`, and the place of its line; `Err` when it is not a number that a length can have.
    pub length: Option<Result<(u64, ByteRange), ByteRange>>,
    /// Place of an `X-Mozilla-Status` line that says that the message is deleted.
    pub expunged: Option<ByteRange>,
    /// Place of the `Subject` line that UW programs give to a pseudo message.
    pub internal: Option<ByteRange>,
}

/// Looks at the header block that begins at `start`; `None` when more of it is needed.
pub(super) fn peek(window: &Window<'_>, start: u64) -> Option<Peek> {
    let text = window.slice(start, start.saturating_add(MAX_HEADER));
    let whole = window.eof || text.len() as u64 >= MAX_HEADER;
    let mut peek = Peek::default();
    // Most lines are of no concern, so they are passed by their first byte.
    for begin in std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|lf| lf.saturating_add(1))) {
        match text.get(begin) {
            Some(b'\n') => {
                peek.body = Some(start.saturating_add(begin as u64).saturating_add(1));
                return Some(peek);
            }
            Some(b'\r') if text.get(begin.saturating_add(1)) == Some(&b'\n') => {
                peek.body = Some(start.saturating_add(begin as u64).saturating_add(2));
                return Some(peek);
            }
            Some(b'C' | b'c' | b'X' | b'x' | b'S' | b's') => {
                let rest = text.get(begin..).unwrap_or_default();
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                peek.line(rest.get(..end).unwrap_or_default(), start.saturating_add(begin as u64));
            }
            _ => {}
        }
    }
    whole.then_some(peek)
}

impl Peek {
    /// A header line without its LF, which stands at `at`.
    fn line(&mut self, line: &[u8], at: u64) {
        let place = || {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            span(at, at.saturating_add(line.len() as u64)).unwrap_or_default()
        };
        if let Some(value) = value_of(line, b"content-length") {
            if self.length.is_none() {
                self.length = Some(number(value).map(|n| (n, place())).ok_or_else(place));
            }
        } else if let Some(value) = value_of(line, b"x-mozilla-status") {
            let flags = std::str::from_utf8(value).ok().and_then(|v| u32::from_str_radix(v, 16).ok());
            if flags.is_some_and(|flags| flags & 8 != 0) {
                self.expunged = Some(place());
            }
        } else if let Some(value) = value_of(line, b"subject")
            && memchr::memmem::find(value, b"FOLDER INTERNAL DATA").is_some()
        {
            self.internal = Some(place());
        }
    }
}

/// The value of the field of this name, without blanks around it.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(name.len())?;
    if !head.eq_ignore_ascii_case(name) {
        return None;
    }
    Some(rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii())
}

fn number(value: &[u8]) -> Option<u64> {
    let plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    plain.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Peek {
        peek(&Window { buf: text.as_bytes(), base: 0, eof: true }, 0).unwrap()
    }

    #[test]
    fn a_length_is_digits_and_nothing_else() {
        assert!(matches!(check("A: b\ncontent-length : 12 \r\n\r\nx").length, Some(Ok((12, _)))));
        for bad in ["-1", "", "12 bytes", "0x10", "1000000000000000000000000"] {
            assert!(matches!(check(&format!("Content-Length: {bad}\n\n")).length, Some(Err(_))), "{bad}");
        }
        assert!(check("A: b\n\nContent-Length: 12\n").length.is_none());
        assert_eq!(check("A: b\r\n\r\nx").body, Some(8));
        assert_eq!(check("A: b\n").body, None);
    }

    #[test]
    fn deleted_mail_of_mozilla_is_known() {
        assert!(check("X-Mozilla-Status: 0009\n\n").expunged.is_some());
        assert!(check("X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000008\n\n").expunged.is_none());
    }
}
