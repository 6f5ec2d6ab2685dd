//! What `export` hands over, and what it says of what it could not.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{self, events, evidence, run};

/// A message over 64 MiB: an attachment near its beginning, another that is most of it.
fn long_message() -> Vec<u8> {
    let mut out = b"From: alice@example.org\nTo: bob@example.org\nSubject: long\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\n\
        Content-Type: application/pdf; name=small.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--b\n\
        Content-Type: application/zip; name=large.zip\nContent-Transfer-Encoding: base64\n\n"
        .to_vec();
    out.extend(b"AwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQ=\n".repeat(1 << 20));
    out.extend_from_slice(b"--b--\n");
    assert!(out.len() > 64 << 20);
    out
}

fn provenance(to: &Path) -> Value {
    serde_json::from_slice(&fs::read(to.join("provenance.json")).unwrap()).unwrap()
}

/// Whether `SHA256SUMS` names every file of the export and each has its digest.
fn is_whole(to: &Path) -> bool {
    let sums = fs::read_to_string(to.join("SHA256SUMS")).unwrap();
    let names: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
    let files = support::files_below(to);
    let mut files: Vec<&str> = files.iter().map(|f| f.to_str().unwrap()).collect();
    files.retain(|name| *name != "SHA256SUMS");
    names == files
        && sums.lines().all(|line| {
            let digest = mailtrail::types::Sha256Digest::of(&fs::read(to.join(&line[66..])).unwrap());
            digest.to_string() == line[..64]
        })
}

#[test]
fn an_attachment_of_a_very_long_message_that_cannot_be_had_is_named_and_the_rest_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (case, seized, to) = (dir.path().join("case"), dir.path().join("seized"), dir.path().join("to"));
    fs::create_dir(&seized).unwrap();
    fs::write(seized.join("long.eml"), long_message()).unwrap();
    fs::write(seized.join("short.eml"), evidence::message(3)).unwrap();
    support::import(&case, &seized);
    let ran = run(&case, &["export", "*", "--attachments", "--json", "--to", to.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}{}", ran.text(), ran.err);
    let done = ran.json().pop().unwrap();
    assert_eq!((&done["items"], &done["attachments"]), (&2.into(), &2.into()));
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    assert!(item.ends_with("-1-1"));
    for failed in [&done["failed"], &provenance(&to)["failed"]] {
        assert_eq!(failed.as_array().unwrap().len(), 1, "{failed}");
        assert_eq!(failed[0]["item"], item.as_str());
        assert!(failed[0]["reason"].as_str().unwrap().contains("attachment 2"), "{failed}");
    }
    assert!(ran.err.contains(&item) && ran.err.contains("attachment 2"), "{}", ran.err);
    assert!(is_whole(&to));
    assert_eq!(fs::read(to.join("attachments/000001-1-small.pdf")).unwrap(), b"%PDF-");
    assert_eq!(
        fs::metadata(to.join(format!("mail/000001-{item}.eml"))).unwrap().len(),
        long_message().len() as u64
    );
    assert_eq!(run(&case, &["show", &item, "--attachment", "1"]).ok().out, b"%PDF-");
    let ran = run(&case, &["show", &item, "--attachment", "2"]).with_code(1);
    assert!(ran.err.contains("attachment 2 goes on beyond"), "{}", ran.err);
}

#[test]
fn an_export_is_an_event_of_the_custody_log() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    run(&case, &["init", "--authority", "warrant 4711", "--organisation", "Lab 3", "--examiner", "A"]).ok();
    support::import(&case, &support::own_corpus().join("mailbox"));
    let before = events(&case).len();
    let ran = run(&case, &["export", "hop:cloudpier.example", "--json", "--to", to.to_str().unwrap()]).ok();
    let done = ran.json().pop().unwrap();
    let log = events(&case);
    assert_eq!(log.len(), before + 1);
    let event = log.last().unwrap();
    assert_eq!(event["type"], "exported");
    assert_eq!(event["data"]["query"], "hop:cloudpier.example");
    assert_eq!(event["data"]["items"], done["items"]);
    assert_eq!(event["data"]["manifest_sha256"], done["manifest_sha256"]);
    assert!(event["data"]["to"].as_str().unwrap().ends_with("/to"));
    assert_eq!(done["logged"], true);
    let summary = run(&case, &["verify", "--json"]).ok().json().pop().unwrap();
    assert_eq!(summary["head"], done["head"]);
    let told = provenance(&to);
    assert_eq!(told["custody_events"], before);
    assert_eq!((&told["authority"], &told["organisation"]), (&"warrant 4711".into(), &"Lab 3".into()));
    run(&case, &["verify", "--quiet", "--expect-head", told["custody_head"].as_str().unwrap()]).ok();
    // The event of the first export changes nothing in the manifest of the second.
    let again = dir.path().join("again");
    run(&case, &["export", "hop:cloudpier.example", "--to", again.to_str().unwrap()]).ok();
    assert_eq!(fs::read(to.join("manifest.jsonl")).unwrap(), fs::read(again.join("manifest.jsonl")).unwrap());
}

#[test]
fn an_export_of_a_case_that_cannot_be_written_to_is_made_and_says_that_it_was_not_logged() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    support::import(&case, &support::own_corpus().join("mailbox"));
    let before = events(&case).len();
    let lock = fs::OpenOptions::new().write(true).open(case.join("lock")).unwrap();
    lock.lock().unwrap();
    // Somebody holds the case, and the log ends in a write that was cut off: only the holder may put that right.
    let log = fs::read(case.join("custody.jsonl")).unwrap();
    fs::write(case.join("custody.jsonl"), [&log[..], b"{\"data\":"].concat()).unwrap();
    let ran = run(&case, &["export", "*", "--json", "--to", to.to_str().unwrap()]).ok();
    fs::write(case.join("custody.jsonl"), log).unwrap();
    lock.unlock().unwrap();
    assert!(ran.err.contains("the custody log does not tell that this was exported"), "{}", ran.err);
    let done = ran.json().pop().unwrap();
    assert_eq!((&done["logged"], &done["head"]), (&false.into(), &Value::Null));
    assert_eq!(events(&case).len(), before);
    assert!(is_whole(&to));
}

