//! Tests of the mbox splitter: by hand, and for any bytes.

use super::item::MAX_NOTES;
use super::*;
use crate::source::testing::{Container, auto, mbox, mbox_packed, mbox_within, split};
use crate::types::unescape::Rule;
use proptest::prelude::*;

const A: &str = "From a@example.org Thu Nov 20 08:15:04 2025\n";
const H: &str = "From: a@example.org\nSubject: x\n\n";

fn check(text: &str, bodies: &[&str], notes: &[&str]) -> Container {
    let lf = auto(text.as_bytes());
    assert_eq!(lf.open.kind, "mbox", "{text}");
    assert_eq!(lf.bodies(), bodies, "{text}");
    assert_eq!(lf.notes(), notes, "{text}");
    if !text.contains("Content-Length") {
        let crlf = auto(text.replace('\n', "\r\n").as_bytes());
        let bodies: Vec<String> = bodies.iter().map(|b| b.replace('\n', "\r\n")).collect();
        assert_eq!((crlf.open.kind, crlf.bodies()), ("mbox", bodies), "{text}");
        assert_eq!(crlf.notes(), notes, "{text}");
    }
    lf
}

#[test]
fn an_item_is_what_stands_between_separator_and_empty_line() {
    let one =
        check(&format!("{A}{H}one\n\n{A}{H}two\n\n"), &[&format!("{H}one\n"), &format!("{H}two\n")], &[]);
    assert_eq!(one.ranges[0].separator, A.as_bytes());
    assert_eq!(one.ranges[0].terminator, b"\n");
    assert_eq!(one.ranges[1].start, (2 * A.len() + H.len() + 5) as u64);
    check(
        &format!("{A}{H}one\n\n\n\n{A}{H}two"),
        &[&format!("{H}one\n\n\n"), &format!("{H}two")],
        &["message-unterminated"],
    );
}

#[test]
fn a_from_line_inside_a_body_does_not_split_the_message() {
    check(
        &format!("{A}{H}x\n\nFrom here on\nFrom b\n\n"),
        &[&format!("{H}x\n\nFrom here on\nFrom b\n")],
        &["suspect-from"],
    );
    check(&format!("{A}{H}x\n{A}y\n\n"), &[&format!("{H}x\n{A}y\n")], &["from-without-blank"]);
    let git = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n";
    check(
        &format!("{A}{H}x\n\n{git}{H}y\n\n"),
        &[&format!("{H}x\n\n{git}{H}y\n")],
        &["separator-in-message"],
    );
    let part = "--b\nContent-Type: message/rfc822\n\n";
    check(
        &format!("{A}{H}{part}{A}{H}y\n--b--\n\n"),
        &[&format!("{H}{part}{A}{H}y\n--b--\n")],
        &["separator-in-message"],
    );
    check(&format!("{git}{H}x\n\n{git}{H}y\n\n"), &[&format!("{H}x\n"), &format!("{H}y\n")], &[]);
}

#[test]
fn quoted_from_lines_are_counted_and_kept() {
    let one = check(
        &format!("{A}{H}>From a\n>>From b\nx>From c\n\n"),
        &[&format!("{H}>From a\n>>From b\nx>From c\n")],
        &[],
    );
    assert_eq!((one.ranges[0].rule, one.ranges[0].lines), (Rule::MboxRd, 2));
    check(&format!("{A}{H}>From a\n\n"), &[&format!("{H}>From a\n")], &["from-quoting-ambiguous"]);
}

#[test]
fn what_comes_before_the_first_separator_is_preamble() {
    let odd = check(&format!("\n\n{A}{H}x\n\n"), &[&format!("{H}x\n")], &[]);
    assert_eq!(odd.ranges[0].gap, Some("preamble"));
    check(&format!("\u{feff}{A}{H}x\n\n"), &[&format!("{H}x\n")], &["byte-order-mark"]);
    check(&format!("junk\n{A}{H}y\n\n"), &[&format!("{H}y\n")], &["separator-missing"]);
    check(
        &format!("\0\0\0{A}Received: x\n{H}y\n\n"),
        &[&format!("Received: x\n{H}y\n")],
        &["separator-missing"],
    );
    let none = mbox(b"no mail at all\n", 100);
    assert_eq!((none.items().len(), none.ranges[0].gap), (0, Some("preamble")));
}

#[test]
fn a_mailbox_that_lost_its_first_separator_is_still_split() {
    let sent = "Received: from b\nFrom: a@example.org\nDate: Thu, 20 Nov 2025 08:15:04 +0000\n\n";
    check(
        &format!("{sent}x\n\n{A}{sent}y\n\n"),
        &[&format!("{sent}x\n"), &format!("{sent}y\n")],
        &["separator-missing"],
    );
}

