//! Text made ready for hashing: canonicalisation of headers and bodies (RFC 6376 section 3.4), piece by piece.

use crate::parse::dkim::{Algorithm, Canon};
use crate::types::digest::Sha256Stream;
use crate::types::legacy::LegacyStream;

/// The hash of a signature's algorithm.
#[derive(Clone, Debug)]
pub(super) enum Hasher {
    Sha256(Sha256Stream),
    Sha1(LegacyStream),
}

impl Hasher {
    pub(super) fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RsaSha1 => Self::Sha1(LegacyStream::new(false, true)),
            _ => Self::Sha256(Sha256Stream::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hash) => hash.finish().as_bytes().to_vec(),
            Self::Sha1(hash) => hash.finish_sha1().to_vec(),
        }
    }
}

/// Bytes gathered before they are hashed.
const BUFFER: usize = 4096;

/// The hash of a canonical body, line by line.
#[derive(Clone, Debug)]
pub(super) struct BodyHash {
    canon: Canon,
    hash: Hasher,
    buffer: Vec<u8>,
    // Empty lines that count only if a line follows.
    empties: u64,
    // Canonical bytes so far.
    len: u64,
    // `l=`.
    limit: u64,
}

impl BodyHash {
    pub(super) fn new(canon: Canon, algorithm: Algorithm, limit: Option<u64>) -> Self {
        let hash = Hasher::of(algorithm);
        let limit = limit.unwrap_or(u64::MAX);
        Self { canon, hash, buffer: Vec::with_capacity(BUFFER), empties: 0, len: 0, limit }
    }

    /// Takes a line without its end.
    pub(super) fn line(&mut self, line: &[u8]) {
        let line = match self.canon {
            Canon::Simple => line,
            Canon::Relaxed => trim_end(line),
        };
        if line.is_empty() {
            self.empties += 1;
            return;
        }
        while self.empties > 0 {
            self.empties -= 1;
            self.put(b"\r\n");
        }
        match self.canon {
            Canon::Simple => self.put(line),
            Canon::Relaxed if is_squeezed(line) => self.put(line),
            Canon::Relaxed => squeeze(line, &mut |bytes| self.put(bytes)),
        }
        self.put(b"\r\n");
    }

    fn put(&mut self, bytes: &[u8]) {
        let left = self.limit.saturating_sub(self.len);
        self.len = self.len.saturating_add(bytes.len() as u64);
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..take).unwrap_or_default();
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush();
            if bytes.len() > BUFFER {
                self.hash.update(bytes);
                return;
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        self.hash.update(&self.buffer);
        self.buffer.clear();
    }

    /// The digest, were this the end of the body; more lines may follow.
    pub(super) fn now(&mut self) -> Vec<u8> {
        self.flush();
        let mut hash = self.hash.clone();
        if self.len == 0 && self.canon == Canon::Simple && self.limit >= 2 {
            hash.update(b"\r\n");
        }
        hash.finish()
    }

    /// Number of canonical bytes, whatever `l=` says.
    pub(super) fn len(&self) -> u64 {
        if self.len == 0 && self.canon == Canon::Simple { 2 } else { self.len }
    }
}

fn is_wsp(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// A line without blanks at its end.
pub(super) fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// Whether every run of blanks is one space already; the line ends in no blank.
fn is_squeezed(line: &[u8]) -> bool {
    let mut is_odd = false;
    // All of it without a way out, so that many bytes are looked at in one step.
    for (&a, &b) in line.iter().zip(line.get(1..).unwrap_or_default()) {
        is_odd |= a == b'\t' || a == b' ' && is_wsp(b);
    }
    !is_odd
}

/// Gives `line` with each run of blanks as one blank.
fn squeeze(line: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.iter().position(|b| is_wsp(*b)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        sink(word);
        let blanks = after.iter().take_while(|b| is_wsp(**b)).count();
        if blanks > 0 {
            sink(b" ");
        }
        rest = after.get(blanks..).unwrap_or_default();
    }
}

/// The lines of a body without their ends; an LF without CR ends a line too. What follows the last LF is a line.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(match line {
            [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] | line => line,
        })
    })
}

/// As [`lines`], but only CRLF ends a line, so that a bare LF is a byte like any other.
pub(super) fn crlf_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let finder = memchr::memmem::Finder::new(b"\r\n");
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = match finder.find(rest) {
            Some(n) => (rest.get(..n)?, rest.get(n + 2..)?),
            None => (rest, &[][..]),
        };
        rest = after;
        Some(line)
    })
}

