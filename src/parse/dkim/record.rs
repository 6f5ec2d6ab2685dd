//! Key records: what a signer published under `selector._domainkey.domain` (RFC 6376 section 3.6.1).

use super::base64;
use super::tags::{TagList, squeezed};

/// `k=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `rsa`, also when `k=` is missing.
    Rsa,
    /// `ed25519` (RFC 8463).
    Ed25519,
}

impl KeyKind {
    /// The word of `k=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A key record as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRecord {
    /// `k=`; `None` when it is unknown.
    pub kind: Option<KeyKind>,
    /// `p=`, decoded: empty when the key was revoked. `None` when it is missing or no base64.
    pub key: Option<Vec<u8>>,
    /// `h=`: the only hashes that may be used, in lower case; empty means any.
    pub hashes: Vec<Vec<u8>>,
    /// `s=`: whether the key may sign mail.
    pub is_for_mail: bool,
    /// `t=y`: the signer was testing.
    pub is_testing: bool,
    /// `t=s`: `i=` must name `d=` itself.
    pub is_strict: bool,
    /// The record is not in the form of the standard, or `v=` is not `DKIM1`.
    pub is_invalid: bool,
}

/// Reads a key record.
pub fn key_record(text: &[u8]) -> KeyRecord {
    let list = TagList::read(text, 0);
    let words = |name: &[u8]| -> Vec<Vec<u8>> {
        let value = list.get(name).map(squeezed).unwrap_or_default().to_ascii_lowercase();
        value.split(|b| *b == b':').filter(|w| !w.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let services = words(b"s");
    let flags = words(b"t");
    let is_first = list.tags.first().is_none_or(|tag| tag.name == b"v");
    KeyRecord {
        kind: match list.get(b"k") {
            None => Some(KeyKind::Rsa),
            Some(k) if k.eq_ignore_ascii_case(b"rsa") => Some(KeyKind::Rsa),
            Some(k) if k.eq_ignore_ascii_case(b"ed25519") => Some(KeyKind::Ed25519),
            Some(_) => None,
        },
        key: list.get(b"p").and_then(base64),
        hashes: words(b"h"),
        is_for_mail: services.is_empty() || services.iter().any(|s| s == b"*" || s == b"email"),
        is_testing: flags.iter().any(|f| f == b"y"),
        is_strict: flags.iter().any(|f| f == b"s"),
        is_invalid: list.fault.is_some() || list.get(b"v").is_some_and(|v| v != b"DKIM1" || !is_first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_with_its_defaults() {
        let record = key_record(b"p=AA AA");
        assert_eq!((record.kind, record.key.as_deref()), (Some(KeyKind::Rsa), Some(&[0, 0, 0][..])));
        assert!(record.is_for_mail && !record.is_invalid && !record.is_strict);
    }

    #[test]
    fn a_revoked_a_restricted_and_a_broken_record_are_told_apart() {
        assert_eq!(key_record(b"v=DKIM1; p=").key, Some(Vec::new()));
        assert_eq!(key_record(b"v=DKIM1; k=rsa; nothing").key, None);
        assert!(key_record(b"v=DKIM1; k=rsa; nothing").is_invalid);
        assert!(key_record(b"k=rsa; v=DKIM1; p=").is_invalid);
        assert!(!key_record(b"v=DKIM1; s=tlsrpt; p=AAAA").is_for_mail);
        assert!(key_record(b"v=DKIM1; t=y:s; k=ed25519; h=sha256; p=AAAA").is_strict);
    }
}
