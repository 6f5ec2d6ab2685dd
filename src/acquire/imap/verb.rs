//! All that is ever said to an IMAP server. What could change a mailbox has no variant here, so it cannot be said.
//!
//! SELECT, CLOSE, STORE, EXPUNGE, COPY, MOVE, APPEND, CREATE, DELETE, RENAME, SUBSCRIBE, SETACL, SETMETADATA, SETQUOTA
//! and FETCH without PEEK are absent; so are ENABLE CONDSTORE and FETCH MODSEQ, which make some servers write
//! (standards: RFC 9051 sections 6.3 and 6.4, RFC 7162 section 3.1); and LSUB, for which Dovecot drops entries of its
//! file of subscriptions.

/// A command.
#[derive(Clone, Debug)]
pub(super) enum Verb<'a> {
    /// RFC 9051 6.1.1.
    Capability,
    /// RFC 9051 6.1.2: lets the server tell what changed.
    Noop,
    /// RFC 9051 6.1.3; ends the session.
    Logout,
    /// RFC 9051 6.2.1.
    StartTls,
    /// RFC 2971: who we are, for the log of the server.
    Id,
    /// RFC 2342.
    Namespace,
    /// RFC 6855: names and messages as they are, not downgraded.
    EnableUtf8,
    /// RFC 4978.
    Compress,
    /// RFC 9051 6.3.9, RFC 5258, RFC 6154; `None` without options.
    List(Option<Returned>),
    /// RFC 9051 6.3.11.
    Status {
        /// The folder, as the server writes it.
        name: &'a [u8],
        /// MAILBOXID (RFC 8474) too.
        has_id: bool,
    },
    /// RFC 9051 6.3.3: opens a folder that cannot be changed through this session.
    Examine(&'a [u8]),
    /// RFC 3691.
    Unselect,
    /// What the server knows of every message.
    Listing(Extras),
    /// The same of some messages.
    Look(Extras, &'a Set),
    /// Flags of every message.
    Flags,
    /// Sizes of every message, and nothing else.
    Sizes,
    /// RFC 9051 6.4.4: UIDs of every message.
    SearchAll,
    /// RFC 9051 6.4.4: whether one message is there.
    SearchOne(u64),
    /// Whole messages, by PEEK.
    Bodies(&'a Set),
    /// A part of a message, by PEEK.
    Piece {
        /// Which.
        uid: u64,
        /// First octet.
        from: u64,
        /// Most octets.
        length: u64,
    },
}

/// RETURN options of LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    /// SPECIAL-USE (RFC 6154) is known.
    pub(super) special_use: bool,
}

/// Items of the listing that not every server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    /// EMAILID and THREADID (RFC 8474).
    pub(super) object_id: bool,
    /// X-GM-MSGID, X-GM-THRID, X-GM-LABELS.
    pub(super) gmail: bool,
}

/// UIDs, as ranges (RFC 9051 `sequence-set`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(String);

impl Set {
    /// One message.
    pub(super) fn one(uid: u64) -> Self {
        Self(uid.to_string())
    }

    /// From ranges with both ends in them.
    pub(super) fn ranges(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut out = String::new();
        for (first, last) in ranges {
            if !out.is_empty() {
                out.push(',');
            }
            if first == last {
                out.push_str(&first.to_string());
            } else {
                out.push_str(&[first.to_string(), last.to_string()].join(":"));
            }
        }
        Self(out)
    }
}

/// A piece of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands.
    Words(String),
    /// A name, quoted or as a literal.
    Name(&'a [u8]),
}

