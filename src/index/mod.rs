//! Words and other terms on disk; derived, disposable, complete: every search answers with the whole set.
//!
//! tantivy keeps the columns, the files, their checksums and the commits. Gathering, the term dictionaries and the
//! coding of the lists of places are ours: its own need three times the time and twice the space. Nothing of a message
//! is stored here but its terms, its key, its date and its size.

mod codec;
mod condense;
mod dictionary;
mod dictionary_write;
mod directory;
mod files;
mod gather;
mod hops;
mod located;
mod logical;
mod merge;
mod part;
mod pattern;
mod places;
mod read;
pub mod schema;
mod search;
mod set;
mod terms;
mod words;
mod worker;
mod write;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

pub use hops::{HopSet, Stop};
pub use located::{Located, WordSlot, WordTest};
pub use logical::{DigestKey, ItemDigests};
pub use pattern::TermPattern;
pub use places::place;
pub use read::IndexReader;
pub use search::{Lookup, Phrase};
pub use set::Set;
pub use words::{Asked, asked};
pub use worker::{Finished, IndexWorker, Indexed, Way};
pub use write::IndexWriter;

/// For each ledger segment the number of its items that are in the index.
pub type Watermarks = BTreeMap<u32, u64>;

/// Why the index could not be used. It can always be made anew from the record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// It could not be opened.
    #[error("cannot open the index {}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// What tantivy said.
        source: tantivy::TantivyError,
    },
    /// The system refused to read a file of it.
    #[error("cannot read {}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was made by another version of this program and has to be made anew.
    #[error("the index {} was made by another version", path.display())]
    OtherVersion {
        /// The folder.
        path: PathBuf,
    },
    /// It could not be written.
    #[error("cannot write the index")]
    Write(#[source] tantivy::TantivyError),
    /// It could not be read.
    #[error("cannot read the index")]
    Read(#[source] tantivy::TantivyError),
    /// A file of it is damaged.
    #[error("the index is damaged")]
    Damaged,
    /// A condition stands at more places than memory is for.
    #[error("a condition of words near one another, or a pattern in a phrase, is met at too many places")]
    TooManyPlaces,
    /// Its segments were to be put together while some of them do not count yet: a fault of the caller.
    #[error("internal error: segments of the index are put together before a commit")]
    NotCommitted,
}

/// What a commit holds beside the segments: `5 w1 t9 1:500 2:30` is version 5, rules of words 1, the settings of
/// custody event 9, 500 items of ledger segment 1, 30 of 2.
fn payload(watermarks: &Watermarks, trust: Option<u64>) -> String {
    let mut out = format!("{} w{}", schema::VERSION, schema::WORD_RULES);
    // Writing to a String cannot fail.
    if let Some(event) = trust {
        write!(out, " t{event}").unwrap_or_default();
    }
    for (segment, items) in watermarks {
        write!(out, " {segment}:{items}").unwrap_or_default();
    }
    out
}

fn read_payload(text: &str) -> Option<(Watermarks, Option<u64>)> {
    let mut words = text.split(' ');
    let rules = |word: &str| word.strip_prefix('w').is_some_and(|n| n.parse() == Ok(schema::WORD_RULES));
    if words.next()?.parse() != Ok(schema::VERSION) || !words.next().is_some_and(rules) {
        return None;
    }
    let (mut marks, mut trust) = (Watermarks::new(), None);
    for word in words {
        if let Some(event) = word.strip_prefix('t') {
            trust = Some(event.parse().ok()?);
        } else {
            let (segment, items) = word.split_once(':')?;
            marks.insert(segment.parse().ok()?, items.parse().ok()?);
        }
    }
    Some((marks, trust))
}

#[cfg(test)]
mod tests;
