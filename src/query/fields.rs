//! The table of query fields: the parser, `--help` and `docs/query.md` are made from it or tested against it.

pub use super::fieldkind::{DigestOf, Field, FieldKind};
pub use super::hopfield::{HopField, HopWord};
use crate::facts::Role;
use crate::index::schema::{HopHost, Words, kind};

/// All fields.
pub const FIELDS: &[Field] = &[
    Field {
        name: "text",
        aliases: &["any"],
        kind: FieldKind::Text,
        help: "words anywhere: body, subject, people, headers, attachment names, hops, ids; what a word without a field means",
        example: "text:\"wire transfer\"",
    },
    Field {
        name: "from",
        aliases: &[],
        kind: FieldKind::People(&[Role::From]),
        help: "name, address, or domain in From",
        example: "from:ann@example.org",
    },
    Field {
        name: "to",
        aliases: &[],
        kind: FieldKind::People(&[Role::To]),
        help: "name, address, or domain in To",
        example: "to:example.org",
    },
    Field {
        name: "cc",
        aliases: &[],
        kind: FieldKind::People(&[Role::Cc]),
        help: "name, address, or domain in Cc",
        example: "cc:\"Ann Smith\"",
    },
    Field {
        name: "bcc",
        aliases: &[],
        kind: FieldKind::People(&[Role::Bcc]),
        help: "name, address, or domain in Bcc",
        example: "bcc:bob@example.org",
    },
    Field {
        name: "sender",
        aliases: &["author"],
        kind: FieldKind::People(&[
            Role::From,
            Role::Sender,
            Role::ReplyTo,
            Role::ReturnPath,
            Role::ResentFrom,
        ]),
        help: "in any field that names a sender: From, Sender, Reply-To, Return-Path, Resent-From",
        example: "sender:@example.org",
    },
    Field {
        name: "recipient",
        aliases: &["rcpt"],
        kind: FieldKind::People(&[Role::To, Role::Cc, Role::Bcc, Role::DeliveredTo, Role::ResentTo]),
        help: "in any field that names a recipient: To, Cc, Bcc, Delivered-To, Resent-To",
        example: "recipient:bob@example.org",
    },
    Field {
        name: "subject",
        aliases: &[],
        kind: FieldKind::Words(&[Words::Subject]),
        help: "words of the subject",
        example: "subject:\"annual report\"",
    },
    Field {
        name: "body",
        aliases: &[],
        kind: FieldKind::Words(&[Words::Body]),
        help: "words of all text parts, text attachments and hidden text included",
        example: "body:invoice*",
    },
    Field {
        name: "header",
        aliases: &[],
        kind: FieldKind::Words(&[Words::Header]),
        help: "words of the other header fields",
        example: "header:\"x-mailer pine\"",
    },
    Field {
        name: "attachment",
        aliases: &["file", "filename"],
        kind: FieldKind::Words(&[Words::Name]),
        help: "words of an attachment's name",
        example: "attachment:plan.pdf",
    },
    Field {
        name: "date",
        aliases: &[],
        kind: FieldKind::Date,
        help: "the Date field: a year, month, day or time, a..b without b, >, >=, <, <=",
        example: "date:2024-03..2024-05",
    },
    Field {
        name: "size",
        aliases: &[],
        kind: FieldKind::Size,
        help: "bytes of the message, with k, M or G: a..b without b, >, >=, <, <=",
        example: "size:>1M",
    },
    Field {
        name: "hop",
        aliases: &["relay"],
        kind: FieldKind::Hop(HopField::Any),
        help: "any host of a Received field (or a domain above it); an IP address or a network: what a server saw, or its own",
        example: "hop:192.0.2.0/24",
    },
    Field {
        name: "hop.by",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Host(HopHost::By)),
        help: "the server's own name, or a domain above it",
        example: "hop.by:mx.example.org",
    },
    Field {
        name: "hop.from",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Host(HopHost::From)),
        help: "the first name after `from`, whatever it means",
        example: "hop.from:example.org",
    },
    Field {
        name: "hop.helo",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Host(HopHost::Helo)),
        help: "what the client called itself: a name, a domain above it, or an IP address",
        example: "hop.helo:localhost",
    },
    Field {
        name: "hop.rdns",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Host(HopHost::Rdns)),
        help: "the name that the server found for the client's address",
        example: "hop.rdns:example.org",
    },
    Field {
        name: "hop.ip",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Ip),
        help: "the address that the server saw, or a network",
        example: "hop.ip:2001:db8::/32",
    },
    Field {
        name: "hop.id",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Id),
        help: "the id that the server gave, whole",
        example: "hop.id:4BcXyz1234",
    },
    Field {
        name: "hop.with",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Text(kind::WITH)),
        help: "the protocol as written",
        example: "hop.with:esmtps",
    },
    Field {
        name: "hop.for",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Text(kind::FOR)),
        help: "the envelope recipient",
        example: "hop.for:bob@example.org",
    },
    Field {
        name: "hop.user",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Text(kind::USER)),
        help: "the user who had signed in",
        example: "hop.user:ann",
    },
    Field {
        name: "hop.family",
        aliases: &[],
        kind: FieldKind::Hop(HopField::OneOf(HopWord::Family)),
        help: "the kind of server that wrote the field",
        example: "hop.family:postfix",
    },
    Field {
        name: "hop.tls",
        aliases: &[],
        kind: FieldKind::Hop(HopField::OneOf(HopWord::Tls)),
        help: "evidence, asserted-clear or unknown",
        example: "hop.tls:evidence",
    },
    Field {
        name: "hop.software",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Software),
        help: "the words that name the server's software, or a part of them; also the family",
        example: "hop.software:8.11.6",
    },
    Field {
        name: "hop.class",
        aliases: &[],
        kind: FieldKind::Hop(HopField::OneOf(HopWord::Class)),
        help: "the kind of step: network, local-submission, filter-loop, fetch, list, resubmission, internal-provider",
        example: "hop.class:fetch",
    },
    Field {
        name: "hop.trust",
        aliases: &[],
        kind: FieldKind::Hop(HopField::OneOf(HopWord::Trust)),
        help: "who stands behind the hop: attested, boundary, corroborated, claimed, contradicted",
        example: "hop.trust:contradicted",
    },
    Field {
        name: "hop.time",
        aliases: &[],
        kind: FieldKind::Hop(HopField::Time),
        help: "the date of the hop, written as for `date`",
        example: "hop.time:2024-03",
    },
    Field {
        name: "hopdelay",
        aliases: &["hop.delay"],
        kind: FieldKind::Hop(HopField::Delay),
        help: "time since the next older hop: 90s, 5m, 1h, 2d, -5m, with a..b, >, >=, <, <=",
        example: "hopdelay:>1h",
    },
    Field {
        name: "hops",
        aliases: &[],
        kind: FieldKind::Hops,
        help: "the number of hops: 0, a..b without b, >, >=, <, <=",
        example: "hops:>10",
    },
    Field {
        name: "path",
        aliases: &[],
        kind: FieldKind::Path,
        help: "the servers on the way, oldest first, `*` for any number of them and `?` for one",
        example: "path:\"a.example -> * -> b.example\"",
    },
    Field {
        name: "finding",
        aliases: &[],
        kind: FieldKind::Finding,
        help: "the id of a rule that found something in the way, or `any`",
        example: "finding:weekday-mismatch",
    },
    Field {
        name: "auth.dkim",
        aliases: &[],
        kind: FieldKind::Recorded("dkim"),
        help: "what a server of the recipient recorded of DKIM, above or at the hop of the boundary (nothing is checked again): none, pass, fail, softfail, neutral, policy, temperror, permerror, hardfail, bestguesspass, other, or any",
        example: "auth.dkim:fail",
    },
    Field {
        name: "auth.spf",
        aliases: &[],
        kind: FieldKind::Recorded("spf"),
        help: "the same of SPF, also from Received-SPF: none, pass, fail, softfail, neutral, policy, temperror, permerror, hardfail, bestguesspass, other, or any",
        example: "auth.spf:softfail",
    },
    Field {
        name: "auth.dmarc",
        aliases: &[],
        kind: FieldKind::Recorded("dmarc"),
        help: "the same of DMARC: none, pass, fail, softfail, neutral, policy, temperror, permerror, hardfail, bestguesspass, other, or any",
        example: "auth.dmarc:fail",
    },
    Field {
        name: "auth.arc",
        aliases: &[],
        kind: FieldKind::Recorded("arc"),
        help: "the same of ARC: none, pass, fail, softfail, neutral, policy, temperror, permerror, hardfail, bestguesspass, other, or any",
        example: "auth.arc:pass",
    },
    Field {
        name: "dkim.body",
        aliases: &[],
        kind: FieldKind::Tag(kind::BODY_HASH),
        help: "whether the hash of a DKIM signature, computed again at import, fits the body as it is stored: ok, bad (several signatures: any of them)",
        example: "dkim.body:bad",
    },
    Field {
        name: "hash",
        aliases: &[],
        kind: FieldKind::Digest(DigestOf::Any),
        help: "SHA-256 of the bytes, of the wire form or of an attachment, or MIH; 8 digits or more",
        example: "hash:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    Field {
        name: "sha256",
        aliases: &[],
        kind: FieldKind::Digest(DigestOf::Slice),
        help: "SHA-256 of the bytes as found",
        example: "sha256:9f86d081",
    },
    Field {
        name: "wire",
        aliases: &["wire_sha256"],
        kind: FieldKind::Digest(DigestOf::Wire),
        help: "SHA-256 of the wire form (CRLF line ends)",
        example: "wire:9f86d081",
    },
    Field {
        name: "attachment.sha256",
        aliases: &[],
        kind: FieldKind::Digest(DigestOf::Attachment),
        help: "SHA-256 of an attachment, decoded",
        example: "attachment.sha256:9f86d081",
    },
    Field {
        name: "mih",
        aliases: &[],
        kind: FieldKind::Digest(DigestOf::Mih),
        help: "EDRM message identification hash",
        example: "mih:098f6bcd4621d373cade4e832627b4f6",
    },
    Field {
        name: "messageid",
        aliases: &["message-id", "mid"],
        kind: FieldKind::MessageId,
        help: "the Message-ID, whole",
        example: "messageid:1@example.org",
    },
    Field {
        name: "references",
        aliases: &["inreplyto", "in-reply-to"],
        kind: FieldKind::References,
        help: "a Message-ID that In-Reply-To or References names, whole",
        example: "references:1@example.org",
    },
    Field {
        name: "container",
        aliases: &["folder"],
        kind: FieldKind::Container,
        help: "the id of a container, or a part of its path in the source",
        example: "container:inbox.mbox",
    },
    Field {
        name: "source",
        aliases: &[],
        kind: FieldKind::Source,
        help: "the id of a source, its first digits, or its label",
        example: "source:5f0c2a9be4d17788",
    },
    Field {
        name: "id",
        aliases: &["item"],
        kind: FieldKind::Id,
        help: "the id of an item",
        example: "id:5f0c2a9be4d17788-3-41",
    },
    Field {
        name: "kind",
        aliases: &[],
        kind: FieldKind::Kind,
        help: "message (at the top), child (inside another), or the kind of the container: mbox, mmdf, maildir, mh, eml",
        example: "kind:message",
    },
    Field {
        name: "has",
        aliases: &[],
        kind: FieldKind::Tag(kind::HAS),
        help: "attachment, date, subject, hop, anomaly",
        example: "has:attachment",
    },
    Field {
        name: "is",
        aliases: &["state"],
        kind: FieldKind::Tag(kind::STATE),
        help: "what the mailbox says of the item: read (= seen), replied (= answered), forwarded (= passed), flagged (= starred), draft, deleted (= trashed), expunged, old, undelivered",
        example: "is:expunged",
    },
    Field {
        name: "anomaly",
        aliases: &[],
        kind: FieldKind::Tag(kind::ANOMALY),
        help: "the code of an anomaly",
        example: "anomaly:zone-missing",
    },
    Field {
        name: "type",
        aliases: &[],
        kind: FieldKind::Tag(kind::TYPE),
        help: "the stated type of an attachment; `image/*` for all of a kind",
        example: "type:application/pdf",
    },
    Field {
        name: "notindexed",
        aliases: &[],
        kind: FieldKind::Tag(kind::NOT_INDEXED),
        help: "why a part cannot be found by its words: encrypted, charset-unknown, over-limit, binary, parser-failed",
        example: "notindexed:encrypted",
    },
];

