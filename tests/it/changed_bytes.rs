//! Every change of a byte of the record is found, and what it hits is named.

use std::fs;

use crate::support::{self, evidence};

#[test]
fn two_thousand_changed_bytes_are_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 24);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    support::run(&case, &["verify", "--quiet"]).ok();
    let record: Vec<_> = support::files_below(&case)
        .into_iter()
        .filter(|f| !f.starts_with("derived") && !f.ends_with("lock") && !f.ends_with("append.lock"))
        .collect();
    assert!(record.len() >= 6, "{record:?}");
    let rounds: u64 = std::env::var("MAILTRAIL_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let mut random = evidence::Seeded::new(23);
    for round in 0..rounds {
        let file = &record[usize::try_from(random.below(record.len() as u64)).unwrap()];
        let path = case.join(file);
        let good = fs::read(&path).unwrap();
        let at = usize::try_from(random.below(good.len() as u64)).unwrap();
        let mut bad = good.clone();
        bad[at] ^= u8::try_from(1 + random.below(255)).unwrap();
        fs::write(&path, &bad).unwrap();
        let ran = support::run(&case, &["verify", "--json", "--record-only", "--threads", "1"]);
        fs::write(&path, &good).unwrap();
        let place = format!("round {round}: byte {at} of {}", file.display());
        assert!(ran.code == 4 || ran.code == 6, "{place}: exit {} {}", ran.code, ran.text());
        if ran.code == 4 {
            let named = ran.json().iter().any(|f| {
                f["file"]
                    .as_str()
                    .is_some_and(|name| file.to_str().unwrap().contains(name) && !name.is_empty())
            });
            assert!(named, "{place} is not named: {}", ran.text());
        }
    }
    support::run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn a_missing_a_short_and_a_foreign_file_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 24);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let record: Vec<_> = support::files_below(&case)
        .into_iter()
        .filter(|f| !f.starts_with("derived") && !f.ends_with("lock") && !f.ends_with("append.lock"))
        .collect();
    for file in &record {
        let path = case.join(file);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let code = support::run(&case, &["verify", "--quiet"]).code;
        assert!([1, 4].contains(&code), "{} missing: exit {code}", file.display());
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        let code = support::run(&case, &["verify", "--quiet"]).code;
        assert!([1, 4, 6].contains(&code), "{} short: exit {code}", file.display());
        fs::write(&path, &good).unwrap();
    }
    fs::write(case.join("packs/foreign.txt"), b"x").unwrap();
    support::run(&case, &["verify", "--quiet"]).with_code(4);
    fs::remove_file(case.join("packs/foreign.txt")).unwrap();
    support::run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn an_edited_catalog_row_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 24);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let catalog = case.join("derived/catalog.sqlite");
    let edit = |sql: &str| {
        let status = std::process::Command::new("sqlite3").arg(&catalog).arg(sql).status();
        status.is_ok_and(|s| s.success())
    };
    if !edit("select 1") {
        println!("NOT SHOWN: sqlite3 is not installed");
        return;
    }
    let good = fs::read(&catalog).unwrap();
    for sql in [
        "update block set list=zeroblob(length(list)) where first=(select min(first) from block)",
        "update block set rest=substr(rest, 1, length(rest) - 1) where first=(select max(first) from block)",
        "update block set digests=zeroblob(length(digests)) where first=(select min(first) from block)",
        "update block set last=last+1 where first=(select max(first) from block)",
        "delete from block where first=(select max(first) from block)",
    ] {
        assert!(edit(sql), "{sql}");
        let ran = support::run(&case, &["verify", "--json"]);
        fs::write(&catalog, &good).unwrap();
        assert_eq!(ran.code, 4, "{sql}: {}", ran.text());
    }
    support::run(&case, &["verify", "--quiet"]).ok();
}
