//! All messages of an opened folder, as the server lists them, kept in little room.

use std::collections::HashMap;

use super::answer::{Kind, found};
use super::fetch::Fetched;
use super::session::Session;
use super::verb::{Extras, Set, Verb};
use crate::acquire::wire::WireError;
use crate::acquire::{Notice, Order};
use crate::types::server::ServerState;

/// Most bytes that a listing holds: some three million messages.
const HELD: usize = 160 << 20;

/// Most UIDs that a notice names.
const NAMED: usize = 50;

/// A message of the listing.
#[derive(Clone, Copy, Debug)]
struct Row {
    uid: u64,
    /// Place of its flags in [`Listing::flags`].
    flags: u32,
    /// Where its packed words begin.
    at: u32,
}

/// The messages of a folder in ascending order of their UIDs.
#[derive(Debug, Default)]
pub(super) struct Listing {
    rows: Vec<Row>,
    /// Each set of flags once.
    flags: Vec<Vec<Vec<u8>>>,
    /// Dates, sizes and ids, packed.
    words: Vec<u8>,
}

/// What a listing lacks or has too much of.
#[derive(Debug, Default)]
struct Odd {
    /// Lines that repeat a UID, and those of them that do not say the same; the first of the UIDs that do not.
    twice: u64,
    differ: u64,
    named: Vec<u64>,
    without_uid: u64,
    descending: bool,
}

impl Odd {
    /// One more line for a UID that has one.
    fn repeat(&mut self, uid: u64, is_alike: bool) {
        self.twice = self.twice.saturating_add(1);
        if !is_alike {
            self.differ = self.differ.saturating_add(1);
            if self.named.len() < NAMED && self.named.last() != Some(&uid) {
                self.named.push(uid);
            }
        }
    }
}

impl Listing {
    /// How many messages.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes that it holds, near enough; sets of flags are few.
    pub(super) fn held(&self) -> usize {
        self.rows.len().saturating_mul(size_of::<Row>()).saturating_add(self.words.len())
    }

    /// The UID in a row.
    pub(super) fn uid(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |r| r.uid)
    }

    /// The row of a UID.
    pub(super) fn row(&self, uid: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&uid, |r| r.uid).ok()
    }

    /// The flags in a row.
    pub(super) fn flags(&self, row: usize) -> &[Vec<u8>] {
        let at = self.rows.get(row).map_or(usize::MAX, |r| r.flags as usize);
        self.flags.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    /// Which set of flags a row has: rows with one number have the same flags.
    pub(super) fn flags_place(&self, row: usize) -> usize {
        self.rows.get(row).map_or(usize::MAX, |r| r.flags as usize)
    }

    /// What the server said of the message in a row.
    pub(super) fn server(&self, row: usize) -> ServerState {
        let at = self.rows.get(row).map_or(usize::MAX, |r| r.at as usize);
        let mut state = unpacked(self.words.get(at..).unwrap_or_default()).unwrap_or_default();
        state.flags = self.flags(row).to_vec();
        state
    }

    /// The announced size in a row.
    pub(super) fn size(&self, row: usize) -> Option<u64> {
        self.server_part(row).size
    }

    /// As [`Listing::server`], without the flags.
    pub(super) fn server_part(&self, row: usize) -> ServerState {
        let at = self.rows.get(row).map_or(usize::MAX, |r| r.at as usize);
        unpacked(self.words.get(at..).unwrap_or_default()).unwrap_or_default()
    }
}

/// Gathers a listing while it comes.
#[derive(Default)]
struct Gather {
    /// Bytes that the sets of flags hold.
    flags_bytes: usize,
    listing: Listing,
    places: HashMap<Vec<Vec<u8>>, u32>,
    /// UIDs in the order of coming are compared to see repeats without a set of all.
    last: u64,
    odd: Odd,
}

