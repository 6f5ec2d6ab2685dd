//! Goes through a listing in order: opens, tells the kind, splits, closes.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::types::record::Entry;
use crate::types::{Anomaly, AnomalyKind, RelPath};

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
    pub reader: Box<dyn Read + 'a>,
    /// The file itself, for reading ahead.
    pub ahead: Option<&'a File>,
    /// Size that is expected, in bytes.
    pub size: Option<u64>,
}

/// Why reading stopped: the sink said so, or ids ran out.
pub(super) enum Stop {
    Asked,
    TooMany,
}

type Flow<T = ()> = ControlFlow<Stop, T>;

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
                let note = Some(error.to_string().into_bytes());
                let entry = Entry { path: path.clone(), kind: "unreadable".to_owned(), note };
                return self.send(Event::Entry(entry));
            }
        };
        let input = Input {
            path: path.clone(),
            parent: None,
            role,
            uid,
            before: Some(before),
            reader: Box::new(&opened),
            ahead: Some(&opened),
            size: Some(before.size),
        };
        self.container(input)
    }

    /// The next container number.
    fn next(&mut self) -> Flow<u32> {
        match self.number.checked_add(1) {
            Some(number) => {
                self.number = number;
                ControlFlow::Continue(number)
            }
            None => ControlFlow::Break(Stop::TooMany),
        }
    }

    /// Reads one container from its first byte to its last.
    fn container(&mut self, input: Input<'_>) -> Flow {
        let container = self.next()?;
        let Input { path, parent, role, uid, before, reader, ahead, size } = input;
        let mut pump = Pump::new(reader, ahead);
        let head = first_bytes(&mut pump, size);
        let verdict = detect::detect(&head, pump.eof, role, path.name(), self.options.kind);
        self.send(Event::Open(Open { container, parent, path: path.clone(), kind: verdict.kind, before }))?;

        let one = matches!(verdict.kind, "eml" | "maildir" | "mh");
        // The digest of a file that is one item is the item's, which the receiver makes anyway.
        let sha256 = !one || detect::begins_with_from(&head);
        pump.hash_from(&head, sha256, self.options.md5, self.options.sha1);
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
        let notes = mbox.map(|m| m.notes).unwrap_or_default();
        self.close(container, pump, verdict, items, notes, before, ahead)
    }

    #[expect(clippy::too_many_arguments, reason = "all that is known at the end of a container")]
    fn close(
        &mut self,
        container: u32,
        pump: Pump<'_>,
        verdict: Verdict,
        items: u64,
        mut notes: Vec<Anomaly>,
        before: Option<FileState>,
        file: Option<&File>,
    ) -> Flow {
        let size = pump.at;
        let (sha256, legacy, error) = pump.finish();
        let after = file.and_then(|file| file.metadata().ok()).map(|m| FileState::of(&m));
        let changed = match (&before, &after) {
            (Some(before), Some(after)) => {
                after.differs_from(before) || after.size != size && error.is_none()
            }
            (Some(_), None) => true,
            _ => false,
        };
        if changed {
            notes.push(Anomaly::whole(AnomalyKind::ChangedWhileRead));
        }
        let (md5, sha1) = legacy.map(crate::types::legacy::LegacyStream::finish).unwrap_or_default();
        self.send(Event::Close(Close {
            container,
            items,
            size,
            sha256: sha256.map(crate::types::digest::Sha256Stream::finish),
            md5,
            sha1,
            reason: error.as_ref().map(|_| "unreadable").or(verdict.reason),
            error: error.map(|(at, error): (u64, io::Error)| (at, error.to_string())),
            notes,
            after,
            changed,
        }))
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
