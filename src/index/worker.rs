//! One worker's part of the index: takes items, hands back finished segments.

#![expect(clippy::cast_possible_truncation, reason = "texts are far shorter than 2^32 bytes")]

use std::hash::{BuildHasher as _, RandomState};

use tantivy::index::{Index, SegmentMeta};

use super::IndexError;
use super::gather::{Doc, Gather};
use super::schema::{self, HopHost, Words, kind};
use super::terms::TOGETHER;
use super::words::{self, Folder, LONGEST, PADDING};
use crate::facts::{Hop, ItemFacts, ItemText, Zone, one_line};
use crate::parse::unseen;
use crate::types::{Anomaly, ByteRange, ItemKey, Sha256Digest};

/// One item or child for the index.
#[derive(Clone, Copy, Debug)]
pub struct Indexed<'a> {
    /// Its key.
    pub key: ItemKey,
    /// Digest of the slice as found; for a child, of its bytes.
    pub sha256: &'a Sha256Digest,
    /// Digest of the wire form.
    pub wire: &'a Sha256Digest,
    /// What was read.
    pub facts: &'a ItemFacts,
    /// The bytes that the ranges of the facts count in.
    pub message: &'a [u8],
    /// Its text.
    pub text: &'a ItemText,
    /// What the reader of the source noted.
    pub notes: &'a [Anomaly],
    /// Mailbox state that the container tells, such as the flags of a Maildir name.
    pub state: &'a [&'a str],
    /// What was concluded about its way.
    pub way: Way<'a>,
}

/// What was concluded about the way of a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way<'a> {
    /// Ids of the rules that found something.
    pub findings: &'a [&'static str],
    /// For each hop, newest first, the word for who stands behind it.
    pub trust: &'a [&'static str],
    /// What the recipient's servers recorded of authentication: method and result.
    pub recorded: &'a [(&'static str, &'static str)],
    /// For each DKIM signature whether its hash fits the body: `ok` or `bad`.
    pub bodies: &'a [&'static str],
}

/// A segment that is written but not part of the index yet: see `IndexWriter::add`.
#[derive(Debug)]
pub struct Finished {
    pub(super) meta: SegmentMeta,
    /// Number of items and children in it.
    pub items: u32,
}

/// Gathers items in memory and writes them as segments. One for each thread.
#[derive(Debug)]
pub struct IndexWorker {
    /// Where segments go; `None` when only digests are taken.
    index: Option<Index>,
    pub(super) gather: Gather,
    budget: usize,
    folder: Folder,
    lower: Vec<u8>,
    folded: Vec<u8>,
    term: Vec<u8>,
}

/// Most bytes of memory with which a text is still taken: places are 32-bit numbers, and one item may be any size.
const MOST_MEMORY: usize = 2 << 30;

/// Most documents in a segment: their numbers take three bytes in the table of hashes.
const MOST_DOCS: u32 = 1 << 23;

impl IndexWorker {
    pub(super) fn new(index: Option<Index>, budget: usize) -> Self {
        let seed = RandomState::new().hash_one(0u8);
        let gather = Gather::new(seed);
        Self {
            index,
            gather,
            budget,
            folder: Folder::default(),
            lower: Vec::new(),
            folded: Vec::new(),
            term: Vec::new(),
        }
    }

    /// Takes an item. Call [`Self::is_full`] after it.
    pub fn add(&mut self, item: &Indexed<'_>) {
        let date = item.facts.date.as_ref().map(|d| d.utc.0);
        self.gather.begin(Doc { key: item.key.as_u64(), date, size: item.facts.size, start: 0, hop: 0 });
        self.texts(item);
        self.people(item.facts);
        self.tags(item);
        for (at, hop) in item.facts.hops.iter().enumerate() {
            self.hop(hop, item.message, item.way.trust.get(at).copied().unwrap_or_default());
        }
    }

