//! Reads a case: believes only what a committed event covers, takes no lock, changes nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;
use crate::types::record::Record;

use super::StoreError;
use super::case::CaseInfo;
use super::chain::{Chain, Trouble, check_version, follow, read_head};
use super::custody::{Event, Head};
use super::disk::open_read;
use super::framed::{LineForm, unpacked_lines};
use super::layout::{FileKind, Layout};
use super::lines::Lines;
use super::pack::{BlobAt, FRAME_IN_MEMORY, FrameAt, FrameLine, unpack, unpack_all};

/// Unpacked frames that are kept: neighbours in the ledger are mostly neighbours in a frame.
const CACHE_BYTES: usize = 16 << 20;

/// Packs that are kept open.
const OPEN_PACKS: usize = 8;

/// A case, as it was committed when it was opened. Can be shared among threads.
#[derive(Debug)]
pub struct Reader {
    layout: Layout,
    head: Head,
    // Followed when it is first asked for: a search that only looks into the catalog needs no more than the head.
    chain: OnceLock<Chain>,
    packs: Mutex<VecDeque<(u32, Arc<File>)>>,
    cache: Mutex<VecDeque<(FrameAt, Arc<Vec<u8>>)>>,
    // The lines of one frame: who looks up the lines of packs one by one mostly finds the next in the same.
    lines: Mutex<Option<PackLines>>,
}

/// Number of a pack, where one frame of its lines begins, and what the frame holds.
type PackLines = (u32, u64, Arc<Vec<u8>>);

