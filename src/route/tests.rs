//! Chains of a few fields, written for this.

use super::*;
use crate::facts::derive::first;
use crate::parse::header;

fn look<T>(message: &str, settings: &Settings, then: impl FnOnce(&Chain) -> T) -> T {
    let message = message.replace('\n', "\r\n");
    let facts = first(message.as_bytes());
    let header = header::read(message.as_bytes()).value;
    then(&chain(&Mail { message: message.as_bytes(), header: &header, facts: &facts }, settings))
}

fn own() -> Settings {
    Settings { own_hosts: vec!["rcpt.example".into()], teaching_addresses: true, ..Settings::default() }
}

const CLEAN: &str = "Received: from mx1.sender.example (mx1.sender.example [192.0.2.10])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby mx.rcpt.example (Postfix) with ESMTPS id 4F3D21234
\tfor <bob@rcpt.example>; Tue, 14 May 2024 09:15:30 +0200
Received: from laptop (dsl.isp.example [203.0.113.77])
\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))
\t(Authenticated sender: alice@sender.example)
\tby mx1.sender.example (Postfix) with ESMTPSA id 9C1D02E0
\tfor <bob@rcpt.example>; Tue, 14 May 2024 09:15:27 +0200
From: Alice <alice@sender.example>
To: bob@rcpt.example
Date: Tue, 14 May 2024 09:15:20 +0200
Message-ID: <1@sender.example>
Subject: x

text
";

#[test]
fn a_clean_way_has_a_boundary_delays_and_answers_with_levels() {
    look(CLEAN, &own(), |chain| {
        assert_eq!(chain.findings, []);
        assert_eq!((chain.boundary, chain.basis, chain.total_ms), (Some(0), Basis::Settings, Some(3000)));
        assert_eq!(
            chain.steps.iter().map(|s| s.trust).collect::<Vec<_>>(),
            [Trust::Boundary, Trust::Claimed]
        );
        assert_eq!(chain.steps.iter().map(|s| s.delay_ms).collect::<Vec<_>>(), [Some(3000), None]);
        let peer = chain.answers.attested_peer.as_ref().unwrap();
        assert_eq!((peer.ip.to_string().as_str(), peer.level), ("192.0.2.10", Level::Attested));
        let sent = chain.answers.submission.as_ref().unwrap();
        assert_eq!(
            (sent.ip.to_string().as_str(), sent.level, sent.hop),
            ("203.0.113.77", Level::Claimed, Some(1))
        );
        assert!(sent.user.is_some());
    });
    // Without settings the newest server is taken as the recipient's, and said to be.
    look(CLEAN, &Settings { teaching_addresses: true, ..Settings::default() }, |chain| {
        assert_eq!((chain.boundary, chain.basis), (Some(0), Basis::NewestHop));
    });
}

