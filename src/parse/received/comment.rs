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
    /// `via HTTP`: the clause, in a comment.
    Via,
    /// Nothing that we know.
    Other,
}

use About::{Auth, Certificate, Crosscheck, Envelope, From, Helo, Other, Peer, Software, Tls, Uid, Via};

/// First words in lower case, in the order of their first letters and longer ones first; the first row that fits wins.
const PREFIXES: &[(&[u8], About)] = &[
    (b"authenticated", Auth),
    (b"authenticator", Auth),
    (b"avmailgate", Software(Family::Avmailgate)),
    (b"account ", Auth),
    (b"argosoft", Software(Family::Argosoft)),
    (b"avg smtp", Software(Family::Avg)),
    (b"amavis", Software(Family::Amavis)),
    (b"axigen", Software(Family::Axigen)),
    (b"auth ", Auth),
    (b"auth:", Auth),
    (b"auth=", Auth),
    (b"aix", Software(Family::Sendmail)),
    (b"bulk_mailer", Software(Family::List)),
    (b"content technologies", Software(Family::Mailsweeper)),
    (b"communigate", Software(Family::Communigate)),
    (b"crosscheck:", Crosscheck),
    (b"cellopoint", Software(Family::Cellopoint)),
    (b"clearswift", Software(Family::Mailsweeper)),
    (b"coremail", Software(Family::Coremail)),
    (b"courier", Software(Family::Courier)),
    (b"cipher", Tls),
    (b"client", Certificate),
    (b"cyrus", Software(Family::Cyrus)),
    (b"cert", Certificate),
    (b"dragonfly", Software(Family::Dma)),
    (b"eudora internet mail", Software(Family::Eims)),
    (b"ecelerity", Software(Family::Ecelerity)),
    (b"envelope-", Envelope),
    (b"ezmts", Software(Family::Ezmts)),
    (b"egp:", Software(Family::Egroups)),
    (b"ehlo", Helo),
    (b"exim", Software(Family::Exim)),
    (b"fetchmail", Software(Family::Fetch)),
    (b"f-secure", Software(Family::Fsecure)),
    (b"from ", From),
    (b"google transport", Tls),
    (b"getmail", Software(Family::Fetch)),
    (b"hmailserver", Software(Family::Hmailserver)),
    (b"hcl domino", Software(Family::Domino)),
    (b"haraka", Software(Family::Haraka)),
    (b"halon", Software(Family::Halon)),
    (b"hello", Helo),
    (b"helo", Helo),
    (b"internet mail service", Software(Family::Exchange)),
    (b"intermail", Software(Family::Intermail)),
    (b"interscan", Software(Family::Interscan)),
    (b"icewarp", Software(Family::Icewarp)),
    (b"iplanet", Software(Family::Iplanet)),
    (b"ident=", Helo),
    (b"imail", Software(Family::Imail)),
    (b"imp)", Other),
    (b"jqueuemail", Software(Family::Untd)),
    (b"jetmail", Software(Family::Jetmail)),
    (b"james", Software(Family::James)),
    (b"jms", Software(Family::Iplanet)),
    (b"kerio", Software(Family::Kerio)),
    (b"listserv", Software(Family::List)),
    (b"lotus", Software(Family::Domino)),
    (b"lsmtp", Software(Family::List)),
    (b"lhlo", Helo),
    (b"microsoft exchange", Software(Family::Exchange)),
    (b"mxfront/yandex", Software(Family::Yandex)),
    (b"mailmarshal", Software(Family::Mailmarshal)),
    (b"messagewall", Software(Family::Messagewall)),
    (b"mailenable", Software(Family::Mailenable)),
    (b"mail_out", Software(Family::Aol)),
    (b"mailgate", Software(Family::Mailgate)),
    (b"mimecast", Software(Family::Mimecast)),
    (b"momentum", Software(Family::Ecelerity)),
    (b"mailman", Software(Family::List)),
    (b"mdaemon", Software(Family::Mdaemon)),
    (b"mercury", Software(Family::Mercury)),
    (b"merak", Software(Family::Icewarp)),
    (b"mpop-", Software(Family::Fetch)),
    (b"nwsmtp/yandex", Software(Family::Yandex)),
    (b"not verified", Certificate),
    (b"no client", Certificate),
    (b"netscape", Software(Family::Iplanet)),
    (b"nemesis", Software(Family::Nemesis)),
    (b"netmail", Software(Family::Netmail)),
    (b"ntmail", Software(Family::Ntmail)),
    (b"navgw", Software(Family::Symantec)),
    (b"npl", Other),
    (b"oath hermes", Software(Family::Yahoo)),
    (b"opensmtpd", Software(Family::Opensmtpd)),
    (b"openpgp", Other),
    (b"ofmipd", Software(Family::Qmail)),
    (b"oracle", Software(Family::Iplanet)),
    (b"orcpt", Other),
    (b"post.office", Software(Family::Postoffice)),
    (b"powermta", Software(Family::Powermta)),
    (b"proxying", Other),
    (b"postfix", Software(Family::Postfix)),
    (b"proxmox", Software(Family::Postfix)),
    (b"port=", Helo),
    (b"peer", Other),
    (b"pmdf", Software(Family::Pmdf)),
    (b"pps", Software(Family::Proofpoint)),
    (b"qmail-ldap", Software(Family::Qmail)),
    (b"qpsmtpd", Software(Family::Qpsmtpd)),
    (b"qmail", Software(Family::Qmail)),
    (b"qp ", Software(Family::Qmail)),
    (b"router,slmail", Software(Family::Slmail)),
    (b"rockliffe", Software(Family::Rockliffe)),
    (b"rspamd", Other),
    (b"smtp server slmail", Software(Family::Slmail)),
    (b"squirrelmail", Auth),
    (b"sun internet", Software(Family::Iplanet)),
    (b"smartermail", Software(Family::Smartermail)),
    (b"smtp-auth", Auth),
    (b"sendmail", Software(Family::Sendmail)),
    (b"stalwart", Software(Family::Stalwart)),
    (b"sun java", Software(Family::Iplanet)),
    (b"smtpd32", Software(Family::Imail)),
    (b"scalix", Software(Family::Scalix)),
    (b"sender", Auth),
    (b"slmail", Software(Family::Slmail)),
    (b"smtpl ", Software(Family::Smtpl)),
    (b"sgi-8", Software(Family::Sendmail)),
    (b"smail", Software(Family::Smail)),
    (b"smtpd", Software(Family::Smtpd)),
    (b"ssl", Tls),
    (b"sg", Software(Family::Sendgrid)),
    (b"tumbleweed", Software(Family::Tumbleweed)),
    (b"trex", Software(Family::Trex)),
    (b"tls", Tls),
    (b"using ", Tls),
    (b"user ", Auth),
    (b"user=", Auth),
    (b"uid ", Uid),
    (b"verified", Certificate),
    (b"version=", Tls),
    (b"vircom", Software(Family::Vircom)),
    (b"via ", Via),
    (b"v8/", Software(Family::Sendmail)),
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

/// What the comment whose inner bytes are `inside` is about; `from` where it stands beside the client's name.
pub(super) fn about(inside: &[u8], from: bool) -> About {
    let Some(first) = inside.first() else { return Other };
    if from && is_plain_peer(inside) {
        return Peer;
    }
    let lower = first.to_ascii_lowercase();
    if lower.is_ascii_alphabetic() {
        for (prefix, about) in rows(lower) {
            if let Some(len) = after(inside, prefix) {
                // `sender.example.com [192.0.2.1]` does not tell of a sender.
                let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@');
                let open_ended =
                    prefix.last().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
                let goes_on = open_ended && inside.get(len).is_some_and(name);
                let bracket = from && has_bracket(inside);
                let bare =
                    bracket && inside.get(len..).unwrap_or_default().trim_ascii_start().starts_with(b"[");
                return match about {
                    // `listserv [192.0.2.1]`
                    _ if bracket && (goes_on || bare) => Peer,
                    Auth if goes_on => continue,
                    // `postfix3-2.free.fr [192.0.2.1]` and `postfix@example.org` are clients, `tls.example.net [..]`
                    // too.
                    Software(_) | Certificate if from && goes_on && is_one_word(inside) => Peer,
                    Software(family) if !family.claims(inside) => Other,
                    about => *about,
                };
            }
        }
        let named = |(words, _): &&(&[u8], Family)| memchr::memmem::find(inside, words).is_some();
        if !from && let Some((_, family)) = INSIDE.iter().find(named) {
            return Software(*family);
        }
    } else if !from && lower == b'"' && memchr::memmem::find(inside, b" userid ").is_some() {
        return Software(Family::Postfix);
    }
    if !from && is_version(inside) {
        Software(Family::Sendmail)
    } else if looks_like_peer(inside) {
        Peer
    } else {
        Other
    }
}

/// `name [192.0.2.1]`, `[192.0.2.1]`: what most clients look like, found before the table is asked.
fn is_plain_peer(inside: &[u8]) -> bool {
    let Some((b']', rest)) = inside.split_last() else { return false };
    let Some(open) = memchr::memrchr(b'[', rest) else { return false };
    let name = rest.get(..open).unwrap_or_default().trim_ascii_end();
    let inner = rest.get(open.saturating_add(1)..).unwrap_or_default();
    let digits = inner.strip_prefix(b"IPv6:").unwrap_or(inner);
    let number = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
    digits.len() > 1
        && digits.iter().all(number)
        && !name.iter().any(|b| b.is_ascii_whitespace() || *b == b'[')
}

/// Whether it is one word and no setting.
pub(super) fn is_one_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b'='))
}

/// Names of software that stand inside of a comment.
const INSIDE: &[(&[u8], Family)] = &[
    (b" userid ", Family::Postfix),
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
    let mark = memchr::memrchr2(b'@', b'/', word);
    let word = mark.and_then(|at| word.get(at.saturating_add(1)..)).unwrap_or(word);
    ip::read(word)
}

/// Whether a bracket holds an address, or stands for a missing one; `[265.6.8]` of a version does not.
fn has_bracket(inside: &[u8]) -> bool {
    inside.first() == Some(&b'[')
        || inside.split(|b| *b == b'[').skip(1).any(|rest| {
            let word = rest.split(|b| *b == b']').next().unwrap_or_default();
            // `[192.0.2.1 port:4688]`
            let first = word.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            rest.len() > word.len()
                && (word.is_empty() || ip::read(first) != Reading::No || is_placeholder(word))
        })
}

/// How many bytes of `bytes` the words of `head` take, in any case, however the blanks between them are folded; `None`
/// when it does not begin with them.
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
    before.starts_with(b"8.") || before.starts_with(b"5.")
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
