//! What belongs to one item in any number, packed into one column each.

use std::net::IpAddr;

use rusqlite::{Connection, Error, ToSql};

use super::intern::Interned;
use super::pack::Put as _;
use super::write::ItemRow;
use crate::facts::{Hop, ItemFacts};
use crate::types::{Anomaly, ByteRange};

pub(super) fn pack_people(
    db: &Connection,
    persons: &mut Interned,
    out: &mut Vec<u8>,
    key: &mut Vec<u8>,
    facts: &ItemFacts,
) -> Result<(), Error> {
    let mut base = 0;
    // Addresses of one field share its range.
    for group in facts.addresses.chunk_by(|a, b| (a.role, a.at) == (b.role, b.at)) {
        let Some(first) = group.first() else { continue };
        out.push(first.role as u8);
        out.range(first.at, base);
        base = first.at.end();
        out.num(group.len() as u64);
        for fact in group {
            let mailbox = &fact.mailbox;
            key.clear();
            key.bytes(mailbox.name.as_bytes());
            key.extend_from_slice(mailbox.address.as_bytes());
            let id = persons.id(db, key, |insert| insert([&mailbox.name, &mailbox.address]))?;
            out.num(id.cast_unsigned());
        }
    }
    Ok(())
}

pub(super) fn pack_attachments(
    db: &Connection,
    words: &mut Interned,
    out: &mut Vec<u8>,
    facts: &ItemFacts,
) -> Result<(), Error> {
    for attachment in &facts.attachments {
        out.bytes(attachment.part.as_bytes());
        out.bytes(attachment.name.as_bytes());
        for text in [&attachment.content_type, &attachment.disposition, &attachment.encoding] {
            let id = word(db, words, text.as_bytes())?;
            out.num(id);
        }
        out.num(attachment.size);
        out.extend_from_slice(attachment.sha256.as_bytes());
        out.range(attachment.at, 0);
    }
    Ok(())
}

/// The number of a word; 0 for none.
fn word(db: &Connection, words: &mut Interned, text: &[u8]) -> Result<u64, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    words.id(db, text, |insert| with_text(text, |value| insert([value]))).map(i64::cast_unsigned)
}

/// Text where the bytes are UTF-8, so that a person can read the table; else the bytes.
fn with_text<T>(bytes: &[u8], work: impl FnOnce(&dyn ToSql) -> T) -> T {
    match std::str::from_utf8(bytes) {
        Ok(text) => work(&text),
        Err(_) => work(&bytes),
    }
}

pub(super) fn pack_note(
    db: &Connection,
    words: &mut Interned,
    out: &mut Vec<u8>,
    note: &Anomaly,
    of_source: bool,
) -> Result<(), Error> {
    let id = word(db, words, note.kind.code().as_bytes())?;
    // Two flags below the number: seen by the reader of the source, has a detail.
    out.num(id << 2 | u64::from(of_source) << 1 | u64::from(note.detail.is_some()));
    out.opt_range(note.at, 0);
    if let Some(detail) = &note.detail {
        out.bytes(detail.as_bytes());
    }
    Ok(())
}

pub(super) fn pack_more(
    db: &Connection,
    words: &mut Interned,
    out: &mut Vec<u8>,
    row: &ItemRow<'_>,
) -> Result<(), Error> {
    let facts = row.facts;
    out.opt_range(facts.date.map(|d| d.at), 0);
    out.push(u8::from(facts.date.is_some_and(|d| d.zone_known)));
    out.opt_range(facts.subject.as_ref().map(|s| s.at), 0);
    out.opt_range(facts.message_id.as_ref().map(|s| s.at), 0);
    // The field as it stands is kept only where it says more than what was read from it.
    let raw = facts.date_raw.as_ref().filter(|_| facts.date.is_none());
    out.opt_range(raw.map(|s| s.at), 0);
    out.bytes(raw.map_or(&[], |s| s.text.as_bytes()));
    out.opt_range(facts.child.as_ref().and_then(|c| c.in_message), 0);
    out.num(facts.hops_total);
    out.num((row.state.len() + facts.state.len()) as u64);
    for state in row.state.iter().chain(&facts.state) {
        let id = word(db, words, state.as_bytes())?;
        out.num(id);
    }
    out.num(facts.not_indexed.len() as u64);
    for missing in &facts.not_indexed {
        let id = word(db, words, missing.reason.as_bytes())?;
        out.num(id);
        out.bytes(missing.part.as_bytes());
    }
    if let Some(server) = row.server {
        server.write(out);
    }
    Ok(())
}

/// The tables that hops are packed with.
pub(super) struct HopTables<'a> {
    pub(super) db: &'a Connection,
    pub(super) words: &'a mut Interned,
    pub(super) shapes: &'a mut Interned,
    pub(super) relays: &'a mut Interned,
    pub(super) key: &'a mut Vec<u8>,
}

