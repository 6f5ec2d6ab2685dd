//! Sets of lookups put together, and the answer in the order asked for.

use std::collections::HashSet;

use jiff::tz::TimeZone;

use super::fields::{DigestOf, Field, FieldKind, HopField, HopWord};
use super::hops;
use super::parser::{Node, Term, parse};
use super::plan::{Check, Plan, Wanted, plan};
use super::{Case, QueryError, QueryProblem, SearchError};
use crate::catalog::{Catalog, CatalogError, ContainerRow, Row};
use crate::index::schema::{self, kind};
use crate::index::{Lookup, Set};
use crate::types::digest::hex;
use crate::types::{ContainerId, ItemId, ItemKey, RelPath, SourceId};

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
}

impl Default for Options {
    fn default() -> Self {
        Self { order: Order::Newest, limit: None, zone: TimeZone::UTC, labels: Vec::new() }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The items and children, in the order asked for, at most as many as asked for.
    pub keys: Vec<ItemKey>,
    /// How many answer the question.
    pub total: u64,
    /// How many of these are messages inside others.
    pub inside: u64,
    /// How many have no date that could be read and answer the question but for its date conditions; `None` when it
    /// has none.
    pub undated: Option<u64>,
    /// How many of the answer have no date that could be read, and so stand last; 0 when the order is not by date.
    pub last: u64,
    /// Whether a condition depends on the recipient's side as the examiner named it: `finding:`, `hop.trust:`.
    pub by_settings: bool,
}

/// Answers a question.
///
/// # Errors
/// [`SearchError::Query`] with the column of what is wrong; the others when catalog or index cannot be read.
pub fn search(case: Case<'_>, query: &str, options: &Options) -> Result<Hits, SearchError> {
    let node = parse(query)?;
    let mut run = Run { case, options, lookups: Vec::new(), dated: false };
    let set = run.set(&node, Dates::Asked)?;
    let undated = if run.dated {
        let dated = case.index.dated(None, None)?;
        Some(run.set(&node, Dates::Met)?.without(&dated).len())
    } else {
        None
    };
    let total = set.len();
    let inside = run.kind(&["child"])?.and(&set).len();
    let (keys, last) = if options.limit == Some(0) { (Vec::new(), 0) } else { run.ordered(&set)? };
    Ok(Hits { keys, total, inside, undated, last, by_settings: is_by_settings(&node) })
}

/// For each rule that found something in the items that answer a question: its id and their number.
///
/// # Errors
/// As [`search`].
pub fn findings(case: Case<'_>, query: &str, options: &Options) -> Result<Vec<(String, u64)>, SearchError> {
    let node = parse(query)?;
    let mut run = Run { case, options, lookups: Vec::new(), dated: false };
    let set = run.set(&node, Dates::Asked)?;
    let found = case.index.terms_within(kind::FINDING, &set)?;
    Ok(found.into_iter().map(|(id, count)| (String::from_utf8_lossy(&id).into_owned(), count)).collect())
}

/// Whether a condition of the question is about a source, whose labels are not in catalog or index.
///
/// # Errors
/// [`QueryError`] with the column of what is wrong.
pub fn asks_for_source(query: &str) -> Result<bool, QueryError> {
    Ok(has_term(&parse(query)?, &|kind| matches!(kind, FieldKind::Source)))
}

fn is_by_settings(node: &Node) -> bool {
    has_term(node, &|kind| {
        matches!(
            kind,
            FieldKind::Finding | FieldKind::Recorded(_) | FieldKind::Hop(HopField::OneOf(HopWord::Trust))
        )
    })
}

/// Whether a condition is about a field of this kind.
fn has_term(node: &Node, is: &dyn Fn(&FieldKind) -> bool) -> bool {
    match node {
        Node::All => false,
        Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| has_term(part, is)),
        Node::Not(inner) | Node::Hops(_, inner) => has_term(inner, is),
        Node::Term(term) => is(&term.field.kind),
    }
}

/// How date conditions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dates {
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

struct Run<'a> {
    case: Case<'a>,
    options: &'a Options,
    /// Words that were asked for, for the order by relevance.
    lookups: Vec<Lookup>,
    dated: bool,
}

