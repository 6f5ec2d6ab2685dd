//! Conditions that the index can only narrow down: the messages that are left are read and looked at.

use super::Language;
use super::dates::Calendar;
use super::fields::{self, FieldKind};
use super::parser::{Form, Term};
use super::plan::{self, Name, Plan, Wanted};
use super::problem::{QueryError, QueryProblem};
use super::words::{self, bare};
use crate::catalog::Row;
use crate::facts::derive::{Scratch, derive};
use crate::facts::{ItemFacts, ItemText, Zone};
use crate::index::schema::Words;
use crate::index::{Located, Lookup, Phrase, asked};

/// Most messages that are read to tell `ü` from `u`.
pub(super) const MOST_FOR_UMLAUTS: u64 = 2_000;

/// Most messages that are read for one condition.
pub(super) const MOST: u64 = 50_000;

/// Gives the bytes of messages, for conditions that the index can only narrow down.
pub trait MessageReader: std::fmt::Debug {
    /// The message of a row as it was read; `None` when it cannot be had.
    fn message(&self, row: &Row<'_>) -> Option<Vec<u8>>;
}

/// What a message must show.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// One of these finds every message that can show it; all when empty.
    pub(super) also: Vec<Lookup>,
    pub(super) what: Shown,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// One of the ways in a header field with one of these names, in lower case; the field itself when there is none.
    Header { names: Vec<String>, ways: Vec<Located> },
    /// A text, letter by letter; blanks and line ends are one blank.
    Exact(String),
    /// One of these texts in lower case, whatever the case.
    AnyCase(Vec<String>),
}

/// Fields that name a mailing list.
const LIST_FIELDS: &[&str] = &[
    "list-id",
    "list-post",
    "list-help",
    "list-unsubscribe",
    "list-subscribe",
    "list-archive",
    "list-owner",
    "mailing-list",
    "x-mailing-list",
    "x-list",
    "x-mailman-version",
    "x-beenthere",
    "x-listname",
    "x-list-id",
];

/// Header fields of which nothing, or only some tags, are in the index.
const NOT_INDEXED: &[&str] = &[
    "mime-version",
    "content-transfer-encoding",
    "content-length",
    "x-gm-message-state",
    "dkim-signature",
    "arc-seal",
    "arc-message-signature",
    "domainkey-signature",
    "x-google-dkim-signature",
];

fn header_phrase(name: &str) -> Lookup {
    Lookup::Words(Phrase { field: Words::Header, role: None, words: asked(name), open: false })
}

/// `header:pine` and `header:X-Mailer:pine`.
pub(super) fn header(term: &Term, calendar: Calendar<'_>) -> Result<Wanted, QueryError> {
    let places = [(Words::Header, None)];
    let Some(name) = term.header.as_ref().filter(|_| term.language == Language::Two) else {
        return Ok(Wanted::Index(Plan {
            sure: words::lookups(&words::ways(term)?, &places),
            ..Plan::default()
        }));
    };
    let name = name.to_ascii_lowercase();
    if let Some(roles) = plan::roles_of_header(&name) {
        return role(term, roles);
    }
    let of =
        |field: &'static str| fields::field(field).map(|field| Term { field, header: None, ..term.clone() });
    let refused = |what: String, instead: &str| {
        Err(QueryError::at(term.at, QueryProblem::WriteInstead { what, instead: instead.to_owned() }))
    };
    let other = match name.as_str() {
        "subject" => of("subject"),
        "message-id" => of("messageid"),
        "references" | "in-reply-to" => of("references"),
        "date" => of("date"),
        "content-type" => of("type"),
        "received" => {
            return refused(
                "Received fields are read as hops".to_owned(),
                "hop:, hop.by:, hop.id: and the like",
            );
        }
        name if NOT_INDEXED.contains(&name) => {
            return refused(
                format!("the field {name} is not in the index, or only what names somebody in it"),
                "auth.dkim: or dkim.body: for signatures; `show --headers` has all fields of an item",
            );
        }
        _ => None,
    };
    if let Some(other) = other {
        return plan::plan(&other, calendar);
    }
    named(term, vec![name])
}

fn role(term: &Term, roles: &[crate::facts::Role]) -> Result<Wanted, QueryError> {
    let mut plan = Plan::default();
    if term.is_any() {
        plan.sure = roles.iter().flat_map(|&role| plan::every_address(role)).collect();
    } else {
        super::people::people(&mut plan, term, roles)?;
    }
    Ok(Wanted::Index(plan))
}

/// `list:dev.example.org`.
pub(super) fn list(term: &Term) -> Result<Wanted, QueryError> {
    named(term, LIST_FIELDS.iter().map(|&name| name.to_owned()).collect())
}

