//! What a field of the query language is, and what it looks at.

use super::hopfield::HopField;
use crate::facts::Role;
use crate::index::schema::{Words, kind};

/// A field of the query language.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it looks at.
    pub kind: FieldKind,
    /// What it finds, in one line.
    pub help: &'static str,
    /// A query that uses it.
    pub example: &'static str,
}

/// What a field looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// Everything textual.
    Text,
    /// Words of some fields.
    Words(&'static [Words]),
    /// People in some roles.
    People(&'static [Role]),
    /// The Date field.
    Date,
    /// Size of the message.
    Size,
    /// Something that one hop says.
    Hop(HopField),
    /// The number of hops.
    Hops,
    /// The servers on the way, oldest first.
    Path,
    /// The rules that found something in the way.
    Finding,
    /// What the recipient's servers recorded of a method of authentication.
    Recorded(&'static str),
    /// A digest.
    Digest(DigestOf),
    /// A Message-ID.
    MessageId,
    /// A Message-ID in In-Reply-To or References.
    References,
    /// A container, by id or path.
    Container,
    /// A source, by id.
    Source,
    /// `message` or `child`, or the kind of a container.
    Kind,
    /// An item, by id.
    Id,
    /// A word of a fixed set: the kind of its term.
    Tag(u8),
}

/// What a digest is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestOf {
    /// Any of the others.
    Any,
    /// The bytes as found.
    Slice,
    /// The wire form.
    Wire,
    /// An attachment, decoded.
    Attachment,
    /// The fields of the EDRM MIH.
    Mih,
}

impl DigestOf {
    /// The kinds of the terms that can hold it. A wire form that is the same as the bytes has no term of its own.
    pub fn kinds(self) -> &'static [u8] {
        match self {
            Self::Any => &[kind::SHA256, kind::WIRE, kind::ATTACHMENT, kind::MIH],
            Self::Slice => &[kind::SHA256],
            Self::Wire => &[kind::WIRE, kind::SHA256],
            Self::Attachment => &[kind::ATTACHMENT],
            Self::Mih => &[kind::MIH],
        }
    }
}
