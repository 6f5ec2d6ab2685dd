//! One connection at work: it takes what is to be done, is lost and made anew, and opens folders.

use std::time::Duration;

use super::examine::{self, Opened, Refused};
use super::folders::Mailbox;
use super::plan::Epoch;
use super::round::{Looks, Shared};
use super::session::Session;
use super::shelf::{Claim, Shelf, Stale, Stopped};
use super::{lead, open};
use crate::acquire::keys::Turn;
use crate::acquire::wire::{Outset, WireError};
use crate::acquire::{AcquireError, Known, Order, Told};
use crate::types::time::Clock;

/// Longest wait before a connection is made anew.
const LONGEST_WAIT: Duration = Duration::from_secs(16);

/// The transcript is handed on when it has so many bytes.
const TRANSCRIPT: usize = 64 << 10;

/// A connection at work.
pub(super) struct Worker<'a> {
    pub(super) order: &'a Order,
    pub(super) known: &'a dyn Known,
    pub(super) mailboxes: &'a [Mailbox],
    pub(super) shelf: &'a Shelf,
    /// Folders that were listed and that nobody leads yet.
    pub(super) looked: &'a Looks,
    pub(super) outset: &'a Outset,
    pub(super) clock: &'a dyn Clock,
    pub(super) numbers: &'a std::sync::atomic::AtomicU32,
    /// Whether it is the connection without which nothing goes on.
    pub(super) is_first: bool,
    pub(super) session: Option<Session<'a>>,
    /// The folder that is open: its raw name and UIDVALIDITY.
    pub(super) opened: Option<(Vec<u8>, Option<u64>)>,
    /// Connections lost since the last message came.
    pub(super) lost: u32,
    /// Messages given up one after the other because the connection broke over each.
    pub(super) hopeless: u32,
}

/// Why work ended before its end.
#[derive(Debug)]
pub(super) enum Fail {
    /// The whole run ends.
    Fatal(AcquireError),
    /// This piece of work was given up after some tries, in these words.
    GaveUp(String),
}

impl From<Stopped> for Fail {
    fn from(_: Stopped) -> Self {
        Self::Fatal(AcquireError::Stopped)
    }
}

impl<'a> Worker<'a> {
    /// With a session that stands, or none yet.
    pub(super) fn new(
        shared: &Shared<'a>,
        mailboxes: &'a [Mailbox],
        shelf: &'a Shelf,
        looked: &'a Looks,
        session: Option<Session<'a>>,
        is_first: bool,
    ) -> Self {
        Self {
            order: shared.order,
            known: shared.known,
            mailboxes,
            shelf,
            looked,
            outset: shared.outset,
            clock: shared.clock,
            numbers: shared.numbers,
            is_first,
            session,
            opened: None,
            lost: 0,
            hopeless: 0,
        }
    }

    /// Works until there is nothing left. A first connection that ends for good ends the run; a further one leaves its
    /// work to the others.
    pub(super) fn run(mut self) {
        let present = self.shelf.presence();
        let is_first = self.is_first;
        loop {
            let failed = match self.shelf.claim() {
                Claim::Nothing => break,
                Claim::Lead(lane) => {
                    // A further connection must stand before it leads: its folder has no other.
                    match self.ready() {
                        Ok(()) => lead::lead(&mut self, lane).err().map(|e| (e, true)),
                        Err(error) if is_first => Some((error, true)),
                        Err(error) => {
                            self.shelf.unclaim(lane);
                            Some((error, false))
                        }
                    }
                }
                Claim::Help(lane, epoch) => {
                    match self.ready().and_then(|()| self.work(lane, &epoch, false)) {
                        Ok(()) => None,
                        Err(error) => Some((error, is_first)),
                    }
                }
            };
            match failed {
                None => {}
                Some((error, true)) => {
                    self.shelf.fail(error);
                    break;
                }
                Some((error, false)) => {
                    let text = format!("a further connection was not to be had: {error}");
                    self.notice("fewer-connections", text);
                    break;
                }
            }
        }
        self.hang_up();
        drop(present);
    }

    fn ready(&mut self) -> Result<(), AcquireError> {
        self.session().map(drop)
    }

    pub(super) fn notice(&self, code: &'static str, text: String) {
        let notice = crate::acquire::Notice { code, path: None, text, is_partial: false };
        self.shelf.aside(Told::Notice(notice));
    }

    fn notices(&self, notices: Vec<crate::acquire::Notice>) {
        for notice in notices {
            self.shelf.aside(Told::Notice(notice));
        }
    }

