//! The index opened for reading.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use tantivy::directory::MmapDirectory;
use tantivy::{Index, TantivyError};

use super::directory::ReadOnly;
use super::part::Part;
use super::search::{self, Lookup};
use super::set::{Bits, Set};
use super::{IndexError, Watermarks, read_payload, schema};
use crate::types::ItemKey;
use crate::types::caught::caught;
use crate::types::time::UtcMs;

/// An index, as of its last commit when it was opened.
#[derive(Debug)]
pub struct IndexReader {
    pub(super) index: Index,
    pub(super) parts: Vec<Part>,
    watermarks: Watermarks,
    trust: Option<u64>,
}

/// tantivy may panic on a damaged file; that is an error like another.
pub(super) fn guarded<T>(work: impl FnOnce() -> tantivy::Result<T>) -> Result<T, IndexError> {
    match caught(work) {
        Some(Err(TantivyError::DataCorruption(_))) | None => Err(IndexError::Damaged),
        Some(Err(TantivyError::InvalidArgument(why))) if why == super::located::TOO_MANY => {
            Err(IndexError::TooManyPlaces)
        }
        Some(done) => done.map_err(IndexError::Read),
    }
}

impl IndexReader {
    /// Opens the index in the folder `path` without writing anything there.
    ///
    /// # Errors
    /// [`IndexError::OtherVersion`] when it has to be made anew; [`IndexError::Open`] when there is none or it cannot
    /// be read; [`IndexError::Damaged`].
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        // A writer that puts segments together may delete files between our reading their names and opening them.
        match Self::try_open(path) {
            Err(IndexError::Open { .. } | IndexError::Read(_)) => Self::try_open(path),
            other => other,
        }
    }

    fn try_open(path: &Path) -> Result<Self, IndexError> {
        // tantivy says in its own words what the system said; earlier versions left this file to its owner alone.
        let meta = path.join("meta.json");
        match File::open(&meta) {
            Err(source) if source.kind() == ErrorKind::PermissionDenied => {
                return Err(IndexError::Refused { path: meta, source });
            }
            _ => {}
        }
        let opened = guarded(|| {
            let index = Index::open(ReadOnly(MmapDirectory::open(path)?))?;
            let metas = index.load_metas()?;
            Ok((index, metas))
        });
        let (index, metas) = opened.map_err(|e| match e {
            IndexError::Read(source) => IndexError::Open { path: path.to_owned(), source },
            other => other,
        })?;
        let (watermarks, trust) = match &metas.payload {
            None if metas.segments.is_empty() => (Watermarks::new(), None),
            payload => {
                let read = payload.as_deref().and_then(read_payload);
                read.ok_or_else(|| IndexError::OtherVersion { path: path.to_owned() })?
            }
        };
        let parts = guarded(|| {
            let mut parts = Vec::with_capacity(metas.segments.len());
            for segment in index.searchable_segments()? {
                parts.push(Part::open(&segment)?);
            }
            Ok(parts)
        })?;
        Ok(Self { index, parts, watermarks, trust })
    }

    /// How many items of each ledger segment are in it.
    pub fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// The custody event whose settings the findings and the trust of hops in it follow.
    pub fn trust(&self) -> Option<u64> {
        self.trust
    }

    /// Number of items and children in it.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|p| u64::from(p.docs)).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set without an item.
    pub fn none(&self) -> Set {
        Set { parts: self.parts.iter().map(|p| Bits::empty(p.docs)).collect() }
    }

    /// All items and children.
    pub fn all(&self) -> Set {
        self.none().complement()
    }

    /// Everything that a lookup finds.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn find(&self, lookup: &Lookup) -> Result<Set, IndexError> {
        self.find_any(std::slice::from_ref(lookup))
    }

    /// Everything that any of some lookups finds.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn find_any(&self, lookups: &[Lookup]) -> Result<Set, IndexError> {
        guarded(|| {
            let mut set = self.none();
            for (part, bits) in self.parts.iter().zip(&mut set.parts) {
                let mut hops = None;
                for lookup in lookups {
                    if lookup.is_of_hops() {
                        let hops = match &mut hops {
                            Some(hops) => hops,
                            None => hops.insert(Bits::empty(part.hops()?)),
                        };
                        search::find(part, lookup, hops)?;
                    } else {
                        search::find(part, lookup, bits)?;
                    }
                }
                if let Some(hops) = hops {
                    part.hop_walk()?.mark(hops.iter(), bits);
                }
            }
            Ok(set)
        })
    }

    fn filter(&self, name: &str, keep: impl Fn(u64) -> bool) -> Result<Set, IndexError> {
        guarded(|| {
            let mut set = self.none();
            for (part, bits) in self.parts.iter().zip(&mut set.parts) {
                let column = part.column(name)?;
                for doc in 0..part.docs {
                    if column.first(doc).is_some_and(&keep) {
                        bits.insert(doc);
                    }
                }
            }
            Ok(set)
        })
    }

    /// Items whose Date field lies in `from..to`; an end that is not given is open. Undated items are in none.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn dated(&self, from: Option<UtcMs>, to: Option<UtcMs>) -> Result<Set, IndexError> {
        let from = from.map_or(0, |t| schema::date_number(t.0));
        let to = to.map_or(u64::MAX, |t| schema::date_number(t.0));
        self.filter(schema::DATE, |date| from <= date && date < to)
    }

    /// Items of `from..to` bytes.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn sized(&self, from: u64, to: u64) -> Result<Set, IndexError> {
        self.filter(schema::SIZE, |size| from <= size && size < to)
    }

    /// Items with keys in one of the ranges, both ends included.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn keyed(&self, ranges: &[(ItemKey, ItemKey)]) -> Result<Set, IndexError> {
        let mut ranges: Vec<_> = ranges.iter().map(|(a, b)| (a.as_u64(), b.as_u64())).collect();
        ranges.sort_unstable();
        self.filter(schema::KEY, |key| {
            let after = ranges.partition_point(|&(from, _)| from <= key);
            after > 0 && ranges.get(after - 1).is_some_and(|&(_, to)| key <= to)
        })
    }

    /// The keys of a set, in ledger order.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn keys(&self, set: &Set) -> Result<Vec<ItemKey>, IndexError> {
        guarded(|| {
            let mut out = Vec::with_capacity(usize::try_from(set.len()).unwrap_or_default());
            for (part, bits) in self.parts.iter().zip(&set.parts) {
                out.extend(bits.iter().filter_map(|doc| part.key(doc)).map(ItemKey::from_u64));
            }
            out.sort_unstable();
            out.dedup();
            Ok(out)
        })
    }

    /// The keys of a set with the instants of their Date fields, in no order.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn dates(&self, set: &Set) -> Result<Vec<(ItemKey, Option<UtcMs>)>, IndexError> {
        guarded(|| {
            let mut out = Vec::with_capacity(usize::try_from(set.len()).unwrap_or_default());
            for (part, bits) in self.parts.iter().zip(&set.parts) {
                let dates = part.column(schema::DATE)?;
                out.extend(bits.iter().filter_map(|doc| {
                    let date = dates.first(doc).map(|n| UtcMs(schema::date_of(n)));
                    Some((ItemKey::from_u64(part.key(doc)?), date))
                }));
            }
            Ok(out)
        })
    }

    /// The keys of a set with a score: how rare and how frequent the words of `lookups` are in each, not normalised.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn scores(&self, set: &Set, lookups: &[Lookup]) -> Result<Vec<(ItemKey, f32)>, IndexError> {
        guarded(|| {
            let mut out = Vec::new();
            let weights = search::weights(&self.parts, lookups)?;
            for (part, bits) in self.parts.iter().zip(&set.parts) {
                let scores = search::scores(part, bits, &weights)?;
                out.extend(bits.iter().filter_map(|doc| {
                    let score = scores.get(doc as usize).copied().unwrap_or_default();
                    Some((ItemKey::from_u64(part.key(doc)?), score))
                }));
            }
            Ok(out)
        })
    }

    /// Every term of one kind with the number of items it is in, such as the codes of all anomalies; `kind` is one
    /// of [`schema::kind`]. Terms of hops come with the number of hops.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn terms(&self, kind: u8) -> Result<Vec<(Vec<u8>, u64)>, IndexError> {
        guarded(|| {
            let mut out = std::collections::BTreeMap::new();
            for part in &self.parts {
                let number = if schema::kind::is_of_hops(kind) { schema::HOP } else { schema::FACT };
                let field = part.field(number)?;
                let mut terms = field.terms.prefixed(&[kind]);
                while let Some((term, list)) = terms.next()? {
                    *out.entry(term.get(1..).unwrap_or_default().to_vec()).or_insert(0) +=
                        u64::from(list.count());
                }
            }
            Ok(out.into_iter().collect())
        })
    }

    /// Every term of one kind of items with the number of items of a set that it is in; terms that are in none are left
    /// out.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn terms_within(&self, kind: u8, set: &Set) -> Result<Vec<(Vec<u8>, u64)>, IndexError> {
        guarded(|| {
            let mut out = std::collections::BTreeMap::new();
            for (part, wanted) in self.parts.iter().zip(&set.parts) {
                let field = part.field(schema::FACT)?;
                let mut terms = field.terms.prefixed(&[kind]);
                while let Some((term, list)) = terms.next()? {
                    let mut bits = Bits::empty(part.docs);
                    field.docs(&list, &mut bits);
                    bits.zip(wanted, |a, b| a & b);
                    let count = bits.count();
                    if count > 0 {
                        *out.entry(term.get(1..).unwrap_or_default().to_vec()).or_insert(0) += count;
                    }
                }
            }
            Ok(out.into_iter().collect())
        })
    }

    /// Words of some fields that fit, each with the number of its places, the most frequent first; at most `most` of
    /// them.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn words_like(
        &self,
        fields: &[schema::Words],
        pattern: &super::TermPattern,
        most: usize,
    ) -> Result<Vec<(String, u64)>, IndexError> {
        guarded(|| {
            let mut out = std::collections::BTreeMap::<String, u64>::new();
            for part in &self.parts {
                for &words in fields {
                    let skip = usize::from(words == schema::Words::People);
                    let mut terms = part.field(words as u8)?.terms.all();
                    while let Some((term, list)) = terms.next()? {
                        let word = term.get(skip..).unwrap_or_default();
                        if pattern.fits(word) {
                            let word = String::from_utf8_lossy(word).into_owned();
                            *out.entry(word).or_default() += u64::from(list.count());
                        }
                    }
                }
            }
            let mut out: Vec<_> = out.into_iter().collect();
            out.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            out.truncate(most);
            Ok(out)
        })
    }

    /// Files of the index whose bytes do not have the checksum that stands at their end.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn damaged_files(&self) -> Result<Vec<std::path::PathBuf>, IndexError> {
        guarded(|| {
            let mut files: Vec<_> = self.index.validate_checksum()?.into_iter().collect();
            files.sort();
            Ok(files)
        })
    }
}
