//! Keys that the examiner brought: key files, and where each key in them comes from. Nothing is ever asked of a
//! network.
//!
//! A key file is text. A line is `selector._domainkey.example.org`, blanks, and the record (`v=DKIM1; p=..`), or a line
//! of a zone file (`name [TTL] [IN] TXT "..." "..."`, also over several lines in round brackets). `NXDOMAIN` in place
//! of the record says that there was none. Lines that start with `#` say where the keys below them come from, up to the
//! next empty line.

use std::collections::HashMap;
use std::sync::Arc;

use crate::parse::dkim::{KeyRecord, key_record};
use crate::types::Sha256Digest;

/// Most records that are read of one file.
pub(super) const MAX_RECORDS: usize = 1_000_000;
/// Longest record that is read, in bytes.
pub(super) const MAX_RECORD: usize = 64 << 10;
/// Most lines that a record in brackets may have.
const MAX_RECORD_LINES: usize = 256;

/// A key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// How it is called: its path in the case, or the path it was given by.
    pub name: String,
    /// Digest of its bytes.
    pub sha256: Sha256Digest,
    /// When it was put into the case (RFC 3339); `None` when it was only named on the command line.
    pub added: Option<String>,
    /// What the examiner said of it.
    pub note: Option<String>,
}

/// What a key file says of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// `selector._domainkey.domain` in lower case.
    pub name: Vec<u8>,
    /// The record as text; `None` when the file says that there was none.
    pub text: Option<Vec<u8>>,
    /// The record, read.
    pub record: KeyRecord,
    /// The comments above it.
    pub provenance: String,
    /// Number of its line, from 1.
    pub line: u64,
    /// The file.
    pub file: Arc<KeyFile>,
}

/// All keys at hand.
#[derive(Clone, Debug, Default)]
pub struct KeyStore {
    entries: HashMap<Vec<u8>, Vec<KeyEntry>>,
    order: Vec<Vec<u8>>,
}

impl KeyStore {
    /// Takes a key file. Answers the numbers of the lines that could not be read.
    pub fn add(&mut self, file: KeyFile, text: &[u8]) -> Vec<u64> {
        let file = Arc::new(file);
        let mut unread = Vec::new();
        let mut provenance = String::new();
        let mut is_open = false;
        let mut count = 0_usize;
        let mut lines = text.split(|b| *b == b'\n').zip(1_u64..);
        while let Some((line, number)) = lines.next() {
            let line = line.trim_ascii();
            if let Some(comment) = line.strip_prefix(b"#") {
                if !is_open {
                    provenance.clear();
                    is_open = true;
                }
                if !provenance.is_empty() {
                    provenance.push(' ');
                }
                provenance.push_str(String::from_utf8_lossy(comment).trim());
                continue;
            }
            is_open = false;
            if line.is_empty() {
                provenance.clear();
                continue;
            }
            let mut whole = line.to_vec();
            for _ in 0..MAX_RECORD_LINES {
                if !is_unclosed(&whole) || whole.len() > MAX_RECORD {
                    break;
                }
                let Some((more, _)) = lines.next() else { break };
                whole.push(b' ');
                whole.extend_from_slice(more.trim_ascii());
            }
            let is_whole = whole.len() <= MAX_RECORD && !is_unclosed(&whole);
            let read = is_whole.then(|| entry(&whole)).flatten();
            let Some((name, text)) = read.filter(|_| count < MAX_RECORDS) else {
                unread.push(number);
                continue;
            };
            count += 1;
            let record = text.as_deref().map(key_record).unwrap_or_default();
            let list = self.entries.entry(name.clone()).or_default();
            if list.is_empty() {
                self.order.push(name.clone());
            }
            list.push(KeyEntry {
                name,
                text,
                record,
                provenance: provenance.clone(),
                line: number,
                file: Arc::clone(&file),
            });
        }
        unread
    }

