//! Conditions on hops: what each looks up, groups for one hop, and patterns for whole ways.

use super::dates::Calendar;
use super::fields::{DateSide, FieldKind, HopField, HopWord};
use super::parser::{Form, Node, Op, Term};
use super::people::spellings;
use super::plan::{as_value, no_stretch, one_of, open, period, term, wrong};
use super::problem::{QueryError, QueryProblem};
use super::{Language, SearchError, value};
use crate::index::schema::{self, HopHost, kind};
use crate::index::{self, HopSet, IndexReader, Lookup, Set, TermPattern};
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
        server: Vec<Lookup>,
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
    All,
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

/// A host name with wildcards on the terms of hosts, whose labels stand backwards; hosts below it are meant too.
fn host_pattern(asked_for: &Term) -> Result<TermPattern, QueryError> {
    let text = asked_for.value.trim_matches('.').to_ascii_lowercase();
    let part = |label: &str| regex::escape(label).replace("\\*", "[^.]*").replace("\\?", "[^.]");
    let labels: Vec<String> = text.rsplit('.').map(part).collect();
    TermPattern::regex(&format!("^{}\\.", labels.join("\\.")))
        .map_err(|why| QueryError::at(asked_for.at, QueryProblem::Pattern(why)))
}

fn named(asked_for: &Term, place: HopHost) -> Result<Vec<Lookup>, QueryError> {
    let is_new = asked_for.language == Language::Two;
    let value = as_value(asked_for)?;
    let inner = value.strip_suffix('*').unwrap_or(value);
    let inner = inner.strip_prefix("*.").unwrap_or(inner);
    if is_new && !asked_for.quoted() && inner.contains(['*', '?']) {
        return Ok(vec![Lookup::Fitting(vec![place as u8], host_pattern(asked_for)?)]);
    }
    let (text, open) = match value.strip_prefix("*.").filter(|below| !below.ends_with('*')) {
        Some(below) => (below, false),
        None => open(asked_for)?,
    };
    if text.trim_matches('.').is_empty() {
        if is_new && open {
            // The name is there, whatever it is.
            return Ok(vec![Lookup::Prefix(vec![place as u8])]);
        }
        return Err(QueryError::at(asked_for.at, QueryProblem::NoWord));
    }
    if !open {
        return Ok(spellings(text, asked_for.language).iter().map(|name| host(place, name)).collect());
    }
    // Labels stand backwards: the beginning of a name is the end of its term, so `mx*` looks at every host.
    let labels = term(|t| schema::host_term(t, place, text.to_ascii_lowercase().as_bytes()));
    let needle = labels.get(1..labels.len() - 1).unwrap_or_default().to_vec();
    Ok(vec![Lookup::Containing(vec![place as u8], needle)])
}

const NETWORK: &str = "an IP address or a network such as 192.0.2.0/24, 192.0.2.* or 2001:db8::/32; \
                       each number of an IPv4 address is at most 255, the bits of a network at most 32 (IPv6: 128)";

/// Refuses what can only be meant as an address and is none.
fn no_broken_address(asked_for: &Term) -> Result<(), QueryError> {
    let is_broken = asked_for.language == Language::Two
        && !asked_for.quoted()
        && value::is_like_address(&asked_for.value);
    if is_broken { Err(wrong(asked_for, NETWORK)) } else { Ok(()) }
}

