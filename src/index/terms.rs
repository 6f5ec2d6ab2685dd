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
    /// Terms met lately, each at a place of its own: most words of a text are found here.
    near: Vec<Slot>,
}

/// Slots of `near`: 64 KiB stay in a processor's cache.
const NEAR: usize = 1 << 12;

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
    /// Bytes 9 to 16 of the term, zeros after the end.
    next: u64,
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

/// Words that are looked up together.
pub(super) const TOGETHER: usize = 32;

/// A word on its way to its number.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    head: u64,
    next: u64,
    hash: u64,
    at: u32,
    tag: u32,
}

#[inline]
fn step(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(25) ^ word).wrapping_mul(MIX)
}

impl Slot {
    /// Whether this may be the term; up to eight bytes it is.
    #[inline]
    fn holds(self, asked: Asked) -> bool {
        self.tag == asked.tag && self.head == asked.head
    }
}

impl Asked {
    #[inline]
    fn near(self) -> usize {
        (self.hash >> 32) as usize & (NEAR - 1)
    }

    #[inline]
    fn len(self) -> usize {
        (self.tag & 0xff) as usize
    }
}

impl Terms {
    /// `seed` makes it hard to write mail whose words all fall into one slot; nothing that is stored depends on it.
    pub(super) fn new(seed: u64) -> Self {
        let slots = vec![Slot::default(); FIRST_SLOTS];
        let near = vec![Slot::default(); NEAR];
        Self { slots, mask: FIRST_SLOTS - 1, seed, bytes: Vec::new(), places: Vec::new(), near }
    }

    /// The number of the term `buffer[at..at + len]` of `field`; `len` is 1..=255, field below 16, and eight bytes
    /// follow the term in the buffer.
    #[inline]
    pub(super) fn id(&mut self, field: u8, buffer: &[u8], at: usize, len: usize) -> u32 {
        let asked = self.asked(field, buffer, at, len);
        self.find(asked, buffer)
    }

    /// Calls `each` with the numbers of up to [`TOGETHER`] terms, given as start and length, in their order.
    ///
    /// The table is larger than a processor's caches. So the places of all of them are touched first, without
    /// waiting for one before the next; the looking up then finds them near.
    #[inline]
    pub(super) fn ids(&mut self, field: u8, buffer: &[u8], runs: &[(u32, u32)], mut each: impl FnMut(u32)) {
        let mut asked = [Asked::default(); TOGETHER];
        for (asked, &(at, len)) in asked.iter_mut().zip(runs) {
            *asked = self.asked(field, buffer, at as usize, len as usize);
        }
        let asked = asked.get(..runs.len()).unwrap_or_default();
        let mut touched = [0u32; TOGETHER];
        for (touched, asked) in touched.iter_mut().zip(asked) {
            if !self.near[asked.near()].holds(*asked) {
                *touched = self.slots[asked.hash as usize & self.mask].id;
            }
        }
        std::hint::black_box(touched);
        for &asked in asked {
            each(self.find(asked, buffer));
        }
    }

    #[inline]
    fn asked(&self, field: u8, buffer: &[u8], at: usize, len: usize) -> Asked {
        let head = keep(eight(buffer, at), len);
        let mut hash = (head ^ self.seed ^ u64::from(field) << 56).wrapping_mul(MIX);
        let mut next = 0;
        if len > 8 {
            next = keep(eight(buffer, at + 8), len - 8);
            hash = step(hash, next);
            let mut from = 16;
            while from < len {
                hash = step(hash, keep(eight(buffer, at + from), len - from));
                from += 8;
            }
        }
        hash ^= hash >> 29;
        let tag = ((hash >> 44) as u32) << 12 | u32::from(field) << 8 | len as u32 & 0xff;
        Asked { head, next, hash, at: at as u32, tag }
    }

    #[inline]
    fn find(&mut self, asked: Asked, buffer: &[u8]) -> u32 {
        let near = asked.near();
        let here = self.near[near];
        if here.holds(asked) && (asked.len() <= 8 || self.is_term(here.id, asked, buffer)) {
            return here.id;
        }
        let mut slot = asked.hash as usize & self.mask;
        loop {
            let here = self.slots[slot];
            if here.holds(asked) && (asked.len() <= 8 || self.is_term(here.id, asked, buffer)) {
                self.near[near] = here;
                return here.id;
            }
            if here.tag == 0 {
                return self.insert(slot, asked, buffer);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    #[inline]
    fn is_term(&self, id: u32, asked: Asked, buffer: &[u8]) -> bool {
        self.places.get(id as usize).is_some_and(|p| {
            let (here, from, len) = (p.at as usize, asked.at as usize, asked.len());
            p.next == asked.next
                && (len <= 16 || self.bytes.get(here + 16..here + len) == buffer.get(from + 16..from + len))
        })
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, slot: usize, asked: Asked, buffer: &[u8]) -> u32 {
        let id = self.places.len() as u32;
        let (from, len) = (asked.at as usize, asked.len());
        let field = (asked.tag >> 8 & 0xf) as u8;
        self.places.push(Place { next: asked.next, at: self.bytes.len() as u32, len: len as u8, field });
        self.bytes.extend_from_slice(buffer.get(from..from + len).unwrap_or_default());
        self.slots[slot] = Slot { head: asked.head, tag: asked.tag, id };
        if self.places.len() * 3 > self.slots.len() * 2 {
            self.grow();
        }
        id
    }

    /// Doubles the table. The low bits of a hash are not kept, so every hash is made again.
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![Slot::default(); old.len() * 2];
        self.mask = self.slots.len() - 1;
        let mut padded = [0u8; 256 + 8];
        for here in old.into_iter().filter(|s| s.tag != 0) {
            let Place { at, len, field, .. } = self.places[here.id as usize];
            let (at, len) = (at as usize, usize::from(len));
            padded[..len].copy_from_slice(&self.bytes[at..at + len]);
            padded[len..len + 8].fill(0);
            let mut slot = self.asked(field, &padded, 0, len).hash as usize & self.mask;
            while self.slots[slot].tag != 0 {
                slot = (slot + 1) & self.mask;
            }
            self.slots[slot] = here;
        }
    }

    /// Number of terms.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of memory that are in use, and will be for sorting.
    pub(super) fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
            + self.bytes.len()
            + self.places.len() * (size_of::<Place>() + 36)
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
            let mut first = [0u8; 16];
            first[0] = p.field;
            let n = term.len().min(15);
            first[1..=n].copy_from_slice(&term[..n]);
            (u128::from_be_bytes(first), id as u32)
        };
        let mut order: Vec<(u128, u32)> = self.places.iter().enumerate().map(key).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.term(a.1).cmp(self.term(b.1))));
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Forgets all terms and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.near.fill(Slot::default());
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
            let run = (2, text.len() as u32);
            terms.ids(2, &buffer, &[run, run], |id| assert_eq!(id, pair.1));
            assert_eq!(terms.term(pair.1), text.as_bytes());
        }
        let order = terms.sorted();
        let text: Vec<_> = order.iter().map(|&id| (terms.field(id), terms.term(id))).collect();
        assert!(text.is_sorted());
        terms.clear();
        assert_eq!((terms.len(), terms.id(1, b"abcdefghijklmnop", 0, 3)), (0, 0));
    }
}
