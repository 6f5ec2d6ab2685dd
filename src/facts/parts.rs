//! The parts of a message: text to the index, files to attachments, messages to children.

use std::borrow::Cow;
use std::sync::Arc;

use super::file_cursor::FileCursor;
use super::text::{self, Buffers, Source};
use super::{Attachment, ItemFacts, ItemText, NotIndexed, TextPart, TextRole, Zone, flowed};
use crate::parse::mime::{self, Encoding, Form, Part};
use crate::parse::value::Context;
use crate::parse::{decode, unseen, uu};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Sha256Digest};

/// Files are taken out of text as long as the message has fewer attachments; the rest is searched as text. As many as
/// there may be parts: a line of twenty bytes makes a file, and what is known of it takes ten times as much.
pub(crate) const MAX_FILES: usize = mime::MAX_PARTS;

/// The decoded bytes of a part; what was odd goes to `anomalies`, and text behind base64 data to the second answer.
pub(crate) fn content<'a>(
    message: &'a [u8],
    part: &Part,
    spare: &mut Vec<u8>,
    anomalies: &mut Vec<Anomaly>,
) -> (Cow<'a, [u8]>, Option<&'a [u8]>) {
    let raw = message.get(part.body.clone()).unwrap_or_default();
    let start = part.body.start;
    let whole = ByteRange::of_usize(start, part.body.end);
    let byte = |n: usize| ByteRange::of_usize(start + n, start + n + 1);
    let mut out = std::mem::take(spare);
    out.clear();
    match part.encoding {
        Encoding::Identity => {
            *spare = out;
            (Cow::Borrowed(raw), None)
        }
        Encoding::Base64 => {
            let report = decode::base64(raw, &mut out);
            let mut tell = |kind, at| anomalies.push(Anomaly::at(kind, at));
            if let Some(n) = report.invalid_at {
                tell(AnomalyKind::Base64Invalid, byte(n));
            }
            if report.truncated {
                tell(AnomalyKind::Base64Truncated, ByteRange::of_usize(part.body.end, part.body.end));
            }
            if report.trailing {
                tell(AnomalyKind::Base64Trailing, ByteRange::of_usize(start + report.end, part.body.end));
            }
            (Cow::Owned(out), raw.get(report.end..).filter(|_| report.trailing))
        }
        Encoding::QuotedPrintable => {
            if let Some(n) = decode::quoted_printable(raw, &mut out) {
                anomalies.push(Anomaly::at(AnomalyKind::QuotedPrintableInvalid, byte(n)));
            }
            (Cow::Owned(out), None)
        }
        Encoding::Uuencode => {
            *spare = out;
            match uu::find(raw, 0) {
                Some(found) => {
                    if found.damaged {
                        anomalies.push(Anomaly::at(AnomalyKind::UuencodeDamaged, whole));
                    }
                    (Cow::Owned(found.data), None)
                }
                None => (Cow::Borrowed(raw), None),
            }
        }
    }
}

/// What a part is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It is a leaf: its text, or a file.
    Leaf,
    /// It is a message, taken as a file with its words.
    File,
    /// It is a file, and its words are those of the message in it.
    Listed,
}

/// How a leaf is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
    Binary,
}

fn kind(part: &Part) -> Kind {
    match part.effective_type() {
        "text/html"
        | "application/xhtml+xml"
        | "text/enriched"
        | "text/richtext"
        | "text/x-amp-html"
        | "text/watch-html" => Kind::Html,
        t if t.starts_with("text/") || t.starts_with("message/") || t.starts_with("multipart/") => {
            Kind::Plain
        }
        "application/pgp-signature"
        | "application/pgp-keys"
        | "application/mbox"
        | "application/json"
        | "application/xml"
        | "application/javascript"
        | "application/x-sh"
        | "application/sql"
        | "application/ics" => Kind::Plain,
        _ => Kind::Binary,
    }
}

/// Whether a leaf is the text of the message, and no file.
fn is_body(part: &Part, name: &str) -> bool {
    let shown = part.disposition.value != "attachment" && name.is_empty();
    let kind = part.effective_type();
    let text = matches!(
        kind,
        "text/plain"
            | "text/html"
            | "text/enriched"
            | "text/richtext"
            | "text/x-amp-html"
            | "text/watch-html"
    );
    // A multipart in which no parts were found is read as text.
    shown && text || kind.starts_with("multipart/")
}

