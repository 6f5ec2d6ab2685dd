//! Numbers, ranges and texts packed into bytes.

use crate::types::ByteRange;

/// Writes packed values.
pub(super) trait Put {
    /// A number: seven bits a byte, low bits first.
    fn num(&mut self, value: u64);
    /// A signed number, near 0 in few bytes.
    fn signed(&mut self, value: i64);
    /// Bytes with their length.
    fn bytes(&mut self, value: &[u8]);
    /// A range, counted from `base`.
    fn range(&mut self, value: ByteRange, base: u64);
    /// The same, or nothing.
    fn opt_range(&mut self, value: Option<ByteRange>, base: u64);
}

impl Put for Vec<u8> {
    #[inline]
    fn num(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.push((value & 0x7f) as u8);
    }

    #[inline]
    fn signed(&mut self, value: i64) {
        self.num(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.num(value.len() as u64);
        self.extend_from_slice(value);
    }

    #[inline]
    fn range(&mut self, value: ByteRange, base: u64) {
        self.signed(value.start().wrapping_sub(base).cast_signed());
        self.num(value.len());
    }

    #[inline]
    fn opt_range(&mut self, value: Option<ByteRange>, base: u64) {
        match value {
            // The length comes first, plus one, so that nothing is one zero byte.
            Some(value) => {
                self.num(value.len().saturating_add(1));
                self.signed(value.start().wrapping_sub(base).cast_signed());
            }
            None => self.push(0),
        }
    }
}

/// Reads packed values; `None` where the bytes end too early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn num(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.num()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.num()?).ok()?;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    pub(super) fn digest(&mut self) -> Option<[u8; 32]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn range(&mut self, base: u64) -> Option<ByteRange> {
        let start = base.wrapping_add(self.signed()?.cast_unsigned());
        ByteRange::new(start, start.checked_add(self.num()?)?)
    }

    /// The outer `None` is for bytes that end too early, the inner for a range that is not there.
    #[expect(clippy::option_option, reason = "two different kinds of nothing")]
    pub(super) fn opt_range(&mut self, base: u64) -> Option<Option<ByteRange>> {
        let Some(len) = self.num()?.checked_sub(1) else { return Some(None) };
        let start = base.wrapping_add(self.signed()?.cast_unsigned());
        ByteRange::new(start, start.checked_add(len)?).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_come_back_and_cut_bytes_give_none() {
        let mut out = Vec::new();
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            out.num(n);
            out.signed(n.cast_signed());
            out.signed(n.cast_signed().wrapping_neg());
        }
        let range = ByteRange::new(5, 9).unwrap();
        out.bytes(b"abc");
        out.range(range, 7);
        out.opt_range(None, 3);
        out.opt_range(Some(range), 3);
        let mut take = Take(&out);
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(take.num(), Some(n));
            assert_eq!(take.signed(), Some(n.cast_signed()));
            assert_eq!(take.signed(), Some(n.cast_signed().wrapping_neg()));
        }
        assert_eq!(take.bytes(), Some(&b"abc"[..]));
        assert_eq!(take.range(7), Some(range));
        assert_eq!(take.opt_range(3), Some(None));
        assert_eq!(take.opt_range(3), Some(Some(range)));
        assert!(take.is_empty() && take.num().is_none());
        assert_eq!(Take(&[0x80; 20]).num(), None);
        assert_eq!(Take(&[9, 1]).bytes(), None);
    }
}
