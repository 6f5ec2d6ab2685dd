//! The lock that makes the writer the only one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use super::StoreError;
use super::layout::Layout;

/// How often a writer tries: whoever asks [`is_being_written`] holds the lock for an instant.
const TRIES: u32 = 5;

/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock of the case; the operating system gives it back when the process ends, however it ends.
pub(super) fn lock(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.at(Layout::LOCK);
    let wrong = |error| StoreError::io("lock", &path, error);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(wrong)?;
    for rest in (0..TRIES).rev() {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if rest > 0 => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                return Err(StoreError::Locked { path: layout.root().to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
    }
    // Who holds it, for the message of the next who comes; never trusted.
    file.set_len(0).map_err(wrong)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(wrong)?;
    Ok(file)
}

/// Whether somebody is writing to the case now. A lock that cannot be looked at counts as free.
pub fn is_being_written(layout: &Layout) -> bool {
    match File::open(layout.at(Layout::LOCK)) {
        // The lock that this takes is given back at once.
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
