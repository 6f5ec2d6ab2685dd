//! Rules that need more than one message: hops that stand in several messages, and encryption that is missing where it
//! always was.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::rules::{Rule, Severity};
use super::witness::Witness;

/// The rules, in the order in which they report.
pub const ACROSS: &[Rule] = &[
    Rule {
        id: "received-cloned",
        severity: Severity::Strong,
        when: "A hop that nobody but the message vouches for has server, id and time of a hop that a server of the recipient wrote, or wrote of itself when one saw it, in a message with another Message-ID. The witnessed hop is not marked.",
        caveat: "A server that splits a message by recipient keeps the id: hops for different recipients are not counted. If the hop was copied, its other details would be those of the other message too.",
    },
    Rule {
        id: "queue-id-reuse",
        severity: Severity::Notice,
        when: "A hop that nobody but the message vouches for has server and id of a witnessed hop of another message, within one minute, at another time.",
        caveat: "Short Postfix ids come again after a while: only within a minute do they say anything.",
    },
    Rule {
        id: "tls-downgrade-vs-baseline",
        severity: Severity::Notice,
        when: "A server of the recipient wrote a sign of encryption in 99 % of at least 50 hops from this client, by its reverse name or address; in this one it wrote none.",
        caveat: "Maintenance, an expired certificate, a second machine behind one name.",
    },
    Rule {
        id: "build-clock-mismatch",
        severity: Severity::Strong,
        when: "A hop of Microsoft 365 that nobody but the message vouches for names a build of the service (15.20.x) over 60 days away from the middle half of at least 8 witnessed hops of the case with that build.",
        caveat: "Clouds of states and of partners get builds later.",
    },
];

/// One hop as it is compared with others. Texts are in lower case but for the id.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Which item it stands in.
    pub item: u64,
    /// The hop's place in it, 0 the newest.
    pub hop: usize,
    /// The item's Message-ID; empty when there is none.
    pub message_id: &'a str,
    /// The server.
    pub by: &'a [u8],
    /// The client: its reverse name, else the name that it called itself.
    pub client: &'a [u8],
    /// The id.
    pub id: &'a [u8],
    /// The recipient that the hop names.
    pub for_: &'a [u8],
    /// Milliseconds since 1970, when certain.
    pub at: Option<i64>,
    /// Whether there is a sign of encryption; `None` where the protocol has none to speak of.
    pub tls: Option<bool>,
    /// Who stands behind it: only what is not a mere claim teaches anything, and only claims are marked as copies.
    pub witness: Witness,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Across {
    /// Place of the rule in [`ACROSS`].
    rule: usize,
    /// The hops it is about: item and place, ascending.
    pub hops: Vec<(u64, usize)>,
    /// The witnessed hops of which they are copies, ascending; empty where there are none.
    pub known: Vec<(u64, usize)>,
}

impl Across {
    /// The rule.
    pub fn rule(&self) -> &'static Rule {
        ACROSS.get(self.rule).unwrap_or(&ACROSS[0])
    }
}

/// A hop that was seen under an id.
#[derive(Clone, Debug)]
struct Under {
    at: i64,
    message_id: Box<str>,
    for_: Box<[u8]>,
    place: (u64, usize),
    is_claim: bool,
}

/// Hops between one client and one server.
#[derive(Clone, Debug, Default)]
struct Pair {
    all: u64,
    bare: Vec<(u64, usize)>,
}

/// Hops between two machines, as they are counted first.
#[derive(Clone, Debug, Default)]
struct PairCount {
    all: u64,
    bare: u64,
    /// Places in [`Survey::items`] of the first bare ones.
    items: Vec<u32>,
}

/// Counts hops of many messages, so that only those that can be part of a finding are looked at afterwards: see
/// [`Survey::chosen`].
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The items, as they came.
    items: Vec<u64>,
    /// Hashes of server and id, with the place of the item in `items`.
    ids: Vec<(u64, u32)>,
    /// Hashes of server and id of hops that are no mere claims.
    witnessed: HashSet<u64>,
    /// By the hash of client and server.
    pairs: HashMap<u64, PairCount>,
    builds: Builds,
}

/// Hops of Microsoft 365 by the build that they name.
#[derive(Clone, Debug, Default)]
struct Builds {
    /// Those that are witnessed, and those that are claims.
    hops: BTreeMap<u32, (Vec<Dated>, Vec<Dated>)>,
    is_cut: bool,
}

impl Builds {
    fn take(&mut self, seen: &Seen<'_>) {
        if let (Some(at), Some(build)) = (seen.at, seen.build()) {
            let (known, claims) = self.hops.entry(build).or_default();
            let hops = if seen.witness == Witness::Claimed { claims } else { known };
            if hops.len() < MOST_BUILD {
                hops.push((at, (seen.item, seen.hop)));
            } else {
                self.is_cut = true;
            }
        }
    }
}