/// Everything that reading parts needs.
pub(crate) struct Reader<'a, 'b> {
    pub(crate) message: &'a [u8],
    pub(crate) parts: &'a [Part],
    /// Path of this message in the top one with a dot behind it; empty for the top message.
    pub(crate) prefix: &'a str,
    pub(crate) context: Context<'a>,
    pub(crate) buffers: &'b mut Buffers,
    pub(crate) spare: &'b mut Vec<u8>,
    pub(crate) text: &'b mut ItemText,
    pub(crate) facts: &'b mut ItemFacts,
    /// Files are taken out of text as long as there are fewer attachments.
    pub(crate) most_files: usize,
}

impl Reader<'_, '_> {
    /// Path of a part in the top message.
    pub(crate) fn path(&self, index: usize) -> String {
        format!("{}{}", self.prefix, mime::path(self.parts, index))
    }

    /// Reads one part; messages in it are left to the caller.
    pub(crate) fn read(&mut self, index: usize) {
        let parts = self.parts;
        let Some(part) = parts.get(index) else { return };
        if index > 0 {
            self.described(part);
            if !part.fields.is_empty() {
                self.protected(index, part);
            }
        }
        match part.form {
            Form::Multipart => self.around(index, part),
            // Its name is of no file, and searched like one all the same.
            Form::Message
                if !part.in_file && (part.disposition.has_names() || part.parameters.has_names()) =>
            {
                text::push(&mime::name(part, self.context).0, Zone::Name, self.text);
            }
            Form::Message => {}
            Form::Leaf => self.leaf(index, part, Use::Leaf),
        }
    }

    /// Reads a message part as an attachment: the limit of children is reached.
    pub(crate) fn as_attachment(&mut self, index: usize) {
        let parts = self.parts;
        if let Some(part) = parts.get(index) {
            self.leaf(index, part, Use::File);
        }
    }

    /// Lists the file that a message was found in; its words are the message's own.
    pub(crate) fn file_of_message(&mut self, index: usize) {
        let parts = self.parts;
        if let Some(part) = parts.get(index) {
            let at = ByteRange::of_usize(part.body.start, part.body.end);
            self.facts.anomalies.push(Anomaly::at(AnomalyKind::MessageInFile, at));
            self.leaf(index, part, Use::Listed);
        }
    }

    /// What follows in the text is of this part.
    pub(crate) fn begin(&mut self, path: String, part: &Part, role: TextRole, name: &str) {
        let (first, content_type) = (self.text.stretches.len(), part.content_type.as_str().into());
        self.text.parts.push(TextPart { first, path: path.into(), content_type, role, name: name.into() });
    }

    /// Content-Description and its kin, and lines of the part's header that are no fields.
    fn described(&mut self, part: &Part) {
        for (_, range) in &part.described {
            let value = self.message.get(range.clone()).unwrap_or_default();
            let from = self.text.text.len();
            let mut odd = Vec::new();
            let at = ByteRange::of_usize(range.start, range.end);
            crate::parse::value::text(value, at, self.context, &mut self.text.text, &mut odd);
            self.text.close(Zone::Header, from);
        }
        for range in &part.junk {
            let bytes = self.message.get(range.clone()).unwrap_or_default();
            text::push_bytes(bytes, Zone::Header, self.buffers, self.text);
        }
    }

    /// Preamble and epilogue of a multipart, and whether it is encrypted.
    fn around(&mut self, index: usize, part: &Part) {
        let bytes = |range: &std::ops::Range<usize>| self.message.get(range.clone()).unwrap_or_default();
        let (before, after) = (bytes(&part.preamble), bytes(&part.epilogue));
        if !before.trim_ascii().is_empty() || !after.trim_ascii().is_empty() {
            self.begin(self.path(index), part, TextRole::Around, "");
        }
        let place = |r: &std::ops::Range<usize>| ByteRange::of_usize(r.start, r.end);
        if !before.trim_ascii().is_empty() {
            if !is_notice(before) {
                let at = place(&part.preamble);
                self.facts.anomalies.push(Anomaly::at(AnomalyKind::PreambleText, at));
            }
            text::push_bytes(before, Zone::Hidden, self.buffers, self.text);
        }
        if !after.trim_ascii().is_empty() {
            self.facts.anomalies.push(Anomaly::at(AnomalyKind::EpilogueText, place(&part.epilogue)));
            text::push_bytes(after, Zone::Hidden, self.buffers, self.text);
        }
        if part.content_type == "multipart/encrypted" {
            self.encrypted(index, ByteRange::of_usize(part.body.start, part.body.end));
        }
    }

    fn encrypted(&mut self, index: usize, at: ByteRange) {
        let part = self.path(index);
        self.facts.anomalies.push(Anomaly::at(AnomalyKind::Encrypted, at));
        self.facts.not_indexed.push(NotIndexed { part, reason: "encrypted" });
    }

