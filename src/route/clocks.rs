//! What the clocks of the relays show against each other, learned from many messages.
//!
//! Between two neighbours on a way the newer server's time minus the older one's is the time of transit plus the newer clock's error minus the
//! older one's. Over many messages the middle of these differences is steady. The errors are chosen so that as few relays as can be are
//! wrong: the relay whose correction explains most is corrected first, and so on. A relay is corrected only against at least
//! [`LEAST`] neighbours in time; it says nothing of one message.

use std::collections::BTreeMap;

/// Neighbours that a relay's clock needs before anything is said of it.
pub const LEAST: u32 = 10;

/// Smaller errors are not told from transit, in milliseconds.
const SMALLEST: i64 = 5_000;

/// Differences kept of one pair of relays; the first ones.
const KEPT: usize = 4_096;

/// Pairs of neighbours, as they come.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    hosts: BTreeMap<String, usize>,
    /// Differences in milliseconds by (newer, older).
    pairs: BTreeMap<(usize, usize), Vec<i64>>,
}

/// What is known of one relay's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds that it is ahead; negative when it is behind.
    pub ahead_ms: i64,
    /// Neighbours in time that it was compared with.
    pub neighbours: u32,
}

impl Clock {
    /// Half hours from which the error is at most two minutes away, when it is an hour at least: a wrong zone rather than a wrong clock.
    pub fn zone_slip(self) -> Option<i64> {
        let half = 30 * 60_000;
        let steps = (self.ahead_ms + self.ahead_ms.signum() * half / 2) / half;
        (steps.abs() >= 2 && (self.ahead_ms - steps * half).abs() <= 120_000).then_some(steps)
    }
}

/// The clocks of all relays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    clocks: BTreeMap<String, Clock>,
}

impl Clocks {
    /// Takes the dated hops of one message, newest first: name of the server and milliseconds.
    pub fn observe<'a>(&mut self, hops: impl IntoIterator<Item = (&'a str, i64)>) {
        let mut newer: Option<(usize, i64)> = None;
        for (host, at) in hops {
            let host = host.to_ascii_lowercase();
            let next = self.hosts.len();
            let host = *self.hosts.entry(host).or_insert(next);
            if let Some((newer, then)) = newer.filter(|&(newer, _)| newer != host) {
                let kept = self.pairs.entry((newer, host)).or_default();
                if kept.len() < KEPT {
                    kept.push(then.saturating_sub(at));
                }
            }
            newer = Some((host, at));
        }
    }

    /// Learns the clocks. The same messages give the same model, in any order.
    pub fn learn(mut self) -> Model {
        // Numbers by name, so that the order in which names came does not matter.
        let mut rank = vec![0; self.hosts.len()];
        for (place, number) in self.hosts.values().enumerate() {
            rank[*number] = place;
        }
        let mut edges = Vec::new();
        for ((newer, older), mut deltas) in std::mem::take(&mut self.pairs) {
            deltas.sort_unstable();
            let middle = deltas.get(deltas.len() / 2).copied().unwrap_or_default();
            let weight = i64::try_from(deltas.len()).unwrap_or(i64::MAX);
            edges.push(Edge { newer: rank[newer], older: rank[older], middle, weight });
        }
        edges.sort_unstable_by_key(|edge| (edge.newer, edge.older));
        let errors = solve(&edges, self.hosts.len());
        let mut neighbours = vec![0u32; self.hosts.len()];
        for edge in &edges {
            for end in [edge.newer, edge.older] {
                neighbours[end] =
                    neighbours[end].saturating_add(u32::try_from(edge.weight).unwrap_or(u32::MAX));
            }
        }
        let clocks = self.hosts.into_keys().enumerate().map(|(n, host)| {
            let known = neighbours[n] >= LEAST && errors[n].abs() >= SMALLEST;
            (host, Clock { ahead_ms: if known { errors[n] } else { 0 }, neighbours: neighbours[n] })
        });
        Model { clocks: clocks.collect() }
    }
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    newer: usize,
    older: usize,
    middle: i64,
    weight: i64,
}

/// What a host's clock shows by one of its edges when the other end is right as far as it is known, with the edge's weight.
fn shown(edge: &Edge, host: usize, errors: &[i64]) -> i64 {
    if edge.newer == host {
        edge.middle.saturating_add(errors[edge.older])
    } else {
        errors[edge.newer].saturating_sub(edge.middle)
    }
}

/// The error that fits a host's edges best, and how much better it is than the present one.
fn best(host: usize, edges: &[Edge], at: &[usize], errors: &[i64]) -> (i64, i128) {
    let mut shows: Vec<(i64, i64)> =
        at.iter().map(|&n| (shown(&edges[n], host, errors), edges[n].weight)).collect();
    let whole: i64 = shows.iter().map(|(_, weight)| weight).sum();
    // A right clock needs no reason: it weighs a tenth of all there is.
    shows.push((0, (whole / 10).max(1)));
    shows.sort_unstable();
    let half = shows.iter().map(|(_, weight)| weight).sum::<i64>();
    let mut sum = 0;
    let mut middle = 0;
    for &(value, weight) in &shows {
        sum += weight;
        if sum * 2 >= half {
            middle = value;
            break;
        }
    }
    let cost = |error: i64| -> i128 {
        shows.iter().map(|&(value, weight)| i128::from(value.abs_diff(error)) * i128::from(weight)).sum()
    };
    (middle, cost(errors[host]) - cost(middle))
}

