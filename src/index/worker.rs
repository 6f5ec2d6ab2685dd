//! One worker's part of the index: takes items, hands back finished segments.

use std::hash::{BuildHasher as _, RandomState};

use tantivy::index::{Index, SegmentMeta};

use super::IndexError;
use super::gather::Gather;
use super::text::{Cutter, Sink as _};
use crate::facts::{ItemFacts, ItemText};
use crate::types::{Anomaly, ItemKey, Sha256Digest};

/// One item or child for the index.
#[derive(Clone, Copy, Debug)]
pub struct Indexed<'a> {
    /// Its key.
    pub key: ItemKey,
    /// Digest of the slice as found; for a child, of its bytes.
    pub sha256: &'a Sha256Digest,
    /// Digest of the wire form.
    pub wire: &'a Sha256Digest,
    /// What was read.
    pub facts: &'a ItemFacts,
    /// The bytes that the ranges of the facts count in.
    pub message: &'a [u8],
    /// Its text.
    pub text: &'a ItemText,
    /// What the reader of the source noted.
    pub notes: &'a [Anomaly],
    /// Mailbox state that the container tells, such as the flags of a Maildir name.
    pub state: &'a [&'a str],
    /// What was concluded about its way.
    pub way: Way<'a>,
}

/// What was concluded about the way of a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way<'a> {
    /// Ids of the rules that found something.
    pub findings: &'a [&'static str],
    /// For each hop, newest first, the word for who stands behind it.
    pub trust: &'a [&'static str],
    /// What the recipient's servers recorded of authentication: method and result.
    pub recorded: &'a [(&'static str, &'static str)],
    /// For each DKIM signature whether its hash fits the body: `ok` or `bad`.
    pub bodies: &'a [&'static str],
}

/// A segment that is written but not part of the index yet: see `IndexWriter::add`.
#[derive(Debug)]
pub struct Finished {
    pub(super) meta: SegmentMeta,
    /// Number of items and children in it.
    pub items: u32,
}

/// Gathers items in memory and writes them as segments. One for each thread.
#[derive(Debug)]
pub struct IndexWorker {
    index: Index,
    gather: Gather,
    budget: usize,
    cutter: Cutter,
}

/// Most documents in a segment: their numbers take three bytes in the table of hashes.
const MOST_DOCS: u32 = 1 << 23;

impl IndexWorker {
    pub(super) fn new(index: Index, budget: usize) -> Self {
        let seed = RandomState::new().hash_one(0u8);
        let gather = Gather::new(seed);
        Self { index, gather, budget, cutter: Cutter::default() }
    }

    /// Takes an item. Call [`Self::is_full`] after it.
    pub fn add(&mut self, item: &Indexed<'_>) {
        self.cutter.add(item, &mut self.gather);
    }

    /// Whether it is time for [`Self::flush`].
    pub fn is_full(&self) -> bool {
        self.gather.memory() >= self.budget || self.gather.docs().max(self.gather.hops()) >= MOST_DOCS
    }

    /// Number of items held in memory.
    pub fn pending(&self) -> u32 {
        self.gather.docs()
    }

    /// Writes what was gathered as a segment; `None` when there is nothing.
    ///
    /// # Errors
    /// [`IndexError::Write`] when the segment's files cannot be written.
    pub fn flush(&mut self) -> Result<Option<Finished>, IndexError> {
        let items = self.gather.docs();
        if items == 0 {
            return Ok(None);
        }
        let segment = self.index.new_segment();
        self.gather.write(&segment).map_err(IndexError::Write)?;
        Ok(Some(Finished { meta: segment.with_max_doc(items).meta().clone(), items }))
    }
}
