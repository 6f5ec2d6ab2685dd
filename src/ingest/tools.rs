//! What one worker needs to read items: scratch memory and its own part of the index.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::facts::derive::{Scratch, Seen, derive};
use crate::facts::{ItemFacts, TextFact};
use crate::index::{DigestKey, IndexError, IndexWorker, IndexWriter, Indexed, Way};
use crate::route::{Mail, Settings};
use crate::types::caught::caught;
use crate::types::{Anomaly, AnomalyKind, ItemKey, Sha256Digest};

use super::derived::Derived;
use super::way::Concluded;

/// Memory that all workers together may fill with parts of the index before they are written out. More makes fewer
/// segments, which are smaller in sum and a little faster to search, and takes as much more at the peak.
const INDEX_MEMORY: usize = 48 << 20;

/// What was read from one message, and from each message inside it.
#[derive(Debug)]
pub struct Read {
    /// Facts of the message, then of its children in part order; with each child its header block, which the places of
    /// its hops count in, when it has hops.
    pub facts: Vec<(ItemFacts, Option<Vec<u8>>)>,
}

impl Read {
    /// Bytes of memory that it takes, near enough.
    pub(super) fn weight(&self) -> usize {
        let one = |(facts, bytes): &(ItemFacts, Option<Vec<u8>>)| {
            facts_weight(facts).saturating_add(bytes.as_ref().map_or(0, Vec::len))
        };
        self.facts.iter().map(one).fold(0, usize::saturating_add)
    }
}

/// Bytes of memory that the facts of a message take, near enough: lists by their elements, and the texts that can be
/// long.
fn facts_weight(facts: &ItemFacts) -> usize {
    /// What the allocator and short texts take for one element.
    const ELEMENT: usize = 64;
    let text = |text: &Option<TextFact>| text.as_ref().map_or(0, |text| text.text.len());
    let list = |count: usize, size: usize| count.saturating_mul(size.saturating_add(ELEMENT));
    let people: usize = facts.addresses.iter().map(|a| a.mailbox.name.len() + a.mailbox.address.len()).sum();
    let files: usize = facts.attachments.iter().map(|a| a.name.len() + a.content_type.len()).sum();
    let details: usize = facts.anomalies.iter().filter_map(|a| a.detail.as_ref()).map(|d| d.len()).sum();
    let parts = [
        size_of::<ItemFacts>(),
        list(facts.addresses.len(), size_of::<crate::facts::AddressFact>()),
        list(facts.hops.len(), size_of::<crate::facts::Hop>()),
        list(facts.attachments.len(), size_of::<crate::facts::Attachment>()),
        list(facts.anomalies.len(), size_of::<Anomaly>()),
        list(facts.references.len(), ELEMENT),
        text(&facts.subject) + text(&facts.date_raw) + text(&facts.message_id),
        people + files + details,
    ];
    parts.into_iter().fold(0, usize::saturating_add)
}

/// One item to be read.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Its key.
    pub key: ItemKey,
    /// Digest of the slice as found.
    pub sha256: &'a Sha256Digest,
    /// Digest of the wire form.
    pub wire: &'a Sha256Digest,
    /// The message, un-escaped; of one over the parse limit its beginning.
    pub message: &'a [u8],
    /// The slice as found in the container, where that is not the message.
    pub found: Option<&'a [u8]>,
    /// Bytes of the whole message.
    pub size: u64,
    /// What the reader of the source noted.
    pub notes: &'a [Anomaly],
    /// Mailbox state that the container tells.
    pub state: &'a [&'a str],
}

/// The tools of one worker.
#[derive(Debug)]
pub struct Tools {
    scratch: Scratch,
    index: Option<IndexWorker>,
    settings: Arc<Settings>,
    turns: Arc<FlushTurns>,
}

/// Two parts of the index may be written out at once: each takes as much memory again as it holds, and all of them are
/// full at about the same time.
#[derive(Debug, Default)]
struct FlushTurns([Mutex<()>; 2]);

