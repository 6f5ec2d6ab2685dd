//! Goes through a listing in order: opens, tells the kind, splits, closes.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::types::digest::Sha256Stream;
use crate::types::legacy::LegacyStream;
use crate::types::{Anomaly, AnomalyKind, RelPath};

use super::archive::{self, Again, Budget, Section};
use super::detect::{self, Verdict};
use super::drive::{Splitter, drive};
use super::file::{self, FileState, Pump};
use super::maildir::{self, Folders, Role, Uids};
use super::mbox::Mbox;
use super::mmdf::Mmdf;
use super::whole::{Message, Opaque};
use super::{Close, Event, Listing, Open, Options, SourceError, What};

/// One reading of a source.
pub(super) struct Session<'a> {
    pub options: &'a Options,
    pub sink: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    /// Number of the newest container.
    pub number: u32,
}

/// What is known of a container before it is read.
pub(super) struct Input<'a> {
    pub path: RelPath,
    pub parent: Option<u32>,
    pub role: Role,
    pub uid: Option<u64>,
    pub before: Option<FileState>,
    /// What is odd about where it was found.
    pub notes: Vec<Anomaly>,
    pub reader: Box<dyn Read + 'a>,
    /// The file itself, for reading ahead.
    pub ahead: Option<&'a File>,
    /// Size that is expected, in bytes.
    pub size: Option<u64>,
    /// Archives around it.
    pub depth: u32,
    /// How its bytes can be had once more.
    pub again: Again<'a>,
    /// What archives may still cost; `None` outside of archives.
    pub budget: Option<&'a Budget<'a>>,
}

/// Why reading stopped: the sink said so, or ids ran out.
pub(super) enum Stop {
    Asked,
    TooMany,
}

pub(super) type Flow<T = ()> = ControlFlow<Stop, T>;

fn asked<T>(flow: ControlFlow<(), T>) -> Flow<T> {
    match flow {
        ControlFlow::Continue(value) => ControlFlow::Continue(value),
        ControlFlow::Break(()) => ControlFlow::Break(Stop::Asked),
    }
}

impl<'a> Session<'a> {
    pub(super) fn new(options: &'a Options, sink: &'a mut dyn FnMut(Event) -> ControlFlow<()>) -> Self {
        Self { options, sink, number: 0 }
    }

    pub(super) fn run(mut self, listing: &Listing) -> Result<(), SourceError> {
        match self.all(listing) {
            ControlFlow::Continue(()) | ControlFlow::Break(Stop::Asked) => Ok(()),
            ControlFlow::Break(Stop::TooMany) => {
                Err(SourceError::TooMany { path: listing.root.clone(), limit: u32::MAX })
            }
        }
    }

