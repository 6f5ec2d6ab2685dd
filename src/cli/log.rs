//! `log`: the custody log.

use crate::store::Reader;
use crate::types::json;
use crate::types::text::shown;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::table::counted;

/// What of an event's data people are shown; `--json` has all of it.
const LISTED: &[&str] = &[
    "url",
    "path",
    "label",
    "note",
    "source",
    "segment",
    "query",
    "to",
    "manifest_sha256",
    "items",
    "bytes",
    "failed",
    "excluded",
    "gone",
    "error",
];

pub(super) fn run(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    for event in reader.custody()? {
        let (line, event) = event?;
        if context.json {
            out.bytes(&line)?;
            out.bytes(b"\n")?;
            continue;
        }
        out.line(&format!("{:>5}  {}  {}", event.seq, event.ts, shown(&event.kind)))?;
        if let Some(run) = event.run.as_deref().and_then(json::read) {
            let word = |key: &str| run.get(key).and_then(json::Value::as_str).map(shown).unwrap_or_default();
            // A service or a container has no USER, but always a number.
            let uid = run.get("uid").map(|uid| format!("uid {uid}")).unwrap_or_default();
            let who = match (word("user"), uid) {
                (user, uid) if user.is_empty() && uid.is_empty() => "user not known".to_owned(),
                (user, uid) if user.is_empty() => uid,
                (user, uid) if uid.is_empty() => user,
                (user, uid) => format!("{user}, {uid}"),
            };
            out.line(&format!(
                "         by {} {} on {} ({who})",
                word("tool"),
                word("version"),
                word("host")
            ))?;
            if let Some(words) = run.get("command_line").and_then(json::Value::as_array) {
                let line: Vec<String> = words
                    .iter()
                    .map(|word| {
                        let bytes = json::text_of(word).unwrap_or_default();
                        shown(&String::from_utf8_lossy(&bytes))
                    })
                    .collect();
                out.line(&format!("         $ {}", line.join(" ")))?;
            }
        }
        if let Some(data) = json::read(&event.data) {
            for key in LISTED {
                if let Some(value) = data.get(key) {
                    let text = match json::text_of(value) {
                        Some(bytes) => shown(&String::from_utf8_lossy(&bytes)),
                        None => value.to_string(),
                    };
                    out.line(&format!("         {key}: {text}"))?;
                }
            }
        }
    }
    if !context.json {
        let head = reader.head();
        let events = counted(head.events, "event", "events");
        out.line(&format!("head {} after {events}", head.head))?;
    }
    Ok(Exit::Done)
}
