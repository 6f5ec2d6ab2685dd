//! Header fields in order, each with its place, read from raw bytes (RFC 5322 section 2.2).

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::{byte, from, line_end, part, without_end};
use super::known::Known;
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

/// Longest header block that is read, in bytes; threats: Dovecot has 50 MB.
pub const MAX_BLOCK: usize = 64 << 20;
/// Longest field that is read, in bytes.
pub const MAX_FIELD: usize = 10 << 20;
/// Most fields that are read.
pub const MAX_FIELDS: usize = 1_000_000;
/// Longest line that RFC 5322 section 2.1.1 allows, without its end.
pub const MAX_LINE: usize = 998;

/// One header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written, without blanks before the colon.
    pub name: &'a [u8],
    /// Which field it is, when it is one that we read.
    pub known: Known,
    /// The whole field, from its name to its last line end.
    pub at: ByteRange,
    /// The value: after the colon, without the final line end.
    pub value_at: ByteRange,
    /// The bytes of [`Field::value_at`]: raw and folded.
    pub value: &'a [u8],
}

/// A header block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// The fields in the order they stand.
    pub fields: Vec<Field<'a>>,
    /// Lines that are no field and no continuation, with their line ends.
    pub junk: Vec<Range<usize>>,
    /// Where the block begins.
    pub start: usize,
    /// Just past the last field: the empty line begins here, when there is one.
    pub end: usize,
    /// Where the body begins: just past the empty line.
    pub body_start: usize,
}

impl<'a> Header<'a> {
    /// The first field of one kind.
    pub fn first(&self, known: Known) -> Option<&Field<'a>> {
        self.fields.iter().find(|f| f.known == known)
    }

    /// All fields of one kind, in order.
    pub fn all(&self, known: Known) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |f| f.known == known)
    }
}

/// The header block at the start of a message. A byte order mark and a `From ` line before it are passed over.
///
/// The block ends at the first empty line (RFC 5322 section 2.1). A line that is neither a field nor a continuation
/// is kept in [`Header::junk`] when a field follows it, and ends the block when none does: then the empty line is
/// missing and the line is the first of the body.
///
/// # Anomalies
/// Those of the table from `header-missing` to `long-line`.
pub fn read(message: &[u8]) -> Parsed<Header<'_>> {
    let mut anomalies = Vec::new();
    let mut start = 0;
    if message.starts_with(b"\xef\xbb\xbf") {
        start = 3;
        anomalies.push(Anomaly::at(AnomalyKind::ByteOrderMark, ByteRange::of_usize(0, 3)));
    }
    let header = block(message, start, message.len(), &mut |_| false, &mut anomalies);
    if header.fields.is_empty() && !message.is_empty() {
        anomalies.push(Anomaly::at(AnomalyKind::HeaderMissing, ByteRange::of_usize(start, start)));
    }
    Parsed { value: header, anomalies }
}

enum Line {
    Empty,
    Continuation,
    Field { name_end: usize, colon: usize, clean: bool },
    Other,
}

