//! Archives as they are met: packed by the usual tools, nested, damaged, and made to burst.

use std::io::Write as _;

use crate::source::testing::{Container, read_all_as};
use crate::source::{Limits, Options};

pub(super) const MAIL: &str = "From: a@example.org\nTo: b@example.org\nSubject: x\n\nbody\n";
pub(super) const BOX: &str = "From a@example.org Thu Nov 20 08:15:04 2025\nFrom: a@example.org\nSubject: x\n\none\n\nFrom b@example.org Thu Nov 20 08:15:05 2025\nFrom: b@example.org\nSubject: y\n\ntwo\n\n";

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 6);
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

pub(super) fn read(name: &str, bytes: &[u8], limits: Limits) -> Vec<Container> {
    read_all_as(name, bytes, &Options { limits, ..Options::default() })
}

/// Kind, path, reason and number of items of each container.
pub(super) fn shape(containers: &[Container]) -> Vec<String> {
    let line = |c: &Container| {
        format!(
            "{} {} {} {}",
            c.open.kind,
            c.open.path.display(),
            c.close.reason.unwrap_or("-"),
            c.close.items
        )
    };
    containers.iter().map(line).collect()
}

fn check(name: &str, bytes: &[u8], expected: &[&str]) {
    let small = read(name, bytes, Limits::default());
    assert_eq!(shape(&small), expected);
    // The same without keeping the archive in memory.
    let large = read(name, bytes, Limits { archive_memory: 0, ..Limits::default() });
    if !expected.iter().any(|e| e.contains("!/") && e.contains("archive-")) {
        assert_eq!(shape(&large), expected);
    }
}

#[test]
fn a_mailbox_in_any_compression_is_read() {
    check(
        "in.mbox.gz",
        &gz(BOX.as_bytes()),
        &["gzip in.mbox.gz archive-opened 0", "mbox in.mbox.gz!/in.mbox - 2"],
    );
    check("in.bz2", &bz2(BOX.as_bytes()), &["bzip2 in.bz2 archive-opened 0", "mbox in.bz2!/in - 2"]);
    check("in.xz", &xz(BOX.as_bytes()), &["xz in.xz archive-opened 0", "mbox in.xz!/in - 2"]);
    check("in.zst", &zst(BOX.as_bytes()), &["zstd in.zst archive-opened 0", "mbox in.zst!/in - 2"]);
    let two = [gz(BOX.as_bytes()), gz(BOX.as_bytes())].concat();
    check("in", &two, &["gzip in archive-opened 0", "mbox in!/in - 4"]);
}

#[test]
fn files_in_tar_and_zip_are_read_with_their_names() {
    let long = format!("{}/x.eml", "d".repeat(150));
    let files: [(&str, &[u8]); 4] = [
        ("a/in", BOX.as_bytes()),
        ("a/cur/1.2.h:2,S", MAIL.as_bytes()),
        ("note", b"hello\n"),
        (&long, MAIL.as_bytes()),
    ];
    for (name, bytes) in [("x.tar", tar(&files)), ("x.zip", zip(&files))] {
        let kind = name.trim_start_matches("x.");
        check(
            name,
            &bytes,
            &[
                &format!("{kind} {name} archive-opened 0"),
                &format!("mbox {name}!/a/in - 2"),
                &format!("maildir {name}!/a/cur/1.2.h:2,S - 1"),
                &format!("other {name}!/note not-mail 0"),
                &format!("eml {name}!/{long} - 1"),
            ],
        );
    }
    let tgz = gz(&tar(&files[..1]));
    let expected =
        ["gzip x.tgz archive-opened 0", "tar x.tgz!/x.tar archive-opened 0", "mbox x.tgz!/x.tar!/a/in - 2"];
    assert_eq!(shape(&read("x.tgz", &tgz, Limits::default())), expected);
    assert_eq!(shape(&read("x.tgz", &tgz, Limits { archive_memory: 0, ..Limits::default() })), expected);
}

#[test]
fn archives_are_opened_to_a_depth_and_no_deeper() {
    let mut bytes = MAIL.as_bytes().to_vec();
    for _ in 0..6 {
        bytes = gz(&bytes);
    }
    let shape = shape(&read("m", &bytes, Limits::default()));
    assert_eq!(shape.len(), 5);
    assert!(shape[4].contains("archive-limit"), "{shape:?}");
}

#[test]
fn a_bomb_stops_at_the_limit_and_what_was_unpacked_stays() {
    let zeros = vec![0; 40 << 20];
    let gz = read("b.gz", &gz(&zeros), Limits::default());
    assert_eq!((gz[1].close.reason, gz[1].close.size), (Some("archive-limit"), 16 << 20));
    let files: Vec<(String, &[u8])> = (0..10).map(|n| (format!("{n}"), &zeros[..4 << 20])).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), *b)).collect();
    let all = read("b.zip", &zip(&files), Limits::default());
    assert_eq!(all.last().unwrap().close.reason, Some("archive-limit"));
    assert!(all.iter().map(|c| c.close.size).sum::<u64>() < 20 << 20);
    let few = Limits { archive_entries: 3, ..Limits::default() };
    let all = read("b.tar", &tar(&files[..5]), few);
    assert_eq!((all.len(), all.last().unwrap().close.reason), (5, Some("archive-limit")));
}

