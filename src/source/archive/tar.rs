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

fn members(
    session: &mut Session<'_>,
    outer: &Outer<'_>,
    tar: &mut Counted<Box<dyn Read + '_>>,
) -> io::Result<Flow> {
    let mut next = Next::default();
    loop {
        let mut block = [0; BLOCK];
        if !fill(tar, &mut block)? || block.iter().all(|&b| b == 0) {
            return Ok(CONTINUE);
        }
        let header =
            Header::read(&block).ok_or_else(|| damaged("a header block does not have the sum it names"))?;
        let size = next.size.take().unwrap_or(header.size);
        let padded =
            size.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| damaged("a size is out of range"))?;
        let end = tar.at.saturating_add(padded);
        match header.kind {
            b'L' => next.name = Some(text(tar, size, MAX_NAME)?),
            b'K' => next.link = Some(text(tar, size, MAX_NAME)?),
            b'x' => pax(&text(tar, size, MAX_PAX)?, &mut next),
            b'g' => {}
            kind => {
                if is_full(outer) {
                    return Ok(rest_over_limit(session, outer, tar.at.saturating_sub(BLOCK as u64)));
                }
                let name = next.name.take().unwrap_or(header.name);
                let link = next.link.take().unwrap_or(header.link);
                let flow = match kind {
                    0 | b'0' | b'7' | b'S' if !name.ends_with(b"/") => {
                        let again = outer.again.part(tar.at, size);
                        let reader = Exact { inner: &mut *tar, left: size };
                        member(session, outer, &name, Box::new(reader), again)
                    }
                    1 | b'1' => odd(session, outer, &name, tar.at, "hard link to", &link),
                    b'2' => odd(session, outer, &name, tar.at, "symbolic link, not followed, to", &link),
                    b'3' | b'4' => odd(session, outer, &name, tar.at, "device", b""),
                    b'6' => odd(session, outer, &name, tar.at, "FIFO", b""),
                    _ => CONTINUE,
                };
                if flow.is_break() {
                    return Ok(flow);
                }
                // What is left of a bomb is not even skipped.
                if outer.budget.made.get() >= outer.budget.most {
                    return Ok(rest_over_limit(session, outer, tar.at));
                }
            }
        }
        let left = end.saturating_sub(tar.at);
        if io::copy(&mut (&mut *tar).take(left), &mut io::sink())? < left {
            return Err(damaged("it ends in the middle of a file"));
        }
    }
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
            return Err(damaged("it ends in the middle of a file"));
        }
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads a whole block; `false` at the end of the archive.
fn fill(tar: &mut impl Read, block: &mut [u8]) -> io::Result<bool> {
    let mut got = 0usize;
    while let Some(room) = block.get_mut(got..).filter(|room| !room.is_empty()) {
        match tar.read(room) {
            Ok(0) if got == 0 => return Ok(false),
            Ok(0) => return Err(damaged("it ends in the middle of a header block")),
            Ok(n) => got = got.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The content of an extension header, without a NUL at its end.
fn text(tar: &mut impl Read, size: u64, most: u64) -> io::Result<Vec<u8>> {
    if size > most {
        return Err(damaged("an extension header is over the limit"));
    }
    let mut out = Vec::new();
    tar.take(size).read_to_end(&mut out)?;
    let end = out.iter().position(|&b| b == 0).unwrap_or(out.len());
    // A pax record may hold a NUL in a value that we do not need.
    out.truncate(if most == MAX_NAME { end } else { out.len() });
    Ok(out)
}

/// Records `<length> <key>=<value>` LF.
fn pax(mut records: &[u8], next: &mut Next) {
    while let Some(space) = records.iter().position(|&b| b == b' ') {
        let length =
            records.get(..space).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse().ok());
        let Some((record, rest)) = length.and_then(|length: usize| records.split_at_checked(length)) else {
            return;
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
