//! Message ids: the message's own, those it answers, and the EDRM Message Identification Hash.

use md5::{Digest, Md5};

use super::{ItemFacts, TextFact};
use crate::parse::header::{Field, unfold};
use crate::parse::value::comment;
use crate::types::digest::hex;
use crate::types::{Anomaly, AnomalyKind};

/// Most ids of References and In-Reply-To that are kept.
const MAX_REFERENCES: usize = 10_000;

/// The Message-ID: its first `<..>` token outside comments (RFC 5322 section 3.6.4), unfolded; without one the value
/// without comments. And its hash.
pub(crate) fn message_id(field: &Field<'_>, facts: &mut ItemFacts) {
    let flat = unfold(field.value);
    let value = flat.trim_ascii();
    let token = id_token(value);
    let id = token.unwrap_or_else(|| without_comments(value));
    let valid = token.is_some_and(|t| is_alone(value, t))
        && id.contains(&b'@')
        && id.iter().all(u8::is_ascii_graphic);
    if !valid && !value.is_empty() {
        facts.anomalies.push(Anomaly::at(AnomalyKind::MessageIdInvalid, field.value_at));
    }
    facts.mih = mih(value).map(|hash| hex(&hash));
    facts.message_id_bytes = std::str::from_utf8(id).is_err().then(|| id.into());
    let text = String::from_utf8_lossy(id).into_owned();
    facts.message_id = Some(TextFact { text, at: field.value_at });
}

/// Whether only blanks and comments stand around a token of a value.
fn is_alone(value: &[u8], token: &[u8]) -> bool {
    let mut rest = value;
    let mut seen = false;
    loop {
        rest = match rest {
            [] => return seen,
            [b' ' | b'\t' | b'\r' | b'\n', r @ ..] => r,
            [b'(', ..] => comment_tail(rest),
            _ if !seen && rest.starts_with(token) => {
                seen = true;
                rest.get(token.len()..).unwrap_or_default()
            }
            _ => return false,
        };
    }
}

/// The EDRM Message Identification Hash 1.0 of a Message-ID, unfolded and trimmed; `None` when there is nothing to
/// hash.
pub fn mih(value: &[u8]) -> Option<[u8; 16]> {
    let hashed = id_token(value).unwrap_or_else(|| without_comments(value));
    (!hashed.is_empty()).then(|| Md5::digest(hashed).into())
}

/// The first `<..>` outside comments.
fn id_token(value: &[u8]) -> Option<&[u8]> {
    let mut rest = value;
    while let [b, r @ ..] = rest {
        rest = match b {
            b'(' => comment_tail(rest),
            b'<' => {
                let end = memchr::memchr(b'>', rest)?;
                return rest.get(..=end);
            }
            _ => r,
        };
    }
    None
}

fn comment_tail(text: &[u8]) -> &[u8] {
    comment(text)
}

/// A value without comments and blanks at its ends.
fn without_comments(value: &[u8]) -> &[u8] {
    let mut rest = value.trim_ascii();
    while rest.starts_with(b"(") {
        rest = comment_tail(rest).trim_ascii();
    }
    match memchr::memchr(b'(', rest) {
        Some(n) if rest.ends_with(b")") => rest.get(..n).unwrap_or(rest).trim_ascii(),
        _ => rest,
    }
}

/// Adds the ids of In-Reply-To or References, brackets kept, each once.
pub(crate) fn references(field: &Field<'_>, facts: &mut ItemFacts) {
    let flat = unfold(field.value);
    let mut rest: &[u8] = &flat;
    let alone = flat.trim_ascii();
    // One id and nothing else, its brackets forgotten.
    let bare =
        alone.contains(&b'@') && !alone.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'<' | b'>'));
    if bare && facts.references.len() < MAX_REFERENCES {
        facts.references.push(format!("<{}>", String::from_utf8_lossy(alone)));
    }
    while let Some(open) = memchr::memchr(b'<', rest) {
        rest = rest.get(open..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'>', rest) else { return };
        let (id, after) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
        rest = after;
        let mut id: Vec<u8> = id.to_vec();
        id.retain(|b| !b.is_ascii_whitespace());
        if facts.references.len() >= MAX_REFERENCES {
            return;
        }
        let id = String::from_utf8_lossy(&id).into_owned();
        // Long lists are compared with their end only: In-Reply-To repeats the last of References.
        if !facts.references.iter().rev().take(64).any(|r| *r == id) {
            facts.references.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::header;

    fn facts_of(value: &str) -> ItemFacts {
        let mut facts = ItemFacts::default();
        let text = format!("Message-ID: {value}\n\n");
        let header = header::read(text.as_bytes()).value;
        message_id(&header.fields[0], &mut facts);
        facts
    }

    #[test]
    fn the_hash_is_that_of_the_standards_vector() {
        let vector = "1de319c276884bd0c9e2f1621ada26cc";
        let id = "<CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com>";
        for value in [id.to_owned(), format!("\n {id}"), format!("{id} (comment)"), format!("(c) {id} x")] {
            assert_eq!(facts_of(&value).mih.as_deref(), Some(vector), "{value}");
        }
        assert!(facts_of(id).anomalies.is_empty());
    }

    #[test]
    fn a_comment_is_no_part_of_the_id_and_text_beside_it_is_told() {
        let id = |value: &str| {
            let facts = facts_of(value);
            (facts.message_id.unwrap().text, facts.anomalies.len())
        };
        for value in
            ["<c0@x.org> (added by postmaster@mx.example.net)", "(x) <c0@x.org>", "(<a@b>)\n <c0@x.org>"]
        {
            assert_eq!(id(value), ("<c0@x.org>".to_owned(), 0), "{value}");
        }
        for value in ["<c0@x.org> added by mx", "id <c0@x.org>", "<c0@x.org> <d@x.org>", "<c0@x.org>."] {
            assert_eq!(id(value), ("<c0@x.org>".to_owned(), 1), "{value}");
        }
        assert_eq!(id("c0@x.org (comment)"), ("c0@x.org".to_owned(), 1));
    }

    #[test]
    fn an_id_without_brackets_is_hashed_as_it_stands() {
        let facts = facts_of(" a@b ");
        assert_eq!(facts.mih, Some(hex(&Md5::digest(b"a@b"))));
        assert_eq!(facts.anomalies.len(), 1);
        assert_eq!(facts_of("").mih, None);
    }
}
