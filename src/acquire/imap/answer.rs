//! What a server says, one answer at a time: which kind it is, and what status lines tell (RFC 9051 section 7).

use super::scan::{Literal, Scan, Text, decimal};

/// One answer: its lines as one text, in which [`super::scan::LITERAL`] marks where a literal stood.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: Vec<u8>,
    pub(super) literals: Vec<Literal>,
}

impl Answer {
    /// Empties it, so that it can be used again.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.literals.clear();
    }
}

/// Word of a status answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// A status answer (RFC 9051 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Its word.
    pub(super) word: Word,
    /// Name of the response code, in upper case; empty when there is none.
    pub(super) code: Vec<u8>,
    /// What follows the name inside the brackets.
    pub(super) argument: Vec<u8>,
    /// What is said to people.
    pub(super) text: Vec<u8>,
}

impl Status {
    /// Reads what follows the tag; `None` when it is no status.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
        let word = match text.get(..end)?.to_ascii_uppercase().as_slice() {
            b"OK" => Word::Ok,
            b"NO" => Word::No,
            b"BAD" => Word::Bad,
            b"BYE" => Word::Bye,
            b"PREAUTH" => Word::Preauth,
            _ => return None,
        };
        let rest = text.get(end..).unwrap_or_default().trim_ascii_start();
        let (mut code, mut argument, mut said) = (Vec::new(), Vec::new(), rest);
        if let Some(inner) = rest.strip_prefix(b"[")
            && let Some(close) = closing(inner)
        {
            let inside = inner.get(..close).unwrap_or_default();
            let name = inside.iter().position(|&b| b == b' ').unwrap_or(inside.len());
            code = inside.get(..name).unwrap_or_default().to_ascii_uppercase();
            argument = inside.get(name..).unwrap_or_default().trim_ascii_start().to_vec();
            said = inner.get(close.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
        }
        Some(Self { word, code, argument, text: said.to_vec() })
    }

    /// Whether the command was done.
    pub(super) fn is_ok(&self) -> bool {
        self.word == Word::Ok
    }

    /// Whether it has this code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.code == code.as_bytes()
    }

    /// The number that is the code's argument.
    pub(super) fn number(&self) -> Option<u64> {
        decimal(&self.argument)
    }

    /// Whether trying again later may help (RFC 5530 section 3, and words that large providers use).
    pub(super) fn is_passing(&self) -> bool {
        /// Of Yahoo and Microsoft; of Gmail, while a connection that broke still counts there; of Exchange.
        const WORDS: [&str; 3] = ["throttl", "too many simultaneous", "authenticated but not connected"];
        let text = self.text.to_ascii_lowercase();
        matches!(self.code.as_slice(), b"UNAVAILABLE" | b"INUSE" | b"LIMIT" | b"THROTTLED" | b"OVERQUOTA")
            || WORDS.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
    }

    /// Code and text, made safe to show.
    pub(super) fn said(&self) -> String {
        let code = String::from_utf8_lossy(&self.code);
        let text = String::from_utf8_lossy(self.text.get(..1000).unwrap_or(&self.text));
        let all = if code.is_empty() { text.into_owned() } else { format!("[{code}] {text}") };
        crate::types::text::shown(&all)
    }
}

/// Where the bracket closes that was opened before `inner`; quoted strings may hold brackets (BADCHARSET,
/// PERMANENTFLAGS no).
fn closing(inner: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, &byte) in inner.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    // A quote that is never closed: the first bracket will do.
    inner.iter().position(|&b| b == b']')
}

/// Which kind an answer is.
#[derive(Debug)]
pub(super) enum Kind {
    /// `+`, with what follows.
    Continue(Vec<u8>),
    /// A command is done, by its tag.
    Tagged(Vec<u8>, Status),
    /// An untagged status.
    Status(Status),
    /// `* n NAME`: EXISTS, RECENT, EXPUNGE, FETCH.
    Numbered(u64, Vec<u8>),
    /// `* NAME ..`, in upper case.
    Data(Vec<u8>),
    /// Something else.
    Other,
}