    /// What the files say of a name; nothing when none names it.
    pub fn of(&self, name: &[u8]) -> &[KeyEntry] {
        self.entries.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Everything, in the order of the files.
    pub fn entries(&self) -> impl Iterator<Item = &KeyEntry> {
        self.order.iter().flat_map(|name| self.of(name))
    }
}

/// Whether a round bracket is open at the end, quoted text aside.
fn is_unclosed(line: &[u8]) -> bool {
    let (mut depth, mut quoted) = (0_i64, false);
    for b in line {
        match b {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

fn entry(line: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let (name, rest) = word(line);
    let name = name.strip_suffix(b".").unwrap_or(name).to_ascii_lowercase();
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') || *b >= 128;
    if !name.iter().all(is_name) || memchr::memmem::find(&name, b"._domainkey.").is_none() {
        return None;
    }
    let mut rest = rest;
    loop {
        let (next, after) = word(rest);
        if next.eq_ignore_ascii_case(b"TXT") {
            return Some((name, Some(strings(after)?)));
        }
        if next.eq_ignore_ascii_case(b"IN") || (!next.is_empty() && next.iter().all(u8::is_ascii_digit)) {
            rest = after;
            continue;
        }
        if next.eq_ignore_ascii_case(b"NXDOMAIN") {
            return Some((name, None));
        }
        let is_quoted = rest.starts_with(b"\"") || rest.starts_with(b"(");
        return match strings(rest) {
            Some(text) if is_quoted => Some((name, Some(text))),
            _ => memchr::memchr(b'=', rest).map(|_| (name, Some(rest.to_vec()))),
        };
    }
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_ascii())
}

/// Quoted strings put together, as a zone file means them; text without quotes is taken as it stands.
fn strings(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    if memchr::memchr(b'"', text).is_none() {
        return (!text.is_empty()).then(|| text.to_vec());
    }
    let mut out = Vec::new();
    let mut quoted = false;
    let mut bytes = text.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'"' => quoted = !quoted,
            b'\\' if quoted => out.extend(bytes.next()),
            b if quoted => out.push(b),
            b';' => break, // A comment of the zone file.
            _ => {}
        }
    }
    (!quoted).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(text: &str) -> (KeyStore, Vec<u64>) {
        let mut store = KeyStore::default();
        let sha256 = Sha256Digest::of(text.as_bytes());
        let file = KeyFile { name: "k".into(), sha256, added: None, note: None };
        let unread = store.add(file, text.as_bytes());
        (store, unread)
    }

    #[test]
    fn lines_and_zone_files_are_read_with_where_they_come_from() {
        let (store, unread) = store(
            "# from the archive of example.net\n# fetched 2024-05-01\nA._domainkey.Example.org.\tv=DKIM1; p=AAAA\n\n\
             b._domainkey.example.org 3600 IN TXT ( \"v=DKIM1; \"\n  \"p=BB\" \"BB\" ) ; note\nc._domainkey.example.org NXDOMAIN\nnonsense\n",
        );
        assert_eq!(unread, [8]);
        let a = &store.of(b"a._domainkey.example.org")[0];
        assert_eq!(
            (a.provenance.as_str(), a.line),
            ("from the archive of example.net fetched 2024-05-01", 3)
        );
        assert_eq!(a.record.key.as_deref(), Some(&[0, 0, 0][..]));
        let b = &store.of(b"b._domainkey.example.org")[0];
        assert_eq!((b.text.as_deref(), b.provenance.as_str()), (Some(&b"v=DKIM1; p=BBBB"[..]), ""));
        assert_eq!(store.of(b"c._domainkey.example.org")[0].text, None);
        assert_eq!(store.entries().count(), 3);
    }

    #[test]
    fn a_bracket_that_never_closes_does_not_hang() {
        let (_, unread) = store(&format!("a._domainkey.b TXT (\n{}", "x\n".repeat(100_000)));
        assert_eq!(unread.first(), Some(&1));
    }
}