impl Reader {
    /// Opens a case for reading; it may lie on a read-only medium, and somebody may be writing to it.
    ///
    /// # Errors
    /// [`StoreError::NotACase`], [`StoreError::NewerFormat`], [`StoreError::Io`]; [`StoreError::Damaged`] when the head
    /// is not in its form. Whether the custody log leads to the head is told by the first call that needs it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let layout = Layout::new(dir);
        let version = check_version(&layout)?;
        let layout = layout.with_form(LineForm::of_version(version));
        let Some(head) = read_head(&layout)? else {
            // Being made just now, or the making was cut off at its very end.
            let chain = follow(&layout, None, false)?;
            return Ok(Self::over(layout, chain));
        };
        Ok(Self::of(layout, head, OnceLock::new()))
    }

    /// A reader that believes this chain.
    pub fn over(layout: Layout, chain: Chain) -> Self {
        let layout = layout.with_form(chain.form);
        let head = chain.head.clone();
        Self::of(layout, head, OnceLock::from(chain))
    }

    fn of(layout: Layout, head: Head, chain: OnceLock<Chain>) -> Self {
        let (packs, cache, lines) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { layout, head, chain, packs, cache, lines }
    }

    pub(super) fn chain(&self) -> Result<&Chain, StoreError> {
        if let Some(chain) = self.chain.get() {
            return Ok(chain);
        }
        let chain = follow(&self.layout, Some(self.head.clone()), false)?;
        Ok(self.chain.get_or_init(|| chain))
    }

    /// The paths inside the case.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The newest event.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Committed length of a file of the record, by its path relative to the case; 0 when there is none. Of a file of
    /// frames it is that of its lines, unpacked.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the chain of the custody log does not hold, [`StoreError::Io`].
    pub fn cover(&self, path: &str) -> Result<u64, StoreError> {
        Ok(self.chain()?.cover(path))
    }

    /// What the case is about.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn case_info(&self) -> Result<CaseInfo, StoreError> {
        CaseInfo::read(&self.layout)
    }

    /// The committed lines of a segment from byte `from` on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn ledger_lines(&self, segment: u32, from: u64) -> Result<Lines, StoreError> {
        self.numbered_lines(FileKind::Ledger, segment, from)
    }

    /// The committed lines of a pack from byte `from` (unpacked) on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn pack_lines(&self, pack: u32, from: u64) -> Result<Lines, StoreError> {
        self.numbered_lines(FileKind::PackLines, pack, from)
    }

    fn numbered_lines(&self, kind: FileKind, number: u32, from: u64) -> Result<Lines, StoreError> {
        let chain = self.chain()?;
        chain.lines(&self.layout, &chain.name(kind, number), from)
    }

    /// The line of a pack that begins at byte `at` (unpacked) of its lines.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Damaged`] when there is no frame line.
    pub fn pack_line(&self, pack: u32, at: u64) -> Result<FrameLine, StoreError> {
        let chain = self.chain()?;
        let rel = chain.name(FileKind::PackLines, pack);
        let damaged =
            || StoreError::Damaged { path: self.layout.at(&rel), offset: at, trouble: Trouble::FrameInvalid };
        let frames = chain.frames.get(&rel).map_or(&[][..], Vec::as_slice);
        let Some(frame) = frames.get(frames.partition_point(|frame| frame.to <= at)) else {
            let mut lines = chain.lines(&self.layout, &rel, at)?;
            let line = lines.next_line()?.filter(|line| line.is_whole);
            return line.and_then(|line| FrameLine::parse(pack, line.bytes)).ok_or_else(damaged);
        };
        let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.as_ref().filter(|(of, from, _)| (*of, *from) == (pack, frame.from));
        let lines = if let Some((_, _, lines)) = known {
            Arc::clone(lines)
        } else {
            let lines = unpacked_lines(&self.layout.at(&rel), *frame)
                .map_err(|error| StoreError::io("read", self.layout.at(&rel), error))?;
            Arc::clone(&kept.insert((pack, frame.from, Arc::new(lines))).2)
        };
        drop(kept);
        let rest = at.checked_sub(frame.from).and_then(|at| lines.get(usize::try_from(at).ok()?..));
        let line = rest.and_then(|rest| rest.get(..memchr::memchr(b'\n', rest)?));
        line.and_then(|line| FrameLine::parse(pack, line)).ok_or_else(damaged)
    }

    /// The committed records of a segment, from line `from_line` (0 is the first) on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn records(&self, segment: u32, from_line: u64) -> Result<Records, StoreError> {
        let mut lines = self.ledger_lines(segment, 0)?;
        for _ in 0..from_line {
            if lines.next_line()?.is_none() {
                break;
            }
        }
        Ok(Records { lines, path: self.layout.numbered(FileKind::Ledger, segment) })
    }

    /// The committed frames of all packs, in the order they were written.
    pub fn frames(&self) -> Frames<'_> {
        self.frames_from(1, 0)
    }

    /// As [`Self::frames`], from byte `from` of the lines of pack `pack` on: where an earlier look ended.
    pub fn frames_from(&self, pack: u32, from: u64) -> Frames<'_> {
        Frames { reader: self, pack: pack.max(1), from, lines: None }
    }

    /// The committed events, from the first on.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn custody(&self) -> Result<Events, StoreError> {
        let path = self.layout.at(Layout::CUSTODY);
        Ok(Events { lines: Lines::open(&path, 0, self.chain()?.len)?, path })
    }

    /// Unpacks a whole frame.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] for the frame of a long blob, [`StoreError::Io`] also when it cannot be unpacked.
    pub fn read_frame(&self, at: FrameAt) -> Result<Vec<u8>, StoreError> {
        if at.raw > FRAME_IN_MEMORY || at.len > 2 * FRAME_IN_MEMORY {
            return Err(StoreError::TooLong { len: at.raw });
        }
        let path = self.layout.numbered(FileKind::Pack, at.pack);
        let wrong = |error| StoreError::io("read", &path, error);
        let file = self.pack(at.pack)?;
        let mut stored = vec![0; usize::try_from(at.len).unwrap_or_default()];
        file.read_exact_at(&mut stored, at.at).map_err(wrong)?;
        let mut out = Vec::new();
        unpack_all(&stored, at.raw, &mut out)
            .map_err(|error| StoreError::io("unpack a frame of", &path, error))?;
        Ok(out)
    }

    /// The bytes of a blob, checked against its digest.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] for a long blob ([`Self::copy_blob`] takes it), [`StoreError::BlobMismatch`],
    /// [`StoreError::Io`].
    pub fn blob(&self, at: &BlobAt) -> Result<Vec<u8>, StoreError> {
        if at.len == 0 {
            return Ok(Vec::new());
        }
        let frame = self.cached(at.frame)?;
        let end = at.offset.checked_add(at.len);
        let range = usize::try_from(at.offset).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
        let bytes = range.and_then(|(from, to)| frame.get(from..to));
        match bytes.filter(|bytes| Sha256Digest::of(bytes) == at.sha256) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(self.mismatch(at)),
        }
    }

    /// Writes the bytes of a blob of any length to `out`, and checks them against the digest on the way: on
    /// [`StoreError::BlobMismatch`] what was written is wrong.
    ///
    /// # Errors
    /// [`StoreError::BlobMismatch`], [`StoreError::Io`].
    pub fn copy_blob(&self, at: &BlobAt, out: &mut dyn Write) -> Result<(), StoreError> {
        let path = self.layout.numbered(FileKind::Pack, at.frame.pack);
        if at.frame.raw <= FRAME_IN_MEMORY {
            return out.write_all(&self.blob(at)?).map_err(|error| StoreError::io("copy from", path, error));
        }
        let hash = self.stream(at, &mut |bytes| out.write_all(bytes));
        match hash.map_err(|error| StoreError::io("copy from", path, error))? {
            Some(sha256) if sha256 == at.sha256 => Ok(()),
            _ => Err(self.mismatch(at)),
        }
    }

    /// The first `want` bytes of a blob of any length, all of which is read and checked against its digest.
    ///
    /// # Errors
    /// As [`Self::copy_blob`].
    pub fn blob_head(&self, at: &BlobAt, want: u64) -> Result<Vec<u8>, StoreError> {
        let mut head = BlobHead { bytes: Vec::new(), want: usize::try_from(want).unwrap_or(usize::MAX) };
        self.copy_blob(at, &mut head)?;
        Ok(head.bytes)
    }

    fn mismatch(&self, at: &BlobAt) -> StoreError {
        StoreError::BlobMismatch {
            sha256: at.sha256,
            path: self.layout.numbered(FileKind::Pack, at.frame.pack),
        }
    }

    /// Gives a blob of any length to `sink` piece by piece, unchecked; answers the digest of what was given, `None`
    /// when the frame ended before the blob did.
    ///
    /// # Errors
    /// What the operating system or the unpacker says.
    pub fn stream(
        &self,
        at: &BlobAt,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Option<Sha256Digest>> {
        let file = self.pack(at.frame.pack).map_err(io::Error::other)?;
        let stored = Window { file, at: at.frame.at, end: at.frame.at.saturating_add(at.frame.len) };
        let mut reader = unpack(io::BufReader::with_capacity(128 << 10, stored))?;
        if io::copy(&mut (&mut reader).take(at.offset), &mut io::sink())? != at.offset {
            return Ok(None);
        }
        let mut hash = Sha256Stream::new();
        let mut buffer = vec![0; 128 << 10];
        let mut left = at.len;
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let n = reader.read(buffer.get_mut(..want).unwrap_or_default())?;
            let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
            hash.update(bytes);
            sink(bytes)?;
            left -= n as u64;
        }
        Ok(Some(hash.finish()))
    }

    fn cached(&self, at: FrameAt) -> Result<Arc<Vec<u8>>, StoreError> {
        {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = cache.iter().position(|(of, _)| *of == at)
                && let Some(hit) = cache.remove(place)
            {
                let frame = hit.1.clone();
                cache.push_back(hit);
                return Ok(frame);
            }
        }
        let frame = Arc::new(self.read_frame(at)?);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.push_back((at, frame.clone()));
        while cache.len() > 1 && cache.iter().map(|(_, frame)| frame.len()).sum::<usize>() > CACHE_BYTES {
            cache.pop_front();
        }
        Ok(frame)
    }

    fn pack(&self, number: u32) -> Result<Arc<File>, StoreError> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = packs.iter().find(|(of, _)| *of == number) {
            return Ok(file.clone());
        }
        let path = self.layout.numbered(FileKind::Pack, number);
        let file = Arc::new(open_read(&path).map_err(|error| StoreError::io("read", path, error))?);
        packs.push_back((number, file.clone()));
        if packs.len() > OPEN_PACKS {
            packs.pop_front();
        }
        Ok(file)
    }
}

