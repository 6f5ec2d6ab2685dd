//! Every kind of damage to the record of a case is found by `verify`, and named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailtrail::store::restore::{BlobMap, restore_container};
use mailtrail::store::{BlobAt, CaseInfo, Head, Reader, Run, StoreError, Writer, pack};
use mailtrail::types::digest::WireStream;
use mailtrail::types::record::{
    Account, Closed, Container, End, Entry, File, Folder, Gap, Item, Record, SourceDigest, SourceHead,
};
use mailtrail::types::server::ServerState;
use mailtrail::types::time::Clock;
use mailtrail::types::unescape::Rule;
use mailtrail::types::{ContainerId, Finding, FindingKind, RelPath, Sha256Digest};
use mailtrail::verify::{Summary, verify_record};

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

fn run() -> Run {
    Run::new("mailtrail", "0", Arc::new(Still))
}

/// Writes ledger lines and blobs as an import does, many blobs to a frame.
struct Import<'a> {
    writer: &'a mut Writer,
    segment: u32,
    frame: Vec<(Sha256Digest, Vec<u8>)>,
    known: BTreeSet<Sha256Digest>,
    digest: SourceDigest,
    totals: (u32, u64, u64),
}

impl<'a> Import<'a> {
    fn begin_empty(writer: &'a mut Writer) -> Self {
        let segment = writer.new_segment().unwrap();
        Self {
            writer,
            segment,
            frame: Vec::new(),
            known: BTreeSet::new(),
            digest: SourceDigest::default(),
            totals: (0, 0, 0),
        }
    }

    fn begin(writer: &'a mut Writer) -> Self {
        let mut import = Self::begin_empty(writer);
        import.line(&Record::Source(SourceHead {
            entries: 4,
            kind: "auto".into(),
            listing: Sha256Digest::of(b"l"),
            split: "strict".into(),
        }));
        import
    }

    fn line(&mut self, record: &Record) {
        let mut line = Vec::new();
        record.write_line(&mut line);
        self.writer.append_ledger(self.segment, &line).unwrap();
    }

    fn blob(&mut self, bytes: &[u8]) -> Sha256Digest {
        let sha256 = Sha256Digest::of(bytes);
        if !bytes.is_empty() && self.known.insert(sha256) {
            self.frame.push((sha256, bytes.to_vec()));
        }
        if self.frame.len() == 7 {
            self.flush();
        }
        sha256
    }

    fn flush(&mut self) {
        if !self.frame.is_empty() {
            let blobs: Vec<(Sha256Digest, &[u8])> =
                self.frame.iter().map(|(sha256, bytes)| (*sha256, bytes.as_slice())).collect();
            self.writer.append_frame(&pack(&blobs, 1).unwrap()).unwrap();
            self.frame.clear();
        }
    }

    fn commit(&mut self) {
        self.flush();
        self.writer.commit("committed", b"{\"items\":1}").unwrap();
    }

    fn mbox(&mut self, path: &str, items: u32) -> Vec<u8> {
        self.totals.0 += 1;
        let container = self.totals.0;
        self.line(&Record::Container(Container {
            container,
            parent: None,
            kind: "mbox".into(),
            path: RelPath::new(path),
        }));
        let mut all = b"\xef\xbb\xbf".to_vec();
        let sha256 = self.blob(&all);
        self.line(&Record::Gap(Gap { container, kind: "preamble".into(), start: 0, end: 3, sha256 }));
        for number in 1..=items {
            let separator = format!("From a{number}@example.org Thu Nov 20 08:15:04 2025\n").into_bytes();
            all.extend_from_slice(&separator);
            let end = if number % 2 == 0 { "\r\n" } else { "\n" };
            let quoted = if number % 3 == 0 { ">From here\n>>From there" } else { "text" };
            let body = format!("{}{end}", "lorem ipsum ".repeat(number as usize)).repeat(5);
            let slice = format!(
                "From: a{number}@example.org{end}Subject: {path} {number}{end}{end}{quoted}{end}{body}"
            );
            let (start, slice) = (all.len() as u64, slice.into_bytes());
            all.extend_from_slice(&slice);
            let rule = if number % 3 == 0 { Rule::MboxRd } else { Rule::None };
            let mut wire = WireStream::new();
            wire.update(&rule.apply(&slice));
            let sha256 = self.blob(&slice);
            self.line(&Record::Item(Item {
                container,
                number,
                separator,
                start,
                end: all.len() as u64,
                terminator: end.as_bytes().to_vec(),
                sha256,
                rule,
                lines: if number % 3 == 0 { 2 } else { 0 },
                wire: wire.finish(),
                uid: None,
                notes: Vec::new(),
            }));
            all.extend_from_slice(end.as_bytes());
            if number % 10 == 0 {
                self.commit();
            }
        }
        self.totals.1 += u64::from(items);
        self.totals.2 += all.len() as u64;
        let sha256 = Sha256Digest::of(&all);
        self.line(&Record::End(End {
            container,
            items: u64::from(items),
            size: all.len() as u64,
            sha256,
            md5: None,
            sha1: None,
            reason: None,
            error: None,
            notes: Vec::new(),
        }));
        self.digest.file(&RelPath::new(path), &sha256, all.len() as u64);
        all
    }

