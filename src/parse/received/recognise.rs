//! Which kind of server wrote a field, where no comment names it.

use std::net::IpAddr;

use super::clauses::{Draft, begins, ends};
use super::family::Family;
use super::lex::Span;
use super::protocol::{self, Protocol};
use crate::parse::date::DateReading;
use crate::parse::idclock::{IdTime, queue_id};

impl Draft {
    /// The transmission keyword.
    pub(super) fn protocol(&self, text: &[u8]) -> Protocol {
        let of = |span: Option<Span>| span.and_then(|s| protocol::of_phrase(s.of(text)));
        of(self.with).or_else(|| of(self.via)).unwrap_or_default()
    }

    /// Finds the family by the words after `with`, the server's name, the id, and the way the client is written.
    pub(super) fn recognise(
        &mut self,
        text: &[u8],
        date: Option<&DateReading>,
        date_at: Option<Span>,
        protocol: Protocol,
    ) {
        if self.family == Family::Unknown {
            let family = self.by_words(text, protocol);
            self.family = family.or_else(|| self.by_build(text, date, date_at, protocol)).unwrap_or_default();
        }
    }

    fn by_words(&self, text: &[u8], protocol: Protocol) -> Option<Family> {
        let with = self.with.map_or(&b""[..], |w| w.of(text));
        let by = self.by.map_or(&b""[..], |b| b.of(text));
        let phrases: [(&[u8], Family); 20] = [
            (b"microsoft smtp server", Family::Exchange),
            (b"mapi", Family::Exchange),
            (b"microsoft mail", Family::Exchange),
            (b"ibm esmtp", Family::Ibm),
            (b"netmail smtp", Family::Netmail),
            (b"novonyx", Family::Netmail),
            (b"novell nims", Family::Netmail),
            (b"smtpbeamer", Family::Xwall),
            (b"xwall", Family::Xwall),
            (b"interscan", Family::Interscan),
            (b"internet mail service", Family::Exchange),
            (b"microsoft smtpsvc", Family::Smtpsvc),
            (b"novell_groupwise", Family::Groupwise),
            (b"mailenable", Family::Mailenable),
            (b"nnfmp", Family::Yahoo),
            (b"listserv", Family::List),
            (b"ecartis", Family::List),
            (b"[xmail", Family::Xmail),
            (b"thrift", Family::Facebook),
            (b"qmail-scanner", Family::Qmail),
        ];
        let first = with.first().map(u8::to_ascii_lowercase);
        if let Some((_, family)) =
            phrases.iter().find(|(p, _)| p.first() == first.as_ref() && begins(with, p))
        {
            return Some(*family);
        }
        let hosts: [(&[u8], Family); 20] = [
            (b".google.com", Family::Gmail),
            (b".googlemail.com", Family::Gmail),
            (b".outlook.com", Family::Exchange),
            (b".outlook.office365.com", Family::Exchange),
            (b".mimecast.com", Family::Mimecast),
            (b".mimecast.co.za", Family::Mimecast),
            (b".pphosted.com", Family::Proofpoint),
            (b".sendgrid.net", Family::Sendgrid),
            (b"smtp.gmail.com", Family::Gmail),
            (b".amazonaws.com", Family::Ses),
            (b".mailgun.net", Family::Mailgun),
            (b".mailgun.org", Family::Mailgun),
            (b"mandrillapp.com", Family::Mandrill),
            (b".zohomail.com", Family::Zoho),
            (b".zoho.com", Family::Zoho),
            (b".zoho.eu", Family::Zoho),
            (b".mx.aol.com", Family::Aol),
            (b".hotmail.com", Family::Hotmail),
            (b".hotmail.msn.com", Family::Hotmail),
            (b".messagelabs.com", Family::Messagelabs),
        ];
        if let Some((_, family)) = hosts.iter().find(|(h, _)| ends(by, h)) {
            return Some(*family);
        }
        // Google's own 10/8 addresses, as 6to4 (RFC 3056); and its ids at such addresses.
        if begins(by, b"2002:a") && self.by_ip.is_some_and(|a| is_ten(a.ip)) {
            return Some(Family::Gmail);
        }
        let id = self.id.map_or(&b""[..], |i| i.of(text));
        let bare = self.software.is_none() && self.peer.token.is_none();
        let ten =
            self.by_ip.is_some_and(|a| matches!(a.ip, IpAddr::V4(v4) if v4.octets().first() == Some(&10)));
        if (bare && ten && protocol.name == "HTTP")
            || (protocol.name == "SMTP" && (bare || ten) && is_gmail_id(id))
        {
            return Some(Family::Gmail);
        }
        if begins(by, b"mailenable") {
            return Some(Family::Mailenable);
        }
        if ends(by, b".yahoo.com") && protocol.name.starts_with("HTTP") {
            return Some(Family::Yahoo);
        }
        None
    }

