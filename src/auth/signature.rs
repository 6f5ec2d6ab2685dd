//! One signature: its hash, its key, its times, and what must be said beside the answer.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::parse::dkim::{Algorithm, Canon, Signature, SignatureKind};
use crate::parse::header::{Field, Header};
use crate::parse::known::Known;
use crate::types::ByteRange;

use super::Depth;
use super::body::{Bodies, BodyCheck};
use super::canon::{Hasher, field as canonical};
use super::crypto::{MIN_BITS, PublicKey};
use super::keys::{KeyEntry, KeyStore};
use super::when::Judged;

/// Most bytes of header fields that are hashed for one signature.
pub(super) const MAX_HASHED: usize = 16 << 20;

/// What the key said of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The key made it.
    Pass,
    /// The key did not make it, or what it covers was changed.
    Fail,
    /// No key of this name is at hand.
    KeyUnknown,
    /// The key file says that there was no such key.
    KeyAbsent,
    /// The key file says that the key was revoked.
    KeyRevoked,
    /// There is a record, but no key in it that fits.
    KeyUnusable,
    /// The field is not in a form that could be checked.
    NotChecked,
}

impl Check {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::KeyUnknown => "key-unknown",
            Self::KeyAbsent => "key-absent",
            Self::KeyRevoked => "key-revoked",
            Self::KeyUnusable => "key-unusable",
            Self::NotChecked => "not-checked",
        }
    }
}

/// What a verifier would say by the standard, in the words of RFC 8601 section 2.7.1; `unknown` when the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Valid.
    Pass,
    /// Body or signed fields are not what was signed.
    Fail,
    /// Valid, but of a kind that no longer counts: weak key, SHA-1, or expired at receipt.
    Policy,
    /// The field or the key record is not in order.
    Permerror,
    /// The key is not at hand; the body alone does not speak against it.
    Unknown,
}

impl Verdict {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Permerror => "permerror",
            Self::Unknown => "unknown",
        }
    }
}

macro_rules! caveats {
    ($( $name:ident, $code:literal, $meaning:literal; )*) => {
        /// What must be said beside an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Caveat { $( #[doc = $meaning] $name, )* }

        impl Caveat {
            /// The word for it in outputs.
            pub fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )* }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }
        }
    };
}

caveats! {
    Sha1, "sha1", "rsa-sha1 no longer counts (RFC 8301): a second text with the same hash can be made";
    WeakKey, "weak-key", "the key has less than 1024 bits and no longer counts (RFC 8301): others can compute its private half";
    FromNotSigned, "from-not-signed", "the From field is not covered (RFC 6376 section 5.4 asks for it)";
    NothingSigned, "nothing-signed", "no field of the header is covered";
    LengthPartial, "length-partial", "l= leaves the end of the body uncovered: anything may have been put there";
    LengthOverBody, "length-over-body", "l= is longer than the body";
    ExpiredAtReceipt, "expired-at-receipt", "x= lies before the time of the message";
    SignedAfterReceipt, "signed-after-receipt", "t= lies more than five minutes after the time of the message";
    FieldNotCovered, "field-not-covered", "a field that may stand once stands more often than it is covered: one may have been put in after signing";
    CanonicalisationAssumed, "canonicalisation-assumed", "there is no c=, which means simple/simple; the signature was taken as relaxed/relaxed, under which it fits";
    KeyTesting, "key-testing", "the key record says t=y: the signer was testing";
    KeyNotForMail, "key-not-for-mail", "the key record's s= does not name mail";
    KeyHashNotAllowed, "key-hash-not-allowed", "the key record's h= does not allow this hash";
    KeyStrict, "key-strict", "the key record says t=s, but i= names a domain below d=";
    KeyRecordInvalid, "key-record-invalid", "the key record is not in the form of the standard";
}

/// The key that gave the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUsed {
    /// Where it comes from.
    pub entry: KeyEntry,
    /// Its size; `None` when there is no key in the record.
    pub bits: Option<u64>,
}

/// All that can be said of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureReport {
    /// The whole field.
    pub at: ByteRange,
    /// As written.
    pub signature: Signature,
    /// The body hash; `None` for a seal, or when `a=` is unknown.
    pub body: Option<BodyCheck>,
    /// What the key said.
    pub check: Check,
    /// The key; `None` when none is at hand.
    pub key: Option<KeyUsed>,
    /// What must be said beside it.
    pub caveats: Vec<Caveat>,
    /// What a verifier would say by the standard.
    pub verdict: Verdict,
}

impl SignatureReport {
    /// Whether this must be said.
    pub fn has(&self, caveat: Caveat) -> bool {
        self.caveats.contains(&caveat)
    }
}

