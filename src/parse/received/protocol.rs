//! Transmission keywords (RFC 5321, 3848, 6531, and those that are really written).

/// Keyword as reported, and whether it tells of TLS and of a signed-in client.
struct Row(&'static str, bool, bool);

/// The registered keywords first, then others by how often they are met.
const TABLE: &[Row] = &[
    Row("ESMTP", false, false),
    Row("ESMTPS", true, false),
    Row("ESMTPSA", true, true),
    Row("SMTP", false, false),
    Row("ESMTPA", false, true),
    Row("LMTP", false, false),
    Row("LMTPA", false, true),
    Row("LMTPS", true, false),
    Row("LMTPSA", true, true),
    Row("UTF8SMTP", false, false),
    Row("UTF8SMTPA", false, true),
    Row("UTF8SMTPS", true, false),
    Row("UTF8SMTPSA", true, true),
    Row("UTF8LMTP", false, false),
    Row("UTF8LMTPA", false, true),
    Row("UTF8LMTPS", true, false),
    Row("UTF8LMTPSA", true, true),
    Row("MMS", false, false),
    Row("HTTP", false, false),
    Row("HTTPS", true, false),
    Row("SMTPS", true, false),
    Row("SMTPSA", true, true),
    Row("SMTPA", false, true),
    Row("ASMTP", false, true),
    Row("MAPI", false, false),
    Row("LOCAL", false, false),
    Row("HTTPREST", false, false),
    Row("REST", false, false),
    Row("HTTPU", false, false),
    Row("NNFMP", false, false),
    Row("QMQP", false, false),
    Row("QMTP", false, false),
    Row("POP3", false, false),
    Row("POP", false, false),
    Row("POP3S", true, false),
    Row("POP2", false, false),
    Row("APOP", false, false),
    Row("IMAP", false, false),
    Row("IMAPS", true, false),
    Row("IMAP4", false, false),
    Row("BSMTP", false, false),
    Row("BATCH", false, false),
    Row("UUCP", false, false),
    Row("ECSTREAM", false, false),
    Row("THRIFT", false, false),
    Row("TCP", false, false),
    Row("NNTP", false, false),
    Row("ODMR", false, false),
    Row("ETRN", false, false),
    Row("MAILBOXRESUBMISSION", false, false),
    Row("XIMSS", false, false),
    Row("SPECIAL", false, false),
    Row("STDIO", false, false),
    Row("DECNET", false, false),
    Row("X400", false, false),
];

/// Other spellings of a keyword.
const ALIASES: &[(&[u8], &str)] = &[
    (b"ESMTP-TLS", "ESMTPS"),
    (b"ESMTPTLS", "ESMTPS"),
    (b"SMTP-TLS", "SMTPS"),
    (b"ESMTPS-TLS", "ESMTPS"),
    (b"ESMTP-AUTH", "ESMTPA"),
    (b"LOCAL-ESMTP", "ESMTP"),
    (b"LOCAL-ESMTPS", "ESMTPS"),
    (b"LOCAL-ESMTPA", "ESMTPA"),
    (b"LOCAL-ESMTPSA", "ESMTPSA"),
    (b"LOCAL-SMTP", "SMTP"),
    (b"LOCAL-BSMTP", "BSMTP"),
    (b"LOCAL_SUBMISSION", "LOCAL"),
    (b"LOCALSMTP", "SMTP"),
    (b"LOCAL-LMTP", "LMTP"),
    (b"IMAP4-SSL", "IMAPS"),
    (b"POP3-SSL", "POP3S"),
    (b"SMTPSVC", "SMTP"),
    (b"X.400", "X400"),
];

/// A transmission keyword.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Protocol {
    /// Upper case; `""` for none that we know.
    pub(super) name: &'static str,
    pub(super) tls: bool,
    pub(super) auth: bool,
}

/// The keyword that one word is.
pub(super) fn of_word(word: &[u8]) -> Option<Protocol> {
    if word.len() < 3 || word.len() > 19 || !word.first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    if let Some(row) =
        TABLE.iter().find(|row| row.0.len() == word.len() && row.0.as_bytes().eq_ignore_ascii_case(word))
    {
        return Some(Protocol { name: row.0, tls: row.1, auth: row.2 });
    }
    let (_, name) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word))?;
    of_word(name.as_bytes())
}

/// The keyword of a `with` phrase: its first word that is one, up to a `/`.
pub(super) fn of_phrase(phrase: &[u8]) -> Option<Protocol> {
    let mut words = phrase.split(|b| {
        matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'[' | b']' | b'(' | b')' | b',' | b'/' | b':')
    });
    words.find_map(of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_have_one_keyword() {
        for (phrase, name) in [
            ("esmtpsa", "ESMTPSA"),
            ("Microsoft SMTP Server", "SMTP"),
            ("Microsoft SMTPSVC(6.0.3790.0)", "SMTP"),
            ("[XMail 1.20 ESMTP Server]", "ESMTP"),
            ("ESMTP/TLS/DHE-RSA-AES256-GCM-SHA384", "ESMTP"),
            ("AES256-GCM-SHA384 encrypted SMTP", "SMTP"),
            ("ESMTP-TLS", "ESMTPS"),
            ("local-bsmtp", "BSMTP"),
            ("IMAP4-SSL", "IMAPS"),
            ("MailEnable ESMTP", "ESMTP"),
            ("mapi", "MAPI"),
        ] {
            assert_eq!(of_phrase(phrase.as_bytes()).map(|p| p.name), Some(name), "{phrase}");
        }
        assert_eq!(of_phrase(b"Novell_GroupWise"), None);
    }
}
