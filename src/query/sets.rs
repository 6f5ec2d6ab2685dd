//! Fields whose values are words of a fixed set: the words, and what a slip of the pen was meant to be.

use super::fields::{Field, FieldKind, HopField, distance};
use crate::index::schema::kind;
use crate::route::{OLD_IDS, RESULTS, RULES, present_id};
use crate::types::AnomalyKind;

/// A state of an item in its mailbox.
#[derive(Debug)]
pub struct State {
    /// The words that ask for it; any of them does.
    pub names: &'static [&'static str],
    /// The words that mailbox formats have for it, as the index and the outputs hold them.
    pub terms: &'static [&'static str],
    /// What it means, and who says so.
    pub meaning: &'static str,
}

/// All states. Words that mean one fact meet; facts that differ do not.
pub const STATES: &[State] = &[
    State {
        names: &["read", "seen"],
        terms: &["read", "seen"],
        meaning: "opened: mbox `Status: R`, Mozilla 0x0001, Maildir `S`, IMAP `\\Seen`",
    },
    State {
        names: &["replied", "answered"],
        terms: &["replied"],
        meaning: "answered: mbox `X-Status: A`, Mozilla 0x0002, Maildir `R`, IMAP `\\Answered`",
    },
    State {
        names: &["forwarded", "passed"],
        terms: &["forwarded", "passed"],
        meaning: "sent on: Mozilla 0x1000, Maildir `P` (forwarded, resent or bounced), IMAP `$Forwarded`",
    },
    State {
        names: &["flagged", "starred"],
        terms: &["flagged"],
        meaning: "marked by the user: mbox `X-Status: F`, Mozilla 0x0004, Maildir `F`, IMAP `\\Flagged`",
    },
    State {
        names: &["draft"],
        terms: &["draft"],
        meaning: "not finished: mbox `X-Status: T`, Maildir `D`, IMAP `\\Draft`",
    },
    State {
        names: &["deleted", "trashed"],
        terms: &["deleted", "trashed"],
        meaning: "marked for deletion, still listed: mbox `X-Status: D`, Maildir `T`, IMAP `\\Deleted`",
    },
    State {
        names: &["expunged"],
        terms: &["expunged"],
        meaning: "deleted and no longer listed, its bytes not yet removed: Mozilla 0x0008",
    },
    State {
        names: &["old"],
        terms: &["old"],
        meaning: "no longer new when the mailbox was last closed: mbox `Status: O`",
    },
    State {
        names: &["recent"],
        terms: &["recent"],
        meaning: "not told to any session before: IMAP `\\Recent`",
    },
    State {
        names: &["undelivered"],
        terms: &["undelivered"],
        meaning: "in `tmp` of a Maildir: its delivery was never finished",
    },
];

/// What there can be, for `has:`.
const HAS: &[&str] = &["attachment", "date", "subject", "hop", "anomaly"];

/// `message`, `child`, and the kinds of containers that hold items.
const KINDS: &[&str] = &["message", "child", "mbox", "mmdf", "maildir", "mh", "eml", "imap", "pop3"];

/// Why a part is not indexed.
const REASONS: &[&str] =
    &["encrypted", "charset-unknown", "charset-unstated", "over-limit", "binary", "parser-failed"];

/// Whether the hash of a signature fits the body.
const BODIES: &[&str] = &["ok", "bad"];

/// Every finding, and every result of authentication.
pub(super) const ANY: &str = "any";

/// Words that stand for all rules of a severity; the second is what records and JSON hold.
const SEVERITIES: &[(&str, &str)] = &[("rare", "strong"), ("uncommon", "notice"), ("common", "info")];

