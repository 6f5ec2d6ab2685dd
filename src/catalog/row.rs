//! A row of the catalog as it is read, and what is packed in its columns.

use std::rc::Rc;

use rusqlite::types::ValueRef;

use super::lookup::{number, role};
use super::pack::Take;
use super::values::{AttachmentRow, HopRow, MoreRow, NoteRow, PersonRow, RowDigests};
use super::{BlobPlace, Catalog, CatalogError};
use crate::facts::{Role, mih};
use crate::types::server::ServerState;
use crate::types::time::UtcMs;
use crate::types::unescape::Rule;
use crate::types::{AnomalyKind, ItemKey, Sha256Digest, json};

/// One item or child, borrowed from the catalog while it is visited. Readers know it by its accessors alone.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    key: ItemKey,
    container: u32,
    number: u32,
    part: Option<&'a str>,
    start: u64,
    end: u64,
    sha256: Sha256Digest,
    wire: Sha256Digest,
    rule: Rule,
    lines: u64,
    uid: Option<u64>,
    size: u64,
    date: Option<UtcMs>,
    zone: Option<i32>,
    message_id: Option<&'a [u8]>,
    subject: Option<&'a str>,
    frame: Option<(i64, u64)>,
    people: &'a [u8],
    hops: &'a [u8],
    attachments: &'a [u8],
    notes: &'a [u8],
    more: &'a [u8],
}

impl<'a> Row<'a> {
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

    /// First byte in the container; for a child, in its parent's decoded bytes.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Just past the last.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How the message is made from the slice.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Lines that the rule changes.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// UID from the container.
    pub fn uid(&self) -> Option<u64> {
        self.uid
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

    /// EDRM MIH: made of the Message-ID.
    pub fn mih(&self) -> Option<[u8; 16]> {
        mih(self.message_id?)
    }

    /// The first Message-ID, unfolded.
    pub fn message_id(&self) -> Option<&'a [u8]> {
        self.message_id
    }

    /// The first Subject, decoded.
    pub fn subject(&self) -> Option<&'a str> {
        self.subject
    }
}

pub(super) fn blob(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes),
        _ => None,
    }
}

pub(super) fn digest(value: ValueRef<'_>) -> Option<Sha256Digest> {
    blob(value)?.try_into().ok().map(Sha256Digest::from_bytes)
}

impl<'a> Row<'a> {
    /// Reads the columns in the order of the table; `None` when one is not what its writer puts there.
    pub(super) fn read(row: &'a rusqlite::Row<'_>) -> Option<Self> {
        let get = |n: usize| row.get_ref(n).ok();
        let num = |n: usize| number(get(n)?);
        let text = |n: usize| blob(get(n)?).and_then(|t| std::str::from_utf8(t).ok());
        let bytes = |n: usize| get(n).and_then(blob).unwrap_or_default();
        let small = |n: usize| num(n).and_then(|n| u32::try_from(n).ok());
        let signed = |n: usize| match get(n) {
            Some(ValueRef::Integer(n)) => Some(n),
            _ => None,
        };
        let sha256 = digest(get(6)?)?;
        Some(Self {
            key: ItemKey::from_u64(num(0)?),
            container: small(1)?,
            number: small(2)?,
            part: text(3),
            start: num(4)?,
            end: num(5)?,
            sha256,
            wire: digest(get(7)?).unwrap_or(sha256),
            rule: if num(8)? == 1 { Rule::MboxRd } else { Rule::None },
            lines: num(9)?,
            uid: num(10),
            frame: signed(11).zip(num(12)),
            size: num(13)?,
            date: signed(14).map(UtcMs),
            zone: signed(15).and_then(|z| i32::try_from(z).ok()),
            message_id: get(17).and_then(blob),
            subject: text(18),
            people: bytes(19),
            hops: bytes(20),
            attachments: bytes(21),
            notes: bytes(22),
            more: bytes(23),
        })
    }

