//! Text to words: the same cut for what is indexed and for what is asked.
//!
//! A word is a run of letters, digits and marks; everything else separates. Words are lower-case, without accents,
//! compatibility forms resolved. Scripts without spaces between words (Han, kana, Thai, Lao, Khmer, Myanmar) give
//! every pair of neighbouring characters, and the last character of a run alone, so that any stretch of them is
//! found as a phrase and any single character by its prefix. Addresses, host names and URLs are found whole, whatever
//! their length, as the phrase of their words.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use crate::types::Sha256Digest;

/// Longest term in bytes; a longer word is its first [`LONG_HEAD`] bytes (or fewer, up to a character) and a digest.
pub(super) const LONGEST: usize = 255;

const LONG_HEAD: usize = 200;

/// Zero bytes that must follow the words in a buffer, so that eight bytes can always be read from a word's start.
pub(super) const PADDING: usize = 8;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// For eight bytes, lower case already: one bit for each that belongs to a word (letter, digit, or not ASCII).
#[inline]
fn word_bits(chunk: u64) -> u64 {
    let low = chunk & !HIGH;
    let digit = low.wrapping_add(ONES * 0x50) & !low.wrapping_add(ONES * 0x46);
    let letter = low.wrapping_add(ONES * 0x1f) & !low.wrapping_add(ONES * 0x05);
    let hit = (digit | letter | chunk) & HIGH;
    (hit >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Calls `run` with the place of every run of letters, digits and non-ASCII bytes in `from..to` of `lower`.
///
/// `lower` is in lower case as far as it is ASCII, and at least [`PADDING`] bytes follow `to`.
#[inline]
pub(super) fn runs(lower: &[u8], from: usize, to: usize, mut run: impl FnMut(usize, usize)) {
    let mut at = from;
    let mut carry = 0u64;
    let mut start = from;
    while at < to {
        let mut bits = 0u64;
        let block = lower.get(at..).unwrap_or_default();
        for (n, eight) in block.chunks_exact(8).take(8).enumerate() {
            let mut bytes = [0u8; 8];
            bytes.copy_from_slice(eight);
            bits |= word_bits(u64::from_le_bytes(bytes)) << (8 * n);
        }
        if block.len() < 64 {
            let whole = block.len() / 8 * 8;
            for (n, &byte) in block.iter().enumerate().skip(whole) {
                bits |= u64::from(byte.is_ascii_alphanumeric() || !byte.is_ascii()) << n;
            }
        }
        if to - at < 64 {
            bits &= (1u64 << (to - at)) - 1;
        }
        let mut edges = bits ^ (bits << 1 | carry);
        while edges != 0 {
            let place = at + edges.trailing_zeros() as usize;
            edges &= edges - 1;
            if carry == 0 {
                start = place;
            } else {
                run(start, place);
            }
            carry ^= 1;
        }
        // `carry` now says whether the last byte of the block is in a word.
        at += 64;
    }
    if carry == 1 {
        run(start, to);
    }
}

/// What a long word is indexed as, written into `out`.
pub(super) fn shorten(word: &[u8], out: &mut Vec<u8>) {
    let mut head = LONG_HEAD;
    while head > 0 && word.get(head).is_some_and(|b| b & 0xc0 == 0x80) {
        head -= 1;
    }
    out.clear();
    out.extend_from_slice(word.get(..head).unwrap_or_default());
    out.extend_from_slice(&Sha256Digest::of(word).to_string().as_bytes()[..32]);
}

/// Whether a run of such characters has no spaces between its words.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e01}'..='\u{0e3a}' | '\u{0e40}'..='\u{0e4e}' | '\u{0e81}'..='\u{0ece}' | '\u{0edc}'..='\u{0edf}'
        | '\u{1000}'..='\u{103f}' | '\u{1050}'..='\u{108f}' | '\u{109a}'..='\u{109f}' | '\u{1780}'..='\u{17d3}'
        | '\u{a9e0}'..='\u{a9fe}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3041}'..='\u{3096}'
        | '\u{3099}' | '\u{309a}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

/// Marks that are left out: accents, vowel points, and what no reader sees.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that no decomposition brings to their base letter.
fn base_letter(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ı' => "i",
        'þ' => "th",
        'ħ' => "h",
        'ς' => "σ",
        _ => return None,
    })
}

/// What [`fold_any`] makes of each character from U+0080 up to U+0300.
static LATIN: LazyLock<Vec<Box<str>>> = LazyLock::new(|| {
    let mut folded = String::new();
    let mut fold = |c: char| {
        fold_any(c.encode_utf8(&mut [0; 4]), &mut folded);
        folded.as_str().into()
    };
    ('\u{80}'..'\u{300}').map(&mut fold).collect()
});