#[test]
fn every_rule_has_a_case_in_which_it_reports() {
    let cases: &[(&str, &str, &str)] = &[
        ("time-reversal", "09:15:30 +0200\nRec", "07:15:00 +0200\nRec"),
        ("clock-skew-minor", "09:15:30 +0200\nRec", "09:15:20 +0200\nRec"),
        ("tz-slip-suspect", "09:15:30 +0200\nRec", "08:15:30 +0200\nRec"),
        ("long-delay", "09:15:30 +0200\nRec", "19:15:30 +0200\nRec"),
        ("weekday-mismatch", "Tue, 14 May 2024 09:15:27", "Mon, 14 May 2024 09:15:27"),
        ("date-invalid", "14 May 2024 09:15:27", "14 May 2024 25:15:27"),
        ("date-missing", "; Tue, 14 May 2024 09:15:27 +0200", ""),
        ("tz-comment-mismatch", "09:15:27 +0200", "09:15:27 +0000 (EST)"),
        ("date-header-offset", "Date: Tue, 14 May 2024 09", "Date: Tue, 14 May 2024 04"),
        (
            "id-clock-mismatch",
            "(Postfix) with ESMTPSA id 9C1D02E0",
            "with esmtpsa (Exim 4.96) id 1CGgFr-0003aB-9Z",
        ),
        ("software-anachronism", "14 May 2024 09:15:27 +0200", "14 May 2002 09:15:27 +0200"),
        ("format-nonconforming", "from laptop (dsl.isp.example [203.0.113.77])", "from laptop"),
        ("chain-break", "by mx1.sender.example", "by relay.unrelated.example"),
        ("received-misplaced", "From: Alice <alice@sender.example>\nTo: bob@rcpt.example\n", ""),
        ("hop-count-high", "Received: from laptop", "MANY"),
        ("no-received", "Received:", "X-Other:"),
        ("unparsed-hop", "Received: from laptop", ""),
        ("ip-invalid", "203.0.113.77", "203.0.113.377"),
        ("ip-nonroutable-public-hop", "203.0.113.77", "240.0.0.1"),
        ("private-lan-leak", "from laptop", "from [192.168.1.23]"),
        ("helo-ip-mismatch", "from laptop", "from [198.51.100.250]"),
        ("origin-header-conflict", "From: Alice", "X-Originating-IP: [198.51.100.5]\nFrom: Alice"),
        ("helo-generic", "from mx1.sender.example (", "from User ("),
        (
            "helo-rdns-mismatch",
            "from mx1.sender.example (mx1.sender.example",
            "from mx1.sender.example (mx1.other.example",
        ),
        (
            "helo-is-recipients-name",
            "from mx1.sender.example (mx1.sender.example",
            "from mx.rcpt.example (vps.isp.example",
        ),
        (
            "helo-is-providers-name",
            "from mx1.sender.example (mx1.sender.example",
            "from mail.google.com (vps.isp.example",
        ),
        ("rdns-none", "(mx1.sender.example [192", "(unknown [192"),
        (
            "rcpt-not-in-headers",
            "for <bob@rcpt.example>; Tue, 14 May 2024 09:15:30",
            "for <carol@rcpt.example>; Tue, 14 May 2024 09:15:30",
        ),
        ("provider-hop-missing", "<alice@sender.example>", "<alice@gmail.com>"),
        (
            "auth-user-from-mismatch",
            "Authenticated sender: alice@sender.example",
            "Authenticated sender: eve@else.example",
        ),
        (
            "authres-untrusted",
            "From: Alice",
            "Authentication-Results: mx.rcpt.example; spf=pass\nFrom: Alice",
        ),
        ("arc-structure-invalid", "From: Alice", "ARC-Seal: i=1; cv=fail; d=a.example\nFrom: Alice"),
        (
            "cleartext-hop",
            "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n\tby mx.rcpt.example (Postfix) with ESMTPS",
            "\tby mx.rcpt.example (Postfix) with ESMTP",
        ),
        (
            "weak-tls",
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256",
            "TLSv1 with cipher DES-CBC3-SHA (112/168",
        ),
        ("nul-in-header", "from laptop", "from lap\0top"),
        (
            "mail-fetch-hop",
            "Received: from mx1",
            "Received: from pop.isp.example [198.51.100.110]\n\tby home.rcpt.example with POP3 (fetchmail-6.4.37)\n\tfor <bob@localhost> (single-drop); Tue, 14 May 2024 09:20:00 +0200\nReceived: from mx1",
        ),
    ];
    for (rule, old, new) in cases {
        let mut text = CLEAN.replacen(old, new, 1);
        match *rule {
            "received-misplaced" => {
                let (head, rest) = CLEAN.split_at(CLEAN.find("Received: from laptop").unwrap());
                text = format!("{head}From: Alice <alice@sender.example>\nTo: bob@rcpt.example\n{rest}");
            }
            "hop-count-high" => {
                text = format!(
                    "{}{CLEAN}",
                    "Received: by mx.rcpt.example; Tue, 14 May 2024 09:15:30 +0200\n".repeat(30)
                );
            }
            "unparsed-hop" => {
                let hop = CLEAN.find("Received: from laptop").unwrap();
                text = format!("{}Received: apparently\n{}", &CLEAN[..hop], &CLEAN[hop..]);
            }
            "no-received" => text = CLEAN.replace("Received:", "X-Other:"),
            _ => assert_ne!(text, CLEAN, "{rule}"),
        }
        let settings = own();
        let found: Vec<&str> =
            look(&text, &settings, |chain| chain.findings.iter().map(|f| f.rule.id).collect());
        assert!(found.contains(rule), "{rule}: {found:?}");
    }
    let twice = CLEAN.split_at(CLEAN.find("From: Alice").unwrap());
    let hop = &CLEAN[CLEAN.find("Received: from laptop").unwrap()..CLEAN.find("From: Alice").unwrap()];
    let found: Vec<&str> = look(&format!("{}{hop}{hop}{}", twice.0, twice.1), &own(), |c| {
        c.findings.iter().map(|f| f.rule.id).collect()
    });
    assert!(found.contains(&"duplicate-hop") && found.contains(&"mail-loop"), "{found:?}");
}

