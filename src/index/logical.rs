//! What the index answers about each item, as one number: two indexes that answer alike have equal numbers, however
//! their segments, dictionaries and lists are cut.
//!
//! The number is the sum of a keyed hash over everything that a search can ask of the item: every word with its field
//! and its place, every other term, every hop with its terms and its instant, every hash that is kept, date and size.
//! The order of adding does not matter, so lists are read once, term by term, with eight bytes held for each item. The
//! key is drawn anew each time: nobody can make an index of other content that adds up to the same.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;

use super::codec::END;
use super::gather::Gather;
use super::part::Part;
use super::read::{IndexReader, guarded};
use super::schema::{self, FACT, FIELDS, HOP, NARROW};
use super::{IndexError, IndexWorker};
use crate::types::ItemKey;

/// Digests of items and children.
pub type ItemDigests = Vec<(ItemKey, u64)>;

/// The key of one comparison; both sides are read with the same.
#[derive(Clone, Debug)]
pub struct DigestKey {
    hasher: RandomState,
    mix: [u64; 2],
}

impl Default for DigestKey {
    fn default() -> Self {
        let hasher = RandomState::new();
        let mix = [hasher.hash_one(1u8), hasher.hash_one(2u8)];
        Self { hasher, mix }
    }
}

/// What is added beside terms; numbers that no field has.
#[derive(Clone, Copy, Hash)]
enum Beside {
    Size,
    Date,
    Hops,
    HopTime(u32),
    Hash(u8, u32),
}

impl DigestKey {
    fn term(&self, field: u8, term: &[u8]) -> u64 {
        self.hasher.hash_one((field, term))
    }

    fn beside(&self, what: Beside, value: u64) -> u64 {
        self.hasher.hash_one((what, value))
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    fn posting(&self, term: u64, place: u32) -> u64 {
        let place = (u64::from(place) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.mix[1];
        let product = u128::from(term ^ self.mix[0]) * u128::from(place);
        (product as u64) ^ ((product >> 64) as u64)
    }
}

/// The bytes of a hash that are kept, as a number.
fn kept(kind: u8, hash: u64) -> u64 {
    let hash = hash & (u64::MAX >> 8);
    if schema::is_wide(kind) { hash } else { hash >> (8 * (schema::WIDE - NARROW)) }
}

impl IndexWorker {
    /// A worker that gathers, and whose items are only ever taken as digests.
    pub fn for_digests() -> Self {
        Self::new(None, usize::MAX)
    }

    /// Takes the digests of the items gathered since the last time, in their order.
    pub fn take_digests(&mut self, key: &DigestKey, out: &mut Vec<(ItemKey, u64)>) {
        self.gather.digests(key, out);
        self.gather.clear();
    }
}

impl Gather {
    fn digests(&mut self, key: &DigestKey, out: &mut Vec<(ItemKey, u64)>) {
        let terms: Vec<u64> = (0u32..)
            .zip(0..self.terms.len())
            .map(|(id, _)| key.term(self.terms.field(id), self.terms.term(id)))
            .collect();
        let term = |number: u32| terms.get((number as usize).wrapping_sub(1)).copied();
        let first = out.len();
        let mut facts = self.facts.split(|&number| number == 0);
        let mut hop_facts = self.hop_facts.split(|&number| number == 0);
        let mut distinct = Vec::new();
        let mut once = |group: &[u32], place: u32, sum: &mut u64| {
            distinct.clear();
            distinct.extend_from_slice(group);
            distinct.sort_unstable();
            distinct.dedup();
            for term in distinct.iter().filter_map(|&number| term(number)) {
                *sum = sum.wrapping_add(key.posting(term, place));
            }
        };
        for (n, doc) in self.docs.iter().enumerate() {
            let next = self.docs.get(n + 1);
            let to = next.map_or(self.stream.len(), |next| next.start as usize);
            let mut sum = 0u64;
            for (place, &number) in (0u32..).zip(self.stream.get(doc.start as usize..to).unwrap_or_default())
            {
                if let Some(term) = term(number) {
                    sum = sum.wrapping_add(key.posting(term, place));
                }
            }
            once(facts.next().unwrap_or_default(), 0, &mut sum);
            let hops = doc.hop..next.map_or(self.hops(), |next| next.hop);
            for (at, hop) in (0u32..).zip(hops.clone()) {
                once(hop_facts.next().unwrap_or_default(), at, &mut sum);
                let time = self.hop_times.get(hop as usize).copied().unwrap_or_default();
                sum = sum.wrapping_add(key.beside(Beside::HopTime(at), time.cast_unsigned()));
            }
            sum = sum.wrapping_add(key.beside(Beside::Hops, u64::from(hops.end.saturating_sub(hops.start))));
            sum = sum.wrapping_add(key.beside(Beside::Size, doc.size));
            if let Some(date) = doc.date {
                sum = sum.wrapping_add(key.beside(Beside::Date, schema::date_number(date)));
            }
            out.push((ItemKey::from_u64(doc.key), sum));
        }
        let kind_of = |hash: u64| hash.to_be_bytes()[0];
        for (hash, _) in &mut self.hashes {
            let kind = kind_of(*hash);
            *hash = u64::from(kind) << 56 | kept(kind, *hash);
        }
        self.hashes.sort_unstable();
        self.hashes.dedup();
        for &(hash, number) in &self.hashes {
            let kind = kind_of(hash);
            let (doc, at) = if schema::kind::is_of_hops(kind) {
                let doc = self.docs.partition_point(|doc| doc.hop <= number).saturating_sub(1);
                (doc, number - self.docs.get(doc).map_or(0, |doc| doc.hop))
            } else {
                (number as usize, 0)
            };
            if let Some((_, sum)) = out.get_mut(first + doc) {
                *sum = sum.wrapping_add(key.beside(Beside::Hash(kind, at), hash & (u64::MAX >> 8)));
            }
        }
    }
}

/// Places, or hops, to documents in any order.
struct Documents<'a> {
    starts: &'a [[u8; 4]],
    /// For every 256th place the document that it is in.
    blocks: Vec<u32>,
}

/// Places in a block, as a power of two.
const BLOCK: u32 = 8;

impl<'a> Documents<'a> {
    fn new(starts: &'a [[u8; 4]]) -> Self {
        let mut blocks = Vec::new();
        for (doc, &start) in (0u32..).zip(starts) {
            // The blocks that begin before this document begin in the one before it.
            let blocks_before = (u32::from_le_bytes(start) as usize).div_ceil(1 << BLOCK);
            if blocks.len() < blocks_before {
                blocks.resize(blocks_before, doc.saturating_sub(1));
            }
        }
        Self { starts, blocks }
    }

