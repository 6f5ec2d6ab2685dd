//! Transfer encodings: base64 and quoted-printable to bytes, and what was odd (RFC 2045 section 6).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::bytes::{byte, from, line_end, part, without_end};

const BAD: u8 = 0xff;
const SPACE: u8 = 0xfe;
const PAD: u8 = 0xfd;

#[expect(clippy::arithmetic_side_effects, reason = "each arm subtracts the start of its range")]
const fn class(b: u8) -> u8 {
    match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => PAD,
        b' ' | b'\t' | b'\r' | b'\n' => SPACE,
        _ => BAD,
    }
}

#[expect(clippy::indexing_slicing, reason = "made by the compiler")]
const CLASS: [u8; 256] = {
    let mut table = [BAD; 256];
    let mut n = 0u8;
    loop {
        table[n as usize] = class(n);
        if n == 255 {
            break table;
        }
        n += 1;
    }
};

fn value(b: u8) -> u8 {
    CLASS.get(usize::from(b)).copied().unwrap_or(BAD)
}

/// Whether a byte is one of the 64 digits.
pub fn is_base64(b: u8) -> bool {
    value(b) < 64
}

/// The six bits of a base64 digit; what is none gives more.
pub(crate) fn digit(b: u8) -> u8 {
    value(b)
}

/// How a base64 reading went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base64 {
    /// Bytes of the input that were data; what stands behind is text that was not decoded, or blank.
    pub end: usize,
    /// The first byte that is no base64 and was left out.
    pub invalid_at: Option<usize>,
    /// Whether text follows the data.
    pub trailing: bool,
    /// Whether the data ends in the middle of a group.
    pub truncated: bool,
}

/// Decodes base64, and leaves out what is none.
///
/// The data ends at its padding (RFC 2045 section 6.8). Without padding it ends where a line begins, between two
/// groups, that is text and that no further line of data follows: the footer that a list appended.
pub fn base64(text: &[u8], out: &mut Vec<u8>) -> Base64 {
    out.reserve(text.len().saturating_div(4).saturating_mul(3).saturating_add(3));
    let mut report = Base64 { end: text.len(), ..Base64::default() };
    let mut group = 0u32;
    let mut count = 0u32;
    let mut at = 0;
    let mut line = 0;
    let mut last_data_line = None;
    // The line that was looked at last for its first byte that is no blank, and the place of that.
    let mut ink = (usize::MAX, 0);
    let mut pieces = false;
    while at < text.len() {
        if count == 0 {
            if at == line {
                at = at.saturating_add(data_lines(from(text, at), out));
                line = at;
            }
            at = at.saturating_add(fast(from(text, at), out));
            if at >= text.len() {
                break;
            }
        }
        let b = byte(text, at);
        match value(b) {
            v @ 0..64 => {
                group = group << 6 | u32::from(v);
                count = count.saturating_add(1);
                if count == 4 {
                    push(group, 3, out);
                    (group, count) = (0, 0);
                }
            }
            SPACE => {
                if b == b'\n' {
                    line = at.saturating_add(1);
                    // Text may follow a short line without a byte that betrays it: look at the line as a whole.
                    if count == 0 && is_text(text, line, &mut last_data_line) {
                        report.end = line;
                        report.trailing = true;
                        break;
                    }
                }
            }
            PAD if count >= 2 => {
                let bits = count.saturating_mul(6);
                push(group << 24u32.saturating_sub(bits), count.saturating_sub(1), out);
                let wanted = if count == 2 { 2 } else { 1 };
                (group, count) = (0, 0);
                // The padding, with blanks between.
                let mut end = at;
                let mut pads = 0usize;
                while end < text.len() && pads < wanted {
                    match value(byte(text, end)) {
                        PAD => pads = pads.saturating_add(1),
                        SPACE => {}
                        _ => break,
                    }
                    end = end.saturating_add(1);
                }
                let rest = from(text, end);
                let is_blank = |b: &u8| matches!(value(*b), SPACE | PAD);
                if rest.iter().all(is_blank) {
                    report.end = text.len();
                    return report;
                }
                // Some programs encode in pieces, each with its padding: go on only over clean lines of data.
                if pieces || is_all_data(rest) {
                    pieces = true;
                    at = end;
                    continue;
                }
                report.end = end;
                report.trailing = true;
                return report;
            }
            PAD => {
                if count == 1 {
                    report.truncated = true;
                    (group, count) = (0, 0);
                } else if report.invalid_at.is_none() {
                    if from(text, at).iter().all(|b| matches!(value(*b), SPACE | PAD)) {
                        break;
                    }
                    report.invalid_at = Some(at);
                }
            }
            _ => {
                if ink.0 != line {
                    let blanks = from(text, line).iter().take_while(|b| value(**b) == SPACE).count();
                    ink = (line, line.saturating_add(blanks));
                }
                if count == 0 && ink.1 >= at && !data_follows(text, line, &mut last_data_line) {
                    report.end = line;
                    report.trailing = true;
                    break;
                }
                report.invalid_at.get_or_insert(at);
            }
        }
        at = at.saturating_add(1);
    }
    if count > 0 {
        report.truncated = true;
        if count > 1 {
            let bits = count.saturating_mul(6);
            push(group << 24u32.saturating_sub(bits), count.saturating_sub(1), out);
        }
    }
    report
}

