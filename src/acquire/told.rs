//! What an account tells while it is copied, in the order of the ledger: folders in byte order of their paths, messages
//! by ascending UID.

use crate::types::server::ServerState;
use crate::types::{Anomaly, RelPath};

use super::Session;

/// One thing that an acquisition tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// A connection stands and is signed in.
    Session(Box<Session>),
    /// A folder was opened read-only.
    Folder(Folder),
    /// A message, whole.
    Message(Message),
    /// A message over the limit of memory begins; `Part`s and one `LongEnd` follow.
    LongStart {
        /// Where it is.
        at: Place,
    },
    /// The next bytes of it.
    Part(Vec<u8>),
    /// It ends, whole.
    LongEnd {
        /// What the server said of it.
        server: ServerState,
        /// What was odd.
        notes: Vec<Anomaly>,
    },
    /// It broke off before its end: nothing of it counts; a `Left` says why, or the run ends here.
    LongBroken,
    /// A message that was listed and not taken.
    Left(Left),
    /// A folder is done; its books.
    FolderEnd(Books),
    /// The next bytes of the transcript.
    Transcript(Vec<u8>),
    /// Something that an examiner should know of, for the exception log.
    Notice(Notice),
    /// The server gave another body for a message than the one that is told as the message. It is told before that one,
    /// so that no break can come between them and lose it.
    Other(Other),
    /// So many messages of a folder were fetched a second time. Told before the messages themselves.
    Refetched(Refetched),
}

/// A further body of a message, which is not alike the one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// What is said of it; names the message and both digests.
    pub notice: Notice,
    /// Its bytes, to be kept beside the message.
    pub bytes: Vec<u8>,
}

/// What came of fetching messages a second time; to be added to what was told before of the same folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refetched {
    /// Path of the folder.
    pub path: RelPath,
    /// Both times the same bytes came.
    pub alike: u64,
    /// Other bytes came the second time.
    pub differ: u64,
    /// The second time nothing came.
    pub failed: u64,
}

impl Refetched {
    /// Adds what was told later; of which folder stays.
    pub fn add(&mut self, more: &Self) {
        self.alike = self.alike.saturating_add(more.alike);
        self.differ = self.differ.saturating_add(more.differ);
        self.failed = self.failed.saturating_add(more.failed);
    }

    /// How many messages.
    pub fn all(&self) -> u64 {
        self.alike.saturating_add(self.differ).saturating_add(self.failed)
    }
}

/// Where a message is on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path of the folder with its epoch, then the message: `INBOX/Sent;UIDVALIDITY=17/;UID=4` (RFC 5092), or
    /// `INBOX/;UIDL=..` for POP3. Unique in the account, and never `.`, `..` or a control character in a name.
    pub path: RelPath,
    /// UID of IMAP, or place in the listing of POP3.
    pub uid: u64,
}

/// A folder, as the server described it when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Path with its epoch: `INBOX/Sent;UIDVALIDITY=17`; `INBOX` for POP3.
    pub path: RelPath,
    /// Name as the server wrote it.
    pub raw: Vec<u8>,
    /// Name decoded (modified UTF-7 or UTF-8), for people.
    pub name: String,
    /// Hierarchy delimiter.
    pub delimiter: Option<u8>,
    /// Attributes of LIST, as written, in byte order (`\Sent`, `\HasNoChildren`).
    pub attributes: Vec<Vec<u8>>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u64>,
    /// UIDNEXT.
    pub uid_next: Option<u64>,
    /// EXISTS, or the count of STAT.
    pub exists: u64,
    /// UNSEEN of STATUS.
    pub unseen: Option<u64>,
    /// Octets of all messages, where the server told (SIZE of STATUS, STAT).
    pub bytes: Option<u64>,
    /// HIGHESTMODSEQ, where volunteered.
    pub highest_modseq: Option<u64>,
    /// MAILBOXID (RFC 8474).
    pub mailbox_id: Option<Vec<u8>>,
    /// PERMANENTFLAGS as written.
    pub permanent_flags: Vec<Vec<u8>>,
}

/// A message, whole.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it is.
    pub at: Place,
    /// What the server said of it.
    pub server: ServerState,
    /// Its bytes as they came, POP3 un-stuffed.
    pub bytes: Vec<u8>,
    /// What was odd.
    pub notes: Vec<Anomaly>,
}

/// A message that was listed and not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where it is.
    pub at: Place,
    /// Why.
    pub why: Why,
    /// The rule that excludes it, or what the server said.
    pub note: Vec<u8>,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By a rule of the examiner.
    Excluded,
    /// The server did not give it.
    Failed,
    /// It was gone when it was asked for.
    Gone,
}

/// The books of a folder: `listed` is the sum of `known`, `taken`, `excluded`, `failed` and `gone`, or the run says
/// what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Path of the folder.
    pub path: RelPath,
    /// Messages that the server listed.
    pub listed: u64,
    /// Of these, in the case before.
    pub known: u64,
    /// Taken now.
    pub taken: u64,
    /// Excluded by rule.
    pub excluded: u64,
    /// Failed.
    pub failed: u64,
    /// Gone between listing and fetching.
    pub gone: u64,
    /// UIDs of earlier runs that the server lists no more.
    pub vanished: Vec<u64>,
    /// UIDs whose flags are not what they were when they were taken.
    pub flags_since: Vec<u64>,
    /// UIDs whose flags changed during this run.
    pub flags_during: Vec<u64>,
}

/// Something for the exception log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Stable code, lower case with hyphens (`uidvalidity-changed`, `size-mismatch`).
    pub code: &'static str,
    /// Folder or message, where there is one.
    pub path: Option<RelPath>,
    /// What was seen, in words; bytes of the server only made safe by the one who shows them.
    pub text: String,
    /// Whether the copy is incomplete for it (exit 3).
    pub is_partial: bool,
}
