//! POP3 against Dovecot: byte-exact, resumable, and the mailbox stays as it was.

use std::collections::HashMap;
use std::time::Instant;

use mailtrail::acquire::{AcquireError, Order};

use crate::support::collect::{Has, collect, collect_until, order};
use crate::support::dovecot::{Dovecot, PASSWORD, is_here};
use crate::support::maildir::{Account, assert_unchanged, snapshot};
use crate::support::proxy::Proxy;

fn pop3s(server: &Dovecot, port: u16) -> Order {
    order(&format!("pop3s://joe@127.0.0.1:{port}"), PASSWORD, Some(server.ca_file()))
}

/// What POP3 shows of INBOX: a message always ends with a line end.
fn truth(account: &Account) -> HashMap<Vec<u8>, usize> {
    let mut truth = HashMap::new();
    for mail in account.mails.iter().filter(|m| m.folder == 0) {
        let mut wire = mail.wire.clone();
        if !wire.ends_with(b"\r\n") {
            wire.extend_from_slice(b"\r\n");
        }
        *truth.entry(wire).or_default() += 1;
    }
    truth
}

/// Checks each message against the files.
#[track_caller]
fn assert_exact<'m>(account: &Account, found: impl Iterator<Item = &'m Vec<u8>>) {
    let mut truth = truth(account);
    for bytes in found {
        let left = truth.get_mut(bytes).unwrap_or_else(|| {
            panic!("not on the server: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(300)]))
        });
        *left = left.checked_sub(1).expect("taken twice");
    }
    assert!(truth.values().all(|n| *n == 0), "{} messages are missing", truth.values().sum::<usize>());
}

#[test]
fn every_message_comes_byte_for_byte_and_the_maildir_stays_as_it_was() {
    if !is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(10_000);
    // A POP3 login alone makes Dovecot move new mail to `cur`, without flags (it does so for anybody). Nothing else may
    // change.
    let mut before = snapshot(&account.root);
    let mut listing = pop3s(&server, server.pop3s);
    listing.list_only = true;
    let listed = collect(&listing, &Has::default()).ok();
    assert_eq!((listed.messages.len(), listed.folders.len()), (0, 1));
    let mut after = snapshot(&account.root);
    let moved: Vec<_> =
        before.keys().filter(|p| p.starts_with("new") && p.components().count() == 2).cloned().collect();
    assert!(!moved.is_empty());
    for path in moved {
        let file = before.remove(&path);
        let name = format!("cur/{}:2,", path.file_name().unwrap().to_str().unwrap());
        before.insert(name.into(), file.unwrap());
    }
    let uids = std::path::Path::new("dovecot-uidlist");
    before.remove(uids);
    after.remove(uids);
    assert_unchanged(&before, &after);
    let before = snapshot(&account.root);
    let begun = Instant::now();
    let all = collect(&pop3s(&server, server.pop3s), &Has::default()).ok();
    println!("{} messages in {:?} over POP3", all.messages.len(), begun.elapsed());
    assert_exact(&account, all.messages.iter().map(|m| &m.bytes));
    all.assert_balance();
    assert_eq!(all.books[0].taken, all.books[0].listed);
    assert!(all.messages.iter().zip(1..).all(|(m, n)| m.uid == n), "places ascend from 1");
    assert_unchanged(&before, &snapshot(&account.root));

    // Sizes differ only where POP3 had to add the last line end.
    assert_eq!(all.codes(), ["size-announced-differs"]);
    assert!(all.notices.is_empty(), "{:?}", all.notices);
    let no_end = account.mails.iter().filter(|m| m.folder == 0 && !m.wire.ends_with(b"\r\n")).count();
    assert_eq!(all.messages.iter().filter(|m| !m.notes.is_empty()).count(), no_end);

    let session = &all.sessions[0];
    assert_eq!(session.tls.as_ref().unwrap().version, "TLSv1.3");
    assert!(String::from_utf8_lossy(&session.greeting).contains("Dovecot"));
    let dialogue = all.dialogue();
    for verb in ["DELE", "RSET", "LAST", "RETR", "QUIT", "s3cret"] {
        assert!(!dialogue.contains(verb), "{verb} is in the dialogue");
    }
    assert_eq!(dialogue.matches(" S= ").count(), all.messages.len());

    // A second run takes nothing.
    let has = Has(all.messages.iter().map(|m| m.path.clone().into_bytes()).collect());
    let again = collect(&pop3s(&server, server.pop3s), &has).ok();
    assert_eq!((again.messages.len(), again.books[0].known), (0, again.books[0].listed));
    again.assert_balance();
    assert_unchanged(&before, &snapshot(&account.root));
}

#[test]
fn a_run_that_is_cut_anywhere_and_gone_on_with_takes_each_message_once() {
    if !is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(400);
    let uncut = collect(&pop3s(&server, server.pop3s), &Has::default()).ok();
    let paths: Vec<_> = uncut.messages.iter().map(|m| (m.path.clone(), m.uid)).collect();
    for seed in 0..6 {
        // Broken within: the run makes the connection anew.
        let proxy = Proxy::seeded(server.pop3s, seed, 4, 200_000);
        let all = collect(&pop3s(&server, proxy.port), &Has::default()).ok();
        let found: Vec<_> = all.messages.iter().map(|m| (m.path.clone(), m.uid)).collect();
        assert_eq!(found, paths, "seed {seed}");
        assert_exact(&account, all.messages.iter().map(|m| &m.bytes));
        all.assert_balance();
    }
    // Stopped, and run again with what was taken.
    let first = collect_until(&pop3s(&server, server.pop3s), &Has::default(), 57);
    assert!(matches!(first.error, Some(AcquireError::Stopped)));
    let has = Has(first.messages.iter().map(|m| m.path.clone().into_bytes()).collect());
    let second = collect(&pop3s(&server, server.pop3s), &has).ok();
    assert_eq!(second.books[0].known, 57);
    assert_exact(&account, first.messages.iter().chain(&second.messages).map(|m| &m.bytes));
}

#[test]
fn long_messages_come_in_parts_and_exclusions_are_told_one_by_one() {
    if !is_here() {
        return;
    }
    let (server, mut account) = Dovecot::with_account(40);
    let long = [b"Subject: long\n\n".to_vec(), b".line of a long message\n".repeat(100_000)].concat();
    account.deliver(0, 77, &long);
    let mut order = pop3s(&server, server.pop3s);
    order.limits.in_memory = 1 << 20;
    let all = collect(&order, &Has::default()).ok();
    assert_exact(&account, all.messages.iter().map(|m| &m.bytes));
    assert_eq!(all.messages.iter().filter(|m| m.was_long).count(), 1);
    order.choice.max_size = Some(3000);
    let all = collect(&order, &Has::default()).ok();
    all.assert_balance();
    assert!(all.left.len() > 1);
    assert!(all.left.iter().all(|l| l.note.starts_with(b"max-size 3000: ")), "{:?}", all.left);
    assert!(all.messages.iter().all(|m| m.server.size.unwrap() <= 3000));
}

/// A POP3 server that lists two messages and ends every line in LF alone.
fn bare_server() -> u16 {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut out = socket.try_clone().unwrap();
                out.write_all(b"+OK ready\n").unwrap();
                for line in BufReader::new(socket).lines().map_while(Result::ok) {
                    let answer = match line.split(' ').next().unwrap() {
                        "CAPA" => "+OK\nUSER\nTOP\nUIDL\n.\n",
                        "STAT" => "+OK 2 80\n",
                        "LIST" => "+OK\n1 40\n2 40\n.\n",
                        "UIDL" => "+OK\n1 a\n2 b\n.\n",
                        "TOP" => "+OK\nFrom: a@example.org\nSubject: x\n\nbody\n.\n",
                        _ => "+OK\n",
                    };
                    if out.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_server_that_answers_nothing_usable_is_left_within_a_minute_and_what_it_listed_is_told() {
    let port = bare_server();
    let dir = tempfile::tempdir().unwrap();
    let mut command = crate::support::program();
    command.args(["acquire", &format!("pop3://joe@127.0.0.1:{port}"), "--insecure-plain"]);
    command.args(["--password-env", "PW", "--case"]).arg(dir.path().join("case")).env("PW", "correct horse");
    let begun = Instant::now();
    let ran = crate::support::finish(command).with_code(1);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    assert!(ran.text().contains("2 messages listed"), "{}", ran.text());
    assert!(ran.err.contains("ends lines in LF alone"), "{}", ran.err);
}
