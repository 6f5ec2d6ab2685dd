//! What a server takes away, and breaks off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::scripted::*;
use crate::acquire::{AcquireError, Why};

#[test]
fn a_message_that_was_expunged_is_gone_with_the_words_of_the_server() {
    let noop = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if command == "NOOP" {
            noop.fetch_add(1, Ordering::SeqCst);
            return say("* 3 EXPUNGE\r\nTAG OK done\r\n");
        }
        if is_bodies(command) && asked(set_of(command), 9) {
            let mut rest = mails();
            rest.remove(2);
            let out = fetch("TAG", command, &rest);
            let out = &out[..out.len() - b"TAG OK done\r\n".len()];
            return Act::Say([out, b"TAG NO [EXPUNGEISSUED] some are gone\r\n"].concat());
        }
        // The server shows it until it has been let to tell.
        if command.starts_with("UID FETCH 9 ") && noop.load(Ordering::SeqCst) > 0 {
            return say("TAG OK done\r\n");
        }
        Act::Usual
    });
    let told = run(&order(&server));
    assert_third_left(&told, Why::Gone);
    let note = String::from_utf8(told.left[0].note.clone()).unwrap();
    assert!(note.contains("[EXPUNGEISSUED] some are gone") && note.contains("no more"), "{note}");
    assert!(!told.is_partial());
}

#[test]
fn a_server_that_says_expunged_and_lists_it_still_has_failed() {
    let rule = third(|| b"* 3 EXPUNGE\r\n".to_vec());
    let told = run(&order(&serve(rule)));
    assert_third_left(&told, Why::Failed);
}

#[test]
fn what_came_in_place_of_a_message_is_told() {
    for (answer, words) in [
        ("* 3 FETCH (UID 9 BODY[] NIL)\r\n", "gave NIL"),
        ("* 3 FETCH (UID 9 BODY[] \"\")\r\n", "an empty body"),
    ] {
        let told = run(&order(&serve(third(move || answer.as_bytes().to_vec()))));
        assert_third_left(&told, Why::Failed);
        let note = String::from_utf8(told.left[0].note.clone()).unwrap();
        assert!(note.contains(words), "{note}");
    }
}

#[test]
fn a_long_message_that_goes_in_the_midst_is_gone_and_not_whole() {
    for answer in ["TAG OK done\r\n", "TAG NO [EXPUNGEISSUED] gone\r\n"] {
        let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), move |_, command| {
            if command.contains("UID FETCH 2 ") && !command.contains("BODY.PEEK[]<0.") {
                return say(answer);
            }
            if command == "UID SEARCH UID 2" {
                return say("* SEARCH\r\nTAG OK done\r\n");
            }
            Act::Usual
        });
        let told = run(&long_order(&server));
        assert!(told.error.is_none(), "{:?}", told.error);
        assert_eq!(told.uids(), [1, 3], "a part of a message is no message");
        assert_eq!(told.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(2, Why::Gone)]);
        assert_eq!((told.books[0].taken, told.books[0].gone), (2, 1));
    }
    // One that is listed and not given further has failed.
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |_, command| {
        if is_bodies(command) && command.contains("UID FETCH 2 ") && !command.contains("<0.") {
            return say("TAG OK done\r\n");
        }
        Act::Usual
    });
    let told = run(&long_order(&server));
    assert_eq!(told.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(2, Why::Failed)]);
}

#[test]
fn a_long_message_over_two_connections_says_so() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |n, command| {
        if n == 1 && command.contains("BODY.PEEK[]<4194304.") { Act::Close } else { Act::Usual }
    });
    let told = run(&long_order(&server));
    assert!(told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()), "{:?}", told.left);
    assert!(text(&told, "joined-over-connections").contains("2 connections"));
}

/// Breaks off in the body of UID 12 each time it is asked for.
fn breaks_at_12(command: &str) -> Option<Act> {
    if !is_bodies(command) || !asked(set_of(command), 12) {
        return None;
    }
    let before: Vec<_> = mails().into_iter().filter(|(uid, _)| *uid < 12).collect();
    let mut out = fetch("TAG", command, &before);
    out.truncate(out.len() - b"TAG OK done\r\n".len());
    out.extend(b"* 4 FETCH (UID 12 BODY[] {500}\r\nabc");
    Some(Act::Cut(out))
}

#[test]
fn whole_messages_before_a_break_are_told_when_the_run_ends_with_it() {
    let server = serve(|_, command| breaks_at_12(command).unwrap_or(Act::Usual));
    let mut order = order(&server);
    order.limits.again = 0;
    let told = run(&order);
    assert!(matches!(told.error, Some(AcquireError::Broken { .. })), "{:?}", told.error);
    assert_eq!(told.uids(), [3, 6, 9]);
    assert!(told.left.is_empty() && told.books.is_empty());
    // With tries, when the server is away after that.
    let server = serve(|n, command| {
        if n > 1 {
            if command == "GREETING" { Act::Close } else { Act::Usual }
        } else {
            breaks_at_12(command).unwrap_or(Act::Usual)
        }
    });
    order.account.port = server.port;
    order.limits.again = 1;
    let told = run(&order);
    assert!(told.error.is_some());
    assert_eq!(told.uids(), [3, 6, 9]);
    assert!(told.left.is_empty());
}

