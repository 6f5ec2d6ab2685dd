//! The one place that turns an error into a sentence, a hint and a number.

use std::error::Error;
use std::io;

use crate::case::{CaseError, ItemBytesError};
use crate::catalog::CatalogError;
use crate::export::ExportError;
use crate::index::IndexError;
use crate::ingest::IngestError;
use crate::query::QueryError;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::types::text::shown;
use crate::view::ViewError;

use super::exit::Exit;

/// Why a command stopped.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, lower case, no full stop, text from evidence made safe. Empty for a closed pipe.
    pub sentence: String,
    /// How to go on.
    pub hint: Option<String>,
}

impl Failure {
    /// Something stopped the tool.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, sentence: sentence.into(), hint: None }
    }

    /// The command line was wrong.
    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, sentence: sentence.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// No case was named.
    pub(super) fn no_case() -> Self {
        Self::usage("no case named").hint("name it with --case DIR, or set MAILTRAIL_CASE")
    }

    /// The reader of our output has gone: not worth a word.
    fn quiet() -> Self {
        Self { exit: Exit::Done, sentence: String::new(), hint: None }
    }
}

/// An error and all its causes in one line, made safe for a terminal.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    shown(&text)
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::quiet();
        }
        let failure = Self::new(chain(&error));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                failure.hint("free some space and run the same command again: it goes on where it stopped")
            }
            _ => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let mut failure = Self::new(chain(&error));
        match &error {
            StoreError::Locked { .. } => {
                failure.exit = Exit::Locked;
                failure.hint("wait until it is done, or stop it; the lock goes away with the process")
            }
            StoreError::Unsettled { .. } => {
                failure.exit = Exit::Locked;
                failure.hint(
                    "whoever holds the case puts it right with its next commit: run the command again then",
                )
            }
            StoreError::NewerFormat { .. } => {
                failure.exit = Exit::NewerFormat;
                failure.hint("use the version of mailtrail that wrote the case, or a newer one")
            }
            StoreError::NotACase { .. } => failure
                .hint("make one with `mailtrail init` or `mailtrail import`, or name another with --case"),
            StoreError::OlderFormat { .. } => failure
                .hint("the case stays as it is: make a new one with this version, and acquire into that"),
            StoreError::NotEmpty { .. } => failure.hint("name a directory that does not exist or is empty"),
            StoreError::Damaged { .. } => {
                failure.exit = Exit::Mismatch;
                failure.hint("`mailtrail verify` tells what is hit; work on a copy of the case")
            }
            StoreError::Io { source, .. } | StoreError::Broken { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    failure
                        .hint("free some space and run the same command again: it goes on where it stopped")
                }
                io::ErrorKind::PermissionDenied => failure.hint("check who owns the case directory"),
                io::ErrorKind::NotADirectory => failure.hint("a case is a directory: name it with --case"),
                _ => failure,
            },
            _ => failure,
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(chain(&error)).hint("check the path and the permissions of the source")
    }
}

/// A failure of catalog or index: a full disk and missing rights are no reason to make them anew.
fn derived(error: &dyn Error) -> Failure {
    let failure = Failure::new(chain(error));
    // SQLite and tantivy hand on what the system said as text only.
    let says = |words: &str| failure.sentence.contains(words);
    if says("disk is full") || says("No space left on device") || says("Disk quota exceeded") {
        failure.hint("free some space and run the same command again: it goes on where it stopped")
    } else if says("Permission denied") {
        failure.hint("check who owns the case directory")
    } else {
        failure.hint("`mailtrail rebuild` makes catalog and index anew from the record")
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        derived(&error)
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        derived(&error)
    }
}

impl From<CaseError> for Failure {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::Store(error) => error.into(),
            CaseError::Catalog(error) => error.into(),
            CaseError::Index(error) => error.into(),
            CaseError::Query(error) => Self::usage(format!("query: {}{}", chain(&error), marked(&error))).hint(
                "`mailtrail search --fields` lists fields and fixed words; words with a colon need quotes",
            ),
            CaseError::Unrecorded { .. } => Self { exit: Exit::Mismatch, ..Self::new(chain(&error)) }.hint(
                "`mailtrail verify` names what differs; `mailtrail rebuild` makes catalog and index anew",
            ),
            CaseError::Overlap { .. } => {
                Self::new(chain(&error)).hint("case and source must lie apart: name another case directory")
            }
        }
    }
}