#[test]
fn a_wrong_clock_is_told_beside_the_delay_that_it_explains() {
    let text = CLEAN.replacen("09:15:30 +0200\nRec", "07:15:30 +0200\nRec", 1);
    let found = |chain: &Chain| chain.findings.iter().map(|f| f.rule.id).collect::<Vec<_>>();
    let alone = look(&text, &own(), found);
    assert!(alone.contains(&"time-reversal") && !alone.contains(&"clock-known-wrong"), "{alone:?}");
    // Twenty other messages over the same server show that it is two hours behind.
    let mut clocks = Clocks::default();
    for n in 0..20 {
        let (theirs, other) = (if n % 2 == 0 { "mx1.sender.example" } else { "mx2.other.example" }, n * 1000);
        clocks.observe([("mx.rcpt.example", other - 7_200_000 + 400), (theirs, other)]);
    }
    let message = text.replace('\n', "\r\n");
    let header = header::read(message.as_bytes()).value;
    let facts = first(message.as_bytes());
    let mail = Mail { message: message.as_bytes(), header: &header, facts: &facts };
    let chain = chain_by(&mail, &own(), &clocks.learn());
    assert_eq!(chain.steps[0].delay_ms, Some(-7_197_000));
    assert!((0..5_000).contains(&chain.steps[0].corrected_ms.unwrap()));
    let rules = found(&chain);
    // What other messages show stands beside the delay and takes nothing away.
    assert!(rules.contains(&"clock-known-wrong") && rules.contains(&"time-reversal"), "{rules:?}");
}

#[test]
fn an_honest_field_of_a_real_program_is_not_accused() {
    let found = |hop: &str| {
        let text = CLEAN.replacen("From: Alice", &format!("{hop}\nFrom: Alice"), 1);
        look(&text, &own(), |c| c.findings.iter().map(|f| f.rule.id).collect::<Vec<_>>())
    };
    for (hop, rule) in [
        (
            "Received: from a.example (localhost [127.0.0.1]) by a.example (8.12.0.Beta7/8.12.0.Beta7/Debian 8.12.0.Beta7-1) with ESMTP id f7GK5ZTc031044; Thu, 16 Aug 2001 13:05:35 -0700",
            "software-anachronism",
        ),
        (
            "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.92-RC4) id 1gaYYY-0003aB-9Z; Fri, 21 Dec 2018 13:05:35 -0700",
            "software-anachronism",
        ),
        (
            "Received: by a.example (Postfix, from userid 600) id 4FkXNt3Jjcz3DZMF; Mon, 17 May 2021 21:22:35 +0000 (UTC)",
            "id-clock-mismatch",
        ),
        (
            "Received: from ann by a.example with local (Gmexim 0.1 (Debian)) id 1AlnuQ-0007hv-00 for <l@b.example>; Fri, 23 Apr 2010 12:08:16 +0200",
            "id-clock-mismatch",
        ),
        (
            "Received: from a.example (a.example [192.0.2.7]) by b.example (8.13.1/8.13.1) with ESMTP id m3GMCha0012345; Wed, 16 Apr 2008 22:12:43 +0200",
            "id-clock-mismatch",
        ),
        (
            "Received: from smtp05.web.de (fmsmtp05.dlan.other.example [172.20.4.166]) by fmmailgate03.web.de (Postfix) with ESMTP id 6AABDD74FFD0; Wed, 16 Apr 2008 22:12:43 +0200",
            "helo-is-providers-name",
        ),
        (
            "Received: from smtp05.web.de (fmsmtp05.other.example [198.51.100.166]) by fmmailgate03.web.de (Postfix) with ESMTP id 6AABDD74FFD0; Wed, 16 Apr 2008 22:12:43 +0200",
            "helo-is-providers-name",
        ),
        (
            "Received: from mx.rcpt.example (mx.rcpt.example [198.51.100.7]) by mx.rcpt.example [198.51.100.7] with SMTP; Wed, 16 Apr 2008 22:12:43 +0200",
            "double-ip",
        ),
        (
            "Received: from [203.0.113.9] (EHLO mail.example) (203.0.113.9) by 192.0.2.10 with SMTP; Wed, 16 Apr 2008 22:12:43 +0200",
            "double-ip",
        ),
    ] {
        assert!(!found(hop).contains(&rule), "{rule}: {hop}");
    }
    for (hop, rule) in [
        (
            "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.97-RC1) id 1gaYYY-0003aB-9Z; Fri, 21 Dec 2018 13:05:35 -0700",
            "software-anachronism",
        ),
        (
            "Received: from [203.0.113.50] by 192.0.2.10 with SMTP; Tue, 14 May 2024 09:15:26 +0200",
            "double-ip",
        ),
    ] {
        assert!(found(hop).contains(&rule), "{rule}: {hop}");
    }
    let other = CLEAN.replacen("Authenticated sender: alice@", "Authenticated sender: mallory@", 1);
    assert!(look(&other, &own(), |c| c.findings.iter().any(|f| f.rule.id == "auth-user-from-mismatch")));
    let tagged = CLEAN.replacen("Authenticated sender: alice@", "Authenticated sender: Alice+phone@", 1);
    assert!(!look(&tagged, &own(), |c| c.findings.iter().any(|f| f.rule.id == "auth-user-from-mismatch")));
}

