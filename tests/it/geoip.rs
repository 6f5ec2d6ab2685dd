//! `--geoip`: whose networks are, by files that the examiner brings.

use std::fs;
use std::path::Path;

use crate::support;
use crate::support::mmdb::{Value, mmdb};

const MAIL: &str = "Received: from relay.example.net (relay.example.net [198.51.100.7])\n\tby mx.example.org (Postfix) with ESMTPS id AAA111; Fri, 1 Mar 2024 12:00:05 +0000\n\
Received: from pc (pc.sender.example [203.0.113.5])\n\tby relay.example.net (Postfix) with ESMTP id BBB222; Fri, 1 Mar 2024 12:00:00 +0000\n\
From: a@sender.example\nSubject: s\n\ntext\n";

/// 2024-05-01T00:00:00Z.
const BUILT: u64 = 1_714_521_600;

fn asn() -> Vec<u8> {
    let whose = |number, name| {
        Value::Map(vec![
            ("autonomous_system_number", Value::Number(number)),
            ("autonomous_system_organization", Value::Text(name)),
        ])
    };
    mmdb(
        "Test-ASN",
        BUILT,
        &[
            ("198.51.100.0/24", whose(64_500, "Relay Works")),
            ("203.0.113.0/25", whose(64_501, "Home\u{1b}[2J Net")),
            ("2001:db8::/32", whose(64_502, "Six")),
        ],
    )
}

fn city() -> Vec<u8> {
    let names = |name| Value::Map(vec![("names", Value::Map(vec![("en", Value::Text(name))]))]);
    let record = Value::Map(vec![
        ("country", Value::Map(vec![("iso_code", Value::Text("NO"))])),
        ("subdivisions", Value::List(vec![names("Vestland")])),
        ("city", names("Bergen")),
    ]);
    mmdb("Test-City", BUILT, &[("203.0.113.0/24", record)])
}

fn case(dir: &Path) -> (std::path::PathBuf, String) {
    let (mail, case) = (dir.join("mail"), dir.join("case"));
    fs::create_dir(&mail).unwrap();
    fs::write(mail.join("one.eml"), MAIL).unwrap();
    support::import(&case, &mail);
    let item = support::run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    (case, item)
}

#[test]
fn networks_stand_beside_hops_with_the_file_they_come_from_and_what_it_cannot_say() {
    let dir = tempfile::tempdir().unwrap();
    let (case, item) = case(dir.path());
    let (one, two) = (dir.path().join("asn.mmdb"), dir.path().join("city.mmdb"));
    fs::write(&one, asn()).unwrap();
    fs::write(&two, city()).unwrap();
    let both = ["--geoip", one.to_str().unwrap(), "--geoip", two.to_str().unwrap()];

    let text = support::run(&case, &[&["hops", &item], &both[..]].concat()).ok().text();
    for wanted in [
        "client's network: AS64500 Relay Works (198.51.100.0/24)",
        "client's network: AS64501 Home\\u{1b}[2J Net (203.0.113.0/25); NO, Vestland, Bergen (203.0.113.0/24)",
        "Test-ASN                built 2024-05-01T00:00:00Z",
        "not where a person was",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let digest = mailtrail::types::Sha256Digest::of(&asn()).to_string();
    assert!(text.contains(&digest) && !text.contains('\x1b'), "{text}");

    let json = support::run(&case, &[&["hops", &item, "--json"], &both[..]].concat()).ok().json().remove(0);
    assert_eq!(json["databases"][0]["sha256"], digest.as_str());
    assert_eq!(
        (json["databases"][1]["kind"].as_str(), json["databases"][1]["built"].as_str()),
        (Some("Test-City"), Some("2024-05-01T00:00:00Z"))
    );
    let places = &json["hops"][1]["places"];
    assert_eq!((places[0]["asn"].as_u64(), places[0]["database"].as_u64()), (Some(64_501), Some(0)));
    assert_eq!(
        (places[1]["city"].as_str(), places[1]["country"].as_str(), places[1]["network"].as_str()),
        (Some("Bergen"), Some("NO"), Some("203.0.113.0/24"))
    );

    let path = support::run(&case, &[&["path", &item], &both[..]].concat()).ok().text();
    assert!(path.contains("relay.example.net [198.51.100.7]: AS64500 Relay Works"), "{path}");
    let path = support::run(&case, &[&["path", &item, "--json"], &both[..]].concat()).ok().json().remove(0);
    assert_eq!(
        (path["seen"][0]["ip"].as_str(), path["seen"][1]["places"][0]["asn"].as_u64()),
        (Some("203.0.113.5"), Some(64_500))
    );

    let stats = support::run(&case, &[&["hops", "--stats"], &both[..]].concat()).ok().text();
    assert!(stats.contains("clients of 1 AS64500 Relay Works"), "{stats}");
    let stats = support::run(&case, &[&["hops", "--stats", "--json"], &both[..]].concat()).ok().json();
    let relay = stats.iter().find(|relay| relay["by"] == "relay.example.net").unwrap();
    assert_eq!(relay["clients"][0]["place"], "AS64501 Home\u{1b}[2J Net; NO, Vestland, Bergen");

    // Without a file nothing is said of networks.
    let without = support::run(&case, &["hops", &item, "--json"]).ok().json().remove(0);
    assert!(without["databases"].is_null() && without["hops"][0]["places"].is_null());
    // Addresses that a file does not know, of both families.
    let other = mmdb("Test-None", BUILT, &[("192.0.2.0/24", Value::Map(vec![]))]);
    fs::write(&one, other).unwrap();
    let text = support::run(&case, &["hops", &item, "--geoip", one.to_str().unwrap()]).ok().text();
    assert!(!text.contains("client's network") && text.contains("Test-None"), "{text}");
}

#[test]
fn a_damaged_file_is_told_by_its_name_and_never_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let (case, item) = case(dir.path());
    let file = dir.path().join("bad.mmdb");
    let run = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        support::run(&case, &["hops", &item, "--geoip", file.to_str().unwrap()])
    };
    for bytes in [&b""[..], b"no database", &asn()[..200]] {
        let told = run(bytes).with_code(1);
        assert!(told.err.contains("bad.mmdb") && told.err.contains("hint:"), "{}", told.err);
        assert!(told.out.is_empty());
    }
    support::run(&case, &["hops", &item, "--geoip", "nowhere.mmdb"]).with_code(1);
}

#[test]
fn no_change_of_a_byte_makes_the_reader_fail_in_another_way_than_by_saying_so() {
    use mailtrail::route::Places;
    let whole = city();
    let ips: Vec<std::net::IpAddr> = ["203.0.113.5", "198.51.100.7", "2001:db8::1", "::", "255.255.255.255"]
        .iter()
        .map(|ip| ip.parse().unwrap())
        .collect();
    let (mut refused, mut answered) = (0, 0);
    let mut look = |bytes: Vec<u8>| match Places::read(bytes) {
        Err(_) => refused += 1,
        Ok(places) => {
            for ip in &ips {
                answered += u32::from(places.find(*ip).is_ok());
            }
        }
    };
    for at in 0..whole.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            look(bytes);
        }
        look(whole[..at].to_vec());
    }
    assert!(refused > 100 && answered > 100, "{refused} refused, {answered} answered");
}
