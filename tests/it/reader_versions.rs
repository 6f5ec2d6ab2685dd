//! Which readers made a segment of the ledger is told, and what other readers began is no changed source.

use std::sync::Arc;

use mailtrail::source::{READERS, list};
use mailtrail::store::{CaseInfo, Run, Writer};
use mailtrail::types::record::{Record, SourceHead};
use mailtrail::types::time::Clock;
use serde_json::json;

use crate::support;

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

fn readers() -> serde_json::Value {
    json!({"archive_walk": READERS.archive_walk, "splitter": READERS.splitter})
}

#[test]
fn the_event_and_the_manifest_name_the_readers_of_a_source() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("inbox"));
    std::fs::write(&mail, support::evidence::mbox(0, 3)).unwrap();
    support::import(&case, &mail);
    let events = support::run(&case, &["log", "--json"]).ok().json();
    let begun = events.iter().find(|event| event["type"] == "source_begun").unwrap();
    assert_eq!(begun["data"]["readers"], readers());
    let manifest = String::from_utf8(support::manifest(&case)).unwrap();
    let head: serde_json::Value = serde_json::from_str(manifest.lines().next().unwrap()).unwrap();
    assert_eq!(head["ledger"][0]["readers"], readers());
}

#[test]
fn a_segment_that_older_readers_began_is_begun_anew_and_told_as_that() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("inbox"));
    std::fs::write(&mail, support::evidence::mbox(0, 3)).unwrap();
    let listing = list(&mail).unwrap().digest;
    let mut writer =
        Writer::create(&case, &CaseInfo::default(), &Run::new("mailtrail", "0", Arc::new(Still))).unwrap();
    let segment = writer.new_segment().unwrap();
    let mut line = Vec::new();
    Record::Source(SourceHead { entries: 1, kind: "auto".into(), listing, split: "header".into() })
        .write_line(&mut line);
    writer.append_ledger(segment, &line).unwrap();
    let data = format!(
        r#"{{"bytes":1,"entries":1,"listing":"{listing}","options":{{"kind":"auto","md5":false,"sha1":false,"split":"header"}},"path":"x","segment":1}}"#
    );
    writer.commit("source_begun", data.as_bytes()).unwrap();
    drop(writer);

    support::import(&case, &mail);
    let events = support::run(&case, &["log", "--json"]).ok().json();
    let begun = events.iter().rfind(|event| event["type"] == "source_begun").unwrap();
    let first = json!({"archive_walk": 1, "splitter": 1});
    assert_eq!(begun["data"]["segment"], 2);
    assert_eq!(begun["data"]["unfinished_by_other_readers"], json!({"readers": first, "segment": 1}));
    assert_eq!(begun["data"]["source_changed_since_unfinished_import"], serde_json::Value::Null);
    assert_eq!(support::count(&case, "*"), 3);
}
