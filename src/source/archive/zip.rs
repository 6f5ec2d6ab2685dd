//! Reads zip archives by their central directory (APPNOTE.TXT 4.3), entry by entry; entries of one name all count. What
//! the directory leaves out is read after it, by `unlisted`.

use std::io::{self, BufReader, Read};

use std::cell::Cell;
use std::rc::Rc;

use super::{Again, CONTINUE, Outer, Section, is_full, member, rest, rest_over_limit};
use crate::source::session::{Flow, Session};

use covered::Covered;

mod covered;
mod unlisted;

/// Where the central directory is.
pub(in crate::source) struct Directory<'a> {
    archive: Section<'a>,
    start: u64,
    len: u64,
    /// Bytes before the archive, such as a program that unpacks it.
    shift: u64,
    /// Just past the record that ends it, with its comment.
    end: u64,
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn le(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let end = at.checked_add(len)?;
    let field = bytes.get(at..end)?;
    Some(field.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b)))
}

impl<'a> Directory<'a> {
    /// Finds it from the end of the archive.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn find(archive: Section<'a>) -> io::Result<Self> {
        const TAIL: u64 = 22 + 65_535;
        let base = archive.len.saturating_sub(TAIL);
        let length = usize::try_from(archive.len.saturating_sub(base)).unwrap_or(0);
        let tail = archive.exactly(base, length)?;
        let none = || damaged("there is no central directory");
        // The last record whose comment ends where the archive ends; failing that, the last record.
        let all = || memchr::memmem::rfind_iter(&tail, b"PK\x05\x06");
        let fits = |at: &usize| {
            let comment = le(&tail, at.saturating_add(20), 2).unwrap_or(u64::MAX);
            comment.saturating_add(*at as u64).saturating_add(22) == tail.len() as u64
        };
        let at = all().find(fits).or_else(|| all().next()).ok_or_else(none)?;
        let record = tail.get(at..).ok_or_else(none)?;
        let end = base.saturating_add(at as u64);
        let (mut len, mut offset) =
            (le(record, 12, 4).ok_or_else(none)?, le(record, 16, 4).ok_or_else(none)?);
        let mut close = end;
        let locator = end.checked_sub(20).map(|p| archive.exactly(p, 20)).transpose()?.unwrap_or_default();
        if locator.starts_with(b"PK\x06\x07") {
            let place = le(&locator, 8, 8).ok_or_else(none)?;
            let found = [place, end.saturating_sub(20 + 56)].into_iter().find_map(|place| {
                let record = archive.exactly(place, 56).ok().filter(|r| r.starts_with(b"PK\x06\x06"))?;
                Some((place, record))
            });
            let (place, record) = found.ok_or_else(none)?;
            len = le(&record, 40, 8).ok_or_else(none)?;
            offset = le(&record, 48, 8).ok_or_else(none)?;
            close = place;
        }
        let start = close.checked_sub(len).ok_or_else(none)?;
        let shift = start.checked_sub(offset).ok_or_else(none)?;
        let comment = le(record, 20, 2).unwrap_or(0);
        let end = end.saturating_add(22).saturating_add(comment).min(archive.len);
        Ok(Self { archive, start, len, shift, end })
    }

    /// An archive without a directory.
    pub(super) fn none(archive: Section<'a>) -> Self {
        Self { archive, start: 0, len: 0, shift: 0, end: 0 }
    }
}

/// One entry of the central directory.
struct Entry {
    name: Vec<u8>,
    flags: u64,
    method: u64,
    crc: u64,
    packed: u64,
    size: u64,
    offset: u64,
    mode: u64,
    /// Whether CRC and sizes are known.
    is_checked: bool,
}

/// Reads the next entry; `None` at the end.
fn entry(reader: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut head = [0; 46];
    match reader.read_exact(head.get_mut(..4).unwrap_or_default()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    if !head.starts_with(b"PK\x01\x02") {
        return if head.starts_with(b"PK\x05\x05") {
            Ok(None)
        } else {
            Err(damaged("an entry has no signature"))
        };
    }
    reader.read_exact(head.get_mut(4..).unwrap_or_default())?;
    let field = |at, len| le(&head, at, len).unwrap_or_default();
    let mut take = |len: u64| {
        let mut out = vec![0; usize::try_from(len).unwrap_or(0)];
        reader.read_exact(&mut out).map(|()| out)
    };
    let (name, extra) = (take(field(28, 2))?, take(field(30, 2))?);
    take(field(32, 2))?;
    let mut entry = Entry {
        name,
        flags: field(8, 2),
        method: field(10, 2),
        crc: field(16, 4),
        packed: field(20, 4),
        size: field(24, 4),
        offset: field(42, 4),
        mode: if field(5, 1) == 3 { field(40, 2) } else { 0 },
        is_checked: true,
    };
    wide(&extra, &mut entry);
    Ok(Some(entry))
}

/// The zip64 extra field: numbers that do not fit in 32 bits.
fn wide(mut extra: &[u8], entry: &mut Entry) {
    while let (Some(id), Some(len)) = (le(extra, 0, 2), le(extra, 2, 2)) {
        let end = usize::try_from(len).unwrap_or(0).saturating_add(4);
        let Some((field, rest)) = extra.split_at_checked(end) else { return };
        if id == 1 {
            let mut at = 4usize;
            for value in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
                if *value == 0xffff_ffff
                    && let Some(wide) = le(field, at, 8)
                {
                    *value = wide;
                    at = at.saturating_add(8);
                }
            }
        }
        extra = rest;
    }
}

