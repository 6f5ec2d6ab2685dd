//! What a comment of a `Received` field tells, by its first words.

use super::family::Family;
use super::ip::{self, Reading};
use super::lex::Span;

/// What a comment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The client: a name, an address, or both.
    Peer,
    /// `HELO x`, `helo=x ident=y`.
    Helo,
    /// Encryption.
    Tls,
    /// The client's certificate.
    Certificate,
    /// A signed-in client.
    Auth,
    /// The server's software.
    Software(Family),
    /// `envelope-from <x>`
    Envelope,
    /// `from x`: the whole from clause, or a local user.
    From,
    /// `uid 1000`
    Uid,
    /// `crosscheck: name [192.0.2.1]`: the client, after the server.
    Crosscheck,
    /// Nothing that we know.
    Other,
}

use About::{Auth, Certificate, Crosscheck, Envelope, From, Helo, Other, Peer, Software, Tls, Uid};

/// First words in lower case, grouped by first letter; the first row that fits wins.
const PREFIXES: &[(&[u8], About)] = &[
    (b"account ", Auth),
    (b"amavis", Software(Family::Amavis)),
    (b"argosoft", Software(Family::Argosoft)),
    (b"auth:", Auth),
    (b"auth ", Auth),
    (b"auth=", Auth),
    (b"authenticated", Auth),
    (b"authenticator", Auth),
    (b"avg smtp", Software(Family::Avg)),
    (b"axigen", Software(Family::Axigen)),
    (b"bulk_mailer", Software(Family::List)),
    (b"ca-", Other),
    (b"cert", Certificate),
    (b"cipher", Tls),
    (b"clearswift", Software(Family::Mailsweeper)),
    (b"client", Certificate),
    (b"communigate", Software(Family::Communigate)),
    (b"content technologies", Software(Family::Mailsweeper)),
    (b"coremail", Software(Family::Coremail)),
    (b"courier", Software(Family::Courier)),
    (b"cyrus", Software(Family::Cyrus)),
    (b"crosscheck:", Crosscheck),
    (b"dragonfly", Software(Family::Dma)),
    (b"ecelerity", Software(Family::Ecelerity)),
    (b"ehlo", Helo),
    (b"envelope-", Envelope),
    (b"exim", Software(Family::Exim)),
    (b"ezmts", Software(Family::Ezmts)),
    (b"f-secure", Software(Family::Fsecure)),
    (b"fetchmail", Software(Family::Fetch)),
    (b"from ", From),
    (b"getmail", Software(Family::Fetch)),
    (b"google transport", Tls),
    (b"halon", Software(Family::Halon)),
    (b"haraka", Software(Family::Haraka)),
    (b"hcl domino", Software(Family::Domino)),
    (b"hello", Helo),
    (b"helo", Helo),
    (b"hmailserver", Software(Family::Hmailserver)),
    (b"icewarp", Software(Family::Icewarp)),
    (b"ident=", Helo),
    (b"imp)", Other),
    (b"imail", Software(Family::Imail)),
    (b"internet mail service", Software(Family::Exchange)),
    (b"interscan", Software(Family::Interscan)),
    (b"intermail", Software(Family::Intermail)),
    (b"iplanet", Software(Family::Iplanet)),
    (b"james", Software(Family::James)),
    (b"jms", Software(Family::Iplanet)),
    (b"jqueuemail", Software(Family::Untd)),
    (b"kerio", Software(Family::Kerio)),
    (b"lhlo", Helo),
    (b"listserv", Software(Family::List)),
    (b"lotus", Software(Family::Domino)),
    (b"lsmtp", Software(Family::List)),
    (b"mail_out", Software(Family::Aol)),
    (b"mailenable", Software(Family::Mailenable)),
    (b"mailgate", Software(Family::Mailgate)),
    (b"mailman", Software(Family::List)),
    (b"mdaemon", Software(Family::Mdaemon)),
    (b"merak", Software(Family::Icewarp)),
    (b"messagewall", Software(Family::Messagewall)),
    (b"microsoft exchange", Software(Family::Exchange)),
    (b"mimecast", Software(Family::Mimecast)),
    (b"momentum", Software(Family::Ecelerity)),
    (b"mercury", Software(Family::Mercury)),
    (b"mxfront/yandex", Software(Family::Yandex)),
    (b"navgw", Software(Family::Symantec)),
    (b"nemesis", Software(Family::Nemesis)),
    (b"netscape", Software(Family::Iplanet)),
    (b"no client", Certificate),
    (b"not verified", Certificate),
    (b"npl", Other),
    (b"netmail", Software(Family::Netmail)),
    (b"ntmail", Software(Family::Ntmail)),
    (b"nwsmtp/yandex", Software(Family::Yandex)),
    (b"openpgp", Other),
    (b"opensmtpd", Software(Family::Opensmtpd)),
    (b"oracle", Software(Family::Iplanet)),
    (b"ofmipd", Software(Family::Qmail)),
    (b"oath hermes", Software(Family::Yahoo)),
    (b"orcpt", Other),
    (b"peer", Other),
    (b"pmdf", Software(Family::Pmdf)),
    (b"port=", Helo),
    (b"post.office", Software(Family::Postoffice)),
    (b"postfix", Software(Family::Postfix)),
    (b"powermta", Software(Family::Powermta)),
    (b"pps", Software(Family::Proofpoint)),
    (b"proxmox", Software(Family::Postfix)),
    (b"proxying", Other),
    (b"qmail-ldap", Software(Family::Qmail)),
    (b"qmail", Software(Family::Qmail)),
    (b"qpsmtpd", Software(Family::Qpsmtpd)),
    (b"qp ", Software(Family::Qmail)),
    (b"rockliffe", Software(Family::Rockliffe)),
    (b"rspamd", Other),
    (b"router,slmail", Software(Family::Slmail)),
    (b"scalix", Software(Family::Scalix)),
    (b"sender", Auth),
    (b"sg", Software(Family::Sendgrid)),
    (b"sgi-8", Software(Family::Sendmail)),
    (b"smartermail", Software(Family::Smartermail)),
    (b"smtpd32", Software(Family::Imail)),
    (b"smtpd", Software(Family::Smtpd)),
    (b"smtpl ", Software(Family::Smtpl)),
    (b"smtp-auth", Auth),
    (b"squirrelmail", Auth),
    (b"ssl", Tls),
    (b"stalwart", Software(Family::Stalwart)),
    (b"sun java", Software(Family::Iplanet)),
    (b"sun internet", Software(Family::Iplanet)),
    (b"slmail", Software(Family::Slmail)),
    (b"smtp server slmail", Software(Family::Slmail)),
    (b"smail", Software(Family::Smail)),
    (b"tls", Tls),
    (b"trex", Software(Family::Trex)),
    (b"tumbleweed", Software(Family::Tumbleweed)),
    (b"uid ", Uid),
    (b"user ", Auth),
    (b"using ", Tls),
    (b"verified", Certificate),
    (b"version=", Tls),
    (b"vircom", Software(Family::Vircom)),
    (b"xmail", Software(Family::Xmail)),
    (b"yahoo inc", Software(Family::Yahoo)),
    (b"yandex", Software(Family::Yandex)),
];

