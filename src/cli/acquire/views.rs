//! `acquisitions`: the acquisition log, the exception log, the downloaded-items list and the transcript, from the record alone.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::cli::table::{fit, grouped, pad};
use crate::store::restore::{BlobMap, Locate as _};
use crate::store::{Event, Reader, SegmentInfo, StoreError};
use crate::types::json::{self, Obj, Value};
use crate::types::record::{File, Record};
use crate::types::text::{csv_cell, shown};
use crate::types::time::rfc3339;
use crate::types::{ContainerId, CustodyEvent, CustodyEventKind, ItemId, Sha256Digest};

use super::args::AcquisitionsArgs;
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

/// Events about accounts, with their data.
pub(super) fn events(
    reader: &Reader,
    visit: &mut dyn FnMut(&Event, &Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for event in reader.custody()? {
        let (_, event) = event?;
        let kind = event.known_kind();
        if !kind.is_some_and(|kind| kind.is_of_account() || kind == CustodyEventKind::ItemsCommitted) {
            continue;
        }
        if let Some(data) = json::read(&event.data) {
            visit(&event, &data)?;
        }
    }
    Ok(())
}

/// Text of a value, whatever its form.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => match json::text_of(value) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => value.to_string(),
        },
    }
}

pub(super) fn csv_line(out: &mut Out, cells: &[String]) -> Result<(), Failure> {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    out.bytes(format!("{}\r\n", cells.join(",")).as_bytes())?;
    Ok(())
}

pub(super) fn names(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Walks what the ledger holds of accounts, with the name of the folder of each line.
pub(super) fn walk(
    reader: &Reader,
    visit: &mut dyn FnMut(&SegmentInfo, &str, &Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for segment in reader.segments()? {
        if segment.account.is_none() {
            continue;
        }
        let mut names: HashMap<Vec<u8>, String> = HashMap::new();
        for record in reader.records(segment.number, 0)? {
            let (_, record) = record?;
            let path = match &record {
                Record::Folder(folder) => {
                    names.insert(folder.path.as_bytes().to_vec(), folder.name.clone());
                    continue;
                }
                Record::File(file) => file.path.folder_of_account(),
                Record::Entry(entry) => entry.path.folder_of_account(),
                _ => continue,
            };
            let name = names.get(path).map_or("", String::as_str);
            visit(&segment, name, &record)?;
        }
    }
    Ok(())
}

pub(super) fn account_of(segment: &SegmentInfo) -> String {
    segment.account.as_ref().map(crate::types::record::Account::name).unwrap_or_default()
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
    let committed = Committed::load(reader)?;
    let (mut of, mut nth) = (None, 0u64);
    walk(reader, &mut |segment, folder, record| {
        let Record::File(file) = record else { return Ok(()) };
        if of.replace(segment.number) != Some(segment.number) {
            nth = 0;
        }
        nth = nth.saturating_add(1);
        let committed = committed.of(segment.number, nth);
        let container = ContainerId { source: segment.source(), number: file.container };
        let id = ItemId { container, number: 1, part: None }.to_string();
        match form {
            Form::Json => item_json(segment, folder, file, &id, committed, out),
            _ => item_row(segment, folder, file, &id, committed, form, out),
        }
    })
}

/// When the messages of a segment became durable: for each event of the custody log that says so, how many there were then.
struct Committed(HashMap<u32, Vec<(u64, Commit)>>);

/// An event, and its time by our clock.
#[derive(Clone)]
struct Commit {
    event: u64,
    time: String,
}

impl Committed {
    fn load(reader: &Reader) -> Result<Self, Failure> {
        let mut all = Self(HashMap::new());
        events(reader, &mut |event, _| {
            if let Ok(CustodyEvent::ItemsCommitted(tally)) = event.read()
                && let Some(segment) = tally.segment
            {
                let commit = Commit { event: event.seq, time: event.ts.clone() };
                all.0.entry(segment).or_default().push((tally.items, commit));
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The first event by which the `nth` message of a segment, from 1, was durable.
    fn of(&self, segment: u32, nth: u64) -> Option<&Commit> {
        let list = self.0.get(&segment)?;
        let at = list.partition_point(|(items, _)| *items < nth);
        list.get(at).map(|(_, commit)| commit)
    }
}

fn item_json(
    segment: &SegmentInfo,
    folder: &str,
    file: &File,
    id: &str,
    committed: Option<&Commit>,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    o.str("account", &account_of(segment)).opt_uint("event", committed.map(|commit| commit.event));
    o.str("folder", folder);
    let internal = file.server.as_ref().and_then(|server| server.internal());
    o.opt_str("internal_date_utc", internal.map(|(at, _)| rfc3339(at)).as_deref());
    o.str("item", id);
    if let Some(server) = file.server.as_ref().filter(|server| !server.gm_labels.is_empty()) {
        o.arr("labels", server.labels(), |out, label| json::string(out, &label));
    }
    o.text("path", file.path.as_bytes()).str("schema", "mailtrail.acquired-item/1");
    let mut said = Vec::new();
    file.server.as_deref().cloned().unwrap_or_default().write(&mut said);
    o.raw("server", &said).digest("sha256", &file.sha256).uint("size", file.size);
    o.opt_str("time", committed.map(|commit| commit.time.as_str()));
    o.opt_uint("uid", file.uid).digest("wire_sha256", &file.wire);
    o.end();
    line.push(b'\n');
    out.bytes(&line)?;
    Ok(())
}

fn item_row(
    segment: &SegmentInfo,
    folder: &str,
    file: &File,
    id: &str,
    committed: Option<&Commit>,
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
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
            id.to_owned(),
            account_of(segment),
            folder.to_owned(),
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
            committed.map(|commit| commit.event.to_string()).unwrap_or_default(),
            committed.map(|commit| commit.time.clone()).unwrap_or_default(),
        ],
    )
}

/// The bytes of one blob that an event names, checked against its digest.
fn blob(reader: &Reader, sha256: Sha256Digest, out: &mut Out) -> Result<Exit, Failure> {
    let mut is_named = false;
    events(reader, &mut |event, _| {
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
    events(reader, &mut |event, data| {
        if event.known_kind() == Some(CustodyEventKind::AccountBegun) {
            let line = format!("# event {}, {}, {}", event.seq, event.ts, shown(&text(data.get("url"))));
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
