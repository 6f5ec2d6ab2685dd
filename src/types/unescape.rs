//! From the slice a container holds to the message: undoing the container's `From ` quoting.

use std::borrow::Cow;

/// How the message is made from the slice that the container holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The slice is the message.
    #[default]
    None,
    /// One `>` is taken from every line that matches `^>+From ` (mboxrd; for a slice without `>>From ` the same as mboxo).
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

#[cfg(test)]
mod tests {
    use super::*;

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