    fn damaged(&self) -> CatalogError {
        CatalogError::Damaged { key: self.key.as_u64() }
    }

    /// Its digests.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn digests(&self, _catalog: &Catalog) -> Result<RowDigests, CatalogError> {
        Ok(RowDigests { sha256: self.sha256, wire: self.wire })
    }

    /// Whether it has anomalies.
    pub fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Whether it has attachments.
    pub fn has_attachments(&self) -> bool {
        !self.attachments.is_empty()
    }

    /// Where the slice lies in the packs; `None` for a child.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub fn blob(&self, catalog: &Catalog) -> Result<Option<BlobPlace>, CatalogError> {
        let Some((frame, offset)) = self.frame else { return Ok(None) };
        let place = catalog.frame(frame)?.ok_or_else(|| self.damaged())?;
        Ok(Some(BlobPlace { offset, size: self.end.saturating_sub(self.start), ..place }))
    }

    /// The people of all fields, in order.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn people(&self, catalog: &Catalog) -> Result<Vec<PersonRow>, CatalogError> {
        self.people_in(catalog, &Role::ALL)
    }

    /// The people in some of the roles, in order.
    ///
    /// # Errors
    /// As [`Self::people`].
    pub fn people_in(&self, catalog: &Catalog, roles: &[Role]) -> Result<Vec<PersonRow>, CatalogError> {
        let mut take = Take(self.people);
        let mut out = Vec::new();
        let mut base = 0;
        while !take.is_empty() {
            let head = |take: &mut Take<'_>| Some((role(take.byte()?)?, take.range(base)?, take.num()?));
            let (role, at, count) = head(&mut take).ok_or_else(|| self.damaged())?;
            base = at.end();
            for _ in 0..count {
                let id = take.num().ok_or_else(|| self.damaged())?;
                if !roles.contains(&role) {
                    continue;
                }
                let (name, address) = catalog.person(id)?.ok_or_else(|| self.damaged())?;
                out.push(PersonRow { role, name, address, at });
            }
        }
        Ok(out)
    }

    /// The attachments, in order.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn attachments(&self, catalog: &Catalog) -> Result<Vec<AttachmentRow>, CatalogError> {
        let mut take = Take(self.attachments);
        let mut out = Vec::new();
        while !take.is_empty() {
            let mut one = || -> Option<Result<AttachmentRow, CatalogError>> {
                let (part, name) = (take.text()?, take.text()?);
                let words = [take.num()?, take.num()?, take.num()?];
                let (size, sha256, at) =
                    (take.num()?, Sha256Digest::from_bytes(take.digest()?), take.range(0)?);
                let words = || -> Result<[Rc<str>; 3], CatalogError> {
                    Ok([catalog.text(words[0])?, catalog.text(words[1])?, catalog.text(words[2])?])
                };
                Some(words().map(|[content_type, disposition, encoding]| AttachmentRow {
                    part,
                    name,
                    content_type,
                    disposition,
                    encoding,
                    size,
                    sha256,
                    at,
                }))
            };
            out.push(one().ok_or_else(|| self.damaged())??);
        }
        Ok(out)
    }

    /// The anomalies: first those of the source's reader.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn notes(&self, catalog: &Catalog) -> Result<Vec<NoteRow>, CatalogError> {
        notes(catalog, self.notes, || self.damaged())
    }

    /// The rest.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn more(&self, catalog: &Catalog) -> Result<MoreRow, CatalogError> {
        let mut take = Take(self.more);
        let mut words = (Vec::new(), Vec::new());
        let mut read = || -> Option<MoreRow> {
            let mut more = MoreRow {
                date_at: take.opt_range(0)?,
                zone_known: take.byte()? == 1,
                subject_at: take.opt_range(0)?,
                message_id_at: take.opt_range(0)?,
                ..MoreRow::default()
            };
            let (raw_at, raw) = (take.opt_range(0)?, take.text()?);
            more.date_raw = raw_at.map(|at| (at, raw));
            more.in_message = take.opt_range(0)?;
            more.hops_total = take.num()?;
            for _ in 0..take.num()? {
                words.0.push(take.num()?);
            }
            for _ in 0..take.num()? {
                words.1.push((take.num()?, take.text()?));
            }
            if !take.is_empty() {
                more.server = Some(ServerState::read(&json::read(take.0)?)?);
            }
            Some(more)
        };
        let mut more = read().ok_or_else(|| self.damaged())?;
        for id in words.0 {
            more.state.push(catalog.text(id)?);
        }
        for (id, part) in words.1 {
            more.not_indexed.push((part, catalog.text(id)?));
        }
        Ok(more)
    }

    /// The hops in file order: newest first.
    ///
    /// # Errors
    /// [`CatalogError::Read`], [`CatalogError::Damaged`].
    pub fn hops(&self, catalog: &Catalog) -> Result<Vec<HopRow>, CatalogError> {
        let mut take = Take(self.hops);
        let mut out = Vec::new();
        let mut base = (0, self.date.map_or(0, |d| d.0));
        while !take.is_empty() {
            let numbers = take.num().zip(take.num());
            let (relay, shape) = numbers.ok_or_else(|| self.damaged())?;
            let relay = catalog.relay(relay)?.ok_or_else(|| self.damaged())?;
            let shape = catalog.shape(shape)?.ok_or_else(|| self.damaged())?;
            let mut words = [0; 4];
            let read = || -> Option<HopRow> {
                let at = take.range(base.0)?;
                base.0 = at.end();
                let mut hop = HopRow { at, relay, ..HopRow::default() };
                let mut places = Take(&shape);
                for place in &mut hop.places {
                    *place = places.opt_range(at.start())?;
                }
                hop.id = Some(take.bytes()?.to_vec()).filter(|id| !id.is_empty());
                for word in &mut words {
                    *word = take.num()?;
                }
                hop.peer_port = take.num()?.checked_sub(1).and_then(|p| u16::try_from(p).ok());
                hop.local_uid = take.num()?.checked_sub(1).and_then(|p| u32::try_from(p).ok());
                let flags = take.byte()?;
                if flags & 1 != 0 {
                    let step = take.signed()?;
                    base.1 = base.1.wrapping_add(if flags & 8 != 0 { step.checked_mul(1000)? } else { step });
                    hop.date = Some(UtcMs(base.1));
                    hop.zone_known = flags & 2 != 0;
                    if flags & 4 != 0 {
                        hop.zone = i32::try_from(take.signed()?).ok();
                    }
                }
                Some(hop)
            };
            let mut hop = read().ok_or_else(|| self.damaged())?;
            hop.for_ = catalog.word(words[0])?;
            hop.envelope_from = catalog.word(words[1])?;
            hop.user = catalog.word(words[2])?;
            hop.ident = catalog.word(words[3])?;
            out.push(hop);
        }
        Ok(out)
    }
}

/// Reads packed anomalies.
pub(super) fn notes(
    catalog: &Catalog,
    packed: &[u8],
    damaged: impl Fn() -> CatalogError,
) -> Result<Vec<NoteRow>, CatalogError> {
    let mut take = Take(packed);
    let mut out = Vec::new();
    while !take.is_empty() {
        let mut read = || {
            let (head, at) = (take.num()?, take.opt_range(0)?);
            let detail = if head & 1 != 0 { Some(take.text()?) } else { None };
            Some((head, at, detail))
        };
        let (head, at, detail) = read().ok_or_else(&damaged)?;
        let code = catalog.text(head >> 2)?;
        let kind = AnomalyKind::from_code(&code);
        out.push(NoteRow { kind, code, at, detail, of_source: head & 2 != 0 });
    }
    Ok(out)
}
