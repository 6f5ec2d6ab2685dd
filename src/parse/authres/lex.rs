//! The words, quoted strings and comments of an authentication field, with their places.

use crate::parse::bytes::{byte, from, part};
use crate::types::ByteRange;

/// A word of a field: its bytes without quotes, escapes and folds, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: Vec<u8>,
    /// Where it stands in the message, quotes included.
    pub at: ByteRange,
}

impl Word {
    /// The text, with U+FFFD for bytes that are not UTF-8.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// Whether the word is `other`, ASCII case aside.
    pub fn is(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other.as_bytes())
    }
}

/// Reads a value from its front; every byte is passed once.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    base: u64,
    /// A quote or a comment that does not end was met.
    pub(super) broken: bool,
    /// The comments that were passed since they were last taken.
    pub(super) comments: Vec<Word>,
}

/// Most comments that are kept of one field.
const MAX_COMMENTS: usize = 256;

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8], base: u64) -> Self {
        Self { text, at: 0, base, broken: false, comments: Vec::new() }
    }

    pub(super) fn here(&self) -> usize {
        self.at
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn range(&self, start: usize, end: usize) -> ByteRange {
        ByteRange::of_usize(start, end).shifted(self.base)
    }

    pub(super) fn peek(&self) -> u8 {
        byte(self.text, self.at)
    }

    /// Passes the next byte.
    pub(super) fn bump(&mut self) {
        self.at = self.at.saturating_add(1).min(self.text.len());
    }

    /// Passes the next byte when it is `wanted`.
    pub(super) fn eat(&mut self, wanted: u8) -> bool {
        let is = !self.is_end() && self.peek() == wanted;
        if is {
            self.bump();
        }
        is
    }

    /// Passes blanks, folds and comments.
    pub(super) fn blanks(&mut self) {
        loop {
            while !self.is_end() && is_blank(self.peek()) {
                self.bump();
            }
            if self.is_end() || self.peek() != b'(' {
                return;
            }
            self.comment();
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let mut depth = 0_u32;
        let mut end = self.text.len();
        while !self.is_end() {
            match self.peek() {
                b'(' => depth = depth.saturating_add(1),
                b')' => depth = depth.saturating_sub(1),
                b'\\' => self.bump(),
                _ => {}
            }
            self.bump();
            if depth == 0 {
                end = self.at;
                break;
            }
        }
        self.broken |= depth > 0;
        if self.comments.len() < MAX_COMMENTS {
            let close = usize::from(depth == 0);
            let inner = part(self.text, start.saturating_add(1)..end.saturating_sub(close));
            self.comments.push(Word { text: plain(inner), at: self.range(start, end) });
        }
    }

    /// The next run of bytes up to a blank, `;`, `(` or one of `stops`; quoted strings in it are taken as a whole.
    pub(super) fn word(&mut self, stops: &[u8]) -> Word {
        let start = self.at;
        let mut text = Vec::new();
        while !self.is_end() {
            let b = self.peek();
            if is_blank(b) || matches!(b, b';' | b'(') || stops.contains(&b) {
                break;
            }
            if b == b'"' {
                self.quoted(&mut text);
            } else {
                text.push(b);
                self.bump();
            }
        }
        Word { text, at: self.range(start, self.at) }
    }

    fn quoted(&mut self, out: &mut Vec<u8>) {
        let start = self.at;
        self.bump();
        let from_here = out.len();
        while !self.is_end() {
            match self.peek() {
                b'"' => {
                    self.bump();
                    return;
                }
                b'\\' => {
                    self.bump();
                    if !self.is_end() {
                        out.push(self.peek());
                        self.bump();
                    }
                }
                b'\r' | b'\n' => self.bump(),
                b => {
                    out.push(b);
                    self.bump();
                }
            }
        }
        // A quote that never ends is a byte like any other, so that the rest of the field is still read.
        if self.broken {
            return;
        }
        self.broken = true;
        out.truncate(from_here);
        out.push(b'"');
        self.at = start.saturating_add(1);
    }

    /// Passes everything up to the next `;` or the end.
    pub(super) fn skip_to_semicolon(&mut self) {
        while !self.is_end() && self.peek() != b';' {
            self.blanks();
            if !self.is_end() && self.peek() != b';' {
                let before = self.at;
                self.word(&[]);
                if self.at == before {
                    self.bump();
                }
            }
        }
    }

    /// Whether a name and `=` stand here; nothing is passed.
    pub(super) fn is_pair(&self) -> bool {
        let mut ahead = Scan::new(from(self.text, self.at), 0);
        ahead.broken = true;
        let name = ahead.name();
        !name.text.is_empty() && ahead.peek() == b'=' && !ahead.is_end()
    }

    /// The name before `=`, up to the `=`. Blanks and comments may stand around its `.` and `/`.
    pub(super) fn name(&mut self) -> Word {
        let mut name = self.word(b"=");
        for _ in 0..2 {
            self.blanks();
            if self.is_end() || !(matches!(self.peek(), b'.' | b'/') || name.text.ends_with(b".")) {
                break;
            }
            self.blanks();
            let more = self.word(b"=");
            name.text.extend_from_slice(&more.text);
            if more.text == b"." || more.text == b"/" {
                self.blanks();
                name.text.extend_from_slice(&self.word(b"=").text);
            }
            let end = self.range(self.at, self.at).end();
            name.at = ByteRange::new(name.at.start(), end).unwrap_or(name.at);
        }
        self.blanks();
        name
    }
}

/// The text of a comment: folds become one blank, escapes are undone.
fn plain(inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => out.extend(bytes.next()),
            b'\r' | b'\n' => {}
            b'\t' => out.push(b' '),
            b => out.push(b),
        }
    }
    out
}
