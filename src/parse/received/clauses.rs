//! The clauses of a `Received` field: which word is a keyword, and what belongs to it.

use super::comment::{About, about, words};
use super::family::Family;
use super::ip::{self, Reading};
use super::lex::{Kind, Span, Token};
use super::peer::{Peer, unquoted};
use super::shape::Shape;
use super::tls::Words;
use super::{Auth, peer};

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
pub(super) struct Draft {
    pub(super) shape: Shape,
    pub(super) peer: Peer,
    pub(super) tls: Words,
    pub(super) family: Family,
    pub(super) software: Option<Span>,
    /// A comment names some software that we do not know.
    pub(super) other_software: bool,
    pub(super) by: Option<Span>,
    pub(super) by_ip: Option<ip::Address>,
    pub(super) via: Option<Span>,
    via_closed: bool,
    pub(super) with: Option<Span>,
    with_closed: bool,
    pub(super) id: Option<Span>,
    pub(super) for_: Option<Span>,
    pub(super) sender: Option<Span>,
    /// A clause stands twice.
    pub(super) repeated: bool,
    /// `(qmail 123 invoked ..)`: there are no clauses.
    pub(super) qmail_local: bool,
}

/// Whether a word spells a keyword.
pub(super) fn is_keyword(word: &[u8]) -> bool {
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

/// Whether the bytes begin with some letters, in any case.
pub(super) fn begins(bytes: &[u8], head: &[u8]) -> bool {
    bytes.get(..head.len()).is_some_and(|b| b.eq_ignore_ascii_case(head))
}

/// Whether the bytes end with some letters, in any case.
pub(super) fn ends(bytes: &[u8], tail: &[u8]) -> bool {
    let at = bytes.len().checked_sub(tail.len());
    at.and_then(|at| bytes.get(at..)).is_some_and(|b| b.eq_ignore_ascii_case(tail))
}

impl Draft {
    /// Walks over the tokens outside of the date.
    pub(super) fn gather(&mut self, text: &[u8], list: &[Token], date: Option<Span>) {
        let mut clause = Clause::Start;
        let mut wants = false;
        let mut seen = [false; 9];
        let mut in_date = false;
        for (index, token) in list.iter().enumerate() {
            let rest = list.get(index.saturating_add(1)..).unwrap_or_default();
            if date.is_some_and(|d| token.at().from >= d.from && token.at().from < d.to) {
                if token.kind == Kind::Semicolon {
                    self.shape.push(b';');
                }
                if !in_date {
                    in_date = true;
                    (wants, clause) = (false, Clause::Start);
                }
                continue;
            }
            if in_date {
                in_date = false;
                self.shape.push(b'D');
            }
            match token.kind {
                Kind::Semicolon => self.shape.push(b';'),
                Kind::Comment => {
                    if wants && clause == Clause::From {
                        self.shape.push(b'f');
                        wants = false;
                    }
                    self.peer.glued |=
                        clause == Clause::From && self.peer.token.is_some_and(|t| t.to == token.at().from);
                    self.comment(text, token.at(), clause);
                }
                _ => {
                    if token.kind == Kind::Word
                        && let Some(word) = keyword(token.at().of(text))
                    {
                        if self.opens(text, word, clause, wants, &seen, rest) {
                            if wants && clause == Clause::From {
                                self.shape.push(b'f');
                            }
                            let again =
                                word == Clause::From && seen.get(Clause::From as usize) == Some(&true);
                            clause = if again { Clause::Sender } else { word };
                            if let Some(slot) = seen.get_mut(clause as usize) {
                                *slot = true;
                            }
                            wants = true;
                            continue;
                        }
                        if !wants {
                            // A second `with` or `by` belongs to what stands before it, but is not its value.
                            self.via_closed |= clause == Clause::Via;
                            self.with_closed |= clause == Clause::With;
                        }
                    }
                    self.value(text, token, clause, wants, rest.first());
                    wants = false;
                }
            }
        }
        if in_date {
            self.shape.push(b'D');
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
        if wants && matches!(clause, Clause::From | Clause::By | Clause::Id) {
            // The token right after these is always a value, unless that would leave the field without a server.
            let later = |t: &Token| t.kind == Kind::Word && keyword(t.at().of(text)) == Some(Clause::By);
            return clause == Clause::From && word == Clause::By && !rest.iter().any(later);
        }
        let again = seen.get(word as usize) == Some(&true);
        match word {
            Clause::Cipher => clause == Clause::With && !again,
            Clause::From if again => {
                // `for <a> from <b>`
                let address = |t: &Token| {
                    t.kind == Kind::Angle || (t.kind == Kind::Word && t.at().of(text).contains(&b'@'))
                };
                self.sender.is_none() && rest.first().is_some_and(address)
            }
            Clause::By | Clause::With => !again,
            Clause::Sender => true,
            _ if again => {
                self.repeated = true;
                false
            }
            _ => true,
        }
    }

    fn value(&mut self, text: &[u8], token: &Token, clause: Clause, first: bool, next: Option<&Token>) {
        let mut span = token.at();
        while span.of(text).last() == Some(&b',') {
            span = Span::new(span.from, span.to.saturating_sub(1));
        }
        let bare = if token.kind == Kind::Angle { span.inner(1) } else { unquoted(text, span) };
        let extra = if token.kind == Kind::Literal { b'l' } else { b'x' };
        let mut letter = extra;
        match clause {
            Clause::From => {
                letter = if first { b'F' } else { extra };
                self.client(text, token.kind, span, next);
            }
            Clause::By
                if self.by.is_none()
                    && span.of(text).iter().any(|b| b.is_ascii_alphanumeric() || *b > 127) =>
            {
                letter = b'B';
                self.by = Some(if token.kind == Kind::Literal { span.inner(1) } else { bare });
                self.server_address(text, span);
            }
            Clause::By if token.kind == Kind::Literal => {
                self.server_address(text, span);
            }
            // `by mx.example <B0014212518@mx.example>`
            Clause::By if token.kind == Kind::Angle && self.id.is_none() => {
                letter = b'I';
                self.id = Some(bare);
            }
            Clause::Via if !self.via_closed => {
                letter = if self.via.is_none() { b'V' } else { 0 };
                self.via = Some(Span::new(self.via.map_or(span.from, |v| v.from), span.to));
            }
            Clause::With => {
                if !self.with_closed {
                    letter = if self.with.is_none() { b'W' } else { 0 };
                    self.with = Some(Span::new(self.with.map_or(span.from, |w| w.from), span.to));
                }
                if memchr::memchr(b'=', span.of(text)).is_some() {
                    self.tls.read(text, span);
                }
            }
            Clause::Id if self.id.is_none() => {
                letter = b'I';
                self.id = Some(bare);
            }
            Clause::For if self.for_.is_none() => {
                letter = b'R';
                self.for_ = Some(bare).filter(|b| !b.is_empty());
            }
            Clause::Sender if self.sender.is_none() => {
                letter = b'S';
                self.sender = Some(bare);
            }
            Clause::Cipher if first => {
                letter = b'C';
                self.tls.phrase(text, span);
            }
            _ => {}
        }
        if letter != 0 {
            self.shape.push(letter);
        }
        // `AES256-GCM-SHA384 encrypted SMTP`
        if next.is_some_and(|n| n.at().of(text).eq_ignore_ascii_case(b"encrypted")) {
            self.tls.phrase(text, span);
        }
    }

    /// A value after `from`.
    fn client(&mut self, text: &[u8], kind: Kind, span: Span, next: Option<&Token>) {
        let peer = &mut self.peer;
        if peer.token.is_none() && peer.ip.is_none() && !peer.helo_marked {
            // `name[192.0.2.1]`
            let open = if kind == Kind::Word { memchr::memchr(b'[', span.of(text)) } else { None };
            let bracket = open.filter(|o| *o > 0).map(|open| span.from.saturating_add(open));
            match bracket {
                Some(at) if peer.address(text, Span::new(at, span.to), true) => {
                    peer.token = Some(Span::new(span.from, at));
                }
                _ => peer.token = Some(span),
            }
            return;
        }
        let word = span.of(text);
        let next_at = next.map(|n| n.at());
        let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
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
                peer.port_of(text, Span::new(span.from.saturating_add(1), span.to));
            }
            Kind::Word if peer.pair(text, span) => {}
            Kind::Word if is(b"helo") || is(b"ehlo") => {
                peer.helo_marked = true;
                peer.helo = next_at;
            }
            Kind::Quoted => {
                // `claiming to be "name"`
                peer.helo_marked = true;
                peer.helo.get_or_insert(unquoted(text, span));
            }
            Kind::Word if is(b"user") => {
                peer.user = next_at;
                peer.auth = Auth::Webmail;
            }
            // `from mail pickup service by ..`
            Kind::Word if is(b"pickup") => peer.auth = Auth::Local,
            Kind::Word if peer.ip.is_none() => {
                peer.address(text, span, false);
            }
            _ => {}
        }
    }

    fn server_address(&mut self, text: &[u8], span: Span) -> bool {
        match ip::read(span.of(text)) {
            Reading::Address(address) => {
                self.by_ip.get_or_insert(address);
                true
            }
            _ => false,
        }
    }

    fn comment(&mut self, text: &[u8], comment: Span, clause: Clause) {
        self.via_closed |= clause == Clause::Via && self.via.is_some();
        self.with_closed |= clause == Clause::With && self.with.is_some();
        let closed = comment.of(text).last() == Some(&b')');
        let end = if closed { comment.to.saturating_sub(1) } else { comment.to };
        let inside = Span::new(comment.from.saturating_add(1), end).trimmed(text);
        let bytes = inside.of(text);
        let from = clause == Clause::From;
        let letter = match about(bytes) {
            About::Peer if from => {
                self.peer.comment(text, inside);
                b'p'
            }
            About::Peer => {
                let first = words(text, inside).find(|s| ip::read(s.of(text)) != Reading::No);
                match first {
                    Some(span) if clause == Clause::By && self.server_address(text, span) => b'a',
                    _ => b'o',
                }
            }
            About::Helo if from => {
                self.peer.comment(text, inside);
                if begins(bytes, b"port=") || begins(bytes, b"ident=") { b'p' } else { b'h' }
            }
            About::Tls => {
                self.tls.read(text, inside);
                b't'
            }
            About::Certificate => b'c',
            About::Auth => {
                self.sign_in(text, inside, from);
                b'u'
            }
            About::Software(family) => {
                self.software(text, inside, family, clause);
                b's'
            }
            About::Envelope => {
                if let Some(span) = words(text, inside).nth(1) {
                    let bare = if span.of(text).first() == Some(&b'<') { span.inner(1) } else { span };
                    self.sender.get_or_insert(bare);
                }
                b'e'
            }
            About::From if clause == Clause::Start => {
                self.handed_over(text, Span::new(inside.from.saturating_add(5), inside.to));
                b'g'
            }
            About::Uid => {
                self.peer.uid = peer::number(bytes.get(4..).unwrap_or_default());
                self.peer.auth = Auth::Local;
                b'd'
            }
            _ if from && is_one_word(bytes) => {
                self.peer.comment(text, inside);
                b'p'
            }
            _ => {
                let version = bytes.strip_prefix(b"v").unwrap_or(bytes);
                self.other_software |= !from && version.first().is_some_and(u8::is_ascii_digit);
                b'o'
            }
        };
        let letter = if ends(bytes, b" encrypted") {
            self.tls.phrase(text, Span::new(inside.from, inside.to.saturating_sub(10)));
            b't'
        } else {
            letter
        };
        self.shape.push(letter);
    }

    fn software(&mut self, text: &[u8], inside: Span, family: Family, clause: Clause) {
        let bytes = inside.of(text);
        if self.family == Family::Unknown || clause == Clause::By {
            self.family = family;
            // `amavisd-new, port 10024`, `Postfix, from userid 33`
            let comma =
                memchr::memchr(b',', bytes).filter(|_| matches!(family, Family::Amavis | Family::Postfix));
            self.software =
                Some(comma.map_or(inside, |c| Span::new(inside.from, inside.from.saturating_add(c))));
        }
        if family == Family::Qmail && self.by.is_none() && self.peer.token.is_none() {
            self.qmail_local = true;
        }
        for mark in [&b"from userid "[..], b"invoked by uid "] {
            if let Some(at) = memchr::memmem::find(bytes, mark) {
                self.peer.uid = peer::number(bytes.get(at.saturating_add(mark.len())..).unwrap_or_default());
                self.peer.auth = Auth::Local;
            }
        }
    }

    /// `(from user@localhost)`, `(from host [192.0.2.1])`
    fn handed_over(&mut self, text: &[u8], inside: Span) {
        let mut list = words(text, inside);
        self.peer.token = list.next();
        for span in list {
            self.peer.address(text, span, true);
        }
        if let Some(token) = self.peer.token
            && self.peer.ip.is_none()
        {
            let at = memchr::memrchr(b'@', token.of(text)).unwrap_or(token.to.saturating_sub(token.from));
            self.peer.user = Some(Span::new(token.from, token.from.saturating_add(at)));
            self.peer.auth = Auth::Local;
        }
    }

    fn sign_in(&mut self, text: &[u8], inside: Span, from: bool) {
        let bytes = inside.of(text);
        let rest = |n: usize| Span::new(inside.from.saturating_add(n), inside.to).trimmed(text);
        let peer = &mut self.peer;
        peer.auth = Auth::Sasl;
        if begins(bytes, b"authenticated sender:") {
            // To the end: Postfix writes what the client said.
            peer.user = Some(rest(21)).filter(|s| !s.is_empty());
        } else if begins(bytes, b"account ") {
            if from {
                peer.comment(text, inside);
            }
        } else if begins(bytes, b"auth:") {
            // Courier: `AUTH: LOGIN user, TLS: TLSv1/SSLv3,128bits,RC4-MD5`
            let mut list = words(text, rest(5));
            let mechanism = list.next();
            let is_tls = |s: &Span| s.of(text).eq_ignore_ascii_case(b"tls:");
            peer.user = list.next().filter(|s| !is_tls(s)).or(mechanism).filter(|s| !is_tls(s));
            if let Some(at) = memchr::memmem::find(bytes, b"TLS:") {
                self.tls.read(text, rest(at.saturating_add(4)));
            }
        } else {
            // `authenticated as user`, `Authenticated user: u`, `SquirrelMail authenticated user u`, `smtp-auth username u`, `sender: u`
            let mut marked = false;
            for span in words(text, inside) {
                let word = span.of(text);
                let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
                let mark =
                    [&b"as"[..], b"user", b"user:", b"username", b"sender:", b"id:"].into_iter().any(is);
                if marked && !mark {
                    if !word.contains(&b'=') {
                        peer.user.get_or_insert(unquoted(text, span));
                    }
                    break;
                }
                marked |= mark;
                if peer.pair(text, span) {
                    break;
                }
            }
            if begins(bytes, b"squirrelmail") {
                peer.auth = Auth::Webmail;
            }
        }
    }
}

fn is_one_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b'='))
}
