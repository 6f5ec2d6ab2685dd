//! One question to one segment: terms, prefixes, ranges and phrases. Always every document, never the best few.

#![expect(
    clippy::cast_precision_loss,
    reason = "scores only order results; 24 bits are more than anyone can tell apart"
)]

use super::codec::END;
use super::dictionary::{Dictionary, ListAt, Until};
use super::located::{self, Located};
use super::part::Part;
use super::pattern::TermPattern;
use super::schema::{self, FACT, HOP, Words};
use super::set::Bits;
use super::words::Asked;

/// A question to the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Words that follow one another.
    Words(Phrase),
    /// A term that is no word: see [`schema`].
    Term(Vec<u8>),
    /// All such terms that begin so.
    Prefix(Vec<u8>),
    /// All such terms from the first to the second, both included.
    Range(Vec<u8>, Vec<u8>),
    /// A digest of one kind that begins with these bytes. The index keeps only the first few of each: hits have to be
    /// looked at in the catalog.
    Hash(u8, Vec<u8>),
    /// All such terms that begin with the first and hold the second after it.
    Containing(Vec<u8>, Vec<u8>),
    /// All such terms that begin with the first and end with the second.
    Ending(Vec<u8>, Vec<u8>),
    /// All such terms that begin with the first and of which the rest fits.
    Fitting(Vec<u8>, TermPattern),
    /// What stands at places of a field of words; the role is for [`Words::People`].
    Located(Words, Option<crate::facts::Role>, Located),
}

impl Lookup {
    /// Whether it finds hops: all its terms are of one kind, which is their first byte.
    pub(super) fn is_of_hops(&self) -> bool {
        let kind = match self {
            Self::Words(_) | Self::Located(..) => None,
            Self::Hash(kind, _) => Some(*kind),
            Self::Term(term)
            | Self::Prefix(term)
            | Self::Range(term, _)
            | Self::Containing(term, _)
            | Self::Ending(term, _)
            | Self::Fitting(term, _) => term.first().copied(),
        };
        kind.is_some_and(schema::kind::is_of_hops)
    }
}

/// Words that follow one another in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Where.
    pub field: Words,
    /// The role, for [`Words::People`].
    pub role: Option<crate::facts::Role>,
    /// The words; nothing is found when there are none.
    pub words: Vec<Asked>,
    /// Whether the last word may go on.
    pub open: bool,
}

impl Phrase {
    fn slots(&self) -> Vec<Slot> {
        let last = self.words.len().saturating_sub(1);
        let slot = |(n, word): (usize, &Asked)| {
            let mut term = Vec::with_capacity(word.term.len() + 1);
            term.extend(self.role.map(schema::role_byte));
            term.extend_from_slice(&word.term);
            Slot { term, offset: word.offset, open: word.single || (self.open && n == last) }
        };
        self.words.iter().enumerate().map(slot).collect()
    }
}

/// One word of a phrase, as a term.
struct Slot {
    term: Vec<u8>,
    offset: u32,
    open: bool,
}

impl Slot {
    fn lists(&self, terms: &Dictionary) -> tantivy::Result<Vec<ListAt>> {
        if !self.open {
            return Ok(terms.get(&self.term)?.into_iter().collect());
        }
        prefixed(terms, &self.term)
    }
}

fn prefixed(terms: &Dictionary, prefix: &[u8]) -> tantivy::Result<Vec<ListAt>> {
    let mut terms = terms.prefixed(prefix);
    let mut out = Vec::new();
    while let Some((_, list)) = terms.next()? {
        out.push(list);
    }
    Ok(out)
}

/// Adds everything in a segment that a lookup finds: documents, or hops when [`Lookup::is_of_hops`].
pub(super) fn find(part: &Part, lookup: &Lookup, bits: &mut Bits) -> tantivy::Result<()> {
    let field = || part.field(if lookup.is_of_hops() { HOP } else { FACT });
    match lookup {
        Lookup::Words(phrase) => return find_phrase(part, phrase, bits),
        Lookup::Located(words, role, what) => return located::find(part, *words, *role, what, bits),
        Lookup::Hash(kind, prefix) => return part.hashes(*kind, prefix, bits),
        Lookup::Term(term) => {
            let field = field()?;
            if let Some(list) = field.terms.get(term)? {
                field.docs(&list, bits);
            }
        }
        Lookup::Prefix(prefix) => {
            let field = field()?;
            for list in prefixed(&field.terms, prefix)? {
                field.docs(&list, bits);
            }
        }
        Lookup::Range(from, to) => {
            let field = field()?;
            let mut terms = field.terms.from(from, Until::With(to.clone()));
            while let Some((_, list)) = terms.next()? {
                field.docs(&list, bits);
            }
        }
        Lookup::Containing(prefix, needle) => {
            let field = field()?;
            let mut terms = field.terms.prefixed(prefix);
            let finder = memchr::memmem::Finder::new(needle);
            while let Some((term, list)) = terms.next()? {
                if finder.find(term.get(prefix.len()..).unwrap_or_default()).is_some() {
                    field.docs(&list, bits);
                }
            }
        }
        Lookup::Ending(prefix, end) => {
            let field = field()?;
            let mut terms = field.terms.prefixed(prefix);
            while let Some((term, list)) = terms.next()? {
                if term.get(prefix.len()..).is_some_and(|rest| rest.ends_with(end)) {
                    field.docs(&list, bits);
                }
            }
        }
        Lookup::Fitting(prefix, pattern) => {
            let field = field()?;
            let mut terms = field.terms.prefixed(prefix);
            while let Some((term, list)) = terms.next()? {
                if term.get(prefix.len()..).is_some_and(|rest| pattern.fits(rest)) {
                    field.docs(&list, bits);
                }
            }
        }
    }
    Ok(())
}

