//! Splits an MMDF mailbox into items: messages stand between lines of four 0x01 bytes.

use memchr::memmem::Finder;

use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind};

use super::drive::{Begun, ItemAt, Splitter, Step, Window, lines, span};
use super::file::Pump;
use super::fromline;

/// The marker, without its line end.
const MARK: &[u8] = b"\x01\x01\x01\x01";

/// Bytes looked at to tell what follows a marker: it, and a `From ` line.
const HEAD: u64 = 8 + 5 + fromline::MAX_LINE as u64 + 2;

/// An MMDF mailbox on its way through the splitter.
pub(super) struct Mmdf {
    finder: Finder<'static>,
    state: State,
    /// First byte that is in no range.
    front: u64,
    /// Where to search on.
    at: u64,
}

enum State {
    /// Between messages.
    Between,
    /// Bytes before the first marker, or blanks between messages.
    Gap(&'static str),
    /// In the message that begins here.
    Inside(u64),
}

/// Whether `text` begins with a marker line; its length with the line end.
pub(super) fn mark(text: &[u8]) -> Option<usize> {
    match text.strip_prefix(MARK)? {
        [b'\n', ..] => Some(5),
        [b'\r', b'\n', ..] => Some(6),
        [] | [b'\r'] => Some(text.len()),
        _ => None,
    }
}

impl Mmdf {
    pub(super) fn new() -> Self {
        Self { finder: Finder::new(MARK), state: State::Between, front: 0, at: 0 }
    }

    /// The next marker at a line start: its place and length. `Err` when more is needed; `Ok(None)` at the end.
    fn next(&mut self, w: &Window<'_>) -> Result<Option<(u64, u64)>, u64> {
        loop {
            let from = w.index(self.at);
            let Some(hit) = self.finder.find(w.buf.get(from..).unwrap_or_default()) else {
                self.at = self.at.max(w.end().saturating_sub(3));
                return if w.eof { Ok(None) } else { Err(w.end().saturating_add(1)) };
            };
            let hit = w.base.saturating_add(from.saturating_add(hit) as u64);
            let after = hit.saturating_add(6);
            if after > w.end() && !w.eof {
                self.at = hit;
                return Err(after);
            }
            let starts = hit == self.front || w.slice(hit.saturating_sub(1), hit) == b"\n";
            if let (true, Some(length)) = (starts, mark(w.slice(hit, after))) {
                return Ok(Some((hit, length as u64)));
            }
            self.at = hit.saturating_add(1);
        }
    }

    fn between(&mut self, w: &Window<'_>) -> Option<Step> {
        let head = w.slice(self.front, self.front.saturating_add(HEAD));
        if (head.len() as u64) < HEAD && !w.eof {
            return Some(Step::More(self.front.saturating_add(HEAD)));
        }
        if head.is_empty() {
            return Some(Step::Done);
        }
        if let Some(length) = mark(head) {
            // Some writers put the `From ` line of an mbox behind the marker.
            let rest = head.get(length..).unwrap_or_default();
            let line =
                lines(rest).next().filter(|(r, _)| rest.get(r.clone()).is_some_and(fromline::is_dated));
            let length = length.saturating_add(line.map_or(0, |(_, next)| next));
            let start = self.front.saturating_add(length as u64);
            if w.eof && start >= w.end() {
                self.state = State::Gap("gap");
                self.at = w.end();
                return None;
            }
            self.at = start;
            self.state = State::Inside(start);
        } else if self.front == 0 {
            self.state = State::Gap("preamble");
        } else if head.iter().all(u8::is_ascii_whitespace) || blank_till_mark(head) {
            self.state = State::Gap("gap");
        } else {
            // One marker between two messages.
            self.state = State::Inside(self.front);
        }
        None
    }

    fn gap(&mut self, w: &Window<'_>, kind: &'static str) -> Step {
        match self.next(w) {
            Err(want) => {
                self.state = State::Gap(kind);
                Step::More(want)
            }
            Ok(mark) => {
                self.front = mark.map_or(w.end(), |(at, _)| at);
                Step::Gap(kind, self.front)
            }
        }
    }

