//! A row of the catalog as it is read out of its block.

use std::net::IpAddr;
use std::sync::Arc;

use super::block::{Block, Column, Rest};
use super::fill::{IN_LIST, list, more, time};
use super::numbers::{Numbers, flag};
use super::pack::Take;
use super::values::{AttachmentRow, HopRow, MoreRow, NoteRow, PersonRow, RelayRow, RowDigests};
use super::{BlobPlace, Catalog, CatalogError};
use crate::facts::{Role, mih};
use crate::types::server::ServerState;
use crate::types::time::UtcMs;
use crate::types::unescape::Rule;
use crate::types::{AnomalyKind, ItemKey, Sha256Digest, json};

/// What a table of items shows of one; nothing is unpacked for it.
#[derive(Clone, Copy, Debug)]
pub struct ListRow<'a> {
    key: ItemKey,
    flags: u8,
    container: u32,
    number: u32,
    size: u64,
    date: Option<UtcMs>,
    zone: Option<i32>,
    part: Option<&'a str>,
    sender: Option<(&'a str, &'a str)>,
    subject: Option<&'a str>,
}

impl<'a> ListRow<'a> {
    /// `None` when the block is not what its writer puts there.
    pub(super) fn read(block: &'a Block, row: usize) -> Option<Self> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let mut take = block.record(row)?;
        take.num()?;
        take.num()?;
        let flags = take.byte()?;
        let has = |flag: u8| flags & flag != 0;
        let (container, number) = (u32::try_from(take.num()?).ok()?, u32::try_from(take.num()?).ok()?);
        let size = take.num()?;
        let (mut date, mut zone, mut part, mut sender, mut subject) = (None, None, None, None, None);
        if has(list::DATE) {
            let at = take.signed()?;
            date = Some(UtcMs(if has(list::WHOLE_SECONDS) { at.checked_mul(1000)? } else { at }));
        }
        if has(list::ZONE) {
            zone = Some(i32::try_from(take.signed()?).ok()?);
        }
        if has(list::PART) {
            part = Some(text(take.bytes()?)?);
        }
        if has(list::SENDER) {
            sender = Some((text(take.bytes()?)?, text(take.bytes()?)?));
        }
        if has(list::SUBJECT) {
            subject = Some(text(take.0)?);
        }
        let key = block.key(row)?;
        Some(Self { key, flags, container, number, size, date, zone, part, sender, subject })
    }

    /// Its key: the number of the ledger segment and the place among the items of it.
    pub fn key(&self) -> ItemKey {
        self.key
    }

    /// Number of its container in the source.
    pub fn container(&self) -> u32 {
        self.container
    }

    /// Number of the item in its container, from 1; a child has that of its message.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Part path of a child.
    pub fn part(&self) -> Option<&'a str> {
        self.part
    }

    /// Size of the message in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Date field, read.
    pub fn date(&self) -> Option<UtcMs> {
        self.date
    }

    /// Its offset in seconds east, where one could be read.
    pub fn zone(&self) -> Option<i32> {
        self.zone
    }

    /// Name and address of the first person of From; each may be empty.
    pub fn sender(&self) -> Option<(&'a str, &'a str)> {
        self.sender
    }

    /// The first Subject, decoded.
    pub fn subject(&self) -> Option<&'a str> {
        self.subject
    }

    /// Whether it has anomalies.
    pub fn has_notes(&self) -> bool {
        self.flags & list::NOTES != 0
    }

    /// Whether it has attachments.
    pub fn has_attachments(&self) -> bool {
        self.flags & list::ATTACHMENTS != 0
    }
}

/// One item or child, borrowed from the catalog while it is visited. Readers know it by its accessors alone.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    list: ListRow<'a>,
    rest: &'a Rest,
    at: usize,
    numbers: Numbers,
}

