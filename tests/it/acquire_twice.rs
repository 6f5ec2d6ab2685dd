//! What a server gives twice, gives differently, takes away, or breaks off: all of it is told, nothing of it is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mailtrail::acquire::{Order, Why};
use mailtrail::types::Sha256Digest;
use serde_json::Value;

use crate::support::collect::{Has, collect, order};
use crate::support::dovecot::{Dovecot, PASSWORD, Settings, is_here};
use crate::support::maildir::Account;
use crate::support::server::{Act, Fault, Model, Server};
use crate::support::tap::Tap;
use crate::support::{self, Ran};

/// Runs the program against a model.
fn acquire(case: &Path, server: &Server, model: &Model, more: &[&str]) -> Ran {
    let mut command = support::program();
    command.args(["acquire", &model.url(server.port), "--password-env", "PW", "--ca-file"]);
    command.arg(server.ca_file()).arg("--case").arg(case).env("PW", "correct horse");
    command.args(["--json", "--timeout", "5"]).args(more);
    support::finish(command)
}

fn last(ran: &Ran) -> Value {
    ran.json().pop().unwrap()
}

fn exceptions(case: &Path, kind: &str) -> Vec<Value> {
    let all = support::run(case, &["acquisitions", "--exceptions", "--json"]).ok().json();
    all.into_iter().filter(|one| one["kind"] == kind).collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256Digest::of(bytes).to_string()
}

/// The ledger but for the line of the account, which names the port, and the end, which is a digest over it.
fn lines(case: &Path) -> Vec<String> {
    let ledger = String::from_utf8(support::ledger(case)).unwrap();
    let all: Vec<_> = ledger.lines().skip(1).map(str::to_owned).collect();
    let (closed, lines) = all.split_last().unwrap();
    assert!(closed.contains("\"t\":\"closed\""), "{closed}");
    lines.to_vec()
}

/// Puts another body into the answer to a second command for the bodies of INBOX.
fn made_anew() -> (Model, Vec<u8>) {
    let mut model = Model::new(true);
    let mut other = model.boxes[0].mails[3].bytes.clone();
    other.extend_from_slice(b"made anew\r\n");
    let (old, new) = (model.boxes[0].mails[3].clone(), other.clone());
    let fault: Fault = Arc::new(move |m, a| {
        if m.verb != "BODY" || m.nth == 0 {
            return Act::Send;
        }
        let one = |bytes: &[u8]| [format!("{{{}}}\r\n", bytes.len()).as_bytes(), bytes].concat();
        Act::Say(replaced(a, &one(&old.bytes), &one(&new)))
    });
    model.fault = fault;
    (model, other)
}

/// The first `old` as `new`.
fn replaced(answer: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    match answer.windows(old.len()).position(|w| w == old) {
        Some(at) => [&answer[..at], new, &answer[at + old.len()..]].concat(),
        None => answer.to_vec(),
    }
}

#[test]
fn two_bodies_of_one_message_are_both_in_the_case_and_come_out_as_they_came() {
    let mut model = Model::new(true);
    let mail = model.boxes[0].mails[3].bytes.clone();
    let other = b"Subject: another\r\n\r\nbody \0 with \xff\r\n".to_vec();
    let twice = other.clone();
    model.fault = Arc::new(move |m, a| {
        if m.verb != "BODY" || m.line.contains("101") {
            return Act::Send;
        }
        let more = [format!("* 4 FETCH (UID 4 BODY[] {{{}}}\r\n", twice.len()).as_bytes(), &twice, b")\r\n"]
            .concat();
        let done = format!("{} OK", m.tag);
        Act::Say(replaced(a, done.as_bytes(), &[&more, done.as_bytes()].concat()))
    });
    let server = Server::start(model.clone());
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let end = last(&acquire(&case, &server, &model, &[]).ok());
    assert_eq!((&end["items"], &end["whole"]), (&13.into(), &true.into()));
    let told = exceptions(&case, "bodies-differ");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["sha256"], hex(&other));
    assert!(told[0]["path"].as_str().unwrap().ends_with(";UID=4"));
    for digest in [hex(&mail), hex(&other)] {
        assert!(told[0]["cause"].as_str().unwrap().contains(&digest), "{}", told[0]);
    }
    let csv = support::run(&case, &["acquisitions", "--exceptions", "--csv"]).ok().text();
    assert!(csv.lines().next().unwrap().ends_with(",\"sha256\"") && csv.contains(&hex(&other)), "{csv}");
    // Its exact bytes; the message itself is the first one.
    assert_eq!(support::run(&case, &["acquisitions", "--blob", &hex(&other)]).ok().out, other);
    assert_eq!(support::count(&case, &format!("sha256:{}", hex(&mail))), 1);
    assert_eq!(support::count(&case, "subject:another"), 0);
    // What no event names is not given in this way.
    let ran = support::run(&case, &["acquisitions", "--blob", &hex(&mail)]).with_code(1);
    assert!(ran.err.contains("hint:") && ran.out.is_empty(), "{}", ran.err);
    support::run(&case, &["acquisitions", "--blob", "abc"]).with_code(2);
    support::run(&case, &["verify"]).ok();
    // And it is covered: a case without it is damaged.
    let pack = case.join("packs/000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    support::run(&case, &["verify"]).with_code(4);
}

