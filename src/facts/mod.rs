//! Parsed values to facts with their places; pure.

pub mod derive;
mod file_cursor;
pub mod files;
mod flowed;
mod guess;
pub mod hops;
mod ids;
mod parts;
mod people;
mod protected;
mod state;
mod text;

use std::ops::Range;
use std::sync::Arc;

pub use crate::parse::date::DateReading;
pub use crate::parse::header::one_line;
pub use crate::parse::received::{Auth, Grade, Hop, HopClass, IpScope, Rdns, Tls, family_names};
use crate::types::{Anomaly, ByteRange, Sha256Digest};
pub use hops::MAX_HOPS;
pub use ids::mih;
pub use protected::protected_fields;

/// Most bytes of a message that are read when it is too long for memory; all of it is hashed and stored.
pub const PARSE_LIMIT: u64 = 32 << 20;

/// Bytes of the slice that surely hold so many of the message: un-escaping takes one byte in seven at most.
pub const PARSE_LIMIT_SLICE: u64 = PARSE_LIMIT + PARSE_LIMIT / 6;

/// An address of a message: `display <local@domain>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Decoded display name; empty when there is none.
    pub name: String,
    /// `local@domain` as written, comments and folding removed; empty when none could be read.
    pub address: String,
}

/// Which field an address stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// From.
    From = 0,
    /// Sender.
    Sender = 1,
    /// Reply-To.
    ReplyTo = 2,
    /// To.
    To = 3,
    /// Cc.
    Cc = 4,
    /// Bcc.
    Bcc = 5,
    /// Return-Path.
    ReturnPath = 6,
    /// Delivered-To, X-Original-To, Envelope-To.
    DeliveredTo = 7,
    /// Resent-From, Resent-Sender.
    ResentFrom = 8,
    /// Resent-To, Resent-Cc, Resent-Bcc.
    ResentTo = 9,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::From,
        Self::Sender,
        Self::ReplyTo,
        Self::To,
        Self::Cc,
        Self::Bcc,
        Self::ReturnPath,
        Self::DeliveredTo,
        Self::ResentFrom,
        Self::ResentTo,
    ];

    /// The word that outputs hold.
    pub fn word(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Sender => "sender",
            Self::ReplyTo => "reply-to",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::ReturnPath => "return-path",
            Self::DeliveredTo => "delivered-to",
            Self::ResentFrom => "resent-from",
            Self::ResentTo => "resent-to",
        }
    }
}

/// One address and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFact {
    /// The field.
    pub role: Role,
    /// The address.
    pub mailbox: Mailbox,
    /// The field's value, in the message.
    pub at: ByteRange,
}

/// A decoded header text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFact {
    /// Decoded; bytes that no charset explains are U+FFFD.
    pub text: String,
    /// The field's value, in the message.
    pub at: ByteRange,
}

/// A file or part that a reader would save: everything that is not the text of the message or a multipart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// MIME part path such as `2.1`; for a uuencoded or yEnc file the path of the text and `#n`.
    pub part: String,
    /// The claimed name, decoded; empty when there is none. Never a path.
    pub name: String,
    /// `type/subtype` in lower case as stated; empty when not stated.
    pub content_type: String,
    /// `attachment`, `inline` or empty, as stated.
    pub disposition: String,
    /// Transfer encoding as stated, lower case: `base64`, `quoted-printable`, `7bit`, `uuencode`, `yenc` ..
    pub encoding: String,
    /// Bytes after decoding.
    pub size: u64,
    /// Digest of the decoded bytes.
    pub sha256: Sha256Digest,
    /// The encoded bytes, in the message.
    pub at: ByteRange,
}

/// A message inside a message (`message/rfc822`): an item of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildPlace {
    /// Part path below the top message, such as `2.1`.
    pub part: String,
    /// Where it stands in the decoded bytes of its parent (the message it is directly in).
    pub in_parent: ByteRange,
    /// Where it stands in the top message's bytes, when every encoding on the way is the identity.
    pub in_message: Option<ByteRange>,
}

/// Why something of an item cannot be found by its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotIndexed {
    /// Part path; empty for the whole item.
    pub part: String,
    /// `encrypted`, `charset-unknown`, `charset-unstated`, `over-limit`, `binary`, `parser-failed`.
    pub reason: &'static str,
}

