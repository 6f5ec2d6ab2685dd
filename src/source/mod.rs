//! Opens evidence read-only and splits it into items; never interprets what a message says.
//!
//! [`list`] walks a source and lists what is there. [`read`] goes through the listing in order and answers with
//! [`Event`]s: for each container its bytes, cut so that every byte is in exactly one range.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::panic
    )
)]

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use crate::types::readers::ReaderVersions;
use crate::types::record;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, RelPath, Sha256Digest};

mod announced;
mod archive;
mod detect;
mod drive;
mod file;
mod follow;
mod fromline;
mod look;
mod maildir;
mod mbox;
mod mmdf;
mod peek;
mod sender;
mod session;
#[cfg(test)]
mod testing;
mod walk;
mod whole;

pub use file::FileState;
pub use follow::SEPARATOR_FIELDS;
pub use walk::list;

/// The readers of this program. A number rises when the same bytes may give other items, ranges or containers.
pub const READERS: ReaderVersions = ReaderVersions { splitter: 2, archive_walk: 2 };

/// What the files of a source are read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Each as its content says.
    #[default]
    Auto,
    /// Mboxes.
    Mbox,
    /// MMDF mailboxes.
    Mmdf,
    /// One message a file.
    Eml,
    /// One message a file, with the names of a Maildir.
    Maildir,
    /// One message a file, of an MH folder.
    Mh,
}

impl Kind {
    /// All kinds, in the order that help shows.
    pub const ALL: [Self; 6] = [Self::Auto, Self::Mbox, Self::Mmdf, Self::Eml, Self::Maildir, Self::Mh];

    /// The word that the command line and the ledger hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mbox => "mbox",
            Self::Mmdf => "mmdf",
            Self::Eml => "eml",
            Self::Maildir => "maildir",
            Self::Mh => "mh",
        }
    }

    /// The kind of that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Which `From ` lines separate the messages of an mbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// A `From ` line with a date, after an empty line; and one that a header block follows, if it holds a date or,
    /// after an empty line, nothing but a sender.
    #[default]
    Header,
    /// A `From ` line with a date, after an empty line.
    Strict,
    /// A `From ` line with a date.
    Lenient,
    /// Every `From ` line.
    Any,
}

impl Split {
    /// All of them, in the order that help shows.
    pub const ALL: [Self; 4] = [Self::Header, Self::Strict, Self::Lenient, Self::Any];

    /// The word that the command line and the ledger hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Strict => "strict",
            Self::Lenient => "lenient",
            Self::Any => "any",
        }
    }

    /// The choice of that word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.code() == code)
    }
}

/// What reading may cost. A limit that was hit is always told in [`Close::reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest range handed over in one piece, in bytes; a longer one comes as [`Long`].
    pub in_memory: usize,
    /// Bytes read before cuts are handed over.
    pub batch: usize,
    /// Largest archive unpacked from memory, in bytes; a larger one is read from its file a second time.
    pub archive_memory: usize,
    /// Archives inside archives: deepest level opened.
    pub archive_depth: u32,
    /// Files read from one archive file, at all levels.
    pub archive_entries: u64,
    /// Times its own size that an archive file may unpack to, at all levels, once that is over 16 MiB.
    pub archive_ratio: u64,
    /// Bytes that an archive file may unpack to, at all levels; `None` for no limit.
    pub archive_total: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_memory: 32 << 20,
            batch: 2 << 20,
            archive_memory: 64 << 20,
            archive_depth: 4,
            archive_entries: 10_000_000,
            archive_ratio: 250,
            archive_total: None,
        }
    }
}

/// How a source is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What its files are read as.
    pub kind: Kind,
    /// Which `From ` lines separate.
    pub split: Split,
    /// Whether the MD5 of each container is wanted too.
    pub md5: bool,
    /// Whether the SHA-1 of each container is wanted too.
    pub sha1: bool,
    /// What reading may cost.
    pub limits: Limits,
}

/// What a walk found, in byte order of the paths.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What was walked.
    pub root: PathBuf,
    /// Whether the root is a file by itself, which has its own name as its path.
    pub single: bool,
    /// Files and all else.
    pub found: Vec<Found>,
    /// Digest over one canonical line `{"path":..,"size":..,"type":..}` for each thing found, in order; the size of
    /// what is not a file is 0.
    pub digest: Sha256Digest,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Listing {
    /// Where a thing that was found lies on disk.
    pub fn place(&self, path: &RelPath) -> PathBuf {
        if self.single { self.root.clone() } else { path.below(&self.root) }
    }
}

/// One thing that a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: RelPath,
    /// What it is.
    pub what: What,
}

/// What a thing in a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A plain file, with its size in bytes as the directory told it.
    File {
        /// Size in bytes.
        size: u64,
    },
    /// Something that is not read.
    Other(Box<record::Entry>),
}

/// What reading a source tells, in order.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something that is not read.
    Entry(record::Entry),
    /// A container begins.
    Open(Open),
    /// The next bytes of the container, cut.
    Bytes(Bytes),
    /// A part of a range over [`Limits::in_memory`].
    Long(Long),
    /// The container ends.
    Close(Close),
}

