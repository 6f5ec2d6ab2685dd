//! Recomputes signatures offline, with keys from files only, and puts them beside what servers recorded.
//!
//! Nothing here opens a socket, reads a file or asks for the time: the caller brings bytes and keys.

mod arc;
mod body;
mod canon;
mod crypto;
mod keys;
mod recorded;
mod signature;
#[cfg(test)]
mod tests;
mod when;

pub use arc::{ArcReport, ArcSet, ChainReason, ChainStatus};
pub use body::{BodyCheck, Reading};
pub use crypto::{MAX_BITS, MIN_BITS};
pub use keys::{KeyEntry, KeyFile, KeyStore};
pub use recorded::{Recorded, RecordedSpf};
pub use signature::{Caveat, Check, KeyUsed, SignatureReport, Verdict};
pub use when::{Clock, Judged};

use crate::parse::dkim::{SignatureKind, signature as read_signature};
use crate::parse::header::{self, Field, Header};
use crate::parse::known::Known;
use crate::types::{Anomaly, AnomalyKind};

use body::Bodies;
use signature::Checker;

/// Most DKIM signatures of one message that are checked; the rest is counted.
pub const MAX_SIGNATURES: usize = 32;

/// All about the authentication of one message. The default is that of a message with no field that tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The time that signatures are judged at; `None` when the message has none.
    pub judged: Option<Judged>,
    /// What servers wrote of their checks, newest first.
    pub recorded: Vec<Recorded>,
    /// Received-SPF fields, newest first.
    pub spf: Vec<RecordedSpf>,
    /// Fields of both kinds there are, when more than were read.
    pub recorded_total: u64,
    /// DKIM signatures, in the order they stand.
    pub dkim: Vec<SignatureReport>,
    /// DKIM signatures there are, when more than were checked.
    pub dkim_total: u64,
    /// Signatures of other kinds, which are not checked: the field's name, why, and how many there are.
    pub unchecked: Vec<(&'static str, &'static str, u64)>,
    /// The ARC chain.
    pub arc: ArcReport,
    /// What was odd in these fields.
    pub anomalies: Vec<Anomaly>,
}

/// A recorded result on a DKIM signature: the field and the result in it, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Number in [`Report::recorded`].
    pub field: usize,
    /// Number in its results.
    pub result: usize,
}

impl Report {
    /// What servers recorded of a DKIM signature: results that name its domain, and its selector and the start of its
    /// value where they name these.
    pub fn said_of(&self, dkim: &SignatureReport) -> Vec<Said> {
        let mut out = Vec::new();
        for (field, recorded) in self.recorded.iter().enumerate() {
            for (result, one) in recorded.results.results.iter().enumerate() {
                if one.method.is("dkim") && recorded::is_about(one, &dkim.signature) {
                    out.push(Said { field, result });
                }
            }
        }
        out
    }

    /// Whether a server recorded `pass` for a signature whose body hash or signature does not hold now: what is stored
    /// is then not what that server saw, or it is not the server that wrote it.
    pub fn is_contradicted(&self, dkim: &SignatureReport) -> bool {
        dkim.verdict == Verdict::Fail
            && self.said_of(dkim).iter().any(|said| {
                let field = self.recorded.get(said.field);
                field.and_then(|f| f.results.results.get(said.result)).is_some_and(|r| r.result.is("pass"))
            })
    }
}

/// How far a message is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All that can be told.
    Full,
    /// All that can be told of the first bytes of a message, which hold its header: no body is hashed.
    Head,
    /// What costs little, for every message of a case: no key, and of the readings of a body only those that undo how
    /// it is stored.
    Outline {
        /// Whether `message` is all of it; the hash of a part says nothing.
        is_whole: bool,
    },
}

impl Depth {
    /// Whether keys are asked, and all fields read.
    pub(crate) fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::Head)
    }
}

/// Checks a message: un-escaped by its container's rule, and, when that differs, the slice as found in the container.
pub fn check(message: &[u8], as_found: Option<&[u8]>, keys: &KeyStore) -> Report {
    look(message, &header::read(message).value, as_found, keys, Depth::Full)
}

/// As [`check`] of the first bytes of a message, which hold its header: no body is hashed.
pub fn check_head(head: &[u8], keys: &KeyStore) -> Report {
    look(head, &header::read(head).value, None, keys, Depth::Head)
}

/// What can be told of every message without a key and at little cost: what was recorded in fields of the names that
/// the standards give, body hashes, where a hash that fits no reading is not explained, and of an ARC chain the newest
/// set alone, unjudged. `is_whole` says whether `message` is all of the message; the body of a part is not hashed.
pub fn outline<'a>(
    message: &'a [u8],
    header: &Header<'a>,
    as_found: Option<&'a [u8]>,
    is_whole: bool,
) -> Report {
    if !header.fields.iter().any(is_of_authentication) {
        return Report::default();
    }
    look(message, header, as_found, &KeyStore::default(), Depth::Outline { is_whole })
}

/// Whether a field is one that [`check`] reads.
fn is_of_authentication(field: &Field<'_>) -> bool {
    match field.known {
        Known::DkimSignature | Known::ArcMessageSignature | Known::ArcSeal => true,
        Known::Other => recorded::kind(field.name).is_some(),
        _ => false,
    }
}

fn look<'a>(
    message: &'a [u8],
    header: &Header<'a>,
    as_found: Option<&'a [u8]>,
    keys: &KeyStore,
    depth: Depth,
) -> Report {
    let judged = when::judged(header);
    let checker = Checker::new(message, header, keys, judged, depth);
    let mut bodies = Bodies::new(message, header, as_found, depth);
    let mut anomalies = Vec::new();
    let (recorded, spf, recorded_total) = recorded::read(header, depth, &mut anomalies);
    let mut dkim = Vec::new();
    let fields = checker.all(Known::DkimSignature);
    for &number in fields.iter().take(MAX_SIGNATURES) {
        let Some(field) = checker.field(number) else { continue };
        let parsed = read_signature(field.value, field.value_at.start(), SignatureKind::Dkim);
        anomalies.extend(parsed.anomalies);
        dkim.push(checker.message_signature(number, parsed.value, &mut bodies));
    }
    let arc = match depth {
        Depth::Full | Depth::Head => arc::chain(&checker, &mut bodies, &mut anomalies),
        Depth::Outline { .. } => arc::newest(&checker, &mut bodies),
    };
    if bodies.is_given_up() {
        anomalies.push(Anomaly::whole(AnomalyKind::WorkLimit));
    }
    let (dkim_total, unchecked) = (fields.len() as u64, unchecked(header));
    Report { judged, recorded, spf, recorded_total, dkim, dkim_total, unchecked, arc, anomalies }
}

/// Fields that hold a signature which is none of RFC 6376 or RFC 8617.
const UNCHECKED: &[(&str, &str)] = &[
    ("DKIM2-Signature", "draft"),
    ("Message-Instance", "draft of DKIM2"),
    ("DomainKey-Signature", "RFC 4870, historic"),
    ("X-Google-DKIM-Signature", "the provider's own"),
];

/// Which of them a header holds, in the order of the table.
fn unchecked(header: &Header<'_>) -> Vec<(&'static str, &'static str, u64)> {
    let count = |name: &str| {
        header.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).count() as u64
    };
    UNCHECKED.iter().map(|(name, why)| (*name, *why, count(name))).filter(|(.., count)| *count > 0).collect()
}
