//! The client of a hop: names, address, port, account, from the words around `from`.

use super::comment::words;
use super::family::First;
use super::ip::{self, Address, Reading};
use super::lex::Span;
use super::{Auth, Rdns};

/// What was gathered about the client, before it is known which name is whose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    /// The first token after `from`.
    pub(super) token: Option<Span>,
    /// A name that was marked as HELO.
    pub(super) helo: Option<Span>,
    /// There was a HELO mark.
    pub(super) helo_marked: bool,
    /// A name beside the address.
    pub(super) name: Option<Span>,
    pub(super) ip: Option<(Address, Span)>,
    /// The address stood in brackets or a comment.
    pub(super) ip_sure: bool,
    /// The whole first token, where the address was taken from its end: `name[192.0.2.1]`.
    pub(super) said: Option<Span>,
    /// An address that cannot be one.
    pub(super) ip_invalid: Option<Span>,
    pub(super) ident: Option<Span>,
    pub(super) user: Option<Span>,
    pub(super) auth: Auth,
    pub(super) uid: Option<u32>,
    pub(super) state: Rdns,
    /// The server checked that the name leads to the address.
    pub(super) verified: bool,
    /// In the place of an address there is a word for this machine.
    pub(super) local: bool,
    /// `(user@192.0.2.1)` or `(192.0.2.1)`: an address without brackets.
    pub(super) bare_ip: bool,
    /// `(user@192.0.2.1)`
    pub(super) user_ip: bool,
    /// A port that was written apart from the address.
    pub(super) port: Option<u16>,
    /// As `ZMailer` writes it: `"EHLO name"`.
    pub(super) zmailer: bool,
    /// The comment follows the first token without a blank: `name(192.0.2.1)`.
    pub(super) glued: bool,
}

fn is_any(word: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// `AS64500`
fn is_network_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"AS").unwrap_or_default();
    (1..=10).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// Words that stand where a name would, when none was found.
const NO_NAME: [&[u8]; 11] = [
    b"unknown",
    b"<unknown>",
    b"<unknown.domain>",
    b"unknownhost",
    b"unverified",
    b"softdnserr",
    b"no-rdns",
    b"undefined",
    b"no.name.available",
    b"nodnsquery",
    b"verified",
];

impl Peer {
    /// Reads a word that may be an address; whether it was made like one.
    pub(super) fn address(&mut self, text: &[u8], span: Span, sure: bool) -> bool {
        match ip::read(span.of(text)) {
            Reading::Address(address) => {
                let same = self.ip.is_some_and(|(known, _)| known.ip == address.ip);
                if self.ip.is_none() || (sure && !self.ip_sure && !(same && self.said.is_some())) {
                    // Another address than the one in the first token: that one was the client's own words.
                    self.token = self.said.take().or(self.token);
                    self.ip = Some((address, span));
                    self.ip_sure = sure;
                } else if let (Some((known, _)), Some(port)) = (self.ip.as_mut(), address.port) {
                    known.port.get_or_insert(port);
                }
                true
            }
            Reading::Invalid => {
                self.ip_invalid.get_or_insert(span);
                true
            }
            Reading::No => false,
        }
    }

    /// A port that stands apart from the address.
    pub(super) fn port_of(&mut self, text: &[u8], span: Span) {
        let port = std::str::from_utf8(span.of(text)).ok().and_then(|t| t.parse().ok());
        self.port = self.port.or(port);
    }

    fn helo(&mut self, text: &[u8], span: Span) {
        self.helo_marked = true;
        let span = unquoted(text, span);
        if !span.is_empty() {
            self.helo.get_or_insert(span);
        }
    }

    /// `user@host`, `user@192.0.2.1`, `IDENT:user@host`, `host`: an ident answer and a name or address.
    fn name(&mut self, text: &[u8], span: Span) {
        let bytes = span.of(text);
        let (span, ident) = match bytes.get(..6) {
            Some(tag) if tag.eq_ignore_ascii_case(b"ident:") => {
                (Span::new(span.from.saturating_add(6), span.to), true)
            }
            _ => (span, false),
        };
        let bytes = span.of(text);
        if let Some(at) = memchr::memrchr(b'@', bytes) {
            let user = Span::new(span.from, span.from.saturating_add(at));
            let rest = Span::new(user.to.saturating_add(1), span.to);
            if !user.is_empty() {
                self.ident.get_or_insert(user);
            }
            if rest.is_empty() {
            } else if self.address(text, rest, true) {
                self.bare_ip |= rest.of(text).first() != Some(&b'[');
                self.user_ip = true;
            } else {
                self.name.get_or_insert(rest);
            }
        } else if let Some(slash) = memchr::memrchr(b'/', bytes)
            && matches!(
                ip::read(bytes.get(slash.saturating_add(1)..).unwrap_or_default()),
                Reading::Address(_)
            )
        {
            // As Java writes an address: `name/192.0.2.1`, `/192.0.2.1`.
            let at = span.from.saturating_add(slash);
            self.address(text, Span::new(at.saturating_add(1), span.to), true);
            if slash > 0 {
                self.name.get_or_insert(Span::new(span.from, at));
            }
        } else if ident {
            self.ident.get_or_insert(span);
        } else if is_any(bytes, &NO_NAME) {
            self.state = Rdns::None;
        } else if !bytes.is_empty() {
            self.name.get_or_insert(span);
        }
    }

