//! The growing end of a file of lines.

use std::fs::File;
use std::path::PathBuf;

use crate::types::digest::Sha256Stream;

use super::StoreError;
use super::disk::Disk;

/// Lines that gather before they are written; nothing is flushed before the commit.
const LINES_BUFFER: usize = 1 << 20;

/// A file of lines that grows.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) committed: u64,
    pub(super) written: u64,
    pub(super) hash: Sha256Stream,
    pub(super) buffer: Vec<u8>,
}

impl Tail {
    pub(super) fn open(disk: &mut Disk, path: PathBuf, committed: u64) -> Result<Self, StoreError> {
        let file = disk.open(&path, committed == 0)?;
        Ok(Self { file, path, committed, written: committed, hash: Sha256Stream::new(), buffer: Vec::new() })
    }

    pub(super) fn append(&mut self, disk: &mut Disk, lines: &[u8]) -> Result<(), StoreError> {
        self.hash.update(lines);
        if self.buffer.len() + lines.len() > LINES_BUFFER {
            self.flush(disk)?;
            if lines.len() > LINES_BUFFER {
                disk.write_at(&self.file, &self.path, lines, self.written)?;
                self.written += lines.len() as u64;
                return Ok(());
            }
        }
        self.buffer.extend_from_slice(lines);
        Ok(())
    }

    pub(super) fn flush(&mut self, disk: &mut Disk) -> Result<(), StoreError> {
        if !self.buffer.is_empty() {
            disk.write_at(&self.file, &self.path, &self.buffer, self.written)?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}
