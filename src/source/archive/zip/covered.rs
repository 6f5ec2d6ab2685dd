//! Which stretches of an archive are spoken for.

/// Most stretches kept apart; entries stand one after the other in all but made archives, and melt into one.
const MOST: usize = 1 << 18;

/// Stretches of bytes with an owner.
#[derive(Default)]
pub(super) struct Covered {
    stretches: Vec<(u64, u64)>,
    sorted: usize,
    /// Whether there were too many to tell the rest.
    pub is_full: bool,
}

impl Covered {
    /// The bytes `start..end` have an owner.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if end <= start || self.is_full {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.0 <= start && start <= last.1 => last.1 = last.1.max(end),
            _ => self.stretches.push((start, end)),
        }
        if self.stretches.len() >= MOST.max(self.sorted.saturating_mul(2)) {
            self.melt();
            self.sorted = self.stretches.len();
            self.is_full = self.stretches.len() >= MOST;
        }
    }

    fn melt(&mut self) {
        self.stretches.sort_unstable();
        let mut out: Vec<(u64, u64)> = Vec::new();
        for &(start, end) in &self.stretches {
            match out.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => out.push((start, end)),
            }
        }
        self.stretches = out;
    }

    /// The stretches of `0..len` without an owner, in order.
    pub(super) fn gaps(mut self, len: u64) -> Vec<(u64, u64)> {
        self.melt();
        let mut at = 0;
        let mut out = Vec::new();
        for &(start, end) in self.stretches.iter().chain([&(len, len)]) {
            if start > at {
                out.push((at, start.min(len)));
            }
            at = at.max(end);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Covered;

    #[test]
    fn what_is_left_are_the_bytes_that_nobody_named() {
        let mut covered = Covered::default();
        for (start, end) in [(90, 100), (0, 10), (10, 20), (15, 17), (30, 40), (25, 35), (60, 60)] {
            covered.add(start, end);
        }
        assert_eq!(covered.gaps(110), [(20, 25), (40, 90), (100, 110)]);
        assert_eq!(Covered::default().gaps(5), [(0, 5)]);
        assert_eq!(Covered::default().gaps(0), []);
    }
}
