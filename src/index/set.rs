//! Sets of items as the index holds them: one bit for each document.

/// A set of items and children of one opened index.
///
/// Only sets of the same [`super::IndexReader`] can be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    pub(super) parts: Vec<Bits>,
}

/// One bit for each document of a segment; bits past the last document are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    docs: u32,
}

impl Bits {
    pub(super) fn empty(docs: u32) -> Self {
        Self { words: vec![0; docs.div_ceil(64) as usize], docs }
    }

    #[inline]
    pub(super) fn insert(&mut self, doc: u32) {
        if let Some(word) = self.words.get_mut(doc as usize / 64) {
            *word |= 1 << (doc % 64);
        }
    }

    pub(super) fn contains(&self, doc: u32) -> bool {
        self.words.get(doc as usize / 64).is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }

    pub(super) fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        if !self.docs.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << (self.docs % 64)) - 1;
        }
    }

    pub(super) fn zip(&mut self, other: &Self, join: impl Fn(u64, u64) -> u64) {
        for (word, &other) in self.words.iter_mut().zip(&other.words) {
            *word = join(*word, other);
        }
    }

    /// The documents in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).step_by(64).zip(&self.words).flat_map(|(base, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(base + bit)
            })
        })
    }
}

impl Set {
    /// Keeps what is in both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b);
        self
    }

    /// Takes in what is in the other.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b);
        self
    }

    /// Keeps what is not in the other.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b);
        self
    }

    /// Everything that is not in it.
    #[must_use]
    pub fn complement(mut self) -> Self {
        self.parts.iter_mut().for_each(Bits::invert);
        self
    }

    /// Number of items and children in it.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(Bits::count).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(Bits::is_empty)
    }

    fn zip(&mut self, other: &Self, join: impl Fn(u64, u64) -> u64) {
        for (part, other) in self.parts.iter_mut().zip(&other.parts) {
            part.zip(other, &join);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(docs: &[u32]) -> Set {
        let mut bits = Bits::empty(70);
        for &doc in docs {
            bits.insert(doc);
        }
        Set { parts: vec![bits] }
    }

    #[test]
    fn sets_follow_the_algebra_and_never_reach_past_the_end() {
        let (a, b) = (set(&[0, 63, 64, 69]), set(&[1, 64]));
        assert_eq!(a.clone().and(&b), set(&[64]));
        assert_eq!(a.clone().or(&b), set(&[0, 1, 63, 64, 69]));
        assert_eq!(a.clone().without(&b), set(&[0, 63, 69]));
        assert_eq!(a.clone().complement().len(), 66);
        assert_eq!(a.clone().complement().complement(), a);
        assert_eq!(a.parts[0].iter().collect::<Vec<_>>(), [0, 63, 64, 69]);
        assert!(set(&[]).is_empty());
    }
}