    fn leaf(&mut self, index: usize, part: &Part, used: Use) {
        let path = self.path(index);
        let at = ByteRange::of_usize(part.body.start, part.body.end);
        let (bytes, trailing) = content(self.message, part, self.spare, &mut self.facts.anomalies);
        let (name, differ) = mime::name(part, self.context);
        if part.disposition.by_escapes || part.parameters.by_escapes {
            let at = ByteRange::of_usize(part.header.start, part.header.end);
            self.facts.anomalies.push(Anomaly::at(AnomalyKind::CharsetByEscapes, at));
        }
        if differ {
            let at = ByteRange::of_usize(part.header.start, part.header.end);
            self.facts.anomalies.push(Anomaly::at(AnomalyKind::ParameterConflict, at));
            for other in mime::other_names(part, &name, self.context) {
                text::push(&other, Zone::Name, self.text);
            }
        }
        if unseen::is_in(&name) {
            let at = ByteRange::of_usize(part.header.start, part.header.end);
            self.facts.anomalies.push(Anomaly::at(AnomalyKind::InvisibleText, at));
        }
        match part.effective_type() {
            "message/partial" => self.facts.anomalies.push(Anomaly::at(AnomalyKind::PartialMessage, at)),
            "message/external-body" => {
                self.facts.anomalies.push(Anomaly::at(AnomalyKind::ExternalBody, at));
                // Where the content lies is told in parameters.
                let header = self.message.get(part.header.clone()).unwrap_or_default();
                text::push_bytes(header, Zone::Header, self.buffers, self.text);
            }
            _ => {}
        }
        let mut kind = kind(part);
        let sealed = is_sealed(part, &bytes);
        let inside_sealed = part
            .parent
            .and_then(|p| self.parts.get(p))
            .is_some_and(|p| p.content_type == "multipart/encrypted");
        if sealed && !inside_sealed {
            self.encrypted(index, at);
        }
        let empty_root = index == 0 && part.body.is_empty();
        let is_file = (used != Use::Leaf || !is_body(part, &name)) && !empty_root;
        let role = if is_file { TextRole::File } else { TextRole::Body };
        self.begin(path.clone(), part, role, &name);
        if is_file {
            let attachment = Attachment {
                part: path.clone(),
                name,
                content_type: part.content_type.clone(),
                disposition: part.disposition.value.clone(),
                encoding: part.encoding_stated.clone(),
                size: bytes.len() as u64,
                sha256: Sha256Digest::of(&bytes),
                at,
            };
            if used == Use::Listed {
                kind = Kind::Binary;
            } else if kind == Kind::Binary && !sealed && !inside_sealed && !bytes.is_empty() {
                if is_like_text(&bytes) {
                    kind = Kind::Plain;
                } else {
                    self.not_indexed(&path, &bytes);
                }
            }
            self.facts.attachments.push(attachment);
        }
        if kind != Kind::Binary && !(sealed && kind != Kind::Plain) && !inside_sealed {
            self.words(part, kind, &bytes, &path, at);
        }
        if let Some(rest) = trailing.filter(|_| used != Use::Listed) {
            text::push_bytes(rest, Zone::Body, self.buffers, self.text);
        }
        if let Cow::Owned(bytes) = bytes {
            *self.spare = bytes;
        }
    }

    /// The text of a leaf to the index, files inside it to the attachments.
    fn words(&mut self, part: &Part, kind: Kind, bytes: &[u8], path: &str, at: ByteRange) {
        let charset = mime::charset(part);
        let is = |name: &str, value: &[u8]| {
            part.parameters.token(name).is_some_and(|v| v.eq_ignore_ascii_case(value))
        };
        // DelSp means something in flowed text only (RFC 3676 section 4).
        let del_sp = is("delsp", b"yes") && is("format", b"flowed");
        let folded = flowed::is_folded_type(&part.content_type);
        let html = kind == Kind::Html;
        let unencoded = part.encoding == Encoding::Identity;
        let mut source = Source { bytes, charset: &charset, html, del_sp, folded, unencoded, part: path, at };
        let mut from = 0;
        let mut count = 0;
        // The part itself, which the text behind each file goes on.
        let label = self.text.parts.last().cloned();
        let mut files = FileCursor::default();
        while let Some((found, encoding)) = if html { None } else { files.next(bytes) } {
            if self.facts.attachments.len() >= self.most_files {
                self.facts.anomalies.push(Anomaly::at(AnomalyKind::PartLimit, at));
                break;
            }
            count += 1;
            source.bytes = bytes.get(from..found.at.start).unwrap_or_default();
            text::add(&source, self.buffers, self.text, self.facts);
            from = found.at.end;
            self.embedded(label.as_ref(), part, &found, encoding, format!("{path}#{count}"));
            if let Some(label) = &label {
                let first = self.text.stretches.len();
                self.text.parts.push(TextPart { first, ..label.clone() });
            }
        }
        source.bytes = bytes.get(from..).unwrap_or_default();
        text::add(&source, self.buffers, self.text, self.facts);
    }

