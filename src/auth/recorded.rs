//! What servers wrote of their own checks, and where it stands among the hops.

use crate::parse::authres::{AuthResults, MethodResult, ReceivedSpf, arc_results, received_spf, results};
use crate::parse::dkim::Signature;
use crate::parse::header::Header;
use crate::parse::known::Known;
use crate::types::{Anomaly, ByteRange};

use super::Depth;

/// Most fields of one message that are read; the rest is counted.
pub(super) const MAX_FIELDS: usize = 256;

/// An Authentication-Results field or one of its relatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The field's name as written.
    pub name: Vec<u8>,
    /// The whole field.
    pub at: ByteRange,
    /// `Received` fields that stand above it: servers that took the message after this was written, if it is true.
    pub hops_above: u64,
    /// What it says.
    pub results: AuthResults,
}

/// A Received-SPF field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSpf {
    /// The field's name as written.
    pub name: Vec<u8>,
    /// The whole field.
    pub at: ByteRange,
    /// `Received` fields that stand above it.
    pub hops_above: u64,
    /// What it says.
    pub spf: ReceivedSpf,
}

/// The two kinds of fields that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Results; whether in the form of ARC.
    Results(bool),
    Spf,
}

/// Which kind a field of this name is.
pub(super) fn kind(name: &[u8]) -> Option<Kind> {
    let ends_with = |end: &[u8]| {
        let tail = name.len().checked_sub(end.len()).and_then(|at| name.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    if ends_with(b"received-spf") {
        return Some(Kind::Spf);
    }
    // X-MS-Exchange-Authentication-Results, Authentication-Results-Original, X-Original-Authentication-Results ..
    let is_results =
        ends_with(b"authentication-results") || name.eq_ignore_ascii_case(b"authentication-results-original");
    is_results.then(|| Kind::Results(name.eq_ignore_ascii_case(b"arc-authentication-results")))
}

/// Whether a field has the very name of the standard.
fn is_plain(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"authentication-results") || name.eq_ignore_ascii_case(b"received-spf")
}

/// Reads all of them; the number is how many there are.
pub(super) fn read(
    header: &Header<'_>,
    depth: Depth,
    anomalies: &mut Vec<Anomaly>,
) -> (Vec<Recorded>, Vec<RecordedSpf>, u64) {
    let (mut recorded, mut spf) = (Vec::new(), Vec::new());
    let (mut hops_above, mut total) = (0_u64, 0_u64);
    for field in &header.fields {
        if field.known == Known::Received {
            hops_above += 1;
            continue;
        }
        let Some(kind) = kind(field.name) else { continue };
        // Fields of other names are never the recipient's own record.
        if !depth.is_full() && !is_plain(field.name) {
            continue;
        }
        total += 1;
        if recorded.len() + spf.len() >= MAX_FIELDS {
            continue;
        }
        let (value, value_at, at) = (field.value, field.value_at.start(), field.at);
        let name_as_written = field.name.to_vec();
        match kind {
            Kind::Spf => {
                let parsed = received_spf(value, value_at);
                anomalies.extend(parsed.anomalies);
                spf.push(RecordedSpf { name: name_as_written, at, hops_above, spf: parsed.value });
            }
            Kind::Results(is_arc) => {
                let parsed = if is_arc { arc_results(value, value_at) } else { results(value, value_at) };
                anomalies.extend(parsed.anomalies);
                recorded.push(Recorded { name: name_as_written, at, hops_above, results: parsed.value });
            }
        }
    }
    (recorded, spf, total)
}

/// Whether a `dkim` result is about this signature: everything that it names must agree, and it must name something.
pub(super) fn is_about(result: &MethodResult, signature: &Signature) -> bool {
    let host = |text: &[u8]| {
        let at = memchr::memrchr(b'@', text).map_or(0, |n| n + 1);
        text.get(at..).unwrap_or_default().to_ascii_lowercase()
    };
    let domain = signature.domain.to_ascii_lowercase();
    let d = result.property("header", "d").map(|w| host(&w.text) == domain);
    let i = result.property("header", "i").map(|w| {
        let named = host(&w.text);
        let own = signature.identity.as_ref().map_or_else(|| domain.clone(), |i| host(i));
        named == own || named == domain
    });
    let s = result.property("header", "s").map(|w| w.text.eq_ignore_ascii_case(&signature.selector));
    let b = result.property("header", "b").map(|w| starts_with(&signature.signature, &w.text));
    let named = [d, i, s, b];
    d.or(i).or(b).is_some() && named.into_iter().flatten().all(|agrees| agrees)
}

/// Whether a signature's base64 starts with `text`; results hold its first characters.
fn starts_with(signature: &[u8], text: &[u8]) -> bool {
    use base64::Engine as _;
    let whole = base64::engine::general_purpose::STANDARD.encode(signature);
    let bare = |t: &[u8]| t.iter().copied().take_while(|b| *b != b'=').collect::<Vec<u8>>();
    !text.is_empty() && bare(whole.as_bytes()).starts_with(&bare(text))
}
