//! `hops`, `path` and `trust` on the bundled mailbox.

use std::fmt::Write as _;

use crate::support;

#[test]
fn the_boundary_moves_with_the_examiners_settings_and_says_on_what_it_rests() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let found =
        support::run(&case, &["search", "hop:cloudpier.example kind:message", "--json", "--limit", "1"]).ok();
    let item = found.json()[0]["item"].as_str().unwrap().to_owned();

    let before = support::run(&case, &["hops", &item, "--json"]).ok().json().remove(0);
    assert_eq!((before["basis"].as_str(), before["boundary"].as_u64()), (Some("newest-hop"), Some(1)));
    assert_eq!(before["settings_event"], serde_json::Value::Null);
    let rules = |value: &serde_json::Value| -> Vec<String> {
        value["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
    };
    // The mailbox is made of addresses for examples.
    assert!(rules(&before).contains(&"ip-nonroutable-public-hop".to_owned()), "{before}");

    support::run(
        &case,
        &["trust", "set", "--host", "nordkai.example", "--network", "192.0.2.0/24", "--teaching-addresses"],
    )
    .ok();
    let after = support::run(&case, &["hops", &item, "--json"]).ok().json().remove(0);
    assert_eq!((after["basis"].as_str(), after["boundary"].as_u64()), (Some("settings"), Some(1)));
    assert_eq!(after["answers"]["attested_peer"]["ip"], "203.0.113.77");
    assert_eq!(after["hops"][0]["trust"], "attested");
    assert_eq!(after["hops"][1]["trust"], "boundary");
    assert!(rules(&after).contains(&"id-clock-mismatch".to_owned()));
    assert_eq!(after["hops"][2]["trust"], "claimed");
    assert_eq!(after["hops"][2]["disputed_by"][0], "id-clock-mismatch");
    let told = support::run(&case, &["hops", &item]).ok().text();
    assert!(told.contains("claimed; disputed by id-clock-mismatch (hop 2)"), "{told}");
    assert!(!rules(&after).contains(&"ip-nonroutable-public-hop".to_owned()));

    let path = support::run(&case, &["path", &item]).ok().text();
    assert!(path.contains("mx1.nordkai.example -> mail.nordkai.example"), "{path}");
    let told = support::run(&case, &["trust", "show", "--json"]).ok().json().remove(0);
    assert_eq!(
        (told["schema"].as_str(), told["settings_event"].as_u64().is_some()),
        (Some("mailtrail.trust/1"), true)
    );
    assert_eq!(told["settings"]["hosts"][0], "nordkai.example");
    let shown = support::run(&case, &["trust", "show"]).ok().text();
    assert!(shown.contains("nordkai.example and all below it"), "{shown}");
    assert_eq!(support::run(&case, &["trust", "set", "--network", "192.0.2.0/64"]).code, 2);
    support::run(&case, &["verify", "--quiet"]).ok();
}

