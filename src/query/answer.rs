//! What is told beside an answer: how the question was understood, what was left out of it, why nothing was found.

use jiff::tz::TimeZone;

use super::dates::Calendar;
use super::fields::{DateSide, FieldKind, HopField};
use super::parser::{Form, Node, Op, Parsed, Term, is_words};
use super::place::Place;
use super::plan::period;
use super::run::{Dates, Options, Run};
use super::{Language, SearchError, words};
use crate::facts::Role;
use crate::index::schema::Words;
use crate::index::{Lookup, TermPattern, asked};
use crate::types::ItemKey;
use crate::types::time::{UtcMs, rfc3339};

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The items and children, in the order asked for, at most as many as asked for.
    pub keys: Vec<ItemKey>,
    /// How many answer the question.
    pub total: u64,
    /// How many of these are messages inside others.
    pub inside: u64,
    /// How many have no date that could be read and would answer the question but for its date conditions; those that
    /// answer it anyway are not among them. `None` when it has no such condition.
    pub undated: Option<u64>,
    /// How many of the answer have no date that could be read, and so stand last; 0 when the order is not by date.
    pub last: u64,
    /// Whether a condition depends on the recipient's side as the examiner named it: `finding:`, `hop.trust:`.
    pub by_settings: bool,
    /// The version of the language that the question was read in.
    pub language: Language,
    /// The question as it was understood, in its own language; empty when it was not asked for.
    pub understood: String,
    /// The periods of its date conditions: as written, first instant, and the one just behind the last.
    pub periods: Vec<(String, Option<UtcMs>, Option<UtcMs>)>,
    /// What of the question was left out or may be meant otherwise, each with its column.
    pub notes: Vec<(usize, String)>,
    /// How many more items words without a field would find with `any:`.
    pub anywhere: Option<u64>,
    /// Messages that had to be read for a condition and could not be.
    pub unread: u64,
    /// Of an answer without items: what each condition alone finds.
    pub zero: Vec<ZeroTerm>,
    /// The count of each part of the question, in the order in which they were answered.
    pub steps: Vec<Step>,
}

/// What one condition of a question without an answer finds by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZeroTerm {
    /// The condition.
    pub what: String,
    /// What it finds alone.
    pub count: u64,
    /// Of words: how many items have them in each field, those without left out.
    pub fields: Vec<(&'static str, u64)>,
    /// Words of this case that are spelled nearly so, and how often they stand in it.
    pub near: Vec<(String, u64)>,
}

/// A part of a question and what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many parts it stands in.
    pub depth: usize,
    /// Where it stands in the question.
    pub at: Place,
    /// What it says.
    pub what: String,
    /// How many items it finds.
    pub count: u64,
}

/// Most conditions of a question without an answer that are told of.
const MOST_ZERO: usize = 12;

/// Most words of nearly the same spelling that are told.
const MOST_NEAR: usize = 5;

fn quoted(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '*' | '/' | '<' | '>' | '=' | '+')
    };
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') && !is_operator(text) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_operator(text: &str) -> bool {
    matches!(
        text,
        "AND" | "OR" | "NOT" | "XOR" | "NEAR" | "ADJ" | "PRE" | "ONEAR" | "AROUND" | "WITHIN" | "BEFORE"
    )
}

/// A condition in the words of the language.
fn condition(term: &Term) -> String {
    let value = match term.form {
        Form::Plain if term.value.contains(['?', ':', '[', '(', '\'', ',']) => term.value.clone(),
        Form::Plain => quoted(&term.value),
        Form::Quoted => format!("\"{}\"", term.value.replace('\\', "\\\\").replace('"', "\\\"")),
        Form::Loose(slack) => format!("\"{}\"~{slack}", term.value),
        Form::Regex => format!("/{}/", term.value.replace('/', "\\/")),
        Form::Fuzzy(letters) => format!("{}~{letters}", term.value),
        Form::Joined => return format!("{}:{} (in groups or not)", term.field.name, term.value),
    };
    match &term.header {
        Some(header) => format!("{}:{header}:{value}", term.field.name),
        None => format!("{}:{value}", term.field.name),
    }
}

/// What a part of a question says, without its parts.
pub(super) fn label(node: &Node) -> String {
    match &node.op {
        Op::All => "*".to_owned(),
        Op::And(parts) => format!("AND of {}", parts.len()),
        Op::Or(parts) => format!("OR of {}", parts.len()),
        Op::Xor(..) => "XOR".to_owned(),
        Op::Not(_) => "NOT".to_owned(),
        Op::Near { .. } | Op::Hops(..) => text(node),
        Op::Term(term) => condition(term),
    }
}

