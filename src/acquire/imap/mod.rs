//! `IMAP4rev1` and `IMAP4rev2` (RFC 3501, RFC 9051): an account listed and copied with verbs that cannot change it.
//!
//! The first connection signs in, lists the folders and then the messages of each ([`round`]). Then each further
//! connection has a thread: it leads a folder (opens it, compares it with itself at the end) or fetches chunks of one
//! that another leads. The [`shelf`] puts what they bring into the order of the ledger.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicU32;

use super::wire::Outset;
use super::{AcquireError, Known, Order, Sink, Told};
use crate::types::time::Clock;

mod again;
mod answer;
mod beside;
mod bodies;
mod chunks;
mod doubt;
mod examine;
mod fetch;
mod folders;
mod gone;
mod lead;
mod listing;
mod long;
mod names;
mod open;
mod plan;
mod round;
mod scan;
mod session;
mod shelf;
mod taker;
mod verb;
mod worker;

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_doubt;
#[cfg(test)]
mod tests_greed;
#[cfg(test)]
mod tests_lost;
#[cfg(test)]
mod tests_odd;
#[cfg(test)]
mod tests_twice;

use answer::Kind;
use folders::Mailbox;
use round::Shared;
use session::Session;
use verb::Verb;

/// Most connections at once: large providers allow fifteen.
const CONNECTIONS: usize = 15;

/// STATUS commands under way at once.
const STATUSES: usize = 32;

/// Copies an account, or lists its folders.
///
/// # Errors
/// What stops the whole run.
pub(super) fn run(
    order: &Order,
    known: &dyn Known,
    clock: &dyn Clock,
    sink: &mut Sink<'_>,
) -> Result<(), AcquireError> {
    let outset = Outset::new(order)?;
    let numbers = AtomicU32::new(0);
    let (mut session, mailboxes) = begin(order, &outset, clock, &numbers, sink)?;
    let is_gmail = session.can("X-GM-EXT-1");
    if order.list_only {
        let listed = tell_folders(&mut session, &mailboxes, &outset, sink);
        open::log_out(&mut session);
        tell_aside(&mut session, &outset, sink)?;
        return listed.map_err(|e| e.into_error(&order.account.host))?;
    }
    let (mailboxes, notices) = match folders::choose(order, is_gmail, mailboxes) {
        Ok(chosen) => chosen,
        Err(error) => {
            open::log_out(&mut session);
            tell_aside(&mut session, &outset, sink)?;
            return Err(error);
        }
    };
    for notice in notices {
        tell(sink, Told::Notice(notice))?;
    }
    tell_aside(&mut session, &outset, sink)?;
    let workers = order.connections.clamp(1, CONNECTIONS);
    let shared = Shared { order, known, outset: &outset, clock, numbers: &numbers, workers };
    if mailboxes.is_empty() {
        open::log_out(&mut session);
        return tell_aside(&mut session, &outset, sink);
    }
    let (mut rest, mut session) = (mailboxes.as_slice(), Some(session));
    while !rest.is_empty() {
        let done = round::round(&shared, rest, session.take(), sink)?;
        rest = rest.get(done..).unwrap_or_default();
    }
    Ok(())
}

fn tell(sink: &mut Sink<'_>, told: Told) -> Result<(), AcquireError> {
    match sink(told) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(AcquireError::Stopped),
    }
}

/// Tells what a session has gathered.
fn tell_aside(session: &mut Session<'_>, outset: &Outset, sink: &mut Sink<'_>) -> Result<(), AcquireError> {
    for told in outset.aside.take().into_iter().flatten() {
        tell(sink, told)?;
    }
    for notice in std::mem::take(&mut session.notices) {
        tell(sink, Told::Notice(notice))?;
    }
    if session.wire.transcript.is_empty() {
        return Ok(());
    }
    tell(sink, Told::Transcript(session.wire.transcript.take()))
}

