//! The one place where an acquisition writes: frames, ledger lines, events, in order.

use std::collections::HashSet;
use std::time::Instant;

use crate::acquire::{AcquireError, Folder, Left, Message, Notice, Place, Refetched, Told, Why};
use crate::ingest::{IngestError, Totals};
use crate::store::{Reader, Writer, source_id};
use crate::types::event::{AccountRun, BlobRole, CommitTally, EventBlob, EventNotice};
use crate::types::record::{self, Closed, Entry, File, LEFT, Record, SourceDigest};
use crate::types::server::ServerState;
use crate::types::time::{UtcMs, rfc3339};
use crate::types::{Anomaly, CustodyEvent, RelPath, Sha256Digest, SourceId};

use super::events::{self, FolderSeen};
use super::known::InCase;
use super::parcel::{Done, Hashed};
use super::{AccountRequest, AccountWatch, Acquired};

/// Bytes of evidence between two commits, at most.
const COMMIT_BYTES: u64 = 64 << 20;

/// Time between two commits, at most.
const COMMIT_MS: u128 = 1000;

/// Bytes of notices that wait for the next commit, at most.
const NOTICES: usize = 1 << 20;

/// Writes what workers give on.
pub(super) struct Output<'a> {
    pub(super) store: &'a mut Writer,
    known: &'a InCase,
    head: record::Account,
    url: String,
    label: Option<String>,
    list_only: bool,
    is_refetch: bool,
    watch: &'a dyn AccountWatch,
    segment: Option<u32>,
    // All lines of the segment so far.
    digest: SourceDigest,
    lines: Vec<u8>,
    container: u32,
    items: u64,
    bytes: u64,
    written: HashSet<RelPath>,
    folders: Vec<FolderSeen>,
    blobs: Vec<EventBlob>,
    notices: Vec<EventNotice>,
    notices_bytes: usize,
    new: Totals,
    newest: Option<UtcMs>,
    noticed: u64,
    // Folders that a notice was about.
    noticed_folders: HashSet<RelPath>,
    partial: u64,
    left: [u64; 3],
    uncommitted: u64,
    last_commit: Instant,
    is_resumed: bool,
}

