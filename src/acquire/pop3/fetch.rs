//! Fetches what is to be taken, several commands ahead of the answers, and settles each message in order.

use std::time::{Duration, Instant};

use crate::acquire::wire::{Wire, WireError};
use crate::acquire::{AcquireError, Left, Message, Place, Told, Why};
use crate::types::digest::Sha256Stream;
use crate::types::server::ServerState;
use crate::types::{Anomaly, AnomalyKind, RelPath, Sha256Digest};

use super::answer::status;
use super::body::Unstuffer;
use super::capa::Capa;
use super::listing::{Entry, path_by_digest};
use super::run::{Run, Stop, folder};
use super::verb::Verb;

/// Commands under way at once, where the server says PIPELINING. They fit any socket's buffer, so neither side waits
/// for the other.
const WINDOW: usize = 64;

/// Bytes of a long message that are told at once.
pub(super) const PART: usize = 1 << 20;

/// Slowest rate that is borne once the longest silence has passed, in bytes a second.
pub(super) const SLOWEST: u64 = 256;

/// Longest silence in the first message of a run, before the server has shown that it gives any. Two of them end the
/// run.
const FIRST_SILENCE: Duration = Duration::from_secs(25);

/// Longest silence behind a line with a single dot, when all lines so far end in LF alone: what ends the message there
/// is what such a server sends, and nothing follows.
const BARE_END_SILENCE: Duration = Duration::from_secs(10);

/// What is done with a message when its turn comes.
enum Plan {
    Known,
    Excluded(String),
    Gone,
    Fetch(u64),
}

/// A message as it came.
struct Came {
    total: u64,
    digest: Sha256Digest,
    has_bare_dot: bool,
    /// Its bytes, unless they were told in parts.
    whole: Option<Vec<u8>>,
}

