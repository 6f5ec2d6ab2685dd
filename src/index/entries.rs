//! What an index holds and what an item gives, in one logical form: to compare the two without regard to segments.

use std::hash::{BuildHasher as _, RandomState};

use super::codec::{Cursor, END};
use super::gather::Doc;
use super::part::{FieldReader, Part, Walk};
use super::read::{IndexReader, guarded};
use super::schema::{self, FACT, FIELDS, Words};
use super::text::{Cutter, Sink};
use super::worker::Indexed;
use super::{IndexError, words};
use crate::types::ItemKey;

/// What an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A word: places are counted in words and gaps from the beginning of the item.
    Word(Words),
    /// A term that is no word: see [`schema::kind`]. It has no places.
    Fact,
    /// A term of hops: places are hops, 0 is the newest.
    Hop,
    /// The first bytes of a digest, behind its kind; its places are hops when the kind is one of hops.
    Hash,
    /// Size and date of the item: 8 bytes each, the most significant first; an undated item has only the first.
    Item,
    /// The instants of all hops, newest first, 8 bytes each.
    HopTimes,
}

/// One term of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexEntry<'a> {
    /// The item or child.
    pub key: ItemKey,
    /// What it stands in.
    pub kind: EntryKind,
    /// The term.
    pub term: &'a [u8],
    /// Where, ascending.
    pub places: &'a [u32],
}

/// Two keys that nobody can know before: hashes under them cannot be made to meet.
#[derive(Clone, Debug)]
pub struct EntryHasher([RandomState; 2]);

impl EntryHasher {
    /// With keys of its own; only hashes of one hasher can be compared.
    #[expect(clippy::new_without_default, reason = "two hashers are never equal, which a default suggests")]
    pub fn new() -> Self {
        Self([RandomState::new(), RandomState::new()])
    }

    /// The hash of one entry.
    pub fn of(&self, entry: &IndexEntry<'_>) -> u128 {
        let [a, b] = &self.0;
        u128::from(a.hash_one(entry)) << 64 | u128::from(b.hash_one(entry))
    }
}

/// Says what an index holds of an item.
#[derive(Debug, Default)]
pub struct ItemEntries {
    cutter: Cutter,
    sink: Entries,
}

impl ItemEntries {
    /// Calls `visit` with every entry of an item, ordered by kind and term.
    pub fn each(&mut self, item: &Indexed<'_>, visit: &mut dyn FnMut(&IndexEntry<'_>)) {
        self.sink.clear();
        self.cutter.add(item, &mut self.sink);
        self.sink.each(item.key, visit);
    }

    /// The sum of the hashes of all entries of an item, which [`IndexReader::fingerprints`] gives for it too.
    pub fn fingerprint(&mut self, item: &Indexed<'_>, hasher: &EntryHasher) -> u128 {
        let mut sum = 0u128;
        self.each(item, &mut |entry| sum = sum.wrapping_add(hasher.of(entry)));
        sum
    }
}

/// Takes what [`Cutter`] cuts of one item.
#[derive(Debug, Default)]
struct Entries {
    bytes: Vec<u8>,
    /// Kind, start and length of the term in `bytes`, and place.
    entries: Vec<(EntryKind, u32, u32, u32)>,
    place: u32,
    hops: u32,
    hop_times: Vec<u8>,
    hashes: Vec<(u64, u32)>,
    item: Vec<u8>,
}

/// The place of what has none.
const NOWHERE: u32 = u32::MAX;

impl Entries {
    fn clear(&mut self) {
        *self = Self {
            bytes: std::mem::take(&mut self.bytes),
            entries: std::mem::take(&mut self.entries),
            ..Self::default()
        };
        self.bytes.clear();
        self.entries.clear();
    }

