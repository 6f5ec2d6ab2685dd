//! Names of folders: as the server writes them, for people, and as paths (RFC 9051 section 5.1, RFC 3501 section 5.1.3,
//! RFC 5092).

use crate::types::utf7;

/// A name decoded, for people; `None` when it is broken in the form that the session uses.
///
/// With `is_utf8` names are UTF-8, else modified UTF-7. Raw UTF-8 where UTF-7 should be is read as what it is.
pub(super) fn decoded(raw: &[u8], is_utf8: bool) -> Option<String> {
    if is_utf8 || !raw.is_ascii() {
        return String::from_utf8(raw.to_vec()).ok();
    }
    utf7::decoded(raw)
}

/// The path of a folder: the names between its delimiters, each with percent codes for all that RFC 5092 does not let
/// stand, joined by `/`. A name that is `.` or `..` is coded whole; an empty one is `%2F`.
pub(super) fn path(name: &[u8], delimiter: Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let parts: Vec<&[u8]> = match delimiter {
        Some(delimiter) => name.split(|&b| b == delimiter).collect(),
        None => vec![name],
    };
    for (number, part) in parts.into_iter().enumerate() {
        if number > 0 {
            out.push(b'/');
        }
        match part {
            b"" => out.extend_from_slice(b"%2F"),
            b"." | b".." => part.iter().for_each(|_| out.extend_from_slice(b"%2E")),
            part => part.iter().for_each(|&b| push(b, &mut out)),
        }
    }
    out
}

/// The path of a folder whose name cannot be decoded: its raw bytes, `&` coded too, so that no decoded name looks like
/// it.
pub(super) fn raw_path(raw: &[u8], delimiter: Option<u8>) -> Vec<u8> {
    let plain = path(raw, delimiter);
    let mut out = Vec::with_capacity(plain.len());
    for byte in plain {
        if byte == b'&' {
            out.extend_from_slice(b"%26");
        } else {
            out.push(byte);
        }
    }
    out
}

fn push(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let stands = byte.is_ascii_alphanumeric() || b"-._~!$'()*+,&=:@".contains(&byte);
    if stands {
        out.push(byte);
    } else {
        let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
        out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
    }
}

/// A name with `/` between its parts, to compare with what an examiner writes. INBOX is the same in any case.
pub(super) fn comparable(name: &str, delimiter: Option<u8>) -> String {
    let name = match delimiter {
        Some(delimiter) if delimiter != b'/' => name.replace(char::from(delimiter), "/"),
        _ => name.to_owned(),
    };
    let end = name.find(['/', '*']).unwrap_or(name.len());
    match name.split_at_checked(end) {
        Some((first, rest)) if first.eq_ignore_ascii_case("INBOX") => format!("INBOX{rest}"),
        _ => name,
    }
}

/// Whether `name` is what `pattern` says; `*` stands for any run of characters. Linear but for the number of `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at.saturating_add(piece.len())..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_form_of_the_session() {
        assert_eq!(decoded(b"Entw&APw-rfe", false).as_deref(), Some("Entwürfe"));
        assert_eq!(decoded(b"&APw", false), None);
        assert_eq!(decoded(b"a\xff", false), None);
        assert_eq!(decoded("ü".as_bytes(), false).as_deref(), Some("ü"));
        assert_eq!(decoded(b"R&D", true).as_deref(), Some("R&D"));
    }

    fn p(name: &str, delimiter: char) -> String {
        String::from_utf8(path(name.as_bytes(), u8::try_from(delimiter).ok())).unwrap()
    }

    #[test]
    fn a_path_cannot_climb_or_steer() {
        assert_eq!(p("INBOX.Sent", '.'), "INBOX/Sent");
        assert_eq!(p("../../etc", '/'), "%2E%2E/%2E%2E/etc");
        assert_eq!(p("a/b.c", '.'), "a%2Fb/c");
        assert_eq!(p("a;UIDVALIDITY=1", '/'), "a%3BUIDVALIDITY=1");
        assert_eq!(p("\u{1b}[2J\0ü\\", '/'), "%1B%5B2J%00%C3%BC%5C");
        assert_eq!(p("a//b/", '/'), "a/%2F/b/%2F");
        assert_eq!(p("", '/'), "%2F");
        assert_eq!(path(b"a.b/c", None), b"a.b%2Fc");
        assert_eq!(raw_path(b"&x.y", Some(b'.')), b"%26x/y");
    }

    #[test]
    fn patterns_find_names() {
        for (pattern, name, is) in [
            ("INBOX", "INBOX", true),
            ("INBOX", "INBOX/a", false),
            ("INBOX*", "INBOX/a", true),
            ("*Sent*", "x/Sent Mail", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
        assert_eq!(comparable("inbox.a.b", Some(b'.')), "INBOX/a/b");
    }
}
