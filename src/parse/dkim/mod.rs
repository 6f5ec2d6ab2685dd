//! Signature fields and key records: DKIM (RFC 6376, 8301, 8463) and ARC (RFC 8617), as written and not yet judged.

mod record;
mod tags;

pub use record::{KeyKind, KeyRecord, key_record};
pub use tags::{ListFault, MAX_TAGS, Tag, TagList};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::authres::instance;
use super::bytes::{part, trim};
use crate::types::{Anomaly, AnomalyKind, ByteRange, Parsed};
use tags::squeezed;

/// Most field names of one `h=` that are read.
pub const MAX_SIGNED: usize = 4096;

/// Base64 as signers write it: padding is often forgotten.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a base64 value that may be folded; `None` when it is none.
pub(super) fn base64(value: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(squeezed(value)).ok()
}

/// Which field a tag list stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// DKIM-Signature.
    Dkim,
    /// ARC-Message-Signature.
    ArcMessage,
    /// ARC-Seal.
    ArcSeal,
}

/// `a=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`.
    RsaSha256,
    /// `rsa-sha1`: no longer valid since RFC 8301.
    RsaSha1,
    /// `ed25519-sha256` (RFC 8463).
    Ed25519Sha256,
}

impl Algorithm {
    /// The word of `a=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha1 => "rsa-sha1",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    fn of(word: &[u8]) -> Option<Self> {
        [Self::RsaSha256, Self::RsaSha1, Self::Ed25519Sha256]
            .into_iter()
            .find(|a| a.code().as_bytes().eq_ignore_ascii_case(word))
    }
}

/// How text is made ready for hashing (RFC 6376 section 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Canon {
    /// As it stands.
    #[default]
    Simple,
    /// Runs of blanks are one blank.
    Relaxed,
}

impl Canon {
    /// The word of `c=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }

    fn of(word: &[u8]) -> Option<Self> {
        [Self::Simple, Self::Relaxed].into_iter().find(|c| c.code().as_bytes().eq_ignore_ascii_case(word))
    }
}

/// Why a signature field is not valid before anything is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The tag list is not in the form of the standard.
    List(ListFault),
    /// `v=` is not 1, or stands where it must not.
    Version,
    /// `a=` is missing or unknown.
    Algorithm,
    /// `b=` is missing, empty or no base64.
    Signature,
    /// `bh=` is missing or no base64.
    BodyHash,
    /// `c=` is unknown.
    Canonicalisation,
    /// `d=` is missing or empty.
    Domain,
    /// `s=` is missing or empty.
    Selector,
    /// `h=` is missing, or stands in a seal.
    Signed,
    /// `h=` names ARC-Seal, which an ARC-Message-Signature must not cover.
    SealSigned,
    /// `i=` of an ARC field is no number from 1 to 50.
    Instance,
    /// `cv=` is not none, pass or fail.
    ChainValue,
    /// `i=` of a DKIM signature does not lie in `d=`.
    Identity,
    /// `l=`, `t=` or `x=` is no number.
    Number,
    /// `x=` is not after `t=`.
    ExpiresBeforeSigned,
    /// `q=` names no way to ask for a key that the standard has.
    Query,
}

impl Fault {
    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::List(fault) => fault.code(),
            Self::Version => "version-invalid",
            Self::Algorithm => "algorithm-unknown",
            Self::Signature => "signature-missing-or-no-base64",
            Self::BodyHash => "body-hash-missing-or-no-base64",
            Self::Canonicalisation => "canonicalisation-unknown",
            Self::Domain => "domain-missing",
            Self::Selector => "selector-missing",
            Self::Signed => "signed-fields-invalid",
            Self::SealSigned => "seal-signed",
            Self::Instance => "instance-invalid",
            Self::ChainValue => "chain-value-invalid",
            Self::Identity => "identity-outside-domain",
            Self::Number => "number-invalid",
            Self::ExpiresBeforeSigned => "expires-before-signed",
            Self::Query => "query-unknown",
        }
    }
}

/// `cv=` of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainValue {
    /// There was no chain before.
    None,
    /// The chain was valid.
    Pass,
    /// The chain was broken.
    Fail,
}

