//! Walks a source without following or opening anything but directories, each relative to the descriptor of the one
//! around it.

use std::ffi::CStr;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, open, openat, readlinkat, statat};

use crate::types::digest::Sha256Stream;
use crate::types::json::Obj;
use crate::types::record::Entry;
use crate::types::{RelPath, Sha256Digest};

use super::file::{FileStamp, FileState};
use super::folder::below;
use super::{Found, Listing, SourceError, What};

/// Longest path, counted with that of the source, that other programs can open (Linux `PATH_MAX`, with the NUL).
const PATH_MAX: usize = 4096;

/// Lists a source in byte order of the relative paths.
///
/// Files, and as entries: links, devices, FIFOs, sockets, empty directories, and what could not be read. Nothing but
/// directories is opened and no link is followed, not even when `root` is one. A plain file given as `root` is one
/// entry under its own name.
///
/// # Errors
/// [`SourceError::Root`] when `root` itself cannot be looked at.
pub fn list(root: &Path) -> Result<Listing, SourceError> {
    let failed = |source| SourceError::Root { path: root.to_owned(), source };
    let metadata = fs::symlink_metadata(root).map_err(failed)?;
    let mut found = Vec::new();
    let single = !metadata.is_dir();
    if single {
        let name = root.file_name().map_or(&b"file"[..], |name| name.as_bytes());
        found.push(alone(RelPath::new(name), root, &metadata));
    } else {
        let top = open(root, folder_flags(), Mode::empty()).map_err(|e| failed(e.into()))?;
        let inner = top.try_clone().map_err(failed)?;
        let mut walk = Walk { root: root.as_os_str().len(), chain: Vec::new(), found, pending: Vec::new() };
        walk.folder(inner, b"").map_err(failed)?;
        while let Some(path) = walk.pending.pop() {
            walk.descend(&top, &path);
        }
        found = walk.found;
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    }
    let bytes = found.iter().fold(0u64, |sum, f| sum.saturating_add(size_of(&f.what)));
    let digest = digest(&found);
    Ok(Listing { root: root.to_owned(), single, found, digest, bytes })
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// A walk over one source.
struct Walk {
    /// Length of the path of the source.
    root: usize,
    /// The open folders on the way to the last one.
    chain: Vec<(Vec<u8>, OwnedFd)>,
    found: Vec<Found>,
    /// Folders that were found and not looked into yet.
    pending: Vec<Vec<u8>>,
}

impl Walk {
    /// Lists the folder at `path`; one that cannot be opened is unreadable.
    fn descend(&mut self, top: &OwnedFd, path: &[u8]) {
        use std::os::fd::AsFd as _;
        let (above, name) = match memchr::memrchr(b'/', path) {
            Some(at) => (path.get(..at).unwrap_or_default(), path.get(at.saturating_add(1)..)),
            None => (&b""[..], Some(path)),
        };
        let name = name.unwrap_or_default();
        let length = self.root.saturating_add(path.len()).saturating_add(2);
        let opened = if length > PATH_MAX {
            Err(io::Error::from(rustix::io::Errno::NAMETOOLONG))
        } else {
            below(top.as_fd(), &mut self.chain, above, |folder| {
                Ok(openat(folder, name, folder_flags(), Mode::empty())?)
            })
        };
        if let Err(error) = opened.and_then(|folder| self.folder(folder, path)) {
            self.found.push(unreadable(path, &error));
        }
    }

    /// Lists an open folder.
    #[expect(clippy::needless_pass_by_value, reason = "the folder is closed when its list has been read")]
    fn folder(&mut self, folder: OwnedFd, path: &[u8]) -> io::Result<()> {
        use std::os::fd::AsFd as _;
        let mut is_empty = true;
        let mut names = Dir::read_from(&folder)?;
        while let Some(entry) = names.read() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            is_empty = false;
            let mut full =
                Vec::with_capacity(path.len().saturating_add(1).saturating_add(name.to_bytes().len()));
            if !path.is_empty() {
                full.extend_from_slice(path);
                full.push(b'/');
            }
            full.extend_from_slice(name.to_bytes());
            if entry.file_type() == rustix::fs::FileType::Directory {
                self.pending.push(full);
                continue;
            }
            match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => self.thing(folder.as_fd(), name, full, &stat),
                Err(error) => self.found.push(unreadable(&full, &error.into())),
            }
        }
        if is_empty && !path.is_empty() {
            self.found.push(other(RelPath::new(path), "directory", None));
        }
        Ok(())
    }

    fn thing(&mut self, folder: BorrowedFd<'_>, name: &CStr, path: Vec<u8>, stat: &Stat) {
        use rustix::fs::FileType as Kind;
        let kind = match Kind::from_raw_mode(stat.st_mode) {
            // Some file systems tell the type only when asked for each.
            Kind::Directory => return self.pending.push(path),
            Kind::RegularFile => {
                let what = What::File { size: stat.st_size.cast_unsigned(), stamp: FileStamp::of(stat) };
                return self.found.push(Found { path: RelPath::new(path), what });
            }
            Kind::Symlink => {
                let note = match readlinkat(folder, name, Vec::new()) {
                    Ok(target) => target.into_bytes(),
                    Err(error) => io::Error::from(error).to_string().into_bytes(),
                };
                return self.found.push(other(RelPath::new(path), "symlink", Some(note)));
            }
            Kind::Fifo => "fifo",
            Kind::Socket => "socket",
            _ => "device",
        };
        self.found.push(other(RelPath::new(path), kind, None));
    }
}

