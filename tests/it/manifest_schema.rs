//! The schema of the manifest is that of the manifests we write: every key is known, every required key is there.
//!
//! A structural walk over what `docs/manifest.schema.json` uses: `$ref`, `type`, `properties`, `required`,
//! `additionalProperties`, `items`, `enum`, `const`. Patterns and number ranges are left to a full validator.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{evidence, import, own_corpus, run};

const SCHEMA: &str = include_str!("../../docs/manifest.schema.json");

/// Keys of an item that the evidence of this test does not bring about.
const NOT_MET: &[&str] = &["hops_total"];

/// What the walk found, and which properties of which object it met.
struct Walk<'a> {
    schema: &'a Value,
    wrong: Vec<String>,
    met: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    /// The definition of that name.
    fn def(&self, name: &str) -> &'a Value {
        let rule = &self.schema["$defs"][name];
        assert!(rule.is_object(), "the schema has no {name}");
        rule
    }

    /// Walks a value that the schema defines by name.
    fn object(&mut self, value: &Value, name: &str, place: &str) {
        self.check(value, self.def(name), name, place);
    }

    fn value(&mut self, value: &Value, rule: &'a Value, place: &str) {
        match rule["$ref"].as_str() {
            Some(to) => self.object(value, to.strip_prefix("#/$defs/").unwrap(), place),
            None => self.check(value, rule, "", place),
        }
    }

    fn check(&mut self, value: &Value, rule: &'a Value, name: &str, place: &str) {
        let types: Vec<&str> = match &rule["type"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().map(|t| t.as_str().unwrap()).collect(),
            _ => Vec::new(),
        };
        if !types.is_empty() && !types.contains(&type_of(value)) {
            self.wrong.push(format!("{place}: a {} where the schema has {types:?}", type_of(value)));
        }
        let fixed = rule["enum"].as_array();
        if fixed.is_some_and(|all| !all.contains(value))
            || rule.get("const").is_some_and(|only| only != value)
        {
            self.wrong.push(format!("{place}: {value} is not in the schema"));
        }
        match value {
            Value::Object(object) => {
                for key in rule["required"].as_array().into_iter().flatten() {
                    if !object.contains_key(key.as_str().unwrap()) {
                        self.wrong.push(format!("{place}: lacks {key}"));
                    }
                }
                for (key, inner) in object {
                    match rule["properties"].get(key) {
                        Some(rule) => {
                            self.met.insert(format!("{name}.{key}"));
                            self.value(inner, rule, &format!("{place}.{key}"));
                        }
                        None if rule["additionalProperties"] == Value::Bool(false) => {
                            self.wrong.push(format!("{place}: `{key}` is not in the schema"));
                        }
                        None => {}
                    }
                }
            }
            Value::Array(all) => {
                for (n, inner) in all.iter().enumerate() {
                    self.value(inner, &rule["items"], &format!("{place}[{n}]"));
                }
            }
            _ => {}
        }
    }
}

/// The word of JSON Schema for the type of a value; our numbers are whole.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Imports `source`, exports everything in one form and walks what was written.
fn walk(walk: &mut Walk<'_>, source: &Path, form: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    import(&case, source);
    walk_case(walk, &case, form);
}

/// Exports everything of a case and walks what was written.
fn walk_case(walk: &mut Walk<'_>, case: &Path, form: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("export");
    run(case, &[&["export", "*", "--quiet", "--to", to.to_str().unwrap()], form].concat()).ok();
    let text = std::fs::read_to_string(to.join("manifest.jsonl")).unwrap();
    for (n, line) in text.lines().enumerate() {
        let name = if n == 0 { "export" } else { "item" };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line.get("type").is_some(), n == 0, "`type` tells the first line from the others");
        walk.object(&line, name, &format!("line {}", n + 1));
    }
    let provenance: Value =
        serde_json::from_slice(&std::fs::read(to.join("provenance.json")).unwrap()).unwrap();
    walk.object(&provenance, "provenance", "provenance.json");
}

#[test]
fn a_real_manifest_has_the_keys_of_its_schema_and_no_others() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Walk { schema: &schema, wrong: Vec::new(), met: BTreeSet::new() };
    let made = tempfile::tempdir().unwrap();
    evidence::folder(made.path(), 40);
    for (source, form) in [
        (own_corpus(), &["--attachments"][..]),
        (own_corpus().join("mailbox"), &["--raw"]),
        (made.path().to_owned(), &["--mbox"]),
    ] {
        walk(&mut found, &source, form);
    }
    let gmail = tempfile::tempdir().unwrap();
    walk_case(&mut found, &super::labels::acquired(gmail.path()), &[]);
    let wrong = &found.wrong;
    assert!(
        wrong.is_empty(),
        "{} in all, the first: {:#?}",
        wrong.len(),
        wrong.iter().take(10).collect::<Vec<_>>()
    );

    let item = schema["$defs"]["item"]["properties"].as_object().unwrap();
    let unmet: Vec<_> = item.keys().filter(|key| !found.met.contains(&format!("item.{key}"))).collect();
    assert_eq!(unmet, NOT_MET, "keys of the schema that no manifest has");
}