    fn eml(&mut self, path: &str, bytes: &[u8]) {
        self.totals.0 += 1;
        self.totals.1 += 1;
        self.totals.2 += bytes.len() as u64;
        let sha256 = self.blob(bytes);
        let mut wire = WireStream::new();
        wire.update(bytes);
        self.line(&Record::File(File {
            container: self.totals.0,
            parent: None,
            kind: "eml".into(),
            path: RelPath::new(path),
            size: bytes.len() as u64,
            sha256,
            wire: wire.finish(),
            uid: None,
            server: None,
            notes: Vec::new(),
        }));
        self.digest.file(&RelPath::new(path), &sha256, bytes.len() as u64);
    }

    fn close(mut self) {
        let entry = Entry { path: RelPath::new("z"), kind: "symlink".into(), note: Some(b"/etc".to_vec()) };
        self.line(&Record::Entry(entry.clone()));
        self.digest.entry(&entry);
        let (containers, items, bytes) = self.totals;
        let id = std::mem::take(&mut self.digest).finish();
        self.line(&Record::Closed(Closed { id, containers: u64::from(containers), items, bytes }));
        self.commit();
    }
}

/// What an acquisition writes: the lines of an account, and a piece of its transcript that an event names.
fn account(writer: &mut Writer) {
    let mut import = Import { digest: SourceDigest::default(), ..Import::begin_empty(writer) };
    let path = RelPath::new("INBOX;UIDVALIDITY=1");
    let message = b"From: a\r\n\r\nacquired\r\n";
    let sha256 = import.blob(message);
    let server = ServerState { flags: vec![b"\\Seen".to_vec()], ..ServerState::default() };
    let lines = [
        Record::Account(Account {
            kind: "imap".into(),
            host: "h".into(),
            user: "u".into(),
            ..Account::default()
        }),
        Record::Folder(Folder { path, name: "INBOX".into(), ..Folder::default() }),
        Record::Entry(Entry {
            path: RelPath::new("INBOX;UIDVALIDITY=1/;UID=3"),
            kind: "failed".into(),
            note: Some(b"NO".to_vec()),
        }),
        Record::File(File {
            container: 1,
            parent: None,
            kind: "imap".into(),
            path: RelPath::new("INBOX;UIDVALIDITY=1/;UID=4"),
            size: message.len() as u64,
            sha256,
            wire: sha256,
            uid: Some(4),
            server: Some(Box::new(server)),
            notes: Vec::new(),
        }),
    ];
    for record in &lines {
        let mut line = Vec::new();
        record.write_line(&mut line);
        import.digest.lines(&line);
        import.line(record);
    }
    let id = std::mem::take(&mut import.digest).finish();
    let bytes = message.len() as u64;
    import.line(&Record::Closed(Closed { id, containers: 1, items: 1, bytes }));
    import.commit();
    let data =
        format!("{{\"blobs\":[[\"{}\",{},\"transcript\"]],\"items\":1}}", import.blob(TALK), TALK.len());
    import.flush();
    writer.commit("items_committed", data.as_bytes()).unwrap();
}

const TALK: &[u8] = b"S: * OK ready\r\nC: 1 CAPABILITY\r\n";

