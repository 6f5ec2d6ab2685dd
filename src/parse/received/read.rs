//! One `Received` field, from its bytes to a hop.

use super::clauses::{Draft, begins, is_keyword};
use super::family::{Family, First};
use super::ip::IpScope;
use super::lex::{self, Kind, Span, Tokens};
use super::protocol::Protocol;
use super::shape::Shape;
use super::{Auth, Grade, Hop, HopClass, Rdns, Tls};
use crate::parse::date::{self, DateReading};
use crate::parse::idclock::queue_id;
use crate::types::time::UtcMs;
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

/// A field is read up to here.
const MAX_FIELD: usize = 64 * 1024;

/// What of a field is read: up to the last blank before the limit, so that no part of a word is taken for the word.
fn beginning(whole: &[u8]) -> &[u8] {
    match whole.get(..MAX_FIELD) {
        Some(head) if whole.len() > MAX_FIELD => {
            let end = head.iter().rposition(u8::is_ascii_whitespace).unwrap_or_default();
            head.get(..end).unwrap_or_default()
        }
        _ => whole,
    }
}

pub(super) fn field(whole: &[u8], value_at: u64, field_at: ByteRange) -> Parsed<Hop> {
    let text = beginning(whole);
    let mut anomalies = Vec::new();
    let tokens = lex::tokens(text);
    let (date, date_at) = find_date(text, &tokens, value_at, &mut anomalies);
    let mut draft = Draft::default();
    draft.gather(text, tokens.as_slice(), date_at);
    let protocol = draft.protocol(text);
    draft.recognise(text, date.as_ref(), date_at, protocol);
    let place = |span: Span| ByteRange::of_usize(span.from, span.to).shifted(value_at);
    let mut hop = Hop { at: field_at, date, ..Hop::default() };
    draft.fill(text, protocol, &mut hop, &place);
    hop.class = draft.class(text, &hop);
    let balanced = draft.unclosed.is_none()
        && draft.fits_its_family(text, protocol, &anomalies)
        && tokens.unbalanced.is_none()
        && !tokens.over
        && text.len() == whole.len();
    hop.grade = match draft.unclosed {
        _ if balanced && draft.family.builds(draft.shape.as_bytes()) => Grade::Exact,
        Some(_) => grade(&hop).max(Grade::Partial),
        None => grade(&hop),
    };
    let mut note = |kind, span: Option<Span>| anomalies.push(Anomaly::at(kind, span.map_or(field_at, place)));
    if date_at.is_none() {
        note(AnomalyKind::ReceivedDateMissing, None);
    }
    if let Some(at) = tokens.unbalanced {
        note(AnomalyKind::ReceivedCommentUnbalanced, Some(Span::new(at, at.saturating_add(1))));
    }
    if let Some(span) = draft.unclosed {
        note(AnomalyKind::ReceivedBracketUnclosed, Some(span));
    }
    if let Some(span) = draft.peer.ip_invalid {
        note(AnomalyKind::IpInvalid, Some(span));
    }
    if draft.repeated {
        note(AnomalyKind::ReceivedClauseRepeated, None);
    }
    if tokens.over || text.len() < whole.len() {
        note(AnomalyKind::ReceivedOverLimit, None);
    }
    if hop.grade == Grade::Unparsed {
        note(AnomalyKind::ReceivedUnparsed, None);
    }
    Parsed { value: hop, anomalies }
}

/// The build of a field.
pub(super) fn shape(text: &[u8]) -> Shape {
    let text = beginning(text);
    let tokens = lex::tokens(text);
    let (_, date_at) = find_date(text, &tokens, 0, &mut Vec::new());
    let mut draft = Draft::default();
    draft.gather(text, tokens.as_slice(), date_at);
    draft.shape
}

