//! Address lists (RFC 5322 section 3.4 with the old forms of 4.4), read as far as they can be read.

use super::bytes::{byte, from, part, trim};
use super::header::unfold;
use super::value::{Context, MAX_GUARDED, comment, guarded, raw};
use super::words;
use crate::types::{Anomaly, AnomalyKind, ByteRange};

/// One mailbox of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Decoded display name, or the comment that stands for one; empty when there is none.
    pub name: String,
    /// `local@domain` as written, without comments and folding; empty when none could be read.
    pub address: String,
}

/// Most addresses of one field; Dovecot's CVE-2024-23184 was about this number.
pub const MAX_ADDRESSES: usize = 100_000;

/// What has been gathered of one mailbox.
#[derive(Default)]
struct Element {
    /// The words before `<`, as written, quotes and escapes removed.
    phrase: Vec<u8>,
    /// The phrase with its quotes: for a quoted local part.
    written: Vec<u8>,
    /// Whether a part of the phrase stood in quotes.
    quoted: bool,
    note: Vec<u8>,
    angle: Option<Vec<u8>>,
    /// Whether a word of the phrase has an `@` in it, so that nobody looks through the phrase again at each word.
    has_at: bool,
}

impl Element {
    /// Whether an atom that begins with `next` goes on the one before over a blank: around `@` and `.` blanks do not
    /// count (RFC 5322 section 4.4), but an initial in a name ends in a dot too.
    fn joins(&self, next: u8) -> bool {
        let before = &self.phrase;
        before.ends_with(b"@") || next == b'@' || self.has_at && (before.ends_with(b".") || next == b'.')
    }

    fn word(&mut self, bytes: &[u8], gap: bool) {
        self.has_at |= memchr::memchr(b'@', bytes).is_some();
        if gap && !self.phrase.is_empty() {
            self.phrase.push(b' ');
        }
        if gap && !self.written.is_empty() {
            self.written.push(b' ');
        }
        self.phrase.extend_from_slice(bytes);
        self.written.extend_from_slice(bytes);
    }

    fn is_empty(&self) -> bool {
        self.phrase.is_empty() && self.angle.is_none() && self.note.is_empty() && !self.quoted
    }
}

/// Reads the addresses of a field's value. Group names are left out where the group has members; an empty group such
/// as `undisclosed-recipients:;` gives its name with no address. Commas and semicolons both separate.
///
/// # Anomalies
/// `address-invalid`, `address-in-display-name`, `header-8bit`, `encoded-word-invalid`, `header-over-limit`, at `at`.
pub fn addresses(
    value: &[u8],
    at: ByteRange,
    context: Context<'_>,
    anomalies: &mut Vec<Anomaly>,
) -> Vec<Address> {
    let flat = unfold(value);
    let mut list = List { out: Vec::new(), context, at, anomalies, eight: false, odd: false };
    list.read(trim(&flat));
    let List { out, eight, odd, .. } = list;
    if eight {
        anomalies.push(Anomaly::at(AnomalyKind::Header8Bit, at));
    }
    if odd {
        anomalies.push(Anomaly::at(AnomalyKind::EncodedWordInvalid, at));
    }
    let none = !out.iter().any(|a| !a.address.is_empty());
    if none && !trim(&flat).is_empty() && memchr::memchr(b':', &flat).is_none() && *trim(&flat) != *b"<>" {
        anomalies.push(Anomaly::at(AnomalyKind::AddressInvalid, at));
        if let Some(second) = second_reading(&flat) {
            return second;
        }
    }
    out
}

/// What mail-parser reads where we read nothing.
fn second_reading(value: &[u8]) -> Option<Vec<Address>> {
    if value.len() > MAX_GUARDED || memchr::memchr(b'@', value).is_none() {
        return None;
    }
    let line = [value, b"\n"].concat();
    let read = guarded(|| {
        let list = mail_parser::parsers::MessageStream::new(&line).parse_address().into_address()?;
        let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
        let all = list.iter().map(|a| Address { name: text(a.name()), address: text(a.address()) });
        Some(all.collect::<Vec<_>>())
    })??;
    read.iter().any(|a| a.address.contains('@')).then_some(read)
}