impl Run<'_> {
    fn plan(&self, index: usize) -> Option<Plan> {
        let item = self.items.get(index)?;
        let entry = &item.entry;
        if entry.uidl.is_some() && self.known.has(&entry.path()) {
            return Some(Plan::Known);
        }
        if let (Some(size), Some(most)) = (entry.size, self.order.choice.max_size)
            && size > most
        {
            return Some(Plan::Excluded(format!("max-size {most}: {size} octets announced")));
        }
        Some(item.number.map_or(Plan::Gone, Plan::Fetch))
    }

    /// Settles every message from the head on.
    ///
    /// # Errors
    /// [`Stop`]; the head is then the first message that is not settled.
    pub(super) fn fetch_all(&mut self, wire: &mut Wire<'_>, capa: &Capa) -> Result<(), Stop> {
        // A second fetch follows each first one, so nothing else may be under way.
        let window = if capa.pipelining && !self.order.refetch { WINDOW } else { 1 };
        let mut asked = self.head;
        let mut under_way = 0_usize;
        // The first answer comes alone: a server that gives each of them twice is found out before any name is wrong.
        let mut is_sure = false;
        while self.head < self.items.len() {
            if under_way == 0 || (is_sure && under_way <= window / 2) {
                let most = if is_sure { window.saturating_sub(under_way) } else { 1 };
                under_way = under_way.saturating_add(self.ask(wire, &mut asked, most)?);
            }
            match self.plan(self.head) {
                Some(Plan::Fetch(_)) => {
                    self.take(wire)?;
                    under_way = under_way.saturating_sub(1);
                    if under_way == 0 && !wire.waiting().is_empty() {
                        self.left_over()?;
                    }
                    is_sure = true;
                }
                Some(plan) => self.leave(plan)?,
                None => {}
            }
            self.head = self.head.saturating_add(1);
            self.write_down_some(wire)?;
        }
        // Nothing is left that could show whether the server is at fault.
        self.tell_waiting()?;
        Ok(())
    }

    /// There are more answers than questions. They bear no names here, so which of those before belongs to which
    /// message cannot be told any more; what is still to come is asked for on another connection.
    fn left_over(&mut self) -> Result<(), Stop> {
        let text = "the server sent more than it was asked for; messages of this session may stand under the names of others";
        self.notice("answers-left-over", Some(folder()), text.to_owned(), true)?;
        if self.head.saturating_add(1) >= self.items.len() {
            return Ok(());
        }
        self.head = self.head.saturating_add(1);
        Err(Stop::Wire(WireError::Broken("answers came that nobody asked for".to_owned())))
    }

    /// The command that fetches a message.
    pub(super) fn fetching(&self, number: u64) -> Verb {
        if self.order.retr { Verb::Retr(number) } else { Verb::Top(number) }
    }

    /// Asks for the next messages, `most` at most; says for how many.
    fn ask(&self, wire: &mut Wire<'_>, asked: &mut usize, most: usize) -> Result<usize, WireError> {
        let mut lines = Vec::new();
        let mut count = 0_usize;
        while count < most && *asked < self.items.len() {
            if let Some(Plan::Fetch(number)) = self.plan(*asked) {
                let line = self.fetching(number).line();
                wire.transcript.client(&line);
                lines.extend_from_slice(&line);
                lines.extend_from_slice(b"\r\n");
                count = count.saturating_add(1);
            }
            *asked = asked.saturating_add(1);
        }
        if count > 0 {
            wire.send(&lines)?;
        }
        Ok(count)
    }

    /// Settles the head without a fetch.
    fn leave(&mut self, plan: Plan) -> Result<(), AcquireError> {
        let (why, note) = match plan {
            Plan::Known => {
                self.books.known = self.books.known.saturating_add(1);
                return Ok(());
            }
            Plan::Excluded(rule) => {
                self.books.excluded = self.books.excluded.saturating_add(1);
                (Why::Excluded, rule)
            }
            Plan::Gone | Plan::Fetch(_) => {
                self.books.gone = self.books.gone.saturating_add(1);
                (Why::Gone, "it was not listed any more when the connection was made anew".to_owned())
            }
        };
        self.tell_left(why, note.into_bytes())
    }

    fn tell_left(&mut self, why: Why, note: Vec<u8>) -> Result<(), AcquireError> {
        let Some(left) = self.left(why, note) else { return Ok(()) };
        if self.waiting.is_empty() {
            return self.tell(Told::Left(left));
        }
        self.waiting.push(left);
        Ok(())
    }

    /// The message at the head, as one that was not taken.
    pub(super) fn left(&self, why: Why, note: Vec<u8>) -> Option<Left> {
        let item = self.items.get(self.head)?;
        Some(Left { at: Place { path: item.entry.path(), uid: item.place }, why, note })
    }

    /// Tells what waits: the server goes on, so what was given up before has failed.
    fn tell_waiting(&mut self) -> Result<(), AcquireError> {
        for left in std::mem::take(&mut self.waiting) {
            if left.why == Why::Failed {
                self.books.failed = self.books.failed.saturating_add(1);
            }
            self.tell(Told::Left(left))?;
        }
        Ok(())
    }

    /// Reads the answer for the head and tells the message.
    fn take(&mut self, wire: &mut Wire<'_>) -> Result<(), Stop> {
        let Some(item) = self.items.get(self.head) else { return Ok(()) };
        let (entry, place, number) = (item.entry.clone(), item.place, item.number);
        self.is_taking = true;
        if !self.has_settled {
            wire.set_patience(self.order.limits.idle.min(FIRST_SILENCE));
        }
        let answer = status(wire)?;
        if !answer.is_ok {
            self.went_on();
            self.tell_waiting()?;
            let why = if says_gone(&answer.text) {
                self.books.gone = self.books.gone.saturating_add(1);
                Why::Gone
            } else {
                self.books.failed = self.books.failed.saturating_add(1);
                Why::Failed
            };
            self.tell_left(why, answer.text)?;
            return Ok(());
        }
        let at = Place { path: entry.path(), uid: place };
        let came = self.read(wire, &entry, &at)?;
        wire.transcript.body(came.total, came.digest);
        self.went_on();
        self.tell_waiting()?;
        let server = ServerState { size: entry.size, uidl: entry.uidl.clone(), ..ServerState::default() };
        let notes = size_note(entry.size, came.total);
        let mut path = at.path.clone();
        if came.whole.is_some() && entry.uidl.is_none() {
            let met = self.digests.entry(came.digest).or_insert(0);
            path = path_by_digest(came.digest, *met);
            *met = met.saturating_add(1);
            if self.known.has(&path) {
                self.books.known = self.books.known.saturating_add(1);
                return Ok(());
            }
        }
        let mut again = Ok(());
        if let Some(number) = number.filter(|_| self.order.refetch) {
            again = self.again(wire, number, &path, (came.digest, came.total))?;
        }
        match came.whole {
            None => self.tell(Told::LongEnd { server, notes })?,
            Some(bytes) => {
                let at = Place { path: path.clone(), uid: place };
                self.tell(Told::Message(Message { at, server, bytes, notes }))?;
            }
        }
        self.books.taken = self.books.taken.saturating_add(1);
        self.compare(&entry, path, came.total, came.has_bare_dot)?;
        if let Err(error) = again {
            // This one is had; the rest needs a new connection.
            self.head = self.head.saturating_add(1);
            return Err(Stop::Wire(error));
        }
        Ok(())
    }

    /// Tells what does not fit the announcement.
    fn compare(
        &mut self,
        entry: &Entry,
        path: RelPath,
        total: u64,
        has_bare_dot: bool,
    ) -> Result<(), AcquireError> {
        if has_bare_dot {
            let text = "a line begins with a dot that is not doubled: the server does not stuff as RFC 1939 3 says; the dot is kept";
            self.notice("dot-not-stuffed", Some(path.clone()), text.to_owned(), false)?;
        }
        // A TOP that gives less than there is cannot be told from a size that was only estimated.
        if let Some(size) = entry.size.filter(|size| !self.order.retr && total < *size) {
            let text = format!("{size} octets announced, {total} came by TOP; RETR may give more");
            self.notice("shorter-than-announced", Some(path), text, true)?;
        }
        Ok(())
    }

    /// Reads the bytes of a message to the line with the single dot.
    fn read(&mut self, wire: &mut Wire<'_>, entry: &Entry, at: &Place) -> Result<Came, Stop> {
        let limits = self.order.limits;
        let twice = entry.size.filter(|s| *s > 0).map(|s| s.saturating_mul(2).saturating_add(1 << 20));
        let most = twice.unwrap_or(u64::MAX).min(limits.message);
        let begun = Instant::now();
        let mut unstuffer = Unstuffer::new();
        let mut out = Vec::with_capacity(usize::try_from(entry.size.unwrap_or(0)).unwrap_or(0).min(PART));
        let mut parts: Option<Sha256Stream> = None;
        let mut told = 0_u64;
        let patience = if self.has_settled { limits.idle } else { limits.idle.min(FIRST_SILENCE) };
        let mut has_crlf = false;
        let mut searched = 0;
        let broken = loop {
            has_crlf |= memchr::memmem::find(out.get(searched..).unwrap_or_default(), b"\r\n").is_some();
            searched = out.len();
            let is_bare_end = !has_crlf && parts.is_none() && (out.ends_with(b"\n.\n") || out == b".\n");
            wire.set_patience(if is_bare_end { patience.min(BARE_END_SILENCE) } else { patience });
            match piece(wire, &mut unstuffer, &mut out) {
                Err(WireError::Slow) if is_bare_end => {
                    let why = "the server ends lines in LF alone (RFC 1939 section 3 wants CRLF): where a message ends cannot be told";
                    break Stop::Wire(WireError::Protocol(why.to_owned()));
                }
                Err(error) => break Stop::Wire(error),
                Ok(()) if unstuffer.is_done() => {
                    let total = told.saturating_add(out.len() as u64);
                    let has_bare_dot = unstuffer.has_bare_dot;
                    wire.set_patience(limits.idle);
                    let Some(mut stream) = parts else {
                        let digest = Sha256Digest::of(&out);
                        return Ok(Came { total, digest, has_bare_dot, whole: Some(out) });
                    };
                    stream.update(&out);
                    if !out.is_empty() {
                        self.tell(Told::Part(out))?;
                    }
                    return Ok(Came { total, digest: stream.finish(), has_bare_dot, whole: None });
                }
                Ok(()) => {}
            }
            let total = told.saturating_add(out.len() as u64);
            if total > most {
                let note = format!("it is longer than {most} octets and did not end");
                self.break_off(parts.is_some())?;
                self.waiting.extend(self.left(Why::Failed, note.into_bytes()));
                self.head = self.head.saturating_add(1);
                return Err(Stop::Message);
            }
            let time = limits.idle.saturating_add(Duration::from_secs(total / SLOWEST));
            if begun.elapsed() > time {
                break Stop::Wire(WireError::Slow);
            }
            let held = if parts.is_some() { PART } else { limits.in_memory };
            if out.len() >= held {
                if parts.is_none() {
                    self.tell_waiting()?;
                    self.tell(Told::LongStart { at: at.clone() })?;
                }
                parts.get_or_insert_with(Sha256Stream::new).update(&out);
                told = total;
                searched = 0;
                self.tell(Told::Part(std::mem::take(&mut out)))?;
            }
        };
        self.break_off(parts.is_some())?;
        Err(broken)
    }

    fn break_off(&mut self, is_long: bool) -> Result<(), AcquireError> {
        if is_long { self.tell(Told::LongBroken) } else { Ok(()) }
    }
}

/// Moves what has come through the un-stuffer; waits when nothing has.
pub(super) fn piece(
    wire: &mut Wire<'_>,
    unstuffer: &mut Unstuffer,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let used = unstuffer.feed(wire.peek()?, out);
    if used == 0 && !unstuffer.is_done() {
        return wire.more();
    }
    wire.used(used);
    Ok(())
}

/// Whether a refusal says that the message was deleted meanwhile, by somebody else. POP3 has no code for it: these are
/// the words of Dovecot.
fn says_gone(said: &[u8]) -> bool {
    let said = said.to_ascii_lowercase();
    [&b"expunged"[..], b"message is deleted"].iter().any(|word| memchr::memmem::find(&said, word).is_some())
}

/// What is odd about a size.
fn size_note(announced: Option<u64>, came: u64) -> Vec<Anomaly> {
    let announced = announced.filter(|size| *size != came);
    let note = |size: u64| {
        Anomaly::whole(AnomalyKind::SizeAnnouncedDiffers)
            .with(format!("{size} octets announced, {came} came"))
    };
    announced.map(note).into_iter().collect()
}
