//! What is done with each message of a folder, decided before the first is fetched.

use std::ops::Range;

use super::folders::Mailbox;
use super::listing::Listing;
use crate::acquire::{Choice, Known, Left, Order, Place, Why};
use crate::types::RelPath;
use crate::types::server::words_weight;
use crate::types::time::{UtcMs, rfc3339};

/// Messages fetched by one command.
const MESSAGES: usize = 1000;

/// Octets, as announced, fetched by the commands of all connections.
const OCTETS: u64 = 16 << 20;

/// Octets fetched by one command, within these.
const OCTETS_OF_ONE: std::ops::RangeInclusive<u64> = 1 << 20..=8 << 20;

/// Messages told as excluded in one chunk.
const EXCLUDED: usize = 1000;

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The case has it.
    Known,
    /// It is older than `since`.
    Since,
    /// It is not older than `before`.
    Before,
    /// It is over `max_size`.
    Size,
    /// It is fetched.
    Fetch,
}

/// Messages that one connection fetches at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Rows of the listing; excluded ones are told in their place, known ones passed over.
    pub(super) rows: Range<usize>,
    /// It is one message that is too long for memory.
    pub(super) is_long: bool,
}

/// A folder from the answer to EXAMINE on, as long as its UIDVALIDITY stays.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) mailbox: Mailbox,
    pub(super) uid_validity: Option<u64>,
    pub(super) path: RelPath,
    pub(super) listing: Listing,
    pub(super) decisions: Vec<Decision>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) choice: Choice,
}

impl Epoch {
    /// Decides.
    pub(super) fn new(
        mailbox: Mailbox,
        uid_validity: Option<u64>,
        listing: Listing,
        order: &Order,
        known: &dyn Known,
    ) -> Self {
        let choice = &order.choice;
        let path = mailbox.epoch(uid_validity);
        let decisions = (0..listing.len())
            .map(|row| {
                if known.has(&message_path(&path, listing.uid(row))) {
                    Decision::Known
                } else {
                    decide(&listing, row, choice)
                }
            })
            .collect();
        let mut epoch =
            Self { mailbox, uid_validity, path, listing, decisions, chunks: vec![], choice: choice.clone() };
        epoch.chunks = epoch.cut(order);
        epoch
    }

    /// The chunks: they cover all rows, in order.
    fn cut(&self, order: &Order) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let (mut start, mut messages, mut octets, mut excluded) = (0usize, 0usize, 0u64, 0usize);
        let most = order.limits.in_memory as u64;
        let share = OCTETS.checked_div(order.connections as u64).unwrap_or(OCTETS);
        let full = share.clamp(*OCTETS_OF_ONE.start(), *OCTETS_OF_ONE.end()).min(most);
        for (row, decision) in self.decisions.iter().enumerate() {
            if *decision != Decision::Fetch {
                excluded = excluded.saturating_add(usize::from(*decision != Decision::Known));
                if excluded >= EXCLUDED {
                    let end = row.saturating_add(1);
                    chunks.push(Chunk { rows: start..end, is_long: false });
                    (start, messages, octets, excluded) = (end, 0, 0, 0);
                }
                continue;
            }
            let server = self.listing.server_part(row);
            let size = server.size.unwrap_or(0);
            let is_long = size > most;
            // Flags and labels are held too, for each message.
            let words = words_weight(self.listing.flags(row)).saturating_add(server.weight());
            let held = size.saturating_add(words as u64);
            let is_full = messages >= MESSAGES || (messages > 0 && octets.saturating_add(held) > full);
            if (is_long || is_full) && row > start {
                chunks.push(Chunk { rows: start..row, is_long: false });
                (start, messages, octets, excluded) = (row, 0, 0, 0);
            }
            if is_long {
                let end = row.saturating_add(1);
                chunks.push(Chunk { rows: row..end, is_long: true });
                (start, messages, octets, excluded) = (end, 0, 0, 0);
            } else {
                messages = messages.saturating_add(1);
                octets = octets.saturating_add(held);
            }
        }
        if start < self.decisions.len() {
            chunks.push(Chunk { rows: start..self.decisions.len(), is_long: false });
        }
        chunks
    }

    /// Where the message in a row is.
    pub(super) fn place(&self, row: usize) -> Place {
        let uid = self.listing.uid(row);
        Place { path: message_path(&self.path, uid), uid }
    }

    /// What is told of the message in a row when a rule excludes it.
    pub(super) fn excluded(&self, row: usize) -> Option<Left> {
        let note = match self.decisions.get(row)? {
            Decision::Known | Decision::Fetch => return None,
            Decision::Since => format!("internal date before {}", time(self.choice.since)),
            Decision::Before => format!("internal date not before {}", time(self.choice.before)),
            Decision::Size => {
                let size = self.listing.size(row).unwrap_or(0);
                format!("{size} octets announced, over {}", self.choice.max_size.unwrap_or(0))
            }
        };
        Some(Left { at: self.place(row), why: Why::Excluded, note: note.into_bytes() })
    }

    /// How many rows have one of these decisions.
    pub(super) fn count(&self, is: impl Fn(Decision) -> bool) -> u64 {
        self.decisions.iter().filter(|d| is(**d)).count() as u64
    }
}

fn time(seconds: Option<i64>) -> String {
    rfc3339(UtcMs(seconds.unwrap_or(0).saturating_mul(1000)))
}

/// Path of a message (RFC 5092 section 5).
pub(super) fn message_path(folder: &RelPath, uid: u64) -> RelPath {
    RelPath::new([folder.as_bytes(), format!("/;UID={uid}").as_bytes()].concat())
}

/// By the rules of the examiner. A message of which the date or size is not known is taken: a rule excludes what it is
/// sure of.
fn decide(listing: &Listing, row: usize, choice: &Choice) -> Decision {
    if choice.since.is_none() && choice.before.is_none() && choice.max_size.is_none() {
        return Decision::Fetch;
    }
    let server = listing.server_part(row);
    let at = server.internal().map(|(at, _)| at.0.div_euclid(1000));
    if let (Some(at), Some(since)) = (at, choice.since)
        && at < since
    {
        return Decision::Since;
    }
    if let (Some(at), Some(before)) = (at, choice.before)
        && at >= before
    {
        return Decision::Before;
    }
    if let (Some(size), Some(most)) = (server.size, choice.max_size)
        && size > most
    {
        return Decision::Size;
    }
    Decision::Fetch
}
