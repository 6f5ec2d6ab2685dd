//! The exception log: what was listed and left, notices, books that do not balance.

use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::cli::table::pad;
use crate::store::Reader;
use crate::types::CustodyEventKind;
use crate::types::json::{Obj, Value};
use crate::types::record::{Entry, LEFT, Record};
use crate::types::text::shown;

use super::runs::folders;
use super::views::{Form, account_of, csv_line, events, names, text, walk};

/// One line of the exception log.
struct Exception {
    kind: String,
    account: String,
    folder: String,
    path: String,
    cause: String,
    /// Digest of the blob that was kept for it: another body of the message.
    kept: String,
    /// Whether the copy lacks something for it.
    is_partial: bool,
    /// The event that tells it, and its time.
    event: Option<(u64, String)>,
}

const EXCEPTION_COLUMNS: &[&str] =
    &["kind", "partial", "account", "folder", "path", "cause", "event", "time", "sha256"];

pub(super) fn exceptions(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        csv_line(out, &names(EXCEPTION_COLUMNS))?;
    }
    let mut any = false;
    walk(reader, &mut |segment, folder, record| {
        let Record::Entry(Entry { path, kind, note }) = record else { return Ok(()) };
        let meaning = LEFT.iter().find(|(code, _)| code == kind).map_or("", |(_, meaning)| *meaning);
        let note =
            note.as_deref().map(|note| format!(": {}", String::from_utf8_lossy(note))).unwrap_or_default();
        any = true;
        exception(
            &Exception {
                kind: kind.clone(),
                account: account_of(segment),
                folder: folder.to_owned(),
                path: path.display().into_owned(),
                cause: format!("{meaning}{note}"),
                kept: String::new(),
                is_partial: kind == "failed",
                event: None,
            },
            form,
            out,
        )
    })?;
    let mut url = String::new();
    events(reader, &mut |event, data| {
        if event.known_kind() == Some(CustodyEventKind::AccountBegun) {
            url = text(data.get("url"));
        }
        let at = Some((event.seq, event.ts.clone()));
        let new = |kind: &str, cause: String| Exception {
            kind: kind.to_owned(),
            account: url.clone(),
            folder: String::new(),
            path: String::new(),
            cause,
            kept: String::new(),
            is_partial: true,
            event: at.clone(),
        };
        let mut list = Vec::new();
        for notice in data.get("notices").and_then(Value::as_array).into_iter().flatten() {
            list.push(Exception {
                path: text(notice.get("path")),
                kept: text(notice.get("sha256")),
                is_partial: notice.get("partial").and_then(Value::as_bool) == Some(true),
                ..new(&text(notice.get("code")), text(notice.get("text")))
            });
        }
        if event.known_kind() != Some(CustodyEventKind::AccountListed) {
            for folder in folders(data).filter(|f| f.get("balanced").and_then(Value::as_bool) == Some(false))
            {
                let why = match folder.get("books") {
                    Some(books) => {
                        format!("the books do not balance: {books}, stored {}", text(folder.get("stored")))
                    }
                    None => "the folder was not read to its end".to_owned(),
                };
                let (folder, path) = (text(folder.get("name")), text(folder.get("path")));
                list.push(Exception { folder, path, ..new("unbalanced", why) });
            }
        }
        let is_stopped = event.known_kind() == Some(CustodyEventKind::AccountStopped);
        if let Some(error) = data.get("error").filter(|_| is_stopped) {
            list.push(new("stopped", text(Some(error))));
        }
        any |= !list.is_empty();
        list.iter().try_for_each(|one| exception(one, form, out))
    })?;
    if form == Form::Table && !any {
        out.line("no exception: everything that was listed is in the case")?;
    }
    Ok(())
}

fn exception(one: &Exception, form: Form, out: &mut Out) -> Result<(), Failure> {
    let (event, time) = one.event.clone().map(|(seq, ts)| (seq.to_string(), ts)).unwrap_or_default();
    match form {
        Form::Csv => csv_line(
            out,
            &[
                one.kind.clone(),
                if one.is_partial { "yes" } else { "no" }.to_owned(),
                one.account.clone(),
                one.folder.clone(),
                one.path.clone(),
                one.cause.clone(),
                event,
                time,
                one.kept.clone(),
            ],
        ),
        Form::Json => {
            let mut line = Vec::new();
            let mut o = Obj::new(&mut line);
            o.str("account", &one.account).str("cause", &one.cause);
            o.opt_uint("event", one.event.as_ref().map(|(seq, _)| *seq));
            o.str("folder", &one.folder).str("kind", &one.kind).bool("partial", one.is_partial);
            o.str("path", &one.path).str("schema", "mailtrail.acquisition-exception/1");
            o.opt_str("sha256", Some(one.kept.as_str()).filter(|kept| !kept.is_empty()));
            o.opt_str("time", one.event.as_ref().map(|(_, ts)| ts.as_str()));
            o.end();
            line.push(b'\n');
            out.bytes(&line)?;
            Ok(())
        }
        Form::Table => {
            let mark = if one.is_partial { "incomplete" } else { "" };
            // Of an exception that a later run has made good, the time is what tells so.
            let when = if event.is_empty() { String::new() } else { format!(" (event {event}, {time})") };
            out.line(&format!(
                "{}  {}  {}  {}{when}",
                pad(&shown(&one.kind), 22),
                pad(mark, 10),
                shown(if one.path.is_empty() { &one.account } else { &one.path }),
                shown(&one.cause)
            ))?;
            Ok(())
        }
    }
}
