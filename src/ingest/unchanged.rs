//! Whether the file system says that nothing of a source changed since the case read it.
//!
//! That is less than reading it again: whoever may write to the file system can set what it says. So it is told as what it is, with an
//! event of its own, and only where the case itself read the same files on the same mount.

use std::collections::HashMap;
use std::path::Path;

use crate::source::Listing;
use crate::store::{Reader, SegmentInfo};
use crate::types::json::{self, Obj, Value};
use crate::types::{Sha256Digest, SourceId};

use super::IngestError;

/// A file that changed so shortly before it was read may change again within the same tick of the clock that stamps it, so its stamps
/// tell nothing. Two seconds is the coarsest clock in use (FAT).
const TICK_NS: i64 = 2_000_000_000;

/// What the file system says of all files of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unchanged {
    /// Digest of paths, sizes, times and inodes: [`crate::source::StampsDigest`].
    pub stamps: Sha256Digest,
    /// Number of the mount.
    pub mount: u64,
    /// Whether a file changed so shortly before that nothing can be told by it.
    pub is_recent: bool,
}

impl Unchanged {
    /// Of a source that was just walked; `None` where it cannot be told.
    pub(super) fn of(listing: &Listing, now_us: Option<i64>) -> Option<Self> {
        let is_recent = Self::is_recent(listing, now_us);
        Some(Self { stamps: listing.stamps()?, mount: listing.mount()?, is_recent })
    }

    /// Whether a file of the source changed shortly before now, or nobody knows what now is.
    pub(super) fn is_recent(listing: &Listing, now_us: Option<i64>) -> bool {
        let now_ns = now_us.map(|now| now.saturating_mul(1000));
        now_ns.is_none_or(|now| listing.newest_change_ns() >= now.saturating_sub(TICK_NS))
    }

    /// Writes it as `stat` into the data of an event.
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.obj("stat", |o| {
            o.uint("mount", self.mount);
            if self.is_recent {
                o.bool("recent", true);
            }
            o.digest("sha256", &self.stamps);
        });
    }

    fn read(data: &Value) -> Option<Self> {
        let stat = data.get("stat")?;
        let stamps = stat.get("sha256").and_then(Value::as_str)?.parse().ok()?;
        let is_recent = stat.get("recent").is_some();
        Some(Self { stamps, mount: stat.get("mount").and_then(Value::as_u64)?, is_recent })
    }
}

/// What the file system said of each source when the case read it last.
#[derive(Debug, Default)]
pub(super) struct Readings {
    of: HashMap<String, Unchanged>,
}

impl Readings {
    /// From the custody log.
    pub(super) fn load(case: &Path) -> Result<Self, IngestError> {
        let reader = Reader::open(case)?;
        let segments = reader.segments()?;
        let mut readings = Self::default();
        for event in reader.custody()? {
            let (_, event) = event?;
            if !matches!(&*event.kind, "source_imported" | "source_seen_again") {
                continue;
            }
            let Some(data) = json::read(&event.data) else { continue };
            let segment = data.get("segment").and_then(Value::as_u64);
            let is = |known: &&SegmentInfo| Some(u64::from(known.number)) == segment;
            let source = match data.get("source").and_then(Value::as_str) {
                Some(source) => Some(source.to_owned()),
                None => segments.iter().find(is).map(|segment| segment.source().to_string()),
            };
            if let (Some(source), Some(stat)) = (source, Unchanged::read(&data)) {
                readings.of.insert(source, stat);
            }
        }
        Ok(readings)
    }

    /// Whether a source was whole and did not change when the case read it first: only then there is nothing to tell of it.
    pub(super) fn has(&self, source: SourceId) -> bool {
        self.of.contains_key(&source.to_string())
    }

    /// Of a source.
    pub(super) fn of(&self, source: SourceId) -> Option<&Unchanged> {
        self.of.get(&source.to_string())
    }

    /// A source was read again.
    pub(super) fn set(&mut self, source: SourceId, now: Unchanged) {
        self.of.insert(source.to_string(), now);
    }
}
