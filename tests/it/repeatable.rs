//! The same evidence gives the same ledger and manifest: any threads, any order, any zone, any clock, any place.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::support::{self, evidence};

/// Copies a tree, creating the files in reverse order, so that the directory lists them otherwise.
fn copy_backwards(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mut names: Vec<_> = fs::read_dir(from).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    for name in names.into_iter().rev() {
        let (a, b) = (from.join(&name), to.join(&name));
        if a.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&a).unwrap(), &b).unwrap();
        } else if a.is_dir() {
            copy_backwards(&a, &b);
        } else {
            fs::copy(&a, &b).unwrap();
        }
    }
}

#[test]
fn threads_order_zone_and_place_do_not_show_in_ledger_and_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 400);
    let shuffled = dir.path().join("elsewhere/other");
    copy_backwards(&seized, &shuffled);
    let mut seen = Vec::new();
    for (n, (source, threads, zone)) in
        [(&seized, "1", "UTC"), (&seized, "8", "Pacific/Auckland"), (&shuffled, "2", "America/St_Johns")]
            .into_iter()
            .enumerate()
    {
        let case = dir.path().join(format!("case{n}"));
        let mut command = support::program();
        command.env("TZ", zone).env("LC_ALL", if n == 1 { "C" } else { "C.UTF-8" });
        command.args(["import", "--quiet", "--threads", threads]).arg(source).arg("--case").arg(&case);
        support::finish(command).ok();
        seen.push((support::ledger(&case), support::manifest(&case)));
    }
    assert!(seen[0].0.len() > 10_000 && seen[0].1.len() > 10_000);
    assert!(seen.iter().all(|s| *s == seen[0]));
}

#[test]
fn importing_the_same_source_again_adds_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 40);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let before = support::ledger(&case);
    let moved = dir.path().join("moved");
    fs::rename(&seized, &moved).unwrap();
    let again = support::run(&case, &["import", "--label", "other label", moved.to_str().unwrap()]).ok();
    assert!(again.text().contains("nothing new"), "{}", again.text());
    let again = support::run(&case, &["import", "--md5", moved.to_str().unwrap()]).ok();
    assert!(again.err.contains("no digests were added"), "{}", again.err);
    assert_eq!(before, support::ledger(&case));
    support::run(&case, &["verify", "--quiet"]).ok();
}

/// As somebody who may not read everything: root may.
fn unprivileged(program: &Path, args: &[&OsStr]) -> support::Ran {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new(if is_root { Path::new("setpriv") } else { program });
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    }
    command.args(args).env_remove("MAILTRAIL_CASE").env("HOME", "/nonexistent");
    support::finish(command)
}

#[test]
fn a_source_with_a_file_that_may_not_be_read_is_known_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 5);
    fs::set_permissions(&seized, Permissions::from_mode(0o755)).unwrap();
    let closed = seized.join("closed.eml");
    fs::write(&closed, "From: a@example.org\nSubject: x\n\ny\n").unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let program = dir.path().join("mailtrail");
    fs::copy(env!("CARGO_BIN_EXE_mailtrail"), &program).unwrap();
    let case = dir.path().join("case");
    let args = ["import".as_ref(), seized.as_os_str(), "--case".as_ref(), case.as_os_str()];
    let first = unprivileged(&program, &args).with_code(3);
    assert!(first.err.contains("unreadable"), "{}", first.err);
    let before = support::ledger(&case);
    assert!(
        String::from_utf8_lossy(&before).contains("\"closed.eml\",\"t\":\"entry\",\"type\":\"unreadable\"")
    );
    let again = unprivileged(&program, &args).with_code(3);
    assert!(again.text().contains("nothing new"), "{}{}", again.text(), again.err);
    assert_eq!(before, support::ledger(&case));
    // Once it can be read it is another source.
    fs::set_permissions(&closed, Permissions::from_mode(0o644)).unwrap();
    let more = unprivileged(&program, &args).ok();
    assert!(more.text().contains("1 of them new to the case"), "{}", more.text());
}

#[test]
fn rebuild_gives_the_same_exports() {
    let dir = tempfile::tempdir().unwrap();
    let seized = dir.path().join("seized");
    evidence::folder(&seized, 200);
    let case = dir.path().join("case");
    support::import(&case, &seized);
    let before = support::manifest(&case);
    fs::remove_dir_all(case.join("derived")).unwrap();
    support::run(&case, &["rebuild", "--quiet"]).ok();
    assert_eq!(before, support::manifest(&case));
    support::run(&case, &["verify", "--quiet"]).ok();
}
