//! Sets of lookups put together, and the answer in the order asked for.

use jiff::tz::TimeZone;

use super::answer::{self, Hits, Step};
use super::dates::Calendar;
use super::fields::{Field, FieldKind, HopField, HopWord, any_field};
use super::near;
use super::parser::{Node, Op, Term, parse};
use super::place::Place;
use super::plan::{Plan, Wanted, plan};
use super::problem::{QueryError, QueryProblem};
use super::rows::Rows;
use super::{Case, Language, SearchError, hops};
use crate::index::schema::kind;
use crate::index::{Lookup, Set};
use crate::types::ItemKey;
use crate::types::time::UtcMs;

/// The order of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest Date first, undated last, then ledger order.
    #[default]
    Newest,
    /// Oldest Date first, undated last, then ledger order.
    Oldest,
    /// Best first: how rare the words asked for are, and how often they stand in each.
    Relevance,
    /// As in the ledger.
    Ledger,
}

/// How to answer.
#[derive(Clone, Debug)]
pub struct Options {
    /// The order.
    pub order: Order,
    /// How many keys to hand over; all when `None`. The count is always of all.
    pub limit: Option<usize>,
    /// The zone in which days begin.
    pub zone: TimeZone,
    /// Labels of sources, for `source:`.
    pub labels: Vec<(u32, String)>,
    /// The version of the language in which the question is written.
    pub language: Language,
    /// The instant that `yesterday` and `7d` count from; without it such dates are an error.
    pub now: Option<UtcMs>,
    /// Answer only from these items.
    pub only: Option<Vec<ItemKey>>,
    /// How much to tell beside the answer.
    pub telling: Telling,
}

/// How much to tell beside the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telling {
    /// Only the counts.
    #[default]
    Counts,
    /// How the question was understood, what `any:` would find more, and why nothing was found.
    Understood,
    /// The count of each part of the question too.
    Steps,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            order: Order::Newest,
            limit: None,
            zone: TimeZone::UTC,
            labels: Vec::new(),
            language: Language::Two,
            now: None,
            only: None,
            telling: Telling::Counts,
        }
    }
}

impl Options {
    pub(super) fn calendar(&self) -> Calendar<'_> {
        Calendar { zone: &self.zone, now: self.now, language: self.language }
    }
}

/// Most patterns that walk through all words of a case.
pub(super) const MOST_PATTERNS: usize = 1000;

/// Answers a question.
///
/// # Errors
/// [`SearchError::Query`] with the column of what is wrong; the others when catalog or index cannot be read.
pub fn search(case: Case<'_>, query: &str, options: &Options) -> Result<Hits, SearchError> {
    answered(case, query, options).map_err(|error| error.of(query))
}

fn answered(case: Case<'_>, query: &str, options: &Options) -> Result<Hits, SearchError> {
    let parsed = parse(query, options.language)?;
    let node = &parsed.node;
    let mut run = Run::new(case, options);
    run.steps = (options.telling == Telling::Steps).then(Vec::new);
    let only = run.only()?;
    let within = |set: Set| match &only {
        Some(only) => set.and(only),
        None => set,
    };
    let set = within(run.set(node, Dates::Asked, None)?);
    let steps = run.steps.take().unwrap_or_default();
    let undated = if run.dated {
        let dated = case.index.dated(None, None)?;
        let possible = within(run.set(node, Dates::Met, None)?);
        Some(possible.without(&dated).without(&set).len())
    } else {
        None
    };
    let total = set.len();
    let inside = run.rows().kind(&["child"])?.and(&set).len();
    let (keys, last) = if options.limit == Some(0) { (Vec::new(), 0) } else { run.ordered(&set)? };
    let mut hits = Hits {
        keys,
        total,
        inside,
        undated,
        last,
        by_settings: is_by_settings(node),
        steps,
        ..Hits::default()
    };
    if options.telling >= Telling::Understood {
        hits.language = options.language;
        if has_term(node, &|term| term.field.kind == FieldKind::Text) {
            let mut wide = Run { anywhere: true, ..Run::new(case, options) };
            hits.anywhere = Some(within(wide.set(node, Dates::Asked, None)?).without(&set).len());
        }
        answer::tell(&mut hits, &parsed, options);
        if total == 0 {
            hits.zero = answer::explain_zero(&mut run, node)?;
        }
    }
    hits.notes.extend(run.notes.iter().map(|(at, text)| (at.from + 1, text.clone())));
    hits.notes.dedup();
    hits.unread = run.unread;
    Ok(hits)
}

