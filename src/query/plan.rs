//! One condition to the lookups that answer it.

use super::dates::{Calendar, Period};
use super::fields::{DateSide, DigestOf, FieldKind};
use super::hops::{self, HOSTS};
use super::look::Look;
use super::parser::{Form, Term};
use super::people::people;
use super::problem::{QueryError, QueryProblem};
use super::value::{self, NoStretch};
use super::words::{self, bare};
use super::{Language, mime, sets};
use crate::facts::Role;
use crate::index::schema::{self, Words, kind};
use crate::index::{Lookup, TermPattern};
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
    /// What is looked up when nothing else finds anything.
    pub(super) else_: Vec<Lookup>,
    /// Texts with umlauts of which the index holds the letter without its dots: where they may stand, and the texts.
    pub(super) umlauts: (Vec<Lookup>, Vec<String>),
}

/// A condition on a catalog row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// A digest begins with these hex digits.
    Digest(DigestOf, String),
    /// The Message-ID, bare and in lower case.
    MessageId(String),
}

/// A name with or without wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// In lower case.
    pub(super) text: String,
    /// Whether `*` and `?` in it stand for other characters.
    pub(super) is_pattern: bool,
}

impl Name {
    fn of(term: &Term) -> Self {
        let is_pattern = !term.quoted() && term.language == Language::Two && term.value.contains(['*', '?']);
        Self { text: term.value.to_lowercase(), is_pattern }
    }

    /// Whether a name is meant: by a part of it, or by the whole where there are wildcards.
    pub(super) fn is_in(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if self.is_pattern { glob(&self.text, &name) } else { name.contains(&self.text) }
    }
}

impl Name {
    /// Whether the whole of a name is meant.
    pub(super) fn is_whole(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if self.is_pattern { glob(&self.text, &name) } else { name == self.text }
    }
}

