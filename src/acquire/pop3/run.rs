//! A whole acquisition over POP3: connections made anew when they break, one list of messages, books that balance.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::acquire::keys::Turn;
use crate::acquire::wire::{Outset, Wire, WireError};
use crate::acquire::{
    AcquireError, Books, Credential, Folder, Known, Left, Notice, Order, Sink, Tls, Told, Why,
};
use crate::types::time::Clock;
use crate::types::{RelPath, Sha256Digest};

use super::capa::Capa;
use super::listing::{Entry, Listing, listing, sizes};
use super::open::{Closed, open};
use super::verb::Verb;

/// Transcript bytes that are held before they are told.
const HELD: usize = 64 << 10;

/// Longest LOGIN-DELAY that is waited for, in seconds. Beyond it the command is to be run again, and goes on where it
/// stopped.
const LONGEST_DELAY: u64 = 120;

/// Messages in a row that are given up because the connection breaks at each, before the run is.
const MOST_GIVEN_UP: u32 = 2;

/// Silences in a row in the first message of a run, before the run is given up.
const MOST_SILENCES: u32 = 2;

/// Why a connection is left.
#[derive(Debug)]
pub(super) enum Stop {
    /// It broke, or the server stopped making sense.
    Wire(WireError),
    /// The run ends.
    Run(AcquireError),
    /// The message at the head was given up and waits to be told of; the rest needs a new connection.
    Message,
}

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// A message of the run's list.
#[derive(Debug)]
pub(super) struct Item {
    /// As first listed.
    pub(super) entry: Entry,
    /// Number in the present session; `None` when it is gone.
    pub(super) number: Option<u64>,
    /// Place in the run's list, from 1.
    pub(super) place: u64,
}