/// The header of a message with its fields by name, and the keys.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    pub(super) message: &'a [u8],
    pub(super) header: &'a Header<'a>,
    pub(super) keys: &'a KeyStore,
    pub(super) judged: Option<Judged>,
    depth: Depth,
    /// How often each of [`ONCE`] stands in the header.
    once: [usize; ONCE.len()],
    /// Fields by name in lower case; made when a signature is checked by a key.
    by_name: OnceCell<HashMap<Vec<u8>, Vec<usize>>>,
}

/// Fields that may stand once (RFC 5322 section 3.6, RFC 2045).
const ONCE: [(Known, &[u8]); 12] = [
    (Known::From, b"from"),
    (Known::Sender, b"sender"),
    (Known::ReplyTo, b"reply-to"),
    (Known::To, b"to"),
    (Known::Cc, b"cc"),
    (Known::Subject, b"subject"),
    (Known::Date, b"date"),
    (Known::MessageId, b"message-id"),
    (Known::InReplyTo, b"in-reply-to"),
    (Known::References, b"references"),
    (Known::MimeVersion, b"mime-version"),
    (Known::ContentType, b"content-type"),
];

impl<'a> Checker<'a> {
    pub(super) fn new(
        message: &'a [u8],
        header: &'a Header<'a>,
        keys: &'a KeyStore,
        judged: Option<Judged>,
        depth: Depth,
    ) -> Self {
        let mut once = [0; ONCE.len()];
        for field in &header.fields {
            if let Some(at) = ONCE.iter().position(|(known, _)| *known == field.known)
                && let Some(count) = once.get_mut(at)
            {
                *count += 1;
            }
        }
        Self { message, header, keys, judged, depth, once, by_name: OnceCell::new() }
    }

    /// The numbers of the fields of one kind, in order.
    pub(super) fn all(&self, known: Known) -> Vec<usize> {
        self.numbers(|field| field.known == known)
    }

    /// The numbers of the fields that are meant, in order.
    pub(super) fn numbers(&self, is_meant: impl Fn(&Field<'_>) -> bool) -> Vec<usize> {
        let fields = self.header.fields.iter().enumerate();
        fields.filter(|(_, field)| is_meant(field)).map(|(n, _)| n).collect()
    }

    /// The numbers of the fields of one name (in lower case), in order.
    fn named(&self, name: &[u8]) -> &[usize] {
        let by_name = self.by_name.get_or_init(|| {
            let mut by_name: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
            for (n, field) in self.header.fields.iter().enumerate() {
                by_name.entry(field.name.to_ascii_lowercase()).or_default().push(n);
            }
            by_name
        });
        by_name.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn field(&self, number: usize) -> Option<&Field<'a>> {
        self.header.fields.get(number)
    }

    fn raw(&self, number: usize) -> &'a [u8] {
        self.field(number).and_then(|f| f.at.of(self.message)).unwrap_or_default()
    }

    /// Checks a DKIM-Signature or ARC-Message-Signature.
    pub(super) fn message_signature(
        &self,
        number: usize,
        signature: Signature,
        bodies: &mut Bodies<'_>,
    ) -> SignatureReport {
        let report = self.under(number, signature, bodies);
        if report.signature.kind != SignatureKind::ArcMessage || report.signature.is_canon_written {
            return report;
        }
        // RFC 8617 section 4.1.2 leaves `c=` as RFC 6376 has it, where none means simple. Signers of chains, and the
        // test suite that they share, mean relaxed.
        if report.verdict == Verdict::Fail {
            let mut relaxed = report.signature.clone();
            relaxed.canon = (Canon::Relaxed, Canon::Relaxed);
            let mut second = self.under(number, relaxed, bodies);
            if second.verdict != Verdict::Fail {
                second.caveats.push(Caveat::CanonicalisationAssumed);
                return second;
            }
        }
        report
    }

    /// Checks a signature under the canonicalisation that stands in it.
    fn under(&self, number: usize, signature: Signature, bodies: &mut Bodies<'_>) -> SignatureReport {
        let body = bodies.check(&signature);
        let hash = match self.depth {
            Depth::Full | Depth::Head => {
                signature.algorithm.and_then(|a| self.header_hash(number, &signature, a))
            }
            // Without a key nobody asks for it.
            Depth::Outline { .. } => None,
        };
        self.report(number, signature, body, hash.as_deref())
    }