/// A source that is no folder.
fn alone(path: RelPath, place: &Path, metadata: &Metadata) -> Found {
    let kind: FileType = metadata.file_type();
    let kind = if kind.is_file() {
        let state = FileState::of(metadata);
        return Found { path, what: What::File { size: state.size, stamp: state.stamp() } };
    } else if kind.is_symlink() {
        let note = match fs::read_link(place) {
            Ok(target) => target.as_os_str().as_bytes().to_vec(),
            Err(error) => error.to_string().into_bytes(),
        };
        return other(path, "symlink", Some(note));
    } else if kind.is_fifo() {
        "fifo"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    };
    other(path, kind, None)
}

fn unreadable(path: &[u8], error: &io::Error) -> Found {
    other(RelPath::new(path), "unreadable", Some(error.to_string().into_bytes()))
}

fn other(path: RelPath, kind: &str, note: Option<Vec<u8>>) -> Found {
    let entry = Entry { path: path.clone(), kind: kind.to_owned(), note };
    Found { path, what: What::Other(Box::new(entry)) }
}

fn size_of(what: &What) -> u64 {
    match what {
        What::File { size, .. } => *size,
        What::Other(_) => 0,
    }
}

fn digest(found: &[Found]) -> Sha256Digest {
    let mut hash = Sha256Stream::new();
    let mut line = Vec::new();
    for thing in found {
        line.clear();
        let mut o = Obj::new(&mut line);
        let kind = match &thing.what {
            What::File { .. } => "file",
            What::Other(entry) => &entry.kind,
        };
        o.text("path", thing.path.as_bytes()).uint("size", size_of(&thing.what)).str("type", kind);
        o.end();
        line.push(b'\n');
        hash.update(&line);
    }
    hash.finish()
}

impl Listing {
    /// Digest of what the file system says of all files of the source, when it can be relied on: `None` where
    /// something in the source could not be read.
    pub fn stamps(&self) -> Option<Sha256Digest> {
        let mut stamps = StampsDigest::new(&self.digest);
        for found in &self.found {
            match &found.what {
                What::File { size, stamp } => stamps.add(&found.path, *size, stamp),
                What::Other(entry) if entry.kind == "unreadable" => return None,
                What::Other(_) => {}
            }
        }
        Some(stamps.finish())
    }

    /// The newest change that the file system tells of a file of the source (ctime), in nanoseconds since 1970.
    pub fn newest_change_ns(&self) -> i64 {
        let ctimes = self.found.iter().filter_map(|found| match &found.what {
            What::File { stamp, .. } => Some(stamp.ctime_ns),
            What::Other(_) => None,
        });
        ctimes.max().unwrap_or(i64::MIN)
    }

    /// Number of the mount that the source lies on; `None` where the system does not tell it.
    pub fn mount(&self) -> Option<u64> {
        use rustix::fs::{CWD, StatxFlags, statx};
        let stat = statx(CWD, &self.root, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).ok()?;
        (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id)
    }
}

/// Digest over the listing of a source and, for each file in its order, its path with a NUL behind it, and size,
/// mtime, ctime (nanoseconds since 1970), device and inode as eight bytes each, the lowest first.
#[derive(Debug)]
pub struct StampsDigest(Sha256Stream);

impl StampsDigest {
    /// Begins with the digest of the listing.
    pub fn new(listing: &Sha256Digest) -> Self {
        let mut hash = Sha256Stream::new();
        hash.update(listing.as_bytes());
        Self(hash)
    }

    /// The next file.
    pub fn add(&mut self, path: &RelPath, size: u64, stamp: &FileStamp) {
        self.0.update(path.as_bytes());
        self.0.update(&[0]);
        let mut row = [0; 40];
        let numbers =
            [size, stamp.mtime_ns.cast_unsigned(), stamp.ctime_ns.cast_unsigned(), stamp.device, stamp.inode];
        for (place, number) in row.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        self.0.update(&row);
    }

    /// The digest.
    pub fn finish(self) -> Sha256Digest {
        self.0.finish()
    }
}
