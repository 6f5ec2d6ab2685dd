//! Items and gaps that are too long for memory: written to the case as they come, while nothing else is on its way.

use crate::facts::PARSE_LIMIT;
use crate::source::Long;
use crate::types::digest::{Sha256Stream, WireStream};
use crate::types::unescape::UnescapeStream;
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
    unescape: UnescapeStream,
    head: Vec<u8>,
}

impl LongWork {
    /// Takes the first piece of it.
    pub(super) fn begin(output: &mut Output<'_>, long: Long) -> Result<Option<Self>, WriteError> {
        let Long::Start { gap, separator, start, rule, uid } = long else {
            return Err(IngestError::Internal("something long that does not begin").into());
        };
        output.store.blob_begin()?;
        Ok(Some(Self {
            gap,
            separator,
            start,
            uid,
            slice: Sha256Stream::new(),
            wire: WireStream::new(),
            unescape: UnescapeStream::new(rule),
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
            unescape.update(part, &mut |bytes| {
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
        let Long::End { end, terminator, rule, lines, mut notes } = last else {
            return Err(IngestError::Internal("something long that does not end").into());
        };
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
        let is_new_to_case = stored.is_some();
        let place = if let Some(streamed) = stored {
            let place = Place { frame: claims.next_frame, offset: 0, len };
            claims.next_frame += 1;
            output.frames.push(streamed.frame);
            claims.registry.insert(&sha256, place);
            place
        } else {
            let known = claims.registry.find(&sha256);
            known.ok_or(IngestError::Internal("a blob that is known and is nowhere"))?
        };
        if let Some(kind) = self.gap {
            let record = output.maker.gap(kind, self.start, end, sha256)?;
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
        })?;
        output.long_item(&record, is_new_to_case)?;
        let Some(ordinal) = ordinal.filter(|&n| n >= shared.derived_until) else { return Ok(()) };
        let Some(key) = ItemKey::new(shared.segment, ordinal, 0) else { return Ok(()) };
        let words = output.container_state();
        let read = shared.bench.with(|tools| {
            tools.read(&Subject {
                key,
                sha256: &sha256,
                wire: &wire,
                message: &self.head,
                found: None,
                // The rule takes one byte from each line that it changes.
                size: len.saturating_sub(lines),
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
