//! One `Received` field from its tokens: clauses, family, roles, grade.

use super::comment::{About, about};
use super::family::Family;
use super::ip::{IpScope, Reading};
use super::lex::{self, Kind, Span, Token, Tokens};
use super::peer::{Peer, unquoted};
use super::protocol::{self, Protocol};
use super::tls::Words;
use super::{Auth, Grade, Hop, Tls, ip};
use crate::parse::date::{self, DateReading};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

/// A field is read up to here.
const MAX_FIELD: usize = 64 * 1024;

/// The clause that a token stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Clause {
    #[default]
    Start,
    From,
    By,
    Via,
    With,
    Id,
    For,
    Cipher,
    Sender,
}

/// What was gathered from the field.
#[derive(Default)]
struct Draft {
    peer: Peer,
    words: Words,
    family: Family,
    software: Option<Span>,
    by: Option<Span>,
    by_ip: Option<ip::Address>,
    via: Option<Span>,
    via_closed: bool,
    with: Option<Span>,
    with_closed: bool,
    id: Option<Span>,
    for_: Option<Span>,
    sender: Option<Span>,
    repeated: bool,
    qmail_local: bool,
}

pub(super) fn field(whole: &[u8], value_at: u64, field_at: ByteRange) -> Parsed<Hop> {
    let text = whole.get(..MAX_FIELD).unwrap_or(whole);
    let mut anomalies = Vec::new();
    let tokens = lex::tokens(text);
    let (date, date_span) = find_date(text, &tokens, value_at, &mut anomalies);
    let mut draft = Draft::default();
    draft.gather(text, tokens.as_slice(), date_span);
    let protocol = draft.protocol(text);
    draft.recognise(text, date.as_ref(), date_span, protocol);
    let place = |span: Span| ByteRange::of_usize(span.from, span.to).shifted(value_at);
    let mut hop = Hop { at: field_at, date, ..Hop::default() };
    draft.fill(text, protocol, &mut hop, &place);
    hop.grade = draft.grade(&hop);
    let mut note = |kind, span: Option<Span>| anomalies.push(Anomaly::at(kind, span.map_or(field_at, place)));
    if date.is_none() && !draft.qmail_local && date_span.is_none() {
        note(AnomalyKind::ReceivedDateMissing, None);
    }
    if let Some(at) = tokens.unbalanced {
        note(AnomalyKind::ReceivedCommentUnbalanced, Some(Span::new(at, at.saturating_add(1))));
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

/// The date after the last semicolon that has one, else one at the end of the field; and the bytes it takes, semicolon included.
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
        let parsed = date::date(after.get(skip..).unwrap_or_default(), value_at.saturating_add(from as u64));
        if let Some(reading) = parsed.value {
            notes.extend(parsed.anomalies);
            return (Some(reading), Some(span_of(&reading, semicolon)));
        }
        if failed.is_none() && !after.trim_ascii().is_empty() {
            failed = Some((parsed.anomalies, Span::new(semicolon, semicolon.saturating_add(1))));
        }
    }
    // Without a semicolon: where a token begins that a date may begin with.
    let list = tokens.as_slice();
    for (index, token) in list.iter().enumerate() {
        if token.kind != Kind::Word || !may_begin_date(token.at.of(text)) {
            continue;
        }
        if index > 0 && list.get(index.saturating_sub(1)).is_some_and(|t| is_keyword(t.at.of(text))) {
            continue;
        }
        let from = token.at.from;
        let rest = text.get(from..).unwrap_or_default();
        if let Some(parsed) = date::timed(rest, value_at.saturating_add(from as u64))
            && let Some(reading) = parsed.value
        {
            notes.extend(parsed.anomalies);
            return (Some(reading), Some(span_of(&reading, from)));
        }
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

fn is_keyword(word: &[u8]) -> bool {
    keyword(word).is_some()
}

fn keyword(word: &[u8]) -> Option<Clause> {
    let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
    match word.len() {
        2 if is(b"by") => Some(Clause::By),
        2 if is(b"id") => Some(Clause::Id),
        3 if is(b"for") => Some(Clause::For),
        3 if is(b"via") => Some(Clause::Via),
        3 if is(b"tls") => Some(Clause::Cipher),
        4 if is(b"from") => Some(Clause::From),
        4 if is(b"with") => Some(Clause::With),
        13 if is(b"envelope-from") => Some(Clause::Sender),
        15 if is(b"envelope-sender") => Some(Clause::Sender),
        _ => None,
    }
}

impl Draft {
    fn gather(&mut self, text: &[u8], list: &[Token], date: Option<Span>) {
        let mut clause = Clause::Start;
        let mut wants = false;
        let mut seen = [false; 9];
        let mut in_date = false;
        for (index, token) in list.iter().enumerate() {
            if date.is_some_and(|d| token.at.from >= d.from && token.at.from < d.to) {
                in_date = true;
                continue;
            }
            if in_date {
                (in_date, wants, clause) = (false, false, Clause::Start);
            }
            if token.kind == Kind::Semicolon {
                continue;
            }
            if token.kind == Kind::Comment {
                self.comment(text, token.at, clause);
                wants &= clause == Clause::By || clause == Clause::Id;
                continue;
            }
            let next = list.get(index.saturating_add(1));
            if token.kind == Kind::Word
                && let Some(word) = keyword(token.at.of(text))
                && self.opens(
                    text,
                    word,
                    clause,
                    wants,
                    &seen,
                    list.get(index.saturating_add(1)..).unwrap_or_default(),
                )
            {
                let sender = word == Clause::From && seen.get(1) == Some(&true);
                clause = if sender { Clause::Sender } else { word };
                if let Some(slot) = seen.get_mut(clause as usize) {
                    *slot = true;
                }
                wants = true;
                continue;
            }
            self.value(text, token, clause, next);
            wants = false;
        }
    }

    /// Whether a word that spells a keyword is one here.
    fn opens(
        &mut self,
        text: &[u8],
        word: Clause,
        clause: Clause,
        wants: bool,
        seen: &[bool; 9],
        rest: &[Token],
    ) -> bool {
        let later =
            |w: Clause| rest.iter().any(|t| t.kind == Kind::Word && keyword(t.at.of(text)) == Some(w));
        if wants && matches!(clause, Clause::From | Clause::By | Clause::Id) {
            // The token right after these is always a value, unless that would leave the field without a server.
            return clause == Clause::From && word == Clause::By && !later(Clause::By);
        }
        let again = seen.get(word as usize) == Some(&true);
        let next_is_address = rest.first().is_some_and(|t| {
            t.kind == Kind::Angle || (t.kind == Kind::Word && t.at.of(text).contains(&b'@'))
        });
        match word {
            Clause::Cipher => clause == Clause::With && !again,
            Clause::From if again => next_is_address && self.sender.is_none(),
            Clause::Sender => true,
            Clause::By | Clause::With => !again,
            _ if again => {
                self.repeated = true;
                false
            }
            _ => true,
        }
    }

    fn value(&mut self, text: &[u8], token: &Token, clause: Clause, next: Option<&Token>) {
        let mut span = token.at;
        while span.of(text).last() == Some(&b',') {
            span = Span::new(span.from, span.to.saturating_sub(1));
        }
        let bare = if token.kind == Kind::Angle { span.inner(1) } else { unquoted(text, span) };
        match clause {
            Clause::From => self.client_value(text, token.kind, span, next),
            Clause::By if self.by.is_none() => {
                let literal = token.kind == Kind::Literal;
                if span.of(text).iter().any(|b| b.is_ascii_alphanumeric() || *b > 127) {
                    self.by = Some(if literal || token.kind == Kind::Angle {
                        span.inner(1)
                    } else {
                        unquoted(text, span)
                    });
                    if let Reading::Address(address) = ip::read(span.of(text)) {
                        self.by_ip.get_or_insert(address);
                    }
                }
            }
            Clause::By if token.kind == Kind::Literal => self.by_address(text, span),
            Clause::By if token.kind == Kind::Angle && self.id.is_none() => self.id = Some(bare),
            Clause::Via if !self.via_closed => {
                self.via = Some(Span::new(self.via.map_or(span.from, |v| v.from), span.to));
            }
            Clause::With => {
                if !self.with_closed {
                    self.with = Some(Span::new(self.with.map_or(span.from, |w| w.from), span.to));
                }
                if token.kind == Kind::Word && memchr::memchr(b'=', span.of(text)).is_some() {
                    self.words.read(text, span);
                }
            }
            Clause::Id if self.id.is_none() => self.id = Some(bare),
            Clause::For if self.for_.is_none() && !bare.is_empty() => self.for_ = Some(bare),
            Clause::Sender if self.sender.is_none() => self.sender = Some(bare),
            Clause::Cipher if self.words.cipher.is_none() => {
                self.words.seen = true;
                self.words.cipher = Some(span);
            }
            _ => {}
        }
        // `AES256-GCM-SHA384 encrypted SMTP`
        if next.is_some_and(|n| n.at.of(text).eq_ignore_ascii_case(b"encrypted")) {
            self.words.seen = true;
            self.words.cipher.get_or_insert(span);
        }
    }

    fn client_value(&mut self, text: &[u8], kind: Kind, span: Span, next: Option<&Token>) {
        let peer = &mut self.peer;
        if peer.token.is_none() && peer.ip.is_none() && !peer.helo_marked {
            // `name[192.0.2.1]`
            let open = if kind == Kind::Word { memchr::memchr(b'[', span.of(text)) } else { None };
            if let Some(open) = open.filter(|o| *o > 0) {
                let bracket = span.from.saturating_add(open);
                if peer.address(text, Span::new(bracket, span.to), true) {
                    peer.token = Some(Span::new(span.from, bracket));
                    return;
                }
            }
            peer.token = Some(span);
            return;
        }
        let word = span.of(text);
        let next_at = next.map(|n| n.at);
        let follows = |w: &[u8]| word.eq_ignore_ascii_case(w);
        match kind {
            Kind::Literal => {
                peer.address(text, span, true);
            }
            // `[192.0.2.1]:2525`
            Kind::Word if word.first() == Some(&b':') => {
                if let Some(token) = peer.token
                    && token.to == span.from
                    && peer.ip.is_none()
                {
                    peer.address(text, token, false);
                }
                peer.set_port(text, Span::new(span.from.saturating_add(1), span.to));
            }
            Kind::Word if peer.pair(text, span) => {}
            Kind::Word if follows(b"helo") || follows(b"ehlo") => {
                peer.helo_marked = true;
                peer.helo = next_at;
            }
            Kind::Quoted => {
                // `claiming to be "name"`
                peer.helo_marked = true;
                peer.helo.get_or_insert(unquoted(text, span));
            }
            Kind::Word if follows(b"user") => {
                peer.user = next_at;
                peer.auth = Auth::Sasl;
            }
            Kind::Word if peer.ip.is_none() => {
                peer.address(text, span, false);
            }
            _ => {}
        }
    }

    fn by_address(&mut self, text: &[u8], span: Span) {
        if let Reading::Address(address) = ip::read(span.of(text)) {
            self.by_ip.get_or_insert(address);
        }
    }

    fn comment(&mut self, text: &[u8], comment: Span, clause: Clause) {
        match clause {
            Clause::Via => self.via_closed |= self.via.is_some(),
            Clause::With => self.with_closed |= self.with.is_some(),
            _ => {}
        }
        let end =
            if comment.of(text).last() == Some(&b')') { comment.to.saturating_sub(1) } else { comment.to };
        let inside = Span::new(comment.from.saturating_add(1), end).trimmed(text);
        let bytes = inside.of(text);
        match about(bytes) {
            About::Peer => match clause {
                Clause::From => self.peer.comment(text, inside),
                Clause::By | Clause::With => {
                    let first = super::comment::words(text, inside).next().unwrap_or(inside);
                    self.by_address(text, first);
                }
                _ => {}
            },
            About::Helo if clause == Clause::From => self.peer.comment(text, inside),
            About::Tls => self.words.read(text, inside),
            About::Auth => self.auth(text, inside, clause),
            About::Software(family) => {
                if self.family == Family::Unknown || clause == Clause::By {
                    self.family = family;
                    self.software = Some(inside);
                }
                if bytes.starts_with(b"qmail ") && bytes.contains(&b' ') && self.by.is_none() {
                    self.qmail_local = true;
                }
                let userid = b"from userid ";
                if let Some(at) = memchr::memmem::find(bytes, userid) {
                    self.peer.uid = number(bytes.get(at.saturating_add(userid.len())..).unwrap_or_default());
                    self.peer.auth = Auth::Local;
                }
            }
            About::Envelope => {
                let mut list = super::comment::words(text, inside).skip(1);
                if let Some(span) = list.next() {
                    let bare = if span.of(text).first() == Some(&b'<') { span.inner(1) } else { span };
                    self.sender.get_or_insert(bare);
                }
            }
            About::From if clause == Clause::Start => {
                let inside = Span::new(inside.from.saturating_add(5), inside.to);
                let mut list = super::comment::words(text, inside);
                self.peer.token = list.next();
                for span in list {
                    self.peer.address(text, span, true);
                }
            }
            About::Uid => {
                self.peer.uid = number(bytes.get(4..).unwrap_or_default());
                self.peer.auth = Auth::Local;
            }
            About::Other if clause == Clause::From && is_one_word(bytes) => self.peer.comment(text, inside),
            _ => {}
        }
        if bytes.len() > 10 && bytes.ends_with(b" encrypted") {
            self.words.seen = true;
            self.words.cipher.get_or_insert(Span::new(inside.from, inside.to.saturating_sub(10)));
        }
    }

    fn auth(&mut self, text: &[u8], inside: Span, clause: Clause) {
        let bytes = inside.of(text);
        let lower = |n: usize| bytes.get(..n).unwrap_or_default().to_ascii_lowercase();
        self.peer.auth = Auth::Sasl;
        let rest = |n: usize| Span::new(inside.from.saturating_add(n), inside.to).trimmed(text);
        if lower(21) == b"authenticated sender:" {
            self.peer.user = Some(rest(21)).filter(|s| !s.is_empty());
        } else if lower(8) == b"account " {
            if clause == Clause::From {
                self.peer.comment(text, inside);
            }
        } else if lower(5) == b"auth:" {
            // Courier: `AUTH: LOGIN user, TLS: TLSv1/SSLv3,128bits,RC4-MD5`
            let mut list = super::comment::words(text, rest(5));
            let mechanism = list.next();
            self.peer.user = list.next().or(mechanism).filter(|s| !s.of(text).eq_ignore_ascii_case(b"tls:"));
            if let Some(at) = memchr::memmem::find(bytes, b"TLS:") {
                self.words.read(text, rest(at.saturating_add(4)));
            }
        } else {
            // `authenticated as user`, `SquirrelMail authenticated user u`, `Authenticated user: u`, `user u`, `smtp-auth username u`
            let mut marked = false;
            for span in super::comment::words(text, inside) {
                let word = span.of(text);
                let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
                if marked && !is(b"as") && !is(b"user") && !is(b"user:") {
                    if !word.contains(&b'=') {
                        self.peer.user.get_or_insert(unquoted(text, span));
                    }
                    break;
                }
                marked |= is(b"as")
                    || is(b"user")
                    || is(b"user:")
                    || is(b"username")
                    || is(b"sender:")
                    || is(b"id:");
                if self.peer.pair(text, span) {
                    break;
                }
            }
            if bytes.len() > 12 && lower(12) == b"squirrelmail" {
                self.peer.auth = Auth::Webmail;
            }
        }
    }

    fn protocol(&self, text: &[u8]) -> Protocol {
        let of = |span: Option<Span>| span.and_then(|s| protocol::of_phrase(s.of(text)));
        of(self.with).or_else(|| of(self.via)).unwrap_or_default()
    }

    /// Finds the family where no software is named.
    fn recognise(
        &mut self,
        text: &[u8],
        date: Option<&DateReading>,
        date_span: Option<Span>,
        protocol: Protocol,
    ) {
        if self.family != Family::Unknown {
            return;
        }
        let with = self.with.map_or(&b""[..], |w| w.of(text));
        let by = self.by.map_or(&b""[..], |b| b.of(text));
        let id = self.id.map_or(&b""[..], |i| i.of(text));
        let begins =
            |bytes: &[u8], head: &[u8]| bytes.get(..head.len()).is_some_and(|b| b.eq_ignore_ascii_case(head));
        let ends = |bytes: &[u8], tail: &[u8]| {
            bytes
                .len()
                .checked_sub(tail.len())
                .and_then(|at| bytes.get(at..))
                .is_some_and(|b| b.eq_ignore_ascii_case(tail))
        };
        let date_digit = date_span
            .and_then(|d| text.get(d.from.saturating_add(1)..))
            .and_then(|rest| rest.iter().find(|b| !b.is_ascii_whitespace()))
            .is_some_and(u8::is_ascii_digit);
        let plain = self.id.is_none() && self.for_.is_none();
        self.family = if begins(with, b"microsoft smtp server")
            || begins(with, b"mapi")
            || begins(with, b"internet mail service")
            || ends(by, b".outlook.com")
            || ends(by, b".outlook.office365.com")
        {
            Family::Exchange
        } else if begins(with, b"microsoft smtpsvc") {
            Family::Smtpsvc
        } else if ends(by, b".google.com") || begins(by, b"2002:a05:") || ends(by, b".googlemail.com") {
            Family::Gmail
        } else if begins(with, b"novell_groupwise") {
            Family::Groupwise
        } else if begins(with, b"mailenable") {
            Family::Mailenable
        } else if begins(with, b"nnfmp") || (ends(by, b".yahoo.com") && protocol.name.starts_with("HTTP")) {
            Family::Yahoo
        } else if begins(with, b"listserv") || begins(with, b"ecartis") {
            Family::List
        } else if begins(with, b"[xmail") {
            Family::Xmail
        } else if begins(with, b"thrift") {
            Family::Facebook
        } else if self.via.is_some_and(|v| ends(v.of(text), b"smap")) {
            Family::Smap
        } else if matches!(protocol.name, "POP3" | "POP3S" | "IMAP" | "IMAPS" | "APOP" | "POP2") {
            Family::Fetch
        } else if is_exim_id(id) {
            Family::Exim
        } else if id.is_empty() && protocol.name.starts_with("LMTP") && self.peer.helo_marked {
            Family::Zimbra
        } else if id.len() == 22 && protocol.name.starts_with("LMTP") {
            Family::Dovecot
        } else if (self.peer.user_ip && plain)
            || ((self.peer.bare_ip || self.peer.helo_marked)
                && self.id.is_none()
                && date_digit
                && date.is_some_and(|d| d.offset_secs_east == Some(0)))
        {
            Family::Qmail
        } else if begins(with, b"esmtp/tls/")
            || begins(with, b"smtp/tls/")
            || (plain && date_digit && self.peer.ip.is_some() && !with.is_empty())
        {
            Family::Ironport
        } else if self.words.cipher.is_some() && ends(with, b" encrypted smtp") {
            Family::Messagelabs
        } else {
            Family::Unknown
        };
    }

    fn fill(&mut self, text: &[u8], protocol: Protocol, hop: &mut Hop, place: &dyn Fn(Span) -> ByteRange) {
        let peer = &mut self.peer;
        // A literal after `from` counts only when there is nothing else.
        if let (None, Some(token)) = (peer.ip, peer.token) {
            peer.address(text, token, false);
        }
        let (helo, rdns, state) = peer.roles(text, self.family.first());
        let (helo, rdns) = match self.family {
            // Exim 3 and before: `from rdns (helo) [ip]`
            Family::Exim if peer.name.is_some() && rdns == peer.name && !peer.helo_marked => (rdns, helo),
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
        hop.rdns_state = state;
        if let Some((address, at)) = peer.ip {
            hop.peer_ip = Some(address.ip);
            hop.peer_ip_at = Some(place(at));
            hop.peer_ip_mapped = address.mapped;
            hop.peer_scope = IpScope::of(address.ip);
            hop.peer_port = address.port;
        }
        hop.by = self.by.map(place);
        hop.by_ip = self.by_ip.map(|a| a.ip);
        hop.via = self.via.map(place);
        hop.with = self.with.map(place);
        hop.protocol = protocol.name;
        hop.id = self.id.filter(|s| !s.is_empty()).map(place);
        hop.for_ = self.for_.map(place);
        hop.envelope_from = self.sender.map(place);
        hop.auth = if peer.auth == Auth::None && protocol.auth && !protocol.name.starts_with("LMTP") {
            Auth::Sasl
        } else {
            peer.auth
        };
        hop.user = peer.user.or(peer.ident).map(place);
        hop.ident = peer.ident.map(place);
        hop.local_uid = peer.uid;
        let seen = self.words.seen || protocol.tls;
        hop.tls = if seen {
            Tls::Evidence
        } else if self.family.always_tells_tls()
            && matches!(protocol.name, "SMTP" | "ESMTP" | "ESMTPA")
            && matches!(hop.peer_scope, IpScope::Public | IpScope::Private | IpScope::Documentation)
        {
            Tls::AssertedClear
        } else {
            Tls::Unknown
        };
        hop.tls_version = self.words.version;
        hop.tls_cipher = self.words.cipher.map(place);
        hop.tls_bits = self.words.bits;
    }

    fn grade(&self, hop: &Hop) -> Grade {
        let clauses = [
            hop.from.is_some() || hop.peer_ip.is_some(),
            hop.by.is_some(),
            hop.with.is_some(),
            hop.id.is_some(),
            hop.for_.is_some(),
        ];
        let count = clauses.into_iter().filter(|c| *c).count();
        if hop.by.is_some() && hop.date.is_some() && count >= 1 {
            Grade::Generic
        } else if count > 0 || hop.date.is_some() || self.qmail_local || hop.software.is_some() {
            Grade::Partial
        } else {
            Grade::Unparsed
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..len)?).ok()?.parse().ok()
}

fn is_one_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b'='))
}

/// `1s6mPq-0000000A1bC-2d3E`, `18xeL6-000Dn1-00`
fn is_exim_id(id: &[u8]) -> bool {
    let dashes = match id.len() {
        16 => [6, 13],
        23 => [6, 18],
        _ => return false,
    };
    id.iter()
        .enumerate()
        .all(|(i, b)| if dashes.contains(&i) { *b == b'-' } else { b.is_ascii_alphanumeric() })
}
