//! What a condition on a hop looks at, and the fixed sets of words that some of them take.

use crate::facts::{HopClass, Tls, family_names};
use crate::index::schema::{HopHost, kind};
use crate::route::{DISPUTED, Trust};

/// What a field looks at in one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HopField {
    /// Any name or address.
    Any,
    /// A name.
    Host(HopHost),
    /// The address that the server saw.
    Ip,
    /// The id.
    Id,
    /// A text: the kind of its term.
    Text(u8),
    /// A word of a fixed set.
    OneOf(HopWord),
    /// The software, by name or family.
    Software,
    /// The date.
    Time,
    /// Time since the next older hop.
    Delay,
}

/// Fixed sets of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopWord {
    /// Kinds of servers.
    Family,
    /// What is told of encryption.
    Tls,
    /// Kinds of steps.
    Class,
    /// Who stands behind a hop.
    Trust,
}

impl HopWord {
    /// The kind of their terms.
    pub fn kind(self) -> u8 {
        match self {
            Self::Family => kind::FAMILY,
            Self::Tls => kind::TLS,
            Self::Class => kind::CLASS,
            Self::Trust => kind::TRUST,
        }
    }

    /// All words.
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Self::Family => family_names().to_vec(),
            Self::Tls => Tls::ALL.map(Tls::code).to_vec(),
            Self::Class => HopClass::ALL.map(HopClass::code).to_vec(),
            Self::Trust => Trust::ALL.iter().map(|trust| trust.code()).chain([DISPUTED]).collect(),
        }
    }
}
