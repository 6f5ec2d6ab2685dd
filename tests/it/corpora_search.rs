//! Searches over real mail find what an independent script counts in the raw files.

use std::process::Command;

use crate::support;

#[test]
fn searches_find_what_an_independent_script_counts() {
    let Some(source) = support::corpus("spamassassin-public-corpus") else { return };
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/count.py");
    let Ok(output) = Command::new("python3").arg(script).arg(&source).args(["--random", "300", "7"]).output()
    else {
        println!("NOT SHOWN: python3 is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &source);
    let mut wrong = Vec::new();
    let queries = wanted.as_object().unwrap();
    for (query, number) in queries {
        // The script counts files, which are messages; where a definition leaves room it gives the least and the most.
        let asked =
            if query.is_empty() { "kind:message".to_owned() } else { format!("({query}) kind:message") };
        let found = support::count(&case, &asked);
        let bound = |n: usize| number.get(n).or(Some(number)).and_then(serde_json::Value::as_u64).unwrap();
        if found < bound(0) || found > bound(1) {
            wrong.push(format!("{query}: found {found}, counted {number}"));
        }
    }
    println!("{} queries", queries.len());
    assert!(queries.len() >= 380 && wrong.is_empty(), "{}", wrong.join("\n"));
    for (query, number) in [
        ("hop.by:phobos.labs.netnoteinc.com kind:message", 2406),
        ("hop.ip:64.161.22.236 kind:message", 1162),
    ] {
        assert_eq!(support::count(&case, query), number, "{query}");
    }
}
