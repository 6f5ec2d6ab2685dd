//! Rebuilds a container byte for byte from ledger and blobs.

use std::io::{self, Write};

use crate::types::digest::Sha256Stream;
use crate::types::record::Record;
use crate::types::{ContainerId, Sha256Digest, SourceId};

use super::StoreError;
use super::pack::{BlobAt, FrameAt};
use super::reader::Reader;

/// Where blobs are.
pub trait Locate {
    /// The place of the blob with this digest; `None` when it is in no pack.
    fn locate(&self, sha256: &Sha256Digest) -> Option<BlobAt>;
}

/// The places of all blobs of a case: 28 bytes a blob.
#[derive(Debug, Default)]
pub struct BlobMap {
    frames: Vec<FrameAt>,
    blobs: Vec<Entry>,
}

/// 128 bits of the digest find the blob; whoever reads it compares all 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: [u8; 16],
    frame: u32,
    offset: u32,
    // u32::MAX: all of the frame.
    len: u32,
}

impl BlobMap {
    /// Reads the lines of all packs.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn load(reader: &Reader) -> Result<Self, StoreError> {
        let mut map = Self::default();
        for line in reader.frames() {
            map.add(line?.blobs_at());
        }
        map.sort();
        Ok(map)
    }

    /// Takes the blobs of one frame; call [`Self::sort`] after the last.
    pub fn add(&mut self, blobs: impl Iterator<Item = BlobAt>) {
        let frame = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        for blob in blobs {
            if self.frames.len() == frame as usize {
                self.frames.push(blob.frame);
            }
            let (offset, len) = if blob.offset == 0 && blob.len == blob.frame.raw {
                (0, u32::MAX)
            } else {
                let small = |n: u64| u32::try_from(n).ok().filter(|&n| n < u32::MAX);
                match small(blob.offset).zip(small(blob.len)) {
                    Some(place) => place,
                    None => continue, // no frame of several blobs is that long
                }
            };
            self.blobs.push(Entry { key: key(&blob.sha256), frame, offset, len });
        }
    }

    /// Makes the map ready to be asked.
    pub fn sort(&mut self) {
        self.blobs.sort_unstable();
        self.blobs.dedup_by_key(|entry| entry.key);
    }

    /// Number of blobs.
    pub fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Whether there is no blob.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }
}

fn key(sha256: &Sha256Digest) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&sha256.as_bytes()[..16]);
    key
}

impl Locate for BlobMap {
    fn locate(&self, sha256: &Sha256Digest) -> Option<BlobAt> {
        let wanted = key(sha256);
        let place = self.blobs.binary_search_by(|entry| entry.key.cmp(&wanted)).ok()?;
        let entry = self.blobs.get(place)?;
        let frame = *self.frames.get(entry.frame as usize)?;
        let len = if entry.len == u32::MAX { frame.raw } else { u64::from(entry.len) };
        Some(BlobAt { frame, offset: u64::from(entry.offset), len, sha256: *sha256 })
    }
}

/// A container that was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Number of bytes written.
    pub bytes: u64,
    /// Digest of the bytes written.
    pub sha256: Sha256Digest,
    /// Digest that the ledger holds for the container.
    pub recorded: Sha256Digest,
}

impl Restored {
    /// Whether what was written is what was imported.
    pub fn is_exact(&self) -> bool {
        self.sha256 == self.recorded
    }
}

/// Writes the bytes of a container to `out`; every blob is checked against its digest on the way.
///
/// # Errors
/// [`StoreError::NoContainer`] when there is none of this id or its import was cut off, [`StoreError::BlobMissing`],
/// [`StoreError::BlobMismatch`], [`StoreError::Damaged`], [`StoreError::Io`].
pub fn restore_container(
    reader: &Reader,
    blobs: &dyn Locate,
    id: ContainerId,
    out: &mut dyn Write,
) -> Result<Restored, StoreError> {
    let missing = || StoreError::NoContainer { id };
    let segment = match id.source {
        SourceId::Pending(segment) => segment,
        known @ SourceId::Known(_) => reader
            .segments()?
            .iter()
            .find(|info| info.source() == known)
            .map(|info| info.number)
            .ok_or_else(missing)?,
    };
    let start = format!("{{\"c\":{},", id.number);
    let mut lines = reader.ledger_lines(segment, 0)?;
    let mut out = Counted { out, bytes: 0, hash: Sha256Stream::new() };
    while let Some(line) = lines.next_line()? {
        if !line.bytes.starts_with(start.as_bytes()) {
            continue;
        }
        let at = line.at;
        let Ok(record) = Record::parse(line.bytes) else {
            return Err(StoreError::Damaged {
                path: reader.layout().numbered(super::FileKind::Ledger, segment),
                offset: at,
                trouble: super::Trouble::FormInvalid,
            });
        };
        match record {
            Record::File(file) => {
                out.blob(reader, blobs, &file.sha256, file.size)?;
                return Ok(out.done(file.sha256));
            }
            Record::Item(item) => {
                out.text(&item.separator)?;
                out.blob(reader, blobs, &item.sha256, item.end - item.start)?;
                out.text(&item.terminator)?;
            }
            Record::Gap(gap) => out.blob(reader, blobs, &gap.sha256, gap.end - gap.start)?,
            Record::End(end) => return Ok(out.done(end.sha256)),
            Record::Source(_)
            | Record::Account(_)
            | Record::Folder(_)
            | Record::Entry(_)
            | Record::Container(_)
            | Record::Closed(_) => {}
        }
    }
    Err(missing())
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
    hash: Sha256Stream,
}

impl Counted<'_> {
    fn text(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_all(bytes).map_err(|error| StoreError::io("write", "the restored file", error))
    }

    fn blob(
        &mut self,
        reader: &Reader,
        blobs: &dyn Locate,
        sha256: &Sha256Digest,
        len: u64,
    ) -> Result<(), StoreError> {
        if len == 0 {
            return Ok(());
        }
        let at = blobs.locate(sha256).ok_or(StoreError::BlobMissing { sha256: *sha256 })?;
        reader.copy_blob(&at, self)
    }

    fn done(self, recorded: Sha256Digest) -> Restored {
        Restored { bytes: self.bytes, sha256: self.hash.finish(), recorded }
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(bytes.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
