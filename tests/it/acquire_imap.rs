//! IMAP against Debian's Dovecot: every byte, in the order of the ledger, whatever breaks; and nothing changed there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use mailtrail::acquire::{
    Account, AcquireError, Books, Choice, Credential, Folder, Known, Left, Limits, Message, Order, Secret,
    Session, Told, Trust, Why, acquire,
};
use mailtrail::types::RelPath;
use mailtrail::types::time::Clock;

use crate::support::dovecot::{self, Dovecot, PASSWORD, Settings};
use crate::support::maildir::{self, assert_unchanged, snapshot};
use crate::support::proxy::Proxy;
use crate::support::talk::{self, Language};

struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

/// A UID and its flags.
type WithFlags = (u64, Vec<Vec<u8>>);

/// What the case has: paths, and flags by folder.
#[derive(Default)]
struct Has {
    paths: BTreeSet<Vec<u8>>,
    folders: BTreeMap<Vec<u8>, Vec<WithFlags>>,
}

impl Known for Has {
    fn has(&self, path: &RelPath) -> bool {
        self.paths.contains(path.as_bytes())
    }

    fn folder(&self, path: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        self.folders.get(path.as_bytes()).cloned().unwrap_or_default()
    }
}

/// All that a run told, sorted by kind.
#[derive(Default)]
struct Run {
    sessions: Vec<Session>,
    folders: Vec<Folder>,
    messages: Vec<Message>,
    left: Vec<Left>,
    books: Vec<Books>,
    notices: Vec<(String, String)>,
    transcript: Vec<u8>,
    /// Paths in the order told.
    order: Vec<Vec<u8>>,
    parts: usize,
    error: Option<AcquireError>,
}

fn order(server: &Dovecot, port: u16, scheme: &str, connections: usize) -> Order {
    Order {
        account: Account::parse(&format!("{scheme}://joe@127.0.0.1:{port}")).unwrap(),
        trust: Trust { ca_file: Some(server.ca_file()), ..Trust::default() },
        credential: Credential::Password(Secret::new(PASSWORD.as_bytes().to_vec())),
        renewal: None,
        mechanisms: Vec::new(),
        choice: Choice::default(),
        connections,
        list_only: false,
        refetch: false,
        retr: false,
        quit: false,
        limits: Limits { idle: Duration::from_secs(20), ..Limits::default() },
    }
}

fn run(order: &Order, known: &Has) -> Run {
    run_until(order, known, usize::MAX)
}

