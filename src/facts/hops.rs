//! `Received` fields of a message, newest first, as they stand.

use super::ItemFacts;
use crate::parse::header::{Field, Header};
use crate::parse::known::Known;
use crate::parse::received::received;
use crate::types::{Anomaly, AnomalyKind};

/// Most hops of one message that are read; the rest is counted.
pub const MAX_HOPS: usize = 65_535;

/// Reads every `Received` field of a header block.
pub(crate) fn add(header: &Header<'_>, facts: &mut ItemFacts) {
    let mut authors = 0u32;
    let mut misplaced = None;
    for field in &header.fields {
        if field.known != Known::Received {
            authors += u32::from(is_author_field(field));
            continue;
        }
        facts.hops_total += 1;
        if authors >= 2 && misplaced.is_none() {
            misplaced = Some(field.at);
        }
        if facts.hops.len() < MAX_HOPS {
            let read = received(field.value, field.value_at.start(), field.at);
            facts.hops.push(read.value);
            facts.anomalies.extend(read.anomalies);
        } else if facts.hops.len() == MAX_HOPS && facts.hops_total == MAX_HOPS as u64 + 1 {
            facts.anomalies.push(Anomaly::at(AnomalyKind::ReceivedOverLimit, field.at));
        }
    }
    if let Some(at) = misplaced {
        facts.anomalies.push(Anomaly::at(AnomalyKind::ReceivedMisplaced, at));
    }
}

/// Fields that the author's program writes, below which a server puts nothing.
fn is_author_field(field: &Field<'_>) -> bool {
    matches!(
        field.known,
        Known::From | Known::To | Known::Subject | Known::Date | Known::MessageId | Known::MimeVersion
    )
}
