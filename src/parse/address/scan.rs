//! The small pieces of the address grammar (RFC 5322 section 3.4 with the old forms of 4.4), over bytes.

use super::Address;
use crate::parse::bytes::{byte, from, part, starts_with_fold, trim};
use crate::parse::value::closed_comment;

/// Bytes that end an atom.
pub(super) fn ends_atom(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b'"' | b'<' | b',' | b';' | b':' | b'[' | b'>' | 0xc2)
}

/// Where the quoted string at the start of `text` ends, as the place of its closing quote; the length when it is not
/// closed. `escapes` is whether a backslash hides a quote.
pub(super) fn closing(text: &[u8], escapes: bool) -> usize {
    let mut end = 1usize;
    while end < text.len() {
        match byte(text, end) {
            b'\\' if escapes => end = end.saturating_add(1),
            b'"' => break,
            _ => {}
        }
        end = end.saturating_add(1);
    }
    end.min(text.len())
}

/// Whether a quote that has another behind it opens nothing all the same: what stands between is a mailbox and more.
pub(super) fn opens_nothing(inner: &[u8], after: &[u8], glued: bool) -> bool {
    let Some(open) = memchr::memchr(b'<', inner) else { return false };
    let Some(close) = memchr::memchr(b'>', from(inner, open)) else { return false };
    let mailbox = part(inner, open..open.saturating_add(close));
    if memchr::memchr(b'@', mailbox).is_none() {
        return false;
    }
    let tail = trim(inner);
    let proper = matches!(
        after,
        [] | [b' ' | b'\t' | b'<' | b'@' | b'.' | b',' | b';' | b':' | b'(' | b')' | b'>' | b'"', ..]
    );
    // It closes before a letter, it is glued to the name before it, or a comma stands before its end.
    !proper || glued || tail.ends_with(b",") || tail.ends_with(b";")
}

/// Where the encoded word at the start ends; 0 when it is none.
pub(super) fn encoded_end(text: &[u8]) -> usize {
    let inner = from(text, 2);
    let head = part(inner, 0..200);
    let Some(q1) = memchr::memchr(b'?', head) else { return 0 };
    if byte(inner, q1.saturating_add(2)) != b'?' {
        return 0;
    }
    let start = q1.saturating_add(3);
    let body = part(inner, start..start.saturating_add(1000));
    match memchr::memmem::find(body, b"?=") {
        Some(n) => start.saturating_add(n).saturating_add(4),
        None => 0,
    }
}

/// What an open parenthesis leaves to know for those behind it, so that many of them take linear time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parens {
    /// One was met that is never closed: the others end at the next `)`.
    unclosed: bool,
    /// No `)` follows.
    none: bool,
}

impl Parens {
    /// Whether one was met that is never closed.
    pub(super) fn is_odd(self) -> bool {
        self.unclosed
    }
}

/// Keeps the comment at the start of `text`, and answers what is behind it. One that is not closed is no comment: what
/// follows its parenthesis is read on.
pub(super) fn add_note<'a>(text: &'a [u8], note: &mut Vec<u8>, parens: &mut Parens) -> &'a [u8] {
    let mut after = None;
    if !parens.unclosed {
        after = closed_comment(text);
        parens.unclosed = after.is_none();
    }
    if parens.unclosed && !parens.none {
        after = memchr::memchr(b')', text).map(|n| from(text, n.saturating_add(1)));
        parens.none = after.is_none();
    }
    let Some(after) = after else { return from(text, 1) };
    let inner = part(text, 1..text.len().saturating_sub(after.len()));
    if !note.is_empty() {
        note.push(b' ');
    }
    unescape(inner.strip_suffix(b")").unwrap_or(inner), note);
    after
}

/// `(at)` and `(dot)` at the start of `text` as words: they stand for signs, and are no comments.
pub(super) fn sign(text: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let is = |sign: &[u8]| starts_with_fold(text, sign);
    if is(b"(at)") {
        Some((b" at ", from(text, 4)))
    } else if is(b"(dot)") {
        Some((b" dot ", from(text, 5)))
    } else {
        None
    }
}

