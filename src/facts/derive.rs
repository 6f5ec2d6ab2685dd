//! From the bytes of a message to its facts and its text, and the same for every message inside it.

use std::borrow::Cow;

use super::parts::{self, MAX_FILES, Reader};
use super::text::Buffers;
use super::{
    ChildPlace, ItemFacts, ItemText, NotIndexed, TextFact, TextRole, hops, ids, people, state, text,
};
use crate::parse::date::date;
use crate::parse::header::{self, Header};
use crate::parse::known::Known;
use crate::parse::mime::{self, Encoding, Form, Part};
use crate::parse::unseen;
use crate::parse::value::{self, Context};
use crate::types::digest::WireStream;
use crate::types::{Anomaly, AnomalyKind, ByteRange, ItemKey, Sha256Digest};

/// Bytes of messages inside messages that are read, as a multiple of the top message; each level of plain nesting
/// costs the message once more.
const MAX_WORK: usize = 16;
/// What may be read beside that, so that small messages are never cut.
const FREE_WORK: usize = 256 << 20;
/// Bytes of messages inside messages that are decoded, as a multiple of the top message: they are held while it is read. RFC 2046
/// section 5.2.1 lets nobody encode them.
const MAX_DECODED: usize = 3;
/// What may be decoded beside that.
const FREE_DECODED: usize = 64 << 20;
/// Parts that are read of a message and all that are inside it, and files that are taken out of their text.
const MAX_PARTS: usize = 3 * mime::MAX_PARTS;

/// Buffers that are used again from item to item; one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    text: ItemText,
    buffers: Buffers,
    spare: Vec<u8>,
}

/// A message that was read.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its bytes; of a child its decoded bytes.
    pub message: &'a [u8],
    /// Its header block.
    pub header: &'a Header<'a>,
    /// Its facts.
    pub facts: ItemFacts,
    /// Its text.
    pub text: &'a ItemText,
}

/// What is called for each message.
pub type Visit<'a> = dyn FnMut(Seen<'_>) + 'a;

/// Elements that the lists of facts hold of a message and all that are inside it: they are held together until they are written, and
/// each takes some hundred bytes where the mail has few.
const MAX_LISTED: usize = 200_000;

/// Limits that hold for a message and all that is inside it.
struct Budget {
    children: u32,
    work: usize,
    decoded: usize,
    parts: usize,
    files: usize,
    lists: Lists,
}

/// Elements that the lists of facts may have yet.
struct Lists {
    addresses: usize,
    hops: usize,
    references: usize,
    anomalies: usize,
}

impl Lists {
    fn of(most: usize) -> Self {
        Self { addresses: most, hops: most, references: most, anomalies: most }
    }

    /// Leaves out what is too much, and tells it.
    fn bound(&mut self, facts: &mut ItemFacts) {
        let is_cut = cut(&mut facts.addresses, &mut self.addresses)
            | cut(&mut facts.hops, &mut self.hops)
            | cut(&mut facts.references, &mut self.references);
        if is_cut {
            facts.anomalies.push(Anomaly::whole(AnomalyKind::HeaderOverLimit));
        }
        if cut(&mut facts.anomalies, &mut self.anomalies) {
            facts.anomalies.push(Anomaly::whole(AnomalyKind::WorkLimit));
        }
    }
}

/// Cuts a list to what is left, and takes it from that.
fn cut<T>(list: &mut Vec<T>, left: &mut usize) -> bool {
    let is_cut = list.len() > *left;
    list.truncate(*left);
    *left = left.saturating_sub(list.len());
    list.shrink_to_fit();
    is_cut
}

/// A message inside a message, ready to be read.
struct Child<'a> {
    bytes: Cow<'a, [u8]>,
    place: ChildPlace,
}

/// Reads a message, un-escaped by the container's rule, and calls `visit` for it and then for every message inside
/// it, in the order their parts stand, each before those inside it. Never fails and never panics.
pub fn derive(message: &[u8], scratch: &mut Scratch, visit: &mut Visit<'_>) {
    let work = message.len().saturating_mul(MAX_WORK).saturating_add(FREE_WORK);
    let decoded = message.len().saturating_mul(MAX_DECODED).saturating_add(FREE_DECODED);
    let lists = Lists::of(MAX_LISTED);
    let (parts, files) = (MAX_PARTS, MAX_PARTS);
    let mut budget = Budget { children: ItemKey::MAX_CHILD, work, decoded, parts, files, lists };
    one(message, None, 0, scratch, &mut budget, visit);
}

