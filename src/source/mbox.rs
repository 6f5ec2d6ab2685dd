//! Splits an mbox (mboxo, mboxrd, mboxcl, mboxcl2; LF or CRLF) into items, by byte ranges.
//!
//! `rule` tells which `From ` lines separate; the empty line before one belongs to the container. `Content-Length` is
//! believed where it ends on a separator or at the end. Nothing is unescaped here.

use memchr::memmem::Finder;

use crate::types::{Anomaly, AnomalyKind};

use super::drive::{Begun, LEAST, Splitter, Step, Window, span};
use super::file::Pump;
use super::follow::{AHEAD, fields_follow};
use super::fromline::Form;
use super::peek::{self, MAX_HEADER};
use super::{Split, detect, fromline, look};

use item::Item;
use rule::{Reading, Rules};

mod item;
mod rule;

/// Bytes that tell whether a separator stands at a place: a line end, and the longest line with its end.
const LINE: u64 = 2 + 5 + fromline::MAX_LINE as u64 + 2;

/// An mbox on its way through the splitter.
pub(super) struct Mbox {
    rules: Rules,
    /// How far a `Content-Length` is followed in a stream.
    reach: u64,
    from: Finder<'static>,
    state: State,
    /// Where to search on.
    at: u64,
    /// Whether the bytes between the last line end and the first byte in memory are all `>`.
    quotes: bool,
    /// What was odd of the whole.
    pub notes: Vec<Anomaly>,
}

enum State {
    Start,
    Preamble,
    /// The separator was found, the header block was not looked at.
    Opened(Item),
    Body(Item),
    Ended,
}
fn note(kind: AnomalyKind, start: u64, end: u64) -> Anomaly {
    Anomaly { kind, at: span(start, end), detail: None }
}

impl Mbox {
    pub(super) fn new(split: Split, in_memory: usize) -> Self {
        Self {
            rules: Rules { split, git: false },
            reach: in_memory.max(LEAST) as u64,
            from: Finder::new(b"From "),
            state: State::Start,
            at: 0,
            quotes: true,
            notes: Vec::new(),
        }
    }

    /// What the container begins with: a separator, a header block, or something else.
    fn start(&mut self, w: &Window<'_>) -> Option<Step> {
        if !w.eof && w.end() < MAX_HEADER {
            return Some(Step::More(MAX_HEADER));
        }
        let bom = detect::bom(w.buf);
        if bom > 0 {
            self.notes.push(note(AnomalyKind::ByteOrderMark, 0, bom as u64));
        }
        let blank = w.buf.iter().skip(bom).take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let first = bom.saturating_add(blank) as u64;
        let text = w.slice(first, MAX_HEADER.max(first));
        if detect::begins_with_from(text) {
            return self.open(w, first);
        }
        self.notes.push(Anomaly::whole(AnomalyKind::SeparatorMissing));
        self.at = first;
        if look::look(text, w.eof && w.end() <= MAX_HEADER).is_mail() {
            self.state = State::Opened(Item::new(first, first));
            return skipped(first);
        }
        self.state = State::Preamble;
        None
    }

    /// The separator of the first item stands at `at`; what is before it is preamble.
    fn open(&mut self, w: &Window<'_>, at: u64) -> Option<Step> {
        let (line, next) = line_at(w, at);
        let mut item = Item::new(at, next);
        match (self.rules.split, fromline::form(line)) {
            (Split::Header, form @ (Form::Odd(_) | Form::Loose | Form::Undated)) => {
                item.infer(at, next, form.oddity().into_iter());
            }
            _ if !fromline::is_dated(line) => item.note(note(AnomalyKind::SuspectFrom, at, next)),
            _ => {}
        }
        self.rules.git = fromline::is_git(line);
        self.state = State::Opened(item);
        skipped(at)
    }

    /// Searches the first separator after bytes that are no mail: at a line start, or after the NULs of a hole.
    fn preamble(&mut self, w: &Window<'_>) -> Option<Step> {
        while let Some(hit) = self.find(w) {
            let before = w.slice(hit.saturating_sub(1), hit);
            if hit == 0 || matches!(before, b"\n" | b"\0") {
                let Some((line, next)) = complete_line(w, hit) else {
                    self.at = hit;
                    return Some(Step::More(hit.saturating_add(LINE)));
                };
                let blank = hit == 0 || before == b"\0" || blank_before(w, hit, 0) > 0;
                let any = self.rules.split == Split::Any && line.len() <= fromline::MAX_LINE;
                match self.rules.begins(line, blank, || follows(w, next)).map(|begins| begins || any) {
                    Some(true) => return self.open(w, hit),
                    Some(false) => {}
                    None => {
                        self.at = hit;
                        return Some(Step::More(next.saturating_add(AHEAD as u64)));
                    }
                }
            }
            self.at = hit.saturating_add(5);
        }
        self.wait(w).or_else(|| {
            self.state = State::Ended;
            (w.end() > 0).then_some(Step::Gap("preamble", w.end()))
        })
    }

