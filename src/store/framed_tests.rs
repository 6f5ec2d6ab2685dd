//! Lines kept as frames are found from any byte, and damage stays where it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::fs;

use super::crash_tests::{begin, import, ledger, mbox};
use super::disk::Disk;
use super::*;

#[test]
fn lines_are_found_from_any_byte_and_a_damaged_frame_hides_only_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mbox = mbox(9);
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    import(&mut writer, &mbox).unwrap();
    writer.close().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let all = ledger(dir.path());
    let mut at = 0;
    for line in &mbox.lines {
        let mut lines = reader.ledger_lines(1, at as u64).unwrap();
        assert_eq!(lines.next_line().unwrap().unwrap().bytes, &line[..line.len() - 1]);
        at += line.len();
    }
    assert_eq!(at, all.len());
    let mut place = (1, 0);
    let mut frames = reader.frames();
    while let Some(frame) = frames.next() {
        let frame = frame.unwrap();
        let again = reader.frames_from(place.0, place.1).next().unwrap().unwrap();
        assert_eq!(again, frame);
        if place.0 == frame.frame.pack {
            assert_eq!(reader.pack_line(place.0, place.1).unwrap(), frame);
        }
        place = frames.position();
    }
    // The frame in the middle gets a changed byte at each of its places.
    let path = dir.path().join("ledger/000001.jsonl.zst");
    let frames = reader.chain().unwrap().frames["ledger/000001.jsonl.zst"].clone();
    let hit = frames[frames.len() / 2];
    let good = fs::read(&path).unwrap();
    for at in hit.from_packed..hit.to_packed {
        let mut bad = good.clone();
        bad[usize::try_from(at).unwrap()] ^= 0x10;
        fs::write(&path, bad).unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        let mut lines = reader.ledger_lines(1, 0).unwrap();
        let strict = loop {
            match lines.next_line() {
                Ok(Some(line)) if line.is_whole => {}
                Ok(Some(_)) => panic!("a torn line in a frame"),
                Ok(None) => break true,
                Err(StoreError::Damaged { trouble: Trouble::LinesUnreadable, .. }) => break false,
                Err(error) => panic!("{error}"),
            }
        };
        let mut lines = reader.ledger_lines(1, 0).unwrap();
        lines.pass_over_damage();
        let (mut torn, mut seen) = (0, Vec::new());
        while let Some(line) = lines.next_line().unwrap() {
            torn += u32::from(!line.is_whole);
            if line.is_whole {
                seen.push((line.at, line.bytes.to_vec()));
            }
        }
        assert_eq!(torn == 0, strict, "byte {at}");
        let mut place = 0;
        for line in &mbox.lines {
            let is_beside = place < hit.from || place >= hit.to;
            let is_seen = seen.contains(&(place, line[..line.len() - 1].to_vec()));
            assert!(is_seen || !is_beside, "byte {at}, line at {place}");
            place += line.len() as u64;
        }
    }
}
