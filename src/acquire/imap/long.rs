//! A message that is too long for memory, fetched in parts and handed on as they come.

use super::answer::{Answer, Kind, Status};
use super::fetch::{Body, Fetched, uid_so_far};
use super::gone::{Lost, lost};
use super::plan::Epoch;
use super::session::{Bodies, Room, Session};
use super::shelf::{Shelf, Stopped};
use super::verb::Verb;
use crate::acquire::Told;
use crate::acquire::wire::WireError;
use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;

/// Octets asked for at a time.
const PIECE: u64 = 4 << 20;

/// How far a long message has come. It outlives connections.
#[derive(Debug)]
pub(super) struct Long<'s> {
    pub(super) row: usize,
    shelf: &'s Shelf,
    lane: usize,
    slot: usize,
    /// Octets that came.
    pub(super) received: u64,
    /// `LongStart` was told.
    pub(super) is_begun: bool,
    /// Connections lost over it since the last part.
    pub(super) tries: u32,
    /// Connections that brought a part.
    pub(super) connections: u32,
    has_part: bool,
    /// Bodies beyond the one that was asked for.
    pub(super) surplus: u64,
    /// Of what came, where it is compared; of a second fetch nothing else is kept.
    digest: Option<Sha256Stream>,
    is_second: bool,
    /// Pieces that came, and whether the last was the whole message.
    pieces: u64,
    is_whole: bool,
    /// The server answered with a body of no octets.
    is_empty: bool,
    /// A body of the answer under way was handed on.
    is_handed_on: bool,
    problem: Option<String>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf")
    }
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it came.
    Whole,
    /// The server does not give it, in these words.
    Failed(String),
    /// The server has it no more.
    Gone(String),
}

/// What a piece says of the whole.
enum Verdict {
    /// It was the last.
    Whole,
    /// Something is wrong.
    Failed(String),
    /// Nothing came for it.
    Lost(Status),
}

impl<'s> Long<'s> {
    /// Nothing has come. With `is_hashed` its digest is known at the end.
    pub(super) fn new(row: usize, shelf: &'s Shelf, lane: usize, slot: usize, is_hashed: bool) -> Self {
        Self {
            row,
            shelf,
            lane,
            slot,
            received: 0,
            is_begun: false,
            tries: 0,
            connections: 0,
            has_part: false,
            surplus: 0,
            digest: is_hashed.then(Sha256Stream::new),
            is_second: false,
            pieces: 0,
            is_whole: false,
            is_empty: false,
            is_handed_on: false,
            problem: None,
        }
    }

    /// The same message once more, of which nothing but the digest is kept.
    pub(super) fn second(&self) -> Self {
        Self { is_second: true, ..Self::new(self.row, self.shelf, self.lane, self.slot, true) }
    }

    /// Digest of what came.
    pub(super) fn digest(&mut self) -> Option<Sha256Digest> {
        self.digest.take().map(Sha256Stream::finish)
    }

    /// Fetches what has not come yet, two pieces under way.
    ///
    /// # Errors
    /// When the connection cannot be used any more; it can go on with another one.
    pub(super) fn fetch(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<End, WireError> {
        let uid = epoch.listing.uid(self.row);
        let announced = epoch.listing.size(self.row).unwrap_or(0);
        let limit = session.limits.message;
        let mut asked = self.received;
        let mut under_way = std::collections::VecDeque::new();
        self.has_part = false;
        // Whatever was wrong before the connection broke.
        let mut verdict = self.problem.take().map(Verdict::Failed);
        loop {
            while verdict.is_none() && under_way.len() < 2 && (under_way.is_empty() || asked < announced) {
                let tag = session.send(&Verb::Piece { uid, from: asked, length: PIECE })?;
                under_way.push_back((tag, asked));
                asked = asked.saturating_add(PIECE);
            }
            let Some((tag, from)) = under_way.pop_front() else { break };
            if verdict.is_some() {
                // What was asked for too much is read and dropped.
                session.until(&tag, |_, _| false)?;
                continue;
            }
            let before = self.received;
            self.is_empty = false;
            let status = self.piece(session, epoch, &tag, uid, from, limit)?;
            let came = self.received.saturating_sub(before);
            verdict = self.judge(status, from, before, came, announced);
            if verdict.is_none() && came != PIECE {
                // Shorter than asked for and not the end: what is under way begins at the wrong place.
                while let Some((tag, _)) = under_way.pop_front() {
                    session.until(&tag, |_, _| false)?;
                }
                asked = self.received;
            }
        }
        match verdict {
            None | Some(Verdict::Whole) => Ok(End::Whole),
            Some(Verdict::Failed(why)) => Ok(End::Failed(why)),
            Some(Verdict::Lost(status)) => self.lost(session, uid, &status, announced),
        }
    }

    /// A piece did not come: the message is gone, or the server says so in this way that it ends here, or gives no more of it.
    fn lost(
        &self,
        session: &mut Session<'_>,
        uid: u64,
        status: &Status,
        announced: u64,
    ) -> Result<End, WireError> {
        let received = self.received;
        let before = (received > 0).then(|| format!("{received} of {announced} octets had come"));
        Ok(match lost(session, uid, status, before)? {
            Lost::Gone(why) => End::Gone(why),
            Lost::Withheld(_) if status.is_ok() && announced > 0 && received >= announced => End::Whole,
            Lost::Withheld(why) => End::Failed(why),
        })
    }

    /// Whether a piece was the last.
    fn judge(
        &mut self,
        status: Status,
        from: u64,
        before: u64,
        came: u64,
        announced: u64,
    ) -> Option<Verdict> {
        if let Some(problem) = self.problem.take() {
            return Some(Verdict::Failed(problem));
        }
        if from != before {
            return None;
        }
        if came > 0 {
            let is_last = self.is_whole || (came < PIECE && self.received >= announced);
            return is_last.then_some(Verdict::Whole);
        }
        // Octets beyond the last are an empty string (RFC 9051 section 6.4.5); no answer at all is not the end of a message.
        Some(if status.is_ok() && before > 0 && self.is_empty {
            Verdict::Whole
        } else {
            Verdict::Lost(status)
        })
    }

    /// Reads the answers to one piece.
    fn piece(
        &mut self,
        session: &mut Session<'_>,
        epoch: &Epoch,
        tag: &[u8],
        uid: u64,
        from: u64,
        limit: u64,
    ) -> Result<Status, WireError> {
        let mut answer = Answer::default();
        let mut has_come = from != self.received;
        loop {
            let mut taker = Taker { long: self, epoch, uid, from, limit, has_come: &mut has_come };
            let kind = session.hear(&mut answer, &mut taker)?;
            session.is_still(epoch.uid_validity)?;
            let is_handed_on = std::mem::take(&mut self.is_handed_on);
            match kind {
                Kind::Tagged(found, status) => {
                    session.own(&found, tag)?;
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    let fetched = Fetched::read(&mut answer);
                    if is_handed_on && !fetched.as_ref().is_some_and(|fetched| is_of(fetched, uid)) {
                        self.problem = Some(not_its_own(fetched.and_then(|fetched| fetched.uid)));
                        continue;
                    }
                    let Some(fetched) = fetched else { continue };
                    if fetched.uid != Some(uid) || has_come {
                        continue;
                    }
                    match fetched.body {
                        Some((_, Body::Elsewhere(0))) => self.is_empty = true,
                        Some((_, Body::Bytes(bytes))) if bytes.is_empty() => self.is_empty = true,
                        // A piece so small that it came between quotes.
                        Some((offset, Body::Bytes(bytes))) if offset.unwrap_or(0) == from => {
                            has_come = true;
                            self.hand_on(epoch, bytes)?;
                        }
                        _ => {}
                    }
                }
                _ if is_handed_on => self.problem = Some(not_its_own(None)),
                _ => {}
            }
        }
    }

    fn hand_on(&mut self, epoch: &Epoch, bytes: Vec<u8>) -> Result<(), WireError> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        self.tries = 0;
        if !std::mem::replace(&mut self.has_part, true) {
            self.connections = self.connections.saturating_add(1);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes);
        }
        if self.is_second {
            return Ok(());
        }
        let start = (!self.is_begun).then(|| Told::LongStart { at: epoch.place(self.row) });
        self.is_begun = true;
        let told = start.into_iter().chain([Told::Part(bytes)]);
        self.shelf.put(self.lane, self.slot, told).map_err(|Stopped| WireError::Stopped)
    }
}

