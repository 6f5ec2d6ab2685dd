//! Conditions on hops: what each looks up, groups for one hop, and patterns for whole ways.

use jiff::tz::TimeZone;

use super::fields::{FieldKind, HopField, HopWord};
use super::parser::{Node, Term};
use super::plan::{one_of, open, term, wrong};
use super::value;
use super::{QueryError, QueryProblem, SearchError};
use crate::index::schema::{self, HopHost, kind};
use crate::index::{self, HopSet, IndexReader, Lookup, Set};
use crate::route::DISPUTED;
use crate::types::time::UtcMs;

/// All places of host names.
pub(super) const HOSTS: [HopHost; 4] = [HopHost::By, HopHost::From, HopHost::Helo, HopHost::Rdns];

/// One step of a pattern for ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// `*`.
    Many,
    /// `?`.
    One,
    /// A name.
    Name {
        /// It as the server.
        server: Lookup,
        /// It as the client of the oldest hop.
        client: Vec<Lookup>,
    },
    /// An address or network.
    Address {
        /// As the server's own.
        own: Vec<Lookup>,
        /// As the client that a server saw.
        seen: Vec<Lookup>,
    },
}

/// What a condition on one hop asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Any(Vec<Lookup>),
    Time(Option<UtcMs>, Option<UtcMs>),
    Delay(Option<i64>, Option<i64>),
}

/// The host itself and all hosts below it.
pub(super) fn host(place: HopHost, text: &str) -> Lookup {
    Lookup::Prefix(term(|t| schema::host_term(t, place, text.trim_matches('.').as_bytes())))
}

/// Addresses of a network, in each of some places; `None` when the text is neither network nor address.
pub(super) fn ips(kinds: &[u8], text: &str) -> Option<Vec<Lookup>> {
    let (first, last) = value::network(text)?;
    let range = |&kind: &u8| {
        Lookup::Range(term(|t| schema::ip_term(t, kind, first)), term(|t| schema::ip_term(t, kind, last)))
    };
    Some(kinds.iter().map(range).collect())
}

/// The hop with an id.
pub(super) fn id(text: &str) -> Lookup {
    Lookup::Hash(kind::HOP_ID, schema::hop_id_hash(text.as_bytes()).to_vec())
}

fn named(asked_for: &Term, place: HopHost) -> Result<Lookup, QueryError> {
    let (text, open) = match asked_for.value.strip_prefix("*.") {
        Some(below) => (below, false),
        None => open(asked_for)?,
    };
    if text.trim_matches('.').is_empty() {
        return Err(QueryError { column: asked_for.at, problem: QueryProblem::NoWord });
    }
    if !open {
        return Ok(host(place, text));
    }
    // Labels stand backwards: the beginning of a name is the end of its term, so `mx*` looks at every host.
    let labels = term(|t| schema::host_term(t, place, text.to_ascii_lowercase().as_bytes()));
    let needle = labels.get(1..labels.len() - 1).unwrap_or_default().to_vec();
    Ok(Lookup::Containing(vec![place as u8], needle))
}

fn asked(asked_for: &Term, field: HopField, zone: &TimeZone) -> Result<Asked, QueryError> {
    let value = asked_for.value.as_str();
    let lookups = match field {
        // An address is one that a server saw or has. What a client called itself is a claim: `hop.helo`.
        HopField::Any => match ips(&[kind::PEER_IP, kind::BY_IP], value) {
            Some(found) => found,
            None => HOSTS.into_iter().map(|place| named(asked_for, place)).collect::<Result<_, _>>()?,
        },
        HopField::Host(place) => vec![named(asked_for, place)?],
        HopField::Ip => {
            let wanted = "an IP address or a network such as 192.0.2.0/24";
            ips(&[kind::PEER_IP], value).ok_or_else(|| wrong(asked_for, wanted))?
        }
        HopField::Id => vec![id(value.trim_matches(['<', '>']))],
        HopField::Text(kind) => {
            let (text, open) = open(asked_for)?;
            vec![text_of(kind, text.trim_start_matches('<').trim_end_matches('>'), open)]
        }
        HopField::OneOf(words) => {
            let mut meant = one_of(asked_for)?;
            // A disputed hop is a claim; `contradicted` was the word for it until rules only disputed.
            if words == HopWord::Trust && (meant.contains(&"claimed") || meant.contains(&"contradicted")) {
                meant.push(DISPUTED);
            }
            meant.into_iter().map(|word| text_of(words.kind(), word, false)).collect()
        }
        HopField::Software => {
            let (text, open) = open(asked_for)?;
            let text = text.to_ascii_lowercase();
            if text.trim().is_empty() {
                return Err(QueryError { column: asked_for.at, problem: QueryProblem::NoWord });
            }
            let family = text_of(kind::FAMILY, &text, open);
            vec![family, Lookup::Containing(vec![kind::SOFTWARE], text.into_bytes())]
        }
        HopField::Time => {
            let wanted = "a year, month, day or time such as 2024-03, a..b, >a or <=a";
            let (from, to) = value::dates(value, zone).ok_or_else(|| wrong(asked_for, wanted))?;
            return Ok(Asked::Time(from, to));
        }
        HopField::Delay => {
            let wanted = "a time such as 90s, 5m, 1h, 2d or -5m, a..b, >a or <=a";
            let (from, to) = value::delays(value).ok_or_else(|| wrong(asked_for, wanted))?;
            return Ok(Asked::Delay(from, to));
        }
    };
    Ok(Asked::Any(lookups))
}

