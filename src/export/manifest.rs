//! The manifest: one object for the export, one for each item, and the same as CSV.
//!
//! Nothing in it differs from run to run: times, machine and custody head stand in `provenance.json`.

use std::collections::BTreeMap;

use crate::case::way::{self, HopStanding, ItemWay};
use crate::catalog::{NoteRow, Row};
use crate::facts::Role;
use crate::store::{Reader, StoreError};
use crate::types::digest::Sha256Stream;
use crate::types::json::Obj;
use crate::types::readers::ReaderVersions;
use crate::types::text::{csv_cell, csv_number};
use crate::types::time::rfc3339_marked;
use crate::types::{CustodyEvent, Sha256Digest};

use super::bundle::Order;
use super::item::Told;

/// Schema of the manifest's lines.
pub const SCHEMA: &str = "mailtrail.manifest/1";

/// Digests of the ledger that a manifest was made from.
#[derive(Debug)]
pub struct LedgerHead {
    /// For each segment: number, bytes, digest of the bytes.
    pub segments: Vec<(u32, u64, Sha256Digest)>,
    /// The readers that made each segment of a source, by its number; not those that no event names.
    pub readers: BTreeMap<u32, ReaderVersions>,
    /// Digest of all of them, one after the other.
    pub sha256: Sha256Digest,
}

impl LedgerHead {
    /// Reads the committed ledger.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read(reader: &Reader) -> Result<Self, StoreError> {
        let mut whole = Sha256Stream::new();
        let mut segments = Vec::new();
        for segment in reader.segments()? {
            let mut one = Sha256Stream::new();
            let mut lines = reader.ledger_lines(segment.number, 0)?;
            while let Some(line) = lines.next_line()? {
                for hash in [&mut one, &mut whole] {
                    hash.update(line.bytes);
                    hash.update(b"\n");
                }
            }
            segments.push((segment.number, segment.bytes, one.finish()));
        }
        let mut readers = BTreeMap::new();
        for event in reader.custody()? {
            let (_, event) = event?;
            if let Ok(CustodyEvent::SourceBegun { segment, readers: made_by, .. }) = event.read()
                && made_by != ReaderVersions::FIRST
            {
                readers.insert(segment, made_by);
            }
        }
        Ok(Self { segments, readers, sha256: whole.finish() })
    }
}

/// Totals of an export.
#[derive(Debug, Default, Clone, Copy)]
pub struct Totals {
    /// Items.
    pub items: u64,
    /// Of them messages inside messages.
    pub children: u64,
    /// Of them without a date that could be read.
    pub undated: u64,
    /// Bytes of the files of mail.
    pub bytes: u64,
    /// Attachments written.
    pub attachments: u64,
}

/// The first line of `manifest.jsonl`.
pub fn head(order: &Order<'_>, settings_event: Option<u64>, totals: &Totals, ledger: &LedgerHead) -> Vec<u8> {
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    o.uint("attachments", totals.attachments).uint("bytes", totals.bytes).uint("children", totals.children);
    o.str("clock_policy", way::CLOCK_POLICY);
    o.str("form", order.form.code()).uint("items", totals.items);
    o.arr("ledger", &ledger.segments, |out, (number, bytes, sha256)| {
        let mut o = Obj::new(out);
        o.uint("bytes", *bytes);
        if let Some(readers) = ledger.readers.get(number) {
            o.obj("readers", |o| readers.write(o));
        }
        o.uint("segment", u64::from(*number)).digest("sha256", sha256);
        o.end();
    });
    o.digest("ledger_sha256", &ledger.sha256);
    way::write_limits(&mut o);
    o.str("query", order.query).uint("query_language", order.language).str("query_zone", order.zone);
    way::write_rule_set(&mut o);
    o.str("schema", SCHEMA).opt_uint("settings_event", settings_event);
    o.str("type", "export").uint("undated", totals.undated);
    o.end();
    line.push(b'\n');
    line
}

/// Columns of `manifest.csv`.
pub const COLUMNS: &[&str] = &[
    "item",
    "file",
    "file_sha256",
    "sha256",
    "wire_sha256",
    "rule",
    "kind",
    "source",
    "container",
    "path",
    "start",
    "end",
    "size",
    "date",
    "date_offset_secs",
    "date_zone_known",
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "message_id",
    "mih",
    "hops",
    "attachments",
    "anomalies",
    "container_anomalies",
];

/// Columns that stand behind them in an export.
pub const WAY_COLUMNS: &[&str] = &["hops_trust", "findings"];

