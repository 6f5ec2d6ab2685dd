//! One event for the custody log, also while somebody else holds the case for an import.

use std::path::Path;

use crate::route::Settings;
use crate::store::{Head, Run, StoreError, Writer, append_event};
use crate::types::CustodyEvent;

use super::{keys, trust};

/// How often a case that is held and let go again is tried.
const TRIES: u32 = 5;

/// Tells the custody log of one event. A case that nobody holds is opened for it, and recovered if need be; of one that
/// an import holds, the event stands between two of its commits (docs/format.md, section 7).
///
/// # Errors
/// As [`Writer::open`] and [`append_event`].
pub fn append(dir: &Path, run: &Run, event: &CustodyEvent) -> Result<Head, StoreError> {
    let mut rest = TRIES;
    loop {
        let locked = match Writer::open(dir, run) {
            Ok(mut writer) => {
                writer.commit_event(event)?;
                return writer.close();
            }
            Err(locked @ StoreError::Locked { .. }) => locked,
            Err(other) => return Err(other),
        };
        if let Some(head) = append_event(dir, run, event)? {
            return Ok(head);
        }
        rest -= 1;
        if rest == 0 {
            return Err(locked);
        }
    }
}

/// Names the recipient's own servers and networks; what was named before no longer counts.
///
/// # Errors
/// As [`append`].
pub fn set_trust(dir: &Path, run: &Run, settings: &Settings) -> Result<Head, StoreError> {
    append(dir, run, &CustodyEvent::TrustSet(trust::words(settings)))
}

/// Puts a key file into the case, all of it.
///
/// # Errors
/// As [`append`].
pub fn add_key_file(
    dir: &Path,
    run: &Run,
    path: &[u8],
    note: Option<&str>,
    text: &[u8],
) -> Result<Head, StoreError> {
    append(dir, run, &keys::event(path, note, text))
}
