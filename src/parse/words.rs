//! Encoded words (RFC 2047, with the language tags of RFC 2231 section 5).

use super::bytes::{from, part};
use super::{charset, decode};

/// One encoded word, cut from its text.
#[derive(Clone, Copy)]
struct Word<'a> {
    charset: &'a [u8],
    base64: bool,
    data: &'a [u8],
    /// Bytes it takes in the text.
    len: usize,
}

/// Reads the encoded word at the start of `text`, which starts with `=?`.
fn word(text: &[u8]) -> Option<Word<'_>> {
    let inner = from(text, 2);
    let q1 = memchr::memchr(b'?', part(inner, 0..80))?;
    let label = part(inner, 0..q1);
    let charset = label.split(|&b| b == b'*').next().unwrap_or_default();
    if charset.is_empty() || !charset.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let rest = from(inner, q1.saturating_add(1));
    let (base64, rest) = match rest {
        [b'B' | b'b', b'?', r @ ..] => (true, r),
        [b'Q' | b'q', b'?', r @ ..] => (false, r),
        _ => return None,
    };
    let end = memchr::memmem::find(rest, b"?=")?;
    let data = part(rest, 0..end);
    let len = text.len().saturating_sub(rest.len()).saturating_add(end).saturating_add(2);
    Some(Word { charset, base64, data, len })
}

/// How words with bytes that their charset does not have are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclean {
    /// Each such word stays as it stands.
    Kept,
    /// Decoded all the same, with U+FFFD for such bytes: another reading for the index.
    Decoded,
}

/// Adjacent words of one charset.
struct Run<'a> {
    charset: Vec<u8>,
    bytes: Vec<u8>,
    /// Base64 text whose group is not complete yet.
    open: Vec<u8>,
    /// The words as they stand, each with the blanks before it.
    words: Vec<(&'a [u8], Word<'a>, &'a [u8])>,
    unclean: Unclean,
    odd: bool,
    kept: bool,
}

impl Run<'_> {
    fn new(unclean: Unclean) -> Self {
        let (charset, bytes, open, words) = Default::default();
        Self { charset, bytes, open, words, unclean, odd: false, kept: false }
    }

    /// Takes the data of a word; `false` when it is no base64.
    fn take(&mut self, word: &Word<'_>) -> bool {
        if word.base64 {
            let start = self.open.len();
            self.open.extend(word.data.iter().filter(|b| !b.is_ascii_whitespace()));
            let fresh = from(&self.open, start);
            if !fresh.iter().all(|b| decode::is_base64(*b) || *b == b'=') {
                self.open.truncate(start);
                return false;
            }
            if self.open.len().is_multiple_of(4) || self.open.ends_with(b"=") {
                self.close();
            }
        } else {
            self.close();
            q(word.data, &mut self.bytes);
        }
        true
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            decode::base64(&self.open, &mut self.bytes);
            self.open.clear();
        }
    }

    /// Appends what was gathered, decoded. Where the whole has bytes that the charset does not have, each word is
    /// decoded alone, and those that have such bytes stay as they stand.
    fn flush(&mut self, out: &mut String) {
        if self.charset.is_empty() {
            return;
        }
        self.close();
        let start = out.len();
        // A charset that nobody knows is read like a body's: UTF-8 where it is that, else windows-1252.
        let reading = charset::decode(&self.charset, &self.bytes, out);
        self.odd |= !reading.known || !reading.clean;
        self.bytes.clear();
        if !reading.clean && self.unclean == Unclean::Kept {
            self.kept = true;
            out.truncate(start);
            let mut after_kept = false;
            for (n, (blanks, word, raw)) in std::mem::take(&mut self.words).into_iter().enumerate() {
                let mark = out.len();
                let taken = self.take(&word);
                self.close();
                let clean = taken && charset::decode(&self.charset, &self.bytes, out).clean;
                self.bytes.clear();
                if !clean {
                    out.truncate(mark);
                }
                // Blanks vanish between two decoded words only.
                if n > 0 && (after_kept || !clean) {
                    out.insert_str(mark, &String::from_utf8_lossy(blanks));
                }
                if !clean {
                    out.push_str(&String::from_utf8_lossy(raw));
                }
                after_kept = !clean;
            }
        }
        self.words.clear();
        self.charset.clear();
    }
}

/// The Q encoding (RFC 2047 section 4.2).
fn q(data: &[u8], out: &mut Vec<u8>) {
    let mut rest = data;
    loop {
        rest = match rest {
            [b'=', a, b, r @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                out.push(decode::hex_pair(*a, *b));
                r
            }
            [b'_', r @ ..] => {
                out.push(b' ');
                r
            }
            [b, r @ ..] => {
                out.push(*b);
                r
            }
            [] => return,
        };
    }
}

/// What was odd about encoded words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// A word could not be decoded and was left as it stands, holds bytes that its charset does not have, or names a
    /// charset that is not known.
    pub any: bool,
    /// A word was left as it stands since it holds bytes that its charset does not have.
    pub kept: bool,
}

