//! Damaged files of the index end in a sentence, never in the trace of a panic.

use std::fs;

use crate::support::evidence::{self, Seeded};
use crate::support::{files_below, import, run};

#[test]
fn damaged_files_of_the_index_are_told_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    fs::write(dir.path().join("a.mbox"), evidence::mbox(0, 30)).unwrap();
    import(&case, &dir.path().join("a.mbox"));
    let index = case.join("derived/index");
    let mut seeded = Seeded::new(17);
    for file in files_below(&index) {
        let path = index.join(&file);
        let whole = fs::read(&path).unwrap();
        for way in 0..6 {
            let mut bytes = whole.clone();
            match way {
                0 => bytes.clear(),
                1 => bytes.truncate(whole.len() / 2),
                2 => bytes.truncate(whole.len().saturating_sub(1)),
                _ => {
                    for _ in 0..way * 4 {
                        let at = usize::try_from(seeded.below(bytes.len().max(1) as u64)).unwrap();
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= u8::try_from(1 + seeded.below(255)).unwrap();
                        }
                    }
                }
            }
            fs::write(&path, &bytes).unwrap();
            for args in [&["search", "--count", "cargo* from:example.com"][..], &["verify", "--quiet"]] {
                let ran = run(&case, args);
                let what = format!("{} damaged in way {way}: {args:?}: {}", file.display(), ran.err);
                assert!(!ran.err.contains("panicked") && !ran.err.contains("RUST_BACKTRACE"), "{what}");
                assert!([0, 1, 3, 4].contains(&ran.code), "{what}");
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    run(&case, &["verify", "--quiet"]).ok();
}
