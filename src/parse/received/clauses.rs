//! The clauses of a `Received` field: which word is a keyword, and what belongs to it.

use super::Auth;
use super::comment::after;
use super::family::Family;
use super::ip::{self, Reading};
use super::lex::{Kind, Span, Token};
use super::peer::{Peer, unquoted};
use super::shape::Shape;
use super::tls::Words;

/// The clause that a token stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Clause {
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
    pub(super) via_closed: bool,
    pub(super) with: Option<Span>,
    pub(super) with_closed: bool,
    pub(super) id: Option<Span>,
    pub(super) for_: Option<Span>,
    pub(super) sender: Option<Span>,
    /// An angle bracket that is not closed.
    pub(super) unclosed: Option<Span>,
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
    if !matches!(word.len(), 2..=4 | 13 | 15) || !word.first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
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

/// Whether what follows a second `by` or `with` makes it a clause: a name with dots or an address, a protocol. Other
/// words are prose of the clause before: `with SMTP by authid ..`, `with local (Exim) with ..`.
fn stands_again(text: &[u8], word: Clause, next: &Token) -> bool {
    let value = next.at().of(text);
    match word {
        Clause::By => {
            next.kind == Kind::Literal || next.kind == Kind::Word && memchr::memchr(b'.', value).is_some()
        }
        _ => is_protocol(value),
    }
}

/// `SMTP`, `ESMTPSA`, `LMTP`, `HTTP` ..
fn is_protocol(word: &[u8]) -> bool {
    let tails: [&[u8]; 4] = [b"SMTP", b"LMTP", b"HTTP", b"HTTPS"];
    let word = word.strip_suffix(b"A").unwrap_or(word);
    let word = word.strip_suffix(b"S").unwrap_or(word);
    tails.contains(&word.strip_prefix(b"E").unwrap_or(word))
}

/// Whether the bytes begin with some words, in any case and folded in any way.
pub(super) fn begins(bytes: &[u8], head: &[u8]) -> bool {
    after(bytes, head).is_some()
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
                            self.tls.seen |= word == Clause::Cipher;
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
            let later =
                |w: Clause| rest.iter().any(|t| t.kind == Kind::Word && keyword(t.at().of(text)) == Some(w));
            // `with ESMTP id for <user@example.org>`
            let addressed = rest.first().is_some_and(|t| t.kind == Kind::Angle);
            return match (clause, word) {
                (Clause::From, Clause::By) => !later(Clause::By),
                (Clause::Id, Clause::For) => addressed && !later(Clause::For),
                _ => false,
            };
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
            Clause::By | Clause::With if again => {
                self.repeated |= rest.first().is_some_and(|t| stands_again(text, word, t));
                false
            }
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
        let is_open =
            token.kind == Kind::Word && span.of(text).first() == Some(&b'<') && span.of(text).contains(&b'@');
        let bare = match token.kind {
            Kind::Angle => span.inner(1),
            _ if is_open => self.angle(text, span),
            _ => unquoted(text, span),
        };
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
                // `for <multiple recipients>`, `for multiple recipients`
                let word = bare.of(text);
                let many = word.first() == Some(&b'<') || word == b"multiple" || word == b"recipients>";
                self.for_ = Some(bare).filter(|b| !b.is_empty() && !many);
            }
            // `for name <name@example.org>`
            Clause::For
                if token.kind == Kind::Angle && self.for_.is_some_and(|f| !f.of(text).contains(&b'@')) =>
            {
                self.for_ = Some(bare);
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
        // Exim: `by authid <user> with cram_md5`; IIS: `over TLS secured channel`
        if span.of(text) == b"authid"
            && let Some(next) = next.filter(|n| n.kind == Kind::Angle)
        {
            self.peer.user = Some(next.at().inner(1));
            self.peer.auth = Auth::Sasl;
        } else if matches!(clause, Clause::By | Clause::With | Clause::Via)
            && !(first && clause == Clause::By)
            && matches!(span.of(text), b"TLS" | b"STARTTLS" | b"SSL")
        {
            self.tls.seen = true;
        }
        // `AES256-GCM-SHA384 encrypted SMTP`
        if next.is_some_and(|n| n.at().of(text).eq_ignore_ascii_case(b"encrypted")) {
            self.tls.phrase(text, span);
        }
    }

    /// A value after `from`.
    fn client(&mut self, text: &[u8], kind: Kind, span: Span, next: Option<&Token>) {
        let peer = &mut self.peer;
        if peer.token.is_none() && peer.ip.is_none() && peer.name.is_none() && !peer.helo_marked {
            // `name[192.0.2.1]`
            let open = if kind == Kind::Word { memchr::memchr(b'[', span.of(text)) } else { None };
            let bracket = open.filter(|o| *o > 0).map(|open| span.from.saturating_add(open));
            match bracket {
                // What the server saw may still follow: `gw02_[192.0.2.26] ([198.51.100.53])`.
                Some(at) if peer.address(text, Span::new(at, span.to), false) => {
                    peer.token = Some(Span::new(span.from, at));
                    peer.said = Some(span);
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

    pub(super) fn server_address(&mut self, text: &[u8], span: Span) -> bool {
        match ip::read(span.of(text)) {
            Reading::Address(address) => {
                self.by_ip.get_or_insert(address);
                true
            }
            _ => false,
        }
    }
}
