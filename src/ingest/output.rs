//! The one place where an import writes: frames, ledger lines, catalog rows, commits, in order.

use std::borrow::Cow;
use std::time::Instant;

use crate::catalog::{BlobPlace, CatalogWriter, ItemRow};
use crate::source::{Open, StampsDigest};
use crate::store::pack::FrameAt;
use crate::store::{Lines, Reader, Writer};
use crate::types::event::{CommitTally, FileStateRows, SourceStamps};
use crate::types::record::{Closed, Record};
use crate::types::unescape::Rule;
use crate::types::{CustodyEvent, ItemKey, RelPath, Sha256Digest};

use super::batch::{Batch, Step};
use super::lines::{Made, Maker};
use super::registry::Place;
use super::states::row;
use super::tools::Read;
use super::work::Done;
use super::{IngestError, Watch, state};

/// Bytes of evidence between two commits, at most.
const COMMIT_BYTES: u64 = 64 << 20;

/// Time between two commits, at most.
const COMMIT_MS: u128 = 1000;

/// What went into the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Containers.
    pub containers: u64,
    /// Items.
    pub items: u64,
    /// Items whose ledger lines were not there before this run.
    pub new_items: u64,
    /// Items whose bytes the case did not hold before this run, each content counted once.
    pub new_to_case: u64,
    /// Bytes read of the source.
    pub bytes: u64,
}

/// Writes what workers give on.
pub(super) struct Output<'a> {
    /// The record.
    pub store: &'a mut Writer,
    /// The catalog.
    pub catalog: &'a mut CatalogWriter,
    /// Where the case's frames lie.
    pub frames: Vec<FrameAt>,
    /// The ledger segment.
    pub segment: u32,
    /// Makes the lines.
    pub maker: Maker,
    /// Lines of an earlier run that are still to be met; `None` when all were.
    expected: Option<Lines>,
    /// Items that earlier runs have committed.
    committed_before: u64,
    /// Items before this one are in the catalog already.
    derived_until: u64,
    totals: Totals,
    container: Option<(u32, &'static str, RelPath)>,
    before: FileStateRows,
    after: FileStateRows,
    stamps: Option<StampsDigest>,
    line: Vec<u8>,
    lines: Vec<u8>,
    uncommitted_bytes: u64,
    last_commit: Instant,
    said: u64,
    base_items: u64,
    watch: &'a dyn Watch,
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("segment", &self.segment).finish_non_exhaustive()
    }
}

/// Why a batch could not be written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The source changed since the earlier run.
    Diverged,
    /// Something stopped us.
    Failed(IngestError),
}

impl<E: Into<IngestError>> From<E> for WriteError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl<'a> Output<'a> {
    /// Begins or goes on with a segment. `base_items` are items of earlier sources of this run, for what is said.
    #[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
    pub(super) fn new(
        store: &'a mut Writer,
        catalog: &'a mut CatalogWriter,
        frames: Vec<FrameAt>,
        segment: u32,
        resume: Option<&Reader>,
        derived_until: u64,
        base_items: u64,
        watch: &'a dyn Watch,
    ) -> Result<Self, IngestError> {
        let mut expected = None;
        let mut committed_before = 0;
        if let Some(reader) = resume {
            for record in reader.records(segment, 0)? {
                committed_before += u64::from(matches!(record?.1, Record::Item(_) | Record::File(_)));
            }
            expected = Some(reader.ledger_lines(segment, 0)?);
        }
        Ok(Self {
            store,
            catalog,
            frames,
            segment,
            maker: Maker::default(),
            expected,
            committed_before,
            derived_until,
            totals: Totals::default(),
            container: None,
            before: FileStateRows::default(),
            after: FileStateRows::default(),
            stamps: None,
            line: Vec::new(),
            lines: Vec::new(),
            uncommitted_bytes: 0,
            last_commit: Instant::now(),
            said: 0,
            base_items,
            watch,
        })
    }

