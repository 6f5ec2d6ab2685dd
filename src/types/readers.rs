//! Which readers made a segment of the ledger: the same bytes may give other lines under another number.

use super::json::Obj;

/// The numbers of the readers that made a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderVersions {
    /// What tells what a file is, and cuts it into items.
    pub splitter: u32,
    /// What goes through archives.
    pub archive_walk: u32,
}

impl ReaderVersions {
    /// The readers of segments that were begun before events named them.
    pub const FIRST: Self = Self { splitter: 1, archive_walk: 1 };

    /// Writes the numbers as keys of an object.
    pub fn write(&self, o: &mut Obj<'_>) {
        o.uint("archive_walk", u64::from(self.archive_walk)).uint("splitter", u64::from(self.splitter));
    }
}