    /// Whether it is time for [`Self::flush`].
    pub fn is_full(&self) -> bool {
        self.gather.memory() >= self.budget || self.gather.docs().max(self.gather.hops()) >= MOST_DOCS
    }

    /// Number of items held in memory.
    pub fn pending(&self) -> u32 {
        self.gather.docs()
    }

    /// Writes what was gathered as a segment; `None` when there is nothing.
    ///
    /// # Errors
    /// [`IndexError::Write`] when the segment's files cannot be written.
    pub fn flush(&mut self) -> Result<Option<Finished>, IndexError> {
        let items = self.gather.docs();
        let Some(index) = self.index.as_ref().filter(|_| items > 0) else { return Ok(None) };
        let segment = index.new_segment();
        self.gather.write(&segment).map_err(IndexError::Write)?;
        Ok(Some(Finished { meta: segment.with_max_doc(items).meta().clone(), items }))
    }

    fn texts(&mut self, item: &Indexed<'_>) {
        if let Some(subject) = &item.facts.subject {
            self.gather.gap();
            self.text(Words::Subject, &subject.text);
            self.parted(Words::Subject, &subject.text);
        }
        let ItemText { text, stretches, .. } = item.text;
        if !stretches.is_empty() {
            self.lower.clear();
            self.lower.extend_from_slice(text.as_bytes());
            self.lower.make_ascii_lowercase();
            self.lower.extend_from_slice(&[0; PADDING]);
            let ascii = text.is_ascii();
            for field in [Words::Body, Words::Header, Words::Subject, Words::Name] {
                for (_, range) in stretches.iter().filter(|(zone, _)| field_of(*zone) == field) {
                    self.gather.gap();
                    self.cut(field as u8, range.start, range.end.min(text.len()), ascii);
                }
            }
            for (zone, range) in stretches.iter().filter(|_| !ascii) {
                self.parted(field_of(*zone), text.get(range.clone()).unwrap_or_default());
            }
        }
        for attachment in item.facts.attachments.iter().filter(|a| !a.name.is_empty()) {
            self.gather.gap();
            self.text(Words::Name, &attachment.name);
            self.parted(Words::Name, &attachment.name);
        }
    }

    /// The parts of words that a blank without width or a control of direction cuts, beside the whole words.
    fn parted(&mut self, field: Words, text: &str) {
        if let Some(parts) = unseen::parted(text) {
            self.gather.gap();
            self.text(field, &parts);
        }
    }

    fn text(&mut self, field: Words, text: &str) {
        self.lower.clear();
        self.lower.extend_from_slice(text.as_bytes());
        self.lower.make_ascii_lowercase();
        self.lower.extend_from_slice(&[0; PADDING]);
        self.cut(field as u8, 0, text.len(), text.is_ascii());
    }

    /// Cuts a stretch of `self.lower` into words.
    fn cut(&mut self, field: u8, from: usize, to: usize, ascii: bool) {
        let Self { gather, folder, lower, folded, term, .. } = self;
        if gather.memory() > MOST_MEMORY {
            return;
        }
        let mut held = Held::default();
        if ascii {
            words::runs(lower, from, to, |start, end| {
                let len = end - start;
                if len <= LONGEST {
                    if held.push(start, len) {
                        held.give(field, lower, gather);
                    }
                } else {
                    held.give(field, lower, gather);
                    long_word(gather, field, lower.get(start..end).unwrap_or_default(), term);
                }
            });
            held.give(field, lower, gather);
            return;
        }
        // Words that are folded lie in a buffer of their own, and so do their neighbours.
        folded.clear();
        words::runs(lower, from, to, |start, end| {
            let mut one = |word: &[u8]| {
                if word.len() > LONGEST {
                    held.give(field, folded, gather);
                    folded.clear();
                    long_word(gather, field, word, term);
                    return;
                }
                let start = folded.len();
                folded.extend_from_slice(word);
                folded.extend_from_slice(&[0; PADDING]);
                if held.push(start, word.len()) {
                    held.give(field, folded, gather);
                    folded.clear();
                }
            };
            let run = lower.get(start..end).unwrap_or_default();
            if run.is_ascii() {
                one(run);
            } else if let Ok(run) = std::str::from_utf8(run) {
                folder.words(run, |buffer, len, _| one(buffer.get(..len).unwrap_or_default()));
            }
        });
        held.give(field, folded, gather);
    }

