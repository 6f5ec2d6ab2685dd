//! Tag lists: `name=value; name=value` (RFC 6376 section 3.2).

use crate::parse::bytes::{part, trim};
use crate::types::ByteRange;

/// Most tags that are read of one list.
pub const MAX_TAGS: usize = 256;

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name; case counts.
    pub name: &'a [u8],
    /// Its value without blanks and folds at its ends.
    pub value: &'a [u8],
    /// All between `=` and the next `;` or the end, blanks included: what is deleted of `b=` before it is hashed.
    pub whole_at: ByteRange,
}

/// Why a list is not in the form of the standard, so that nothing signed with it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// Two semicolons without a tag between them.
    Empty,
    /// A tag without `=`.
    NoValue,
    /// A name that is no letter followed by letters, digits and `_`.
    Name,
    /// A name stands twice.
    Repeated,
    /// A value holds control characters or bytes over 126.
    Value,
    /// More tags than are read.
    TooMany,
}

impl ListFault {
    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty-tag",
            Self::NoValue => "tag-without-value",
            Self::Name => "tag-name-invalid",
            Self::Repeated => "tag-repeated",
            Self::Value => "tag-value-invalid",
            Self::TooMany => "too-many-tags",
        }
    }
}

/// A tag list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagList<'a> {
    /// The tags in the order they stand; of a repeated name all.
    pub tags: Vec<Tag<'a>>,
    /// The first fault, when there is one.
    pub fault: Option<ListFault>,
}

impl<'a> TagList<'a> {
    /// Reads a list; `at` is where `text` stands in the message.
    pub fn read(text: &'a [u8], at: u64) -> Self {
        let mut list = Self::default();
        let mut start = 0;
        loop {
            let end = memchr::memchr(b';', text.get(start..).unwrap_or_default())
                .map_or(text.len(), |n| start.saturating_add(n));
            let is_last = end >= text.len();
            list.spec(part(text, start..end), start, at, is_last);
            if is_last {
                return list;
            }
            start = end.saturating_add(1);
        }
    }

    fn fail(&mut self, fault: ListFault) {
        self.fault = self.fault.or(Some(fault));
    }

    fn spec(&mut self, spec: &'a [u8], start: usize, at: u64, is_last: bool) {
        if trim(spec).is_empty() {
            // One semicolon may end the list.
            if !is_last || self.tags.is_empty() {
                self.fail(ListFault::Empty);
            }
            return;
        }
        let Some(equals) = memchr::memchr(b'=', spec) else { return self.fail(ListFault::NoValue) };
        if self.tags.len() >= MAX_TAGS {
            return self.fail(ListFault::TooMany);
        }
        let name = trim(part(spec, 0..equals));
        let from = equals.saturating_add(1);
        let value = part(spec, from..spec.len());
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        if !name.first().is_some_and(u8::is_ascii_alphabetic) || !name.iter().all(is_word) {
            self.fail(ListFault::Name);
        }
        if !value.iter().all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n')) {
            self.fail(ListFault::Value);
        }
        if self.get(name).is_some() {
            self.fail(ListFault::Repeated);
        }
        let place = |n: usize| start.saturating_add(n);
        self.tags.push(Tag {
            name,
            value: trim(value),
            whole_at: ByteRange::of_usize(place(from), place(spec.len())).shifted(at),
        });
    }

    /// The first tag of this name.
    pub fn tag(&self, name: &[u8]) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// The value of the first tag of this name.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.tag(name).map(|tag| tag.value)
    }

    /// The same in lower case and without any blank, for names and numbers that may be folded.
    pub fn plain(&self, name: &[u8]) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(&squeezed(value)).to_ascii_lowercase())
    }
}

/// Bytes without any blank or fold: base64 and lists of names may be broken anywhere.
pub(super) fn squeezed(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<ListFault> {
        TagList::read(text.as_bytes(), 0).fault
    }

    #[test]
    fn the_form_of_a_list_is_that_of_the_standard() {
        assert_eq!(fault(" v=1; a=b ;\r\n\tc = d e ; "), None);
        assert_eq!(fault("v=1;;a=b"), Some(ListFault::Empty));
        assert_eq!(fault("v=1; a"), Some(ListFault::NoValue));
        assert_eq!(fault("v=1; _=;"), Some(ListFault::Name));
        assert_eq!(fault("v=1; ==;"), Some(ListFault::Name));
        assert_eq!(fault("v=1; v=2"), Some(ListFault::Repeated));
        assert_eq!(fault("v=1; V=2"), None);
        assert_eq!(fault("v=\u{e9}"), Some(ListFault::Value));
        assert_eq!(fault(""), Some(ListFault::Empty));
    }

    #[test]
    fn a_tag_knows_where_its_value_stands() {
        let text = b" a=1; b= x\r\n y ; c=";
        let list = TagList::read(text, 100);
        let tag = list.tag(b"b").unwrap();
        assert_eq!((tag.value, tag.whole_at), (&b"x\r\n y"[..], ByteRange::new(108, 115).unwrap()));
        assert_eq!(list.get(b"c"), Some(&b""[..]));
    }
}
