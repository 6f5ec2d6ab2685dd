//! A message of an mbox while its end is searched, and what was odd about it.

use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind, ByteRange};

use super::{blank_before, is_line_end, note};
use crate::source::drive::{ItemAt, Step, Window};

/// Most notes on one item; what comes after them is counted in the last.
pub(super) const MAX_NOTES: usize = 100;

#[derive(Default)]
pub(super) struct Item {
    /// First byte of its separator.
    pub separator: u64,
    /// First byte of the message.
    pub start: u64,
    /// Where `Content-Length` ends, when it is believed; and the place of its line.
    pub believed: Option<(u64, ByteRange)>,
    /// Lines that match `^>+From `.
    pub lines: u64,
    /// Whether one of them has more than one `>`.
    pub double: bool,
    /// Whether a line inside a believed length starts with `From `.
    pub bare: bool,
    /// Separators inside a believed length, and the first of them.
    pub inner: (u64, u64),
    notes: Vec<Anomaly>,
    unnoted: u64,
}

impl Item {
    pub(super) fn new(separator: u64, start: u64) -> Self {
        Self { separator, start, ..Self::default() }
    }

    pub(super) fn note(&mut self, note: Anomaly) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        } else {
            self.unnoted = self.unnoted.saturating_add(1);
        }
    }

    /// Notes why the separator at `start..end`, which begins this item, does not tell by itself that it is one.
    pub(super) fn infer(&mut self, start: u64, end: u64, oddities: impl Iterator<Item = &'static str>) {
        let why: Vec<&str> = oddities.collect();
        if !why.is_empty() {
            self.note(note(AnomalyKind::SeparatorInferred, start, end).with(why.join("; ")));
        }
    }

    /// mboxcl2 does not quote: a line that starts with `From ` inside a length that holds shows it.
    pub(super) fn rule(&self) -> Rule {
        if self.believed.is_some() && self.bare { Rule::None } else { Rule::MboxRd }
    }

    /// The item as it ends at `hit`, where the next separator or the end of the container is.
    pub(super) fn close(mut self, w: &Window<'_>, hit: u64, last: bool) -> Step {
        let mut end = hit.saturating_sub(blank_before(w, hit, self.start));
        let mut ambiguous = self.inner.0 > 0;
        if let Some((believed, _)) = self.believed {
            if believed < hit && is_line_end(w.slice(believed, hit)) {
                end = believed;
            }
            ambiguous |= !last && end == hit;
        }
        let rule = self.rule();
        let lines = if rule == Rule::None { 0 } else { self.lines };
        if ambiguous && let Some((believed, place)) = self.believed {
            if self.inner.0 > 0 {
                self.note(Anomaly::at(AnomalyKind::ContentLengthBelieved, place));
            }
            let other = if self.inner.0 > 0 {
                format!(
                    "by the `From ` lines at byte {}, with {} separators inside",
                    self.inner.1, self.inner.0
                )
            } else {
                "by the `From ` lines later, because no empty line stands there".to_owned()
            };
            let detail = format!("by Content-Length the message ends at byte {believed}, {other}");
            self.note(Anomaly::at(AnomalyKind::ContentLengthAmbiguous, place).with(detail));
        }
        if lines > 0 && !self.double {
            self.note(note(AnomalyKind::FromQuotingAmbiguous, self.start, end));
        }
        if end <= self.start {
            self.note(note(AnomalyKind::EmptyItem, self.start, self.start));
        }
        if last && end == hit {
            self.note(note(AnomalyKind::MessageUnterminated, end, end));
        }
        if self.unnoted > 0
            && let Some(last) = self.notes.last_mut()
        {
            last.detail = Some(format!("and {} more notes on this item", self.unnoted).into());
        }
        Step::Item(ItemAt {
            separator: self.separator,
            start: self.start,
            end,
            close: hit,
            rule,
            lines,
            uid: None,
            notes: self.notes,
        })
    }
}
