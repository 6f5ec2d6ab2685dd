//! The one writer of a case: appends, commits, and recovers what an interrupted write left.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::types::event::Cut;
use crate::types::json;
use crate::types::{CustodyEvent, Sha256Digest};

use super::case::{CaseInfo, Run, State, state};
use super::chain::{Chain, Trouble, check_version, read_chain};
use super::custody::{Head, NOTHING, Stretch};
use super::disk::Disk;
use super::framed::LineForm;
use super::layout::{FileKind, Layout};
use super::lock::lock;
use super::long::Long;
use super::pack::{FRAME_IN_MEMORY, Frame, FrameAt, FrameLine};
use super::recover::{newest_pack, tail_of, tails};
use super::segment::{SegmentInfo, segments};
use super::tail::Tail;
use super::turn::{Told, catch_up, turn, write_event, write_head};
use super::{StoreError, VERSION};

/// Length from which on a pack takes no further frame.
const PACK_FULL: u64 = 1 << 30;

/// Most segments that [`crate::types::ItemKey`] can tell apart.
const MAX_SEGMENTS: u32 = (1 << 16) - 1;

/// Appends to a case. Holds its lock until dropped; what was not committed is lost with it.
#[derive(Debug)]
pub struct Writer {
    pub(super) layout: Layout,
    pub(super) disk: Disk,
    _hold: Hold,
    run: Run,
    is_run_told: bool,
    chain: Chain,
    custody: File,
    lines: BTreeMap<String, Tail>,
    pack: PackTail,
    pub(super) long: Option<Long>,
    to_sync: BTreeSet<PathBuf>,
    segments: Vec<SegmentInfo>,
    next_segment: u32,
    cuts: Vec<Cut>,
    // The error after which nobody knows what is on the disk.
    broken: Option<StoreError>,
    version: u32,
    pub(super) pack_full: u64,
}

/// The pack that grows.
#[derive(Debug)]
struct PackTail {
    number: u32,
    file: Option<(File, PathBuf)>,
    len: u64,
    is_unsynced: bool,
    // Whether bytes beyond `len` may have been written.
    has_rest: bool,
}

/// The hold on a case, until it is dropped.
#[derive(Debug)]
struct Hold {
    layout: Layout,
    // Unlocked when closed, also when the process dies.
    lock: Option<File>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Whoever has a turn relies on the case being held until its event is written. One that never gives its turn
        // back must not hold this process up either.
        let turn = turn(&self.layout);
        drop(self.lock.take());
        drop(turn);
    }
}

impl Writer {
    /// Makes a case in a directory that is empty, absent, or holds a case whose making was cut off.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when something else lies there (a case too), [`StoreError::Locked`],
    /// [`StoreError::Io`].
    pub fn create(dir: &Path, info: &CaseInfo, run: &Run) -> Result<Self, StoreError> {
        Self::create_with(Disk::default(), dir, info, run, VERSION)
    }

