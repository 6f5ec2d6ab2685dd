//! Address lists (RFC 5322 section 3.4 with the old forms of 4.4), read as far as they can be read.

use std::collections::HashSet;

use super::bytes::{from, part, trim};
use super::header::unfold;
use super::value::{Context, MAX_GUARDED, guarded, raw, tell, unescaped};
use super::words;
use crate::types::{Anomaly, AnomalyKind, ByteRange};
use element::Element;
use scan::{
    Parens, add_note, angle, bare_spec, closing, deceives, encoded_end, ends_atom, opens_nothing, sign,
    unescape,
};

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

/// Reads the addresses of a field's value. A group is a name without an address, before its members. Commas and
/// semicolons both separate. What stands around an address is taken off, and none that stands in the value is lost: one
/// that the grammar does not reach is taken out of the text around it.
///
/// # Anomalies
/// `address-invalid`, `address-form`, `address-written-at`, `address-in-encoded-word`, `address-in-display-name`,
/// `header-8bit`, `encoded-word-invalid`, `charset-unknown`, `charset-by-escapes`, `header-over-limit`, at `at`.
pub fn addresses(
    value: &[u8],
    at: ByteRange,
    context: Context<'_>,
    anomalies: &mut Vec<Anomaly>,
) -> Vec<Address> {
    let mut flat = unfold(value);
    let mut eight = false;
    if let Some(read) = unescaped(&flat, context, &mut eight) {
        flat = std::borrow::Cow::Owned(read.into_bytes());
        anomalies.push(Anomaly::at(AnomalyKind::CharsetByEscapes, at));
    }
    let mut list = List { out: Vec::new(), context, eight, ..List::default() };
    list.read(trim(&flat));
    list.rescue(&flat);
    let none = !list.out.iter().any(|a| !a.address.is_empty());
    if none && !trim(&flat).is_empty() && memchr::memchr(b':', &flat).is_none() && *trim(&flat) != *b"<>" {
        list.told.push(AnomalyKind::AddressInvalid);
        if let Some(second) = second_reading(&flat) {
            list.out = second;
        }
    }
    if list.parens.is_odd() {
        list.tell(AnomalyKind::AddressForm);
    }
    if list.eight {
        anomalies.push(Anomaly::at(AnomalyKind::Header8Bit, at));
    }
    tell(list.odd, at, anomalies);
    anomalies.extend(list.told.iter().map(|kind| Anomaly::at(*kind, at)));
    list.out
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

/// Longest text in square brackets that is taken for one.
const MAX_LITERAL: usize = 300;

/// How often a name that holds addresses is read as a list of its own.
const MAX_NESTED: u8 = 2;

#[derive(Default)]
struct List<'a> {
    out: Vec<Address>,
    context: Context<'a>,
    eight: bool,
    odd: words::Odd,
    /// What was odd beside that, each once.
    told: Vec<AnomalyKind>,
    /// How many names this text was taken out of.
    nested: u8,
    /// Whether a quote was met that opens nothing; behind it a backslash hides no quote.
    stray: bool,
    /// Whether the text is UTF-8, once asked.
    utf8: Option<bool>,
    parens: Parens,
    /// Words between `<` and `>` that are no address.
    extra: String,
}

