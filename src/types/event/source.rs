//! What events tell of sources that are files: how one was named on this machine, how far it is read, how its files
//! stood.

use crate::types::Sha256Digest;
use crate::types::json::{self, Obj, Value};
use crate::types::readers::ReaderVersions;

use super::fields::{Fields, KeyUnread, only_true};

/// A source as the examiner named it, and as the walk found it, in one import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceNaming {
    /// Bytes of all files that the walk found.
    pub bytes: u64,
    /// Where the path really led; `None` when the system did not say.
    pub canonical: Option<Vec<u8>>,
    /// Number of things that the walk found.
    pub entries: u64,
    /// Exhibit label.
    pub label: Option<String>,
    /// Digest of the listing.
    pub listing: Sha256Digest,
    /// The examiner's note.
    pub note: Option<String>,
    /// As what it was to be read: `auto` or a kind.
    pub kind: String,
    /// Whether MD5 is recorded too.
    pub md5: bool,
    /// Whether SHA-1 is recorded too.
    pub sha1: bool,
    /// Which `From ` lines separate.
    pub split: String,
    /// The path as given.
    pub path: Vec<u8>,
}

/// What the file system says of all files of a source: `stat` of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStamps {
    /// Number of the mount that they lie on.
    pub mount: u64,
    /// Whether a file had changed so shortly before that a later change may have the same times.
    pub is_recent: bool,
    /// Digest of paths, sizes, times, devices and inodes.
    pub sha256: Sha256Digest,
}

impl SourceStamps {
    pub(super) fn write(stat: Option<&Self>, o: &mut Obj<'_>) {
        let Some(stat) = stat else { return };
        o.obj("stat", |o| {
            o.uint("mount", stat.mount);
            only_true(o, "recent", stat.is_recent);
            o.digest("sha256", &stat.sha256);
        });
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Option<Self>, KeyUnread> {
        of.object("stat", |o| {
            Ok(Self {
                mount: o.uint("mount")?,
                is_recent: o.opt_flag("recent")?.unwrap_or_default(),
                sha256: o.digest("sha256")?,
            })
        })
    }
}

impl SourceNaming {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.uint("bytes", self.bytes);
        if let Some(canonical) = &self.canonical {
            o.text("canonical", canonical);
        }
        o.uint("entries", self.entries);
        if let Some(label) = &self.label {
            o.str("label", label);
        }
        o.digest("listing", &self.listing);
        if let Some(note) = &self.note {
            o.str("note", note);
        }
        o.obj("options", |o| {
            o.str("kind", &self.kind).bool("md5", self.md5).bool("sha1", self.sha1);
            o.str("split", &self.split);
        });
        o.text("path", &self.path);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let options =
            of.object("options", |o| Ok((o.str("kind")?, o.flag("md5")?, o.flag("sha1")?, o.str("split")?)))?;
        let (kind, md5, sha1, split) = options.ok_or(KeyUnread("options"))?;
        Ok(Self {
            bytes: of.uint("bytes")?,
            canonical: of.opt_text("canonical")?,
            entries: of.uint("entries")?,
            label: of.opt_str("label")?,
            listing: of.digest("listing")?,
            note: of.opt_str("note")?,
            kind,
            md5,
            sha1,
            split,
            path: of.text("path")?,
        })
    }

    /// Where the source was: the real path, or the one that was given.
    pub fn place(&self) -> &[u8] {
        self.canonical.as_ref().unwrap_or(&self.path)
    }
}

/// The readers that made a segment; the first ones where an event names none.
pub(super) fn readers(of: Fields<'_>) -> Result<ReaderVersions, KeyUnread> {
    let number = |of: Fields<'_>, key| u32::try_from(of.uint(key)?).map_err(|_| KeyUnread(key));
    let read = of.object("readers", |of| {
        Ok(ReaderVersions { splitter: number(of, "splitter")?, archive_walk: number(of, "archive_walk")? })
    })?;
    Ok(read.unwrap_or(ReaderVersions::FIRST))
}

/// What the file system said of a container's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStateRow {
    /// Number of the container in its source.
    pub container: u32,
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
    /// Last change of content, name count, owner or mode, in the same unit.
    pub ctime_ns: i64,
    /// Last reading, in the same unit.
    pub atime_ns: i64,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// File type and permission bits.
    pub mode: u32,
    /// Number of names.
    pub nlink: u64,
}

