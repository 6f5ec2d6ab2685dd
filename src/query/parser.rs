//! Tokens to a tree. OR binds weaker than AND, NOT binds strongest; two terms side by side mean AND.

use super::fields::{Field, FieldKind, default_field, field, hop_field, nearest};
use super::lexer::{Token, What, tokens};
use super::{QueryError, QueryProblem as P};

/// A question.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Everything.
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Term(Term),
    /// Conditions that hold for one hop: any, or the one at a place (0 the newest, -1 the oldest). All terms below are of hops.
    Hops(Option<i32>, Box<Node>),
}

/// One condition.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) field: &'static Field,
    pub(super) value: String,
    /// Whether it stood in quotes: then nothing in it has a meaning of its own but a last `*`.
    pub(super) quoted: bool,
    /// Column of the value.
    pub(super) at: usize,
}

/// Deepest nesting of parentheses and NOTs; the tree is walked by recursion.
const MAX_DEPTH: usize = 100;

pub(super) fn parse(text: &str) -> Result<Node, QueryError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Node::All);
    }
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        end: text.chars().count() + 1,
        depth: 0,
        of_hop: false,
    };
    let node = parser.either(default_field())?;
    match parser.tokens.next() {
        None => Ok(node),
        Some(token) => Err(QueryError { column: token.at, problem: P::CloseWithoutOpen }),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    end: usize,
    depth: usize,
    /// Whether what is read stands in a group of one hop.
    of_hop: bool,
}

impl Parser {
    fn next_is(&mut self, what: &What) -> bool {
        self.tokens.peek().is_some_and(|t| t.what == *what)
    }

    fn either(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let mut parts = vec![self.all(field)?];
        while self.next_is(&What::Or) {
            self.tokens.next();
            parts.push(self.all(field)?);
        }
        Ok(one(parts, Node::Or))
    }

    fn all(&mut self, field: &'static Field) -> Result<Node, QueryError> {
        let mut parts = vec![self.single(field)?];
        loop {
            match self.tokens.peek().map(|t| &t.what) {
                None | Some(What::Close | What::CloseHop | What::Or) => return Ok(one(parts, Node::And)),
                Some(What::And) => {
                    self.tokens.next();
                }
                Some(_) => {}
            }
            parts.push(self.single(field)?);
        }
    }

    fn single(&mut self, of: &'static Field) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let column = self.tokens.peek().map_or(self.end, |t| t.at);
            return Err(QueryError { column, problem: P::TooDeep });
        }
        let node = self.primary(of);
        self.depth -= 1;
        node
    }

    fn primary(&mut self, of: &'static Field) -> Result<Node, QueryError> {
        let missing = QueryError { column: self.end, problem: P::TermMissing };
        let Some(token) = self.tokens.next() else { return Err(missing) };
        let at = token.at;
        match token.what {
            What::Open => {
                let node = self.either(of)?;
                match self.tokens.next() {
                    Some(Token { what: What::Close, .. }) => Ok(node),
                    _ => Err(QueryError { column: at, problem: P::OpenWithoutClose }),
                }
            }
            What::Not => Ok(Node::Not(Box::new(self.single(of)?))),
            What::Word(value) if value == "*" && of.kind == FieldKind::Text => Ok(Node::All),
            What::Word(value) => Ok(Node::Term(Term { field: of, value, quoted: false, at })),
            What::Quoted(value) => Ok(Node::Term(Term { field: of, value, quoted: true, at })),
            What::Field(name) if name.contains('[') => self.placed(&name, at),
            What::Field(name) if self.of_hop => {
                let Some(found) = hop_field(&name) else {
                    return Err(QueryError { column: at, problem: P::NotOfHop { name } });
                };
                self.value(found, at)
            }
            What::Field(name) => {
                let Some(found) = field(&name) else {
                    return Err(QueryError {
                        column: at,
                        problem: P::FieldUnknown { nearest: nearest(&name), name },
                    });
                };
                self.value(found, at)
            }
            What::OpenHop(name) => {
                let (place, _) = self.place(&name, at)?;
                let any = hop_field("hop").unwrap_or(default_field());
                self.of_hop = true;
                let node = self.either(any);
                self.of_hop = false;
                let node = node?;
                match self.tokens.next() {
                    Some(Token { what: What::CloseHop, .. }) => Ok(Node::Hops(place, Box::new(node))),
                    Some(Token { what: What::Close, at }) => {
                        Err(QueryError { column: at, problem: P::CloseWithoutOpen })
                    }
                    _ => Err(QueryError { column: at, problem: P::BraceOpen }),
                }
            }
            What::Close => Err(QueryError { column: at, problem: P::CloseWithoutOpen }),
            What::CloseHop | What::And | What::Or => Err(QueryError { column: at, problem: P::TermMissing }),
        }
    }
}