/// A case of three sources; answers the bytes of its first container and the head.
fn make(dir: &Path) -> (Vec<u8>, Head) {
    let info = CaseInfo { name: Some("Åse".into()), ..CaseInfo::default() };
    let mut writer = Writer::create(dir, &info, &run()).unwrap();
    let mut import = Import::begin(&mut writer);
    let bytes = import.mbox("a.mbox", 35);
    import.mbox("b.mbox", 12);
    import.close();
    let mut import = Import::begin(&mut writer);
    import.eml("x.eml", b"From: a\r\n\r\nx\r\n");
    import.eml("y.eml", b"From: a\n\ny\n");
    import.eml("z.eml", b"");
    import.close();
    account(&mut writer);
    (bytes, writer.close().unwrap())
}

fn verify(dir: &Path, threads: usize) -> (Summary, Vec<Finding>) {
    let mut found = Vec::new();
    let summary = verify_record(dir, threads, &mut |finding| found.push(finding)).unwrap();
    (summary, found)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let names = ["HEAD", "VERSION", "case.json", "custody.jsonl"].map(PathBuf::from).to_vec();
    let folders = ["ledger", "packs"].iter().flat_map(|folder| {
        let mut names: Vec<PathBuf> = fs::read_dir(dir.join(folder))
            .unwrap()
            .map(|name| Path::new(folder).join(name.unwrap().file_name()))
            .collect();
        names.sort();
        names
    });
    names.into_iter().chain(folders).collect()
}

#[test]
fn a_damaged_or_lost_transcript_is_named_with_its_event() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let events = fs::read_to_string(dir.path().join("custody.jsonl")).unwrap().lines().count();
    let event = format!("event {}", events - 1);
    let names_it = |kind: FindingKind| {
        let (summary, found) = verify(dir.path(), 2);
        assert!(summary.is_mismatch());
        let hit = found.iter().any(|f| f.kind == kind && f.hits.contains(&event));
        assert!(hit, "{found:?}");
    };
    let pack = dir.path().join("packs/000001.pack");
    let whole = fs::read(&pack).unwrap();
    let mut changed = whole.clone();
    // The last frame holds nothing but the transcript.
    let last = changed.len() - 6;
    changed[last] ^= 1;
    fs::write(&pack, &changed).unwrap();
    names_it(FindingKind::FrameMismatch);
    fs::write(&pack, &whole).unwrap();
    // An event that names what no pack holds, in a case whose chain was made anew around it.
    let mut writer = Writer::open(dir.path(), &run()).unwrap();
    let data = format!("{{\"blobs\":[[\"{}\",3,\"transcript\"]],\"items\":1}}", Sha256Digest::of(b"???"));
    writer.commit("items_committed", data.as_bytes()).unwrap();
    writer.close().unwrap();
    let event = format!("event {events}");
    let (_, found) = verify(dir.path(), 1);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, &found[0].hits), (FindingKind::BlobMissing, &vec![event]));
    assert_eq!(found[0].file, "custody.jsonl");
}

#[test]
fn an_undamaged_case_has_no_finding_at_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, head) = make(dir.path());
    for threads in [1, 2, 5] {
        let (summary, found) = verify(dir.path(), threads);
        assert_eq!(found, []);
        assert!(summary.is_clean());
        assert_eq!(summary.head, Some(head.clone()));
        assert_eq!((summary.segments, summary.containers, summary.items), (3, 6, 51));
    }
    let reader = Reader::open(dir.path()).unwrap();
    let id = ContainerId { source: reader.segments().unwrap()[0].source(), number: 1 };
    let mut out = Vec::new();
    assert!(restore_container(&reader, &BlobMap::load(&reader).unwrap(), id, &mut out).unwrap().is_exact());
    assert_eq!(out, bytes);
}

/// A small generator of numbers, so that every run tries the same places.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

fn is_newer(version: &[u8]) -> bool {
    matches!(version.strip_prefix(b"mailtrail-case/"), Some([b'3'..=b'9', b'\n']))
}

