//! The acquisition log, the sign-ins, the exception log and the downloaded-items list: the same in JSON and in CSV,
//! complete, and safe in a spreadsheet; and what an examiner sees while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::support::dovecot::{Dovecot, PASSWORD, is_here};
use crate::support::server::{Act, Model, Server};
use crate::support::{self, Ran, run};

struct Bench {
    dir: tempfile::TempDir,
    server: Server,
    url: String,
}

impl Bench {
    fn new(model: &Model) -> Self {
        let server = Server::start(model.clone());
        let url = model.url(server.port);
        Self { dir: tempfile::tempdir().unwrap(), server, url }
    }

    fn case(&self) -> PathBuf {
        self.dir.path().join("case")
    }

    fn acquire(&self, password: &str, more: &[&str]) -> Ran {
        let file = self.dir.path().join("password");
        std::fs::write(&file, password).unwrap();
        let mut command = support::program();
        command.args(["acquire", &self.url, "--case"]).arg(self.case()).arg("--password-file").arg(file);
        command.arg("--ca-file").arg(self.server.ca_file()).args(more);
        support::finish(command)
    }
}

/// The rows of a CSV view: its heads, and each cell as it was before it was made safe.
fn csv(case: &Path, args: &[&str]) -> Vec<std::collections::HashMap<String, String>> {
    let out = run(case, &[&["acquisitions", "--csv"], args].concat()).ok().out;
    let mut reader = csv::Reader::from_reader(out.as_slice());
    let heads = reader.headers().unwrap().clone();
    let undo = |cell: &str| {
        let is_number = cell.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell} is a formula");
        cell.strip_prefix('\'').unwrap_or(cell).to_owned()
    };
    let row =
        |record: csv::StringRecord| heads.iter().map(str::to_owned).zip(record.iter().map(undo)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// As CSV has it: text as it is, numbers in decimal, nothing for null.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn json(case: &Path, args: &[&str]) -> Vec<Value> {
    run(case, &[&["acquisitions", "--json"], args].concat()).ok().json()
}