    /// Words of names and addresses, each behind its role, and every address as a term of its own.
    fn people(&mut self, facts: &ItemFacts) {
        if facts.addresses.is_empty() {
            return;
        }
        let Self { gather, folder, lower, term, .. } = self;
        for fact in &facts.addresses {
            let role = schema::role_byte(fact.role);
            let parted = unseen::parted(&fact.mailbox.name);
            for text in [&fact.mailbox.name, &fact.mailbox.address].into_iter().chain(&parted) {
                gather.gap();
                lower.clear();
                lower.extend_from_slice(text.as_bytes());
                lower.make_ascii_lowercase();
                lower.extend_from_slice(&[0; PADDING]);
                words::runs(lower, 0, text.len(), |start, end| {
                    let run = lower.get(start..end).unwrap_or_default();
                    let mut one = |word: &[u8]| {
                        term.clear();
                        term.push(role);
                        if word.len() < LONGEST {
                            term.extend_from_slice(word);
                        } else {
                            let mut short = Vec::new();
                            words::shorten(word, &mut short);
                            term.extend_from_slice(&short);
                        }
                        let len = term.len();
                        term.extend_from_slice(&[0; PADDING]);
                        gather.word(Words::People as u8, term, 0, len);
                    };
                    if run.is_ascii() {
                        one(run);
                    } else if let Ok(run) = std::str::from_utf8(run) {
                        folder.words(run, |buffer, len, _| one(buffer.get(..len).unwrap_or_default()));
                    }
                });
            }
            if !fact.mailbox.address.is_empty() {
                schema::address_term(term, fact.role, &fact.mailbox.address);
                gather.fact(term);
            }
        }
    }

    fn tags(&mut self, item: &Indexed<'_>) {
        let Self { gather, term, .. } = self;
        let facts = item.facts;
        let mut word = |kind: u8, text: &str| {
            schema::text_term(term, kind, text.as_bytes());
            gather.fact(term);
        };
        word(kind::KIND, if facts.child.is_some() { "child" } else { "message" });
        for anomaly in item.notes.iter().chain(&facts.anomalies) {
            word(kind::ANOMALY, anomaly.kind.code());
        }
        for rule in item.way.findings {
            word(kind::FINDING, rule);
        }
        for (method, result) in item.way.recorded {
            word(kind::RECORDED, &format!("{method}={result}"));
        }
        for body in item.way.bodies {
            word(kind::BODY_HASH, body);
        }
        for state in item.state.iter().chain(&facts.state) {
            word(kind::STATE, state);
        }
        for label in &facts.labels {
            word(kind::LABEL, label);
        }
        for missing in &facts.not_indexed {
            word(kind::NOT_INDEXED, missing.reason);
        }
        let has = [
            ("attachment", !facts.attachments.is_empty()),
            ("date", facts.date.is_some()),
            ("subject", facts.subject.is_some()),
            ("hop", !facts.hops.is_empty()),
            ("anomaly", !facts.anomalies.is_empty() || !item.notes.is_empty()),
        ];
        for (name, _) in has.iter().filter(|(_, yes)| *yes) {
            word(kind::HAS, name);
        }
        for attachment in &facts.attachments {
            word(kind::TYPE, &attachment.content_type);
        }
        let mut digest = |kind: u8, bytes: &[u8]| gather.hash(kind, schema::hash_of(bytes));
        digest(kind::SHA256, item.sha256.as_bytes());
        if item.wire != item.sha256 {
            digest(kind::WIRE, item.wire.as_bytes());
        }
        for attachment in &facts.attachments {
            digest(kind::ATTACHMENT, attachment.sha256.as_bytes());
        }
        if let Some(mih) = facts.mih.as_deref().and_then(eight_of_hex) {
            digest(kind::MIH, &mih);
        }
        if let Some(id) = &facts.message_id {
            gather.hash(kind::MESSAGE_ID, schema::message_id_hash(&id.text));
        }
        for id in &facts.references {
            gather.hash(kind::REFERENCE, schema::message_id_hash(id));
        }
    }

