//! Where words stand in a segment, for questions that a plain phrase cannot ask: patterns inside a phrase, words near
//! one another, digits with or without blanks between them.

use tantivy::TantivyError;

use super::dictionary::{Dictionary, ListAt};
use super::part::{FieldReader, Part, Walk};
use super::pattern::TermPattern;
use super::schema::{self, Words};
use super::set::Bits;
use super::words::Asked;
use crate::facts::Role;

/// First and last place of what was found.
type Span = (u32, u32);

/// Most places that one condition may gather in a segment: 256 MiB of them.
const MOST: usize = 32 << 20;

/// What the error says that means so.
pub(super) const TOO_MANY: &str = "too many places";

/// Something that stands at places of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Words that follow one another.
    Phrase(Vec<WordSlot>),
    /// Words that follow one another and together are this text, wherever it is cut.
    Joined(String),
    /// One of the second at most `distance` words away from one of the first: neighbours are one word away.
    Near {
        /// The first.
        left: Box<Located>,
        /// The second.
        right: Box<Located>,
        /// In words.
        distance: u32,
        /// Whether the second must come after the first.
        ordered: bool,
    },
    /// All of these in any order, with at most so many other words between them.
    Within(Vec<Located>, u32),
    /// Any of these.
    Any(Vec<Located>),
}

/// One word of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSlot {
    /// Its place in the phrase, counted in words from the first.
    pub offset: u32,
    /// What it is.
    pub word: WordTest,
}

/// Which words fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordTest {
    /// This one.
    Is(Vec<u8>),
    /// All that begin so.
    Begins(Vec<u8>),
    /// All that fit a pattern.
    Fits(TermPattern),
}

impl Located {
    /// The words of a question as a phrase; `open` leaves the end of the last word open.
    pub fn phrase(words: &[Asked], open: bool) -> Self {
        let slot = |(n, word): (usize, &Asked)| {
            let is_open = word.single || (open && n + 1 == words.len());
            let test = if is_open { WordTest::Begins } else { WordTest::Is };
            WordSlot { offset: word.offset, word: test(word.term.clone()) }
        };
        Self::Phrase(words.iter().enumerate().map(slot).collect())
    }
}

impl Located {
    /// Whether it stands in a text, which is one stretch.
    pub fn is_in(&self, text: &str) -> bool {
        let mut words = Vec::new();
        for word in super::words::asked(text) {
            words.resize(word.offset as usize, Vec::new());
            words.push(word.term);
        }
        !self.spans_in(&words).is_empty()
    }

    /// First and last word of each place in some words.
    fn spans_in(&self, words: &[Vec<u8>]) -> Vec<Span> {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let starts = &[[0u8; 4]];
        match self {
            Self::Phrase(slots) => {
                let last = slots.last().map_or(0, |slot| slot.offset);
                let fits = |&from: &usize| {
                    slots.iter().all(|slot| {
                        words.get(from + slot.offset as usize).is_some_and(|word| slot.word.is(word))
                    })
                };
                (0..words.len()).filter(fits).map(|from| (number(from), number(from) + last)).collect()
            }
            Self::Joined(text) => {
                let whole = |from: usize| {
                    let mut rest = text.as_bytes();
                    let mut at = from;
                    while !rest.is_empty() {
                        let word = words.get(at).filter(|word| !word.is_empty())?;
                        rest = rest.strip_prefix(word.as_slice())?;
                        at += 1;
                    }
                    (at > from).then(|| (number(from), number(at) - 1))
                };
                (0..words.len()).filter_map(whole).collect()
            }
            Self::Any(parts) => {
                let mut all: Vec<Span> = parts.iter().flat_map(|part| part.spans_in(words)).collect();
                all.sort_unstable();
                all
            }
            Self::Near { left, right, distance, ordered } => {
                near(&left.spans_in(words), &right.spans_in(words), *distance, *ordered, starts)
                    .unwrap_or_default()
            }
            Self::Within(parts, slack) => {
                within(&parts.iter().map(|part| part.spans_in(words)).collect::<Vec<_>>(), *slack, starts)
            }
        }
    }
}