fn asked(asked_for: &Term, field: HopField, calendar: Calendar<'_>) -> Result<Asked, QueryError> {
    let value = as_value(asked_for)?;
    let is_new = asked_for.language == Language::Two;
    if matches!(asked_for.form, Form::Fuzzy(_) | Form::Joined) {
        return Err(wrong(asked_for, "a value as it stands"));
    }
    let every = is_new && asked_for.is_any();
    let lookups = match field {
        HopField::Any if every => return Ok(Asked::All),
        // An address is one that a server saw or has. What a client called itself is a claim: `hop.helo`.
        HopField::Any => {
            if let Some(found) = ips(&[kind::PEER_IP, kind::BY_IP], value) {
                found
            } else {
                no_broken_address(asked_for)?;
                let mut all = Vec::new();
                for place in HOSTS {
                    all.extend(named(asked_for, place)?);
                }
                all
            }
        }
        HopField::Host(place) => {
            if value::network(value).is_none() || value.contains('/') {
                no_broken_address(asked_for)?;
            }
            named(asked_for, place)?
        }
        HopField::Ip if every => vec![Lookup::Prefix(vec![kind::PEER_IP])],
        HopField::Ip => ips(&[kind::PEER_IP], value).ok_or_else(|| wrong(asked_for, NETWORK))?,
        HopField::Id if every => vec![Lookup::Hash(kind::HOP_ID, Vec::new())],
        HopField::Id if is_new && !asked_for.quoted() && value.contains('*') => {
            return Err(wrong(asked_for, "a whole id: only digests of ids are in the index"));
        }
        HopField::Id => vec![id(value.trim_matches(['<', '>']))],
        HopField::Text(kind) => {
            let inner = value.strip_suffix('*').unwrap_or(value);
            if is_new && !asked_for.quoted() && inner.contains('*') {
                let pattern = format!("^{}$", regex::escape(value).replace("\\*", ".*"));
                let built = TermPattern::regex(&pattern)
                    .map_err(|why| QueryError::at(asked_for.at, QueryProblem::Pattern(why)))?;
                return Ok(Asked::Any(vec![Lookup::Fitting(vec![kind], built)]));
            }
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
                if every {
                    return Ok(Asked::Any(vec![Lookup::Prefix(vec![kind::SOFTWARE])]));
                }
                return Err(QueryError::at(asked_for.at, QueryProblem::NoWord));
            }
            let family = text_of(kind::FAMILY, &text, open);
            vec![family, Lookup::Containing(vec![kind::SOFTWARE], text.into_bytes())]
        }
        HopField::Time if every => return Ok(Asked::Time(None, None)),
        HopField::Time => {
            let (from, to) = period(asked_for, DateSide::In, calendar)?;
            return Ok(Asked::Time(from, to));
        }
        HopField::Delay if every => return Ok(Asked::Delay(None, None)),
        HopField::Delay => {
            let wanted = "a time such as 90s, 5m, 1h, 2d or -5m, a..b, >a or <=a";
            let (from, to) =
                value::delays(value, asked_for.language).map_err(|why| no_stretch(asked_for, why, wanted))?;
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
pub(super) fn hops(index: &IndexReader, node: &Node, calendar: Calendar<'_>) -> Result<HopSet, SearchError> {
    match &node.op {
        Op::All => Ok(index.all_hops()?),
        Op::Not(inner) => Ok(hops(index, inner, calendar)?.complement()),
        Op::Xor(a, b) => {
            let (a, b) = (hops(index, a, calendar)?, hops(index, b, calendar)?);
            let both = a.clone().and(&b);
            Ok(a.or(&b).and(&both.complement()))
        }
        Op::Near { written, .. } => {
            Err(QueryError::at(node.at, QueryProblem::NearFields(written.clone())).into())
        }
        Op::And(parts) | Op::Or(parts) => {
            let mut found: Option<HopSet> = None;
            for part in parts {
                let next = hops(index, part, calendar)?;
                found = Some(match found {
                    None => next,
                    Some(found) if matches!(node.op, Op::And(_)) => found.and(&next),
                    Some(found) => found.or(&next),
                });
            }
            found.map_or_else(|| Ok(index.all_hops()?), Ok)
        }
        Op::Hops(place, inner) => {
            let found = hops(index, inner, calendar)?;
            Ok(match place {
                Some(place) => found.and(&index.hops_at(*place)?),
                None => found,
            })
        }
        Op::Term(asked_for) => {
            let FieldKind::Hop(field) = asked_for.field.kind else {
                let problem = QueryProblem::NotOfHop { name: asked_for.field.name.to_owned() };
                return Err(QueryError::at(asked_for.at, problem).into());
            };
            Ok(match asked(asked_for, field, calendar)? {
                Asked::All => index.all_hops()?,
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
    if !as_value(asked_for)?.contains("->") {
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
                if let Some((own, seen)) = addresses {
                    Stop::Address { own, seen }
                } else {
                    let name = Term { value: text.to_owned(), form: Form::Plain, ..asked_for.clone() };
                    no_broken_address(&name)?;
                    name_of(&name)?
                }
            }
        });
    }
    Ok(stops)
}

fn name_of(name: &Term) -> Result<Stop, QueryError> {
    let mut client = Vec::new();
    for place in [HopHost::From, HopHost::Helo, HopHost::Rdns] {
        client.extend(named(name, place)?);
    }
    Ok(Stop::Name { server: named(name, HopHost::By)?, client })
}

/// Items whose whole way is what the stops say.
pub(super) fn routed(index: &IndexReader, stops: Vec<Stop>) -> Result<Set, SearchError> {
    let mut found = Vec::with_capacity(stops.len());
    for stop in stops {
        found.push(match stop {
            Stop::Many => index::Stop::Many,
            Stop::One => index::Stop::One,
            Stop::Name { server, client } => index::Stop::At {
                server: index.find_hops(&server)?,
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
