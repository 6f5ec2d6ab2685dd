//! The bytes behind facts: an attachment's content, a message inside a message.

use std::borrow::Cow;

use super::parts::{content, next_file};
use super::{Attachment, ItemFacts};
use crate::parse::header;
use crate::parse::mime::{self, Encoding, Form};
use crate::types::{ByteRange, Sha256Digest};

/// The decoded bytes of an attachment, in the message (or child) that it is a fact of. `None` when the message does
/// not hold it: the digest is compared.
pub fn attachment(message: &[u8], wanted: &Attachment) -> Option<Vec<u8>> {
    let header = header::read(message).value;
    let parts = mime::walk(message, &header).value;
    let inside = wanted.part.rsplit_once('#').and_then(|(_, n)| n.parse::<usize>().ok());
    let start = usize::try_from(wanted.at.start()).ok()?;
    let end = usize::try_from(wanted.at.end()).ok()?;
    for part in &parts {
        let holds = part.body.start <= start && end <= part.body.end;
        if part.form == Form::Multipart || !holds {
            continue;
        }
        let (bytes, _) = content(message, part, &mut Vec::new(), &mut Vec::new());
        let found = match inside {
            None => Some(bytes.into_owned()),
            Some(n) => embedded(&bytes, n),
        };
        if let Some(found) = found.filter(|f| Sha256Digest::of(f) == wanted.sha256) {
            return Some(found);
        }
    }
    None
}

/// The `n`th file inside text, from 1.
fn embedded(bytes: &[u8], n: usize) -> Option<Vec<u8>> {
    let mut from = 0;
    let mut count = 0;
    while let Some((found, _)) = next_file(bytes, from) {
        count += 1;
        if count == n {
            return Some(found.data);
        }
        from = found.at.end;
    }
    None
}

/// The decoded bytes of the message at a part path below the top message, such as `2.1`. `None` when there is none.
pub fn child<'a>(top: &'a [u8], path: &str) -> Option<Cow<'a, [u8]>> {
    let mut here: Cow<'a, [u8]> = Cow::Borrowed(top);
    let mut prefix = String::new();
    for _ in 0..=mime::MAX_DEPTH {
        let (range, encoding_is_identity, decoded, full) = {
            let header = header::read(&here).value;
            let parts = mime::walk(&here, &header).value;
            let hit = parts.iter().enumerate().filter(|(_, p)| p.form == Form::Message).find_map(|(n, p)| {
                let full = format!("{prefix}{}", mime::path(&parts, n));
                let on_the_way = path == full || path.strip_prefix(&full).is_some_and(|r| r.starts_with('.'));
                on_the_way.then_some((p, full))
            });
            let (part, full) = hit?;
            let identity = part.encoding == Encoding::Identity;
            let decoded = if identity {
                Vec::new()
            } else {
                content(&here, part, &mut Vec::new(), &mut Vec::new()).0.into_owned()
            };
            (part.body.clone(), identity, decoded, full)
        };
        here = match here {
            Cow::Borrowed(bytes) if encoding_is_identity => Cow::Borrowed(bytes.get(range)?),
            Cow::Owned(bytes) if encoding_is_identity => Cow::Owned(bytes.get(range)?.to_vec()),
            _ => Cow::Owned(decoded),
        };
        if full == path {
            return Some(here);
        }
        prefix = format!("{full}.");
    }
    None
}

/// The place in `message` that a fact names, as bytes; empty when it lies outside.
pub fn bytes_at(message: &[u8], at: ByteRange) -> &[u8] {
    at.of(message).unwrap_or_default()
}

/// Whether every range of the facts lies inside the message: what tests and `verify` ask.
pub fn ranges_hold(message: &[u8], facts: &ItemFacts) -> bool {
    let len = message.len() as u64;
    let inside = |r: ByteRange| r.end() <= len;
    let places = facts.addresses.iter().map(|a| a.at);
    let places = places.chain(facts.attachments.iter().map(|a| a.at));
    let places = places.chain(facts.anomalies.iter().filter_map(|a| a.at));
    let texts = [&facts.subject, &facts.message_id, &facts.date_raw];
    let places = places.chain(texts.into_iter().flatten().map(|t| t.at));
    let places = places.chain(facts.date.iter().map(|d| d.at));
    let mut places = places.chain(facts.hops.iter().map(|h| h.at));
    places.all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::derive::{Scratch, derive};

    #[test]
    fn what_the_facts_name_can_be_taken_out_again() {
        let message = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\nbegin 644 cat.txt\n#0V%T\n`\nend\n--b\n\
            Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\
            Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PWMKCi0tYwpDb250ZW50LVR5cGU6IGltYWdlL3BuZwpDb250\n\
            ZW50LVRyYW5zZmVyLUVuY29kaW5nOiBiYXNlNjQKCmlWQk9SdzA9Ci0tYy0tCg==\n--b--\n";
        let mut seen = Vec::new();
        derive(message, &mut Scratch::default(), &mut |one| {
            let (bytes, facts) = (one.message, &one.facts);
            assert!(ranges_hold(bytes, facts));
            for file in &facts.attachments {
                let content = attachment(bytes, file).unwrap();
                seen.push((file.part.clone(), content));
            }
            if let Some(place) = &facts.child {
                assert_eq!(child(message, &place.part).as_deref(), Some(bytes));
            }
        });
        let expected: [(&str, &[u8]); 2] = [("1#1", b"Cat"), ("2.1", b"\x89PNG\r")];
        assert_eq!(seen.len(), 2);
        for ((part, content), (want_part, want)) in seen.iter().zip(expected) {
            assert_eq!(part, want_part);
            assert!(content.starts_with(want), "{content:?}");
        }
        assert_eq!(child(message, "7"), None);
    }
}