/// Runs, and stops after so many messages.
fn run_until(order: &Order, known: &Has, most: usize) -> Run {
    let mut out = Run::default();
    let mut long: Option<(mailtrail::acquire::Place, Vec<u8>)> = None;
    let result = acquire(order, known, &Still, &mut |told| {
        match told {
            Told::Session(session) => out.sessions.push(*session),
            Told::Folder(folder) => {
                out.order.push(folder.path.as_bytes().to_vec());
                out.folders.push(folder);
            }
            Told::Message(message) => {
                assert!(long.is_none());
                out.order.push(message.at.path.as_bytes().to_vec());
                out.messages.push(message);
            }
            Told::LongStart { at } => {
                assert!(long.is_none());
                long = Some((at, Vec::new()));
            }
            Told::Part(bytes) => {
                out.parts += 1;
                long.as_mut().unwrap().1.extend(bytes);
            }
            Told::LongEnd { server, notes } => {
                let (at, bytes) = long.take().unwrap();
                out.order.push(at.path.as_bytes().to_vec());
                out.messages.push(Message { at, server, bytes, notes });
            }
            Told::LongBroken => long = None,
            Told::Left(left) => {
                out.order.push(left.at.path.as_bytes().to_vec());
                out.left.push(left);
            }
            Told::FolderEnd(books) => out.books.push(books),
            Told::Other(other) => out.notices.push((other.notice.code.to_owned(), other.notice.text)),
            Told::Refetched(_) => {}
            Told::Transcript(bytes) => {
                assert!(long.is_none());
                out.transcript.extend(bytes);
            }
            Told::Notice(notice) => out.notices.push((notice.code.to_owned(), notice.text)),
        }
        if out.messages.len() >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    out.error = result.err();
    let wrong = talk::wrong_in(Language::Imap, std::str::from_utf8(&out.transcript).unwrap());
    assert_eq!(wrong, Vec::<String>::new());
    out
}

impl Run {
    /// What a case would have after it.
    fn known(&self) -> Has {
        let mut has = Has::default();
        for message in &self.messages {
            let path = message.at.path.as_bytes().to_vec();
            let end = path.windows(6).rposition(|w| w == b"/;UID=").unwrap();
            let folder = path[..end].to_vec();
            has.folders.entry(folder).or_default().push((message.at.uid, message.server.flags.clone()));
            has.paths.insert(path);
        }
        has
    }

    fn balances(&self) {
        for b in &self.books {
            assert_eq!(b.listed, b.known + b.taken + b.excluded + b.failed + b.gone, "{b:?}");
        }
    }

    fn codes(&self) -> Vec<&str> {
        self.notices.iter().map(|(code, _)| code.as_str()).collect()
    }
}

/// Compares what was taken with what lies on the server's disk.
fn assert_exact(run: &Run, account: &maildir::Account) {
    if let Some(error) = &run.error {
        panic!("{error} {:?}", run.notices);
    }
    let mut taken: BTreeMap<&[u8], &Message> = BTreeMap::new();
    for message in &run.messages {
        assert!(taken.insert(message.at.path.as_bytes(), message).is_none(), "told twice");
    }
    let mut count = 0;
    for (number, folder) in account.boxes.iter().enumerate() {
        let told =
            run.folders.iter().find(|f| f.name == folder.name).unwrap_or_else(|| panic!("{}", folder.name));
        if account.mails.iter().all(|m| m.folder != number) {
            assert_eq!(told.exists, 0);
            continue;
        }
        let (validity, uids) = account.uids(number);
        assert_eq!(told.uid_validity, Some(validity));
        for mail in account.mails.iter().filter(|m| m.folder == number) {
            let uid = uids[&mail.base];
            let path = [told.path.as_bytes(), format!("/;UID={uid}").as_bytes()].concat();
            let message =
                taken.get(path.as_slice()).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&path)));
            assert!(message.bytes == mail.wire, "{} differs", String::from_utf8_lossy(&path));
            let flags: Vec<String> = message
                .server
                .flags
                .iter()
                .filter(|f| f.as_slice() != b"\\Recent")
                .map(|f| String::from_utf8_lossy(f).into_owned())
                .collect();
            assert_eq!(flags, mail.flags);
            assert_eq!(message.server.size, Some(mail.wire.len() as u64));
            assert!(message.notes.is_empty());
            count += 1;
        }
    }
    assert_eq!(count, run.messages.len());
    run.balances();
}

/// Folders in byte order with their epoch, UIDs ascending.
fn assert_ordered(run: &Run) {
    let key = |path: &[u8]| {
        let text = String::from_utf8(path.to_vec()).unwrap();
        match text.split_once("/;UID=") {
            Some((folder, uid)) => (folder.to_owned(), uid.parse::<u64>().unwrap()),
            None => (text, 0),
        }
    };
    let keys: Vec<_> = run.order.iter().map(|p| key(p)).collect();
    assert!(keys.windows(2).all(|w| w[0] < w[1]), "not in order");
}

#[test]
fn an_account_is_copied_byte_for_byte_and_nothing_changes_there() {
    if !dovecot::is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(1200);
    server.settle("joe");
    // Nobody has asked this server for sizes yet, and each run leaves all of it as it was, its lists of UIDs too.
    let before = snapshot(&account.root);
    for (connections, scheme, port) in
        [(4, "imaps", server.imaps), (1, "imaps", server.imaps), (3, "imap", server.imap)]
    {
        let start = Instant::now();
        let run = run(&order(&server, port, scheme, connections), &Has::default());
        println!("{connections} connections: {} messages in {:?}", run.messages.len(), start.elapsed());
        assert_exact(&run, &account);
        assert_ordered(&run);
        let tls = run.sessions[0].tls.as_ref().unwrap();
        assert_eq!(
            (tls.version.as_str(), tls.trusted_by, !tls.chain.is_empty()),
            ("TLSv1.3", "ca-file", true)
        );
        assert_eq!(run.sessions[0].capabilities[0].is_empty(), scheme == "imaps");
        let text = String::from_utf8(run.transcript.clone()).unwrap();
        assert!(!text.contains("s3cret"));
        assert_unchanged(&before, &snapshot(&account.root));
    }
}

