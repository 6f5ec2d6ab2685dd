//! From nothing to a session that is signed in: greeting, TLS, capabilities, the way in (RFC 9051 sections 3.1, 6.2,
//! 11.1).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Answer, Kind, Status, Word};
use super::session::{NoBodies, Session};
use super::verb::{Verb, quoted};
use crate::acquire::sign::{self, Binding, Exchange, Offered, SignError, Signing, Way};
use crate::acquire::wire::{Outset, Wire, WireError};
use crate::acquire::{AcquireError, Credential, Notice, Order, Scheme};
use crate::types::text::shown;
use crate::types::time::Clock;

/// Most challenges of one attempt to sign in; SCRAM has three.
const CHALLENGES: usize = 8;

/// Connects, protects, signs in with `key`. `number` counts the connections of the run from 1.
///
/// # Errors
/// [`AcquireError`]; nothing secret has been sent in the clear, unless the examiner allowed it.
pub(super) fn open<'a>(
    order: &Order,
    outset: &Outset,
    key: &Credential,
    clock: &'a dyn Clock,
    number: u32,
) -> Result<Session<'a>, Failed> {
    let wire = Wire::connect(order, outset, clock, number).map_err(|error| Failed {
        error,
        transcript: Vec::new(),
        notices: Vec::new(),
    })?;
    let mut session = Session::new(wire, order.limits);
    match enter(&mut session, order, key) {
        Ok(()) => Ok(session),
        Err(error) => {
            let error = error.scrubbed(&|text| safe(&session, text));
            scrub_notices(&mut session);
            session.wire.transcript.event(&format!("given up: {error}"));
            session.wire.close();
            let notices = std::mem::take(&mut session.notices);
            Err(Failed { error, transcript: session.wire.transcript.take(), notices })
        }
    }
}

/// No session.
#[derive(Debug)]
pub(super) struct Failed {
    /// Why.
    pub(super) error: AcquireError,
    /// What was said until then.
    pub(super) transcript: Vec<u8>,
    /// What was odd.
    pub(super) notices: Vec<Notice>,
}

/// Text without a secret that the server may have echoed.
fn safe(session: &Session<'_>, text: &str) -> String {
    String::from_utf8_lossy(&session.wire.transcript.scrubbed(text.as_bytes())).into_owned()
}

/// The same for what the custody log will hold.
fn scrub_notices(session: &mut Session<'_>) {
    let mut notices = std::mem::take(&mut session.notices);
    for notice in &mut notices {
        notice.text = safe(session, &notice.text);
    }
    session.notices = notices;
}

fn enter(session: &mut Session<'_>, order: &Order, key: &Credential) -> Result<(), AcquireError> {
    let host = &order.account.host;
    let broken = |e: WireError| e.into_error(host);
    greet(session, host)?;
    if order.account.scheme == Scheme::Imap {
        ask_capabilities(session).map_err(broken)?;
        session.evidence.capabilities[0] = joined(session);
        start_tls(session, order)?;
    }
    if session.capabilities.is_empty() {
        ask_capabilities(session).map_err(broken)?;
    }
    session.evidence.capabilities[1] = joined(session);
    if !session.can("IMAP4REV1") && !session.can("IMAP4REV2") {
        let why = "it says neither IMAP4rev1 nor IMAP4rev2".to_owned();
        return Err(AcquireError::Protocol { host: host.clone(), why });
    }
    session.notices.extend(session.evidence.tls.as_ref().and_then(crate::acquire::Tls::notice));
    sign_in(session, order, key)?;
    scrub_notices(session);
    session.wire.transcript.end_hiding();
    if session.capabilities.is_empty() {
        ask_capabilities(session).map_err(broken)?;
    }
    session.evidence.capabilities[2] = joined(session);
    prepare(session).map_err(broken)
}

