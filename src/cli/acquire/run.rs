//! `acquire`: copies an account on a server into the case.

use std::time::Duration;

use crate::acquire::{self, Account, AcquireError, Choice, Known, Limits, Order, Told, Trust};
use crate::ingest::account::{AccountRequest, AccountWatch as _, acquire_account, url};
use crate::ingest::{Derived, IngestError, catch_up};
use crate::store::{ACCOUNTS, CaseInfo, Reader, State, StoreError, Writer, state};
use crate::types::RelPath;

use super::args::AcquireArgs;
use super::watch::AccountWatcher;
use super::{secret, summary};
use crate::cli::context::{Context, SystemClock};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::import::threads;
use crate::cli::output::Out;

pub(in crate::cli) fn run(context: &Context, args: &AcquireArgs, out: &mut Out) -> Result<Exit, Failure> {
    // Before anything is written or asked: what is wrong with the command line.
    let mut order = order(args)?;
    if args.list && context.case.is_none() {
        (order.credential, order.renewal) = secret::credential(args, &url(&order.account))?;
        return list(context, &order, out);
    }
    let dir = context.case()?;
    let run = context.run();
    let found = state(dir)?;
    (order.credential, order.renewal) = secret::credential(args, &url(&order.account))?;
    let mut writer = match found {
        State::Absent | State::Unfinished => {
            context.warn_if_nobody(None);
            let info = CaseInfo { examiner: context.examiner.clone(), ..CaseInfo::default() };
            Writer::create(dir, &info, &run)?
        }
        State::Case | State::Other => Writer::open(dir, &run)?,
    };
    if writer.version() < ACCOUNTS {
        let found = u64::from(writer.version());
        return Err(StoreError::OlderFormat { path: dir.clone(), found }.into());
    }
    let watch = AccountWatcher::new(context)?;
    let request = AccountRequest {
        order,
        label: args.label.clone(),
        note: args.note.clone(),
        threads: threads(args.threads),
    };
    let acquired = acquire_account(&mut writer, &request, &SystemClock, &watch);
    watch.done();
    let acquired = acquired?;
    if context.json {
        // People are told with what else has changed.
        acquired.lost.iter().for_each(|lost| watch.told(&Told::Notice(lost.clone())));
    }
    // Stored is stored; what was read of it may follow, and follows the next time if this is stopped.
    let is_stopped = matches!(acquired.ended, Err(AcquireError::Stopped));
    if !is_stopped && !args.list {
        let mut derived = Derived::open(writer.layout())?;
        let caught = catch_up(&Reader::open(dir)?, &mut derived, request.threads, &watch.inner);
        derived.close()?;
        if !matches!(caught, Err(IngestError::Stopped)) {
            caught?;
        }
    }
    let head = writer.close()?;
    summary::tell(context, &request.order, &acquired, Some(&head), out)?;
    match acquired.ended {
        Ok(()) if args.list || acquired.is_whole() => Ok(Exit::Done),
        Ok(()) => Ok(Exit::Partial),
        Err(AcquireError::Stopped) => {
            out.flush()?;
            context.notes.note("stopped; run the same command again to go on");
            Ok(Exit::Interrupted)
        }
        Err(error) => Err(error.into()),
    }
}

/// How TLS 1.0 and 1.1 are to be had where they are not built in.
const OTHER_BUILD: &str = "a build with `cargo build --release --features native-tls` has --tls-native for servers of TLS 1.0 and 1.1; see docs/acquire.md";

/// What the flags ask for; the secret comes later.
fn order(args: &AcquireArgs) -> Result<Order, Failure> {
    let account = Account::parse(&args.url)?;
    let seconds = |text: &Option<String>| text.as_deref().map(seconds).transpose();
    let pin = match &args.pin_sha256 {
        Some(text) => Some(
            *text
                .replace(':', "")
                .to_ascii_lowercase()
                .parse::<crate::types::Sha256Digest>()
                .map_err(|error| {
                    Failure::usage(format!("--pin-sha256 {text:?}: {error}"))
                        .hint("openssl x509 -fingerprint -sha256 prints it")
                })?
                .as_bytes(),
        ),
        None => None,
    };
    if args.insecure_plain && account.scheme.is_tls_first() {
        return Err(Failure::usage("--insecure-plain is for imap:// and pop3://; this URL asks for TLS"));
    }
    if args.tls_native && !acquire::HAS_NATIVE_TLS {
        return Err(Failure::usage(
            "--tls-native needs the OpenSSL of the system, which this build does not use",
        )
        .hint(OTHER_BUILD));
    }
    let idle = Duration::from_secs(u64::from(args.timeout));
    let limits = Limits::default();
    let mut choice = Choice {
        folders: args.folder.clone(),
        exclude: args.exclude.clone(),
        since: seconds(&args.since)?,
        before: seconds(&args.before)?,
        max_size: args.max_size.as_deref().map(size).transpose()?,
    };
    // The order in which they were named says nothing.
    for list in [&mut choice.folders, &mut choice.exclude] {
        list.sort();
        list.dedup();
    }
    if matches!((choice.since, choice.before), (Some(since), Some(before)) if since >= before) {
        return Err(Failure::usage("--since is not before --before, so there is nothing between them"));
    }
    let order = Order {
        account,
        trust: Trust {
            ca_file: args.ca_file.clone(),
            pin,
            insecure_plain: args.insecure_plain,
            native: args.tls_native,
        },
        credential: acquire::Credential::Password(acquire::Secret::default()),
        renewal: None,
        mechanisms: args.mechanism.iter().map(|&arg| arg.into()).collect(),
        choice,
        connections: usize::from(args.connections),
        list_only: args.list,
        refetch: args.refetch_verify,
        retr: args.retr,
        quit: args.quit_pop3,
        limits: Limits { idle, connect: limits.connect.min(idle), again: u32::from(args.retries), ..limits },
    };
    // Before a password is asked for, and before a case is made.
    acquire::check(&order).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(order)
}

