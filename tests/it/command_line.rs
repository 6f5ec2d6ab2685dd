//! What the commands say to those who ask them: queries, orders, snippets, places, parts.

use std::fs;
use std::path::Path;

use crate::support;

/// Writes a folder: an mbox, a Maildir, and single messages.
fn evidence(dir: &Path) {
    let message = |subject: &str, more: &str, body: &str| {
        format!("From: Ann <ann@example.org>\nSubject: {subject}\nMessage-ID: <{subject}@x>\n{more}\n{body}")
    };
    let dated = "Date: Thu, 20 Nov 2025 08:15:04 +0000\n";
    let later = "Date: Fri, 21 Nov 2025 08:15:04 +0000\n";
    let read = message("one", &format!("{dated}Status: RO\nX-Status: D\n"), "all invoices\n");
    let from = "From ann@example.org Thu Nov 20 08:15:04 2025\n";
    fs::create_dir_all(dir.join("Maildir/cur")).unwrap();
    fs::write(dir.join("in.mbox"), format!("{from}{read}\n")).unwrap();
    let seen = message("two", later, "Dear Greta,\nhave you reached the port\n");
    fs::write(dir.join("Maildir/cur/1763626504.M1P2.host:2,ST"), seen).unwrap();
    let undated = message(
        "Invoice",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
        "--b\nContent-Type: text/plain\n\nDear Greta, have you reached the po\n--b\n\
         Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment\n\nonly letters\n\
         --b\nContent-Type: image/png; name=b.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoAAAAN\n\
         --b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoAAAAN\n\
         --b\nContent-Type: audio/x-wav\nContent-Transfer-Encoding: base64\n\nUklGRgAAAAA=\n--b--\n",
    );
    fs::write(dir.join("three.eml"), undated).unwrap();
}

/// A case with that folder.
fn case(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let (seized, case) = (dir.path().join("seized"), dir.path().join("case"));
    evidence(&seized);
    support::import(&case, &seized);
    case
}

fn subjects(case: &Path, args: &[&str]) -> Vec<String> {
    let found = support::run(case, &[args, &["--json"]].concat()).ok().items();
    found.iter().map(|item| item["subject"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_star_is_everything_in_every_command_and_all_is_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    for (query, number) in [("*", 3), ("", 3), ("all", 1), ("* NOT all", 2)] {
        assert_eq!(support::count(&case, query), number, "{query}");
        assert_eq!(subjects(&case, &["list", query]).len() as u64, number, "{query}");
        let to = dir.path().join(format!("export{}{number}", query.len()));
        let ran = support::run(&case, &["export", query, "--json", "--to", to.to_str().unwrap()]);
        if query.is_empty() {
            let ran = ran.with_code(2);
            assert!(ran.err.contains("hint: `*` exports every item") && !to.exists(), "{}", ran.err);
        } else {
            assert_eq!(ran.ok().json()[0]["items"], number, "{query}");
        }
    }
    assert_eq!(subjects(&case, &["list"]).len(), 3);
}

#[test]
fn undated_items_stand_last_in_both_directions_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    assert_eq!(subjects(&case, &["search", "*"]), ["two", "one", "Invoice"]);
    assert_eq!(subjects(&case, &["search", "*", "--sort", "newest"]), ["two", "one", "Invoice"]);
    assert_eq!(subjects(&case, &["search", "*", "--sort", "oldest"]), ["one", "two", "Invoice"]);
    let said = support::run(&case, &["search", "*", "--sort", "oldest", "-n", "1"]).ok().err;
    assert!(
        said.starts_with(
            "3 items match, 1 shown; 1 of them without a date that could be read, last in the order\n"
        ),
        "{said}"
    );
    let said = support::run(&case, &["list", "date:2025", "-n", "1"]).ok().err;
    assert_eq!(
        said,
        "2 items match, 1 shown\n1 item has no date that could be read and may belong here too: `NOT has:date`\n"
    );
}

#[test]
fn an_export_says_how_many_undated_items_it_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let to = dir.path().join("to");
    let ran = support::run(&case, &["export", "date:2025", "--to", to.to_str().unwrap()]).ok();
    assert!(ran.err.contains("1 item has no date that could be read"), "{}", ran.err);
}

#[test]
fn state_words_of_all_formats_meet_and_keep_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    for query in ["is:read", "is:seen", "state:SEEN", "is:deleted", "is:trashed", "is:del*"] {
        assert_eq!(support::count(&case, query), 2, "{query}");
    }
    assert_eq!(support::count(&case, "is:expunged"), 0);
    let items = support::run(&case, &["list", "--json"]).ok().json();
    let states: Vec<_> = items.iter().map(|i| i["state"].to_string()).collect();
    assert_eq!(states, ["[\"seen\",\"trashed\"]", "[\"read\",\"old\",\"deleted\"]", "[]"]);
}

