//! Digest of a source without splitting it: whether it is one that the case has.

use std::io::{self, Read};
use std::sync::mpsc::{channel, sync_channel};

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use crate::source::{FileState, Listing, SourceFolder, What, unreadable};
use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;
use crate::types::record::{Entry, SourceDigest};

use super::Watch;

/// Bytes taken from a file at a time.
const PIECE: usize = 256 * 1024;

/// Length from which on a file is read by one thread and hashed by another.
const OVERLAPPED: u64 = 64 << 20;

/// Bytes that these two hand over at a time.
const HANDED: usize = 1 << 20;

/// Pieces that may wait to be hashed.
const WAITING: usize = 4;

/// What is there of a file now.
enum Now {
    /// Digest and number of its bytes, and whether it is and stays as the walk saw it.
    Bytes(Sha256Digest, u64, bool),
    /// It cannot be opened.
    Entry(Entry),
    /// It broke off, or the watcher asked to stop.
    Unknown,
}

/// A source as it is now.
#[derive(Debug)]
pub(super) struct Fingerprint {
    /// Its digest; `None` when a file could not be read to its end, or on request.
    pub digest: Option<Sha256Digest>,
    /// Whether each of its files was read as the walk saw it, and did not change.
    pub is_steady: bool,
}

/// Reads the source that a listing names, as it is now.
pub(super) fn fingerprint(listing: &Listing, watch: &dyn Watch) -> Fingerprint {
    let read: Vec<Now> = listing
        .found
        .par_iter()
        .with_max_len(16)
        .map_init(
            || (vec![0; PIECE], SourceFolder::of(listing)),
            |(buffer, folder), found| match found.what {
                What::File { size, stamp } if !watch.is_stopped() => match folder.open(&found.path) {
                    Ok((file, before)) => {
                        let read = if size > OVERLAPPED {
                            overlapped(&file, watch)
                        } else {
                            one_by_one(&file, buffer)
                        };
                        let Some((sha256, read)) = read else { return Now::Unknown };
                        let after = file.metadata().map(|now| FileState::of(&now));
                        let is_as = before.stamp() == stamp && before.size == size && read == size;
                        Now::Bytes(sha256, read, is_as && after.is_ok_and(|now| !now.differs_from(&before)))
                    }
                    Err(error) => Now::Entry(unreadable(&found.path, &error)),
                },
                _ => Now::Unknown,
            },
        )
        .collect();
    let mut digest = SourceDigest::default();
    let mut is_steady = true;
    for (found, read) in listing.found.iter().zip(read) {
        match (&found.what, read) {
            (What::File { .. }, Now::Bytes(sha256, size, steady)) => {
                is_steady &= steady;
                digest.file(&found.path, &sha256, size);
            }
            (What::File { .. }, Now::Entry(entry)) => {
                is_steady = false;
                digest.entry(&entry);
            }
            (What::File { .. }, Now::Unknown) => return Fingerprint { digest: None, is_steady: false },
            (What::Other(entry), _) => digest.entry(entry),
        }
    }
    Fingerprint { digest: Some(digest.finish()), is_steady }
}

fn one_by_one(mut file: impl Read, buffer: &mut [u8]) -> Option<(Sha256Digest, u64)> {
    let mut hash = Sha256Stream::new();
    let mut size = 0;
    loop {
        let n = file.read(buffer).ok()?;
        if n == 0 {
            return Some((hash.finish(), size));
        }
        hash.update(buffer.get(..n)?);
        size += n as u64;
    }
}

/// Reads and hashes at the same time; buffers go round between the two threads.
fn overlapped(mut file: impl Read + Send, watch: &dyn Watch) -> Option<(Sha256Digest, u64)> {
    let (give, taken) = sync_channel::<io::Result<(Vec<u8>, usize)>>(WAITING);
    let (give_back, empty) = channel::<Vec<u8>>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut buffer = empty.try_recv().unwrap_or_else(|_| vec![0; HANDED]);
                let read = file.read(&mut buffer).map(|n| (buffer, n));
                let is_last = !matches!(read, Ok((_, 1..)));
                // When nobody takes any more, the hashing was given up.
                if give.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        let mut hash = Sha256Stream::new();
        let mut size = 0;
        // Dropped at the end of this, also when it is left early, so that the reader ends too.
        let taken = taken;
        while let Ok(Ok((buffer, n))) = taken.recv() {
            if n == 0 {
                return Some((hash.finish(), size));
            }
            hash.update(buffer.get(..n)?);
            size += n as u64;
            if watch.is_stopped() {
                return None;
            }
            // The reader may have ended already.
            give_back.send(buffer).unwrap_or_default();
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Unwatched(bool);

    impl Watch for Unwatched {
        fn progress(&self, _: u64, _: u64) {}
        fn committed(&self, _: u64) {}
        fn is_stopped(&self) -> bool {
            self.0
        }
    }

    /// Gives so many bytes, then an error if it is to fail.
    struct Bytes {
        left: usize,
        fails: bool,
    }

    impl Read for Bytes {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.fails {
                return Err(io::ErrorKind::Other.into());
            }
            let n = self.left.min(buffer.len()).min(700_001);
            self.left -= n;
            buffer[..n].fill(u8::try_from(self.left % 251).unwrap());
            Ok(n)
        }
    }

    #[test]
    fn reading_and_hashing_at_the_same_time_give_the_same_digest() {
        for left in [0, 1, HANDED, 7 * HANDED + 5] {
            let want = one_by_one(Bytes { left, fails: false }, &mut vec![0; HANDED]);
            assert_eq!(overlapped(Bytes { left, fails: false }, &Unwatched(false)), want);
            assert_eq!(want.map(|(_, size)| size), Some(left as u64));
            assert_eq!(overlapped(Bytes { left, fails: true }, &Unwatched(false)), None);
        }
        assert_eq!(overlapped(Bytes { left: 9 * HANDED, fails: false }, &Unwatched(true)), None);
    }
}
