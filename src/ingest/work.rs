//! What a worker does with a batch: hash, claim what is new, pack it, read the items.

use std::borrow::Cow;
use std::io;
use std::sync::Mutex;

use crate::index::{IndexError, IndexWriter};
use crate::store::pack::{Frame, LEVEL, pack};
use crate::types::digest::WireStream;
use crate::types::{ItemKey, Sha256Digest};

use super::batch::{Batch, Step};
use super::engine::Weigh;
use super::lines::{Hashed, is_file};
use super::registry::{InTurn, Place, Registry};
use super::state;
use super::tools::{Bench, Read, Subject};

/// What the batches claim in turn.
#[derive(Debug)]
pub(super) struct Claims {
    /// All blobs of the case, and those on their way into it.
    pub registry: Registry,
    /// Number of the next frame.
    pub next_frame: u32,
}

/// What all workers share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    /// The claims.
    pub claims: &'a InTurn<Claims>,
    /// Their tools.
    pub bench: &'a Bench,
    /// The index.
    pub index: &'a Mutex<IndexWriter>,
    /// The ledger segment.
    pub segment: u32,
    /// Items before this one are in catalog and index already.
    pub derived_until: u64,
}

/// A batch as a worker gives it on.
#[derive(Debug)]
pub(super) struct Done {
    /// The batch.
    pub batch: Batch,
    /// Digests of each step that holds bytes.
    pub hashed: Vec<Option<Hashed>>,
    /// Where each step's bytes lie.
    pub places: Vec<Option<Place>>,
    /// The bytes that the case did not hold.
    pub frame: Option<Frame>,
    /// What was read of each item.
    pub read: Vec<Option<Read>>,
    /// Items whose bytes the case did not hold.
    pub fresh_items: u64,
}

impl Weigh for Done {
    fn weight(&self) -> usize {
        let read: usize = self.read.iter().flatten().map(Read::weight).fold(0, usize::saturating_add);
        let frame = self.frame.as_ref().map_or(0, |frame| frame.bytes.len());
        self.batch.held().saturating_add(frame).saturating_add(read)
    }
}

/// Why a worker could not finish a batch.
#[derive(Debug)]
pub(super) enum WorkError {
    /// The compressor failed.
    Pack(io::Error),
    /// The index could not be written.
    Index(IndexError),
    /// The source has more items than keys can name.
    TooMany,
    /// The worker's tools are gone: another worker died.
    Tools,
}

/// Does all the work of a batch.
pub(super) fn work(batch: Batch, shared: &Shared<'_>) -> Result<Done, WorkError> {
    let hashed: Vec<Option<Hashed>> = batch.steps.iter().map(|step| hash(&batch, step)).collect();
    let mut places: Vec<Option<Place>> = vec![None; batch.steps.len()];
    let fresh = shared.claims.enter(batch.number, |claims| claim(claims, &batch, &hashed, &mut places));
    let frame = if fresh.is_empty() {
        None
    } else {
        let blobs: Vec<(Sha256Digest, &[u8])> = fresh
            .iter()
            .filter_map(|&at| Some((hashed[at]?.sha256, bytes(&batch, &batch.steps[at])?)))
            .collect();
        Some(pack(&blobs, LEVEL).map_err(WorkError::Pack)?)
    };
    let read = shared.bench.with(|tools| {
        let mut out = Vec::with_capacity(batch.steps.len());
        let mut number = batch.first_item;
        let mut open = None;
        for (at, (step, hash)) in batch.steps.iter().zip(&hashed).enumerate() {
            if let Step::Open(container) = step {
                open = Some(container);
            }
            let (Step::Item(item), Some(hash)) = (step, hash) else {
                out.push(None);
                continue;
            };
            let key = ItemKey::new(shared.segment, number, 0).ok_or(WorkError::TooMany)?;
            number += 1;
            if key.item() < shared.derived_until {
                out.push(None);
                continue;
            }
            let slice = &batch.buffers[item.buffer].0[item.body.clone()];
            let message = item.rule.apply(slice);
            // A file that is one message has the notes of the whole in its one line of the ledger.
            let mut notes = Cow::Borrowed(item.notes.as_slice());
            if let Some(Step::Close(close)) = batch.steps.get(at + 1)
                && at > 0
                && matches!(batch.steps[at - 1], Step::Open(_))
                && is_file(item, close)
                && !close.notes.is_empty()
            {
                notes.to_mut().extend(close.notes.iter().cloned());
            }
            let words = open.map(|open| state::words(open.kind, &open.path)).unwrap_or_default();
            out.push(Some(tools.read(&Subject {
                key,
                sha256: &hash.sha256,
                wire: &hash.wire,
                message: &message,
                found: matches!(message, Cow::Owned(_)).then_some(slice),
                size: message.len() as u64,
                notes: &notes,
                state: &words,
            })));
        }
        tools.flush_if_full(shared.index).map_err(WorkError::Index)?;
        Ok(out)
    });
    let read = read.unwrap_or(Err(WorkError::Tools))?;
    let fresh_items = fresh.iter().filter(|&&at| matches!(batch.steps[at], Step::Item(_))).count() as u64;
    Ok(Done { batch, hashed, places, frame, read, fresh_items })
}

/// The bytes of a step that has some.
fn bytes<'a>(batch: &'a Batch, step: &Step) -> Option<&'a [u8]> {
    let (buffer, range) = match step {
        Step::Item(item) => (item.buffer, item.body.clone()),
        Step::Gap { buffer, range, .. } => (*buffer, range.clone()),
        _ => return None,
    };
    batch.buffers.get(buffer)?.0.get(range)
}

fn hash(batch: &Batch, step: &Step) -> Option<Hashed> {
    let slice = bytes(batch, step)?;
    let sha256 = Sha256Digest::of(slice);
    let Step::Item(item) = step else { return Some(Hashed { sha256, wire: sha256 }) };
    let message = item.rule.apply(slice);
    let same = matches!(message, Cow::Borrowed(_)) && is_wire(slice);
    let wire = if same { sha256 } else { wire(&message) };
    Some(Hashed { sha256, wire })
}

/// Digest of the wire form of a message.
pub(super) fn wire(message: &[u8]) -> Sha256Digest {
    let mut stream = WireStream::new();
    stream.update(message);
    stream.finish()
}

/// Whether every LF has a CR before it, so that the bytes are their own wire form.
pub(super) fn is_wire(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes).all(|at| at > 0 && bytes[at - 1] == b'\r')
}

/// Claims the bytes that the case does not hold; answers the steps that have them, in order.
fn claim(
    claims: &mut Claims,
    batch: &Batch,
    hashed: &[Option<Hashed>],
    places: &mut [Option<Place>],
) -> Vec<usize> {
    let mut fresh = Vec::new();
    let mut offset = 0;
    for (at, step) in batch.steps.iter().enumerate() {
        let (Some(hash), Some(slice)) = (hashed[at], bytes(batch, step)) else { continue };
        let len = slice.len() as u64;
        let place = claims.registry.find(&hash.sha256).unwrap_or_else(|| {
            let place = Place { frame: claims.next_frame, offset, len };
            claims.registry.insert(&hash.sha256, place);
            offset += len;
            fresh.push(at);
            place
        });
        places[at] = Some(place);
    }
    if !fresh.is_empty() {
        claims.next_frame += 1;
    }
    fresh
}