    /// Gathers what the file system said of the files just before they were read, over a listing with this digest.
    pub(super) fn gather_stamps(&mut self, listing: &Sha256Digest) {
        self.stamps = Some(StampsDigest::new(listing));
    }

    /// Writes a batch.
    pub(super) fn batch(&mut self, done: &Done) -> Result<(), WriteError> {
        if let Some(frame) = &done.frame {
            let at = self.store.append_frame(frame)?;
            self.frames.push(at);
        }
        self.totals.new_to_case += done.fresh_items;
        for made in self.maker.batch(&done.batch, &done.hashed)? {
            self.record(&made, done)?;
        }
        for step in &done.batch.steps {
            self.note_state(step);
        }
        self.wrote(done.batch.bytes as u64)?;
        Ok(())
    }

    /// Counts bytes and commits when it is time.
    pub(super) fn wrote(&mut self, bytes: u64) -> Result<(), WriteError> {
        self.totals.bytes += bytes;
        self.uncommitted_bytes += bytes;
        self.flush_lines()?;
        self.watch.progress(self.totals.bytes, self.totals.items);
        if self.uncommitted_bytes >= COMMIT_BYTES || self.last_commit.elapsed().as_millis() >= COMMIT_MS {
            self.commit(CustodyEvent::ItemsCommitted)?;
        }
        Ok(())
    }

    /// One record of a batch.
    fn record(&mut self, made: &Made, done: &Done) -> Result<(), WriteError> {
        let is_new = self.line(&made.record)?;
        let Some((ordinal, step)) = made.item else {
            self.catalog.record(self.segment, self.totals.items, &made.record)?;
            self.follow(&made.record);
            return Ok(());
        };
        if let Record::File(_) = &made.record {
            self.totals.containers += 1;
            self.catalog.record(self.segment, self.totals.items, &made.record)?;
        }
        self.totals.items += 1;
        self.totals.new_items += u64::from(is_new);
        if ordinal < self.derived_until {
            return Ok(());
        }
        let (Some(read), Some(place)) = (&done.read[step], done.places[step]) else {
            return Err(IngestError::Internal("an item that nobody has read or stored").into());
        };
        self.item(&made.record, ordinal, place, read, &message_of(&done.batch, step)?)
    }

    /// The catalog rows of an item and its children.
    pub(super) fn item(
        &mut self,
        record: &Record,
        ordinal: u64,
        place: Place,
        read: &Read,
        message: &[u8],
    ) -> Result<(), WriteError> {
        let Some(frame) = self.frames.get(place.frame as usize).copied() else {
            return Err(IngestError::Internal("a blob in a frame that is not there").into());
        };
        let blob = blob_place(frame, place);
        let words = match record {
            Record::File(file) => state::words_of(file),
            _ => self.container_state(),
        };
        let item = Derivation { segment: self.segment, ordinal, record, blob, read, message, state: &words };
        for row in rows(&item)? {
            self.catalog.add_item(&row?)?;
        }
        Ok(())
    }

    /// Writes a line, or meets it among those of the earlier run; answers whether it is new.
    pub(super) fn line(&mut self, record: &Record) -> Result<bool, WriteError> {
        self.line.clear();
        record.write_line(&mut self.line);
        if let Some(expected) = &mut self.expected {
            if let Some(old) = expected.next_line()? {
                let new = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
                return if old.bytes == new { Ok(false) } else { Err(WriteError::Diverged) };
            }
            self.expected = None;
        }
        self.lines.extend_from_slice(&self.line);
        Ok(true)
    }

    /// Hands the lines to the store.
    fn flush_lines(&mut self) -> Result<(), WriteError> {
        if !self.lines.is_empty() {
            self.store.append_ledger(self.segment, &self.lines)?;
            self.lines.clear();
        }
        Ok(())
    }

