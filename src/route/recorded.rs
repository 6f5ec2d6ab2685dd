//! What the recipient's own servers recorded of their checks, as far as the place of a field and the name in it can
//! tell.
//!
//! Anybody can write a field that says `pass`. It counts here when it names a server of the recipient (RFC 8601 section
//! 5) and stands where such a server writes: above the hop of the boundary, or directly below it, where Gmail and
//! Exchange put it. A server ought to take away what came to it under its own name; one that does not lets a forged
//! field through below its hop, which is why the place is told.

use super::names::{are_kin, organisation};
use super::trust::Drawn;
use super::{Mail, Settings};
use crate::auth::{Recorded, RecordedSpf, Report};
use crate::parse::authres::Word;
use crate::parse::known::Known;
use crate::types::ByteRange;

/// Methods whose results are told and searched for.
pub const METHODS: [&str; 4] = ["dkim", "spf", "dmarc", "arc"];

/// Results of RFC 8601 section 2.7, of Microsoft's dialect, and the word for any other.
pub const RESULTS: &[&str] = &[
    "none",
    "pass",
    "fail",
    "softfail",
    "neutral",
    "policy",
    "temperror",
    "permerror",
    "hardfail",
    "bestguesspass",
    "other",
];

/// The word for a result that no document names.
const OTHER: &str = "other";

/// Where a field of the recipient's server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Above the hop of the boundary: written after the message had come in.
    Above,
    /// Directly below it: of the server of the boundary, if that server takes away foreign fields of its name.
    Beside,
}

impl Standing {
    /// The word that outputs hold.
    pub fn code(self) -> &'static str {
        match self {
            Self::Above => "above-boundary",
            Self::Beside => "beside-boundary",
        }
    }
}

/// One result that a server of the recipient recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// One of [`METHODS`].
    pub method: &'static str,
    /// One of [`RESULTS`].
    pub result: &'static str,
    /// Who says so, in lower case as the field names it; empty where it names nobody and the server of the boundary is
    /// one that never does.
    pub server: String,
    /// Where the field stands.
    pub standing: Standing,
    /// The result in the message.
    pub at: ByteRange,
}

/// What a message says of its authentication, and how each field of it stands; `None` for those that are not the
/// recipient's.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    /// What was read and computed.
    pub(super) report: Report,
    /// One for each of [`Report::recorded`].
    pub(super) recorded: Vec<Option<Standing>>,
    /// One for each of [`Report::spf`].
    pub(super) spf: Vec<Option<Standing>>,
    /// What the recipient's servers recorded, in the order it stands.
    pub(super) own: Vec<Own>,
}

impl Weighed {
    /// The fields of the recipient's servers.
    pub(super) fn fields(&self) -> Vec<(ByteRange, Standing)> {
        let results = self.report.recorded.iter().map(|field| field.at).zip(&self.recorded);
        let spf = self.report.spf.iter().map(|field| field.at).zip(&self.spf);
        results.chain(spf).filter_map(|(at, standing)| Some((at, (*standing)?))).collect()
    }
}

/// Weighs the fields of a report.
pub(super) fn weigh(mail: &Mail<'_>, drawn: &Drawn, settings: &Settings, report: Report) -> Weighed {
    let mut out = Weighed { report, recorded: Vec::new(), spf: Vec::new(), own: Vec::new() };
    if out.report.recorded.is_empty() && out.report.spf.is_empty() {
        return out;
    }
    let border = Border::of(mail, drawn, settings);
    out.recorded = out.report.recorded.iter().map(|field| border.results(field)).collect();
    out.spf = out.report.spf.iter().map(|field| border.spf(field)).collect();
    out.own = own(&out.report, &out.recorded, &out.spf);
    out
}

fn own(report: &Report, recorded: &[Option<Standing>], spf: &[Option<Standing>]) -> Vec<Own> {
    let mut out = Vec::new();
    for (field, standing) in report.recorded.iter().zip(recorded) {
        let Some(standing) = *standing else { continue };
        let server = field.results.server.as_ref().map(lower).unwrap_or_default();
        for result in &field.results.results {
            let Some(method) = METHODS.iter().find(|method| result.method.is(method)) else { continue };
            let (at, result) = (result.at, word(&result.result));
            out.push(Own { method, result, server: server.clone(), standing, at });
        }
    }
    for (field, standing) in report.spf.iter().zip(spf) {
        let Some(standing) = *standing else { continue };
        let (at, result) = (field.spf.result.at, word(&field.spf.result));
        out.push(Own { method: "spf", result, server: receiver(field).unwrap_or_default(), standing, at });
    }
    out
}

