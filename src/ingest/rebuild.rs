//! Catalog and index from the record alone: after a crash for what is missing, by `rebuild` for all.

use std::sync::Mutex;

use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSlice as _;

use crate::catalog::ItemRow;
use crate::facts::{PARSE_LIMIT, PARSE_LIMIT_SLICE};
use crate::index::IndexWriter;
use crate::store::pack::{BLOB_IN_MEMORY, BlobAt, FrameAt};
use crate::store::{Reader, StoreError};
use crate::types::record::Record;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, ItemKey, RelPath, Sha256Digest};

use super::derived::Derived;
use super::import::known_blobs;
use super::output::{Derivation, blob_place, rows};
use super::registry::{Place, Registry};
use super::tools::{Bench, Read, Subject, Tools};
use super::{IngestError, Watch, state};

/// Bytes of evidence that are read at once, over all workers.
const ROUND: u64 = 32 << 20;

/// Items that are read at once, at most.
const MAX_JOBS: usize = 16_384;

/// What was read of some items, with their messages; `None` for an item that was passed over. And the digests of what
/// an index answers about them, when these are wanted.
type Chunk = (Vec<Option<(Read, Vec<u8>)>>, Vec<(ItemKey, u64)>);

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
    let mut again = None;
    let mut done = 0;
    for segment in reader.segments()? {
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
        let Derived { catalog, index, settings, .. } = derived;
        let bench = {
            let index = index.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            Bench::new(index, threads, settings)
        };
        let items = again.read(number, from, &bench, Some(index), watch, &mut |step| {
            match step {
                Step::Record(record, ordinal) => catalog.record(number, ordinal, record)?,
                Step::Item(row) => catalog.add_item(row)?,
                Step::Digest(..) => {}
            }
            Ok(())
        })?;
        bench.flush(&derived.index)?;
        derived.commit(number, items)?;
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
    pool: rayon::ThreadPool,
    is_lenient: bool,
    most_jobs: usize,
}

impl<'a> Again<'a> {
    /// Over a case. When `is_lenient`, an item whose bytes are not there or damaged is passed over.
    ///
    /// # Errors
    /// [`IngestError::Store`] when the lines of the packs cannot be read.
    pub fn new(reader: &'a Reader, threads: usize, is_lenient: bool) -> Result<Self, IngestError> {
        let (registry, frames) = known_blobs(reader)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .build()
            .map_err(|_| IngestError::Worker)?;
        Ok(Self { reader, registry, frames, pool, is_lenient, most_jobs: MAX_JOBS })
    }

    /// Reads at most so many items at once.
    #[must_use]
    pub fn in_rounds_of(self, items: usize) -> Self {
        Self { most_jobs: items.max(1), ..self }
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
        let mut ordinal = 0;
        let mut container: Option<(String, RelPath)> = None;
        let mut jobs: Vec<Job> = Vec::new();
        let mut bytes = 0;
        let mut total_bytes = 0;
        for record in self.reader.records(segment, 0)? {
            let (_, record) = record?;
            if watch.is_stopped() {
                return Err(IngestError::Stopped);
            }
            let digest = match &record {
                Record::Item(item) => Some((item.sha256, item.end - item.start)),
                Record::File(file) => Some((file.sha256, file.size)),
                _ => None,
            };
            if !matches!(record, Record::Item(_)) {
                visit(Step::Record(&record, ordinal))?;
            }
            match &record {
                Record::Container(open) => container = Some((open.kind.clone(), open.path.clone())),
                Record::End(_) => container = None,
                _ => {}
            }
            let Some((sha256, len)) = digest else { continue };
            let number = ordinal;
            ordinal += 1;
            if number < from {
                continue;
            }
            let place = self.registry.find(&sha256);
            let frame = place.and_then(|place| self.frames.get(place.frame as usize).copied());
            let (Some(place), Some(frame)) = (place, frame) else {
                if self.is_lenient {
                    continue;
                }
                return Err(StoreError::BlobMissing { sha256 }.into());
            };
            let blob = BlobAt { frame, offset: place.offset, len: place.len, sha256 };
            jobs.push(Job { record, ordinal: number, blob, place, container: container.clone() });
            bytes += len;
            if bytes >= ROUND || jobs.len() >= self.most_jobs {
                total_bytes += bytes;
                bytes = 0;
                self.round(segment, bench, index, &mut jobs, visit)?;
                watch.progress(total_bytes, ordinal);
            }
        }
        self.round(segment, bench, index, &mut jobs, visit)?;
        Ok(ordinal)
    }

    fn round(
        &self,
        segment: u32,
        bench: &Bench,
        index: Option<&Mutex<IndexWriter>>,
        jobs: &mut Vec<Job>,
        visit: &mut dyn FnMut(Step<'_>) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let per_task = jobs.len().div_ceil(self.pool.current_num_threads() * 4).max(1);
        let one = |tools: &mut Tools, job: &Job| -> Result<Option<(Read, Vec<u8>)>, IngestError> {
            let (message, found) = match message(self.reader, job) {
                Ok(message) => message,
                Err(_) if self.is_lenient => return Ok(None),
                Err(error) => return Err(error),
            };
            let Some(key) = ItemKey::new(segment, job.ordinal, 0) else { return Ok(None) };
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
        };
        let read: Vec<Result<Chunk, IngestError>> = self.pool.install(|| {
            jobs.par_chunks(per_task)
                .map(|chunk| {
                    let read = bench.with(|tools| {
                        let out: Result<Vec<_>, _> = chunk.iter().map(|job| one(tools, job)).collect();
                        if let Some(index) = index {
                            tools.flush_if_full(index)?;
                        }
                        let mut digests = Vec::new();
                        if let Some(key) = bench.digest_key() {
                            tools.take_digests(key, &mut digests);
                        }
                        Ok((out?, digests))
                    });
                    read.unwrap_or(Err(IngestError::Worker))
                })
                .collect()
        });
        let mut jobs = std::mem::take(jobs).into_iter();
        for chunk in read {
            let (chunk, digests) = chunk?;
            for (read, job) in chunk.into_iter().zip(&mut jobs) {
                let Some((read, message)) = read else { continue };
                let item = Derivation {
                    segment,
                    ordinal: job.ordinal,
                    record: &job.record,
                    blob: blob_place(job.blob.frame, job.place),
                    read: &read,
                    message: &message,
                    state: &job.state(),
                };
                for row in rows(&item) {
                    visit(Step::Item(&row))?;
                }
            }
            for (key, digest) in digests {
                visit(Step::Digest(key, digest))?;
            }
        }
        Ok(())
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
