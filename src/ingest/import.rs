//! Imports one source: finds out whether the case has it, reads it through the pipeline, ends its ledger segment.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::source::{self, Event, Listing, Long, Options};
use crate::store::pack::FrameAt;
use crate::store::{Reader, SegmentInfo, Writer, source_id};
use crate::types::event::SourceNaming;
use crate::types::readers::ReaderVersions;
use crate::types::record::{Record, SourceHead};
use crate::types::{CustodyEvent, Sha256Digest, SourceId};

use super::batch::{Batch, Batcher};
use super::derived::Derived;
use super::fingerprint::fingerprint;
use super::gate::Gate;
use super::long::LongWork;
use super::output::{Output, Totals, WriteError};
use super::registry::{InTurn, Place, Registry};
use super::tools::Bench;
use super::work::{Claims, Done, Shared, WorkError, work};
use super::{IngestError, Watch, refuse_overlap};

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The file or folder.
    pub root: PathBuf,
    /// Exhibit label.
    pub label: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// How to read it.
    pub options: Options,
    /// Number of workers.
    pub threads: usize,
    /// Items of earlier sources of this run.
    pub base_items: u64,
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
    /// How the case has it, when that is not how it was to be read: kind and split.
    pub read_otherwise: Option<(String, String)>,
    /// Whether an earlier run had begun it.
    pub is_resumed: bool,
    /// What is in it.
    pub totals: Totals,
}

/// Imports a source. What was committed stays, whatever happens.
///
/// # Errors
/// [`IngestError::Overlap`], [`IngestError::Stopped`] on request, and all that stops the work.
pub fn import(
    writer: &mut Writer,
    derived: &mut Derived,
    request: &Request,
    watch: &dyn Watch,
) -> Result<Imported, IngestError> {
    refuse_overlap(writer.layout().root(), &request.root)?;
    let listing = source::list(&request.root)?;
    // A listing like that of a source of the case: read it once without splitting, and see.
    let mut pending = None;
    let mut alike = Vec::new();
    for segment in writer.segments() {
        let same = segment.head.as_ref().is_some_and(|head| head.listing == listing.digest);
        match (same, segment.closed()) {
            (true, Some(closed)) => alike.push((segment.clone(), closed.clone())),
            (true, None) => pending = Some(segment.clone()),
            _ => {}
        }
    }
    if !alike.is_empty() {
        let now = fingerprint(&listing, watch);
        if watch.is_stopped() {
            return Err(IngestError::Stopped);
        }
        // A source is read in one way: ids count its containers and items, so two readings would share them.
        if let Some((segment, closed)) = alike.into_iter().find(|(_, closed)| Some(closed.id) == now) {
            let (naming, source) = (naming(request, &listing), source_id(&closed));
            writer.commit_event(&CustodyEvent::SourceSeenAgain { naming, source })?;
            let totals = Totals {
                containers: closed.containers,
                items: closed.items,
                new_items: 0,
                bytes: closed.bytes,
            };
            return Ok(Imported {
                source: source_id(&closed),
                digest: closed.id,
                segment: segment.number,
                is_known: true,
                read_otherwise: (!is_same_reading(&segment, &request.options))
                    .then(|| segment.head.map(|head| (head.kind, head.split)))
                    .flatten(),
                is_resumed: false,
                totals,
            });
        }
    }
    // A pending segment read with other options is left alone; its items stay, as a source that was never finished.
    let pending = pending.filter(|segment| is_same_reading(segment, &request.options));
    let begun_by = pending.as_ref().map(|segment| readers_of(writer, segment.number)).transpose()?;
    // Other readers may cut it otherwise: that its lines do not come out again would not mean that the source changed.
    let by_other_readers = pending.as_ref().map(|segment| segment.number).zip(begun_by);
    let by_other_readers = by_other_readers.filter(|(_, readers)| *readers != source::READERS);
    let mut source_changed = false;
    if let Some(segment) = pending.filter(|_| by_other_readers.is_none()) {
        match read_into(writer, derived, request, &listing, segment.number, true, watch) {
            Ok((digest, totals)) => {
                return finished(writer, digest, segment.number, totals, true);
            }
            Err(WriteError::Failed(error)) => return Err(error),
            Err(WriteError::Diverged) => source_changed = true,
        }
    }
    let segment = writer.new_segment()?;
    let head = head_record(&listing, &request.options);
    let mut line = Vec::new();
    head.write_line(&mut line);
    writer.append_ledger(segment, &line)?;
    let naming = naming(request, &listing);
    let readers = source::READERS;
    let begun = CustodyEvent::SourceBegun { naming, segment, readers, by_other_readers, source_changed };
    writer.commit_event(&begun)?;
    derived.catalog.record(segment, 0, &head)?;
    match read_into(writer, derived, request, &listing, segment, false, watch) {
        Ok((digest, totals)) => finished(writer, digest, segment, totals, false),
        Err(WriteError::Failed(error)) => Err(error),
        Err(WriteError::Diverged) => Err(IngestError::Worker),
    }
}

