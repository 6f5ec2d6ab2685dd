//! Several sources in one command, the same source again, and sources that are cases.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{self, count, run};

fn message(n: usize) -> String {
    format!(
        "From: a@example.org\nTo: b@example.net\nSubject: number {n}\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <{n}@example.org>\n\nbody {n}\n"
    )
}

fn mbox(messages: std::ops::Range<usize>) -> String {
    let all: Vec<String> =
        messages.map(|n| format!("From a@example.org Mon Jan  1 00:00:00 2024\n{}\n", message(n))).collect();
    all.concat()
}

/// The ids of all items, sorted.
fn ids(case: &Path) -> Vec<String> {
    let items = run(case, &["list", "--json"]).ok().json();
    let mut ids: Vec<String> = items.iter().filter_map(|i| i["item"].as_str().map(str::to_owned)).collect();
    ids.sort();
    ids
}

#[test]
fn a_source_named_twice_in_one_command_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    fs::create_dir(&one).unwrap();
    fs::create_dir(&two).unwrap();
    let (a, b) = (one.join("in.mbox"), two.join("in.mbox"));
    fs::write(&a, mbox(0..20)).unwrap();
    fs::copy(&a, &b).unwrap();
    let case = dir.path().join("case");
    let (a, b) = (a.to_str().unwrap(), b.to_str().unwrap());
    let ran = run(&case, &["import", "--label", "exhibit A", a, a, b]).ok().text();
    assert_eq!(ran.matches("imported 20 items").count(), 1, "{ran}");
    assert_eq!(ran.matches("nothing new in").count(), 2, "{ran}");
    let all = ids(&case);
    assert_eq!(all.len(), 20);
    assert!(all.windows(2).all(|two| two[0] != two[1]));
    // Another exhibit with equal content is another label of the same source.
    run(&case, &["import", "--label", "exhibit B", b]).ok();
    for label in ["exhibit A", "exhibit B"] {
        assert_eq!(count(&case, &format!("source:\"{label}\"")), 20, "{label}");
    }
    assert_eq!(ids(&case), all);
    run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn a_folder_that_grew_says_how_much_of_it_is_new_to_the_case() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    fs::create_dir(&seized).unwrap();
    for n in 0..9 {
        fs::write(seized.join(format!("{n}.eml")), message(n)).unwrap();
    }
    let case = dir.path().join("case");
    let source = seized.to_str().unwrap();
    let first = run(&case, &["import", source]).ok().text();
    assert!(first.contains("imported 9 items, all of them new to the case, in 9 containers"), "{first}");
    fs::write(seized.join("9.eml"), message(9)).unwrap();
    fs::write(seized.join("copy.eml"), message(9)).unwrap();
    let again = run(&case, &["import", source]).ok().text();
    assert!(again.contains("imported 11 items, 1 of them new to the case"), "{again}");
    fs::remove_file(seized.join("copy.eml")).unwrap();
    let less = run(&case, &["import", "--json", source]).ok().json().pop().unwrap();
    assert_eq!((&less["items"], &less["new_to_case"]), (&Value::from(10), &Value::from(0)));
}

#[test]
fn another_case_is_imported_only_by_force() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("in.mbox");
    fs::write(&source, mbox(0..3)).unwrap();
    let (other, case) = (dir.path().join("other"), dir.path().join("case"));
    support::import(&other, &source);
    let refused = run(&case, &["import", other.to_str().unwrap()]).with_code(1);
    assert!(
        refused.err.contains("is itself a case") && refused.err.contains("--force-case"),
        "{}",
        refused.err
    );
    assert_eq!(fs::read_dir(case.join("ledger")).unwrap().count(), 0);
    let forced = run(&case, &["import", "--force-case", other.to_str().unwrap()]).ok();
    assert!(forced.err.contains("other is itself a case"), "{}", forced.err);
    // A folder with a case in it is evidence like other evidence, and told.
    let around = dir.path().join("around");
    fs::create_dir(&around).unwrap();
    fs::rename(&other, around.join("other")).unwrap();
    let told = run(&case, &["import", around.to_str().unwrap()]).ok();
    assert!(told.err.contains("around/other is itself a case"), "{}", told.err);
}

#[test]
fn sources_before_one_that_cannot_be_read_are_searchable() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let good = dir.path().join("good.mbox");
    fs::write(&good, mbox(0..5)).unwrap();
    let other = dir.path().join("other");
    support::import(&other, &good);
    run(&case, &["import", good.to_str().unwrap(), other.to_str().unwrap()]).with_code(1);
    assert_eq!(count(&case, "*"), 5);
    run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn a_source_of_which_nothing_changed_is_told_by_what_the_file_system_says_and_not_as_seen_again() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    fs::create_dir(&seized).unwrap();
    for n in 0..5 {
        fs::write(seized.join(format!("{n}.eml")), message(n)).unwrap();
    }
    let case = dir.path().join("case");
    let source = seized.to_str().unwrap();
    let kinds = || -> Vec<String> {
        let text = fs::read_to_string(case.join("custody.jsonl")).unwrap();
        let of =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
        text.lines().map(of).filter(|kind| kind.starts_with("source_")).collect()
    };
    // Files that have just changed may change again within the same tick of their clock.
    run(&case, &["import", source]).ok();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    run(&case, &["import", source]).ok();
    let told = run(&case, &["import", "--label", "exhibit B", source]).ok().text();
    assert!(told.contains("not read again") && told.contains("--rehash"), "{told}");
    let json = run(&case, &["import", "--json", source]).ok().json().pop().unwrap();
    assert_eq!((&json["unchanged_by"], &json["known"]), (&Value::from("stat"), &Value::from(true)));
    assert_eq!(count(&case, "source:\"exhibit B\""), 5);
    let read = run(&case, &["import", "--rehash", source]).ok().text();
    assert!(!read.contains("not read again"), "{read}");
    let want = ["begun", "imported", "seen_again", "unchanged", "unchanged", "seen_again"];
    assert_eq!(kinds(), want.map(|kind| format!("source_{kind}")));
    // Another byte, with size and time of the last change as they were.
    let file = seized.join("3.eml");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, message(3).replace("body 3", "body 4")).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let other = run(&case, &["import", source]).ok().text();
    assert!(other.contains("imported 5 items, 1 of them new to the case"), "{other}");
    run(&case, &["verify", "--quiet"]).ok();
}
