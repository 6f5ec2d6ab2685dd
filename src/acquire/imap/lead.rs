//! A folder from its opening to its books: listed, planned, fetched, and compared with itself at the end.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{Kind, StatusLine};
use super::examine::{Opened, Refused};
use super::fetch::Fetched;
use super::folders::{self, Mailbox};
use super::listing::{self, Listing};
use super::plan::{Decision, Epoch};
use super::shelf::Stale;
use super::verb::Verb;
use super::worker::{Fail, Fault, Reopened, Worker};
use crate::acquire::{AcquireError, Books, Notice, Told};
use crate::types::RelPath;
use crate::types::server::words_weight;

/// So often may a folder be made anew while we look at it.
const EPOCHS: usize = 4;

/// Bytes of sets of flags that are kept as compared, at most.
const SAME_HELD: usize = 4 << 20;

/// Most UIDs that a notice names.
const NAMED: usize = 50;

/// Leads a folder; its lane is closed when this returns without error.
///
/// # Errors
/// What ends the run.
pub(super) fn lead(worker: &mut Worker<'_>, lane: usize) -> Result<(), AcquireError> {
    let mailboxes = worker.mailboxes;
    let Some(mailbox) = mailboxes.get(lane) else { return Ok(()) };
    let mut past = Vec::new();
    loop {
        let is_over = epoch(worker, lane, mailbox, &mut past)?;
        worker.hand_on_transcript(true);
        if is_over {
            worker.shelf.close_lane(lane);
            return Ok(());
        }
    }
}

fn notice(code: &'static str, path: RelPath, text: String, is_partial: bool) -> Told {
    Told::Notice(Notice { code, path: Some(path), text, is_partial })
}

/// Lays something into a slot of its own.
fn tell(worker: &Worker<'_>, lane: usize, told: Vec<Told>) -> Result<(), AcquireError> {
    let slot = worker.shelf.slots(lane, 1);
    worker.shelf.put(lane, slot, told).map_err(|_| AcquireError::Stopped)?;
    worker.shelf.close(lane, slot);
    Ok(())
}

/// What a folder was when it was opened and listed.
#[derive(Debug)]
pub(super) struct Start {
    status: StatusLine,
    opened: Opened,
    listing: Result<Listing, String>,
    /// Whether it was opened; one that STATUS calls empty is not.
    is_opened: bool,
    notices: Vec<Notice>,
}

impl Start {
    /// What is listed, where it is.
    pub(super) fn listing(&self) -> Option<&Listing> {
        self.listing.as_ref().ok()
    }

    /// UIDVALIDITY, wherever it was told.
    pub(super) fn uid_validity(&self) -> Option<u64> {
        self.opened.uid_validity.or(self.status.uid_validity)
    }
}

