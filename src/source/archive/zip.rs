//! Reads zip archives by their central directory (APPNOTE.TXT 4.3), entry by entry; entries of one name all count.

use std::io::{self, BufReader, Read};

use super::{Again, CONTINUE, Outer, Section, is_full, member, rest, rest_over_limit};
use crate::source::session::{Flow, Session};

/// Where the central directory is.
pub(in crate::source) struct Directory<'a> {
    archive: Section<'a>,
    start: u64,
    len: u64,
    /// Bytes before the archive, such as a program that unpacks it.
    shift: u64,
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
        Ok(Self { archive, start, len, shift })
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
    let mut reader = BufReader::new(directory.archive.part(directory.start, directory.len));
    loop {
        let at =
            directory.start.saturating_add(reader.get_ref().at).saturating_sub(reader.buffer().len() as u64);
        let entry = match entry(&mut reader) {
            Ok(Some(entry)) => entry,
            Ok(None) => return CONTINUE,
            Err(error) => return rest(session, outer, b"", "archive-damaged", at, &error.to_string()),
        };
        if entry.name.ends_with(b"/") {
            continue;
        }
        if is_full(outer) {
            return rest_over_limit(session, outer, at);
        }
        one(session, outer, directory, &entry)?;
    }
}

fn one(session: &mut Session<'_>, outer: &Outer<'_>, directory: &Directory<'_>, entry: &Entry) -> Flow {
    let at = entry.offset.saturating_add(directory.shift);
    let failed =
        |session: &mut Session<'_>, reason, what: &str| rest(session, outer, &entry.name, reason, at, what);
    if entry.flags & 1 != 0 {
        return failed(session, "encrypted", "the entry is encrypted");
    }
    if entry.mode & 0o17_0000 == 0o12_0000 {
        return failed(session, "not-mail", "symbolic link, not followed");
    }
    let local = match directory.archive.exactly(at, 30) {
        Ok(local) if local.starts_with(b"PK\x03\x04") => local,
        Ok(_) => return failed(session, "archive-damaged", "there is no local header"),
        Err(error) => return failed(session, "archive-damaged", &error.to_string()),
    };
    let names = le(&local, 26, 2).unwrap_or(0).saturating_add(le(&local, 28, 2).unwrap_or(0));
    let start = at.saturating_add(30).saturating_add(names);
    let section = directory.archive.part(start, entry.packed);
    let (reader, again): (Box<dyn Read + '_>, _) = match entry.method {
        0 => (Box::new(section.clone()), Again::Section(section)),
        8 => (Box::new(flate2::read::DeflateDecoder::new(section)), Again::No),
        method => {
            let what = format!("compression method {method} is not supported");
            return failed(session, "archive-damaged", &what);
        }
    };
    let checked = Checked { inner: reader, crc: flate2::Crc::new(), size: 0, entry };
    member(session, outer, &entry.name, Box::new(checked), again)
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
            && (self.size != self.entry.size || u64::from(self.crc.sum()) != self.entry.crc)
        {
            return Err(damaged("size or CRC are not those of the directory"));
        }
        Ok(n)
    }
}
