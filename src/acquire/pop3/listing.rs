//! What is on the server: STAT, LIST and UIDL put together, and a path for each message that another session finds
//! again.

use std::collections::HashMap;

use crate::acquire::Limits;
use crate::acquire::wire::{Wire, WireError};
use crate::types::{RelPath, Sha256Digest};

use super::answer::{Status, lines, said, status};
use super::verb::Verb;

/// Longest UIDL that is taken for one; RFC 1939 7 allows 70 octets.
const LONGEST_UIDL: usize = 255;

/// A message as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Number in this session.
    pub(super) number: u64,
    /// Octets as announced.
    pub(super) size: Option<u64>,
    /// Name that stays over sessions.
    pub(super) uidl: Option<Vec<u8>>,
    /// How many messages before it have the same name.
    pub(super) copy: u64,
}

/// The listing of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Count of STAT.
    pub(super) count: Option<u64>,
    /// Octets of STAT.
    pub(super) bytes: Option<u64>,
    /// Messages by ascending number.
    pub(super) entries: Vec<Entry>,
    /// What was odd, as code, words, and whether something may be missing.
    pub(super) odd: Vec<(&'static str, String, bool)>,
}

/// Most messages of a maildrop, and most octets of LIST or of UIDL: a listing is held in memory. The largest that we
/// know of is a tenth of it.
const MOST_LISTED: u64 = 1_000_000;
const LONGEST_LISTING: u64 = 64 << 20;