/// The ids of the rules that a value of `finding:` stands for.
pub(super) fn rules_of(value: &'static str) -> Vec<&'static str> {
    match SEVERITIES.iter().find(|(word, code)| [*word, *code].contains(&value)) {
        Some((_, code)) => {
            RULES.iter().filter(|rule| rule.severity.code() == *code).map(|rule| rule.id).collect()
        }
        None => vec![present_id(value)],
    }
}

/// The values that a field takes; `None` when it takes more than can be listed.
pub fn values(field: &Field) -> Option<Vec<&'static str>> {
    Some(match field.kind {
        FieldKind::Kind => KINDS.to_vec(),
        FieldKind::Tag(kind::HAS) => HAS.to_vec(),
        FieldKind::Tag(kind::STATE) => STATES.iter().flat_map(|s| s.names).copied().collect(),
        FieldKind::Tag(kind::NOT_INDEXED) => REASONS.to_vec(),
        FieldKind::Tag(kind::ANOMALY) => AnomalyKind::ALL.iter().map(|a| a.code()).collect(),
        FieldKind::Hop(HopField::OneOf(words)) => words.words(),
        FieldKind::Recorded(_) => RESULTS.iter().copied().chain([ANY]).collect(),
        FieldKind::Tag(kind::BODY_HASH) => BODIES.to_vec(),
        FieldKind::Finding => {
            let severities = SEVERITIES.iter().flat_map(|(word, code)| [*word, *code]);
            let old = OLD_IDS.iter().map(|(old, _)| *old);
            RULES.iter().map(|rule| rule.id).chain([ANY]).chain(severities).chain(old).collect()
        }
        _ => return None,
    })
}

/// The values of a field that a value with or without an open end stands for; empty when there is none.
pub(super) fn meant(all: &[&'static str], value: &str, open: bool) -> Vec<&'static str> {
    let is = |v: &&&str| if open { starts_with(v, value) } else { v.eq_ignore_ascii_case(value) };
    all.iter().filter(is).copied().collect()
}

fn starts_with(text: &str, head: &str) -> bool {
    text.get(..head.len()).is_some_and(|t| t.eq_ignore_ascii_case(head))
}

/// What to write for words that other programs have in such a field.
#[expect(clippy::match_same_arms, reason = "a table of what people type, by field")]
pub(super) fn elsewhere(kind: FieldKind, value: &str) -> Option<&'static str> {
    let value = value.to_ascii_lowercase();
    match (kind, value.as_str()) {
        (FieldKind::Tag(kind::STATE), "unread" | "unseen" | "new") => {
            Some("NOT is:read, which also finds mail of formats that hold no states")
        }
        (FieldKind::Tag(kind::STATE), "unflagged" | "unstarred") => Some("NOT is:flagged"),
        (FieldKind::Tag(kind::STATE), "unreplied" | "unanswered") => Some("NOT is:replied"),
        (FieldKind::Tag(kind::STATE), "attach" | "attachment") => Some("has:attachment"),
        (FieldKind::Tag(kind::STATE), "encrypted") => Some("notindexed:encrypted"),
        (FieldKind::Tag(kind::STATE), "signed") => {
            Some("type:p7s, type:application/pgp-signature or auth.dkim:any")
        }
        (FieldKind::Tag(kind::STATE), "list") => Some("list:*"),
        (FieldKind::Tag(kind::HAS), "attach" | "attachments" | "file") => Some("has:attachment"),
        (FieldKind::Tag(kind::HAS), "hops" | "received") => Some("has:hop"),
        (FieldKind::Tag(kind::HAS), "anomalies") => Some("has:anomaly"),
        (FieldKind::Tag(kind::HAS), "finding" | "findings") => Some("finding:any"),
        (FieldKind::Tag(kind::HAS), "label" | "labels" | "userlabels") => Some("label:*"),
        _ => None,
    }
}

/// Longest set that an error names whole.
const MOST_NAMED: usize = 20;

/// How many of a longer one it names.
const NEAREST: usize = 5;

/// What an error says of the values that a field takes instead of `value`.
pub(super) fn instead(all: &[&'static str], value: &str) -> String {
    if all.len() <= MOST_NAMED {
        return all.join(", ");
    }
    let value = value.to_ascii_lowercase();
    let mut near: Vec<_> = all.iter().map(|v| (!v.contains(&value), distance(v, &value), *v)).collect();
    near.sort_unstable();
    let near: Vec<_> = near.into_iter().take(NEAREST).map(|(_, _, v)| v).collect();
    format!("one of {} words; the nearest are {}", all.len(), near.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_holds_the_states() {
        let docs = include_str!("../../docs/query.md");
        for state in STATES {
            let names: Vec<_> = state.names.iter().map(|n| format!("`{n}`")).collect();
            let row = format!("| {} | {} |", names.join(", "), state.meaning);
            assert!(docs.contains(&row), "docs/query.md lacks: {row}");
        }
    }

    #[test]
    fn the_help_of_a_field_names_its_short_set() {
        for field in crate::query::fields::FIELDS {
            for value in values(field).filter(|v| v.len() <= MOST_NAMED).unwrap_or_default() {
                assert!(field.help.contains(value), "{}: {value}", field.name);
            }
        }
    }
}