/// The facts of a message without the messages inside it.
pub fn first(message: &[u8]) -> ItemFacts {
    let mut first = None;
    derive(message, &mut Scratch::default(), &mut |seen| {
        first.get_or_insert(seen.facts);
    });
    first.unwrap_or_default()
}

/// One message: facts, text, then the messages in it. `depth` counts parts from the top message down, and with the
/// walk's own limit bounds this recursion at [`mime::MAX_DEPTH`].
fn one(
    message: &[u8],
    place: Option<ChildPlace>,
    depth: u32,
    scratch: &mut Scratch,
    budget: &mut Budget,
    visit: &mut Visit<'_>,
) {
    let mut facts = ItemFacts { size: message.len() as u64, ..ItemFacts::default() };
    let mut prefix = String::new();
    let mut absolute = Some(0);
    if let Some(place) = place {
        facts.child_sha256 = Some(digests(message));
        prefix = format!("{}.", place.part);
        absolute = place.in_message.map(ByteRange::start);
        facts.child = Some(place);
    }
    if message.is_empty() {
        facts.anomalies.push(Anomaly::whole(AnomalyKind::EmptyItem));
    }
    let read = header::read(message);
    let header = read.value;
    facts.anomalies.extend(read.anomalies);
    let walked = mime::walk_below(message, &header, depth, budget.parts);
    let parts = walked.value;
    budget.parts = budget.parts.saturating_sub(parts.len());
    let charset = stated_charset(&parts);
    let context = Context { charset: &charset };
    fields(&header, context, &mut facts);
    facts.anomalies.extend(walked.anomalies);

    let Scratch { text, buffers, spare } = scratch;
    text.clear();
    let mut reader = Reader {
        message,
        parts: &parts,
        prefix: &prefix,
        context,
        buffers,
        spare,
        text,
        facts: &mut facts,
        most_files: MAX_FILES.min(budget.files),
    };
    let mut children = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        reader.read(index);
        if part.form == Form::Message {
            child(&mut reader, index, part, absolute, budget, &mut children);
        }
    }
    text::add_header(message, &header, context, reader.buffers, reader.text);
    budget.files = budget.files.saturating_sub(reader.facts.attachments.len());
    lines(message, header.body_start, &mut facts.anomalies);
    thinned(&mut facts.anomalies);
    budget.lists.bound(&mut facts);
    visit(Seen { message, header: &header, facts, text: &scratch.text });
    drop(header);
    for Child { bytes, place, .. } in children {
        let below = depth.saturating_add(1).saturating_add(nesting(&parts, &place, &prefix));
        one(&bytes, Some(place), below, scratch, budget, visit);
    }
}

/// How deep a child's part lies in its own message.
fn nesting(parts: &[Part], place: &ChildPlace, prefix: &str) -> u32 {
    let own = place.part.strip_prefix(prefix).unwrap_or(&place.part);
    let depth = u32::try_from(own.split('.').count()).unwrap_or(mime::MAX_DEPTH);
    if parts.first().is_some_and(|p| p.form == Form::Multipart) { depth } else { 0 }
}

/// Takes a message part as a child, or as an attachment when a limit is reached.
fn child<'a>(
    reader: &mut Reader<'a, '_>,
    index: usize,
    part: &Part,
    absolute: Option<u64>,
    budget: &mut Budget,
    children: &mut Vec<Child<'a>>,
) {
    let at = ByteRange::of_usize(part.body.start, part.body.end);
    let refused = if budget.children == 0 {
        Some(AnomalyKind::ChildLimit)
    } else if part.body.len() > budget.work
        || part.encoding != Encoding::Identity && part.body.len() > budget.decoded
    {
        Some(AnomalyKind::WorkLimit)
    } else {
        None
    };
    if let Some(kind) = refused {
        if !reader.facts.anomalies.iter().any(|a| a.kind == kind) {
            reader.facts.anomalies.push(Anomaly::at(kind, at));
        }
        reader.as_attachment(index);
        return;
    }
    let message = reader.message;
    let (bytes, trailing) = parts::content(message, part, &mut Vec::new(), &mut reader.facts.anomalies);
    if part.in_file {
        reader.file_of_message(index);
    }
    if let Some(rest) = trailing {
        reader.begin(reader.path(index), part, TextRole::Around, "");
        text::push_bytes(rest, super::Zone::Body, reader.buffers, reader.text);
    }
    budget.children -= 1;
    budget.work = budget.work.saturating_sub(bytes.len());
    let identity = part.encoding == Encoding::Identity;
    if !identity {
        budget.decoded = budget.decoded.saturating_sub(bytes.len());
    }
    let in_message = absolute.filter(|_| identity).map(|by| at.shifted(by));
    let place = ChildPlace { part: reader.path(index), in_parent: at, in_message };
    children.push(Child { bytes, place });
}

