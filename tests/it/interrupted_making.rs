//! A case whose making was cut off is no damage, and a write that fails says which, and why.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{self, evidence};

/// The states that the making of a case goes through on the disk, one after the other: what `made` lacks is not there
/// yet, and a file that is being written has half its bytes.
fn states(made: &Path) -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let bytes = |name: &str| fs::read(made.join(name)).unwrap();
    let half = |name: &str| bytes(name)[..bytes(name).len() / 2].to_vec();
    // The three files are opened before the first byte goes into one of them; `case.json` is written before `VERSION`.
    let steps = [
        ("lock", Vec::new()),
        ("VERSION", Vec::new()),
        ("case.json", Vec::new()),
        ("custody.jsonl", Vec::new()),
        ("case.json", half("case.json")),
        ("case.json", bytes("case.json")),
        ("VERSION", b"m".to_vec()),
        ("VERSION", half("VERSION")),
        ("VERSION", bytes("VERSION")),
        ("custody.jsonl", b"{".to_vec()),
        ("custody.jsonl", half("custody.jsonl")),
        ("custody.jsonl", bytes("custody.jsonl")),
        ("HEAD.tmp", half("HEAD")),
        ("HEAD.tmp", bytes("HEAD")),
    ];
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut states = Vec::new();
    for (name, bytes) in steps {
        files.retain(|(of, _)| *of != name);
        files.push((name, bytes));
        states.push(files.clone());
    }
    states
}

#[test]
fn a_case_whose_making_was_cut_off_anywhere_is_unfinished_and_can_be_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("made");
    support::run(&made, &["init", "--quiet"]).ok();
    for (number, files) in states(&made).into_iter().enumerate() {
        let case = dir.path().join(format!("case{number}"));
        fs::create_dir_all(case.join("packs")).unwrap();
        fs::create_dir_all(case.join("ledger")).unwrap();
        for (name, bytes) in &files {
            fs::write(case.join(name), bytes).unwrap();
        }
        let state =
            || files.iter().map(|(name, bytes)| format!("{name} {}", bytes.len())).collect::<Vec<_>>();
        let verified = support::run(&case, &["verify", "--quiet"]);
        assert_eq!(verified.code, 3, "{:?}: {}{}", state(), verified.text(), verified.err);
        let has_event = files.iter().any(|(name, _)| *name == "HEAD.tmp")
            || files.last().unwrap().1.ends_with(b"\n") && files.last().unwrap().0 == "custody.jsonl";
        let looked = support::run(&case, &["info"]);
        assert_eq!(looked.code, i32::from(!has_event), "{:?}: {}", state(), looked.err);
        let source = support::own_corpus().join("mbox/mboxrd.mbox");
        support::import(&case, &source);
        support::run(&case, &["verify", "--quiet"]).ok();
    }
}

/// Runs an import that may write no file longer than `kib` KiB: the system refuses the rest, as a full disk does.
fn limited_import(case: &Path, source: &Path, kib: u64) -> (i32, String) {
    let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_mailtrail"), "import", "--quiet", "--threads", "2"]);
    command.arg(source).arg("--case").arg(case).env_remove("MAILTRAIL_CASE").stdin(Stdio::null());
    let ran = support::finish(command);
    (ran.code, ran.err)
}

#[test]
fn a_write_that_the_disk_refuses_is_named_with_its_file_and_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 600);
    let mut of_the_record = 0;
    for kib in [1, 4, 90, 110, 140, 200] {
        let case = dir.path().join(format!("case{kib}"));
        let (code, said) = limited_import(&case, &seized, kib);
        if code == 0 {
            continue;
        }
        assert_eq!(code, 1, "{kib} KiB: {said}");
        // What is derived has words of its own.
        if !said.contains("catalog") && !said.contains("index") {
            of_the_record += 1;
            assert!(
                said.contains(case.to_str().unwrap()) && said.contains("File too large"),
                "{kib} KiB: {said}"
            );
            assert!(said.contains("hint: free some space"), "{kib} KiB: {said}");
        }
        // With room again it goes on where it stopped.
        support::import(&case, &seized);
        support::run(&case, &["verify", "--quiet"]).ok();
    }
    assert!(of_the_record >= 2, "{of_the_record}");
}
