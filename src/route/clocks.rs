//! What the clocks of the relays show against each other, learned from many messages.
//!
//! Only what an attested server wrote or saw votes (see [`Witness`]): between two servers of the recipient, and between
//! one of them and the machine that it saw. The newer server's time minus the older one's is the time of transit plus
//! the newer clock's error minus the older one's. Over many messages the middle of these differences is steady. The
//! errors of the recipient's own servers are chosen so that as few as can be are wrong: the one whose correction
//! explains most is corrected first, and so on. A stranger's clock is then shown against theirs by its own votes alone,
//! so that nobody's mail moves another's clock. A relay is corrected only by at least [`LEAST`] votes; it says nothing
//! of one message.

use std::collections::BTreeMap;

use super::course::{Course, Month, course, month, on_line};
use super::names::relay_text;
use super::witness::Witness;

/// Votes that a relay's clock needs before anything is said of it.
pub const LEAST: u32 = 10;

/// Smaller errors are not told from transit, in milliseconds.
pub(super) const SMALLEST: i64 = 5_000;

/// How far a drift is followed beyond the months in which it was seen, in milliseconds: 31 days.
const BEYOND: i64 = 31 * 86_400_000;

/// Differences kept of one pair of relays; the first ones.
const KEPT: usize = 4_096;

/// Pairs of neighbours, as they come.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    hosts: BTreeMap<String, usize>,
    /// The newer one's time and the difference in milliseconds, by (newer, older).
    pairs: BTreeMap<(usize, usize), Vec<(i64, i64)>>,
    /// The same where the older one is a stranger that the newer one saw.
    seen: BTreeMap<(usize, usize), Vec<(i64, i64)>>,
}

/// What is known of one relay's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds that it is ahead; negative when it is behind.
    pub ahead_ms: i64,
    /// Attested votes: steps between it and a server of the recipient.
    pub neighbours: u32,
    /// Whether it is a stranger's, as servers of the recipient saw it; else it is one of the recipient's own.
    pub is_seen: bool,
}

impl Clock {
    /// Half hours from which the error is at most two minutes away, when it is an hour at least: a wrong zone rather
    /// than a wrong clock.
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
    /// Of relays whose clock is not the same in all months.
    months: BTreeMap<String, Vec<Month>>,
}