/// A question written out: every operator and parenthesis stands there, every word has its field.
pub(super) fn text(node: &Node) -> String {
    let list = |parts: &[Node], sign: &str| parts.iter().map(text).collect::<Vec<_>>().join(sign);
    match &node.op {
        Op::All => "*".to_owned(),
        Op::And(parts) => format!("({})", list(parts, " AND ")),
        Op::Or(parts) => format!("({})", list(parts, " OR ")),
        Op::Xor(a, b) => format!("({} XOR {})", text(a), text(b)),
        Op::Not(inner) => format!("NOT {}", text(inner)),
        Op::Near { left, right, distance, ordered, .. } => {
            let sign = if *ordered { "ADJ" } else { "NEAR" };
            format!("({} {sign}/{distance} {})", text(left), text(right))
        }
        Op::Term(term) => condition(term),
        Op::Hops(place, inner) => {
            let place = place.map(|p| format!("[{p}]")).unwrap_or_default();
            let inner = text(inner);
            let inner = inner.strip_prefix('(').and_then(|i| i.strip_suffix(')')).unwrap_or(&inner);
            format!("hop{place}{{{inner}}}")
        }
    }
}

fn terms<'n>(node: &'n Node, out: &mut Vec<&'n Term>) {
    match &node.op {
        Op::All => {}
        Op::And(parts) | Op::Or(parts) => parts.iter().for_each(|part| terms(part, out)),
        Op::Xor(a, b) | Op::Near { left: a, right: b, .. } => {
            terms(a, out);
            terms(b, out);
        }
        Op::Not(inner) | Op::Hops(_, inner) => terms(inner, out),
        Op::Term(term) => out.push(term),
    }
}

/// Fills in how the question was understood.
pub(super) fn tell(hits: &mut Hits, parsed: &Parsed, options: &Options) {
    let node = &parsed.node;
    hits.understood = text(node);
    if let (Some(inner), Op::And(_) | Op::Or(_)) =
        (hits.understood.strip_prefix('(').and_then(|t| t.strip_suffix(')')), &node.op)
    {
        hits.understood = inner.to_owned();
    }
    hits.notes = parsed.notes.iter().map(|(at, text)| (at.from + 1, text.clone())).collect();
    let mut all = Vec::new();
    terms(node, &mut all);
    let calendar = Calendar { zone: &options.zone, now: options.now, language: options.language };
    for term in all {
        if let Some(period) = period_of(term, calendar) {
            hits.periods.push(period);
        }
        if options.language == Language::One || !is_words(term.field) {
            continue;
        }
        let column = term.at.from + 1;
        if matches!(term.form, Form::Plain | Form::Quoted)
            && term.field.kind != FieldKind::Exact
            && let Some(signs) = words::left_out(&term.value)
        {
            let kept: Vec<_> = asked(&term.value)
                .iter()
                .map(|word| String::from_utf8_lossy(&word.term).into_owned())
                .collect();
            hits.notes.push((
                column,
                format!(
                    "`{signs}` was left out: searched was {}; `exact:` finds it as written",
                    kept.join(" ")
                ),
            ));
        }
        if term.form == Form::Plain && term.value.ends_with('?') && !term.value.contains("://") {
            hits.notes.push((
                column,
                format!("`?` stands for one letter; \"{}\" in quotes is the word", term.value),
            ));
        }
        if term.form == Form::Regex && term.value.contains('.') {
            hits.notes.push((column, "a regular expression is compared with one word at a time".to_owned()));
        }
    }
}

fn period_of(term: &Term, calendar: Calendar<'_>) -> Option<(String, Option<UtcMs>, Option<UtcMs>)> {
    let side = match term.field.kind {
        FieldKind::Date(side) => side,
        FieldKind::Internal | FieldKind::Hop(HopField::Time) => DateSide::In,
        _ => return None,
    };
    if term.is_any() {
        return None;
    }
    let (from, to) = period(term, side, calendar).ok()?;
    Some((condition(term), from, to))
}

