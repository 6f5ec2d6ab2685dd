//! Text around a match, with the part of the message that it stands in.

use super::fields::FieldKind;
use super::parser::{Form, Node, Op, Term, parse};
use super::{Language, QueryError};
use crate::facts::{ItemFacts, ItemText, Role, TextRole, Zone};
use crate::index::schema::Words;
use crate::index::{Asked, asked, place};

/// Some text of one place in a message that holds a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Where it stands: `subject`, `body`, `hidden text`, `header`, `attachment name`, `text of attachment 2`, `from`
    /// ..
    pub part: String,
    /// The text: blanks and line ends are one blank, `…` stands where it was cut. Not made safe for a terminal.
    pub text: String,
}

/// Characters shown before and after a match.
const BEFORE: usize = 40;
const AFTER: usize = 120;

/// The words of a query that can be shown where they stand.
#[derive(Debug)]
pub struct Seeker {
    wanted: Vec<Wanted>,
}

#[derive(Debug)]
struct Wanted {
    /// Where to look; everywhere when `None`.
    fields: Option<&'static [Words]>,
    /// Whose names and addresses to look at; all when `None`.
    roles: Option<&'static [Role]>,
    words: Vec<Asked>,
    open: bool,
}

impl Wanted {
    fn is_in(&self, field: Words) -> bool {
        self.fields.map_or(self.roles.is_none(), |fields| fields.contains(&field))
    }

    fn is_of(&self, role: Role) -> bool {
        self.roles.map_or(self.fields.is_none(), |roles| roles.contains(&role))
    }
}

impl Seeker {
    /// For a query. Conditions that are no words (dates, hops, digests ..) and what stands behind NOT have no place.
    ///
    /// # Errors
    /// What is wrong with the query.
    pub fn new(query: &str, language: Language) -> Result<Self, QueryError> {
        let mut wanted = Vec::new();
        gather(&parse(query, language)?.node, true, &mut wanted);
        Ok(Self { wanted })
    }

    /// The first match in the body, else in hidden text, names of attachments, other header fields, the subject,
    /// names and addresses. `None` when no word of the query stands in any.
    pub fn find(&self, facts: &ItemFacts, text: &ItemText) -> Option<Snippet> {
        if self.wanted.is_empty() {
            return None;
        }
        let stretches = |zone: Zone, field: Words| {
            let mut all = text.stretches.iter().enumerate().filter(move |(_, (z, _))| *z == zone);
            all.find_map(|(n, (_, range))| {
                let here = text.text.get(range.clone()).unwrap_or_default();
                Some((self.around(here, |w| w.is_in(field))?, n))
            })
        };
        if let Some((found, n)) = stretches(Zone::Body, Words::Body) {
            let part = text.part_of(n).filter(|p| p.role == TextRole::File);
            let part = part.map_or("body".to_owned(), |p| format!("text of attachment part {}", p.path));
            return Some(Snippet { part, text: found });
        }
        let simple = |part: &str, text: String| Snippet { part: part.to_owned(), text };
        if let Some((found, _)) = stretches(Zone::Hidden, Words::Body) {
            return Some(simple("hidden text", found));
        }
        let mut names = facts.attachments.iter().map(|a| a.name.as_str());
        if let Some(found) = names.find_map(|n| self.around(n, |w| w.is_in(Words::Name))) {
            return Some(simple("attachment name", found));
        }
        if let Some(found) = self.header(text) {
            return Some(simple("header", found));
        }
        let subject = facts.subject.as_ref().map(|s| s.text.as_str()).unwrap_or_default();
        if let Some(found) = self.around(subject, |w| w.is_in(Words::Subject)) {
            return Some(simple("subject", found));
        }
        facts.addresses.iter().find_map(|fact| {
            let texts = [&fact.mailbox.address, &fact.mailbox.name];
            let found = texts.into_iter().find_map(|t| self.around(t, |w| w.is_of(fact.role)))?;
            Some(simple(fact.role.word(), found))
        })
    }

    /// Header text is one field a line; words that run from one field into the next have no snippet.
    fn header(&self, text: &ItemText) -> Option<String> {
        let headers = text.stretches.iter().filter(|(zone, _)| *zone == Zone::Header);
        let mut lines =
            headers.flat_map(|(_, range)| text.text.get(range.clone()).unwrap_or_default().lines());
        lines.find_map(|line| self.around(line, |w| w.is_in(Words::Header)))
    }

    /// The text around the first match of those conditions that look here.
    fn around(&self, text: &str, looks: impl Fn(&Wanted) -> bool) -> Option<String> {
        let places = self.wanted.iter().filter(|w| looks(w)).filter_map(|w| place(text, &w.words, w.open));
        let at = places.min_by_key(|at| at.start)?;
        let (head, rest) = text.split_at_checked(at.start)?;
        let (hit, tail) = rest.split_at_checked(at.end.saturating_sub(at.start))?;
        let mut from = head.char_indices().rev().take(BEFORE).last().map_or(head.len(), |(n, _)| n);
        let cut_before = from > 0;
        if cut_before && let Some(blank) = head.get(from..).and_then(|h| h.find(char::is_whitespace)) {
            from += blank;
        }
        let to = tail.char_indices().nth(AFTER).map_or(tail.len(), |(n, _)| n);
        let mut out = String::from(if cut_before { "…" } else { "" });
        let pieces = [head.get(from..), Some(hit), tail.get(..to)].map(Option::unwrap_or_default);
        out.push_str(&pieces.concat().split_whitespace().collect::<Vec<_>>().join(" "));
        if to < tail.len() {
            out.push('…');
        }
        Some(out)
    }
}