impl<'a> Output<'a> {
    /// Goes on with the pending segment of `known`, if there is one.
    pub(super) fn new(
        store: &'a mut Writer,
        reader: &Reader,
        known: &'a InCase,
        head: record::Account,
        request: &AccountRequest,
        watch: &'a dyn AccountWatch,
    ) -> Result<Self, IngestError> {
        let mut output = Self {
            store,
            known,
            head,
            url: events::url(&request.order.account),
            label: request.label.clone(),
            list_only: request.order.list_only,
            is_refetch: request.order.refetch && !request.order.list_only,
            watch,
            segment: None,
            digest: SourceDigest::default(),
            lines: Vec::new(),
            container: 0,
            items: 0,
            bytes: 0,
            written: HashSet::new(),
            folders: Vec::new(),
            blobs: Vec::new(),
            notices: Vec::new(),
            notices_bytes: 0,
            new: Totals::default(),
            newest: None,
            noticed: 0,
            noticed_folders: HashSet::new(),
            partial: 0,
            left: [0; 3],
            uncommitted: 0,
            last_commit: Instant::now(),
            is_resumed: false,
        };
        if let Some(pending) = known.pending.as_ref().filter(|_| !request.order.list_only) {
            output.segment = Some(pending.number);
            output.is_resumed = true;
            for record in reader.records(pending.number, 0)? {
                let (line, record) = record?;
                output.digest.lines(&line);
                output.digest.lines(b"\n");
                match record {
                    Record::Folder(folder) => {
                        output.written.insert(folder.path);
                    }
                    Record::File(file) => {
                        output.container = file.container;
                        output.items += 1;
                        output.bytes += file.size;
                    }
                    Record::Entry(entry) => {
                        let nth = LEFT.iter().position(|(kind, _)| *kind == entry.kind);
                        if let Some(count) = nth.and_then(|nth| output.left.get_mut(nth)) {
                            *count += 1;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(output)
    }

    /// Writes a parcel.
    pub(super) fn parcel(&mut self, done: Done) -> Result<(), IngestError> {
        if let Some(frame) = &done.frame {
            self.store.append_frame(frame)?;
        }
        for (told, blobs) in done.parcel.steps.into_iter().zip(done.blobs) {
            self.step(told, &blobs)?;
        }
        self.wrote(done.parcel.bytes as u64)
    }

    /// Counts bytes and commits when it is time.
    pub(super) fn wrote(&mut self, bytes: u64) -> Result<(), IngestError> {
        self.uncommitted += bytes;
        self.watch.progress(self.new.bytes, self.new.items);
        let due = self.uncommitted >= COMMIT_BYTES
            || self.last_commit.elapsed().as_millis() >= COMMIT_MS
            || self.notices_bytes >= NOTICES;
        if due { self.commit() } else { Ok(()) }
    }

    fn step(&mut self, told: Told, blobs: &[Hashed]) -> Result<(), IngestError> {
        match told {
            Told::Session(session) => {
                let blobs = blobs.iter().map(|&hashed| events::blob(hashed, BlobRole::Certificate)).collect();
                let session = events::session(&self.url, &session, blobs);
                // What was gathered before belongs to events of its own.
                if !(self.lines.is_empty() && self.blobs.is_empty() && self.notices.is_empty()) {
                    self.commit()?;
                }
                self.store.commit_event(&CustodyEvent::AccountSession(Box::new(session)))?;
            }
            Told::Folder(folder) => self.folder(folder)?,
            Told::Message(Message { at, server, notes, .. }) => {
                if let Some(hashed) = blobs.first() {
                    self.message(at, server, notes, *hashed)?;
                }
            }
            Told::Left(left) => self.leave(&left)?,
            Told::FolderEnd(books) => {
                let seen = self.folders.iter_mut().rev().find(|seen| seen.folder.path == books.path);
                if let Some(seen) = seen {
                    seen.books = Some(books);
                } else {
                    let folder = Folder { path: books.path.clone(), ..Folder::default() };
                    let books = Some(books);
                    self.folders.push(FolderSeen { folder, books, ..FolderSeen::default() });
                }
            }
            Told::Transcript(_) => {
                let kept = blobs.iter().filter(|hashed| hashed.len > 0);
                self.blobs.extend(kept.map(|&hashed| events::blob(hashed, BlobRole::Transcript)));
            }
            Told::Notice(notice) => self.notice(&notice, None),
            Told::Other(other) => {
                let kept = blobs.first();
                self.blobs.extend(kept.map(|&hashed| events::blob(hashed, BlobRole::OtherBody)));
                self.notice(&other.notice, kept);
            }
            Told::Refetched(more) => {
                if let Some(seen) = self.folders.iter_mut().rev().find(|seen| seen.folder.path == more.path) {
                    seen.refetched.add(&more);
                }
            }
            Told::LongStart { .. } | Told::Part(_) | Told::LongEnd { .. } | Told::LongBroken => {}
        }
        Ok(())
    }

    fn notice(&mut self, notice: &Notice, kept: Option<&Hashed>) {
        self.noticed += 1;
        self.partial += u64::from(notice.is_partial);
        if let Some(path) = notice.path.as_ref().filter(|path| path.folder_of_account() == path.as_bytes()) {
            self.noticed_folders.insert(path.clone());
        }
        let notice = events::notice(notice, kept);
        self.notices_bytes += notice.size_bytes();
        self.notices.push(notice);
    }

    /// Begins a folder. The line of one that the case does not know is written at once, so that an empty one is told
    /// too; any other waits until there is something new in it.
    fn folder(&mut self, folder: Folder) -> Result<(), IngestError> {
        let is_new = !self.known.names(&folder.path);
        let path = folder.path.clone();
        self.folders.push(FolderSeen { folder, ..FolderSeen::default() });
        if is_new && !self.list_only { self.folder_line(&path) } else { Ok(()) }
    }

    /// Writes the line of a folder if the segment does not have it.
    fn folder_line(&mut self, path: &RelPath) -> Result<(), IngestError> {
        if self.written.contains(path) {
            return Ok(());
        }
        let Some(seen) = self.folders.iter().rev().find(|seen| seen.folder.path == *path) else {
            return Ok(());
        };
        let folder = &seen.folder;
        let comes_and_goes = |word: &&Vec<u8>| {
            word.eq_ignore_ascii_case(b"\\Marked") || word.eq_ignore_ascii_case(b"\\Unmarked")
        };
        let record = Record::Folder(record::Folder {
            path: path.clone(),
            name: folder.name.clone(),
            raw: (folder.raw != folder.name.as_bytes() && !folder.raw.is_empty()).then(|| folder.raw.clone()),
            delimiter: folder.delimiter.map(|byte| vec![byte]),
            attributes: folder.attributes.iter().filter(|word| !comes_and_goes(word)).cloned().collect(),
            uid_validity: folder.uid_validity,
            mailbox_id: folder.mailbox_id.clone(),
        });
        self.written.insert(path.clone());
        self.line(&record)
    }

    /// A message whose bytes are stored.
    pub(super) fn message(
        &mut self,
        at: Place,
        server: ServerState,
        notes: Vec<Anomaly>,
        hashed: Hashed,
    ) -> Result<(), IngestError> {
        let folder = RelPath::new(at.path.folder_of_account());
        self.folder_line(&folder)?;
        self.newest = self.newest.max(server.internal().map(|(at, _)| at));
        let Some(container) = self.container.checked_add(1) else {
            return Err(crate::store::StoreError::Full {
                what: "messages of an account",
                limit: u64::from(u32::MAX),
            }
            .into());
        };
        self.container = container;
        let record = Record::File(File {
            container,
            parent: None,
            kind: self.head.kind.clone(),
            path: at.path,
            size: hashed.len,
            sha256: hashed.sha256,
            wire: hashed.wire,
            uid: Some(at.uid),
            server: (!server.is_empty()).then(|| Box::new(server)),
            notes,
        });
        self.line(&record)?;
        self.items += 1;
        self.bytes += hashed.len;
        self.new.items += 1;
        self.new.new_items += 1;
        self.new.containers += 1;
        self.new.bytes += hashed.len;
        if let Some(seen) = self.folders.iter_mut().rev().find(|seen| seen.folder.path == folder) {
            seen.stored += 1;
            seen.bytes += hashed.len;
        }
        Ok(())
    }

    fn leave(&mut self, left: &Left) -> Result<(), IngestError> {
        // The places of `LEFT`.
        let (kind, nth) = match left.why {
            Why::Excluded => ("excluded", 0),
            Why::Failed => ("failed", 1),
            Why::Gone => ("gone", 2),
        };
        if let Some(count) = self.left.get_mut(nth) {
            *count += 1;
        }
        let note = Some(left.note.clone()).filter(|note| !note.is_empty());
        let entry = Entry { path: left.at.path.clone(), kind: kind.to_owned(), note };
        // A later run that says the same of it says nothing new.
        if self.list_only || self.known.has_left(&entry) {
            return Ok(());
        }
        self.folder_line(&RelPath::new(entry.path.folder_of_account()))?;
        self.line(&Record::Entry(entry))
    }

    /// Appends a line; the first one begins the segment.
    fn line(&mut self, record: &Record) -> Result<(), IngestError> {
        if self.segment.is_none() {
            self.segment = Some(self.store.new_segment()?);
            self.append(&Record::Account(self.head.clone()));
        }
        self.append(record);
        Ok(())
    }

    fn append(&mut self, record: &Record) {
        let from = self.lines.len();
        record.write_line(&mut self.lines);
        self.digest.lines(self.lines.get(from..).unwrap_or_default());
    }

    fn flush_lines(&mut self) -> Result<(), IngestError> {
        if let Some(segment) = self.segment
            && !self.lines.is_empty()
        {
            self.store.append_ledger(segment, &self.lines)?;
            self.lines.clear();
        }
        Ok(())
    }

    /// Makes everything durable, and says so.
    pub(super) fn commit(&mut self) -> Result<(), IngestError> {
        self.flush_lines()?;
        self.uncommitted = 0;
        self.last_commit = Instant::now();
        if !self.store.is_dirty() && self.blobs.is_empty() && self.notices.is_empty() {
            return Ok(());
        }
        self.notices_bytes = 0;
        let tally = CommitTally {
            blobs: std::mem::take(&mut self.blobs),
            items: self.items,
            notices: std::mem::take(&mut self.notices),
            segment: self.segment,
            ..CommitTally::default()
        };
        self.store.commit_event(&CustodyEvent::ItemsCommitted(tally))?;
        self.watch.committed(self.new.items);
        Ok(())
    }

    /// The end of the run: closes the segment when it came through, and tells the books.
    pub(super) fn finish(mut self, ended: Result<(), AcquireError>) -> Result<Acquired, IngestError> {
        let mut closed = None;
        let lost = if ended.is_ok() && !self.list_only { self.lost() } else { Vec::new() };
        if ended.is_ok() && self.segment.is_some() {
            let id = std::mem::take(&mut self.digest).finish();
            self.refuse_clash(&id)?;
            let record =
                Closed { id, containers: u64::from(self.container), items: self.items, bytes: self.bytes };
            Record::Closed(record.clone()).write_line(&mut self.lines);
            closed = Some(record);
        }
        self.commit()?;
        let balanced = self.folders.iter().all(FolderSeen::is_balanced);
        let run = AccountRun {
            balanced: (!self.list_only).then_some(balanced),
            bytes: self.new.bytes,
            error: ended.as_ref().err().map(ToString::to_string),
            excluded: self.left[0],
            failed: self.left[1],
            folders: self.folders.iter().map(|seen| events::folder(seen, self.list_only)).collect(),
            gone: self.left[2],
            items: self.new.items,
            label: self.label.clone(),
            newest_internal_date: self.newest.map(rfc3339),
            segment: self.segment,
            source: closed.as_ref().map(source_id),
            url: self.url.clone(),
        };
        let mut refetched = self.is_refetch.then(Refetched::default);
        if let Some(sum) = &mut refetched {
            self.folders.iter().for_each(|seen| sum.add(&seen.refetched));
        }
        self.store.commit_event(&match &ended {
            Err(_) => CustodyEvent::AccountStopped(run),
            Ok(()) if self.list_only => CustodyEvent::AccountListed(run),
            Ok(()) if self.segment.is_none() => CustodyEvent::AccountSeenAgain(run),
            Ok(()) => CustodyEvent::AccountAcquired(run),
        })?;
        Ok(Acquired {
            segment: self.segment,
            source: closed.as_ref().map(source_id),
            digest: closed.map(|closed| closed.id),
            is_resumed: self.is_resumed,
            totals: self.new,
            folders: self.folders,
            excluded: self.left[0],
            failed: self.left[1],
            gone: self.left[2],
            notices: self.noticed,
            partial: self.partial,
            newest: self.newest,
            refetched,
            lost,
            ended,
        })
    }

    /// Folders that the case has and the server has no more.
    fn lost(&mut self) -> Vec<Notice> {
        let mut told = std::mem::take(&mut self.noticed_folders);
        told.extend(self.folders.iter().map(|seen| seen.folder.path.clone()));
        let lost = self.known.lost(&told);
        for notice in &lost {
            self.notice(notice, None);
        }
        lost
    }

    fn refuse_clash(&self, id: &Sha256Digest) -> Result<(), IngestError> {
        let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        let source = SourceId::Known(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        let clash = self.store.segments().iter().any(|segment| segment.source() == source);
        if clash { Err(IngestError::IdClash { id: source.to_string() }) } else { Ok(()) }
    }
}
