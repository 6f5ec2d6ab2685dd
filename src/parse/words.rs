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

/// Reads the encoded word at the start of `text`, which starts with `=?`; one that is never closed, up to a blank, when
/// `open`.
fn word(text: &[u8], open: bool) -> Option<Word<'_>> {
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
    let before = text.len().saturating_sub(rest.len());
    if open {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        return Some(Word { charset, base64, data: part(rest, 0..end), len: before.saturating_add(end) });
    }
    let end = memchr::memmem::find(rest, b"?=")?;
    let len = before.saturating_add(end).saturating_add(2);
    Some(Word { charset, base64, data: part(rest, 0..end), len })
}

/// How words with bytes that their charset does not have are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclean {
    /// Each such word stays as it stands.
    Kept,
    /// Decoded all the same, with U+FFFD for such bytes: another reading for the index.
    Decoded,
}

/// Most words over which a base64 stream that was cut is put together.
const MAX_CUT: usize = 8;

/// Adjacent words of one charset.
struct Run<'a> {
    charset: Vec<u8>,
    /// The words as they stand, each with the blanks before it.
    words: Vec<(&'a [u8], Word<'a>, &'a [u8])>,
    unclean: Unclean,
    odd: Odd,
}

impl<'a> Run<'a> {
    fn new(unclean: Unclean) -> Self {
        Self { charset: Vec::new(), words: Vec::new(), unclean, odd: Odd::default() }
    }

    /// Takes a word; `false` when its data is no base64.
    fn take(&mut self, blanks: &'a [u8], word: Word<'a>, raw: &'a [u8]) -> bool {
        let is_data = |b: &u8| decode::is_base64(*b) || *b == b'=' || b.is_ascii_whitespace();
        if word.base64 && !word.data.iter().all(is_data) {
            return false;
        }
        self.words.push((blanks, word, raw));
        true
    }

    /// Appends what was gathered, decoded. Where the whole has bytes that the charset does not have, each word is
    /// decoded alone, and those that have such bytes stay as they stand.
    fn flush(&mut self, out: &mut String) {
        let words = std::mem::take(&mut self.words);
        if words.is_empty() {
            self.charset.clear();
            return;
        }
        let start = out.len();
        let (bytes, mut ends) = self.bytes(&words);
        // A charset that nobody knows is read like a body's: UTF-8 where it is that, else windows-1252.
        let reading = charset::decode(&self.charset, &bytes, out);
        self.odd.any |= !reading.known || !reading.clean || reading.by_escapes;
        self.odd.unknown |= !reading.known;
        if reading.known && !reading.clean && self.unclean == Unclean::Decoded && !charset::is_utf8(&bytes) {
            // The other likely reading, as of a text.
            out.push(' ');
            charset::best(&bytes, out);
        }
        if reading.known && !reading.clean && self.unclean == Unclean::Kept {
            self.odd.kept = true;
            out.truncate(start);
            self.each(&words, out);
        } else if reading.clean && !reading.ascii && words.len() > 1 {
            // A word must hold whole characters (RFC 2047 section 5).
            ends.pop();
            self.odd.any |= charset::splits(&self.charset, &bytes, &ends);
        }
        self.charset.clear();
    }

