//! Dates as mail writes them: RFC 5322 section 3.3 with all old forms of section 4.3, every oddity flagged.

use crate::types::ByteRange;
use crate::types::time::UtcMs;

/// A date as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateReading {
    /// Where the date text stands in the message.
    pub at: ByteRange,
    /// The instant. Where the zone is not known, the written time is taken as UTC and `zone_known` is false.
    pub utc: UtcMs,
    /// The offset as written, in seconds east of UTC; `None` where there is none that we can read.
    pub offset_secs_east: Option<i32>,
    /// Whether the instant is certain: there is an offset (`-0000` counts: the instant is known).
    pub zone_known: bool,
}
