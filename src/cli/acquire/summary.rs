//! What is said at the end of an acquisition, and the list of folders.

use crate::acquire::{AcquireError, Folder, Order, Session, Told};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::init::head_line;
use crate::cli::output::Out;
use crate::cli::table::{counted, fit, grouped, pad};
use crate::ingest::Totals;
use crate::ingest::account::{Acquired, FolderSeen, sum, uid_set, url, write_refetched};
use crate::store::Head;
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::types::time::rfc3339;

use super::watch::SCHEMA;

/// Tells how it ended.
pub(super) fn tell(
    context: &Context,
    order: &Order,
    acquired: &Acquired,
    head: Option<&Head>,
    out: &mut Out,
) -> Result<(), Failure> {
    if context.json {
        return json(order, acquired, head, out);
    }
    if order.list_only {
        let listing = Listing {
            session: None,
            folders: acquired.folders.iter().map(|seen| seen.folder.clone()).collect(),
            notices: acquired.notices,
        };
        listing.print(out)?;
    } else {
        people(context, order, acquired, out)?;
    }
    if let Some(head) = head {
        out.line(&head_line(head))?;
    }
    Ok(())
}

fn people(context: &Context, order: &Order, acquired: &Acquired, out: &mut Out) -> Result<(), Failure> {
    let from = shown(&url(&order.account));
    let totals = &acquired.totals;
    let known: u64 = acquired.folders.iter().filter_map(|seen| seen.books.as_ref()).map(|b| b.known).sum();
    let folders = counted(acquired.folders.len() as u64, "folder", "folders");
    let listed: u64 = acquired.folders.iter().map(FolderSeen::listed).sum();
    let listed = counted(listed, "message", "messages");
    // Of what was not listed, by a rule or since it is gone, the case may have more: nothing is said of that here.
    let had = format!("{listed} listed, of which the case had {} before", grouped(known));
    if acquired.ended.is_err() && acquired.folders.is_empty() {
        out.line(&format!("acquired nothing from {from}"))?;
    } else if acquired.segment.is_none() && acquired.ended.is_ok() {
        out.line(&format!("nothing new in {folders} of {from}: {had}"))?;
    } else {
        out.line(&format!(
            "acquired {} ({} bytes) of {folders} from {from}: {had}",
            counted(totals.items, "message", "messages"),
            grouped(totals.bytes),
        ))?;
    }
    if acquired.is_resumed {
        let whole = if acquired.ended.is_ok() { ", and ended it" } else { "" };
        out.line(&format!("this went on with a run that was cut off{whole}"))?;
    }
    if let Some(source) = &acquired.source {
        out.line(&format!("source {source}"))?;
    }
    for (number, what) in
        [(acquired.excluded, "excluded by rule"), (acquired.gone, "gone before they were fetched")]
    {
        if number > 0 {
            let messages = counted(number, "message", "messages");
            out.line(&format!(
                "left on the server: {messages} {what}; `mailtrail acquisitions --exceptions` lists them"
            ))?;
        }
    }
    refetched(acquired, out)?;
    since(acquired, order.account.scheme.is_imap(), out)?;
    if acquired.failed > 0 {
        context.notes.warning(&format!(
            "{} could not be taken; `mailtrail acquisitions --exceptions` says why",
            counted(acquired.failed, "message", "messages")
        ));
    }
    for seen in acquired.folders.iter().filter(|seen| !seen.is_balanced()) {
        context.notes.warning(&unbalanced(seen));
    }
    Ok(())
}

/// In words, what the books of a folder lack.
pub(super) fn unbalanced(seen: &FolderSeen) -> String {
    let name = shown(&seen.folder.name);
    match &seen.books {
        None => format!("folder {name} was not read to its end"),
        Some(books) => format!(
            "the books of folder {name} do not balance: listed {} = known {} + taken {} + excluded {} + failed {} + gone {} is {}; stored {}",
            books.listed,
            books.known,
            books.taken,
            books.excluded,
            books.failed,
            books.gone,
            sum(books),
            seen.stored
        ),
    }
}

/// What came of fetching the messages of this run a second time.
fn refetched(acquired: &Acquired, out: &mut Out) -> Result<(), Failure> {
    let Some(of) = &acquired.refetched else { return Ok(()) };
    let all = of.all();
    out.line(&format!(
        "{} of {} were the same when fetched again",
        grouped(of.alike),
        counted(all, "message", "messages")
    ))?;
    for (number, what) in [(of.differ, "differed when fetched again"), (of.failed, "could not be had again")]
    {
        if number > 0 {
            let messages = counted(number, "message", "messages");
            out.line(&format!("{messages} {what}; `mailtrail acquisitions --exceptions` names them"))?;
        }
    }
    Ok(())
}

/// What changed on the server since earlier runs, and during this one.
fn since(acquired: &Acquired, is_imap: bool, out: &mut Out) -> Result<(), Failure> {
    for lost in &acquired.lost {
        out.line(&format!("changed: {}", lost.text))?;
    }
    for seen in &acquired.folders {
        let Some(books) = &seen.books else { continue };
        let name = shown(&seen.folder.name);
        // In the first run all is new, which needs no line for each folder.
        let is_first = acquired.folders.iter().filter_map(|seen| seen.books.as_ref()).all(|b| b.known == 0);
        // In a run that goes on with another, what that one had not come to is not new on the server.
        if seen.stored > 0 && !is_first && !acquired.is_resumed {
            out.line(&format!(
                "changed: {name}: {} new",
                counted(seen.stored, "message is", "messages are")
            ))?;
        }
        let rows = [
            (&books.vanished, "no longer on the server (the case keeps them)"),
            (&books.flags_since, "with other flags than when taken"),
            (&books.flags_during, "whose flags changed during this run"),
        ];
        for (uids, what) in rows {
            if !uids.is_empty() {
                let messages = counted(uids.len() as u64, "message", "messages");
                // Places in an earlier listing of POP3 say nothing now; the acquisition log has them.
                let uids = if is_imap { format!(": UID {}", fit(&uid_set(uids), 60)) } else { String::new() };
                out.line(&format!("changed: {name}: {messages} {what}{uids}"))?;
            }
        }
    }
    Ok(())
}