/// Appends the upper `n` bytes of a group of 24 bits.
fn push(group: u32, n: u32, out: &mut Vec<u8>) {
    let [_, a, b, c] = group.to_be_bytes();
    match n {
        3.. => out.extend_from_slice(&[a, b, c]),
        2 => out.extend_from_slice(&[a, b]),
        1 => out.push(a),
        0 => {}
    }
}

/// The digits alone: padding is for the slow way, which knows what may follow it.
const DIGITS: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Decodes whole lines of data as encoders write them: whole groups of digits up to a line end. Answers the bytes read.
fn data_lines(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut at = 0usize;
    while let Some(len) = memchr::memchr(b'\n', from(text, at)) {
        let next = at.saturating_add(len).saturating_add(1);
        let digits = without_end(part(text, at..next));
        if digits.len() < DATA_LINE || !digits.len().is_multiple_of(4) {
            break;
        }
        let have = out.len();
        out.resize(have.saturating_add(digits.len().saturating_div(4).saturating_mul(3)), 0);
        if DIGITS.decode_slice(digits, out.get_mut(have..).unwrap_or_default()).is_err() {
            out.truncate(have);
            break;
        }
        at = next;
    }
    at
}

/// Decodes whole groups as long as there is nothing but digits; answers the bytes read.
fn fast(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut read = 0usize;
    let mut buffer = [0u8; 6 * 16];
    for block in text.chunks(8 * 16) {
        let mut filled = 0usize;
        let mut whole = true;
        for (eight, six) in block.chunks_exact(8).zip(buffer.chunks_exact_mut(6)) {
            let Ok(eight) = <&[u8; 8]>::try_from(eight) else { break };
            let v = eight.map(value);
            if v.iter().fold(0, |all, v| all | v) >= 64 {
                whole = false;
                break;
            }
            let [a, b, c, d, e, f, g, h] = v.map(u64::from);
            let bits = a << 42 | b << 36 | c << 30 | d << 24 | e << 18 | f << 12 | g << 6 | h;
            if let ([_, _, rest @ ..], Ok(six)) = (bits.to_be_bytes(), <&mut [u8; 6]>::try_from(six)) {
                *six = rest;
            }
            filled = filled.saturating_add(6);
        }
        out.extend_from_slice(part(&buffer, 0..filled));
        read = read.saturating_add(filled.saturating_div(6).saturating_mul(8));
        if !whole || block.len() < 8 * 16 {
            break;
        }
    }
    read
}

/// Shortest line that is taken for data when it stands behind something that is none.
const DATA_LINE: usize = 40;

