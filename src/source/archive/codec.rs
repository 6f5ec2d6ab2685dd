//! Compressed streams: gzip, bzip2, xz and zstd, each with several members or frames one after the other.

use std::io::{self, BufRead, BufReader, Read};

use super::Hit;

/// Memory that an xz stream may ask for, in bytes; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// Most streams of one file that unpack to less than [`SMALL`] bytes: to set a stream up costs as much as to unpack a
/// megabyte, and no packer makes them so small.
const MAX_SMALL: u32 = 8192;
/// A stream that unpacks to less is small.
const SMALL: u64 = 64 * 1024;

/// Largest window of a zstd frame, as a power of two: what `zstd -d` takes without being told more.
const ZSTD_WINDOW: u32 = 27;

/// The formats whose streams we follow one after the other ourselves.
///
/// The readers of their libraries lose what they unpacked in the call that meets the damage, which can be all of a
/// small file; and that of bzip2 sets some megabytes up for every stream, also for an empty one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Xz,
    Bzip2,
}

enum Decoder {
    Xz(liblzma::stream::Stream),
    Bzip2(bzip2::Decompress),
}

/// What a call of a decoder did.
struct Progress {
    read: u64,
    made: u64,
    result: io::Result<bool>,
}

impl Decoder {
    fn new(packing: Packing) -> io::Result<Self> {
        Ok(match packing {
            Packing::Xz => {
                Self::Xz(liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0).map_err(io::Error::other)?)
            }
            Packing::Bzip2 => Self::Bzip2(bzip2::Decompress::new(false)),
        })
    }

    /// Unpacks some; the result says whether the stream has ended.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        use liblzma::stream::{Action, Status};
        match self {
            Self::Xz(stream) => {
                let (read, made) = (stream.total_in(), stream.total_out());
                let action = if input.is_empty() { Action::Finish } else { Action::Run };
                let result = stream.process(input, out, action);
                Progress {
                    read: stream.total_in().saturating_sub(read),
                    made: stream.total_out().saturating_sub(made),
                    result: result.map(|status| status == Status::StreamEnd).map_err(io::Error::from),
                }
            }
            Self::Bzip2(stream) => {
                let (read, made) = (stream.total_in(), stream.total_out());
                let result = stream.decompress(input, out);
                Progress {
                    read: stream.total_in().saturating_sub(read),
                    made: stream.total_out().saturating_sub(made),
                    result: result.map(|status| status == bzip2::Status::StreamEnd).map_err(io::Error::from),
                }
            }
        }
    }
}

/// Streams one after the other. What was unpacked before damage is given before the error is.
struct Streams<R> {
    packed: R,
    packing: Packing,
    /// Bytes taken to tell what follows a stream; they are read before the others.
    ahead: Vec<u8>,
    decoder: Option<Decoder>,
    has_begun: bool,
    error: Option<io::Error>,
    /// What the stream has unpacked to so far.
    made: u64,
    /// Small streams so far, and at most.
    small: u32,
    most_small: u32,
}

impl<R: BufRead> Streams<R> {
    fn new(packed: R, packing: Packing) -> Self {
        Self {
            packed,
            packing,
            ahead: Vec::new(),
            decoder: None,
            has_begun: false,
            error: None,
            made: 0,
            small: 0,
            most_small: MAX_SMALL,
        }
    }

    /// Looks at the next bytes, at most `want` of them.
    fn look(&mut self, want: usize) -> io::Result<&[u8]> {
        while self.ahead.len() < want {
            let more = self.packed.fill_buf()?;
            if more.is_empty() {
                break;
            }
            let count = more.len().min(want.saturating_sub(self.ahead.len()));
            self.ahead.extend_from_slice(more.get(..count).unwrap_or_default());
            self.packed.consume(count);
        }
        Ok(self.ahead.get(..want.min(self.ahead.len())).unwrap_or_default())
    }

    /// Goes to the next stream; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let (magic, empty): (&[u8], &[u8]) = match self.packing {
                Packing::Xz => (b"\xfd7zXZ\0", b"\0\0\0\0"),
                // All of an empty stream behind its `BZh9`: the mark of the end, and the sum of nothing.
                Packing::Bzip2 => (b"BZh", b"\x17\x72\x45\x38\x50\x90\0\0\0\0"),
            };
            let (packing, has_begun) = (self.packing, self.has_begun);
            let skip = if packing == Packing::Xz { 0 } else { 4 };
            let next = self.look(empty.len().saturating_add(skip).max(magic.len()))?;
            if next.is_empty() {
                return Ok(false);
            }
            let is_empty = (packing == Packing::Xz || next.starts_with(magic))
                && next.get(skip..).is_some_and(|rest| rest.starts_with(empty));
            if is_empty && (has_begun || packing == Packing::Bzip2) {
                self.ahead.drain(..empty.len().saturating_add(skip));
                self.has_begun = true;
                continue;
            }
            if has_begun && !next.starts_with(magic) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "bytes that are no stream follow the last one",
                ));
            }
            self.has_begun = true;
            self.decoder = Some(Decoder::new(self.packing)?);
            return Ok(true);
        }
    }
}

