//! Tests over accounts that tell what a list says: no server, no wire.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::acquire::{
    Account, Books, Choice, Credential, Folder, Left, Limits, Message, Notice, Other, Place, Scheme, Secret,
    Session, Trust, Why,
};
use crate::store::{CaseInfo, Run};
use crate::types::RelPath;
use crate::types::json;
use crate::types::server::ServerState;

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_763_626_504_000_000
    }
}

impl Watch for Still {
    fn progress(&self, _: u64, _: u64) {}
    fn committed(&self, _: u64) {}
    fn is_stopped(&self) -> bool {
        false
    }
}

impl AccountWatch for Still {
    fn told(&self, _: &Told) {}
}

fn request() -> AccountRequest {
    let account = Account {
        scheme: Scheme::Imaps,
        user: "ann".into(),
        host: "Mail.Example.org".into(),
        port: 993,
        folder: None,
    };
    let order = Order {
        account,
        trust: Trust::default(),
        credential: Credential::Password(Secret::new(b"hunter2".to_vec())),
        renewal: None,
        mechanisms: Vec::new(),
        choice: Choice::default(),
        connections: 1,
        list_only: false,
        refetch: false,
        retr: false,
        quit: false,
        limits: Limits::default(),
    };
    AccountRequest { order, label: Some("A-1".into()), note: None, threads: 2 }
}

fn writer(dir: &Path) -> Writer {
    let run = Run::new("mailtrail", "0", Arc::new(Still));
    if dir.join("HEAD").exists() {
        Writer::open(dir, &run).unwrap()
    } else {
        Writer::create(dir, &CaseInfo::default(), &run).unwrap()
    }
}

fn body(folder: usize, uid: u64) -> Vec<u8> {
    let long = if uid == 3 { "x".repeat(300_000) } else { String::new() };
    format!("From: a@b\r\nSubject: {folder} {uid}\r\n\r\n{long}text\n").into_bytes()
}

/// What a server has: names of folders, each with messages 1 to a number; `left` of each are excluded, the last fails.
#[derive(Clone)]
struct Server {
    folders: Vec<(&'static str, u64)>,
    seen: bool,
}

impl Server {
    fn new() -> Self {
        Self { folders: vec![("Empty", 0), ("INBOX", 7), ("INBOX/Sent", 5)], seen: false }
    }

