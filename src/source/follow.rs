//! Whether a header block follows a `From ` line that could be a sentence.

use super::drive::lines;
use super::look::field_name;

/// Bytes looked at behind the line. Less than is kept in memory of a long item (`drive::HOLD`).
pub(super) const AHEAD: usize = 48 * 1024;

/// Field names, in lower case, of which one must stand in a header block that makes the `From ` line before it a
/// separator.
pub const SEPARATOR_FIELDS: &[&str] = &[
    "arc-seal",
    "authentication-results",
    "bcc",
    "cc",
    "content-length",
    "date",
    "delivered-to",
    "dkim-signature",
    "envelope-to",
    "from",
    "in-reply-to",
    "list-id",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "status",
    "subject",
    "to",
    "x-gm-thrid",
    "x-gmail-labels",
    "x-imapbase",
    "x-mozilla-keys",
    "x-mozilla-status",
    "x-mozilla-status2",
    "x-original-to",
    "x-status",
    "x-uid",
    "x-uidl",
];

/// Whether `text` begins with at least two header fields of different names, folds apart, of which one is of
/// [`SEPARATOR_FIELDS`].
///
/// `whole` says that the container ends where `text` ends. `None`: more is needed to tell, never once [`AHEAD`] bytes
/// are there.
pub(super) fn fields_follow(text: &[u8], whole: bool) -> Option<bool> {
    let whole = whole || text.len() >= AHEAD;
    let text = text.get(..AHEAD.min(text.len())).unwrap_or(text);
    let mut first: Option<&[u8]> = None;
    let (mut two, mut known) = (false, false);
    for (number, (range, next)) in lines(text).enumerate() {
        let line = text.get(range).unwrap_or_default();
        let complete = next < text.len() || text.ends_with(b"\n") || whole;
        if matches!(line.first(), Some(b' ' | b'\t')) && number > 0 {
            continue;
        }
        // Old delivery programs put the sender of the envelope, quoted, first.
        if number == 0 && line.starts_with(b">From ") {
            continue;
        }
        let Some(name) = field_name(line) else {
            // A name has no more bytes than `field_name` looks at.
            return if complete || line.len() >= 256 { Some(false) } else { None };
        };
        known |= SEPARATOR_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()));
        match first {
            None => first = Some(name),
            Some(first) => two |= !name.eq_ignore_ascii_case(first),
        }
        if two && known {
            return Some(true);
        }
    }
    whole.then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(fields_follow(text.as_bytes(), true), Some(expected), "{text}");
        for end in 0..text.len() {
            let part = fields_follow(&text.as_bytes()[..end], false);
            assert!(part.is_none_or(|told| told == expected), "{}", &text[..end]);
        }
    }

    #[test]
    fn two_names_and_one_of_the_table_make_a_header_block() {
        check("From: a\nTo: b\n\n", true);
        check("X-A: a\n folded\nX-B: b\nSubject: c\n", true);
        check("Received: a\n\tby b\nReceived: c\nDate: d\n", true);
        check(">From a\nStatus: R\r\nX-Status: A\r\n", true);
        check("SUBJECT: x\nmessage-id: y", true);
        check("Subject: x\nsubject: y\n\nFrom: z\n", false);
        check("X-A: a\nX-B: b\n\nTo: c\n", false);
        check("To: a\nthen the text\nCc: b\n", false);
        check("\nFrom: a\nTo: b\n", false);
        check("From: a\n", false);
        check("", false);
        check("\rTo: a\nCc: b\n", false);
    }

    #[test]
    fn a_block_without_end_is_looked_at_up_to_a_limit() {
        let fold = format!("To: a\n{}", " b\n".repeat(AHEAD));
        assert_eq!(fields_follow(fold.as_bytes(), false), Some(false));
        let long = format!("To: {}\nCc: b\n", "a".repeat(AHEAD - 20));
        assert_eq!(fields_follow(long.as_bytes(), false), Some(true));
        assert_eq!(fields_follow("x".repeat(256).as_bytes(), false), Some(false));
        assert_eq!(fields_follow("x".repeat(255).as_bytes(), false), None);
    }
}
