//! The MIME part tree with exact byte ranges: one linear pass, iterative, capped (RFC 2045, RFC 2046).

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::bytes::{byte, from, line_end, part};
use super::header::{self, Header};
use super::known::Known;
use super::value::{Context, Structured, structured};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

mod in_file;

/// Deepest nesting of parts; Thunderbird and rspamd have the same.
pub const MAX_DEPTH: u32 = 64;
/// Most parts of one message.
pub const MAX_PARTS: usize = 20_000;
/// Most boundaries that are declared and never seen before no more are believed.
pub const MAX_UNSEEN: u32 = 100;

/// What a part is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// It holds content.
    #[default]
    Leaf,
    /// It holds parts, and the walk found them.
    Multipart,
    /// It holds a message (`message/rfc822` and its kin).
    Message,
}

/// Transfer encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// 7bit, 8bit, binary, none stated, or one that we do not know: the bytes as they stand.
    #[default]
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
    /// x-uuencode: a uuencoded file is looked for in the bytes.
    Uuencode,
}

/// One part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Index of the part it lies in; `None` for the message itself.
    pub parent: Option<usize>,
    /// Place among the parts of its parent, from 1.
    pub number: u32,
    /// Nesting, 0 for the message itself.
    pub depth: u32,
    /// The header block of the part; for the message itself that of the message.
    pub header: Range<usize>,
    /// The encoded bytes: without the line end that belongs to the boundary behind it.
    pub body: Range<usize>,
    /// What it is.
    pub form: Form,
    /// `type/subtype` in lower case as stated; empty when not stated or not readable.
    pub content_type: String,
    /// The default when no type is stated: `text/plain`, or `message/rfc822` in a digest.
    pub in_digest: bool,
    /// Parameters of Content-Type.
    pub parameters: Structured,
    /// Content-Disposition with its parameters.
    pub disposition: Structured,
    /// Transfer encoding as stated, in lower case.
    pub encoding_stated: String,
    /// Transfer encoding.
    pub encoding: Encoding,
    /// For a multipart: text before the first boundary line.
    pub preamble: Range<usize>,
    /// For a multipart: text behind the closing boundary line.
    pub epilogue: Range<usize>,
    /// Content-ID, Content-Description and Content-Location fields of the part, as places of their values.
    pub described: Vec<(Known, Range<usize>)>,
    /// Fields of a part (never of the message itself) that are none of MIME: what they are, places of name and value.
    pub fields: Vec<(Known, Range<usize>, Range<usize>)>,
    /// Whether it is a file of another type that holds a message.
    pub in_file: bool,
    /// Lines of the part's header that are no fields.
    pub junk: Vec<Range<usize>>,
}

impl Part {
    /// The type that the part is read as: the stated one, or the default of RFC 2045 section 5.2.
    pub fn effective_type(&self) -> &str {
        match (self.content_type.as_str(), self.in_digest) {
            ("", true) => "message/rfc822",
            ("", false) => "text/plain",
            (stated, _) => stated,
        }
    }
}

/// The path of a part as IMAP numbers it (RFC 3501 section 6.4.5), such as `2.1`; `1` for a message that is no
/// multipart, empty for one that is.
pub fn path(parts: &[Part], index: usize) -> String {
    let mut numbers = Vec::new();
    let mut at = index;
    while let Some(p) = parts.get(at)
        && let Some(parent) = p.parent
    {
        numbers.push(p.number.to_string());
        at = parent;
    }
    if numbers.is_empty() && parts.first().is_some_and(|p| p.form != Form::Multipart) {
        return "1".to_owned();
    }
    numbers.reverse();
    numbers.join(".")
}

/// The end of a line and the start of what may be a boundary line.
static HYPHENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n--"));

struct Open {
    part: usize,
    boundary: Vec<u8>,
    seen: bool,
    count: u32,
}

struct Walk<'a> {
    most: usize,
    message: &'a [u8],
    stop: usize,
    parts: Vec<Part>,
    open: Vec<Open>,
    unseen: u32,
    told: Vec<AnomalyKind>,
    base_depth: u32,
    anomalies: Vec<Anomaly>,
}

/// The parts of a message, the message itself first, then in the order they begin.
///
/// # Anomalies
/// Those of the table from `multipart-boundary-missing` to `boundary-limit`.
pub fn walk(message: &[u8], header: &Header<'_>) -> Parsed<Vec<Part>> {
    walk_below(message, header, 0, MAX_PARTS)
}

