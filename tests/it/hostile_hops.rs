//! Received fields that nobody should write: read in bounded time, flagged, shown as they stand, nothing guessed,
//! nothing dropped.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;

const DATE: &str = "Tue, 14 May 2024 09:15:30 +0200";

/// What is told of one hop, and the raw form of it.
struct Told {
    object: Value,
    anomalies: Vec<String>,
    raw: String,
}

impl Told {
    fn hop(&self) -> &Value {
        &self.object["hops"][0]
    }

    fn has(&self, rule: &str) -> bool {
        self.object["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == rule)
    }
}

/// The longest that any command may take on one of these, a slow machine and an unoptimised program included.
const LONGEST: Duration = Duration::from_mins(1);

fn told(received: &[u8]) -> Told {
    let dir = tempfile::tempdir().unwrap();
    let (file, case) = (dir.path().join("hostile.eml"), dir.path().join("case"));
    let mut mail = b"From: a@b.example\nTo: c@d.example\nDate: Tue, 14 May 2024 09:15:20 +0200\nMessage-ID: <1@b.example>\n".to_vec();
    mail.extend(received);
    mail.extend(b"Subject: x\n\ntext\n");
    std::fs::write(&file, &mail).unwrap();
    let start = Instant::now();
    support::import(&case, &file);
    let item = support::run(&case, &["list", "--json"]).ok().json().remove(0);
    let id = item["item"].as_str().unwrap();
    // Nothing is dropped: the bytes come back as they were.
    assert_eq!(support::run(&case, &["show", id, "--raw"]).ok().out, mail);
    let object = support::run(&case, &["hops", id, "--json"]).ok().json().remove(0);
    let raw = support::run(&case, &["hops", id, "--raw"]).ok().text();
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    let notes = item["anomalies"].as_array().unwrap();
    let anomalies = notes.iter().map(|note| note["code"].as_str().unwrap().to_owned()).collect();
    Told { object, anomalies, raw }
}

fn one(from: &str, id: &str, date: &str) -> Told {
    told(format!("Received: from {from}\n\tby mx.example.org with ESMTP id {id}; {date}\n").as_bytes())
}

#[test]
fn twenty_thousand_received_lines_are_all_read_and_shown() {
    let line = |n: usize| {
        format!(
            "Received: from r{n}.example (r{n}.example [198.51.{}.{}])\n\tby r{}.example (Postfix) with ESMTP id AB{n}; {DATE}\n",
            n / 250,
            n % 250,
            n + 1
        )
    };
    let told = told((0..20_000).map(line).collect::<String>().as_bytes());
    assert_eq!(told.object["hops_total"], 20_000);
    let hops = told.object["hops"].as_array().unwrap();
    assert_eq!((hops.len(), hops[19_999]["by"]["text"].as_str()), (20_000, Some("r20000.example")));
    assert!(hops.iter().all(|hop| hop["grade"] == "exact"));
    assert!(told.has("hop-count-high"));
    assert!(told.raw.contains("id AB19999;"));
}

#[test]
fn a_line_of_two_megabytes_is_kept_whole_and_read_up_to_its_limit() {
    for (from, id) in [
        ("a.example (a.example [198.51.100.1])", "x".repeat(2_000_000)),
        (&*format!("a.example ({} [198.51.100.1])", "y ".repeat(1_000_000)), "AB12".to_owned()),
    ] {
        let told = one(from, &id, DATE);
        assert!(told.anomalies.contains(&"received-over-limit".to_owned()), "{:?}", told.anomalies);
        assert!(told.anomalies.contains(&"long-line".to_owned()));
        let hop = told.hop();
        assert!(hop["end"].as_u64().unwrap() - hop["start"].as_u64().unwrap() > 2_000_000);
        // What was read says what stands there; no id was made of a part of one.
        assert_eq!(hop["from"]["text"], "a.example");
        assert!(hop["id"].is_null() || hop["id"]["text"] == id.as_str(), "a part of the id");
        assert_ne!(hop["grade"], "exact");
        assert!(told.raw.len() > 2_000_000);
    }
}

#[test]
fn nuls_and_comments_without_end_are_flagged_and_what_can_be_read_is() {
    let nul = told(format!("Received: from lap\0top (a.example [198.51.100.1])\n\tby mx.example.org with ESMTP id AB12; {DATE}\n").as_bytes());
    assert!(nul.has("nul-in-header") && nul.anomalies.contains(&"nul-in-header".to_owned()));
    assert_eq!(
        (nul.hop()["helo"]["text"].as_str(), nul.hop()["peer_ip"].as_str()),
        (Some("lap\0top"), Some("198.51.100.1"))
    );
    assert!(!nul.raw.contains('\0'));
    for from in
        ["a.example (a.example [198.51.100.1]".to_owned(), format!("a.example {}", "(x ".repeat(20_000))]
    {
        let told = one(&from, "AB12", DATE);
        assert!(told.anomalies.contains(&"received-comment-unbalanced".to_owned()), "{:?}", told.anomalies);
        assert_eq!(told.hop()["from"]["text"], "a.example");
        assert_ne!(told.hop()["grade"], "exact");
    }
}

#[test]
fn addresses_that_are_none_are_not_repaired_and_zones_of_addresses_are_shown() {
    for bad in ["256.51.100.1", "198.51.100.999", "198.051.100.1"] {
        let told = one(&format!("a.example (a.example [{bad}])"), "AB12", DATE);
        assert!(told.hop()["peer_ip"].is_null(), "{bad}: {}", told.hop()["peer_ip"]);
        assert!(told.raw.contains(bad));
        assert!(told.has("ip-invalid") && told.anomalies.contains(&"ip-invalid".to_owned()), "{bad}");
    }
    let scoped = one("a.example (a.example [fe80::1%eth0])", "AB12", DATE);
    let hop = scoped.hop();
    assert_eq!((hop["peer_ip"].as_str(), hop["peer_scope"].as_str()), (Some("fe80::1"), Some("link-local")));
    assert_eq!(hop["peer_ip_at"]["text"], "[fe80::1%eth0]");
}

#[test]
fn dates_that_cannot_be_are_flagged_and_never_guessed() {
    let far = one("a.example (a.example [198.51.100.1])", "AB12", "Fri, 31 Dec 9999 23:59:59 +0000");
    assert_eq!(far.hop()["date"], "9999-12-31T23:59:59Z");
    assert!(far.has("date-future"), "{}", far.object["findings"]);
    // A zone that there is not: the time is no instant, so that no delay counts from it.
    let zone = told(
        format!(
            "Received: from a.example (a.example [198.51.100.1]) by mx.example.org with ESMTP id AB12; Tue, 14 May 2024 09:15:30 +9999\n\
             Received: from b.example (b.example [198.51.100.2]) by a.example with ESMTP id AB11; {DATE}\n"
        )
        .as_bytes(),
    );
    assert!(zone.anomalies.contains(&"zone-invalid".to_owned()) && zone.has("date-invalid"));
    assert_eq!((zone.hop()["zone_known"].as_bool(), zone.hop()["delay_ms"].is_null()), (Some(false), true));
    for bad in [
        "Tue, 14 May 99999 09:15:30 +0200",
        "Tue, 32 May 2024 09:15:30 +0200",
        "Tue, 14 May 2024 25:15:30 +0200",
        "Tue, 14 Foo 2024 09:15:30 +0200",
    ] {
        let told = one("a.example (a.example [198.51.100.1])", "AB12", bad);
        assert!(told.hop()["date"].is_null(), "{bad}: {}", told.hop()["date"]);
        assert!(
            told.anomalies.iter().any(|code| code.starts_with("date-") || code.starts_with("received-date")),
            "{bad}: {:?}",
            told.anomalies
        );
        assert!(told.raw.contains(bad));
    }
}
