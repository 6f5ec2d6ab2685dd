//! Stops the writer at every step, cuts the power, opens again, and looks what is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::types::record::{Closed, Container, End, Item, Record, SourceDigest, SourceHead};
use crate::types::time::Clock;
use crate::types::unescape::Rule;
use crate::types::{ContainerId, RelPath, Sha256Digest};

use super::disk::Disk;
use super::disk::faults::Faults;
use super::restore::{BlobMap, restore_container};
use super::*;

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

pub(crate) fn run() -> Run {
    Run::new("mailtrail", "0", Arc::new(Still))
}

/// One source of one mbox with `n` items, as ledger lines, one string each.
pub(super) struct Mbox {
    bytes: Vec<u8>,
    blobs: Vec<Vec<u8>>,
    pub(super) lines: Vec<Vec<u8>>,
}

pub(super) fn mbox(n: u32) -> Mbox {
    let mut bytes = Vec::new();
    let mut blobs = Vec::new();
    let mut records = vec![
        Record::Source(SourceHead {
            entries: 1,
            kind: "auto".into(),
            listing: Sha256Digest::of(b"l"),
            split: "strict".into(),
        }),
        Record::Container(Container {
            container: 1,
            parent: None,
            kind: "mbox".into(),
            path: RelPath::new("a.mbox"),
        }),
    ];
    for number in 1..=n {
        let separator = b"From a@b Thu Nov 20 08:15:04 2025\n".to_vec();
        bytes.extend_from_slice(&separator);
        let start = bytes.len() as u64;
        let blob =
            format!("Subject: {number}\r\n\r\n{}\r\n", "body ".repeat(number as usize * 50)).into_bytes();
        bytes.extend_from_slice(&blob);
        let sha256 = Sha256Digest::of(&blob);
        records.push(Record::Item(Item {
            container: 1,
            number,
            separator,
            start,
            end: bytes.len() as u64,
            terminator: b"\n".to_vec(),
            sha256,
            rule: Rule::None,
            lines: 0,
            wire: sha256,
            uid: None,
            notes: Vec::new(),
        }));
        bytes.push(b'\n');
        blobs.push(blob);
    }
    let sha256 = Sha256Digest::of(&bytes);
    let size = bytes.len() as u64;
    let mut id = SourceDigest::default();
    id.file(&RelPath::new("a.mbox"), &sha256, size);
    records.push(Record::End(End {
        container: 1,
        items: u64::from(n),
        size,
        sha256,
        md5: None,
        sha1: None,
        reason: None,
        error: None,
        notes: Vec::new(),
    }));
    records.push(Record::Closed(Closed { id: id.finish(), containers: 1, items: u64::from(n), bytes: size }));
    let lines = records
        .iter()
        .map(|record| {
            let mut line = Vec::new();
            record.write_line(&mut line);
            line
        })
        .collect();
    Mbox { bytes, blobs, lines }
}

/// Imports as the pipeline does: blobs not stored yet, lines not committed yet, a commit every two lines.
pub(super) fn import(writer: &mut Writer, mbox: &Mbox) -> Result<(), StoreError> {
    let reader = Reader::open(writer.layout().root())?;
    let known = BlobMap::load(&reader)?;
    let (segment, done) = match writer.segments().first() {
        Some(info) => {
            let mut lines = reader.ledger_lines(info.number, 0)?;
            let mut done = 0;
            while let Some(line) = lines.next_line()? {
                assert_eq!(line.bytes, &mbox.lines[done][..mbox.lines[done].len() - 1]);
                done += 1;
            }
            (info.number, done)
        }
        None => (writer.new_segment()?, 0),
    };
    for (n, line) in mbox.lines.iter().enumerate().skip(done) {
        if let Some(blob) = n.checked_sub(2).and_then(|n| mbox.blobs.get(n)) {
            let sha256 = Sha256Digest::of(blob);
            if restore::Locate::locate(&known, &sha256).is_none() {
                if n % 3 == 0 {
                    writer.blob_begin()?;
                    for part in blob.chunks(100) {
                        writer.blob_part(part)?;
                    }
                    writer.blob_end(|_| true)?;
                } else {
                    let frame = pack(&[(sha256, blob)], 1).unwrap();
                    writer.append_frame(&frame)?;
                }
            }
        }
        writer.append_ledger(segment, line)?;
        if n % 2 == 1 {
            writer.commit("committed", b"{}")?;
        }
    }
    Ok(())
}

