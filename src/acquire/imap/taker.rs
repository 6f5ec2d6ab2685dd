//! What becomes of the bodies in the answers to a command for several messages: kept, hashed, dropped, or fetched in
//! parts.

use super::bodies::{Got, Job};
use super::fetch::uid_so_far;
use super::plan::Epoch;
use super::session::{Bodies, Room};
use crate::acquire::wire::WireError;
use crate::types::digest::Sha256Stream;

/// Of a chunk so many times `Limits::in_memory` are held; what a server gives beyond what it announced comes in parts,
/// by itself.
const CHUNK: usize = 4;

/// Longest body that is hashed though it is not kept.
const HASHED: u64 = 64 << 20;

/// Gives room to the bodies of a job, and of those under way behind it.
pub(super) struct Taker<'j> {
    pub(super) epoch: &'j Epoch,
    pub(super) job: &'j mut Job,
    pub(super) behind: &'j mut [Job],
    pub(super) session_limit: usize,
    /// Of a body that is not kept.
    pub(super) hash: Option<Sha256Stream>,
}

impl Taker<'_> {
    /// A body that is not kept is hashed, as far as that is bearable.
    fn pass(&mut self, octets: u64) -> Room {
        if octets > HASHED || self.hash.is_some() || !self.job.beside.may_hash() {
            return Room::Drop;
        }
        self.hash = Some(Sha256Stream::new());
        Room::Stream
    }
}

impl Bodies for Taker<'_> {
    fn room(&mut self, text: &[u8], octets: u64) -> Room {
        let uid = uid_so_far(text);
        let row = uid.and_then(|uid| self.epoch.listing.row(uid));
        let is_of = |job: &Job| job.tag.is_some() && row.is_some_and(|row| job.at(row).is_some());
        let job = if is_of(self.job) {
            &mut *self.job
        } else {
            self.behind.iter_mut().find(|job| is_of(job)).unwrap_or(&mut *self.job)
        };
        let held: usize =
            job.rows.iter().map(|(_, got)| if let Got::Bytes(bytes) = got { bytes.len() } else { 0 }).sum();
        let at = row.and_then(|row| job.at(row));
        let is_small = octets <= self.session_limit as u64;
        let most = self.session_limit.saturating_mul(CHUNK);
        let fits = usize::try_from(octets).is_ok_and(|n| held.saturating_add(n) <= most);
        // Of an answer that names its message behind the body it is known when only one was asked for.
        let at = at.or_else(|| {
            let is_alone = uid.is_none() && job.is_answered;
            is_alone.then(|| job.rows.iter().position(|(_, got)| *got == Got::Nothing)).flatten()
        });
        let got = at.and_then(|at| job.rows.get(at)).map(|(_, got)| got);
        match (uid, at, got) {
            // The UID may come behind the body.
            (None, ..) | (Some(_), Some(_), _) if is_small && fits => Room::Keep,
            // Too long, or the chunk holds too much already.
            (_, Some(at), Some(Got::Nothing)) => {
                job.settle(at, Got::Long);
                Room::Drop
            }
            (Some(_), Some(_), Some(Got::Bytes(_))) | (Some(_), None, _) => self.pass(octets),
            _ => Room::Drop,
        }
    }

    fn part(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes);
        }
        Ok(())
    }
}