    /// Tells all that is not known, as the wire would, until `cut` things were told.
    fn tell(&self, known: &dyn Known, sink: &mut Sink<'_>, cut: usize) -> Result<(), AcquireError> {
        let mut told = 0;
        let mut say = |thing: Told| {
            told += 1;
            let broken = || AcquireError::Broken { host: "mail.example.org".into(), why: "cut".into() };
            if told > cut {
                return Err(broken());
            }
            if sink(thing).is_break() { Err(AcquireError::Stopped) } else { Ok(()) }
        };
        say(Told::Transcript(b"S: * OK hello\r\n".to_vec()))?;
        let tls = acquire::Tls { chain: vec![b"certificate".to_vec()], ..Default::default() };
        say(Told::Session(Box::new(Session { tls: Some(tls), ..Session::default() })))?;
        for (nth, (name, messages)) in self.folders.iter().enumerate() {
            let path = RelPath::new(format!("{name};UIDVALIDITY=9"));
            let has: Vec<_> = known.folder(&path);
            let uid_validity = Some(9);
            let folder =
                Folder { path: path.clone(), name: (*name).into(), uid_validity, ..Folder::default() };
            say(Told::Folder(folder))?;
            let mut books = Books { path: path.clone(), listed: *messages, ..Books::default() };
            books.vanished = has.iter().map(|(uid, _)| *uid).filter(|uid| uid > messages).collect();
            for uid in 1..=*messages {
                let at = Place { path: RelPath::new(format!("{name};UIDVALIDITY=9/;UID={uid}")), uid };
                if known.has(&at.path) {
                    books.known += 1;
                    continue;
                }
                if uid == 2 {
                    books.excluded += 1;
                    say(Told::Left(Left { at, why: Why::Excluded, note: b"--max-size 1".to_vec() }))?;
                    continue;
                }
                if uid == 6 {
                    books.failed += 1;
                    say(Told::Left(Left { at, why: Why::Failed, note: b"NO [SERVERBUG]".to_vec() }))?;
                    continue;
                }
                books.taken += 1;
                let flags = if self.seen { vec![b"\\Seen".to_vec()] } else { Vec::new() };
                let internal_date = Some(b"17-Jul-1996 02:44:25 -0700".to_vec());
                let server = ServerState { flags, internal_date, size: Some(1), ..ServerState::default() };
                let bytes = body(nth, uid);
                if uid == 4 {
                    let text = "not alike".to_owned();
                    let notice = Notice {
                        code: "bodies-differ",
                        path: Some(at.path.clone()),
                        text,
                        is_partial: false,
                    };
                    say(Told::Other(Other { notice, bytes: [&bytes, &b"anew"[..]].concat() }))?;
                    say(Told::Refetched(Refetched {
                        path: path.clone(),
                        differ: 1,
                        ..Refetched::default()
                    }))?;
                }
                if uid == 3 {
                    say(Told::LongStart { at })?;
                    for part in bytes.chunks(100_000) {
                        say(Told::Part(part.to_vec()))?;
                    }
                    say(Told::LongEnd { server, notes: Vec::new() })?;
                } else {
                    say(Told::Message(Message { at, server, bytes, notes: Vec::new() }))?;
                }
                say(Told::Transcript(format!("S: * {uid} FETCH\r\n").into_bytes()))?;
            }
            say(Told::FolderEnd(books))?;
        }
        say(Told::Notice(Notice { code: "size-mismatch", path: None, text: "x".into(), is_partial: false }))
    }
}

fn acquire_into(dir: &Path, server: &Server, cut: usize) -> Acquired {
    let mut writer = writer(dir);
    let done = run(&mut writer, &request(), &Still, |known, sink| server.tell(known, sink, cut)).unwrap();
    writer.close().unwrap();
    done
}

fn ledger(dir: &Path) -> Vec<String> {
    let reader = Reader::open(dir).unwrap();
    let lines = |number| {
        let mut lines = reader.ledger_lines(number, 0).unwrap();
        let mut text = String::new();
        while let Some(line) = lines.next_line().unwrap() {
            text.push_str(std::str::from_utf8(line.bytes).unwrap());
            text.push('\n');
        }
        text
    };
    reader.segments().unwrap().iter().map(|segment| lines(segment.number)).collect()
}

#[test]
fn an_account_comes_in_whole_and_a_second_run_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let first = acquire_into(&case, &Server::new(), usize::MAX);
    assert_eq!((first.totals.items, first.excluded, first.failed), (9, 2, 1));
    assert!(!first.is_whole() && first.source.is_some());
    assert!(first.folders.iter().all(FolderSeen::is_balanced));
    let before = ledger(&case);
    assert!(before[0].contains("\"path\":\"Empty;UIDVALIDITY=9\""), "an empty folder is told too");
    let again = acquire_into(&case, &Server { seen: true, ..Server::new() }, usize::MAX);
    assert_eq!((again.totals.items, again.segment), (0, None));
    assert_eq!(ledger(&case), before);
    let log = std::fs::read_to_string(case.join("custody.jsonl")).unwrap();
    assert!(log.contains("\"type\":\"account_seen_again\""), "{log}");
    assert!(!log.contains("hunter2"));
}

#[test]
fn what_is_new_on_the_server_makes_a_source_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    acquire_into(&case, &Server::new(), usize::MAX);
    let mut more = Server::new();
    more.folders[2].1 = 9;
    more.folders.push(("New", 0));
    let second = acquire_into(&case, &more, usize::MAX);
    assert_eq!((second.totals.items, second.segment), (3, Some(2)));
    let lines = ledger(&case);
    assert_eq!(lines[1].lines().count(), 1 + 2 + 1 + 3 + 1, "{}", lines[1]);
    assert!(!lines[1].contains("INBOX;"));
}

