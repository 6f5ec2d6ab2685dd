//! A row into the columns of a block: what is asked of a row, and nothing else.

use std::net::IpAddr;

use super::block::{BlockBuilder, Column};
use super::numbers::{self, Before};
use super::pack::Put as _;
use super::words::WordTable;
use super::write::ItemRow;
use crate::facts::{Hop, ItemFacts, Role, one_line};
use crate::types::{Anomaly, ByteRange};

/// Flags of a row in the list.
pub(super) mod list {
    pub(in crate::catalog) const DATE: u8 = 1;
    pub(in crate::catalog) const WHOLE_SECONDS: u8 = 2;
    pub(in crate::catalog) const ZONE: u8 = 4;
    pub(in crate::catalog) const PART: u8 = 8;
    pub(in crate::catalog) const SENDER: u8 = 16;
    pub(in crate::catalog) const SUBJECT: u8 = 32;
    pub(in crate::catalog) const NOTES: u8 = 64;
    pub(in crate::catalog) const ATTACHMENTS: u8 = 128;
}

/// Flags of [`Column::More`].
pub(super) mod more {
    pub(in crate::catalog) const ZONE_KNOWN: u8 = 1;
    pub(in crate::catalog) const DATE_RAW: u8 = 2;
    pub(in crate::catalog) const IN_MESSAGE: u8 = 4;
    pub(in crate::catalog) const HOPS_TOTAL: u8 = 8;
    pub(in crate::catalog) const STATE: u8 = 16;
    pub(in crate::catalog) const NOT_INDEXED: u8 = 32;
    pub(in crate::catalog) const SERVER: u8 = 64;
}

/// Set in the number of a role whose first person stands in the list.
pub(super) const IN_LIST: u8 = 0x80;

/// Flags of the time of a hop.
pub(super) mod time {
    pub(in crate::catalog) const SET: u8 = 1;
    pub(in crate::catalog) const ZONE_KNOWN: u8 = 2;
    pub(in crate::catalog) const ZONE: u8 = 4;
    pub(in crate::catalog) const WHOLE_SECONDS: u8 = 8;
}

/// Adds a row.
pub(super) fn add(block: &mut BlockBuilder, before: &mut Before, row: &ItemRow<'_>) {
    let facts = row.facts;
    numbers::put(block, before, row);
    if let Some(id) = &facts.message_id {
        let bytes = facts.message_id_bytes.as_deref().unwrap_or(id.text.as_bytes());
        block.column(Column::MessageId).extend_from_slice(bytes);
    }
    people(block, facts);
    hops(block, row);
    attachments(block, facts);
    let mut has_notes = !row.notes.is_empty();
    for note in row.notes {
        add_note(block, note, true);
    }
    // What the splitter told of the item already is not counted twice.
    for note in facts.anomalies.iter().filter(|a| !row.notes.iter().any(|n| n.kind == a.kind)) {
        has_notes = true;
        add_note(block, note, false);
    }
    more(block, row);
    block.end_row(row.key, |out| listed(out, row, has_notes));
}

/// The first person of From, which a table of items shows.
fn sender(facts: &ItemFacts) -> Option<&crate::facts::Mailbox> {
    facts.addresses.iter().find(|fact| fact.role == Role::From).map(|fact| &fact.mailbox)
}

fn people(block: &mut BlockBuilder, facts: &ItemFacts) {
    let (columns, words) = block.parts();
    let Some(out) = columns.get_mut(Column::People as usize) else { return };
    let mut is_listed = false;
    for group in facts.addresses.chunk_by(|a, b| a.role == b.role) {
        let Some(first) = group.first() else { continue };
        let skip = usize::from(first.role == Role::From && !is_listed);
        is_listed |= skip == 1;
        out.push(first.role as u8 | if skip == 1 { IN_LIST } else { 0 });
        out.num(group.len() as u64);
        for fact in group.iter().skip(skip) {
            out.num(words.id(fact.mailbox.name.as_bytes()));
            out.num(words.id(fact.mailbox.address.as_bytes()));
        }
    }
}

fn attachments(block: &mut BlockBuilder, facts: &ItemFacts) {
    for attachment in &facts.attachments {
        let words = [&attachment.content_type, &attachment.disposition, &attachment.encoding];
        let words = words.map(|text| block.words.id(text.as_bytes()));
        let out = block.column(Column::Attachments);
        out.bytes(attachment.part.as_bytes());
        out.bytes(attachment.name.as_bytes());
        for word in words {
            out.num(word);
        }
        out.num(attachment.size);
        out.range(attachment.at, 0);
        block.column(Column::Digests).extend_from_slice(attachment.sha256.as_bytes());
    }
}

