//! Tells the custody log of what was handed out of the case.

use std::path::{Path, PathBuf};

use crate::store::{Head, Run, Writer};
use crate::types::CustodyEvent;

use super::context::Context;
use super::failure::chain;

/// Where a path really leads, or the path as it was given.
pub(super) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Writes an event that tells of it. What was handed out is there all the same when that cannot be done, because the case lies
/// on a read-only medium, somebody is writing to it, or its record is damaged.
pub(super) fn record(context: &Context, what: &CustodyEvent, run: &Run) -> Option<Head> {
    let dir = context.case().ok()?;
    let event = Writer::open(dir, run).and_then(|mut writer| {
        writer.commit_event(what)?;
        writer.close()
    });
    match event {
        Ok(head) => Some(head),
        Err(error) => {
            let why = chain(&error);
            context
                .notes
                .warning(&format!("the custody log does not tell that this was {}: {why}", what.code()));
            context.notes.note(
                "hint: note what was written and when, and run it again when the case can be written to",
            );
            None
        }
    }
}
