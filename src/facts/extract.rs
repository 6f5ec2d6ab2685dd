//! The decoded bytes of an attachment, from where it stands in its message.

use std::borrow::Cow;

use crate::parse::{decode, uu, yenc};
use crate::types::{ByteRange, Sha256Digest};

/// Decodes the attachment whose encoded bytes stand at `at`, by the encoding that its facts name. `None` when the
/// result does not have the digest that was recorded for it.
pub fn attachment<'a>(
    message: &'a [u8],
    at: ByteRange,
    encoding: &str,
    sha256: &Sha256Digest,
) -> Option<Cow<'a, [u8]>> {
    let raw = at.of(message)?;
    let is_it = |bytes: &[u8]| Sha256Digest::of(bytes) == *sha256;
    let mut out = Vec::new();
    match encoding {
        "base64" => {
            decode::base64(raw, &mut out);
        }
        "quoted-printable" => {
            decode::quoted_printable(raw, &mut out);
        }
        "uuencode" | "x-uuencode" | "uue" | "x-uue" => out = uu::find(raw, 0)?.data,
        "yenc" | "x-yenc" => out = yenc::find(raw, 0)?.data,
        _ => return is_it(raw).then_some(Cow::Borrowed(raw)),
    }
    if is_it(&out) {
        return Some(Cow::Owned(out));
    }
    // The stated encoding is not always the one that was used.
    is_it(raw).then_some(Cow::Borrowed(raw))
}
