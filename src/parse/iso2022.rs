//! Seven-bit charsets that mark themselves by escapes: ISO-2022-JP and its kin (RFC 1468, RFC 1554, RFC 2237),
//! ISO-2022-KR (RFC 1557), the GB 2312 part of ISO-2022-CN (RFC 1922), and HZ (RFC 1843).

use encoding_rs::Encoding;

use super::bytes::{byte, from, part};

/// A set of characters that an escape calls in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// ASCII, or the Roman half of JIS X 0201.
    Roman,
    /// Half-width katakana of JIS X 0201: one byte each.
    Kana,
    /// JIS X 0208.
    Japanese,
    /// JIS X 0212.
    JapaneseMore,
    /// KS C 5601.
    Korean,
    /// GB 2312.
    Chinese,
    /// Two bytes each, and no table of ours: CNS 11643, the second plane of JIS X 0213.
    Unread,
}

/// What is appended for bytes in which no set is called in; answers whether they are clean.
pub(crate) type Plain<'a> = &'a mut dyn FnMut(&[u8], &mut String) -> bool;

/// What bytes mark themselves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// Escapes of ISO-2022.
    Escapes,
    /// `~{` and `~}` of HZ. Other text may hold these too.
    Tildes,
}

/// Whether bytes hold escapes that call in a set, each with characters of it behind; one look for each of two bytes
/// where there are none.
pub(crate) fn marks(bytes: &[u8]) -> Option<Marks> {
    memchr::memchr2(0x1b, b'~', bytes)?;
    let two = |at: usize| is_digit(byte(bytes, at)) && is_digit(byte(bytes, at.saturating_add(1)));
    let mut shifts = None;
    for at in memchr::memchr_iter(0x1b, bytes) {
        let found = match escape(from(bytes, at)) {
            Some((Call::G0(Set::Kana), len)) => is_digit(byte(bytes, at.saturating_add(len))),
            Some((Call::G0(set), len)) if set != Set::Roman => two(at.saturating_add(len)),
            Some((Call::G1(_), _)) => *shifts
                .get_or_insert_with(|| memchr::memchr(0x0e, bytes).is_some_and(|n| two(n.saturating_add(1)))),
            Some((Call::G0(_) | Call::G2(_) | Call::Single | Call::Nothing, _)) | None => false,
        };
        if found {
            return Some(Marks::Escapes);
        }
    }
    let mut at = 0;
    while let Some(n) = memchr::memmem::find(from(bytes, at), b"~{") {
        at = at.saturating_add(n).saturating_add(2);
        let line = from(bytes, at);
        let end = memchr::memchr2(b'~', b'\n', line).unwrap_or(line.len());
        let inner = part(line, 0..end);
        let pairs = inner.chunks(2).all(|c| matches!(c, [0x21..=0x77, 0x21..=0x7e]));
        if !inner.is_empty() && pairs && from(line, end).starts_with(b"~}") {
            let high: Vec<u8> = inner.iter().map(|b| b | 0x80).collect();
            if !encoding_rs::GBK.decode_without_bom_handling(&high).1 {
                return Some(Marks::Tildes);
            }
        }
        at = at.saturating_add(end);
    }
    None
}

fn is_digit(b: u8) -> bool {
    (0x21..=0x7e).contains(&b)
}

/// What an escape does.
enum Call {
    G0(Set),
    G1(Set),
    G2(Half),
    /// The next character is of the third set.
    Single,
    /// A revision of the set that the next escape names.
    Nothing,
}

/// The upper half that a single shift calls in.
#[derive(Clone, Copy)]
enum Half {
    Latin,
    Greek,
    Unread,
}

