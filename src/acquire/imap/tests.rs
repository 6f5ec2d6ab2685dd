//! Sessions and bodies: what is said, what is taken, what is left.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::*;
use crate::acquire::{AcquireError, Trust, Why};
use crate::types::AnomalyKind;

#[test]
fn a_server_that_keeps_the_rules_is_copied_with_few_words() {
    let server = serve(|_, _| Act::Usual);
    assert_all(&run(&order(&server)));
    let heard = server.heard.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            "CAPABILITY",
            "LOGIN \"me\" \"hunter2\"",
            "CAPABILITY",
            "LIST \"\" \"*\"",
            "STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "EXAMINE \"INBOX\"",
            "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
            // Another session for the messages: none looks at sizes twice.
            "CAPABILITY",
            "LOGIN \"me\" \"hunter2\"",
            "CAPABILITY",
            "LOGOUT",
            "EXAMINE \"INBOX\"",
            "UID FETCH 3:18 (UID BODY.PEEK[])",
            "UID FETCH 1:* (UID FLAGS)",
            "UNSELECT",
            "STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "LOGOUT",
        ]
    );
}

#[test]
fn nothing_secret_is_said_to_a_server_that_is_not_as_it_should_be() {
    let greeting =
        |text: &'static str| move |_: usize, c: &str| if c == "GREETING" { say(text) } else { Act::Usual };
    for text in [
        "* PREAUTH welcome\r\n",
        "* BYE go away\r\n",
        "* OK [REFERRAL imap://elsewhere/] go there\r\n",
        "220 smtp.example.org ESMTP\r\n",
        "\x1b[2J\r\n",
        "+OK pop3\r\n",
    ] {
        let server = serve(greeting(text));
        let run = run(&order(&server));
        assert!(
            matches!(run.error, Some(AcquireError::Protocol { .. } | AcquireError::Broken { .. })),
            "{text}"
        );
        assert!(!run.error.unwrap().to_string().contains('\x1b'));
        assert!(server.heard.lock().unwrap().iter().all(|c| !c.contains("LOGIN")), "{text}");
    }
    // Without leave no password goes in the clear.
    let server = serve(|_, _| Act::Usual);
    let mut strict = order(&server);
    strict.trust = Trust { pin: Some([1; 32]), ..Trust::default() };
    assert!(matches!(run(&strict).error, Some(AcquireError::Tls { .. })));
    assert_eq!(*server.heard.lock().unwrap(), ["CAPABILITY"]);
    for answer in ["TAG NO not now\r\n", "TAG BAD what\r\n", "TAG OK go\r\n* OK injected\r\n"] {
        let server = serve_with("IMAP4rev1 STARTTLS", mails(), move |_, command| {
            if command == "STARTTLS" { say(answer) } else { Act::Usual }
        });
        let mut strict = order(&server);
        strict.trust = Trust { pin: Some([1; 32]), ..Trust::default() };
        assert!(run(&strict).error.is_some());
        assert_eq!(*server.heard.lock().unwrap(), ["CAPABILITY", "STARTTLS"]);
    }
    let server = serve_with("IMAP4rev1 LOGINDISABLED", mails(), |_, _| Act::Usual);
    assert!(matches!(run(&order(&server)).error, Some(AcquireError::SignIn { .. })));
    assert!(!server.heard.lock().unwrap().iter().any(|c| c.contains("hunter2")));
}

#[test]
fn a_refusal_is_told_without_the_password_that_it_repeats() {
    let server =
        serve(
            |_, command| {
                if command.starts_with("LOGIN") { say("TAG NO hunter2 is wrong\r\n") } else { Act::Usual }
            },
        );
    let run = run(&order(&server));
    let error = run.error.unwrap();
    assert!(matches!(error, AcquireError::SignIn { .. }));
    assert!(!error.to_string().contains("hunter2") && !run.transcript.contains("hunter2"), "{error}");
}

#[test]
fn a_folder_that_may_be_writable_is_left() {
    let server = serve(|_, command| {
        if command.starts_with("EXAMINE") {
            say("* 6 EXISTS\r\nTAG OK [READ-WRITE] done\r\n")
        } else {
            Act::Usual
        }
    });
    let run = run(&order(&server));
    assert!(run.error.is_none() && run.has("not-read-only") && run.is_partial() && run.messages.is_empty());
    assert!(!server.heard.lock().unwrap().iter().any(|c| c.contains("FETCH")));
}

#[test]
fn bodies_that_do_not_come_are_failed_and_the_others_are_taken() {
    for answer in [
        "* 3 FETCH (UID 9 BODY[] NIL)\r\n",
        "* 3 FETCH (UID 9 BODY[] \"\")\r\n",
        "* 3 FETCH (UID 9 BODY[] {0}\r\n)\r\n",
        "",
    ] {
        let server = serve(third(move || answer.as_bytes().to_vec()));
        assert_third_left(&run(&order(&server)), Why::Failed);
    }
}