    fn find(&self, w: &Window<'_>) -> Option<u64> {
        let from = w.index(self.at);
        let hit = self.from.find(w.buf.get(from..)?)?;
        Some(w.base.saturating_add(from.saturating_add(hit) as u64))
    }

    /// Asks for more, or answers `None` at the end. The last four bytes may be the start of `From `.
    fn wait(&mut self, w: &Window<'_>) -> Option<Step> {
        self.at = self.at.max(w.end().saturating_sub(4));
        (!w.eof).then_some(Step::More(w.end().saturating_add(1)))
    }

    /// Looks at the header block of an item that has begun.
    fn opened(&mut self, w: &Window<'_>, pump: &Pump<'_>, mut item: Item) -> Option<Step> {
        let Some(peek) = peek::peek(w, item.start) else {
            let want = item.start.saturating_add(MAX_HEADER);
            self.state = State::Opened(item);
            return Some(Step::More(want));
        };
        match peek.length {
            Some(Err(place)) => item.note(Anomaly::at(AnomalyKind::ContentLengthInvalid, place)),
            Some(Ok((length, place))) => {
                let body = peek.body.unwrap_or(item.start);
                let end = body.checked_add(length).filter(|_| peek.body.is_some());
                match end.map_or(Some(false), |end| self.lands(w, pump, item.separator, end)) {
                    Some(true) => item.believed = Some((end.unwrap_or(body), place)),
                    Some(false) => {
                        let detail =
                            format!("by Content-Length the message ends at byte {}", end.unwrap_or(u64::MAX));
                        item.note(Anomaly::at(AnomalyKind::ContentLengthWrong, place).with(detail));
                    }
                    None => {
                        self.state = State::Opened(item);
                        return Some(Step::More(end.unwrap_or(body).saturating_add(LINE)));
                    }
                }
            }
            None => {}
        }
        if let Some(place) = peek.expunged {
            item.note(Anomaly::at(AnomalyKind::Expunged, place));
        }
        if let Some(place) = peek.internal {
            item.note(Anomaly::at(AnomalyKind::FolderInternalData, place));
        }
        self.at = item.start;
        self.state = State::Body(item);
        None
    }

    /// Whether a separator, or the end, stands at `end`, with or without a line end before it.
    /// `None`: more is needed to tell.
    fn lands(&self, w: &Window<'_>, pump: &Pump<'_>, open: u64, end: u64) -> Option<bool> {
        // The fields behind the line are looked at only where the line does not tell.
        for beyond in [LINE, LINE.saturating_add(AHEAD as u64)] {
            let before = end.saturating_sub(1);
            let till = end.saturating_add(beyond);
            let ahead;
            let (text, whole) = if till <= w.end() || w.eof {
                (w.slice(before, till), w.end() <= till)
            } else if let Some(text) =
                pump.look(before, usize::try_from(beyond).unwrap_or(0).saturating_add(1))
            {
                ahead = text;
                (&ahead[..], (ahead.len() as u64) < beyond.saturating_add(1))
            } else if till.saturating_sub(open) <= self.reach {
                return None;
            } else {
                return Some(false);
            };
            let Some((last, rest)) = text.split_first() else { return Some(false) };
            let stripped = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"));
            let here = (*last == b'\n' || rest.is_empty()).then_some(rest);
            let mut undecided = false;
            for text in [stripped, here].into_iter().flatten() {
                if text.is_empty() && whole {
                    return Some(true);
                }
                let (range, next) = super::drive::lines(text).next().unwrap_or_default();
                let line = text.get(range).unwrap_or_default();
                let behind = text.get(next..).unwrap_or_default();
                match self.rules.begins(line, true, || fields_follow(behind, whole)) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => undecided = true,
                }
            }
            if !undecided {
                return Some(false);
            }
        }
        Some(false)
    }

    /// Searches the end of the item.
    fn body(&mut self, w: &Window<'_>, mut item: Item) -> Step {
        while let Some(hit) = self.find(w) {
            let before = w.slice(hit.saturating_sub(1), hit);
            if before == b">" {
                let quotes = self.quotes_before(w, item.start, hit);
                item.lines = item.lines.saturating_add(u64::from(quotes > 0));
                item.double |= quotes > 1;
            } else if hit == item.start || before == b"\n" {
                let Some((line, next)) = complete_line(w, hit) else {
                    self.at = hit;
                    self.state = State::Body(item);
                    return Step::More(hit.saturating_add(LINE));
                };
                match self.rules.read(w, &mut item, hit, line, next) {
                    Some(Reading::Separator(oddities)) => {
                        let step = item.close(w, hit, false);
                        let mut item = Item::new(hit, next);
                        item.infer(hit, next, oddities.into_iter().flatten());
                        self.state = State::Opened(item);
                        self.quotes = true;
                        return step;
                    }
                    Some(Reading::Text) => {}
                    None => {
                        self.at = hit;
                        self.state = State::Body(item);
                        return Step::More(next.saturating_add(AHEAD as u64));
                    }
                }
            }
            self.at = hit.saturating_add(5);
        }
        if let Some(step) = self.wait(w) {
            self.state = State::Body(item);
            return step;
        }
        self.state = State::Ended;
        item.close(w, w.end(), true)
    }

    /// Number of `>` before `hit` when nothing else stands between them and the line's start, else 0.
    /// Counts to 2 only when the line begins before the bytes in memory.
    fn quotes_before(&self, w: &Window<'_>, start: u64, hit: u64) -> usize {
        let text = w.slice(start.max(w.base), hit);
        let quotes = text.iter().rev().take_while(|&&b| b == b'>').count();
        let rest = text.get(..text.len().saturating_sub(quotes)).unwrap_or_default();
        match rest.last() {
            Some(b'\n') => quotes,
            Some(_) => 0,
            None if start >= w.base => quotes,
            None => {
                if self.quotes {
                    2
                } else {
                    0
                }
            }
        }
    }
}

