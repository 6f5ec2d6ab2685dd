//! The chain of ARC sets (RFC 8617 section 5.2).

use std::collections::BTreeMap;

use crate::parse::authres::arc_results;
use crate::parse::dkim::{ChainValue, SignatureKind, signature};
use crate::parse::known::Known;
use crate::types::{Anomaly, ByteRange};

use super::body::Bodies;
use super::signature::{Checker, SignatureReport, Verdict};

/// Most ARC fields of one message that are read: three for each of fifty sets, and as many again for repeated ones.
pub(super) const MAX_FIELDS: usize = 300;

/// The state of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChainStatus {
    /// There is no ARC field.
    #[default]
    None,
    /// Every seal and the newest message signature hold.
    Pass,
    /// It is broken; the reason says where.
    Fail,
    /// Its structure holds, but a key is not at hand.
    Unknown,
}

impl ChainStatus {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainReason {
    /// More ARC fields than are read.
    TooMany,
    /// An `i=` is missing or no number from 1 to 50.
    InstanceInvalid,
    /// A set has one of its fields twice.
    Repeated,
    /// A set lacks one of its three fields, or there is a gap in the instances.
    Missing,
    /// The newest seal itself says `cv=fail`.
    SaidFail,
    /// `cv=` is not `none` in the first set and `pass` in the others.
    ChainValue,
    /// A field is not in the form of the standard.
    FieldInvalid,
    /// The newest message signature does not hold.
    MessageSignature,
    /// A seal does not hold.
    Seal,
}

impl ChainReason {
    /// The word for it in outputs.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooMany => "too-many-fields",
            Self::InstanceInvalid => "instance-invalid",
            Self::Repeated => "field-repeated",
            Self::Missing => "field-missing",
            Self::SaidFail => "said-fail",
            Self::ChainValue => "chain-value-wrong",
            Self::FieldInvalid => "field-invalid",
            Self::MessageSignature => "message-signature",
            Self::Seal => "seal",
        }
    }
}

/// One ARC set; what is repeated stands in the chain's reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArcSet {
    /// `i=`.
    pub instance: u32,
    /// The ARC-Authentication-Results field.
    pub results: Option<ByteRange>,
    /// The ARC-Message-Signature.
    pub message: Option<SignatureReport>,
    /// The ARC-Seal.
    pub seal: Option<SignatureReport>,
}

/// The chain of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArcReport {
    /// Its state.
    pub status: ChainStatus,
    /// Why it is broken, and in which set; set 0 when it is not known which.
    pub reason: Option<(ChainReason, u32)>,
    /// The sets, oldest first.
    pub sets: Vec<ArcSet>,
    /// The oldest set from which on every message signature holds; 0 when all do (RFC 8617 section 5.2, step 5).
    /// `None` when the newest does not, or keys are missing.
    pub oldest_pass: Option<u32>,
}

#[derive(Default)]
struct Numbers {
    results: Vec<usize>,
    messages: Vec<usize>,
    seals: Vec<usize>,
}

/// Reads and checks the chain.
pub(super) fn chain(checker: &Checker<'_>, bodies: &mut Bodies<'_>, notes: &mut Vec<Anomaly>) -> ArcReport {
    let mut sets: BTreeMap<u32, Numbers> = BTreeMap::new();
    let mut reason = None;
    let mut count = 0_usize;
    let results = checker.numbers(|field| field.name.eq_ignore_ascii_case(b"arc-authentication-results"));
    let (messages, seals) = (checker.all(Known::ArcMessageSignature), checker.all(Known::ArcSeal));
    for (numbers, which) in [(results, 0), (messages, 1), (seals, 2)] {
        for number in numbers {
            count += 1;
            let Some(field) = checker.field(number).filter(|_| count <= MAX_FIELDS) else { continue };
            let (value, at) = (field.value, field.value_at.start());
            let instance = match which {
                0 => arc_results(value, at).value.instance,
                1 => signature(value, at, SignatureKind::ArcMessage).value.instance,
                _ => signature(value, at, SignatureKind::ArcSeal).value.instance,
            };
            let Some(instance) = instance else {
                reason = Some((ChainReason::InstanceInvalid, 0));
                continue;
            };
            let set = sets.entry(instance).or_default();
            match which {
                0 => set.results.push(number),
                1 => set.messages.push(number),
                _ => set.seals.push(number),
            }
        }
    }
    if count == 0 {
        return ArcReport { status: ChainStatus::None, reason: None, sets: Vec::new(), oldest_pass: None };
    }
    if count > MAX_FIELDS {
        reason = Some((ChainReason::TooMany, 0));
    }
    let (reports, structure) = check_sets(checker, bodies, &sets, notes);
    let said_fail = reports.last().filter(|set| cv(set) == Some(ChainValue::Fail));
    let mut unknown = false;
    let reason = said_fail
        .map(|set| (ChainReason::SaidFail, set.instance))
        .or(reason)
        .or(structure)
        .or_else(|| judge(&reports, &mut unknown));
    let status = match reason {
        Some(_) => ChainStatus::Fail,
        None if unknown => ChainStatus::Unknown,
        None => ChainStatus::Pass,
    };
    let oldest_pass = oldest(&reports);
    ArcReport { status, reason, sets: reports, oldest_pass }
}

