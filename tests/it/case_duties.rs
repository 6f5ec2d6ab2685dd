//! What a case is told, and what it tells: labels, settings, the examiner, what was handed out, what was not read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailtrail::case::CaseReader;
use mailtrail::export::bundle::{Form, Order};
use mailtrail::export::{RestoreId, export, restore_original};
use mailtrail::query;
use mailtrail::store::Run;
use mailtrail::types::time::Clock;
use serde_json::Value;

use crate::support::{self, count, evidence, run};

fn mail(dir: &Path, name: &str, nth: u64) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, evidence::message(nth)).unwrap();
    path
}

fn case_of_one(dir: &Path) -> PathBuf {
    let case = dir.join("case");
    support::import(&case, &mail(dir, "one.eml", 1));
    case
}

fn events(case: &Path, kind: &str) -> Vec<Value> {
    support::events(case).into_iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn every_label_of_a_source_finds_it_however_the_field_is_spelled() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let source = mail(dir.path(), "one.eml", 1);
    for label in ["exhibit A", "Beweisstück B"] {
        run(&case, &["import", "--quiet", source.to_str().unwrap(), "--label", label]).ok();
    }
    support::import(&case, &mail(dir.path(), "two.eml", 2));
    for (query, hits) in [
        ("source:\"exhibit A\"", 1),
        ("source:\"Beweisstück B\"", 1),
        ("Source:\"beweisSTÜCK b\"", 1),
        ("SOURCE:\"exhibit a\"", 1),
        ("NOT source:\"exhibit A\"", 1),
        ("source:\"exhibit C\"", 0),
    ] {
        assert_eq!(count(&case, query), hits, "{query}");
    }
    let findings = run(&case, &["list", "Source:\"exhibit A\"", "--json"]).ok().json();
    assert_eq!(findings.len(), 1);
    assert!(run(&case, &["info"]).ok().text().contains("label: Beweisstück B"));
}

#[test]
fn a_file_that_could_not_be_read_is_told_by_info_verify_and_search() {
    let dir = tempfile::tempdir().unwrap();
    let (case, source) = (dir.path().join("case"), dir.path().join("seized"));
    fs::create_dir(&source).unwrap();
    mail(&source, "a.eml", 1);
    let shut = mail(&source, "b.eml", 2);
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&shut).is_ok() {
        return; // Nothing is unreadable to this user.
    }
    run(&case, &["import", "--quiet", source.to_str().unwrap()]).with_code(3);
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o644)).unwrap();
    let told = "1 file could not be read at import and is not in the case";
    assert!(run(&case, &["info"]).ok().text().contains(told));
    assert_eq!(run(&case, &["info", "--json"]).ok().json()[0]["unreadable_files"], 1);
    assert!(run(&case, &["verify", "--source"]).ok().text().contains(told));
    let found = run(&case, &["search", "*", "--json"]).ok();
    assert!(found.err.contains("not searched: 1 file or container that could not be read"), "{}", found.err);
}

#[test]
fn nothing_is_made_for_an_id_that_the_case_does_not_have() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    let to = dir.path().join("x");
    for id in ["5f0c2a9be4d17788-3", "5f0c2a9be4d17788"] {
        let ran = run(&case, &["restore", id, "--to", to.to_str().unwrap()]).with_code(1);
        assert!(!to.exists(), "{id}: {}", ran.err);
    }
    let ran = run(&case, &["restore", &first_container(&case), "--to", to.to_str().unwrap(), "--json"]).ok();
    let (told, event) = (ran.json().pop().unwrap(), events(&case, "restored").pop().unwrap());
    assert_eq!(told["events"].as_u64(), event["seq"].as_u64().map(|seq| seq + 1));
    assert_eq!(told["head"].as_str().unwrap().len(), 64);
}

#[test]
fn trust_set_without_words_is_refused_and_trust_clear_takes_back() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    let set = run(&case, &["trust", "set", "--host", "mx.example.org", "--json"]).ok().json().pop().unwrap();
    assert_eq!(set["head"].as_str().unwrap().len(), 64);
    let refused = run(&case, &["trust", "set"]).with_code(2);
    assert!(refused.err.contains("trust clear"), "{}", refused.err);
    assert!(run(&case, &["trust", "show"]).ok().text().contains("mx.example.org"));
    run(&case, &["trust", "clear"]).ok();
    let shown = run(&case, &["trust", "show", "--json"]).ok().json().pop().unwrap();
    assert_eq!((&shown["settings"]["hosts"], shown.get("head")), (&Value::Array(Vec::new()), None));
}

#[test]
fn settings_that_name_no_server_of_a_message_are_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let path = dir.path().join("hop.eml");
    let hop = "Received: from a.example.net (a.example.net [198.51.100.7]) by mx.example.org; Sat, 1 Jun 2024 10:00:00 +0000";
    fs::write(&path, format!("{hop}\nFrom: a@example.net\nDate: Sat, 1 Jun 2024 10:00:00 +0000\n\nx\n"))
        .unwrap();
    support::import(&case, &path);
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    assert!(run(&case, &["hops", &item]).ok().text().contains("no setting: the newest hop's server"));
    run(&case, &["trust", "set", "--host", "mx.example.com"]).ok();
    let text = run(&case, &["hops", &item]).ok().text();
    assert!(text.contains("the settings of event 4 name none of these servers"), "{text}");
    // `direct-to-mx` is a notice in records, shown as uncommon.
    assert!(text.contains("  uncommon  direct-to-mx"), "{text}");
    assert_eq!((count(&case, "finding:uncommon"), count(&case, "finding:notice")), (1, 1));
    assert_eq!(count(&case, "finding:common"), 0);
    run(&case, &["trust", "set", "--host", "mx.example.org"]).ok();
    assert!(run(&case, &["hops", &item]).ok().text().contains("the settings of custody event 5"));
}

