//! What is indexed where: the fields, and the forms of the terms that are no words.

use std::net::IpAddr;

use tantivy::columnar::ColumnType;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};

use crate::facts::Role;
use crate::parse::received::literal;
use crate::types::Sha256Digest;

/// Version of files, fields and term forms; an index of another version is made anew.
pub const VERSION: u32 = 6;

/// Version of the rules by which a text is cut into words, as docs/query.md tells them ("What a word is"); an index of
/// other rules is made anew.
pub const WORD_RULES: u32 = 1;

/// A field of words with their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Words {
    /// The decoded subject.
    Subject = 0,
    /// All text of the message, hidden text included.
    Body = 1,
    /// Other header fields.
    Header = 2,
    /// Names of attachments.
    Name = 3,
    /// Names and addresses of people; every word stands behind [`role_byte`].
    People = 4,
}

impl Words {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Subject, Self::Body, Self::Header, Self::Name, Self::People];
}

/// The field of terms that are no words.
pub(super) const FACT: u8 = 5;

/// The field of terms of hops: its lists hold hops, counted through all documents, of each the newest first.
pub(super) const HOP: u8 = 6;

/// Number of fields with terms.
pub(super) const FIELDS: u8 = 7;

/// Beside the fields' lists: places where documents begin (4 bytes each), hashes with their documents, wide ones with
/// their documents or hops, the first hop of each document (4 bytes each), the instant of each hop (8 bytes), and the
/// lengths of all sections.
pub(super) const STARTS: u8 = 100;
pub(super) const HASHES: u8 = 101;
pub(super) const WIDE_HASHES: u8 = 102;
pub(super) const HOP_STARTS: u8 = 103;
pub(super) const HOP_TIMES: u8 = 104;
pub(super) const SECTIONS: u8 = 105;

/// Bytes of a hash that are kept: enough that few wrong items have to be looked at in the catalog. References are
/// not in the catalog, and ids of hops have to tell one hop from another, so that more of their hashes is kept.
pub(super) const NARROW: usize = 4;
pub(super) const WIDE: usize = 7;

/// Whether [`WIDE`] bytes are kept of hashes of this kind. Such kinds come after all others.
pub(super) fn is_wide(kind: u8) -> bool {
    kind >= kind::REFERENCE
}

/// Bytes that are kept of hashes of this kind.
pub(super) fn kept(kind: u8) -> usize {
    if is_wide(kind) { WIDE } else { NARROW }
}

/// The first bytes of a digest, for `Gather::hash` and `Lookup::Hash`.
pub fn hash_of(digest: &[u8]) -> [u8; WIDE] {
    let mut out = [0; WIDE];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

/// Names of the columns.
pub(super) const KEY: &str = "key";
pub(super) const DATE: &str = "date";
pub(super) const SIZE: &str = "size";

/// The schema. Field numbers are those of [`Words`] and [`FACT`].
pub(super) fn schema() -> Schema {
    let mut builder = Schema::builder();
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    for name in ["subject", "body", "header", "name", "people"] {
        builder.add_text_field(name, words.clone());
    }
    builder.add_bytes_field("fact", BytesOptions::default().set_indexed());
    builder.add_bytes_field("hop", BytesOptions::default().set_indexed());
    for name in [KEY, DATE, SIZE] {
        builder.add_u64_field(name, NumericOptions::default().set_fast());
    }
    builder.build()
}

/// All columns, as the writing of them wants it.
pub(super) fn columns() -> Vec<(String, ColumnType)> {
    [KEY, SIZE, DATE].map(|name| (name.to_owned(), ColumnType::U64)).to_vec()
}

pub(super) fn field(number: u8) -> Field {
    Field::from_field_id(u32::from(number))
}

/// The byte before every word of [`Words::People`].
pub fn role_byte(role: Role) -> u8 {
    b'0' + role as u8
}

/// Where in a hop a host name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum HopHost {
    /// The server's own name.
    By = b'B',
    /// The first token after `from`.
    From = b'F',
    /// What the client called itself.
    Helo = b'E',
    /// What the server found for the address.
    Rdns = b'R',
}

