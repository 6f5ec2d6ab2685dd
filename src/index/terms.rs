//! The terms met since the last flush, each with a number: an open hash table over one buffer of bytes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "hashes are cut on purpose; a flush comes long before 2^32 bytes are held"
)]

/// Bytes of the terms and of the table; kept from flush to flush.
#[derive(Debug)]
pub(super) struct Terms {
    slots: Vec<Slot>,
    mask: usize,
    seed: u64,
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// A place in the table. A term of up to eight bytes is told by `head` and `tag` alone.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The first eight bytes, zeros after the end.
    head: u64,
    /// Length, field and 20 bits of the hash; 0 is an empty slot.
    tag: u32,
    id: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    at: u32,
    len: u8,
    field: u8,
}

/// Slots of an empty table.
const FIRST_SLOTS: usize = 1 << 14;

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0u8; 8];
    if let Some(from) = bytes.get(at..at + 8) {
        out.copy_from_slice(from);
    }
    u64::from_le_bytes(out)
}

/// Keeps the first `len` bytes, `len <= 8`.
#[inline]
fn keep(word: u64, len: usize) -> u64 {
    word & (u64::MAX >> (64 - 8 * len.clamp(1, 8)))
}

impl Terms {
    /// `seed` makes it hard to write mail whose words all fall into one slot; nothing that is stored depends on it.
    pub(super) fn new(seed: u64) -> Self {
        let slots = vec![Slot::default(); FIRST_SLOTS];
        Self { slots, mask: FIRST_SLOTS - 1, seed, bytes: Vec::new(), places: Vec::new() }
    }

    /// The number of the term `buffer[at..at + len]` of `field`; `len` is 1..=255, field below 16, and eight bytes
    /// follow the term in the buffer.
    #[inline]
    pub(super) fn id(&mut self, field: u8, buffer: &[u8], at: usize, len: usize) -> u32 {
        let head = keep(eight(buffer, at), len);
        let mut hash = (head ^ self.seed ^ u64::from(field) << 56).wrapping_mul(MIX);
        if len > 8 {
            let mut from = 8;
            while from + 8 < len {
                hash = (hash.rotate_left(25) ^ eight(buffer, at + from)).wrapping_mul(MIX);
                from += 8;
            }
            hash = (hash.rotate_left(25) ^ keep(eight(buffer, at + from), len - from)).wrapping_mul(MIX);
        }
        hash ^= hash >> 29;
        let tag = ((hash >> 44) as u32) << 12 | u32::from(field) << 8 | len as u32 & 0xff;
        let mut slot = hash as usize & self.mask;
        loop {
            let here = self.slots[slot];
            if here.tag == tag && here.head == head && (len <= 8 || self.is_term(here.id, buffer, at, len)) {
                return here.id;
            }
            if here.tag == 0 {
                return self.insert(slot, Slot { head, tag, id: 0 }, buffer, at, len, field);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    #[inline]
    fn is_term(&self, id: u32, buffer: &[u8], at: usize, len: usize) -> bool {
        self.places.get(id as usize).is_some_and(|p| {
            let from = p.at as usize;
            self.bytes.get(from..from + len) == buffer.get(at..at + len)
        })
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, slot: usize, mut new: Slot, buffer: &[u8], at: usize, len: usize, field: u8) -> u32 {
        new.id = self.places.len() as u32;
        self.places.push(Place { at: self.bytes.len() as u32, len: len as u8, field });
        self.bytes.extend_from_slice(buffer.get(at..at + len).unwrap_or_default());
        self.slots[slot] = new;
        if self.places.len() * 2 > self.slots.len() {
            self.grow();
        }
        new.id
    }

    /// Doubles the table. The low bits of a hash are not kept, so every hash is made again.
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![Slot::default(); old.len() * 2];
        self.mask = self.slots.len() - 1;
        let mut padded = [0u8; 256 + 8];
        for here in old.into_iter().filter(|s| s.tag != 0) {
            let Place { at, len, field } = self.places[here.id as usize];
            let (at, len) = (at as usize, usize::from(len));
            padded[..len].copy_from_slice(&self.bytes[at..at + len]);
            padded[len..len + 8].fill(0);
            let mut slot = self.hash(field, &padded, len) as usize & self.mask;
            while self.slots[slot].tag != 0 {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = here;
        }
    }

    fn hash(&self, field: u8, buffer: &[u8], len: usize) -> u64 {
        let head = keep(eight(buffer, 0), len);
        let mut hash = (head ^ self.seed ^ u64::from(field) << 56).wrapping_mul(MIX);
        if len > 8 {
            let mut from = 8;
            while from + 8 < len {
                hash = (hash.rotate_left(25) ^ eight(buffer, from)).wrapping_mul(MIX);
                from += 8;
            }
            hash = (hash.rotate_left(25) ^ keep(eight(buffer, from), len - from)).wrapping_mul(MIX);
        }
        hash ^ hash >> 29
    }

    /// Number of terms.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of memory that are in use, and will be for sorting.
    pub(super) fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
            + self.bytes.len()
            + self.places.len() * (size_of::<Place>() + 24)
    }

    /// The term of a number.
    pub(super) fn term(&self, id: u32) -> &[u8] {
        let Some(p) = self.places.get(id as usize) else { return &[] };
        self.bytes.get(p.at as usize..p.at as usize + usize::from(p.len)).unwrap_or_default()
    }

    /// The field of a number.
    pub(super) fn field(&self, id: u32) -> u8 {
        self.places.get(id as usize).map_or(0, |p| p.field)
    }

    /// All numbers, in order of field and term.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let key = |(id, p): (usize, &Place)| {
            let term = self.term(id as u32);
            let mut first = [0u8; 8];
            first[0] = p.field;
            let n = term.len().min(7);
            first[1..=n].copy_from_slice(&term[..n]);
            (u64::from_be_bytes(first), id as u32)
        };
        let mut order: Vec<(u64, u32)> = self.places.iter().enumerate().map(key).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.term(a.1).cmp(self.term(b.1))));
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Forgets all terms and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.bytes.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_terms_of_one_field_have_one_number() {
        let mut terms = Terms::new(7);
        let mut ids = Vec::new();
        let word = |n: usize| format!("{}{}", "long-prefix-".repeat(n % 9), n);
        for n in 0..40_000 {
            let text = word(n);
            let buffer = [text.as_bytes(), &[0; 8]].concat();
            ids.push((terms.id(1, &buffer, 0, text.len()), terms.id(2, &buffer, 0, text.len())));
        }
        assert_eq!(terms.len(), 80_000);
        for (n, pair) in ids.iter().enumerate() {
            let text = word(n);
            let buffer = [b"xx", text.as_bytes(), b"junkjunk"].concat();
            assert_eq!(terms.id(1, &buffer, 2, text.len()), pair.0);
            assert_eq!(terms.term(pair.1), text.as_bytes());
        }
        let order = terms.sorted();
        let text: Vec<_> = order.iter().map(|&id| (terms.field(id), terms.term(id))).collect();
        assert!(text.is_sorted());
        terms.clear();
        assert_eq!((terms.len(), terms.id(1, b"abcdefghijklmnop", 0, 3)), (0, 0));
    }
}
