//! Walks the custody log to its end, whatever is wrong with it: which stretches are covered, what does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use crate::store::{Chain, Event, Head, Layout, LineFrame, Lines, StoreError, Stretch, read_small};
use crate::types::{CustodyEventKind, Finding, FindingKind, Sha256Digest};

/// What the custody log says, as far as it can be read.
#[derive(Debug)]
pub(super) struct Walked {
    /// What a reader may believe.
    pub chain: Chain,
    /// Number of events that the head names; 0 without a head.
    pub named: u64,
    /// Covered stretches by path, each with the number of its event.
    pub stretches: BTreeMap<String, Vec<(Stretch, u64)>>,
    /// Blobs that events name: digest, length, number of the event, first byte of its line.
    pub blobs: Vec<(Sha256Digest, u64, u64, u64)>,
    /// Paths whose stretches do not follow each other, because an event is damaged or missing.
    pub broken: BTreeSet<String>,
}

/// A finding about a file of the record.
pub(super) fn finding(kind: FindingKind, file: &str, offset: Option<u64>, detail: String) -> Finding {
    Finding { kind, file: file.to_owned(), offset, detail, hits: Vec::new() }
}

fn event_name(seq: u64) -> String {
    format!("event {seq}")
}

/// Reads head and log, and tells what does not fit.
///
/// # Errors
/// [`StoreError::NotACase`] when there is neither; [`StoreError::Io`] when one is there and cannot be read.
pub(super) fn walk(layout: &Layout, out: &mut Vec<Finding>) -> Result<Walked, StoreError> {
    let mut bytes = read_head(layout)?;
    for _ in 0..TRIES {
        let mut found = Vec::new();
        let walked = walk_from(layout, bytes.as_deref(), &mut found)?;
        // The log is read after the head: a writer may have added to both in between.
        let now = read_head(layout)?;
        if found.is_empty() || now == bytes {
            out.append(&mut found);
            return Ok(walked);
        }
        bytes = now;
    }
    walk_from(layout, bytes.as_deref(), out)
}

/// How often the log is read again when the head has moved meanwhile.
const TRIES: u32 = 20;

fn read_head(layout: &Layout) -> Result<Option<Vec<u8>>, StoreError> {
    let path = layout.at(Layout::HEAD);
    match read_small(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

fn walk_from(layout: &Layout, bytes: Option<&[u8]>, out: &mut Vec<Finding>) -> Result<Walked, StoreError> {
    let head = bytes.and_then(Head::parse);
    if bytes.is_some() && head.is_none() {
        let detail = "the head is not in its canonical form".to_owned();
        out.push(finding(FindingKind::HeadMismatch, Layout::HEAD, Some(0), detail));
    }
    let log_path = layout.at(Layout::CUSTODY);
    let size = match fs::metadata(&log_path) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let detail = "there is no custody log".to_owned();
            out.push(finding(FindingKind::FileMissing, Layout::CUSTODY, None, detail));
            0
        }
        Err(error) => return Err(StoreError::io("read", log_path, error)),
    };
    let mut log = Log {
        named: head.as_ref().map(|head| head.events),
        events: 0,
        prev: Some(Sha256Digest::from_bytes([0; 32])),
        len: 0,
        holes: false,
        at_head: None,
        covers: BTreeMap::new(),
        frames: BTreeMap::new(),
        stretches: BTreeMap::new(),
        broken: BTreeSet::new(),
        blobs: Vec::new(),
    };
    if size > 0 {
        let mut lines = Lines::open(&log_path, 0, size)?;
        while let Some(line) = lines.next_line()? {
            let event = if line.is_whole { Event::parse(line.bytes) } else { None };
            let digest = Sha256Digest::of(line.bytes);
            let end = line.at + line.bytes.len() as u64 + 1;
            // After a line that is over the limit only the reader knows where the next one begins.
            if !log.take(event, digest, line.at, end, line.is_whole, out) {
                break;
            }
        }
    }
    log.compare(bytes.is_some(), head.as_ref(), size, out);
    let head_behind = head.as_ref().is_none_or(|head| head.events < log.events);
    let named = head.as_ref().map_or(0, |head| head.events);
    let case = head.map(|head| head.case).unwrap_or_default();
    let last = log.prev.unwrap_or_else(|| Sha256Digest::from_bytes([0; 32]));
    let chain = Chain {
        head: Head { case, events: log.events, head: last },
        form: Chain::form_of(&log.covers, layout),
        covers: log.covers,
        frames: log.frames,
        len: log.len,
        size,
        head_behind,
    };
    Ok(Walked { chain, named, stretches: log.stretches, blobs: log.blobs, broken: log.broken })
}

