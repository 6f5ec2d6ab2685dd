//! Which bytes the case holds already, so that each distinct content is stored once.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::types::Sha256Digest;

/// Where a blob lies: the number of its frame in the case, and its place in the unpacked frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the frame, counted from 0 over all packs.
    pub frame: u32,
    /// First byte in the unpacked frame.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// Maps are split by the first byte of the digest, so that growing one never doubles the whole.
const SHARDS: usize = 64;

/// All blobs of a case with their places; some 50 bytes for each.
#[derive(Debug)]
pub(super) struct Registry {
    shards: Vec<HashMap<[u8; 32], (u32, u32, u32)>>,
    long: HashMap<[u8; 32], Place>,
}

impl Registry {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| HashMap::new()).collect(), long: HashMap::new() }
    }

    /// Where the bytes with this digest lie, if the case has them.
    pub(super) fn find(&self, digest: &Sha256Digest) -> Option<Place> {
        let bytes = digest.as_bytes();
        if let Some(&(frame, offset, len)) = self.shards[usize::from(bytes[0]) % SHARDS].get(bytes) {
            return Some(Place { frame, offset: u64::from(offset), len: u64::from(len) });
        }
        self.long.get(bytes).copied()
    }

    /// Notes where bytes lie. The first place stays when there are two.
    pub(super) fn insert(&mut self, digest: &Sha256Digest, place: Place) {
        let bytes = *digest.as_bytes();
        if let (Ok(offset), Ok(len)) = (u32::try_from(place.offset), u32::try_from(place.len)) {
            self.shards[usize::from(bytes[0]) % SHARDS].entry(bytes).or_insert((place.frame, offset, len));
        } else {
            self.long.entry(bytes).or_insert(place);
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets workers enter one after the other in the order of their batches, however they finish.
#[derive(Debug)]
pub(super) struct InTurn<T> {
    state: Mutex<(u64, T)>,
    changed: Condvar,
}

impl<T> InTurn<T> {
    /// Batch 0 comes first.
    pub(super) fn new(inner: T) -> Self {
        Self { state: Mutex::new((0, inner)), changed: Condvar::new() }
    }

    /// Waits for the turn of batch `number`, does `work`, and lets the next one in, even if `work` panics.
    pub(super) fn enter<R>(&self, number: u64, work: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 < number {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.0 += 1;
        let result = work(&mut state.1);
        drop(state);
        self.changed.notify_all();
        result
    }

    /// What is inside.
    pub(super) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Does `work` out of turn; for when no batch is on its way.
    pub(super) fn idle<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut state.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_equal_bytes_is_kept() {
        let mut registry = Registry::new();
        let digest = Sha256Digest::of(b"x");
        assert_eq!(registry.find(&digest), None);
        registry.insert(&digest, Place { frame: 3, offset: 7, len: 1 });
        registry.insert(&digest, Place { frame: 9, offset: 0, len: 1 });
        assert_eq!(registry.find(&digest), Some(Place { frame: 3, offset: 7, len: 1 }));
        let long = Sha256Digest::of(b"y");
        registry.insert(&long, Place { frame: 4, offset: 0, len: 1 << 40 });
        assert_eq!(registry.find(&long).map(|p| p.len), Some(1 << 40));
    }

    #[test]
    fn workers_enter_in_the_order_of_their_batches() {
        let turns = InTurn::new(Vec::new());
        std::thread::scope(|scope| {
            for number in [2u64, 0, 1] {
                let turns = &turns;
                scope.spawn(move || turns.enter(number, |seen| seen.push(number)));
            }
        });
        assert_eq!(turns.idle(|seen| seen.clone()), [0, 1, 2]);
    }
}
