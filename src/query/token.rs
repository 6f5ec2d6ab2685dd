//! What the text of a question consists of.

use super::place::Place;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: Place,
    pub(super) what: What,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    /// `{`: any of what stands up to `}`.
    OpenAny,
    CloseAny,
    And,
    Or,
    Xor,
    Not,
    /// At most so many words away; whether the second must come after the first; as written.
    Near(u32, bool, String),
    /// `name:` right before what follows it.
    Field(String),
    /// `hop{`, `hop[0]{`: what stands before the brace.
    OpenHop(String),
    /// `}` of such a group.
    CloseHop,
    Word(String),
    Quoted(String),
    /// A quotation whose words may stand in any order with so many others between them.
    Loose(String, u32),
    /// What stands between two slashes.
    Regex(String),
}

/// The tokens of a question, and what of it was left out or may be meant otherwise: place and words for people.
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) notes: Vec<(Place, String)>,
}
