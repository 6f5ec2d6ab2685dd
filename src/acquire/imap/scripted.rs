//! A server of some lines that keeps the rules of IMAP, or breaks the one that a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{AcquireError, Clock, ControlFlow, Known, Order, Told, scan};
use crate::acquire::{
    Account, Books, Choice, Credential, Left, Limits, Mechanism, Message, Notice, Refetched, Scheme, Secret,
    Trust, Why,
};
use crate::types::RelPath;

pub(super) struct Still;
impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

pub(super) struct Empty;
impl Known for Empty {
    fn has(&self, _: &RelPath) -> bool {
        false
    }
    fn folder(&self, _: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        Vec::new()
    }
}

/// What the server does with a command.
pub(super) enum Act {
    /// What it should.
    Usual,
    /// This instead; `TAG` stands for the tag.
    Say(Vec<u8>),
    /// These bytes, and that it is done.
    Raw(Vec<u8>),
    /// Nothing, and it hangs up.
    Close,
    /// This, and it hangs up.
    Cut(Vec<u8>),
    /// These bytes, and it hangs up.
    CutRaw(Vec<u8>),
    /// Nothing.
    Silence,
}

pub(super) fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// Number of the connection from 0, and the command without its tag.
pub(super) type Rule = dyn Fn(usize, &str) -> Act + Send + Sync;

pub(super) struct Server {
    pub(super) port: u16,
    /// Every command, without its tag.
    pub(super) heard: Arc<Mutex<Vec<String>>>,
    pub(super) end: Arc<AtomicBool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// The messages: UID and bytes.
pub(super) fn mails() -> Vec<(u64, Vec<u8>)> {
    (1..=6)
        .map(|n| {
            (
                n * 3,
                format!(
                    "Subject: {n}\r\n\r\nbody {n} \0\x01 {}\r\n",
                    "x".repeat(usize::try_from(n).unwrap() * 10)
                )
                .into_bytes(),
            )
        })
        .collect()
}

pub(super) fn serve(rule: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Server {
    serve_with("IMAP4rev1 LITERAL+ UNSELECT", mails(), rule)
}

pub(super) fn serve_with(
    capabilities: &'static str,
    mails: Vec<(u64, Vec<u8>)>,
    rule: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let end = Arc::new(AtomicBool::new(false));
    let (record, over) = (Arc::clone(&heard), Arc::clone(&end));
    let (rule, mails): (Arc<Rule>, _) = (Arc::new(rule), Arc::new(mails));
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if over.load(Ordering::SeqCst) {
                return;
            }
            let (rule, mails, record) = (Arc::clone(&rule), Arc::clone(&mails), Arc::clone(&record));
            let number = count.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                drop(talk(stream.unwrap(), number, capabilities, &mails, &*rule, &record));
            });
        }
    });
    Server { port, heard, end }
}

pub(super) fn talk(
    stream: TcpStream,
    number: usize,
    capabilities: &str,
    mails: &[(u64, Vec<u8>)],
    rule: &Rule,
    record: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut tag = "*".to_owned();
    let mut command = "GREETING".to_owned();
    loop {
        let act = rule(number, &command);
        let tagged = |text: &[u8]| -> Vec<u8> {
            let text = String::from_utf8_lossy(text).replace("TAG", &tag);
            text.into_bytes()
        };
        match act {
            Act::Raw(bytes) => {
                out.write_all(&bytes)?;
                out.write_all(format!("{tag} OK done\r\n").as_bytes())?;
            }
            Act::Say(text) => out.write_all(&tagged(&text))?,
            Act::Silence => {}
            Act::Close => return out.shutdown(std::net::Shutdown::Both),
            Act::Cut(text) => {
                out.write_all(&tagged(&text))?;
                return out.shutdown(std::net::Shutdown::Both);
            }
            Act::CutRaw(bytes) => {
                out.write_all(&bytes)?;
                return out.shutdown(std::net::Shutdown::Both);
            }
            Act::Usual => out.write_all(&usual(&tag, &command, capabilities, mails))?,
        }
        let mut whole = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            whole.push_str(line.trim_end());
            let Some(octets) = scan::announced(whole.as_bytes()) else { break };
            if !whole.ends_with("+}") {
                out.write_all(b"+ go\r\n")?;
            }
            let mut bytes = vec![0; usize::try_from(octets.unwrap()).unwrap()];
            lines.read_exact(&mut bytes)?;
            whole.truncate(whole.rfind('{').unwrap());
            whole.extend(["<", &*String::from_utf8_lossy(&bytes), ">"]);
        }
        let (found, rest) = whole.split_once(' ').unwrap_or((&whole, ""));
        (tag, command) = (found.to_owned(), rest.to_owned());
        record.lock().unwrap().push(command.clone());
    }
}

