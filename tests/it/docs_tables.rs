//! Tables in the documents are those of the code. `BLESS=1 cargo test` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use mailtrail::types::record::REASONS;
use mailtrail::types::{AnomalyKind, FindingKind};

use crate::support;

#[track_caller]
fn same(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "docs/{file} is not what the code says; run with BLESS=1 and read the diff");
}

#[test]
fn the_table_of_anomalies_is_that_of_the_code() {
    let mut text = String::from(
        "# Anomalies, reasons, findings\n\nMade from the tables in `src/types`; a test compares. Codes never change once released.\n\n\
         ## Anomalies\n\nDepartures from a standard, seen while reading. They are data and no verdict: honest mail has them too. \
         *strong* means that bytes could not be read as they claim, or were not read.\n\n| code | severity | from | meaning |\n|---|---|---|---|\n",
    );
    for kind in AnomalyKind::ALL {
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            kind.code(),
            kind.severity().code(),
            kind.source(),
            kind.meaning()
        )
        .unwrap();
    }
    text.push_str("\n## Why a file was not processed\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in REASONS {
        writeln!(text, "| `{code}` | {meaning} |").unwrap();
    }
    text.push_str("\n## Findings of import and verify\n\n| code | exit | meaning |\n|---|---|---|\n");
    for kind in FindingKind::ALL {
        writeln!(text, "| `{}` | {} | {} |", kind.code(), kind.exit(), kind.meaning()).unwrap();
    }
    same("anomalies.md", &text);
}

#[test]
fn the_fields_that_make_a_separator_are_those_of_the_code() {
    let mut list = String::new();
    let mut width = 0;
    for field in mailtrail::source::SEPARATOR_FIELDS {
        if width + field.len() > 110 {
            list.pop();
            list.push('\n');
            width = 0;
        }
        write!(list, "`{field}`, ").unwrap();
        width += field.len() + 4;
    }
    let list = list.trim_end_matches(", ");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let there = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = there.split_once("<!-- fields -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /fields -->").unwrap();
    let wanted = format!("{before}<!-- fields -->\n{list}\n<!-- /fields -->{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == wanted,
        "docs/format.md, Separators, is not what the code says; run with BLESS=1 and read the diff"
    );
}

#[test]
fn the_table_of_rules_is_that_of_the_code() {
    let mut text = String::from(
        "## Rules\n\nMade from the tables in `src/route`; a test compares. Ids never change once released. A finding is no verdict and there is no total; \
         *strong* is seldom innocent and still no proof. How often each reports on ordinary mail, spam and list mail stands in [measured.md](measured.md).\n\n",
    );
    rules(&mut text, mailtrail::route::RULES);
    text.push_str(
        "\nSome rules need more than one message. `findings` works them out over the whole case each time it is asked, so that they follow every import; \
         they cannot be searched for by `finding:`.\n\n",
    );
    rules(&mut text, mailtrail::route::ACROSS);
    support::section("hops.md", "Rules", &text);
}

fn rules(text: &mut String, rules: &[mailtrail::route::Rule]) {
    text.push_str("| rule | severity | reports when | innocent causes |\n|---|---|---|---|\n");
    for rule in rules {
        writeln!(text, "| `{}` | {} | {} | {} |", rule.id, rule.severity.code(), rule.when, rule.caveat)
            .unwrap();
    }
}

#[test]
fn the_tables_of_families_and_grades_are_those_of_the_code() {
    use mailtrail::parse::received::{Grade, families};
    let mut text = String::from(
        "## Families and grades\n\nMade from the tables in `src/parse/received`; a test compares. A family is told by the software that a field names, by how it is built, its id, and its protocol. \
         It says what the first name after `from` is worth: what the client called itself is a claim, the reverse name was looked up by the server. Where the words beside it tell more, these count. \
         *clear* marks programs that always write words about encryption when there is some: a field of theirs without such words asserts clear text; of all others it says nothing.\n\n\
         | grade | meaning |\n|---|---|\n",
    );
    for grade in Grade::ALL {
        writeln!(text, "| `{}` | {} |", grade.code(), grade.meaning()).unwrap();
    }
    text.push_str("\n| family | first name after `from` | builds | |\n|---|---|---|---|\n");
    for family in families() {
        let clear = if family.tells_tls { "clear" } else { "" };
        writeln!(text, "| `{}` | {} | {} | {clear} |", family.name, family.first, family.builds).unwrap();
    }
    support::section("hops.md", "Families and grades", &text);
}
