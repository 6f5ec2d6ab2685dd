//! Fetches the messages of a chunk, and settles what a server gives twice, not at all, or of another size.

use std::collections::HashMap;

use super::again::Again;
use super::answer::{Answer, Kind, Status};
use super::beside::Beside;
use super::doubt::{Came, Doubts, Step, Weight, has_more, shows};
use super::fetch::{Body, Fetched};
use super::gone::{Lost, lost};
use super::plan::{Decision, Epoch};
use super::session::Session;
use super::shelf::Tally;
use super::taker::Taker;
use super::verb::{Set, Verb};
use crate::acquire::wire::WireError;
use crate::acquire::{Left, Message, Refetched, Told, Why};
use crate::types::digest::Sha256Stream;
use crate::types::{Anomaly, AnomalyKind, Sha256Digest};

/// How a body came that stands beside the one which is taken.
const TWICE: &str = "the server sent the message twice, and not alike";

/// What came of one message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Got {
    /// Nothing yet.
    #[default]
    Nothing,
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is longer than memory allows, whatever was announced: to be fetched in parts.
    Long,
    /// It was handed on in parts, or told otherwise.
    Told,
    /// The server does not give it, in these words.
    Failed(String),
    /// The connection broke each time that it was asked for: the server may be at fault, or about to go for good.
    Broken(String),
    /// The server has it no more.
    Gone(String),
}

/// A chunk under way.
#[derive(Debug)]
pub(super) struct Job {
    /// Which chunk, and its slot.
    pub(super) chunk: usize,
    pub(super) slot: usize,
    /// Rows to fetch, ascending, and what came of each.
    pub(super) rows: Vec<(usize, Got)>,
    /// Rows that the chunk covers.
    pub(super) covers: std::ops::Range<usize>,
    pub(super) is_long: bool,
    /// Tag of the command that was sent and not answered.
    pub(super) tag: Option<Vec<u8>>,
    /// The command was answered; what is missing now is asked for one by one.
    pub(super) is_answered: bool,
    /// Connections lost over it without a message gained.
    pub(super) tries: u32,
    /// What came beside the bodies that are taken.
    pub(super) beside: Beside,
    /// What came of the second fetch, by rows.
    pub(super) again: HashMap<usize, Again>,
    /// What was told of it.
    pub(super) tally: Tally,
    /// How a command for several ended, when it was not done, and what was given for a message in place of it.
    refused: Option<String>,
    instead: Option<String>,
    /// Messages of which something came that may not be all, or more than it.
    doubts: Doubts,
}

impl Job {
    /// For a chunk of an epoch.
    pub(super) fn new(epoch: &Epoch, chunk: usize, slot: usize) -> Option<Self> {
        let of = epoch.chunks.get(chunk)?;
        let is_fetched = |row: &usize| epoch.decisions.get(*row) == Some(&Decision::Fetch);
        let rows = of.rows.clone().filter(is_fetched).map(|row| (row, Got::Nothing)).collect();
        Some(Self {
            chunk,
            slot,
            rows,
            covers: of.rows.clone(),
            is_long: of.is_long,
            tag: None,
            is_answered: false,
            tries: 0,
            beside: Beside::default(),
            again: HashMap::new(),
            tally: Tally::default(),
            refused: None,
            instead: None,
            doubts: Doubts::default(),
        })
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        self.rows.iter().all(|(_, got)| *got != Got::Nothing)
    }

    /// How much has come, once or twice.
    pub(super) fn count(&self) -> usize {
        self.rows.iter().filter(|(_, got)| *got != Got::Nothing).count().saturating_add(self.again.len())
    }

    /// Whether something of it has been told.
    pub(super) fn is_begun(&self, epoch: &Epoch) -> bool {
        epoch.chunks.get(self.chunk).is_none_or(|chunk| chunk.rows.start != self.covers.start)
    }

    /// Whether a message in it was given up because the connection broke.
    pub(super) fn is_doubtful(&self) -> bool {
        self.rows.iter().any(|(_, got)| matches!(got, Got::Broken(_)))
    }

    /// UIDs of some rows, as ranges; what lies between two rows of the listing does not exist.
    pub(super) fn set(&self, epoch: &Epoch, is: impl Fn(&Self, usize, &Got) -> bool) -> Set {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for &(row, ref got) in &self.rows {
            if !is(self, row, got) {
                continue;
            }
            match ranges.last_mut() {
                Some((_, last)) if last.saturating_add(1) == row => *last = row,
                _ => ranges.push((row, row)),
            }
        }
        Set::ranges(ranges.into_iter().map(|(a, b)| (epoch.listing.uid(a), epoch.listing.uid(b))))
    }

