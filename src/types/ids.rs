//! Ids of sources, containers and items: derived from the evidence, so equal on every machine.
//!
//! A source is named by the first 16 hex digits of its digest, which covers the relative paths and digests of all
//! it holds; containers and items are counted inside it in path and byte order. Children are named by their MIME
//! part path behind a slash: `5f0c2a9be4d17788-3-41/2.1`.

use std::fmt;
use std::str::FromStr;

/// A source of a case: either known by its evidence, or still being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// The first 64 bits of the source digest.
    Known(u64),
    /// Not read to its end yet: the number of its ledger segment.
    Pending(u32),
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(id) => write!(f, "{id:016x}"),
            Self::Pending(segment) => write!(f, "pending{segment:06}"),
        }
    }
}

/// The text is no id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an id; ids look like 5f0c2a9be4d17788 (source), 5f0c2a9be4d17788-3 (container), 5f0c2a9be4d17788-3-41 (item)"
)]
pub struct NotAnId;

impl FromStr for SourceId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if let Some(digits) = text.strip_prefix("pending") {
            return digits.parse().map(Self::Pending).map_err(|_| NotAnId);
        }
        let plain =
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !plain {
            return Err(NotAnId);
        }
        u64::from_str_radix(text, 16).map(Self::Known).map_err(|_| NotAnId)
    }
}

/// A container: its source, and its place among the source's containers, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId {
    /// The source.
    pub source: SourceId,
    /// Counted from 1 in the order of the ledger.
    pub number: u32,
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.source, self.number)
    }
}

impl FromStr for ContainerId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (source, number) = text.split_once('-').ok_or(NotAnId)?;
        Ok(Self { source: source.parse()?, number: counted(number)? })
    }
}

fn counted(text: &str) -> Result<u32, NotAnId> {
    let number = text.parse().map_err(|_| NotAnId)?;
    if number == 0 || text.starts_with(['0', '+']) { Err(NotAnId) } else { Ok(number) }
}

/// An item: its container, its place in it counted from 1, and for a message inside a message its part path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    /// The container.
    pub container: ContainerId,
    /// Counted from 1 in byte order.
    pub number: u32,
    /// MIME part path of a child, such as `2.1`; `None` for the message itself.
    pub part: Option<String>,
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.container, self.number)?;
        match &self.part {
            Some(part) => write!(f, "/{part}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ItemId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let (head, part) = match text.split_once('/') {
            Some((head, part)) => (head, Some(part)),
            None => (text, None),
        };
        let (container, number) = head.rsplit_once('-').ok_or(NotAnId)?;
        let bad_part = |p: &str| p.split('.').any(|n| counted(n).is_err());
        if part.is_some_and(bad_part) {
            return Err(NotAnId);
        }
        Ok(Self { container: container.parse()?, number: counted(number)?, part: part.map(str::to_owned) })
    }
}

/// The key of an item or child inside one case: sorts in ledger order, and is the same after every rebuild.
///
/// `segment` (from 1) in the upper 16 bits of 63, the item's place among the items of the segment (from 0) in the
/// next 33, the child (0 is the message itself) in the last 14.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey(u64);

const CHILD_BITS: u32 = 14;
const ITEM_BITS: u32 = 33;

impl ItemKey {
    /// Most items that one ledger segment can have in the catalog.
    pub const MAX_ITEMS: u64 = 1 << ITEM_BITS;

    /// Most children that one item can have in the catalog.
    pub const MAX_CHILD: u32 = (1 << CHILD_BITS) - 1;

    /// The key of child `child` (0: the message itself) of item `item` (from 0) of ledger segment `segment`.
    ///
    /// `None` past the limits: 65,535 segments, 2^33 items a segment, 16,383 children an item.
    pub fn new(segment: u32, item: u64, child: u32) -> Option<Self> {
        if segment >= 1 << 16 || item >= 1 << ITEM_BITS || child > Self::MAX_CHILD {
            return None;
        }
        Some(Self(u64::from(segment) << (ITEM_BITS + CHILD_BITS) | item << CHILD_BITS | u64::from(child)))
    }

    /// The key as the catalog and the index hold it.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// A key read back from the catalog or the index.
    pub fn from_u64(key: u64) -> Self {
        Self(key)
    }

    /// The key of the message this is a child of (itself, when it is no child).
    #[must_use]
    pub fn message(self) -> Self {
        Self(self.0 & !u64::from(Self::MAX_CHILD))
    }

    /// Number of the ledger segment.
    pub fn segment(self) -> u32 {
        u32::try_from(self.0 >> (ITEM_BITS + CHILD_BITS)).unwrap_or(u32::MAX)
    }

    /// Place among the items of the segment, from 0.
    pub fn item(self) -> u64 {
        (self.0 >> CHILD_BITS) & ((1 << ITEM_BITS) - 1)
    }

    /// 0 for the message itself.
    pub fn child(self) -> u32 {
        u32::try_from(self.0 & u64::from(Self::MAX_CHILD)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_print() {
        for text in ["00000000000000ff-3-41/2.1", "5f0c2a9be4d17788-1-1", "pending000002-1-7"] {
            assert_eq!(text.parse::<ItemId>().unwrap().to_string(), text);
        }
        for text in ["5f0c2a9be4d17788-0-1", "5F0C2A9BE4D17788-1-1", "x-1-1", "5f0c2a9be4d17788-1-1/", "-1-1"]
        {
            assert!(text.parse::<ItemId>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_sort_in_ledger_order() {
        let key = ItemKey::new(2, 5, 3).unwrap();
        assert_eq!((key.segment(), key.item(), key.child()), (2, 5, 3));
        assert!(key.message() < key && key < ItemKey::new(2, 6, 0).unwrap());
        assert!(ItemKey::new(1, u64::from(u32::MAX), 0).unwrap() < key);
        assert_eq!(ItemKey::new(1 << 16, 0, 0), None);
    }
}
