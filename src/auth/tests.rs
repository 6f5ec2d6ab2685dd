//! Vectors of the standards, and small messages for each reading and each rule.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::types::Sha256Digest;

fn store(text: &str) -> KeyStore {
    let mut store = KeyStore::default();
    let sha256 = Sha256Digest::of(text.as_bytes());
    assert_eq!(
        store.add(KeyFile { name: "k".into(), sha256, added: None, note: None }, text.as_bytes()),
        [0; 0]
    );
    store
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// RFC 8463 appendix A.
const BOTH: &str = "\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
";

const BOTH_KEYS: &str = "\
brisbane._domainkey.football.example.com v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
test._domainkey.football.example.com v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
";

fn codes(report: &Report) -> Vec<(&'static str, &'static str)> {
    report.dkim.iter().map(|d| (d.check.code(), d.verdict.code())).collect()
}

#[test]
fn both_signatures_of_the_standards_example_hold() {
    let keys = store(BOTH_KEYS);
    for message in [crlf(BOTH), BOTH.as_bytes().to_vec()] {
        assert_eq!(codes(&check(&message, None, &keys)), [("pass", "pass"), ("pass", "pass")]);
    }
    let changed = check(&crlf(&BOTH.replace("dinner ready", "supper ready")), None, &keys);
    assert_eq!(codes(&changed), [("fail", "fail"), ("fail", "fail")]);
    assert!(changed.dkim.iter().all(|d| d.body.as_ref().is_some_and(BodyCheck::is_ok)));
    let second = check(&crlf(&BOTH.replace("To: Suzie", "Subject: second\nTo: Suzie")), None, &keys);
    assert_eq!(
        codes(&second),
        [("fail", "fail"), ("fail", "fail")],
        "both Subjects are signed, so none can be put in"
    );
}

#[test]
fn without_a_key_the_body_is_still_proven() {
    let report = check(&crlf(BOTH), None, &KeyStore::default());
    assert_eq!(codes(&report), [("key-unknown", "unknown"), ("key-unknown", "unknown")]);
    let report = check(&crlf(&BOTH.replace("Joe.", "Jim.")), None, &KeyStore::default());
    assert_eq!(codes(&report), [("key-unknown", "fail"), ("key-unknown", "fail")]);
    assert!(report.dkim.iter().all(|d| d.body.as_ref().is_some_and(|b| b.reading.is_none())));
}

#[test]
fn revoked_absent_and_unfit_keys_are_told_apart() {
    let of = |record: &str| {
        let keys = store(&format!("brisbane._domainkey.football.example.com {record}\n"));
        codes(&check(&crlf(BOTH), None, &keys))[0]
    };
    assert_eq!(of("v=DKIM1; p="), ("key-revoked", "permerror"));
    assert_eq!(of("NXDOMAIN"), ("key-absent", "permerror"));
    assert_eq!(of("v=DKIM1; k=rsa; nothing"), ("key-unusable", "permerror"));
    assert_eq!(of("v=DKIM1; k=ed25519; p=AAAA"), ("key-unusable", "permerror"));
    let good = "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    assert_eq!(of(&format!("v=DKIM1; k=ed25519; s=tlsrpt; {good}")), ("pass", "permerror"));
    assert_eq!(of(&format!("v=DKIM1; k=ed25519; h=sha1; {good}")), ("pass", "permerror"));
    assert_eq!(of(&format!("v=DKIM1; k=ed25519; t=s:y; {good}")), ("pass", "pass"));
}

#[test]
fn of_two_records_under_one_name_the_one_that_holds_counts() {
    let keys =
        store(&format!("brisbane._domainkey.football.example.com v=DKIM1; p=\n# since 2018\n{BOTH_KEYS}"));
    let report = check(&crlf(BOTH), None, &keys);
    let key = report.dkim[0].key.as_ref().unwrap();
    assert_eq!((key.entry.line, key.entry.provenance.as_str(), key.bits), (3, "since 2018", Some(256)));
}

// A key of 768 bits, made for this test; `d` is what a signer would keep to himself.
const N: &str = "ce17106daa4e610003dbebf20c11b8b5d3bdf426ec62566dbcce4b8c17c47a2eefee4436e01d958851594ff27f78aee7274a346d5b42bb396d01e77d67f4945e6e0f63b4f8f98f395d87f360dd4af3b0e86d51ceeb5b98dcfa233054f9fac691";
const D: &str = "8362d6d9634ac6b250c382ff73cc547aaefc19cc3ac5529e7150ff7ed7a42dd500a7611baef38d6233a281c2729bc8bc763f2bb74d50f4d2f3bde45276ba98eccb2467f829c2e7e5e1087f6cbe0dedc42aac50cdcf3f094c0f4352ff426acd35";
const KEY: &str = "old._domainkey.example.org v=DKIM1; k=rsa; p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAM4XEG2qTmEAA9vr8gwRuLXTvfQm7GJWbbzOS4wXxHou7+5ENuAdlYhRWU/yf3iu5ydKNG1bQrs5bQHnfWf0lF5uD2O0+PmPOV2H82DdSvOw6G1RzutbmNz6IzBU+frGkQIDAQAB";

/// Signs a digest; `head` is the ASN.1 before it.
fn sign(head: &[u8], digest: &[u8]) -> String {
    let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap();
    let mut block = vec![0, 1];
    block.resize(96 - 1 - head.len() - digest.len(), 0xff);
    block.push(0);
    block.extend_from_slice(head);
    block.extend_from_slice(digest);
    let signed = BigUint::from_bytes_be(&block).modpow(&number(D), &number(N)).to_bytes_be();
    let mut out = vec![0; 96 - signed.len()];
    out.extend_from_slice(&signed);
    STANDARD.encode(out)
}

const SHA256: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA1: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";

fn bh(canonical: &[u8]) -> String {
    STANDARD.encode(Sha256Digest::of(canonical).as_bytes())
}

#[test]
fn fields_are_taken_from_the_bottom_and_missing_ones_count_as_nothing() {
    // What is hashed is written out by hand, so that nothing of our own canonicalisation is trusted here.
    let tags = format!(
        " v=1; a=rsa-sha256; d=example.org; s=old; h=From:X:X:X:From;\r\n bh={}; b=",
        bh(b"body\r\n")
    );
    let hashed = format!("From:  a@example.org \r\nX: low\r\nX:\r\n\thigh\r\nDKIM-Signature:{tags}");
    let b = sign(SHA256, Sha256Digest::of(hashed.as_bytes()).as_bytes());
    let message = format!(
        "X:\r\n\thigh\r\nDKIM-Signature:{tags}{b}\r\nX: low\r\nFrom:  a@example.org \r\n\r\nbody\r\n"
    );
    let report = check(message.as_bytes(), None, &store(KEY));
    assert_eq!(codes(&report), [("pass", "policy")]);
    assert!(report.dkim[0].has(Caveat::WeakKey));
    assert_eq!(report.dkim[0].key.as_ref().unwrap().bits, Some(768));
    let second = message.replace("X: low", "From: b@example.org\r\nX: low");
    assert_eq!(codes(&check(second.as_bytes(), None, &store(KEY))), [("fail", "fail")]);
}

#[test]
fn sha1_is_computed_and_told() {
    let mut hash = crate::types::legacy::LegacyStream::new(false, true);
    hash.update(b"body\r\n");
    let bh = STANDARD.encode(hash.finish_sha1());
    let tags = format!(" v=1; a=rsa-sha1; d=example.org; s=old; h=From; c=relaxed; bh={bh}; b=");
    let mut hash = crate::types::legacy::LegacyStream::new(false, true);
    hash.update(format!("from:a@example.org\r\ndkim-signature:{}", tags.trim_start()).as_bytes());
    let b = sign(SHA1, &hash.finish_sha1());
    let message = format!("DKIM-Signature:{tags}{b}\nFrom: a@example.org\n\nbody\n");
    let report = check(message.as_bytes(), None, &store(KEY));
    assert_eq!(codes(&report), [("pass", "policy")]);
    assert!(report.dkim[0].has(Caveat::Sha1));
}

/// A message with `body` and a signature without a key over `canonical`.
fn unsigned(canon: &str, more: &str, canonical: &[u8], body: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: a@example.org\nDKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=From; c=relaxed/{canon}; bh={}; b=AAAA{more}\n\n",
        bh(canonical)
    );
    [head.as_bytes(), body].concat()
}