/// Most quotes between `<` and `>` that open nothing.
const MAX_STRAYS: u32 = 8;

/// What stands between `<` and `>`: comments and a route (`@a,@b:`) removed; quotes and blanks stay.
pub(super) fn angle<'a>(text: &'a [u8], note: &mut Vec<u8>, parens: &mut Parens) -> (Vec<u8>, &'a [u8]) {
    let mut out = Vec::with_capacity(40);
    let mut rest = text;
    let mut strays = 0u32;
    loop {
        rest = match rest {
            // At the end, or never closed: the next mailbox begins.
            [] | [b'<', ..] => break,
            [b'>', r @ ..] => {
                rest = r;
                break;
            }
            [b'(', ..] => match sign(rest) {
                Some((word, after)) => {
                    out.extend_from_slice(word);
                    after
                }
                None => add_note(rest, note, parens),
            },
            [b'"', r @ ..] => {
                out.push(b'"');
                let end = closing(rest, true);
                let inner = part(rest, 1..end);
                let after = from(rest, end.saturating_add(1));
                // A quote that is not closed before the `>`, and is no local part, opens nothing.
                if end >= rest.len() || inner.contains(&b'>') && !after.starts_with(b"@") {
                    strays = strays.saturating_add(1);
                    if strays > MAX_STRAYS {
                        break;
                    }
                    r
                } else {
                    out.extend_from_slice(inner);
                    out.push(b'"');
                    after
                }
            }
            [b'\r' | b'\n', r @ ..] => r,
            [b, r @ ..] => {
                out.push(*b);
                r
            }
        };
    }
    let trimmed = trim(&out);
    if trimmed.len() < out.len() {
        out = trimmed.to_vec();
    }
    if out.starts_with(b"@")
        && let Some(n) = memchr::memchr(b':', &out)
    {
        out.drain(..=n);
    }
    (out, rest)
}

/// An address without `<>`: the word with `@` in it, and the other words as its name. A single word without `@` is a
/// local address such as `root`.
pub(super) fn bare_spec(written: &[u8], phrase: &[u8], quoted: bool) -> Option<(Vec<u8>, Vec<u8>)> {
    let has_at = memchr::memchr(b'@', written).is_some();
    if !has_at {
        let single = !quoted && !phrase.is_empty() && !phrase.contains(&b' ') && !phrase.starts_with(b"=?");
        return single.then(|| (phrase.to_vec(), Vec::new()));
    }
    if quoted && written.starts_with(b"\"") && memchr::memmem::find(written, b"\"@").is_some() {
        return Some((written.to_vec(), Vec::new()));
    }
    if quoted && memchr::memchr(b'@', written) > memchr::memchr(b'"', written) && written.ends_with(b"\"") {
        // Only a quoted string: `"joe@example.org"`.
        let one = phrase.to_vec();
        return (!one.contains(&b' ')).then_some((one, Vec::new()));
    }
    let mut words: Vec<&[u8]> = phrase.split(|&b| b == b' ').filter(|w| !w.is_empty()).collect();
    let at = words.iter().position(|w| w.contains(&b'@') && !w.starts_with(b"=?"))?;
    let address = words.remove(at).to_vec();
    Some((address, words.join(&b' ')))
}

pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\\', b, r @ ..] | [b, r @ ..] => {
                out.push(*b);
                r
            }
            [] => return,
        };
    }
}

/// Whether a display name holds another address than the real one.
pub(super) fn deceives(made: &Address) -> bool {
    if made.address.is_empty() || !made.name.contains('@') {
        return false;
    }
    let edges: &[char] = &['\'', '"', '<', '>', '(', ')', '[', ']', ',', ';', ':', '.'];
    made.name.split_whitespace().map(|w| w.trim_matches(edges)).any(|word| {
        let parts = word.split_once('@');
        let shaped = parts.is_some_and(|(l, d)| !l.is_empty() && d.contains('.') && !d.contains('@'));
        shaped && !word.eq_ignore_ascii_case(&made.address)
    })
}
