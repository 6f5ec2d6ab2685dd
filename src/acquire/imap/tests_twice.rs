//! What a server gives twice, and gives differently.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::*;
use crate::acquire::Refetched;
use crate::types::Sha256Digest;

#[test]
fn of_two_bodies_the_first_is_the_message_and_the_other_is_kept_beside_it() {
    let good = mails()[2].1.clone();
    let first = good.clone();
    let twice = [body(3, 9, &good), body(3, 9, b"other"), body(3, 9, b"other")].concat();
    let in_one = [
        format!("* 3 FETCH (UID 9 BODY[] {{{}}}\r\n", good.len()).as_bytes(),
        &good,
        b" BODY[] {5}\r\nother BODY[] \"other\")\r\n",
    ]
    .concat();
    for answer in [twice, in_one] {
        let server = serve(third(move || answer.clone()));
        let run = run(&order(&server));
        assert_all(&run);
        assert_eq!(run.others, [b"other"]);
        let told = text(&run, "bodies-differ");
        for digest in [Sha256Digest::of(&first), Sha256Digest::of(b"other")] {
            assert!(told.contains(&digest.to_string()), "{told}");
        }
        assert!(text(&run, "body-twice").contains("once more"));
        let at = run.notices.iter().find(|n| n.code == "bodies-differ").unwrap().path.clone().unwrap();
        assert_eq!(at, run.messages[2].at.path);
    }
}

#[test]
fn a_server_that_gives_ever_other_bodies_does_not_fill_the_case() {
    let good = mails()[2].1.clone();
    let server = serve(third(move || {
        let others = (0..50).map(|n| body(3, 9, format!("other {n}").as_bytes()));
        [body(3, 9, &good)].into_iter().chain(others).flatten().collect()
    }));
    let run = run(&order(&server));
    assert_all(&run);
    assert_eq!(run.others.len(), crate::acquire::other::KEPT);
    let told: Vec<_> = run.notices.iter().filter(|n| n.code == "bodies-differ").collect();
    assert_eq!(told.len(), 50);
    let last = Sha256Digest::of(b"other 49").to_string();
    let last = told.iter().find(|n| n.text.contains(&last)).unwrap();
    assert!(last.text.ends_with("was not kept"), "{}", last.text);
}

#[test]
fn a_second_body_too_long_to_be_held_is_told_by_its_digest() {
    let good = mails()[2].1.clone();
    let long = vec![b'x'; 3 << 20];
    let digest = Sha256Digest::of(&long).to_string();
    let answer = [body(3, 9, &good), body(3, 9, &long), body(7, 77, &long)].concat();
    let server = serve(third(move || answer.clone()));
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    let run = run(&order);
    assert_all(&run);
    assert!(run.others.is_empty());
    assert!(text(&run, "bodies-differ").contains(&digest));
    assert!(text(&run, "body-not-asked-for").contains(&digest));
}

#[test]
fn notices_over_the_limit_are_counted() {
    let good = mails()[2].1.clone();
    let answer = [body(3, 9, &good), body(7, 77, b"x").repeat(1200)].concat();
    let server = serve(third(move || answer.clone()));
    let run = run(&order(&server));
    assert_all(&run);
    assert!(text(&run, "notices-over-limit").starts_with("200 more notices"), "{:?}", run.notices.last());
}

#[test]
fn messages_are_fetched_again_and_compared_when_that_is_asked_for() {
    let server = serve(|_, _| Act::Usual);
    let mut order = order(&server);
    order.refetch = true;
    let run = run(&order);
    assert_all(&run);
    assert_eq!((run.refetched.alike, run.refetched.all()), (6, 6));
    assert!(is_quiet(&run), "{:?}", run.notices);
    let heard = server.heard.lock().unwrap().clone();
    let bodies: Vec<_> = heard.iter().filter(|c| is_bodies(c)).collect();
    assert_eq!(bodies, ["UID FETCH 3:18 (UID BODY.PEEK[])"; 2]);
}