#[test]
fn what_is_handed_to_a_store_is_never_the_boundary() {
    const LMTP: &str = "Received: from mail.corp.example ([198.51.100.6])\n\tby mail.corp.example with LMTP\n\tid abcdefg\n\tfor <bob@corp.example>; Tue, 14 May 2024 09:15:31 +0200\n";
    const SIGNED_IN: &str = "Received: from laptop.corp.example (unknown [198.51.100.77])\n\t(Authenticated sender: ann)\n\tby mail.corp.example (Postfix) with ESMTPSA id A1B2C3D4E5\n\tfor <bob@corp.example>; Tue, 14 May 2024 09:15:30 +0200\n";
    const REST: &str =
        "From: ann@corp.example\nTo: bob@corp.example\nDate: Tue, 14 May 2024 09:15:20 +0200\n\ntext\n";
    let settings = Settings { own_hosts: vec!["corp.example".to_owned()], ..Settings::default() };
    for settings in [settings, Settings::default()] {
        look(&format!("{LMTP}{SIGNED_IN}{REST}"), &settings, |chain| {
            assert_eq!((chain.boundary, chain.steps[0].trust), (Some(1), Trust::Attested));
            assert!(chain.findings.iter().all(|f| f.rule.id != "helo-is-recipients-name"));
        });
        look(&format!("{LMTP}{REST}"), &settings, |chain| {
            assert_eq!((chain.boundary, chain.steps[0].trust), (None, Trust::Attested));
            assert_eq!(chain.answers.attested_peer, None);
        });
    }
}

#[test]
fn a_name_that_only_the_client_gave_moves_no_boundary() {
    // Exchange writes no reverse name; the client calls itself by a name of ours, and writes a hop of ours below.
    let text = "Received: from mail.corp.example (198.51.100.66) by ex1.corp.example (198.51.100.1) with Microsoft SMTP Server id 15.1.2.3; Tue, 14 May 2024 09:15:31 +0200\nReceived: from bank.example ([192.0.2.9]) by mail.corp.example with ESMTP id 1; Tue, 14 May 2024 09:15:30 +0200\nFrom: ann@bank.example\n\ntext\n";
    let settings = Settings { own_hosts: vec!["corp.example".to_owned()], ..Settings::default() };
    look(text, &settings, |chain| {
        assert_eq!((chain.boundary, chain.steps[1].trust), (Some(0), Trust::Claimed));
    });
}

#[test]
fn rules_have_ids_of_their_own_and_texts() {
    for (old, now) in OLD_IDS {
        assert_eq!(rule(old).map(|rule| rule.id), Some(*now), "{old}");
    }
    for rule in RULES.iter().filter(|rule| rule.severity > Severity::Info) {
        assert!(!rule.forged().is_empty(), "{} names one side only", rule.id);
    }
    let words = ["impersonat", "forged", "stranger", "tamper", "none found", "ordinary messages"];
    for rule in RULES.iter().chain(ACROSS) {
        let text = format!("{} {} {} {}", rule.id, rule.when, rule.caveat, rule.forged()).to_lowercase();
        assert!(words.iter().all(|word| !text.contains(word)), "{text}");
    }
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.iter().all(|id| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    assert!(RULES.iter().all(|rule| rule.when.ends_with('.') && !rule.caveat.is_empty()));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(rule("chain-break").map(|rule| rule.severity), Some(Severity::Info));
}

/// Every file below a folder.
fn files_below(folder: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn the_chain_of_the_header_alone_is_that_of_the_whole_message() {
    let mut files = Vec::new();
    files_below(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"), &mut files);
    files.retain(|file| file.extension().is_some_and(|e| e == "eml"));
    assert!(files.len() > 100, "{}", files.len());
    let mut found = 0;
    for file in files {
        let message = std::fs::read(&file).unwrap();
        let (header, facts) = (header::read(&message).value, first(&message));
        let mail = Mail { message: &message, header: &header, facts: &facts };
        let whole = chain_with(&mail, None, &own(), &Model::default());
        let alone = chain_of_bytes(&message, message.len() as u64, None, &own());
        assert_eq!(format!("{alone:?}"), format!("{whole:?}"), "{}", file.display());
        found += whole.findings.len();
    }
    assert!(found > 100, "{found}");
}
