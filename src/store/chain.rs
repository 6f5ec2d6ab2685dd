//! Walks the custody log up to the head: which events are believed, and what they cover.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use crate::types::Sha256Digest;
use crate::types::json;

use super::custody::{Event, Head, Link, NOTHING};
use super::disk::read_small;
use super::framed::{LineForm, LineFrame};
use super::layout::{FileKind, Layout};
use super::lines::{Lines, last_line};
use super::{StoreError, VERSION};

/// What is wrong with a record, in a way that no crash explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// There is no `HEAD` although events were committed.
    HeadMissing,
    /// `HEAD` is not in its canonical form.
    HeadInvalid,
    /// `HEAD` names an event that is not the one in the log, or one that was followed by more than one other.
    HeadUnknown,
    /// A line of the custody log is no canonical event.
    EventInvalid,
    /// The digest in an event is not that of the line before, or its number is not the next.
    ChainBroken,
    /// The stretches of a file do not follow each other.
    StretchesBroken,
    /// The file is shorter than what an event covers, or not there.
    TooShort,
    /// `VERSION` or `case.json` is not in its form.
    FormInvalid,
    /// A link or something else lies where a file or folder of the record should.
    NotOurs,
    /// A line of a pack is no canonical frame line, or does not follow the one before.
    FrameInvalid,
    /// A frame of lines cannot be unpacked, or does not hold what its event says.
    LinesUnreadable,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HeadMissing => "the head is missing",
            Self::HeadInvalid => "the head is not in canonical form",
            Self::HeadUnknown => "the head does not name the last event of the custody log",
            Self::EventInvalid => "the line is no canonical event",
            Self::ChainBroken => "the event is not the one that must follow",
            Self::StretchesBroken => "the stretches that events cover do not follow each other",
            Self::TooShort => "the file is shorter than what was committed",
            Self::FormInvalid => "the content is not in its form",
            Self::NotOurs => "it is a link or no plain file",
            Self::LinesUnreadable => "the lines cannot be unpacked, or are not as many as were committed",
            Self::FrameInvalid => "the line is no canonical frame line, or does not follow the one before",
        })
    }
}

/// The believed part of a custody log.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The newest event that is believed; may be one further than the file `HEAD` says.
    pub head: Head,
    /// Committed length of each file of the record, by path; packs are not in it.
    pub covers: BTreeMap<String, u64>,
    /// The frames of each file of frames, by path, one for each stretch that an event covers.
    pub frames: BTreeMap<String, Vec<LineFrame>>,
    /// How the lines of packs and ledger are kept.
    pub form: LineForm,
    /// Length of the believed part of `custody.jsonl`.
    pub len: u64,
    /// Length that `custody.jsonl` has; more than `len` means a torn tail.
    pub size: u64,
    /// Whether `HEAD` names the event before the newest, or is not there yet.
    pub head_behind: bool,
}

impl Chain {
    /// Highest number of a file of this kind that is covered; 0 when there is none.
    pub fn last(&self, kind: FileKind) -> u32 {
        self.numbers(kind).max().unwrap_or(0)
    }