struct List<'a, 'b> {
    out: Vec<Address>,
    context: Context<'a>,
    at: ByteRange,
    anomalies: &'b mut Vec<Anomaly>,
    eight: bool,
    odd: bool,
}

impl List<'_, '_> {
    fn read(&mut self, text: &[u8]) {
        let mut rest = text;
        let mut e = Element::default();
        let mut gap = false;
        let mut group: Option<(Vec<u8>, usize)> = None;
        while let [b, r @ ..] = rest {
            // A name behind a complete mailbox begins the next: the comma is missing.
            let begins = !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b',' | b';' | b':' | b'<' | b'>');
            if begins && e.angle.is_some() && !e.phrase.is_empty() {
                self.finish(&mut e);
            }
            match b {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    gap = true;
                    rest = r;
                    continue;
                }
                b'(' => {
                    rest = add_note(rest, &mut e.note);
                    gap = true;
                    continue;
                }
                b'"' => rest = Self::quoted(rest, gap, &mut e),
                b'<' => {
                    let (inside, after) = angle(r, &mut e.note);
                    // A second `<..>` without a comma begins another mailbox.
                    if e.angle.is_some() {
                        self.finish(&mut e);
                    }
                    e.angle = Some(inside);
                    rest = after;
                }
                b',' | b';' => {
                    self.finish(&mut e);
                    if *b == b';'
                        && let Some((name, before)) = group.take()
                        && self.out.len() == before
                    {
                        let name = self.text(&name);
                        self.out.push(Address { name, address: String::new() });
                    }
                    rest = r;
                }
                b':' if e.angle.is_none() && !e.phrase.is_empty() && group.is_none() => {
                    if !e.phrase.eq_ignore_ascii_case(b"mailto") {
                        group = Some((std::mem::take(&mut e.phrase), self.out.len()));
                    }
                    e = Element::default();
                    rest = r;
                }
                b'[' => {
                    let end = memchr::memchr(b']', rest).map_or(rest.len(), |n| n.saturating_add(1));
                    e.word(part(rest, 0..end), gap && !e.joins(b'['));
                    rest = from(rest, end);
                }
                b'>' => rest = r,
                _ => {
                    let stops = |b: &u8| {
                        matches!(
                            b,
                            b' ' | b'\t'
                                | b'\r'
                                | b'\n'
                                | b'('
                                | b'"'
                                | b'<'
                                | b','
                                | b';'
                                | b':'
                                | b'['
                                | b'>'
                        )
                    };
                    let end = rest.iter().position(stops).unwrap_or(rest.len()).max(1);
                    // An encoded word may hold what would end an atom.
                    let end = if rest.starts_with(b"=?") { end.max(encoded_end(rest)) } else { end };
                    let atom = part(rest, 0..end);
                    e.word(atom, gap && !e.joins(*b));
                    rest = from(rest, end);
                }
            }
            gap = false;
            if self.out.len() >= MAX_ADDRESSES {
                self.anomalies.push(Anomaly::at(AnomalyKind::HeaderOverLimit, self.at));
                return;
            }
        }
        self.finish(&mut e);
        if let Some((name, before)) = group
            && self.out.len() == before
        {
            let name = self.text(&name);
            self.out.push(Address { name, address: String::new() });
        }
    }

    /// A quoted string at the start of `rest`: words of the phrase, or a quoted local part when `@` follows.
    fn quoted<'a>(rest: &'a [u8], gap: bool, e: &mut Element) -> &'a [u8] {
        let mut end = 1;
        while end < rest.len() {
            match byte(rest, end) {
                b'\\' => end = end.saturating_add(1),
                b'"' => break,
                _ => {}
            }
            end = end.saturating_add(1);
        }
        let inner = part(rest, 1..end);
        let after = from(rest, end.saturating_add(1));
        let whole = part(rest, 0..end.saturating_add(1));
        if gap && !e.phrase.is_empty() {
            e.phrase.push(b' ');
            e.written.push(b' ');
        }
        e.quoted = true;
        e.written.extend_from_slice(whole);
        e.has_at |= memchr::memchr(b'@', inner).is_some();
        unescape(inner, &mut e.phrase);
        after
    }

    fn text(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        let context = self.context;
        let eight = &mut self.eight;
        if memchr::memmem::find(bytes, b"=?").is_none() {
            *eight |= raw(bytes, context, &mut out);
        } else {
            self.odd |= words::decode_into(bytes, &mut out, &mut |b, o| *eight |= raw(b, context, o));
        }
        let trimmed = out.trim();
        if trimmed.len() == out.len() { out } else { trimmed.to_owned() }
    }

    /// Turns what was gathered into an address, if anything was.
    fn finish(&mut self, e: &mut Element) {
        if e.is_empty() {
            return;
        }
        let mut made = Address::default();
        if let Some(inside) = e.angle.take() {
            made.name = self.named(&e.phrase, &e.note);
            made.address = self.text_of_spec(&inside);
        } else {
            self.only_addresses(e);
            let spec = bare_spec(&e.written, &e.phrase, e.quoted);
            match spec {
                Some((address, name)) => {
                    made.address = self.text_of_spec(&address);
                    made.name = self.named(&name, &e.note);
                }
                None => made.name = self.named(&e.phrase, &e.note),
            }
        }
        if deceives(&made) {
            self.anomalies.push(Anomaly::at(AnomalyKind::AddressInDisplayName, self.at));
        }
        // `<>` is the null path of a bounce, and no address.
        if !made.name.is_empty() || !made.address.is_empty() {
            self.out.push(made);
        }
        *e = Element::default();
    }

    /// `a@x b@y`: when each of several words is an address, all but the last are taken out as mailboxes of their own.
    fn only_addresses(&mut self, e: &mut Element) {
        let is_address = |w: &[u8]| {
            let at = memchr::memchr(b'@', w);
            at.is_some() && at == memchr::memrchr(b'@', w) && !w.starts_with(b"@") && !w.ends_with(b"@")
        };
        if e.quoted || !e.phrase.contains(&b' ') || !e.phrase.split(|b| *b == b' ').all(is_address) {
            return;
        }
        let phrase = std::mem::take(&mut e.phrase);
        let mut words: Vec<&[u8]> = phrase.split(|b| *b == b' ').collect();
        let last = words.pop().unwrap_or_default();
        let most = MAX_ADDRESSES.saturating_sub(self.out.len());
        if words.len() > most {
            self.anomalies.push(Anomaly::at(AnomalyKind::HeaderOverLimit, self.at));
            words.truncate(most);
        }
        for word in words {
            let address = self.text_of_spec(word);
            self.out.push(Address { name: String::new(), address });
        }
        e.phrase = last.to_vec();
        e.written.clone_from(&e.phrase);
    }

    /// A display name with the comments beside it.
    fn named(&mut self, phrase: &[u8], note: &[u8]) -> String {
        let name = self.text(phrase);
        if note.is_empty() {
            return name;
        }
        let note = self.text(note);
        if name.is_empty() { note } else { format!("{name} ({note})") }
    }

    /// An address as text: bytes over 127 as UTF-8 (RFC 6531), else as the message reads them.
    fn text_of_spec(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        self.eight |= raw(bytes, self.context, &mut out);
        out
    }
}