#[track_caller]
fn reading(message: &[u8], as_found: Option<&[u8]>) -> Option<(&'static str, u64)> {
    let report = check(message, as_found, &KeyStore::default());
    let body = report.dkim[0].body.as_ref().unwrap();
    body.reading.map(|r| (r.code(), body.lines_left_out))
}

#[test]
fn the_reading_that_explains_a_body_hash_is_named() {
    let simple = |canonical: &[u8], body: &[u8]| reading(&unsigned("simple", "", canonical, body), None);
    assert_eq!(simple(b"a\r\n", b"a\r\n"), Some(("as-is", 0)));
    assert_eq!(simple(b"a\r\n", b"a\n\n"), Some(("lf-as-crlf", 0)));
    assert_eq!(simple(b"a\nb\r\n", b"a\nb\r\n"), Some(("bare-lf-kept", 0)));
    assert_eq!(simple(b"From x\r\n>>From y\r\n", b">From x\r\n>>From y\r\n"), Some(("unescaped-mboxo", 0)));
    assert_eq!(simple(b"From x\r\n>From y\r\n", b">From x\r\n>>From y\r\n"), Some(("unescaped-mboxrd", 0)));
    assert_eq!(simple(b"a\r\nb\r\n", b"a\r\r\nb\r\r\n"), Some(("doubled-cr-removed", 0)));
    assert_eq!(simple(b"a\r\nb\r\n", b"a \t\r\nb\r\n"), Some(("trailing-space-removed", 0)));
    assert_eq!(simple(b"a\r\n-- \r\nb\r\n", b"a\r\n--\r\nb\r\n"), Some(("signature-dashes-restored", 0)));
    assert_eq!(simple(b"a\r\n", b"a\r\n\r\n_______\r\nlist\r\n"), Some(("without-footer", 2)));
    assert_eq!(simple(b"From x\r\n", b">From x\r\n____\r\n"), Some(("without-footer", 1)));
    assert_eq!(simple(b"a\r\n", b"b\r\n"), None);
    let found = unsigned("simple", "", b">From x\r\n", b">From x\r\n");
    let read = unsigned("simple", "", b">From x\r\n", b"From x\r\n");
    assert_eq!(reading(&read, Some(&found)), Some(("as-found", 0)));
}

