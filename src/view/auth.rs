//! What servers recorded of a message, and what its signatures say when they are computed again: `mailtrail.auth/1`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::auth::{
    ArcReport, BodyCheck, KeyFile, KeyStore, KeyUsed, Reading, Recorded, RecordedSpf, Report,
    SignatureReport, check, check_head,
};
use crate::catalog::{Catalog, Row};
use crate::ingest::trust;
use crate::parse::authres::{MethodResult, Property, Word};
use crate::parse::dkim::{Algorithm, SignatureKind};
use crate::route::Standing;
use crate::store::Reader;
use crate::types::ByteRange;
use crate::types::json::{self, Obj};
use crate::types::time::rfc3339;

use super::ViewError;
use super::item::{as_found, message_as_read};
use super::way::chain_of;

/// What is known of the authentication of one message.
#[derive(Debug)]
pub struct AuthView {
    /// The item.
    pub item: String,
    /// What was recorded and what was computed again.
    pub report: Report,
    /// The keys that were at hand.
    pub keys: KeyStore,
    /// The fields of the recipient's servers, and where each stands.
    pub own: Vec<(ByteRange, Standing)>,
}

/// How a field stands to the recipient's servers; `None` where it is not known to be of one.
pub fn field_standing(field: ByteRange, own: &[(ByteRange, Standing)]) -> Option<Standing> {
    own.iter().find(|(at, _)| *at == field).map(|(_, standing)| *standing)
}

impl AuthView {
    /// Reads the recorded results of an item and computes its signatures with some keys; the case's own key files are
    /// [`crate::ingest::keys::files`]. Of a message that is too long for memory no body is hashed.
    ///
    /// # Errors
    /// [`ViewError::Export`], [`ViewError::Store`], [`ViewError::Catalog`].
    pub fn of(reader: &Reader, catalog: &Catalog, row: &Row<'_>, keys: KeyStore) -> Result<Self, ViewError> {
        let (message, whole) = message_as_read(reader, catalog, row)?;
        let as_found = as_found(reader, catalog, row)?;
        let report = if whole == message.len() as u64 {
            check(&message, as_found.as_deref(), &keys)
        } else {
            check_head(&message, &keys)
        };
        let own = chain_of(reader, catalog, row, &trust::settings(reader)?.0)?.recorded_in;
        Ok(Self { item: catalog.item_id(row).to_string(), report, keys, own })
    }

    /// The object `mailtrail.auth/1`.
    pub fn to_json(&self) -> Vec<u8> {
        let Self { item, report, keys, own } = self;
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.arr("anomalies", &report.anomalies, |out, note| {
            let mut o = Obj::new(out);
            if let Some(place) = note.at {
                at(&mut o, "at", place);
            }
            o.str("code", note.kind.code());
            if let Some(detail) = &note.detail {
                o.str("detail", detail);
            }
            o.str("severity", note.kind.severity().code());
            o.end();
        });
        o.obj("arc", |o| arc(o, &report.arc));
        o.arr("dkim", &report.dkim, |out, one| signature(out, one, Some(report)));
        o.uint("dkim_total", report.dkim_total);
        o.str("item", item);
        match report.judged {
            Some(judged) => o.obj("judged", |o| {
                o.str("at", &rfc3339(judged.at)).str("clock", judged.clock.code());
            }),
            None => o.null("judged"),
        };
        o.uint("key_records", keys.entries().count() as u64);
        o.arr("not_checked", &report.unchecked, |out, (field, why, count)| {
            let mut o = Obj::new(out);
            o.str("field", field).uint("fields", *count).str("why", why);
            o.end();
        });
        o.arr("recorded", &report.recorded, |out, field| recorded(out, field, own));
        o.uint("recorded_total", report.recorded_total);
        o.str("schema", "mailtrail.auth/1");
        o.arr("spf", &report.spf, |out, field| spf(out, field, own));
        o.end();
        out
    }
}

fn at(o: &mut Obj<'_>, key: &'static str, place: ByteRange) {
    o.arr(key, [place.start(), place.end()], json::uint);
}

fn word(o: &mut Obj<'_>, key: &'static str, word: &Word) {
    o.obj(key, |o| {
        at(o, "at", word.at);
        o.text("text", &word.text);
    });
}

fn words(o: &mut Obj<'_>, key: &'static str, words: &[Word]) {
    o.arr(key, words, |out, word| {
        let mut o = Obj::new(out);
        at(&mut o, "at", word.at);
        o.text("text", &word.text);
        o.end();
    });
}

fn recorded(out: &mut Vec<u8>, field: &Recorded, own: &[(ByteRange, Standing)]) {
    let results = &field.results;
    let mut o = Obj::new(out);
    at(&mut o, "at", field.at);
    words(&mut o, "comments", &results.comments);
    o.text("field", &field.name).uint("hops_above", field.hops_above);
    o.opt_uint("instance", results.instance.map(u64::from));
    words(&mut o, "names", &results.names);
    o.bool("none", results.is_none);
    o.arr("results", &results.results, result);
    match &results.server {
        Some(server) => word(&mut o, "server", server),
        None => {
            o.null("server");
        }
    }
    o.opt_str("standing", field_standing(field.at, own).map(Standing::code));
    o.opt_uint("version", results.version);
    o.end();
}

