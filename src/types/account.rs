//! Ledger lines of an account on a server: who it is, and its folders (docs/format.md, section 4).

use super::json::{self, Obj, Value};
use super::path::RelPath;

/// First line of a segment that holds what was acquired from an account.
///
/// Nothing in it differs between a run that went through and one that was cut off and resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// `imap` or `pop3`.
    pub kind: String,
    /// The server, as named, in lower case.
    pub host: String,
    /// The port, where it is none of the usual ones (143, 993, 110, 995).
    pub port: Option<u16>,
    /// The user, as named.
    pub user: String,
    /// `top` or `retr`: how POP3 was asked for messages.
    pub method: Option<String>,
    /// Folders that were asked for; empty for all.
    pub folders: Vec<String>,
    /// Folders that were not wanted.
    pub exclude: Vec<String>,
    /// Only messages from this second on (INTERNALDATE, seconds since 1970 UTC).
    pub since: Option<i64>,
    /// Only messages before this second.
    pub before: Option<i64>,
    /// Only messages of at most so many octets as announced.
    pub max_size: Option<u64>,
}

impl Account {
    /// Whether both are the same mailbox, whatever was asked for.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        (&self.kind, &self.host, self.port, &self.user) == (&other.kind, &other.host, other.port, &other.user)
    }

    /// `imap://user@host` for people, with the port where it is unusual.
    pub fn name(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}@{}{port}", self.kind, self.user, self.host)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        let words = |o: &mut Obj<'_>, key: &'static str, list: &[String]| {
            if !list.is_empty() {
                o.arr(key, list, |out, word| json::string(out, word));
            }
        };
        if let Some(before) = self.before {
            o.int("before", before);
        }
        words(&mut o, "exclude", &self.exclude);
        words(&mut o, "folders", &self.folders);
        o.str("host", &self.host).str("kind", &self.kind);
        if let Some(size) = self.max_size {
            o.uint("max_size", size);
        }
        if let Some(method) = &self.method {
            o.str("method", method);
        }
        if let Some(port) = self.port {
            o.uint("port", u64::from(port));
        }
        if let Some(since) = self.since {
            o.int("since", since);
        }
        o.str("t", "account").str("user", &self.user).uint("v", 2);
        o.end();
    }

    pub(super) fn read(v: &Value) -> Option<Self> {
        let word = |key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
        let words = |key: &str| match v.get(key) {
            Some(list) => list.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect(),
            None => Some(Vec::new()),
        };
        Some(Self {
            kind: word("kind")?,
            host: word("host")?,
            port: v.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()),
            user: word("user")?,
            method: word("method"),
            folders: words("folders")?,
            exclude: words("exclude")?,
            since: v.get("since").and_then(Value::as_i64),
            before: v.get("before").and_then(Value::as_i64),
            max_size: v.get("max_size").and_then(Value::as_u64),
        })
    }
}

/// A folder of an account in one epoch, before the first line about what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Path with its epoch: `INBOX/Sent;UIDVALIDITY=17`; `INBOX` of POP3.
    pub path: RelPath,
    /// Name for people: decoded.
    pub name: String,
    /// Name as the server wrote it, where that differs.
    pub raw: Option<Vec<u8>>,
    /// Hierarchy delimiter.
    pub delimiter: Option<Vec<u8>>,
    /// Attributes of LIST in byte order, without `\Marked` and `\Unmarked`, which come and go.
    pub attributes: Vec<Vec<u8>>,
    /// UIDVALIDITY.
    pub uid_validity: Option<u64>,
    /// MAILBOXID (RFC 8474).
    pub mailbox_id: Option<Vec<u8>>,
}

impl Folder {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut o = Obj::new(out);
        if !self.attributes.is_empty() {
            o.arr("attributes", &self.attributes, |out, word| json::text(out, word));
        }
        if let Some(delimiter) = &self.delimiter {
            o.text("delimiter", delimiter);
        }
        if let Some(id) = &self.mailbox_id {
            o.text("mailbox_id", id);
        }
        o.str("name", &self.name).text("path", self.path.as_bytes());
        if let Some(raw) = &self.raw {
            o.text("raw", raw);
        }
        o.str("t", "folder");
        if let Some(epoch) = self.uid_validity {
            o.uint("uid_validity", epoch);
        }
        o.end();
    }

    pub(super) fn read(v: &Value) -> Option<Self> {
        let text = |key: &str| v.get(key).and_then(json::text_of);
        Some(Self {
            path: RelPath::new(text("path")?),
            name: v.get("name")?.as_str()?.to_owned(),
            raw: text("raw"),
            delimiter: text("delimiter"),
            attributes: match v.get("attributes") {
                Some(list) => list.as_array()?.iter().map(json::text_of).collect::<Option<_>>()?,
                None => Vec::new(),
            },
            uid_validity: v.get("uid_validity").and_then(Value::as_u64),
            mailbox_id: text("mailbox_id"),
        })
    }
}

/// Types of `entry` lines that stand for a message which was listed and not taken.
pub const LEFT: &[(&str, &str)] = &[
    ("excluded", "a rule of the examiner excludes it"),
    ("failed", "the server did not give it"),
    ("gone", "it was gone when it was asked for"),
];
