//! `verify` says of each thing what is known of it, and no more.

use std::fs;
use std::path::{Path, PathBuf};

use mailtrail::store::{Reader, Run, Writer};
use mailtrail::types::time::Clock;
use serde_json::Value;

use crate::support::{self, evidence, run};

/// A case with a folder of evidence.
fn made(items: u64) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (case, seized) = (dir.path().join("case"), dir.path().join("seized"));
    evidence::folder(&seized, items);
    support::import(&case, &seized);
    (dir, case, seized)
}

/// Findings and summary of a `verify --json` that ends with `code`.
#[track_caller]
fn verify(case: &Path, more: &[&str], code: i32) -> (Vec<Value>, Value) {
    let mut lines = run(case, &[&["verify", "--json"], more].concat()).with_code(code).json();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["type"], "summary");
    (lines, summary)
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|f| f["code"].as_str().unwrap()).collect()
}

#[test]
fn rows_of_items_that_cannot_be_read_are_not_called_mismatches() {
    let (_dir, case, _) = made(24);
    let frame = Reader::open(&case).unwrap().frames().next().unwrap().unwrap();
    let pack = case.join("packs/000001.pack");
    let mut bytes = fs::read(&pack).unwrap();
    bytes[usize::try_from(frame.frame.at + frame.frame.len / 2).unwrap()] ^= 4;
    fs::write(&pack, bytes).unwrap();
    let (findings, _) = verify(&case, &[], 4);
    assert_eq!(codes(&findings), ["frame-mismatch", "not-compared"]);
    let not_compared = &findings[1];
    assert_eq!(not_compared["mismatch"], false);
    let hit: Vec<&str> =
        findings[0]["hits"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
    let items = not_compared["hits"].as_array().unwrap();
    assert!(
        !items.is_empty() && items.iter().all(|item| hit.contains(&item.as_str().unwrap())),
        "{findings:#?}"
    );
    let detail = not_compared["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("{} items and ", items.len())), "{detail}");
}

#[test]
fn rows_that_are_missing_are_a_mismatch_each_and_the_catalog_is_not_whole() {
    let (_dir, case, _) = made(24);
    let catalog = case.join("derived/catalog.sqlite");
    let sql = "delete from block where first=(select max(first) from block)";
    match std::process::Command::new("sqlite3").arg(&catalog).arg(sql).status() {
        Ok(status) if status.success() => {
            let (findings, _) = verify(&case, &[], 4);
            let codes = codes(&findings);
            let (unreadable, mismatches) = codes.split_last().unwrap();
            assert_eq!(*unreadable, "catalog-unreadable");
            assert!(
                !mismatches.is_empty() && mismatches.iter().all(|&c| c == "catalog-mismatch"),
                "{codes:?}"
            );
        }
        _ => println!("NOT SHOWN: sqlite3 is not installed"),
    }
}

#[test]
fn the_originals_that_were_read_again_are_counted() {
    let (dir, case, seized) = made(24);
    let more = dir.path().join("more.eml");
    fs::write(&more, evidence::message(77)).unwrap();
    support::import(&case, &more);
    let files: Vec<PathBuf> =
        support::files_below(&seized).into_iter().filter(|f| !seized.join(f).is_symlink()).collect();
    let bytes: u64 = files.iter().map(|f| fs::metadata(seized.join(f)).unwrap().len()).sum();
    let bytes = bytes + fs::metadata(&more).unwrap().len();
    let (findings, summary) = verify(&case, &["--source"], 0);
    assert!(findings.is_empty());
    assert_eq!(summary["sources_compared"], 2);
    assert_eq!(summary["source_files"], files.len() as u64 + 1);
    assert_eq!(summary["source_bytes"], bytes);
    let text = run(&case, &["verify", "--source"]).ok().text();
    assert!(text.contains(&format!("originals: {} files of 2 sources", files.len() + 1)), "{text}");
    let (_, summary) = verify(&case, &[], 0);
    assert_eq!(summary["sources_compared"], Value::Null);
}

#[test]
fn one_place_for_several_sources_is_a_usage_error() {
    let (dir, case, seized) = made(12);
    let moved = dir.path().join("moved");
    fs::rename(&seized, &moved).unwrap();
    verify(&case, &["--source", "--from", moved.to_str().unwrap()], 0);
    let more = dir.path().join("more.eml");
    fs::write(&more, evidence::message(77)).unwrap();
    support::import(&case, &more);
    let ran = run(&case, &["verify", "--source", "--from", moved.to_str().unwrap()]).with_code(2);
    assert!(ran.err.contains("2 sources"), "{}", ran.err);
    assert!(ran.out.is_empty(), "{}", ran.text());
}

#[test]
fn files_that_were_added_to_a_source_are_told_and_change_no_verdict() {
    let (_dir, case, seized) = made(12);
    fs::write(seized.join("Maildir/new/1.new"), evidence::message(9)).unwrap();
    let (findings, _) = verify(&case, &["--source"], 0);
    assert_eq!(codes(&findings), ["source-added"]);
    assert!(findings[0]["file"].as_str().unwrap().ends_with("Maildir/new/1.new"));
    assert_eq!(findings[0]["mismatch"], false);
    let text = run(&case, &["verify", "--source"]).ok().text();
    assert!(
        text.contains("agrees with itself") && text.ends_with("not compared: an earlier head\n"),
        "{text}"
    );
    fs::write(seized.join("inbox"), "From x").unwrap();
    let (findings, _) = verify(&case, &["--source"], 4);
    assert_eq!(codes(&findings), ["source-differs", "source-added"]);
}

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

/// Takes the end of the newest ledger segment away, as if the import had been killed before it wrote it, and all that
/// is derived.
fn cut_off(case: &Path) {
    let made_anew = case.with_extension("cut");
    let run = Run::new("mailtrail", "0", std::sync::Arc::new(Still));
    let reader = Reader::open(case).unwrap();
    let mut writer = Writer::create(&made_anew, &reader.case_info().unwrap(), &run).unwrap();
    for frame in reader.frames() {
        let frame = frame.unwrap();
        let bytes = reader.read_frame(frame.frame).unwrap();
        let mut from = 0;
        let blobs: Vec<_> = frame
            .blobs
            .iter()
            .map(|(sha256, len)| {
                let to = from + usize::try_from(*len).unwrap();
                let blob = (*sha256, &bytes[from..to]);
                from = to;
                blob
            })
            .collect();
        writer.append_frame(&mailtrail::store::pack(&blobs, 1).unwrap()).unwrap();
    }
    let segment = writer.new_segment().unwrap();
    let ledger = String::from_utf8(support::ledger(case)).unwrap();
    let lines: Vec<&str> = ledger.lines().collect();
    for line in &lines[..lines.len() - 3] {
        writer.append_ledger(segment, format!("{line}\n").as_bytes()).unwrap();
    }
    writer.commit("items_committed", b"{\"items\":0}").unwrap();
    writer.close().unwrap();
    fs::remove_dir_all(case).unwrap();
    fs::rename(made_anew, case).unwrap();
}

#[test]
fn what_an_interrupted_import_left_unindexed_is_told_by_its_own_findings() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("inbox"));
    fs::write(&mail, evidence::mbox(0, 30)).unwrap();
    support::import(&case, &mail);
    let derived = dir.path().join("derived");
    fs::rename(case.join("derived"), &derived).unwrap();
    cut_off(&case);
    let (findings, _) = verify(&case, &[], 3);
    assert_eq!(codes(&findings), ["source-unfinished", "catalog-missing", "index-missing"]);
    // An empty catalog and index, as the first moments of an import leave them.
    let empty = dir.path().join("empty");
    run(&empty, &["init"]).ok();
    run(&empty, &["rebuild", "--quiet"]).ok();
    fs::rename(empty.join("derived"), case.join("derived")).unwrap();
    let (findings, _) = verify(&case, &[], 3);
    assert_eq!(codes(&findings), ["source-unfinished", "catalog-missing", "index-missing"]);
    for finding in &findings[1..] {
        assert_eq!(finding["detail"], "0 of 29 items");
    }
    let info = run(&case, &["info", "--json"]).ok().json().pop().unwrap();
    let source = &info["sources"][0];
    assert_eq!((&source["pending"], &source["items"]), (&true.into(), &29.into()));
    let bytes = source["bytes"].as_u64().unwrap();
    assert!(bytes > 1000 && bytes < fs::metadata(&mail).unwrap().len(), "{bytes}");
    let text = run(&case, &["info"]).ok().text();
    assert!(text.contains("bytes committed so far"), "{text}");
}

#[test]
fn catalog_and_index_of_another_version_are_no_mismatch() {
    let (_dir, case, _) = made(12);
    let catalog = case.join("derived/catalog.sqlite");
    let sql = "pragma user_version=999999";
    let edited = std::process::Command::new("sqlite3").arg(&catalog).arg(sql).status();
    if edited.is_ok_and(|status| status.success()) {
        let (findings, _) = verify(&case, &[], 3);
        assert_eq!(codes(&findings), ["catalog-other-version"]);
        assert!(findings[0]["detail"].as_str().unwrap().contains("rebuild"));
        run(&case, &["rebuild", "--quiet"]).ok();
    } else {
        println!("NOT SHOWN: sqlite3 is not installed");
    }
    let meta = case.join("derived/index/meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["payload"] = "999999".into();
    fs::write(&meta, value.to_string()).unwrap();
    let (findings, _) = verify(&case, &[], 3);
    assert_eq!(codes(&findings), ["index-other-version"]);
}