/// As [`walk`], for a message that lies `depth` levels deep in another, of which `most` parts are read, or
/// [`MAX_PARTS`].
pub fn walk_below(message: &[u8], header: &Header<'_>, depth: u32, most: usize) -> Parsed<Vec<Part>> {
    let mut walk = Walk {
        most: most.min(MAX_PARTS),
        message,
        stop: message.len(),
        parts: Vec::new(),
        open: Vec::new(),
        unseen: 0,
        told: Vec::new(),
        base_depth: depth,
        anomalies: Vec::new(),
    };
    let root = Part { body: header.body_start..message.len(), ..Part::default() };
    walk.begin(root, header);
    if !walk.open.is_empty() {
        walk.run(header.body_start);
    }
    for part in &mut walk.parts {
        if in_file::holds_message(message, part, depth) {
            part.form = Form::Message;
            part.in_file = true;
        }
    }
    Parsed { value: walk.parts, anomalies: walk.anomalies }
}

impl<'a> Walk<'a> {
    /// Enters a part whose header has been read; its body begins at `part.body.start`.
    fn begin(&mut self, mut part: Part, header: &Header<'_>) {
        part.header = header.start..header.end;
        part.junk.clone_from(&header.junk);
        let mut typed = false;
        let mut encoded = false;
        let mut disposed = false;
        for f in &header.fields {
            let place = || {
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                at(f.value_at.start())..at(f.value_at.end())
            };
            match f.known {
                Known::ContentType if !typed => {
                    typed = true;
                    part.parameters = structured(f.value);
                    let kind = &part.parameters.value;
                    let valid = kind.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
                    if valid {
                        part.content_type.clone_from(kind);
                    } else {
                        self.tell(AnomalyKind::ContentTypeInvalid, f.value_at);
                    }
                }
                Known::ContentTransferEncoding if !encoded => {
                    encoded = true;
                    let value = structured(f.value).value;
                    part.encoding = match value.as_str() {
                        "base64" => Encoding::Base64,
                        "quoted-printable" => Encoding::QuotedPrintable,
                        "x-uuencode" | "uuencode" | "x-uue" | "uue" => Encoding::Uuencode,
                        "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" | "none" => Encoding::Identity,
                        _ => {
                            self.tell(AnomalyKind::TransferEncodingUnknown, f.value_at);
                            Encoding::Identity
                        }
                    };
                    part.encoding_stated = value;
                }
                Known::ContentDisposition if !disposed => {
                    disposed = true;
                    part.disposition = structured(f.value);
                }
                // A second field may hold another name.
                Known::ContentDisposition => part.disposition.add_names(structured(f.value)),
                Known::ContentType => part.parameters.add_names(structured(f.value)),
                Known::ContentId | Known::ContentDescription | Known::ContentLocation => {
                    part.described.push((f.known, place()));
                }
                known if part.parent.is_some() && is_outer(known, f.name) => {
                    let start = usize::try_from(f.at.start()).unwrap_or(usize::MAX);
                    part.fields.push((known, start..start.saturating_add(f.name.len()), place()));
                }
                _ => {}
            }
        }
        let index = self.parts.len();
        let depth = part.depth.saturating_add(self.base_depth);
        let body_at = ByteRange::of_usize(part.body.start, part.body.start);
        let kind = part.effective_type();
        let mut encoded_whole = false;
        if part.encoding != Encoding::Identity
            && (kind.starts_with("multipart/") || kind.starts_with("message/"))
        {
            encoded_whole = true;
        }
        if kind.starts_with("multipart/") {
            let boundary = part.parameters.token("boundary").filter(|b| !b.is_empty());
            match boundary {
                None => self.tell(AnomalyKind::MultipartBoundaryMissing, body_at),
                Some(_) if depth >= MAX_DEPTH => self.tell(AnomalyKind::DepthLimit, body_at),
                Some(_) if self.unseen >= MAX_UNSEEN => self.tell(AnomalyKind::BoundaryLimit, body_at),
                Some(boundary) => {
                    part.form = Form::Multipart;
                    part.preamble = part.body.clone();
                    // Trailing blanks are not part of a boundary (RFC 2046 section 5.1.1).
                    let boundary = boundary.trim_ascii_end().to_vec();
                    self.open.push(Open { part: index, boundary, seen: false, count: 0 });
                }
            }
        } else if matches!(kind, "message/rfc822" | "message/global" | "message/news") {
            if depth >= MAX_DEPTH {
                self.tell(AnomalyKind::DepthLimit, body_at);
            } else {
                part.form = Form::Message;
            }
        }
        self.parts.push(part);
        if encoded_whole {
            self.tell(AnomalyKind::MultipartEncoded, body_at);
        }
    }

