//! Splits an mbox (mboxo, mboxrd, mboxcl, mboxcl2; LF or CRLF) into items, by byte ranges.
//!
//! A separator is a line that starts with `From `, goes on with a date, and stands at the start or after an empty
//! line; the empty line belongs to the container. `Content-Length` is believed where it ends on a separator or at
//! the end. Nothing is unescaped here. A separator is taken for text of the message, and noted, when it is that of a
//! git patch in a mailbox of other mail, or when the text before it announces an attached or forwarded message.

use memchr::memmem::Finder;

use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind};

use super::drive::{Begun, ItemAt, LEAST, Splitter, Step, Window, span};
use super::file::Pump;
use super::peek::{self, MAX_HEADER};
use super::{Split, announced, detect, fromline, look};

/// Most notes on one item; what comes after them is counted in the last.
const MAX_NOTES: usize = 100;

/// Bytes that tell whether a separator stands at a place: a line end, and the longest line with its end.
const LINE: u64 = 2 + 5 + fromline::MAX_LINE as u64 + 2;

/// An mbox on its way through the splitter.
pub(super) struct Mbox {
    split: Split,
    /// How far a `Content-Length` is followed in a stream.
    reach: u64,
    from: Finder<'static>,
    state: State,
    /// Where to search on.
    at: u64,
    /// Whether the first separator is that of a git patch, so that the others are separators too.
    git: bool,
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

#[derive(Default)]
struct Item {
    separator: u64,
    start: u64,
    /// Where `Content-Length` ends, when it is believed; and the place of its line.
    believed: Option<(u64, crate::types::ByteRange)>,
    /// Lines that match `^>+From `.
    lines: u64,
    /// Whether one of them has more than one `>`.
    double: bool,
    /// Whether a line inside a believed length starts with `From `.
    bare: bool,
    /// Full separators inside a believed length, and the first of them.
    inner: (u64, u64),
    notes: Vec<Anomaly>,
    unnoted: u64,
}

impl Item {
    fn note(&mut self, note: Anomaly) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        } else {
            self.unnoted = self.unnoted.saturating_add(1);
        }
    }

    /// mboxcl2 does not quote: a line that starts with `From ` inside a length that holds shows it.
    fn rule(&self) -> Rule {
        if self.believed.is_some() && self.bare { Rule::None } else { Rule::MboxRd }
    }
}

fn note(kind: AnomalyKind, start: u64, end: u64) -> Anomaly {
    Anomaly { kind, at: span(start, end), detail: None }
}

