//! Bytes in a named charset to text; what the charset does not have is counted, never dropped in silence.

use super::bytes::{byte, part};
use super::charset_names::{Kind, kind};
use super::iso2022::{self, Marks};
use super::value::guarded;

/// How a reading went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether the charset's name is one that we can read.
    pub known: bool,
    /// Whether the bytes are all of that charset.
    pub clean: bool,
    /// Whether all bytes are ASCII, so that nearly every charset reads them alike.
    pub ascii: bool,
    /// Whether the charset is one in which other bytes are valid UTF-8 text too, and these are.
    pub also_utf8: bool,
    /// Whether the bytes were read by the escapes in them, whatever charset is stated.
    pub by_escapes: bool,
}

/// Whether we can read a charset of this name.
pub fn is_known(label: &[u8]) -> bool {
    kind(label).is_some()
}

/// Whether a label says no more than US-ASCII, as none does (RFC 2045 section 5.2).
pub(crate) fn is_ascii_name(label: &[u8]) -> bool {
    label.is_empty() || matches!(kind(label), Some(Kind::Ascii))
}

/// Appends `bytes`, read in the charset `label`, to `out`.
///
/// An empty label is US-ASCII (RFC 2045 section 5.2). Bytes that the charset does not have become U+FFFD; for
/// US-ASCII and for unknown names the bytes are read as UTF-8 where they are, else as windows-1252.
/// ISO-8859-1 is read as windows-1252, its superset in practice (WHATWG Encoding).
pub fn decode(label: &[u8], bytes: &[u8], out: &mut String) -> Reading {
    let ascii = bytes.is_ascii();
    let reading = |known, clean| Reading { known, clean, ascii, ..Reading::default() };
    let eight = matches!(label, b"") || label.len() < 9 && !super::bytes::starts_with_fold(label, b"utf-16");
    if eight && is_utf16(bytes) {
        web(utf16(bytes), bytes, out);
        return reading(true, false);
    }
    let kind = if label.is_empty() { Some(Kind::Ascii) } else { kind(label) };
    // Few charsets use ASCII bytes for anything but ASCII.
    let shifts = match &kind {
        Some(Kind::Utf16 | Kind::Utf32 | Kind::Utf7 | Kind::Iso2022(_) | Kind::Hz) => true,
        Some(Kind::Web(web)) => !web.is_ascii_compatible(),
        _ => false,
    };
    // Where the label has no use for escapes, they say more than the label.
    if !shifts && let Some(marks) = iso2022::marks(bytes) {
        let clean = by_escapes(marks, label, bytes, out);
        return Reading { known: true, clean, ascii, also_utf8: false, by_escapes: true };
    }
    if ascii && !shifts {
        push_lossy(bytes, out);
        let strange = kind.is_none() && memchr::memchr3(0x1b, 0x0e, 0, bytes).is_some();
        return Reading { known: kind.is_some(), clean: true, ascii: !strange, ..Reading::default() };
    }
    match kind {
        Some(Kind::Utf8) => reading(true, push_lossy(bytes, out)),
        Some(Kind::Ascii) => {
            best(bytes, out);
            reading(true, ascii)
        }
        None => {
            best(bytes, out);
            reading(false, ascii)
        }
        Some(Kind::Utf16) => reading(true, web(utf16(bytes), bytes, out)),
        Some(Kind::Utf32) => reading(true, utf32(label, bytes, out)),
        Some(Kind::Utf7) => {
            let decoder = mail_parser::decoders::charsets::map::charset_decoder(b"utf-7");
            let text = decoder.and_then(|decoder| guarded(|| decoder(bytes)));
            out.push_str(&text.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned()));
            reading(true, ascii)
        }
        Some(Kind::Iso2022(set)) => reading(true, iso2022::decode(bytes, set, &mut push_lossy, out)),
        Some(Kind::Hz) => reading(true, iso2022::decode_hz(bytes, &mut push_lossy, out)),
        Some(Kind::Table(page)) => {
            let page: Vec<char> = page.chars().collect();
            let start = out.len();
            out.extend(bytes.iter().map(|&b| match b.checked_sub(128) {
                None => char::from(b),
                Some(n) => page.get(usize::from(n)).copied().unwrap_or('\u{fffd}'),
            }));
            let clean = !out.get(start..).unwrap_or_default().contains('\u{fffd}');
            reading(true, clean)
        }
        Some(Kind::Web(encoding)) => {
            let clean = web(encoding, bytes, out);
            let also_utf8 = !ascii && std::str::from_utf8(bytes).is_ok();
            Reading { known: true, clean, ascii, also_utf8, by_escapes: false }
        }
    }
}

