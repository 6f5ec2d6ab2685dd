//! How long each step took, by the clocks of the servers as they stand.

use super::{Mail, Model};
use crate::parse::received::Hop;
use crate::types::time::each_delay;

fn at(hop: &Hop) -> Option<i64> {
    // A time without a zone is no instant.
    hop.date.as_ref().filter(|date| date.zone_known).map(|date| date.utc.0)
}

/// For each hop, newest first: milliseconds since the next older hop with a certain date.
pub(super) fn delays(hops: &[Hop]) -> Vec<Option<i64>> {
    let mut out = vec![None; hops.len()];
    each_delay(hops.iter().map(at), |at, delay| out[at] = Some(delay));
    out
}

/// Milliseconds from the oldest to the newest dated hop; `None` with fewer than two.
pub(super) fn total(hops: &[Hop]) -> Option<i64> {
    let mut dated = hops.iter().filter_map(at);
    let newest = dated.next()?;
    dated.next_back().map(|oldest| newest.saturating_sub(oldest))
}

/// For each hop with a delay, the delay with the errors of both clocks taken out, where one is known.
pub(super) fn corrected(mail: &Mail<'_>, delays: &[Option<i64>], clocks: &Model) -> Vec<Option<i64>> {
    let hops = &mail.facts.hops;
    let mut out = vec![None; hops.len()];
    if clocks.is_empty() {
        return out;
    }
    let mut older: Option<(String, i64)> = None;
    for ((out, hop), delay) in out.iter_mut().zip(hops).zip(delays).rev() {
        let Some(now) = at(hop) else { continue };
        let by = mail.lower(hop.by);
        if let (Some((older, then)), Some(raw)) = (&older, delay) {
            *out = clocks.corrected((&by, now), (older, *then), *raw);
        }
        older = Some((by, now));
    }
    out
}
