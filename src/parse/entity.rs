//! Character references of HTML: numbers, the names that mail uses, and all others by way of html5gum.

use super::bytes::{byte, from, part};

/// Up to two characters, without an allocation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chars {
    bytes: [u8; 8],
    len: usize,
}

impl Chars {
    fn of(c: char) -> Self {
        let mut bytes = [0; 8];
        let len = c.encode_utf8(&mut bytes).len();
        Self { bytes, len }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
    }
}

const COMMON: &[(&[u8], char)] = &[
    (b"nbsp", ' '),
    (b"amp", '&'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"copy", '\u{a9}'),
    (b"reg", '\u{ae}'),
    (b"trade", '\u{2122}'),
    (b"rsquo", '\u{2019}'),
    (b"lsquo", '\u{2018}'),
    (b"rdquo", '\u{201d}'),
    (b"ldquo", '\u{201c}'),
    (b"ndash", '\u{2013}'),
    (b"mdash", '\u{2014}'),
    (b"hellip", '\u{2026}'),
    (b"bull", '\u{2022}'),
    (b"middot", '\u{b7}'),
    (b"zwnj", '\u{200c}'),
    (b"zwj", '\u{200d}'),
    (b"shy", '\u{ad}'),
    (b"euro", '\u{20ac}'),
    (b"pound", '\u{a3}'),
    (b"raquo", '\u{bb}'),
    (b"laquo", '\u{ab}'),
    (b"auml", '\u{e4}'),
    (b"ouml", '\u{f6}'),
    (b"uuml", '\u{fc}'),
    (b"Auml", '\u{c4}'),
    (b"Ouml", '\u{d6}'),
    (b"Uuml", '\u{dc}'),
    (b"szlig", '\u{df}'),
    (b"eacute", '\u{e9}'),
    (b"egrave", '\u{e8}'),
    (b"agrave", '\u{e0}'),
    (b"aacute", '\u{e1}'),
    (b"ccedil", '\u{e7}'),
    (b"ntilde", '\u{f1}'),
    (b"oacute", '\u{f3}'),
    (b"iacute", '\u{ed}'),
    (b"uacute", '\u{fa}'),
    (b"deg", '\u{b0}'),
    (b"sect", '\u{a7}'),
    (b"times", '\u{d7}'),
    (b"rarr", '\u{2192}'),
    (b"zwsp", '\u{200b}'),
];

/// Names that need no semicolon, for the sake of old pages.
const OLD: &[&[u8]] = &[
    b"AElig", b"AMP", b"Aacute", b"Acirc", b"Agrave", b"Aring", b"Atilde", b"Auml", b"COPY", b"Ccedil",
    b"ETH", b"Eacute", b"Ecirc", b"Egrave", b"Euml", b"GT", b"Iacute", b"Icirc", b"Igrave", b"Iuml", b"LT",
    b"Ntilde", b"Oacute", b"Ocirc", b"Ograve", b"Oslash", b"Otilde", b"Ouml", b"QUOT", b"REG", b"THORN",
    b"Uacute", b"Ucirc", b"Ugrave", b"Uuml", b"Yacute", b"aacute", b"acirc", b"acute", b"aelig", b"agrave",
    b"amp", b"aring", b"atilde", b"auml", b"brvbar", b"ccedil", b"cedil", b"cent", b"copy", b"curren",
    b"deg", b"divide", b"eacute", b"ecirc", b"egrave", b"eth", b"euml", b"frac12", b"frac14", b"frac34",
    b"gt", b"iacute", b"icirc", b"iexcl", b"igrave", b"iquest", b"iuml", b"laquo", b"lt", b"macr", b"micro",
    b"middot", b"nbsp", b"not", b"ntilde", b"oacute", b"ocirc", b"ograve", b"ordf", b"ordm", b"oslash",
    b"otilde", b"ouml", b"para", b"plusmn", b"pound", b"quot", b"raquo", b"reg", b"sect", b"shy", b"sup1",
    b"sup2", b"sup3", b"szlig", b"thorn", b"times", b"uacute", b"ucirc", b"ugrave", b"uml", b"uuml",
    b"yacute", b"yen", b"yuml",
];

