//! What to copy, from where and how: all that an acquisition is told by the examiner.

use std::path::PathBuf;
use std::time::Duration;

use super::keys::Renewal;

/// Protocol and how it is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// IMAP inside TLS from the first byte, port 993.
    Imaps,
    /// IMAP, STARTTLS before anything secret, port 143.
    Imap,
    /// POP3 inside TLS from the first byte, port 995.
    Pop3s,
    /// POP3, STLS before anything secret, port 110.
    Pop3,
}

/// An account on a server, as its URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Protocol.
    pub scheme: Scheme,
    /// User name, percent-decoded.
    pub user: String,
    /// Host, as written.
    pub host: String,
    /// Port, named or usual.
    pub port: u16,
    /// Folder that the URL names; nothing else is taken then.
    pub folder: Option<String>,
}

/// How TLS is judged.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// A file of certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the server's certificate, which is then trusted whatever it says.
    pub pin: Option<[u8; 32]>,
    /// Whether `imap:` and `pop3:` may go on without TLS; recorded.
    pub insecure_plain: bool,
    /// Whether TLS is that of the system's OpenSSL, old versions too; recorded. Only where [`super::HAS_NATIVE_TLS`]
    /// holds.
    pub native: bool,
}

/// A secret; never shown, not even by `{:?}`.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Keeps it.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes, for the wire alone.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What the examiner signs in with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A password.
    Password(Secret),
    /// An OAuth 2.0 access token.
    Token(Secret),
}

/// Ways to sign in (SASL, and LOGIN or USER/PASS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 5802, RFC 7677, with channel binding.
    ScramSha256Plus,
    /// RFC 5802, RFC 7677.
    ScramSha256,
    /// RFC 4616.
    Plain,
    /// LOGIN of IMAP, USER and PASS of POP3, SASL LOGIN where nothing else is offered.
    Login,
    /// RFC 2195; only when it is named.
    CramMd5,
    /// Google's and Microsoft's XOAUTH2.
    Xoauth2,
    /// RFC 7628.
    OauthBearer,
}

/// What to take.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Folders to take (decoded names; `*` for any run of characters); empty for all.
    pub folders: Vec<String>,
    /// Folders to leave.
    pub exclude: Vec<String>,
    /// Only messages with INTERNALDATE at or after this, in seconds since 1970 UTC.
    pub since: Option<i64>,
    /// Only messages with INTERNALDATE before this.
    pub before: Option<i64>,
    /// Only messages of at most so many octets, as announced.
    pub max_size: Option<u64>,
}

/// What a server may cost us. What is hit is told, never passed over.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest line outside literals, in bytes.
    pub line: usize,
    /// Longest answer outside of message bytes, in bytes.
    pub answer: usize,
    /// Longest message, in bytes.
    pub message: u64,
    /// Message bytes held in memory; a longer one comes in parts.
    pub in_memory: usize,
    /// Octets of such a message that are asked for at a time.
    pub piece: u64,
    /// Most folders, and most messages of a folder.
    pub listed: u64,
    /// Longest silence.
    pub idle: Duration,
    /// Longest time for a connection to stand, TLS included.
    pub connect: Duration,
    /// Times that a broken connection is made anew before giving up.
    pub again: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 << 10,
            answer: 8 << 20,
            message: 4 << 30,
            in_memory: 8 << 20,
            piece: 4 << 20,
            listed: 20_000_000,
            idle: Duration::from_mins(2),
            connect: Duration::from_secs(30),
            again: 3,
        }
    }
}

/// One acquisition.
#[derive(Clone, Debug)]
pub struct Order {
    /// From where.
    pub account: Account,
    /// How TLS is judged.
    pub trust: Trust,
    /// What to sign in with.
    pub credential: Credential,
    /// Where another token comes from when that one is over.
    pub renewal: Option<Renewal>,
    /// Ways to sign in, in the order to try; empty: the best that is offered, never CRAM-MD5.
    pub mechanisms: Vec<Mechanism>,
    /// What to take.
    pub choice: Choice,
    /// Connections at once, for IMAP.
    pub connections: usize,
    /// Whether only folders and counts are to be told.
    pub list_only: bool,
    /// Whether each message is fetched a second time, to see whether the server gives the same bytes again.
    pub refetch: bool,
    /// POP3: fetch by RETR, which some servers take note of.
    pub retr: bool,
    /// POP3: end with QUIT.
    pub quit: bool,
    /// What the server may cost us.
    pub limits: Limits,
}
