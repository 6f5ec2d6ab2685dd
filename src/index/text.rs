//! An item cut into the terms that the index holds of it.

#![expect(clippy::cast_possible_truncation, reason = "texts are far shorter than 2^32 bytes")]

use super::gather::Doc;
use super::schema::{self, HopHost, Words, kind};
use super::terms::TOGETHER;
use super::words::{self, Folder, LONGEST, PADDING};
use super::worker::Indexed;
use crate::facts::{Hop, ItemFacts, ItemText, Zone};
use crate::types::ByteRange;

/// Takes the terms of items, in the order of their text.
///
/// Terms lie in a buffer in which [`PADDING`] bytes follow each.
pub(super) trait Sink {
    /// Begins the next item.
    fn begin(&mut self, doc: Doc);
    /// Begins the next hop of the item.
    fn begin_hop(&mut self, time: i64);
    /// The next word.
    fn word(&mut self, field: u8, buffer: &[u8], at: usize, len: usize);
    /// The next words, at most [`TOGETHER`], as start and length in the buffer.
    fn words(&mut self, field: u8, buffer: &[u8], runs: &[(u32, u32)]);
    /// Keeps phrases from running on.
    fn gap(&mut self);
    /// A term that is no word. The buffer gets its padding here.
    fn fact(&mut self, term: &mut Vec<u8>);
    /// A term of the hop. The buffer gets its padding here.
    fn hop_fact(&mut self, term: &mut Vec<u8>);
    /// A digest that the item is found by, or the hop when the kind is one of hops; `hash` is its first bytes.
    fn hash(&mut self, kind: u8, hash: [u8; schema::WIDE]);
    /// Bytes of memory in use.
    fn memory(&self) -> usize;
}

/// Most bytes of memory with which a text is still taken: places are 32-bit numbers, and one item may be any size.
const MOST_MEMORY: usize = 2 << 30;

/// Cuts items; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    folder: Folder,
    lower: Vec<u8>,
    folded: Vec<u8>,
    term: Vec<u8>,
}

impl Cutter {
    /// Gives all terms of an item to `sink`.
    pub(super) fn add<S: Sink>(&mut self, item: &Indexed<'_>, sink: &mut S) {
        let date = item.facts.date.as_ref().map(|d| d.utc.0);
        sink.begin(Doc { key: item.key.as_u64(), date, size: item.facts.size, start: 0, hop: 0 });
        self.texts(item, sink);
        self.people(item.facts, sink);
        self.tags(item, sink);
        for (at, hop) in item.facts.hops.iter().enumerate() {
            self.hop(hop, item.message, item.way.trust.get(at).copied().unwrap_or_default(), sink);
        }
    }

    fn texts<S: Sink>(&mut self, item: &Indexed<'_>, sink: &mut S) {
        if let Some(subject) = &item.facts.subject {
            sink.gap();
            self.text(Words::Subject, &subject.text, sink);
        }
        let ItemText { text, stretches, .. } = item.text;
        if !stretches.is_empty() {
            self.lower.clear();
            self.lower.extend_from_slice(text.as_bytes());
            self.lower.make_ascii_lowercase();
            self.lower.extend_from_slice(&[0; PADDING]);
            let ascii = text.is_ascii();
            for field in [Words::Body, Words::Header] {
                for (zone, range) in stretches {
                    if (*zone == Zone::Header) != (field == Words::Header) {
                        continue;
                    }
                    sink.gap();
                    self.cut(field as u8, range.start, range.end.min(text.len()), ascii, sink);
                }
            }
        }
        for attachment in item.facts.attachments.iter().filter(|a| !a.name.is_empty()) {
            sink.gap();
            self.text(Words::Name, &attachment.name, sink);
        }
    }

    fn text<S: Sink>(&mut self, field: Words, text: &str, sink: &mut S) {
        self.lower.clear();
        self.lower.extend_from_slice(text.as_bytes());
        self.lower.make_ascii_lowercase();
        self.lower.extend_from_slice(&[0; PADDING]);
        self.cut(field as u8, 0, text.len(), text.is_ascii(), sink);
    }