/// Appends a header field, given with its name and line ends, in canonical form with a CRLF.
pub(super) fn field(canon: Canon, raw: &[u8], out: &mut Vec<u8>) {
    match canon {
        Canon::Simple => {
            for line in lines(raw) {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
        }
        Canon::Relaxed => {
            let colon = memchr::memchr(b':', raw).unwrap_or(raw.len());
            let (name, value) = raw.split_at(colon);
            out.extend(trim_end(name).iter().map(u8::to_ascii_lowercase));
            out.push(b':');
            let mut unfolded = Vec::with_capacity(value.len());
            for line in lines(value.get(1..).unwrap_or_default()) {
                unfolded.extend_from_slice(line);
            }
            let start = unfolded.iter().take_while(|b| is_wsp(**b)).count();
            let value = trim_end(unfolded.get(start..).unwrap_or_default());
            squeeze(value, &mut |bytes| out.extend_from_slice(bytes));
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(canon: Canon, text: &[u8]) -> (String, u64) {
        let mut hash = BodyHash::new(canon, Algorithm::RsaSha256, None);
        lines(text).for_each(|line| hash.line(line));
        (crate::types::digest::hex(&hash.now()), hash.len())
    }

    fn sha(text: &[u8]) -> String {
        crate::types::Sha256Digest::of(text).to_string()
    }

    #[track_caller]
    fn check(canon: Canon, text: &[u8], canonical: &[u8]) {
        assert_eq!(body(canon, text), (sha(canonical), canonical.len() as u64), "{text:?}");
    }

    #[test]
    fn bodies_are_as_the_examples_of_the_standard() {
        // RFC 6376 section 3.4.5.
        let text = b" C \r\nD \t E\r\n\r\n\r\n";
        check(Canon::Relaxed, text, b" C\r\nD E\r\n");
        check(Canon::Simple, text, b" C \r\nD \t E\r\n");
    }

    #[test]
    fn empty_bodies_and_missing_line_ends_are_as_the_standard_says() {
        check(Canon::Simple, b"", b"\r\n");
        check(Canon::Simple, b"\r\n\r\n", b"\r\n");
        check(Canon::Relaxed, b"", b"");
        check(Canon::Relaxed, b" \t\r\n\r\n", b"");
        check(Canon::Simple, b" \r\n", b" \r\n");
        check(Canon::Simple, b"a", b"a\r\n");
        check(Canon::Relaxed, b"a", b"a\r\n");
        check(Canon::Simple, b"a\n\nb\n\n", b"a\r\n\r\nb\r\n");
        check(Canon::Relaxed, b"\n\na \n", b"\r\n\r\na\r\n");
        check(Canon::Simple, b"a\rb\r\n", b"a\rb\r\n");
    }

    #[test]
    fn a_bare_lf_is_a_byte_when_only_crlf_ends_lines() {
        let got: Vec<&[u8]> = crlf_lines(b"a\nb\r\nc").collect();
        assert_eq!(got, [&b"a\nb"[..], b"c"]);
    }

    #[test]
    fn a_length_cuts_the_canonical_body() {
        let mut hash = BodyHash::new(Canon::Simple, Algorithm::RsaSha256, Some(4));
        lines(b"ab\ncd\n").for_each(|line| hash.line(line));
        assert_eq!(crate::types::digest::hex(&hash.now()), sha(b"ab\r\n"));
        assert_eq!(hash.len(), 8);
    }

    #[test]
    fn long_lines_hash_like_short_ones() {
        let long = [b"x".repeat(10_000), b"\n".to_vec()].concat();
        let want = [b"x".repeat(10_000), b"\r\n".to_vec()].concat();
        check(Canon::Simple, &long, &want);
    }

    #[test]
    fn header_fields_are_as_the_examples_of_the_standard() {
        let mut out = Vec::new();
        field(Canon::Relaxed, b"A: X\r\n", &mut out);
        field(Canon::Relaxed, b"B : Y\t\r\n\tZ  \r\n", &mut out);
        assert_eq!(out, b"a:X\r\nb:Y Z\r\n");
        out.clear();
        field(Canon::Simple, b"B : Y\t\n\tZ  \n", &mut out);
        assert_eq!(out, b"B : Y\t\r\n\tZ  \r\n");
    }
}
