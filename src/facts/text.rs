//! The text of a message for the index: parts decoded, hidden text and header fields apart.

use super::{ItemFacts, ItemText, NotIndexed, Zone, flowed, guess};
use crate::parse::header::{Field, Header};
use crate::parse::known::Known;
use crate::parse::value::{self, Context};
use crate::parse::{charset, html, unseen};
use crate::types::{Anomaly, AnomalyKind, ByteRange};

/// Most text of one message, in bytes of UTF-8.
pub(crate) const MAX_TEXT: usize = 64 << 20;

/// Buffers that are used again for the next part.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    string: String,
    page: html::Page,
}

/// A part's text on its way to the index.
pub(crate) struct Source<'a> {
    /// Decoded bytes.
    pub(crate) bytes: &'a [u8],
    /// Stated charset, or empty.
    pub(crate) charset: &'a [u8],
    /// Whether the bytes are HTML.
    pub(crate) html: bool,
    /// Whether blanks at line ends join lines (RFC 3676 `DelSp=yes`).
    pub(crate) del_sp: bool,
    /// Whether lines are folded as in calendars and cards.
    pub(crate) folded: bool,
    /// Whether no transfer encoding was stated.
    pub(crate) unencoded: bool,
    /// Part path.
    pub(crate) part: &'a str,
    /// The part's body in the message.
    pub(crate) at: ByteRange,
}

/// Adds the text of a part.
pub(crate) fn add(source: &Source<'_>, buffers: &mut Buffers, text: &mut ItemText, facts: &mut ItemFacts) {
    let mut bytes = source.bytes;
    if bytes.len() > MAX_TEXT.saturating_sub(text.text.len()) {
        bytes = bytes.get(..MAX_TEXT.saturating_sub(text.text.len())).unwrap_or_default();
        if !facts.anomalies.iter().any(|a| a.kind == AnomalyKind::TextOverLimit) {
            facts.anomalies.push(Anomaly::at(AnomalyKind::TextOverLimit, source.at));
        }
        facts.not_indexed.push(NotIndexed { part: source.part.to_owned(), reason: "over-limit" });
    }
    let unfolded = if source.folded { flowed::unfolded(bytes) } else { bytes.into() };
    let bytes = &*unfolded;
    let mut label = source.charset;
    if source.html && !bytes.is_ascii() && charset::is_ascii_name(label) {
        label = meta_charset(bytes).unwrap_or(label);
    }
    let reading;
    if source.html {
        let mut string = std::mem::take(&mut buffers.string);
        string.clear();
        reading = charset::decode(label, bytes, &mut string);
        html::read(&string, &mut buffers.page);
        buffers.string = string;
        add_page(source, buffers, text, facts);
    } else if bytes.is_ascii() && !source.del_sp && !source.folded {
        let from = text.text.len();
        reading = charset::decode(label, bytes, &mut text.text);
        text.close(Zone::Body, from);
    } else {
        buffers.string.clear();
        reading = charset::decode(label, bytes, &mut buffers.string);
        if source.del_sp {
            buffers.string = flowed::joined(&buffers.string);
        }
        if source.folded {
            buffers.string = flowed::unescaped(&buffers.string).into_owned();
        }
        push(&buffers.string, Zone::Body, text);
    }
    let seen = if source.html { &buffers.page.visible } else { &buffers.string };
    if (source.html || !reading.ascii) && unseen::is_in(seen) {
        facts.anomalies.push(Anomaly::at(AnomalyKind::InvisibleText, source.at));
    }
    if reading.by_escapes {
        facts.anomalies.push(Anomaly::at(AnomalyKind::CharsetByEscapes, source.at));
        as_they_stand(bytes, text);
    }
    if !reading.known {
        facts.anomalies.push(Anomaly::at(AnomalyKind::CharsetUnknown, source.at));
        facts.not_indexed.push(NotIndexed { part: source.part.to_owned(), reason: "charset-unknown" });
    } else if !reading.clean {
        facts.anomalies.push(Anomaly::at(AnomalyKind::CharsetInvalid, source.at));
        if charset::is_ascii_name(label) && std::str::from_utf8(bytes).is_err() {
            facts.not_indexed.push(NotIndexed { part: source.part.to_owned(), reason: "charset-unstated" });
        }
    } else if reading.also_utf8 {
        let detail = "the bytes are valid UTF-8; both readings are searchable";
        facts.anomalies.push(Anomaly::at(AnomalyKind::CharsetInvalid, source.at).with(detail));
    }
    if reading.also_utf8 || (!reading.clean && !reading.ascii) {
        second_reading(source, bytes, buffers, text);
    } else if !reading.ascii {
        let mut doubled = String::new();
        guess::doubled_utf8(&buffers.string, &mut doubled);
        push(&doubled, Zone::Hidden, text);
    }
    if !source.html {
        let again = guess::hidden_base64(bytes);
        let quoted = || source.unencoded.then(|| guess::hidden_quoted_printable(bytes)).flatten();
        if let Some(again) = again.or_else(quoted) {
            push_bytes(&again, Zone::Hidden, buffers, text);
        }
    }
}

