//! The JSON of `hops` (`mailtrail.hops/1`): see docs/output.md.

use crate::parse::received::Hop;
use crate::route::Answer;
use crate::types::ByteRange;
use crate::types::json::{self, Obj};
use crate::types::time::rfc3339;

use super::ViewError;
use super::findings::write_finding;
use super::network_files::{NetworkFiles, NetworkHit, write_places};
use super::way::WayView;

fn range(o: &mut Obj<'_>, key: &'static str, way: &WayView, range: Option<ByteRange>) {
    if let Some(range) = range {
        o.obj(key, |o| {
            o.uint("end", range.end()).uint("start", range.start());
            o.text("text", way.bytes(Some(range)));
        });
    }
}

fn write_answer(out: &mut Vec<u8>, way: &WayView, answer: &Answer) {
    let mut o = Obj::new(out);
    if !answer.field.is_empty() {
        o.str("field", &answer.field);
    }
    o.opt_uint("hop", answer.hop.map(|hop| hop as u64));
    o.str("ip", &answer.ip.to_string()).str("level", answer.level.code());
    range(&mut o, "user", way, answer.user);
    o.end();
}

impl WayView {
    /// The object `mailtrail.hops/1`, with what files say of the networks of its clients.
    ///
    /// # Errors
    /// [`ViewError::NetworkRecord`].
    pub fn to_json(&self, networks: &NetworkFiles) -> Result<Vec<u8>, ViewError> {
        let way = self;
        let mut out = Vec::new();
        let hops = &way.facts.hops;
        let said = hops.iter().map(|hop| hop.peer_ip.map_or_else(|| Ok(Vec::new()), |ip| networks.find(ip)));
        let said = said.collect::<Result<Vec<_>, _>>()?;
        let found = &way.chain.answers;
        let mut o = Obj::new(&mut out);
        o.obj("answers", |o| {
            for (key, value) in
                [("attested_peer", &found.attested_peer), ("earliest_claimed", &found.earliest_claimed)]
            {
                one_answer(o, key, way, value.as_ref());
            }
            o.arr("header_fields", &found.fields, |out, answer| write_answer(out, way, answer));
            one_answer(o, "inner_network", way, found.lan.as_ref());
            one_answer(o, "submission", way, found.submission.as_ref());
        });
        o.obj("authentication", |o| {
            o.arr("bodies", &way.chain.bodies, |out, fits| {
                json::string(out, if *fits { "ok" } else { "bad" });
            });
            o.arr("recorded", &way.chain.recorded, |out, own| {
                let mut o = Obj::new(out);
                o.uint("end", own.at.end()).str("method", own.method).str("result", own.result);
                o.str("server", &own.server)
                    .str("standing", own.standing.code())
                    .uint("start", own.at.start());
                o.end();
            });
        });
        o.str("basis", way.chain.basis.code());
        o.opt_uint("boundary", way.chain.boundary.map(|at| at as u64));
        o.obj("clocks", |o| way.clocks.write(o));
        if !networks.is_empty() {
            networks.write_sources(&mut o);
        }
        o.arr("findings", &way.chain.findings, |out, finding| write_finding(out, finding, None));
        o.arr("hops", hops.iter().zip(&said).enumerate(), |out, (at, (hop, said))| {
            write_hop(out, way, at, hop, (!networks.is_empty()).then_some(said));
        });
        o.uint("hops_total", way.hops_total());
        o.str("item", &self.item).str("schema", "mailtrail.hops/1");
        o.opt_uint("settings_event", way.set_by);
        o.bool("teaching_addresses", way.settings.teaching_addresses);
        o.opt_int("total_ms", way.chain.total_ms);
        o.end();
        Ok(out)
    }
}

fn one_answer(o: &mut Obj<'_>, key: &'static str, way: &WayView, answer: Option<&Answer>) {
    match answer {
        Some(answer) => {
            let mut value = Vec::new();
            write_answer(&mut value, way, answer);
            o.raw(key, &value);
        }
        None => {
            o.null(key);
        }
    }
}

fn write_hop(out: &mut Vec<u8>, way: &WayView, at: usize, hop: &Hop, said: Option<&Vec<NetworkHit>>) {
    let step = way.chain.steps.get(at);
    let mut o = Obj::new(out);
    o.str("auth", hop.auth.code()).str("because", step.map_or("", |step| step.because));
    range(&mut o, "by", way, hop.by);
    o.str("class", hop.class.code());
    o.opt_int("corrected_ms", step.and_then(|step| step.corrected_ms));
    o.opt_str("date", hop.date.as_ref().map(|date| rfc3339(date.utc)).as_deref());
    o.opt_int("delay_ms", step.and_then(|step| step.delay_ms));
    if let Some(step) = step.filter(|step| !step.disputed_by.is_empty()) {
        o.arr("disputed_by", &step.disputed_by, |out, rule| json::string(out, rule));
    }
    o.uint("end", hop.at.end());
    range(&mut o, "envelope_from", way, hop.envelope_from);
    o.str("family", hop.family);
    range(&mut o, "for", way, hop.for_);
    range(&mut o, "from", way, hop.from);
    o.str("grade", hop.grade.code());
    range(&mut o, "helo", way, hop.helo);
    range(&mut o, "id", way, hop.id);
    o.str("id_kind", hop.id_kind.code());
    o.opt_str("id_time", hop.id_time.map(rfc3339).as_deref());
    o.uint("index", at as u64);
    o.opt_str("peer_ip", hop.peer_ip.map(|ip| ip.to_string()).as_deref());
    range(&mut o, "peer_ip_at", way, hop.peer_ip_at);
    o.opt_uint("peer_port", hop.peer_port.map(u64::from));
    o.str("peer_scope", hop.peer_scope.code());
    if let Some(said) = said {
        write_places(&mut o, said);
    }
    o.str("protocol", hop.protocol);
    range(&mut o, "rdns", way, hop.rdns);
    o.str("rdns_state", hop.rdns_state.code());
    range(&mut o, "software", way, hop.software);
    o.uint("start", hop.at.start()).str("tls", hop.tls.code());
    range(&mut o, "tls_cipher", way, hop.tls_cipher);
    o.str("tls_version", hop.tls_version);
    o.str("trust", step.map_or("", |step| step.trust.code()));
    range(&mut o, "user", way, hop.user);
    range(&mut o, "via", way, hop.via);
    range(&mut o, "with", way, hop.with);
    o.bool("zone_known", hop.date.as_ref().is_some_and(|date| date.zone_known));
    o.end();
}
