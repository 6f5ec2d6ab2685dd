//! What an account tells, in parcels that workers hash and pack one by one.

use std::time::{Duration, Instant};

use crate::acquire::{Message, Other, Session, Told};
use crate::ingest::engine::Weigh;
use crate::ingest::registry::{InTurn, Place};
use crate::ingest::work::{Claims, is_wire, wire};
use crate::store::pack::{Frame, LEVEL, pack};
use crate::types::Sha256Digest;

/// Bytes that a parcel aims at.
const TARGET: usize = 4 << 20;

/// Most steps of a parcel.
const MAX_STEPS: usize = 8192;

/// Longest time that a parcel is gathered, so that slow servers are committed soon too.
const GATHERED: Duration = Duration::from_millis(250);

/// Some things that an account told, in order.
#[derive(Debug)]
pub(super) struct Parcel {
    /// Its place, from 0.
    pub number: u64,
    /// What was told.
    pub steps: Vec<Told>,
    /// Bytes of it.
    pub bytes: usize,
}

/// Bytes that something that was told takes by itself.
const STEP: usize = size_of::<Told>();

impl Weigh for Parcel {
    fn weight(&self) -> usize {
        self.bytes.saturating_add(self.steps.len().saturating_mul(STEP))
    }
}

impl Weigh for Done {
    fn weight(&self) -> usize {
        // The bytes of messages and transcript are gone; what the server said of each is counted in `bytes`.
        let frame = self.frame.as_ref().map_or(0, |frame| frame.bytes.len());
        let blobs = self.blobs.len().saturating_mul(2 * size_of::<Hashed>());
        frame.saturating_add(blobs).saturating_add(self.parcel.steps.len().saturating_mul(STEP))
    }
}

/// Digests of a blob.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed {
    /// Of the bytes.
    pub sha256: Sha256Digest,
    /// Of the wire form, of a message.
    pub wire: Sha256Digest,
    /// Number of bytes.
    pub len: u64,
}

/// A parcel as a worker gives it on.
#[derive(Debug)]
pub(super) struct Done {
    /// What was told, the bytes of messages and transcript taken out.
    pub parcel: Parcel,
    /// For each step the blobs of it: a message or other body of one, a piece of the transcript, the
    /// certificates of a session.
    pub blobs: Vec<Vec<Hashed>>,
    /// The bytes that the case did not have.
    pub frame: Option<Frame>,
}

/// Gathers parcels.
#[derive(Debug)]
pub(super) struct Gatherer {
    steps: Vec<Told>,
    bytes: usize,
    since: Instant,
    next: u64,
}

impl Gatherer {
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), bytes: 0, since: Instant::now(), next: 0 }
    }

    /// Takes the next thing; answers a parcel when it is time.
    pub(super) fn push(&mut self, told: Told) -> Option<Parcel> {
        self.keep(told);
        let full = self.bytes >= TARGET || self.steps.len() >= MAX_STEPS || self.since.elapsed() >= GATHERED;
        if full { self.finish() } else { None }
    }

    /// Takes the next thing for later.
    pub(super) fn keep(&mut self, told: Told) {
        if self.steps.is_empty() {
            self.since = Instant::now();
        }
        self.bytes += match &told {
            Told::Message(message) => message.bytes.len() + message.server.weight(),
            Told::Transcript(piece) => piece.len(),
            Told::Other(other) => other.bytes.len(),
            _ => 64,
        };
        self.steps.push(told);
    }

    /// What is gathered.
    pub(super) fn finish(&mut self) -> Option<Parcel> {
        if self.steps.is_empty() {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let bytes = std::mem::take(&mut self.bytes);
        Some(Parcel { number, steps: std::mem::take(&mut self.steps), bytes })
    }
}

/// Hashes what a parcel holds and packs what the case does not have.
///
/// # Errors
/// What the compressor said.
pub(super) fn work(mut parcel: Parcel, claims: &InTurn<Claims>) -> std::io::Result<Done> {
    let blobs: Vec<Vec<Hashed>> = parcel.steps.iter().map(hash).collect();
    let fresh = claims.enter(parcel.number, |claims| claim(claims, &blobs));
    let frame = if fresh.is_empty() {
        None
    } else {
        let mut parts: Vec<(Sha256Digest, &[u8])> = Vec::with_capacity(fresh.len());
        for (step, nth) in fresh {
            let hashed = blobs.get(step).and_then(|list| list.get(nth));
            let bytes = parcel.steps.get(step).and_then(|told| bytes_of(told, nth));
            parts.extend(hashed.map(|hashed| hashed.sha256).zip(bytes));
        }
        Some(pack(&parts, LEVEL)?)
    };
    for told in &mut parcel.steps {
        match told {
            Told::Message(message) => message.bytes = Vec::new(),
            Told::Transcript(piece) => *piece = Vec::new(),
            Told::Other(other) => other.bytes = Vec::new(),
            _ => {}
        }
    }
    Ok(Done { parcel, blobs, frame })
}

/// The bytes of the nth blob of a step.
fn bytes_of(told: &Told, nth: usize) -> Option<&[u8]> {
    match told {
        Told::Message(Message { bytes, .. }) | Told::Transcript(bytes) | Told::Other(Other { bytes, .. }) => {
            Some(bytes)
        }
        Told::Session(session) => chain(session).get(nth).map(Vec::as_slice),
        _ => None,
    }
}

fn chain(session: &Session) -> &[Vec<u8>] {
    session.tls.as_ref().map(|tls| tls.chain.as_slice()).unwrap_or_default()
}

fn hash(told: &Told) -> Vec<Hashed> {
    let plain = |bytes: &[u8]| {
        let sha256 = Sha256Digest::of(bytes);
        Hashed { sha256, wire: sha256, len: bytes.len() as u64 }
    };
    match told {
        Told::Message(message) => {
            let mut hashed = plain(&message.bytes);
            if !is_wire(&message.bytes) {
                hashed.wire = wire(&message.bytes);
            }
            vec![hashed]
        }
        Told::Transcript(piece) => vec![plain(piece)],
        Told::Other(other) => vec![plain(&other.bytes)],
        Told::Session(session) => chain(session).iter().map(|certificate| plain(certificate)).collect(),
        _ => Vec::new(),
    }
}

/// Claims the blobs that the case does not have; answers their steps and places in them.
fn claim(claims: &mut Claims, blobs: &[Vec<Hashed>]) -> Vec<(usize, usize)> {
    let mut fresh = Vec::new();
    let mut offset = 0;
    for (step, list) in blobs.iter().enumerate() {
        for (nth, hashed) in list.iter().enumerate() {
            // A message of no bytes has a blob too, of no bytes: what is derived later looks for it.
            if claims.registry.find(&hashed.sha256).is_some() {
                continue;
            }
            let place = Place { frame: claims.next_frame, offset, len: hashed.len };
            claims.registry.insert(&hashed.sha256, place);
            offset += hashed.len;
            fresh.push((step, nth));
        }
    }
    if !fresh.is_empty() {
        claims.next_frame += 1;
    }
    fresh
}
