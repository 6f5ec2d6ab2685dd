//! Names of servers: whose they are.

use crate::parse::received::literal;

/// A name without the dot of the root.
pub fn root_name(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

/// The name under which a server counts, however it was written: in lower case, without the dot of the root (RFC 1034,
/// section 3.1).
pub fn relay_name(name: &[u8]) -> Vec<u8> {
    root_name(name).to_ascii_lowercase()
}

/// The same of text.
pub(super) fn relay_text(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Second-level names under which others register, as in `example.co.uk`. Not the Public Suffix List: a name that is
/// missing here makes two strangers under one country look like one organisation, and no finding comes of it.
const SECOND: &[&str] = &[
    "ac", "co", "com", "edu", "gob", "gov", "gouv", "go", "mil", "ne", "net", "or", "org", "nom", "id",
    "govt", "school",
];

/// The part of a host name that somebody registered: the last two labels, or three below a country's `co`, `com`, `org`
/// and the like. `None` for a single label.
pub fn organisation(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let last = dots.next()?;
    let top = host.get(last + 1..)?;
    let Some(second) = dots.next() else { return Some(host) };
    let label = host.get(second + 1..last)?;
    if top.len() == 2 && SECOND.contains(&label) {
        return Some(dots.next().map_or(host, |third| host.get(third + 1..).unwrap_or(host)));
    }
    host.get(second + 1..)
}

/// Large providers whose servers go by many names, each with the registered names it uses.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("google", &["google.com", "gmail.com", "googlemail.com", "1e100.net", "googlegroups.com", "psmtp.com"]),
    (
        "microsoft",
        &[
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "office365.com",
            "office365.us",
            "microsoft.com",
            "exchangelabs.com",
            "onmicrosoft.com",
            "passport.com",
            "messaging.microsoft.com",
            "frontbridge.com",
            "bigfish.com",
        ],
    ),
    (
        "yahoo",
        &[
            "yahoo.com",
            "yahoo.co.jp",
            "ymail.com",
            "yahoodns.net",
            "aol.com",
            "aim.com",
            "rocketmail.com",
            "yahoo.co.uk",
            "mailinator.yahoo.com",
        ],
    ),
    ("apple", &["icloud.com", "me.com", "mac.com", "apple.com"]),
    ("amazon", &["amazonses.com", "amazon.com", "amazonaws.com"]),
    (
        "gmx",
        &[
            "gmx.net",
            "gmx.de",
            "gmx.com",
            "web.de",
            "1and1.com",
            "kundenserver.de",
            "perfora.net",
            "mail.com",
            "ionos.com",
            "cinetic.de",
            "schlund.de",
        ],
    ),
    ("proofpoint", &["pphosted.com", "ppe-hosted.com", "proofpoint.com"]),
    ("mimecast", &["mimecast.com", "mimecast.co.za", "mimecast-offshore.com"]),
    ("messagelabs", &["messagelabs.com", "messagelabs.net", "symanteccloud.com"]),
    ("sendgrid", &["sendgrid.net", "sendgrid.com", "sendgrid.me"]),
];

/// The provider to which a host name, in lower case, belongs; its addresses of the form `2002:a05:..` are Google's own.
pub fn provider(host: &str) -> Option<&'static str> {
    if host.starts_with("2002:a05:") || host.starts_with("2002:a17:") || host.starts_with("2002:a67:") {
        return Some("google");
    }
    let registered = organisation(host)?;
    PROVIDERS.iter().find(|(_, names)| names.contains(&registered)).map(|(name, _)| *name)
}

/// Whether a name says nothing of whose the machine is: a single label, an address.
pub(super) fn is_bare(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    !host.contains('.')
        || literal(host.as_bytes()).is_some()
        || ["local", "localdomain", "lan", "internal"].contains(&last)
}

/// Whether two names, in lower case, may be one machine's or one organisation's.
pub(super) fn are_kin(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if provider(a).is_some() && provider(a) == provider(b) {
        return true;
    }
    match (organisation(a), organisation(b)) {
        (Some(x), Some(y)) if x == y => true,
        _ => {
            // One server under several domains keeps its own label: `am6pr01mb1234.eurprd01.prod.exchangelabs.com`.
            // Short ones (`mail`, `mx1`) are anybody's.
            let label = |host: &str| host.split('.').next().unwrap_or_default().to_owned();
            let first = label(a);
            first == label(b) && first.len() >= 5
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_names_are_the_last_two_or_three_labels() {
        for (host, want) in [
            ("mx.example.org", Some("example.org")),
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("example.co.uk", Some("example.co.uk")),
            ("co.uk", Some("co.uk")),
            ("example.org.", Some("example.org")),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(organisation(host), want, "{host}");
        }
        assert_eq!(provider("mail-ej1-f41.google.com"), Some("google"));
        assert_eq!(provider("2002:a05:6000:1a8d::1"), Some("google"));
        assert_eq!(provider("example.org"), None);
        assert!(are_kin("db3pr05mb1234.eurprd05.prod.outlook.com", "db3pr05mb1234.mail.protection.example"));
        assert!(!are_kin("mx1.sender.example", "mx1.other.example"));
    }
}
