//! Servers that do not come to an end, list oddly, name evilly, or give long messages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::scripted::*;
use crate::acquire::{Credential, Secret, Why};
use crate::types::AnomalyKind;

#[test]
fn answers_without_end_come_to_an_end() {
    for (verb, line) in [
        ("UID FETCH", "* OK still here\r\n"),
        ("UID FETCH", "* 1 FETCH (UID 3 FLAGS ())\r\n"),
        ("LIST", "* LIST () \"/\" x\r\n"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 X\r\n"),
        ("EXAMINE", "* 6 EXISTS\r\n"),
    ] {
        let server = serve(move |_, command| {
            if command.starts_with(verb) { Act::Say(line.repeat(100_000).into_bytes()) } else { Act::Usual }
        });
        let mut order = order(&server);
        order.limits.answer = 1 << 20;
        let run = run(&order);
        assert!(run.error.is_some() || run.is_partial(), "{verb} {line}");
    }
    for (verb, text) in [("UID FETCH", vec![b'('; 200_000]), ("LIST", vec![b'x'; 200_000])] {
        let server = serve(
            move |_, command| if command.starts_with(verb) { Act::Say(text.clone()) } else { Act::Usual },
        );
        let run = run(&order(&server));
        assert!(run.error.is_some() || run.is_partial(), "{verb}");
    }
}

#[test]
fn silence_and_wrong_tags_come_to_an_end() {
    for verb in
        ["GREETING", "CAPABILITY", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID FETCH 1:*", "UID FETCH 3"]
    {
        for act in
            [|| Act::Silence, || say("A999 OK done\r\n"), || Act::Close, || say("* BYE shutting down\r\n")]
        {
            let server = serve(move |_, command| if command.starts_with(verb) { act() } else { Act::Usual });
            let run = run(&order(&server));
            assert!(run.error.is_some() || run.is_partial(), "{verb}");
        }
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let asked = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return say("TAG NO [THROTTLED] slow down\r\n");
        }
        Act::Usual
    });
    assert_all(&run(&order(&server)));
}

#[test]
fn odd_listings_are_reconciled() {
    let lines = |order: &[usize]| -> String {
        let size = |n: usize| mails()[n - 1].1.len();
        let line = |n: &usize| format!("* {n} FETCH (UID {} FLAGS () RFC822.SIZE {})\r\n", n * 3, size(*n));
        order.iter().map(line).collect::<Vec<_>>().concat()
    };
    let listing = |text: String, exists: &'static str| {
        serve(move |_, command| {
            if command.contains("RFC822.SIZE") && command.contains("1:*") {
                return say(&format!("{text}TAG OK done\r\n"));
            }
            if command.starts_with("EXAMINE") {
                return say(&format!(
                    "* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] done\r\n"
                ));
            }
            if command.starts_with("UID SEARCH") {
                return say("* SEARCH 3 6 9 12 15 18\r\nTAG OK done\r\n");
            }
            Act::Usual
        })
    };
    let descending = listing(lines(&[6, 5, 4, 3, 2, 1]), "6");
    assert_all(&run(&order(&descending)));
    let twice = listing(lines(&[1, 2, 3, 1, 4, 5, 6, 6]), "6");
    let told = run(&order(&twice));
    assert_all(&told);
    assert!(told.has("uid-listed-twice"));
    // What the listing leaves out, a search names.
    let short = listing(lines(&[1, 2, 4, 5, 6]), "6");
    let told = run(&order(&short));
    assert_all(&told);
    assert!(told.has("listing-incomplete"));
    let liar = listing(lines(&[1, 2, 3, 4, 5, 6]), "4294967295");
    let told = run(&order(&liar));
    assert_eq!(told.messages.len(), 6);
    assert!(told.has("listing-short") && told.is_partial());
    let none =
        listing("* 1 FETCH (FLAGS () RFC822.SIZE 4)\r\n* 2 FETCH (UID 0 RFC822.SIZE 4)\r\n".to_owned(), "6");
    let told = run(&order(&none));
    assert_eq!(told.messages.len(), 6);
    assert!(told.has("listed-without-uid"));
}

