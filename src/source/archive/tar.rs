//! Reads tar archives (POSIX ustar and pax, GNU, old V7) front to back; keeps every name, follows nothing.

use std::io::{self, Read};

use super::{CONTINUE, Outer, is_full, member, rest, rest_over_limit};
use crate::source::session::{Flow, Session};

const BLOCK: usize = 512;

/// Longest name or link in an extension header, in bytes.
const MAX_NAME: u64 = 64 * 1024;

/// Longest pax header, in bytes.
const MAX_PAX: u64 = 1 << 20;

/// A reader that knows where it is.
struct Counted<R> {
    inner: R,
    at: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

/// What headers say of the next file.
#[derive(Default)]
struct Next {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(super) fn open(session: &mut Session<'_>, outer: &Outer<'_>) -> Flow {
    let mut tar = match outer.again.open() {
        Ok(inner) => Counted { inner, at: 0 },
        Err(error) => return rest(session, outer, b"", "archive-damaged", 0, &error.to_string()),
    };
    match members(session, outer, &mut tar) {
        Ok(flow) => flow,
        Err(error) => rest(session, outer, b"", "archive-damaged", tar.at, &error.to_string()),
    }
}

/// Where the walk is between two files.
#[derive(Default)]
struct Walk {
    next: Next,
    /// Whether a block of zeros was met, at which other programs stop.
    ended: bool,
    /// Blocks in a row that are no header and not zeros: where the first is, and their number.
    stray: Option<(u64, u64)>,
    /// A block that was read already.
    pending: Option<[u8; BLOCK]>,
}

fn members(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    tar: &mut Counted<Box<dyn Read + '_>>,
) -> io::Result<Flow> {
    let mut walk = Walk::default();
    loop {
        let mut block = [0; BLOCK];
        match walk.pending.take() {
            Some(read) => block = read,
            None => match fill(tar, &mut block) {
                Ok(BLOCK) => {}
                Ok(0) => return Ok(strayed(session, outer, &mut walk)),
                Ok(got) => {
                    if block.iter().any(|&b| b != 0) {
                        let at = tar.at.saturating_sub(got as u64);
                        let stray = walk.stray.get_or_insert((at, 0));
                        stray.1 = stray.1.saturating_add(1);
                        let flow = strayed(session, outer, &mut walk);
                        return if flow.is_break() { Ok(flow) } else { Err(damaged(CUT_HEADER)) };
                    }
                    return Ok(strayed(session, outer, &mut walk));
                }
                Err(error) => {
                    let flow = strayed(session, outer, &mut walk);
                    return if flow.is_break() { Ok(flow) } else { Err(error) };
                }
            },
        }
        if block.iter().all(|&b| b == 0) {
            walk.ended = true;
            continue;
        }
        let at = tar.at.saturating_sub(BLOCK as u64);
        let Some(header) = Header::read(&block) else {
            let stray = walk.stray.get_or_insert((at, 0));
            stray.1 = stray.1.saturating_add(1);
            continue;
        };
        let flow = strayed(session, outer, &mut walk);
        if flow.is_break() {
            return Ok(flow);
        }
        if is_full(outer) {
            return Ok(rest_over_limit(session, outer, at));
        }
        let flow = one(session, outer, tar, &mut walk, header)?;
        if flow.is_break() {
            return Ok(flow);
        }
        // What is left of a bomb is not even skipped.
        if outer.budget.made.get() >= outer.budget.most {
            return Ok(rest_over_limit(session, outer, tar.at));
        }
    }
}

/// Tells of blocks that were passed because they are no header.
fn strayed(session: &mut Session<'_>, outer: &Outer<'_>, walk: &mut Walk) -> Flow {
    let Some((at, count)) = walk.stray.take() else { return CONTINUE };
    let what = if walk.ended {
        format!("{count} blocks behind the end of the archive are no header")
    } else {
        format!("{count} blocks where a header should be do not have the sum of one")
    };
    rest(session, outer, b"", if walk.ended { "archive-rest" } else { "archive-damaged" }, at, &what)
}

/// Reads what a header announces.
fn one(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    tar: &mut Counted<Box<dyn Read + '_>>,
    walk: &mut Walk,
    header: Header,
) -> io::Result<Flow> {
    let size = walk.next.size.take().unwrap_or(header.size);
    let padded =
        size.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| damaged("a size is out of range"))?;
    let start = tar.at;
    let mut flow = CONTINUE;
    match header.kind {
        b'L' if size <= MAX_NAME => walk.next.name = Some(text(tar, size, true)?),
        b'K' if size <= MAX_NAME => walk.next.link = Some(text(tar, size, true)?),
        b'x' | b'g' | b'X' if size <= MAX_PAX => {
            let records = text(tar, size, false)?;
            let mut global = Next::default();
            let next = if header.kind == b'g' { &mut global } else { &mut walk.next };
            if !pax(&records, next) {
                flow = rest(
                    session,
                    outer,
                    &header.name,
                    "archive-rest",
                    start,
                    "an extension header without the form of one",
                );
            }
        }
        kind => flow = file(session, outer, tar, walk, (kind, size), header)?,
    }
    if flow.is_break() || walk.pending.is_some() {
        return Ok(flow);
    }
    let left = start.saturating_add(size).saturating_sub(tar.at);
    if io::copy(&mut (&mut *tar).take(left), &mut io::sink())? < left {
        return Err(damaged(CUT_FILE));
    }
    let mut padding = [0; BLOCK];
    let length = usize::try_from(start.saturating_add(padded).saturating_sub(tar.at)).unwrap_or(0);
    let padding = padding.get_mut(..length).unwrap_or_default();
    let at = tar.at;
    if fill(tar, padding)? < length {
        return Err(damaged(CUT_FILE));
    }
    if padding.iter().any(|&b| b != 0) {
        return Ok(rest(
            session,
            outer,
            b"",
            "archive-rest",
            at,
            "bytes between two files that are not zeros",
        ));
    }
    Ok(CONTINUE)
}

const CUT_FILE: &str = "it ends in the middle of a file";
const CUT_HEADER: &str = "it ends in the middle of a header block";

/// A file, or what has a name and no bytes.
fn file(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    tar: &mut Counted<Box<dyn Read + '_>>,
    walk: &mut Walk,
    (kind, size): (u8, u64),
    header: Header,
) -> io::Result<Flow> {
    let name = walk.next.name.take().unwrap_or(header.name);
    let link = walk.next.link.take().unwrap_or(header.link);
    let mut hidden = Vec::new();
    if walk.ended {
        hidden.push("it stands behind the block of zeros that ends the archive");
    }
    let plain = matches!(kind, 0 | b'0' | b'7' | b'S');
    let folder = kind == b'5' || (plain && name.ends_with(b"/"));
    let start = tar.at;
    // A link, a device or a folder may name a size and have no bytes: then a header follows.
    let mut first = None;
    if size > 0 && matches!(kind, b'1'..=b'6') {
        let mut block = [0; BLOCK];
        match fill(tar, &mut block)? {
            BLOCK if Header::read(&block).is_some() => walk.pending = Some(block),
            BLOCK => first = Some(block),
            _ => return Err(damaged(CUT_FILE)),
        }
    }
    let what = match kind {
        b'1' => "hard link to",
        b'2' => "symbolic link, not followed, to",
        b'3' | b'4' => "device",
        b'6' => "FIFO",
        _ => "",
    };
    if walk.pending.is_some() || (size == 0 && !plain) || (size == 0 && folder) {
        if what.is_empty() && (folder || kind == b'V') {
            return Ok(CONTINUE);
        }
        let what = if what.is_empty() { "an entry of an unknown type" } else { what };
        return Ok(odd(session, outer, &name, start, what, &link));
    }
    if folder {
        hidden.push("its name is that of a folder");
    } else if !plain {
        hidden.push("its type is not that of a file");
    }
    let again = outer.again.part(start, size);
    let lead = first.unwrap_or([0; BLOCK]);
    let lead = lead
        .get(..first.map_or(0, |_| BLOCK.min(usize::try_from(size).unwrap_or(BLOCK))))
        .unwrap_or_default();
    let left = size.saturating_sub(lead.len() as u64);
    let name = name.strip_suffix(b"/").unwrap_or(&name).to_vec();
    let flow =
        member(session, outer, &name, &hidden, Box::new(lead.chain(Exact { inner: &mut *tar, left })), again);
    Ok(flow)
}

fn odd(session: &mut Session<'_>, outer: &Outer<'_>, name: &[u8], at: u64, what: &str, link: &[u8]) -> Flow {
    let what = format!("{what} {}", String::from_utf8_lossy(link));
    rest(session, outer, name, "not-mail", at, what.trim_end())
}

/// Exactly so many bytes: fewer are an error.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let n = self.inner.read(buf.get_mut(..room).unwrap_or_default())?;
        if n == 0 && room > 0 {
            return Err(damaged(CUT_FILE));
        }
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads a whole block, or what is left; answers how many bytes that is.
fn fill(tar: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut got = 0usize;
    while let Some(room) = block.get_mut(got..).filter(|room| !room.is_empty()) {
        match tar.read(room) {
            Ok(0) => return Ok(got),
            Ok(n) => got = got.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The content of an extension header; a name ends at its first NUL. A pax record may hold a NUL in a value.
fn text(tar: &mut impl Read, size: u64, is_name: bool) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    tar.take(size).read_to_end(&mut out)?;
    let end = out.iter().position(|&b| b == 0).unwrap_or(out.len());
    out.truncate(if is_name { end } else { out.len() });
    Ok(out)
}

/// Reads records `<length> <key>=<value>` LF; whether there is nothing else.
fn pax(mut records: &[u8], next: &mut Next) -> bool {
    while let Some(space) = records.iter().position(|&b| b == b' ') {
        let length =
            records.get(..space).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse().ok());
        let Some((record, rest)) = length.and_then(|length: usize| records.split_at_checked(length)) else {
            return false;
        };
        let record = record.get(space.saturating_add(1)..).unwrap_or_default();
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(value) = record.strip_prefix(b"path=") {
            next.name = Some(value.to_vec());
        } else if let Some(value) = record.strip_prefix(b"linkpath=") {
            next.link = Some(value.to_vec());
        } else if let Some(value) = record.strip_prefix(b"size=") {
            next.size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
        }
        records = rest;
    }
    records.iter().all(|&b| b == 0)
}

struct Header {
    name: Vec<u8>,
    link: Vec<u8>,
    size: u64,
    kind: u8,
}

impl Header {
    fn read(block: &[u8; BLOCK]) -> Option<Self> {
        let sum = block.iter().enumerate().fold(0u64, |sum, (at, &b)| {
            sum.saturating_add(u64::from(if (148..156).contains(&at) { b' ' } else { b }))
        });
        if number(block.get(148..156)?)? != sum {
            return None;
        }
        let mut name = string(block.get(..100)?).to_vec();
        let posix = block.get(257..263)? == b"ustar\0";
        let prefix = string(block.get(345..500)?);
        if posix && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        Some(Self {
            name,
            link: string(block.get(157..257)?).to_vec(),
            size: number(block.get(124..136)?)?,
            kind: *block.get(156)?,
        })
    }
}

fn string(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}

/// Octal digits between blanks and NULs; or, with the first bit set, a number to the base of 256.
fn number(field: &[u8]) -> Option<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |n, &b| n.checked_mul(256)?.checked_add(u64::from(b)));
    }
    let digits = string(field).trim_ascii();
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}