/// Streams the body of one piece.
struct Taker<'t, 's> {
    long: &'t mut Long<'s>,
    epoch: &'t Epoch,
    uid: u64,
    from: u64,
    limit: u64,
    has_come: &'t mut bool,
}

impl Bodies for Taker<'_, '_> {
    fn room(&mut self, text: &[u8], octets: u64) -> Room {
        // One message is asked for; an answer that names another one is not for us.
        let is_ours = uid_so_far(text).is_none_or(|uid| uid == self.uid);
        if octets > 0 && is_ours && *self.has_come {
            self.long.surplus = self.long.surplus.saturating_add(1);
        }
        if *self.has_come || !is_ours || octets == 0 {
            return Room::Drop;
        }
        let problem = match offset(text) {
            Some(offset) if offset != self.from => {
                Some(format!("asked for octets from {}, the server gave them from {offset}", self.from))
            }
            None if self.from > 0 => Some("the server does not give parts of messages".to_owned()),
            Some(_) if octets > PIECE && self.from > 0 => {
                Some("the server gave more octets than were asked for".to_owned())
            }
            _ => None,
        };
        let few = self.limit / PIECE;
        let problem = problem.or_else(|| {
            (self.long.pieces > few.saturating_add(1000)).then(|| "it comes in ever smaller parts".to_owned())
        });
        let total = self.from.saturating_add(octets);
        let problem = problem.or_else(|| {
            (total > self.limit).then(|| format!("it is over the limit of {} octets", self.limit))
        });
        if problem.is_some() {
            self.long.problem = problem;
            return Room::Drop;
        }
        *self.has_come = true;
        self.long.is_handed_on = true;
        self.long.pieces = self.long.pieces.saturating_add(1);
        self.long.is_whole = offset(text).is_none() || octets > PIECE;
        Room::Stream
    }

    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        self.long.hand_on(self.epoch, bytes)
    }
}

/// Whether an answer that has come to its end gave a body, and of this message. Its UID may stand behind the body, which has been
/// handed on then.
fn is_of(fetched: &Fetched, uid: u64) -> bool {
    let is_body = |body: &Body| matches!(body, Body::Elsewhere(octets) if *octets > 0);
    let mut bodies = fetched.body.iter().chain(&fetched.further);
    fetched.uid == Some(uid) && bodies.any(|(_, body)| is_body(body))
}

fn not_its_own(uid: Option<u64>) -> String {
    match uid {
        Some(uid) => format!("the server gave a part of UID {uid} in its place"),
        None => "the server gave a part and not of which message".to_owned(),
    }
}

/// The offset that stands behind `BODY[]` at the end of `text`.
fn offset(text: &[u8]) -> Option<u64> {
    let open = text.iter().rposition(|&b| b == b'<')?;
    let close = text.iter().rposition(|&b| b == b'>').filter(|close| *close > open)?;
    super::scan::decimal(text.get(open.saturating_add(1)..close)?)
}