impl Clocks {
    /// Takes the hops of one message, all by servers of the recipient, newest first: name and milliseconds.
    pub fn observe<'a>(&mut self, hops: impl IntoIterator<Item = (&'a str, i64)>) {
        let hops: Vec<_> =
            hops.into_iter().map(|(host, at)| (Witness::Own, Some((self.number(host), at)))).collect();
        self.take(hops);
    }

    /// The number of a server, for [`Self::take`].
    pub fn number(&mut self, host: &str) -> usize {
        let next = self.hosts.len();
        *self.hosts.entry(relay_text(host)).or_insert(next)
    }

    /// Takes all hops of one message, newest first: who stands behind each, and the number of its server with a certain
    /// time, where it has both. Claims count for nothing.
    pub fn take(&mut self, hops: impl IntoIterator<Item = (Witness, Option<(usize, i64)>)>) {
        // Of the recipient's servers: the last one with a time, and whether it is the hop right above.
        let mut newer: Option<(usize, i64, bool)> = None;
        for (witness, told) in hops {
            let pairs = match witness {
                Witness::Own => &mut self.pairs,
                // Only the server that saw the stranger votes.
                Witness::Seen if newer.is_some_and(|(_, _, is_next)| is_next) => &mut self.seen,
                Witness::Seen | Witness::Claimed => return,
            };
            let Some((host, at)) = told else {
                newer = newer.map(|(newer, then, _)| (newer, then, false));
                continue;
            };
            if let Some((newer, then, _)) = newer.filter(|&(newer, ..)| newer != host) {
                let kept = pairs.entry((newer, host)).or_default();
                if kept.len() < KEPT {
                    kept.push((then, then.saturating_sub(at)));
                }
            }
            newer = Some((host, at, true));
        }
    }

    /// Learns the clocks. The same messages give the same model, in any order.
    pub fn learn(mut self) -> Model {
        // Numbers by name, so that the order in which names came does not matter.
        let mut rank = vec![0; self.hosts.len()];
        for (place, number) in self.hosts.values().enumerate() {
            rank[*number] = place;
        }
        let (own, own_months) = edges(std::mem::take(&mut self.pairs), &rank);
        let (seen, seen_months) = edges(std::mem::take(&mut self.seen), &rank);
        let mut errors = solve(&own, self.hosts.len());
        let mut neighbours = vec![0u32; self.hosts.len()];
        let add = |sum: &mut u32, edge: &Edge| {
            *sum = sum.saturating_add(u32::try_from(edge.weight).unwrap_or(u32::MAX));
        };
        let mut is_own = vec![false; self.hosts.len()];
        for edge in &own {
            for end in [edge.newer, edge.older] {
                add(&mut neighbours[end], edge);
                is_own[end] = true;
            }
        }
        for edge in &seen {
            is_own[edge.newer] = true;
        }
        let is_told =
            |error: i64, votes: u32| if votes >= LEAST && error.abs() >= SMALLEST { error } else { 0 };
        for (error, votes) in errors.iter_mut().zip(&neighbours) {
            *error = is_told(*error, *votes);
        }
        // A stranger by its own votes alone: they move nothing else.
        let seen: Vec<Edge> = seen.into_iter().filter(|edge| !is_own[edge.older]).collect();
        for edge in &seen {
            add(&mut neighbours[edge.older], edge);
        }
        for host in seen.iter().map(|edge| edge.older) {
            errors[host] = 0;
        }
        let shown = star(&seen, &errors);
        for (host, error) in shown {
            errors[host] = is_told(error, neighbours[host]);
        }
        let ahead = errors;
        let mut changing = vec![Vec::new(); ahead.len()];
        for (number, edges) in own_months {
            for (host, month) in of_month(number, edges, &ahead, solve) {
                changing[host].push(month);
            }
        }
        for (number, edges) in seen_months {
            let edges: Vec<_> = edges.into_iter().filter(|(_, edge)| !is_own[edge.older]).collect();
            for (host, month) in of_month(number, edges, &ahead, |edges, hosts| {
                let mut errors = vec![0; hosts];
                for (host, error) in star(edges, &errors) {
                    errors[host] = error;
                }
                errors
            }) {
                if !is_own[host] {
                    changing[host].push(month);
                }
            }
        }
        let mut model = Model::default();
        for (n, host) in self.hosts.into_keys().enumerate() {
            if neighbours[n] == 0 {
                continue;
            }
            let months = std::mem::take(&mut changing[n]);
            if months.iter().any(|month| (month.ahead_ms - ahead[n]).abs() >= SMALLEST) {
                model.months.insert(host.clone(), months);
            }
            let clock = Clock { ahead_ms: ahead[n], neighbours: neighbours[n], is_seen: !is_own[n] };
            model.clocks.insert(host, clock);
        }
        model
    }
}

/// Edges of one month, each with the middle of its times.
type MonthEdges = Vec<(i64, Edge)>;

/// The edges of all votes, in the order of the names, and those of each month.
fn edges(
    pairs: BTreeMap<(usize, usize), Vec<(i64, i64)>>,
    rank: &[usize],
) -> (Vec<Edge>, BTreeMap<i64, MonthEdges>) {
    let mut edges = Vec::new();
    let mut by_month: BTreeMap<i64, MonthEdges> = BTreeMap::new();
    for ((newer, older), kept) in pairs {
        let mut months: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        for &(at, delta) in &kept {
            months.entry(month(at)).or_default().push((at, delta));
        }
        for (number, kept) in months {
            let mut times: Vec<i64> = kept.iter().map(|(at, _)| *at).collect();
            times.sort_unstable();
            let at = times.get(times.len() / 2).copied().unwrap_or_default();
            let edge = Edge::of(rank[newer], rank[older], kept.iter().map(|(_, delta)| *delta));
            by_month.entry(number).or_default().push((at, edge));
        }
        edges.push(Edge::of(rank[newer], rank[older], kept.iter().map(|(_, delta)| *delta)));
    }
    edges.sort_unstable_by_key(|edge| (edge.newer, edge.older));
    (edges, by_month)
}

/// What the clocks of the older ends of some edges show, each by its own edges against the errors of the newer ends.
fn star(edges: &[Edge], errors: &[i64]) -> Vec<(usize, i64)> {
    let mut of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (n, edge) in edges.iter().enumerate() {
        of.entry(edge.older).or_default().push(n);
    }
    of.into_iter().map(|(host, at)| (host, best(host, edges, &at, errors).0)).collect()
}

