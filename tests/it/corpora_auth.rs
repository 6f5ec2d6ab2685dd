//! Labelled Authentication-Results fields and ARC chains, and the body hashes of real mail.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use mailtrail::auth::{ChainStatus, Check, KeyFile, KeyStore, Reading, check};
use mailtrail::parse::authres::{AuthResults, Word, results};
use mailtrail::types::Sha256Digest;
use serde_json::Value;

use crate::support::corpus;

/// Expectations that we do not share, with the reason.
const NOT_SHARED: &[(&str, &str)] = &[(
    "arc-0018",
    "RFC 8617 section 5.2 step 2: when the newest set says cv=fail the status is fail; the draft that the suite was \
     made for gave none",
)];

fn cases(file: &str) -> Option<Vec<Value>> {
    let dir = corpus("received")?;
    Some(serde_json::from_slice(&fs::read(dir.join(file)).unwrap()).unwrap())
}

fn lower(word: &Word) -> Value {
    word.to_text().to_ascii_lowercase().into()
}

/// What differs between a field as read and what is expected of it.
fn differences(read: &AuthResults, expect: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut compare = |what: String, got: Value, wanted: &Value| {
        if got != *wanted {
            out.push(format!("{what}: expected {wanted}, read {got}"));
        }
    };
    if let Some(wanted) = expect.get("authserv_id") {
        compare("authserv_id".into(), read.server.as_ref().map(Word::to_text).into(), wanted);
    }
    for (number, wanted) in expect["results"].as_object().unwrap() {
        let Some(result) = read.results.get(number.parse::<usize>().unwrap()) else {
            compare(format!("result {number}"), Value::Null, wanted);
            continue;
        };
        for (key, wanted) in wanted.as_object().unwrap() {
            match key.as_str() {
                "method" => compare(format!("{number} method"), lower(&result.method), wanted),
                "result" => compare(format!("{number} result"), lower(&result.result), wanted),
                "reason" => {
                    compare(
                        format!("{number} reason"),
                        result.reason.as_ref().map(Word::to_text).into(),
                        wanted,
                    );
                }
                "properties" => {
                    for (at, wanted) in wanted.as_object().unwrap() {
                        let Some(property) = result.properties.get(at.parse::<usize>().unwrap()) else {
                            compare(format!("{number} property {at}"), Value::Null, wanted);
                            continue;
                        };
                        let kind = property.kind.as_ref().map_or(Value::Null, lower);
                        compare(format!("{number} {at} type"), kind, &wanted["type"]);
                        compare(format!("{number} {at} name"), lower(&property.name), &wanted["name"]);
                        compare(
                            format!("{number} {at} value"),
                            property.value.to_text().into(),
                            &wanted["value"],
                        );
                    }
                }
                _ => compare(format!("{number} {key}"), "not known to this test".into(), wanted),
            }
        }
    }
    out
}

#[test]
fn every_labelled_authentication_result_is_read() {
    let Some(cases) = cases("authres_cases.json") else { return };
    let mut misses = Vec::new();
    for case in &cases {
        let value = case["header_raw"].as_str().unwrap();
        let parsed = results(value.as_bytes(), 23);
        for difference in differences(&parsed.value, &case["expect"]) {
            misses.push(format!("{} {difference}\n    {value}", case["id"]));
        }
        if !parsed.anomalies.is_empty() {
            misses.push(format!("{} {:?}\n    {value}", case["id"], parsed.anomalies));
        }
        for result in &parsed.value.results {
            assert!(result.at.start() >= 23 && result.at.end() <= 23 + value.len() as u64);
        }
    }
    println!("authentication results: {} cases, {} differences", cases.len(), misses.len());
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
}

fn keys(text: &str) -> KeyStore {
    let mut store = KeyStore::default();
    let sha256 = Sha256Digest::of(text.as_bytes());
    let unread = store.add(KeyFile { name: "dns".into(), sha256, added: None, note: None }, text.as_bytes());
    assert_eq!(unread, [0; 0]);
    store
}

#[test]
fn every_labelled_arc_chain_is_judged_as_the_standard_says() {
    let Some(cases) = cases("arc_validation.json") else { return };
    let (mut misses, mut shared) = (Vec::new(), 0);
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let message = case["message"].as_str().unwrap().as_bytes();
        let mut zone = String::new();
        for (name, record) in case["dns_txt"].as_object().unwrap() {
            writeln!(zone, "{name} {}", record.as_str().unwrap()).unwrap();
        }
        // The case's DNS is complete: a name that it does not have does not exist.
        let first = check(message, None, &keys(&zone));
        for set in &first.arc.sets {
            for report in [&set.message, &set.seal].into_iter().flatten() {
                if report.check == Check::KeyUnknown {
                    let name = String::from_utf8(report.signature.key_name()).unwrap();
                    writeln!(zone, "{name} NXDOMAIN").unwrap();
                }
            }
        }
        for line_end in ["\n", "\r\n"] {
            let message = case["message"].as_str().unwrap().replace('\n', line_end);
            let report = check(message.as_bytes(), None, &keys(&zone));
            let wanted = case["expect"]["cv"].as_str().unwrap_or("none");
            if report.arc.status.code() == wanted {
                shared += 1;
            } else if let Some((_, reason)) = NOT_SHARED.iter().find(|(i, _)| *i == id) {
                println!("not shared: {id}: {reason}");
            } else {
                misses.push(format!(
                    "{id} {} ({}): expected {wanted}, got {} {:?}",
                    case["name"],
                    case["description"],
                    report.arc.status.code(),
                    report.arc.reason
                ));
            }
            if report.arc.status == ChainStatus::Pass {
                assert!(report.arc.oldest_pass.is_some(), "{id}");
            }
        }
    }
    println!("arc chains: {shared} of {} judged as expected, with LF and with CRLF", cases.len() * 2);
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
}

#[test]
fn body_hashes_of_real_mail_are_recomputed_without_a_key() {
    for name in [
        "lore-kasan-dev-36MB",
        "sisimai-set-of-emails",
        "rspamd-messages",
        "stalwart-mail-auth",
        "notmuch-corpora",
    ] {
        let Some(dir) = corpus(name) else { continue };
        let list = crate::support::files_below(&dir).into_iter().map(|file| dir.join(file));
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let (mut signatures, mut messages, mut chains) = (0, 0, BTreeMap::<&str, u32>::new());
        for path in list {
            let message = fs::read(&path).unwrap();
            let report = check(&message, None, &KeyStore::default());
            messages += u32::from(!report.dkim.is_empty());
            *chains.entry(report.arc.status.code()).or_default() += 1;
            for dkim in &report.dkim {
                signatures += 1;
                let reading =
                    dkim.body.as_ref().map_or("no body hash", |b| b.reading.map_or("none", Reading::code));
                *counts.entry(reading).or_default() += 1;
                assert!(
                    dkim.at.of(&message).is_some_and(|f| f[..14].eq_ignore_ascii_case(b"dkim-signature"))
                );
            }
        }
        println!(
            "{name}: {messages} signed messages, {signatures} signatures, readings {counts:?}, chains {chains:?}"
        );
    }
}
