//! Acquires by the library alone and keeps what was told, so that a session can be looked at without a case.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use mailtrail::acquire::{
    Account, AcquireError, Books, Choice, Credential, Folder, Known, Left, Limits, Notice, Order, Refetched,
    Secret, Session, Told, Trust, acquire,
};
use mailtrail::types::RelPath;
use mailtrail::types::server::ServerState;
use mailtrail::types::time::Clock;

use super::talk::{self, Language};

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now_us(&self) -> i64 {
        1_767_225_600_000_000
    }
}

/// What the case has already: paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Has(pub(crate) HashSet<Vec<u8>>);

impl Known for Has {
    fn has(&self, path: &RelPath) -> bool {
        self.0.contains(path.as_bytes())
    }

    fn folder(&self, path: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        let prefix = [path.as_bytes(), b"/;"].concat();
        self.0.iter().filter(|p| p.starts_with(&prefix)).map(|_| (0, Vec::new())).collect()
    }
}

/// A message that was told whole.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) uid: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) server: ServerState,
    pub(crate) was_long: bool,
    /// Codes of what was odd.
    pub(crate) notes: Vec<&'static str>,
}

/// All that a run told.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) sessions: Vec<Session>,
    pub(crate) folders: Vec<Folder>,
    pub(crate) messages: Vec<Got>,
    pub(crate) left: Vec<Left>,
    pub(crate) books: Vec<Books>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) refetched: Refetched,
    pub(crate) transcript: Vec<u8>,
    pub(crate) broken: usize,
    pub(crate) error: Option<AcquireError>,
}

impl Collected {
    /// Codes of the notices and of what was odd in messages, sorted, each once.
    pub(crate) fn codes(&self) -> Vec<&'static str> {
        let noted = self.messages.iter().flat_map(|m| &m.notes).copied();
        let mut codes: Vec<_> = self.notices.iter().map(|n| n.code).chain(noted).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The dialogue as text.
    pub(crate) fn dialogue(&self) -> String {
        String::from_utf8(self.transcript.clone()).unwrap()
    }

    /// Whether the books of every folder balance.
    #[track_caller]
    pub(crate) fn assert_balance(&self) {
        assert!(!self.books.is_empty(), "no books: {:?}", self.error);
        for b in &self.books {
            assert_eq!(b.listed, b.known + b.taken + b.excluded + b.failed + b.gone, "{b:?}");
        }
    }

    /// Without an error.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.error.is_none(), "{:?}\n{}", self.error, self.dialogue());
        self
    }
}

/// An order for `url` with a password, with times that suit a test.
pub(crate) fn order(url: &str, password: &str, ca_file: Option<PathBuf>) -> Order {
    Order {
        account: Account::parse(url).unwrap(),
        trust: Trust { ca_file, ..Trust::default() },
        credential: Credential::Password(Secret::new(password.into())),
        renewal: None,
        mechanisms: Vec::new(),
        choice: Choice::default(),
        connections: 1,
        list_only: false,
        refetch: false,
        retr: false,
        quit: false,
        limits: Limits { idle: Duration::from_secs(5), connect: Duration::from_secs(5), ..Limits::default() },
    }
}

/// Runs it to its end.
pub(crate) fn collect(order: &Order, has: &Has) -> Collected {
    collect_until(order, has, usize::MAX)
}

/// Runs it until so many messages have come.
pub(crate) fn collect_until(order: &Order, has: &Has, most: usize) -> Collected {
    let mut all = Collected::default();
    let mut long: Option<Got> = None;
    let result = acquire(order, has, &Still, &mut |told| {
        match told {
            Told::Session(session) => all.sessions.push(*session),
            Told::Folder(folder) => all.folders.push(folder),
            Told::Message(m) => all.messages.push(Got {
                path: m.at.path.display().into_owned(),
                uid: m.at.uid,
                bytes: m.bytes,
                server: m.server,
                was_long: false,
                notes: m.notes.iter().map(|n| n.kind.code()).collect(),
            }),
            Told::LongStart { at } => {
                assert!(long.is_none(), "a long message inside another");
                long = Some(Got {
                    path: at.path.display().into_owned(),
                    uid: at.uid,
                    bytes: Vec::new(),
                    server: ServerState::default(),
                    was_long: true,
                    notes: Vec::new(),
                });
            }
            Told::Part(part) => long.as_mut().expect("a part of nothing").bytes.extend(part),
            Told::LongEnd { server, notes } => {
                let notes = notes.iter().map(|n| n.kind.code()).collect();
                all.messages.push(Got { server, notes, ..long.take().expect("an end of nothing") });
            }
            Told::LongBroken => {
                assert!(long.take().is_some(), "a break of nothing");
                all.broken += 1;
            }
            Told::Left(left) => all.left.push(left),
            Told::FolderEnd(books) => all.books.push(books),
            Told::Transcript(piece) => all.transcript.extend(piece),
            Told::Notice(notice) => all.notices.push(notice),
            Told::Other(other) => {
                all.notices.push(other.notice);
                all.others.push(other.bytes);
            }
            Told::Refetched(more) => all.refetched.add(&more),
        }
        if all.messages.len() >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    all.error = result.err();
    let is_imap = order.account.scheme.is_imap();
    let language = if is_imap { Language::Imap } else { Language::Pop3 { retr: order.retr || order.quit } };
    assert_eq!(talk::wrong_in(language, &all.dialogue()), Vec::<String>::new(), "{}", all.dialogue());
    all
}