impl Gather {
    fn add(&mut self, uid: u64, state: &ServerState) -> Option<()> {
        if uid <= self.last && !self.listing.rows.is_empty() {
            self.odd.descending = true;
        }
        self.last = uid;
        let rows = self.listing.rows.len().saturating_mul(size_of::<Row>());
        let held = rows.saturating_add(self.listing.words.len()).saturating_add(self.flags_bytes);
        if held > HELD {
            return None;
        }
        let at = u32::try_from(self.listing.words.len()).ok()?;
        let flags = if let Some(&place) = self.places.get(&state.flags) {
            place
        } else {
            let place = u32::try_from(self.listing.flags.len()).ok()?;
            let bytes: usize = state.flags.iter().map(|f| f.len().saturating_add(48)).sum();
            self.flags_bytes = self.flags_bytes.saturating_add(bytes.saturating_mul(2).saturating_add(100));
            self.places.insert(state.flags.clone(), place);
            self.listing.flags.push(state.flags.clone());
            place
        };
        pack(state, &mut self.listing.words);
        self.listing.rows.push(Row { uid, flags, at });
        Some(())
    }

    fn done(mut self) -> (Listing, Odd) {
        if self.odd.descending {
            // Stable: of two lines with one UID the first stays.
            self.listing.rows.sort_by_key(|r| r.uid);
            let mut rows = std::mem::take(&mut self.listing.rows);
            let words = &self.listing.words;
            let part = |r: &Row| unpacked(words.get(r.at as usize..).unwrap_or_default());
            rows.dedup_by(|later, first| {
                let is_same = later.uid == first.uid;
                if is_same {
                    self.odd.repeat(later.uid, later.flags == first.flags && part(later) == part(first));
                }
                is_same
            });
            self.listing.rows = rows;
        }
        (self.listing, self.odd)
    }

    /// Whether the line that came last says this.
    fn ends_with(&self, state: &ServerState) -> bool {
        let last = self.listing.rows.len().checked_sub(1);
        last.is_some_and(|row| self.listing.server(row) == *state)
    }
}

/// Why a folder was not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListingRefused {
    /// The server's words.
    pub(super) said: String,
    /// Whether it may list another time.
    pub(super) is_passing: bool,
}

/// Lists the opened folder. The inner error: the server refused. When it `may_wait`, a listing that the server cut
/// short for now is refused too.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn list(
    session: &mut Session<'_>,
    order: &Order,
    exists: u64,
    may_wait: bool,
    notices: &mut Vec<Notice>,
) -> Result<Result<Listing, ListingRefused>, WireError> {
    // A count that was not told, or that nobody can read, is not none.
    if exists == 0 && session.exists == Some(0) {
        return Ok(Ok(Listing::default()));
    }
    let extras = Extras { object_id: session.can("OBJECTID"), gmail: session.can("X-GM-EXT-1") };
    let most = order.limits.listed;
    let mut gather = Gather::default();
    let mut is_full = false;
    let mut status = session.run(&Verb::Listing(extras), taker(&mut gather, most, &mut is_full))?;
    let is_throttled = may_wait && status.is_passing();
    if !status.is_ok() && !is_throttled && gather.listing.rows.is_empty() && extras != Extras::default() {
        // Some server offers what it then does not know.
        status = session.run(&Verb::Listing(Extras::default()), taker(&mut gather, most, &mut is_full))?;
    }
    let mut push = |code, text, is_partial| notices.push(Notice { code, path: None, text, is_partial });
    let is_passing = status.is_passing();
    if !status.is_ok() && (gather.listing.rows.is_empty() || is_passing && may_wait) {
        return Ok(Err(ListingRefused { said: status.said(), is_passing }));
    }
    if !status.is_ok() {
        push("listing-cut-short", format!("the listing ended with: {}", status.said()), true);
    }
    if is_full {
        push("listing-over-limit", format!("more than {most} messages are listed; the rest was left"), true);
    }
    let listed = {
        let mut uids: Vec<u64> = gather.listing.rows.iter().map(|r| r.uid).collect();
        uids.sort_unstable();
        uids.dedup();
        uids
    };
    let exists = session.exists.unwrap_or(exists);
    let expected = usize::try_from(exists).unwrap_or(usize::MAX);
    if listed.len() < expected && !is_full {
        // The server counts more than it lists: another question may name the rest.
        let missing = search(session, &listed, order)?;
        for &uid in &missing {
            let state = look(session, uid, extras)?;
            gather.add(uid, &state.unwrap_or_default());
        }
        if !missing.is_empty() {
            let text = format!("{} messages were named by a search and not by the listing", missing.len());
            push("listing-incomplete", text, false);
        }
        let known = listed.len().saturating_add(missing.len());
        if known < expected {
            let text = format!("the server counts {exists} messages and names {known}");
            push("listing-short", text, true);
        }
    } else if listed.len() > expected {
        let text = format!("the server counts {exists} messages and lists {}", listed.len());
        push("listing-long", text, false);
    }
    let (listing, odd) = gather.done();
    if odd.twice > 0 {
        let mut text =
            format!("{} lines of the listing repeat a UID; the first line of each counts", odd.twice);
        if odd.differ > 0 {
            let named: Vec<String> = odd.named.iter().map(u64::to_string).collect();
            let more = if odd.differ > odd.named.len() as u64 { ", .." } else { "" };
            text = format!("{text}; {} say something else: UID {}{more}", odd.differ, named.join(", "));
        }
        push("uid-listed-twice", text, false);
    }
    if odd.without_uid > 0 {
        push("listed-without-uid", format!("{} lines of the listing have no UID", odd.without_uid), false);
    }
    Ok(Ok(listing))
}

