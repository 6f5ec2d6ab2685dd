//! Servers that announce wrong counts, give parts for the whole, or tell sizes that are not the message's: no stored
//! byte differs from the message, whatever they answer.

use std::collections::HashMap;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::scripted::*;
use crate::acquire::Why;
use crate::types::AnomalyKind;

/// What a server does wrong with one message.
#[derive(Clone, Debug, Default)]
struct Wrong {
    /// Added to the count of octets of a literal.
    count: i64,
    /// Whether RFC822.SIZE agrees with the wrong count.
    agrees: bool,
    /// Added to RFC822.SIZE.
    size: i64,
    /// RFC822.SIZE is not told.
    is_sizeless: bool,
    /// Octets that one answer gives at most.
    cap: Option<usize>,
    /// How the origin of a part is written.
    origin: Origin,
    /// Ranges are passed over: the whole is given, or as much as the cap allows.
    ignores_ranges: bool,
    /// The body is given twice.
    is_twice: bool,
    /// Only the first answers with a body of it are wrong; so many.
    only: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Origin {
    #[default]
    Right,
    None,
    Echo,
    Zero,
    Off,
}

/// Announced sizes and messages, and what the server does wrong; after so many octets of answers each connection breaks
/// once.
fn server(mails: Vec<(u64, Vec<u8>)>, wrong: HashMap<u64, Wrong>, cuts: Vec<usize>) -> Server {
    let given: Mutex<HashMap<u64, usize>> = Mutex::new(HashMap::new());
    let of = mails.clone();
    serve_with("IMAP4rev1 UNSELECT", mails, move |connection, command| {
        if !command.starts_with("UID FETCH") {
            return Act::Usual;
        }
        let (set, is_body) = (set_of(command), is_bodies(command));
        let mut out = Vec::new();
        for (n, (uid, bytes)) in of.iter().enumerate().filter(|(_, (uid, _))| asked(set, *uid)) {
            let mut how = wrong.get(uid).cloned().unwrap_or_default();
            let n = n + 1;
            if !is_body {
                let agreed = if how.agrees { how.count } else { 0 };
                let size = (i64::try_from(bytes.len()).unwrap() + how.size + agreed).max(0);
                let size = if how.is_sizeless { String::new() } else { format!(" RFC822.SIZE {size}") };
                let date = "INTERNALDATE \"17-Jul-2020 02:44:25 +0000\"";
                let more =
                    if command.contains("RFC822.SIZE") { format!(" {date}{size}") } else { String::new() };
                out.extend(format!("* {n} FETCH (UID {uid} FLAGS (){more})\r\n").bytes());
                continue;
            }
            let mut given = given.lock().unwrap();
            let count = given.entry(*uid).or_default();
            *count += 1;
            if how.only.is_some_and(|only| *count > only) {
                how = Wrong { size: how.size, ..Wrong::default() };
            }
            drop(given);
            let range = command.split_once("BODY.PEEK[]<").map(|(_, rest)| {
                let (from, length) = rest.trim_end_matches([')', '>']).split_once('.').unwrap();
                (from.parse::<usize>().unwrap(), length.parse::<usize>().unwrap())
            });
            let (from, length) = range.filter(|_| !how.ignores_ranges).unwrap_or((0, usize::MAX));
            let end = from.saturating_add(length.min(how.cap.unwrap_or(usize::MAX))).min(bytes.len());
            let part = bytes.get(from..end).unwrap_or_default();
            let origin = match (range, how.origin) {
                (None, Origin::Off) => "<3>".to_owned(),
                (None, _) | (_, Origin::None) => String::new(),
                (Some((from, _)), Origin::Right) if how.ignores_ranges && from > 0 => String::new(),
                (Some((from, _)), Origin::Right) => format!("<{from}>"),
                (Some((from, length)), Origin::Echo) => format!("<{from}.{length}>"),
                (_, Origin::Zero) => "<0>".to_owned(),
                (Some((from, _)), Origin::Off) => format!("<{}>", from + 3),
            };
            let octets =
                if part.is_empty() { 0 } else { (i64::try_from(part.len()).unwrap() + how.count).max(0) };
            for _ in 0..=usize::from(how.is_twice) {
                out.extend(format!("* {n} FETCH (UID {uid} BODY[]{origin} {{{octets}}}\r\n").bytes());
                out.extend(part);
                out.extend(b")\r\n");
            }
        }
        match cuts.get(connection).filter(|cut| is_body && **cut < out.len()) {
            Some(cut) => Act::CutRaw(out[..*cut].to_vec()),
            None => Act::Raw(out),
        }
    })
}

/// Takes all that such a server gives, and holds every byte against the messages.
#[track_caller]
fn take(mails: &[(u64, Vec<u8>)], wrong: &HashMap<u64, Wrong>, cuts: &[usize], in_memory: usize) -> Run {
    let server = server(mails.to_vec(), wrong.clone(), cuts.to_vec());
    let mut order = order(&server);
    order.limits.in_memory = in_memory;
    order.limits.piece = 16;
    order.limits.idle = std::time::Duration::from_millis(60);
    order.limits.again = 1 + u32::try_from(cuts.len()).unwrap();
    let run = run(&order);
    for message in &run.messages {
        let (_, bytes) = mails.iter().find(|(uid, _)| *uid == message.at.uid).unwrap();
        assert!(
            message.bytes == *bytes,
            "UID {}: {:?} of {:?}, {wrong:?} {:?}",
            message.at.uid,
            String::from_utf8_lossy(&message.bytes),
            String::from_utf8_lossy(bytes),
            run.notices
        );
    }
    if run.error.is_none() {
        let missing = mails.iter().filter(|(uid, _)| !run.uids().contains(uid)).count();
        assert_eq!(missing, run.left.iter().filter(|l| l.why == Why::Failed).count(), "{:?}", run.left);
    }
    run
}

fn one(text: &str, wrong: Wrong, in_memory: usize) -> Run {
    let mails: Vec<(u64, Vec<u8>)> = vec![
        (1, b"Subject: a\r\n\r\none\r\n".to_vec()),
        (2, text.as_bytes().to_vec()),
        (3, b"x\r\n\r\n".to_vec()),
    ];
    take(&mails, &HashMap::from([(2, wrong)]), &[], in_memory)
}

const TEXT: &str = "From: ann@ann.example\r\nSubject: long enough\r\n\r\nThe parts of this message (and it has several)\r\n\
                    * are put together, or it is asked for whole (or failed)\r\n)\r\n) and that is all )\r\n";

#[test]
fn a_part_that_is_called_the_whole_is_not_taken_for_it() {
    // Ways in which old servers answer for a range; all of them give the whole when they are asked for it.
    for origin in [Origin::Echo, Origin::None, Origin::Zero, Origin::Off] {
        for cap in [None, Some(16), Some(10), Some(5)] {
            let wrong = Wrong { origin, cap, only: Some(2), ..Wrong::default() };
            let run = one(TEXT, wrong, 20);
            assert_eq!(run.uids(), [1, 2, 3], "{origin:?} {cap:?} {:?}", run.left);
        }
    }
    // And one that gives no more than so many octets whatever it is asked for.
    for origin in [Origin::Zero, Origin::None] {
        let wrong = Wrong { origin, cap: Some(10), ignores_ranges: true, ..Wrong::default() };
        let run = one(TEXT, wrong, 20);
        assert_eq!((run.uids(), run.left[0].why), (vec![1, 3], Why::Failed), "{origin:?}");
        assert!(run.is_partial());
    }
    // A whole body under an origin, and one by a server that does not know ranges, are the whole.
    for origin in [Origin::Zero, Origin::None, Origin::Right] {
        let wrong = Wrong { origin, ignores_ranges: true, ..Wrong::default() };
        assert_eq!(one(TEXT, wrong, 20).uids(), [1, 2, 3]);
    }
}

#[test]
fn a_whole_message_whose_size_differs_is_kept_and_told() {
    for in_memory in [20, 10_000] {
        for size in [-40, -1, 1, 9, 1000] {
            let run = one(TEXT, Wrong { size, ..Wrong::default() }, in_memory);
            assert_eq!(run.uids(), [1, 2, 3], "{in_memory} {size} {:?}", run.left);
            assert_eq!(run.messages[1].notes[0].kind, AnomalyKind::SizeAnnouncedDiffers);
            assert!(run.has("body-in-doubt") && !run.is_partial());
        }
    }
    for in_memory in [20, 10_000] {
        let run = one(TEXT, Wrong { is_sizeless: true, ..Wrong::default() }, in_memory);
        assert_eq!(run.uids(), [1, 2, 3]);
    }
}

#[test]
fn octets_that_are_miscounted_are_not_taken_for_the_message() {
    let tails = ["(the end)\r\n", ")\r\n)\r\n", "x )", "a UID 5)\r\n"];
    for tail in tails {
        let text = format!("Subject: counted\r\n\r\n{}{tail}", "some words in a line\r\n".repeat(4));
        for count in [-60, -7, -3, -1, 1, 3, 7, 260] {
            for agrees in [false, true] {
                for in_memory in [20, 10_000] {
                    let run = one(&text, Wrong { count, agrees, ..Wrong::default() }, in_memory);
                    assert!(!run.uids().contains(&2), "{tail:?} {count} {agrees}");
                    assert!(run.is_partial() || run.error.is_some());
                    // Wrong once, it is had the second time, unless the wrong count swallowed what ends the command.
                    if !agrees {
                        let once = Wrong { count, only: Some(1), ..Wrong::default() };
                        assert_eq!(
                            one(&text, once, in_memory).uids(),
                            [1, 2, 3],
                            "{tail:?} {count} {in_memory}"
                        );
                    }
                }
            }
        }
    }
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let count = prop_oneof![4 => Just(0i64), 2 => -9i64..9, 1 => -80i64..300];
    let size = prop_oneof![3 => Just(0i64), 1 => -90i64..90];
    let cap = prop_oneof![2 => Just(None), 1 => (1usize..40).prop_map(Some)];
    let origin = prop_oneof![
        3 => Just(Origin::Right), 1 => Just(Origin::None), 1 => Just(Origin::Echo), 1 => Just(Origin::Zero),
        1 => Just(Origin::Off)
    ];
    let only = prop_oneof![Just(None), (0usize..4).prop_map(Some)];
    let flags =
        (any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (count, size, cap, origin, only, flags).prop_map(|(count, size, cap, origin, only, flags)| {
        let (agrees, is_sizeless, ignores_ranges, is_twice) = flags;
        // A server that knows no ranges and always gives the same first octets cannot be told from one that announces
        // wrong sizes: docs/acquire.md says so.
        let cap = cap.filter(|_| !ignores_ranges);
        Wrong { count, agrees, size, is_sizeless, cap, origin, ignores_ranges, is_twice, only }
    })
}

#[test]
fn whatever_a_server_counts_cuts_and_doubles_no_stored_byte_differs() {
    let full = std::env::var("SCALE").is_ok_and(|scale| scale == "full");
    let cases = if full { 100_000 } else { 100 };
    let mail = prop_oneof![
        "[ -~]{0,30}\r\n\r\n[ -~]{0,60}\r\n",
        "S: x\r\n\r\n[)( \r\n*a]{0,40}",
        Just(TEXT.to_owned())
    ];
    let strategy = (
        prop::collection::vec((mail, wrong()), 1..4),
        prop::collection::vec(0usize..400, 0..3),
        prop_oneof![Just(20usize), Just(10_000)],
    );
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&strategy, |(all, cuts, in_memory)| {
            let mails: Vec<(u64, Vec<u8>)> =
                (1..).zip(&all).map(|(uid, (text, _))| (uid, format!("{text}.").into_bytes())).collect();
            let wrong = (1..).zip(&all).map(|(uid, (_, wrong))| (uid, wrong.clone())).collect();
            take(&mails, &wrong, &cuts, in_memory);
            Ok(())
        })
        .unwrap();
}