/// Says goodbye, and does not wait long for the answer.
pub(super) fn log_out(session: &mut Session<'_>) {
    session.wire.hurry(Duration::from_secs(2));
    // The answer is BYE, which counts as an end, or nothing.
    drop(session.run(&Verb::Logout, |_, _| false));
    session.wire.close();
}

/// The capabilities that hold, as they will be logged.
fn joined(session: &Session<'_>) -> Vec<u8> {
    session.capabilities.join(&b' ')
}

fn greet(session: &mut Session<'_>, host: &str) -> Result<(), AcquireError> {
    let protocol = |why: String| AcquireError::Protocol { host: host.to_owned(), why };
    let mut answer = Answer::default();
    let heard = session.hear(&mut answer, &mut NoBodies);
    session.evidence.greeting = answer.text.clone();
    let kind = heard.map_err(|e| e.into_error(host))?;
    match kind {
        Kind::Status(status) if status.word == Word::Ok => refuse_referral(&status, host),
        Kind::Status(status) if status.word == Word::Preauth => Err(protocol(
            "it takes us for somebody who is signed in already (PREAUTH), so whose account it is cannot be told"
                .to_owned(),
        )),
        Kind::Status(status) => Err(protocol(format!("it greets with a refusal: {}", status.said()))),
        _ => {
            let text = String::from_utf8_lossy(answer.text.get(..200).unwrap_or(&answer.text)).into_owned();
            Err(protocol(format!("its greeting is none of IMAP: {}", shown(&text))))
        }
    }
}

/// A server that sends us elsewhere is not followed (RFC 2221).
fn refuse_referral(status: &Status, host: &str) -> Result<(), AcquireError> {
    if status.has("REFERRAL") {
        let why = format!("it refers to another server, which is not followed: {}", status.said());
        return Err(AcquireError::Protocol { host: host.to_owned(), why });
    }
    Ok(())
}

fn ask_capabilities(session: &mut Session<'_>) -> Result<(), WireError> {
    session.capabilities.clear();
    session.run(&Verb::Capability, |_, _| false).map(drop)
}

/// STARTTLS. Without it nothing goes on, unless the examiner allowed the clear.
fn start_tls(session: &mut Session<'_>, order: &Order) -> Result<(), AcquireError> {
    let host = &order.account.host;
    let why = if session.can("STARTTLS") {
        let status = session.run(&Verb::StartTls, |_, _| false).map_err(|e| e.into_error(host))?;
        if status.is_ok() {
            session.wire.start_tls().map_err(|e| e.into_error(host))?;
            session.evidence.tls = session.wire.tls().cloned();
            // What was said in the clear may have been said by anybody.
            session.capabilities.clear();
            for notice in &mut session.notices {
                notice.text.insert_str(0, "in the clear, before TLS, so by whoever was on the way: ");
            }
            return Ok(());
        }
        format!("the server refused STARTTLS: {}", status.said())
    } else {
        "the server does not offer STARTTLS".to_owned()
    };
    if !order.trust.insecure_plain {
        return Err(AcquireError::Tls { host: host.clone(), why });
    }
    session.notice("no-tls", format!("{why}; as allowed, the password and all mail went in the clear"));
    Ok(())
}

