//! What `list` and `search` print of many items.

use std::fs;

use crate::support::{self, evidence, run};

#[test]
fn a_json_list_counts_hops_and_tells_them_when_asked_and_show_tells_them_always() {
    let dir = tempfile::tempdir().unwrap();
    let (case, seized) = (dir.path().join("case"), dir.path().join("seized.mbox"));
    fs::write(&seized, evidence::mbox(0, 150)).unwrap();
    support::import(&case, &seized);
    for command in [&["list", "--json"][..], &["search", "*", "--json", "--sort", "ledger"]] {
        let brief = run(&case, command).ok().items();
        let whole = run(&case, &[command, &["--hops"]].concat()).ok().items();
        assert_eq!((brief.len(), whole.len()), (150, 150));
        for (brief, whole) in brief.iter().zip(&whole) {
            let shown =
                run(&case, &["show", whole["item"].as_str().unwrap(), "--json"]).ok().json().remove(0);
            let schemas = [brief, whole, &shown].map(|object| object["schema"].as_str().unwrap());
            assert_eq!(schemas, ["mailtrail.item/2", "mailtrail.item/2", "mailtrail.item/1"]);
            assert_eq!(brief["hops_total"], whole["hops_total"]);
            assert_eq!(whole["hops_total"].as_u64(), Some(whole["hops"].as_array().unwrap().len() as u64));
            assert_eq!(whole["hops"], shown["hops"]);
            assert!(brief.get("hops").is_none(), "{brief}");
            // All else is the same in the three.
            let rest = |object: &serde_json::Value| {
                let mut object = object.as_object().unwrap().clone();
                for key in ["hops", "hops_total", "schema", "same_content"] {
                    object.remove(key);
                }
                object
            };
            assert_eq!(rest(brief), rest(whole));
            assert_eq!(rest(brief), rest(&shown));
            if brief["item"].as_str().unwrap().ends_with('5') {
                break;
            }
        }
    }
}

#[test]
fn a_table_has_a_line_for_each_item_in_every_order_and_the_catalog_unpacks_nothing_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (case, seized) = (dir.path().join("case"), dir.path().join("seized.mbox"));
    fs::write(&seized, evidence::mbox(0, 150)).unwrap();
    support::import(&case, &seized);
    let lines = |args: &[&str]| {
        let mut lines: Vec<String> = run(&case, args).ok().text().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 151, "{args:?}");
        lines.sort();
        lines
    };
    let all = lines(&["list"]);
    assert_eq!(all, lines(&["search", "*"]));
    assert_eq!(all, lines(&["search", "*", "--sort", "oldest"]));
    // What is packed may be damaged: a table does not ask for it, what does says so.
    let sql = "update block set rest=zeroblob(length(rest))";
    match std::process::Command::new("sqlite3").arg(case.join("derived/catalog.sqlite")).arg(sql).status() {
        Ok(status) if status.success() => {
            assert_eq!(all, lines(&["list"]));
            let ran = run(&case, &["list", "--json"]).with_code(1);
            assert!(ran.err.contains("damaged") && ran.err.contains("hint:"), "{}", ran.err);
        }
        _ => println!("NOT SHOWN: sqlite3 is not installed"),
    }
}
