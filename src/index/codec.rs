//! Ascending numbers in few bits: the places of a word, the documents of a term.
//!
//! Words come in bursts, so the steps from one place to the next are of two sorts: small ones inside a text and large
//! ones between texts. A step is written with one of three widths chosen for the list: `1` and the small width, `01`
//! and the middle one, `00` and the largest. Every [`BLOCK`] numbers a number stands whole in front of the list with
//! the bit where it goes on, so that a frequent word is entered anywhere without reading all of it.

#![expect(clippy::cast_possible_truncation, reason = "widths and parts of numbers that were masked")]

/// Numbers between two that stand whole.
const BLOCK: usize = 256;

/// Shorter lists are plain: seven bits a byte.
const SHORT: usize = 8;

/// Bytes of a long list before its blocks: three widths and the first number.
const HEAD: usize = 7;

fn width(value: u32) -> u8 {
    (32 - value.leading_zeros()) as u8
}

/// How many steps have each width.
struct Widths([u32; 33]);

impl Widths {
    fn new() -> Self {
        Self([0; 33])
    }

    fn count(&mut self, step: u32) {
        if let Some(count) = self.0.get_mut(usize::from(width(step))) {
            *count += 1;
        }
    }

    /// The small and the middle width with which the steps take the fewest bits, and the largest.
    fn best(&self) -> [u8; 3] {
        let of = &self.0;
        let most = of.iter().rposition(|&n| n > 0).unwrap_or(0);
        let mut up_to = [0u64; 34];
        for (n, &count) in of.iter().enumerate() {
            up_to[n + 1] = up_to[n] + u64::from(count);
        }
        let all = up_to[33];
        let mut best = (u64::MAX, [0, 0, most as u8]);
        for small in (0..=most).filter(|&n| of[n] > 0) {
            let first = up_to[small + 1];
            for middle in (small..=most).filter(|&n| of[n] > 0) {
                let second = up_to[middle + 1] - first;
                let third = all - first - second;
                let bits =
                    first * (1 + small as u64) + second * (2 + middle as u64) + third * (2 + most as u64);
                if bits < best.0 {
                    best = (bits, [small as u8, middle as u8, most as u8]);
                }
            }
        }
        best.1
    }
}

/// Appends a list of strictly ascending numbers. Its length has to be kept elsewhere.
pub(super) fn encode(places: &[u32], out: &mut Vec<u8>) {
    if places.len() < SHORT {
        let mut last = 0;
        for &place in places {
            let mut step = place - last;
            while step >= 0x80 {
                out.push((step & 0x7f) as u8 | 0x80);
                step >>= 7;
            }
            out.push(step as u8);
            last = place;
        }
        return;
    }
    let mut widths = Widths::new();
    for pair in places.windows(2) {
        widths.count(pair[1] - pair[0] - 1);
    }
    write(places.len(), widths.best(), places.iter().copied(), out);
}

/// As [`encode`], with `count` numbers that can be asked for twice; at most `held` of them are held at once.
///
/// `None` when they are not strictly ascending or not as many as said.
pub(super) fn encode_from<I: Iterator<Item = u32>>(
    count: usize,
    held: usize,
    numbers: impl Fn() -> I,
    out: &mut Vec<u8>,
) -> Option<()> {
    if count < held.max(SHORT) {
        let places: Vec<u32> = numbers().collect();
        let is_list = places.len() == count && places.is_sorted_by(|a, b| a < b);
        return is_list.then(|| encode(&places, out));
    }
    let (mut widths, mut seen) = (Widths::new(), 0);
    let mut last = None;
    for number in numbers() {
        if let Some(last) = last {
            widths.count(number.checked_sub(last)?.checked_sub(1)?);
        }
        last = Some(number);
        seen += 1;
    }
    (seen == count).then(|| write(count, widths.best(), numbers(), out))
}