/// SHA-256 of the bytes and of their wire form.
fn digests(bytes: &[u8]) -> (Sha256Digest, Sha256Digest) {
    let mut wire = WireStream::new();
    wire.update(bytes);
    if wire.is_changed() {
        (Sha256Digest::of(bytes), wire.finish())
    } else {
        let digest = wire.finish();
        (digest, digest)
    }
}

/// The charset that the text of the message states first.
fn stated_charset(parts: &[Part]) -> Vec<u8> {
    let text = |p: &&Part| p.form == Form::Leaf && p.effective_type().starts_with("text/");
    parts.iter().filter(text).map(mime::charset).find(|c| !c.is_empty()).unwrap_or_default()
}

/// The facts of the header block.
fn fields(header: &Header<'_>, context: Context<'_>, facts: &mut ItemFacts) {
    let mut seen: Vec<Known> = Vec::new();
    let mut doubled: Vec<Known> = Vec::new();
    for field in &header.fields {
        let known = field.known;
        let first = !is_single(known) || !seen.contains(&known);
        if is_single(known) {
            if first {
                seen.push(known);
            } else if !doubled.contains(&known) {
                doubled.push(known);
                facts.anomalies.push(Anomaly::at(AnomalyKind::DuplicateField, field.at));
            }
        }
        if let Some(role) = people::role(known) {
            people::add(field, role, context, facts);
            continue;
        }
        match known {
            Known::Subject if first => {
                let mut text = String::new();
                value::text(field.value, field.value_at, context, &mut text, &mut facts.anomalies);
                if unseen::is_in(&text) {
                    facts.anomalies.push(Anomaly::at(AnomalyKind::InvisibleText, field.value_at));
                }
                facts.subject = Some(TextFact { text, at: field.value_at });
            }
            Known::Date if first => {
                let mut text = String::new();
                value::text(field.value, field.value_at, context, &mut text, &mut Vec::new());
                facts.date_raw = Some(TextFact { text, at: field.value_at });
                let read = date(field.value, field.value_at.start());
                facts.date = read.value;
                facts.anomalies.extend(read.anomalies);
            }
            Known::MessageId if first => ids::message_id(field, facts),
            Known::References | Known::InReplyTo => ids::references(field, facts),
            Known::Status | Known::XStatus | Known::XMozillaStatus => state::add(field, facts),
            Known::XGmailLabels => state::labels(field, context, facts),
            _ => {}
        }
    }
    if facts.anomalies.iter().any(|a| a.kind == AnomalyKind::CharsetUnknown) {
        facts.not_indexed.push(NotIndexed { part: String::new(), reason: "charset-unknown" });
    }
    hops::add(header, facts);
    if !header.fields.is_empty() {
        let missing = [
            (Known::From, AnomalyKind::MissingFrom),
            (Known::Date, AnomalyKind::MissingDate),
            (Known::MessageId, AnomalyKind::MissingMessageId),
        ];
        for (known, kind) in missing {
            if !seen.contains(&known) {
                facts.anomalies.push(Anomaly::whole(kind));
            }
        }
    }
}

/// Fields that may stand once (RFC 5322 section 3.6, RFC 2045 section 3).
fn is_single(known: Known) -> bool {
    matches!(
        known,
        Known::Date
            | Known::From
            | Known::Sender
            | Known::ReplyTo
            | Known::To
            | Known::Cc
            | Known::Bcc
            | Known::MessageId
            | Known::InReplyTo
            | Known::References
            | Known::Subject
            | Known::ContentType
            | Known::ContentTransferEncoding
            | Known::MimeVersion
    )
}

/// Most anomalies of one kind that are kept of one message.
const MAX_OF_A_KIND: usize = 100;