fn hash(a: &[u8], b: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (a, b).hash(&mut hasher);
    hasher.finish()
}

impl Survey {
    /// Counts a hop; the hops of an item come one after the other.
    pub fn count(&mut self, seen: &Seen<'_>) {
        if self.items.last() != Some(&seen.item) {
            self.items.push(seen.item);
        }
        let place = u32::try_from(self.items.len() - 1).unwrap_or(u32::MAX);
        if seen.has_id() {
            let hash = hash(seen.by, seen.id);
            if seen.witness != Witness::Claimed {
                self.witnessed.insert(hash);
            }
            self.ids.push((hash, place));
        }
        if let Some(tls) = seen.pair() {
            let pair = self.pairs.entry(hash(seen.client, seen.by)).or_default();
            pair.all += 1;
            pair.bare += u64::from(!tls);
            if !tls && pair.items.len() <= MOST {
                pair.items.push(place);
            }
        }
        self.builds.take(seen);
    }

    /// What to compare by in a second round, and the items, ascending, whose hops are to be looked at in it.
    pub fn chosen(mut self) -> (Compare, Vec<u64>) {
        self.ids.sort_unstable();
        let mut chosen: HashMap<u64, u64> = HashMap::new();
        let mut places: Vec<u32> = Vec::new();
        // Where no hop is witnessed there is no saying which is the copy.
        let is_witnessed =
            |same: &&[(u64, u32)]| same.first().is_some_and(|(hash, _)| self.witnessed.contains(hash));
        for same in self.ids.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1).filter(is_witnessed) {
            chosen.extend(same.first().map(|(hash, _)| (*hash, 0)));
            places.extend(same.iter().map(|(_, place)| *place));
        }
        for (hash, pair) in &self.pairs {
            if is_exception(pair.all, pair.bare) {
                chosen.insert(*hash, pair.all);
                places.extend(&pair.items);
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut items: Vec<u64> =
            places.into_iter().filter_map(|place| self.items.get(place as usize).copied()).collect();
        items.sort_unstable();
        items.dedup();
        (Compare { chosen: Some(chosen), builds: self.builds, ..Compare::default() }, items)
    }
}

/// Whether hops without encryption are the exception between two machines.
fn is_exception(all: u64, bare: u64) -> bool {
    all >= 50 && bare > 0 && bare.saturating_mul(100) <= all
}

/// Two texts that name something together.
type Both = (Box<[u8]>, Box<[u8]>);

/// A time, and the item and place of its hop.
type Dated = (i64, (u64, usize));

/// Compares hops of many messages.
#[derive(Clone, Debug, Default)]
pub struct Compare {
    /// Hashes of what is looked at, with the hops there are in all between two machines; `None`: nothing was counted
    /// before.
    chosen: Option<HashMap<u64, u64>>,
    is_cut: bool,
    builds: Builds,
    ids: HashMap<Both, Vec<Under>>,
    pairs: BTreeMap<Both, Pair>,
}

/// Hops kept under one id, and without encryption for one pair; more say no more.
const MOST: usize = 256;

/// Whether an id is a version of four numbers.
fn is_version(id: &[u8]) -> bool {
    let mut parts = id.split(|&b| b == b'.');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit));
    (0..4).all(|_| is_number(parts.next())) && parts.next().is_none()
}

/// Hops that a build needs before anything is said of its time.
const LEAST_BUILD: usize = 8;

/// How far from the middle half of its build's hops a hop is out of its time, in milliseconds: 60 days. The middle
/// build is in use for 23 days.
const BUILD_APART: i64 = 60 * 86_400_000;

/// Hops kept of one build.
const MOST_BUILD: usize = 1 << 16;

/// Claims of one build that are far from the hops that are witnessed.
fn out_of_time((mut known, claims): (Vec<Dated>, Vec<Dated>)) -> impl Iterator<Item = (u64, usize)> {
    known.sort_unstable();
    let at = |n: usize| known.get(n).map(|hop| hop.0);
    let window = at(known.len() / 4).zip(at(known.len() * 3 / 4)).filter(|_| known.len() >= LEAST_BUILD);
    claims.into_iter().filter_map(move |(at, place)| {
        let (first, last) = window?;
        (at < first.saturating_sub(BUILD_APART) || at > last.saturating_add(BUILD_APART)).then_some(place)
    })
}

