//! Modified UTF-7: how names of folders and labels outside ASCII are written by IMAP servers (RFC 3501 section 5.1.3).

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The text that ASCII stands for; `None` when it is broken or not ASCII: nothing is guessed.
pub fn decoded(raw: &[u8]) -> Option<String> {
    if !raw.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.push_str(std::str::from_utf8(rest.get(..at)?).ok()?);
        let after = rest.get(at.checked_add(1)?..)?;
        let end = memchr::memchr(b'-', after)?;
        let coded = after.get(..end)?;
        if coded.is_empty() {
            out.push('&');
        } else {
            out.push_str(&utf16(coded)?);
        }
        rest = after.get(end.checked_add(1)?..)?;
    }
    out.push_str(std::str::from_utf8(rest).ok()?);
    Some(out)
}

/// The text of one shifted run: base64 with `,` for `/`, of UTF-16 in big-endian order.
fn utf16(coded: &[u8]) -> Option<String> {
    let alphabet = Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").ok()?;
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false);
    let bytes = GeneralPurpose::new(&alphabet, config).decode(coded).ok()?;
    if bytes.len() % 2 != 0 {
        return None;
    }
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0xfffd,
    });
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf7(raw: &str) -> Option<String> {
        decoded(raw.as_bytes())
    }

    #[test]
    fn modified_utf7_is_read() {
        assert_eq!(utf7("Entw&APw-rfe").as_deref(), Some("Entwürfe"));
        assert_eq!(utf7("~peter/mail/&U,BTFw-/&ZeVnLIqe-").as_deref(), Some("~peter/mail/台北/日本語"));
        assert_eq!(utf7("R&-D").as_deref(), Some("R&D"));
        assert_eq!(utf7("&2D3eAA-").as_deref(), Some("😀"));
        assert_eq!(utf7("plain").as_deref(), Some("plain"));
    }

    #[test]
    fn broken_names_are_not_guessed() {
        for raw in ["&", "&APw", "&A-", "&====-", "&2D0-", "a&AP/w-", "ü"] {
            assert_eq!(utf7(raw), None, "{raw}");
        }
    }
}
