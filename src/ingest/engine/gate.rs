//! Bounds what is on its way by its weight in bytes, so that memory grows neither with the mailbox nor with the
//! threads.

use std::sync::{Condvar, Mutex, PoisonError};

/// Lets things in as long as they weigh no more than `room` together.
#[derive(Debug)]
pub(super) struct Gate {
    inside: Mutex<Inside>,
    left: Condvar,
    room: usize,
}

#[derive(Debug, Default)]
struct Inside {
    count: usize,
    weight: usize,
}

impl Gate {
    /// At most `room` bytes at a time, or one thing that is heavier.
    pub(super) fn new(room: usize) -> Self {
        Self { inside: Mutex::default(), left: Condvar::new(), room }
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for something of this weight, and takes it.
    pub(super) fn enter(&self, weight: usize) {
        let mut inside = self.inside();
        while inside.count > 0 && inside.weight.saturating_add(weight) > self.room {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        inside.count += 1;
        inside.weight = inside.weight.saturating_add(weight);
    }

    /// Says that something inside weighs more or less than it did.
    pub(super) fn reweigh(&self, before: usize, after: usize) {
        let mut inside = self.inside();
        inside.weight = inside.weight.saturating_sub(before).saturating_add(after);
        drop(inside);
        self.left.notify_all();
    }

    /// Lets something of this weight out.
    pub(super) fn leave(&self, weight: usize) {
        let mut inside = self.inside();
        inside.count = inside.count.saturating_sub(1);
        inside.weight = inside.weight.saturating_sub(weight);
        drop(inside);
        self.left.notify_all();
    }

    /// Waits until nothing is inside.
    pub(super) fn wait_empty(&self) {
        let mut inside = self.inside();
        while inside.count > 0 {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
