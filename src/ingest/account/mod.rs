//! Copies an account on a server into the case: what is told comes in, is hashed and stored while more comes, and is
//! derived afterwards, so that nothing slow stands between the network and the record.

mod events;
mod known;
mod long;
mod output;
mod parcel;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use crate::acquire::{self, AcquireError, Known, Notice, Order, Refetched, Sink, Told};
use crate::store::{ACCOUNTS, Reader, StoreError, Writer};
use crate::types::time::{Clock, UtcMs};
use crate::types::{CustodyEvent, Sha256Digest, SourceId};

pub use events::{FolderSeen, mechanism_name, sum, uid_set, url, write_refetched};

use super::engine::Engine;
use super::import::Blobs;
use super::registry::InTurn;
use super::work::Claims;
use super::{IngestError, Totals, Watch};
use known::InCase;
use long::{Long, Taken};
use output::Output;
use parcel::Gatherer;

/// What to acquire.
#[derive(Clone, Debug)]
pub struct AccountRequest {
    /// From where, with what, and what.
    pub order: Order,
    /// Exhibit label.
    pub label: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// Number of workers.
    pub threads: usize,
}

/// Who watches an acquisition.
pub trait AccountWatch: Watch {
    /// Something was told; it is stored after this.
    fn told(&self, told: &Told);
}

/// What became of an acquisition.
#[derive(Debug)]
pub struct Acquired {
    /// The ledger segment; `None` when there was nothing that the case did not have.
    pub segment: Option<u32>,
    /// The source; `None` while the segment is pending, or without one.
    pub source: Option<SourceId>,
    /// Its full digest.
    pub digest: Option<Sha256Digest>,
    /// Whether an earlier run had begun it.
    pub is_resumed: bool,
    /// What this run stored.
    pub totals: Totals,
    /// The folders of this run, in the order met, with their books.
    pub folders: Vec<FolderSeen>,
    /// Messages that a rule excluded.
    pub excluded: u64,
    /// Messages that the server did not give.
    pub failed: u64,
    /// Messages that were gone when they were asked for.
    pub gone: u64,
    /// Notices.
    pub notices: u64,
    /// Of them those for which the copy is incomplete.
    pub partial: u64,
    /// The newest INTERNALDATE of this run.
    pub newest: Option<UtcMs>,
    /// What came of fetching the messages of this run a second time, where that was asked for.
    pub refetched: Option<Refetched>,
    /// Folders that the case has of the account and that the server has no more, by name or by UIDVALIDITY. Empty where
    /// the run did not come to its end.
    pub lost: Vec<Notice>,
    /// How the talk with the server ended.
    pub ended: Result<(), AcquireError>,
}

impl Acquired {
    /// Whether everything that the server listed is in the case or was left by a rule.
    pub fn is_whole(&self) -> bool {
        self.ended.is_ok()
            && self.failed == 0
            && self.partial == 0
            && self.folders.iter().all(FolderSeen::is_balanced)
    }
}

/// Acquires an account. What was committed stays, whatever happens; catalog and index are brought up by `catch_up`.
///
/// # Errors
/// [`StoreError::OlderFormat`] when the case has no place for accounts, and all that stops the writing. What the server
/// did stands in [`Acquired::ended`].
pub fn acquire_account(
    writer: &mut Writer,
    request: &AccountRequest,
    clock: &dyn Clock,
    watch: &dyn AccountWatch,
) -> Result<Acquired, IngestError> {
    run(writer, request, watch, |known, sink| acquire::acquire(&request.order, known, clock, sink))
}

/// The same over anything that tells what an account tells.
fn run(
    writer: &mut Writer,
    request: &AccountRequest,
    watch: &dyn AccountWatch,
    produce: impl FnOnce(&dyn Known, &mut Sink<'_>) -> Result<(), AcquireError>,
) -> Result<Acquired, IngestError> {
    let order = &request.order;
    if writer.version() < ACCOUNTS {
        let path = writer.layout().root().to_owned();
        return Err(StoreError::OlderFormat { path, found: u64::from(writer.version()) }.into());
    }
    let head = events::head(order);
    let reader = Reader::open(writer.layout().root())?;
    let known = InCase::load(&reader, &head)?;
    let Blobs { claims, .. } = Blobs::load(&reader)?;
    let resumes = known.pending.as_ref().filter(|_| !order.list_only).map(|segment| segment.number);
    // Told before the server is, so that no sign-in is without a trace.
    let start = events::begun(order, &head, request.label.as_deref(), request.note.as_deref(), resumes);
    writer.commit_event(&CustodyEvent::AccountBegun(Box::new(start)))?;
    let claims = InTurn::new(claims);
    let output = Output::new(writer, &reader, &known, head, request, watch)?;
    let output = Mutex::new(output);
    let engine = Engine::new(request.threads)?;
    let ended = pipeline(&engine, &claims, &output, watch, |sink| produce(&known, sink))?;
    output.into_inner().unwrap_or_else(PoisonError::into_inner).finish(ended)
}

/// The server's talk on this thread, workers and the writer on theirs.
fn pipeline(
    engine: &Engine,
    claims: &InTurn<Claims>,
    output: &Mutex<Output<'_>>,
    watch: &dyn AccountWatch,
    produce: impl FnOnce(&mut Sink<'_>) -> Result<(), AcquireError>,
) -> Result<Result<(), AcquireError>, IngestError> {
    let work = |_, parcel| {
        let packed = |source| IngestError::Files { path: "packs".into(), source };
        parcel::work(parcel, claims).map_err(packed)
    };
    let write = |done| output.lock().unwrap_or_else(PoisonError::into_inner).parcel(done);
    engine.run(work, write, |feed| {
        let mut gatherer = Gatherer::new();
        let mut long: Option<Long> = None;
        let mut sink = |told: Told| {
            if feed.has_failed() || watch.is_stopped() {
                return ControlFlow::Break(());
            }
            watch.told(&told);
            match Long::take(&mut long, told) {
                // Nothing else can be written while a long message is.
                Taken::Whole(told) if long.as_ref().is_some_and(Long::is_streamed) => gatherer.keep(told),
                Taken::Whole(told) => {
                    if let Some(parcel) = gatherer.push(told) {
                        feed.push(parcel);
                    }
                }
                Taken::Kept => {}
                Taken::Stream(streamed) => {
                    if let Some(parcel) = gatherer.finish() {
                        feed.push(parcel);
                    }
                    feed.wait_written();
                    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Err(error) = streamed.write(&mut output, claims) {
                        feed.fail(error);
                    }
                }
            }
            ControlFlow::Continue(())
        };
        let ended = produce(&mut sink);
        if let Some(parcel) = gatherer.finish() {
            feed.push(parcel);
        }
        feed.wait_written();
        // What broke off in the middle of a long message is given up.
        output.lock().unwrap_or_else(PoisonError::into_inner).store.blob_abort();
        ended
    })
}
