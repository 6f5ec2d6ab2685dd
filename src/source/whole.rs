//! Containers that are one range: a file that is one message, and a file that is none.

use memchr::memmem::Finder;

use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind};

use super::drive::{Begun, ItemAt, Splitter, Step, Window, lines, span};
use super::file::Pump;
use super::{detect, fromline, look};

/// Bytes that tell whether the file begins with a `From ` line.
const HEAD: u64 = 4096;

/// A file that is one message.
pub(super) struct Message {
    uid: Option<u64>,
    notes: Vec<Anomaly>,
    finder: Finder<'static>,
    /// Where the message begins, once the start was looked at.
    start: Option<u64>,
    at: u64,
    /// Whether a separator inside was noted.
    noted: bool,
    done: bool,
}

impl Message {
    /// `notes` is what the name of the file told.
    pub(super) fn new(uid: Option<u64>, notes: Vec<Anomaly>) -> Self {
        let finder = Finder::new(b"\nFrom ");
        Self { uid, notes, finder, start: None, at: 0, noted: false, done: false }
    }

    /// Where the message begins: behind a leading `From ` line.
    fn begin(&mut self, w: &Window<'_>) -> u64 {
        let bom = detect::bom(w.buf);
        if bom > 0 {
            self.notes.push(Anomaly {
                kind: AnomalyKind::ByteOrderMark,
                at: span(0, bom as u64),
                detail: None,
            });
        }
        let start = match lines(w.buf).next() {
            Some((_, next)) if detect::begins_with_from(w.buf) => next as u64,
            _ => 0,
        };
        self.start = Some(start);
        self.at = start.saturating_sub(1);
        start
    }

    /// Notes the first full separator inside the message that a header block follows.
    fn search(&mut self, w: &Window<'_>) {
        while !self.noted {
            let from = w.index(self.at);
            let Some(hit) = self.finder.find(w.buf.get(from..).unwrap_or_default()) else {
                self.at = self.at.max(w.end().saturating_sub(HEAD));
                return;
            };
            let line = w.base.saturating_add(from.saturating_add(hit).saturating_add(1) as u64);
            if line.saturating_add(HEAD) > w.end() && !w.eof {
                self.at = line.saturating_sub(1);
                return;
            }
            self.at = line;
            let text = w.slice(line, line.saturating_add(HEAD));
            if let Some((range, next)) = lines(text).next()
                && text.get(range).is_some_and(fromline::is_dated)
                && look::look(text.get(next..).unwrap_or_default(), w.eof).fields > 0
            {
                let at = span(line, line.saturating_add(next as u64));
                self.notes.push(Anomaly { kind: AnomalyKind::SeparatorInMessage, at, detail: None });
                self.noted = true;
            }
        }
    }
}

impl Splitter for Message {
    fn step(&mut self, w: &Window<'_>, _: &Pump<'_>) -> Step {
        if self.done {
            return Step::Done;
        }
        if !w.eof && w.end() < HEAD {
            return Step::More(HEAD);
        }
        let start = self.start.unwrap_or_else(|| self.begin(w));
        self.search(w);
        if !w.eof {
            return Step::More(w.end().saturating_add(1));
        }
        self.done = true;
        let end = w.end();
        let notes = std::mem::take(&mut self.notes);
        Step::Item(ItemAt {
            separator: 0,
            start,
            end,
            close: end,
            rule: Rule::None,
            lines: 0,
            uid: self.uid,
            notes,
        })
    }

    fn begun(&mut self, _: &Window<'_>, _: &Pump<'_>) -> Begun {
        Begun::Item(self.start.unwrap_or_default(), Rule::None, self.uid)
    }

    fn forget(&mut self, _: &[u8]) {}
}

/// A file that is no mail, or an archive: one gap.
pub(super) struct Opaque {
    done: bool,
}

impl Opaque {
    pub(super) fn new() -> Self {
        Self { done: false }
    }
}

impl Splitter for Opaque {
    fn step(&mut self, w: &Window<'_>, _: &Pump<'_>) -> Step {
        if self.done || (w.eof && w.end() == 0) {
            return Step::Done;
        }
        if !w.eof {
            return Step::More(w.end().saturating_add(1));
        }
        self.done = true;
        Step::Gap("gap", w.end())
    }

    fn begun(&mut self, _: &Window<'_>, _: &Pump<'_>) -> Begun {
        Begun::Gap("gap")
    }

    fn forget(&mut self, _: &[u8]) {}
}
