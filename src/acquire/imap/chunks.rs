//! Chunks of messages: asked for ahead, missing ones asked for again, laid on the shelf in order.

use std::collections::VecDeque;

use super::again::{self, Again};
use super::bodies::{Got, Job, size_note};
use super::long::{End, Long};
use super::plan::Epoch;
use super::shelf::{Stale, Stopped};
use super::worker::{Fault, Worker};
use crate::acquire::other::other;
use crate::acquire::wire::WireError;
use crate::acquire::{AcquireError, Notice, Refetched, Told};

/// Jobs at hand at once: the second is asked for when the first has come and only the end of its command is to come.
/// Not before: a server may work on two commands by turns, and then looks at sizes in no order ([`super::round`]).
const UNDER_WAY: usize = 2;

/// The jobs of a connection in a folder.
#[derive(Default)]
struct Jobs {
    /// In order; commands for the first of them may be under way.
    open: VecDeque<Job>,
    /// Before these: jobs that are done but for messages over which each connection broke. They are told as failed once
    /// a message comes after all; when none does it is the server that has failed, and the next run asks for them
    /// again.
    doubtful: Vec<Job>,
}

impl Worker<'_> {
    /// Fetches chunks of an epoch until none is left. `is_lead` says that the run ends when this connection does.
    ///
    /// # Errors
    /// What ends this connection for good; chunks that were not done are given back, or kept as far as they came.
    pub(super) fn work(&mut self, lane: usize, epoch: &Epoch, is_lead: bool) -> Result<(), AcquireError> {
        let mut jobs = Jobs::default();
        let outcome = self.work_on(lane, epoch, &mut jobs);
        if outcome.is_err() {
            let rest = jobs.doubtful.into_iter().chain(jobs.open);
            if is_lead || self.is_first || self.shelf.is_stopped() {
                self.keep(lane, epoch, rest);
            } else {
                rest.for_each(|job| self.hand_back(lane, epoch, job));
            }
        }
        outcome
    }

    /// The run ends: what came whole before the first message that did not is told, so that it need not come again.
    fn keep(&self, lane: usize, epoch: &Epoch, jobs: impl Iterator<Item = Job>) {
        for mut job in jobs {
            let told = job.tell_whole(epoch, self.order.refetch);
            self.shelf.put_last(lane, job.slot, told);
            if !job.rows.is_empty() {
                // The slot stays open, so that nothing behind it is told.
                return;
            }
            self.shelf.done(lane, job.slot, job.tally);
        }
    }

    /// This connection ends and the run goes on: another one may do it all, unless something of it has been told.
    fn hand_back(&self, lane: usize, epoch: &Epoch, mut job: Job) {
        if !job.is_begun(epoch) {
            self.shelf.give_back(lane, job.chunk);
            return;
        }
        for (_, got) in &mut job.rows {
            if matches!(got, Got::Nothing | Got::Long) {
                *got = Got::Failed("the connection ended while it was fetched".to_owned());
            }
        }
        let told = job.tell(epoch);
        self.shelf.put_last(lane, job.slot, told);
        self.shelf.done(lane, job.slot, job.tally);
    }

    fn work_on(&mut self, lane: usize, epoch: &Epoch, jobs: &mut Jobs) -> Result<(), AcquireError> {
        loop {
            // A long message, or one that makes trouble, has the connection for itself.
            let may_take = jobs.open.back().is_none_or(|job| !job.is_long)
                && jobs.open.iter().all(|job| !job.is_answered && job.tries == 0);
            if jobs.open.len() < UNDER_WAY
                && may_take
                && let Some((chunk, slot)) = self.shelf.chunk(lane)
            {
                jobs.open.extend(Job::new(epoch, chunk, slot));
                continue;
            }
            let stepped = if let Some(front) = jobs.open.front() {
                let before = front.count();
                (before, self.step(lane, epoch, jobs))
            } else {
                // Nothing is left that could show whether the server is at fault.
                match self.settle_doubtful(lane, epoch, jobs) {
                    Ok(()) => return Ok(()),
                    failed => (0, failed),
                }
            };
            match stepped {
                (_, Ok(())) => {}
                (_, Err(Fault::Fatal(error))) => return Err(error),
                (before, Err(Fault::Wire(error))) => {
                    let has_gained = jobs.open.front().is_some_and(|job| job.count() > before);
                    if has_gained {
                        self.lucky();
                    }
                    self.lose(&error)?;
                    for job in &mut jobs.open {
                        job.tag = None;
                    }
                    let again = self.order.limits.again;
                    let Some(front) = jobs.open.front_mut() else { continue };
                    front.tries = if has_gained { 0 } else { front.tries.saturating_add(1) };
                    if front.tries > again {
                        self.give_up(front, &error)?;
                    }
                }
            }
        }
    }

    /// The connection broke again and again over a job: first its messages are asked for one by one, then the first is
    /// given up.
    fn give_up(&mut self, job: &mut Job, error: &WireError) -> Result<(), AcquireError> {
        job.tries = 1;
        if !job.is_answered {
            job.is_answered = true;
            return Ok(());
        }
        if job.is_complete() {
            // Once they came: that stands, whatever becomes of the second time.
            job.recheck_failed(&format!("the connection broke each time: {error}"));
            return Ok(());
        }
        self.without_hope(error)?;
        if let Some(at) = job.rows.iter().position(|(_, got)| *got == Got::Nothing) {
            job.settle(at, Got::Broken(broken(error)));
        }
        Ok(())
    }

    /// One more message is given up; so many in a row end the run.
    fn without_hope(&mut self, error: &WireError) -> Result<(), AcquireError> {
        self.hopeless = self.hopeless.saturating_add(1);
        if self.hopeless > self.order.limits.again {
            return Err(error.clone().into_error(&self.order.account.host));
        }
        Ok(())
    }

    /// One step with the jobs under way.
    fn step(&mut self, lane: usize, epoch: &Epoch, all: &mut Jobs) -> Result<(), Fault> {
        if self.shelf.is_stopped() {
            return Err(Fault::Fatal(AcquireError::Stopped));
        }
        let refetch = self.order.refetch;
        let jobs = &mut all.open;
        let needs_server = jobs.iter().any(|job| !job.is_complete() || (refetch && job.is_to_recheck()));
        if needs_server && (self.shelf.stale(lane).is_some() || !self.enter(lane, epoch)?) {
            let stale = self.shelf.stale(lane);
            for job in jobs.iter_mut() {
                job.settle_rest(&|| left_behind(stale.as_ref()));
                if refetch {
                    job.recheck_failed(stale.as_ref().map_or("", |stale| &stale.text));
                }
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
            let before = job.count();
            let status = job.receive(session, epoch, behind)?;
            let is_throttled = !status.is_ok() && status.is_passing();
            if job.count() > before {
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
        let is_complete = job.is_complete();
        if is_complete && !(refetch && job.is_to_recheck()) {
            return self.finish_front(lane, epoch, all);
        }
        // Something is missing. What is under way behind it comes first.
        self.rest(epoch, behind)?;
        let Some(job) = jobs.front_mut() else { return Ok(()) };
        let before = job.count();
        let session = self.session().map_err(Fault::Fatal)?;
        let status = if is_complete { job.recheck(session, epoch)? } else { job.single(session, epoch)? };
        if job.count() > before {
            self.lucky();
        }
        self.hand_on_transcript(false);
        if is_complete {
            if status.is_passing() && job.is_to_recheck() && job.tries < self.order.limits.again {
                return self.slow_down(job);
            }
            job.recheck_failed(&if status.is_ok() {
                "the server did not give it".to_owned()
            } else {
                status.said()
            });
        } else if status.is_ok() {
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

    /// The front job has all it can get.
    fn finish_front(&mut self, lane: usize, epoch: &Epoch, jobs: &mut Jobs) -> Result<(), Fault> {
        let has_long = jobs.open.front().is_some_and(|job| job.rows.iter().any(|(_, got)| *got == Got::Long));
        if has_long {
            // It has the connection for itself: what is under way behind it comes first.
            let behind = jobs.open.make_contiguous().split_first_mut().map(|(_, rest)| rest);
            self.rest(epoch, behind.unwrap_or_default())?;
        }
        let is_doubtful = jobs.open.front().is_some_and(Job::is_doubtful) && self.hopeless > 0;
        if !is_doubtful {
            self.settle_doubtful(lane, epoch, jobs)?;
            let Some(job) = jobs.open.front_mut() else { return Ok(()) };
            if !self.finish(lane, epoch, job, false)? {
                jobs.open.pop_front();
                return Ok(());
            }
        }
        jobs.doubtful.extend(jobs.open.pop_front());
        Ok(())
    }

    /// The server goes on, or nothing is left to ask it for: what each connection broke over has failed.
    fn settle_doubtful(&mut self, lane: usize, epoch: &Epoch, jobs: &mut Jobs) -> Result<(), Fault> {
        while let Some(job) = jobs.doubtful.first_mut() {
            self.finish(lane, epoch, job, true)?;
            jobs.doubtful.remove(0);
        }
        Ok(())
    }

    /// Tells a job, its long messages in parts. Says whether it became doubtful; with `is_final` it is told all the
    /// same.
    fn finish(&mut self, lane: usize, epoch: &Epoch, job: &mut Job, is_final: bool) -> Result<bool, Fault> {
        let stopped = |Stopped| Fault::Fatal(AcquireError::Stopped);
        loop {
            if !is_final && job.is_doubtful() && self.hopeless > 0 {
                return Ok(true);
            }
            let told = job.tell(epoch);
            self.shelf.put(lane, job.slot, told).map_err(stopped)?;
            let Some((row, _)) = job.rows.first() else { break };
            let got = self.long(lane, epoch, *row, job.slot)?;
            if got == Got::Told {
                job.tally.taken = job.tally.taken.saturating_add(1);
            }
            job.settle(0, got);
        }
        self.hand_on_transcript(false);
        self.shelf.done(lane, job.slot, job.tally);
        Ok(false)
    }

    /// Fetches a long message to its end, over as many connections as it takes, and hands it on. What is answered is
    /// never `Nothing`, `Bytes` or `Long`.
    fn long(&mut self, lane: usize, epoch: &Epoch, row: usize, slot: usize) -> Result<Got, Fault> {
        let shelf = self.shelf;
        let mut long = Long::new(row, shelf, lane, slot);
        let carried = self.carry(lane, epoch, &mut long);
        if !matches!(carried, Ok(Carried::Whole)) && long.is_begun {
            shelf.put_last(lane, slot, vec![Told::LongBroken]);
        }
        let got = match carried? {
            Carried::Whole => Got::Told,
            Carried::Left(got) => return Ok(got),
            Carried::Broken(error) => {
                self.without_hope(&error).map_err(Fault::Fatal)?;
                return Ok(Got::Broken(broken(&error)));
            }
        };
        self.lucky();
        let mut told = Vec::new();
        let path = epoch.place(row).path;
        let mut notice = |code, text| {
            let path = Some(path.clone());
            told.push(Told::Notice(Notice { code, path, text, is_partial: false }));
        };
        if long.connections > 1 {
            let text = format!("its parts came over {} connections and were put together", long.connections);
            notice("joined-over-connections", text);
        }
        if let Some(text) = long.told() {
            notice("body-in-doubt", text);
        }
        if long.surplus > 0 {
            let text =
                format!("{} parts of it came that were not asked for, and were not looked at", long.surplus);
            notice("body-twice", text);
        }
        if self.order.refetch {
            let again = self.second(lane, epoch, &long, &mut told)?;
            let mut sum = Refetched { path: epoch.path.clone(), ..Refetched::default() };
            again.tell(path, &mut sum, &mut told);
            told.push(Told::Refetched(sum));
        }
        let server = epoch.listing.server(row);
        let notes = size_note(server.size, long.received);
        told.push(Told::LongEnd { server, notes });
        shelf.put(lane, slot, told).map_err(|Stopped| Fault::Fatal(AcquireError::Stopped))?;
        Ok(got)
    }

    /// Fetches a long message a second time, and compares the digests.
    fn second(
        &mut self,
        lane: usize,
        epoch: &Epoch,
        long: &Long<'_>,
        told: &mut Vec<Told>,
    ) -> Result<Again, Fault> {
        let mut second = long.second();
        let why = match self.carry(lane, epoch, &mut second)? {
            Carried::Whole => {
                let (first, again) = (long.digest(), second.digest());
                if first == again {
                    return Ok(Again::Alike);
                }
                let path = epoch.place(long.row).path;
                told.push(other(path, again::HOW, first, again, second.received, None));
                return Ok(Again::Differ);
            }
            Carried::Left(Got::Gone(why) | Got::Failed(why)) => why,
            Carried::Left(_) => "the server did not give it".to_owned(),
            Carried::Broken(error) => broken(&error),
        };
        Ok(Again::Failed(why))
    }

    /// Fetches a long message over as many connections as it takes.
    ///
    /// # Errors
    /// What ends this connection for good.
    fn carry(&mut self, lane: usize, epoch: &Epoch, long: &mut Long<'_>) -> Result<Carried, Fault> {
        loop {
            let fetched = match self.enter(lane, epoch) {
                Ok(true) => long.fetch(self.session().map_err(Fault::Fatal)?, epoch),
                Ok(false) => return Ok(Carried::Left(left_behind(self.shelf.stale(lane).as_ref()))),
                Err(Fault::Wire(error)) => Err(error),
                Err(fatal) => return Err(fatal),
            };
            match fetched {
                Ok(End::Whole) => return Ok(Carried::Whole),
                Ok(End::Failed(why)) => return Ok(Carried::Left(Got::Failed(why))),
                Ok(End::Gone(why)) => return Ok(Carried::Left(Got::Gone(why))),
                Err(error) => {
                    self.lose(&error).map_err(Fault::Fatal)?;
                    long.tries = long.tries.saturating_add(1);
                    if long.tries > self.order.limits.again {
                        return Ok(Carried::Broken(error));
                    }
                }
            }
        }
    }
}

/// How a long message ended.
enum Carried {
    /// All of it came.
    Whole,
    /// The server does not give it.
    Left(Got),
    /// The connection broke each time.
    Broken(WireError),
}

/// What became of messages whose epoch is over on the server.
fn left_behind(stale: Option<&Stale>) -> Got {
    match stale {
        Some(stale) if stale.is_gone => Got::Gone(stale.text.clone()),
        Some(stale) => Got::Failed(stale.text.clone()),
        None => Got::Failed("the folder was left".to_owned()),
    }
}

fn broken(error: &WireError) -> String {
    format!("the connection broke each time it was asked for: {error}")
}
