//! One condition to the lookups that answer it.

use super::fields::{DigestOf, FieldKind};
use super::hops::{self, HOSTS};
use super::parser::Term;
use super::sets;
use super::value;
use super::{QueryError, QueryProblem};
use crate::facts::Role;
use crate::index::schema::{self, Words, kind};
use crate::index::{Lookup, Phrase, asked};
use crate::types::AnomalyKind;
use crate::types::time::UtcMs;

/// What answers a condition: everything that any of the lookups finds.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) any: Vec<Lookup>,
    /// What hits of [`Self::any`] must show in the catalog too, one of these, since the index holds only a part.
    pub(super) checks: Vec<Check>,
    /// Lookups whose hits need no check.
    pub(super) sure: Vec<Lookup>,
}

/// A condition on a catalog row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// A digest begins with these hex digits.
    Digest(DigestOf, String),
    /// The Message-ID, bare and in lower case.
    MessageId(String),
}

/// What a condition asks for that is no lookup.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Index(Plan),
    /// Items that lookups find, and those of containers with one of these anomalies.
    Anomaly(Plan, Vec<&'static str>),
    Date(Option<UtcMs>, Option<UtcMs>),
    Internal(Option<UtcMs>, Option<UtcMs>),
    Size(u64, u64),
    Container(String),
    /// Items with a label: in the index, or by a label of their container in lower case; whether more may follow it.
    Labelled(Plan, String, bool),
    Source(String),
    Kind(Vec<&'static str>),
    Id(String),
    Hops(u64, u64),
    Path(Vec<hops::Stop>),
}

pub(super) fn wrong(term: &Term, wanted: &'static str) -> QueryError {
    QueryError { column: term.at, problem: QueryProblem::Value { field: term.field.name, wanted } }
}

/// Takes the `*` off the end.
pub(super) fn open(term: &Term) -> Result<(&str, bool), QueryError> {
    let (text, open) = match term.value.strip_suffix('*') {
        Some(text) => (text, true),
        None => (term.value.as_str(), false),
    };
    if !term.quoted && text.contains('*') {
        return Err(QueryError { column: term.at, problem: QueryProblem::Star });
    }
    Ok((text, open))
}

/// The words of the field's set that a value stands for, synonyms included.
pub(super) fn one_of(term: &Term) -> Result<Vec<&'static str>, QueryError> {
    let all = sets::values(term.field).unwrap_or_default();
    let (text, open) = open(term)?;
    let mut meant = sets::meant(&all, text, open);
    if meant.is_empty() {
        let (value, wanted) = (term.value.clone(), sets::instead(&all, text));
        let problem = QueryProblem::NotInSet { field: term.field.name, value, wanted };
        return Err(QueryError { column: term.at, problem });
    }
    if term.field.kind == FieldKind::Tag(kind::STATE) {
        let asked = |s: &&sets::State| s.names.iter().any(|n| meant.contains(n));
        meant = sets::STATES.iter().filter(asked).flat_map(|s| s.terms).copied().collect();
    }
    Ok(meant)
}

