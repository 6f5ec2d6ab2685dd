//! `log`: the custody log.

use std::fmt::Write as _;

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
            let examiner = word("examiner");
            let examiner = if examiner.is_empty() { examiner } else { format!(", examiner {examiner}") };
            out.line(&format!(
                "         by {} {} on {} ({who}){examiner}",
                word("tool"),
                word("version"),
                word("host")
            ))?;
            if let Some(words) = run.get("command_line").and_then(json::Value::as_array) {
                let line: Vec<String> =
                    words.iter().map(|word| quoted(&json::text_of(word).unwrap_or_default())).collect();
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

/// A word of a command line as a shell needs it: plain words as they are, others between `'`, and what has control
/// characters or is no UTF-8 as `$'..'`, which bash, zsh and ksh read.
fn quoted(word: &[u8]) -> String {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(b);
    match std::str::from_utf8(word) {
        Ok(text) if !word.is_empty() && word.iter().all(is_plain) => text.to_owned(),
        // What a terminal could take for something else is written by its bytes.
        Ok(text) if shown(text) == text => format!("'{}'", text.replace('\'', "'\\''")),
        _ => {
            let mut out = "$'".to_owned();
            for &byte in word {
                match byte {
                    b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
                    b' '..=b'~' => out.push(char::from(byte)),
                    _ => drop(write!(out, "\\x{byte:02x}")),
                }
            }
            out.push('\'');
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_quoted_as_a_shell_needs_it() {
        for (word, want) in [
            (&b"--to"[..], "--to"),
            (b"", "''"),
            (b"from:a b", "'from:a b'"),
            (b"it's", r"'it'\''s'"),
            ("Müller".as_bytes(), "'Müller'"),
            (b"$(x)", "'$(x)'"),
            (b"a\x1b[2J\xff", r"$'a\x1b[2J\xff'"),
            (b"a\n'", r"$'a\x0a\''"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }
}
