//! Frames of a pack: many blobs compressed as one, and back (docs/format.md, section 3).

use std::cell::RefCell;
use std::io::{self, BufRead, Read as _, Write as _};

use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::CParameter;

use crate::types::Sha256Digest;
use crate::types::json::Obj;

/// Compression level that suits mail: see docs/measured.md, "Frames".
pub const LEVEL: i32 = 1;

/// How much unpacked content a frame should have: see docs/measured.md, "Frames".
pub const FRAME_TARGET: usize = 2 << 20;

/// Longest blob that shares a frame with others and is taken into memory.
pub const BLOB_IN_MEMORY: u64 = 32 << 20;

/// Longest unpacked frame of more than one blob.
pub const FRAME_IN_MEMORY: u64 = 64 << 20;

/// Window of our frames, as a power of two: 8 MiB, the most that every decoder must support (RFC 8878, 3.1.1.1.2).
const WINDOW_LOG: u32 = 23;

/// Size of the match table, as a power of two. Level 1 has 14; with 19 text mail takes a twelfth less room than with
/// 16, for some 3 % more CPU of an import: see docs/measured.md, "Frames".
const HASH_LOG: u32 = 19;

/// Largest window that is unpacked, as a power of two: what stock `zstd` takes without `--long`.
const WINDOW_LOG_MAX: u32 = 27;

/// A frame ready to be appended to a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The frame as it is to be stored.
    pub bytes: Vec<u8>,
    /// Unpacked length.
    pub raw: u64,
    /// Digest of `bytes`.
    pub sha256: Sha256Digest,
    /// The blobs that lie one after the other in the unpacked frame, with their lengths.
    pub blobs: Vec<(Sha256Digest, u64)>,
}

/// Where a frame is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameAt {
    /// Number of the pack.
    pub pack: u32,
    /// First byte of the frame in the pack.
    pub at: u64,
    /// Stored length.
    pub len: u64,
    /// Unpacked length.
    pub raw: u64,
}

/// Where a blob is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobAt {
    /// The frame.
    pub frame: FrameAt,
    /// First byte of the blob in the unpacked frame.
    pub offset: u64,
    /// Its length.
    pub len: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

/// Packs frames; keeps its working memory (a few MiB) from one to the next.
pub struct Packer {
    zstd: Compressor<'static>,
    raw: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// A packer of this zstd level.
    ///
    /// # Errors
    /// When zstd cannot get its memory or refuses the level.
    pub fn new(level: i32) -> io::Result<Self> {
        let mut zstd = Compressor::new(level)?;
        zstd.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        zstd.set_parameter(CParameter::ChecksumFlag(true))?;
        if level == 1 {
            zstd.set_parameter(CParameter::HashLog(HASH_LOG))?;
        }
        Ok(Self { zstd, raw: Vec::new() })
    }

    /// Packs blobs, whose digests the caller knows, into one frame.
    ///
    /// # Errors
    /// When zstd cannot get its memory.
    pub fn pack(&mut self, blobs: &[(Sha256Digest, &[u8])]) -> io::Result<Frame> {
        // One blob is compressed from where it lies.
        let bytes = if let [(_, only)] = blobs {
            self.zstd.compress(only)?
        } else {
            self.raw.clear();
            self.raw.reserve(blobs.iter().map(|(_, bytes)| bytes.len()).sum());
            for (_, bytes) in blobs {
                self.raw.extend_from_slice(bytes);
            }
            self.zstd.compress(&self.raw)?
        };
        if self.raw.capacity() > 4 * FRAME_TARGET {
            self.raw = Vec::new();
        }
        let blobs: Vec<_> = blobs.iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect();
        let raw = blobs.iter().map(|(_, len)| len).sum();
        let sha256 = Sha256Digest::of(&bytes);
        Ok(Frame { bytes, raw, sha256, blobs })
    }
}

/// Packs blobs into one frame with the packer of this thread.
///
/// # Errors
/// When zstd cannot get its memory or refuses the level.
pub fn pack(blobs: &[(Sha256Digest, &[u8])], level: i32) -> io::Result<Frame> {
    thread_local!(static PACKER: RefCell<Option<(i32, Packer)>> = const { RefCell::new(None) });
    PACKER.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(of, _)| *of != level) {
            *slot = Some((level, Packer::new(level)?));
        }
        match slot {
            Some((_, packer)) => packer.pack(blobs),
            None => Err(io::Error::other("no packer")),
        }
    })
}

