//! `hops`, `path` and `trust` on the bundled mailbox.

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
    assert_eq!((before["basis"].as_str(), before["boundary"].as_u64()), (Some("newest-hop"), Some(0)));
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
    assert_eq!(after["hops"][2]["trust"], "contradicted");
    assert!(!rules(&after).contains(&"ip-nonroutable-public-hop".to_owned()));

    let path = support::run(&case, &["path", &item]).ok().text();
    assert!(path.contains("mx1.nordkai.example -> mail.nordkai.example"), "{path}");
    let shown = support::run(&case, &["trust", "show"]).ok().text();
    assert!(shown.contains("nordkai.example and all below it"), "{shown}");
    assert_eq!(support::run(&case, &["trust", "set", "--network", "192.0.2.0/64"]).code, 2);
    support::run(&case, &["verify", "--quiet"]).ok();
}
