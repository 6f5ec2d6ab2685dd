//! Sessions against a server of some lines that keeps the rules, or breaks one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::acquire::{
    Account, Books, Choice, Credential, Left, Limits, Mechanism, Message, Notice, Scheme, Secret, Trust, Why,
};
use crate::types::{AnomalyKind, RelPath};

struct Still;
impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

struct Empty;
impl Known for Empty {
    fn has(&self, _: &RelPath) -> bool {
        false
    }
    fn folder(&self, _: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        Vec::new()
    }
}

/// What the server does with a command.
enum Act {
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

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

/// Number of the connection from 0, and the command without its tag.
type Rule = dyn Fn(usize, &str) -> Act + Send + Sync;

struct Server {
    port: u16,
    /// Every command, without its tag.
    heard: Arc<Mutex<Vec<String>>>,
    end: Arc<AtomicBool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// The messages: UID and bytes.
fn mails() -> Vec<(u64, Vec<u8>)> {
    (1..=6)
        .map(|n| {
            (
                n * 3,
                format!("Subject: {n}\r\n\r\nbody {n} \0\x01 {}\r\n", "x".repeat(n as usize * 10))
                    .into_bytes(),
            )
        })
        .collect()
}

fn serve(rule: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Server {
    serve_with("IMAP4rev1 LITERAL+ UNSELECT", mails(), rule)
}

fn serve_with(
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
                drop(talk(stream.unwrap(), number, capabilities, &mails, &*rule, &record))
            });
        }
    });
    Server { port, heard, end }
}

fn talk(
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
            whole.push_str(&format!("<{}>", String::from_utf8_lossy(&bytes)));
        }
        let (found, rest) = whole.split_once(' ').unwrap_or((&whole, ""));
        (tag, command) = (found.to_owned(), rest.to_owned());
        record.lock().unwrap().push(command.clone());
    }
}