/// Keeps the first bytes and takes the rest in silence.
struct BlobHead {
    bytes: Vec<u8>,
    want: usize,
}

impl Write for BlobHead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.want.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stretch of a file, read in order.
struct Window {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(buffer.get_mut(..left).unwrap_or_default(), self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Records of a segment, with their lines (without LF).
#[derive(Debug)]
pub struct Records {
    lines: Lines,
    path: std::path::PathBuf,
}

impl Iterator for Records {
    type Item = Result<(Vec<u8>, Record), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next_line() {
            Ok(line) => line?,
            Err(error) => return Some(Err(error)),
        };
        Some(match Record::parse(line.bytes) {
            Ok(record) if line.is_whole => Ok((line.bytes.to_vec(), record)),
            _ => Err(StoreError::Damaged {
                path: self.path.clone(),
                offset: line.at,
                trouble: Trouble::FormInvalid,
            }),
        })
    }
}

/// Frames of all packs.
#[derive(Debug)]
pub struct Frames<'a> {
    reader: &'a Reader,
    pack: u32,
    from: u64,
    lines: Option<Lines>,
}

impl Frames<'_> {
    /// Pack, and byte of its lines, at which the next line begins: for [`Reader::frames_from`].
    pub fn position(&self) -> (u32, u64) {
        (self.pack, self.lines.as_ref().map_or(self.from, Lines::position))
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<FrameLine, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let chain = match self.reader.chain() {
                Ok(chain) => chain,
                Err(error) => return Some(Err(error)),
            };
            let rel = chain.name(FileKind::PackLines, self.pack);
            let lines = if let Some(lines) = &mut self.lines {
                lines
            } else {
                if chain.cover(&rel) == 0 {
                    return None;
                }
                match chain.lines(&self.reader.layout, &rel, self.from) {
                    Ok(lines) => self.lines.insert(lines),
                    Err(error) => return Some(Err(error)),
                }
            };
            match lines.next_line() {
                Err(error) => return Some(Err(error)),
                Ok(Some(line)) => {
                    let offset = line.at;
                    let parsed = FrameLine::parse(self.pack, line.bytes).filter(|_| line.is_whole);
                    return Some(parsed.ok_or_else(|| StoreError::Damaged {
                        path: self.reader.layout.at(&rel),
                        offset,
                        trouble: Trouble::FrameInvalid,
                    }));
                }
                // The last covered pack stays open, so that `position` tells where its lines end.
                Ok(None) if chain.cover(&chain.name(FileKind::PackLines, self.pack + 1)) == 0 => return None,
                Ok(None) => {
                    self.pack += 1;
                    self.from = 0;
                    self.lines = None;
                }
            }
        }
    }
}

/// Events of the custody log, with their lines (without LF).
#[derive(Debug)]
pub struct Events {
    lines: Lines,
    path: std::path::PathBuf,
}

impl Iterator for Events {
    type Item = Result<(Vec<u8>, Event), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next_line() {
            Ok(line) => line?,
            Err(error) => return Some(Err(error)),
        };
        Some(match Event::parse(line.bytes) {
            Some(event) if line.is_whole => Ok((line.bytes.to_vec(), event)),
            _ => Err(StoreError::Damaged {
                path: self.path.clone(),
                offset: line.at,
                trouble: Trouble::EventInvalid,
            }),
        })
    }
}
