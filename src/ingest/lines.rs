//! Turns what was read and hashed into ledger records, in order.

use crate::source::{Close, Open};
use crate::types::record::{Closed, Container, End, Entry, File, Gap, Item, Record, SourceDigest};
use crate::types::unescape::Rule;
use crate::types::{Anomaly, Sha256Digest};

use super::IngestError;
use super::batch::{Batch, ItemStep, Step};

/// Digests of one item or gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed {
    /// Of the bytes as found.
    pub sha256: Sha256Digest,
    /// Of the wire form of the message; of a gap the same as `sha256`.
    pub wire: Sha256Digest,
}

/// A record, and which step of the batch it came from.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The record.
    pub record: Record,
    /// For an item: its place among the items of the segment, from 0, and its step in the batch.
    pub item: Option<(u64, usize)>,
}

/// The container that is being read.
#[derive(Debug)]
struct Current {
    open: Open,
    items: u32,
    last: Option<Sha256Digest>,
}

/// Makes the records of one ledger segment.
#[derive(Debug, Default)]
pub(super) struct Maker {
    current: Option<Current>,
    digest: SourceDigest,
    items: u64,
    containers: u64,
    bytes: u64,
}

impl Maker {
    /// The records of a batch; `hashed` has one entry for each step that holds bytes.
    ///
    /// # Errors
    /// [`IngestError::Internal`] when the steps do not follow each other as the reader of a source tells them.
    pub(super) fn batch(
        &mut self,
        batch: &Batch,
        hashed: &[Option<Hashed>],
    ) -> Result<Vec<Made>, IngestError> {
        let hash_of = |at: usize| {
            hashed.get(at).copied().flatten().ok_or(IngestError::Internal("bytes that nobody has hashed"))
        };
        let mut made = Vec::with_capacity(batch.steps.len());
        let mut at = 0;
        while at < batch.steps.len() {
            match &batch.steps[at..] {
                [Step::Open(open), Step::Item(item), Step::Close(close), ..] if is_file(item, close) => {
                    let record = self.file(open, item, close, hash_of(at + 1)?);
                    made.push(Made { record, item: Some((self.items, at + 1)) });
                    self.items += 1;
                    at += 3;
                    continue;
                }
                [Step::Entry(entry), ..] => made.push(other(self.entry(entry.clone()))),
                [Step::Open(open), ..] => made.push(other(self.open(open.clone())?)),
                [Step::Item(item), ..] => {
                    let (data, base) = &batch.buffers[item.buffer];
                    let part = |range: &std::ops::Range<usize>| data[range.clone()].to_vec();
                    let place = |at: usize| base + at as u64;
                    let record = self.item(NewItem {
                        separator: part(&item.separator),
                        start: place(item.body.start),
                        end: place(item.body.end),
                        terminator: part(&item.terminator),
                        rule: item.rule,
                        lines: item.lines,
                        uid: item.uid,
                        notes: item.notes.clone(),
                        hash: hash_of(at)?,
                    })?;
                    made.push(Made { record, item: Some((self.items - 1, at)) });
                }
                [Step::Gap { buffer, range, kind }, ..] => {
                    let base = batch.buffers[*buffer].1;
                    let (start, end) = (base + range.start as u64, base + range.end as u64);
                    made.push(other(self.gap(kind, start, end, hash_of(at)?.sha256)?));
                }
                [Step::Close(close), ..] => made.push(other(self.close(close)?)),
                [] => {}
            }
            at += 1;
        }
        Ok(made)
    }

    /// An item of the open container.
    ///
    /// # Errors
    /// [`IngestError::Internal`] when none is open.
    pub(super) fn item(&mut self, item: NewItem) -> Result<Record, IngestError> {
        let current = self.current.as_mut().ok_or(IngestError::Internal("an item outside of a container"))?;
        self.items += 1;
        current.items += 1;
        current.last = Some(item.hash.sha256);
        let (container, number) = (current.open.container, current.items);
        Ok(Record::Item(Item {
            container,
            number,
            separator: item.separator,
            start: item.start,
            end: item.end,
            terminator: item.terminator,
            sha256: item.hash.sha256,
            rule: item.rule,
            lines: item.lines,
            wire: item.hash.wire,
            uid: item.uid,
            notes: item.notes,
        }))
    }