/// Where the encoded word at the start ends; 0 when it is none.
fn encoded_end(text: &[u8]) -> usize {
    let inner = from(text, 2);
    let head = part(inner, 0..200);
    let Some(q1) = memchr::memchr(b'?', head) else { return 0 };
    if byte(inner, q1.saturating_add(2)) != b'?' {
        return 0;
    }
    let start = q1.saturating_add(3);
    let body = part(inner, start..start.saturating_add(1000));
    match memchr::memmem::find(body, b"?=") {
        Some(n) => start.saturating_add(n).saturating_add(4),
        None => 0,
    }
}

/// Keeps the comment at the start of `text`, and answers what is behind it.
fn add_note<'a>(text: &'a [u8], note: &mut Vec<u8>) -> &'a [u8] {
    let after = comment(text);
    let inner = part(text, 1..text.len().saturating_sub(after.len()));
    if !note.is_empty() {
        note.push(b' ');
    }
    unescape(inner.strip_suffix(b")").unwrap_or(inner), note);
    after
}

/// What stands between `<` and `>`: blanks, comments and a route (`@a,@b:`) removed; quotes stay.
fn angle<'a>(text: &'a [u8], note: &mut Vec<u8>) -> (Vec<u8>, &'a [u8]) {
    let mut out = Vec::with_capacity(40);
    let mut rest = text;
    loop {
        rest = match rest {
            // At the end, or never closed: the next mailbox begins.
            [] | [b'<', ..] => break,
            [b'>', r @ ..] => {
                rest = r;
                break;
            }
            [b'(', ..] => add_note(rest, note),
            [b'"', r @ ..] => {
                out.push(b'"');
                let mut q = r;
                loop {
                    q = match q {
                        [b'\\', b, r @ ..] => {
                            out.extend_from_slice(&[b'\\', *b]);
                            r
                        }
                        [b'"', r @ ..] => {
                            out.push(b'"');
                            break r;
                        }
                        [b, r @ ..] => {
                            out.push(*b);
                            r
                        }
                        [] => break q,
                    };
                }
            }
            [b' ' | b'\t' | b'\r' | b'\n', r @ ..] => r,
            [b, r @ ..] => {
                out.push(*b);
                r
            }
        };
    }
    if out.starts_with(b"@")
        && let Some(n) = memchr::memchr(b':', &out)
    {
        out.drain(..=n);
    }
    if out.len() > 7 && super::bytes::starts_with_fold(&out, b"mailto:") {
        out.drain(..7);
    }
    (out, rest)
}