    /// Whether its command is still to be sent.
    pub(super) fn is_to_send(&self) -> bool {
        self.tag.is_none() && !self.is_answered && !self.is_complete() && !self.is_long
    }

    /// Sends the command for what is missing.
    ///
    /// # Errors
    /// When the connection cannot be used any more.
    pub(super) fn send(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<(), WireError> {
        let missing = self.set(epoch, |_, _, got| *got == Got::Nothing);
        self.tag = Some(session.send(&Verb::Bodies(&missing))?);
        Ok(())
    }

    /// Reads the answers to the command that was sent. `behind` are jobs whose commands were sent after it: a server
    /// may work on several at once, so their answers may come among these (RFC 9051 section 5.5; Dovecot does).
    ///
    /// # Errors
    /// When the connection cannot be used any more; what has come before stays.
    pub(super) fn receive(
        &mut self,
        session: &mut Session<'_>,
        epoch: &Epoch,
        behind: &mut [Job],
    ) -> Result<Status, WireError> {
        let tag = self.tag.clone().unwrap_or_default();
        let mut answer = Answer::default();
        // The message that came last: what follows may show that its octets were miscounted.
        let mut last = None;
        loop {
            let session_limit = session.limits.in_memory;
            let mut bodies =
                Taker { epoch, job: &mut *self, behind: &mut *behind, session_limit, hash: None };
            let heard = session.hear(&mut answer, &mut bodies);
            let hashed = bodies.hash.take().map(Sha256Stream::finish);
            let before = last;
            if let Some(is_answer) = shows(&heard, &answer.text)
                && let Some(row) = last.take().filter(|_| !is_answer)
            {
                self.refute(row, behind);
            }
            let kind = heard?;
            session.is_still(epoch.uid_validity)?;
            match kind {
                Kind::Tagged(found, status) => {
                    if let Some(other) = behind.iter_mut().find(|job| job.tag.as_deref() == Some(&*found)) {
                        other.tag = None;
                        other.is_answered = true;
                        continue;
                    }
                    session.own(&found, &tag).inspect_err(|_| {
                        if let Some(row) = before {
                            self.refute(row, behind);
                        }
                    })?;
                    self.tag = None;
                    if !status.is_ok() && !self.is_answered {
                        self.refused = Some(format!("asked for with others: {}", status.said()));
                    }
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    if let Some(fetched) = Fetched::read(&mut answer) {
                        let row = fetched.uid.and_then(|uid| epoch.listing.row(uid));
                        let other = row.filter(|row| self.at(*row).is_none()).and_then(|row| {
                            behind.iter_mut().find(|job| job.tag.is_some() && job.at(row).is_some())
                        });
                        let has_body = fetched.body.is_some();
                        let is_new = match other {
                            Some(other) => other.take(epoch, fetched, hashed),
                            None => self.take(epoch, fetched, hashed),
                        };
                        last = row.filter(|_| has_body);
                        if is_new {
                            session.helped();
                        }
                        // All is here but the end of the command: the server need not wait for us.
                        if is_new
                            && self.is_complete()
                            && let Some(next) = behind.first_mut().filter(|next| next.is_to_send())
                        {
                            next.send(session, epoch)?;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Gives a message back that was taken, because what follows it is no answer.
    fn refute(&mut self, row: usize, behind: &mut [Job]) {
        for job in std::iter::once(self).chain(behind) {
            match job.at(row).and_then(|at| job.rows.get_mut(at)) {
                Some((_, got @ Got::Bytes(_))) => {
                    if let Got::Bytes(bytes) = std::mem::take(got) {
                        job.doubts.refute(row, &bytes);
                    }
                    return;
                }
                Some((_, Got::Nothing)) => return job.doubts.refute_seen(row),
                _ => {}
            }
        }
    }

    /// Place of a row among those of the job.
    pub(super) fn at(&self, row: usize) -> Option<usize> {
        self.rows.binary_search_by_key(&row, |r| r.0).ok()
    }

    /// Takes one FETCH answer; whether it brought something new. `hashed` is the digest of a body in it that was not
    /// kept.
    fn take(&mut self, epoch: &Epoch, fetched: Fetched, hashed: Option<Sha256Digest>) -> bool {
        let Fetched { uid, body, further, is_torn, .. } = fetched;
        let mut is_new = false;
        for (origin, body) in body.into_iter().chain(further) {
            is_new |= self.body(epoch, uid, (origin, is_torn), body, hashed);
        }
        is_new
    }

    /// Takes one body; whether it is new. `origin` stands behind its name; `is_torn` says that its answer does not hold
    /// together.
    fn body(
        &mut self,
        epoch: &Epoch,
        uid: Option<u64>,
        (origin, is_torn): (Option<u64>, bool),
        body: Body,
        hashed: Option<Sha256Digest>,
    ) -> bool {
        let Some(uid) = uid else {
            let text = format!("the server sent a message and not which: {}", what(&body, hashed));
            self.beside.notice(epoch, None, "body-without-uid", text);
            return false;
        };
        let found = epoch.listing.row(uid).and_then(|row| self.at(row));
        let Some((row, got)) = found.and_then(|at| self.rows.get_mut(at)) else {
            let text = format!("the server sent UID {uid}, which was not asked for: {}", what(&body, hashed));
            self.beside.notice(epoch, None, "body-not-asked-for", text);
            return false;
        };
        let row = *row;
        match (body, got) {
            // Late is better than failed.
            (Body::Bytes(bytes), got @ (Got::Nothing | Got::Failed(_) | Got::Broken(_) | Got::Gone(_))) => {
                // An empty body of a message that is not empty is asked for again by itself.
                if bytes.is_empty() && epoch.listing.size(row) != Some(0) {
                    self.instead = Some("the server gave an empty body".to_owned());
                    return false;
                }
                let came = Came { announced: epoch.listing.size(row), origin, is_torn };
                match self.doubts.weigh(row, &came, bytes) {
                    Weight::Taken(bytes, before) => {
                        *got = Got::Bytes(bytes);
                        if let Some(text) = before {
                            self.beside.notice(epoch, Some(row), "body-in-doubt", text);
                        }
                        return true;
                    }
                    Weight::Again(why) => self.instead = Some(why),
                }
            }
            (Body::Nil, Got::Nothing) => self.instead = Some("the server gave NIL".to_owned()),
            (body @ (Body::Bytes(_) | Body::Elsewhere(_)), Got::Bytes(first)) => {
                let (first, seen) = (Sha256Digest::of(first), seen(&body, hashed));
                let bytes = if let Body::Bytes(bytes) = body { Some(bytes) } else { None };
                match seen {
                    Some(seen) if self.beside.body(epoch, row, first, seen, bytes, TWICE) => {
                        let text = "the server sent it twice, alike".to_owned();
                        self.beside.notice(epoch, Some(row), "body-twice", text);
                    }
                    Some(_) => {}
                    None => {
                        let text = "the server sent it twice; the second time its bytes were not looked at"
                            .to_owned();
                        self.beside.notice(epoch, Some(row), "body-twice", text);
                    }
                }
            }
            _ => {}
        }
        false
    }

    /// Asks for the first missing message by itself, and settles it: taken, gone or failed.
    ///
    /// # Errors
    /// When the connection cannot be used any more.
    pub(super) fn single(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<Status, WireError> {
        let Some(at) = self.rows.iter().position(|(_, got)| *got == Got::Nothing) else {
            return Ok(done());
        };
        let row = self.rows.get(at).map_or(0, |(row, _)| *row);
        let uid = epoch.listing.uid(row);
        self.instead = None;
        let doubtful = self.doubts.times(row);
        // Only this row is missing while it is asked for, so that nothing else is taken for it.
        self.tag = Some(session.send(&Verb::Bodies(&Set::one(uid)))?);
        let status = self.receive(session, epoch, &mut [])?;
        if self.rows.get(at).is_none_or(|(_, got)| *got != Got::Nothing) || status.is_passing() {
            return Ok(status);
        }
        match self.doubts.step(row, doubtful) {
            Step::None => {}
            Step::Again => return Ok(done()),
            Step::Ask => {
                if has_more(session, uid, self.doubts.held(row))? {
                    // What came is a part of it.
                    self.doubts.forget(row);
                    self.settle(at, Got::Long);
                } else if let Some((bytes, text)) = self.doubts.take_held(row) {
                    self.beside.notice(epoch, Some(row), "body-in-doubt", text);
                    self.settle(at, Got::Bytes(bytes));
                }
                return Ok(done());
            }
            Step::Failed(why) => {
                self.settle(at, Got::Failed(why));
                return Ok(done());
            }
        }
        let before =
            self.refused.iter().cloned().chain(self.instead.take()).reduce(|a, b| format!("{a}; {b}"));
        let outcome = match lost(session, uid, &status, before)? {
            Lost::Gone(why) => Got::Gone(why),
            Lost::Withheld(why) => Got::Failed(why),
        };
        self.settle(at, outcome);
        Ok(done())
    }

    /// Sets what came of a row.
    pub(super) fn settle(&mut self, at: usize, outcome: Got) {
        if let Some((_, got)) = self.rows.get_mut(at) {
            *got = outcome;
        }
    }

    /// Sets what came of all that is missing.
    pub(super) fn settle_rest(&mut self, outcome: &dyn Fn() -> Got) {
        for (_, got) in &mut self.rows {
            if *got == Got::Nothing {
                *got = outcome();
            }
        }
    }

    /// What is told of rows up to the first that is long (all, when none is), in order. Rows that are told are taken
    /// out.
    pub(super) fn tell(&mut self, epoch: &Epoch) -> Vec<Told> {
        self.tell_until(epoch, |_, _, got| *got == Got::Long)
    }

    /// What is told of rows up to the first that another run must see to, because the server may give it yet.
    pub(super) fn tell_whole(&mut self, epoch: &Epoch, is_refetched: bool) -> Vec<Told> {
        self.tell_until(epoch, |job, row, got| match got {
            Got::Bytes(_) => is_refetched && !job.again.contains_key(&row),
            Got::Gone(_) | Got::Told => false,
            Got::Nothing | Got::Long | Got::Failed(_) | Got::Broken(_) => true,
        })
    }

    fn tell_until(&mut self, epoch: &Epoch, is_end: impl Fn(&Self, usize, &Got) -> bool) -> Vec<Told> {
        let until =
            self.rows.iter().position(|(row, got)| is_end(self, *row, got)).unwrap_or(self.rows.len());
        let rest = self.rows.split_off(until);
        let end = rest.first().map_or(self.covers.end, |(row, _)| *row);
        let mut told = self.beside.take(epoch, end);
        let mut sum = Refetched { path: epoch.path.clone(), ..Refetched::default() };
        for (row, _) in &self.rows {
            if let Some(again) = self.again.remove(row) {
                again.tell(epoch.place(*row).path, &mut sum, &mut told);
            }
        }
        if sum.all() > 0 {
            told.push(Told::Refetched(sum));
        }
        let mut ready = std::mem::replace(&mut self.rows, rest).into_iter().peekable();
        for row in self.covers.start..end {
            if let Some(left) = epoch.excluded(row) {
                told.push(Told::Left(left));
            } else if let Some((_, got)) = ready.next_if(|(at, _)| *at == row) {
                told.extend(one(epoch, row, got, &mut self.tally));
            }
        }
        self.covers.start = end;
        told
    }
}

/// A status of ours: all is settled.
fn done() -> Status {
    Status { word: super::answer::Word::Ok, code: Vec::new(), argument: Vec::new(), text: Vec::new() }
}

/// Digest and length of a body, where they are known.
fn seen(body: &Body, hashed: Option<Sha256Digest>) -> Option<(Sha256Digest, u64)> {
    match body {
        Body::Nil => None,
        Body::Bytes(bytes) => Some((Sha256Digest::of(bytes), bytes.len() as u64)),
        Body::Elsewhere(octets) => hashed.map(|digest| (digest, *octets)),
    }
}

/// The same in words, of a body that is not kept.
fn what(body: &Body, hashed: Option<Sha256Digest>) -> String {
    match seen(body, hashed) {
        Some((digest, octets)) => format!("{octets} octets, SHA-256 {digest}, were not kept"),
        None => "its bytes were not looked at".to_owned(),
    }
}

/// What is told of one message.
fn one(epoch: &Epoch, row: usize, got: Got, tally: &mut Tally) -> Option<Told> {
    let at = epoch.place(row);
    Some(match got {
        Got::Bytes(bytes) => {
            tally.taken = tally.taken.saturating_add(1);
            let server = epoch.listing.server(row);
            let notes = size_note(server.size, bytes.len() as u64);
            Told::Message(Message { at, server, bytes, notes })
        }
        Got::Gone(why) => {
            tally.gone = tally.gone.saturating_add(1);
            Told::Left(Left { at, why: Why::Gone, note: why.into_bytes() })
        }
        Got::Failed(why) | Got::Broken(why) => {
            tally.failed = tally.failed.saturating_add(1);
            Told::Left(Left { at, why: Why::Failed, note: why.into_bytes() })
        }
        Got::Nothing | Got::Long | Got::Told => return None,
    })
}

/// What is odd about a size.
pub(super) fn size_note(announced: Option<u64>, came: u64) -> Vec<Anomaly> {
    match announced {
        Some(announced) if announced != came => vec![
            Anomaly::whole(AnomalyKind::SizeAnnouncedDiffers)
                .with(format!("{announced} octets announced, {came} came")),
        ],
        _ => Vec::new(),
    }
}
