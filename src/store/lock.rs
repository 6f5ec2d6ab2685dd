//! The lock that makes the writer the only one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;

use super::StoreError;
use super::layout::Layout;

/// Takes the lock of the case; the operating system gives it back when the process ends, however it ends.
pub(super) fn lock(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.at(Layout::LOCK);
    let wrong = |error| StoreError::io("lock", &path, error);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(StoreError::Locked { path: layout.root().to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(wrong(error)),
    }
    // Who holds it, for the message of the next who comes; never trusted.
    file.set_len(0).map_err(wrong)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(wrong)?;
    Ok(file)
}
