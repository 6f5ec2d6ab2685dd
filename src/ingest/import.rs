//! What to import and what became of it, and the reading of one source into one ledger segment.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::source::{self, Event, Listing, Long, Options};
use crate::store::pack::FrameAt;
use crate::store::{Reader, StoreError, Writer};
use crate::types::record::{Closed, Record, SourceHead};
use crate::types::{CustodyEvent, ItemKey, RelPath, Sha256Digest, SourceId};

use super::batch::Batcher;
use super::derived::Derived;
use super::engine::Engine;
use super::importer::Importer;
use super::long::LongWork;
use super::output::{Output, Totals, WriteError};
use super::registry::{InTurn, Place, Registry};
use super::tools::Bench;
use super::work::{Claims, Shared, WorkError, work};
use super::{IngestError, Watch};

/// What to import, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The file or folder.
    pub root: PathBuf,
    /// Exhibit label.
    pub label: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// How to read it.
    pub options: Options,
    /// Whether a source that is itself a case is read, as the files that it consists of.
    pub force_case: bool,
    /// Whether a source is read again of which the file system says that nothing changed.
    pub rehash: bool,
    /// The time when the import begins, in microseconds since 1970; `None` keeps nothing by which a later import
    /// could tell that nothing changed.
    pub now_us: Option<i64>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The source.
    pub source: SourceId,
    /// Its full digest.
    pub digest: Sha256Digest,
    /// Its ledger segment.
    pub segment: u32,
    /// Whether the case had all of it already.
    pub is_known: bool,
    /// Whether that is told by sizes, times and inodes alone, so that no byte was read.
    pub is_unchanged_by_stat: bool,
    /// How the case has it, when that is not how it was to be read: kind and split.
    pub read_otherwise: Option<(String, String)>,
    /// Whether an earlier run had begun it.
    pub is_resumed: bool,
    /// What is in it.
    pub totals: Totals,
    /// Folders in it that are cases themselves; the empty path is the source itself.
    pub cases: Vec<RelPath>,
}

/// Imports one source. What was committed stays, whatever happens. Several sources are read faster by one [`Importer`].
///
/// # Errors
/// As [`Importer::import`].
pub fn import(
    writer: &mut Writer,
    derived: Derived,
    request: &Request,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Imported, IngestError> {
    let mut importer = Importer::new(writer, derived, threads)?;
    let done = importer.import(request, watch);
    importer.finish()?;
    done
}

/// The first line of the segment of a source.
pub(super) fn head_of(listing: &Listing, options: &Options) -> SourceHead {
    SourceHead {
        entries: listing.found.len() as u64,
        kind: options.kind.code().to_owned(),
        listing: listing.digest,
        split: options.split.code().to_owned(),
    }
}

/// What the case holds, for who adds to it.
#[derive(Debug)]
pub(super) struct Blobs {
    /// All blobs.
    pub claims: Claims,
    /// Where the frames lie.
    pub frames: Vec<FrameAt>,
}

impl Blobs {
    /// Reads the lines of all packs.
    pub(super) fn load(reader: &Reader) -> Result<Self, IngestError> {
        let (registry, frames) = known_blobs(reader)?;
        let next_frame = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        Ok(Self { claims: Claims { registry, next_frame }, frames })
    }
}

/// All blobs of a case and its frames.
pub(super) fn known_blobs(reader: &Reader) -> Result<(Registry, Vec<FrameAt>), IngestError> {
    let mut registry = Registry::new();
    let mut frames = Vec::new();
    for line in reader.frames() {
        let line = line?;
        let frame = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        let mut offset = 0;
        for (digest, len) in &line.blobs {
            registry.insert(digest, Place { frame, offset, len: *len });
            offset += len;
        }
        frames.push(line.frame);
    }
    Ok((registry, frames))
}

/// How a source is read into a segment.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// What is there.
    pub listing: &'a Listing,
    /// How to read it.
    pub options: &'a Options,
    /// The segment.
    pub segment: u32,
    /// The lines of an earlier run that must come out again.
    pub resume: Option<&'a Reader>,
    /// Items of earlier sources of this command, for what is said.
    pub base_items: u64,
    /// The mount that the files lie on.
    pub mount: Option<u64>,
    /// Whether a file changed shortly before.
    pub is_recent: bool,
}