/// The date after the last semicolon that has one, else one at the end of the field; and the bytes it takes, semicolon
/// included.
fn find_date(
    text: &[u8],
    tokens: &Tokens,
    value_at: u64,
    notes: &mut Vec<Anomaly>,
) -> (Option<DateReading>, Option<Span>) {
    let span_of = |reading: &DateReading, from: usize| {
        let end = usize::try_from(reading.at.end().saturating_sub(value_at)).unwrap_or(from);
        Span::new(from, end)
    };
    let mut failed = None;
    for semicolon in tokens.semicolons.iter().rev().flatten().copied() {
        let after = text.get(semicolon.saturating_add(1)..).unwrap_or_default();
        // Some programs put a mark of their own before the date.
        let skip = after.iter().take(16).position(u8::is_ascii_alphanumeric).unwrap_or(0);
        let from = semicolon.saturating_add(1).saturating_add(skip);
        let parsed =
            date::of_hop(after.get(skip..).unwrap_or_default(), value_at.saturating_add(from as u64));
        if let Some(reading) = parsed.value {
            let odd = after.iter().take(skip).any(|b| !b.is_ascii_whitespace() && *b != b'(');
            // `???, 14 May 2024`: it was read behind what is no part of a date.
            if odd && !parsed.anomalies.iter().any(|note| note.kind == AnomalyKind::DateForm) {
                notes.push(Anomaly::at(AnomalyKind::DateForm, reading.at));
            }
            notes.extend(parsed.anomalies);
            return (Some(reading), Some(span_of(&reading, semicolon)));
        }
        if failed.is_none() && !after.trim_ascii().is_empty() {
            failed = Some((parsed.anomalies, Span::new(semicolon, semicolon.saturating_add(1))));
        }
    }
    // Without a semicolon: where a token begins that a date may begin with.
    let list = tokens.as_slice();
    let mut before: &[u8] = b"";
    for token in list {
        let word = token.at().of(text);
        if token.kind == Kind::Word && may_begin_date(word) && !is_keyword(before) {
            let from = token.at().from;
            let rest = text.get(from..).unwrap_or_default();
            let parsed = date::timed(rest, value_at.saturating_add(from as u64));
            if let Some((reading, parsed)) = parsed.and_then(|p| p.value.map(|v| (v, p))) {
                notes.extend(parsed.anomalies);
                return (Some(reading), Some(span_of(&reading, from)));
            }
        }
        before = word;
    }
    match failed {
        Some((anomalies, span)) => {
            notes.extend(anomalies);
            (None, Some(span))
        }
        None => (None, None),
    }
}

/// `Mon,`, `26`, `2018-03-26`.
fn may_begin_date(word: &[u8]) -> bool {
    match word {
        [_, _, _, b','] => true,
        [a, b] => a.is_ascii_digit() && b.is_ascii_digit(),
        [a] | [a, _, _, _, b'-', ..] => a.is_ascii_digit(),
        _ => false,
    }
}

