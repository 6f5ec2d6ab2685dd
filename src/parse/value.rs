//! Header values to text and to parameters: unstructured text, and `value; name=value` (RFC 2045, 2047, 2231, 6532).

use super::bytes::{from, part, trim};
use super::header::unfold;
use super::words::{self, Unclean};
use super::{charset, decode};
use crate::types::caught::caught;
use crate::types::{Anomaly, AnomalyKind, ByteRange};

/// Most parameters of one field that are read.
pub const MAX_PARAMETERS: usize = 1000;

/// Longest value that mail-parser is given.
pub const MAX_GUARDED: usize = 1 << 20;

/// Runs foreign code that might panic; `None` when it did.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    caught(work)
}

/// What header text needs to know beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The charset that the message's own text states: the best reading of bytes in its header fields whose
    /// charset is not stated. Empty when there is none.
    pub charset: &'a [u8],
}

/// Appends an unstructured value, unfolded and decoded, without blanks around it.
///
/// A fold becomes one blank. Bytes over 127 are read as UTF-8 (RFC 6532); where they are not, in the charset of the
/// message's text, else as windows-1252.
///
/// # Anomalies
/// `header-8bit`, `encoded-word-invalid`, `charset-unknown` and `charset-by-escapes`, at `at`.
pub fn text(
    value: &[u8],
    at: ByteRange,
    context: Context<'_>,
    out: &mut String,
    anomalies: &mut Vec<Anomaly>,
) {
    let value = trim(value);
    let marked = memchr::memchr3(0x1b, 0x0e, b'~', value).is_some();
    if !marked
        && memchr::memchr2(b'\n', b'\0', value).is_none()
        && memchr::memmem::find(value, b"=?").is_none()
        && let Ok(plain) = std::str::from_utf8(value)
    {
        out.push_str(plain);
        return;
    }
    let folded = memchr::memchr(b'\n', value).is_some();
    let mut flat = std::borrow::Cow::Borrowed(value);
    if folded {
        flat = unfold(value);
        // The blank of a fold is often a tab.
        if flat.contains(&b'\t') {
            flat = std::borrow::Cow::Owned(untabbed(value));
        }
    }
    let mut eight = false;
    if marked && let Some(read) = unescaped(&flat, context, &mut eight) {
        flat = std::borrow::Cow::Owned(read.into_bytes());
        anomalies.push(Anomaly::at(AnomalyKind::CharsetByEscapes, at));
    }
    let mut plain = |bytes: &[u8], out: &mut String| eight |= raw(bytes, context, out);
    let odd = words::decode_into(&flat, out, &mut plain);
    if eight {
        anomalies.push(Anomaly::at(AnomalyKind::Header8Bit, at));
    }
    tell(odd, at, anomalies);
}

/// Says what was odd about encoded words.
pub(crate) fn tell(odd: words::Odd, at: ByteRange, anomalies: &mut Vec<Anomaly>) {
    if odd.any {
        anomalies.push(Anomaly::at(AnomalyKind::EncodedWordInvalid, at));
    }
    if odd.unknown {
        anomalies.push(Anomaly::at(AnomalyKind::CharsetUnknown, at));
    }
}

/// A value whose raw bytes mark themselves by escapes (RFC 1468), read by these; `None` when they do not.
pub(crate) fn unescaped(value: &[u8], context: Context<'_>, eight: &mut bool) -> Option<String> {
    charset::unescaped(value, context.charset, &mut |bytes, out| {
        *eight |= raw(bytes, context, out);
        true
    })
}

/// Appends the other reading of a value with encoded words that [`text`] leaves as they stand, since they hold bytes
/// that their charset does not have: decoded all the same, so that their other words can be found. Answers whether
/// there is one.
pub(crate) fn second_reading(value: &[u8], context: Context<'_>, out: &mut String) -> bool {
    if memchr::memmem::find(value, b"=?").is_none() {
        return false;
    }
    let flat = unfold(trim(value));
    let (mut exact, start) = (String::new(), out.len());
    if !words::decode_as(&flat, Unclean::Kept, &mut exact, &mut |_, _| {}).kept {
        return false;
    }
    words::decode_as(&flat, Unclean::Decoded, out, &mut |bytes, out| {
        raw(bytes, context, out);
    });
    out.len() > start
}

