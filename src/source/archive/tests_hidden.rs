//! What stands in archives where common programs do not look: read, or told.

use super::tests::{BOX, MAIL, bz2, gz, read, shape, tar, xz, zip, zst};
use crate::source::Limits;
use crate::source::testing::Container;
use crate::types::AnomalyKind;

/// Shape and notes of what is in an archive, from memory and from the file.
fn inside(name: &str, bytes: &[u8]) -> Vec<String> {
    let line = |c: &Container| {
        let hidden = c.close.notes.iter().any(|n| n.kind == AnomalyKind::ArchiveEntryHidden);
        let path = c.open.path.display().replace(&format!("{name}!/"), "");
        format!(
            "{} {} {} {}{}",
            c.open.kind,
            path,
            c.close.reason.unwrap_or("-"),
            c.close.items,
            if hidden { " hidden" } else { "" }
        )
    };
    let all = read(name, bytes, Limits::default());
    let small = read(name, bytes, Limits { archive_memory: 0, ..Limits::default() });
    let lines: Vec<String> = all.iter().skip(1).map(line).collect();
    assert_eq!(small.iter().skip(1).map(line).collect::<Vec<_>>(), lines);
    lines
}

/// A tar header of this name, type and size.
fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = header(name, kind, bytes.len());
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

const END: [u8; 1024] = [0; 1024];

#[test]
fn files_of_a_tar_behind_its_end_of_unknown_type_or_named_as_folders_are_read_and_told() {
    let mail = MAIL.as_bytes();
    let bytes = [
        entry("a.eml", b'0', mail),
        END.to_vec(),
        entry("b.eml", b'0', mail),
        entry("c.eml", b'Z', mail),
        entry("d.eml/", b'0', mail),
        entry("dir/", b'5', b""),
        header("dir2/", b'5', 512),
        entry("e.eml", b'5', mail),
        entry("link", b'1', b""),
        entry("f.eml", b'2', mail),
        END.to_vec(),
    ]
    .concat();
    assert_eq!(
        inside("x.tar", &bytes),
        [
            "eml a.eml - 1",
            "eml b.eml - 1 hidden",
            "eml c.eml - 1 hidden",
            "eml d.eml - 1 hidden",
            "eml e.eml - 1 hidden",
            "other link not-mail 0",
            "eml f.eml - 1 hidden"
        ]
    );
}

#[test]
fn bytes_of_a_tar_that_belong_to_no_file_are_told() {
    let mail = MAIL.as_bytes();
    let mut damaged = entry("b.eml", b'0', mail);
    damaged[0] ^= 1;
    let bytes =
        [entry("a.eml", b'0', mail), damaged, entry("c.eml", b'0', mail), END.to_vec(), mail.to_vec()]
            .concat();
    let found = inside("x.tar", &bytes[..bytes.len() - MAIL.len() % 512]);
    assert_eq!(found[..3], ["eml a.eml - 1", "other  archive-damaged 0", "eml c.eml - 1"]);
    let whole = [entry("a.eml", b'0', mail), END.to_vec(), vec![b'x'; 1024]].concat();
    assert_eq!(inside("x.tar", &whole), ["eml a.eml - 1", "other  archive-rest 0"]);
    let mut padded = entry("a.eml", b'0', mail);
    *padded.last_mut().unwrap() = b'x';
    assert_eq!(inside("x.tar", &[padded, END.to_vec()].concat()), ["eml a.eml - 1", "other  archive-rest 0"]);
    let pax = entry("x", b'g', b"From: a@example.org\n");
    assert_eq!(
        inside("x.tar", &[entry("a.eml", b'0', mail), pax, END.to_vec()].concat()),
        ["eml a.eml - 1", "other x archive-rest 0"]
    );
    assert_eq!(inside("x.tar", &tar(&[("a.eml", mail)])), ["eml a.eml - 1"]);
}