    fn by_build(
        &self,
        text: &[u8],
        date: Option<&DateReading>,
        date_at: Option<Span>,
        protocol: Protocol,
    ) -> Option<Family> {
        let with = self.with.map_or(&b""[..], |w| w.of(text));
        let id = self.id.map_or(&b""[..], |i| i.of(text));
        let lmtp = protocol.name.starts_with("LMTP");
        if self.via.is_some_and(|v| v.of(text) == b"smtpd") && id.is_empty() {
            return Some(Family::Gauntlet);
        }
        if self.via.is_some_and(|v| ends(v.of(text), b"smap")) || (self.peer.glued && self.via.is_some()) {
            return Some(Family::Smap);
        }
        if matches!(protocol.name, "POP3" | "POP" | "POP3S" | "IMAP" | "IMAPS" | "APOP" | "POP2") {
            return Some(Family::Fetch);
        }
        if is_exim_id(id) && !self.other_software {
            return Some(Family::Exim);
        }
        if lmtp && id.is_empty() && self.peer.helo_marked {
            return Some(Family::Zimbra);
        }
        if lmtp
            && id.len() >= 22
            && id.iter().take(22).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        {
            return Some(Family::Dovecot);
        }
        if self.tls.postfix && !lmtp {
            return Some(Family::Postfix);
        }
        if self.peer.zmailer || (self.via.is_some() && is_zmailer_id(id)) {
            return Some(Family::Zmailer);
        }
        for (name, family) in
            [("sendmail", Family::Sendmail), ("intermail", Family::Intermail), ("courier", Family::Courier)]
        {
            // Ids that may be another's count when their clock agrees with the field's to a day.
            let near = |t: IdTime| date.is_some_and(|d| d.utc.0.abs_diff(t.us.div_euclid(1000)) < 86_400_000);
            if queue_id(id, name).is_some_and(|(_, time)| near(time)) {
                return Some(family);
            }
        }
        if is_old_sendmail_id(id) {
            return Some(Family::Sendmail);
        }
        if is_recvd_id(id) && protocol.name == "SMTP" {
            return Some(Family::Sendgrid);
        }
        if with.is_empty() && is_simta_id(id) {
            return Some(Family::Simta);
        }
        if self.tls.cipher.is_some() && ends(with, b" encrypted smtp") {
            return Some(Family::Messagelabs);
        }
        if begins(with, b"esmtp/tls/") || begins(with, b"smtp/tls/") {
            return Some(Family::Ironport);
        }
        if self.id.is_some() || self.for_.is_some() {
            return None;
        }
        // No id and a date without the day's name: qmail writes UTC as -0000, IronPort the local zone.
        let digit_first = date_at
            .and_then(|d| text.get(d.from.saturating_add(1)..))
            .and_then(|rest| rest.iter().find(|b| !b.is_ascii_whitespace()))
            .is_some_and(u8::is_ascii_digit);
        let utc = date.is_some_and(|d| d.offset_secs_east == Some(0));
        if self.peer.user_ip || (digit_first && utc && (self.peer.bare_ip || self.peer.helo_marked)) {
            return Some(Family::Qmail);
        }
        if digit_first && self.peer.ip.is_some() && !with.is_empty() {
            return Some(Family::Ironport);
        }
        None
    }
}

/// 6to4 of an address in 10/8.
fn is_ten(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if matches!(v6.segments(), [0x2002, 0x0a00..=0x0aff, ..]))
}

/// `e13csp1234567wry`, `28so317656gxk.19`, `px9mr102490972pbc.14.1351589375945`: letters for the kind, a number, three
/// letters of the machine.
fn is_gmail_id(id: &[u8]) -> bool {
    let head = id.split(|b| *b == b'.').next().unwrap_or_default();
    [&b"csp"[..], b"sor", b"so", b"si", b"sm", b"mr"].iter().any(|mark| {
        let at = memchr::memmem::rfind(head, mark);
        let rest = at.and_then(|at| head.get(at.saturating_add(mark.len())..)).unwrap_or_default();
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let tail = rest.get(digits..).unwrap_or_default();
        digits >= 5
            && (2..=4).contains(&tail.len())
            && tail.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// `1s6mPq-0000000A1bC-2d3E`, `18xeL6-000Dn1-00`
pub(super) fn is_exim_id(id: &[u8]) -> bool {
    let dashes = match id.len() {
        16 => [6, 13],
        23 => [6, 18],
        _ => return false,
    };
    id.iter()
        .enumerate()
        .all(|(i, b)| if dashes.contains(&i) { *b == b'-' } else { b.is_ascii_alphanumeric() })
}

/// `recvd-5f54b5d587-7vkpd-1-664311CD-12`, `filter0383p1iad2-15318-5AB8F728-C`
fn is_recvd_id(id: &[u8]) -> bool {
    (begins(id, b"recvd-") || begins(id, b"filter")) && memchr::memchr_iter(b'-', id).count() >= 3
}

/// `434B508E.174A6.13932`
fn is_simta_id(id: &[u8]) -> bool {
    let mut parts = id.split(|b| *b == b'.');
    let hex =
        |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_hexdigit));
    id.get(8) == Some(&b'.')
        && hex(parts.next())
        && hex(parts.next())
        && hex(parts.next())
        && parts.next().is_none()
}

/// `KAA14788`: sendmail before 8.10, a letter for the hour.
fn is_old_sendmail_id(id: &[u8]) -> bool {
    let digits = id.get(3..).unwrap_or_default();
    id.len() == 8
        && matches!(id.first(), Some(b'A'..=b'X'))
        && id.get(1) == Some(&b'A')
        && id.get(2).is_some_and(u8::is_ascii_uppercase)
        && digits.iter().all(u8::is_ascii_digit)
}

/// `S1725823AbgI3KMU`
fn is_zmailer_id(id: &[u8]) -> bool {
    (14..=18).contains(&id.len())
        && id.starts_with(b"S")
        && id.get(1..8).is_some_and(|d| d.iter().all(u8::is_ascii_digit))
}