#[test]
fn a_second_run_takes_what_is_new_and_tells_what_changed() {
    if !dovecot::is_here() {
        return;
    }
    let (server, mut account) = Dovecot::with_account(120);
    let order = order(&server, server.imaps, "imaps", 2);
    let first = run(&order, &Has::default());
    assert_exact(&first, &account);
    let mut known = first.known();
    let second = run(&order, &known);
    assert!(second.error.is_none() && second.messages.is_empty());
    second.balances();
    assert_eq!(second.books.iter().map(|b| b.known).sum::<u64>(), 120);
    assert!(second.books.iter().all(|b| b.vanished.is_empty() && b.flags_since.is_empty()));
    // One more on the server; one that the case has and the server has not; flags that differ.
    account.deliver(0, 5000, b"Subject: new\n\nx\n");
    let inbox = known.folders.iter_mut().find(|(path, _)| path.starts_with(b"INBOX;")).unwrap();
    inbox.1.push((999_999, Vec::new()));
    let changed = inbox.1[0].0;
    inbox.1[0].1 = vec![b"\\Flagged".to_vec(), b"\\Draft".to_vec()];
    let third = run(&order, &known);
    assert_eq!(third.messages.len(), 1);
    assert_eq!(third.messages[0].bytes, b"Subject: new\r\n\r\nx\r\n");
    let books = third.books.iter().find(|b| b.path.as_bytes().starts_with(b"INBOX;")).unwrap();
    assert_eq!((books.vanished.as_slice(), books.flags_since.as_slice()), (&[999_999][..], &[changed][..]));
    third.balances();
}

#[test]
fn a_connection_that_breaks_again_and_again_changes_nothing() {
    if !dovecot::is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(400);
    let whole = run(&order(&server, server.imaps, "imaps", 1), &Has::default());
    assert_exact(&whole, &account);
    for (seed, connections) in [(1, 1), (2, 3), (3, 2)] {
        let proxy = Proxy::seeded(server.imaps, seed, 25, 60_000);
        let mut order = order(&server, proxy.port, "imaps", connections);
        order.limits.again = 40;
        let cut = run(&order, &Has::default());
        assert!(cut.error.is_none(), "{:?}", cut.error);
        assert!(proxy.cuts.load(std::sync::atomic::Ordering::SeqCst) > 5);
        assert_exact(&cut, &account);
        assert_eq!(cut.order, whole.order);
        assert!(cut.left.is_empty());
    }
}

#[test]
fn a_run_that_is_stopped_goes_on_where_it_was() {
    if !dovecot::is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(300);
    let order = order(&server, server.imaps, "imaps", 3);
    let mut known = Has::default();
    let mut all = Run::default();
    for _ in 0..20 {
        let mut part = run_until(&order, &known, 40);
        let is_whole = part.error.is_none();
        assert!(is_whole || matches!(part.error, Some(AcquireError::Stopped)));
        let new = part.known();
        assert!(new.paths.is_disjoint(&known.paths));
        known.paths.extend(new.paths);
        all.messages.append(&mut part.messages);
        if is_whole {
            all.folders = part.folders;
            break;
        }
    }
    assert_exact(&all, &account);
}

