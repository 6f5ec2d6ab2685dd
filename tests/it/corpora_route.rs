//! Whole chains with answers: boundaries, origins, and rules that must and must not report. Skipped where the samples are not there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mailtrail::facts::derive::first;
use mailtrail::parse::header;
use mailtrail::parse::received::Tls;
use mailtrail::route::{Chain, Mail, Networks, Settings, chain, peers};
use mailtrail::types::time::UtcMs;
use serde_json::Value;

use crate::support;

fn cases(name: &str) -> Option<Vec<Value>> {
    let path = support::corpora()?.join("received").join(name);
    Some(serde_json::from_slice(&std::fs::read(path).ok()?).unwrap())
}

fn message(case: &Value) -> Vec<u8> {
    let line = |header: &Value| format!("{}: {}\n", header[0].as_str().unwrap(), header[1].as_str().unwrap());
    let out: Vec<String> = case["headers"].as_array().unwrap().iter().map(line).collect();
    format!("{}\ntext\n", out.concat()).replace('\n', "\r\n").into_bytes()
}

fn look<T>(message: &[u8], settings: &Settings, then: impl FnOnce(&Mail<'_>, &Chain) -> T) -> T {
    let facts = first(message);
    let header = header::read(message).value;
    let mail = Mail { message, header: &header, facts: &facts };
    then(&mail, &chain(&mail, settings))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(|a| a.iter().map(|v| v.as_str().unwrap().to_owned()).collect()).unwrap_or_default()
}

fn networks(value: &Value) -> Networks {
    let mut out = Networks::default();
    for text in texts(value) {
        out.add(&text).unwrap();
    }
    out
}

#[test]
fn rules_report_where_they_must_and_nowhere_they_must_not() {
    let Some(cases) = cases("chains_rules.json") else {
        println!("skipped: no samples of chains");
        return;
    };
    let mut wrong = Vec::new();
    let mut reported = BTreeMap::<&str, u32>::new();
    for case in &cases {
        let (context, expect) = (&case["context"], &case["expect"]);
        let settings = Settings {
            own_hosts: texts(&context["recipient_mx"]),
            own_networks: networks(&context["recipient_nets"]),
            teaching_addresses: context["doc_ranges_are_public"] == true,
            // 2024-06-01
            acquired: Some(UtcMs(1_717_200_000_000)),
            ..Settings::default()
        };
        look(&message(case), &settings, |mail, chain| {
            let found: Vec<String> =
                chain.findings.iter().map(|f| f.rule.id.to_ascii_uppercase().replace('-', "_")).collect();
            for finding in &chain.findings {
                *reported.entry(finding.rule.id).or_default() += 1;
            }
            let mut miss = |what: String| wrong.push(format!("{} {}: {what}", case["id"], case["name"]));
            for rule in texts(&expect["fire"]) {
                if !found.contains(&rule) {
                    miss(format!("{rule} not reported, only {found:?}"));
                }
            }
            for rule in texts(&expect["must_not_fire"]) {
                if found.contains(&rule) {
                    miss(format!("{rule} reported"));
                }
            }
            let ip = |answer: &Option<mailtrail::route::Answer>| answer.as_ref().map(|a| a.ip.to_string());
            for (key, have) in [
                ("attested_peer_ip", ip(&chain.answers.attested_peer)),
                ("submission_ip", ip(&chain.answers.submission)),
                ("lan_ip", ip(&chain.answers.lan)),
            ] {
                if let Some(want) = expect.get(key)
                    && want.as_str() != have.as_deref()
                {
                    miss(format!("{key} {want} is {have:?}"));
                }
            }
            if let Some(want) = expect.get("submission_user") {
                let have = mail.bytes(chain.answers.submission.as_ref().and_then(|a| a.user));
                if want.as_str().map(str::as_bytes) != Some(have) {
                    miss(format!("submission_user {want}"));
                }
            }
            if let Some(want) = expect["hop_delays_s"].as_array() {
                // Oldest first.
                let have: Vec<Value> =
                    chain.steps.iter().rev().map(|s| s.delay_ms.map(|ms| ms / 1000).into()).collect();
                if *want != have {
                    miss(format!("delays {want:?} are {have:?}"));
                }
            }
            if let Some(want) = expect["tls_per_hop_newest_first"].as_array() {
                let word = |tls| if tls == Tls::Evidence { "tls" } else { "none_evidenced" };
                let have: Vec<Value> = mail.facts.hops.iter().map(|hop| word(hop.tls).into()).collect();
                if *want != have {
                    miss(format!("TLS {want:?} is {have:?}"));
                }
            }
        });
    }
    println!("{} chains, findings by rule: {reported:?}", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn peers_are_sorted_as_by_a_filter_with_the_same_networks() {
    let Some(cases) = cases("chains_trust_path_constructed.json") else {
        println!("skipped: no samples of trust paths");
        return;
    };
    for case in &cases {
        let (config, expect) = (&case["config"], &case["expect"]);
        let settings = Settings {
            own_networks: networks(&config["trusted_networks"]),
            submission_networks: networks(&config["msa_networks"]),
            teaching_addresses: true,
            ..Settings::default()
        };
        look(&message(case), &settings, |mail, _| {
            let have = peers(mail, &settings);
            let want =
                |key: &str| texts(&expect[key]).iter().map(|t| t.parse().unwrap()).collect::<Vec<IpAddr>>();
            assert_eq!(
                (have.trusted, have.untrusted),
                (want("trusted_ips"), want("untrusted_ips")),
                "{case}"
            );
        });
    }
    println!("{} trust paths", cases.len());
}

#[test]
fn the_origin_behind_named_relays_is_the_first_stranger() {
    let (Some(relays), Some(strings)) =
        (cases("chains_external_relay.json"), cases("chains_trust_string.json"))
    else {
        println!("skipped: no samples of relays");
        return;
    };
    let mut wrong = Vec::new();
    for case in relays.iter().chain(&strings) {
        let (config, expect) = (&case["config"], &case["expect"]);
        let mut own_hosts = texts(&config["relay_hostnames"]);
        own_hosts.extend(config["trusted_mx_substring"].as_str().map(str::to_owned));
        let settings = Settings {
            own_hosts,
            own_networks: networks(&config["relay_ips"]),
            own_newest: usize::from(case["strategy"] == "EXTERNAL_RELAY_COUNT"),
            signed_in_is_own: case["strategy"] == "AUTHENTICATED",
            teaching_addresses: true,
            ..Settings::default()
        };
        look(&message(case), &settings, |mail, chain| {
            let peer = chain.answers.attested_peer.as_ref().map(|a| a.ip.to_string());
            for key in ["origin_ip", "peer_ip"] {
                if let Some(want) = expect.get(key)
                    && want.as_str() != peer.as_deref()
                {
                    wrong.push(format!("{} {key}: {want} is {peer:?}", case["id"]));
                }
            }
            if let Some(want) = expect["origin_name"].as_str() {
                let hop = chain.boundary.and_then(|at| mail.facts.hops.get(at));
                let names = hop
                    .map(|hop| [mail.bytes(hop.rdns), mail.bytes(hop.helo), mail.bytes(hop.from)])
                    .unwrap_or_default();
                if !names.contains(&want.as_bytes()) {
                    wrong.push(format!("{} origin_name: {want}", case["id"]));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} chains behind relays", relays.len() + strings.len());
}

/// How many of the files below a folder each rule reports; files of more than one message are left out.
fn rates(folder: &std::path::Path) -> (u32, BTreeMap<&'static str, u32>) {
    let (mut count, mut rates) = (0, BTreeMap::new());
    let mut folders = vec![folder.to_owned()];
    while let Some(dir) = folders.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            // A separator line before the message is none of its bytes.
            let start = if bytes.starts_with(b"From ") {
                bytes.iter().position(|&b| b == b'\n').unwrap() + 1
            } else {
                0
            };
            let message = &bytes[start..];
            if header::read(message).value.fields.len() < 3 {
                continue;
            }
            count += 1;
            look(message, &Settings::default(), |_, chain| {
                let mut rules: Vec<&str> = chain.findings.iter().map(|f| f.rule.id).collect();
                rules.dedup();
                for rule in rules {
                    *rates.entry(rule).or_default() += 1;
                }
                if std::env::var_os("MAILTRAIL_SHOW").is_some() {
                    for finding in chain
                        .findings
                        .iter()
                        .filter(|f| f.rule.severity == mailtrail::route::Severity::Strong)
                    {
                        println!("{}: {} {}", path.display(), finding.rule.id, finding.text);
                    }
                }
            });
        }
    }
    (count, rates)
}

#[test]
fn strong_rules_keep_silent_on_ordinary_mail() {
    let Some(corpora) = support::corpora() else {
        println!("skipped: no real mail");
        return;
    };
    let root = corpora.join("spamassassin-public-corpus");
    let mut table = BTreeMap::<&str, Vec<String>>::new();
    let kinds = [
        ("ham", vec![root.join("easy-ham-1"), root.join("easy-ham-2"), root.join("hard-ham-1")]),
        ("spam", vec![root.join("spam-1"), root.join("spam-2")]),
        ("list", vec![corpora.join("lore-kasan-dev-36MB/Maildir")]),
    ];
    for (column, (kind, folders)) in kinds.iter().enumerate() {
        let (mut count, mut all) = (0, BTreeMap::new());
        for folder in folders {
            let (n, rates) = rates(folder);
            count += n;
            for (rule, n) in rates {
                *all.entry(rule).or_insert(0) += n;
            }
        }
        for rule in mailtrail::route::RULES {
            let n = all.get(rule.id).copied().unwrap_or(0u32);
            let row = table.entry(rule.id).or_insert_with(|| vec![String::new(); kinds.len()]);
            row[column] = format!("{n} ({:.2} %)", f64::from(n) * 100.0 / f64::from(count.max(1)));
        }
        println!("{kind}: {count} messages");
        if *kind != "spam" {
            for rule in ["weekday-mismatch", "id-clock-mismatch"] {
                assert_eq!(all.get(rule).copied().unwrap_or(0), 0, "{rule} on {kind}");
            }
        }
    }
    println!("| rule | ham | spam | list |\n|---|---|---|---|");
    for (rule, row) in table {
        println!("| `{rule}` | {} |", row.join(" | "));
    }
}
