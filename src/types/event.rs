//! Every kind of event of the custody log (docs/format.md, section 5): what each tells, written and read here and
//! nowhere else.

mod account;
mod fields;
mod source;
mod tally;

use thiserror::Error;

use super::ids::SourceId;
use super::json::{self, Obj, Value};
use super::readers::ReaderVersions;

pub use account::{
    AccountRun, AccountSession, AccountStart, BlobRole, EventBlob, EventNotice, FolderRun, FolderSums,
    RefetchSums, SessionTls,
};
pub use source::{FileStateRow, FileStateRows, SourceNaming, SourceStamps};
pub use tally::{CommitTally, Cut, ExportTally, KeyFileCopy, RestoreTally, TrustWords};

use fields::{Fields, KeyUnread};

/// The kinds of events that this program knows, in the order of docs/format.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustodyEventKind {
    /// The case was made; always and only the first.
    Created,
    /// Before the first item of a source.
    SourceBegun,
    /// Items are durable.
    ItemsCommitted,
    /// An import was stopped on request.
    ImportStopped,
    /// The segment of a source is closed.
    SourceImported,
    /// The case has this source already.
    SourceSeenAgain,
    /// The file system says that nothing of a source changed since the case read it; it was not read.
    SourceUnchanged,
    /// Before the server of an account is spoken to.
    AccountBegun,
    /// A connection is signed in.
    AccountSession,
    /// A run took all that was wanted.
    AccountAcquired,
    /// A run found nothing that the case did not have.
    AccountSeenAgain,
    /// A run ended before its end.
    AccountStopped,
    /// Only folders, counts and sizes were asked for.
    AccountListed,
    /// Catalog and index were made anew.
    Rebuilt,
    /// An export was written.
    Exported,
    /// An original was written out.
    Restored,
    /// The recipient's own servers and networks were named.
    TrustSet,
    /// A key file of signers was put into the case.
    KeysAdded,
    /// What an interrupted write left was cut off.
    Recovered,
    /// A writing command ended with something uncommitted.
    Stopped,
}

impl CustodyEventKind {
    /// All of them, in the order of docs/format.md.
    pub const ALL: &[Self] = &[
        Self::Created,
        Self::SourceBegun,
        Self::ItemsCommitted,
        Self::ImportStopped,
        Self::SourceImported,
        Self::SourceSeenAgain,
        Self::SourceUnchanged,
        Self::AccountBegun,
        Self::AccountSession,
        Self::AccountAcquired,
        Self::AccountSeenAgain,
        Self::AccountStopped,
        Self::AccountListed,
        Self::Rebuilt,
        Self::Exported,
        Self::Restored,
        Self::TrustSet,
        Self::KeysAdded,
        Self::Recovered,
        Self::Stopped,
    ];

    /// The `type` of the event; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::SourceBegun => "source_begun",
            Self::ItemsCommitted => "items_committed",
            Self::ImportStopped => "import_stopped",
            Self::SourceImported => "source_imported",
            Self::SourceSeenAgain => "source_seen_again",
            Self::SourceUnchanged => "source_unchanged",
            Self::AccountBegun => "account_begun",
            Self::AccountSession => "account_session",
            Self::AccountAcquired => "account_acquired",
            Self::AccountSeenAgain => "account_seen_again",
            Self::AccountStopped => "account_stopped",
            Self::AccountListed => "account_listed",
            Self::Rebuilt => "rebuilt",
            Self::Exported => "exported",
            Self::Restored => "restored",
            Self::TrustSet => "trust_set",
            Self::KeysAdded => "keys_added",
            Self::Recovered => "recovered",
            Self::Stopped => "stopped",
        }
    }

    /// The kind of this `type`; `None` for one that a newer program wrote.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether it tells of an account, and of nothing else.
    pub fn is_of_account(self) -> bool {
        matches!(self, Self::AccountBegun | Self::AccountSession) || self.ends_account_run()
    }

    /// Whether it ends a run over an account.
    pub fn ends_account_run(self) -> bool {
        matches!(
            self,
            Self::AccountAcquired | Self::AccountSeenAgain | Self::AccountStopped | Self::AccountListed
        )
    }
}

