//! Reads a file of lines up to a given length, one bounded line after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom, Take};
use std::path::{Path, PathBuf};

use super::disk::open_read;
use super::framed::{FrameBytes, LineFrame, frames_between};
use super::{StoreError, Trouble};

/// Longest line that is taken into memory; a longer one is damage. A line of a full frame of empty blobs has some 5
/// MiB.
pub const MAX_LINE: u64 = 64 << 20;

/// Lines of one file between two offsets.
#[derive(Debug)]
pub struct Lines {
    file: Bytes,
    path: PathBuf,
    line: Vec<u8>,
    at: u64,
}

/// Where the bytes come from.
#[derive(Debug)]
enum Bytes {
    Plain(BufReader<Take<File>>),
    Framed(BufReader<Take<FrameBytes>>),
}

impl Bytes {
    fn buffered(&mut self) -> &mut dyn BufRead {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Framed(bytes) => bytes,
        }
    }
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of its first byte in the file.
    pub at: u64,
    /// Its bytes without the LF; empty when it is over [`MAX_LINE`].
    pub bytes: &'a [u8],
    /// Whether it ends in LF and is not over the limit.
    pub is_whole: bool,
}

impl Lines {
    /// The lines in bytes `from..to` of the file.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be opened.
    pub fn open(path: &Path, from: u64, to: u64) -> Result<Self, StoreError> {
        let wrong = |error| StoreError::io("read", path, error);
        let mut file = open_read(path).map_err(wrong)?;
        if from > 0 {
            file.seek(SeekFrom::Start(from)).map_err(wrong)?;
        }
        let file = Bytes::Plain(BufReader::with_capacity(128 << 10, file.take(to.saturating_sub(from))));
        Ok(Self { file, path: path.to_owned(), line: Vec::new(), at: from })
    }

    /// The lines in bytes `from..to` (unpacked) of a file of frames.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be opened, [`StoreError::Damaged`] when a frame before `from` is
    /// damaged.
    pub(super) fn framed(path: &Path, frames: &[LineFrame], from: u64, to: u64) -> Result<Self, StoreError> {
        let frames = frames_between(frames, from, to);
        let start = frames.first().map_or(from, |frame| frame.from);
        let bytes = FrameBytes::open(path, frames).map_err(|error| StoreError::io("read", path, error))?;
        let file = BufReader::with_capacity(64 << 10, bytes.take(to.saturating_sub(start)));
        let mut lines =
            Self { file: Bytes::Framed(file), path: path.to_owned(), line: Vec::new(), at: start };
        let skip = from.saturating_sub(start);
        let skipped = std::io::copy(&mut lines.file.buffered().take(skip), &mut std::io::sink());
        match skipped {
            Ok(n) if n == skip => lines.at = from,
            Ok(_) => return Err(lines.wrong(std::io::ErrorKind::UnexpectedEof.into())),
            Err(error) => return Err(lines.wrong(error)),
        }
        Ok(lines)
    }

    /// From now on a damaged frame ends with a line that is not whole, and the lines of the next one follow.
    pub fn pass_over_damage(&mut self) {
        if let Bytes::Framed(bytes) = &mut self.file {
            bytes.get_mut().get_mut().pass_over_damage();
        }
    }

    /// What the operating system says is an error of its own; all else that a frame can say is damage.
    fn wrong(&self, error: std::io::Error) -> StoreError {
        if matches!(self.file, Bytes::Framed(_)) && error.raw_os_error().is_none() {
            let (path, trouble) = (self.path.clone(), Trouble::LinesUnreadable);
            return StoreError::Damaged { path, offset: self.at, trouble };
        }
        StoreError::io("read", &self.path, error)
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, StoreError> {
        let at = self.at;
        self.line.clear();
        let read = self.file.buffered().take(MAX_LINE).read_until(b'\n', &mut self.line);
        let n = match read {
            Ok(n) => n,
            Err(error) => return Err(self.wrong(error)),
        };
        if let Bytes::Framed(bytes) = &mut self.file
            && self.line.last() != Some(&b'\n')
            && (n as u64) < MAX_LINE
        {
            // Here the lines end, or a frame was damaged: then the next one begins where its event says.
            let rest = bytes.get_mut();
            if let Some(next) = rest.get_mut().go_on() {
                rest.set_limit((rest.limit() + at + n as u64).saturating_sub(next));
                self.at = next;
                return Ok(Some(Line { at, bytes: &self.line, is_whole: false }));
            }
        }
        if n == 0 {
            return Ok(None);
        }
        self.at += n as u64;
        let mut is_whole = self.line.last() == Some(&b'\n');
        if is_whole {
            self.line.pop();
        } else if n as u64 == MAX_LINE {
            self.line.clear();
            match self.skip_line() {
                Ok(skipped) => self.at += skipped,
                Err(error) => return Err(self.wrong(error)),
            }
            is_whole = false;
        }
        Ok(Some(Line { at, bytes: &self.line, is_whole }))
    }

    /// Offset just past the line that was read last.
    pub fn position(&self) -> u64 {
        self.at
    }

    fn skip_line(&mut self) -> std::io::Result<u64> {
        let mut skipped = 0;
        loop {
            let file = self.file.buffered();
            let buffer = file.fill_buf()?;
            if buffer.is_empty() {
                return Ok(skipped);
            }
            let (n, done) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            file.consume(n);
            skipped += n as u64;
            if done {
                return Ok(skipped);
            }
        }
    }
}

/// The last line that ends at byte `to` of the file, with the offset of its first byte, when it is at most `limit`
/// bytes long and ends in LF; the LF is left out.
pub(super) fn last_line(path: &Path, to: u64, limit: u64) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
    use std::os::unix::fs::FileExt as _;
    let wrong = |error| StoreError::io("read", path, error);
    let file = open_read(path).map_err(wrong)?;
    let mut want = 4096u64.min(limit);
    loop {
        let take = want.min(to);
        let mut tail = vec![0; usize::try_from(take).unwrap_or_default()];
        file.read_exact_at(&mut tail, to - take).map_err(wrong)?;
        if tail.pop() != Some(b'\n') {
            return Ok(None);
        }
        if let Some(lf) = memchr::memrchr(b'\n', &tail) {
            return Ok(Some((to - take + lf as u64 + 1, tail.split_off(lf + 1))));
        }
        if take == to {
            return Ok(Some((0, tail)));
        }
        if want >= limit {
            return Ok(None);
        }
        want = want.saturating_mul(8).min(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_between_two_offsets_and_a_torn_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "ab\n\ncd\nef").unwrap();
        let mut lines = Lines::open(&path, 0, 9).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            seen.push((line.at, line.bytes.to_vec(), line.is_whole));
        }
        let want: [(u64, &[u8], bool); 4] =
            [(0, b"ab", true), (3, b"", true), (4, b"cd", true), (7, b"ef", false)];
        assert_eq!(seen, want.map(|(at, bytes, whole)| (at, bytes.to_vec(), whole)));
        assert_eq!(lines.position(), 9);
        assert_eq!(last_line(&path, 7, 100).unwrap(), Some((4, b"cd".to_vec())));
        assert_eq!(last_line(&path, 3, 100).unwrap(), Some((0, b"ab".to_vec())));
        assert_eq!(last_line(&path, 9, 100).unwrap(), None);
        assert_eq!(last_line(&path, 7, 2).unwrap(), None);
    }
}
