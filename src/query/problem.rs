//! What can be wrong with a question, where it is, and what to write instead.

use super::place::Place;

/// What is wrong with a question, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct QueryError {
    /// The first character at fault, counted from 1.
    pub column: usize,
    /// How many characters are at fault, at least 1.
    pub width: usize,
    /// The part of the question around it, and how many characters stand before it there; empty when it is not known.
    pub excerpt: (String, usize),
    /// What is wrong.
    pub problem: QueryProblem,
}

/// Characters of the question that an error shows before and behind its place.
const AROUND: usize = 60;

impl QueryError {
    pub(super) fn at(place: Place, problem: QueryProblem) -> Self {
        let width = place.to.saturating_sub(place.from).max(1);
        Self { column: place.from + 1, width, excerpt: (String::new(), 0), problem }
    }

    /// With the part of `query` around it.
    pub(super) fn of(mut self, query: &str) -> Self {
        if self.excerpt.0.is_empty() {
            let at = self.column - 1;
            let from = at.saturating_sub(AROUND);
            let text: String =
                query.chars().skip(from).take(at - from + self.width.min(AROUND) + AROUND).collect();
            self.excerpt = (text, at - from);
        }
        self
    }
}

/// What is wrong with a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryProblem {
    /// Longer than 16 MiB.
    #[error("the query is too long")]
    TooLong,
    /// Over 100 parentheses or NOTs inside one another, or a longer chain of NEAR or XOR.
    #[error("parentheses are nested too deep, or a chain of NEAR or XOR is too long")]
    TooDeep,
    /// More words, fields and signs than a query may have.
    #[error(
        "more than {0} words, fields and signs in one query; `search --terms FILE` takes a list of words"
    )]
    TooManyTerms(usize),
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
    /// An operator without a term on one of its sides.
    #[error("`{operator}` needs a term on both sides; as a word it needs quotes: \"{operator}\"")]
    SideMissing {
        /// As written.
        operator: String,
    },
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
    /// `*` elsewhere than at the end, in language 1.
    #[error("`*` can only stand at the end")]
    Star,
    /// A brace without its end.
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
    /// The end of a range lies before its beginning.
    #[error("the range is empty: its end lies before its beginning{}", instead.as_ref().map(|i| format!("; is it `{i}`?")).unwrap_or_default())]
    RangeEmpty {
        /// It turned around.
        instead: Option<String>,
    },
    /// Something that other programs understand in another way, or that this language writes in another way.
    #[error("{what}; write {instead}")]
    WriteInstead {
        /// What was met.
        what: String,
        /// What to write.
        instead: String,
    },
    /// Something that nothing in a case tells.
    #[error("{0}")]
    NotInCase(&'static str),
    /// A pattern that cannot be read.
    #[error("the pattern cannot be read: {0}")]
    Pattern(String),
    /// A pattern that no word can fit.
    #[error(
        "a regular expression is compared with one word at a time, and {0} stands in no word; write words that follow \
         one another in quotes, words near one another with NEAR/5"
    )]
    PatternOverWords(String),
    /// More patterns than a question may have.
    #[error("more than {0} patterns (`*` inside a word, `?`, `~`, `/../`) in one query; split it")]
    TooManyPatterns(usize),
    /// More messages would have to be read than one question may.
    #[error(
        "{candidates} messages would have to be read for this condition; narrow the query to {most} by others"
    )]
    TooManyToRead {
        /// How many.
        candidates: u64,
        /// At most.
        most: u64,
    },
    /// Conditions on both sides of NEAR that are not of one field.
    #[error("both sides of `{0}` must be words of the same field, as in subject:(ann NEAR/3 report)")]
    NearFields(String),
    /// A date that counts from now, where no clock was given.
    #[error("there is no clock here to count from: write a date such as 2024-03-01")]
    NoClock,
}
