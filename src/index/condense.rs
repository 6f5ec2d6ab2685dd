//! Which segments are put together, and in what turns.

use std::path::Path;

use tantivy::Index;
use tantivy::index::{Segment, SegmentMeta};

use super::directory::Unmapped;
use super::merge::{Piece, Sizes, merge};

/// Segments that stay, at most, as long as each is full: three files each, and two for the index.
const MOST_SEGMENTS: usize = 4;

/// Segments that are read at once, three open files each.
const TOGETHER: usize = 32;

/// What the plan rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outline {
    sizes: Sizes,
    /// Key of its first document.
    first: u64,
    /// How large it is, for comparison only.
    weight: u64,
}

/// A segment on its way into the next one.
struct Link {
    /// As it is read here.
    segment: Segment,
    /// As the writer knows it: it keeps the files of what it knows.
    meta: SegmentMeta,
    outline: Outline,
}

impl Link {
    fn open(unmapped: &Index, meta: SegmentMeta) -> tantivy::Result<Self> {
        let segment = unmapped.segment(meta.clone());
        let piece = Piece::open(&segment)?;
        let Sizes { docs, places, hops } = piece.sizes;
        let weight = u64::from(places) + u64::from(hops) + u64::from(docs);
        Ok(Self { segment, meta, outline: Outline { sizes: piece.sizes, first: piece.first, weight } })
    }
}

/// Puts the small segments of the last commit together, in files of `index`. Answers all segments that there are then;
/// `None` when all stay as they are.
pub(super) fn condense(path: &Path, index: &Index) -> tantivy::Result<Option<Vec<SegmentMeta>>> {
    let metas = index.searchable_segment_metas()?;
    if metas.len() < 2 {
        return Ok(None);
    }
    let unmapped = Index::open(Unmapped::open(path)?)?;
    let mut links = Vec::with_capacity(metas.len());
    for meta in metas {
        links.push(Link::open(&unmapped, meta)?);
    }
    links.sort_by_key(|link| std::cmp::Reverse(link.outline.weight));
    let weights: Vec<u64> = links.iter().map(|link| link.outline.weight).collect();
    let mut chosen = links.split_off(stay(&weights));
    let mut changed = false;
    loop {
        chosen.sort_by_key(|link| link.outline.first);
        let outlines: Vec<_> = chosen.iter().map(|link| link.outline.sizes).collect();
        let turns = turns(&outlines, TOGETHER);
        if turns.iter().all(|&len| len == 1) {
            break;
        }
        let mut rest = chosen.into_iter();
        chosen = Vec::new();
        for len in turns {
            let together: Vec<Link> = rest.by_ref().take(len).collect();
            if together.len() == 1 {
                chosen.extend(together);
                continue;
            }
            let pieces: Vec<_> =
                together.iter().map(|link| Piece::open(&link.segment)).collect::<Result<_, _>>()?;
            let segment = index.new_segment();
            let docs = merge(&pieces, &segment)?;
            chosen.push(Link::open(&unmapped, segment.with_max_doc(docs).meta().clone())?);
            changed = true;
        }
    }
    links.extend(chosen);
    Ok(changed.then(|| links.into_iter().map(|link| link.meta).collect()))
}

/// How many of the largest stay as they are; `weights` go down.
fn stay(weights: &[u64]) -> usize {
    let mut rest: u64 = weights.iter().sum();
    for (at, weight) in weights.iter().enumerate() {
        rest -= weight;
        // A single one that is left over would only be copied.
        if at + 1 >= weights.len() || weight / 2 < rest || at + 1 >= MOST_SEGMENTS {
            return at;
        }
    }
    weights.len()
}

/// How many neighbours are put together in each turn: as many as one segment can hold, at most `most`.
fn turns(sizes: &[Sizes], most: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let (mut len, mut sum) = (0, Sizes::default());
    for &next in sizes {
        if let Some(both) = sum.plus(next).filter(|_| len < most) {
            (len, sum) = (len + 1, both);
        } else {
            out.extend((len > 0).then_some(len));
            (len, sum) = (1, next);
        }
    }
    out.extend((len > 0).then_some(len));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ones_stay_until_the_rest_is_half_as_large() {
        let check = |weights: &[u64], want: usize| assert_eq!(stay(weights), want, "{weights:?}");
        check(&[5, 5, 5, 5], 0);
        check(&[100, 5, 5, 5], 1);
        check(&[100, 20, 20, 20], 0);
        check(&[100, 30, 4, 4], 2);
        check(&[1000, 200, 50, 10, 9], 3);
        check(&[9000, 3000, 900, 200, 50, 10], 3);
        check(&[9000, 3000, 900, 200], 3);
        check(&[7], 0);
    }

    #[test]
    fn a_turn_holds_what_one_segment_can_hold() {
        let docs = |docs: u32| Sizes { docs, places: 3, hops: 0 };
        assert_eq!(turns(&[docs(1); 70], 32), [32, 32, 6]);
        assert_eq!(turns(&[docs(1 << 22); 5], 32), [2, 2, 1]);
        assert_eq!(turns(&[docs(1 << 23), docs(1), docs(1)], 32), [1, 2]);
        assert_eq!(turns(&[], 32), [0usize; 0]);
    }
}
