//! `acquisitions`: the acquisition log, the exception log, the downloaded-items list and the transcript, from the
//! record alone.

use std::borrow::Cow;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::cli::table::{fit, grouped, pad};
use crate::store::restore::{BlobMap, Locate as _};
use crate::store::{Reader, StoreError};
use crate::types::json::Value;
use crate::types::text::{csv_cell, shown};
use crate::types::time::rfc3339;
use crate::types::{CustodyEventKind, Sha256Digest};
use crate::view::{AcquiredItem, account_events, acquired_items, value_text};

use super::views_args::AcquisitionsArgs;
use super::{exceptions, runs, sessions};

pub(in crate::cli) fn run(
    context: &Context,
    args: &AcquisitionsArgs,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    if args.transcript {
        return transcript(&reader, out);
    }
    if let Some(sha256) = args.blob {
        return blob(&reader, sha256, out);
    }
    let form = if context.json {
        Form::Json
    } else if args.csv {
        Form::Csv
    } else {
        Form::Table
    };
    if args.items {
        items(&reader, form, out)?;
    } else if args.exceptions {
        exceptions::exceptions(&reader, form, out)?;
    } else if args.sessions {
        sessions::sessions(&reader, form, out)?;
    } else {
        runs::runs(&reader, form, out)?;
    }
    Ok(Exit::Done)
}

/// How it is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Json,
    Csv,
}

pub(super) fn csv_line(out: &mut Out, cells: &[String]) -> Result<(), Failure> {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    out.bytes(format!("{}\r\n", cells.join(",")).as_bytes())?;
    Ok(())
}

pub(super) fn names(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const ITEM_COLUMNS: &[&str] = &[
    "item",
    "account",
    "folder",
    "uid",
    "uidl",
    "internal_date",
    "internal_date_utc",
    "flags",
    "labels",
    "labels_raw",
    "size_announced",
    "size",
    "sha256",
    "wire_sha256",
    "path",
    "email_id",
    "thread_id",
    "gm_msgid",
    "gm_thrid",
    "event",
    "time",
];

fn items(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    match form {
        Form::Csv => csv_line(out, &names(ITEM_COLUMNS))?,
        Form::Table => {
            let head = [pad("ITEM", 26), pad("UID", 8), pad("INTERNALDATE (UTC)", 20), pad("BYTES", 12)];
            out.line(&format!("{}  {}  FOLDER", head.join("  "), pad("FLAGS", 24)))?;
        }
        Form::Json => {}
    }
    acquired_items::<Failure>(reader, |item| match form {
        Form::Json => Ok(out.json(&item.to_json())?),
        _ => item_row(item, form, out),
    })
}

fn item_row(item: &AcquiredItem, form: Form, out: &mut Out) -> Result<(), Failure> {
    let AcquiredItem { item: id, account, folder, file, committed } = item;
    let server = file.server.as_deref().cloned().unwrap_or_default();
    let words = |list: &[Vec<u8>]| {
        let list: Vec<_> = list.iter().map(|word| String::from_utf8_lossy(word)).collect();
        list.join(" ")
    };
    let raw =
        |bytes: &Option<Vec<u8>>| String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    let uid = file.uid.map(|uid| uid.to_string()).unwrap_or_default();
    let utc = server.internal().map(|(at, _)| rfc3339(at)).unwrap_or_default();
    let flags = words(&server.flags);
    if form == Form::Table {
        let cells = [pad(id, 26), pad(&uid, 8), pad(&utc, 20), pad(&grouped(file.size), 12)];
        out.line(&format!("{}  {}  {}", cells.join("  "), pad(&fit(&flags, 24), 24), shown(folder)))?;
        return Ok(());
    }
    csv_line(
        out,
        &[
            id.clone(),
            account.clone(),
            folder.clone(),
            uid,
            raw(&server.uidl),
            raw(&server.internal_date),
            utc,
            flags,
            quoted_list(server.labels().iter().map(|label| Cow::Borrowed(label.as_str()))),
            quoted_list(server.gm_labels.iter().map(|label| String::from_utf8_lossy(label))),
            server.size.map(|size| size.to_string()).unwrap_or_default(),
            file.size.to_string(),
            file.sha256.to_string(),
            file.wire.to_string(),
            file.path.display().into_owned(),
            raw(&server.email_id),
            raw(&server.thread_id),
            server.gm_msgid.map(|id| id.to_string()).unwrap_or_default(),
            server.gm_thrid.map(|id| id.to_string()).unwrap_or_default(),
            committed.as_ref().map(|commit| commit.event.to_string()).unwrap_or_default(),
            committed.as_ref().map(|commit| commit.time.clone()).unwrap_or_default(),
        ],
    )
}

/// The bytes of one blob that an event names, checked against its digest.
fn blob(reader: &Reader, sha256: Sha256Digest, out: &mut Out) -> Result<Exit, Failure> {
    let mut is_named = false;
    account_events::<Failure>(reader, |event, _| {
        is_named |= event.blobs().iter().any(|(named, _)| *named == sha256);
        Ok(())
    })?;
    if !is_named {
        return Err(Failure::new(format!("no event of an acquisition names a blob {sha256}")).hint(
            "`mailtrail acquisitions --exceptions` names other bodies, `mailtrail custody --json` all of `blobs`; `mailtrail show ITEM --raw` gives a message",
        ));
    }
    let at = BlobMap::load(reader)?.locate(&sha256).ok_or(StoreError::BlobMissing { sha256 })?;
    out.bytes(&reader.blob(&at)?)?;
    Ok(Exit::Done)
}

/// Labels, which may hold blanks, each between quotes; `"` and `\` in them behind a `\`.
fn quoted_list<'a>(labels: impl Iterator<Item = Cow<'a, str>>) -> String {
    let quoted = |label: Cow<'_, str>| format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\""));
    labels.map(quoted).collect::<Vec<_>>().join(" ")
}

/// Copies the talk of all runs, piece by piece, each checked against its digest.
fn transcript(reader: &Reader, out: &mut Out) -> Result<Exit, Failure> {
    let map = BlobMap::load(reader)?;
    account_events::<Failure>(reader, |event, data| {
        if event.known_kind() == Some(CustodyEventKind::AccountBegun) {
            let line =
                format!("# event {}, {}, {}", event.seq, event.ts, shown(&value_text(data.get("url"))));
            out.line(&line)?;
        }
        for blob in data.get("blobs").and_then(Value::as_array).into_iter().flatten() {
            if blob.get(2).and_then(Value::as_str) != Some("transcript") {
                continue;
            }
            let sha256 = blob.get(0).and_then(Value::as_str).and_then(|hex| hex.parse::<Sha256Digest>().ok());
            let Some(sha256) = sha256 else { continue };
            let at = map.locate(&sha256).ok_or(StoreError::BlobMissing { sha256 })?;
            out.bytes(&reader.blob(&at)?)?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
