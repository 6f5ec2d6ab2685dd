//! Acquisitions from accounts, from the record alone: runs, exceptions.

use std::collections::HashMap;

use crate::store::{Event, Reader, SegmentInfo};
use crate::types::CustodyEventKind;
use crate::types::json::{self, Obj, Value};
use crate::types::record::{Entry, LEFT, Record};

use super::ViewError;

/// Events about accounts, with their data.
///
/// # Errors
/// [`ViewError::Store`], and what `visit` says.
pub fn account_events<E: From<ViewError>>(
    reader: &Reader,
    mut visit: impl FnMut(&Event, &Value) -> Result<(), E>,
) -> Result<(), E> {
    for event in reader.custody().map_err(ViewError::from)? {
        let (_, event) = event.map_err(ViewError::from)?;
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
pub fn value_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => match json::text_of(value) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => value.to_string(),
        },
    }
}

/// Walks what the ledger holds of accounts, with the name of the folder of each line.
///
/// # Errors
/// [`ViewError::Store`], and what `visit` says.
pub(super) fn account_records<E: From<ViewError>>(
    reader: &Reader,
    mut visit: impl FnMut(&SegmentInfo, &str, &Record) -> Result<(), E>,
) -> Result<(), E> {
    for segment in reader.segments().map_err(ViewError::from)? {
        if segment.account.is_none() {
            continue;
        }
        let mut names: HashMap<Vec<u8>, String> = HashMap::new();
        for record in reader.records(segment.number, 0).map_err(ViewError::from)? {
            let (_, record) = record.map_err(ViewError::from)?;
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

/// The account of a segment, as a URL.
pub(super) fn account_of(segment: &SegmentInfo) -> String {
    segment.account.as_ref().map(crate::types::record::Account::name).unwrap_or_default()
}

/// The folders that an event tells of.
pub fn event_folders(data: &Value) -> impl Iterator<Item = &Value> {
    data.get("folders").and_then(Value::as_array).into_iter().flatten()
}

/// The object `mailtrail.acquisitions/1` of an event about an account.
pub fn acquisition_event_json(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    let mut o = Obj::new(&mut out);
    o.raw("data", &event.data).uint("event", event.seq);
    o.str("schema", "mailtrail.acquisitions/1").str("time", &event.ts).str("type", &event.kind);
    o.end();
    out
}

/// One line of the exception log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcquisitionException {
    /// Its code.
    pub kind: String,
    /// The account, as a URL.
    pub account: String,
    /// The folder's name for people; empty where it is of none.
    pub folder: String,
    /// The path in the account; empty where it is of none.
    pub path: String,
    /// Why, for people; text from evidence.
    pub cause: String,
    /// Digest of the blob that was kept for it: another body of the message.
    pub kept: String,
    /// Whether the copy lacks something for it.
    pub is_partial: bool,
    /// The event that tells it, and its time.
    pub event: Option<(u64, String)>,
}

/// Gives what was listed and left, then notices, books that do not balance and runs that were stopped, in the order of
/// the record.
///
/// # Errors
/// [`ViewError::Store`], and what `give` says.
pub fn acquisition_exceptions<E: From<ViewError>>(
    reader: &Reader,
    mut give: impl FnMut(&AcquisitionException) -> Result<(), E>,
) -> Result<(), E> {
    account_records(reader, |segment, folder, record| {
        let Record::Entry(Entry { path, kind, note }) = record else { return Ok(()) };
        let meaning = LEFT.iter().find(|(code, _)| code == kind).map_or("", |(_, meaning)| *meaning);
        let note =
            note.as_deref().map(|note| format!(": {}", String::from_utf8_lossy(note))).unwrap_or_default();
        give(&AcquisitionException {
            kind: kind.clone(),
            account: account_of(segment),
            folder: folder.to_owned(),
            path: path.display().into_owned(),
            cause: format!("{meaning}{note}"),
            kept: String::new(),
            is_partial: kind == "failed",
            event: None,
        })
    })?;
    let mut url = String::new();
    account_events(reader, |event, data| {
        if event.known_kind() == Some(CustodyEventKind::AccountBegun) {
            url = value_text(data.get("url"));
        }
        let at = Some((event.seq, event.ts.clone()));
        let new = |kind: &str, cause: String| AcquisitionException {
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
            list.push(AcquisitionException {
                path: value_text(notice.get("path")),
                kept: value_text(notice.get("sha256")),
                is_partial: notice.get("partial").and_then(Value::as_bool) == Some(true),
                ..new(&value_text(notice.get("code")), value_text(notice.get("text")))
            });
        }
        if event.known_kind() != Some(CustodyEventKind::AccountListed) {
            for folder in
                event_folders(data).filter(|f| f.get("balanced").and_then(Value::as_bool) == Some(false))
            {
                let why = match folder.get("books") {
                    Some(books) => {
                        format!(
                            "the books do not balance: {books}, stored {}",
                            value_text(folder.get("stored"))
                        )
                    }
                    None => "the folder was not read to its end".to_owned(),
                };
                let (folder, path) = (value_text(folder.get("name")), value_text(folder.get("path")));
                list.push(AcquisitionException { folder, path, ..new("unbalanced", why) });
            }
        }
        let is_stopped = event.known_kind() == Some(CustodyEventKind::AccountStopped);
        if let Some(error) = data.get("error").filter(|_| is_stopped) {
            list.push(new("stopped", value_text(Some(error))));
        }
        list.iter().try_for_each(&mut give)
    })
}

impl AcquisitionException {
    /// The object `mailtrail.acquisition-exception/1`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.str("account", &self.account).str("cause", &self.cause);
        o.opt_uint("event", self.event.as_ref().map(|(seq, _)| *seq));
        o.str("folder", &self.folder).str("kind", &self.kind).bool("partial", self.is_partial);
        o.str("path", &self.path).str("schema", "mailtrail.acquisition-exception/1");
        o.opt_str("sha256", Some(self.kept.as_str()).filter(|kept| !kept.is_empty()));
        o.opt_str("time", self.event.as_ref().map(|(_, ts)| ts.as_str()));
        o.end();
        out
    }
}
