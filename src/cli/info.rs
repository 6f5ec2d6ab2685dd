//! `info`: the case at a glance.

use std::collections::BTreeMap;

use crate::case::{SourceNames, source_names, unreadable_files};
use crate::catalog::Catalog;
use crate::index::IndexReader;
use crate::store::{Reader, SegmentInfo};
use crate::types::json::{self, Obj};
use crate::types::record::{Account, Record};
use crate::types::text::shown;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::table::{counted, grouped};

/// A source as the record and the custody log tell it.
struct Source {
    id: String,
    is_account: bool,
    segment: u32,
    is_pending: bool,
    items: u64,
    containers: u64,
    bytes: u64,
    in_catalog: u64,
    in_index: u64,
    paths: Vec<String>,
    labels: Vec<String>,
}

pub(super) fn run(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let info = reader.case_info()?;
    let catalog = Catalog::open(&reader.layout().catalog()).ok();
    let index = IndexReader::open(&reader.layout().index()).ok();
    let named = source_names(&reader)?;
    let mut sources = Vec::new();
    for segment in reader.segments()? {
        sources.push(source(&reader, &segment, catalog.as_ref(), index.as_ref(), &named)?);
    }
    let committed: u64 = sources.iter().map(|s| s.items).sum();
    let indexed: u64 = sources.iter().map(|s| s.in_index.min(s.in_catalog).min(s.items)).sum();
    let head = reader.head();
    let unreadable = catalog.as_ref().map(unreadable_files).transpose()?;
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.obj("case", |o| {
            o.opt_str("authority", info.authority.as_deref())
                .str("case", &info.case)
                .str("created", &info.created);
            o.opt_str("examiner", info.examiner.as_deref()).opt_str("name", info.name.as_deref());
            o.opt_str("notes", info.notes.as_deref()).opt_str("number", info.number.as_deref());
            o.opt_str("organisation", info.organisation.as_deref());
        });
        o.uint("events", head.events).digest("head", &head.head);
        o.uint("items_committed", committed).uint("items_indexed", indexed);
        o.uint("messages_and_children_indexed", index.as_ref().map_or(0, IndexReader::len));
        o.str("schema", "mailtrail.info/1");
        o.arr("sources", &sources, |out, s| {
            let mut o = Obj::new(out);
            o.uint("bytes", s.bytes).uint("containers", s.containers).uint("items", s.items);
            o.uint("items_indexed", s.in_index.min(s.in_catalog).min(s.items));
            o.str("kind", if s.is_account { "account" } else { "files" });
            o.arr("labels", &s.labels, |out, label| json::string(out, label));
            o.arr("paths", &s.paths, |out, path| json::string(out, path));
            o.bool("pending", s.is_pending).uint("segment", u64::from(s.segment)).str("source", &s.id);
            o.end();
        });
        o.opt_uint("unreadable_files", unreadable);
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
        return Ok(Exit::Done);
    }
    out.line(&format!("case {} made {}", info.case, info.created))?;
    let rows = [
        ("name", &info.name),
        ("number", &info.number),
        ("examiner", &info.examiner),
        ("organisation", &info.organisation),
        ("authority", &info.authority),
        ("notes", &info.notes),
    ];
    for (word, value) in rows {
        if let Some(value) = value {
            out.line(&format!("{word}: {}", shown(value)))?;
        }
    }
    for s in &sources {
        out.line("")?;
        out.line(&format!("source {}", s.id))?;
        let (items, containers) =
            (counted(s.items, "item", "items"), counted(s.containers, "container", "containers"));
        let so_far = if s.is_pending { " committed so far" } else { "" };
        out.line(&format!("  {items} in {containers}, {} bytes{so_far}", grouped(s.bytes)))?;
        for label in &s.labels {
            out.line(&format!("  label: {}", shown(label)))?;
        }
        for path in &s.paths {
            out.line(&format!("  from {}", shown(path)))?;
        }
        if s.is_pending {
            let what = if s.is_account { "acquired" } else { "read" };
            let again = if s.is_account { "acquisition" } else { "import" };
            out.line(&format!("  not {what} to its end: run the same {again} again"))?;
        }
    }
    out.line("")?;
    out.line(&format!("{} committed", counted(committed, "item", "items")))?;
    out.line(&format!("index: {} of {} indexed", grouped(indexed), grouped(committed)))?;
    if let Some(number) = unreadable.filter(|&number| number > 0) {
        out.line(&not_in_case(number))?;
    }
    if indexed < committed {
        context.notes.note("hint: run `mailtrail rebuild`, or the import again, to index the rest");
    }
    let events = counted(head.events, "event", "events");
    out.line(&format!("head {} after {events}", head.head))?;
    Ok(Exit::Done)
}