/// A period in words: `date:2024-03 is 2024-03-01T00:00:00Z to before 2024-04-01T00:00:00Z`.
pub fn period_in_words(period: &(String, Option<UtcMs>, Option<UtcMs>), zone: &TimeZone) -> String {
    let (what, from, to) = period;
    let local = |at: UtcMs| {
        let utc = rfc3339(at);
        let zoned = jiff::Timestamp::from_millisecond(at.0).ok().map(|t| t.to_zoned(zone.clone()));
        match zoned {
            Some(zoned) if *zone != TimeZone::UTC => {
                format!("{utc} ({})", zoned.strftime("%Y-%m-%d %H:%M:%S %:z"))
            }
            _ => utc,
        }
    };
    let ends = match (from, to) {
        (Some(from), Some(to)) => format!("from {} to before {}", local(*from), local(*to)),
        (Some(from), None) => format!("from {} on", local(*from)),
        (None, Some(to)) => format!("before {}", local(*to)),
        (None, None) => "any date".to_owned(),
    };
    format!("{what} is {ends}")
}

/// What each condition of a question without an answer finds by itself.
pub(super) fn explain_zero(run: &mut Run<'_>, node: &Node) -> Result<Vec<ZeroTerm>, SearchError> {
    let mut parts = Vec::new();
    gather(node, &mut parts);
    let mut out = Vec::new();
    for part in parts.into_iter().take(MOST_ZERO) {
        let count = run.set(part, Dates::Asked, None)?.len();
        let mut zero = ZeroTerm { what: text(part), count, ..ZeroTerm::default() };
        if let Op::Term(term) = &part.op
            && is_words(term.field)
            && term.header.is_none()
            && !term.is_any()
            && count == 0
        {
            zero.fields = by_field(run, term)?;
            zero.near = near(run, term)?;
        }
        out.push(zero);
    }
    Ok(out)
}

/// The conditions of a question that must hold, each by itself.
fn gather<'n>(node: &'n Node, out: &mut Vec<&'n Node>) {
    match &node.op {
        Op::And(parts) | Op::Or(parts) => parts.iter().for_each(|part| gather(part, out)),
        Op::Near { left, right, .. } => {
            gather(left, out);
            gather(right, out);
        }
        Op::All | Op::Not(_) => {}
        Op::Term(_) | Op::Hops(..) | Op::Xor(..) => out.push(node),
    }
}

/// In how many items of each field the words stand.
fn by_field(run: &Run<'_>, term: &Term) -> Result<Vec<(&'static str, u64)>, SearchError> {
    let Ok(ways) = words::ways(term) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (name, field) in [
        ("subject", Words::Subject),
        ("body", Words::Body),
        ("attachment", Words::Name),
        ("header", Words::Header),
        ("participant", Words::People),
    ] {
        let places: Vec<_> = if field == Words::People {
            Role::ALL.iter().map(|&role| (field, Some(role))).collect()
        } else {
            vec![(field, None)]
        };
        let lookups: Vec<Lookup> = words::lookups(&ways, &places);
        let count = run.case.index.find_any(&lookups)?.len();
        if count > 0 {
            out.push((name, count));
        }
    }
    Ok(out)
}

/// Words of the case that are spelled nearly as the first word of the condition that stands nowhere.
fn near(run: &Run<'_>, term: &Term) -> Result<Vec<(String, u64)>, SearchError> {
    if !matches!(term.form, Form::Plain | Form::Quoted) {
        return Ok(Vec::new());
    }
    let fields = Words::ALL;
    for word in asked(&term.value) {
        let text = String::from_utf8_lossy(&word.term).into_owned();
        let letters = text.chars().count();
        if word.single || !(3..=40).contains(&letters) {
            continue;
        }
        let places: Vec<_> = words::bare().into_iter().chain([(Words::Header, None)]).collect();
        let is_there =
            run.case.index.find_any(&words::lookups(&[words::Way::Text(text.clone(), false)], &places))?;
        if is_there.is_empty() {
            let most = if letters < 6 { 1 } else { 2 };
            let mut all = run.case.index.words_like(&fields, &TermPattern::near(&text, most), MOST_NEAR)?;
            // It may be a part of a longer word, or be written in two.
            if all.is_empty()
                && let Ok(part) = TermPattern::wildcards(&format!("*{text}*"))
            {
                all.extend(run.case.index.words_like(&fields, &part, MOST_NEAR)?);
            }
            let apart = words::lookups(&[words::Way::Number(text.clone())], &words::bare());
            let count = run.case.index.find_any(&apart)?.len();
            if count > 0 {
                all.push((format!("{text} written apart"), count));
            }
            return Ok(all);
        }
    }
    Ok(Vec::new())
}