/// Reads the block in `message[start..stop]`; a line that starts with `--` at a place for which `ends` holds ends it.
pub(crate) fn block<'a>(
    message: &'a [u8],
    start: usize,
    stop: usize,
    ends: &mut dyn FnMut(usize) -> bool,
    anomalies: &mut Vec<Anomaly>,
) -> Header<'a> {
    let whole = part(message, 0..stop);
    let limit = stop.min(start.saturating_add(MAX_BLOCK));
    let mut header = Header { fields: Vec::with_capacity(24), start, ..Header::default() };
    let mut at = start;
    let mut blank = false;
    let mut long: Option<ByteRange> = None;
    let mut over = None;
    let mut bad_name = false;
    while at < whole.len() {
        let next = line_end(whole, at);
        let line = part(whole, at..next);
        let long_line = next.saturating_sub(at) > MAX_LINE.saturating_add(2);
        let first = header.fields.is_empty() && header.junk.is_empty();
        let indent = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        // A blank before the first name: with nothing before it, the line continues nothing.
        let indent = if first && matches!(kind(from(line, indent)), Line::Field { clean: true, .. }) {
            indent
        } else {
            0
        };
        let line = from(line, indent);
        let at_name = at.saturating_add(indent);
        match kind(line) {
            Line::Empty => {
                blank = true;
                header.end = at;
                header.body_start = next;
                break;
            }
            Line::Continuation if !first => {
                if let Some(last) = header.junk.last_mut().filter(|j| j.end == at) {
                    last.end = next;
                } else if let Some(field) = header.fields.last_mut() {
                    extend(field, whole, next, &mut over);
                }
            }
            Line::Field { name_end, colon, clean }
                if clean || follows(whole, next) && !line.starts_with(b"--") =>
            {
                if line.starts_with(b"--") && ends(at) {
                    break;
                }
                if header.fields.len() >= MAX_FIELDS || next > limit {
                    over = Some(ByteRange::of_usize(at, next));
                    header.junk.push(at..next);
                } else {
                    if (!clean || indent > 0) && !bad_name {
                        bad_name = true;
                        anomalies
                            .push(Anomaly::at(AnomalyKind::HeaderNameInvalid, ByteRange::of_usize(at, next)));
                    }
                    let name = part(line, 0..name_end);
                    let value_at = at_name.saturating_add(colon).saturating_add(1);
                    let mut field = Field {
                        name,
                        known: Known::of(name),
                        at: ByteRange::of_usize(at, at),
                        value_at: ByteRange::of_usize(value_at, value_at),
                        value: &[],
                    };
                    extend(&mut field, whole, next, &mut over);
                    header.fields.push(field);
                }
            }
            Line::Continuation | Line::Field { .. } | Line::Other => {
                if line.starts_with(b"--") && ends(at) {
                    break;
                }
                if let Some(field) = header.fields.last_mut().filter(|f| goes_on(f, line, at)) {
                    anomalies.push(Anomaly::at(
                        AnomalyKind::HeaderLineWithoutColon,
                        ByteRange::of_usize(at, next),
                    ));
                    extend(field, whole, next, &mut over);
                    at = next;
                    continue;
                }
                let envelope = line.starts_with(b"From ") || line.starts_with(b">From ");
                let stays = next <= limit
                    && (envelope && at == start || !line.starts_with(b"--") && follows(whole, next));
                if !stays {
                    break;
                }
                if header.junk.last().is_none_or(|j| j.end != at) {
                    let at = ByteRange::of_usize(at, next);
                    anomalies.push(Anomaly::at(AnomalyKind::HeaderLineWithoutColon, at));
                }
                match header.junk.last_mut() {
                    Some(last) if last.end == at => last.end = next,
                    _ => header.junk.push(at..next),
                }
            }
        }
        if long_line && long.is_none() {
            long = Some(ByteRange::of_usize(at, next));
        }
        at = next;
    }
    if !blank {
        header.end = at.min(whole.len());
        header.body_start = header.end;
        if !header.fields.is_empty() {
            let at = ByteRange::of_usize(header.end, header.end);
            anomalies.push(Anomaly::at(AnomalyKind::HeaderEndMissing, at));
        }
    }
    if let Some(at) = long {
        anomalies.push(Anomaly::at(AnomalyKind::LongLine, at));
    }
    if let Some(at) = over {
        anomalies.push(Anomaly::at(AnomalyKind::HeaderOverLimit, at));
    }
    controls(whole, &header, anomalies);
    header
}

/// Lets a field reach to `next`; past the limit of a field only its place grows, not its value.
fn extend<'a>(field: &mut Field<'a>, whole: &'a [u8], next: usize, over: &mut Option<ByteRange>) {
    let start = usize::try_from(field.at.start()).unwrap_or(0);
    let value = usize::try_from(field.value_at.start()).unwrap_or(0);
    field.at = ByteRange::of_usize(start, next);
    if next.saturating_sub(start) > MAX_FIELD {
        *over = Some(field.at);
        return;
    }
    field.value = without_end(part(whole, value..next));
    field.value_at = ByteRange::of_usize(value, value.saturating_add(field.value.len()));
}

