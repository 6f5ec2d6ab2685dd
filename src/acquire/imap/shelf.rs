//! Where connections lay what they fetched, and from where it is told in the order of the ledger, in bounded memory.
//!
//! Each folder has a lane; a lane is a row of slots, each filled by one connection: the folder's head, its chunks of
//! messages, its end. The thread that called us empties the slots in order. A connection whose slot is far from the
//! front waits when too much is held; the one at the front never does for long, so nobody waits for ever.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::plan::Epoch;
use crate::acquire::aside::Aside;
use crate::acquire::{AcquireError, Sink, Told};

/// Bytes held for later, over all slots.
const HELD: usize = 48 << 20;

/// Bytes held in the slot at the front, however much is held elsewhere.
const FRONT: usize = 16 << 20;

/// How often a waiting thread looks up on its own.
const TICK: Duration = Duration::from_millis(100);

/// Folders that are begun before the front one is done, for each connection.
const AHEAD: usize = 4;

/// What came of the chunks of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) taken: u64,
    pub(super) failed: u64,
    pub(super) gone: u64,
}

#[derive(Default)]
struct Slot {
    told: VecDeque<Told>,
    bytes: usize,
    is_closed: bool,
}

#[derive(Default)]
struct Lane {
    slots: VecDeque<Slot>,
    /// Slots that were emptied and taken away.
    past: usize,
    is_closed: bool,
    work: Option<Work>,
}

/// The epoch that a lane is at.
struct Work {
    epoch: Arc<Epoch>,
    /// Slot of its first chunk.
    first: usize,
    /// Chunks that nobody has taken yet begin here.
    next: usize,
    /// Chunks that were given back.
    back: Vec<usize>,
    done: usize,
    tally: Tally,
    /// Why the epoch is over on the server before we were done.
    stale: Option<Stale>,
}

/// An epoch that is over on the server before we were done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stale {
    /// Code of the notice.
    pub(super) code: &'static str,
    /// In words.
    pub(super) text: String,
    /// Whether the folder is there with another UIDVALIDITY.
    pub(super) is_anew: bool,
    /// Whether the messages are gone; else the server has them and does not give them.
    pub(super) is_gone: bool,
}

struct State {
    lanes: Vec<Lane>,
    front: usize,
    held: usize,
    /// Folders that nobody leads yet begin here.
    next: usize,
    /// Folders that were claimed and not begun.
    unled: Vec<usize>,
    workers: usize,
    error: Option<AcquireError>,
}

/// What a connection is to do next.
pub(super) enum Claim {
    /// A folder, from its opening to its end.
    Lead(usize),
    /// Chunks of a folder that another one leads.
    Help(usize, Arc<Epoch>),
    /// There is nothing left.
    Nothing,
}

/// The shelf.
pub(super) struct Shelf {
    state: Mutex<State>,
    changed: Condvar,
    stop: Arc<AtomicBool>,
    aside: Arc<Aside>,
}

/// The run was stopped.
#[derive(Debug)]
pub(super) struct Stopped;

