//! The way of a message as the index holds it: which rules found something, and who stands behind each hop.

use crate::facts::ItemFacts;
use crate::index::Way;
use crate::parse::header::Header;
use crate::route::{Mail, Settings, chain};

/// What was concluded about the way of one message.
#[derive(Debug, Default)]
pub(super) struct Concluded {
    findings: Vec<&'static str>,
    trust: Vec<&'static str>,
}

impl Concluded {
    /// Reads the way of a message.
    pub(super) fn of(message: &[u8], header: &Header<'_>, facts: &ItemFacts, settings: &Settings) -> Self {
        let chain = chain(&Mail { message, header, facts }, settings);
        // The findings of a rule stand together.
        let mut findings: Vec<_> = chain.findings.iter().map(|finding| finding.rule.id).collect();
        findings.dedup();
        Self { findings, trust: chain.steps.iter().map(|step| step.trust.code()).collect() }
    }

    pub(super) fn as_way(&self) -> Way<'_> {
        Way { findings: &self.findings, trust: &self.trust }
    }
}
