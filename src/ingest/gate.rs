//! Bounds the number of batches on their way, so that memory does not grow with the mailbox.

use std::sync::{Condvar, Mutex, PoisonError};

/// Lets a fixed number in at a time.
#[derive(Debug)]
pub(super) struct Gate {
    inside: Mutex<usize>,
    left: Condvar,
    most: usize,
}

impl Gate {
    /// At most `most` at a time.
    pub(super) fn new(most: usize) -> Self {
        Self { inside: Mutex::new(0), left: Condvar::new(), most }
    }

    /// Waits for a place and takes it.
    pub(super) fn enter(&self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside >= self.most {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        *inside += 1;
    }

    /// Gives a place back.
    pub(super) fn leave(&self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        *inside = inside.saturating_sub(1);
        drop(inside);
        self.left.notify_all();
    }

    /// Waits until nobody is inside.
    pub(super) fn wait_empty(&self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside > 0 {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
