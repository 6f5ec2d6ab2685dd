//! Questions about hops, on a mailbox written for it and on the bundled one.

use std::fmt::Write as _;
use std::path::Path;

use crate::support;

/// A mail with these `Received` fields, newest first.
fn mail(number: usize, hops: &[&str]) -> String {
    let mut text = String::new();
    for hop in hops {
        writeln!(text, "Received: {hop}").unwrap();
    }
    write!(text, "From: ann@sender.example\nTo: bob@example.org\nDate: Fri, 1 Mar 2024 09:00:00 +0000\nSubject: number {number}\n\nText\n")
        .unwrap();
    text
}

const EDGE: &str = "from relay.example.net (relay.example.net [198.51.100.7]) by mx.example.org (Postfix) with ESMTPS id AAA111; Fri, 1 Mar 2024 12:00:05 +0000";
const SLOW: &str = "from pc.sender.example (pc.sender.example [203.0.113.5]) by relay.example.net (8.11.6/8.11.6) with ESMTP id BBB222; Fri, 1 Mar 2024 10:00:00 +0000";
const INNER: &str = "from mx.example.org (mx.example.org [192.0.2.1]) by store.example.org (Postfix) with LMTP id CCC333; Fri, 1 Mar 2024 12:00:06 +0000";
const WRONG_DAY: &str = "from relay.example.net (relay.example.net [192.0.2.77]) by mx.example.org (Postfix) with ESMTP id DDD444; Mon, 1 Mar 2024 12:00:05 +0000";

fn case(dir: &Path) -> std::path::PathBuf {
    let source = dir.join("mail");
    std::fs::create_dir(&source).unwrap();
    let mails: [&[&str]; 4] = [&[INNER, EDGE, SLOW], &[EDGE], &[WRONG_DAY], &[]];
    for (number, hops) in mails.iter().enumerate() {
        std::fs::write(source.join(format!("{number}.eml")), mail(number, hops)).unwrap();
    }
    let case = dir.join("case");
    support::import(&case, &source);
    case
}

/// Numbers of the mails that answer.
#[track_caller]
fn check(case: &Path, query: &str, want: &[usize]) {
    let mut got: Vec<usize> = support::run(case, &["search", "--json", query])
        .ok()
        .items()
        .iter()
        .map(|hit| hit["subject"].as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    got.sort_unstable();
    assert_eq!(got, want, "{query}");
}

#[test]
fn conditions_on_one_hop_on_its_place_and_on_the_whole_way_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(dir.path());
    for (query, want) in [
        // Two hops meet it between them, no single one does.
        ("hop.by:mx.example.org hop.ip:203.0.113.0/24", &[0][..]),
        ("hop{by:mx.example.org ip:203.0.113.0/24}", &[]),
        ("hop{by:mx.example.org ip:198.51.100.0/24}", &[0, 1]),
        ("hop{by:mx.example.org (ip:198.51.100.0/24 OR id:ddd444)}", &[0, 1, 2]),
        ("hop{by:mx.example.org NOT tls:evidence}", &[2]),
        ("hop{mx.example.org with:lmtp}", &[0]),
        ("hop[0].by:store.example.org", &[0]),
        ("hop[0].by:mx.example.org", &[1, 2]),
        ("hop[-1]{by:mx.example.org}", &[1, 2]),
        ("hop[1]{by:mx.example.org} hop[2].helo:sender.example", &[0]),
        ("hop.software:8.11.6", &[0]),
        ("hop{software:postfix with:lmtp}", &[0]),
        ("hop.time:2024-03-01T10:00", &[0]),
        ("hopdelay:>2h", &[0]),
        ("hop{delay:>1h by:mx.example.org}", &[0]),
        ("hop{delay:>1h by:store.example.org}", &[]),
        ("hops:0", &[3]),
        ("hops:>1", &[0]),
        ("hops:1", &[1, 2]),
        ("path:\"sender.example -> relay.example.net -> mx.example.org -> store.example.org\"", &[0]),
        ("path:\"sender.example -> * -> store.example.org\"", &[0]),
        ("path:\"* -> mx.example.org -> *\"", &[0, 1, 2]),
        ("path:\"? -> mx.example.org\"", &[1, 2]),
        ("path:\"198.51.100.0/24 -> mx.example.org\"", &[1]),
        ("path:\"* -> 198.51.100.7 -> * -> store.example.org\"", &[0]),
        ("path:\"mx.example.org -> *\"", &[]),
        ("finding:weekday-mismatch", &[2]),
        ("finding:no-received", &[3]),
        // That an address is one of documentation disputes nothing; a wrong day of the week does, of a claim.
        ("finding:long-delay hop[-1].trust:claimed", &[0]),
        ("hop.trust:contradicted", &[]),
        ("hop.trust:disputed", &[]),
    ] {
        check(&case, query, want);
    }
    let wrong = support::run(&case, &["search", "hop.class:slow"]).with_code(2);
    assert!(wrong.err.contains("network, local-submission"), "{}", wrong.err);
}