#[test]
fn an_answer_of_empty_literals_without_end_ends_the_folder_and_not_our_patience() {
    for item in ["X (", "BODY[] "] {
        let server = serve(move |_, command| {
            if command.contains("RFC822.SIZE") && command.contains("1:*") {
                return say(&format!(
                    "* 1 FETCH ({item}{}) UID 3)\r\nTAG OK done\r\n",
                    "{0}\r\n ".repeat(200_000)
                ));
            }
            Act::Usual
        });
        let begun = std::time::Instant::now();
        let told = run(&order(&server));
        assert!(begun.elapsed() < Duration::from_secs(20), "{item}: {:?}", begun.elapsed());
        let said = format!("{:?} {:?}", told.error, told.notices);
        assert!(told.messages.is_empty() && said.contains("over 10000 literals"), "{item}: {said}");
    }
}

#[test]
fn evil_names_are_names() {
    let server = serve(|_, command| {
        if command.starts_with("LIST") {
            return say(
                "* LIST (\\Noselect) \"/\" up\r\n* LIST () \"/\" \"../../etc/passwd\"\r\n* LIST () \"/\" {6}\r\n\x1b[2J;\0\r\n\
                 * LIST () \"/\" &broken\r\n* LIST () NIL \"a/b\"\r\n* LIST () \"/\" x\r\n* LIST () \"/\" x\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_eq!(
        run.folders,
        [
            "%26broken;UIDVALIDITY=7",
            "%2E%2E/%2E%2E/etc/passwd;UIDVALIDITY=7",
            "a%2Fb;UIDVALIDITY=7",
            "x;UIDVALIDITY=7"
        ]
    );
    for code in ["folder-noselect", "folder-name-broken", "folder-listed-twice", "folder-refused"] {
        assert!(run.has(code), "{code}");
    }
    assert!(run.notices.iter().all(|n| !n.text.contains('\x1b')));
    assert_eq!(run.messages.len(), 24);
}

#[test]
fn flags_that_change_while_we_look_are_told() {
    let server = serve(|_, command| {
        if command == "UID FETCH 1:* (UID FLAGS)" {
            let line = |n: u64, flags: &str| format!("* {n} FETCH (UID {} FLAGS ({flags}))\r\n", n * 3);
            let all: String = (1..=5)
                .map(|n| line(n, if n == 2 { "\\Seen \\Deleted" } else { "\\Recent \\seen" }))
                .collect();
            return say(&format!("{all}{}TAG OK done\r\n", "* 7 FETCH (UID 40 FLAGS ())\r\n"));
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_all(&run);
    assert_eq!(run.books[0].flags_during, [6]);
    assert!(run.has("gone-during") && run.has("arrived-during"));
}

#[test]
fn long_messages_come_in_parts_or_are_failed() {
    let rule = |_: usize, _: &str| Act::Usual;
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), rule);
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    // The server makes nine megabytes first.
    order.limits.idle = Duration::from_secs(10);
    let whole = run(&order);
    assert!(
        whole.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()) && !whole.is_partial()
    );
    // A server that does not know parts gives all at once; one that gives another part is not believed.
    for (origin, is_taken) in [("", true), ("<0>", true), ("<5>", false)] {
        let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), move |_, command| {
            if command.contains("UID FETCH 2 ") && is_bodies(command) {
                let bytes = &long_mails()[1].1;
                let head = format!("* 2 FETCH (UID 2 BODY[]{origin} {{{}}}\r\n", bytes.len());
                return Act::Raw([head.as_bytes(), bytes, b")\r\n"].concat());
            }
            Act::Usual
        });
        order.account.port = server.port;
        let told = run(&order);
        assert!(told.error.is_none());
        let is_wanted = |uid: u64| is_taken || uid != 2;
        let expected = long_mails().into_iter().filter(|(uid, _)| is_wanted(*uid));
        assert!(
            told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(expected),
            "{origin:?} {:?}",
            told.left
        );
        assert_eq!(told.left.len(), usize::from(!is_taken));
    }
}

#[test]
fn a_long_message_goes_on_over_breaks_and_one_announced_as_short_is_taken_too() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |n, command| {
        if n < 3 && command.contains("BODY.PEEK[]<") {
            let all = fetch("x", command, &long_mails());
            let bytes = all[..all.len() / 2].to_vec();
            return Act::CutRaw(bytes);
        }
        if command.contains("RFC822.SIZE") {
            return say(
                "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 10)\r\n\
                 * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 3)\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    // The server makes nine megabytes first.
    order.limits.idle = Duration::from_secs(10);
    order.limits.again = 5;
    let told = run(&order);
    assert!(told.error.is_none());
    assert!(told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()), "{:?}", told.left);
    assert_eq!(told.messages[1].notes[0].kind, AnomalyKind::SizeAnnouncedDiffers);
}

#[test]
fn a_message_over_the_limit_is_failed() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |_, _| Act::Usual);
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    // The server makes nine megabytes first.
    order.limits.idle = Duration::from_secs(10);
    order.limits.message = 5 << 20;
    let told = run(&order);
    assert_eq!(told.uids(), [1, 3]);
    assert_eq!(told.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(2, Why::Failed)]);
}