impl Shelf {
    /// For so many folders, with one connection at work.
    pub(super) fn new(folders: usize, stop: Arc<AtomicBool>, aside: Arc<Aside>) -> Self {
        let lanes = (0..folders).map(|_| Lane::default()).collect();
        let state = State { lanes, front: 0, held: 0, next: 0, unled: Vec::new(), workers: 1, error: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), stop, aside }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        match self.changed.wait_timeout(state, TICK) {
            Ok((state, _)) => state,
            Err(poison) => poison.into_inner().0,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits for a while, unless the run is stopped.
    pub(super) fn pause(&self, time: Duration) -> Result<(), Stopped> {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while Instant::now() < until {
            if self.is_stopped() {
                return Err(Stopped);
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// Something that belongs to no place in the order: sessions, transcript, notices of a connection.
    pub(super) fn aside(&self, told: Told) {
        self.aside.push(told);
        self.changed.notify_all();
    }

    /// The run cannot go on.
    pub(super) fn fail(&self, error: AcquireError) {
        let mut state = self.lock();
        state.error.get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// There are only so many folders after all.
    pub(super) fn truncate(&self, folders: usize) {
        self.lock().lanes.truncate(folders);
        self.changed.notify_all();
    }

    /// One more connection is at work.
    pub(super) fn enlist(&self) {
        let mut state = self.lock();
        state.workers = state.workers.saturating_add(1);
    }

    /// A connection that counts as at work until the answer is dropped, also by a panic.
    pub(super) fn presence(&self) -> Presence<'_> {
        Presence(self)
    }

    /// Adds slots at the end of a lane; the number of the first.
    pub(super) fn slots(&self, lane: usize, count: usize) -> usize {
        let mut state = self.lock();
        let Some(lane) = state.lanes.get_mut(lane) else { return 0 };
        let first = lane.past.saturating_add(lane.slots.len());
        lane.slots.extend((0..count).map(|_| Slot::default()));
        first
    }

    /// Lays something into a slot; waits while too much is held.
    pub(super) fn put(
        &self,
        lane: usize,
        slot: usize,
        told: impl IntoIterator<Item = Told>,
    ) -> Result<(), Stopped> {
        let told: Vec<Told> = told.into_iter().collect();
        let bytes: usize = told.iter().map(weight).sum();
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return Err(Stopped);
            }
            let (held, is_front_lane) = (state.held, state.front == lane);
            let Some(target) = state.lanes.get_mut(lane) else { return Err(Stopped) };
            let is_front = is_front_lane && target.past == slot;
            let Some(place) = slot.checked_sub(target.past).and_then(|at| target.slots.get_mut(at)) else {
                return Err(Stopped);
            };
            let fits = held.saturating_add(bytes) <= HELD
                || (is_front && (place.told.is_empty() || place.bytes.saturating_add(bytes) <= FRONT));
            if fits {
                place.told.extend(told);
                place.bytes = place.bytes.saturating_add(bytes);
                state.held = state.held.saturating_add(bytes);
                self.changed.notify_all();
                return Ok(());
            }
            state = self.wait(state);
        }
    }

    /// Lays something into a slot that its connection holds anyway, when it can wait for nothing any more: also after
    /// the run was stopped. What is told in order before it is told all the same.
    pub(super) fn put_last(&self, lane: usize, slot: usize, told: Vec<Told>) {
        let bytes: usize = told.iter().map(weight).sum();
        let mut state = self.lock();
        if let Some(lane) = state.lanes.get_mut(lane)
            && let Some(place) = slot.checked_sub(lane.past).and_then(|at| lane.slots.get_mut(at))
        {
            place.told.extend(told);
            place.bytes = place.bytes.saturating_add(bytes);
            state.held = state.held.saturating_add(bytes);
        }
        self.changed.notify_all();
    }

    /// Nothing more comes into a slot.
    pub(super) fn close(&self, lane: usize, slot: usize) {
        let mut state = self.lock();
        if let Some(lane) = state.lanes.get_mut(lane)
            && let Some(slot) = slot.checked_sub(lane.past).and_then(|at| lane.slots.get_mut(at))
        {
            slot.is_closed = true;
        }
        self.changed.notify_all();
    }

    /// No more slots come into a lane.
    pub(super) fn close_lane(&self, lane: usize) {
        if let Some(lane) = self.lock().lanes.get_mut(lane) {
            lane.is_closed = true;
            lane.work = None;
        }
        self.changed.notify_all();
    }

    /// Lets others help with the chunks of an epoch, of which the slots begin at `first`.
    pub(super) fn publish(&self, lane: usize, epoch: Arc<Epoch>, first: usize) {
        if let Some(lane) = self.lock().lanes.get_mut(lane) {
            let (back, tally) = (Vec::new(), Tally::default());
            lane.work = Some(Work { epoch, first, next: 0, back, done: 0, tally, stale: None });
        }
        self.changed.notify_all();
    }

    /// The next chunk of a lane that nobody has taken, with its slot.
    pub(super) fn chunk(&self, lane: usize) -> Option<(usize, usize)> {
        let mut state = self.lock();
        let work = state.lanes.get_mut(lane)?.work.as_mut()?;
        let chunk = work.take()?;
        Some((chunk, work.first.saturating_add(chunk)))
    }

    /// Gives a chunk back that was taken and not done.
    pub(super) fn give_back(&self, lane: usize, chunk: usize) {
        let mut state = self.lock();
        if let Some(work) = state.lanes.get_mut(lane).and_then(|l| l.work.as_mut()) {
            work.back.push(chunk);
            work.back.sort_unstable_by(|a, b| b.cmp(a));
        }
        self.changed.notify_all();
    }

    /// A chunk is done; its slot gets nothing more.
    pub(super) fn done(&self, lane: usize, slot: usize, came: Tally) {
        {
            let mut state = self.lock();
            if let Some(work) = state.lanes.get_mut(lane).and_then(|l| l.work.as_mut()) {
                work.done = work.done.saturating_add(1);
                work.tally.taken = work.tally.taken.saturating_add(came.taken);
                work.tally.failed = work.tally.failed.saturating_add(came.failed);
                work.tally.gone = work.tally.gone.saturating_add(came.gone);
            }
        }
        self.close(lane, slot);
    }

    /// The epoch is over on the server.
    pub(super) fn set_stale(&self, lane: usize, why: Stale) {
        if let Some(work) = self.lock().lanes.get_mut(lane).and_then(|l| l.work.as_mut()) {
            work.stale.get_or_insert(why);
        }
    }

    /// Why the epoch is over, if it is.
    pub(super) fn stale(&self, lane: usize) -> Option<Stale> {
        self.lock().lanes.get(lane)?.work.as_ref()?.stale.clone()
    }

    /// Waits until all chunks of a lane are done, or one was given back.
    pub(super) fn settle(&self, lane: usize) -> Result<Option<Tally>, Stopped> {
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return Err(Stopped);
            }
            let Some(work) = state.lanes.get(lane).and_then(|l| l.work.as_ref()) else {
                return Ok(Some(Tally::default()));
            };
            if work.done >= work.epoch.chunks.len() {
                return Ok(Some(work.tally));
            }
            if !work.back.is_empty() {
                return Ok(None);
            }
            state = self.wait(state);
        }
    }

