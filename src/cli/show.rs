//! `show`: one item, for people, as JSON, or as exact bytes.

use crate::catalog::{Catalog, HopRow, NoteRow, PersonRow, Row};
use crate::export::ExportError;
use crate::export::item::Told;
use crate::export::message::{as_read, attachment, copy_raw, message, raw};
use crate::facts::derive::{Scratch, Seen, derive};
use crate::facts::protected_fields;
use crate::facts::{Role, TextPart, TextRole, Zone};
use crate::parse::header;
use crate::store::{Reader, StoreError};
use crate::types::text::{shown, shown_block};
use crate::types::time::{each_delay, rfc3339};
use crate::view::ItemView;

use super::args::ShowArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::hops::built;
use super::hops::{dated, delay};
use super::item::with_row;
use super::output::Out;
use super::table::{counted, grouped, pad};

pub(super) fn run(context: &Context, args: &ShowArgs, out: &mut Out) -> Result<Exit, Failure> {
    with_row(context, &args.item, |reader, catalog, row| one(context, args, reader, catalog, row, out))?;
    Ok(Exit::Done)
}

fn one(
    context: &Context,
    args: &ShowArgs,
    reader: &Reader,
    catalog: &Catalog,
    row: &Row<'_>,
    out: &mut Out,
) -> Result<(), Failure> {
    if args.raw || args.message {
        let bytes = if args.raw { raw(reader, catalog, row) } else { message(reader, catalog, row) };
        match bytes {
            Ok(bytes) => out.bytes(&bytes)?,
            Err(ExportError::Store(StoreError::TooLong { .. })) if args.raw => {
                out.flush()?;
                copy_raw(reader, catalog, row, &mut std::io::stdout().lock())?;
            }
            Err(error) => return Err(error.into()),
        }
        return Ok(());
    }
    let view = ItemView::of(reader, catalog, row)?;
    let told = &view.told;
    if let Some(number) = args.attachment {
        let file = number.checked_sub(1).and_then(|n| told.attachments.get(n)).ok_or_else(|| {
            let have = counted(told.attachments.len() as u64, "attachment", "attachments");
            Failure::new(format!("the item has no attachment {number}")).hint(format!("it has {have}"))
        })?;
        let read = as_read(reader, catalog, row)?;
        out.bytes(&attachment(&read, row, number, file)?)?;
        return Ok(());
    }
    if context.json {
        out.json(&view.to_json(row))?;
        return Ok(());
    }
    let message = match message(reader, catalog, row) {
        Ok(message) => Some(message),
        Err(ExportError::Store(StoreError::TooLong { .. })) => None,
        Err(error) => return Err(error.into()),
    };
    about(row, told, out)?;
    protected(message.as_deref(), out)?;
    same(view.same.as_deref(), out)?;
    if args.headers {
        headers(message.as_deref(), out)?;
    }
    hops(told, out)?;
    body(message.as_deref(), told, out)?;
    attachments(told, out)?;
    anomalies(told, out)
}

/// The fields of people that stand first, decoded.
const PEOPLE: &[(&str, Role)] = &[
    ("From", Role::From),
    ("Sender", Role::Sender),
    ("Reply-To", Role::ReplyTo),
    ("To", Role::To),
    ("Cc", Role::Cc),
    ("Bcc", Role::Bcc),
];

/// A person with the address first, which a display name cannot imitate.
fn person(person: &PersonRow) -> String {
    let address = shown(&person.address);
    if person.name.is_empty() { address } else { format!("{address} <{}>", shown(&person.name)) }
}