pub(super) fn begin(disk: Disk, dir: &Path) -> Result<Writer, StoreError> {
    begin_as(disk, dir, VERSION)
}

fn begin_as(disk: Disk, dir: &Path, version: u32) -> Result<Writer, StoreError> {
    let mut writer = match state(dir)? {
        State::Absent | State::Unfinished => {
            Writer::create_with(disk, dir, &CaseInfo::default(), &run(), version)?
        }
        State::Case | State::Other => Writer::open_with(disk, dir, &run())?,
    };
    writer.pack_full = 300;
    Ok(writer)
}

fn check_whole(dir: &Path, mbox: &Mbox) {
    let reader = Reader::open(dir).unwrap();
    let segments = reader.segments().unwrap();
    assert_eq!(segments.len(), 1);
    assert!(!segments[0].is_pending());
    let blobs = BlobMap::load(&reader).unwrap();
    let mut out = Vec::new();
    let id = ContainerId { source: segments[0].source(), number: 1 };
    let restored = restore_container(&reader, &blobs, id, &mut out).unwrap();
    assert!(restored.is_exact());
    assert_eq!(out, mbox.bytes);
    assert_eq!(ledger(dir), mbox.lines.concat());
    for event in reader.custody().unwrap() {
        event.unwrap();
    }
}

/// The lines of the first segment.
pub(super) fn ledger(dir: &Path) -> Vec<u8> {
    let reader = Reader::open(dir).unwrap();
    let mut lines = reader.ledger_lines(1, 0).unwrap();
    let mut all = Vec::new();
    while let Some(line) = lines.next_line().unwrap() {
        assert!(line.is_whole);
        assert_eq!(line.at, all.len() as u64);
        all.extend_from_slice(line.bytes);
        all.push(b'\n');
    }
    all
}

/// What the writer said was committed must be there.
fn committed_lines(dir: &Path) -> usize {
    let Ok(reader) = Reader::open(dir) else { return 0 };
    reader.segments().unwrap().first().map_or(0, |info| reader.records(info.number, 0).unwrap().count())
}

#[test]
fn a_case_holds_what_was_put_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("case");
    let mbox = mbox(9);
    let mut writer = begin(Disk::default(), &dir).unwrap();
    import(&mut writer, &mbox).unwrap();
    let head = writer.close().unwrap();
    check_whole(&dir, &mbox);
    let reader = Reader::open(&dir).unwrap();
    assert_eq!(*reader.head(), head);
    assert_eq!(reader.case_info().unwrap().case, head.case);
    assert!(reader.frames().last().unwrap().unwrap().frame.pack > 1, "a full pack is followed by another");
    assert!(matches!(Writer::create(&dir, &CaseInfo::default(), &run()), Err(StoreError::NotEmpty { .. })));
    let first = Writer::open(&dir, &run()).unwrap();
    assert!(first.recovered().is_empty());
    assert!(matches!(Writer::open(&dir, &run()), Err(StoreError::Locked { pid: Some(_), .. })));
    drop(first);
    fs::write(dir.join("VERSION"), "mailtrail-case/4\n").unwrap();
    assert!(matches!(Reader::open(&dir), Err(StoreError::NewerFormat { found: 4, .. })));
    assert!(matches!(Writer::open(&dir, &run()), Err(StoreError::NewerFormat { found: 4, .. })));
}

#[test]
fn a_long_blob_that_the_case_has_already_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    let one = pack(&[(Sha256Digest::of(b"one"), b"one".as_slice())], 1).unwrap();
    writer.append_frame(&one).unwrap();
    writer.blob_begin().unwrap();
    assert!(matches!(writer.commit("x", b"{}"), Err(StoreError::Busy)));
    for n in 0..1_000_000u32 {
        writer.blob_part(&n.wrapping_mul(2_654_435_761).to_le_bytes()).unwrap();
    }
    assert_eq!(writer.blob_end(|_| false).unwrap().1, None);
    let two = writer.append_frame(&one).unwrap();
    assert_eq!(two.at, one.bytes.len() as u64);
    writer.commit("committed", b"{\"a\":1}").unwrap();
    assert!(matches!(writer.commit("x", b"{ }"), Err(StoreError::NotCanonical { .. })));
    assert_eq!(fs::metadata(dir.path().join("packs/000001.pack")).unwrap().len(), 2 * one.bytes.len() as u64);
    drop(writer);
    assert_eq!(Reader::open(dir.path()).unwrap().read_frame(two).unwrap(), b"one");
}