impl Parser {
    /// What stands behind a field's colon.
    fn value(&mut self, found: &'static Field, at: usize) -> Result<Node, QueryError> {
        match self.tokens.peek().map(|t| &t.what) {
            Some(What::Open | What::Word(_) | What::Quoted(_)) => self.single(found),
            _ => Err(QueryError { column: at, problem: P::ValueMissing { field: found.name } }),
        }
    }

    /// The place in `hop[0].by`, and what stands behind it.
    fn place<'a>(&self, name: &'a str, at: usize) -> Result<(Option<i32>, &'a str), QueryError> {
        if self.of_hop {
            return Err(QueryError { column: at, problem: P::HopInHop });
        }
        let Some((_, rest)) = name.split_once('[') else { return Ok((None, "")) };
        let (place, rest) = rest.split_once(']').unwrap_or((rest, ""));
        match place.parse() {
            Ok(place) => Ok((Some(place), rest.trim_start_matches('.'))),
            Err(_) => Err(QueryError { column: at, problem: P::Place }),
        }
    }

    /// `hop[0].by:x`.
    fn placed(&mut self, name: &str, at: usize) -> Result<Node, QueryError> {
        let (place, rest) = self.place(name, at)?;
        let Some(found) = hop_field(if rest.is_empty() { "hop" } else { rest }) else {
            return Err(QueryError { column: at, problem: P::NotOfHop { name: rest.to_owned() } });
        };
        self.of_hop = true;
        let node = self.value(found, at);
        self.of_hop = false;
        Ok(Node::Hops(place, Box::new(node?)))
    }
}

fn one(mut parts: Vec<Node>, join: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match parts.len() {
        1 => parts.pop().unwrap_or(Node::All),
        _ => join(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let list = |parts: &[Node], sign: &str| parts.iter().map(shown).collect::<Vec<_>>().join(sign);
        match node {
            Node::All => "*".to_owned(),
            Node::And(parts) => format!("({})", list(parts, " & ")),
            Node::Or(parts) => format!("({})", list(parts, " | ")),
            Node::Not(inner) => format!("!{}", shown(inner)),
            Node::Term(t) => format!("{}={}", t.field.name, t.value),
            Node::Hops(place, inner) => {
                format!("hop{}<{}>", place.map(|p| p.to_string()).unwrap_or_default(), shown(inner))
            }
        }
    }

    #[test]
    fn the_tree_follows_the_usual_binding() {
        let check = |text: &str, want: &str| assert_eq!(shown(&parse(text).unwrap()), want, "{text}");
        check("", "*");
        check("a b OR c", "((text=a & text=b) | text=c)");
        check("a AND NOT (b OR -c)", "(text=a & !(text=b | !text=c))");
        check("from:(x OR y) z", "((from=x | from=y) & text=z)");
        check("TO:x", "to=x");
        check("*", "*");
        check("* a", "(* & text=a)");
        check("all", "text=all");
        check("\"*\"", "text=*");
        check("hop{by:x ip:y} a", "(hop<(hop.by=x & hop.ip=y)> & text=a)");
        check("hop[-1]{x OR -hop.with:(y z)}", "hop-1<(hop=x | !(hop.with=y & hop.with=z))>");
        check("hop[0].by:(x OR y) hop[2]:z", "(hop0<(hop.by=x | hop.by=y)> & hop2<hop=z>)");
        check("NOT hop{time:2024 delay:>1h}", "!hop<(hop.time=2024 & hopdelay=>1h)>");
        check("and or not", "(text=and & text=or & text=not)");
    }

    #[test]
    fn a_mistake_is_told_with_its_column() {
        let check = |text: &str, column: usize, words: &str| {
            let error = parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.to_string().contains(words), "{text}: {error}");
        };
        check("a form:b", 3, "from");
        check("a AND", 6, "missing");
        check("(a", 1, "not closed");
        check("a)", 2, "closed");
        check("from:", 1, "from");
        check("OR a", 1, "missing");
        check("hop{}", 5, "missing");
        check("x hop{by:a", 3, "brace");
        check("hop{by:a hop{by:b}}", 10, "inside");
        check("hop{subject:a}", 5, "subject");
        check("hop[x]{by:a}", 1, "number");
        check("hop[0].subject:a", 1, "subject");
        check("hop{(by:a}", 5, "not closed");
        check("hop{by:a)}", 9, "closed");
        check(&"(".repeat(5000), 101, "deep");
        check(&"-".repeat(5000), 101, "deep");
    }
}