/// A container begins.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its number in the source, from 1.
    pub container: u32,
    /// Number of the archive that it was unpacked from.
    pub parent: Option<u32>,
    /// Where it is.
    pub path: RelPath,
    /// `mbox`, `mmdf`, `eml`, `maildir`, `mh`, `gzip`, `bzip2`, `xz`, `zstd`, `zip`, `tar` or `other`.
    pub kind: &'static str,
    /// The file as it was before it was read; `None` inside an archive.
    pub before: Option<FileState>,
}

/// The next bytes of a container.
#[derive(Clone, Debug)]
pub struct Bytes {
    /// The bytes.
    pub data: Vec<u8>,
    /// Where in the container they begin.
    pub base: u64,
    /// What they are: covers `data` exactly, in order.
    pub cuts: Vec<Cut>,
}

/// What a stretch of bytes is. Ranges count in [`Bytes::data`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// An item; separator, body and terminator follow each other without a hole.
    Item {
        /// The bytes before it that separate; may be empty.
        separator: Range<usize>,
        /// The item.
        body: Range<usize>,
        /// The bytes after it that end it; may be empty.
        terminator: Range<usize>,
        /// How the message is made of it.
        rule: Rule,
        /// Number of lines that the rule changes.
        lines: u64,
        /// UID from `dovecot-uidlist`.
        uid: Option<u64>,
        /// What was odd; places count in the container.
        notes: Vec<Anomaly>,
    },
    /// Bytes that are no item.
    Gap {
        /// `preamble` or `gap`.
        kind: &'static str,
        /// The bytes.
        range: Range<usize>,
    },
}

/// A range over [`Limits::in_memory`], in pieces: one `Start`, `Part`s, one `End`.
#[derive(Clone, Debug)]
pub enum Long {
    /// It begins.
    Start {
        /// `None` for an item; the kind of a gap.
        gap: Option<&'static str>,
        /// The separator just before it; empty for a gap.
        separator: Vec<u8>,
        /// Where in the container it begins (after the separator).
        start: u64,
        /// The rule to apply while the pieces come in.
        rule: Rule,
        /// UID from `dovecot-uidlist`.
        uid: Option<u64>,
    },
    /// The next bytes.
    Part(Vec<u8>),
    /// It ends.
    End {
        /// Where in the container it ends.
        end: u64,
        /// The terminator just after it.
        terminator: Vec<u8>,
        /// The rule for the ledger: that of the start, or [`Rule::None`] when it changes no line.
        rule: Rule,
        /// Number of lines that the rule changes.
        lines: u64,
        /// What was odd; places count in the container.
        notes: Vec<Anomaly>,
    },
}

/// A container ends.
#[derive(Clone, Debug)]
pub struct Close {
    /// Its number.
    pub container: u32,
    /// Number of items in it.
    pub items: u64,
    /// Number of bytes read.
    pub size: u64,
    /// Digest of all bytes; `None` when the container is exactly one item and nothing else, whose digest it is.
    pub sha256: Option<Sha256Digest>,
    /// MD5 in hex, where it was asked for.
    pub md5: Option<String>,
    /// SHA-1 in hex, where it was asked for.
    pub sha1: Option<String>,
    /// Why it was not processed, or not to its end: a code of [`record::REASONS`].
    pub reason: Option<&'static str>,
    /// Where that was, and what the operating system or the unpacker said.
    pub error: Option<(u64, String)>,
    /// What was odd of the whole.
    pub notes: Vec<Anomaly>,
    /// The file as it was after it was read; `None` inside an archive.
    pub after: Option<FileState>,
    /// Whether the file changed between the two looks at it.
    pub changed: bool,
}

/// Why a source could not be read at all. What fails for a single file is an [`Event`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The operating system refused to look at the source.
    #[error("cannot read {}", path.display())]
    Root {
        /// The source.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There are more containers than ids can name.
    #[error("{} holds more than {limit} containers", path.display())]
    TooMany {
        /// The source.
        path: PathBuf,
        /// Most that ids can name.
        limit: u32,
    },
}

/// Reads what `listing` names and hands it to `sink`, container by container, until all is read or `sink` breaks.
///
/// # Errors
/// [`SourceError::TooMany`]; all else that goes wrong is told by events, and reading goes on.
pub fn read(
    listing: &Listing,
    options: &Options,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), SourceError> {
    session::Session::new(options, sink).run(listing)
}

/// What the ledger holds of a file that could not be opened.
pub fn unreadable(path: &RelPath, error: &io::Error) -> record::Entry {
    let note = Some(error.to_string().into_bytes());
    record::Entry { path: path.clone(), kind: "unreadable".to_owned(), note }
}

/// Opens a file of the source for reading only, without following a link, waiting for a writer or touching its access
/// time where the system allows that.
///
/// # Errors
/// What the operating system says, and `InvalidInput` for anything but a plain file.
pub fn open(path: &Path) -> io::Result<(File, FileState)> {
    file::open(path)
}
