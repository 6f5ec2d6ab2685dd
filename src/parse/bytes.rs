//! Small readings of byte slices that cannot go out of bounds.

use std::ops::Range;

/// The bytes of a range; what lies outside is left out.
pub(crate) fn part(bytes: &[u8], range: Range<usize>) -> &[u8] {
    let end = range.end.min(bytes.len());
    bytes.get(range.start.min(end)..end).unwrap_or_default()
}

/// The bytes from a position on.
pub(crate) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// The byte at a position, 0 outside.
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The start of the next line at or after `at`, that is just past the next LF; the length when there is none.
pub(crate) fn line_end(bytes: &[u8], at: usize) -> usize {
    match memchr::memchr(b'\n', from(bytes, at)) {
        Some(n) => at.saturating_add(n).saturating_add(1),
        None => bytes.len(),
    }
}

/// A line without its LF or CRLF.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    match line {
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] => rest,
        _ => line,
    }
}

/// Bytes without blanks, tabs and line ends around them.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut b = bytes;
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = b {
        b = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = b {
        b = rest;
    }
    b
}

/// Whether `bytes` start with `prefix`, ASCII case aside.
pub(crate) fn starts_with_fold(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.get(..prefix.len()).is_some_and(|b| b.eq_ignore_ascii_case(prefix))
}
