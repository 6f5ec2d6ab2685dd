//! What the comments of a field tell, put beside its clauses.

use super::clauses::{Clause, Draft, begins, ends};
use super::comment::{About, about, after, is_one_word, words};
use super::family::Family;
use super::ip::{self, Reading};
use super::lex::Span;
use super::peer::unquoted;
use super::{Auth, peer};

impl Draft {
    /// Reads a comment that stands in `clause`.
    pub(super) fn comment(&mut self, text: &[u8], comment: Span, clause: Clause) {
        self.via_closed |= clause == Clause::Via && self.via.is_some();
        self.with_closed |= clause == Clause::With && self.with.is_some();
        let closed = comment.of(text).last() == Some(&b')');
        let end = if closed { comment.to.saturating_sub(1) } else { comment.to };
        let inside = Span::new(comment.from.saturating_add(1), end).trimmed(text);
        let bytes = inside.of(text);
        let from = clause == Clause::From;
        let letter = match about(bytes, from) {
            About::Peer if from => {
                self.peer.comment(text, inside);
                b'p'
            }
            About::Peer if clause == Clause::By && self.server_beside(text, inside) => b'a',
            // Exim without a client's address: `(helo=name) by ..`.
            About::Helo
                if from || clause == Clause::Start && self.peer.token.is_none() && !self.peer.helo_marked =>
            {
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
                    let bare = self.angle(text, span);
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
            About::Via if self.via.is_none() => {
                self.via = Some(Span::new(inside.from.saturating_add(4), inside.to).trimmed(text));
                b'V'
            }
            About::Crosscheck => {
                let rest = inside.of(text).iter().position(|b| *b == b':').unwrap_or(0);
                self.peer
                    .comment(text, Span::new(inside.from.saturating_add(rest).saturating_add(1), inside.to));
                self.family = Family::Amazon;
                b'p'
            }
            _ if from && is_one_word(bytes) => {
                self.peer.comment(text, inside);
                b'p'
            }
            _ => {
                let version = bytes.strip_prefix(b"v").unwrap_or(bytes);
                // `Gmexim 0.1 (Debian)`: whoever wrote it has ids of its own.
                let other = is_software(bytes) && memchr::memmem::find(bytes, b"Exim").is_none();
                self.other_software |= !from && (other || version.first().is_some_and(u8::is_ascii_digit));
                if clause == Clause::By && self.software.is_none() && is_software(bytes) {
                    self.software = Some(inside);
                }
                b'o'
            }
        };
        self.tls.seen |= ends(bytes, b" with TLS");
        let letter = if ends(bytes, b"encrypted") && bytes.len() > 10 {
            self.tls.phrase(text, Span::new(inside.from, inside.to.saturating_sub(9)).trimmed(text));
            b't'
        } else {
            letter
        };
        self.shape.push(letter);
    }

    /// What stands in angle brackets; one that is not closed is told, and nothing of what stands behind it is cut.
    pub(super) fn angle(&mut self, text: &[u8], span: Span) -> Span {
        match span.of(text) {
            [b'<', .., b'>'] => span.inner(1),
            [b'<', ..] => {
                self.unclosed.get_or_insert(span);
                Span::new(span.from.saturating_add(1), span.to)
            }
            _ => span,
        }
    }

    /// The server's own address: `192.0.2.1`, `[192.0.2.1]:25`, `name [192.0.2.1]`; not the number of a version.
    fn server_beside(&mut self, text: &[u8], inside: Span) -> bool {
        let mut list = words(text, inside).enumerate();
        let address = |(n, s): &(usize, Span)| {
            s.of(text).first() == Some(&b'[') || (*n == 0 && ip::read(s.of(text)) != Reading::No)
        };
        let span = list.find(address);
        span.is_some_and(|(_, span)| self.server_address(text, span))
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
            // `qmail 1 invoked from network[192.0.2.1/name]`, `ofmipd 192.0.2.1`
            let bracket = memchr::memchr(b'[', bytes)
                .map(|at| Span::new(inside.from.saturating_add(at).saturating_add(1), inside.to));
            let last = words(text, bracket.unwrap_or(inside)).last();
            if let Some(span) = last {
                let word = span.of(text);
                let len = memchr::memchr2(b'/', b']', word).unwrap_or(word.len());
                let at = span.from.saturating_add(len);
                if self.peer.address(text, Span::new(span.from, at), true) && word.get(len) == Some(&b'/') {
                    let name = Span::new(
                        at.saturating_add(1),
                        span.to.saturating_sub(usize::from(word.last() == Some(&b']'))),
                    );
                    self.peer.name = Some(name).filter(|n| !n.is_empty());
                }
            }
        }
        // `from userid 33`, `invoked by uid 501`
        let mut before: &[u8] = b"";
        for span in words(text, inside) {
            let word = span.of(text);
            if matches!(before, b"userid" | b"uid") && word.first().is_some_and(u8::is_ascii_digit) {
                self.peer.uid = peer::number(word);
                self.peer.auth = Auth::Local;
            }
            before = word;
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
        if let Some(len) = after(bytes, b"authenticated sender:") {
            // To the end: Postfix writes what the client said.
            peer.user = Some(rest(len)).filter(|s| !s.is_empty());
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
            // `authenticated as user`, `Authenticated user: u`, `SquirrelMail authenticated user u`,
            // `smtp-auth username u`, `sender: u`
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

/// A name and a version, such as `Mercury 1.44`.
fn is_software(bytes: &[u8]) -> bool {
    let point = |w: &[u8]| matches!(w, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit());
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.windows(3).any(point)
}