impl WordTest {
    fn is(&self, word: &[u8]) -> bool {
        match self {
            Self::Is(wanted) => word == wanted.as_slice(),
            Self::Begins(prefix) => !word.is_empty() && word.starts_with(prefix),
            Self::Fits(pattern) => pattern.fits(word),
        }
    }
}

/// A field of a segment, and what stands before each of its words.
struct Within<'a> {
    field: &'a FieldReader,
    role: Option<u8>,
}

fn too_many() -> TantivyError {
    TantivyError::InvalidArgument(TOO_MANY.to_owned())
}

impl Within<'_> {
    fn term(&self, word: &[u8]) -> Vec<u8> {
        self.role.iter().chain(word).copied().collect()
    }

    fn terms(&self) -> &Dictionary {
        &self.field.terms
    }

    fn lists(&self, test: &WordTest) -> tantivy::Result<Vec<ListAt>> {
        let prefix = match test {
            WordTest::Is(word) => return Ok(self.terms().get(&self.term(word))?.into_iter().collect()),
            WordTest::Begins(prefix) => prefix,
            WordTest::Fits(pattern) => &pattern.prefix,
        };
        let mut out = Vec::new();
        let mut terms = self.terms().prefixed(&self.term(prefix));
        let skip = usize::from(self.role.is_some());
        while let Some((term, list)) = terms.next()? {
            let word = term.get(skip..).unwrap_or_default();
            if !matches!(test, WordTest::Fits(pattern) if !pattern.fits(word)) {
                out.push(list);
            }
        }
        Ok(out)
    }

    fn places(&self, lists: &[ListAt]) -> tantivy::Result<Vec<u32>> {
        let count: usize = lists.iter().map(|list| list.count() as usize).sum();
        if count > MOST { Err(too_many()) } else { Ok(self.field.places(lists)) }
    }

    fn spans(&self, what: &Located, starts: &[[u8; 4]]) -> tantivy::Result<Vec<Span>> {
        Ok(match what {
            Located::Phrase(slots) => self.phrase(slots)?,
            Located::Joined(text) => self.joined(text)?,
            Located::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.spans(part, starts)?);
                }
                all.sort_unstable();
                all.dedup();
                all
            }
            Located::Near { left, right, distance, ordered } => {
                let (left, right) = (self.spans(left, starts)?, self.spans(right, starts)?);
                near(&left, &right, *distance, *ordered, starts)?
            }
            Located::Within(parts, slack) => {
                let mut all = Vec::with_capacity(parts.len());
                for part in parts {
                    all.push(self.spans(part, starts)?);
                }
                within(&all, *slack, starts)
            }
        })
    }

    fn phrase(&self, slots: &[WordSlot]) -> tantivy::Result<Vec<Span>> {
        let mut found: Option<Vec<u32>> = None;
        let last = slots.last().map_or(0, |slot| slot.offset);
        for slot in slots {
            let places = self.places(&self.lists(&slot.word)?)?;
            let begins = places.into_iter().filter_map(|place| place.checked_sub(slot.offset));
            found = Some(match found {
                None => begins.collect(),
                Some(found) => common(&found, begins),
            });
        }
        Ok(found.unwrap_or_default().into_iter().map(|place| (place, place + last)).collect())
    }

    /// Every way to cut the text into words of the field that follow one another.
    fn joined(&self, text: &str) -> tantivy::Result<Vec<Span>> {
        let bytes = text.as_bytes();
        // For each end in the text, the places of words that end there, with the place where the first one stands.
        let mut ends: Vec<Vec<Span>> = vec![Vec::new(); bytes.len() + 1];
        for from in 0..bytes.len() {
            let before = ends.get(from).cloned().unwrap_or_default();
            if from > 0 && before.is_empty() {
                continue;
            }
            for to in from + 1..=bytes.len() {
                let Some(piece) = text.get(from..to) else { continue };
                let Some(list) = self.terms().get(&self.term(piece.as_bytes()))? else { continue };
                let places = self.places(&[list])?;
                let grown: Vec<Span> = if from == 0 {
                    places.into_iter().map(|place| (place, place)).collect()
                } else {
                    let follows = |&(first, last): &Span| {
                        places.binary_search(&(last + 1)).is_ok().then_some((first, last + 1))
                    };
                    before.iter().filter_map(follows).collect()
                };
                if let Some(end) = ends.get_mut(to) {
                    end.extend(grown);
                    end.sort_unstable();
                    end.dedup();
                }
            }
        }
        Ok(ends.pop().unwrap_or_default())
    }
}