#[test]
fn only_messages_that_were_compared_are_kept_of_a_run_that_ends_in_the_second_fetch() {
    let count = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) && count.fetch_add(1, Ordering::SeqCst) > 0 {
            return breaks_at_12(command).unwrap_or(Act::Close);
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.limits.again = 0;
    order.refetch = true;
    let told = run(&order);
    assert!(told.error.is_some());
    // The others come again when the run goes on, and are compared then.
    assert_eq!(told.uids(), [3, 6, 9]);
    assert_eq!((told.refetched.alike, told.refetched.all()), (3, 3));
}

#[test]
fn nothing_is_called_failed_for_good_by_a_server_that_dies() {
    // Small chunks: each message by itself.
    let count = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) && count.fetch_add(1, Ordering::SeqCst) > 0 { Act::Close } else { Act::Usual }
    });
    let mut order = order(&server);
    order.limits.in_memory = 90;
    order.limits.again = 2;
    let told = run(&order);
    assert!(matches!(told.error, Some(AcquireError::Broken { .. })), "{:?}", told.error);
    assert!(!told.uids().is_empty());
    // What was given up last would else be left for good by the run that goes on.
    assert!(told.left.is_empty(), "{:?}", told.left);
}

#[test]
fn messages_that_break_the_connection_among_good_ones_do_not_end_the_run() {
    let server = serve(|_, command| {
        let bad = [3, 9, 15];
        if is_bodies(command) && bad.iter().any(|uid| asked(set_of(command), *uid)) {
            return Act::Cut(b"* 1 FETCH (UID 3 BODY[] {500}\r\nabc".to_vec());
        }
        Act::Usual
    });
    let told = run(&order(&server));
    assert!(told.error.is_none(), "{:?}", told.error);
    assert_eq!(told.uids(), [6, 12, 18]);
    let left: Vec<_> = told.left.iter().map(|l| (l.at.uid, l.why)).collect();
    assert_eq!(left, [(3, Why::Failed), (9, Why::Failed), (15, Why::Failed)]);
}

#[test]
fn a_further_connection_that_ends_in_a_long_message_leaves_it_to_the_others() {
    let long: Vec<_> = (1..=8).map(|uid| (uid, vec![b'x'; 2 << 20])).collect();
    // Either of the two that fetch may lead; the run ends when that is the one which breaks.
    for _ in 0..20 {
        let server = serve_with("IMAP4rev1 UNSELECT", long.clone(), move |n, command| {
            if is_bodies(command) && n > 1 {
                return Act::Cut(b"* 1 FETCH (UID 1 BODY[]<0> {500}\r\nabc".to_vec());
            }
            if is_bodies(command) {
                // Time for the other one to take something.
                std::thread::sleep(Duration::from_millis(100));
            }
            Act::Usual
        });
        let mut order = long_order(&server);
        order.limits.again = 0;
        order.connections = 2;
        let told = run(&order);
        if told.error.is_some() || !told.notices.iter().any(|n| n.code == "fewer-connections") {
            continue;
        }
        assert!(
            told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long.clone()),
            "{:?}",
            told.left
        );
        return;
    }
    panic!("the first connection never led");
}

#[test]
fn a_uidvalidity_that_changes_in_the_midst_of_an_answer_parts_the_messages() {
    // The answer to the bodies tells it after the second message, and EXAMINE says so too from then on.
    let is_new = std::sync::Arc::new(AtomicUsize::new(0));
    let flag = std::sync::Arc::clone(&is_new);
    let server = serve(move |_, command| {
        if is_bodies(command) && flag.swap(1, Ordering::SeqCst) == 0 {
            let mut out = [body(1, 3, &mails()[0].1), body(2, 6, &mails()[1].1)].concat();
            out.extend(b"* OK [UIDVALIDITY 8] made anew\r\n");
            out.extend((2..6).flat_map(|n| body(n + 1, mails()[n].0, b"of another folder")));
            out.extend(b"TAG OK done\r\n");
            return Act::Say(out);
        }
        if command.starts_with("EXAMINE") && flag.load(Ordering::SeqCst) > 0 {
            return say("* 6 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nTAG OK [READ-ONLY] done\r\n");
        }
        Act::Usual
    });
    let told = run(&order(&server));
    assert!(told.error.is_none() && told.has("uidvalidity-changed"), "{:?} {:?}", told.error, told.notices);
    assert_eq!(told.folders, ["INBOX;UIDVALIDITY=7", "INBOX;UIDVALIDITY=8"]);
    let books: Vec<_> = told.books.iter().map(|b| (b.listed, b.taken, b.gone)).collect();
    assert_eq!(books, [(6, 2, 4), (6, 6, 0)]);
    assert!(told.messages.iter().all(|m| m.bytes != b"of another folder"));
}

