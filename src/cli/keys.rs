//! `keys`: puts key files into the case, and lists what they hold.

use std::os::unix::ffi::OsStrExt as _;

use crate::auth::{KeyEntry, KeyStore};
use crate::case::{add_key_file, keys};
use crate::store::Reader;
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::view::write_key_file;

use super::args::{KeysAdd, KeysArgs};
use super::auth::read_file;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::init::head_line;
use super::output::Out;
use super::table::counted;

pub(super) fn run(context: &Context, args: &KeysArgs, out: &mut Out) -> Result<Exit, Failure> {
    match args {
        KeysArgs::Add(add) => put(context, add, out),
        KeysArgs::Show => show(context, out),
    }
}

fn put(context: &Context, add: &KeysAdd, out: &mut Out) -> Result<Exit, Failure> {
    let (file, text) = read_file(&add.file)?;
    let sha256 = file.sha256;
    let mut store = KeyStore::default();
    let unread = store.add(file, &text);
    let records = store.entries().count() as u64;
    if records == 0 {
        return Err(Failure::new(format!("there is no key in {}", shown(&add.file.display().to_string())))
            .hint("a line is `selector._domainkey.example.org v=DKIM1; p=..`"));
    }
    let (path, note) = (add.file.as_os_str().as_bytes(), add.note.as_deref());
    let head = add_key_file(context.case()?, &context.run(), path, note, &text)?;
    if !unread.is_empty() {
        let lines: Vec<String> = unread.iter().take(5).map(u64::to_string).collect();
        let what = counted(unread.len() as u64, "line", "lines");
        context.notes.note(&format!("{what} could not be read: {}", lines.join(", ")));
    }
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.uint("events", head.events).digest("head", &head.head).uint("records", records);
        o.str("schema", "mailtrail.keys/1").digest("sha256", &sha256).uint("unread", unread.len() as u64);
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else {
        let what = counted(records, "key record", "key records");
        out.line(&format!("added {what} from {}", shown(&add.file.display().to_string())))?;
        out.line(&head_line(&head))?;
    }
    Ok(Exit::Done)
}

fn show(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let files = keys::files(&reader)?;
    let mut store = KeyStore::default();
    for (file, text) in &files {
        store.add(file.clone(), text);
    }
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.arr("files", &files, |out, (file, _)| {
            let mut o = Obj::new(out);
            write_key_file(&mut o, file);
            o.end();
        });
        o.arr("records", store.entries(), json);
        o.str("schema", "mailtrail.keys/1");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
        return Ok(Exit::Done);
    }
    for (file, _) in &files {
        let note = file.note.as_ref().map(|note| format!(", {}", shown(note))).unwrap_or_default();
        let added = file.added.as_deref().map(shown).unwrap_or_default();
        out.line(&format!("{} added {added}{note}", shown(&file.name)))?;
        out.line(&format!("  sha256 {}", file.sha256))?;
    }
    for entry in store.entries() {
        line(entry, out)?;
    }
    if store.entries().next().is_none() {
        out.line("the case has no keys")?;
    }
    Ok(Exit::Done)
}

fn state(entry: &KeyEntry) -> String {
    let kind = entry.record.kind.map_or("unknown kind", |kind| kind.code());
    match (&entry.text, &entry.record.key) {
        (None, _) => "no such key".to_owned(),
        (_, None) => "not readable".to_owned(),
        (_, Some(key)) if key.is_empty() => "revoked".to_owned(),
        (_, Some(_)) => kind.to_owned(),
    }
}

fn line(entry: &KeyEntry, out: &mut Out) -> Result<(), Failure> {
    let name = shown(&String::from_utf8_lossy(&entry.name));
    let why =
        if entry.provenance.is_empty() { String::new() } else { format!("  ({})", shown(&entry.provenance)) };
    out.line(&format!(
        "  {name}  {}  line {} of {}{why}",
        state(entry),
        entry.line,
        shown(&entry.file.name)
    ))?;
    Ok(())
}

fn json(out: &mut Vec<u8>, entry: &KeyEntry) {
    let mut o = Obj::new(out);
    o.obj("file", |o| write_key_file(o, &entry.file));
    o.uint("line", entry.line).text("name", &entry.name).str("provenance", &entry.provenance);
    match &entry.text {
        Some(text) => o.text("record", text),
        None => o.null("record"),
    };
    o.end();
}
