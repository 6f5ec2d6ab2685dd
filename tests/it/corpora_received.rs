//! Labelled `Received` fields, field by field, and every `Received` field of whole mailboxes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mailtrail::parse::received::{Auth, Grade, Hop, HopClass, Rdns, Tls, received};
use mailtrail::types::{Anomaly, AnomalyKind, ByteRange, Parsed};
use serde_json::Value;

use crate::support::corpus;

/// Expectations that we do not share, with the reason.
const NOT_SHARED: &[(&str, &str, &str)] = &[
    ("sa-0091", "from_rdns", "an address stands where the name would; that is no name"),
    (
        "rs-0006",
        "from_ip",
        "the address in the comment is the peer's in every family; the literal is what the client said",
    ),
];

fn read(value: &str) -> Parsed<Hop> {
    received(value.as_bytes(), 9, ByteRange::new(0, value.len() as u64 + 9).unwrap())
}

fn text(value: &str, range: Option<ByteRange>) -> Option<String> {
    let range = range?;
    let bytes = &value.as_bytes()
        [usize::try_from(range.start()).unwrap() - 9..usize::try_from(range.end()).unwrap() - 9];
    Some(String::from_utf8_lossy(bytes).replace('\0', ""))
}

/// What we read for one expected key, as JSON; `None` when the key is not about one field.
fn ours(key: &str, value: &str, hop: &Hop, notes: &[Anomaly]) -> Option<Value> {
    let has = |kind: AnomalyKind| notes.iter().any(|a| a.kind == kind);
    let t = |range| Value::from(text(value, range));
    Some(match key {
        "from_name" => t(hop.from),
        "from_helo" => t(hop.helo),
        "from_rdns" => t(hop.rdns),
        "from_ip" => hop.peer_ip.map(|ip| ip.to_string()).into(),
        "from_port" => hop.peer_port.into(),
        "from_ip_scope" => hop.peer_scope.code().replace('-', "_").into(),
        "ident" => t(hop.ident),
        "auth_user" | "local_user" => t(hop.user),
        "authenticated" => matches!(hop.auth, Auth::Sasl | Auth::Webmail).into(),
        "by" => t(hop.by),
        "by_ip" => hop.by_ip.map(|ip| ip.to_string()).into(),
        "protocol" => hop.protocol.into(),
        "via" => t(hop.via),
        "id" => t(hop.id),
        "for" => t(hop.for_),
        "envelope_from" => t(hop.envelope_from),
        "tls" => {
            if hop.tls == Tls::Evidence {
                Value::from(true)
            } else {
                Value::Null
            }
        }
        "tls_version" => hop.tls_version.into(),
        "tls_cipher" => t(hop.tls_cipher),
        "tls_bits" => hop.tls_bits.into(),
        "software" => t(hop.software),
        "date_epoch_ms" => hop.date.map(|d| d.utc.0).into(),
        "tz_offset_min" => hop.date.and_then(|d| d.offset_secs_east).map(|s| s / 60).into(),
        "date_tz_known" => hop.date.is_some_and(|d| d.zone_known).into(),
        "date_raw" => t(hop.date.map(|d| d.at)),
        "local_uid" => hop.local_uid.into(),
        "rdns_may_be_forged" => (hop.rdns_state == Rdns::Forged).into(),
        "local_submission" => (hop.class == HopClass::LocalSubmission).into(),
        "mail_fetch" => (hop.class == HopClass::Fetch).into(),
        "internal_filter_hop" => (hop.class == HopClass::FilterLoop).into(),
        "webmail" => (hop.auth == Auth::Webmail).into(),
        "tz_local_unknown" => has(AnomalyKind::ZoneMinusZero).into(),
        "date_anomaly" => notes
            .iter()
            .any(|a| a.kind.code().starts_with("zone-") || a.kind == AnomalyKind::DateInvalid)
            .into(),
        "ip_invalid" => has(AnomalyKind::IpInvalid).into(),
        "syntax_anomaly" => has(AnomalyKind::ReceivedCommentUnbalanced).into(),
        "unparsed" => (hop.grade == Grade::Unparsed).into(),
        "network_peer_ip_usable" => (hop.peer_ip.is_some() && hop.class != HopClass::FilterLoop).into(),
        _ => return None,
    })
}

/// Whether two values are the same; a date's text may go on with what is no date.
fn agrees(key: &str, got: &Value, wanted: &Value) -> bool {
    let longer = got.as_str().zip(wanted.as_str()).is_some_and(|(g, w)| !g.is_empty() && w.starts_with(g));
    got == wanted || (key == "date_raw" && longer)
}

fn squeezed(value: &Value) -> Value {
    value
        .as_str()
        .map_or_else(|| value.clone(), |s| s.split_whitespace().collect::<Vec<_>>().join(" ").into())
}

