//! `auth` and `keys`: what was recorded beside what is recomputed, with keys from files only.

use std::fs;

use crate::support;

/// The example of RFC 8463 appendix A with one signature, what a server recorded of it, and a Subject that is not
/// signed twice.
const MAIL: &str = "\
Received: from a.example by mx.example.net with ESMTP id 1; Fri, 11 Jul 2003 21:00:39 -0700\n\
Authentication-Results: mx.example.net; dkim=pass header.d=football.example.com header.b=/gCrinpc;\n\
\tspf=pass \x1b[2Jsmtp.mailfrom=football.example.com\n\
Received-SPF: pass (mx.example.net: ok) client-ip=192.0.2.1;\n\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n d=football.example.com; i=@football.example.com;\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n subject : date : message-id : from : subject : date;\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n\
From: Joe SixPack <joe@football.example.com>\nTo: Suzie Q <suzie@shopping.example.net>\nSubject: Is dinner ready?\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\n\n\
Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n";

const KEYS: &str = "# letter of the provider, 2018-07-01\nbrisbane._domainkey.football.example.com v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\nnonsense\n";

#[test]
fn keys_of_a_file_and_of_the_case_speak_and_the_record_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail, keys) = (dir.path().join("case"), dir.path().join("mail"), dir.path().join("keys.txt"));
    fs::create_dir(&mail).unwrap();
    fs::write(mail.join("good.eml"), MAIL).unwrap();
    fs::write(mail.join("listed.eml"), MAIL.replace("Joe.\n", "Joe.\n______\nA list.\n")).unwrap();
    fs::write(&keys, KEYS).unwrap();
    let keys = keys.to_str().unwrap();
    support::import(&case, &mail);
    let items = support::run(&case, &["list", "--json"]).ok().json();
    let id = |n: usize| items[n]["item"].as_str().unwrap();
    let auth = |n: usize, more: &[&str]| {
        let args = [&["auth", id(n), "--json", "--quiet"], more].concat();
        support::run(&case, &args).ok().json().remove(0)
    };

    let without = auth(0, &[]);
    let dkim = &without["dkim"][0];
    assert_eq!(
        (dkim["signature"].as_str(), dkim["verdict"].as_str()),
        (Some("key-unknown"), Some("unknown"))
    );
    assert_eq!(
        (dkim["body"]["ok"].as_bool(), dkim["body"]["reading"].as_str()),
        (Some(true), Some("lf-as-crlf"))
    );
    assert_eq!(dkim["recorded"][0]["result"], 0);
    assert_eq!(without["recorded"][0]["server"]["text"], "mx.example.net");
    assert_eq!(without["spf"][0]["result"], "pass");
    assert_eq!(without["arc"]["status"], "none");
    assert_eq!(without["judged"]["clock"], "received");

    let with = auth(0, &["--keys", keys]);
    assert_eq!(with["dkim"][0]["verdict"], "pass");
    assert_eq!(with["dkim"][0]["key"]["provenance"], "letter of the provider, 2018-07-01");
    // The signature of the example was made years after its Date.
    assert_eq!(with["dkim"][0]["caveats"][0], "signed-after-receipt");

    let added = support::run(&case, &["keys", "add", keys, "--note", "by post"]).ok();
    assert!(added.text().starts_with("added 1 key record"), "{}", added.text());
    assert!(added.err.contains("1 line could not be read: 3"), "{}", added.err);
    let recorded = auth(0, &[]);
    assert_eq!(recorded["dkim"][0]["verdict"], "pass");
    assert_eq!(recorded["dkim"][0]["key"]["file"]["note"], "by post");
    assert!(recorded["dkim"][0]["key"]["file"]["added"].as_str().is_some_and(|at| at.ends_with('Z')));
    let told = support::run(&case, &["keys", "show", "--json"]).ok().json();
    assert_eq!((told.len(), told[0]["schema"].as_str()), (1, Some("mailtrail.keys/1")));
    assert_eq!(told[0]["records"][0]["file"]["sha256"], told[0]["files"][0]["sha256"]);
    let shown = support::run(&case, &["keys", "show"]).ok().text();
    assert!(shown.contains("brisbane._domainkey.football.example.com  ed25519  line 2"), "{shown}");

    let listed = auth(1, &[]);
    let dkim = &listed["dkim"][0];
    assert_eq!((dkim["signature"].as_str(), dkim["verdict"].as_str()), (Some("pass"), Some("fail")));
    assert_eq!(
        (dkim["body"]["reading"].as_str(), dkim["body"]["lines_left_out"].as_u64()),
        (Some("without-footer"), Some(2))
    );
    assert_eq!(dkim["contradicted"], true);

    let text = support::run(&case, &["auth", id(0)]).ok().text();
    for wanted in [
        "dkim=pass header.d=football.example.com",
        "body hash   ok, lf-as-crlf",
        "recomputed  pass",
        "\\u{1b}[2J",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains('\x1b'));
    support::run(&case, &["verify", "--quiet"]).ok();

    let log = fs::read_to_string(case.join("custody.jsonl")).unwrap();
    fs::write(case.join("custody.jsonl"), log.replace("k=ed25519; p=11", "k=ed25519; p=22")).unwrap();
    support::run(&case, &["verify", "--quiet"]).with_code(4);
}

