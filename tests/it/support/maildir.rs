//! An account as a Maildir++ tree, written on the fly: nested folders, odd names, 8-bit and binary mail; and what of it
//! the wire must show.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};

use super::evidence::{Seeded, message};

/// A folder of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Box_ {
    /// Name for people, levels divided by `/`.
    pub(crate) name: String,
    /// Folder on disk below the Maildir; empty for INBOX.
    pub(crate) dir: String,
}

/// One message as it lies on disk.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Index into [`Account::boxes`].
    pub(crate) folder: usize,
    /// File name without its flags.
    pub(crate) base: String,
    /// Bytes that the wire must show: the file's, each line end as CRLF.
    pub(crate) wire: Vec<u8>,
    /// Flags as IMAP writes them, in byte order.
    pub(crate) flags: Vec<String>,
    /// Time of delivery, in seconds since 1970.
    pub(crate) delivered: u64,
}

/// The truth about an account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Its Maildir.
    pub(crate) root: PathBuf,
    /// Its folders.
    pub(crate) boxes: Vec<Box_>,
    /// Its messages, in the order written.
    pub(crate) mails: Vec<Mail>,
}

/// Name for people, and how Maildir++ writes it (modified UTF-7, levels divided by dots).
const BOXES: &[(&str, &str)] = &[
    ("INBOX", ""),
    ("Sent", ".Sent"),
    ("Archive/2024/Q1", ".Archive.2024.Q1"),
    ("Archive/2024/Q2", ".Archive.2024.Q2"),
    ("Kunden/Müller & Söhne", ".Kunden.M&APw-ller &- S&APY-hne"),
    ("日本語/受信", ".&ZeVnLIqe-.&U9dP4Q-"),
    ("odd \"quoted\" (x) [y] {3}", ".odd \"quoted\" (x) [y] {3}"),
    ("back\\slash; UID=1 %41", ".back\\slash; UID=1 %41"),
    ("Empty", ".Empty"),
];

/// Every lone LF as CRLF, as a server shows a file with Unix line ends.
pub(crate) fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 40);
    let mut last = 0;
    for &byte in bytes {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

/// Message `n`, now and then odd: 8-bit junk, binary, dots at line starts, no final line end, very long lines, CRLF on
/// disk.
pub(crate) fn odd_message(n: u64) -> Vec<u8> {
    let mut bytes = message(n).into_bytes();
    let mut seeded = Seeded::new(n ^ 0x5eed);
    match n % 23 {
        1 => bytes.extend_from_slice(b".\n..\n...dots\n. \n.\r\n"),
        2 => bytes.extend((0..400).map(|_| u8::try_from(seeded.below(255) + 1).unwrap())),
        3 => bytes.extend(b"\xff\xfe\x80 latin \xe9\xe8\n".repeat(20)),
        4 => {
            bytes.pop();
        }
        5 => bytes.extend_from_slice(&[vec![b'x'; 5000], b"\n".to_vec()].concat()),
        6 => bytes.extend_from_slice(b"A001 OK looks like an answer\n* BYE\n+OK\n)\n{5}\n"),
        7 => bytes = crlf(&bytes),
        8 => bytes.extend_from_slice(b"lone\rcarriage\rreturns\r\r\n"),
        9 => bytes = b"Subject: a header without an end".to_vec(),
        10 => bytes = b"\n\njust a body\n".to_vec(),
        _ => {}
    }
    bytes
}

/// Writes an account with `count` messages below `root`.
pub(crate) fn account(root: &Path, count: u64) -> Account {
    let boxes: Vec<Box_> =
        BOXES.iter().map(|(name, dir)| Box_ { name: (*name).to_owned(), dir: (*dir).to_owned() }).collect();
    for (_, dir) in BOXES {
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(dir).join(sub)).unwrap();
        }
        if !dir.is_empty() {
            fs::write(root.join(dir).join("maildirfolder"), "").unwrap();
        }
    }
    let mut account = Account { root: root.to_owned(), boxes, mails: Vec::new() };
    for n in 0..count {
        // Most in INBOX, none in the last.
        let folder = if n % 2 == 0 { 0 } else { usize::try_from(n / 2 % 8).unwrap() };
        account.deliver(folder, n, &odd_message(n));
    }
    account
}