fn is_data_line(line: &[u8]) -> bool {
    let line = without_end(line);
    line.len() >= DATA_LINE && line.iter().all(|b| value(*b) < 64)
}

/// Whether a line of data begins at or after `at`. `known` remembers the last such line, so that all questions
/// together cost one reading of the text.
fn data_follows(text: &[u8], at: usize, known: &mut Option<usize>) -> bool {
    let last = *known.get_or_insert_with(|| {
        let mut line = at;
        let mut last = 0;
        while line < text.len() {
            let next = line_end(text, line);
            if is_data_line(part(text, line..next)) {
                last = next;
            }
            line = next;
        }
        last
    });
    last > at
}

/// Whether the line at `at` is text that ends the data: it follows an empty line or a short one, holds what no
/// base64 holds (or is followed by such a line), and no line of data follows.
fn is_text(text: &[u8], at: usize, known: &mut Option<usize>) -> bool {
    let line = part(text, at..line_end(text, at));
    if is_data_line(line) || without_end(line).is_empty() {
        return false;
    }
    let inner = super::bytes::trim(line);
    let odd = inner.iter().any(|b| matches!(value(*b), BAD | SPACE));
    odd && !data_follows(text, at, known)
}

/// Whether every line is data: digits and padding at the end only.
fn is_all_data(rest: &[u8]) -> bool {
    let lines = rest.split(|&b| b == b'\n').map(super::bytes::trim).filter(|l| !l.is_empty());
    let data = |line: &[u8]| {
        let digits = line.iter().take_while(|b| value(**b) < 64).count();
        let pads = line.len().saturating_sub(digits);
        pads <= 2 && line.iter().skip(digits).all(|b| *b == b'=') && line.len().is_multiple_of(4)
    };
    let mut any = false;
    for line in lines {
        if !data(line) {
            return false;
        }
        any |= line.len() >= DATA_LINE || line.ends_with(b"=");
    }
    any
}

/// The byte that two hex digits stand for; other bytes count as 0.
pub fn hex_pair(a: u8, b: u8) -> u8 {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
    digit(a) << 4 | digit(b)
}

