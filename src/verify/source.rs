//! The originals against the ledger: read again, hashed, compared.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::source;
use crate::store::{Reader, StoreError};
use crate::types::digest::Sha256Stream;
use crate::types::json;
use crate::types::record::Record;
use crate::types::{Finding, FindingKind, RelPath, Sha256Digest};

/// Bytes taken from a file at a time.
const PIECE: usize = 256 * 1024;

/// Reads every file of every closed source again, where it was imported from last, or all from `from`.
///
/// # Errors
/// [`StoreError`] when the record cannot be read; all else is a finding.
pub fn verify_source(
    reader: &Reader,
    from: Option<&Path>,
    sink: &mut dyn FnMut(Finding),
) -> Result<(), StoreError> {
    for segment in reader.segments()? {
        if segment.is_pending() {
            continue;
        }
        let root = match from {
            Some(root) => Some(root.to_owned()),
            None => last_place(reader, segment.number, &segment.source().to_string())?,
        };
        let id = segment.source().to_string();
        let Some(root) = root else {
            sink(missing(Path::new("?"), "the custody log names no place", &id));
            continue;
        };
        let is_file = root.is_file();
        if !root.exists() {
            sink(missing(&root, "there is nothing at this place", &id));
            continue;
        }
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
                _ => continue,
            };
            let place = if is_file { root.clone() } else { path.below(&root) };
            compare(&place, &sha256, &format!("{id}-{number}"), sink);
        }
    }
    Ok(())
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

fn compare(place: &Path, recorded: &Sha256Digest, hit: &str, sink: &mut dyn FnMut(Finding)) {
    let digest = || -> std::io::Result<Sha256Digest> {
        let (mut file, _) = source::open(place)?;
        let mut hash = Sha256Stream::new();
        let mut buffer = vec![0; PIECE];
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok(hash.finish());
            }
            hash.update(buffer.get(..n).unwrap_or_default());
        }
    };
    match digest() {
        Ok(now) if now == *recorded => {}
        Ok(now) => sink(Finding {
            kind: FindingKind::SourceDiffers,
            file: place.display().to_string(),
            offset: None,
            detail: format!("has digest {now}, was imported with {recorded}"),
            hits: vec![hit.to_owned()],
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            sink(missing(place, "the file is gone", hit));
        }
        Err(error) => sink(Finding {
            kind: FindingKind::Unreadable,
            file: place.display().to_string(),
            offset: None,
            detail: error.to_string(),
            hits: vec![hit.to_owned()],
        }),
    }
}

/// Where a source was imported from last, by the custody log.
fn last_place(reader: &Reader, segment: u32, id: &str) -> Result<Option<PathBuf>, StoreError> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut place = None;
    for event in reader.custody()? {
        let (_, event) = event?;
        if event.kind != "source_begun" && event.kind != "source_seen_again" {
            continue;
        }
        let Some(data) = json::read(&event.data) else { continue };
        let is_it = data.get("segment").and_then(json::Value::as_u64) == Some(u64::from(segment))
            || data.get("source").and_then(json::Value::as_str) == Some(id);
        let bytes = data.get("canonical").or_else(|| data.get("path")).and_then(json::text_of);
        if let (true, Some(bytes)) = (is_it, bytes) {
            place = Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)));
        }
    }
    Ok(place)
}
