//! What connections tell beside the order of the ledger: sign-ins, notices, pieces of the transcript. In the order
//! told, in bounded memory while somebody takes it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::told::Told;

/// Bytes of the transcript that wait at most before a connection waits too.
const WAITING: usize = 16 << 20;

/// How often a waiting connection looks up on its own.
const TICK: Duration = Duration::from_millis(100);

/// The queue.
#[derive(Debug)]
pub struct Aside {
    queue: Mutex<Queue>,
    taken: Condvar,
    stop: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Queue {
    told: VecDeque<Told>,
    bytes: usize,
    /// Whether somebody on another thread takes what waits.
    is_drained: bool,
}

impl Aside {
    /// An empty one; nobody waits once `stop` is set.
    pub(super) fn new(stop: Arc<AtomicBool>) -> Self {
        Self { queue: Mutex::default(), taken: Condvar::new(), stop }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays something into it, at once.
    pub(super) fn push(&self, told: Told) {
        let mut queue = self.lock();
        queue.bytes = queue.bytes.saturating_add(bytes(&told));
        queue.told.push_back(told);
    }

    /// Lays a piece of the transcript into it; waits while too much of it waits and somebody takes it.
    pub(super) fn piece(&self, piece: Vec<u8>) {
        let mut queue = self.lock();
        while queue.is_drained && queue.bytes > WAITING && !self.stop.load(Ordering::Relaxed) {
            queue = match self.taken.wait_timeout(queue, TICK) {
                Ok((queue, _)) => queue,
                Err(poison) => poison.into_inner().0,
            };
        }
        drop(queue);
        self.push(Told::Transcript(piece));
    }

    /// All that waits; `None` when nothing does.
    pub(super) fn take(&self) -> Option<VecDeque<Told>> {
        let mut queue = self.lock();
        queue.bytes = 0;
        self.taken.notify_all();
        Some(std::mem::take(&mut queue.told)).filter(|told| !told.is_empty())
    }

    /// As [`Aside::take`], or nothing.
    pub(super) fn take_unless(&self, is_to_wait: bool) -> Option<VecDeque<Told>> {
        if is_to_wait { None } else { self.take() }
    }

    /// Says whether another thread takes what waits from now on.
    pub(super) fn set_drained(&self, is_drained: bool) {
        self.lock().is_drained = is_drained;
        self.taken.notify_all();
    }
}

fn bytes(told: &Told) -> usize {
    match told {
        Told::Transcript(piece) => piece.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_waits_only_while_somebody_takes_what_waits() {
        let aside = Arc::new(Aside::new(Arc::default()));
        // Nobody takes: nothing waits.
        aside.piece(vec![0; WAITING + 1]);
        aside.piece(vec![1]);
        assert_eq!(aside.take().unwrap().len(), 2);
        aside.set_drained(true);
        aside.piece(vec![2; WAITING + 1]);
        let other = Arc::clone(&aside);
        let waits = std::thread::spawn(move || other.piece(vec![3]));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!waits.is_finished());
        assert_eq!(aside.take().unwrap().len(), 1);
        waits.join().unwrap();
        assert_eq!(aside.take().unwrap().len(), 1);
        assert!(aside.take().is_none());
    }
}
