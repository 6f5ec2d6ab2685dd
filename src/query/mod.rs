//! A question in words to the complete set of items that answer it.
//!
//! [`fields`] is the table, the lexer and the parser make a tree in which each part knows its place in the text, the
//! planner turns each condition into lookups, and `run` puts their sets together and can tell what each part finds.
//! Nothing is cut off: a limit only says how many of the answer are handed over.

mod answer;
mod dates;
pub mod fields;
mod hopfield;
mod hops;
mod idn;
mod lexer;
mod look;
mod mime;
mod near;
mod old_lexer;
mod parser;
mod people;
mod place;
mod plan;
mod problem;
mod rows;
mod run;
pub mod sets;
mod signs;
mod snippet;
mod token;
mod tree;
mod value;
mod words;

pub use answer::{Hits, Step, ZeroTerm, period_in_words};
pub use look::MessageReader;
pub use place::Place;
pub use problem::{QueryError, QueryProblem};
pub use run::{Options, Order, Telling, asks_for_source, findings, search};
pub use snippet::{Seeker, Snippet};

use crate::catalog::CatalogError;
use crate::index::IndexError;

/// The version of the query language that a question is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Of the first versions of this program: `a..b` has no `b`, a word without a field looks everywhere.
    One,
    /// As docs/query.md tells it.
    #[default]
    Two,
}

impl Language {
    /// Its number, as manifests and events hold it.
    pub fn number(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// What a query is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The catalog.
    pub catalog: &'a crate::catalog::Catalog,
    /// The index.
    pub index: &'a crate::index::IndexReader,
    /// Where messages are read, for conditions that the index can only narrow down; without it they are an error.
    pub messages: Option<&'a dyn MessageReader>,
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The question is wrong.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The catalog could not be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The index could not be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl SearchError {
    /// With the part of the question that an error of it is about.
    fn of(self, query: &str) -> Self {
        match self {
            Self::Query(error) => Self::Query(error.of(query)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