    fn push(&mut self, kind: EntryKind, term: &[u8], place: u32) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(term);
        let place_of = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.entries.push((kind, place_of(at), place_of(term.len()), place));
    }

    fn each(&mut self, key: ItemKey, visit: &mut dyn FnMut(&IndexEntry<'_>)) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        for (hash, hop) in std::mem::take(&mut self.hashes) {
            let hash = hash.to_be_bytes();
            let place = if schema::kind::is_of_hops(hash[0]) { hop } else { NOWHERE };
            self.push(EntryKind::Hash, hash.get(..=schema::kept(hash[0])).unwrap_or_default(), place);
        }
        let Self { bytes, entries, .. } = self;
        let term = |at: u32, len: u32| {
            let from = at as usize;
            bytes.get(from..from + len as usize).unwrap_or_default()
        };
        entries.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| term(a.1, a.2).cmp(term(b.1, b.2))).then(a.3.cmp(&b.3))
        });
        visit(&IndexEntry { key, kind: EntryKind::Item, term: &self.item, places: &[] });
        if !self.hop_times.is_empty() {
            visit(&IndexEntry { key, kind: EntryKind::HopTimes, term: &self.hop_times, places: &[] });
        }
        let mut places = Vec::new();
        for same in entries.chunk_by(|a, b| a.0 == b.0 && term(a.1, a.2) == term(b.1, b.2)) {
            let Some(&(kind, at, len, _)) = same.first() else { continue };
            let term = term(at, len);
            // Truncated digests that meet are entries of their own in the table of hashes.
            if kind == EntryKind::Hash {
                for &(.., place) in same {
                    let one = [place];
                    let places = if place == NOWHERE { &[][..] } else { &one };
                    visit(&IndexEntry { key, kind, term, places });
                }
                continue;
            }
            places.clear();
            places.extend(same.iter().map(|&(.., place)| place).filter(|&place| place != NOWHERE));
            places.dedup();
            visit(&IndexEntry { key, kind, term, places: &places });
        }
    }
}

impl Sink for Entries {
    fn begin(&mut self, doc: Doc) {
        self.item = item_term(doc.size, doc.date.map(schema::date_number));
    }

    fn begin_hop(&mut self, time: i64) {
        self.hops += 1;
        self.hop_times.extend_from_slice(&time.to_be_bytes());
    }

    fn word(&mut self, field: u8, buffer: &[u8], at: usize, len: usize) {
        if let Some(&field) = Words::ALL.get(usize::from(field)) {
            let place = self.place;
            self.push(EntryKind::Word(field), buffer.get(at..at + len).unwrap_or_default(), place);
        }
        self.place += 1;
    }

    fn words(&mut self, field: u8, buffer: &[u8], runs: &[(u32, u32)]) {
        for &(at, len) in runs {
            self.word(field, buffer, at as usize, len as usize);
        }
    }

    fn gap(&mut self) {
        self.place += 1;
    }

    fn fact(&mut self, term: &mut Vec<u8>) {
        let len = term.len().min(words::LONGEST);
        self.push(EntryKind::Fact, term.get(..len).unwrap_or_default(), NOWHERE);
    }

    fn hop_fact(&mut self, term: &mut Vec<u8>) {
        let len = term.len().min(words::LONGEST);
        let hop = self.hops.saturating_sub(1);
        self.push(EntryKind::Hop, term.get(..len).unwrap_or_default(), hop);
    }

    fn hash(&mut self, kind: u8, hash: [u8; schema::WIDE]) {
        let [a, b, c, d, e, f, g] = hash;
        let hop = self.hops.saturating_sub(1);
        self.hashes.push((u64::from_be_bytes([kind, a, b, c, d, e, f, g]), hop));
    }

    fn memory(&self) -> usize {
        self.bytes.len() + self.entries.len() * 16
    }
}

fn item_term(size: u64, date: Option<u64>) -> Vec<u8> {
    let mut term = size.to_be_bytes().to_vec();
    term.extend(date.iter().flat_map(|date| date.to_be_bytes()));
    term
}

