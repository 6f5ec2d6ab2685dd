//! A file that changes while it is read is told by import, report, search and manifest. So is what was odd of a
//! container.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mailtrail::ingest::{Derived, Request, Watch, import};
use mailtrail::store::{CaseInfo, Run, Writer};
use mailtrail::types::time::Clock;

use crate::support::{self, count, run};

struct At;

impl Clock for At {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

/// Is asked whether to stop before each thing that the reader tells, so it can change a file in the midst of its
/// reading.
struct Meddler<'a> {
    asked: AtomicU32,
    path: &'a Path,
    change: &'a (dyn Fn(&Path) + Sync),
}

impl Watch for Meddler<'_> {
    fn progress(&self, _: u64, _: u64) {}

    fn committed(&self, _: u64) {}

    fn is_stopped(&self) -> bool {
        // The first thing is that the container begins, the second its first bytes.
        if self.asked.fetch_add(1, Ordering::SeqCst) == 1 {
            // More than a tick of the clock that stamps files.
            std::thread::sleep(std::time::Duration::from_millis(20));
            (self.change)(self.path);
        }
        false
    }
}

/// A case with a source that is changed by `change` while it is read.
fn imported(dir: &Path, source: &Path, change: &(dyn Fn(&Path) + Sync)) -> PathBuf {
    let case = dir.join("case");
    let run = Run::new("mailtrail", "0", Arc::new(At));
    let mut writer = Writer::create(&case, &CaseInfo::default(), &run).unwrap();
    let derived = Derived::open(writer.layout()).unwrap();
    let request = Request { root: source.to_owned(), ..Request::default() };
    let watch = Meddler { asked: AtomicU32::new(0), path: source, change };
    import(&mut writer, derived, &request, 2, &watch).unwrap();
    writer.close().unwrap();
    case
}

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"more\n").unwrap();
}

fn truncate(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(20).unwrap();
}

fn replace(path: &Path) {
    fs::write(path.with_extension("new"), "x").unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

fn rewrite(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"X", 10).unwrap();
}

fn touch(path: &Path) {
    OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
}

/// A change, by its name.
type Change = (&'static str, fn(&Path));

const CHANGES: [Change; 5] = [
    ("append", append),
    ("truncate", truncate),
    ("replace", replace),
    ("rewrite", rewrite),
    ("touch", touch),
];

fn told(name: &str, text: &str, items: u64) {
    for (what, change) in CHANGES {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join(name);
        fs::write(&source, text).unwrap();
        let case = imported(dir.path(), &source, &change);
        assert_eq!(count(&case, "anomaly:changed-while-read"), items, "{what}");
        assert_eq!(count(&case, "NOT anomaly:changed-while-read"), 0, "{what}");
        assert_eq!(count(&case, "has:anomaly"), items, "{what}");
        let report = run(&case, &["report"]).ok().text();
        assert!(report.contains("changed-while-read"), "{what}: {report}");
        assert!(report.contains(&format!("changed-while-read: {name} (")), "{what}: {report}");
        let lines = run(&case, &["report", "--json"]).ok().json();
        let of = |kind: &str| {
            lines.iter().filter(|l| l["type"] == kind && l["code"] == "changed-while-read").count()
        };
        assert_eq!((of("anomaly"), of("finding")), (1, 1), "{what}");
        let manifest = String::from_utf8(support::manifest(&case)).unwrap();
        assert_eq!(manifest.matches("changed-while-read").count() as u64, items, "{what}");
        run(&case, &["verify", "--quiet"]).ok();
    }
}

#[test]
fn an_mbox_that_changes_while_it_is_read_is_told() {
    let message = "From a@example.org Mon Jan  1 00:00:00 2024\nFrom: a@example.org\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <x@example.org>\n\nbody\n\n";
    told("in.mbox", &message.repeat(40), 40);
}

#[test]
fn a_message_that_changes_while_it_is_read_is_told() {
    told(
        "a.eml",
        "From: a@example.org\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <x@example.org>\n\nbody\n",
        1,
    );
}

/// A file of `/proc` says that it has no bytes, and then gives some.
#[test]
fn an_import_of_what_changed_ends_with_3_and_so_does_the_next_one() {
    let mut sleeper =
        Command::new("sleep").arg0("From: a@example.org\nSubject: x\n\nbody\n").arg("60").spawn().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let source = format!("/proc/{}/cmdline", sleeper.id());
    // Between fork and exec the file is that of the test.
    while !fs::read(&source).unwrap().starts_with(b"From: ") {
        std::thread::yield_now();
    }
    for _ in 0..2 {
        let ran = run(&case, &["import", &source]).with_code(3);
        assert!(ran.err.contains("changed while read"), "{}", ran.err);
    }
    assert_eq!(count(&case, "anomaly:changed-while-read"), 1);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

#[test]
fn what_was_odd_of_a_container_that_was_read_to_its_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("in");
    let message = "From a@example.org Mon Jan  1 00:00:00 2024\nFrom: a@example.org\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <x@example.org>\n\nbody\n\n";
    fs::create_dir(&source).unwrap();
    fs::write(source.join("bom.mbox"), format!("\u{feff}{message}{message}")).unwrap();
    fs::write(source.join("junk.mbox"), format!("junk\x01\n{message}")).unwrap();
    fs::write(source.join("plain.mbox"), message).unwrap();
    let case = dir.path().join("case");
    let ran = run(&case, &["import", source.to_str().unwrap()]).ok();
    assert!(ran.text().contains("byte-order-mark 1"), "{}", ran.text());
    assert_eq!(count(&case, "anomaly:byte-order-mark"), 2);
    assert_eq!(count(&case, "anomaly:separator-*"), 1);
    assert_eq!(count(&case, "has:anomaly"), 3);
    assert_eq!(count(&case, "NOT has:anomaly"), 1);
    let report = run(&case, &["report", "--all"]).ok().text();
    assert!(report.contains("  byte-order-mark "), "{report}");
    assert!(report.contains("-1  byte-order-mark at bytes 0..3 of the container"), "{report}");
    let lines = run(&case, &["report", "--json"]).ok().json();
    let of = |code: &str| lines.iter().filter(|l| l["code"] == code && l["container"].is_string()).count();
    assert_eq!((of("byte-order-mark"), of("separator-missing")), (1, 1));
    let manifest = String::from_utf8(support::manifest(&case)).unwrap();
    assert_eq!(manifest.matches("\"container_anomalies\":[{").count(), 3);
    let shown =
        run(&case, &["show", manifest.split("\"item\":\"").nth(1).unwrap().split('"').next().unwrap()]);
    assert!(shown.ok().text().contains("byte-order-mark (of the container)"));
}