/// The part of a query that is wrong, on a line of its own, with marks below it.
fn marked(error: &QueryError) -> String {
    let (text, before) = &error.excerpt;
    if text.is_empty() {
        return String::new();
    }
    let cut = |from: usize, count: usize| shown(&text.chars().skip(from).take(count).collect::<String>());
    let width = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let (head, place) = (cut(0, *before), cut(*before, error.width));
    let rest = cut(before + error.width, usize::MAX);
    let marks = "^".repeat(width(&place).max(1));
    format!("\n  {head}{place}{rest}\n  {}{marks}", " ".repeat(width(&head)))
}

impl From<ItemBytesError> for Failure {
    fn from(error: ItemBytesError) -> Self {
        ExportError::from(error).into()
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Catalog(error) => error.into(),
            ExportError::Io { path, source } => {
                let mut failure = Self::from(source);
                failure.sentence =
                    format!("cannot write {}: {}", shown(&path.display().to_string()), failure.sentence);
                if failure.hint.is_some() {
                    failure.hint("free some space, remove what was written, and run the same command again")
                } else {
                    failure
                }
            }
            ExportError::Exists { .. } => {
                Self::new(chain(&error)).hint("name a place where there is nothing yet")
            }
            ExportError::NoSource { .. } => {
                Self::new(chain(&error)).hint("`mailtrail info` lists the sources")
            }
            ExportError::InsideCase { .. } => Self::new(chain(&error)).hint("name a place outside the case"),
            _ => Self::new(chain(&error)),
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Store(error) => error.into(),
            IngestError::Source(error) => error.into(),
            IngestError::Catalog(error) => error.into(),
            IngestError::Index(error) => error.into(),
            IngestError::IsCase { .. } => Self::new(chain(&error))
                .hint("its packs and ledger would become items; restore or export it, or say --force-case"),
            IngestError::Case(error) => error.into(),
            IngestError::Files { path, source } => {
                let mut failure = Self::from(source);
                failure.sentence =
                    format!("cannot write {}: {}", shown(&path.display().to_string()), failure.sentence);
                failure
            }
            IngestError::Stopped => {
                let mut failure = Self::new("stopped on request").hint("run the same command again to go on");
                failure.exit = Exit::Interrupted;
                failure
            }
            _ => {
                Self::new(chain(&error)).hint("what was committed stays; run the same command again to go on")
            }
        }
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        let failure = Self::new(chain(&error));
        match error {
            ViewError::Store(error) => error.into(),
            ViewError::Catalog(error) => error.into(),
            ViewError::Index(error) => error.into(),
            ViewError::Export(error) => error.into(),
            ViewError::Search(error) => super::search::refused(error),
            ViewError::ItemId { text, source } => {
                Self::usage(format!("{text:?}: {source}")).hint("`mailtrail search` prints ids")
            }
            ViewError::NoItem { .. } => failure.hint("`mailtrail list` lists all items"),
            ViewError::NoRule { .. } => {
                Self::usage(failure.sentence).hint("`mailtrail findings` lists rules")
            }
            ViewError::NetworkFile { is_format: true, .. } => {
                failure.hint("--geoip takes files in the MaxMind DB format (.mmdb)")
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_reason_to_rebuild_and_an_export_does_not_go_on() {
        let hint = |failure: Failure| failure.hint.unwrap_or_default();
        assert!(hint(derived(&io::Error::other("database or disk is full"))).starts_with("free some space"));
        assert!(hint(derived(&io::Error::other("x: Permission denied"))).contains("who owns"));
        assert!(hint(derived(&io::Error::other("malformed"))).contains("mailtrail rebuild"));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let failure = Failure::from(ExportError::Io { path: "to/x".into(), source: full });
        assert!(failure.sentence.starts_with("cannot write to/x: "), "{}", failure.sentence);
        assert!(hint(failure).contains("remove what was written"));
    }
}