/// Writes a list of `count` numbers, at least [`SHORT`].
fn write(count: usize, widths: [u8; 3], mut numbers: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
    let Some(first) = numbers.next() else { return };
    out.extend_from_slice(&widths);
    out.extend_from_slice(&first.to_le_bytes());
    let blocks = (count - 1) / BLOCK;
    let mut index = out.len();
    out.resize(index + blocks * 8, 0);
    let start = out.len();
    let mut bits = Bits { out, held: 0, count: 0 };
    let mut last = first;
    for (n, number) in (1usize..).zip(numbers) {
        if n.is_multiple_of(BLOCK) {
            let at = (bits.out.len() - start) as u32 * 8 + bits.count;
            bits.out[index..index + 4].copy_from_slice(&number.to_le_bytes());
            bits.out[index + 4..index + 8].copy_from_slice(&at.to_le_bytes());
            index += 8;
            last = number;
            continue;
        }
        let step = number - last - 1;
        last = number;
        let need = width(step);
        if need <= widths[0] {
            bits.put(u64::from(step) << 1 | 1, 1 + u32::from(widths[0]));
        } else if need <= widths[1] {
            bits.put(u64::from(step) << 2 | 2, 2 + u32::from(widths[1]));
        } else {
            bits.put(u64::from(step) << 2, 2 + u32::from(widths[2]));
        }
    }
    let Bits { out, held, count } = bits;
    out.extend_from_slice(&held.to_le_bytes()[..count.div_ceil(8) as usize]);
}

struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    #[inline]
    fn put(&mut self, value: u64, width: u32) {
        self.held |= value << self.count;
        self.count += width;
        if self.count >= 32 {
            self.out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }
}

/// A list that is read from its start, or from any number on.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    len: usize,
    /// How many have been given.
    given: usize,
    last: u32,
    /// The next bit, or byte of a short list.
    at: usize,
    widths: [u32; 3],
}

/// After the last number.
pub(super) const END: u32 = u32::MAX;

impl<'a> Cursor<'a> {
    /// A list of `len` numbers that begins at the start of `bytes`.
    pub(super) fn new(bytes: &'a [u8], len: usize) -> Self {
        let mut cursor = Self { bytes, len, given: 0, last: 0, at: 0, widths: [0; 3] };
        if len >= SHORT {
            for (width, &byte) in cursor.widths.iter_mut().zip(bytes) {
                *width = u32::from(byte).min(32);
            }
            cursor.at = (HEAD + (len - 1) / BLOCK * 8) * 8;
        }
        cursor
    }

    /// A list of one number that stands elsewhere.
    pub(super) fn one(number: u32) -> Self {
        // A step of 0 from the number itself.
        Self { bytes: &[0], len: 1, given: 0, last: number, at: 0, widths: [0; 3] }
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = self.bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(END, u32::from_le_bytes)
    }

