//! What `show`, `hops`, `path`, `clocks` and `auth` say of odd items.

use std::fs;

use crate::support::{self, run};

/// A case of one file, and the id of its first item.
fn case_of(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join(name));
    fs::write(&source, bytes).unwrap();
    support::import(&case, &source);
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    (dir, case, item)
}

#[test]
fn the_way_of_a_message_too_long_for_memory_is_read_from_its_header() {
    let mut mail = b"Received: from a.example (a.example [198.51.100.7])\n\tby mx.example (Postfix) with ESMTPS\n\t id 4F1;\n\t\
        Tue, 2 Jan 2024 10:00:05 +0000\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=k;\n\th=from; \
        bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=; b=AAAA\n\
        From: a@a.example\nTo: b@b.example\nSubject: long\nDate: Tue, 2 Jan 2024 10:00:00 +0000\n\n"
        .to_vec();
    mail.extend(b"The quick brown fox jumps over the lazy dog, again and again.\n".repeat(1_100_000));
    assert!(mail.len() > 64 << 20);
    let (_dir, case, item) = case_of("long.eml", &mail);
    let hops = run(&case, &["hops", &item, "--json"]).ok().json().remove(0);
    assert_eq!(
        (hops["hops_total"].as_u64(), &hops["hops"][0]["by"]["text"]),
        (Some(1), &"mx.example".into())
    );
    assert_eq!(
        hops["authentication"]["bodies"].as_array().unwrap().len(),
        0,
        "a part of a body says nothing"
    );
    assert!(run(&case, &["path", &item]).ok().text().contains("a.example [198.51.100.7] -> mx.example"));
    let clocks = run(&case, &["clocks", &item, "--json"]).ok().json().remove(0);
    assert_eq!(clocks["times"].as_array().unwrap().len(), 2, "{clocks}");
    let auth = run(&case, &["auth", &item, "--json"]).ok().json().remove(0);
    assert_eq!(
        (auth["dkim_total"].as_u64(), &auth["dkim"][0]["verdict"]),
        (Some(1), &"unknown".into()),
        "{auth}"
    );
    assert!(auth["dkim"][0].get("body").is_none(), "{auth}");
    for command in ["hops", "path", "clocks", "auth", "show"] {
        run(&case, &[command, &item]).ok();
    }
}

#[test]
fn a_clock_is_told_as_finely_as_it_counts_and_as_it_is_written() {
    let mail = b"From: a@a.example\nDate: Tue, 2 Jan 2024 10:00:00 +0100\nSubject: one second\n\ntext\n";
    let (_dir, case, item) = case_of("second.eml", mail);
    let clocks = run(&case, &["clocks", &item, "--json"]).ok().json().remove(0);
    let date = &clocks["times"][0];
    assert_eq!(
        (date["time"].as_str(), date["step_us"].as_u64()),
        (Some("2024-01-02T09:00:00Z"), Some(1_000_000))
    );
    assert_eq!(date["written"], "Tue, 2 Jan 2024 10:00:00 +0100");
    let text = run(&case, &["clocks", &item]).ok().text();
    assert!(text.contains("2024-01-02T09:00:00Z") && !text.contains("00.000"), "{text}");
}

#[test]
fn words_of_a_hop_that_are_folded_are_one_spelling() {
    let hop = |with: &str, software: &str| {
        format!(
            "From x@y.example Tue Jan  2 00:00:00 2024\nReceived: from a.example (a.example [198.51.100.7]) by mx.example\n\t({software}) with {with}; \
             Tue, 2 Jan 2024 10:00:05 +0000\nFrom: a@a.example\nSubject: folded\n\ntext\n\n"
        )
    };
    let mbox = [
        hop("Microsoft SMTP Server", "some server 7.1"),
        hop("Microsoft\n\tSMTP Server", "some\n\tserver 7.1"),
        hop("Microsoft SMTP\n    Server", "some server\n 7.1"),
    ];
    let (_dir, case, _) = case_of("folded.mbox", mbox.concat().as_bytes());
    let list = run(&case, &["list", "--json", "--hops"]).ok().json();
    let with: Vec<&str> = list.iter().filter_map(|item| item["hops"][0]["with"].as_str()).collect();
    assert_eq!(with, ["Microsoft SMTP Server"; 3]);
    let relays = run(&case, &["hops", "--stats", "--json"]).ok().json();
    let relay = relays.iter().find(|relay| relay["by"] == "mx.example").unwrap();
    assert!(relay["software"].as_array().unwrap().len() <= 1, "{relay}");
}

