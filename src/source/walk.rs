//! Walks a source without following or opening anything but directories.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::types::digest::Sha256Stream;
use crate::types::json::Obj;
use crate::types::record::Entry;
use crate::types::{RelPath, Sha256Digest};

use super::{Found, Listing, SourceError, What};

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
    if metadata.is_dir() {
        fs::read_dir(root).map_err(failed)?;
        walk(root, &mut found);
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    } else {
        let name = root.file_name().map_or(&b"file"[..], |name| name.as_bytes());
        found.push(thing(RelPath::new(name), root, metadata.file_type(), Ok(metadata)));
    }
    let bytes = found.iter().fold(0u64, |sum, f| sum.saturating_add(size_of(&f.what)));
    let digest = digest(&found);
    Ok(Listing { root: root.to_owned(), single: !fs_is_dir(root), found, digest, bytes })
}

fn fs_is_dir(root: &Path) -> bool {
    fs::symlink_metadata(root).is_ok_and(|m| m.is_dir())
}

fn walk(root: &Path, found: &mut Vec<Found>) {
    // A directory that nothing follows at a greater depth is empty.
    let mut dir: Option<(RelPath, usize)> = None;
    let empty = |dir: Option<(RelPath, usize)>, depth: usize, found: &mut Vec<Found>| {
        if let Some((path, own)) = dir
            && depth <= own
        {
            found.push(other(path, "directory", None));
        }
    };
    for step in WalkDir::new(root).follow_root_links(false).min_depth(1) {
        match step {
            Ok(entry) => {
                empty(dir.take(), entry.depth(), found);
                let path = below(root, entry.path());
                if entry.file_type().is_dir() {
                    dir = Some((path, entry.depth()));
                } else {
                    let metadata = entry.metadata().map_err(io::Error::from);
                    found.push(thing(path, entry.path(), entry.file_type(), metadata));
                }
            }
            Err(error) => {
                let path = error.path().map_or_else(RelPath::default, |p| below(root, p));
                // The directory that could not be opened is the one just met.
                if dir.as_ref().is_some_and(|(p, _)| *p != path) {
                    empty(dir.take(), error.depth(), found);
                }
                dir = None;
                let note = error.io_error().map_or_else(|| "unreadable".to_owned(), ToString::to_string);
                found.push(other(path, "unreadable", Some(note.into_bytes())));
            }
        }
    }
    empty(dir, 0, found);
}

fn below(root: &Path, path: &Path) -> RelPath {
    RelPath::new(path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes())
}

fn thing(path: RelPath, place: &Path, kind: FileType, metadata: io::Result<Metadata>) -> Found {
    let kind = if kind.is_file() {
        return match metadata {
            Ok(metadata) => Found { path, what: What::File { size: metadata.len() } },
            Err(error) => other(path, "unreadable", Some(error.to_string().into_bytes())),
        };
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

fn other(path: RelPath, kind: &str, note: Option<Vec<u8>>) -> Found {
    let entry = Entry { path: path.clone(), kind: kind.to_owned(), note };
    Found { path, what: What::Other(Box::new(entry)) }
}

fn size_of(what: &What) -> u64 {
    match what {
        What::File { size } => *size,
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
