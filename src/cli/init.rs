//! `init`: makes a case.

use crate::store::{CaseInfo, Writer};
use crate::types::json::Obj;

use super::args::InitArgs;
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Out;
use super::table::counted;

pub(super) fn run(context: &Context, args: InitArgs, out: &mut Out) -> Result<Exit, Failure> {
    let dir = context.case()?;
    let info = CaseInfo {
        name: args.name,
        number: args.number,
        examiner: context.examiner.clone(),
        organisation: args.organisation,
        authority: args.authority,
        notes: args.notes,
        ..CaseInfo::default()
    };
    context.warn_if_nobody(info.examiner.as_deref());
    let writer = Writer::create(dir, &info, &context.run())?;
    let head = writer.close()?;
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        o.str("case", &head.case).uint("events", head.events).digest("head", &head.head);
        o.str("schema", "mailtrail.init/1");
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
    } else {
        out.line(&format!("made case {} in {}", head.case, dir.display()))?;
        out.line(&head_line(&head))?;
    }
    Ok(Exit::Done)
}

/// The line that every writing command ends with.
pub(super) fn head_line(head: &crate::store::Head) -> String {
    let events = counted(head.events, "event", "events");
    format!("head {} after {events}: keep it outside the case", head.head)
}
