//! One question to one segment: terms, prefixes, ranges and phrases. Always every document, never the best few.

#![expect(
    clippy::cast_precision_loss,
    reason = "scores only order results; 24 bits are more than anyone can tell apart"
)]

use tantivy::postings::{BlockSegmentPostings, Postings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet as _, InvertedIndexReader, TERMINATED};

use super::read::Part;
use super::schema::{self, FACT, Words};
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
    /// All such terms that begin with the first and hold the second after it.
    Containing(Vec<u8>, Vec<u8>),
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
    fn infos(&self, terms: &InvertedIndexReader) -> tantivy::Result<Vec<TermInfo>> {
        if !self.open {
            return Ok(terms.terms().get(&self.term)?.into_iter().collect());
        }
        prefixed(terms, &self.term)
    }
}

/// The least byte string that is after all that begin with `prefix`; `None` when there is none.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

fn prefixed(terms: &InvertedIndexReader, prefix: &[u8]) -> tantivy::Result<Vec<TermInfo>> {
    let range = terms.terms().range().ge(prefix);
    let mut stream = match after(prefix) {
        Some(end) => range.lt(end).into_stream()?,
        None => range.into_stream()?,
    };
    let mut out = Vec::new();
    while let Some((_, info)) = stream.next() {
        out.push(info.clone());
    }
    Ok(out)
}

fn mark(
    terms: &InvertedIndexReader,
    info: &TermInfo,
    bits: &mut Bits,
    block: &mut Option<BlockSegmentPostings>,
) -> tantivy::Result<()> {
    let block = match block {
        Some(block) => {
            terms.reset_block_postings_from_terminfo(info, block)?;
            block
        }
        None => block.insert(terms.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?),
    };
    while block.block_len() > 0 {
        for &doc in block.docs() {
            bits.insert(doc);
        }
        block.advance();
    }
    Ok(())
}

fn union(terms: &InvertedIndexReader, infos: &[TermInfo], bits: &mut Bits) -> tantivy::Result<()> {
    let mut block = None;
    for info in infos {
        mark(terms, info, bits, &mut block)?;
    }
    Ok(())
}

/// Adds everything in a segment that a lookup finds.
pub(super) fn find(part: &Part, lookup: &Lookup, bits: &mut Bits) -> tantivy::Result<()> {
    match lookup {
        Lookup::Words(phrase) => find_phrase(part, phrase, bits),
        Lookup::Term(term) => {
            let terms = part.terms(FACT)?;
            let infos: Vec<_> = terms.terms().get(term)?.into_iter().collect();
            union(&terms, &infos, bits)
        }
        Lookup::Prefix(prefix) => {
            let terms = part.terms(FACT)?;
            union(&terms, &prefixed(&terms, prefix)?, bits)
        }
        Lookup::Range(from, to) => {
            let terms = part.terms(FACT)?;
            let mut stream = terms.terms().range().ge(from).le(to).into_stream()?;
            let mut infos = Vec::new();
            while let Some((_, info)) = stream.next() {
                infos.push(info.clone());
            }
            union(&terms, &infos, bits)
        }
        Lookup::Containing(prefix, needle) => {
            let terms = part.terms(FACT)?;
            let range = terms.terms().range().ge(prefix);
            let mut stream = match after(prefix) {
                Some(end) => range.lt(end).into_stream()?,
                None => range.into_stream()?,
            };
            let finder = memchr::memmem::Finder::new(needle);
            let mut infos = Vec::new();
            while let Some((term, info)) = stream.next() {
                if finder.find(term.get(prefix.len()..).unwrap_or_default()).is_some() {
                    infos.push(info.clone());
                }
            }
            union(&terms, &infos, bits)
        }
    }
}

