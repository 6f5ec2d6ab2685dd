//! What events tell of accounts: what was asked for, who answered, what each folder held, what did not go as it should.

use crate::types::json::{self, Obj, Value};
use crate::types::record::{Account, Record};
use crate::types::{RelPath, Sha256Digest, SourceId};

use super::fields::{Fields, KeyUnread, only_true, opt_flag, opt_str, opt_uint};

/// Data of `account_begun`: what is about to be asked of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStart {
    /// The first line of the ledger segment.
    pub account: Account,
    /// Connections at one time, at most.
    pub connections: u64,
    /// Whether a talk without TLS was allowed.
    pub insecure_plain: bool,
    /// Exhibit label.
    pub label: Option<String>,
    /// Whether only folders, counts and sizes are asked for.
    pub list_only: bool,
    /// The examiner's note.
    pub note: Option<String>,
    /// The digest that the server's certificate must have, in hex.
    pub pin_sha256: Option<String>,
    /// Whether each message is fetched a second time.
    pub refetch_verify: bool,
    /// The pending segment that is gone on with.
    pub resumes: Option<u32>,
    /// Whether the TLS library of the system is used.
    pub tls_native: bool,
    /// The account, never with a secret.
    pub url: String,
}

impl AccountStart {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        let mut line = Vec::new();
        Record::Account(self.account.clone()).write_line(&mut line);
        line.pop();
        o.raw("account", &line).uint("connections", self.connections);
        o.bool("insecure_plain", self.insecure_plain);
        opt_str(o, "label", self.label.as_deref());
        o.bool("list_only", self.list_only);
        opt_str(o, "note", self.note.as_deref());
        opt_str(o, "pin_sha256", self.pin_sha256.as_deref());
        only_true(o, "refetch_verify", self.refetch_verify);
        opt_uint(o, "resumes", self.resumes.map(u64::from));
        only_true(o, "tls_native", self.tls_native);
        o.str("url", &self.url);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let account = of.0.get("account").and_then(Account::read).ok_or(KeyUnread("account"))?;
        Ok(Self {
            account,
            connections: of.uint("connections")?,
            insecure_plain: of.flag("insecure_plain")?,
            label: of.opt_str("label")?,
            list_only: of.opt_flag("list_only")?.unwrap_or_default(),
            note: of.opt_str("note")?,
            pin_sha256: of.opt_str("pin_sha256")?,
            refetch_verify: of.opt_flag("refetch_verify")?.unwrap_or_default(),
            resumes: of.opt_segment("resumes")?,
            tls_native: of.opt_flag("tls_native")?.unwrap_or_default(),
            url: of.str("url")?,
        })
    }
}

/// Data of `account_session`: a connection that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSession {
    /// Address and port of the server.
    pub address: String,
    /// The certificates.
    pub blobs: Vec<EventBlob>,
    /// Before TLS, before sign-in, after it.
    pub capabilities: Vec<Vec<u8>>,
    /// What the server said first.
    pub greeting: Vec<u8>,
    /// SASL name of how we signed in.
    pub mechanism: Option<String>,
    /// What the server calls itself.
    pub server_id: Vec<u8>,
    /// The layer below; `None` without one.
    pub tls: Option<SessionTls>,
    /// The account.
    pub url: String,
}

/// The TLS layer of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTls {
    /// Digests of the certificates, leaf first.
    pub chain: Vec<Sha256Digest>,
    /// Cipher suite.
    pub cipher: String,
    /// The library, where it was not rustls.
    pub library: Option<String>,
    /// What made us trust it.
    pub trusted_by: String,
    /// Protocol version.
    pub version: String,
}