    /// Checks a seal over the fields `sealed` before it, each given by its number.
    pub(super) fn seal(
        &self,
        number: usize,
        signature: Signature,
        sealed: Option<&[usize]>,
    ) -> SignatureReport {
        let sealed = sealed.filter(|_| self.depth.is_full());
        let hash = signature.algorithm.zip(sealed).and_then(|(algorithm, sealed)| {
            let mut total = Total::new(algorithm);
            for &field in sealed {
                total.field(signature.canon.0, self.raw(field))?;
            }
            self.own(number, &signature, total)
        });
        self.report(number, signature, None, hash.as_deref())
    }

    /// The hash of the fields that `h=` names, taken from the bottom up, and of the signature field itself.
    fn header_hash(&self, number: usize, signature: &Signature, algorithm: Algorithm) -> Option<Vec<u8>> {
        let mut total = Total::new(algorithm);
        let mut used: HashMap<Vec<u8>, usize> = HashMap::new();
        for name in &signature.signed {
            let name = name.to_ascii_lowercase();
            let mut numbers = self.named(&name).iter().rev().filter(|n| **n != number);
            let count = used.entry(name.clone()).or_insert(0);
            // A name without a field left counts as nothing (RFC 6376 section 5.4.2).
            if let Some(&field) = numbers.nth(*count) {
                *count += 1;
                total.field(signature.canon.0, self.raw(field))?;
            }
        }
        self.own(number, signature, total)
    }

    /// Adds the signature field without the value of `b=` and without its last CRLF.
    fn own(&self, number: usize, signature: &Signature, mut total: Total) -> Option<Vec<u8>> {
        let field = self.field(number)?;
        let b = signature.signature_at?;
        let before = ByteRange::new(field.at.start(), b.start())?.of(self.message)?;
        let after = ByteRange::new(b.end(), field.at.end())?.of(self.message)?;
        let mut out = Vec::new();
        canonical(signature.canon.0, &[before, after].concat(), &mut out);
        total.take(out.strip_suffix(b"\r\n").unwrap_or(&out))?;
        Some(total.hash.finish())
    }

    fn report(
        &self,
        number: usize,
        signature: Signature,
        body: Option<BodyCheck>,
        hash: Option<&[u8]>,
    ) -> SignatureReport {
        let at = self.field(number).map(|f| f.at).unwrap_or_default();
        let (check, key) = self.ask(&signature, hash);
        let mut caveats = Vec::new();
        self.weigh(&signature, body.as_ref(), key.as_ref(), &mut caveats);
        let verdict = verdict(&signature, body.as_ref(), check, &caveats);
        // A key that fits the header says nothing of a body that nobody hashed.
        let is_half = self.depth == Depth::Head && signature.kind != SignatureKind::ArcSeal;
        let verdict = match verdict {
            Verdict::Pass | Verdict::Policy if is_half => Verdict::Unknown,
            verdict => verdict,
        };
        SignatureReport { at, signature, body, check, key, caveats, verdict }
    }

    /// Asks every key of the signature's name; the best answer counts.
    fn ask(&self, signature: &Signature, hash: Option<&[u8]>) -> (Check, Option<KeyUsed>) {
        let can = !signature.domain.is_empty() && !signature.selector.is_empty();
        if !self.depth.is_full() {
            let is_whole = can && signature.algorithm.is_some() && signature.signature_at.is_some();
            return (if is_whole { Check::KeyUnknown } else { Check::NotChecked }, None);
        }
        let Some((hash, algorithm)) = hash.zip(signature.algorithm).filter(|_| can) else {
            return (Check::NotChecked, None);
        };
        let rank = |check: Check| match check {
            Check::Pass => 5,
            Check::Fail => 4,
            Check::KeyUnusable => 3,
            Check::KeyRevoked => 2,
            Check::KeyAbsent => 1,
            _ => 0,
        };
        let mut best = (Check::KeyUnknown, None);
        for entry in self.keys.of(&signature.key_name()) {
            let key = PublicKey::of(&entry.record);
            let check = match (&entry.text, &key) {
                (None, _) => Check::KeyAbsent,
                (_, Some(key)) if !key.fits(algorithm) => Check::KeyUnusable,
                (_, Some(key)) if key.verifies(algorithm, hash, &signature.signature) => Check::Pass,
                (_, Some(_)) => Check::Fail,
                (_, None) if entry.record.key.as_ref().is_some_and(Vec::is_empty) => Check::KeyRevoked,
                (_, None) => Check::KeyUnusable,
            };
            if rank(check) > rank(best.0) {
                best = (check, Some(KeyUsed { entry: entry.clone(), bits: key.map(|k| k.bits()) }));
            }
            if check == Check::Pass {
                break;
            }
        }
        best
    }