#[test]
fn what_was_restored_is_an_event_of_the_custody_log() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    support::import(&case, &support::own_corpus().join("mailbox"));
    let source = run(&case, &["info", "--json"]).ok().json()[0]["sources"][0]["source"].clone();
    let source = source.as_str().unwrap();
    let done =
        run(&case, &["restore", source, "--json", "--to", to.to_str().unwrap()]).ok().json().pop().unwrap();
    assert_eq!((&done["logged"], &done["exact"]), (&true.into(), &true.into()));
    let event = events(&case).pop().unwrap();
    assert_eq!(event["type"], "restored");
    assert_eq!((&event["data"]["id"], &event["data"]["files"]), (&source.into(), &done["files"]));
    run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn an_export_without_a_hit_is_done_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (case, to) = (dir.path().join("case"), dir.path().join("to"));
    support::import(&case, &support::own_corpus().join("mailbox"));
    let ran = run(&case, &["export", "nobodywrotethisword", "--to", to.to_str().unwrap()]).ok();
    assert!(ran.err.contains("the query finds nothing"), "{}", ran.err);
    assert!(is_whole(&to));
}

/// The rows of `list --json` and the cells of `list --csv` for one message.
fn listed(message: &[u8]) -> (Vec<Value>, String) {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("one.eml"));
    fs::write(&mail, message).unwrap();
    support::import(&case, &mail);
    run(&case, &["verify", "--quiet"]).ok();
    (run(&case, &["list", "--json"]).ok().json(), run(&case, &["list", "--csv"]).ok().text())
}

#[test]
fn a_message_id_that_is_not_utf_8_keeps_its_bytes() {
    let (rows, csv) =
        listed(b"Message-ID: <a\xe9b@x.example>\nDate: Mon, 3 Mar 2025 10:00:00 -0800\nSubject: -1\n\nx\n");
    assert_eq!(rows[0]["message_id"], serde_json::json!({"bytes": "PGHpYkB4LmV4YW1wbGU+"}));
    assert!(csv.contains("<a\u{fffd}b@x.example>"), "{csv}");
    let (rows, _) = listed("Message-ID: <aéb@x.example>\n\nx\n".as_bytes());
    assert_eq!(rows[0]["message_id"], "<aéb@x.example>");
}

#[test]
fn a_negative_offset_is_a_number_in_csv_and_text_is_guarded() {
    let (_, csv) = listed(b"Date: Mon, 3 Mar 2025 10:00:00 -0800\nSubject: -28800\n\nx\n");
    assert!(csv.contains(",\"-28800\",") && csv.contains(",\"'-28800\","), "{csv}");
}

#[test]
fn a_nested_child_has_the_item_as_parent_and_its_range_in_the_child_above() {
    let inner = "Subject: innermost\n\nhello\n";
    let middle = format!("Subject: middle\nContent-Type: message/rfc822\n\n{inner}");
    let top = format!("Subject: top\nContent-Type: message/rfc822\n\n{middle}");
    let (rows, _) = listed(top.as_bytes());
    let [item, middle_row, inner_row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&middle_row["parent"], &inner_row["parent"]), (&item["item"], &item["item"]));
    let part = |row: &Value| row["part"].as_str().unwrap().to_owned();
    assert!(part(inner_row).starts_with(&format!("{}.", part(middle_row))), "{rows:?}");
    let slice = |row: &Value, of: &str| {
        let place = |key: &str| usize::try_from(row[key].as_u64().unwrap()).unwrap();
        of[place("start")..place("end")].to_owned()
    };
    assert_eq!(slice(middle_row, &top), middle);
    assert_eq!(slice(inner_row, &middle), inner);
}

#[test]
fn sums_are_in_the_order_of_names_and_nothing_else_stays_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    // As text, the tenth attachment comes before the second.
    let mut mail = b"From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n".to_vec();
    for n in 1..=12 {
        mail.extend(format!("--b\nContent-Disposition: attachment; filename=f{n}\n\nfile {n}\n").bytes());
    }
    mail.extend(b"--b--\n");
    let path = dir.path().join("many.eml");
    fs::write(&path, mail).unwrap();
    support::import(&case, &path);
    support::import(&case, &{
        let plain = dir.path().join("plain.eml");
        fs::write(&plain, "From: b@example.org\n\nx\n").unwrap();
        plain
    });
    for form in [&["--attachments"][..], &["--attachments", "--raw"], &["--attachments", "--mbox"], &[]] {
        let to = dir.path().join(format!("out{}", form.len() + usize::from(form.contains(&"--raw"))));
        let to = if form.contains(&"--mbox") { to.with_extension("mbox") } else { to };
        run(&case, &[&["export", "*", "--to", to.to_str().unwrap()], form].concat()).ok();
        let sums = fs::read_to_string(to.join("SHA256SUMS")).unwrap();
        let names: Vec<String> = sums.lines().map(|line| line[66..].to_owned()).collect();
        let mut there: Vec<String> =
            support::files_below(&to).iter().map(|path| path.to_str().unwrap().to_owned()).collect();
        there.retain(|name| name != "SHA256SUMS");
        there.sort();
        assert_eq!(names, there, "{form:?}");
        assert_eq!(
            names.iter().any(|name| name.starts_with("attachments/")),
            form.contains(&"--attachments")
        );
    }
}