/// Takes the lines of a listing.
fn taker<'g>(
    gather: &'g mut Gather,
    most: u64,
    is_full: &'g mut bool,
) -> impl FnMut(&Kind, &mut super::answer::Answer) -> bool + 'g {
    let mut over = 0u64;
    move |kind, answer| {
        if !matches!(kind, Kind::Numbered(_, name) if name == b"FETCH") {
            return false;
        }
        let Some(fetched) = Fetched::read(answer) else { return false };
        match fetched.uid {
            Some(uid) if uid > 0 => {
                if *is_full || gather.listing.rows.len() as u64 >= most {
                    *is_full = true;
                    // The rest of an honest listing is read to its end.
                    let is_next = uid > gather.last && over < most;
                    gather.last = uid;
                    over = over.saturating_add(1);
                    return is_next;
                }
                // A line that repeats the one before does not help: an endless one ends at the limit of answers.
                let is_new = uid != gather.last;
                if is_new && gather.add(uid, &fetched.server).is_none() {
                    *is_full = true;
                    return false;
                }
                if !is_new {
                    let is_alike = gather.ends_with(&fetched.server);
                    gather.odd.repeat(uid, is_alike);
                }
                is_new
            }
            _ => {
                // Flags that changed are told without a UID; a line of the listing has a size or a date.
                if fetched.server.size.is_some() || fetched.server.internal_date.is_some() {
                    gather.odd.without_uid = gather.odd.without_uid.saturating_add(1);
                }
                false
            }
        }
    }
}

/// UIDs that a search names and the listing does not.
fn search(session: &mut Session<'_>, listed: &[u64], order: &Order) -> Result<Vec<u64>, WireError> {
    let most =
        usize::try_from(order.limits.listed).unwrap_or(usize::MAX).min(listed.len().saturating_add(100_000));
    let mut missing = Vec::new();
    session.run(&Verb::SearchAll, |kind, answer| {
        if matches!(kind, Kind::Data(name) if name == b"SEARCH" || name == b"ESEARCH") {
            let all = found(answer, most);
            missing.extend(all.into_iter().filter(|uid| *uid > 0 && listed.binary_search(uid).is_err()));
        }
        false
    })?;
    missing.sort_unstable();
    missing.dedup();
    missing.truncate(100_000);
    Ok(missing)
}

