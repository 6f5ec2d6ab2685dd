//! `trust`: names the recipient's own servers and networks, as a recorded setting of the case.

use crate::case::{set_trust, trust};
use crate::route::Settings;
use crate::store::{Head, Reader};
use crate::types::json::Obj;
use crate::types::text::shown;
use crate::types::time::UtcMs;

use super::args::{TrustArgs, TrustSet};
use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::init::head_line;
use super::output::Out;

pub(super) fn run(context: &Context, args: &TrustArgs, out: &mut Out) -> Result<Exit, Failure> {
    match args {
        TrustArgs::Set(set) => commit(context, &read(set)?, out),
        TrustArgs::Clear => commit(context, &Settings::default(), out),
        TrustArgs::Show => show(context, out),
    }
}

/// The settings that the flags name.
fn read(set: &TrustSet) -> Result<Settings, Failure> {
    let mut settings = Settings {
        own_hosts: set.host.iter().map(|host| host.trim_matches('.').to_ascii_lowercase()).collect(),
        signed_in_is_own: set.signed_in_is_own,
        teaching_addresses: set.teaching_addresses,
        ..Settings::default()
    };
    if let Some(host) =
        settings.own_hosts.iter().find(|host| host.is_empty() || host.contains(char::is_whitespace))
    {
        return Err(Failure::usage(format!("{host:?} is no host name")));
    }
    for (texts, networks) in
        [(&set.network, &mut settings.own_networks), (&set.submission, &mut settings.submission_networks)]
    {
        for text in texts {
            networks.add(text).map_err(|error| Failure::usage(error.to_string()))?;
        }
    }
    if let Some(text) = &set.acquired {
        settings.acquired = Some(moment(text)?);
    }
    if settings == Settings::default() {
        return Err(Failure::usage("nothing is named: what was set before would no longer count")
            .hint("name a server (`--host mx.example.org`) or a network; `mailtrail trust clear` takes back what was set"));
    }
    Ok(settings)
}

/// A moment as RFC 3339 or a mail date with a zone has it; of a day alone its last millisecond in UTC, because nothing
/// younger than the seizure can be real and a day says no more.
fn moment(text: &str) -> Result<UtcMs, Failure> {
    if let Ok(day) = text.parse::<jiff::civil::Date>()
        && text.len() == "2026-03-01".len()
        && let Ok(next) = day.tomorrow().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC))
    {
        return Ok(UtcMs(next.timestamp().as_millisecond() - 1));
    }
    let read = crate::parse::date::date(text.as_bytes(), 0).value.filter(|date| date.zone_known);
    let date = read.ok_or_else(|| {
        Failure::usage(format!("{text:?} is no day and no date with a zone"))
            .hint("such as 2026-03-01 or 2026-03-01T09:00:00Z")
    })?;
    Ok(date.utc)
}

fn commit(context: &Context, settings: &Settings, out: &mut Out) -> Result<Exit, Failure> {
    let head = set_trust(context.case()?, &context.run(), settings)?;
    context.notes.note("`hops` and `path` use these settings at once; `mailtrail rebuild` brings searches by finding up to date");
    tell(context, settings, Some(head.events.saturating_sub(1)), Some(&head), out)?;
    Ok(Exit::Done)
}

fn show(context: &Context, out: &mut Out) -> Result<Exit, Failure> {
    let reader = Reader::open(context.case()?)?;
    let (settings, event) = trust::settings(&reader)?;
    tell(context, &settings, event, None, out)?;
    Ok(Exit::Done)
}

/// Shows the settings, and the head when this command has set them.
fn tell(
    context: &Context,
    settings: &Settings,
    event: Option<u64>,
    head: Option<&Head>,
    out: &mut Out,
) -> Result<(), Failure> {
    if context.json {
        let mut line = Vec::new();
        let mut o = Obj::new(&mut line);
        if let Some(head) = head {
            o.uint("events", head.events).digest("head", &head.head);
        }
        o.str("schema", "mailtrail.trust/1");
        o.obj("settings", |o| trust::words(settings).write(o));
        o.opt_uint("settings_event", event);
        o.end();
        line.push(b'\n');
        out.bytes(&line)?;
        return Ok(());
    }
    match event {
        Some(event) if *settings == Settings::default() => {
            out.line(&format!("custody event {event} took back what was set: the newest hop's server is taken as the recipient's"))?;
        }
        Some(event) => out.line(&format!("set by custody event {event}"))?,
        None => out.line("nothing was set: the newest hop's server is taken as the recipient's")?,
    }
    for host in &settings.own_hosts {
        out.line(&format!("  server      {host} and all below it"))?;
    }
    for network in settings.own_networks.texts() {
        out.line(&format!("  network     {network}"))?;
    }
    for network in settings.submission_networks.texts() {
        out.line(&format!("  submission  {network}"))?;
    }
    if settings.signed_in_is_own {
        out.line("  clients that signed in count as the recipient's")?;
    }
    if settings.teaching_addresses {
        out.line("  addresses for examples count as real ones")?;
    }
    for text in &settings.unread {
        out.line(&format!("  NOT READ by this version, counts for nothing: {}", shown(text)))?;
    }
    if let Some(at) = settings.acquired {
        out.line(&format!("  seized      {}", crate::types::time::rfc3339(at)))?;
    }
    if let Some(head) = head {
        out.line(&head_line(head))?;
    }
    Ok(())
}
