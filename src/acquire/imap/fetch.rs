//! What a FETCH answer tells of a message (RFC 9051 section 7.5.2; RFC 7162, RFC 8474, X-GM-EXT-1).

use super::answer::Answer;
use super::scan::{LITERAL, Scan, Text, decimal};
use crate::types::server::ServerState;

/// The body in a FETCH answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// NIL: the server says that there is none.
    Nil,
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Bytes that were handed on or not kept; so many.
    Elsewhere(u64),
}

/// One FETCH answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Message sequence number.
    pub(super) sequence: u64,
    /// UID, where it stands in it.
    pub(super) uid: Option<u64>,
    /// Whether FLAGS stand in it.
    pub(super) has_flags: bool,
    /// All but the body.
    pub(super) server: ServerState,
    /// `BODY[]`, and the offset that the server wrote behind it.
    pub(super) body: Option<(Option<u64>, Body)>,
    /// Bodies beyond the first: no server has a reason to give them.
    pub(super) further: Vec<(Option<u64>, Body)>,
    /// Something stands behind a body that cannot stand there by the grammar (RFC 9051 section 9, `msg-att`): the count
    /// of its octets was wrong, and part of the message is taken for the answer, or part of the answer for the message.
    pub(super) is_torn: bool,
}

impl Fetched {
    /// Reads `* n FETCH (..)`; items that are not known are passed over. `None` when it is no FETCH.
    pub(super) fn read(answer: &mut Answer) -> Option<Self> {
        let mut scan = Scan::new(answer);
        if !scan.is(b'*') {
            return None;
        }
        scan.blanks();
        let mut out = Self { sequence: scan.number()?, ..Self::default() };
        scan.blanks();
        if !scan.atom().eq_ignore_ascii_case(b"FETCH") {
            return None;
        }
        scan.blanks();
        if !scan.is(b'(') {
            return None;
        }
        loop {
            scan.blanks();
            let item = scan.item();
            let has_body = out.body.is_some();
            if item.is_empty() {
                if scan.is(b')') {
                    out.is_torn |= has_body && !scan.rest().trim_ascii().is_empty();
                    return Some(out);
                }
                out.is_torn |= has_body;
                if scan.peek().is_none() {
                    return Some(out);
                }
                scan.pass();
                // What a value cannot begin with is passed over by hand.
                if scan.peek().is_some_and(|b| b == b'\r') {
                    return Some(out);
                }
                continue;
            }
            out.is_torn |= has_body && !is_item(item);
            scan.blanks();
            out.item(item, &mut scan);
        }
    }

    fn item(&mut self, item: &[u8], scan: &mut Scan<'_>) {
        let is = |name: &str| item.eq_ignore_ascii_case(name.as_bytes());
        if is("UID") {
            self.uid = scan.number();
        } else if is("FLAGS") {
            let mut flags = scan.list().unwrap_or_default();
            flags.sort_unstable();
            flags.dedup();
            self.server.flags = flags;
            self.has_flags = true;
        } else if is("INTERNALDATE") {
            self.server.internal_date = scan.bytes();
        } else if is("RFC822.SIZE") {
            self.server.size = scan.number();
        } else if is("MODSEQ") {
            self.server.modseq = first(scan).and_then(|n| decimal(&n));
        } else if is("EMAILID") {
            self.server.email_id = first(scan);
        } else if is("THREADID") {
            self.server.thread_id = first(scan);
        } else if is("X-GM-MSGID") {
            self.server.gm_msgid = scan.number();
        } else if is("X-GM-THRID") {
            self.server.gm_thrid = scan.number();
        } else if is("X-GM-LABELS") {
            let mut labels = scan.list().unwrap_or_default();
            labels.sort_unstable();
            labels.dedup();
            self.server.gm_labels = labels;
        } else if let Some(Origin(offset)) = whole_body(item) {
            if !is_nstring(scan.rest()) {
                // `{-1}`, an atom, a quote that does not end: no body, and nothing that may be taken for one.
                scan.pass();
                return;
            }
            let body = match scan.string() {
                Some(Text::Bytes(bytes)) => Body::Bytes(bytes),
                Some(Text::Elsewhere(n)) => Body::Elsewhere(n),
                Some(Text::Nil) | None => Body::Nil,
            };
            // Only a blank or the end of the list may follow.
            self.is_torn |= !matches!(scan.peek(), Some(b' ' | b')'));
            if self.body.is_none() {
                self.body = Some((offset, body));
            } else {
                self.further.push((offset, body));
            }
        } else {
            scan.pass();
        }
    }
}

