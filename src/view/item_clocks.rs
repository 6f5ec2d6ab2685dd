//! All the times that one item tells, side by side: `mailtrail.clocks/1`.

use crate::catalog::{Catalog, Row};
use crate::export::item::Teller;
use crate::parse::{date, header};
use crate::route::{Mail, times};
use crate::store::{Reader, StoreError};
use crate::types::ByteRange;
use crate::types::json::Obj;
use crate::types::record::Record;
use crate::types::server::ServerState;
use crate::types::time::rfc3339_step;

use super::ViewError;
use super::way::read;

/// One time that an item tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemClock {
    /// Which clock it is, such as `date-header`.
    pub clock: &'static str,
    /// Who wrote it, or the words it was read from; text from evidence.
    pub what: String,
    /// The words that tell the time, as they stand; bytes of evidence.
    pub written: Vec<u8>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub us: i64,
    /// The unit in which the clock counts, in microseconds.
    pub step_us: i64,
    /// Whether the zone is known; without one the time was read as UTC.
    pub zone_known: bool,
    /// Seconds east of UTC, where an offset is written.
    pub offset_secs_east: Option<i32>,
    /// Why it may be no clock at all.
    pub doubt: Option<&'static str>,
    /// Where it stands in the message; `None` of a time that the container or its path tells.
    pub at: Option<ByteRange>,
}

impl ItemClock {
    /// The instant in RFC 3339, as finely as its clock counts and no finer.
    pub fn time(&self) -> String {
        rfc3339_step(self.us, self.step_us)
    }
}

/// The times of one item: those outside the message first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemClocks {
    /// The item.
    pub item: String,
    /// Its times.
    pub times: Vec<ItemClock>,
}

impl ItemClocks {
    /// Reads the times of an item.
    ///
    /// # Errors
    /// [`ViewError::Export`], [`ViewError::Store`], [`ViewError::Catalog`].
    pub fn of(reader: &Reader, catalog: &Catalog, row: &Row<'_>) -> Result<Self, ViewError> {
        let (message, facts) = read(reader, catalog, row)?;
        let header = header::read(&message).value;
        let inside = times(&Mail { message: &message, header: &header, facts: &facts });
        let container = Teller::new(catalog).container(row)?;
        let mut all = Vec::new();
        if row.part().is_none() {
            if let Some(separator) = separator(reader, row.key().segment(), row.container(), row.number())? {
                all.extend(envelope(&separator));
            }
            if let Some(server) = &row.more(catalog)?.server {
                all.extend(internal(server));
            }
            let path = container.path.display();
            let name = path.rsplit('/').next().unwrap_or_default();
            if container.kind == "maildir" {
                all.extend(delivery(name));
            }
        }
        all.extend(inside.into_iter().map(|time| ItemClock {
            clock: time.clock,
            what: time.what,
            written: time.at.of(&message).unwrap_or_default().to_vec(),
            us: time.us,
            step_us: time.step_us,
            zone_known: time.zone_known,
            offset_secs_east: time.offset_secs_east,
            doubt: time.doubt,
            at: Some(time.at),
        }));
        Ok(Self { item: catalog.item_id(row).to_string(), times: all })
    }

    /// The Date header, from which the others are counted.
    pub fn date_header(&self) -> Option<&ItemClock> {
        self.times.iter().find(|time| time.clock == "date-header")
    }

    /// The object `mailtrail.clocks/1`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut o = Obj::new(&mut out);
        o.str("item", &self.item).str("schema", "mailtrail.clocks/1");
        o.arr("times", &self.times, |out, time| {
            let mut o = Obj::new(out);
            o.str("clock", time.clock);
            if let Some(doubt) = time.doubt {
                o.str("doubt", doubt);
            }
            if let Some(at) = time.at {
                o.uint("end", at.end());
                o.opt_int("offset_secs_east", time.offset_secs_east.map(i64::from));
                o.uint("start", at.start());
            }
            o.int("step_us", time.step_us).str("time", &time.time()).str("what", &time.what);
            o.text("written", &time.written).bool("zone_known", time.zone_known);
            o.end();
        });
        o.end();
        out
    }
}

/// The separator before an item, from the ledger.
fn separator(
    reader: &Reader,
    segment: u32,
    container: u32,
    number: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    for record in reader.records(segment, 0)? {
        if let Record::Item(item) = record?.1
            && item.container == container
            && item.number == number
        {
            return Ok(Some(item.separator).filter(|separator| !separator.is_empty()));
        }
    }
    Ok(None)
}

/// The date of a `From ` line: written by the program that put the message into the mailbox, in its local time unless a
/// zone stands there.
fn envelope(separator: &[u8]) -> Option<ItemClock> {
    let line = separator.strip_prefix(b"From ")?;
    let at = memchr::memchr(b' ', line)?;
    let read = date::date(line.get(at..)?.trim_ascii(), 0).value?;
    Some(ItemClock {
        clock: "mbox-separator",
        what: String::from_utf8_lossy(line.get(..at)?).into_owned(),
        written: line.get(at..)?.trim_ascii().to_vec(),
        us: read.utc.0.saturating_mul(1000),
        zone_known: read.zone_known,
        step_us: 1_000_000,
        ..ItemClock::default()
    })
}

/// INTERNALDATE: written by the mail server when the message came into the mailbox, or by who put it there.
fn internal(server: &ServerState) -> Option<ItemClock> {
    let (at, _) = server.internal()?;
    let what = String::from_utf8_lossy(server.internal_date.as_deref()?).trim().to_owned();
    let written = server.internal_date.clone().unwrap_or_default();
    Some(ItemClock {
        clock: "imap-internaldate",
        what,
        written,
        us: at.0.saturating_mul(1000),
        zone_known: true,
        step_us: 1_000_000,
        ..ItemClock::default()
    })
}

/// The second at which a Maildir file was delivered: the first number of its name.
fn delivery(name: &str) -> Option<ItemClock> {
    let digits = name.split('.').next()?;
    let secs: i64 = digits.parse().ok().filter(|_| (9..=11).contains(&digits.len()))?;
    Some(ItemClock {
        clock: "maildir-delivery",
        what: name.chars().take(24).collect(),
        written: digits.as_bytes().to_vec(),
        us: secs * 1_000_000,
        zone_known: true,
        step_us: 1_000_000,
        ..ItemClock::default()
    })
}