/// Rows `[c, size, mtime, ctime, atime, device, inode, mode, nlink]`, kept as they are written. A Maildir has one for
/// each message: as objects with named keys they took more room than the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStateRows {
    // The elements of the array with commas between them.
    rows: Vec<u8>,
}

impl FileStateRows {
    /// Adds a row.
    pub fn push(&mut self, row: &FileStateRow) {
        let out = &mut self.rows;
        if !out.is_empty() {
            out.push(b',');
        }
        out.push(b'[');
        json::uint(out, u64::from(row.container));
        out.push(b',');
        json::uint(out, row.size);
        for ns in [row.mtime_ns, row.ctime_ns, row.atime_ns] {
            out.push(b',');
            json::string(out, &seconds(ns));
        }
        for number in [row.device, row.inode, u64::from(row.mode), row.nlink] {
            out.push(b',');
            json::uint(out, number);
        }
        out.push(b']');
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes that they take in an event.
    pub fn size_bytes(&self) -> usize {
        self.rows.len()
    }

    /// The rows, in the order they were added.
    pub fn rows(&self) -> Vec<FileStateRow> {
        let list = json::read(&[b"[", self.rows.as_slice(), b"]"].concat());
        let rows = list.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter_map(read_row).collect()
    }

    pub(super) fn write(&self, key: &'static str, o: &mut Obj<'_>) {
        if !self.is_empty() {
            o.raw(key, &[b"[", self.rows.as_slice(), b"]"].concat());
        }
    }

    pub(super) fn read(of: Fields<'_>, key: &'static str) -> Result<Self, KeyUnread> {
        let mut rows = Self::default();
        of.list(key, read_row)?.iter().for_each(|row| rows.push(row));
        Ok(rows)
    }
}

fn read_row(value: &Value) -> Option<FileStateRow> {
    let number = |nth: usize| value.get(nth)?.as_u64();
    let time = |nth: usize| nanoseconds(value.get(nth)?.as_str()?);
    Some(FileStateRow {
        container: u32::try_from(number(0)?).ok()?,
        size: number(1)?,
        mtime_ns: time(2)?,
        ctime_ns: time(3)?,
        atime_ns: time(4)?,
        device: number(5)?,
        inode: number(6)?,
        mode: u32::try_from(number(7)?).ok()?,
        nlink: number(8)?,
    })
}

/// Nanoseconds as decimal seconds. Text, because a number of that length is not exact in JSON (RFC 8785, 3.2.2.3).
fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let text = format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads what [`seconds`] writes.
fn nanoseconds(text: &str) -> Option<i64> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if part.len() > 9 || !part.bytes().chain(whole.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ns = whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?;
    let ns = ns.checked_add(format!("{part:0<9}").parse().ok()?)?;
    Some(if is_negative { -ns } else { ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_every_nanosecond() {
        for (ns, text) in [
            (1_763_626_504_123_456_789, "1763626504.123456789"),
            (1_763_626_500_000_000_000, "1763626500"),
            (-1_500_000_000, "-1.5"),
            (0, "0"),
        ] {
            assert_eq!(seconds(ns), text);
            assert_eq!(nanoseconds(text), Some(ns));
        }
        for none in ["", ".", "1.0000000001", "x", "1.-5", "+1", "99999999999999999999"] {
            assert_eq!(nanoseconds(none), None, "{none}");
        }
    }

    #[test]
    fn rows_are_written_in_the_order_of_the_format_and_come_back() {
        let mut rows = FileStateRows::default();
        let row = |container| FileStateRow {
            container,
            size: 7,
            mtime_ns: 1_500_000_000,
            inode: 3,
            ..FileStateRow::default()
        };
        rows.push(&row(1));
        rows.push(&row(2));
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        rows.write("files_before", &mut o);
        FileStateRows::default().write("none", &mut o);
        o.end();
        let text = "7,\"1.5\",\"0\",\"0\",0,3,0,0]";
        assert_eq!(String::from_utf8_lossy(&out), format!("{{\"files_before\":[[1,{text},[2,{text}]}}"));
        assert_eq!(rows.rows(), [row(1), row(2)]);
        let value = json::read(&out).unwrap();
        assert_eq!(FileStateRows::read(Fields(&value), "files_before"), Ok(rows));
    }
}
