//! What events tell in figures: commits, exports, restored originals; and what was set or added, word for word.

use crate::types::Sha256Digest;
use crate::types::json::{self, Obj, Value};

use super::account::{EventBlob, EventNotice, read_blobs, write_blobs};
use super::fields::{Fields, KeyUnread, opt_str, opt_uint};
use super::source::FileStateRows;

/// How far a segment is committed, and what was seen on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitTally {
    /// Blobs of an account that no line of the ledger names.
    pub blobs: Vec<EventBlob>,
    /// What the file system said of files just after they were read, where that differs.
    pub files_after: FileStateRows,
    /// What it said of files just before they were read.
    pub files_before: FileStateRows,
    /// The same as the cases frozen as v1 have it, with named keys; never written, kept as it stands.
    pub files_read: Option<Value>,
    /// Items of the segment committed so far, by all runs together.
    pub items: u64,
    /// Exceptions of an acquisition.
    pub notices: Vec<EventNotice>,
    /// The segment; `None` of an account that has none yet.
    pub segment: Option<u32>,
}

/// An export, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportTally {
    /// Attachments written.
    pub attachments: u64,
    /// Bytes of mail.
    pub bytes: u64,
    /// How many things could not be written.
    pub failed: u64,
    /// `eml`, `raw` or `mbox`.
    pub form: String,
    /// Items written.
    pub items: u64,
    /// Digest of `manifest.jsonl`.
    pub manifest_sha256: Option<Sha256Digest>,
    /// The query.
    pub query: String,
    /// The version of the language that it is written in; not told by older events, which are of language 1.
    pub query_language: Option<u64>,
    /// The zone in which its days begin; not told by older events.
    pub query_zone: Option<String>,
    /// The folder.
    pub to: Vec<u8>,
}

/// A restored original, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreTally {
    /// Bytes written.
    pub bytes: u64,
    /// Files written.
    pub files: u64,
    /// Id of the container or source.
    pub id: String,
    /// How many files do not have the digest of the ledger.
    pub inexact: u64,
    /// How many things were not made again.
    pub left_out: u64,
    /// How many are called otherwise than in the record; `None` of programs that could not rename.
    pub renamed: Option<u64>,
    /// The file or folder.
    pub to: Vec<u8>,
}

/// The recipient's side as the examiner wrote it; `route` reads the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustWords {
    /// When the mail was seized, milliseconds since 1970 UTC.
    pub acquired_ms: Option<i64>,
    /// Own servers.
    pub hosts: Vec<String>,
    /// Own networks.
    pub networks: Vec<String>,
    /// Whether clients that signed in count as the recipient's.
    pub signed_in_is_own: bool,
    /// Networks at which users hand in mail.
    pub submission_networks: Vec<String>,
    /// Whether addresses for examples count as real ones.
    pub teaching_addresses: bool,
}

impl TrustWords {
    /// Writes them as the keys of an object that is begun: the data of the event, and how they are shown.
    pub fn write(&self, o: &mut Obj<'_>) {
        let word = |out: &mut Vec<u8>, word: &String| json::string(out, word);
        if let Some(at) = self.acquired_ms {
            o.int("acquired_ms", at);
        }
        o.arr("hosts", &self.hosts, word).arr("networks", &self.networks, word);
        o.bool("signed_in_is_own", self.signed_in_is_own);
        o.arr("submission_networks", &self.submission_networks, word);
        o.bool("teaching_addresses", self.teaching_addresses);
    }
}

/// A key file, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFileCopy {
    /// Its length in bytes.
    pub bytes: u64,
    /// The examiner's note.
    pub note: Option<String>,
    /// Its path as given.
    pub path: Vec<u8>,
    /// Digest of the text.
    pub sha256: Sha256Digest,
    /// The text.
    pub text: Vec<u8>,
}