/// The escape at the start of `text`, and its length.
fn escape(text: &[u8]) -> Option<(Call, usize)> {
    Some(match text {
        [0x1b, b'(', b'B' | b'J' | b'H' | b'A', ..] => (Call::G0(Set::Roman), 3),
        [0x1b, b'(', b'I', ..] => (Call::G0(Set::Kana), 3),
        [0x1b, b'$', b'@' | b'B', ..] => (Call::G0(Set::Japanese), 3),
        [0x1b, b'$', b'A', ..] => (Call::G0(Set::Chinese), 3),
        [0x1b, b'$', b'(', set, ..] => {
            let set = match set {
                b'@' | b'B' | b'O' | b'Q' => Set::Japanese,
                b'A' => Set::Chinese,
                b'C' => Set::Korean,
                b'D' => Set::JapaneseMore,
                b'P' | b'G'..=b'M' => Set::Unread,
                _ => return None,
            };
            (Call::G0(set), 4)
        }
        [0x1b, b'$', b')', set, ..] => {
            let set = match set {
                b'A' => Set::Chinese,
                b'B' => Set::Japanese,
                b'C' => Set::Korean,
                b'E' | b'G'..=b'M' => Set::Unread,
                _ => return None,
            };
            (Call::G1(set), 4)
        }
        [0x1b, b')', b'I', ..] => (Call::G1(Set::Kana), 3),
        [0x1b, b'$', b'*', b'H', ..] => (Call::G2(Half::Unread), 4),
        [0x1b, b'.', b'A', ..] => (Call::G2(Half::Latin), 3),
        [0x1b, b'.', b'F', ..] => (Call::G2(Half::Greek), 3),
        [0x1b, b'N', ..] => (Call::Single, 2),
        [0x1b, b'&', b'@', 0x1b, ..] => (Call::Nothing, 3),
        _ => return None,
    })
}

struct Reader<'a, 'b> {
    out: &'a mut String,
    plain: Plain<'b>,
    run: Vec<u8>,
    clean: bool,
}

impl Reader<'_, '_> {
    /// Appends what was gathered of one set.
    fn flush(&mut self, set: Set) {
        if self.run.is_empty() {
            return;
        }
        let high = |run: &[u8]| run.iter().map(|b| b | 0x80).collect::<Vec<u8>>();
        match set {
            Set::Roman => self.clean &= (self.plain)(&self.run, self.out),
            Set::Kana => self.web(encoding_rs::SHIFT_JIS, &high(&self.run)),
            Set::Japanese => self.web(encoding_rs::EUC_JP, &high(&self.run)),
            Set::Korean => self.web(encoding_rs::EUC_KR, &high(&self.run)),
            Set::Chinese => self.web(encoding_rs::GBK, &high(&self.run)),
            Set::JapaneseMore => {
                let three = |c: &[u8]| [&[0x8f][..], &high(c)].concat();
                let bytes: Vec<u8> = self.run.chunks(2).flat_map(three).collect();
                self.web(encoding_rs::EUC_JP, &bytes);
            }
            Set::Unread => {
                self.out.extend(self.run.chunks(2).map(|_| '\u{fffd}'));
                self.clean = false;
            }
        }
        self.run.clear();
    }

    fn web(&mut self, encoding: &'static Encoding, bytes: &[u8]) {
        let (text, damaged) = encoding.decode_without_bom_handling(bytes);
        self.out.push_str(&text);
        self.clean &= !damaged;
    }
}