#[test]
fn changes_that_lists_make_inside_a_multipart_are_named() {
    let multi = |canonical: &str, body: &str| {
        let message = unsigned("relaxed", "", canonical.as_bytes(), body.as_bytes());
        let head = b"Content-Type: multipart/mixed; boundary=\"x y\"\n";
        reading(&[head.as_slice(), &message].concat(), None)
    };
    let one = "--x y\r\nA: b\r\n\r\ntext\r\n";
    let last = "--x y\r\n\r\nfooter\r\n";
    assert_eq!(
        multi(&format!("{one}--x y--\r\n"), &format!("{one}{last}--x y--\r\n")),
        Some(("without-last-part", 3))
    );
    assert_eq!(multi("text\r\n", &format!("{one}{last}--x y--\r\n")), Some(("first-part-alone", 7)));
    let rule = format!("{one}{}\r\nlist\r\n--x y--\r\n", "_".repeat(47));
    assert_eq!(multi(&format!("{one}--x y--\r\n"), &rule), Some(("without-footer-inside", 2)));
    let encoded = unsigned("simple", "", "é\r\n".as_bytes(), b"=C3=A9\r\n");
    let head = b"Content-Transfer-Encoding: quoted-printable\n";
    assert_eq!(reading(&[head.as_slice(), &encoded].concat(), None), Some(("transfer-encoding-undone", 0)));
}

#[test]
fn a_change_on_the_way_is_explained_and_still_no_pass() {
    let report = check(&unsigned("relaxed", "", b"a\r\n", b"a\nlist\n"), None, &KeyStore::default());
    assert_eq!(codes(&report), [("key-unknown", "fail")]);
}

#[test]
fn a_length_covers_what_it_says() {
    let report = check(&unsigned("simple", "; l=3", b"a\r\n", b"a\r\nmore\r\n"), None, &KeyStore::default());
    let dkim = &report.dkim[0];
    assert!(dkim.has(Caveat::LengthPartial) && dkim.verdict == Verdict::Unknown);
    assert_eq!(dkim.body.as_ref().map(|b| (b.canonical_size, b.unsigned_size)), Some((9, 6)));
    let report = check(&unsigned("simple", "; l=30", b"a\r\n", b"a\r\n"), None, &KeyStore::default());
    assert!(report.dkim[0].has(Caveat::LengthOverBody) && report.dkim[0].verdict == Verdict::Permerror);
}

#[test]
fn expiry_is_judged_at_the_time_of_the_message() {
    let hop = "Received: from a by b with SMTP id c; Tue, 3 Jan 2017 12:22:54 -0800\n"; // 1483474974
    let of = |x: u64, t: u64, head: &str| {
        let message = unsigned("simple", &format!("; t={t}; x={x}"), b"a\r\n", b"a\n");
        let report = check(&[head.as_bytes(), &message].concat(), None, &KeyStore::default());
        let judged = report.judged.map(|j| (j.at.0, j.clock.code()));
        (judged, report.dkim[0].has(Caveat::ExpiredAtReceipt), report.dkim[0].has(Caveat::SignedAfterReceipt))
    };
    let at = Some((1_483_474_974_000, "received"));
    assert_eq!(of(1_483_474_975, 1, hop), (at, false, false));
    assert_eq!(of(1_483_474_973, 1, hop), (at, true, false));
    assert_eq!(of(1_483_480_000, 1_483_479_999, hop), (at, false, true));
    let date = "Date: Tue, 3 Jan 2017 12:22:54 -0800\n";
    assert_eq!(of(1_483_474_975, 1, date).0, Some((1_483_474_974_000, "date")));
    assert_eq!(of(1, 0, ""), (None, false, false));
}