fn about(row: &Row<'_>, told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    let pair = |word: &str, value: &str| format!("{}{value}", pad(word, 12));
    out.line(&pair("item", &told.id.to_string()))?;
    out.line(&pair("Subject", &row.subject().map_or_else(|| "none".to_owned(), shown)))?;
    for (word, role) in PEOPLE {
        let named: Vec<String> =
            told.people.iter().filter(|person| person.role == *role).map(person).collect();
        if !named.is_empty() || *role == Role::From {
            let named = if named.is_empty() { "none".to_owned() } else { named.join(", ") };
            out.line(&pair(word, &named))?;
        }
    }
    let path = shown(&told.container.path.display());
    out.line(&pair("container", &format!("{} ({}) {path}", told.id.container, told.container.kind)))?;
    if let Some(folder) = &told.folder {
        out.line(&pair("folder", &shown(folder)))?;
    }
    let of = if row.part().is_some() { "of its parent's decoded bytes" } else { "of the container" };
    out.line(&pair(
        "bytes",
        &format!("{}..{} {of}, {} bytes", row.start(), row.end(), grouped(row.end() - row.start())),
    ))?;
    out.line(&pair("sha256", &told.digests.sha256.to_string()))?;
    out.line(&pair("wire sha256", &told.digests.wire.to_string()))?;
    if row.lines() > 0 {
        let lines = counted(row.lines(), "line", "lines");
        out.line(&pair("un-escaped", &format!("by rule {}, {lines} changed", row.rule().code())))?;
    }
    if let Some(mih) = row.mih() {
        out.line(&pair("EDRM MIH", &crate::types::digest::hex(&mih)))?;
    }
    if !told.more.state.is_empty() {
        let words: Vec<&str> = told.more.state.iter().map(|w| &**w).collect();
        out.line(&pair("state", &words.join(", ")))?;
    }
    server(told, out)?;
    let date = match (row.date(), row.zone()) {
        (Some(at), Some(zone)) => format!("{} (written with offset {zone:+} s)", rfc3339(at)),
        (Some(at), None) => format!("{} (zone not known, read as UTC)", rfc3339(at)),
        (None, _) => "none that could be read".to_owned(),
    };
    out.line(&pair("Date header", &date))?;
    Ok(())
}

/// Fields that a part protects and that differ from those of the message, beside which they are shown.
fn protected(message: Option<&[u8]>, out: &mut Out) -> Result<(), Failure> {
    let Some(message) = message else { return Ok(()) };
    for (part, name, text) in protected_fields(message) {
        let line = format!("{}{} of {}: {}", pad("protected", 12), shown(&name), shown(&part), shown(&text));
        out.line(&line)?;
    }
    Ok(())
}

fn same(ids: Option<&[String]>, out: &mut Out) -> Result<(), Failure> {
    for id in ids.into_iter().flatten() {
        out.line(&format!("{}same content (wire SHA-256) as {id}", pad("instances", 12)))?;
    }
    Ok(())
}

/// What the server said of it, for what was acquired from an account.
fn server(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    let Some(server) = &told.more.server else { return Ok(()) };
    let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes));
    let list = |words: &[Vec<u8>]| words.iter().map(|word| text(word)).collect::<Vec<_>>().join(" ");
    let mut said = Vec::new();
    if let Some(date) = &server.internal_date {
        let utc = server
            .internal()
            .map_or("no date that the standard and the calendar have".to_owned(), |(at, _)| rfc3339(at));
        said.push(("INTERNALDATE", format!("{} ({utc})", text(date))));
    }
    if !server.flags.is_empty() {
        said.push(("flags", list(&server.flags)));
    }
    if !server.gm_labels.is_empty() {
        // Side by side where the server writes it otherwise than people read it; quotes, because a label may hold
        // blanks.
        let label = |(raw, label): (&Vec<u8>, String)| {
            let raw = text(raw);
            let label = shown(&label);
            if raw == label { format!("\"{label}\"") } else { format!("\"{label}\" (written {raw})") }
        };
        let labels: Vec<_> = server.gm_labels.iter().zip(server.labels()).map(label).collect();
        said.push(("labels", labels.join(", ")));
    }
    let numbers = [
        ("size", server.size),
        ("X-GM-MSGID", server.gm_msgid),
        ("X-GM-THRID", server.gm_thrid),
        ("MODSEQ", server.modseq),
    ];
    said.extend(numbers.into_iter().filter_map(|(word, number)| Some((word, number?.to_string()))));
    let ids = [("EMAILID", &server.email_id), ("THREADID", &server.thread_id), ("UIDL", &server.uidl)];
    said.extend(ids.into_iter().filter_map(|(word, id)| Some((word, text(id.as_deref()?)))));
    for (word, value) in said {
        out.line(&format!("{}{word} {value}", pad("server", 12)))?;
    }
    Ok(())
}