fn sign_in(session: &mut Session<'_>, order: &Order, key: &Credential) -> Result<(), AcquireError> {
    let account = &order.account;
    let refused =
        |said: String| AcquireError::SignIn { host: account.host.clone(), user: account.user.clone(), said };
    let exporter = session.wire.exporter();
    let offered = Offered {
        sasl: session
            .capabilities
            .iter()
            .filter_map(|c| c.strip_prefix(b"AUTH="))
            .map(<[u8]>::to_vec)
            .collect(),
        command: !session.can("LOGINDISABLED"),
        exporter: exporter.is_some(),
    };
    let ways = sign::ways(&order.mechanisms, key, &offered).map_err(|e| refused(e.to_string()))?;
    let (Credential::Password(secret) | Credential::Token(secret)) = key;
    session.wire.transcript.hide(secret.bytes());
    let mut said = String::new();
    for way in ways {
        let outcome = match way {
            Way::Command => login(session, order, key),
            Way::Sasl(mechanism) => {
                let nonce = sign::nonce().map_err(|e| refused(e.to_string()))?;
                let binding = match &exporter {
                    Some(bytes) if mechanism == crate::acquire::Mechanism::ScramSha256Plus => {
                        Binding::Exporter(bytes.clone())
                    }
                    Some(_) if !offered.has_plus() => Binding::NotOffered,
                    _ => Binding::Unable,
                };
                let signing = Signing {
                    user: &account.user,
                    credential: key,
                    host: &account.host,
                    port: account.port,
                    nonce: &nonce,
                    binding,
                };
                match sign::begin(mechanism, &signing) {
                    Ok(mut exchange) => authenticate(session, exchange.as_mut()),
                    Err(error) => Ok(Outcome::NextWay(error.to_string())),
                }
            }
        };
        match outcome.map_err(|e| e.into_error(&account.host))? {
            Outcome::In(status) => {
                refuse_referral(&status, &account.host)?;
                session.evidence.mechanism = Some(way.mechanism());
                // What held before may hold no more, unless the answer says anew.
                if !status.has("CAPABILITY") {
                    session.capabilities.clear();
                }
                return Ok(());
            }
            Outcome::Refused(why) => return Err(refused(why)),
            Outcome::Later(why) => {
                return Err(AcquireError::Broken { host: account.host.clone(), why });
            }
            Outcome::NextWay(why) => said = why,
        }
    }
    Err(refused(said))
}

/// How an attempt ended.
enum Outcome {
    In(Status),
    Refused(String),
    /// The server says that another time it may let us in (RFC 5530 section 3).
    Later(String),
    /// This way cannot be used; another may.
    NextWay(String),
}

/// LOGIN (RFC 9051 6.2.3).
fn login(session: &mut Session<'_>, order: &Order, key: &Credential) -> Result<Outcome, WireError> {
    let Credential::Password(password) = key else {
        return Ok(Outcome::NextWay("LOGIN needs a password".to_owned()));
    };
    let tag = session.next_tag();
    let mut line = [tag.as_slice(), b" LOGIN "].concat();
    let mut out = Vec::new();
    let user = order.account.user.as_bytes();
    if let Some(user) = quoted(user) {
        line.extend_from_slice(&user);
    } else {
        session.literal(&mut line, &mut out, user)?;
        session.wire.transcript.client_literal(user);
        out.extend_from_slice(user);
    }
    line.push(b' ');
    if let Some(password) = quoted(password.bytes()) {
        session.wire.transcript.client_secret(&line, password.len());
        out.extend_from_slice(&line);
        out.extend_from_slice(&password);
    } else {
        session.literal(&mut line, &mut out, password.bytes())?;
        session.wire.transcript.client_secret(b"", password.bytes().len());
        out.extend_from_slice(password.bytes());
    }
    out.extend_from_slice(b"\r\n");
    session.wire.send(&out)?;
    session.helped();
    let status = session.until(&tag, |_, _| false)?;
    Ok(match status.is_ok() {
        true => Outcome::In(status),
        false if status.is_passing() => Outcome::Later(status.said()),
        false => Outcome::Refused(status.said()),
    })
}