#[test]
fn further_connections_that_are_refused_cost_nothing() {
    let server = serve(
        |n, command| if n > 0 && command == "GREETING" { say("* BYE too many\r\n") } else { Act::Usual },
    );
    let mut order = order(&server);
    order.connections = 4;
    assert_all(&run(&order));
}

#[test]
fn gmail_and_object_ids_are_kept() {
    let server = serve_with("IMAP4rev1 UNSELECT X-GM-EXT-1 OBJECTID", mails(), |_, command| {
        if command.starts_with("LIST") {
            return say(
                "* LIST () \"/\" INBOX\r\n* LIST (\\All) \"/\" \"[Gmail]/All Mail\"\r\n* LIST (\\Trash) \"/\" \"[Gmail]/Bin\"\r\nTAG OK done\r\n",
            );
        }
        if command.contains("RFC822.SIZE EMAILID THREADID X-GM-MSGID X-GM-THRID X-GM-LABELS") {
            return say(
                "* 1 FETCH (UID 3 X-GM-MSGID 17 X-GM-THRID 18 X-GM-LABELS (\"\\\\Inbox\" {3}\r\na b) EMAILID (E1) THREADID (T1) FLAGS ())\r\n\
                 * 6 EXPUNGE\r\n* 5 EXPUNGE\r\n* 4 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_eq!(run.folders, ["%5BGmail%5D/All%20Mail;UIDVALIDITY=7", "%5BGmail%5D/Bin;UIDVALIDITY=7"]);
    assert!(run.has("gmail-label") && run.messages.len() == 2, "{:?}", run.notices);
    let said = &run.messages[0].server;
    assert_eq!((said.gm_msgid, said.gm_thrid), (Some(17), Some(18)));
    assert_eq!(said.gm_labels, [b"\\Inbox".to_vec(), b"a b".to_vec()]);
    assert_eq!((said.email_id.as_deref(), said.thread_id.as_deref()), (Some(&b"E1"[..]), Some(&b"T1"[..])));
}

#[test]
fn rev2_and_utf8_names_are_read_as_utf8() {
    for (capabilities, name) in [
        ("IMAP4rev2", "Entwürfe &-"),
        ("IMAP4rev1 UTF8=ACCEPT ENABLE UNSELECT", "Entwürfe &-"),
        ("IMAP4rev1 LITERAL+", "Entw&APw-rfe &-"),
    ] {
        let server = serve_with(capabilities, mails(), move |_, command| {
            if command.starts_with("LIST") {
                return say(&format!("* LIST () \"/\" \"{name}\"\r\nTAG OK done\r\n"));
            }
            if command.starts_with("ENABLE") {
                return say("* ENABLED UTF8=ACCEPT\r\nTAG OK done\r\n");
            }
            Act::Usual
        });
        let told = run(&order(&server));
        assert_all(&told);
        let path = if name.is_ascii() { "Entw%C3%BCrfe%20&" } else { "Entw%C3%BCrfe%20&-" };
        assert_eq!(told.folders, [format!("{path};UIDVALIDITY=7")], "{capabilities}");
        let heard = server.heard.lock().unwrap().join("\n");
        let asked = if name.is_ascii() { format!("EXAMINE \"{name}\"") } else { format!("EXAMINE <{name}>") };
        assert!(heard.contains(&asked), "{heard}");
    }
}

#[test]
fn a_password_that_cannot_be_quoted_goes_as_a_literal() {
    for capabilities in ["IMAP4rev1 LITERAL+", "IMAP4rev1"] {
        let server = serve_with(capabilities, mails(), |_, _| Act::Usual);
        let mut order = order(&server);
        order.credential = Credential::Password(Secret::new("pässwörd".as_bytes().to_vec()));
        let told = run(&order);
        assert_all(&told);
        assert!(server.heard.lock().unwrap().contains(&"LOGIN \"me\" <pässwörd>".to_owned()));
        assert!(!told.transcript.contains("sswö") && told.transcript.contains("<10 octets>"));
    }
}

#[test]
fn inbox_written_in_two_ways_is_one_folder() {
    let server = serve(|_, command| {
        if command.starts_with("LIST") {
            return say("* LIST () \"/\" Inbox\r\n* LIST () \"/\" INBOX\r\nTAG OK done\r\n");
        }
        Act::Usual
    });
    let told = run(&order(&server));
    assert_all(&told);
    assert_eq!(told.folders, ["INBOX;UIDVALIDITY=7"]);
    assert!(text(&told, "folder-listed-twice").contains("`Inbox` is the folder INBOX"));
}

#[test]
fn a_listing_that_is_refused_for_now_is_asked_for_again() {
    for verb in ["UID FETCH 1:* (UID FLAGS INTERNALDATE", "EXAMINE", "LIST"] {
        let refused = AtomicUsize::new(0);
        let server = serve(move |_, command| {
            if command.starts_with(verb) && refused.fetch_add(1, Ordering::SeqCst) < 3 {
                return say("TAG NO [LIMIT] too many requests\r\n");
            }
            Act::Usual
        });
        let told = run(&order(&server));
        assert_all(&told);
        assert_eq!(told.has("listing-deferred"), verb != "LIST");
    }
    // One that is cut short for now, too.
    let cut = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if command.contains("1:* (UID FLAGS INTERNALDATE") && cut.fetch_add(1, Ordering::SeqCst) == 0 {
            return say("* 1 FETCH (UID 3 FLAGS () RFC822.SIZE 3)\r\nTAG NO [LIMIT] enough\r\n");
        }
        Act::Usual
    });
    assert_all(&run(&order(&server)));
    // One that is refused for good is told.
    let server = serve(|_, command| {
        if command.contains("1:* (UID FLAGS INTERNALDATE") {
            say("TAG NO [LIMIT] no\r\n")
        } else {
            Act::Usual
        }
    });
    let told = run(&order(&server));
    assert!(told.has("listing-refused") && told.is_partial());
}

#[test]
fn an_answer_with_a_line_over_the_limit_costs_the_message_and_not_the_folder() {
    let listing = |long: String| {
        serve(move |_, command| {
            if !command.contains("1:* (UID FLAGS INTERNALDATE") {
                return Act::Usual;
            }
            let line = |(n, (uid, bytes)): (usize, &(u64, Vec<u8>))| {
                let flags = if *uid == 9 { &*long } else { "" };
                format!("* {} FETCH (UID {uid} FLAGS ({flags}) RFC822.SIZE {})\r\n", n + 1, bytes.len())
            };
            say(&(mails().iter().enumerate().map(line).collect::<String>() + "TAG OK done\r\n"))
        })
    };
    // A message that the listing lost is named by a search, and the others are taken.
    let server = listing("x".repeat(300_000));
    let told = run(&order(&server));
    assert!(told.error.is_none(), "{:?}", told.error);
    assert!(told.has("line-too-long") && told.is_partial(), "{:?}", told.notices);
    assert!(told.uids().len() >= 5, "{:?}", told.uids());
    // With the message itself, and with a literal behind the long line: the others are taken, this one has failed.
    for literal in [")", " BODY[] {7}\r\nA7 OK x)"] {
        let server = serve(third(move || {
            format!("* 3 FETCH (UID 9 FLAGS ({}){literal}\r\n", "x".repeat(300_000)).into_bytes()
        }));
        let told = run(&order(&server));
        assert_third_left(&told, Why::Failed);
        assert!(told.has("line-too-long"), "{:?}", told.notices);
    }
}

#[test]
fn a_folder_that_status_calls_empty_is_not_opened() {
    let server = serve_with("IMAP4rev1", Vec::new(), |_, _| Act::Usual);
    let told = run(&order(&server));
    assert!(told.error.is_none() && !told.is_partial(), "{:?}", told.notices);
    assert_eq!((told.folders.len(), told.books.len(), told.books[0].listed), (1, 1, 0));
    assert!(!server.heard.lock().unwrap().iter().any(|command| command.starts_with("EXAMINE")));
    // What comes meanwhile is told.
    let asked = AtomicUsize::new(0);
    let server = serve_with("IMAP4rev1", Vec::new(), move |_, command| {
        if command.starts_with("STATUS") && asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return say("* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7 UNSEEN 2)\r\nTAG OK done\r\n");
        }
        Act::Usual
    });
    assert!(text(&run(&order(&server)), "arrived-during").starts_with("2 messages came"));
}