impl<'a> Row<'a> {
    /// `None` when the block is not what its writer puts there.
    pub(super) fn read(block: &'a Block, rest: &'a Rest, at: usize) -> Option<Self> {
        Some(Self { list: ListRow::read(block, at)?, rest, at, numbers: rest.numbers(at)? })
    }

    /// What a table of items shows of it.
    pub fn listed(&self) -> &ListRow<'a> {
        &self.list
    }

    /// Its key: the number of the ledger segment and the place among the items of it.
    pub fn key(&self) -> ItemKey {
        self.list.key
    }

    /// Number of its container in the source.
    pub fn container(&self) -> u32 {
        self.list.container
    }

    /// Number of the item in its container, from 1; a child has that of its message.
    pub fn number(&self) -> u32 {
        self.list.number
    }

    /// Part path of a child.
    pub fn part(&self) -> Option<&'a str> {
        self.list.part
    }

    /// First byte in the container; for a child, in its parent's decoded bytes.
    pub fn start(&self) -> u64 {
        self.numbers.start
    }

    /// Just past the last.
    pub fn end(&self) -> u64 {
        self.numbers.end
    }

    /// How the message is made from the slice.
    pub fn rule(&self) -> Rule {
        if self.numbers.flags & flag::RULE != 0 { Rule::MboxRd } else { Rule::None }
    }

    /// Lines that the rule changes.
    pub fn lines(&self) -> u64 {
        self.numbers.lines
    }

    /// UID from the container.
    pub fn uid(&self) -> Option<u64> {
        (self.numbers.flags & flag::UID != 0).then_some(self.numbers.uid)
    }

    /// Size of the message in bytes.
    pub fn size(&self) -> u64 {
        self.list.size
    }

    /// The Date field, read.
    pub fn date(&self) -> Option<UtcMs> {
        self.list.date
    }

    /// Its offset in seconds east, where one could be read.
    pub fn zone(&self) -> Option<i32> {
        self.list.zone
    }

    /// EDRM MIH: made of the Message-ID.
    pub fn mih(&self) -> Option<[u8; 16]> {
        mih(self.message_id()?)
    }

    /// The first Message-ID, unfolded.
    pub fn message_id(&self) -> Option<&'a [u8]> {
        let is_there = self.numbers.flags & flag::MESSAGE_ID != 0;
        self.rest.cell(self.at, Column::MessageId).filter(|_| is_there)
    }

    /// The first Subject, decoded.
    pub fn subject(&self) -> Option<&'a str> {
        self.list.subject
    }

    /// Whether it has anomalies.
    pub fn has_notes(&self) -> bool {
        self.list.has_notes()
    }

    /// Whether it has attachments.
    pub fn has_attachments(&self) -> bool {
        self.list.has_attachments()
    }

    fn damaged(&self) -> CatalogError {
        CatalogError::Damaged { key: self.key().as_u64() }
    }

    fn cells(&self, column: Column) -> Option<Take<'a>> {
        self.rest.cell(self.at, column).map(Take)
    }

    /// Its digests.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn digests(&self, _catalog: &Catalog) -> Result<RowDigests, CatalogError> {
        let read = || {
            let mut take = self.cells(Column::Digests)?;
            let sha256 = Sha256Digest::from_bytes(take.digest()?);
            let is_other = self.numbers.flags & flag::WIRE != 0;
            let wire = if is_other { Sha256Digest::from_bytes(take.digest()?) } else { sha256 };
            Some(RowDigests { sha256, wire })
        };
        read().ok_or_else(|| self.damaged())
    }

    /// Where the slice lies in the packs; `None` for a child.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn blob(&self, _catalog: &Catalog) -> Result<Option<BlobPlace>, CatalogError> {
        if self.numbers.flags & flag::BLOB == 0 {
            return Ok(None);
        }
        let read = || {
            let mut take = Take(self.rest.word(self.numbers.frame)?);
            Some(BlobPlace {
                pack: u32::try_from(take.num()?).ok()?,
                at: take.num()?,
                len: take.num()?,
                raw: take.num()?,
                offset: self.numbers.offset,
                size: self.numbers.end.saturating_sub(self.numbers.start),
            })
        };
        read().map(Some).ok_or_else(|| self.damaged())
    }

    /// The people of all fields, in order.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn people(&self, catalog: &Catalog) -> Result<Vec<PersonRow>, CatalogError> {
        self.people_in(catalog, &Role::ALL)
    }

    /// The people in some of the roles, in order.
    ///
    /// # Errors
    /// As [`Self::people`].
    pub fn people_in(&self, _catalog: &Catalog, roles: &[Role]) -> Result<Vec<PersonRow>, CatalogError> {
        let mut out = Vec::new();
        let mut read = || {
            let mut take = self.cells(Column::People)?;
            while !take.is_empty() {
                let role = take.byte()?;
                let mut listed = if role & IN_LIST != 0 { self.list.sender } else { None };
                let role = *Role::ALL.get(usize::from(role & !IN_LIST))?;
                for _ in 0..take.num()? {
                    let (name, address) = match listed.take() {
                        Some(sender) => sender,
                        None => (self.rest.text(take.num()?)?, self.rest.text(take.num()?)?),
                    };
                    if roles.contains(&role) {
                        out.push(PersonRow { role, name: Arc::from(name), address: Arc::from(address) });
                    }
                }
            }
            Some(())
        };
        read().ok_or_else(|| self.damaged())?;
        Ok(out)
    }

    /// The attachments, in order.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn attachments(&self, _catalog: &Catalog) -> Result<Vec<AttachmentRow>, CatalogError> {
        if !self.has_attachments() {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        let mut read = || {
            let (mut take, mut digests) = (self.cells(Column::Attachments)?, self.cells(Column::Digests)?);
            for _ in 0..if self.numbers.flags & flag::WIRE != 0 { 2 } else { 1 } {
                digests.digest()?;
            }
            while !take.is_empty() {
                out.push(AttachmentRow {
                    part: take.text()?,
                    name: take.text()?,
                    content_type: Arc::from(self.rest.text(take.num()?)?),
                    disposition: Arc::from(self.rest.text(take.num()?)?),
                    encoding: Arc::from(self.rest.text(take.num()?)?),
                    size: take.num()?,
                    at: take.range(0)?,
                    sha256: Sha256Digest::from_bytes(digests.digest()?),
                });
            }
            Some(())
        };
        read().ok_or_else(|| self.damaged())?;
        Ok(out)
    }

    /// The anomalies: first those of the source's reader.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn notes(&self, _catalog: &Catalog) -> Result<Vec<NoteRow>, CatalogError> {
        let mut out = Vec::new();
        let mut read = || {
            let mut take = self.cells(Column::Notes)?;
            while !take.is_empty() {
                let (head, at) = (take.num()?, take.opt_range(0)?);
                let detail = if head & 1 != 0 { Some(take.text()?) } else { None };
                let code: Arc<str> = Arc::from(self.rest.text(head >> 2)?);
                let kind = AnomalyKind::from_code(&code);
                out.push(NoteRow { kind, code, at, detail, of_source: head & 2 != 0 });
            }
            Some(())
        };
        read().ok_or_else(|| self.damaged())?;
        Ok(out)
    }

    /// The rest.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn more(&self, _catalog: &Catalog) -> Result<MoreRow, CatalogError> {
        let read = || -> Option<MoreRow> {
            let mut take = self.cells(Column::More)?;
            let flags = take.byte()?;
            let has = |flag: u8| flags & flag != 0;
            let mut out = MoreRow { zone_known: has(more::ZONE_KNOWN), ..MoreRow::default() };
            out.hops_total = take.num()?;
            if has(more::DATE_RAW) {
                out.date_raw = Some(take.text()?);
            }
            if has(more::IN_MESSAGE) {
                out.in_message = Some(take.range(0)?);
            }
            if has(more::HOPS_TOTAL) {
                out.hops_total = take.num()?;
            }
            if has(more::STATE) {
                for _ in 0..take.num()? {
                    out.state.push(Arc::from(self.rest.text(take.num()?)?));
                }
            }
            if has(more::NOT_INDEXED) {
                for _ in 0..take.num()? {
                    let reason = Arc::from(self.rest.text(take.num()?)?);
                    out.not_indexed.push((take.text()?, reason));
                }
            }
            if has(more::SERVER) {
                out.server = Some(ServerState::read(&json::read(take.0)?)?);
            }
            Some(out)
        };
        read().ok_or_else(|| self.damaged())
    }

    /// The hops in file order: newest first.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`].
    pub fn hops(&self, _catalog: &Catalog) -> Result<Vec<HopRow<'a>>, CatalogError> {
        let mut out = Vec::new();
        let mut read = || {
            let mut take = self.cells(Column::Hops)?;
            let mut ids = self.cells(Column::HopIds)?;
            let mut base = (0, self.list.date.map_or(0, |date| date.0));
            while !take.is_empty() {
                let hop = self.hop(&mut take, &mut ids, base)?;
                base = (hop.at.end(), hop.date.map_or(base.1, |date| date.0));
                out.push(hop);
            }
            Some(())
        };
        read().ok_or_else(|| self.damaged())?;
        Ok(out)
    }

    fn hop(&self, take: &mut Take<'a>, ids: &mut Take<'a>, base: (u64, i64)) -> Option<HopRow<'a>> {
        let at = take.range(base.0)?;
        let mut codes = self.rest.text(take.num()?)?.split('\n');
        let mask = take.num()?;
        let mut texts = [None; 12];
        for (n, text) in texts.iter_mut().enumerate() {
            if mask >> n & 1 != 0 {
                *text = Some(self.rest.word(take.num()?)?);
            }
        }
        let [by, helo, rdns, peer, own, from, via, with, software, for_, envelope_from, user] = texts;
        let id = if mask >> 12 & 1 != 0 {
            let (id, rest) = ids.0.split_at_checked(usize::try_from(take.num()?).ok()?)?;
            ids.0 = rest;
            Some(id)
        } else {
            None
        };
        let relay = RelayRow {
            by,
            helo,
            rdns,
            from,
            via,
            with,
            software,
            peer_ip: peer.and_then(ip),
            by_ip: own.and_then(ip),
            family: codes.next()?,
            protocol: codes.next()?,
            grade: codes.next()?,
            class: codes.next()?,
            scope: codes.next()?,
            tls: codes.next()?,
            tls_version: codes.next()?,
            rdns_state: codes.next()?,
        };
        let peer_port = take.num()?.checked_sub(1).and_then(|port| u16::try_from(port).ok());
        let flags = take.byte()?;
        let mut hop = HopRow { at, relay, id, for_, envelope_from, user, peer_port, ..HopRow::default() };
        if flags & time::SET != 0 {
            let step = take.signed()?;
            let step = if flags & time::WHOLE_SECONDS != 0 { step.checked_mul(1000)? } else { step };
            hop.date = Some(UtcMs(base.1.wrapping_add(step)));
            hop.zone_known = flags & time::ZONE_KNOWN != 0;
            if flags & time::ZONE != 0 {
                hop.zone = i32::try_from(take.signed()?).ok();
            }
        }
        Some(hop)
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Anomalies of a container.
pub(super) fn notes(packed: &[u8]) -> Option<Vec<NoteRow>> {
    let mut take = Take(packed);
    let mut out = Vec::new();
    while !take.is_empty() {
        let code: Arc<str> = Arc::from(take.text()?);
        let has_detail = take.byte()? == 1;
        let at = take.opt_range(0)?;
        let detail = if has_detail { Some(take.text()?) } else { None };
        out.push(NoteRow { kind: AnomalyKind::from_code(&code), code, at, detail, of_source: true });
    }
    Some(out)
}