/// Whether a word can be the name of a FETCH item (RFC 9051 section 9, `msg-att`): servers have items of their own.
/// FETCH itself stands there when the count swallowed the beginning of the next answer.
fn is_item(item: &[u8]) -> bool {
    item.first().is_some_and(u8::is_ascii_alphabetic) && !item.eq_ignore_ascii_case(b"FETCH")
}

/// `(value)` or a bare value; `None` for NIL.
fn first(scan: &mut Scan<'_>) -> Option<Vec<u8>> {
    match scan.list() {
        Some(list) => list.into_iter().next(),
        None => scan.bytes(),
    }
}

/// Whether an `nstring` (RFC 9051 section 9) stands there: a quoted string that ends, a literal that came, or NIL.
fn is_nstring(rest: &[u8]) -> bool {
    match rest.split_first() {
        Some((b'"', inner)) => {
            let mut bytes = inner.iter();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'"' => return true,
                    b'\\' => drop(bytes.next()),
                    &LITERAL => return false,
                    _ => {}
                }
            }
            false
        }
        Some((b'{' | b'~', _)) => {
            let ends = |b: &&u8| matches!(**b, b' ' | b'(' | b')' | b'"' | b'\r' | LITERAL);
            rest.iter().find(ends) == Some(&LITERAL)
        }
        _ => rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"NIL")),
    }
}

/// The offset that stands behind `BODY[]`, if one does.
struct Origin(Option<u64>);

/// Whether an item is `BODY[]`, and the offset behind it.
fn whole_body(item: &[u8]) -> Option<Origin> {
    let (name, rest) = item.split_at_checked(6)?;
    if !name.eq_ignore_ascii_case(b"BODY[]") {
        return None;
    }
    match rest {
        [] => Some(Origin(None)),
        // Some servers repeat what was asked for: the first number is the origin. What is no number is no origin that
        // fits.
        [b'<', inner @ .., b'>'] => {
            let end = inner.iter().position(|&b| b == b'.').unwrap_or(inner.len());
            Some(Origin(Some(inner.get(..end).and_then(decimal).unwrap_or(u64::MAX))))
        }
        _ => None,
    }
}

/// Whether the literal that follows `text` is the body of a message: then it is told by reference, and may be long.
pub(super) fn is_body_next(text: &[u8]) -> bool {
    let Some(open) = text.iter().rposition(|&b| b == b'{') else { return false };
    let before = text.get(..open).unwrap_or_default();
    let before = before.strip_suffix(b"~").unwrap_or(before).trim_ascii_end();
    let start = before.iter().rposition(|&b| matches!(b, b' ' | b'(')).map_or(0, |at| at.saturating_add(1));
    before.get(start..).is_some_and(|item| whole_body(item).is_some())
}

/// The origin that stands behind the name of the body that comes next, at the end of `text`.
pub(super) fn origin_so_far(text: &[u8]) -> Option<u64> {
    let open = text.iter().rposition(|&b| b == b'{')?;
    let before = text.get(..open)?;
    let before = before.strip_suffix(b"~").unwrap_or(before).trim_ascii_end();
    let start = before.iter().rposition(|&b| matches!(b, b' ' | b'(')).map_or(0, |at| at.saturating_add(1));
    whole_body(before.get(start..)?).and_then(|Origin(origin)| origin)
}