impl Draft {
    fn fill(&mut self, text: &[u8], protocol: Protocol, hop: &mut Hop, place: &dyn Fn(Span) -> ByteRange) {
        if let Some(with) = self.with {
            self.tls.protocol_phrase(text, with);
        }
        let local = self.with.is_some_and(|w| begins(w.of(text), b"local"));
        let peer = &mut self.peer;
        // A literal after `from` counts only when there is nothing else. Where the server wrote beside it what it
        // found, and no address (`[192.0.2.1] (unknown)`), the literal is what the client called itself, except with
        // servers that write the address first.
        let is_claim = matches!(self.family.first(), First::Helo | First::Neither)
            && !peer.helo_marked
            && (peer.state == Rdns::None || peer.name.is_some());
        if let (None, Some(token), false) = (peer.ip, peer.token, is_claim) {
            peer.address(text, token, false);
        }
        let (helo, rdns, state) = peer.roles(text, self.family.first());
        let (helo, rdns) = match self.family {
            // Exim 3 and before: `from rdns (helo) [ip]`
            Family::Exim if peer.name.is_some() && rdns == peer.name && !peer.helo_marked => (rdns, helo),
            // `from user (helo=name) by .. with local-esmtp`: no network, no look-up.
            Family::Exim if peer.ip.is_none() => (helo.filter(|_| peer.helo_marked), None),
            _ if peer.ip.is_none() && peer.auth == Auth::Local && !peer.helo_marked => (None, None),
            // There is no HELO in these.
            _ if matches!(protocol.name, "LOCAL" | "HTTP" | "HTTPREST" | "NNFMP" | "BSMTP")
                || (peer.ip.is_none() && protocol.name.is_empty()) =>
            {
                (helo.filter(|_| peer.helo_marked || peer.name.is_some()), rdns)
            }
            _ => (helo, rdns),
        };
        let undotted = |s: Span| {
            if s.of(text).last() == Some(&b'.') { Span::new(s.from, s.to.saturating_sub(1)) } else { s }
        };
        hop.family = self.family.name();
        hop.software = self.software.map(place);
        hop.from = peer.token.map(place);
        hop.helo = helo.map(place);
        hop.rdns = rdns.map(undotted).map(place);
        hop.rdns_state = if rdns.is_none() && state == Rdns::Found { Rdns::NotTold } else { state };
        if let Some((address, at)) = peer.ip {
            hop.peer_ip = Some(address.ip);
            hop.peer_ip_at = Some(place(at));
            hop.peer_ip_mapped = address.mapped;
            hop.peer_scope = IpScope::of(address.ip);
            hop.peer_port = address.port.or(peer.port);
        }
        hop.by = self.by.map(place);
        hop.by_ip = self.by_ip.map(|a| a.ip);
        hop.via = self.via.map(place);
        hop.with = self.with.map(place);
        hop.protocol = protocol.name;
        hop.id = self.id.filter(|s| !s.is_empty()).map(place);
        if let Some((kind, time)) = self.id.and_then(|s| queue_id(s.of(text), hop.family)) {
            hop.id_kind = kind;
            let offset = if time.local { hop.date.and_then(|d| d.offset_secs_east) } else { Some(0) };
            let ms = |o: i32| time.us.div_euclid(1000).saturating_sub(i64::from(o).saturating_mul(1000));
            hop.id_time = offset.map(ms).map(UtcMs);
        }
        hop.for_ = self.for_.map(place);
        hop.envelope_from = self.sender.map(place);
        hop.auth = match peer.auth {
            Auth::None if protocol.auth && !protocol.name.starts_with("LMTP") => Auth::Sasl,
            Auth::Sasl if protocol.name == "HTTP" => Auth::Webmail,
            // A browser's address before the web server's name.
            Auth::None if protocol.name == "HTTP" && peer.ip.is_some() => Auth::Webmail,
            Auth::None if protocol.name == "LOCAL" || peer.local || local => Auth::Local,
            auth => auth,
        };
        hop.user = peer.user.or(peer.ident).map(place);
        hop.ident = peer.ident.map(place);
        hop.local_uid = peer.uid;
        hop.tls = if self.tls.seen || protocol.tls {
            Tls::Evidence
        } else if self.family.always_tells_tls()
            && matches!(protocol.name, "SMTP" | "ESMTP" | "ESMTPA")
            && !matches!(hop.peer_scope, IpScope::None | IpScope::Loopback)
            || self.family.writes_keywords() && protocol.name == "ESMTPA"
        {
            Tls::AssertedClear
        } else {
            Tls::Unknown
        };
        hop.tls_version = self.tls.version;
        hop.tls_cipher = self.tls.cipher.map(place);
        hop.tls_bits = self.tls.bits;
    }

    fn class(&self, text: &[u8], hop: &Hop) -> HopClass {
        let with = self.with.map_or(&b""[..], |w| w.of(text));
        match self.family {
            Family::Fetch => HopClass::Fetch,
            Family::Amavis => HopClass::FilterLoop,
            Family::Proofpoint | Family::Sendmail
                if self.peer.token.is_some_and(|t| t.of(text) == b"pps.filterd") =>
            {
                HopClass::FilterLoop
            }
            Family::Qmail if with.starts_with(b"qmail-scanner") => HopClass::FilterLoop,
            Family::List => HopClass::List,
            _ if with.starts_with(b"MailboxResubmission") => HopClass::Resubmission,
            _ if matches!(hop.auth, Auth::Local | Auth::Webmail)
                || hop.protocol == "HTTPREST"
                || self.peer.local =>
            {
                HopClass::LocalSubmission
            }
            Family::Gmail | Family::Yahoo if hop.peer_ip.is_none() => HopClass::InternalProvider,
            Family::Groupwise | Family::Facebook => HopClass::InternalProvider,
            Family::Exchange if matches!(hop.protocol, "MAPI" | "HTTPS") => HopClass::InternalProvider,
            Family::Yahoo if with.starts_with(b"NNFMP") => HopClass::InternalProvider,
            _ => HopClass::Network,
        }
    }
}

/// How well a field was read that no grammar fits.
fn grade(hop: &Hop) -> Grade {
    let clauses = [
        hop.from.is_some() || hop.peer_ip.is_some(),
        hop.by.is_some(),
        hop.with.is_some(),
        hop.id.is_some(),
        hop.for_.is_some(),
    ];
    let count = clauses.into_iter().filter(|c| *c).count();
    if hop.by.is_some() && hop.date.is_some() {
        Grade::Generic
    } else if count > 0 || hop.date.is_some() || hop.software.is_some() {
        Grade::Partial
    } else {
        Grade::Unparsed
    }
}