/// What an event of the custody log tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustodyEvent {
    /// The case was made.
    Created,
    /// A source begins.
    SourceBegun {
        /// As it was named and found.
        naming: SourceNaming,
        /// Its ledger segment.
        segment: u32,
        /// The readers that make it.
        readers: ReaderVersions,
        /// A pending segment of the same source that other readers began; it stays pending.
        by_other_readers: Option<(u32, ReaderVersions)>,
        /// Whether an unfinished import of it stands in another segment, because it has changed since.
        source_changed: bool,
    },
    /// Items are durable.
    ItemsCommitted(CommitTally),
    /// An import was stopped on request.
    ImportStopped(CommitTally),
    /// The segment is closed.
    SourceImported {
        /// It.
        segment: u32,
        /// What the file system said of its files, where all of them were read to their end and none changed.
        stat: Option<SourceStamps>,
    },
    /// The case has this source already.
    SourceSeenAgain {
        /// As it was named and found this time.
        naming: SourceNaming,
        /// Its id.
        source: SourceId,
        /// What the file system says of its files now, where it can be relied on.
        stat: Option<SourceStamps>,
    },
    /// By what the file system says, nothing of a source changed since the case read it; no byte of it was read.
    SourceUnchanged {
        /// As it was named and found this time.
        naming: SourceNaming,
        /// Its id.
        source: SourceId,
    },
    /// A server is about to be spoken to.
    AccountBegun(Box<AccountStart>),
    /// A connection is signed in.
    AccountSession(Box<AccountSession>),
    /// A run took all that was wanted.
    AccountAcquired(AccountRun),
    /// A run found nothing new.
    AccountSeenAgain(AccountRun),
    /// A run ended before its end.
    AccountStopped(AccountRun),
    /// A list was made.
    AccountListed(AccountRun),
    /// Catalog and index were made anew.
    Rebuilt {
        /// From so many items.
        items: u64,
    },
    /// An export was written.
    Exported(ExportTally),
    /// An original was written out.
    Restored(RestoreTally),
    /// The recipient's side was named.
    TrustSet(TrustWords),
    /// A key file was put into the case.
    KeysAdded(KeyFileCopy),
    /// What an interrupted write left was cut off.
    Recovered {
        /// The tails.
        cut: Vec<Cut>,
        /// Whether the head was one event behind.
        head_behind: bool,
    },
    /// A writing command ended with something uncommitted.
    Stopped,
    /// An event of a newer program, as it stands.
    Unknown {
        /// Its `type`.
        code: String,
        /// Its `data`: a canonical JSON object.
        data: Vec<u8>,
    },
}

/// The data of an event is not what its kind tells.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("data of event {} cannot be read: {}", kind.code(), if key.is_empty() { "it is no object" } else { *key })]
pub struct EventUnread {
    /// Of which kind.
    pub kind: CustodyEventKind,
    /// The key that is absent or has another form; empty when the data is no object.
    pub key: &'static str,
}