/// Kinds of terms that are no words: the first byte of each term.
pub mod kind {
    /// An address: role, host backwards, `@`, local part.
    pub const ADDRESS: u8 = b'A';
    /// The address that a server saw, 16 bytes.
    pub const PEER_IP: u8 = b'I';
    /// A server's own address, 16 bytes.
    pub const BY_IP: u8 = b'J';
    /// The protocol of a hop.
    pub const WITH: u8 = b'W';
    /// The recipient that a hop names.
    pub const FOR: u8 = b'O';
    /// The envelope sender that a hop names.
    pub const ENVELOPE_FROM: u8 = b'V';
    /// The user that a hop names.
    pub const USER: u8 = b'U';
    /// The kind of server that wrote a hop.
    pub const FAMILY: u8 = b'Y';
    /// What a hop tells of encryption.
    pub const TLS: u8 = b'T';
    /// What kind of step a hop is.
    pub const CLASS: u8 = b'C';
    /// The words of a hop that name the software.
    pub const SOFTWARE: u8 = b'S';
    /// Who stands behind a hop.
    pub const TRUST: u8 = b'X';
    /// The id of a rule that found something in the way of the message.
    pub const FINDING: u8 = b'f';
    /// What the recipient's servers recorded of authentication: `dkim=pass`.
    pub const RECORDED: u8 = b'r';
    /// Whether the hash of a DKIM signature fits the body.
    pub const BODY_HASH: u8 = b'b';
    /// The code of an anomaly.
    pub const ANOMALY: u8 = b'a';
    /// `message` or `child`.
    pub const KIND: u8 = b'k';
    /// What there is: `attachment`, `child`, `date` ..
    pub const HAS: u8 = b'h';
    /// A mailbox state such as `read`.
    pub const STATE: u8 = b't';
    /// Why something is not indexed.
    pub const NOT_INDEXED: u8 = b'n';
    /// The stated type of an attachment.
    pub const TYPE: u8 = b'y';
    /// A label that a field of the message tells.
    pub const LABEL: u8 = b'l';

    // What follows is no term: a table of hashes holds it, whose hits are looked at in the catalog.

    /// The digest of the slice.
    pub const SHA256: u8 = 1;
    /// The digest of the wire form, where it is not that of the slice.
    pub const WIRE: u8 = 2;
    /// The digest of an attachment.
    pub const ATTACHMENT: u8 = 3;
    /// The MIH.
    pub const MIH: u8 = 4;
    /// The digest of the Message-ID.
    pub const MESSAGE_ID: u8 = 5;
    /// The digest of a Message-ID that In-Reply-To or References names; its hits need no look.
    pub const REFERENCE: u8 = 0x80;
    /// The digest of the id of a hop, in lower case, with its hop; its hits need no look.
    pub const HOP_ID: u8 = 0x81;

    /// Whether terms of this kind are of hops, not of documents.
    pub fn is_of_hops(kind: u8) -> bool {
        matches!(kind, b'B'..=b'Z' | HOP_ID)
    }
}

/// A hop has no date.
const NO_TIME: i64 = i64::MIN;

/// The number that is kept of a hop's date.
pub(super) fn hop_time(date: Option<(i64, bool)>) -> i64 {
    // Instants are of years below 10000: twice their milliseconds fit.
    date.map_or(NO_TIME, |(ms, is_certain)| ms.clamp(i64::MIN / 4, i64::MAX / 4) * 2 + i64::from(is_certain))
}

/// The date of such a number, and whether its instant is certain.
pub(super) fn hop_time_of(number: i64) -> Option<(i64, bool)> {
    (number != NO_TIME).then_some((number >> 1, number & 1 == 1))
}