/// UID that stands before a body in a FETCH answer that has not come to its end.
pub(super) fn uid_so_far(text: &[u8]) -> Option<u64> {
    let mut scan = Scan::of(text);
    scan.is(b'*');
    scan.blanks();
    scan.number()?;
    scan.blanks();
    scan.atom();
    scan.blanks();
    scan.is(b'(');
    loop {
        scan.blanks();
        let item = scan.item();
        scan.blanks();
        if item.eq_ignore_ascii_case(b"UID") {
            return scan.number();
        }
        if item.is_empty() {
            return None;
        }
        scan.pass();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::imap::scan::Literal;

    fn read(text: &str, literals: &[&[u8]]) -> Option<Fetched> {
        let literals = literals.iter().map(|l| Literal::Bytes(l.to_vec())).collect();
        Fetched::read(&mut Answer { text: text.as_bytes().to_vec(), literals })
    }

    #[test]
    fn a_listing_line_is_read_whole() {
        let f = read(
            "* 12 FETCH (UID 4 FLAGS (\\Seen \\Answered \\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 \
             MODSEQ (17) EMAILID (M1) THREADID NIL X-GM-MSGID 1278455344230334865 X-GM-LABELS (\"\\\\Inbox\" a {3}\n) \
             X-NEW (1 (2) \"3\"))",
            &[b"b c"],
        )
        .unwrap();
        assert_eq!((f.sequence, f.uid, f.server.size, f.server.modseq), (12, Some(4), Some(4286), Some(17)));
        assert_eq!(f.server.flags, [b"\\Answered".to_vec(), b"\\Seen".to_vec()]);
        assert_eq!(f.server.internal_date.as_deref(), Some(&b"17-Jul-1996 02:44:25 -0700"[..]));
        assert_eq!((f.server.email_id, f.server.thread_id), (Some(b"M1".to_vec()), None));
        assert_eq!(f.server.gm_msgid, Some(1_278_455_344_230_334_865));
        assert_eq!(f.server.gm_labels, [b"\\Inbox".to_vec(), b"a".to_vec(), b"b c".to_vec()]);
        assert!(f.body.is_none() && f.has_flags);
    }

    #[test]
    fn bodies_come_in_every_form() {
        let body = |text: &str, literals: &[&[u8]]| read(text, literals).unwrap().body;
        assert_eq!(
            body("* 1 FETCH (UID 1 BODY[] {2}\n)", &[b"ab"]),
            Some((None, Body::Bytes(b"ab".to_vec())))
        );
        assert_eq!(
            body("* 1 FETCH (body[]<7> ~{2}\n UID 1)", &[b"ab"]),
            Some((Some(7), Body::Bytes(b"ab".to_vec())))
        );
        assert_eq!(body("* 1 FETCH (BODY[] NIL)", &[]), Some((None, Body::Nil)));
        assert_eq!(body("* 1 FETCH (BODY[] \"\")", &[]), Some((None, Body::Bytes(vec![]))));
        assert_eq!(body("* 1 FETCH (BODY[TEXT] \"x\" UID 2)", &[]), None);
    }

    #[test]
    fn what_cannot_stand_behind_a_body_is_seen() {
        let is_torn = |text: &str| read(text, &[b"ab"]).unwrap().is_torn;
        for sound in [")", " UID 4)", " UID 4 X-NEW (a (b)))", " FLAGS (\\Seen) MODSEQ (7)) "] {
            assert!(!is_torn(&format!("* 1 FETCH (UID 1 BODY[] {{2}}\n{sound}")), "{sound}");
        }
        for torn in ["", "c)", "* 2 FETCH (UID 2", " FETCH (UID 2 FLAGS ())", ")x", " )foo", " UID 4", "\n)"]
        {
            assert!(is_torn(&format!("* 1 FETCH (UID 1 BODY[] {{2}}\n{torn}")), "{torn}");
        }
        assert!(!is_torn("* 1 FETCH (UID 1 FLAGS ()"));
    }

    #[test]
    fn an_origin_may_repeat_what_was_asked_for() {
        let origin = |text: &str| read(text, &[b"ab"]).unwrap().body.unwrap().0;
        assert_eq!(origin("* 1 FETCH (BODY[]<0.4194304> {2}\n)"), Some(0));
        assert_eq!(origin("* 1 FETCH (BODY[]<x> {2}\n)"), Some(u64::MAX));
        assert_eq!(origin_so_far(b"* 1 FETCH (UID 2 BODY[]<7.9> ~{2}"), Some(7));
        assert_eq!(origin_so_far(b"* 1 FETCH (UID 2 BODY[] {2}"), None);
    }

    #[test]
    fn what_is_no_string_is_no_body() {
        for odd in ["{-1}", "{many}", "~{3}", "abc", "(\"a\")", "\"abc", "\"ab\\\"", ""] {
            let fetched = read(&format!("* 1 FETCH (UID 1 BODY[] {odd})"), &[]).unwrap();
            assert_eq!(fetched.body, None, "{odd}");
        }
    }

    #[test]
    fn the_body_is_known_before_it_comes() {
        assert!(is_body_next(b"* 1 FETCH (UID 4 BODY[] {12}"));
        assert!(is_body_next(b"* 1 FETCH (BODY[]<0> ~{12}"));
        assert!(!is_body_next(b"* 1 FETCH (X-GM-LABELS ({12}"));
        assert_eq!(uid_so_far(b"* 1 FETCH (FLAGS (a b) UID 4 BODY[] {12}"), Some(4));
        assert_eq!(uid_so_far(b"* 1 FETCH (BODY[] {12}"), None);
    }

    #[test]
    fn what_is_no_fetch_is_none() {
        for text in ["", "*", "* FETCH (UID 1)", "* 1 FETCH", "* 1 EXISTS", "* x FETCH (UID 1)"] {
            assert_eq!(read(text, &[]), None, "{text}");
        }
        assert_eq!(read("* 1 FETCH (UID 99999999999999999999 FLAGS", &[]).unwrap().uid, None);
        assert_eq!(read("* 1 FETCH (UID", &[]).unwrap().uid, None);
    }
}