struct Log {
    named: Option<u64>,
    events: u64,
    // Digest of the line before; `None` after a line that is no event.
    prev: Option<Sha256Digest>,
    len: u64,
    holes: bool,
    // Digest of the event that the head names.
    at_head: Option<Sha256Digest>,
    covers: BTreeMap<String, u64>,
    frames: BTreeMap<String, Vec<LineFrame>>,
    stretches: BTreeMap<String, Vec<(Stretch, u64)>>,
    broken: BTreeSet<String>,
    blobs: Vec<(Sha256Digest, u64, u64, u64)>,
}

impl Log {
    /// Takes the next line; answers whether to go on.
    fn take(
        &mut self,
        event: Option<Event>,
        digest: Sha256Digest,
        at: u64,
        end: u64,
        is_whole: bool,
        out: &mut Vec<Finding>,
    ) -> bool {
        let past = self.named.is_some_and(|named| self.events >= named);
        let Some(event) = event else {
            // A torn line can only be the last, and only past the head.
            if past || (!is_whole && self.named.is_none()) {
                return false;
            }
            let detail = format!("the line where event {} should stand is no canonical event", self.events);
            let mut found = finding(FindingKind::CustodyRecordInvalid, Layout::CUSTODY, Some(at), detail);
            found.hits.push(event_name(self.events));
            out.push(found);
            self.events += 1;
            self.prev = None;
            self.holes = true;
            self.len = end;
            return true;
        };
        let follows = event.seq == self.events && self.prev.is_none_or(|prev| prev == event.prev);
        if past && !follows {
            return false;
        }
        // A line that is lost, or two that have become one, shift the numbers: go on from what the event says.
        let resumes = self.prev.is_none() && event.seq >= self.events;
        if !follows && !resumes {
            let before = event.seq.saturating_sub(1);
            let detail = match self.prev {
                Some(prev) if prev != event.prev => {
                    format!(
                        "event {} names {} as the line before it, which has {prev}",
                        event.seq, event.prev
                    )
                }
                _ => format!("event {} stands where event {} should", event.seq, self.events),
            };
            let mut found = finding(FindingKind::CustodyChainBroken, Layout::CUSTODY, Some(at), detail);
            found.hits.extend([event_name(before), event_name(event.seq)]);
            found.hits.dedup();
            out.push(found);
            self.holes = true;
        } else if (event.seq == 0) != (event.known_kind() == Some(CustodyEventKind::Created)) {
            let detail = format!("event {} has type {}", event.seq, event.kind);
            let mut found = finding(FindingKind::CustodyRecordInvalid, Layout::CUSTODY, Some(at), detail);
            found.hits.push(event_name(event.seq));
            out.push(found);
        }
        // A canonical event whose data is not what its type tells: readers of settings, labels and keys would pass it
        // over.
        if let Err(error) = event.read() {
            let detail = format!("event {}: {error}", event.seq);
            let mut found = finding(FindingKind::CustodyRecordInvalid, Layout::CUSTODY, Some(at), detail);
            found.hits.push(event_name(event.seq));
            out.push(found);
        }
        for (sha256, len) in event.blobs() {
            self.blobs.push((sha256, len, event.seq, at));
        }
        for stretch in event.files {
            self.cover(stretch, event.seq, at, out);
        }
        self.events = event.seq.saturating_add(1);
        self.prev = Some(digest);
        self.len = end;
        if self.named == Some(self.events) {
            self.at_head = Some(digest);
        }
        true
    }

