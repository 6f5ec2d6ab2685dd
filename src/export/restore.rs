//! Rebuilds a source as a folder tree, or one container as a file, byte for byte.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::store::restore::{BlobMap, Locate as _, restore_container};
use crate::store::{Reader, StoreError};
use crate::types::digest::HashingWriter;
use crate::types::record::Record;
use crate::types::{ContainerId, RelPath, Sha256Digest};

use super::ExportError;
use super::names::Names;

/// What was rebuilt.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Number of files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Containers whose rebuilt bytes do not have the digest that the ledger holds.
    pub inexact: Vec<RelPath>,
    /// What was no file and is not made again (links, pipes, devices), with its kind.
    pub left_out: Vec<(RelPath, String)>,
    /// Folders and files whose path in the ledger is too long for a disk, and where they are instead, below the same
    /// folder; in byte order.
    pub renamed: Vec<(RelPath, RelPath)>,
}

/// Writes one container to the new file `to`.
///
/// # Errors
/// [`ExportError::Exists`] when there is something at `to`, [`ExportError::Io`], [`ExportError::Store`].
pub fn container(reader: &Reader, id: ContainerId, to: &Path) -> Result<Rebuilt, ExportError> {
    // Nothing is made for an id that the case does not have: it would stand in the way of the next try.
    if !has_whole(reader, id)? {
        return Err(StoreError::NoContainer { id }.into());
    }
    let blobs = BlobMap::load(reader)?;
    let mut out = BufWriter::with_capacity(1 << 20, create(to)?);
    let restored = restore_container(reader, &blobs, id, &mut out)?;
    finish(out, to)?;
    let mut rebuilt = Rebuilt { files: 1, bytes: restored.bytes, ..Rebuilt::default() };
    if !restored.is_exact() {
        rebuilt.inexact.push(RelPath::new(id.to_string()));
    }
    Ok(rebuilt)
}

/// Whether the ledger has the container to its end.
fn has_whole(reader: &Reader, id: ContainerId) -> Result<bool, StoreError> {
    let segments = reader.segments()?;
    let Some(segment) = segments.iter().find(|segment| segment.source() == id.source) else {
        return Ok(false);
    };
    let start = format!("{{\"c\":{},", id.number);
    let mut lines = reader.ledger_lines(segment.number, 0)?;
    while let Some(line) = lines.next_line()? {
        if line.bytes.starts_with(start.as_bytes())
            && matches!(Record::parse(line.bytes), Ok(Record::File(_) | Record::End(_)))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes all files of a ledger segment below the new folder `to`; what is inside archives is in the archives. An
/// account gets a folder for each of its own, also for an empty one, and a file for each message.
///
/// # Errors
/// As [`container`]; [`ExportError::UnsafePath`] when a path of the ledger leads out of `to`.
pub fn tree(reader: &Reader, segment: u32, to: &Path) -> Result<Rebuilt, ExportError> {
    if to.exists() {
        return Err(ExportError::Exists { path: to.to_owned() });
    }
    make_dir(to)?;
    let blobs = BlobMap::load(reader)?;
    let mut rebuilt = Rebuilt::default();
    let mut names = Names::default();
    let mut current: Option<Current> = None;
    let copy = |sha256: &Sha256Digest,
                len: u64,
                out: &mut HashingWriter<BufWriter<File>>|
     -> Result<(), ExportError> {
        if len == 0 {
            return Ok(());
        }
        let at = blobs.locate(sha256).ok_or(StoreError::BlobMissing { sha256: *sha256 })?;
        Ok(reader.copy_blob(&at, out)?)
    };
    for record in reader.records(segment, 0)? {
        let (_, record) = record?;
        match record {
            Record::File(file) if file.parent.is_none() => {
                let mut one = Current::create(names.file(to, &file.path)?, &file.path)?;
                copy(&file.sha256, file.size, &mut one.out)?;
                one.close(&file.sha256, &mut rebuilt)?;
            }
            Record::Container(open) if open.parent.is_none() => {
                current = Some(Current::create(names.file(to, &open.path)?, &open.path)?);
            }
            Record::Item(item) => {
                if let Some(one) = &mut current {
                    one.text(&item.separator)?;
                    copy(&item.sha256, item.end - item.start, &mut one.out)?;
                    one.text(&item.terminator)?;
                }
            }
            Record::Gap(gap) => {
                if let Some(one) = &mut current {
                    copy(&gap.sha256, gap.end - gap.start, &mut one.out)?;
                }
            }
            Record::End(end) => {
                if let Some(one) = current.take() {
                    one.close(&end.sha256, &mut rebuilt)?;
                }
            }
            Record::Entry(entry) if entry.kind == "directory" => make_dir(&names.folder(to, &entry.path)?)?,
            Record::Folder(folder) => make_dir(&names.folder(to, &folder.path)?)?,
            Record::Entry(entry) => rebuilt.left_out.push((entry.path, entry.kind)),
            _ => {}
        }
    }
    rebuilt.renamed = names.given();
    Ok(rebuilt)
}

/// A file that is being written.
struct Current {
    path: PathBuf,
    name: RelPath,
    out: HashingWriter<BufWriter<File>>,
}

impl Current {
    fn create(path: PathBuf, name: &RelPath) -> Result<Self, ExportError> {
        if let Some(parent) = path.parent() {
            make_dir(parent)?;
        }
        let out = HashingWriter::new(BufWriter::new(create(&path)?));
        Ok(Self { path, name: name.clone(), out })
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.out.write_all(bytes).map_err(|source| ExportError::Io { path: self.path.clone(), source })
    }

    fn close(self, recorded: &Sha256Digest, rebuilt: &mut Rebuilt) -> Result<(), ExportError> {
        rebuilt.files += 1;
        rebuilt.bytes += self.out.bytes;
        if self.out.hash.finish() != *recorded {
            rebuilt.inexact.push(self.name);
        }
        finish(self.out.out, &self.path)
    }
}

fn create(path: &Path) -> Result<File, ExportError> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            ExportError::Exists { path: path.to_owned() }
        } else {
            ExportError::Io { path: path.to_owned(), source }
        }
    })
}

fn finish(mut out: BufWriter<File>, path: &Path) -> Result<(), ExportError> {
    out.flush().map_err(|source| ExportError::Io { path: path.to_owned(), source })
}

fn make_dir(path: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(path).map_err(|source| ExportError::Io { path: path.to_owned(), source })
}