#[test]
fn a_uidvalidity_that_changes_after_the_last_message_is_told_and_the_folder_read_anew() {
    let is_new = std::sync::Arc::new(AtomicUsize::new(0));
    let flag = std::sync::Arc::clone(&is_new);
    let server = serve(move |_, command| {
        if command.contains("(UID FLAGS)") && flag.swap(1, Ordering::SeqCst) == 0 {
            return say("* OK [UIDVALIDITY 8] made anew\r\nTAG OK done\r\n");
        }
        if command.starts_with("EXAMINE") && flag.load(Ordering::SeqCst) > 0 {
            return say("* 6 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nTAG OK [READ-ONLY] done\r\n");
        }
        Act::Usual
    });
    let told = run(&order(&server));
    assert!(told.error.is_none() && told.has("uidvalidity-changed"), "{:?} {:?}", told.error, told.notices);
    assert_eq!(told.folders, ["INBOX;UIDVALIDITY=7", "INBOX;UIDVALIDITY=8"]);
    assert_eq!(told.books.iter().map(|b| b.taken).collect::<Vec<_>>(), [6, 6]);
}

#[test]
fn a_folder_that_is_refused_after_a_break_is_gone_only_when_the_server_says_so() {
    for (words, why) in [
        ("NO [SERVERBUG] internal error", Why::Failed),
        ("NO [NOPERM] not any more", Why::Failed),
        ("NO go away", Why::Failed),
        ("NO [NONEXISTENT] it was deleted", Why::Gone),
        ("NO Mailbox doesn't exist: INBOX", Why::Gone),
    ] {
        let server = serve(move |n, command| {
            if is_bodies(command) {
                return Act::Cut(body(1, 3, &mails()[0].1));
            }
            // The first connection lists, the second one fetches.
            if n > 1 && command.starts_with("EXAMINE") {
                return say(&format!("TAG {words}\r\n"));
            }
            Act::Usual
        });
        let told = run(&order(&server));
        assert!(told.error.is_none(), "{:?}", told.error);
        assert_eq!(told.uids(), [3], "{words}");
        assert!(told.left.len() == 5 && told.left.iter().all(|l| l.why == why), "{words}: {:?}", told.left);
        assert_eq!(told.is_partial(), why == Why::Failed, "{words}");
        assert!(told.has(if why == Why::Gone { "folder-gone" } else { "folder-refused" }));
    }
}

#[test]
fn a_message_that_comes_after_it_was_given_up_is_taken() {
    // UID 3 breaks the connection by itself, and comes with the next one that is asked for.
    let server = serve(|_, command| {
        if is_bodies(command) && asked(set_of(command), 3) {
            return Act::Cut(b"* 1 FETCH (UID 3 BODY[] {500}\r\nabc".to_vec());
        }
        if is_bodies(command) && set_of(command) == "6" {
            return Act::Say(
                [body(1, 3, &mails()[0].1), body(2, 6, &mails()[1].1), b"TAG OK done\r\n".to_vec()].concat(),
            );
        }
        Act::Usual
    });
    assert_all(&run(&order(&server)));
}

#[test]
fn a_message_that_fetch_leaves_out_and_a_search_names_has_failed_and_is_not_gone() {
    // Nothing of UID 9 by FETCH, whatever is asked for, once the folder is listed.
    let leaves_out = |_: usize, command: &str| {
        let Some(set) = command.strip_prefix("UID FETCH ").filter(|_| !command.contains("1:*")) else {
            return Act::Usual;
        };
        let set = set.split(' ').next().unwrap();
        let mut out = Vec::new();
        for (n, (uid, bytes)) in mails().iter().enumerate().filter(|(_, (uid, _))| asked(set, *uid)) {
            if *uid != 9 {
                out.extend(body(n + 1, *uid, bytes));
            }
        }
        out.extend(b"TAG OK done\r\n");
        Act::Say(out)
    };
    let told = run(&order(&serve(leaves_out)));
    assert_third_left(&told, Why::Failed);
    let note = String::from_utf8(told.left[0].note.clone()).unwrap();
    assert!(note.contains("a search names it"), "{note}");
    // Where the search does not name it either, it is gone.
    let gone = move |n: usize, command: &str| {
        if command.starts_with("UID SEARCH") {
            say("* SEARCH\r\nTAG OK done\r\n")
        } else {
            leaves_out(n, command)
        }
    };
    assert_third_left(&run(&order(&serve(gone))), Why::Gone);
}
