//! Sets of hops, and from hops to messages: one bit for each hop of a segment, in the order of the documents, of each
//! the newest first.

use super::part::Part;
use super::read::{IndexReader, guarded};
use super::search::{self, Lookup};
use super::set::{Bits, Set};
use super::{IndexError, schema};
use crate::types::time::{UtcMs, each_delay};

/// A set of hops of one opened index.
///
/// Only sets of the same [`IndexReader`] can be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopSet(Set);

impl HopSet {
    /// Keeps what is in both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(self.0.and(&other.0))
    }

    /// Takes in what is in the other.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self(self.0.or(&other.0))
    }

    /// Every hop that is not in it.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(self.0.complement())
    }

    /// Number of hops in it.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One step of a pattern for ways. A way is the client of the oldest hop, then the server of each hop, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Any number of stops, also none.
    Many,
    /// Exactly one stop.
    One,
    /// A stop that one of these finds.
    At {
        /// Hops whose server it is.
        server: HopSet,
        /// Hops whose client it is, for the first stop.
        client: HopSet,
        /// Hops whose server saw it as the client, by its address.
        seen: HopSet,
    },
}

/// The first hop of each document of a segment and the one past its last, with the document.
fn documents(part: &Part) -> tantivy::Result<impl Iterator<Item = (u32, std::ops::Range<u32>)>> {
    let (starts, all) = (part.hop_starts()?, part.hops()?);
    let start = move |doc: usize| starts.get(doc).map_or(all, |&s| u32::from_le_bytes(s));
    Ok((0u32..).zip(0..starts.len()).map(move |(doc, at)| (doc, start(at)..start(at + 1))))
}

/// For each hop of a document, newest first: milliseconds since the next older one with a certain date. `times` are
/// those of the document; `each` gets the place in them.
fn delays(times: &[[u8; 8]], each: impl FnMut(usize, i64)) {
    let certain = |time: &[u8; 8]| {
        schema::hop_time_of(i64::from_le_bytes(*time)).and_then(|(at, is_certain)| is_certain.then_some(at))
    };
    each_delay(times.iter().map(certain), each);
}

impl IndexReader {
    fn each_part(
        &self,
        mut fill: impl FnMut(usize, &Part, &mut Bits) -> tantivy::Result<()>,
    ) -> Result<HopSet, IndexError> {
        guarded(|| {
            let mut parts = Vec::with_capacity(self.parts.len());
            for (at, part) in self.parts.iter().enumerate() {
                let mut bits = Bits::empty(part.hops()?);
                fill(at, part, &mut bits)?;
                parts.push(bits);
            }
            Ok(HopSet(Set { parts }))
        })
    }

