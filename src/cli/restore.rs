//! `restore`: an original file or folder tree, byte for byte.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::export::restore::Rebuilt;
use crate::export::{HandedOut, RestoreId, restore_original};
use crate::store::Reader;
use crate::types::json::{self, Obj};
use crate::types::record::LEFT;
use crate::types::text::shown;
use crate::types::{ContainerId, SourceId};

use super::args::RestoreArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::handed::logged as logged_or_told;
use super::init::head_line;
use super::output::Out;
use super::table::{counted, grouped};

pub(super) fn run(context: &Context, args: &RestoreArgs, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let id = if let Ok(id) = args.id.parse::<ContainerId>() {
        RestoreId::Container(id)
    } else if let Ok(id) = args.id.parse::<SourceId>() {
        RestoreId::Source(id)
    } else {
        return Err(Failure::usage(format!("{:?} is no id of a container or source", args.id))
            .hint("ids look like 5f0c2a9be4d17788-3 (a file) or 5f0c2a9be4d17788 (a folder tree)"));
    };
    let HandedOut { written: rebuilt, logged } = restore_original(&reader, id, &args.to, &context.run())?;
    let is_exact = rebuilt.inexact.is_empty();
    let logged = logged_or_told(context, "restored", logged);
    let list = if rebuilt.renamed.is_empty() { None } else { Some(names_list(&args.to, &rebuilt)?) };
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.uint("bytes", rebuilt.bytes).opt_uint("events", logged.as_ref().map(|head| head.events));
        o.bool("exact", is_exact).uint("files", rebuilt.files);
        match &logged {
            Some(head) => o.digest("head", &head.head),
            None => o.null("head"),
        };
        o.arr("inexact", &rebuilt.inexact, |out, path| json::text(out, path.as_bytes()));
        o.arr("left_out", &rebuilt.left_out, |out, (path, kind)| {
            let mut o = Obj::new(out);
            o.text("path", path.as_bytes()).str("type", kind);
            o.end();
        });
        o.bool("logged", logged.is_some());
        if let Some(list) = &list {
            o.text("names", list.as_os_str().as_encoded_bytes());
        }
        o.uint("renamed", rebuilt.renamed.len() as u64).str("schema", "mailtrail.restore/1");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else {
        let files = counted(rebuilt.files, "file", "files");
        out.line(&format!(
            "restored {files}, {} bytes, to {}",
            grouped(rebuilt.bytes),
            shown(&args.to.display().to_string())
        ))?;
        if let Some(list) = &list {
            out.line(&format!(
                "{} too long for a disk: what they are called there, and what in the record, is listed in {}",
                counted(rebuilt.renamed.len() as u64, "path", "paths"),
                shown(&list.display().to_string())
            ))?;
        }
        for (path, kind) in &rebuilt.left_out {
            let path = shown(&path.display());
            context.notes.note(&match LEFT.iter().find(|(left, _)| left == kind) {
                Some((_, meaning)) => format!("note: {path} is not in the case: {meaning}"),
                None => format!("note: {path} is a {kind} and was not made again"),
            });
        }
        for path in &rebuilt.inexact {
            out.line(&format!(
                "mismatch: {} does not have the digest of the ledger",
                shown(&path.display())
            ))?;
        }
        if let Some(head) = &logged {
            out.line(&head_line(head))?;
        }
    }
    Ok(if is_exact { Exit::Done } else { Exit::Mismatch })
}

/// Writes beside the restored folder, never into it, what is called otherwise there; says where.
fn names_list(to: &Path, rebuilt: &Rebuilt) -> Result<PathBuf, Failure> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".names.jsonl");
    let path = to.with_file_name(name);
    let mut text = Vec::new();
    for (recorded, restored) in &rebuilt.renamed {
        let mut o = Obj::new(&mut text);
        o.text("path", recorded.as_bytes()).text("restored", restored.as_bytes());
        o.str("schema", "mailtrail.restored-name/1");
        o.end();
        text.push(b'\n');
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    match file.and_then(|mut file| file.write_all(&text)) {
        Ok(()) => Ok(path),
        Err(error) => Err(Failure::new(format!("cannot write {}: {error}", path.display())).hint(
            "the files are restored; this list says which of them are called otherwise than in the record",
        )),
    }
}
