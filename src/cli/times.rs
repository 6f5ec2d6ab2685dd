//! `clocks`: all the times that one item tells, side by side.

use crate::export::item::Teller;
use crate::parse::date;
use crate::route::{Time, times};
use crate::store::{Reader, StoreError};
use crate::types::json::Obj;
use crate::types::record::Record;
use crate::types::server::ServerState;
use crate::types::text::shown;
use crate::types::time::rfc3339_us;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::item::{with_mail, with_row};
use super::output::Out;
use super::table::pad;

/// A time that the container tells: outside the message, so its place counts in the container or is in the path.
struct Outside {
    clock: &'static str,
    what: String,
    us: i64,
    zone_known: bool,
}

pub(super) fn run(context: &Context, item: &str, out: &mut Out) -> Result<Exit, Failure> {
    with_row(context, item, |reader, catalog, row| {
        let inside = with_mail(reader, catalog, row, |mail| Ok(times(&mail)))?;
        let container = Teller::new(catalog).container(row)?;
        let mut outside = Vec::new();
        if row.part().is_none() {
            if let Some(separator) = separator(reader, row.key().segment(), row.container(), row.number())? {
                outside.extend(envelope(&separator));
            }
            if let Some(server) = &row.more(catalog)?.server {
                outside.extend(internal(server));
            }
            let path = container.path.display();
            let name = path.rsplit('/').next().unwrap_or_default();
            if container.kind == "maildir" {
                outside.extend(delivery(name));
            }
        }
        if context.json {
            return json(item, &inside, &outside, out);
        }
        let base = inside.iter().find(|time| time.clock == "date-header").map(|time| time.us);
        let line = |out: &mut Out,
                    clock: &str,
                    what: &str,
                    us: i64,
                    sure: bool,
                    place: &str|
         -> Result<(), Failure> {
            let apart = base.map(|base| format!("{:+} s", (us - base) / 1_000_000)).unwrap_or_default();
            let zone = if sure { "" } else { "  no zone, read as UTC" };
            out.line(&format!(
                "  {} {} {} {}  {place}{zone}",
                pad(clock, 22),
                pad(what, 24),
                pad(&rfc3339_us(us), 28),
                pad(&apart, 12)
            ))?;
            Ok(())
        };
        out.line("Clocks: each is its own; the last column but one counts from the Date header")?;
        for time in &outside {
            line(out, time.clock, &shown(&time.what), time.us, time.zone_known, "")?;
        }
        for time in &inside {
            let place = format!("bytes {}..{}", time.at.start(), time.at.end());
            line(out, time.clock, &shown(&time.what), time.us, time.zone_known, &place)?;
        }
        if base.is_none() {
            out.line("  there is no Date header that could be read")?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
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

/// The date of a `From ` line: written by the program that put the message into the mailbox, in its local time unless a zone stands there.
fn envelope(separator: &[u8]) -> Option<Outside> {
    let line = separator.strip_prefix(b"From ")?;
    let at = memchr::memchr(b' ', line)?;
    let read = date::date(line.get(at..)?.trim_ascii(), 0).value?;
    Some(Outside {
        clock: "mbox-separator",
        what: String::from_utf8_lossy(line.get(..at)?).into_owned(),
        us: read.utc.0.saturating_mul(1000),
        zone_known: read.zone_known,
    })
}

/// INTERNALDATE: written by the mail server when the message came into the mailbox, or by who put it there.
fn internal(server: &ServerState) -> Option<Outside> {
    let (at, _) = server.internal()?;
    let what = String::from_utf8_lossy(server.internal_date.as_deref()?).trim().to_owned();
    Some(Outside { clock: "imap-internaldate", what, us: at.0.saturating_mul(1000), zone_known: true })
}

/// The second at which a Maildir file was delivered: the first number of its name.
fn delivery(name: &str) -> Option<Outside> {
    let digits = name.split('.').next()?;
    let secs: i64 = digits.parse().ok().filter(|_| (9..=11).contains(&digits.len()))?;
    Some(Outside {
        clock: "maildir-delivery",
        what: name.chars().take(24).collect(),
        us: secs * 1_000_000,
        zone_known: true,
    })
}

fn json(item: &str, inside: &[Time], outside: &[Outside], out: &mut Out) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    o.str("item", item);
    let times = outside.iter().map(Err).chain(inside.iter().map(Ok));
    o.str("schema", "mailtrail.clocks/1");
    o.arr("times", times, |out, time| {
        let mut o = Obj::new(out);
        match time {
            Ok(time) => {
                o.str("clock", time.clock)
                    .uint("end", time.at.end())
                    .opt_int("offset_secs_east", time.offset_secs_east.map(i64::from));
                o.uint("start", time.at.start())
                    .int("step_us", time.step_us)
                    .str("time", &rfc3339_us(time.us))
                    .str("what", &time.what);
                o.bool("zone_known", time.zone_known);
            }
            Err(time) => {
                o.str("clock", time.clock).str("time", &rfc3339_us(time.us)).str("what", &time.what);
                o.bool("zone_known", time.zone_known);
            }
        }
        o.end();
    });
    o.end();
    line.push(b'\n');
    out.bytes(&line)?;
    Ok(())
}
