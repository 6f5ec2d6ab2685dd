//! The bytes behind facts: an attachment's content, a message inside a message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::file_cursor::FileCursor;
use super::parts::content;
use super::{Attachment, ItemFacts};
use crate::parse::header;
use crate::parse::mime::{self, Encoding, Form, Part};
use crate::types::{ByteRange, Sha256Digest};

/// The attachments of one message (or child), taken out of it one after the other. Its parts are walked once, and the
/// part that was decoded last is kept, with the place in it of the last file inside its text: what is asked for in the
/// order of the facts costs one reading of the message, however many there are.
#[derive(Debug)]
pub struct AttachmentReader<'a> {
    message: &'a [u8],
    parts: Vec<Part>,
    /// Where to begin to look for a part.
    next: usize,
    decoded: Option<Decoded<'a>>,
}

/// A part that was decoded.
#[derive(Debug)]
struct Decoded<'a> {
    part: usize,
    bytes: Cow<'a, [u8]>,
    /// How many files inside its text were passed.
    files: usize,
    /// Where the next one is.
    cursor: FileCursor,
}

impl<'a> AttachmentReader<'a> {
    /// Of a message.
    pub fn new(message: &'a [u8]) -> Self {
        let header = header::read(message).value;
        let parts = mime::walk(message, &header).value;
        Self { message, parts, next: 0, decoded: None }
    }

    /// The decoded bytes of an attachment that is a fact of the message. `None` when the message does not hold it: the
    /// digest is compared.
    pub fn read(&mut self, wanted: &Attachment) -> Option<Vec<u8>> {
        let inside = wanted.part.rsplit_once('#').and_then(|(_, n)| n.parse::<usize>().ok());
        let start = usize::try_from(wanted.at.start()).ok()?;
        let end = usize::try_from(wanted.at.end()).ok()?;
        let first = self.next;
        for index in (first..self.parts.len()).chain(0..first) {
            let Some(part) = self.parts.get(index) else { continue };
            let holds = part.body.start <= start && end <= part.body.end;
            if part.form == Form::Multipart || !holds {
                continue;
            }
            if self.decoded.as_ref().is_none_or(|decoded| decoded.part != index) {
                let (bytes, _) = content(self.message, part, &mut Vec::new(), &mut Vec::new());
                self.decoded = Some(Decoded { part: index, bytes, files: 0, cursor: FileCursor::default() });
            }
            let found = self.decoded.as_mut().and_then(|decoded| match inside {
                None => Some(decoded.bytes.to_vec()),
                Some(n) => decoded.file(n),
            });
            if let Some(found) = found.filter(|f| Sha256Digest::of(f) == wanted.sha256) {
                self.next = index;
                return Some(found);
            }
        }
        None
    }
}

impl Decoded<'_> {
    /// The `n`th file inside text, from 1.
    fn file(&mut self, n: usize) -> Option<Vec<u8>> {
        if n <= self.files {
            (self.files, self.cursor) = (0, FileCursor::default());
        }
        while let Some((found, _)) = self.cursor.next(&self.bytes) {
            self.files += 1;
            if self.files == n {
                return Some(found.data);
            }
        }
        None
    }
}

/// The decoded bytes of an attachment, in the message (or child) that it is a fact of. `None` when the message does
/// not hold it: the digest is compared.
pub fn attachment(message: &[u8], wanted: &Attachment) -> Option<Vec<u8>> {
    AttachmentReader::new(message).read(wanted)
}

/// The messages inside a message, taken out of it one after the other. The way down to the last one is kept, so that
/// what is asked for in the order of the parts costs one reading of each message.
#[derive(Debug)]
pub struct MessageTree {
    /// The way down: the top message first, each in the one before.
    levels: Vec<Level>,
}

/// A message on the way down.
#[derive(Debug)]
struct Level {
    /// Its part path below the top message; empty for the top message itself.
    path: String,
    /// The bytes that it lies in; a message that is not encoded lies in those of its parent.
    buffer: Arc<Vec<u8>>,
    range: Range<usize>,
    /// The parts that are messages, by their paths, the first of each path.
    messages: BTreeMap<String, Part>,
}

impl Level {
    fn new(path: String, buffer: Arc<Vec<u8>>, range: Range<usize>) -> Self {
        let bytes = buffer.get(range.clone()).unwrap_or_default();
        let header = header::read(bytes).value;
        let parts = mime::walk(bytes, &header).value;
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        let paths: Vec<(usize, String)> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.form == Form::Message)
            .map(|(n, _)| (n, format!("{prefix}{}", mime::path(&parts, n))))
            .collect();
        let mut messages = BTreeMap::new();
        for (n, path) in paths {
            if let Some(part) = parts.get(n) {
                messages.entry(path).or_insert_with(|| part.clone());
            }
        }
        drop(parts);
        Self { path, buffer, range, messages }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }

    /// Whether the message at a path is this one or lies in it.
    fn is_on_the_way_to(&self, path: &str) -> bool {
        self.path.is_empty()
            || path.strip_prefix(&self.path).is_some_and(|r| r.is_empty() || r.starts_with('.'))
    }

    /// The message in it that is at a path, or that has in it what is there.
    fn below(&self, path: &str) -> Option<Self> {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        let mut ends = ends;
        let (full, part) = ends.find_map(|end| self.messages.get_key_value(path.get(..end)?))?;
        if part.encoding == Encoding::Identity {
            let from = |n: usize| self.range.start.saturating_add(n);
            let range = from(part.body.start)..from(part.body.end);
            return Some(Self::new(full.clone(), Arc::clone(&self.buffer), range));
        }
        let decoded = content(self.bytes(), part, &mut Vec::new(), &mut Vec::new()).0.into_owned();
        let range = 0..decoded.len();
        Some(Self::new(full.clone(), Arc::new(decoded), range))
    }
}

impl MessageTree {
    /// Of a top message.
    pub fn new(top: Vec<u8>) -> Self {
        let range = 0..top.len();
        Self { levels: vec![Level::new(String::new(), Arc::new(top), range)] }
    }

    /// The decoded bytes of the message at a part path below the top message, such as `2.1`. `None` when there is none.
    pub fn child(&mut self, path: &str) -> Option<&[u8]> {
        while self.levels.len() > 1 && self.levels.last().is_some_and(|level| !level.is_on_the_way_to(path)) {
            self.levels.pop();
        }
        while self.levels.last().is_some_and(|level| level.path != path) {
            let deeper = self.levels.last()?.below(path)?;
            self.levels.push(deeper);
        }
        self.levels.last().map(Level::bytes)
    }
}

/// The decoded bytes of the message at a part path below the top message, such as `2.1`. `None` when there is none.
pub fn child(top: &[u8], path: &str) -> Option<Vec<u8>> {
    MessageTree::new(top.to_vec()).child(path).map(<[u8]>::to_vec)
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