#[test]
fn findings_are_counted_and_listed_and_follow_the_settings_of_the_last_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(dir.path());
    let items = |query: &str, rule: &str| {
        let found = support::run(&case, &["findings", "--json", query]).ok().json();
        found.iter().find(|o| o["rule"] == rule).map_or(0, |o| o["items"].as_u64().unwrap())
    };
    assert_eq!(items("", "weekday-mismatch"), 1);
    assert_eq!(items("", "no-received"), 1);
    assert_eq!(items("hops:>0", "no-received"), 0);
    let listed = support::run(&case, &["findings", "--json", "--rule", "weekday-mismatch"]).ok().json();
    assert_eq!((listed.len(), listed[0]["hops"][0].as_u64()), (1, Some(0)));
    let csv = support::run(&case, &["findings", "--csv", "--rule", "weekday-mismatch"]).ok().text();
    assert!(csv.starts_with("\"item\",\"rule\"") && csv.lines().count() == 2, "{csv}");
    support::run(&case, &["findings", "--rule", "nonsense"]).with_code(2);

    let stale = |code: &str| support::run(&case, &["search", "--count", code]).ok();
    assert_eq!(stale("hop.trust:boundary").text().trim(), "3");
    // What was handed to the store by LMTP is never the boundary.
    assert_eq!(stale("hop{trust:boundary by:store.example.org}").text().trim(), "0");
    assert_eq!(stale("hop{trust:boundary by:mx.example.org}").text().trim(), "3");
    let set = ["trust", "set", "--host", "example.org", "--network", "192.0.2.0/24", "--teaching-addresses"];
    support::run(&case, &set).ok();
    let before = stale("hop{trust:boundary by:mx.example.org}");
    assert_eq!(before.text().trim(), "3");
    assert!(before.err.contains("mailtrail rebuild"), "{}", before.err);
    assert!(!stale("hop.by:mx.example.org").err.contains("rebuild"));
    let told = support::run(&case, &["findings", "--json"]).ok().json();
    assert_eq!(told[0]["is_current"], false);
    support::run(&case, &["rebuild", "--quiet"]).ok();
    let after = stale("hop{trust:boundary by:mx.example.org}");
    assert_eq!((after.text().trim(), after.err.contains("rebuild")), ("3", false));
    assert_eq!(stale("hop{trust:attested by:store.example.org}").text().trim(), "1");
    let told = support::run(&case, &["findings", "--json"]).ok().json();
    assert_eq!(told[0]["is_current"], true);
    support::run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn relays_of_a_case_are_told_with_their_hops_times_and_encryption() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(dir.path());
    let relays = support::run(&case, &["hops", "--stats", "--json"]).ok().json();
    let names: Vec<_> = relays.iter().map(|r| r["by"].as_str().unwrap()).collect();
    assert_eq!(names, ["mx.example.org", "relay.example.net", "store.example.org"]);
    assert_eq!((relays[0]["hops"].as_u64(), relays[0]["encrypted"].as_u64()), (Some(3), Some(2)));
    assert_eq!(relays[0]["first"], "2024-03-01T12:00:05Z");
    let shown = support::run(&case, &["hops", "--stats"]).ok().text();
    assert!(shown.contains("8.11.6/8.11.6"), "{shown}");
    support::run(&case, &["hops"]).with_code(2);
}