    /// Cuts a stretch of `self.lower` into words.
    fn cut<S: Sink>(&mut self, field: u8, from: usize, to: usize, ascii: bool, sink: &mut S) {
        let Self { folder, lower, folded, term } = self;
        if sink.memory() > MOST_MEMORY {
            return;
        }
        let mut held = Held::default();
        if ascii {
            words::runs(lower, from, to, |start, end| {
                let len = end - start;
                if len <= LONGEST {
                    if held.push(start, len) {
                        held.give(field, lower, sink);
                    }
                } else {
                    held.give(field, lower, sink);
                    long_word(sink, field, lower.get(start..end).unwrap_or_default(), term);
                }
            });
            held.give(field, lower, sink);
            return;
        }
        // Words that are folded lie in a buffer of their own, and so do their neighbours.
        folded.clear();
        words::runs(lower, from, to, |start, end| {
            let mut one = |word: &[u8]| {
                if word.len() > LONGEST {
                    held.give(field, folded, sink);
                    folded.clear();
                    long_word(sink, field, word, term);
                    return;
                }
                let start = folded.len();
                folded.extend_from_slice(word);
                folded.extend_from_slice(&[0; PADDING]);
                if held.push(start, word.len()) {
                    held.give(field, folded, sink);
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
        held.give(field, folded, sink);
    }

    /// Words of names and addresses, each behind its role, and every address as a term of its own.
    fn people<S: Sink>(&mut self, facts: &ItemFacts, sink: &mut S) {
        if facts.addresses.is_empty() {
            return;
        }
        let Self { folder, lower, term, .. } = self;
        for fact in &facts.addresses {
            let role = schema::role_byte(fact.role);
            for text in [&fact.mailbox.name, &fact.mailbox.address] {
                sink.gap();
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
                        sink.word(Words::People as u8, term, 0, len);
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
                sink.fact(term);
            }
        }
    }

    fn tags<S: Sink>(&mut self, item: &Indexed<'_>, sink: &mut S) {
        let term = &mut self.term;
        let facts = item.facts;
        let mut word = |kind: u8, text: &str| {
            schema::text_term(term, kind, text.as_bytes());
            sink.fact(term);
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
        let mut digest = |kind: u8, bytes: &[u8]| sink.hash(kind, schema::hash_of(bytes));
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
            sink.hash(kind::MESSAGE_ID, schema::message_id_hash(&id.text));
        }
        for id in &facts.references {
            sink.hash(kind::REFERENCE, schema::message_id_hash(id));
        }
    }

    fn hop<S: Sink>(&mut self, hop: &Hop, message: &[u8], trust: &str, sink: &mut S) {
        let term = &mut self.term;
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(message)).filter(|t| !t.is_empty());
        sink.begin_hop(schema::hop_time(hop.date.as_ref().map(|date| (date.utc.0, date.zone_known))));
        for (place, range) in [
            (HopHost::By, hop.by),
            (HopHost::From, hop.from),
            (HopHost::Helo, hop.helo),
            (HopHost::Rdns, hop.rdns),
        ] {
            if let Some(host) = text(range) {
                schema::host_term(term, place, host);
                sink.hop_fact(term);
            }
        }
        if let Some(id) = text(hop.id) {
            sink.hash(kind::HOP_ID, schema::hop_id_hash(id));
        }
        for (kind, range) in [
            (kind::WITH, hop.with),
            (kind::FOR, hop.for_),
            (kind::ENVELOPE_FROM, hop.envelope_from),
            (kind::USER, hop.user),
            (kind::SOFTWARE, hop.software),
        ] {
            if let Some(value) = text(range) {
                schema::text_term(term, kind, value);
                sink.hop_fact(term);
            }
        }
        for (kind, ip) in [(kind::PEER_IP, hop.peer_ip), (kind::BY_IP, hop.by_ip)] {
            if let Some(ip) = ip {
                schema::ip_term(term, kind, ip);
                sink.hop_fact(term);
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
                sink.hop_fact(term);
            }
        }
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

    fn give<S: Sink>(&mut self, field: u8, buffer: &[u8], sink: &mut S) {
        sink.words(field, buffer, self.runs.get(..self.count).unwrap_or_default());
        self.count = 0;
    }
}

#[cold]
fn long_word<S: Sink>(sink: &mut S, field: u8, word: &[u8], term: &mut Vec<u8>) {
    words::shorten(word, term);
    let len = term.len();
    term.extend_from_slice(&[0; PADDING]);
    sink.word(field, term, 0, len);
}

/// The first eight bytes of a hex text.
fn eight_of_hex(text: &str) -> Option<[u8; 8]> {
    u64::from_str_radix(text.get(..16)?, 16).ok().map(u64::to_be_bytes)
}
