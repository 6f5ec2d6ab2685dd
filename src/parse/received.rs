//! `Received` fields, read from raw header bytes (RFC 5321 section 4.4, and what is really written).

use std::net::IpAddr;

use super::date::DateReading;
use crate::types::ByteRange;

/// How well a `Received` field was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// The grammar of a known family fits to the end.
    Exact,
    /// The clauses of the standard were split.
    Generic,
    /// Some clause was read.
    Partial,
    /// None was; the raw field is kept and shown.
    #[default]
    Unparsed,
}

impl Grade {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Generic => "generic",
            Self::Partial => "partial",
            Self::Unparsed => "unparsed",
        }
    }
}

/// Whether a connection was encrypted, as far as the field tells. Absence of words is no proof of clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tls {
    /// Words of the field say so.
    Evidence,
    /// The writer always writes such words when there is TLS, and wrote none.
    AssertedClear,
    /// Nothing can be said.
    #[default]
    Unknown,
}

impl Tls {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::AssertedClear => "asserted-clear",
            Self::Unknown => "unknown",
        }
    }
}

/// One `Received` field. Every text is a range of bytes of the message; nothing is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// The whole field, from its name to its last line end.
    pub at: ByteRange,
    /// How well it was read.
    pub grade: Grade,
    /// The kind of server that wrote it, such as `postfix`; `""` when not recognised.
    pub family: &'static str,
    /// The first token after `from`, whatever it means.
    pub from: Option<ByteRange>,
    /// What the client called itself (HELO, EHLO, LHLO).
    pub helo: Option<ByteRange>,
    /// The name that the server found for the client's address.
    pub rdns: Option<ByteRange>,
    /// The address that the server saw; a mapped IPv4 address is given as IPv4.
    pub peer_ip: Option<IpAddr>,
    /// Where that address stands.
    pub peer_ip_at: Option<ByteRange>,
    /// The server's own name.
    pub by: Option<ByteRange>,
    /// The server's own address.
    pub by_ip: Option<IpAddr>,
    /// `via`.
    pub via: Option<ByteRange>,
    /// `with`: the protocol as written.
    pub with: Option<ByteRange>,
    /// `id`, without angle brackets.
    pub id: Option<ByteRange>,
    /// `for`: the envelope recipient, without angle brackets.
    pub for_: Option<ByteRange>,
    /// The envelope sender, without angle brackets.
    pub envelope_from: Option<ByteRange>,
    /// The name under which the client signed in, or the ident answer.
    pub user: Option<ByteRange>,
    /// Encryption.
    pub tls: Tls,
    /// The date.
    pub date: Option<DateReading>,
}
