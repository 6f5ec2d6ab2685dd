//! What the custody log tells of an acquisition (docs/format.md, section 5): all that may differ from run to run.

use crate::acquire::{Account, Books, Folder, Mechanism, Notice, Order, Refetched, Session};
use crate::types::json::{self, Obj};
use crate::types::record;

use super::parcel::Hashed;

/// A folder as it was met in this run, with its books.
#[derive(Clone, Debug, Default)]
pub struct FolderSeen {
    /// As it was opened.
    pub folder: Folder,
    /// Its books; `None` when the run did not come to its end.
    pub books: Option<Books>,
    /// Messages that this run stored.
    pub stored: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What came of fetching them a second time; all zero when that was not asked for.
    pub refetched: Refetched,
}

impl FolderSeen {
    /// Whether each message that the server listed is accounted for, and what was told as taken is stored.
    pub fn is_balanced(&self) -> bool {
        self.books.as_ref().is_some_and(|books| sum(books) == books.listed && books.taken == self.stored)
    }
}

/// What the books account for.
pub fn sum(books: &Books) -> u64 {
    [books.known, books.taken, books.excluded, books.failed, books.gone]
        .into_iter()
        .fold(0, u64::saturating_add)
}

/// The account as people write it, never with a secret.
pub fn url(account: &Account) -> String {
    let port = if account.port == account.scheme.usual_port() {
        String::new()
    } else {
        format!(":{}", account.port)
    };
    let host = if account.host.contains(':') { format!("[{}]", account.host) } else { account.host.clone() };
    format!("{}://{}@{host}{port}", account.scheme.name(), account.user)
}

/// The first line of the segment: who it is and what is wanted.
pub(super) fn head(order: &Order) -> record::Account {
    let account = &order.account;
    let is_pop3 = !account.scheme.is_imap();
    let usual = [143, 993, 110, 995].contains(&account.port);
    let mut folders = order.choice.folders.clone();
    folders.extend(account.folder.clone());
    record::Account {
        kind: if is_pop3 { "pop3" } else { "imap" }.to_owned(),
        host: account.host.to_ascii_lowercase(),
        port: (!usual).then_some(account.port),
        user: account.user.clone(),
        method: is_pop3.then(|| if order.retr { "retr" } else { "top" }.to_owned()),
        folders,
        exclude: order.choice.exclude.clone(),
        since: order.choice.since,
        before: order.choice.before,
        max_size: order.choice.max_size,
    }
}

/// Data of `account_begun`.
pub(super) fn begun(
    order: &Order,
    head: &record::Account,
    label: Option<&str>,
    note: Option<&str>,
    resumes: Option<u32>,
) -> Vec<u8> {
    let mut line = Vec::new();
    record::Record::Account(head.clone()).write_line(&mut line);
    line.pop();
    let mut data = Vec::new();
    let mut o = Obj::new(&mut data);
    o.raw("account", &line).uint("connections", order.connections as u64);
    o.bool("insecure_plain", order.trust.insecure_plain);
    if let Some(label) = label {
        o.str("label", label);
    }
    o.bool("list_only", order.list_only);
    if let Some(note) = note {
        o.str("note", note);
    }
    if let Some(pin) = &order.trust.pin {
        o.str("pin_sha256", &crate::types::digest::hex(pin));
    }
    if order.refetch {
        o.bool("refetch_verify", true);
    }
    if let Some(segment) = resumes {
        o.uint("resumes", u64::from(segment));
    }
    if order.trust.native {
        o.bool("tls_native", true);
    }
    o.str("url", &url(&order.account));
    o.end();
    data
}

/// Data of `account_session`.
pub(super) fn session(url: &str, session: &Session, blobs: &[Blob]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut o = Obj::new(&mut data);
    o.str("address", &session.address);
    write_blobs(&mut o, blobs);
    o.arr("capabilities", &session.capabilities, |out, text| json::text(out, text));
    o.text("greeting", &session.greeting);
    if let Some(mechanism) = session.mechanism {
        o.str("mechanism", mechanism_name(mechanism));
    }
    o.text("server_id", &session.server_id);
    if let Some(tls) = &session.tls {
        o.obj("tls", |o| {
            let chain = blobs.iter().filter(|blob| blob.what == CERTIFICATE);
            o.arr("chain", chain, |out, blob| json::string(out, &blob.hashed.sha256.to_string()));
            o.str("cipher", &tls.cipher);
            if let Some(library) = &tls.library {
                o.str("library", library);
            }
            o.str("trusted_by", tls.trusted_by).str("version", &tls.version);
        });
    }
    o.str("url", url);
    o.end();
    data
}

/// The SASL name of a mechanism.
pub fn mechanism_name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        Mechanism::ScramSha256 => "SCRAM-SHA-256",
        Mechanism::Plain => "PLAIN",
        Mechanism::Login => "LOGIN",
        Mechanism::CramMd5 => "CRAM-MD5",
        Mechanism::Xoauth2 => "XOAUTH2",
        Mechanism::OauthBearer => "OAUTHBEARER",
    }
}

