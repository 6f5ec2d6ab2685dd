//! The packs: which frames there are, and whether a frame holds what its line says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use crate::store::pack::{FRAME_IN_MEMORY, unpack, unpack_all};
use crate::store::restore::BlobMap;
use crate::store::{FileKind, FrameAt, FrameLine, Reader, open_read};
use crate::types::digest::Sha256Stream;
use crate::types::{Finding, FindingKind, Sha256Digest};

use super::custody::finding;
use super::record::unreadable;

/// All frames of a case; what their lines say of the blobs is read again when a frame is checked.
#[derive(Debug, Default)]
pub(super) struct Packs {
    /// Ascending by pack and place.
    pub frames: Vec<FrameRef>,
    /// Where the blobs are.
    pub map: BlobMap,
    /// Number of blobs in the lines.
    pub blobs: u64,
    /// Blobs that events of the custody log name: digest, length, number of the event, first byte of its line.
    pub named: Vec<(Sha256Digest, u64, u64, u64)>,
}

/// A frame, and where its line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameRef {
    pub at: FrameAt,
    pub sha256: Sha256Digest,
    line_at: u64,
}

/// Reads the lines of all packs.
pub(super) fn list(reader: &Reader, covers: &BTreeMap<String, u64>, out: &mut Vec<Finding>) -> Packs {
    let mut packs = Packs::default();
    let numbers: BTreeSet<u32> = covers
        .keys()
        .filter_map(|path| FileKind::of(path))
        .filter(|(kind, _)| *kind == FileKind::PackLines)
        .map(|(_, number)| number)
        .collect();
    let last = numbers.last().copied().unwrap_or(0);
    for number in numbers {
        if let Err(error) = list_pack(reader, number, number == last, &mut packs, out) {
            out.push(unreadable(&reader.layout().name(FileKind::PackLines, number), &error));
        }
    }
    packs.map.sort();
    packs
}

fn list_pack(
    reader: &Reader,
    number: u32,
    is_last: bool,
    packs: &mut Packs,
    out: &mut Vec<Finding>,
) -> io::Result<()> {
    let rel = reader.layout().name(FileKind::PackLines, number);
    let path = reader.layout().at(&rel);
    open_read(&path)?;
    let mut lines = reader.pack_lines(number, 0).map_err(io::Error::other)?;
    lines.pass_over_damage();
    let mut end = 0;
    // After a damaged line nobody knows where its frame ended.
    let mut is_known = true;
    while let Some(line) = lines.next_line().map_err(io::Error::other)? {
        let parsed = FrameLine::parse(number, line.bytes).filter(|_| line.is_whole);
        let mut tell = |detail: String| {
            let mut found = finding(FindingKind::PackLineInvalid, &rel, Some(line.at), detail);
            let pack = reader.layout().name(FileKind::Pack, number);
            found.hits.push(format!("frame at byte {end} of {pack}"));
            out.push(found);
        };
        let Some(frame) = parsed else {
            tell("the line is no canonical frame line".to_owned());
            is_known = false;
            continue;
        };
        if is_known && frame.frame.at != end {
            tell(format!("its frame begins at byte {}, the one before ends at {end}", frame.frame.at));
        }
        is_known = true;
        end = frame.frame.at + frame.frame.len;
        packs.blobs += frame.blobs.len() as u64;
        packs.map.add(frame.blobs_at());
        packs.frames.push(FrameRef { at: frame.frame, sha256: frame.sha256, line_at: line.at });
    }
    let rel = reader.layout().name(FileKind::Pack, number);
    match open_read(&reader.layout().at(&rel)).and_then(|file| file.metadata()) {
        Err(error) => out.push(unreadable(&rel, &error)),
        Ok(meta) if is_known && meta.len() > end => {
            let detail = format!("{} bytes after the last committed frame", meta.len() - end);
            let kind = if is_last { FindingKind::TornTail } else { FindingKind::FrameMismatch };
            out.push(finding(kind, &rel, Some(end), detail));
        }
        Ok(_) => {}
    }
    // Damaged lines can put frames out of order; whoever looks one up needs the order.
    packs.frames.sort_by_key(|frame| frame.at);
    Ok(())
}

/// A frame that was read and compared with its line.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Unpacked; empty for the frame of a long blob, and when it could not be unpacked.
    pub bytes: Vec<u8>,
    /// What is wrong, if anything: the kind and the detail.
    pub wrong: Option<(FindingKind, String)>,
    /// Offsets of the blobs that do not have their digest.
    pub bad: BTreeSet<u64>,
    /// Whether no blob of the frame can be had.
    pub is_lost: bool,
}

