//! Fetches the messages of a chunk, and settles what a server gives twice, not at all, or of another size.

use super::answer::{Answer, Kind, Status};
use super::fetch::{Body, Fetched, uid_so_far};
use super::listing::look;
use super::plan::{Decision, Epoch};
use super::session::{Bodies, Room, Session};
use super::shelf::Tally;
use super::verb::{Extras, Set, Verb};
use crate::acquire::wire::WireError;
use crate::acquire::{Left, Message, Notice, Told, Why};
use crate::types::{Anomaly, AnomalyKind, Sha256Digest};

/// Most bytes of a chunk that are held; what a lying server gives beyond is fetched by itself.
const CHUNK: usize = 32 << 20;

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
    pub(super) notices: Vec<Notice>,
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
            notices: Vec::new(),
        })
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        self.rows.iter().all(|(_, got)| *got != Got::Nothing)
    }

    /// How much has come.
    pub(super) fn count(&self) -> usize {
        self.rows.iter().filter(|(_, got)| *got != Got::Nothing).count()
    }

    /// UIDs that are missing, as ranges; what lies between two rows of the listing does not exist.
    fn missing(&self, epoch: &Epoch) -> Set {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for &(row, ref got) in &self.rows {
            if *got != Got::Nothing {
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
        self.tag = Some(session.send(&Verb::Bodies(&self.missing(epoch)))?);
        Ok(())
    }

    /// Reads the answers to the command that was sent. `behind` are jobs whose commands were sent after it: a server may
    /// work on several at once, so their answers may come among these (RFC 9051 section 5.5; Dovecot does).
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
        loop {
            let session_limit = session.limits.in_memory;
            let mut bodies = Taker { epoch, job: &mut *self, behind: &mut *behind, session_limit };
            let kind = session.hear(&mut answer, &mut bodies)?;
            match kind {
                Kind::Tagged(found, status) => {
                    if let Some(other) = behind.iter_mut().find(|job| job.tag.as_deref() == Some(&*found)) {
                        other.tag = None;
                        other.is_answered = true;
                        continue;
                    }
                    session.own(&found, &tag)?;
                    self.tag = None;
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    if let Some(fetched) = Fetched::read(&mut answer) {
                        let row = fetched.uid.and_then(|uid| epoch.listing.row(uid));
                        let other = row.filter(|row| self.at(*row).is_none()).and_then(|row| {
                            behind.iter_mut().find(|job| job.tag.is_some() && job.at(row).is_some())
                        });
                        let is_new = match other {
                            Some(other) => other.take(epoch, fetched),
                            None => self.take(epoch, fetched),
                        };
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

    /// Place of a row among those of the job.
    fn at(&self, row: usize) -> Option<usize> {
        self.rows.binary_search_by_key(&row, |r| r.0).ok()
    }

    /// Takes one FETCH answer; whether it brought something new.
    fn take(&mut self, epoch: &Epoch, fetched: Fetched) -> bool {
        let Some((_, body)) = fetched.body else { return false };
        let Some(uid) = fetched.uid else {
            self.notice(
                epoch,
                None,
                "body-without-uid",
                "the server sent a message and not which".to_owned(),
            );
            return false;
        };
        let found = epoch.listing.row(uid).and_then(|row| self.rows.binary_search_by_key(&row, |r| r.0).ok());
        let Some((row, got)) = found.and_then(|at| self.rows.get_mut(at)) else {
            self.notice(
                epoch,
                None,
                "body-not-asked-for",
                format!("the server sent UID {uid}, which was not asked for"),
            );
            return false;
        };
        let row = *row;
        match (body, got) {
            (Body::Bytes(bytes), got @ Got::Nothing) => {
                let is_empty_in_truth = epoch.listing.size(row) == Some(0);
                // An empty body of a message that is not empty is asked for again by itself.
                if bytes.is_empty() && !is_empty_in_truth {
                    return false;
                }
                *got = Got::Bytes(bytes);
                true
            }
            (Body::Bytes(bytes), Got::Bytes(first)) => {
                let (first, again) = (Sha256Digest::of(first), Sha256Digest::of(&bytes));
                if first == again {
                    self.notice(epoch, Some(row), "body-twice", "the server sent it twice, alike".to_owned());
                } else {
                    let text = format!(
                        "the server sent it twice, and not alike: SHA-256 {first} was kept, {again} of {} octets was not",
                        bytes.len()
                    );
                    self.notice(epoch, Some(row), "bodies-differ", text);
                }
                false
            }
            _ => false,
        }
    }

    fn notice(&mut self, epoch: &Epoch, row: Option<usize>, code: &'static str, text: String) {
        if self.notices.len() < 1000 {
            let path = row.map_or_else(|| epoch.path.clone(), |row| epoch.place(row).path);
            self.notices.push(Notice { code, path: Some(path), text, is_partial: false });
        }
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
        // Only this row is missing while it is asked for, so that nothing else is taken for it.
        self.tag = Some(session.send(&Verb::Bodies(&Set::one(uid)))?);
        let status = self.receive(session, epoch, &mut [])?;
        if self.rows.get(at).is_none_or(|(_, got)| *got != Got::Nothing) || status.is_passing() {
            return Ok(status);
        }
        let outcome = match look(session, uid, Extras::default())? {
            None => Got::Gone("the server lists it no more".to_owned()),
            Some(_) if status.is_ok() => Got::Failed("the server lists it and does not give it".to_owned()),
            Some(_) => Got::Failed(status.said()),
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

    /// What is told of rows up to the first that is long (all, when none is), in order. Rows that are told are taken out.
    pub(super) fn tell(&mut self, epoch: &Epoch, tally: &mut Tally) -> Vec<Told> {
        let until = self.rows.iter().position(|(_, got)| *got == Got::Long).unwrap_or(self.rows.len());
        let rest = self.rows.split_off(until);
        let end = rest.first().map_or(self.covers.end, |(row, _)| *row);
        let mut told: Vec<Told> = std::mem::take(&mut self.notices).into_iter().map(Told::Notice).collect();
        let mut ready = std::mem::replace(&mut self.rows, rest).into_iter().peekable();
        for row in self.covers.start..end {
            if let Some(left) = epoch.excluded(row) {
                told.push(Told::Left(left));
            } else if let Some((_, got)) = ready.next_if(|(at, _)| *at == row) {
                told.extend(one(epoch, row, got, tally));
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
        Got::Failed(why) => {
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

/// Gives room to the bodies of a job, and of those under way behind it.
struct Taker<'j> {
    epoch: &'j Epoch,
    job: &'j mut Job,
    behind: &'j mut [Job],
    session_limit: usize,
}

impl Bodies for Taker<'_> {
    fn room(&mut self, text: &[u8], octets: u64) -> Room {
        let uid = uid_so_far(text);
        let row = uid.and_then(|uid| self.epoch.listing.row(uid));
        let is_of = |job: &Job| job.tag.is_some() && row.is_some_and(|row| job.at(row).is_some());
        let job = if is_of(self.job) {
            &mut *self.job
        } else {
            self.behind.iter_mut().find(|job| is_of(job)).unwrap_or(&mut *self.job)
        };
        let held: usize =
            job.rows.iter().map(|(_, got)| if let Got::Bytes(bytes) = got { bytes.len() } else { 0 }).sum();
        let at = row.and_then(|row| job.at(row));
        let is_small = octets <= self.session_limit as u64;
        let fits = usize::try_from(octets).is_ok_and(|n| held.saturating_add(n) <= CHUNK);
        match (uid, at) {
            // The UID may come behind the body.
            (None, _) if is_small && fits => Room::Keep,
            (Some(_), Some(at)) => {
                if is_small && fits {
                    return Room::Keep;
                }
                let is_missing = job.rows.get(at).is_some_and(|(_, got)| *got == Got::Nothing);
                if !is_small && is_missing {
                    job.settle(at, Got::Long);
                }
                Room::Drop
            }
            _ => Room::Drop,
        }
    }

    fn part(&mut self, _: Vec<u8>) -> Result<(), WireError> {
        Ok(())
    }
}
