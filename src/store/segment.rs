//! Segments of the ledger: which are closed, which are pending.

use crate::types::SourceId;
use crate::types::record::{Account, Closed, Record, SourceHead};

use super::chain::Chain;
use super::layout::{FileKind, Layout};
use super::reader::Reader;
use super::{StoreError, Trouble};

/// Longest `closed` line: four numbers and a digest.
const CLOSED_MAX: u64 = 512;

/// Whether the source of a segment was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// Its import was cut off.
    Pending,
    /// All of it is there.
    Closed(Closed),
}

/// A segment of the ledger, as far as it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number, from 1.
    pub number: u32,
    /// Whether it is closed.
    pub state: SegmentState,
    /// Its first line; `None` when the line is no such record: that of an account, or damaged (`verify` tells).
    pub head: Option<SourceHead>,
    /// Its first line, when it holds what was acquired from an account.
    pub account: Option<Account>,
    /// Committed length of its lines in bytes, unpacked.
    pub bytes: u64,
}

impl SegmentInfo {
    /// The segment as far as it can be read: what is damaged counts as pending, without a head.
    pub fn read(reader: &Reader, number: u32) -> Self {
        let chain = reader.chain();
        let bytes = chain.as_ref().map_or(0, |chain| chain.cover(&chain.name(FileKind::Ledger, number)));
        let nothing = || Self { number, state: SegmentState::Pending, head: None, account: None, bytes };
        chain.and_then(|chain| segment(reader.layout(), chain, number)).unwrap_or_else(|_| nothing())
    }

    /// The source that the segment holds.
    pub fn source(&self) -> SourceId {
        match &self.state {
            SegmentState::Pending => SourceId::Pending(self.number),
            SegmentState::Closed(closed) => source_id(closed),
        }
    }

    /// Whether its import was cut off.
    pub fn is_pending(&self) -> bool {
        self.state == SegmentState::Pending
    }

    /// Its last line, when it is closed.
    pub fn closed(&self) -> Option<&Closed> {
        match &self.state {
            SegmentState::Pending => None,
            SegmentState::Closed(closed) => Some(closed),
        }
    }
}

/// The id of a source that is closed with this line.
pub fn source_id(closed: &Closed) -> SourceId {
    let [a, b, c, d, e, f, g, h, ..] = *closed.id.as_bytes();
    SourceId::Known(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

impl Reader {
    /// The segments of the ledger.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Damaged`] when one is shorter than what was committed.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>, StoreError> {
        segments(self.layout(), self.chain()?)
    }

    /// The numbers of the segments, ascending, from the custody log alone: no segment is opened.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`] of the custody log.
    pub fn segment_numbers(&self) -> Result<Vec<u32>, StoreError> {
        let mut numbers: Vec<u32> = self.chain()?.numbers(FileKind::Ledger).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// One segment of the ledger.
    ///
    /// # Errors
    /// As [`Self::segments`].
    pub fn segment(&self, number: u32) -> Result<SegmentInfo, StoreError> {
        segment(self.layout(), self.chain()?, number)
    }
}

/// All segments that the chain covers, in the order of their numbers.
pub(super) fn segments(layout: &Layout, chain: &Chain) -> Result<Vec<SegmentInfo>, StoreError> {
    let mut numbers: Vec<u32> = chain.numbers(FileKind::Ledger).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| segment(layout, chain, number)).collect()
}

pub(super) fn segment(layout: &Layout, chain: &Chain, number: u32) -> Result<SegmentInfo, StoreError> {
    let rel = chain.name(FileKind::Ledger, number);
    let path = layout.at(&rel);
    let bytes = chain.cover(&rel);
    let size = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    if size < chain.stored(&rel) {
        return Err(StoreError::Damaged { path, offset: size, trouble: Trouble::TooShort });
    }
    let first = match chain.lines(layout, &rel, 0)?.next_line()? {
        Some(line) if line.is_whole => Record::parse(line.bytes).ok(),
        _ => None,
    };
    let (head, account) = match first {
        Some(Record::Source(head)) => (Some(head), None),
        Some(Record::Account(account)) => (None, Some(account)),
        _ => (None, None),
    };
    let last = chain.last_line(layout, &rel, CLOSED_MAX)?.and_then(|line| Record::parse(&line).ok());
    let state = match last {
        Some(Record::Closed(closed)) => SegmentState::Closed(closed),
        _ => SegmentState::Pending,
    };
    Ok(SegmentInfo { number, state, head, account, bytes })
}
