//! Addresses taken out of what surrounds them in real mail: schemes, quotes, brackets, blanks that no reader sees.

use std::borrow::Cow;

use crate::parse::bytes::starts_with_fold;

/// Words before an address that say what it is; both are lists of RFC 6068 and of Exchange.
const SCHEMES: [&str; 5] = ["mailto:", "smtp:", "email:", "e-mail:", "smtp="];

/// Whether a word before a colon is such a scheme, and no group.
pub(super) fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.iter().any(|s| s.len() == word.len().saturating_add(1) && starts_with_fold(s.as_bytes(), word))
}

/// Characters that no reader sees inside an address: blanks that do not break, and what has no width.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202a}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{3000}')
        || matches!(c, '\u{ad}' | '\u{feff}' | '\u{180e}' | '\u{61c}' | '\u{205f}')
        || c.is_ascii_control()
}

/// Whether bytes are an address of the letters that nearly all are written in: nothing can stand around it.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let letter = |b: &u8| b.is_ascii_alphanumeric();
    bytes.first().is_some_and(letter)
        && bytes.last().is_some_and(letter)
        && bytes.iter().all(|b| letter(b) || matches!(b, b'.' | b'@' | b'_' | b'-' | b'+'))
}

/// Text without blanks outside quotes.
pub(super) fn without_blanks(text: &str) -> Cow<'_, str> {
    if !text.contains([' ', '\t']) {
        return Cow::Borrowed(text);
    }
    let (mut quoted, mut escaped) = (false, false);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if quoted || !matches!(c, ' ' | '\t') {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// An address without what surrounds it; the same text where there is nothing around it.
pub(super) fn address(text: &str) -> Cow<'_, str> {
    let mut inner = text;
    let mut unseen = String::new();
    if text.contains(is_unseen) {
        unseen.extend(text.chars().filter(|c| !is_unseen(*c)));
        inner = &unseen;
    }
    loop {
        let before = inner;
        inner = inner.trim();
        for scheme in SCHEMES {
            if starts_with_fold(inner.as_bytes(), scheme.as_bytes()) {
                inner = inner.get(scheme.len()..).unwrap_or_default();
            }
        }
        let Some(at) = inner.find('@') else { break };
        // What follows a `?` behind the `@` are fields for a new message (RFC 6068).
        if let Some(fields) = inner.get(at..).and_then(|host| host.find('?')) {
            inner = inner.get(..at.saturating_add(fields)).unwrap_or(inner);
        }
        // The brackets of a page.
        inner = inner.trim_end_matches("&gt").trim_start_matches("&lt;").trim_start_matches("&lt");
        let tail: &[char] = &[';', ',', ':', '>', '<', '|', '!', '.', '*', '\\', '[', '(', '{'];
        inner = inner
            .trim_end_matches(tail)
            .trim_start_matches(['<', '>', ';', ',', ':', '*', '|', '\\', ']', ')', '}']);
        for (open, close) in
            [('\'', '\''), ('[', ']'), ('(', ')'), ('`', '\''), ('{', '}'), ('\u{ab}', '\u{bb}')]
        {
            inner = within(inner, open, close);
        }
        for (open, close) in [('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}'), ('\u{201e}', '\u{201c}')] {
            inner = within(inner, open, close);
        }
        // A bracket on one side only.
        for (open, close) in [('[', ']'), ('(', ')'), ('{', '}')] {
            if !inner.contains(close) {
                inner = inner.trim_start_matches(open);
            }
            if !inner.contains(open) {
                inner = inner.trim_end_matches(close);
            }
        }
        // A quoted string that holds the whole address, and not only its local part.
        let whole = inner.strip_prefix('"').and_then(|i| i.strip_suffix('"')).filter(|i| !i.contains('"'));
        inner = whole.unwrap_or(inner);
        // A quote on one side only.
        if inner.matches('"').count() == 1 {
            inner = inner.trim_matches('"');
        }
        if inner.matches('\'').count() == 1 {
            inner = inner.trim_matches('\'');
        }
        if before == inner {
            break;
        }
    }
    if inner == text { Cow::Borrowed(text) } else { Cow::Owned(inner.to_owned()) }
}

/// What stands between two signs at both ends.
fn within(text: &str, open: char, close: char) -> &str {
    text.strip_prefix(open).and_then(|t| t.strip_suffix(close)).unwrap_or(text)
}

/// Whether text is `local@domain`: one `@` outside quotes, a name on both sides, no blank.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | ':' | '@');
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']');
    !local.is_empty()
        && !domain.is_empty()
        && (quoted || local.chars().all(plain))
        && (literal || domain.chars().all(|c| plain(c) && c != '/' && c != '='))
}

