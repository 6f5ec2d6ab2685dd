//! Walks the ledger line by line: order, books, totals and source digests, and which blobs make which container.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{FileKind, Layout, Reader, SegmentInfo, StoreError};
use crate::types::record::{Closed, End, Gap, Item, Record, SourceDigest};
use crate::types::unescape::Rule;
use crate::types::{ContainerId, Finding, FindingKind, ItemId, RelPath, Sha256Digest, SourceId};

use super::custody::finding;
use super::record::Summary;

/// Findings about stretches of files, to which the ledger adds what stands in them.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    by_path: BTreeMap<String, Vec<Suspect>>,
}

#[derive(Debug)]
struct Suspect {
    from: u64,
    to: u64,
    finding: Finding,
    hits: BTreeSet<ContainerId>,
}

impl Suspects {
    /// Takes a finding about bytes `from..to` of a file.
    pub(super) fn add(&mut self, path: &str, from: u64, to: u64, finding: Finding) {
        let suspect = Suspect { from, to, finding, hits: BTreeSet::new() };
        self.by_path.entry(path.to_owned()).or_default().push(suspect);
    }

    fn mark(&mut self, path: &str, at: u64, id: ContainerId) {
        for suspect in self.by_path.get_mut(path).into_iter().flatten() {
            if suspect.from <= at && at < suspect.to {
                suspect.hits.insert(id);
            }
        }
    }

    /// The findings with all that is hit.
    pub(super) fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.by_path.into_values().flatten().map(|suspect| {
            let mut finding = suspect.finding;
            finding.hits.extend(suspect.hits.iter().map(ToString::to_string));
            finding
        })
    }
}

/// What the bytes of the ledger's containers are made of, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// A container begins.
    Begin(ContainerId, Place),
    /// Bytes that stand in the ledger.
    Text(Vec<u8>),
    /// Bytes that are a blob.
    Blob(Use),
    /// The container ends and must have this digest.
    End(Sha256Digest),
    /// The container ends, but its lines are damaged or missing: nothing to compare.
    Drop,
}

/// A line of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The segment.
    pub segment: u32,
    /// First byte of the line.
    pub at: u64,
}

/// A place where a blob is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// The blob.
    pub sha256: Sha256Digest,
    /// Its length by the books.
    pub len: u64,
    /// The line that says so.
    pub place: Place,
    /// The container.
    pub container: ContainerId,
    /// The item; 0 for a gap.
    pub number: u32,
    /// How the message of an item is made, how many lines that changes, and the digest of its wire form.
    pub item: Option<(Rule, u64, Sha256Digest)>,
    /// The event of the custody log that names it, when it is no line of the ledger that does.
    pub event: Option<u64>,
    /// Whether the blob is all of its container, so that the digest of the blob is that of the container.
    pub is_all: bool,
}

impl Use {
    /// A blob that an event of the custody log names, by a line that begins at byte `at`.
    pub(super) fn of_event(sha256: Sha256Digest, len: u64, event: u64, at: u64) -> Self {
        let container = ContainerId { source: SourceId::Pending(0), number: 0 };
        let place = Place { segment: 0, at };
        Self { sha256, len, place, container, number: 0, item: None, event: Some(event), is_all: true }
    }

    /// The file of the record whose line names it.
    pub(super) fn file(&self, layout: &Layout) -> String {
        match self.event {
            Some(_) => Layout::CUSTODY.to_owned(),
            None => layout.name(FileKind::Ledger, self.place.segment),
        }
    }

    /// The id of the item, or of the container of a gap; the event.
    pub(super) fn id(&self) -> String {
        if let Some(event) = self.event {
            return format!("event {event}");
        }
        if self.number == 0 {
            return self.container.to_string();
        }
        ItemId { container: self.container, number: self.number, part: None }.to_string()
    }
}

/// Walks one segment.
pub(super) struct Walk<'a> {
    info: &'a SegmentInfo,
    rel: String,
    emit: &'a mut dyn FnMut(Step),
    suspects: &'a mut Suspects,
    summary: &'a mut Summary,
    out: &'a mut Vec<Finding>,
    open: Option<Open>,
    lines: u64,
    place: Place,
    last_container: u32,
    digest: SourceDigest,
    containers: u64,
    items: u64,
    bytes: u64,
    // Whether a line was damaged, so that what is counted over all lines means nothing.
    has_holes: bool,
    is_closed: bool,
    // Whether the digest of the source is over the lines themselves.
    is_account: bool,
}

