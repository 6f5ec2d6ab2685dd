//! Whether the octets that came for a message are the message: what one answer shows, and what a further fetch must
//! show.
//!
//! A server may announce a wrong count of octets, give a part for the whole, or tell a size that is not the message's.
//! An answer counts by itself when it holds together and has the announced length. Every other one is asked for again
//! alone: two alike are taken and told, an end that was reached too early is asked about, and what stays in doubt has
//! failed.

use std::collections::HashMap;

use super::answer::{Answer, Kind};
use super::fetch::{Body, Fetched};
use super::session::{Bodies, Room, Session};
use super::verb::Verb;
use crate::acquire::wire::WireError;
use crate::types::Sha256Digest;

/// Times that a message in doubt is fetched.
const TIMES: u32 = 3;

/// What came of a message so far, none of it taken.
#[derive(Debug)]
struct Doubt {
    why: String,
    /// Digest and length of what came last, unless the answer was torn.
    seen: Option<(Sha256Digest, u64)>,
    /// Kept while the server is asked whether more follows.
    held: Option<Vec<u8>>,
    times: u32,
}

/// What becomes of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is the message; with what is told of it when it was in doubt before.
    Taken(Vec<u8>, Option<String>),
    /// It is asked for again, for this reason.
    Again(String),
}

/// What is to be done about a message that did not come, or not surely.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing came that is in doubt.
    None,
    /// Asked for once more.
    Again,
    /// Came twice alike, and not as long as announced: the server is asked whether more follows.
    Ask,
    /// It has failed.
    Failed(String),
}

/// The messages of a chunk that are in doubt, by row.
#[derive(Debug, Default)]
pub(super) struct Doubts(HashMap<usize, Doubt>);

/// One body as it came.
#[derive(Debug)]
pub(super) struct Came {
    /// Octets announced by RFC822.SIZE.
    pub(super) announced: Option<u64>,
    /// The origin that the server wrote, where a whole message was asked for.
    pub(super) origin: Option<u64>,
    /// What stands behind it cannot stand there.
    pub(super) is_torn: bool,
}

impl Came {
    /// Why the octets may not be the message, and whether the answer proves that they are not.
    fn problem(&self, octets: u64) -> Option<(String, bool)> {
        if self.is_torn {
            return Some((
                format!("{octets} octets came, and what stands behind them shows that the count is wrong"),
                true,
            ));
        }
        match (self.origin, self.announced) {
            (Some(origin), _) if origin > 0 => {
                Some((format!("the whole was asked for, the server gave octets from {origin}"), true))
            }
            (_, Some(announced)) if announced != octets => {
                Some((format!("{announced} octets announced, {octets} came"), false))
            }
            (_, None) => Some((format!("no size was announced, {octets} octets came"), false)),
            _ => None,
        }
    }
}

impl Doubts {
    /// Weighs a body of a message that has not come yet.
    pub(super) fn weigh(&mut self, row: usize, came: &Came, bytes: Vec<u8>) -> Weight {
        let octets = bytes.len() as u64;
        let Some((why, is_proof)) = came.problem(octets) else {
            let before =
                self.0.remove(&row).map(|doubt| format!("{}; fetched again alone it came whole", doubt.why));
            return Weight::Taken(bytes, before);
        };
        let digest = Sha256Digest::of(&bytes);
        let before = self.0.remove(&row);
        let times = before.as_ref().map_or(0, |doubt| doubt.times).saturating_add(1);
        let is_alike = !is_proof && before.as_ref().is_some_and(|doubt| doubt.seen == Some((digest, octets)));
        let why = before
            .filter(|_| !is_alike)
            .map_or_else(|| why.clone(), |doubt| format!("{}; then {why}", doubt.why));
        let held = is_alike.then_some(bytes);
        let seen = (!is_proof).then_some((digest, octets));
        self.0.insert(row, Doubt { why: why.clone(), seen, held, times });
        Weight::Again(why)
    }

    /// What followed a body that was taken is no answer: octets of the message, perhaps.
    pub(super) fn refute(&mut self, row: usize, bytes: &[u8]) {
        let times = self.0.remove(&row).map_or(0, |doubt| doubt.times).saturating_add(1);
        let why = format!("{} octets came, and what follows them is no answer", bytes.len());
        self.0.insert(row, Doubt { why, seen: None, held: None, times });
    }

    /// The same of a body that is in doubt: it counts no more as one that came alike.
    pub(super) fn refute_seen(&mut self, row: usize) {
        if let Some(doubt) = self.0.get_mut(&row) {
            (doubt.seen, doubt.held) = (None, None);
            doubt.why.push_str(", and what follows them is no answer");
        }
    }

    /// How often a message in doubt came.
    pub(super) fn times(&self, row: usize) -> u32 {
        self.0.get(&row).map_or(0, |doubt| doubt.times)
    }

    /// What is to be done about a message that has not come, of which `before` bodies in doubt had come when it was
    /// last asked for.
    pub(super) fn step(&self, row: usize, before: u32) -> Step {
        let Some(doubt) = self.0.get(&row) else { return Step::None };
        match &doubt.held {
            Some(_) => Step::Ask,
            None if doubt.times < TIMES && doubt.times > before => Step::Again,
            None => Step::Failed(match doubt.seen {
                Some((digest, octets)) => {
                    format!("{}; {octets} octets, SHA-256 {digest}, were not kept", doubt.why)
                }
                None => doubt.why.clone(),
            }),
        }
    }