fn kind(line: &[u8]) -> Line {
    match line {
        [b'\n' | b'\r'] | [b'\r', b'\n'] => return Line::Empty,
        [b' ' | b'\t', ..] => return Line::Continuation,
        // Line ends that were converted twice.
        [b'\r', b'\r', ..] if line.iter().all(|b| matches!(b, b'\r' | b'\n')) => return Line::Empty,
        _ => {}
    }
    let mut clean = true;
    let mut name_end = 0;
    for (n, &b) in line.iter().enumerate() {
        match b {
            b':' if n > 0 => {
                // Blanks before the colon are obs-syntax (RFC 5322 section 4.5); blanks inside are not.
                let clean = clean && part(line, name_end..n).iter().all(|b| matches!(b, b' ' | b'\t'));
                return Line::Field { name_end, colon: n, clean };
            }
            33..=57 | 59..=126 => {
                if name_end < n {
                    clean = false;
                }
                name_end = n.saturating_add(1);
            }
            b' ' | b'\t' => {}
            b'\n' | b':' => return Line::Other,
            _ => {
                clean = false;
                name_end = n.saturating_add(1);
            }
        }
        if n > 1000 {
            return Line::Other;
        }
    }
    Line::Other
}

/// Whether a line goes on a MIME field whose fold lost its blank: the field ends in `;` and the line is a parameter.
fn goes_on(field: &Field<'_>, line: &[u8], at: usize) -> bool {
    let is_mime = matches!(field.known, Known::ContentType | Known::ContentDisposition);
    if !is_mime || field.at.end() != at as u64 || !field.value.trim_ascii_end().ends_with(b";") {
        return false;
    }
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*')).count();
    name > 0 && byte(line, name) == b'='
}

/// Lines that are looked at behind one that is no field, before the block is taken to be over.
const LOOK_AHEAD: usize = 32;

/// Whether the block goes on at `at`: with a field or its end on the next line, or with a field that we know by name
/// a few lines further on, before any empty line. Gateways that break lines without a blank leave several such lines.
fn follows(whole: &[u8], at: usize) -> bool {
    let mut at = at;
    for n in 0..LOOK_AHEAD {
        if at >= whole.len() {
            return false;
        }
        let next = line_end(whole, at);
        let line = part(whole, at..next);
        match kind(line) {
            Line::Empty => return n == 0,
            Line::Field { clean, .. } if clean && n == 0 => return true,
            Line::Field { name_end, .. } if Known::of(part(line, 0..name_end)) != Known::Other => {
                return true;
            }
            _ if line.starts_with(b"--") => return false,
            _ => at = next,
        }
    }
    false
}

fn controls(whole: &[u8], header: &Header<'_>, anomalies: &mut Vec<Anomaly>) {
    let bytes = part(whole, header.start..header.body_start);
    let at = |n: usize| {
        let n = header.start.saturating_add(n);
        ByteRange::of_usize(n, n.saturating_add(1))
    };
    if let Some(n) = memchr::memchr(0, bytes) {
        anomalies.push(Anomaly::at(AnomalyKind::NulInHeader, at(n)));
    }
    let bare = |&n: &usize| byte(bytes, n.saturating_add(1)) != b'\n';
    if let Some(n) = memchr::memchr_iter(b'\r', bytes).find(bare) {
        anomalies.push(Anomaly::at(AnomalyKind::BareCr, at(n)));
    }
}

/// A text on one line: each stretch of white space that holds a line end is one blank, so that where a writer folded
/// makes no difference. The ranges of facts count in the bytes as they stand, not in this.
pub fn one_line(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return Cow::Borrowed(value);
    }
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let mut out = Vec::with_capacity(value.len());
    for piece in value.chunk_by(|a, b| is_space(a) == is_space(b)) {
        match piece.first() {
            Some(first) if is_space(first) && piece.iter().any(|b| matches!(b, b'\r' | b'\n')) => {
                out.push(b' ');
            }
            _ => out.extend_from_slice(piece),
        }
    }
    Cow::Owned(out)
}