    fn inside(&mut self, w: &Window<'_>, start: u64) -> Step {
        let (end, close) = match self.next(w) {
            Err(want) => {
                self.state = State::Inside(start);
                return Step::More(want);
            }
            Ok(Some((at, length))) => (at, at.saturating_add(length)),
            Ok(None) => (w.end(), w.end()),
        };
        let mut notes = Vec::new();
        if end == close {
            notes.push(Anomaly { kind: AnomalyKind::MessageUnterminated, at: span(end, end), detail: None });
        }
        if start == end {
            notes.push(Anomaly { kind: AnomalyKind::EmptyItem, at: span(end, end), detail: None });
        }
        let separator = self.front;
        self.front = close;
        self.at = close;
        Step::Item(ItemAt { separator, start, end, close, rule: Rule::None, lines: 0, uid: None, notes })
    }
}

fn blank_till_mark(head: &[u8]) -> bool {
    let blanks = head.iter().take_while(|b| b.is_ascii_whitespace()).count();
    head.get(blanks..).and_then(mark).is_some()
}

impl Splitter for Mmdf {
    fn step(&mut self, w: &Window<'_>, _: &Pump<'_>) -> Step {
        loop {
            match std::mem::replace(&mut self.state, State::Between) {
                State::Between => {
                    if let Some(step) = self.between(w) {
                        return step;
                    }
                }
                State::Gap(kind) => return self.gap(w, kind),
                State::Inside(start) => return self.inside(w, start),
            }
        }
    }

    fn begun(&mut self, _: &Window<'_>, _: &Pump<'_>) -> Begun {
        match self.state {
            State::Inside(start) => Begun::Item(start, Rule::None, None),
            State::Gap(kind) => Begun::Gap(kind),
            State::Between => Begun::Gap("gap"),
        }
    }

    fn forget(&mut self, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use crate::source::testing::{Container, read_as};
    use crate::source::{Kind, Limits, Options};
    use proptest::prelude::*;

    const MARK: &str = "\x01\x01\x01\x01\n";
    const MAIL: &str = "From: a@example.org\nSubject: x\n\nbody\n";

    fn mmdf(text: &str, batch: usize, in_memory: usize) -> Container {
        let limits = Limits { in_memory, batch, ..Limits::default() };
        read_as("x", text.as_bytes(), &Options { kind: Kind::Mmdf, limits, ..Options::default() })
    }

    #[test]
    fn messages_stand_between_marker_lines() {
        let from = "From a@example.org Thu Nov 20 08:15:04 2025\n";
        let two = mmdf(&format!("{MARK}{from}{MAIL}{MARK}{MARK}{MAIL}{MARK}"), 100, 1);
        assert_eq!(two.bodies(), [MAIL, MAIL]);
        assert_eq!(two.ranges[0].separator, format!("{MARK}{from}").into_bytes());
        assert_eq!(two.ranges[1].terminator, MARK.as_bytes());
        let one_marker = mmdf(&format!("junk\n{MARK}{MAIL}{MARK}{MAIL}{MARK}\n\n"), 100, 1);
        assert_eq!(one_marker.bodies(), [MAIL, MAIL]);
        let gaps: Vec<_> = one_marker.ranges.iter().filter_map(|r| r.gap).collect();
        assert_eq!(gaps, ["preamble", "gap"]);
        let inside = mmdf(&format!("{MARK}{MAIL}x{MARK}\x01\x01\x01\x01x\n{MARK}"), 100, 1);
        assert_eq!(inside.items().len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

        #[test]
        fn the_size_of_the_buffer_changes_nothing(
            pieces in proptest::collection::vec(prop_oneof![
                4 => Just(MARK.to_owned()),
                1 => Just("\x01\x01".to_owned()),
                2 => Just("\r\n".to_owned()),
                3 => Just(MAIL.to_owned()),
                1 => (0usize..300_000).prop_map(|n| "x\n".repeat(n)),
            ], 0..30),
            batch in 1usize..5000,
        ) {
            let text = pieces.concat();
            let whole = mmdf(&text, 1 << 20, 1 << 30);
            prop_assert_eq!(&mmdf(&text, batch.max(50), 1 << 30).ranges, &whole.ranges);
            prop_assert_eq!(&mmdf(&text, batch.max(50), 1).ranges, &whole.ranges);
        }
    }
}
