//! Checks the record as a whole: every byte of every file against the digest that covers it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use walkdir::WalkDir;

use crate::store::{
    CaseInfo, FileKind, Head, Layout, Reader, State, StoreError, Stretch, VERSION, is_being_written,
    lines_digest, open_read, read_small, state, version_of,
};
use crate::types::digest::Sha256Stream;
use crate::types::{Finding, FindingKind, Sha256Digest};

use super::blobs;
use super::content;
use super::custody::{Walked, finding, walk};
use super::ledger::Suspects;

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The newest event; `None` when there is none.
    pub head: Option<Head>,
    /// Events of the custody log.
    pub events: u64,
    /// Frames of all packs.
    pub frames: u64,
    /// Blobs in them.
    pub blobs: u64,
    /// Unpacked bytes of all frames.
    pub blob_bytes: u64,
    /// Segments of the ledger.
    pub segments: u64,
    /// Containers.
    pub containers: u64,
    /// Items.
    pub items: u64,
    /// Bytes of the containers.
    pub container_bytes: u64,
    /// Number of findings of each kind.
    pub findings: BTreeMap<FindingKind, u64>,
}

impl Summary {
    /// Whether any finding says that bytes do not match what was recorded of them.
    pub fn is_mismatch(&self) -> bool {
        self.findings.keys().any(|kind| kind.is_mismatch())
    }

    /// Whether nothing at all was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks custody log, ledger and blobs of the case in `dir` with `threads` threads, and gives every finding to `sink`,
/// sorted.
///
/// # Errors
/// [`StoreError::NotACase`], [`StoreError::NewerFormat`]; [`StoreError::Io`] when the log itself cannot be read.
/// Whatever is wrong with the content of the files is a finding.
pub fn verify_record(
    dir: &Path,
    threads: usize,
    sink: &mut dyn FnMut(Finding),
) -> Result<Summary, StoreError> {
    let layout = Layout::new(dir);
    check_version(&layout)?;
    let mut found = Vec::new();
    if !layout.at(Layout::HEAD).exists() {
        match state(dir)? {
            State::Unfinished => return Ok(unfinished(sink)),
            State::Other if layout.at(Layout::VERSION).exists() => {} // A case without its log.
            State::Case => {}
            _ => return Err(StoreError::NotACase { path: dir.to_owned() }),
        }
    }
    let walked = walk(&layout, &mut found)?;
    let mut suspects = check_files(&layout, &walked, &mut found);
    check_names(&layout, &walked, &mut found);
    let mut summary = Summary {
        head: (walked.chain.head.events > 0).then(|| walked.chain.head.clone()),
        events: walked.chain.head.events,
        ..Summary::default()
    };
    let named = walked.named;
    let covers = walked.chain.covers.clone();
    let named_blobs = walked.blobs;
    let reader = Reader::over(layout.clone(), walked.chain);
    let mut packs = blobs::list(&reader, &covers, &mut found);
    packs.named = named_blobs;
    summary.frames = packs.frames.len() as u64;
    summary.blobs = packs.blobs;
    summary.blob_bytes = packs.frames.iter().map(|frame| frame.at.raw).sum();
    content::check(
        &reader,
        &packs,
        &covers,
        crate::ingest::workers(threads),
        &mut suspects,
        &mut summary,
        &mut found,
    );
    found.extend(suspects.into_findings());
    forgive_writer(&layout, named, &mut found);
    found.sort();
    found.dedup();
    for finding in found {
        *summary.findings.entry(finding.kind).or_insert(0) += 1;
        sink(finding);
    }
    Ok(summary)
}

/// What a writer that works now, or has worked since the head was read, has beyond the head is not cut off.
fn forgive_writer(layout: &Layout, named: u64, found: &mut Vec<Finding>) {
    let is_tail = |finding: &Finding| matches!(finding.kind, FindingKind::TornTail | FindingKind::HeadBehind);
    if !found.iter().any(is_tail) {
        return;
    }
    let now = read_small(&layout.at(Layout::HEAD)).ok().and_then(|bytes| Head::parse(&bytes));
    if is_being_written(layout) || now.is_some_and(|now| now.events > named) {
        found.retain(|finding| !is_tail(finding));
    }
}

/// What a cut-off `init` left is no case yet, and no damage.
fn unfinished(sink: &mut dyn FnMut(Finding)) -> Summary {
    let detail = "the making of the case was cut off; make it again".to_owned();
    sink(finding(FindingKind::TornTail, Layout::VERSION, None, detail));
    let mut summary = Summary::default();
    summary.findings.insert(FindingKind::TornTail, 1);
    summary
}

/// Refuses a newer format before anything else is read: whatever else lies there may mean something else in it.
fn check_version(layout: &Layout) -> Result<(), StoreError> {
    let text = read_small(&layout.at(Layout::VERSION)).unwrap_or_default();
    match version_of(&text).filter(|&found| found > u64::from(VERSION)) {
        Some(found) => Err(StoreError::NewerFormat { path: layout.root().to_owned(), found }),
        None => Ok(()),
    }
}

/// Hashes every covered stretch; answers those that do not fit, for the ledger to name what is in them.
fn check_files(layout: &Layout, walked: &Walked, out: &mut Vec<Finding>) -> Suspects {
    let mut suspects = Suspects::default();
    for (rel, stretches) in &walked.stretches {
        let path = layout.at(rel);
        let file = match open_read(&path) {
            Ok(file) => file,
            Err(error) => {
                out.push(unreadable(rel, &error));
                continue;
            }
        };
        let size = file.metadata().map_or(0, |meta| meta.len());
        for (stretch, seq) in stretches {
            let detail = match digest_of(&file, stretch) {
                Ok(Some(digest)) if stretch.packed.is_some_and(|packed| digest != packed.sha256) => format!(
                    "the frame of event {seq}, which holds bytes {}..{} unpacked, has digest {digest} as it is stored",
                    stretch.from, stretch.to
                ),
                Ok(Some(_)) if let Some(frame) = stretch.frame() => match lines_digest(&path, frame) {
                    Ok(digest) if digest == stretch.sha256 => continue,
                    Ok(digest) => format!(
                        "bytes {}..{}, unpacked, covered by event {seq}, have digest {digest}, recorded is {}",
                        stretch.from, stretch.to, stretch.sha256
                    ),
                    Err(error) => format!("the frame of event {seq} cannot be unpacked: {error}"),
                },
                Ok(Some(digest)) if digest == stretch.sha256 => continue,
                Ok(Some(digest)) => format!(
                    "bytes {}..{}, covered by event {seq}, have digest {digest}, recorded is {}",
                    stretch.from, stretch.to, stretch.sha256
                ),
                Ok(None) => format!(
                    "the file ends at byte {size}, event {seq} covers bytes {}..{}",
                    stretch.from, stretch.to
                ),
                Err(error) => {
                    out.push(unreadable(rel, &error));
                    continue;
                }
            };
            let mut found = finding(FindingKind::SegmentMismatch, rel, Some(stretch.from), detail);
            found.hits.push(format!("event {seq}"));
            suspects.add(rel, stretch.from, stretch.to, found);
        }
        let cover = walked.chain.stored(rel);
        if size > cover && !walked.broken.contains(rel) {
            let detail = format!("{} bytes after the last committed one", size - cover);
            let kind = if FileKind::of(rel).is_some() {
                FindingKind::TornTail
            } else {
                FindingKind::SegmentMismatch // VERSION and case.json never grow
            };
            out.push(finding(kind, rel, Some(cover), detail));
        }
    }
    for rel in [Layout::VERSION, Layout::CASE] {
        if !walked.stretches.contains_key(rel) && walked.chain.head.events > 0 {
            let detail = "no event covers it".to_owned();
            out.push(finding(FindingKind::SegmentMismatch, rel, Some(0), detail));
        }
    }
    let info = read_small(&layout.at(Layout::CASE)).ok().and_then(|bytes| CaseInfo::parse(&bytes));
    let case = &walked.chain.head.case;
    if let Some(info) = info
        && !case.is_empty()
        && info.case != *case
    {
        let detail = format!("the head names case {case}, {} names {}", Layout::CASE, info.case);
        out.push(finding(FindingKind::HeadMismatch, Layout::HEAD, Some(0), detail));
    }
    suspects
}

/// The finding for a file that cannot be read.
pub(super) fn unreadable(rel: &str, error: &io::Error) -> Finding {
    if error.kind() == io::ErrorKind::NotFound {
        finding(FindingKind::FileMissing, rel, None, "the file is not there".to_owned())
    } else {
        finding(FindingKind::Unreadable, rel, None, format!("cannot be read: {error}"))
    }
}

fn digest_of(mut file: &File, stretch: &Stretch) -> io::Result<Option<Sha256Digest>> {
    let (from, to) = stretch.packed.map_or((stretch.from, stretch.to), |packed| (packed.from, packed.to));
    file.seek(SeekFrom::Start(from))?;
    let mut hash = Sha256Stream::new();
    let mut buffer = vec![0; 128 << 10];
    let mut left = to - from;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let n = file.read(buffer.get_mut(..want).unwrap_or_default())?;
        let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        hash.update(bytes);
        left -= n as u64;
    }
    Ok(Some(hash.finish()))
}

