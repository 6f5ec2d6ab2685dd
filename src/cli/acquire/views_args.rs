//! The command line of `acquisitions`.

use clap::Args;

/// What to tell of the acquisitions of a case.
#[derive(Debug, Args)]
pub(in crate::cli) struct AcquisitionsArgs {
    /// The downloaded-items list: every message taken from an account, with UID, dates, flags, sizes and digests
    #[arg(long, conflicts_with_all = ["exceptions", "sessions", "transcript", "blob"])]
    pub items: bool,
    /// The sign-ins: address, greeting, capabilities, what the server calls itself, TLS and certificates, its clock
    /// against ours
    #[arg(long, conflicts_with_all = ["exceptions", "transcript", "blob"])]
    pub sessions: bool,
    /// The exception log: what was listed and left, with the rule or cause, notices, books that do not balance
    #[arg(long, conflicts_with_all = ["transcript", "blob"])]
    pub exceptions: bool,
    /// The talk with the server, as it was recorded
    #[arg(long, conflicts_with = "blob")]
    pub transcript: bool,
    /// The exact bytes of something that an event names by its SHA-256: another body of a message, a certificate
    #[arg(long, value_name = "SHA256")]
    pub blob: Option<crate::types::Sha256Digest>,
    /// CSV instead of a table
    #[arg(long, conflicts_with_all = ["json", "transcript", "blob"])]
    pub csv: bool,
}
