//! A question in words to the complete set of items that answer it.
//!
//! [`fields`] is the table, the lexer and the parser make a tree, the planner turns each condition into lookups, and
//! `run` puts their sets together. Nothing is cut off: a limit only says how many of the answer are handed over.

pub mod fields;
mod hopfield;
mod hops;
mod lexer;
mod parser;
mod plan;
mod run;
pub mod sets;
mod snippet;
mod value;

pub use run::{Hits, Options, Order, asks_for_source, findings, search};
pub use snippet::{Seeker, Snippet};

use crate::catalog::CatalogError;
use crate::index::IndexError;

/// What a query is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The catalog.
    pub catalog: &'a crate::catalog::Catalog,
    /// The index.
    pub index: &'a crate::index::IndexReader,
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

/// What is wrong with a question, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct QueryError {
    /// The character at fault, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: QueryProblem,
}

/// What is wrong with a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryProblem {
    /// Longer than 16 MiB.
    #[error("the query is too long")]
    TooLong,
    /// Over 100 parentheses or NOTs inside one another.
    #[error("parentheses are nested too deep")]
    TooDeep,
    /// A quotation mark without a second one.
    #[error("the quotation is not closed")]
    QuoteOpen,
    /// A parenthesis without a second one.
    #[error("the parenthesis is not closed")]
    OpenWithoutClose,
    /// A parenthesis without a first one.
    #[error("a parenthesis is closed that was not opened")]
    CloseWithoutOpen,
    /// A term should stand here.
    #[error("a term is missing")]
    TermMissing,
    /// No such field.
    #[error("unknown field `{name}`{}; text with a colon needs quotes", nearest.map(|n| format!(", is it `{n}`?")).unwrap_or_default())]
    FieldUnknown {
        /// As written.
        name: String,
        /// A field with nearly that name.
        nearest: Option<&'static str>,
    },
    /// Nothing behind a field's colon.
    #[error("`{field}:` needs a value")]
    ValueMissing {
        /// The field.
        field: &'static str,
    },
    /// There is no letter or digit to look for.
    #[error("there is no letter or digit in it to look for")]
    NoWord,
    /// `*` elsewhere than at the end.
    #[error("`*` can only stand at the end")]
    Star,
    /// `hop{` without `}`.
    #[error("the brace is not closed")]
    BraceOpen,
    /// A group of one hop inside another.
    #[error("one group of a hop stands inside another")]
    HopInHop,
    /// What stands in `hop[..]` is no number.
    #[error("the place of a hop is a number: 0 is the newest, -1 the oldest")]
    Place,
    /// A field inside `hop{..}` that no hop has.
    #[error(
        "`{name}` is no field of a hop; inside `hop{{..}}` only those can stand, such as `by:` and `ip:`"
    )]
    NotOfHop {
        /// As written.
        name: String,
    },
    /// The value is not what the field takes.
    #[error("`{field}:` takes {wanted}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// The value is none of the words that the field takes.
    #[error("`{field}:` has no `{value}`; it takes {wanted}")]
    NotInSet {
        /// The field.
        field: &'static str,
        /// As written.
        value: String,
        /// The words, or of many the nearest.
        wanted: String,
    },
}

#[cfg(test)]
mod tests;
