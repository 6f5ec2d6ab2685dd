//! A message that is too long for memory, fetched in parts and handed on as they come.
//!
//! Parts are put together only where each says from where it is and the whole has the announced length. Whatever does
//! not fit is no part that is guessed at: then the message is asked for whole, once, and that must have the announced
//! length, or be what the parts were.

use super::answer::{Answer, Kind, Status};
use super::doubt::shows;
use super::fetch::{Body, Fetched, origin_so_far, uid_so_far};
use super::gone::{Lost, lost};
use super::plan::Epoch;
use super::session::{Bodies, Room, Session};
use super::shelf::{Shelf, Stopped};
use super::verb::{Set, Verb};
use crate::acquire::Told;
use crate::acquire::wire::WireError;
use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;

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
    /// Of what came.
    digest: Sha256Stream,
    /// A second fetch, of which nothing but the digest is kept.
    is_second: bool,
    /// Pieces that came.
    pieces: u64,
    /// What the parts came to, when they are not surely the message; from then on it is asked for whole.
    parts: Option<Parts>,
    /// The server answered with a body of no octets.
    is_empty: bool,
    /// A body of the answer under way was handed on.
    is_handed_on: bool,
    /// The server gave all that it gives by one answer, and more than was asked for.
    is_over: bool,
    /// Why the parts cannot be put together.
    doubt: Option<String>,
    problem: Option<String>,
}