#[test]
fn each_of_2000_changed_bytes_of_the_record_is_found_and_its_file_named() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let files = files(dir.path());
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut kinds = BTreeSet::new();
    for n in 0..2000 {
        let file = &files[n % files.len()];
        let path = dir.path().join(file);
        let old = fs::read(&path).unwrap();
        let mut new = old.clone();
        let at = dice.below(old.len());
        new[at] = match n % 3 {
            0 => old[at] ^ (1 << dice.below(8)),
            1 => old[at].wrapping_add(1),
            _ => {
                let other = u8::try_from(dice.below(256)).unwrap();
                if other == old[at] { !other } else { other }
            }
        };
        fs::write(&path, &new).unwrap();
        // A higher digit in VERSION is a newer format, which is refused before anything else is read.
        if file.ends_with("VERSION") && is_newer(&new) {
            let refused = verify_record(dir.path(), 1, &mut |_| ());
            assert!(matches!(refused, Err(StoreError::NewerFormat { .. })), "{refused:?}");
            fs::write(&path, &old).unwrap();
            continue;
        }
        let (summary, found) = verify(dir.path(), 1);
        let what = format!("byte {at} of {} was {}, is {}", file.display(), old[at], new[at]);
        assert!(summary.is_mismatch(), "{what}: {found:?}");
        let name = file.to_string_lossy();
        let packs = name.ends_with(".pack");
        let names_it = |finding: &Finding| {
            finding.kind.is_mismatch()
                && finding.file == name
                && (!packs || finding.offset.is_some_and(|from| from <= at as u64))
        };
        // The digest of the last event stands in the head only, so either may be the one that was changed.
        let is_last =
            |finding: &Finding| name == "custody.jsonl" && finding.kind == FindingKind::HeadMismatch;
        assert!(found.iter().any(|f| names_it(f) || is_last(f)), "{what}: {found:?}");
        kinds.extend(found.iter().map(|finding| finding.kind));
        fs::write(&path, &old).unwrap();
    }
    println!("{kinds:?}");
    assert!(kinds.len() >= 9, "{kinds:?}");
    assert!(verify(dir.path(), 2).0.is_clean());
}

#[test]
fn a_changed_byte_in_a_frame_names_the_items_that_are_hit() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let source = reader.segments().unwrap()[0].source();
    let frame = reader.frames().nth(2).unwrap().unwrap();
    let blobs: Vec<BlobAt> = frame.blobs_at().collect();
    let path = dir.path().join("packs/000001.pack");
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(frame.frame.at + frame.frame.len / 2).unwrap()] ^= 4;
    fs::write(&path, bytes).unwrap();
    let (_, found) = verify(dir.path(), 2);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].offset), (FindingKind::FrameMismatch, Some(frame.frame.at)));
    assert!(found[0].hits.iter().all(|hit| hit.starts_with(&format!("{source}-1-"))));
    assert!(!found[0].hits.is_empty() && found[0].hits.len() <= blobs.len());
    assert!(reader.blob(&blobs[3]).is_err());
}

/// Damages a fresh case and asks for the kinds of findings, in order.
fn check(what: &str, damage: impl Fn(&Path), want: &[FindingKind]) {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    damage(dir.path());
    let (summary, found) = verify(dir.path(), 2);
    let mut kinds: Vec<FindingKind> = found.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    assert_eq!(kinds, want, "{what}: {found:#?}");
    assert_eq!(summary.is_mismatch(), want.iter().any(|kind| kind.is_mismatch()));
}

fn edit(dir: &Path, file: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let path = dir.join(file);
    fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
}

#[test]
fn what_a_cut_off_write_leaves_is_unfinished_and_no_damage() {
    let torn = |mut bytes: Vec<u8>| {
        bytes.extend_from_slice(b"{\"to");
        bytes
    };
    for file in ["ledger/000002.jsonl.zst", "packs/000001.jsonl.zst", "packs/000001.pack", "custody.jsonl"] {
        check(file, |dir| edit(dir, file, torn), &[FindingKind::TornTail]);
    }
    check("new pack", |dir| fs::write(dir.join("packs/000002.pack"), "x").unwrap(), &[FindingKind::TornTail]);
    check("new head", |dir| fs::write(dir.join("HEAD.tmp"), "x").unwrap(), &[FindingKind::TornTail]);
    let old_head = |back: usize| {
        move |dir: &Path| {
            let log = fs::read(dir.join("custody.jsonl")).unwrap();
            let lines: Vec<&[u8]> = log.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
            let events = lines.len() - back;
            let mut head = Head::parse(&fs::read(dir.join("HEAD")).unwrap()).unwrap();
            head.events = events as u64;
            head.head = Sha256Digest::of(lines[events - 1]);
            fs::write(dir.join("HEAD"), head.bytes()).unwrap();
        }
    };
    check("head one behind", old_head(1), &[FindingKind::HeadBehind]);
    check("head two behind", old_head(2), &[FindingKind::HeadMismatch]);
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), &CaseInfo::default(), &run()).unwrap();
    let mut import = Import::begin(&mut writer);
    import.mbox("a.mbox", 3);
    import.commit();
    drop(writer);
    let (summary, found) = verify(dir.path(), 1);
    assert_eq!(found.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::SourceUnfinished]);
    assert!(!summary.is_mismatch());
}