#[test]
fn show_tells_subject_and_people_decoded_and_the_fields_as_they_stand_when_asked() {
    let mail = b"From: =?utf-8?q?J=C3=BCrgen?= <j@a.example>\nTo: b@b.example,\n\tc@b.example\n\
        Subject: =?utf-8?q?M=C3=BCll?=\n\t=?utf-8?q?abfuhr?=\nDate: Tue, 2 Jan 2024 10:00:00 +0100\n\ntext\n";
    let (_dir, case, item) = case_of("words.eml", mail);
    let text = run(&case, &["show", &item]).ok().text();
    assert!(text.contains("Subject     Müllabfuhr\nFrom        j@a.example <Jürgen>\n"), "{text}");
    assert!(text.contains("To          b@b.example, c@b.example\n"), "{text}");
    assert!(!text.contains("=?utf-8") && !text.contains("\\u{9}"), "{text}");
    let text = run(&case, &["show", &item, "--headers"]).ok().text();
    assert!(text.contains("Subject: =?utf-8?q?M=C3=BCll?= =?utf-8?q?abfuhr?=\n"), "{text}");
    assert!(text.contains("To: b@b.example, c@b.example\n"), "{text}");
}

#[test]
fn a_date_without_a_zone_is_marked_in_tables_and_csv() {
    let mbox = b"From x@y.example Tue Jan  2 00:00:00 2024\nFrom: a@a.example\nDate: Tue, 2 Jan 2024 10:00:00\nSubject: none\n\ntext\n\n\
        From x@y.example Tue Jan  2 00:00:00 2024\nFrom: a@a.example\nDate: Tue, 2 Jan 2024 10:00:00 -0000\nSubject: utc\n\ntext\n";
    let (dir, case, _) = case_of("zones.mbox", mbox);
    let table = run(&case, &["list"]).ok().text();
    assert!(table.contains("2024-01-02T10:00:00?") && table.contains("2024-01-02T10:00:00Z"), "{table}");
    let to = dir.path().join("to");
    run(&case, &["export", "*", "--to", to.to_str().unwrap()]).ok();
    for csv in
        [run(&case, &["list", "--csv"]).ok().text(), fs::read_to_string(to.join("manifest.csv")).unwrap()]
    {
        let mut lines = csv.lines().map(|line| line.split("\",\"").collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let (date, known) = (
            head.iter().position(|name| *name == "date").unwrap(),
            head.iter().position(|name| *name == "date_zone_known").unwrap(),
        );
        let rows: Vec<(&str, &str)> = lines.map(|row| (row[date], row[known])).collect();
        assert_eq!(rows, [("2024-01-02T10:00:00", "no"), ("2024-01-02T10:00:00Z", "yes")], "{csv}");
    }
}

#[test]
fn messages_and_those_inside_others_are_counted_apart_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    let mailbox = support::own_corpus().join("mailbox");
    let imported = run(&case, &["import", mailbox.to_str().unwrap()]).ok().text();
    assert!(
        imported.starts_with("imported 150 messages and 2 inside others, 149 of them new to the case, in "),
        "{imported}"
    );
    let all = run(&case, &["search", "*", "-n", "1"]).ok();
    assert!(
        all.err.starts_with("150 messages and 2 inside others match, 1 shown; 1 of them without a date"),
        "{}",
        all.err
    );
    let some = run(&case, &["search", "hop:cloudpier.example"]).ok();
    assert!(
        some.err.starts_with("6 messages and 1 inside another match\nsearched: 152 items; "),
        "{}",
        some.err
    );
    assert_eq!(run(&case, &["list", "hop:cloudpier.example NOT kind:child"]).ok().err, "6 items match\n");
    let exported = run(&case, &["export", "hop:cloudpier.example", "--to", to.to_str().unwrap()]).ok().text();
    assert!(exported.starts_with("exported 6 messages and 1 inside another, "), "{exported}");
    let verified = run(&case, &["verify"]).ok().text();
    assert!(
        verified.contains("150 items\n") && verified.contains("index: 150 messages and 2 inside others\n"),
        "{verified}"
    );
}
