//! `export`: hits as files with a manifest.

use crate::export::bundle::{Form, Order};
use crate::export::{HandedOut, export, write_failed};
use crate::types::json::Obj;
use crate::types::text::shown;

use super::args::ExportArgs;
use super::ask;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::handed::logged as logged_or_told;
use super::init::head_line;
use super::output::Out;
use super::search::{Opened, in_ledger_order, reservations};
use super::table::{counted, grouped, items};

pub(super) fn run(context: &Context, args: &ExportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let case = Opened::open(context.case()?)?;
    let query = ask::text(&args.query);
    if query.trim().is_empty() {
        return Err(Failure::usage("the query is empty").hint("`*` exports every item"));
    }
    let hits = in_ledger_order(&case, &query, None, &args.reading)?;
    reservations(context, &case, &hits)?;
    let keys = hits.keys;
    let form = if args.mbox {
        Form::Mbox
    } else if args.raw {
        Form::Raw
    } else {
        Form::Eml
    };
    let zone = args.reading.tz.as_deref().unwrap_or("UTC");
    let language = args.reading.language;
    let order = Order { keys: &keys, query: &query, language, zone, form, attachments: args.attachments };
    context.warn_if_nobody(case.reader.case_info()?.examiner.as_deref());
    let HandedOut { written, logged } = export(&case, &order, &args.to, &context.run())?;
    let totals = written.totals;
    if totals.items == 0 {
        context.notes.warning("the query finds nothing: the export has no item");
    }
    let logged = logged_or_told(context, "exported", logged);
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.uint("attachments", totals.attachments).uint("bytes", totals.bytes);
        write_failed(&mut o, &written.failed);
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
