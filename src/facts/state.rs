//! Mailbox state that mail programs keep in header fields: `Status`, `X-Status`, `X-Mozilla-Status`.

use super::ItemFacts;
use crate::parse::header::Field;
use crate::parse::known::Known;
use crate::parse::value::{self, Context};
use crate::types::{Anomaly, AnomalyKind};

/// Bits of X-Mozilla-Status, and their words.
const MOZILLA: &[(u32, &str)] = &[
    (0x0001, "read"),
    (0x0002, "replied"),
    (0x0004, "flagged"),
    (0x0008, "expunged"),
    (0x1000, "forwarded"),
];

/// Most labels of one message that are read.
const MAX_LABELS: usize = 1000;

/// Adds the labels of an X-Gmail-Labels field: a list with commas, quotes around a label that holds one, encoded words
/// anywhere.
pub(crate) fn labels(field: &Field<'_>, context: Context<'_>, facts: &mut ItemFacts) {
    let mut text = String::new();
    value::text(field.value, field.value_at, context, &mut text, &mut facts.anomalies);
    let mut quoted = false;
    let ends = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    for label in text.split(ends) {
        let label = label.trim().trim_matches('"').trim();
        let new = !label.is_empty() && !facts.labels.iter().any(|l| l == label);
        if new && facts.labels.len() < MAX_LABELS {
            facts.labels.push(label.to_owned());
        }
    }
}

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
