//! The index against the bytes: what it answers about each item, as a digest.

use std::collections::BTreeSet;

use crate::index::{DigestKey, IndexError, IndexReader, Watermarks};
use crate::ingest::IngestError;
use crate::store::{Reader, SegmentInfo};
use crate::types::{Finding, FindingKind, ItemKey};

use super::derived::{DerivedKeys, behind, counted, has_items, items_of, said};

/// Items that a finding names.
const MOST_NAMED: usize = 1_000;

/// What the index answers about the items of a case, and which of that was compared.
#[derive(Debug)]
pub(super) struct IndexCheck {
    marks: Watermarks,
    trust: Option<u64>,
    /// Ascending by key; a key may stand twice.
    answers: Vec<(ItemKey, u64)>,
    is_compared: Vec<bool>,
    /// Items of which the index answers otherwise than their bytes; that it lacks; that the record does not have.
    differ: Listed,
    missing: Listed,
    extra: Listed,
    not_compared: u64,
}

/// Items of one sort, counted, and the first of them named.
#[derive(Debug, Default)]
struct Listed {
    count: u64,
    names: Vec<String>,
}

impl Listed {
    fn add(&mut self, key: ItemKey) {
        self.count += 1;
        if self.names.len() < MOST_NAMED {
            let inside =
                if key.child() > 0 { format!(", message {} inside it", key.child()) } else { String::new() };
            let item = key.item() + 1;
            self.names.push(format!("item {item} of ledger segment {}{inside}", key.segment()));
        }
    }

    fn tell(self, what: &str, sink: &mut dyn FnMut(Finding)) {
        if self.count > 0 {
            let detail = format!("{} {what}", counted(self.count, "item"));
            sink(index_finding(FindingKind::IndexMismatch, detail, self.names));
        }
    }
}

fn index_finding(kind: FindingKind, detail: String, hits: Vec<String>) -> Finding {
    Finding { kind, file: "derived/index".to_owned(), offset: None, detail, hits }
}

impl IndexCheck {
    /// Reads what the index answers. `None`, with a finding, when it cannot be read.
    pub(super) fn open(
        reader: &Reader,
        segments: &[SegmentInfo],
        key: &DigestKey,
        sink: &mut dyn FnMut(Finding),
    ) -> Result<Option<Self>, IngestError> {
        let index = match IndexReader::open(&reader.layout().index()) {
            Ok(index) => index,
            Err(error @ IndexError::OtherVersion { .. }) => {
                let detail = format!("{error}; run `mailtrail rebuild`");
                sink(index_finding(FindingKind::IndexOtherVersion, detail, vec![]));
                return Ok(None);
            }
            Err(error) => {
                let is_there = reader.layout().index().join("meta.json").exists();
                let kind = if is_there { FindingKind::IndexMismatch } else { FindingKind::IndexMissing };
                if is_there || segments.iter().any(has_items) {
                    sink(index_finding(kind, said(&error), vec![]));
                }
                return Ok(None);
            }
        };
        for segment in segments {
            let have = index.watermarks().get(&segment.number).copied().unwrap_or(0);
            if let Some(detail) = behind(items_of(reader, segment)?, have) {
                let source = vec![segment.source().to_string()];
                sink(index_finding(FindingKind::IndexMissing, detail, source));
            }
        }
        let known: BTreeSet<u32> = segments.iter().map(|segment| segment.number).collect();
        for segment in index.watermarks().keys().filter(|segment| !known.contains(segment)) {
            let detail = format!("it speaks of ledger segment {segment}, which the record does not have");
            sink(index_finding(FindingKind::IndexMismatch, detail, vec![]));
        }
        let (marks, trust) = (index.watermarks().clone(), index.trust());
        let (answers, damaged) = index.into_answers(key);
        match damaged {
            Ok(files) => {
                for file in files {
                    let detail = "the file does not have its checksum".to_owned();
                    let mut finding = index_finding(FindingKind::IndexMismatch, detail, vec![]);
                    finding.file = format!("derived/index/{}", file.display());
                    sink(finding);
                }
            }
            Err(error) => sink(index_finding(FindingKind::IndexMismatch, said(&error), vec![])),
        }
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                sink(index_finding(FindingKind::IndexMismatch, said(&error), vec![]));
                return Ok(None);
            }
        };
        let is_compared = vec![false; answers.len()];
        let (differ, missing, extra) = Default::default();
        Ok(Some(Self { marks, trust, answers, is_compared, differ, missing, extra, not_compared: 0 }))
    }

    /// The custody event whose settings it follows.
    pub(super) fn trust(&self) -> Option<u64> {
        self.trust
    }

    /// Compares what the bytes of an item or child give.
    pub(super) fn item(&mut self, key: ItemKey, digest: u64) {
        if key.item() >= self.marks.get(&key.segment()).copied().unwrap_or(0) {
            return;
        }
        let at = self.answers.partition_point(|&(other, _)| other < key);
        match self.answers.get(at) {
            Some(&(found, answer)) if found == key => {
                if let Some(is_compared) = self.is_compared.get_mut(at) {
                    *is_compared = true;
                }
                if answer != digest {
                    self.differ.add(key);
                }
            }
            _ => self.missing.add(key),
        }
    }

    /// Ends a segment: what stands for an item whose bytes could not be read is not compared.
    pub(super) fn end(&mut self, segment: &SegmentInfo, derived: &DerivedKeys) {
        let first = self.answers.partition_point(|(key, _)| key.segment() < segment.number);
        let of_segment = self.answers.iter().zip(&mut self.is_compared).skip(first);
        for ((key, _), is_compared) in of_segment.take_while(|((key, _), _)| key.segment() == segment.number)
        {
            if !*is_compared && derived.of(key.item()) == Some(0) {
                *is_compared = true;
                self.not_compared += 1;
            }
        }
    }

    /// Tells what was found; what could not be compared only when the index `is_alone`, without a catalog that tells.
    /// Answers the number of items and children in the index.
    pub(super) fn finish(mut self, is_alone: bool, sink: &mut dyn FnMut(Finding)) -> u64 {
        for (&(key, _), _) in
            self.answers.iter().zip(&self.is_compared).filter(|(_, is_compared)| !**is_compared)
        {
            self.extra.add(key);
        }
        self.differ.tell("about which the index answers otherwise than the bytes", sink);
        self.missing.tell("which the index does not have", sink);
        self.extra.tell("of the index which the record does not have", sink);
        if is_alone && self.not_compared > 0 {
            let detail = format!(
                "{} could not be compared: the bytes cannot be read",
                counted(self.not_compared, "entry").replace("entrys", "entries")
            );
            sink(index_finding(FindingKind::NotCompared, detail, vec![]));
        }
        self.answers.len() as u64
    }
}