/// Longest text kept in a term that is no word; what is longer ends in a digest.
const LONGEST: usize = 140;

/// Longest host name kept, counted from its end.
const LONGEST_HOST: usize = 100;

fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    let from = out.len();
    if text.len() > LONGEST {
        out.extend_from_slice(text.get(..LONGEST / 2).unwrap_or_default());
        out.extend_from_slice(&Sha256Digest::of(&text.to_ascii_lowercase()).as_bytes()[..16]);
        if let Some(head) = out.get_mut(from..from + LONGEST / 2) {
            head.make_ascii_lowercase();
        }
    } else {
        out.extend_from_slice(text);
        if let Some(all) = out.get_mut(from..) {
            all.make_ascii_lowercase();
        }
    }
}

/// A term of `kind` with a text, lower case.
pub fn text_term(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.clear();
    out.push(kind);
    push_text(out, text);
}

/// A Message-ID without angle brackets and blanks (which come from folds), in lower case: the form in which two are
/// compared.
pub fn bare_message_id(id: &str) -> String {
    let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
    bare.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

/// The hash of a Message-ID, for [`kind::MESSAGE_ID`] and [`kind::REFERENCE`].
pub fn message_id_hash(id: &str) -> [u8; WIDE] {
    hash_of(Sha256Digest::of(bare_message_id(id).as_bytes()).as_bytes())
}

/// The hash of the id of a hop, for [`kind::HOP_ID`].
pub fn hop_id_hash(id: &[u8]) -> [u8; WIDE] {
    hash_of(Sha256Digest::of(&id.to_ascii_lowercase()).as_bytes())
}

/// The term of an IP address: IPv4 in its mapped form.
pub fn ip_term(out: &mut Vec<u8>, kind: u8, ip: IpAddr) {
    out.clear();
    out.push(kind);
    let six = match ip {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    out.extend_from_slice(&six.octets());
}

/// A host name with its labels backwards, each followed by a dot, in lower case: `org.example.mx.`
fn push_host(out: &mut Vec<u8>, host: &[u8]) {
    let host = host.strip_suffix(b".").unwrap_or(host);
    // An address as a name is found in every form in which it may be written: `[192.0.2.1]`, `?IPv6:::ffff:192.0.2.1?`.
    let address = literal(host).map(|ip| ip.to_string());
    let host = address.as_deref().map_or(host, str::as_bytes);
    let host = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host);
    let host = host.get(host.len().saturating_sub(LONGEST_HOST)..).unwrap_or(host);
    for label in host.rsplit(|&b| b == b'.') {
        out.extend(label.iter().map(u8::to_ascii_lowercase));
        out.push(b'.');
    }
}

/// The term of a host name in a hop; every term that begins with it is the host itself or a host below it.
pub fn host_term(out: &mut Vec<u8>, place: HopHost, host: &[u8]) {
    out.clear();
    out.push(place as u8);
    push_host(out, host);
}

/// The term of an address: role, host backwards, `@`, local part.
pub fn address_term(out: &mut Vec<u8>, role: Role, address: &str) {
    domain_term(out, role, address.rsplit_once('@').map_or("", |(_, host)| host));
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    out.push(b'@');
    push_text(out, local.as_bytes());
}

/// What the term of every address at `host`, or at a host below it, begins with.
pub fn domain_term(out: &mut Vec<u8>, role: Role, host: &str) {
    out.clear();
    out.push(kind::ADDRESS);
    out.push(role_byte(role));
    push_host(out, host.as_bytes());
}

/// The number of an instant in the date column; order is kept.
pub(super) fn date_number(utc_ms: i64) -> u64 {
    utc_ms.cast_unsigned() ^ (1 << 63)
}

/// The instant of a number in the date column.
pub(super) fn date_of(number: u64) -> i64 {
    (number ^ (1 << 63)).cast_signed()
}