    /// Numbers of the covered files of this kind, ascending below a million.
    pub fn numbers(&self, kind: FileKind) -> impl Iterator<Item = u32> + '_ {
        self.covers.keys().filter_map(move |path| {
            FileKind::of(path).filter(|(found, _)| *found == kind).map(|(_, number)| number)
        })
    }

    /// Committed length of a file of the record; of a file of frames that of its lines, unpacked.
    pub fn cover(&self, path: &str) -> u64 {
        self.covers.get(path).copied().unwrap_or(0)
    }

    /// Committed length of a file of the record as it is stored.
    pub fn stored(&self, path: &str) -> u64 {
        if FileKind::is_framed(path) {
            self.frames.get(path).and_then(|frames| frames.last()).map_or(0, |frame| frame.to_packed)
        } else {
            self.cover(path)
        }
    }

    /// The path of a numbered file, relative to the case.
    pub fn name(&self, kind: FileKind, number: u32) -> String {
        kind.path(number, self.form)
    }

    /// The committed lines of a file from byte `from` (unpacked) on.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be opened.
    pub fn lines(&self, layout: &Layout, rel: &str, from: u64) -> Result<Lines, StoreError> {
        let to = self.cover(rel);
        if FileKind::is_framed(rel) {
            Lines::framed(&layout.at(rel), self.frames.get(rel).map_or(&[], Vec::as_slice), from, to)
        } else {
            Lines::open(&layout.at(rel), from, to)
        }
    }

    /// The last committed line of a file, without its LF; `None` when it is longer than `limit`.
    pub(super) fn last_line(
        &self,
        layout: &Layout,
        rel: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        if !FileKind::is_framed(rel) {
            return Ok(last_line(&layout.at(rel), self.cover(rel), limit)?.map(|(_, line)| line));
        }
        // A commit has whole lines, so the last is all in the last frame.
        let from = self.frames.get(rel).and_then(|frames| frames.last()).map_or(0, |frame| frame.from);
        let mut lines = self.lines(layout, rel, from)?;
        let mut last = None;
        while let Some(line) = lines.next_line()? {
            let fits = line.is_whole && line.bytes.len() as u64 <= limit;
            let kept = last.get_or_insert_with(Vec::new);
            kept.clear();
            kept.extend_from_slice(line.bytes);
            if !fits {
                last = None;
            }
        }
        Ok(last)
    }

    /// In which form the lines are: what the events name decides, before there are any the version of the format.
    pub fn form_of(covers: &BTreeMap<String, u64>, layout: &Layout) -> LineForm {
        let mut numbered = covers.keys().filter(|path| FileKind::of(path).is_some()).peekable();
        if numbered.peek().is_some() {
            let is_framed = numbered.any(|path| FileKind::is_framed(path));
            return if is_framed { LineForm::Framed } else { LineForm::Plain };
        }
        let version = read_small(&layout.at(Layout::VERSION)).ok().and_then(|text| version_of(&text));
        LineForm::of_version(version.and_then(|version| u32::try_from(version).ok()).unwrap_or(VERSION))
    }
}