/// What a certificate is called among the blobs of an event.
pub(super) const CERTIFICATE: &str = "certificate";
/// What a piece of the transcript is called among them.
pub(super) const TRANSCRIPT: &str = "transcript";
/// What a body of a message is called among them that is not alike the one which counts.
pub(super) const OTHER: &str = "other-body";

/// A blob that an event names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blob {
    pub hashed: Hashed,
    pub what: &'static str,
}

/// Writes `blobs`: `[digest, length, what]` each.
pub(super) fn write_blobs(o: &mut Obj<'_>, blobs: &[Blob]) {
    if blobs.is_empty() {
        return;
    }
    o.arr("blobs", blobs, |out, blob| {
        out.push(b'[');
        json::string(out, &blob.hashed.sha256.to_string());
        out.push(b',');
        json::uint(out, blob.hashed.len);
        out.push(b',');
        json::string(out, blob.what);
        out.push(b']');
    });
}

/// Writes a notice as an element of `notices`; `kept` is the blob that holds what it is about.
pub(super) fn notice(out: &mut Vec<u8>, notice: &Notice, kept: Option<&Hashed>) {
    let mut o = Obj::new(out);
    o.str("code", notice.code).bool("partial", notice.is_partial);
    if let Some(path) = &notice.path {
        o.text("path", path.as_bytes());
    }
    if let Some(kept) = kept {
        o.digest("sha256", &kept.sha256);
    }
    o.str("text", &notice.text);
    o.end();
}

/// Writes the counts of messages that were fetched a second time.
pub fn write_refetched(o: &mut Obj<'_>, of: &Refetched) {
    o.uint("alike", of.alike).uint("differ", of.differ).uint("failed", of.failed);
}

/// Writes a folder and its books as an element of `folders`; of a list, which keeps no books, nothing is said of their balance.
pub(super) fn folder(out: &mut Vec<u8>, seen: &FolderSeen, is_list: bool) {
    let folder = &seen.folder;
    let mut o = Obj::new(out);
    let list = |o: &mut Obj<'_>, key: &'static str, words: &[Vec<u8>]| {
        if !words.is_empty() {
            o.arr(key, words, |out, word| json::text(out, word));
        }
    };
    let number = |o: &mut Obj<'_>, key: &'static str, value: Option<u64>| {
        if let Some(value) = value {
            o.uint(key, value);
        }
    };
    let set = |o: &mut Obj<'_>, key: &'static str, uids: &[u64]| {
        if !uids.is_empty() {
            o.str(key, &uid_set(uids));
        }
    };
    list(&mut o, "attributes", &folder.attributes);
    if !is_list {
        o.bool("balanced", seen.is_balanced());
    }
    if let Some(books) = &seen.books {
        o.obj("books", |o| {
            o.uint("excluded", books.excluded).uint("failed", books.failed).uint("gone", books.gone);
            o.uint("known", books.known).uint("listed", books.listed).uint("taken", books.taken);
        });
    }
    number(&mut o, "bytes", folder.bytes);
    o.uint("bytes_stored", seen.bytes).uint("exists", folder.exists);
    if let Some(books) = &seen.books {
        set(&mut o, "flags_during", &books.flags_during);
        set(&mut o, "flags_since", &books.flags_since);
    }
    if let Some(modseq) = folder.highest_modseq {
        o.str("highest_modseq", &modseq.to_string());
    }
    if let Some(id) = &folder.mailbox_id {
        o.text("mailbox_id", id);
    }
    o.str("name", &folder.name).text("path", folder.path.as_bytes());
    list(&mut o, "permanent_flags", &folder.permanent_flags);
    if seen.refetched.all() > 0 {
        o.obj("refetched", |o| write_refetched(o, &seen.refetched));
    }
    o.uint("stored", seen.stored);
    number(&mut o, "uid_next", folder.uid_next);
    number(&mut o, "uid_validity", folder.uid_validity);
    number(&mut o, "unseen", folder.unseen);
    if let Some(books) = &seen.books {
        set(&mut o, "vanished", &books.vanished);
    }
    o.end();
}

/// UIDs as IMAP writes sets of them (RFC 9051 section 9, `sequence-set`): `1:5,9`; ascending, without doubles.
pub fn uid_set(uids: &[u64]) -> String {
    use std::fmt::Write as _;
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut out = String::new();
    for run in sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let comma = if out.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        if first == last {
            write!(out, "{comma}{first}").unwrap_or_default();
        } else {
            write!(out, "{comma}{first}:{last}").unwrap_or_default();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_written_as_imap_writes_sets() {
        assert_eq!(uid_set(&[]), "");
        assert_eq!(uid_set(&[9, 2, 1, 3, 3, u64::MAX]), format!("1:3,9,{}", u64::MAX));
    }

    #[test]
    fn books_balance_only_when_everything_listed_is_accounted_for() {
        let books =
            Books { listed: 5, known: 1, taken: 2, excluded: 1, failed: 0, gone: 1, ..Books::default() };
        let seen = |books: Books, stored| FolderSeen { books: Some(books), stored, ..FolderSeen::default() };
        assert!(seen(books.clone(), 2).is_balanced());
        assert!(!seen(books.clone(), 1).is_balanced());
        assert!(!seen(Books { listed: 6, ..books }, 2).is_balanced());
        assert!(!FolderSeen::default().is_balanced());
    }
}
