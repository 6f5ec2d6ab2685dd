//! A query's text to tokens, each with its column.

use super::QueryError;
use super::QueryProblem as P;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Column of its first character, from 1.
    pub(super) at: usize,
    pub(super) what: What,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    And,
    Or,
    Not,
    /// `name:` right before what follows it.
    Field(String),
    /// `hop{`, `hop[0]{`: what stands before the brace.
    OpenHop(String),
    /// `}` of such a group.
    CloseHop,
    Word(String),
    Quoted(String),
}

/// Longest query in bytes: a keyword list fits, a mistake does not stop the machine.
const LONGEST: usize = 16 << 20;

/// Whether text before a colon looks like a field's name, so that a wrong one is an error and `12:30` is not.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Whether text before a brace or a colon speaks of hops: `hop`, `hop[0]`, and `hop[0].by` before a colon.
fn is_hop(text: &str, end: char) -> bool {
    let Some(rest) = text.get(..3).filter(|head| head.eq_ignore_ascii_case("hop")).and(text.get(3..)) else {
        return false;
    };
    if rest.is_empty() {
        return end == '{';
    }
    let Some((place, name)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    let is_name = |name: &str| name.strip_prefix('.').is_some_and(is_name);
    !place.contains(['[', '"']) && (name.is_empty() || (end == ':' && is_name(name)))
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError { column: 1, problem: P::TooLong });
    }
    let mut out = Vec::new();
    let mut braces = 0usize;
    let mut chars = text.chars().enumerate().map(|(n, c)| (n + 1, c)).peekable();
    while let Some(&(at, c)) = chars.peek() {
        let what = match c {
            _ if c.is_whitespace() => {
                chars.next();
                continue;
            }
            '(' | ')' => {
                chars.next();
                if c == '(' { What::Open } else { What::Close }
            }
            '}' if braces > 0 => {
                chars.next();
                braces -= 1;
                What::CloseHop
            }
            '"' | '\u{201c}' | '\u{201d}' => {
                chars.next();
                What::Quoted(quoted(&mut chars, at)?)
            }
            '-' => {
                chars.next();
                // A sign before a blank is text; before a word it means NOT.
                if chars.peek().is_none_or(|(_, c)| c.is_whitespace()) {
                    continue;
                }
                What::Not
            }
            _ => {
                let mut word = String::new();
                let mut field = None;
                let mut is_group = false;
                let mut depth = 0usize;
                while let Some(&(_, c)) = chars.peek() {
                    // A parenthesis that was opened inside a word may close inside it.
                    if c.is_whitespace() || c == '"' || (c == ')' && depth == 0) || (c == '}' && braces > 0) {
                        break;
                    }
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth - 1,
                        _ => depth,
                    };
                    chars.next();
                    if c == '{' && is_hop(&word, c) {
                        is_group = true;
                        break;
                    }
                    if c == ':' && is_hop(&word, c) {
                        field = Some(word.clone());
                        break;
                    }
                    if c == ':' && is_name(&word) && chars.peek().is_none_or(|&(_, c)| c != '/') {
                        field = Some(word.clone());
                        break;
                    }
                    word.push(c);
                }
                match (field, word.as_str()) {
                    (Some(name), _) => What::Field(name),
                    (None, _) if is_group => {
                        braces += 1;
                        What::OpenHop(word)
                    }
                    (None, "AND" | "&&") => What::And,
                    (None, "OR" | "||") => What::Or,
                    (None, "NOT") => What::Not,
                    (None, _) => What::Word(word),
                }
            }
        };
        let is_field = matches!(what, What::Field(_));
        out.push(Token { at, what });
        if is_field {
            value(&mut chars, braces > 0, &mut out)?;
        }
    }
    Ok(out)
}

fn quoted(chars: &mut impl Iterator<Item = (usize, char)>, at: usize) -> Result<String, QueryError> {
    let mut out = String::new();
    while let Some((_, c)) = chars.next() {
        match c {
            '"' | '\u{201c}' | '\u{201d}' => return Ok(out),
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => out.push(c),
                Some((_, c)) => out.extend(['\\', c]),
                None => break,
            },
            _ => out.push(c),
        }
    }
    Err(QueryError { column: at, problem: P::QuoteOpen })
}

/// What stands right behind `name:`: up to a blank, a quoted text, or a group in parentheses; in a group of hops a brace ends it.
fn value<I: Iterator<Item = (usize, char)>>(
    chars: &mut std::iter::Peekable<I>,
    is_braced: bool,
    out: &mut Vec<Token>,
) -> Result<(), QueryError> {
    match chars.peek() {
        None => Ok(()),
        Some(&(_, c)) if c.is_whitespace() || c == '(' || c == ')' || (c == '}' && is_braced) => Ok(()),
        Some(&(at, '"' | '\u{201c}' | '\u{201d}')) => {
            chars.next();
            let text = quoted(chars, at)?;
            out.push(Token { at, what: What::Quoted(text) });
            Ok(())
        }
        Some(&(at, _)) => {
            let mut word = String::new();
            let mut depth = 0usize;
            while let Some(&(_, c)) = chars.peek() {
                if c.is_whitespace() || (c == ')' && depth == 0) || (c == '}' && is_braced) {
                    break;
                }
                depth = match c {
                    '(' => depth + 1,
                    ')' => depth.saturating_sub(1),
                    _ => depth,
                };
                word.push(c);
                chars.next();
            }
            out.push(Token { at, what: What::Word(word) });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[What]) {
        let got: Vec<_> = tokens(text).unwrap().into_iter().map(|t| t.what).collect();
        assert_eq!(got, want, "{text}");
    }

    fn word(text: &str) -> What {
        What::Word(text.to_owned())
    }

    fn field(text: &str) -> What {
        What::Field(text.to_owned())
    }

    #[test]
    fn fields_signs_and_quotes_are_told_from_text() {
        check(
            "from:bob (a OR -b)",
            &[field("from"), word("bob"), What::Open, word("a"), What::Or, What::Not, word("b"), What::Close],
        );
        check("\"a b\" NOT x", &[What::Quoted("a b".into()), What::Not, word("x")]);
        check(
            "12:30 http://x.example/a:b - a-b",
            &[word("12:30"), word("http://x.example/a:b"), word("a-b")],
        );
        check("subject:\"Re: \\\"x\\\"\"", &[field("subject"), What::Quoted("Re: \"x\"".into())]);
        check("hop.ip:2001:db8::/32", &[field("hop.ip"), word("2001:db8::/32")]);
        check(
            "(f(x) attachment:a(1).pdf)",
            &[What::Open, word("f(x)"), field("attachment"), word("a(1).pdf"), What::Close],
        );
        check("to:(a b)", &[field("to"), What::Open, word("a"), word("b"), What::Close]);
        assert_eq!(tokens("a \"b").unwrap_err().column, 3);
        let open = |text: &str| What::OpenHop(text.to_owned());
        check(
            "hop{by:x -(ip:::1 OR y)} hop[-1].by:z",
            &[
                open("hop"),
                field("by"),
                word("x"),
                What::Not,
                What::Open,
                field("ip"),
                word("::1"),
                What::Or,
                word("y"),
                What::Close,
                What::CloseHop,
                field("hop[-1].by"),
                word("z"),
            ],
        );
        check(
            "HOP[0]{for:\"a}b\"}",
            &[open("HOP[0]"), field("for"), What::Quoted("a}b".into()), What::CloseHop],
        );
        check("hop:{x} shop{y} }", &[field("hop"), word("{x}"), word("shop{y}"), word("}")]);
    }
}
