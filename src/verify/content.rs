//! Puts every container together again from its blobs, on several threads: frames, blobs, wire forms, containers.
//!
//! One thread walks the ledger and cuts it into batches; workers unpack and check the frames that a batch needs and put
//! its bytes together; one thread hashes these in order. Every frame is checked once, also if nothing uses it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::store::pack::FRAME_IN_MEMORY;
use crate::store::restore::Locate as _;
use crate::store::{BlobAt, FileKind, FrameAt, Reader, SegmentInfo};
use crate::types::digest::{Sha256Stream, WireStream};
use crate::types::unescape::{Rule, UnescapeStream, quoted_lines};
use crate::types::{ContainerId, Finding, FindingKind, Sha256Digest};

use super::blobs::{Checked, FrameRef, Packs, check_frame};
use super::custody::finding;
use super::ledger::{Place, Step, Suspects, Use, Walk};
use super::record::{Summary, unreadable};

/// Bytes of one batch; each worker holds one or two, and a few wait.
const BATCH_BYTES: u64 = 1 << 20;

/// Batches that wait to be hashed, beside those that workers hold.
const WAITING: usize = 4;

/// Unpacked frames that are kept for all workers.
const CACHE_BYTES: usize = 16 << 20;

struct Batch {
    number: u64,
    steps: Vec<Step>,
}

/// A batch put together.
struct Made {
    number: u64,
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

enum Piece {
    Begin(ContainerId, Place),
    /// The next so many bytes of the batch.
    Bytes(usize),
    /// A blob that is too long to be put into the batch; `true` when it belongs to the container that is hashed.
    Long(Use, BlobAt),
    /// Bytes of the container cannot be had.
    Lost,
    End(Sha256Digest),
    Drop,
}

/// What the threads share.
struct Shared<'a> {
    reader: &'a Reader,
    packs: &'a Packs,
    is_checked: Vec<AtomicBool>,
    cache: Mutex<VecDeque<(usize, Arc<Checked>)>>,
    // What is wrong with frames, and who uses what is wrong.
    frames: Mutex<BTreeMap<FrameAt, (FindingKind, String)>>,
    uses: Mutex<BTreeMap<FrameAt, Vec<String>>>,
    found: Mutex<Vec<Finding>>,
}

/// Checks everything that the ledger and the packs say.
pub(super) fn check(
    reader: &Reader,
    packs: &Packs,
    covers: &BTreeMap<String, u64>,
    threads: usize,
    suspects: &mut Suspects,
    summary: &mut Summary,
    out: &mut Vec<Finding>,
) {
    let shared = Shared {
        reader,
        packs,
        is_checked: packs.frames.iter().map(|_| AtomicBool::new(false)).collect(),
        cache: Mutex::default(),
        frames: Mutex::default(),
        uses: Mutex::default(),
        found: Mutex::default(),
    };
    let (to_workers, work) = sync_channel::<Batch>(2);
    let work = Mutex::new(work);
    let (to_hasher, made) = sync_channel::<Made>(WAITING);
    thread::scope(|scope| {
        for _ in 0..threads {
            let to_hasher = to_hasher.clone();
            let (shared, work) = (&shared, &work);
            scope.spawn(move || shared.work(work, &to_hasher));
        }
        drop(to_hasher);
        let shared = &shared;
        scope.spawn(move || Hasher::new(shared).run(&made));
        walk_all(reader, covers, &packs.named, to_workers, suspects, summary, out);
    });
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| shared.check_rest(&next));
        }
    });
    let take = |found: Mutex<Vec<Finding>>| found.into_inner().unwrap_or_else(PoisonError::into_inner);
    out.extend(take(shared.found));
    let mut uses = shared.uses.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (at, (kind, detail)) in shared.frames.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let mut found = finding(kind, &reader.layout().name(FileKind::Pack, at.pack), Some(at.at), detail);
        found.hits = uses.remove(&at).unwrap_or_default();
        found.hits.sort();
        found.hits.dedup();
        out.push(found);
    }
}