    /// The bytes that came twice alike.
    pub(super) fn held(&self, row: usize) -> &[u8] {
        self.0.get(&row).and_then(|doubt| doubt.held.as_deref()).unwrap_or_default()
    }

    /// The same, and what is told of them.
    pub(super) fn take_held(&mut self, row: usize) -> Option<(Vec<u8>, String)> {
        let doubt = self.0.remove(&row)?;
        let text = format!(
            "{}; fetched again alone it came alike, and the server gives nothing beyond it",
            doubt.why
        );
        Some((doubt.held?, text))
    }

    /// The message comes in parts from now on.
    pub(super) fn forget(&mut self, row: usize) {
        self.0.remove(&row);
    }
}

/// Whether the server gives octets of a message behind `held`, which came for the whole. A server that does not know
/// parts gives the same octets wherever they are asked for from, or refuses: that shows nothing.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn has_more(session: &mut Session<'_>, uid: u64, held: &[u8]) -> Result<bool, WireError> {
    match part(session, uid, held.len() as u64, 1, held)? {
        Part::Nothing => return Ok(false),
        Part::Other => return Ok(true),
        Part::Same => {}
    }
    // The next octets may be the same as the first. From the second on they are not, unless all are one and the same.
    let is_uniform = held.windows(2).all(|two| two.first() == two.last());
    Ok(is_uniform || part(session, uid, 1, held.len() as u64, held)? != Part::Same)
}

/// What came for a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Nothing,
    /// What came for the whole.
    Same,
    Other,
}

/// Asks for a part, and compares it with what came for the whole.
fn part(session: &mut Session<'_>, uid: u64, from: u64, length: u64, held: &[u8]) -> Result<Part, WireError> {
    let tag = session.send(&Verb::Piece { uid, from, length })?;
    let (mut answer, mut came) = (Answer::default(), Part::Nothing);
    loop {
        let kind = session.hear(&mut answer, &mut UpTo(held.len() as u64))?;
        match &kind {
            Kind::Tagged(found, _) => {
                session.own(found, &tag)?;
                return Ok(came);
            }
            Kind::Numbered(_, name) if name == b"FETCH" => {
                let Some(fetched) = Fetched::read(&mut answer).filter(|fetched| fetched.uid == Some(uid))
                else {
                    continue;
                };
                for (origin, body) in fetched.body.into_iter().chain(fetched.further) {
                    let is_same = |bytes: &[u8]| bytes == held && origin.is_none_or(|origin| origin == 0);
                    came = match body {
                        Body::Nil | Body::Elsewhere(0) => came,
                        Body::Bytes(bytes) if bytes.is_empty() => came,
                        Body::Bytes(bytes) if is_same(&bytes) && came != Part::Other => Part::Same,
                        Body::Bytes(_) | Body::Elsewhere(_) => Part::Other,
                    };
                }
            }
            // Octets of the message that the server did not count.
            kind if !is_known(kind) && !answer.text.is_empty() => came = Part::Other,
            _ => {}
        }
    }
}

/// Keeps bodies up to so many octets.
struct UpTo(u64);

impl Bodies for UpTo {
    fn room(&mut self, _: &[u8], octets: u64) -> Room {
        if octets <= self.0 { Room::Keep } else { Room::Drop }
    }

    fn part(&mut self, _: Vec<u8>) -> Result<(), WireError> {
        Ok(())
    }
}

/// Names of untagged answers (RFC 9051 section 7 and extensions).
const NAMES: [&[u8]; 21] = [
    b"CAPABILITY",
    b"LIST",
    b"LSUB",
    b"XLIST",
    b"SEARCH",
    b"ESEARCH",
    b"SORT",
    b"THREAD",
    b"STATUS",
    b"FLAGS",
    b"VANISHED",
    b"ENABLED",
    b"ID",
    b"NAMESPACE",
    b"QUOTA",
    b"QUOTAROOT",
    b"ACL",
    b"MYRIGHTS",
    b"METADATA",
    b"LANGUAGE",
    b"NOTIFY",
];

/// Whether an answer is one that a server gives: octets of a message that are left over look like none.
fn is_known(kind: &Kind) -> bool {
    match kind {
        Kind::Other | Kind::Continue(_) => false,
        Kind::Data(name) => NAMES.contains(&name.as_slice()),
        Kind::Numbered(_, name) => matches!(name.as_slice(), b"EXISTS" | b"RECENT" | b"EXPUNGE" | b"FETCH"),
        Kind::Tagged(..) | Kind::Status(_) => true,
    }
}

/// Whether what was heard after a body shows that its octets were counted as they should be; `None` when it does not
/// say. A break of the connection shows nothing; a line that breaks the rules is no answer.
pub(super) fn shows(heard: &Result<Kind, WireError>, text: &[u8]) -> Option<bool> {
    match heard {
        Ok(_) if text.is_empty() => None,
        Ok(kind) => Some(is_known(kind)),
        Err(error) => Some(!matches!(error, WireError::Protocol(_))),
    }
}