#[test]
fn long_messages_come_in_parts_also_over_breaks() {
    if !dovecot::is_here() {
        return;
    }
    let big: Vec<u8> =
        (0..9_000_000u32).map(|n| if n % 71 == 70 { b'\n' } else { b'a' + (n % 23) as u8 }).collect();
    let mut account = None;
    let server = Dovecot::start(&Settings::default(), |mail| {
        let mut made = maildir::account(&mail.join("joe"), 60);
        made.deliver(0, 70_000, &big);
        made.deliver(1, 70_001, &big);
        made.deliver(0, 70_002, b"Subject: after\n\nx\n");
        account = Some(made);
    });
    server.look_through("joe");
    let account = account.unwrap();
    let mut order = order(&server, server.imaps, "imaps", 2);
    order.limits.in_memory = 1 << 20;
    let plain = run(&order, &Has::default());
    assert_exact(&plain, &account);
    assert_ordered(&plain);
    assert!(plain.parts >= 18, "{}", plain.parts);
    let proxy = Proxy::seeded(server.imaps, 7, 8, 6_000_000);
    order.account.port = proxy.port;
    order.limits.again = 20;
    let cut = run(&order, &Has::default());
    assert_exact(&cut, &account);
    assert_eq!(cut.order, plain.order);
}

#[test]
fn rules_leave_messages_one_by_one_and_folders_by_name() {
    if !dovecot::is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(200);
    let mut order = order(&server, server.imaps, "imaps", 2);
    order.choice.since = Some(1_700_000_000 + 50 * 61);
    order.choice.before = Some(1_700_000_000 + 150 * 61);
    order.choice.max_size = Some(6000);
    order.choice.exclude = vec!["Archive/*".to_owned()];
    let run = run(&order, &Has::default());
    run.balances();
    assert_ordered(&run);
    assert_eq!(run.codes().iter().filter(|c| **c == "folder-excluded").count(), 2);
    let expected = account.mails.iter().filter(|m| {
        let n = (m.delivered - 1_700_000_000) / 61;
        !account.boxes[m.folder].name.starts_with("Archive") && (50..150).contains(&n) && m.wire.len() <= 6000
    });
    assert_eq!(run.messages.len(), expected.count());
    let excluded: u64 = run.books.iter().map(|b| b.excluded).sum();
    assert_eq!(run.left.len() as u64, excluded);
    assert!(run.left.iter().all(|l| l.why == Why::Excluded));
    assert!(
        run.left.iter().any(|l| l.note == b"internal date before 2023-11-14T23:04:10Z"),
        "{:?}",
        run.left[0]
    );
}

#[test]
fn a_list_takes_nothing() {
    if !dovecot::is_here() {
        return;
    }
    let (server, account) = Dovecot::with_account(50);
    let mut order = order(&server, server.imaps, "imaps", 4);
    order.list_only = true;
    let run = run(&order, &Has::default());
    assert!(run.error.is_none() && run.messages.is_empty() && run.books.is_empty());
    assert_eq!(run.folders.iter().map(|f| f.exists).sum::<u64>(), 50);
    for (number, folder) in account.boxes.iter().enumerate() {
        let told = run.folders.iter().find(|f| f.name == folder.name).unwrap();
        assert_eq!(told.exists, account.mails.iter().filter(|m| m.folder == number).count() as u64);
    }
    // Of the messages, it asks for the sizes alone.
    let talk = String::from_utf8_lossy(&run.transcript).into_owned();
    let asked: Vec<&str> =
        talk.lines().filter(|line| line.contains(" C: ") && line.contains("FETCH")).collect();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|line| line.ends_with(" UID FETCH 1:* (UID RFC822.SIZE)")), "{asked:?}");
    assert!(!talk.contains("BODY"));
}

#[test]
fn a_wrong_password_is_refused_once_and_not_shown() {
    if !dovecot::is_here() {
        return;
    }
    let (server, _) = Dovecot::with_account(1);
    let mut order = order(&server, server.imaps, "imaps", 2);
    order.credential = Credential::Password(Secret::new(b"wrong-pass".to_vec()));
    let run = run(&order, &Has::default());
    assert!(matches!(run.error, Some(AcquireError::SignIn { .. })), "{:?}", run.error);
    let text = String::from_utf8(run.transcript).unwrap();
    assert_eq!(text.matches("AUTHENTICATE").count(), 1, "{text}");
    assert!(!text.contains("wrong-pass"));
}