/// A value with its line ends taken out (RFC 5322 section 2.2.3); the blanks that follow them stay.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\n', value) else { return Cow::Borrowed(value) };
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut end = first;
    loop {
        out.extend_from_slice(without_end(part(rest, 0..end.saturating_add(1))));
        rest = from(rest, end.saturating_add(1));
        match memchr::memchr(b'\n', rest) {
            Some(n) => end = n,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &str) -> Vec<(String, String)> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        read(message.as_bytes()).value.fields.iter().map(|f| (text(f.name), text(f.value))).collect()
    }

    fn codes(message: &[u8]) -> Vec<&'static str> {
        read(message).anomalies.iter().map(|a| a.kind.code()).collect()
    }

    #[test]
    fn fields_keep_their_order_their_folds_and_their_places() {
        let message = b"A: 1\r\nB:\r\n 2\r\n\tx\r\nC : 3\r\n\r\nbody";
        let header = read(message).value;
        let values: Vec<&[u8]> = header.fields.iter().map(|f| f.value).collect();
        assert_eq!(values, [&b" 1"[..], b"\r\n 2\r\n\tx", b" 3"]);
        for f in &header.fields {
            assert_eq!(f.value_at.of(message), Some(f.value));
            assert!(f.at.of(message).is_some_and(|b| b.starts_with(f.name) && b.ends_with(b"\n")));
        }
        assert_eq!(header.fields.last().map(|f| f.name), Some(&b"C"[..]));
        assert_eq!(&message[header.body_start..], b"body");
        assert_eq!(&*unfold(values[1]), b" 2\tx");
        assert_eq!(&*one_line(b"ESMTPS\r\n\t  id 1  2"), b"ESMTPS id 1  2");
        assert_eq!(&*one_line(b"ESMTPS\t id"), b"ESMTPS\t id");
        assert_eq!(codes(message), [""; 0]);
    }

    #[test]
    fn a_line_without_a_colon_stays_in_the_header_when_a_field_follows() {
        let got = fields("A: 1\nwhat is this\nB: 2\n\nbody\n");
        assert_eq!(got.len(), 2);
        assert_eq!(codes(b"A: 1\nwhat\nB: 2\n\n"), ["header-line-without-colon"]);
    }

    #[test]
    fn a_parameter_whose_fold_lost_its_blank_is_still_one() {
        let got = fields("Content-Type: multipart/mixed;\nboundary=\"x\"\n\n--x\n");
        assert_eq!(got, [("Content-Type".to_owned(), " multipart/mixed;\nboundary=\"x\"".to_owned())]);
    }

    #[test]
    fn broken_folds_do_not_end_the_header() {
        let got = fields("Received: from a\nby b\nid c\nSubject: x\n\nbody\n");
        assert_eq!(got.last().map(|f| f.0.as_str()), Some("Subject"));
        assert_eq!(fields(" From: a\nTo: b\n\n").first().map(|f| f.0.as_str()), Some("From"));
    }

    #[test]
    fn text_right_after_the_fields_is_the_body() {
        let message = b"A: 1\nHello there,\nthis is text\n\nB: 2\n";
        let header = read(message).value;
        assert_eq!(header.fields.len(), 1);
        assert!(message[header.body_start..].starts_with(b"Hello"));
        assert_eq!(codes(message), ["header-end-missing"]);
    }

    #[test]
    fn a_name_with_a_blank_inside_is_another_name() {
        let message = b"Fr om: evil\nFrom: good\n\n";
        let header = read(message).value;
        assert_eq!(header.fields.first().map(|f| f.name), Some(&b"Fr om"[..]));
        assert_eq!(header.all(Known::From).count(), 1);
        assert_eq!(codes(message), ["header-name-invalid"]);
    }

    #[test]
    fn an_envelope_line_and_a_byte_order_mark_are_passed_over() {
        assert_eq!(fields("From joe Thu\nA: 1\n\n").len(), 1);
        assert_eq!(fields("\u{feff}A: 1\n\n").len(), 1);
        assert_eq!(codes(b"no header at all\n"), ["header-missing"]);
        assert_eq!(codes(b"A: b\0c\rd\n\n"), ["nul-in-header", "bare-cr"]);
    }

    #[test]
    fn limits_hold_and_are_told() {
        let long = [b"A: ".to_vec(), b"x".repeat(MAX_FIELD + 1), b"\nB: 1\n\n".to_vec()].concat();
        let got = read(&long);
        assert_eq!(got.value.fields.len(), 2);
        assert!(got.anomalies.iter().any(|a| a.kind == AnomalyKind::HeaderOverLimit));
    }
}
