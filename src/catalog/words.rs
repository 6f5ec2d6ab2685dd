//! The words of a block: what repeats from row to row is kept once and named by a number.

/// A sum over bytes that changes with each of them, for finding damage and for tables of words; no proof of anything.
///
/// Each step is undone by one other step, so two runs of bytes that differ within one stretch of eight never agree;
/// others agree once in 2^64.
pub(super) fn checksum(seed: u64, bytes: &[u8]) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = seed ^ (bytes.len() as u64).wrapping_mul(STEP);
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        sum = (sum ^ u64::from_le_bytes(*chunk)).wrapping_mul(STEP).rotate_left(29);
    }
    let mut last = [0; 8];
    for (to, &from) in last.iter_mut().zip(rest) {
        *to = from;
    }
    sum = (sum ^ u64::from_le_bytes(last)).wrapping_mul(STEP);
    sum ^ sum >> 32
}

/// Words by their numbers, from 1; 0 is the empty word.
#[derive(Debug, Default)]
pub(super) struct WordTable {
    bytes: Vec<u8>,
    /// Where each word ends.
    ends: Vec<u32>,
    /// Numbers by the sum of their words; 0 is free. A power of two.
    slots: Vec<u32>,
}

impl WordTable {
    /// The words, one after the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each word ends among them.
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Forgets all words.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.slots.fill(0);
    }

    /// The number of a word, which is new when it was not met before.
    pub(super) fn id(&mut self, word: &[u8]) -> u64 {
        if word.is_empty() {
            return 0;
        }
        if self.slots.len() < self.ends.len() * 2 + 16 {
            self.grow();
        }
        let mut slot = self.slot(word);
        let mask = self.slots.len() - 1;
        loop {
            match self.slots.get(slot).copied().unwrap_or_default() {
                0 => break,
                id if self.word(id) == word => return u64::from(id),
                _ => slot = (slot + 1) & mask,
            }
        }
        self.bytes.extend_from_slice(word);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        if let Some(free) = self.slots.get_mut(slot) {
            *free = id;
        }
        u64::from(id)
    }

    /// The first slot of a word; there are some.
    fn slot(&self, word: &[u8]) -> usize {
        let mask = self.slots.len() as u64 - 1;
        usize::try_from(checksum(0, word) & mask).unwrap_or_default()
    }

    fn word(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let start = at.checked_sub(2).and_then(|n| self.ends.get(n)).map_or(0, |&end| end as usize);
        let end = at.checked_sub(1).and_then(|n| self.ends.get(n)).map_or(0, |&end| end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1024);
        self.slots.clear();
        self.slots.resize(size, 0);
        for id in 1..=u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let mut slot = self.slot(self.word(id));
            while self.slots.get(slot).is_some_and(|&id| id != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(slot) {
                *free = id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_number_however_many_there_are() {
        let mut table = WordTable::default();
        for _ in 0..2 {
            for n in 0..5000u64 {
                assert_eq!(table.id(format!("word {n}").as_bytes()), n + 1);
            }
            assert_eq!(table.id(b""), 0);
        }
        assert_eq!(table.ends().len(), 5000);
        table.clear();
        assert_eq!((table.id(b"x"), table.bytes(), table.ends()), (1, &b"x"[..], &[1][..]));
    }

    #[test]
    fn each_changed_or_missing_byte_changes_the_sum() {
        let bytes: Vec<u8> = (0..100u8).collect();
        let sum = checksum(1, &bytes);
        assert_ne!(sum, checksum(2, &bytes));
        for n in 0..bytes.len() {
            assert_ne!(sum, checksum(1, &bytes[..n]));
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[n] ^= 1 << bit;
                assert_ne!(sum, checksum(1, &other));
            }
        }
        let zeros = [0; 32];
        assert_ne!(checksum(1, &zeros[..31]), checksum(1, &zeros));
    }
}
