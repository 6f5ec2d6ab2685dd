//! A message that is too long for memory, fetched in parts and handed on as they come.

use super::answer::{Answer, Kind, Status};
use super::fetch::{Body, Fetched, uid_so_far};
use super::plan::Epoch;
use super::session::{Bodies, Room, Session};
use super::shelf::{Shelf, Stopped};
use super::verb::Verb;
use crate::acquire::Told;
use crate::acquire::wire::WireError;

/// Octets asked for at a time.
const PIECE: u64 = 4 << 20;

/// How far a long message has come. It outlives connections.
#[derive(Debug)]
pub(super) struct Long<'s> {
    pub(super) row: usize,
    shelf: &'s Shelf,
    lane: usize,
    slot: usize,
    /// Octets handed on.
    pub(super) received: u64,
    /// `LongStart` was told.
    pub(super) is_begun: bool,
    /// Connections lost over it since the last part.
    pub(super) tries: u32,
    /// Pieces that came, and whether the last was the whole message.
    pieces: u64,
    is_whole: bool,
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
}

impl<'s> Long<'s> {
    /// Nothing has come.
    pub(super) fn new(row: usize, shelf: &'s Shelf, lane: usize, slot: usize) -> Self {
        Self {
            row,
            shelf,
            lane,
            slot,
            received: 0,
            is_begun: false,
            tries: 0,
            pieces: 0,
            is_whole: false,
            problem: None,
        }
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
        // Whatever was wrong before the connection broke.
        let mut end = self.problem.take().map(End::Failed);
        loop {
            while end.is_none() && under_way.len() < 2 && (under_way.is_empty() || asked < announced) {
                let tag = session.send(&Verb::Piece { uid, from: asked, length: PIECE })?;
                under_way.push_back((tag, asked));
                asked = asked.saturating_add(PIECE);
            }
            let Some((tag, from)) = under_way.pop_front() else {
                return Ok(end.unwrap_or(End::Whole));
            };
            if end.is_some() {
                // What was asked for too much is read and dropped.
                session.until(&tag, |_, _| false)?;
                continue;
            }
            let before = self.received;
            let status = self.piece(session, epoch, &tag, uid, from, limit)?;
            let came = self.received.saturating_sub(before);
            end = self.judge(&status, from, before, came, announced);
            if end.is_none() && came != PIECE {
                // Shorter than asked for and not the end: what is under way begins at the wrong place.
                while let Some((tag, _)) = under_way.pop_front() {
                    session.until(&tag, |_, _| false)?;
                }
                asked = self.received;
            }
        }
    }

    /// Whether a piece was the last.
    fn judge(&mut self, status: &Status, from: u64, before: u64, came: u64, announced: u64) -> Option<End> {
        if let Some(problem) = self.problem.take() {
            return Some(End::Failed(problem));
        }
        if from != before {
            return None;
        }
        if came > 0 {
            self.tries = 0;
            let is_last = self.is_whole || (came < PIECE && self.received >= announced);
            return is_last.then_some(End::Whole);
        }
        Some(match (status.is_ok(), before) {
            (false, _) => End::Failed(status.said()),
            (true, 0) => End::Failed("the server lists it and does not give it".to_owned()),
            (true, _) => End::Whole,
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
            match kind {
                Kind::Tagged(found, status) => {
                    session.own(&found, tag)?;
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    // A piece so small that it came between quotes.
                    if let Some(fetched) = Fetched::read(&mut answer)
                        && fetched.uid == Some(uid)
                        && let Some((offset, Body::Bytes(bytes))) = fetched.body
                        && !has_come
                        && !bytes.is_empty()
                        && offset.unwrap_or(0) == from
                    {
                        has_come = true;
                        self.hand_on(epoch, bytes)?;
                    }
                }
                _ => {}
            }
        }
    }

    fn hand_on(&mut self, epoch: &Epoch, bytes: Vec<u8>) -> Result<(), WireError> {
        let start = (!self.is_begun).then(|| Told::LongStart { at: epoch.place(self.row) });
        self.received = self.received.saturating_add(bytes.len() as u64);
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
        self.long.pieces = self.long.pieces.saturating_add(1);
        self.long.is_whole = offset(text).is_none() || octets > PIECE;
        Room::Stream
    }

    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        self.long.hand_on(self.epoch, bytes)
    }
}

/// The offset that stands behind `BODY[]` at the end of `text`.
fn offset(text: &[u8]) -> Option<u64> {
    let open = text.iter().rposition(|&b| b == b'<')?;
    let close = text.iter().rposition(|&b| b == b'>').filter(|close| *close > open)?;
    super::scan::decimal(text.get(open.saturating_add(1)..close)?)
}
