//! A damaged index is a sentence and an exit code, and no trace of a panic.

use std::fs;

use crate::support::{self, evidence};

#[test]
fn every_file_of_the_index_may_be_changed_or_cut_and_nothing_panics() {
    let dir = tempfile::tempdir().unwrap();
    let (seized, case) = (dir.path().join("seized"), dir.path().join("case"));
    evidence::folder(&seized, 60);
    support::import(&case, &seized);
    let mut failed = 0;
    let mut files: Vec<_> =
        fs::read_dir(case.join("derived/index")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| fs::metadata(path).unwrap().len() > 8);
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        let whole = fs::read(&path).unwrap();
        for at in [1, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
            for is_cut in [false, true] {
                let mut bytes = whole.clone();
                if is_cut {
                    bytes.truncate(at);
                } else {
                    bytes[at] ^= 0xa5;
                }
                fs::write(&path, &bytes).unwrap();
                let run = support::run(&case, &["search", "--quiet", "\"the report\" OR t*"]);
                let told = format!("{} {at} {is_cut}: {}", path.display(), run.err);
                assert!(!run.err.contains("panicked") && !run.err.contains("backtrace"), "{told}");
                assert!(run.code == 0 || (run.code == 1 && run.err.starts_with("error: ")), "{told}");
                failed += i32::from(run.code == 1);
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(failed >= 12, "{failed}");
    support::run(&case, &["verify", "--quiet"]).ok();
}