    /// A file whose content gives no words.
    fn not_indexed(&mut self, path: &str, bytes: &[u8]) {
        let long = bytes.len() > MAX_SNIFFED && bytes.get(..1 << 16).is_some_and(is_text_head);
        let reason = if long { "over-limit" } else { "binary" };
        self.facts.not_indexed.push(NotIndexed { part: path.to_owned(), reason });
    }

    /// A uuencoded or yEnc file inside text.
    fn embedded(
        &mut self,
        of: Option<&TextPart>,
        part: &Part,
        found: &uu::Embedded,
        encoding: &'static str,
        path: String,
    ) {
        let body = &part.body;
        let at = if part.encoding == Encoding::Identity {
            ByteRange::of_usize(body.start + found.at.start, body.start + found.at.end)
        } else {
            ByteRange::of_usize(body.start, body.end)
        };
        let uuencoded = encoding == "uuencode";
        let told = if uuencoded { AnomalyKind::UuencodeFound } else { AnomalyKind::YencFound };
        self.facts.anomalies.push(Anomaly::at(told, at));
        if found.damaged {
            let told = if uuencoded { AnomalyKind::UuencodeDamaged } else { AnomalyKind::YencDamaged };
            self.facts.anomalies.push(Anomaly::at(told, at));
        }
        let mut name = String::new();
        crate::parse::charset::best(&found.name, &mut name);
        if is_like_text(&found.data) {
            let first = self.text.stretches.len();
            let content_type = of.as_ref().map(|of| Arc::clone(&of.content_type)).unwrap_or_default();
            let (path, role) = (path.as_str().into(), TextRole::File);
            self.text.parts.push(TextPart { first, path, content_type, role, name: name.as_str().into() });
            text::push_bytes(&found.data, Zone::Body, self.buffers, self.text);
        } else if !found.data.is_empty() {
            self.not_indexed(&path, &found.data);
        }
        self.facts.attachments.push(Attachment {
            part: path,
            name,
            content_type: String::new(),
            disposition: String::new(),
            encoding: encoding.to_owned(),
            size: found.data.len() as u64,
            sha256: Sha256Digest::of(&found.data),
            at,
        });
    }
}

/// Whether the words before the first boundary are the usual notice to programs that do not know MIME.
fn is_notice(text: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    text.len() < 600 && (has(b"MIME") || has(b"multi-part") || has(b"multipart") || has(b"Multipart"))
}

/// Whether content is encrypted: S/MIME, PGP, or a ZIP whose first entry is.
fn is_sealed(part: &Part, bytes: &[u8]) -> bool {
    match part.effective_type() {
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
            let kind = part.parameters.token("smime-type").unwrap_or_default().to_ascii_lowercase();
            // The object identifier of signed data (RFC 5652 section 5.1) says more than a missing parameter.
            let signed = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
            let near = bytes.get(..bytes.len().min(64)).unwrap_or_default();
            kind.is_empty() && memchr::memmem::find(near, &signed).is_none()
                || matches!(kind.as_slice(), b"enveloped-data" | b"authenveloped-data")
        }
        "application/pgp-encrypted" => false,
        t => {
            let zip = bytes.starts_with(b"PK\x03\x04") && bytes.get(6).is_some_and(|flags| flags & 1 == 1);
            let armour = b"-----BEGIN PGP MESSAGE-----";
            let near = bytes.get(..bytes.len().min(1 << 16)).unwrap_or_default();
            let pgp = (t.starts_with("text/") || t == "application/octet-stream" || t == "application/pgp")
                && memchr::memmem::find(near, armour).is_some();
            zip || pgp
        }
    }
}

/// Longest content of no stated text type that is looked through for being text.
const MAX_SNIFFED: usize = 4 << 20;

/// Whether the beginning of a long file is that of a text: ASCII without control characters.
fn is_text_head(head: &[u8]) -> bool {
    head.is_ascii() && is_like_text(head)
}

/// Whether bytes of no stated text type are text all the same: UTF-8 without control characters.
pub(crate) fn is_like_text(bytes: &[u8]) -> bool {
    if bytes.len() > MAX_SNIFFED || bytes.starts_with(b"%PDF") || bytes.starts_with(b"%!PS") {
        return false;
    }
    let odd = |b: &u8| *b < 32 && !matches!(b, b'\t' | b'\n' | b'\r' | 12) || *b == 127;
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    !bytes.is_empty() && !head.iter().any(odd) && std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(odd)
}
