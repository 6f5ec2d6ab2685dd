//! Tells whether the text before a `From ` line says that another message is shown there, inside this one.
//!
//! Programs that quote by mboxo or mboxrd never leave such a line bare; those that do not quote leave it bare when a
//! message with its `From ` line is attached or forwarded.

use super::look::field_name;

/// Bytes looked at before the line.
pub(super) const BACK: u64 = 4096;

/// Whether `before`, which ends just before the empty line that stands before a `From ` line, ends in the header of
/// a MIME part (RFC 2046 section 5.1: boundary line, `Content-` fields), or in the line by which mail programs begin
/// a forwarded message (RFC 934 section 2).
pub(super) fn announces(before: &[u8]) -> bool {
    let mut typed = false;
    let mut end = before.len();
    // From the last line upwards: most text is left after one line.
    while end > 0 {
        let text = before.get(..end.saturating_sub(1)).unwrap_or_default();
        let begin = memchr::memrchr(b'\n', text).map_or(0, |lf| lf.saturating_add(1));
        let line = before.get(begin..end).unwrap_or_default().trim_ascii_end();
        if end == before.len() && begins_forwarded(line) {
            return true;
        }
        end = begin;
        match line {
            [b'-', b'-', _, ..] if !line.ends_with(b"--") => return typed,
            [b' ' | b'\t', ..] => {}
            [b'C' | b'c', ..] => match field_name(line) {
                Some(name) if name.eq_ignore_ascii_case(b"content-type") => typed = true,
                Some(name) if name.get(..8).is_some_and(|n| n.eq_ignore_ascii_case(b"content-")) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
    false
}

/// Words by which mail programs introduce a forwarded or quoted message, in lower case.
const INTRODUCTIONS: &[&str] = &[
    "forwarded message",
    "forwarded by",
    "forwarded mail",
    "original message",
    "original mail",
    "included message",
    "message transf",
    "message d'origine",
    "message original",
    "messaggio inoltrato",
    "messaggio originale",
    "mensaje reenviado",
    "mensaje original",
    "mensagem encaminhada",
    "mensagem original",
    "weitergeleitete nachricht",
    "original-nachricht",
    "urspr\u{fc}ngliche nachricht",
    "doorgestuurd bericht",
    "oorspronkelijk bericht",
    "vidarebefordrat",
    "ursprungligt meddelande",
];

/// Whether the last line of `before` introduces a message in any of the forms that mail programs use: a rule of dashes
/// or stars with such words, or such words and a colon. It says less than [`announces`], and counts only against a
/// `From ` line that does not tell by itself that it is a separator.
pub(super) fn introduces(before: &[u8]) -> bool {
    let text = before.trim_ascii_end();
    let begin = memchr::memrchr(b'\n', text).map_or(0, |lf| lf.saturating_add(1));
    let line = text.get(begin..).unwrap_or_default();
    if line.len() > 200 {
        return false;
    }
    let line = String::from_utf8_lossy(line).to_lowercase();
    let line = line.trim_start_matches([' ', '\t', '>']);
    let framed = ["--", "**", "==", "__"].iter().any(|rule| line.starts_with(rule)) || line.ends_with(':');
    let ends = ["end of", "end forwarded", "end included"].iter().any(|words| line.contains(words));
    framed && !ends && INTRODUCTIONS.iter().any(|words| line.contains(words))
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
    use super::{announces, introduces};

    #[test]
    fn a_line_that_introduces_a_message_is_known_in_many_forms() {
        for text in [
            "hi\n\nBegin forwarded message:\n",
            "-------- Original Message --------\n\n",
            "---------------------- Forwarded by Ann on 01/02/2001 ---\n",
            "-----Urspr\u{fc}ngliche Nachricht-----\r\n",
            "> ---- Message transf\u{e9}r\u{e9} ----\n",
        ] {
            assert!(introduces(text.as_bytes()), "{text}");
        }
        for text in
            ["bye\n", "the original message is below\n", "--- End of forwarded message ---\n", "Ann:\n", ""]
        {
            assert!(!introduces(text.as_bytes()), "{text}");
        }
    }

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