/// What the clocks of the relays of one month show beside their errors over all months: a month is a case of its own,
/// in which a clock that is as wrong as ever needs no reason.
fn of_month(
    number: i64,
    mut edges: MonthEdges,
    ahead: &[i64],
    fit: impl Fn(&[Edge], usize) -> Vec<i64>,
) -> Vec<(usize, Month)> {
    edges.sort_unstable_by_key(|(_, edge)| (edge.newer, edge.older));
    let mut hosts: Vec<usize> = edges.iter().flat_map(|(_, edge)| [edge.newer, edge.older]).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let place = |host: usize| hosts.binary_search(&host).unwrap_or_default();
    let rest = |edge: &Edge| Edge {
        newer: place(edge.newer),
        older: place(edge.older),
        middle: edge.middle.saturating_sub(ahead[edge.newer]).saturating_add(ahead[edge.older]),
        weight: edge.weight,
    };
    let errors = fit(&edges.iter().map(|(_, edge)| rest(edge)).collect::<Vec<_>>(), hosts.len());
    let mut all = vec![(0u32, 0i128); hosts.len()];
    for (at, edge) in &edges {
        for host in [edge.newer, edge.older] {
            let (neighbours, sum) = &mut all[place(host)];
            *neighbours = neighbours.saturating_add(u32::try_from(edge.weight).unwrap_or(u32::MAX));
            *sum += i128::from(*at) * i128::from(edge.weight);
        }
    }
    let known = hosts.iter().zip(all).zip(errors).filter(|((_, (neighbours, _)), _)| *neighbours >= LEAST);
    let of = |((&host, (neighbours, sum)), error): ((&usize, (u32, i128)), i64)| {
        let at = i64::try_from(sum / i128::from(neighbours)).unwrap_or_default();
        (host, Month { number, at, ahead_ms: ahead[host].saturating_add(error), neighbours })
    };
    known.map(of).collect()
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    newer: usize,
    older: usize,
    middle: i64,
    weight: i64,
}

impl Edge {
    /// The middle of some differences.
    fn of(newer: usize, older: usize, deltas: impl Iterator<Item = i64>) -> Self {
        let mut deltas: Vec<i64> = deltas.collect();
        deltas.sort_unstable();
        let middle = deltas.get(deltas.len() / 2).copied().unwrap_or_default();
        Self { newer, older, middle, weight: i64::try_from(deltas.len()).unwrap_or(i64::MAX) }
    }
}

/// What a host's clock shows by one of its edges when the other end is right as far as it is known, with the edge's
/// weight.
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
        self.clocks.get(&relay_text(host)).copied()
    }

    /// The clock of a relay at one time: on its line where it drifts, else as in that month, else as over all months.
    pub fn clock_at(&self, host: &str, at: i64) -> Option<Clock> {
        let host = relay_text(host);
        let whole = self.clocks.get(&host).copied()?;
        let months = self.months.get(&host).map(Vec::as_slice).unwrap_or_default();
        if let (Course::Drift { .. }, [first, .., last]) = (course(months), months) {
            let at = at.clamp(first.at.saturating_sub(BEYOND), last.at.saturating_add(BEYOND));
            return Some(Clock { ahead_ms: on_line(first, last, at), ..whole });
        }
        let number = month(at);
        let then = months.iter().find(|month| month.number == number);
        Some(then.map_or(whole, |month| Clock {
            ahead_ms: month.ahead_ms,
            neighbours: month.neighbours,
            ..whole
        }))
    }

    /// How a relay's clock goes over the months.
    pub fn course(&self, host: &str) -> Course {
        course(self.months(host))
    }

    /// The months of a relay whose clock is not the same in all of them; none of one that is steady.
    pub fn months(&self, host: &str) -> &[Month] {
        self.months.get(&relay_text(host)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All relays by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, Clock)> {
        self.clocks.iter().map(|(host, clock)| (host.as_str(), *clock))
    }

    /// The time between two neighbours, each a name and its time, with the errors of their clocks taken out; `None`
    /// when neither is known to be wrong.
    pub fn corrected(&self, newer: (&str, i64), older: (&str, i64), raw_ms: i64) -> Option<i64> {
        let error = |(host, at): (&str, i64)| self.clock_at(host, at).map_or(0, |clock| clock.ahead_ms);
        let (a, b) = (error(newer), error(older));
        (a != 0 || b != 0).then(|| raw_ms.saturating_sub(a).saturating_add(b))
    }
}

#[cfg(test)]
mod tests;