    /// One try to make a session.
    fn open(&self, turn: &mut Turn<'_>) -> Result<Session<'a>, AcquireError> {
        let number = self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed).saturating_add(1);
        let key = turn.credential();
        self.notices(turn.notices());
        let opened = open::open(self.order, self.outset, &key, self.clock, number);
        let session = opened.map_err(|failed| {
            self.notices(failed.notices);
            self.shelf.aside(Told::Transcript(failed.transcript));
            failed.error
        })?;
        turn.worked();
        self.shelf.aside(Told::Session(Box::new(session.evidence.clone())));
        Ok(session)
    }

    /// The session; made anew when there is none.
    pub(super) fn session(&mut self) -> Result<&mut Session<'a>, AcquireError> {
        let mut tries = 0;
        let keys = std::sync::Arc::clone(&self.outset.keys);
        let mut turn = keys.turn();
        while self.session.is_none() {
            if self.shelf.is_stopped() {
                return Err(AcquireError::Stopped);
            }
            match self.open(&mut turn) {
                Ok(session) => {
                    self.session = Some(session);
                    self.opened = None;
                    self.hand_on_transcript(true);
                }
                Err(AcquireError::Stopped) => return Err(AcquireError::Stopped),
                Err(error) => {
                    let has_another = turn.is_worth_another(&error);
                    self.notices(turn.notices());
                    if has_another {
                        continue;
                    }
                    // A sign-in that is refused for good is not tried again: servers lock accounts for that.
                    let is_refused = matches!(error, AcquireError::SignIn { .. });
                    if is_refused || tries >= self.order.limits.again {
                        return Err(error);
                    }
                    self.pause(tries).map_err(|Stopped| AcquireError::Stopped)?;
                    tries = tries.saturating_add(1);
                }
            }
        }
        match &mut self.session {
            Some(session) => Ok(session),
            None => Err(AcquireError::Stopped),
        }
    }

    /// Makes a fresh session and ends the one that stands; without a fresh one that one stays.
    pub(super) fn renew(&mut self) {
        let keys = std::sync::Arc::clone(&self.outset.keys);
        match self.open(&mut keys.turn()) {
            Ok(fresh) => {
                self.hang_up();
                self.session = Some(fresh);
                self.hand_on_transcript(true);
            }
            Err(error) => {
                let text = format!(
                    "a fresh session for the messages was not to be had, so the one that listed them fetches them: {error}"
                );
                self.notice("same-session", text);
            }
        }
        self.opened = None;
    }

    /// Waits before a further try, ever longer, but no longer than the server itself may be silent.
    pub(super) fn pause(&self, tries: u32) -> Result<(), Stopped> {
        let wait = Duration::from_millis(100).saturating_mul(4u32.saturating_pow(tries.min(8)));
        self.shelf.pause(wait.min(LONGEST_WAIT).min(self.order.limits.idle))
    }

    /// The connection cannot be used any more.
    pub(super) fn lose(&mut self, error: &WireError) -> Result<(), AcquireError> {
        if *error == WireError::Stopped || self.shelf.is_stopped() {
            return Err(AcquireError::Stopped);
        }
        if let Some(mut session) = self.session.take() {
            session.wire.transcript.event(&format!("connection lost: {error}"));
            session.wire.close();
            self.hand_on(&mut session, true);
        }
        self.opened = None;
        // Not to be made anew: then what is not there yet belongs to the next run, and is nobody's failure.
        if self.order.limits.again == 0 {
            let host = self.order.account.host.clone();
            return Err(AcquireError::Broken { host, why: error.to_string() });
        }
        self.pause(self.lost).map_err(|Stopped| AcquireError::Stopped)?;
        self.lost = self.lost.saturating_add(1);
        Ok(())
    }

    /// Something came: the connection is good.
    pub(super) fn lucky(&mut self) {
        self.lost = 0;
        self.hopeless = 0;
    }

    /// Hands on what the session wrote down.
    pub(super) fn hand_on_transcript(&mut self, is_all: bool) {
        if let Some(mut session) = self.session.take() {
            self.hand_on(&mut session, is_all);
            self.session = Some(session);
        }
    }

    pub(super) fn hand_on(&self, session: &mut Session<'a>, is_all: bool) {
        self.notices(std::mem::take(&mut session.notices));
        let transcript = &mut session.wire.transcript;
        if (is_all && !transcript.is_empty()) || transcript.len() >= TRANSCRIPT {
            self.shelf.aside(Told::Transcript(transcript.take()));
        }
    }

    /// Ends the session, if there is one.
    pub(super) fn hang_up(&mut self) {
        if let Some(mut session) = self.session.take() {
            open::log_out(&mut session);
            self.hand_on(&mut session, true);
        }
    }

    /// Does something that may break the connection, again and again within the limit.
    ///
    /// # Errors
    /// [`Fail::GaveUp`] with the last words when it broke each time.
    pub(super) fn attempt<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fail> {
        let mut tries = 0;
        loop {
            match work(self) {
                Ok(done) => return Ok(done),
                Err(Fault::Fatal(error)) => return Err(Fail::Fatal(error)),
                Err(Fault::Wire(error)) => {
                    self.lose(&error).map_err(Fail::Fatal)?;
                    if tries >= self.order.limits.again {
                        return Err(Fail::GaveUp(error.to_string()));
                    }
                    tries = tries.saturating_add(1);
                }
            }
        }
    }

    /// No folder is open any more.
    pub(super) fn left(&mut self) {
        self.opened = None;
    }

    /// Makes sure that the folder of an epoch is open.
    pub(super) fn examine_again(&mut self, epoch: &Epoch) -> Result<Reopened, Fault> {
        let is_open = self.opened.as_ref().is_some_and(|(raw, _)| *raw == epoch.mailbox.raw);
        let session = self.session().map_err(Fault::Fatal)?;
        let exists = session.exists.unwrap_or(0);
        if is_open && session.is_still(epoch.uid_validity).is_ok() {
            return Ok(Reopened::Same(exists));
        }
        Ok(match self.examine(&epoch.mailbox)? {
            Ok(opened) if opened.uid_validity.is_none() || opened.uid_validity == epoch.uid_validity => {
                Reopened::Same(opened.exists)
            }
            Ok(opened) => Reopened::Other(changed(opened.uid_validity)),
            Err(refused) => Reopened::Refused(refused.to_string()),
        })
    }

    /// Opens a folder; `Ok(Err(..))` when the server does not let us, or not read-only.
    pub(super) fn examine(&mut self, mailbox: &Mailbox) -> Result<Result<Opened, Refused>, Fault> {
        self.opened = None;
        let session = self.session().map_err(Fault::Fatal)?;
        let opened = examine::examine(session, mailbox)?;
        match &opened {
            Ok(opened) => self.opened = Some((mailbox.raw.clone(), opened.uid_validity)),
            Err(Refused::Writable) => {
                // A folder that may be writable is not left open: the connection goes, without CLOSE.
                if let Some(mut session) = self.session.take() {
                    session.wire.close();
                    self.hand_on(&mut session, true);
                }
            }
            Err(Refused::Said { .. }) => {}
        }
        Ok(opened)
    }

    /// Makes sure that the folder of an epoch is open; `false` when that epoch is over.
    pub(super) fn enter(&mut self, lane: usize, epoch: &Epoch) -> Result<bool, Fault> {
        self.session().map_err(Fault::Fatal)?;
        let is_open = self.opened.as_ref().is_some_and(|(raw, uid_validity)| {
            *raw == epoch.mailbox.raw && (*uid_validity == epoch.uid_validity)
        });
        if is_open {
            // An answer of whatever command may have told another UIDVALIDITY.
            let told = self.session.as_ref().and_then(|s| s.uid_validity);
            if told.is_some() && told != epoch.uid_validity {
                self.shelf.set_stale(lane, changed(told));
                return Ok(false);
            }
            return Ok(true);
        }
        match self.examine(&epoch.mailbox)? {
            Ok(opened) if opened.uid_validity.is_none() || opened.uid_validity == epoch.uid_validity => {
                // Known by STATUS alone: nothing to compare.
                self.opened = Some((epoch.mailbox.raw.clone(), epoch.uid_validity));
                Ok(true)
            }
            Ok(opened) => {
                self.shelf.set_stale(lane, changed(opened.uid_validity));
                Ok(false)
            }
            // Perhaps another time.
            Err(Refused::Said { is_passing: true, said, .. }) => Err(Fault::Wire(WireError::Broken(said))),
            Err(refused) => {
                let text = format!("the folder could not be opened again: {refused}");
                // Only a server that says so has the folder no more; any other refusal leaves mail behind.
                let is_gone = matches!(refused, Refused::Said { is_nonexistent: true, .. });
                let code = if is_gone { "folder-gone" } else { "folder-refused" };
                self.shelf.set_stale(lane, Stale { code, text, is_anew: false, is_gone });
                Ok(false)
            }
        }
    }
}

/// A folder that is opened once more.
#[derive(Debug)]
pub(super) enum Reopened {
    /// It is as it was; so many messages are in it.
    Same(u64),
    /// It was made anew.
    Other(Stale),
    /// It cannot be opened, for this reason.
    Refused(String),
}

/// What broke a step.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection; another may fare better.
    Wire(WireError),
    /// The run.
    Fatal(AcquireError),
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

fn changed(uid_validity: Option<u64>) -> Stale {
    let now = uid_validity.map_or("none".to_owned(), |n| n.to_string());
    let text = format!("the folder was made anew: its UIDVALIDITY is {now} now");
    Stale { code: "uidvalidity-changed", text, is_anew: true, is_gone: true }
}