impl Account {
    /// Puts one more message into a folder.
    pub(crate) fn deliver(&mut self, folder: usize, n: u64, bytes: &[u8]) {
        let delivered = 1_700_000_000 + n * 61;
        let base = format!("{delivered}.M{n}P7.host");
        let letters = ["", "S", "FS", "RS", "D", "T"][usize::try_from(n % 6).unwrap()];
        let mut flags: Vec<String> = letters
            .chars()
            .map(|c| match c {
                'S' => "\\Seen",
                'F' => "\\Flagged",
                'R' => "\\Answered",
                'D' => "\\Draft",
                _ => "\\Deleted",
            })
            .map(str::to_owned)
            .collect();
        flags.sort();
        let place = if n % 37 == 5 {
            format!("cur/{base}:2,{letters}")
        } else if letters.is_empty() {
            format!("new/{base}")
        } else {
            format!("cur/{base}:2,{letters}")
        };
        let path = self.root.join(&self.boxes[folder].dir).join(place);
        fs::write(&path, bytes).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(delivered);
        fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        self.mails.push(Mail { folder, base, wire: crlf(bytes), flags, delivered });
    }

    /// UIDVALIDITY and the UID of each file of a folder, as the server's own list has them.
    pub(crate) fn uids(&self, folder: usize) -> (u64, BTreeMap<String, u64>) {
        let path = self.root.join(&self.boxes[folder].dir).join("dovecot-uidlist");
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        let validity = head.split_whitespace().find_map(|w| w.strip_prefix('V')).unwrap().parse().unwrap();
        let uid = |line: &str| {
            let (uid, name) = line.split_once(" :").or_else(|| line.split_once(':')).unwrap();
            let uid = uid.split_whitespace().next().unwrap().parse().unwrap();
            (name.split(":2,").next().unwrap().to_owned(), uid)
        };
        (validity, lines.map(uid).collect())
    }
}

/// One file of a tree: what a client could change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    size: u64,
    sha256: [u8; 32],
    modified: SystemTime,
}

/// Every file and folder below `root` by name, but for the server's own caches, which any reading may fill
/// (`dovecot.index*`, `dovecot.list.index*`) and its locks. `dovecot-uidlist` and `dovecot-keywords` are part of it.
///
/// A server ends a session on its own after the client has gone: waits until it writes no more, so that what it leaves
/// is compared.
pub(crate) fn snapshot(root: &Path) -> BTreeMap<PathBuf, Option<File>> {
    let until = Instant::now() + Duration::from_secs(30);
    let mut last = tree(root);
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = tree(root);
        let is_writing = now.keys().any(|path| path.extension().is_some_and(|e| e == "tmp"));
        if now == last && !is_writing || Instant::now() > until {
            return now;
        }
        last = now;
    }
}

fn tree(root: &Path) -> BTreeMap<PathBuf, Option<File>> {
    fn walk(dir: &Path, root: &Path, out: &mut BTreeMap<PathBuf, Option<File>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_cache = name.starts_with("dovecot.index")
                || name.starts_with("dovecot.list.index")
                || entry.path().extension().is_some_and(|e| e == "lock");
            if is_cache {
                continue;
            }
            let path = entry.path();
            let key = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                out.insert(key, None);
                walk(&path, root, out);
            } else {
                // The server may take a file of its own away just now; then the next look differs.
                let (Ok(bytes), Ok(meta)) = (fs::read(&path), fs::metadata(&path)) else { continue };
                let file = File {
                    size: meta.len(),
                    sha256: Sha256::digest(&bytes).into(),
                    modified: meta.modified().unwrap(),
                };
                out.insert(key, Some(file));
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

/// Fails with the first names that differ.
#[track_caller]
pub(crate) fn assert_unchanged(
    before: &BTreeMap<PathBuf, Option<File>>,
    after: &BTreeMap<PathBuf, Option<File>>,
) {
    let mut differs: Vec<String> = Vec::new();
    for (path, file) in before {
        match after.get(path) {
            None => differs.push(format!("gone: {}", path.display())),
            Some(now) if now != file => differs.push(format!("changed: {}", path.display())),
            Some(_) => {}
        }
    }
    differs
        .extend(after.keys().filter(|p| !before.contains_key(*p)).map(|p| format!("new: {}", p.display())));
    differs.truncate(20);
    assert!(differs.is_empty(), "the mailbox was changed: {differs:#?}");
}
