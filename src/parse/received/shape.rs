//! The build of a field, one letter a clause, and the patterns that it may fit.

/// Letters of more clauses than any known field has are cut off.
const MAX: usize = 40;

/// The build of a field; the letters are told in [`super::family`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    letters: [u8; MAX],
    len: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { letters: [0; MAX], len: 0 }
    }
}

impl Shape {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.letters.get(..self.len).unwrap_or_default()
    }

    /// Adds a letter; a run of `x` is one.
    pub(super) fn push(&mut self, letter: u8) {
        if letter == b'x' && self.as_bytes().last() == Some(&b'x') {
            return;
        }
        if let Some(slot) = self.letters.get_mut(self.len) {
            *slot = letter;
            self.len = self.len.saturating_add(1);
        }
    }
}

/// Whether all of a shape fits a pattern: `?` after a letter makes it optional, `*` repeats it.
pub(super) fn fits(shape: &[u8], pattern: &[u8]) -> bool {
    let mut rest = shape;
    let mut pattern = pattern;
    while let [letter, tail @ ..] = pattern {
        let taken = rest.first() == Some(letter);
        pattern = match tail {
            [b'?', after @ ..] => after,
            [b'*', after @ ..] if !taken => after,
            [b'*', ..] => pattern,
            _ if !taken => return false,
            _ => tail,
        };
        if taken && let Some((_, next)) = rest.split_first() {
            rest = next;
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_optional_and_repeated_letters() {
        let shape = |s: &str| {
            let mut shape = Shape::default();
            s.bytes().for_each(|b| shape.push(b));
            shape
        };
        for good in ["FpBWI;D", "FptBWI;D", "FptccBWIR;D"] {
            assert!(fits(shape(good).as_bytes(), b"Fpt?c*BWIR?;D"), "{good}");
        }
        for bad in ["", "FpBWI;", "FpBWI;DD", "FBWI;D", "FpttBWI;D"] {
            assert!(!fits(shape(bad).as_bytes(), b"Fpt?c*BWIR?;D"), "{bad}");
        }
    }
}