    fn start(&self, doc: u32) -> u32 {
        self.starts.get(doc as usize).map_or(END, |&start| u32::from_le_bytes(start))
    }

    /// The document of a place, where it begins and where the next one does.
    #[inline]
    fn find(&self, place: u32) -> (u32, u32, u32) {
        let last = u32::try_from(self.starts.len()).unwrap_or(END).saturating_sub(1);
        let mut doc = self.blocks.get((place >> BLOCK) as usize).copied().unwrap_or(last);
        while doc < last && self.start(doc + 1) <= place {
            doc += 1;
        }
        (doc, self.start(doc), self.start(doc + 1))
    }
}

fn part_digests(part: &Part, key: &DigestKey, out: &mut Vec<(ItemKey, u64)>) -> tantivy::Result<()> {
    let mut sums = vec![0u64; part.docs as usize];
    let mut add = |doc: u32, value: u64| {
        if let Some(sum) = sums.get_mut(doc as usize) {
            *sum = sum.wrapping_add(value);
        }
    };
    let words = Documents::new(part.starts()?);
    let hops = Documents::new(part.hop_starts()?);
    for number in 0..FIELDS {
        part.field(number)?.each_list(|term, mut cursor| {
            let term = key.term(number, term);
            let (mut doc, mut start, mut end) = (0, 0, 0);
            loop {
                let place = cursor.next();
                if place == END {
                    return;
                }
                if number == FACT {
                    add(place, key.posting(term, 0));
                    continue;
                }
                if place >= end {
                    (doc, start, end) = if number == HOP { hops.find(place) } else { words.find(place) };
                }
                add(doc, key.posting(term, place.wrapping_sub(start)));
            }
        })?;
    }
    let all_hops = part.hops()?;
    for (hop, &time) in (0u32..).zip(part.hop_times()?) {
        let (doc, start, _) = hops.find(hop);
        add(doc, key.beside(Beside::HopTime(hop.wrapping_sub(start)), u64::from_le_bytes(time)));
    }
    part.each_hash(|kind, hash, number| {
        let (doc, at) = if schema::kind::is_of_hops(kind) {
            let (doc, start, _) = hops.find(number);
            (doc, number.wrapping_sub(start))
        } else {
            (number, 0)
        };
        add(doc, key.beside(Beside::Hash(kind, at), hash));
    })?;
    let (sizes, dates) = (part.column(schema::SIZE)?, part.column(schema::DATE)?);
    for doc in 0..part.docs {
        let end = hops.start(doc + 1).min(all_hops);
        add(doc, key.beside(Beside::Hops, u64::from(end.saturating_sub(hops.start(doc)))));
        for size in sizes.values_for_doc(doc) {
            add(doc, key.beside(Beside::Size, size));
        }
        for date in dates.values_for_doc(doc) {
            add(doc, key.beside(Beside::Date, date));
        }
    }
    for (doc, sum) in (0u32..).zip(sums) {
        out.push((ItemKey::from_u64(part.key(doc).unwrap_or(u64::MAX)), sum));
    }
    Ok(())
}

impl IndexReader {
    /// Reads everything that it answers, one segment after the other, each let go before the next: the digest of every
    /// item and child, in the order of their keys, where a key that stands twice comes twice. And the files whose bytes
    /// do not have the checksum that stands at their end.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`], of each by itself.
    pub fn into_answers(
        self,
        key: &DigestKey,
    ) -> (Result<ItemDigests, IndexError>, Result<Vec<PathBuf>, IndexError>) {
        let mut digests = Vec::with_capacity(usize::try_from(self.len()).unwrap_or_default());
        let read =
            guarded(|| self.parts.into_iter().try_for_each(|part| part_digests(&part, key, &mut digests)));
        digests.sort_unstable();
        let damaged = guarded(|| {
            let mut files: Vec<_> = self.index.validate_checksum()?.into_iter().collect();
            files.sort();
            Ok(files)
        });
        (read.map(|()| digests), damaged)
    }
}
