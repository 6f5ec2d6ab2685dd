//! POP3 (RFC 1939): ten commands, of which none can change the mailbox; one listing, and each message from its top.
//!
//! - Messages are fetched by `TOP n` with a number of lines that no message has, since RETR marks messages as seen or
//!   popped on some servers. RETR is used when the examiner asks for it, and refused together with QUIT where the
//!   server expires at once.
//! - The session ends without QUIT unless that is asked for: the server enters no UPDATE state, so nothing happens
//!   there.
//! - APOP is not used: its digest can be broken (CVE-2007-1558). Its timestamp in the greeting is kept: it is a clock.
//! - A message is known by its UIDL; where the server names none, by the digest of its bytes.

use super::{AcquireError, Known, Order, Sink};
use crate::types::time::Clock;

mod again;
mod answer;
mod body;
mod capa;
mod fetch;
mod listing;
mod open;
mod run;
mod verb;

/// Copies the mailbox of a POP3 account.
///
/// # Errors
/// As [`acquire`](super::acquire).
pub(super) fn acquire(
    order: &Order,
    known: &dyn Known,
    clock: &dyn Clock,
    sink: &mut Sink<'_>,
) -> Result<(), AcquireError> {
    check(order)?;
    run::Run::new(order, known, clock, sink)?.all()
}

/// Refuses what POP3 cannot do, rather than take more than was asked for.
pub(super) fn check(order: &Order) -> Result<(), AcquireError> {
    let choice = &order.choice;
    let is_inbox = |name: &String| name == "*" || name.eq_ignore_ascii_case("INBOX");
    let why = if choice.since.is_some() || choice.before.is_some() {
        "POP3 servers give messages no date, so they cannot be chosen by it"
    } else if !choice.folders.is_empty() && !choice.folders.iter().any(is_inbox) {
        "POP3 has one folder, INBOX, and it is not among those to take"
    } else if choice.exclude.iter().any(is_inbox) {
        "POP3 has one folder, INBOX, and it is to be left"
    } else {
        return Ok(());
    };
    Err(AcquireError::Choice { why })
}