/// For each rule that found something in the items that answer a question: its id and their number.
///
/// # Errors
/// As [`search`].
pub fn findings(case: Case<'_>, query: &str, options: &Options) -> Result<Vec<(String, u64)>, SearchError> {
    let count = || {
        let node = parse(query, options.language)?.node;
        let mut run = Run::new(case, options);
        let set = run.set(&node, Dates::Asked, None)?;
        let set = match run.only()? {
            Some(only) => set.and(&only),
            None => set,
        };
        Ok(case.index.terms_within(kind::FINDING, &set)?)
    };
    let found = count().map_err(|error: SearchError| error.of(query))?;
    Ok(found.into_iter().map(|(id, count)| (String::from_utf8_lossy(&id).into_owned(), count)).collect())
}

/// Whether a condition of the question is about a source, whose labels are not in catalog or index.
///
/// # Errors
/// [`QueryError`] with the column of what is wrong.
pub fn asks_for_source(query: &str, language: Language) -> Result<bool, QueryError> {
    Ok(has_term(&parse(query, language)?.node, &|term| matches!(term.field.kind, FieldKind::Source)))
}

fn is_by_settings(node: &Node) -> bool {
    has_term(node, &|term| {
        matches!(
            term.field.kind,
            FieldKind::Finding | FieldKind::Recorded(_) | FieldKind::Hop(HopField::OneOf(HopWord::Trust))
        )
    })
}

/// Whether a condition of a question is such.
pub(super) fn has_term(node: &Node, is: &dyn Fn(&Term) -> bool) -> bool {
    match &node.op {
        Op::All => false,
        Op::And(parts) | Op::Or(parts) => parts.iter().any(|part| has_term(part, is)),
        Op::Xor(a, b) | Op::Near { left: a, right: b, .. } => has_term(a, is) || has_term(b, is),
        Op::Not(inner) | Op::Hops(_, inner) => has_term(inner, is),
        Op::Term(term) => is(term),
    }
}

/// How date conditions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    /// As asked.
    Asked,
    /// As if met.
    Met,
    /// As if not met, so that what negates them is met.
    Unmet,
}

impl Dates {
    fn turned(self) -> Self {
        match self {
            Self::Asked => Self::Asked,
            Self::Met => Self::Unmet,
            Self::Unmet => Self::Met,
        }
    }
}

pub(super) struct Run<'a> {
    pub(super) case: Case<'a>,
    pub(super) options: &'a Options,
    /// Words that were asked for, for the order by relevance.
    lookups: Vec<Lookup>,
    dated: bool,
    /// Words without a field look everywhere.
    anywhere: bool,
    patterns: usize,
    unread: u64,
    /// What was not looked at.
    notes: Vec<(Place, String)>,
    /// Counts of the parts of the question, when they are wanted, with their depth.
    steps: Option<Vec<Step>>,
    depth: usize,
}

impl<'a> Run<'a> {
    fn new(case: Case<'a>, options: &'a Options) -> Self {
        Self {
            case,
            options,
            lookups: Vec::new(),
            dated: false,
            anywhere: false,
            patterns: 0,
            unread: 0,
            notes: Vec::new(),
            steps: None,
            depth: 0,
        }
    }