    /// Reports a kind once per message, at its first place.
    fn tell(&mut self, kind: AnomalyKind, at: ByteRange) {
        if !self.told.contains(&kind) {
            self.told.push(kind);
            self.anomalies.push(Anomaly::at(kind, at));
        }
    }

    /// Which open multipart the line at `at` is a boundary line of, whether it closes it, and where the line ends.
    fn boundary(&self, at: usize) -> Option<(usize, bool, usize)> {
        let rest = part(self.message, at.saturating_add(2)..self.stop);
        let mut end = None;
        for (n, open) in self.open.iter().enumerate().rev() {
            let Some(after) = rest.strip_prefix(open.boundary.as_slice()) else { continue };
            let next = *end.get_or_insert_with(|| line_end(part(self.message, 0..self.stop), at));
            let tail_len = next.saturating_sub(at).saturating_sub(2).saturating_sub(open.boundary.len());
            let tail = part(after, 0..tail_len);
            let blank = |b: &[u8]| b.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
            if blank(tail) {
                return Some((n, false, next));
            }
            if let Some(tail) = tail.strip_prefix(b"--")
                && blank(tail)
            {
                return Some((n, true, next));
            }
        }
        None
    }

    /// Where the content before a boundary line at `at` ends: the line end before it belongs to the boundary.
    fn content_end(&self, start: usize, at: usize) -> usize {
        let mut end = at;
        if end > start && byte(self.message, end.saturating_sub(1)) == b'\n' {
            end = end.saturating_sub(1);
            if end > start && byte(self.message, end.saturating_sub(1)) == b'\r' {
                end = end.saturating_sub(1);
            }
        }
        end.max(start)
    }

    fn run(&mut self, start: usize) {
        let mut at = start;
        // The stretch of content that the next boundary line ends: it began here ..
        let mut content = start;
        // .. and is the last part's body, or some multipart's epilogue.
        let mut epilogue_of: Option<usize> = None;
        let mut over = false;
        loop {
            // The next line that starts with two hyphens.
            let line = if at == content && from(self.message, at).starts_with(b"--") {
                at
            } else {
                match HYPHENS.find(part(self.message, at..self.stop)) {
                    Some(n) => at.saturating_add(n).saturating_add(1),
                    None => break,
                }
            };
            let hit = if line < self.stop { self.boundary(line) } else { None };
            let Some((level, closes, next)) = hit else {
                // The LF of the line found is behind us; the next search starts on the line's own bytes.
                at = line.saturating_add(1);
                continue;
            };
            let end = self.content_end(content, line);
            self.end_content(content, end, epilogue_of.take());
            self.close_above(level, end);
            let Some(open) = self.open.get_mut(level) else { break };
            open.seen = true;
            let owner = open.part;
            open.count = open.count.saturating_add(1);
            let number = open.count;
            if closes {
                self.open.truncate(level);
                if let Some(p) = self.parts.get_mut(owner) {
                    p.epilogue = next..next;
                }
                epilogue_of = Some(owner);
                content = next;
                at = next;
                if self.open.is_empty() {
                    break;
                }
                continue;
            }
            if self.parts.len() >= self.most {
                self.tell(AnomalyKind::PartLimit, ByteRange::of_usize(line, line));
                content = next;
                over = true;
                break;
            }
            let depth = self.parts.get(owner).map_or(0, |p| p.depth).saturating_add(1);
            let in_digest = self.parts.get(owner).is_some_and(|p| p.content_type == "multipart/digest");
            let header = {
                let mut anomalies = Vec::new();
                let header = self.part_header(next, &mut anomalies);
                for a in anomalies {
                    if let Some(at) = a.at {
                        self.tell(a.kind, at);
                    }
                }
                header
            };
            let body = header.body_start..self.stop;
            content = body.start;
            at = content;
            let new = Part { parent: Some(owner), number, depth, body, in_digest, ..Part::default() };
            self.begin(new, &header);
        }
        let stop = self.stop;
        if over {
            // The rest is one more leaf, read as text.
            let parent = self.open.last().map(|o| o.part);
            let number = self.open.last().map_or(1, |o| o.count);
            self.parts.push(Part {
                parent,
                number,
                body: content..stop,
                header: content..content,
                ..Part::default()
            });
        } else {
            self.end_content(content, stop, epilogue_of);
        }
        self.close_above(0, stop);
        if let Some(open) = self.open.pop() {
            self.finish(&open, stop);
        }
    }