/// The rows that begin with a letter: two looks at a table that stands in the order of the letters.
fn rows(letter: u8) -> &'static [(&'static [u8], About)] {
    let first = |row: &(&[u8], About)| row.0.first().copied().unwrap_or_default();
    let start = PREFIXES.partition_point(|row| first(row) < letter);
    let rest = PREFIXES.get(start..).unwrap_or_default();
    let len = rest.iter().take_while(|row| first(row) == letter).count();
    rest.get(..len).unwrap_or_default()
}

/// What the comment whose inner bytes are `inside` is about.
pub(super) fn about(inside: &[u8]) -> About {
    let Some(first) = inside.first() else { return Other };
    let lower = first.to_ascii_lowercase();
    if lower.is_ascii_alphabetic() {
        for (prefix, about) in rows(lower) {
            if let Some(len) = after(inside, prefix) {
                // `sender.example.com [192.0.2.1]` does not tell of a sender.
                let goes_on = inside
                    .get(len)
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
                return match about {
                    Auth if goes_on => continue,
                    // `postfix3-2.free.fr [192.0.2.1]` is a client, `tls.example.net [..]` too.
                    Software(_) | Tls | Certificate if goes_on && has_bracket(inside) => Peer,
                    Software(family) if !family.claims(inside) => Other,
                    about => *about,
                };
            }
        }
        for (words, family) in INSIDE {
            if memchr::memmem::find(inside, words).is_some() {
                return Software(*family);
            }
        }
    }
    if looks_like_peer(inside) {
        Peer
    } else if is_version(inside) {
        Software(Family::Sendmail)
    } else {
        Other
    }
}

