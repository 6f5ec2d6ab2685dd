//! Catalog and index from the record alone: after a crash for what is missing, by `rebuild` for all.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::catalog::ItemRow;
use crate::facts::{PARSE_LIMIT, PARSE_LIMIT_SLICE};
use crate::index::IndexWriter;
use crate::store::pack::{BLOB_IN_MEMORY, BlobAt, FrameAt};
use crate::store::{Reader, StoreError};
use crate::types::record::Record;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, ItemKey, RelPath, Sha256Digest};

use super::derived::Derived;
use super::engine::{Engine, Feed, Weigh};
use super::import::known_blobs;
use super::output::{Derivation, blob_place, rows};
use super::registry::{Place, Registry};
use super::tools::{Bench, Read, Subject, Tools};
use super::{IngestError, Watch, state};

/// Bytes of evidence that a worker reads at once.
const CHUNK: u64 = 1 << 20;

/// Items that it reads at once, at most.
const MAX_ITEMS: usize = 256;

/// Bytes that the facts of an item take before anybody has read it: a guess, put right by the worker.
const FACTS: usize = 4096;

/// Some consecutive lines of the ledger, and what is to be done for them.
#[derive(Debug, Default)]
struct Chunk {
    tasks: Vec<Task>,
    items: usize,
    bytes: u64,
}

#[derive(Debug)]
enum Task {
    /// A record that is no item of a container, with the place that the next item has.
    Record(Record, u64),
    /// An item that is to be read again.
    Item(Job),
}

/// The same, with what was read of each item and its message; `None` for an item that was passed over.
#[derive(Debug)]
struct ChunkRead {
    tasks: Vec<Task>,
    read: Vec<Option<(Read, Vec<u8>)>>,
    /// Digests of what an index answers about these items, when they are wanted.
    digests: Vec<(ItemKey, u64)>,
}

impl Weigh for Chunk {
    fn weight(&self) -> usize {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let tasks = self.tasks.len().saturating_mul(size_of::<Task>());
        bytes.saturating_add(tasks).saturating_add(self.items.saturating_mul(FACTS))
    }
}

impl Weigh for ChunkRead {
    fn weight(&self) -> usize {
        let one = |(read, message): &(Read, Vec<u8>)| read.weight().saturating_add(message.len());
        let read: usize = self.read.iter().flatten().map(one).fold(0, usize::saturating_add);
        read.saturating_add(self.tasks.len().saturating_mul(size_of::<Task>()))
    }
}

/// An item of the ledger that is to be read again.
#[derive(Debug)]
struct Job {
    record: Record,
    ordinal: u64,
    blob: BlobAt,
    place: Place,
    container: Option<(String, RelPath)>,
}

impl Job {
    fn rule(&self) -> Rule {
        match &self.record {
            Record::Item(item) => item.rule,
            _ => Rule::None,
        }
    }

    fn wire(&self) -> Sha256Digest {
        match &self.record {
            Record::Item(item) => item.wire,
            Record::File(file) => file.wire,
            _ => self.blob.sha256,
        }
    }

    /// Bytes of the message: the rule takes one from each line that it changes.
    fn size(&self) -> u64 {
        match &self.record {
            Record::Item(item) => self.blob.len.saturating_sub(item.lines),
            _ => self.blob.len,
        }
    }

    fn notes(&self) -> &[Anomaly] {
        match &self.record {
            Record::Item(item) => &item.notes,
            Record::File(file) => &file.notes,
            _ => &[],
        }
    }

    fn state(&self) -> Vec<&'static str> {
        match (&self.record, &self.container) {
            (Record::File(file), _) => state::words_of(file),
            (_, Some((kind, path))) => state::words(kind, path),
            _ => Vec::new(),
        }
    }
}

/// Reads the items of the ledger that are not in catalog and index yet. Answers their number.
///
/// # Errors
/// What stops the work; the next run goes on.
pub fn catch_up(
    reader: &Reader,
    derived: &mut Derived,
    threads: usize,
    watch: &dyn Watch,
) -> Result<u64, IngestError> {
    catch_up_some(reader, derived, threads, watch, |_| true)
}