#[test]
fn a_word_outside_of_a_fixed_set_is_a_mistake_and_not_an_empty_answer() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    for (query, says) in [
        ("anomaly:nonsense", "column 9: `anomaly:` has no `nonsense`"),
        ("is:nonsense", "read, seen, replied"),
        ("kind:nonsense", "message, child, mbox"),
        ("a hop.family:exm", "column 14: `hop.family:` has no `exm`"),
        ("has:child", "it takes attachment, date, subject, hop, anomaly"),
    ] {
        let ran = support::run(&case, &["search", query]).with_code(2);
        assert!(ran.out.is_empty() && ran.err.contains(says), "{query}: {}", ran.err);
    }
}

#[test]
fn a_snippet_names_its_part_and_joins_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let found = support::run(&case, &["search", "subject:invoice", "--snippets", "--json"]).ok().items();
    assert_eq!((&found[0]["snippet"], &found[0]["snippet_of"]), (&"Invoice".into(), &"subject".into()));
    let text = support::run(&case, &["search", "reached", "--snippets"]).ok().text();
    assert!(text.contains("    body: Dear Greta, have you reached the po\n"), "{text}");
    let text = support::run(&case, &["search", "letters", "--snippets"]).ok().text();
    assert!(text.contains("    text of attachment part 2: only letters\n"), "{text}");
    let found = support::run(&case, &["search", "date:2025", "--snippets", "--json"]).ok().items();
    assert!(found.len() == 2 && found.iter().all(|hit| hit.get("snippet").is_none()));
}

#[test]
fn show_names_the_part_of_every_text() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let id = support::run(&case, &["list", "subject:invoice", "--json"]).ok().json();
    let text = support::run(&case, &["show", id[0]["item"].as_str().unwrap()]).ok().text();
    let want = "\n  part 1, text/plain\n    Dear Greta, have you reached the po\n\
                \x20 part 2, application/pdf, attachment a.pdf\n    only letters\n\nAttachments";
    assert!(text.contains(want), "{text}");
}

#[test]
fn a_place_says_what_it_counts_in() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("mailbox"));
    let text = support::run(&case, &["report", "--all"]).ok().text();
    let places: Vec<_> = text.lines().filter(|line| line.contains(" at bytes ")).collect();
    assert!(!places.is_empty() && !text.contains("  at 1"), "{text}");
    for line in places {
        assert!(line.contains(" of the message") || line.contains(" of the container"), "{line}");
    }
}

#[test]
fn parts_without_words_are_reported_by_type() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let text = support::run(&case, &["report"]).ok().text();
    assert!(text.contains("  3 parts: binary (image/png 2, audio/x-wav 1)\n"), "{text}");
    assert_eq!(support::count(&case, "notindexed:binary"), 1);
    let lines = support::run(&case, &["report", "--json"]).ok().json();
    let types: Vec<_> = lines.iter().filter_map(|l| l["content_type"].as_str()).collect();
    assert_eq!(types, ["image/png", "image/png", "audio/x-wav"]);
}

#[test]
fn a_message_over_the_parse_limit_has_its_whole_size() {
    let dir = tempfile::tempdir().unwrap();
    let (seized, case) = (dir.path().join("seized"), dir.path().join("case"));
    fs::create_dir_all(&seized).unwrap();
    let mut long = b"From: ann@example.org\nSubject: long\n\n>From here\n".to_vec();
    long.resize(33 << 20, b'x');
    let from = b"From ann@example.org Thu Nov 20 08:15:04 2025\n";
    fs::write(seized.join("in.mbox"), [&from[..], &long, b"\n\n"].concat()).unwrap();
    support::import(&case, &seized);
    let item = support::run(&case, &["list", "--json"]).ok().json().remove(0);
    let lines = item["rule_lines"].as_u64().unwrap();
    assert_eq!(lines, 1);
    assert_eq!(item["message_size"].as_u64().unwrap(), item["size"].as_u64().unwrap() - lines);
    assert_eq!(support::count(&case, "size:>=33M"), 1);
    support::run(&case, &["verify", "--quiet"]).ok();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    assert_eq!(support::run(&case, &["list", "--json"]).ok().json()[0], item);
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let to = dir.path().join("file/man1");
    let ran = support::run(dir.path(), &["man", "--to", to.to_str().unwrap()]).with_code(1);
    assert!(ran.err.contains("file/man1"), "{}", ran.err);
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let dir = tempfile::tempdir().unwrap();
    let script = support::run(dir.path(), &["--help"]).ok().text();
    let table = script.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A line that begins further in goes on with the one before it.
    let names = table.lines().filter(|l| l.starts_with("  ") && !l.starts_with("   "));
    let names: Vec<_> = names.filter_map(|l| l.split_whitespace().next()).filter(|n| *n != "help").collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let text = support::run(dir.path(), &[name, "--help"]).ok().text();
        assert!(text.contains(&format!("  mailtrail {name}")) && text.contains("Example"), "{name}: {text}");
        assert!(!text.contains('…'), "{name}: an example that does not work when pasted");
    }
}
