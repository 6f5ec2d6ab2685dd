//! From the slice a container holds to the message: undoing the container's `From ` quoting.

use std::borrow::Cow;

/// How the message is made from the slice that the container holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The slice is the message.
    #[default]
    None,
    /// One `>` is taken from every line that matches `^>+From ` (mboxrd; for a slice without `>>From ` the same as
    /// mboxo).
    MboxRd,
}

impl Rule {
    /// The word the ledger and the manifest hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::MboxRd => "mboxrd",
        }
    }

    /// The rule of that word.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "none" => Some(Self::None),
            "mboxrd" => Some(Self::MboxRd),
            _ => None,
        }
    }

    /// The message that `slice` stands for.
    pub fn apply(self, slice: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::None => Cow::Borrowed(slice),
            Self::MboxRd => {
                let mut out = Vec::new();
                let mut from = 0;
                for at in quoted_lines(slice) {
                    out.extend_from_slice(&slice[from..at]);
                    from = at + 1;
                }
                if from == 0 {
                    return Cow::Borrowed(slice);
                }
                out.extend_from_slice(&slice[from..]);
                Cow::Owned(out)
            }
        }
    }
}

/// Offsets of the first byte of every line that matches `^>+From `, in order.
pub fn quoted_lines(slice: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let finder = memchr::memmem::Finder::new(b">From ");
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let hit = at + finder.find(slice.get(at..)?)?;
            at = hit + 1;
            let before = &slice[..hit];
            let quotes = before.iter().rev().take_while(|&&b| b == b'>').count();
            let start = hit - quotes;
            if start == 0 || slice[start - 1] == b'\n' {
                return Some(start);
            }
        }
    })
}

/// [`Rule::apply`] over a slice that comes piece by piece; nothing but a count is kept between the pieces.
#[derive(Debug)]
pub struct UnescapeStream {
    rule: Rule,
    // Quote marks seen since the start of the line; `None` inside a line.
    quotes: Option<u64>,
    // Bytes of `From ` seen after them.
    matched: usize,
    /// Number of lines that were changed.
    pub lines: u64,
}

const FROM: &[u8] = b"From ";

impl UnescapeStream {
    /// At the start of a slice.
    pub fn new(rule: Rule) -> Self {
        Self { rule, quotes: Some(0), matched: 0, lines: 0 }
    }

    /// Takes the next bytes of the slice, and gives the message's to `sink`.
    pub fn update(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
        if self.rule == Rule::None {
            sink(bytes);
            return;
        }
        while let Some(&byte) = bytes.first() {
            let Some(quotes) = self.quotes else {
                let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
                let (line, rest) = bytes.split_at(end);
                sink(line);
                bytes = rest;
                if line.last() == Some(&b'\n') {
                    self.quotes = Some(0);
                }
                continue;
            };
            if byte == b'>' && self.matched == 0 {
                self.quotes = Some(quotes + 1);
                bytes = bytes.get(1..).unwrap_or_default();
            } else if quotes > 0 && FROM.get(self.matched) == Some(&byte) {
                self.matched += 1;
                bytes = bytes.get(1..).unwrap_or_default();
                if self.matched == FROM.len() {
                    self.lines += 1;
                    self.release(quotes - 1, sink);
                }
            } else {
                self.release(quotes, sink);
            }
        }
    }

    /// Gives what was held back at the end of the slice.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) {
        if let Some(quotes) = self.quotes {
            self.release(quotes, sink);
        }
        self.quotes = Some(0);
    }

    fn release(&mut self, mut quotes: u64, sink: &mut dyn FnMut(&[u8])) {
        const MARKS: [u8; 64] = [b'>'; 64];
        while quotes > 0 {
            let n = usize::try_from(quotes.min(64)).unwrap_or_default();
            sink(MARKS.get(..n).unwrap_or_default());
            quotes -= n as u64;
        }
        sink(FROM.get(..self.matched).unwrap_or_default());
        self.matched = 0;
        self.quotes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_slice_in_pieces_is_unescaped_as_a_whole(words in proptest::collection::vec(0usize..8, 0..40), size in 1usize..9) {
            let words: Vec<&[u8]> = words.iter().map(|&n| [b">".as_slice(), b">>", b"From ", b"From", b"\n", b"\r\n", b"x", b"Fr"][n]).collect();
            let slice = words.concat();
            let mut stream = UnescapeStream::new(Rule::MboxRd);
            let mut out = Vec::new();
            for piece in slice.chunks(size) {
                stream.update(piece, &mut |bytes| out.extend_from_slice(bytes));
            }
            stream.finish(&mut |bytes| out.extend_from_slice(bytes));
            assert_eq!(out, &*Rule::MboxRd.apply(&slice));
            assert_eq!(stream.lines, quoted_lines(&slice).count() as u64);
        }
    }

    #[test]
    fn one_quote_is_taken_from_each_quoted_from_line() {
        let slice = b">From a\n>>From b\nx >From c\nFrom d\n>>>From e";
        assert_eq!(&*Rule::MboxRd.apply(slice), b"From a\n>From b\nx >From c\nFrom d\n>>From e");
        assert_eq!(quoted_lines(slice).count(), 3);
        assert!(matches!(Rule::MboxRd.apply(b"plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn many_quote_marks_take_linear_time() {
        let slice = [b">".repeat(200_000), b"From x\n".to_vec()].concat();
        assert_eq!(quoted_lines(&slice).count(), 1);
        let many = b">>>>From x\n".repeat(10_000);
        assert_eq!(quoted_lines(&many).count(), 10_000);
    }
}
