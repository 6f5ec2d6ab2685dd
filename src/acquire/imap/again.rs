//! `--refetch-verify`: the messages of a chunk are fetched a second time, and compared with what came first.
//!
//! Some servers make messages anew for each fetch (Microsoft 365 and Exchange from MAPI), and two fetches may differ.

use super::answer::{Answer, Kind, Status};
use super::bodies::{Got, Job};
use super::fetch::{Body, Fetched, uid_so_far};
use super::plan::Epoch;
use super::session::{Bodies, Room, Session};
use super::verb::Verb;
use crate::acquire::wire::WireError;
use crate::acquire::{Notice, Refetched, Told};
use crate::types::digest::Sha256Stream;
use crate::types::{RelPath, Sha256Digest};

/// What came of the second fetch of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The same bytes.
    Alike,
    /// Other bytes.
    Differ,
    /// Nothing, for this reason.
    Failed(String),
}

/// How a body came that is not alike the first.
pub(super) const HOW: &str = "fetched again, the message is not alike";

impl Again {
    /// What is told of one message, before the message itself.
    pub(super) fn tell(self, path: RelPath, sum: &mut Refetched, told: &mut Vec<Told>) {
        match self {
            Self::Alike => sum.alike = sum.alike.saturating_add(1),
            Self::Differ => sum.differ = sum.differ.saturating_add(1),
            Self::Failed(why) => {
                sum.failed = sum.failed.saturating_add(1);
                let text = format!("the message was not had a second time: {why}");
                let (code, path) = ("not-refetched", Some(path));
                told.push(Told::Notice(Notice { code, path, text, is_partial: false }));
            }
        }
    }
}

impl Job {
    /// Whether a message in it has come once, and not been asked for again.
    pub(super) fn is_to_recheck(&self) -> bool {
        self.rows.iter().any(|(row, got)| self.is_unchecked(*row, got))
    }

    fn is_unchecked(&self, row: usize, got: &Got) -> bool {
        matches!(got, Got::Bytes(_)) && !self.again.contains_key(&row)
    }

    /// Sets what came of the second fetch of all that were not had again.
    pub(super) fn recheck_failed(&mut self, why: &str) {
        let rows: Vec<usize> =
            self.rows.iter().filter(|(row, got)| self.is_unchecked(*row, got)).map(|(row, _)| *row).collect();
        self.again.extend(rows.into_iter().map(|row| (row, Again::Failed(why.to_owned()))));
    }

    /// Asks for all messages of it once more, and compares what comes.
    ///
    /// # Errors
    /// When the connection cannot be used any more; what has come before stays.
    pub(super) fn recheck(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<Status, WireError> {
        let set = self.set(epoch, Self::is_unchecked);
        let tag = session.send(&Verb::Bodies(&set))?;
        let mut answer = Answer::default();
        loop {
            let (in_memory, most) = (session.limits.in_memory as u64, session.limits.message);
            let mut taker = Second { epoch, job: self, in_memory, most, hash: None };
            let kind = session.hear(&mut answer, &mut taker)?;
            let hashed = taker.hash.take().map(Sha256Stream::finish);
            session.is_still(epoch.uid_validity)?;
            match kind {
                Kind::Tagged(found, status) => {
                    session.own(&found, &tag)?;
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    if let Some(fetched) = Fetched::read(&mut answer)
                        && self.compare(epoch, fetched, hashed)
                    {
                        session.helped();
                    }
                }
                _ => {}
            }
        }
    }

    /// Compares a body that came again; whether it was the first time that it did.
    fn compare(&mut self, epoch: &Epoch, fetched: Fetched, hashed: Option<Sha256Digest>) -> bool {
        let Some(row) = fetched.uid.and_then(|uid| epoch.listing.row(uid)) else { return false };
        let Some((_, Got::Bytes(first))) = self.at(row).and_then(|at| self.rows.get(at)) else {
            return false;
        };
        let first = Sha256Digest::of(first);
        let mut is_new = false;
        for (_, body) in fetched.body.into_iter().chain(fetched.further) {
            let (digest, octets, bytes) = match (body, hashed) {
                (Body::Bytes(bytes), _) => (Sha256Digest::of(&bytes), bytes.len() as u64, Some(bytes)),
                (Body::Elsewhere(octets), Some(digest)) => (digest, octets, None),
                // Not a body: it counts as not given, when nothing else comes.
                (Body::Nil | Body::Elsewhere(_), _) => continue,
            };
            let is_alike = self.beside.body(epoch, row, first, (digest, octets), bytes, HOW);
            let came = if is_alike { Again::Alike } else { Again::Differ };
            let known = self.again.entry(row).or_insert_with(|| {
                is_new = true;
                came.clone()
            });
            // Once it differed it differs, whatever else comes.
            if came == Again::Differ {
                *known = came;
            }
        }
        is_new
    }
}

/// Gives room to the bodies of a second fetch, one at a time; a long one is hashed and not held.
struct Second<'j> {
    epoch: &'j Epoch,
    job: &'j Job,
    in_memory: u64,
    most: u64,
    hash: Option<Sha256Stream>,
}

impl Bodies for Second<'_> {
    fn room(&mut self, text: &[u8], octets: u64) -> Room {
        let uid = uid_so_far(text);
        let at = uid.and_then(|uid| self.epoch.listing.row(uid)).and_then(|row| self.job.at(row));
        if uid.is_some() && at.is_none() {
            return Room::Drop;
        }
        if octets <= self.in_memory {
            return Room::Keep;
        }
        let is_first = at
            .and_then(|at| self.job.rows.get(at))
            .is_some_and(|(row, got)| self.job.is_unchecked(*row, got));
        if !is_first || octets > self.most || self.hash.is_some() {
            return Room::Drop;
        }
        self.hash = Some(Sha256Stream::new());
        Room::Stream
    }

    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes);
        }
        Ok(())
    }
}