fn add_note(block: &mut BlockBuilder, note: &Anomaly, of_source: bool) {
    let (columns, words) = block.parts();
    if let Some(out) = columns.get_mut(Column::Notes as usize) {
        put_note(out, words, note, of_source);
    }
}

fn put_note(out: &mut Vec<u8>, words: &mut WordTable, note: &Anomaly, of_source: bool) {
    // Two flags below the number: seen by the reader of the source, has a detail.
    let word = words.id(note.kind.code().as_bytes());
    out.num(word << 2 | u64::from(of_source) << 1 | u64::from(note.detail.is_some()));
    out.opt_range(note.at, 0);
    if let Some(detail) = &note.detail {
        out.bytes(detail.as_bytes());
    }
}

fn more(block: &mut BlockBuilder, row: &ItemRow<'_>) {
    let facts = row.facts;
    // The field as it stands is kept only where it says more than what was read from it.
    let raw = facts.date_raw.as_ref().filter(|_| facts.date.is_none());
    let in_message = facts.child.as_ref().and_then(|child| child.in_message);
    let states: Vec<u64> =
        row.state.iter().chain(&facts.state).map(|word| block.words.id(word.as_bytes())).collect();
    let missing: Vec<u64> =
        facts.not_indexed.iter().map(|missing| block.words.id(missing.reason.as_bytes())).collect();
    let out = block.column(Column::More);
    let set = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    out.push(
        set(facts.date.is_some_and(|date| date.zone_known), more::ZONE_KNOWN)
            | set(raw.is_some(), more::DATE_RAW)
            | set(in_message.is_some(), more::IN_MESSAGE)
            | set(facts.hops_total > facts.hops.len() as u64, more::HOPS_TOTAL)
            | set(!states.is_empty(), more::STATE)
            | set(!missing.is_empty(), more::NOT_INDEXED)
            | set(row.server.is_some(), more::SERVER),
    );
    out.num(facts.hops.len() as u64);
    if let Some(raw) = raw {
        out.bytes(raw.text.as_bytes());
    }
    if let Some(at) = in_message {
        out.range(at, 0);
    }
    if facts.hops_total > facts.hops.len() as u64 {
        out.num(facts.hops_total);
    }
    if !states.is_empty() {
        out.num(states.len() as u64);
        for word in states {
            out.num(word);
        }
    }
    if !missing.is_empty() {
        out.num(missing.len() as u64);
        for (missing, reason) in facts.not_indexed.iter().zip(missing) {
            out.num(reason);
            out.bytes(missing.part.as_bytes());
        }
    }
    if let Some(server) = row.server {
        server.write(out);
    }
}

/// What a table of items shows.
fn listed(out: &mut Vec<u8>, row: &ItemRow<'_>, has_notes: bool) {
    let facts = row.facts;
    let set = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let date = facts.date;
    let whole = date.is_some_and(|date| date.utc.0 % 1000 == 0);
    let part = facts.child.as_ref().map(|child| child.part.as_bytes());
    let (sender, subject) = (sender(facts), facts.subject.as_ref());
    out.push(
        set(date.is_some(), list::DATE)
            | set(whole, list::WHOLE_SECONDS)
            | set(date.is_some_and(|date| date.offset_secs_east.is_some()), list::ZONE)
            | set(part.is_some(), list::PART)
            | set(sender.is_some(), list::SENDER)
            | set(subject.is_some(), list::SUBJECT)
            | set(has_notes, list::NOTES)
            | set(!facts.attachments.is_empty(), list::ATTACHMENTS),
    );
    out.num(u64::from(row.container));
    out.num(u64::from(row.number));
    out.num(facts.size);
    if let Some(date) = date {
        out.signed(if whole { date.utc.0 / 1000 } else { date.utc.0 });
        if let Some(zone) = date.offset_secs_east {
            out.signed(i64::from(zone));
        }
    }
    if let Some(part) = part {
        out.bytes(part);
    }
    if let Some(sender) = sender {
        out.bytes(sender.name.as_bytes());
        out.bytes(sender.address.as_bytes());
    }
    if let Some(subject) = subject {
        out.extend_from_slice(subject.text.as_bytes());
    }
}