/// Reads a frame, compares its stored bytes with its digest, unpacks it and compares its blobs with theirs.
pub(super) fn check_frame(reader: &Reader, frame: &FrameRef) -> Checked {
    let mut checked = Checked::default();
    if let Err((kind, detail)) = read_frame(reader, frame, &mut checked) {
        checked.is_lost = true;
        checked.bytes.clear();
        // A frame that is not the one that was stored is told before what follows from it.
        checked.wrong.get_or_insert((kind, detail));
    }
    checked
}

type Wrong = (FindingKind, String);

fn read_frame(reader: &Reader, frame: &FrameRef, checked: &mut Checked) -> Result<(), Wrong> {
    let pack = reader.layout().numbered(FileKind::Pack, frame.at.pack);
    let lost = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            (FindingKind::FrameMismatch, "the pack ends before the frame does".to_owned())
        }
        io::ErrorKind::NotFound => (FindingKind::FrameMismatch, "the pack is not there".to_owned()),
        _ => (FindingKind::Unreadable, format!("cannot be read: {error}")),
    };
    let file = open_read(&pack).map_err(lost)?;
    let line = reader.pack_line(frame.at.pack, frame.line_at);
    let line = line.map_err(|error| lost(io::Error::other(error)))?;
    let is_long = frame.at.raw > FRAME_IN_MEMORY || frame.at.len > FRAME_IN_MEMORY;
    let size = file.metadata().map_or(0, |meta| meta.len());
    if frame.at.at + frame.at.len > size {
        return Err(lost(io::ErrorKind::UnexpectedEof.into()));
    }
    let damaged = |error: io::Error| (FindingKind::FrameUnreadable, format!("cannot be unpacked: {error}"));
    let mismatch = |digest: Sha256Digest| {
        let detail = format!("the stored frame has digest {digest}, recorded is {}", frame.sha256);
        (FindingKind::FrameMismatch, detail)
    };
    let mut offset = 0;
    let bad = |checked: &mut Checked, offset: u64, digest: Sha256Digest, sha256: Sha256Digest| {
        checked.bad.insert(offset);
        let detail = format!("the blob at {offset} of the frame has digest {digest}, its name is {sha256}");
        checked.wrong.get_or_insert((FindingKind::BlobMismatch, detail));
    };
    if is_long {
        let mut stored = Part { file: &file, at: frame.at.at, left: frame.at.len };
        let digest = digest_of(&mut stored, frame.at.len).map_err(lost)?.unwrap_or(frame.sha256);
        if digest != frame.sha256 {
            checked.wrong = Some(mismatch(digest));
        }
        let stored = Part { file: &file, at: frame.at.at, left: frame.at.len };
        let mut raw = unpack(io::BufReader::with_capacity(128 << 10, stored)).map_err(damaged)?;
        for (sha256, len) in &line.blobs {
            let digest = digest_of(&mut raw, *len).map_err(damaged)?;
            let digest = digest.ok_or_else(|| damaged(io::ErrorKind::UnexpectedEof.into()))?;
            if digest != *sha256 {
                bad(checked, offset, digest, *sha256);
            }
            offset += len;
        }
        let rest = io::copy(&mut raw.take(1), &mut io::sink()).map_err(damaged)?;
        return if rest == 0 { Ok(()) } else { Err(damaged(io::ErrorKind::InvalidData.into())) };
    }
    let mut stored = vec![0; usize::try_from(frame.at.len).unwrap_or_default()];
    file.read_exact_at(&mut stored, frame.at.at).map_err(lost)?;
    let digest = Sha256Digest::of(&stored);
    if digest != frame.sha256 {
        checked.wrong = Some(mismatch(digest));
    }
    unpack_all(&stored, frame.at.raw, &mut checked.bytes).map_err(damaged)?;
    for (sha256, len) in &line.blobs {
        let range = usize::try_from(offset).ok().zip(usize::try_from(offset + len).ok());
        let bytes = range.and_then(|(from, to)| checked.bytes.get(from..to)).unwrap_or_default();
        let digest = Sha256Digest::of(bytes);
        if digest != *sha256 {
            bad(checked, offset, digest, *sha256);
        }
        offset += len;
    }
    Ok(())
}

/// The digest of the next `len` bytes; `None` when there are fewer.
fn digest_of(reader: &mut dyn io::Read, len: u64) -> io::Result<Option<Sha256Digest>> {
    let mut hash = Sha256Stream::new();
    let mut buffer = vec![0; 128 << 10];
    let mut left = len;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let n = reader.read(buffer.get_mut(..want).unwrap_or_default())?;
        let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        hash.update(bytes);
        left -= n as u64;
    }
    Ok(Some(hash.finish()))
}

struct Part<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(buffer.get_mut(..want).unwrap_or_default(), self.at)?;
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
