//! What the README promises a newcomer, and what an examiner does on the first day.

use std::process::{Command, Stdio};

use crate::support;

#[test]
fn the_readme_search_finds_the_mails_of_the_strange_relay() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case-demo");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let found = support::run(&case, &["search", "hop:cloudpier.example"]).ok();
    let text = found.text();
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.contains("accounts@harbourfuels.example") && text.contains("New account details"), "{text}");
    assert_eq!(support::count(&case, "hop:cloudpier.example kind:message"), 6);
    assert_eq!(support::count(&case, "hop:cloudpier.example kind:child"), 1);
    let hits = support::run(&case, &["search", "--json", "hop:cloudpier.example"]).ok().items();
    for key in [
        "item",
        "source",
        "container",
        "path",
        "start",
        "end",
        "size",
        "sha256",
        "wire_sha256",
        "kind",
        "message_id",
        "date",
        "from",
        "to",
        "subject",
        "hops_total",
        "attachments",
        "anomalies",
    ] {
        assert!(hits.iter().all(|hit| hit.get(key).is_some()), "{key}");
    }
    let id = hits[0]["item"].as_str().unwrap();
    let shown = support::run(&case, &["show", id]).ok().text();
    assert!(shown.contains("Hops (") && shown.contains("cloudpier.example"), "{shown}");
    let raw = support::run(&case, &["show", "--raw", id]).ok().out;
    assert_eq!(mailtrail::types::Sha256Digest::of(&raw).to_string(), hits[0]["sha256"].as_str().unwrap());
    support::run(&case, &["verify", "--source"]).ok();
}

/// The lines of the first `sh` block of the README below a heading, without those of the shell's own words.
fn readme_block(heading: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, below) = readme.split_once(&format!("## {heading}\n")).unwrap();
    let (_, block) = below.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.lines().filter(|line| !line.starts_with("alias ")).map(str::to_owned).collect()
}

#[test]
fn the_tour_of_the_readme_can_be_typed_as_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    support::import(&dir.path().join("case-demo"), &support::own_corpus().join("mailbox"));
    let tour = readme_block("Five minutes");
    assert!(tour.len() > 15, "{tour:?}");
    let script =
        format!("set -e\nmailtrail() {{ {} \"$@\"; }}\n{}", env!("CARGO_BIN_EXE_mailtrail"), tour.join("\n"));
    let ran = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(
        out.contains("manifest.jsonl: OK")
            && (out.contains("the record agrees with itself")
                || out.contains("nothing has changed since head")),
        "{out}"
    );
    assert!(!err.contains("0 items match"), "{err}");
}

#[test]
fn the_first_answer_of_the_readme_is_what_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case-demo");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let found = support::run(&case, &["search", "hop:cloudpier.example"]).ok();
    assert!(readme.contains(&format!("{}{}", found.text(), found.err)), "{}{}", found.text(), found.err);
}

#[test]
fn nothing_from_a_mail_steers_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("mailbox"));
    for args in [&["list"][..], &["list", "--csv"], &["report", "--all"], &["search", "", "--snippets"]] {
        let out = support::run(&case, args).ok().out;
        let bad = out.iter().any(|&b| (b < 0x20 && b != b'\n' && b != b'\r') || b == 0x7f);
        assert!(!bad, "{args:?}");
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(|c| c == '\u{202e}' || ('\u{80}'..'\u{a0}').contains(&c)), "{args:?}");
    }
    for line in support::run(&case, &["list", "--json"]).ok().json() {
        let id = line["item"].as_str().unwrap();
        let out = support::run(&case, &["show", id]).ok().text();
        assert!(!out.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}'), "{id}");
    }
}

#[test]
fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let mut child = {
        let mut command = support::program();
        command.args(["list", "--json", "--case"]).arg(&case).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = support::program();
    command.args(["list", "--json", "--case"]).arg(&case).stdout(full).stderr(Stdio::null());
    assert_eq!(command.status().unwrap().code(), Some(1));
}

#[test]
fn a_full_disk_stops_an_import_that_then_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    support::evidence::folder(&seized, 2000);
    let clean = dir.path().join("clean");
    support::import(&clean, &seized);
    let case = dir.path().join("case");
    // A file may not grow beyond 64 KiB: the write fails as on a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} import --quiet --case {} {}",
        env!("CARGO_BIN_EXE_mailtrail"),
        case.display(),
        seized.display()
    );
    let ended = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(
        String::from_utf8_lossy(&ended.stderr).starts_with("error: "),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    support::import(&case, &seized);
    assert_eq!(support::ledger(&case), support::ledger(&clean));
    support::run(&case, &["verify", "--quiet"]).ok();
}

