//! Opens a folder so that nothing in it can change (RFC 9051 section 6.3.3).

use super::answer::{Kind, Status};
use super::folders::Mailbox;
use super::scan::{Scan, decimal};
use super::session::Session;
use super::verb::Verb;
use crate::acquire::wire::WireError;

/// What the server told when a folder was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) uid_validity: Option<u64>,
    pub(super) uid_next: Option<u64>,
    pub(super) exists: u64,
    pub(super) highest_modseq: Option<u64>,
    pub(super) mailbox_id: Option<Vec<u8>>,
    pub(super) permanent_flags: Vec<Vec<u8>>,
}

/// Why it was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server does not say that it is read-only.
    Writable,
    /// The server refuses.
    Said {
        /// In these words.
        said: String,
        /// Whether it may not another time.
        is_passing: bool,
        /// Whether it says that there is no such folder.
        is_nonexistent: bool,
    },
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Writable => f.write_str("the server does not say that it is read-only"),
            Self::Said { said, .. } => f.write_str(said),
        }
    }
}

/// Whether a refusal says that there is no such folder: by its code (RFC 5530 section 3), or, of servers that give no
/// code, by words that are about nothing else.
fn is_nonexistent(status: &Status) -> bool {
    if !status.code.is_empty() {
        return status.has("NONEXISTENT") || status.has("TRYCREATE");
    }
    let said = status.text.to_ascii_lowercase();
    let words =
        [&b"doesn't exist"[..], b"does not exist", b"no such mailbox", b"no such folder", b"unknown mailbox"];
    words.iter().any(|word| memchr::memmem::find(&said, word).is_some())
}

/// Sends EXAMINE and judges the answer: without READ-ONLY the folder counts as not opened.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn examine(
    session: &mut Session<'_>,
    mailbox: &Mailbox,
) -> Result<Result<Opened, Refused>, WireError> {
    session.uid_validity = None;
    session.exists = None;
    session.expunged = 0;
    let mut opened = Opened::default();
    let status = session.run(&Verb::Examine(&mailbox.raw), |kind, _| {
        if let Kind::Status(status) = kind {
            match status.code.as_slice() {
                b"UIDNEXT" => opened.uid_next = status.number(),
                b"HIGHESTMODSEQ" => opened.highest_modseq = status.number(),
                b"PERMANENTFLAGS" => {
                    let mut flags = Scan::of(&status.argument).list().unwrap_or_default();
                    flags.sort_unstable();
                    opened.permanent_flags = flags;
                }
                b"MAILBOXID" => {
                    opened.mailbox_id = Scan::of(&status.argument).list().and_then(|l| l.into_iter().next());
                }
                b"UIDVALIDITY" => opened.uid_validity = decimal(&status.argument),
                _ => {}
            }
        }
        false
    })?;
    if !status.is_ok() {
        return Ok(Err(Refused::Said {
            said: status.said(),
            is_passing: status.is_passing(),
            is_nonexistent: is_nonexistent(&status),
        }));
    }
    if !status.has("READ-ONLY") {
        return Ok(Err(Refused::Writable));
    }
    opened.exists = session.exists.unwrap_or(0);
    Ok(Ok(opened))
}
