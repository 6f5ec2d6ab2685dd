//! Items and gaps that are too long for memory: written to the case as they come, while nothing else is on its way.

use crate::facts::PARSE_LIMIT;
use crate::source::Long;
use crate::types::digest::{Sha256Stream, WireStream};
use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind, ItemKey};

use super::IngestError;
use super::lines::{Hashed, NewItem};
use super::output::{Output, WriteError};
use super::registry::Place;
use super::tools::Subject;
use super::work::{Claims, Shared};

/// A long thing that is being written.
#[derive(Debug)]
pub(super) struct LongWork {
    gap: Option<&'static str>,
    separator: Vec<u8>,
    start: u64,
    uid: Option<u64>,
    slice: Sha256Stream,
    wire: WireStream,
    unescape: Unescape,
    head: Vec<u8>,
}

impl LongWork {
    /// Takes the first piece of it.
    pub(super) fn begin(output: &mut Output<'_>, long: Long) -> Result<Option<Self>, WriteError> {
        let Long::Start { gap, separator, start, rule, uid } = long else { return Ok(None) };
        output.store.blob_begin()?;
        Ok(Some(Self {
            gap,
            separator,
            start,
            uid,
            slice: Sha256Stream::new(),
            wire: WireStream::new(),
            unescape: Unescape::new(rule),
            head: Vec::new(),
        }))
    }

    /// Whether it is an item.
    pub(super) fn is_item(&self) -> bool {
        self.gap.is_none()
    }

    /// Takes the next bytes.
    pub(super) fn part(&mut self, output: &mut Output<'_>, part: &[u8]) -> Result<(), WriteError> {
        self.slice.update(part);
        output.store.blob_part(part)?;
        if self.gap.is_none() {
            let Self { unescape, wire, head, .. } = self;
            unescape.push(part, &mut |bytes| {
                wire.update(bytes);
                keep(head, bytes);
            });
        }
        output.wrote_quietly(part.len() as u64);
        Ok(())
    }

    /// Ends it: the blob is stored unless the case has it, the ledger line is written, the message is read.
    pub(super) fn end(
        mut self,
        output: &mut Output<'_>,
        claims: &mut Claims,
        shared: &Shared<'_>,
        ordinal: Option<u64>,
        last: Long,
    ) -> Result<(), WriteError> {
        let Long::End { end, terminator, rule, lines, mut notes } = last else { return Ok(()) };
        {
            let Self { unescape, wire, head, .. } = &mut self;
            unescape.finish(&mut |bytes| {
                wire.update(bytes);
                keep(head, bytes);
            });
        }
        let known = &claims.registry;
        let (sha256, stored) = output.store.blob_end(|digest| known.find(digest).is_none())?;
        let len = end - self.start;
        let place = match stored {
            Some(streamed) => {
                let place = Place { frame: claims.next_frame, offset: 0, len };
                claims.next_frame += 1;
                output.frames.push(streamed.frame);
                claims.registry.insert(&sha256, place);
                place
            }
            None => claims.registry.find(&sha256).unwrap_or(Place { frame: u32::MAX, offset: 0, len }),
        };
        if let Some(kind) = self.gap {
            let record = output.maker.gap(kind, self.start, end, sha256);
            output.plain(&record)?;
            return Ok(());
        }
        notes.push(Anomaly::whole(AnomalyKind::ItemOverParseLimit));
        let wire = self.wire.finish();
        let record = output.maker.item(NewItem {
            separator: std::mem::take(&mut self.separator),
            start: self.start,
            end,
            terminator,
            rule,
            lines,
            uid: self.uid,
            notes: notes.clone(),
            hash: Hashed { sha256, wire },
        });
        output.long_item(&record)?;
        let Some(ordinal) = ordinal.filter(|&n| n >= shared.derived_until) else { return Ok(()) };
        let Some(key) = ItemKey::new(shared.segment, ordinal, 0) else { return Ok(()) };
        let words = output.container_state();
        let read = shared.bench.with(|tools| {
            tools.read(&Subject {
                key,
                sha256: &sha256,
                wire: &wire,
                message: &self.head,
                notes: &notes,
                state: &words,
            })
        });
        let read = read.ok_or(WriteError::Failed(IngestError::Worker))?;
        output.item(&record, ordinal, place, &read, &self.head)
    }
}

/// Adds what of `bytes` is below the limit.
fn keep(head: &mut Vec<u8>, bytes: &[u8]) {
    let limit = usize::try_from(PARSE_LIMIT).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(head.len()).min(bytes.len());
    head.extend_from_slice(bytes.get(..room).unwrap_or_default());
}

/// Takes one `>` from `^>+From ` lines of bytes that come piece by piece.
#[derive(Debug)]
struct Unescape {
    rule: Rule,
    // The beginning of a line that may still turn out to be quoted.
    held: Vec<u8>,
    at_line_start: bool,
}

impl Unescape {
    fn new(rule: Rule) -> Self {
        Self { rule, held: Vec::new(), at_line_start: true }
    }

    fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        if self.rule == Rule::None {
            out(bytes);
            return;
        }
        let mut rest = bytes;
        while let Some((&first, _)) = rest.split_first() {
            if self.at_line_start {
                // Gather while it can be `>+From `.
                if may_be_quoted(&self.held, first) {
                    self.held.push(first);
                    rest = rest.get(1..).unwrap_or_default();
                    if self.held.ends_with(b"From ") {
                        out(self.held.get(1..).unwrap_or_default());
                        self.held.clear();
                        self.at_line_start = false;
                    }
                    continue;
                }
                out(&self.held);
                self.held.clear();
                self.at_line_start = false;
            }
            let upto = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(upto);
            out(line);
            self.at_line_start = line.ends_with(b"\n");
            rest = after;
        }
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        out(&self.held);
        self.held.clear();
    }
}

/// Whether `held` and then `next` can begin a line `>+From `.
fn may_be_quoted(held: &[u8], next: u8) -> bool {
    let quotes = held.iter().take_while(|&&b| b == b'>').count();
    let word = held.get(quotes..).unwrap_or_default();
    if word.is_empty() && next == b'>' {
        return true;
    }
    quotes > 0 && b"From ".get(word.len()) == Some(&next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn un_escaping_piece_by_piece_is_the_same_as_at_once() {
        let whole = b">From a\n>>From b\n>Fro\n>>\nFrom c\nx\n>From ".repeat(3);
        let want = Rule::MboxRd.apply(&whole).into_owned();
        for size in 1..20 {
            let mut got = Vec::new();
            let mut unescape = Unescape::new(Rule::MboxRd);
            for piece in whole.chunks(size) {
                unescape.push(piece, &mut |bytes| got.extend_from_slice(bytes));
            }
            unescape.finish(&mut |bytes| got.extend_from_slice(bytes));
            assert_eq!(got, want, "pieces of {size}");
        }
    }
}
