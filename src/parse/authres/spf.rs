//! Received-SPF (RFC 7208 section 9.1).

use super::lex::{Scan, Word};
use super::{MAX_FIELD, MAX_RESULTS};
use crate::parse::bytes::part;
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

/// A Received-SPF field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedSpf {
    /// `pass`, `fail`, `softfail` .., as written.
    pub result: Word,
    /// Comments, in order.
    pub comments: Vec<Word>,
    /// `client-ip`, `envelope-from`, `helo`, `receiver` .. with their values, in the order written.
    pub pairs: Vec<(Word, Word)>,
}

impl ReceivedSpf {
    /// The value of a key, in any case; the first one counts.
    pub fn get(&self, key: &str) -> Option<&Word> {
        self.pairs.iter().find(|(k, _)| k.is(key)).map(|(_, value)| value)
    }
}

/// Reads a Received-SPF field; `at` is where `value` stands in the message.
///
/// # Anomalies
/// [`AnomalyKind::AuthresInvalid`], [`AnomalyKind::AuthresOverLimit`].
pub fn received_spf(value: &[u8], at: u64) -> Parsed<ReceivedSpf> {
    let whole = ByteRange::of_usize(0, value.len()).shifted(at);
    let mut out = ReceivedSpf::default();
    let mut anomalies = Vec::new();
    let mut invalid = None;
    let mut over = value.len() > MAX_FIELD;
    let mut scan = Scan::new(part(value, 0..MAX_FIELD), at);
    scan.blanks();
    if scan.is_pair() {
        invalid = Some(whole);
    } else {
        out.result = scan.word(b"");
    }
    if out.result.text.is_empty() {
        invalid = Some(whole);
    }
    while !scan.is_end() {
        scan.blanks();
        if scan.eat(b';') || scan.is_end() {
            continue;
        }
        let start = scan.here();
        if !scan.is_pair() {
            scan.word(b"");
            if scan.here() == start {
                scan.bump();
            }
            invalid = invalid.or(Some(scan.range(start, scan.here())));
            continue;
        }
        let key = scan.name();
        scan.eat(b'=');
        scan.blanks();
        let value = scan.word(b"");
        if out.pairs.len() < MAX_RESULTS {
            out.pairs.push((key, value));
        } else {
            over = true;
        }
    }
    out.comments = std::mem::take(&mut scan.comments);
    if scan.broken {
        invalid = Some(whole);
    }
    if let Some(at) = invalid {
        anomalies.push(Anomaly::at(AnomalyKind::AuthresInvalid, at));
    }
    if over {
        anomalies.push(Anomaly::at(AnomalyKind::AuthresOverLimit, whole));
    }
    Parsed { value: out, anomalies }
}