/// Reads the source into a segment: all of it, or an error. Catalog and index are not committed.
pub(super) fn read_into(
    reading: &Reading<'_>,
    engine: &Engine,
    writer: &mut Writer,
    derived: &mut Derived,
    bench: &Bench,
    blobs: Blobs,
    watch: &dyn Watch,
) -> Result<(Closed, Totals, Blobs), WriteError> {
    let Reading { listing, options, segment, resume, base_items, mount, is_recent } = *reading;
    let Blobs { claims, frames } = blobs;
    let claims = InTurn::new(claims);
    let derived_until = derived.marks.get(&segment).copied().unwrap_or(0);
    let shared = Shared { claims: &claims, bench, index: &derived.index, segment, derived_until };
    let mut output =
        Output::new(writer, &mut derived.catalog, frames, segment, resume, derived_until, base_items, watch)?;
    if resume.is_some() {
        output.skip_head(&Record::Source(head_of(listing, options)))?;
    }
    if mount.is_some() {
        output.gather_stamps(&listing.digest);
    }
    let output = Mutex::new(output);
    pipeline(reading, engine, &shared, &output, watch)?;
    let mut output = output.into_inner().unwrap_or_else(PoisonError::into_inner);
    if watch.is_stopped() {
        output.commit(CustodyEvent::ImportStopped)?;
        return Err(WriteError::Failed(IngestError::Stopped));
    }
    let (closed, totals, frames) = output.close(mount, is_recent)?;
    Ok((closed, totals, Blobs { claims: claims.into_inner(), frames }))
}

/// Reader, workers and writer at work; every batch is written in order.
fn pipeline(
    reading: &Reading<'_>,
    engine: &Engine,
    shared: &Shared<'_>,
    output: &Mutex<Output<'_>>,
    watch: &dyn Watch,
) -> Result<(), WriteError> {
    let work = |_, batch| work(batch, shared).map_err(WriteError::from);
    let write = |done| output.lock().unwrap_or_else(PoisonError::into_inner).batch(&done);
    engine.run(work, write, |feed| {
        let mut batcher = Batcher::default();
        let mut long: Option<LongWork> = None;
        let mut sink = |event: Event| {
            if feed.has_failed() || watch.is_stopped() {
                return ControlFlow::Break(());
            }
            if let Event::Long(event) = event {
                if let Some(batch) = batcher.finish() {
                    feed.push(batch);
                }
                feed.wait_written();
                if let Err(error) = long_event(event, &mut long, &mut batcher, shared, output) {
                    feed.fail(error);
                }
            } else if let Some(batch) = batcher.push(event) {
                feed.push(batch);
            }
            ControlFlow::Continue(())
        };
        if let Err(error) = source::read(reading.listing, reading.options, &mut sink) {
            feed.fail(IngestError::from(error).into());
        }
        if let Some(batch) = batcher.finish()
            && !feed.has_failed()
            && !watch.is_stopped()
        {
            feed.push(batch);
        }
    })
}

impl From<WorkError> for WriteError {
    fn from(error: WorkError) -> Self {
        Self::Failed(match error {
            WorkError::Index(error) => error.into(),
            WorkError::Pack(source) => IngestError::Files { path: "packs".into(), source },
            WorkError::TooMany => {
                StoreError::Full { what: "items of a source", limit: ItemKey::MAX_ITEMS }.into()
            }
            WorkError::Tools => IngestError::Worker,
        })
    }
}

fn long_event(
    event: Long,
    long: &mut Option<LongWork>,
    batcher: &mut Batcher,
    shared: &Shared<'_>,
    output: &Mutex<Output<'_>>,
) -> Result<(), WriteError> {
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    match (&event, long.as_mut()) {
        (Long::Start { .. }, None) => *long = LongWork::begin(&mut output, event)?,
        (Long::Part(part), Some(work)) => work.part(&mut output, part)?,
        (Long::End { .. }, Some(_)) => {
            if let Some(work) = long.take() {
                let ordinal = if work.is_item() { Some(batcher.long_item()) } else { None };
                shared.claims.idle(|claims| work.end(&mut output, claims, shared, ordinal, event))?;
                output.wrote(0)?;
            }
        }
        _ => {
            return Err(
                IngestError::Internal("a part of something long that has not begun, or not ended").into()
            );
        }
    }
    Ok(())
}
