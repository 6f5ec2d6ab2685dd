//! One mailbox of a list while it is read.

use crate::parse::bytes::from;

/// What has been gathered of one mailbox.
#[derive(Default)]
pub(super) struct Element {
    /// The words before `<`, as written, quotes and escapes removed.
    pub(super) phrase: Vec<u8>,
    /// The phrase with its quotes: for a quoted local part.
    pub(super) written: Vec<u8>,
    /// Whether a part of the phrase stood in quotes.
    pub(super) quoted: bool,
    pub(super) note: Vec<u8>,
    pub(super) angle: Option<Vec<u8>>,
    /// Whether it follows a complete mailbox without a comma between.
    pub(super) goes_on: bool,
    /// Whether a word of the phrase has an `@` in it, so that nobody looks through the phrase again at each word.
    pub(super) has_at: bool,
}

impl Element {
    /// Whether an atom that begins with `next` goes on the one before over a blank: around `@` and `.` blanks do not
    /// count (RFC 5322 section 4.4), but an initial in a name ends in a dot too.
    pub(super) fn joins(&self, next: u8) -> bool {
        let before = &self.phrase;
        let dotted = || {
            // The last word, as far as an address reaches.
            let near = from(before, before.len().saturating_sub(320));
            let last = near.rsplit(|b| *b == b' ').next().unwrap_or_default();
            memchr::memchr(b'@', last).is_some() && (last.ends_with(b".") || next == b'.')
        };
        before.ends_with(b"@") || next == b'@' || self.has_at && dotted()
    }

    pub(super) fn word(&mut self, bytes: &[u8], gap: bool) {
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

    /// Whether a word of it outside quotes holds an `@`.
    pub(super) fn is_spec(&self) -> bool {
        !self.quoted && self.has_at
    }

    /// Whether a colon behind it makes it the name of a group.
    pub(super) fn begins_group(&self) -> bool {
        self.angle.is_none() && !self.phrase.is_empty() && !self.goes_on && !self.is_spec()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.phrase.is_empty() && self.angle.is_none() && self.note.is_empty() && !self.quoted
    }
}
