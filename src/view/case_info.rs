//! A case at a glance: `mailtrail.info/1`.

use std::collections::BTreeMap;

use crate::case::{SourceNames, source_names, unreadable_files};
use crate::catalog::Catalog;
use crate::index::IndexReader;
use crate::store::{CaseInfo, Head, Reader, SegmentInfo, StoreError};
use crate::types::json::{self, Obj};
use crate::types::record::{Account, Record};

use super::ViewError;

/// A source as the record and the custody log tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceView {
    /// Its id.
    pub id: String,
    /// Whether it is an account on a server.
    pub is_account: bool,
    /// Number of its ledger segment.
    pub segment: u32,
    /// Whether it was not read to its end.
    pub is_pending: bool,
    /// Items that are committed.
    pub items: u64,
    /// Containers.
    pub containers: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Items in the catalog.
    pub in_catalog: u64,
    /// Items in the index.
    pub in_index: u64,
    /// Where it was, each once.
    pub paths: Vec<String>,
    /// Exhibit labels, each once.
    pub labels: Vec<String>,
}

impl SourceView {
    /// Items that can be searched.
    pub fn indexed(&self) -> u64 {
        self.in_index.min(self.in_catalog).min(self.items)
    }
}

/// The case at a glance.
#[derive(Debug)]
pub struct CaseView {
    /// What was said when it was made.
    pub info: CaseInfo,
    /// The newest event.
    pub head: Head,
    /// The sources, in the order of their segments.
    pub sources: Vec<SourceView>,
    /// Messages and children in the index.
    pub messages_and_children: u64,
    /// Files that could not be read at import; `None` when there is no catalog.
    pub unreadable_files: Option<u64>,
}

impl CaseView {
    /// Reads it from the record. Catalog and index may be missing.
    ///
    /// # Errors
    /// [`ViewError::Store`], [`ViewError::Catalog`].
    pub fn of(reader: &Reader) -> Result<Self, ViewError> {
        let catalog = Catalog::open(&reader.layout().catalog()).ok();
        let index = IndexReader::open(&reader.layout().index()).ok();
        let named = source_names(reader)?;
        let mut sources = Vec::new();
        for segment in reader.segments()? {
            sources.push(source(reader, &segment, catalog.as_ref(), index.as_ref(), &named)?);
        }
        Ok(Self {
            info: reader.case_info()?,
            head: reader.head().clone(),
            sources,
            messages_and_children: index.as_ref().map_or(0, IndexReader::len),
            unreadable_files: catalog.as_ref().map(unreadable_files).transpose()?,
        })
    }

    /// Items that are committed.
    pub fn committed(&self) -> u64 {
        self.sources.iter().map(|source| source.items).sum()
    }

    /// Items that can be searched.
    pub fn indexed(&self) -> u64 {
        self.sources.iter().map(SourceView::indexed).sum()
    }

    /// The object `mailtrail.info/1`.
    pub fn to_json(&self) -> Vec<u8> {
        let Self { info, head, .. } = self;
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
        o.uint("items_committed", self.committed()).uint("items_indexed", self.indexed());
        o.uint("messages_and_children_indexed", self.messages_and_children);
        o.str("schema", "mailtrail.info/1");
        o.arr("sources", &self.sources, |out, s| {
            let mut o = Obj::new(out);
            o.uint("bytes", s.bytes).uint("containers", s.containers).uint("items", s.items);
            o.uint("items_indexed", s.indexed());
            o.str("kind", if s.is_account { "account" } else { "files" });
            o.arr("labels", &s.labels, |out, label| json::string(out, label));
            o.arr("paths", &s.paths, |out, path| json::string(out, path));
            o.bool("pending", s.is_pending).uint("segment", u64::from(s.segment)).str("source", &s.id);
            o.end();
        });
        o.opt_uint("unreadable_files", self.unreadable_files);
        o.end();
        line
    }
}

fn source(
    reader: &Reader,
    segment: &SegmentInfo,
    catalog: Option<&Catalog>,
    index: Option<&IndexReader>,
    named: &BTreeMap<u32, SourceNames>,
) -> Result<SourceView, StoreError> {
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
    Ok(SourceView {
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

/// Items, containers and bytes of a segment that is not closed.
fn counted_lines(reader: &Reader, segment: u32) -> Result<(u64, u64, u64), StoreError> {
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

/// A source of which not all that is committed can be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLag {
    /// Its id.
    pub source: String,
    /// Items in the catalog, and items that are committed; `None` for a source that was not read to its end.
    pub items: Option<(u64, u64)>,
}

/// The sources that the catalog does not hold whole.
///
/// # Errors
/// [`StoreError`] when the record cannot be read.
pub fn lagging_sources(reader: &Reader, catalog: &Catalog) -> Result<Vec<SourceLag>, StoreError> {
    let mut out = Vec::new();
    for number in reader.segment_numbers()? {
        // The last line of a source is the last that the catalog takes: then nothing of it is missing, and its ledger,
        // of which there may be hundreds, need not be opened.
        if catalog.source(number).is_some_and(|source| source.id.is_some()) {
            continue;
        }
        let segment = reader.segment(number)?;
        let derived = catalog.source(number).map_or(0, |source| source.derived.items);
        let items = segment.closed().map(|closed| (derived, closed.items));
        if items.is_none_or(|(derived, committed)| derived < committed) {
            out.push(SourceLag { source: segment.source().to_string(), items });
        }
    }
    Ok(out)
}
