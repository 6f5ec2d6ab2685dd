//! An item as one JSON object: the shape of `list`, `search`, `show` and the manifest (docs/output.md).

use std::cell::RefCell;

use crate::case::way::{HopStanding, ItemWay, write_finding};
use crate::catalog::{
    AttachmentRow, Catalog, CatalogError, ContainerRow, HopRow, NoteRow, PersonRow, Row, RowDigests,
};
use crate::facts::Role;
use crate::parse::header::one_line;
use crate::types::digest::hex;
use crate::types::json::{self, Obj};
use crate::types::server::ServerState;
use crate::types::time::{UtcMs, rfc3339};
use crate::types::unescape::Rule;
use crate::types::{ByteRange, ItemId};

/// Everything that is told of one item.
#[derive(Debug)]
pub struct Told<'a> {
    /// Its id.
    pub id: ItemId,
    /// Its digests.
    pub digests: RowDigests,
    /// Its container.
    pub container: ContainerRow,
    /// People in all fields.
    pub people: Vec<PersonRow>,
    /// Hops, newest first; none where they were not asked for.
    pub hops: Vec<HopRow<'a>>,
    /// Attachments.
    pub attachments: Vec<AttachmentRow>,
    /// Anomalies.
    pub notes: Vec<NoteRow>,
    /// The rest.
    pub more: crate::catalog::MoreRow,
    /// Name for people of its folder, when it was acquired from an account.
    pub folder: Option<String>,
}

/// Looks up what rows of a catalog tell; remembers the last container.
#[derive(Debug)]
pub struct Teller<'a> {
    catalog: &'a Catalog,
    last: RefCell<Option<ContainerRow>>,
    with_hops: bool,
}

impl<'a> Teller<'a> {
    /// Over a catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        Self { catalog, last: RefCell::new(None), with_hops: true }
    }

    /// Over a catalog, for items of which the hops are only counted.
    pub fn without_hops(catalog: &'a Catalog) -> Self {
        Self { with_hops: false, ..Self::new(catalog) }
    }

    /// The container of a row.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`] when it is not there, [`CatalogError::Read`].
    pub fn container(&self, row: &Row<'_>) -> Result<ContainerRow, CatalogError> {
        let segment = row.key().segment();
        let mut last = self.last.borrow_mut();
        if let Some(known) = last.as_ref().filter(|c| c.segment == segment && c.number == row.container()) {
            return Ok(known.clone());
        }
        let damaged = CatalogError::Damaged { key: row.key().as_u64() };
        let found = self.catalog.container(segment, row.container())?.ok_or(damaged)?;
        *last = Some(found.clone());
        Ok(found)
    }

    /// Everything of a row.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn tell<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, CatalogError> {
        let container = self.container(row)?;
        let folder = match &*container.kind {
            "imap" | "pop3" => {
                self.catalog.folder_name(container.segment, container.path.folder_of_account())?
            }
            _ => None,
        };
        Ok(Told {
            id: self.catalog.item_id(row),
            folder: folder.as_deref().map(str::to_owned),
            digests: row.digests(self.catalog)?,
            container,
            people: row.people(self.catalog)?,
            hops: if self.with_hops { row.hops(self.catalog)? } else { Vec::new() },
            attachments: row.attachments(self.catalog)?,
            notes: row.notes(self.catalog)?,
            more: row.more(self.catalog)?,
        })
    }
}

/// How an object tells the hops of its item.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum HopsTold {
    /// All that were read, and the number of all when there are more.
    #[default]
    All,
    /// Their number alone.
    Counted,
    /// All that were read, and always the number of all.
    AllAndCounted,
}

/// What an object may hold beside the item itself.
#[derive(Debug, Default, Clone, Copy)]
pub struct Extra<'a> {
    /// Schema of the object.
    pub schema: &'a str,
    /// How it tells the hops.
    pub hops: HopsTold,
    /// The exported file: name, rule, size and digest.
    pub file: Option<(&'a str, &'a str, u64, &'a str)>,
    /// Text around a match, and the part of the message it is from.
    pub snippet: Option<(&'a str, &'a str)>,
    /// Ids of the other items with the same wire form, when they were looked up.
    pub same: Option<&'a [String]>,
    /// What was concluded about its way, where that is told too.
    pub way: Option<&'a ItemWay>,
}