#[test]
fn a_file_without_keys_is_refused_and_the_case_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (case, file) = (dir.path().join("case"), dir.path().join("keys.txt"));
    support::import(&case, &support::own_corpus().join("mailbox"));
    fs::write(&file, "nothing here\n").unwrap();
    let none = support::run(&case, &["keys", "show", "--json"]).ok().json().remove(0);
    assert_eq!(none, serde_json::json!({"files": [], "records": [], "schema": "mailtrail.keys/1"}));
    let head = fs::read(case.join("HEAD")).unwrap();
    support::run(&case, &["keys", "add", file.to_str().unwrap()]).with_code(1);
    assert_eq!(fs::read(case.join("HEAD")).unwrap(), head);
}

#[test]
fn a_chain_and_fields_of_every_dialect_are_told_as_text_and_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("mail"));
    fs::create_dir(&mail).unwrap();
    let set = "ARC-Seal: i=1; a=rsa-sha256; d=e.org; s=s; b=AAAA; cv=none\n\
               ARC-Message-Signature: i=1; a=rsa-sha256; d=e.org; s=s; h=from:subject; bh=AAAA; b=AAAA; t=5; x=4\n\
               ARC-Authentication-Results: i=1; mx.e.org 1; none\n\
               X-MS-Exchange-Authentication-Results: spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=e.org; r.example;\n\
               \tdmarc=bestguesspass action=none header.from=e.org;compauth=pass reason=109\n\
               DKIM-Signature: v=1;; nonsense\n\
               DKIM-Signature: v=1; a=rsa-sha1; d=e.org; s=s; h=subject; bh=; b=AA; l=3; i=@other.org\n";
    fs::write(mail.join("one.eml"), format!("{set}From: a@e.org\nSubject: s\n\nbody\n")).unwrap();
    fs::write(
        mail.join("two.eml"),
        format!("{}From: a@e.org\n\nbody\n", set.replace("ARC-Message", "X-Message")),
    )
    .unwrap();
    support::import(&case, &mail);
    let mut seen = Vec::new();
    for item in support::run(&case, &["list", "--json"]).ok().json() {
        let id = item["item"].as_str().unwrap();
        let json = support::run(&case, &["auth", id, "--json"]).ok();
        let value = json.json().remove(0);
        // Canonical: written again it is the same.
        let mut again = Vec::new();
        mailtrail::types::json::canonical(&mut again, &value);
        assert_eq!(again, json.text().trim_end().as_bytes());
        let text = support::run(&case, &["auth", id]).ok().text();
        for wanted in [
            "compauth=pass reason=109",
            "also named: r.example",
            "authres-nameless",
            "not valid   body-hash-missing-or-no-base64",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        let reason = value["arc"]["reason"]["code"].as_str().unwrap().to_owned();
        assert!(text.contains(&format!("ARC chain: fail, {reason} in set 1")), "{text}");
        seen.push(reason);
    }
    assert_eq!(seen, ["field-invalid", "field-missing"]);
}

