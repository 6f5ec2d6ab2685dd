//! Uuencoded files inside text (POSIX uuencode, both the old and the base64 form).

use std::ops::Range;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{from, line_end, part, trim, without_end};
use super::decode;

/// A file that was found in text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embedded {
    /// The lines it takes in the text, first to last.
    pub at: Range<usize>,
    /// The name it claims, as written.
    pub name: Vec<u8>,
    /// The decoded bytes.
    pub data: Vec<u8>,
    /// Whether a line has the wrong length or the end is missing.
    pub damaged: bool,
}

static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"begin"));

/// The next uuencoded file that begins at or after `start`.
pub fn find(text: &[u8], start: usize) -> Option<Embedded> {
    at_line_start(text, start, &BEGIN, read)
}

/// What `read` makes of the first line at or after `start` that begins with `word` and that it can read.
pub(super) fn at_line_start(
    text: &[u8],
    start: usize,
    word: &Finder<'_>,
    read: impl Fn(&[u8], usize) -> Option<Embedded>,
) -> Option<Embedded> {
    let mut at = start;
    loop {
        let hit = at.saturating_add(word.find(from(text, at))?);
        at = hit.saturating_add(1);
        let at_line_start = hit == 0 || text.get(hit.saturating_sub(1)) == Some(&b'\n');
        if at_line_start && let Some(found) = read(text, hit) {
            return Some(found);
        }
    }
}

fn read(text: &[u8], at: usize) -> Option<Embedded> {
    let next = line_end(text, at);
    let line = without_end(part(text, at..next));
    let (base64, rest) = match line.strip_prefix(b"begin ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix(b"begin-base64 ")?),
    };
    let digits = rest.iter().take_while(|b| (b'0'..=b'7').contains(*b)).count();
    if !(3..=4).contains(&digits) || !from(rest, digits).starts_with(b" ") {
        return None;
    }
    let name = trim(from(rest, digits)).to_vec();
    let mut found = Embedded { at: at..next, name, ..Embedded::default() };
    if base64 {
        pieces(text, next, &mut found);
    } else {
        lines(text, next, &mut found);
    }
    (found.at.end > next).then_some(found)
}

fn lines(text: &[u8], start: usize, found: &mut Embedded) {
    let mut at = start;
    let mut ended = false;
    while at < text.len() {
        let next = line_end(text, at);
        let line = without_end(part(text, at..next));
        if line == b"end" {
            found.at.end = next;
            ended = true;
            break;
        }
        let Some((first, digits)) = line.split_first() else {
            // An empty line: some programs trim the line of length 0 to nothing.
            let after = part(text, next..line_end(text, next));
            if without_end(after) == b"end" {
                at = next;
                continue;
            }
            break;
        };
        if !(32..=96).contains(first) {
            break;
        }
        let count = usize::from(first.saturating_sub(32) & 63);
        let need = count.div_ceil(3).saturating_mul(4);
        // Blanks at the end may be lost, and a check character may follow.
        if digits.len() > need.saturating_add(2) || !digits.iter().all(|b| (32..=96).contains(b)) {
            break;
        }
        if digits.len().saturating_add(8) < need && !digits.is_empty() || digits.is_empty() && count > 0 {
            break;
        }
        found.damaged |= digits.len() > need.saturating_add(1) || digits.len().saturating_add(4) < need;
        let before = found.data.len();
        let mut rest = part(digits, 0..need);
        let mut left = need;
        while left > 0 {
            let digit = |n: usize| u32::from(rest.get(n).map_or(0, |b| b.saturating_sub(32) & 63));
            let bits = digit(0) << 18 | digit(1) << 12 | digit(2) << 6 | digit(3);
            let [_, a, b, c] = bits.to_be_bytes();
            found.data.extend_from_slice(&[a, b, c]);
            rest = from(rest, 4);
            left = left.saturating_sub(4);
        }
        found.data.truncate(before.saturating_add(count));
        found.at.end = next;
        at = next;
    }
    found.damaged |= !ended;
}

fn pieces(text: &[u8], start: usize, found: &mut Embedded) {
    let mut at = start;
    let mut ended = false;
    while at < text.len() {
        let next = line_end(text, at);
        let line = without_end(part(text, at..next));
        if line == b"====" {
            found.at.end = next;
            ended = true;
            break;
        }
        if line.is_empty() || !line.iter().all(|b| decode::is_base64(*b) || *b == b'=') {
            break;
        }
        found.at.end = next;
        at = next;
    }
    let end = if ended { at } else { found.at.end };
    found.damaged |= !ended | decode::base64(part(text, start..end), &mut found.data).truncated;
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAT: &str = "begin 644 cat.txt\n#0V%T\n`\nend\n";

    #[test]
    fn a_uuencoded_file_is_found_in_text() {
        for text in
            [format!("Hi\n{CAT}bye\n"), format!("Hi\n{CAT}bye\n").replace('\n', "\r\n"), CAT.to_owned()]
        {
            let found = find(text.as_bytes(), 0).unwrap();
            assert_eq!((found.name.as_slice(), found.data.as_slice()), (&b"cat.txt"[..], &b"Cat"[..]));
            assert!(!found.damaged);
            let taken = &text[found.at];
            assert!(taken.starts_with("begin") && taken.trim_end().ends_with("end"));
        }
    }

    #[test]
    fn a_cut_file_is_damaged_and_kept() {
        let found = find(b"begin 644 cat.txt\n#0V%T\n", 0).unwrap();
        assert!(found.damaged);
        assert_eq!(found.data, b"Cat");
    }

    #[test]
    fn the_base64_form_is_read() {
        let found = find(b"begin-base64 644 x\nSGVsbG8=\n====\n", 0).unwrap();
        assert_eq!((found.data.as_slice(), found.damaged), (&b"Hello"[..], false));
    }

    #[test]
    fn prose_is_no_file() {
        assert_eq!(find(b"begin 123 and then\nsome words in lower case\n", 0), None);
        assert_eq!(find(b"we begin 644 x\n#0V%T\n", 0), None);
        assert_eq!(find("begin 644 x\n".repeat(100_000).as_bytes(), 0), None);
    }
}
