//! Which words of a dictionary a pattern means: wildcards, regular expressions, words with a few letters changed.

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization as _;

use super::words::asked;

/// Most bytes of memory that a compiled regular expression may take.
const MOST_REGEX: usize = 4 << 20;

/// A pattern that is compared with one word at a time, as the index holds words: folded, in lower case.
#[derive(Clone, Debug)]
pub struct TermPattern {
    source: String,
    /// What every word that fits begins with.
    pub(super) prefix: Vec<u8>,
    matcher: Matcher,
}

impl PartialEq for TermPattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for TermPattern {}

#[derive(Clone, Debug)]
enum Matcher {
    Regex(Regex),
    Near { word: Vec<char>, letters: u32, most: u8 },
}

/// Which ASCII letters and digits stand in a word, one bit for each.
fn letters(word: &str) -> u32 {
    let bit = |byte: u8| match byte {
        b'a'..=b'z' => 1 << (byte - b'a'),
        b'0'..=b'9' => 1 << 26,
        _ => 1 << 27,
    };
    word.bytes().fold(0, |all, byte| all | bit(byte))
}

fn compiled(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(MOST_REGEX).dfa_size_limit(MOST_REGEX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too big".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// A word as the index has it, without cutting it: folded and in lower case.
fn folded(text: &str) -> String {
    match asked(text).as_slice() {
        [one] if !one.single => String::from_utf8_lossy(&one.term).into_owned(),
        _ => text.nfkc().flat_map(char::to_lowercase).collect(),
    }
}

impl TermPattern {
    /// `*` for any number of letters and digits, `?` for one of them; everything else stands for itself.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn wildcards(text: &str) -> Result<Self, String> {
        let (mut regex, mut prefix, mut literal) = (String::from("^"), Vec::new(), String::new());
        let mut is_literal = true;
        for c in text.chars().chain(['\0']) {
            if !matches!(c, '*' | '?' | '\0') {
                literal.push(c);
                continue;
            }
            let piece = folded(&std::mem::take(&mut literal));
            regex.push_str(&regex::escape(&piece));
            if is_literal {
                prefix.extend_from_slice(piece.as_bytes());
            }
            is_literal = false;
            match c {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                _ => regex.push('$'),
            }
        }
        Ok(Self { source: format!("w{text}"), prefix, matcher: Matcher::Regex(compiled(&regex)?) })
    }

    /// A regular expression that fits a part of the word; `^` and `$` are its ends.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn regex(text: &str) -> Result<Self, String> {
        // Words are in lower case.
        let regex = compiled(&format!("(?i:{text})"))?;
        Ok(Self { source: format!("r{text}"), prefix: Vec::new(), matcher: Matcher::Regex(regex) })
    }

    /// Words that become `word` when up to `most` letters are changed, left out, put in, or swapped with their
    /// neighbour.
    pub fn near(word: &str, most: u8) -> Self {
        let word = folded(word);
        let source = format!("n{most}{word}");
        let matcher = Matcher::Near { letters: letters(&word), word: word.chars().collect(), most };
        Self { source, prefix: Vec::new(), matcher }
    }

    /// Whether a word fits.
    pub fn fits(&self, term: &[u8]) -> bool {
        let Ok(term) = std::str::from_utf8(term) else { return false };
        match &self.matcher {
            Matcher::Regex(regex) => regex.is_match(term),
            Matcher::Near { word, letters: wanted, most } => {
                let most = usize::from(*most);
                // A letter takes up to four bytes, and an edit changes at most two of the letters that stand in a word:
                // nearly all words are told apart by that.
                let longest = if term.is_ascii() { word.len() + most } else { 4 * (word.len() + most) };
                if term.len() + most < word.len() || term.len() > longest {
                    return false;
                }
                let differ = (letters(term) ^ wanted).count_ones() as usize;
                differ <= 2 * most && edits(word, term, most)
            }
        }
    }
}

/// Whether `term` is `word` but for at most `most` edits; swapping two neighbours is one.
fn edits(word: &[char], term: &str, most: usize) -> bool {
    let other: Vec<char> = term.chars().collect();
    if other.len().abs_diff(word.len()) > most {
        return false;
    }
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=other.len()).collect());
    for (i, a) in word.iter().enumerate() {
        let mut row = Vec::with_capacity(other.len() + 1);
        row.push(i + 1);
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&last, j) + usize::from(a != b)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && word.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        if row.iter().all(|&n| n > most) {
            return false;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().is_some_and(|&n| n <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_letters_and_everything_else_for_itself() {
        let check = |pattern: &str, word: &str, want: bool| {
            assert_eq!(
                TermPattern::wildcards(pattern).unwrap().fits(word.as_bytes()),
                want,
                "{pattern} {word}"
            );
        };
        check("*port", "transport", true);
        check("*port", "ports", false);
        check("Re?rt", "rexrt", true);
        check("re?rt", "rert", false);
        check("a.c*", "abc", false);
        check("caf?", "cafe", true);
        check("Caf\u{e9}*", "cafeteria", true);
        check("m?ller", "m\u{444}ller", true);
        assert_eq!(TermPattern::wildcards("re*rt?x").unwrap().prefix, b"re");
    }

    #[test]
    fn regular_expressions_fit_a_part_and_are_bounded() {
        let fits = |text: &str, word: &str| TermPattern::regex(text).unwrap().fits(word.as_bytes());
        assert!(fits("FW", "fwd") && !fits("^FW$", "fwd") && fits(r"^\d{4}$", "2024"));
        assert!(TermPattern::regex("(").is_err());
        assert!(TermPattern::regex("(a{1000}){1000}").is_err());
    }

    #[test]
    fn near_words_differ_by_few_letters() {
        let fits = |n: u8, word: &str| TermPattern::near("Invoice", n).fits(word.as_bytes());
        assert!(fits(1, "invoice") && fits(1, "invioce") && fits(1, "invoices") && fits(1, "nvoice"));
        assert!(!fits(1, "invices1") && fits(2, "inboice2") && !fits(2, "voice1"));
    }
}