#[test]
fn a_run_cut_off_anywhere_and_resumed_is_the_uncut_run() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    acquire_into(&whole, &Server::new(), usize::MAX);
    let want = ledger(&whole);
    for cut in 0..60 {
        let case = dir.path().join(format!("case-{cut}"));
        let first = acquire_into(&case, &Server::new(), cut);
        let is_cut = first.ended.is_err();
        assert_eq!(is_cut, first.source.is_none());
        if cut % 3 == 0 {
            acquire_into(&case, &Server::new(), cut / 2 + 4);
        }
        let last = acquire_into(&case, &Server::new(), usize::MAX);
        assert_eq!(ledger(&case), want, "cut after {cut}");
        assert!(!is_cut || last.failed == 1, "what failed in the run that goes on is not forgotten");
        if !is_cut {
            assert!(cut > 20, "the server tells more than that");
            return;
        }
    }
    unreachable!("no run was cut");
}

#[test]
fn other_wishes_leave_a_pending_source_alone_but_take_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    acquire_into(&case, &Server::new(), 12);
    let mut other = request();
    other.order.choice.max_size = Some(1);
    let mut writer = writer(&case);
    let done =
        run(&mut writer, &other, &Still, |known, sink| Server::new().tell(known, sink, usize::MAX)).unwrap();
    assert_eq!(done.segment, Some(2));
    let all = ledger(&case).concat();
    let mut paths: Vec<_> = all.lines().filter(|line| line.contains("\"t\":\"file\"")).collect();
    assert_eq!(paths.len(), 9);
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), 9);
}

#[test]
fn a_case_of_the_first_format_takes_no_account() {
    let dir = tempfile::tempdir().unwrap();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/frozen/v1");
    let case = dir.path().join("case");
    for folder in ["", "packs", "ledger"] {
        std::fs::create_dir_all(case.join(folder)).unwrap();
        for file in std::fs::read_dir(frozen.join(folder)).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), case.join(folder).join(file.file_name())).unwrap();
            }
        }
    }
    let before = std::fs::read(case.join("custody.jsonl")).unwrap();
    let mut writer = writer(&case);
    let refused = run(&mut writer, &request(), &Still, |_, _| Ok(()));
    assert!(matches!(refused, Err(IngestError::Store(StoreError::OlderFormat { found: 1, .. }))));
    assert_eq!(std::fs::read(case.join("custody.jsonl")).unwrap(), before);
}

#[test]
fn events_name_the_blobs_of_the_talk_and_each_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    acquire_into(&case, &Server::new(), usize::MAX);
    let reader = Reader::open(&case).unwrap();
    let (mut kinds, mut others, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
    for event in reader.custody().unwrap() {
        let data = json::read(&event.unwrap().1.data).unwrap();
        for notice in data.get("notices").and_then(|list| list.as_array()).into_iter().flatten() {
            others.extend(notice.get("sha256").map(ToString::to_string));
        }
        for blob in data.get("blobs").and_then(|list| list.as_array()).into_iter().flatten() {
            kinds.push(blob[2].as_str().unwrap().to_owned());
            if blob[2] == "other-body" {
                blobs.push(blob[0].to_string());
            }
        }
    }
    kinds.sort_unstable();
    assert_eq!(kinds.iter().filter(|kind| *kind == "certificate").count(), 1);
    assert!(kinds.iter().filter(|kind| *kind == "transcript").count() > 5);
    // Another body of a message is named by the notice about it, too.
    assert!(!blobs.is_empty() && blobs == others, "{blobs:?} {others:?}");
    let ended = reader.custody().unwrap().map(|event| event.unwrap().1).last().unwrap();
    let differ = "\"refetched\":{\"alike\":0,\"differ\":1,\"failed\":0}";
    assert!(String::from_utf8(ended.data).unwrap().contains(differ));
}