fn find_phrase(part: &Part, phrase: &Phrase, bits: &mut Bits) -> tantivy::Result<()> {
    let terms = part.terms(phrase.field as u8)?;
    let slots = phrase.slots();
    let mut found = Vec::with_capacity(slots.len());
    for slot in &slots {
        let infos = slot.infos(&terms)?;
        if infos.is_empty() {
            return Ok(());
        }
        let total: u64 = infos.iter().map(|i| u64::from(i.doc_freq)).sum();
        found.push((total, slot.offset, infos));
    }
    found.sort_by_key(|(total, ..)| *total);
    let Some(((_, _, first), rest)) = found.split_first() else { return Ok(()) };
    if rest.is_empty() {
        return union(&terms, first, bits);
    }
    let mut docs = Bits::empty(part.docs);
    union(&terms, first, &mut docs)?;
    // Documents that hold all the words: rare words first, so that frequent ones are only looked up in few places.
    for (_, _, infos) in rest {
        if let [info] = infos.as_slice() {
            narrow(&terms, info, &mut docs)?;
        } else {
            let mut other = Bits::empty(part.docs);
            union(&terms, infos, &mut other)?;
            docs.zip(&other, |a, b| a & b);
        }
    }
    if docs.is_empty() {
        return Ok(());
    }
    // Where the phrase could begin: shifted by `shift`, so that no place is below 0.
    let shift = found.iter().map(|(_, offset, _)| *offset).max().unwrap_or_default();
    let mut starts: Option<Vec<(u32, u32)>> = None;
    for (_, offset, infos) in &found {
        let here = places(&terms, infos, &docs, shift - offset)?;
        let kept = match starts.take() {
            None => here,
            Some(before) => both(&before, &here),
        };
        if kept.is_empty() {
            return Ok(());
        }
        starts = Some(kept);
    }
    for (doc, _) in starts.unwrap_or_default() {
        bits.insert(doc);
    }
    Ok(())
}

/// Takes out of `docs` what does not hold the term.
fn narrow(terms: &InvertedIndexReader, info: &TermInfo, docs: &mut Bits) -> tantivy::Result<()> {
    let mut postings = terms.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    let wanted: Vec<u32> = docs.iter().collect();
    for doc in wanted {
        if postings.doc() < doc {
            postings.seek(doc);
        }
        if postings.doc() != doc {
            docs.remove(doc);
        }
    }
    Ok(())
}

/// Documents of `docs` and places of the terms in them, each place plus `shift`, in order.
fn places(
    terms: &InvertedIndexReader,
    infos: &[TermInfo],
    docs: &Bits,
    shift: u32,
) -> tantivy::Result<Vec<(u32, u32)>> {
    let mut out = Vec::new();
    let mut positions = Vec::new();
    for info in infos {
        let mut postings =
            terms.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?;
        for doc in docs.iter() {
            if postings.doc() < doc {
                postings.seek(doc);
            }
            if postings.doc() == TERMINATED {
                break;
            }
            if postings.doc() == doc {
                postings.positions_with_offset(shift, &mut positions);
                out.extend(positions.iter().map(|&place| (doc, place)));
            }
        }
    }
    if infos.len() > 1 {
        out.sort_unstable();
    }
    Ok(out)
}

fn both(a: &[(u32, u32)], b: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut out = Vec::new();
    while let (Some(&&x), Some(&&y)) = (a.peek(), b.peek()) {
        if x == y {
            out.push(x);
        }
        if x <= y {
            a.next();
        }
        if y <= x {
            b.next();
        }
    }
    out
}

/// A term and what an item that holds it is worth.
pub(super) struct Weight {
    field: u8,
    term: Vec<u8>,
    worth: f32,
}

/// The worth of every closed word of the lookups: rarer is more, a subject counts double.
pub(super) fn weights(parts: &[Part], lookups: &[Lookup]) -> tantivy::Result<Vec<Weight>> {
    let mut out: Vec<Weight> = Vec::new();
    let all: u64 = parts.iter().map(|p| u64::from(p.docs)).sum();
    for lookup in lookups {
        let Lookup::Words(phrase) = lookup else { continue };
        let field = phrase.field as u8;
        for slot in phrase.slots().into_iter().filter(|s| !s.open) {
            let mut with = 0u64;
            for part in parts {
                with += part.terms(field)?.terms().get(&slot.term)?.map_or(0, |i| u64::from(i.doc_freq));
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
        let terms = part.terms(weight.field)?;
        let Some(info) = terms.terms().get(&weight.term)? else { continue };
        let mut postings = terms.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?;
        while postings.doc() != TERMINATED {
            let doc = postings.doc();
            if bits.contains(doc)
                && let Some(score) = scores.get_mut(doc as usize)
            {
                let times = postings.term_freq() as f32;
                *score += weight.worth * times / (times + 1.2);
            }
            postings.advance();
        }
    }
    Ok(scores)
}
