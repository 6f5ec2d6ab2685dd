//! Text of a question to lookups of words: as it stands, its patterns, and the other ways in which it may be written.

use super::Language;
use super::parser::{Form, Term};
use super::problem::{QueryError, QueryProblem};
use crate::facts::Role;
use crate::index::schema::Words;
use crate::index::{Located, Lookup, Phrase, TermPattern, WordSlot, WordTest, asked};

/// Fewest digits of a number that is also looked for in groups.
pub(super) const FEWEST_DIGITS: usize = 7;

/// Most characters of such a number.
const LONGEST_NUMBER: usize = 40;

/// Fields of words to look in; the role is for people.
pub(super) type Places = Vec<(Words, Option<Role>)>;

/// Where a word without a field looks.
pub(super) fn bare() -> Places {
    let people = Role::ALL.into_iter().map(|role| (Words::People, Some(role)));
    [(Words::Body, None), (Words::Subject, None), (Words::Name, None)].into_iter().chain(people).collect()
}

/// One way to look for a text.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Words one after the other; whether the last may go on.
    Text(String, bool),
    /// Something else that stands at places.
    At(Located),
    /// A number wherever it is cut into groups, which nobody does in names and addresses.
    Number(String),
}

impl Way {
    /// The lookup of this way in a field.
    fn lookup(&self, field: Words, role: Option<Role>) -> Option<Lookup> {
        Some(match self {
            Self::Text(text, open) => Lookup::Words(Phrase { field, role, words: asked(text), open: *open }),
            Self::At(what) => Lookup::Located(field, role, what.clone()),
            Self::Number(_) if field == Words::People => return None,
            Self::Number(text) => Lookup::Located(field, role, Located::Joined(text.clone())),
        })
    }

    /// It as something that stands at places.
    pub(super) fn located(&self) -> Located {
        match self {
            Self::Text(text, open) => Located::phrase(&asked(text), *open),
            Self::At(what) => what.clone(),
            Self::Number(text) => Located::Joined(text.clone()),
        }
    }
}

/// The lookups of some ways in some fields.
pub(super) fn lookups(ways: &[Way], places: &[(Words, Option<Role>)]) -> Vec<Lookup> {
    places
        .iter()
        .flat_map(|&(field, role)| ways.iter().filter_map(move |way| way.lookup(field, role)))
        .collect()
}

/// Every word of a field.
pub(super) fn every(field: Words) -> Lookup {
    Lookup::Located(
        field,
        None,
        Located::Phrase(vec![WordSlot { offset: 0, word: WordTest::Begins(Vec::new()) }]),
    )
}

/// Every word of people in a role.
pub(super) fn every_person(role: Role) -> Lookup {
    let any = Located::Phrase(vec![WordSlot { offset: 0, word: WordTest::Begins(Vec::new()) }]);
    Lookup::Located(Words::People, Some(role), any)
}

fn no_word(term: &Term) -> QueryError {
    QueryError::at(term.at, QueryProblem::NoWord)
}

fn pattern(term: &Term, built: Result<TermPattern, String>) -> Result<WordTest, QueryError> {
    built.map(WordTest::Fits).map_err(|why| QueryError::at(term.at, QueryProblem::Pattern(why)))
}

/// A single word that fits.
fn single(test: WordTest) -> Vec<Way> {
    vec![Way::At(Located::Phrase(vec![WordSlot { offset: 0, word: test }]))]
}

/// All ways to look for what a condition says.
pub(super) fn ways(term: &Term) -> Result<Vec<Way>, QueryError> {
    let value = term.value.as_str();
    match term.form {
        Form::Regex => {
            over_words(term)?;
            return Ok(single(pattern(term, TermPattern::regex(value))?));
        }
        Form::Fuzzy(most) => return Ok(single(WordTest::Fits(TermPattern::near(value, most)))),
        Form::Joined => return Ok(vec![Way::Number(value.to_ascii_lowercase())]),
        Form::Loose(slack) => {
            let words =
                words_of(value).map(|word| located_word(term, word)).collect::<Result<Vec<_>, _>>()?;
            if words.is_empty() {
                return Err(no_word(term));
            }
            return Ok(vec![Way::At(Located::Within(words, slack))]);
        }
        Form::Plain | Form::Quoted => {}
    }
    if term.language == Language::One {
        let (text, open) = super::plan::open(term)?;
        return if asked(text).is_empty() {
            Err(no_word(term))
        } else {
            Ok(vec![Way::Text(text.to_owned(), open)])
        };
    }
    if is_pattern(value, term.quoted()) {
        return patterns(term);
    }
    let (text, open) = value.strip_suffix('*').map_or((value, false), |text| (text, true));
    // A `*` behind a blank stands for a word of its own, of which nothing is known.
    let open = open && text.ends_with(|c: char| !c.is_whitespace());
    if asked(text).is_empty() {
        return Err(no_word(term));
    }
    let mut out = vec![Way::Text(text.to_owned(), open)];
    for other in variants(text, term.quoted()) {
        out.push(Way::Text(other, open));
    }
    if let Some(number) = number(text).filter(|_| !open) {
        out.push(Way::Number(number));
    }
    Ok(out)
}

