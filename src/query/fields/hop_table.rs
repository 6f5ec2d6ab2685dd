//! The part of the table of query fields that is about hops.

use crate::index::schema::{HopHost, kind};

use super::{Field, FieldKind, HopField, HopWord};

/// Fields of hops and of the whole way.
pub(super) const HOP_FIELDS: &[Field] = &[
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
        help: "who stands behind the hop: attested, boundary, corroborated, claimed, disputed (a claim that a rule speaks against), contradicted",
        example: "hop.trust:disputed",
    },
    Field {
        name: "hop.time",
        aliases: &["hop.date"],
        kind: FieldKind::Hop(HopField::Time),
        help: "the date of the hop, written as for `date`",
        example: "hop.time:2024-03",
    },
    Field {
        name: "hopdelay",
        aliases: &["hop.delay"],
        kind: FieldKind::Hop(HopField::Delay),
        help: "time since the next older hop: 90s, 5m, 1h, 2d, -5m, with a..b (b included), >, >=, <, <=",
        example: "hopdelay:>1h",
    },
    Field {
        name: "hops",
        aliases: &[],
        kind: FieldKind::Hops,
        help: "the number of hops: 0, a..b with b, a..<b without it, >, >=, <, <=",
        example: "hops:>10",
    },
    Field {
        name: "path",
        aliases: &[],
        kind: FieldKind::Path,
        help: "the servers on the way, oldest first, `*` for any number of them and `?` for one",
        example: "path:\"a.example -> * -> b.example\"",
    },
];
