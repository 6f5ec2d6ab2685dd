//! What the tests of this folder share: reads bytes or a folder and checks that every byte is in one range.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use crate::types::unescape::Rule;
use crate::types::{AnomalyKind, Sha256Digest};

use super::{Close, Cut, Event, Kind, Limits, Long, Open, Options, Split, list, read};

/// A range as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub gap: Option<&'static str>,
    pub separator: Vec<u8>,
    pub start: u64,
    pub body: Vec<u8>,
    pub terminator: Vec<u8>,
    pub rule: Rule,
    pub lines: u64,
    pub uid: Option<u64>,
    pub notes: Vec<AnomalyKind>,
}

/// A container as read.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub open: Open,
    pub ranges: Vec<Range>,
    pub close: Close,
    pub bytes: Vec<u8>,
    pub long: bool,
}

impl Container {
    pub(super) fn items(&self) -> Vec<&Range> {
        self.ranges.iter().filter(|r| r.gap.is_none()).collect()
    }

    pub(super) fn bodies(&self) -> Vec<String> {
        self.items().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect()
    }

    pub(super) fn notes(&self) -> Vec<&'static str> {
        let own = self.close.notes.iter().map(|n| n.kind);
        own.chain(self.ranges.iter().flat_map(|r| r.notes.clone())).map(AnomalyKind::code).collect()
    }
}

#[derive(Default)]
pub(super) struct Collector {
    pub done: Vec<Container>,
    pub entries: Vec<(String, String)>,
    now: Option<Container>,
}

impl Collector {
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Entry(e) => self.entries.push((e.kind.clone(), e.path.display().into_owned())),
            Event::Open(open) => {
                assert!(self.now.is_none());
                let close = Close {
                    container: 0,
                    items: 0,
                    size: 0,
                    sha256: None,
                    md5: None,
                    sha1: None,
                    reason: None,
                    error: None,
                    notes: Vec::new(),
                    after: None,
                    changed: false,
                };
                self.now =
                    Some(Container { open, ranges: Vec::new(), close, bytes: Vec::new(), long: false });
            }
            Event::Bytes(bytes) => {
                let now = self.now.as_mut().unwrap();
                assert_eq!(bytes.base, now.bytes.len() as u64);
                let mut at = 0;
                for cut in bytes.cuts {
                    let range = match cut {
                        Cut::Item { separator, body, terminator, rule, lines, uid, notes } => {
                            assert_eq!(
                                (separator.start, separator.end, body.end),
                                (at, body.start, terminator.start)
                            );
                            at = terminator.end;
                            Range {
                                gap: None,
                                separator: bytes.data[separator].to_vec(),
                                start: bytes.base + body.start as u64,
                                body: bytes.data[body].to_vec(),
                                terminator: bytes.data[terminator].to_vec(),
                                rule,
                                lines,
                                uid,
                                notes: notes.iter().map(|n| n.kind).collect(),
                            }
                        }
                        Cut::Gap { kind, range } => {
                            assert_eq!(range.start, at);
                            at = range.end;
                            Range {
                                gap: Some(kind),
                                separator: Vec::new(),
                                start: bytes.base + range.start as u64,
                                body: bytes.data[range].to_vec(),
                                terminator: Vec::new(),
                                rule: Rule::None,
                                lines: 0,
                                uid: None,
                                notes: Vec::new(),
                            }
                        }
                    };
                    now.ranges.push(range);
                }
                assert_eq!(at, bytes.data.len());
                now.bytes.extend_from_slice(&bytes.data);
            }
            Event::Long(Long::Start { gap, separator, start, rule, uid }) => {
                let now = self.now.as_mut().unwrap();
                now.long = true;
                assert_eq!(start, (now.bytes.len() + separator.len()) as u64);
                now.bytes.extend_from_slice(&separator);
                let (body, terminator, notes) = Default::default();
                now.ranges.push(Range {
                    gap,
                    separator,
                    start,
                    body,
                    terminator,
                    rule,
                    lines: 0,
                    uid,
                    notes,
                });
            }
            Event::Long(Long::Part(part)) => {
                let now = self.now.as_mut().unwrap();
                now.bytes.extend_from_slice(&part);
                now.ranges.last_mut().unwrap().body.extend_from_slice(&part);
            }
            Event::Long(Long::End { end, terminator, rule, lines, notes }) => {
                let now = self.now.as_mut().unwrap();
                assert_eq!(end, now.bytes.len() as u64);
                now.bytes.extend_from_slice(&terminator);
                let range = now.ranges.last_mut().unwrap();
                assert!(rule == range.rule || lines == 0);
                range.terminator = terminator;
                range.rule = rule;
                range.lines = lines;
                range.notes = notes.iter().map(|n| n.kind).collect();
            }
            Event::Close(close) => {
                let mut now = self.now.take().unwrap();
                assert_eq!((close.container, close.size), (now.open.container, now.bytes.len() as u64));
                match close.sha256 {
                    Some(sha256) => assert_eq!(sha256, Sha256Digest::of(&now.bytes)),
                    None => assert_eq!(
                        (now.ranges.len(), &now.ranges[0].body, now.ranges[0].gap),
                        (1, &now.bytes, None)
                    ),
                }
                assert_eq!(close.items, now.items().len() as u64);
                for range in now.items() {
                    let quoted = crate::types::unescape::quoted_lines(&range.body).count() as u64;
                    if range.rule == Rule::MboxRd {
                        assert_eq!((range.lines, range.lines > 0), (quoted, true));
                    } else {
                        assert_eq!(range.lines, 0);
                    }
                }
                now.close = close;
                self.done.push(now);
            }
        }
    }
}