/// The state of a run.
pub(super) struct Run<'r> {
    pub(super) order: &'r Order,
    pub(super) known: &'r dyn Known,
    clock: &'r dyn Clock,
    sink: &'r mut (dyn FnMut(Told) -> ControlFlow<()> + 'r),
    outset: Outset,
    connections: u32,
    /// Everything listed, in the order of the ledger.
    pub(super) items: Vec<Item>,
    /// How many of them are settled.
    pub(super) head: usize,
    pub(super) books: Books,
    /// Digests of messages without a name, with how often each was met.
    pub(super) digests: HashMap<Sha256Digest, u64>,
    /// Messages that were given up since the last one that came, and what is told after them: when none comes any more
    /// it is the server that has failed, and the next run asks for them again.
    pub(super) waiting: Vec<Left>,
    /// Times in a row that the connection broke and nothing was settled.
    pub(super) breaks: u32,
    /// Messages in a row that were given up.
    pub(super) given_up: u32,
    /// Whether the answer for the head was under way.
    pub(super) is_taking: bool,
    /// Whether the server has answered for any message.
    pub(super) has_settled: bool,
    is_listed: bool,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        order: &'r Order,
        known: &'r dyn Known,
        clock: &'r dyn Clock,
        sink: &'r mut Sink<'_>,
    ) -> Result<Self, AcquireError> {
        Ok(Self {
            order,
            known,
            clock,
            sink,
            outset: Outset::new(order)?,
            connections: 0,
            items: Vec::new(),
            head: 0,
            books: Books { path: folder(), ..Books::default() },
            digests: HashMap::new(),
            waiting: Vec::new(),
            breaks: 0,
            given_up: 0,
            is_taking: false,
            has_settled: false,
            is_listed: false,
        })
    }

    /// Tells it all.
    pub(super) fn all(&mut self) -> Result<(), AcquireError> {
        loop {
            let (mut wire, capa) = self.connected()?;
            let answer = self.session(&mut wire, &capa);
            if answer.is_ok() && self.order.quit {
                // All is told: what the server says to it, if anything, changes nothing.
                drop(wire.send_line(&Verb::Quit.line()).map(|()| super::answer::status(&mut wire)));
            }
            wire.close();
            self.write_down(&mut wire, 0)?;
            match answer {
                Ok(()) => return Ok(()),
                Err(Stop::Run(error)) => return Err(error),
                Err(Stop::Message) => {
                    self.give_up(&WireError::Protocol("it sends messages that do not end".to_owned()))?;
                }
                Err(Stop::Wire(error)) if error.is_passing() => self.broke(&error)?,
                Err(Stop::Wire(error)) => return Err(error.into_error(&self.order.account.host)),
            }
            if let Some(seconds) = capa.delay().filter(|s| *s > 0) {
                if seconds > LONGEST_DELAY {
                    let why = format!(
                        "the connection broke, and the server wants {seconds} seconds between logins"
                    );
                    return Err(AcquireError::Broken { host: self.order.account.host.clone(), why });
                }
                std::thread::sleep(Duration::from_secs(seconds));
            }
        }
    }

    /// A connection on which the mailbox lies open.
    fn connected(&mut self) -> Result<(Wire<'r>, Capa), AcquireError> {
        let mut tries = self.breaks;
        loop {
            match self.connect() {
                Ok(session) => return Ok(session),
                Err(Closed::Never(error)) => return Err(error),
                Err(Closed::Later(why)) => {
                    tries = tries.saturating_add(1);
                    if tries > self.order.limits.again {
                        return Err(AcquireError::Broken { host: self.order.account.host.clone(), why });
                    }
                    std::thread::sleep(pause(tries));
                }
            }
        }
    }

    /// Once more with another token, where the one at hand is over.
    fn connect(&mut self) -> Result<(Wire<'r>, Capa), Closed> {
        let keys = std::sync::Arc::clone(&self.outset.keys);
        let mut turn = keys.turn();
        loop {
            let key = turn.credential();
            self.notices(&mut turn)?;
            let opened = self.connect_with(&key);
            let has_another = match &opened {
                Ok(_) => {
                    turn.worked();
                    return opened;
                }
                Err(Closed::Never(error)) => turn.is_worth_another(error),
                Err(Closed::Later(_)) => false,
            };
            self.notices(&mut turn)?;
            if !has_another {
                return opened;
            }
        }
    }

    fn notices(&mut self, turn: &mut Turn<'_>) -> Result<(), Closed> {
        for notice in turn.notices() {
            self.tell(Told::Notice(notice)).map_err(Closed::Never)?;
        }
        Ok(())
    }

    fn connect_with(&mut self, key: &Credential) -> Result<(Wire<'r>, Capa), Closed> {
        let is_first = self.connections == 0;
        self.connections = self.connections.saturating_add(1);
        let mut wire =
            Wire::connect(self.order, &self.outset, self.clock, self.connections).map_err(|e| match e {
                AcquireError::Connect { why, .. } if !is_first => Closed::Later(why),
                e => Closed::Never(e),
            })?;
        let opened = open(&mut wire, self.order, key);
        if opened.is_err() {
            wire.close();
        }
        self.write_down(&mut wire, 0).map_err(Closed::Never)?;
        if let Some(notice) = wire.tls().and_then(Tls::notice) {
            self.tell(Told::Notice(notice)).map_err(Closed::Never)?;
        }
        let opened = opened?;
        self.tell(Told::Session(Box::new(opened.session))).map_err(Closed::Never)?;
        if let Some(why) = opened.in_clear {
            let text = format!("{why}; everything went in the clear, the credential too");
            self.notice("no-tls", None, text, false).map_err(Closed::Never)?;
        }
        Ok((wire, opened.capa))
    }

    /// What is done with one connection. `Ok` when nothing is left to do.
    fn session(&mut self, wire: &mut Wire<'_>, capa: &Capa) -> Result<(), Stop> {
        self.is_taking = false;
        self.allowed(capa)?;
        let listing = listing(wire, &self.order.limits)?;
        let announced: Vec<(u64, Option<u64>)> = listing.entries.iter().map(|e| (e.number, e.size)).collect();
        if self.is_listed {
            self.found_again(listing)?;
        } else {
            self.first_listed(listing, capa)?;
        }
        if self.order.list_only {
            return Ok(());
        }
        self.fetch_all(wire, capa)?;
        // The mailbox is locked while the session lasts (RFC 1939 4): a server that lists something else breaks that.
        let mut again = Listing { count: Some(0), ..Listing::default() };
        let mut after = sizes(wire, &self.order.limits, &mut again)?;
        after.retain(|(n, _)| *n > 0);
        if after.iter().map(|(n, _)| n).ne(announced.iter().map(|(n, _)| n)) {
            let text =
                "the server lists other messages at the end of the session than at its begin".to_owned();
            self.notice("list-changed", Some(folder()), text, true)?;
        }
        let earlier = self.known.folder(&folder()).len() as u64;
        let gone = earlier.saturating_sub(self.books.known);
        if gone > 0 && self.digests.is_empty() {
            let text = format!("{gone} messages that the case has are not listed any more");
            self.notice("gone-since", Some(folder()), text, false)?;
        }
        let books = self.books.clone();
        self.tell(Told::FolderEnd(books))?;
        Ok(())
    }

    /// Refuses what would change the mailbox, or cannot be done here.
    fn allowed(&self, capa: &Capa) -> Result<(), Stop> {
        let why = if self.order.retr && self.order.quit && capa.expires_at_once() {
            "the server says EXPIRE 0: it may delete what RETR fetched when QUIT ends the session; leave one of them out"
        } else if !self.order.retr && capa.is_known && !capa.top {
            "the server has no TOP, and RETR may mark messages there as seen; it is used only when it is asked for"
        } else {
            return Ok(());
        };
        Err(Stop::Run(AcquireError::Choice { why }))
    }

    /// The first listing is the list of the run.
    fn first_listed(&mut self, listing: Listing, capa: &Capa) -> Result<(), Stop> {
        self.is_listed = true;
        self.tell(Told::Folder(Folder {
            path: folder(),
            raw: b"INBOX".to_vec(),
            name: "INBOX".to_owned(),
            exists: listing.count.unwrap_or(listing.entries.len() as u64),
            bytes: listing.bytes,
            ..Folder::default()
        }))?;
        if let Some(text) = &capa.expire {
            let text = format!("EXPIRE {}: days that the server keeps mail", super::answer::said(text));
            self.notice("expire", Some(folder()), text, false)?;
        }
        if let Some(text) = &capa.login_delay {
            let text = format!("LOGIN-DELAY {}: seconds between two logins", super::answer::said(text));
            self.notice("login-delay", None, text, false)?;
        }
        for (code, text, is_partial) in listing.odd {
            self.notice(code, Some(folder()), text, is_partial)?;
        }
        let numbered = (1..).zip(listing.entries);
        self.items =
            numbered.map(|(place, entry)| Item { number: Some(entry.number), entry, place }).collect();
        self.books.listed = self.items.len() as u64;
        Ok(())
    }

    /// Finds the messages of the list in the listing of another session, where they may have other numbers.
    fn found_again(&mut self, listing: Listing) -> Result<(), Stop> {
        let mut now: HashMap<RelPath, Entry> = listing.entries.into_iter().map(|e| (e.path(), e)).collect();
        for item in &mut self.items {
            item.number = now.remove(&item.entry.path()).map(|e| e.number);
        }
        if !now.is_empty() {
            // When others are gone at the same time, these may be the same ones under other names.
            let unsettled = self.items.get(self.head..).unwrap_or_default();
            let is_partial = unsettled.iter().any(|item| item.number.is_none());
            let text = format!(
                "{} messages are new since the connection was made anew; another run takes them",
                now.len()
            );
            self.notice("new-during", Some(folder()), text, is_partial)?;
        }
        Ok(())
    }

    /// The connection broke: once more, or the message at the head is given up, or the run is.
    fn broke(&mut self, error: &WireError) -> Result<(), AcquireError> {
        self.breaks = self.breaks.saturating_add(1);
        let again = self.order.limits.again;
        // A server that has answered for no message and was silent twice gives none.
        let is_mute = !self.has_settled && self.is_taking && *error == WireError::Slow;
        if is_mute && self.breaks >= MOST_SILENCES {
            return Err(error.clone().into_error(&self.order.account.host));
        }
        if self.breaks > again {
            if !self.is_taking {
                return Err(error.clone().into_error(&self.order.account.host));
            }
            let note = format!("the connection broke {} times while it was sent: {error}", self.breaks);
            self.waiting.extend(self.left(Why::Failed, note.into_bytes()));
            self.head = self.head.saturating_add(1);
            self.breaks = 0;
            return self.give_up(error);
        }
        self.notice("reconnected", None, format!("the connection broke: {error}"), false)?;
        std::thread::sleep(pause(self.breaks));
        Ok(())
    }

    fn give_up(&mut self, error: &WireError) -> Result<(), AcquireError> {
        self.given_up = self.given_up.saturating_add(1);
        if self.given_up >= MOST_GIVEN_UP {
            return Err(error.clone().into_error(&self.order.account.host));
        }
        Ok(())
    }

    /// Something was settled on this connection.
    pub(super) fn went_on(&mut self) {
        self.breaks = 0;
        self.given_up = 0;
        self.is_taking = false;
        self.has_settled = true;
    }

    pub(super) fn tell(&mut self, told: Told) -> Result<(), AcquireError> {
        match (self.sink)(told) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(AcquireError::Stopped),
        }
    }

    pub(super) fn notice(
        &mut self,
        code: &'static str,
        path: Option<RelPath>,
        text: String,
        is_partial: bool,
    ) -> Result<(), AcquireError> {
        self.tell(Told::Notice(Notice { code, path, text, is_partial }))
    }

    /// Tells the transcript when more than `held` bytes of it wait.
    pub(super) fn write_down(&mut self, wire: &mut Wire<'_>, held: usize) -> Result<(), AcquireError> {
        for told in self.outset.aside.take().into_iter().flatten() {
            self.tell(told)?;
        }
        if wire.transcript.len() <= held {
            return Ok(());
        }
        let piece = wire.transcript.take();
        self.tell(Told::Transcript(piece))
    }

    /// The same, when a good piece of it waits.
    pub(super) fn write_down_some(&mut self, wire: &mut Wire<'_>) -> Result<(), AcquireError> {
        self.write_down(wire, HELD)
    }
}

impl From<AcquireError> for Stop {
    fn from(error: AcquireError) -> Self {
        Self::Run(error)
    }
}

/// Path of the one folder.
pub(super) fn folder() -> RelPath {
    RelPath::new("INBOX")
}

/// Time before the connection is made anew: half a second, doubled each time, eight seconds at most.
fn pause(tries: u32) -> Duration {
    Duration::from_millis(250_u64.saturating_mul(1 << tries.min(5)))
}
