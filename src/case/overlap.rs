//! Case and source may not lie in one another; nor may a case and what is written out of it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::CaseError;

/// Refuses a case inside the source and a source inside the case: every ancestor's device and inode are compared, so
/// links and bind mounts are seen through. Neither needs to exist.
///
/// # Errors
/// [`CaseError::Overlap`].
pub fn refuse_overlap(case: &Path, source: &Path) -> Result<(), CaseError> {
    let (case_up, source_up) = (ancestors(case), ancestors(source));
    let overlap = |inner: &Path, outer: &Path| {
        Err(CaseError::Overlap { inner: inner.to_owned(), outer: outer.to_owned() })
    };
    if let Some(id) = identity(source)
        && case_up.contains(&id)
    {
        return overlap(case, source);
    }
    if let Some(id) = identity(case)
        && source_up.contains(&id)
    {
        return overlap(source, case);
    }
    Ok(())
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Identities of a path and all directories above it; of a path that does not exist, of those above that do.
fn ancestors(path: &Path) -> Vec<(u64, u64)> {
    let mut at: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    while !at.exists() {
        match at.parent() {
            Some(parent) => at = PathBuf::from(parent),
            None => break,
        }
    }
    let real = fs::canonicalize(&at).unwrap_or(at);
    real.ancestors().filter_map(identity).collect()
}
