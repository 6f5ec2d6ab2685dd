//! Reads the words of an answer (RFC 9051 section 9), and forgives what servers write that the grammar does not know.
//!
//! No recursion: nested lists are counted, not descended into. Every step moves on, so reading is linear.

use super::answer::Answer;

/// What a literal's place in the text is marked with; a line cannot hold it.
pub(super) const LITERAL: u8 = b'\n';

/// A literal that came with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Bytes that were handed on, or read and not kept; so many.
    Elsewhere(u64),
}

/// A place in an answer.
#[derive(Debug)]
pub(super) struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    literals: std::slice::IterMut<'t, Literal>,
}

/// A string as it came (`nstring` of the grammar).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// NIL.
    Nil,
    /// An atom, a quoted string or a literal.
    Bytes(Vec<u8>),
    /// A literal of which the bytes are elsewhere.
    Elsewhere(u64),
}

impl<'t> Scan<'t> {
    /// At the start of an answer.
    pub(super) fn new(answer: &'t mut Answer) -> Self {
        Self { text: &answer.text, at: 0, literals: answer.literals.iter_mut() }
    }

    /// At the start of some text without literals.
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0, literals: [].iter_mut() }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte, unread.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.text.len());
    }

    /// Reads `byte` if it is next.
    pub(super) fn is(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        if is {
            self.skip(1);
        }
        is
    }

    /// Reads blanks.
    pub(super) fn blanks(&mut self) {
        let n = self.rest().iter().take_while(|&&b| b == b' ').count();
        self.skip(n);
    }

    /// Reads up to a blank, parenthesis, quote or literal; may be empty.
    pub(super) fn atom(&mut self) -> &'t [u8] {
        let rest = self.rest();
        let n =
            rest.iter().take_while(|&&b| !matches!(b, b' ' | b'(' | b')' | b'"' | LITERAL | b'\r')).count();
        self.skip(n);
        rest.get(..n).unwrap_or_default()
    }

    /// Reads a decimal number; `None` reads nothing. Over 64 bits is no number.
    pub(super) fn number(&mut self) -> Option<u64> {
        let rest = self.rest();
        let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let value = decimal(rest.get(..n)?)?;
        self.skip(n);
        Some(value)
    }

    /// Reads the name of a FETCH item with its section: `BODY[HEADER.FIELDS (A B)]<0>`, `RFC822.SIZE`.
    pub(super) fn item(&mut self) -> &'t [u8] {
        let rest = self.rest();
        let mut is_in = false;
        let n = rest
            .iter()
            .take_while(|&&b| {
                match b {
                    b'[' => is_in = true,
                    b']' => is_in = false,
                    LITERAL | b'\r' => return false,
                    b' ' | b'(' | b')' | b'"' => return is_in,
                    _ => {}
                }
                true
            })
            .count();
        self.skip(n);
        rest.get(..n).unwrap_or_default()
    }

    /// Reads an atom, a quoted string, a literal or NIL; `None` where a list or nothing stands.
    pub(super) fn string(&mut self) -> Option<Text> {
        match self.peek()? {
            b'"' => Some(Text::Bytes(self.quoted())),
            b'(' | b')' => None,
            b'~' if self.text.get(self.at.saturating_add(1)) == Some(&b'{') => {
                self.skip(1);
                self.literal()
            }
            b'{' => self.literal(),
            _ => {
                let atom = self.atom();
                match atom {
                    [] => None,
                    nil if nil.eq_ignore_ascii_case(b"NIL") => Some(Text::Nil),
                    atom => Some(Text::Bytes(atom.to_vec())),
                }
            }
        }
    }

    /// Reads a string that must be there and whole.
    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.string()? {
            Text::Bytes(bytes) => Some(bytes),
            Text::Nil | Text::Elsewhere(_) => None,
        }
    }

    /// A literal, or an atom that starts like one.
    fn literal(&mut self) -> Option<Text> {
        let word = self.atom();
        if !self.is(LITERAL) {
            return Some(Text::Bytes(word.to_vec()));
        }
        match self.literals.next()? {
            Literal::Bytes(bytes) => Some(Text::Bytes(std::mem::take(bytes))),
            Literal::Elsewhere(n) => Some(Text::Elsewhere(*n)),
        }
    }

    /// A quoted string; one that is not closed ends with the text.
    fn quoted(&mut self) -> Vec<u8> {
        self.skip(1);
        let mut out = Vec::new();
        loop {
            let rest = self.rest();
            let n = rest.iter().take_while(|&&b| !matches!(b, b'"' | b'\\' | LITERAL)).count();
            out.extend_from_slice(rest.get(..n).unwrap_or_default());
            self.skip(n);
            match (self.peek(), self.text.get(self.at.saturating_add(1))) {
                (Some(b'\\'), Some(&escaped)) if escaped != LITERAL => {
                    if !matches!(escaped, b'"' | b'\\') {
                        out.push(b'\\');
                    }
                    out.push(escaped);
                    self.skip(2);
                }
                (Some(b'\\'), _) => {
                    out.push(b'\\');
                    self.skip(1);
                }
                (Some(b'"'), _) => {
                    self.skip(1);
                    return out;
                }
                _ => return out,
            }
        }
    }

    /// Passes over one value: a string, or a list with all that is in it.
    pub(super) fn pass(&mut self) {
        let mut depth = 0usize;
        loop {
            self.blanks();
            match self.peek() {
                None => return,
                Some(b'(') => {
                    depth = depth.saturating_add(1);
                    self.skip(1);
                }
                Some(b')') => {
                    if depth == 0 {
                        return;
                    }
                    depth = depth.saturating_sub(1);
                    self.skip(1);
                }
                Some(b'"') => drop(self.quoted()),
                Some(LITERAL) => {
                    self.skip(1);
                    self.literals.next();
                }
                Some(_) => {
                    if self.atom().is_empty() {
                        self.skip(1);
                    }
                    if self.peek() == Some(LITERAL) {
                        continue;
                    }
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Reads a list of strings, as written; nested lists are passed over. `None` where no list stands.
    pub(super) fn list(&mut self) -> Option<Vec<Vec<u8>>> {
        if !self.is(b'(') {
            return None;
        }
        let mut out = Vec::new();
        loop {
            self.blanks();
            if self.is(b')') || self.peek().is_none() {
                return Some(out);
            }
            match self.string() {
                Some(Text::Bytes(bytes)) => out.push(bytes),
                Some(Text::Nil) => out.push(b"NIL".to_vec()),
                Some(Text::Elsewhere(_)) => {}
                None if self.peek() == Some(b'(') => self.pass(),
                None => self.skip(1),
            }
        }
    }
}

/// A number of decimal digits; `None` when it is none or has over 64 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A number that no literal has as its length (RFC 9051 section 9, `number64`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoLength;

/// The octets of the literal that a line announces at its end: `{n}`, `{n+}`, `~{n}`. An `Err` is a number that no
/// literal has.
pub(super) fn announced(line: &[u8]) -> Option<Result<u64, NoLength>> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&b| b == b'{')?;
    let digits = inner.get(open.saturating_add(1)..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(decimal(digits).filter(|&n| n < 1 << 63).ok_or(NoLength))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(text: &[u8], literals: &[&[u8]]) -> Answer {
        let literals = literals.iter().map(|l| Literal::Bytes(l.to_vec())).collect();
        Answer { text: text.to_vec(), literals }
    }

    #[test]
    fn strings_come_in_four_forms() {
        let mut a = answer(b"atom \"q\\\"\\\\\\x\" {3}\n ~{2}\n NIL nil (x)", &[b"a\0\n", b"zz"]);
        let mut scan = Scan::new(&mut a);
        for expected in [&b"atom"[..], b"q\"\\\\x", b"a\0\n", b"zz"] {
            assert_eq!(scan.string(), Some(Text::Bytes(expected.to_vec())));
            scan.blanks();
        }
        assert_eq!(scan.string(), Some(Text::Nil));
        scan.blanks();
        assert_eq!(scan.string(), Some(Text::Nil));
        scan.blanks();
        assert_eq!(scan.string(), None);
        assert_eq!(scan.list(), Some(vec![b"x".to_vec()]));
    }

    #[test]
    fn values_that_nobody_asked_for_are_passed_over() {
        let mut a = answer(b"((a \"b)\" {3}\n) (((c)))) next", &[b"1)2"]);
        let mut scan = Scan::new(&mut a);
        scan.pass();
        scan.blanks();
        assert_eq!(scan.rest(), b"next");
    }

    #[test]
    fn lists_are_read_flat() {
        let list = |t: &[u8]| Scan::of(t).list();
        assert_eq!(list(b"(\\Seen $Junk [x] \"a b\")").unwrap().len(), 4);
        assert_eq!(list(b"()"), Some(vec![]));
        assert_eq!(list(b"(a (b c) d"), Some(vec![b"a".to_vec(), b"d".to_vec()]));
        assert_eq!(list(b"a"), None);
    }

    #[test]
    fn items_keep_their_sections() {
        assert_eq!(
            Scan::of(b"BODY[HEADER.FIELDS (A \"B\")]<0> x").item(),
            b"BODY[HEADER.FIELDS (A \"B\")]<0>"
        );
        assert_eq!(Scan::of(b"RFC822.SIZE 5").item(), b"RFC822.SIZE");
    }

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        assert_eq!(announced(b"* 1 FETCH (BODY[] {12}"), Some(Ok(12)));
        assert_eq!(announced(b"x ~{12+}"), Some(Ok(12)));
        assert_eq!(announced(b"{-1}"), None);
        assert_eq!(announced(b"{}"), None);
        assert_eq!(announced(b"{1x}"), None);
        assert_eq!(announced(b"{1} "), None);
        assert_eq!(announced(b"{9223372036854775807}"), Some(Ok((1 << 63) - 1)));
        assert_eq!(announced(b"{9223372036854775808}"), Some(Err(NoLength)));
        assert_eq!(announced(b"{99999999999999999999999}"), Some(Err(NoLength)));
    }

    #[test]
    fn a_hundred_thousand_parentheses_are_no_burden() {
        let deep = [vec![b'('; 100_000], vec![b')'; 100_000], b" x".to_vec()].concat();
        let mut scan = Scan::of(&deep);
        scan.pass();
        assert_eq!(scan.rest(), b" x");
        assert_eq!(Scan::of(&deep).list(), Some(vec![]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(text in "[ -~\\n\u{0}\u{ff}(){}\"\\\\]{0,200}", literals in 0usize..3) {
            let mut a = answer(text.as_bytes(), &vec![&b"l"[..]; literals]);
            let mut scan = Scan::new(&mut a);
            // Each round moves on or stops.
            for _ in 0..=text.len() {
                let before = scan.rest().len();
                scan.blanks();
                if scan.string().is_none() && scan.list().is_none() {
                    scan.pass();
                    scan.item();
                    scan.is(b')');
                }
                if scan.rest().len() == before {
                    break;
                }
            }
            let one: &[u8] = b"x";
            drop(crate::acquire::imap::fetch::Fetched::read(&mut answer(text.as_bytes(), &[one; 2])));
        }
    }
}
