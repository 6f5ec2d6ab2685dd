//! Moves the bytes of a container through a splitter: owns the buffer, hands over cuts, streams what is too long.

use std::ops::{ControlFlow, Range};

use crate::types::unescape::Rule;
use crate::types::{Anomaly, ByteRange};

use super::file::Pump;
use super::{Bytes, Cut, Event, Limits, Long};

/// The part of the container that is in memory.
pub(super) struct Window<'a> {
    /// The bytes.
    pub buf: &'a [u8],
    /// Where in the container they begin.
    pub base: u64,
    /// Whether the container ends where they end.
    pub eof: bool,
}

impl Window<'_> {
    /// Just past the last byte in memory.
    pub(super) fn end(&self) -> u64 {
        self.base.saturating_add(self.buf.len() as u64)
    }

    /// The place of a position in memory; positions before the window are its start.
    pub(super) fn index(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.buf.len())
    }

    /// The bytes between two positions, as far as they are in memory.
    pub(super) fn slice(&self, start: u64, end: u64) -> &[u8] {
        self.buf.get(self.index(start)..self.index(end)).unwrap_or_default()
    }
}

/// An item that a splitter found; positions count in the container.
pub(super) struct ItemAt {
    /// First byte of the separator.
    pub separator: u64,
    /// First byte of the item.
    pub start: u64,
    /// Just past its last byte.
    pub end: u64,
    /// Just past the terminator.
    pub close: u64,
    /// How the message is made of it.
    pub rule: Rule,
    /// Number of lines that the rule changes.
    pub lines: u64,
    /// UID from the container.
    pub uid: Option<u64>,
    /// What was odd.
    pub notes: Vec<Anomaly>,
}

