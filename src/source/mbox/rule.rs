//! Which `From ` lines separate the messages of an mbox.
//!
//! By [`Split::Header`], a line separates (a) when it holds a date in a known order and stands at the start or after an
//! empty line, whatever follows; (b) when a header block follows and the line holds a date, or stands after an empty
//! line and holds nothing but a sender. Whatever the rule, it is text of the message, and noted, when it is that of a
//! git patch in a mailbox of other mail, or when the text before it announces an attached or forwarded message.

use crate::types::AnomalyKind;

use super::item::Item;
use super::{blank_before, follows, is_line_end, note};
use crate::source::drive::Window;
use crate::source::fromline::{self, Form};
use crate::source::{Split, announced, detect};

/// How the `From ` lines of a container are read.
pub(super) struct Rules {
    pub split: Split,
    /// Whether the first separator is that of a git patch, so that the others are separators too.
    pub git: bool,
}

/// What a `From ` line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A separator, and what must be said of it.
    Separator([Option<&'static str>; 2]),
    /// Text of the message.
    Text,
}

const NO_BLANK: &str = "no empty line stands before it";

/// What a line tells that stands in a message, whatever announces it there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// It separates by its date.
    Date,
    /// It separates because of the header block behind it.
    Fields,
    /// It does not.
    None,
}

impl Rules {
    /// Whether a separator stands where no message is open: before the first one, or where a
    /// `Content-Length` ends. `fields` tells whether a header block follows. `None`: more is needed to tell.
    pub(super) fn begins(
        &self,
        line: &[u8],
        blank: bool,
        fields: impl FnOnce() -> Option<bool>,
    ) -> Option<bool> {
        match self.split {
            Split::Strict | Split::Lenient | Split::Any => Some(fromline::is_dated(line)),
            Split::Header => {
                let form = fromline::form(line);
                if form.is_known() {
                    return Some(true);
                }
                let may = form == Form::Loose || (form == Form::Undated && blank);
                if may { fields() } else { Some(false) }
            }
        }
    }

    /// What the `From ` line `line` at `hit..next` is, with notes on `item` why it was worth a thought.
    /// `None`: more is needed to tell.
    pub(super) fn read(
        &self,
        w: &Window<'_>,
        item: &mut Item,
        hit: u64,
        line: &[u8],
        next: u64,
    ) -> Option<Reading> {
        let blank = blank_before(w, hit, item.start);
        let form = fromline::form(line);
        let dated = if self.split == Split::Header { form.is_known() } else { form == Form::Dated };
        let claim = match self.split {
            Split::Strict | Split::Header if dated && blank > 0 => Claim::Date,
            Split::Lenient if dated => Claim::Date,
            // At the start of a message stands the line that another delivery program has put there.
            Split::Header if hit > item.start && !detect::is_from_field(line) => {
                let may = dated || form == Form::Loose || (form == Form::Undated && blank > 0);
                if may && follows(w, next)? { Claim::Fields } else { Claim::None }
            }
            Split::Any if line.len() <= fromline::MAX_LINE && !detect::is_from_field(line) => Claim::Date,
            _ => Claim::None,
        };
        if let Some((end, _)) = item.believed {
            if hit < end {
                item.bare = true;
                if claim != Claim::None && (dated && blank > 0 || self.split == Split::Header) {
                    item.inner.1 = if item.inner.0 == 0 { hit } else { item.inner.1 };
                    item.inner.0 = item.inner.0.saturating_add(1);
                }
                return Some(Reading::Text);
            }
            if hit == end || is_line_end(w.slice(end, hit)) {
                let oddity = if self.split == Split::Header { form.oddity() } else { None };
                return Some(Reading::Separator([oddity, None]));
            }
        }
        let shown = self.split != Split::Any
            && claim != Claim::None
            && (self.is_patch(line) || is_announced(w, item, hit.saturating_sub(blank), claim));
        if claim != Claim::None && !shown {
            let told = self.split == Split::Header;
            let no_blank = (told && blank == 0).then_some(NO_BLANK);
            return Some(Reading::Separator([form.oddity().filter(|_| told), no_blank]));
        }
        let kind = match (dated, blank > 0) {
            (true, false) => Some(AnomalyKind::FromWithoutBlank),
            _ if shown => Some(AnomalyKind::SeparatorInMessage),
            (false, true) => Some(AnomalyKind::SuspectFrom),
            _ => None,
        };
        if let Some(kind) = kind {
            item.note(note(kind, hit, next));
        }
        Some(Reading::Text)
    }

    fn is_patch(&self, line: &[u8]) -> bool {
        !self.git && fromline::is_git(line)
    }
}

/// Whether the text that ends at `end` says that a message is shown there.
fn is_announced(w: &Window<'_>, item: &Item, end: u64, claim: Claim) -> bool {
    let before = w.slice(item.start.max(end.saturating_sub(announced::BACK)), end);
    announced::announces(before) || (claim == Claim::Fields && announced::introduces(before))
}