fn is_send<T: Send>(_: &T) {}

#[test]
fn a_reader_sees_a_consistent_case_while_a_writer_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let mut writer = begin(Disk::default(), &path).unwrap();
    is_send(&writer);
    assert!(is_being_written(writer.layout()));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        let watcher = scope.spawn(move || {
            let (mut looks, mut last) = (0, 0);
            while !done.load(std::sync::atomic::Ordering::Acquire) || looks == 0 {
                let reader = Reader::open(&path).unwrap();
                assert!(reader.head().events >= last);
                last = reader.head().events;
                let blobs = BlobMap::load(&reader).unwrap();
                for info in reader.segments().unwrap() {
                    for record in reader.records(info.number, 0).unwrap() {
                        if let Record::Item(item) = record.unwrap().1 {
                            let at = restore::Locate::locate(&blobs, &item.sha256).unwrap();
                            assert_eq!(reader.blob(&at).unwrap().len() as u64, item.end - item.start);
                        }
                    }
                }
                looks += 1;
            }
            looks
        });
        import(&mut writer, &mbox(120)).unwrap();
        done.store(true, std::sync::atomic::Ordering::Release);
        assert!(watcher.join().unwrap() > 0);
    });
    drop(writer);
    assert!(!is_being_written(&Layout::new(dir.path())));
}

/// Stops at every step of making a case and importing into it, perhaps stops the next try too, and goes on.
fn stopped_everywhere(version: u32, lose: &dyn Fn(&Faults)) {
    let mbox = mbox(5);
    let mut stop_at = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("case");
        let stopped = |at: u64| {
            let disk = Disk::default();
            let faults = disk.faults.clone();
            faults.lock().unwrap().stop_at = Some(at);
            let done =
                begin_as(disk, &dir, version).and_then(|mut writer| import(&mut writer, &mbox)).is_ok();
            lose(&faults.lock().unwrap());
            done
        };
        let finished = stopped(stop_at);
        let before = committed_lines(&dir);
        // The second try is stopped as well, at some step of its recovery.
        stopped(stop_at % 17);
        assert!(committed_lines(&dir) >= before, "stopped at {stop_at}: something committed was lost");
        let mut writer = begin_as(Disk::default(), &dir, version).unwrap();
        import(&mut writer, &mbox).unwrap();
        writer.close().unwrap();
        check_whole(&dir, &mbox);
        assert!(Writer::open(&dir, &run()).unwrap().recovered().is_empty());
        if finished {
            assert!(stop_at > 80, "{stop_at} steps");
            break;
        }
        stop_at += 1;
    }
}

#[test]
fn an_import_stopped_at_any_step_ends_the_same_when_run_again() {
    stopped_everywhere(VERSION, &|_| {});
    stopped_everywhere(ACCOUNTS, &|_| {});
}

/// A power cut: every file is as long as it was flushed (plus some of the rest, as zeros or not at all), and a name
/// that was not flushed is gone.
#[test]
fn a_power_cut_at_any_step_loses_nothing_that_was_committed() {
    for (version, keep) in [(VERSION, 0), (VERSION, 1), (VERSION, 2), (ACCOUNTS, 1)] {
        stopped_everywhere(version, &|faults| {
            for (path, &durable) in &faults.durable {
                let Ok(meta) = fs::metadata(path) else { continue };
                if faults.unnamed.contains(path) && keep == 0 {
                    fs::remove_file(path).unwrap();
                } else if meta.len() > durable {
                    let file = OpenOptions::new().write(true).open(path).unwrap();
                    let rest = meta.len() - durable;
                    match keep {
                        0 => file.set_len(durable).unwrap(),
                        1 => file.set_len(durable + rest / 2).unwrap(),
                        _ => {
                            // The length came to the disk, the bytes did not.
                            file.set_len(durable).unwrap();
                            file.set_len(durable + rest).unwrap();
                        }
                    }
                }
            }
        });
    }
}

