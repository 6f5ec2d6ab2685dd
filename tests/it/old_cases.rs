//! A case of every released format stays readable: `corpus/frozen` holds one, without what can be rebuilt.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailtrail::ingest::{self, Derived, Request, Watch};
use mailtrail::source::Options;
use mailtrail::store::{CaseInfo, Run, Writer};
use mailtrail::types::time::Clock;

use crate::support;

/// 2025-11-20T08:15:04Z, whenever it is asked.
struct Stopped;

impl Clock for Stopped {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

impl Watch for Stopped {
    fn progress(&self, _: u64, _: u64) {}
    fn committed(&self, _: u64) {}
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Files of the corpus that the frozen case was made of.
const FILES: &[&str] = &[
    "mail/address-group.eml",
    "mail/crlf.eml",
    "mail/hop-clause-repeated.eml",
    "mail/date-two-digit-69.eml",
    "mbox/five-copies.mbox",
    "mbox/mboxrd.mbox",
    "mbox/mozilla-expunged.mbox",
    "mbox/preamble.mbox",
    "mailbox/export/04-bom.eml",
    "other/prose.bin",
];

/// Copies these files into one folder.
fn seized(to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in FILES {
        let file = support::own_corpus().join(name);
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// Makes a case in which nothing tells of the machine but the place of the source.
fn freeze(source: &Path, case: &Path) {
    let info = CaseInfo { name: Some("a frozen case".into()), ..CaseInfo::default() };
    let run = Run::new("mailtrail", env!("CARGO_PKG_VERSION"), Arc::new(Stopped));
    let mut writer = Writer::create(case, &info, &run).unwrap();
    let mut derived = Derived::open(writer.layout()).unwrap();
    let request = Request {
        root: source.to_owned(),
        label: Some("exhibit 1".into()),
        note: None,
        options: Options::default(),
        threads: 1,
        base_items: 0,
    };
    ingest::import(&mut writer, &mut derived, &request, &Stopped).unwrap();
    derived.close().unwrap();
    writer.close().unwrap();
    fs::remove_dir_all(case.join("derived")).unwrap();
}

fn copied(from: &Path, to: &Path) {
    for file in support::files_below(from) {
        fs::create_dir_all(to.join(&file).parent().unwrap()).unwrap();
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}

fn frozen(name: &str) -> PathBuf {
    support::own_corpus().join("frozen").join(name)
}

#[test]
fn a_case_of_version_1_is_verified_rebuilt_searched_and_exported_as_ever() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    copied(&frozen("v1"), &case);
    assert!(!case.join("derived").exists());
    support::run(&case, &["verify", "--quiet", "--record-only"]).ok();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    support::run(&case, &["verify", "--quiet"]).ok();
    for (query, want) in [
        ("subject:number", 9),
        ("from:ada@example.org", 13),
        ("anomaly:expunged", 1),
        ("hop.ip:192.0.2.16", 1),
    ] {
        assert_eq!(support::count(&case, query), want, "{query}");
    }
    let manifest = fs::read_to_string(frozen("v1.manifest.jsonl")).unwrap();
    assert_eq!(String::from_utf8(support::manifest(&case)).unwrap(), manifest);
    // The record was added to, and nothing of it was changed.
    for file in support::files_below(&frozen("v1")) {
        let (then, now) = (fs::read(frozen("v1").join(&file)).unwrap(), fs::read(case.join(&file)).unwrap());
        let is_of_now = ["HEAD", "lock"].map(Path::new).contains(&file.as_path());
        assert!(is_of_now || now.starts_with(&then), "{}", file.display());
    }
}

/// The maker of `corpus/frozen`: with `MAILTRAIL_FREEZE=DIR` the case and its manifest stay there, made of `DIR/seized`.
#[test]
fn a_frozen_case_holds_what_was_put_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = std::env::var_os("MAILTRAIL_FREEZE").map_or_else(|| dir.path().to_owned(), PathBuf::from);
    let (source, case) = (place.join("seized"), place.join("case"));
    seized(&source);
    freeze(&source, &case);
    let copy = dir.path().join("copy");
    copied(&case, &copy);
    support::run(&copy, &["rebuild", "--quiet"]).ok();
    assert_eq!(support::count(&copy, "kind:message"), 14);
    fs::write(place.join("manifest.jsonl"), support::manifest(&copy)).unwrap();
}

#[test]
fn a_case_of_a_newer_format_is_refused_by_every_command_that_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    copied(&frozen("v1"), &case);
    fs::write(case.join("VERSION"), "mailtrail-case/3\n").unwrap();
    let before = support::files_below(&case);
    for args in [&["info"][..], &["search", "x"], &["rebuild"], &["report"], &["log"], &["verify"]] {
        support::run(&case, args).with_code(6);
    }
    support::run(&case, &["import", support::own_corpus().join("mbox").to_str().unwrap()]).with_code(6);
    assert_eq!(support::files_below(&case), before, "nothing was written");
}