/// The hops of a row: their texts are words of the block, but for the id, which is new every time.
fn hops(block: &mut BlockBuilder, row: &ItemRow<'_>) {
    let mut base = (0, row.facts.date.map_or(0, |date| date.utc.0));
    let mut key = Vec::new();
    for hop in &row.facts.hops {
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(row.message)).unwrap_or_default();
        key.clear();
        let codes = [
            hop.family,
            hop.protocol,
            hop.grade.code(),
            hop.class.code(),
            hop.peer_scope.code(),
            hop.tls.code(),
            hop.tls_version,
            hop.rdns_state.code(),
        ];
        for (n, code) in codes.iter().enumerate() {
            key.extend_from_slice(if n > 0 { b"\n" } else { b"" });
            key.extend_from_slice(code.as_bytes());
        }
        let (columns, words) = block.parts();
        let codes = words.id(&key);
        let (peer, own) = (ip_bytes(hop.peer_ip), ip_bytes(hop.by_ip));
        // Where a writer folded is no part of what the words say; their place in the message is kept beside them.
        let [via, with, software, user] =
            [hop.via, hop.with, hop.software, hop.user].map(|at| one_line(text(at)));
        let texts: [&[u8]; 13] = [
            text(hop.by),
            text(hop.helo),
            text(hop.rdns),
            peer.get(..ip_len(hop.peer_ip)).unwrap_or_default(),
            own.get(..ip_len(hop.by_ip)).unwrap_or_default(),
            text(hop.from),
            &via,
            &with,
            &software,
            text(hop.for_),
            text(hop.envelope_from),
            &user,
            text(hop.id),
        ];
        let Some(out) = columns.get_mut(Column::Hops as usize) else { return };
        out.range(hop.at, base.0);
        out.num(codes);
        // Which of them there are; most families write the same ones every time.
        let mask = texts.iter().enumerate().map(|(n, text)| u64::from(!text.is_empty()) << n).sum();
        out.num(mask);
        for text in texts.iter().take(12).filter(|text| !text.is_empty()) {
            out.num(words.id(text));
        }
        if !text(hop.id).is_empty() {
            out.num(text(hop.id).len() as u64);
        }
        base = (hop.at.end(), put_time(out, hop, base.1));
        if let Some(ids) = columns.get_mut(Column::HopIds as usize) {
            ids.extend_from_slice(text(hop.id));
        }
    }
}

/// Port and time of a hop, counted from the time before; answers the time.
fn put_time(out: &mut Vec<u8>, hop: &Hop, before: i64) -> i64 {
    out.num(hop.peer_port.map_or(0, |port| u64::from(port) + 1));
    let Some(date) = hop.date else {
        out.push(0);
        return before;
    };
    let whole = date.utc.0 % 1000 == 0 && before % 1000 == 0;
    let set = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    out.push(
        time::SET
            | set(date.zone_known, time::ZONE_KNOWN)
            | set(date.offset_secs_east.is_some(), time::ZONE)
            | set(whole, time::WHOLE_SECONDS),
    );
    let step = date.utc.0.wrapping_sub(before);
    out.signed(if whole { step / 1000 } else { step });
    if let Some(offset) = date.offset_secs_east {
        out.signed(i64::from(offset));
    }
    date.utc.0
}

fn ip_bytes(ip: Option<IpAddr>) -> [u8; 16] {
    let mut bytes = [0; 16];
    match ip {
        Some(IpAddr::V4(four)) => bytes.iter_mut().zip(four.octets()).for_each(|(to, from)| *to = from),
        Some(IpAddr::V6(six)) => bytes = six.octets(),
        None => {}
    }
    bytes
}

fn ip_len(ip: Option<IpAddr>) -> usize {
    match ip {
        Some(IpAddr::V4(_)) => 4,
        Some(IpAddr::V6(_)) => 16,
        None => 0,
    }
}

/// Anomalies of a container: its own row holds them, with codes written out.
pub(super) fn pack_notes(notes: &[Anomaly]) -> Vec<u8> {
    let mut out = Vec::new();
    for note in notes {
        out.bytes(note.kind.code().as_bytes());
        out.push(u8::from(note.detail.is_some()));
        out.opt_range(note.at, 0);
        if let Some(detail) = &note.detail {
            out.bytes(detail.as_bytes());
        }
    }
    out
}