#[test]
fn a_damaged_archive_gives_what_comes_before_the_damage() {
    let whole = gz(&BOX.repeat(2000).into_bytes());
    let cut = read("b.gz", &whole[..whole.len() / 2], Limits::default());
    assert_eq!(cut[1].close.reason, Some("archive-damaged"));
    assert!(cut[1].close.items > 1 && cut[1].close.error.is_some());
    let whole = tar(&[("a", BOX.as_bytes()), ("b", &MAIL.repeat(100).into_bytes())]);
    let cut = read("b.tar", &whole[..2048 + 512], Limits::default());
    assert_eq!((cut[1].close.items, cut[2].close.reason), (2, Some("archive-damaged")));
    let whole = zip(&[("a", BOX.as_bytes()), ("b", MAIL.as_bytes())]);
    let cut = read("b.zip", &whole[..whole.len() - 30], Limits::default());
    assert_eq!((cut[0].close.reason, cut[1].close.items), (Some("archive-damaged"), 2));
    let mut odd = whole;
    odd[40] ^= 1;
    assert_eq!(read("b.zip", &odd, Limits::default())[1].close.reason, Some("archive-damaged"));
}

#[test]
fn two_entries_of_one_name_are_both_read() {
    let mut bytes = zip(&[("a", BOX.as_bytes()), ("b", MAIL.as_bytes())]);
    let name = bytes.iter().enumerate().filter(|(_, b)| **b == b'b').map(|(at, _)| at);
    for at in name.collect::<Vec<_>>() {
        let before = &bytes[at.saturating_sub(46)..at];
        if before.starts_with(b"PK\x01\x02")
            || before.ends_with(&[0, 0]) && before[16..].starts_with(b"PK\x03\x04")
        {
            bytes[at] = b'a';
        }
    }
    let all = shape(&read("x.zip", &bytes, Limits::default()));
    assert_eq!(all[1..], ["mbox x.zip!/a - 2", "eml x.zip!/a - 1"]);
}

/// Text that does not compress well, from a fixed seed.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'!' + u8::try_from(state % 90).unwrap()
    };
    (0..len).map(|n| if n % 76 == 75 { b'\n' } else { next() }).collect()
}

#[test]
fn an_archive_too_large_for_memory_is_read_a_second_time() {
    let body = [MAIL.as_bytes(), &noise(600_000)].concat();
    let files: [(&str, &[u8]); 3] = [("in", BOX.as_bytes()), ("big.eml", &body), ("in.gz", &gz(&body))];
    let small = Limits { archive_memory: 300_000, ..Limits::default() };
    for (name, bytes) in [("x.tar", tar(&files)), ("x.tgz", gz(&tar(&files))), ("x.zip", zip(&files))] {
        let (a, b) = (read(name, &bytes, small), read(name, &bytes, Limits::default()));
        let whole = shape(&b);
        assert!(whole.last().unwrap().contains("in.gz!/in - 1"), "{whole:?}");
        // A packed file inside a packed archive cannot be read twice.
        let kept = whole.len() - usize::from(name != "x.tar");
        assert_eq!(shape(&a)[..kept - 1], whole[..kept - 1]);
        assert_eq!(
            a.last().unwrap().close.reason == Some("archive-limit"),
            name != "x.tar",
            "{:?}",
            shape(&a)
        );
    }
}

#[test]
fn damage_anywhere_in_a_container_never_stops_the_reading() {
    let files: [(&str, &[u8]); 3] =
        [("a/cur/1.2.h", MAIL.as_bytes()), ("in", BOX.as_bytes()), ("in.gz", &gz(BOX.as_bytes()))];
    let mmdf = format!("\x01\x01\x01\x01\n{MAIL}\x01\x01\x01\x01\n").repeat(3);
    let samples = [
        tar(&files),
        zip(&files),
        gz(&tar(&files)),
        xz(BOX.as_bytes()),
        bz2(BOX.as_bytes()),
        zst(BOX.as_bytes()),
        mmdf.into_bytes(),
        BOX.as_bytes().to_vec(),
    ];
    let mut places = noise(60_000).into_iter().map(usize::from);
    let mut place = |len: usize| (places.next().unwrap() * 8191 + places.next().unwrap() * 97) % len;
    for sample in &samples {
        for round in 0..150 {
            let mut bytes = sample.clone();
            for _ in 0..=round % 4 {
                let at = place(bytes.len());
                bytes[at] ^= 1 << (round % 8);
            }
            if round % 5 == 0 {
                bytes.truncate(place(sample.len()));
            }
            assert!(!read("x", &bytes, Limits { batch: 700, ..Limits::default() }).is_empty());
        }
    }
}