/// The container that has begun.
struct Open {
    number: u32,
    is_inner: bool,
    path: RelPath,
    place: u64,
    items: u64,
    is_damaged: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        info: &'a SegmentInfo,
        emit: &'a mut dyn FnMut(Step),
        suspects: &'a mut Suspects,
        summary: &'a mut Summary,
        out: &'a mut Vec<Finding>,
    ) -> Self {
        Self {
            info,
            rel: String::new(),
            emit,
            suspects,
            summary,
            out,
            open: None,
            lines: 0,
            place: Place { segment: info.number, at: 0 },
            last_container: 0,
            digest: SourceDigest::default(),
            containers: 0,
            items: 0,
            bytes: 0,
            has_holes: false,
            is_closed: false,
            is_account: false,
        }
    }

    pub(super) fn run(mut self, reader: &Reader) -> Result<(), StoreError> {
        self.rel = reader.layout().name(FileKind::Ledger, self.info.number);
        let mut lines = reader.ledger_lines(self.info.number, 0)?;
        lines.pass_over_damage();
        while let Some(line) = lines.next_line()? {
            self.place.at = line.at;
            let record = if line.is_whole { Record::parse(line.bytes).ok() } else { None };
            if let Some(record) = record {
                self.is_account |= matches!(record, Record::Account(_));
                if self.is_account && !matches!(record, Record::Closed(_)) {
                    self.digest.lines(line.bytes);
                    self.digest.lines(b"\n");
                }
                self.take(record);
            } else {
                let detail = "the line is no canonical record".to_owned();
                self.tell(FindingKind::LedgerRecordInvalid, detail, None);
                self.damaged();
            }
            if let Some(open) = &self.open {
                let id = self.id(open.number);
                self.suspects.mark(&self.rel, self.place.at, id);
            }
            self.lines += 1;
        }
        if self.open.take().is_some() {
            (self.emit)(Step::Drop);
        }
        if !self.is_closed {
            let detail = format!("the import stopped after {} lines", self.lines);
            let source = self.info.source().to_string();
            self.tell(FindingKind::SourceUnfinished, detail, Some(source));
        }
        Ok(())
    }

    fn id(&self, number: u32) -> ContainerId {
        ContainerId { source: self.info.source(), number }
    }

    fn tell(&mut self, kind: FindingKind, detail: String, hit: Option<String>) {
        let mut found = finding(kind, &self.rel, Some(self.place.at), detail);
        found.hits.extend(hit);
        if found.hits.is_empty()
            && let Some(open) = &self.open
        {
            found.hits.push(self.id(open.number).to_string());
        }
        self.out.push(found);
    }

    fn damaged(&mut self) {
        self.has_holes = true;
        if let Some(open) = &mut self.open {
            open.is_damaged = true;
        }
    }

    fn wrong(&mut self, detail: String) {
        self.tell(FindingKind::LedgerRecordInvalid, detail, None);
        self.damaged();
    }

    fn take(&mut self, record: Record) {
        if self.is_closed {
            self.wrong("a record stands after the last one of its source".to_owned());
        }
        if (self.lines == 0) != matches!(record, Record::Source(_) | Record::Account(_)) {
            self.wrong("the record of the source must be the first, and only the first".to_owned());
        }
        let belongs = match &record {
            Record::Item(item) => Some(item.container),
            Record::Gap(gap) => Some(gap.container),
            Record::End(end) => Some(end.container),
            _ => None,
        };
        match belongs {
            Some(number) if self.open.as_ref().is_none_or(|open| open.number != number) => {
                // After a damaged line it may be that the container's own was lost.
                if !self.has_holes {
                    self.wrong(format!("a record of container {number} stands outside of it"));
                }
                return;
            }
            None if self.open.is_some() => {
                self.wrong("a container has no end".to_owned());
                self.open = None;
                (self.emit)(Step::Drop);
            }
            _ => {}
        }
        match record {
            Record::Folder(_) if !self.is_account => {
                self.wrong("a folder of an account stands in a source that is none".to_owned());
            }
            Record::Source(_) | Record::Account(_) | Record::Folder(_) => {}
            Record::Entry(_) if self.is_account => {}
            Record::Entry(entry) => self.digest.entry(&entry),
            Record::File(file) => {
                self.begins(file.container);
                let id = self.id(file.container);
                self.suspects.mark(&self.rel, self.place.at, id);
                (self.emit)(Step::Blob(Use {
                    sha256: file.sha256,
                    len: file.size,
                    place: self.place,
                    container: id,
                    number: 1,
                    item: Some((Rule::None, 0, file.wire)),
                    event: None,
                    is_all: true,
                }));
                self.items += 1;
                self.summary.items += 1;
                self.ends(file.parent.is_some(), &file.path, &file.sha256, file.size);
            }
            Record::Container(container) => {
                self.begins(container.container);
                let id = self.id(container.container);
                (self.emit)(Step::Begin(id, self.place));
                self.open = Some(Open {
                    number: container.container,
                    is_inner: container.parent.is_some(),
                    path: container.path,
                    place: 0,
                    items: 0,
                    is_damaged: false,
                });
            }
            Record::Item(item) => self.item(item),
            Record::Gap(gap) => self.gap(&gap),
            Record::End(end) => self.end(&end),
            Record::Closed(closed) => self.closed(&closed),
        }
    }

    fn begins(&mut self, number: u32) {
        if number != self.last_container.wrapping_add(1) && !self.has_holes {
            self.wrong(format!("container {number} follows container {}", self.last_container));
        }
        self.last_container = number;
        self.containers += 1;
        self.summary.containers += 1;
    }

    fn ends(&mut self, is_inner: bool, path: &RelPath, sha256: &Sha256Digest, size: u64) {
        self.summary.container_bytes += size;
        if !is_inner {
            self.bytes = self.bytes.saturating_add(size);
            if !self.is_account {
                self.digest.file(path, sha256, size);
            }
        }
    }

    /// Goes on in the container from byte `start` to `end`.
    fn goes_on(&mut self, start: u64, end: u64, what: &str) {
        let Some(open) = &mut self.open else { return };
        let place = std::mem::replace(&mut open.place, end);
        if place != start && !open.is_damaged {
            open.is_damaged = true;
            let detail = format!("{what} begins at byte {start}, what stands before it ends at {place}");
            self.tell(FindingKind::BooksDoNotBalance, detail, None);
        }
    }

    fn item(&mut self, item: Item) {
        self.items += 1;
        self.summary.items += 1;
        let container = self.id(item.container);
        let what = format!("item {}", item.number);
        let start = item.start.checked_sub(item.separator.len() as u64);
        let end = item.end.checked_add(item.terminator.len() as u64);
        match start.zip(end) {
            Some((start, end)) => self.goes_on(start, end, &what),
            None => self.wrong(format!("{what} begins before its container, or ends nowhere")),
        }
        if let Some(open) = &mut self.open {
            open.items += 1;
            let count = open.items;
            if count != u64::from(item.number) && !open.is_damaged {
                self.wrong(format!("{what} is the {count}th of its container"));
            }
        }
        if !item.separator.is_empty() {
            (self.emit)(Step::Text(item.separator));
        }
        (self.emit)(Step::Blob(Use {
            sha256: item.sha256,
            len: item.end - item.start,
            place: self.place,
            container,
            number: item.number,
            item: Some((item.rule, item.lines, item.wire)),
            event: None,
            is_all: false,
        }));
        if !item.terminator.is_empty() {
            (self.emit)(Step::Text(item.terminator));
        }
    }

    fn gap(&mut self, gap: &Gap) {
        let container = self.id(gap.container);
        self.goes_on(gap.start, gap.end, "a gap");
        let len = gap.end - gap.start;
        (self.emit)(Step::Blob(Use {
            sha256: gap.sha256,
            len,
            place: self.place,
            container,
            number: 0,
            item: None,
            event: None,
            is_all: false,
        }));
    }

    fn end(&mut self, end: &End) {
        let Some(open) = &self.open else { return };
        let (place, items) = (open.place, open.items);
        if !open.is_damaged {
            if place != end.size {
                let detail = format!("the ranges end at byte {place}, the container has {}", end.size);
                self.tell(FindingKind::BooksDoNotBalance, detail, None);
                self.damaged();
            } else if items != end.items {
                self.wrong(format!("the container has {items} items, its end says {}", end.items));
            }
        }
        let id = self.id(end.container);
        self.suspects.mark(&self.rel, self.place.at, id);
        if let Some(open) = self.open.take() {
            (self.emit)(if open.is_damaged { Step::Drop } else { Step::End(end.sha256) });
            self.ends(open.is_inner, &open.path, &end.sha256, end.size);
        }
    }

    fn closed(&mut self, closed: &Closed) {
        self.is_closed = true;
        if self.has_holes {
            return;
        }
        let counted = (self.containers, self.items, self.bytes);
        if counted != (closed.containers, closed.items, closed.bytes) {
            self.wrong(format!(
                "the source has {} containers, {} items, {} bytes; its last record says {}, {}, {}",
                counted.0, counted.1, counted.2, closed.containers, closed.items, closed.bytes
            ));
        }
        let id = std::mem::take(&mut self.digest).finish();
        if id != closed.id {
            let detail = format!("paths and digests give {id}, the last record says {}", closed.id);
            let source = self.info.source().to_string();
            self.tell(FindingKind::SourceIdMismatch, detail, Some(source));
        }
    }
}