/// Packs one long blob piece by piece into a frame of its own; the pieces of the frame gather in a buffer.
pub(super) struct LongPacker {
    zstd: zstd::stream::write::Encoder<'static, Vec<u8>>,
}

impl std::fmt::Debug for LongPacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LongPacker")
    }
}

impl LongPacker {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), level)?;
        zstd.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        zstd.include_checksum(true)?;
        Ok(Self { zstd })
    }

    /// Takes the next bytes of the blob, and gives those of the frame that are ready to `sink`.
    pub(super) fn push<E: From<io::Error>>(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.zstd.write_all(bytes)?;
        let ready = self.zstd.get_mut();
        if !ready.is_empty() {
            sink(ready)?;
            ready.clear();
        }
        Ok(())
    }

    /// The last bytes of the frame.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        self.zstd.finish()
    }
}

/// Unpacks the frame that `stored` gives; the caller bounds how much it takes.
///
/// # Errors
/// When zstd cannot get its memory.
pub fn unpack<R: BufRead>(stored: R) -> io::Result<Decoder<'static, R>> {
    let mut zstd = Decoder::with_buffer(stored)?.single_frame();
    zstd.window_log_max(WINDOW_LOG_MAX)?;
    Ok(zstd)
}

/// Unpacks a whole frame into `out`; `raw` is what its line says it has, at most [`FRAME_IN_MEMORY`].
///
/// # Errors
/// When the bytes are no zstd frame, or have another content than `raw` bytes.
pub fn unpack_all(stored: &[u8], raw: u64, out: &mut Vec<u8>) -> io::Result<()> {
    out.clear();
    let wrong = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    if raw > FRAME_IN_MEMORY {
        return Err(wrong("the frame is over the limit"));
    }
    let mut reader = unpack(stored)?.take(raw + 1);
    out.reserve(usize::try_from(raw + 1).unwrap_or_default());
    reader.read_to_end(out)?;
    if out.len() as u64 == raw {
        Ok(())
    } else {
        Err(wrong("the frame has another length than its line says"))
    }
}

/// A line of `packs/*.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLine {
    /// Where the frame is; `pack` is not in the line.
    pub frame: FrameAt,
    /// Digest of the stored frame.
    pub sha256: Sha256Digest,
    /// Its blobs, with their lengths.
    pub blobs: Vec<(Sha256Digest, u64)>,
}

impl FrameLine {
    /// Appends the line with its LF.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        o.uint("at", self.frame.at);
        o.arr("blobs", &self.blobs, |out, (digest, len)| {
            let mut text = [0; 64];
            crate::types::digest::hex_into(digest.as_bytes(), &mut text);
            out.extend_from_slice(b"[\"");
            out.extend_from_slice(&text);
            out.extend_from_slice(b"\",");
            crate::types::json::uint(out, *len);
            out.push(b']');
        });
        o.uint("len", self.frame.len).uint("raw", self.frame.raw).digest("sha256", &self.sha256);
        o.end();
        out.push(b'\n');
    }

    /// Reads a line without its LF; `None` when it is no frame line in canonical form, or its lengths do not add up.
    pub fn parse(pack: u32, line: &[u8]) -> Option<Self> {
        let mut rest = line;
        let at = number(expect(&mut rest, b"{\"at\":")?)?;
        expect(&mut rest, b",\"blobs\":[")?;
        let mut blobs = Vec::with_capacity(rest.len() / 70);
        let mut sum = 0u64;
        if expect(&mut rest, b"]").is_none() {
            loop {
                expect(&mut rest, b"[\"")?;
                let digest = digest(&mut rest)?;
                let len = number(expect(&mut rest, b"\",")?)?;
                expect(&mut rest, b"]")?;
                sum = sum.checked_add(len)?;
                blobs.push((digest, len));
                if expect(&mut rest, b",").is_none() {
                    break;
                }
            }
            expect(&mut rest, b"]")?;
        }
        let len = number(expect(&mut rest, b",\"len\":")?)?;
        let raw = number(expect(&mut rest, b",\"raw\":")?)?;
        expect(&mut rest, b",\"sha256\":\"")?;
        let sha256 = digest(&mut rest)?;
        (rest == b"\"}" && sum == raw && len > 0 && at.checked_add(len).is_some()).then_some(Self {
            frame: FrameAt { pack, at, len, raw },
            sha256,
            blobs,
        })
    }

    /// Where the blobs of the frame are.
    pub fn blobs_at(&self) -> impl Iterator<Item = BlobAt> + '_ {
        let mut offset = 0;
        self.blobs.iter().map(move |(sha256, len)| {
            let at = BlobAt { frame: self.frame, offset, len: *len, sha256: *sha256 };
            offset += len;
            at
        })
    }
}

