//! Whether a message that does not come is gone, or withheld.

use super::answer::{Kind, Status, found};
use super::listing::look;
use super::session::Session;
use super::verb::{Extras, Verb};
use crate::acquire::wire::WireError;

/// Why a message that was asked for by itself did not come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The server has it no more.
    Gone(String),
    /// The server lists it and does not give it.
    Withheld(String),
}

/// Finds out what became of a message that was asked for by itself, which ended with `status`. `before` is what was
/// said before of it, or of some with it.
///
/// A message that was expunged by somebody else may be left out, refused with NO, or given as NIL, and the server may
/// hold back the EXPUNGE until a command that allows it (RFC 2180 section 4.1, RFC 5530 section 3 EXPUNGEISSUED). What
/// counts is whether it is listed after that.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn lost(
    session: &mut Session<'_>,
    uid: u64,
    status: &Status,
    before: Option<String>,
) -> Result<Lost, WireError> {
    let is_said = status.has("EXPUNGEISSUED");
    let mut is_listed = look(session, uid, Extras::default())?.is_some();
    if is_listed && (is_said || session.expunged > 0) {
        session.run(&Verb::Noop, |_, _| false)?;
        is_listed = look(session, uid, Extras::default())?.is_some();
    }
    let mut words: Vec<String> = before.into_iter().collect();
    if !status.is_ok() {
        words.push(status.said());
    }
    if is_listed {
        words.push("the server lists it and does not give it".to_owned());
        return Ok(Lost::Withheld(words.join("; ")));
    }
    if session.expunged == 0 && !is_said && is_found(session, uid)? {
        words.push("a search names it, and the server gives nothing of it".to_owned());
        return Ok(Lost::Withheld(words.join("; ")));
    }
    if session.expunged > 0 {
        words.push("the server told that messages were expunged while the folder was open".to_owned());
    }
    words.push("the server lists it no more".to_owned());
    Ok(Lost::Gone(words.join("; ")))
}

/// Whether a search names the message. A server that gives nothing of a message by FETCH, and still finds it, has it.
fn is_found(session: &mut Session<'_>, uid: u64) -> Result<bool, WireError> {
    let mut is_found = false;
    session.run(&Verb::SearchOne(uid), |kind, answer| {
        if matches!(kind, Kind::Data(name) if name == b"SEARCH" || name == b"ESEARCH") {
            is_found |= found(answer, 16).contains(&uid);
        }
        false
    })?;
    Ok(is_found)
}