#[test]
fn exit_codes_are_those_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::run(&case, &["info"]).with_code(1);
    support::run(&case, &["search", "("]).with_code(1);
    support::run(&case, &["init", "--name", "x"]).ok();
    support::run(&case, &["init", "--name", "x"]).with_code(1);
    support::run(&case, &["frobnicate"]).with_code(2);
    let mut command = support::program();
    command.arg("info");
    assert_eq!(support::finish(command).code, 2, "no case named");
    support::import(&case, &support::own_corpus().join("mailbox"));
    support::run(&case, &["search", "nosuchfield:x"]).with_code(2);
    support::run(&case, &["search", "nobodywrotethisword"]).ok();
    support::run(&case, &["show", "0000000000000000-1-1"]).with_code(1);
}

#[test]
fn every_command_refuses_a_newer_format_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let mail = support::own_corpus().join("mailbox");
    support::import(&case, &mail);
    let list = support::run(&case, &["list", "--json"]).ok().json();
    let (item, container) = (list[0]["item"].as_str().unwrap(), list[0]["container"].as_str().unwrap());
    let to = dir.path().join("to");
    let (mail, to_text) = (mail.to_str().unwrap(), to.to_str().unwrap());
    let refuse_all = || {
        let before = state(&case);
        for command in [
            &["init"][..],
            &["import", mail],
            &["search", "x"],
            &["show", item],
            &["list"],
            &["info"],
            &["log"],
            &["report"],
            &["export", "*", "--to", to_text],
            &["restore", container, "--to", to_text],
            &["verify"],
            &["verify", "--record-only"],
            &["rebuild"],
        ] {
            let ran = support::run(&case, command);
            assert_eq!(ran.code, 6, "{command:?}: {}{}", ran.text(), ran.err);
            assert!(ran.err.contains("has format 4"), "{command:?}: {}", ran.err);
        }
        assert_eq!(state(&case), before);
        assert!(!to.exists());
    };
    std::fs::write(case.join("VERSION"), "mailtrail-case/4\n").unwrap();
    refuse_all();
    // A later format may have no head and no log at all.
    for name in ["HEAD", "custody.jsonl", "lock"] {
        std::fs::remove_file(case.join(name)).unwrap();
    }
    for name in ["ledger", "packs", "derived"] {
        std::fs::remove_dir_all(case.join(name)).unwrap();
    }
    refuse_all();
}

/// Every file of a case with its bytes.
fn state(case: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let read = |file: std::path::PathBuf| (file.clone(), std::fs::read(case.join(file)).unwrap());
    support::files_below(case).into_iter().map(read).collect()
}

#[test]
fn what_the_splitter_and_the_header_both_tell_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    for (file, code) in
        [("mbox/mozilla-expunged.mbox", "expunged"), ("mailbox/export/04-bom.eml", "byte-order-mark")]
    {
        let source = support::own_corpus().join(file);
        support::import(&case, &source);
        let lines = support::run(&case, &["report", "--json"]).ok().json();
        let found = lines.iter().filter(|line| line["code"] == code);
        assert_eq!(found.count(), 1, "{file}");
    }
}

#[test]
fn a_second_writer_is_refused_while_readers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let lock = std::fs::OpenOptions::new().write(true).open(case.join("lock")).unwrap();
    lock.lock().unwrap();
    support::run(&case, &["rebuild"]).with_code(5);
    support::run(&case, &["list"]).ok();
    lock.unlock().unwrap();
    support::run(&case, &["rebuild"]).ok();
}

#[test]
fn a_known_source_is_not_read_in_another_way_and_the_import_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (case, mail) = (dir.path().join("case"), dir.path().join("inbox"));
    std::fs::write(&mail, support::evidence::mbox(0, 5)).unwrap();
    support::import(&case, &mail);
    let ledger = support::ledger(&case);
    let mail = mail.to_str().unwrap();
    let ran = support::run(&case, &["import", "--split", "any", mail]).ok();
    let said =
        "already imported with kind auto and split header; not read again with kind auto and split any";
    assert!(ran.err.contains(said) && ran.err.contains("another case"), "{}", ran.err);
    let ran = support::run(&case, &["import", "--json", "--kind", "mbox", mail]).ok();
    let done = ran.json().pop().unwrap();
    assert_eq!(done["known"], true);
    assert_eq!(done["read_otherwise"], serde_json::json!({"kind": "auto", "split": "header"}));
    let ran = support::run(&case, &["import", "--json", mail]).ok();
    assert_eq!(ran.json().pop().unwrap()["read_otherwise"], serde_json::Value::Null);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    assert_eq!(support::ledger(&case), ledger);
}

#[test]
fn the_log_names_a_user_without_a_name_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    for (user, said) in [(None, " (uid "), (Some("alice"), " (alice, uid ")] {
        let mut command = support::program();
        command.env_remove("USER").env_remove("LOGNAME").envs(user.map(|user| ("USER", user)));
        let case = case.with_extension(user.unwrap_or("none"));
        command.args(["init", "--case"]).arg(&case);
        let made = support::finish(command).ok().text();
        assert!(made.contains("after 1 event: "), "{made}");
        let log = support::run(&case, &["log"]).ok().text();
        assert!(log.contains(said) && log.trim_end().ends_with("after 1 event"), "{log}");
    }
}