/// The same for the ledger segments that are wanted.
pub(super) fn catch_up_some(
    reader: &Reader,
    derived: &mut Derived,
    threads: usize,
    watch: &dyn Watch,
    is_wanted: impl Fn(u32) -> bool,
) -> Result<u64, IngestError> {
    let mut again = None;
    let mut done = 0;
    for segment in reader.segments()?.into_iter().filter(|segment| is_wanted(segment.number)) {
        let number = segment.number;
        let from = derived.marks.get(&number).copied();
        if let (Some(mark), Some(closed)) = (from, segment.closed())
            && mark == closed.items
        {
            continue;
        }
        let again = match &again {
            Some(again) => again,
            None => again.insert(Again::new(reader, threads, false)?),
        };
        let from = from.unwrap_or(0);
        let bench = Bench::of(derived, super::workers(threads));
        let Derived { catalog, index, .. } = derived;
        let items = again.read(number, from, &bench, Some(index), watch, &mut |step| {
            match step {
                Step::Record(record, ordinal) => catalog.record(number, ordinal, record)?,
                Step::Item(row) => catalog.add_item(row)?,
                Step::Digest(..) => {}
            }
            Ok(())
        })?;
        bench.flush(&derived.index)?;
        derived.commit(&[(number, items)])?;
        done += items - from.min(items);
    }
    Ok(done)
}

/// What reading the ledger again tells, in its order.
#[derive(Debug)]
pub enum Step<'a> {
    /// A record that is no item of a container, and the place that the next item has.
    Record(&'a Record, u64),
    /// An item or child.
    Item(&'a ItemRow<'a>),
    /// The digest of what an index answers about an item or child that came before.
    Digest(ItemKey, u64),
}

/// Reads items of the ledger again from their blobs.
#[derive(Debug)]
pub struct Again<'a> {
    reader: &'a Reader,
    registry: Registry,
    frames: Vec<FrameAt>,
    engine: Engine,
    is_lenient: bool,
    most_items: usize,
}

impl<'a> Again<'a> {
    /// Over a case. When `is_lenient`, an item whose bytes are not there or damaged is passed over.
    ///
    /// # Errors
    /// [`IngestError::Store`] when the lines of the packs cannot be read.
    pub fn new(reader: &'a Reader, threads: usize, is_lenient: bool) -> Result<Self, IngestError> {
        let (registry, frames) = known_blobs(reader)?;
        Ok(Self {
            reader,
            registry,
            frames,
            engine: Engine::new(threads)?,
            is_lenient,
            most_items: MAX_ITEMS,
        })
    }

    /// Reads at most so many items at once.
    #[must_use]
    pub fn in_rounds_of(self, items: usize) -> Self {
        Self { most_items: items.max(1), ..self }
    }