fn walk_all(
    reader: &Reader,
    covers: &BTreeMap<String, u64>,
    named: &[(Sha256Digest, u64, u64, u64)],
    to_workers: SyncSender<Batch>,
    suspects: &mut Suspects,
    summary: &mut Summary,
    out: &mut Vec<Finding>,
) {
    let mut numbers: Vec<u32> = covers
        .keys()
        .filter_map(|path| FileKind::of(path))
        .filter(|(kind, _)| *kind == FileKind::Ledger)
        .map(|(_, number)| number)
        .collect();
    numbers.sort_unstable();
    let mut batch = Batch { number: 0, steps: Vec::new() };
    let mut size = 0;
    // The workers end when there is nobody left to send them anything.
    let mut emit = |step: Step| {
        size += match &step {
            Step::Blob(blob) if blob.len <= FRAME_IN_MEMORY => blob.len + 64,
            _ => 64,
        };
        batch.steps.push(step);
        if size >= BATCH_BYTES {
            size = 0;
            let full = Batch { number: batch.number, steps: std::mem::take(&mut batch.steps) };
            batch.number += 1;
            // Without a worker there is nobody to tell; the scope passes the panic on.
            to_workers.send(full).unwrap_or_default();
        }
    };
    let mut sources = BTreeMap::new();
    for number in numbers {
        summary.segments += 1;
        let info = SegmentInfo::read(reader, number);
        if let Some(closed) = info.closed()
            && let Some(first) = sources.insert(closed.id, number)
        {
            let detail =
                format!("it holds the source that segment {first} holds: every id of it stands twice");
            let mut found = finding(
                FindingKind::SourceDoubled,
                &reader.layout().name(FileKind::Ledger, number),
                None,
                detail,
            );
            found.hits.push(info.source().to_string());
            out.push(found);
        }
        if let Err(error) = Walk::new(&info, &mut emit, suspects, summary, out).run(reader) {
            let error = std::io::Error::other(error);
            let missing = !reader.layout().numbered(FileKind::Ledger, number).exists();
            if !missing {
                out.push(unreadable(&reader.layout().name(FileKind::Ledger, number), &error));
            }
        }
    }
    for &(sha256, len, event, at) in named {
        emit(Step::Blob(Use::of_event(sha256, len, event, at)));
    }
    to_workers.send(batch).unwrap_or_default();
    drop(to_workers);
}

impl Shared<'_> {
    fn work(&self, work: &Mutex<Receiver<Batch>>, to_hasher: &SyncSender<Made>) {
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(batch) = next else { return };
            let mut made = Made { number: batch.number, bytes: Vec::new(), pieces: Vec::new() };
            for step in batch.steps {
                self.step(step, &mut made);
            }
            to_hasher.send(made).unwrap_or_default();
        }
    }

    fn step(&self, step: Step, made: &mut Made) {
        match step {
            Step::Begin(id, place) => made.pieces.push(Piece::Begin(id, place)),
            Step::Text(text) => made.add(&text),
            Step::End(sha256) => made.pieces.push(Piece::End(sha256)),
            Step::Drop => made.pieces.push(Piece::Drop),
            Step::Blob(blob) => self.blob(&blob, made),
        }
    }

    fn blob(&self, blob: &Use, made: &mut Made) {
        if blob.len == 0 {
            if blob.sha256 != Sha256Digest::of(b"") {
                self.tell_use(
                    FindingKind::BlobMismatch,
                    blob,
                    "it has no byte, but another digest".to_owned(),
                );
            }
            self.check_wire(blob, b"");
            return;
        }
        let lost = |made: &mut Made| {
            if !blob.is_all {
                made.pieces.push(Piece::Lost);
            }
        };
        let Some(at) = self.packs.map.locate(&blob.sha256) else {
            self.tell_use(FindingKind::BlobMissing, blob, format!("the blob {} is in no pack", blob.sha256));
            return lost(made);
        };
        if at.len != blob.len {
            let detail = format!("the books give it {} bytes, the pack {}", blob.len, at.len);
            self.tell_use(FindingKind::BlobMismatch, blob, detail);
            return lost(made);
        }
        if at.frame.raw > FRAME_IN_MEMORY {
            made.pieces.push(Piece::Long(*blob, at));
            return;
        }
        let Some(frame) = self.frame(at.frame) else { return lost(made) };
        let range = usize::try_from(at.offset).ok().zip(usize::try_from(at.offset + at.len).ok());
        let bytes = range.and_then(|(from, to)| frame.bytes.get(from..to));
        match bytes {
            Some(bytes) if !frame.is_lost && !frame.bad.contains(&at.offset) => {
                self.check_wire(blob, bytes);
                if !blob.is_all {
                    made.add(bytes);
                }
            }
            _ => {
                self.use_of(at.frame, blob);
                lost(made);
            }
        }
    }

    /// Says that an item is hit by what is wrong with a frame.
    fn use_of(&self, frame: FrameAt, blob: &Use) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.entry(frame).or_default().push(blob.id());
    }

    fn tell_use(&self, kind: FindingKind, blob: &Use, detail: String) {
        let mut found = finding(kind, &blob.file(self.reader.layout()), Some(blob.place.at), detail);
        found.hits.push(blob.id());
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }

    fn check_wire(&self, blob: &Use, bytes: &[u8]) {
        let Some((rule, lines, wire)) = blob.item else { return };
        let changed = if rule == Rule::None { 0 } else { quoted_lines(bytes).count() as u64 };
        // Most mail from Maildir and IMAP is in wire form as it lies; then there is nothing to hash.
        let digest = if changed == 0 && is_wire(bytes) {
            blob.sha256
        } else {
            let mut stream = WireStream::new();
            stream.update(&rule.apply(bytes));
            stream.finish()
        };
        self.compare_wire(blob, digest, wire, changed, lines);
    }

    fn compare_wire(&self, blob: &Use, digest: Sha256Digest, wire: Sha256Digest, changed: u64, lines: u64) {
        if digest != wire {
            let detail = format!("the wire form has digest {digest}, recorded is {wire}");
            self.tell_use(FindingKind::WireMismatch, blob, detail);
        } else if changed != lines {
            let detail = format!("the rule changes {changed} lines, recorded are {lines}");
            self.tell_use(FindingKind::WireMismatch, blob, detail);
        }
    }

    /// The frame at this place, checked; `None` when no line speaks of it.
    fn frame(&self, at: FrameAt) -> Option<Arc<Checked>> {
        let place = self.packs.frames.binary_search_by(|frame| frame.at.cmp(&at)).ok()?;
        let frame = self.packs.frames.get(place)?;
        {
            let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, checked)) = cache.iter().find(|(of, _)| *of == place) {
                return Some(checked.clone());
            }
        }
        let checked = Arc::new(self.check(place, frame));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.push_back((place, checked.clone()));
        while cache.len() > 1 && cache.iter().map(|(_, frame)| frame.bytes.len()).sum::<usize>() > CACHE_BYTES
        {
            cache.pop_front();
        }
        Some(checked)
    }

    fn check(&self, place: usize, frame: &FrameRef) -> Checked {
        let mut checked = check_frame(self.reader, frame);
        if let Some(done) = self.is_checked.get(place) {
            done.store(true, Ordering::Relaxed);
        }
        if let Some(wrong) = checked.wrong.take() {
            self.frames.lock().unwrap_or_else(PoisonError::into_inner).insert(frame.at, wrong);
        }
        checked
    }

    /// Frames that no container needed, or that are too long for a batch.
    fn check_rest(&self, next: &AtomicUsize) {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(frame) = self.packs.frames.get(place) else { return };
            if !self.is_checked.get(place).is_some_and(|done| done.load(Ordering::Relaxed)) {
                self.check(place, frame);
            }
        }
    }
}