#[test]
fn content_length_is_believed_where_it_ends_on_a_separator() {
    let body = format!("x\n\n{A}{H}y\n");
    let head = |n: usize| format!("{A}From: a@example.org\nContent-Length: {n}\n\n");
    let good = format!("{}{body}\n{A}{H}z\n\n", head(body.len()));
    let one = check(
        &good,
        &[&format!("{}{body}", &head(body.len())[A.len()..]), &format!("{H}z\n")],
        &["content-length-believed", "content-length-ambiguous"],
    );
    assert_eq!(one.ranges[0].rule, Rule::None);
    for wrong in [0, 1, 5, 100_000] {
        let text = format!("{}{body}\n{A}{H}z\n\n", head(wrong));
        let one = auto(text.as_bytes());
        assert_eq!(one.items().len(), 3, "{wrong}");
        assert_eq!(one.notes(), ["content-length-wrong"], "{wrong}");
    }
    for odd in ["-1", "1e3", "1000000000000000000000000"] {
        let text = format!("{A}From: a@example.org\nContent-Length: {odd}\n\nx\n\n");
        assert_eq!(auto(text.as_bytes()).notes(), ["content-length-invalid"], "{odd}");
    }
}

#[test]
fn a_body_without_a_last_line_end_is_exact_where_content_length_says_so() {
    let text = format!("{A}From: a@example.org\nContent-Length: 3\n\nabc\n{A}{H}z\n\n");
    let one = check(&text, &["From: a@example.org\nContent-Length: 3\n\nabc", &format!("{H}z\n")], &[]);
    assert_eq!(one.ranges[0].terminator, b"\n");
}

#[test]
fn lenient_and_any_take_more_lines_for_separators() {
    let text = format!("{A}{H}x\n{A}{H}y\nFrom z\n\n");
    let strict = split(text.as_bytes(), Split::Strict);
    assert_eq!((strict.items().len(), strict.notes()), (1, vec!["from-without-blank"]));
    assert_eq!(split(text.as_bytes(), Split::Lenient).items().len(), 2);
    assert_eq!(split(text.as_bytes(), Split::Any).items().len(), 3);
    let odd = format!("{A}{H}x\n\nFrom - Sat Apr 12 2025 15:59:28\n{H}y\n\nFrom -\n{H}z\n\n");
    for (rule, items) in [(Split::Header, 3), (Split::Strict, 1), (Split::Lenient, 1), (Split::Any, 3)] {
        assert_eq!(split(odd.as_bytes(), rule).items().len(), items, "{rule:?}");
    }
}

/// Two messages, the second behind this separator, with and without an empty line before it.
fn behind(separator: &str, blank: bool, notes: &[&str]) {
    let gap = if blank { "\n" } else { "" };
    let text = format!("{A}{H}x\n{gap}{separator}\n{H}y\n\n");
    let found = check(&text, &[&format!("{H}x\n"), &format!("{H}y\n")], notes);
    assert_eq!(found.items()[1].separator, format!("{separator}\n").into_bytes());
    let first =
        check(&format!("{separator}\n{H}x\n\n"), &[&format!("{H}x\n")], if blank { notes } else { &[] });
    assert_eq!(first.items()[0].separator, format!("{separator}\n").into_bytes());
}

#[test]
fn a_sender_alone_separates_before_header_fields() {
    for line in ["From - ", "From ", "From a@example.org", "From 1844347792267117879@xxx", "From ???@???"] {
        behind(line, true, &["separator-inferred"]);
        let joined = format!("{H}x\n{line}\n{H}y\n");
        check(&format!("{A}{joined}\n"), &[&joined], &[]);
        let sentence = format!("{H}x\n\n{line}\nNote: this\nand that\n");
        check(&format!("{A}{sentence}\n"), &[&sentence], &["suspect-from"]);
    }
}

#[test]
fn a_date_separates_before_header_fields_without_an_empty_line() {
    behind(A.trim_end(), false, &["separator-inferred"]);
    behind("From a at example.org  Tue May 14 07:15:20 2024", false, &["separator-inferred"]);
}

#[test]
fn a_date_in_a_rarer_order_separates_whatever_follows() {
    let odd = "From - Sat Apr 12 2025 15:59:28";
    behind(odd, true, &["separator-inferred"]);
    behind("From a@example.org Mon Jan 00 00:00:00 0000", true, &["separator-inferred"]);
    check(&format!("{A}{H}x\n\n{odd}\n\ny\n\n"), &[&format!("{H}x\n"), "\ny\n"], &["separator-inferred"]);
    behind("From a@example.org 2025-11-20 08:15:04", true, &["separator-inferred"]);
    let text = format!("{H}x\n\nFrom a@example.org 2025-11-20 08:15:04\n\ny\n");
    check(&format!("{A}{text}\n"), &[&text], &["suspect-from"]);
}

#[test]
fn three_words_without_a_date_are_a_sentence_whatever_follows() {
    for line in ["From Russia with love", "From the desk of Ann", "From a@example.org to you"] {
        let text = format!("{H}x\n\n{line}\n{H}y\n");
        check(&format!("{A}{text}\n"), &[&text], &["suspect-from"]);
    }
}

