//! The killer inputs of `tests/hostile/make.py`: read to their end in time, without a panic, every byte accounted for,
//! and what was not read is named.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mailtrail::facts::derive::{Scratch, Seen, derive};
use mailtrail::source::{self, Cut, Event, Options};
use serde_json::{Value, json};

/// A debug build on a busy machine may take this many times as long as the table says.
const SLACK: u32 = 8;

fn make() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/make.py"))
}

#[test]
fn no_hostile_input_stops_or_stalls_the_reading() {
    let dir = tempfile::tempdir().unwrap();
    let table = Command::new("python3").arg(make()).arg("--list").output().unwrap();
    let table: Value = serde_json::from_slice(&table.stdout).unwrap();
    let mut wrong = Vec::new();
    for row in table.as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        if row["big"] == true || ["folder-20000", "many.tar"].contains(&name) {
            continue; // too much for every run
        }
        let made =
            Command::new("python3").arg(make()).args([dir.path().to_str().unwrap(), name]).output().unwrap();
        assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
        let place = dir.path().join(name);
        let began = Instant::now();
        let listing = source::list(&place).unwrap();
        let (mut items, mut children, mut hops, mut size) = (0u64, 0u64, 0u64, 0u64);
        let (mut codes, mut reasons, mut found) = (BTreeSet::new(), BTreeSet::new(), false);
        let mut scratch = Scratch::default();
        source::read(&listing, &Options::default(), &mut |event| {
            match event {
                Event::Bytes(bytes) => {
                    let mut at = 0;
                    for cut in bytes.cuts {
                        let (from, to) = match cut {
                            Cut::Gap { range, .. } => (range.start, range.end),
                            Cut::Item { separator, body, terminator, rule, notes, .. } => {
                                items += 1;
                                codes.extend(notes.iter().map(|n| n.kind.code()));
                                let message = rule.apply(&bytes.data[body.clone()]);
                                let mut visit = |Seen { facts, text, .. }: Seen<'_>| {
                                    children += u64::from(facts.child.is_some());
                                    hops = hops.max(facts.hops_total);
                                    found |= text.text.contains("findme");
                                    codes.extend(facts.anomalies.iter().map(|a| a.kind.code()));
                                };
                                if items < 2000 {
                                    derive(&message, &mut scratch, &mut visit);
                                }
                                (separator.start, terminator.end)
                            }
                        };
                        assert_eq!(from, at, "{name}: a hole between ranges");
                        at = to;
                    }
                    assert_eq!(at, bytes.data.len(), "{name}: bytes in no range");
                }
                Event::Long(source::Long::Start { gap: None, .. }) => items += 1,
                Event::Close(close) => {
                    size += close.size;
                    reasons.extend(close.reason);
                    codes.extend(close.notes.iter().map(|n| n.kind.code()));
                }
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        let took = began.elapsed();
        let mut check = |what: &str, fine: bool, have: Value| {
            if !fine {
                wrong.push(format!("{name}: {what} is {have}"));
            }
        };
        let most = u32::try_from(row["seconds"].as_u64().unwrap_or(10)).unwrap() * SLACK;
        check("time in seconds", took < Duration::from_secs(most.into()), json!(took.as_secs_f64()));
        if place.is_file() {
            check("size", size >= fs::metadata(&place).unwrap().len(), json!(size));
        }
        if let Some(want) = row["items"].as_u64() {
            check("number of items", items == want, json!(items));
        }
        if let Some(want) = row["items_at_least"].as_u64() {
            check("number of items", items >= want, json!(items));
        }
        if let Some(want) = row["children"].as_u64() {
            check("number of children", children == want, json!(children));
        }
        for code in row["anomalies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            check("set of anomalies", codes.contains(code), json!([code, codes]));
        }
        if let Some(want) = row["reason"].as_str() {
            check("reason", reasons.contains(want), json!(reasons));
        }
        if let Some(want) = row["hops_total"].as_u64() {
            check("number of hops", hops == want, json!(hops));
        }
        check("findme", found || row.get("words").is_none(), json!(found));
        println!("{name}: {items} items, {children} children, {:.2} s", took.as_secs_f64());
        let _removed = fs::remove_file(&place);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