    /// Reads a segment: all its records, and the rows of its items from `from` on. Answers the number of its items.
    ///
    /// # Errors
    /// What stops the work, and what `visit` gives.
    pub fn read(
        &self,
        segment: u32,
        from: u64,
        bench: &Bench,
        index: Option<&Mutex<IndexWriter>>,
        watch: &dyn Watch,
        visit: &mut dyn FnMut(Step<'_>) -> Result<(), IngestError>,
    ) -> Result<u64, IngestError> {
        let items = AtomicU64::new(0);
        let work = |_, chunk: Chunk| {
            let read = bench.with(|tools| {
                let one = |task: &Task| match task {
                    Task::Record(..) => Ok(None),
                    Task::Item(job) => self.one(segment, tools, job),
                };
                let read: Result<Vec<_>, _> = chunk.tasks.iter().map(one).collect();
                if let Some(index) = index {
                    tools.flush_if_full(index)?;
                }
                let mut digests = Vec::new();
                if let Some(key) = bench.digest_key() {
                    tools.take_digests(key, &mut digests);
                }
                Ok((read?, digests))
            });
            let (read, digests) = read.unwrap_or(Err(IngestError::Worker))?;
            Ok(ChunkRead { tasks: chunk.tasks, read, digests })
        };
        let write = |done: ChunkRead| {
            for (task, read) in done.tasks.iter().zip(&done.read) {
                let job = match task {
                    Task::Record(record, ordinal) => {
                        visit(Step::Record(record, *ordinal))?;
                        continue;
                    }
                    Task::Item(job) => job,
                };
                let Some((read, message)) = read else { continue };
                let item = Derivation {
                    segment,
                    ordinal: job.ordinal,
                    record: &job.record,
                    blob: blob_place(job.blob.frame, job.place),
                    read,
                    message,
                    state: &job.state(),
                };
                for row in rows(&item)? {
                    visit(Step::Item(&row?))?;
                }
            }
            for (key, digest) in done.digests {
                visit(Step::Digest(key, digest))?;
            }
            Ok(())
        };
        self.engine.run_writing_here(work, write, |feed| match self.produce(segment, from, feed, watch) {
            Ok(count) => items.store(count, Ordering::Relaxed),
            Err(error) => feed.fail(error),
        })?;
        Ok(items.into_inner())
    }

    /// Reads the ledger and hands over what is to be done, in chunks. Answers the number of items.
    fn produce(
        &self,
        segment: u32,
        from: u64,
        feed: &Feed<'_, Chunk, IngestError>,
        watch: &dyn Watch,
    ) -> Result<u64, IngestError> {
        let mut ordinal = 0;
        let mut container: Option<(String, RelPath)> = None;
        let mut chunk = Chunk::default();
        let mut total_bytes = 0;
        for record in self.reader.records(segment, 0)? {
            let (_, record) = record?;
            if watch.is_stopped() {
                return Err(IngestError::Stopped);
            }
            if feed.has_failed() {
                break;
            }
            let digest = match &record {
                Record::Item(item) => Some((item.sha256, item.end - item.start)),
                Record::File(file) => Some((file.sha256, file.size)),
                _ => None,
            };
            match &record {
                Record::Container(open) => container = Some((open.kind.clone(), open.path.clone())),
                Record::End(_) => container = None,
                _ => {}
            }
            if !matches!(record, Record::Item(_)) {
                chunk.tasks.push(Task::Record(record.clone(), ordinal));
            }
            if let Some((sha256, len)) = digest {
                let number = ordinal;
                ordinal += 1;
                if number >= from
                    && let Some(job) = self.job(record, number, sha256, container.as_ref())?
                {
                    chunk.bytes += len.min(BLOB_IN_MEMORY.max(PARSE_LIMIT_SLICE));
                    chunk.items += 1;
                    chunk.tasks.push(Task::Item(job));
                }
            }
            let full = chunk.bytes >= CHUNK
                || chunk.items >= self.most_items
                || chunk.tasks.len() >= 3 * self.most_items;
            if full {
                total_bytes += chunk.bytes;
                feed.push(std::mem::take(&mut chunk));
                watch.progress(total_bytes, ordinal);
            }
        }
        if !chunk.tasks.is_empty() {
            feed.push(chunk);
        }
        Ok(ordinal)
    }

    /// What there is to be done for an item; `None` when its bytes are in no pack and that is passed over.
    fn job(
        &self,
        record: Record,
        ordinal: u64,
        sha256: Sha256Digest,
        container: Option<&(String, RelPath)>,
    ) -> Result<Option<Job>, IngestError> {
        let place = self.registry.find(&sha256);
        let frame = place.and_then(|place| self.frames.get(place.frame as usize).copied());
        let (Some(place), Some(frame)) = (place, frame) else {
            return if self.is_lenient { Ok(None) } else { Err(StoreError::BlobMissing { sha256 }.into()) };
        };
        let blob = BlobAt { frame, offset: place.offset, len: place.len, sha256 };
        Ok(Some(Job { record, ordinal, blob, place, container: container.cloned() }))
    }

    /// Reads one item; `None` when its bytes cannot be had and that is passed over.
    fn one(
        &self,
        segment: u32,
        tools: &mut Tools,
        job: &Job,
    ) -> Result<Option<(Read, Vec<u8>)>, IngestError> {
        let (message, found) = match message(self.reader, job) {
            Ok(message) => message,
            Err(_) if self.is_lenient => return Ok(None),
            Err(error) => return Err(error),
        };
        let key = ItemKey::new(segment, job.ordinal, 0)
            .ok_or(IngestError::Internal("an item of the ledger that no key can name"))?;
        let read = tools.read(&Subject {
            key,
            sha256: &job.blob.sha256,
            wire: &job.wire(),
            message: &message,
            found: found.as_deref(),
            size: job.size(),
            notes: job.notes(),
            state: &job.state(),
        });
        Ok(Some((read, message)))
    }
}

/// The message of an item, un-escaped, and the slice where that is not the message; of a long one the beginning.
fn message(reader: &Reader, job: &Job) -> Result<(Vec<u8>, Option<Vec<u8>>), IngestError> {
    if job.blob.len <= BLOB_IN_MEMORY {
        let slice = reader.blob(&job.blob)?;
        return Ok(match job.rule().apply(&slice) {
            std::borrow::Cow::Borrowed(_) => (slice, None),
            std::borrow::Cow::Owned(message) => (message, Some(slice)),
        });
    }
    let mut message = job.rule().apply(&reader.blob_head(&job.blob, PARSE_LIMIT_SLICE)?).into_owned();
    message.truncate(usize::try_from(PARSE_LIMIT).unwrap_or(usize::MAX));
    Ok((message, None))
}