fn source(
    reader: &Reader,
    segment: &SegmentInfo,
    catalog: Option<&Catalog>,
    index: Option<&IndexReader>,
    named: &BTreeMap<u32, SourceNames>,
) -> Result<Source, Failure> {
    let id = segment.source().to_string();
    let (items, containers, bytes) = match segment.closed() {
        Some(closed) => (closed.items, closed.containers, closed.bytes),
        None => counted_lines(reader, segment.number)?,
    };
    let number = segment.number;
    let SourceNames { places: mut paths, labels } = named.get(&number).cloned().unwrap_or_default();
    // A run that was cut off hard has told no end.
    if paths.is_empty() {
        paths.extend(segment.account.as_ref().map(Account::name));
    }
    Ok(Source {
        id,
        is_account: segment.account.is_some(),
        segment: number,
        is_pending: segment.is_pending(),
        items,
        containers,
        bytes,
        in_catalog: catalog.and_then(|c| c.source(number)).map_or(0, |s| s.derived.items),
        in_index: index.and_then(|i| i.watermarks().get(&number).copied()).unwrap_or(0),
        paths,
        labels,
    })
}

/// Says that files could not be read when they were imported.
pub(super) fn not_in_case(number: u64) -> String {
    let is = if number == 1 { "is" } else { "are" };
    format!("{} could not be read at import and {is} not in the case", counted(number, "file", "files"))
}

/// Items, containers and bytes of a segment that is not closed.
fn counted_lines(reader: &Reader, segment: u32) -> Result<(u64, u64, u64), Failure> {
    let (mut items, mut containers, mut bytes) = (0, 0, 0);
    // How far the container that is not at its end has come.
    let mut open = 0;
    for record in reader.records(segment, 0)? {
        match record?.1 {
            Record::Item(item) => {
                items += 1;
                open = item.end + item.terminator.len() as u64;
            }
            Record::Gap(gap) => open = gap.end,
            Record::File(file) => {
                items += 1;
                containers += 1;
                bytes += file.size;
            }
            Record::Container(_) => containers += 1,
            Record::End(end) => {
                bytes += end.size;
                open = 0;
            }
            _ => {}
        }
    }
    Ok((items, containers, bytes + open))
}

/// Says so when the catalog does not hold all that is committed.
pub(super) fn warn_if_behind(context: &Context, reader: &Reader, catalog: &Catalog) -> Result<(), Failure> {
    for number in reader.segment_numbers()? {
        // The last line of a source is the last that the catalog takes: then nothing of it is missing, and its ledger,
        // of which there may be hundreds, need not be opened.
        if catalog.source(number).is_some_and(|source| source.id.is_some()) {
            continue;
        }
        let segment = reader.segment(number)?;
        let derived = catalog.source(segment.number).map_or(0, |s| s.derived.items);
        match segment.closed() {
            Some(closed) if derived >= closed.items => {}
            Some(closed) => context.notes.warning(&format!(
                "source {}: {} of {} items indexed; run `mailtrail rebuild`",
                segment.source(),
                grouped(derived),
                grouped(closed.items)
            )),
            None => context.notes.warning(&format!(
                "source {} is not read to its end; run the same import again",
                segment.source()
            )),
        }
    }
    Ok(())
}