/// Unsigned digits alone.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The first two words of a line.
fn pair(line: &[u8]) -> (&[u8], &[u8]) {
    let mut words = line.split(|&b| b == b' ').filter(|w| !w.is_empty());
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// Percent-encodes what may not stand in a name of a path.
fn encoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_graphic() && !matches!(byte, b'%' | b'/' | b';' | b'\\') {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

impl Entry {
    /// `INBOX/;UIDL=name`, with `;COPY=2` for the second of that name; without a name `INBOX/;MSG=number;SIZE=octets`.
    pub(super) fn path(&self) -> RelPath {
        let mut path = b"INBOX/".to_vec();
        match (&self.uidl, self.size) {
            (Some(uidl), _) => {
                path.extend_from_slice(b";UIDL=");
                path.extend_from_slice(&encoded(uidl));
                copy(&mut path, self.copy);
            }
            (None, Some(size)) => {
                path.extend_from_slice(format!(";MSG={};SIZE={size}", self.number).as_bytes());
            }
            (None, None) => path.extend_from_slice(format!(";MSG={}", self.number).as_bytes()),
        }
        RelPath::new(path)
    }
}

/// The path of a message without a name on the server: by what it is, so that another session finds it again.
pub(super) fn path_by_digest(digest: Sha256Digest, before: u64) -> RelPath {
    let mut path = format!("INBOX/;SHA256={digest}").into_bytes();
    copy(&mut path, before);
    RelPath::new(path)
}

fn copy(path: &mut Vec<u8>, before: u64) {
    if before > 0 {
        path.extend_from_slice(format!(";COPY={}", before.saturating_add(1)).as_bytes());
    }
}

/// Asks for all of it.
///
/// # Errors
/// When the connection breaks, the server lists more than the limit, or will not list at all.
pub(super) fn listing(wire: &mut Wire<'_>, limits: &Limits) -> Result<Listing, WireError> {
    let mut listing = Listing::default();
    wire.send_line(&Verb::Stat.line())?;
    let stat = status(wire)?;
    let (count, bytes) = pair(&stat.text);
    if stat.is_ok {
        (listing.count, listing.bytes) = (number(count), number(bytes));
    }
    if listing.count.is_none() {
        listing.odd.push(("stat-odd", format!("STAT was answered with {}", stat.shown()), false));
    }

    let sizes = sizes(wire, limits, &mut listing)?;
    let names = names(wire, limits, &mut listing)?;
    listing.entries = joined(sizes, names, &mut listing.odd);

    let listed = listing.entries.len() as u64;
    if let Some(count) = listing.count.filter(|count| *count != listed) {
        let text = format!("STAT counts {count} messages, {listed} are listed");
        listing.odd.push(("count-mismatch", text, count > listed));
    }
    Ok(listing)
}

/// LIST, as number and octets in the order sent.
///
/// # Errors
/// As [`listing`].
pub(super) fn sizes(
    wire: &mut Wire<'_>,
    limits: &Limits,
    listing: &mut Listing,
) -> Result<Vec<(u64, Option<u64>)>, WireError> {
    wire.send_line(&Verb::List.line())?;
    let answer = status(wire)?;
    if !answer.is_ok {
        // Some servers say so of an empty maildrop.
        if listing.count == Some(0) {
            return Ok(Vec::new());
        }
        return Err(WireError::Protocol(format!("the server does not list: {}", answer.shown())));
    }
    let mut sizes = Vec::new();
    each(wire, limits, &mut |line| {
        let (first, second) = pair(line);
        match number(first) {
            Some(n) if n > 0 => {
                let size = number(second);
                if size.is_none() {
                    odd(listing, format!("LIST has no size for {n}: {}", said(line)), false);
                }
                sizes.push((n, size));
            }
            _ => odd(listing, format!("a line of LIST has no number: {}", said(line)), true),
        }
    })?;
    Ok(sizes)
}

/// UIDL, as number and name in the order sent; empty where the server has none.
fn names(
    wire: &mut Wire<'_>,
    limits: &Limits,
    listing: &mut Listing,
) -> Result<Vec<(u64, Vec<u8>)>, WireError> {
    wire.send_line(&Verb::Uidl.line())?;
    let answer: Status = status(wire)?;
    if !answer.is_ok {
        if listing.count != Some(0) {
            let text =
                format!("the server names no messages ({}); they are known by their digests", answer.shown());
            listing.odd.push(("no-uidl", text, false));
        }
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    each(wire, limits, &mut |line| {
        let (first, second) = pair(line);
        match number(first) {
            Some(n) if n > 0 && !second.is_empty() && second.len() <= LONGEST_UIDL => {
                names.push((n, second.to_vec()));
            }
            _ => odd(listing, format!("a line of UIDL is not a number and a name: {}", said(line)), false),
        }
    })?;
    Ok(names)
}

/// The lines of a listing, under the limit of messages.
fn each(wire: &mut Wire<'_>, limits: &Limits, take: &mut dyn FnMut(&[u8])) -> Result<(), WireError> {
    let mut count = 0_u64;
    let most = limits.listed.min(MOST_LISTED);
    lines(wire, LONGEST_LISTING, &mut |line| {
        count = count.saturating_add(1);
        if count > most {
            return Err(WireError::Protocol(format!("the server lists more than {most} messages")));
        }
        take(line);
        Ok(())
    })
}

/// Notes an odd line, but not without end.
fn odd(listing: &mut Listing, text: String, is_partial: bool) {
    const MOST: usize = 1000;
    if listing.odd.len() < MOST {
        listing.odd.push(("list-odd", text, is_partial));
    }
}

/// One entry for each number that LIST or UIDL has.
fn joined(
    mut sizes: Vec<(u64, Option<u64>)>,
    names: Vec<(u64, Vec<u8>)>,
    odd: &mut Vec<(&'static str, String, bool)>,
) -> Vec<Entry> {
    sizes.sort_by_key(|(n, _)| *n);
    let listed = sizes.len();
    sizes.dedup_by_key(|(n, _)| *n);
    if sizes.len() != listed {
        let twice = listed.saturating_sub(sizes.len());
        odd.push(("list-odd", format!("LIST has {twice} numbers more than once"), false));
    }
    let has_names = !names.is_empty();
    let mut by_number: HashMap<u64, Vec<u8>> = HashMap::with_capacity(names.len());
    let mut twice = 0_u64;
    for (n, name) in names {
        if by_number.insert(n, name).is_some() {
            twice = twice.saturating_add(1);
        }
    }
    if twice > 0 {
        odd.push(("list-odd", format!("UIDL has {twice} numbers more than once"), false));
    }
    let mut extra: Vec<u64> =
        by_number.keys().copied().filter(|n| sizes.binary_search_by_key(n, |(n, _)| *n).is_err()).collect();
    if !extra.is_empty() {
        extra.sort_unstable();
        odd.push(("list-odd", format!("UIDL names {} messages that LIST does not have", extra.len()), false));
        sizes.extend(extra.into_iter().map(|n| (n, None)));
        sizes.sort_by_key(|(n, _)| *n);
    }
    let mut seen: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut nameless = 0_u64;
    let mut entries = Vec::with_capacity(sizes.len());
    for (number, size) in sizes {
        let uidl = by_number.remove(&number);
        let mut copy = 0;
        match &uidl {
            Some(name) => {
                let before = seen.entry(name.clone()).or_insert(0);
                copy = *before;
                *before = before.saturating_add(1);
            }
            None => nameless = nameless.saturating_add(1),
        }
        entries.push(Entry { number, size, uidl, copy });
    }
    let repeated = seen.values().filter(|n| **n > 1).count();
    if repeated > 0 {
        let text = format!(
            "{repeated} names of UIDL stand for more than one message (RFC 1939 7 allows it for equal ones)"
        );
        odd.push(("uidl-repeated", text, false));
    }
    if has_names && nameless > 0 {
        odd.push((
            "no-uidl",
            format!("UIDL leaves out {nameless} messages; they are known by their digests"),
            false,
        ));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(sizes: &[(u64, Option<u64>)], names: &[(u64, &str)]) -> (Vec<String>, Vec<&'static str>) {
        let mut odd = Vec::new();
        let names = names.iter().map(|(n, name)| (*n, name.as_bytes().to_vec())).collect();
        let entries = joined(sizes.to_vec(), names, &mut odd);
        let paths = entries.iter().map(|e| e.path().display().into_owned()).collect();
        (paths, odd.into_iter().map(|(code, ..)| code).collect())
    }

    #[test]
    fn each_message_has_a_path_of_its_own() {
        let (paths, odd) = paths(
            &[(3, Some(9)), (1, Some(7)), (2, None), (3, Some(9)), (4, Some(1))],
            &[(1, "a/b%"), (2, "x"), (3, "x"), (9, "late"), (2, "x")],
        );
        assert_eq!(
            paths,
            [
                "INBOX/;UIDL=a%2Fb%25",
                "INBOX/;UIDL=x",
                "INBOX/;UIDL=x;COPY=2",
                "INBOX/;MSG=4;SIZE=1",
                "INBOX/;UIDL=late"
            ]
        );
        assert_eq!(odd, ["list-odd", "list-odd", "list-odd", "uidl-repeated", "no-uidl"]);
    }

    #[test]
    fn what_is_in_order_is_not_odd() {
        let (paths, odd) = paths(&[(1, Some(7)), (2, Some(8))], &[(1, "a"), (2, "b")]);
        assert_eq!(paths, ["INBOX/;UIDL=a", "INBOX/;UIDL=b"]);
        assert!(odd.is_empty());
    }

    #[test]
    fn a_number_is_digits_alone() {
        assert_eq!(number(b"12"), Some(12));
        for odd in [&b""[..], b"-1", b"+1", b"1x", b"99999999999999999999"] {
            assert_eq!(number(odd), None, "{odd:?}");
        }
    }
}