/// Reads a folder or file.
pub(super) fn read_all(root: &Path, options: &Options) -> Collector {
    let listing = list(root).unwrap();
    let mut all = Collector::default();
    read(&listing, options, &mut |event| {
        all.take(event);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(all.now.is_none());
    all
}

/// Reads bytes as a file called `name`, and all that is in it.
pub(super) fn read_all_as(name: &str, bytes: &[u8], options: &Options) -> Vec<Container> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_all(&path, options).done
}

/// Reads bytes as a file called `name`.
pub(super) fn read_as(name: &str, bytes: &[u8], options: &Options) -> Container {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    let all = read_all(&path, options);
    let first = all.done.into_iter().next().unwrap();
    assert_eq!(first.bytes, bytes);
    first
}

/// Reads bytes as an mbox, with buffers of the given size.
pub(super) fn mbox(bytes: &[u8], batch: usize) -> Container {
    mbox_within(bytes, batch, Limits::default().in_memory)
}

/// The same, with a limit on what is kept in memory.
pub(super) fn mbox_within(bytes: &[u8], batch: usize, in_memory: usize) -> Container {
    let limits = Limits { in_memory, batch, ..Limits::default() };
    read_as("x", bytes, &Options { kind: Kind::Mbox, limits, ..Options::default() })
}

/// The same bytes from a compressed file, where nothing can be looked at ahead.
pub(super) fn mbox_packed(bytes: &[u8], batch: usize) -> Container {
    let packed = zstd::encode_all(bytes, 1).unwrap();
    let limits = Limits { batch, archive_ratio: u64::MAX, ..Limits::default() };
    let options = Options { kind: Kind::Mbox, limits, ..Options::default() };
    read_all_as("x.zst", &packed, &options).into_iter().nth(1).unwrap()
}

/// Reads bytes as whatever they are.
pub(super) fn auto(bytes: &[u8]) -> Container {
    read_as("x", bytes, &Options::default())
}

/// Reads bytes as an mbox that is split so.
pub(super) fn split(bytes: &[u8], split: Split) -> Container {
    read_as("x", bytes, &Options { split, ..Options::default() })
}