#[test]
fn what_differs_the_second_time_is_kept_and_what_does_not_come_is_told() {
    let count = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if !is_bodies(command) || count.fetch_add(1, Ordering::SeqCst) == 0 {
            return Act::Usual;
        }
        let mut out = Vec::new();
        for (n, (uid, bytes)) in mails().iter().enumerate() {
            match uid {
                9 => out.extend(body(n + 1, 9, b"made anew")),
                12 => {}
                uid => out.extend(body(n + 1, *uid, bytes)),
            }
        }
        out.extend(b"TAG OK done\r\n");
        Act::Say(out)
    });
    let mut order = order(&server);
    order.refetch = true;
    let run = run(&order);
    assert_all(&run);
    assert_eq!(run.others, [b"made anew"]);
    let of = &run.refetched;
    assert_eq!((of.alike, of.differ, of.failed), (4, 1, 1));
    assert!(text(&run, "bodies-differ").contains(&Sha256Digest::of(b"made anew").to_string()));
    let failed = run.notices.iter().find(|n| n.code == "not-refetched").unwrap();
    assert_eq!(failed.path.as_ref(), Some(&run.messages[3].at.path));
}

#[test]
fn a_connection_that_breaks_in_the_second_fetch_goes_on_with_another() {
    let count = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) && [1, 2].contains(&count.fetch_add(1, Ordering::SeqCst)) {
            let all = fetch("TAG", command, &mails());
            return Act::Cut(all[..all.len() / 2].to_vec());
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.refetch = true;
    let told = run(&order);
    assert_all(&told);
    assert_eq!((told.refetched.alike, told.refetched.all()), (6, 6));
    // One that breaks each time costs the comparison, not the messages.
    let server = serve({
        let count = AtomicUsize::new(0);
        move |_, command| {
            if is_bodies(command) && count.fetch_add(1, Ordering::SeqCst) > 0 {
                Act::Close
            } else {
                Act::Usual
            }
        }
    });
    order.account.port = server.port;
    let told = run(&order);
    assert_all(&told);
    assert_eq!((told.refetched.failed, told.refetched.all()), (6, 6));
}

#[test]
fn a_long_message_is_fetched_again_as_a_stream() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |_, _| Act::Usual);
    let mut order = long_order(&server);
    order.refetch = true;
    let told = run(&order);
    assert!(told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()) && is_quiet(&told));
    assert_eq!(
        told.refetched,
        Refetched { path: told.refetched.path.clone(), alike: 3, differ: 0, failed: 0 }
    );
    let pieces = AtomicUsize::new(0);
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), move |_, command| {
        // Nine megabytes come in three pieces.
        if command.contains("BODY.PEEK[]<4194304.") && pieces.fetch_add(1, Ordering::SeqCst) == 1 {
            let mut other = long_mails();
            other[1].1[5_000_000] ^= 1;
            let all = fetch("TAG", command, &other);
            return Act::Raw(all[..all.len() - b"TAG OK done\r\n".len()].to_vec());
        }
        Act::Usual
    });
    order.account.port = server.port;
    let told = run(&order);
    assert!(told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()));
    assert_eq!((told.refetched.alike, told.refetched.differ), (2, 1));
    let text = text(&told, "bodies-differ");
    let mut other = long_mails();
    other[1].1[5_000_000] ^= 1;
    for bytes in [&long_mails()[1].1, &other[1].1] {
        assert!(text.contains(&Sha256Digest::of(bytes).to_string()), "{text}");
    }
}

#[test]
fn a_uid_that_is_listed_with_two_sizes_is_named() {
    let again =
        "* 3 FETCH (UID 9 FLAGS (\\Seen) INTERNALDATE \"17-Jul-2020 02:44:25 +0000\" RFC822.SIZE 7)\r\n";
    // Right behind the first line for it, or after all others.
    for place in ["* 4 FETCH", "TAG OK"] {
        let server = serve(move |_, command| {
            if !command.contains("RFC822.SIZE") {
                return Act::Usual;
            }
            let all = String::from_utf8(fetch("TAG", command, &mails())).unwrap();
            say(&all.replace(place, &format!("{again}{place}")))
        });
        let told = run(&order(&server));
        assert_all(&told);
        assert!(told.messages[2].notes.is_empty(), "the first line counts");
        let text = text(&told, "uid-listed-twice");
        assert!(text.starts_with("1 lines") && text.ends_with("1 say something else: UID 9"), "{text}");
    }
}
