//! The words, numbers and marks of a date.

/// One token; comments are kept beside the token before them.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The first comment between this token and the next, with its parentheses.
    pub(super) comment: Option<(usize, usize)>,
}

impl Token {
    const END: Self = Self { kind: Kind::End, from: 0, to: 0, comment: None };

    /// How many digits a number has; 255 for more.
    pub(super) fn digits(self) -> u8 {
        u8::try_from(self.to.saturating_sub(self.from)).unwrap_or(u8::MAX)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing follows.
    End,
    /// Letters, and bytes over 127.
    Word,
    /// Digits; the value saturates.
    Number(u32),
    /// Any other byte.
    Mark(u8),
}

/// The longest known form (Go's time with its monotonic clock) has 24 tokens.
const MAX_TOKENS: usize = 40;

/// Each comment that is not closed costs one look at the rest of the text; after these, parentheses are skipped one by
/// one.
const MAX_UNCLOSED: u8 = 4;

pub(super) struct Tokens {
    list: [Token; MAX_TOKENS],
    len: usize,
}

impl Tokens {
    /// The token, or `Kind::End` at position 0 past the last.
    pub(super) fn at(&self, index: usize) -> Token {
        self.list.get(index).copied().unwrap_or(Token::END)
    }

    /// Whether there is nothing between two neighbours.
    pub(super) fn touch(&self, index: usize) -> bool {
        let (a, b) = (self.at(index), self.at(index.saturating_add(1)));
        b.kind != Kind::End && a.to == b.from
    }

    fn push(&mut self, token: Token) -> bool {
        match self.list.get_mut(self.len) {
            Some(slot) => {
                *slot = token;
                self.len = self.len.saturating_add(1);
                true
            }
            None => false,
        }
    }
}

pub(super) fn tokens(text: &[u8]) -> Tokens {
    let mut out = Tokens { list: [Token::END; MAX_TOKENS], len: 0 };
    let mut at: usize = 0;
    let mut open: u8 = 0;
    while let Some(&byte) = text.get(at) {
        let from = at;
        at = at.saturating_add(1);
        let kind = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'(' => {
                let end = if open < MAX_UNCLOSED { comment_end(text, from) } else { None };
                let Some(end) = end else {
                    // Not closed: what follows is still text.
                    open = open.saturating_add(1);
                    continue;
                };
                if let Some(last) = out.len.checked_sub(1).and_then(|i| out.list.get_mut(i)) {
                    last.comment.get_or_insert((from, end));
                }
                at = end;
                continue;
            }
            b'0'..=b'9' => {
                let mut value = u32::from(byte.wrapping_sub(b'0'));
                while let Some(digit @ b'0'..=b'9') = text.get(at) {
                    value = value.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')));
                    at = at.saturating_add(1);
                }
                Kind::Number(value)
            }
            b if b.is_ascii_alphabetic() || b > 127 => {
                while text.get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b > 127) {
                    at = at.saturating_add(1);
                }
                Kind::Word
            }
            b'"' if out.len == 0 => continue,
            mark => Kind::Mark(mark),
        };
        if !out.push(Token { kind, from, to: at, comment: None }) {
            break;
        }
    }
    out
}

/// Just past the comment that begins at `from`; `None` when it is not closed. Comments nest (RFC 5322 section 3.2.2).
pub(super) fn comment_end(text: &[u8], from: usize) -> Option<usize> {
    let mut depth: u32 = 0;
    let mut at = from;
    loop {
        match text.get(at)? {
            b'\\' => at = at.saturating_add(1),
            b'(' => depth = depth.saturating_add(1),
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at.saturating_add(1));
                }
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
}

/// 1..=12, and whether the name is not the three-letter one.
pub(super) fn month(word: &[u8]) -> Option<(u32, bool)> {
    const NAMES: [&[u8]; 12] = [
        b"january",
        b"february",
        b"march",
        b"april",
        b"may",
        b"june",
        b"july",
        b"august",
        b"september",
        b"october",
        b"november",
        b"december",
    ];
    if word.eq_ignore_ascii_case(b"sept") {
        return Some((9, true));
    }
    named(&NAMES, word).map(|(n, full)| (n.saturating_add(1), full && n != 4))
}

/// 0 = Sunday, and whether the name is not the three-letter one.
pub(super) fn weekday_name(word: &[u8]) -> Option<(u32, bool)> {
    const NAMES: [&[u8]; 7] =
        [b"sunday", b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday"];
    match word.to_ascii_lowercase().as_slice() {
        b"tues" => Some((2, true)),
        b"wednes" => Some((3, true)),
        b"thur" | b"thurs" => Some((4, true)),
        _ => named(&NAMES, word),
    }
}

fn named(names: &[&[u8]], word: &[u8]) -> Option<(u32, bool)> {
    if word.len() < 3 {
        return None;
    }
    let is = |name: &&[u8]| {
        (word.len() == 3 || word.len() == name.len())
            && name.get(..word.len()).is_some_and(|n| n.eq_ignore_ascii_case(word))
    };
    let index = names.iter().position(is)?;
    Some((u32::try_from(index).ok()?, word.len() != 3))
}

/// The first three digits after the point as milliseconds; more are cut off.
pub(super) fn milliseconds(digits: &[u8]) -> u32 {
    let digit = |i: usize| u32::from(digits.get(i).map_or(0, |d| d.wrapping_sub(b'0')));
    digit(0).saturating_mul(100).saturating_add(digit(1).saturating_mul(10)).saturating_add(digit(2))
}
