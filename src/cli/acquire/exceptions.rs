//! The exception log: what was listed and left, notices, books that do not balance.

use crate::cli::failure::Failure;
use crate::cli::output::Out;
use crate::cli::table::pad;
use crate::store::Reader;
use crate::types::text::shown;
use crate::view::{AcquisitionException, acquisition_exceptions};

use super::views::{Form, csv_line, names};

const EXCEPTION_COLUMNS: &[&str] =
    &["kind", "partial", "account", "folder", "path", "cause", "event", "time", "sha256"];

pub(super) fn exceptions(reader: &Reader, form: Form, out: &mut Out) -> Result<(), Failure> {
    if form == Form::Csv {
        csv_line(out, &names(EXCEPTION_COLUMNS))?;
    }
    let mut any = false;
    acquisition_exceptions::<Failure>(reader, |one| {
        any = true;
        exception(one, form, out)
    })?;
    if form == Form::Table && !any {
        out.line("no exception: everything that was listed is in the case")?;
    }
    Ok(())
}

fn exception(one: &AcquisitionException, form: Form, out: &mut Out) -> Result<(), Failure> {
    let (event, time) = one.event.clone().map(|(seq, ts)| (seq.to_string(), ts)).unwrap_or_default();
    match form {
        Form::Csv => csv_line(
            out,
            &[
                one.kind.clone(),
                if one.is_partial { "yes" } else { "no" }.to_owned(),
                one.account.clone(),
                one.folder.clone(),
                one.path.clone(),
                one.cause.clone(),
                event,
                time,
                one.kept.clone(),
            ],
        ),
        Form::Json => Ok(out.json(&one.to_json())?),
        Form::Table => {
            let mark = if one.is_partial { "incomplete" } else { "" };
            // Of an exception that a later run has made good, the time is what tells so.
            let when = if event.is_empty() { String::new() } else { format!(" (event {event}, {time})") };
            out.line(&format!(
                "{}  {}  {}  {}{when}",
                pad(&shown(&one.kind), 22),
                pad(mark, 10),
                shown(if one.path.is_empty() { &one.account } else { &one.path }),
                shown(&one.cause)
            ))?;
            Ok(())
        }
    }
}