/// Whether wildcards stand elsewhere than as one `*` at the end. In quotes and in URLs `?` is a sign like others.
fn is_pattern(text: &str, quoted: bool) -> bool {
    if text.contains("://") {
        return false;
    }
    let is_question =
        !quoted && text.contains('?') && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '*' | '?'));
    let stars = text.strip_suffix('*').unwrap_or(text).contains('*');
    (stars || is_question) && text.contains(char::is_alphanumeric)
}

/// Pieces of a phrase between what separates words.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let is_inside = |c: char| {
        c.is_alphanumeric() || matches!(c, '*' | '?') || unicode_normalization::char::is_combining_mark(c)
    };
    text.split(move |c: char| !is_inside(c)).filter(|word| !word.is_empty())
}

fn patterns(term: &Term) -> Result<Vec<Way>, QueryError> {
    let (mut slots, mut offset) = (Vec::new(), 0);
    for word in words_of(&term.value) {
        if !word.contains('*') && (!word.contains('?') || term.quoted()) {
            let words = asked(word);
            let count = words.last().map_or(0, |last| last.offset + 1);
            if let Located::Phrase(all) = Located::phrase(&words, false) {
                slots.extend(all.into_iter().map(|slot| WordSlot { offset: slot.offset + offset, ..slot }));
            }
            offset += count;
            continue;
        }
        slots.push(WordSlot { offset, word: pattern(term, TermPattern::wildcards(word))? });
        offset += 1;
    }
    Ok(vec![Way::At(Located::Phrase(slots))])
}

fn located_word(term: &Term, word: &str) -> Result<Located, QueryError> {
    if word.contains('*') {
        let slot = WordSlot { offset: 0, word: pattern(term, TermPattern::wildcards(word))? };
        return Ok(Located::Phrase(vec![slot]));
    }
    let mut all = vec![Located::phrase(&asked(word), false)];
    all.extend(variants(word, true).iter().map(|other| Located::phrase(&asked(other), false)));
    Ok(Located::Any(all))
}

/// Other spellings of a text: umlauts as two letters; where it was not quoted, what a hyphen or apostrophe joins as one
/// word.
pub(super) fn variants(text: &str, quoted: bool) -> Vec<String> {
    let mut out = Vec::new();
    let composed: String = unicode_normalization::UnicodeNormalization::nfc(text).collect();
    if composed.contains(['ä', 'ö', 'ü', 'Ä', 'Ö', 'Ü']) {
        let two = |c: char| match c {
            'ä' | 'Ä' => Some("ae"),
            'ö' | 'Ö' => Some("oe"),
            'ü' | 'Ü' => Some("ue"),
            _ => None,
        };
        out.push(composed.chars().fold(String::new(), |mut out, c| {
            match two(c) {
                Some(letters) => out.push_str(letters),
                None => out.push(c),
            }
            out
        }));
    }
    let is_joint = |c: char| matches!(c, '-' | '\'' | '\u{2019}' | '\u{2010}' | '\u{2011}');
    let parts: Vec<&str> = text.split(is_joint).collect();
    let is_word = |part: &&str| !part.is_empty() && part.chars().all(char::is_alphabetic);
    if !quoted && (2..=4).contains(&parts.len()) && parts.iter().all(is_word) {
        out.push(parts.concat());
    }
    out
}

/// Most pairs of letters in a text that are turned into umlauts.
const MOST_UMLAUTS: usize = 4;

/// Texts with umlauts that a text with `ae`, `oe`, `ue` may stand for: each pair turned by itself, and all of them.
pub(super) fn umlauts(term: &Term) -> Vec<String> {
    let is_plain =
        matches!(term.form, Form::Plain | Form::Quoted) && !term.value.contains(['*', '?', '@', '/']);
    if term.language == Language::One || !is_plain {
        return Vec::new();
    }
    let text = term.value.to_lowercase();
    let pairs = [("ae", "ä"), ("oe", "ö"), ("ue", "ü")];
    let mut out: Vec<String> = Vec::new();
    for (pair, letter) in pairs {
        for (at, _) in text.match_indices(pair).take(MOST_UMLAUTS) {
            if let (Some(head), Some(tail)) = (text.get(..at), text.get(at + pair.len()..)) {
                out.push(format!("{head}{letter}{tail}"));
            }
        }
    }
    if out.len() > 1 {
        out.push(pairs.iter().fold(text, |text, (pair, letter)| text.replace(pair, letter)));
    }
    out
}

