//! Finds what an interrupted write left behind (docs/format.md, section 7).

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;
use crate::types::event::Cut;

use super::StoreError;
use super::chain::{Chain, Trouble};
use super::disk::open_read;
use super::layout::{FileKind, Layout};
use super::lines::MAX_LINE;
use super::pack::FrameLine;

/// Number and committed length of the newest pack; 0 and 0 when there is none.
pub(super) fn newest_pack(layout: &Layout, chain: &Chain) -> Result<(u32, u64), StoreError> {
    let number = chain.last(FileKind::PackLines);
    if number == 0 {
        return Ok((0, 0));
    }
    let rel = chain.name(FileKind::PackLines, number);
    let path = layout.at(&rel);
    let cover = chain.cover(&rel);
    check_size(&path, chain.stored(&rel))?;
    let last = chain.last_line(layout, &rel, MAX_LINE)?;
    match last.and_then(|line| FrameLine::parse(number, &line)) {
        Some(line) => Ok((number, line.frame.at + line.frame.len)),
        None => Err(StoreError::Damaged { path, offset: cover, trouble: Trouble::FrameInvalid }),
    }
}

/// The length of a file, which must be `cover` at least.
fn check_size(path: &Path, cover: u64) -> Result<u64, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() >= cover => Ok(meta.len()),
        Ok(meta) => {
            Err(StoreError::Damaged { path: path.to_owned(), offset: meta.len(), trouble: Trouble::TooShort })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::Damaged { path: path.to_owned(), offset: 0, trouble: Trouble::TooShort })
        }
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

/// Everything beyond what the chain covers, ascending by path.
///
/// # Errors
/// [`StoreError::Damaged`] when a file is shorter than what is covered.
pub(super) fn tails(layout: &Layout, chain: &Chain) -> Result<Vec<Cut>, StoreError> {
    let mut cuts = Vec::new();
    if chain.size > chain.len {
        cuts.push(tail_of(layout, Layout::CUSTODY, chain.len)?);
    }
    for path in chain.covers.keys() {
        let cover = chain.stored(path);
        if check_size(&layout.at(path), cover)? > cover {
            if FileKind::of(path).is_none() {
                // No write adds to `VERSION` or `case.json`.
                let trouble = Trouble::FormInvalid;
                return Err(StoreError::Damaged { path: layout.at(path), offset: cover, trouble });
            }
            cuts.push(tail_of(layout, path, cover)?);
        }
    }
    let (pack, pack_len) = newest_pack(layout, chain)?;
    if pack > 0 {
        let path = chain.name(FileKind::Pack, pack);
        if check_size(&layout.at(&path), pack_len)? > pack_len {
            cuts.push(tail_of(layout, &path, pack_len)?);
        }
    }
    for folder in Layout::FOLDERS {
        let dir = layout.at(folder);
        let wrong = |error| StoreError::io("read", &dir, error);
        if !fs::symlink_metadata(&dir).map_err(wrong)?.is_dir() {
            return Err(StoreError::Damaged { path: dir, offset: 0, trouble: Trouble::NotOurs });
        }
        for name in fs::read_dir(&dir).map_err(wrong)? {
            let name = name.map_err(wrong)?;
            let Some((kind, number)) =
                name.file_name().to_str().and_then(|name| FileKind::of(&format!("{folder}/{name}")))
            else {
                continue;
            };
            let newest = if kind == FileKind::Ledger { chain.last(kind) } else { pack };
            let rel = chain.name(kind, number);
            if number > newest && name.file_type().map_err(wrong)?.is_file() && layout.at(&rel) == name.path()
            {
                cuts.push(tail_of(layout, &rel, 0)?);
            }
        }
    }
    cuts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(cuts)
}

/// Whatever stands in a file from `from` on, as it is told when it is cut off.
pub(super) fn tail_of(layout: &Layout, rel: &str, from: u64) -> Result<Cut, StoreError> {
    let path = layout.at(rel);
    let (to, sha256) = digest_from(&path, from).map_err(|error| StoreError::io("read", &path, error))?;
    Ok(Cut { path: rel.to_owned(), from, to, sha256 })
}

fn digest_from(path: &Path, from: u64) -> io::Result<(u64, Sha256Digest)> {
    let mut file = open_read(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut hash = Sha256Stream::new();
    let mut buffer = vec![0; 256 << 10];
    let mut to = from;
    loop {
        let n = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        to += n as u64;
    }
    Ok((to, hash.finish()))
}
