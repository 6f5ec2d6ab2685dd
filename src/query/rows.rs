//! Conditions that the catalog answers: containers, labels, sources, ids, Message-IDs, conversations, and the check of
//! what the index holds only a part of.

use std::collections::{BTreeSet, HashSet};

use super::fields::DigestOf;
use super::look::{self, Look, MOST};
use super::parser::Term;
use super::plan::{Check, Name};
use super::problem::{QueryError, QueryProblem};
use super::{Case, SearchError};
use crate::catalog::{Catalog, CatalogError, ContainerRow, Row};
use crate::facts::derive::{Scratch, derive};
use crate::index::schema::{self, kind};
use crate::index::{Lookup, Set};
use crate::types::digest::hex;
use crate::types::{ContainerId, ItemId, ItemKey, RelPath, SourceId};

/// What is asked of the catalog.
pub(super) struct Rows<'a> {
    pub(super) case: Case<'a>,
    pub(super) labels: &'a [(u32, String)],
}

/// Most messages of a conversation.
const MOST_OF_THREAD: usize = 10_000;

impl Rows<'_> {
    /// Keeps what shows the whole value in the catalog.
    pub(super) fn checked(&self, set: &Set, checks: &[Check]) -> Result<Set, SearchError> {
        let catalog = self.case.catalog;
        self.filtered(set, |row| {
            for check in checks {
                if shows(catalog, row, check)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    fn filtered(
        &self,
        set: &Set,
        mut keep: impl FnMut(&Row<'_>) -> Result<bool, CatalogError>,
    ) -> Result<Set, SearchError> {
        let mut good = Vec::new();
        self.case.catalog.each::<CatalogError>(self.case.index.keys(set)?, |row| {
            if keep(row)? {
                good.push((row.key(), row.key()));
            }
            Ok(())
        })?;
        Ok(self.case.index.keyed(&good)?)
    }

    /// Keeps what a look into the message confirms; `unread` counts those that could not be read.
    pub(super) fn looked_at(
        &self,
        set: Set,
        look: &Look,
        term: &Term,
        unread: &mut u64,
    ) -> Result<Set, SearchError> {
        let set = if look.also.is_empty() { set } else { set.and(&self.case.index.find_any(&look.also)?) };
        let Some(messages) = self.case.messages else {
            let what = "messages cannot be read here";
            return Err(QueryError::at(term.at, QueryProblem::NotInCase(what)).into());
        };
        if set.len() > MOST {
            let problem = QueryProblem::TooManyToRead { candidates: set.len(), most: MOST };
            return Err(QueryError::at(term.at, problem).into());
        }
        self.filtered(&set, |row| {
            let message = messages.message(row);
            *unread += u64::from(message.is_none());
            Ok(message.is_some_and(|message| look::shows(&look.what, &message)))
        })
    }

    /// Keeps the items in which one of these texts stands with its umlauts; `None` when they cannot be read, or are too
    /// many.
    pub(super) fn with_umlauts(
        &self,
        set: &Set,
        texts: &[String],
        unread: &mut u64,
    ) -> Result<Option<Set>, SearchError> {
        let Some(messages) = self.case.messages.filter(|_| set.len() <= look::MOST_FOR_UMLAUTS) else {
            return Ok(None);
        };
        let what = look::Shown::AnyCase(texts.to_vec());
        let found = self.filtered(set, |row| {
            let message = messages.message(row);
            *unread += u64::from(message.is_none());
            Ok(message.is_some_and(|message| look::shows(&what, &message)))
        })?;
        Ok(Some(found))
    }

    /// Items whose Message-ID fits.
    pub(super) fn message_ids(&self, name: &Name) -> Result<Set, SearchError> {
        let with = self.case.index.find(&Lookup::Hash(kind::MESSAGE_ID, Vec::new()))?;
        self.filtered(&with, |row| Ok(look::fits_message_id(row, name)))
    }

    /// The items of containers with one of these anomalies.
    pub(super) fn in_noted(&self, codes: &[&str]) -> Result<Set, SearchError> {
        let noted = self.case.catalog.failed_or_noted()?;
        let is = |c: &ContainerRow| c.notes.iter().any(|note| codes.contains(&&*note.code));
        let ranges: Vec<_> = noted.iter().filter(|c| is(c)).filter_map(ContainerRow::keys).collect();
        Ok(if ranges.is_empty() { self.case.index.none() } else { self.case.index.keyed(&ranges)? })
    }

    /// Items of containers that are meant by id, path, folder or label.
    pub(super) fn container(&self, name: &Name) -> Result<Set, SearchError> {
        let catalog = self.case.catalog;
        let exact: Option<ContainerId> = name.text.parse().ok();
        let folders: HashSet<(u32, RelPath)> = catalog
            .folders()?
            .into_iter()
            .filter(|(_, _, folder)| on_path(name, folder))
            .map(|(segment, path, _)| (segment, path))
            .collect();
        let in_folder = |c: &ContainerRow| {
            let folder = || RelPath::new(c.path.folder_of_account());
            c.labels.as_ref().is_some_and(|labels| labels.lines().any(|label| name.is_in(label)))
                || (!folders.is_empty() && folders.contains(&(c.segment, folder())))
        };
        self.containers(|c| match exact {
            Some(id) => id.number == c.number && id.source == catalog.source_id(c.segment),
            None => on_path(name, &c.path.display()) || in_folder(c),
        })
    }

    fn containers(&self, is: impl Fn(&ContainerRow) -> bool) -> Result<Set, SearchError> {
        let all = self.case.catalog.containers()?;
        let ranges: Vec<_> = all.iter().filter(|c| is(c)).filter_map(ContainerRow::keys).collect();
        Ok(self.case.index.keyed(&ranges)?)
    }

    /// Items to which the server gave a label.
    pub(super) fn label(&self, name: &Name) -> Result<Set, SearchError> {
        let is = |label: &str| name.is_whole(label.trim_start_matches('\\'));
        self.containers(|c| c.labels.as_ref().is_some_and(|all| all.lines().any(is)))
    }

    /// Items of sources that are meant by id or label.
    pub(super) fn source(&self, name: &Name) -> Result<Set, SearchError> {
        let is = |segment: u32, id: SourceId| {
            let id = id.to_string();
            let of = |(at, label): &&(u32, String)| *at == segment && !label.is_empty();
            let means = |label: &str| {
                if name.is_pattern { name.is_in(label) } else { label.to_lowercase() == name.text }
            };
            id == name.text
                || (name.text.len() >= 4 && id.starts_with(&name.text))
                || (name.is_pattern && name.is_in(&id))
                || self.labels.iter().filter(of).any(|(_, label)| means(label))
        };
        let keys = |segment: u32| {
            let last = ItemKey::new(segment + 1, 0, 0).map_or(u64::MAX, |k| k.as_u64() - 1);
            Some((ItemKey::new(segment, 0, 0)?, ItemKey::from_u64(last)))
        };
        let sources = self.case.catalog.sources().iter().filter(|s| is(s.segment, s.source_id()));
        let ranges: Vec<_> = sources.filter_map(|s| keys(s.segment)).collect();
        Ok(self.case.index.keyed(&ranges)?)
    }

    /// Items of kinds, and of containers of kinds.
    pub(super) fn kind(&self, words: &[&str]) -> Result<Set, SearchError> {
        let mut found = self.containers(|c| words.contains(&&*c.kind))?;
        for word in words.iter().filter(|w| matches!(**w, "message" | "child")) {
            let mut term = Vec::new();
            schema::text_term(&mut term, kind::KIND, word.as_bytes());
            found = found.or(&self.case.index.find(&Lookup::Term(term))?);
        }
        Ok(found)
    }

    /// The item, container or source with an id.
    pub(super) fn id(&self, term: &Term, text: &str) -> Result<Set, SearchError> {
        if let Ok(id) = text.parse::<ItemId>() {
            let key = self.case.catalog.key(&id)?;
            return Ok(self.case.index.keyed(&key.map(|k| (k, k)).into_iter().collect::<Vec<_>>())?);
        }
        let name = Name { text: text.to_owned(), is_pattern: false };
        if text.parse::<ContainerId>().is_ok() {
            return self.container(&name);
        }
        if text.parse::<SourceId>().is_ok() {
            return self.source(&name);
        }
        let problem =
            QueryProblem::Value { field: term.field.name, wanted: "an id such as 5f0c2a9be4d17788-3-41" };
        Err(QueryError::at(term.at, problem).into())
    }

    /// The conversation of an item or Message-ID: everything that a chain of Message-IDs ties to it.
    pub(super) fn thread(&self, term: &Term, text: &str, unread: &mut u64) -> Result<Set, SearchError> {
        let index = self.case.index;
        let hash = |kind: u8, id: &str| Lookup::Hash(kind, schema::message_id_hash(id).to_vec());
        let mut found = index.none();
        let (mut ids, mut next): (BTreeSet<String>, Vec<String>) = (BTreeSet::new(), Vec::new());
        match text.parse::<ItemId>() {
            Ok(id) => {
                let key = self.case.catalog.key(&id)?;
                found = index.keyed(&key.map(|k| (k, k)).into_iter().collect::<Vec<_>>())?;
                self.read_ids(&found, term, &mut next, unread)?;
            }
            Err(_) => next.push(schema::bare_message_id(text)),
        }
        while !next.is_empty() {
            next.retain(|id| !id.is_empty() && ids.insert(id.clone()));
            let mut here = index.none();
            for id in next.drain(..) {
                let of = index.find_any(&[hash(kind::MESSAGE_ID, &id)])?;
                let of = if of.is_empty() { of } else { self.checked(&of, &[Check::MessageId(id.clone())])? };
                here = here.or(&of).or(&index.find_any(&[hash(kind::REFERENCE, &id)])?);
            }
            let new = here.without(&found);
            found = found.or(&new);
            if ids.len() > MOST_OF_THREAD || found.len() > MOST_OF_THREAD as u64 {
                let problem =
                    QueryProblem::TooManyToRead { candidates: found.len(), most: MOST_OF_THREAD as u64 };
                return Err(QueryError::at(term.at, problem).into());
            }
            self.read_ids(&new, term, &mut next, unread)?;
        }
        Ok(found)
    }

    /// Adds the Message-IDs that messages bear and name.
    fn read_ids(
        &self,
        set: &Set,
        term: &Term,
        out: &mut Vec<String>,
        unread: &mut u64,
    ) -> Result<(), SearchError> {
        let Some(messages) = self.case.messages else {
            let what = "messages cannot be read here";
            return Err(QueryError::at(term.at, QueryProblem::NotInCase(what)).into());
        };
        self.case.catalog.each::<CatalogError>(self.case.index.keys(set)?, |row| {
            let Some(message) = messages.message(row) else {
                *unread += 1;
                return Ok(());
            };
            let mut is_first = true;
            derive(&message, &mut Scratch::default(), &mut |seen| {
                if std::mem::take(&mut is_first) {
                    let own = seen.facts.message_id.iter().map(|id| schema::bare_message_id(&id.text));
                    out.extend(own.chain(seen.facts.references.iter().map(|id| schema::bare_message_id(id))));
                }
            });
            Ok(())
        })?;
        Ok(())
    }
}

/// Whether a name means a path: a part of it; with wildcards the whole path or the name of something on it.
fn on_path(name: &Name, path: &str) -> bool {
    name.is_in(path) || (name.is_pattern && path.split(['/', '\\']).any(|part| name.is_in(part)))
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