/// Appends text with escapes, decoded; answers whether it is clean. `shift_out` is the set that a shift-out means
/// before any escape names one.
pub(crate) fn decode(bytes: &[u8], shift_out: Set, plain: Plain<'_>, out: &mut String) -> bool {
    let mut reader = Reader { out, plain, run: Vec::new(), clean: true };
    let (mut g0, mut g1, mut g2) = (Set::Roman, shift_out, None);
    let mut shifted = false;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let set = if shifted { g1 } else { g0 };
        let rest = from(bytes, at);
        if b == 0x1b {
            if let Some((call, len)) = escape(rest) {
                reader.flush(set);
                at = at.saturating_add(len);
                match call {
                    Call::G0(set) => (g0, shifted) = (set, false),
                    Call::G1(set) => g1 = set,
                    Call::G2(half) => g2 = Some(half),
                    Call::Nothing => {}
                    Call::Single => at = single(bytes, at, g2, &mut reader),
                }
                continue;
            }
            reader.flush(set);
            // No escape of ours, such as that of a terminal: shown as it stands.
            reader.run.push(b);
            reader.flush(Set::Roman);
            at = at.saturating_add(1);
            continue;
        }
        at = at.saturating_add(1);
        match b {
            0x0e | 0x0f => {
                reader.flush(set);
                shifted = b == 0x0e;
            }
            b'\n' | b'\r' if set != Set::Roman => {
                reader.flush(set);
                reader.run.push(b);
                reader.flush(Set::Roman);
                // A line of such characters has no blank: where the next has one, the escape back is missing.
                shifted = false;
                if b == b'\n' && !goes_on(from(bytes, at)) {
                    g0 = Set::Roman;
                }
            }
            _ if set == Set::Roman => {
                // As far as nothing changes.
                let len = memchr::memchr3(0x1b, 0x0e, 0x0f, rest).unwrap_or(rest.len()).max(1);
                reader.run.extend_from_slice(part(rest, 0..len));
                at = at.saturating_sub(1).saturating_add(len);
            }
            _ if set == Set::Kana && is_digit(b) => reader.run.push(b),
            _ if is_digit(b) && is_digit(byte(bytes, at)) => {
                reader.run.extend_from_slice(&[b, byte(bytes, at)]);
                at = at.saturating_add(1);
            }
            _ => {
                reader.flush(set);
                if is_digit(b) {
                    // Half a character.
                    reader.out.push('\u{fffd}');
                    reader.clean = false;
                } else {
                    reader.run.push(b);
                    reader.flush(Set::Roman);
                }
            }
        }
    }
    reader.flush(if shifted { g1 } else { g0 });
    reader.clean
}

/// Whether the next line may be one of two-byte characters without an escape before it.
fn goes_on(text: &[u8]) -> bool {
    let end = memchr::memchr2(0x1b, b'\n', part(text, 0..1024)).unwrap_or(text.len().min(1024));
    let line = super::bytes::without_end(part(text, 0..end.saturating_add(1)));
    let line = line.strip_suffix(b"\x1b").unwrap_or(line);
    !line.is_empty() && line.len().is_multiple_of(2) && line.iter().all(|b| is_digit(*b))
}

/// The character behind a single shift; answers where it ends.
fn single(bytes: &[u8], at: usize, g2: Option<Half>, reader: &mut Reader<'_, '_>) -> usize {
    let high = byte(bytes, at) | 0x80;
    let len = match g2 {
        Some(Half::Latin) => {
            reader.web(encoding_rs::WINDOWS_1252, &[high]);
            1
        }
        Some(Half::Greek) => {
            reader.web(encoding_rs::ISO_8859_7, &[high]);
            1
        }
        Some(Half::Unread) => {
            reader.out.push('\u{fffd}');
            reader.clean = false;
            2
        }
        None => 0,
    };
    at.saturating_add(len).min(bytes.len())
}

