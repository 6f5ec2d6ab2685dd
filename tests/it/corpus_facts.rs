//! The messages of `corpus/`: addresses, dates, hops, parts, attachments, children, anomalies and words are those of
//! the answers beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mailtrail::facts::derive::{self, Scratch, derive};
use mailtrail::facts::{ItemFacts, Role};
use mailtrail::parse::{header, mime};
use mailtrail::types::time::rfc3339;
use mailtrail::types::unescape::Rule;
use mailtrail::types::{ByteRange, Sha256Digest};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

/// A message, or one inside it: its bytes, facts and text, kept for comparing.
struct Seen {
    bytes: Vec<u8>,
    facts: ItemFacts,
    text: String,
}

/// Words in one form: accents, case, zero-width characters and line ends do not count.
fn folded(text: &str) -> String {
    let kept = text
        .nfkd()
        .filter(|c| !matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}'));
    let lower: String =
        kept.flat_map(char::to_lowercase).nfkd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(message: &[u8]) -> Vec<Seen> {
    let mut out = Vec::new();
    derive(message, &mut Scratch::default(), &mut |derive::Seen { message: bytes, facts, text, .. }| {
        let mut all = Vec::new();
        all.extend(text.stretches.iter().map(|(_, range)| text.text[range.clone()].to_owned()));
        all.extend(facts.addresses.iter().map(|a| format!("{} {}", a.mailbox.name, a.mailbox.address)));
        all.extend(facts.subject.iter().map(|s| s.text.clone()));
        all.extend(facts.attachments.iter().map(|a| a.name.clone()));
        let raw = |at: Option<ByteRange>| {
            at.and_then(|r| r.of(bytes)).map(|b| String::from_utf8_lossy(b).into_owned())
        };
        all.extend(facts.hops.iter().flat_map(|h| [raw(h.helo), raw(h.rdns), raw(h.by)]).flatten());
        out.push(Seen { bytes: bytes.to_vec(), text: folded(&all.join("\n\n")), facts });
    });
    out
}

fn fact(key: &str, want: &Value, seen: &Seen, children: &[Seen]) -> Value {
    let facts = &seen.facts;
    // A group without members is kept as a name without an address.
    let role = |role| {
        let all = facts.in_role(role).map(|m| m.address.clone()).filter(|a| !a.is_empty());
        json!(all.collect::<Vec<_>>())
    };
    let among = |have: Vec<String>| {
        json!(
            want.as_array()
                .unwrap()
                .iter()
                .filter(|w| have.iter().any(|h| json!(h) == **w))
                .collect::<Vec<_>>()
        )
    };
    let codes = || facts.anomalies.iter().map(|a| a.kind.code().to_owned()).collect::<Vec<_>>();
    let holds = |word: &&Value| seen.text.contains(&folded(word.as_str().unwrap()));
    match key {
        "message_id" => json!(facts.message_id.as_ref().map(|t| &t.text)),
        "mih" => json!(facts.mih),
        "subject" => json!(facts.subject.as_ref().map(|t| &t.text)),
        "date_utc" => json!(facts.date.map(|d| rfc3339(d.utc))),
        "date_offset_secs" => json!(facts.date.and_then(|d| d.offset_secs_east)),
        "from" => role(Role::From),
        "to" => role(Role::To),
        "cc" => role(Role::Cc),
        "bcc" => role(Role::Bcc),
        "fields" => json!(header::read(&seen.bytes).value.fields.len()),
        "references_contain" => among(facts.references.clone()),
        "state_contains" => among(facts.state.iter().map(|s| (*s).to_owned()).collect()),
        "anomalies" => among(codes()),
        "not_anomalies" => json!(want.as_array().unwrap().iter().filter(|w| !codes().iter().any(|h| json!(h) == **w)).collect::<Vec<_>>()),
        "anomalies_any" => json!(want.as_array().unwrap().iter().filter(|group| group.as_array().unwrap().iter().any(|w| codes().iter().any(|h| json!(h) == *w))).collect::<Vec<_>>()),
        "not_indexed" => among(facts.not_indexed.iter().map(|n| n.reason.to_owned()).collect()),
        "clean" => json!(codes().is_empty()),
        "words" => json!(want.as_array().unwrap().iter().filter(holds).collect::<Vec<_>>()),
        "not_words" => json!(want.as_array().unwrap().iter().filter(|w| !holds(w)).collect::<Vec<_>>()),
        "children" => json!(children.iter().map(|c| c.facts.child.as_ref().unwrap().part.clone()).collect::<Vec<_>>()),
        "attachments" => json!(facts.attachments.iter().map(|a| json!({"part": a.part, "name": a.name, "size": a.size, "sha256": a.sha256.to_string()})).collect::<Vec<_>>()),
        "hops" => {
            let wanted = want.as_array().unwrap();
            let text = |at: Option<ByteRange>| json!(at.and_then(|r| r.of(&seen.bytes)).map(String::from_utf8_lossy));
            let have = facts.hops.iter().zip(wanted).map(|(h, want)| {
                let all = json!({
                    "helo": text(h.helo), "rdns": text(h.rdns), "ip": h.peer_ip, "by": text(h.by), "id": text(h.id),
                    "with": text(h.with), "for": text(h.for_), "date_utc": h.date.map(|d| rfc3339(d.utc)),
                });
                Value::Object(want.as_object().unwrap().keys().map(|k| (k.clone(), all[k].clone())).collect())
            });
            json!(have.collect::<Vec<_>>())
        }
        "parts" => {
            let header = header::read(&seen.bytes).value;
            let parts = mime::walk(&seen.bytes, &header).value;
            let path = |mut at: usize| {
                let mut numbers = Vec::new();
                while let Some(parent) = parts[at].parent {
                    numbers.push(parts[at].number.to_string());
                    at = parent;
                }
                numbers.reverse();
                numbers.join(".")
            };
            let all: BTreeMap<_, _> = (0..parts.len()).map(|n| (path(n), &parts[n])).collect();
            json!(want.as_array().unwrap().iter().map(|w| match all.get(w["part"].as_str().unwrap()) {
                Some(p) => json!({"part": w["part"], "type": p.effective_type(), "at": [p.body.start, p.body.end]}),
                None => Value::Null,
            }).collect::<Vec<_>>())
        }
        "child_facts" => json!(want.as_array().unwrap().iter().map(|want| {
            let child = children.iter().find(|c| json!(c.facts.child.as_ref().unwrap().part) == want["part"]);
            let Some(child) = child else { return Value::Null };
            Value::Object(want.as_object().unwrap().iter().map(|(key, want)| (key.clone(), match key.as_str() {
                "part" => want.clone(),
                "size" => json!(child.bytes.len()),
                "sha256" => json!(Sha256Digest::of(&child.bytes).to_string()),
                "in_message" => json!(child.facts.child.as_ref().unwrap().in_message.map(|r| [r.start(), r.end()])),
                _ => fact(key, want, child, &[]),
            })).collect())
        }).collect::<Vec<_>>()),
        "never_raw" => want.clone(), // held by the tests of output
        _ => json!(format!("no such fact: {key}")),
    }
}

#[test]
fn every_message_of_the_corpus_is_read_as_its_answer_says() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for folder in ["mail", "mbox", "maildir", "other"] {
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(stem) = name.strip_suffix(".facts.json") else { continue };
            let answer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let file = ["eml", "mbox", "bin"].map(|end| path.with_file_name(format!("{stem}.{end}")));
            let file = file.into_iter().find(|f| f.exists()).unwrap_or_else(|| path.with_file_name(stem));
            let mut each: Vec<(String, Vec<u8>, &Value)> = Vec::new();
            if let Some(files) = answer["files"].as_object() {
                for (inner, there) in files {
                    each.push((
                        format!("{stem}/{inner}"),
                        fs::read(file.join(inner)).unwrap(),
                        &there["facts"],
                    ));
                }
            } else {
                let data = fs::read(&file).unwrap();
                for (n, item) in answer["items"].as_array().into_iter().flatten().enumerate() {
                    let at = |key: &str| usize::try_from(item[key].as_u64().unwrap()).unwrap();
                    let rule = Rule::from_code(item["rule"].as_str().unwrap()).unwrap();
                    let facts = if n == 0 && answer.get("facts").is_some() {
                        &answer["facts"]
                    } else {
                        &item["facts"]
                    };
                    each.push((
                        format!("{folder}/{stem} {}", n + 1),
                        rule.apply(&data[at("start")..at("end")]).into_owned(),
                        facts,
                    ));
                }
            }
            for (name, message, facts) in each {
                let Some(facts) = facts.as_object() else { continue };
                count += 1;
                let seen = read(&message);
                let (top, children) = seen.split_first().unwrap();
                for (key, want) in facts {
                    let have = fact(key, want, top, children);
                    if have != *want {
                        let codes: Vec<_> = top.facts.anomalies.iter().map(|a| a.kind.code()).collect();
                        wrong.push(format!("{name}: {key} is {have}, not {want}; anomalies {codes:?}"));
                    }
                }
            }
        }
    }
    assert!(count > 250, "only {count} answers");
    wrong.sort();
    assert!(wrong.is_empty(), "{} differences in {count} messages:\n{}", wrong.len(), wrong.join("\n"));
}
