//! An account comes back from the case as files, whatever its folders are called.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::support::server::{Box_, Mail, Model, Server};
use crate::support::{self, run};

/// A folder with a message that no other folder has, or an empty one.
fn folder(name: &[u8], validity: u64, mails: u64) -> Box_ {
    let mail = |uid| Mail {
        uid,
        flags: String::new(),
        bytes: format!("Subject: {uid} of {validity}\r\n\r\nx\r\n").into_bytes(),
        uidl: String::new(),
    };
    Box_ { name: name.to_vec(), attributes: String::new(), validity, mails: (1..=mails).map(mail).collect() }
}

/// Folders that no file system takes, or that climb, steer, or meet.
fn evil() -> Vec<Box_> {
    let long = "l".repeat(300);
    let umlauts = "&APw-".repeat(200);
    let deep = vec!["d"; 1500].join("/");
    let names: Vec<Vec<u8>> = vec![
        b"INBOX".to_vec(),
        long.clone().into_bytes(),
        format!("{long}2").into_bytes(),
        format!("{long}/below").into_bytes(),
        umlauts.into_bytes(),
        deep.clone().into_bytes(),
        format!("{deep}/e").into_bytes(),
        b"..".to_vec(),
        b"../../etc".to_vec(),
        b"a/./b".to_vec(),
        b"\x1b[2J\x07".to_vec(),
        b"two".to_vec(),
        b"&AHQ-wo".to_vec(),
        b"names.jsonl".to_vec(),
    ];
    let mut boxes: Vec<Box_> = names.iter().zip(20..).map(|(name, n)| folder(name, n, 2)).collect();
    boxes.push(folder(b"empty", 90, 0));
    boxes
}

fn acquired(dir: &Path, model: &Model) -> String {
    let server = Server::start(model.clone());
    std::fs::write(dir.join("password"), "correct horse\n").unwrap();
    let mut command = support::program();
    command.args(["acquire", &model.url(server.port), "--json", "--password-file"]).arg(dir.join("password"));
    command.arg("--ca-file").arg(server.ca_file()).arg("--case").arg(dir.join("case"));
    let end = support::finish(command).ok().json().pop().unwrap();
    assert_eq!(server.record().violations, Vec::<String>::new());
    end["source"].as_str().unwrap().to_owned()
}

#[test]
fn an_account_is_restored_whole_whatever_its_folders_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model { boxes: evil(), ..Model::new(true) };
    let source = acquired(dir.path(), &model);
    let case = dir.path().join("case");
    let to = dir.path().join("to");
    let ran = run(&case, &["restore", &source, "--json", "--to", to.to_str().unwrap()]).ok();
    let done = ran.json().pop().unwrap();
    assert_eq!((&done["files"], &done["exact"]), (&model.mails().into(), &true.into()));
    // Each message once, nothing beside them, and nothing outside.
    let files = support::files_below(&to);
    let have: BTreeSet<Vec<u8>> = files.iter().map(|file| std::fs::read(to.join(file)).unwrap()).collect();
    let want: BTreeSet<Vec<u8>> =
        model.boxes.iter().flat_map(|folder| &folder.mails).map(|mail| mail.bytes.clone()).collect();
    assert_eq!(files.len(), want.len());
    assert!(have == want);
    let beside: BTreeSet<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(beside, ["case", "password", "to", "to.names.jsonl"].map(str::to_owned).into());
    assert!(to.join("empty;UIDVALIDITY=90").is_dir());
    for file in &files {
        assert!(file.to_str().unwrap().bytes().all(|byte| byte >= b' '), "{file:?}");
    }
    // The list leads from each path of the record to its file.
    let text = std::fs::read_to_string(dir.path().join("to.names.jsonl")).unwrap();
    let names: BTreeMap<String, String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|one| (one["path"].as_str().unwrap().to_owned(), one["restored"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!((names.len(), &done["renamed"]), (6, &6.into()), "{text}");
    for item in run(&case, &["acquisitions", "--items", "--json"]).ok().json() {
        let path = item["path"].as_str().unwrap();
        let (folder, name) = path.rsplit_once('/').unwrap();
        let folder = names.get(folder).map_or(folder, String::as_str);
        let bytes = std::fs::read(to.join(folder).join(name)).unwrap();
        let digest = mailtrail::types::Sha256Digest::of(&bytes).to_string();
        assert_eq!(item["sha256"], digest.as_str(), "{path}");
    }
    // The custody log has it, and people are told.
    let event = run(&case, &["log", "--json"]).ok().json().pop().unwrap();
    assert_eq!((&event["type"], &event["data"]["renamed"]), (&"restored".into(), &6.into()));
    let again = dir.path().join("again");
    let text = run(&case, &["restore", &source, "--to", again.to_str().unwrap()]).ok().text();
    assert!(text.contains("again.names.jsonl"), "{text}");
    assert_eq!(support::files_below(&again), files);
}
