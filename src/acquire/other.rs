//! What a server gives for a message beside what is taken as the message: told with both digests, kept within bounds.

use super::{Notice, Other, Told};
use crate::types::{RelPath, Sha256Digest};

/// Other bodies of one message that are kept; of further ones the digests alone are told. An honest server that makes
/// messages anew for each fetch gives two; one that gives a new one each time is not to fill the case.
pub(super) const KEPT: usize = 4;

/// Bytes of other bodies that wait to be told, at most; what does not fit is told by its digest alone.
pub(super) const KEPT_BYTES: usize = 16 << 20;

/// Code of the notice.
pub(super) const CODE: &str = "bodies-differ";

/// Tells of a body that is not alike the one of the message at `path`.
///
/// `how` says how it came, `first` is the digest of the message, `digest` and `octets` are those of the other body, and
/// `kept` its bytes where there is room for them.
pub(super) fn other(
    path: RelPath,
    how: &str,
    first: Sha256Digest,
    digest: Sha256Digest,
    octets: u64,
    kept: Option<Vec<u8>>,
) -> Told {
    // Of no bytes there is nothing to keep.
    let kept = kept.filter(|bytes| !bytes.is_empty());
    let fate = if kept.is_some() { "is kept beside it" } else { "was not kept" };
    let text = format!("{how}: SHA-256 {first} is the message, {digest} of {octets} octets {fate}");
    let notice = Notice { code: CODE, path: Some(path), text, is_partial: false };
    match kept {
        Some(bytes) => Told::Other(Other { notice, bytes }),
        None => Told::Notice(notice),
    }
}
