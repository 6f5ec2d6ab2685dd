//! What the case has of an account already, from the ledger alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::acquire::{Known, Notice};
use crate::ingest::IngestError;
use crate::store::{Reader, SegmentInfo};
use crate::types::record::{Account, Entry, LEFT, Record};
use crate::types::server::ServerState;
use crate::types::text::shown;
use crate::types::{RelPath, Sha256Digest};

/// Half of a digest: enough that no two paths of an account meet.
type Half = [u8; 16];

/// What stands between the path of a folder and the number of its epoch (RFC 5092).
const EPOCH: &[u8] = b";UIDVALIDITY=";

/// The flags of a message as the server wrote them.
type Flags = Vec<Vec<u8>>;

/// Messages, folders and lefts of all segments of one account.
#[derive(Debug, Default)]
pub(super) struct InCase {
    has: HashSet<Half>,
    folders: HashMap<Vec<u8>, Vec<(u64, u32)>>,
    // Flags are the same again and again.
    flags: Vec<Flags>,
    flags_at: HashMap<Flags, u32>,
    left: HashSet<Half>,
    // Folders that the ledger names, with their names for people.
    named: BTreeMap<RelPath, String>,
    /// The segments of the account.
    pub segments: Vec<SegmentInfo>,
    /// The one that is pending and was begun with the same wishes.
    pub pending: Option<SegmentInfo>,
}

impl InCase {
    /// Reads what the case has of the mailbox of `account`.
    ///
    /// # Errors
    /// [`IngestError::Store`].
    pub(super) fn load(reader: &Reader, account: &Account) -> Result<Self, IngestError> {
        let mut known = Self::default();
        let is_of = |segment: &SegmentInfo| {
            segment.account.as_ref().is_some_and(|have| have.is_same_mailbox(account))
        };
        known.segments = reader.segments()?.into_iter().filter(is_of).collect();
        let is_same = |s: &&SegmentInfo| s.is_pending() && s.account.as_ref() == Some(account);
        known.pending = known.segments.iter().rev().find(is_same).cloned();
        let resumed = known.pending.as_ref().map(|segment| segment.number);
        for number in known.segments.iter().map(|segment| segment.number).collect::<Vec<_>>() {
            for record in reader.records(number, 0)? {
                match record?.1 {
                    Record::File(file) => {
                        known.has.insert(half(file.path.as_bytes()));
                        let flags =
                            file.server.map(|server: Box<ServerState>| server.flags).unwrap_or_default();
                        known.message(&file.path, file.uid.unwrap_or_default(), flags);
                    }
                    Record::Folder(folder) => {
                        known.named.insert(folder.path, folder.name);
                    }
                    Record::Entry(entry) if LEFT.iter().any(|(kind, _)| *kind == entry.kind) => {
                        known.left.insert(left(&entry));
                        // What was left in the run that goes on is left for good; a new run tries again.
                        if Some(number) == resumed {
                            known.has.insert(half(entry.path.as_bytes()));
                        }
                    }
                    _ => {}
                }
            }
        }
        for list in known.folders.values_mut() {
            // What was taken last stands last.
            list.sort_by_key(|(uid, _)| *uid);
            list.reverse();
            list.dedup_by_key(|(uid, _)| *uid);
            list.reverse();
        }
        Ok(known)
    }

    fn message(&mut self, path: &RelPath, uid: u64, flags: Flags) {
        let next = u32::try_from(self.flags.len()).unwrap_or(u32::MAX);
        let number = *self.flags_at.entry(flags).or_insert_with_key(|flags| {
            self.flags.push(flags.clone());
            next
        });
        let folder = path.folder_of_account().to_vec();
        self.folders.entry(folder).or_default().push((uid, number));
    }

    /// Whether a segment of the account names the folder.
    pub(super) fn names(&self, folder: &RelPath) -> bool {
        self.named.contains_key(folder)
    }

    /// What is told of the folders that the case has and the server has no more: not under their UIDVALIDITY, or not at
    /// all. `told` are the folders that this run has opened, or said of why it did not.
    pub(super) fn lost(&self, told: &HashSet<RelPath>) -> Vec<Notice> {
        let without_epoch = |path: &RelPath| {
            let end = memchr::memmem::rfind(path.as_bytes(), EPOCH).unwrap_or(path.as_bytes().len());
            path.as_bytes().get(..end).unwrap_or_default().to_vec()
        };
        let opened: HashSet<Vec<u8>> = told.iter().map(without_epoch).collect();
        let mut lost = Vec::new();
        for (path, name) in self.named.iter().filter(|(path, _)| !told.contains(*path)) {
            let base = without_epoch(path);
            if told.contains(&RelPath::new(base.clone())) {
                continue;
            }
            let kept = match self.folders.get(path.as_bytes()).map_or(0, Vec::len) {
                0 => "the case has no message of it".to_owned(),
                1 => "the case keeps 1 message of it".to_owned(),
                n => format!("the case keeps {n} messages of it"),
            };
            let (code, what) = if opened.contains(&base) {
                ("folder-anew", "was made anew on the server, with another UIDVALIDITY")
            } else {
                ("folder-gone", "is no longer on the server, or has another name there")
            };
            let text = format!("folder `{}` {what}; {kept}", shown(name));
            lost.push(Notice { code, path: Some(path.clone()), text, is_partial: false });
        }
        lost
    }

    /// Whether a segment of the account says the same of a message that was left.
    pub(super) fn has_left(&self, entry: &Entry) -> bool {
        self.left.contains(&left(entry))
    }
}

impl Known for InCase {
    fn has(&self, path: &RelPath) -> bool {
        self.has.contains(&half(path.as_bytes()))
    }

    fn folder(&self, path: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        let list = self.folders.get(path.as_bytes()).map(Vec::as_slice).unwrap_or_default();
        let flags = |number: u32| self.flags.get(number as usize).cloned().unwrap_or_default();
        list.iter().map(|(uid, number)| (*uid, flags(*number))).collect()
    }
}

fn half(bytes: &[u8]) -> Half {
    let mut half = Half::default();
    half.copy_from_slice(&Sha256Digest::of(bytes).as_bytes()[..16]);
    half
}

fn left(entry: &Entry) -> Half {
    let mut line = Vec::new();
    Record::Entry(entry.clone()).write_line(&mut line);
    half(&line)
}
