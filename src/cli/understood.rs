//! What is told beside the hits of a search: how the question was understood, what was searched and what was not.

use crate::case::unreadable_files;
use crate::index::schema::kind;
use crate::query::{Hits, Options, period_in_words};
use crate::types::json::{self, Obj};
use crate::types::text::shown;
use crate::types::time::{UtcMs, rfc3339};

use super::context::Context;
use super::failure::Failure;
use super::search::Opened;
use super::table::{counted, grouped};

/// The reason of a container that has none of its own.
const NOT_TO_ITS_END: &str = "not read to its end";

/// What of the sources no search can find.
pub(super) struct Unsearched {
    /// Items in the index.
    searched: u64,
    /// Files and containers that were not read or not processed, by reason.
    files: Vec<(String, u64)>,
    /// Items with a part that is not indexed, by reason.
    parts: Vec<(String, u64)>,
    /// Items of the record that are not in the index yet.
    not_indexed: u64,
}

impl Unsearched {
    /// Of a case.
    ///
    /// # Errors
    /// When catalog, index or record cannot be read.
    pub(super) fn of(case: &Opened) -> Result<Self, Failure> {
        let mut files = std::collections::BTreeMap::<String, u64>::new();
        for one in case.catalog.not_processed()? {
            *files.entry(one.reason.clone().unwrap_or_else(|| NOT_TO_ITS_END.to_owned())).or_default() += 1;
        }
        let unreadable = unreadable_files(&case.catalog)?;
        if unreadable > 0 {
            *files.entry("unreadable".to_owned()).or_default() += unreadable;
        }
        let parts = case.index.terms(kind::NOT_INDEXED)?;
        let parts =
            parts.into_iter().map(|(reason, count)| (String::from_utf8_lossy(&reason).into_owned(), count));
        let mut not_indexed = 0;
        for number in case.reader.segment_numbers()? {
            // Of a source that the catalog has to its end nothing is missing: its ledger need not be opened.
            if case.catalog.source(number).is_some_and(|source| source.id.is_some()) {
                continue;
            }
            let segment = case.reader.segment(number)?;
            let derived = case.catalog.source(number).map_or(0, |s| s.derived.items);
            not_indexed += segment.closed().map_or(0, |closed| closed.items.saturating_sub(derived));
        }
        Ok(Self {
            searched: case.index.len(),
            files: files.into_iter().collect(),
            parts: parts.collect(),
            not_indexed,
        })
    }

    fn line(&self, unread: u64) -> String {
        let mut out = Vec::new();
        let by = |all: &[(String, u64)]| {
            let one = |(reason, count): &(String, u64)| format!("{} {}", grouped(*count), shown(reason));
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let sum = |all: &[(String, u64)]| all.iter().map(|(_, count)| count).sum::<u64>();
        if !self.files.is_empty() {
            let what = counted(sum(&self.files), "file or container", "files and containers");
            out.push(format!("{what} ({})", by(&self.files)));
        }
        if !self.parts.is_empty() {
            out.push(format!("parts of items ({})", by(&self.parts)));
        }
        if self.not_indexed > 0 {
            out.push(counted(
                self.not_indexed,
                "item that is not indexed yet",
                "items that are not indexed yet",
            ));
        }
        if unread > 0 {
            out.push(counted(unread, "message that could not be read", "messages that could not be read"));
        }
        let searched = counted(self.searched, "item", "items");
        if out.is_empty() {
            return format!("searched: {searched}, nothing left out");
        }
        format!("searched: {searched}; not searched: {} (`mailtrail exceptions`)", out.join(", "))
    }

    /// Items in the index.
    pub(super) fn searched(&self) -> u64 {
        self.searched
    }

    /// Files and containers that could not be read, or not to their end.
    pub(super) fn unread_files(&self) -> u64 {
        let is_unread = |reason: &str| matches!(reason, "unreadable" | NOT_TO_ITS_END);
        self.files.iter().filter(|(reason, _)| is_unread(reason)).map(|(_, count)| count).sum()
    }

    /// As `files`, `items_not_indexed`, `messages_unread` and `parts`.
    pub(super) fn write(&self, o: &mut Obj<'_>, unread: u64) {
        let list = |o: &mut Obj<'_>, key, all: &[(String, u64)]| {
            o.arr(key, all, |out, (reason, count)| {
                let mut o = Obj::new(out);
                o.uint("count", *count).str("reason", reason);
                o.end();
            });
        };
        list(o, "files", &self.files);
        o.uint("items_not_indexed", self.not_indexed).uint("messages_unread", unread);
        list(o, "parts", &self.parts);
    }
}