impl<R: BufRead> Read for Streams<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        loop {
            let Some(decoder) = &mut self.decoder else {
                if self.begin()? {
                    continue;
                }
                return Ok(0);
            };
            let is_ahead = !self.ahead.is_empty();
            let input = if is_ahead { &self.ahead } else { self.packed.fill_buf()? };
            let ended = input.is_empty();
            let Progress { read, made, result } = decoder.step(input, buf);
            let (read, made) = (usize::try_from(read).unwrap_or(0), usize::try_from(made).unwrap_or(0));
            if is_ahead {
                self.ahead.drain(..read.min(self.ahead.len()));
            } else {
                self.packed.consume(read);
            }
            self.made = self.made.saturating_add(made as u64);
            let failed = match result {
                Ok(true) => {
                    self.decoder = None;
                    self.small = self.small.saturating_add(u32::from(self.made < SMALL));
                    self.made = 0;
                    let hit = Hit::Streams { most: self.most_small, small: SMALL };
                    (self.small > self.most_small).then(|| io::Error::other(hit))
                }
                Ok(false) if ended && made == 0 => {
                    Some(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of a stream"))
                }
                Ok(false) => None,
                Err(error) => Some(error),
            };
            match (made, failed) {
                (0, None) => {}
                (0, Some(error)) => return Err(error),
                (made, failed) => {
                    self.error = failed;
                    return Ok(made);
                }
            }
        }
    }
}

/// Bytes of the frames without data that a zstd file begins with (RFC 8878 section 3.1.2).
pub(super) fn skippable(head: &[u8]) -> u64 {
    let mut at = 0u64;
    loop {
        let rest = head.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
        let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = rest else { return at };
        at = at.saturating_add(8).saturating_add(u64::from(u32::from_le_bytes([*a, *b, *c, *d])));
    }
}

/// A reader of what a compressed stream unpacks to.
///
/// # Errors
/// What the unpacker says of its own set-up; damage in the stream is an error of the reader.
pub(super) fn unpack<'a>(packed: Box<dyn Read + 'a>, kind: &str) -> io::Result<Box<dyn Read + 'a>> {
    let packed = BufReader::with_capacity(128 * 1024, packed);
    Ok(match kind {
        "gzip" => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        "bzip2" => Box::new(Streams::new(packed, Packing::Bzip2)),
        "xz" => Box::new(Streams::new(packed, Packing::Xz)),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// The name of the one file inside: the outer name without the suffix that the packer added.
pub(super) fn inner_name(outer: &[u8]) -> Vec<u8> {
    const SUFFIXES: [(&[u8], &[u8]); 12] = [
        (b".tgz", b".tar"),
        (b".tbz2", b".tar"),
        (b".tbz", b".tar"),
        (b".txz", b".tar"),
        (b".tzst", b".tar"),
        (b".gz", b""),
        (b".bz2", b""),
        (b".bz", b""),
        (b".xz", b""),
        (b".zst", b""),
        (b".zstd", b""),
        (b".z", b""),
    ];
    for (suffix, instead) in SUFFIXES {
        let Some((stem, tail)) = outer.split_at_checked(outer.len().saturating_sub(suffix.len())) else {
            continue;
        };
        if !stem.is_empty() && tail.eq_ignore_ascii_case(suffix) {
            return [stem, instead].concat();
        }
    }
    outer.to_vec()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::source::archive::is_limit;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn small_streams_beyond_the_limit_are_a_limit_that_was_hit() {
        let long = packed(&vec![b'a'; 70_000]);
        let file = [packed(b"one\n"), long, packed(b"two\n"), packed(b"three\n")].concat();
        let read = |most_small| {
            let mut streams = Streams { most_small, ..Streams::new(file.as_slice(), Packing::Bzip2) };
            let mut out = Vec::new();
            let result = streams.read_to_end(&mut out);
            (out.len(), result.err())
        };
        assert_eq!(read(3).0, 70_014);
        let (len, error) = read(2);
        // What was unpacked before is given.
        assert_eq!(len, 70_014);
        assert!(error.is_some_and(|error| is_limit(&error)));
        assert_eq!(read(1).0, 70_008);
    }
}