    /// Appends each word decoded alone; one that is not clean as it stands.
    fn each(&self, words: &[(&[u8], Word<'_>, &[u8])], out: &mut String) {
        let mut after_kept = false;
        for (n, (blanks, word, raw)) in words.iter().enumerate() {
            let mark = out.len();
            let mut bytes = Vec::new();
            word.bytes(&mut bytes);
            let clean = charset::decode(&self.charset, &bytes, out).clean;
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

    /// The bytes of the words, and where each word ends in them.
    ///
    /// Each word is decoded by itself (RFC 2047 section 5). A base64 word without `=` that leaves bits that are not
    /// zero (RFC 4648 section 3.5) was cut out of a stream: it is joined with the next when the two together are sound.
    /// Where words lack their `=`, the stream of all is tried too, and taken when it reads better.
    fn bytes(&mut self, words: &[(&[u8], Word<'_>, &[u8])]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(words.len()));
        let (mut cut, mut choice) = (Vec::<Vec<u8>>::new(), false);
        let (mut last_open, mut lost) = (false, 0usize);
        for (_, word, _) in words {
            if !word.base64 {
                lost = lost.saturating_add(alone(&mut cut, &mut bytes));
                q(word.data, &mut bytes);
                ends.push(bytes.len());
                last_open = false;
                continue;
            }
            choice |= last_open;
            let digits = word.digits();
            last_open = !digits.len().is_multiple_of(4) && !digits.ends_with(b"=");
            self.odd.any |= !digits.len().is_multiple_of(4);
            if cut.is_empty() && is_sound(&digits) {
                decode::base64(&digits, &mut bytes);
            } else {
                let ends_itself = is_sound(&digits);
                cut.push(digits);
                let joined = cut.concat();
                if is_sound(&joined) {
                    decode::base64(&joined, &mut bytes);
                    cut.clear();
                } else if ends_itself || cut.len() >= MAX_CUT {
                    lost = lost.saturating_add(alone(&mut cut, &mut bytes));
                }
            }
            ends.push(bytes.len());
        }
        lost = lost.saturating_add(alone(&mut cut, &mut bytes));
        if choice {
            let (stream, stream_lost) = stream(words);
            let bad = |bytes: &[u8], lost: usize| badness(&self.charset, bytes).saturating_add(lost);
            if stream != bytes && bad(&stream, stream_lost) < bad(&bytes, lost) {
                return (stream, Vec::new());
            }
        }
        (bytes, ends)
    }
}

impl Word<'_> {
    /// The digits and padding of a base64 word.
    fn digits(&self) -> Vec<u8> {
        self.data.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect()
    }

    /// Appends what the word holds, by itself.
    fn bytes(&self, out: &mut Vec<u8>) {
        if self.base64 {
            decode::base64(&self.digits(), out);
        } else {
            q(self.data, out);
        }
    }
}

/// Appends pieces that could not be joined, each decoded by itself; answers how many of them lost something.
fn alone(cut: &mut Vec<Vec<u8>>, out: &mut Vec<u8>) -> usize {
    let lost = cut.iter().filter(|piece| !is_sound(piece)).count();
    for piece in cut.drain(..) {
        decode::base64(&piece, out);
    }
    lost
}

/// Whether base64 text is whole groups, padded ones, or lacks only its padding: what is left over is zero.
fn is_sound(text: &[u8]) -> bool {
    let spare = match text.len() % 4 {
        0 => return true,
        2 => 0x0f,
        3 => 0x03,
        _ => return false,
    };
    text.last().is_some_and(|b| *b != b'=' && decode::digit(*b) & spare == 0)
}

/// The bytes of words whose base64 is one stream, cut anywhere, and how many of its pieces lost something.
fn stream(words: &[(&[u8], Word<'_>, &[u8])]) -> (Vec<u8>, usize) {
    let (mut bytes, mut open, mut lost) = (Vec::new(), Vec::new(), 0usize);
    for (_, word, _) in words {
        if word.base64 {
            open.extend(word.digits());
        }
        if !word.base64 || open.len().is_multiple_of(4) || open.ends_with(b"=") {
            lost = lost.saturating_add(usize::from(!is_sound(&open)));
            decode::base64(&open, &mut bytes);
            open.clear();
        }
        if !word.base64 {
            q(word.data, &mut bytes);
        }
    }
    lost = lost.saturating_add(usize::from(!is_sound(&open)));
    decode::base64(&open, &mut bytes);
    (bytes, lost)
}

/// How many characters of a reading no writer meant: those that the charset does not have, and control characters.
fn badness(charset: &[u8], bytes: &[u8]) -> usize {
    let mut text = String::new();
    charset::decode(charset, bytes, &mut text);
    let bad = |c: &char| *c == '\u{fffd}' || c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{1b}');
    text.chars().filter(bad).count()
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
            // A word that was folded inside, as quoted-printable text is.
            [b'=', b' ' | b'\t', r @ ..] => r,
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
    /// A word could not be decoded and was left as it stands, holds bytes that its charset does not have, lacks its
    /// padding, ends in the middle of a character, or names a charset that is not known.
    pub any: bool,
    /// A word was left as it stands since it holds bytes that its charset does not have.
    pub kept: bool,
    /// A word names a charset that is not known.
    pub unknown: bool,
}

/// Appends `text` with its encoded words decoded. Blanks between two words vanish; bytes of adjacent words of one
/// charset are joined first, since writers split characters. Other bytes go through `plain`. A word that cannot be
/// decoded, or not cleanly, is left as it stands. Answers what was odd.
pub fn decode_into(text: &[u8], out: &mut String, plain: &mut dyn FnMut(&[u8], &mut String)) -> Odd {
    decode_as(text, Unclean::Kept, out, plain)
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
    let last = memchr::memmem::rfind(text, b"?=");
    let Some(last) = last.or((unclean == Unclean::Decoded).then_some(0)) else {
        plain(text, out);
        let any = memchr::memmem::find(text, b"=?");
        let kept = any.and_then(|at| word(from(text, at), true)).is_some();
        return Odd { any: any.is_some(), kept, unknown: false };
    };
    loop {
        let hit = memchr::memmem::find(from(rest, searched), b"=?").map(|n| n.saturating_add(searched));
        let Some(at) = hit else { break };
        let closes = text.len().saturating_sub(rest.len()).saturating_add(at) < last;
        if !closes && unclean == Unclean::Kept {
            odd = true;
            run.odd.kept |= word(from(rest, at), true).is_some();
            break;
        }
        let Some(word) = word(from(rest, at), !closes) else {
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
        if !run.take(if adjacent { between } else { &[] }, word, raw) {
            odd = true;
            run.flush(out);
            out.push_str(&String::from_utf8_lossy(raw));
        }
        rest = from(rest, at.saturating_add(word.len));
        searched = 0;
    }
    run.flush(out);
    plain(rest, out);
    Odd { any: odd || run.odd.any, ..run.odd }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = String::new();
        decode_into(text.as_bytes(), &mut out, &mut |b, o| o.push_str(&String::from_utf8_lossy(b)));
        assert_eq!(out, expected, "{text}");
    }

    fn odd(text: &str) -> Odd {
        decode_into(text.as_bytes(), &mut String::new(), &mut |_, _| {})
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
        assert!(odd("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=").any);
        assert!(odd("=?gb2312?Q?=C4?= =?gb2312?Q?=E3?=").any);
        assert!(
            !odd("=?utf-8?Q?=C3=A9?= =?utf-8?Q?=A9?=").any || odd("=?utf-8?Q?=C3=A9?= =?utf-8?Q?=A9?=").kept
        );
        assert!(!odd("=?gb2312?B?xOM=?= =?gb2312?B?usM=?=").any);
    }

    #[test]
    fn each_base64_word_is_decoded_by_itself_also_without_its_padding() {
        let two = |a: &str, b: &str| format!("=?iso-8859-1?B?{a}?=\n =?iso-8859-1?B?{b}?=");
        check(&two("R3L832Ug", "YW4="), "Gr\u{fc}\u{df}e an");
        check(&two("R3L832UgYQ", "dXMgS/Zsbg=="), "Gr\u{fc}\u{df}e aus K\u{f6}ln");
        check(&two("R3L832Ug", "YW4"), "Gr\u{fc}\u{df}e an");
        assert!(odd(&two("R3L832UgYQ", "dXMgS/Zsbg==")).any);
        check("=?utf-8?B?0KHRh9C10Q?= =?utf-8?B?giDQvdCw?=", "\u{421}\u{447}\u{435}\u{442} \u{43d}\u{430}");
        check("=?gb2312?B?ztLDx8rH0rs?=\n =?gb2312?B?vNI=?=", "\u{6211}\u{4eec}\u{662f}\u{4e00}\u{5bb6}");
    }

    #[test]
    fn a_base64_stream_cut_anywhere_is_joined() {
        let text = "Gr\u{fc}\u{df}e an die Freunde in K\u{f6}ln und \u{410}\u{411}\u{412} dazu";
        let stream = {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(text)
        };
        for first in 1..stream.len() {
            let (a, b) = stream.split_at(first);
            check(&format!("=?utf-8?B?{a}?= =?utf-8?B?{b}?="), text);
            for second in (1..b.len()).step_by(7) {
                let (b, c) = b.split_at(second);
                check(&format!("=?utf-8?B?{a}?= =?utf-8?B?{b}?= =?utf-8?B?{c}?="), text);
            }
        }
    }

    #[test]
    fn words_of_a_charset_that_nobody_knows_are_read_as_docs_say() {
        check("=?x-unknown?Q?Gr=F6=DFe?=", "Gr\u{f6}\u{df}e");
        check("=?x-unknown?Q?Gr=C3=B6=C3=9Fe?=", "Gr\u{f6}\u{df}e");
        assert_eq!(odd("=?x-unknown?Q?abc?="), Odd { any: true, kept: false, unknown: true });
        check("=?eucgb2312_cn?q?=B4=F0=B8=B4?=", "\u{7b54}\u{590d}");
    }

    #[test]
    fn what_is_no_word_stays_as_it_stands() {
        check("=?utf-8?Q?open", "=?utf-8?Q?open");
        check("=?x-none?Q?a?= b", "a b");
        check("=?utf-8?B?!!!?=", "=?utf-8?B?!!!?=");
        check("a =? b ?= c", "a =? b ?= c");
    }

    #[test]
    fn a_word_that_is_never_closed_has_another_reading() {
        let decoded = |text: &str| {
            let mut out = String::new();
            decode_as(text.as_bytes(), Unclean::Decoded, &mut out, &mut |b, o| {
                o.push_str(&String::from_utf8_lossy(b));
            });
            out
        };
        for text in ["=?utf-8?Q?gr=C3=B6=C3=9Fe", "=?utf-8?B?Z3LDtsOfZQ==", "=?utf-8?B?Z3LDtsOfZQ"] {
            check(text, text);
            assert!(odd(text).kept, "{text}");
            assert_eq!(decoded(text), "gr\u{f6}\u{df}e", "{text}");
        }
        assert_eq!(decoded("=?utf-8?Q?a?= b =?utf-8?Q?c d"), "a b c d");
        assert!(!odd("what =? that").kept);
        check("=?utf-8?q?gr=C3=B6= =C3=9Fe?=", "gr\u{f6}\u{df}e");
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
        assert_eq!((out.as_str(), odd.any), ("caf\u{fffd} caf\u{e9}", true));
    }

    #[test]
    fn unclosed_words_take_linear_time() {
        let many = "=?utf-8?Q?a ".repeat(100_000);
        let mut out = String::new();
        let plain = &mut |b: &[u8], o: &mut String| o.push_str(&String::from_utf8_lossy(b));
        assert!(decode_into(many.as_bytes(), &mut out, plain).any);
        assert_eq!(out, many);
    }
}