    /// All hops.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn all_hops(&self) -> Result<HopSet, IndexError> {
        Ok(self.each_part(|_, _, _| Ok(()))?.complement())
    }

    /// Every hop that any of some lookups finds. Lookups that are not of hops find none.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn find_hops(&self, lookups: &[Lookup]) -> Result<HopSet, IndexError> {
        self.each_part(|_, part, bits| {
            lookups
                .iter()
                .filter(|lookup| lookup.is_of_hops())
                .try_for_each(|lookup| search::find(part, lookup, bits))
        })
    }

    /// Hops whose date lies in `from..to`; an end that is not given is open.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn hops_dated(&self, from: Option<UtcMs>, to: Option<UtcMs>) -> Result<HopSet, IndexError> {
        self.each_part(|_, part, bits| {
            for (hop, &time) in (0u32..).zip(part.hop_times()?) {
                if let Some((at, _)) = schema::hop_time_of(i64::from_le_bytes(time))
                    && from.is_none_or(|from| from.0 <= at)
                    && to.is_none_or(|to| at < to.0)
                {
                    bits.insert(hop);
                }
            }
            Ok(())
        })
    }

    /// Hops that came `from..to` milliseconds after the next older one with a certain date; an end that is not given is
    /// open.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn hops_delayed(&self, from: Option<i64>, to: Option<i64>) -> Result<HopSet, IndexError> {
        self.each_part(|_, part, bits| {
            let times = part.hop_times()?;
            for (_, hops) in documents(part)? {
                let here = times.get(hops.start as usize..hops.end as usize).unwrap_or_default();
                delays(here, |at, delay| {
                    if from.is_none_or(|from| from <= delay) && to.is_none_or(|to| delay < to) {
                        bits.insert(hops.start + u32::try_from(at).unwrap_or_default());
                    }
                });
            }
            Ok(())
        })
    }

    /// The hop at one place of every message that has it: 0 is the newest, -1 the oldest.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn hops_at(&self, place: i32) -> Result<HopSet, IndexError> {
        self.each_part(|_, part, bits| {
            for (_, hops) in documents(part)? {
                let at = if place < 0 {
                    hops.end.checked_sub(place.unsigned_abs())
                } else {
                    hops.start.checked_add(place.unsigned_abs())
                };
                if let Some(at) = at.filter(|at| hops.contains(at)) {
                    bits.insert(at);
                }
            }
            Ok(())
        })
    }

    /// Items that have one of the hops.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn with_hops(&self, hops: &HopSet) -> Result<Set, IndexError> {
        guarded(|| {
            let mut set = self.none();
            for ((part, hops), bits) in self.parts.iter().zip(&hops.0.parts).zip(&mut set.parts) {
                part.hop_walk()?.mark(hops.iter(), bits);
            }
            Ok(set)
        })
    }

    /// Items with `from..to` hops.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn hop_counted(&self, from: u64, to: u64) -> Result<Set, IndexError> {
        guarded(|| {
            let mut set = self.none();
            for (part, bits) in self.parts.iter().zip(&mut set.parts) {
                for (doc, hops) in documents(part)? {
                    if (from..to).contains(&u64::try_from(hops.len()).unwrap_or_default()) {
                        bits.insert(doc);
                    }
                }
            }
            Ok(set)
        })
    }

    /// Items whose whole way is what the stops say, oldest first. An item without a hop has no way.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Damaged`].
    pub fn routed(&self, stops: &[Stop]) -> Result<Set, IndexError> {
        // What cannot be is left out before any way is walked: every named stop must be somewhere.
        let mut candidates = self.with_hops(&self.all_hops()?)?;
        for stop in stops {
            if let Stop::At { server, client, seen } = stop {
                let any = server.clone().or(client).or(seen);
                candidates = candidates.and(&self.with_hops(&any)?);
            }
        }
        guarded(|| {
            let mut set = self.none();
            for (number, (part, bits)) in self.parts.iter().zip(&mut set.parts).enumerate() {
                let Some(wanted) = candidates.parts.get(number) else { continue };
                let starts = part.hop_starts()?;
                let all = part.hops()?;
                let start = |doc: u32| starts.get(doc as usize).map_or(all, |&s| u32::from_le_bytes(s));
                for doc in wanted.iter() {
                    if fits(stops, &(start(doc)..start(doc + 1)), number) {
                        bits.insert(doc);
                    }
                }
            }
            Ok(set)
        })
    }
}

/// Whether a stop of the way over `hops`, counted from the oldest, is what `wanted` says.
fn is_at(wanted: &Stop, stop: u32, hops: &std::ops::Range<u32>, part: usize) -> bool {
    let Stop::At { server, client, seen } = wanted else { return matches!(wanted, Stop::One) };
    let holds = |set: &HopSet, back: u32| {
        let hop = hops.end.checked_sub(back).filter(|hop| hops.contains(hop));
        hop.is_some_and(|hop| set.0.parts.get(part).is_some_and(|bits| bits.contains(hop)))
    };
    // Stop 0 is the client of the oldest hop, stop 1 its server, which is the client of the next one.
    (stop == 0 && holds(client, 1)) || (stop > 0 && holds(server, stop)) || holds(seen, stop + 1)
}