impl ChainValue {
    /// The word of `cv=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

/// A DKIM-Signature, ARC-Message-Signature or ARC-Seal field as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Which of the three.
    pub kind: SignatureKind,
    /// `a=`.
    pub algorithm: Option<Algorithm>,
    /// `b=`, decoded.
    pub signature: Vec<u8>,
    /// All of the value of `b=` with the blanks around it, in the message; `None` without `b=`.
    pub signature_at: Option<ByteRange>,
    /// `bh=`, decoded.
    pub body_hash: Vec<u8>,
    /// `c=`: header, body.
    pub canon: (Canon, Canon),
    /// Whether there is a `c=`; without it both are simple.
    pub is_canon_written: bool,
    /// `d=`.
    pub domain: Vec<u8>,
    /// `s=`.
    pub selector: Vec<u8>,
    /// `i=` of a DKIM signature: on whose behalf.
    pub identity: Option<Vec<u8>>,
    /// `i=` of an ARC field.
    pub instance: Option<u32>,
    /// `h=`: names as written, empty ones included.
    pub signed: Vec<Vec<u8>>,
    /// `l=`: so many bytes of the body are signed.
    pub length: Option<u64>,
    /// `t=`, in seconds since 1970.
    pub time: Option<u64>,
    /// `x=`, in seconds since 1970.
    pub expires: Option<u64>,
    /// `cv=` of a seal.
    pub chain: Option<ChainValue>,
    /// Why it is not valid whatever the key says; the first is the one to tell.
    pub faults: Vec<Fault>,
}

impl Signature {
    /// Whether `h=` names a field.
    pub fn signs(&self, name: &[u8]) -> bool {
        self.signed.iter().any(|n| n.eq_ignore_ascii_case(name))
    }

    /// The name that the key stands under: `selector._domainkey.domain`, in lower case.
    pub fn key_name(&self) -> Vec<u8> {
        let mut name = self.selector.to_ascii_lowercase();
        name.extend_from_slice(b"._domainkey.");
        name.extend_from_slice(&self.domain.to_ascii_lowercase());
        name
    }
}

/// Reads a signature field; `at` is where `value` stands in the message.
///
/// # Anomalies
/// [`AnomalyKind::TagListInvalid`] with the fault in its detail.
pub fn signature(value: &[u8], at: u64, kind: SignatureKind) -> Parsed<Signature> {
    let list = TagList::read(value, at);
    let mut faults: Vec<Fault> = list.fault.map(Fault::List).into_iter().collect();
    let text = |name: &[u8]| list.get(name).map(squeezed).unwrap_or_default();
    let mut read = Signature {
        kind,
        algorithm: list.get(b"a").and_then(Algorithm::of),
        signature: list.get(b"b").and_then(base64).unwrap_or_default(),
        signature_at: list.tag(b"b").map(|tag| tag.whole_at),
        body_hash: list.get(b"bh").and_then(base64).unwrap_or_default(),
        canon: (Canon::Simple, Canon::Simple),
        is_canon_written: list.get(b"c").is_some(),
        domain: text(b"d"),
        selector: text(b"s"),
        identity: None,
        instance: None,
        signed: Vec::new(),
        length: None,
        time: None,
        expires: None,
        chain: None,
        faults: Vec::new(),
    };
    for name in [b"l", b"t", b"x"] {
        let number = list.get(name).map(number);
        if number == Some(None) {
            faults.push(Fault::Number);
        }
        match name {
            b"l" => read.length = number.flatten(),
            b"t" => read.time = number.flatten(),
            _ => read.expires = number.flatten(),
        }
    }
    if read.expires.zip(read.time).is_some_and(|(x, t)| x <= t) {
        faults.push(Fault::ExpiresBeforeSigned);
    }
    if read.algorithm.is_none() {
        faults.push(Fault::Algorithm);
    }
    if read.signature.is_empty() {
        faults.push(Fault::Signature);
    }
    if read.domain.is_empty() {
        faults.push(Fault::Domain);
    }
    if read.selector.is_empty() {
        faults.push(Fault::Selector);
    }
    if kind == SignatureKind::Dkim {
        dkim(&list, &mut read, &mut faults);
    } else {
        arc(&list, &mut read, &mut faults);
    }
    if kind != SignatureKind::ArcSeal {
        message(&list, &mut read, &mut faults);
    }
    let mut anomalies = Vec::new();
    if let Some(Fault::List(fault)) = faults.first() {
        let at = ByteRange::of_usize(0, value.len()).shifted(at);
        anomalies.push(Anomaly::at(AnomalyKind::TagListInvalid, at).with(fault.code()));
    }
    read.faults = faults;
    Parsed { value: read, anomalies }
}