impl CustodyEvent {
    /// The kind; `None` of an event of a newer program.
    pub fn kind(&self) -> Option<CustodyEventKind> {
        Some(match self {
            Self::Created => CustodyEventKind::Created,
            Self::SourceBegun { .. } => CustodyEventKind::SourceBegun,
            Self::ItemsCommitted(_) => CustodyEventKind::ItemsCommitted,
            Self::ImportStopped(_) => CustodyEventKind::ImportStopped,
            Self::SourceImported { .. } => CustodyEventKind::SourceImported,
            Self::SourceSeenAgain { .. } => CustodyEventKind::SourceSeenAgain,
            Self::SourceUnchanged { .. } => CustodyEventKind::SourceUnchanged,
            Self::AccountBegun(_) => CustodyEventKind::AccountBegun,
            Self::AccountSession(_) => CustodyEventKind::AccountSession,
            Self::AccountAcquired(_) => CustodyEventKind::AccountAcquired,
            Self::AccountSeenAgain(_) => CustodyEventKind::AccountSeenAgain,
            Self::AccountStopped(_) => CustodyEventKind::AccountStopped,
            Self::AccountListed(_) => CustodyEventKind::AccountListed,
            Self::Rebuilt { .. } => CustodyEventKind::Rebuilt,
            Self::Exported(_) => CustodyEventKind::Exported,
            Self::Restored(_) => CustodyEventKind::Restored,
            Self::TrustSet(_) => CustodyEventKind::TrustSet,
            Self::KeysAdded(_) => CustodyEventKind::KeysAdded,
            Self::Recovered { .. } => CustodyEventKind::Recovered,
            Self::Stopped => CustodyEventKind::Stopped,
            Self::Unknown { .. } => return None,
        })
    }

    /// The `type` of the event.
    pub fn code(&self) -> &str {
        match self {
            Self::Unknown { code, .. } => code,
            known => known.kind().map_or("", CustodyEventKind::code),
        }
    }