fn cases(dir: &Path) -> Vec<Value> {
    let mut out = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        if file.file_name().unwrap().to_string_lossy().starts_with("cases_") {
            let list: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            out.extend(list);
        }
    }
    out
}

#[test]
fn every_field_of_the_labelled_headers_is_read() {
    let Some(dir) = corpus("received") else { return };
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut misses = Vec::new();
    let mut grades: BTreeMap<&str, u32> = BTreeMap::new();
    for case in cases(&dir) {
        let value = case["header_raw"].as_str().unwrap();
        let id = case["id"].as_str().unwrap();
        let parsed = read(value);
        *grades.entry(parsed.value.grade.code()).or_default() += 1;
        for (key, wanted) in case["expect"].as_object().unwrap() {
            let any = |name: &str| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(squeezed)
                    .any(|w| Some(w) == ours(name, value, &parsed.value, &parsed.anomalies))
            };
            let (name, ok, got) = match key.as_str() {
                "from_name_any" => ("from_name", any("from_name"), Value::Null),
                "id_any" => ("id", any("id"), Value::Null),
                key => {
                    let Some(got) = ours(key, value, &parsed.value, &parsed.anomalies) else { continue };
                    let got = squeezed(&got);
                    (key, agrees(key, &got, &squeezed(wanted)) || (got == "" && wanted.is_null()), got)
                }
            };
            let count = counts.entry(name.to_owned()).or_default();
            count.1 += 1;
            if ok {
                count.0 += 1;
            } else if let Some((_, _, reason)) = NOT_SHARED.iter().find(|(i, k, _)| *i == id && *k == name) {
                println!("not shared: {id} {name}: {reason}");
            } else {
                misses.push(format!("{id} {name}: expected {wanted}, read {got}\n    {value:?}"));
            }
        }
    }
    println!("{grades:?}");
    for (key, (ok, all)) in &counts {
        println!("{key:24} {ok:5} of {all:5}  {:6.2} %", f64::from(*ok) * 100.0 / f64::from(*all));
    }
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
}

/// The values of all `Received` fields above the first empty line, with the place of each.
fn received_fields(message: &[u8]) -> Vec<(usize, &[u8])> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut open: Option<usize> = None;
    while at < message.len() {
        let end = memchr::memchr(b'\n', &message[at..]).map_or(message.len(), |n| at + n + 1);
        let line = &message[at..end];
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            if let Some(from) = open.take() {
                out.push((from, message[from..at].strip_suffix(b"\n").unwrap_or(&message[from..at])));
            }
            if line.trim_ascii().is_empty() {
                break;
            }
            if line.len() > 9 && line[..9].eq_ignore_ascii_case(b"received:") {
                open = Some(at + 9);
            }
        }
        at = end;
    }
    out
}

#[test]
fn whole_mailboxes_are_read_without_a_remainder() {
    for name in ["spamassassin-public-corpus", "lore-kasan-dev-36MB", "sisimai-set-of-emails"] {
        let Some(dir) = corpus(name) else { continue };
        let list = crate::support::files_below(&dir).into_iter().map(|file| dir.join(file));
        let mut count = 0_u32;
        let mut unparsed = Vec::new();
        let mut grades: BTreeMap<&str, u32> = BTreeMap::new();
        let mut families: BTreeMap<&str, u32> = BTreeMap::new();
        for path in list {
            let message = fs::read(&path).unwrap();
            for (at, value) in received_fields(&message) {
                let whole = ByteRange::new(at as u64 - 9, (at + value.len()) as u64).unwrap();
                let parsed = received(value, at as u64, whole);
                let hop = parsed.value;
                for range in [
                    hop.from,
                    hop.helo,
                    hop.rdns,
                    hop.peer_ip_at,
                    hop.by,
                    hop.via,
                    hop.with,
                    hop.id,
                    hop.for_,
                    hop.envelope_from,
                    hop.user,
                    hop.date.map(|d| d.at),
                ]
                .into_iter()
                .flatten()
                {
                    assert!(
                        range.start() >= at as u64 && range.end() <= (at + value.len()) as u64,
                        "{}",
                        path.display()
                    );
                }
                count += 1;
                *grades.entry(hop.grade.code()).or_default() += 1;
                *families.entry(hop.family).or_default() += 1;
                if hop.grade == Grade::Unparsed {
                    unparsed.push(format!("{}: {}", path.display(), String::from_utf8_lossy(value)));
                }
            }
        }
        println!("{name}: {count} fields, {grades:?}, {} families {families:?}", families.len());
        assert!(
            unparsed.len() as u64 * 1000 <= u64::from(count) * 2,
            "over 0.2 % unparsed:\n{}",
            unparsed.join("\n")
        );
    }
}
