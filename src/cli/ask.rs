//! Questions as the command line gives them: arguments, files of questions, lists of words and of items.

use std::fs;
use std::path::Path;

use crate::query::{Language, Options, Order, Telling};
use crate::types::json::Obj;
use crate::types::text::{csv_cell, shown};
use crate::types::time::{Clock as _, UtcMs};
use crate::types::{ItemId, ItemKey};

use super::args::{QueryArgs, SearchArgs};
use super::context::{Context, SystemClock};
use super::failure::Failure;
use super::output::Out;
use super::rows::Form;
use super::search::{Opened, zone};
use super::table::{counted, grouped, pad};

/// Most bytes of a file of questions, words or items.
const LONGEST_FILE: u64 = 16 << 20;

/// Most words of a list.
const MOST_TERMS: usize = 100_000;

/// The stand-in for a `-` at the beginning of an argument, which would be taken for a flag:
/// `mailtrail search -from:ann`.
const MINUS: char = '\u{2212}';

/// Command lines on which a query may begin with a field that must not match.
const WITH_QUERY: &[&str] = &["search", "list", "export", "findings"];

/// The arguments of the program, with `-from:ann` made safe from being taken for a flag.
pub(super) fn arguments(all: impl Iterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut is_query = false;
    let mut is_open = true;
    let made = all.map(|argument| {
        let Some(text) = argument.to_str() else { return argument };
        is_query |= WITH_QUERY.contains(&text);
        is_open &= text != "--";
        let rest = text.strip_prefix('-').filter(|_| is_query && is_open).unwrap_or_default();
        let name = rest.split([':', '{', '[']).next().unwrap_or_default();
        let is_field = name.len() < rest.len()
            && name.len() > 1
            && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        let is_group = rest.starts_with(['(', '"']);
        if (is_field && !name.starts_with('-')) || is_group {
            return format!("{MINUS}{rest}").into();
        }
        argument
    });
    made.collect()
}

/// A query of several arguments as one text.
pub(super) fn text(arguments: &[String]) -> String {
    let minus = |one: &String| one.strip_prefix(MINUS).map_or(one.clone(), |rest| format!("-{rest}"));
    arguments.iter().map(minus).collect::<Vec<_>>().join(" ")
}