fn text_of(kind: u8, text: &str, open: bool) -> Lookup {
    let built = term(|t| schema::text_term(t, kind, text.as_bytes()));
    if open { Lookup::Prefix(built) } else { Lookup::Term(built) }
}

/// The hops for which a condition holds, all of it for the same hop.
pub(super) fn hops(index: &IndexReader, node: &Node, zone: &TimeZone) -> Result<HopSet, SearchError> {
    match node {
        Node::All => Ok(index.all_hops()?),
        Node::Not(inner) => Ok(hops(index, inner, zone)?.complement()),
        Node::And(parts) | Node::Or(parts) => {
            let mut found: Option<HopSet> = None;
            for part in parts {
                let next = hops(index, part, zone)?;
                found = Some(match found {
                    None => next,
                    Some(found) if matches!(node, Node::And(_)) => found.and(&next),
                    Some(found) => found.or(&next),
                });
            }
            found.map_or_else(|| Ok(index.all_hops()?), Ok)
        }
        Node::Hops(place, inner) => {
            let found = hops(index, inner, zone)?;
            Ok(match place {
                Some(place) => found.and(&index.hops_at(*place)?),
                None => found,
            })
        }
        Node::Term(asked_for) => {
            let FieldKind::Hop(field) = asked_for.field.kind else {
                let problem = QueryProblem::NotOfHop { name: asked_for.field.name.to_owned() };
                return Err(QueryError { column: asked_for.at, problem }.into());
            };
            Ok(match asked(asked_for, field, zone)? {
                Asked::Any(lookups) => index.find_hops(&lookups)?,
                Asked::Time(from, to) => index.hops_dated(from, to)?,
                Asked::Delay(from, to) => index.hops_delayed(from, to)?,
            })
        }
    }
}

/// Reads `a.example -> * -> b.example`.
pub(super) fn path(asked_for: &Term) -> Result<Vec<Stop>, QueryError> {
    let wanted = "servers from oldest to newest such as \"a.example -> * -> b.example\" (a path in the source is `container:`)";
    if !asked_for.value.contains("->") {
        return Err(wrong(asked_for, wanted));
    }
    let mut stops = Vec::new();
    for text in asked_for.value.split("->").map(str::trim) {
        stops.push(match text {
            "" => return Err(wrong(asked_for, wanted)),
            "*" => Stop::Many,
            "?" => Stop::One,
            _ if text.contains(char::is_whitespace) => return Err(wrong(asked_for, wanted)),
            _ => {
                let addresses = ips(&[kind::BY_IP], text).zip(ips(&[kind::PEER_IP], text));
                match addresses.map(|(own, seen)| Stop::Address { own, seen }) {
                    Some(stop) => stop,
                    None => name_of(&Term { value: text.to_owned(), quoted: false, ..asked_for.clone() })?,
                }
            }
        });
    }
    Ok(stops)
}

fn name_of(name: &Term) -> Result<Stop, QueryError> {
    let client = [HopHost::From, HopHost::Helo, HopHost::Rdns].into_iter();
    Ok(Stop::Name {
        server: named(name, HopHost::By)?,
        client: client.map(|place| named(name, place)).collect::<Result<_, _>>()?,
    })
}

/// Items whose whole way is what the stops say.
pub(super) fn routed(index: &IndexReader, stops: Vec<Stop>) -> Result<Set, SearchError> {
    let mut found = Vec::with_capacity(stops.len());
    for stop in stops {
        found.push(match stop {
            Stop::Many => index::Stop::Many,
            Stop::One => index::Stop::One,
            Stop::Name { server, client } => index::Stop::At {
                server: index.find_hops(&[server])?,
                client: index.find_hops(&client)?,
                seen: index.find_hops(&[])?,
            },
            Stop::Address { own, seen } => index::Stop::At {
                server: index.find_hops(&own)?,
                client: index.find_hops(&[])?,
                seen: index.find_hops(&seen)?,
            },
        });
    }
    Ok(index.routed(&found)?)
}