/// Longest header value shown, in characters; `--raw` has all of it.
const MAX_VALUE: usize = 2000;

fn headers(message: Option<&[u8]>, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    out.line("Headers, as they stand: encoded words are not decoded, folded lines are joined")?;
    let Some(message) = message else {
        out.line("  too long to show; use --raw")?;
        return Ok(());
    };
    let header = header::read(message).value;
    for field in &header.fields {
        let value = String::from_utf8_lossy(&header::one_line(field.value)).into_owned();
        let mut text: String = shown(value.trim()).chars().take(MAX_VALUE).collect();
        if value.chars().count() > MAX_VALUE {
            text.push('…');
        }
        out.line(&format!("  {}: {text}", shown(&String::from_utf8_lossy(field.name))))?;
    }
    Ok(())
}

fn hops(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    out.line("")?;
    let total = told.more.hops_total.max(told.hops.len() as u64);
    out.line(&format!("Hops ({total}, oldest first; below your own servers they are the sender's claim)"))?;
    let text = |bytes: Option<&[u8]>| bytes.map(|b| shown(&String::from_utf8_lossy(&header::one_line(b))));
    let mut delays = vec![String::new(); told.hops.len()];
    let certain = |hop: &HopRow<'_>| hop.date.filter(|_| hop.zone_known).map(|at| at.0);
    each_delay(told.hops.iter().map(certain), |at, ms| delays[at] = format!(" ({})", delay(Some(ms))));
    for (n, (hop, delay)) in told.hops.iter().zip(&delays).enumerate().rev() {
        let HopRow { relay, .. } = hop;
        let date = dated(hop.date, hop.zone_known);
        let helo = text(relay.helo).map(|h| format!("helo {h}"));
        let rdns = text(relay.rdns).map(|r| format!("rdns {r}"));
        let ip = relay.peer_ip.map(|ip| format!("[{ip}]"));
        let mut from: Vec<String> = [helo, rdns, ip].into_iter().flatten().collect();
        if from.is_empty() {
            from.push(text(relay.from).unwrap_or_else(|| "-".to_owned()));
        }
        let by = text(relay.by).unwrap_or_else(|| "-".to_owned());
        out.line(&format!("  {n:>3}  {date}{delay}"))?;
        out.line(&format!("       from {} by {by}", from.join(" ")))?;
        let more: Vec<String> = [
            ("with", text(relay.with)),
            ("id", text(hop.id)),
            ("for", text(hop.for_)),
            ("user", text(hop.user)),
        ]
        .into_iter()
        .filter_map(|(word, value)| value.map(|value| format!("{word} {value}")))
        .collect();
        let tls = format!("tls {}", relay.tls);
        out.line(&format!(
            "       {}{tls}, {}",
            more.join(", ") + if more.is_empty() { "" } else { ", " },
            built(relay.grade, relay.family)
        ))?;
    }
    Ok(())
}

/// Most characters of text shown.
const MAX_TEXT: usize = 100_000;