fn find_phrase(part: &Part, phrase: &Phrase, bits: &mut Bits) -> tantivy::Result<()> {
    let field = part.field(phrase.field as u8)?;
    let mut found = Vec::with_capacity(phrase.words.len());
    for slot in phrase.slots() {
        let lists = slot.lists(&field.terms)?;
        if lists.is_empty() {
            return Ok(());
        }
        let total: u64 = lists.iter().map(|list| u64::from(list.count())).sum();
        found.push((total, slot.offset, lists));
    }
    // The rarest word says where the phrase can begin; the others are only looked up there.
    found.sort_by_key(|(total, ..)| *total);
    let Some(((_, first, lists), rest)) = found.split_first() else { return Ok(()) };
    let mut walk = part.walk()?;
    if rest.is_empty()
        && let [list] = lists.as_slice()
    {
        let mut cursor = field.list(list);
        walk.mark(std::iter::from_fn(|| Some(cursor.next()).filter(|&place| place != END)), bits);
        return Ok(());
    }
    let mut starts = field.places(lists);
    starts.retain_mut(|place| match place.checked_sub(*first) {
        Some(start) => {
            *place = start;
            true
        }
        None => false,
    });
    for (_, offset, lists) in rest {
        if let [list] = lists.as_slice() {
            let mut cursor = field.list(list);
            starts.retain(|&start| cursor.seek(start + offset) == start + offset);
        } else {
            let places = field.places(lists);
            let mut at = 0;
            starts.retain(|&start| {
                at += places.get(at..).unwrap_or_default().partition_point(|&p| p < start + offset);
                places.get(at) == Some(&(start + offset))
            });
        }
    }
    walk.mark(starts.into_iter(), bits);
    Ok(())
}

/// A term and what an item that holds it is worth.
pub(super) struct Weight {
    field: u8,
    term: Vec<u8>,
    worth: f32,
}

/// The worth of every closed word of the lookups: the rarer among all words the more, in a subject twice as much.
pub(super) fn weights(parts: &[Part], lookups: &[Lookup]) -> tantivy::Result<Vec<Weight>> {
    let mut out: Vec<Weight> = Vec::new();
    let all: u64 = parts.iter().map(Part::places).sum();
    for lookup in lookups {
        let Lookup::Words(phrase) = lookup else { continue };
        let field = phrase.field as u8;
        for slot in phrase.slots().into_iter().filter(|s| !s.open) {
            let mut with = 0u64;
            for part in parts {
                with += part.field(field)?.terms.get(&slot.term)?.map_or(0, |list| u64::from(list.count()));
            }
            let rare = ((all.saturating_sub(with)) as f32 + 0.5) / (with as f32 + 0.5);
            let boost = if phrase.field == Words::Subject { 2.0 } else { 1.0 };
            out.push(Weight { field, term: slot.term, worth: boost * rare.ln_1p() });
        }
    }
    Ok(out)
}

/// The score of every document of `bits`.
pub(super) fn scores(part: &Part, bits: &Bits, weights: &[Weight]) -> tantivy::Result<Vec<f32>> {
    let mut scores = vec![0f32; part.docs as usize];
    for weight in weights {
        let field = part.field(weight.field)?;
        let Some(list) = field.terms.get(&weight.term)? else { continue };
        let (mut cursor, mut walk) = (field.list(&list), part.walk()?);
        let mut place = cursor.next();
        while place != END {
            let (doc, end) = walk.doc(place);
            let mut times = 0f32;
            while place < end {
                times += 1.0;
                place = cursor.next();
            }
            if bits.contains(doc)
                && let Some(score) = scores.get_mut(doc as usize)
            {
                *score += weight.worth * times / (times + 1.2);
            }
        }
    }
    Ok(scores)
}