    /// The header block of a part; a boundary line inside it ends it.
    fn part_header(&self, start: usize, anomalies: &mut Vec<Anomaly>) -> Header<'a> {
        let mut ends = |at: usize| self.boundary(at).is_some();
        let header = header::block(self.message, start, self.stop, &mut ends, anomalies);
        // A part without fields is usual, and so is one cut short.
        anomalies.retain(|a| a.kind != AnomalyKind::HeaderEndMissing);
        header
    }

    /// Gives the bytes since the last boundary line to what they belong to.
    fn end_content(&mut self, start: usize, end: usize, epilogue_of: Option<usize>) {
        if let Some(owner) = epilogue_of {
            if let Some(p) = self.parts.get_mut(owner) {
                p.epilogue = start..end;
                p.body.end = end;
            }
            return;
        }
        let Some(last) = self.parts.last_mut() else { return };
        if last.form == Form::Multipart {
            last.preamble = start..end;
        } else {
            last.body.end = end.max(last.body.start);
        }
    }

    /// Ends the multiparts above a level, at a boundary of that level or at the end.
    fn close_above(&mut self, level: usize, end: usize) {
        while self.open.len() > level.saturating_add(1) {
            if let Some(open) = self.open.pop() {
                self.finish(&open, end);
            }
        }
    }

    /// Ends a multipart that was not closed by a boundary line of its own.
    fn finish(&mut self, open: &Open, end: usize) {
        let Some(p) = self.parts.get_mut(open.part) else { return };
        p.body.end = end.max(p.body.start);
        let at = ByteRange::of_usize(p.body.end, p.body.end);
        if open.seen {
            self.tell(AnomalyKind::MultipartUnterminated, at);
        } else {
            p.form = Form::Leaf;
            p.preamble = p.body.start..p.body.start;
            self.unseen = self.unseen.saturating_add(1);
            self.tell(AnomalyKind::MultipartWithoutParts, at);
        }
    }
}

/// Whether a field of a part's header has no meaning there by MIME (RFC 2045 section 9).
fn is_outer(known: Known, name: &[u8]) -> bool {
    known != Known::MimeVersion && !super::bytes::starts_with_fold(name, b"content-")
}

/// The charset that a part states; empty when it states none.
pub fn charset(part: &Part) -> Vec<u8> {
    let mut label = part.parameters.token("charset").unwrap_or_default();
    // `utf-8//IGNORE`, `utf-8; format=flowed` in one pair of quotes: the name is what stands first.
    let end = label.iter().position(|b| matches!(b, b';' | b' ' | b',' | b'/' | b'"' | b'\''));
    label.truncate(end.unwrap_or(label.len()));
    label
}

/// The claimed file name of a part, decoded, and whether two forms of it differ: `filename` of the disposition first,
/// then `name` of the type.
pub fn name(part: &Part, context: Context<'_>) -> (String, bool) {
    let filename = part.disposition.text("filename", context);
    let name = part.parameters.text("name", context);
    match (filename, name) {
        (Some((a, odd)), Some((b, odd2))) => {
            let differ = odd || odd2 || !b.is_empty() && !a.is_empty() && a != b;
            (if a.is_empty() { b } else { a }, differ)
        }
        (Some((a, odd)), None) | (None, Some((a, odd))) => (a, odd),
        (None, None) => (String::new(), false),
    }
}

/// All names that a part claims beside the one that [`name`] gives.
pub(crate) fn other_names(part: &Part, shown: &str, context: Context<'_>) -> Vec<String> {
    let mut all = part.disposition.texts("filename", context);
    all.extend(part.disposition.texts("name", context));
    all.extend(part.parameters.texts("name", context));
    all.extend(part.parameters.texts("filename", context));
    let mut seen: Vec<String> = Vec::new();
    all.retain(|name| {
        let new = !name.is_empty() && name != shown && !seen.contains(name);
        if new {
            seen.push(name.clone());
        }
        new
    });
    all
}
