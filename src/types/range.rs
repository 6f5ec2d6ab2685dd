//! Stretches of bytes.

/// A stretch of bytes, counted from the first byte of the thing it lies in; `end` is just past the last.
///
/// Invariant: `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// Returns `None` when `start` lies past `end`.
    pub fn new(start: u64, end: u64) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The range between two positions in memory; an `end` before `start` gives an empty range at `start`.
    pub fn of_usize(start: usize, end: usize) -> Self {
        let (start, end) = (start as u64, end as u64);
        Self { start, end: end.max(start) }
    }

    /// First byte.
    pub fn start(self) -> u64 {
        self.start
    }

    /// Just past the last byte.
    pub fn end(self) -> u64 {
        self.end
    }

    /// Number of bytes.
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether there is no byte in it.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The same stretch counted from `by` bytes earlier; saturates at the end of `u64`.
    #[must_use]
    pub fn shifted(self, by: u64) -> Self {
        Self { start: self.start.saturating_add(by), end: self.end.saturating_add(by) }
    }

    /// Returns the bytes this range names, or `None` when `whole` is too short to hold it.
    pub fn of(self, whole: &[u8]) -> Option<&[u8]> {
        whole.get(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_ends_before_it_starts() {
        assert_eq!(ByteRange::new(2, 1), None);
        assert_eq!(ByteRange::new(1, 3).and_then(|r| r.of(b"abcd")), Some(&b"bc"[..]));
        assert_eq!(ByteRange::new(1, 9).and_then(|r| r.of(b"abcd")), None);
    }
}
