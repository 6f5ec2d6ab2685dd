//! The source is never written and no command opens a network socket: shown by strace.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{self, evidence};

/// Calls that write, or change what a file system holds.
const WRITES: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "ftruncate",
    "truncate",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "fchownat",
    "lchown",
    "utimensat",
    "utime",
    "utimes",
    "setxattr",
    "fsetxattr",
    "lsetxattr",
    "removexattr",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "fallocate",
    "flock",
    "mmap",
];

fn traced(trace: &Path, args: &[&str]) -> Option<i32> {
    let status = Command::new("strace")
        .args(["-f", "-y", "-qq", "-e", "trace=%file,%network,%desc", "-o"])
        .arg(trace)
        .arg(env!("CARGO_BIN_EXE_mailtrail"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    status.code()
}

/// What a tree looks like from outside: inode, mode, size, times of every file.
fn state(dir: &Path) -> BTreeMap<PathBuf, (u64, u32, u64, i64, i64, i64)> {
    support::files_below(dir)
        .into_iter()
        .map(|file| {
            let m = fs::symlink_metadata(dir.join(&file)).unwrap();
            // Looking where a link points is a read of the link that no flag keeps from being noted.
            let atime = if m.is_symlink() { 0 } else { m.atime_nsec() };
            let of = (m.ino(), m.mode(), m.size(), m.mtime_nsec(), m.ctime_nsec(), atime);
            (file, of)
        })
        .collect()
}

#[test]
fn no_command_writes_to_the_source_or_opens_a_socket() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("NOT SHOWN: strace is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 60);
    let case = dir.path().join("case");
    let (case_text, seized_text) = (case.to_str().unwrap(), seized.to_str().unwrap());
    let before = state(&seized);
    let export = dir.path().join("export");
    let export2 = dir.path().join("restored");
    support::import(&dir.path().join("first"), &seized);
    let list = support::run(&dir.path().join("first"), &["list", "--json"]).ok().json();
    let item = list[0]["item"].as_str().unwrap().to_owned();
    let container = list[0]["container"].as_str().unwrap().to_owned();
    let commands: Vec<Vec<&str>> = vec![
        vec!["init", "--name", "x"],
        vec!["import", seized_text],
        vec!["import", seized_text],
        vec!["search", "invoice", "--snippets"],
        vec!["show", &item],
        vec!["list"],
        vec!["info"],
        vec!["log"],
        vec!["report"],
        vec!["export", "all", "--to", export.to_str().unwrap(), "--attachments"],
        vec!["restore", &container, "--to", export2.to_str().unwrap()],
        vec!["verify", "--source"],
        vec!["rebuild"],
    ];
    let mut saw_reads = false;
    for (n, command) in commands.iter().enumerate() {
        let trace = dir.path().join(format!("trace{n}"));
        let mut args = command.clone();
        args.extend(["--case", case_text]);
        let Some(code) = traced(&trace, &args) else {
            println!("NOT SHOWN: strace may not trace here");
            return;
        };
        assert_eq!(code, 0, "{command:?}");
        let text = String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
        assert!(!text.contains("AF_INET"), "{command:?} opened a network socket");
        for line in text.lines().filter(|l| l.contains(seized_text)) {
            let call =
                line.split_whitespace().nth(1).unwrap_or_default().split('(').next().unwrap_or_default();
            if call == "execve" || line.contains("--- SIG") {
                continue;
            }
            // The case's own files hold the path of the source as data; only paths and descriptors count.
            let touches =
                line.contains(&format!("<{seized_text}")) || line.contains(&format!("\"{seized_text}"));
            if !touches {
                continue;
            }
            assert!(!WRITES.contains(&call), "{command:?}: {line}");
            let opens_for_writing = call.starts_with("open")
                && ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|f| line.contains(f));
            assert!(!opens_for_writing, "{command:?}: {line}");
            saw_reads |= call == "read" || call == "pread64";
        }
    }
    assert!(saw_reads, "the trace saw no read of the source, so it watched nothing");
    assert_eq!(before, state(&seized), "inode, mode, size or times changed");
}

#[test]
fn a_source_in_the_case_and_a_case_in_the_source_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 8);
    let inside = seized.join("case");
    let ran = support::run(&inside, &["import", seized.to_str().unwrap()]).with_code(1);
    assert!(ran.err.contains("inside"), "{}", ran.err);
    assert!(!inside.exists(), "nothing may be written into the source");
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let ran = support::run(&case, &["import", case.join("packs").to_str().unwrap()]).with_code(1);
    assert!(ran.err.contains("inside"), "{}", ran.err);
    // Through a symbolic link too.
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&seized, &link).unwrap();
    let ran = support::run(&link.join("case2"), &["import", seized.to_str().unwrap()]).with_code(1);
    assert!(ran.err.contains("inside"), "{}", ran.err);
}