fn read(path: &Path) -> Result<String, Failure> {
    let name = shown(&path.display().to_string());
    let failed = |why: String| Failure::usage(format!("cannot read {name}: {why}"));
    let size = fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if size > LONGEST_FILE {
        return Err(failed(format!("{} bytes are more than {}", grouped(size), grouped(LONGEST_FILE))));
    }
    let bytes = fs::read(path).map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

/// Lines of a list, without those that are empty or begin with `#`.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let all = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    all.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The query of a search: its arguments, or a file whose lines are put together, `#` lines left out.
pub(super) fn query(args: &SearchArgs) -> Result<String, Failure> {
    let Some(path) = &args.query_file else { return Ok(text(&args.query)) };
    let file = read(path)?;
    let all: Vec<&str> = lines(&file).map(|(_, line)| line).collect();
    Ok(all.join(" "))
}

/// The version of the language that a flag names.
fn language(number: u64) -> Result<Language, Failure> {
    match number {
        1 => Ok(Language::One),
        2 => Ok(Language::Two),
        n => Err(Failure::usage(format!("there is no language {n}"))
            .hint("1 is that of the first versions, 2 the present one")),
    }
}

/// How a command wants its question answered.
pub(super) fn options(args: &QueryArgs, order: Order, limit: Option<usize>) -> Result<Options, Failure> {
    Ok(Options {
        order,
        limit,
        zone: zone(args.tz.as_deref())?,
        language: language(args.language)?,
        now: Some(UtcMs(SystemClock.now_us().div_euclid(1000))),
        ..Options::default()
    })
}

/// The items that a list names, one id a line.
pub(super) fn items(case: &Opened, path: &Path) -> Result<Vec<ItemKey>, Failure> {
    let mut out = Vec::new();
    let name = shown(&path.display().to_string());
    for (number, line) in lines(&read(path)?) {
        let wrong = |why: &str| Failure::usage(format!("{name}, line {number}: {} {why}", shown(line)));
        let id: ItemId = line.parse().map_err(|_| wrong("is no id of an item"))?;
        out.push(case.catalog.key(&id)?.ok_or_else(|| wrong("is not in the case"))?);
    }
    Ok(out)
}

/// `--terms FILE`: how many items each line of a list finds, together with the query where there is one.
pub(super) fn terms(
    context: &Context,
    case: &Opened,
    path: &Path,
    (query, options): (&str, &Options),
    csv: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let text = read(path)?;
    let name = shown(&path.display().to_string());
    let all: Vec<_> = lines(&text).collect();
    if all.len() > MOST_TERMS {
        return Err(Failure::usage(format!(
            "{name} has {} lines; at most {} are taken",
            grouped(all.len() as u64),
            grouped(MOST_TERMS as u64)
        )));
    }
    let form = Form::of(context.json, csv);
    if form == Form::Csv {
        out.bytes(b"\"line\",\"term\",\"items\",\"inside\"\r\n")?;
    }
    let mut found = 0u64;
    for (number, line) in &all {
        let asked = if query.trim().is_empty() { (*line).to_owned() } else { format!("({query}) ({line})") };
        let options = Options { telling: Telling::Counts, limit: Some(0), ..options.clone() };
        let options =
            case.options_of(&asked, options).map_err(|error| in_line(error.into(), &name, *number))?;
        let hits = case.search(&asked, &options).map_err(|error| in_line(error.into(), &name, *number))?;
        found += u64::from(hits.total > 0);
        match form {
            Form::Table => {
                out.line(&format!("{}  {}", pad(&format!("{:>10}", grouped(hits.total)), 10), shown(line)))?;
            }
            Form::Csv => {
                let cells =
                    [number.to_string(), csv_cell(line), hits.total.to_string(), hits.inside.to_string()];
                let quoted =
                    |cell: &String| if cell.starts_with('"') { cell.clone() } else { format!("\"{cell}\"") };
                out.bytes(
                    format!("{}\r\n", cells.iter().map(quoted).collect::<Vec<_>>().join(",")).as_bytes(),
                )?;
            }
            Form::Json => {
                let mut object = Vec::new();
                let mut o = Obj::new(&mut object);
                o.uint("inside", hits.inside).uint("items", hits.total).uint("line", *number as u64);
                o.str("schema", "mailtrail.term/1").str("term", line);
                o.end();
                out.json(&object)?;
            }
        }
    }
    out.flush()?;
    let terms = counted(all.len() as u64, "term", "terms");
    context.notes.note(&format!("{terms}, {} of them found", grouped(found)));
    Ok(())
}

fn in_line(failure: Failure, name: &str, number: usize) -> Failure {
    Failure { sentence: format!("{name}, line {number}: {}", failure.sentence), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_must_not_match_is_no_flag() {
        let made = |line: &str| {
            let all = arguments(line.split(' ').map(Into::into));
            all.into_iter().map(|a| a.into_string().unwrap()).collect::<Vec<_>>()
        };
        let line = made("mailtrail search -from:ann -n 5 -hop[0].by:x -(a) --tz UTC");
        assert_eq!(
            line,
            [
                "mailtrail",
                "search",
                "\u{2212}from:ann",
                "-n",
                "5",
                "\u{2212}hop[0].by:x",
                "\u{2212}(a)",
                "--tz",
                "UTC"
            ]
        );
        assert_eq!(text(&line[2..3]), "-from:ann");
        assert_eq!(made("mailtrail show -from:x"), ["mailtrail", "show", "-from:x"]);
        assert_eq!(made("mailtrail search --case a:b"), ["mailtrail", "search", "--case", "a:b"]);
    }
}
