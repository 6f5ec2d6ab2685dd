//! What servers wrote down of their own checks: Authentication-Results (RFC 8601), its ARC form, Received-SPF (RFC
//! 7208).

mod lex;
mod spf;
#[cfg(test)]
mod tests;

pub use lex::Word;
pub use spf::{ReceivedSpf, received_spf};

use crate::parse::bytes::{from, part};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};

use lex::Scan;

/// Longest field that is read, in bytes; honest ones have some hundreds.
pub const MAX_FIELD: usize = 64 << 10;
/// Most results that are read of one field; honest ones have under twenty.
pub const MAX_RESULTS: usize = 256;
/// Most properties that are read of one field.
pub const MAX_PROPERTIES: usize = 2048;

/// An Authentication-Results field, or one of its dialects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthResults {
    /// `i=` of an ARC-Authentication-Results field, when it is a number from 1 to 50 (RFC 8617 section 4.2.1).
    pub instance: Option<u32>,
    /// Who says so: the authserv-id. `None` when the field begins with a result, as Exchange writes it.
    pub server: Option<Word>,
    /// The version behind the server's name.
    pub version: Option<u64>,
    /// The field says `none`: no check was made.
    pub is_none: bool,
    /// What was checked, in the order written.
    pub results: Vec<MethodResult>,
    /// Names that stand alone between results: Exchange writes the recipient's domain there.
    pub names: Vec<Word>,
    /// Comments before the first result.
    pub comments: Vec<Word>,
}

/// One result: `method=result`, and what it is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodResult {
    /// The method, as written.
    pub method: Word,
    /// Version of the method.
    pub version: Option<u64>,
    /// The result, as written; words outside the standard such as `bestguesspass` stay what they are.
    pub result: Word,
    /// `reason=`.
    pub reason: Option<Word>,
    /// What the result is about.
    pub properties: Vec<Property>,
    /// Comments inside the result.
    pub comments: Vec<Word>,
    /// From the method to the end of the last property.
    pub at: ByteRange,
}

impl MethodResult {
    /// The value of a property, by type and name in any case; the first one counts.
    pub fn property(&self, kind: &str, name: &str) -> Option<&Word> {
        let is = |p: &&Property| p.kind.as_ref().is_some_and(|k| k.is(kind)) && p.name.is(name);
        self.properties.iter().find(is).map(|p| &p.value)
    }
}

/// `ptype.property=value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Property {
    /// `smtp`, `header`, `body`, `policy`; `None` for `action=` and others without a type.
    pub kind: Option<Word>,
    /// The property, as written.
    pub name: Word,
    /// Its value.
    pub value: Word,
}

/// Reads an Authentication-Results field; `at` is where `value` stands in the message.
///
/// # Anomalies
/// [`AnomalyKind::AuthresNameless`], [`AnomalyKind::AuthresInvalid`], [`AnomalyKind::AuthresOverLimit`].
pub fn results(value: &[u8], at: u64) -> Parsed<AuthResults> {
    read(value, at, false)
}

/// Reads an ARC-Authentication-Results field, which begins with `i=` (RFC 8617 section 4.1.1).
///
/// # Anomalies
/// Those of [`results`].
pub fn arc_results(value: &[u8], at: u64) -> Parsed<AuthResults> {
    read(value, at, true)
}

fn read(value: &[u8], at: u64, is_arc: bool) -> Parsed<AuthResults> {
    let mut out = Reader { properties: 0, pending: Vec::new(), ..Reader::default() };
    let whole = ByteRange::of_usize(0, value.len()).shifted(at);
    if value.len() > MAX_FIELD {
        out.tell(AnomalyKind::AuthresOverLimit, whole);
    }
    let mut scan = Scan::new(part(value, 0..MAX_FIELD), at);
    scan.blanks();
    if is_arc {
        out.instance(&mut scan);
    }
    out.head(&mut scan, whole);
    while !scan.is_end() {
        out.segment(&mut scan);
        if !scan.eat(b';') && !scan.is_end() {
            scan.bump();
        }
    }
    if scan.broken {
        out.tell(AnomalyKind::AuthresInvalid, whole);
    }
    Parsed { value: out.value, anomalies: out.anomalies }
}

#[derive(Default)]
struct Reader {
    value: AuthResults,
    anomalies: Vec<Anomaly>,
    properties: usize,
    // `from=` before the result that it belongs to, as Yahoo wrote it.
    pending: Vec<Property>,
}

impl Reader {
    /// Tells an anomaly once for each field.
    fn tell(&mut self, kind: AnomalyKind, at: ByteRange) {
        if self.anomalies.iter().all(|a| a.kind != kind) {
            self.anomalies.push(Anomaly::at(kind, at));
        }
    }

    fn instance(&mut self, scan: &mut Scan<'_>) {
        let start = scan.here();
        let is_instance = scan.is_pair() && scan.name().is("i");
        if !is_instance {
            self.tell(AnomalyKind::AuthresInvalid, scan.range(start, scan.here()));
            scan.eat(b';');
            return;
        }
        scan.eat(b'=');
        scan.blanks();
        self.value.instance = instance(&scan.word(b"").text);
        if self.value.instance.is_none() {
            self.tell(AnomalyKind::AuthresInvalid, scan.range(start, scan.here()));
        }
        scan.skip_to_semicolon();
        scan.eat(b';');
        scan.blanks();
    }