fn solve(edges: &[Edge], hosts: usize) -> Vec<i64> {
    let mut at = vec![Vec::new(); hosts];
    for (n, edge) in edges.iter().enumerate() {
        at[edge.newer].push(n);
        at[edge.older].push(n);
    }
    let mut errors = vec![0i64; hosts];
    let mut gains: Vec<(i64, i128)> = (0..hosts).map(|host| best(host, edges, &at[host], &errors)).collect();
    // Every step lowers the whole cost; the bound is against ties that never end.
    for _ in 0..hosts.saturating_mul(4) {
        let most = (0..hosts).max_by_key(|&host| (gains[host].1, std::cmp::Reverse(host)));
        let Some(host) = most.filter(|&host| gains[host].1 > 0) else { break };
        errors[host] = gains[host].0;
        gains[host] = best(host, edges, &at[host], &errors);
        for &n in &at[host] {
            let other = if edges[n].newer == host { edges[n].older } else { edges[n].newer };
            gains[other] = best(other, edges, &at[other], &errors);
        }
    }
    errors
}

impl Model {
    /// Whether no relay was seen.
    pub fn is_empty(&self) -> bool {
        self.clocks.is_empty()
    }

    /// The clock of a relay, by its name.
    pub fn clock(&self, host: &str) -> Option<Clock> {
        self.clocks.get(&host.to_ascii_lowercase()).copied()
    }

    /// All relays by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, Clock)> {
        self.clocks.iter().map(|(host, clock)| (host.as_str(), *clock))
    }

    /// The time between two neighbours with the errors of their clocks taken out; `None` when neither is known to be wrong.
    pub fn corrected(&self, newer: &str, older: &str, raw_ms: i64) -> Option<i64> {
        let error = |host: &str| self.clock(host).map_or(0, |clock| clock.ahead_ms);
        let (a, b) = (error(newer), error(older));
        (a != 0 || b != 0).then(|| raw_ms.saturating_sub(a).saturating_add(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ways through some relays; each hop's time is the true one and the relay's error. Transit is below one second.
    fn world(errors: &[(&str, i64)], ways: &[&[&str]], messages: u32) -> Model {
        let mut seed = 7u64;
        let mut next = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut clocks = Clocks::default();
        for number in 0..messages {
            for way in ways {
                let mut now = i64::from(number) * 3_600_000;
                let mut hops = Vec::new();
                for host in *way {
                    now += next(1_000).cast_signed();
                    let error = errors.iter().find(|(name, _)| name == host).map_or(0, |(_, error)| *error);
                    hops.push((*host, now + error));
                }
                hops.reverse();
                clocks.observe(hops);
            }
        }
        clocks.learn()
    }

    #[test]
    fn constant_errors_are_recovered_within_a_second_and_right_clocks_stay_right() {
        let errors = [("b", 7_200_000), ("e", -754_000), ("g", 33_000)];
        let ways: &[&[&str]] = &[
            &["a", "b", "c", "z"],
            &["d", "b", "z"],
            &["e", "c", "z"],
            &["a", "c", "z"],
            &["e", "f", "z"],
            &["g", "f", "z"],
            &["g", "c", "z"],
            &["d", "f", "z"],
        ];
        let model = world(&errors, ways, 60);
        for (host, clock) in model.all() {
            let want = errors.iter().find(|(name, _)| *name == host).map_or(0, |(_, error)| *error);
            assert!((clock.ahead_ms - want).abs() <= 1_000, "{host}: {clock:?}, wanted {want}");
        }
        assert_eq!(model.clock("B").unwrap().zone_slip(), Some(4));
        assert_eq!(model.clock("e").unwrap().zone_slip(), None);
        let corrected = model.corrected("c", "b", -7_199_500).unwrap();
        assert!((0..=2_000).contains(&corrected), "{corrected}");
        assert_eq!(model.corrected("z", "c", 900), None);
    }

    #[test]
    fn few_messages_and_single_oddities_teach_nothing() {
        assert!(world(&[("b", 900_000)], &[&["a", "b", "z"]], 2).all().all(|(_, clock)| clock.ahead_ms == 0));
        let mut clocks = Clocks::default();
        for n in 0..100 {
            // One forged hop among a hundred.
            clocks.observe([("z", n * 1000 + if n == 50 { -86_400_000 } else { 0 }), ("a", n * 1000 - 500)]);
        }
        assert!(clocks.learn().all().all(|(_, clock)| clock.ahead_ms == 0));
        assert_eq!(Clocks::default().learn(), Model::default());
    }

    #[test]
    fn the_order_of_messages_does_not_matter() {
        let (a, b): (&[&str], &[&str]) = (&["a", "b", "z"], &["c", "b", "y", "z"]);
        let one = world(&[("b", 60_000)], &[a, b], 30);
        assert_eq!(one.clock("b").map(|c| c.neighbours), Some(120));
    }
}