fn result(out: &mut Vec<u8>, result: &MethodResult) {
    let mut o = Obj::new(out);
    at(&mut o, "at", result.at);
    words(&mut o, "comments", &result.comments);
    o.text("method", &result.method.text);
    o.arr("properties", &result.properties, |out, property: &Property| {
        let mut o = Obj::new(out);
        at(&mut o, "at", property.value.at);
        o.text("name", &property.name.text);
        match &property.kind {
            Some(kind) => o.text("type", &kind.text),
            None => o.null("type"),
        };
        o.text("value", &property.value.text);
        o.end();
    });
    match &result.reason {
        Some(reason) => o.text("reason", &reason.text),
        None => o.null("reason"),
    };
    o.text("result", &result.result.text);
    o.opt_uint("version", result.version);
    o.end();
}

fn spf(out: &mut Vec<u8>, field: &RecordedSpf, own: &[(ByteRange, Standing)]) {
    let mut o = Obj::new(out);
    at(&mut o, "at", field.at);
    words(&mut o, "comments", &field.spf.comments);
    o.text("field", &field.name).uint("hops_above", field.hops_above);
    o.arr("pairs", &field.spf.pairs, |out, (key, value)| {
        let mut o = Obj::new(out);
        at(&mut o, "at", value.at);
        o.text("key", &key.text).text("value", &value.text);
        o.end();
    });
    o.text("result", &field.spf.result.text);
    o.opt_str("standing", field_standing(field.at, own).map(Standing::code));
    o.end();
}

fn signature(out: &mut Vec<u8>, one: &SignatureReport, report: Option<&Report>) {
    let s = &one.signature;
    let mut o = Obj::new(out);
    o.opt_str("algorithm", s.algorithm.map(Algorithm::code));
    at(&mut o, "at", one.at);
    if let Some(check) = &one.body {
        o.obj("body", |o| body(o, check));
    }
    if s.kind != SignatureKind::ArcSeal {
        o.str("canonicalisation", &format!("{}/{}", s.canon.0.code(), s.canon.1.code()));
    }
    o.arr("caveats", &one.caveats, |out, caveat| json::string(out, caveat.code()));
    if let Some(cv) = s.chain {
        o.str("chain_value", cv.code());
    }
    if let Some(report) = report {
        o.bool("contradicted", report.is_contradicted(one));
    }
    o.text("domain", &s.domain);
    o.opt_uint("expires", s.expires);
    o.arr("faults", &s.faults, |out, fault| json::string(out, fault.code()));
    if let Some(identity) = &s.identity {
        o.text("identity", identity);
    }
    match &one.key {
        Some(used) => o.obj("key", |o| key(o, used)),
        None => o.null("key"),
    };
    o.opt_uint("length", s.length);
    if let Some(report) = report {
        o.arr("recorded", report.said_of(one), |out, said| {
            let mut o = Obj::new(out);
            o.uint("field", said.field as u64).uint("result", said.result as u64);
            o.end();
        });
    }
    o.text("selector", &s.selector);
    o.str("signature", one.check.code());
    o.arr("signed", &s.signed, |out, name| json::text(out, name));
    o.opt_uint("time", s.time);
    o.str("verdict", one.verdict.code());
    o.end();
}

fn body(o: &mut Obj<'_>, check: &BodyCheck) {
    o.uint("canonical_size", check.canonical_size);
    o.str("computed", &STANDARD.encode(&check.computed));
    o.uint("lines_left_out", check.lines_left_out);
    o.bool("ok", check.is_ok());
    o.opt_str("reading", check.reading.map(Reading::code));
    o.bool("tries_cut_short", check.is_cut_short);
    o.uint("unsigned_size", check.unsigned_size);
}

fn key(o: &mut Obj<'_>, used: &KeyUsed) {
    let entry = &used.entry;
    o.opt_uint("bits", used.bits);
    o.obj("file", |o| write_key_file(o, &entry.file));
    o.uint("line", entry.line);
    o.text("name", &entry.name).str("provenance", &entry.provenance);
    match &entry.text {
        Some(text) => o.text("record", text),
        None => o.null("record"),
    };
}

/// Writes the keys of a key file into an object.
pub fn write_key_file(o: &mut Obj<'_>, file: &KeyFile) {
    o.opt_str("added", file.added.as_deref());
    o.str("name", &file.name);
    o.opt_str("note", file.note.as_deref());
    o.digest("sha256", &file.sha256);
}

fn arc(o: &mut Obj<'_>, arc: &ArcReport) {
    o.opt_uint("oldest_pass", arc.oldest_pass.map(u64::from));
    match arc.reason {
        Some((reason, set)) => o.obj("reason", |o| {
            o.str("code", reason.code()).uint("set", u64::from(set));
        }),
        None => o.null("reason"),
    };
    o.arr("sets", &arc.sets, |out, set| {
        let mut o = Obj::new(out);
        o.uint("instance", u64::from(set.instance));
        for (key, one) in [("message", &set.message), ("seal", &set.seal)] {
            if let Some(one) = one {
                let mut text = Vec::new();
                signature(&mut text, one, None);
                if key == "seal" && set.results.is_some() {
                    results_at(&mut o, set.results);
                }
                o.raw(key, &text);
            } else if key == "seal" {
                results_at(&mut o, set.results);
            }
        }
        o.end();
    });
    o.str("status", arc.status.code());
}

/// The place of a set's results; between `message` and `seal`, because keys ascend.
fn results_at(o: &mut Obj<'_>, place: Option<ByteRange>) {
    if let Some(place) = place {
        at(o, "results_at", place);
    }
}