/// Appends bytes read by their own escapes; what stands outside of these is read in the charset `label`.
fn by_escapes(marks: Marks, label: &[u8], bytes: &[u8], out: &mut String) -> bool {
    let mut plain = |piece: &[u8], out: &mut String| {
        let reading = decode_plain(label, piece, out);
        reading.known && reading.clean
    };
    match marks {
        Marks::Escapes => iso2022::decode(bytes, iso2022::Set::Kana, &mut plain, out),
        Marks::Tildes => iso2022::decode_hz(bytes, &mut plain, out),
    }
}

/// As [`decode`], for a piece that calls in no set.
fn decode_plain(label: &[u8], piece: &[u8], out: &mut String) -> Reading {
    // An escape of another kind, such as that of a terminal, stands alone in its piece.
    if piece.is_ascii() {
        push_lossy(piece, out);
        return Reading { known: true, clean: true, ascii: true, ..Reading::default() };
    }
    decode(label, piece, out)
}

/// Header bytes that mark themselves by escapes, read by these; bytes outside of them go through `plain`, which answers
/// whether they are clean. `None` when there is no such escape. A bare shift-out means what the charset `stated` means
/// by it.
pub(crate) fn unescaped(
    bytes: &[u8],
    stated: &[u8],
    plain: &mut dyn FnMut(&[u8], &mut String) -> bool,
) -> Option<String> {
    memchr::memchr3(0x1b, 0x0e, b'~', bytes)?;
    let mut out = String::new();
    match iso2022::marks(bytes) {
        Some(Marks::Escapes) => iso2022::decode(bytes, iso2022::Set::Kana, plain, &mut out),
        Some(Marks::Tildes) => iso2022::decode_hz(bytes, plain, &mut out),
        None => match kind(stated) {
            Some(Kind::Iso2022(set)) if memchr::memchr(0x0e, bytes).is_some() => {
                iso2022::decode(bytes, set, plain, &mut out)
            }
            _ => return None,
        },
    };
    Some(out)
}

/// Whether one of the places `cuts` in clean text lies in the middle of a character.
pub(crate) fn splits(label: &[u8], bytes: &[u8], cuts: &[usize]) -> bool {
    match kind(label) {
        Some(Kind::Utf8) => cuts.iter().any(|at| matches!(byte(bytes, *at), 0x80..=0xbf)),
        Some(Kind::Web(web)) if !web.is_single_byte() => {
            let mut start = 0;
            cuts.iter().any(|at| {
                let piece = part(bytes, start..*at);
                start = *at;
                web.decode_without_bom_handling(piece).1
            })
        }
        _ => false,
    }
}