    /// The next number; [`END`] after the last.
    #[inline]
    pub(super) fn next(&mut self) -> u32 {
        if self.given >= self.len {
            return END;
        }
        if self.len < SHORT {
            let (mut step, mut shift) = (0u32, 0);
            while let Some(&byte) = self.bytes.get(self.at) {
                self.at += 1;
                step |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            self.last = self.last.saturating_add(step);
        } else if self.given.is_multiple_of(BLOCK) {
            let block = self.given / BLOCK;
            self.last = self.word(if block == 0 { 3 } else { HEAD + (block - 1) * 8 });
        } else {
            let bits = self.load();
            let (skip, width) = if bits & 1 == 1 {
                (1, self.widths[0])
            } else if bits & 2 == 2 {
                (2, self.widths[1])
            } else {
                (2, self.widths[2])
            };
            let step = (bits >> skip) as u32 & ((1u64 << width) - 1) as u32;
            self.at += (skip + width) as usize;
            self.last = self.last.saturating_add(step).saturating_add(1);
        }
        self.given += 1;
        self.last
    }

    /// At least 57 bits from the next one on.
    #[inline]
    fn load(&self) -> u64 {
        let from = self.at / 8;
        let mut eight = [0u8; 8];
        if let Some(bytes) = self.bytes.get(from..from + 8) {
            eight.copy_from_slice(bytes);
        } else {
            let rest = self.bytes.get(from..).unwrap_or_default();
            if let Some(head) = eight.get_mut(..rest.len()) {
                head.copy_from_slice(rest);
            }
        }
        u64::from_le_bytes(eight) >> (self.at % 8)
    }

    /// The first number that is not below `target`, given already or not; [`END`] when there is none. Targets must
    /// not go down.
    pub(super) fn seek(&mut self, target: u32) -> u32 {
        if self.given > 0 && self.last >= target {
            return self.last;
        }
        if self.len > BLOCK {
            self.jump(target);
        }
        loop {
            let next = self.next();
            if next >= target {
                return next;
            }
        }
    }

    /// Goes on at the last block that begins at or below `target`, when that is ahead.
    fn jump(&mut self, target: u32) {
        let here = self.given.saturating_sub(1) / BLOCK;
        let (mut low, mut high) = (here, (self.len - 1) / BLOCK);
        // Most targets lie in this block or the next: gallop.
        let mut reach = 1;
        while low + reach <= high && self.word(HEAD + (low + reach - 1) * 8) <= target {
            low += reach;
            reach *= 2;
        }
        high = high.min(low + reach - 1);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if self.word(HEAD + (middle - 1) * 8) <= target {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        if low > here || (self.given == 0 && low > 0) {
            self.given = low * BLOCK;
            let base = (HEAD + (self.len - 1) / BLOCK * 8) * 8;
            self.at = base + self.word(HEAD + (low - 1) * 8 + 4) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &[u32]) {
        let mut bytes = Vec::new();
        encode(list, &mut bytes);
        let mut again = Vec::new();
        for held in [0, usize::MAX] {
            again.clear();
            encode_from(list.len(), held, || list.iter().copied(), &mut again).unwrap();
            assert_eq!(again, bytes, "{held}");
            let short = || list.iter().copied().skip(1);
            assert!(list.is_empty() || encode_from(list.len(), held, short, &mut again).is_none());
            let double = || list.iter().copied().chain(list.last().copied());
            assert!(list.is_empty() || encode_from(list.len() + 1, held, double, &mut again).is_none());
        }
        bytes.extend_from_slice(b"what follows");
        let mut cursor = Cursor::new(&bytes, list.len());
        let back: Vec<u32> = std::iter::from_fn(|| Some(cursor.next()).filter(|&n| n != END)).collect();
        assert_eq!(back, list);
        for step in [1, 3, 70, 1000] {
            let mut cursor = Cursor::new(&bytes, list.len());
            for target in list.iter().step_by(step) {
                let target = target.saturating_sub(1);
                let want = list.iter().copied().find(|&n| n >= target).unwrap_or(END);
                assert_eq!(cursor.seek(target), want, "{step} {target}");
                assert_eq!(cursor.seek(want), want);
            }
            assert_eq!(cursor.seek(END), END);
        }
    }

    #[test]
    fn lists_of_every_length_and_shape_come_back_and_can_be_entered_anywhere() {
        let mut seed = 9u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u32
        };
        check(&[]);
        for len in [1, 2, 7, 8, 9, 255, 256, 257, 512, 513, 514, 3000] {
            for (small, large) in [(1, 1), (2, 50), (300, 20_000), (1, 1_000_000)] {
                let mut at = next() % 1000;
                let list: Vec<u32> = (0..len)
                    .map(|_| {
                        at += 1 + next() % if next() % 5 == 0 { large } else { small };
                        at
                    })
                    .collect();
                check(&list);
            }
        }
        check(&[0]);
        check(&[0, 1, 2, 3, 4, 5, 6, 7, 8, END - 1]);
        check(&(0..2000).collect::<Vec<_>>());
    }

    #[test]
    fn damaged_bytes_end_without_a_panic() {
        let list: Vec<u32> = (0..3000).map(|n| n * 7).collect();
        let mut bytes = Vec::new();
        encode(&list, &mut bytes);
        for at in 0..bytes.len().min(60) {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            let mut cursor = Cursor::new(&bad, list.len());
            for _ in 0..=list.len() {
                cursor.next();
            }
            let mut cursor = Cursor::new(&bad[..at], list.len());
            cursor.seek(9000);
            cursor.seek(END);
        }
    }
}