    /// A record that is no item, made outside of a batch.
    pub(super) fn plain(&mut self, record: &Record) -> Result<bool, WriteError> {
        let is_new = self.line(record)?;
        self.catalog.record(self.segment, self.totals.items, record)?;
        self.follow(record);
        Ok(is_new)
    }

    /// The line of an item that was too long for a batch.
    pub(super) fn long_item(&mut self, record: &Record, is_new_to_case: bool) -> Result<(), WriteError> {
        let is_new = self.line(record)?;
        self.totals.new_to_case += u64::from(is_new_to_case);
        self.totals.items += 1;
        self.totals.new_items += u64::from(is_new);
        Ok(())
    }

    /// Counts bytes of something long, of which nothing can be committed yet.
    pub(super) fn wrote_quietly(&mut self, bytes: u64) {
        self.totals.bytes += bytes;
        self.uncommitted_bytes += bytes;
        self.watch.progress(self.totals.bytes, self.totals.items);
    }

    /// Mailbox state that the open container tells of what is in it.
    pub(super) fn container_state(&self) -> Vec<&'static str> {
        self.container.as_ref().map(|(_, kind, path)| state::words(kind, path)).unwrap_or_default()
    }

    /// Meets the first line of the earlier run.
    pub(super) fn skip_head(&mut self, head: &Record) -> Result<(), WriteError> {
        self.line(head).map(|_| ())
    }

    fn follow(&mut self, record: &Record) {
        match record {
            Record::Container(c) => {
                self.totals.containers += 1;
                self.container = Some((c.container, kind_word(&c.kind), c.path.clone()));
            }
            Record::End(_) => self.container = None,
            _ => {}
        }
    }

    /// Makes everything durable, and says so.
    pub(super) fn commit(&mut self, event: fn(CommitTally) -> CustodyEvent) -> Result<(), WriteError> {
        self.flush_lines()?;
        let tally = CommitTally {
            files_after: std::mem::take(&mut self.after),
            files_before: std::mem::take(&mut self.before),
            // While the lines of an earlier run are met again, no more is committed than was then.
            items: self.totals.items.max(self.committed_before),
            segment: Some(self.segment),
            ..CommitTally::default()
        };
        self.store.commit_event(&event(tally))?;
        self.uncommitted_bytes = 0;
        self.last_commit = Instant::now();
        if self.expected.is_none() && self.totals.items > self.said {
            self.said = self.totals.items;
            self.watch.committed(self.base_items + self.said);
        }
        Ok(())
    }

    /// The last line and its event. Answers the source digest.
    pub(super) fn close(
        mut self,
        mount: Option<u64>,
        is_recent: bool,
    ) -> Result<(Closed, Totals, Vec<FrameAt>), WriteError> {
        let record = std::mem::take(&mut self.maker).finish();
        self.line(&record)?;
        if let Some(expected) = &mut self.expected
            && expected.next_line()?.is_some()
        {
            return Err(WriteError::Diverged);
        }
        self.expected = None;
        self.flush_lines()?;
        self.catalog.record(self.segment, self.totals.items, &record)?;
        if !self.before.is_empty() || !self.after.is_empty() || self.uncommitted_bytes > 0 {
            self.commit(CustodyEvent::ItemsCommitted)?;
        }
        let stat = self.stamps.take().zip(mount);
        let stat = stat.map(|(stamps, mount)| SourceStamps { mount, is_recent, sha256: stamps.finish() });
        self.store.commit_event(&CustodyEvent::SourceImported { segment: self.segment, stat })?;
        self.watch.committed(self.base_items + self.totals.items);
        let Record::Closed(closed) = record else {
            return Err(WriteError::Failed(IngestError::Internal(
                "a segment that does not end with its last line",
            )));
        };
        Ok((closed, self.totals, self.frames))
    }

    /// Notes what the file system said of a file before it was read, and after it when that differs, for the custody
    /// log.
    pub(super) fn note_state(&mut self, step: &Step) {
        match step {
            Step::Open(Open { container, before: Some(before), path, .. }) => {
                self.before.push(&row(*container, before));
                if let Some(stamps) = &mut self.stamps {
                    stamps.add(path, before.size, &before.stamp());
                }
            }
            Step::Close(close) => {
                if let Some(after) = close.after.as_ref().filter(|_| close.changed) {
                    self.after.push(&row(close.container, after));
                }
                // What was not read to its end as it stood there has to be read again.
                if close.changed || close.error.is_some() {
                    self.stamps = None;
                }
            }
            Step::Entry(entry) if entry.kind == "unreadable" => self.stamps = None,
            _ => {}
        }
    }
}

