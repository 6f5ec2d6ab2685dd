//! A case of every released format stays readable: `corpus/frozen` holds one, without what can be rebuilt.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailtrail::acquire::Told;
use mailtrail::ingest::account::{AccountRequest, AccountWatch, acquire_account};
use mailtrail::ingest::{self, Derived, Request, Watch};
use mailtrail::source::Options;
use mailtrail::store::{CaseInfo, Run, Writer};
use mailtrail::types::Sha256Digest;
use mailtrail::types::time::Clock;
use serde_json::{Value, json};

use crate::support::server::{Box_, Mail, Model, Server};
use crate::support::{self, collect, evidence, maildir, talk};

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

impl AccountWatch for Stopped {
    fn told(&self, _: &Told) {}
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

/// A new case in which nothing tells of the machine.
fn new_case(case: &Path) -> Writer {
    let info = CaseInfo { name: Some("a frozen case".into()), ..CaseInfo::default() };
    let run = Run::new("mailtrail", env!("CARGO_PKG_VERSION"), Arc::new(Stopped));
    Writer::create(case, &info, &run).unwrap()
}

/// Makes a case in which nothing tells of the machine but the place of the source.
fn freeze(source: &Path, case: &Path) {
    let mut writer = new_case(case);
    import(&mut writer, source);
    writer.close().unwrap();
    fs::remove_dir_all(case.join("derived")).unwrap();
}

fn import(writer: &mut Writer, source: &Path) {
    let derived = Derived::open(writer.layout()).unwrap();
    let request = Request {
        root: source.to_owned(),
        label: Some("exhibit 1".into()),
        note: None,
        options: Options::default(),
        ..Request::default()
    };
    ingest::import(writer, derived, &request, 1, &Stopped).unwrap();
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
    let now = String::from_utf8(support::manifest(&case)).unwrap();
    assert_eq!(now.lines().count(), manifest.lines().count());
    for (now, then) in now.lines().zip(manifest.lines()) {
        let read = |line| serde_json::from_str::<Value>(line).unwrap();
        let (mut now, then) = (read(now), read(then));
        // Keys that are newer than the case stand beside the old ones (docs/changes, 0060, 0141 and 0180), and the name
        // of a group with members (0120).
        if now["path"] == "address-group.eml" {
            let crew = now["to"].as_array_mut().unwrap().remove(0);
            assert_eq!(crew, serde_json::json!({"address": "", "name": "Crew"}));
        }
        assert!(holds(&now, &then), "{now}\n{then}");
    }
    // The record was added to, and nothing of it was changed.
    for file in support::files_below(&frozen("v1")) {
        let (then, now) = (fs::read(frozen("v1").join(&file)).unwrap(), fs::read(case.join(&file)).unwrap());
        let is_of_now = ["HEAD", "lock"].map(Path::new).contains(&file.as_path());
        assert!(is_of_now || now.starts_with(&then), "{}", file.display());
    }
}

/// Whether every key and value of `then` is the same in `now`, which may have more keys.
fn holds(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(key, then)| now.get(key).is_some_and(|now| holds(now, then)))
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| holds(now, then))
        }
        _ => now == then,
    }
}

/// The maker of `corpus/frozen`: with `MAILTRAIL_FREEZE=DIR` the case and its manifest stay there, made of
/// `DIR/seized`.
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

/// A folder of the account of the frozen case; flags and labels are those of the model.
fn folder(name: &str, attributes: &str, validity: u64, uids: &[u64]) -> Box_ {
    let mail = |&uid: &u64| Mail {
        uid,
        flags: if uid.is_multiple_of(2) { "\\Seen".to_owned() } else { String::new() },
        bytes: maildir::crlf(evidence::message(validity * 10 + uid).as_bytes()),
        uidl: String::new(),
    };
    Box_ {
        name: name.as_bytes().to_vec(),
        attributes: attributes.to_owned(),
        validity,
        mails: uids.iter().map(mail).collect(),
    }
}

