//! The growing end of a file of lines.

use std::fs::File;
use std::path::PathBuf;

use crate::types::digest::Sha256Stream;

use super::StoreError;
use super::custody::{PackedStretch, Stretch};
use super::disk::Disk;
use super::framed::LinePacker;

/// Bytes that gather before they are written; nothing is flushed before the commit.
const BUFFER: usize = 1 << 20;

/// A file of lines that grows.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    path: PathBuf,
    // Of the lines, unpacked.
    committed: u64,
    len: u64,
    hash: Sha256Stream,
    // Of the file as it is stored.
    stored_committed: u64,
    stored: u64,
    buffer: Vec<u8>,
    frame: Option<Frame>,
    is_framed: bool,
}

/// The frame that holds the lines since the last commit.
#[derive(Debug)]
struct Frame {
    packer: LinePacker,
    hash: Sha256Stream,
}

impl Tail {
    /// The end of a file of which `committed` bytes of lines are committed, stored as `stored` bytes.
    pub(super) fn open(
        disk: &mut Disk,
        path: PathBuf,
        committed: u64,
        stored: u64,
        is_framed: bool,
    ) -> Result<Self, StoreError> {
        let file = disk.open(&path, stored == 0)?;
        Ok(Self {
            file,
            path,
            committed,
            len: committed,
            hash: Sha256Stream::new(),
            stored_committed: stored,
            stored,
            buffer: Vec::new(),
            frame: None,
            is_framed,
        })
    }

    /// Whether there is anything that is not committed.
    pub(super) fn is_dirty(&self) -> bool {
        self.len > self.committed
    }

    pub(super) fn append(&mut self, disk: &mut Disk, lines: &[u8]) -> Result<(), StoreError> {
        self.hash.update(lines);
        self.len += lines.len() as u64;
        if self.is_framed {
            if lines.is_empty() {
                return Ok(());
            }
            let wrong = |path: &PathBuf, error| StoreError::io("pack", path, error);
            let frame = if let Some(frame) = &mut self.frame {
                frame
            } else {
                let packer = LinePacker::new().map_err(|error| wrong(&self.path, error))?;
                self.frame.insert(Frame { packer, hash: Sha256Stream::new() })
            };
            frame.packer.push(lines).map_err(|error| wrong(&self.path, error))?;
            self.buffer.append(frame.packer.ready());
        } else {
            self.buffer.extend_from_slice(lines);
        }
        if self.buffer.len() >= BUFFER { self.write(disk) } else { Ok(()) }
    }

    fn write(&mut self, disk: &mut Disk) -> Result<(), StoreError> {
        if !self.buffer.is_empty() {
            if let Some(frame) = &mut self.frame {
                frame.hash.update(&self.buffer);
            }
            disk.write_at(&self.file, &self.path, &self.buffer, self.stored)?;
            self.stored += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Writes what is left and makes it durable; answers what the next event has to say of the file named `rel`, if
    /// anything.
    pub(super) fn flush(&mut self, disk: &mut Disk, rel: &str) -> Result<Option<Stretch>, StoreError> {
        if !self.is_dirty() {
            return Ok(None);
        }
        let mut packed = None;
        if let Some(Frame { packer, hash }) = self.frame.take() {
            let rest = packer.finish().map_err(|error| StoreError::io("pack", &self.path, error))?;
            // The frame's own end: all that is ready was taken before.
            self.buffer.extend_from_slice(&rest);
            let mut hash = hash;
            hash.update(&self.buffer);
            self.write(disk)?;
            packed =
                Some(PackedStretch { from: self.stored_committed, to: self.stored, sha256: hash.finish() });
        } else {
            self.write(disk)?;
        }
        disk.sync(&self.file, &self.path)?;
        let sha256 = std::mem::take(&mut self.hash).finish();
        Ok(Some(Stretch { from: self.committed, to: self.len, path: rel.to_owned(), sha256, packed }))
    }

    /// The event that covers all that was flushed is written.
    pub(super) fn committed(&mut self) {
        self.committed = self.len;
        self.stored_committed = self.stored;
    }
}
