//! Folders in rounds: one connection lists as many as memory bears, then that session ends and others fetch what was
//! listed.
//!
//! Two sessions, because of sizes. The listing looks at the size of each message, and so does a server that sends one.
//! Dovecot takes a second look in one session for a client that keeps nothing, and then writes all sizes into its list
//! of UIDs, which lies in the mailbox. So each session looks once at a size, in ascending order, and the mailbox stays
//! as it was.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use super::folders::Mailbox;
use super::lead::{self, Looked};
use super::plan::message_path;
use super::session::Session;
use super::shelf::Shelf;
use super::worker::Worker;
use crate::acquire::wire::Outset;
use crate::acquire::{AcquireError, Known, Order, Sink};
use crate::types::time::Clock;

/// Listings held at once, in bytes: some million messages.
const HELD: usize = 64 << 20;

/// What all connections of one acquisition share.
pub(super) struct Shared<'a> {
    pub(super) order: &'a Order,
    pub(super) known: &'a dyn Known,
    pub(super) outset: &'a Outset,
    pub(super) clock: &'a dyn Clock,
    pub(super) numbers: &'a std::sync::atomic::AtomicU32,
    /// Connections that fetch.
    pub(super) workers: usize,
}

/// Folders that were looked at, until somebody leads them.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Vec<Option<Looked>>>);

impl Looks {
    fn push(&self, looked: Looked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Some(looked));
    }

    /// What was seen of the folder of a lane; once.
    pub(super) fn take(&self, lane: usize) -> Option<Looked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(lane)?.take()
    }
}

/// How far the listing came.
#[derive(Debug)]
struct Listed {
    folders: usize,
    /// Whether a message is to be fetched.
    is_needed: bool,
    /// What ended it before all were listed.
    error: Option<AcquireError>,
}

/// Copies the first of `mailboxes`, and says how many; the listing goes over `session`, or a fresh one.
///
/// # Errors
/// What ends the run; folders that were listed before were copied.
pub(super) fn round(
    shared: &Shared<'_>,
    mailboxes: &[Mailbox],
    session: Option<Session<'_>>,
    sink: &mut Sink<'_>,
) -> Result<usize, AcquireError> {
    let shelf =
        Shelf::new(mailboxes.len(), Arc::clone(&shared.outset.stop), Arc::clone(&shared.outset.aside));
    let looks = Looks::default();
    std::thread::scope(|scope| {
        let (shelf, looks) = (&shelf, &looks);
        let lister = scope.spawn(move || {
            let present = shelf.presence();
            let mut worker = Worker::new(shared, mailboxes, shelf, looks, session, true);
            let listed = list(&mut worker, looks);
            if listed.folders == 0 {
                worker.hang_up();
                if let Some(error) = listed.error {
                    shelf.fail(error);
                }
                return Ok(0);
            }
            shelf.truncate(listed.folders);
            if listed.is_needed {
                worker.renew();
            }
            let mut session = worker.session.take();
            for nth in 0..shared.workers {
                let worker = Worker::new(shared, mailboxes, shelf, looks, session.take(), nth == 0);
                shelf.enlist();
                scope.spawn(move || worker.run());
            }
            drop(present);
            listed.error.map_or(Ok(listed.folders), Err)
        });
        shelf.tell(sink)?;
        lister.join().unwrap_or(Err(AcquireError::Stopped))
    })
}

/// Looks at the folders one after the other, until memory is full or the connection is gone for good.
fn list(worker: &mut Worker<'_>, looks: &Looks) -> Listed {
    let mut listed = Listed { folders: 0, is_needed: false, error: None };
    let mut held = 0usize;
    for mailbox in worker.mailboxes {
        if held > HELD {
            break;
        }
        let looked = match lead::look(worker, mailbox) {
            Ok(looked) => looked,
            Err(error) => {
                listed.error = Some(error);
                break;
            }
        };
        if let Ok(start) = &looked
            && let Some(listing) = start.listing()
        {
            held = held.saturating_add(listing.held());
            let path = mailbox.epoch(start.uid_validity());
            let is_known = |row| worker.known.has(&message_path(&path, listing.uid(row)));
            listed.is_needed |= !(0..listing.len()).all(is_known);
        }
        worker.hand_on_transcript(false);
        looks.push(looked);
        listed.folders = listed.folders.saturating_add(1);
    }
    listed
}
