//! The lines of the item ledger (docs/format.md, "Ledger"): written as canonical JSON, final once written.
//!
//! One ledger segment holds one source, in this order: one [`SourceHead`]; then, in byte order of their paths, for each
//! thing found in the source either an [`Entry`] (what is not a file that was read), a [`File`] (a file that is exactly
//! one message), or a [`Container`] with its [`Item`]s and [`Gap`]s and its [`End`]; and one [`Closed`]. What was
//! acquired from an account begins with an [`Account`]; then come [`Folder`]s with their [`File`]s and, for what was
//! left on the server, [`Entry`]s.

use serde_json::Value;

use super::anomaly::{Anomaly, AnomalyKind};
use super::digest::Sha256Digest;
use super::json::{self, Obj};
use super::path::RelPath;
use super::range::ByteRange;
use super::server::ServerState;
use super::unescape::Rule;

pub use super::account::{Account, Folder, LEFT};
pub use super::source_digest::SourceDigest;

/// One line of a ledger segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// First line.
    Source(SourceHead),
    /// First line of what was acquired from an account.
    Account(Account),
    /// A folder of the account.
    Folder(Folder),
    /// Something that was not read.
    Entry(Entry),
    /// A file that is exactly one message.
    File(File),
    /// A container begins.
    Container(Container),
    /// An item of the container that has begun.
    Item(Item),
    /// Bytes of the container that are no item.
    Gap(Gap),
    /// The container ends.
    End(End),
    /// Last line.
    Closed(Closed),
}

/// What a source is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHead {
    /// Number of things (files and others) that the walk found.
    pub entries: u64,
    /// `auto`, or the kind that the examiner named.
    pub kind: String,
    /// Digest of the listing: one line `{"path":..,"size":..,"type":..}` for each thing, in order.
    pub listing: Sha256Digest,
    /// `strict`, `lenient` or `any`: which `From ` lines separate.
    pub split: String,
}

/// Something in the source that is not read: a link, a device, an empty folder, a file that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: RelPath,
    /// `symlink`, `fifo`, `socket`, `device`, `directory` (an empty one) or `unreadable`; of an account one of
    /// [`LEFT`].
    pub kind: String,
    /// Where a symlink points; what the operating system said of an unreadable one; the rule or cause of [`LEFT`].
    pub note: Option<Vec<u8>>,
}

/// A file that is exactly one message: container, item and end in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Number of the container in its source, from 1.
    pub container: u32,
    /// Number of the archive container that holds it.
    pub parent: Option<u32>,
    /// `eml`, `maildir`, `mh`, `imap` or `pop3`.
    pub kind: String,
    /// Where it is.
    pub path: RelPath,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Sha256Digest,
    /// Digest of the wire form.
    pub wire: Sha256Digest,
    /// UID from `dovecot-uidlist` or of IMAP.
    pub uid: Option<u64>,
    /// What the server said of it, for `imap` and `pop3`.
    pub server: Option<Box<ServerState>>,
    /// What the reader of the source saw.
    pub notes: Vec<Anomaly>,
}

/// A container begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Number in its source, from 1.
    pub container: u32,
    /// Number of the archive container that holds it.
    pub parent: Option<u32>,
    /// `mbox`, `mmdf`, `eml`, `maildir`, `mh`, `gzip`, `bzip2`, `xz`, `zstd`, `zip`, `tar` or `other`.
    pub kind: String,
    /// Where it is.
    pub path: RelPath,
}

/// An item: the bytes `start..end` of its container, with the separator before and the terminator after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Number of the container.
    pub container: u32,
    /// Number in the container, from 1.
    pub number: u32,
    /// The separator: the bytes just before `start` (a `From ` line); may be empty.
    pub separator: Vec<u8>,
    /// First byte of the item.
    pub start: u64,
    /// Just past its last byte.
    pub end: u64,
    /// The terminator: the bytes just after `end` (an empty line); may be empty.
    pub terminator: Vec<u8>,
    /// Digest of the bytes `start..end` as found.
    pub sha256: Sha256Digest,
    /// How the message is made of them.
    pub rule: Rule,
    /// Number of lines that the rule changes.
    pub lines: u64,
    /// Digest of the wire form of the message.
    pub wire: Sha256Digest,
    /// UID from the container.
    pub uid: Option<u64>,
    /// What the splitter saw; places count in the container.
    pub notes: Vec<Anomaly>,
}