impl AccountSession {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.str("address", &self.address);
        write_blobs(o, &self.blobs);
        o.arr("capabilities", &self.capabilities, |out, text| json::text(out, text));
        o.text("greeting", &self.greeting);
        opt_str(o, "mechanism", self.mechanism.as_deref());
        o.text("server_id", &self.server_id);
        if let Some(tls) = &self.tls {
            o.obj("tls", |o| {
                o.arr("chain", &tls.chain, |out, sha256| json::string(out, &sha256.to_string()));
                o.str("cipher", &tls.cipher);
                opt_str(o, "library", tls.library.as_deref());
                o.str("trusted_by", &tls.trusted_by).str("version", &tls.version);
            });
        }
        o.str("url", &self.url);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let tls = |o: Fields<'_>| {
            Ok(SessionTls {
                chain: o.list("chain", |value| value.as_str()?.parse().ok())?,
                cipher: o.str("cipher")?,
                library: o.opt_str("library")?,
                trusted_by: o.str("trusted_by")?,
                version: o.str("version")?,
            })
        };
        Ok(Self {
            address: of.str("address")?,
            blobs: read_blobs(of)?,
            capabilities: of.texts("capabilities")?,
            greeting: of.text("greeting")?,
            mechanism: of.opt_str("mechanism")?,
            server_id: of.text("server_id")?,
            tls: of.object("tls", tls)?,
            url: of.str("url")?,
        })
    }
}

/// Data of the events that end a run: `account_acquired`, `account_seen_again`, `account_stopped`, `account_listed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRun {
    /// Whether all books balance; `None` of a list, which keeps no books.
    pub balanced: Option<bool>,
    /// Bytes that this run stored.
    pub bytes: u64,
    /// What ended it before its end.
    pub error: Option<String>,
    /// Messages that a rule excluded.
    pub excluded: u64,
    /// Messages that the server did not give.
    pub failed: u64,
    /// The folders, in the order met.
    pub folders: Vec<FolderRun>,
    /// Messages that were gone when they were asked for.
    pub gone: u64,
    /// Messages that this run stored.
    pub items: u64,
    /// Exhibit label.
    pub label: Option<String>,
    /// The newest INTERNALDATE of this run, RFC 3339.
    pub newest_internal_date: Option<String>,
    /// The ledger segment.
    pub segment: Option<u32>,
    /// The source, when its segment is closed.
    pub source: Option<SourceId>,
    /// The account.
    pub url: String,
}

impl AccountRun {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        opt_flag(o, "balanced", self.balanced);
        o.uint("bytes", self.bytes);
        opt_str(o, "error", self.error.as_deref());
        o.uint("excluded", self.excluded).uint("failed", self.failed);
        o.arr("folders", &self.folders, |out, folder| folder.write(out));
        o.uint("gone", self.gone).uint("items", self.items);
        opt_str(o, "label", self.label.as_deref());
        opt_str(o, "newest_internal_date", self.newest_internal_date.as_deref());
        opt_uint(o, "segment", self.segment.map(u64::from));
        opt_str(o, "source", self.source.map(|id| id.to_string()).as_deref());
        o.str("url", &self.url);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let source = of.opt_str("source")?;
        Ok(Self {
            balanced: of.opt_flag("balanced")?,
            bytes: of.uint("bytes")?,
            error: of.opt_str("error")?,
            excluded: of.uint("excluded")?,
            failed: of.uint("failed")?,
            folders: of.list("folders", |value| FolderRun::read(Fields(value)).ok())?,
            gone: of.uint("gone")?,
            items: of.uint("items")?,
            label: of.opt_str("label")?,
            newest_internal_date: of.opt_str("newest_internal_date")?,
            segment: of.opt_segment("segment")?,
            source: match source {
                Some(id) => Some(id.parse().map_err(|_| KeyUnread("source"))?),
                None => None,
            },
            url: of.str("url")?,
        })
    }
}

