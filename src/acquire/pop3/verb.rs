//! The commands that may be sent over POP3. DELE, RSET and LAST cannot be written with these.

/// A command of RFC 1939, RFC 2449 or RFC 2595 that leaves the mailbox as it is, but for what `Retr` and `Quit` say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// What the server can do.
    Capa,
    /// TLS from here on.
    Stls,
    /// Count and size of all.
    Stat,
    /// Size of each.
    List,
    /// Name of each.
    Uidl,
    /// A message from its top, with so many lines that it is whole. Marks nothing on the servers that we know.
    Top(u64),
    /// A message; some servers mark it as seen or popped. Only when the examiner asks for it.
    Retr(u64),
    /// The end in good order; servers may then apply what they do after a download. Only when the examiner asks for it.
    Quit,
}

/// Lines asked of TOP: more than any message has, and less than 2^31, which some servers cannot read.
const LINES: u32 = 1_000_000_000;

impl Verb {
    /// The line, without CRLF.
    pub(super) fn line(self) -> Vec<u8> {
        match self {
            Self::Capa => b"CAPA".to_vec(),
            Self::Stls => b"STLS".to_vec(),
            Self::Stat => b"STAT".to_vec(),
            Self::List => b"LIST".to_vec(),
            Self::Uidl => b"UIDL".to_vec(),
            Self::Top(number) => format!("TOP {number} {LINES}").into_bytes(),
            Self::Retr(number) => format!("RETR {number}").into_bytes(),
            Self::Quit => b"QUIT".to_vec(),
        }
    }
}