/// Refuses what is no case, and a case of a newer format; answers the version of the format.
pub(super) fn check_version(layout: &Layout) -> Result<u32, StoreError> {
    let path = layout.at(Layout::VERSION);
    let text = match read_small(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !layout.at(Layout::HEAD).exists() => {
            return Err(StoreError::NotACase { path: layout.root().to_owned() });
        }
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    let found = version_of(&text);
    match found.and_then(|found| u32::try_from(found).ok()) {
        Some(version) if version <= VERSION => return Ok(version),
        _ => {}
    }
    match found {
        Some(found) => Err(StoreError::NewerFormat { path: layout.root().to_owned(), found }),
        // The first write of all was cut off: nothing else has been written yet.
        None if format!("mailtrail-case/{VERSION}\n").as_bytes().starts_with(&text)
            && is_before_log(layout) =>
        {
            Err(StoreError::NotACase { path: layout.root().to_owned() })
        }
        None => Err(StoreError::Damaged { path, offset: 0, trouble: Trouble::FormInvalid }),
    }
}

/// Whether there is neither head nor event: of a case that was made, both are there.
///
/// The log is opened before the first byte of `VERSION` is on the disk, so an empty one tells nothing.
fn is_before_log(layout: &Layout) -> bool {
    let log = fs::metadata(layout.at(Layout::CUSTODY));
    !layout.at(Layout::HEAD).exists() && log.map_or(true, |log| log.len() == 0)
}

/// The number in the text of a `VERSION` file; `None` when it is not in its form.
pub fn version_of(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"mailtrail-case/")?.strip_suffix(b"\n")?;
    let plain = digits.first().is_some_and(|&d| d != b'0') && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// Reads the head; `None` when there is none.
///
/// # Errors
/// [`StoreError::Damaged`] when it is not in its form, [`StoreError::Io`].
pub(super) fn read_head(layout: &Layout) -> Result<Option<Head>, StoreError> {
    let path = layout.at(Layout::HEAD);
    match read_small(&path) {
        Ok(bytes) => match Head::parse(&bytes) {
            Some(head) => Ok(Some(head)),
            None => Err(StoreError::Damaged { path, offset: 0, trouble: Trouble::HeadInvalid }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

/// Reads the head and the custody log, in this order, and follows the chain: as a reader up to the head, because a
/// writer may be adding to the log; with `beyond`, which only the holder of the lock can ask for, to its end.
///
/// # Errors
/// [`StoreError::NotACase`] when there is neither a head nor an event, [`StoreError::Damaged`] when what is there
/// cannot come from a crash.
pub fn read_chain(layout: &Layout, beyond: bool) -> Result<Chain, StoreError> {
    follow(layout, read_head(layout)?, beyond)
}

/// Follows the chain to this head, or beyond it.
pub(super) fn follow(layout: &Layout, head: Option<Head>, beyond: bool) -> Result<Chain, StoreError> {
    let head_path = layout.at(Layout::HEAD);
    let log_path = layout.at(Layout::CUSTODY);
    let damaged = |path: &std::path::Path, offset, trouble| {
        Err(StoreError::Damaged { path: path.to_owned(), offset, trouble })
    };
    let named = head.as_ref().map_or(0, |head| head.events);
    let size = match fs::metadata(&log_path) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && head.is_none() => {
            return Err(StoreError::NotACase { path: layout.root().to_owned() });
        }
        Err(error) => return Err(StoreError::io("read", log_path, error)),
    };
    let mut lines = Lines::open(&log_path, 0, size)?;
    let mut covers = BTreeMap::new();
    let mut frames = BTreeMap::new();
    let mut prev = Sha256Digest::from_bytes(NOTHING);
    let (mut events, mut len) = (0u64, 0u64);
    let upto = if beyond || head.is_none() { u64::MAX } else { named };
    while events < upto
        && let Some(line) = lines.next_line()?
    {
        // Past the head, what is no event is the tail of a write that was cut off.
        let past = events >= named;
        let at = line.at;
        // Up to the head the digests vouch for the lines; the form of what lies beyond is all there is to judge it by.
        let event = if past { Event::parse(line.bytes).map(Link::from) } else { Link::parse(line.bytes) };
        let Some(event) = event.filter(|_| line.is_whole) else {
            if past {
                break;
            }
            return damaged(&log_path, at, Trouble::EventInvalid);
        };
        if event.prev != prev || event.seq != events || (events == 0) != event.is_created {
            if past {
                break;
            }
            return damaged(&log_path, at, Trouble::ChainBroken);
        }
        for stretch in &event.files {
            let cover = covers.entry(stretch.path.clone()).or_insert(0u64);
            if *cover != stretch.from {
                return damaged(&log_path, at, Trouble::StretchesBroken);
            }
            *cover = stretch.to;
            if let Some(frame) = stretch.frame() {
                let of: &mut Vec<LineFrame> = frames.entry(stretch.path.clone()).or_default();
                if of.last().map_or(0, |last| last.to_packed) != frame.from_packed {
                    return damaged(&log_path, at, Trouble::StretchesBroken);
                }
                of.push(frame);
            }
        }
        prev = Sha256Digest::of(line.bytes);
        events += 1;
        len = at + line.bytes.len() as u64 + 1;
        if head.as_ref().is_some_and(|head| head.events == events && head.head != prev) {
            return damaged(&head_path, 0, Trouble::HeadUnknown);
        }
    }
    if events == 0 && head.is_none() {
        return Err(StoreError::NotACase { path: layout.root().to_owned() });
    }
    if head.is_none() && events > 1 {
        return damaged(&head_path, 0, Trouble::HeadMissing);
    }
    if events < named || events > named + 1 {
        return damaged(&head_path, 0, Trouble::HeadUnknown);
    }
    let case = match head {
        Some(head) => head.case,
        None => case_id(layout)?,
    };
    let head_behind = events != named;
    let form = Chain::form_of(&covers, layout);
    Ok(Chain { head: Head { case, events, head: prev }, covers, frames, form, len, size, head_behind })
}

fn case_id(layout: &Layout) -> Result<String, StoreError> {
    let path = layout.at(Layout::CASE);
    let bytes = read_small(&path).map_err(|error| StoreError::io("read", &path, error))?;
    let id = bytes
        .strip_suffix(b"\n")
        .and_then(json::read_canonical)
        .and_then(|v| v.get("case").and_then(|case| case.as_str()).map(str::to_owned));
    id.ok_or(StoreError::Damaged { path, offset: 0, trouble: Trouble::FormInvalid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_in_its_one_form() {
        assert_eq!(version_of(b"mailtrail-case/1\n"), Some(1));
        assert_eq!(version_of(b"mailtrail-case/12\n"), Some(12));
        for text in
            ["mailtrail-case/1", "mailtrail-case/01\n", "mailtrail-case/\n", "mailtrail-case/+1\n", ""]
        {
            assert_eq!(version_of(text.as_bytes()), None, "{text}");
        }
    }
}