/// The first byte of U+0300: all characters before it are written with lower bytes.
const AFTER_LATIN: u8 = 0xcc;

/// Folds a run that is not ASCII: `out` gets lower-case base letters; what separates stays as it is.
///
/// Most such runs are Latin. Without a mark of U+0300 or later no character there depends on its neighbours, so each is
/// looked up by itself: measured 18 times as fast.
fn fold(run: &str, out: &mut String) {
    if run.bytes().any(|byte| byte >= AFTER_LATIN) {
        fold_any(run, out);
        return;
    }
    out.clear();
    for c in run.chars() {
        match (c as usize).checked_sub(0x80) {
            None => out.push(c.to_ascii_lowercase()),
            Some(at) => out.push_str(LATIN.get(at).map_or("", |folded| folded)),
        }
    }
}

fn fold_any(run: &str, out: &mut String) {
    out.clear();
    for c in run.nfkc() {
        // Hangul and the unspaced scripts keep their composed form; in the others marks stand apart.
        if is_unspaced(c)
            || matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}')
        {
            out.push(c);
            continue;
        }
        for c in std::iter::once(c).nfkd().filter(|&c| !is_dropped(c)) {
            for c in c.to_lowercase().filter(|&c| !is_dropped(c)) {
                match base_letter(c) {
                    Some(text) => out.push_str(text),
                    None => out.push(c),
                }
            }
        }
    }
}

/// Buffers for runs that are not ASCII.
#[derive(Debug, Default)]
pub(super) struct Folder {
    folded: String,
    pair: Vec<u8>,
}

/// What a term of a run that is not ASCII is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word.
    Word,
    /// Two neighbouring characters of an unspaced script.
    Pair,
    /// The only character of an unspaced run.
    Single,
    /// The last character of a longer unspaced run: indexed, never asked for.
    End,
}

impl Folder {
    /// Cuts a run that holds bytes outside ASCII; `word` gets each term with its padding, and its length without.
    /// Each term takes one position.
    pub(super) fn words(&mut self, run: &str, mut word: impl FnMut(&[u8], usize, Piece)) {
        let Self { folded, pair } = self;
        fold(run, folded);
        let mut emit = |text: &str, piece: Piece| {
            pair.clear();
            pair.extend_from_slice(text.as_bytes());
            let len = pair.len();
            pair.extend_from_slice(&[0; PADDING]);
            word(pair, len, piece);
        };
        let mut chars = folded.char_indices().peekable();
        while let Some(&(at, c)) = chars.peek() {
            if is_unspaced(c) {
                let mut from = at;
                let mut count = 0usize;
                while let Some(&(here, c)) = chars.peek() {
                    if !is_unspaced(c) {
                        break;
                    }
                    chars.next();
                    let end = here + c.len_utf8();
                    if count > 0 {
                        emit(folded.get(from..end).unwrap_or_default(), Piece::Pair);
                    }
                    from = here;
                    count += 1;
                }
                let end = chars.peek().map_or(folded.len(), |&(next, _)| next);
                let piece = if count == 1 { Piece::Single } else { Piece::End };
                emit(folded.get(from..end).unwrap_or_default(), piece);
            } else if is_letter(c) {
                let mut end = at;
                while let Some(&(here, c)) = chars.peek() {
                    if !is_letter(c) || is_unspaced(c) {
                        break;
                    }
                    chars.next();
                    end = here + c.len_utf8();
                }
                emit(folded.get(at..end).unwrap_or_default(), Piece::Word);
            } else {
                chars.next();
            }
        }
    }
}

/// Letters, digits and the marks that fold keeps (vowel signs of Indic scripts and others).
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

/// One word of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The term.
    pub term: Vec<u8>,
    /// Its place in the phrase, counted in words from the first.
    pub offset: u32,
    /// Whether it is a single character of an unspaced script, which stands for every term that begins with it.
    pub single: bool,
}

/// The words of a question, in order.
pub fn asked(text: &str) -> Vec<Asked> {
    let mut lower = text.as_bytes().to_ascii_lowercase();
    let len = lower.len();
    lower.extend_from_slice(&[0; PADDING]);
    let mut folder = Folder::default();
    let mut out = Vec::new();
    let mut offset = 0u32;
    runs(&lower, 0, len, |from, to| {
        let run = lower.get(from..to).unwrap_or_default();
        if run.is_ascii() {
            out.push(Asked { term: term_of(run), offset, single: false });
            offset += 1;
            return;
        }
        let Ok(run) = std::str::from_utf8(run) else { return };
        folder.words(run, |buffer, len, piece| {
            if piece != Piece::End {
                let term = term_of(buffer.get(..len).unwrap_or_default());
                out.push(Asked { term, offset, single: piece == Piece::Single });
            }
            offset += 1;
        });
    });
    out
}