#[test]
fn the_seizure_may_be_told_by_its_day() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    for (text, ms) in [
        ("2024-06-01", 1_717_286_399_999_i64),
        ("2024-06-01T12:00:00+02:00", 1_717_236_000_000),
        ("Sat, 1 Jun 2024 12:00:00 +0200", 1_717_236_000_000),
    ] {
        let set = run(&case, &["trust", "set", "--acquired", text, "--json"]).ok().json().pop().unwrap();
        assert_eq!(set["settings"]["acquired_ms"], ms, "{text}");
    }
    for text in ["2024-13-01", "2024-06", "1 Jun 2024"] {
        run(&case, &["trust", "set", "--acquired", text]).with_code(2);
    }
}

#[test]
fn a_case_without_an_examiner_is_told_once_and_a_command_can_name_one() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let one = mail(dir.path(), "one.eml", 1);
    let made = run(&case, &["import", one.to_str().unwrap()]).ok();
    assert!(made.err.contains("nobody is named as the examiner"), "{}", made.err);
    let again = run(&case, &["import", one.to_str().unwrap(), "--examiner", "A. Jones"]).ok();
    assert!(!again.err.contains("nobody is named"), "{}", again.err);
    assert_eq!(events(&case, "source_seen_again")[0]["run"]["examiner"], "A. Jones");
    assert!(run(&case, &["custody"]).ok().text().contains(", examiner A. Jones"));
    let to = dir.path().join("out");
    run(&case, &["export", "*", "--to", to.to_str().unwrap(), "--examiner", "A. Jones"]).ok();
    let provenance: Value = serde_json::from_slice(&fs::read(to.join("provenance.json")).unwrap()).unwrap();
    assert_eq!(provenance["examiner"], "A. Jones");
    let other = dir.path().join("other");
    let made = run(&other, &["init", "--examiner", "B. Smith"]).ok();
    assert!(!made.err.contains("nobody"), "{}", made.err);
    assert_eq!(run(&other, &["info", "--json"]).ok().json()[0]["case"]["examiner"], "B. Smith");
}

#[test]
fn verify_says_what_was_compared_with_what() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    let head = run(&case, &["info", "--json"]).ok().json()[0]["head"].as_str().unwrap().to_owned();
    run(&case, &["trust", "set", "--host", "mx.example.org"]).ok();
    let verdict = |args: &[&str], code: i32| {
        let ran = run(&case, &[&["verify"], args].concat()).with_code(code);
        ran.text().lines().last().unwrap().to_owned()
    };
    let events = events_of(&case);
    assert_eq!(
        verdict(&[], 0),
        format!(
            "the record agrees with itself ({events} events, 1 blob); not compared: an earlier head, the source"
        )
    );
    let since = format!("nothing has changed since head {head} of event {}", events - 2);
    assert_eq!(verdict(&["--expect-head", &head], 0), format!("{since}; not compared: the source"));
    // As it was noted down by hand.
    let noted = format!(" {} {} ", &head[..32].to_uppercase(), &head[32..]);
    assert_eq!(verdict(&["--expect-head", &noted, "--source"], 0), since);
    let mistyped = format!("{}{}", &head[..63], if head.ends_with('0') { '1' } else { '0' });
    assert_eq!(
        verdict(&["--expect-head", &mistyped], 4),
        "this was never a head of this case; the record itself is whole"
    );
    run(&case, &["verify", "--expect-head", "7c50"]).with_code(2);
}

#[test]
fn the_custody_log_prints_command_lines_as_a_shell_needs_them() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    let to = dir.path().join("it's out");
    run(&case, &["export", "from:\"a b\" OR *", "--to", to.to_str().unwrap()]).ok();
    let text = run(&case, &["custody"]).ok().text();
    assert!(text.contains(" export 'from:\"a b\" OR *' --to '"), "{text}");
    assert!(text.contains(r"it'\''s out' --case "), "{text}");
}

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now_us(&self) -> i64 {
        1_763_640_000_000_000
    }
}

#[test]
fn what_the_library_hands_out_stands_in_the_custody_log_as_what_the_program_does() {
    let dir = tempfile::tempdir().unwrap();
    let case = case_of_one(dir.path());
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    run(&case, &["export", "*", "--to", first.to_str().unwrap(), "--attachments"]).ok();
    let open = CaseReader::open(&case).unwrap();
    let options = open.options("*", query::Order::Ledger, None, jiff::tz::TimeZone::UTC).unwrap();
    let hits = open.search("*", &options).unwrap();
    let order =
        Order { keys: &hits.keys, query: "*", language: 2, zone: "UTC", form: Form::Eml, attachments: true };
    let run_of_library = Run::new("a program", "1", Arc::new(Noon));
    let out = export(&open, &order, &second, &run_of_library).unwrap();
    assert_eq!(out.logged.unwrap().events, open.reader.head().events + 1);
    let told = events(&case, "exported");
    let mut of_program = told[0]["data"].clone();
    of_program["to"] = second.canonicalize().unwrap().to_str().unwrap().into();
    assert_eq!(of_program, told[1]["data"]);
    let source = open.reader.segments().unwrap()[0].source();
    let to = dir.path().join("tree");
    restore_original(&open.reader, RestoreId::Source(source), &to, &run_of_library).unwrap().logged.unwrap();
    assert_eq!(events(&case, "restored")[0]["data"]["id"], source.to_string());
}

fn first_container(case: &Path) -> String {
    run(case, &["list", "--json"]).ok().json()[0]["container"].as_str().unwrap().to_owned()
}

fn events_of(case: &Path) -> u64 {
    run(case, &["info", "--json"]).ok().json()[0]["events"].as_u64().unwrap()
}