    fn hop(&mut self, hop: &Hop, message: &[u8], trust: &str) {
        let Self { gather, term, .. } = self;
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(message)).filter(|t| !t.is_empty());
        gather.begin_hop(schema::hop_time(hop.date.as_ref().map(|date| (date.utc.0, date.zone_known))));
        for (place, range) in [
            (HopHost::By, hop.by),
            (HopHost::From, hop.from),
            (HopHost::Helo, hop.helo),
            (HopHost::Rdns, hop.rdns),
        ] {
            if let Some(host) = text(range) {
                schema::host_term(term, place, host);
                gather.hop_fact(term);
            }
        }
        if let Some(id) = text(hop.id) {
            gather.hash(kind::HOP_ID, schema::hop_id_hash(id));
        }
        for (kind, range) in [
            (kind::WITH, hop.with),
            (kind::FOR, hop.for_),
            (kind::ENVELOPE_FROM, hop.envelope_from),
            (kind::USER, hop.user),
            (kind::SOFTWARE, hop.software),
        ] {
            if let Some(value) = text(range) {
                schema::text_term(term, kind, &one_line(value));
                gather.hop_fact(term);
            }
        }
        for (kind, ip) in [(kind::PEER_IP, hop.peer_ip), (kind::BY_IP, hop.by_ip)] {
            if let Some(ip) = ip {
                schema::ip_term(term, kind, ip);
                gather.hop_fact(term);
            }
        }
        for (kind, value) in [
            (kind::FAMILY, hop.family),
            (kind::TLS, hop.tls.code()),
            (kind::CLASS, hop.class.code()),
            (kind::TRUST, trust),
        ] {
            if !value.is_empty() {
                schema::text_term(term, kind, value.as_bytes());
                gather.hop_fact(term);
            }
        }
    }
}

/// The field that words of a zone are in.
fn field_of(zone: Zone) -> Words {
    match zone {
        Zone::Body | Zone::Hidden => Words::Body,
        Zone::Header => Words::Header,
        Zone::Subject => Words::Subject,
        Zone::Name => Words::Name,
    }
}

/// Words that are looked up together, as start and length in a buffer.
#[derive(Default)]
struct Held {
    runs: [(u32, u32); TOGETHER],
    count: usize,
}

impl Held {
    /// Takes a word; true when no further one fits.
    #[inline]
    fn push(&mut self, start: usize, len: usize) -> bool {
        if let Some(run) = self.runs.get_mut(self.count) {
            *run = (start as u32, len as u32);
            self.count += 1;
        }
        self.count >= TOGETHER
    }

    fn give(&mut self, field: u8, buffer: &[u8], gather: &mut Gather) {
        gather.words(field, buffer, self.runs.get(..self.count).unwrap_or_default());
        self.count = 0;
    }
}

#[cold]
fn long_word(gather: &mut Gather, field: u8, word: &[u8], term: &mut Vec<u8>) {
    words::shorten(word, term);
    let len = term.len();
    term.extend_from_slice(&[0; PADDING]);
    gather.word(field, term, 0, len);
}

/// The first eight bytes of a hex text.
pub(super) fn eight_of_hex(text: &str) -> Option<[u8; 8]> {
    u64::from_str_radix(text.get(..16)?, 16).ok().map(u64::to_be_bytes)
}
