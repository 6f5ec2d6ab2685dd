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
/// Bytes of messages inside messages that are decoded, as a multiple of the top message: they are held while it is
/// read. RFC 2046 section 5.2.1 lets nobody encode them.
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

/// Elements that the lists of facts hold of a message and all that are inside it: they are held together until they are
/// written, and each takes some hundred bytes where the mail has few.
const MAX_LISTED: usize = 200_000;

/// Limits that hold for a message and all that is inside it.
struct Budget {
    extent: Extent,
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
    derive_to(message, Extent::Inside, scratch, visit);
}

/// How far a message is read. What is told of the same bytes does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Its header block.
    Header,
    /// Its parts too.
    Parts,
    /// The messages inside it too.
    Inside,
}

fn derive_to(message: &[u8], extent: Extent, scratch: &mut Scratch, visit: &mut Visit<'_>) {
    let work = message.len().saturating_mul(MAX_WORK).saturating_add(FREE_WORK);
    let decoded = message.len().saturating_mul(MAX_DECODED).saturating_add(FREE_DECODED);
    let lists = Lists::of(MAX_LISTED);
    let (parts, files) = (MAX_PARTS, MAX_PARTS);
    let children = ItemKey::MAX_CHILD;
    let mut budget = Budget { extent, children, work, decoded, parts, files, lists };
    one(message, None, 0, scratch, &mut budget, visit);
}

/// The facts of a message without the messages inside it.
pub fn first(message: &[u8]) -> ItemFacts {
    let mut first = None;
    derive_to(message, Extent::Parts, &mut Scratch::default(), &mut |seen| first = Some(seen.facts));
    first.unwrap_or_default()
}

/// The facts that stand in the header block of a message: people, dates, ids, hops, and what is odd there.
pub fn of_header(message: &[u8]) -> ItemFacts {
    let mut read = None;
    derive_to(message, Extent::Header, &mut Scratch::default(), &mut |seen| read = Some(seen.facts));
    read.unwrap_or_default()
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
    if budget.extent == Extent::Header {
        thinned(&mut facts.anomalies);
        budget.lists.bound(&mut facts);
        scratch.text.clear();
        visit(Seen { message, header: &header, facts, text: &scratch.text });
        return;
    }
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
    if budget.extent != Extent::Inside {
        return;
    }
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
mod tests;
