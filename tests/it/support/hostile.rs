//! Modes of misbehaviour: what a server does, how a run must end, and what must hold whatever happens.
#![allow(clippy::assigning_clones, reason = "a mode is read once")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailtrail::acquire::{AcquireError, Order};

use super::collect::{Collected, Has, collect, order};
use super::server::{Act, Fault, Model, Moment, Server};

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All is well (exit 0): so many messages were taken.
    Taken(usize),
    /// So many were taken, and it says that something is missing (exit 3).
    Partial(usize),
    /// It stops (exit 1) with this error, and so many messages were taken before.
    Stops(Why, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Tls,
    SignIn,
    Protocol,
    Broken,
    Choice,
}

/// One way to misbehave.
pub(crate) struct Mode {
    name: &'static str,
    model: Model,
    /// Changes to what is asked for.
    order: fn(&mut Order),
    /// Any of these is right: where a server leaves two readings, either is honest.
    ends: Vec<End>,
    /// Codes that must be among the notices.
    codes: Vec<&'static str>,
    /// Whether what was taken differs from what the model holds, because the mode lies about bytes.
    lies: bool,
}

impl Mode {
    pub(crate) fn new(name: &'static str, is_imap: bool, ends: &[End]) -> Self {
        Self {
            name,
            model: Model::new(is_imap),
            order: |_| {},
            ends: ends.to_vec(),
            codes: Vec::new(),
            lies: false,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Model)) -> Self {
        change(&mut self.model);
        self
    }