    /// Bytes of the open container that are no item.
    ///
    /// # Errors
    /// [`IngestError::Internal`] when none is open.
    pub(super) fn gap(
        &mut self,
        kind: &str,
        start: u64,
        end: u64,
        sha256: Sha256Digest,
    ) -> Result<Record, IngestError> {
        let current = self.current.as_ref().ok_or(IngestError::Internal("a gap outside of a container"))?;
        let container = current.open.container;
        Ok(Record::Gap(Gap { container, kind: kind.to_owned(), start, end, sha256 }))
    }

    /// The last line.
    pub(super) fn finish(self) -> Record {
        Record::Closed(Closed {
            id: self.digest.finish(),
            containers: self.containers,
            items: self.items,
            bytes: self.bytes,
        })
    }

    fn entry(&mut self, entry: Entry) -> Record {
        self.digest.entry(&entry);
        Record::Entry(entry)
    }

    fn open(&mut self, open: Open) -> Result<Record, IngestError> {
        if self.current.is_some() {
            return Err(IngestError::Internal("a container that begins inside another"));
        }
        self.containers += 1;
        let record = Record::Container(Container {
            container: open.container,
            parent: open.parent,
            kind: open.kind.to_owned(),
            path: open.path.clone(),
        });
        self.current = Some(Current { open, items: 0, last: None });
        Ok(record)
    }

    fn close(&mut self, close: &Close) -> Result<Record, IngestError> {
        let current = self.current.take();
        let current = current.filter(|current| current.open.container == close.container);
        let current = current.ok_or(IngestError::Internal("the end of a container that has not begun"))?;
        // Without a digest the whole is its one item; without one of these there was no byte.
        let sha256 = match close.sha256.or(current.last) {
            Some(sha256) => sha256,
            None if close.size == 0 => Sha256Digest::of(b""),
            None => return Err(IngestError::Internal("a container without a digest")),
        };
        if current.open.parent.is_none() {
            self.digest.file(&current.open.path, &sha256, close.size);
            self.bytes += close.size;
        }
        Ok(Record::End(End {
            container: close.container,
            items: close.items,
            size: close.size,
            sha256,
            md5: close.md5.clone(),
            sha1: close.sha1.clone(),
            reason: close.reason.map(str::to_owned),
            error: close.error.clone(),
            notes: close.notes.clone(),
        }))
    }

    fn file(&mut self, open: &Open, item: &ItemStep, close: &Close, hash: Hashed) -> Record {
        self.containers += 1;
        if open.parent.is_none() {
            self.digest.file(&open.path, &hash.sha256, close.size);
            self.bytes += close.size;
        }
        let notes = item.notes.iter().chain(&close.notes).cloned().collect();
        Record::File(File {
            container: open.container,
            parent: open.parent,
            kind: open.kind.to_owned(),
            path: open.path.clone(),
            size: close.size,
            sha256: hash.sha256,
            wire: hash.wire,
            uid: item.uid,
            server: None,
            notes,
        })
    }
}

/// What is known of a new item.
#[derive(Debug)]
pub(super) struct NewItem {
    /// The separator before it.
    pub separator: Vec<u8>,
    /// First byte in the container.
    pub start: u64,
    /// Just past the last.
    pub end: u64,
    /// The terminator after it.
    pub terminator: Vec<u8>,
    /// How the message is made of it.
    pub rule: Rule,
    /// Number of lines that the rule changes.
    pub lines: u64,
    /// UID from the container.
    pub uid: Option<u64>,
    /// What the splitter saw.
    pub notes: Vec<Anomaly>,
    /// Its digests.
    pub hash: Hashed,
}

/// Whether open, item and close make one `file` line: one item and nothing else, read to its end.
pub(super) fn is_file(item: &ItemStep, close: &Close) -> bool {
    close.sha256.is_none()
        && close.md5.is_none()
        && close.sha1.is_none()
        && close.reason.is_none()
        && close.error.is_none()
        && item.separator.is_empty()
        && item.terminator.is_empty()
        && item.rule == Rule::None
}

fn other(record: Record) -> Made {
    Made { record, item: None }
}
