//! A stranger checks a case and an export with stock tools, without our program.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{self, evidence};

fn have(tools: &[&str]) -> bool {
    tools.iter().all(|t| {
        Command::new(t).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    })
}

fn stock_check(case: &Path) -> (i32, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stock_check.sh");
    let output = Command::new("bash").arg(script).arg(case).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn zstd_jq_and_sha256sum_check_a_case_and_find_a_changed_byte() {
    if !have(&["zstd", "jq", "sha256sum"]) {
        println!("NOT SHOWN: zstd, jq or sha256sum is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 40);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let (code, text) = stock_check(&case);
    assert_eq!(code, 0, "{text}");
    for file in ["packs/000001.pack", "ledger/000001.jsonl.zst", "custody.jsonl"] {
        let path = case.join(file);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert_ne!(stock_check(&case).0, 0, "{file}");
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn sha256sum_accepts_an_export_and_finds_a_changed_byte() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 40);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    for flags in [&["--attachments"][..], &["--raw"], &["--mbox"]] {
        let to = dir.path().join(format!("export{}", flags[0]));
        let mut args = vec!["export", "*", "--quiet", "--to", to.to_str().unwrap()];
        args.extend(flags);
        support::run(&case, &args).ok();
        let check = |dir: &Path| {
            let mut command = Command::new("sha256sum");
            command.args(["-c", "--quiet", "SHA256SUMS"]).current_dir(dir);
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        };
        assert!(check(&to), "{flags:?}");
        let sums = std::fs::read_to_string(to.join("SHA256SUMS")).unwrap();
        let listed = sums.lines().count();
        let files = support::files_below(&to).len();
        assert_eq!(listed + 1, files, "every file but SHA256SUMS itself is listed: {sums}");
        let manifest = to.join("manifest.csv");
        let good = std::fs::read(&manifest).unwrap();
        let mut bad = good.clone();
        bad[0] ^= 1;
        std::fs::write(&manifest, bad).unwrap();
        assert!(!check(&to));
    }
}