/// Makes a case with an mbox, an account over IMAP that was acquired and looked at again, and one over POP3.
fn freeze_accounts(source: &Path, case: &Path) {
    let mut imap = Model::new(true);
    imap.more = vec!["OBJECTID", "X-GM-EXT-1"];
    imap.boxes = vec![
        folder("INBOX", "", 17, &[1, 2, 4, 7]),
        folder("M&APw-ller", "\\Sent", 18, &[1, 5]),
        folder("../x", "", 19, &[3]),
        folder(&"l".repeat(300), "", 20, &[1, 2]),
        folder("Empty", "\\Drafts", 21, &[]),
    ];
    let mut pop3 = Model::new(false);
    pop3.boxes = vec![folder("INBOX", "", 22, &[1, 2])];
    // Two messages that the account has too, as an mbox holds them.
    let of = |mail: &Mail| {
        let text = String::from_utf8(mail.bytes.clone()).unwrap().replace("\r\n", "\n");
        format!("From a@example.org Thu Nov 20 08:15:04 2025\n{text}\n")
    };
    fs::create_dir_all(source).unwrap();
    fs::write(source.join("inbox.mbox"), imap.boxes[0].mails[..2].iter().map(of).collect::<String>())
        .unwrap();
    let mut writer = new_case(case);
    import(&mut writer, source);
    let mut acquire = |model: &Model, server: &Server, max_size| {
        let mut order = collect::order(&model.url(server.port), "correct horse", Some(server.ca_file()));
        order.choice.max_size = max_size;
        let request = AccountRequest { order, label: Some("exhibit 2".into()), note: None, threads: 1 };
        acquire_account(&mut writer, &request, &Stopped, &Stopped).unwrap().ended.unwrap();
    };
    let server = Server::start(imap.clone());
    acquire(&imap, &server, Some(1500));
    acquire(&imap, &server, Some(1500));
    acquire(&pop3, &Server::start(pop3.clone()), None);
    writer.close().unwrap();
    fs::remove_dir_all(case.join("derived")).unwrap();
}

