//! What a search tells beside its hits, and the files that it takes.

use std::fs;
use std::path::PathBuf;

use crate::support::{self, run};

fn case(dir: &tempfile::TempDir) -> PathBuf {
    let case = dir.path().join("case");
    support::import(&case, &support::own_corpus().join("search").join("operators.mbox"));
    case
}

#[test]
fn a_mistake_is_underlined_and_suggests_what_is_near() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let said = run(&case, &["search", "apple form:ann cherry"]).with_code(2).err;
    assert_eq!(
        said,
        "error: query: column 7: unknown field `form`, is it `from`?; text with a colon needs quotes\n  \
         apple form:ann cherry\n        ^^^^^\nhint: `mailtrail search --fields` lists fields and fixed words; \
         words with a colon need quotes\n"
    );
    let said = run(&case, &["search", "苹果 hop:300.1.1.1"]).with_code(2).err;
    assert!(said.contains("\n  苹果 hop:300.1.1.1\n           ^^^^^^^^^\n"), "{said}");
    assert!(!run(&case, &["search", "zzqqxx:ann"]).with_code(2).err.contains("is it"));
}

#[test]
fn an_answer_tells_how_it_was_understood_and_what_was_searched() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let said = run(&case, &["search", "apple -banana date:2025", "--tz", "Europe/Berlin"]).ok().err;
    assert_eq!(
        said,
        "1 item matches\nunderstood: text:apple AND NOT text:banana AND date:2025\ndates in Europe/Berlin: date:2025 is \
         from 2024-12-31T23:00:00Z (2025-01-01 00:00:00 +01:00) to before 2025-12-31T23:00:00Z (2026-01-01 00:00:00 \
         +01:00)\nsearched: 5 items, nothing left out\n"
    );
    let zero = run(&case, &["search", "aple date:2025"]).ok().err;
    assert!(zero.contains("\ntext:aple: 0 items alone; near in this case: apple (3)\n"), "{zero}");
    assert!(zero.contains("\ndate:2025: 5 items alone\n"), "{zero}");
    assert!(run(&case, &["search", "apple", "--quiet"]).ok().err.is_empty());
    let explained = run(&case, &["search", "apple (banana OR cherry)", "--explain"]).ok().err;
    for line in ["2  AND of 2", "3    text:apple", "4    OR of 2", "3      text:banana", "2      text:cherry"]
    {
        assert!(explained.lines().any(|l| l.trim_start() == line), "{line}: {explained}");
    }
}

#[test]
fn the_last_line_of_json_is_the_answer_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let ran = run(&case, &["search", "apple date:2025", "--json", "-n", "1"]).ok();
    let (all, items) = (ran.json(), ran.items());
    let last = all.last().unwrap();
    assert_eq!((all.len(), items.len(), last["schema"].as_str()), (2, 1, Some("mailtrail.search/1")));
    assert_eq!(
        (last["total"].as_u64(), last["shown"].as_u64(), last["searched"].as_u64()),
        (Some(3), Some(1), Some(5))
    );
    assert_eq!((last["language"].as_u64(), last["zone"].as_str()), (Some(2), Some("UTC")));
    assert_eq!(last["understood"], "text:apple AND date:2025");
    assert_eq!(last["periods"][0]["before"], "2026-01-01T00:00:00Z");
}

#[test]
fn lists_of_words_and_items_and_files_of_queries_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let words = file("words.txt", "# fruit\napple\n\"and pie\"\nnothing\nbanana NOT apple\n");
    let found = run(&case, &["search", "--terms", &words, "--csv"]).ok().text();
    assert_eq!(
        found,
        "\"line\",\"term\",\"items\",\"inside\"\r\n\"2\",\"apple\",\"3\",\"0\"\r\n\"3\",\"\"\"and pie\"\"\",\"1\",\"0\"\r\n\"4\",\"nothing\",\"0\",\"0\"\r\n\"5\",\"banana NOT apple\",\"1\",\"0\"\r\n"
    );
    let within = run(&case, &["search", "--terms", &words, "cherry", "--json"]).ok().json();
    let counts: Vec<_> = within.iter().map(|line| line["items"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 1, 0, 0]);
    let wrong = file("wrong.txt", "apple\nform:x\n");
    let said = run(&case, &["search", "--terms", &wrong]).with_code(2).err;
    assert!(said.contains("wrong.txt, line 2: query: column 1: unknown field"), "{said}");
    let query = file("query.txt", "# all of it\napple\nNOT banana\n");
    assert_eq!(run(&case, &["search", "--count", "--query-file", &query]).ok().text(), "1\n");
    let ids: Vec<_> = run(&case, &["search", "banana", "--json"]).ok().items();
    let ids: Vec<_> = ids.iter().map(|hit| hit["item"].as_str().unwrap()).collect();
    let items = file("items.txt", &format!("{}\n", ids.join("\n")));
    assert_eq!(run(&case, &["search", "--count", "--items", &items, "apple"]).ok().text(), "2\n");
    assert_eq!(run(&case, &["search", "--count", "--items", &items, "*"]).ok().text(), "3\n");
    let other = file("other.txt", "5f0c2a9be4d17788-3-41\n");
    assert!(run(&case, &["search", "--items", &other, "*"]).with_code(2).err.contains("line 1"));
}