/// Writes an item as a canonical JSON object.
pub fn write(out: &mut Vec<u8>, row: &Row<'_>, told: &Told<'_>, extra: &Extra<'_>) {
    let mut o = Obj::new(out);
    let more = &told.more;
    if let Some(at) = more.in_message {
        o.arr("absolute", [at.start(), at.end()], json::uint);
    }
    o.arr("anomalies", &told.notes, note);
    o.arr("attachments", &told.attachments, attachment);
    if let Some(way) = extra.way {
        o.str("basis", way.basis);
    }
    people(&mut o, "bcc", told, &[Role::Bcc]);
    if let Some(way) = extra.way {
        o.opt_uint("boundary", way.boundary);
    }
    people(&mut o, "cc", told, &[Role::Cc]);
    let container = told.id.container;
    o.str("container", &container.to_string());
    if !told.container.notes.is_empty() {
        o.arr("container_anomalies", &told.container.notes, note);
    }
    date(&mut o, row.date(), row.zone(), row.date().is_some().then_some(more.zone_known));
    if let Some(raw) = &more.date_raw {
        o.str("date_unread", raw);
    }
    o.uint("end", row.end());
    if let Some((name, rule, size, sha256)) = extra.file {
        o.str("file", name).str("file_rule", rule).str("file_sha256", sha256).uint("file_size", size);
    }
    if let Some(way) = extra.way {
        o.arr("findings", &way.findings, write_finding);
    }
    if let Some(folder) = &told.folder {
        o.str("folder", folder);
    }
    people(&mut o, "from", told, &[Role::From]);
    if extra.hops != HopsTold::Counted {
        let standings = extra.way.map_or(&[][..], |way| way.hops.as_slice());
        o.arr("hops", told.hops.iter().enumerate(), |out, (at, one)| hop(out, one, standings.get(at)));
    }
    if extra.hops != HopsTold::All || more.hops_total > told.hops.len() as u64 {
        o.uint("hops_total", more.hops_total);
    }
    if let Some((at, zone)) = more.server.as_ref().and_then(ServerState::internal) {
        o.str("internal_date", &rfc3339(at)).int("internal_date_offset_secs", i64::from(zone));
    }
    o.str("item", &told.id.to_string());
    o.str("kind", if row.part().is_some() { "child" } else { "message" });
    if let Some(server) = more.server.as_ref().filter(|server| !server.gm_labels.is_empty()) {
        o.arr("labels", server.labels(), |out, label| json::string(out, &label));
    }
    match row.message_id() {
        Some(id) => o.text("message_id", id),
        None => o.null("message_id"),
    };
    o.uint("message_size", row.size());
    o.opt_str("mih", row.mih().map(|mih| hex(&mih)).as_deref());
    o.arr("not_indexed", &more.not_indexed, |out, (part, reason)| {
        let mut o = Obj::new(out);
        o.str("part", part).str("reason", reason);
        o.end();
    });
    let other = [Role::ReturnPath, Role::DeliveredTo, Role::ResentFrom, Role::ResentTo];
    o.arr("other_people", told.people.iter().filter(|p| other.contains(&p.role)), |out, person| {
        let mut o = Obj::new(out);
        o.str("address", &person.address).str("field", person.role.word()).str("name", &person.name);
        o.end();
    });
    if let Some(part) = row.part() {
        o.str("parent", &parent(&told.id)).str("part", part);
    }
    o.text("path", told.container.path.as_bytes());
    people(&mut o, "reply_to", told, &[Role::ReplyTo]);
    o.str("rule", row.rule().code());
    if row.rule() != Rule::None {
        o.uint("rule_lines", row.lines());
    }
    if let Some(same) = extra.same {
        o.arr("same_content", same, |out, id| json::string(out, id));
    }
    o.str("schema", extra.schema);
    people(&mut o, "sender", told, &[Role::Sender]);
    if let Some(server) = &more.server {
        let mut said = Vec::new();
        server.write(&mut said);
        o.raw("server", &said);
    }
    o.digest("sha256", &told.digests.sha256).uint("size", row.end() - row.start());
    if let Some((text, part)) = extra.snippet {
        o.str("snippet", text).str("snippet_of", part);
    }
    o.str("source", &container.source.to_string()).uint("start", row.start());
    o.arr("state", &more.state, |out, word| json::string(out, word));
    o.opt_str("subject", row.subject());
    people(&mut o, "to", told, &[Role::To]);
    if let Some(uid) = row.uid() {
        o.uint("uid", uid);
    }
    o.digest("wire_sha256", &told.digests.wire);
    o.end();
}