/// Text whose stated charset does not fit is searchable in the other likely reading too: UTF-8 where the bytes are
/// that, else windows-1252.
fn second_reading(source: &Source<'_>, bytes: &[u8], buffers: &mut Buffers, text: &mut ItemText) {
    buffers.string.clear();
    // Only lines that are not ASCII read otherwise.
    for line in bytes.split_inclusive(|&b| b == b'\n').filter(|l| !l.is_ascii()) {
        charset::best(line, &mut buffers.string);
    }
    if source.html {
        html::read(&buffers.string, &mut buffers.page);
        push(&buffers.page.visible, Zone::Hidden, text);
    } else {
        push(&buffers.string, Zone::Hidden, text);
    }
}

/// Lines that may be HZ, as they stand: other text may hold its tildes too.
fn as_they_stand(bytes: &[u8], text: &mut ItemText) {
    let mut kept = String::new();
    let tildes = memchr::memmem::Finder::new(b"~{");
    for line in bytes.split_inclusive(|&b| b == b'\n').filter(|line| tildes.find(line).is_some()) {
        charset::push_lossy(line, &mut kept);
    }
    push(&kept, Zone::Hidden, text);
}

fn add_page(source: &Source<'_>, buffers: &Buffers, text: &mut ItemText, facts: &mut ItemFacts) {
    let page = &buffers.page;
    push(&page.visible, Zone::Body, text);
    push(&page.hidden, Zone::Hidden, text);
    push(&page.links, Zone::Hidden, text);
    if page.hides {
        facts.anomalies.push(
            Anomaly::at(AnomalyKind::HiddenText, source.at)
                .with(format!("part {}, byte {} of its HTML", source.part, page.hides_at)),
        );
    }
}

/// Adds text as one stretch, up to the limit.
pub(crate) fn push(string: &str, zone: Zone, text: &mut ItemText) {
    let from = text.text.len();
    let room = MAX_TEXT.saturating_sub(from);
    let string = string.get(..string.floor_char_boundary(room)).unwrap_or_default();
    if !string.trim_ascii().is_empty() {
        text.text.push_str(string);
        text.close(zone, from);
    }
}

/// Adds bytes whose charset nobody states as one stretch: preambles, epilogues, junk lines.
pub(crate) fn push_bytes(bytes: &[u8], zone: Zone, buffers: &mut Buffers, text: &mut ItemText) {
    if bytes.trim_ascii().is_empty() {
        return;
    }
    buffers.string.clear();
    charset::decode(b"", bytes, &mut buffers.string);
    push(&buffers.string, zone, text);
}

