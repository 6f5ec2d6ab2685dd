//! Blocks: commits, cuts and damage at any place.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::tests::{MESSAGE, digest, facts};
use super::*;
use crate::facts::{ChildPlace, ItemFacts, TextFact};
use crate::types::record::{Record, SourceHead};
use crate::types::unescape::Rule;
use crate::types::{ByteRange, ItemKey, Sha256Digest};

/// Adds items of segment 1 to a catalog, each with places and people of its own and a child in every fifth.
fn add_items(writer: &mut CatalogWriter, items: std::ops::Range<u64>) {
    for item in items {
        let mut facts = facts();
        facts.subject = Some(TextFact { text: format!("subject {item}"), at: ByteRange::new(1, 2).unwrap() });
        facts.addresses[0].mailbox.name = format!("Ann {}", item % 7);
        let child = ItemFacts {
            child: Some(ChildPlace {
                part: "2".into(),
                in_parent: ByteRange::new(item, item + 9).unwrap(),
                in_message: None,
            }),
            ..ItemFacts::default()
        };
        let place = BlobPlace { pack: 1, at: item / 10, len: 20, raw: 300, offset: item % 10 * 90, size: 90 };
        let (sha256, wire) = (Sha256Digest::of(&item.to_le_bytes()), digest(3));
        for sub in 0..=u32::from(item % 5 == 0) {
            let row = ItemRow {
                key: ItemKey::new(1, item, sub).unwrap(),
                container: 1,
                number: u32::try_from(item).unwrap() + 1,
                start: item * 100 + 10,
                end: item * 100 + 100,
                sha256: &sha256,
                wire: if item % 3 == 0 { &sha256 } else { &wire },
                rule: Rule::None,
                lines: 0,
                uid: (item % 4 == 0).then_some(item * 2),
                blob: (sub == 0).then_some(place),
                notes: &[],
                server: None,
                state: &[],
                facts: if sub == 0 { &facts } else { &child },
                message: MESSAGE,
            };
            writer.add_item(&row).unwrap();
        }
    }
}

fn begun(path: &std::path::Path) -> CatalogWriter {
    let mut writer = CatalogWriter::open(path).unwrap();
    let head = SourceHead { entries: 1, kind: "auto".into(), listing: digest(1), split: "strict".into() };
    writer.record(1, 0, &Record::Source(head)).unwrap();
    writer
}

fn mark(items: u64) -> [(u32, Watermark); 1] {
    [(1, Watermark { items, lines: 0 })]
}

/// Everything that a row says.
fn said(catalog: &Catalog, row: &Row<'_>) -> Result<String, CatalogError> {
    let plain = (row.listed(), row.start(), row.end(), row.uid(), row.rule(), row.message_id());
    let (blob, people, files) = (row.blob(catalog)?, row.people(catalog)?, row.attachments(catalog)?);
    let (notes, more, hops) = (row.notes(catalog)?, row.more(catalog)?, row.hops(catalog)?);
    let digests = row.digests(catalog)?;
    Ok(format!("{plain:?} {digests:?} {blob:?} {people:?} {files:?} {notes:?} {more:?} {hops:?}"))
}

/// All rows of a catalog, read in order and, which must give the same, by their keys and as a list.
fn all(path: &std::path::Path) -> Result<Vec<String>, CatalogError> {
    let catalog = Catalog::open(path)?;
    let (mut rows, mut keys) = (Vec::new(), Vec::new());
    let (first, last) = (ItemKey::default(), ItemKey::from_u64(u64::MAX));
    catalog.range::<CatalogError>(first, last, |row| {
        rows.push(said(&catalog, row)?);
        keys.push(row.key());
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    let mut again = Vec::new();
    catalog.each::<CatalogError>(keys.iter().rev().copied(), |row| {
        again.push(said(&catalog, row)?);
        Ok(())
    })?;
    again.reverse();
    assert_eq!(rows, again);
    let mut listed = 0;
    catalog.each_listed::<CatalogError>(keys, |row| {
        assert!(rows[listed].starts_with(&format!("({row:?},")));
        listed += 1;
        Ok(())
    })?;
    assert_eq!(listed, rows.len());
    Ok(rows)
}

#[test]
fn commits_and_new_writers_between_any_rows_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let mut writer = begun(&whole);
    add_items(&mut writer, 0..200);
    writer.commit(&mark(200)).unwrap();
    writer.close().unwrap();
    let rows = all(&whole).unwrap();
    assert_eq!(rows.len(), 240);
    for step in [1, 7, 53, 64] {
        for is_reopened in [false, true] {
            let path = folder.path().join(format!("{step}{is_reopened}"));
            let mut writer = begun(&path);
            let mut at = 0;
            while at < 200 {
                let next = (at + step).min(200);
                add_items(&mut writer, at..next);
                writer.commit(&mark(next)).unwrap();
                at = next;
                if is_reopened {
                    writer.close().unwrap();
                    writer = CatalogWriter::open(&path).unwrap();
                }
            }
            writer.close().unwrap();
            assert_eq!(all(&path).unwrap(), rows, "{step} {is_reopened}");
        }
    }
}

#[test]
fn rows_taken_back_from_any_item_leave_the_rows_before_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let mut writer = begun(&path);
    add_items(&mut writer, 0..150);
    writer.commit(&mark(150)).unwrap();
    let rows = all(&path).unwrap();
    for item in [149, 148, 100, 55, 54, 53, 52, 51, 6, 5, 1, 0] {
        // Once with rows that no commit has seen.
        add_items(&mut writer, 150..152);
        writer.truncate_from(1, item).unwrap();
        writer.commit(&mark(item)).unwrap();
        let children = item.div_ceil(5);
        assert_eq!(all(&path).unwrap(), rows[..usize::try_from(item + children).unwrap()], "{item}");
        add_items(&mut writer, item..150);
        writer.commit(&mark(150)).unwrap();
        assert_eq!(all(&path).unwrap(), rows, "{item}");
    }
    writer.remove_items(1).unwrap();
    writer.commit(&mark(0)).unwrap();
    assert!(all(&path).unwrap().is_empty());
}