impl Mbox {
    pub(super) fn new(split: Split, in_memory: usize) -> Self {
        Self {
            split,
            reach: in_memory.max(LEAST) as u64,
            from: Finder::new(b"From "),
            state: State::Start,
            at: 0,
            git: false,
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
        let text = w.slice(first, u64::MAX);
        if detect::begins_with_from(text) {
            return self.open(w, first);
        }
        self.notes.push(Anomaly::whole(AnomalyKind::SeparatorMissing));
        self.at = first;
        if look::look(text, w.eof).is_mail() {
            self.state = State::Opened(Item { separator: first, start: first, ..Item::default() });
            return skipped(first);
        }
        self.state = State::Preamble;
        None
    }

    /// The separator of the first item stands at `at`; what is before it is preamble.
    fn open(&mut self, w: &Window<'_>, at: u64) -> Option<Step> {
        let (line, next) = line_at(w, at);
        let mut item = Item { separator: at, start: next, ..Item::default() };
        if !fromline::is_dated(line) {
            item.note(note(AnomalyKind::SuspectFrom, at, next));
        }
        self.git = fromline::is_git(line);
        self.state = State::Opened(item);
        skipped(at)
    }

    /// Searches the first separator after bytes that are no mail: at a line start, or after the NULs of a hole.
    fn preamble(&mut self, w: &Window<'_>) -> Option<Step> {
        while let Some(hit) = self.find(w) {
            let before = w.slice(hit.saturating_sub(1), hit);
            if hit == 0 || matches!(before, b"\n" | b"\0") {
                let Some((line, _)) = complete_line(w, hit) else {
                    self.at = hit;
                    return Some(Step::More(hit.saturating_add(LINE)));
                };
                if fromline::is_dated(line) || (self.split == Split::Any && line.len() <= fromline::MAX_LINE)
                {
                    return self.open(w, hit);
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
        let before = end.saturating_sub(1);
        let till = end.saturating_add(LINE);
        let ahead;
        let (text, whole) = if till <= w.end() || w.eof {
            (w.slice(before, till), w.end() <= till)
        } else if let Some(text) = pump.look(before, usize::try_from(LINE).unwrap_or(0).saturating_add(1)) {
            ahead = text;
            (&ahead[..], (ahead.len() as u64) < LINE.saturating_add(1))
        } else if till.saturating_sub(open) <= self.reach {
            return None;
        } else {
            return Some(false);
        };
        let Some((last, rest)) = text.split_first() else { return Some(false) };
        let stripped = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"));
        let lands = |text: &[u8]| {
            (text.is_empty() && whole)
                || fromline::is_dated(
                    super::drive::lines(text).next().and_then(|(r, _)| text.get(r)).unwrap_or_default(),
                )
        };
        Some(stripped.is_some_and(lands) || ((*last == b'\n' || rest.is_empty()) && lands(rest)))
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
                if self.separates(w, &mut item, hit, line, next) {
                    let step = close(w, item, hit, false);
                    self.state = State::Opened(Item { separator: hit, start: next, ..Item::default() });
                    self.quotes = true;
                    return step;
                }
            }
            self.at = hit.saturating_add(5);
        }
        if let Some(step) = self.wait(w) {
            self.state = State::Body(item);
            return step;
        }
        self.state = State::Ended;
        close(w, item, w.end(), true)
    }

    /// Whether the `From ` line at `hit` ends the item; if not, why it was worth a thought.
    fn separates(&self, w: &Window<'_>, item: &mut Item, hit: u64, line: &[u8], next: u64) -> bool {
        let blank = blank_before(w, hit, item.start);
        let dated = fromline::is_dated(line);
        if let Some((end, _)) = item.believed {
            if hit < end {
                item.bare = true;
                if blank > 0 && dated {
                    item.inner.1 = if item.inner.0 == 0 { hit } else { item.inner.1 };
                    item.inner.0 = item.inner.0.saturating_add(1);
                }
                return false;
            }
            if hit == end || is_line_end(w.slice(end, hit)) {
                return true;
            }
        }
        let shown =
            dated && ((!self.git && fromline::is_git(line)) || announced(w, item, hit.saturating_sub(blank)));
        let separates = match self.split {
            Split::Strict => dated && blank > 0 && !shown,
            Split::Lenient => dated && !shown,
            Split::Any => line.len() <= fromline::MAX_LINE && !detect::is_from_field(line),
        };
        if !separates {
            match (dated, blank > 0) {
                (true, true) => item.note(note(AnomalyKind::SeparatorInMessage, hit, next)),
                (true, false) => item.note(note(AnomalyKind::FromWithoutBlank, hit, next)),
                (false, true) => item.note(note(AnomalyKind::SuspectFrom, hit, next)),
                (false, false) => {}
            }
        }
        separates
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

/// The item that ends at `hit`, where the next separator or the end of the container is.
fn close(w: &Window<'_>, mut item: Item, hit: u64, last: bool) -> Step {
    let mut end = hit.saturating_sub(blank_before(w, hit, item.start));
    let mut ambiguous = item.inner.0 > 0;
    if let Some((believed, _)) = item.believed {
        if believed < hit && is_line_end(w.slice(believed, hit)) {
            end = believed;
        }
        ambiguous |= !last && end == hit;
    }
    let rule = item.rule();
    let lines = if rule == Rule::None { 0 } else { item.lines };
    if ambiguous && let Some((believed, place)) = item.believed {
        if item.inner.0 > 0 {
            item.note(Anomaly::at(AnomalyKind::ContentLengthBelieved, place));
        }
        let other = if item.inner.0 > 0 {
            format!("by the `From ` lines at byte {}, with {} separators inside", item.inner.1, item.inner.0)
        } else {
            "by the `From ` lines later, because no empty line stands there".to_owned()
        };
        let detail = format!("by Content-Length the message ends at byte {believed}, {other}");
        item.note(Anomaly::at(AnomalyKind::ContentLengthAmbiguous, place).with(detail));
    }
    if lines > 0 && !item.double {
        item.note(note(AnomalyKind::FromQuotingAmbiguous, item.start, end));
    }
    if end <= item.start {
        item.note(note(AnomalyKind::EmptyItem, item.start, item.start));
    }
    if last && end == hit {
        item.note(note(AnomalyKind::MessageUnterminated, end, end));
    }
    if item.unnoted > 0
        && let Some(last) = item.notes.last_mut()
    {
        last.detail = Some(format!("and {} more notes on this item", item.unnoted).into());
    }
    Step::Item(ItemAt {
        separator: item.separator,
        start: item.start,
        end,
        close: hit,
        rule,
        lines,
        uid: None,
        notes: item.notes,
    })
}

/// What is before the first item.
fn skipped(to: u64) -> Option<Step> {
    (to > 0).then_some(Step::Gap("preamble", to))
}

/// Whether the text that ends at `end` says that a message is shown there.
fn announced(w: &Window<'_>, item: &Item, end: u64) -> bool {
    announced::announces(w.slice(item.start.max(end.saturating_sub(announced::BACK)), end))
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
