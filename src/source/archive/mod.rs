//! Opens archives: what is in them is read like files, within limits; nothing is ever unpacked to a path.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

use crate::types::{Anomaly, AnomalyKind, RelPath};

use super::file::FileState;
use super::maildir::{Role, role_inside};
use super::session::{Flow, Input, Session};
use super::{Close, Event, Limits, Open};

mod codec;
mod tar;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_hidden;
mod zip;

/// What the archives of one file of the source may still cost.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    limits: &'a Limits,
    /// Bytes unpacked so far, at all levels.
    made: Cell<u64>,
    /// Most of them.
    most: u64,
    /// Files read so far, at all levels.
    files: Cell<u64>,
    /// The file and how it was after its own bytes were read.
    file: Option<(&'a File, FileState)>,
}

/// Bytes that an archive may always unpack to, however small it is.
const FREE: u64 = 16 << 20;

impl<'a> Budget<'a> {
    /// For an archive file of `size` bytes.
    pub(super) fn new(limits: &'a Limits, size: u64, file: Option<(&'a File, FileState)>) -> Self {
        let most = size.saturating_mul(limits.archive_ratio).max(FREE);
        let most = most.min(limits.archive_total.unwrap_or(u64::MAX));
        Self { limits, made: Cell::new(0), most, files: Cell::new(0), file }
    }

    /// Whether the archive file has changed since its own bytes were read.
    pub(super) fn is_changed(&self) -> bool {
        self.file.is_some_and(|(file, state)| {
            !file.metadata().is_ok_and(|m| !FileState::of(&m).differs_from(&state))
        })
    }
}

/// A limit that was hit while unpacking; travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Hit {
    /// Too many bytes.
    #[error("the archive unpacks to more than {most} bytes, the limit for its size")]
    Bytes {
        /// The limit.
        most: u64,
    },
    /// Too many small streams.
    #[error("the file has more than {most} streams that unpack to less than {small} bytes each")]
    Streams {
        /// The limit.
        most: u32,
        /// What is small.
        small: u64,
    },
    /// Too many files.
    #[error("the archive holds more than {most} files")]
    Files {
        /// The limit.
        most: u64,
    },
}

/// Whether an error is a limit that was hit.
pub(super) fn is_limit(error: &io::Error) -> bool {
    error.get_ref().and_then(|e| e.downcast_ref::<Hit>()).is_some()
}

/// A reader that spends a budget.
struct Guard<'a, R> {
    inner: R,
    budget: &'a Budget<'a>,
}

impl<R: Read> Read for Guard<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.most.saturating_sub(self.budget.made.get());
        let room = buf.len().min(usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX));
        let n = self.inner.read(buf.get_mut(..room).unwrap_or_default())?;
        if n as u64 > left {
            self.budget.made.set(self.budget.most);
            return Err(io::Error::other(Hit::Bytes { most: self.budget.most }));
        }
        self.budget.made.set(self.budget.made.get().saturating_add(n as u64));
        Ok(n)
    }
}

/// A stretch of an open file or of bytes in memory, read by position.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    from: Place<'a>,
    start: u64,
    len: u64,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    File(&'a File),
    Memory(&'a [u8]),
}

impl<'a> Section<'a> {
    /// The first `len` bytes of a file.
    pub(super) fn of_file(file: &'a File, len: u64) -> Self {
        Self { from: Place::File(file), start: 0, len, at: 0 }
    }

    /// Bytes in memory.
    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { from: Place::Memory(bytes), start: 0, len: bytes.len() as u64, at: 0 }
    }

    /// A stretch of this one; ends where this one ends.
    fn part(&self, start: u64, len: u64) -> Self {
        let start = start.min(self.len);
        let len = len.min(self.len.saturating_sub(start));
        Self { from: self.from, start: self.start.saturating_add(start), len, at: 0 }
    }

    /// Exactly `len` bytes at `at`.
    fn exactly(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; len];
        self.part(at, len as u64).read_exact(&mut out)?;
        Ok(out)
    }
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buf.len().min(left);
        let buf = buf.get_mut(..room).unwrap_or_default();
        let from = self.start.saturating_add(self.at);
        let n = match self.from {
            Place::File(file) => file.read_at(buf, from)?,
            Place::Memory(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let mut rest = bytes.get(from..).unwrap_or_default();
                rest.read(buf)?
            }
        };
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

/// How the bytes of an archive can be had once more, after they were handed over.
#[derive(Clone, Debug)]
pub(super) enum Again<'a> {
    /// They are at hand.
    Section(Section<'a>),
    /// By unpacking them once more.
    Unpack(&'a Again<'a>, &'static str),
    /// Not at all.
    No,
}

impl<'a> Again<'a> {
    fn open(&self) -> io::Result<Box<dyn Read + 'a>> {
        match self {
            Self::Section(section) => Ok(Box::new(section.clone())),
            Self::Unpack(outer, kind) => codec::unpack(outer.open()?, kind),
            Self::No => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The first bytes of them, at most `len`; none where they cannot be had.
    fn start(&self, len: u64) -> Vec<u8> {
        let mut out = Vec::new();
        match self.open().and_then(|reader| reader.take(len).read_to_end(&mut out)) {
            Ok(_) => out,
            Err(_) => Vec::new(),
        }
    }

    /// A stretch of them, where that needs no reading up to it.
    fn part(&self, start: u64, len: u64) -> Again<'a> {
        match self {
            Self::Section(section) => Self::Section(section.part(start, len)),
            Self::Unpack(..) | Self::No => Self::No,
        }
    }
}

/// An archive that is about to be opened.
pub(super) struct Outer<'a> {
    pub container: u32,
    pub path: &'a RelPath,
    pub kind: &'static str,
    pub role: Role,
    pub uid: Option<u64>,
    pub depth: u32,
    pub again: &'a Again<'a>,
    pub budget: &'a Budget<'a>,
}