/// The newest set alone; nothing is judged.
pub(super) fn newest(checker: &Checker<'_>, bodies: &mut Bodies<'_>) -> ArcReport {
    let mut set = ArcSet::default();
    let read = |known: Known, kind: SignatureKind| {
        let fields = checker.all(known).into_iter().take(MAX_FIELDS);
        let all = fields.filter_map(|number| {
            let field = checker.field(number)?;
            Some((number, signature(field.value, field.value_at.start(), kind).value))
        });
        all.max_by_key(|(number, signature)| (signature.instance, std::cmp::Reverse(*number)))
    };
    if let Some((number, signature)) = read(Known::ArcSeal, SignatureKind::ArcSeal) {
        set.instance = signature.instance.unwrap_or_default();
        set.seal = Some(checker.seal(number, signature, None));
    }
    if let Some((number, signature)) = read(Known::ArcMessageSignature, SignatureKind::ArcMessage) {
        set.instance = set.instance.max(signature.instance.unwrap_or_default());
        set.message = Some(checker.message_signature(number, signature, bodies));
    }
    let is_there = set.seal.is_some() || set.message.is_some();
    let status = if is_there { ChainStatus::Unknown } else { ChainStatus::None };
    ArcReport { status, sets: if is_there { vec![set] } else { Vec::new() }, ..ArcReport::default() }
}

fn cv(set: &ArcSet) -> Option<ChainValue> {
    set.seal.as_ref().and_then(|seal| seal.signature.chain)
}

/// Checks every signature that there is, also in a chain whose structure is broken, and tells the first break.
fn check_sets(
    checker: &Checker<'_>,
    bodies: &mut Bodies<'_>,
    sets: &BTreeMap<u32, Numbers>,
    notes: &mut Vec<Anomaly>,
) -> (Vec<ArcSet>, Option<(ChainReason, u32)>) {
    let mut read = |number: usize, kind: SignatureKind| {
        let field = checker.field(number)?;
        let parsed = signature(field.value, field.value_at.start(), kind);
        notes.extend(parsed.anomalies);
        Some(parsed.value)
    };
    let mut reports = Vec::new();
    let mut structure = None;
    let mut sealed: Vec<usize> = Vec::new();
    let mut whole = true;
    for (wanted, (&instance, numbers)) in (1_u32..).zip(sets) {
        let lists = [&numbers.results, &numbers.messages, &numbers.seals];
        if lists.iter().any(|list| list.len() > 1) {
            structure = structure.or(Some((ChainReason::Repeated, instance)));
            whole = false;
        }
        if instance != wanted || lists.iter().any(|list| list.is_empty()) {
            structure = structure.or(Some((ChainReason::Missing, instance)));
            whole = false;
        }
        let mut set = ArcSet { instance, ..ArcSet::default() };
        set.results = numbers.results.first().and_then(|n| checker.field(*n)).map(|f| f.at);
        if let Some(&number) = numbers.messages.first()
            && let Some(signature) = read(number, SignatureKind::ArcMessage)
        {
            set.message = Some(checker.message_signature(number, signature, bodies));
        }
        sealed.extend(numbers.results.first().into_iter().chain(numbers.messages.first()));
        if let Some(&number) = numbers.seals.first()
            && let Some(signature) = read(number, SignatureKind::ArcSeal)
        {
            set.seal = Some(checker.seal(number, signature, whole.then_some(&sealed)));
            sealed.push(number);
        }
        reports.push(set);
    }
    (reports, structure)
}

/// Steps 3 (values of `cv=`) to 6 of section 5.2.
fn judge(sets: &[ArcSet], unknown: &mut bool) -> Option<(ChainReason, u32)> {
    for set in sets {
        let wanted = if set.instance == 1 { ChainValue::None } else { ChainValue::Pass };
        if cv(set).is_some_and(|cv| cv != wanted) {
            return Some((ChainReason::ChainValue, set.instance));
        }
        let signatures = [set.message.as_ref(), set.seal.as_ref()];
        if signatures.into_iter().flatten().any(|s| !s.signature.faults.is_empty()) {
            return Some((ChainReason::FieldInvalid, set.instance));
        }
    }
    let mut holds = |report: Option<&SignatureReport>| match report.map(|r| r.verdict) {
        Some(Verdict::Pass) => true,
        Some(Verdict::Unknown) => {
            *unknown = true;
            true
        }
        _ => false,
    };
    let newest = sets.last()?;
    if !holds(newest.message.as_ref()) {
        return Some((ChainReason::MessageSignature, newest.instance));
    }
    let broken = sets.iter().rev().find(|set| !holds(set.seal.as_ref()));
    broken.map(|set| (ChainReason::Seal, set.instance))
}

fn oldest(sets: &[ArcSet]) -> Option<u32> {
    let passes = |set: &&ArcSet| set.message.as_ref().is_some_and(|m| m.verdict == Verdict::Pass);
    let held: Vec<&ArcSet> = sets.iter().rev().take_while(passes).collect();
    let is_known = sets.iter().filter_map(|s| s.message.as_ref()).all(|m| m.verdict != Verdict::Unknown);
    let last = held.last().filter(|_| is_known)?;
    Some(if held.len() == sets.len() { 0 } else { last.instance })
}