impl Kind {
    /// Of an answer's text.
    pub(super) fn of(text: &[u8]) -> Self {
        if let Some(rest) = text.strip_prefix(b"+") {
            return Self::Continue(rest.strip_prefix(b" ").unwrap_or(rest).to_vec());
        }
        let Some(rest) = text.strip_prefix(b"* ") else {
            let end = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
            let tag = text.get(..end).unwrap_or_default();
            let rest = text.get(end.saturating_add(1)..).unwrap_or_default();
            return match Status::read(rest) {
                Some(status) if !tag.is_empty() && tag != b"*" => Self::Tagged(tag.to_vec(), status),
                _ => Self::Other,
            };
        };
        if rest.first().is_some_and(u8::is_ascii_digit) {
            let mut scan = Scan::of(rest);
            return match scan.number() {
                Some(number) => {
                    scan.blanks();
                    Self::Numbered(number, scan.atom().to_ascii_uppercase())
                }
                None => Self::Other,
            };
        }
        if let Some(status) = Status::read(rest) {
            return Self::Status(status);
        }
        let name = Scan::of(rest).atom().to_ascii_uppercase();
        if name.is_empty() { Self::Other } else { Self::Data(name) }
    }
}

/// Whether an answer that begins so can hold literals: words for people cannot, whatever they end in.
pub(super) fn may_hold_literals(line: &[u8]) -> bool {
    line.strip_prefix(b"* ").is_some_and(|rest| Status::read(rest).is_none())
}

/// One line of LIST or LSUB (RFC 9051 section 7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListLine {
    pub(super) attributes: Vec<Vec<u8>>,
    pub(super) delimiter: Option<u8>,
    pub(super) name: Vec<u8>,
}

impl ListLine {
    /// Reads `* LIST (..) "/" name`; `None` when it cannot be read.
    pub(super) fn read(answer: &mut Answer) -> Option<Self> {
        let mut scan = after_name(answer)?;
        let mut attributes = scan.list()?;
        attributes.sort_unstable();
        attributes.dedup();
        scan.blanks();
        let delimiter = match scan.string()? {
            Text::Bytes(bytes) => bytes.first().copied(),
            Text::Nil | Text::Elsewhere(_) => None,
        };
        scan.blanks();
        let name = match scan.string()? {
            Text::Bytes(bytes) => bytes,
            // A folder may be called nil.
            Text::Nil => b"NIL".to_vec(),
            Text::Elsewhere(_) => return None,
        };
        Some(Self { attributes, delimiter, name })
    }
}

/// What STATUS tells (RFC 9051 section 7.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) name: Vec<u8>,
    pub(super) messages: Option<u64>,
    pub(super) uid_next: Option<u64>,
    pub(super) uid_validity: Option<u64>,
    pub(super) unseen: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) mailbox_id: Option<Vec<u8>>,
}

impl StatusLine {
    /// Reads `* STATUS name (..)`.
    pub(super) fn read(answer: &mut Answer) -> Option<Self> {
        let mut scan = after_name(answer)?;
        let mut out = Self { name: scan.bytes()?, ..Self::default() };
        scan.blanks();
        if !scan.is(b'(') {
            return None;
        }
        loop {
            scan.blanks();
            let item = scan.atom().to_ascii_uppercase();
            if item.is_empty() {
                return Some(out);
            }
            scan.blanks();
            match item.as_slice() {
                b"MESSAGES" => out.messages = scan.number(),
                b"UIDNEXT" => out.uid_next = scan.number(),
                b"UIDVALIDITY" => out.uid_validity = scan.number(),
                b"UNSEEN" => out.unseen = scan.number(),
                b"SIZE" => out.size = scan.number(),
                b"MAILBOXID" => out.mailbox_id = scan.list().and_then(|l| l.into_iter().next()),
                _ => scan.pass(),
            }
        }
    }
}

/// Past `* NAME `.
pub(super) fn after_name(answer: &mut Answer) -> Option<Scan<'_>> {
    let mut scan = Scan::new(answer);
    if !scan.is(b'*') {
        return None;
    }
    scan.blanks();
    scan.atom();
    scan.blanks();
    Some(scan)
}