impl List<'_> {
    fn tell(&mut self, kind: AnomalyKind) {
        if !self.told.contains(&kind) {
            self.told.push(kind);
        }
    }

    fn is_utf8(&mut self, text: &[u8]) -> bool {
        *self.utf8.get_or_insert_with(|| std::str::from_utf8(text).is_ok())
    }

    fn read(&mut self, text: &[u8]) {
        let mut rest = text;
        let mut e = Element::default();
        let mut gap = false;
        let mut in_group = false;
        while let [b, r @ ..] = rest {
            // A name behind a complete mailbox begins the next: the comma is missing.
            let begins = !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b',' | b';' | b':' | b'<' | b'>');
            if begins && e.angle.is_some() && !e.phrase.is_empty() {
                self.finish(&mut e);
                e.goes_on = true;
            }
            match b {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    gap = true;
                    rest = r;
                    continue;
                }
                b'(' if e.angle.is_none() && !e.phrase.is_empty() && sign(rest).is_some() => {
                    let (word, after) = sign(rest).unwrap_or_default();
                    e.word(trim(word), true);
                    gap = true;
                    rest = after;
                    continue;
                }
                b'(' => {
                    rest = add_note(rest, &mut e.note, &mut self.parens);
                    gap = true;
                    continue;
                }
                b'"' => rest = self.quoted(rest, gap, &mut e),
                b'<' => {
                    let (inside, after) = angle(r, &mut e.note, &mut self.parens);
                    // A second `<..>` without a comma begins another mailbox.
                    if e.angle.as_ref().is_some_and(|a| !a.is_empty()) {
                        self.finish(&mut e);
                        e.goes_on = true;
                    }
                    e.angle = Some(inside);
                    rest = after;
                }
                b',' | b';' => {
                    self.finish(&mut e);
                    in_group &= *b != b';';
                    rest = r;
                }
                b':' if e.begins_group() && !in_group => {
                    if !clean::is_scheme(&e.phrase) {
                        let name = self.named(&e.phrase, &e.note);
                        self.out.push(Address { name, address: String::new() });
                        in_group = true;
                    }
                    e = Element::default();
                    rest = r;
                }
                b'[' => {
                    // A domain literal, or a sign like any other.
                    let near = part(rest, 0..MAX_LITERAL);
                    let end = memchr::memchr(b']', near).map_or(1, |n| n.saturating_add(1));
                    let literal = !part(rest, 0..end).iter().any(|b| matches!(b, b',' | b';' | b'<' | b'"'));
                    let end = if literal { end } else { 1 };
                    e.word(part(rest, 0..end), gap && !e.joins(b'['));
                    rest = from(rest, end);
                }
                b'>' => rest = r,
                // A no-break blank in UTF-8 parts words like any other.
                0xc2 if r.starts_with(&[0xa0]) && self.is_utf8(text) => {
                    gap = true;
                    rest = from(r, 1);
                    continue;
                }
                _ => {
                    let end =
                        r.iter().position(|b| ends_atom(*b)).map_or(rest.len(), |n| n.saturating_add(1));
                    // An encoded word may hold what would end an atom.
                    let encoded = if rest.starts_with(b"=?") { encoded_end(rest) } else { 0 };
                    let end = if encoded > 0 { encoded } else { end };
                    let atom = part(rest, 0..end);
                    // An address that follows an encoded word without a blank is a word of its own; a host is not.
                    let parts =
                        e.phrase.ends_with(b"?=") && memchr::memchr(b'@', atom).is_some_and(|at| at > 0);
                    e.word(atom, (gap || parts) && !e.joins(*b));
                    rest = from(rest, end);
                }
            }
            gap = false;
            if self.out.len() >= MAX_ADDRESSES {
                self.tell(AnomalyKind::HeaderOverLimit);
                return;
            }
        }
        self.finish(&mut e);
    }

    /// A quoted string at the start of `rest`: words of the phrase, or a quoted local part when `@` follows. A quote
    /// that opens nothing is passed over, as far as the name that it stands before.
    fn quoted<'a>(&mut self, rest: &'a [u8], gap: bool, e: &mut Element) -> &'a [u8] {
        let end = closing(rest, !self.stray);
        let closed = end < rest.len();
        let mut inner = part(rest, 1..end);
        let mut after = from(rest, end.saturating_add(1));
        if !closed || opens_nothing(inner, after, !gap && !e.phrase.is_empty()) {
            self.tell(AnomalyKind::AddressForm);
            self.stray = true;
            let Some(at) = memchr::memchr(b'<', inner) else {
                return from(rest, 1);
            };
            inner = part(inner, 0..at);
            if !e.phrase.is_empty() || memchr::memchr2(b'@', b'"', inner).is_some() {
                return from(rest, 1);
            }
            after = from(rest, at.saturating_add(1));
            inner = trim(inner);
            if inner.is_empty() {
                return after;
            }
        }
        if gap && !e.phrase.is_empty() {
            e.phrase.push(b' ');
            e.written.push(b' ');
        }
        e.quoted = true;
        e.written.push(b'"');
        e.written.extend_from_slice(inner);
        e.written.push(b'"');
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
            let odd = words::decode_into(bytes, &mut out, &mut |b, o| *eight |= raw(b, context, o));
            self.odd.any |= odd.any;
            self.odd.unknown |= odd.unknown;
        }
        let trimmed = out.trim();
        if trimmed.len() == out.len() { out } else { trimmed.to_owned() }
    }

    /// Turns what was gathered into an address, if anything was.
    fn finish(&mut self, e: &mut Element) {
        if e.is_empty() {
            *e = Element::default();
            return;
        }
        let mut made = Address::default();
        // A bracket that opens before a comma opens nothing: the address before it stands alone.
        if e.is_spec()
            && let Some(inside) = e.angle.take_if(|a| a.starts_with(b",") || a.starts_with(b";"))
        {
            self.finish(e);
            e.angle = Some(inside);
        }
        if let Some(inside) = e.angle.take().filter(|a| !a.is_empty()) {
            made.name = self.named(&e.phrase, &e.note);
            made.address = self.text_of_spec(&inside);
            if !self.extra.is_empty() {
                let gap = if made.name.is_empty() { "" } else { " " };
                made.name = format!("{}{gap}{}", made.name, std::mem::take(&mut self.extra));
            }
        } else if let Some(address) = clean::written_at(&e.phrase).filter(|_| !e.is_spec()) {
            made.address = address;
            made.name = self.text(&e.note);
            self.tell(AnomalyKind::AddressWrittenAt);
        } else {
            self.only_addresses(e);
            match bare_spec(&e.written, &e.phrase, e.quoted) {
                Some((address, name)) => {
                    if !name.is_empty() {
                        self.tell(AnomalyKind::AddressForm);
                    }
                    made.address = self.text_of_spec(&address);
                    made.name = self.named(&name, &e.note);
                }
                None => made.name = self.named(&e.phrase, &e.note),
            }
        }
        if !made.address.contains('@') && made.name.contains('@') {
            let name = format!("{} {}", made.address, made.name);
            if self.inside(name.trim(), &e.phrase) {
                *e = Element::default();
                return;
            }
        }
        // Words behind a mailbox and its comma that never came are more of its name.
        if e.goes_on
            && !made.address.contains('@')
            && let Some(last) = self.out.last_mut()
        {
            let words = if made.name.is_empty() { &made.address } else { &made.name };
            if !last.name.is_empty() && !words.is_empty() {
                last.name.push(' ');
            }
            last.name.push_str(words);
            self.tell(AnomalyKind::AddressForm);
            *e = Element::default();
            return;
        }
        if deceives(&made) {
            self.tell(AnomalyKind::AddressInDisplayName);
        }
        // `<>` is the null path of a bounce, and no address.
        if !made.name.is_empty() || !made.address.is_empty() {
            self.out.push(made);
        }
        *e = Element::default();
    }

    /// Reads a name that holds addresses where the mailbox has none as a list of its own; answers whether there were
    /// any.
    fn inside(&mut self, name: &str, phrase: &[u8]) -> bool {
        if self.nested >= MAX_NESTED {
            return false;
        }
        let mut list =
            List { context: self.context, nested: self.nested.saturating_add(1), ..List::default() };
        list.read(name.as_bytes());
        list.out.retain(|a| !a.name.is_empty() || a.address.contains('@'));
        if !list.out.iter().any(|a| clean::is_address(&a.address)) {
            list.out = clean::found(name)
                .into_iter()
                .map(|address| Address { name: String::new(), address })
                .collect();
            // Where one stands among other words, these are its name.
            if let [one] = list.out.as_mut_slice() {
                name.clone_into(&mut one.name);
            }
        }
        if list.out.is_empty() {
            return false;
        }
        let encoded = memchr::memmem::find(phrase, b"=?").is_some();
        self.tell(if encoded { AnomalyKind::AddressInEncodedWord } else { AnomalyKind::AddressForm });
        self.out.append(&mut list.out);
        true
    }

    /// Takes addresses out of the text that the grammar lost on the way: fewer `@` came out than went in.
    fn rescue(&mut self, flat: &[u8]) {
        let count = |text: &[u8]| memchr::memchr_iter(b'@', text).count();
        let kept = |a: &Address| count(a.name.as_bytes()).saturating_add(count(a.address.as_bytes()));
        let there: usize = self.out.iter().map(kept).sum();
        if count(flat) <= there || self.out.len() >= MAX_ADDRESSES {
            return;
        }
        let text = self.text(flat);
        let found = clean::found(&text);
        // Sets, since a field may hold a hundred thousand of either.
        let in_names = self.out.iter().filter(|a| a.name.contains('@')).flat_map(|a| clean::found(&a.name));
        let mut known: HashSet<String> = in_names.map(|address| address.to_lowercase()).collect();
        known.extend(self.out.iter().map(|a| a.address.to_lowercase()));
        for address in found {
            if self.out.len() >= MAX_ADDRESSES {
                self.tell(AnomalyKind::HeaderOverLimit);
                return;
            }
            if known.insert(address.to_lowercase()) {
                self.out.push(Address { name: String::new(), address });
                self.tell(AnomalyKind::AddressForm);
            }
        }
    }

    /// `a@x b@y`: of several words that are addresses, all but the last are taken out as mailboxes of their own.
    fn only_addresses(&mut self, e: &mut Element) {
        let shaped = |w: &[u8]| {
            let at = memchr::memchr(b'@', w);
            at.is_some() && at == memchr::memrchr(b'@', w) && !w.starts_with(b"@") && !w.ends_with(b"@")
        };
        if e.quoted || !e.phrase.contains(&b' ') {
            return;
        }
        let many = e.phrase.split(|b| *b == b' ').filter(|w| shaped(w)).count();
        if many < 2 {
            return;
        }
        let phrase = std::mem::take(&mut e.phrase);
        let mut left = many;
        let mut kept: Vec<&[u8]> = Vec::new();
        for word in phrase.split(|b| *b == b' ') {
            if self.out.len() >= MAX_ADDRESSES {
                self.tell(AnomalyKind::HeaderOverLimit);
                break;
            }
            if shaped(word) && left > 1 {
                left = left.saturating_sub(1);
                let address = self.text_of_spec(word);
                self.out.push(Address { name: String::new(), address });
            } else {
                kept.push(word);
            }
        }
        e.phrase = kept.join(&b' ');
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

    /// An address as text: bytes over 127 as UTF-8 (RFC 6531), else as the message reads them; what stands around it is
    /// taken off.
    fn text_of_spec(&mut self, bytes: &[u8]) -> String {
        if clean::is_plain(bytes) {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        if let Some(address) = clean::written_at(bytes) {
            self.tell(AnomalyKind::AddressWrittenAt);
            return address;
        }
        let mut out = String::new();
        if memchr::memmem::find(bytes, b"=?").is_some() {
            out = self.text(bytes);
            if out.as_bytes() != bytes {
                self.tell(AnomalyKind::AddressInEncodedWord);
            }
        } else {
            self.eight |= raw(bytes, self.context, &mut out);
        }
        let wide = out.len();
        out = clean::narrow(out);
        if out.len() != wide {
            self.tell(AnomalyKind::AddressForm);
        }
        // Blanks inside `<..>` do not count (RFC 5322 section 4.4), but may part words too.
        let joined = clean::without_blanks(&out);
        let address = clean::address(&joined);
        let whole = |word: &str| {
            let word = clean::address(word);
            clean::is_address(&word) && word.rsplit('@').next().is_some_and(|domain| domain.contains('.'))
        };
        let parted = joined.len() < out.len() && out.split_whitespace().any(whole);
        if address.contains('@') && (parted || !clean::is_address(&address)) {
            let mut found = clean::found(&out);
            if let Some(last) = found.pop() {
                self.tell(AnomalyKind::AddressForm);
                self.out.extend(found.into_iter().map(|address| Address { name: String::new(), address }));
                let words: Vec<&str> = out.split_whitespace().filter(|word| !word.contains('@')).collect();
                self.extra = words.join(" ");
                return last;
            }
        }
        if address != *joined {
            self.tell(AnomalyKind::AddressForm);
        }
        address.into_owned()
    }
}

mod clean;
mod element;
mod scan;
#[cfg(test)]
mod tests;