    fn cover(&mut self, stretch: Stretch, seq: u64, at: u64, out: &mut Vec<Finding>) {
        let cover = self.covers.entry(stretch.path.clone()).or_insert(0);
        if *cover != stretch.from {
            self.broken.insert(stretch.path.clone());
            // After a damaged event the hole is its, and was told.
            if !self.holes {
                let detail = format!(
                    "event {seq} covers {} from byte {}, the events before it up to {cover}",
                    stretch.path, stretch.from
                );
                let mut found = finding(FindingKind::CustodyRecordInvalid, Layout::CUSTODY, Some(at), detail);
                found.hits.push(event_name(seq));
                out.push(found);
            }
        }
        *cover = (*cover).max(stretch.to);
        // Whoever looks one up needs them in order.
        if let Some(frame) = stretch.frame() {
            let frames = self.frames.entry(stretch.path.clone()).or_default();
            if frames.last().is_none_or(|last| last.to <= frame.from) {
                frames.push(frame);
            }
        }
        self.stretches.entry(stretch.path.clone()).or_default().push((stretch, seq));
    }

    /// Compares the log with the head.
    fn compare(&self, has_head: bool, head: Option<&Head>, size: u64, out: &mut Vec<Finding>) {
        let mut tell = |kind, file: &str, offset, detail: String, seq: Option<u64>| {
            let mut found = finding(kind, file, offset, detail);
            found.hits.extend(seq.map(event_name));
            out.push(found);
        };
        let last = self.events.checked_sub(1);
        match head {
            None if !has_head && self.events != 1 => {
                let detail = format!("there is no head, although the custody log has {} events", self.events);
                tell(FindingKind::FileMissing, Layout::HEAD, None, detail, None);
            }
            None if !has_head => {
                let detail = "the making of the case was cut off before it had a head".to_owned();
                tell(FindingKind::HeadBehind, Layout::HEAD, None, detail, last);
            }
            None => {}
            Some(head) if self.events < head.events => {
                let detail =
                    format!("the head names {} events, the custody log has {}", head.events, self.events);
                tell(FindingKind::HeadMismatch, Layout::HEAD, None, detail, last);
            }
            Some(head) => {
                if self.at_head.is_some_and(|digest| digest != head.head) {
                    let has = self.at_head.map(|digest| digest.to_string()).unwrap_or_default();
                    let detail = format!(
                        "the head names {} as event {}, which has {has}",
                        head.head,
                        head.events.saturating_sub(1)
                    );
                    let event = head.events.checked_sub(1);
                    tell(FindingKind::HeadMismatch, Layout::HEAD, None, detail, event);
                    // The last event is held by the head alone: which of the two was changed cannot be told.
                    let detail = "the event is not the one that the head names; it or the head was changed";
                    tell(FindingKind::CustodyChainBroken, Layout::CUSTODY, None, detail.to_owned(), event);
                }
                let more = self.events - head.events;
                if more == 1 {
                    let detail =
                        format!("the head names {} events, the custody log has one more", head.events);
                    tell(FindingKind::HeadBehind, Layout::HEAD, None, detail, last);
                } else if more > 1 {
                    let detail =
                        format!("the head names {} events, the custody log has {more} more", head.events);
                    tell(FindingKind::HeadMismatch, Layout::HEAD, None, detail, last);
                }
            }
        }
        if size > self.len {
            let detail = format!("{} bytes after the last event are no event", size - self.len);
            tell(FindingKind::TornTail, Layout::CUSTODY, Some(self.len), detail, None);
        }
    }
}
