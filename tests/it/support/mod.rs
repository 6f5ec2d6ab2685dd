//! What the tests share: the binary under test, cases, and real mail where it is there.

use std::path::{Path, PathBuf};

/// The folder of real mail: `MAILTRAIL_CORPORA`, else `../shared/corpora` beside the project; `None` when absent.
pub(crate) fn corpora() -> Option<PathBuf> {
    let dir = std::env::var_os("MAILTRAIL_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no real mail at {}", dir.display());
    None
}

/// A folder of real mail, when it is there.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    corpora().map(|dir| dir.join(name)).filter(|dir| dir.is_dir())
}
