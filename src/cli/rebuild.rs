//! `rebuild`: catalog and index anew from the record.

use crate::case::CaseWriter;
use crate::ingest::{self, Derived};
use crate::store::Reader;
use crate::types::json::Obj;

use super::args::RebuildArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::import::{Watcher, threads};
use super::init::head_line;
use super::output::Out;
use super::table::counted;

pub(super) fn run(context: &Context, args: &RebuildArgs, out: &mut Out) -> Result<Exit, Failure> {
    let dir = context.case()?;
    // The writer's lock keeps imports away; the record itself only gets the event.
    let mut case = CaseWriter::open(dir, &context.run())?;
    let reader = Reader::open(dir)?;
    let watcher =
        Watcher::new(context, reader.segments()?.iter().filter_map(|s| s.closed()).map(|c| c.bytes).sum())?;
    let mut derived = Derived::anew(case.store.layout())?;
    let items = ingest::catch_up(&reader, &mut derived, threads(args.threads), &watcher)?;
    derived.close()?;
    watcher.done();
    case.rebuilt(items)?;
    let head = case.close()?;
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.digest("head", &head.head).uint("items", items).str("schema", "mailtrail.rebuild/1");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else {
        out.line(&format!("made catalog and index anew from {}", counted(items, "item", "items")))?;
        out.line(&head_line(&head))?;
    }
    Ok(Exit::Done)
}
