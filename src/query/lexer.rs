//! A query's text to tokens, each with its place. Nothing that means something elsewhere passes as a word.

use super::QueryProblem as P;
use super::fields;
use super::place::Place;
use super::problem::QueryError;
use super::signs::{bare_near, is_dash, is_hop, is_name, is_quote, near};
use super::token::{Lexed, Token, What};

/// Longest query in bytes: a keyword list fits, a mistake does not stop the machine.
pub(super) const LONGEST: usize = 16 << 20;

/// Longest regular expression, in characters.
const LONGEST_REGEX: usize = 4096;

/// Longest range in brackets, in characters.
const LONGEST_RANGE: usize = 200;

/// Farthest that two words can be asked to be from one another.
const FARTHEST: u32 = 1000;

/// How far `NEAR` without a number reaches.
const NEAR: u32 = 10;

pub(super) fn tokens(text: &str) -> Result<Lexed, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError::at(Place::new(0, 1), P::TooLong));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars: &chars, at: 0, braces: Vec::new(), tokens: Vec::new(), notes: Vec::new() };
    while lexer.at < lexer.chars.len() {
        lexer.step()?;
    }
    Ok(Lexed { tokens: lexer.tokens, notes: lexer.notes })
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    /// Open braces: whether each is of a hop.
    braces: Vec<bool>,
    tokens: Vec<Token>,
    notes: Vec<(Place, String)>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn text(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or_default().iter().collect()
    }

    fn push(&mut self, from: usize, what: What) {
        self.tokens.push(Token { at: Place::new(from, self.at), what });
    }

    fn wrong(&self, from: usize, problem: P) -> QueryError {
        QueryError::at(Place::new(from, self.at.max(from + 1)), problem)
    }

    fn instead(&self, from: usize, what: impl Into<String>, instead: impl Into<String>) -> QueryError {
        self.wrong(from, P::WriteInstead { what: what.into(), instead: instead.into() })
    }

    /// Whether a term could begin here.
    fn is_term(c: Option<char>) -> bool {
        c.is_some_and(|c| {
            c.is_alphanumeric() || is_quote(c) || matches!(c, '(' | '/' | '*' | '<' | '@' | '{')
        })
    }

    fn step(&mut self) -> Result<(), QueryError> {
        let from = self.at;
        let Some(c) = self.peek(0) else { return Ok(()) };
        let next = self.peek(1);
        match c {
            _ if c.is_whitespace() => self.at += 1,
            '(' | ')' => {
                self.at += 1;
                self.push(from, if c == '(' { What::Open } else { What::Close });
            }
            '{' => {
                self.at += 1;
                self.braces.push(false);
                self.push(from, What::OpenAny);
            }
            '}' => {
                self.at += 1;
                match self.braces.pop() {
                    None => return Err(self.wrong(from, P::CloseWithoutOpen)),
                    Some(is_hop) => self.push(from, if is_hop { What::CloseHop } else { What::CloseAny }),
                }
            }
            _ if is_quote(c) => self.quotation(from)?,
            '/' if self.regex(from)? => {}
            '[' if self.range_end(']').is_some() => {
                return Err(self.instead(
                    from,
                    "a range needs its field",
                    "it behind one, as in date:2024-01..2024-03",
                ));
            }
            _ if is_dash(c)
                && next.is_some_and(is_dash)
                && self.peek(2).is_some_and(char::is_alphanumeric) =>
            {
                self.at += 2;
                return Err(self.instead(
                    from,
                    "two dashes mean nothing here",
                    "one `-` before what must not match",
                ));
            }
            _ if is_dash(c) => {
                self.at += 1;
                // A sign before a blank is text; before a word it means NOT.
                if next.is_none_or(char::is_whitespace) {
                    self.note(from, format!("`{c}` by itself is no word and was left out"));
                } else {
                    self.push(from, What::Not);
                }
            }
            '!' if Self::is_term(next)
                || next.is_some_and(|c| is_dash(c) || c == '!') && Self::is_term(self.peek(2)) =>
            {
                self.at += 1;
                self.push(from, What::Not);
            }
            '+' if next.is_some_and(|c| c.is_alphabetic() || is_quote(c) || c == '(') => {
                self.at += 1;
                self.note(from, "`+` says nothing here: terms side by side must all match".to_owned());
            }
            _ => self.word(from)?,
        }
        Ok(())
    }

    fn note(&mut self, from: usize, text: String) {
        self.notes.push((Place::new(from, self.at.max(from + 1)), text));
    }

    /// A quotation, with `~5` or `*` right behind it.
    fn quotation(&mut self, from: usize) -> Result<(), QueryError> {
        let mut text = self.quoted(from)?;
        match self.peek(0) {
            Some('~') => {
                let digits = self.at + 1;
                self.at = digits;
                while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                }
                let Some(slack) = self.text(digits, self.at).parse().ok().filter(|n| *n <= FARTHEST) else {
                    return Err(self.instead(
                        from,
                        "the number of other words between them is missing, or over 1000",
                        "it behind the sign, as in \"wire transfer\"~5",
                    ));
                };
                self.push(from, What::Loose(text, slack));
            }
            Some('^') => return Err(self.weight(from)),
            Some('*') => {
                self.at += 1;
                text.push('*');
                self.push(from, What::Quoted(text));
            }
            _ => self.push(from, What::Quoted(text)),
        }
        Ok(())
    }

    fn weight(&self, from: usize) -> QueryError {
        self.instead(from, "an answer is the whole set, so no term has a weight", "the term without `^`")
    }

    fn quoted(&mut self, from: usize) -> Result<String, QueryError> {
        let mut out = String::new();
        self.at += 1;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                _ if is_quote(c) => return Ok(out),
                '\\' => match self.peek(0) {
                    Some(next @ ('"' | '\\')) => {
                        out.push(next);
                        self.at += 1;
                    }
                    _ => out.push('\\'),
                },
                _ => out.push(c),
            }
        }
        self.at = from + 1;
        Err(self.wrong(from, P::QuoteOpen))
    }

    /// Reads `/../` when that is what stands here: a second slash with a blank, a parenthesis or nothing behind it.
    fn regex(&mut self, from: usize) -> Result<bool, QueryError> {
        let mut at = from + 1;
        let mut depth = 0usize;
        while let Some(&c) = self.chars.get(at).filter(|_| at - from < LONGEST_REGEX) {
            match c {
                '\\' => at += 1,
                '[' => depth = 1,
                ']' => depth = 0,
                '/' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        let is_end = |c: Option<&char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, ')' | '}'));
        if self.chars.get(at) != Some(&'/') || at == from + 1 {
            return Ok(false);
        }
        let mut end = at + 1;
        while self.chars.get(end).is_some_and(|c| matches!(c, 'i' | 'm' | 's' | 'x' | 'u' | 'g')) {
            end += 1;
        }
        if !is_end(self.chars.get(end)) {
            return Ok(false);
        }
        let flags = self.text(at + 1, end);
        self.at = end;
        if flags.contains(|c| c != 'i') {
            return Err(self.instead(
                from,
                format!("the flags `{flags}` mean nothing here"),
                "/../ without them",
            ));
        }
        let text = self.text(from + 1, at);
        self.push(from, What::Regex(text.replace("\\/", "/")));
        Ok(true)
    }

    /// Where `[a TO b]` or `{a TO b}` that begins here ends.
    fn range_end(&self, close: char) -> Option<usize> {
        let rest = self.chars.get(self.at..)?;
        let rest = rest.get(..LONGEST_RANGE).unwrap_or(rest);
        let end = rest.iter().position(|&c| c == close || c == ']' || c == '}')?;
        let inner: String = rest.get(1..end)?.iter().collect();
        inner.split_whitespace().any(|word| word == "TO").then_some(self.at + end + 1)
    }

    fn word(&mut self, from: usize) -> Result<(), QueryError> {
        let mut word = String::new();
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            // A parenthesis that was opened inside a word may close inside it.
            if c.is_whitespace()
                || is_quote(c)
                || (c == ')' && depth == 0)
                || (c == '}' && !self.braces.is_empty())
            {
                break;
            }
            if c == '(' && depth == 0 && Self::is_operator(&word) {
                break;
            }
            depth = match c {
                '(' => depth + 1,
                ')' => depth - 1,
                _ => depth,
            };
            if c == '{' && is_hop(&word, c) {
                self.at += 1;
                self.braces.push(true);
                self.push(from, What::OpenHop(word));
                return Ok(());
            }
            if c == ':' && (is_hop(&word, c) || self.is_field(&word)) {
                self.at += 1;
                return self.field(from, word);
            }
            self.at += 1;
            word.push(c);
        }
        self.classify(from, word)
    }

    /// Whether what stands before the colon here is a field: every known name is, and every other word that is not the
    /// beginning of a URL.
    fn is_field(&self, word: &str) -> bool {
        is_name(word)
            && (fields::field(word).is_some() || (self.peek(1), self.peek(2)) != (Some('/'), Some('/')))
    }

    /// Whether a word right before a parenthesis is an operator.
    fn is_operator(word: &str) -> bool {
        matches!(word, "AND" | "OR" | "NOT" | "XOR" | "&&" | "||" | "and" | "or" | "not" | "xor")
            || near(word).is_some()
            || bare_near(word).is_some()
    }

    fn field(&mut self, from: usize, name: String) -> Result<(), QueryError> {
        let mut name = name;
        if fields::field(&name).is_some_and(|f| f.kind == fields::FieldKind::Header) {
            // `header:X-Mailer:pine`: the name of the header field belongs to what is asked for.
            let rest: String = self.chars.get(self.at..).unwrap_or_default().iter().take(200).collect();
            let inner = rest.split_once(':').map(|(inner, _)| inner).filter(|inner| is_name(inner));
            if let Some(inner) = inner {
                self.at += inner.chars().count() + 1;
                name = format!("{name}:{inner}");
            }
        }
        self.push(from, What::Field(name));
        let from = self.at;
        match self.peek(0) {
            None | Some('(' | ')') => Ok(()),
            Some(c) if c.is_whitespace() || (c == '}' && !self.braces.is_empty()) => Ok(()),
            Some(c) if is_quote(c) => self.quotation(from),
            Some('/') if self.regex(from)? => Ok(()),
            Some(c @ ('[' | '{')) if self.range_end(if c == '[' { ']' } else { '}' }).is_some() => {
                self.at = self.range_end(if c == '[' { ']' } else { '}' }).unwrap_or(self.at);
                let text = self.text(from, self.at);
                self.push(from, What::Word(text));
                Ok(())
            }
            Some(_) => {
                let mut depth = 0usize;
                while let Some(c) = self.peek(0) {
                    if c.is_whitespace() || (c == ')' && depth == 0) || (c == '}' && !self.braces.is_empty())
                    {
                        break;
                    }
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth - 1,
                        _ => depth,
                    };
                    self.at += 1;
                }
                let text = self.text(from, self.at);
                self.push(from, What::Word(text));
                Ok(())
            }
        }
    }

    /// What a word without a field is.
    fn classify(&mut self, from: usize, word: String) -> Result<(), QueryError> {
        if let Some((distance, ordered)) = near(&word) {
            return self.near(from, distance, ordered, word);
        }
        if let Some(ordered) = bare_near(&word) {
            return match self.number_behind() {
                Some(distance) => self.near(from, distance, ordered, word),
                None if matches!(word.as_str(), "NEAR" | "ADJ" | "ONEAR" | "AROUND") => {
                    self.near(from, NEAR, ordered, word)
                }
                None => {
                    let instead = format!("{word}/5, or in quotes \"{word}\" for the word");
                    Err(self.instead(from, format!("`{word}` needs a number of words"), instead))
                }
            };
        }
        let is_before_group = self.peek(0) == Some('(');
        let what = match word.as_str() {
            "AND" | "&&" => What::And,
            "OR" | "||" => What::Or,
            "NOT" => What::Not,
            "XOR" => What::Xor,
            "&" => {
                self.note(
                    from,
                    "`&` is no word and was left out: terms side by side must all match".to_owned(),
                );
                return Ok(());
            }
            "|" => return Err(self.instead(from, "`|` means nothing here", "OR")),
            "and" | "or" | "not" | "xor" if is_before_group => {
                let upper = word.to_uppercase();
                return Err(self.instead(
                    from,
                    format!("`{word}` in small letters is a word"),
                    format!("{upper}, or in quotes \"{word}\" for the word"),
                ));
            }
            "and" | "or" | "not" | "xor" => {
                let upper = word.to_uppercase();
                self.note(
                    from,
                    format!("`{word}` in small letters was searched as a word; the operator is {upper}"),
                );
                What::Word(word)
            }
            _ => {
                self.refuse(from, &word)?;
                if word.starts_with(['\'', '\u{2018}', '`']) && word.len() > 1 {
                    self.note(from, "only double quotes make a phrase".to_owned());
                }
                What::Word(word)
            }
        };
        self.push(from, what);
        Ok(())
    }

    fn near(&mut self, from: usize, distance: u32, ordered: bool, word: String) -> Result<(), QueryError> {
        if !(1..=FARTHEST).contains(&distance) {
            return Err(self.instead(from, "words are 1 to 1000 words apart", "NEAR/1 to NEAR/1000"));
        }
        self.push(from, What::Near(distance, ordered, word));
        Ok(())
    }

    /// The number in `AROUND 5`, `AROUND(5)` and `NEAR(n=5)`, when one stands there.
    fn number_behind(&mut self) -> Option<u32> {
        let mut at = self.at;
        let is_in_parentheses = self.chars.get(at) == Some(&'(');
        while self.chars.get(at).is_some_and(|c| c.is_whitespace() || *c == '(') {
            at += 1;
        }
        if self.chars.get(at) == Some(&'n') && self.chars.get(at + 1) == Some(&'=') {
            at += 2;
        }
        let from = at;
        while self.chars.get(at).is_some_and(char::is_ascii_digit) {
            at += 1;
        }
        let number = self.text(from, at).parse().ok()?;
        let end = self.chars.get(at);
        if is_in_parentheses {
            (end == Some(&')')).then(|| self.at = at + 1)?;
        } else {
            end.is_none_or(|c| c.is_whitespace()).then(|| self.at = at)?;
        }
        Some(number)
    }

    /// Forms of other languages that would pass as words.
    fn refuse(&self, from: usize, word: &str) -> Result<(), QueryError> {
        if let Some(rest) = word.strip_prefix(':')
            && rest.starts_with(char::is_alphanumeric)
        {
            return Err(self.instead(
                from,
                "a colon begins no word",
                "a field with its colon and value in one piece, as in from:ann, or text in quotes",
            ));
        }
        if word.contains('[') && is_hop(word, '{') {
            let instead = format!("{word}:name or {word}{{by:name}}");
            return Err(self.instead(from, "a place among the hops says nothing by itself", instead));
        }
        let sign = word.find(['=', '<', '>', '~', '!']).filter(|&at| at > 0);
        if let Some(at) = sign
            && let (Some(name), Some(rest)) = (word.get(..at), word.get(at..))
            && fields::field(name).is_some()
            && !(rest.starts_with('~') && rest.bytes().skip(1).all(|b| b.is_ascii_digit()))
        {
            let value = rest.trim_start_matches(['=', '~', '!']);
            return Err(self.instead(
                from,
                format!("a field is written with a colon: `{name}{rest}`"),
                format!("{name}:{value}"),
            ));
        }
        let weight = word.rsplit_once('^').is_some_and(|(term, number)| {
            !term.is_empty() && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.')
        });
        if weight {
            return Err(self.weight(from));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