/// The id of the item of the ledger that a child is in, however deep; its range counts in the next message up.
fn parent(id: &ItemId) -> String {
    ItemId { part: None, ..id.clone() }.to_string()
}

fn date(o: &mut Obj<'_>, at: Option<UtcMs>, zone: Option<i32>, known: Option<bool>) {
    o.opt_str("date", at.map(rfc3339).as_deref());
    o.opt_int("date_offset_secs", zone.map(i64::from));
    if let Some(known) = known {
        o.bool("date_zone_known", known);
    }
}

fn people(o: &mut Obj<'_>, key: &'static str, told: &Told<'_>, roles: &[Role]) {
    o.arr(key, told.people.iter().filter(|p| roles.contains(&p.role)), |out, person| {
        let mut o = Obj::new(out);
        o.str("address", &person.address).str("name", &person.name);
        o.end();
    });
}

fn range(o: &mut Obj<'_>, key: &'static str, at: ByteRange) {
    o.arr(key, [at.start(), at.end()], json::uint);
}

/// An anomaly; `in` tells what its place counts in.
fn note(out: &mut Vec<u8>, note: &NoteRow) {
    let mut o = Obj::new(out);
    if let Some(at) = note.at {
        range(&mut o, "at", at);
    }
    o.str("code", &note.code);
    if let Some(detail) = &note.detail {
        o.str("detail", detail);
    }
    if note.at.is_some() {
        o.str("in", if note.of_source { "container" } else { "message" });
    }
    o.str("severity", note.kind.map_or("info", |kind| kind.severity().code()));
    o.end();
}

fn attachment(out: &mut Vec<u8>, file: &AttachmentRow) {
    let mut o = Obj::new(out);
    range(&mut o, "at", file.at);
    o.str("content_type", &file.content_type).str("disposition", &file.disposition);
    o.str("encoding", &file.encoding).str("name", &file.name).str("part", &file.part);
    o.digest("sha256", &file.sha256).uint("size", file.size);
    o.end();
}

fn hop(out: &mut Vec<u8>, hop: &HopRow<'_>, standing: Option<&HopStanding>) {
    let relay = &hop.relay;
    let mut o = Obj::new(out);
    let text = |o: &mut Obj<'_>, key: &'static str, value: Option<&[u8]>| {
        if let Some(value) = value {
            o.text(key, &one_line(value));
        }
    };
    range(&mut o, "at", hop.at);
    if let Some(standing) = standing {
        o.str("because", standing.because);
    }
    text(&mut o, "by", relay.by);
    if let Some(ip) = relay.by_ip {
        o.str("by_ip", &ip.to_string());
    }
    date(&mut o, hop.date, hop.zone, hop.date.is_some().then_some(hop.zone_known));
    if let Some(standing) = standing.filter(|standing| !standing.disputed_by.is_empty()) {
        o.arr("disputed_by", &standing.disputed_by, |out, rule| json::string(out, rule));
    }
    text(&mut o, "envelope_from", hop.envelope_from);
    o.str("family", relay.family);
    text(&mut o, "for", hop.for_);
    text(&mut o, "from", relay.from);
    o.str("grade", relay.grade);
    text(&mut o, "helo", relay.helo);
    text(&mut o, "id", hop.id);
    if let Some(ip) = relay.peer_ip {
        o.str("ip", &ip.to_string());
    }
    if let Some(port) = hop.peer_port {
        o.uint("port", u64::from(port));
    }
    text(&mut o, "rdns", relay.rdns);
    o.str("tls", relay.tls);
    if !relay.tls_version.is_empty() {
        o.str("tls_version", relay.tls_version);
    }
    if let Some(standing) = standing {
        o.str("trust", standing.trust);
    }
    text(&mut o, "user", hop.user);
    text(&mut o, "via", relay.via);
    text(&mut o, "with", relay.with);
    o.end();
}
