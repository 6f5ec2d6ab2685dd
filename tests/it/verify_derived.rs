//! What catalog and index answer is derived from the bytes again and compared, however the work is cut up.

use std::fs;
use std::path::{Path, PathBuf};

use mailtrail::ingest::Watch;
use mailtrail::store::Reader;
use mailtrail::types::{Finding, FindingKind};
use mailtrail::verify::{DerivedSummary, verify_derived, verify_derived_in_rounds};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::support::evidence::{self, Seeded};
use crate::support::{import, run};

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
    let mut out = format!(
        "From: a@b.example\nSubject: three {n}\nMIME-Version: 1.0\nContent-Type: multipart/digest; boundary=d\n\n"
    );
    for child in 0..3 {
        out.push_str("--d\n\n");
        out.push_str(&evidence::message(n * 10 + child));
        out.push('\n');
    }
    out.push_str("--d--\n");
    out
}

/// An mbox, a Maildir and files, in all of which messages with children stand among others; things that are no mail.
fn source(dir: &Path, times: u64) {
    for name in ["Maildir/cur", "Maildir/new", "Maildir/tmp"] {
        fs::create_dir_all(dir.join(name)).unwrap();
    }
    let mut mbox = evidence::mbox(0, 4);
    for n in 0..=times {
        mbox.extend_from_slice(b"From a@b.example Mon Mar  3 10:00:00 2025\n");
        mbox.extend_from_slice(with_children(n).as_bytes());
        mbox.push(b'\n');
        mbox.extend_from_slice(&evidence::mbox(n + 10, n + 11));
    }
    fs::write(dir.join("a.mbox"), &mbox).unwrap();
    for n in 0..times {
        fs::write(dir.join(format!("Maildir/cur/{n}.M{n}P1.host:2,S")), with_children(n + 20)).unwrap();
        fs::write(dir.join(format!("{n}.eml")), with_children(n + 30)).unwrap();
    }
    fs::write(dir.join("z.mbox"), [b"\xef\xbb\xbf", evidence::mbox(50, 57).as_slice()].concat()).unwrap();
    fs::write(dir.join("notes.txt"), "no mail\n").unwrap();
    std::os::unix::fs::symlink("/nowhere", dir.join("link")).unwrap();
}

fn made(times: u64) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (case, from) = (dir.path().join("case"), dir.path().join("source"));
    source(&from, times);
    import(&case, &from);
    (dir, case)
}

fn verify(case: &Path) -> (Vec<Finding>, DerivedSummary) {
    let mut findings = Vec::new();
    let reader = Reader::open(case).unwrap();
    let summary = verify_derived(&reader, 2, &Unwatched, &mut |finding| findings.push(finding)).unwrap();
    (findings, summary)
}

#[test]
fn rows_compared_in_rounds_of_any_size_are_found_as_they_are() {
    let (_dir, case) = made(3);
    let reader = Reader::open(&case).unwrap();
    for items in (1..=9).chain([1000]) {
        for threads in [1, 3] {
            let mut findings = Vec::new();
            let mut sink = |finding| findings.push(finding);
            let done =
                verify_derived_in_rounds(&reader, threads, Some(items), &Unwatched, &mut sink).unwrap();
            assert!(findings.is_empty(), "rounds of {items}: {findings:?}");
            assert_eq!((done.rows, done.indexed), (55, 55), "rounds of {items}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn the_index_of_another_case_with_the_same_numbers_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let text = String::from_utf8(evidence::mbox(0, 20)).unwrap();
    fs::write(dir.path().join("one.mbox"), &text).unwrap();
    fs::write(
        dir.path().join("two.mbox"),
        text.replacen("Subject: note 7 about", "Subject: note 7 forged", 1),
    )
    .unwrap();
    import(&one, &dir.path().join("one.mbox"));
    import(&two, &dir.path().join("two.mbox"));
    assert_eq!(verify(&one).0, []);
    fs::remove_dir_all(one.join("derived/index")).unwrap();
    copy(&two.join("derived/index"), &one.join("derived/index"));
    let (findings, _) = verify(&one);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].kind, FindingKind::IndexMismatch);
    assert_eq!(findings[0].hits, ["item 8 of ledger segment 1"]);
    run(&one, &["verify"]).with_code(4);
    run(&one, &["rebuild", "--quiet"]).ok();
    run(&one, &["verify"]).ok();
}

#[test]
fn an_index_cut_into_other_segments_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    for n in 0..5 {
        let file = dir.path().join(format!("{n}.mbox"));
        fs::write(&file, evidence::mbox(n * 10, n * 10 + 10)).unwrap();
        run(&case, &["import", "--quiet", "--threads", "3", file.to_str().unwrap()]).ok();
    }
    assert_eq!(verify(&case).0, []);
    run(&case, &["rebuild", "--quiet", "--threads", "1"]).ok();
    let (findings, summary) = verify(&case);
    assert_eq!((findings, summary.rows, summary.indexed), (vec![], 50, 50));
}