/// Appends HZ text: between `~{` and `~}` the high bit is meant. Answers whether it is clean.
pub(crate) fn decode_hz(bytes: &[u8], plain: Plain<'_>, out: &mut String) -> bool {
    let mut reader = Reader { out, plain, run: Vec::new(), clean: true };
    let mut high = false;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let next = byte(bytes, at.saturating_add(1));
        let set = if high { Set::Chinese } else { Set::Roman };
        let step = match (b, next) {
            (b'~', b'{') if !high => {
                reader.flush(set);
                high = true;
                2
            }
            (b'~', b'}') if high => {
                reader.flush(set);
                high = false;
                2
            }
            (b'~', b'~') if !high => {
                reader.run.push(b'~');
                2
            }
            (b'~', b'\n') if !high => 2,
            (b'\n', _) => {
                reader.flush(set);
                high = false;
                reader.run.push(b);
                1
            }
            _ if high && is_digit(b) && is_digit(next) => {
                reader.run.extend_from_slice(&[b, next]);
                2
            }
            _ if high => {
                reader.flush(set);
                reader.run.push(b);
                reader.flush(Set::Roman);
                1
            }
            _ => {
                reader.run.push(b);
                1
            }
        };
        at = at.saturating_add(step);
    }
    reader.flush(if high { Set::Chinese } else { Set::Roman });
    reader.clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::charset::push_lossy;

    fn read(bytes: &[u8], set: Set) -> (String, bool) {
        let mut out = String::new();
        let clean = decode(bytes, set, &mut |b, o| push_lossy(b, o), &mut out);
        (out, clean)
    }

    #[test]
    fn the_sets_of_iso_2022_are_read() {
        let jp = |bytes: &[u8]| read(bytes, Set::Kana);
        assert_eq!(jp(b"a \x1b$B7@Ls\x1b(B b"), ("a \u{5951}\u{7d04} b".to_owned(), true));
        assert_eq!(jp(b"\x1b$@7@\x1b(J.").0, "\u{5951}.");
        assert_eq!(jp(b"\x1b(I1\x1b(B").0, "\u{ff71}");
        assert_eq!(jp(b"\x0e1\x0f x").0, "\u{ff71} x");
        assert_eq!(jp(b"\x1b$AVPND\x1b(B").0, "\u{4e2d}\u{6587}");
        assert_eq!(jp(b"\x1b$(CGQ19\x1b(B").0, "\u{d55c}\u{ad6d}");
        assert_eq!(jp(b"\x1b$(D0!\x1b(B").0, "\u{4e02}");
        assert_eq!(jp(b"\x1b.A caf\x1bNi").0, " caf\u{e9}");
        assert_eq!(jp(b"\x1b&@\x1b$B7@\x1b(B").0, "\u{5951}");
        assert_eq!(read(b"\x1b$)C\x0e>H3g\x0f x", Set::Korean).0, "\u{c548}\u{b155} x");
        assert_eq!(read(b"\x1b$)A\x0eVPND\x0f x", Set::Chinese).0, "\u{4e2d}\u{6587} x");
        assert!(!read(b"\x1b$)G\x0eD!\x0f x", Set::Chinese).1);
    }

    #[test]
    fn damage_ends_where_it_ends() {
        // Half a character, a blank in the middle, a line that forgot to go back.
        assert_eq!(read(b"\x1b$B7@L\x1b(B end", Set::Kana), ("\u{5951}\u{fffd} end".to_owned(), false));
        assert_eq!(read(b"\x1b$B7@ Ls\x1b(B", Set::Kana).0, "\u{5951} \u{7d04}");
        assert_eq!(read(b"\x1b$B7@Ls\nplain text\n", Set::Kana).0, "\u{5951}\u{7d04}\nplain text\n");
        assert_eq!(read(b"\x1b$B7@\r\nLs\x1b(B\r\n", Set::Kana).0, "\u{5951}\r\n\u{7d04}\r\n");
        assert_eq!(read(b"\x1b[31mred\x1b[0m", Set::Kana).0, "\x1b[31mred\x1b[0m");
    }

    #[test]
    fn only_what_marks_itself_is_taken_for_it() {
        for text in
            [&b"\x1b$B7@\x1b(B"[..], b"x \x1b$@7@", b"\x1b(I1\x1b(B", b"\x1b$)C\n\x0e>H\x0f", b"\x1b$(D0!"]
        {
            assert_eq!(marks(text), Some(Marks::Escapes), "{text:?}");
        }
        assert_eq!(marks(b"a ~{Dc:C~} b"), Some(Marks::Tildes));
        for text in [
            &b"\x1b[31mred\x1b(B\x1b[m"[..],
            b"\x1b$B",
            b"\x1b$B\x1b(B",
            b"\x1b$)C only",
            b"~/dir ~{ ~}",
            b"~{abc~}",
            b"~{open",
            b"plain",
        ] {
            assert_eq!(marks(text), None, "{text:?}");
        }
    }

    #[test]
    fn hz_is_read() {
        let mut out = String::new();
        decode_hz(b"a~{Dc:C~}b~~ ~\nc", &mut |b, o| push_lossy(b, o), &mut out);
        assert_eq!(out, "a\u{4f60}\u{597d}b~ c");
    }

    #[test]
    fn any_bytes_take_linear_time() {
        for bomb in ["\x1b$B", "\x1b$)C", "~{", "~{!!", "\x1b$B!!\n", "\x0e!\x0f", "\x1b$B!"] {
            let text = bomb.repeat(200_000);
            let marked = marks(text.as_bytes());
            read(text.as_bytes(), Set::Korean);
            decode_hz(text.as_bytes(), &mut |_, _| true, &mut String::new());
            assert!(marked.is_some() || !text.contains('\n'), "{bomb:?}");
        }
    }
}