impl Verb<'_> {
    /// Its words, without the tag.
    pub(super) fn pieces(&self) -> Vec<Piece<'_>> {
        let words = |text: &str| vec![Piece::Words(text.to_owned())];
        match self {
            Self::Capability => words("CAPABILITY"),
            Self::Noop => words("NOOP"),
            Self::Logout => words("LOGOUT"),
            Self::StartTls => words("STARTTLS"),
            Self::Id => vec![Piece::Words(format!(
                "ID (\"name\" \"mailtrail\" \"version\" \"{}\")",
                env!("CARGO_PKG_VERSION")
            ))],
            Self::Namespace => words("NAMESPACE"),
            Self::EnableUtf8 => words("ENABLE UTF8=ACCEPT"),
            Self::Compress => words("COMPRESS DEFLATE"),
            Self::List(None) => words("LIST \"\" \"*\""),
            Self::List(Some(returned)) => {
                let special = if returned.special_use { " SPECIAL-USE" } else { "" };
                vec![Piece::Words(format!("LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN{special})"))]
            }
            Self::Status { name, has_id } => {
                let id = if *has_id { " MAILBOXID" } else { "" };
                vec![
                    Piece::Words("STATUS ".to_owned()),
                    Piece::Name(name),
                    Piece::Words(format!(" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN{id})")),
                ]
            }
            Self::Examine(name) => vec![Piece::Words("EXAMINE ".to_owned()), Piece::Name(name)],
            Self::Unselect => words("UNSELECT"),
            Self::Listing(extras) => vec![Piece::Words(format!("UID FETCH 1:* ({})", extras.items()))],
            Self::Look(extras, set) => {
                vec![Piece::Words(format!("UID FETCH {} ({})", set.0, extras.items()))]
            }
            Self::Flags => words("UID FETCH 1:* (UID FLAGS)"),
            Self::Sizes => words("UID FETCH 1:* (UID RFC822.SIZE)"),
            Self::SearchAll => words("UID SEARCH ALL"),
            Self::SearchOne(uid) => vec![Piece::Words(format!("UID SEARCH UID {uid}"))],
            Self::Bodies(set) => vec![Piece::Words(format!("UID FETCH {} (UID BODY.PEEK[])", set.0))],
            Self::Piece { uid, from, length } => {
                vec![Piece::Words(format!("UID FETCH {uid} (UID BODY.PEEK[]<{from}.{length}>)"))]
            }
        }
    }
}

impl Extras {
    fn items(self) -> String {
        let mut items = "UID FLAGS INTERNALDATE RFC822.SIZE".to_owned();
        if self.object_id {
            items.push_str(" EMAILID THREADID");
        }
        if self.gmail {
            items.push_str(" X-GM-MSGID X-GM-THRID X-GM-LABELS");
        }
        items
    }
}

/// A string between quotes, or `None` when it must be a literal.
pub(super) fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > 1000 || !text.iter().all(|b| (0x20..0x7f).contains(b)) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    out.push(b'"');
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verb: &Verb<'_>) -> String {
        let piece = |piece: Piece<'_>| match piece {
            Piece::Words(words) => words,
            Piece::Name(name) => String::from_utf8(quoted(name).unwrap()).unwrap(),
        };
        verb.pieces().into_iter().map(piece).collect()
    }

    #[test]
    fn nothing_that_is_said_changes_a_mailbox() {
        let set = Set::ranges([(1, 5), (7, 7)]);
        let extras = Extras { object_id: true, gmail: true };
        let name = b"a \"b\\";
        let all = [
            Verb::Capability,
            Verb::Noop,
            Verb::Logout,
            Verb::StartTls,
            Verb::Id,
            Verb::Namespace,
            Verb::EnableUtf8,
            Verb::Compress,
            Verb::List(None),
            Verb::List(Some(Returned { special_use: true })),
            Verb::Status { name, has_id: true },
            Verb::Examine(name),
            Verb::Unselect,
            Verb::Listing(extras),
            Verb::Look(extras, &set),
            Verb::Flags,
            Verb::SearchAll,
            Verb::Bodies(&set),
            Verb::Piece { uid: 5, from: 0, length: 9 },
        ];
        for verb in &all {
            let text = said(verb);
            let first = text.split(' ').next().unwrap();
            let second = text.split(' ').nth(1).unwrap_or_default();
            assert!(
                [
                    "CAPABILITY",
                    "NOOP",
                    "LOGOUT",
                    "STARTTLS",
                    "ID",
                    "NAMESPACE",
                    "ENABLE",
                    "COMPRESS",
                    "LIST",
                    "STATUS",
                    "EXAMINE",
                    "UNSELECT",
                    "UID"
                ]
                .contains(&first),
                "{text}"
            );
            assert!(first != "UID" || ["FETCH", "SEARCH"].contains(&second), "{text}");
            assert!(!text.contains("BODY[") && !text.contains("MODSEQ"), "{text}");
        }
        assert_eq!(said(&Verb::Bodies(&set)), "UID FETCH 1:5,7 (UID BODY.PEEK[])");
        assert_eq!(said(&Verb::Examine(name)), "EXAMINE \"a \\\"b\\\\\"");
    }
}