    /// A fault at one verb.
    pub(crate) fn at(
        self,
        verb: &'static str,
        act: impl Fn(Moment<'_>, &[u8]) -> Act + Send + Sync + 'static,
    ) -> Self {
        let fault: Fault =
            Arc::new(move |moment, answer| if moment.verb == verb { act(moment, answer) } else { Act::Send });
        self.with(|m| m.fault = fault)
    }

    /// A fault that leaves what else is set.
    pub(crate) fn also_at(
        self,
        verb: &'static str,
        act: impl Fn(Moment<'_>, &[u8]) -> Act + Send + Sync + 'static,
    ) -> Self {
        let earlier = Arc::clone(&self.model.fault);
        let fault: Fault = Arc::new(move |m, a| if m.verb == verb { act(m, a) } else { earlier(m, a) });
        self.with(|m| m.fault = fault)
    }

    pub(crate) fn say(self, verb: &'static str, text: &'static str) -> Self {
        self.at(verb, move |moment, _| Act::Say(text.replace("TAG", moment.tag).into_bytes()))
    }

    pub(crate) fn ordered(mut self, change: fn(&mut Order)) -> Self {
        self.order = change;
        self
    }

    pub(crate) fn noting(mut self, codes: &[&'static str]) -> Self {
        self.codes = codes.to_vec();
        self
    }

    pub(crate) fn lying(mut self) -> Self {
        self.lies = true;
        self
    }

    /// Runs it; says what is wrong.
    fn check(&self) -> Result<(), String> {
        let server = Server::start(self.model.clone());
        let mut order = order(&self.model.url(server.port), "correct horse", Some(server.ca_file()));
        order.limits.idle = Duration::from_secs(2);
        order.limits.connect = Duration::from_secs(4);
        order.limits.again = 1;
        (self.order)(&mut order);
        let begun = Instant::now();
        let all = collect(&order, &Has::default());
        let time = begun.elapsed();
        let mut wrong = Vec::new();
        let found = end(&all);
        if !self.ends.contains(&found) {
            wrong.push(format!("ended as {found:?}, not as {:?}", self.ends));
        }
        if time > Duration::from_secs(90) {
            wrong.push(format!("took {time:?}"));
        }
        for code in &self.codes {
            if !all.codes().contains(code) {
                wrong.push(format!("no notice {code}, but {:?}", all.codes()));
            }
        }
        self.always(&all, &server, &mut wrong);
        if wrong.is_empty() {
            return Ok(());
        }
        let tail: String = all.dialogue().lines().rev().take(6).collect::<Vec<_>>().join("\n    ");
        Err(format!(
            "{}: {}\n  error: {:?}\n  notices: {:?}\n  left: {:?}\n    {}",
            self.name,
            wrong.join("; "),
            all.error,
            all.notices.iter().take(4).collect::<Vec<_>>(),
            all.left.iter().take(3).collect::<Vec<_>>(),
            tail.chars().take(1500).collect::<String>()
        ))
    }

    /// The same through the program: its exit code, its memory, its time, and the case that it leaves.
    fn check_program(&self) -> Result<(), String> {
        /// Most memory at any time, in KiB.
        const MOST: u64 = 256 << 10;
        let mut asked = order(&self.model.url(1), "", None);
        let limits = asked.limits.in_memory;
        (self.order)(&mut asked);
        if asked.limits.in_memory != limits {
            // The program has no option for it.
            return Ok(());
        }
        let server = Server::start(self.model.clone());
        let dir = tempfile::tempdir().unwrap();
        let case = dir.path().join("case");
        let url = format!("{}://joe@127.0.0.1:{}", asked.account.scheme.name(), server.port);
        let mut command = super::program();
        command
            .args([
                "acquire",
                &url,
                "--password-env",
                "PW",
                "--timeout",
                "2",
                "--retries",
                "1",
                "--connections",
                "1",
            ])
            .args(["--threads", "1", "--quiet", "--ca-file"])
            .arg(server.ca_file())
            .arg("--case")
            .arg(&case)
            .args(asked.retr.then_some("--retr"))
            .args(asked.quit.then_some("--quit-pop3"))
            .env("PW", "correct horse")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path().join("err")).unwrap());
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut memory = 0;
        let code = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            memory = memory.max(peak_of(child.id()));
            if begun.elapsed() > Duration::from_mins(2) {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err(format!("{}: the program hangs", self.name));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let err = std::fs::read_to_string(dir.path().join("err")).unwrap();
        let mut wrong = Vec::new();
        let fits = |end: &End| {
            code == match end {
                End::Taken(_) => 0,
                End::Partial(_) => 3,
                End::Stops(..) => 1,
            }
        };
        if !self.ends.iter().any(fits) {
            wrong.push(format!("exit code {code} for {:?}", self.ends));
        }
        if memory > MOST {
            wrong.push(format!("{memory} KiB of memory"));
        }
        let record = server.record();
        if !record.violations.is_empty() {
            wrong.push(format!("sent what it must not: {:?}", record.violations));
        }
        if err.bytes().any(|b| b < b' ' && b != b'\n') {
            wrong.push("control characters reach the terminal".to_owned());
        }
        if err.contains("correct horse") || (case.exists() && holds(&case, b"correct horse")) {
            wrong.push("the password is shown or in the case".to_owned());
        }
        if case.join("HEAD").exists() {
            let verified = super::run(&case, &["verify"]);
            // What an error stopped is unfinished, and verify says so.
            let unfinished = code == 1 && verified.code == 3;
            if verified.code != 0 && !unfinished {
                wrong.push(format!("verify ends with {}: {}", verified.code, verified.err));
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let short: String = err.chars().take(1500).collect();
        let more = super::run(&case, &["acquisitions", "--exceptions"]).text();
        Err(format!("{} (program): {}\n  {short}\n{more}", self.name, wrong.join("; ")))
    }

    /// What holds whatever a server does.
    fn always(&self, all: &Collected, server: &Server, wrong: &mut Vec<String>) {
        let record = server.record();
        if !record.violations.is_empty() {
            wrong.push(format!("sent what it must not: {:?}", record.violations));
        }
        let dialogue = all.dialogue();
        for secret in ["correct horse", "Y29ycmVjdCBob3JzZ", "AGpvZQBjb3JyZWN0"] {
            if dialogue.contains(secret) {
                wrong.push("the transcript holds the password".to_owned());
            }
        }
        if !dialogue.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)) {
            wrong.push("the transcript holds control characters".to_owned());
        }
        let mut paths = HashSet::new();
        let told = all.messages.iter().map(|m| m.path.clone());
        let told = told.chain(all.left.iter().map(|l| l.at.path.display().into_owned()));
        for path in told {
            if path.split('/').any(|name| name == "." || name == ".." || name.is_empty())
                || path.contains(char::is_control)
            {
                wrong.push(format!("a path that could lead elsewhere: {path:?}"));
            }
            if !paths.insert(path.clone()) {
                wrong.push(format!("{path} was told twice"));
            }
        }
        if !self.lies {
            let truth: HashSet<&[u8]> =
                self.model.boxes.iter().flat_map(|b| &b.mails).map(|m| m.bytes.as_slice()).collect();
            for message in all.messages.iter().filter(|m| !truth.contains(m.bytes.as_slice())) {
                wrong.push(format!("{} is not what the server holds", message.path));
            }
        }
        if matches!(end(all), End::Taken(_)) {
            for b in &all.books {
                if b.listed != b.known + b.taken + b.excluded + b.failed + b.gone {
                    wrong.push(format!("the books do not balance: {b:?}"));
                }
            }
        }
    }
}

fn end(all: &Collected) -> End {
    let taken = all.messages.len();
    let why = match &all.error {
        None => {
            let is_partial = all.notices.iter().any(|n| n.is_partial)
                || all.left.iter().any(|l| l.why == mailtrail::acquire::Why::Failed)
                || all.books.is_empty();
            return if is_partial { End::Partial(taken) } else { End::Taken(taken) };
        }
        Some(AcquireError::Tls { .. } | AcquireError::OldTls { .. } | AcquireError::OwnAuthority { .. }) => {
            Why::Tls
        }
        Some(AcquireError::SignIn { .. }) => Why::SignIn,
        Some(AcquireError::Protocol { .. }) => Why::Protocol,
        Some(AcquireError::Broken { .. }) => Why::Broken,
        Some(AcquireError::Choice { .. }) => Why::Choice,
        Some(other) => panic!("{other:?}"),
    };
    End::Stops(why, taken)
}

/// Most memory that a process had, in KiB.
fn peak_of(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Whether a file below `dir` holds `secret`.
fn holds(dir: &Path, secret: &[u8]) -> bool {
    let has = |file: PathBuf| {
        std::fs::read(dir.join(file)).is_ok_and(|bytes| bytes.windows(secret.len()).any(|w| w == secret))
    };
    super::files_below(dir).into_iter().any(has)
}

/// Runs many through the library at once, since most of them wait; fails with all that went wrong.
pub(crate) fn run(modes: Vec<Mode>) {
    run_by(modes, 8, Mode::check);
}

/// Runs them through the program.
pub(crate) fn run_program(modes: Vec<Mode>) {
    run_by(modes, 4, Mode::check_program);
}

fn run_by(modes: Vec<Mode>, at_once: usize, check: fn(&Mode) -> Result<(), String>) {
    let names: HashSet<_> = modes.iter().map(|m| (m.name, m.model.is_imap)).collect();
    assert_eq!(names.len(), modes.len(), "two modes have one name");
    println!("{} modes", modes.len());
    let queue = Mutex::new(modes);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let Some(mode) = queue.lock().unwrap().pop() else { return };
                    let name = mode.name;
                    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&mode)));
                    let answer = checked.unwrap_or_else(|_| Err(format!("{name}: panicked")));
                    if let Err(why) = answer {
                        failures.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} modes end wrongly:\n{}", failures.len(), failures.join("\n"));
}