fn gather(node: &Node, holds: bool, out: &mut Vec<Wanted>) {
    match &node.op {
        Op::And(parts) | Op::Or(parts) => parts.iter().for_each(|part| gather(part, holds, out)),
        Op::Xor(a, b) | Op::Near { left: a, right: b, .. } => {
            gather(a, holds, out);
            gather(b, holds, out);
        }
        Op::Not(inner) => gather(inner, !holds, out),
        Op::Term(term) if holds => wanted(term, out),
        Op::All | Op::Hops(..) | Op::Term(_) => {}
    }
}

/// What of a condition can be shown where it stands: its words, in all their spellings. Patterns have no place here.
fn wanted(term: &Term, out: &mut Vec<Wanted>) {
    let (fields, roles) = match term.field.kind {
        FieldKind::Text | FieldKind::Any | FieldKind::Exact => (None, None),
        FieldKind::Words(fields) => (Some(fields), None),
        FieldKind::Header | FieldKind::List => (Some(&[Words::Header][..]), None),
        FieldKind::People(roles) => (None, Some(roles)),
        _ => return,
    };
    let (text, open) = term.value.strip_suffix('*').map_or((term.value.as_str(), false), |t| (t, true));
    let mut texts = vec![text.to_owned()];
    match term.form {
        Form::Plain | Form::Quoted if term.language == Language::Two => {
            texts.extend(super::words::variants(text, term.quoted()));
        }
        Form::Loose(_) => texts = text.split_whitespace().map(str::to_owned).collect(),
        Form::Regex | Form::Fuzzy(_) | Form::Joined => return,
        Form::Plain | Form::Quoted => {}
    }
    for text in texts.iter().filter(|text| !text.contains('*')) {
        let words = asked(text);
        if !words.is_empty() {
            out.push(Wanted { fields, roles, words, open });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::derive::{Scratch, derive};

    const MAIL: &str = "From: Ann Smith <ann@example.org>\nTo: bob@other.example\nSubject: Invoice for May\n\
        Date: Thu, 20 Nov 2025 08:15:04 +0000\nX-Note: paid twice\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=us-ascii\n\n\
        Dear Greta,\nhave you reached the port?\n--b\nContent-Type: text/plain; name=plan.txt\n\n\
        the crane is blue\n--b\nContent-Type: text/html\n\n<p>seen<p style=\"display:none\">unseen words</p>\n--b--\n";

    #[track_caller]
    fn check(query: &str, want: Option<(&str, &str)>) {
        let seeker = Seeker::new(query, Language::Two).unwrap();
        let mut found = None;
        derive(MAIL.as_bytes(), &mut Scratch::default(), &mut |seen| {
            found = seeker.find(&seen.facts, seen.text);
        });
        let want = want.map(|(part, text)| Snippet { part: part.to_owned(), text: text.to_owned() });
        assert_eq!(found, want, "{query}");
    }

    #[test]
    fn a_snippet_stands_in_one_place_and_holds_a_match() {
        check("invoice", Some(("subject", "Invoice for May")));
        check("greta", Some(("body", "Dear Greta, have you reached the port?")));
        check("crane", Some(("text of attachment part 2", "the crane is blue")));
        check("unseen", Some(("hidden text", "unseen words")));
        check("plan.txt", Some(("attachment name", "plan.txt")));
        check("twice", Some(("header", "X-Note: paid twice")));
        check("smith", Some(("from", "Ann Smith")));
        check("to:other.example", Some(("to", "bob@other.example")));
        check("subject:may greta", Some(("body", "Dear Greta, have you reached the port?")));
        check("body:invoice OR subject:invoice", Some(("subject", "Invoice for May")));
    }

    #[test]
    fn what_is_no_word_has_no_snippet() {
        for query in ["", "*", "date:2025", "NOT nothing", "port plain", "size:>1"] {
            let want = (query == "port plain").then_some(("body", "Dear Greta, have you reached the port?"));
            check(query, want);
        }
        check("\"port content\"", None);
        check("from:bob", None);
    }

    #[test]
    fn a_long_text_is_cut_around_the_match() {
        let seeker = Seeker::new("needle", Language::Two).unwrap();
        let text = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let got = seeker.around(&text, |_| true).unwrap();
        assert!(got.starts_with("…hay hay") && got.contains(" needle straw") && got.ends_with('…'), "{got}");
        assert!(got.chars().count() < BEFORE + AFTER + 20);
    }
}
