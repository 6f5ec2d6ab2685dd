//! The folder of an export: files that are hashed as they are written, and `SHA256SUMS` over all of them.
//!
//! Nothing here grows with the number of items: what must stand behind something that is known last waits in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use crate::types::Sha256Digest;
use crate::types::digest::HashingWriter;

use super::ExportError;

/// Folders of an export whose files come in the byte order of their names, one item after the other.
const IN_ORDER: [&str; 2] = ["attachments/", "mail/"];

/// A folder that an export is written into.
#[derive(Debug)]
pub(super) struct ExportFolder {
    to: PathBuf,
    // Lines of `SHA256SUMS` for the files below each of `IN_ORDER`.
    sums: [Option<Spool>; 2],
    // Those of all other files.
    others: Vec<(String, Sha256Digest)>,
}

/// A file of an export that is being written.
#[derive(Debug)]
pub(super) struct HashedFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) out: HashingWriter<BufWriter<File>>,
}

impl HashedFile {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.out.write_all(bytes).map_err(|source| ExportError::Io { path: self.path.clone(), source })
    }

    /// Ends it; answers name, digest and length, for [`ExportFolder::sum`].
    pub(super) fn finish(mut self) -> Result<(String, Sha256Digest, u64), ExportError> {
        self.out.flush().map_err(|source| ExportError::Io { path: self.path.clone(), source })?;
        Ok((self.name, self.out.hash.finish(), self.out.bytes))
    }
}

impl ExportFolder {
    pub(super) fn new(to: &Path) -> Self {
        Self { to: to.to_owned(), sums: [None, None], others: Vec::new() }
    }

    /// Makes a folder in it.
    pub(super) fn make_dir(&self, name: &str) -> Result<(), ExportError> {
        let path = self.to.join(name);
        fs::create_dir(&path).map_err(|source| ExportError::Io { path, source })
    }

    /// Begins a file.
    pub(super) fn create(&self, name: &str) -> Result<HashedFile, ExportError> {
        let path = self.to.join(name);
        let file = new_file(&path)?;
        let out = HashingWriter::new(BufWriter::with_capacity(64 * 1024, file));
        Ok(HashedFile { name: name.to_owned(), path, out })
    }

    /// Ends a file; answers digest and length.
    pub(super) fn close(&mut self, file: HashedFile) -> Result<(Sha256Digest, u64), ExportError> {
        let (name, digest, bytes) = file.finish()?;
        self.sum(name, digest)?;
        Ok((digest, bytes))
    }

    /// Takes the digest of a file. Those below one of [`IN_ORDER`] come in the order of their names.
    pub(super) fn sum(&mut self, name: String, digest: Sha256Digest) -> Result<(), ExportError> {
        let Some(nth) = IN_ORDER.iter().position(|folder| name.starts_with(folder)) else {
            self.others.push((name, digest));
            return Ok(());
        };
        let Some(place) = self.sums.get_mut(nth) else { return Ok(()) };
        let spool = match place {
            Some(spool) => spool,
            None => place.insert(Spool::create(&self.to.join(format!(".sums-{nth}.part")))?),
        };
        spool.put(&sum_line(&name, &digest))
    }

    /// Begins a file that waits until what stands before it is known, and is no part of the export.
    pub(super) fn spool(&self, name: &str) -> Result<Spool, ExportError> {
        Spool::create(&self.to.join(format!(".{name}.part")))
    }

    /// Writes `SHA256SUMS`, sorted by the bytes of the names; names are ASCII without backslash by construction.
    pub(super) fn finish(mut self) -> Result<(), ExportError> {
        let mut file = self.create("SHA256SUMS")?;
        self.others.sort();
        let mut others = std::mem::take(&mut self.others).into_iter().peekable();
        for (folder, spool) in IN_ORDER.iter().zip(std::mem::take(&mut self.sums)) {
            while let Some((name, digest)) = others.next_if(|(name, _)| name.as_str() < *folder) {
                file.put(&sum_line(&name, &digest))?;
            }
            if let Some(spool) = spool {
                spool.copy_into(&mut file)?;
            }
        }
        for (name, digest) in others {
            file.put(&sum_line(&name, &digest))?;
        }
        file.finish().map(|_| ())
    }
}

fn sum_line(name: &str, digest: &Sha256Digest) -> Vec<u8> {
    format!("{digest}  {name}\n").into_bytes()
}

fn new_file(path: &Path) -> Result<File, ExportError> {
    let options = OpenOptions::new().read(true).write(true).create_new(true).open(path);
    options.map_err(|source| ExportError::Io { path: path.to_owned(), source })
}

/// Bytes that wait on the disk; gone when dropped.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Spool {
    fn create(path: &Path) -> Result<Self, ExportError> {
        Ok(Self { path: path.to_owned(), out: BufWriter::with_capacity(64 * 1024, new_file(path)?) })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.out.write_all(bytes).map_err(|source| ExportError::Io { path: self.path.clone(), source })
    }

    /// Copies all of it to the end of `file`.
    pub(super) fn copy_into(mut self, file: &mut HashedFile) -> Result<(), ExportError> {
        let io = |source| ExportError::Io { path: self.path.clone(), source };
        self.out.flush().map_err(io)?;
        let from = self.out.get_mut();
        from.rewind().map_err(io)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match from.read(&mut buffer).map_err(io)? {
                0 => return Ok(()),
                n => file.put(buffer.get(..n).unwrap_or_default())?,
            }
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        fs::remove_file(&self.path).unwrap_or_default();
    }
}
