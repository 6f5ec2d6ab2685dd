//! Files of the source: opened read-only, looked at before and after, read once from front to back.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::types::digest::Sha256Stream;
use crate::types::legacy::LegacyStream;

/// What the file system says of an open file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
    /// Last change of content, name count, owner or mode, in the same unit.
    pub ctime_ns: i64,
    /// Last reading, in the same unit; not compared, and kept as it is where the system allows.
    pub atime_ns: i64,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    /// File type and permission bits.
    pub mode: u32,
    /// Number of names (hard links).
    pub nlink: u64,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
}

impl FileState {
    /// What was told of an open file.
    pub fn of(m: &Metadata) -> Self {
        let ns = |secs: i64, ns: i64| secs.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            size: m.len(),
            mtime_ns: ns(m.mtime(), m.mtime_nsec()),
            ctime_ns: ns(m.ctime(), m.ctime_nsec()),
            atime_ns: ns(m.atime(), m.atime_nsec()),
            inode: m.ino(),
            device: m.dev(),
            mode: m.mode(),
            nlink: m.nlink(),
            uid: m.uid(),
            gid: m.gid(),
        }
    }

    /// What tells, with the size, whether the file may have changed.
    pub fn stamp(&self) -> FileStamp {
        let Self { mtime_ns, ctime_ns, device, inode, .. } = *self;
        FileStamp { mtime_ns, ctime_ns, device, inode }
    }

    /// Whether this and an earlier look may show different content, or another file.
    pub fn differs_from(&self, before: &Self) -> bool {
        let key = |s: &Self| (s.size, s.mtime_ns, s.ctime_ns, s.inode, s.device, s.nlink);
        key(self) != key(before)
    }
}

/// What a file system changes when the content of a file changes, and which file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp {
    /// Last change of the content, in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
    /// Last change of content, name count, owner or mode, in the same unit.
    pub ctime_ns: i64,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

impl FileStamp {
    pub(super) fn of(s: &rustix::fs::Stat) -> Self {
        let ns = |secs: i64, ns: Option<i64>| {
            secs.saturating_mul(1_000_000_000).saturating_add(ns.unwrap_or_default())
        };
        // The kernel's type for nanoseconds differs between machines.
        let (mtime, ctime) = (i64::try_from(s.st_mtime_nsec).ok(), i64::try_from(s.st_ctime_nsec).ok());
        Self {
            mtime_ns: ns(s.st_mtime, mtime),
            ctime_ns: ns(s.st_ctime, ctime),
            device: s.st_dev,
            inode: s.st_ino,
        }
    }
}

/// See [`super::open`].
pub(super) fn open(path: &Path) -> io::Result<(File, FileState)> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let with = |extra: i32| OpenOptions::new().read(true).custom_flags(flags | extra).open(path);
    // O_NOATIME is for the owner only.
    let file = match with(libc::O_NOATIME) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => with(0)?,
        other => other?,
    };
    checked(file)
}

/// An open file with its state, when it is a plain one.
pub(super) fn checked(file: File) -> io::Result<(File, FileState)> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file any more"));
    }
    Ok((file, FileState::of(&metadata)))
}

/// Bytes taken from the reader at a time: they stay in the second-level cache until they are hashed.
const PIECE: usize = 256 * 1024;

/// A reader that is read once, hashing on the way. An error ends it like the end of the file does.
pub(super) struct Pump<'a> {
    reader: Box<dyn Read + 'a>,
    /// The same bytes for reading ahead, where that can be done.
    pub ahead: Option<&'a File>,
    hash: Option<Sha256Stream>,
    legacy: Option<LegacyStream>,
    /// Bytes read so far.
    pub at: u64,
    /// Whether there is no more.
    pub eof: bool,
    /// Where reading failed, and why.
    pub error: Option<(u64, io::Error)>,
}

impl<'a> Pump<'a> {
    /// A pump whose first bytes `head` were taken from the reader already.
    pub(super) fn new(reader: Box<dyn Read + 'a>, ahead: Option<&'a File>) -> Self {
        Self { reader, ahead, hash: None, legacy: None, at: 0, eof: false, error: None }
    }

    /// Hashes from here on, with what was read before given as `head`.
    pub(super) fn hash_from(&mut self, head: &[u8], sha256: bool, md5: bool, sha1: bool) {
        if sha256 {
            let mut hash = Sha256Stream::new();
            hash.update(head);
            self.hash = Some(hash);
        }
        if md5 || sha1 {
            let mut legacy = LegacyStream::new(md5, sha1);
            legacy.update(head);
            self.legacy = Some(legacy);
        }
    }

    /// The digests of all bytes read.
    pub(super) fn finish(self) -> (Option<Sha256Stream>, Option<LegacyStream>, Option<(u64, io::Error)>) {
        (self.hash, self.legacy, self.error)
    }

    /// Fills an empty `buf` with a file of `size` bytes, if it still has that size, without a copy.
    pub(super) fn fill_exactly(&mut self, buf: &mut Vec<u8>, size: usize) {
        buf.resize(size.saturating_add(1), 0);
        let mut got = 0usize;
        while let Some(room) = buf.get_mut(got..).filter(|room| !room.is_empty()) {
            match self.reader.read(room) {
                Ok(0) => {
                    self.eof = true;
                    break;
                }
                Ok(n) => got = got.saturating_add(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some((got as u64, error));
                    self.eof = true;
                    break;
                }
            }
        }
        buf.truncate(got);
        self.at = got as u64;
    }

    /// Appends to `buf` until it holds `want` more bytes or there is no more.
    pub(super) fn fill(&mut self, buf: &mut Vec<u8>, want: usize) {
        // A small file that is read already must not hold room for a large one.
        if self.eof {
            return;
        }
        let target = buf.len().saturating_add(want);
        buf.reserve(want);
        while !self.eof && buf.len() < target {
            let (from, room) = (buf.len(), target.saturating_sub(buf.len()).min(PIECE));
            // Appends without clearing memory first; keeps what it read before an error.
            let result = self.reader.by_ref().take(room as u64).read_to_end(buf);
            let got = buf.get(from..).unwrap_or_default();
            if let Some(hash) = &mut self.hash {
                hash.update(got);
            }
            if let Some(legacy) = &mut self.legacy {
                legacy.update(got);
            }
            self.at = self.at.saturating_add(got.len() as u64);
            self.eof = got.len() < room;
            if let Err(error) = result {
                self.error = Some((self.at, error));
                self.eof = true;
            }
        }
    }

    /// Up to `len` bytes at `at`, without moving on; `None` when the reader cannot look ahead.
    pub(super) fn look(&self, at: u64, len: usize) -> Option<Vec<u8>> {
        let file = self.ahead?;
        let mut out = vec![0; len];
        let mut got = 0usize;
        while let Some(rest) = out.get_mut(got..).filter(|r| !r.is_empty()) {
            match file.read_at(rest, at.saturating_add(got as u64)) {
                Ok(n) if n > 0 => got = got.saturating_add(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        out.truncate(got);
        Some(out)
    }
}