/// The line of column names; in an export with those of the way.
pub fn csv_head(with_way: bool) -> String {
    let way = WAY_COLUMNS.iter().filter(|_| with_way);
    let names: Vec<String> = COLUMNS.iter().chain(way).map(|name| csv_cell(name)).collect();
    format!("{}\r\n", names.join(","))
}

/// Who stands behind each hop, in the order of `hops`.
fn trust_cell(way: &ItemWay) -> String {
    let one = |hop: &HopStanding| match hop.disputed_by.as_slice() {
        [] => hop.trust.to_owned(),
        rules => format!("{} (disputed by {})", hop.trust, rules.join(", ")),
    };
    way.hops.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The rules that found something, each with its word.
fn findings_cell(way: &ItemWay) -> String {
    let mut all: Vec<String> =
        way.findings.iter().map(|one| format!("{} ({})", one.rule.id, one.rule.severity.word())).collect();
    all.dedup();
    all.join("; ")
}

/// The line of an export: [`csv_row`] and the cells of [`WAY_COLUMNS`].
pub fn csv_row_with_way(row: &str, way: Option<&ItemWay>) -> String {
    let cells = [way.map(trust_cell), way.map(findings_cell)];
    let cells: Vec<String> = cells.into_iter().map(|cell| csv_cell(&cell.unwrap_or_default())).collect();
    format!("{},{}\r\n", row.trim_end_matches(['\r', '\n']), cells.join(","))
}

/// One item as a line of CSV; lists are joined by `; `. The raw values are in the JSON lines.
pub fn csv_row(row: &Row<'_>, told: &Told<'_>, file: Option<(&str, &str, u64, &str)>) -> String {
    let people = |role: Role| {
        let all: Vec<String> = told
            .people
            .iter()
            .filter(|p| p.role == role)
            .map(|p| {
                if p.name.is_empty() { p.address.to_string() } else { format!("{} <{}>", p.name, p.address) }
            })
            .collect();
        all.join("; ")
    };
    let hops: Vec<String> = told
        .hops
        .iter()
        .map(|hop| {
            let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"?")).into_owned();
            let from = hop.relay.helo.or(hop.relay.rdns).or(hop.relay.from);
            let ip = hop.relay.peer_ip.map(|ip| format!(" [{ip}]")).unwrap_or_default();
            format!("{}{ip} -> {}", text(from), text(hop.relay.by))
        })
        .collect();
    let attachments: Vec<String> = told
        .attachments
        .iter()
        .map(|a| format!("{} ({} bytes, sha256 {})", a.name, a.size, a.sha256))
        .collect();
    let codes = |notes: &[NoteRow]| notes.iter().map(|n| n.code.to_string()).collect::<Vec<_>>().join("; ");
    let is_certain = told.more.zone_known;
    let cells = [
        told.id.to_string(),
        file.map(|f| f.0.to_owned()).unwrap_or_default(),
        file.map(|f| f.3.to_owned()).unwrap_or_default(),
        told.digests.sha256.to_string(),
        told.digests.wire.to_string(),
        row.rule().code().to_owned(),
        if row.part().is_some() { "child" } else { "message" }.to_owned(),
        told.id.container.source.to_string(),
        told.id.container.to_string(),
        told.container.path.display().into_owned(),
        row.start().to_string(),
        row.end().to_string(),
        (row.end() - row.start()).to_string(),
        row.date().map(|at| rfc3339_marked(at, is_certain, "")).unwrap_or_default(),
        String::new(), // date_offset_secs, below
        row.date().map(|_| if is_certain { "yes" } else { "no" }).unwrap_or_default().to_owned(),
        people(Role::From),
        people(Role::To),
        people(Role::Cc),
        people(Role::Bcc),
        row.subject().unwrap_or_default().to_owned(),
        String::from_utf8_lossy(row.message_id().unwrap_or_default()).into_owned(),
        row.mih().map(|mih| crate::types::digest::hex(&mih)).unwrap_or_default(),
        hops.join("; "),
        attachments.join("; "),
        codes(&told.notes),
        codes(&told.container.notes),
    ];
    let cells: Vec<String> = COLUMNS
        .iter()
        .zip(&cells)
        .map(|(column, cell)| match (*column, row.zone()) {
            // The only number that can be negative: it must not look like a formula to ourselves.
            ("date_offset_secs", Some(zone)) => csv_number(i64::from(zone)),
            _ => csv_cell(cell),
        })
        .collect();
    format!("{}\r\n", cells.join(","))
}