#[test]
fn missing_swapped_and_cut_files_are_damage() {
    use FindingKind as K;
    check(
        "ledger gone",
        |dir| fs::remove_file(dir.join("ledger/000001.jsonl.zst")).unwrap(),
        &[K::FileMissing],
    );
    check(
        "pack gone",
        |dir| fs::remove_file(dir.join("packs/000001.pack")).unwrap(),
        &[K::FileMissing, K::FrameMismatch],
    );
    check(
        "lines gone",
        |dir| fs::remove_file(dir.join("packs/000001.jsonl.zst")).unwrap(),
        &[K::FileMissing, K::BlobMissing],
    );
    check("head gone", |dir| fs::remove_file(dir.join("HEAD")).unwrap(), &[K::FileMissing]);
    check(
        "log gone",
        |dir| fs::remove_file(dir.join("custody.jsonl")).unwrap(),
        &[K::HeadMismatch, K::FileMissing],
    );
    check(
        "head and log gone",
        |dir| {
            fs::remove_file(dir.join("HEAD")).unwrap();
            fs::remove_file(dir.join("custody.jsonl")).unwrap();
        },
        &[K::FileMissing],
    );
    check(
        "a pipe for a pack",
        |dir| {
            fs::remove_file(dir.join("packs/000001.pack")).unwrap();
            let made = std::process::Command::new("mkfifo").arg(dir.join("packs/000001.pack")).status();
            assert!(made.unwrap().success());
        },
        &[K::Unreadable],
    );
    check("strange file", |dir| fs::write(dir.join("packs/notes.txt"), "x").unwrap(), &[K::FileUnexpected]);
    check(
        "swapped",
        |dir| {
            fs::rename(dir.join("ledger/000001.jsonl.zst"), dir.join("x")).unwrap();
            fs::rename(dir.join("ledger/000002.jsonl.zst"), dir.join("ledger/000001.jsonl.zst")).unwrap();
            fs::rename(dir.join("x"), dir.join("ledger/000002.jsonl.zst")).unwrap();
        },
        &[K::SourceUnfinished, K::TornTail, K::SegmentMismatch, K::LedgerRecordInvalid],
    );
}

/// Exit code and output of the check with stock tools; `None` where a tool is missing.
fn stock_check(dir: &Path) -> Option<(i32, String)> {
    for tool in ["bash", "jq", "zstd", "sha256sum"] {
        if std::process::Command::new(tool).arg("--version").output().is_err() {
            println!("skipped: there is no {tool}");
            return None;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stock_check.sh");
    let output = std::process::Command::new("bash").arg(script).arg(dir).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.code().unwrap_or(-1), text))
}

#[test]
fn stock_tools_alone_check_a_case_and_find_what_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (_, head) = make(dir.path());
    let Some((code, text)) = stock_check(dir.path()) else { return };
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("head {}", head.head)), "{text}");
    assert!(text.contains("6 containers, 51 items"), "{text}");
    let mut dice = Dice(7);
    for file in ["HEAD", "custody.jsonl", "ledger/000001.jsonl.zst", "packs/000001.pack"] {
        let path = dir.path().join(file);
        let old = fs::read(&path).unwrap();
        let mut new = old.clone();
        new[dice.below(old.len())] ^= 2;
        fs::write(&path, &new).unwrap();
        let (code, text) = stock_check(dir.path()).unwrap();
        assert_ne!(code, 0, "{file}: {text}");
        fs::write(&path, &old).unwrap();
    }
    edit(dir.path(), "ledger/000002.jsonl.zst", |bytes| [bytes, b"{}".to_vec()].concat());
    assert_eq!(stock_check(dir.path()).unwrap().0, 3);
}