#[test]
fn fetching_again_changes_nothing_in_the_ledger_and_tells_what_differs() {
    let dir = tempfile::tempdir().unwrap();
    let honest = Model::new(true);
    let server = Server::start(honest.clone());
    let (plain, again) = (dir.path().join("plain"), dir.path().join("again"));
    acquire(&plain, &server, &honest, &[]).ok();
    let end = last(&acquire(&again, &server, &honest, &["--refetch-verify"]).ok());
    assert_eq!(support::ledger(&plain), support::ledger(&again));
    assert_eq!(end["refetched"].to_string(), r#"{"alike":13,"differ":0,"failed":0}"#);
    let begun = |case: &Path| {
        let runs = support::run(case, &["acquisitions", "--json"]).ok().json();
        runs.into_iter().find(|run| run["type"] == "account_begun").unwrap()["data"]["refetch_verify"].clone()
    };
    assert_eq!((begun(&plain), begun(&again)), (Value::Null, true.into()));
    assert!(exceptions(&again, "bodies-differ").is_empty());
    support::run(&again, &["verify"]).ok();
    // A server that makes a message anew: both are kept, the first is the message.
    let (model, other) = made_anew();
    let server = Server::start(model.clone());
    let case = dir.path().join("case");
    let end = last(&acquire(&case, &server, &model, &["--refetch-verify", "--connections", "1"]).ok());
    assert_eq!(end["refetched"].to_string(), r#"{"alike":12,"differ":1,"failed":0}"#);
    assert_eq!(lines(&case), lines(&plain));
    assert_eq!(exceptions(&case, "bodies-differ")[0]["sha256"], hex(&other));
    assert_eq!(support::run(&case, &["acquisitions", "--blob", &hex(&other)]).ok().out, other);
    support::run(&case, &["verify"]).ok();
    let runs = support::run(&case, &["acquisitions"]).ok().text();
    assert!(runs.contains("fetched again: 9 the same, 1 not, 0 not to be had again"), "{runs}");
}

#[test]
fn a_run_that_fetches_again_and_is_cut_is_the_uncut_run() {
    let dir = tempfile::tempdir().unwrap();
    for is_imap in [true, false] {
        let honest = Model::new(is_imap);
        let whole = dir.path().join(format!("whole-{is_imap}"));
        acquire(&whole, &Server::start(honest.clone()), &honest, &[]).ok();
        let mut model = honest.clone();
        let commands = AtomicUsize::new(0);
        model.fault = Arc::new(move |m, a| {
            let is_body = m.verb == "BODY" || m.verb == "TOP";
            // The longer it lasts the more comes.
            if is_body && commands.fetch_add(1, Ordering::SeqCst) < 12 {
                return if m.nth == 0 { Act::Send } else { Act::SayAndClose(a[..a.len() * 2 / 3].to_vec()) };
            }
            Act::Send
        });
        let server = Server::start(model.clone());
        let case = dir.path().join(format!("case-{is_imap}"));
        let (mut runs, mut alike) = (0, 0);
        loop {
            runs += 1;
            let ran = acquire(
                &case,
                &server,
                &model,
                &["--refetch-verify", "--retries", "0", "--connections", "1"],
            );
            for run in support::run(&case, &["acquisitions", "--json"]).ok().json().iter().rev().take(1) {
                for folder in run["data"]["folders"].as_array().unwrap() {
                    alike += folder["refetched"]["alike"].as_u64().unwrap_or(0);
                }
            }
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, 1, "{}", ran.err);
            assert!(runs < 30, "{}", ran.err);
        }
        assert!(runs > 2, "{runs}");
        assert_eq!(lines(&case), lines(&whole));
        let failed = exceptions(&case, "not-refetched").len() as u64;
        assert_eq!(
            alike + failed,
            honest.mails() as u64,
            "each message of each run was compared, or it is told"
        );
        assert!(!is_imap || failed == 0);
        support::run(&case, &["verify"]).ok();
    }
}

#[test]
fn pop3_messages_are_fetched_again_too() {
    let mut model = Model::new(false);
    let mut other = model.boxes[0].mails[3].bytes.clone();
    other.extend_from_slice(b"made anew\r\n");
    model.fault = Arc::new(move |m, a| match (m.verb, m.nth) {
        // The eighth answer is the second one of the fourth message.
        ("TOP", 7) => Act::Say([&a[..a.len() - 3], b"made anew\r\n.\r\n"].concat()),
        ("TOP", 9) => Act::Say(b"-ERR [SYS/TEMP] not now\r\n".to_vec()),
        _ => Act::Send,
    });
    let server = Server::start(model.clone());
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let end = last(&acquire(&case, &server, &model, &["--refetch-verify"]).ok());
    assert_eq!(end["refetched"].to_string(), r#"{"alike":8,"differ":1,"failed":1}"#);
    assert_eq!(exceptions(&case, "bodies-differ")[0]["sha256"], hex(&other));
    assert_eq!(support::run(&case, &["acquisitions", "--blob", &hex(&other)]).ok().out, other);
    assert!(exceptions(&case, "not-refetched")[0]["cause"].as_str().unwrap().contains("not now"));
    assert!(server.record().violations.is_empty());
    support::run(&case, &["verify"]).ok();
    let plain = dir.path().join("plain");
    let honest = Model::new(false);
    acquire(&plain, &Server::start(honest.clone()), &honest, &[]).ok();
    assert_eq!(lines(&case), lines(&plain));
}

/// A server that breaks off after a share of each answer with bodies, as long as it is ill.
fn dying(
    is_imap: bool,
    is_ill: impl Fn() -> bool + Send + Sync + 'static,
    share: fn(usize) -> usize,
) -> Model {
    let mut model = Model::new(is_imap);
    model.fault = Arc::new(move |m, a| {
        let is_body = m.verb == "BODY" || m.verb == "TOP";
        if is_body && is_ill() { Act::SayAndClose(a[..share(a.len())].to_vec()) } else { Act::Send }
    });
    model
}

#[test]
fn what_came_whole_before_each_break_is_kept_and_the_end_is_that_of_an_uncut_run() {
    let dir = tempfile::tempdir().unwrap();
    let honest = Model::new(true);
    let whole = dir.path().join("whole");
    acquire(&whole, &Server::start(honest.clone()), &honest, &[]).ok();
    // Every answer breaks in a literal; each run keeps what came, so the next one gets further.
    let commands = AtomicUsize::new(0);
    let model = dying(true, move || commands.fetch_add(1, Ordering::SeqCst) < 5, |n| n * 2 / 3);
    let server = Server::start(model.clone());
    let case = dir.path().join("case");
    let mut kept = Vec::new();
    loop {
        let ran = acquire(&case, &server, &model, &["--retries", "0", "--connections", "1"]);
        kept.push(last(&ran)["items"].as_u64());
        if ran.code == 0 {
            break;
        }
        assert_eq!(ran.code, 1);
        assert!(kept.len() < 20);
    }
    assert!(kept[0] >= Some(5), "of ten messages two thirds came: {kept:?}");
    assert!(kept.len() > 2, "{kept:?}");
    assert_eq!(lines(&case), lines(&whole));
    support::run(&case, &["verify"]).ok();
}

#[test]
fn a_server_that_dies_leaves_no_message_marked_as_failed() {
    let dir = tempfile::tempdir().unwrap();
    for is_imap in [true, false] {
        let honest = Model::new(is_imap);
        let whole = dir.path().join(format!("whole-{is_imap}"));
        acquire(&whole, &Server::start(honest.clone()), &honest, &[]).ok();
        // Nothing comes at all, over and over, until the run gives up; then the server is well again.
        let is_ill = Arc::new(AtomicBool::new(true));
        let ill = Arc::clone(&is_ill);
        let model = dying(is_imap, move || ill.load(Ordering::SeqCst), |n| n.min(40));
        let server = Server::start(model.clone());
        let case = dir.path().join(format!("case-{is_imap}"));
        let more = ["--retries", "1", "--connections", "1"];
        let ran = acquire(&case, &server, &model, &more).with_code(1);
        assert!(exceptions(&case, "failed").is_empty(), "{}", ran.err);
        is_ill.store(false, Ordering::SeqCst);
        acquire(&case, &server, &model, &more).ok();
        assert_eq!(lines(&case), lines(&whole));
        support::run(&case, &["verify"]).ok();
    }
}

/// A Dovecot that speaks in the clear, and the way to it.
fn in_the_clear(count: u64) -> (Dovecot, Account) {
    let more = "ssl = no\ndisable_plaintext_auth = no".to_owned();
    Dovecot::with_account_and(&Settings { more, ..Settings::default() }, count)
}

fn through(tap: &Tap, scheme: &str) -> Order {
    let mut order = order(&format!("{scheme}://joe@127.0.0.1:{}", tap.port), PASSWORD, None);
    order.trust.insecure_plain = true;
    order.choice.folders = if scheme == "imap" { vec!["INBOX".to_owned()] } else { Vec::new() };
    order
}

/// Calls `doveadm expunge` for a UID of INBOX, from another thread than the one that owns the server.
fn expunge(config: &Path, uid: u64) {
    let out = std::process::Command::new("doveadm")
        .arg("-c")
        .arg(config)
        .args(["expunge", "-u", "joe", "mailbox", "INBOX", "uid", &uid.to_string()])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

fn config(server: &Dovecot) -> PathBuf {
    server.dir().join("dovecot.conf")
}

#[test]
fn a_message_that_somebody_deletes_between_listing_and_fetching_is_gone() {
    if !is_here() {
        return;
    }
    let (server, account) = in_the_clear(60);
    let mut uids: Vec<u64> = account.uids(0).1.into_values().collect();
    uids.sort_unstable();
    let (gone, path) = (uids[2], config(&server));
    let times = AtomicUsize::new(0);
    let tap = Tap::new(server.imap, move |line| {
        if line.contains("BODY.PEEK[]") && times.fetch_add(1, Ordering::SeqCst) == 0 {
            expunge(&path, gone);
        }
    });
    let all = collect(&through(&tap, "imap"), &Has::default()).ok();
    all.assert_balance();
    let left: Vec<_> = all.left.iter().map(|l| (l.at.uid, l.why)).collect();
    assert_eq!(left, [(gone, Why::Gone)], "{:?}\n{}", all.left, all.dialogue());
    uids.retain(|uid| *uid != gone);
    assert_eq!(all.messages.iter().map(|m| m.uid).collect::<Vec<_>>(), uids);
    assert!(all.notices.iter().all(|n| !n.is_partial), "{:?}", all.notices);
    println!("{}", String::from_utf8_lossy(&all.left[0].note));
}

#[test]
fn a_long_message_that_somebody_deletes_while_it_is_fetched_is_gone() {
    if !is_here() {
        return;
    }
    let (server, mut account) = in_the_clear(5);
    account.deliver(
        0,
        9_000,
        &b"Subject: long\n\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(250_000),
    );
    server.look_through("joe");
    let uids = account.uids(0).1;
    let long = *uids.values().max().unwrap();
    let path = config(&server);
    let times = AtomicUsize::new(0);
    let tap = Tap::new(server.imap, move |line| {
        if line.contains("BODY.PEEK[]<8388608.") && times.fetch_add(1, Ordering::SeqCst) == 0 {
            expunge(&path, long);
        }
    });
    let mut order = through(&tap, "imap");
    order.limits.in_memory = 1 << 20;
    let all = collect(&order, &Has::default()).ok();
    all.assert_balance();
    let left: Vec<_> = all.left.iter().map(|l| (l.at.uid, l.why)).collect();
    assert_eq!(left, [(long, Why::Gone)], "{}", all.dialogue());
    assert_eq!((all.messages.len(), all.broken), (uids.len() - 1, 1));
    println!("{}", String::from_utf8_lossy(&all.left[0].note));
}

#[test]
fn a_message_of_pop3_that_somebody_deletes_is_gone() {
    if !is_here() {
        return;
    }
    let (server, account) = in_the_clear(60);
    let mut uids: Vec<u64> = account.uids(0).1.into_values().collect();
    uids.sort_unstable();
    let (gone, path, count) = (uids[2], config(&server), uids.len());
    let times = AtomicUsize::new(0);
    let tap = Tap::new(server.pop3, move |line| {
        if line.starts_with("TOP 1 ") && times.fetch_add(1, Ordering::SeqCst) == 0 {
            expunge(&path, gone);
        }
    });
    let all = collect(&through(&tap, "pop3"), &Has::default()).ok();
    all.assert_balance();
    let left: Vec<_> = all.left.iter().map(|l| (l.at.uid, l.why)).collect();
    assert_eq!(left, [(3, Why::Gone)], "{}", all.dialogue());
    assert_eq!(all.messages.len(), count - 1);
    println!("{}", String::from_utf8_lossy(&all.left[0].note));
}