/// What only a DKIM-Signature has.
fn dkim(list: &TagList<'_>, read: &mut Signature, faults: &mut Vec<Fault>) {
    if list.get(b"v") != Some(b"1") {
        faults.push(Fault::Version);
    }
    if let Some(identity) = list.get(b"i").map(squeezed) {
        let host = memchr::memrchr(b'@', &identity)
            .map_or(&*identity, |n| part(&identity, n.saturating_add(1)..identity.len()));
        let host = host.to_ascii_lowercase();
        let domain = read.domain.to_ascii_lowercase();
        let is_below =
            host.strip_suffix(&*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."));
        if !is_below {
            faults.push(Fault::Identity);
        }
        read.identity = Some(identity);
    }
    if let Some(query) = list.get(b"q")
        && !squeezed(query).split(|b| *b == b':').any(|q| q.eq_ignore_ascii_case(b"dns/txt"))
    {
        faults.push(Fault::Query);
    }
}

/// What the two ARC fields have in common.
fn arc(list: &TagList<'_>, read: &mut Signature, faults: &mut Vec<Fault>) {
    read.instance = list.get(b"i").and_then(instance);
    if read.instance.is_none() {
        faults.push(Fault::Instance);
    }
    if read.algorithm == Some(Algorithm::RsaSha1) {
        faults.push(Fault::Algorithm);
    }
    if read.kind == SignatureKind::ArcSeal {
        read.canon = (Canon::Relaxed, Canon::Relaxed);
        read.chain = match list.get(b"cv") {
            Some(word) if word.eq_ignore_ascii_case(b"none") => Some(ChainValue::None),
            Some(word) if word.eq_ignore_ascii_case(b"pass") => Some(ChainValue::Pass),
            Some(word) if word.eq_ignore_ascii_case(b"fail") => Some(ChainValue::Fail),
            _ => None,
        };
        if read.chain.is_none() {
            faults.push(Fault::ChainValue);
        }
        // RFC 8617 section 4.1.3: a seal with `h=` is not valid.
        if list.get(b"h").is_some() {
            faults.push(Fault::Signed);
        }
    } else if list.get(b"v").is_some_and(|v| v != b"1") {
        // Section 4.1.2 has no `v=` here; some write it all the same, and it is signed with the rest.
        faults.push(Fault::Version);
    }
}

/// What the two have that sign a message.
fn message(list: &TagList<'_>, read: &mut Signature, faults: &mut Vec<Fault>) {
    if read.body_hash.is_empty() {
        faults.push(Fault::BodyHash);
    }
    if let Some(c) = list.get(b"c").map(squeezed) {
        let mut words = c.splitn(2, |b| *b == b'/');
        let header = words.next().and_then(Canon::of);
        let body = words.next().map_or(Some(Canon::Simple), Canon::of);
        match header.zip(body) {
            Some(canon) => read.canon = canon,
            None => faults.push(Fault::Canonicalisation),
        }
    }
    match list.get(b"h") {
        None => faults.push(Fault::Signed),
        Some(h) => {
            read.signed = h.split(|b| *b == b':').take(MAX_SIGNED).map(|n| trim(n).to_vec()).collect();
        }
    }
    if read.kind == SignatureKind::ArcMessage && read.signs(b"arc-seal") {
        faults.push(Fault::SealSigned);
    }
}

/// A number of at most twelve digits; times and lengths of mail need no more (RFC 6376 section 3.5, `t=`).
fn number(value: &[u8]) -> Option<u64> {
    let is_short = (1..=76).contains(&value.len());
    let digits =
        std::str::from_utf8(value).ok().filter(|t| is_short && t.bytes().all(|b| b.is_ascii_digit()));
    digits.map(|t| t.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dkim_faults(text: &str) -> Vec<&'static str> {
        let read = signature(text.as_bytes(), 0, SignatureKind::Dkim).value;
        read.faults.iter().map(|f| f.code()).collect()
    }

    #[test]
    fn a_signature_is_read_with_its_folds_and_defaults() {
        let text = b" v=1; a=rsa-sha256; d=Example.org;\r\n\ts=sel; h=From : to:\r\n subject; bh=AA\r\n AA; b= AAAA\r\n BBBB ; l=10";
        let read = signature(text, 20, SignatureKind::Dkim).value;
        assert_eq!(read.faults, []);
        assert_eq!(read.canon, (Canon::Simple, Canon::Simple));
        assert_eq!(read.signed, [b"From".to_vec(), b"to".to_vec(), b"subject".to_vec()]);
        assert_eq!(read.key_name(), b"sel._domainkey.example.org");
        assert_eq!((read.signature.len(), read.body_hash.len(), read.length), (6, 3, Some(10)));
        let at = read.signature_at.unwrap();
        let start = usize::try_from(at.start() - 20).unwrap();
        assert_eq!(&text[start..usize::try_from(at.end() - 20).unwrap()], b" AAAA\r\n BBBB ");
    }

    #[test]
    fn what_makes_a_signature_invalid_is_named() {
        let good = "v=1; a=rsa-sha256; d=e.org; s=s; h=from; bh=AAAA; b=AAAA";
        assert_eq!(dkim_faults(good), [""; 0]);
        assert_eq!(dkim_faults(&good.replace("v=1", "v=2")), ["version-invalid"]);
        assert_eq!(dkim_faults(&good.replace("rsa-sha256", "rsa-md5")), ["algorithm-unknown"]);
        assert_eq!(dkim_faults(&format!("{good}; c=nowsp")), ["canonicalisation-unknown"]);
        assert_eq!(dkim_faults(&format!("{good}; i=@x.org")), ["identity-outside-domain"]);
        assert_eq!(dkim_faults(&format!("{good}; i=@xe.org")), ["identity-outside-domain"]);
        assert_eq!(dkim_faults(&format!("{good}; i=a@b.E.org")), [""; 0]);
        assert_eq!(dkim_faults(&format!("{good}; t=5; x=5")), ["expires-before-signed"]);
        assert_eq!(dkim_faults(&format!("{good}; x=-5")), ["number-invalid"]);
        assert_eq!(dkim_faults(&good.replace("b=AAAA", "b=*")), ["signature-missing-or-no-base64"]);
    }

    #[test]
    fn a_list_that_is_not_one_is_an_anomaly_with_its_place() {
        let read = signature(b"v=1;; x", 7, SignatureKind::Dkim);
        assert_eq!(read.anomalies.len(), 1);
        assert_eq!(read.anomalies[0].at, ByteRange::new(7, 14));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for kind in [SignatureKind::Dkim, SignatureKind::ArcMessage, SignatureKind::ArcSeal] {
                signature(&bytes, 5, kind);
            }
            key_record(&bytes);
        }

        #[test]
        fn no_list_makes_it_fail(words in proptest::collection::vec(0usize..14, 0..60)) {
            const WORDS: [&str; 14] =
                ["v=1", ";", "a=", "rsa-sha256", "b=", "AA", "=", " ", "\r\n ", "h=from:to", "i=1", "p=", "c=/", "cv=x"];
            let text: String = words.iter().map(|&n| WORDS[n]).collect();
            for kind in [SignatureKind::Dkim, SignatureKind::ArcMessage, SignatureKind::ArcSeal] {
                let read = signature(text.as_bytes(), 5, kind).value;
                if let Some(at) = read.signature_at {
                    prop_assert!(at.start() >= 5 && at.end() <= 5 + text.len() as u64);
                }
            }
            key_record(text.as_bytes());
        }
    }
}
