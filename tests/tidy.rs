//! Rules of the source tree that the compiler does not know. No dependencies: runs at once.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every folder of `src`, and the folders it may use. Data flows down this table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("source", &["types"]),
    ("store", &["types"]),
    ("parse", &["types"]),
    ("facts", &["types", "parse"]),
    ("auth", &["types", "parse"]),
    ("route", &["types", "parse", "facts", "auth"]),
    ("catalog", &["types", "facts"]),
    ("index", &["types", "parse", "facts"]),
    // acquire tells what a server holds with the events of source; it alone opens sockets.
    ("acquire", &["types", "source"]),
    // query checks the ids of rules and the levels of trust against their tables in route.
    ("query", &["types", "facts", "route", "catalog", "index"]),
    // case is what is opened, asked and set; nothing in it reads a source or derives a fact.
    ("case", &["types", "store", "facts", "auth", "route", "catalog", "index", "query"]),
    (
        "ingest",
        &[
            "types", "source", "acquire", "store", "parse", "facts", "auth", "route", "catalog", "index",
            "case",
        ],
    ),
    // verify derives what catalog and index should answer as an import does.
    ("verify", &["types", "source", "store", "parse", "facts", "catalog", "index", "case", "ingest"]),
    ("export", &["types", "store", "parse", "facts", "catalog", "query", "case"]),
    // view is what cli prints, and what a page or a program shows; nothing below it knows it.
    (
        "view",
        &[
            "types", "store", "parse", "facts", "auth", "route", "catalog", "index", "query", "case",
            "ingest", "export",
        ],
    ),
    (
        "cli",
        &[
            "types", "source", "acquire", "store", "parse", "facts", "auth", "route", "catalog", "index",
            "query", "case", "ingest", "verify", "export", "view",
        ],
    ),
];

/// Dependencies, and the only folders that may name them, so that each can be replaced there.
const HOMES: &[(&str, &[&str])] = &[
    ("memmap2", &[]),                // evidence is read, never mapped
    ("sha2", &["types", "acquire"]), // acquire: SCRAM
    // source only opens what was seized compressed; index packs its term dictionaries (decision 80) source only opens
    // what was seized compressed; catalog packs its blocks (decision 90), index its term dictionaries (80)
    ("zstd", &["store", "source", "catalog", "index"]),
    ("flate2", &["source", "acquire"]), // acquire: COMPRESS=DEFLATE
    ("rustls", &["acquire"]),
    ("openssl", &["acquire"]), // only with the feature native-tls
    ("rustls_native_certs", &["acquire"]),
    ("ureq", &["acquire"]), // the device flow of OAuth 2.0
    ("hmac", &["acquire"]),
    ("pbkdf2", &["acquire"]),
    ("stringprep", &["acquire"]),
    ("rpassword", &["cli"]),
    ("maxminddb", &["route"]),
    ("zip", &["source"]),
    ("tar", &["source"]),
    ("html5gum", &["parse"]),
    ("indicatif", &["cli"]),
    ("jiff", &["query", "case", "cli"]), // case: the zone of a question
    ("rustix", &["source"]),
    ("mail_parser", &["parse"]),
    ("num_bigint", &["auth"]),
    ("ed25519_compact", &["auth"]),
    ("rusqlite", &["catalog"]),
    ("tantivy", &["index"]),
    ("regex", &["index", "query"]),
    ("walkdir", &["verify"]), // evidence itself is walked by descriptors (source/walk.rs)
    ("rayon", &["ingest", "verify"]),
    ("csv", &["export"]),
    ("clap", &["cli"]),
];

/// Longest file, in lines, its tests with it: long tests have a file of their own.
const LONGEST: usize = 500;

fn below(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Files below a folder whose names end so.
fn files_of(dir: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_of(&path, ending, out);
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
}

/// Name below `src` and text of every Rust file that lies in a folder, in a fixed order.
fn sources() -> Vec<(String, String)> {
    let root = below("src");
    let mut files = Vec::new();
    files_of(&root, "rs", &mut files);
    files.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        (name, fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(named).filter(|(name, _)| name.contains('/')).collect()
}

/// The text above `mod tests`.
fn body(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// Lines of code, with their numbers: comment lines are left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, l)| (n + 1, l)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

#[test]
fn folders_use_only_the_folders_named_for_them() {
    for (name, text) in sources() {
        let folder = name.split('/').next().unwrap();
        let row = MAY_USE.iter().find(|(f, _)| *f == folder);
        let (_, allowed) = row.unwrap_or_else(|| panic!("src/{folder} has no row in MAY_USE"));
        for (number, line) in code(&text) {
            assert!(
                !line.contains("crate::{") && !line.contains("super::super"),
                "src/{name}:{number}: one `use crate::folder::..` per folder, so that this test sees it"
            );
            for part in line.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                assert!(
                    used == folder || allowed.contains(&used.as_str()),
                    "src/{name}:{number}: `{folder}` may not use `{used}`"
                );
            }
        }
        // In `src/parse/mod.rs`, `super` is the whole crate.
        if name == format!("{folder}/mod.rs") {
            let out = code(body(&text)).find(|(_, l)| l.contains("super::"));
            assert!(out.is_none(), "src/{name} climbs out of its folder with `super::`");
        }
    }
}

#[test]
fn big_dependencies_stay_in_their_folders() {
    for (name, text) in sources() {
        let folder = name.split('/').next().unwrap();
        for (dependency, homes) in HOMES {
            let path = format!("{dependency}::");
            let names_it = |l: &str| {
                l.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                    .map(|word| word.trim_start_matches(':'))
                    .any(|word| word.starts_with(&path) || word == *dependency)
                    && (l.contains(&path) || l.trim_start().starts_with("use "))
            };
            let here = code(&text).find(|(_, l)| names_it(l));
            assert!(
                here.is_none() || homes.contains(&folder),
                "src/{name} names {dependency}, which may live in {homes:?} only"
            );
        }
    }
}

#[test]
fn files_say_what_they_are_for_and_stay_short() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "src/{name} does not say what it is for");
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "src/{name} has {lines} lines; split it");
    }
}