/// Unfolds, with the first blank of each fold a space.
fn untabbed(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (n, line) in value.split(|&b| b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line {
            [b'\t', rest @ ..] if n > 0 => {
                out.push(b' ');
                out.extend_from_slice(rest);
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}

/// Appends bytes that stand in no encoded word; answers whether they are not UTF-8.
pub(crate) fn raw(bytes: &[u8], context: Context<'_>, out: &mut String) -> bool {
    if let Ok(text) = std::str::from_utf8(bytes) {
        out.push_str(text);
        return false;
    }
    let stated = context.charset;
    let usable = !charset::is_mostly_utf8(bytes)
        && !stated.is_empty()
        && !stated.eq_ignore_ascii_case(b"utf-8")
        && !stated.eq_ignore_ascii_case(b"utf8")
        && charset::is_known(stated);
    if usable {
        charset::decode(stated, bytes, out);
    } else {
        charset::best(bytes, out);
    }
    true
}

/// A `value; name=value` field, such as Content-Type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structured {
    /// The value before the first `;`, comments and blanks removed, in lower case.
    pub value: String,
    parameters: Vec<Parameter>,
    /// Whether there were more parameters than are read.
    pub over: bool,
    /// Whether raw bytes of it were read by their own escapes.
    pub by_escapes: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// Section of a value in several (`*0`, `*1` ..).
    section: Option<u32>,
    /// Whether the value is percent-encoded (a `*` at the end of the name).
    extended: bool,
    value: Vec<u8>,
}

/// Reads a field of that form. Never fails: what is no parameter is passed over.
pub fn structured(value: &[u8]) -> Structured {
    let mut out = Structured::default();
    let mut flat = unfold(value);
    if let Some(read) = unescaped(&flat, Context::default(), &mut false) {
        flat = std::borrow::Cow::Owned(read.into_bytes());
        out.by_escapes = true;
    }
    let start = blank(&flat);
    let stops = |b: &u8| matches!(b, b';' | b'(' | b' ' | b'\t' | b'\r' | b'\n');
    let mut token = part(start, 0..start.iter().position(stops).unwrap_or(start.len()));
    // `Content-Disposition: filename=x`: the value is missing, and this is the first parameter.
    let equals = memchr::memchr(b'=', token).unwrap_or(0);
    if equals > 0 && memchr::memchr(b'/', part(token, 0..equals)).is_none() {
        token = &[];
    }
    let mut rest = blank(from(start, token.len()));
    let mut head = token.to_vec();
    let semicolon = memchr::memchr(b';', rest).unwrap_or(rest.len());
    // `text/plain charset=x`: the semicolon is missing. `text / plain`: blanks that do not count.
    if !part(rest, 0..semicolon).contains(&b'=') {
        while let [b, ..] = rest
            && *b != b';'
        {
            head.push(*b);
            rest = blank(from(rest, 1));
        }
    }
    head.make_ascii_lowercase();
    out.value = String::from_utf8_lossy(&head).into_owned();
    while !rest.is_empty() {
        if out.parameters.len() >= MAX_PARAMETERS {
            out.over = true;
            break;
        }
        rest = parameter(rest, &mut out.parameters);
    }
    out
}

/// Passes over a comment at the start of `text`, nested ones too; to the end when it is not closed.
pub(crate) fn comment(text: &[u8]) -> &[u8] {
    closed_comment(text).unwrap_or_default()
}

/// What is behind the comment at the start of `text`, nested ones with it; `None` when it is not closed.
pub(crate) fn closed_comment(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0usize;
    let mut rest = text;
    loop {
        rest = match rest {
            [b'(', r @ ..] => {
                depth = depth.saturating_add(1);
                r
            }
            [b')', r @ ..] => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(r);
                }
                r
            }
            [b'\\', _, r @ ..] | [_, r @ ..] => r,
            [] => return None,
        };
    }
}

