//! Chunks of messages: asked for ahead, missing ones asked for again, laid on the shelf in order.

use std::collections::VecDeque;

use super::bodies::{Got, Job, size_note};
use super::long::{End, Long};
use super::plan::Epoch;
use super::shelf::{Stopped, Tally};
use super::worker::{Fault, Worker};
use crate::acquire::wire::WireError;
use crate::acquire::{AcquireError, Left, Told, Why};

/// Jobs at hand at once: the second is asked for when the first has come and only the end of its command is to come. Not before:
/// a server may work on two commands by turns, and then looks at sizes in no order ([`super::round`]).
const UNDER_WAY: usize = 2;

impl Worker<'_> {
    /// Fetches chunks of an epoch until none is left.
    ///
    /// # Errors
    /// What ends this connection for good; chunks that were not done are given back.
    pub(super) fn work(&mut self, lane: usize, epoch: &Epoch) -> Result<(), AcquireError> {
        let mut jobs = VecDeque::new();
        let outcome = self.work_on(lane, epoch, &mut jobs);
        if outcome.is_err() {
            for job in &jobs {
                self.shelf.give_back(lane, job.chunk);
            }
        }
        outcome
    }

    fn work_on(&mut self, lane: usize, epoch: &Epoch, jobs: &mut VecDeque<Job>) -> Result<(), AcquireError> {
        loop {
            // A long message, or one that makes trouble, has the connection for itself.
            let may_take = jobs.back().is_none_or(|job| !job.is_long)
                && jobs.iter().all(|job| !job.is_answered && job.tries == 0);
            if jobs.len() < UNDER_WAY
                && may_take
                && let Some((chunk, slot)) = self.shelf.chunk(lane)
            {
                jobs.extend(Job::new(epoch, chunk, slot));
                continue;
            }
            let Some(front) = jobs.front() else { return Ok(()) };
            let before = front.count();
            match self.step(lane, epoch, jobs) {
                Ok(()) => {}
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Wire(error)) => {
                    let has_gained = jobs.front().is_some_and(|job| job.count() > before);
                    if has_gained {
                        self.lucky();
                    }
                    self.lose(&error)?;
                    for job in jobs.iter_mut() {
                        job.tag = None;
                    }
                    let again = self.order.limits.again;
                    let Some(front) = jobs.front_mut() else { continue };
                    front.tries = if has_gained { 0 } else { front.tries.saturating_add(1) };
                    if front.tries > again {
                        self.give_up(front, &error)?;
                    }
                }
            }
        }
    }

    /// The connection broke again and again over a job: first its messages are asked for one by one, then the first is given up.
    fn give_up(&mut self, job: &mut Job, error: &WireError) -> Result<(), AcquireError> {
        job.tries = 1;
        if !job.is_answered {
            job.is_answered = true;
            return Ok(());
        }
        self.hopeless = self.hopeless.saturating_add(1);
        if self.hopeless > self.order.limits.again {
            return Err(error.clone().into_error(&self.order.account.host));
        }
        if let Some(at) = job.rows.iter().position(|(_, got)| *got == Got::Nothing) {
            job.settle(at, Got::Failed(format!("the connection broke each time it was asked for: {error}")));
        }
        Ok(())
    }

    /// One step with the jobs under way.
    fn step(&mut self, lane: usize, epoch: &Epoch, jobs: &mut VecDeque<Job>) -> Result<(), Fault> {
        if self.shelf.is_stopped() {
            return Err(Fault::Fatal(AcquireError::Stopped));
        }
        let needs_server = jobs.iter().any(|job| !job.is_complete());
        if needs_server && (self.shelf.stale(lane).is_some() || !self.enter(lane, epoch)?) {
            let why = self.shelf.stale(lane).map(|stale| stale.text).unwrap_or_default();
            for job in jobs.iter_mut() {
                job.settle_rest(&|| Got::Gone(why.clone()));
                if job.tag.take().is_some() {
                    // Its answers are still to come and nobody wants them.
                    self.drop_session();
                }
            }
        }
        let first_long = jobs.front().is_some_and(|job| job.is_long && !job.is_complete());
        if let (true, Some(job)) = (first_long, jobs.front_mut()) {
            // What was told to be long is fetched in parts from the start.
            job.settle_rest(&|| Got::Long);
        }
        if let Some(job) = jobs.iter_mut().find(|job| !job.is_complete())
            && job.is_to_send()
        {
            job.send(self.session().map_err(Fault::Fatal)?, epoch)?;
        }
        let Some((job, behind)) = jobs.make_contiguous().split_first_mut() else { return Ok(()) };
        if job.tag.is_some() {
            let session = self.session().map_err(Fault::Fatal)?;
            let status = job.receive(session, epoch, behind)?;
            let is_throttled = !status.is_ok() && status.is_passing();
            if job.count() > 0 {
                self.lucky();
            }
            self.hand_on_transcript(false);
            if is_throttled && !job.is_complete() && job.tries < self.order.limits.again {
                self.slow_down(job)?;
            } else {
                job.is_answered = true;
            }
            return Ok(());
        }
        if job.is_complete() {
            return self.finish(lane, epoch, jobs);
        }
        // Something is missing. What is under way behind it comes first.
        self.rest(epoch, behind)?;
        let Some(job) = jobs.front_mut() else { return Ok(()) };
        let session = self.session().map_err(Fault::Fatal)?;
        let status = job.single(session, epoch)?;
        if status.is_ok() {
            job.tries = 0;
        } else if job.tries < self.order.limits.again {
            self.slow_down(job)?;
        } else if let Some(at) = job.rows.iter().position(|(_, got)| *got == Got::Nothing) {
            job.settle(at, Got::Failed(status.said()));
        }
        Ok(())
    }

    /// Reads what is under way.
    fn rest(&mut self, epoch: &Epoch, mut jobs: &mut [Job]) -> Result<(), Fault> {
        while let Some((job, behind)) = jobs.split_first_mut() {
            if job.tag.is_some() {
                job.receive(self.session().map_err(Fault::Fatal)?, epoch, behind)?;
                job.is_answered = true;
            }
            jobs = behind;
        }
        Ok(())
    }

    /// The server asks for patience.
    fn slow_down(&mut self, job: &mut Job) -> Result<(), Fault> {
        self.pause(job.tries.saturating_add(1)).map_err(|Stopped| Fault::Fatal(AcquireError::Stopped))?;
        job.tries = job.tries.saturating_add(1);
        Ok(())
    }

    fn drop_session(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.wire.close();
            self.hand_on(&mut session, true);
        }
        self.opened = None;
    }

    /// The front job has all it can get: it is told, long messages in parts.
    fn finish(&mut self, lane: usize, epoch: &Epoch, jobs: &mut VecDeque<Job>) -> Result<(), Fault> {
        let stopped = |Stopped| Fault::Fatal(AcquireError::Stopped);
        let has_long = jobs.front().is_some_and(|job| job.rows.iter().any(|(_, got)| *got == Got::Long));
        if has_long {
            // It has the connection for itself: what is under way behind it comes first.
            self.rest(
                epoch,
                jobs.make_contiguous().split_first_mut().map(|(_, rest)| rest).unwrap_or_default(),
            )?;
        }
        let Some(mut job) = jobs.pop_front() else { return Ok(()) };
        let mut tally = Tally::default();
        loop {
            let told = job.tell(epoch, &mut tally);
            self.shelf.put(lane, job.slot, told).map_err(stopped)?;
            let Some((row, _)) = job.rows.first() else { break };
            let row = *row;
            // From here on the chunk is partly told, so it cannot be given back: it is settled whatever happens.
            let outcome = self.long(lane, epoch, row, job.slot)?;
            match outcome {
                Ok(()) => tally.taken = tally.taken.saturating_add(1),
                Err((Why::Gone, _)) => tally.gone = tally.gone.saturating_add(1),
                Err(_) => tally.failed = tally.failed.saturating_add(1),
            }
            job.settle(0, Got::Told);
        }
        self.hand_on_transcript(false);
        self.shelf.done(lane, job.slot, tally);
        Ok(())
    }

    /// Fetches a long message to its end, over as many connections as it takes.
    fn long(
        &mut self,
        lane: usize,
        epoch: &Epoch,
        row: usize,
        slot: usize,
    ) -> Result<Result<(), (Why, String)>, Fault> {
        let shelf = self.shelf;
        let mut long = Long::new(row, shelf, lane, slot);
        let may_leave = !self.is_first;
        let outcome = loop {
            let fetched = match self.enter(lane, epoch) {
                Ok(true) => match self.session() {
                    Ok(session) => long.fetch(session, epoch),
                    // Others may go on with the rest; what was begun here is settled here.
                    Err(error) if may_leave && !shelf.is_stopped() => {
                        break Err((Why::Failed, error.to_string()));
                    }
                    Err(error) => return Err(Fault::Fatal(error)),
                },
                Ok(false) => break Err((Why::Gone, shelf.stale(lane).map(|s| s.text).unwrap_or_default())),
                Err(Fault::Wire(error)) => Err(error),
                Err(Fault::Fatal(error)) if may_leave && !shelf.is_stopped() => {
                    break Err((Why::Failed, error.to_string()));
                }
                Err(fatal) => return Err(fatal),
            };
            match fetched {
                Ok(End::Whole) => break Ok(()),
                Ok(End::Failed(why)) => break Err((Why::Failed, why)),
                Err(error) => {
                    self.lose(&error).map_err(Fault::Fatal)?;
                    long.tries = long.tries.saturating_add(1);
                    if long.tries > self.order.limits.again {
                        break Err((Why::Failed, format!("the connection broke each time: {error}")));
                    }
                }
            }
        };
        let at = epoch.place(row);
        let told = match &outcome {
            Ok(()) => {
                self.lucky();
                let server = epoch.listing.server(row);
                let notes = size_note(server.size, long.received);
                vec![Told::LongEnd { server, notes }]
            }
            Err((why, note)) => {
                let left = Told::Left(Left { at, why: *why, note: note.clone().into_bytes() });
                if long.is_begun { vec![Told::LongBroken, left] } else { vec![left] }
            }
        };
        shelf.put(lane, slot, told).map_err(|Stopped| Fault::Fatal(AcquireError::Stopped))?;
        Ok(outcome)
    }
}