fn term_of(word: &[u8]) -> Vec<u8> {
    let mut term = word.to_vec();
    if word.len() > LONGEST {
        shorten(word, &mut term);
    }
    term
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut lower = text.as_bytes().to_ascii_lowercase();
        let len = lower.len();
        lower.extend_from_slice(&[0; PADDING]);
        let mut folder = Folder::default();
        let mut out = Vec::new();
        runs(&lower, 0, len, |from, to| {
            let run = std::str::from_utf8(&lower[from..to]).unwrap();
            if run.is_ascii() {
                out.push(run.to_owned());
            } else {
                folder.words(run, |b, n, _| out.push(String::from_utf8(b[..n].to_vec()).unwrap()));
            }
        });
        out
    }

    fn check(text: &str, want: &str) {
        assert_eq!(cut(text).join(" "), want, "{text}");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        check("Hello, World_42!  a.b@c-d.org", "hello world 42 a b c d org");
        check("", "");
        check("x", "x");
        check(" \u{0}{}[]`@/:~\u{7f}9Zz", "9zz");
    }

    #[test]
    fn runs_over_block_ends_stay_whole() {
        for pad in 0..140 {
            let text = format!("{}{}", " ".repeat(pad), "w".repeat(130));
            assert_eq!(cut(&text), ["w".repeat(130)], "{pad}");
            let text = format!("{}Ab c{}", "-".repeat(pad), "!".repeat(pad));
            assert_eq!(cut(&text), ["ab", "c"], "{pad}");
        }
    }

    #[test]
    fn every_ascii_byte_is_classed_as_the_standard_library_does() {
        for byte in 0..=127u8 {
            let text = [b' ', byte.to_ascii_lowercase(), b' ', 0, 0, 0, 0, 0, 0, 0, 0];
            let mut found = false;
            runs(&text, 0, 3, |_, _| found = true);
            assert_eq!(found, byte.is_ascii_alphanumeric(), "{byte}");
        }
    }

    #[test]
    fn accents_case_and_compatibility_forms_fold() {
        check(
            "Crème BRÛLÉE ﬁn Straße İstanbul Ωμέγας ＡＢＣ",
            "creme brulee fin strasse istanbul ωμεγασ abc",
        );
        check("e\u{301}te\u{301} zero\u{200b}width soft\u{ad}hyphen", "ete zerowidth softhyphen");
        check("שָׁלוֹם مُحَمَّد Привет", "שלום محمد привет");
        check("हिन्दी 한국어", "हिन्दी 한국어");
        check("a—b “c” d…e", "a b c d e");
    }

    #[test]
    fn latin_folds_by_its_table_as_by_the_rules() {
        let (mut quick, mut slow) = (String::new(), String::new());
        let mut check = |text: &str| {
            fold(text, &mut quick);
            fold_any(text, &mut slow);
            assert_eq!(quick, slow, "{text:?}");
        };
        for c in '\0'..'\u{300}' {
            check(&c.to_string());
            check(&format!("a{c}b"));
        }
        let mut seed = 3u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // A few characters from U+0300 on, so that marks and their letters are met too.
            char::from_u32((seed >> 40) as u32 % 0x310).unwrap()
        };
        for _ in 0..20_000 {
            check(&[next(), next(), next()].iter().collect::<String>());
        }
    }

    #[test]
    fn unspaced_scripts_give_pairs() {
        check("東京都tower", "東京 京都 都 tower");
        check("ひ", "ひ");
        check("สวัส", "สว วั ัส ส");
        check("ｶﾞｷﾞ", "ガギ ギ");
    }

    #[test]
    fn a_question_leaves_out_the_lone_end_of_a_run_and_keeps_its_place() {
        let got: Vec<_> = asked("東京都 Tower")
            .into_iter()
            .map(|a| (String::from_utf8(a.term).unwrap(), a.offset))
            .collect();
        assert_eq!(got, [("東京".to_owned(), 0), ("京都".to_owned(), 1), ("tower".to_owned(), 3)]);
        let got: Vec<_> = asked("東京、京").into_iter().map(|a| a.offset).collect();
        assert_eq!(got, [0, 2]);
        assert!(asked("京")[0].single && !asked("é")[0].single);
    }

    #[test]
    fn a_long_word_keeps_its_head_and_a_digest() {
        let word = "é".repeat(400);
        let terms = asked(&format!("x{}", "e".repeat(900)));
        assert_eq!(terms[0].term.len(), 232);
        let other = asked(&format!("x{}f", "e".repeat(899)));
        assert_ne!(terms[0].term, other[0].term);
        let mut out = Vec::new();
        shorten(word.as_bytes(), &mut out);
        assert!(std::str::from_utf8(&out).is_ok());
    }
}