fn blank(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\r' | b'\n', r @ ..] => r,
            [b'(', ..] => comment(text),
            _ => return text,
        };
    }
}

/// Reads the parameter at the start of `rest`, which begins with its `;` or without.
fn parameter<'a>(rest: &'a [u8], out: &mut Vec<Parameter>) -> &'a [u8] {
    let rest = blank(rest);
    let rest = blank(rest.strip_prefix(b";").unwrap_or(rest));
    let name_len =
        rest.iter().position(|b| matches!(b, b'=' | b';' | b' ' | b'\t' | b'(')).unwrap_or(rest.len());
    let name = part(rest, 0..name_len).to_ascii_lowercase();
    let Some(after) = blank(from(rest, name_len)).strip_prefix(b"=") else {
        // No value: go to the next semicolon.
        let skip =
            memchr::memchr(b';', from(rest, name_len)).map_or(rest.len(), |n| n.saturating_add(name_len));
        return from(rest, skip.max(1));
    };
    let is_name = name.starts_with(b"filename") || name.starts_with(b"name");
    let after = blank(after);
    let (value, rest) = match after {
        [b'"', inner @ ..] => quoted(inner, is_name),
        _ => bare(after, is_name),
    };
    let mut p = Parameter { value, ..Parameter::default() };
    let mut pieces = name.split(|&b| b == b'*');
    p.name = String::from_utf8_lossy(pieces.next().unwrap_or_default()).into_owned();
    for piece in pieces {
        if piece.is_empty() {
            p.extended = true;
        } else if let Ok(n) = String::from_utf8_lossy(piece).parse() {
            p.section = Some(n);
        }
    }
    out.push(p);
    rest
}

