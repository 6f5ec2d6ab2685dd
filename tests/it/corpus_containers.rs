//! The containers of `corpus/`: kinds, byte ranges, rules and notes are those of the answers beside them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use mailtrail::source::{self, Cut, Event, Long, Options};
use mailtrail::types::digest::WireStream;
use mailtrail::types::unescape::Rule;
use mailtrail::types::{Anomaly, Sha256Digest};
use serde_json::{Value, json};

/// What reading says of one container, in the words of an answer.
#[derive(Debug, Default)]
struct Seen {
    kind: String,
    items: Vec<Value>,
    gaps: Vec<Value>,
    reason: Option<&'static str>,
    notes: Vec<String>,
    size: u64,
}

fn codes(notes: &[Anomaly]) -> Vec<String> {
    notes.iter().map(|note| note.kind.code().to_owned()).collect()
}

fn item(
    bytes: &[u8],
    start: u64,
    edges: [u64; 2],
    rule: Rule,
    lines: u64,
    uid: Option<u64>,
    notes: &[Anomaly],
) -> Value {
    let end = start + bytes.len() as u64;
    let mut wire = WireStream::new();
    wire.update(&rule.apply(bytes));
    json!({
        "start": start, "end": end, "rule": rule.code(), "lines": lines, "uid": uid, "notes": codes(notes),
        "sha256": Sha256Digest::of(bytes).to_string(), "wire_sha256": wire.finish().to_string(),
        "separator": [start - edges[0], start], "terminator": [end, end + edges[1]],
    })
}