/// The charset that an HTML page states in its `meta`.
fn meta_charset(html: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"charset";
    let head = html.get(..html.len().min(4096)).unwrap_or_default();
    let starts = memchr::memchr2_iter(b'c', b'C', head);
    let mut values = starts.filter_map(|at| {
        let rest = head.get(at..)?;
        let named = rest.get(..NAME.len())?.eq_ignore_ascii_case(NAME);
        let value = rest.get(NAME.len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let value = value
            .strip_prefix(b"\"")
            .or_else(|| value.strip_prefix(b"'"))
            .unwrap_or(value)
            .trim_ascii_start();
        let letter = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
        let label = value.get(..value.iter().take_while(letter).count())?;
        (named && !label.is_empty() && charset::is_known(label)).then_some(label)
    });
    values.next()
}

/// Adds the header fields that are no facts of their own as `Name: value` lines, and the lines that are no fields.
///
/// Of signatures only the tags that name somebody are kept. Fields that may stand once are facts the first time and
/// text when they stand again.
pub(crate) fn add_header(
    message: &[u8],
    header: &Header<'_>,
    context: Context<'_>,
    buffers: &mut Buffers,
    text: &mut ItemText,
) {
    let start = text.text.len();
    let mut ignored = Vec::new();
    let mut seen: Vec<Known> = Vec::new();
    for field in &header.fields {
        if text.text.len() > MAX_TEXT {
            break;
        }
        match field.known {
            Known::Received | Known::MimeVersion | Known::ContentTransferEncoding => continue,
            Known::ContentType => {
                boundary(field, &mut text.text);
                continue;
            }
            known if super::people::role(known).is_some() => continue,
            Known::Subject | Known::MessageId | Known::Date if !seen.contains(&field.known) => {
                seen.push(field.known);
                continue;
            }
            Known::InReplyTo | Known::References | Known::ContentLength | Known::XGmMessageState => continue,
            known if known.is_opaque() => {
                signature(field, &mut text.text);
                continue;
            }
            _ => {}
        }
        let line = text.text.len();
        charset::push_lossy(field.name, &mut text.text);
        text.text.push_str(": ");
        let from = text.text.len();
        value::text(field.value, field.value_at, context, &mut text.text, &mut ignored);
        ignored.clear();
        if text.text.len() == from {
            text.text.truncate(line);
            continue;
        }
        text.text.push('\n');
    }
    text.close(Zone::Header, start);
    for field in &header.fields {
        let from = text.text.len();
        if from < MAX_TEXT && value::second_reading(field.value, context, &mut text.text) {
            let zone = if field.known == Known::Subject { Zone::Subject } else { Zone::Header };
            text.close(zone, from);
        }
    }
    for junk in &header.junk {
        push_bytes(message.get(junk.clone()).unwrap_or_default(), Zone::Header, buffers, text);
    }
}

/// Of a Content-Type only the boundary is a word that somebody looks for.
fn boundary(field: &Field<'_>, out: &mut String) {
    if !field.value.windows(8).any(|name| name.eq_ignore_ascii_case(b"boundary")) {
        return;
    }
    if let Some(boundary) = value::structured(field.value).token("boundary") {
        out.push_str("Content-Type: ");
        charset::push_lossy(&boundary, out);
        out.push('\n');
    }
}

/// The tags of a signature that name somebody: domain, selector, identity.
fn signature(field: &Field<'_>, out: &mut String) {
    let start = out.len();
    charset::push_lossy(field.name, out);
    out.push(':');
    let named = out.len();
    let ends = memchr::memchr_iter(b';', field.value).chain([field.value.len()]);
    let mut start_of_tag = 0;
    for end in ends {
        let tag = field.value.get(start_of_tag..end).unwrap_or_default().trim_ascii();
        start_of_tag = end + 1;
        if tag.len() < 300 && (tag.starts_with(b"d=") || tag.starts_with(b"s=") || tag.starts_with(b"i=")) {
            out.push(' ');
            charset::push_lossy(tag, out);
        }
    }
    if out.len() == named { out.truncate(start) } else { out.push('\n') }
}