/// Appends `text` with its encoded words decoded. Blanks between two words vanish; bytes of adjacent words of one
/// charset are joined first, since writers split characters. Other bytes go through `plain`. A word that cannot be
/// decoded, or not cleanly, is left as it stands. Answers whether there was anything odd.
pub fn decode_into(text: &[u8], out: &mut String, plain: &mut dyn FnMut(&[u8], &mut String)) -> bool {
    decode_as(text, Unclean::Kept, out, plain).any
}

/// As [`decode_into`]; `unclean` tells what becomes of words with bytes that their charset does not have.
pub fn decode_as(
    text: &[u8],
    unclean: Unclean,
    out: &mut String,
    plain: &mut dyn FnMut(&[u8], &mut String),
) -> Odd {
    let mut odd = false;
    let mut run = Run::new(unclean);
    let mut rest = text;
    let mut searched = 0;
    // Where the last word can end; without it, words that never close would be searched for again and again.
    let Some(last) = memchr::memmem::rfind(text, b"?=") else {
        plain(text, out);
        return Odd { any: memchr::memmem::find(text, b"=?").is_some(), kept: false };
    };
    loop {
        let hit = memchr::memmem::find(from(rest, searched), b"=?").map(|n| n.saturating_add(searched));
        let Some(at) = hit else { break };
        if text.len().saturating_sub(rest.len()).saturating_add(at) > last {
            odd = true;
            break;
        }
        let Some(word) = word(from(rest, at)) else {
            odd = true;
            searched = at.saturating_add(2);
            continue;
        };
        let between = part(rest, 0..at);
        let adjacent = !run.charset.is_empty() && between.iter().all(u8::is_ascii_whitespace);
        if !adjacent {
            run.flush(out);
            plain(between, out);
        } else if !run.charset.eq_ignore_ascii_case(word.charset) {
            run.flush(out);
        }
        run.charset.clear();
        run.charset.extend_from_slice(word.charset);
        let raw = part(rest, at..at.saturating_add(word.len));
        if run.take(&word) {
            run.words.push((if adjacent { between } else { &[] }, word, raw));
        } else {
            odd = true;
            run.flush(out);
            out.push_str(&String::from_utf8_lossy(raw));
        }
        rest = from(rest, at.saturating_add(word.len));
        searched = 0;
    }
    run.flush(out);
    plain(rest, out);
    Odd { any: odd || run.odd, kept: run.kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        decode_into(text.as_bytes(), &mut out, &mut |b, o| o.push_str(&String::from_utf8_lossy(b)));
        assert_eq!(out, expected);
    }

    #[test]
    fn words_are_decoded_and_blanks_between_them_vanish() {
        check("=?ISO-8859-1?Q?a?= b", "a b");
        check("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab");
        check("=?ISO-8859-1?Q?a?=  \n  =?ISO-8859-2?Q?_b?=", "a b");
        check("=?US-ASCII*en?Q?Keith_Moore?= <x>", "Keith Moore <x>");
        check("x=?utf-8?B?SGk=?=y", "xHiy");
    }

    #[test]
    fn a_character_split_over_two_words_is_joined() {
        check("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "\u{e9}");
        check("=?utf-8?B?w6nDq?= =?utf-8?B?cOp?=", "\u{e9}\u{e9}\u{e9}");
    }

    #[test]
    fn what_is_no_word_stays_as_it_stands() {
        check("=?utf-8?Q?open", "=?utf-8?Q?open");
        check("=?x-none?Q?a?= b", "a b");
        check("=?utf-8?B?!!!?=", "=?utf-8?B?!!!?=");
        check("a =? b ?= c", "a =? b ?= c");
    }

    #[test]
    fn a_word_with_bytes_that_its_charset_does_not_have_stays_as_it_stands() {
        check("=?utf-8?q?=FF?=", "=?utf-8?q?=FF?=");
        check("a =?utf-8?Q?caf=C3?= b", "a =?utf-8?Q?caf=C3?= b");
        // Its neighbours are decoded, and blanks stay on both sides of what is kept.
        check("=?utf-8?Q?a_?= =?utf-8?Q?=FF?=\t=?utf-8?Q?=C3=A9?=", "a  =?utf-8?Q?=FF?=\t\u{e9}");
        check("=?utf-8?Q?a?= =?utf-8?Q?b?= =?utf-8?Q?=FF?=", "ab =?utf-8?Q?=FF?=");
        check("=?euc-kr?B?gA==?=", "=?euc-kr?B?gA==?=");
        let mut out = String::new();
        let odd = decode_as(b"=?utf-8?q?caf=E9?=", Unclean::Decoded, &mut out, &mut |_, _| {});
        assert_eq!((out.as_str(), odd.any), ("caf\u{fffd}", true));
    }

    #[test]
    fn unclosed_words_take_linear_time() {
        let many = "=?utf-8?Q?a ".repeat(100_000);
        let mut out = String::new();
        assert!(decode_into(many.as_bytes(), &mut out, &mut |b, o| o.push_str(&String::from_utf8_lossy(b))));
        assert_eq!(out, many);
    }
}