/// Everything that reading `root` tells, by path.
fn seen(root: &Path) -> BTreeMap<String, Seen> {
    let listing = source::list(root).unwrap();
    let mut out = BTreeMap::new();
    let (mut path, mut now, mut long) = (String::new(), Seen::default(), None);
    source::read(&listing, &Options::default(), &mut |event| {
        match event {
            Event::Open(open) => {
                path = open.path.display().into_owned();
                now = Seen { kind: open.kind.to_owned(), ..Seen::default() };
            }
            Event::Bytes(bytes) => {
                for cut in bytes.cuts {
                    match cut {
                        Cut::Item { separator, body, terminator, rule, lines, uid, notes } => {
                            let edges = [separator.len() as u64, terminator.len() as u64];
                            let start = bytes.base + body.start as u64;
                            now.items.push(item(&bytes.data[body], start, edges, rule, lines, uid, &notes));
                        }
                        Cut::Gap { kind, range } => now.gaps.push(json!({
                            "kind": kind, "start": bytes.base + range.start as u64, "end": bytes.base + range.end as u64,
                        })),
                    }
                }
            }
            Event::Long(Long::Start { separator, start, uid, .. }) => long = Some((separator.len(), start, uid, Vec::new())),
            Event::Long(Long::Part(part)) => long.as_mut().unwrap().3.extend_from_slice(&part),
            Event::Long(Long::End { terminator, rule, lines, notes, .. }) => {
                let (separator, start, uid, body) = long.take().unwrap();
                let edges = [separator as u64, terminator.len() as u64];
                now.items.push(item(&body, start, edges, rule, lines, uid, &notes));
            }
            Event::Close(close) => {
                now.reason = close.reason;
                now.notes = codes(&close.notes);
                now.size = close.size;
                out.insert(path.clone(), std::mem::take(&mut now));
            }
            Event::Entry(_) => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    out
}

/// Codes that the splitter writes; the others are facts of messages and are tested with those.
const SPLITTER: &[&str] = &[
    "suspect-from",
    "from-without-blank",
    "separator-missing",
    "content-length-believed",
    "content-length-ambiguous",
    "content-length-wrong",
    "content-length-invalid",
    "from-quoting-ambiguous",
    "message-unterminated",
    "empty-item",
    "byte-order-mark",
    "size-in-name-differs",
    "undelivered",
    "separator-in-message",
];

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|w| SPLITTER.contains(w))
        .collect()
}

fn compare(name: &str, answer: &Value, seen: &Seen, wrong: &mut Vec<String>) {
    let mut check = |what: &str, want: &Value, have: &Value| {
        if want != have {
            wrong.push(format!("{name}: {what} is {have}, not {want}"));
        }
    };
    if let Some(kind) = answer["kind"].as_str() {
        check("kind", &json!(kind), &json!(seen.kind));
    }
    if let Some(reason) = answer.get("reason") {
        check("reason", reason, &json!(seen.reason));
    }
    if let Some(items) = answer["items"].as_array() {
        check("number of items", &json!(items.len()), &json!(seen.items.len()));
        for (n, (want, have)) in items.iter().zip(&seen.items).enumerate() {
            for key in
                ["start", "end", "rule", "lines", "sha256", "wire_sha256", "separator", "terminator", "uid"]
            {
                if let Some(want) = want.get(key) {
                    check(&format!("{key} of item {}", n + 1), want, &have[key]);
                }
            }
            let have = words(&have["notes"]);
            for code in words(&want["notes"]) {
                check(&format!("{code} of item {}", n + 1), &json!(true), &json!(have.contains(&code)));
            }
            for group in want["notes_any"].as_array().into_iter().flatten() {
                let any = words(group).iter().any(|code| have.contains(code));
                check(&format!("one of {group} of item {}", n + 1), &json!(true), &json!(any));
            }
            if answer["clean"] == true {
                check(&format!("notes of item {}", n + 1), &json!([]), &json!(have));
            }
        }
    }
    if let Some(gaps) = answer.get("gaps") {
        check("gaps", gaps, &json!(seen.gaps));
    }
    let all =
        || seen.notes.iter().map(String::as_str).chain(seen.items.iter().flat_map(|i| words(&i["notes"])));
    for code in words(&answer["anomalies"]) {
        check(code, &json!(true), &json!(all().any(|c| c == code)));
    }
    for group in answer["anomalies_any"].as_array().into_iter().flatten() {
        check(
            &format!("one of {group}"),
            &json!(true),
            &json!(words(group).iter().any(|code| all().any(|c| c == *code))),
        );
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn every_container_of_the_corpus_is_cut_as_its_answer_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in ["mail", "mbox", "maildir", "other"] {
        for entry in fs::read_dir(corpus().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(stem) = name.strip_suffix(".facts.json") else { continue };
            let answer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let file = ["eml", "mbox", "bin"].map(|end| path.with_file_name(format!("{stem}.{end}")));
            let file = file.into_iter().find(|f| f.exists()).unwrap_or_else(|| path.with_file_name(stem));
            let seen = seen(&file);
            count += 1;
            if let Some(files) = answer["files"].as_object() {
                for (inner, want) in files {
                    compare(&format!("{folder}/{stem}/{inner}"), want, &seen[inner], &mut wrong);
                }
            } else {
                let only = seen.values().next().unwrap();
                assert_eq!(only.size, fs::metadata(&file).unwrap().len());
                compare(&format!("{folder}/{stem}"), &answer, only, &mut wrong);
            }
        }
    }
    assert!(count > 250, "only {count} answers");
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {count} answers:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_seized_mailbox_holds_the_messages_that_were_put_into_it() {
    let truth: Value =
        serde_json::from_slice(&fs::read(corpus().join("mailbox.facts.json")).unwrap()).unwrap();
    let seen = seen(&corpus().join("mailbox"));
    let have: BTreeMap<_, _> =
        seen.iter().filter(|(_, s)| !s.items.is_empty()).map(|(p, s)| (p, s.items.len())).collect();
    assert_eq!(json!(have), truth["containers"]);
    let items: usize = have.values().sum();
    assert_eq!(json!(items), truth["messages"]);
    let rest: Vec<_> = seen.iter().filter(|(_, s)| s.items.is_empty()).map(|(p, _)| p).collect();
    assert_eq!(json!(rest), truth["not_mail"]);
}
