//! The kinds of server that write `Received` fields: what their first token means and how their fields are built.

/// The kind of server that wrote a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    #[default]
    Unknown,
    Amavis,
    Aol,
    Argosoft,
    Avg,
    Axigen,
    Cloudmark,
    Communigate,
    Coremail,
    Courier,
    Cyrus,
    Domino,
    Dovecot,
    Ecelerity,
    Exchange,
    Exim,
    Ezmts,
    Facebook,
    Fetch,
    Fsecure,
    Gmail,
    Groupwise,
    Halon,
    Haraka,
    Hmailserver,
    Icewarp,
    Imail,
    Intermail,
    Interscan,
    Iplanet,
    Ironport,
    James,
    Kerio,
    List,
    Mailenable,
    Mailgate,
    Mailsweeper,
    Mdaemon,
    Messagelabs,
    Messagewall,
    Mimecast,
    Nemesis,
    Opensmtpd,
    Pmdf,
    Postfix,
    Postoffice,
    Powermta,
    Proofpoint,
    Qmail,
    Qpsmtpd,
    Rockliffe,
    Scalix,
    Sendgrid,
    Sendmail,
    Smartermail,
    Smap,
    Smtpd,
    Smtpl,
    Smtpsvc,
    Stalwart,
    Symantec,
    Trex,
    Tumbleweed,
    Untd,
    Vircom,
    Xmail,
    Yahoo,
    Zimbra,
}

/// What the first token after `from` means when nothing beside it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// What the client called itself.
    Helo,
    /// The name that the server found; the client called itself the same.
    Both,
    /// The name that the server found; what the client called itself is not told.
    Rdns,
    /// An account, an internal name, a place of the server's own.
    Neither,
}

impl Family {
    /// The word that outputs hold; `""` for none.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Amavis => "amavis",
            Self::Aol => "aol",
            Self::Argosoft => "argosoft",
            Self::Avg => "avg",
            Self::Axigen => "axigen",
            Self::Cloudmark => "cloudmark",
            Self::Communigate => "communigate",
            Self::Coremail => "coremail",
            Self::Courier => "courier",
            Self::Cyrus => "cyrus",
            Self::Domino => "domino",
            Self::Dovecot => "dovecot",
            Self::Ecelerity => "ecelerity",
            Self::Exchange => "exchange",
            Self::Exim => "exim",
            Self::Ezmts => "ezmts",
            Self::Facebook => "facebook",
            Self::Fetch => "fetch",
            Self::Fsecure => "f-secure",
            Self::Gmail => "gmail",
            Self::Groupwise => "groupwise",
            Self::Halon => "halon",
            Self::Haraka => "haraka",
            Self::Hmailserver => "hmailserver",
            Self::Icewarp => "icewarp",
            Self::Imail => "imail",
            Self::Intermail => "intermail",
            Self::Interscan => "interscan",
            Self::Iplanet => "iplanet",
            Self::Ironport => "ironport",
            Self::James => "james",
            Self::Kerio => "kerio",
            Self::List => "list",
            Self::Mailenable => "mailenable",
            Self::Mailgate => "mailgate",
            Self::Mailsweeper => "mailsweeper",
            Self::Mdaemon => "mdaemon",
            Self::Messagelabs => "messagelabs",
            Self::Messagewall => "messagewall",
            Self::Mimecast => "mimecast",
            Self::Nemesis => "nemesis",
            Self::Opensmtpd => "opensmtpd",
            Self::Pmdf => "pmdf",
            Self::Postfix => "postfix",
            Self::Postoffice => "post-office",
            Self::Powermta => "powermta",
            Self::Proofpoint => "proofpoint",
            Self::Qmail => "qmail",
            Self::Qpsmtpd => "qpsmtpd",
            Self::Rockliffe => "rockliffe",
            Self::Scalix => "scalix",
            Self::Sendgrid => "sendgrid",
            Self::Sendmail => "sendmail",
            Self::Smartermail => "smartermail",
            Self::Smap => "smap",
            Self::Smtpd => "smtpd",
            Self::Smtpl => "smtpl",
            Self::Smtpsvc => "smtpsvc",
            Self::Stalwart => "stalwart",
            Self::Symantec => "symantec",
            Self::Trex => "trex",
            Self::Tumbleweed => "tumbleweed",
            Self::Untd => "untd",
            Self::Vircom => "vircom",
            Self::Xmail => "xmail",
            Self::Yahoo => "yahoo",
            Self::Zimbra => "zimbra",
        }
    }

    /// Whether a comment that begins with the family's word is its comment: short words need more than themselves.
    pub(super) fn claims(self, comment: &[u8]) -> bool {
        match self {
            Self::Sendgrid => comment == b"SG",
            Self::Proofpoint => comment == b"PPS" || comment.starts_with(b"PPS "),
            _ => true,
        }
    }

    /// What the first token after `from` means.
    pub(super) fn first(self) -> First {
        match self {
            Self::Exim | Self::Qmail | Self::Ironport | Self::Nemesis | Self::Zimbra | Self::Qpsmtpd => {
                First::Both
            }
            Self::Smap => First::Rdns,
            Self::Groupwise | Self::Sendgrid | Self::Aol | Self::Untd | Self::List | Self::Pmdf => {
                First::Neither
            }
            _ => First::Helo,
        }
    }

    /// Whether this server always writes words about encryption when there is some, so that none means clear text.
    pub(super) fn always_tells_tls(self) -> bool {
        matches!(self, Self::Gmail | Self::Exim | Self::Sendmail)
    }
}
