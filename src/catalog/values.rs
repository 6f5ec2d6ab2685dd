//! What a row tells beside its plain values.

use std::net::IpAddr;
use std::sync::Arc;

use crate::facts::Role;
use crate::types::server::ServerState;
use crate::types::time::UtcMs;
use crate::types::{AnomalyKind, ByteRange, Sha256Digest};

/// Digests of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowDigests {
    /// Of the bytes as found.
    pub sha256: Sha256Digest,
    /// Of the wire form.
    pub wire: Sha256Digest,
}

/// A person in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// The field.
    pub role: Role,
    /// Decoded display name; may be empty.
    pub name: Arc<str>,
    /// `local@domain` as written; may be empty.
    pub address: Arc<str>,
}

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentRow {
    /// Part path.
    pub part: String,
    /// The claimed name, decoded.
    pub name: String,
    /// `type/subtype`.
    pub content_type: Arc<str>,
    /// `attachment`, `inline` or empty.
    pub disposition: Arc<str>,
    /// Transfer encoding.
    pub encoding: Arc<str>,
    /// Bytes after decoding.
    pub size: u64,
    /// Digest of the decoded bytes.
    pub sha256: Sha256Digest,
    /// The encoded bytes, in the message.
    pub at: ByteRange,
}

/// An anomaly of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// Its code.
    pub code: Arc<str>,
    /// Its row in the table, when this version has it.
    pub kind: Option<AnomalyKind>,
    /// Where; in the container for those of the source's reader, else in the message.
    pub at: Option<ByteRange>,
    /// What more there is to say.
    pub detail: Option<String>,
    /// Whether the reader of the source saw it: then it stands in the ledger too.
    pub of_source: bool,
}

/// The rest of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoreRow {
    /// Whether the instant is certain.
    pub zone_known: bool,
    /// The Date field as it stands, where no date could be read from it.
    pub date_raw: Option<String>,
    /// Where a child stands in the top message's bytes, when every encoding on the way is the identity.
    pub in_message: Option<ByteRange>,
    /// `Received` fields there are: more than hops when not all were read.
    pub hops_total: u64,
    /// Mailbox state.
    pub state: Vec<Arc<str>>,
    /// Part path and reason of what is not indexed.
    pub not_indexed: Vec<(String, Arc<str>)>,
    /// What the server said of it, when it was acquired from an account.
    pub server: Option<ServerState>,
}

/// A hop. Texts are bytes of the message; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HopRow<'a> {
    /// The whole field.
    pub at: ByteRange,
    /// What it says of the two servers.
    pub relay: RelayRow<'a>,
    /// The id.
    pub id: Option<&'a [u8]>,
    /// The envelope recipient.
    pub for_: Option<&'a [u8]>,
    /// The envelope sender.
    pub envelope_from: Option<&'a [u8]>,
    /// The user who signed in.
    pub user: Option<&'a [u8]>,
    /// The client's port.
    pub peer_port: Option<u16>,
    /// The instant.
    pub date: Option<UtcMs>,
    /// Its offset in seconds east, where one could be read.
    pub zone: Option<i32>,
    /// Whether the instant is certain.
    pub zone_known: bool,
}

/// What a hop says of a pair of servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayRow<'a> {
    /// The server's own name.
    pub by: Option<&'a [u8]>,
    /// What the client called itself.
    pub helo: Option<&'a [u8]>,
    /// The name that the server found.
    pub rdns: Option<&'a [u8]>,
    /// The first token after `from`.
    pub from: Option<&'a [u8]>,
    /// `via`.
    pub via: Option<&'a [u8]>,
    /// `with` as written.
    pub with: Option<&'a [u8]>,
    /// The words that name the software.
    pub software: Option<&'a [u8]>,
    /// The address that the server saw.
    pub peer_ip: Option<IpAddr>,
    /// The server's own address.
    pub by_ip: Option<IpAddr>,
    /// Kind of server.
    pub family: &'a str,
    /// Transmission keyword.
    pub protocol: &'a str,
    /// Code of the grade.
    pub grade: &'a str,
    /// Code of the class.
    pub class: &'a str,
    /// Code of the scope of the address.
    pub scope: &'a str,
    /// Code of encryption.
    pub tls: &'a str,
    /// Version of TLS.
    pub tls_version: &'a str,
    /// Code of what the look-up of the client's name gave.
    pub rdns_state: &'a str,
}
