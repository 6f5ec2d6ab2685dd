//! Groups what the reader of a source tells into batches that workers can take one by one.
//!
//! A batch holds some megabytes of consecutive evidence and the steps that turn into ledger lines, in order. A small
//! file's three steps (open, item, close) are never cut apart, so that the writer can make one line of them.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::source::{Bytes, Close, Cut, Event, Open};
use crate::types::Anomaly;
use crate::types::record::Entry;
use crate::types::unescape::Rule;

use super::engine::Weigh;

/// Bytes that a batch aims at; a frame of the store holds one batch.
pub(super) const TARGET: usize = 4 << 20;

/// Most steps in a batch: what is read from an item takes more memory than a small item.
const MAX_STEPS: usize = 6_144;

/// Most items in a batch, for the same reason.
const MAX_ITEMS: u64 = 2_048;

/// Bytes that the facts of an item take before anybody has read it: a guess, put right by the worker.
const FACTS: usize = 4096;

/// Some consecutive evidence of one source.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Place of the batch in the source, from 0.
    pub number: u64,
    /// The buffers that items and gaps point into, with the offset of each one's first byte in its container.
    pub buffers: Vec<(Arc<Vec<u8>>, u64)>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// Bytes in the buffers.
    pub bytes: usize,
    /// Place of its first item among the items of the source, from 0.
    pub first_item: u64,
    /// Number of items in it.
    pub items: u64,
}

impl Weigh for Batch {
    fn weight(&self) -> usize {
        let items = usize::try_from(self.items).unwrap_or(usize::MAX);
        // A worker copies what is new into a frame, and packs that.
        self.held().saturating_mul(3).saturating_add(items.saturating_mul(FACTS))
    }
}

impl Batch {
    /// Bytes of memory that it takes by itself.
    pub(super) fn held(&self) -> usize {
        self.bytes.saturating_add(self.steps.len().saturating_mul(size_of::<Step>()))
    }
}

/// One thing that the reader told.
#[derive(Debug)]
pub(super) enum Step {
    /// Something that is not read.
    Entry(Entry),
    /// A container begins.
    Open(Open),
    /// An item.
    Item(ItemStep),
    /// Bytes that are no item.
    Gap {
        /// The buffer.
        buffer: usize,
        /// The bytes.
        range: Range<usize>,
        /// What they are.
        kind: &'static str,
    },
    /// A container ends.
    Close(Close),
}

/// An item of a batch.
#[derive(Debug)]
pub(super) struct ItemStep {
    /// The buffer.
    pub buffer: usize,
    /// The separator before it.
    pub separator: Range<usize>,
    /// Its bytes.
    pub body: Range<usize>,
    /// The terminator after it.
    pub terminator: Range<usize>,
    /// How the message is made of the bytes.
    pub rule: Rule,
    /// Number of lines that the rule changes.
    pub lines: u64,
    /// UID from the container.
    pub uid: Option<u64>,
    /// What the splitter saw.
    pub notes: Vec<Anomaly>,
}

/// Makes batches of events.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    current: Batch,
    in_container: bool,
    next: u64,
    items: u64,
}

impl Batcher {
    /// Takes the next event; returns a batch when one is full. What is too long to hold in memory does not come here.
    pub(super) fn push(&mut self, event: Event) -> Option<Batch> {
        match event {
            Event::Entry(entry) => self.current.steps.push(Step::Entry(entry)),
            Event::Open(open) => {
                self.in_container = true;
                self.current.steps.push(Step::Open(open));
            }
            Event::Bytes(bytes) => self.bytes(bytes),
            Event::Close(close) => {
                self.in_container = false;
                self.current.steps.push(Step::Close(close));
            }
            Event::Long(_) => {}
        }
        // A batch ends between containers, or inside one that has shown to hold more than one thing.
        let Batch { bytes, steps, items, .. } = &self.current;
        let full = *bytes >= TARGET || steps.len() >= MAX_STEPS || *items >= MAX_ITEMS;
        if full && (!self.in_container || self.is_inside_one_container()) { Some(self.take()) } else { None }
    }

    /// What is there, when the reader is done or comes to something long.
    pub(super) fn finish(&mut self) -> Option<Batch> {
        if self.current.steps.is_empty() { None } else { Some(self.take()) }
    }

    /// Counts an item that was too long for a batch; answers its place among the items of the source.
    pub(super) fn long_item(&mut self) -> u64 {
        self.items += 1;
        self.items - 1
    }

    /// Whether the container that is open began before this batch or is the only one in it.
    fn is_inside_one_container(&self) -> bool {
        let opened_here = self.current.steps.iter().rposition(|s| matches!(s, Step::Open(_)));
        match opened_here {
            None => true,
            Some(at) => self.current.steps.len() - at > 2,
        }
    }

    fn take(&mut self) -> Batch {
        let mut batch = mem::take(&mut self.current);
        batch.number = self.next;
        batch.first_item = self.items;
        self.next += 1;
        self.items += batch.items;
        batch
    }

    fn bytes(&mut self, bytes: Bytes) {
        let buffer = self.current.buffers.len();
        self.current.bytes += bytes.data.len();
        for cut in bytes.cuts {
            self.current.steps.push(match cut {
                Cut::Item { separator, body, terminator, rule, lines, uid, notes } => {
                    self.current.items += 1;
                    Step::Item(ItemStep { buffer, separator, body, terminator, rule, lines, uid, notes })
                }
                Cut::Gap { kind, range } => Step::Gap { buffer, range, kind },
            });
        }
        self.current.buffers.push((Arc::new(bytes.data), bytes.base));
    }
}
