//! MD5 and SHA-1 over bytes that come piece by piece: for comparison with older lists, never an identity.

use std::fmt;

use sha1::Digest as _;

use super::digest::hex;

/// The two older digests, each only where it was asked for.
#[derive(Clone, Default)]
pub struct LegacyStream {
    md5: Option<md5::Md5>,
    sha1: Option<sha1::Sha1>,
}

impl fmt::Debug for LegacyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacyStream")
    }
}

impl LegacyStream {
    /// An empty stream that counts MD5, SHA-1, both or none.
    pub fn new(md5: bool, sha1: bool) -> Self {
        Self { md5: md5.then(Default::default), sha1: sha1.then(Default::default) }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
    }

    /// MD5 and SHA-1 in lower-case hex; `None` for what was not asked for.
    pub fn finish(self) -> (Option<String>, Option<String>) {
        (self.md5.map(|m| hex(&m.finalize())), self.sha1.map(|s| hex(&s.finalize())))
    }

    /// The bytes of the SHA-1: old signatures are over it.
    pub fn finish_sha1(self) -> [u8; 20] {
        self.sha1.unwrap_or_default().finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_counted() {
        let mut both = LegacyStream::new(true, true);
        both.update(b"a");
        both.update(b"bc");
        let (md5, sha1) = both.finish();
        assert_eq!(md5.as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(sha1.as_deref(), Some("a9993e364706816aba3e25717850c26c9cd0d89d"));
        assert_eq!(LegacyStream::new(false, false).finish(), (None, None));
    }
}