fn kind_word(kind: &str) -> &'static str {
    if kind == "maildir" { "maildir" } else { "" }
}

/// The message of a step, un-escaped.
fn message_of(batch: &Batch, step: usize) -> Result<Cow<'_, [u8]>, IngestError> {
    match batch.steps.get(step) {
        Some(Step::Item(item)) => Ok(item.rule.apply(&batch.buffers[item.buffer].0[item.body.clone()])),
        _ => Err(IngestError::Internal("a line of an item that is none")),
    }
}

/// Where a blob lies, as the catalog says it.
pub(super) fn blob_place(frame: FrameAt, place: Place) -> BlobPlace {
    let FrameAt { pack, at, len, raw } = frame;
    BlobPlace { pack, at, len, raw, offset: place.offset, size: place.len }
}

/// An item for the catalog: its line of the ledger, its bytes and what was read of them.
#[derive(Debug)]
pub(super) struct Derivation<'a> {
    /// The ledger segment.
    pub segment: u32,
    /// Place among the items of the segment, from 0.
    pub ordinal: u64,
    /// Its line.
    pub record: &'a Record,
    /// Where its bytes lie.
    pub blob: BlobPlace,
    /// What was read.
    pub read: &'a Read,
    /// The message, un-escaped.
    pub message: &'a [u8],
    /// State words that the container tells.
    pub state: &'a [&'a str],
}

/// The catalog rows of an item and of the messages inside it, in order.
///
/// # Errors
/// [`IngestError::Internal`] when the line is of no item, or no key can name a child.
pub(super) fn rows<'a>(
    item: &'a Derivation<'a>,
) -> Result<impl Iterator<Item = Result<ItemRow<'a>, IngestError>>, IngestError> {
    let (container, number, start, end, sha256, wire, rule, lines, uid, notes) = match item.record {
        Record::Item(r) => {
            (r.container, r.number, r.start, r.end, &r.sha256, &r.wire, r.rule, r.lines, r.uid, &r.notes)
        }
        Record::File(r) => (r.container, 1, 0, r.size, &r.sha256, &r.wire, Rule::None, 0, r.uid, &r.notes),
        _ => return Err(IngestError::Internal("an item whose line is of something else")),
    };
    Ok(item.read.facts.iter().enumerate().map(move |(child, (facts, bytes))| {
        let key = u32::try_from(child).ok().and_then(|n| ItemKey::new(item.segment, item.ordinal, n));
        let key = key.ok_or(IngestError::Internal("a child that no key can name"))?;
        let row = ItemRow {
            key,
            container,
            number,
            start,
            end,
            sha256,
            wire,
            rule,
            lines,
            uid,
            blob: Some(item.blob),
            notes,
            server: match item.record {
                Record::File(file) => file.server.as_deref(),
                _ => None,
            },
            state: item.state,
            facts,
            message: item.message,
        };
        let (Some(place), Some((sha256, wire))) = (&facts.child, &facts.child_sha256) else {
            return Ok(row);
        };
        Ok(ItemRow {
            start: place.in_parent.start(),
            end: place.in_parent.end(),
            sha256,
            wire,
            rule: Rule::None,
            lines: 0,
            uid: None,
            blob: None,
            notes: &[],
            server: None,
            state: &[],
            message: bytes.as_deref().unwrap_or_default(),
            ..row
        })
    }))
}
