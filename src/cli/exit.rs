//! Exit codes: promises, listed in docs/output.md.

/// How a command ended. Scripts treat a number they do not know as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All of it was done.
    Done = 0,
    /// Nothing, or not all, was done; stderr says why.
    Failed = 1,
    /// The command line was wrong. Clap uses the same number.
    Usage = 2,
    /// Done, but some evidence could not be read; the report lists it.
    Partial = 3,
    /// Bytes do not match the digest recorded for them.
    Mismatch = 4,
    /// Somebody else is writing to the case.
    Locked = 5,
    /// The case was written by a newer format than this program reads.
    NewerFormat = 6,
    /// Ctrl-C, after a clean stop.
    Interrupted = 130,
}