/// A `Received` date in UTC: day 1 of 2024 and so many seconds.
fn stamp(secs: i64) -> String {
    let (day, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let (name, date) = (names[usize::try_from(day.rem_euclid(7)).unwrap()], day + 1);
    format!("{name}, {date} Jan 2024 {:02}:{:02}:{:02} +0000", rest / 3600, rest / 60 % 60, rest % 60)
}

#[test]
fn the_clocks_that_the_recipients_server_saw_are_found_and_take_no_finding_away() {
    // Seconds by which each relay's clock is wrong.
    let errors = [("r2", 7_200), ("r5", -754), ("r7", 33)];
    let error = |relay: &str| errors.iter().find(|(name, _)| *name == relay).map_or(0, |(_, secs)| *secs);
    let ways: [&[&str]; 8] = [
        &["r1", "r2", "r3", "mx"],
        &["r4", "r2", "mx"],
        &["r5", "r3", "mx"],
        &["r1", "r3", "mx"],
        &["r5", "r6", "mx"],
        &["r7", "r6", "mx"],
        &["r7", "r3", "mx"],
        &["r4", "r6", "mx"],
    ];
    let mut mbox = String::new();
    for number in 0..60 {
        for (w, way) in ways.iter().enumerate() {
            // Two days in, so that no clock leaves January.
            let mut now = 2 * 86_400 + i64::from(number) * 3_600;
            let mut hops = Vec::new();
            for (n, relay) in way.iter().enumerate() {
                now += i64::from((number + u32::try_from(n).unwrap()) % 2);
                let from =
                    if n == 0 { "client.example".to_owned() } else { format!("{}.example", way[n - 1]) };
                hops.push(format!(
                    "Received: from {from} ({from} [198.51.100.{}])\n\tby {relay}.example (Postfix) with ESMTP id AB{number}{w};\n\t{}\n",
                    n + 1,
                    stamp(now + error(relay))
                ));
            }
            hops.reverse();
            write!(
                mbox,
                "From a@b.example Wed Jan  3 00:00:00 2024\n{}From: a@b.example\nTo: c@d.example\nSubject: way {w} number {number}\nDate: {}\nMessage-ID: <{number}.{w}@b.example>\n\ntext\n\n",
                hops.concat(),
                stamp(2 * 86_400 + i64::from(number) * 3_600)
            )
            .unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("ways.mbox"));
    std::fs::write(&source, mbox).unwrap();
    support::import(&case, &source);
    support::run(&case, &["trust", "set", "--host", "mx.example", "--teaching-addresses"]).ok();
    let stats = support::run(&case, &["hops", "--stats", "--json"]).ok().json();
    // mx saw r2, r3 and r6; what these say of others is a claim, and mx has no neighbour of its own side.
    for (relay, secs) in [("r2", Some(7_200i64)), ("r3", Some(0)), ("r6", Some(0))] {
        let row = stats.iter().find(|row| row["by"] == format!("{relay}.example")).unwrap();
        let ahead = row["clock_ahead_ms"].as_i64();
        assert!(ahead.zip(secs).is_some_and(|(a, s)| (a - s * 1000).abs() <= 1000), "{relay}: {row}");
        assert_eq!(row["clock_standing"], "seen");
    }
    for relay in ["r1", "r4", "r5", "r7", "mx"] {
        let row = stats.iter().find(|row| row["by"] == format!("{relay}.example")).unwrap();
        assert_eq!(row["clock_ahead_ms"], serde_json::Value::Null, "{relay}");
    }
    let table = support::run(&case, &["hops", "--stats"]).ok().text();
    assert!(table.contains(" s zone?") && table.contains("within 5 s"), "{table}");
    for (relay, secs) in [("r2", 7_200i64), ("r5", 0), ("r7", 0), ("r1", 0), ("r3", 0), ("r6", 0)] {
        let query = format!("hop.by:{relay}.example");
        let found = support::run(&case, &["search", &query, "--json", "--limit", "1"]).ok().json();
        let item = found[0]["item"].as_str().unwrap();
        let hops = support::run(&case, &["hops", item, "--json"]).ok().json().remove(0);
        let findings = hops["findings"].as_array().unwrap();
        let index = hops["hops"]
            .as_array()
            .unwrap()
            .iter()
            .find(|hop| hop["by"]["text"] == format!("{relay}.example"))
            .unwrap();
        let mine: Vec<&str> = findings
            .iter()
            .filter(|f| f["rule"] == "clock-known-wrong" && f["hops"][0] == index["index"])
            .map(|f| f["text"].as_str().unwrap())
            .collect();
        if secs == 0 {
            assert!(mine.is_empty(), "{relay}: {mine:?}");
        } else {
            let told: i64 = mine[0].split(' ').nth(3).unwrap().parse().unwrap();
            let told = if mine[0].contains("behind") { -told } else { told };
            assert!((told - secs).abs() <= 1, "{relay}: {mine:?}");
        }
        // By the times as written, whatever others show.
        let written: Vec<_> =
            hops["hops"].as_array().unwrap().iter().filter_map(|h| h["delay_ms"].as_i64()).collect();
        let reversed = findings.iter().filter(|f| f["rule"] == "time-reversal").count();
        assert_eq!(reversed, written.iter().filter(|ms| **ms < -300_000).count(), "{relay}: {written:?}");
        assert!(findings.iter().all(|f| f["severity"] != "strong"), "{relay}");
    }
}

/// Messages over a relay whose clock is two hours ahead and that writes its own name with the dot of the root.
fn mbox_of_a_relay_with_a_dot() -> String {
    let mut mbox = String::new();
    for number in 0..30 {
        let now = 2 * 86_400 + number * 3_600;
        let hop = |from: &str, by: &str, at: i64| {
            format!(
                "Received: from {from} ({from} [198.51.100.1])\n\tby {by} (Postfix) with ESMTP id AB{number};\n\t{}\n",
                stamp(at)
            )
        };
        write!(
            mbox,
            "From a@b.example Wed Jan  3 00:00:00 2024\n{}{}{}From: a@b.example\nSubject: number {number}\nDate: {}\nMessage-ID: <{number}@b.example>\n\ntext\n\n",
            hop("r2.example", "mx.example", now + 2),
            hop("r1.example", if number % 2 == 0 { "r2.example." } else { "R2.example" }, now + 1 + 7_200),
            hop("client.example", "r1.example", now),
            stamp(now)
        )
        .unwrap();
    }
    // An hour that tells no zone is no instant, so it takes part in no delay.
    mbox += "From a@b.example Wed Jan  3 00:00:00 2024\n\
        Received: from b.example by c.example; Wed, 3 Jan 2024 10:00:30 +0000\n\
        Received: from a.example by b.example; Wed, 3 Jan 2024 08:00:00\n\
        Received: from client.example by a.example; Wed, 3 Jan 2024 10:00:00 +0000\n\
        From: a@b.example\nSubject: zoneless\n\ntext\n";
    mbox
}

#[test]
fn a_relay_is_the_same_with_a_final_dot_and_show_counts_delays_as_hops_does() {
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("dot.mbox"));
    std::fs::write(&source, mbox_of_a_relay_with_a_dot()).unwrap();
    support::import(&case, &source);
    let unknown = support::run(&case, &["hops", "--stats"]).ok();
    assert!(unknown.err.contains("no attested votes"), "{}", unknown.err);
    support::run(&case, &["trust", "set", "--host", "mx.example", "--teaching-addresses"]).ok();
    let stats = support::run(&case, &["hops", "--stats", "--json"]).ok().json();
    let relay = stats.iter().find(|row| row["by"] == "r2.example").unwrap();
    assert_eq!((relay["hops"].as_u64(), relay["clock_ahead_ms"].as_i64()), (Some(30), Some(7_199_000)));
    for subject in ["number 0", "number 1"] {
        let query = format!("subject:\"{subject}\"");
        let found = support::run(&case, &["search", &query, "--json", "--limit", "1"]).ok().json();
        let hops = support::run(&case, &["hops", found[0]["item"].as_str().unwrap(), "--json"]).ok().json();
        let delays = (hops[0]["hops"][1]["delay_ms"].as_i64(), hops[0]["hops"][1]["corrected_ms"].as_i64());
        assert_eq!(delays, (Some(7_201_000), Some(2_000)), "{subject}");
    }
    let found = support::run(&case, &["search", "subject:zoneless", "--json"]).ok().json();
    let item = found[0]["item"].as_str().unwrap();
    for command in ["show", "hops"] {
        let text = support::run(&case, &[command, item]).ok().text();
        assert!(text.contains("08:00:00Z (no zone, read as UTC)"), "{command}: {text}");
        assert!(text.contains("+30 s") && !text.contains("2:00"), "{command}: {text}");
    }
}
