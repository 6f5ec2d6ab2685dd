//! `export`: hits as files with a manifest.

use std::path::Path;

use crate::export::bundle::{Form, Order, Written, write};
use crate::types::CustodyEvent;
use crate::types::event::ExportTally;
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::types::time::rfc3339_us;

use super::args::ExportArgs;
use super::context::{self, Context};
use super::exit::Exit;
use super::failure::Failure;
use super::handed::{real, record};
use super::init::head_line;
use super::output::Out;
use super::search::{Opened, in_ledger_order, reservations};
use super::table::{counted, grouped, items};

pub(super) fn run(context: &Context, args: &ExportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let case = Opened::open(context.case()?)?;
    let query = args.query.join(" ");
    if query.trim().is_empty() {
        return Err(Failure::usage("the query is empty").hint("`*` exports every item"));
    }
    let hits = in_ledger_order(&case, &query, None, args.tz.as_deref())?;
    reservations(context, &case, &hits)?;
    let keys = hits.keys;
    let form = if args.mbox {
        Form::Mbox
    } else if args.raw {
        Form::Raw
    } else {
        Form::Eml
    };
    let order = Order { keys: &keys, query: &query, form, attachments: args.attachments };
    let run = context::run();
    let now = rfc3339_us(run.clock.now_us());
    let head = case.reader.head().clone();
    let info = case.reader.case_info()?;
    let written = write(&case.reader, &case.catalog, &order, &args.to, |manifest, failed| {
        let mut text = Vec::new();
        let mut o = Obj::new(&mut text);
        o.opt_str("authority", info.authority.as_deref()).str("case", &info.case);
        o.opt_str("case_name", info.name.as_deref()).opt_str("case_number", info.number.as_deref());
        o.uint("custody_events", head.events).digest("custody_head", &head.head);
        o.opt_str("examiner", info.examiner.as_deref()).str("exported", &now);
        list(&mut o, failed);
        o.digest("manifest_sha256", manifest).opt_str("organisation", info.organisation.as_deref());
        o.raw("run", &run.bytes()).str("schema", "mailtrail.provenance/1");
        o.end();
        text.push(b'\n');
        text
    })?;
    let totals = written.totals;
    if totals.items == 0 {
        context.notes.warning("the query finds nothing: the export has no item");
    }
    let logged = record(context, &event(&args.to, &order, &written), &run);
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.uint("attachments", totals.attachments).uint("bytes", totals.bytes);
        list(&mut o, &written.failed);
        match &logged {
            Some(head) => o.digest("head", &head.head),
            None => o.null("head"),
        };
        o.uint("items", totals.items).bool("logged", logged.is_some());
        if let Some(manifest) = &written.manifest {
            o.digest("manifest_sha256", manifest);
        }
        o.str("schema", "mailtrail.export/1");
        o.text("to", args.to.as_os_str().as_encoded_bytes()).uint("undated", totals.undated);
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else {
        let to = shown(&args.to.display().to_string());
        let items = items(totals.items, totals.children);
        out.line(&format!("exported {items}, {} bytes of mail, to {to}", grouped(totals.bytes)))?;
        if args.attachments {
            out.line(&format!("with {}", counted(totals.attachments, "attachment", "attachments")))?;
        }
        if let Some(manifest) = &written.manifest {
            out.line(&format!("manifest.jsonl {manifest}"))?;
        }
        out.line(&format!("check with: cd {to} && sha256sum -c SHA256SUMS"))?;
        if let Some(head) = &logged {
            out.line(&head_line(head))?;
        }
    }
    for (item, reason) in &written.failed {
        context.notes.warning(&format!("{item} was not written, or not all of it: {}", shown(reason)));
    }
    Ok(if written.failed.is_empty() { Exit::Done } else { Exit::Partial })
}

/// What the custody log holds of the export.
fn event(to: &Path, order: &Order<'_>, written: &Written) -> CustodyEvent {
    let totals = &written.totals;
    CustodyEvent::Exported(ExportTally {
        attachments: totals.attachments,
        bytes: totals.bytes,
        failed: written.failed.len() as u64,
        form: order.form.code().to_owned(),
        items: totals.items,
        manifest_sha256: written.manifest,
        query: order.query.to_owned(),
        to: real(to).as_os_str().as_encoded_bytes().to_vec(),
    })
}

/// What could not be written, and why.
fn list(o: &mut Obj<'_>, failed: &[(String, String)]) {
    o.arr("failed", failed, |out, (item, reason)| {
        let mut o = Obj::new(out);
        o.str("item", item).str("reason", reason);
        o.end();
    });
}
