//! Tokens to a tree, each node with its place. OR binds weakest, then XOR, AND, NEAR; NOT binds strongest; two terms
//! side by side mean AND.

use super::fields::{Field, FieldKind, any_field, default_field, field, hop_field, nearest, not_here};
use super::place::Place;
use super::problem::QueryError;
use super::token::{Token, What};
pub(super) use super::tree::{Form, Node, Op, Parsed, Term};
use super::{Language, QueryProblem as P, lexer, old_lexer};

/// Most words, fields and signs of a query: each word is looked up in all fields. A list of words is for `--terms`.
const MOST_TOKENS: usize = 100_000;

/// Deepest nesting of parentheses and NOTs, longest chain of NEAR or XOR; the tree is walked by recursion.
const MAX_DEPTH: usize = 100;

pub(super) fn parse(text: &str, language: Language) -> Result<Parsed, QueryError> {
    read(text, language).map_err(|error| error.of(text))
}

fn read(text: &str, language: Language) -> Result<Parsed, QueryError> {
    let (tokens, notes) = match language {
        Language::One => (old_lexer::tokens(text)?, Vec::new()),
        Language::Two => {
            let lexed = lexer::tokens(text)?;
            (lexed.tokens, lexed.notes)
        }
    };
    let end = text.chars().count();
    let whole = Place::new(0, end);
    if tokens.len() > MOST_TOKENS {
        let at = tokens.get(MOST_TOKENS).map_or(whole, |token| token.at);
        return Err(QueryError::at(at, P::TooManyTerms(MOST_TOKENS)));
    }
    if let (true, Some((at, _))) = (tokens.is_empty(), notes.first()) {
        // What is left out must not leave everything.
        return Err(QueryError::at(*at, P::NoWord));
    }
    if tokens.is_empty() {
        return Ok(Parsed { node: Node { op: Op::All, at: whole }, notes });
    }
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        last: Place::default(),
        end: Place::new(end, end + 1),
        depth: 0,
        of_hop: false,
        language,
        notes,
    };
    let bare = if language == Language::One { any_field() } else { default_field() };
    let node = parser.either(bare)?;
    match parser.tokens.next() {
        None => Ok(Parsed { node, notes: parser.notes }),
        Some(token) => Err(QueryError::at(token.at, P::CloseWithoutOpen)),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// Place of the token that was read last.
    last: Place,
    end: Place,
    depth: usize,
    /// Whether what is read stands in a group of one hop.
    of_hop: bool,
    language: Language,
    notes: Vec<(Place, String)>,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.next();
        if let Some(token) = &token {
            self.last = token.at;
        }
        token
    }

    fn next_is(&mut self, what: &What) -> bool {
        self.tokens.peek().is_some_and(|t| t.what == *what)
    }

    fn place(&mut self) -> Place {
        self.tokens.peek().map_or(self.end, |t| t.at)
    }

    fn either(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let from = self.place();
        let mut parts = vec![self.one_of_two(field)?];
        while self.next_is(&What::Or) {
            self.next();
            parts.push(self.one_of_two(field)?);
        }
        Ok(self.one(from, parts, Op::Or))
    }

    fn one_of_two(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let from = self.place();
        let mut left = self.all(field)?;
        let mut links = 0;
        while self.next_is(&What::Xor) {
            self.link(&mut links)?;
            self.next();
            let right = self.all(field)?;
            left = Node { op: Op::Xor(Box::new(left), Box::new(right)), at: from.until(self.last) };
        }
        Ok(left)
    }

    fn all(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let from = self.place();
        let mut parts = vec![self.near(field)?];
        loop {
            match self.tokens.peek().map(|t| &t.what) {
                None | Some(What::Close | What::CloseHop | What::CloseAny | What::Or | What::Xor) => {
                    let parts = self.digits_together(parts);
                    return Ok(self.one(from, parts, Op::And));
                }
                Some(What::And) => {
                    self.next();
                }
                Some(_) => {}
            }
            parts.push(self.near(field)?);
        }
    }

    fn near(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let from = self.place();
        let mut left = self.single(field)?;
        let mut links = 0;
        while let Some(What::Near(distance, ordered, written)) = self.tokens.peek().map(|t| t.what.clone()) {
            self.link(&mut links)?;
            self.next();
            let right = Box::new(self.single(field)?);
            let op = Op::Near { left: Box::new(left), right, distance, ordered, written };
            left = Node { op, at: from.until(self.last) };
        }
        Ok(left)
    }

    fn single(&mut self, of: &'static Field) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.place();
            return Err(QueryError::at(Place::new(at.from, at.from + 1), P::TooDeep));
        }
        let node = self.primary(of);
        self.depth -= 1;
        node
    }

    fn primary(&mut self, of: &'static Field) -> Result<Node, QueryError> {
        let Some(token) = self.next() else { return Err(QueryError::at(self.end, P::TermMissing)) };
        let at = token.at;
        let wrong = |problem: P| Err(QueryError::at(at, problem));
        let side = |operator: &str| wrong(P::SideMissing { operator: operator.to_owned() });
        match token.what {
            What::Open => {
                let node = self.either(of)?;
                match self.next() {
                    Some(Token { what: What::Close, .. }) => {
                        Ok(Node { op: node.op, at: at.until(self.last) })
                    }
                    _ => wrong(P::OpenWithoutClose),
                }
            }
            What::OpenAny => {
                let mut parts = vec![self.near(of)?];
                while !self.next_is(&What::CloseAny) {
                    if self.tokens.peek().is_none() {
                        return wrong(P::BraceOpen);
                    }
                    if self.next_is(&What::Or) {
                        self.next();
                    }
                    parts.push(self.near(of)?);
                }
                self.next();
                Ok(self.one(at, parts, Op::Or))
            }
            What::Not => {
                let inner = Box::new(self.single(of)?);
                Ok(Node { op: Op::Not(inner), at: at.until(self.last) })
            }
            What::Word(value) if value == "*" && is_words(of) => Ok(match of.kind {
                FieldKind::Text | FieldKind::Any => Node { op: Op::All, at },
                _ => self.term(of, None, value, Form::Plain, at),
            }),
            What::Word(value) => self.value_of(of, None, value, at),
            What::Quoted(value) => Ok(self.term(of, None, value, Form::Quoted, at)),
            What::Loose(value, slack) => Ok(self.term(of, None, value, Form::Loose(slack), at)),
            What::Regex(value) => Ok(self.term(of, None, value, Form::Regex, at)),
            What::Field(name) if name.contains('[') => self.placed(&name, at),
            What::Field(name) if self.of_hop => match hop_field(&name) {
                Some(found) => self.value(found, None, at),
                None => wrong(P::NotOfHop { name }),
            },
            What::Field(name) => {
                let (name, header) = match name.split_once(':') {
                    Some((name, header)) => (name.to_owned(), Some(header.to_owned())),
                    None => (name, None),
                };
                match field(&name) {
                    Some(found) => self.value(found, header, at),
                    None => match not_here(&name) {
                        Some(why) => wrong(P::NotInCase(why)),
                        None => wrong(P::FieldUnknown { nearest: nearest(&name), name }),
                    },
                }
            }
            What::OpenHop(name) => {
                let (place, _) = self.place_of(&name, at)?;
                let any = hop_field("hop").unwrap_or(default_field());
                self.of_hop = true;
                let node = self.either(any);
                self.of_hop = false;
                let node = node?;
                match self.next() {
                    Some(Token { what: What::CloseHop, .. }) => {
                        Ok(Node { op: Op::Hops(place, Box::new(node)), at: at.until(self.last) })
                    }
                    Some(Token { what: What::Close, at }) => Err(QueryError::at(at, P::CloseWithoutOpen)),
                    _ => wrong(P::BraceOpen),
                }
            }
            What::Close => wrong(P::CloseWithoutOpen),
            What::CloseHop | What::CloseAny => wrong(P::TermMissing),
            What::And => side("AND"),
            What::Or => side("OR"),
            What::Xor => side("XOR"),
            What::Near(_, _, written) => side(&written),
        }
    }

    /// One more link of a chain that is walked by recursion.
    fn link(&mut self, links: &mut usize) -> Result<(), QueryError> {
        *links += 1;
        if *links > MAX_DEPTH {
            let at = self.place();
            return Err(QueryError::at(Place::new(at.from, at.from + 1), P::TooDeep));
        }
        Ok(())
    }

    fn term(&self, of: &'static Field, header: Option<String>, value: String, form: Form, at: Place) -> Node {
        Node { op: Op::Term(Term { field: of, header, value, form, at, language: self.language }), at }
    }

    /// A value as it stands, for what it is by its form.
    fn value_of(
        &mut self,
        of: &'static Field,
        header: Option<String>,
        value: String,
        at: Place,
    ) -> Result<Node, QueryError> {
        if self.language == Language::Two && of.kind == FieldKind::Between {
            return self.between(&value, at);
        }
        if self.language == Language::Two && is_words(of) {
            if let Some((word, letters)) = value.rsplit_once('~')
                && word.chars().any(char::is_alphanumeric)
                && letters.bytes().all(|b| b.is_ascii_digit())
                && !value.contains("://")
            {
                let instead = "how many letters may differ, as in invoice~1 or invoice~2".to_owned();
                let what = "`~` needs a number of letters, 1 or 2, behind a single word".to_owned();
                let is_one = !word.contains(|c: char| !c.is_alphanumeric());
                return match letters.parse() {
                    Ok(most @ 1..=2) if is_one => {
                        Ok(self.term(of, header, word.to_owned(), Form::Fuzzy(most), at))
                    }
                    _ => Err(QueryError::at(at, P::WriteInstead { what, instead })),
                };
            }
            let sign = value.chars().next().filter(|&c| c == '!' || super::signs::is_dash(c));
            let inner = sign.and_then(|sign| value.strip_prefix(sign));
            if let Some(inner) = inner.filter(|inner| inner.starts_with(char::is_alphanumeric)) {
                let what = "a sign of NOT stands before the field, not behind its colon".to_owned();
                let instead = format!("-{}:{inner}", of.name);
                return Err(QueryError::at(at, P::WriteInstead { what, instead }));
            }
            if value.starts_with('[') && value.contains(" TO ") {
                let what = format!("`{}:` holds words, which have no range", of.name);
                let instead =
                    "a pattern such as invoice*, or a range of a date, a size or a number".to_owned();
                return Err(QueryError::at(at, P::WriteInstead { what, instead }));
            }
        }
        Ok(self.term(of, header, value, Form::Plain, at))
    }

    /// `between:ann@example.org,bob@example.org`: from either to the other.
    fn between(&mut self, value: &str, at: Place) -> Result<Node, QueryError> {
        let sides = value.split_once(',').filter(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains(','));
        let (Some((a, b)), Some(sender), Some(recipient)) = (sides, field("sender"), field("recipient"))
        else {
            let wanted = "two people with a comma between them: ann@example.org,bob@example.org";
            return Err(QueryError::at(at, P::Value { field: "between", wanted }));
        };
        let way = |from: &str, to: &str| {
            let parts = vec![
                self.term(sender, None, from.to_owned(), Form::Plain, at),
                self.term(recipient, None, to.to_owned(), Form::Plain, at),
            ];
            Node { op: Op::And(parts), at }
        };
        Ok(Node { op: Op::Or(vec![way(a, b), way(b, a)]), at })
    }

    /// What stands behind a field's colon.
    fn value(
        &mut self,
        found: &'static Field,
        header: Option<String>,
        at: Place,
    ) -> Result<Node, QueryError> {
        match self.tokens.peek().map(|t| &t.what) {
            Some(What::Open) if header.is_none() => {
                let node = self.single(found)?;
                Ok(Node { op: node.op, at: at.until(self.last) })
            }
            Some(What::Word(_) | What::Quoted(_) | What::Loose(..) | What::Regex(_)) => {
                let Some(token) = self.next() else { return Err(QueryError::at(self.end, P::TermMissing)) };
                let (value, form) = match token.what {
                    What::Word(value) => {
                        let node = self.value_of(found, header, value, token.at)?;
                        return Ok(Node { op: node.op, at: at.until(self.last) });
                    }
                    What::Quoted(value) => (value, Form::Quoted),
                    What::Loose(value, slack) => (value, Form::Loose(slack)),
                    What::Regex(value) => (value, Form::Regex),
                    _ => return Err(QueryError::at(token.at, P::TermMissing)),
                };
                let node = self.term(found, header, value, form, token.at);
                Ok(Node { op: node.op, at: at.until(self.last) })
            }
            _ => Err(QueryError::at(at, P::ValueMissing { field: found.name })),
        }
    }

    /// The place in `hop[0].by`, and what stands behind it.
    fn place_of<'a>(&self, name: &'a str, at: Place) -> Result<(Option<i32>, &'a str), QueryError> {
        if self.of_hop {
            return Err(QueryError::at(at, P::HopInHop));
        }
        let Some((_, rest)) = name.split_once('[') else { return Ok((None, "")) };
        let (place, rest) = rest.split_once(']').unwrap_or((rest, ""));
        match place.parse() {
            Ok(place) => Ok((Some(place), rest.trim_start_matches('.'))),
            Err(_) => Err(QueryError::at(at, P::Place)),
        }
    }

    /// `hop[0].by:x`.
    fn placed(&mut self, name: &str, at: Place) -> Result<Node, QueryError> {
        let (place, rest) = self.place_of(name, at)?;
        let Some(found) = hop_field(if rest.is_empty() { "hop" } else { rest }) else {
            return Err(QueryError::at(at, P::NotOfHop { name: rest.to_owned() }));
        };
        self.of_hop = true;
        let node = self.value(found, None, at);
        self.of_hop = false;
        let node = node?;
        Ok(Node { at: node.at, op: Op::Hops(place, Box::new(node)) })
    }

    fn one(&self, from: Place, mut parts: Vec<Node>, join: impl FnOnce(Vec<Node>) -> Op) -> Node {
        let at = from.until(self.last);
        match parts.len() {
            1 => parts.pop().unwrap_or(Node { op: Op::All, at }),
            _ => Node { op: join(parts), at },
        }
    }

    /// Groups of digits side by side (an IBAN, a card, a telephone number) are also looked for without their blanks.
    fn digits_together(&mut self, parts: Vec<Node>) -> Vec<Node> {
        if self.language == Language::One || parts.len() < 2 {
            return parts;
        }
        let group = |node: &Node| match &node.op {
            Op::Term(term) if term.form == Form::Plain && is_words(term.field) && is_digits(&term.value) => {
                Some((term.field, term.value.clone()))
            }
            _ => None,
        };
        let mut out: Vec<Node> = Vec::with_capacity(parts.len());
        let mut parts = parts.into_iter().peekable();
        while let Some(node) = parts.next() {
            let Some((field, mut joined)) = group(&node) else {
                out.push(node);
                continue;
            };
            let mut run = vec![node];
            while let Some(next) = parts.peek() {
                match group(next) {
                    Some((of, text)) if std::ptr::eq(of, field) => joined.push_str(&text),
                    _ => break,
                }
                run.extend(parts.next());
            }
            let at = run.first().zip(run.last()).map_or(self.last, |(a, b)| a.at.until(b.at));
            let digits = joined.bytes().filter(u8::is_ascii_digit).count();
            if run.len() < 2 || digits < super::words::FEWEST_DIGITS {
                out.append(&mut run);
                continue;
            }
            let text: String = joined.chars().filter(char::is_ascii_alphanumeric).collect();
            self.notes.push((at, format!("groups of digits were also searched as one number, {text}")));
            let together = self.term(field, None, text, Form::Joined, at);
            out.push(Node { op: Op::Or(vec![Node { op: Op::And(run), at }, together]), at });
        }
        out
    }
}

/// A group of digits as numbers are written in groups: `0044`, `DE89`, `+49`, `(0)170`.
fn is_digits(text: &str) -> bool {
    let mut letters = 0;
    let fits = text.chars().all(|c| match c {
        '0'..='9' | '+' | '-' | '/' | '(' | ')' | '.' => true,
        'A'..='Z' | 'a'..='z' => {
            letters += 1;
            letters <= 4
        }
        _ => false,
    });
    fits && text.len() <= 40 && text.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a field holds words, so that its values can be patterns.
pub(super) fn is_words(field: &Field) -> bool {
    matches!(
        field.kind,
        FieldKind::Text
            | FieldKind::Any
            | FieldKind::Words(_)
            | FieldKind::People(_)
            | FieldKind::Header
            | FieldKind::Exact
    )
}

#[cfg(test)]
mod tests;