impl Splitter for Mbox {
    fn step(&mut self, w: &Window<'_>, pump: &Pump<'_>) -> Step {
        loop {
            let step = match std::mem::replace(&mut self.state, State::Ended) {
                State::Start => {
                    self.state = State::Start;
                    self.start(w)
                }
                State::Preamble => {
                    self.state = State::Preamble;
                    self.preamble(w)
                }
                State::Opened(item) => self.opened(w, pump, item),
                State::Body(item) => Some(self.body(w, item)),
                State::Ended => Some(Step::Done),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn begun(&mut self, w: &Window<'_>, pump: &Pump<'_>) -> Begun {
        match &mut self.state {
            State::Opened(item) | State::Body(item) => {
                if let Some((end, _)) = item.believed
                    && !item.bare
                {
                    item.bare = bare_ahead(w, pump, end);
                }
                Begun::Item(item.start, item.rule(), None)
            }
            _ => Begun::Gap("preamble"),
        }
    }

    fn forget(&mut self, gone: &[u8]) {
        let (tail, known) = match memchr::memrchr(b'\n', gone) {
            Some(lf) => (gone.get(lf.saturating_add(1)..).unwrap_or_default(), true),
            None => (gone, self.quotes),
        };
        self.quotes = known && tail.iter().all(|&b| b == b'>');
    }
}

/// Whether a line starts with `From ` in the part of a believed length that is not in memory yet.
fn bare_ahead(w: &Window<'_>, pump: &Pump<'_>, end: u64) -> bool {
    const PIECE: usize = 1 << 20;
    let finder = Finder::new(b"\nFrom ");
    if finder.find(w.slice(w.base, end)).is_some() {
        return true;
    }
    let mut at = w.end().saturating_sub(6);
    while at < end {
        let Some(text) = pump.look(at, PIECE) else { return false };
        let inside = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(text.len());
        if finder.find(text.get(..inside).unwrap_or_default()).is_some() {
            return true;
        }
        if text.len() < PIECE {
            return false;
        }
        at = at.saturating_add((PIECE as u64).saturating_sub(6));
    }
    false
}

/// What is before the first item.
fn skipped(to: u64) -> Option<Step> {
    (to > 0).then_some(Step::Gap("preamble", to))
}

/// Whether a header block begins at `next`; `None` when more is needed to tell.
fn follows(w: &Window<'_>, next: u64) -> Option<bool> {
    fields_follow(w.slice(next, next.saturating_add(AHEAD as u64)), w.eof)
}

fn is_line_end(text: &[u8]) -> bool {
    text == b"\n" || text == b"\r\n"
}

/// Length of the empty line that ends at `at`, and does not begin before `start`; 0 when there is none.
fn blank_before(w: &Window<'_>, at: u64, start: u64) -> u64 {
    let text = w.slice(at.saturating_sub(3).max(w.base), at);
    let length = match text {
        [.., b'\n', b'\r', b'\n'] => 2,
        [.., b'\n', b'\n'] => 1,
        [b'\r', b'\n'] if start == 0 => 2,
        [b'\n'] if start == 0 => 1,
        _ => 0,
    };
    if at.saturating_sub(length) < start { 0 } else { length }
}

/// The line at `at` without its end, and where the next one begins; as far as they are in memory.
fn line_at<'a>(w: &Window<'a>, at: u64) -> (&'a [u8], u64) {
    let text = w.buf.get(w.index(at)..).unwrap_or_default();
    match super::drive::lines(text).next() {
        Some((range, next)) => (text.get(range).unwrap_or_default(), at.saturating_add(next as u64)),
        None => (&[], at),
    }
}

/// The same, when enough is in memory to see that the line ends, or that it is too long for a separator.
fn complete_line<'a>(w: &Window<'a>, at: u64) -> Option<(&'a [u8], u64)> {
    let text = w.buf.get(w.index(at)..).unwrap_or_default();
    let short = text.get(..usize::try_from(LINE).unwrap_or(0)).unwrap_or(text);
    if memchr::memchr(b'\n', short).is_some() {
        return Some(line_at(w, at));
    }
    if short.len() < text.len() || w.eof {
        return Some((short, at.saturating_add(short.len() as u64)));
    }
    None
}

#[cfg(test)]
mod tests;