/// Decodes quoted-printable; blanks at line ends are dropped as RFC 2045 section 6.7 rule 3 says. Line ends stay as
/// they are. Answers where the first `=` stands that is neither a soft break nor two hex digits; it is kept.
pub fn quoted_printable(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.reserve(text.len());
    let mut invalid = None;
    let mut at = 0;
    while at < text.len() {
        let next = line_end(text, at);
        let line = part(text, at..next);
        let body = without_end(line);
        let end = from(line, body.len());
        let mut kept = body;
        while let [rest @ .., b' ' | b'\t'] = kept {
            kept = rest;
        }
        let soft = kept.last() == Some(&b'=');
        if soft {
            kept = part(kept, 0..kept.len().saturating_sub(1));
        }
        let mut rest = kept;
        while let Some(n) = memchr::memchr(b'=', rest) {
            out.extend_from_slice(part(rest, 0..n));
            rest = from(rest, n);
            match rest {
                [b'=', a, b, r @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    out.push(hex_pair(*a, *b));
                    rest = r;
                }
                _ => {
                    let left = at.saturating_add(kept.len().saturating_sub(rest.len()));
                    invalid.get_or_insert(left);
                    out.push(b'=');
                    rest = from(rest, 1);
                }
            }
        }
        out.extend_from_slice(rest);
        if !soft {
            out.extend_from_slice(end);
        }
        at = next;
    }
    invalid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn b64(text: &str) -> (String, Base64) {
        let mut out = Vec::new();
        let report = base64(text.as_bytes(), &mut out);
        (String::from_utf8_lossy(&out).into_owned(), report)
    }

    #[test]
    fn base64_comes_out_as_it_went_in() {
        for len in 0..300usize {
            let data: Vec<u8> = (0..len).map(|n| (n * 31 % 251) as u8).collect();
            let text = base64::engine::general_purpose::STANDARD.encode(&data);
            for (width, end) in [(76, "\r\n"), (76, "\n"), (7, "\n"), (1000, "\n"), (60, " \n\n")] {
                let lines: Vec<&str> =
                    text.as_bytes().chunks(width).map(|l| std::str::from_utf8(l).unwrap()).collect();
                let folded = lines.join(end) + end;
                let mut out = Vec::new();
                let report = base64(folded.as_bytes(), &mut out);
                assert_eq!(out, data, "{folded:?}");
                assert!(!report.trailing && !report.truncated && report.invalid_at.is_none(), "{folded:?}");
            }
        }
    }

    #[test]
    fn whole_lines_and_broken_groups_decode_alike() {
        let digits: Vec<u8> = b"TWFpbHRyYWlsIHJlYWRz".iter().copied().cycle().take(400).collect();
        for junk in
            [None, Some((0, b'*')), Some((77, b'-')), Some((150, 0)), Some((200, 0xff)), Some((201, b'~'))]
        {
            let mut text = digits.clone();
            if let Some((at, byte)) = junk {
                text.insert(at, byte);
            }
            // Lines of 76 are whole groups; lines of 75 never are.
            let [(whole, a), (broken, b)] = [76, 75].map(|width| {
                let folded =
                    text.chunks(width).flat_map(|line| [line, b"\r\n"].concat()).collect::<Vec<u8>>();
                let mut out = Vec::new();
                let report = base64(&folded, &mut out);
                (out, report)
            });
            assert_eq!(whole, broken, "{junk:?}");
            assert_eq!(a.invalid_at.is_some(), junk.is_some());
            assert_eq!(
                (a.trailing, a.truncated, b.invalid_at.is_some()),
                (b.trailing, b.truncated, junk.is_some())
            );
        }
    }

    #[test]
    fn junk_is_left_out_and_told() {
        let (text, report) = b64("SGVs*bG8h");
        assert_eq!((text.as_str(), report.invalid_at), ("Hello!", Some(4)));
    }

    #[test]
    fn a_cut_group_keeps_its_whole_bytes() {
        let (text, report) = b64("SGVsbG8");
        assert!(report.truncated);
        assert_eq!(text, "Hello");
        assert_eq!(b64("SGVsb").0, "Hel");
    }

    #[test]
    fn a_list_footer_is_not_decoded() {
        let (text, report) = b64("SGVsbG8=\n\n_____\nsome list\nhttp://x\n");
        assert_eq!((text.as_str(), report.trailing, report.end), ("Hello", true, 8));
        let (text, report) = b64("SGVsbG8h\n\n_____\nsome list\n");
        assert_eq!((text.as_str(), report.trailing, report.end), ("Hello!", true, 10));
        let (text, report) = b64("SGVsbG8h\nunsubscribe here\n");
        assert_eq!((text.as_str(), report.trailing), ("Hello!", true));
    }

    #[test]
    fn base64_in_pieces_is_read_to_its_end() {
        assert_eq!(b64("SGVsbG8=\nSGVsbG8=\n").0, "HelloHello");
    }

    #[test]
    fn quoted_printable_joins_soft_breaks_and_drops_blanks_at_line_ends() {
        let mut out = Vec::new();
        let invalid = quoted_printable(b"pass=\r\nword=20 \t\r\na=3Db=zz=\nc  =  \nd\n", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "password \r\na=b=zzc  d\n");
        assert_eq!(invalid, Some(23));
        out.clear();
        assert_eq!(quoted_printable(b"ends in =", &mut out), None);
        assert_eq!(out, b"ends in ");
    }

    #[test]
    fn footers_and_junk_take_linear_time() {
        let mut out = Vec::new();
        base64("AAAA\n!!!!\n".repeat(200_000).as_bytes(), &mut out);
        out.clear();
        base64("QQ==\n".repeat(200_000).as_bytes(), &mut out);
    }
}