/// The server that a Received-SPF field names as its writer.
fn receiver(field: &RecordedSpf) -> Option<String> {
    if let Some(receiver) = field.spf.get("receiver") {
        return Some(lower(receiver)).filter(|name| name.contains('.'));
    }
    // `pass (mx.example.org: domain of a@b designates ..)`.
    let comment = String::from_utf8_lossy(&field.spf.comments.first()?.text).to_ascii_lowercase();
    let name = comment.split([':', ' ']).next()?;
    (name.contains('.') && !name.contains('@')).then(|| name.to_owned())
}

fn lower(word: &Word) -> String {
    word.to_text().to_ascii_lowercase()
}

fn word(result: &Word) -> &'static str {
    RESULTS.iter().find(|known| result.is(known)).copied().unwrap_or(OTHER)
}

/// The border between what the recipient's servers wrote and what came to them.
struct Border<'a> {
    settings: &'a Settings,
    /// Where the hop of the boundary ends; `None` when there is no hop.
    end: Option<u64>,
    /// Up to where fields below it may be of its server.
    beside: u64,
    /// Whether its server writes fields without its name.
    is_nameless: bool,
    /// Its server.
    by: String,
    /// The recipient's servers, as the hops down to the boundary name them.
    servers: Vec<String>,
}

impl<'a> Border<'a> {
    fn of(mail: &Mail<'_>, drawn: &Drawn, settings: &'a Settings) -> Self {
        let hops = &mail.facts.hops;
        let boundary = drawn.boundary.and_then(|at| hops.get(at));
        let end = boundary.map(|hop| hop.at.end());
        let mut beside = 0;
        if let Some(end) = end {
            beside = end;
            for field in mail.header.fields.iter().filter(|field| field.at.start() >= end) {
                let is_trace = matches!(field.known, Known::Other | Known::ReturnPath | Known::DeliveredTo)
                    || matches!(field.known, Known::ArcSeal | Known::ArcMessageSignature);
                if !is_trace {
                    break;
                }
                beside = field.at.end();
            }
        }
        let names = drawn.boundary.map_or(0, |at| at.saturating_add(1));
        Self {
            settings,
            end,
            beside,
            is_nameless: boundary.is_some_and(|hop| hop.family == "exchange"),
            by: mail.lower(boundary.and_then(|hop| hop.by)),
            servers: hops
                .iter()
                .take(names)
                .map(|hop| mail.lower(hop.by))
                .filter(|by| !by.is_empty())
                .collect(),
        }
    }

    fn is_own(&self, server: &str) -> bool {
        self.settings.is_own_host(server) || self.servers.iter().any(|by| are_kin(by, server))
    }

    fn standing(&self, at: ByteRange, server: Option<&str>) -> Option<Standing> {
        let end = self.end?;
        if at.start() < end {
            let is_own = server.map_or(self.is_nameless, |server| self.is_own(server));
            return is_own.then_some(Standing::Above);
        }
        let is_beside = at.start() < self.beside
            && match server {
                Some(server) => self.is_own(server) && self.is_of_boundary(server),
                None => self.is_nameless,
            };
        is_beside.then_some(Standing::Beside)
    }

    fn is_of_boundary(&self, server: &str) -> bool {
        self.settings.is_own_host(server)
            || are_kin(&self.by, server)
            || organisation(&self.by).is_some_and(|by| Some(by) == organisation(server))
    }

    fn results(&self, field: &Recorded) -> Option<Standing> {
        // Servers keep what others wrote under other names: X-Original-Authentication-Results,
        // ARC-Authentication-Results.
        if !field.name.eq_ignore_ascii_case(b"authentication-results") {
            return None;
        }
        let server = field.results.server.as_ref().map(lower);
        self.standing(field.at, server.as_deref())
    }

    fn spf(&self, field: &RecordedSpf) -> Option<Standing> {
        if !field.name.eq_ignore_ascii_case(b"received-spf") {
            return None;
        }
        self.standing(field.at, receiver(field).as_deref())
    }
}
