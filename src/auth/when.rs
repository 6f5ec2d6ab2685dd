//! The time a signature is judged at: the message's own, never today's.

use crate::parse::date::date;
use crate::parse::header::Header;
use crate::parse::known::Known;
use crate::parse::received::received;
use crate::types::time::UtcMs;

/// Which field a time was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The newest `Received` field with a date and a zone: the clock of the server that took the message in last.
    Received,
    /// The Date field: the sender's claim.
    Date,
}

impl Clock {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Date => "date",
        }
    }
}

/// The time a message is judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The time.
    pub at: UtcMs,
    /// Whose clock it is.
    pub clock: Clock,
}

/// Most `Received` fields that are asked for a date.
const MAX_ASKED: usize = 64;

/// The time of a message; `None` when no field has one that could be read.
pub(super) fn judged(header: &Header<'_>) -> Option<Judged> {
    let hop = header
        .all(Known::Received)
        .take(MAX_ASKED)
        .find_map(|f| received(f.value, f.value_at.start(), f.at).value.date.filter(|d| d.zone_known));
    if let Some(hop) = hop {
        return Some(Judged { at: hop.utc, clock: Clock::Received });
    }
    let field = header.first(Known::Date)?;
    let read = date(field.value, field.value_at.start()).value?;
    Some(Judged { at: read.utc, clock: Clock::Date })
}
