//! Digest of a source without splitting it: whether it is one that the case has.

use std::io::Read as _;

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use crate::source::{Listing, What, open};
use crate::types::Sha256Digest;
use crate::types::digest::Sha256Stream;
use crate::types::record::SourceDigest;

use super::Watch;

/// Bytes taken from a file at a time.
const PIECE: usize = 256 * 1024;

/// The digest of the source that a listing names, as it is now; `None` when a file could not be read, or on request.
pub(super) fn fingerprint(listing: &Listing, watch: &dyn Watch) -> Option<Sha256Digest> {
    let read: Vec<Option<(Sha256Digest, u64)>> = listing
        .found
        .par_iter()
        .with_max_len(16)
        .map_init(
            || vec![0; PIECE],
            |buffer, found| match found.what {
                What::File { .. } if !watch.is_stopped() => {
                    let (mut file, _) = open(&listing.place(&found.path)).ok()?;
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
                _ => None,
            },
        )
        .collect();
    let mut digest = SourceDigest::default();
    for (found, read) in listing.found.iter().zip(read) {
        match (&found.what, read) {
            (What::File { .. }, Some((sha256, size))) => digest.file(&found.path, &sha256, size),
            (What::File { .. }, None) => return None,
            (What::Other(entry), _) => digest.entry(entry),
        }
    }
    Some(digest.finish())
}
