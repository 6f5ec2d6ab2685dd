//! Signs and words that the lexer tells from text.

/// Whether text before a colon looks like a field's name, so that a wrong one is an error and `12:30` is not.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Whether text before a brace or a colon speaks of hops: `hop`, `hop[0]`, and `hop[0].by` before a colon.
pub(super) fn is_hop(text: &str, end: char) -> bool {
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

/// Signs of quotation.
pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ff02}')
}

/// Signs that look like a minus.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// `NEAR/5`, `w/5`, `pre/3`: the distance, and whether the order counts.
pub(super) fn near(word: &str) -> Option<(u32, bool)> {
    let (name, number) = word.split_once('/')?;
    let number = number.trim_start_matches("n=");
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ordered = match name.to_ascii_lowercase().as_str() {
        "near" | "w" | "within" | "around" => false,
        "adj" | "pre" | "p" | "onear" | "before" => true,
        _ => return None,
    };
    Some((number.parse().unwrap_or(u32::MAX), ordered))
}

/// The same without a number.
pub(super) fn bare_near(word: &str) -> Option<bool> {
    Some(match word {
        "NEAR" | "AROUND" | "WITHIN" => false,
        "ADJ" | "PRE" | "ONEAR" | "BEFORE" => true,
        _ => return None,
    })
}
