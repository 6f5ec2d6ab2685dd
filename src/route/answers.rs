//! Where a message came from: never one bare address, always who says so.

use std::net::IpAddr;

use super::Mail;
use super::networks::literal;
use super::settings::Settings;
use super::trust::{Drawn, Trust};
use crate::parse::received::{Auth, IpScope};
use crate::types::ByteRange;

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// A server of the recipient.
    Attested,
    /// The sender's side, in a hop below the boundary.
    Claimed,
    /// A header field that any sender can write.
    HeaderField,
}

impl Level {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Claimed => "claimed",
            Self::HeaderField => "header-field",
        }
    }
}

/// One address, and who says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address.
    pub ip: IpAddr,
    /// Who says it.
    pub level: Level,
    /// The hop that holds it; `None` for a header field.
    pub hop: Option<usize>,
    /// Where it stands in the message.
    pub at: Option<ByteRange>,
    /// The name under which the client signed in, where the hop tells it.
    pub user: Option<ByteRange>,
    /// The header field's name; empty for a hop.
    pub field: String,
}

/// The answer block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The address that the recipient's last server saw: the last attested fact.
    pub attested_peer: Option<Answer>,
    /// The address from which somebody signed in to hand the message over.
    pub submission: Option<Answer>,
    /// The oldest public address that any hop names.
    pub earliest_claimed: Option<Answer>,
    /// An address of an inner network that came along.
    pub lan: Option<Answer>,
    /// Header fields in which some programs and providers write the sender's address, in the order they stand.
    pub fields: Vec<Answer>,
}

/// Fields that hold a sender's address.
pub(super) const FIELDS: &[&str] = &[
    "x-originating-ip",
    "x-sender-ip",
    "x-yahoo-post-ip",
    "x-aol-ip",
    "x-apparently-from",
    "x-source-ip",
    "x-client-ip",
    "x-remote-ip",
    "x-real-ip",
    "x-eip",
    "x-senderip",
    "x-mailer-ip",
    "x-ms-exchange-organization-connectingip",
    "x-ms-exchange-crosstenant-originalattributedtenantconnectingip",
    "x-php-originating-script",
    "x-forefront-antispam-report",
];

pub(super) fn is_public(scope: IpScope, settings: &Settings) -> bool {
    matches!(scope, IpScope::Public | IpScope::SixToFour | IpScope::Teredo)
        || scope == IpScope::Documentation && settings.teaching_addresses
}

pub(super) fn answers(mail: &Mail<'_>, drawn: &Drawn, settings: &Settings) -> Answers {
    let mut out = Answers::default();
    let hops = &mail.facts.hops;
    let level = |at: usize| match drawn.trust.get(at) {
        Some(Trust::Attested | Trust::Boundary) => Level::Attested,
        _ => Level::Claimed,
    };
    let answer = |at: usize| {
        let hop = hops.get(at)?;
        let (ip, user) = (hop.peer_ip?, hop.user.filter(|_| hop.auth != Auth::None));
        Some(Answer { ip, level: level(at), hop: Some(at), at: hop.peer_ip_at, user, field: String::new() })
    };
    out.attested_peer = drawn.boundary.and_then(answer);
    for (at, hop) in hops.iter().enumerate().rev() {
        let Some(here) = answer(at) else { continue };
        if out.earliest_claimed.is_none() && is_public(hop.peer_scope, settings) {
            out.earliest_claimed = Some(here.clone());
        }
        if out.submission.is_none() && matches!(hop.auth, Auth::Sasl | Auth::Webmail) {
            out.submission = Some(here);
        }
    }
    out.lan = lan(mail, settings).map(|(at, ip, range)| Answer {
        ip,
        level: Level::Claimed,
        hop: Some(at),
        at: range,
        user: None,
        field: String::new(),
    });
    out.fields = fields(mail);
    out
}

/// What header fields say of the sender's address, in the order they stand.
pub(super) fn fields(mail: &Mail<'_>) -> Vec<Answer> {
    let mut out = Vec::new();
    for field in &mail.header.fields {
        let is_one = |name: &&&str| field.name.eq_ignore_ascii_case(name.as_bytes());
        let Some(name) = FIELDS.iter().find(is_one) else { continue };
        for (ip, at) in addresses(field.value) {
            let at = ByteRange::of_usize(at.start, at.end).shifted(field.value_at.start());
            out.push(Answer {
                ip,
                level: Level::HeaderField,
                hop: None,
                at: Some(at),
                user: None,
                field: (*name).to_owned(),
            });
        }
    }
    out
}

/// The address of an inner network that the oldest hops tell: as the name that a client called itself, or as the peer.
fn lan(mail: &Mail<'_>, settings: &Settings) -> Option<(usize, IpAddr, Option<ByteRange>)> {
    for (at, hop) in mail.facts.hops.iter().enumerate().rev() {
        if let Some((ip, IpScope::Private | IpScope::Cgnat | IpScope::LinkLocal)) =
            literal(mail.bytes(hop.helo))
        {
            return Some((at, ip, hop.helo));
        }
        if matches!(hop.peer_scope, IpScope::Private | IpScope::Cgnat) {
            return Some((at, hop.peer_ip?, hop.peer_ip_at));
        }
        if is_public(hop.peer_scope, settings) {
            return None;
        }
    }
    None
}

/// Address literals in a field's value, at most eight.
fn addresses(value: &[u8]) -> Vec<(IpAddr, std::ops::Range<usize>)> {
    let mut out = Vec::new();
    let part = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
    let mut at = 0;
    while at < value.len() && out.len() < 8 {
        let Some(from) = value.get(at..).and_then(|rest| rest.iter().position(|&b| part(b))) else { break };
        let from = at + from;
        let len = value.get(from..).map_or(0, |rest| rest.iter().take_while(|&&b| part(b)).count());
        let text = value.get(from..from + len).unwrap_or_default();
        // `CIP:192.0.2.1;` and `192.0.2.1:25`.
        let trimmed = text.iter().take_while(|&&b| b == b':').count();
        let body = text.get(trimmed..).unwrap_or_default();
        if let Some((ip, _)) = literal(body).filter(|_| body.iter().any(|&b| b == b'.' || b == b':')) {
            out.push((ip, from + trimmed..from + len));
        }
        at = from + len.max(1);
    }
    out
}
