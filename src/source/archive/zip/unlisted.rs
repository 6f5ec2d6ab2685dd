//! Reads what the directory of a zip archive leaves out: entries by their local headers (APPNOTE.TXT 4.3.7), other
//! archives before it, and bytes that belong to nothing, which are told.

use std::io::Read as _;

use memchr::memmem::Finder;

use super::covered::Covered;
use super::{CONTINUE, Outer, Section, is_full, rest, rest_over_limit};
use super::{DESCRIPTOR, Entry, LOCAL, end_of, le, one, wide};
use crate::source::session::{Flow, Session};

/// Bytes looked at first, and at most, in one piece.
const PIECE: (u64, u64) = (4 << 10, 1 << 20);

/// Most stretches of foreign bytes that are told one by one.
const MAX_TOLD: u32 = 100;

pub(super) fn read(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    archive: &Section<'_>,
    covered: Covered,
) -> Flow {
    if covered.is_full {
        return rest(
            session,
            outer,
            b"",
            "archive-limit",
            0,
            "too many entries out of order to tell what is between them",
        );
    }
    let mut told = 0u32;
    for (start, end) in covered.gaps(archive.len) {
        stretch(session, outer, archive, (start, end), &mut told)?;
        if is_full(outer) {
            return rest_over_limit(session, outer, end);
        }
    }
    CONTINUE
}

/// Goes through a stretch from record to record.
fn stretch(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    archive: &Section<'_>,
    (start, end): (u64, u64),
    told: &mut u32,
) -> Flow {
    let mut at = start;
    let mut stray = None;
    while at < end && !is_full(outer) {
        let next = if let Some(entry) = local(archive, at) {
            foreign(session, outer, stray.take(), at, told)?;
            let taken =
                one(session, outer, archive, at, &entry, &["the list of the archive's files leaves it out"])?;
            let entry = Entry { packed: taken, ..entry };
            end_of(archive, at, &entry)
        } else if let Some(next) = record(archive, at) {
            foreign(session, outer, stray.take(), at, told)?;
            Some(next)
        } else {
            stray.get_or_insert(at);
            find(archive, at.saturating_add(1), end)
        };
        at = next.unwrap_or(end).max(at.saturating_add(1));
    }
    foreign(session, outer, stray, at.min(end), told)
}

/// Tells of bytes that are no record.
fn foreign(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    start: Option<u64>,
    end: u64,
    told: &mut u32,
) -> Flow {
    let Some(start) = start else { return CONTINUE };
    *told = told.saturating_add(1);
    let what = match *told {
        ..MAX_TOLD => format!("{} bytes that are no part of an entry", end.saturating_sub(start)),
        MAX_TOLD => "bytes that are no part of an entry, here and further on".to_owned(),
        _ => return CONTINUE,
    };
    rest(session, outer, b"", "archive-rest", start, &what)
}

/// The entry whose local header is at `at`, as far as that says.
fn local(archive: &Section<'_>, at: u64) -> Option<Entry> {
    let head = archive.exactly(at, 30).ok().filter(|head| head.starts_with(LOCAL))?;
    let field = |at, len| le(&head, at, len).unwrap_or_default();
    let (name, extra) = (usize::try_from(field(26, 2)).ok()?, usize::try_from(field(28, 2)).ok()?);
    let names = archive.exactly(at.saturating_add(30), name.saturating_add(extra)).ok()?;
    let (name, extra) = names.split_at_checked(name)?;
    let start = at.saturating_add(30).saturating_add(names.len() as u64);
    let mut entry = Entry {
        name: name.to_vec(),
        flags: field(6, 2),
        method: field(8, 2),
        crc: field(14, 4),
        packed: field(18, 4),
        size: field(22, 4),
        offset: at,
        mode: 0,
        is_checked: true,
    };
    wide(extra, &mut entry);
    if entry.flags & 8 != 0 && entry.packed == 0 {
        // The sizes stand behind the data: a deflated stream ends by itself, other data before the next record.
        entry.is_checked = false;
        let left = archive.len.saturating_sub(start);
        entry.packed = match entry.method {
            8 if entry.flags & 1 == 0 => left,
            _ => find(archive, start, archive.len).unwrap_or(archive.len).saturating_sub(start),
        };
    }
    Some(entry)
}

/// Just past the record at `at` that is no entry: of a directory, its end, or a descriptor.
fn record(archive: &Section<'_>, at: u64) -> Option<u64> {
    let mut head = Vec::new();
    archive.part(at, 56).read_to_end(&mut head).ok()?;
    let field = |at, len| le(&head, at, len);
    let length = match head.get(..4)? {
        b"PK\x01\x02" => {
            46u64.saturating_add(field(28, 2)?).saturating_add(field(30, 2)?).saturating_add(field(32, 2)?)
        }
        b"PK\x05\x06" => 22u64.saturating_add(field(20, 2)?),
        b"PK\x06\x06" => 12u64.saturating_add(field(4, 8)?),
        b"PK\x06\x07" => 20,
        b"PK\x05\x05" => 6u64.saturating_add(field(4, 2)?),
        DESCRIPTOR => match (head.get(16..18), head.get(24..26)) {
            (Some(b"PK") | None, _) => 16,
            (_, Some(b"PK") | None) => 24,
            _ => 16,
        },
        _ => return None,
    };
    at.checked_add(length)
}

/// Where the next record begins, from `at` on.
fn find(archive: &Section<'_>, mut at: u64, end: u64) -> Option<u64> {
    let finder = Finder::new(b"PK");
    let mut text = Vec::new();
    let mut piece = PIECE.0;
    while at < end {
        text.clear();
        archive.part(at, piece.min(end.saturating_sub(at))).read_to_end(&mut text).ok()?;
        piece = piece.saturating_mul(2).min(PIECE.1);
        let is_mark = |hit: &usize| {
            text.get(hit.saturating_add(2)..hit.saturating_add(4))
                .is_some_and(|mark| matches!(mark, [3, 4] | [1, 2] | [5 | 6, 6] | [6, 7] | [7, 8]))
        };
        if let Some(hit) = finder.find_iter(&text).find(is_mark) {
            return at.checked_add(hit as u64);
        }
        if (text.len() as u64) < 4 {
            return None;
        }
        // The last three bytes may be the start of a mark.
        at = at.saturating_add((text.len() as u64).saturating_sub(3));
    }
    None
}