/// What is in both, both ascending.
fn common(a: &[u32], b: impl Iterator<Item = u32>) -> Vec<u32> {
    let (mut out, mut at) = (Vec::new(), 0);
    for place in b {
        at += a.get(at..).unwrap_or_default().partition_point(|&p| p < place);
        if a.get(at) == Some(&place) {
            out.push(place);
        }
    }
    out
}

/// The document of a place.
fn document(starts: &[[u8; 4]], place: u32) -> usize {
    starts.partition_point(|&start| u32::from_le_bytes(start) <= place)
}

fn near(
    left: &[Span],
    right: &[Span],
    distance: u32,
    ordered: bool,
    starts: &[[u8; 4]],
) -> tantivy::Result<Vec<Span>> {
    let longest = right.iter().map(|(from, to)| to - from).max().unwrap_or(0);
    let mut out = Vec::new();
    for &(from, to) in left {
        let first = if ordered { to } else { from.saturating_sub(distance.saturating_add(longest)) };
        let at = right.partition_point(|span| span.0 < first);
        for &(other, end) in right.get(at..).unwrap_or_default() {
            if other > to.saturating_add(distance) {
                break;
            }
            let is_after = other > to;
            let is_before = !ordered && end < from && from - end <= distance;
            if (is_after || is_before) && document(starts, from) == document(starts, other) {
                out.push((from.min(other), to.max(end)));
            }
        }
        if out.len() > MOST {
            return Err(too_many());
        }
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// Smallest stretches in which each of the lists has something, at most so many other words in them.
fn within(lists: &[Vec<Span>], slack: u32, starts: &[[u8; 4]]) -> Vec<Span> {
    let mut all: Vec<(Span, usize)> =
        lists.iter().enumerate().flat_map(|(n, spans)| spans.iter().map(move |&span| (span, n))).collect();
    all.sort_unstable();
    let words = u32::try_from(lists.len()).unwrap_or(u32::MAX);
    let mut out = Vec::new();
    for (at, &((from, _), _)) in all.iter().enumerate() {
        let mut used: Vec<(usize, u32)> = Vec::with_capacity(lists.len());
        let end_of_room = from.saturating_add(words).saturating_add(slack);
        for &((place, to), list) in all.get(at..).unwrap_or_default() {
            if to >= end_of_room {
                break;
            }
            // A word that is asked for twice must stand there twice.
            if used.iter().any(|&(of, there)| of == list || there == place) {
                continue;
            }
            used.push((list, place));
            if used.len() == lists.len() {
                if document(starts, from) == document(starts, to) {
                    out.push((from, to));
                }
                break;
            }
        }
    }
    out
}

/// Adds the documents that a question finds.
pub(super) fn find(
    part: &Part,
    words: Words,
    role: Option<Role>,
    what: &Located,
    bits: &mut Bits,
) -> tantivy::Result<()> {
    let within = Within { field: part.field(words as u8)?, role: role.map(schema::role_byte) };
    if let Located::Phrase(slots) = what
        && let [slot] = slots.as_slice()
    {
        // Of one word no places are kept.
        for list in within.lists(&slot.word)? {
            mark(&within, &list, part.walk()?, bits);
        }
        return Ok(());
    }
    if let Located::Any(parts) = what {
        return parts.iter().try_for_each(|one| find(part, words, role, one, bits));
    }
    let spans = within.spans(what, part.starts()?)?;
    part.walk()?.mark(spans.into_iter().map(|(from, _)| from), bits);
    Ok(())
}

fn mark(within: &Within<'_>, list: &ListAt, mut walk: Walk<'_>, bits: &mut Bits) {
    let mut cursor = within.field.list(list);
    walk.mark(std::iter::from_fn(|| Some(cursor.next()).filter(|&place| place != super::codec::END)), bits);
}