/// What a server that keeps the rules says.
pub(super) fn usual(tag: &str, command: &str, capabilities: &str, mails: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let done = format!("{tag} OK done\r\n");
    let verb = command.split(' ').next().unwrap();
    let text = match verb {
        "GREETING" => return b"* OK ready\r\n".to_vec(),
        "CAPABILITY" => format!("* CAPABILITY {capabilities}\r\n{done}"),
        "LOGIN" | "UNSELECT" | "ID" => done,
        "LIST" => format!("* LIST () \"/\" INBOX\r\n{done}"),
        "STATUS" => {
            format!("* STATUS INBOX (MESSAGES {} UIDNEXT 99 UIDVALIDITY 7 UNSEEN 0)\r\n{done}", mails.len())
        }
        "EXAMINE" => format!(
            "* {} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n{tag} OK [READ-ONLY] done\r\n",
            mails.len()
        ),
        "UID" => return fetch(tag, command, mails),
        "LOGOUT" => format!("* BYE\r\n{done}"),
        _ => format!("{tag} BAD what is {verb}?\r\n"),
    };
    text.into_bytes()
}

pub(super) fn asked(set: &str, uid: u64) -> bool {
    set.split(',').any(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let last = if last == "*" { u64::MAX } else { last.parse().unwrap() };
        (first.parse::<u64>().unwrap()..=last).contains(&uid)
    })
}

pub(super) fn fetch(tag: &str, command: &str, mails: &[(u64, Vec<u8>)]) -> Vec<u8> {
    if command == "UID SEARCH ALL" {
        let all: Vec<String> = mails.iter().map(|(uid, _)| format!(" {uid}")).collect();
        let all = all.concat();
        return format!("* SEARCH{all}\r\n{tag} OK done\r\n").into_bytes();
    }
    if let Some(uid) = command.strip_prefix("UID SEARCH UID ") {
        let is_there = mails.iter().any(|(known, _)| known.to_string() == uid);
        let found = if is_there { format!(" {uid}") } else { String::new() };
        return format!("* SEARCH{found}\r\n{tag} OK done\r\n").into_bytes();
    }
    let mut words = command.splitn(4, ' ').skip(2);
    let (set, items) = (words.next().unwrap(), words.next().unwrap_or_default());
    let mut out = Vec::new();
    for (sequence, (uid, bytes)) in mails.iter().enumerate().filter(|(_, (uid, _))| asked(set, *uid)) {
        let sequence = sequence + 1;
        if let Some((_, part)) = items.split_once("BODY.PEEK[]<") {
            let (from, length) = part.trim_end_matches([')', '>']).split_once('.').unwrap();
            let from: usize = from.parse().unwrap();
            let end = (from + length.parse::<usize>().unwrap()).min(bytes.len());
            let piece = bytes.get(from..end).unwrap_or_default();
            out.extend(
                format!("* {sequence} FETCH (UID {uid} BODY[]<{from}> {{{}}}\r\n", piece.len()).bytes(),
            );
            out.extend(piece);
            out.extend(b")\r\n");
        } else if items.contains("BODY.PEEK[]") {
            out.extend(body(sequence, *uid, bytes));
        } else {
            let all = format!("INTERNALDATE \"17-Jul-2020 02:44:25 +0000\" RFC822.SIZE {}", bytes.len());
            let more = if items.contains("RFC822.SIZE") { &all } else { "" };
            out.extend(format!("* {sequence} FETCH (UID {uid} FLAGS (\\Seen) {more})\r\n").bytes());
        }
    }
    out.extend(format!("{tag} OK done\r\n").bytes());
    out
}

pub(super) fn body(sequence: usize, uid: u64, bytes: &[u8]) -> Vec<u8> {
    let head = format!("* {sequence} FETCH (UID {uid} BODY[] {{{}}}\r\n", bytes.len());
    [head.as_bytes(), bytes, b")\r\n"].concat()
}

pub(super) fn order(server: &Server) -> Order {
    Order {
        account: Account {
            scheme: Scheme::Imap,
            user: "me".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: server.port,
            folder: None,
        },
        trust: Trust { insecure_plain: true, ..Trust::default() },
        credential: Credential::Password(Secret::new(b"hunter2".to_vec())),
        renewal: None,
        mechanisms: Vec::<Mechanism>::new(),
        choice: Choice::default(),
        connections: 1,
        list_only: false,
        refetch: false,
        retr: false,
        quit: false,
        limits: Limits {
            idle: Duration::from_millis(400),
            connect: Duration::from_secs(2),
            again: 1,
            ..Limits::default()
        },
    }
}

#[derive(Default)]
pub(super) struct Run {
    pub(super) messages: Vec<Message>,
    pub(super) left: Vec<Left>,
    pub(super) books: Vec<Books>,
    pub(super) notices: Vec<Notice>,
    pub(super) folders: Vec<String>,
    pub(super) others: Vec<Vec<u8>>,
    pub(super) refetched: Refetched,
    pub(super) transcript: String,
    pub(super) error: Option<AcquireError>,
}

impl Run {
    pub(super) fn uids(&self) -> Vec<u64> {
        self.messages.iter().map(|m| m.at.uid).collect()
    }

    pub(super) fn has(&self, code: &str) -> bool {
        self.notices.iter().any(|n| n.code == code)
    }