/// Longest line of the docs; rows of tables, samples of what a program prints and URLs cannot be wrapped.
const WIDEST: usize = 120;

#[test]
fn docs_wrap_at_their_width() {
    let mut files = vec![below("README.md")];
    files_of(&below("docs"), "md", &mut files);
    files_of(&below("corpus"), "md", &mut files);
    assert!(files.len() > 50);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let mut is_sample = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                is_sample = !is_sample;
            }
            // A span of code cannot be broken either.
            let longest_span = line.split('`').skip(1).step_by(2).map(str::len).max().unwrap_or(0);
            let may_be_wide =
                is_sample || line.trim_start().starts_with('|') || line.contains("://") || longest_span > 80;
            assert!(
                may_be_wide || line.chars().count() <= WIDEST,
                "{}:{} is wider than {WIDEST}",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let text = fs::read_to_string(below("docs/promises.md")).unwrap();
    let mut count = 0;
    for row in text.lines().filter(|line| line.starts_with("| [")) {
        let tests = row.rsplit(" | ").next().unwrap();
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "a promise without a test: {row}");
        for test in named {
            let (file, name) = test.rsplit_once("::").unwrap();
            let file = if file.starts_with("src/") { file.to_owned() } else { format!("tests/it/{file}.rs") };
            let code = fs::read_to_string(below(&file)).unwrap_or_default();
            assert!(code.contains(&format!("fn {name}(")), "{test} is not in {file}");
            count += 1;
        }
    }
    assert!(count > 90, "{count} tests are named");
}

#[test]
fn comments_wrap_at_their_width() {
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            // A line of a table, a link and a span of code cannot be broken.
            let comment = line.trim_start();
            let is_comment = comment.starts_with("//");
            let longest_span = line.split('`').skip(1).step_by(2).map(str::len).max().unwrap_or(0);
            let may_be_wide =
                !is_comment || comment.contains("://") || comment.contains("| ") || longest_span > 80;
            assert!(
                may_be_wide || line.chars().count() <= WIDEST,
                "src/{name}:{} is wider than {WIDEST}",
                number + 1
            );
        }
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string(below("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(below("tests/it")).unwrap() {
        let stem = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            stem == "main" || main.contains(&format!("mod {stem};")),
            "tests/it/main.rs does not name {stem}"
        );
    }
}

/// Codes of custody events that are also words of other formats (`info --json`, `case.json`, provenance ..).
const ALSO_OTHER_WORDS: &[&str] =
    &["created", "items_committed", "exported", "restored", "stopped", "recovered"];

#[test]
fn kinds_of_custody_events_are_named_in_one_place() {
    let table = fs::read_to_string(below("src/types/event.rs")).unwrap();
    let word_of = |line: &str| Some(line.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
    let of_kinds =
        table.split_once("pub const fn code(self)").unwrap().1.split_once("/// The kind of").unwrap().0;
    let codes: Vec<String> = of_kinds.lines().filter_map(word_of).collect();
    assert!(codes.len() >= 19, "{codes:?}");
    let format = fs::read_to_string(below("docs/format.md")).unwrap();
    for word in &codes {
        assert!(format.contains(&format!("| `{word}` |")), "docs/format.md has no row for the event {word}");
    }
    for (name, text) in sources().into_iter().filter(|(name, _)| !name.starts_with("types/event")) {
        for (number, line) in code(body(&text)) {
            for word in codes.iter().filter(|word| !ALSO_OTHER_WORDS.contains(&word.as_str())) {
                assert!(
                    !line.contains(&format!("\"{word}\"")),
                    "src/{name}:{number} names the event {word}; CustodyEvent has it"
                );
            }
            let is_asked =
                line.contains(".kind == \"") || line.contains(".kind != \"") || line.contains("commit(\"");
            let asked = codes.iter().find(|word| is_asked && line.contains(&format!("\"{word}\"")));
            assert!(
                asked.is_none(),
                "src/{name}:{number} asks for {asked:?} by its word; CustodyEventKind has it"
            );
        }
    }
}

#[test]
fn a_program_that_uses_the_library_builds_neither_the_command_nor_the_network() {
    let tree = |features: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO"));
        command.args([
            "tree",
            "--no-default-features",
            "--offline",
            "--locked",
            "-e",
            "normal",
            "--prefix",
            "none",
        ]);
        let out = command.args(features).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let has = |tree: &str, name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    let (bare, command) = (tree(&[]), tree(&["--features", "cli"]));
    assert!(has(&bare, "rusqlite") && has(&command, "clap"));
    for name in ["clap", "indicatif", "mimalloc", "rpassword", "rustls", "ureq"] {
        assert!(!has(&bare, name), "the library alone needs {name}");
    }
    for name in ["rpassword", "rustls", "ureq"] {
        assert!(!has(&command, name), "the command without network needs {name}");
    }
}