/// An address without `<>`: the word with `@` in it, and the other words as its name. A single word without `@` is a
/// local address such as `root`.
fn bare_spec(written: &[u8], phrase: &[u8], quoted: bool) -> Option<(Vec<u8>, Vec<u8>)> {
    let has_at = memchr::memchr(b'@', written).is_some();
    if !has_at {
        let single = !quoted && !phrase.is_empty() && !phrase.contains(&b' ') && !phrase.starts_with(b"=?");
        return single.then(|| (phrase.to_vec(), Vec::new()));
    }
    if quoted && written.starts_with(b"\"") && memchr::memmem::find(written, b"\"@").is_some() {
        return Some((written.to_vec(), Vec::new()));
    }
    if quoted && memchr::memchr(b'@', written) > memchr::memchr(b'"', written) && written.ends_with(b"\"") {
        // Only a quoted string: `"joe@example.org"`.
        let one = phrase.to_vec();
        return (!one.contains(&b' ')).then_some((one, Vec::new()));
    }
    let mut words: Vec<&[u8]> = phrase.split(|&b| b == b' ').filter(|w| !w.is_empty()).collect();
    let at = words.iter().position(|w| w.contains(&b'@') && !w.starts_with(b"=?"))?;
    let address = words.remove(at).to_vec();
    Some((address, words.join(&b' ')))
}

fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\\', b, r @ ..] | [b, r @ ..] => {
                out.push(*b);
                r
            }
            [] => return,
        };
    }
}

/// Whether a display name holds another address than the real one.
fn deceives(made: &Address) -> bool {
    if made.address.is_empty() || !made.name.contains('@') {
        return false;
    }
    let edges: &[char] = &['\'', '"', '<', '>', '(', ')', '[', ']', ',', ';', ':', '.'];
    made.name.split_whitespace().map(|w| w.trim_matches(edges)).any(|word| {
        let parts = word.split_once('@');
        let shaped = parts.is_some_and(|(l, d)| !l.is_empty() && d.contains('.') && !d.contains('@'));
        shaped && !word.eq_ignore_ascii_case(&made.address)
    })
}

#[cfg(test)]
mod tests;