/// The ranges of a hop, in the order in which a shape holds them.
fn ranges(hop: &Hop) -> [Option<ByteRange>; 15] {
    let date = hop.date.map(|d| d.at);
    [
        hop.from,
        hop.helo,
        hop.rdns,
        hop.peer_ip_at,
        hop.by,
        hop.software,
        hop.via,
        hop.with,
        hop.id,
        hop.for_,
        hop.envelope_from,
        hop.user,
        hop.ident,
        hop.tls_cipher,
        date,
    ]
}

fn ip_bytes(ip: Option<IpAddr>) -> Option<Vec<u8>> {
    ip.map(|ip| match ip {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    })
}

impl HopTables<'_> {
    /// Packs a hop. `base` is where the last field ended and its time; the same of this one is given back.
    pub(super) fn pack(
        &mut self,
        out: &mut Vec<u8>,
        hop: &Hop,
        message: &[u8],
        base: (u64, i64),
    ) -> Result<(u64, i64), Error> {
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(message)).unwrap_or_default();
        let relay = self.relay(hop, message)?;
        out.num(relay.cast_unsigned());
        self.key.clear();
        for range in ranges(hop) {
            self.key.opt_range(range, hop.at.start());
        }
        let shape = self.shapes.id(self.db, self.key, |insert| insert([&&self.key[..]]))?;
        out.num(shape.cast_unsigned());
        out.range(hop.at, base.0);
        // The id is new every time, the rest comes again.
        out.bytes(text(hop.id));
        for range in [hop.for_, hop.envelope_from, hop.user, hop.ident] {
            let id = word(self.db, self.words, text(range))?;
            out.num(id);
        }
        out.num(hop.peer_port.map_or(0, |p| u64::from(p) + 1));
        out.num(hop.local_uid.map_or(0, |u| u64::from(u) + 1));
        let mut time = base.1;
        match hop.date {
            None => out.push(0),
            Some(date) => {
                let whole = date.utc.0 % 1000 == 0 && base.1 % 1000 == 0;
                let flags = 1
                    | u8::from(date.zone_known) << 1
                    | u8::from(date.offset_secs_east.is_some()) << 2
                    | u8::from(whole) << 3;
                out.push(flags);
                let step = date.utc.0.wrapping_sub(base.1);
                out.signed(if whole { step / 1000 } else { step });
                if let Some(offset) = date.offset_secs_east {
                    out.signed(i64::from(offset));
                }
                time = date.utc.0;
            }
        }
        Ok((hop.at.end(), time))
    }

    fn relay(&mut self, hop: &Hop, message: &[u8]) -> Result<i64, Error> {
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(message)).unwrap_or_default();
        let texts =
            [hop.by, hop.helo, hop.rdns, hop.from, hop.via, hop.with, hop.software, hop.tls_cipher].map(text);
        let codes = [
            hop.family,
            hop.protocol,
            hop.grade.code(),
            hop.class.code(),
            hop.rdns_state.code(),
            hop.peer_scope.code(),
            hop.auth.code(),
            hop.tls.code(),
            hop.tls_version,
        ];
        self.key.clear();
        for text in texts.into_iter().chain(codes.iter().map(|c| c.as_bytes())) {
            self.key.bytes(text);
        }
        for ip in [hop.peer_ip, hop.by_ip] {
            match ip {
                None => self.key.bytes(&[]),
                Some(IpAddr::V4(four)) => self.key.bytes(&four.octets()),
                Some(IpAddr::V6(six)) => self.key.bytes(&six.octets()),
            }
        }
        self.key.num(hop.tls_bits.map_or(0, |b| u64::from(b) + 1));
        self.key.push(u8::from(hop.peer_ip_mapped));
        self.relays.id(self.db, self.key, |insert| {
            let (peer, own) = (ip_bytes(hop.peer_ip), ip_bytes(hop.by_ip));
            let value = |n: usize| -> Box<dyn ToSql + '_> {
                let bytes = texts.get(n).copied().unwrap_or_default();
                match std::str::from_utf8(bytes) {
                    Ok("") => Box::new(None::<i64>),
                    Ok(text) => Box::new(text),
                    Err(_) => Box::new(bytes),
                }
            };
            let [by, helo, rdns, from, via, with, software, cipher] = std::array::from_fn(value);
            let [family, protocol, grade, class, rdns_state, scope, auth, tls, tls_version] = codes;
            insert([
                &by,
                &helo,
                &rdns,
                &peer,
                &own,
                &from,
                &via,
                &with,
                &software,
                &cipher,
                &family,
                &protocol,
                &grade,
                &class,
                &rdns_state,
                &scope,
                &auth,
                &tls,
                &tls_version,
                &hop.tls_bits,
                &hop.peer_ip_mapped,
            ])
        })
    }
}