impl Seen<'_> {
    /// Whether server and id can be compared. The version that Exchange writes as an id is that of all its messages.
    fn has_id(&self) -> bool {
        self.at.is_some() && !self.by.is_empty() && self.id.len() >= 4 && !is_version(self.id)
    }

    /// The build of Microsoft 365 that the hop names: `7544` of `15.20.7544.36`.
    fn build(&self) -> Option<u32> {
        if !is_version(self.id) || !self.by.ends_with(b".outlook.com") {
            return None;
        }
        let rest = std::str::from_utf8(self.id).ok()?.strip_prefix("15.20.")?;
        rest.split('.').next()?.parse().ok()
    }

    /// Whether there is a sign of encryption, where client and server can be compared.
    fn pair(&self) -> Option<bool> {
        // What a server of the recipient wrote of a client that it saw; whoever writes a message can write any other.
        let is_own = self.witness == Witness::Own;
        self.tls.filter(|_| is_own && !self.by.is_empty() && !self.client.is_empty())
    }
}

impl Compare {
    fn is_chosen(&self, a: &[u8], b: &[u8]) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains_key(&hash(a, b)))
    }

    /// Whether more hops than are kept stood under one id, or bare between two machines.
    pub fn is_cut(&self) -> bool {
        self.is_cut || self.builds.is_cut
    }

    /// Takes a hop.
    pub fn see(&mut self, seen: &Seen<'_>) {
        if let Some(at) = seen.at.filter(|_| seen.has_id() && self.is_chosen(seen.by, seen.id)) {
            let under = self.ids.entry((seen.by.into(), seen.id.into())).or_default();
            let is_claim = seen.witness == Witness::Claimed;
            // Each kind by itself, so that many claims do not crowd out what is witnessed.
            if under.iter().filter(|one| one.is_claim == is_claim).count() < MOST {
                let (message_id, for_) = (seen.message_id.into(), seen.for_.into());
                under.push(Under { at, message_id, for_, place: (seen.item, seen.hop), is_claim });
            } else {
                self.is_cut = true;
            }
        }
        if self.chosen.is_none() {
            self.builds.take(seen);
        }
        if let Some(tls) = seen.pair().filter(|_| self.is_chosen(seen.client, seen.by)) {
            let counted =
                self.chosen.as_ref().and_then(|chosen| chosen.get(&hash(seen.client, seen.by)).copied());
            let pair = self.pairs.entry((seen.client.into(), seen.by.into())).or_default();
            pair.all = counted.unwrap_or(pair.all + 1);
            if !tls && pair.bare.len() < MOST {
                pair.bare.push((seen.item, seen.hop));
            } else if !tls {
                self.is_cut = true;
            }
        }
    }

    /// What was found; the same for the same hops in any order, as long as no limit was met.
    pub fn findings(self) -> Vec<Across> {
        let mut out = Vec::new();
        for under in self.ids.into_values().filter(|under| under.len() > 1) {
            // Only claims are marked, and only beside a hop that is witnessed: what others have written changes nothing
            // of it.
            let (mut cloned, mut again) = (BTreeMap::new(), BTreeMap::new());
            for a in under.iter().filter(|a| a.is_claim) {
                for b in under.iter().filter(|b| !b.is_claim) {
                    let one_message =
                        a.message_id == b.message_id || a.message_id.is_empty() || b.message_id.is_empty();
                    let split = !a.for_.is_empty() && !b.for_.is_empty() && a.for_ != b.for_;
                    if one_message || split || a.place.0 == b.place.0 {
                        continue;
                    }
                    if a.at == b.at {
                        cloned.insert(a.place, b.place);
                    } else if a.at.abs_diff(b.at) < 60_000 {
                        again.insert(a.place, b.place);
                    }
                }
            }
            for (rule, hops) in [(0, cloned), (1, again)] {
                if !hops.is_empty() {
                    let known: BTreeSet<_> = hops.values().copied().collect();
                    out.push(Across {
                        rule,
                        hops: hops.into_keys().collect(),
                        known: known.into_iter().collect(),
                    });
                }
            }
        }
        for pair in self.pairs.into_values() {
            let bare = pair.bare.len() as u64;
            if is_exception(pair.all, bare) {
                out.extend(pair.bare.into_iter().map(|place| Across {
                    rule: 2,
                    hops: vec![place],
                    known: Vec::new(),
                }));
            }
        }
        for hops in self.builds.hops.into_values() {
            out.extend(out_of_time(hops).map(|place| Across {
                rule: 3,
                hops: vec![place],
                known: Vec::new(),
            }));
        }
        out.sort();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(item: u64, message_id: &'static str, id: &'static str, at: i64) -> Seen<'static> {
        Seen {
            item,
            hop: 0,
            message_id,
            by: b"mx.example",
            client: b"relay.example",
            id: id.as_bytes(),
            for_: b"",
            at: Some(at),
            tls: Some(true),
            witness: Witness::Own,
        }
    }

    fn claim(hop: Seen<'static>) -> Seen<'static> {
        Seen { witness: Witness::Claimed, ..hop }
    }

    fn found(hops: &[Seen<'_>]) -> Vec<(&'static str, Vec<(u64, usize)>)> {
        let (mut compare, mut survey) = (Compare::default(), Survey::default());
        for hop in hops {
            compare.see(hop);
            survey.count(hop);
        }
        let (mut chosen, items) = survey.chosen();
        for hop in hops.iter().filter(|hop| items.contains(&hop.item)) {
            chosen.see(hop);
        }
        let found = compare.findings();
        // Counting first changes nothing but the memory and the time that it takes.
        assert_eq!(chosen.findings(), found);
        found.into_iter().map(|f| (f.rule().id, f.hops)).collect()
    }

    #[test]
    fn a_hop_copied_into_another_message_is_found_and_a_split_one_is_not() {
        let a = hop(1, "a@x", "4F3D21234", 5_000);
        let b = claim(hop(2, "b@x", "4F3D21234", 5_000));
        assert_eq!(found(&[a, b]), [("received-cloned", vec![(2, 0)])]);
        assert_eq!(found(&[b, a]), [("received-cloned", vec![(2, 0)])]);
        assert_eq!(found(&[Seen { witness: Witness::Seen, ..a }, b]), [("received-cloned", vec![(2, 0)])]);
        // Which of two claims is the copy nobody can tell, and what the recipient's servers wrote twice is theirs.
        assert_eq!(found(&[claim(a), b]), []);
        assert_eq!(found(&[a, Seen { witness: Witness::Own, ..b }]), []);
        // Any number of further claims changes nothing of the others.
        let many: Vec<_> = (10..2_000).map(|item| claim(hop(item, "c@x", "4F3D21234", 5_000))).collect();
        let all = found(&[&[a, b][..], &many].concat());
        assert!(all.len() == 1 && all[0].1.contains(&(2, 0)) && !all[0].1.contains(&(1, 0)));
        // The same message twice, and one message split by recipient.
        assert_eq!(found(&[a, Seen { message_id: "a@x", ..b }]), []);
        assert_eq!(found(&[Seen { for_: b"c@y", ..a }, Seen { for_: b"d@y", ..b }]), []);
        // Other servers, other times.
        assert_eq!(found(&[a, Seen { by: b"mx2.example", ..b }]), []);
        assert_eq!(
            found(&[a, claim(hop(2, "b@x", "4F3D21234", 35_000))]),
            [("queue-id-reuse", vec![(2, 0)])]
        );
        assert_eq!(found(&[a, claim(hop(2, "b@x", "4F3D21234", 95_000))]), []);
    }

    #[test]
    fn a_build_out_of_its_time_is_found_and_a_version_is_no_id() {
        const DAY: i64 = 86_400_000;
        let of = |item: u64, day: i64| Seen {
            by: b"am6pr01mb1234.eurprd01.prod.outlook.com",
            message_id: ["a@x", "b@x"][usize::from(item.is_multiple_of(2))],
            ..hop(item, "", "15.20.7544.36", day * DAY)
        };
        let usual: Vec<_> = (0..20).map(|n| of(n, i64::try_from(n).unwrap())).collect();
        // Two messages in one second, through one server: its version is not their id.
        assert_eq!(found(&[&usual[..], &[of(21, 5)]].concat()), []);
        assert_eq!(
            found(&[&usual[..], &[claim(of(21, 300))]].concat()),
            [("build-clock-mismatch", vec![(21, 0)])]
        );
        assert_eq!(
            found(&[&usual[..], &[claim(of(21, -90))]].concat()),
            [("build-clock-mismatch", vec![(21, 0)])]
        );
        assert_eq!(found(&[&usual[..], &[claim(of(21, 70))]].concat()), []);
        assert_eq!(found(&[&usual[..5], &[claim(of(21, 300))]].concat()), [], "too few to tell");
        let other = Seen { by: b"mail.example", ..claim(of(21, 300)) };
        assert_eq!(found(&[&usual[..], &[other]].concat()), [], "another's Exchange");
    }

    #[test]
    fn missing_encryption_counts_only_where_it_is_the_exception() {
        let ids = ["id01", "id02", "id03"];
        let many = |bare: u64, all: u64| -> Vec<Seen<'static>> {
            (0..all).map(|n| Seen { tls: Some(n >= bare), ..hop(n, "", ids[0], 0) }).collect()
        };
        let claims: Vec<_> = many(1, 100).into_iter().map(claim).collect();
        assert_eq!(found(&claims), [], "claims are no baseline");
        assert_eq!(found(&many(1, 100)), [("tls-downgrade-vs-baseline", vec![(0, 0)])]);
        assert_eq!(found(&many(2, 100)), []);
        assert_eq!(found(&many(1, 49)), []);
        assert_eq!(found(&many(0, 100)), []);
    }
}
