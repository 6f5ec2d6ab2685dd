//! Query fields: what each looks at, and how one is found by its name.

pub use super::hopfield::{HopField, HopWord};
use crate::facts::Role;
use crate::index::schema::{Words, kind};

mod elsewhere;
mod hop_table;
mod table;

pub use elsewhere::NOT_HERE;

/// Number of all fields.
const COUNT: usize = table::ITEM_FIELDS.len() + hop_table::HOP_FIELDS.len();

/// All fields: the default first, those of hops last.
static ALL: [Field; COUNT] = {
    let mut all = [NOTHING; COUNT];
    let (items, hops) = (table::ITEM_FIELDS, hop_table::HOP_FIELDS);
    let mut n = 0;
    while n < COUNT {
        all[n] = if n < items.len() { items[n] } else { hops[n - items.len()] };
        n += 1;
    }
    all
};

/// All fields of the query language.
pub static FIELDS: &[Field] = &ALL;

/// A field of the query language.
#[derive(Clone, Copy, Debug)]
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
    /// People, subject, body and names of attachments.
    Text,
    /// Everything textual.
    Any,
    /// As [`Self::Text`], letter by letter.
    Exact,
    /// Other header fields, all or one.
    Header,
    /// Mail from either of two people to the other.
    Between,
    /// The header fields that name a mailing list.
    List,
    /// A conversation.
    Thread,
    /// A label that the server gave.
    Label,
    /// The stated type of an attachment.
    Type,
    /// Words of some fields.
    Words(&'static [Words]),
    /// People in some roles.
    People(&'static [Role]),
    /// The Date field.
    Date(DateSide),
    /// Size of the message.
    Size,
    /// More bytes than (`true`), or fewer.
    SizeFrom(bool),
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
    /// INTERNALDATE of IMAP.
    Internal,
    /// A source, by id.
    Source,
    /// `message` or `child`, or the kind of a container.
    Kind,
    /// An item, by id.
    Id,
    /// A word of a fixed set: the kind of its term.
    Tag(u8),
}

/// Which side of a period is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateSide {
    /// In it.
    In,
    /// From its beginning on.
    From,
    /// Before its beginning.
    Before,
    /// Up to its end.
    Until,
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

/// The field with a name or alias, in any case.
pub fn field(name: &str) -> Option<&'static Field> {
    let is = |n: &&str| n.eq_ignore_ascii_case(name);
    FIELDS.iter().find(|f| is(&f.name) || f.aliases.iter().any(is))
}

/// The field of a hop with a name as it stands inside `hop{..}`: with `hop.` before it or without; `hop` is any name or
/// address.
pub(super) fn hop_field(name: &str) -> Option<&'static Field> {
    let is_of_hop = |f: &&Field| matches!(f.kind, FieldKind::Hop(_));
    let whole = || field(name).filter(is_of_hop);
    field(&format!("hop.{name}")).filter(is_of_hop).or_else(whole)
}

/// The field of a word without one.
pub(super) fn default_field() -> &'static Field {
    &ALL[0]
}

/// The field of everything.
pub(super) fn any_field() -> &'static Field {
    field("any").unwrap_or(&ALL[0])
}

/// What is said of a field of other programs for which nothing in a case answers.
pub(super) fn not_here(name: &str) -> Option<&'static str> {
    NOT_HERE.iter().find(|(names, _)| names.iter().any(|n| n.eq_ignore_ascii_case(name))).map(|(_, why)| *why)
}

const NOTHING: Field = Field { name: "text", aliases: &[], kind: FieldKind::Text, help: "", example: "" };

/// The name that is nearest to a wrong one, for a hint.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let all = FIELDS.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
    // Of a short name one letter may be wrong, of a longer one two: what is farther off helps nobody.
    let most = if name.chars().count() < 5 { 1 } else { 2 };
    let near = all.map(|n| (distance(n, &name), n));
    near.filter(|(d, n)| *d <= most && *d * 2 < n.len()).min().map(|(_, n)| n)
}

/// Edits between two short names; swapping two letters is one.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if b.len() > 40 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_one_field_and_every_example_parses() {
        let mut names: Vec<_> =
            FIELDS.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied())).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        for f in FIELDS {
            assert!(f.example.starts_with(&format!("{}:", f.name)), "{}", f.name);
            crate::query::parser::parse(f.example, crate::query::Language::Two).unwrap();
        }
    }

    #[test]
    fn the_documentation_holds_the_table() {
        let docs = include_str!("../../../docs/query.md");
        for f in FIELDS {
            let aliases: Vec<_> = f.aliases.iter().map(|a| format!("`{a}`")).collect();
            let row = format!("| `{}` | {} | {} | `{}` |", f.name, aliases.join(", "), f.help, f.example);
            assert!(docs.contains(&row), "docs/query.md lacks: {row}");
        }
    }

    #[test]
    fn the_documentation_holds_what_is_not_here() {
        let docs = include_str!("../../../docs/query.md");
        for (names, why) in NOT_HERE {
            let names: Vec<_> = names.iter().map(|a| format!("`{a}`")).collect();
            let row = format!("| {} | {why} |", names.join(", "));
            assert!(docs.contains(&row), "docs/query.md lacks: {row}");
            assert!(!why.is_empty() && field(names[0].trim_matches('`')).is_none());
        }
    }

    #[test]
    fn a_slip_of_the_pen_gets_a_hint() {
        assert_eq!(nearest("form"), Some("from"));
        assert_eq!(nearest("Subjet"), Some("subject"));
        assert_eq!(nearest("zzzzzz"), None);
    }
}
