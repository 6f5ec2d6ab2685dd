//! Text that is written otherwise than it reads: flowed lines (RFC 3676), folded calendars and cards (RFC 5545, RFC
//! 6350).

use std::borrow::Cow;

/// Flowed text with `DelSp=yes`, its paragraphs joined (RFC 3676 sections 4.1 to 4.5): lines that end in a blank go on
/// in the next of the same quote depth, the blank left out, quote marks and the blank of stuffing taken off it. A
/// signature line (`-- `) and a line of another depth join nothing.
pub(crate) fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of the line before, when it goes on.
    let mut open: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let ended = line.trim_end_matches(['\r', '\n']);
        let depth = ended.bytes().take_while(|b| *b == b'>').count();
        let quoted = ended.get(depth..).unwrap_or_default();
        let content = quoted.strip_prefix(' ').unwrap_or(quoted);
        let signature = content == "-- ";
        match open.take() {
            Some(before) if before == depth && !signature => {}
            before => {
                if before.is_some() {
                    out.push('\n');
                }
                out.push_str(ended.get(..depth).unwrap_or_default());
                if depth > 0 {
                    out.push(' ');
                }
            }
        }
        match content.strip_suffix(' ') {
            Some(flows) if !signature => {
                out.push_str(flows);
                open = Some(depth);
            }
            _ => {
                out.push_str(content);
                out.push('\n');
            }
        }
    }
    out
}

/// Whether a type is one whose lines are folded.
pub(crate) fn is_folded_type(content_type: &str) -> bool {
    matches!(
        content_type,
        "text/calendar"
            | "text/x-vcalendar"
            | "text/vcalendar"
            | "text/vcard"
            | "text/x-vcard"
            | "text/directory"
            | "text/vtodo"
            | "application/ics"
    )
}

/// A calendar or card without its folds (RFC 5545 section 3.1): a line end and the one blank behind it are nothing.
/// Folds may cut a character, so this is of bytes.
pub(crate) fn unfolded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_fold = |at: usize| matches!(bytes.get(at + 1), Some(b' ' | b'\t'));
    if !memchr::memchr_iter(b'\n', bytes).any(is_fold) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', bytes).filter(|at| is_fold(*at)) {
        let line = bytes.get(from..at).unwrap_or_default();
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        from = at + 2;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The text of a calendar or card without its escapes (RFC 5545 section 3.3.11): `\\n` ends a line, other signs stand
/// for themselves.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('n' | 'N')) => {
                chars.next();
                out.push('\n');
            }
            ('\\', Some(&sign @ (',' | ';' | '\\' | ':'))) => {
                chars.next();
                out.push(sign);
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_of_one_depth_are_joined() {
        assert_eq!(joined("see secr \netpath\n"), "see secretpath\n");
        assert_eq!(joined("> see secr \r\n> etpath\r\n"), "> see secretpath\n");
        assert_eq!(joined(">> a \n> b\n"), ">> a\n> b\n");
        assert_eq!(joined(" wi \n re\n"), "wire\n");
        assert_eq!(joined("a  \nb\n"), "a b\n");
        assert_eq!(joined("a \n-- \nAnn\n"), "a\n-- \nAnn\n");
        assert_eq!(joined("last "), "last");
        assert_eq!(joined(">From \n>x\n"), "> Fromx\n");
    }

    #[test]
    fn folds_of_a_calendar_cut_no_word() {
        assert_eq!(
            &*unfolded(b"SUMMARY:Quar\r\n terly re\n\tview\r\nEND:X\r\n"),
            b"SUMMARY:Quarterly review\r\nEND:X\r\n"
        );
        assert!(matches!(unfolded(b"A:1\r\nB:2\r\n"), Cow::Borrowed(_)));
        assert_eq!(unescaped("one\\ntwo\\, three\\\\x"), "one\ntwo, three\\x");
    }
}