#[test]
fn hops_that_stand_in_several_messages_are_found_over_the_whole_case_and_narrowed_by_a_query() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("mail");
    std::fs::create_dir(&source).unwrap();
    let named =
        |number: usize, hop: &str| format!("Message-ID: <{number}@sender.example>\n{}", mail(number, &[hop]));
    // Message 0 came through the recipient's server. In 1 the same hop is a claim below another, in 2 the id again
    // within a minute, in 3 by another server.
    let again = EDGE.replace("12:00:05", "12:00:45");
    let other = EDGE.replace("by mx.example.org", "by mx.example.net");
    let top = |number: usize| {
        format!(
            "from vps.example.net (vps.example.net [198.51.100.66]) by mx.example.org (Postfix) with ESMTPS id FFF{number}; Fri, 1 Mar 2024 13:00:05 +0000"
        )
    };
    std::fs::write(source.join("0.eml"), named(0, EDGE)).unwrap();
    for (number, hop) in [(1, EDGE), (2, again.as_str()), (3, other.as_str())] {
        let text = format!("Message-ID: <{number}@sender.example>\n{}", mail(number, &[&top(number), hop]));
        std::fs::write(source.join(format!("{number}.eml")), text).unwrap();
    }
    // Two copies of one message are one message.
    std::fs::write(source.join("4.eml"), named(0, EDGE)).unwrap();
    // A client that nearly always encrypts, and one hop in which it does not.
    let usual =
        "from tls.example.net (tls.example.net [198.51.100.9]) by mx.example.org (Postfix) with ESMTPS id ";
    for number in 100..200 {
        let hop = format!("{usual}T{number}; Fri, 1 Mar 2024 13:00:05 +0000");
        let hop = if number == 150 { hop.replace("ESMTPS", "ESMTP") } else { hop };
        std::fs::write(source.join(format!("{number}.eml")), named(number, &hop)).unwrap();
    }
    let case = dir.path().join("case");
    support::import(&case, &source);
    support::run(&case, &["trust", "set", "--host", "example.org", "--teaching-addresses"]).ok();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    let items = |query: &str, rule: &str| {
        let found = support::run(&case, &["findings", "--json", query]).ok().json();
        found.iter().find(|o| o["rule"] == rule).map_or(0, |o| o["items"].as_u64().unwrap())
    };
    assert_eq!(items("", "received-cloned"), 1);
    assert_eq!(items("", "queue-id-reuse"), 1);
    assert_eq!(items("", "tls-downgrade-vs-baseline"), 1);
    // The comparison is with the whole case, the count of what was asked for.
    assert_eq!(items("subject:\"number 1\"", "received-cloned"), 1);
    assert_eq!(
        items("subject:\"number 0\"", "received-cloned"),
        0,
        "what a server of the recipient wrote is no copy"
    );
    let cloned = support::run(&case, &["findings", "--json", "--rule", "received-cloned"]).ok().json();
    assert_eq!(cloned.len(), 1);
    assert_eq!((cloned[0]["severity"].as_str(), cloned[0]["hops"][0].as_u64()), (Some("strong"), Some(1)));
    assert!(cloned[0]["spans"][0]["end"].as_u64().unwrap() > 40, "{}", cloned[0]);
    let text = support::run(&case, &["findings", "--rule", "received-cloned"]).ok().text();
    assert!(text.contains("where it is witnessed"), "{text}");
    let bare = support::run(&case, &["findings", "--csv", "--rule", "tls-downgrade-vs-baseline"]).ok().text();
    assert_eq!(bare.lines().count(), 2, "{bare}");
    let table = support::run(&case, &["findings"]).ok().text();
    assert!(table.contains("received-cloned") && table.contains("keeps the id"), "{table}");
}