/// A host name with a dot in it, or a domain: `example.org`, `.example.org`.
fn is_host(text: &str) -> bool {
    let mut labels = text.trim_start_matches('.').trim_end_matches('.').split('.');
    let plain = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let last = labels.next_back().unwrap_or_default();
    let rest: Vec<_> = labels.collect();
    !rest.is_empty()
        && rest.iter().all(|l| plain(l))
        && plain(last)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

fn words(field: Words, role: Option<Role>, text: &str, open: bool) -> Lookup {
    Lookup::Words(Phrase { field, role, words: asked(text), open })
}

pub(super) fn term(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    build(&mut out);
    out
}

pub(super) fn plan(asked_for: &Term, zone: &jiff::tz::TimeZone) -> Result<Wanted, QueryError> {
    let value = asked_for.value.as_str();
    let no_word = || QueryError { column: asked_for.at, problem: QueryProblem::NoWord };
    let mut plan = Plan::default();
    match asked_for.field.kind {
        FieldKind::Text => {
            let (text, open) = open(asked_for)?;
            if asked(text).is_empty() {
                return Err(no_word());
            }
            anywhere(&mut plan, text, open, asked_for.quoted);
        }
        FieldKind::Words(fields) => {
            let (text, open) = open(asked_for)?;
            if asked(text).is_empty() {
                return Err(no_word());
            }
            plan.sure.extend(fields.iter().map(|&field| words(field, None, text, open)));
        }
        FieldKind::People(roles) => people(&mut plan, asked_for, roles)?,
        FieldKind::Date | FieldKind::Internal => {
            let wanted = "a year, month, day or time such as 2024-03, a..b, >a or <=a";
            let (from, to) = value::dates(value, zone).ok_or_else(|| wrong(asked_for, wanted))?;
            let is_date = asked_for.field.kind == FieldKind::Date;
            return Ok(if is_date { Wanted::Date(from, to) } else { Wanted::Internal(from, to) });
        }
        FieldKind::Size => {
            let (from, to) =
                value::sizes(value).ok_or_else(|| wrong(asked_for, "bytes such as 100k, a..b, >a or <=a"))?;
            return Ok(Wanted::Size(from, to));
        }
        // A condition on some hop.
        FieldKind::Hop(_) => return Err(no_word()),
        FieldKind::Hops => {
            let (from, to) = value::counts(value)
                .ok_or_else(|| wrong(asked_for, "a number of hops such as 0, a..b, >a or <=a"))?;
            return Ok(Wanted::Hops(from, to));
        }
        FieldKind::Path => return Ok(Wanted::Path(hops::path(asked_for)?)),
        FieldKind::Finding => {
            for id in one_of(asked_for)?.into_iter().flat_map(sets::rules_of) {
                let any = id == sets::ANY;
                let built =
                    term(|t| schema::text_term(t, kind::FINDING, if any { b"" } else { id.as_bytes() }));
                plan.sure.push(if any { Lookup::Prefix(built) } else { Lookup::Term(built) });
            }
        }
        FieldKind::Recorded(method) => {
            for result in one_of(asked_for)? {
                let any = result == sets::ANY;
                let text = format!("{method}={}", if any { "" } else { result });
                let built = term(|t| schema::text_term(t, kind::RECORDED, text.as_bytes()));
                plan.sure.push(if any { Lookup::Prefix(built) } else { Lookup::Term(built) });
            }
        }
        FieldKind::Tag(kind) if sets::values(asked_for.field).is_some() => {
            let words = one_of(asked_for)?;
            for word in &words {
                plan.sure.push(Lookup::Term(term(|t| schema::text_term(t, kind, word.as_bytes()))));
            }
            // What was odd of a container is known only when its items are in the index already.
            if kind == kind::ANOMALY {
                return Ok(Wanted::Anomaly(plan, words));
            }
            if kind == kind::HAS && words.contains(&"anomaly") {
                return Ok(Wanted::Anomaly(plan, AnomalyKind::ALL.iter().map(|a| a.code()).collect()));
            }
        }
        FieldKind::Tag(kind::LABEL) => {
            let (text, open) = open(asked_for)?;
            let built = term(|t| schema::text_term(t, kind::LABEL, text.as_bytes()));
            plan.sure.push(if open { Lookup::Prefix(built) } else { Lookup::Term(built) });
            // Labels of accounts stand with their containers.
            return Ok(Wanted::Labelled(plan, text.to_lowercase(), open));
        }
        FieldKind::Tag(kind) => {
            let (text, open) = open(asked_for)?;
            let bare = text.trim_start_matches('<').trim_end_matches('>');
            let built = term(|t| schema::text_term(t, kind, bare.as_bytes()));
            plan.sure.push(if open { Lookup::Prefix(built) } else { Lookup::Term(built) });
        }
        FieldKind::Digest(of) => digests(&mut plan, asked_for, of)?,
        FieldKind::MessageId => message_id(&mut plan, value),
        FieldKind::References => {
            plan.sure.push(Lookup::Hash(kind::REFERENCE, schema::message_id_hash(value).to_vec()));
        }
        FieldKind::Container => return Ok(Wanted::Container(value.to_owned())),
        FieldKind::Source => return Ok(Wanted::Source(value.to_owned())),
        FieldKind::Kind => return Ok(Wanted::Kind(one_of(asked_for)?)),
        FieldKind::Id => return Ok(Wanted::Id(value.to_owned())),
    }
    Ok(Wanted::Index(plan))
}

/// Words in every field of words, and the whole value wherever ids, hosts and digests are terms of their own.
fn anywhere(plan: &mut Plan, text: &str, open: bool, quoted: bool) {
    for field in [Words::Body, Words::Subject, Words::Header, Words::Name] {
        plan.sure.push(words(field, None, text, open));
    }
    for role in Role::ALL {
        plan.sure.push(words(Words::People, Some(role), text, open));
    }
    let bare = text.trim_matches(['<', '>']);
    if open || bare.is_empty() || (quoted && bare.contains(char::is_whitespace)) {
        return;
    }
    plan.sure.push(hops::id(bare));
    for kind in [kind::FOR, kind::ENVELOPE_FROM, kind::USER] {
        plan.sure.push(Lookup::Term(term(|t| schema::text_term(t, kind, bare.as_bytes()))));
    }
    if is_host(bare) {
        plan.sure.extend(HOSTS.map(|place| hops::host(place, bare)));
    }
    plan.sure.extend(hops::ips(&[kind::PEER_IP, kind::BY_IP], bare).unwrap_or_default());
    if let Some(digits) = value::hex(bare).filter(|d| matches!(d.len(), 32 | 64)) {
        plan.any.extend(DigestOf::Any.kinds().iter().map(|&kind| digest(kind, &digits)));
        plan.checks.push(Check::Digest(DigestOf::Any, digits));
    } else if bare.contains('@') {
        message_id(plan, bare);
        plan.sure.push(Lookup::Hash(kind::REFERENCE, schema::message_id_hash(bare).to_vec()));
    }
}

fn message_id(plan: &mut Plan, id: &str) {
    plan.any.push(Lookup::Hash(kind::MESSAGE_ID, schema::message_id_hash(id).to_vec()));
    plan.checks.push(Check::MessageId(schema::bare_message_id(id)));
}

fn digest(kind: u8, digits: &str) -> Lookup {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Lookup::Hash(kind, (0..digits.len() / 2 * 2).step_by(2).filter_map(byte).collect())
}

fn digests(plan: &mut Plan, asked_for: &Term, of: DigestOf) -> Result<(), QueryError> {
    let wanted = "8 to 64 hex digits of a SHA-256 (or 32 of a MIH)";
    let digits = value::hex(&asked_for.value).ok_or_else(|| wrong(asked_for, wanted))?;
    plan.any.extend(of.kinds().iter().map(|&kind| digest(kind, &digits)));
    plan.checks.push(Check::Digest(of, digits));
    Ok(())
}

/// A whole address, a domain (`@example.org`, `example.org`), or words of a name or address.
fn people(plan: &mut Plan, asked_for: &Term, roles: &[Role]) -> Result<(), QueryError> {
    let value = asked_for.value.strip_prefix("*@").map_or(asked_for.value.clone(), |d| format!("@{d}"));
    let inner = Term { value, ..asked_for.clone() };
    let (text, open) = open(&inner)?;
    let bare = text.trim_start_matches('<').trim_end_matches('>');
    for &role in roles {
        let lookup = match bare.rsplit_once('@') {
            Some(("", domain)) if !open && !domain.is_empty() => domain_of(role, domain),
            Some((_, domain)) if !open && !domain.is_empty() && !bare.contains(char::is_whitespace) => {
                Lookup::Term(term(|t| schema::address_term(t, role, bare)))
            }
            None if !open && !asked_for.quoted && is_host(bare) => domain_of(role, bare),
            _ => {
                if asked(bare).is_empty() {
                    return Err(QueryError { column: asked_for.at, problem: QueryProblem::NoWord });
                }
                words(Words::People, Some(role), bare, open)
            }
        };
        plan.sure.push(lookup);
    }
    Ok(())
}

fn domain_of(role: Role, domain: &str) -> Lookup {
    Lookup::Prefix(term(|t| schema::domain_term(t, role, domain.trim_matches('.'))))
}
