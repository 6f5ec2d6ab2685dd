//! Whole chains with answers: boundaries, origins, and rules that must and must not report. Skipped where the samples
//! are not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use mailtrail::facts::derive::first;
use mailtrail::parse::header;
use mailtrail::parse::received::{Hop, HopClass, IpScope, Tls};
use mailtrail::route::{
    ACROSS, Across, Chain, HopWriter, Mail, Networks, POPULATIONS, RULES, Seen, Settings, Severity, Survey,
    Witness, chain, found_name, is_mail, peers, witnesses,
};
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

/// A hop as the rules across messages see it, with the texts it borrows.
struct Compared {
    item: u64,
    hop: usize,
    texts: [Vec<u8>; 4],
    message_id: String,
    at: Option<i64>,
    tls: Option<bool>,
    witness: Witness,
}

impl Compared {
    fn of(mail: &Mail<'_>, item: u64, teaching: bool, settings: &Settings) -> Vec<Self> {
        let writer = |hop: &Hop| HopWriter {
            by: mail.bytes(hop.by),
            by_ip: hop.by_ip,
            rdns: found_name(Some(mail.bytes(hop.rdns)), hop.rdns_state.code()),
            peer_ip: hop.peer_ip,
            class: hop.class.code(),
            grade: hop.grade.code(),
            has_from: hop.from.is_some(),
        };
        let writers: Vec<HopWriter<'_>> = mail.facts.hops.iter().map(writer).collect();
        let witnesses = witnesses(&writers, settings, None);
        let lower = |range| mail.bytes(range).to_ascii_lowercase();
        let one = |(hop, facts): (usize, &Hop)| {
            let is_public =
                facts.peer_scope == IpScope::Public || teaching && facts.peer_scope == IpScope::Documentation;
            let tls = match facts.tls {
                _ if facts.class != HopClass::Network => None,
                Tls::Evidence => Some(true),
                _ => (is_public && is_mail(facts.protocol)).then_some(false),
            };
            let named =
                found_name(Some(mail.bytes(facts.rdns)), facts.rdns_state.code()).to_ascii_lowercase();
            let client = match facts.peer_ip {
                Some(ip) if named.is_empty() => ip.to_string().into_bytes(),
                _ => named,
            };
            Self {
                item,
                hop,
                witness: witnesses[hop],
                texts: [lower(facts.by), client, mail.bytes(facts.id).to_vec(), lower(facts.for_)],
                message_id: mail.facts.message_id.as_ref().map(|id| id.text.clone()).unwrap_or_default(),
                at: facts.date.as_ref().filter(|date| date.zone_known).map(|date| date.utc.0),
                tls,
            }
        };
        mail.facts.hops.iter().enumerate().map(one).collect()
    }

    fn seen(&self) -> Seen<'_> {
        let [by, client, id, for_] = &self.texts;
        let (item, hop, message_id, at, tls) = (self.item, self.hop, &self.message_id, self.at, self.tls);
        Seen { item, hop, message_id, by, client, id, for_, at, tls, witness: self.witness }
    }
}

/// What the rules across messages find in these hops.
fn compare(hops: &[Compared]) -> Vec<Across> {
    let mut survey = Survey::default();
    for hop in hops {
        survey.count(&hop.seen());
    }
    let (mut compare, items) = survey.chosen();
    for hop in hops.iter().filter(|hop| items.binary_search(&hop.item).is_ok()) {
        compare.see(&hop.seen());
    }
    assert!(!compare.is_cut());
    compare.findings()
}

#[test]
fn rules_across_messages_report_against_the_baseline_of_the_case() {
    let Some(cases) = cases("chains_rules.json") else {
        println!("skipped: no samples of chains");
        return;
    };
    let mut asked = 0;
    for case in &cases {
        let expected = texts(&case["expect"]["archive_rules_fire"]);
        let baseline = &case["context"]["archive_baseline"];
        if expected.is_empty() {
            assert!(baseline.is_null(), "{case}");
            continue;
        }
        asked += 1;
        let teaching = case["context"]["doc_ranges_are_public"] == true;
        let pair = texts(&baseline["pair"]);
        // What a server of the recipient wrote is a baseline; claims are none.
        let settings = Settings { own_hosts: vec![pair[1].clone()], ..Settings::default() };
        look(&message(case), &settings, |mail, _| {
            let mut hops = Compared::of(mail, 0, teaching, &settings);
            let of_pair = |hop: &Hop| {
                hop.peer_ip.is_some_and(|ip| ip.to_string() == pair[0])
                    && mail.bytes(hop.by) == pair[1].as_bytes()
            };
            let at = mail.facts.hops.iter().position(of_pair).expect("the pair is in the message");
            let fires = |hops: &[Compared]| {
                let ids = compare(hops).into_iter().filter(|found| found.hops.contains(&(0, at)));
                ids.map(|found| found.rule().id.to_ascii_uppercase().replace('-', "_")).collect::<Vec<_>>()
            };
            assert_eq!(fires(&hops), [""; 0], "alone");
            // The archive that the case speaks of: so many hops of the pair, that share of them encrypted.
            let (n, share) = (baseline["n"].as_u64().unwrap(), baseline["tls_share"].as_f64().unwrap());
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some thousand"
            )]
            let encrypted = (n as f64 * share) as u64;
            for item in 1..n {
                let mut hop = Compared::of(mail, item, teaching, &settings).swap_remove(at);
                (hop.texts[2], hop.tls) = (format!("ID{item:08}").into_bytes(), Some(item <= encrypted));
                hops.push(hop);
            }
            assert_eq!(fires(&hops), expected, "{}", case["id"]);
            // Where one in ten is bare, one more says nothing.
            for hop in hops.iter_mut().skip(1).step_by(10) {
                hop.tls = Some(false);
            }
            assert_eq!(fires(&hops), [""; 0], "a pair that is often bare");
        });
    }
    assert!(asked > 0);
    println!("{asked} chains against the baseline of their case");
}