    /// The `data` of the event: a canonical JSON object.
    pub fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Self::Unknown { data, .. } = self {
            return data.clone();
        }
        let mut o = Obj::new(&mut out);
        self.write(&mut o);
        o.end();
        out
    }

    fn write(&self, o: &mut Obj<'_>) {
        match self {
            Self::Created | Self::Stopped | Self::Unknown { .. } => {}
            Self::SourceBegun { naming, segment, readers, by_other_readers, source_changed } => {
                naming.write(o);
                // Where none are named it was the first ones.
                if *readers != ReaderVersions::FIRST {
                    o.obj("readers", |o| readers.write(o));
                }
                o.uint("segment", u64::from(*segment));
                if *source_changed {
                    o.bool("source_changed_since_unfinished_import", true);
                }
                if let Some((segment, readers)) = by_other_readers {
                    o.obj("unfinished_by_other_readers", |o| {
                        o.obj("readers", |o| readers.write(o)).uint("segment", u64::from(*segment));
                    });
                }
            }
            Self::ItemsCommitted(tally) | Self::ImportStopped(tally) => tally.write(o),
            Self::SourceImported { segment, stat } => {
                o.uint("segment", u64::from(*segment));
                SourceStamps::write(stat.as_ref(), o);
            }
            Self::SourceSeenAgain { naming, source, stat } => {
                naming.write(o);
                o.str("source", &source.to_string());
                SourceStamps::write(stat.as_ref(), o);
            }
            Self::SourceUnchanged { naming, source } => {
                naming.write(o);
                o.str("source", &source.to_string()).str("unchanged_by", "stat");
            }
            Self::AccountBegun(start) => start.write(o),
            Self::AccountSession(session) => session.write(o),
            Self::AccountAcquired(run)
            | Self::AccountSeenAgain(run)
            | Self::AccountStopped(run)
            | Self::AccountListed(run) => run.write(o),
            Self::Rebuilt { items } => {
                o.uint("items", *items);
            }
            Self::Exported(tally) => tally.write(o),
            Self::Restored(tally) => tally.write(o),
            Self::TrustSet(words) => words.write(o),
            Self::KeysAdded(file) => file.write(o),
            Self::Recovered { cut, head_behind } => {
                o.arr("cut", cut, |out, cut| cut.write(out));
                o.bool("head_behind", *head_behind);
            }
        }
    }

    /// Reads `type` and `data` of an event. Keys that this program does not know are passed over; a `type` that it does
    /// not know is kept as it stands.
    ///
    /// # Errors
    /// [`EventUnread`] when a key that the kind needs is absent or has another form.
    pub fn read(code: &str, data: &[u8]) -> Result<Self, EventUnread> {
        let Some(kind) = CustodyEventKind::of(code) else {
            return Ok(Self::Unknown { code: code.to_owned(), data: data.to_vec() });
        };
        let unread = |KeyUnread(key)| EventUnread { kind, key };
        let value = json::read(data).filter(Value::is_object).ok_or(unread(KeyUnread("")))?;
        Self::read_known(kind, Fields(&value)).map_err(unread)
    }

    fn read_known(kind: CustodyEventKind, of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(match kind {
            CustodyEventKind::Created => Self::Created,
            CustodyEventKind::SourceBegun => Self::SourceBegun {
                naming: SourceNaming::read(of)?,
                segment: of.segment("segment")?,
                readers: source::readers(of)?,
                by_other_readers: of.object("unfinished_by_other_readers", |of| {
                    Ok((of.segment("segment")?, source::readers(of)?))
                })?,
                source_changed: of.opt_flag("source_changed_since_unfinished_import")?.unwrap_or_default(),
            },
            CustodyEventKind::ItemsCommitted => Self::ItemsCommitted(CommitTally::read(of)?),
            CustodyEventKind::ImportStopped => Self::ImportStopped(CommitTally::read(of)?),
            CustodyEventKind::SourceImported => {
                Self::SourceImported { segment: of.segment("segment")?, stat: SourceStamps::read(of)? }
            }
            CustodyEventKind::SourceSeenAgain => Self::SourceSeenAgain {
                naming: SourceNaming::read(of)?,
                source: of.str("source")?.parse().map_err(|_| KeyUnread("source"))?,
                stat: SourceStamps::read(of)?,
            },
            CustodyEventKind::SourceUnchanged => Self::SourceUnchanged {
                naming: SourceNaming::read(of)?,
                source: of.str("source")?.parse().map_err(|_| KeyUnread("source"))?,
            },
            CustodyEventKind::AccountBegun => Self::AccountBegun(Box::new(AccountStart::read(of)?)),
            CustodyEventKind::AccountSession => Self::AccountSession(Box::new(AccountSession::read(of)?)),
            CustodyEventKind::AccountAcquired => Self::AccountAcquired(AccountRun::read(of)?),
            CustodyEventKind::AccountSeenAgain => Self::AccountSeenAgain(AccountRun::read(of)?),
            CustodyEventKind::AccountStopped => Self::AccountStopped(AccountRun::read(of)?),
            CustodyEventKind::AccountListed => Self::AccountListed(AccountRun::read(of)?),
            CustodyEventKind::Rebuilt => Self::Rebuilt { items: of.uint("items")? },
            CustodyEventKind::Exported => Self::Exported(ExportTally::read(of)?),
            CustodyEventKind::Restored => Self::Restored(RestoreTally::read(of)?),
            CustodyEventKind::TrustSet => Self::TrustSet(TrustWords::read(of)?),
            CustodyEventKind::KeysAdded => Self::KeysAdded(KeyFileCopy::read(of)?),
            CustodyEventKind::Recovered => Self::Recovered {
                cut: of.list("cut", |value| Cut::read(Fields(value)).ok())?,
                head_behind: of.flag("head_behind")?,
            },
            CustodyEventKind::Stopped => Self::Stopped,
        })
    }

    /// The naming of a source that is files, when the event tells one, with the label that it got.
    pub fn source_naming(&self) -> Option<&SourceNaming> {
        match self {
            Self::SourceBegun { naming, .. }
            | Self::SourceSeenAgain { naming, .. }
            | Self::SourceUnchanged { naming, .. } => Some(naming),
            _ => None,
        }
    }

    /// How a run over an account ended, when the event tells it.
    pub fn account_run(&self) -> Option<&AccountRun> {
        match self {
            Self::AccountAcquired(run)
            | Self::AccountSeenAgain(run)
            | Self::AccountStopped(run)
            | Self::AccountListed(run) => Some(run),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
