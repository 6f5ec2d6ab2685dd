//! `Received` fields, read from raw header bytes (RFC 5321 section 4.4, and what is really written).

mod clauses;
mod comment;
mod family;
mod fits;
mod ip;
mod lex;
mod peer;
mod protocol;
mod read;
mod recognise;
mod remark;
mod shape;
mod tls;

use std::net::IpAddr;

pub use self::ip::{IpScope, literal};
use super::date::DateReading;
use super::idclock::IdKind;
use crate::types::time::UtcMs;
use crate::types::{ByteRange, Parsed};

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

    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Generic, Self::Partial, Self::Unparsed];

    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Exact => "the field is built to its end as its family builds it",
            Self::Generic => {
                "the clauses of RFC 5321 section 4.4 were told apart; no family, or one that builds its fields otherwise"
            }
            Self::Partial => "some clause was read",
            Self::Unparsed => "none was; the field is kept and shown",
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::AssertedClear, Self::Unknown];

    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::AssertedClear => "asserted-clear",
            Self::Unknown => "unknown",
        }
    }
}

/// What the server found when it looked up the name of the client's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rdns {
    /// Nothing is told: it did not look, or does not write what it found.
    #[default]
    NotTold,
    /// A name.
    Found,
    /// It looked and found none.
    None,
    /// A name that does not lead back to the address (`may be forged`).
    Forged,
}

impl Rdns {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotTold => "not-told",
            Self::Found => "found",
            Self::None => "none",
            Self::Forged => "not-confirmed",
        }
    }
}

/// Whether, and how, the client had signed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Auth {
    /// Nothing is told of it.
    #[default]
    None,
    /// SMTP AUTH (RFC 4954).
    Sasl,
    /// A user of the web interface.
    Webmail,
    /// A user or program of the machine itself.
    Local,
}

impl Auth {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sasl => "sasl",
            Self::Webmail => "webmail",
            Self::Local => "local",
        }
    }
}

/// What kind of step a hop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HopClass {
    /// From one machine to another, as far as the field tells.
    #[default]
    Network,
    /// Handed over on the machine itself, or by its web interface.
    LocalSubmission,
    /// Through a filter on the same machine and back.
    FilterLoop,
    /// Fetched from a mailbox (POP3, IMAP).
    Fetch,
    /// By a mailing list program.
    List,
    /// Put in again by a server of the same provider.
    Resubmission,
    /// Between servers of one provider.
    InternalProvider,
}

impl HopClass {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Network,
        Self::LocalSubmission,
        Self::FilterLoop,
        Self::Fetch,
        Self::List,
        Self::Resubmission,
        Self::InternalProvider,
    ];

    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::LocalSubmission => "local-submission",
            Self::FilterLoop => "filter-loop",
            Self::Fetch => "fetch",
            Self::List => "list",
            Self::Resubmission => "resubmission",
            Self::InternalProvider => "internal-provider",
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
    /// What kind of step it is.
    pub class: HopClass,
    /// The kind of server that wrote it, such as `postfix`; `""` when not recognised.
    pub family: &'static str,
    /// The words that name the software, without parentheses.
    pub software: Option<ByteRange>,
    /// The first token after `from`, whatever it means.
    pub from: Option<ByteRange>,
    /// What the client called itself (HELO, EHLO, LHLO).
    pub helo: Option<ByteRange>,
    /// The name that the server found for the client's address, without a last dot.
    pub rdns: Option<ByteRange>,
    /// What the look-up of that name gave.
    pub rdns_state: Rdns,
    /// The address that the server saw; a mapped IPv4 address is given as IPv4.
    pub peer_ip: Option<IpAddr>,
    /// Where that address stands.
    pub peer_ip_at: Option<ByteRange>,
    /// Whether it was written as an IPv4 address mapped into IPv6.
    pub peer_ip_mapped: bool,
    /// What that address may be used for.
    pub peer_scope: IpScope,
    /// The client's port.
    pub peer_port: Option<u16>,
    /// The server's own name.
    pub by: Option<ByteRange>,
    /// The server's own address.
    pub by_ip: Option<IpAddr>,
    /// `via`.
    pub via: Option<ByteRange>,
    /// `with`: the protocol as written.
    pub with: Option<ByteRange>,
    /// The transmission keyword in upper case, such as `ESMTPS`, `LMTP`, `HTTP`, `LOCAL`; `""` when there is none that
    /// we know.
    pub protocol: &'static str,
    /// `id`, without angle brackets.
    pub id: Option<ByteRange>,
    /// The id's format, where it tells a time.
    pub id_kind: IdKind,
    /// The time that the id tells. Ids with local time are taken in the zone of [`Hop::date`]; `None` where that is not
    /// known.
    pub id_time: Option<UtcMs>,
    /// `for`: the envelope recipient, without angle brackets.
    pub for_: Option<ByteRange>,
    /// The envelope sender, without angle brackets.
    pub envelope_from: Option<ByteRange>,
    /// Whether the client had signed in.
    pub auth: Auth,
    /// The name under which the client signed in, or else the ident answer.
    pub user: Option<ByteRange>,
    /// The ident answer (RFC 1413), or what some servers write in its place.
    pub ident: Option<ByteRange>,
    /// The number of the local user who handed the message over.
    pub local_uid: Option<u32>,
    /// Encryption.
    pub tls: Tls,
    /// Its version in one spelling (`TLSv1.3` .. `SSLv2`); `""` when not told.
    pub tls_version: &'static str,
    /// Its cipher as written.
    pub tls_cipher: Option<ByteRange>,
    /// The cipher's bits.
    pub tls_bits: Option<u16>,
    /// The date.
    pub date: Option<DateReading>,
}

/// Reads one `Received` field. `field` is its value after the colon, folded as it stands; `value_at` is where it begins
/// in the message, and `field_at` the whole field.
///
/// Linear in the length of the field, of which the first 64 KiB are read. What is not understood is left out, never
/// guessed.
///
/// # Anomalies
/// Those of [`crate::parse::date::date`], and `received-date-missing`, `received-unparsed`, `received-clause-repeated`,
/// `received-over-limit`, `received-comment-unbalanced`, `ip-invalid`.
pub fn received(field: &[u8], value_at: u64, field_at: ByteRange) -> Parsed<Hop> {
    read::field(field, value_at, field_at)
}

/// How the field is built, one letter a clause: what the grammars of the families are written in.
///
/// For statistics of real mail and for writing new grammars.
pub fn shape(field: &[u8]) -> String {
    String::from_utf8_lossy(read::shape(field).as_bytes()).into_owned()
}

/// What is known of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyNote {
    /// Its name, as in [`Hop::family`].
    pub name: &'static str,
    /// What the first token after `from` means where nothing beside it says so.
    pub first: &'static str,
    /// How many ways it has to build its fields; one that fits none of them is not [`Grade::Exact`].
    pub builds: usize,
    /// Whether it always writes words about encryption when there is some, so that none means clear text.
    pub tells_tls: bool,
}

/// All families, in the order of their names.
pub fn families() -> Vec<FamilyNote> {
    let note = |family: &family::Family| FamilyNote {
        name: family.name(),
        first: family.first().meaning(),
        builds: family.builds_count(),
        tells_tls: family.always_tells_tls(),
    };
    let mut all: Vec<FamilyNote> = family::Family::ALL.iter().map(note).collect();
    all.sort_unstable_by_key(|note| note.name);
    all
}

/// The names of all families, as in [`Hop::family`].
pub fn family_names() -> &'static [&'static str] {
    family::Family::NAMES
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_odd;