#[test]
fn sign_ins_tell_whom_we_spoke_to_and_what_its_clock_said() {
    let mut model = Model::new(false);
    model.tls_first = false;
    model.fault = Arc::new(|moment, _| match moment.verb {
        "GREETING" => Act::Say(b"+OK ready <1896.1700000000@mail.example.org>\r\n".to_vec()),
        _ => Act::Send,
    });
    let bench = Bench::new(&model);
    bench.acquire("correct horse", &[]).ok();
    let (rows, objects) = (csv(&bench.case(), &["--sessions"]), json(&bench.case(), &["--sessions"]));
    assert_eq!((rows.len(), objects.len()), (1, 1));
    let (row, object) = (&rows[0], &objects[0]);
    assert_eq!(object["greeting_clock"], "2023-11-14T22:13:20Z");
    // Our clock stands in the event; the difference is what the two say.
    let ours: jiff::Timestamp = object["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(object["greeting_ahead_secs"], 1_700_000_000 - ours.as_second());
    for key in ["event", "time", "greeting_clock", "greeting_ahead_secs"] {
        assert_eq!(row[key], cell(&object[key]), "{key}");
    }
    let data = &object["data"];
    for key in ["url", "address", "mechanism", "greeting", "server_id"] {
        assert_eq!(row[key], cell(&data[key]), "{key}");
    }
    assert_eq!(data["address"], format!("127.0.0.1:{}", bench.server.port));
    for (nth, key) in ["capabilities_before_tls", "capabilities_before_sign_in", "capabilities_after_sign_in"]
        .iter()
        .enumerate()
    {
        // Lines of POP3; what steers a terminal is written out in CSV.
        assert_eq!(row[*key].replace("\\u{a}", "\n"), cell(&data["capabilities"][nth]), "{key}");
    }
    assert!(row["capabilities_before_tls"].contains("STLS"), "{row:?}");
    assert!(
        !row["capabilities_before_sign_in"].contains("STLS")
            && !row["capabilities_before_sign_in"].is_empty()
    );
    let tls = &data["tls"];
    assert_eq!((&row["tls_version"], &row["tls_cipher"]), (&cell(&tls["version"]), &cell(&tls["cipher"])));
    assert_eq!(row["tls_trusted_by"], "ca-file");
    assert_eq!(row["certificates"].split(' ').count(), tls["chain"].as_array().unwrap().len());
    let text = run(&bench.case(), &["acquisitions", "--sessions"]).ok().text();
    assert!(text.contains("signed in by PLAIN") && text.contains("2023-11-14T22:13:20Z"), "{text}");
}

#[test]
fn the_log_has_a_line_for_a_run_that_came_to_no_folder() {
    let bench = Bench::new(&Model::new(true));
    bench.acquire("wrong", &[]).with_code(1);
    bench.acquire("correct horse", &["--label", "B-1"]).ok();
    let rows = csv(&bench.case(), &[]);
    let outcomes: Vec<&str> = rows.iter().map(|row| row["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["account_stopped", "account_acquired", "account_acquired"]);
    assert!(rows[0]["error"].contains("refused to sign in"), "{:?}", rows[0]);
    let events = json(&bench.case(), &[]);
    let begun: Vec<&Value> =
        events.iter().filter(|e| e["type"] == "account_begun").map(|e| &e["time"]).collect();
    let end = events.last().unwrap();
    assert_eq!((&rows[0]["begun"], &rows[1]["begun"]), (&cell(begun[0]), &cell(begun[1])));
    for row in &rows[1..] {
        assert_eq!(
            (row["label"].as_str(), row["source"].as_str()),
            ("B-1", end["data"]["source"].as_str().unwrap())
        );
        assert_eq!(row["newest_internal_date"], "2025-03-03T09:00:00Z");
    }
}

#[test]
fn csv_holds_what_json_holds_and_no_cell_is_a_formula() {
    let mut model = Model::new(true);
    model.more = vec!["OBJECTID"];
    model.boxes[1].name = b"=HYPERLINK(\"http://x.example\")".to_vec();
    let mut third = model.boxes[1].clone();
    third.name = b"@sum 'x'".to_vec();
    third.validity = 19;
    model.boxes.push(third);
    let bench = Bench::new(&model);
    bench.acquire("correct horse", &["--max-size", "1000"]).ok();
    let case = bench.case();
    let (rows, objects) = (csv(&case, &["--items"]), json(&case, &["--items"]));
    assert!(rows.len() == objects.len() && !rows.is_empty() && rows.len() < model.mails());
    let log = run(&case, &["log", "--json"]).ok().json();
    for (row, object) in rows.iter().zip(&objects) {
        for key in
            ["item", "account", "folder", "uid", "size", "sha256", "wire_sha256", "path", "event", "time"]
        {
            assert_eq!(row[key], cell(&object[key]), "{key}");
        }
        let server = &object["server"];
        for (key, of) in [
            ("internal_date", "internal_date"),
            ("size_announced", "size"),
            ("email_id", "email_id"),
            ("thread_id", "thread_id"),
        ] {
            assert!(!row[key].is_empty(), "{key}");
            assert_eq!(row[key], cell(&server[of]), "{key}");
        }
        // The event by which it was durable, and its time.
        let event = log.iter().find(|event| event["seq"] == object["event"]).unwrap();
        assert_eq!((&event["type"], &event["ts"]), (&"items_committed".into(), &object["time"]));
    }
    let (rows, objects) = (csv(&case, &["--exceptions"]), json(&case, &["--exceptions"]));
    assert_eq!(rows.len(), objects.len());
    assert!(objects.iter().filter(|one| one["kind"] == "excluded").count() > 3);
    for (row, object) in rows.iter().zip(&objects) {
        for key in ["kind", "account", "folder", "path", "cause", "event", "time"] {
            assert_eq!(row[key], cell(&object[key]), "{key}");
        }
        assert_eq!(row["partial"] == "yes", object["partial"] == true);
    }
    let end = json(&case, &[]).pop().unwrap();
    let folders = end["data"]["folders"].as_array().unwrap();
    let rows = csv(&case, &[]);
    assert_eq!(rows.len(), folders.len());
    for (row, folder) in rows.iter().zip(folders) {
        assert_eq!(row["folder"], cell(&folder["name"]));
        for key in ["listed", "known", "taken", "excluded", "failed", "gone"] {
            assert_eq!(row[key], cell(&folder["books"][key]), "{key}");
        }
    }
    assert!(
        rows.iter().any(|row| row["folder"].starts_with('='))
            && rows.iter().any(|row| row["folder"].starts_with('@'))
    );
}

#[test]
fn each_folder_is_told_as_it_is_done_and_quiet_is_quiet() {
    let Some((server, mut account)) = is_here().then(|| Dovecot::with_account(40)) else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("password"), PASSWORD).unwrap();
    let acquire = |more: &[&str]| {
        let mut command = support::program();
        command.args(["acquire", &format!("imaps://joe@localhost:{}", server.imaps), "--password-file"]);
        command.arg(dir.path().join("password")).arg("--ca-file").arg(server.ca_file());
        command.arg("--case").arg(dir.path().join("case")).args(more);
        support::finish(command).ok()
    };
    let ran = acquire(&[]);
    let in_inbox = account.mails.iter().filter(|mail| mail.folder == 0).count();
    let line = format!("folder INBOX: {in_inbox} listed, {in_inbox} taken");
    assert!(ran.err.lines().any(|have| have == line), "{}", ran.err);
    // Each folder once; the one without mail too.
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("folder ")).count(), account.boxes.len());
    assert!(ran.err.contains("folder Empty: 0 listed"), "{}", ran.err);
    assert!(!ran.text().contains("changed:"), "{}", ran.text());
    // What is on the server now and was not, and the other way round.
    account.deliver(0, 5_000, b"Subject: new\n\nnew\n");
    server.doveadm(&["expunge", "-u", "joe", "mailbox", "INBOX", "uid", "2"]);
    server.doveadm(&["flags", "add", "-u", "joe", "$Hot", "mailbox", "INBOX", "uid", "3:4"]);
    let ran = acquire(&["--quiet"]);
    assert_eq!(ran.err, "");
    let text = ran.text();
    for wanted in [
        "changed: INBOX: 1 message is new",
        "changed: INBOX: 1 message no longer on the server (the case keeps them): UID 2",
        "changed: INBOX: 2 messages with other flags than when taken: UID 3:4",
    ] {
        assert!(text.lines().any(|line| line == wanted), "{text}");
    }
}