#[test]
fn verify_finds_nothing_wrong_while_a_writer_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut writer = Writer::create(&path, &CaseInfo::default(), &run()).unwrap();
    std::thread::scope(|scope| {
        let done = &done;
        let watcher = scope.spawn(move || {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let (summary, found) = verify(&path, 1);
                assert!(!summary.is_mismatch(), "{found:?}");
                assert!(found.iter().all(|f| f.kind == FindingKind::SourceUnfinished), "{found:?}");
            }
        });
        for n in 0..20 {
            let mut import = Import::begin(&mut writer);
            import.mbox(&format!("{n}.mbox"), 40);
            import.close();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        watcher.join().unwrap();
    });
    writer.close().unwrap();
    assert!(verify(dir.path(), 2).0.is_clean());
}

#[test]
fn an_item_too_long_for_memory_is_stored_checked_and_restored_as_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), &CaseInfo::default(), &run()).unwrap();
    let slice = [b"Subject: long\n\n>From here\n".as_slice(), &b"0123456789abcde\n".repeat(5 << 20)].concat();
    assert!(slice.len() as u64 > pack::FRAME_IN_MEMORY);
    let mut import = Import::begin(&mut writer);
    import.writer.blob_begin().unwrap();
    for part in slice.chunks(1_000_003) {
        import.writer.blob_part(part).unwrap();
    }
    let (sha256, streamed) = import.writer.blob_end(|_| true).unwrap();
    assert_eq!(streamed.unwrap().frame.raw, slice.len() as u64);
    let mut wire = WireStream::new();
    wire.update(&Rule::MboxRd.apply(&slice));
    let (kind, path) = ("mbox".to_owned(), RelPath::new("a.mbox"));
    import.line(&Record::Container(Container { container: 1, parent: None, kind, path: path.clone() }));
    let size = slice.len() as u64 + 9;
    import.line(&Record::Item(Item {
        container: 1,
        number: 1,
        separator: b"From a b\n".to_vec(),
        start: 9,
        end: size,
        terminator: Vec::new(),
        sha256,
        rule: Rule::MboxRd,
        lines: 1,
        wire: wire.finish(),
        uid: None,
        notes: Vec::new(),
    }));
    let whole = Sha256Digest::of(&[b"From a b\n".as_slice(), &slice].concat());
    let (items, md5, sha1, reason, error, notes) = (1, None, None, None, None, Vec::new());
    import.line(&Record::End(End {
        container: 1,
        items,
        size,
        sha256: whole,
        md5,
        sha1,
        reason,
        error,
        notes,
    }));
    import.totals = (1, 1, size);
    import.digest.file(&path, &whole, size);
    import.close();
    writer.close().unwrap();
    assert_eq!(verify(dir.path(), 2).1, []);
    let reader = Reader::open(dir.path()).unwrap();
    let blobs = BlobMap::load(&reader).unwrap();
    let id = ContainerId { source: reader.segments().unwrap()[0].source(), number: 1 };
    let restored = restore_container(&reader, &blobs, id, &mut std::io::sink()).unwrap();
    assert!(restored.is_exact() && restored.bytes == size);
    edit(dir.path(), "packs/000001.pack", |mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    });
    let (_, found) = verify(dir.path(), 2);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].hits.clone()), (FindingKind::FrameMismatch, vec![format!("{id}-1")]));
    assert!(restore_container(&reader, &blobs, id, &mut std::io::sink()).is_err());
}

#[test]
fn a_source_that_the_ledger_holds_twice_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&dir.path().join("case"), &CaseInfo::default(), &run()).unwrap();
    for _ in 0..2 {
        let mut import = Import::begin(&mut writer);
        import.mbox("a.mbox", 3);
        import.close();
    }
    drop(writer);
    let (_, findings) = verify(&dir.path().join("case"), 1);
    let doubled: Vec<_> = findings.iter().filter(|f| f.kind == FindingKind::SourceDoubled).collect();
    assert_eq!(doubled.len(), 1, "{findings:?}");
    assert_eq!(doubled[0].file, "ledger/000002.jsonl.zst");
}
