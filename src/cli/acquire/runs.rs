//! The acquisition log: each run with its books, and what changed on the server.

use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::cli::table::{fit, grouped};
use crate::store::{Event, Reader};
use crate::types::CustodyEventKind;
use crate::types::json::Value;
use crate::types::text::shown;
use crate::types::time::rfc3339;
use crate::view::{
    account_events, acquisition_event_json, event_folders, greeting_ahead_secs, greeting_clock, value_text,
};

use super::views::{Form, csv_line, names};

/// Columns of the books in the acquisition log.
const BOOKS: &[&str] = &["listed", "known", "taken", "excluded", "failed", "gone"];

pub(super) fn runs(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        let mut head = names(&[
            "event",
            "time",
            "outcome",
            "url",
            "folder",
            "path",
            "uid_validity",
            "uid_next",
            "exists",
            "unseen",
        ]);
        head.extend(names(BOOKS));
        head.extend(names(&[
            "stored",
            "bytes_stored",
            "balanced",
            "vanished",
            "flags_since",
            "flags_during",
            "begun",
            "label",
            "source",
            "newest_internal_date",
            "error",
        ]));
        csv_line(out, &head)?;
    }
    let mut any = false;
    let mut begun = String::new();
    account_events::<Failure>(reader, |event, data| {
        let kind = event.known_kind();
        let is_of_account = kind.is_some_and(CustodyEventKind::is_of_account);
        any |= is_of_account;
        if kind == Some(CustodyEventKind::AccountBegun) {
            begun.clone_from(&event.ts);
        }
        match form {
            Form::Json if is_of_account => out.json(&acquisition_event_json(event))?,
            Form::Csv if kind.is_some_and(CustodyEventKind::ends_account_run) => {
                run_csv(event, data, &begun, out)?;
            }
            Form::Table if is_of_account => run_table(event, data, out)?,
            _ => {}
        }
        Ok(())
    })?;
    if form == Form::Table && !any {
        out.line("nothing was acquired from an account")?;
    }
    Ok(())
}

/// A line for each folder of a run; a run that came to none, such as a refused sign-in, has one line all the same.
fn run_csv(event: &Event, data: &Value, begun: &str, out: &mut Out) -> Result<(), Failure> {
    let none = Value::Null;
    let mut list: Vec<&Value> = event_folders(data).collect();
    if list.is_empty() {
        list.push(&none);
    }
    for folder in list {
        // A list keeps no books: what earlier versions noted of their balance is no statement.
        let is_list = event.known_kind() == Some(CustodyEventKind::AccountListed);
        let of = |key: &str| {
            if is_list && key == "balanced" { String::new() } else { value_text(folder.get(key)) }
        };
        let of_run = |key: &str| value_text(data.get(key));
        let mut cells = vec![event.seq.to_string(), event.ts.clone(), event.kind.clone(), of_run("url")];
        cells.extend(["name", "path", "uid_validity", "uid_next", "exists", "unseen"].map(of));
        let books = folder.get("books");
        cells.extend(BOOKS.iter().map(|key| value_text(books.and_then(|books| books.get(*key)))));
        cells.extend(
            ["stored", "bytes_stored", "balanced", "vanished", "flags_since", "flags_during"].map(of),
        );
        cells.push(begun.to_owned());
        cells.extend(["label", "source", "newest_internal_date", "error"].map(of_run));
        csv_line(out, &cells)?;
    }
    Ok(())
}

pub(super) fn run_table(event: &Event, data: &Value, out: &mut Out) -> Result<(), Failure> {
    let of = |key: &str| shown(&value_text(data.get(key)));
    out.line(&format!("{:>5}  {}  {}  {}", event.seq, event.ts, shown(&event.kind), of("url")))?;
    if event.known_kind() == Some(CustodyEventKind::AccountSession) {
        out.line(&format!("         server {}, greeting {}", of("address"), of("greeting")))?;
        let said = of("server_id");
        let said = if said.is_empty() { said } else { format!("; the server calls itself {said}") };
        let mechanism = of("mechanism");
        let mechanism = if mechanism.is_empty() { "no mechanism".to_owned() } else { mechanism };
        out.line(&format!("         signed in by {mechanism}{said}"))?;
        if let Some(clock) = greeting_clock(data) {
            let ahead = greeting_ahead_secs(event, Some(clock)).unwrap_or_default();
            out.line(&format!(
                "         its greeting shows the time {}, {ahead} s ahead of ours",
                rfc3339(clock)
            ))?;
        }
        let tls = data.get("tls");
        let tls_of = |key: &str| shown(&value_text(tls.and_then(|tls| tls.get(key))));
        match tls {
            Some(_) => {
                let (version, cipher) = (tls_of("version"), tls_of("cipher"));
                out.line(&format!("         {version} {cipher}, trusted by {}", tls_of("trusted_by")))?;
                let leaf = tls.and_then(|tls| tls.get("chain")).and_then(|chain| chain.get(0));
                out.line(&format!("         certificate sha256 {}", shown(&value_text(leaf))))?;
            }
            None => out.line("         no TLS: the talk could be read on the way")?,
        }
        return Ok(());
    }
    if let Some(error) = data.get("error") {
        out.line(&format!("         ended by: {}", shown(&value_text(Some(error)))))?;
    }
    for folder in event_folders(data) {
        if event.known_kind() == Some(CustodyEventKind::AccountListed) {
            let number = |key: &str| folder.get(key).and_then(Value::as_u64).map(grouped);
            let mut told = vec![format!("messages {}", number("exists").unwrap_or_default())];
            told.extend(number("unseen").map(|n| format!("unseen {n}")));
            told.extend(number("bytes").map(|n| format!("bytes {n}")));
            out.line(&format!("         {}  {}", shown(&value_text(folder.get("name"))), told.join(", ")))?;
            continue;
        }
        let books = folder.get("books");
        let sums: Vec<String> = BOOKS
            .iter()
            .map(|key| {
                let number = books.and_then(|books| books.get(*key)).and_then(Value::as_u64);
                format!("{key} {}", number.map_or_else(|| "?".to_owned(), grouped))
            })
            .collect();
        let balanced = folder.get("balanced").and_then(Value::as_bool) == Some(true);
        let mark = if balanced { "" } else { "  DOES NOT BALANCE" };
        out.line(&format!("         {}  {}{mark}", shown(&value_text(folder.get("name"))), sums.join(", ")))?;
        if let Some(of) = folder.get("refetched") {
            let of = |key: &str| grouped(of.get(key).and_then(Value::as_u64).unwrap_or(0));
            let (alike, differ, failed) = (of("alike"), of("differ"), of("failed"));
            out.line(&format!(
                "           fetched again: {alike} the same, {differ} not, {failed} not to be had again"
            ))?;
        }
        for (key, what) in [
            ("vanished", "no longer there"),
            ("flags_since", "flags differ since"),
            ("flags_during", "flags changed during"),
        ] {
            if let Some(uids) = folder.get(key) {
                out.line(&format!("           {what}: UID {}", fit(&value_text(Some(uids)), 100)))?;
            }
        }
    }
    Ok(())
}