/// What a server that keeps the rules says.
fn usual(tag: &str, command: &str, capabilities: &str, mails: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let done = format!("{tag} OK done\r\n");
    let verb = command.split(' ').next().unwrap();
    let text = match verb {
        "GREETING" => return b"* OK ready\r\n".to_vec(),
        "CAPABILITY" => format!("* CAPABILITY {capabilities}\r\n{done}"),
        "LOGIN" | "UNSELECT" | "ID" => done,
        "LIST" => format!("* LIST () \"/\" INBOX\r\n{done}"),
        "LSUB" => format!("* LSUB () \"/\" INBOX\r\n{done}"),
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

fn asked(set: &str, uid: u64) -> bool {
    set.split(',').any(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let last = if last == "*" { u64::MAX } else { last.parse().unwrap() };
        (first.parse::<u64>().unwrap()..=last).contains(&uid)
    })
}

fn fetch(tag: &str, command: &str, mails: &[(u64, Vec<u8>)]) -> Vec<u8> {
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

fn body(sequence: usize, uid: u64, bytes: &[u8]) -> Vec<u8> {
    let head = format!("* {sequence} FETCH (UID {uid} BODY[] {{{}}}\r\n", bytes.len());
    [head.as_bytes(), bytes, b")\r\n"].concat()
}

fn order(server: &Server) -> Order {
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
        mechanisms: Vec::<Mechanism>::new(),
        choice: Choice::default(),
        connections: 1,
        list_only: false,
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
struct Run {
    messages: Vec<Message>,
    left: Vec<Left>,
    books: Vec<Books>,
    notices: Vec<Notice>,
    folders: Vec<String>,
    transcript: String,
    error: Option<AcquireError>,
}

impl Run {
    fn uids(&self) -> Vec<u64> {
        self.messages.iter().map(|m| m.at.uid).collect()
    }

    fn has(&self, code: &str) -> bool {
        self.notices.iter().any(|n| n.code == code)
    }

    /// Whether an examiner is told that something is missing.
    fn is_partial(&self) -> bool {
        self.notices.iter().any(|n| n.is_partial)
            || self.left.iter().any(|l| l.why == Why::Failed)
            || self.books.iter().any(|b| b.listed != b.known + b.taken + b.excluded + b.failed + b.gone)
    }
}

#[track_caller]
fn run(order: &Order) -> Run {
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
fn assert_all(run: &Run) {
    assert!(run.error.is_none(), "{:?} {:?}", run.error, run.notices);
    let came: Vec<_> = run.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).collect();
    assert!(came == mails(), "{:?} {:?} {:?}", run.uids(), run.left, run.notices);
    assert!(!run.is_partial(), "{:?}", run.notices);
}

/// Five of six: the third is left with a cause.
#[track_caller]
fn assert_third_left(run: &Run, why: Why) {
    assert!(run.error.is_none(), "{:?}", run.error);
    assert_eq!(run.uids(), [3, 6, 12, 15, 18], "{:?}", run.left);
    assert_eq!(run.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(9, why)]);
    let books = &run.books[0];
    assert_eq!((books.listed, books.taken, books.failed + books.gone), (6, 5, 1));
}

fn is_bodies(command: &str) -> bool {
    command.contains("BODY.PEEK[]")
}

/// The rule that changes the answer for UID 9 in whatever command asks for it.
fn third(answer: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> impl Fn(usize, &str) -> Act + Send + Sync {
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

#[test]
fn a_server_that_keeps_the_rules_is_copied_with_few_words() {
    let server = serve(|_, _| Act::Usual);
    assert_all(&run(&order(&server)));
    let heard = server.heard.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            "CAPABILITY",
            "LOGIN \"me\" \"hunter2\"",
            "CAPABILITY",
            "LIST \"\" \"*\"",
            "LSUB \"\" \"*\"",
            "STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "EXAMINE \"INBOX\"",
            "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
            "UID FETCH 3:18 (UID BODY.PEEK[])",
            "UID FETCH 1:* (UID FLAGS)",
            "UNSELECT",
            "STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
            "LOGOUT",
        ]
    );
}

#[test]
fn nothing_secret_is_said_to_a_server_that_is_not_as_it_should_be() {
    let greeting =
        |text: &'static str| move |_: usize, c: &str| if c == "GREETING" { say(text) } else { Act::Usual };
    for text in [
        "* PREAUTH welcome\r\n",
        "* BYE go away\r\n",
        "* OK [REFERRAL imap://elsewhere/] go there\r\n",
        "220 smtp.example.org ESMTP\r\n",
        "\x1b[2J\r\n",
        "+OK pop3\r\n",
    ] {
        let server = serve(greeting(text));
        let run = run(&order(&server));
        assert!(
            matches!(run.error, Some(AcquireError::Protocol { .. } | AcquireError::Broken { .. })),
            "{text}"
        );
        assert!(!run.error.unwrap().to_string().contains('\x1b'));
        assert!(server.heard.lock().unwrap().iter().all(|c| !c.contains("LOGIN")), "{text}");
    }
    // Without leave no password goes in the clear.
    let server = serve(|_, _| Act::Usual);
    let mut strict = order(&server);
    strict.trust = Trust { pin: Some([1; 32]), ..Trust::default() };
    assert!(matches!(run(&strict).error, Some(AcquireError::Tls { .. })));
    assert_eq!(*server.heard.lock().unwrap(), ["CAPABILITY"]);
    for answer in ["TAG NO not now\r\n", "TAG BAD what\r\n", "TAG OK go\r\n* OK injected\r\n"] {
        let server = serve_with("IMAP4rev1 STARTTLS", mails(), move |_, command| {
            if command == "STARTTLS" { say(answer) } else { Act::Usual }
        });
        let mut strict = order(&server);
        strict.trust = Trust { pin: Some([1; 32]), ..Trust::default() };
        assert!(run(&strict).error.is_some());
        assert_eq!(*server.heard.lock().unwrap(), ["CAPABILITY", "STARTTLS"]);
    }
    let server = serve_with("IMAP4rev1 LOGINDISABLED", mails(), |_, _| Act::Usual);
    assert!(matches!(run(&order(&server)).error, Some(AcquireError::SignIn { .. })));
    assert!(!server.heard.lock().unwrap().iter().any(|c| c.contains("hunter2")));
}

#[test]
fn a_refusal_is_told_without_the_password_that_it_repeats() {
    let server =
        serve(
            |_, command| {
                if command.starts_with("LOGIN") { say("TAG NO hunter2 is wrong\r\n") } else { Act::Usual }
            },
        );
    let run = run(&order(&server));
    let error = run.error.unwrap();
    assert!(matches!(error, AcquireError::SignIn { .. }));
    assert!(!error.to_string().contains("hunter2") && !run.transcript.contains("hunter2"), "{error}");
}

#[test]
fn a_folder_that_may_be_writable_is_left() {
    let server = serve(|_, command| {
        if command.starts_with("EXAMINE") {
            say("* 6 EXISTS\r\nTAG OK [READ-WRITE] done\r\n")
        } else {
            Act::Usual
        }
    });
    let run = run(&order(&server));
    assert!(run.error.is_none() && run.has("not-read-only") && run.is_partial() && run.messages.is_empty());
    assert!(!server.heard.lock().unwrap().iter().any(|c| c.contains("FETCH")));
}

#[test]
fn bodies_that_do_not_come_are_failed_and_the_others_are_taken() {
    for answer in [
        "* 3 FETCH (UID 9 BODY[] NIL)\r\n",
        "* 3 FETCH (UID 9 BODY[] \"\")\r\n",
        "* 3 FETCH (UID 9 BODY[] {0}\r\n)\r\n",
        "",
    ] {
        let server = serve(third(move || answer.as_bytes().to_vec()));
        assert_third_left(&run(&order(&server)), Why::Failed);
    }
}

#[test]
fn announced_lengths_are_not_believed() {
    for length in ["100000000000", "18446744073709551617", "99999999999999999999999999", "5000000000"] {
        let server =
            serve(third(move || format!("* 3 FETCH (UID 9 BODY[] {{{length}}}\r\nabc").into_bytes()));
        assert_third_left(&run(&order(&server)), Why::Failed);
    }
}

#[test]
fn a_message_that_is_gone_is_gone() {
    let rule = third(Vec::new);
    let server = serve(move |n, command| {
        if command == "UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE)" {
            return say("* 3 EXPUNGE\r\nTAG OK done\r\n");
        }
        rule(n, command)
    });
    assert_third_left(&run(&order(&server)), Why::Gone);
}

#[test]
fn a_body_that_comes_twice_is_taken_once() {
    let good = mails()[2].1.clone();
    let other = good.clone();
    let server = serve(third(move || [body(3, 9, &good), body(3, 9, &good)].concat()));
    let twice = run(&order(&server));
    assert_all(&twice);
    assert!(twice.has("body-twice"));
    let server = serve(third(move || [body(3, 9, &other), body(3, 9, b"other")].concat()));
    let differ = run(&order(&server));
    assert_all(&differ);
    assert!(differ.has("bodies-differ"));
}

#[test]
fn a_body_that_nobody_asked_for_is_not_taken() {
    let good = mails()[2].1.clone();
    let server = serve(third(move || [body(7, 77, b"unasked"), body(3, 9, &good)].concat()));
    let run = run(&order(&server));
    assert_all(&run);
    assert!(run.has("body-not-asked-for"));
}

#[test]
fn bodies_are_taken_in_every_form() {
    let text = mails()[2].1.clone();
    let n = text.len();
    let behind =
        [format!("* 3 FETCH (BODY[] {{{n}}}\r\n").as_bytes(), &text, b" UID 9 X (a (b)))\r\n"].concat();
    let eight =
        [format!("* 3 FETCH (UID 9 FLAGS () BODY[] ~{{{n}}}\r\n").as_bytes(), &text, b")\r\n"].concat();
    let lower = [format!("* 3 fetch (uid 9 body[] {{{n}}}\r\n").as_bytes(), &text, b")\r\n"].concat();
    for form in [behind, eight, lower] {
        let server = serve(third(move || form.clone()));
        assert_all(&run(&order(&server)));
    }
}

#[test]
fn a_size_that_is_a_lie_is_noted() {
    let server = serve(third(|| body(3, 9, b"short")));
    let run = run(&order(&server));
    assert_eq!(run.uids(), [3, 6, 9, 12, 15, 18]);
    assert_eq!(run.messages[2].bytes, b"short");
    assert_eq!(run.messages[2].notes[0].kind, AnomalyKind::SizeAnnouncedDiffers);
    assert!(run.messages[1].notes.is_empty());
}

#[test]
fn a_connection_that_is_cut_in_a_body_goes_on_with_another() {
    let server = serve(|n, command| {
        if is_bodies(command) && n < 5 {
            let all = fetch("TAG", command, &mails());
            return Act::Cut(all[..(n * 97 + 30).min(all.len())].to_vec());
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.limits.again = 6;
    assert_all(&run(&order));
}

#[test]
fn a_message_over_which_each_connection_breaks_is_given_up() {
    let server = serve(|_, command| {
        if is_bodies(command) && asked(command.split(' ').nth(2).unwrap(), 9) {
            return Act::Cut(b"* 3 FETCH (UID 9 BODY[] {500}\r\nabc".to_vec());
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_third_left(&run, Why::Failed);
}

#[test]
fn a_folder_that_is_made_anew_is_another_epoch() {
    let server = serve(|n, command| {
        if is_bodies(command) && n == 0 {
            return Act::Cut(body(1, 3, &mails()[0].1));
        }
        if command.starts_with("EXAMINE") && n > 0 {
            return say("* 6 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nTAG OK [READ-ONLY] done\r\n");
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert!(run.error.is_none() && run.has("uidvalidity-changed"), "{:?} {:?}", run.error, run.notices);
    assert_eq!(run.folders, ["INBOX;UIDVALIDITY=7", "INBOX;UIDVALIDITY=8"]);
    let books: Vec<_> = run.books.iter().map(|b| (b.listed, b.taken, b.gone)).collect();
    assert_eq!(books, [(6, 1, 5), (6, 6, 0)]);
}

#[test]
fn an_epoch_that_flips_to_and_fro_comes_to_an_end() {
    let validity = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) {
            return Act::Close;
        }
        if command.starts_with("EXAMINE") {
            let now = 7 + validity.fetch_add(1, Ordering::SeqCst) % 2;
            return say(&format!("* 6 EXISTS\r\n* OK [UIDVALIDITY {now}] x\r\nTAG OK [READ-ONLY] done\r\n"));
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert!(run.messages.is_empty() && run.is_partial(), "{:?} {:?}", run.error, run.notices);
}

#[test]
fn answers_without_end_come_to_an_end() {
    for (verb, line) in [
        ("UID FETCH", "* OK still here\r\n"),
        ("UID FETCH", "* 1 FETCH (UID 3 FLAGS ())\r\n"),
        ("LIST", "* LIST () \"/\" x\r\n"),
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 X\r\n"),
        ("EXAMINE", "* 6 EXISTS\r\n"),
    ] {
        let server = serve(move |_, command| {
            if command.starts_with(verb) { Act::Say(line.repeat(100_000).into_bytes()) } else { Act::Usual }
        });
        let mut order = order(&server);
        order.limits.answer = 1 << 20;
        let run = run(&order);
        assert!(run.error.is_some() || run.is_partial(), "{verb} {line}");
    }
    for (verb, text) in [("UID FETCH", vec![b'('; 200_000]), ("LIST", vec![b'x'; 200_000])] {
        let server = serve(
            move |_, command| if command.starts_with(verb) { Act::Say(text.clone()) } else { Act::Usual },
        );
        let run = run(&order(&server));
        assert!(run.error.is_some() || run.is_partial(), "{verb}");
    }
}

#[test]
fn silence_and_wrong_tags_come_to_an_end() {
    for verb in
        ["GREETING", "CAPABILITY", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID FETCH 1:*", "UID FETCH 3"]
    {
        for act in
            [|| Act::Silence, || say("A999 OK done\r\n"), || Act::Close, || say("* BYE shutting down\r\n")]
        {
            let server = serve(move |_, command| if command.starts_with(verb) { act() } else { Act::Usual });
            let run = run(&order(&server));
            assert!(run.error.is_some() || run.is_partial(), "{verb}");
        }
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let asked = AtomicUsize::new(0);
    let server = serve(move |_, command| {
        if is_bodies(command) && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return say("TAG NO [THROTTLED] slow down\r\n");
        }
        Act::Usual
    });
    assert_all(&run(&order(&server)));
}

#[test]
fn odd_listings_are_reconciled() {
    let lines = |order: &[u64]| -> String {
        order
            .iter()
            .map(|n| {
                format!(
                    "* {n} FETCH (UID {} FLAGS () RFC822.SIZE {})\r\n",
                    n * 3,
                    mails()[*n as usize - 1].1.len()
                )
            })
            .collect()
    };
    let listing = |text: String, exists: &'static str| {
        serve(move |_, command| {
            if command.contains("RFC822.SIZE") && command.contains("1:*") {
                return say(&format!("{text}TAG OK done\r\n"));
            }
            if command.starts_with("EXAMINE") {
                return say(&format!(
                    "* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] done\r\n"
                ));
            }
            if command.starts_with("UID SEARCH") {
                return say("* SEARCH 3 6 9 12 15 18\r\nTAG OK done\r\n");
            }
            Act::Usual
        })
    };
    let descending = listing(lines(&[6, 5, 4, 3, 2, 1]), "6");
    assert_all(&run(&order(&descending)));
    let twice = listing(lines(&[1, 2, 3, 1, 4, 5, 6, 6]), "6");
    let told = run(&order(&twice));
    assert_all(&told);
    assert!(told.has("uid-listed-twice"));
    // What the listing leaves out, a search names.
    let short = listing(lines(&[1, 2, 4, 5, 6]), "6");
    let told = run(&order(&short));
    assert_all(&told);
    assert!(told.has("listing-incomplete"));
    let liar = listing(lines(&[1, 2, 3, 4, 5, 6]), "4294967295");
    let told = run(&order(&liar));
    assert_eq!(told.messages.len(), 6);
    assert!(told.has("listing-short") && told.is_partial());
    let none =
        listing("* 1 FETCH (FLAGS () RFC822.SIZE 4)\r\n* 2 FETCH (UID 0 RFC822.SIZE 4)\r\n".to_owned(), "6");
    let told = run(&order(&none));
    assert_eq!(told.messages.len(), 6);
    assert!(told.has("listed-without-uid"));
}

#[test]
fn evil_names_are_names() {
    let server = serve(|_, command| {
        if command.starts_with("LIST") {
            return say(
                "* LIST (\\Noselect) \"/\" up\r\n* LIST () \"/\" \"../../etc/passwd\"\r\n* LIST () \"/\" {6}\r\n\x1b[2J;\0\r\n\
                 * LIST () \"/\" &broken\r\n* LIST () NIL \"a/b\"\r\n* LIST () \"/\" x\r\n* LIST () \"/\" x\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_eq!(
        run.folders,
        [
            "%26broken;UIDVALIDITY=7",
            "%2E%2E/%2E%2E/etc/passwd;UIDVALIDITY=7",
            "a%2Fb;UIDVALIDITY=7",
            "x;UIDVALIDITY=7"
        ]
    );
    for code in ["folder-noselect", "folder-name-broken", "folder-listed-twice", "folder-refused"] {
        assert!(run.has(code), "{code}");
    }
    assert!(run.notices.iter().all(|n| !n.text.contains('\x1b')));
    assert_eq!(run.messages.len(), 24);
}

#[test]
fn flags_that_change_while_we_look_are_told() {
    let server = serve(|_, command| {
        if command == "UID FETCH 1:* (UID FLAGS)" {
            let line = |n: u64, flags: &str| format!("* {n} FETCH (UID {} FLAGS ({flags}))\r\n", n * 3);
            let all: String = (1..=5)
                .map(|n| line(n, if n == 2 { "\\Seen \\Deleted" } else { "\\Recent \\seen" }))
                .collect();
            return say(&format!("{all}{}TAG OK done\r\n", "* 7 FETCH (UID 40 FLAGS ())\r\n"));
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_all(&run);
    assert_eq!(run.books[0].flags_during, [6]);
    assert!(run.has("gone-during") && run.has("arrived-during"));
}

fn long_mails() -> Vec<(u64, Vec<u8>)> {
    vec![
        (1, b"a\r\n".to_vec()),
        (2, (0..9_000_000u32).map(|n| (n % 251) as u8).collect()),
        (3, b"c\r\n".to_vec()),
    ]
}

#[test]
fn long_messages_come_in_parts_or_are_failed() {
    let rule = |_: usize, _: &str| Act::Usual;
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), rule);
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    let whole = run(&order);
    assert!(
        whole.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()) && !whole.is_partial()
    );
    // A server that does not know parts gives all at once; one that gives another part is not believed.
    for (origin, is_taken) in [("", true), ("<0>", true), ("<5>", false)] {
        let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), move |_, command| {
            if command.contains("UID FETCH 2 ") && is_bodies(command) {
                let bytes = &long_mails()[1].1;
                let head = format!("* 2 FETCH (UID 2 BODY[]{origin} {{{}}}\r\n", bytes.len());
                return Act::Raw([head.as_bytes(), bytes, b")\r\n"].concat());
            }
            Act::Usual
        });
        order.account.port = server.port;
        let told = run(&order);
        assert!(told.error.is_none());
        let is_wanted = |uid: u64| is_taken || uid != 2;
        let expected = long_mails().into_iter().filter(|(uid, _)| is_wanted(*uid));
        assert!(
            told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(expected),
            "{origin:?} {:?}",
            told.left
        );
        assert_eq!(told.left.len(), usize::from(!is_taken));
    }
}

#[test]
fn a_long_message_goes_on_over_breaks_and_one_announced_as_short_is_taken_too() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |n, command| {
        if n < 3 && command.contains("BODY.PEEK[]<") {
            let all = fetch("x", command, &long_mails());
            let bytes = all[..all.len() / 2].to_vec();
            return Act::CutRaw(bytes);
        }
        if command.contains("RFC822.SIZE") {
            return say(
                "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 10)\r\n\
                 * 3 FETCH (UID 3 FLAGS () RFC822.SIZE 3)\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    order.limits.again = 5;
    order.limits.idle = Duration::from_secs(5);
    let told = run(&order);
    assert!(told.error.is_none());
    assert!(told.messages.iter().map(|m| (m.at.uid, m.bytes.clone())).eq(long_mails()), "{:?}", told.left);
    assert_eq!(told.messages[1].notes[0].kind, AnomalyKind::SizeAnnouncedDiffers);
}

#[test]
fn a_message_over_the_limit_is_failed() {
    let server = serve_with("IMAP4rev1 UNSELECT", long_mails(), |_, _| Act::Usual);
    let mut order = order(&server);
    order.limits.in_memory = 1 << 20;
    order.limits.message = 5 << 20;
    let told = run(&order);
    assert_eq!(told.uids(), [1, 3]);
    assert_eq!(told.left.iter().map(|l| (l.at.uid, l.why)).collect::<Vec<_>>(), [(2, Why::Failed)]);
}

#[test]
fn further_connections_that_are_refused_cost_nothing() {
    let server = serve(
        |n, command| if n > 0 && command == "GREETING" { say("* BYE too many\r\n") } else { Act::Usual },
    );
    let mut order = order(&server);
    order.connections = 4;
    assert_all(&run(&order));
}

#[test]
fn gmail_and_object_ids_are_kept() {
    let server = serve_with("IMAP4rev1 UNSELECT X-GM-EXT-1 OBJECTID", mails(), |_, command| {
        if command.starts_with("LIST") {
            return say(
                "* LIST () \"/\" INBOX\r\n* LIST (\\All) \"/\" \"[Gmail]/All Mail\"\r\n* LIST (\\Trash) \"/\" \"[Gmail]/Bin\"\r\nTAG OK done\r\n",
            );
        }
        if command.contains("RFC822.SIZE EMAILID THREADID X-GM-MSGID X-GM-THRID X-GM-LABELS") {
            return say(
                "* 1 FETCH (UID 3 X-GM-MSGID 17 X-GM-THRID 18 X-GM-LABELS (\"\\\\Inbox\" {3}\r\na b) EMAILID (E1) THREADID (T1) FLAGS ())\r\n\
                 * 6 EXPUNGE\r\n* 5 EXPUNGE\r\n* 4 EXPUNGE\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\nTAG OK done\r\n",
            );
        }
        Act::Usual
    });
    let run = run(&order(&server));
    assert_eq!(run.folders, ["%5BGmail%5D/All%20Mail;UIDVALIDITY=7", "%5BGmail%5D/Bin;UIDVALIDITY=7"]);
    assert!(run.has("gmail-label") && run.messages.len() == 2, "{:?}", run.notices);
    let said = &run.messages[0].server;
    assert_eq!((said.gm_msgid, said.gm_thrid), (Some(17), Some(18)));
    assert_eq!(said.gm_labels, [b"\\Inbox".to_vec(), b"a b".to_vec()]);
    assert_eq!((said.email_id.as_deref(), said.thread_id.as_deref()), (Some(&b"E1"[..]), Some(&b"T1"[..])));
}

#[test]
fn rev2_and_utf8_names_are_read_as_utf8() {
    for (capabilities, name) in [
        ("IMAP4rev2", "Entwürfe &-"),
        ("IMAP4rev1 UTF8=ACCEPT ENABLE UNSELECT", "Entwürfe &-"),
        ("IMAP4rev1 LITERAL+", "Entw&APw-rfe &-"),
    ] {
        let server = serve_with(capabilities, mails(), move |_, command| {
            if command.starts_with("LIST") {
                return say(&format!("* LIST () \"/\" \"{name}\"\r\nTAG OK done\r\n"));
            }
            if command.starts_with("ENABLE") {
                return say("* ENABLED UTF8=ACCEPT\r\nTAG OK done\r\n");
            }
            Act::Usual
        });
        let told = run(&order(&server));
        assert_all(&told);
        let path = if name.is_ascii() { "Entw%C3%BCrfe%20&" } else { "Entw%C3%BCrfe%20&-" };
        assert_eq!(told.folders, [format!("{path};UIDVALIDITY=7")], "{capabilities}");
        let heard = server.heard.lock().unwrap().join("\n");
        let asked = if name.is_ascii() { format!("EXAMINE \"{name}\"") } else { format!("EXAMINE <{name}>") };
        assert!(heard.contains(&asked), "{heard}");
    }
}

#[test]
fn a_password_that_cannot_be_quoted_goes_as_a_literal() {
    for capabilities in ["IMAP4rev1 LITERAL+", "IMAP4rev1"] {
        let server = serve_with(capabilities, mails(), |_, _| Act::Usual);
        let mut order = order(&server);
        order.credential = Credential::Password(Secret::new("pässwörd".as_bytes().to_vec()));
        let told = run(&order);
        assert_all(&told);
        assert!(server.heard.lock().unwrap().contains(&"LOGIN \"me\" <pässwörd>".to_owned()));
        assert!(!told.transcript.contains("sswö") && told.transcript.contains("<10 octets>"));
    }
}