    fn rows(&self) -> Rows<'a> {
        Rows { case: self.case, labels: &self.options.labels }
    }

    fn only(&self) -> Result<Option<Set>, SearchError> {
        let Some(keys) = &self.options.only else { return Ok(None) };
        let ranges: Vec<_> = keys.iter().map(|&key| (key, key)).collect();
        Ok(Some(self.case.index.keyed(&ranges)?))
    }

    /// The items that answer a part of the question. `within` narrows what has to be looked at, and may be ignored.
    pub(super) fn set(
        &mut self,
        node: &Node,
        dates: Dates,
        within: Option<&Set>,
    ) -> Result<Set, SearchError> {
        let at = self.steps.as_mut().map(|steps| {
            steps.push(Step { depth: self.depth, at: node.at, what: answer::label(node), count: 0 });
            steps.len() - 1
        });
        self.depth += 1;
        let found = self.part(node, dates, within);
        self.depth -= 1;
        if let (Some(at), Ok(set)) = (at, &found)
            && let Some(step) = self.steps.as_mut().and_then(|steps| steps.get_mut(at))
        {
            step.count = set.len();
        }
        found
    }

    fn part(&mut self, node: &Node, dates: Dates, within: Option<&Set>) -> Result<Set, SearchError> {
        let index = self.case.index;
        match &node.op {
            Op::All => Ok(index.all()),
            Op::Not(inner) => Ok(self.set(inner, dates.turned(), within)?.complement()),
            Op::Or(parts) => {
                let mut all = index.none();
                for part in parts {
                    all = all.or(&self.set(part, dates, within)?);
                }
                Ok(all)
            }
            Op::Xor(a, b) => {
                let (a, b) = (self.set(a, dates, within)?, self.set(b, dates, within)?);
                // Of what has no date either side may be met.
                let both = if dates == Dates::Asked { a.clone().and(&b) } else { index.none() };
                Ok(a.or(&b).without(&both))
            }
            Op::And(parts) => {
                // What needs messages to be read comes last, when the others have narrowed it down.
                let reads = |part: &&Node| has_term(part, &super::look::reads_messages);
                let (last, first): (Vec<&Node>, Vec<&Node>) = parts.iter().partition(reads);
                let mut all: Option<Set> = None;
                for part in first.into_iter().chain(last) {
                    let here = self.set(part, dates, all.as_ref().or(within))?;
                    all = Some(match all {
                        Some(all) => all.and(&here),
                        None => here,
                    });
                }
                Ok(all.unwrap_or_else(|| index.all()))
            }
            Op::Near { .. } => {
                let lookups = near::lookups(node, self.anywhere)?;
                self.index(Plan { sure: lookups, ..Plan::default() }, node.at)
            }
            Op::Term(Term { field: Field { kind: FieldKind::Hop(_), .. }, .. }) | Op::Hops(..) => {
                Ok(index.with_hops(&hops::hops(index, node, self.options.calendar())?)?)
            }
            Op::Term(term) => self.term(term, dates, within),
        }
    }

    fn term(&mut self, term: &Term, dates: Dates, within: Option<&Set>) -> Result<Set, SearchError> {
        let index = self.case.index;
        let wide = (self.anywhere && term.field.kind == FieldKind::Text)
            .then(|| Term { field: any_field(), ..term.clone() });
        let term = wide.as_ref().unwrap_or(term);
        match plan(term, self.options.calendar())? {
            Wanted::All => Ok(index.all()),
            Wanted::Index(plan) => self.index(plan, term.at),
            Wanted::Look(plan, look) => {
                let found = self.index(plan, term.at)?;
                let found = match within {
                    Some(within) => found.and(within),
                    None => found,
                };
                let mut unread = self.unread;
                let shown = self.rows().looked_at(found, &look, term, &mut unread)?;
                self.unread = unread;
                Ok(shown)
            }
            Wanted::Anomaly(plan, codes) => {
                Ok(self.index(plan, term.at)?.or(&self.rows().in_noted(&codes)?))
            }
            Wanted::Date(from, to) => {
                self.dated = true;
                Ok(match dates {
                    Dates::Asked => index.dated(from, to)?,
                    Dates::Met => index.all(),
                    Dates::Unmet => index.none(),
                })
            }
            Wanted::Size(from, to) => Ok(index.sized(from, to)?),
            Wanted::Hops(from, to) => Ok(index.hop_counted(from, to)?),
            Wanted::Path(stops) => hops::routed(index, stops),
            Wanted::Internal(from, to) => {
                let ranges: Vec<_> =
                    self.case.catalog.arrived(from, to)?.into_iter().map(|k| (k, k)).collect();
                Ok(index.keyed(&ranges)?)
            }
            Wanted::Container(name) => self.rows().container(&name),
            Wanted::Label(plan, name) => Ok(self.index(plan, term.at)?.or(&self.rows().label(&name)?)),
            Wanted::Source(name) => self.rows().source(&name),
            Wanted::Kind(words) => self.rows().kind(&words),
            Wanted::Id(text) => self.rows().id(term, &text),
            Wanted::MessageIds(name) => self.rows().message_ids(&name),
            Wanted::Thread(text) => {
                let mut unread = self.unread;
                let found = self.rows().thread(term, &text, &mut unread)?;
                self.unread = unread;
                Ok(found)
            }
        }
    }

    fn index(&mut self, plan: Plan, at: Place) -> Result<Set, SearchError> {
        let index = self.case.index;
        let is_pattern = |lookup: &Lookup| matches!(lookup, Lookup::Located(..) | Lookup::Fitting(..));
        self.patterns += usize::from(plan.sure.iter().any(is_pattern));
        if self.patterns > MOST_PATTERNS {
            return Err(QueryError::at(at, QueryProblem::TooManyPatterns(MOST_PATTERNS)).into());
        }
        let mut found = index.find_any(&plan.any)?;
        if !found.is_empty() {
            found = self.rows().checked(&found, &plan.checks)?;
        }
        found = found.or(&index.find_any(&plan.sure)?);
        if !plan.umlauts.0.is_empty() {
            found = self.umlauts(found, &plan.umlauts, at)?;
        }
        if found.is_empty() && !plan.else_.is_empty() {
            found = index.find_any(&plan.else_)?;
        }
        if self.options.order == Order::Relevance {
            self.lookups.extend(plan.sure);
        }
        Ok(found)
    }

    /// Adds the items in which a text with `ue` is written with `ü`; the index has only `u` for it.
    fn umlauts(
        &mut self,
        found: Set,
        (lookups, texts): &(Vec<Lookup>, Vec<String>),
        at: Place,
    ) -> Result<Set, SearchError> {
        let possible = self.case.index.find_any(lookups)?.without(&found);
        if possible.is_empty() {
            return Ok(found);
        }
        let mut unread = self.unread;
        let with = self.rows().with_umlauts(&possible, texts, &mut unread)?;
        self.unread = unread;
        let Some(with) = with else {
            let texts = texts.join(", ");
            let text = format!("{} items were not read for {texts}: search for it by itself", possible.len());
            self.notes.push((at, text));
            return Ok(found);
        };
        Ok(found.or(&with))
    }

    /// The keys in the order asked for, and how many stand last because they have no date.
    fn ordered(&self, set: &Set) -> Result<(Vec<ItemKey>, u64), SearchError> {
        let index = self.case.index;
        let limit = self.options.limit.unwrap_or(usize::MAX);
        match self.options.order {
            Order::Ledger => {
                let mut keys = index.keys(set)?;
                keys.truncate(limit);
                Ok((keys, 0))
            }
            Order::Newest | Order::Oldest => {
                let newest = self.options.order == Order::Newest;
                let mut undated = 0;
                let dates = index.dates(set)?.into_iter().map(|(key, date)| {
                    undated += u64::from(date.is_none());
                    // Whole milliseconds turn around without an overflow: `!n` is `-n - 1`.
                    ((date.is_none(), date.map(|d| if newest { !d.0 } else { d.0 })), key)
                });
                let dates = dates.collect();
                Ok((first(dates, limit), undated))
            }
            Order::Relevance => {
                let scores = index.scores(set, &self.lookups)?;
                // Scores are sums of finite numbers that are not negative: their bits sort as they do.
                let scores = scores.into_iter().map(|(key, score)| (std::cmp::Reverse(score.to_bits()), key));
                Ok((first(scores.collect(), limit), 0))
            }
        }
    }
}

/// The first of a list when sorted, without sorting all of it.
fn first<K: Ord>(mut list: Vec<(K, ItemKey)>, limit: usize) -> Vec<ItemKey> {
    if limit < list.len() {
        if limit == 0 {
            return Vec::new();
        }
        list.select_nth_unstable(limit);
        list.truncate(limit);
    }
    list.sort_unstable();
    list.into_iter().map(|(_, key)| key).collect()
}