    pub(super) fn create_with(
        mut disk: Disk,
        dir: &Path,
        info: &CaseInfo,
        run: &Run,
        version: u32,
    ) -> Result<Self, StoreError> {
        let form = LineForm::of_version(version);
        let layout = Layout::new(dir).with_form(form);
        let refused = || StoreError::NotEmpty { path: dir.to_owned() };
        if matches!(state(dir)?, State::Case | State::Other) {
            return Err(refused());
        }
        if !dir.exists() {
            fs::create_dir_all(dir).map_err(|error| StoreError::io("make", dir, error))?;
        }
        let lock = lock(&layout)?;
        // Somebody may have made it between the look and the lock.
        if matches!(state(dir)?, State::Case | State::Other) {
            return Err(refused());
        }
        for folder in Layout::FOLDERS {
            disk.make_dir(&layout.at(folder))?;
        }
        // A torn log of an earlier try would stand before the first event.
        disk.remove(&layout.at(Layout::CUSTODY))?;
        let version_line = format!("mailtrail-case/{version}\n").into_bytes();
        let info = info.begun(run);
        let mut lines = BTreeMap::new();
        for (name, content) in [(Layout::VERSION, version_line), (Layout::CASE, info.bytes())] {
            let path = layout.at(name);
            disk.remove(&path)?;
            let mut tail = Tail::open(&mut disk, path, 0, 0, false)?;
            tail.append(&mut disk, &content)?;
            lines.insert(name.to_owned(), tail);
        }
        let path = layout.at(Layout::CUSTODY);
        let custody = disk.open(&path, true)?;
        if let Some(parent) = dir.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            disk.sync_dir(parent)?;
        }
        let head = Head { case: info.case, events: 0, head: Sha256Digest::from_bytes(NOTHING) };
        let (covers, frames) = (BTreeMap::new(), BTreeMap::new());
        let chain = Chain { head, covers, frames, form, len: 0, size: 0, head_behind: false };
        let mut writer = Self {
            to_sync: [dir.to_owned()].into(),
            lines,
            version,
            ..Self::with(layout, disk, lock, run, chain, custody)
        };
        writer.commit_event(&CustodyEvent::Created)?;
        Ok(writer)
    }

    /// Opens a case for writing. What an interrupted write left is cut off, with an event that says so.
    ///
    /// # Errors
    /// [`StoreError::NotACase`], [`StoreError::NewerFormat`], [`StoreError::Locked`]; [`StoreError::Damaged`] when the
    /// record has a fault that no crash explains.
    pub fn open(dir: &Path, run: &Run) -> Result<Self, StoreError> {
        Self::open_with(Disk::default(), dir, run)
    }

    pub(super) fn open_with(mut disk: Disk, dir: &Path, run: &Run) -> Result<Self, StoreError> {
        let layout = Layout::new(dir);
        let version = check_version(&layout)?;
        let layout = layout.with_form(LineForm::of_version(version));
        let lock = lock(&layout)?;
        // Recovery needs both: nobody may be in the midst of an append.
        let settled = turn(&layout)?;
        let chain = read_chain(&layout, true)?;
        if chain.form != LineForm::of_version(version) {
            // What the events name is of another format than the file says.
            let path = layout.at(Layout::VERSION);
            return Err(StoreError::Damaged { path, offset: 0, trouble: Trouble::FormInvalid });
        }
        let cuts = tails(&layout, &chain)?;
        let custody = disk.open(&layout.at(Layout::CUSTODY), false)?;
        let mut writer = Self::with(layout, disk, lock, run, chain, custody);
        writer.version = version;
        let recovered = writer.recover(cuts);
        // Before the writer may go, which takes a turn itself.
        drop(settled);
        recovered?;
        let (number, len) = newest_pack(&writer.layout, &writer.chain)?;
        writer.pack.number = number;
        writer.pack.len = len;
        writer.segments = segments(&writer.layout, &writer.chain)?;
        writer.next_segment = writer.chain.last(FileKind::Ledger) + 1;
        Ok(writer)
    }

    fn with(layout: Layout, disk: Disk, lock: File, run: &Run, chain: Chain, custody: File) -> Self {
        Self {
            layout: layout.clone(),
            disk,
            _hold: Hold { layout, lock: Some(lock) },
            run: run.clone(),
            is_run_told: false,
            chain,
            custody,
            lines: BTreeMap::new(),
            pack: PackTail { number: 0, file: None, len: 0, is_unsynced: false, has_rest: false },
            long: None,
            to_sync: BTreeSet::new(),
            segments: Vec::new(),
            next_segment: 1,
            cuts: Vec::new(),
            broken: None,
            version: VERSION,
            pack_full: PACK_FULL,
        }
    }

    /// First the event, then the cut: a crash between the two leaves tails that are found and told again.
    fn recover(&mut self, cuts: Vec<Cut>) -> Result<(), StoreError> {
        if self.chain.head_behind {
            // The head must never be two events behind.
            self.disk.sync(&self.custody, &self.layout.at(Layout::CUSTODY))?;
            let head = self.chain.head.clone();
            write_head(&mut self.disk, &self.layout, &head)?;
        }
        if cuts.is_empty() && !self.chain.head_behind {
            return Ok(());
        }
        let head_behind = self.chain.head_behind;
        let event = CustodyEvent::Recovered { cut: cuts.clone(), head_behind };
        self.guarded(|writer| writer.write_event(event.code(), &event.data(), Vec::new()))?;
        for cut in cuts.iter().filter(|cut| cut.path != Layout::CUSTODY) {
            let path = self.layout.at(&cut.path);
            if cut.from > 0 {
                let file = self.disk.open(&path, false)?;
                self.disk.set_len(&file, &path, cut.from)?;
                self.disk.sync(&file, &path)?;
            } else {
                self.disk.remove(&path)?;
                self.to_sync.extend(path.parent().map(Path::to_owned));
            }
        }
        for dir in std::mem::take(&mut self.to_sync) {
            self.disk.sync_dir(&dir)?;
        }
        self.chain.head_behind = false;
        self.cuts = cuts;
        Ok(())
    }

    /// The paths inside the case.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The version of the format that the case has.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The newest event.
    pub fn head(&self) -> &Head {
        &self.chain.head
    }

    /// What was cut off when the case was opened.
    pub fn recovered(&self) -> &[Cut] {
        &self.cuts
    }

    /// The segments of the ledger as they are committed.
    pub fn segments(&self) -> &[SegmentInfo] {
        &self.segments
    }

    /// Begins a segment; its file is made with its first line.
    ///
    /// # Errors
    /// [`StoreError::Full`] when no key could name its items.
    pub fn new_segment(&mut self) -> Result<u32, StoreError> {
        let number = self.next_segment;
        if number > MAX_SEGMENTS {
            return Err(StoreError::Full { what: "sources", limit: u64::from(MAX_SEGMENTS) });
        }
        self.next_segment += 1;
        Ok(number)
    }

    /// Appends whole lines to a segment.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the writer is of no use after that.
    pub fn append_ledger(&mut self, segment: u32, lines: &[u8]) -> Result<(), StoreError> {
        debug_assert!(lines.last().is_none_or(|&b| b == b'\n'), "whole lines");
        self.guarded(|writer| writer.append_lines(FileKind::Ledger, segment, lines))
    }

    /// Appends a frame to the newest pack.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the writer is of no use after that. [`StoreError::TooLong`] for a frame that nobody could
    /// read.
    pub fn append_frame(&mut self, frame: &Frame) -> Result<FrameAt, StoreError> {
        if self.long.is_some() {
            return Err(StoreError::Busy);
        }
        if frame.raw > FRAME_IN_MEMORY {
            return Err(StoreError::TooLong { len: frame.raw });
        }
        self.guarded(|writer| {
            writer.turn_pack()?;
            writer.write_pack(&frame.bytes, 0)?;
            let at = writer.frame_at(frame.bytes.len() as u64, frame.raw);
            writer.add_frame(at, frame.sha256, frame.blobs.clone())?;
            Ok(at)
        })
    }

    /// Whether something was appended since the last commit.
    pub fn is_dirty(&self) -> bool {
        self.lines.values().any(Tail::is_dirty)
    }

    /// Makes everything appended durable and tells it with an event. When this returns, "committed" may be said.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_event(&mut self, event: &CustodyEvent) -> Result<Head, StoreError> {
        self.commit(event.code(), &event.data())
    }

    /// As [`Self::commit_event`], for a `kind` of event that only a newer program knows; `data` is a canonical JSON
    /// object.
    ///
    /// # Errors
    /// [`StoreError::NotCanonical`], [`StoreError::Busy`]; [`StoreError::Io`], after which the writer is of no use.
    pub fn commit(&mut self, kind: &str, data: &[u8]) -> Result<Head, StoreError> {
        if self.long.is_some() {
            return Err(StoreError::Busy);
        }
        if !json::read_canonical(data).is_some_and(|value| value.is_object()) {
            return Err(StoreError::NotCanonical { kind: kind.to_owned() });
        }
        self.guarded(|writer| writer.commit_all(kind, data))
    }

    /// Commits what is left, if anything, and lets the case go.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn close(mut self) -> Result<Head, StoreError> {
        self.long = None;
        if self.is_dirty() {
            self.commit_event(&CustodyEvent::Stopped)?;
        }
        Ok(self.chain.head)
    }

    /// Does `act`; after an error nothing can be written any more, because nobody knows what is on the disk.
    pub(super) fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(first) = &self.broken {
            return Err(first.broken(&self.layout));
        }
        let done = act(self);
        if let Err(first) = &done {
            self.broken = Some(first.broken(&self.layout));
        }
        done
    }

    fn commit_all(&mut self, kind: &str, data: &[u8]) -> Result<Head, StoreError> {
        self.sync_pack()?;
        let mut files = Vec::new();
        // Lines of packs before lines of the ledger, which name what lies in the packs.
        for (name, tail) in self.lines.iter_mut().rev() {
            files.extend(tail.flush(&mut self.disk, name)?);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        for dir in std::mem::take(&mut self.to_sync) {
            self.disk.sync_dir(&dir)?;
        }
        let turn = turn(&self.layout)?;
        self.settle()?;
        let head = self.write_event(kind, data, files)?;
        drop(turn);
        for tail in self.lines.values_mut() {
            tail.committed();
        }
        let kept = [
            self.chain.name(FileKind::PackLines, self.pack.number.max(1)),
            self.chain.name(FileKind::Ledger, self.chain.last(FileKind::Ledger).max(1)),
        ];
        self.lines.retain(|name, _| kept.contains(name));
        Ok(head)
    }

    /// Takes what others have appended since the last commit, and puts right what one of them left when it was stopped.
    /// The writer has the turn.
    fn settle(&mut self) -> Result<(), StoreError> {
        catch_up(&self.layout, &mut self.chain)?;
        let head_behind = std::mem::take(&mut self.chain.head_behind);
        let is_torn = self.chain.head.events > 0 && self.chain.size > self.chain.len;
        if !head_behind && !is_torn {
            return Ok(());
        }
        if head_behind {
            // The head must never be two events behind.
            self.disk.sync(&self.custody, &self.layout.at(Layout::CUSTODY))?;
            write_head(&mut self.disk, &self.layout, &self.chain.head)?;
        }
        let mut cut = Vec::new();
        if is_torn {
            cut.push(tail_of(&self.layout, Layout::CUSTODY, self.chain.len)?);
        }
        let event = CustodyEvent::Recovered { cut, head_behind };
        self.write_event(event.code(), &event.data(), Vec::new()).map(drop)
    }

    /// Writes an event and the head; the writer has the turn.
    fn write_event(&mut self, kind: &str, data: &[u8], files: Vec<Stretch>) -> Result<Head, StoreError> {
        let at_us = self.run.clock.now_us();
        let told = Told { kind, data, files, run: (!self.is_run_told).then_some(&self.run), at_us };
        let head = write_event(&mut self.disk, &self.layout, &self.custody, &mut self.chain, told)?;
        self.is_run_told = true;
        Ok(head)
    }

    fn append_lines(&mut self, kind: FileKind, number: u32, lines: &[u8]) -> Result<(), StoreError> {
        let name = self.chain.name(kind, number);
        let tail = match self.lines.entry(name) {
            Entry::Occupied(tail) => tail.into_mut(),
            Entry::Vacant(place) => {
                let path = self.layout.at(place.key());
                let committed = self.chain.cover(place.key());
                if committed == 0 {
                    self.to_sync.extend(path.parent().map(Path::to_owned));
                }
                let stored = self.chain.stored(place.key());
                let is_framed = FileKind::is_framed(place.key());
                place.insert(Tail::open(&mut self.disk, path, committed, stored, is_framed)?)
            }
        };
        tail.append(&mut self.disk, lines)
    }

    /// Goes to the next pack when there is none or the newest is full.
    pub(super) fn turn_pack(&mut self) -> Result<(), StoreError> {
        if self.pack.number > 0 && self.pack.len < self.pack_full {
            return Ok(());
        }
        self.sync_pack()?;
        self.pack.number += 1;
        self.pack.len = 0;
        self.pack.file = None;
        Ok(())
    }

    fn sync_pack(&mut self) -> Result<(), StoreError> {
        if let Some((file, path)) = &self.pack.file {
            if self.pack.has_rest {
                self.disk.set_len(file, path, self.pack.len)?;
            }
            if self.pack.is_unsynced || self.pack.has_rest {
                self.disk.sync(file, path)?;
            }
        }
        self.pack.is_unsynced = false;
        self.pack.has_rest = false;
        Ok(())
    }

    /// Writes `bytes` at `offset` of the frame that the pack gets next.
    pub(super) fn write_pack(&mut self, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
        let file = if let Some(file) = self.pack.file.take() {
            file
        } else {
            let path = self.layout.numbered(FileKind::Pack, self.pack.number);
            if self.pack.len == 0 {
                self.to_sync.extend(path.parent().map(Path::to_owned));
            }
            (self.disk.open(&path, self.pack.len == 0)?, path)
        };
        let (file, path) = self.pack.file.insert(file);
        self.pack.has_rest = true;
        self.disk.write_at(file, path, bytes, self.pack.len + offset)
    }

    pub(super) fn frame_at(&self, len: u64, raw: u64) -> FrameAt {
        FrameAt { pack: self.pack.number, at: self.pack.len, len, raw }
    }

    pub(super) fn add_frame(
        &mut self,
        frame: FrameAt,
        sha256: Sha256Digest,
        blobs: Vec<(Sha256Digest, u64)>,
    ) -> Result<(), StoreError> {
        let mut line = Vec::with_capacity(200 + 80 * blobs.len());
        FrameLine { frame, sha256, blobs }.write_line(&mut line);
        self.append_lines(FileKind::PackLines, frame.pack, &line)?;
        self.pack.len += frame.len;
        self.pack.is_unsynced = true;
        Ok(())
    }
}
