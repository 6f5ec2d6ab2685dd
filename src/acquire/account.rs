//! The URL of an account (RFC 5092 for IMAP, RFC 2384 for POP3), without a password in it.

use super::{AcquireError, order::Account, order::Scheme};

impl Scheme {
    /// All of them, as URLs write them, with the usual port.
    const ALL: [(&'static str, Scheme, u16); 4] = [
        ("imaps", Scheme::Imaps, 993),
        ("imap", Scheme::Imap, 143),
        ("pop3s", Scheme::Pop3s, 995),
        ("pop3", Scheme::Pop3, 110),
    ];

    /// As URLs write it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, scheme, _)| *scheme == self).map_or("", |(name, _, _)| name)
    }

    /// Port when none is named.
    pub fn usual_port(self) -> u16 {
        Self::ALL.iter().find(|(_, scheme, _)| *scheme == self).map_or(0, |(_, _, port)| *port)
    }

    /// Whether TLS comes before the first word.
    pub fn is_tls_first(self) -> bool {
        matches!(self, Self::Imaps | Self::Pop3s)
    }

    /// Whether it is IMAP.
    pub fn is_imap(self) -> bool {
        matches!(self, Self::Imaps | Self::Imap)
    }
}

impl Account {
    /// Reads `imaps://user@host[:port][/folder]`; also `imap:`, `pop3s:` and `pop3:`.
    ///
    /// User and folder are percent-decoded; a user may hold `@` (the last one ends it). The host of an IPv6 address
    /// stands in brackets, and is kept without them.
    ///
    /// # Errors
    /// [`AcquireError::Url`], also when a password stands in it: what is on a command line is seen by others.
    pub fn parse(url: &str) -> Result<Self, AcquireError> {
        let (scheme, rest) = Scheme::ALL
            .iter()
            .find_map(|(name, scheme, _)| Some((*scheme, after_scheme(url, name)?)))
            .ok_or_else(|| refused(url, "it begins with none of imaps://, imap://, pop3s://, pop3://"))?;
        let (authority, folder) = match rest.split_once('/') {
            Some((authority, folder)) => (authority, Some(folder.trim_end_matches('/'))),
            None => (rest, None),
        };
        let (user, server) =
            authority.rsplit_once('@').ok_or_else(|| refused(url, "a user is missing: user@host"))?;
        if user.contains(':') {
            return Err(refused(url, "a password in it would be seen by others; leave it out"));
        }
        if user.to_ascii_uppercase().contains(";AUTH=") {
            return Err(refused(url, "the way to sign in is not read from the URL"));
        }
        let user = decoded(user).ok_or_else(|| refused(url, "the user has a broken percent code"))?;
        if user.is_empty() || user.contains(['\0', '\r', '\n']) {
            return Err(refused(url, "the user is empty or holds a control character"));
        }
        let (host, port) = host_and_port(server).map_err(|why| refused(url, why))?;
        let folder = match folder {
            None | Some("") => None,
            Some(_) if !scheme.is_imap() => return Err(refused(url, "POP3 has no folders")),
            Some(folder) => {
                Some(decoded(folder).ok_or_else(|| refused(url, "the folder has a broken percent code"))?)
            }
        };
        Ok(Self { scheme, user, host: host.to_owned(), port: port.unwrap_or(scheme.usual_port()), folder })
    }
}

/// What follows `name://`, upper or lower case.
fn after_scheme<'u>(url: &'u str, name: &str) -> Option<&'u str> {
    let (scheme, rest) = url.split_once("://")?;
    scheme.eq_ignore_ascii_case(name).then_some(rest)
}

/// The error, with a URL that shows no password.
fn refused(url: &str, why: &'static str) -> AcquireError {
    let mut shown = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((user, after)) = rest.rsplit_once('@')
        && let Some((name, _)) = user.split_once(':')
    {
        shown = format!("{scheme}://{name}:..@{after}");
    }
    AcquireError::Url { url: shown, why }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_and_port(server: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match server.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or("the bracket of the address is not closed")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("what stands in brackets is no IPv6 address");
            }
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err("something follows the bracket that is no port"),
            }
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err("the host is empty or holds a character that no host name has");
    }
    let port = match port {
        None | Some("") => None,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => match text.parse() {
            Ok(port) if port != 0 => Some(port),
            _ => return Err("the port is no number from 1 to 65535"),
        },
        Some(_) => return Err("the port is no number from 1 to 65535"),
    };
    Ok((host, port))
}

/// Percent codes undone; `None` when one is broken or the result is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, user: &str, host: &str, port: u16, folder: Option<&str>) {
        let account = Account::parse(url).unwrap();
        let found = (account.user.as_str(), account.host.as_str(), account.port, account.folder.as_deref());
        assert_eq!(found, (user, host, port, folder), "{url}");
    }

    #[test]
    fn the_parts_of_a_url_are_found() {
        check("imaps://me@imap.example.org", "me", "imap.example.org", 993, None);
        check("IMAP://me@h:1143/", "me", "h", 1143, None);
        check(
            "imaps://me@example.org@h/INBOX/Sent%20Mail",
            "me@example.org",
            "h",
            993,
            Some("INBOX/Sent Mail"),
        );
        check("imaps://me%40example.org@h", "me@example.org", "h", 993, None);
        check("pop3s://a@[2001:db8::1]", "a", "2001:db8::1", 995, None);
        check("pop3://a@[::1]:1110/", "a", "::1", 1110, None);
        check("imap://%C3%BC@h/Entw%C3%BCrfe", "ü", "h", 143, Some("Entwürfe"));
    }

    #[test]
    fn a_url_that_names_no_account_is_refused() {
        for url in [
            "",
            "me@host",
            "http://me@h",
            "imaps://h",
            "imaps://@h",
            "imaps://me@",
            "imaps://me@h:0",
            "imaps://me@h:99999",
            "imaps://me@h:+1",
            "imaps://me@[::1",
            "imaps://me@[h]:1",
            "imaps://me@h%00",
            "imaps://m%zz@h",
            "imaps://m%0d%0a@h",
            "imaps://me;AUTH=*@h",
            "pop3://me@h/INBOX",
            "imaps://me@a b",
        ] {
            assert!(matches!(Account::parse(url), Err(AcquireError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        let error = Account::parse("imaps://me:hunter2@h").unwrap_err().to_string();
        assert!(error.contains("imaps://me:..@h"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
