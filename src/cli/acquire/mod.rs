//! `acquire` copies an account on a server into the case; `acquisitions` tells what was acquired, from the record
//! alone.

#[cfg(feature = "net")]
pub(super) mod args;
mod exceptions;
#[cfg(feature = "net")]
pub(super) mod run;
mod runs;
#[cfg(feature = "net")]
mod secret;
mod sessions;
#[cfg(feature = "net")]
mod summary;
pub(super) mod views;
pub(super) mod views_args;
#[cfg(feature = "net")]
mod watch;
