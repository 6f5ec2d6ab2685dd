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

/// Names that need no semicolon, for the sake of old pages, and the byte of ISO 8859-1 that each stands for; the
/// no-break space is a blank. Sorted.
const OLD: &[(&[u8], u8)] = &[
    (b"AElig", 0xc6),
    (b"AMP", 0x26),
    (b"Aacute", 0xc1),
    (b"Acirc", 0xc2),
    (b"Agrave", 0xc0),
    (b"Aring", 0xc5),
    (b"Atilde", 0xc3),
    (b"Auml", 0xc4),
    (b"COPY", 0xa9),
    (b"Ccedil", 0xc7),
    (b"ETH", 0xd0),
    (b"Eacute", 0xc9),
    (b"Ecirc", 0xca),
    (b"Egrave", 0xc8),
    (b"Euml", 0xcb),
    (b"GT", 0x3e),
    (b"Iacute", 0xcd),
    (b"Icirc", 0xce),
    (b"Igrave", 0xcc),
    (b"Iuml", 0xcf),
    (b"LT", 0x3c),
    (b"Ntilde", 0xd1),
    (b"Oacute", 0xd3),
    (b"Ocirc", 0xd4),
    (b"Ograve", 0xd2),
    (b"Oslash", 0xd8),
    (b"Otilde", 0xd5),
    (b"Ouml", 0xd6),
    (b"QUOT", 0x22),
    (b"REG", 0xae),
    (b"THORN", 0xde),
    (b"Uacute", 0xda),
    (b"Ucirc", 0xdb),
    (b"Ugrave", 0xd9),
    (b"Uuml", 0xdc),
    (b"Yacute", 0xdd),
    (b"aacute", 0xe1),
    (b"acirc", 0xe2),
    (b"acute", 0xb4),
    (b"aelig", 0xe6),
    (b"agrave", 0xe0),
    (b"amp", 0x26),
    (b"aring", 0xe5),
    (b"atilde", 0xe3),
    (b"auml", 0xe4),
    (b"brvbar", 0xa6),
    (b"ccedil", 0xe7),
    (b"cedil", 0xb8),
    (b"cent", 0xa2),
    (b"copy", 0xa9),
    (b"curren", 0xa4),
    (b"deg", 0xb0),
    (b"divide", 0xf7),
    (b"eacute", 0xe9),
    (b"ecirc", 0xea),
    (b"egrave", 0xe8),
    (b"eth", 0xf0),
    (b"euml", 0xeb),
    (b"frac12", 0xbd),
    (b"frac14", 0xbc),
    (b"frac34", 0xbe),
    (b"gt", 0x3e),
    (b"iacute", 0xed),
    (b"icirc", 0xee),
    (b"iexcl", 0xa1),
    (b"igrave", 0xec),
    (b"iquest", 0xbf),
    (b"iuml", 0xef),
    (b"laquo", 0xab),
    (b"lt", 0x3c),
    (b"macr", 0xaf),
    (b"micro", 0xb5),
    (b"middot", 0xb7),
    (b"nbsp", 0x20),
    (b"not", 0xac),
    (b"ntilde", 0xf1),
    (b"oacute", 0xf3),
    (b"ocirc", 0xf4),
    (b"ograve", 0xf2),
    (b"ordf", 0xaa),
    (b"ordm", 0xba),
    (b"oslash", 0xf8),
    (b"otilde", 0xf5),
    (b"ouml", 0xf6),
    (b"para", 0xb6),
    (b"plusmn", 0xb1),
    (b"pound", 0xa3),
    (b"quot", 0x22),
    (b"raquo", 0xbb),
    (b"reg", 0xae),
    (b"sect", 0xa7),
    (b"shy", 0xad),
    (b"sup1", 0xb9),
    (b"sup2", 0xb2),
    (b"sup3", 0xb3),
    (b"szlig", 0xdf),
    (b"thorn", 0xfe),
    (b"times", 0xd7),
    (b"uacute", 0xfa),
    (b"ucirc", 0xfb),
    (b"ugrave", 0xf9),
    (b"uml", 0xa8),
    (b"uuml", 0xfc),
    (b"yacute", 0xfd),
    (b"yen", 0xa5),
    (b"yuml", 0xff),
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
        // The longest old name counts; what follows it stays behind.
        let Some((old, c)) = old(name) else { return none };
        let shut = in_attribute && (byte(text, len.saturating_add(1)) == b'=' || old != len);
        return if shut { none } else { (old.saturating_add(1), Chars::of(char::from(c))) };
    }
    by_html5gum(part(text, 0..len.saturating_add(2))).unwrap_or(none)
}

/// The longest old name that `name` starts with: its length, and its character.
fn old(name: &[u8]) -> Option<(usize, u8)> {
    (2..=name.len().min(6)).rev().find_map(|len| {
        let at = OLD.binary_search_by(|(old, _)| (*old).cmp(part(name, 0..len))).ok()?;
        Some((len, OLD.get(at)?.1))
    })
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
        assert_eq!(read(b"&frac12x", false).0, 7);
        assert_eq!(read(b"&notit", false).0, 4);
        assert!(OLD.is_sorted() && OLD.iter().all(|(name, _)| (2..=6).contains(&name.len())));
        check("&", "&");
    }

    #[test]
    fn many_references_take_linear_time() {
        for text in ["&amp", "&amp;", "&x;", "&hearts;", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "&#x41", "&"] {
            let time = |size: usize| {
                let long = text.repeat(size / text.len());
                let began = std::time::Instant::now();
                let mut page = crate::parse::html::Page::default();
                crate::parse::html::read(&long, &mut page);
                began.elapsed()
            };
            let (short, long) = (time(1 << 15), time(1 << 16));
            assert!(long < short * 8 + std::time::Duration::from_millis(500), "{text}: {short:?}, {long:?}");
        }
    }
}
