//! What a server gives for the messages of a chunk beside the bodies that are taken: told, and kept within bounds.

use super::plan::Epoch;
use crate::acquire::other::{KEPT, KEPT_BYTES, other};
use crate::acquire::{Notice, Told};
use crate::types::Sha256Digest;

/// Notices of a chunk that are told one by one; of further ones the number is told.
const NOTICES: usize = 1000;

/// Bodies of a chunk that are hashed though nobody keeps them. What comes beyond is read and dropped, and soon ends the
/// talk.
const HASHED: u32 = 64;

/// A body that came beside another one.
#[derive(Debug)]
struct Seen {
    row: usize,
    digest: Sha256Digest,
}

/// What came beside, until it is told.
#[derive(Debug, Default)]
pub(super) struct Beside {
    notices: Vec<Notice>,
    /// Notices over the limit.
    more: u64,
    seen: Vec<Seen>,
    others: Vec<(usize, Told)>,
    bytes: usize,
    hashed: u32,
}

impl Beside {
    /// Notes something about a message, or about the folder.
    pub(super) fn notice(&mut self, epoch: &Epoch, row: Option<usize>, code: &'static str, text: String) {
        if self.notices.len() < NOTICES {
            let path = row.map_or_else(|| epoch.path.clone(), |row| epoch.place(row).path);
            self.notices.push(Notice { code, path: Some(path), text, is_partial: false });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Whether one more body may be hashed though it is not kept.
    pub(super) fn may_hash(&mut self) -> bool {
        self.hashed = self.hashed.saturating_add(1);
        self.hashed <= HASHED
    }

    /// Takes a further body of a message of which `first` is the digest; whether it is alike. `how` says how it came;
    /// `bytes` are missing when it was too long to be held.
    pub(super) fn body(
        &mut self,
        epoch: &Epoch,
        row: usize,
        first: Sha256Digest,
        (digest, octets): (Sha256Digest, u64),
        bytes: Option<Vec<u8>>,
        how: &str,
    ) -> bool {
        if digest == first {
            return true;
        }
        let of_row = self.seen.iter().filter(|seen| seen.row == row);
        let (count, is_seen) = of_row.fold((0, false), |(n, is), seen| (n + 1, is || seen.digest == digest));
        if is_seen {
            self.notice(epoch, Some(row), "body-twice", format!("{how}: SHA-256 {digest} once more"));
            return false;
        }
        let bytes = bytes.filter(|b| count < KEPT && self.bytes.saturating_add(b.len()) <= KEPT_BYTES);
        match other(epoch.place(row).path, how, first, digest, octets, bytes) {
            Told::Notice(notice) => {
                let text = notice.text;
                self.notice(epoch, Some(row), notice.code, text);
            }
            told => {
                self.bytes = self.bytes.saturating_add(usize::try_from(octets).unwrap_or(usize::MAX));
                self.seen.push(Seen { row, digest });
                self.others.push((row, told));
            }
        }
        false
    }

    /// What is to be told before the messages of rows below `end`.
    pub(super) fn take(&mut self, epoch: &Epoch, end: usize) -> Vec<Told> {
        let mut told: Vec<Told> = std::mem::take(&mut self.notices).into_iter().map(Told::Notice).collect();
        if self.more > 0 {
            let text =
                format!("{} more notices about messages near this one were not told one by one", self.more);
            let path = Some(epoch.path.clone());
            told.push(Told::Notice(Notice { code: "notices-over-limit", path, text, is_partial: false }));
            self.more = 0;
        }
        for (row, other) in std::mem::take(&mut self.others) {
            if row < end {
                told.push(other);
            } else {
                self.others.push((row, other));
            }
        }
        told
    }
}
