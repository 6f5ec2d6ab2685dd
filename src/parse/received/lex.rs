//! The words, literals and comments of a `Received` field.

/// Bytes of the field, half-open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Span {
    pub(super) fn new(from: usize, to: usize) -> Self {
        Self { from, to: to.max(from) }
    }

    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.from..self.to).unwrap_or_default()
    }

    pub(super) fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// The same without its first and last `n` bytes.
    pub(super) fn inner(self, n: usize) -> Self {
        Self::new(self.from.saturating_add(n), self.to.saturating_sub(n))
    }

    /// The same without blanks at its ends.
    pub(super) fn trimmed(self, text: &[u8]) -> Self {
        let bytes = self.of(text);
        let front = bytes.len().saturating_sub(bytes.trim_ascii_start().len());
        let back = bytes.len().saturating_sub(bytes.trim_ascii_end().len());
        Self::new(self.from.saturating_add(front), self.to.saturating_sub(back))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes without blanks.
    #[default]
    Word,
    /// `<..>`
    Angle,
    /// `[..]`
    Literal,
    /// `".."`
    Quoted,
    /// `(..)`
    Comment,
    /// `;`
    Semicolon,
}

/// A token, kept small because a field has many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Token {
    pub(super) kind: Kind,
    from: u32,
    to: u32,
}

impl Token {
    pub(super) fn at(self) -> Span {
        Span { from: self.from as usize, to: self.to as usize }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether a byte ends a word: blanks, `;`, `(` and `)`. As bits, because this is asked of every byte.
fn ends_word(byte: u8) -> bool {
    const MASK: u64 = 1 << b' ' | 1 << b'\t' | 1 << b'\r' | 1 << b'\n' | 1 << b';' | 1 << b'(' | 1 << b')';
    byte < 64 && MASK & 1_u64.wrapping_shl(u32::from(byte)) != 0
}

/// More tokens than any honest field has; the rest is kept but not read.
const MAX_TOKENS: usize = 96;
/// Comments nest at most this deep in what is read without a remark.
const MAX_DEPTH: u32 = 16;
/// Each comment that is not closed costs one look at the rest of the field.
const MAX_UNCLOSED: u32 = 4;

pub(super) struct Tokens {
    list: [Token; MAX_TOKENS],
    len: usize,
    /// Where the last semicolons outside of comments stand, newest last.
    pub(super) semicolons: [Option<usize>; 4],
    /// Where a comment was not closed, or closed twice.
    pub(super) unbalanced: Option<usize>,
    /// Whether there were more tokens or deeper comments than the limit.
    pub(super) over: bool,
}

impl Tokens {
    pub(super) fn as_slice(&self) -> &[Token] {
        self.list.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, from: usize, to: usize) {
        if let Some(slot) = self.list.get_mut(self.len) {
            let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            *slot = Token { kind, from: short(from), to: short(to) };
            self.len = self.len.saturating_add(1);
        } else {
            self.over = true;
        }
    }
}

pub(super) fn tokens(text: &[u8]) -> Tokens {
    let mut out = Tokens {
        list: [Token::default(); MAX_TOKENS],
        len: 0,
        semicolons: [None; 4],
        unbalanced: None,
        over: false,
    };
    let mut unclosed: u32 = 0;
    let mut at: usize = 0;
    loop {
        while text.get(at).is_some_and(|b| is_blank(*b)) {
            at = at.saturating_add(1);
        }
        let Some(&byte) = text.get(at) else { break };
        let from = at;
        // Most tokens are words; asking for them first spares the processor a jump it cannot foresee.
        if byte.is_ascii_alphanumeric() {
            at = word_end(text, from);
            out.push(Kind::Word, from, at);
            continue;
        }
        match byte {
            b';' => {
                at = at.saturating_add(1);
                out.semicolons.rotate_left(1);
                out.semicolons[3] = Some(from);
                out.push(Kind::Semicolon, from, at);
            }
            b'(' => {
                let (end, deep) = comment_end(text, from);
                out.over |= deep;
                at = match end {
                    Some(end) => end,
                    None if unclosed < MAX_UNCLOSED => {
                        unclosed = unclosed.saturating_add(1);
                        out.unbalanced.get_or_insert(from);
                        repaired_end(text, from)
                    }
                    None => text.len(),
                };
                out.push(Kind::Comment, from, at);
            }
            b')' => {
                at = at.saturating_add(1);
                out.unbalanced.get_or_insert(from);
            }
            b'<' | b'[' | b'"' => {
                let (kind, close) = match byte {
                    b'<' => (Kind::Angle, b'>'),
                    b'[' => (Kind::Literal, b']'),
                    _ => (Kind::Quoted, b'"'),
                };
                if let Some(end) = closing(text, from, close) {
                    at = end;
                    out.push(kind, from, at);
                } else {
                    at = word_end(text, from.saturating_add(1));
                    out.push(Kind::Word, from, at);
                }
            }
            _ => {
                at = word_end(text, from);
                out.push(Kind::Word, from, at);
            }
        }
    }
    out
}

fn word_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let len = rest.iter().position(|b| ends_word(*b));
    from.saturating_add(len.unwrap_or(rest.len()))
}

/// Just past the bracket that closes the one at `from`, when it stands near. An address ends at a blank unless it is
/// quoted.
fn closing(text: &[u8], from: usize, close: u8) -> Option<usize> {
    let mut at = from.saturating_add(1);
    let mut quoted = false;
    let most = match close {
        b'>' => 998,
        b']' => 128,
        _ => 256,
    };
    while at.saturating_sub(from) <= most {
        match *text.get(at)? {
            b'\\' if close != b']' => at = at.saturating_add(1),
            b'"' if close == b'>' => quoted = !quoted,
            b if b == close && !quoted => return Some(at.saturating_add(1)),
            b' ' | b'\t' | b'\n' if close == b'>' && !quoted => return None,
            b'(' | b')' | b';' if close == b']' => return None,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    None
}

/// Just past the comment at `from`, `None` when it is not closed; and whether it is nested too deeply.
fn comment_end(text: &[u8], from: usize) -> (Option<usize>, bool) {
    let mut depth: u32 = 0;
    let mut deep = false;
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr3(b'(', b')', b'\\', rest)) {
        at = at.saturating_add(found).saturating_add(1);
        match text.get(at.saturating_sub(1)) {
            Some(b'(') => {
                depth = depth.saturating_add(1);
                deep |= depth > MAX_DEPTH;
            }
            Some(b')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return (Some(at), deep);
                }
            }
            _ => at = at.saturating_add(1),
        }
    }
    (None, deep)
}

/// Where a comment that is never closed was meant to end: before ` by `, else before the last semicolon, else at the
/// end.
fn repaired_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let by = rest.windows(4).position(|w| {
        w.first().is_some_and(u8::is_ascii_whitespace)
            && w.get(1..3).is_some_and(|b| b.eq_ignore_ascii_case(b"by"))
            && w.last().is_some_and(u8::is_ascii_whitespace)
    });
    let end = by.or_else(|| memchr::memrchr(b';', rest)).unwrap_or(rest.len());
    from.saturating_add(end.max(1))
}
