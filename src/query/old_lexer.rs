//! Language 1: a query's text to tokens as it was read before the language had a number, so that old manifests can be
//! replayed. Nothing is added here.

use super::QueryProblem as P;
use super::lexer::LONGEST;
use super::place::Place;
use super::problem::QueryError;
use super::signs::is_hop;
use super::token::{Token, What};

/// Whether text before a colon looks like a field's name, so that a wrong one is an error and `12:30` is not.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError::at(Place::new(0, 1), P::TooLong));
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
        out.push(Token { at: Place::new(at - 1, at), what });
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
    Err(QueryError::at(Place::new(at - 1, at), P::QuoteOpen))
}

/// What stands right behind `name:`: up to a blank, a quoted text, or a group in parentheses; in a group of hops a
/// brace ends it.
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
            out.push(Token { at: Place::new(at - 1, at), what: What::Quoted(text) });
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
            out.push(Token { at: Place::new(at - 1, at), what: What::Word(word) });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_language_2_made_a_sign_is_text_in_language_1() {
        let words = |text: &str| {
            tokens(text).unwrap().into_iter().map(|t| format!("{:?}", t.what)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("!a NEAR/3 b"), r#"Word("!a") Word("NEAR/3") Word("b")"#);
        assert_eq!(words("subject:/FW/"), r#"Word("subject:/FW/")"#);
        assert_eq!(words("from:x -y"), r#"Field("from") Word("x") Not Word("y")"#);
        assert_eq!(words("hop{by:x}"), r#"OpenHop("hop") Field("by") Word("x") CloseHop"#);
    }
}
