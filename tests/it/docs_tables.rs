//! Tables in the documents are those of the code. `BLESS=1 cargo test` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use mailtrail::types::record::REASONS;
use mailtrail::types::{AnomalyKind, FindingKind};

use crate::support;

#[track_caller]
fn same(file: &str, text: &str) {
    let text = support::filled(text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
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
    text.push_str("\n## Why a file was not processed\n\n`not-mail` is the word of the record; people are shown `unrecognised`.\n\n| code | meaning |\n|---|---|\n");
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
        "## Rules\n\nMade from the tables in `src/route`; a test compares. A finding is no verdict and there is no total: the word says how\n\
         often honest mail does the like, and each rule names ordinary causes and what else would show if the header had\n\
         been made up. *rare* (`strong` in JSON), *uncommon* (`notice`), *common* (`info`). How often each reports on ordinary\n\
         mail, list mail, a company's mail, bounces and spam stands in [measured.md](measured.md). An id that has changed\n\
         stays an alias: `helo-impersonates-recipient`, `helo-impersonates-provider`, `rdns-forged`.\n\n",
    );
    rules(&mut text, mailtrail::route::RULES);
    text.push_str(
        "\nSome rules need more than one message. `findings` works them out over the whole case each time it is asked, so\n\
         that they follow every import; they cannot be searched for by `finding:`. They compare claims with what a server\n\
         of the recipient wrote or saw, and mark only claims: without `mailtrail trust set` they find nothing.\n\n",
    );
    rules(&mut text, mailtrail::route::ACROSS);
    support::section("hops.md", "Rules", &text);
}

fn rules(text: &mut String, rules: &[mailtrail::route::Rule]) {
    text.push_str(
        "| rule | severity | reports when | ordinary causes | if made up |\n|---|---|---|---|---|\n",
    );
    for rule in rules {
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            rule.id,
            rule.severity.word(),
            rule.when,
            rule.caveat,
            if rule.forged().is_empty() { "-" } else { rule.forged() }
        )
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

#[test]
fn the_measured_rates_are_those_that_the_program_prints() {
    use mailtrail::route::{ACROSS, POPULATIONS, RULES, rates};
    let mut text = String::from(
        "## Rules\n\nHow many messages each rule of [hops.md](hops.md) reports, without any setting of `mailtrail trust`. \
         What the program prints beside a finding is made from this table (`src/route/rates_counts.rs`), which \
         `BLESS=1 cargo test --test it -- corpora_route` makes from the mail itself.\n\n",
    );
    for (population, rate) in POPULATIONS.iter().zip(rates("")) {
        writeln!(text, "- *{}*: {} messages: {}", population.name, rate.of, population.what).unwrap();
    }
    text += "\nBehind a count stand its share and the share that it allows at most, with 95 % confidence (one-sided): for none \
             found the rule of three (0 of 4,150 is under 1 in 1,383), else the exact binomial bound of Clopper and Pearson. \
             A bound holds for mail like that of the collection, and for no other: nothing was measured of a company's mail \
             with LMTP between its own hosts, of a provider's own mail, or of mail of other years. Rules across messages need \
             settings and were not measured.\n\n";
    let names: Vec<&str> = POPULATIONS.iter().map(|population| population.name).collect();
    writeln!(text, "| rule | severity | {} |\n|---|---|{}", names.join(" | "), "---|".repeat(names.len()))
        .unwrap();
    for rule in RULES {
        let cells: Vec<String> = rates(rule.id).iter().map(|rate| rate.text()).collect();
        writeln!(text, "| `{}` | {} | {} |", rule.id, rule.severity.word(), cells.join(" | ")).unwrap();
    }
    let across: Vec<String> = ACROSS.iter().map(|rule| format!("`{}`", rule.id)).collect();
    writeln!(text, "\nNot measured: {}.", across.join(", ")).unwrap();
    support::section("measured.md", "Rules", &text);
}