/// Whether text that is said to be in bytes is in 16-bit units all the same: every second byte of much of it is 0.
fn is_utf16(bytes: &[u8]) -> bool {
    let head = part(bytes, 0..1024);
    if memchr::memchr(0, head).is_none() || head.len() < 8 {
        return false;
    }
    let zeros = |skip: usize| head.iter().skip(skip).step_by(2).filter(|&&b| b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let half = head.len().saturating_div(2);
    let most = half.saturating_sub(half.saturating_div(8));
    even == 0 && odd >= most || odd == 0 && even >= most
}

/// Whether bytes are UTF-8.
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

/// Appends bytes as UTF-8, with U+FFFD for what is none; answers whether all of it is.
pub fn push_lossy(bytes: &[u8], out: &mut String) -> bool {
    if let Ok(text) = std::str::from_utf8(bytes) {
        out.push_str(text);
        return true;
    }
    out.push_str(&String::from_utf8_lossy(bytes));
    false
}

/// The reading of bytes whose charset is not known: UTF-8 where they are that or were before they were cut or
/// damaged, else windows-1252.
pub fn best(bytes: &[u8], out: &mut String) {
    if is_mostly_utf8(bytes) {
        push_lossy(bytes, out);
    } else {
        web(encoding_rs::WINDOWS_1252, bytes, out);
    }
}

/// The byte that windows-1252 has for a character; bytes 0x81, 0x8D, 0x8F, 0x90 and 0x9D stand for themselves.
pub(crate) fn windows_1252_byte(c: char) -> Option<u8> {
    let number = u32::from(c);
    if number < 0x80 || (0xa0..=0xff).contains(&number) || matches!(number, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)
    {
        return u8::try_from(number).ok();
    }
    let mut bytes = [0u8; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    let (encoded, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
    match (lost, encoded.as_ref()) {
        (false, [byte]) => Some(*byte),
        _ => None,
    }
}

/// Whether bytes are UTF-8, or hold more whole characters of it over U+007F than bytes that are none.
pub(crate) fn is_mostly_utf8(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    let (mut whole, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole = whole.saturating_add(chunk.valid().chars().filter(|c| !c.is_ascii()).count());
        broken = broken.saturating_add(chunk.invalid().len());
    }
    whole > broken
}

/// Appends the reading and answers whether it is clean.
fn web(encoding: &'static encoding_rs::Encoding, bytes: &[u8], out: &mut String) -> bool {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    out.push_str(&text);
    !damaged
}

/// Which byte order UTF-16 text without a label for it has: the mark's, else where its zeros stand, else big-endian
/// (RFC 2781 section 4.3).
fn utf16(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    let zeros = |skip: usize| bytes.iter().skip(skip).step_by(2).take(512).filter(|&&b| b == 0).count();
    if bytes.starts_with(&[0xff, 0xfe]) || !bytes.starts_with(&[0xfe, 0xff]) && zeros(1) > zeros(0) {
        encoding_rs::UTF_16LE
    } else {
        encoding_rs::UTF_16BE
    }
}

/// UTF-32: the byte order of the name or the mark, else big-endian (Unicode 3.10); answers whether it is clean.
fn utf32(label: &[u8], bytes: &[u8], out: &mut String) -> bool {
    let little = bytes.starts_with(&[0xff, 0xfe, 0, 0])
        || label.to_ascii_lowercase().ends_with(b"le")
        || !bytes.starts_with(&[0, 0, 0xfe, 0xff]) && matches!(bytes, [first, _, _, 0, ..] if *first != 0);
    let mut clean = true;
    for unit in bytes.chunks(4) {
        let number = <[u8; 4]>::try_from(unit)
            .map(|unit| if little { u32::from_le_bytes(unit) } else { u32::from_be_bytes(unit) });
        let unit = number.ok().and_then(char::from_u32);
        clean &= unit.is_some();
        out.push(unit.unwrap_or('\u{fffd}'));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(label: &str, bytes: &[u8]) -> String {
        let mut out = String::new();
        decode(label.as_bytes(), bytes, &mut out);
        out
    }

    #[test]
    fn charsets_of_real_mail_are_read() {
        assert_eq!(text("iso-8859-1", b"caf\xe9 \x80"), "caf\u{e9} \u{20ac}");
        assert_eq!(text("KOI8-R", b"\xf0\xd2\xc9\xd7\xc5\xd4"), "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}");
        assert_eq!(text("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B"), "\u{30cf}\u{30ed}\u{30fc}");
        assert_eq!(text("gb2312", b"\xc4\xe3\xba\xc3"), "\u{4f60}\u{597d}");
        assert_eq!(text("hz-gb-2312", b"a~{Dc:C~}b~~"), "a\u{4f60}\u{597d}b~");
        assert_eq!(text("iso-2022-kr", b"\x1b$)C\x0e>H3g\x0f x"), "\u{c548}\u{b155} x");
        assert_eq!(
            text("utf-7", b"+ZYeB9FH6ckh5Pg-, 1980."),
            "\u{6587}\u{81f4}\u{51fa}\u{7248}\u{793e}, 1980."
        );
        assert_eq!(text("utf-16", b"\xff\xfea\0b\0"), "\u{feff}ab");
        assert_eq!(text("utf-16", b"a\0b\0"), "ab");
        assert_eq!(text("utf-8", b"h\0i\0d\0d\0e\0n\0"), "hidden");
        assert_eq!(text("cp437", b"\x81\xe1"), "\u{fc}\u{df}");
        assert_eq!(text("cp852", b"\x88"), "\u{142}");
        assert_eq!(text("ibm850", b"\x9b"), "\u{f8}");
    }

    #[test]
    fn escape_sequences_that_stand_twice_are_no_damage() {
        let joined = b"\x1b$B%O\x1b(B\x1b$B%m\x1b(B";
        let mut out = String::new();
        assert!(decode(b"iso-2022-jp", joined, &mut out).clean);
        assert_eq!(out, "\u{30cf}\u{30ed}");
    }

    #[test]
    fn text_that_was_cut_in_a_character_is_still_utf8() {
        let mut out = String::new();
        best(b"\xc3\xa9\xc3\xa8\xc3", &mut out);
        assert_eq!(out, "\u{e9}\u{e8}\u{fffd}");
    }

    #[test]
    fn what_a_charset_does_not_have_is_told() {
        let mut out = String::new();
        assert!(!decode(b"utf-8", b"a\xffb", &mut out).clean);
        assert_eq!(out, "a\u{fffd}b");
        assert!(!decode(b"x-nonsense", b"\xe9", &mut out).known);
        assert!(!decode(b"", b"\xc3\xa9", &mut out).clean);
        assert!(decode(b"iso-8859-1", b"\xc3\xa9", &mut out).also_utf8);
    }
}