/// A quoted string, from just past its opening quote; to the end when it is not closed.
fn quoted(inner: &[u8], is_name: bool) -> (Vec<u8>, &[u8]) {
    // `C:\dir\file` and `\\host\file` are paths that somebody forgot to escape, and no rows of quoted pairs.
    let path = is_name
        && match inner {
            [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\', next, ..] | [b'\\', b'\\', next, ..] => *next != b'\\',
            _ => false,
        };
    let mut value = Vec::new();
    let mut rest = inner;
    loop {
        rest = match rest {
            [b'\\', b, r @ ..] if !path || *b == b'"' => {
                value.push(*b);
                r
            }
            [b'"', r @ ..] => return (value, r),
            [b'\r' | b'\n', r @ ..] => r,
            [b, r @ ..] => {
                value.push(*b);
                r
            }
            [] => return (value, rest),
        };
    }
}

/// A value without quotes. A file name reaches to the `;`, since many programs forget the quotes; others to a blank.
fn bare(text: &[u8], is_name: bool) -> (Vec<u8>, &[u8]) {
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    let mut value = part(text, 0..end);
    if !is_name {
        let stop = value.iter().position(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(end);
        value = part(value, 0..stop);
    }
    let value = trim(value);
    (value.to_vec(), from(text, end.min(if is_name { end } else { value.len() })))
}

impl Structured {
    /// The value of a parameter as bytes, the plain form first. For values that are ASCII tokens: boundary, charset.
    pub fn token(&self, name: &str) -> Option<Vec<u8>> {
        match self.plain(name) {
            Some(value) => Some(value.to_vec()),
            None => self.extended(name).map(|(_, bytes)| bytes),
        }
    }

    fn plain(&self, name: &str) -> Option<&[u8]> {
        let hit = self.parameters.iter().find(|p| p.name == name && p.section.is_none() && !p.extended);
        hit.map(|p| p.value.as_slice())
    }

    /// The RFC 2231 form: its charset and bytes.
    fn extended(&self, name: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut pieces: Vec<&Parameter> = self
            .parameters
            .iter()
            .filter(|p| p.name == name && (p.section.is_some() || p.extended))
            .collect();
        if pieces.is_empty() {
            return None;
        }
        pieces.sort_by_key(|p| p.section);
        // A whole value stands before one in sections.
        if pieces.first().is_some_and(|p| p.section.is_none()) {
            pieces.truncate(1);
        }
        pieces.dedup_by_key(|p| p.section);
        let mut label = Vec::new();
        let mut bytes = Vec::new();
        for (n, piece) in pieces.iter().enumerate() {
            let mut value: &[u8] = &piece.value;
            if n == 0 && piece.extended {
                let mut parts = value.splitn(3, |&b| b == b'\'');
                if let (Some(charset), Some(_language), Some(data)) =
                    (parts.next(), parts.next(), parts.next())
                {
                    label = charset.to_vec();
                    value = data;
                }
            }
            if piece.extended { percent(value, &mut bytes) } else { bytes.extend_from_slice(value) }
        }
        Some((label, bytes))
    }

    /// Takes the names of files out of another field of the same kind; they stand behind those of this one.
    pub(crate) fn add_names(&mut self, other: Self) {
        let room = MAX_PARAMETERS.saturating_sub(self.parameters.len());
        let names = other.parameters.into_iter().filter(|p| matches!(p.name.as_str(), "filename" | "name"));
        self.parameters.extend(names.take(room));
    }

    /// Whether there is a parameter for the name of a file.
    pub(crate) fn has_names(&self) -> bool {
        self.parameters.iter().any(|p| matches!(p.name.as_str(), "filename" | "name"))
    }

    /// All values of a parameter in all its forms, decoded; at most a few.
    pub(crate) fn texts(&self, name: &str, context: Context<'_>) -> Vec<String> {
        const MOST: usize = 50;
        let plain = self.parameters.iter().filter(|p| p.name == name && p.section.is_none() && !p.extended);
        let mut all: Vec<String> = plain.take(MOST).map(|p| plain_text(&p.value, context)).collect();
        if let Some((text, _)) = self.text(name, context) {
            all.push(text);
        }
        // Extended values that stand twice, each by itself.
        let whole = self.parameters.iter().filter(|p| p.name == name && p.section.is_none() && p.extended);
        for p in whole.skip(1).take(MOST) {
            let alone = Self { parameters: vec![p.clone()], ..Self::default() };
            all.extend(alone.text(name, context).map(|(text, _)| text));
        }
        all
    }

    /// The value of a parameter as text, decoded. The extended form wins over the plain one (RFC 2231, RFC 6266
    /// section 4.3); the second answer is whether both are there and differ.
    pub fn text(&self, name: &str, context: Context<'_>) -> Option<(String, bool)> {
        let plain = self.plain(name).map(|value| plain_text(value, context));
        // The same parameter twice, in the same form.
        let same = |p: &&Parameter| p.name == name && p.section.is_none();
        let twice = self.parameters.iter().filter(same).any(|p| {
            let first = self.parameters.iter().filter(same).find(|f| f.extended == p.extended);
            first.is_some_and(|f| f.value != p.value)
        });
        let extended = self.extended(name).map(|(label, bytes)| {
            let mut out = String::new();
            if label.is_empty() || !charset::is_known(&label) {
                // Sections without a charset hold encoded words in real mail.
                words::decode_into(&bytes, &mut out, &mut |b, o| {
                    raw(b, context, o);
                });
            } else {
                charset::decode(&label, &bytes, &mut out);
            }
            out
        });
        match (plain, extended) {
            (Some(plain), Some(extended)) => {
                let differ = plain != extended && plain.is_ascii() && extended.is_ascii();
                Some((extended, differ || twice))
            }
            (plain, extended) => extended.or(plain).map(|text| (text, twice)),
        }
    }
}

/// A plain value as text; encoded words stand in many.
fn plain_text(value: &[u8], context: Context<'_>) -> String {
    let mut out = String::new();
    words::decode_into(value, &mut out, &mut |b, o| {
        raw(b, context, o);
    });
    out
}

/// Percent-decoding (RFC 2231 section 4).
fn percent(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    loop {
        rest = match rest {
            [b'%', a, b, r @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                out.push(decode::hex_pair(*a, *b));
                r
            }
            [b, r @ ..] => {
                out.push(*b);
                r
            }
            [] => return,
        };
    }
}

#[cfg(test)]
mod tests;