/// The addresses that stand somewhere in text, those between `<` and `>` first; at most [`MAX_FOUND`].
pub(super) fn found(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut take = |word: &str| {
        let clean = address(word);
        let new = is_address(&clean) && !out.iter().any(|o| o.eq_ignore_ascii_case(&clean));
        if new && out.len() < MAX_FOUND {
            out.push(clean.into_owned());
        }
    };
    for piece in text.split('<').skip(1) {
        if let Some((inner, _)) = piece.split_once('>') {
            take(inner);
        }
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')' | '"' | '\u{a0}');
    for word in text.split(ends).filter(|word| word.contains('@')) {
        // Signs that a local part may hold part two addresses.
        let several = word.matches('@').count() > 1;
        word.split(|c| several && matches!(c, '/' | '|' | '&')).for_each(&mut take);
    }
    out
}

/// Text with the full-width forms of `@` and `.` as what they stand for (UTS 46 maps the latter).
pub(super) fn narrow(text: String) -> String {
    if text.is_ascii() || !text.contains(['\u{ff20}', '\u{fe6b}', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        return text;
    }
    let one = |c: char| match c {
        '\u{ff20}' | '\u{fe6b}' => '@',
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => '.',
        _ => c,
    };
    text.chars().map(one).collect()
}

/// Most addresses that are taken out of one name.
const MAX_FOUND: usize = 100;

/// `user at host.example`, also `user AT host DOT example`, `user [at] host.example`, as an address.
pub(super) fn written_at(text: &[u8]) -> Option<String> {
    // A quick look: three words at least, and short.
    if text.len() > 320 || memchr::memchr(b' ', text).is_none() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut words = text.split_ascii_whitespace();
    let is = |word: &str, sign: &str| {
        let word = word.strip_prefix(['(', '[', '{', '<', '_']).unwrap_or(word);
        word.strip_suffix([')', ']', '}', '>', '_']).unwrap_or(word).eq_ignore_ascii_case(sign)
    };
    let local = words.next()?;
    if !is(words.next()?, "at") {
        return None;
    }
    let mut domain = words.next()?.to_owned();
    while let Some(dot) = words.next() {
        if !is(dot, "dot") {
            return None;
        }
        domain.push('.');
        domain.push_str(words.next()?);
    }
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
    let shaped = (domain.contains('.') || domain.eq_ignore_ascii_case("localhost"))
        && domain.chars().all(host)
        && domain.starts_with(|c: char| c.is_alphanumeric())
        && domain.ends_with(|c: char| c.is_alphanumeric());
    let made = format!("{local}@{domain}");
    (shaped && is_address(&made)).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_an_address_is_taken_off() {
        for text in [
            "ann@x.org",
            "ann@x.org;",
            "SMTP:ann@x.org",
            "mailto:ann@x.org?subject=hi",
            "[mailto:ann@x.org]",
            "'ann@x.org'",
            "\"ann@x.org\"",
            "ann@\u{a0}x.org",
            "\u{200b}ann@x.org\u{feff}",
            "ann@x.org.",
            "<ann@x.org",
            "\u{201c}ann@x.org\u{201d}",
            "ann@x.org?subject=hi",
            "SMTP=ann@x.org",
            "&lt;ann@x.org&gt",
            "[ann@x.org",
        ] {
            assert_eq!(address(text), "ann@x.org", "{text:?}");
        }
        for text in
            ["\"john doe\"@x.org", "joe@[192.0.2.1]", "o'brien@x.org", "root", "a=b/c@x.org", "{x}@y.org"]
        {
            assert_eq!(address(text), text);
        }
    }

    #[test]
    fn addresses_are_found_in_any_text() {
        assert_eq!(found("Ann <ann@x.org>, and bob@y.org; x"), ["ann@x.org", "bob@y.org"]);
        assert_eq!(found("a@b at noon @home x@"), ["a@b"]);
        assert_eq!(found("ann@x.org/bob@y.org|c/d@z.org"), ["ann@x.org", "bob@y.org", "d@z.org"]);
        assert_eq!(found("no address"), [""; 0]);
    }

    #[test]
    fn an_address_written_at_needs_a_host_and_nothing_else() {
        assert_eq!(written_at(b"ann at x.org").as_deref(), Some("ann@x.org"));
        assert_eq!(written_at(b"ann AT x DOT co DOT uk").as_deref(), Some("ann@x.co.uk"));
        assert_eq!(written_at(b"ann [at] x [dot] org").as_deref(), Some("ann@x.org"));
        for text in [
            "Alice at Work",
            "Sales at",
            "meet me at x.org",
            "ann at x.org today",
            "ann@y at x.org",
            "at x.org",
        ] {
            assert_eq!(written_at(text.as_bytes()), None, "{text}");
        }
    }
}