/// Reads the reference at the start of `text`, which starts with `&`: how many bytes it takes, 0 when it is none,
/// and what it stands for. A no-break space counts as a blank. In an attribute, a name without its semicolon before
/// a letter, digit or `=` is none, so that links come out whole.
pub(crate) fn read(text: &[u8], in_attribute: bool) -> (usize, Chars) {
    let none = (0, Chars::default());
    if byte(text, 1) == b'#' {
        let hex = matches!(byte(text, 2), b'x' | b'X');
        let start = if hex { 3 } else { 2 };
        let radix = if hex { 16 } else { 10 };
        let digits = from(text, start);
        let len = digits.iter().take(12).take_while(|b| char::from(**b).is_digit(radix)).count();
        let number = std::str::from_utf8(part(digits, 0..len)).ok();
        let Some(number) = number.and_then(|n| u32::from_str_radix(n, radix).ok()) else { return none };
        let end = start.saturating_add(len);
        let taken = if byte(text, end) == b';' { end.saturating_add(1) } else { end };
        return (taken, Chars::of(numbered(number)));
    }
    let len = from(text, 1).iter().take(32).take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = part(text, 1..len.saturating_add(1));
    if name.is_empty() {
        return none;
    }
    let semicolon = byte(text, len.saturating_add(1)) == b';';
    if semicolon && let Some((_, c)) = COMMON.iter().find(|(n, _)| *n == name) {
        return (len.saturating_add(2), Chars::of(*c));
    }
    if !semicolon {
        let old = OLD.iter().any(|old| name.starts_with(old));
        let shut = in_attribute && (byte(text, len.saturating_add(1)) == b'=' || !OLD.contains(&name));
        if !old || shut {
            return none;
        }
    }
    let whole = part(text, 0..len.saturating_add(if semicolon { 2 } else { 1 }));
    by_html5gum(whole).unwrap_or(none)
}

/// The character of a number: what the HTML standard says of numbers that are none.
fn numbered(number: u32) -> char {
    match number {
        0xa0 => ' ',
        0x80..=0x9f => {
            let mut out = String::new();
            let low = u8::try_from(number).unwrap_or(b'?');
            super::charset::best(&[low], &mut out);
            out.chars().next().unwrap_or('\u{fffd}')
        }
        0 => '\u{fffd}',
        _ => char::from_u32(number).unwrap_or('\u{fffd}'),
    }
}

/// The 2,231 names of the HTML standard, and the old ones that need no semicolon.
fn by_html5gum(whole: &[u8]) -> Option<(usize, Chars)> {
    let mut text = Vec::new();
    for token in html5gum::Tokenizer::new(whole).flatten() {
        if let html5gum::Token::String(s) = token {
            text.extend_from_slice(&s);
        }
    }
    if text.as_slice() == whole || text.is_empty() {
        return None;
    }
    // An old name may stand before other letters: what was not read stays behind.
    let tail = text.iter().rev().zip(whole.iter().rev()).take_while(|(a, b)| a == b && **b != b';').count();
    let text = part(&text, 0..text.len().saturating_sub(tail));
    let taken = whole.len().saturating_sub(tail);
    let mut chars = Chars::default();
    let bytes = chars.bytes.get_mut(..text.len())?;
    bytes.copy_from_slice(text);
    chars.len = text.len();
    if chars.as_str() == "\u{a0}" {
        chars = Chars::of(' ');
    }
    Some((taken, chars))
}

/// Appends an attribute's value with its references read; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn push_all(value: &[u8], out: &mut String) {
    let mut rest = value;
    while let Some(n) = memchr::memchr(b'&', rest) {
        out.push_str(&String::from_utf8_lossy(part(rest, 0..n)));
        rest = from(rest, n);
        let (taken, text) = read(rest, true);
        if taken == 0 {
            out.push('&');
        } else {
            out.push_str(text.as_str());
        }
        rest = from(rest, taken.max(1));
    }
    out.push_str(&String::from_utf8_lossy(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_the_html_standard_says() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            push_all(text.as_bytes(), &mut out);
            assert_eq!(out, expected);
        };
        check("&auml;&#228;&#xE4;", "\u{e4}\u{e4}\u{e4}");
        check("&hearts;&Scaron;&fjlig;", "\u{2665}\u{160}fj");
        check("&#150;&#0;&#x110000;", "\u{2013}\u{fffd}\u{fffd}");
        check("&amp &ampx a&b ?a=1&copy=2", "& &ampx a&b ?a=1&copy=2");
        assert_eq!(read(b"&ampx", false).0, 4);
        check("&", "&");
    }
}
