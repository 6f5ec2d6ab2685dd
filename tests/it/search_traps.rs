//! Questions over mail with one trap each: every one finds the planted items, or is a mistake that names its reason.
//!
//! `corpus/search/NAME.mbox` is the mail, `NAME.questions` holds a question a line: `query => ids` (the local parts of
//! Message-IDs), `query => !words of the error`, `query => ids ?words of a note`.

use std::collections::BTreeSet;
use std::path::Path;

use mailtrail::case::{CaseError, CaseReader};
use mailtrail::query::{Options, Order, Telling};
use mailtrail::types::time::UtcMs;

use crate::support;

/// Thursday, 20 November 2025, 12:00 UTC.
const NOW: UtcMs = UtcMs(1_763_640_000_000);

struct Opened {
    _dir: tempfile::TempDir,
    case: CaseReader,
}

fn opened(mbox: &Path) -> Opened {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    support::run(&case, &["import", "--quiet", mbox.to_str().unwrap(), "--label", "exhibit A-3"]).ok();
    Opened { case: CaseReader::open(&case).unwrap(), _dir: dir }
}

impl Opened {
    fn answer(&self, query: &str) -> Result<(BTreeSet<String>, String), String> {
        let (query, language) = match query.strip_prefix("v1:") {
            Some(query) => (query, mailtrail::query::Language::One),
            None => (query, mailtrail::query::Language::Two),
        };
        let options = Options {
            order: Order::Ledger,
            now: Some(NOW),
            language,
            telling: Telling::Understood,
            ..Options::default()
        };
        let told = |error: CaseError| match error {
            CaseError::Query(error) => {
                assert!(!error.excerpt.0.is_empty() || query.is_empty(), "{query}: no place");
                error.to_string()
            }
            other => panic!("{query}: {other}"),
        };
        let options = self.case.options_of(query, options).map_err(told)?;
        let hits = self.case.search(query, &options).map_err(told)?;
        let mut ids = BTreeSet::new();
        self.case
            .catalog
            .each::<mailtrail::catalog::CatalogError>(hits.keys.iter().copied(), |row| {
                let id = String::from_utf8_lossy(row.message_id().unwrap_or_default()).into_owned();
                ids.insert(id.trim_matches(['<', '>']).split('@').next().unwrap().to_owned());
                Ok(())
            })
            .unwrap();
        let mut notes: Vec<String> = hits.notes.into_iter().map(|(_, text)| text).collect();
        notes.extend(hits.anywhere.map(|more| format!("{more} more")));
        // An answer without items says what each condition finds.
        for zero in &hits.zero {
            let near: Vec<_> = zero.near.iter().map(|(word, _)| word.as_str()).collect();
            notes.push(format!("{} {} near {}", zero.what, zero.count, near.join(" ")));
        }
        Ok((ids, notes.join("; ")))
    }
}

#[test]
fn every_question_finds_what_was_planted_or_names_its_reason() {
    let folder = support::own_corpus().join("search");
    let (mut asked, mut wrong) = (0, Vec::new());
    let mut boxes: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    boxes.sort();
    for mbox in boxes.iter().filter(|path| path.extension().is_some_and(|e| e == "mbox")) {
        let questions = std::fs::read_to_string(mbox.with_extension("questions")).unwrap();
        let opened = opened(mbox);
        for line in questions.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (query, want) = line.rsplit_once(" =>").unwrap();
            let want = want.trim();
            asked += 1;
            let got = opened.answer(query);
            let is_right = match (&got, want.strip_prefix('!')) {
                (Err(error), Some(words)) => error.contains(words),
                (Ok((ids, notes)), None) => {
                    let (want, note) = want.split_once('?').map_or((want, ""), |(ids, note)| (ids, note));
                    let want: BTreeSet<String> = want.split_whitespace().map(str::to_owned).collect();
                    *ids == want && notes.contains(note)
                }
                _ => false,
            };
            if !is_right {
                let name = mbox.file_stem().unwrap().to_string_lossy();
                wrong.push(format!("{name}: {line}\n    {got:?}"));
            }
        }
    }
    println!("{asked} questions");
    assert!(asked >= 250 && wrong.is_empty(), "{} of {asked} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
