//! What the tests share: the binary under test, evidence written on the fly, and real mail where it is there.

pub(crate) mod authority;
pub(crate) mod collect;
pub(crate) mod dovecot;
pub(crate) mod evidence;
pub(crate) mod hostile;
pub(crate) mod imap_model;
pub(crate) mod issuer;
pub(crate) mod maildir;
pub(crate) mod mmdb;
pub(crate) mod pop3_model;
pub(crate) mod proxy;
pub(crate) mod sasl;
pub(crate) mod secrets;
pub(crate) mod server;
pub(crate) mod talk;
pub(crate) mod tap;
pub(crate) mod wiretap;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The folder of real mail: `MAILTRAIL_CORPORA`, else `../shared/corpora` beside the project; `None` when absent.
pub(crate) fn corpora() -> Option<PathBuf> {
    let dir = std::env::var_os("MAILTRAIL_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no real mail at {}", dir.display());
    None
}

/// A folder of real mail, when it is there.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    corpora().map(|dir| dir.join(name)).filter(|dir| dir.is_dir())
}

/// The project's own corpus.
pub(crate) fn own_corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    /// Each line of standard output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The items among them: the last line of a search is none.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json().into_iter().filter(|line| line.get("item").is_some()).collect()
    }

    /// This run, when it ended with `code`.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", String::from_utf8_lossy(&self.out), self.err);
        self
    }

    /// This run, when it ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.with_code(0)
    }
}

/// The program, ready to run with no environment of its own.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailtrail"));
    command.env_remove("MAILTRAIL_CASE").stdin(Stdio::null());
    command
}

/// Runs the program on a case.
pub(crate) fn run(case: &Path, args: &[&str]) -> Ran {
    let mut command = program();
    command.args(args).arg("--case").arg(case);
    finish(command)
}

/// Runs a prepared command to its end.
pub(crate) fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Imports and expects it to be done.
#[track_caller]
pub(crate) fn import(case: &Path, source: &Path) -> Ran {
    run(case, &["import", "--quiet", source.to_str().unwrap()]).ok()
}

/// The events of the custody log.
#[track_caller]
pub(crate) fn events(case: &Path) -> Vec<Value> {
    run(case, &["custody", "--json"]).ok().json()
}

/// Number of items that match.
#[track_caller]
pub(crate) fn count(case: &Path, query: &str) -> u64 {
    run(case, &["search", "--count", query]).ok().text().trim().parse().unwrap()
}

/// All files below a folder, relative, sorted.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    fn walk(dir: &Path, root: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, root, out);
            } else {
                out.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}

/// The lines of all files of the case's ledger, in order.
pub(crate) fn ledger(case: &Path) -> Vec<u8> {
    let dir = case.join("ledger");
    let lines = |file: PathBuf| {
        let bytes = std::fs::read(dir.join(&file)).unwrap();
        if file.extension().is_some_and(|ending| ending == "zst") {
            zstd::decode_all(bytes.as_slice()).unwrap()
        } else {
            bytes
        }
    };
    files_below(&dir).into_iter().flat_map(lines).collect()
}

/// Exports everything and gives the bytes of the manifest.
#[track_caller]
pub(crate) fn manifest(case: &Path) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let to = out.path().join("export");
    run(case, &["export", "*", "--quiet", "--to", to.to_str().unwrap()]).ok();
    std::fs::read(to.join("manifest.jsonl")).unwrap()
}

/// The same with lines of at most 120 characters, as the docs have them; rows of tables stay.
pub(crate) fn filled(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if line.trim_end().chars().count() <= 120 || line.starts_with('|') {
            out += line;
            continue;
        }
        let mut width = 0;
        for word in line.trim_end().split(' ') {
            let len = word.chars().count();
            if width > 0 {
                out.push(if width + 1 + len > 120 { '\n' } else { ' ' });
                width = if width + 1 + len > 120 { 0 } else { width + 1 };
            }
            out += word;
            width += len;
        }
        out.push('\n');
    }
    out
}

/// Compares a section of a document, from its heading to the next one, with what it should be; `BLESS=1` writes it.
#[track_caller]
pub(crate) fn section(file: &str, heading: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let there = std::fs::read_to_string(&path).unwrap();
    let mark = format!("## {heading}\n");
    let (before, rest) = there.split_once(&mark).unwrap_or((&there, ""));
    let after = rest.find("\n## ").map_or("", |at| &rest[at..]);
    let gap = if before.ends_with("\n\n") { "" } else { "\n" };
    let wanted = format!("{before}{gap}{}{after}", filled(text));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(
        there == wanted,
        "docs/{file}, {heading}, is not what the code says; run with BLESS=1 and read the diff"
    );
}