/// What a splitter wants.
pub(super) enum Step {
    /// More bytes: at least up to this position, or to the end of the container.
    More(u64),
    /// This is an item; the next range begins at its `close`.
    Item(ItemAt),
    /// The bytes up to this position are no item.
    Gap(&'static str, u64),
    /// All bytes are in ranges.
    Done,
}

/// What the range that has begun is, for one that does not fit in memory.
pub(super) enum Begun {
    /// An item: first byte of the item, the rule to apply, its UID.
    Item(u64, Rule, Option<u64>),
    /// Bytes that are no item.
    Gap(&'static str),
}

/// Finds ranges in bytes that come piece by piece. The ranges it answers follow each other without a hole.
pub(super) trait Splitter {
    /// The next range, or what is needed to tell.
    fn step(&mut self, window: &Window<'_>, pump: &Pump<'_>) -> Step;
    /// What the range that has begun is; asked only after it has grown past the limit.
    fn begun(&mut self, window: &Window<'_>, pump: &Pump<'_>) -> Begun;
    /// These bytes, the first in memory, were streamed and leave it.
    fn forget(&mut self, gone: &[u8]);
}

/// Bytes kept in memory behind what was streamed: more than any splitter looks back or waits for.
const HOLD: usize = 64 * 1024;

/// Most ranges that are handed over together: what is known of a range takes more memory than the smallest items.
const CUTS: usize = 2048;

/// Least that is kept in memory whatever the limit says: a header block that a splitter waits for.
pub(super) const LEAST: usize = 4 * HOLD;

/// Runs `splitter` over `head` and what `pump` gives after it; answers the number of items.
pub(super) fn drive(
    splitter: &mut dyn Splitter,
    pump: &mut Pump<'_>,
    head: Vec<u8>,
    limits: &Limits,
    sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> ControlFlow<(), u64> {
    let mut state =
        State { buf: head, base: 0, front: 0, cuts: Vec::new(), items: 0, long: false, room: limits.batch };
    loop {
        let window = Window { buf: &state.buf, base: state.base, eof: pump.eof };
        match splitter.step(&window, pump) {
            Step::Item(item) => {
                state.item(item, sink)?;
                state.flush_if_many(sink)?;
            }
            Step::Gap(kind, end) => {
                state.gap(kind, end, sink)?;
                state.flush_if_many(sink)?;
            }
            Step::Done => break,
            Step::More(want) => {
                state.flush(sink)?;
                if state.buf.len() > limits.in_memory.max(LEAST) {
                    state.stream(splitter, pump, sink)?;
                }
                let window = Window { buf: &state.buf, base: state.base, eof: pump.eof };
                let missing = usize::try_from(want.saturating_sub(window.end())).unwrap_or(usize::MAX);
                let step = missing.min(limits.in_memory).max(limits.batch.max(1));
                pump.fill(&mut state.buf, step);
            }
        }
    }
    state.flush(sink)?;
    ControlFlow::Continue(state.items)
}

struct State {
    buf: Vec<u8>,
    base: u64,
    /// Just past the last cut, in `buf`.
    front: usize,
    cuts: Vec<Cut>,
    items: u64,
    /// Whether a range is being streamed, which begins before `buf`.
    long: bool,
    /// Bytes that are read next.
    room: usize,
}

type Sink<'a> = &'a mut dyn FnMut(Event) -> ControlFlow<()>;

impl State {
    fn at(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.buf.len())
    }

    fn item(&mut self, item: ItemAt, sink: Sink<'_>) -> ControlFlow<()> {
        self.items = self.items.saturating_add(1);
        let (end, close) = (self.at(item.end), self.at(item.close));
        if self.long {
            let terminator = self.buf.get(end..close).unwrap_or_default().to_vec();
            self.part(end, sink)?;
            self.long = false;
            let rule = if item.lines == 0 { Rule::None } else { item.rule };
            sink(Event::Long(Long::End {
                end: item.end,
                terminator,
                rule,
                lines: item.lines,
                notes: item.notes,
            }))?;
            drop(self.take(self.at(item.close)));
            return ControlFlow::Continue(());
        }
        let (open, start) = (self.at(item.separator), self.at(item.start));
        debug_assert_eq!(open, self.front, "ranges follow each other");
        self.cuts.push(Cut::Item {
            separator: open..start,
            body: start..end,
            terminator: end..close,
            rule: if item.lines == 0 { Rule::None } else { item.rule },
            lines: item.lines,
            uid: item.uid,
            notes: item.notes,
        });
        self.front = close;
        ControlFlow::Continue(())
    }

    fn gap(&mut self, kind: &'static str, end: u64, sink: Sink<'_>) -> ControlFlow<()> {
        let close = self.at(end);
        if self.long {
            self.part(close, sink)?;
            self.long = false;
            let notes = Vec::new();
            let terminator = Vec::new();
            return sink(Event::Long(Long::End { end, terminator, rule: Rule::None, lines: 0, notes }));
        }
        if close > self.front {
            self.cuts.push(Cut::Gap { kind, range: self.front..close });
            self.front = close;
        }
        ControlFlow::Continue(())
    }

    /// Hands over what is cut when it is many ranges.
    fn flush_if_many(&mut self, sink: Sink<'_>) -> ControlFlow<()> {
        if self.cuts.len() < CUTS { ControlFlow::Continue(()) } else { self.flush(sink) }
    }

    /// Hands over what is cut.
    fn flush(&mut self, sink: Sink<'_>) -> ControlFlow<()> {
        if self.cuts.is_empty() {
            return ControlFlow::Continue(());
        }
        let base = self.base;
        let data = self.take(self.front);
        self.front = 0;
        sink(Event::Bytes(Bytes { data, base, cuts: std::mem::take(&mut self.cuts) }))
    }

    /// Streams the range that has begun, all but its newest bytes.
    fn stream(&mut self, splitter: &mut dyn Splitter, pump: &Pump<'_>, sink: Sink<'_>) -> ControlFlow<()> {
        if !self.long {
            let window = Window { buf: &self.buf, base: self.base, eof: pump.eof };
            let (gap, start, rule, uid) = match splitter.begun(&window, pump) {
                Begun::Item(start, rule, uid) => (None, start, rule, uid),
                Begun::Gap(kind) => (Some(kind), self.base, Rule::None, None),
            };
            let open = self.at(start);
            let separator = self.buf.get(..open).unwrap_or_default().to_vec();
            self.long = true;
            sink(Event::Long(Long::Start { gap, separator, start, rule, uid }))?;
            splitter.forget(self.buf.get(..open).unwrap_or_default());
            drop(self.take(open));
        }
        let count = self.buf.len().saturating_sub(HOLD);
        splitter.forget(self.buf.get(..count).unwrap_or_default());
        self.part(count, sink)
    }

    /// Hands over the first `count` bytes of the range that is being streamed.
    fn part(&mut self, count: usize, sink: Sink<'_>) -> ControlFlow<()> {
        if count == 0 {
            return ControlFlow::Continue(());
        }
        let data = self.take(count);
        sink(Event::Long(Long::Part(data)))
    }

    /// The first `count` bytes; the rest moves to a buffer of its own.
    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buf.get(count..).unwrap_or_default();
        let mut next = Vec::new();
        if !rest.is_empty() {
            next.reserve(rest.len().saturating_add(self.room));
            next.extend_from_slice(rest);
        }
        let mut data = std::mem::replace(&mut self.buf, next);
        data.truncate(count);
        self.base = self.base.saturating_add(data.len() as u64);
        data
    }
}

/// The range between two positions of the container, for the places that notes name.
pub(super) fn span(start: u64, end: u64) -> Option<ByteRange> {
    ByteRange::new(start, end)
}

/// Lines of `text` without their ends, with where they begin and where the next one begins.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
    let mut at = 0usize;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (len, next) = match memchr::memchr(b'\n', rest) {
            Some(lf) => (lf, at.saturating_add(lf).saturating_add(1)),
            None => (rest.len(), text.len()),
        };
        let cr = rest.get(..len).is_some_and(|line| line.ends_with(b"\r"));
        let end = at.saturating_add(len).saturating_sub(usize::from(cr));
        let line = at..end;
        at = next;
        Some((line, next))
    })
}