impl IndexReader {
    /// Calls `visit` with every entry of every item: segment by segment, in each by kind and term. An item that is there
    /// twice has its entries twice.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn each_entry(&self, visit: &mut dyn FnMut(&IndexEntry<'_>)) -> Result<(), IndexError> {
        guarded(|| self.parts.iter().try_for_each(|part| part.each_entry(&mut |_, entry| visit(entry))))
    }

    /// For every item the sum of the hashes of its entries, ordered by key. An item that is there twice comes twice.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn fingerprints(&self, hasher: &EntryHasher) -> Result<Vec<(ItemKey, u128)>, IndexError> {
        guarded(|| {
            let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or_default());
            for part in &self.parts {
                let from = out.len();
                out.extend(
                    (0..part.docs).map(|doc| (ItemKey::from_u64(part.key(doc).unwrap_or_default()), 0u128)),
                );
                part.each_entry(&mut |doc, entry| {
                    if let Some((_, sum)) = out.get_mut(from + doc as usize) {
                        *sum = sum.wrapping_add(hasher.of(entry));
                    }
                })?;
            }
            out.sort_unstable();
            Ok(out)
        })
    }
}

/// Numbers of one list, put together by document.
struct ByDocument<'a> {
    cursor: Cursor<'a>,
    walk: Walk<'a>,
    next: u32,
    places: Vec<u32>,
}

impl<'a> ByDocument<'a> {
    fn new(mut cursor: Cursor<'a>, walk: Walk<'a>) -> Self {
        let next = cursor.next();
        Self { cursor, walk, next, places: Vec::new() }
    }

    /// The next document with the places in it, counted from its first.
    fn next(&mut self) -> Option<(u32, &[u32])> {
        if self.next == END {
            return None;
        }
        let (doc, start, end) = self.walk.doc_from(self.next);
        self.places.clear();
        while self.next < end {
            self.places.push(self.next - start);
            self.next = self.cursor.next();
        }
        Some((doc, &self.places))
    }
}

impl Part {
    fn each_entry(&self, visit: &mut dyn FnMut(u32, &IndexEntry<'_>)) -> tantivy::Result<()> {
        let key = |doc: u32| ItemKey::from_u64(self.key(doc).unwrap_or_default());
        let (sizes, dates) = (self.column(schema::SIZE)?, self.column(schema::DATE)?);
        for doc in 0..self.docs {
            let term = item_term(sizes.first(doc).unwrap_or_default(), dates.first(doc));
            visit(doc, &IndexEntry { key: key(doc), kind: EntryKind::Item, term: &term, places: &[] });
        }
        self.each_hop_times(&mut |doc, times| {
            let term: Vec<u8> = times.iter().flat_map(|t| i64::from_le_bytes(*t).to_be_bytes()).collect();
            visit(doc, &IndexEntry { key: key(doc), kind: EntryKind::HopTimes, term: &term, places: &[] });
        })?;
        for number in 0..FIELDS {
            let field: &FieldReader = self.field(number)?;
            let mut terms = field.terms.all();
            while let Some((term, list)) = terms.next()? {
                if number == FACT {
                    let mut cursor = field.list(&list);
                    while let Some(doc) = Some(cursor.next()).filter(|&doc| doc != END) {
                        visit(doc, &IndexEntry { key: key(doc), kind: EntryKind::Fact, term, places: &[] });
                    }
                    continue;
                }
                let (kind, walk) = match Words::ALL.get(usize::from(number)) {
                    Some(&words) => (EntryKind::Word(words), self.walk()?),
                    None => (EntryKind::Hop, self.hop_walk()?),
                };
                let mut found = ByDocument::new(field.list(&list), walk);
                while let Some((doc, places)) = found.next() {
                    visit(doc, &IndexEntry { key: key(doc), kind, term, places });
                }
            }
        }
        self.each_hash(&mut |term, number| {
            let is_of_hops = term.first().copied().is_some_and(schema::kind::is_of_hops);
            let (doc, start, _) =
                if is_of_hops { self.hop_walk()?.doc_from(number) } else { (number, number, number) };
            let place = [number - start];
            let places = if is_of_hops { &place[..] } else { &[] };
            visit(doc, &IndexEntry { key: key(doc), kind: EntryKind::Hash, term, places });
            Ok(())
        })
    }
}