/// What a case with accounts answers, of which nothing may ever change.
fn answers(case: &Path) -> Value {
    let lines = |args: &[&str]| support::run(case, args).ok().json();
    let some = |one: &Value, keys: &[&str]| -> Value {
        keys.iter()
            .map(|key| ((*key).to_owned(), one[*key].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let searches: Value = [
        "kind:imap",
        "kind:pop3",
        "kind:mbox",
        "folder:Müller",
        "folder:work",
        "is:seen",
        "source:\"exhibit 2\"",
        "internaldate:2025-03-03",
        "subject:harbour",
    ]
    .iter()
    .map(|query| ((*query).to_owned(), support::count(case, query).into()))
    .collect::<serde_json::Map<_, _>>()
    .into();
    let items = lines(&["acquisitions", "--items", "--json"]);
    let keys = [
        "account",
        "folder",
        "internal_date_utc",
        "item",
        "path",
        "server",
        "sha256",
        "size",
        "uid",
        "wire_sha256",
    ];
    let items: Vec<Value> = items.iter().map(|one| some(one, &keys)).collect();
    let exceptions = lines(&["acquisitions", "--exceptions", "--json"]);
    let keys = ["account", "folder", "kind", "partial", "path"];
    let exceptions: Vec<Value> = exceptions.iter().map(|one| some(one, &keys)).collect();
    let runs = lines(&["acquisitions", "--json"]);
    let runs: Vec<Value> = runs.iter().map(|one| json!([one["type"], one["data"]["folders"]])).collect();
    let mut restored = serde_json::Map::new();
    for source in lines(&["info", "--json"])[0]["sources"].as_array().unwrap() {
        let id = source["source"].as_str().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("to");
        support::run(case, &["restore", id, "--quiet", "--to", to.to_str().unwrap()]).ok();
        for file in support::files_below(&to) {
            let digest = Sha256Digest::of(&fs::read(to.join(&file)).unwrap()).to_string();
            restored.insert(format!("{id}/{}", file.to_str().unwrap()), digest.into());
        }
    }
    json!({"exceptions": exceptions, "items": items, "restored": restored, "runs": runs, "searches": searches})
}

#[test]
fn a_case_of_version_2_with_accounts_is_verified_rebuilt_searched_listed_and_restored_as_ever() {
    answers_as_ever("v2", 2);
}

#[test]
fn a_case_of_version_3_with_accounts_is_verified_rebuilt_searched_listed_and_restored_as_ever() {
    answers_as_ever("v3", 3);
}

/// A frozen case with accounts answers what stands beside it, and only grows.
#[track_caller]
fn answers_as_ever(name: &str, version: u32) {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    copied(&frozen(name), &case);
    assert_eq!(fs::read_to_string(case.join("VERSION")).unwrap(), format!("mailtrail-case/{version}\n"));
    support::run(&case, &["verify", "--quiet", "--record-only"]).ok();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    support::run(&case, &["verify", "--quiet"]).ok();
    let text = support::run(&case, &["acquisitions", "--transcript"]).ok().text();
    talk::assert_only_read_then(&text);
    let want = fs::read_to_string(frozen(&format!("{name}.answers.json"))).unwrap();
    let want: Value = serde_json::from_str(&want).unwrap();
    let have = answers(&case);
    for (key, want) in want.as_object().unwrap() {
        assert_eq!(&have[key], want, "{key}");
    }
    // The record was added to, and nothing of it was changed.
    only_grew(name, &case);
}

/// Of the record of a frozen case nothing was changed, whatever was added.
#[track_caller]
fn only_grew(name: &str, case: &Path) {
    for file in support::files_below(&frozen(name)) {
        let (then, now) = (fs::read(frozen(name).join(&file)).unwrap(), fs::read(case.join(&file)).unwrap());
        let is_of_now = ["HEAD", "lock"].map(Path::new).contains(&file.as_path());
        assert!(is_of_now || now.starts_with(&then), "{}", file.display());
    }
}

#[test]
fn a_case_of_each_version_is_written_on_in_its_own_format() {
    for (name, ending) in [("v1", "jsonl"), ("v2", "jsonl"), ("v3", "jsonl.zst")] {
        let dir = tempfile::tempdir().unwrap();
        let case = dir.path().join("case");
        copied(&frozen(name), &case);
        support::run(&case, &["rebuild", "--quiet"]).ok();
        let before =
            support::run(&case, &["info", "--json"]).ok().json()[0]["items_committed"].as_u64().unwrap();
        let notes = support::count(&case, "subject:note");
        let seized = dir.path().join("seized");
        evidence::folder(&seized, 40);
        support::import(&case, &seized);
        support::run(&case, &["verify", "--quiet"]).ok();
        let after =
            support::run(&case, &["info", "--json"]).ok().json()[0]["items_committed"].as_u64().unwrap();
        assert_eq!(after - before, support::count(&case, "subject:note") - notes, "{name}");
        assert!(after > before);
        only_grew(name, &case);
        let lines = support::files_below(&case).into_iter().filter(|file| {
            file.starts_with("ledger")
                || file.starts_with("packs") && file.extension() != Some("pack".as_ref())
        });
        for file in lines {
            assert!(file.to_str().unwrap().ends_with(&format!(".{ending}")), "{name}: {}", file.display());
        }
        // The new lines are the same as in any other case, whatever the format.
        let other = dir.path().join("other");
        support::import(&other, &seized);
        assert!(support::ledger(&case).ends_with(&support::ledger(&other)), "{name}");
    }
}

/// The maker of `corpus/frozen/v2` and `v3`: with `MAILTRAIL_FREEZE=DIR` the case and its answers stay there, below
/// `DIR/accounts`.
#[test]
fn a_frozen_case_with_accounts_holds_what_was_put_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let place = std::env::var_os("MAILTRAIL_FREEZE")
        .map_or_else(|| dir.path().to_owned(), PathBuf::from)
        .join("accounts");
    let (source, case) = (place.join("seized"), place.join("case"));
    freeze_accounts(&source, &case);
    let copy = dir.path().join("copy");
    copied(&case, &copy);
    support::run(&copy, &["rebuild", "--quiet"]).ok();
    let answers = answers(&copy);
    let of = |key: &str| answers[key].as_array().unwrap();
    // Of nine messages over IMAP those over 1,500 bytes are left; two over POP3, two in the mbox.
    let excluded = of("exceptions").iter().filter(|one| one["kind"] == "excluded").count();
    assert!(excluded > 0 && of("items").len() + excluded == 11, "{excluded}");
    assert_eq!(answers["searches"]["kind:imap"], 9 - excluded);
    assert_eq!(
        (&answers["searches"]["kind:pop3"], &answers["searches"]["kind:mbox"]),
        (&2.into(), &2.into())
    );
    assert_eq!(answers["restored"].as_object().unwrap().len(), 11 - excluded + 1);
    let kinds: Vec<&Value> =
        of("runs").iter().map(|run| &run[0]).filter(|kind| *kind != "account_session").collect();
    let (begun, acquired) = ("account_begun", "account_acquired");
    assert_eq!(kinds, [begun, acquired, begun, "account_seen_again", begun, acquired]);
    fs::write(place.join("answers.json"), format!("{answers:#}\n")).unwrap();
}

#[test]
fn a_case_of_a_newer_format_is_refused_by_every_command_that_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    copied(&frozen("v1"), &case);
    fs::write(case.join("VERSION"), "mailtrail-case/4\n").unwrap();
    let before = support::files_below(&case);
    for args in [&["info"][..], &["search", "x"], &["rebuild"], &["report"], &["log"], &["verify"]] {
        support::run(&case, args).with_code(6);
    }
    support::run(&case, &["import", support::own_corpus().join("mbox").to_str().unwrap()]).with_code(6);
    assert_eq!(support::files_below(&case), before, "nothing was written");
}