#[test]
fn a_message_that_is_shown_is_no_other_message_whatever_its_separator_lacks() {
    for announcement in
        ["--b\nContent-Type: message/rfc822\n", "---- Original Message ----\n", "Begin forwarded message:\n"]
    {
        let text = format!("{H}x\n\n{announcement}\nFrom -\n{H}y\n");
        check(&format!("{A}{text}\n"), &[&text], &["separator-in-message"]);
    }
    let git = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n";
    let text = format!("{H}x\n{git}{H}y\n");
    check(&format!("{A}{text}\n"), &[&text], &["from-without-blank"]);
    let body = format!("x\n\nFrom -\n{H}y\n");
    let text = format!("From: a@example.org\nContent-Length: {}\n\n{body}", body.len());
    check(
        &format!("From -\n{text}\nFrom -\n{H}z\n\n"),
        &[&text, &format!("{H}z\n")],
        &["separator-inferred", "content-length-believed", "content-length-ambiguous", "separator-inferred"],
    );
}

#[test]
fn two_lines_of_two_delivery_programs_begin_one_message() {
    let text = format!("{A}{H}x\n");
    check(&format!("{A}{text}\n"), &[&text], &["from-without-blank"]);
}

#[test]
fn a_million_suspect_lines_do_not_make_a_million_notes() {
    let text = format!("{A}{H}{}", "\nFrom x\n".repeat(20_000));
    let one = mbox(text.as_bytes(), 1 << 16);
    assert_eq!(one.items().len(), 1);
    assert!(one.notes().len() <= MAX_NOTES + 1);
}

#[test]
fn a_message_over_the_limit_comes_in_parts_and_is_the_same() {
    let long = "a line of text\n".repeat(100_000);
    for body in
        [long.clone(), format!("{long}>From x\n>>From y\n{long}"), ">".repeat(900_000), "x".repeat(900_000)]
    {
        let text = format!("{A}{H}one\n\n{A}{H}{body}>From z\n\n{A}{H}two\n\n");
        let (long, short) = (mbox_within(text.as_bytes(), 10_000, 1), mbox(text.as_bytes(), 1 << 20));
        assert!(long.long && !short.long);
        assert_eq!(long.ranges, short.ranges);
        let bare = format!("{body}From x\n\n{A}{H}{body}");
        let text = format!("{A}Content-Length: {}\n\n{bare}\n{A}{H}two\n\n", bare.len());
        let (long, short) = (mbox_within(text.as_bytes(), 10_000, 1), mbox(text.as_bytes(), 1 << 20));
        assert!(long.long && short.items().len() == 2);
        assert_eq!(long.ranges, short.ranges);
    }
    let junk = "no mail\n".repeat(100_000);
    let odd = mbox_within(format!("{junk}{A}{H}x\n\n").as_bytes(), 10_000, 1);
    assert!(odd.long && odd.ranges[0].gap == Some("preamble") && odd.items().len() == 1);
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(A.to_owned()),
        4 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        2 => Just(H.to_owned()),
        2 => Just(">".to_owned()),
        1 => Just(">>From x\n".to_owned()),
        1 => Just("From ".to_owned()),
        2 => Just("From -\n".to_owned()),
        2 => Just("\nFrom -\n".to_owned()),
        1 => Just("From - Sat Apr 12 2025 15:59:28\n".to_owned()),
        1 => Just("To: x\n".to_owned()),
        1 => (0usize..60_000).prop_map(|n| format!("X-Long: {}\n", "x".repeat(n))),
        1 => (0usize..30_000).prop_map(|n| format!("X-Fold: x\n{}", "\ty\n".repeat(n))),
        1 => Just("From x\n".to_owned()),
        1 => Just("\0".to_owned()),
        2 => (0usize..400).prop_map(|n| format!("Content-Length: {n}\n")),
        1 => (0usize..70_000).prop_map(|n| ">".repeat(n)),
        1 => (0usize..3000).prop_map(|n| "x".repeat(n)),
        1 => (0usize..600_000).prop_map(|n| format!("Content-Length: {n}\n")),
        1 => (0usize..200_000).prop_map(|n| "y\n".repeat(n)),
        2 => "[ -~]{0,30}\n",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_size_of_the_buffer_changes_nothing(pieces in proptest::collection::vec(piece(), 0..60), batch in 1usize..5000) {
        let text = pieces.concat();
        let (a, b) = (mbox(text.as_bytes(), batch), mbox(text.as_bytes(), 1 << 20));
        prop_assert_eq!(&a.ranges, &b.ranges);
        prop_assert_eq!(a.close.notes, b.close.notes);
        let packed = mbox_packed(text.as_bytes(), batch.max(100));
        prop_assert_eq!(&packed.ranges, &b.ranges);
        let long = mbox_within(text.as_bytes(), batch.max(100), 1);
        prop_assert_eq!(&long.ranges, &b.ranges);
    }
}