    /// Reads the inside of a comment about the client.
    pub(super) fn comment(&mut self, text: &[u8], inside: Span) {
        let mut skip_value = false;
        let mut expect_helo = false;
        let mut expect_user = false;
        let mut list = words(text, inside).peekable();
        let (mut depth, mut at) = (0_i32, inside.from);
        while let Some(span) = list.next() {
            let word = span.of(text);
            for byte in Span::new(at, span.from).of(text) {
                depth =
                    depth.saturating_add(i32::from(*byte == b'(')).saturating_sub(i32::from(*byte == b')'));
            }
            at = span.from;
            // A comment in the comment says more of the address, such as whose network it is
            // (`AS64500 Example Telecom`): no name.
            let is_told =
                |peer: &Self| peer.ip.is_some() && (peer.state == Rdns::None || peer.name.is_some());
            if depth > 0 && is_told(self) && !is_any(word, &[b"forged"]) {
                continue;
            }
            // The number of a network is no name; what follows the address and it is that network's.
            if is_network_number(word) {
                if self.ip.is_some() {
                    break;
                }
                continue;
            }
            if skip_value {
                skip_value = false;
            } else if expect_helo {
                expect_helo = false;
                self.helo(text, span);
            } else if expect_user {
                expect_user = false;
                self.user.get_or_insert(span);
            } else if self.pair(text, span) {
            } else if is_any(word, &[b"\"helo", b"\"ehlo", b"\"lhlo"]) {
                // ZMailer: `"EHLO name"`
                self.zmailer = true;
                self.helo_marked = true;
                if let Some(name) = list.next() {
                    let end = name.to.saturating_sub(usize::from(name.of(text).last() == Some(&b'"')));
                    self.helo(text, Span::new(name.from, end));
                }
            } else if word.len() > 1 && word.last() == Some(&b':') && ip::read(word) == Reading::No {
                // `smtp-auth: <none> TLS-CIPHER: <none>`
                skip_value = true;
            } else if word.starts_with(b"rhost-flags") {
            } else if is_any(word, &[b"helo", b"ehlo", b"lhlo", b"hello"]) {
                self.helo_marked = true;
                expect_helo = true;
            } else if is_any(word, &[b"account"]) {
                self.auth = Auth::Sasl;
                expect_user = true;
            } else if is_any(word, &[b"with"]) {
                // `user@192.0.2.1 with login`
                if list
                    .peek()
                    .is_some_and(|s| is_any(s.of(text), &[b"login", b"plain", b"xymcookie", b"cram-md5"]))
                {
                    self.auth = Auth::Sasl;
                }
                skip_value = true;
            } else if is_any(word, &[b"verified"]) {
                self.verified = true;
            } else if is_any(word, &[b"unverified", b"rdns", b"softdnserr"]) {
                self.state = Rdns::None;
            } else if is_any(word, &[b"forged"]) {
                self.state = Rdns::Forged;
            } else if is_any(word, &[b"as"]) {
                expect_user = true;
            } else if word.starts_with(b"port:") {
                self.port_of(
                    text,
                    Span::new(
                        span.from.saturating_add(5),
                        span.to.saturating_sub(usize::from(word.last() == Some(&b']'))),
                    ),
                );
            } else if is_any(word, &[b"not", b"may", b"be", b"failed", b"misconfigured", b"sender", b"peer"])
            {
            } else if word.last() == Some(&b']') && memchr::memchr(b'[', word).is_none() {
                // The end of what stands in brackets: `[unix socket]`.
            } else if let Some(open) = memchr::memchr(b'[', word) {
                self.bracketed(text, span, open);
            } else if self.address(text, span, true) {
                self.bare_ip = true;
            } else {
                self.name(text, span);
            }
        }
    }