/// A folder that was looked at: listed, or why not, as the code of a notice and its text.
pub(super) type Looked = Result<Start, (&'static str, String)>;

/// Times that a folder which the server does not list for now is asked for again, after waits of seconds that grow.
const LISTING_WAITS: u32 = 5;

/// Waits before a folder is asked for again, since the server refused for now.
fn wait(worker: &Worker<'_>, waits: &mut u32, said: &str) -> Result<(), Fault> {
    worker.notice("listing-deferred", format!("the server did not list for now and was asked again: {said}"));
    // The first waits of a connection that broke would be too short here.
    worker.pause(waits.saturating_add(2)).map_err(|_| Fault::Fatal(AcquireError::Stopped))?;
    *waits = waits.saturating_add(1);
    Ok(())
}

/// Opens a folder and lists it, again when the connection breaks, or when the server does not list it for now. A folder
/// that STATUS calls empty is not opened.
///
/// # Errors
/// What ends the run.
pub(super) fn look(worker: &mut Worker<'_>, mailbox: &Mailbox) -> Result<Looked, AcquireError> {
    let start = worker.attempt(|worker| {
        let session = worker.session().map_err(Fault::Fatal)?;
        let status = folders::status(session, mailbox)?.unwrap_or_default();
        if status.messages == Some(0) && status.uid_validity.is_some() {
            // Opened, an empty folder makes some servers write their lists of UIDs anew.
            let opened =
                Opened { uid_validity: status.uid_validity, uid_next: status.uid_next, ..Opened::default() };
            let (listing, notices) = (Ok(Listing::default()), Vec::new());
            return Ok(Ok(Start { status, opened, listing, is_opened: false, notices }));
        }
        let mut waits = 0;
        loop {
            let may_wait = waits < LISTING_WAITS;
            let opened = match worker.examine(mailbox)? {
                Ok(opened) => opened,
                Err(Refused::Said { said, is_passing: true, .. }) if may_wait => {
                    wait(worker, &mut waits, &said)?;
                    continue;
                }
                Err(refused) => return Ok(Err(refused)),
            };
            let order = worker.order;
            let mut notices = Vec::new();
            let session = worker.session().map_err(Fault::Fatal)?;
            let listing = match listing::list(session, order, opened.exists, may_wait, &mut notices)? {
                Err(refused) if refused.is_passing && may_wait => {
                    wait(worker, &mut waits, &refused.said)?;
                    continue;
                }
                listing => listing.map_err(|refused| refused.said),
            };
            return Ok(Ok(Start { status, opened, listing, is_opened: true, notices }));
        }
    });
    match start {
        Ok(Ok(start)) => {
            worker.lucky();
            Ok(Ok(start))
        }
        Ok(Err(Refused::Writable)) => {
            Ok(Err(("not-read-only", format!("the folder was left: {}", Refused::Writable))))
        }
        Ok(Err(Refused::Said { said, .. })) => {
            Ok(Err(("folder-refused", format!("the folder could not be opened: {said}"))))
        }
        Err(Fail::GaveUp(why)) => {
            Ok(Err(("folder-failed", format!("the folder could not be listed: {why}"))))
        }
        Err(Fail::Fatal(error)) => Err(error),
    }
}

/// One epoch; `false` when the server has made the folder anew and another begins. `past` are the epochs so far: one
/// that comes again is not read again, since its messages have been told.
fn epoch(
    worker: &mut Worker<'_>,
    lane: usize,
    mailbox: &Mailbox,
    past: &mut Vec<Option<u64>>,
) -> Result<bool, AcquireError> {
    let refusal = |code, text: String| notice(code, mailbox.epoch(None), text, true);
    // Another epoch is looked at by the connection that met it; the first was, before any message was fetched.
    let looked = match worker.looked.take(lane) {
        Some(looked) => looked,
        None => look(worker, mailbox)?,
    };
    let start = match looked {
        Ok(start) => start,
        Err((code, text)) => return tell(worker, lane, vec![refusal(code, text)]).map(|()| true),
    };
    let uid_validity = start.uid_validity();
    let Start { status, opened, listing, is_opened, notices } = start;
    if past.contains(&uid_validity) || past.len() >= EPOCHS {
        let text = "the folder was made anew again and again while it was read".to_owned();
        return tell(worker, lane, vec![refusal("uidvalidity-unsteady", text)]).map(|()| true);
    }
    past.push(uid_validity);
    let mut folder = mailbox.folder(&status);
    folder.path = mailbox.epoch(uid_validity);
    folder.uid_validity = uid_validity;
    folder.exists = opened.exists;
    folder.uid_next = opened.uid_next.or(folder.uid_next);
    folder.highest_modseq = opened.highest_modseq;
    folder.mailbox_id = opened.mailbox_id.or(folder.mailbox_id);
    folder.permanent_flags = opened.permanent_flags;
    let path = folder.path.clone();
    let mut head = vec![Told::Folder(folder)];
    if uid_validity.is_none() {
        let text =
            "the server tells no UIDVALIDITY, so its UIDs may name other messages another day".to_owned();
        head.push(notice("no-uidvalidity", path.clone(), text, false));
    }
    head.extend(notices.into_iter().map(|n| Told::Notice(Notice { path: Some(path.clone()), ..n })));
    let listing = match listing {
        Ok(listing) => listing,
        Err(said) => {
            head.push(notice(
                "listing-refused",
                path.clone(),
                format!("the listing was refused: {said}"),
                true,
            ));
            let books = Books { path, listed: opened.exists, ..Books::default() };
            head.push(Told::FolderEnd(books));
            return tell(worker, lane, head).map(|()| true);
        }
    };
    let (vanished, flags_since) = compare_with_case(worker, &path, &listing);
    let plan = Epoch::new(mailbox.clone(), uid_validity, listing, worker.order, worker.known);
    let plan = Arc::new(plan);
    let first = worker.shelf.slots(lane, plan.chunks.len().saturating_add(1));
    worker.shelf.put(lane, first, head).map_err(|_| AcquireError::Stopped)?;
    worker.shelf.close(lane, first);
    worker.shelf.publish(lane, Arc::clone(&plan), first.saturating_add(1));
    let tally = loop {
        worker.work(lane, &plan, true)?;
        if let Some(tally) = worker.shelf.settle(lane).map_err(|_| AcquireError::Stopped)? {
            break tally;
        }
    };
    let mut books = Books {
        path: path.clone(),
        listed: plan.listing.len() as u64,
        known: plan.count(|d| d == Decision::Known),
        taken: tally.taken,
        excluded: plan.count(|d| !matches!(d, Decision::Known | Decision::Fetch)),
        failed: tally.failed,
        gone: tally.gone,
        vanished,
        flags_since,
        flags_during: Vec::new(),
    };
    let mut end = Vec::new();
    let mut stale = worker.shelf.stale(lane);
    if !is_opened {
        still_empty(worker, &plan, &mut end)?;
    } else if stale.is_none() {
        stale = compare_with_start(worker, &plan, &status, &mut books, &mut end)?;
    }
    if let Some(stale) = &stale {
        end.push(notice(stale.code, path.clone(), stale.text.clone(), !stale.is_gone));
    }
    end.push(Told::FolderEnd(books));
    tell(worker, lane, end)?;
    Ok(!stale.is_some_and(|stale| stale.is_anew))
}

/// UIDs that the case has and the server has not, and those of which the flags differ.
fn compare_with_case(worker: &Worker<'_>, path: &RelPath, listing: &Listing) -> (Vec<u64>, Vec<u64>) {
    let (mut vanished, mut changed) = (Vec::new(), Vec::new());
    for (uid, flags) in worker.known.folder(path) {
        match listing.row(uid) {
            None => vanished.push(uid),
            Some(row) if !are_same(&flags, listing.flags(row)) => changed.push(uid),
            Some(_) => {}
        }
    }
    vanished.sort_unstable();
    changed.sort_unstable();
    (vanished, changed)
}

/// Whether two sets of flags are the same, but for \Recent, which is about sessions and not about the message.
fn are_same(a: &[Vec<u8>], b: &[Vec<u8>]) -> bool {
    fn lasting(flags: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let is_lasting = |f: &&Vec<u8>| !f.eq_ignore_ascii_case(b"\\Recent");
        let mut flags: Vec<Vec<u8>> =
            flags.iter().filter(is_lasting).map(|f| f.to_ascii_lowercase()).collect();
        flags.sort_unstable();
        flags.dedup();
        flags
    }
    a == b || lasting(a) == lasting(b)
}

/// Asks how many messages there are at the end in a folder that was empty and was not opened.
fn still_empty(worker: &mut Worker<'_>, plan: &Epoch, end: &mut Vec<Told>) -> Result<(), AcquireError> {
    let looked = worker.attempt(|worker| {
        let session = worker.session().map_err(Fault::Fatal)?;
        Ok(folders::status(session, &plan.mailbox)?.and_then(|status| status.messages))
    });
    let text = match looked {
        Ok(Some(0) | None) => return Ok(()),
        Ok(Some(now)) => {
            format!("{now} messages came after the folder was found empty; the next run takes them")
        }
        Err(Fail::GaveUp(why)) => format!("whether messages came meanwhile is not known: {why}"),
        Err(Fail::Fatal(error)) => return Err(error),
    };
    end.push(notice("arrived-during", plan.path.clone(), text, false));
    Ok(())
}

/// Asks for all flags once more, and for the count of unseen messages, and notes what is not as it was. `Some` when the
/// folder was made anew meanwhile.
fn compare_with_start(
    worker: &mut Worker<'_>,
    plan: &Epoch,
    before: &StatusLine,
    books: &mut Books,
    end: &mut Vec<Told>,
) -> Result<Option<Stale>, AcquireError> {
    let listing = &plan.listing;
    let looked = worker.attempt(|worker| {
        let opened = match worker.examine_again(plan)? {
            Reopened::Same(exists) => exists,
            other => return Ok(Err(other)),
        };
        let mut seen = vec![false; listing.len()];
        let mut changed = Vec::new();
        let mut arrived = Vec::new();
        // Most folders have few sets of flags: each pair is compared once.
        let mut same: HashMap<(usize, Vec<Vec<u8>>), bool> = HashMap::new();
        let mut same_held = 0usize;
        let session = worker.session().map_err(Fault::Fatal)?;
        let count = listing.len().max(usize::try_from(opened).unwrap_or(0));
        let status = if count == 0 {
            None
        } else {
            Some(session.run(&Verb::Flags, |kind, answer| {
                if !matches!(kind, Kind::Numbered(_, name) if name == b"FETCH") {
                    return false;
                }
                let Some(fetched) = Fetched::read(answer).filter(|f| f.has_flags) else { return false };
                let Some(uid) = fetched.uid else { return false };
                let Some(row) = listing.row(uid) else {
                    let is_new = arrived.len() < 1_000_000 && arrived.last() != Some(&uid);
                    if is_new {
                        arrived.push(uid);
                    }
                    return is_new;
                };
                let is_new = seen.get(row) == Some(&false);
                if let Some(seen) = seen.get_mut(row) {
                    *seen = true;
                }
                let key = (listing.flags_place(row), fetched.server.flags);
                let is_same = same.get(&key).copied().unwrap_or_else(|| {
                    let is_same = are_same(listing.flags(row), &key.1);
                    let weight = words_weight(&key.1);
                    if same.len() < 10_000 && same_held.saturating_add(weight) <= SAME_HELD {
                        same_held = same_held.saturating_add(weight);
                        same.insert(key, is_same);
                    }
                    is_same
                });
                if is_new && !is_same {
                    changed.push(uid);
                }
                is_new
            })?)
        };
        session.is_still(plan.uid_validity)?;
        if session.can("UNSELECT") || session.can("IMAP4REV2") {
            session.run(&Verb::Unselect, |_, _| false)?;
            worker.left();
        }
        let session = worker.session().map_err(Fault::Fatal)?;
        let after = folders::status(session, &plan.mailbox)?;
        let is_refused = status.is_some_and(|s| !s.is_ok());
        let gone: Vec<u64> =
            seen.iter().enumerate().filter(|(_, seen)| !**seen).map(|(row, _)| listing.uid(row)).collect();
        Ok(Ok((changed, arrived, gone, after, is_refused)))
    });
    let path = &plan.path;
    let (changed, arrived, gone, after, is_refused) = match looked {
        Ok(Ok(looked)) => looked,
        Ok(Err(Reopened::Other(stale))) => return Ok(Some(stale)),
        Ok(Err(reopened)) => {
            let why = if let Reopened::Refused(why) = reopened { why } else { String::new() };
            let text = format!(
                "the folder could not be opened again at the end, so its flags were not compared: {why}"
            );
            end.push(notice("flags-not-compared", path.clone(), text, false));
            return Ok(None);
        }
        Err(Fail::GaveUp(why)) => {
            let text = format!("its flags were not compared at the end: {why}");
            end.push(notice("flags-not-compared", path.clone(), text, false));
            return Ok(None);
        }
        Err(Fail::Fatal(error)) => return Err(error),
    };
    if is_refused {
        let text = "the server refused to tell the flags at the end".to_owned();
        end.push(notice("flags-not-compared", path.clone(), text, false));
    } else if !gone.is_empty() {
        end.push(notice("gone-during", path.clone(), uids("no longer listed at the end", &gone), false));
    }
    if !arrived.is_empty() {
        let text = uids("came after the listing; the next run takes them", &arrived);
        end.push(notice("arrived-during", path.clone(), text, false));
    }
    let unseen = (before.unseen, after.and_then(|s| s.unseen));
    if let (Some(was), Some(is)) = unseen
        && was != is
    {
        let text = format!("{was} messages were unseen before and {is} after");
        end.push(notice("unseen-changed", path.clone(), text, false));
    }
    books.flags_during = changed;
    books.flags_during.sort_unstable();
    Ok(None)
}

fn uids(what: &str, uids: &[u64]) -> String {
    let named: Vec<String> = uids.iter().take(NAMED).map(u64::to_string).collect();
    let more = if uids.len() > NAMED { ", .." } else { "" };
    format!("{} messages {what}: UID {}{more}", uids.len(), named.join(", "))
}
