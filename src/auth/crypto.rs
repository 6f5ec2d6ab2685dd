//! Signatures against public keys: RSA with PKCS #1 v1.5 (RFC 8017 section 8.2.2) and Ed25519 (RFC 8032).
//!
//! Only public values are handled here, so nothing depends on how long a step takes.

use num_bigint::BigUint;

use crate::parse::dkim::{Algorithm, KeyKind, KeyRecord};

/// Longest modulus that is worked with, in bits; keys in use have up to 4096.
pub const MAX_BITS: u64 = 16_384;
/// Shortest modulus that counts (RFC 8301 section 3.2).
pub const MIN_BITS: u64 = 1024;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Rsa { n: BigUint, e: BigUint },
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// The key of a record; `None` when there is none that we can work with.
    pub(super) fn of(record: &KeyRecord) -> Option<Self> {
        let bytes = record.key.as_deref()?;
        match record.kind? {
            KeyKind::Rsa => rsa(bytes),
            // RFC 8463 has the bare key; some publish it with its ASN.1 head.
            KeyKind::Ed25519 => {
                let bare = bytes.strip_prefix(ED25519_HEAD).unwrap_or(bytes);
                Some(Self::Ed25519(bare.try_into().ok()?))
            }
        }
    }

    /// Size of the modulus, or of the field.
    pub(super) fn bits(&self) -> u64 {
        match self {
            Self::Rsa { n, .. } => n.bits(),
            Self::Ed25519(_) => 256,
        }
    }

    /// Whether `signature` over the digest `hash` is by this key.
    pub(super) fn verifies(&self, algorithm: Algorithm, hash: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa { n, e }, Algorithm::RsaSha256) => rsa_verifies(n, e, SHA256_HEAD, hash, signature),
            (Self::Rsa { n, e }, Algorithm::RsaSha1) => rsa_verifies(n, e, SHA1_HEAD, hash, signature),
            (Self::Ed25519(key), Algorithm::Ed25519Sha256) => ed25519_verifies(*key, hash, signature),
            _ => false,
        }
    }

    /// Whether the key is of the kind that `algorithm` needs.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(self, Self::Ed25519(_)) == (algorithm == Algorithm::Ed25519Sha256)
    }
}

/// `SubjectPublicKeyInfo` up to the key (RFC 8410).
const ED25519_HEAD: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// `DigestInfo` up to the digest (RFC 8017 section 9.2, note 1).
const SHA256_HEAD: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA1_HEAD: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
/// `rsaEncryption` as an object identifier.
const RSA_OID: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

fn ed25519_verifies(key: [u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = ed25519_compact::Signature::from_slice(signature) else { return false };
    ed25519_compact::PublicKey::new(key).verify(message, &signature).is_ok()
}

/// The whole padded block is made anew and compared, so there is nothing to parse that could be forged.
fn rsa_verifies(n: &BigUint, e: &BigUint, head: &[u8], hash: &[u8], signature: &[u8]) -> bool {
    let Ok(size) = usize::try_from(n.bits().div_ceil(8)) else { return false };
    let s = BigUint::from_bytes_be(signature);
    let Some(padding) = size.checked_sub(3 + head.len() + hash.len()).filter(|p| *p >= 8) else {
        return false;
    };
    if signature.len() != size || s >= *n {
        return false;
    }
    let mut block = vec![0, 1];
    block.resize(2 + padding, 0xff);
    block.push(0);
    block.extend_from_slice(head);
    block.extend_from_slice(hash);
    s.modpow(e, n) == BigUint::from_bytes_be(&block)
}

/// An RSA key in ASN.1 (DER): `SubjectPublicKeyInfo`, as all publish it, or `RSAPublicKey`, as RFC 6376 says.
fn rsa(der: &[u8]) -> Option<PublicKey> {
    let (outer, _) = tlv(der, 0x30)?;
    let key = match tlv(outer, 0x30) {
        Some((algorithm, rest)) => {
            let (oid, _) = tlv(algorithm, 0x06)?;
            let (bits, _) = tlv(rest, 0x03)?;
            let (unused, bits) = bits.split_first()?;
            if oid != RSA_OID || *unused != 0 {
                return None;
            }
            tlv(bits, 0x30)?.0
        }
        None => outer,
    };
    let (n, rest) = tlv(key, 0x02)?;
    let (e, _) = tlv(rest, 0x02)?;
    let (n, e) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
    // A long exponent costs much and nobody uses one.
    let fits = n.bits() <= MAX_BITS && n.bit(0) && e.bits() <= 64 && e.bits() >= 2 && e.bit(0);
    fits.then_some(PublicKey::Rsa { n, e })
}

/// The content of the ASN.1 value at the front, when it has this tag, and what follows it.
fn tlv(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[first, length], rest) = der.split_first_chunk::<2>()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=127 => (usize::from(length), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 3))?;
            (bytes.iter().fold(0, |sum, b| sum << 8 | usize::from(*b)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::dkim::key_record;

    #[test]
    fn an_ed25519_key_is_read_bare_and_with_a_head() {
        // RFC 8463 appendix A.2.
        let bare = key_record(b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let key = PublicKey::of(&bare).unwrap();
        let headed = [ED25519_HEAD, bare.key.as_deref().unwrap()].concat();
        let headed = KeyRecord { key: Some(headed), ..bare };
        assert_eq!(PublicKey::of(&headed), Some(key.clone()));
        assert_eq!(key.bits(), 256);
        assert!(!key.verifies(Algorithm::Ed25519Sha256, &[0; 32], &[0; 64]));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for bytes in
            [&b""[..], b"\x30", b"\x30\x00", b"\x30\x84\xff\xff\xff\xff", b"\x30\x06\x02\x01\x08\x02\x01\x03"]
        {
            let record =
                KeyRecord { kind: Some(KeyKind::Rsa), key: Some(bytes.to_vec()), ..KeyRecord::default() };
            assert_eq!(PublicKey::of(&record), None, "{bytes:?}");
        }
    }
}
