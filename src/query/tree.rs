//! A question as a tree.

use super::Language;
use super::fields::Field;
use super::place::Place;

/// A part of a question.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) at: Place,
}

/// What a part of a question says.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Everything.
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    /// Exactly one of two.
    Xor(Box<Node>, Box<Node>),
    Not(Box<Node>),
    /// Words at most so far from one another, the second behind the first if that is asked; the operator as written.
    Near {
        left: Box<Node>,
        right: Box<Node>,
        distance: u32,
        ordered: bool,
        written: String,
    },
    Term(Term),
    /// Conditions that hold for one hop: any, or the one at a place (0 the newest, -1 the oldest). All terms below are
    /// of hops.
    Hops(Option<i32>, Box<Node>),
}

/// One condition.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) field: &'static Field,
    /// The header field that is asked for by its name.
    pub(super) header: Option<String>,
    pub(super) value: String,
    pub(super) form: Form,
    /// Place of the value.
    pub(super) at: Place,
    pub(super) language: Language,
}

/// How a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it stands.
    Plain,
    /// In quotes: then nothing in it has a meaning of its own but `*`.
    Quoted,
    /// In quotes, words in any order with so many others between them.
    Loose(u32),
    /// Between slashes.
    Regex,
    /// Up to so many letters may differ.
    Fuzzy(u8),
    /// Digits that stood apart, together.
    Joined,
}

impl Term {
    /// Whether it stood in quotes.
    pub(super) fn quoted(&self) -> bool {
        matches!(self.form, Form::Quoted | Form::Loose(_))
    }

    /// Whether it asks that the field is there at all.
    pub(super) fn is_any(&self) -> bool {
        self.value == "*" && self.form == Form::Plain
    }
}

/// A question as a tree.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) node: Node,
    /// What of the text was left out or may be meant otherwise.
    pub(super) notes: Vec<(Place, String)>,
}