/// What came in parts and is not surely the message.
#[derive(Debug)]
struct Parts {
    why: String,
    seen: (Sha256Digest, u64),
    /// The server said that nothing stands behind them.
    is_ended: bool,
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
    /// The parts may not be the message; whether the server said that nothing stands behind them.
    Unsure(String, bool),
    /// Nothing came for it.
    Lost(Status),
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
            connections: 0,
            has_part: false,
            surplus: 0,
            digest: Sha256Stream::new(),
            is_second: false,
            pieces: 0,
            parts: None,
            is_empty: false,
            is_handed_on: false,
            is_over: false,
            doubt: None,
            problem: None,
        }
    }

    /// The same message once more, of which nothing but the digest is kept.
    pub(super) fn second(&self) -> Self {
        Self { is_second: true, ..Self::new(self.row, self.shelf, self.lane, self.slot) }
    }

    /// Digest of what came.
    pub(super) fn digest(&self) -> Sha256Digest {
        self.digest.clone().finish()
    }

    /// What is told of a message that was in doubt and was taken.
    pub(super) fn told(&self) -> Option<String> {
        let parts = self.parts.as_ref()?;
        Some(format!("{}; asked for whole it came with {} octets", parts.why, self.received))
    }

    /// Fetches what has not come yet.
    ///
    /// # Errors
    /// When the connection cannot be used any more; it can go on with another one.
    pub(super) fn fetch(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<End, WireError> {
        self.has_part = false;
        if self.parts.is_none() {
            let verdict = self.in_parts(session, epoch)?;
            let (why, is_ended) = match verdict {
                Verdict::Whole => return Ok(End::Whole),
                Verdict::Failed(why) => return Ok(End::Failed(why)),
                Verdict::Unsure(why, is_ended) => (why, is_ended),
                Verdict::Lost(status) => match self.lost(session, epoch, &status)? {
                    Ok(end) => return Ok(end),
                    Err(why) => (why, false),
                },
            };
            self.parts = Some(Parts { why, seen: (self.digest(), self.received), is_ended });
        }
        self.whole(session, epoch)
    }

    /// Asks for it part by part, two under way.
    fn in_parts(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<Verdict, WireError> {
        let uid = epoch.listing.uid(self.row);
        let announced = epoch.listing.size(self.row).unwrap_or(0);
        let piece = session.limits.piece;
        let mut asked = self.received;
        let mut under_way = std::collections::VecDeque::new();
        // Whatever was wrong before the connection broke.
        let mut verdict = self.problem.take().map(Verdict::Failed);
        verdict = verdict.or_else(|| self.doubt.take().map(|why| Verdict::Unsure(why, false)));
        loop {
            while verdict.is_none() && under_way.len() < 2 && (under_way.is_empty() || asked < announced) {
                let tag = session.send(&Verb::Piece { uid, from: asked, length: piece })?;
                under_way.push_back((tag, asked));
                asked = asked.saturating_add(piece);
            }
            let Some((tag, from)) = under_way.pop_front() else { break };
            if verdict.is_some() {
                // What was asked for too much is read and dropped.
                session.until(&tag, |_, _| false)?;
                continue;
            }
            let before = self.received;
            let status = self.answers(session, epoch, &tag, Some(from))?;
            let came = self.received.saturating_sub(before);
            verdict = self.judge(status, (from, before), came, piece, announced);
            if verdict.is_none() && came != piece {
                // Shorter than asked for and not the end: what is under way begins at the wrong place.
                while let Some((tag, _)) = under_way.pop_front() {
                    session.until(&tag, |_, _| false)?;
                }
                asked = self.received;
            }
        }
        Ok(verdict.unwrap_or(Verdict::Whole))
    }

    /// Whether a piece was the last.
    fn judge(
        &mut self,
        status: Status,
        (from, before): (u64, u64),
        came: u64,
        piece: u64,
        announced: u64,
    ) -> Option<Verdict> {
        if let Some(problem) = self.problem.take() {
            return Some(Verdict::Failed(problem));
        }
        if let Some(why) = self.doubt.take() {
            return Some(Verdict::Unsure(why, false));
        }
        if from != before {
            return None;
        }
        let received = self.received;
        let differ = || format!("{announced} octets announced, {received} came in parts");
        if came > 0 {
            // One that gives the whole at once, and more than was asked for, needs no further question. Every other end
            // is asked for: fewer octets than asked for may be as many as the server gives at a time.
            let is_last = received == announced && before == 0 && came > piece;
            return match (is_last, std::mem::take(&mut self.is_over)) {
                (true, _) => Some(Verdict::Whole),
                (false, true) => Some(Verdict::Unsure(differ(), false)),
                (false, false) => None,
            };
        }
        // Octets beyond the last are an empty string (RFC 9051 section 6.4.5); no answer at all is not the end of a
        // message.
        Some(if !status.is_ok() || before == 0 || !self.is_empty {
            Verdict::Lost(status)
        } else if received == announced || announced == 0 {
            Verdict::Whole
        } else {
            Verdict::Unsure(differ(), true)
        })
    }

    /// A piece did not come: the message is gone, or the server says so in this way that it ends here, or gives no more
    /// of it in parts: then why it is asked for whole.
    fn lost(
        &self,
        session: &mut Session<'_>,
        epoch: &Epoch,
        status: &Status,
    ) -> Result<Result<End, String>, WireError> {
        let received = self.received;
        let announced = epoch.listing.size(self.row).unwrap_or(0);
        let before = (received > 0).then(|| format!("{received} of {announced} octets had come"));
        Ok(match lost(session, epoch.listing.uid(self.row), status, before)? {
            Lost::Gone(why) => Ok(End::Gone(why)),
            Lost::Withheld(_) if status.is_ok() && announced > 0 && received == announced => Ok(End::Whole),
            Lost::Withheld(why) => Err(why),
        })
    }

    /// Asks for it whole, once more from its beginning.
    fn whole(&mut self, session: &mut Session<'_>, epoch: &Epoch) -> Result<End, WireError> {
        if std::mem::take(&mut self.is_begun) {
            let told = [Told::LongBroken];
            self.shelf.put(self.lane, self.slot, told).map_err(|Stopped| WireError::Stopped)?;
        }
        (self.received, self.digest, self.connections) = (0, Sha256Stream::new(), 0);
        let uid = epoch.listing.uid(self.row);
        let announced = epoch.listing.size(self.row);
        let tag = session.send(&Verb::Bodies(&Set::one(uid)))?;
        let status = self.answers(session, epoch, &tag, None)?;
        let seen = (self.digest(), self.received);
        let Some(parts) = &self.parts else { return Ok(End::Whole) };
        if let Some(why) = self.problem.take().or_else(|| self.doubt.take()) {
            return Ok(End::Failed(format!("{}; asked for whole: {why}", parts.why)));
        }
        if self.received == 0 {
            return Ok(match lost(session, uid, &status, Some(parts.why.clone()))? {
                Lost::Gone(why) => End::Gone(why),
                Lost::Withheld(why) => End::Failed(why),
            });
        }
        // Of a length that was not announced both must be alike; and fewer octets may always be a part, unless the
        // server said that nothing stands behind them.
        let is_long_enough = parts.is_ended || announced.is_some_and(|announced| seen.1 >= announced);
        if announced == Some(seen.1) || (seen == parts.seen && is_long_enough) {
            return Ok(End::Whole);
        }
        let announced = announced.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
        Ok(End::Failed(format!(
            "{}; asked for whole it came with {} octets, SHA-256 {}, of {announced} announced; none of it was kept",
            parts.why, seen.1, seen.0
        )))
    }

    /// Reads the answers to one command: for a piece from `from` on, or for the whole.
    fn answers(
        &mut self,
        session: &mut Session<'_>,
        epoch: &Epoch,
        tag: &[u8],
        from: Option<u64>,
    ) -> Result<Status, WireError> {
        let uid = epoch.listing.uid(self.row);
        let (limit, piece) = (session.limits.message, session.limits.piece);
        let announced = epoch.listing.size(self.row);
        self.is_empty = false;
        let mut answer = Answer::default();
        let mut has_come = from.is_some_and(|from| from != self.received);
        let mut is_last = false;
        loop {
            let mut taker =
                Taker { long: self, epoch, uid, from, limit, piece, announced, has_come: &mut has_come };
            let heard = session.hear(&mut answer, &mut taker);
            let is_handed_on = std::mem::take(&mut self.is_handed_on);
            if let Some(is_answer) = shows(&heard, &answer.text)
                && std::mem::take(&mut is_last)
                && !is_answer
            {
                self.doubt = Some("what follows its octets is no answer".to_owned());
            }
            is_last |= is_handed_on;
            let kind = heard?;
            session.is_still(epoch.uid_validity)?;
            match kind {
                Kind::Tagged(found, status) => {
                    session.own(&found, tag).inspect_err(|_| {
                        self.doubt.get_or_insert_with(|| "what follows its octets is no answer".to_owned());
                    })?;
                    return Ok(status);
                }
                Kind::Numbered(_, name) if name == b"FETCH" => {
                    let fetched = Fetched::read(&mut answer);
                    if is_handed_on && !fetched.as_ref().is_some_and(|fetched| is_of(fetched, uid)) {
                        self.problem = Some(not_its_own(fetched.and_then(|fetched| fetched.uid)));
                        continue;
                    }
                    let Some(fetched) = fetched else { continue };
                    if is_handed_on && fetched.is_torn {
                        self.doubt =
                            Some("what stands behind its octets shows that their count is wrong".to_owned());
                    }
                    if fetched.uid != Some(uid) || has_come {
                        continue;
                    }
                    match fetched.body {
                        Some((_, Body::Elsewhere(0))) => self.is_empty = true,
                        Some((_, Body::Bytes(bytes))) if bytes.is_empty() => self.is_empty = true,
                        // A piece so small that it came between quotes.
                        Some((origin, Body::Bytes(bytes))) if origin.unwrap_or(0) == from.unwrap_or(0) => {
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
        if self.parts.is_none() {
            // What came stays. The whole begins anew with each connection.
            self.tries = 0;
        }
        if !std::mem::replace(&mut self.has_part, true) {
            self.connections = self.connections.saturating_add(1);
        }
        self.digest.update(&bytes);
        if self.is_second {
            return Ok(());
        }
        let start = (!self.is_begun).then(|| Told::LongStart { at: epoch.place(self.row) });
        self.is_begun = true;
        let told = start.into_iter().chain([Told::Part(bytes)]);
        self.shelf.put(self.lane, self.slot, told).map_err(|Stopped| WireError::Stopped)
    }
}

/// Streams the body of one piece, or of the whole.
struct Taker<'t, 's> {
    long: &'t mut Long<'s>,
    epoch: &'t Epoch,
    uid: u64,
    from: Option<u64>,
    limit: u64,
    piece: u64,
    announced: Option<u64>,
    has_come: &'t mut bool,
}

impl Taker<'_, '_> {
    /// Why octets from `origin` on do not belong where they were asked for.
    fn misplaced(&self, origin: Option<u64>, octets: u64) -> Option<String> {
        let from = self.from.unwrap_or(0);
        match origin {
            Some(origin) if origin != from => {
                Some(format!("asked for octets from {from}, the server gave them from {origin}"))
            }
            None if from > 0 => Some("the server does not give parts of messages".to_owned()),
            Some(_) if from > 0 && octets > self.piece => {
                Some("the server gave more octets than were asked for".to_owned())
            }
            _ => None,
        }
    }

    /// Why no more of it is taken, whatever comes.
    fn excessive(&self, octets: u64) -> Option<String> {
        let few = self.limit.checked_div(self.piece).unwrap_or(0);
        if self.long.pieces > few.saturating_add(1000) {
            return Some("it comes in ever smaller parts".to_owned());
        }
        let total = self.from.unwrap_or(0).saturating_add(octets);
        (total > self.limit).then(|| format!("it is over the limit of {} octets", self.limit))
    }
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
        if let Some(why) = self.misplaced(origin_so_far(text), octets) {
            self.long.doubt = Some(why);
            return Room::Drop;
        }
        if let Some(why) = self.excessive(octets) {
            self.long.problem = Some(why);
            return Room::Drop;
        }
        *self.has_come = true;
        self.long.is_handed_on = true;
        self.long.pieces = self.long.pieces.saturating_add(1);
        self.long.is_over = self.from.is_some() && octets > self.piece && self.announced != Some(octets);
        Room::Stream
    }

    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        self.long.hand_on(self.epoch, bytes)
    }
}

/// Whether an answer that has come to its end gave a body, and of this message. Its UID may stand behind the body,
/// which has been handed on then.
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