/// Leaves out anomalies of a kind that stands too often; the last one kept says how many.
fn thinned(anomalies: &mut Vec<Anomaly>) {
    if anomalies.len() <= MAX_OF_A_KIND {
        return;
    }
    let mut counts = std::collections::BTreeMap::<AnomalyKind, usize>::new();
    for a in anomalies.iter() {
        *counts.entry(a.kind).or_default() += 1;
    }
    let mut seen = std::collections::BTreeMap::<AnomalyKind, usize>::new();
    anomalies.retain_mut(|a| {
        let n = seen.entry(a.kind).or_default();
        *n += 1;
        let all = counts.get(&a.kind).copied().unwrap_or_default();
        if *n == MAX_OF_A_KIND && all > MAX_OF_A_KIND {
            a.detail = Some(format!("{} more of this kind", all - MAX_OF_A_KIND).into());
        }
        *n <= MAX_OF_A_KIND
    });
}

/// Lines of the body: too long, or ended in two ways.
fn lines(message: &[u8], body_start: usize, anomalies: &mut Vec<Anomaly>) {
    let mut long = None;
    // From line start to line start, as far as the longest line that is allowed reaches.
    let mut at = body_start;
    while at + header::MAX_LINE + 2 < message.len() {
        let window = message.get(at..at + header::MAX_LINE + 2).unwrap_or_default();
        let Some(n) = memchr::memrchr(b'\n', window) else {
            let rest = message.get(at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
            let crlf = rest.get(..end).is_some_and(|l| l.ends_with(b"\r\n"));
            if end > header::MAX_LINE + 1 + usize::from(crlf) {
                long = Some(ByteRange::of_usize(at, at + end));
                break;
            }
            at += end;
            continue;
        };
        at += n + 1;
    }
    if let Some(at) = long
        && !anomalies.iter().any(|a| a.kind == AnomalyKind::LongLine)
    {
        anomalies.push(Anomaly::at(AnomalyKind::LongLine, at));
    }
    // Both ends in one message: a trace of editing, or of software that joined pieces.
    if memchr::memchr(b'\r', message).is_some() {
        let (mut crlf, mut lf) = (None, None);
        for at in memchr::memchr_iter(b'\n', message) {
            let slot = if at > 0 && message.get(at - 1) == Some(&b'\r') { &mut crlf } else { &mut lf };
            slot.get_or_insert(at);
            if crlf.is_some() && lf.is_some() {
                break;
            }
        }
        if let (Some(a), Some(b)) = (crlf, lf) {
            let at = a.max(b);
            anomalies.push(Anomaly::at(AnomalyKind::MixedLineEnds, ByteRange::of_usize(at, at + 1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Zone;

    struct Got {
        facts: ItemFacts,
        text: String,
        hidden: String,
    }

    fn all(message: &[u8]) -> Vec<Got> {
        let mut out = Vec::new();
        let mut scratch = Scratch::default();
        derive(message, &mut scratch, &mut |Seen { facts, text, .. }| {
            let of = |zone: Zone| {
                let pieces = text.stretches.iter().filter(|(z, _)| *z == zone);
                pieces.map(|(_, r)| &text.text[r.clone()]).collect::<Vec<_>>().join("|")
            };
            out.push(Got { text: of(Zone::Body), hidden: of(Zone::Hidden), facts });
        });
        out
    }

    fn codes(got: &Got) -> Vec<&'static str> {
        got.facts.anomalies.iter().map(|a| a.kind.code()).collect()
    }

    const HEAD: &str = "From: a@x.org\nDate: Thu, 20 Nov 2025 08:15:04 +0000\nMessage-ID: <1@x.org>\n";

    fn message(rest: &str) -> Vec<Got> {
        let lf = format!("{HEAD}{rest}");
        let got = all(lf.as_bytes());
        let crlf = all(lf.replace('\n', "\r\n").as_bytes());
        assert_eq!(got.len(), crlf.len());
        for (a, b) in got.iter().zip(&crlf) {
            assert_eq!(codes(a), codes(b));
            assert_eq!(a.text, b.text.replace('\r', ""));
            assert_eq!(a.facts.attachments.len(), b.facts.attachments.len());
        }
        got
    }

    #[test]
    fn a_plain_message_gives_its_fields_and_its_text() {
        let got = message("Subject: =?utf-8?q?H=C3=A9?=\nTo: \"B, C\" <b@y.org>, d@z.org\n\nHello\nworld\n");
        let [one] = got.as_slice() else { panic!("one item") };
        assert_eq!(one.facts.subject.as_ref().unwrap().text, "H\u{e9}");
        assert_eq!(one.facts.in_role(crate::facts::Role::To).count(), 2);
        assert_eq!(one.text, "Hello\nworld\n");
        assert!(one.facts.date.is_some() && one.facts.mih.is_some());
        assert_eq!(codes(one), [""; 0]);
    }

    #[test]
    fn a_truncated_multipart_still_gives_the_attachment() {
        let got = message(
            "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nsee --b in a line\n\
             --b\nContent-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQKAA==\n",
        );
        let one = &got[0];
        assert_eq!(one.text, "see --b in a line");
        let file = &one.facts.attachments[0];
        assert_eq!((file.part.as_str(), file.name.as_str(), file.size), ("2", "x.pdf", 10));
        assert_eq!(file.sha256, Sha256Digest::of(b"%PDF-1.4\n\0"));
        assert_eq!(codes(one), ["multipart-unterminated"]);
    }

    #[test]
    fn a_message_in_a_message_is_an_item_of_its_own() {
        let got = message(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nouter words\n--b\nContent-Type: message/rfc822\n\n\
             Subject: inner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ninner words\n--c\n\
             Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogZGVlcAoKZGVlcCB3b3Jkcwo=\n\
             --c--\n--b--\n",
        );
        let paths: Vec<_> =
            got.iter().map(|g| g.facts.child.as_ref().map_or("", |c| c.part.as_str())).collect();
        assert_eq!(paths, ["", "2", "2.2"]);
        let texts: Vec<_> = got.iter().map(|g| g.text.trim()).collect();
        assert_eq!(texts, ["outer words", "inner words", "deep words"]);
        assert!(got.iter().all(|g| g.facts.attachments.is_empty()));
        assert!(got[1].facts.child.as_ref().unwrap().in_message.is_some());
        assert!(got[2].facts.child.as_ref().unwrap().in_message.is_none());
        assert_eq!(got[2].facts.child_sha256.unwrap().0, Sha256Digest::of(b"Subject: deep\n\ndeep words\n"));
    }

    #[test]
    fn a_chain_of_messages_ends_at_the_depth_limit() {
        let chain = "Content-Type: message/rfc822\n\n".repeat(40_000);
        let got = all(chain.as_bytes());
        assert_eq!(got.len(), 65);
        assert!(codes(got.last().unwrap()).contains(&"depth-limit"));
    }

    #[test]
    fn boundaries_that_never_come_take_linear_time() {
        let opening = |n| format!("--b\nContent-Type: multipart/mixed; boundary=x{n}\n\n");
        let parts: String = (0..20_000).map(opening).collect();
        let bomb = format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}");
        let started = std::time::Instant::now();
        let got = all(bomb.as_bytes());
        assert!(codes(&got[0]).contains(&"boundary-limit"));
        assert!(started.elapsed().as_secs() < 5);
    }

    #[test]
    fn hidden_text_preambles_and_epilogues_are_searchable() {
        let got = message(
            "Content-Type: multipart/alternative; boundary=b\n\nbefore it\n--b\nContent-Type: text/html\n\n\
             <p>seen<b>whole</b></p><p style=\"display:none\">unseen</p>\n--b--\nafter it\n",
        );
        assert_eq!(got[0].text.trim(), "seenwhole");
        for word in ["unseen", "before it", "after it"] {
            assert!(got[0].hidden.contains(word), "{word}");
        }
        assert_eq!(codes(&got[0]), ["preamble-text", "epilogue-text", "hidden-text"]);
    }

    #[test]
    fn of_many_files_in_a_text_as_many_as_parts_are_taken_out_and_their_names_are_shared() {
        let text = "begin 644 a\n#0V%T\n`\nend\n".repeat(MAX_FILES + 10);
        let mail = format!("Content-Type: text/plain; name=\"{}\"\n\n{text}findme\n", "n".repeat(100_000));
        let (mut files, mut codes) = (0, Vec::new());
        let mut scratch = Scratch::default();
        derive(mail.as_bytes(), &mut scratch, &mut |seen| {
            files = seen.facts.attachments.len();
            codes.extend(seen.facts.anomalies.iter().map(|anomaly| anomaly.kind));
        });
        assert_eq!(files, MAX_FILES);
        assert!(codes.contains(&AnomalyKind::PartLimit));
        // What is not taken out is searched as text, and the long name is there once.
        assert!(scratch.text.text.ends_with("end\nfindme\n"));
        let mut long: Vec<_> = scratch.text.parts.iter().filter(|part| part.name.len() > 1000).collect();
        assert!(long.len() > 1000);
        long.dedup_by(|a, b| std::sync::Arc::ptr_eq(&a.name, &b.name));
        assert_eq!(long.len(), 1);
    }

    #[test]
    fn lists_of_a_message_and_all_inside_it_have_one_limit_and_what_is_left_out_is_told() {
        let inner = "Content-Type: message/rfc822\nTo: a@b, c@d\nReferences: <1> <2>\nReceived: by x; y\n\n";
        let lists = Lists { addresses: 3, hops: 9, references: 9, anomalies: 100 };
        let (children, work, parts, files) = (100, 1 << 20, 100, 100);
        let mut budget = Budget { children, work, decoded: 250, parts, files, lists };
        let mut seen = Vec::new();
        let mail = inner.repeat(3);
        one(mail.as_bytes(), None, 0, &mut Scratch::default(), &mut budget, &mut |one| {
            let is_told = one.facts.anomalies.iter().any(|a| a.kind == AnomalyKind::HeaderOverLimit);
            seen.push((one.facts.addresses.len(), one.facts.references.len(), one.facts.hops.len(), is_told));
        });
        assert_eq!(seen[..3], [(2, 2, 1, false), (1, 2, 1, true), (0, 2, 1, true)]);
    }

    #[test]
    fn messages_in_an_encoding_are_decoded_up_to_a_limit_and_kept_as_files_beyond() {
        let inner = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n";
        let lists = Lists::of(100);
        let (children, work, parts, files) = (100, 1 << 20, 100, 100);
        let mut budget = Budget { children, work, decoded: 250, parts, files, lists };
        let mail = format!("{inner}{inner}{inner}{inner}Subject: x\n\n{}", "y".repeat(40));
        let mut seen = Vec::new();
        one(mail.replace('=', "=3D").as_bytes(), None, 0, &mut Scratch::default(), &mut budget, &mut |one| {
            let kinds: Vec<_> = one.facts.anomalies.iter().map(|anomaly| anomaly.kind).collect();
            seen.push((kinds.contains(&AnomalyKind::WorkLimit), one.facts.attachments.len()));
        });
        let (last, before) = seen.split_last().unwrap();
        assert_eq!(*last, (true, 1), "{seen:?}");
        assert!(before.iter().all(|one| *one == (false, 0)) && seen.len() < 5, "{seen:?}");
    }

    #[test]
    fn a_uuencoded_file_in_text_is_an_attachment_and_no_words() {
        let got = message("\nHi\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n");
        let file = &got[0].facts.attachments[0];
        assert_eq!(
            (file.part.as_str(), file.name.as_str(), file.encoding.as_str()),
            ("1#1", "cat.txt", "uuencode")
        );
        assert_eq!(file.sha256, Sha256Digest::of(b"Cat"));
        assert!(!got[0].text.contains("0V%T") && got[0].text.contains("bye"));
    }

    #[test]
    fn every_leaf_whose_content_gives_no_words_is_listed() {
        let part = |kind: &str, data: &str| {
            format!("--b\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{data}\n")
        };
        let parts = [
            part("text/plain", "aGVsbG8="),
            part("image/png", "iVBORw0KGgoAAAAN"),
            part("audio/x-wav; name=a.wav", "UklGRgAAAAA="),
            part("video/mp4", "AAAAGGZ0eXA="),
            part("application/octet-stream", "AAECAw=="),
            part("image/svg+xml", "PHN2Zy8+"),
            part("font/woff", ""),
        ];
        let got = message(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", parts.concat()));
        let listed: Vec<_> = got[0].facts.not_indexed.iter().map(|n| (n.part.as_str(), n.reason)).collect();
        assert_eq!(listed, [("2", "binary"), ("3", "binary"), ("4", "binary"), ("5", "binary")]);
        let got = message("\nHi\nbegin 644 a.gif\n#`````\n`\nend\n");
        assert_eq!(got[0].facts.attachments.len(), 1);
        assert_eq!(got[0].facts.not_indexed.len(), 1);
    }

    #[test]
    fn what_is_encrypted_is_listed_and_not_guessed() {
        let got = message(
            "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\n\
             Version: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\nhQ\n--b--\n",
        );
        assert_eq!(got[0].facts.not_indexed.len(), 1);
        assert_eq!(codes(&got[0]), ["encrypted"]);
    }

    #[test]
    fn a_message_without_a_header_or_a_byte_is_still_an_item() {
        assert_eq!(codes(&all(b"")[0]), ["empty-item"]);
        let got = all(b"just some words\nand more\n");
        assert_eq!(got[0].text, "just some words\nand more\n");
        assert_eq!(codes(&got[0]), ["header-missing"]);
    }
}
