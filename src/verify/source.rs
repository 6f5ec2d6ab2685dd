//! The originals against the ledger: read again, hashed, compared.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::source::{self, What};
use crate::store::{Reader, SegmentInfo, StoreError};
use crate::types::digest::Sha256Stream;
use crate::types::record::Record;
use crate::types::{CustodyEvent, Finding, FindingKind, RelPath, Sha256Digest};

/// Bytes taken from a file at a time.
const PIECE: usize = 256 * 1024;

/// What was read again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SourceSummary {
    /// Sources whose place was there.
    pub sources: u64,
    /// Their files that could be read again, to the end.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Accounts on servers, which are not asked again.
    pub accounts: u64,
}

/// Reads every file of every closed source again, where it was imported from last, or all from `from`.
///
/// # Errors
/// [`StoreError`] when the record cannot be read; all else is a finding.
pub fn verify_source(
    reader: &Reader,
    from: Option<&Path>,
    sink: &mut dyn FnMut(Finding),
) -> Result<SourceSummary, StoreError> {
    let mut summary = SourceSummary::default();
    for segment in reader.segments()? {
        if segment.is_pending() {
            continue;
        }
        if segment.account.is_some() {
            summary.accounts += 1;
            continue;
        }
        let id = segment.source().to_string();
        let root = match from {
            Some(root) => Some(root.to_owned()),
            None => last_place(reader, segment.number, &id)?,
        };
        let Some(root) = root else {
            sink(missing(Path::new("?"), "the custody log names no place", &id));
            continue;
        };
        if !root.exists() {
            sink(missing(&root, "there is nothing at this place", &id));
            continue;
        }
        summary.sources += 1;
        one(reader, &segment, &root, &mut summary, sink)?;
    }
    Ok(summary)
}

/// Compares one source with what lies at `root`.
fn one(
    reader: &Reader,
    segment: &SegmentInfo,
    root: &Path,
    summary: &mut SourceSummary,
    sink: &mut dyn FnMut(Finding),
) -> Result<(), StoreError> {
    let id = segment.source().to_string();
    let is_file = root.is_file();
    let mut known = BTreeSet::new();
    let mut open: Option<(u32, RelPath)> = None;
    for record in reader.records(segment.number, 0)? {
        let (_, record) = record?;
        let (number, path, sha256) = match record {
            Record::File(file) if file.parent.is_none() => (file.container, file.path, file.sha256),
            Record::Container(c) if c.parent.is_none() => {
                open = Some((c.container, c.path));
                continue;
            }
            Record::End(end) => match open.take() {
                Some((number, path)) => (number, path, end.sha256),
                None => continue,
            },
            Record::Entry(entry) => {
                known.insert(entry.path);
                continue;
            }
            _ => continue,
        };
        let place = if is_file { root.to_owned() } else { path.below(root) };
        if let Some(bytes) = compare(&place, &sha256, &format!("{id}-{number}"), sink) {
            summary.files += 1;
            summary.bytes += bytes;
        }
        known.insert(path);
    }
    if !is_file {
        added(root, &known, &id, sink);
    }
    Ok(())
}

/// Tells of what lies in a source folder now and did not when it was imported. A folder is told by what is in it.
fn added(root: &Path, known: &BTreeSet<RelPath>, id: &str, sink: &mut dyn FnMut(Finding)) {
    let listing = match source::list(root) {
        Ok(listing) => listing,
        Err(error) => return sink(unreadable(root, error.to_string(), id)),
    };
    for found in &listing.found {
        let is_folder = matches!(&found.what, What::Other(entry) if entry.kind == "directory");
        if is_folder || known.contains(&found.path) {
            continue;
        }
        sink(Finding {
            kind: FindingKind::SourceAdded,
            file: listing.place(&found.path).display().to_string(),
            offset: None,
            detail: "was not there at the import, so the case does not have it".to_owned(),
            hits: vec![id.to_owned()],
        });
    }
}

fn unreadable(path: &Path, detail: String, hit: &str) -> Finding {
    Finding {
        kind: FindingKind::Unreadable,
        file: path.display().to_string(),
        offset: None,
        detail,
        hits: vec![hit.to_owned()],
    }
}

fn missing(path: &Path, detail: &str, hit: &str) -> Finding {
    Finding {
        kind: FindingKind::SourceMissing,
        file: path.display().to_string(),
        offset: None,
        detail: detail.to_owned(),
        hits: vec![hit.to_owned()],
    }
}

/// Answers how many bytes were read, when the file could be read to its end.
fn compare(place: &Path, recorded: &Sha256Digest, hit: &str, sink: &mut dyn FnMut(Finding)) -> Option<u64> {
    let digest = || -> std::io::Result<(Sha256Digest, u64)> {
        let (mut file, _) = source::open(place)?;
        let mut hash = Sha256Stream::new();
        let mut buffer = vec![0; PIECE];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok((hash.finish(), bytes));
            }
            hash.update(buffer.get(..n).unwrap_or_default());
            bytes += n as u64;
        }
    };
    match digest() {
        Ok((now, bytes)) => {
            if now != *recorded {
                sink(Finding {
                    kind: FindingKind::SourceDiffers,
                    file: place.display().to_string(),
                    offset: None,
                    detail: format!("has digest {now}, was imported with {recorded}"),
                    hits: vec![hit.to_owned()],
                });
            }
            return Some(bytes);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            sink(missing(place, "the file is gone", hit));
        }
        Err(error) => sink(unreadable(place, error.to_string(), hit)),
    }
    None
}

/// Where a source was imported from last, by the custody log.
fn last_place(reader: &Reader, segment: u32, id: &str) -> Result<Option<PathBuf>, StoreError> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut place = None;
    for event in reader.custody()? {
        let (_, event) = event?;
        let (naming, is_it) = match event.read() {
            Ok(CustodyEvent::SourceBegun { naming, segment: of, .. }) => (naming, of == segment),
            Ok(CustodyEvent::SourceSeenAgain { naming, source }) => (naming, source.to_string() == id),
            _ => continue,
        };
        if is_it {
            place = Some(PathBuf::from(std::ffi::OsString::from_vec(naming.place().to_vec())));
        }
    }
    Ok(place)
}
