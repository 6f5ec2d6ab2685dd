//! The one pipeline: what one thread makes is worked on by many and written by one, in the order in which it was made.
//!
//! What is on its way is weighed, when it is handed over and again when its work is done, and waits outside while
//! there is no room: memory is bounded whatever comes and however many workers there are.

mod gate;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

use super::IngestError;
use gate::Gate;

/// Bytes that may be on their way: evidence that was read, and what was read from it, until it is written.
const ROOM: usize = 48 << 20;

/// Most workers. Each holds some 15 MB beside what is weighed (tables of the compressor and of the index, texts on
/// their way), and with more of them there would be no room for what they work on.
pub const MOST_WORKERS: usize = 4;

/// Number of workers that are used when so many are asked for.
pub fn workers(threads: usize) -> usize {
    threads.clamp(1, MOST_WORKERS)
}

/// Something that takes memory while it is on its way.
pub(super) trait Weigh {
    /// Bytes of memory that it takes, near enough.
    fn weight(&self) -> usize;
}

/// Workers that are used for one pipeline after the other.
#[derive(Debug)]
pub(super) struct Engine {
    pool: rayon::ThreadPool,
    room: usize,
}

/// The first thing that went wrong, for all threads to see.
#[derive(Debug)]
struct Failure<E>(Mutex<Option<E>>);

impl<E> Failure<E> {
    fn set(&self, error: E) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Where the producer hands over what it made.
pub(super) struct Feed<'a, J, E> {
    start: &'a dyn Fn(J, usize),
    gate: &'a Gate,
    failure: &'a Failure<E>,
}

impl<J, E> std::fmt::Debug for Feed<'_, J, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl<J: Weigh, E> Feed<'_, J, E> {
    /// Hands over the next job; waits while there is no room for it.
    pub(super) fn push(&self, job: J) {
        let weight = job.weight();
        self.gate.enter(weight);
        (self.start)(job, weight);
    }

    /// Waits until everything that was handed over is written.
    pub(super) fn wait_written(&self) {
        self.gate.wait_empty();
    }

    /// Whether something went wrong, so that there is no sense in going on.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_set()
    }

    /// Says what went wrong in the producer.
    pub(super) fn fail(&self, error: E) {
        self.failure.set(error);
    }
}

impl Engine {
    /// Some workers.
    ///
    /// # Errors
    /// [`IngestError::Worker`] when the system gives no threads.
    pub(super) fn new(threads: usize) -> Result<Self, IngestError> {
        Self::with_room(threads, ROOM)
    }

    /// The same with so many bytes on their way.
    pub(super) fn with_room(threads: usize, room: usize) -> Result<Self, IngestError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers(threads)).build();
        Ok(Self { pool: pool.map_err(|_| IngestError::Worker)?, room })
    }

    /// Number of workers.
    pub(super) fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `produce` on this thread, `work` on the workers and `write` on a thread of its own. Jobs are numbered
    /// from 0 and taken by workers in that order. After the first error nothing is written any more.
    ///
    /// # Errors
    /// The first that `work`, `write` or the producer gave; [`IngestError::Worker`] when `work` panicked.
    pub(super) fn run<J, D, E, R>(
        &self,
        work: impl Fn(u64, J) -> Result<D, E> + Sync,
        mut write: impl FnMut(D) -> Result<(), E> + Send,
        produce: impl FnOnce(&Feed<'_, J, E>) -> R,
    ) -> Result<R, E>
    where
        J: Weigh + Send,
        D: Weigh + Send,
        E: From<IngestError> + Send,
    {
        let (gate, failure) = (&Gate::new(self.room), &Failure(Mutex::new(None)));
        let (send, receive) = mpsc::channel();
        let produced = std::thread::scope(|threads| {
            threads.spawn(|| write_in_order(receive, &mut write, gate, failure));
            self.produce(send, gate, failure, &work, produce)
        });
        let failed = failure.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(produced), Err)
    }

    /// The same with `write` on this thread and `produce` on one of its own.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) fn run_writing_here<J, D, E>(
        &self,
        work: impl Fn(u64, J) -> Result<D, E> + Sync,
        mut write: impl FnMut(D) -> Result<(), E>,
        produce: impl FnOnce(&Feed<'_, J, E>) + Send,
    ) -> Result<(), E>
    where
        J: Weigh + Send,
        D: Weigh + Send,
        E: From<IngestError> + Send,
    {
        let (gate, failure) = (&Gate::new(self.room), &Failure(Mutex::new(None)));
        let (send, receive) = mpsc::channel();
        std::thread::scope(|threads| {
            threads.spawn(|| self.produce(send, gate, failure, &work, produce));
            write_in_order(receive, &mut write, gate, failure);
        });
        let failed = failure.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(()), Err)
    }

    /// The producer and the workers, until all is written.
    #[expect(clippy::needless_pass_by_value, reason = "the writer ends when the last sender is gone")]
    fn produce<J, D, E, R>(
        &self,
        send: mpsc::Sender<Sent<D, E>>,
        gate: &Gate,
        failure: &Failure<E>,
        work: &(impl Fn(u64, J) -> Result<D, E> + Sync),
        produce: impl FnOnce(&Feed<'_, J, E>) -> R,
    ) -> R
    where
        J: Weigh + Send,
        D: Weigh + Send,
        E: From<IngestError> + Send,
    {
        self.pool.in_place_scope_fifo(|scope| {
            let number = Cell::new(0);
            let start = |job: J, weight: usize| {
                let send = send.clone();
                let number = number.replace(number.get() + 1);
                scope.spawn_fifo(move |_| {
                    let done = catch_unwind(AssertUnwindSafe(|| work(number, job)));
                    let done = done.unwrap_or_else(|_| Err(IngestError::Worker.into()));
                    let after = done.as_ref().map_or(0, Weigh::weight);
                    gate.reweigh(weight, after);
                    // The writer is there until all senders are gone.
                    send.send((number, after, done)).unwrap_or_default();
                });
            };
            let produced = produce(&Feed { start: &start, gate, failure });
            gate.wait_empty();
            produced
        })
    }
}

