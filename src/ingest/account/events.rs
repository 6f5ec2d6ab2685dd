//! What the custody log tells of an acquisition (docs/format.md, section 5): all that may differ from run to run.

use crate::acquire::{Account, Books, Folder, Mechanism, Notice, Order, Refetched, Session};
use crate::types::event::{
    AccountSession, AccountStart, BlobRole, EventBlob, EventNotice, FolderRun, FolderSums, RefetchSums,
    SessionTls,
};
use crate::types::json::Obj;
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
    /// Messages that the server listed; of a folder that was not read to its end as many as the server said are in it.
    pub fn listed(&self) -> u64 {
        self.books.as_ref().map_or(self.folder.exists, |books| books.listed)
    }

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

/// What `account_begun` tells.
pub(super) fn begun(
    order: &Order,
    head: &record::Account,
    label: Option<&str>,
    note: Option<&str>,
    resumes: Option<u32>,
) -> AccountStart {
    AccountStart {
        account: head.clone(),
        connections: order.connections as u64,
        insecure_plain: order.trust.insecure_plain,
        label: label.map(str::to_owned),
        list_only: order.list_only,
        note: note.map(str::to_owned),
        pin_sha256: order.trust.pin.as_ref().map(|pin| crate::types::digest::hex(pin)),
        refetch_verify: order.refetch,
        resumes,
        tls_native: order.trust.native,
        url: url(&order.account),
    }
}

/// What `account_session` tells; `blobs` are the certificates, leaf first.
pub(super) fn session(url: &str, session: &Session, blobs: Vec<EventBlob>) -> AccountSession {
    AccountSession {
        address: session.address.clone(),
        capabilities: session.capabilities.to_vec(),
        greeting: session.greeting.clone(),
        mechanism: session.mechanism.map(|mechanism| mechanism_name(mechanism).to_owned()),
        server_id: session.server_id.clone(),
        tls: session.tls.as_ref().map(|tls| SessionTls {
            chain: blobs.iter().map(|blob| blob.sha256).collect(),
            cipher: tls.cipher.clone(),
            library: tls.library.clone(),
            trusted_by: tls.trusted_by.to_string(),
            version: tls.version.clone(),
        }),
        blobs,
        url: url.to_owned(),
    }
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

/// A blob as an event names it.
pub(super) fn blob(hashed: Hashed, what: BlobRole) -> EventBlob {
    EventBlob { sha256: hashed.sha256, len: hashed.len, what }
}

/// A notice as an event tells it; `kept` is the blob that holds what it is about.
pub(super) fn notice(notice: &Notice, kept: Option<&Hashed>) -> EventNotice {
    EventNotice {
        code: notice.code.to_owned(),
        partial: notice.is_partial,
        path: notice.path.clone(),
        sha256: kept.map(|kept| kept.sha256),
        text: notice.text.clone(),
    }
}

/// Writes the counts of messages that were fetched a second time.
pub fn write_refetched(o: &mut Obj<'_>, of: &Refetched) {
    o.uint("alike", of.alike).uint("differ", of.differ).uint("failed", of.failed);
}

/// A folder and its books as an event tells them; of a list, which keeps no books, nothing is said of their balance.
pub(super) fn folder(seen: &FolderSeen, is_list: bool) -> FolderRun {
    let folder = &seen.folder;
    let set = |uids: &[u64]| (!uids.is_empty()).then(|| uid_set(uids));
    let books = seen.books.as_ref();
    FolderRun {
        attributes: folder.attributes.clone(),
        balanced: (!is_list).then(|| seen.is_balanced()),
        books: books.map(|books| FolderSums {
            excluded: books.excluded,
            failed: books.failed,
            gone: books.gone,
            known: books.known,
            listed: books.listed,
            taken: books.taken,
        }),
        bytes: folder.bytes,
        bytes_stored: seen.bytes,
        exists: folder.exists,
        flags_during: books.and_then(|books| set(&books.flags_during)),
        flags_since: books.and_then(|books| set(&books.flags_since)),
        highest_modseq: folder.highest_modseq.map(|modseq| modseq.to_string()),
        mailbox_id: folder.mailbox_id.clone(),
        name: folder.name.clone(),
        path: folder.path.clone(),
        permanent_flags: folder.permanent_flags.clone(),
        refetched: (seen.refetched.all() > 0).then_some(RefetchSums {
            alike: seen.refetched.alike,
            differ: seen.refetched.differ,
            failed: seen.refetched.failed,
        }),
        stored: seen.stored,
        uid_next: folder.uid_next,
        uid_validity: folder.uid_validity,
        unseen: folder.unseen,
        vanished: books.and_then(|books| set(&books.vanished)),
    }
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