#[test]
fn what_a_server_recorded_stands_beside_what_is_recomputed() {
    let recorded = "Received: from a by b; Tue, 3 Jan 2017 12:22:54 -0800\n\
                    Authentication-Results: mx.e.org; dkim=pass header.d=example.org header.b=AAAA; dkim=fail header.d=other.org; \
                    dkim=pass header.d=example.org header.s=t\n\
                    Received-SPF: pass client-ip=192.0.2.1\n";
    let message = unsigned("simple", "", b"a\r\n", b"changed\n");
    let report = check(&[recorded.as_bytes(), &message].concat(), None, &KeyStore::default());
    assert_eq!(report.said_of(&report.dkim[0]), [Said { field: 0, result: 0 }]);
    assert!(report.is_contradicted(&report.dkim[0]));
    assert_eq!((report.recorded[0].hops_above, report.spf[0].hops_above), (1, 1));
    let same = unsigned("simple", "", b"a\r\n", b"a\n");
    let report = check(&[recorded.as_bytes(), &same].concat(), None, &KeyStore::default());
    assert!(!report.is_contradicted(&report.dkim[0]));
}

#[test]
fn a_field_that_may_have_been_put_in_is_told() {
    let message = unsigned("simple", "", b"a\r\n", b"a\n");
    let report = check(&[b"From: b@example.net\n".as_slice(), &message].concat(), None, &KeyStore::default());
    assert!(report.dkim[0].has(Caveat::FieldNotCovered));
}

#[test]
fn a_chain_without_keys_is_unknown_and_a_broken_one_is_not() {
    let tags = |i: &str| format!("{i}; a=rsa-sha256; d=e.org; s=s; b=AAAA");
    let set = |i: &str, cv: &str| {
        format!(
            "ARC-Seal: {}; cv={cv}\nARC-Message-Signature: {}; h=from; c=relaxed/relaxed; bh={}\nARC-Authentication-Results: {i}; e.org; none\n",
            tags(i),
            tags(i),
            bh(b"a\r\n")
        )
    };
    let of = |head: &str| {
        let report = check(format!("{head}From: a\n\na\n").as_bytes(), None, &KeyStore::default());
        (report.arc.status.code(), report.arc.reason.map(|(reason, at)| (reason.code(), at)))
    };
    assert_eq!(of(""), ("none", None));
    assert_eq!(of(&set("i=1", "none")), ("unknown", None));
    assert_eq!(of(&(set("i=2", "pass") + &set("i=1", "none"))), ("unknown", None));
    assert_eq!(of(&set("i=1", "pass")), ("fail", Some(("chain-value-wrong", 1))));
    assert_eq!(of(&set("i=1", "fail")), ("fail", Some(("said-fail", 1))));
    assert_eq!(of(&set("i=2", "pass")), ("fail", Some(("field-missing", 2))));
    assert_eq!(of(&(set("i=1", "none") + &set("i=1", "none"))), ("fail", Some(("field-repeated", 1))));
    assert_eq!(of(&set("i=51", "none")), ("fail", Some(("instance-invalid", 0))));
    assert_eq!(
        of(&set("i=1", "none").replace("h=from", "h=from:arc-seal")),
        ("fail", Some(("field-invalid", 1)))
    );
    assert_eq!(
        of(&set("i=1", "none").replace("cv=none", "cv=none; h=from")),
        ("fail", Some(("field-invalid", 1)))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_message_makes_it_fail(words in proptest::collection::vec(0usize..20, 0..60)) {
        const WORDS: [&str; 20] = [
            "DKIM-Signature: v=1; a=rsa-sha256; d=e; s=s; h=from; bh=AAAA; b=AAAA", "ARC-Seal: i=1; cv=none; a=rsa-sha256; b=AA; d=e; s=s",
            "ARC-Message-Signature: i=1; a=ed25519-sha256; b=AA; bh=AA; d=e; s=s; h=from:", "ARC-Authentication-Results: i=1; e",
            "Authentication-Results: e; dkim=pass header.d=e", "Received-SPF: pass", "Content-Type: multipart/mixed; boundary=x",
            "\n", "\r\n", "\n\n", ">From ", "--x", "--x--", "____________________", "-- ", " ", ";", "=", "From: a", "Received: by a; 1 Jan 2020 00:00:00 +0000",
        ];
        let text: String = words.iter().map(|&n| WORDS[n]).collect();
        check(text.as_bytes(), None, &KeyStore::default());
        check(text.as_bytes(), Some(b"other"), &store("s._domainkey.e v=DKIM1; p=AAAA\n"));
    }
}