/// Bytes of a container that are no item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Number of the container.
    pub container: u32,
    /// `preamble` (before the first item), `separator` or `terminator` (too long to stand in an item's line), or `gap`.
    pub kind: String,
    /// First byte.
    pub start: u64,
    /// Just past the last.
    pub end: u64,
    /// Digest of the bytes, which are a blob.
    pub sha256: Sha256Digest,
}

/// The container ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Number of the container.
    pub container: u32,
    /// Number of items in it.
    pub items: u64,
    /// Size in bytes.
    pub size: u64,
    /// Digest of all its bytes.
    pub sha256: Sha256Digest,
    /// MD5 in hex, where it was asked for.
    pub md5: Option<String>,
    /// SHA-1 in hex, where it was asked for.
    pub sha1: Option<String>,
    /// Why it was not processed, or not to its end: a code of [`REASONS`].
    pub reason: Option<String>,
    /// Where in the container that was, and what the operating system or the unpacker said.
    pub error: Option<(u64, String)>,
    /// What the splitter saw of the whole.
    pub notes: Vec<Anomaly>,
}

/// The source ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Digest of the source: see [`SourceDigest`].
    pub id: Sha256Digest,
    /// Number of containers.
    pub containers: u64,
    /// Number of items.
    pub items: u64,
    /// Bytes of all files of the source (what is inside archives not counted again).
    pub bytes: u64,
}

/// Why a container was not processed, or not to its end.
pub const REASONS: &[(&str, &str)] = &[
    ("empty", "there is no byte in it"),
    ("not-mail", "its content is no mail format that we know"),
    ("mailbox-state", "a file in which a mail program keeps the state of a mailbox"),
    ("unsupported-pst", "an Outlook PST or OST file, which this version does not read"),
    ("unsupported-msg", "an Outlook MSG or other OLE file, which this version does not read"),
    ("unsupported-emlx", "an Apple Mail EMLX file, which this version does not read"),
    ("unsupported-tnef", "a TNEF (winmail.dat) file, which this version does not read"),
    ("unsupported-dbx", "an Outlook Express DBX file, which this version does not read"),
    ("unsupported-oe4", "an Outlook Express 4 store (MBX), which this version does not read"),
    ("unsupported-olm", "an Outlook for Mac OLM file, which this version does not read"),
    ("unsupported-utf16", "text in UTF-16, which no mail format uses"),
    ("unsupported-cr", "lines end in CR alone, which this version does not split"),
    ("encrypted", "its content is encrypted"),
    ("archive-opened", "an archive; what is in it follows"),
    ("archive-limit", "an archive whose content is over a limit; what was unpacked before follows"),
    ("archive-damaged", "an archive that could not be unpacked to its end; what was unpacked before follows"),
    ("archive-rest", "bytes of an archive that belong to none of its files"),
    ("unreadable", "the operating system refused to read it to its end"),
];

/// The word that people are shown for a reason. The record keeps the words that it has: `not-mail` says more than was
/// found out, since a format that nobody here knows may hold mail.
pub fn shown_reason(code: &str) -> &str {
    if code == "not-mail" { "unrecognised" } else { code }
}

