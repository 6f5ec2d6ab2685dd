//! Appends beside a writer, stopped at every step.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::crash_tests::{begin, import, ledger, mbox, run};
use super::disk::Disk;
use super::turn::append_with;
use super::*;
use crate::types::CustodyEvent;

/// Types of the events of a case.
fn kinds(dir: &Path) -> Vec<String> {
    let reader = Reader::open(dir).unwrap();
    reader.custody().unwrap().map(|event| event.unwrap().1.kind).collect()
}

#[test]
fn an_event_is_appended_while_somebody_imports_and_covers_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mbox = mbox(60);
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        let (done, dir) = (&done, dir.path());
        let other = scope.spawn(move || {
            let mut appended = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) || appended == 0 {
                assert!(append_event(dir, &run(), &CustodyEvent::Stopped).unwrap().is_some());
                assert!(matches!(Writer::open(dir, &run()), Err(StoreError::Locked { .. })));
                appended += 1;
            }
            appended
        });
        import(&mut writer, &mbox).unwrap();
        done.store(true, std::sync::atomic::Ordering::Release);
        other.join().unwrap()
    });
    let head = writer.close().unwrap();
    assert_eq!(ledger(dir.path()), mbox.lines.concat());
    assert_eq!(kinds(dir.path()).iter().filter(|kind| *kind == "stopped").count(), appended);
    assert_eq!(head.events, kinds(dir.path()).len() as u64);
    // Nobody holds the case now: it is to be opened as a whole.
    assert_eq!(append_event(dir.path(), &run(), &CustodyEvent::Stopped).unwrap(), None);
    assert!(Writer::open(dir.path(), &run()).unwrap().recovered().is_empty());
}

#[test]
fn an_append_stopped_at_any_step_is_whole_or_told_and_the_import_goes_on() {
    let mbox = mbox(5);
    let mut stop_at = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("case");
        let mut writer = begin(Disk::default(), &dir).unwrap();
        let segment = writer.new_segment().unwrap();
        for line in &mbox.lines[..2] {
            writer.append_ledger(segment, line).unwrap();
        }
        let mut disk = Disk::default();
        disk.faults.lock().unwrap().stop_at = Some(stop_at);
        let appended = append_with(&mut disk, &dir, &run(), &CustodyEvent::Stopped);
        // What the append left is put right by the next commit, which covers what was written before.
        writer.commit("committed", b"{}").unwrap();
        let said: Vec<String> = kinds(&dir);
        let stands = said.iter().filter(|kind| *kind == "stopped").count();
        match &appended {
            Ok(head) => assert_eq!((stands, head.as_ref().unwrap().events), (1, 2)),
            Err(_) => assert!(stands < 2, "{said:?}"),
        }
        let expected: &[&str] = match (stands, said.len()) {
            (0, 2) => &["created", "committed"],
            (0, _) => &["created", "recovered", "committed"],
            (_, 3) => &["created", "stopped", "committed"],
            _ => &["created", "stopped", "recovered", "committed"],
        };
        assert_eq!(said, expected, "stopped at {stop_at}");
        let head = writer.close().unwrap();
        let mut again = begin(Disk::default(), &dir).unwrap();
        assert!(again.recovered().is_empty());
        assert_eq!(*again.head(), head);
        import(&mut again, &mbox).unwrap();
        again.close().unwrap();
        assert_eq!(ledger(&dir), mbox.lines.concat());
        if appended.is_ok() {
            assert!(stop_at > 7, "{stop_at} steps");
            break;
        }
        stop_at += 1;
    }
}

#[test]
fn behind_what_a_stopped_write_left_nothing_is_appended_until_the_holder_has_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    let log = dir.path().join(Layout::CUSTODY);
    let len = fs::metadata(&log).unwrap().len();
    OpenOptions::new().append(true).open(&log).unwrap().write_all(b"{\"data\":").unwrap();
    let refused = append_event(dir.path(), &run(), &CustodyEvent::Stopped);
    assert!(matches!(refused, Err(StoreError::Unsettled { offset, .. }) if offset == len));
    assert_eq!(fs::metadata(&log).unwrap().len(), len + 8, "nothing is cut by who does not hold the case");
    writer.commit("committed", b"{}").unwrap();
    assert_eq!(kinds(dir.path()), ["created", "recovered", "committed"]);
    assert!(append_event(dir.path(), &run(), &CustodyEvent::Stopped).unwrap().is_some());
    drop(writer);
    assert!(Writer::open(dir.path(), &run()).unwrap().recovered().is_empty());
}

#[test]
fn an_event_that_covers_bytes_and_was_not_written_by_the_holder_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    for name in [Layout::VERSION, Layout::CASE, Layout::CUSTODY, Layout::HEAD] {
        fs::copy(dir.path().join(name), other.path().join(name)).unwrap();
    }
    for folder in Layout::FOLDERS {
        fs::create_dir(other.path().join(folder)).unwrap();
    }
    // A program that did not ask for the lock commits a line of its own.
    let mut stranger = begin(Disk::default(), other.path()).unwrap();
    let segment = stranger.new_segment().unwrap();
    stranger.append_ledger(segment, &mbox(1).lines[0]).unwrap();
    stranger.commit("committed", b"{}").unwrap();
    drop(stranger);
    for name in [Layout::CUSTODY, Layout::HEAD] {
        fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
    }
    let refused = writer.commit("committed", b"{}");
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
}