#[test]
fn announced_lengths_are_not_believed() {
    for length in ["100000000000", "18446744073709551617", "99999999999999999999999999", "5000000000"] {
        let server =
            serve(third(move || format!("* 3 FETCH (UID 9 BODY[] {{{length}}}\r\nabc").into_bytes()));
        assert_third_left(&run(&order(&server)), Why::Failed);
    }
}

#[test]
fn a_message_that_is_gone_is_gone() {
    let rule = third(Vec::new);
    let server = serve(move |n, command| {
        if command == "UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE)" {
            return say("* 3 EXPUNGE\r\nTAG OK done\r\n");
        }
        rule(n, command)
    });
    assert_third_left(&run(&order(&server)), Why::Gone);
}

#[test]
fn a_body_that_comes_twice_is_taken_once() {
    let good = mails()[2].1.clone();
    let other = good.clone();
    let server = serve(third(move || [body(3, 9, &good), body(3, 9, &good)].concat()));
    let twice = run(&order(&server));
    assert_all(&twice);
    assert!(twice.has("body-twice"));
    let server = serve(third(move || [body(3, 9, &other), body(3, 9, b"other")].concat()));
    let differ = run(&order(&server));
    assert_all(&differ);
    assert!(differ.has("bodies-differ"));
}

#[test]
fn a_body_that_nobody_asked_for_is_not_taken() {
    let good = mails()[2].1.clone();
    let server = serve(third(move || [body(7, 77, b"unasked"), body(3, 9, &good)].concat()));
    let run = run(&order(&server));
    assert_all(&run);
    assert!(run.has("body-not-asked-for"));
}

#[test]
fn bodies_are_taken_in_every_form() {
    let text = mails()[2].1.clone();
    let n = text.len();
    let behind =
        [format!("* 3 FETCH (BODY[] {{{n}}}\r\n").as_bytes(), &text, b" UID 9 X (a (b)))\r\n"].concat();
    let eight =
        [format!("* 3 FETCH (UID 9 FLAGS () BODY[] ~{{{n}}}\r\n").as_bytes(), &text, b")\r\n"].concat();
    let lower = [format!("* 3 fetch (uid 9 body[] {{{n}}}\r\n").as_bytes(), &text, b")\r\n"].concat();
    for form in [behind, eight, lower] {
        let server = serve(third(move || form.clone()));
        assert_all(&run(&order(&server)));
    }
}

#[test]
fn a_size_that_is_a_lie_is_noted() {
    let server = serve(third(|| body(3, 9, b"short")));
    let run = run(&order(&server));
    assert_eq!(run.uids(), [3, 6, 9, 12, 15, 18]);
    assert_eq!(run.messages[2].bytes, b"short");
    assert_eq!(run.messages[2].notes[0].kind, AnomalyKind::SizeAnnouncedDiffers);
    assert!(run.messages[1].notes.is_empty());
}

#[test]
fn a_connection_that_is_cut_in_a_body_goes_on_with_another() {
    let server = serve(|n, command| {
        if is_bodies(command) && n < 5 {
            let all = fetch("TAG", command, &mails());
            return Act::Cut(all[..(n * 97 + 30).min(all.len())].to_vec());
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.limits.again = 6;
    assert_all(&run(&order));
}

#[test]
fn a_message_over_which_each_connection_breaks_is_given_up() {
    let server = serve(|_, command| {
        if is_bodies(command) && asked(command.split(' ').nth(2).unwrap(), 9) {
            return Act::Cut(b"* 3 FETCH (UID 9 BODY[] {500}\r\nabc".to_vec());
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_third_left(&run, Why::Failed);
}

#[test]
fn a_folder_that_is_made_anew_is_another_epoch() {
    let server = serve(|n, command| {
        if is_bodies(command) && n == 1 {
            return Act::Cut(body(1, 3, &mails()[0].1));
        }
        if command.starts_with("EXAMINE") && n > 1 {
            return say("* 6 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nTAG OK [READ-ONLY] done\r\n");
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert!(run.error.is_none() && run.has("uidvalidity-changed"), "{:?} {:?}", run.error, run.notices);
    assert_eq!(run.folders, ["INBOX;UIDVALIDITY=7", "INBOX;UIDVALIDITY=8"]);
    let books: Vec<_> = run.books.iter().map(|b| (b.listed, b.taken, b.gone)).collect();
    assert_eq!(books, [(6, 1, 5), (6, 6, 0)]);
}

#[test]
fn an_epoch_that_flips_to_and_fro_comes_to_an_end() {
    let validity = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) {
            return Act::Close;
        }
        if command.starts_with("EXAMINE") {
            let now = 7 + validity.fetch_add(1, Ordering::SeqCst) % 2;
            return say(&format!("* 6 EXISTS\r\n* OK [UIDVALIDITY {now}] x\r\nTAG OK [READ-ONLY] done\r\n"));
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert!(run.messages.is_empty() && run.is_partial(), "{:?} {:?}", run.error, run.notices);
}