/// What a worker gives on: the number of the job, the weight of what was made of it, and that.
type Sent<D, E> = (u64, usize, Result<D, E>);

fn write_in_order<D, E>(
    receive: mpsc::Receiver<Sent<D, E>>,
    write: &mut impl FnMut(D) -> Result<(), E>,
    gate: &Gate,
    failure: &Failure<E>,
) {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, weight, done) in receive {
        early.insert(number, (weight, done));
        while let Some((weight, done)) = early.remove(&next) {
            next += 1;
            let wrote = match done {
                Ok(_) if failure.is_set() => Ok(()),
                Ok(done) => write(done),
                Err(error) => Err(error),
            };
            if let Err(error) = wrote {
                failure.set(error);
            }
            gate.leave(weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Weighs what it says.
    struct Job(u64, usize);

    impl Weigh for Job {
        fn weight(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn what_is_made_is_written_in_order_and_never_more_is_on_its_way_than_there_is_room_for() {
        let engine = Engine::with_room(4, 100).unwrap();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut seen = Vec::new();
        let done: Result<(), IngestError> = engine.run(
            |number, job: Job| {
                most.fetch_max(inside.fetch_add(job.1, Ordering::SeqCst) + job.1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_micros(200 * (7 - number % 7)));
                Ok(job)
            },
            |job: Job| {
                inside.fetch_sub(job.1, Ordering::SeqCst);
                seen.push(job.0);
                Ok(())
            },
            |feed| (0..200).for_each(|n| feed.push(Job(n, usize::try_from(n % 60).unwrap()))),
        );
        done.unwrap();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 100, "{most:?}");
    }

    #[test]
    fn something_heavier_than_all_room_goes_alone() {
        let engine = Engine::with_room(2, 10).unwrap();
        let mut sum = 0;
        let done: Result<(), IngestError> = engine.run(
            |_, job: Job| Ok(Job(job.0, 5000)),
            |job: Job| {
                sum += job.0;
                Ok(())
            },
            |feed| (0..50).for_each(|n| feed.push(Job(n, 1000))),
        );
        done.unwrap();
        assert_eq!(sum, 49 * 25);
    }

    #[test]
    fn after_an_error_or_a_panic_nothing_is_written() {
        for (at, panics) in [(3, false), (5, true)] {
            let engine = Engine::with_room(2, 1000).unwrap();
            let mut seen = Vec::new();
            let done = engine.run(
                |number, job: Job| {
                    assert!(number != at || !panics, "as asked");
                    if number == at { Err(IngestError::Stopped) } else { Ok(job) }
                },
                |job: Job| {
                    seen.push(job.0);
                    Ok(())
                },
                |feed| {
                    for n in 0..1000 {
                        feed.push(Job(n, 100));
                        if feed.has_failed() {
                            return n;
                        }
                    }
                    1000
                },
            );
            assert!(matches!(done, Err(IngestError::Stopped | IngestError::Worker)));
            assert_eq!(seen, (0..at).collect::<Vec<_>>());
        }
    }
}