pub(super) fn open(session: &mut Session<'_>, outer: &Outer<'_>, directory: &Directory<'_>) -> Flow {
    let mut covered = Covered::default();
    covered.add(directory.start, directory.end);
    let flow = listed(session, outer, directory, &mut covered)?;
    if !flow {
        return CONTINUE;
    }
    unlisted::read(session, outer, &directory.archive, covered)
}

/// Reads what the directory lists; whether there may be more.
fn listed(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    directory: &Directory<'_>,
    covered: &mut Covered,
) -> Flow<bool> {
    let mut reader = BufReader::new(directory.archive.part(directory.start, directory.len));
    loop {
        let at =
            directory.start.saturating_add(reader.get_ref().at).saturating_sub(reader.buffer().len() as u64);
        let entry = match entry(&mut reader) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Flow::Continue(true),
            Err(error) => {
                rest(session, outer, b"", "archive-damaged", at, &error.to_string())?;
                return Flow::Continue(true);
            }
        };
        if is_full(outer) {
            rest_over_limit(session, outer, at)?;
            return Flow::Continue(false);
        }
        let start = entry.offset.saturating_add(directory.shift);
        if let Some(end) = end_of(&directory.archive, start, &entry) {
            covered.add(start, end);
        }
        let mut hidden = Vec::new();
        if entry.name.ends_with(b"/") {
            if entry.size == 0 && entry.packed == 0 {
                continue;
            }
            hidden.push("its name is that of a folder");
        }
        one(session, outer, &directory.archive, start, &entry, &hidden)?;
    }
}

/// Just past the bytes of an entry whose local header is at `at`: its data, and the descriptor behind it where there is
/// one.
fn end_of(archive: &Section<'_>, at: u64, entry: &Entry) -> Option<u64> {
    let local = archive.exactly(at, 30).ok().filter(|local| local.starts_with(LOCAL))?;
    let names = le(&local, 26, 2)?.saturating_add(le(&local, 28, 2)?);
    let end = at.checked_add(30)?.checked_add(names)?.checked_add(entry.packed)?;
    let room = archive.len.saturating_sub(end).min(24);
    let behind = archive.exactly(end, usize::try_from(room).unwrap_or(0)).unwrap_or_default();
    Some(end.saturating_add(if entry.flags & 8 == 0 { 0 } else { descriptor(&behind, entry.crc) }))
}

/// Length of the data descriptor that `behind` begins with, whose CRC is known (APPNOTE.TXT 4.3.9); 0 when there is
/// none.
fn descriptor(behind: &[u8], crc: u64) -> u64 {
    let signed = behind.starts_with(DESCRIPTOR);
    let lead = if signed { 4 } else { 0 };
    if le(behind, lead, 4) != Some(crc) {
        return 0;
    }
    // Sizes of eight bytes: what follows the shorter form would not be a record then.
    let short = lead.saturating_add(12);
    let is_wide = behind.get(short..).is_some_and(|next| next.len() >= 2 && !next.starts_with(b"PK"));
    (if is_wide { lead.saturating_add(20) } else { short }) as u64
}

const LOCAL: &[u8] = b"PK\x03\x04";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// Reads an entry whose local header is at `at`; answers how many packed bytes its data took.
fn one(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    archive: &Section<'_>,
    at: u64,
    entry: &Entry,
    hidden: &[&str],
) -> Flow<u64> {
    let name = entry.name.strip_suffix(b"/").unwrap_or(&entry.name);
    let failed = |session: &mut Session<'_>, reason, what: &str| {
        rest(session, outer, name, reason, at, what)?;
        Flow::Continue(entry.packed)
    };
    if entry.flags & 1 != 0 {
        return failed(session, "encrypted", "the entry is encrypted");
    }
    if entry.mode & 0o17_0000 == 0o12_0000 {
        return failed(session, "not-mail", "symbolic link, not followed");
    }
    let local = match archive.exactly(at, 30) {
        Ok(local) if local.starts_with(LOCAL) => local,
        Ok(_) => return failed(session, "archive-damaged", "there is no local header"),
        Err(error) => return failed(session, "archive-damaged", &error.to_string()),
    };
    let names = le(&local, 26, 2).unwrap_or(0).saturating_add(le(&local, 28, 2).unwrap_or(0));
    let start = at.saturating_add(30).saturating_add(names);
    let section = archive.part(start, entry.packed);
    let taken = Rc::new(Cell::new(entry.packed));
    let (reader, again): (Box<dyn Read + '_>, _) = match entry.method {
        0 => (Box::new(section.clone()), Again::Section(section)),
        8 => {
            let inner = flate2::read::DeflateDecoder::new(section);
            (Box::new(Deflated { inner, taken: Rc::clone(&taken) }), Again::No)
        }
        method => {
            let what = format!("compression method {method} is not supported");
            return failed(session, "archive-damaged", &what);
        }
    };
    let checked = Checked { inner: reader, crc: flate2::Crc::new(), size: 0, entry };
    member(session, outer, name, hidden, Box::new(checked), again)?;
    Flow::Continue(taken.get())
}

/// A deflated stream that tells how many packed bytes it took.
struct Deflated<R> {
    inner: flate2::read::DeflateDecoder<R>,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Deflated<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf);
        self.taken.set(self.inner.total_in());
        n
    }
}

/// Compares size and CRC with those of the entry at the end.
struct Checked<'a, R> {
    inner: R,
    crc: flate2::Crc,
    size: u64,
    entry: &'a Entry,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if n > 0 {
            self.crc.update(buf.get(..n).unwrap_or_default());
            self.size = self.size.saturating_add(n as u64);
        } else if !buf.is_empty()
            && self.entry.is_checked
            && (self.size != self.entry.size || u64::from(self.crc.sum()) != self.entry.crc)
        {
            return Err(damaged("size or CRC are not those of the directory"));
        }
        Ok(n)
    }
}