    /// What a connection is to do next; waits until there is something.
    pub(super) fn claim(&self) -> Claim {
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return Claim::Nothing;
            }
            let ahead = state.front.saturating_add(AHEAD.saturating_mul(state.workers.max(1)));
            let front = state.front;
            let free = state.lanes.iter().enumerate().skip(front).find_map(|(number, lane)| {
                let work = lane.work.as_ref()?;
                // The leader needs two to keep its connection busy.
                (work.left() > 2).then(|| Claim::Help(number, Arc::clone(&work.epoch)))
            });
            if let Some(help) = free {
                return help;
            }
            if let Some(lane) = state.unled.pop() {
                return Claim::Lead(lane);
            }
            if state.next < state.lanes.len() && state.next <= ahead {
                let lane = state.next;
                state.next = lane.saturating_add(1);
                return Claim::Lead(lane);
            }
            let is_over = state.next >= state.lanes.len() && state.lanes.iter().all(|l| l.is_closed);
            if is_over {
                return Claim::Nothing;
            }
            state = self.wait(state);
        }
    }

    /// Gives a folder back that was claimed and not begun.
    pub(super) fn unclaim(&self, lane: usize) {
        self.lock().unled.push(lane);
        self.changed.notify_all();
    }

    /// Tells everything in order until all lanes are empty and all connections have left.
    ///
    /// # Errors
    /// What stopped the run. What was told before it stays told.
    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> Result<(), AcquireError> {
        self.aside.set_drained(true);
        let told = self.tell_all(sink);
        self.aside.set_drained(false);
        told
    }

    fn tell_all(&self, sink: &mut Sink<'_>) -> Result<(), AcquireError> {
        let mut is_long = false;
        loop {
            let (batch, bytes) = {
                let mut state = self.lock();
                loop {
                    // Nothing stands between the parts of a long message, so what is aside waits for its end.
                    if let Some(told) = self.aside.take_unless(is_long) {
                        break (told, 0);
                    }
                    if let Some(batch) = state.next_batch() {
                        break batch;
                    }
                    if state.workers == 0 {
                        return match state.error.take() {
                            Some(error) => Err(error),
                            None if self.is_stopped() => Err(AcquireError::Stopped),
                            None => Ok(()),
                        };
                    }
                    state = self.wait(state);
                }
            };
            for told in batch {
                let was_long = is_long;
                match &told {
                    Told::LongStart { .. } => is_long = true,
                    Told::LongEnd { .. } | Told::LongBroken => is_long = false,
                    _ => {}
                }
                if is_long != was_long {
                    // A connection that waits for room aside may be the one that the long message comes over.
                    self.aside.set_drained(!is_long);
                }
                if sink(told) == ControlFlow::Break(()) {
                    self.stop.store(true, Ordering::Relaxed);
                    self.changed.notify_all();
                    return Err(AcquireError::Stopped);
                }
            }
            let mut state = self.lock();
            state.held = state.held.saturating_sub(bytes);
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// A connection at work.
pub(super) struct Presence<'s>(&'s Shelf);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.workers = state.workers.saturating_sub(1);
        self.0.changed.notify_all();
    }
}

impl Work {
    fn take(&mut self) -> Option<usize> {
        if let Some(chunk) = self.back.pop() {
            return Some(chunk);
        }
        let chunk = self.next;
        if chunk >= self.epoch.chunks.len() {
            return None;
        }
        self.next = chunk.saturating_add(1);
        Some(chunk)
    }

    fn left(&self) -> usize {
        self.epoch.chunks.len().saturating_sub(self.next).saturating_add(self.back.len())
    }
}

impl State {
    /// What is to be told next, with the bytes that it holds; `None` when it has not come yet.
    fn next_batch(&mut self) -> Option<(VecDeque<Told>, usize)> {
        loop {
            let lane = self.lanes.get_mut(self.front)?;
            match lane.slots.front_mut() {
                Some(slot) if !slot.told.is_empty() => {
                    let bytes = std::mem::take(&mut slot.bytes);
                    return Some((std::mem::take(&mut slot.told), bytes));
                }
                Some(slot) if slot.is_closed => {
                    lane.slots.pop_front();
                    lane.past = lane.past.saturating_add(1);
                }
                None if lane.is_closed => self.front = self.front.saturating_add(1),
                _ => return None,
            }
        }
    }
}

/// Bytes that something holds, near enough.
fn weight(told: &Told) -> usize {
    match told {
        Told::Message(message) => {
            message.bytes.len().saturating_add(message.server.weight()).saturating_add(500)
        }
        Told::Other(other) => other.bytes.len().saturating_add(500),
        Told::Part(bytes) | Told::Transcript(bytes) => bytes.len(),
        _ => 300,
    }
}