    fn weigh(
        &self,
        signature: &Signature,
        body: Option<&BodyCheck>,
        key: Option<&KeyUsed>,
        out: &mut Vec<Caveat>,
    ) {
        let mut say = |is: bool, caveat: Caveat| {
            if is {
                out.push(caveat);
            }
        };
        say(signature.algorithm == Some(Algorithm::RsaSha1), Caveat::Sha1);
        if signature.kind != SignatureKind::ArcSeal {
            let nothing = signature.signed.iter().all(Vec::is_empty);
            say(nothing, Caveat::NothingSigned);
            say(!nothing && !signature.signs(b"from"), Caveat::FromNotSigned);
            let is_open = |(name, there): (&[u8], usize)| {
                let covered = || signature.signed.iter().filter(|n| n.eq_ignore_ascii_case(name)).count();
                there > 1 && (1..there).contains(&covered())
            };
            let counted = ONCE.iter().map(|(_, name)| *name).zip(self.once);
            say(counted.into_iter().any(is_open), Caveat::FieldNotCovered);
        }
        if let Some(body) = body {
            say(body.is_length_over, Caveat::LengthOverBody);
            say(body.unsigned_size > 0, Caveat::LengthPartial);
        }
        if let Some(judged) = self.judged {
            let at = judged.at.0.div_euclid(1000);
            let secs = |t: Option<u64>| t.map(|t| i64::try_from(t).unwrap_or(i64::MAX));
            say(secs(signature.expires).is_some_and(|x| x < at), Caveat::ExpiredAtReceipt);
            say(secs(signature.time).is_some_and(|t| t > at.saturating_add(300)), Caveat::SignedAfterReceipt);
        }
        let Some(used) = key else { return };
        let record = &used.entry.record;
        if used.entry.text.is_some() {
            say(record.is_invalid, Caveat::KeyRecordInvalid);
            say(record.is_testing, Caveat::KeyTesting);
            say(!record.is_for_mail, Caveat::KeyNotForMail);
            let hash: &[u8] =
                if signature.algorithm == Some(Algorithm::RsaSha1) { b"sha1" } else { b"sha256" };
            say(
                !record.hashes.is_empty() && !record.hashes.iter().any(|h| h == hash),
                Caveat::KeyHashNotAllowed,
            );
            let is_exact = signature.identity.as_ref().is_none_or(|i| {
                let host = memchr::memrchr(b'@', i).and_then(|n| i.get(n + 1..)).unwrap_or(i);
                host.eq_ignore_ascii_case(&signature.domain)
            });
            say(record.is_strict && !is_exact, Caveat::KeyStrict);
        }
        let is_rsa = signature.algorithm != Some(Algorithm::Ed25519Sha256);
        say(is_rsa && used.bits.is_some_and(|bits| bits < MIN_BITS), Caveat::WeakKey);
    }
}

fn verdict(signature: &Signature, body: Option<&BodyCheck>, check: Check, caveats: &[Caveat]) -> Verdict {
    let has = |caveat: Caveat| caveats.contains(&caveat);
    let is_dkim = signature.kind == SignatureKind::Dkim;
    let is_unsigned = is_dkim && (has(Caveat::FromNotSigned) || has(Caveat::NothingSigned));
    let is_faulty = !signature.faults.is_empty();
    if is_faulty || is_unsigned || has(Caveat::LengthOverBody) {
        return Verdict::Permerror;
    }
    if body.is_some_and(|b| !b.is_ok()) || check == Check::Fail {
        return Verdict::Fail;
    }
    let is_barred =
        [Caveat::KeyNotForMail, Caveat::KeyHashNotAllowed, Caveat::KeyStrict].into_iter().any(has);
    match check {
        Check::KeyUnknown => Verdict::Unknown,
        Check::Pass if is_barred => Verdict::Permerror,
        Check::Pass if [Caveat::Sha1, Caveat::WeakKey, Caveat::ExpiredAtReceipt].into_iter().any(has) => {
            Verdict::Policy
        }
        Check::Pass => Verdict::Pass,
        _ => Verdict::Permerror,
    }
}

/// A hash of fields, with a limit.
struct Total {
    hash: Hasher,
    left: usize,
    out: Vec<u8>,
}

impl Total {
    fn new(algorithm: Algorithm) -> Self {
        Self { hash: Hasher::of(algorithm), left: MAX_HASHED, out: Vec::new() }
    }

    /// `None` when the limit is reached.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        self.left = self.left.checked_sub(bytes.len())?;
        self.hash.update(bytes);
        Some(())
    }

    fn field(&mut self, canon: Canon, raw: &[u8]) -> Option<()> {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        canonical(canon, raw, &mut out);
        let taken = self.take(&out);
        self.out = out;
        taken
    }
}
