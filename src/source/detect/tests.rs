//! Files that look like two kinds, and mail whose header is long.

use crate::source::testing::{read_all, read_as};
use crate::source::{Kind, Options};
use crate::types::AnomalyKind;

/// A message whose bytes 148..156 hold the sum that a tar header has there.
fn draft() -> Vec<u8> {
    let mut text = format!("From: a@example.org\nSubject: x\nX-A: {}\n\n", "a".repeat(200)).into_bytes();
    text.resize(600, b'b');
    text.push(b'\n');
    text[148..156].fill(b' ');
    let sum: u32 = text[..512].iter().map(|&b| u32::from(b)).sum();
    text[148..156].copy_from_slice(format!("{sum:07o} ").as_bytes());
    text
}

#[test]
fn a_message_that_is_a_tar_header_too_is_a_message_and_both_are_told() {
    for name in ["x.eml", "x"] {
        let found = read_as(name, &draft(), &Options::default());
        assert_eq!((found.open.kind, found.close.items, found.notes()[0]), ("eml", 1, "two-readings"));
        assert_eq!(found.close.notes[0].detail.as_deref(), Some("tar"));
    }
    let forced = read_as("x", &draft(), &Options { kind: Kind::Mh, ..Options::default() });
    assert_eq!((forced.open.kind, forced.close.items), ("mh", 1));
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("cur")).unwrap();
    let mut draft = draft();
    draft[300] = 0;
    std::fs::write(dir.path().join("cur/1.2.h:2,D"), &draft).unwrap();
    // Its sum is wrong now by the byte that became zero.
    draft[148..156].fill(b' ');
    let sum: u32 = draft[..512].iter().map(|&b| u32::from(b)).sum();
    draft[148..156].copy_from_slice(format!("{sum:07o} ").as_bytes());
    std::fs::write(dir.path().join("cur/1.3.h:2,D"), &draft).unwrap();
    for one in read_all(dir.path(), &Options::default()).done {
        assert_eq!((one.open.kind, one.close.items), ("maildir", 1));
    }
}

#[test]
fn the_mark_of_another_kind_in_the_first_field_makes_no_other_kind_of_a_message() {
    for mark in ["!BDN", "BZh91AY&SY", "JMF6"] {
        let text = format!("{mark}: x\nFrom: a@example.org\nSubject: x\n\nbody\n");
        let found = read_as("x", text.as_bytes(), &Options::default());
        assert_eq!(
            (found.open.kind, found.close.items, found.notes()[0]),
            ("eml", 1, "two-readings"),
            "{mark}"
        );
    }
    let oe4 = b"JMF6\x03\0\x01\0\0\0\0\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <a@b>\r\n\r\nbody\r\n";
    let found = read_as("x.mbx", oe4, &Options::default());
    assert_eq!((found.open.kind, found.close.reason), ("other", Some("unsupported-oe4")));
}

#[test]
fn a_message_with_a_long_header_is_a_message() {
    let tail = "From: a@example.org\nTo: b@example.org\nSubject: x\n\nbody\n";
    for lead in [
        format!("Subject: {}\n", "x".repeat(300_000)),
        format!("X-Long: {}\n", "x".repeat(300_000)),
        format!("X-Long: {}\n", "x".repeat(3_000_000)),
        format!("X-Folded: a\n{}", "\tb c d\n".repeat(60_000)),
        "X-Unknown: x\n".repeat(200),
        "X-Unknown: x\n".repeat(40_000),
    ] {
        let found = read_as("x.eml", format!("{lead}{tail}").as_bytes(), &Options::default());
        assert_eq!((found.open.kind, found.close.items), ("eml", 1), "{}", &lead[..30]);
    }
    let json = format!("{{\"from\":\"{}\"}}", "x".repeat(700_000));
    let found = read_as("x", json.as_bytes(), &Options::default());
    assert_eq!(found.close.reason, Some("not-mail"));
    assert!(found.close.notes.iter().all(|note| note.kind != AnomalyKind::TwoReadings));
}
