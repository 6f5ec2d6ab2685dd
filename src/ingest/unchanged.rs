//! Whether the file system says that nothing of a source changed since the case read it.
//!
//! That is less than reading it again: whoever may write to the file system can set what it says. So it is told as
//! what it is, with an event of its own, and only where the case itself read the same files on the same mount.

use std::collections::HashMap;
use std::path::Path;

use crate::source::Listing;
use crate::store::{Reader, SegmentInfo};
use crate::types::event::SourceStamps;
use crate::types::{CustodyEvent, SourceId};

use super::IngestError;

/// A file that changed so shortly before it was read may change again within the same tick of the clock that stamps
/// it, so its stamps tell nothing. Two seconds is the coarsest clock in use (FAT).
const TICK_NS: i64 = 2_000_000_000;

/// What the file system says of a source that was just walked; `None` where it cannot be told.
pub(super) fn stamps_now(listing: &Listing, now_us: Option<i64>) -> Option<SourceStamps> {
    let is_recent = is_recent(listing, now_us);
    Some(SourceStamps { mount: listing.mount()?, is_recent, sha256: listing.stamps()? })
}

/// Whether a file of the source changed shortly before now, or nobody knows what now is.
pub(super) fn is_recent(listing: &Listing, now_us: Option<i64>) -> bool {
    let now_ns = now_us.map(|now| now.saturating_mul(1000));
    now_ns.is_none_or(|now| listing.newest_change_ns() >= now.saturating_sub(TICK_NS))
}

/// What the file system said of each source when the case read it last.
#[derive(Debug, Default)]
pub(super) struct Readings {
    of: HashMap<SourceId, SourceStamps>,
}

impl Readings {
    /// From the custody log.
    pub(super) fn load(case: &Path) -> Result<Self, IngestError> {
        let reader = Reader::open(case)?;
        let segments = reader.segments()?;
        let mut readings = Self::default();
        for event in reader.custody()? {
            let (_, event) = event?;
            let (source, stat) = match event.read() {
                Ok(CustodyEvent::SourceImported { segment, stat: Some(stat) }) => {
                    let of = segments.iter().find(|known| known.number == segment);
                    (of.map(SegmentInfo::source), stat)
                }
                Ok(CustodyEvent::SourceSeenAgain { source, stat: Some(stat), .. }) => (Some(source), stat),
                _ => continue,
            };
            readings.of.extend(source.map(|source| (source, stat)));
        }
        Ok(readings)
    }

    /// Whether a source was whole and did not change when the case read it first: only then there is nothing to tell
    /// of it.
    pub(super) fn has(&self, source: SourceId) -> bool {
        self.of.contains_key(&source)
    }

    /// Of a source.
    pub(super) fn of(&self, source: SourceId) -> Option<&SourceStamps> {
        self.of.get(&source)
    }

    /// A source was read again.
    pub(super) fn set(&mut self, source: SourceId, now: SourceStamps) {
        self.of.insert(source, now);
    }
}