/// What the server knows of one message; `None` when it tells nothing, so the message is gone.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn look(
    session: &mut Session<'_>,
    uid: u64,
    extras: Extras,
) -> Result<Option<ServerState>, WireError> {
    let mut state = None;
    session.run(&Verb::Look(extras, &Set::one(uid)), |kind, answer| {
        if matches!(kind, Kind::Numbered(_, name) if name == b"FETCH")
            && let Some(fetched) = Fetched::read(answer)
            && fetched.uid == Some(uid)
        {
            state = Some(fetched.server);
        }
        false
    })?;
    Ok(state)
}

/// Appends what a server said, without its flags: a byte that says what is there, then that.
fn pack(state: &ServerState, out: &mut Vec<u8>) {
    let there = [
        state.internal_date.is_some(),
        state.size.is_some(),
        state.modseq.is_some(),
        state.gm_msgid.is_some(),
        state.gm_thrid.is_some(),
        state.email_id.is_some(),
        state.thread_id.is_some(),
        !state.gm_labels.is_empty(),
    ];
    out.push(there.iter().enumerate().fold(0, |mask, (bit, is)| mask | u8::from(*is) << bit));
    for n in [state.size, state.modseq, state.gm_msgid, state.gm_thrid].into_iter().flatten() {
        number(n, out);
    }
    for text in [&state.internal_date, &state.email_id, &state.thread_id].into_iter().flatten() {
        bytes(text, out);
    }
    if !state.gm_labels.is_empty() {
        number(state.gm_labels.len() as u64, out);
        state.gm_labels.iter().for_each(|label| bytes(label, out));
    }
}

fn unpacked(mut packed: &[u8]) -> Option<ServerState> {
    let packed = &mut packed;
    let mut state = ServerState::default();
    let (&mask, rest) = packed.split_first()?;
    *packed = rest;
    let is = |bit: u8| mask >> bit & 1 == 1;
    let numbers =
        [(1, &mut state.size), (2, &mut state.modseq), (3, &mut state.gm_msgid), (4, &mut state.gm_thrid)];
    for (bit, field) in numbers {
        if is(bit) {
            *field = Some(take_number(packed)?);
        }
    }
    for (bit, field) in [(0, &mut state.internal_date), (5, &mut state.email_id), (6, &mut state.thread_id)] {
        if is(bit) {
            *field = Some(take_bytes(packed)?.to_vec());
        }
    }
    if is(7) {
        for _ in 0..take_number(packed)? {
            state.gm_labels.push(take_bytes(packed)?.to_vec());
        }
    }
    Some(state)
}

/// Seven bits a byte, lowest first; the high bit says that more follow.
fn number(mut n: u64, out: &mut Vec<u8>) {
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push((n & 0x7f) as u8);
}

fn take_number(packed: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = packed.split_first()?;
        *packed = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

fn bytes(text: &[u8], out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text);
}

fn take_bytes<'p>(packed: &mut &'p [u8]) -> Option<&'p [u8]> {
    let length = usize::try_from(take_number(packed)?).ok()?;
    let (text, rest) = packed.split_at_checked(length)?;
    *packed = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let state = ServerState {
            internal_date: Some(b"17-Jul-1996 02:44:25 -0700".to_vec()),
            flags: vec![b"\\Seen".to_vec()],
            size: Some(u64::MAX),
            modseq: None,
            email_id: Some(Vec::new()),
            thread_id: None,
            gm_msgid: Some(1_278_455_344_230_334_865),
            gm_thrid: Some(0),
            gm_labels: vec![b"\\Inbox".to_vec(), Vec::new()],
            uidl: None,
        };
        let mut gather = Gather::default();
        gather.add(9, &ServerState::default()).unwrap();
        gather.add(4, &state).unwrap();
        gather.add(4, &ServerState::default()).unwrap();
        let (listing, odd) = gather.done();
        assert_eq!((listing.len(), odd.twice), (2, 1));
        assert_eq!(listing.row(4), Some(0));
        assert_eq!(listing.server(0), state);
        assert_eq!(listing.server(1), ServerState::default());
        assert_eq!(listing.size(0), Some(u64::MAX));
    }
}
