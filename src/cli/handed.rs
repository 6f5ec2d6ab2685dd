//! Says when the custody log does not tell of what was handed out of the case.

use crate::store::{Head, StoreError};

use super::context::Context;
use super::failure::chain;

/// The head after the event that tells of it; `what` was done all the same when there is none.
pub(super) fn logged(context: &Context, what: &str, event: Result<Head, StoreError>) -> Option<Head> {
    match event {
        Ok(head) => Some(head),
        Err(error) => {
            let why = chain(&error);
            context.notes.warning(&format!("the custody log does not tell that this was {what}: {why}"));
            context.notes.note(
                "hint: note what was written and when, and run it again when the case can be written to",
            );
            None
        }
    }
}
