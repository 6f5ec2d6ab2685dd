//! Keeps the record of a case: blobs in packs, the ledger, the custody log. The only writer of evidence bytes.
//!
//! [`Writer`] appends and commits, [`Reader`] believes only what a committed event covers. `docs/format.md` is the
//! norm for every byte written here.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

mod case;
mod chain;
#[cfg(test)]
mod crash_tests;
mod custody;
mod disk;
mod framed;
#[cfg(test)]
mod framed_tests;
mod layout;
mod lines;
mod lock;
mod long;
pub mod pack;
mod reader;
mod recover;
pub mod restore;
mod segment;
mod tail;
mod turn;
#[cfg(test)]
mod turn_tests;
mod writer;

pub use crate::types::event::Cut;
pub use case::{CaseInfo, Run, State, state};
pub use chain::{Chain, Trouble, read_chain, version_of};
pub use custody::{Event, Head, PackedStretch, Stretch};
pub use disk::{open_read, read_small};
pub use framed::{LineForm, LineFrame, lines_digest};
pub use layout::{FileKind, Layout};
pub use lines::{Line, Lines, MAX_LINE};
pub use lock::is_being_written;
pub use long::Streamed;
pub use pack::{BlobAt, Frame, FrameAt, FrameLine, Packer, pack};
pub use reader::{Events, Frames, Reader, Records};
pub use segment::{SegmentInfo, SegmentState, source_id};
pub use turn::append_event;
pub use writer::Writer;

/// The format version of the cases that this program makes, and the highest that it reads and writes.
pub const VERSION: u32 = 3;

/// The first format version that has lines of accounts in its ledger.
pub const ACCOUNTS: u32 = 2;

/// The first format version that keeps the lines of packs and ledger as zstd frames.
pub const FRAMED: u32 = 3;

/// Why the record of a case could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused; the disk may be full.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// `read`, `write`, `flush` ..
        what: &'static str,
        /// Of what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is no case at this place.
    #[error("{} is no case", path.display())]
    NotACase {
        /// The place.
        path: PathBuf,
    },
    /// A case cannot be made where something else lies.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The place.
        path: PathBuf,
    },
    /// Somebody else is writing to the case.
    #[error("{} is being written to by {}", path.display(), pid.map_or_else(|| "another process".to_owned(), |p| format!("process {p}")))]
    Locked {
        /// The case.
        path: PathBuf,
        /// The process that says it holds the lock.
        pid: Option<u32>,
    },
    /// Somebody else holds the case, and the custody log ends in what a write that was cut off has left.
    #[error("{} ends in a write that was cut off, at byte {offset}", path.display())]
    Unsettled {
        /// The log.
        path: PathBuf,
        /// Just past its last event.
        offset: u64,
    },
    /// A newer program wrote the case.
    #[error("{} has format {found}, this program reads up to {VERSION}", path.display())]
    NewerFormat {
        /// The case.
        path: PathBuf,
        /// The version found.
        found: u64,
    },
    /// The record is damaged in a way that no crash explains; `verify` says more.
    #[error("{} is damaged at byte {offset}: {trouble}", path.display())]
    Damaged {
        /// The file of the record.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        trouble: Trouble,
    },
    /// A write failed before; the writer must be dropped and the case opened again.
    #[error("an earlier write to the case failed: could not {what} {}", path.display())]
    Broken {
        /// What failed first: `write`, `flush` ..
        what: &'static str,
        /// Of what.
        path: PathBuf,
        /// What the operating system, or the store, said then.
        source: io::Error,
    },
    /// The case was made by an older program, in a format that has no place for what is to be written.
    #[error("{} has format {found}, which has no place for accounts", path.display())]
    OlderFormat {
        /// The case.
        path: PathBuf,
        /// The version found.
        found: u64,
    },
    /// What was to be committed is not a canonical JSON object, or not whole lines.
    #[error("data of event {kind} is not in canonical form")]
    NotCanonical {
        /// Type of the event.
        kind: String,
    },
    /// A limit of the format is reached.
    #[error("the case holds no more than {limit} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many.
        limit: u64,
    },
    /// A long blob is still being written; it must be ended or given up first.
    #[error("a long blob is still being written")]
    Busy,
    /// Bytes read back are not those that were stored.
    #[error("the blob {sha256} in {} does not have its digest any more", path.display())]
    BlobMismatch {
        /// The blob.
        sha256: crate::types::Sha256Digest,
        /// The pack.
        path: PathBuf,
    },
    /// The ledger names a blob that is in no pack.
    #[error("the blob {sha256} is in no pack")]
    BlobMissing {
        /// The blob.
        sha256: crate::types::Sha256Digest,
    },
    /// There is no container of this id, or not all of it is there.
    #[error("there is no whole container {id}")]
    NoContainer {
        /// The id.
        id: crate::types::ContainerId,
    },
    /// A blob is longer than what is taken into memory; it can only be copied out.
    #[error("blob of {len} bytes is too long to hold in memory")]
    TooLong {
        /// Its length.
        len: u64,
    },
}

impl StoreError {
    /// The operating system refused to do `what` to `path`.
    pub fn io(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { what, path: path.into(), source }
    }

    /// What every later call is told of this error, which was the first.
    fn broken(&self, layout: &Layout) -> Self {
        let (what, path, source) = match self {
            Self::Io { what, path, source } | Self::Broken { what, path, source } => {
                let again = match source.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(source.kind(), source.to_string()),
                };
                (*what, path.clone(), again)
            }
            other => ("write", layout.root().to_owned(), io::Error::other(other.to_string())),
        };
        Self::Broken { what, path, source }
    }
}