/// A day (its beginning) or a time, in seconds since 1970 UTC.
fn seconds(text: &str) -> Result<i64, Failure> {
    let wrong = || {
        Failure::usage(format!("{text:?} is no day or time"))
            .hint("such as 2026-03-01 or 2026-03-01T09:00:00Z")
    };
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let at = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(at.timestamp().as_second());
    }
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).map_err(|_| wrong())
}

/// A number of bytes, with k, M or G for powers of 1024.
fn size(text: &str) -> Result<u64, Failure> {
    let wrong = || Failure::usage(format!("{text:?} is no size")).hint("such as 500000, 500k, 20M or 1G");
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|&size| size < 1 << 53).ok_or_else(wrong)
}

/// Knows nothing: there is no case.
struct Nothing;

impl Known for Nothing {
    fn has(&self, _: &RelPath) -> bool {
        false
    }

    fn folder(&self, _: &RelPath) -> Vec<(u64, Vec<Vec<u8>>)> {
        Vec::new()
    }
}

/// Lists an account without a case.
fn list(context: &Context, order: &Order, out: &mut Out) -> Result<Exit, Failure> {
    let watch = AccountWatcher::new(context)?;
    let mut seen = summary::Listing::default();
    let ended = acquire::acquire(order, &Nothing, &SystemClock, &mut |told: Told| {
        watch.told(&told);
        seen.take(told);
        if watch.inner.stop.load(std::sync::atomic::Ordering::Relaxed) {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    });
    watch.done();
    // Of a server that was not reached there is nothing to say, not even that it has no folder.
    if !context.json && (ended.is_ok() || seen.session.is_some()) {
        seen.print(out)?;
    }
    let acquired = seen.ended(ended);
    if context.json {
        summary::json(order, &acquired, None, out)?;
    }
    match acquired.ended {
        Ok(()) => Ok(Exit::Done),
        Err(AcquireError::Stopped) => Ok(Exit::Interrupted),
        Err(error) => Err(error.into()),
    }
}

impl From<AcquireError> for Failure {
    fn from(error: AcquireError) -> Self {
        let failure = Self::new(crate::cli::failure::chain(&error));
        match error {
            AcquireError::Url { .. } => Self::usage(failure.sentence).hint("such as imaps://ann@mail.example.org"),
            AcquireError::Connect { .. } => failure.hint("check host and port, and whether a firewall stands between"),
            AcquireError::Tls { .. } => failure.hint(
                "no secret was sent; name the authority with --ca-file, or the certificate with --pin-sha256 after checking it another way",
            ),
            AcquireError::OwnAuthority { sha256, .. } => failure.hint(format!(
                "no secret was sent; compare that digest with the server's own (as its administrator reads it), then use --pin-sha256 {sha256}"
            )),
            AcquireError::OldTls { .. } if acquire::HAS_NATIVE_TLS => failure.hint(
                "no secret was sent; --tls-native reaches such a server by the OpenSSL of the system, and is recorded",
            ),
            AcquireError::OldTls { .. } => failure.hint(format!("no secret was sent; {OTHER_BUILD}")),
            AcquireError::SignIn { .. } => failure.hint(
                "check user and password; many providers want an app password or a token, see docs/acquire.md",
            ),
            AcquireError::Protocol { .. } => {
                failure.hint("what was taken is kept; `mailtrail acquisitions --transcript` shows the talk")
            }
            AcquireError::Broken { .. } => {
                failure.hint("what was taken is kept; run the same command again to go on")
            }
            AcquireError::Stopped => {
                let mut failure = failure.hint("run the same command again to go on");
                failure.exit = Exit::Interrupted;
                failure
            }
            _ => failure.hint("nothing was changed on the server; see `mailtrail acquire --help`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_sizes_are_read_in_utc_and_powers_of_1024() {
        assert_eq!(seconds("1970-01-02").unwrap(), 86_400);
        assert_eq!(seconds("1970-01-01T01:00:00+01:00").unwrap(), 0);
        assert!(seconds("yesterday").is_err());
        assert_eq!((size("20M").unwrap(), size("7").unwrap()), (20 << 20, 7));
        for wrong in ["", "M", "-1", "1T", "99999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