    /// The server's name and version, when the field begins with them.
    fn head(&mut self, scan: &mut Scan<'_>, whole: ByteRange) {
        scan.blanks();
        if scan.is_end() || scan.peek() == b';' || scan.is_pair() {
            self.tell(AnomalyKind::AuthresNameless, whole);
            return;
        }
        let name = scan.word(b"");
        if name.text.is_empty() {
            scan.bump();
        }
        let lone = name.is("none");
        scan.blanks();
        if lone {
            self.value.is_none = true;
            self.tell(AnomalyKind::AuthresNameless, whole);
        } else {
            self.value.server = Some(name);
        }
        if !scan.is_end() && scan.peek().is_ascii_digit() && !scan.is_pair() {
            self.value.version = number(&scan.word(b"").text);
            scan.blanks();
        }
        self.value.comments = std::mem::take(&mut scan.comments);
        if !scan.is_end() && !scan.eat(b';') {
            // The semicolon behind the name is missing.
            self.tell(AnomalyKind::AuthresInvalid, scan.range(scan.here(), scan.here().saturating_add(1)));
        }
    }

    /// What stands between two semicolons: a result, `none`, or a lone name.
    fn segment(&mut self, scan: &mut Scan<'_>) {
        scan.blanks();
        if scan.is_end() || scan.peek() == b';' {
            return;
        }
        if !scan.is_pair() {
            let word = scan.word(b"");
            let at = word.at;
            if word.text.is_empty() {
                scan.bump();
            } else if word.is("none") && self.value.results.is_empty() {
                self.value.is_none = true;
            } else if self.value.names.len() < MAX_RESULTS {
                self.value.names.push(word);
            }
            scan.blanks();
            if !scan.is_end() && scan.peek() != b';' {
                self.tell(AnomalyKind::AuthresInvalid, at);
                if scan.is_pair() {
                    self.segment(scan);
                } else {
                    scan.skip_to_semicolon();
                }
            }
            return;
        }
        if self.value.results.len() >= MAX_RESULTS {
            self.tell(AnomalyKind::AuthresOverLimit, scan.range(scan.here(), scan.here()));
            scan.skip_to_semicolon();
            return;
        }
        self.result(scan);
    }

    fn result(&mut self, scan: &mut Scan<'_>) {
        let start = scan.here();
        scan.comments.clear();
        let mut method = scan.name();
        let mut version = None;
        if let Some(slash) = memchr::memchr(b'/', &method.text) {
            version = number(from(&method.text, slash.saturating_add(1)));
            if version.is_some() {
                method.text.truncate(slash);
            }
        }
        scan.eat(b'=');
        scan.blanks();
        let result = scan.word(b"");
        if method.is("from") {
            self.pending.push(Property { kind: None, name: method, value: result });
            return;
        }
        let mut end = scan.here();
        let mut out = MethodResult { method, version, result, ..MethodResult::default() };
        out.properties.append(&mut self.pending);
        loop {
            scan.blanks();
            if scan.is_end() || scan.peek() == b';' {
                break;
            }
            let from_here = scan.here();
            if !scan.is_pair() {
                scan.word(b"");
                if scan.here() == from_here {
                    scan.bump();
                }
                self.tell(AnomalyKind::AuthresInvalid, scan.range(from_here, scan.here()));
                continue;
            }
            let name = scan.name();
            scan.eat(b'=');
            scan.blanks();
            let value = scan.word(b"");
            end = scan.here();
            self.properties = self.properties.saturating_add(1);
            if self.properties > MAX_PROPERTIES {
                self.tell(AnomalyKind::AuthresOverLimit, name.at);
            } else if name.is("reason") && out.reason.is_none() {
                out.reason = Some(value);
            } else {
                out.properties.push(property(name, value));
            }
        }
        out.comments = std::mem::take(&mut scan.comments);
        out.at = scan.range(start, end);
        self.value.results.push(out);
    }
}

/// Splits `ptype.property` at its first dot.
fn property(name: Word, value: Word) -> Property {
    let Some(dot) = memchr::memchr(b'.', &name.text) else { return Property { kind: None, name, value } };
    let start = name.at.start();
    let middle = start.saturating_add(dot as u64);
    // With blanks around the dot both get the place of the whole.
    let is_plain = name.at.len() == name.text.len() as u64;
    let range = |a, b| ByteRange::new(a, b).filter(|_| is_plain).unwrap_or(name.at);
    let kind = Word { text: part(&name.text, 0..dot).to_vec(), at: range(start, middle) };
    let after = middle.saturating_add(1);
    let rest = from(&name.text, dot.saturating_add(1)).to_vec();
    Property { kind: Some(kind), name: Word { text: rest, at: range(after, name.at.end()) }, value }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// An ARC instance: one or two digits, 1 to 50 (RFC 8617 section 4.2.1).
pub(crate) fn instance(text: &[u8]) -> Option<u32> {
    let number = number(text).filter(|_| text.len() <= 2)?;
    u32::try_from(number).ok().filter(|n| (1..=50).contains(n))
}
