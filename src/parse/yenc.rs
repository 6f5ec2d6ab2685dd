//! yEnc files inside text (yEnc draft 1.3).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{from, line_end, part, trim, without_end};
use super::uu::{Embedded, at_line_start};

static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"=ybegin "));

/// The next yEnc file, or piece of one, that begins at or after `start`.
pub fn find(text: &[u8], start: usize) -> Option<Embedded> {
    at_line_start(text, start, &BEGIN, read)
}

/// The value of `key` in a `key=value` row; keys stand before the name.
fn key<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let head = memchr::memmem::find(line, b" name=").map_or(line, |n| part(line, 0..n));
    head.split(|&b| b == b' ').find_map(|word| word.strip_prefix(key)?.strip_prefix(b"="))
}

fn number(text: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(text?).ok()?.parse().ok()
}

fn read(text: &[u8], at: usize) -> Option<Embedded> {
    let next = line_end(text, at);
    let head = without_end(part(text, at..next));
    let size = number(key(head, b"size"))?;
    let name = from(head, memchr::memmem::find(head, b" name=")?.saturating_add(6));
    let mut found = Embedded { at: at..next, name: trim(name).to_vec(), ..Embedded::default() };
    let mut expected = size;
    let mut piece = false;
    let mut ended = false;
    let mut here = next;
    while here < text.len() {
        let next = line_end(text, here);
        let line = without_end(part(text, here..next));
        found.at.end = next;
        here = next;
        if line.starts_with(b"=ypart ") {
            piece = true;
            let (begin, end) = (number(key(line, b"begin")), number(key(line, b"end")));
            if let (Some(begin), Some(end)) = (begin, end) {
                expected = end.saturating_add(1).saturating_sub(begin);
            }
            continue;
        }
        if line.starts_with(b"=yend") {
            let crc = key(line, if piece { b"pcrc32" } else { b"crc32" });
            let crc = crc.and_then(|c| u32::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok());
            found.damaged |= crc.is_some_and(|c| c != crc32(&found.data));
            ended = true;
            break;
        }
        let mut rest = line;
        loop {
            rest = match rest {
                [b'=', b, r @ ..] => {
                    found.data.push(b.wrapping_sub(64).wrapping_sub(42));
                    r
                }
                [b, r @ ..] => {
                    found.data.push(b.wrapping_sub(42));
                    r
                }
                [] => break,
            };
        }
    }
    found.damaged |= !ended || found.data.len() as u64 != expected;
    Some(found)
}

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "made by the compiler")]
const TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
            bit += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
};

/// CRC-32 as in ISO 3309, which yEnc names.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |c, b| {
        let [low, ..] = c.to_le_bytes();
        TABLE.get(usize::from(low ^ b)).copied().unwrap_or(0) ^ (c >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yenc_file_is_found_and_its_checksum_compared() {
        let mut text = b"Hi\r\n=ybegin line=128 size=4 name=a b.bin\r\n".to_vec();
        text.extend([b'C' + 42, b'a' + 42, b'=', 64u8, b't' + 42]);
        let whole = [text.clone(), b"\r\n=yend size=4 crc32=00000000\r\n".to_vec()].concat();
        let found = find(&whole, 0).unwrap();
        assert_eq!(found.name, b"a b.bin");
        assert_eq!(found.data, [b'C', b'a', 214, b't']);
        assert!(found.damaged);
        let sum = format!("\r\n=yend size=4 crc32={:08x}\r\n", crc32(&found.data));
        let good = find(&[text, sum.into_bytes()].concat(), 0).unwrap();
        assert!(!good.damaged);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