/// UIDs of SEARCH or ESEARCH (RFC 9051 sections 7.3.4, 7.3.5, RFC 4731), no more than `most`.
pub(super) fn found(answer: &mut Answer, most: usize) -> Vec<u64> {
    let Some(scan) = after_name(answer) else { return Vec::new() };
    let mut out = Vec::new();
    let mut words = scan.rest().split(|&b| b == b' ').filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"ALL") {
            for range in words.next().unwrap_or_default().split(|&b| b == b',') {
                let mut ends = range.splitn(2, |&b| b == b':').filter_map(decimal);
                if let Some(first) = ends.next() {
                    let last = ends.next().unwrap_or(first);
                    let room = most.saturating_sub(out.len());
                    out.extend((first.min(last)..=first.max(last)).take(room));
                }
            }
        } else if let Some(number) = decimal(word)
            && out.len() < most
        {
            out.push(number);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        Answer { text: text.as_bytes().to_vec(), literals: Vec::new() }
    }

    #[test]
    fn a_status_has_word_code_argument_and_text() {
        let status = Status::read(b"OK [UIDVALIDITY 17] fine").unwrap();
        assert_eq!(
            (status.word, status.number(), status.text.as_slice()),
            (Word::Ok, Some(17), &b"fine"[..])
        );
        assert!(status.has("UIDVALIDITY"));
        let status = Status::read(b"no [read-only]").unwrap();
        assert!(status.has("READ-ONLY") && status.word == Word::No);
        let status = Status::read(b"OK [PERMANENTFLAGS (\\Seen \\*)] x").unwrap();
        assert_eq!(status.argument, b"(\\Seen \\*)");
        assert!(Status::read(b"OKAY").is_none());
        assert!(Status::read(b"").is_none());
        assert_eq!(Status::read(b"OK [never closed").unwrap().text, b"[never closed");
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(matches!(Kind::of(b"+ go"), Kind::Continue(t) if t == b"go"));
        assert!(matches!(Kind::of(b"A1 OK done"), Kind::Tagged(t, _) if t == b"A1"));
        assert!(matches!(Kind::of(b"* 3 EXISTS"), Kind::Numbered(3, n) if n == b"EXISTS"));
        assert!(matches!(Kind::of(b"* BYE x"), Kind::Status(s) if s.word == Word::Bye));
        assert!(matches!(Kind::of(b"* LIST () \"/\" x"), Kind::Data(n) if n == b"LIST"));
        assert!(matches!(Kind::of(b"garbage"), Kind::Other));
        assert!(matches!(Kind::of(b""), Kind::Other));
        assert!(matches!(Kind::of(b"* 99999999999999999999999 EXISTS"), Kind::Other));
    }

    #[test]
    fn words_for_people_hold_no_literal() {
        assert!(!may_hold_literals(b"* OK see {5}"));
        assert!(!may_hold_literals(b"A1 NO see {5}"));
        assert!(may_hold_literals(b"* LIST () NIL {5}"));
    }

    #[test]
    fn list_lines_are_read() {
        let line = ListLine::read(&mut answer("* LIST (\\Sent \\HasNoChildren) \"/\" \"a \\\"b\"")).unwrap();
        assert_eq!(line.name, b"a \"b");
        assert_eq!(line.delimiter, Some(b'/'));
        assert_eq!(line.attributes, vec![b"\\HasNoChildren".to_vec(), b"\\Sent".to_vec()]);
        assert_eq!(ListLine::read(&mut answer("* LSUB () NIL INBOX")).unwrap().delimiter, None);
        assert!(ListLine::read(&mut answer("* LIST")).is_none());
    }

    #[test]
    fn status_lines_are_read() {
        let text =
            "* STATUS \"a b\" (MESSAGES 3 UIDNEXT 9 X (1 2) UNSEEN 1 UIDVALIDITY 5 MAILBOXID (F1) SIZE 99)";
        let line = StatusLine::read(&mut answer(text)).unwrap();
        assert_eq!(
            (line.messages, line.uid_next, line.unseen, line.size),
            (Some(3), Some(9), Some(1), Some(99))
        );
        assert_eq!((line.uid_validity, line.mailbox_id), (Some(5), Some(b"F1".to_vec())));
    }

    #[test]
    fn searches_are_read_in_both_forms() {
        assert_eq!(found(&mut answer("* SEARCH 2 84 882"), 9), [2, 84, 882]);
        assert_eq!(found(&mut answer("* ESEARCH (TAG \"A2\") UID ALL 2,10:12"), 9), [2, 10, 11, 12]);
        assert_eq!(found(&mut answer("* ESEARCH UID ALL 1:18446744073709551615"), 3), [1, 2, 3]);
        assert!(found(&mut answer("* SEARCH"), 9).is_empty());
    }
}
