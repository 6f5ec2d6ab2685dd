//! Catalog and index are derived from the bytes again and compared, however the work is cut up.

use std::fs;
use std::path::Path;

use mailtrail::ingest::Watch;
use mailtrail::store::Reader;
use mailtrail::verify::verify_derived_in_chunks;

use crate::support::{evidence, import};

struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _: u64, _: u64) {}
    fn committed(&self, _: u64) {}
    fn is_stopped(&self) -> bool {
        false
    }
}

/// A message with three messages inside it.
fn with_children(n: u64) -> String {
    let mut out =
        format!("From: a@b.example\nSubject: three {n}\nContent-Type: multipart/digest; boundary=d\n\n");
    for child in 0..3 {
        out.push_str("--d\n\n");
        out.push_str(&evidence::message(n * 10 + child));
        out.push('\n');
    }
    out.push_str("--d--\n");
    out
}

/// An mbox, a Maildir and files, in all of which messages with children stand among others.
fn source(dir: &Path) {
    fs::create_dir_all(dir.join("Maildir/cur")).unwrap();
    fs::create_dir_all(dir.join("Maildir/new")).unwrap();
    fs::create_dir_all(dir.join("Maildir/tmp")).unwrap();
    let mut mbox = evidence::mbox(0, 4);
    for n in 0..4 {
        mbox.extend_from_slice(b"From a@b.example Mon Mar  3 10:00:00 2025\n");
        mbox.extend_from_slice(with_children(n).as_bytes());
        mbox.push(b'\n');
        mbox.extend_from_slice(&evidence::mbox(n + 10, n + 11));
    }
    fs::write(dir.join("a.mbox"), &mbox).unwrap();
    for n in 0..3 {
        fs::write(dir.join(format!("Maildir/cur/{n}.M{n}P1.host:2,S")), with_children(n + 20)).unwrap();
        fs::write(dir.join(format!("{n}.eml")), with_children(n + 30)).unwrap();
    }
    fs::write(dir.join("z.mbox"), evidence::mbox(50, 57)).unwrap();
}

#[test]
fn rows_compared_in_chunks_of_any_size_are_found_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (case, from) = (dir.path().join("case"), dir.path().join("source"));
    source(&from);
    import(&case, &from);
    let reader = Reader::open(&case).unwrap();
    for rows_at_once in (1..=9).chain([1000]) {
        let mut findings = Vec::new();
        let done = verify_derived_in_chunks(&reader, 2, dir.path(), rows_at_once, &Unwatched, &mut |f| {
            findings.push(f);
        });
        let done = done.unwrap();
        assert!(findings.is_empty(), "chunks of {rows_at_once}: {findings:?}");
        assert_eq!((done.rows, done.indexed), (55, 55), "chunks of {rows_at_once}");
    }
}