#[test]
fn rows_that_are_there_already_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let mut writer = begun(&path);
    add_items(&mut writer, 0..10);
    writer.commit(&mark(10)).unwrap();
    let mut writer = CatalogWriter::open(&path).unwrap();
    let facts = facts();
    let row = ItemRow {
        key: ItemKey::new(1, 9, 1).unwrap(),
        container: 1,
        number: 1,
        start: 0,
        end: 1,
        sha256: &digest(1),
        wire: &digest(1),
        rule: Rule::None,
        lines: 0,
        uid: None,
        blob: None,
        notes: &[],
        server: None,
        state: &[],
        facts: &facts,
        message: MESSAGE,
    };
    writer.add_item(&row).unwrap();
    let row = ItemRow { key: ItemKey::new(1, 3, 0).unwrap(), ..row };
    assert!(matches!(writer.add_item(&row), Err(CatalogError::Damaged { .. })));
}

#[test]
fn a_block_cut_flipped_moved_or_missing_is_an_error_and_never_another_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog");
    let mut writer = begun(&path);
    add_items(&mut writer, 0..130);
    writer.commit(&mark(130)).unwrap();
    writer.close().unwrap();
    assert_eq!(all(&path).unwrap().len(), 156);
    let db = rusqlite::Connection::open(&path).unwrap();
    let is_told = |what: &str| {
        let found = all(&path);
        assert!(matches!(found, Err(CatalogError::Damaged { .. })), "{what}: {found:?}");
    };
    let first: i64 = db.query_row("SELECT min(first) FROM block", [], |row| row.get(0)).unwrap();
    for column in ["list", "rest", "digests"] {
        let sql = format!("SELECT {column} FROM block WHERE first = ?1");
        let good: Vec<u8> = db.query_row(&sql, [first], |row| row.get(0)).unwrap();
        let sql = format!("UPDATE block SET {column} = ?2 WHERE first = ?1");
        let set = |bytes: &[u8]| assert_eq!(db.execute(&sql, (first, bytes)).unwrap(), 1);
        for at in (0..good.len()).step_by(good.len() / 40 + 1).chain([good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            set(&bad);
            is_told(&format!("{column} flipped at {at}"));
            set(&good[..at]);
            is_told(&format!("{column} cut at {at}"));
        }
        set(&good);
    }
    for sql in [
        "UPDATE block SET first = first + 1 WHERE first = (SELECT max(first) FROM block)",
        "UPDATE block SET last = last + 1 WHERE first = (SELECT max(first) FROM block)",
        "UPDATE block SET list = (SELECT list FROM block ORDER BY first LIMIT 1)",
        "DELETE FROM block WHERE first = (SELECT min(first) FROM block)",
        "DELETE FROM block WHERE first = (SELECT max(first) FROM block)",
        "DELETE FROM block WHERE first = (SELECT first FROM block ORDER BY first LIMIT 1 OFFSET 1)",
        "DELETE FROM block",
    ] {
        db.execute_batch(&format!("BEGIN; {sql}; COMMIT")).unwrap();
        is_told(sql);
        // Made whole again for the next one.
        let mut writer = CatalogWriter::open(&path).unwrap();
        db.execute_batch("DELETE FROM block").unwrap();
        add_items(&mut writer, 0..130);
        writer.commit(&mark(130)).unwrap();
        writer.close().unwrap();
        assert_eq!(all(&path).unwrap().len(), 156);
    }
}
