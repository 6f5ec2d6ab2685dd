//! Lines kept as zstd frames, one a commit (docs/format.md, section 3a): written, and read back frame by frame.

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use zstd::stream::{read::Decoder, write::Encoder};

use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;

use super::disk::open_read;
use super::pack::unpack;

/// Compression level of lines. It was not compared with others; a prototype used level 1.
const LINES_LEVEL: i32 = 3;

/// Window of the frames as a power of two: a commit has some MiB of lines, and both ends keep the window in memory.
const LINES_WINDOW_LOG: u32 = 21;

/// How the lines of packs and ledger are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineForm {
    /// As they are: formats 1 and 2.
    Plain,
    /// As zstd frames: from format 3 on.
    Framed,
}

impl LineForm {
    /// The form in cases of this version of the format.
    pub fn of_version(version: u32) -> Self {
        if version >= super::FRAMED { Self::Framed } else { Self::Plain }
    }
}

/// The lines of one commit in a file of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineFrame {
    /// First byte of the lines, unpacked.
    pub from: u64,
    /// Just past their last byte.
    pub to: u64,
    /// First byte of the frame in the file.
    pub from_packed: u64,
    /// Just past its last byte.
    pub to_packed: u64,
}

/// Packs lines into a frame.
pub(super) struct LinePacker(Encoder<'static, Vec<u8>>);

impl std::fmt::Debug for LinePacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinePacker")
    }
}

impl LinePacker {
    pub(super) fn new() -> io::Result<Self> {
        let mut zstd = Encoder::new(Vec::new(), LINES_LEVEL)?;
        zstd.window_log(LINES_WINDOW_LOG)?;
        zstd.include_checksum(true)?;
        Ok(Self(zstd))
    }

    /// Takes lines; what is ready of the frame gathers in [`Self::ready`].
    pub(super) fn push(&mut self, lines: &[u8]) -> io::Result<()> {
        self.0.write_all(lines)
    }

    /// The bytes of the frame that are ready; whoever writes them clears them.
    pub(super) fn ready(&mut self) -> &mut Vec<u8> {
        self.0.get_mut()
    }

    /// The last bytes of the frame, and those that were not taken yet.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        self.0.finish()
    }
}

/// A part of a file.
#[derive(Debug)]
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(buffer.get_mut(..left).unwrap_or_default(), self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The unpacked bytes of frames, each of which must hold exactly what its event says.
pub(super) struct FrameBytes {
    file: Arc<File>,
    frames: std::vec::IntoIter<LineFrame>,
    now: Option<(Decoder<'static, BufReader<Part>>, u64)>,
    /// Ends at a damaged frame as if the file ended there, until [`Self::go_on`].
    passes_over: bool,
    is_stopped: bool,
}

impl std::fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FrameBytes")
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl FrameBytes {
    /// The bytes of these frames, one after the other.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(path: &Path, frames: Vec<LineFrame>) -> io::Result<Self> {
        let file = Arc::new(open_read(path)?);
        Ok(Self { file, frames: frames.into_iter(), now: None, passes_over: false, is_stopped: false })
    }

    pub(super) fn pass_over_damage(&mut self) {
        self.passes_over = true;
    }

    /// After a damaged frame: goes on with the next, and answers where its lines begin.
    pub(super) fn go_on(&mut self) -> Option<u64> {
        if !std::mem::take(&mut self.is_stopped) {
            return None;
        }
        self.now = None;
        self.frames.as_slice().first().map(|frame| frame.from)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((zstd, left)) = &mut self.now else {
                let Some(frame) = self.frames.next() else { return Ok(0) };
                let part = Part { file: self.file.clone(), at: frame.from_packed, end: frame.to_packed };
                let zstd = unpack(BufReader::with_capacity(64 << 10, part))?;
                self.now = Some((zstd, frame.to - frame.from));
                continue;
            };
            if *left > 0 {
                let want = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                let n = zstd.read(buffer.get_mut(..want).unwrap_or_default())?;
                if n == 0 {
                    return Err(wrong("the frame holds less than its event says"));
                }
                *left -= n as u64;
                return Ok(n);
            }
            if zstd.read(&mut [0])? > 0 {
                return Err(wrong("the frame holds more than its event says"));
            }
            let rest = zstd.get_ref();
            if !rest.buffer().is_empty() || rest.get_ref().at < rest.get_ref().end {
                return Err(wrong("there are bytes after the frame that no event tells of"));
            }
            self.now = None;
        }
    }
}

impl Read for FrameBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_stopped || buffer.is_empty() {
            return Ok(0);
        }
        match self.fill(buffer) {
            Err(error) if self.passes_over && error.kind() != io::ErrorKind::Interrupted => {
                self.is_stopped = true;
                Ok(0)
            }
            other => other,
        }
    }
}

/// The digest of the lines in a frame.
///
/// # Errors
/// When the file cannot be read, or the frame is no frame or holds another number of bytes.
pub fn lines_digest(path: &Path, frame: LineFrame) -> io::Result<Sha256Digest> {
    let mut bytes = FrameBytes::open(path, vec![frame])?;
    let mut hash = Sha256Stream::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        let n = bytes.read(&mut buffer)?;
        let Some(some) = buffer.get(..n).filter(|some| !some.is_empty()) else { return Ok(hash.finish()) };
        hash.update(some);
    }
}

/// The lines of a frame.
pub(super) fn unpacked_lines(path: &Path, frame: LineFrame) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    FrameBytes::open(path, vec![frame])?.read_to_end(&mut lines)?;
    Ok(lines)
}

/// The frames that hold bytes `from..` of the lines, up to the one in which `to` lies.
pub(super) fn frames_between(frames: &[LineFrame], from: u64, to: u64) -> Vec<LineFrame> {
    let first = frames.partition_point(|frame| frame.to <= from);
    let last = frames.partition_point(|frame| frame.from < to);
    frames.get(first..last).unwrap_or_default().to_vec()
}