fn expect<'r, 'a>(rest: &'r mut &'a [u8], word: &[u8]) -> Option<&'r mut &'a [u8]> {
    *rest = rest.strip_prefix(word)?;
    Some(rest)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (text, after) = rest.split_at_checked(digits)?;
    if digits == 0 || digits > 16 || (digits > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    *rest = after;
    let value = text.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (value < 1 << 53).then_some(value)
}

fn digest(rest: &mut &[u8]) -> Option<Sha256Digest> {
    let (text, after) = rest.split_at_checked(64)?;
    *rest = after;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs<'a>(parts: &[&'a [u8]]) -> Vec<(Sha256Digest, &'a [u8])> {
        parts.iter().map(|part| (Sha256Digest::of(part), *part)).collect()
    }

    #[test]
    fn a_frame_holds_its_blobs_one_after_the_other() {
        let long = b"mail ".repeat(100_000);
        let frame = pack(&blobs(&[b"one", b"", &long, b"two"]), LEVEL).unwrap();
        assert_eq!(frame.sha256, Sha256Digest::of(&frame.bytes));
        let mut out = Vec::new();
        unpack_all(&frame.bytes, frame.raw, &mut out).unwrap();
        assert_eq!(out, [b"one".as_slice(), &long, b"two"].concat());
        assert!(unpack_all(&frame.bytes, frame.raw - 1, &mut out).is_err());
        assert!(unpack_all(&frame.bytes, frame.raw + 1, &mut out).is_err());
        assert!(unpack_all(&frame.bytes, u64::MAX, &mut out).is_err());
        assert!(unpack_all(&frame.bytes[..frame.bytes.len() - 1], frame.raw, &mut out).is_err());
    }

    #[test]
    fn a_frame_that_claims_much_and_holds_more_is_refused_without_unpacking_it_all() {
        let bomb = pack(&blobs(&[&vec![0; 30 << 20]]), LEVEL).unwrap();
        let mut out = Vec::new();
        assert!(unpack_all(&bomb.bytes, 1000, &mut out).is_err());
        assert!(out.len() <= 1001);
    }

    #[test]
    fn a_long_blob_is_packed_piece_by_piece_into_one_frame() {
        let mut packer = LongPacker::new(LEVEL).unwrap();
        let mut stored = Vec::new();
        let mut whole = Vec::new();
        for n in 0..300u32 {
            let piece = n.to_le_bytes().repeat(5000);
            packer
                .push(&piece, |bytes| {
                    stored.extend_from_slice(bytes);
                    Ok::<_, io::Error>(())
                })
                .unwrap();
            whole.extend_from_slice(&piece);
        }
        stored.extend(packer.finish().unwrap());
        let mut out = Vec::new();
        unpack_all(&stored, whole.len() as u64, &mut out).unwrap();
        assert_eq!(out, whole);
    }

    #[test]
    fn a_frame_line_reads_back_and_no_other_form_of_it_does() {
        for parts in [&[b"one".as_slice(), b"three"][..], &[b""], &[]] {
            let blobs = parts.iter().map(|p| (Sha256Digest::of(p), p.len() as u64)).collect::<Vec<_>>();
            let raw = blobs.iter().map(|(_, len)| len).sum();
            let frame = FrameAt { pack: 3, at: 0, len: 20, raw };
            let line = FrameLine { frame, sha256: Sha256Digest::of(b"f"), blobs };
            let mut text = Vec::new();
            line.write_line(&mut text);
            text.pop();
            assert_eq!(FrameLine::parse(3, &text), Some(line.clone()));
            assert_eq!(line.blobs_at().last().map(|at| at.offset + at.len), line.blobs.last().map(|_| raw));
            for (from, to) in
                [("\"at\":0", "\"at\":00"), ("\"at\":", "\"at\": "), ("}", "} "), ("\"len\":20", "\"len\":0")]
            {
                let other = String::from_utf8(text.clone()).unwrap().replace(from, to);
                assert_eq!(FrameLine::parse(3, other.as_bytes()), None, "{other}");
            }
        }
    }
}
