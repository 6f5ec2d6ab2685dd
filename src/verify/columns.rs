//! A row of the catalog in its logical form: column by column, whatever the catalog packs them into.

use std::net::IpAddr;

use crate::catalog::{Catalog, CatalogError, ContainerRow, HopRow, ItemRow, NoteRow, Row};
use crate::facts::{Hop, one_line};
use crate::types::time::UtcMs;
use crate::types::{Anomaly, ByteRange};

/// The columns of one row, one behind the other, each with its name. Every value says its own length, so that equal
/// bytes are equal values.
#[derive(Debug, Default)]
pub(super) struct LogicalRow {
    bytes: Vec<u8>,
    ends: Vec<(&'static str, usize)>,
}

impl LogicalRow {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Names of the columns in which two rows differ, in order.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        if self.bytes == other.bytes && self.ends == other.ends {
            return Vec::new();
        }
        let column = |row: &Self, at: usize| {
            let from = at.checked_sub(1).and_then(|before| row.ends.get(before)).map_or(0, |&(_, end)| end);
            let (name, to) = row.ends.get(at).copied()?;
            Some((name, row.bytes.get(from..to)?.to_vec()))
        };
        let all = 0..self.ends.len().max(other.ends.len());
        let mut out = Vec::new();
        for at in all {
            let (one, two) = (column(self, at), column(other, at));
            if one != two {
                out.extend(one.or(two).map(|(name, _)| name));
            }
        }
        out
    }

    fn end(&mut self, name: &'static str) {
        self.ends.push((name, self.bytes.len()));
    }