/// Names of software that stand inside of a comment.
const INSIDE: &[(&[u8], Family)] = &[
    (b", from userid ", Family::Postfix),
    (b"(Exim)", Family::Exim),
    (b"/Yandex", Family::Yandex),
    (b"Hermes SMTP Server", Family::Yahoo),
];

/// A name and an address, or one of them.
fn looks_like_peer(inside: &[u8]) -> bool {
    if memchr::memchr(b'[', inside).is_some() {
        return has_bracket(inside);
    }
    let mut words = inside.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b','));
    let first_reading = words.next().map_or(Reading::No, bare_address);
    let one = !inside.iter().any(u8::is_ascii_whitespace);
    match first_reading {
        Reading::Address(_) => true,
        Reading::Invalid if one => true,
        _ => words.any(|word| matches!(bare_address(word), Reading::Address(_))),
    }
}

/// `192.0.2.1`, `user@192.0.2.1`
fn bare_address(word: &[u8]) -> Reading {
    let word = memchr::memrchr(b'@', word).and_then(|at| word.get(at.saturating_add(1)..)).unwrap_or(word);
    ip::read(word)
}

/// Whether a bracket holds an address, or stands for a missing one; `[265.6.8]` of a version does not.
fn has_bracket(inside: &[u8]) -> bool {
    inside.first() == Some(&b'[')
        || inside.split(|b| *b == b'[').skip(1).any(|rest| {
            let word = rest.split(|b| *b == b']').next().unwrap_or_default();
            rest.len() > word.len()
                && (word.is_empty() || ip::read(word) != Reading::No || is_placeholder(word))
        })
}

/// How many bytes of `bytes` the words of `head` take, in any case, however the blanks between them are folded; `None` when it does not
/// begin with them.
pub(super) fn after(bytes: &[u8], head: &[u8]) -> Option<usize> {
    let mut at: usize = 0;
    for want in head {
        if *want == b' ' {
            let rest = bytes.get(at..)?;
            let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
            if blanks == 0 {
                return None;
            }
            at = at.saturating_add(blanks);
        } else {
            if !bytes.get(at)?.eq_ignore_ascii_case(want) {
                return None;
            }
            at = at.saturating_add(1);
        }
    }
    Some(at)
}

/// What stands in brackets where there was no network.
fn is_placeholder(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"local") || word.get(..4).is_some_and(|w| w.eq_ignore_ascii_case(b"unix"))
}

/// `8.11.6/8.11.6`, `8.12.1/`, `5.65v3.2/1.1.8`: sendmail's two versions.
fn is_version(inside: &[u8]) -> bool {
    let slash = memchr::memchr(b'/', inside);
    let Some(before) = slash.and_then(|at| inside.get(..at)) else { return false };
    let before =
        memchr::memrchr(b'-', before).and_then(|at| before.get(at.saturating_add(1)..)).unwrap_or(before);
    before.first().is_some_and(u8::is_ascii_digit) && memchr::memchr(b'.', before).is_some()
}

/// The words of `span`, split at blanks, commas and parentheses.
pub(super) fn words(text: &[u8], span: Span) -> impl Iterator<Item = Span> + '_ {
    let mut at = span.from;
    std::iter::from_fn(move || {
        let rest = Span::new(at, span.to).of(text);
        let is_gap = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'(' | b')');
        let skip = rest.iter().position(|b| !is_gap(b))?;
        let from = at.saturating_add(skip);
        let rest = Span::new(from, span.to).of(text);
        let len = rest.iter().position(is_gap).unwrap_or(rest.len());
        at = from.saturating_add(len);
        Some(Span::new(from, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_stand_in_the_order_of_their_first_letters() {
        assert!(PREFIXES.is_sorted_by_key(|row| row.0.first()));
        assert!(PREFIXES.iter().all(|row| row.0.to_ascii_lowercase() == row.0));
    }
}