    fn all(&mut self, listing: &Listing) -> Flow {
        let folders = Folders::of(&listing.found);
        let mut uids = Uids::default();
        for thing in &listing.found {
            match &thing.what {
                What::Other(entry) => self.send(Event::Entry((**entry).clone()))?,
                What::File { .. } => {
                    let role = folders.role(&thing.path);
                    let uid = match role {
                        Role::Maildir { tmp: false } => uids.of(listing, &thing.path),
                        _ => None,
                    };
                    self.file(listing, &thing.path, role, uid)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    pub(super) fn send(&mut self, event: Event) -> Flow {
        asked((self.sink)(event))
    }

    fn file(&mut self, listing: &Listing, path: &RelPath, role: Role, uid: Option<u64>) -> Flow {
        let (opened, before) = match file::open(&listing.place(path)) {
            Ok(opened) => opened,
            Err(error) => {
                return self.send(Event::Entry(super::unreadable(path, &error)));
            }
        };
        let input = Input {
            path: path.clone(),
            parent: None,
            role,
            uid,
            before: Some(before),
            notes: Vec::new(),
            reader: Box::new(&opened),
            ahead: Some(&opened),
            size: Some(before.size),
            depth: 0,
            again: Again::Section(Section::of_file(&opened, before.size)),
            budget: None,
        };
        self.container(input)
    }

    /// The next container number.
    pub(super) fn next(&mut self) -> Flow<u32> {
        match self.number.checked_add(1) {
            Some(number) => {
                self.number = number;
                ControlFlow::Continue(number)
            }
            None => ControlFlow::Break(Stop::TooMany),
        }
    }

    /// Reads one container from its first byte to its last.
    pub(super) fn container(&mut self, input: Input<'_>) -> Flow {
        let container = self.next()?;
        let Input { path, parent, role, uid, before, mut notes, reader, ahead, size, depth, again, budget } =
            input;
        let mut pump = Pump::new(reader, ahead);
        let mut head = first_bytes(&mut pump, size);
        more_header(&mut pump, &mut head);
        let verdict = detect::detect(&head, pump.eof, role, path.name(), self.options.kind);
        self.send(Event::Open(Open { container, parent, path: path.clone(), kind: verdict.kind, before }))?;

        if let Some(other) = verdict.other {
            notes.push(Anomaly::whole(AnomalyKind::TwoReadings).with(other));
        }

        let one = matches!(verdict.kind, "eml" | "maildir" | "mh");
        // The digest of a file that is one item is the item's, which the receiver makes anyway.
        let sha256 = !one || detect::begins_with_from(&head);
        pump.hash_from(&head, sha256, self.options.md5, self.options.sha1);
        if archive::is_archive(verdict.kind) {
            let rest = Packed { path, role, uid, before, notes, ahead, depth, again, budget, verdict };
            return self.archive(container, pump, head, rest);
        }
        let mut mbox = None;
        let items = {
            let limits = &self.options.limits;
            let mut message;
            let mut mmdf;
            let mut opaque;
            let splitter: &mut dyn Splitter = match verdict.kind {
                "mbox" => mbox.insert(Mbox::new(self.options.split, limits.in_memory)),
                "mmdf" => {
                    mmdf = Mmdf::new();
                    &mut mmdf
                }
                _ if one => {
                    let tmp = matches!(role, Role::Maildir { tmp: true });
                    let named = matches!(role, Role::Maildir { .. });
                    let notes = match size {
                        Some(size) if named => maildir::notes(path.name(), size, tmp),
                        _ => Vec::new(),
                    };
                    message = Message::new(uid, notes);
                    &mut message
                }
                _ => {
                    opaque = Opaque::new();
                    &mut opaque
                }
            };
            asked(drive(splitter, &mut pump, head, limits, self.sink))?
        };
        notes.extend(mbox.map(|m| m.notes).unwrap_or_default());
        let done = Done { container, verdict, items, notes, before, budget };
        self.close(done, pump, ahead, None)?;
        ControlFlow::Continue(())
    }

    /// Hands over an archive as it is, then reads what is in it.
    fn archive(&mut self, container: u32, mut pump: Pump<'_>, mut head: Vec<u8>, rest: Packed<'_>) -> Flow {
        let Packed { path, role, uid, before, notes, ahead, depth, again, budget, mut verdict } = rest;
        let limits = &self.options.limits;
        // A small archive is kept in memory, so that it is read once.
        let room = limits.archive_memory.saturating_add(1).saturating_sub(head.len());
        pump.fill(&mut head, room);
        let kept = if pump.eof { head.clone() } else { Vec::new() };
        let again = if pump.eof { Again::Section(Section::of_bytes(&kept)) } else { again };
        asked(drive(&mut Opaque::new(), &mut pump, head, limits, self.sink))?;

        let mut refused = None;
        let ready = if depth >= limits.archive_depth {
            verdict.reason = Some("archive-limit");
            refused = Some((0, format!("archives are opened to a depth of {}", limits.archive_depth)));
            None
        } else {
            match archive::prepare(verdict.kind, &again) {
                Ok((ready, None)) => {
                    verdict.reason = Some("archive-opened");
                    Some(ready)
                }
                Ok((ready, Some(damage))) => {
                    verdict.reason = Some("archive-damaged");
                    refused = Some((0, damage));
                    Some(ready)
                }
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    verdict.reason = Some("archive-limit");
                    let most = limits.archive_memory;
                    refused = Some((0, format!("inside an archive, this kind is opened up to {most} bytes")));
                    None
                }
                Err(error) => {
                    verdict.reason = Some("archive-damaged");
                    refused = Some((0, error.to_string()));
                    None
                }
            }
        };
        let size = pump.at;
        let done = Done { container, verdict, items: 0, notes, before, budget };
        let after = self.close(done, pump, ahead, refused)?;
        let Some(ready) = ready else { return ControlFlow::Continue(()) };
        let own = Budget::new(limits, size, ahead.zip(after));
        let budget = budget.unwrap_or(&own);
        let outer = archive::Outer {
            container,
            path: &path,
            kind: verdict.kind,
            role,
            uid,
            depth,
            again: &again,
            budget,
        };
        archive::open(self, &outer, ready)
    }

    /// Closes a container; answers how its file is now.
    fn close(
        &mut self,
        done: Done<'_>,
        pump: Pump<'_>,
        file: Option<&File>,
        refused: Option<(u64, String)>,
    ) -> Flow<Option<FileState>> {
        let Done { container, verdict, items, mut notes, before, budget } = done;
        let size = pump.at;
        let (sha256, legacy, error) = pump.finish();
        let after = file.and_then(|file| file.metadata().ok()).map(|m| FileState::of(&m));
        let changed = match (&before, &after) {
            (Some(before), Some(after)) => {
                after.differs_from(before) || after.size != size && error.is_none()
            }
            (Some(_), None) => true,
            _ => budget.is_some_and(Budget::is_changed),
        };
        if changed {
            notes.push(Anomaly::whole(AnomalyKind::ChangedWhileRead));
        }
        let (md5, sha1) = legacy.map(LegacyStream::finish).unwrap_or_default();
        let failed = error.as_ref().map(|(_, error)| match budget {
            _ if archive::is_limit(error) => "archive-limit",
            Some(_) => "archive-damaged",
            None => "unreadable",
        });
        self.send(Event::Close(Close {
            container,
            items,
            size,
            sha256: sha256.map(Sha256Stream::finish),
            md5,
            sha1,
            reason: failed.or(verdict.reason),
            error: error.map(|(at, error): (u64, io::Error)| (at, error.to_string())).or(refused),
            notes,
            after,
            changed,
        }))?;
        ControlFlow::Continue(after)
    }
}

/// What is known of a container at its end.
struct Done<'a> {
    container: u32,
    verdict: Verdict,
    items: u64,
    notes: Vec<Anomaly>,
    before: Option<FileState>,
    budget: Option<&'a Budget<'a>>,
}

/// What is known of an archive before it is read.
struct Packed<'a> {
    path: RelPath,
    role: Role,
    uid: Option<u64>,
    before: Option<FileState>,
    notes: Vec<Anomaly>,
    ahead: Option<&'a File>,
    depth: u32,
    again: Again<'a>,
    budget: Option<&'a Budget<'a>>,
    verdict: Verdict,
}

/// Reads on in a file that begins with a header block, until it can be told whether it is that of a message.
fn more_header(pump: &mut Pump<'_>, head: &mut Vec<u8>) {
    while !pump.eof && head.len() < detect::MOST && detect::is_undecided(head) {
        let more = head.len();
        pump.fill(head, more);
    }
}

/// The bytes by which the kind is told; all of a small file, read in one call.
fn first_bytes(pump: &mut Pump<'_>, size: Option<u64>) -> Vec<u8> {
    let mut head = Vec::new();
    match size.and_then(|size| usize::try_from(size).ok()) {
        Some(size) if size < detect::HEAD => {
            pump.fill_exactly(&mut head, size);
            let rest = detect::HEAD.saturating_sub(head.len());
            pump.fill(&mut head, rest);
        }
        _ => pump.fill(&mut head, detect::HEAD),
    }
    head
}