/// The same archive with the entry of this name left out of the directory.
fn unlisted(bytes: &[u8], name: &str) -> Vec<u8> {
    let at = memchr::memmem::rfind(bytes, name.as_bytes()).unwrap() - 46;
    assert_eq!(&bytes[at..at + 4], b"PK\x01\x02");
    let length = 46 + name.len() + usize::from(bytes[at + 30]) + usize::from(bytes[at + 32]);
    let mut out = [&bytes[..at], &bytes[at + length..]].concat();
    let end = memchr::memmem::rfind(&out, b"PK\x05\x06").unwrap();
    let size =
        u32::from_le_bytes(out[end + 12..end + 16].try_into().unwrap()) - u32::try_from(length).unwrap();
    out[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    out
}

#[test]
fn entries_that_the_directory_of_a_zip_leaves_out_are_read_and_told() {
    let mail = MAIL.as_bytes();
    let bytes = zip(&[("a.eml", mail), ("b.eml", mail), ("c.mbox", BOX.as_bytes())]);
    assert_eq!(inside("x.zip", &bytes), ["eml a.eml - 1", "eml b.eml - 1", "mbox c.mbox - 2"]);
    assert_eq!(
        inside("x.zip", &unlisted(&bytes, "b.eml")),
        ["eml a.eml - 1", "mbox c.mbox - 2", "eml b.eml - 1 hidden"]
    );
}

#[test]
fn two_zips_in_a_row_and_bytes_around_them_are_read_or_told() {
    let mail = MAIL.as_bytes();
    let (one, two) = (zip(&[("a.eml", mail)]), zip(&[("b.eml", mail)]));
    assert_eq!(inside("x.zip", &[one.clone(), two].concat()), ["eml b.eml - 1", "eml a.eml - 1 hidden"]);
    assert_eq!(inside("x.zip", &[&one, mail].concat()), ["eml a.eml - 1", "other  archive-rest 0"]);
    let foreign = [&one[..], mail, &zip(&[("b.eml", mail)])].concat();
    assert_eq!(inside("x.zip", &foreign), ["eml b.eml - 1", "eml a.eml - 1 hidden", "other  archive-rest 0"]);
}

#[test]
fn an_entry_of_a_zip_named_as_a_folder_is_read_when_it_has_bytes() {
    let bytes = zip(&[("a.emlX", MAIL.as_bytes())]);
    let mut folder = bytes.clone();
    memchr::memmem::find_iter(&bytes, b"a.emlX").for_each(|at| folder[at + 5] = b'/');
    assert_eq!(inside("x.zip", &folder), ["eml a.eml - 1 hidden"]);
}

#[test]
fn a_zip_that_lost_its_directory_is_read_by_its_local_headers() {
    let bytes = zip(&[("a.eml", MAIL.as_bytes()), ("c.mbox", BOX.as_bytes())]);
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let all = read("x.zip", &bytes[..directory], Limits::default());
    assert_eq!(
        shape(&all),
        ["zip x.zip archive-damaged 0", "eml x.zip!/a.eml - 1", "mbox x.zip!/c.mbox - 2"]
    );
}

#[test]
fn what_a_stream_holds_before_foreign_bytes_is_read() {
    let junk = b"these bytes are no stream at all, and there are enough of them";
    for packed in [gz(MAIL.as_bytes()), bz2(MAIL.as_bytes()), xz(MAIL.as_bytes()), zst(MAIL.as_bytes())] {
        let all = read("m", &[&packed[..], junk].concat(), Limits::default());
        assert_eq!(
            (all[1].close.items, all[1].close.reason),
            (1, Some("archive-damaged")),
            "{:?}",
            shape(&all)
        );
        let twice = read("m", &[&packed[..], &packed].concat(), Limits::default());
        assert_eq!(twice[1].close.size, 2 * MAIL.len() as u64);
        assert_eq!(twice[1].close.reason, None);
    }
    let padded = [xz(MAIL.as_bytes()), vec![0; 8], xz(b"more\n"), vec![0; 4]].concat();
    let all = read("m", &padded, Limits::default());
    assert_eq!((all[1].close.size, all[1].close.reason), (MAIL.len() as u64 + 5, None));
    let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"abcd", &zst(MAIL.as_bytes())].concat();
    let all = read("m", &skippable, Limits::default());
    assert_eq!(shape(&all), ["zstd m archive-opened 0", "eml m!/m - 1", "other m!/ archive-rest 0"]);
}

#[test]
fn a_hundred_thousand_empty_bzip2_streams_take_no_longer_than_their_bytes() {
    let empty = bz2(b"");
    assert_eq!(empty.len(), 14);
    let started = std::time::Instant::now();
    let all = read("m", &[empty.repeat(100_000), bz2(MAIL.as_bytes())].concat(), Limits::default());
    assert_eq!((all[1].close.items, all[1].close.reason), (1, None));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