    fn num(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn int(&mut self, number: i64) -> &mut Self {
        self.num(number.cast_unsigned())
    }

    fn opt<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            put(self, value);
        }
        self
    }

    fn opt_num(&mut self, number: Option<u64>) -> &mut Self {
        self.opt(number, |row, number| {
            row.num(number);
        })
    }

    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.num(text.len() as u64).bytes.extend_from_slice(text);
        self
    }

    fn opt_text(&mut self, text: Option<&[u8]>) -> &mut Self {
        self.opt(text, |row, text| {
            row.text(text);
        })
    }

    fn range(&mut self, at: ByteRange) -> &mut Self {
        self.num(at.start()).num(at.end())
    }

    fn opt_range(&mut self, at: Option<ByteRange>) -> &mut Self {
        self.opt(at, |row, at| {
            row.range(at);
        })
    }

    fn ip(&mut self, ip: Option<IpAddr>) -> &mut Self {
        match ip {
            None => self.text(&[]),
            Some(IpAddr::V4(four)) => self.text(&four.octets()),
            Some(IpAddr::V6(six)) => self.text(&six.octets()),
        }
    }

    fn note(
        &mut self,
        code: &str,
        at: Option<ByteRange>,
        detail: Option<&str>,
        of_source: bool,
    ) -> &mut Self {
        self.text(code.as_bytes()).opt_range(at).opt_text(detail.map(str::as_bytes)).num(u64::from(of_source))
    }

    fn anomaly(&mut self, note: &Anomaly, of_source: bool) {
        self.note(note.kind.code(), note.at, note.detail.as_deref(), of_source);
    }

    fn note_row(&mut self, note: &NoteRow) {
        self.note(&note.code, note.at, note.detail.as_deref(), note.of_source);
    }

    /// What the bytes of an item give.
    pub(super) fn take_item(&mut self, row: &ItemRow<'_>) {
        let facts = row.facts;
        self.clear();
        self.num(u64::from(row.container)).end("container");
        self.num(u64::from(row.number)).end("number");
        self.opt_text(facts.child.as_ref().map(|child| child.part.as_bytes())).end("part");
        self.num(row.start).num(row.end).end("range");
        self.text(row.sha256.as_bytes()).end("sha256");
        self.text(row.wire.as_bytes()).end("wire_sha256");
        self.text(row.rule.code().as_bytes()).num(row.lines).end("rule");
        self.opt_num(row.uid).end("uid");
        self.opt(row.blob, |out, blob| {
            out.num(u64::from(blob.pack)).num(blob.at).num(blob.len).num(blob.raw).num(blob.offset);
        });
        self.end("blob");
        self.num(facts.size).end("size");
        let date = facts.date.as_ref();
        self.opt(date, |out, date| {
            out.int(date.utc.0).opt_num(date.offset_secs_east.map(|zone| i64::from(zone).cast_unsigned()));
            out.num(u64::from(date.zone_known));
        });
        self.end("date");
        let raw = facts.date_raw.as_ref().filter(|_| date.is_none());
        self.opt(raw, |out, raw| {
            out.text(raw.text.as_bytes());
        });
        self.end("date_unread");
        let mih = facts.mih.as_deref().filter(|mih| mih.len() == 32);
        let mih = mih.and_then(|mih| u128::from_str_radix(mih, 16).ok()).map(u128::to_be_bytes);
        self.opt_text(mih.as_ref().map(|mih| &mih[..])).end("mih");
        let id = facts.message_id.as_ref();
        let bytes = facts.message_id_bytes.as_deref().or_else(|| id.map(|id| id.text.as_bytes()));
        self.opt_text(bytes).end("message_id");
        let subject = facts.subject.as_ref();
        self.opt_text(subject.map(|subject| subject.text.as_bytes())).end("subject");
        for person in &facts.addresses {
            self.text(person.role.word().as_bytes());
            self.text(person.mailbox.name.as_bytes()).text(person.mailbox.address.as_bytes());
        }
        self.end("people");
        for hop in &facts.hops {
            self.take_hop(hop, row.message);
        }
        self.num(facts.hops_total.max(facts.hops.len() as u64)).end("hops");
        for file in &facts.attachments {
            self.text(file.part.as_bytes()).text(file.name.as_bytes()).text(file.content_type.as_bytes());
            self.text(file.disposition.as_bytes()).text(file.encoding.as_bytes());
            self.num(file.size).text(file.sha256.as_bytes()).range(file.at);
        }
        self.end("attachments");
        row.notes.iter().for_each(|note| self.anomaly(note, true));
        // What the splitter told of the item already is not told twice.
        for note in facts.anomalies.iter().filter(|a| !row.notes.iter().any(|n| n.kind == a.kind)) {
            self.anomaly(note, false);
        }
        self.end("anomalies");
        self.opt_range(facts.child.as_ref().and_then(|child| child.in_message)).end("absolute");
        for state in row.state.iter().chain(&facts.state) {
            self.text(state.as_bytes());
        }
        self.end("state");
        for missing in &facts.not_indexed {
            self.text(missing.part.as_bytes()).text(missing.reason.as_bytes());
        }
        self.end("not_indexed");
        self.opt(row.server, |out, server| {
            let mut said = Vec::new();
            server.write(&mut said);
            out.text(&said);
        });
        self.end("server");
    }

    fn take_hop(&mut self, hop: &Hop, message: &[u8]) {
        let text = |range: Option<ByteRange>| range.and_then(|r| r.of(message)).unwrap_or_default();
        self.range(hop.at);
        for range in [hop.by, hop.helo, hop.rdns, hop.from] {
            self.text(text(range));
        }
        for range in [hop.via, hop.with, hop.software] {
            self.text(&one_line(text(range)));
        }
        self.ip(hop.peer_ip).ip(hop.by_ip);
        for code in [
            hop.family,
            hop.protocol,
            hop.grade.code(),
            hop.class.code(),
            hop.peer_scope.code(),
            hop.tls.code(),
            hop.tls_version,
            hop.rdns_state.code(),
        ] {
            self.text(code.as_bytes());
        }
        for range in [hop.id, hop.for_, hop.envelope_from] {
            self.text(text(range));
        }
        self.text(&one_line(text(hop.user)));
        self.opt_num(hop.peer_port.map(u64::from));
        let date = hop.date.as_ref();
        self.instant(
            date.map(|d| d.utc),
            date.and_then(|d| d.offset_secs_east),
            date.is_some_and(|d| d.zone_known),
        );
    }

    fn instant(&mut self, at: Option<UtcMs>, zone: Option<i32>, is_known: bool) {
        self.opt_num(at.map(|at| at.0.cast_unsigned()));
        self.opt_num(zone.map(|zone| i64::from(zone).cast_unsigned())).num(u64::from(is_known));
    }

    fn hop_row(&mut self, hop: &HopRow<'_>) {
        let relay = &hop.relay;
        self.range(hop.at);
        for text in [relay.by, relay.helo, relay.rdns, relay.from, relay.via, relay.with, relay.software] {
            self.text(text.unwrap_or_default());
        }
        self.ip(relay.peer_ip).ip(relay.by_ip);
        for code in [
            relay.family,
            relay.protocol,
            relay.grade,
            relay.class,
            relay.scope,
            relay.tls,
            relay.tls_version,
            relay.rdns_state,
        ] {
            self.text(code.as_bytes());
        }
        for text in [hop.id, hop.for_, hop.envelope_from, hop.user] {
            self.text(text.unwrap_or_default());
        }
        self.opt_num(hop.peer_port.map(u64::from));
        self.instant(hop.date, hop.zone, hop.zone_known);
    }

    /// What the catalog holds of an item.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub(super) fn take_row(&mut self, row: &Row<'_>, catalog: &Catalog) -> Result<(), CatalogError> {
        self.clear();
        let (more, digests) = (row.more(catalog)?, row.digests(catalog)?);
        self.num(u64::from(row.container())).end("container");
        self.num(u64::from(row.number())).end("number");
        self.opt_text(row.part().map(str::as_bytes)).end("part");
        self.num(row.start()).num(row.end()).end("range");
        self.text(digests.sha256.as_bytes()).end("sha256");
        self.text(digests.wire.as_bytes()).end("wire_sha256");
        self.text(row.rule().code().as_bytes()).num(row.lines()).end("rule");
        self.opt_num(row.uid()).end("uid");
        self.opt(row.blob(catalog)?, |out, blob| {
            out.num(u64::from(blob.pack)).num(blob.at).num(blob.len).num(blob.raw).num(blob.offset);
        });
        self.end("blob");
        self.num(row.size()).end("size");
        // Where there is no date, nothing may be said of one.
        self.opt(row.date(), |out, date| {
            out.int(date.0).opt_num(row.zone().map(|zone| i64::from(zone).cast_unsigned()));
            out.num(u64::from(more.zone_known));
        });
        if row.date().is_none() && (row.zone().is_some() || more.zone_known) {
            self.num(1);
        }
        self.end("date");
        self.opt_text(more.date_raw.as_deref().map(str::as_bytes));
        self.end("date_unread");
        let mih = row.mih();
        self.opt_text(mih.as_ref().map(|mih| &mih[..])).end("mih");
        self.opt_text(row.message_id()).end("message_id");
        self.opt_text(row.subject().map(str::as_bytes)).end("subject");
        for person in row.people(catalog)? {
            self.text(person.role.word().as_bytes());
            self.text(person.name.as_bytes()).text(person.address.as_bytes());
        }
        self.end("people");
        for hop in row.hops(catalog)? {
            self.hop_row(&hop);
        }
        self.num(more.hops_total).end("hops");
        for file in row.attachments(catalog)? {
            self.text(file.part.as_bytes()).text(file.name.as_bytes()).text(file.content_type.as_bytes());
            self.text(file.disposition.as_bytes()).text(file.encoding.as_bytes());
            self.num(file.size).text(file.sha256.as_bytes()).range(file.at);
        }
        self.end("attachments");
        for note in row.notes(catalog)? {
            self.note_row(&note);
        }
        self.end("anomalies");
        self.opt_range(more.in_message).end("absolute");
        for state in &more.state {
            self.text(state.as_bytes());
        }
        self.end("state");
        for (part, reason) in &more.not_indexed {
            self.text(part.as_bytes()).text(reason.as_bytes());
        }
        self.end("not_indexed");
        self.opt(more.server.as_ref(), |out, server| {
            let mut said = Vec::new();
            server.write(&mut said);
            out.text(&said);
        });
        self.end("server");
        Ok(())
    }

    /// A container; what stands in it at its end is left out while `is_open`.
    pub(super) fn take_container(&mut self, row: &ContainerRow, is_open: bool) {
        self.clear();
        self.text(row.kind.as_bytes()).end("kind");
        self.text(row.path.as_bytes()).end("path");
        self.num(row.first_item).end("first_item");
        self.opt_num(row.internal.map(|at| at.0.cast_unsigned())).end("internal");
        self.opt_text(row.labels.as_deref().map(str::as_bytes)).end("labels");
        if is_open {
            return;
        }
        self.opt_num(row.items).end("items");
        self.opt_num(row.size).end("size");
        self.opt_text(row.sha256.as_ref().map(|sha256| &sha256.as_bytes()[..])).end("sha256");
        self.opt_text(row.reason.as_deref().map(str::as_bytes)).end("reason");
        self.opt(row.error.as_ref(), |out, (at, said)| {
            out.num(*at).text(said.as_bytes());
        });
        self.end("error");
        row.notes.iter().for_each(|note| self.note_row(note));
        self.end("anomalies");
    }
}