#[test]
fn an_address_as_a_name_is_found_in_every_form_and_a_fold_makes_no_second_relay() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("mail");
    std::fs::create_dir(&source).unwrap();
    let date = "Fri, 1 Mar 2024 12:00:05 +0000";
    let hops = [
        format!(
            "from ?192.168.1.77? (host.isp.example. [198.51.100.40])\n\tby smtp.example.org with ESMTPSA id 1; {date}"
        ),
        format!(
            "from ?IPv6:::ffff:192.168.1.77? (host.isp.example. [198.51.100.40])\n\tby smtp.example.org with ESMTPSA id 2; {date}"
        ),
        format!(
            "from [192.168.1.77] (unknown [198.51.100.40])\n\tby smtp.example.org (Postfix) with ESMTPSA id 4F3D21234; {date}"
        ),
        "from unknown (HELO ?192.168.1.77?) (ann@198.51.100.40)\n\tby smtp.example.org with SMTP; 1 Mar 2024 12:00:05 -0000"
            .to_owned(),
        format!(
            "from [192.168.1.77] (unknown)\n\tby smtp.example.org (SG) with ESMTP id YIPVaK1jTLSZgcspr6n3KQ; {date}"
        ),
        format!(
            "from a.example ([198.51.100.7])\n\tby mx.example.org with esmtp (Exim 4.92\n\t#2 (Debian)) id 1n0Abc-0001Xy-Qz; {date}"
        ),
        format!(
            "from a.example ([198.51.100.7])\n\tby mx.example.org with esmtp (Exim 4.92 #2\n\t(Debian)) id 1n0Abd-0001Xy-Qz; {date}"
        ),
    ];
    for (number, hop) in hops.iter().enumerate() {
        std::fs::write(source.join(format!("{number}.eml")), mail(number, &[hop])).unwrap();
    }
    let case = dir.path().join("case");
    support::import(&case, &source);
    check(&case, "hop.helo:192.168.1.77", &[0, 1, 2, 3, 4]);
    check(&case, "hop.helo:[192.168.1.77]", &[0, 1, 2, 3, 4]);
    check(&case, "hop.ip:192.168.1.77", &[]);
    check(&case, "hop.ip:198.51.100.40", &[0, 1, 2, 3]);
    check(&case, "hop.software:\"4.92 #2 (Debian)\"", &[5, 6]);
    let relays = support::run(&case, &["hops", "--stats", "--json"]).ok().json();
    let relay = relays.iter().find(|relay| relay["by"] == "mx.example.org").unwrap();
    assert_eq!(relay["software"].as_array().unwrap().len(), 1, "{relay}");
    // An inner network as the HELO tells it is a lead, and no mismatch of two organisations.
    for number in 0..4 {
        let found =
            support::run(&case, &["search", "--json", &format!("subject:\"number {number}\"")]).ok().json();
        let way = support::run(&case, &["hops", found[0]["item"].as_str().unwrap(), "--json"])
            .ok()
            .json()
            .remove(0);
        assert_eq!(way["answers"]["inner_network"]["ip"], "192.168.1.77", "{number}");
        let rules: Vec<&str> =
            way["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
        assert!(!rules.contains(&"helo-rdns-mismatch"), "{number}: {rules:?}");
    }
    // The old ids of rules go on being understood.
    support::run(&case, &["findings", "--rule", "rdns-forged"]).ok();
    support::run(&case, &["search", "--count", "finding:helo-impersonates-recipient"]).ok();
}