#[test]
fn rows_and_index_entries_of_sources_that_the_ledger_does_not_have_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    fs::write(dir.path().join("a.mbox"), evidence::mbox(0, 6)).unwrap();
    fs::write(dir.path().join("b.mbox"), evidence::mbox(6, 12)).unwrap();
    import(&one, &dir.path().join("a.mbox"));
    copy(&one, &two);
    import(&two, &dir.path().join("b.mbox"));
    // The record of one import, with what was derived of two.
    fs::remove_dir_all(one.join("derived")).unwrap();
    copy(&two.join("derived"), &one.join("derived"));
    let (findings, _) = verify(&one);
    let of = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    assert_eq!((of(FindingKind::CatalogMismatch), of(FindingKind::IndexMismatch)), (7, 2), "{findings:?}");
    for args in [&["search", "--count", "*"][..], &["list"], &["report"], &["hops", "--stats"]] {
        let shown = run(&one, args).with_code(4);
        assert!(shown.out.is_empty(), "{args:?}: {}", shown.text());
    }
    let extra = "6 items of the index which the record does not have";
    assert!(findings.iter().any(|finding| finding.detail == extra), "{findings:?}");
}

/// What one random edit did; `None` when it changed nothing.
fn edit(db: &Connection, seeded: &mut Seeded) -> Option<String> {
    let tables = ["block", "block", "block", "container", "entry", "source"];
    let pick = |seeded: &mut Seeded, n: usize| usize::try_from(seeded.below(n as u64)).unwrap();
    let table = tables[pick(seeded, tables.len())];
    let sql = format!("SELECT name, pk FROM pragma_table_info('{table}') ORDER BY cid");
    let columns: Vec<(String, bool)> = db
        .prepare(&sql)
        .unwrap()
        .query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? > 0)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let keys: Vec<&str> = columns.iter().filter(|column| column.1).map(|column| &*column.0).collect();
    let rows: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap();
    let at = seeded.below(rows.unsigned_abs());
    let key_list = keys.join(", ");
    let of_row =
        format!("({key_list}) = (SELECT {key_list} FROM {table} ORDER BY {key_list} LIMIT 1 OFFSET {at})");
    if seeded.below(8) == 0 {
        db.execute(&format!("DELETE FROM {table} WHERE {of_row}"), []).unwrap();
        return Some(format!("delete row {at} of {table}"));
    }
    let column = &columns[pick(seeded, columns.len())].0;
    let get = format!("SELECT {column} FROM {table} ORDER BY {key_list} LIMIT 1 OFFSET ?1");
    let old: Value = db.query_row(&get, [at.cast_signed()], |r| r.get(0)).unwrap();
    let other: Value =
        db.query_row(&get, [seeded.below(rows.unsigned_abs()).cast_signed()], |r| r.get(0)).unwrap();
    let new = match (seeded.below(4), old.clone()) {
        (0, _) => Value::Null,
        (1, _) => other,
        (_, Value::Null) => Value::Integer(1),
        (_, Value::Integer(n)) => Value::Integer(n.wrapping_add(1)),
        (_, Value::Real(n)) => Value::Real(n + 1.0),
        (_, Value::Text(text)) => Value::Text(format!("{text}x")),
        (_, Value::Blob(mut bytes)) => {
            match bytes.len() {
                0 => bytes.push(1),
                len => bytes[pick(seeded, len)] ^= 1 << seeded.below(8),
            }
            Value::Blob(bytes)
        }
    };
    if new == old {
        return None;
    }
    let set = format!("UPDATE {table} SET {column} = ?1 WHERE {of_row}");
    // What the table's own rules refuse is no edit.
    db.execute(&set, [&new]).ok().filter(|&changed| changed == 1)?;
    Some(format!("{column} of row {at} of {table}: {old:?} to {new:?}"))
}

#[test]
fn every_random_change_of_the_catalog_is_found() {
    let (_dir, case) = made(1);
    let catalog = case.join("derived/catalog.sqlite");
    let whole = fs::read(&catalog).unwrap();
    let (mut seeded, mut edits, mut missed) = (Seeded::new(16), 0, Vec::new());
    while edits < 500 {
        fs::write(&catalog, &whole).unwrap();
        let db = Connection::open(&catalog).unwrap();
        let Some(what) = edit(&db, &mut seeded) else { continue };
        drop(db);
        edits += 1;
        if verify(&case).0.is_empty() {
            missed.push(what);
        }
    }
    assert!(missed.is_empty(), "{} of {edits}: {missed:#?}", missed.len());
}

#[test]
fn what_report_rests_on_is_compared() {
    let (_dir, case) = made(1);
    let db = Connection::open(case.join("derived/catalog.sqlite")).unwrap();
    assert_eq!(
        db.execute("UPDATE container SET reason = NULL WHERE path = CAST('notes.txt' AS BLOB)", []).unwrap(),
        1
    );
    assert_eq!(db.execute("DELETE FROM entry WHERE kind = 'symlink'", []).unwrap(), 1);
    drop(db);
    let (findings, _) = verify(&case);
    let details: Vec<&str> = findings.iter().map(|finding| &*finding.detail).collect();
    assert_eq!(
        details,
        [
            "the row of what was not read is missing: link",
            "the row of a container differs from the ledger: reason"
        ]
    );
    run(&case, &["verify"]).with_code(4);
}
