//! Tells whether the text before a `From ` line says that another message is shown there, inside this one.
//!
//! Programs that quote by mboxo or mboxrd never leave such a line bare; those that do not quote leave it bare when a
//! message with its `From ` line is attached or forwarded.

use super::drive::lines;
use super::look::field_name;

/// Bytes looked at before the line.
pub(super) const BACK: u64 = 4096;

/// Whether `before`, which ends just before the empty line that stands before a `From ` line, ends in the header of
/// a MIME part (RFC 2046 section 5.1: boundary line, `Content-` fields), or in the line by which mail programs begin
/// a forwarded message (RFC 934 section 2).
pub(super) fn announces(before: &[u8]) -> bool {
    let mut part = Part::None;
    let mut last: &[u8] = b"";
    for (range, _) in lines(before) {
        let line = before.get(range).unwrap_or_default();
        last = line;
        part = part.next(line);
    }
    part == Part::Typed || begins_forwarded(last)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    /// In the header of a part.
    Begun,
    /// The same, its type was told.
    Typed,
}

impl Part {
    fn next(self, line: &[u8]) -> Self {
        if line.starts_with(b"--") && line.len() > 2 && !line.ends_with(b"--") {
            return Self::Begun;
        }
        let blank = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        match (self, field_name(line)) {
            (Self::None, _) => Self::None,
            (part, _) if blank => part,
            (_, Some(name)) if name.eq_ignore_ascii_case(b"content-type") => Self::Typed,
            (part, Some(name)) if name.len() > 8 && name.split_at(8).0.eq_ignore_ascii_case(b"content-") => {
                part
            }
            _ => Self::None,
        }
    }
}

fn begins_forwarded(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if !line.starts_with(b"---") || line.len() > 200 {
        return false;
    }
    let line = line.to_ascii_lowercase();
    let has = |words: &[u8]| memchr::memmem::find(&line, words).is_some();
    let shows = has(b"included message") || has(b"forwarded message") || has(b"original message");
    shows && !has(b"end of") && !has(b"end included") && !has(b"end forwarded")
}

#[cfg(test)]
mod tests {
    use super::announces;

    #[test]
    fn a_part_header_and_a_forwarding_line_announce_a_message() {
        assert!(announces(b"text\n\n--b1\nContent-Type: MESSAGE/rfc822; name=x\nContent-Description: y\n"));
        assert!(announces(b"--b1\r\nContent-Type: multipart/mixed;\r\n\tboundary=b2\r\n"));
        assert!(announces(b"hi\n\n----- Begin Included Message -----\n"));
        assert!(announces(b"---------- Forwarded message ----------\n"));
    }

    #[test]
    fn the_end_of_a_message_announces_nothing() {
        for text in [
            &b"bye\n"[..],
            b"--b1\nContent-Type: text/plain\n\nbye\n",
            b"--b1--\n",
            b"-- \nJoe\n",
            b"----- End Included Message -----\n",
            b"------- End of Forwarded Message\n",
            b"Content-Type: text/plain\n",
            b"",
        ] {
            assert!(!announces(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