fn named(term: &Term, names: Vec<String>) -> Result<Wanted, QueryError> {
    let fields: Vec<Lookup> = names.iter().map(|name| header_phrase(name)).collect();
    if term.is_any() {
        let what = Shown::Header { names, ways: Vec::new() };
        return Ok(Wanted::Look(Plan { sure: fields, ..Plan::default() }, Look { also: Vec::new(), what }));
    }
    let ways = words::ways(term)?;
    let sure = words::lookups(&ways, &[(Words::Header, None)]);
    let ways = ways.iter().map(words::Way::located).collect();
    let look = Look { also: fields, what: Shown::Header { names, ways } };
    Ok(Wanted::Look(Plan { sure, ..Plan::default() }, look))
}

/// `exact:"Re: Müller"`.
pub(super) fn exact(term: &Term) -> Result<Wanted, QueryError> {
    if !matches!(term.form, Form::Plain | Form::Quoted) || term.value.ends_with('*') {
        let problem = QueryProblem::WriteInstead {
            what: "`exact:` takes a text as it stands, without patterns".to_owned(),
            instead: "exact:\"the text\"".to_owned(),
        };
        return Err(QueryError::at(term.at, problem));
    }
    if asked(&term.value).is_empty() {
        return Err(QueryError::at(term.at, QueryProblem::NoWord));
    }
    let ways = [words::Way::Text(term.value.clone(), false)];
    let plan = Plan { sure: words::lookups(&ways, &bare()), ..Plan::default() };
    let what = Shown::Exact(one_blank(&term.value));
    Ok(Wanted::Look(plan, Look { also: Vec::new(), what }))
}

fn one_blank(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a message shows it. Messages inside it are items of their own.
pub(super) fn shows(what: &Shown, message: &[u8]) -> bool {
    let mut found = None;
    derive(message, &mut Scratch::default(), &mut |seen| {
        found.get_or_insert_with(|| is_in(what, &seen.facts, seen.text));
    });
    found.unwrap_or(false)
}

fn is_in(what: &Shown, facts: &ItemFacts, text: &ItemText) -> bool {
    let stretch = |range: &std::ops::Range<usize>| text.text.get(range.clone()).unwrap_or_default();
    match what {
        Shown::Header { names, ways } => {
            let headers = text.stretches.iter().filter(|(zone, _)| *zone == Zone::Header);
            headers.flat_map(|(_, range)| stretch(range).lines()).any(|line| {
                let Some((name, value)) = line.split_once(':') else { return false };
                let name = name.trim().to_ascii_lowercase();
                names.contains(&name) && (ways.is_empty() || ways.iter().any(|way| way.is_in(value)))
            })
        }
        Shown::Exact(_) | Shown::AnyCase(_) => {
            let bodies = text
                .stretches
                .iter()
                .filter(|(zone, _)| *zone != Zone::Header)
                .map(|(_, range)| stretch(range));
            let subject = facts.subject.iter().map(|fact| fact.text.as_str());
            let names = facts.attachments.iter().map(|a| a.name.as_str());
            let people =
                facts.addresses.iter().flat_map(|a| [a.mailbox.name.as_str(), a.mailbox.address.as_str()]);
            bodies.chain(subject).chain(names).chain(people).any(|text| match what {
                Shown::Exact(wanted) => stands_in(wanted, &one_blank(text)),
                Shown::AnyCase(all) => {
                    let composed: String = unicode_normalization::UnicodeNormalization::nfc(text).collect();
                    let text = one_blank(&composed.to_lowercase());
                    all.iter().any(|wanted| stands_in(wanted, &text))
                }
                Shown::Header { .. } => false,
            })
        }
    }
}

/// Whether a text stands in another as whole words.
fn stands_in(wanted: &str, text: &str) -> bool {
    let is_word = char::is_alphanumeric;
    let (first, last) = (wanted.starts_with(is_word), wanted.ends_with(is_word));
    text.match_indices(wanted).any(|(at, _)| {
        let before = text.get(..at).is_some_and(|head| head.ends_with(is_word));
        let behind = text.get(at + wanted.len()..).is_some_and(|tail| tail.starts_with(is_word));
        !(first && before || last && behind)
    })
}

/// Whether a condition is answered by reading messages.
pub(super) fn reads_messages(term: &Term) -> bool {
    matches!(term.field.kind, FieldKind::Exact | FieldKind::List | FieldKind::Thread) || term.header.is_some()
}

/// Whether a row's Message-ID fits.
pub(super) fn fits_message_id(row: &Row<'_>, name: &Name) -> bool {
    row.message_id()
        .is_some_and(|id| name.is_in(&crate::index::schema::bare_message_id(&String::from_utf8_lossy(id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_text_stands_as_whole_words() {
        assert!(stands_in("Re: M\u{fc}ller", "x Re: M\u{fc}ller, y"));
        assert!(!stands_in("M\u{fc}ller", "M\u{fc}llers") && !stands_in("M\u{fc}ller", "m\u{fc}ller"));
        assert!(stands_in("C++", "in C++11"));
    }
}