/// Walks pattern and way together; after a [`Stop::Many`] that took too few, it takes one more. At most stops times
/// pattern steps.
fn fits(stops: &[Stop], hops: &std::ops::Range<u32>, part: usize) -> bool {
    let len = hops.end - hops.start + 1;
    let (mut at, mut stop) = (0, 0);
    let mut again: Option<(usize, u32)> = None;
    while stop < len {
        match stops.get(at) {
            Some(Stop::Many) => {
                again = Some((at + 1, stop));
                at += 1;
            }
            Some(wanted) if is_at(wanted, stop, hops, part) => {
                at += 1;
                stop += 1;
            }
            _ => match &mut again {
                Some((from, taken)) => {
                    *taken += 1;
                    at = *from;
                    stop = *taken;
                }
                None => return false,
            },
        }
    }
    stops.iter().skip(at).all(|stop| matches!(stop, Stop::Many))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{DateReading, Hop, ItemFacts, ItemText};
    use crate::index::schema::{HopHost, kind};
    use crate::index::{IndexWriter, Indexed, Watermarks, Way};
    use crate::types::{ByteRange, ItemKey, Sha256Digest};

    /// Names are numbers of `h0.example`..; `by`, `helo`, last byte of the address, instant in seconds with whether its
    /// zone is known.
    #[derive(Clone, Copy, Debug)]
    struct Plain {
        by: u8,
        helo: u8,
        ip: u8,
        time: Option<(i64, bool)>,
    }

    fn next(state: &mut u64, below: u64) -> u8 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((*state >> 33) % below).unwrap()
    }

    fn ways(seed: u64) -> Vec<Vec<Plain>> {
        let mut state = seed;
        (0..400)
            .map(|_| {
                (0..next(&mut state, 6))
                    .map(|_| Plain {
                        by: next(&mut state, 4),
                        helo: next(&mut state, 4),
                        ip: next(&mut state, 4),
                        time: (next(&mut state, 4) > 0)
                            .then(|| (i64::from(next(&mut state, 9)), next(&mut state, 4) > 0)),
                    })
                    .collect()
            })
            .collect()
    }

    fn index(ways: &[Vec<Plain>]) -> (tempfile::TempDir, IndexReader) {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = IndexWriter::open(folder.path()).unwrap();
        let mut worker = writer.worker(1 << 20);
        let digest = Sha256Digest::of(b"x");
        for (item, way) in (0..).zip(ways) {
            let (mut message, mut facts) = (Vec::new(), ItemFacts::default());
            for plain in way {
                let mut put = |name: u8| {
                    let from = message.len();
                    message.extend_from_slice(format!("h{name}.example").as_bytes());
                    Some(ByteRange::of_usize(from, message.len()))
                };
                facts.hops.push(Hop {
                    by: put(plain.by),
                    helo: put(plain.helo),
                    peer_ip: Some([192, 0, 2, plain.ip].into()),
                    date: plain.time.map(|(secs, zone_known)| DateReading {
                        at: ByteRange::default(),
                        utc: UtcMs(secs * 1000),
                        offset_secs_east: None,
                        zone_known,
                    }),
                    ..Hop::default()
                });
            }
            worker.add(&Indexed {
                key: ItemKey::new(1, item, 0).unwrap(),
                sha256: &digest,
                wire: &digest,
                facts: &facts,
                message: &message,
                text: &ItemText::default(),
                notes: &[],
                state: &[],
                way: Way::default(),
            });
            if item == 150 {
                writer.add(&worker.flush().unwrap().unwrap()).unwrap();
            }
        }
        writer.add(&worker.flush().unwrap().unwrap()).unwrap();
        writer.commit(&Watermarks::from([(1, ways.len() as u64)])).unwrap();
        let reader = IndexReader::open(folder.path()).unwrap();
        (folder, reader)
    }

    fn host(place: HopHost, name: u8) -> Lookup {
        let mut term = Vec::new();
        schema::host_term(&mut term, place, format!("h{name}.example").as_bytes());
        Lookup::Prefix(term)
    }

    fn seen(ip: u8) -> Lookup {
        let mut term = Vec::new();
        schema::ip_term(&mut term, kind::PEER_IP, [192, 0, 2, ip].into());
        Lookup::Term(term)
    }

    /// Pattern letters: `*`, `?`, `0`..`3` a name, `a`..`d` an address.
    fn stops(r: &IndexReader, pattern: &[u8]) -> Vec<Stop> {
        let find = |lookups: &[Lookup]| r.find_hops(lookups).unwrap();
        let at = |server: &[Lookup], client: &[Lookup], seen: &[Lookup]| Stop::At {
            server: find(server),
            client: find(client),
            seen: find(seen),
        };
        pattern
            .iter()
            .map(|&letter| match letter {
                b'*' => Stop::Many,
                b'?' => Stop::One,
                b'0'..=b'9' => {
                    at(&[host(HopHost::By, letter - b'0')], &[host(HopHost::Helo, letter - b'0')], &[])
                }
                _ => at(&[], &[], &[seen(letter - b'a')]),
            })
            .collect()
    }

    /// The plain way: names and addresses of its stops, oldest first.
    fn fits_plainly(way: &[(u8, Option<u8>)], pattern: &[u8]) -> bool {
        match (pattern.split_first(), way.split_first()) {
            (None, _) => way.is_empty(),
            (Some((b'*', rest)), first) => {
                fits_plainly(way, rest) || first.is_some_and(|(_, below)| fits_plainly(below, pattern))
            }
            (Some(_), None) => false,
            (Some((&letter, rest)), Some((&(name, ip), below))) => {
                let is = match letter {
                    b'?' => true,
                    b'0'..=b'9' => letter - b'0' == name,
                    _ => Some(letter - b'a') == ip,
                };
                is && fits_plainly(below, rest)
            }
        }
    }

    #[test]
    fn groups_places_times_and_ways_are_those_of_a_plain_reading() {
        let ways = ways(5);
        let (_folder, r) = index(&ways);
        let check = |what: &str, set: &Set, holds: &dyn Fn(&[Plain]) -> bool| {
            let got: Vec<u64> = r.keys(set).unwrap().into_iter().map(ItemKey::item).collect();
            let want: Vec<u64> = (0..).zip(&ways).filter(|(_, way)| holds(way)).map(|(n, _)| n).collect();
            assert_eq!(got, want, "{what}");
        };
        let with = |hops: &HopSet| r.with_hops(hops).unwrap();
        for a in 0..4 {
            for b in 0..4 {
                let by = r.find_hops(&[host(HopHost::By, a)]).unwrap();
                let ip = r.find_hops(&[seen(b)]).unwrap();
                let both = by.clone().and(&ip);
                check("and", &with(&both), &|way| way.iter().any(|h| h.by == a && h.ip == b));
                let one = by.clone().or(&ip);
                check("or", &with(&one), &|way| way.iter().any(|h| h.by == a || h.ip == b));
                let not = by.clone().and(&ip.complement());
                check("not", &with(&not), &|way| way.iter().any(|h| h.by == a && h.ip != b));
                for place in -6..6i32 {
                    let there = by.clone().and(&r.hops_at(place).unwrap());
                    check("place", &with(&there), &|way| {
                        let len = i32::try_from(way.len()).unwrap();
                        let at = if place < 0 { len + place } else { place };
                        usize::try_from(at).is_ok_and(|at| way.get(at).is_some_and(|h| h.by == a))
                    });
                }
            }
        }
        assert_eq!(r.all_hops().unwrap().len(), ways.iter().map(Vec::len).sum::<usize>() as u64);
        for from in 0..8i64 {
            let dated = r.hops_dated(Some(UtcMs(from * 1000)), Some(UtcMs(from * 1000 + 2000))).unwrap();
            check("dated", &with(&dated), &|way| {
                way.iter().any(|h| h.time.is_some_and(|(at, _)| (from..from + 2).contains(&at)))
            });
            let late = r.hops_delayed(Some(from * 1000 - 4000), None).unwrap();
            check("delayed", &with(&late), &|way| {
                let times: Vec<i64> =
                    way.iter().filter_map(|h| h.time.filter(|t| t.1)).map(|t| t.0).collect();
                times.windows(2).any(|pair| pair[0] - pair[1] >= from - 4)
            });
            let count = u64::try_from(from).unwrap();
            check("count", &r.hop_counted(count, count + 2).unwrap(), &|way| {
                (count..count + 2).contains(&(way.len() as u64))
            });
        }
        let mut state = 77;
        for _ in 0..400 {
            let letters = b"**?0123abcd";
            let len = 1 + next(&mut state, 5);
            let pattern: Vec<u8> =
                (0..len).map(|_| letters[usize::from(next(&mut state, letters.len() as u64))]).collect();
            let name = String::from_utf8_lossy(&pattern).into_owned();
            check(&name, &r.routed(&stops(&r, &pattern)).unwrap(), &|way| {
                let Some(oldest) = way.last() else { return false };
                let mut plain = vec![(oldest.helo, Some(oldest.ip))];
                for (at, hop) in way.iter().enumerate().rev() {
                    plain.push((hop.by, at.checked_sub(1).map(|newer| way[newer].ip)));
                }
                fits_plainly(&plain, &pattern)
            });
        }
    }
}
