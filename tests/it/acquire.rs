//! Accounts of a real Dovecot come into a case whole, byte for byte, and stay as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use mailtrail::types::Sha256Digest;
use serde_json::Value;

use crate::support::dovecot::{Dovecot, PASSWORD, is_here};
use crate::support::maildir::{self, Account};
use crate::support::proxy::Proxy;
use crate::support::talk;
use crate::support::{self, Ran};

/// A server with an account, and a folder for cases.
struct Bench {
    server: Dovecot,
    account: Account,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(messages: u64) -> Option<Self> {
        if !is_here() {
            return None;
        }
        let (server, account) = Dovecot::with_account(messages);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Some(Self { server, account, dir })
    }

    fn case(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command, without a case.
    fn command(&self, url: &str, more: &[&str]) -> Command {
        let mut command = support::program();
        command.args(["acquire", url, "--password-file"]).arg(self.dir.path().join("password"));
        command.arg("--ca-file").arg(self.server.ca_file()).args(more);
        command
    }

    fn acquire(&self, case: &Path, url: &str, more: &[&str]) -> Ran {
        let mut command = self.command(url, more);
        command.arg("--case").arg(case);
        support::finish(command)
    }

    fn imaps(&self) -> String {
        format!("imaps://joe@localhost:{}", self.server.imaps)
    }

    fn pop3s(&self) -> String {
        format!("pop3s://joe@localhost:{}", self.server.pop3s)
    }

    /// SHA-256 of each message as the wire must show it, by the path that the case must give it.
    fn truth(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for (nth, folder) in self.account.boxes.iter().enumerate() {
            let mails: Vec<_> = self.account.mails.iter().filter(|mail| mail.folder == nth).collect();
            if mails.is_empty() {
                continue;
            }
            let (validity, uids) = self.account.uids(nth);
            for mail in mails {
                let key = format!("{}\n{validity}\n{}", folder.name, uids[&mail.base]);
                assert!(out.insert(key, hex(&mail.wire)).is_none());
            }
        }
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256Digest::of(bytes).to_string()
}

fn objects(case: &Path, args: &[&str]) -> Vec<Value> {
    support::run(case, args).ok().json()
}

/// SHA-256 of each acquired message, by folder name, UIDVALIDITY and UID.
fn in_case(case: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for item in objects(case, &["acquisitions", "--items", "--json"]) {
        let path = item["path"].as_str().unwrap();
        let validity = path.split(";UIDVALIDITY=").nth(1).unwrap().split('/').next().unwrap();
        let key = format!("{}\n{validity}\n{}", item["folder"].as_str().unwrap(), item["uid"]);
        assert!(out.insert(key, item["sha256"].as_str().unwrap().to_owned()).is_none(), "{path} twice");
    }
    out
}

fn last(ran: &Ran) -> Value {
    ran.json().pop().unwrap()
}

/// Holds every command of the transcripts of a case against the list of what may be said.
#[track_caller]
fn only_reads(case: &Path) {
    let text = support::run(case, &["acquisitions", "--transcript"]).ok().text();
    assert!(!text.contains(PASSWORD) && !text.contains("s3cret"), "the transcript holds a secret");
    talk::assert_only_reads(&text);
}

/// A case that verifies, and whose acquisitions said nothing but what reads.
#[track_caller]
fn verified(case: &Path) {
    support::run(case, &["verify"]).ok();
    only_reads(case);
}

#[test]
fn ten_thousand_messages_come_in_byte_for_byte_and_the_mailbox_stays_as_it_was() {
    let Some(bench) = Bench::new(10_000) else { return };
    bench.server.settle("joe");
    let uids: Vec<_> = (0..bench.account.boxes.len()).map(|nth| bench.account.uids(nth)).collect();
    let before = maildir::snapshot(&bench.account.root);
    let case = bench.case("case");
    let ran = bench.acquire(&case, &bench.imaps(), &["--json", "--label", "B-1"]).ok();
    let end = last(&ran);
    assert_eq!(
        (&end["event"], &end["items"], &end["whole"]),
        (&"acquired".into(), &10_000.into(), &true.into())
    );
    // All of it, the server's lists of UIDs too, though nobody has asked for sizes before.
    maildir::assert_unchanged(&before, &maildir::snapshot(&bench.account.root));
    assert_eq!(uids, (0..bench.account.boxes.len()).map(|nth| bench.account.uids(nth)).collect::<Vec<_>>());
    let (want, have) = (bench.truth(), in_case(&case));
    assert_eq!(want.len(), 10_000);
    assert!(want == have, "{:?}", want.iter().find(|(key, sha256)| have.get(*key) != Some(sha256)));
    verified(&case);
    // The folders, the empty one too, and what the server said of a message.
    let folders: BTreeSet<String> = objects(&case, &["acquisitions", "--json"])
        .iter()
        .filter(|run| run["type"] == "account_acquired")
        .flat_map(|run| run["data"]["folders"].as_array().unwrap().clone())
        .map(|folder| folder["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(bench.account.boxes.iter().all(|folder| folders.contains(&folder.name)), "{folders:?}");
    flags_are_those_on_the_server(&bench, &case);
    // An honest server, so no exception but folders that hold folders alone.
    let odd = objects(&case, &["acquisitions", "--exceptions", "--json"]);
    assert!(odd.iter().all(|one| one["kind"] == "folder-noselect"), "{odd:?}");
    // Again: nothing.
    let ledger = support::ledger(&case);
    let again = last(&bench.acquire(&case, &bench.imaps(), &["--json"]).ok());
    assert_eq!(
        (&again["items"], &again["known"], &again["source"]),
        (&0.into(), &10_000.into(), &Value::Null)
    );
    assert_eq!(support::ledger(&case), ledger);
    maildir::assert_unchanged(&before, &maildir::snapshot(&bench.account.root));
    // Found again by what the server said.
    assert_eq!(support::count(&case, "kind:imap"), 10_000);
    assert_eq!(support::count(&case, "source:B-1"), 10_000);
    let mueller = bench.account.mails.iter().filter(|mail| mail.folder == 4).count() as u64;
    assert_eq!(support::count(&case, "folder:\"Müller & Söhne\""), mueller);
    let seen = bench.account.mails.iter().filter(|mail| mail.flags.iter().any(|f| f == "\\Seen")).count();
    assert_eq!(support::count(&case, "is:seen kind:imap NOT is:expunged"), seen as u64);
    assert_eq!(support::count(&case, "internaldate:2023-11-14..2024-12-31"), 10_000);
    assert_eq!(support::count(&case, "internaldate:2010"), 0);
}

fn flags_are_those_on_the_server(bench: &Bench, case: &Path) {
    let mut flags = BTreeMap::new();
    for item in objects(case, &["acquisitions", "--items", "--json"]) {
        let list: BTreeSet<String> = item["server"]["flags"]
            .as_array()
            .map(|list| list.iter().map(|flag| flag.as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        let key = (item["folder"].as_str().unwrap().to_owned(), item["uid"].as_u64().unwrap());
        flags.insert(key, (list, item["internal_date_utc"].as_str().unwrap().to_owned()));
    }
    let lists: Vec<_> = (0..bench.account.boxes.len() - 1).map(|nth| bench.account.uids(nth).1).collect();
    for mail in &bench.account.mails {
        let key = (bench.account.boxes[mail.folder].name.clone(), lists[mail.folder][&mail.base]);
        let (have, date) = &flags[&key];
        let have: Vec<&String> = have.iter().filter(|flag| *flag != "\\Recent").collect();
        assert_eq!(have, mail.flags.iter().collect::<Vec<_>>(), "{key:?}");
        assert!(date.starts_with("202"), "{date}");
    }
}

#[test]
fn a_second_run_takes_only_what_is_new_and_tells_what_changed() {
    let Some(mut bench) = Bench::new(60) else { return };
    let case = bench.case("case");
    bench.acquire(&case, &bench.imaps(), &["--json"]).ok();
    bench.account.deliver(1, 5_000, b"Subject: new\n\nnew\n");
    let gone = bench.account.mails.iter().position(|mail| mail.folder == 0).unwrap();
    let gone = bench.account.mails.remove(gone);
    bench.server.doveadm(&[
        "expunge",
        "-u",
        "joe",
        "mailbox",
        "INBOX",
        "uid",
        &bench.account.uids(0).1[&gone.base].to_string(),
    ]);
    bench.server.doveadm(&["flags", "add", "-u", "joe", "$Hot", "mailbox", "INBOX", "uid", "3:4"]);
    let ran = bench.acquire(&case, &bench.imaps(), &["--json"]).ok();
    let end = last(&ran);
    assert_eq!((&end["items"], &end["known"]), (&1.into(), &59.into()));
    let done = ran.json();
    let inbox = done
        .iter()
        .find(|e| e["event"] == "folder_done" && e["path"].as_str().unwrap().starts_with("INBOX;"))
        .unwrap();
    assert_eq!(inbox["flags_since"], "3:4");
    assert!(!inbox["vanished"].as_str().unwrap().is_empty());
    verified(&case);
    assert_eq!(support::count(&case, "subject:new kind:imap"), 1);
    let text = bench.acquire(&case, &bench.imaps(), &[]).ok().text();
    assert!(text.contains("nothing new in 9 folders of imaps://joe@localhost"), "{text}");
    assert!(text.contains("60 messages listed, of which the case had 60 before"), "{text}");
    assert!(text.contains("no longer on the server"), "{text}");
}

#[test]
fn exclusions_are_listed_one_by_one_and_books_balance() {
    let Some(bench) = Bench::new(80) else { return };
    let case = bench.case("case");
    let cut = "2023-11-14T23:00:00Z";
    let more = ["--json", "--before", cut, "--folder", "INBOX", "--folder", "Sent"];
    let end = last(&bench.acquire(&case, &bench.imaps(), &more).ok());
    let in_folders = || bench.account.mails.iter().filter(|mail| mail.folder < 2);
    // 1700002800 is that time.
    let wanted = in_folders().filter(|mail| mail.delivered < 1_700_002_800).count() as u64;
    let all = in_folders().count() as u64;
    assert!(wanted > 0 && wanted < all);
    assert_eq!((&end["items"], &end["excluded"]), (&wanted.into(), &(all - wanted).into()));
    let left = objects(&case, &["acquisitions", "--exceptions", "--json"]);
    let excluded: BTreeSet<_> =
        left.iter().filter(|one| one["kind"] == "excluded").map(|one| one["path"].to_string()).collect();
    assert_eq!(excluded.len() as u64, all - wanted);
    verified(&case);
    // Without the rule the rest comes.
    let end = last(&bench.acquire(&case, &bench.imaps(), &["--json"]).ok());
    assert_eq!(end["items"], 80 - wanted);
    assert_eq!(in_case(&case), bench.truth());
    verified(&case);
}

#[test]
fn a_connection_cut_at_random_points_gives_the_case_of_an_uncut_run() {
    let Some(bench) = Bench::new(120) else { return };
    // The port is unusual and stands in the record, so both go through a forwarder on one port after the other: what is
    // compared are the lines after the first and the digests.
    let lines = |case: &Path| {
        let ledger = String::from_utf8(support::ledger(case)).unwrap();
        let lines: Vec<String> = ledger.lines().skip(1).map(str::to_owned).collect();
        let (closed, lines) = lines.split_last().unwrap();
        assert!(closed.contains("\"t\":\"closed\""), "{closed}");
        lines.to_vec()
    };
    let whole = bench.case("whole");
    bench.acquire(&whole, &bench.imaps(), &["--json"]).ok();
    let want = lines(&whole);
    assert_eq!(in_case(&whole), bench.truth());
    let mut cuts = 0;
    for seed in 0..45 {
        let case = bench.case(&format!("case-{seed}"));
        let proxy = Proxy::seeded(bench.server.imaps, seed, 4, 70_000);
        let url = format!("imaps://joe@localhost:{}", proxy.port);
        let mut runs = 0;
        loop {
            runs += 1;
            let ran = bench.acquire(
                &case,
                &url,
                &["--json", "--retries", "0", "--connections", "1", "--timeout", "20"],
            );
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, 1, "{}{}", ran.text(), ran.err);
            assert!(runs < 30, "{}", ran.err);
        }
        assert_eq!(lines(&case), want, "seed {seed}");
        if seed % 10 == 0 {
            verified(&case);
        }
        cuts += proxy.cuts.load(std::sync::atomic::Ordering::SeqCst);
    }
    assert!(cuts >= 100, "{cuts} cuts");
}

#[test]
fn pop3_takes_the_inbox_byte_for_byte_and_marks_nothing() {
    let Some(bench) = Bench::new(400) else { return };
    // The first sign-in over POP3 makes Dovecot move new mail to `cur`, without flags, for anybody who signs in.
    support::finish(bench.command(&bench.pop3s(), &["--list"])).ok();
    let before = maildir::snapshot(&bench.account.root);
    let case = bench.case("case");
    let end = last(&bench.acquire(&case, &bench.pop3s(), &["--json"]).ok());
    let inbox: Vec<_> = bench.account.mails.iter().filter(|mail| mail.folder == 0).collect();
    assert_eq!(end["items"], inbox.len());
    maildir::assert_unchanged(&before, &maildir::snapshot(&bench.account.root));
    let have: Vec<String> = objects(&case, &["acquisitions", "--items", "--json"])
        .iter()
        .map(|item| item["sha256"].as_str().unwrap().to_owned())
        .collect();
    // A message without a final line end gets one on the wire: POP3 ends with CRLF.
    let mut want: Vec<String> = inbox
        .iter()
        .map(|mail| {
            let mut wire = mail.wire.clone();
            if !wire.ends_with(b"\r\n") {
                wire.extend_from_slice(b"\r\n");
            }
            hex(&wire)
        })
        .collect();
    let mut have_sorted = have.clone();
    have_sorted.sort();
    want.sort();
    let missing = want.iter().filter(|sha256| !have.contains(sha256)).count();
    assert_eq!(have_sorted, want, "{missing} differ");
    verified(&case);
    let again = last(&bench.acquire(&case, &bench.pop3s(), &["--json"]).ok());
    assert_eq!((&again["items"], &again["known"]), (&0.into(), &inbox.len().into()));
}

#[test]
fn mail_from_an_mbox_and_over_imap_is_one_content_with_two_instances() {
    let Some(bench) = Bench::new(40) else { return };
    let case = bench.case("case");
    let mbox = bench.dir.path().join("inbox.mbox");
    let mut bytes = Vec::new();
    let mut wires = BTreeSet::new();
    for mail in bench.account.mails.iter().filter(|mail| mail.folder == 0) {
        // Mail that an mbox holds unchanged: lines end in LF, none begins with `From `, the last line ends.
        let lf: Vec<u8> = mail.wire.iter().copied().filter(|&byte| byte != b'\r').collect();
        let is_plain = maildir::crlf(&lf) == mail.wire && lf.ends_with(b"\n") && !lf.starts_with(b"\n");
        let has_from =
            lf.split(|&b| b == b'\n').any(|line| line.starts_with(b"From ") || line.starts_with(b">From "));
        if !is_plain || has_from {
            continue;
        }
        bytes.extend_from_slice(b"From a@example.org Thu Nov 20 08:15:04 2025\n");
        bytes.extend_from_slice(&lf);
        bytes.push(b'\n');
        wires.insert(hex(&mail.wire));
    }
    assert!(wires.len() > 5);
    std::fs::write(&mbox, bytes).unwrap();
    support::import(&case, &mbox);
    bench.acquire(&case, &bench.imaps(), &["--json"]).ok();
    for wire in &wires {
        assert_eq!(support::count(&case, &format!("wire:{wire} kind:message")), 2, "{wire}");
    }
    let wire = wires.first().unwrap();
    let items = objects(&case, &["list", "--json", &format!("wire:{wire} kind:imap")]);
    let id = items[0]["item"].as_str().unwrap();
    let shown = support::run(&case, &["show", id]).ok().text();
    assert!(shown.contains("same content"), "{shown}");
    let shown = objects(&case, &["show", id, "--json"]);
    assert_eq!(shown[0]["same_content"].as_array().unwrap().len(), 1, "{}", shown[0]);
    verified(&case);
}

#[test]
fn a_list_takes_nothing_and_needs_no_case() {
    let Some(bench) = Bench::new(30) else { return };
    let before = maildir::snapshot(&bench.account.root);
    let ran = support::finish(bench.command(&bench.imaps(), &["--list"])).ok();
    assert!(ran.text().contains("Kunden/Müller & Söhne"), "{}", ran.text());
    assert!(ran.text().contains("nothing was taken"));
    let case = bench.case("case");
    let ran = bench.acquire(&case, &bench.imaps(), &["--list", "--json"]).ok();
    assert_eq!(last(&ran)["event"], "listed");
    assert!(support::files_below(&case.join("ledger")).is_empty());
    maildir::assert_unchanged(&before, &maildir::snapshot(&bench.account.root));
    verified(&case);
}

#[test]
fn no_secret_is_anywhere_in_the_case_and_a_wrong_one_ends_with_1() {
    let Some(bench) = Bench::new(10) else { return };
    let case = bench.case("case");
    bench.acquire(&case, &bench.imaps(), &[]).ok();
    let wrong = bench.dir.path().join("wrong");
    std::fs::write(&wrong, "not the pass word 4711\n").unwrap();
    let mut command = support::program();
    command.args(["acquire", &bench.pop3s(), "--password-file"]).arg(&wrong).arg("--ca-file");
    command.arg(bench.server.ca_file()).arg("--case").arg(&case);
    let ran = support::finish(command).with_code(1);
    assert!(ran.err.contains("hint:"), "{}", ran.err);
    verified(&case);
    let mut command = bench.command(&bench.imaps(), &[]);
    command.env("MAILTRAIL_CASE", &case);
    support::finish(command).ok();
    let talk = support::run(&case, &["acquisitions", "--transcript"]).ok().out;
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    for file in support::files_below(&case) {
        let bytes = std::fs::read(case.join(&file)).unwrap();
        for secret in [PASSWORD, "not the pass word 4711"] {
            for form in [secret.to_owned(), base64(secret), base64(&format!("\0joe\0{secret}"))] {
                for place in [&bytes, &talk] {
                    let is_there = place.windows(form.len()).any(|window| window == form.as_bytes());
                    assert!(!is_there, "{} holds a secret", file.display());
                }
            }
        }
    }
    // A password in the URL is refused before anything is written, and not repeated.
    let none = bench.case("none");
    let ran = bench.acquire(&none, "imaps://joe:topsecret@localhost", &[]).with_code(2);
    assert!(!ran.err.contains("topsecret") && !none.exists(), "{}", ran.err);
}

#[test]
fn a_list_before_an_acquisition_leaves_the_servers_lists_of_uids_as_they_were() {
    let Some(bench) = Bench::new(60) else { return };
    bench.server.settle("joe");
    let before = maildir::snapshot(&bench.account.root);
    for _ in 0..2 {
        let ran = support::finish(bench.command(&bench.imaps(), &["--list"])).ok();
        let bytes: u64 =
            bench.account.mails.iter().filter(|m| m.folder == 0).map(|m| m.wire.len() as u64).sum();
        let inbox = ran.text().lines().find(|line| line.contains("  INBOX")).unwrap().replace(',', "");
        assert_eq!(inbox.split_whitespace().nth(2), Some(bytes.to_string().as_str()), "{inbox}");
    }
    for case in ["first", "second"] {
        bench.acquire(&bench.case(case), &bench.imaps(), &[]).ok();
        maildir::assert_unchanged(&before, &maildir::snapshot(&bench.account.root));
    }
}

#[test]
fn a_list_ends_with_an_object_of_its_own_and_tells_the_size_of_each_folder() {
    let Some(bench) = Bench::new(30) else { return };
    let mut command = bench.command(&bench.imaps(), &["--list", "--json"]);
    command.env_remove("MAILTRAIL_CASE");
    let told = support::finish(command).ok().json();
    let end = told.last().unwrap();
    assert_eq!((&end["event"], &end["error"], &end["head"]), (&"listed".into(), &Value::Null, &Value::Null));
    let folders: Vec<&Value> = told.iter().filter(|one| one["event"] == "folder").collect();
    assert_eq!((&end["folders"], &end["items"]), (&folders.len().into(), &0.into()));
    for (nth, of) in bench.account.boxes.iter().enumerate() {
        let folder = folders.iter().find(|folder| folder["name"] == of.name.as_str()).unwrap();
        let in_it = || bench.account.mails.iter().filter(|mail| mail.folder == nth);
        assert_eq!(folder["exists"], in_it().count());
        assert_eq!(folder["bytes"], in_it().map(|mail| mail.wire.len()).sum::<usize>());
        assert!(folder["uid_validity"].is_u64() && folder["unseen"].is_u64(), "{folder}");
    }
}

#[test]
fn a_list_that_a_case_holds_says_nothing_of_books() {
    let Some(bench) = Bench::new(20) else { return };
    let case = bench.case("case");
    let end = last(&bench.acquire(&case, &bench.imaps(), &["--list", "--json"]).ok());
    assert_eq!((&end["balanced"], &end["whole"]), (&Value::Null, &Value::Null));
    let log = support::run(&case, &["acquisitions"]).ok().text();
    assert!(!log.contains("BALANCE") && !log.contains("taken"), "{log}");
    let inbox = bench.account.mails.iter().filter(|mail| mail.folder == 0).count();
    assert!(log.contains(&format!("INBOX  messages {inbox}, unseen ")), "{log}");
    let listed = objects(&case, &["acquisitions", "--json"]);
    let listed = listed.iter().find(|event| event["type"] == "account_listed").unwrap();
    assert!(!listed.to_string().contains("balanced"), "{listed}");
    verified(&case);
}

#[test]
fn the_sentence_of_a_run_counts_what_was_listed_and_not_what_else_the_case_has() {
    let Some(bench) = Bench::new(40) else { return };
    let case = bench.case("case");
    let (url, folders) = (bench.imaps(), bench.account.boxes.len());
    let first = bench.acquire(&case, &url, &[]).ok().text();
    assert!(
        first.contains(&format!("from {url}: 40 messages listed, of which the case had 0 before")),
        "{first}"
    );
    let again = bench.acquire(&case, &url, &[]).ok().text();
    let want = format!(
        "nothing new in {folders} folders of {url}: 40 messages listed, of which the case had 40 before"
    );
    assert!(again.contains(&want), "{again}");
    // No folder of that name: nothing was listed, and the case has what it had.
    let none = bench.acquire(&case, &url, &["--folder", "No such"]).with_code(3).text();
    let want =
        format!("nothing new in 0 folders of {url}: 0 messages listed, of which the case had 0 before");
    assert!(none.contains(&want), "{none}");
    std::fs::write(bench.dir.path().join("password"), "not it\n").unwrap();
    let refused = bench.acquire(&case, &url, &[]).with_code(1).text();
    assert!(refused.contains(&format!("acquired nothing from {url}\n")), "{refused}");
    // The exception log tells of which time it speaks.
    let log = support::run(&case, &["acquisitions", "--exceptions"]).ok().text();
    let stopped = log.lines().find(|line| line.starts_with("stopped ")).unwrap();
    assert!(stopped.contains(" (event ") && stopped.ends_with("Z)"), "{stopped}");
}

#[test]
fn what_a_run_that_was_cut_off_had_not_come_to_is_not_called_new() {
    let Some(bench) = Bench::new(120) else { return };
    let mut resumed = 0;
    for seed in 0..6 {
        let case = bench.case(&format!("case-{seed}"));
        let proxy = Proxy::seeded(bench.server.imaps, seed, 4, 70_000);
        let url = format!("imaps://joe@localhost:{}", proxy.port);
        for runs in 0.. {
            assert!(runs < 30);
            let ran =
                bench.acquire(&case, &url, &["--retries", "0", "--connections", "1", "--timeout", "20"]);
            let text = ran.text();
            assert!(!text.contains("changed:"), "{text}");
            if text.contains("this went on with a run that was cut off") {
                resumed += 1;
                assert_eq!(text.contains("cut off, and ended it\n"), ran.code == 0, "{text}");
            }
            if ran.code == 0 {
                break;
            }
        }
    }
    assert!(resumed > 0);
}

#[test]
fn an_order_that_no_server_can_carry_out_is_refused_before_anything_is_asked_or_made() {
    let dir = tempfile::tempdir().unwrap();
    let check = |url: &str, more: &[&str], why: &str| {
        let case = dir.path().join("case");
        let mut command = support::program();
        // Nobody listens there, and there is no such file.
        command.args(["acquire", url, "--password-file", "/no/such/file", "--case"]).arg(&case).args(more);
        let ran = support::finish(command).with_code(2);
        assert!(ran.err.contains(why) && !case.exists(), "{}", ran.err);
    };
    check("pop3s://joe@localhost:1", &["--since", "2026-01-01"], "no date");
    check("pop3s://joe@localhost:1", &["--folder", "Sent"], "one folder");
    check("imaps://joe@localhost:1", &["--since", "2026-02-01", "--before", "2026-02-01"], "not before");
}

#[test]
fn a_folder_that_was_renamed_deleted_or_made_anew_since_the_last_run_is_told() {
    let Some(bench) = Bench::new(60) else { return };
    let case = bench.case("case");
    let doveadm =
        |args: &[&str]| bench.server.doveadm(&[&["mailbox", args[0], "-u", "joe"], &args[1..]].concat());
    doveadm(&["create", "Bare", "Old & odd"]);
    bench.acquire(&case, &bench.imaps(), &[]).ok();
    let in_folder = |name: &str| {
        let nth = bench.account.boxes.iter().position(|of| of.name == name).unwrap();
        bench.account.mails.iter().filter(|mail| mail.folder == nth).count()
    };
    let other: Vec<&str> = bench.account.boxes.iter().map(|of| of.name.as_str()).collect();
    let anew =
        *other.iter().find(|name| **name != "Sent" && **name != "INBOX" && in_folder(name) > 1).unwrap();
    doveadm(&["rename", "Sent", "Sent before"]);
    doveadm(&["delete", "Bare"]);
    doveadm(&["delete", anew]);
    doveadm(&["create", anew]);
    let (sent, former) = (in_folder("Sent"), in_folder(anew));
    let want = [
        "changed: folder `Bare` is no longer on the server, or has another name there; the case has no message of it".to_owned(),
        format!("changed: folder `Sent` is no longer on the server, or has another name there; the case keeps {sent} messages of it"),
        format!("changed: folder `{anew}` was made anew on the server, with another UIDVALIDITY; the case keeps {former} messages of it"),
    ];
    // A folder that a rule leaves is not missed, since nobody looked.
    let ran = bench
        .acquire(&case, &bench.imaps(), &["--exclude", "Old*", "--folder", "INBOX", "--folder", "Old*"])
        .ok();
    assert!(!ran.text().contains("Old & odd"), "{}", ran.text());
    let ran = bench.acquire(&case, &bench.imaps(), &[]).ok();
    let told: BTreeSet<String> =
        ran.text().lines().filter(|line| line.starts_with("changed: folder ")).map(str::to_owned).collect();
    assert_eq!(told, want.iter().cloned().collect());
    let told = bench.acquire(&case, &bench.imaps(), &["--json"]).ok().json();
    let codes: Vec<&Value> =
        told.iter().map(|one| &one["code"]).filter(|code| **code == "folder-gone").collect();
    assert_eq!(codes.len(), 2);
    let log = objects(&case, &["acquisitions", "--exceptions", "--json"]);
    let anew: Vec<&Value> = log.iter().filter(|one| one["kind"] == "folder-anew").collect();
    assert!(
        anew.len() == 2 && anew.iter().all(|one| one["partial"] == false && one["event"].is_u64()),
        "{anew:?}"
    );
    verified(&case);
}