#[test]
fn a_making_that_was_cut_off_in_its_first_write_is_no_case_and_no_damage() {
    let text = format!("mailtrail-case/{VERSION}\n");
    for length in 0..text.len() {
        let dir = tempfile::tempdir().unwrap();
        let version = dir.path().join("VERSION");
        fs::write(&version, &text[..length]).unwrap();
        assert!(matches!(Reader::open(dir.path()), Err(StoreError::NotACase { .. })), "{length}");
        drop(begin(Disk::default(), dir.path()).unwrap());
        assert!(Reader::open(dir.path()).is_ok());
        // The same in a case that was made is damage.
        fs::write(&version, &text[..length]).unwrap();
        fs::remove_file(dir.path().join("HEAD")).unwrap();
        assert!(matches!(Reader::open(dir.path()), Err(StoreError::Damaged { .. })), "{length}");
    }
}

#[test]
fn what_failed_first_is_told_by_every_later_call() {
    for at in 30..60 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        let faults = disk.faults.clone();
        let mut writer = begin(disk, dir.path()).unwrap();
        faults.lock().unwrap().stop_at = Some(at);
        let first = import(&mut writer, &mbox(9)).unwrap_err();
        let StoreError::Io { what, path, .. } = &first else { panic!("{first}") };
        for later in [writer.append_ledger(1, b"{}\n").unwrap_err(), writer.commit("x", b"{}").unwrap_err()] {
            let StoreError::Broken { what: then, path: of, source } = &later else { panic!("{later}") };
            assert_eq!((then, of), (what, path));
            assert_eq!(source.kind(), io::ErrorKind::StorageFull);
            assert!(later.to_string().contains(&path.display().to_string()), "{later}");
        }
    }
}

#[test]
fn a_recovery_is_told_in_the_custody_log_with_the_digest_of_what_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mbox = mbox(3);
    let mut writer = begin(Disk::default(), dir.path()).unwrap();
    import(&mut writer, &mbox).unwrap();
    writer.close().unwrap();
    let mut tails: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for name in ["custody.jsonl", "ledger/000001.jsonl.zst", "packs/000001.jsonl.zst"] {
        let path = dir.path().join(name);
        let old = fs::read(&path).unwrap();
        fs::write(&path, [old.as_slice(), b"{\"torn\":\n\0"].concat()).unwrap();
        tails.insert(path, old);
    }
    fs::write(dir.path().join("ledger/000002.jsonl.zst"), b"{}").unwrap();
    let writer = Writer::open(dir.path(), &run()).unwrap();
    assert_eq!(writer.recovered().len(), 4);
    drop(writer);
    let (_, event) = Reader::open(dir.path()).unwrap().custody().unwrap().last().unwrap().unwrap();
    assert_eq!(event.kind, "recovered");
    let text = String::from_utf8(event.data).unwrap();
    assert!(text.contains(&Sha256Digest::of(b"{\"torn\":\n\0").to_string()), "{text}");
    for (path, old) in tails {
        let new = fs::read(&path).unwrap();
        assert!(new.starts_with(&old) && !new.ends_with(b"\0"), "{}", path.display());
    }
    assert!(!dir.path().join("ledger/000002.jsonl.zst").exists());
}

type Damage<'a> = &'a dyn Fn(&Path);

#[test]
fn a_record_that_no_crash_explains_is_not_written_to() {
    let make = |dir: &Path| {
        let mut writer = begin(Disk::default(), dir).unwrap();
        import(&mut writer, &mbox(9)).unwrap();
        writer.close().unwrap();
    };
    let damages: [(&str, Damage<'_>); 6] = [
        ("head gone", &|dir| fs::remove_file(dir.join("HEAD")).unwrap()),
        ("ledger gone", &|dir| fs::remove_file(dir.join("ledger/000001.jsonl.zst")).unwrap()),
        ("pack cut", &|dir| fs::write(dir.join("packs/000002.pack"), b"").unwrap()),
        ("pack lines gone", &|dir| fs::remove_file(dir.join("packs/000002.jsonl.zst")).unwrap()),
        ("last event gone", &|dir| {
            let path = dir.join("custody.jsonl");
            let text = fs::read_to_string(&path).unwrap();
            let cut = text.trim_end().rfind('\n').unwrap() + 1;
            fs::write(&path, &text[..cut]).unwrap();
        }),
        ("event changed", &|dir| {
            let path = dir.join("custody.jsonl");
            fs::write(&path, fs::read_to_string(&path).unwrap().replacen("committed", "comitted", 1))
                .unwrap();
        }),
    ];
    for (what, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        damage(dir.path());
        assert!(matches!(Writer::open(dir.path(), &run()), Err(StoreError::Damaged { .. })), "{what}");
    }
}