/// A folder as a run met it: what the server told of it, and the run's books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderRun {
    /// Attributes of LIST as the server wrote them.
    pub attributes: Vec<Vec<u8>>,
    /// Whether its books balance; `None` of a list.
    pub balanced: Option<bool>,
    /// Its books; `None` when the run did not come to its end.
    pub books: Option<FolderSums>,
    /// Bytes of all messages, where the server or a list told them.
    pub bytes: Option<u64>,
    /// Bytes of messages that this run stored.
    pub bytes_stored: u64,
    /// EXISTS.
    pub exists: u64,
    /// UIDs whose flags changed in the midst of this run, as IMAP writes sets.
    pub flags_during: Option<String>,
    /// UIDs whose flags are not what they were when they were taken, as IMAP writes sets.
    pub flags_since: Option<String>,
    /// HIGHESTMODSEQ, decimal: it may be over 2^53.
    pub highest_modseq: Option<String>,
    /// MAILBOXID.
    pub mailbox_id: Option<Vec<u8>>,
    /// Name for people.
    pub name: String,
    /// Path with its epoch.
    pub path: RelPath,
    /// PERMANENTFLAGS.
    pub permanent_flags: Vec<Vec<u8>>,
    /// What came of fetching messages a second time; `None` when none was.
    pub refetched: Option<RefetchSums>,
    /// Messages that this run stored.
    pub stored: u64,
    /// UIDNEXT.
    pub uid_next: Option<u64>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u64>,
    /// UNSEEN.
    pub unseen: Option<u64>,
    /// UIDs of earlier runs that the server lists no more, as IMAP writes sets.
    pub vanished: Option<String>,
}

/// The books of a folder: what was listed, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderSums {
    /// Left by a rule.
    pub excluded: u64,
    /// Not given by the server.
    pub failed: u64,
    /// Gone when asked for.
    pub gone: u64,
    /// In the case before.
    pub known: u64,
    /// Listed by the server.
    pub listed: u64,
    /// Told as taken.
    pub taken: u64,
}

/// What came of fetching messages a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefetchSums {
    /// The same bytes came.
    pub alike: u64,
    /// Other bytes came.
    pub differ: u64,
    /// They were not to be had again.
    pub failed: u64,
}

impl FolderRun {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Obj::new(out);
        let o = &mut object;
        let texts = |o: &mut Obj<'_>, key: &'static str, words: &[Vec<u8>]| {
            if !words.is_empty() {
                o.arr(key, words, |out, word| json::text(out, word));
            }
        };
        texts(o, "attributes", &self.attributes);
        opt_flag(o, "balanced", self.balanced);
        if let Some(books) = &self.books {
            o.obj("books", |o| {
                o.uint("excluded", books.excluded).uint("failed", books.failed).uint("gone", books.gone);
                o.uint("known", books.known).uint("listed", books.listed).uint("taken", books.taken);
            });
        }
        opt_uint(o, "bytes", self.bytes);
        o.uint("bytes_stored", self.bytes_stored).uint("exists", self.exists);
        opt_str(o, "flags_during", self.flags_during.as_deref());
        opt_str(o, "flags_since", self.flags_since.as_deref());
        opt_str(o, "highest_modseq", self.highest_modseq.as_deref());
        if let Some(id) = &self.mailbox_id {
            o.text("mailbox_id", id);
        }
        o.str("name", &self.name).text("path", self.path.as_bytes());
        texts(o, "permanent_flags", &self.permanent_flags);
        if let Some(of) = &self.refetched {
            o.obj("refetched", |o| {
                o.uint("alike", of.alike).uint("differ", of.differ).uint("failed", of.failed);
            });
        }
        o.uint("stored", self.stored);
        opt_uint(o, "uid_next", self.uid_next);
        opt_uint(o, "uid_validity", self.uid_validity);
        opt_uint(o, "unseen", self.unseen);
        opt_str(o, "vanished", self.vanished.as_deref());
        object.end();
    }

    fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let books = |o: Fields<'_>| {
            Ok(FolderSums {
                excluded: o.uint("excluded")?,
                failed: o.uint("failed")?,
                gone: o.uint("gone")?,
                known: o.uint("known")?,
                listed: o.uint("listed")?,
                taken: o.uint("taken")?,
            })
        };
        let refetched = |o: Fields<'_>| {
            Ok(RefetchSums { alike: o.uint("alike")?, differ: o.uint("differ")?, failed: o.uint("failed")? })
        };
        Ok(Self {
            attributes: of.texts("attributes")?,
            balanced: of.opt_flag("balanced")?,
            books: of.object("books", books)?,
            bytes: of.opt_uint("bytes")?,
            bytes_stored: of.uint("bytes_stored")?,
            exists: of.uint("exists")?,
            flags_during: of.opt_str("flags_during")?,
            flags_since: of.opt_str("flags_since")?,
            highest_modseq: of.opt_str("highest_modseq")?,
            mailbox_id: of.opt_text("mailbox_id")?,
            name: of.str("name")?,
            path: RelPath::new(of.text("path")?),
            permanent_flags: of.texts("permanent_flags")?,
            refetched: of.object("refetched", refetched)?,
            stored: of.uint("stored")?,
            uid_next: of.opt_uint("uid_next")?,
            uid_validity: of.opt_uint("uid_validity")?,
            unseen: of.opt_uint("unseen")?,
            vanished: of.opt_str("vanished")?,
        })
    }
}

