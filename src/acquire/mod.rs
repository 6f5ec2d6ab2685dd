//! Copies an account from an IMAP or POP3 server, with verbs that cannot change it, and tells what came.
//!
//! The only folder that opens a socket, and only to the host that the examiner named, or the issuer of a token.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::panic))]

mod account;
mod aside;
mod imap;
mod keys;
pub mod oauth;
mod order;
mod other;
mod pop3;
pub mod sign;
mod told;
pub mod wire;

pub use keys::{Fresh, Keys, Renew, Renewal};
pub use order::{Account, Choice, Credential, Limits, Mechanism, Order, Scheme, Secret, Trust};
pub use told::{Books, Folder, Left, Message, Notice, Other, Place, Refetched, Told, Why};

use std::ops::ControlFlow;

use crate::types::time::Clock;
use crate::types::{RelPath, Sha256Digest};

/// Who takes what is told. `Break` stops the acquisition at once; what was told before stays told.
///
/// It is called on the thread that called [`acquire`], one call at a time, in the order of the ledger.
pub type Sink<'a> = dyn FnMut(Told) -> ControlFlow<()> + 'a;

/// Copies what `order` names and tells it to `sink`, in the order of the ledger.
///
/// `known` is asked which messages need not be fetched again. `clock` dates the lines of the transcript.
///
/// # Errors
/// What stops the whole run; one message or folder that could not be had is told as [`Left`] or [`Notice`] and the run
/// goes on. [`AcquireError::Stopped`] when the sink asked for it.
pub fn acquire(
    order: &Order,
    known: &dyn Known,
    clock: &dyn Clock,
    sink: &mut Sink<'_>,
) -> Result<(), AcquireError> {
    if order.account.scheme.is_imap() {
        imap::run(order, known, clock, sink)
    } else {
        pop3::acquire(order, known, clock, sink)
    }
}

/// Refuses an order that no server of its protocol could carry out, without asking one.
///
/// # Errors
/// [`AcquireError::Choice`].
pub fn check(order: &Order) -> Result<(), AcquireError> {
    if order.account.scheme.is_imap() { Ok(()) } else { pop3::check(order) }
}

/// What the case has of the account already.
pub trait Known: Sync {
    /// Whether that message is in the case, or was left for good in the run that is being resumed.
    fn has(&self, path: &RelPath) -> bool;
    /// UIDs (or places) and flags that the case has of a folder, by its path with epoch.
    fn folder(&self, path: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)>;
}

/// What was learned of the server, for the custody log. Evidence, not secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Address that was connected to.
    pub address: String,
    /// Greeting as sent.
    pub greeting: Vec<u8>,
    /// Capabilities before TLS (empty where TLS came first), before and after sign-in, as sent.
    pub capabilities: [Vec<u8>; 3],
    /// What the server says it is (ID of RFC 2971, IMPLEMENTATION of RFC 2449).
    pub server_id: Vec<u8>,
    /// TLS version, cipher suite and the chain as SHA-256 of each certificate, leaf first; `None` in the clear.
    pub tls: Option<Tls>,
    /// Mechanism that signed in.
    pub mechanism: Option<Mechanism>,
}

/// A TLS connection, as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// `TLSv1.3` or `TLSv1.2`; with OpenSSL also `TLSv1.1` and `TLSv1`.
    pub version: String,
    /// The cipher suite's standard name.
    pub cipher: String,
    /// The certificates (DER), leaf first.
    pub chain: Vec<Vec<u8>>,
    /// `system`, `ca-file` or `pin`: why it was trusted.
    pub trusted_by: &'static str,
    /// Name and version of the library where it was not rustls.
    pub library: Option<String>,
}

/// Whether this build has OpenSSL for [`Trust::native`].
pub const HAS_NATIVE_TLS: bool = cfg!(feature = "native-tls");

impl Tls {
    /// What the exception log should hold of it.
    fn notice(&self) -> Option<Notice> {
        let library = self.library.as_ref()?;
        let text = format!("TLS by {library}, as the examiner said: {} {}", self.version, self.cipher);
        Some(Notice { code: "tls-native", path: None, text, is_partial: false })
    }
}

/// Why an acquisition could not go on. What was told before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// The URL names no account.
    #[error("{url} names no account: {why}")]
    Url {
        /// The URL, without a password.
        url: String,
        /// What is wrong.
        why: &'static str,
    },
    /// No connection.
    #[error("cannot connect to {host}:{port}: {why}")]
    Connect {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        why: String,
    },
    /// TLS could not be had, or was not good enough; nothing secret was sent.
    #[error("no TLS with {host}: {why}")]
    Tls {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// The server knows only a TLS that is not spoken any more; nothing secret was sent.
    #[error("no TLS with {host}: {why}")]
    OldTls {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// Nobody but itself vouches for the server's certificate; nothing secret was sent.
    #[error(
        "no TLS with {host}: the server's certificate is its own authority (self-signed), which --ca-file cannot name; its SHA-256 is {sha256}"
    )]
    OwnAuthority {
        /// The host.
        host: String,
        /// Digest of the certificate.
        sha256: Sha256Digest,
    },
    /// The server did not let us in.
    #[error("{host} refused to sign in {user}: {said}")]
    SignIn {
        /// The host.
        host: String,
        /// The user.
        user: String,
        /// What the server said.
        said: String,
    },
    /// The folder that the URL names is not there.
    #[error("{host} has no folder {folder}")]
    NoFolder {
        /// The host.
        host: String,
        /// The folder, as the examiner wrote it.
        folder: String,
    },
    /// The server broke a rule that we rely on.
    #[error("{host} broke the protocol: {why}")]
    Protocol {
        /// The host.
        host: String,
        /// How, with the bytes made safe.
        why: String,
    },
    /// The connection broke and could not be made anew.
    #[error("the connection to {host} broke: {why}")]
    Broken {
        /// The host.
        host: String,
        /// What the system said.
        why: String,
    },
    /// What was asked for cannot be had from this server, or would change the mailbox.
    #[error("{why}")]
    Choice {
        /// Why.
        why: &'static str,
    },
    /// The sink asked to stop.
    #[error("stopped on request")]
    Stopped,
}

impl AcquireError {
    /// The same, with the words of the server as `scrub` leaves them.
    fn scrubbed(self, scrub: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::SignIn { host, user, said } => Self::SignIn { host, user, said: scrub(&said) },
            Self::Protocol { host, why } => Self::Protocol { host, why: scrub(&why) },
            Self::Broken { host, why } => Self::Broken { host, why: scrub(&why) },
            other => other,
        }
    }
}