impl Record {
    /// Appends the line with its LF.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        match self {
            Self::Account(r) => r.write(out),
            Self::Folder(r) => r.write(out),
            _ => self.write_object(out),
        }
        out.push(b'\n');
    }

    fn write_object(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        match self {
            Self::Account(_) | Self::Folder(_) => {}
            Self::Source(r) => {
                o.uint("entries", r.entries).str("kind", &r.kind).digest("listing", &r.listing);
                o.str("split", &r.split).str("t", "source").uint("v", 1);
            }
            Self::Entry(r) => {
                if let Some(note) = &r.note {
                    o.text("note", note);
                }
                o.text("path", r.path.as_bytes()).str("t", "entry").str("type", &r.kind);
            }
            Self::File(r) => {
                o.uint("c", u64::from(r.container)).str("kind", &r.kind);
                notes(&mut o, &r.notes);
                if let Some(parent) = r.parent {
                    o.uint("parent", u64::from(parent));
                }
                o.text("path", r.path.as_bytes());
                if let Some(server) = &r.server {
                    let mut said = Vec::with_capacity(128);
                    server.write(&mut said);
                    o.raw("server", &said);
                }
                o.digest("sha256", &r.sha256).uint("size", r.size).str("t", "file");
                uid_and_wire(&mut o, r.uid, &r.wire, &r.sha256);
            }
            Self::Container(r) => {
                o.uint("c", u64::from(r.container)).str("kind", &r.kind);
                if let Some(parent) = r.parent {
                    o.uint("parent", u64::from(parent));
                }
                o.text("path", r.path.as_bytes()).str("t", "container");
            }
            Self::Item(r) => {
                o.uint("c", u64::from(r.container)).uint("end", r.end);
                if r.lines > 0 {
                    o.uint("lines", r.lines);
                }
                o.uint("n", u64::from(r.number));
                notes(&mut o, &r.notes);
                if r.rule != Rule::None {
                    o.str("rule", r.rule.code());
                }
                if !r.separator.is_empty() {
                    o.text("sep", &r.separator);
                }
                o.digest("sha256", &r.sha256).uint("start", r.start).str("t", "item");
                if !r.terminator.is_empty() {
                    o.text("tail", &r.terminator);
                }
                uid_and_wire(&mut o, r.uid, &r.wire, &r.sha256);
            }
            Self::Gap(r) => {
                o.uint("c", u64::from(r.container)).uint("end", r.end).str("kind", &r.kind);
                o.digest("sha256", &r.sha256).uint("start", r.start).str("t", "gap");
            }
            Self::End(r) => {
                o.uint("c", u64::from(r.container));
                if let Some((at, what)) = &r.error {
                    o.obj("error", |o| {
                        o.uint("at", *at).str("what", what);
                    });
                }
                o.uint("items", r.items);
                if let Some(md5) = &r.md5 {
                    o.str("md5", md5);
                }
                notes(&mut o, &r.notes);
                if let Some(reason) = &r.reason {
                    o.str("reason", reason);
                }
                if let Some(sha1) = &r.sha1 {
                    o.str("sha1", sha1);
                }
                o.digest("sha256", &r.sha256).uint("size", r.size).str("t", "end");
            }
            Self::Closed(r) => {
                o.uint("bytes", r.bytes).uint("containers", r.containers).digest("id", &r.id);
                o.uint("items", r.items).str("t", "closed");
            }
        }
        o.end();
    }

    /// Reads a line, without its LF.
    ///
    /// # Errors
    /// [`NotARecord`] when the line is no record, or is not in the one canonical form of the record it holds.
    pub fn parse(line: &[u8]) -> Result<Self, NotARecord> {
        let value: Value = serde_json::from_slice(line).map_err(|_| NotARecord)?;
        let record = read(&value).ok_or(NotARecord)?;
        let mut again = Vec::with_capacity(line.len() + 1);
        record.write_line(&mut again);
        if again.split_last().is_some_and(|(_, body)| body == line) { Ok(record) } else { Err(NotARecord) }
    }
}

/// The line is no ledger record in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a ledger record in canonical form")]
pub struct NotARecord;

fn uid_and_wire(o: &mut Obj<'_>, uid: Option<u64>, wire: &Sha256Digest, sha256: &Sha256Digest) {
    if let Some(uid) = uid {
        o.uint("uid", uid);
    }
    if wire != sha256 {
        o.digest("wire", wire);
    }
}

fn notes(o: &mut Obj<'_>, notes: &[Anomaly]) {
    if !notes.is_empty() {
        o.arr("notes", notes, write_anomaly);
    }
}

