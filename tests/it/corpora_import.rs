//! Every mailbox of the real mail is imported, its books balance, and it is rebuilt byte for byte.

use std::fs;
use std::path::Path;

use crate::support;

/// Compares two trees: same plain files with the same bytes. Links, empty folders and the like are left aside.
fn same_files(original: &Path, restored: &Path) {
    let wanted: Vec<_> =
        support::files_below(original).into_iter().filter(|f| !original.join(f).is_symlink()).collect();
    for file in &wanted {
        let a = fs::read(original.join(file)).unwrap();
        let b = fs::read(restored.join(file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(a == b, "{} differs", file.display());
    }
    assert_eq!(wanted.len(), support::files_below(restored).len());
}

#[test]
fn every_real_mailbox_is_imported_and_rebuilt_byte_for_byte() {
    let Some(corpora) = support::corpora() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&corpora).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    names.sort();
    let (mut items, mut containers, mut inner) = (0, 0, 0);
    for source in &names {
        let case = dir.path().join("case");
        let ran = support::run(&case, &["import", "--quiet", "--json", source.to_str().unwrap()]);
        assert!([0, 3].contains(&ran.code), "{}: exit {} {}", source.display(), ran.code, ran.err);
        support::run(&case, &["verify", "--quiet", "--source"]).ok();
        let info = support::run(&case, &["info", "--json"]).ok().json();
        let id = info[0]["sources"][0]["source"].as_str().unwrap().to_owned();
        let to = dir.path().join("restored");
        support::run(&case, &["restore", &id, "--to", to.to_str().unwrap(), "--quiet"]).ok();
        same_files(source, &to);
        fs::remove_dir_all(&to).unwrap();
        for line in String::from_utf8(support::ledger(&case)).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            match record["t"].as_str().unwrap() {
                "item" => items += 1,
                "file" => {
                    items += 1;
                    containers += 1;
                }
                "end" => containers += 1,
                "container" if record.get("parent").is_some() && inner < 200 => {
                    inner += 1;
                    let container = format!("{id}-{}", record["c"]);
                    let file = dir.path().join("inner");
                    support::run(&case, &["restore", &container, "--to", file.to_str().unwrap(), "--quiet"])
                        .ok();
                    fs::remove_file(&file).unwrap();
                }
                _ => {}
            }
        }
        fs::remove_dir_all(&case).unwrap();
    }
    println!(
        "{} corpora, {containers} containers, {items} items, {inner} of them inside archives",
        names.len()
    );
    assert!(items > 10_000);
}