impl Outer<'_> {
    fn input<'b>(
        &'b self,
        name: &[u8],
        role: Role,
        reader: Box<dyn Read + 'b>,
        again: Again<'b>,
    ) -> Input<'b> {
        Input {
            notes: Vec::new(),
            path: self.path.inside(name),
            parent: Some(self.container),
            role,
            uid: None,
            before: None,
            reader,
            ahead: None,
            size: None,
            depth: self.depth.saturating_add(1),
            again,
            budget: Some(self.budget),
        }
    }
}

/// Whether this kind of container is an archive.
pub(super) fn is_archive(kind: &str) -> bool {
    matches!(kind, "gzip" | "bzip2" | "xz" | "zstd" | "zip" | "tar")
}

/// What an archive is known to be before its own container is closed.
pub(super) enum Ready<'a> {
    Stream,
    Tar,
    Zip(zip::Directory<'a>),
}

/// Looks whether the archive can be opened, and what about it is damaged; the error says why it cannot be.
pub(super) fn prepare<'a>(kind: &str, again: &Again<'a>) -> io::Result<(Ready<'a>, Option<String>)> {
    match (kind, again) {
        ("zip", Again::Section(section)) => Ok(match zip::Directory::find(section.clone()) {
            Ok(directory) => (Ready::Zip(directory), None),
            Err(error) => (Ready::Zip(zip::Directory::none(section.clone())), Some(error.to_string())),
        }),
        ("zip", Again::Unpack(..)) | (_, Again::No) => Err(io::ErrorKind::Unsupported.into()),
        ("tar", _) => Ok((Ready::Tar, None)),
        _ => Ok((Ready::Stream, None)),
    }
}

/// Reads what is in an archive.
pub(super) fn open(session: &mut Session<'_>, outer: &Outer<'_>, ready: Ready<'_>) -> Flow {
    match ready {
        Ready::Stream => stream(session, outer),
        Ready::Tar => tar::open(session, outer),
        Ready::Zip(directory) => zip::open(session, outer, &directory),
    }
}

/// The one file in a compressed file.
fn stream(session: &mut Session<'_>, outer: &Outer<'_>) -> Flow {
    let again = Again::Unpack(outer.again, outer.kind);
    let name = codec::inner_name(outer.path.name());
    match again.open() {
        Ok(reader) => {
            let reader = Box::new(Guard { inner: reader, budget: outer.budget });
            let mut input = outer.input(&name, outer.role, reader, again);
            input.uid = outer.uid;
            session.container(input)?;
            let head = outer.again.start(8 * 1024);
            match codec::skippable(&head) {
                skipped if outer.kind == "zstd" && skipped > 0 => {
                    let what = format!("{skipped} bytes of frames that unpack to nothing");
                    rest(session, outer, b"", "archive-rest", 0, &what)
                }
                _ => CONTINUE,
            }
        }
        Err(error) => rest(session, outer, &name, "archive-damaged", 0, &error.to_string()),
    }
}

/// One file of a tar or zip archive; `hidden` says why common programs do not show it.
fn member<'b>(
    session: &mut Session<'_>,
    outer: &'b Outer<'b>,
    name: &[u8],
    hidden: &[&str],
    reader: Box<dyn Read + 'b>,
    again: Again<'b>,
) -> Flow {
    let budget = outer.budget;
    let files = budget.files.get().saturating_add(1);
    if files > budget.limits.archive_entries {
        let most = budget.limits.archive_entries;
        return rest(session, outer, name, "archive-limit", 0, &Hit::Files { most }.to_string());
    }
    budget.files.set(files);
    let mut input = outer.input(name, role_inside(name), Box::new(Guard { inner: reader, budget }), again);
    if !hidden.is_empty() {
        input.notes.push(Anomaly::whole(AnomalyKind::ArchiveEntryHidden).with(hidden.join("; ")));
    }
    session.container(input)
}

/// Whether no more files may be read.
fn is_full(outer: &Outer<'_>) -> bool {
    outer.budget.files.get() >= outer.budget.limits.archive_entries
        || outer.budget.made.get() >= outer.budget.most
}

/// Something in an archive that has no bytes, or of which none can be had: an empty container that says why. An empty
/// name stands for the rest of the archive.
fn rest(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    name: &[u8],
    reason: &'static str,
    at: u64,
    what: &str,
) -> Flow {
    let container = session.next()?;
    let path = outer.path.inside(name);
    session.send(Event::Open(Open {
        container,
        parent: Some(outer.container),
        path,
        kind: "other",
        before: None,
    }))?;
    session.send(Event::Close(Close {
        container,
        items: 0,
        size: 0,
        sha256: Some(crate::types::Sha256Digest::of(b"")),
        md5: None,
        sha1: None,
        reason: Some(reason),
        error: Some((at, what.to_owned())),
        notes: Vec::new(),
        after: None,
        changed: false,
    }))
}

/// Says that the rest of an archive is left because a limit was hit.
fn rest_over_limit(session: &mut Session<'_>, outer: &Outer<'_>, at: u64) -> Flow {
    let budget = outer.budget;
    let hit = if budget.made.get() >= budget.most {
        Hit::Bytes { most: budget.most }
    } else {
        Hit::Files { most: budget.limits.archive_entries }
    };
    rest(session, outer, b"", "archive-limit", at, &hit.to_string())
}

const CONTINUE: Flow = ControlFlow::Continue(());