/// Whether every LF has a CR before it.
fn is_wire(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes)
        .all(|at| at.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'\r'))
}

impl Made {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if let Some(Piece::Bytes(len)) = self.pieces.last_mut() {
            *len += bytes.len();
        } else {
            self.pieces.push(Piece::Bytes(bytes.len()));
        }
    }
}

/// Hashes the containers, batch after batch.
struct Hasher<'a> {
    shared: &'a Shared<'a>,
    container: Option<(ContainerId, Place)>,
    hash: Sha256Stream,
    is_lost: bool,
}

impl<'a> Hasher<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, container: None, hash: Sha256Stream::new(), is_lost: false }
    }

    fn run(mut self, made: &Receiver<Made>) {
        let mut early = BTreeMap::new();
        let mut next = 0;
        for batch in made {
            early.insert(batch.number, batch);
            while let Some(batch) = early.remove(&next) {
                self.take(&batch);
                next += 1;
            }
        }
    }

    fn take(&mut self, batch: &Made) {
        let mut rest = batch.bytes.as_slice();
        for piece in &batch.pieces {
            match piece {
                Piece::Begin(id, place) => {
                    self.container = Some((*id, *place));
                    self.hash = Sha256Stream::new();
                    self.is_lost = false;
                }
                Piece::Bytes(len) => {
                    let (bytes, after) = rest.split_at(*len);
                    rest = after;
                    if !self.is_lost {
                        self.hash.update(bytes);
                    }
                }
                Piece::Long(blob, at) => self.long(blob, at),
                Piece::Lost => self.is_lost = true,
                Piece::End(sha256) => self.end(sha256),
                Piece::Drop => self.container = None,
            }
        }
    }

    fn long(&mut self, blob: &Use, at: &BlobAt) {
        let (rule, lines, wire) = blob.item.unwrap_or((Rule::None, 0, blob.sha256));
        let mut unescape = UnescapeStream::new(rule);
        let mut stream = WireStream::new();
        let hash = &mut self.hash;
        let given = self.shared.reader.stream(at, &mut |bytes| {
            if !blob.is_all {
                hash.update(bytes);
            }
            if blob.item.is_some() {
                unescape.update(bytes, &mut |bytes| stream.update(bytes));
            }
            Ok(())
        });
        if !matches!(given, Ok(Some(digest)) if digest == blob.sha256) {
            self.shared.use_of(at.frame, blob);
            self.is_lost |= !blob.is_all;
            return;
        }
        unescape.finish(&mut |bytes| stream.update(bytes));
        if blob.item.is_some() {
            self.shared.compare_wire(blob, stream.finish(), wire, unescape.lines, lines);
        }
    }

    fn end(&mut self, sha256: &Sha256Digest) {
        let digest = std::mem::take(&mut self.hash).finish();
        let Some((id, place)) = self.container.take() else { return };
        if self.is_lost || digest == *sha256 {
            return; // What is lost was told with its frame or blob.
        }
        let detail = format!("put together again it has digest {digest}, recorded is {sha256}");
        let mut found = finding(
            FindingKind::ContainerMismatch,
            &self.shared.reader.layout().name(FileKind::Ledger, place.segment),
            Some(place.at),
            detail,
        );
        found.hits.push(id.to_string());
        self.shared.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }
}