impl FlushTurns {
    /// Waits until one of the two is free.
    fn take(&self) -> MutexGuard<'_, ()> {
        let Self([first, second]) = self;
        match first.try_lock() {
            Ok(turn) => turn,
            Err(_) => second.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl Tools {
    /// Reads an item and, where there is an index, adds its words.
    pub fn read(&mut self, subject: &Subject<'_>) -> Read {
        let Self { scratch, index, settings, .. } = self;
        let mut facts = Vec::with_capacity(1);
        let mut child = 0;
        let done = caught(|| {
            derive(subject.message, scratch, &mut |seen| {
                let Seen { message: bytes, header, facts: mut found, text } = seen;
                if found.child.is_none() {
                    found.size = subject.size;
                }
                let key = ItemKey::new(subject.key.segment(), subject.key.item(), child);
                if let (Some(index), Some(key)) = (index.as_mut(), key) {
                    let (sha256, wire) = match &found.child_sha256 {
                        Some((sha256, wire)) => (sha256, wire),
                        None => (subject.sha256, subject.wire),
                    };
                    let is_child = found.child.is_some();
                    let as_found = subject.found.filter(|_| !is_child);
                    let way =
                        Concluded::of(&Mail { message: bytes, header, facts: &found }, as_found, settings);
                    index.add(&Indexed {
                        key,
                        sha256,
                        wire,
                        facts: &found,
                        message: bytes,
                        text,
                        notes: if is_child { &[] } else { subject.notes },
                        state: if is_child { &[] } else { subject.state },
                        way: way.as_way(),
                    });
                }
                child += 1;
                // All of the bytes of children in children would be the message many times over.
                let is_named = found.child.is_some() && !found.hops.is_empty();
                let bytes = is_named.then(|| bytes.get(..header.end).unwrap_or_default().to_vec());
                facts.push((found, bytes));
            });
        });
        if done.is_none() {
            *scratch = Scratch::default();
            if facts.is_empty() {
                facts.push((failed(subject.size), None));
                if let Some(index) = index.as_mut() {
                    index.add(&Indexed {
                        key: subject.key,
                        sha256: subject.sha256,
                        wire: subject.wire,
                        facts: &facts[0].0,
                        message: subject.message,
                        text: &crate::facts::ItemText::default(),
                        notes: subject.notes,
                        state: subject.state,
                        way: Way::default(),
                    });
                }
            } else if let Some((first, _)) = facts.first_mut() {
                first.anomalies.push(Anomaly::whole(AnomalyKind::ParserFailed));
            }
        }
        Read { facts }
    }

    /// Takes the digests of what was added to the index part since the last time.
    pub fn take_digests(&mut self, key: &DigestKey, out: &mut Vec<(ItemKey, u64)>) {
        if let Some(index) = &mut self.index {
            index.take_digests(key, out);
        }
    }

    /// Writes out the index part when it has grown to its budget.
    pub fn flush_if_full(&mut self, writer: &Mutex<IndexWriter>) -> Result<(), IndexError> {
        if self.index.as_ref().is_some_and(IndexWorker::is_full) { self.flush(writer) } else { Ok(()) }
    }

    /// Writes out the index part.
    pub fn flush(&mut self, writer: &Mutex<IndexWriter>) -> Result<(), IndexError> {
        let Some(index) = &mut self.index else { return Ok(()) };
        let turn = self.turns.take();
        let finished = index.flush()?;
        drop(turn);
        if let Some(finished) = finished {
            writer.lock().unwrap_or_else(PoisonError::into_inner).add(&finished)?;
        }
        Ok(())
    }
}

/// The facts of a message that the reader failed on.
fn failed(size: u64) -> ItemFacts {
    ItemFacts {
        size,
        not_indexed: vec![crate::facts::NotIndexed { part: String::new(), reason: "parser-failed" }],
        anomalies: vec![Anomaly::whole(AnomalyKind::ParserFailed)],
        ..ItemFacts::default()
    }
}

/// Reads one message without an index.
pub fn read_message(message: &[u8]) -> Read {
    let digest = Sha256Digest::of(b"");
    let mut tools =
        Tools { scratch: Scratch::default(), index: None, settings: Arc::default(), turns: Arc::default() };
    tools.read(&Subject {
        key: ItemKey::default(),
        sha256: &digest,
        wire: &digest,
        message,
        found: None,
        size: message.len() as u64,
        notes: &[],
        state: &[],
    })
}

/// The tools of all workers; a worker takes a set and puts it back.
#[derive(Debug)]
pub struct Bench {
    free: Mutex<Vec<Tools>>,
    digests: Option<DigestKey>,
}

impl Bench {
    /// A set for each of `workers`, which share a fixed memory for their parts of the index and read ways under
    /// `settings`.
    pub fn new(index: &IndexWriter, workers: usize, settings: &Arc<Settings>) -> Self {
        let budget = INDEX_MEMORY / workers.max(1);
        let turns = Arc::default();
        let one = || Tools {
            scratch: Scratch::default(),
            index: Some(index.worker(budget)),
            settings: Arc::clone(settings),
            turns: Arc::clone(&turns),
        };
        Self { free: Mutex::new((0..workers).map(|_| one()).collect()), digests: None }
    }

    /// The same over an open index.
    pub fn of(derived: &mut Derived, workers: usize) -> Self {
        let index = derived.index.get_mut().unwrap_or_else(PoisonError::into_inner);
        Self::new(index, workers, &derived.settings)
    }

    /// A set for each of `workers`, without an index.
    pub fn plain(workers: usize) -> Self {
        let one = || Tools {
            scratch: Scratch::default(),
            index: None,
            settings: Arc::default(),
            turns: Arc::default(),
        };
        Self { free: Mutex::new((0..workers.max(1)).map(|_| one()).collect()), digests: None }
    }

    /// A set for each of `workers`, for what an index under `settings` would answer about each item, as a digest.
    pub fn for_digests(workers: usize, settings: &Arc<Settings>, key: &DigestKey) -> Self {
        let one = || Tools {
            scratch: Scratch::default(),
            index: Some(IndexWorker::for_digests()),
            settings: Arc::clone(settings),
            turns: Arc::default(),
        };
        let free = (0..workers.max(1)).map(|_| one()).collect();
        Self { free: Mutex::new(free), digests: Some(key.clone()) }
    }

    /// The key, when digests are to be taken.
    pub fn digest_key(&self) -> Option<&DigestKey> {
        self.digests.as_ref()
    }

    /// Does `work` with a set of tools; `None` when there is none, which cannot be while no worker dies.
    pub fn with<R>(&self, work: impl FnOnce(&mut Tools) -> R) -> Option<R> {
        let mut tools = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        let result = work(&mut tools);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(tools);
        Some(result)
    }

    /// Writes out all index parts, at once on all cores.
    ///
    /// # Errors
    /// [`IndexError::Write`].
    pub fn flush(&self, writer: &Mutex<IndexWriter>) -> Result<(), IndexError> {
        use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.par_iter_mut().try_for_each(|tools| tools.flush(writer))
    }
}
