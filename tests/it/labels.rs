//! Labels of Gmail: one item for each message, found and shown by the names of its labels as by those of folders.

use std::path::Path;

use crate::support::server::{Model, Server};
use crate::support::{self, count, run};

/// A case with an account of Gmail: All Mail with ten messages, labels as folders beside it.
pub(crate) fn acquired(dir: &Path) -> std::path::PathBuf {
    let mut model = Model::new(true);
    model.more = vec!["X-GM-EXT-1", "SPECIAL-USE"];
    let mut all = model.boxes[0].clone();
    all.name = b"[Gmail]/All Mail".to_vec();
    "\\All".clone_into(&mut all.attributes);
    model.boxes[1].name = b"M&APw-ller &- \"S&APY-hne\"".to_vec();
    model.boxes[1].attributes = String::new();
    model.boxes.push(all);
    let server = Server::start(model.clone());
    std::fs::write(dir.join("password"), "correct horse\n").unwrap();
    let case = dir.join("case");
    let mut command = support::program();
    command.args(["acquire", &model.url(server.port), "--json", "--password-file"]).arg(dir.join("password"));
    command.arg("--ca-file").arg(server.ca_file()).arg("--case").arg(&case);
    let end = support::finish(command).ok().json().pop().unwrap();
    assert_eq!(end["items"], 10);
    assert_eq!(server.record().violations, Vec::<String>::new());
    case
}

#[test]
fn a_message_of_gmail_is_one_item_and_is_found_by_each_of_its_labels() {
    let dir = tempfile::tempdir().unwrap();
    let case = acquired(dir.path());
    for (query, hits) in [
        ("kind:imap", 10),
        ("folder:Müller", 5),
        ("folder:\"müller & \\\"söhne\\\"\"", 5),
        // As the server writes it.
        ("folder:\"M&APw-ller\"", 5),
        ("folder:work", 10),
        ("folder:inbox", 10),
        ("folder:\"x&A-\"", 2),
        ("folder:\"All Mail\"", 10),
        ("folder:Mueller", 0),
    ] {
        assert_eq!(count(&case, query), hits, "{query}");
    }
    run(&case, &["verify"]).ok();
}

#[test]
fn labels_are_shown_decoded_beside_what_the_server_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let case = acquired(dir.path());
    let labels = ["Müller & \"Söhne\"", "\\Inbox", "work"];
    let raw = ["M&APw-ller &- \"S&APY-hne\"", "\\Inbox", "work"];
    for args in [&["list", "folder:Müller", "--json"][..], &["acquisitions", "--items", "--json"]] {
        let items = run(&case, args).ok().json();
        let item = items.iter().find(|item| item["uid"] == 2).unwrap();
        assert_eq!((&item["labels"], &item["server"]["gm_labels"]), (&labels[..].into(), &raw[..].into()));
        assert_eq!(item["folder"], "[Gmail]/All Mail");
    }
    let all = run(&case, &["list", "--json"]).ok().json();
    // A label that is broken stays as it is.
    let item = all.iter().find(|item| item["uid"] == 5).unwrap();
    assert_eq!(item["labels"], serde_json::json!(["\\Inbox", "work", "x&A-"]));
    let id = all.iter().find(|item| item["uid"] == 2).unwrap()["item"].as_str().unwrap();
    let text = run(&case, &["show", id]).ok().text();
    let line = text.lines().find(|line| line.contains("labels")).unwrap();
    assert!(line.contains("\"Müller & \"Söhne\"\" (written M&APw-ller"), "{line}");
    let text = run(&case, &["acquisitions", "--items", "--csv"]).ok().text();
    assert!(text.contains(r#","""Müller & \""Söhne\"""" ""\\Inbox"" ""work""","#), "{text}");
}