/// Something that did not go as it should, or that the examiner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventNotice {
    /// Its fixed code.
    pub code: String,
    /// Whether the copy is incomplete for it.
    pub partial: bool,
    /// The folder or message that it is about.
    pub path: Option<RelPath>,
    /// Digest of the blob that holds what it is about.
    pub sha256: Option<Sha256Digest>,
    /// In words.
    pub text: String,
}

impl EventNotice {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        o.str("code", &self.code).bool("partial", self.partial);
        if let Some(path) = &self.path {
            o.text("path", path.as_bytes());
        }
        if let Some(sha256) = &self.sha256 {
            o.digest("sha256", sha256);
        }
        o.str("text", &self.text);
        o.end();
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            code: of.str("code")?,
            partial: of.flag("partial")?,
            path: of.opt_text("path")?.map(RelPath::new),
            sha256: of.opt_digest("sha256")?,
            text: of.str("text")?,
        })
    }

    /// About how many bytes it takes in an event.
    pub fn size_bytes(&self) -> usize {
        let path = self.path.as_ref().map_or(0, |path| path.as_bytes().len());
        self.code.len() + self.text.len() + path + 150
    }
}

/// A blob that an event names and no line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBlob {
    /// Its digest.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub len: u64,
    /// What it is.
    pub what: BlobRole,
}

/// What a blob is that an event names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobRole {
    /// A certificate, DER.
    Certificate,
    /// The next piece of the talk with the server.
    Transcript,
    /// A body that the server gave for a message beside the one which the ledger has.
    OtherBody,
    /// A word that a newer program wrote.
    Other(String),
}

impl BlobRole {
    /// The word of the format.
    pub fn code(&self) -> &str {
        match self {
            Self::Certificate => "certificate",
            Self::Transcript => "transcript",
            Self::OtherBody => "other-body",
            Self::Other(word) => word,
        }
    }

    fn of(word: &str) -> Self {
        let known = [Self::Certificate, Self::Transcript, Self::OtherBody];
        known.into_iter().find(|role| role.code() == word).unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// Writes `blobs`: `[digest, length, what]` each; nothing when there is none.
pub(super) fn write_blobs(o: &mut Obj<'_>, blobs: &[EventBlob]) {
    if blobs.is_empty() {
        return;
    }
    o.arr("blobs", blobs, |out, blob| {
        out.push(b'[');
        json::string(out, &blob.sha256.to_string());
        out.push(b',');
        json::uint(out, blob.len);
        out.push(b',');
        json::string(out, blob.what.code());
        out.push(b']');
    });
}

pub(super) fn read_blobs(of: Fields<'_>) -> Result<Vec<EventBlob>, KeyUnread> {
    of.list("blobs", |value: &Value| {
        Some(EventBlob {
            sha256: value.get(0)?.as_str()?.parse().ok()?,
            len: value.get(1)?.as_u64()?,
            what: BlobRole::of(value.get(2)?.as_str()?),
        })
    })
}
