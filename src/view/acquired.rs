//! What was acquired from accounts, message by message: `mailtrail.acquired-item/1`.

use std::collections::HashMap;

use crate::store::{Reader, SegmentInfo};
use crate::types::json::{self, Obj};
use crate::types::record::{File, Record};
use crate::types::time::rfc3339;
use crate::types::{ContainerId, CustodyEvent, ItemId};

use super::ViewError;
use super::acquisitions::{account_events, account_of, account_records};

/// When the messages of a segment became durable: for each event of the custody log that says so, how many there were
/// then.
struct Durable(HashMap<u32, Vec<(u64, DurableSince)>>);

/// An event, and its time by our clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurableSince {
    /// The event.
    pub event: u64,
    /// Its time.
    pub time: String,
}

impl Durable {
    fn load(reader: &Reader) -> Result<Self, ViewError> {
        let mut all = Self(HashMap::new());
        account_events::<ViewError>(reader, |event, _| {
            if let Ok(CustodyEvent::ItemsCommitted(tally)) = event.read()
                && let Some(segment) = tally.segment
            {
                let commit = DurableSince { event: event.seq, time: event.ts.clone() };
                all.0.entry(segment).or_default().push((tally.items, commit));
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The first event by which the `nth` message of a segment, from 1, was durable.
    fn of(&self, segment: u32, nth: u64) -> Option<&DurableSince> {
        let list = self.0.get(&segment)?;
        let at = list.partition_point(|(items, _)| *items < nth);
        list.get(at).map(|(_, commit)| commit)
    }
}

/// A message that was taken from an account.
#[derive(Clone, Debug)]
pub struct AcquiredItem {
    /// Its id.
    pub item: String,
    /// The account, as a URL.
    pub account: String,
    /// The name of its folder for people.
    pub folder: String,
    /// Its line of the ledger, with what the server said of it.
    pub file: File,
    /// The event by which it was durable.
    pub committed: Option<DurableSince>,
}

/// Gives every message that was taken from an account, in the order of the ledger.
///
/// # Errors
/// [`ViewError::Store`], and what `give` says.
pub fn acquired_items<E: From<ViewError>>(
    reader: &Reader,
    mut give: impl FnMut(&AcquiredItem) -> Result<(), E>,
) -> Result<(), E> {
    let durable = Durable::load(reader)?;
    let (mut of, mut nth) = (None, 0u64);
    account_records(reader, |segment: &SegmentInfo, folder, record| {
        let Record::File(file) = record else { return Ok(()) };
        if of.replace(segment.number) != Some(segment.number) {
            nth = 0;
        }
        nth = nth.saturating_add(1);
        let container = ContainerId { source: segment.source(), number: file.container };
        give(&AcquiredItem {
            item: ItemId { container, number: 1, part: None }.to_string(),
            account: account_of(segment),
            folder: folder.to_owned(),
            file: file.clone(),
            committed: durable.of(segment.number, nth).cloned(),
        })
    })
}

impl AcquiredItem {
    /// The object `mailtrail.acquired-item/1`.
    pub fn to_json(&self) -> Vec<u8> {
        let Self { item, account, folder, file, committed } = self;
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.str("account", account).opt_uint("event", committed.as_ref().map(|commit| commit.event));
        o.str("folder", folder);
        let internal = file.server.as_ref().and_then(|server| server.internal());
        o.opt_str("internal_date_utc", internal.map(|(at, _)| rfc3339(at)).as_deref());
        o.str("item", item);
        if let Some(server) = file.server.as_ref().filter(|server| !server.gm_labels.is_empty()) {
            o.arr("labels", server.labels(), |out, label| json::string(out, &label));
        }
        o.text("path", file.path.as_bytes()).str("schema", "mailtrail.acquired-item/1");
        let mut said = Vec::new();
        file.server.as_deref().cloned().unwrap_or_default().write(&mut said);
        o.raw("server", &said).digest("sha256", &file.sha256).uint("size", file.size);
        o.opt_str("time", committed.as_ref().map(|commit| commit.time.as_str()));
        o.opt_uint("uid", file.uid).digest("wire_sha256", &file.wire);
        o.end();
        out
    }
}