/// Looks for files that no event names.
fn check_names(layout: &Layout, walked: &Walked, out: &mut Vec<Finding>) {
    if layout.at(Layout::HEAD_NEW).exists() {
        let detail = "left by a write that was cut off".to_owned();
        out.push(finding(FindingKind::TornTail, Layout::HEAD_NEW, None, detail));
    }
    if walked.chain.head.events == 0 {
        return; // Without events no file is named, which is told already.
    }
    for folder in Layout::FOLDERS {
        let mut names = BTreeSet::new();
        for entry in WalkDir::new(layout.at(folder)).min_depth(1).max_depth(1) {
            match entry {
                Ok(entry) => drop(names.insert(entry.file_name().to_string_lossy().into_owned())),
                Err(error) => out.push(unreadable(folder, &error.into())),
            }
        }
        for name in names {
            let rel = format!("{folder}/{name}");
            let kind = FileKind::of(&rel);
            let covered = match kind {
                Some((FileKind::Pack, number)) => {
                    walked.chain.cover(&walked.chain.name(FileKind::PackLines, number)) > 0
                }
                _ => walked.chain.cover(&rel) > 0,
            };
            if covered {
                continue;
            }
            let newest = match kind {
                Some((FileKind::Ledger, _)) => walked.chain.last(FileKind::Ledger),
                _ => walked.chain.last(FileKind::PackLines),
            };
            out.push(match kind {
                // Numbers only grow: what a cut-off write made is above all that was committed.
                Some((_, number)) if number > newest => {
                    let detail = "made by a write that was cut off".to_owned();
                    finding(FindingKind::TornTail, &rel, None, detail)
                }
                _ => finding(FindingKind::FileUnexpected, &rel, None, "no event names it".to_owned()),
            });
        }
    }
}
