//! Turns at the end of the custody log: while an import holds the case for hours, others may append one event between
//! two of its commits (docs/format.md, section 7).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::types::time::rfc3339_us;
use crate::types::{CustodyEvent, Sha256Digest};

use super::StoreError;
use super::case::Run;
use super::chain::{Chain, Trouble, check_version, read_chain, read_head};
use super::custody::{Event, Head, Stretch};
use super::disk::Disk;
use super::framed::LineForm;
use super::layout::Layout;
use super::lines::{Lines, MAX_LINE};
use super::lock::is_being_written;

/// How long somebody waits for a turn; one takes a few flushes of the disk.
const LONGEST: Duration = Duration::from_mins(1);

/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_millis(2);

/// How often [`append_event`] looks again whether the case is held, when it was let go in between.
const TRIES: u32 = 3;

/// The right to append one event, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    // Unlocked when closed, also when the process dies.
    _file: File,
}

/// Waits for a turn.
///
/// # Errors
/// [`StoreError::Io`]; [`StoreError::Locked`] when nobody gave it back for a minute.
pub(super) fn turn(layout: &Layout) -> Result<Turn, StoreError> {
    let path = layout.at(Layout::APPEND_LOCK);
    let wrong = |error| StoreError::io("lock", &path, error);
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(wrong)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Turn { _file: file }),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LONGEST => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: layout.root().to_owned(), pid: None });
            }
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
    }
}

/// What an event tells, before it has its place in the chain.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub kind: &'a str,
    pub data: &'a [u8],
    pub files: Vec<Stretch>,
    /// The command that writes it, in its first event.
    pub run: Option<&'a Run>,
    /// When.
    pub at_us: i64,
}

/// Writes an event behind the last one, and the head: steps 5 and 6 of a commit. The caller has the turn.
///
/// # Errors
/// [`StoreError::Full`] for an event that is too long; [`StoreError::Io`].
pub(super) fn write_event(
    disk: &mut Disk,
    layout: &Layout,
    custody: &File,
    chain: &mut Chain,
    told: Told<'_>,
) -> Result<Head, StoreError> {
    let event = Event {
        data: told.data.to_vec(),
        files: told.files,
        prev: chain.head.head,
        run: told.run.map(Run::bytes),
        seq: chain.head.events,
        ts: rfc3339_us(told.at_us),
        kind: told.kind.to_owned(),
    };
    let mut line = event.line();
    if line.len() as u64 >= MAX_LINE {
        return Err(StoreError::Full { what: "bytes in one event", limit: MAX_LINE });
    }
    let digest = Sha256Digest::of(&line);
    line.push(b'\n');
    let path = layout.at(Layout::CUSTODY);
    let len = chain.len + line.len() as u64;
    disk.write_at(custody, &path, &line, chain.len)?;
    if chain.size > len {
        disk.set_len(custody, &path, len)?;
    }
    disk.sync(custody, &path)?;
    let head = Head { case: chain.head.case.clone(), events: event.seq + 1, head: digest };
    write_head(disk, layout, &head)?;

    chain.len = len;
    chain.size = len;
    chain.head = head.clone();
    for stretch in event.files {
        if let Some(frame) = stretch.frame() {
            chain.frames.entry(stretch.path.clone()).or_default().push(frame);
        }
        chain.covers.insert(stretch.path, stretch.to);
    }
    Ok(head)
}

/// Puts a head in place of the old one.
pub(super) fn write_head(disk: &mut Disk, layout: &Layout, head: &Head) -> Result<(), StoreError> {
    let (new, old) = (layout.at(Layout::HEAD_NEW), layout.at(Layout::HEAD));
    disk.remove(&new)?;
    let file = disk.open(&new, true)?;
    disk.write_at(&file, &new, &head.bytes(), 0)?;
    disk.sync(&file, &new)?;
    disk.rename(&new, &old)?;
    disk.sync_dir(layout.root())
}

/// Reads what others have appended since the chain was read. The caller has the turn.
///
/// # Errors
/// [`StoreError::Damaged`] when what stands there was written by nobody who kept the rules.
pub(super) fn catch_up(layout: &Layout, chain: &mut Chain) -> Result<(), StoreError> {
    let path = layout.at(Layout::CUSTODY);
    let damaged =
        |path: &Path, offset, trouble| Err(StoreError::Damaged { path: path.to_owned(), offset, trouble });
    let size = fs::metadata(&path).map_err(|error| StoreError::io("read", &path, error))?.len();
    if size == chain.len || chain.head.events == 0 {
        chain.size = size;
        return Ok(());
    }
    if size < chain.len {
        return damaged(&path, size, Trouble::TooShort);
    }
    let mut lines = Lines::open(&path, chain.len, size)?;
    while let Some(line) = lines.next_line()? {
        let event = Event::parse(line.bytes).filter(|_| line.is_whole);
        let Some(event) = event.filter(|e| e.prev == chain.head.head && e.seq == chain.head.events) else {
            break;
        };
        if !event.files.is_empty() {
            return damaged(&path, line.at, Trouble::StretchesBroken);
        }
        chain.head.head = Sha256Digest::of(line.bytes);
        chain.head.events += 1;
        chain.len = line.at + line.bytes.len() as u64 + 1;
    }
    chain.size = size;
    let head_path = layout.at(Layout::HEAD);
    match read_head(layout)? {
        Some(head) if head == chain.head => chain.head_behind = false,
        // Whoever appended the last event was stopped before its head.
        Some(head) if head.events + 1 == chain.head.events => chain.head_behind = true,
        _ => return damaged(&head_path, 0, Trouble::HeadUnknown),
    }
    Ok(())
}

/// Appends one event that covers no file to a case that somebody else holds. Nothing is recovered, cut or removed.
/// Answers `None` when nobody holds the case any more: then it is to be opened as a whole.
///
/// # Errors
/// [`StoreError::Unsettled`] when the log ends in what a write that was cut off has left; [`StoreError::NotACase`],
/// [`StoreError::NewerFormat`], [`StoreError::Damaged`], [`StoreError::Io`].
pub fn append_event(dir: &Path, run: &Run, event: &CustodyEvent) -> Result<Option<Head>, StoreError> {
    append_with(&mut Disk::default(), dir, run, event)
}

pub(super) fn append_with(
    disk: &mut Disk,
    dir: &Path,
    run: &Run,
    event: &CustodyEvent,
) -> Result<Option<Head>, StoreError> {
    let layout = Layout::new(dir);
    let layout = layout.with_form(LineForm::of_version(check_version(&Layout::new(dir))?));
    let _turn = turn(&layout)?;
    // Who holds the case lets it go only in a turn of its own, so this stays true until the event is written.
    if !(0..TRIES).any(|_| is_being_written(&layout)) {
        return Ok(None);
    }
    let mut chain = read_chain(&layout, true)?;
    if chain.head_behind || chain.size > chain.len {
        return Err(StoreError::Unsettled { path: layout.at(Layout::CUSTODY), offset: chain.len });
    }
    let custody = disk.open(&layout.at(Layout::CUSTODY), false)?;
    let data = event.data();
    let told = Told {
        kind: event.code(),
        data: &data,
        files: Vec::new(),
        run: Some(run),
        at_us: run.clock.now_us(),
    };
    write_event(disk, &layout, &custody, &mut chain, told).map(Some)
}