    /// Whether an examiner is told that something is missing.
    pub(super) fn is_partial(&self) -> bool {
        self.notices.iter().any(|n| n.is_partial)
            || self.left.iter().any(|l| l.why == Why::Failed)
            || self.books.iter().any(|b| b.listed != b.known + b.taken + b.excluded + b.failed + b.gone)
    }
}

#[track_caller]
pub(super) fn run(order: &Order) -> Run {
    let mut out = Run::default();
    let mut long: Option<(crate::acquire::Place, Vec<u8>)> = None;
    let start = Instant::now();
    let result = super::run(order, &Empty, &Still, &mut |told| {
        match told {
            Told::Folder(folder) => out.folders.push(folder.path.display().into_owned()),
            Told::Message(message) => out.messages.push(message),
            Told::LongStart { at } => long = Some((at, Vec::new())),
            Told::Part(bytes) => long.as_mut().unwrap().1.extend(bytes),
            Told::LongEnd { server, notes } => {
                let (at, bytes) = long.take().unwrap();
                out.messages.push(Message { at, server, bytes, notes });
            }
            Told::LongBroken => drop(long.take().unwrap()),
            Told::Left(left) => out.left.push(left),
            Told::FolderEnd(books) => out.books.push(books),
            Told::Notice(notice) => out.notices.push(notice),
            Told::Transcript(bytes) => out.transcript.push_str(std::str::from_utf8(&bytes).unwrap()),
            Told::Other(other) => {
                out.notices.push(other.notice);
                out.others.push(other.bytes);
            }
            Told::Refetched(more) => out.refetched.add(&more),
            Told::Session(_) => {}
        }
        ControlFlow::Continue(())
    });
    out.error = result.err();
    assert!(start.elapsed() < Duration::from_secs(30), "it took {:?}", start.elapsed());
    for message in &out.messages {
        assert!(message.at.path.as_bytes().ends_with(format!("/;UID={}", message.at.uid).as_bytes()));
    }
    let mut paths: Vec<_> = out.messages.iter().map(|m| m.at.path.clone()).collect();
    paths.extend(out.left.iter().map(|l| l.at.path.clone()));
    paths.sort();
    let told = paths.len();
    paths.dedup();
    assert_eq!(told, paths.len(), "something was told twice");
    out
}

/// All six messages, as they are.
#[track_caller]
pub(super) fn assert_all(run: &Run) {
    assert!(run.error.is_none(), "{:?} {:?}", run.error, run.notices);
    let came: Vec<_> = run.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).collect();
    assert!(came == mails(), "{:?} {:?} {:?}", run.uids(), run.left, run.notices);
    assert!(!run.is_partial(), "{:?}", run.notices);
}

/// Five of six: the third is left with a cause.
#[track_caller]
pub(super) fn assert_third_left(run: &Run, why: Why) {
    assert!(run.error.is_none(), "{:?}", run.error);
    assert_eq!(run.uids(), [3, 6, 12, 15, 18], "{:?}", run.left);
    assert_eq!(run.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(9, why)]);
    let books = &run.books[0];
    assert_eq!((books.listed, books.taken, books.failed + books.gone), (6, 5, 1));
}

pub(super) fn is_bodies(command: &str) -> bool {
    command.contains("BODY.PEEK[]")
}

/// The rule that changes the answer for UID 9 in whatever command asks for it.
pub(super) fn third(
    answer: impl Fn() -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(usize, &str) -> Act + Send + Sync {
    move |_, command| {
        if !is_bodies(command) {
            return Act::Usual;
        }
        let set = command.split(' ').nth(2).unwrap();
        let mut out = Vec::new();
        for (sequence, (uid, bytes)) in mails().iter().enumerate().filter(|(_, (uid, _))| asked(set, *uid)) {
            out.extend(if *uid == 9 { answer() } else { body(sequence + 1, *uid, bytes) });
        }
        out.extend(b"TAG OK done\r\n");
        Act::Say(out)
    }
}

/// The text of the only notice with a code.
#[track_caller]
pub(super) fn text<'r>(run: &'r Run, code: &str) -> &'r str {
    let mut all = run.notices.iter().filter(|n| n.code == code);
    let (Some(one), None) = (all.next(), all.next()) else { panic!("{code}: {:?}", run.notices) };
    &one.text
}

/// Whether nothing is noted but that the talk went in the clear.
pub(super) fn is_quiet(run: &Run) -> bool {
    run.notices.iter().all(|n| n.code == "no-tls")
}

pub(super) fn set_of(command: &str) -> &str {
    command.split(' ').nth(2).unwrap()
}

pub(super) fn long_mails() -> Vec<(u64, Vec<u8>)> {
    let long = |seed: u32| (0..9_000_000u32).map(|n| (n.wrapping_mul(seed) % 251) as u8).collect();
    vec![(1, b"a\r\n".to_vec()), (2, long(1)), (3, b"c\r\n".to_vec())]
}

pub(super) fn long_order(server: &Server) -> Order {
    let mut order = order(server);
    order.limits.in_memory = 1 << 20;
    // The server makes nine megabytes first.
    order.limits.idle = Duration::from_secs(10);
    order
}