/// Writes an anomaly as `{"at":[start,end],"code":..,"detail":..}`; `at` and `detail` only where there are any.
pub fn write_anomaly(out: &mut Vec<u8>, note: &Anomaly) {
    let mut o = Obj::new(out);
    if let Some(at) = note.at {
        o.arr("at", [at.start(), at.end()], json::uint);
    }
    o.str("code", note.kind.code());
    if let Some(detail) = &note.detail {
        o.str("detail", detail);
    }
    o.end();
}

/// Reads an anomaly that [`write_anomaly`] wrote.
pub fn read_anomaly(v: &Value) -> Option<Anomaly> {
    let kind = AnomalyKind::from_code(v.get("code")?.as_str()?)?;
    let at = match v.get("at") {
        Some(at) => Some(ByteRange::new(at.get(0)?.as_u64()?, at.get(1)?.as_u64()?)?),
        None => None,
    };
    let detail = v.get("detail").and_then(Value::as_str).map(Into::into);
    Some(Anomaly { kind, at, detail })
}

fn read(v: &Value) -> Option<Record> {
    let num = |key: &str| v.get(key).and_then(Value::as_u64);
    let small = |key: &str| num(key).and_then(|n| u32::try_from(n).ok());
    let word = |key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    let digest = |key: &str| v.get(key).and_then(Value::as_str).and_then(|t| t.parse::<Sha256Digest>().ok());
    let path = || v.get("path").and_then(json::text_of).map(RelPath::new);
    let noted = || match v.get("notes") {
        Some(list) => list.as_array()?.iter().map(read_anomaly).collect(),
        None => Some(Vec::new()),
    };
    Some(match v.get("t")?.as_str()? {
        "source" => Record::Source(SourceHead {
            entries: num("entries")?,
            kind: word("kind")?,
            listing: digest("listing")?,
            split: word("split")?,
        }),
        "entry" => Record::Entry(Entry {
            path: path()?,
            kind: word("type")?,
            note: v.get("note").and_then(json::text_of),
        }),
        "file" => {
            let sha256 = digest("sha256")?;
            Record::File(File {
                container: small("c")?,
                parent: small("parent"),
                kind: word("kind")?,
                path: path()?,
                size: num("size")?,
                sha256,
                wire: digest("wire").unwrap_or(sha256),
                uid: num("uid"),
                server: match v.get("server") {
                    Some(said) => Some(Box::new(ServerState::read(said)?)),
                    None => None,
                },
                notes: noted()?,
            })
        }
        "account" => Record::Account(Account::read(v)?),
        "folder" => Record::Folder(Folder::read(v)?),
        "container" => Record::Container(Container {
            container: small("c")?,
            parent: small("parent"),
            kind: word("kind")?,
            path: path()?,
        }),
        "item" => {
            let sha256 = digest("sha256")?;
            let bytes = |key: &str| v.get(key).and_then(json::text_of).unwrap_or_default();
            Record::Item(Item {
                container: small("c")?,
                number: small("n")?,
                separator: bytes("sep"),
                start: num("start")?,
                end: num("end").filter(|&end| Some(end) >= num("start"))?,
                terminator: bytes("tail"),
                sha256,
                rule: match word("rule") {
                    Some(code) => Rule::from_code(&code)?,
                    None => Rule::None,
                },
                lines: num("lines").unwrap_or(0),
                wire: digest("wire").unwrap_or(sha256),
                uid: num("uid"),
                notes: noted()?,
            })
        }
        "gap" => Record::Gap(Gap {
            container: small("c")?,
            kind: word("kind")?,
            start: num("start")?,
            end: num("end").filter(|&end| Some(end) >= num("start"))?,
            sha256: digest("sha256")?,
        }),
        "end" => Record::End(End {
            container: small("c")?,
            items: num("items")?,
            size: num("size")?,
            sha256: digest("sha256")?,
            md5: word("md5"),
            sha1: word("sha1"),
            reason: word("reason"),
            error: match v.get("error") {
                Some(e) => Some((e.get("at")?.as_u64()?, e.get("what")?.as_str()?.to_owned())),
                None => None,
            },
            notes: noted()?,
        }),
        "closed" => Record::Closed(Closed {
            id: digest("id")?,
            containers: num("containers")?,
            items: num("items")?,
            bytes: num("bytes")?,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
