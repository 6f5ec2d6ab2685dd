//! The same evidence gives the same ledger and manifest: any threads, any order, any zone, any clock, any place.

use std::fs;
use std::path::Path;

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
    assert_eq!(before, support::ledger(&case));
    support::run(&case, &["verify", "--quiet"]).ok();
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
