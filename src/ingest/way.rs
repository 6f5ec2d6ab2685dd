//! The way of a message as the index holds it: which rules found something, and who stands behind each hop.

use crate::index::Way;
use crate::route::{Mail, Model, Settings, chain_with};

/// What was concluded about the way of one message.
#[derive(Debug, Default)]
pub(super) struct Concluded {
    findings: Vec<&'static str>,
    trust: Vec<&'static str>,
    recorded: Vec<(&'static str, &'static str)>,
    bodies: Vec<&'static str>,
}

impl Concluded {
    /// Reads the way of a message; `found` is its slice in the container where that is not the message.
    pub(super) fn of<'a>(mail: &Mail<'a>, found: Option<&'a [u8]>, settings: &Settings) -> Self {
        let chain = chain_with(mail, found, settings, &Model::default());
        // The findings of a rule stand together.
        let mut findings: Vec<_> = chain.findings.iter().map(|finding| finding.rule.id).collect();
        findings.dedup();
        let recorded = chain.recorded.iter().map(|own| (own.method, own.result)).collect();
        let bodies = chain.bodies.iter().map(|fits| if *fits { "ok" } else { "bad" }).collect();
        Self {
            recorded,
            bodies,
            findings,
            trust: chain.steps.iter().map(crate::route::Step::standing).collect(),
        }
    }

    pub(super) fn as_way(&self) -> Way<'_> {
        Way { findings: &self.findings, trust: &self.trust, recorded: &self.recorded, bodies: &self.bodies }
    }
}
