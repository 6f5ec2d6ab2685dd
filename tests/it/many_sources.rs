//! A case of many small sources is as quick to open as one of a single large one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support;

/// Segments of the index of a case, and all files in its folder.
fn index_files(case: &Path) -> (usize, usize) {
    let folder = case.join("derived/index");
    let meta: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("meta.json")).unwrap()).unwrap();
    (meta["segments"].as_array().unwrap().len(), fs::read_dir(&folder).unwrap().count())
}

/// Every search below, as the program prints it.
fn answers(case: &Path) -> Vec<String> {
    ["word7", "\"word7 all\"", "from:a3@sender.example", "hop.by:mx5.example", "messageid:12@x", "all*"]
        .iter()
        .map(|query| {
            let run = support::run(case, &["search", "--json", query]).ok();
            let mut ids: Vec<_> = run.items().iter().map(|hit| hit["item"].to_string()).collect();
            ids.sort();
            assert!(!ids.is_empty(), "{query}");
            ids.join(",")
        })
        .collect()
}

#[test]
fn three_hundred_sources_leave_few_segments_and_few_files_also_after_a_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let mut sources = Vec::new();
    for n in 0..300 {
        let path = dir.path().join(format!("{n}.eml"));
        let mail = format!(
            "Received: from h{}.example by mx{}.example; Thu, 20 Nov 2025 08:15:04 +0000\r\n\
             From: <a{}@sender.example>\r\nMessage-ID: <{n}@x>\r\nSubject: number {n}\r\n\r\nword{} all\r\n",
            n % 9,
            n % 11,
            n % 13,
            n % 17
        );
        fs::write(&path, mail).unwrap();
        sources.push(path);
    }
    let mut command = support::program();
    command.args(["import", "--quiet"]).args(&sources).arg("--case").arg(&case);
    support::finish(command).ok();
    let (segments, files) = index_files(&case);
    assert!(segments <= 8 && files <= 16, "{segments} segments, {files} files");
    let before = answers(&case);
    support::run(&case, &["rebuild", "--quiet"]).ok();
    let (segments, files) = index_files(&case);
    assert!(segments <= 8 && files <= 16, "{segments} segments, {files} files");
    assert_eq!(answers(&case), before);
    support::run(&case, &["verify", "--quiet"]).ok();
    // A search opens what it needs, and not the ledger of every source; `source:` asks for the labels.
    for query in ["word7", "from:a3@sender.example", "source:nothing"] {
        let Some(opened) = opened_by(&case, &["search", query], &dir.path().join("trace")) else { return };
        assert!(opened <= 40, "`search {query}` opened {opened} files");
    }
}

/// How many files a command opened; `None` where nothing can be traced.
fn opened_by(case: &Path, args: &[&str], trace: &Path) -> Option<usize> {
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=openat,open", "-o"]).arg(trace).arg(env!("CARGO_BIN_EXE_mailtrail"));
    command.args(args).arg("--case").arg(case).stdin(Stdio::null()).stdout(Stdio::null());
    let is_done = command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let lines = is_done.then(|| fs::read_to_string(trace).unwrap())?;
    let opened = lines.lines().filter(|line| line.contains("open") && !line.contains("ENOENT")).count();
    if opened == 0 {
        println!("NOT SHOWN: strace may not trace here");
        return None;
    }
    Some(opened)
}