    /// `helo=x`, `ident=x`, `port=n`, `user=x`; whether the word is one of them.
    pub(super) fn pair(&mut self, text: &[u8], span: Span) -> bool {
        let word = span.of(text);
        let Some(equals) = memchr::memchr(b'=', word) else { return false };
        let key = word.get(..equals).unwrap_or_default();
        let value = Span::new(span.from.saturating_add(equals).saturating_add(1), span.to);
        if is_any(key, &[b"helo", b"ehlo", b"lhlo"]) {
            self.helo(text, value);
        } else if is_any(key, &[b"ident"]) {
            self.ident.get_or_insert(value);
        } else if is_any(key, &[b"port"]) {
            self.port_of(text, value);
        } else if is_any(key, &[b"user", b"auth", b"authenticated"]) {
            self.auth = Auth::Sasl;
            self.user.get_or_insert(value);
        } else {
            return false;
        }
        true
    }

    /// `[192.0.2.1]`, `name[192.0.2.1]`, `user@[192.0.2.1]`, `[192.0.2.1]:25`, `[unix`.
    fn bracketed(&mut self, text: &[u8], span: Span, open: usize) {
        let bracket = span.from.saturating_add(open);
        let before = Span::new(span.from, bracket);
        let from_bracket = Span::new(bracket, span.to);
        if !self.address(text, from_bracket, true) {
            let word = from_bracket.of(text);
            let inner = word.get(1..).unwrap_or_default();
            let local = [&b"local"[..], b"unix", b"[unix"];
            self.local |=
                local.iter().any(|l| inner.get(..l.len()).is_some_and(|i| i.eq_ignore_ascii_case(l)));
        }
        if !before.is_empty() {
            self.name(text, before);
        }
    }

    /// Whether the first token is an address other than the one that the server saw.
    fn other_literal(&self, text: &[u8]) -> bool {
        match (self.ip, self.token.map(|t| ip::read(t.of(text)))) {
            (Some((seen, _)), Some(Reading::Address(said))) => seen.ip != said.ip,
            _ => false,
        }
    }

    /// Which name is the client's own, and which the server found: `(helo, rdns, state)`.
    pub(super) fn roles(&self, text: &[u8], first: First) -> (Option<Span>, Option<Span>, Rdns) {
        // An address of a user is no name of a machine.
        let token = self.token.filter(|t| !t.is_empty() && !t.of(text).contains(&b'@'));
        let token_name = token.filter(|t| is_host(t.of(text)));
        if self.helo_marked {
            let literal = |t: Span| first != First::Helo && ip::read(t.of(text)) != Reading::No;
            let none = token.is_some_and(|t| is_any(t.of(text), &NO_NAME) || literal(t));
            let state = if none { Rdns::None } else { self.state };
            let rdns = if first == First::Neither {
                None
            } else {
                token_name.or(self.name.filter(|n| is_host(n.of(text))))
            };
            return (self.helo, rdns, found(rdns, state));
        }
        if let Some(name) = self.name {
            let host =
                is_host(name.of(text)) && (self.ip.is_some() || self.local || name.of(text).contains(&b'.'));
            if host {
                return (token, Some(name), found(Some(name), self.state));
            }
            return (token, None, self.state);
        }
        if self.state == Rdns::None {
            return (token, None, self.state);
        }
        if self.verified {
            return (token, token_name, found(token_name, self.state));
        }
        match first {
            First::Helo => (token, None, self.state),
            // `[192.168.1.5] ([198.51.100.1])`: the client's own words, since the server saw another address.
            First::Both if self.other_literal(text) => (token, None, Rdns::None),
            First::Both if self.ip.is_some() => {
                let unknown = token_name.is_none();
                (token_name, token_name, if unknown { Rdns::None } else { found(token_name, self.state) })
            }
            First::Rdns if self.ip.is_some() => (None, token_name, found(token_name, self.state)),
            First::Both | First::Rdns | First::Neither => (None, None, self.state),
        }
    }
}

fn found(rdns: Option<Span>, state: Rdns) -> Rdns {
    match (rdns, state) {
        (Some(_), Rdns::Forged) => Rdns::Forged,
        (Some(_), _) => Rdns::Found,
        (None, Rdns::Found) => Rdns::NotTold,
        (None, state) => state,
    }
}

/// Whether a word may be the name of a machine: no address, no placeholder, no account.
fn is_host(word: &[u8]) -> bool {
    word.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b > 127 || matches!(b, b'_' | b'-' | b'.'))
        && !word.iter().any(|b| matches!(b, b'@' | b'[' | b'<' | b'/' | b'='))
        && !is_any(word, &NO_NAME)
        && (word.last().is_some_and(u8::is_ascii_alphabetic) && memchr::memchr(b':', word).is_none()
            || ip::read(word) == Reading::No)
}

/// The number that the digits at the start are.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..len)?).ok()?.parse().ok()
}

/// The same without quotation marks.
pub(super) fn unquoted(text: &[u8], span: Span) -> Span {
    match span.of(text) {
        [b'"', .., b'"'] => span.inner(1),
        _ => span,
    }
}