/// A number of many digits, such as an IBAN, a card or a telephone number, without its blanks and in small letters.
fn number(text: &str) -> Option<String> {
    let all: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let fits = |c: char| {
        c.is_ascii_alphanumeric() || c.is_whitespace() || matches!(c, '+' | '-' | '/' | '(' | ')' | '.')
    };
    let letters = all.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = all.len() - letters;
    (text.chars().all(fits)
        && digits >= FEWEST_DIGITS
        && letters <= 8
        && digits > letters
        && all.len() <= LONGEST_NUMBER)
        .then(|| all.to_ascii_lowercase())
}

/// Refuses a regular expression that asks for what stands in no word.
fn over_words(term: &Term) -> Result<(), QueryError> {
    let mut chars = term.value.chars().peekable();
    let mut in_class = false;
    let refuse = |what: String| Err(QueryError::at(term.at, QueryProblem::PatternOverWords(what)));
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('s' | 'W')) if !in_class => return refuse(format!("\\{c}")),
                Some(c) if !in_class && c.is_ascii_punctuation() => return refuse(format!("\\{c}")),
                _ => {}
            },
            '[' => in_class = true,
            ']' => in_class = false,
            '{' if !in_class => while chars.next_if(|&c| c != '}').is_some() {},
            '(' if chars.next_if_eq(&'?').is_some() => {
                while chars.next_if(|c| c.is_alphanumeric() || matches!(c, '<' | '>' | '-' | '_')).is_some() {
                }
            }
            '.' | '*' | '+' | '?' | '|' | '(' | ')' | '^' | '$' | '}' | ':' => {}
            c if !in_class && !c.is_alphanumeric() => {
                return refuse(if c == ' ' { "a blank".to_owned() } else { format!("`{c}`") });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What of a text between words is a sign of its own that no search looks at: `C++` is looked for as `C`.
pub(super) fn left_out(text: &str) -> Option<String> {
    let quiet = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || unicode_normalization::char::is_combining_mark(c)
            || matches!(
                c,
                '.' | ','
                    | ';'
                    | ':'
                    | '\''
                    | '"'
                    | '-'
                    | '_'
                    | '/'
                    | '@'
                    | '('
                    | ')'
                    | '<'
                    | '>'
                    | '['
                    | ']'
                    | '?'
                    | '!'
                    | '*'
            )
            || matches!(c, '\u{2010}'..='\u{2019}' | '\u{200b}'..='\u{200f}')
    };
    if text.contains("://") {
        return None;
    }
    let signs: String = text.chars().filter(|&c| !quiet(c)).collect();
    (!signs.is_empty()).then_some(signs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::parser::{Op, parse};

    fn of(text: &str) -> Result<Vec<Way>, QueryError> {
        match parse(text, Language::Two)?.node.op {
            Op::Term(term) => ways(&term),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_is_looked_for_in_all_its_spellings() {
        let texts = |text: &str| {
            let all = of(text).unwrap().into_iter();
            all.map(|way| match way {
                Way::Text(text, open) => format!("{text}{}", if open { "*" } else { "" }),
                Way::Number(text) => format!("#{text}"),
                Way::At(_) => "@".to_owned(),
            })
            .collect::<Vec<_>>()
            .join(" ")
        };
        assert_eq!(texts("Müller"), "Müller Mueller");
        assert_eq!(texts("Mu\u{308}ller*"), "Mu\u{308}ller* Mueller*");
        assert_eq!(texts("o'brien"), "o'brien obrien");
        assert_eq!(texts("e-mail"), "e-mail email");
        assert_eq!(texts("\"e-mail\""), "e-mail");
        assert_eq!(texts("DE89370400440532013000"), "DE89370400440532013000 #de89370400440532013000");
        assert_eq!(texts("\"0170 123-4567\""), "0170 123-4567 #01701234567");
        assert_eq!(texts("2024-03"), "2024-03");
        assert_eq!(texts("inv*"), "inv*");
        assert_eq!(texts("in*ice"), "@");
        assert_eq!(texts("\"a* b\""), "@");
        assert_eq!(texts("wh?"), "@");
        assert_eq!(texts("\"who?\""), "who?");
        assert_eq!(texts("http://x.example/a?b=1"), "http://x.example/a?b=1");
    }

    #[test]
    fn a_regular_expression_that_no_word_can_fit_is_refused() {
        for text in ["subject:/foo bar/", r"body:/\d+-\d+/", r"body:/a\sb/", r"body:/a\.b/", "body:/(/"] {
            assert!(of(text).is_err(), "{text}");
        }
        for text in [r"/^\d{4}$/", "/FW|Re/", "/[^a-z]x/", "/(?:a|b)+c?/", "/a.b/"] {
            assert!(of(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn signs_that_are_left_out_are_told() {
        assert_eq!(left_out("C++").as_deref(), Some("++"));
        assert_eq!(left_out("$100").as_deref(), Some("$"));
        assert_eq!(left_out("ann.smith@example.org"), None);
    }
}
