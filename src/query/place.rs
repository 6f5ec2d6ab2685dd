//! Where in the text of a question something stands.

/// A stretch of characters, counted from 0; `to` is just behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The first character.
    pub from: usize,
    /// Just behind the last.
    pub to: usize,
}

impl Place {
    pub(super) fn new(from: usize, to: usize) -> Self {
        Self { from, to }
    }

    /// From the beginning of one to the end of another.
    pub(super) fn until(self, last: Self) -> Self {
        Self { from: self.from, to: last.to.max(self.from) }
    }
}