/// Notes on stderr: how the question was understood, its periods, what was left out of it, what `any:` would add, why
/// nothing was found, what was not searched.
pub(super) fn notes(
    context: &Context,
    unsearched: &Unsearched,
    (hits, query): (&Hits, &str),
    options: &Options,
) {
    if context.notes.is_quiet() {
        return;
    }
    let note = |text: &str| context.notes.note(text);
    if !hits.understood.is_empty() && hits.understood != query.trim() {
        let version = if hits.language.number() == 2 { String::new() } else { " (language 1)".to_owned() };
        note(&format!("understood{version}: {}", shown(&hits.understood)));
    }
    if !hits.periods.is_empty() {
        let zone = zone_name(options);
        let all: Vec<_> = hits.periods.iter().map(|p| shown(&period_in_words(p, &options.zone))).collect();
        note(&format!("dates in {zone}: {}", all.join("; ")));
    }
    for (column, text) in &hits.notes {
        note(&format!("note: column {column}: {}", shown(text)));
    }
    if let Some(more) = hits.anywhere.filter(|&more| more > 0) {
        note(&format!(
            "{} more with `any:`, which looks in all header fields, ids and hops too",
            grouped(more)
        ));
    }
    for zero in &hits.zero {
        let mut line = format!("{}: {} alone", shown(&zero.what), counted(zero.count, "item", "items"));
        if !zero.fields.is_empty() {
            let all: Vec<_> =
                zero.fields.iter().map(|(name, count)| format!("{name}: {}", grouped(*count))).collect();
            line.extend(["; elsewhere: ", &all.join(", ")]);
        }
        if !zero.near.is_empty() {
            let all: Vec<_> = zero
                .near
                .iter()
                .map(|(word, count)| format!("{} ({})", shown(word), grouped(*count)))
                .collect();
            line.extend(["; near in this case: ", &all.join(", ")]);
        }
        note(&line);
    }
    note(&unsearched.line(hits.unread));
}

/// The zone in which days begin.
pub(super) fn zone_name(options: &Options) -> String {
    options.zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The parts of the question with what each finds, for `--explain`.
pub(super) fn steps(context: &Context, hits: &Hits) {
    for step in &hits.steps {
        let line = format!("{:>12}  {}{}", grouped(step.count), "  ".repeat(step.depth), shown(&step.what));
        context.notes.note(&line);
    }
}

/// The last line of `search --json`: `mailtrail.search/1`.
pub(super) fn summary(unsearched: &Unsearched, hits: &Hits, options: &Options, query: &str) -> Vec<u8> {
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    let instant = |o: &mut Obj<'_>, key, at: Option<UtcMs>| {
        o.opt_str(key, at.map(rfc3339).as_deref());
    };
    o.uint("inside", hits.inside).uint("language", hits.language.number());
    o.opt_uint("more_anywhere", hits.anywhere);
    o.obj("not_searched", |o| unsearched.write(o, hits.unread));
    o.arr("notes", &hits.notes, |out, (column, text)| {
        let mut o = Obj::new(out);
        o.uint("column", *column as u64).str("text", text);
        o.end();
    });
    o.arr("periods", &hits.periods, |out, (what, from, before)| {
        let mut o = Obj::new(out);
        instant(&mut o, "before", *before);
        instant(&mut o, "from", *from);
        o.str("term", what);
        o.end();
    });
    o.str("query", query).str("schema", "mailtrail.search/1").uint("searched", unsearched.searched);
    o.uint("shown", hits.keys.len() as u64);
    if !hits.steps.is_empty() {
        o.arr("steps", &hits.steps, |out, step| {
            let mut o = Obj::new(out);
            o.uint("column", step.at.from as u64 + 1)
                .uint("count", step.count)
                .uint("depth", step.depth as u64);
            o.str("what", &step.what);
            o.end();
        });
    }
    o.uint("total", hits.total).opt_uint("undated", hits.undated).uint("undated_last", hits.last);
    o.str("understood", &hits.understood);
    if !hits.zero.is_empty() {
        o.arr("zero", &hits.zero, |out, zero| {
            let mut o = Obj::new(out);
            o.uint("count", zero.count);
            o.arr("fields", &zero.fields, |out, (name, count)| {
                let mut o = Obj::new(out);
                o.uint("count", *count).str("field", name);
                o.end();
            });
            o.arr("near", &zero.near, |out, (word, _)| json::string(out, word));
            o.str("term", &zero.what);
            o.end();
        });
    }
    o.str("zone", &zone_name(options));
    o.end();
    line
}