/// The field with a name or alias, in any case.
pub fn field(name: &str) -> Option<&'static Field> {
    let is = |n: &&str| n.eq_ignore_ascii_case(name);
    FIELDS.iter().find(|f| is(&f.name) || f.aliases.iter().any(is))
}

/// The field of a hop with a name as it stands inside `hop{..}`: with `hop.` before it or without; `hop` is any name or address.
pub(super) fn hop_field(name: &str) -> Option<&'static Field> {
    let is_of_hop = |f: &&Field| matches!(f.kind, FieldKind::Hop(_));
    let whole = || field(name).filter(is_of_hop);
    field(&format!("hop.{name}")).filter(is_of_hop).or_else(whole)
}

/// The field of a word without one.
pub(super) fn default_field() -> &'static Field {
    FIELDS.first().unwrap_or(&NOTHING)
}

static NOTHING: Field = Field { name: "text", aliases: &[], kind: FieldKind::Text, help: "", example: "" };

/// The name that is nearest to a wrong one, for a hint.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let all = FIELDS.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
    all.map(|n| (distance(n, &name), n)).filter(|(d, n)| *d <= 2 && *d < n.len()).min().map(|(_, n)| n)
}

/// Edits between two short names; swapping two letters is one.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if b.len() > 40 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_one_field_and_every_example_parses() {
        let mut names: Vec<_> =
            FIELDS.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied())).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        for f in FIELDS {
            assert!(f.example.starts_with(&format!("{}:", f.name)), "{}", f.name);
            crate::query::parser::parse(f.example).unwrap();
        }
    }

    #[test]
    fn the_documentation_holds_the_table() {
        let docs = include_str!("../../docs/query.md");
        for f in FIELDS {
            let aliases: Vec<_> = f.aliases.iter().map(|a| format!("`{a}`")).collect();
            let row = format!("| `{}` | {} | {} | `{}` |", f.name, aliases.join(", "), f.help, f.example);
            assert!(docs.contains(&row), "docs/query.md lacks: {row}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_gets_a_hint() {
        assert_eq!(nearest("form"), Some("from"));
        assert_eq!(nearest("Subjet"), Some("subject"));
        assert_eq!(nearest("zzzzzz"), None);
    }
}
