//! Mailbox state that mail programs keep in header fields: `Status`, `X-Status`, `X-Mozilla-Status`.

use super::ItemFacts;
use crate::parse::header::Field;
use crate::parse::known::Known;
use crate::types::{Anomaly, AnomalyKind};

/// Bits of X-Mozilla-Status, and their words.
const MOZILLA: &[(u32, &str)] = &[
    (0x0001, "read"),
    (0x0002, "replied"),
    (0x0004, "flagged"),
    (0x0008, "expunged"),
    (0x1000, "forwarded"),
];

/// Adds the words of a state field; other fields are left alone.
pub(crate) fn add(field: &Field<'_>, facts: &mut ItemFacts) {
    let value = field.value.trim_ascii();
    let mut word = |word: &'static str| {
        if !facts.state.contains(&word) {
            facts.state.push(word);
        }
    };
    match field.known {
        Known::Status | Known::XStatus if value.len() <= 8 => {
            for b in value {
                match b {
                    b'R' => word("read"),
                    b'O' => word("old"),
                    b'A' => word("replied"),
                    b'F' => word("flagged"),
                    b'D' => word("deleted"),
                    b'T' => word("draft"),
                    _ => {}
                }
            }
        }
        Known::XMozillaStatus => {
            let bits = std::str::from_utf8(value).ok().and_then(|v| u32::from_str_radix(v, 16).ok());
            for (bit, name) in MOZILLA {
                if bits.unwrap_or(0) & bit != 0 {
                    word(name);
                }
            }
            if bits.unwrap_or(0) & 0x0008 != 0 {
                facts.anomalies.push(Anomaly::at(AnomalyKind::Expunged, field.at));
            }
        }
        _ => {}
    }
}