/// Whether `*` (any number of characters) and `?` (one) make a pattern a text, in time of their lengths' product.
fn glob(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for p in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        if p == '*' {
            let mut any = false;
            for (to, &from) in next.iter_mut().zip(&fits) {
                any |= from;
                *to = any;
            }
        } else {
            for ((to, &from), &c) in next.iter_mut().skip(1).zip(&fits).zip(&text) {
                *to = from && (p == '?' || p == c);
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or(false)
}

/// What a condition asks for that is no lookup.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    All,
    Index(Plan),
    /// What lookups find and a look into the message confirms.
    Look(Plan, Look),
    /// Items that lookups find, and those of containers with one of these anomalies.
    Anomaly(Plan, Vec<&'static str>),
    Date(Option<UtcMs>, Option<UtcMs>),
    Internal(Option<UtcMs>, Option<UtcMs>),
    Size(u64, u64),
    Container(Name),
    /// Items with a label: in the index, or by a label of their container.
    Label(Plan, Name),
    Source(Name),
    Kind(Vec<&'static str>),
    Id(String),
    Hops(u64, u64),
    Path(Vec<hops::Stop>),
    /// Message-IDs that fit.
    MessageIds(Name),
    Thread(String),
}

pub(super) fn wrong(term: &Term, wanted: &'static str) -> QueryError {
    QueryError::at(term.at, QueryProblem::Value { field: term.field.name, wanted })
}

/// Why a value is no stretch, as an error of the condition.
pub(super) fn no_stretch(term: &Term, why: NoStretch, wanted: &'static str) -> QueryError {
    match why {
        NoStretch::Unreadable => wrong(term, wanted),
        NoStretch::Reversed(instead) => {
            let instead = instead.map(|range| format!("{}:{range}", term.field.name));
            QueryError::at(term.at, QueryProblem::RangeEmpty { instead })
        }
        NoStretch::NoClock => QueryError::at(term.at, QueryProblem::NoClock),
    }
}

/// Refuses forms that only words can have.
pub(super) fn as_value(term: &Term) -> Result<&str, QueryError> {
    let what = match term.form {
        Form::Regex => "a regular expression",
        Form::Loose(_) => "`~`",
        Form::Plain | Form::Quoted | Form::Fuzzy(_) | Form::Joined => return Ok(&term.value),
    };
    let what = format!("{what} is compared with words, and `{}:` holds none", term.field.name);
    let instead = format!("a value such as {}", term.field.example);
    Err(QueryError::at(term.at, QueryProblem::WriteInstead { what, instead }))
}

/// Takes the `*` off the end.
pub(super) fn open(term: &Term) -> Result<(&str, bool), QueryError> {
    let value = as_value(term)?;
    let (text, open) = match value.strip_suffix('*') {
        Some(text) => (text, true),
        None => (value, false),
    };
    if !term.quoted() && text.contains('*') {
        return Err(QueryError::at(term.at, QueryProblem::Star));
    }
    Ok((text, open))
}

/// The words of the field's set that a value stands for, synonyms included.
pub(super) fn one_of(term: &Term) -> Result<Vec<&'static str>, QueryError> {
    let all = sets::values(term.field).unwrap_or_default();
    let (text, open) = open(term)?;
    let mut meant = sets::meant(&all, text, open);
    if meant.is_empty() {
        if let Some(instead) = sets::elsewhere(term.field.kind, text) {
            let what = format!("`{}:` has no `{text}`", term.field.name);
            let problem = QueryProblem::WriteInstead { what, instead: instead.to_owned() };
            return Err(QueryError::at(term.at, problem));
        }
        let (value, wanted) = (term.value.clone(), sets::instead(&all, text));
        return Err(QueryError::at(
            term.at,
            QueryProblem::NotInSet { field: term.field.name, value, wanted },
        ));
    }
    if term.field.kind == FieldKind::Tag(kind::STATE) {
        let asked = |s: &&sets::State| s.names.iter().any(|n| meant.contains(n));
        meant = sets::STATES.iter().filter(asked).flat_map(|s| s.terms).copied().collect();
    }
    Ok(meant)
}

pub(super) fn term(build: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    build(&mut out);
    out
}

fn tag(kind: u8, text: &str) -> Lookup {
    Lookup::Term(term(|t| schema::text_term(t, kind, text.as_bytes())))
}

/// What a date field says that a date can be.
pub(super) const DATE: &str =
    "a year, month, day or time such as 2024-03, a..b, a..<b, >a, <=a, 7d.. or yesterday";

/// The stretch of time that a condition on a date stands for.
pub(super) fn period(term: &Term, side: DateSide, calendar: Calendar<'_>) -> Result<Period, QueryError> {
    let value = as_value(term)?;
    let of = |why| no_stretch(term, why, DATE);
    Ok(match side {
        DateSide::In => calendar.dates(value).map_err(of)?,
        DateSide::From => (Some(calendar.one(value).map_err(of)?.0), None),
        DateSide::Before => (None, Some(calendar.one(value).map_err(of)?.0)),
        DateSide::Until => (None, Some(calendar.one(value).map_err(of)?.1)),
    })
}

/// Everybody in a role.
pub(super) fn every_address(role: Role) -> [Lookup; 2] {
    [Lookup::Prefix(vec![kind::ADDRESS, schema::role_byte(role)]), words::every_person(role)]
}

/// `field:*`: the field is there.
fn present(kind: FieldKind) -> Option<Wanted> {
    let mut plan = Plan::default();
    match kind {
        FieldKind::Words(fields) => {
            plan.sure.extend(fields.iter().map(|&field| match field {
                Words::Subject => tag(kind::HAS, "subject"),
                Words::Name => tag(kind::HAS, "attachment"),
                other => words::every(other),
            }));
        }
        FieldKind::Header => plan.sure.push(words::every(Words::Header)),
        FieldKind::People(roles) => {
            plan.sure.extend(roles.iter().flat_map(|&role| every_address(role)));
        }
        FieldKind::Date(_) => plan.sure.push(tag(kind::HAS, "date")),
        FieldKind::Internal => return Some(Wanted::Internal(None, None)),
        FieldKind::Hops | FieldKind::Path => return Some(Wanted::Hops(1, u64::MAX)),
        FieldKind::Digest(DigestOf::Attachment) => plan.sure.push(tag(kind::HAS, "attachment")),
        FieldKind::Digest(DigestOf::Mih) => plan.sure.push(Lookup::Hash(kind::MIH, Vec::new())),
        FieldKind::MessageId => plan.sure.push(Lookup::Hash(kind::MESSAGE_ID, Vec::new())),
        FieldKind::References => plan.sure.push(Lookup::Hash(kind::REFERENCE, Vec::new())),
        FieldKind::Recorded(method) => {
            let text = format!("{method}=");
            plan.sure.push(Lookup::Prefix(term(|t| schema::text_term(t, kind::RECORDED, text.as_bytes()))));
        }
        FieldKind::Finding => plan.sure.push(Lookup::Prefix(vec![kind::FINDING])),
        FieldKind::Type => plan.sure.push(Lookup::Prefix(vec![kind::TYPE])),
        FieldKind::Label => {
            plan.sure.push(Lookup::Prefix(vec![kind::LABEL]));
            return Some(Wanted::Label(plan, Name { text: "*".to_owned(), is_pattern: true }));
        }
        FieldKind::Text
        | FieldKind::Any
        | FieldKind::Exact
        | FieldKind::Thread
        | FieldKind::Size
        | FieldKind::Digest(_)
        | FieldKind::Container
        | FieldKind::Source
        | FieldKind::Kind
        | FieldKind::Id => return Some(Wanted::All),
        _ => return None,
    }
    Some(Wanted::Index(plan))
}

pub(super) fn plan(asked_for: &Term, calendar: Calendar<'_>) -> Result<Wanted, QueryError> {
    let language = asked_for.language;
    if asked_for.is_any()
        && language == Language::Two
        && asked_for.header.is_none()
        && let Some(wanted) = present(asked_for.field.kind)
    {
        return Ok(wanted);
    }
    let value = asked_for.value.as_str();
    let mut plan = Plan::default();
    match asked_for.field.kind {
        FieldKind::Text => in_words(&mut plan, asked_for, &bare())?,
        FieldKind::Any => anywhere(&mut plan, asked_for)?,
        FieldKind::Exact => return super::look::exact(asked_for),
        FieldKind::Header => return super::look::header(asked_for, calendar),
        FieldKind::List => return super::look::list(asked_for),
        FieldKind::Words(fields) => {
            let places: Vec<_> = fields.iter().map(|&field| (field, None)).collect();
            in_words(&mut plan, asked_for, &places)?;
        }
        FieldKind::People(roles) => people(&mut plan, asked_for, roles)?,
        // The parser has made two conditions of it.
        FieldKind::Between => {
            return Err(wrong(
                asked_for,
                "two people with a comma between them: ann@example.org,bob@example.org",
            ));
        }
        FieldKind::Date(side) => {
            let (from, to) = period(asked_for, side, calendar)?;
            return Ok(Wanted::Date(from, to));
        }
        FieldKind::Internal => {
            let (from, to) = period(asked_for, DateSide::In, calendar)?;
            return Ok(Wanted::Internal(from, to));
        }
        FieldKind::Size => {
            let sizes = value::sizes(as_value(asked_for)?, language);
            let (from, to) = sizes
                .map_err(|why| no_stretch(asked_for, why, "bytes such as 100k, a..b, a..<b, >a or <=a"))?;
            return Ok(Wanted::Size(from, to));
        }
        FieldKind::SizeFrom(is_larger) => {
            let sizes = value::sizes(as_value(asked_for)?, language);
            let (from, to) =
                sizes.map_err(|why| no_stretch(asked_for, why, "a number of bytes such as 100k or 10M"))?;
            return Ok(if is_larger { Wanted::Size(to, u64::MAX) } else { Wanted::Size(0, from) });
        }
        // A condition on some hop.
        FieldKind::Hop(_) => return Err(QueryError::at(asked_for.at, QueryProblem::NoWord)),
        FieldKind::Hops => {
            let counts = value::counts(as_value(asked_for)?, language);
            let (from, to) = counts
                .map_err(|why| no_stretch(asked_for, why, "a number of hops such as 0, a..b, >a or <=a"))?;
            return Ok(Wanted::Hops(from, to));
        }
        FieldKind::Path => return Ok(Wanted::Path(hops::path(asked_for)?)),
        FieldKind::Finding => {
            for id in one_of(asked_for)?.into_iter().flat_map(sets::rules_of) {
                plan.sure.push(any_or(kind::FINDING, "", id));
            }
        }
        FieldKind::Recorded(method) => {
            for result in one_of(asked_for)? {
                plan.sure.push(any_or(kind::RECORDED, &format!("{method}="), result));
            }
        }
        FieldKind::Type => mime::types(&mut plan, asked_for)?,
        FieldKind::Tag(kind) if sets::values(asked_for.field).is_some() => {
            let words = one_of(asked_for)?;
            plan.sure.extend(words.iter().map(|word| tag(kind, word)));
            // What was odd of a container is known only when its items are in the index already.
            if kind == kind::ANOMALY {
                return Ok(Wanted::Anomaly(plan, words));
            }
            if kind == kind::HAS && words.contains(&"anomaly") {
                return Ok(Wanted::Anomaly(plan, AnomalyKind::ALL.iter().map(|a| a.code()).collect()));
            }
        }
        FieldKind::Tag(kind) => {
            let (text, open) = open(asked_for)?;
            let bare = text.trim_start_matches('<').trim_end_matches('>');
            let built = term(|t| schema::text_term(t, kind, bare.as_bytes()));
            plan.sure.push(if open { Lookup::Prefix(built) } else { Lookup::Term(built) });
        }
        FieldKind::Digest(of) => digests(&mut plan, asked_for, of)?,
        FieldKind::MessageId => {
            let name = Name::of(asked_for);
            as_value(asked_for)?;
            if name.is_pattern && value.contains('*') {
                return Ok(Wanted::MessageIds(Name { text: schema::bare_message_id(&name.text), ..name }));
            }
            message_id(&mut plan, value);
        }
        FieldKind::References => {
            if language == Language::Two && !asked_for.quoted() && value.contains('*') {
                let wanted =
                    "a whole Message-ID: of those that a message names only digests are in the index";
                return Err(wrong(asked_for, wanted));
            }
            plan.sure
                .push(Lookup::Hash(kind::REFERENCE, schema::message_id_hash(as_value(asked_for)?).to_vec()));
        }
        FieldKind::Thread => return Ok(Wanted::Thread(as_value(asked_for)?.to_owned())),
        // Gmail's word for every folder.
        FieldKind::Container if language == Language::Two && value.eq_ignore_ascii_case("anywhere") => {
            return Ok(Wanted::All);
        }
        FieldKind::Container => return as_value(asked_for).map(|_| Wanted::Container(Name::of(asked_for))),
        FieldKind::Label => return label(asked_for),
        FieldKind::Source => return as_value(asked_for).map(|_| Wanted::Source(Name::of(asked_for))),
        FieldKind::Kind => return Ok(Wanted::Kind(one_of(asked_for)?)),
        FieldKind::Id => return Ok(Wanted::Id(as_value(asked_for)?.to_owned())),
    }
    Ok(Wanted::Index(plan))
}

/// Adds what finds a text in some fields.
pub(super) fn in_words(
    plan: &mut Plan,
    asked_for: &Term,
    places: &[(Words, Option<Role>)],
) -> Result<(), QueryError> {
    plan.sure = words::lookups(&words::ways(asked_for)?, places);
    let texts = words::umlauts(asked_for);
    let ways: Vec<_> = texts.iter().map(|text| words::Way::Text(text.clone(), false)).collect();
    plan.umlauts = (words::lookups(&ways, places), texts);
    Ok(())
}

/// The term of a word of a set, or all terms that begin so where the word is `any`.
fn any_or(kind: u8, head: &str, word: &str) -> Lookup {
    let any = word == sets::ANY;
    let text = format!("{head}{}", if any { "" } else { word });
    let built = term(|t| schema::text_term(t, kind, text.as_bytes()));
    if any { Lookup::Prefix(built) } else { Lookup::Term(built) }
}

/// A label, whole or with wildcards. In quotes a last `*` is open too, since labels have blanks.
fn label(asked_for: &Term) -> Result<Wanted, QueryError> {
    let value = as_value(asked_for)?;
    let is_pattern = if asked_for.quoted() { value.ends_with('*') } else { value.contains(['*', '?']) };
    let built = |text: &str| term(|t| schema::text_term(t, kind::LABEL, text.as_bytes()));
    let mut plan = Plan::default();
    plan.sure.push(match value.strip_suffix('*') {
        _ if !is_pattern => Lookup::Term(built(value)),
        Some(head) if !head.contains(['*', '?']) => Lookup::Prefix(built(head)),
        _ => {
            let pattern = regex::escape(value).replace("\\*", ".*").replace("\\?", ".");
            let fits = TermPattern::regex(&format!("^{pattern}$"));
            Lookup::Fitting(
                vec![kind::LABEL],
                fits.map_err(|why| QueryError::at(asked_for.at, QueryProblem::Pattern(why)))?,
            )
        }
    });
    // Labels of accounts stand with their containers; the backslash of a system label does not count.
    let text = value.to_lowercase().trim_start_matches('\\').to_owned();
    Ok(Wanted::Label(plan, Name { text, is_pattern }))
}

/// Words in every field of words, and the whole value wherever ids, hosts and digests are terms of their own.
fn anywhere(plan: &mut Plan, asked_for: &Term) -> Result<(), QueryError> {
    let mut places = bare();
    places.push((Words::Header, None));
    in_words(plan, asked_for, &places)?;
    let value = asked_for.value.as_str();
    let bare = value.trim_matches(['<', '>']);
    let is_whole = matches!(asked_for.form, Form::Plain | Form::Quoted) && !value.ends_with('*');
    if !is_whole || bare.is_empty() || (asked_for.quoted() && bare.contains(char::is_whitespace)) {
        return Ok(());
    }
    plan.sure.push(hops::id(bare));
    for kind in [kind::FOR, kind::ENVELOPE_FROM, kind::USER] {
        plan.sure.push(tag(kind, bare));
    }
    if super::people::is_host(bare) {
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
    Ok(())
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
    let text = as_value(asked_for)?;
    let text =
        if asked_for.language == Language::Two { text.strip_suffix('*').unwrap_or(text) } else { text };
    let digits = value::hex(text).ok_or_else(|| wrong(asked_for, wanted))?;
    plan.any.extend(of.kinds().iter().map(|&kind| digest(kind, &digits)));
    plan.checks.push(Check::Digest(of, digits));
    Ok(())
}

/// Roles whose addresses a header field of this name holds; other header fields have fields of their own here.
pub(super) fn roles_of_header(name: &str) -> Option<&'static [Role]> {
    Some(match name {
        "from" => &[Role::From],
        "sender" => &[Role::Sender],
        "reply-to" => &[Role::ReplyTo],
        "to" => &[Role::To],
        "cc" => &[Role::Cc],
        "bcc" => &[Role::Bcc],
        "return-path" => &[Role::ReturnPath],
        "delivered-to" | "x-original-to" | "envelope-to" | "x-envelope-to" => &[Role::DeliveredTo],
        "resent-from" | "resent-sender" => &[Role::ResentFrom],
        "resent-to" | "resent-cc" | "resent-bcc" => &[Role::ResentTo],
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