/// The first connection, and the folders; again when it breaks, as often as allowed.
fn begin<'a>(
    order: &Order,
    outset: &Outset,
    clock: &'a dyn Clock,
    numbers: &AtomicU32,
    sink: &mut Sink<'_>,
) -> Result<(Session<'a>, Vec<Mailbox>), AcquireError> {
    let mut tries = 0;
    let mut turn = outset.keys.turn();
    loop {
        let key = turn.credential();
        for notice in turn.notices() {
            tell(sink, Told::Notice(notice))?;
        }
        let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed).saturating_add(1);
        let error = match open::open(order, outset, &key, clock, number) {
            Ok(mut session) => {
                turn.worked();
                tell(sink, Told::Session(Box::new(session.evidence.clone())))?;
                let listed = folders::list(&mut session);
                if listed.is_err() {
                    session.wire.close();
                }
                tell_aside(&mut session, outset, sink)?;
                match listed {
                    Ok(mailboxes) => return Ok((session, mailboxes)),
                    Err(error) => error.into_error(&order.account.host),
                }
            }
            Err(failed) => {
                for notice in failed.notices {
                    tell(sink, Told::Notice(notice))?;
                }
                for told in outset.aside.take().into_iter().flatten() {
                    tell(sink, told)?;
                }
                if !failed.transcript.is_empty() {
                    tell(sink, Told::Transcript(failed.transcript))?;
                }
                failed.error
            }
        };
        let has_another = turn.is_worth_another(&error);
        for notice in turn.notices() {
            tell(sink, Told::Notice(notice))?;
        }
        if has_another {
            continue;
        }
        if !matches!(error, AcquireError::Broken { .. }) || tries >= order.limits.again {
            return Err(error);
        }
        tries = tries.saturating_add(1);
    }
}

/// Tells all folders with what STATUS says of them, and the sum of the sizes of their messages; messages are not
/// touched.
fn tell_folders(
    session: &mut Session<'_>,
    mailboxes: &[Mailbox],
    outset: &Outset,
    sink: &mut Sink<'_>,
) -> Result<Result<(), AcquireError>, super::wire::WireError> {
    for some in mailboxes.chunks(STATUSES) {
        // Names that need a literal wait for the server's go, so these go one by one.
        let is_plain = some.iter().all(|m| verb::quoted(&m.raw).is_some());
        let mut tags = Vec::new();
        for mailbox in some {
            let tag = if mailbox.can_open() && is_plain {
                Some(folders::send_status(session, mailbox)?)
            } else {
                None
            };
            tags.push(tag);
        }
        let mut told = Vec::new();
        for (mailbox, tag) in some.iter().zip(tags) {
            let status = match tag {
                Some(tag) => folders::read_status(session, &tag)?,
                None if mailbox.can_open() => folders::status(session, mailbox)?,
                None => None,
            };
            if status.is_none() && mailbox.can_open() {
                session.notice(
                    "status-refused",
                    format!(
                        "the server tells nothing of folder `{}`",
                        crate::types::text::shown(&mailbox.name)
                    ),
                );
            }
            told.push(mailbox.folder(&status.unwrap_or_default()));
        }
        // Only when no answer is awaited any more.
        for (mailbox, mut folder) in some.iter().zip(told) {
            folder.bytes = sizes(session, mailbox, folder.exists)?;
            if let Err(error) = tell(sink, Told::Folder(folder)) {
                return Ok(Err(error));
            }
        }
        if let Err(error) = tell_aside(session, outset, sink) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// The sum of the sizes of all messages of a folder, as the server announces them; `None` where it does not announce
/// them all.
///
/// # Errors
/// When the connection cannot be used any more.
fn sizes(
    session: &mut Session<'_>,
    mailbox: &Mailbox,
    messages: u64,
) -> Result<Option<u64>, super::wire::WireError> {
    if !mailbox.can_open() || messages == 0 {
        return Ok(mailbox.can_open().then_some(0));
    }
    let Ok(opened) = examine::examine(session, mailbox)? else { return Ok(None) };
    let (mut last, mut count, mut sum) = (0, 0u64, 0u64);
    let status = session.run(&Verb::Sizes, |kind, answer| {
        if !matches!(kind, Kind::Numbered(_, name) if name == b"FETCH") {
            return false;
        }
        let Some(fetched) = fetch::Fetched::read(answer) else { return false };
        let (Some(uid), Some(size)) = (fetched.uid, fetched.server.size) else { return false };
        // Each message once, however often the server tells of it.
        let is_next = uid > last;
        if is_next {
            last = uid;
            count = count.saturating_add(1);
            sum = sum.saturating_add(size);
        }
        is_next
    })?;
    Ok((status.is_ok() && count == opened.exists).then_some(sum))
}
