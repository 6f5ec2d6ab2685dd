//! Where the bytes of a row stand, in its container and in the packs: numbers that count from those of the row before.

use super::block::{BlockBuilder, Column, Rest};
use super::pack::{Put as _, Take};
use super::write::ItemRow;
use crate::types::unescape::Rule;

/// What the row before said, from which the next one differs little.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    end: u64,
    uid: u64,
    frame: u64,
    offset: u64,
}

/// Flags of [`Column::Numbers`].
pub(super) mod flag {
    pub(in crate::catalog) const RULE: u8 = 1;
    pub(in crate::catalog) const UID: u8 = 2;
    pub(in crate::catalog) const BLOB: u8 = 4;
    pub(in crate::catalog) const SAME_FRAME: u8 = 8;
    pub(in crate::catalog) const WIRE: u8 = 16;
    pub(in crate::catalog) const MESSAGE_ID: u8 = 32;
}

/// The numbers of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    pub(super) flags: u8,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) lines: u64,
    pub(super) uid: u64,
    /// The word that names the frame.
    pub(super) frame: u64,
    pub(super) offset: u64,
}

/// Adds the numbers and digests of a row.
pub(super) fn put(block: &mut BlockBuilder, before: &mut Before, row: &ItemRow<'_>) {
    // Only children have no place in the packs.
    let is_child = row.blob.is_none();
    let mut flags = 0;
    let mut frame = 0;
    if let Some(blob) = row.blob {
        let mut word = Vec::with_capacity(16);
        for number in [u64::from(blob.pack), blob.at, blob.len, blob.raw] {
            word.num(number);
        }
        frame = block.words.id(&word);
        flags |= flag::BLOB | if frame == before.frame { flag::SAME_FRAME } else { 0 };
    }
    flags |= if row.rule == Rule::MboxRd { flag::RULE } else { 0 };
    flags |= if row.uid.is_some() { flag::UID } else { 0 };
    flags |= if row.wire == row.sha256 { 0 } else { flag::WIRE };
    flags |= if row.facts.message_id.is_some() { flag::MESSAGE_ID } else { 0 };
    let out = block.column(Column::Numbers);
    out.push(flags);
    let base = if is_child { 0 } else { before.end };
    out.signed(row.start.wrapping_sub(base).cast_signed());
    out.num(row.end.saturating_sub(row.start));
    out.num(row.lines);
    if let Some(uid) = row.uid {
        out.signed(uid.wrapping_sub(before.uid).cast_signed());
        before.uid = uid;
    }
    if let Some(blob) = row.blob {
        if frame != before.frame {
            out.num(frame);
            before.offset = 0;
        }
        out.signed(blob.offset.wrapping_sub(before.offset).cast_signed());
        (before.frame, before.offset) = (frame, blob.offset.wrapping_add(row.end.saturating_sub(row.start)));
    }
    if !is_child {
        before.end = row.end;
    }
    let digests = block.column(Column::Digests);
    digests.extend_from_slice(row.sha256.as_bytes());
    if row.wire != row.sha256 {
        digests.extend_from_slice(row.wire.as_bytes());
    }
}

/// Reads the numbers of all rows of a block.
pub(super) fn read(rest: &Rest, rows: usize) -> Option<Vec<Numbers>> {
    let mut out = Vec::with_capacity(rows.min(1 << 16));
    let mut now = Numbers::default();
    let (mut end, mut next_offset) = (0u64, 0u64);
    for row in 0..rows {
        let mut take = Take(rest.cell(row, Column::Numbers)?);
        now.flags = take.byte()?;
        let is_child = now.flags & flag::BLOB == 0;
        now.start = if is_child { 0 } else { end }.wrapping_add(take.signed()?.cast_unsigned());
        let len = take.num()?;
        now.end = now.start.checked_add(len)?;
        now.lines = take.num()?;
        if now.flags & flag::UID != 0 {
            now.uid = now.uid.wrapping_add(take.signed()?.cast_unsigned());
        }
        if !is_child {
            end = now.end;
            if now.flags & flag::SAME_FRAME == 0 {
                now.frame = take.num()?;
                next_offset = 0;
            }
            now.offset = next_offset.wrapping_add(take.signed()?.cast_unsigned());
            next_offset = now.offset.wrapping_add(len);
        }
        out.push(now);
    }
    Some(out)
}