/// Bytes that an event `recovered` says were cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file, relative to the case.
    pub path: String,
    /// First byte that was cut off; 0 when the whole file was removed.
    pub from: u64,
    /// The length that the file had.
    pub to: u64,
    /// Digest of the bytes cut off.
    pub sha256: Sha256Digest,
}

impl CommitTally {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        write_blobs(o, &self.blobs);
        self.files_after.write("files_after", o);
        self.files_before.write("files_before", o);
        if let Some(rows) = &self.files_read {
            let mut text = Vec::new();
            json::canonical(&mut text, rows);
            o.raw("files_read", &text);
        }
        o.uint("items", self.items);
        if !self.notices.is_empty() {
            o.arr("notices", &self.notices, |out, notice| notice.write(out));
        }
        opt_uint(o, "segment", self.segment.map(u64::from));
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            blobs: read_blobs(of)?,
            files_after: FileStateRows::read(of, "files_after")?,
            files_before: FileStateRows::read(of, "files_before")?,
            files_read: of.0.get("files_read").cloned(),
            items: of.uint("items")?,
            notices: of.list("notices", |value| EventNotice::read(Fields(value)).ok())?,
            segment: of.opt_segment("segment")?,
        })
    }
}

impl ExportTally {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.uint("attachments", self.attachments).uint("bytes", self.bytes).uint("failed", self.failed);
        o.str("form", &self.form).uint("items", self.items);
        if let Some(manifest) = &self.manifest_sha256 {
            o.digest("manifest_sha256", manifest);
        }
        o.str("query", &self.query);
        opt_uint(o, "query_language", self.query_language);
        opt_str(o, "query_zone", self.query_zone.as_deref());
        o.text("to", &self.to);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            attachments: of.uint("attachments")?,
            bytes: of.uint("bytes")?,
            failed: of.uint("failed")?,
            form: of.str("form")?,
            items: of.uint("items")?,
            manifest_sha256: of.opt_digest("manifest_sha256")?,
            query: of.str("query")?,
            query_language: of.opt_uint("query_language")?,
            query_zone: of.opt_str("query_zone")?,
            to: of.text("to")?,
        })
    }
}

impl RestoreTally {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.uint("bytes", self.bytes).uint("files", self.files).str("id", &self.id);
        o.uint("inexact", self.inexact).uint("left_out", self.left_out);
        opt_uint(o, "renamed", self.renamed);
        o.text("to", &self.to);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            bytes: of.uint("bytes")?,
            files: of.uint("files")?,
            id: of.str("id")?,
            inexact: of.uint("inexact")?,
            left_out: of.uint("left_out")?,
            renamed: of.opt_uint("renamed")?,
            to: of.text("to")?,
        })
    }
}

impl TrustWords {
    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            acquired_ms: of.opt_int("acquired_ms")?,
            hosts: of.strings("hosts")?,
            networks: of.strings("networks")?,
            signed_in_is_own: of.opt_flag("signed_in_is_own")?.unwrap_or_default(),
            submission_networks: of.strings("submission_networks")?,
            teaching_addresses: of.opt_flag("teaching_addresses")?.unwrap_or_default(),
        })
    }
}

impl KeyFileCopy {
    pub(super) fn write(&self, o: &mut Obj<'_>) {
        o.uint("bytes", self.bytes);
        opt_str(o, "note", self.note.as_deref());
        o.text("path", &self.path).digest("sha256", &self.sha256).text("text", &self.text);
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        Ok(Self {
            bytes: of.uint("bytes")?,
            note: of.opt_str("note")?,
            path: of.text("path")?,
            sha256: of.digest("sha256")?,
            text: of.text("text")?,
        })
    }
}

impl Cut {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        o.uint("from", self.from).str("path", &self.path).digest("sha256", &self.sha256);
        o.uint("to", self.to);
        o.end();
    }

    pub(super) fn read(of: Fields<'_>) -> Result<Self, KeyUnread> {
        let (from, to) = (of.uint("from")?, of.uint("to")?);
        Ok(Self { path: of.str("path")?, from, to, sha256: of.digest("sha256")? })
    }
}