#[test]
fn searches_find_what_was_recorded_by_the_recipient_and_what_was_computed_again() {
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("signed.mbox"));
    let changed = MAIL.replace("Joe.\n", "Jim.\n");
    // A quoted line: the body is as signed once the `>` is taken away, or only while it stands there.
    let quoted = |hash: &str| {
        MAIL.replace("Joe.\n", ">From here on.\n")
            .replace("2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", hash)
    };
    let mails = [
        MAIL.to_owned(),
        changed.clone(),
        changed.replace("Results: mx.example.net", "Results: mx.else.test"),
        MAIL.replace("dkim=pass", "dkim=neutral"),
        MAIL.replace("Authentication-Results", "X-Results").replace("DKIM-Signature", "X-Signature"),
        quoted("vzYpakQxPj5f5MCoaH2g+d4G8kFcQmm8pmo8D1Oe4kw="),
        quoted("iofuo28bVs0fAfXwuj3gnuUgSe+PBXjjIM55qw4PoDw="),
    ];
    let mbox: String =
        mails.iter().flat_map(|mail| ["From a@b Fri Jul 11 21:00:39 2003\n", mail, "\n"]).collect();
    fs::write(&source, mbox).unwrap();
    support::import(&case, &source);
    let found = |query: &str| -> Vec<u64> {
        let items = support::run(&case, &["search", query, "--json"]).ok().items();
        let number = |item: &serde_json::Value| {
            item["item"].as_str().unwrap().rsplit('-').next().unwrap().parse::<u64>().unwrap()
        };
        let mut all: Vec<u64> = items.iter().map(number).collect();
        all.sort_unstable();
        all
    };
    let ask = |when: &str| {
        assert_eq!(found("auth.dkim:pass"), [1, 2, 6, 7], "{when}");
        assert_eq!(found("auth.dkim:neutral"), [4], "{when}");
        assert_eq!(found("auth.dkim:any"), [1, 2, 4, 6, 7], "{when}");
        assert!(found("auth.dkim:fail").is_empty(), "{when}");
        // Received-SPF of the server too.
        assert_eq!(found("auth.spf:pass"), [1, 2, 3, 4, 5, 6, 7], "{when}");
        assert_eq!(found("dkim.body:bad"), [2, 3], "{when}");
        assert_eq!(found("dkim.body:ok"), [1, 4, 6, 7], "{when}");
        assert_eq!(found("finding:recorded-pass-body-mismatch"), [2], "{when}");
        assert_eq!(found("finding:dkim-body-mismatch"), [2, 3], "{when}");
        assert_eq!(found("finding:authres-untrusted"), [3], "{when}");
    };
    ask("after import");
    support::run(&case, &["rebuild", "--quiet"]).ok();
    ask("after rebuild");
    support::run(&case, &["search", "auth.dkim:passed"]).with_code(2);
    // The index says what `auth` says of each.
    for item in support::run(&case, &["list", "--json"]).ok().json() {
        let id = item["item"].as_str().unwrap();
        let auth = support::run(&case, &["auth", id, "--json", "--quiet"]).ok().json().remove(0);
        for (word, is) in [("ok", true), ("bad", false)] {
            let says = auth["dkim"].as_array().unwrap().iter().any(|one| one["body"]["ok"] == is);
            assert_eq!(support::count(&case, &format!("id:{id} dkim.body:{word}")) == 1, says, "{auth}");
        }
        let hops = support::run(&case, &["hops", id, "--json"]).ok().json().remove(0);
        for own in hops["authentication"]["recorded"].as_array().unwrap() {
            let query = format!(
                "id:{id} auth.{}:{}",
                own["method"].as_str().unwrap(),
                own["result"].as_str().unwrap()
            );
            assert_eq!(support::count(&case, &query), 1, "{query}");
            assert_eq!(own["standing"], "beside-boundary");
        }
    }
    let text = support::run(
        &case,
        &["hops", support::run(&case, &["list", "--json"]).ok().json()[1]["item"].as_str().unwrap()],
    )
    .ok()
    .text();
    assert!(text.contains("dkim=pass by mx.example.net (beside-boundary)"), "{text}");
    assert!(text.contains("the body is what was signed for 0 of 1 DKIM signature"), "{text}");
}

#[test]
fn signatures_of_other_kinds_are_named_as_not_checked_and_a_pass_says_what_it_is_worth() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail, keys) = (dir.path().join("case"), dir.path().join("mail"), dir.path().join("keys.txt"));
    fs::create_dir(&mail).unwrap();
    let other =
        "DKIM2-Signature: i=1; d=sender.example; s=AA\nFrom: ann@sender.example\nSubject: other\n\ntext\n";
    fs::write(mail.join("other.eml"), other).unwrap();
    fs::write(mail.join("signed.eml"), MAIL).unwrap();
    fs::write(&keys, KEYS).unwrap();
    support::import(&case, &mail);
    let id = |subject: &str| {
        let found = support::run(&case, &["search", subject, "--json", "--quiet"]).ok().json();
        found[0]["item"].as_str().unwrap().to_owned()
    };
    let (other, signed) = (id("subject:other"), id("subject:dinner"));
    let text = support::run(&case, &["auth", &other, "--quiet"]).ok().text();
    assert!(text.contains("none of RFC 6376; 1 field DKIM2-Signature, not checked (draft)"), "{text}");
    let told = support::run(&case, &["auth", &other, "--json", "--quiet"]).ok().json().remove(0);
    assert_eq!(
        (&told["not_checked"][0]["field"], &told["not_checked"][0]["fields"]),
        (&"DKIM2-Signature".into(), &1.into())
    );
    let text =
        support::run(&case, &["auth", &signed, "--quiet", "--keys", keys.to_str().unwrap()]).ok().text();
    assert!(
        text.contains("letter of the provider, 2018-07-01") && text.contains("a key may be published"),
        "{text}"
    );
}
