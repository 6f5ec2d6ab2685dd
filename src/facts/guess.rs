//! Second readings of text whose charset or encoding is not what was stated, so that its words are found all the same.
//! They are added beside the stated reading, never in its place, and count as text that a reader does not see.

use super::parts::is_like_text;
use crate::parse::{charset, decode};

/// Text encoded once too often: base64 inside what was decoded already, or where no encoding was stated. The text must
/// be nothing but base64, and what comes out must be text. At most three layers.
pub(crate) fn hidden_base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = unwrapped(bytes)?;
    for _ in 0..2 {
        match unwrapped(&out) {
            Some(inner) => out = inner,
            None => break,
        }
    }
    Some(out)
}

/// Shortest base64 text that is tried: shorter ones may be words.
const SHORTEST: usize = 16;

fn unwrapped(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = bytes.trim_ascii();
    let near = text.get(..text.len().min(256)).unwrap_or_default();
    let digit = |b: &u8| decode::is_base64(*b);
    // A quick look first: nearly every text has a blank early on.
    if text.len() < SHORTEST || !near.iter().all(|b| digit(b) || matches!(b, b'\r' | b'\n' | b'=')) {
        return None;
    }
    let digits = text.iter().filter(|b| digit(b) || **b == b'=').count();
    let ends = text.iter().filter(|b| matches!(b, b'\r' | b'\n')).count();
    if digits + ends != text.len() || !digits.is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::new();
    let report = decode::base64(text, &mut out);
    let clean = report.invalid_at.is_none() && !report.trailing && !report.truncated;
    // Random letters decode to bytes that are no text.
    (clean && is_like_text(&out)).then_some(out)
}

/// Quoted-printable where none was stated: soft breaks and `=XX` in the text. Only lines that read otherwise come out.
pub(crate) fn hidden_quoted_printable(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut soft = 0u32;
    let mut escapes = 0u32;
    for at in memchr::memchr_iter(b'=', bytes).take(4096) {
        match bytes.get(at + 1..) {
            Some([b'\n', ..] | [b'\r', b'\n', ..]) => soft += 1,
            Some(
                [b'2', b'0', ..]
                | [b'3', b'D', ..]
                | [b'8' | b'9' | b'A'..=b'F', b'0'..=b'9' | b'A'..=b'F', ..],
            ) => {
                escapes += 1;
            }
            _ => {}
        }
    }
    // Rulers end in `=`, and git writes `index=3D..` in quoted mail: either alone is no sign.
    if soft == 0 || escapes == 0 {
        return None;
    }
    let mut out = Vec::new();
    let mut joined: Vec<u8> = Vec::new();
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        joined.extend_from_slice(line);
        if line.trim_ascii_end().ends_with(b"=") && joined.len() < 1 << 16 {
            continue;
        }
        if memchr::memchr(b'=', &joined).is_some() {
            let before = out.len();
            decode::quoted_printable(&joined, &mut out);
            if out.get(before..) == Some(joined.as_slice()) {
                out.truncate(before);
            }
        }
        joined.clear();
    }
    (!out.is_empty()).then_some(out)
}

/// UTF-8 that somebody took for windows-1252 and encoded again: `Ã©` for `é`. Only lines that are, read back once.
pub(crate) fn doubled_utf8(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut done = 0;
    // The first byte of a sequence of two to four, encoded again, is C3 82 to C3 B4.
    for at in memchr::memchr_iter(0xc3, bytes) {
        if at < done || !bytes.get(at + 1..).is_some_and(is_doubled) {
            continue;
        }
        let start =
            memchr::memrchr(b'\n', bytes.get(done..at).unwrap_or_default()).map_or(done, |n| done + n + 1);
        let end =
            memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).map_or(bytes.len(), |n| at + n + 1);
        done = end;
        let line = text.get(start..end).unwrap_or_default();
        let once: Option<Vec<u8>> = line.chars().map(charset::windows_1252_byte).collect();
        if let Some(Ok(line)) = once.as_deref().map(std::str::from_utf8) {
            out.push_str(line);
        }
    }
}

/// Whether what stands behind a byte C3 is the rest of a first byte of UTF-8 and the start of a byte 80 to BF that
/// follows it, both encoded again. A quick look, which clean text seldom passes.
fn is_doubled(rest: &[u8]) -> bool {
    matches!(rest, [0x82..=0xb4, 0xc2 | 0xc5 | 0xc6 | 0xcb | 0xe2, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_encoded_twice_is_read_twice() {
        let once = b"aGlkZGVuIHdvcmRzIGluIGhlcmU=\n";
        assert_eq!(hidden_base64(once).as_deref(), Some(&b"hidden words in here"[..]));
        let twice = b"YUdsa1pHVnVJSGR2Y21SeklHbHVJR2hsY21VPQ==\r\n";
        assert_eq!(hidden_base64(twice).as_deref(), Some(&b"hidden words in here"[..]));
        assert_eq!(hidden_base64(b"Internationalization"), None);
        assert_eq!(hidden_base64(b"some words that are not base64 at all"), None);
    }

    #[test]
    fn quoted_printable_that_nobody_stated_is_read() {
        let got = hidden_quoted_printable(b"plain\npass=\nword caf=C3=A9\nrest\n").unwrap();
        assert_eq!(String::from_utf8_lossy(&got), "password caf\u{e9}\n");
        assert_eq!(hidden_quoted_printable(b"a=3Db\n"), None);
        assert_eq!(hidden_quoted_printable(b"=====\nx\n=====\n"), None);
    }

    #[test]
    fn utf8_encoded_twice_is_read_back() {
        let mut out = String::new();
        doubled_utf8("caf\u{c3}\u{a9}\nna\u{ef}ve\nplain", &mut out);
        assert_eq!(out, "caf\u{e9}\n");
    }
}