fn body(message: Option<&[u8]>, told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    let Some(message) = message else { return Ok(()) };
    out.line("")?;
    out.line(
        "Text (made safe for the terminal; the lines that name a part are ours, text stands further in)",
    )?;
    let mut lines = Vec::new();
    let mut first = true;
    let mut room = MAX_TEXT;
    let mut is_cut = false;
    derive(message, &mut Scratch::default(), &mut |Seen { text, .. }| {
        // Messages inside it are items of their own.
        if !std::mem::take(&mut first) {
            return;
        }
        let mut last = None;
        let mut put = |line: String| {
            // An empty line is a line too: there may be millions of them.
            let left = room.checked_sub(line.chars().count().max(1));
            is_cut |= left.is_none();
            if let Some(left) = left.filter(|_| !is_cut) {
                room = left;
                lines.push(line);
            }
            !is_cut
        };
        for (n, (zone, range)) in text
            .stretches
            .iter()
            .enumerate()
            .filter(|(_, (zone, _))| matches!(zone, Zone::Body | Zone::Hidden))
        {
            let part = text.part_of(n);
            let of = (part.map(|p| p.first), *zone);
            if last.replace(of) != Some(of) && !put(format!("  {}", part_line(part, *zone, told))) {
                return;
            }
            // No more of it is made safe than can be shown.
            let piece = text.text.get(range.clone()).unwrap_or_default();
            let piece = piece.get(..piece.floor_char_boundary(4 * MAX_TEXT)).unwrap_or_default();
            if !shown_block(piece).lines().all(|line| put(format!("    {line}"))) {
                return;
            }
        }
    });
    for line in &lines {
        out.line(line)?;
    }
    if is_cut {
        out.line("  … cut here; use --message for all of it")?;
    }
    Ok(())
}

/// Which part some text is from, and what it is to the message.
fn part_line(part: Option<&TextPart>, zone: Zone, told: &Told<'_>) -> String {
    let Some(part) = part else { return "outside of all parts".to_owned() };
    // Parts of a child count in the child here, in the top message elsewhere.
    let above = told.id.part.as_ref().map(|p| format!("{p}.")).unwrap_or_default();
    let path = format!("{above}{}", part.path);
    let stated = if part.content_type.is_empty() { "no type stated" } else { &part.content_type };
    let mut line = match path.trim_end_matches('.') {
        "" => format!("the message itself, {}", shown(stated)),
        path => format!("part {}, {}", shown(path), shown(stated)),
    };
    match part.role {
        TextRole::Body => {}
        TextRole::File if part.name.is_empty() => line.push_str(", attachment"),
        TextRole::File => {
            line.push_str(", attachment ");
            line.push_str(&shown(&part.name));
        }
        TextRole::Around => line.push_str(", around its parts"),
    }
    if zone == Zone::Hidden && part.role != TextRole::Around {
        line.push_str(", hidden text");
    }
    line
}

fn attachments(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    if told.attachments.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line("Attachments (names are claims, never paths)")?;
    for (n, file) in told.attachments.iter().enumerate() {
        let name = if file.name.is_empty() { "-".to_owned() } else { shown(&file.name) };
        let size = grouped(file.size);
        out.line(&format!(
            "  {:>3}  part {}  {}  {size} bytes  {name}",
            n + 1,
            file.part,
            shown(&file.content_type)
        ))?;
        out.line(&format!("       sha256 {}", file.sha256))?;
    }
    Ok(())
}

/// Where an anomaly stands, and what its bytes count in; empty when it is of the whole.
pub(super) fn place(note: &NoteRow) -> String {
    let of = if note.of_source { "container" } else { "message" };
    note.at.map(|at| format!(" at bytes {}..{} of the {of}", at.start(), at.end())).unwrap_or_default()
}

fn anomalies(told: &Told<'_>, out: &mut Out) -> Result<(), Failure> {
    let unindexed = &told.more.not_indexed;
    let of_container = &told.container.notes;
    if told.notes.is_empty() && unindexed.is_empty() && of_container.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line("Anomalies (departures from a standard; no verdict)")?;
    for (note, of) in
        told.notes.iter().map(|n| (n, "")).chain(of_container.iter().map(|n| (n, " (of the container)")))
    {
        let at = place(note);
        let meaning = note.kind.map_or("", |kind| kind.meaning());
        out.line(&format!("  {}{of}{at}: {meaning}", note.code))?;
        if let Some(detail) = &note.detail {
            out.line(&format!("      {}", shown(detail)))?;
        }
    }
    for (part, reason) in unindexed {
        let part = if part.is_empty() { "all of it".to_owned() } else { format!("part {}", shown(part)) };
        out.line(&format!("  not indexed: {part} ({reason})"))?;
    }
    Ok(())
}
