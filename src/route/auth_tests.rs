//! Rules about authentication on one signed message, changed in one place at a time.

use super::*;
use crate::facts::derive::first;
use crate::parse::header;

/// Body and its hash are those of RFC 8463 appendix A; the signature is not looked at without a key.
const SIGNED: &str = "Received: from mx1.sender.example (mx1.sender.example [192.0.2.10])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby mx.rcpt.example (Postfix) with ESMTPS id 4F3D21234
\tfor <bob@rcpt.example>; Tue, 14 May 2024 09:15:30 +0200
Received-SPF: pass (mx.rcpt.example: ok) client-ip=192.0.2.10; receiver=mx.rcpt.example
Authentication-Results: mx.rcpt.example; dkim=pass header.d=sender.example;
\tdmarc=pass header.from=sender.example; spf=pass smtp.mailfrom=sender.example smtp.client-ip=192.0.2.10
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=sender.example; s=brisbane;
\tt=1715670927; x=1716670927; h=from : to : subject : date : message-id;
\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
\tb=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
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

Hi.

We lost the game.  Are you hungry yet?

Joe.
";

fn look<T>(message: &str, then: impl FnOnce(&Chain) -> T) -> T {
    let settings =
        Settings { own_hosts: vec!["rcpt.example".into()], teaching_addresses: true, ..Settings::default() };
    let message = message.replace('\n', "\r\n");
    let facts = first(message.as_bytes());
    let header = header::read(message.as_bytes()).value;
    then(&chain(&Mail { message: message.as_bytes(), header: &header, facts: &facts }, &settings))
}

fn rules(message: &str) -> Vec<&'static str> {
    look(message, |chain| chain.findings.iter().map(|finding| finding.rule.id).collect())
}

const ARC: &str = "ARC-Seal: i=1; a=rsa-sha256; t=1715670927; cv=none; d=list.example; s=s; b=AAAA
ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=list.example; s=s; h=from:to;
\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA
ARC-Authentication-Results: i=1; list.example; spf=pass
From: Alice";

#[test]
fn a_signed_message_that_nobody_changed_gives_no_finding() {
    assert_eq!(rules(SIGNED), Vec::<&str>::new());
    assert_eq!(rules(&SIGNED.replace("From: Alice", ARC)), Vec::<&str>::new());
}

#[test]
fn every_rule_about_authentication_reports_its_change_and_no_other_rule_does() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["dkim-body-mismatch", "recorded-pass-body-mismatch"], "Joe.\n", "Jim.\n"),
        (&["recorded-fail-body-fits"], "dkim=pass", "dkim=neutral (body hash did not verify)"),
        (&["dkim-length-partial", "dkim-body-mismatch", "recorded-pass-body-mismatch"], "bh=", "l=9; bh="),
        (&["dkim-from-not-signed", "dkim-invalid"], "h=from : to", "h=to"),
        (&["dkim-field-not-covered"], "Subject: x", "Subject: x\nSubject: y"),
        (&["dkim-signed-after-receipt"], "t=1715670927", "t=1715680927"),
        (&["dkim-expired-at-receipt"], "t=1715670927; x=1716670927", "t=1715570927; x=1715670000"),
        (&["dkim-weak"], "a=ed25519-sha256", "a=rsa-sha256"),
        (&["dkim-invalid"], "a=ed25519-sha256", "a=rot13"),
        (&["dkim-not-aligned"], "d=sender.example; s", "d=other.example; s"),
        (&["dmarc-fail-recorded"], "dmarc=pass", "dmarc=fail"),
        (&["spf-client-mismatch"], "client-ip=192.0.2.10; rec", "client-ip=198.51.100.10; rec"),
        (&["spf-client-mismatch"], "smtp.client-ip=192.0.2.10", "smtp.client-ip=192.0.2.11"),
        (&["authres-untrusted"], "Results: mx.rcpt.example", "Results: mx.else.test"),
    ];
    for (want, old, new) in cases {
        assert!(SIGNED.contains(old), "{old}");
        let mut have = rules(&SIGNED.replacen(old, new, 1));
        let mut want = want.to_vec();
        have.sort_unstable();
        want.sort_unstable();
        assert_eq!(have, want, "{new}");
    }
    let sealed = SIGNED.replace("From: Alice", ARC);
    assert!(rules(&sealed.replace("cv=none", "cv=fail")).contains(&"arc-cv-fail"));
    assert!(rules(&sealed.replace("Joe.\n", "Jim.\n")).contains(&"arc-body-mismatch"));
    assert!(!rules(&sealed.replace("Joe.\n", "Jim.\n")).contains(&"arc-cv-fail"));
}

#[test]
fn a_foreign_pass_is_no_record_of_the_recipient_and_contradicts_nothing() {
    let changed = SIGNED.replace("Joe.\n", "Jim.\n");
    let recorded = |message: &str| {
        look(message, |chain| chain.recorded.iter().map(|own| (own.method, own.result)).collect::<Vec<_>>())
    };
    assert_eq!(recorded(SIGNED), [("dkim", "pass"), ("dmarc", "pass"), ("spf", "pass"), ("spf", "pass")]);
    // Under a foreign name, and under the recipient's own below the next hop.
    let foreign = changed.replace("Results: mx.rcpt.example", "Results: mx.else.test");
    let (head, tail) = changed.split_once("Authentication-Results").unwrap();
    let (field, tail) = tail.split_once("\nDKIM-").unwrap();
    let below = format!("{head}DKIM-{tail}")
        .replace("From: Alice", &format!("Authentication-Results{field}\nFrom: Alice"));
    for message in [&foreign, &below] {
        assert_eq!(recorded(message), [("spf", "pass")], "{message}");
        let found = rules(message);
        assert!(found.contains(&"authres-untrusted"), "{found:?}");
        assert!(!found.contains(&"recorded-pass-body-mismatch"), "{found:?}");
    }
    look(SIGNED, |chain| {
        assert_eq!(chain.recorded[0].server, "mx.rcpt.example");
        assert_eq!(chain.recorded[0].standing, Standing::Beside);
        assert_eq!(chain.bodies, [true]);
    });
    let above = format!("Authentication-Results: mx.rcpt.example; arc=fail; dkim=banana\n{SIGNED}");
    look(&above, |chain| {
        let first: Vec<_> =
            chain.recorded.iter().take(2).map(|own| (own.method, own.result, own.standing)).collect();
        assert_eq!(first, [("arc", "fail", Standing::Above), ("dkim", "other", Standing::Above)]);
    });
}

#[test]
fn the_body_of_a_part_of_a_message_is_not_judged() {
    let message = SIGNED.replace('\n', "\r\n");
    let (header, mut facts) = (header::read(message.as_bytes()).value, first(message.as_bytes()));
    let cut = &message.as_bytes()[..message.len() - 6];
    facts.size = message.len() as u64;
    let chain = chain(&Mail { message: cut, header: &header, facts: &facts }, &Settings::default());
    assert!(chain.bodies.is_empty());
    assert!(chain.findings.iter().all(|finding| finding.rule.id != "dkim-body-mismatch"));
}