/// Everything that was read from one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFacts {
    /// `None` for the message itself.
    pub child: Option<ChildPlace>,
    /// Size of the message (or child) in bytes, un-escaped.
    pub size: u64,
    /// Digest of those bytes for a child; for the message itself the ledger holds it.
    pub child_sha256: Option<(Sha256Digest, Sha256Digest)>,
    /// First Message-ID: its `<..>` token, or the value without comments where there is none.
    pub message_id: Option<TextFact>,
    /// Its bytes, when they are not UTF-8: then the text above has U+FFFD in it.
    pub message_id_bytes: Option<Box<[u8]>>,
    /// EDRM Message Identification Hash 1.0, lower-case hex.
    pub mih: Option<String>,
    /// Message ids of In-Reply-To and References, brackets kept, in order.
    pub references: Vec<String>,
    /// The Date field as it stands, unfolded.
    pub date_raw: Option<TextFact>,
    /// The Date field, read.
    pub date: Option<DateReading>,
    /// First Subject, decoded.
    pub subject: Option<TextFact>,
    /// All addresses, in field order.
    pub addresses: Vec<AddressFact>,
    /// `Received` fields in file order: newest first.
    pub hops: Vec<Hop>,
    /// `Received` fields there are, when more than were read.
    pub hops_total: u64,
    /// Attachments in order.
    pub attachments: Vec<Attachment>,
    /// Maildir-independent mailbox state: `Status`, `X-Status`, `X-Mozilla-Status` as words (`read`, `expunged` ..).
    pub state: Vec<&'static str>,
    /// Labels that a field of the message tells (X-Gmail-Labels of Takeout), decoded.
    pub labels: Vec<String>,
    /// What could not be indexed.
    pub not_indexed: Vec<NotIndexed>,
    /// What was odd.
    pub anomalies: Vec<Anomaly>,
}

impl ItemFacts {
    /// The addresses in one kind of field, in order.
    pub fn in_role(&self, role: Role) -> impl Iterator<Item = &Mailbox> {
        self.addresses.iter().filter(move |a| a.role == role).map(|a| &a.mailbox)
    }
}

/// Where in a message some text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// Text that a reader sees.
    Body,
    /// Text of an HTML part that a reader does not see.
    Hidden,
    /// Other header fields than those that are facts of their own, as `Name: value` lines, decoded.
    Header,
    /// A subject beside that of the message: one that a part protects.
    Subject,
    /// A name of an attachment beside the one that is shown.
    Name,
}

/// What a part whose text was taken is to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRole {
    /// Text of the message itself.
    Body,
    /// A file: an attachment whose content is text.
    File,
    /// What stands before, between and after the parts of a multipart.
    Around,
}

/// A part whose text was taken. Its names are shared: a part that files are taken out of is labelled anew behind each
/// of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPart {
    /// Number of its first stretch in [`ItemText::stretches`]; its last one is before the next part's first.
    pub first: usize,
    /// Part path; empty for a multipart that is the message itself.
    pub path: Arc<str>,
    /// `type/subtype` as stated; empty when not stated.
    pub content_type: Arc<str>,
    /// What it is to the message.
    pub role: TextRole,
    /// Claimed name of a file; may be empty.
    pub name: Arc<str>,
}

/// The text of one message for the index; reused from item to item.
#[derive(Clone, Debug, Default)]
pub struct ItemText {
    /// All text, one stretch after the other.
    pub text: String,
    /// The stretches: zone and byte range of `text`. Words never run across stretches.
    pub stretches: Vec<(Zone, Range<usize>)>,
    /// The parts that stretches of [`Zone::Body`] and [`Zone::Hidden`] are from, in order.
    pub parts: Vec<TextPart>,
}

impl ItemText {
    /// The part that a stretch of body or hidden text is from.
    pub fn part_of(&self, stretch: usize) -> Option<&TextPart> {
        // They stand in the order of their first stretches; of those that begin at one, the last has it.
        let after = self.parts.partition_point(|p| p.first <= stretch);
        self.parts.get(after.checked_sub(1)?)
    }

    /// Forgets the text and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.stretches.clear();
        self.parts.clear();
    }

    /// Ends a stretch that began at `from` bytes of `text`.
    pub fn close(&mut self, zone: Zone, from: usize) {
        if self.text.len() > from {
            self.stretches.push((zone, from..self.text.len()));
        }
    }
}
