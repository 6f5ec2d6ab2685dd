//! SHA-256 digests: of bytes at hand, of a stream, and of the CRLF "wire" form of a message.

use std::fmt;
use std::io;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of some bytes (FIPS 180-4), always all 32 bytes of it.
///
/// `Display` writes 64 lower-case hex digits: the form `sha256sum` prints and
/// manifests hold. There is no short form, because short forms end up in reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest whose 32 bytes are known already.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 64];
        hex_into(&self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest (64 lower-case hex digits)")]
pub struct NotADigest;

impl FromStr for Sha256Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut out = [0u8; 32];
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(NotADigest);
        }
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let (Some(hi), Some(lo)) = (nibble(pair[0]), nibble(pair[1])) else {
                return Err(NotADigest);
            };
            *byte = hi << 4 | lo;
        }
        Ok(Self(out))
    }
}

fn nibble(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `bytes` as lower-case hex into `out`, which must be twice as long.
pub fn hex_into(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

/// `bytes` as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = vec![0u8; bytes.len() * 2];
    hex_into(bytes, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// SHA-256 over bytes that come piece by piece.
#[derive(Clone, Default)]
pub struct Sha256Stream(Sha256);

impl fmt::Debug for Sha256Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Stream")
    }
}

impl Sha256Stream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

/// Hands bytes on and takes their SHA-256 and their number.
#[derive(Debug)]
pub struct HashingWriter<W> {
    /// Where they go.
    pub out: W,
    /// Their digest so far.
    pub hash: Sha256Stream,
    /// Their number so far.
    pub bytes: u64,
}

impl<W> HashingWriter<W> {
    /// Nothing was written yet.
    pub fn new(out: W) -> Self {
        Self { out, hash: Sha256Stream::new(), bytes: 0 }
    }
}

impl<W: io::Write> io::Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(bytes.get(..n).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The SHA-256 of the wire form of bytes that come piece by piece: every LF not preceded by CR becomes CRLF,
/// a lone CR stays as it is, and nothing is added at the end.
#[derive(Debug, Clone, Default)]
pub struct WireStream {
    hash: Sha256Stream,
    buffer: Vec<u8>,
    after_cr: bool,
    changed: bool,
}

/// Bytes gathered before they are hashed; fits the first-level cache.
const WIRE_BUFFER: usize = 16 * 1024;

impl WireStream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the message, un-escaped by the container's rule.
    pub fn update(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            let has_cr = if at == 0 { self.after_cr } else { bytes[at - 1] == b'\r' };
            if !has_cr {
                self.gather(&bytes[from..at]);
                self.gather(b"\r\n");
                self.changed = true;
                from = at + 1;
            }
        }
        self.gather(&bytes[from..]);
        self.after_cr = last == b'\r';
    }

    /// Whether the wire form differs from the bytes taken, that is whether a CR was put in.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The digest of the wire form.
    pub fn finish(mut self) -> Sha256Digest {
        self.hash.update(&self.buffer);
        self.hash.finish()
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > WIRE_BUFFER {
            self.hash.update(&self.buffer);
            self.buffer.clear();
            if bytes.len() > WIRE_BUFFER {
                self.hash.update(bytes);
                return;
            }
        }
        self.buffer.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints_and_refuses_upper_case() {
        let digest = Sha256Digest::of(b"From: a@example.org");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        assert!(text.to_uppercase().parse::<Sha256Digest>().is_err());
    }

    fn wire(pieces: &[&[u8]]) -> Sha256Digest {
        let mut stream = WireStream::new();
        for piece in pieces {
            stream.update(piece);
        }
        stream.finish()
    }

    #[test]
    fn the_wire_form_turns_a_bare_lf_into_crlf_and_leaves_a_lone_cr() {
        let want = Sha256Digest::of(b"a\r\nb\r\nc\rd\r\n\r\n");
        assert_eq!(wire(&[b"a\nb\r\nc\rd\n\n"]), want);
        assert_eq!(wire(&[b"a", b"\nb\r", b"\nc\r", b"d\n", b"\n"]), want);
        assert_eq!(wire(&[b""]), Sha256Digest::of(b""));
    }

    #[test]
    fn the_wire_form_of_long_input_is_the_same_as_of_short_pieces() {
        let long: Vec<u8> = b"0123456789abcdef\nxyz\r\n".repeat(5000);
        let pieces: Vec<&[u8]> = long.chunks(7).collect();
        assert_eq!(wire(&[&long]), wire(&pieces));
    }
}