/// AUTHENTICATE (RFC 9051 6.2.2), with an initial response where the server takes one (RFC 4959).
fn authenticate(session: &mut Session<'_>, exchange: &mut dyn Exchange) -> Result<Outcome, WireError> {
    let tag = session.next_tag();
    let mut line = [tag.as_slice(), b" AUTHENTICATE ", exchange.name().as_bytes()].concat();
    let mut first = exchange.first();
    let takes_first = session.can("SASL-IR") || session.can("IMAP4REV2");
    match &first {
        Some(response) if takes_first => {
            line.push(b' ');
            let coded = if response.is_empty() { "=".to_owned() } else { STANDARD.encode(response) };
            session.wire.transcript.hide(response);
            session.wire.send_secret(&line, coded.as_bytes())?;
            first = None;
        }
        _ => session.wire.send_line(&line)?,
    }
    session.helped();
    session.wire.transcript.hide_challenges();
    let mut failed = None;
    let mut answer = Answer::default();
    for round in 0..=CHALLENGES {
        let status = loop {
            match session.hear(&mut answer, &mut NoBodies)? {
                Kind::Tagged(found, status) => {
                    session.own(&found, &tag)?;
                    break Some(status);
                }
                Kind::Continue(text) => {
                    let response = match (first.take(), &failed, STANDARD.decode(text.trim_ascii())) {
                        // What stands behind the first plus is for people (RFC 3501 6.2.2 has it empty).
                        (Some(response), None, _) => Ok(response),
                        (None, None, Ok(challenge)) if round < CHALLENGES => exchange.next(&challenge),
                        (None, None, Err(_)) => Err(SignError::Challenge {
                            mechanism: exchange.name(),
                            what: "the challenge is not base64",
                        }),
                        _ => {
                            return Err(WireError::Protocol(
                                "signing in does not come to its end".to_owned(),
                            ));
                        }
                    };
                    match response {
                        Ok(response) => {
                            session.wire.transcript.hide(&response);
                            session.wire.send_secret(b"", STANDARD.encode(&response).as_bytes())?;
                        }
                        Err(error) => {
                            failed = Some(error.to_string());
                            session.wire.send_line(b"*")?;
                        }
                    }
                    break None;
                }
                _ => {}
            }
        };
        let Some(status) = status else { continue };
        let said = exchange.refusal().unwrap_or_else(|| status.said());
        return Ok(match (status.word, failed) {
            (_, Some(why)) => Outcome::Refused(why),
            // Whose account this is, the server cannot know.
            (Word::Ok, None) if first.is_some() => {
                Outcome::Refused("the server let us in before we said who we are".to_owned())
            }
            (Word::Ok, None) => match exchange.finish(b"") {
                Ok(()) => Outcome::In(status),
                Err(error) => Outcome::Refused(error.to_string()),
            },
            (Word::Bad, None) if round == 0 => Outcome::NextWay(said),
            (Word::No, None) if status.is_passing() => Outcome::Later(said),
            _ => Outcome::Refused(said),
        });
    }
    Err(WireError::Protocol("signing in does not come to its end".to_owned()))
}

/// What is said once signed in: who we are, compression, names and messages as they are.
fn prepare(session: &mut Session<'_>) -> Result<(), WireError> {
    if session.can("ID") {
        let mut id = Vec::new();
        session.run(&Verb::Id, |kind, answer| {
            if matches!(kind, Kind::Data(name) if name == b"ID") {
                id = answer.text.get(5..).unwrap_or_default().to_vec();
            }
            false
        })?;
        session.evidence.server_id = id;
    }
    if session.can("COMPRESS=DEFLATE") && session.run(&Verb::Compress, |_, _| false)?.is_ok() {
        session.wire.start_deflate()?;
    }
    let is_rev2_alone = session.can("IMAP4REV2") && !session.can("IMAP4REV1");
    session.names_are_utf8 = is_rev2_alone;
    if session.can("UTF8=ACCEPT") || session.can("UTF8=ONLY") {
        let mut is_enabled = false;
        session.run(&Verb::EnableUtf8, |kind, answer| {
            is_enabled |= matches!(kind, Kind::Data(name) if name == b"ENABLED")
                && memchr::memmem::find(&answer.text.to_ascii_uppercase(), b"UTF8=").is_some();
            false
        })?;
        session.names_are_utf8 |= is_enabled;
    }
    Ok(())
}
