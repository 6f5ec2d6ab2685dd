//! Watches an acquisition for the command line: a bar for each folder, JSON events, Ctrl-C.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::acquire::{Books, Folder, Notice, Session, Told};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::import::Watcher;
use crate::cli::output::Notes;
use crate::cli::progress::Bar;
use crate::cli::table::grouped;
use crate::ingest::Watch;
use crate::ingest::account::{AccountWatch, mechanism_name, uid_set};
use crate::types::json::{self, Obj};
use crate::types::text::shown;

/// Notices that are shown as they come; the rest is counted.
const SHOWN: usize = 20;

/// The watcher.
pub(super) struct AccountWatcher {
    /// Listens for Ctrl-C, also while catalog and index are brought up.
    pub(super) inner: Watcher,
    notes: Notes,
    json: bool,
    bar: Mutex<Option<Bar>>,
    /// The folder that is read.
    name: Mutex<String>,
    /// What was shown of notices: two connections tell the same.
    shown: Mutex<Vec<String>>,
    done: AtomicU64,
    noticed: AtomicU64,
}

impl AccountWatcher {
    pub(super) fn new(context: &Context) -> Result<Self, Failure> {
        Ok(Self {
            inner: Watcher::new(context, 0)?,
            notes: context.notes,
            json: context.json,
            bar: Mutex::new(None),
            name: Mutex::new(String::new()),
            shown: Mutex::new(Vec::new()),
            done: AtomicU64::new(0),
            noticed: AtomicU64::new(0),
        })
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.done();
        }
    }

    fn folder(&self, folder: &Folder) {
        self.done();
        self.done.store(0, Ordering::Relaxed);
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = shown(&folder.name);
        let bar = Bar::folder(&shown(&folder.name), folder.exists, self.json || self.notes.is_quiet());
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
        self.event(|o| {
            o.arr("attributes", &folder.attributes, |out, word| json::text(out, word));
            o.opt_uint("bytes", folder.bytes).str("event", "folder").uint("exists", folder.exists);
            o.str("name", &folder.name).text("path", folder.path.as_bytes()).str("schema", SCHEMA);
            o.opt_uint("uid_validity", folder.uid_validity).opt_uint("unseen", folder.unseen);
        });
    }

    fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.count(done);
        }
    }

    fn session(&self, session: &Session) {
        self.event(|o| {
            o.str("address", &session.address);
            o.arr("capabilities", &session.capabilities, |out, text| json::text(out, text));
            o.str("event", "session").text("greeting", &session.greeting);
            o.opt_str("mechanism", session.mechanism.map(mechanism_name)).str("schema", SCHEMA);
            o.text("server_id", &session.server_id);
            match &session.tls {
                Some(tls) => o.obj("tls", |o| {
                    o.str("cipher", &tls.cipher);
                    if let Some(library) = &tls.library {
                        o.str("library", library);
                    }
                    o.str("trusted_by", tls.trusted_by).str("version", &tls.version);
                }),
                None => o.null("tls"),
            };
        });
    }

    /// A line for each folder that is done, whether or not somebody saw its bar.
    fn folder_done(&self, books: &Books) {
        self.done();
        if self.json {
            return;
        }
        let mut parts = vec![format!("{} listed", grouped(books.listed))];
        let numbers = [
            (books.known, "in the case before"),
            (books.taken, "taken"),
            (books.excluded, "excluded"),
            (books.failed, "failed"),
            (books.gone, "gone"),
        ];
        parts.extend(
            numbers.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(*n))),
        );
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        self.notes.note(&format!("folder {}: {}", *name, parts.join(", ")));
    }

    fn books(&self, books: &Books) {
        self.folder_done(books);
        self.event(|o| {
            o.str("event", "folder_done").uint("excluded", books.excluded).uint("failed", books.failed);
            o.str("flags_during", &uid_set(&books.flags_during))
                .str("flags_since", &uid_set(&books.flags_since));
            o.uint("gone", books.gone).uint("known", books.known).uint("listed", books.listed);
            o.text("path", books.path.as_bytes()).str("schema", SCHEMA).uint("taken", books.taken);
            o.str("vanished", &uid_set(&books.vanished));
        });
    }

    fn notice(&self, notice: &Notice) {
        if self.json {
            self.event(|o| {
                o.str("code", notice.code).str("event", "notice").bool("partial", notice.is_partial);
                if let Some(path) = &notice.path {
                    o.text("path", path.as_bytes());
                }
                o.str("schema", SCHEMA).str("text", &notice.text);
            });
            return;
        }
        let place =
            notice.path.as_ref().map(|path| format!(" {}:", shown(&path.display()))).unwrap_or_default();
        let text = format!("{}:{place} {}", notice.code, shown(&notice.text));
        {
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.contains(&text) {
                return;
            }
            if shown.len() < SHOWN {
                shown.push(text.clone());
            }
        }
        let number = self.noticed.fetch_add(1, Ordering::Relaxed);
        if number == SHOWN as u64 {
            self.notes.note("more notices follow; `mailtrail acquisitions --exceptions` lists all of them");
        }
        if number >= SHOWN as u64 {
            return;
        }
        if notice.is_partial {
            self.notes.warning(&text);
        } else {
            self.notes.note(&text);
        }
    }

    /// A line of JSON; `fill` writes all of it.
    fn event(&self, fill: impl FnOnce(&mut Obj<'_>)) {
        if !self.json {
            return;
        }
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        fill(&mut o);
        o.end();
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        // Whoever listened may be gone; the acquisition goes on.
        out.write_all(&line).and_then(|()| out.flush()).unwrap_or_default();
    }
}

/// Schema of the lines of `acquire --json`.
pub(super) const SCHEMA: &str = "mailtrail.acquire/1";

impl Watch for AccountWatcher {
    fn progress(&self, _: u64, _: u64) {}

    fn committed(&self, items: u64) {
        self.event(|o| {
            o.str("event", "committed").uint("items", items).str("schema", SCHEMA);
        });
    }

    fn is_stopped(&self) -> bool {
        self.inner.is_stopped()
    }
}

impl AccountWatch for AccountWatcher {
    fn told(&self, told: &Told) {
        match told {
            Told::Session(session) => self.session(session),
            Told::Folder(folder) => self.folder(folder),
            Told::Message(_) | Told::LongEnd { .. } | Told::Left(_) => self.one_more(),
            Told::FolderEnd(books) => self.books(books),
            Told::Notice(notice) => self.notice(notice),
            Told::Other(other) => self.notice(&other.notice),
            Told::Refetched(_)
            | Told::LongStart { .. }
            | Told::Part(_)
            | Told::LongBroken
            | Told::Transcript(_) => {}
        }
    }
}
