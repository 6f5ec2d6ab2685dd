//! Sources made to mislead: what is no plain file, what changes while it is read, containers that lie.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use mailtrail::source::{Close, Cut, Event, Kind, Long, Options, What, list, read};
use mailtrail::types::Sha256Digest;

const A: &str = "From a@example.org Thu Nov 20 08:15:04 2025\n";
const H: &str = "From: a@example.org\nTo: b@example.org\nSubject: x\n\n";

/// What a reading tells, in few words.
#[derive(Default)]
struct Seen {
    entries: Vec<String>,
    containers: Vec<(&'static str, String, Close)>,
    bodies: Vec<Vec<u8>>,
    notes: Vec<&'static str>,
    gaps: u64,
}

fn see(root: &Path, options: &Options, meddle: &mut dyn FnMut(&Event)) -> Seen {
    let listing = list(root).unwrap();
    let mut seen = Seen::default();
    let mut open = None;
    let mut covered = 0;
    read(&listing, options, &mut |event| {
        meddle(&event);
        match event {
            Event::Entry(e) => {
                let note = e.note.map(|n| String::from_utf8_lossy(&n).into_owned()).unwrap_or_default();
                seen.entries.push(format!("{} {} {note}", e.kind, e.path.display()).trim_end().to_owned());
            }
            Event::Open(o) => {
                covered = 0;
                open = Some((o.kind, o.path.display().into_owned()));
            }
            Event::Bytes(b) => {
                let mut at = 0;
                for cut in b.cuts {
                    match cut {
                        Cut::Item { separator, body, terminator, notes, .. } => {
                            assert_eq!(
                                (separator.start, separator.end, body.end),
                                (at, body.start, terminator.start)
                            );
                            at = terminator.end;
                            seen.notes.extend(notes.iter().map(|n| n.kind.code()));
                            seen.bodies.push(b.data[body].to_vec());
                        }
                        Cut::Gap { range, .. } => {
                            assert_eq!(range.start, at);
                            at = range.end;
                            seen.gaps += range.len() as u64;
                        }
                    }
                }
                assert_eq!(at, b.data.len());
                covered += at as u64;
            }
            Event::Long(Long::Start { separator, .. }) => covered += separator.len() as u64,
            Event::Long(Long::Part(part)) => covered += part.len() as u64,
            Event::Long(Long::End { terminator, notes, .. }) => {
                covered += terminator.len() as u64;
                seen.notes.extend(notes.iter().map(|n| n.kind.code()));
            }
            Event::Close(close) => {
                assert_eq!(covered, close.size);
                seen.notes.extend(close.notes.iter().map(|n| n.kind.code()));
                let (kind, path) = open.take().unwrap();
                seen.containers.push((kind, path, close));
            }
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    seen
}

fn see_bytes(bytes: &[u8]) -> Seen {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, bytes).unwrap();
    see(&path, &Options::default(), &mut |_| {})
}

fn check(bytes: impl AsRef<[u8]>, kind: &str, items: usize, notes: &[&str]) {
    let bytes = bytes.as_ref();
    let seen = see_bytes(bytes);
    let (got, _, close) = &seen.containers[0];
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
    let got = if *got == "other" { close.reason.unwrap() } else { *got };
    assert_eq!((got, seen.bodies.len()), (kind, items), "{shown}");
    assert_eq!(seen.notes, notes, "{shown}");
}

#[test]
fn links_pipes_and_sockets_are_listed_and_never_opened() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("mail"), H).unwrap();
    symlink("/etc/passwd", at("a-link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("self", at("self")).unwrap();
    symlink("/", at("root")).unwrap();
    symlink(".", at("here")).unwrap();
    fs::hard_link(at("mail"), at("second-name")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/line\nfeed"), H).unwrap();
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"full/\xff\xfe")), H).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let seen = see(dir.path(), &Options::default(), &mut |_| {});
    assert_eq!(
        seen.entries,
        [
            "symlink a-link /etc/passwd",
            "symlink dangling nowhere",
            "directory empty",
            "symlink here .",
            "fifo pipe",
            "symlink root /",
            "symlink self self",
            "socket socket",
        ]
    );
    assert_eq!(seen.containers.len(), 4);
    for root in ["a-link", "pipe", "here"] {
        let listing = list(&at(root)).unwrap();
        assert!(matches!(listing.found[..], [ref only] if matches!(only.what, What::Other(_))), "{root}");
    }
    assert!(list(&at("nothing")).is_err());
}

#[test]
fn a_file_that_became_something_else_is_told_and_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["1-gone", "2-pipe", "3-link"] {
        fs::write(dir.path().join(name), H).unwrap();
    }
    let listing = list(dir.path()).unwrap();
    for name in ["1-gone", "2-pipe", "3-link"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    assert!(Command::new("mkfifo").arg(dir.path().join("2-pipe")).status().unwrap().success());
    symlink("/etc/passwd", dir.path().join("3-link")).unwrap();
    let mut kinds = Vec::new();
    read(&listing, &Options::default(), &mut |event| {
        if let Event::Entry(entry) = event {
            kinds.push(entry.kind);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(kinds, ["unreadable"; 3]);
}

#[test]
fn a_path_that_is_too_long_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let name = "d".repeat(250);
    let script = format!(
        "cd {} && for i in $(seq 20); do mkdir {name} && cd {name} || exit; done; echo x > f",
        dir.path().display()
    );
    assert!(Command::new("bash").args(["-c", &script]).status().unwrap().success());
    let seen = see(dir.path(), &Options::default(), &mut |_| {});
    assert_eq!((seen.entries.len(), seen.containers.len()), (1, 0));
    assert!(seen.entries[0].starts_with("unreadable "));
    assert!(Command::new("rm").arg("-rf").arg(dir.path()).status().unwrap().success());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_found_out() {
    let text = format!("{A}{H}body\n\n").repeat(40_000);
    #[expect(clippy::type_complexity, reason = "a table of five")]
    let changes: [(&str, &dyn Fn(&Path)); 5] = [
        ("append", &|p| OpenOptions::new().append(true).open(p).unwrap().write_all(b"more\n").unwrap()),
        ("truncate", &|p| OpenOptions::new().write(true).open(p).unwrap().set_len(1000).unwrap()),
        ("replace", &|p| {
            fs::write(p.with_extension("new"), "x").unwrap();
            fs::rename(p.with_extension("new"), p).unwrap();
        }),
        ("rewrite", &|p| {
            use std::os::unix::fs::FileExt as _;
            OpenOptions::new().write(true).open(p).unwrap().write_all_at(b"X", 10).unwrap();
        }),
        ("remove", &|p| fs::remove_file(p).unwrap()),
    ];
    for (what, change) in changes {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.mbox");
        fs::write(&path, &text).unwrap();
        let mut done = false;
        let seen = see(&path, &Options::default(), &mut |event| {
            if matches!(event, Event::Bytes(_)) && !std::mem::replace(&mut done, true) {
                std::thread::sleep(std::time::Duration::from_millis(20));
                change(&path);
            }
        });
        assert!(seen.containers[0].2.changed, "{what}");
        assert_eq!(seen.notes.last(), Some(&"changed-while-read"), "{what}");
    }
}

#[test]
fn reading_does_not_touch_the_access_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, H).unwrap();
    let times = |p: &Path| {
        fs::metadata(p).map(|m| (m.atime(), m.atime_nsec(), m.mtime_nsec(), m.ctime_nsec())).unwrap()
    };
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(fs::FileTimes::new().set_accessed(std::time::SystemTime::UNIX_EPOCH)).unwrap();
    drop(file);
    let before = times(&path);
    assert_eq!(see(dir.path(), &Options::default(), &mut |_| {}).bodies.len(), 1);
    assert_eq!(times(&path), before);
}

#[test]
fn a_container_that_lies_is_cut_exactly_and_told() {
    check(format!("{A}{H}x\n\nFrom here\n\n"), "mbox", 1, &["suspect-from"]);
    check(format!("{A}{H}x\nFrom here\n\n"), "mbox", 1, &[]);
    check(format!("{A}{H}x\n{A}y\n\n"), "mbox", 1, &["from-without-blank"]);
    check(format!("{A}{H}x\n{A}{H}y\n\n"), "mbox", 2, &["separator-inferred"]);
    check(format!("{A}{H}x\n\n{A}{H}y"), "mbox", 2, &["message-unterminated"]);
    check(format!("{A}{H}>From y\n\n"), "mbox", 1, &["from-quoting-ambiguous"]);
    check(format!("{A}{H}>>From y\n\n"), "mbox", 1, &[]);
    check(format!("{A}\n{A}\n"), "mbox", 2, &["empty-item", "empty-item"]);
    check(A, "mbox", 1, &["empty-item", "message-unterminated"]);
    check(format!("\u{feff}{A}{H}x\n\n"), "mbox", 1, &["byte-order-mark"]);
    check(format!("\u{feff}{H}x\n"), "eml", 1, &["byte-order-mark"]);
    check(format!("junk\x01\n{A}{H}x\n\n"), "mbox", 1, &["separator-missing"]);
    check(format!("{H}x\n"), "eml", 1, &[]);
    check(format!("{A}{H}x\n\n").replace('\n', "\r\n"), "mbox", 1, &[]);
    check(format!("{A}{H}x\r\n\r\n{A}{H}y\n\n"), "mbox", 2, &[]);
    check(format!("{A}{H}x\n\n{}", "\0".repeat(5000)), "mbox", 1, &["message-unterminated"]);
    check(format!("{A}{H}{}\n\n", "x".repeat(1 << 20)), "mbox", 1, &[]);
    check(format!("{A}{H}x\n\n").replace('\n', "\r"), "unsupported-cr", 0, &[]);
    let utf16: Vec<u8> = format!("{A}{H}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, "unsupported-utf16", 0, &[]);
    check([&b"\xff\xfe"[..], &utf16].concat(), "unsupported-utf16", 0, &[]);
    check(format!("{:<10}\n{H}x\n<?xml version=\"1.0\"?>\n", 9_999_999), "unsupported-emlx", 0, &[]);
    check(
        format!("\x01\x01\x01\x01\n{H}x\n\x01\x01\x01\x01\n\x01\x01\x01\x01\n{H}y\n\x01\x01\x01\x01\n"),
        "mmdf",
        2,
        &[],
    );
    check(format!("\x01\x01\x01\x01\n{H}x\n\x01\x01\x01\x01\n{H}y\n"), "mmdf", 2, &["message-unterminated"]);
}

#[test]
fn what_is_no_mail_is_listed_with_its_reason() {
    let cases: [(&[u8], &str); 17] = [
        (b"", "empty"),
        (b"hello\n", "not-mail"),
        (b"{\"From\": \"a@example.org\", \"Subject\": \"x\"}\n", "not-mail"),
        (b"[{\"subject\": 1}]\n", "not-mail"),
        (b"#!/bin/sh\n# From: me\necho Subject: x\n", "not-mail"),
        (b"Nov 20 08:15:04 host postfix/qmgr[1]: A1: from=<a@example.org>, size=1\n", "not-mail"),
        (b"2025-11-20 08:15:04 1abc <= a@example.org H=x [192.0.2.1] P=esmtp S=1\n", "not-mail"),
        (b"Note: the meeting\n\nis over\n", "not-mail"),
        (b"<html>\n<p>From: x</p>\n</html>\n", "not-mail"),
        (b"BEGIN:VCARD\nVERSION:3.0\nFN:Joe\nEND:VCARD\n", "not-mail"),
        (b"---\nsubject: x\ndate: y\nto: z\n---\n", "not-mail"),
        (b"%PDF-1.7\nFrom: x\n", "not-mail"),
        (b"!BDN\x00\x00", "unsupported-pst"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unsupported-msg"),
        (b"\x78\x9f\x3e\x22\x01", "unsupported-tnef"),
        (b"\xcf\xad\x12\xfe\xc5", "unsupported-dbx"),
        (b"-----BEGIN PGP MESSAGE-----\n\nx\n", "encrypted"),
    ];
    for (bytes, reason) in cases {
        check(bytes, reason, 0, &[]);
    }
    let noise: Vec<u8> =
        (0u32..100_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    check(noise, "not-mail", 0, &[]);
    check(vec![b'A'; 600_000], "not-mail", 0, &[]);
}

#[test]
fn five_identical_messages_are_five_items() {
    let seen = see_bytes(format!("{A}{H}x\n\n").repeat(5).as_bytes());
    assert_eq!(seen.bodies.len(), 5);
    assert!(seen.bodies.iter().all(|b| b == &seen.bodies[0]));
}

#[test]
fn a_maildir_tells_what_is_delivered_and_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    for sub in ["cur", "new", "tmp", ".Sent.2025/cur", ".Sent.2025/new"] {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
    }
    let size = H.len() + 2;
    for name in [
        format!("cur/1763626504.M1P2.host,S={size},W={}:2,S", size + 5),
        "cur/1763626505.M1P2.host,S=7;2,FS".to_owned(),
        "cur/.hidden".to_owned(),
        "new/1763626506.M1P2.host".to_owned(),
        "tmp/1763626507.M1P2.host".to_owned(),
        ".Sent.2025/cur/1763626508.M1P2.host!2,S".to_owned(),
    ] {
        fs::write(dir.path().join(name), format!("{H}x\n")).unwrap();
    }
    fs::write(dir.path().join("cur/notes.txt"), "buy milk\n").unwrap();
    fs::write(dir.path().join(".Sent.2025/maildirfolder"), "").unwrap();
    let list = "3 V1 N9 Gabc\n7 :1763626505.M1P2.host,S=7\n8 W10 :1763626504.M1P2.host,S=54\n";
    fs::write(dir.path().join("dovecot-uidlist"), list).unwrap();
    let mut uids = Vec::new();
    let seen = see(dir.path(), &Options::default(), &mut |event| {
        if let Event::Bytes(b) = event {
            uids.extend(b.cuts.iter().filter_map(|c| match c {
                Cut::Item { uid, .. } => *uid,
                Cut::Gap { .. } => None,
            }));
        }
    });
    assert_eq!(seen.entries, ["directory .Sent.2025/new"]);
    let kinds: Vec<&str> = seen.containers.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(
        kinds,
        ["maildir", "other", "eml", "maildir", "maildir", "other", "other", "maildir", "maildir"]
    );
    assert_eq!(seen.notes, ["size-in-name-differs", "undelivered"]);
    assert_eq!(seen.containers[6].2.reason, Some("mailbox-state"));
    assert!(uids.contains(&7), "{uids:?}");
}

#[test]
fn a_kind_that_is_forced_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, "no header, just text\n").unwrap();
    let eml = see(&path, &Options { kind: Kind::Eml, ..Options::default() }, &mut |_| {});
    assert_eq!((eml.containers[0].0, eml.bodies.len()), ("eml", 1));
    let mbox = see(&path, &Options { kind: Kind::Mbox, ..Options::default() }, &mut |_| {});
    assert_eq!((mbox.containers[0].0, mbox.bodies.len(), mbox.gaps), ("mbox", 0, 21));
}

#[test]
fn a_hole_of_gigabytes_is_read_in_flat_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, format!("{A}{H}x\n")).unwrap();
    // Past 4 GiB only where it was asked for: it takes a while.
    let size: u64 = if std::env::var_os("MAILTRAIL_BIG").is_some() { 5 << 30 } else { 150 << 20 };
    OpenOptions::new().write(true).open(&path).unwrap().set_len(size).unwrap();
    let mut most = 0;
    let seen = see(&path, &Options::default(), &mut |event| {
        if let Event::Long(Long::Part(part)) = event {
            most = most.max(part.len());
        }
    });
    let close = &seen.containers[0].2;
    assert_eq!((close.items, close.size, &seen.notes[..]), (1, size, &["message-unterminated"][..]));
    assert!(most <= 40 << 20);
    let empty = Sha256Digest::of(b"");
    assert!(close.sha256.is_some_and(|sha256| sha256 != empty));
}