fn finished(
    writer: &Writer,
    digest: Sha256Digest,
    segment: u32,
    totals: Totals,
    is_resumed: bool,
) -> Result<Imported, IngestError> {
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    let source = SourceId::Known(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    // A source with a file that breaks off in the midst is read anew each time, which is no clash.
    let clash =
        writer.segments().iter().any(|s| s.source() == source && s.closed().is_some_and(|c| c.id != digest));
    if clash {
        return Err(IngestError::IdClash { id: source.to_string() });
    }
    Ok(Imported { source, digest, segment, is_known: false, read_otherwise: None, is_resumed, totals })
}

fn head_record(listing: &Listing, options: &Options) -> Record {
    Record::Source(SourceHead {
        entries: listing.found.len() as u64,
        kind: options.kind.code().to_owned(),
        listing: listing.digest,
        split: options.split.code().to_owned(),
    })
}

/// The readers that make a segment, by the event that began it.
fn readers_of(writer: &Writer, segment: u32) -> Result<ReaderVersions, IngestError> {
    for event in Reader::open(writer.layout().root())?.custody()? {
        let (_, event) = event?;
        if let Ok(CustodyEvent::SourceBegun { segment: of, readers, .. }) = event.read()
            && of == segment
        {
            return Ok(readers);
        }
    }
    Ok(ReaderVersions::FIRST)
}

fn is_same_reading(segment: &SegmentInfo, options: &Options) -> bool {
    segment
        .head
        .as_ref()
        .is_some_and(|head| head.kind == options.kind.code() && head.split == options.split.code())
}

/// How the source was named on this machine, and what the walk found.
fn naming(request: &Request, listing: &Listing) -> SourceNaming {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = |path: &std::path::Path| path.as_os_str().as_bytes().to_vec();
    SourceNaming {
        bytes: listing.bytes,
        canonical: std::fs::canonicalize(&listing.root).ok().map(|real| bytes(&real)),
        entries: listing.found.len() as u64,
        label: request.label.clone(),
        listing: listing.digest,
        note: request.note.clone(),
        kind: request.options.kind.code().to_owned(),
        md5: request.options.md5,
        sha1: request.options.sha1,
        split: request.options.split.code().to_owned(),
        path: bytes(&request.root),
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

/// Reads the source into a segment. With `resume` its lines so far must come out again.
fn read_into(
    writer: &mut Writer,
    derived: &mut Derived,
    request: &Request,
    listing: &Listing,
    segment: u32,
    resume: bool,
    watch: &dyn Watch,
) -> Result<(Sha256Digest, Totals), WriteError> {
    let reader = Reader::open(writer.layout().root())?;
    let (registry, frames) = known_blobs(&reader)?;
    let next_frame = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let claims = InTurn::new(Claims { registry, next_frame });
    let derived_until = derived.marks.get(&segment).copied().unwrap_or(0);
    let threads = request.threads.max(1);
    let bench = {
        let index = derived.index.lock().unwrap_or_else(PoisonError::into_inner);
        Bench::new(&index, threads, &derived.settings)
    };
    let (digest, totals) = {
        let shared = Shared { claims: &claims, bench: &bench, index: &derived.index, segment, derived_until };
        let resume = resume.then_some(&reader);
        let mut output = Output::new(
            writer,
            &mut derived.catalog,
            frames,
            segment,
            resume,
            derived_until,
            request.base_items,
            watch,
        )?;
        if resume.is_some() {
            output.skip_head(&head_record(listing, &request.options))?;
        }
        let output = Mutex::new(output);
        pipeline(listing, request, &shared, &output, watch)?;
        let output = output.into_inner().unwrap_or_else(PoisonError::into_inner);
        if watch.is_stopped() {
            let mut output = output;
            output.commit(CustodyEvent::ImportStopped)?;
            return Err(WriteError::Failed(IngestError::Stopped));
        }
        output.close()?
    };
    bench.flush(&derived.index)?;
    derived.commit(segment, totals.items)?;
    Ok((digest, totals))
}

/// Reader, workers and writer at work; every batch is written in order.
fn pipeline(
    listing: &Listing,
    request: &Request,
    shared: &Shared<'_>,
    output: &Mutex<Output<'_>>,
    watch: &dyn Watch,
) -> Result<(), WriteError> {
    let threads = request.threads.max(1);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|_| IngestError::Worker)?;
    let gate = Gate::new(threads + 2);
    let failure: Mutex<Option<WriteError>> = Mutex::new(None);
    let has_failed = || failure.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    let (send, receive) = std::sync::mpsc::channel::<(u64, Result<Done, WorkError>)>();
    let fail = |error: WriteError| {
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    std::thread::scope(|threads_scope| {
        threads_scope.spawn(|| {
            let mut waiting = std::collections::BTreeMap::new();
            let mut next = 0;
            for (number, done) in receive {
                waiting.insert(number, done);
                while let Some(done) = waiting.remove(&next) {
                    next += 1;
                    let wrote = match done {
                        Ok(done) if !has_failed() => {
                            output.lock().unwrap_or_else(PoisonError::into_inner).batch(&done)
                        }
                        Ok(_) => Ok(()),
                        Err(WorkError::Index(error)) => Err(error.into()),
                        Err(WorkError::Pack(source)) => {
                            Err(IngestError::Files { path: "packs".into(), source }.into())
                        }
                        Err(WorkError::Tools) => Err(IngestError::Worker.into()),
                    };
                    if let Err(error) = wrote {
                        fail(error);
                    }
                    gate.leave();
                }
            }
        });
        pool.in_place_scope_fifo(|scope| {
            let start = |batch: Batch| {
                gate.enter();
                let send = send.clone();
                scope.spawn_fifo(move |_| {
                    let number = batch.number;
                    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(batch, shared)));
                    // The writer is there until all senders are gone.
                    send.send((number, done.unwrap_or(Err(WorkError::Tools)))).unwrap_or_default();
                });
            };
            let mut batcher = Batcher::default();
            let mut long: Option<LongWork> = None;
            let mut sink = |event: Event| {
                if has_failed() || watch.is_stopped() {
                    return ControlFlow::Break(());
                }
                if let Event::Long(event) = event {
                    if let Some(batch) = batcher.finish() {
                        start(batch);
                    }
                    gate.wait_empty();
                    if let Err(error) = long_event(event, &mut long, &mut batcher, shared, output) {
                        fail(error);
                    }
                } else if let Some(batch) = batcher.push(event) {
                    start(batch);
                }
                ControlFlow::Continue(())
            };
            if let Err(error) = source::read(listing, &request.options, &mut sink) {
                fail(error.into());
            }
            if let Some(batch) = batcher.finish()
                && !has_failed()
                && !watch.is_stopped()
            {
                start(batch);
            }
            gate.wait_empty();
        });
        drop(send);
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
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
        (Long::Start { .. }, _) => *long = LongWork::begin(&mut output, event)?,
        (Long::Part(part), Some(work)) => work.part(&mut output, part)?,
        (Long::End { .. }, Some(_)) => {
            if let Some(work) = long.take() {
                let ordinal = if work.is_item() { Some(batcher.long_item()) } else { None };
                shared.claims.idle(|claims| work.end(&mut output, claims, shared, ordinal, event))?;
                output.wrote(0)?;
            }
        }
        _ => {}
    }
    Ok(())
}