impl Run<'_> {
    fn set(&mut self, node: &Node, dates: Dates) -> Result<Set, SearchError> {
        match node {
            Node::All => Ok(self.case.index.all()),
            Node::Not(inner) => Ok(self.set(inner, dates.turned())?.complement()),
            Node::Or(parts) => {
                let mut all = self.case.index.none();
                for part in parts {
                    all = all.or(&self.set(part, dates)?);
                }
                Ok(all)
            }
            Node::And(parts) => {
                let mut all: Option<Set> = None;
                for part in parts {
                    let here = self.set(part, dates)?;
                    all = Some(match all {
                        Some(all) => all.and(&here),
                        None => here,
                    });
                }
                Ok(all.unwrap_or_else(|| self.case.index.all()))
            }
            Node::Term(Term { field: Field { kind: FieldKind::Hop(_), .. }, .. }) | Node::Hops(..) => {
                let index = self.case.index;
                Ok(index.with_hops(&hops::hops(index, node, &self.options.zone)?)?)
            }
            Node::Term(term) => self.term(term, dates),
        }
    }

    fn term(&mut self, term: &Term, dates: Dates) -> Result<Set, SearchError> {
        let index = self.case.index;
        match plan(term, &self.options.zone)? {
            Wanted::Index(plan) => self.index(plan),
            Wanted::Anomaly(plan, codes) => Ok(self.index(plan)?.or(&self.in_noted(&codes)?)),
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
                Ok(self.case.index.keyed(&ranges)?)
            }
            Wanted::Container(text) => self.container(&text),
            Wanted::Labelled(plan, text, open) => Ok(self.index(plan)?.or(&self.labelled(&text, open)?)),
            Wanted::Source(text) => self.source(&text),
            Wanted::Kind(words) => self.kind(&words),
            Wanted::Id(text) => self.id(term, &text),
        }
    }

    fn index(&mut self, plan: Plan) -> Result<Set, SearchError> {
        let index = self.case.index;
        let mut found = index.find_any(&plan.any)?;
        if !found.is_empty() {
            found = self.checked(&found, &plan.checks)?;
        }
        found = found.or(&index.find_any(&plan.sure)?);
        if self.options.order == Order::Relevance {
            self.lookups.extend(plan.sure);
        }
        Ok(found)
    }

    /// Keeps what shows the whole value in the catalog.
    fn checked(&self, set: &Set, checks: &[Check]) -> Result<Set, SearchError> {
        let catalog = self.case.catalog;
        let mut good = Vec::new();
        catalog.each::<CatalogError>(self.case.index.keys(set)?, |row| {
            for check in checks {
                if shows(catalog, row, check)? {
                    good.push((row.key(), row.key()));
                    break;
                }
            }
            Ok(())
        })?;
        Ok(self.case.index.keyed(&good)?)
    }

    /// The items of containers with one of these anomalies.
    fn in_noted(&self, codes: &[&str]) -> Result<Set, SearchError> {
        let noted = self.case.catalog.failed_or_noted()?;
        let is = |c: &ContainerRow| c.notes.iter().any(|note| codes.contains(&&*note.code));
        let ranges: Vec<_> = noted.iter().filter(|c| is(c)).filter_map(ContainerRow::keys).collect();
        Ok(if ranges.is_empty() { self.case.index.none() } else { self.case.index.keyed(&ranges)? })
    }

    fn container(&self, text: &str) -> Result<Set, SearchError> {
        let catalog = self.case.catalog;
        let exact: Option<ContainerId> = text.parse().ok();
        let needle = text.to_lowercase();
        let folders: HashSet<(u32, RelPath)> = catalog
            .folders()?
            .into_iter()
            .filter(|(_, _, name)| name.to_lowercase().contains(&needle))
            .map(|(segment, path, _)| (segment, path))
            .collect();
        let in_folder = |c: &ContainerRow| {
            let folder = || RelPath::new(c.path.folder_of_account());
            c.labels.as_ref().is_some_and(|labels| labels.to_lowercase().contains(&needle))
                || (!folders.is_empty() && folders.contains(&(c.segment, folder())))
        };
        let ranges: Vec<_> = catalog
            .containers()?
            .into_iter()
            .filter(|c| match exact {
                Some(id) => id.number == c.number && id.source == catalog.source_id(c.segment),
                None => c.path.display().to_lowercase().contains(&needle) || in_folder(c),
            })
            .filter_map(|c| c.keys())
            .collect();
        Ok(self.case.index.keyed(&ranges)?)
    }

    /// The messages of accounts that have a label, or one that begins so; the backslash of a system label does not count.
    fn labelled(&self, text: &str, open: bool) -> Result<Set, SearchError> {
        let text = text.trim_start_matches('\\');
        let is = |label: &str| {
            let label = label.to_lowercase();
            let label = label.trim_start_matches('\\');
            label == text || open && label.starts_with(text)
        };
        let has = |c: &ContainerRow| c.labels.as_ref().is_some_and(|labels| labels.lines().any(is));
        let containers = self.case.catalog.containers()?;
        let ranges: Vec<_> = containers.into_iter().filter(has).filter_map(|c| c.keys()).collect();
        Ok(if ranges.is_empty() { self.case.index.none() } else { self.case.index.keyed(&ranges)? })
    }

    fn source(&self, text: &str) -> Result<Set, SearchError> {
        let wanted = text.to_lowercase();
        let is = |segment: u32, id: SourceId| {
            let label = |(of, label): &(u32, String)| *of == segment && label.to_lowercase() == wanted;
            id.to_string() == text
                || (text.len() >= 4 && id.to_string().starts_with(&text.to_ascii_lowercase()))
                || self.options.labels.iter().any(label)
        };
        let keys = |segment: u32| {
            let last = ItemKey::new(segment + 1, 0, 0).map_or(u64::MAX, |k| k.as_u64() - 1);
            Some((ItemKey::new(segment, 0, 0)?, ItemKey::from_u64(last)))
        };
        let sources = self.case.catalog.sources().iter().filter(|s| is(s.segment, s.source_id()));
        let ranges: Vec<_> = sources.filter_map(|s| keys(s.segment)).collect();
        Ok(self.case.index.keyed(&ranges)?)
    }

    fn kind(&self, words: &[&str]) -> Result<Set, SearchError> {
        let index = self.case.index;
        let all = self.case.catalog.containers()?;
        let is = |kind: &str| words.contains(&kind);
        let ranges: Vec<_> = all.into_iter().filter(|c| is(&c.kind)).filter_map(|c| c.keys()).collect();
        let mut found = index.keyed(&ranges)?;
        for word in words.iter().filter(|w| matches!(**w, "message" | "child")) {
            let mut term = Vec::new();
            schema::text_term(&mut term, kind::KIND, word.as_bytes());
            found = found.or(&index.find(&Lookup::Term(term))?);
        }
        Ok(found)
    }

    fn id(&self, term: &Term, text: &str) -> Result<Set, SearchError> {
        if let Ok(id) = text.parse::<ItemId>() {
            let key = self.case.catalog.key(&id)?;
            return Ok(self.case.index.keyed(&key.map(|k| (k, k)).into_iter().collect::<Vec<_>>())?);
        }
        if text.parse::<ContainerId>().is_ok() {
            return self.container(text);
        }
        if text.parse::<SourceId>().is_ok() {
            return self.source(text);
        }
        let problem =
            QueryProblem::Value { field: term.field.name, wanted: "an id such as 5f0c2a9be4d17788-3-41" };
        Err(QueryError { column: term.at, problem }.into())
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

fn shows(catalog: &Catalog, row: &Row<'_>, check: &Check) -> Result<bool, CatalogError> {
    Ok(match check {
        Check::MessageId(id) => {
            row.message_id().is_some_and(|m| schema::bare_message_id(&String::from_utf8_lossy(m)) == *id)
        }
        Check::Digest(of, digits) => {
            let begins = |hex: String| hex.starts_with(digits);
            let is = |one: DigestOf| matches!(*of, DigestOf::Any) || *of == one;
            let digests = row.digests(catalog)?;
            (is(DigestOf::Slice) && begins(digests.sha256.to_string()))
                || (is(DigestOf::Wire) && begins(digests.wire.to_string()))
                || (is(DigestOf::Mih) && row.mih().is_some_and(|m| begins(hex(&m))))
                || (is(DigestOf::Attachment)
                    && row.attachments(catalog)?.iter().any(|a| begins(a.sha256.to_string())))
        }
    })
}