/// What the rules report about the files below some folders; files of more than one message are left out.
fn rates_of(folders: &[PathBuf]) -> (u32, BTreeMap<&'static str, u32>) {
    let (mut count, mut rates) = (0, BTreeMap::new());
    let (mut folders, mut hops) = (folders.to_vec(), Vec::new());
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
                bytes.iter().position(|&b| b == b'\n').map_or(0, |at| at + 1)
            } else {
                0
            };
            let message = &bytes[start..];
            if header::read(message).value.fields.len() < 3 {
                continue;
            }
            count += 1;
            look(message, &Settings::default(), |mail, chain| {
                hops.extend(Compared::of(mail, u64::from(count), false, &Settings::default()));
                let mut rules: Vec<&str> = chain.findings.iter().map(|f| f.rule.id).collect();
                rules.dedup();
                for rule in rules {
                    *rates.entry(rule).or_default() += 1;
                }
                {
                    for finding in chain.findings.iter().filter(|f| f.rule.severity == Severity::Strong) {
                        println!("{}: {} {}", path.display(), finding.rule.id, finding.text);
                    }
                }
            });
        }
    }
    let mut across: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for found in compare(&hops) {
        across.entry(found.rule().id).or_default().extend(found.hops.iter().map(|hop| hop.0));
    }
    rates.extend(across.into_iter().map(|(rule, items)| (rule, u32::try_from(items.len()).unwrap())));
    (count, rates)
}

#[test]
fn rare_rules_keep_silent_on_ordinary_mail_and_the_rate_of_every_rule_is_written_down() {
    let Some(corpora) = support::corpora() else {
        println!("skipped: no real mail");
        return;
    };
    let root = corpora.join("spamassassin-public-corpus");
    let kinds = [
        ("ordinary", vec![root.join("easy-ham-1"), root.join("easy-ham-2"), root.join("hard-ham-1")]),
        ("list", vec![corpora.join("lore-kasan-dev-36MB/Maildir")]),
        ("company", vec![corpora.join("enron-skilling-j")]),
        ("bounces", vec![corpora.join("sisimai-set-of-emails/maildir/bsd")]),
        ("spam", vec![root.join("spam-1"), root.join("spam-2")]),
    ];
    assert_eq!(kinds.each_ref().map(|(name, _)| *name), POPULATIONS.map(|population| population.name));
    let found = kinds.each_ref().map(|(kind, folders)| {
        println!("== {kind}");
        rates_of(folders)
    });
    let mut text = String::from(
        "//! Made by `BLESS=1 cargo test --test it -- corpora_route` from real mail; do not edit.\n\n\
         /// Messages of each collection of [`super::rates::POPULATIONS`].\n",
    );
    writeln!(
        text,
        "pub(super) const MESSAGES: [u32; 5] = {:?};\n",
        found.each_ref().map(|(count, _)| *count)
    )
    .unwrap();
    text += "/// Messages in which each rule reported; rules that never did are left out.\n\
             pub(super) const COUNTS: &[(&str, [u32; 5])] = &[\n";
    for rule in RULES.iter().chain(ACROSS) {
        let counts = found.each_ref().map(|(_, all)| all.get(rule.id).copied().unwrap_or_default());
        if counts != [0; 5] {
            writeln!(text, "    ({:?}, {counts:?}),", rule.id).unwrap();
        }
        for (population, count) in POPULATIONS.iter().zip(counts) {
            if rule.severity == Severity::Strong && population.is_ordinary && count > 0 {
                println!("RARE BUT FOUND: {} on {}: {count}", rule.id, population.name);
            }
        }
    }
    text += "];\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/route/rates_counts.rs");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    println!("{text}");
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(there == text, "src/route/rates_counts.rs is not what the mail gives; BLESS=1 and read the diff");
}
