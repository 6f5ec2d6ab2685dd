//! The sign-ins of all acquisitions: whom we spoke to, what it said of itself, and its clock against ours.

use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::store::{Event, Reader};
use crate::types::CustodyEventKind;
use crate::types::json::Value;
use crate::types::text::{csv_cell, csv_number};
use crate::types::time::rfc3339;
use crate::view::{account_events, greeting_ahead_secs, greeting_clock, session_json, value_text};

use super::runs::run_table;
use super::views::{Form, csv_line, names};

const COLUMNS: &[&str] = &[
    "event",
    "time",
    "url",
    "address",
    "mechanism",
    "tls_version",
    "tls_cipher",
    "tls_trusted_by",
    "certificates",
    "greeting",
    "capabilities_before_tls",
    "capabilities_before_sign_in",
    "capabilities_after_sign_in",
    "server_id",
    "greeting_clock",
    "greeting_ahead_secs",
];

pub(super) fn sessions(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        csv_line(out, &names(COLUMNS))?;
    }
    let mut any = false;
    account_events::<Failure>(reader, |event, data| {
        if event.known_kind() != Some(CustodyEventKind::AccountSession) {
            return Ok(());
        }
        any = true;
        match form {
            Form::Table => run_table(event, data, out),
            Form::Csv => csv(event, data, out),
            Form::Json => Ok(out.json(&session_json(event, data))?),
        }
    })?;
    if form == Form::Table && !any {
        out.line("nobody signed in to an account")?;
    }
    Ok(())
}

fn csv(event: &Event, data: &Value, out: &mut Out) -> Result<(), Failure> {
    let of = |key: &str| value_text(data.get(key));
    let tls = data.get("tls");
    let tls_of = |key: &str| value_text(tls.and_then(|tls| tls.get(key)));
    let chain = tls.and_then(|tls| tls.get("chain")).and_then(Value::as_array).into_iter().flatten();
    let chain: Vec<String> = chain.map(|digest| value_text(Some(digest))).collect();
    let capabilities = |nth: usize| value_text(data.get("capabilities").and_then(|list| list.get(nth)));
    let clock = greeting_clock(data);
    let cells = [
        event.seq.to_string(),
        event.ts.clone(),
        of("url"),
        of("address"),
        of("mechanism"),
        tls_of("version"),
        tls_of("cipher"),
        tls_of("trusted_by"),
        chain.join(" "),
        of("greeting"),
        capabilities(0),
        capabilities(1),
        capabilities(2),
        of("server_id"),
        clock.map(rfc3339).unwrap_or_default(),
    ];
    let mut line: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    line.push(greeting_ahead_secs(event, clock).map_or_else(|| csv_cell(""), csv_number));
    out.bytes(format!("{}\r\n", line.join(",")).as_bytes())?;
    Ok(())
}