#[test]
fn a_card_is_the_same_for_any_order_of_imports_and_tells_every_difference() {
    let dir = tempfile::tempdir().unwrap();
    let search = support::own_corpus().join("search");
    let made = |name: &str, boxes: &[&str], threads: &str| {
        let case = dir.path().join(name);
        for name in boxes {
            let mbox = search.join(name);
            run(&case, &["import", "--quiet", "--threads", threads, mbox.to_str().unwrap()]).ok();
        }
        case
    };
    let (one, two) = ("operators.mbox", "dates.mbox");
    let cases = [made("a", &[one, two], "1"), made("b", &[two, one], "3"), made("c", &[one, two], "2")];
    run(&cases[2], &["rebuild", "--quiet"]).ok();
    let card = |case: &PathBuf, name: &str, query: &str| {
        let path = dir.path().join(name);
        run(case, &["search", "--quiet", "--card", path.to_str().unwrap(), query]).ok();
        path
    };
    let answer = |path: &PathBuf| {
        let card: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        card["answer"].to_string()
    };
    let queries = ["apple", "date:2024-02..2025", "banana OR x", "*", "has:date NOT cherry", "before:2025"];
    for (n, query) in queries.iter().enumerate() {
        let cards: Vec<_> = (0..3).map(|c| card(&cases[c], &format!("{n}-{c}.json"), query)).collect();
        assert_eq!(answer(&cards[0]), answer(&cards[1]), "{query}");
        assert_eq!(answer(&cards[0]), answer(&cards[2]), "{query}");
        let again = run(&cases[2], &["search", "--replay", cards[0].to_str().unwrap()]).ok().text();
        assert_eq!(again, format!("identical: {query}\n"));
    }
    // What counts from now is asked again by the clock of then.
    let relative = card(&cases[0], "now.json", "date:1y..");
    run(&cases[1], &["search", "--replay", relative.to_str().unwrap()]).ok();
    let path = dir.path().join("0-0.json");
    let said = run(&cases[0], &["search", "x", "--card", path.to_str().unwrap()]).with_code(1).err;
    assert!(said.contains("cannot write"), "{said}");
    let other = made("d", &[one], "1");
    let differs = run(&other, &["search", "--replay", path.to_str().unwrap()]).with_code(4).text();
    assert!(differs.contains("sources: was ") && differs.contains("searched: was 15, is 5"), "{differs}");
    assert!(!differs.contains("total:"), "{differs}");
    run(&other, &["search", "--replay", search.join(one).to_str().unwrap()]).with_code(2);
}

#[test]
fn a_query_may_begin_with_what_must_not_match() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    for (args, want) in [
        (&["search", "--count", "-body:apple"][..], "2\n"),
        (&["search", "-body:apple", "--count"], "2\n"),
        (&["search", "--count", "-(apple OR cherry)"], "1\n"),
        (&["search", "--count", "-\"and pie\""], "4\n"),
    ] {
        assert_eq!(run(&case, args).ok().text(), want, "{args:?}");
    }
}

#[test]
fn a_query_of_language_1_is_answered_by_its_own_rules_and_an_export_names_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let count = |query: &str, n: &str| run(&case, &["search", "--count", "--language", n, query]).ok().text();
    assert_eq!(
        (count("date:2025..2025", "2").as_str(), count("date:2025..2025", "1").as_str()),
        ("5\n", "0\n")
    );
    assert!(run(&case, &["search", "--language", "3", "x"]).with_code(2).err.contains("no language 3"));
    let to = dir.path().join("to");
    run(&case, &["export", "date:2025", "--tz", "Asia/Tokyo", "--to", to.to_str().unwrap()]).ok();
    let manifest = fs::read_to_string(to.join("manifest.jsonl")).unwrap();
    let head: serde_json::Value = serde_json::from_str(manifest.lines().next().unwrap()).unwrap();
    assert_eq!((head["query_language"].as_u64(), head["query_zone"].as_str()), (Some(2), Some("Asia/Tokyo")));
    let custody = run(&case, &["custody", "--json"]).ok().text();
    assert!(custody.contains("\"query_language\":2,\"query_zone\":\"Asia/Tokyo\""), "{custody}");
}

#[test]
fn no_query_crashes_or_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let case = case(&dir);
    let mut texts: Vec<String> = vec![
        "(".repeat(20_000),
        "a NEAR b ".repeat(5_000),
        "a XOR ".repeat(5_000),
        "/[ /x ".repeat(2_000),
        "[a ".repeat(5_000),
        "a?b ".repeat(2_000),
        format!("/{}/", "(a|b)*".repeat(600)),
        format!("/{}/", "a{1000}".repeat(500)),
        "\u{0}\u{202e}\u{fffd} \u{feff}:".to_owned(),
        "hop{".repeat(1000),
        "{".repeat(1000),
        "\"".to_owned(),
        "~".to_owned(),
        "a~ \"b\"~".to_owned(),
    ];
    texts.push("date:99999999-99-99..".to_owned());
    texts.push("size:99999999999999999999999".to_owned());
    let file = dir.path().join("query.txt");
    for text in texts {
        fs::write(&file, &text).unwrap();
        let begun = std::time::Instant::now();
        let ran = run(&case, &["search", "--count", "--query-file", file.to_str().unwrap()]);
        assert!(matches!(ran.code, 0 | 2), "{}: {}", text.chars().take(40).collect::<String>(), ran.err);
        assert!(begun.elapsed().as_secs() < 60, "{}", text.chars().take(40).collect::<String>());
    }
}