/// The object that ends the stream.
pub(super) fn json(
    order: &Order,
    acquired: &Acquired,
    head: Option<&Head>,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut o = Obj::new(&mut line);
    // A list keeps no books and takes nothing: it is neither.
    if order.list_only {
        o.null("balanced");
    } else {
        o.bool("balanced", acquired.folders.iter().all(FolderSeen::is_balanced));
    }
    o.uint("bytes", acquired.totals.bytes);
    match &acquired.ended {
        Ok(()) => o.null("error"),
        Err(error) => o.str("error", &error.to_string()),
    };
    o.str("event", if order.list_only { "listed" } else { "acquired" });
    o.uint("excluded", acquired.excluded).uint("failed", acquired.failed);
    o.uint("folders", acquired.folders.len() as u64).uint("gone", acquired.gone);
    match head {
        Some(head) => o.digest("head", &head.head),
        None => o.null("head"),
    };
    let known: u64 = acquired.folders.iter().filter_map(|seen| seen.books.as_ref()).map(|b| b.known).sum();
    o.uint("items", acquired.totals.items).uint("known", known);
    o.opt_str("newest_internal_date", acquired.newest.map(rfc3339).as_deref());
    o.uint("notices", acquired.notices);
    match &acquired.refetched {
        Some(of) => o.obj("refetched", |o| write_refetched(o, of)),
        None => o.null("refetched"),
    };
    o.bool("resumed", acquired.is_resumed).str("schema", SCHEMA);
    match &acquired.digest {
        Some(digest) => o.digest("sha256", digest),
        None => o.null("sha256"),
    };
    o.opt_str("source", acquired.source.map(|source| source.to_string()).as_deref());
    o.str("url", &url(&order.account));
    if order.list_only {
        o.null("whole");
    } else {
        o.bool("whole", acquired.is_whole());
    }
    o.end();
    line.push(b'\n');
    out.bytes(&line)?;
    Ok(())
}

/// The folders of an account.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) session: Option<Session>,
    pub(super) folders: Vec<Folder>,
    pub(super) notices: u64,
}

impl Listing {
    /// Takes what was told.
    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Session(session) => self.session = Some(*session),
            Told::Folder(folder) => self.folders.push(folder),
            Told::Notice(_) => self.notices += 1,
            _ => {}
        }
    }

    /// What a list without a case came to, in the form of a run that stored nothing.
    pub(super) fn ended(self, ended: Result<(), AcquireError>) -> Acquired {
        let seen = |folder| FolderSeen { folder, ..FolderSeen::default() };
        Acquired {
            segment: None,
            source: None,
            digest: None,
            is_resumed: false,
            totals: Totals::default(),
            folders: self.folders.into_iter().map(seen).collect(),
            excluded: 0,
            failed: 0,
            gone: 0,
            notices: self.notices,
            partial: 0,
            newest: None,
            refetched: None,
            lost: Vec::new(),
            ended,
        }
    }

    /// Prints it for people.
    pub(super) fn print(&self, out: &mut Out) -> Result<(), Failure> {
        let text = |bytes: &[u8]| shown(&String::from_utf8_lossy(bytes));
        if let Some(session) = &self.session {
            out.line(&format!("server        {}", shown(&session.address)))?;
            out.line(&format!("greeting      {}", text(&session.greeting)))?;
            if let Some(last) = session.capabilities.iter().rev().find(|words| !words.is_empty()) {
                // CAPA of POP3 tells one on each line.
                out.line(&format!(
                    "capabilities  {}",
                    shown(&String::from_utf8_lossy(last).replace('\n', ", "))
                ))?;
            }
            if !session.server_id.is_empty() {
                out.line(&format!("server says   {}", text(&session.server_id)))?;
            }
            match &session.tls {
                Some(tls) => out.line(&format!(
                    "TLS           {} {}, trusted by {}",
                    shown(&tls.version),
                    shown(&tls.cipher),
                    tls.trusted_by
                ))?,
                None => out.line("TLS           none")?,
            }
            out.line("")?;
        }
        let head = [pad("MESSAGES", 10), pad("UNSEEN", 8), pad("BYTES", 16), pad("UIDVALIDITY", 12)];
        out.line(&format!("{}  FOLDER", head.join("  ")))?;
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), grouped);
        let mut messages = 0u64;
        for folder in &self.folders {
            messages = messages.saturating_add(folder.exists);
            let attributes: Vec<String> = folder.attributes.iter().map(|word| text(word)).collect();
            let attributes =
                if attributes.is_empty() { String::new() } else { format!("  ({})", attributes.join(" ")) };
            let cells = [
                pad(&grouped(folder.exists), 10),
                pad(&number(folder.unseen), 8),
                pad(&number(folder.bytes), 16),
                pad(&folder.uid_validity.map_or_else(|| "-".to_owned(), |v| v.to_string()), 12),
            ];
            out.line(&format!("{}  {}{attributes}", cells.join("  "), shown(&folder.name)))?;
        }
        out.line("")?;
        let folders = counted(self.folders.len() as u64, "folder", "folders");
        out.line(&format!("{} in {folders}; nothing was taken", counted(messages, "message", "messages")))?;
        Ok(())
    }
}
