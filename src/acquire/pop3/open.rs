//! From the first byte to the moment where the mailbox lies open: greeting, CAPA, STLS, sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::acquire::sign::{self, Binding, Exchange, Offered, SignError, Signing, Way};
use crate::acquire::wire::{Wire, WireError};
use crate::acquire::{AcquireError, Credential, Mechanism, Order, Session};

use super::answer::{Status, lines, said, status};
use super::capa::Capa;
use super::verb::Verb;

/// Longest command line with an initial response, CRLF included (RFC 5034 4, RFC 2449 4).
const LONGEST_LINE: usize = 255;

/// Most challenges of one attempt to sign in; SCRAM has three.
const CHALLENGES: usize = 8;

/// Why the mailbox does not lie open.
#[derive(Debug)]
pub(super) enum Closed {
    /// It may lie open to another try: the connection broke, or the server says later (`IN-USE`, `SYS/TEMP`,
    /// `LOGIN-DELAY`).
    Later(String),
    /// It will not.
    Never(AcquireError),
}

/// What was learned on the way.
#[derive(Debug)]
pub(super) struct Opened {
    /// For the custody log.
    pub(super) session: Session,
    /// As they are after sign-in.
    pub(super) capa: Capa,
    /// Whether it went on without TLS, and why.
    pub(super) in_clear: Option<String>,
}

/// Turns what stops one connection into what stops the run, or not.
fn closed(error: WireError, host: &str) -> Closed {
    if error.is_passing() { Closed::Later(error.to_string()) } else { Closed::Never(error.into_error(host)) }
}

/// Opens the mailbox on a connection that stands, with `key`. Nothing secret is sent before TLS, unless the order
/// allows it.
///
/// # Errors
/// [`Closed`]; the transcript says how far it came.
pub(super) fn open(wire: &mut Wire<'_>, order: &Order, key: &Credential) -> Result<Opened, Closed> {
    let host = order.account.host.as_str();
    let wired = |e| closed(e, host);
    let mut session = Session { address: wire.address().to_owned(), ..Session::default() };
    let greeting = status(wire).map_err(wired)?;
    if !greeting.is_ok {
        return Err(refused(&greeting, order));
    }
    session.greeting = [b"+OK ", greeting.text.as_slice()].concat();
    let mut capa = capa(wire, order)?;
    let mut in_clear = None;
    if wire.tls().is_none() {
        session.capabilities[0].clone_from(&capa.raw);
        in_clear = start_tls(wire, order, &capa)?;
        if in_clear.is_none() {
            // What was said in the clear may have been said by anybody (RFC 2595 4).
            capa = self::capa(wire, order)?;
        }
    }
    session.capabilities[1].clone_from(&capa.raw);
    session.tls = wire.tls().cloned();
    hide(wire, key);
    let signed_in = sign_in(wire, order, key, &capa).map_err(|closed| scrubbed(closed, wire));
    wire.transcript.end_hiding();
    session.mechanism = Some(signed_in?);
    let before = capa;
    let mut capa = self::capa(wire, order)?;
    session.capabilities[2].clone_from(&capa.raw);
    // Some servers answer CAPA before sign-in only.
    if !capa.is_known {
        capa = before;
    }
    session.server_id.clone_from(&capa.implementation);
    Ok(Opened { session, capa, in_clear })
}

/// A refusal: for now, or for good.
fn refused(status: &Status, order: &Order) -> Closed {
    let later = matches!(status.code().as_deref(), Some(b"IN-USE" | b"SYS/TEMP" | b"LOGIN-DELAY"));
    if later {
        return Closed::Later(format!("the server said: {}", status.shown()));
    }
    sign_in_failed(order, status.shown())
}

fn sign_in_failed(order: &Order, said: String) -> Closed {
    let account = &order.account;
    Closed::Never(AcquireError::SignIn { host: account.host.clone(), user: account.user.clone(), said })
}

/// Asks what the server can do. A server without CAPA gives the empty answer.
fn capa(wire: &mut Wire<'_>, order: &Order) -> Result<Capa, Closed> {
    let wired = |e| closed(e, &order.account.host);
    wire.send_line(&Verb::Capa.line()).map_err(wired)?;
    let mut capa = Capa::default();
    if status(wire).map_err(wired)?.is_ok {
        capa.is_known = true;
        let most = order.limits.answer as u64;
        lines(wire, most, &mut |line| {
            capa.add(line);
            Ok(())
        })
        .map_err(wired)?;
    }
    Ok(capa)
}

/// Starts TLS. `Some` says why it goes on in the clear, which only an order with `insecure_plain` brings about.
fn start_tls(wire: &mut Wire<'_>, order: &Order, capa: &Capa) -> Result<Option<String>, Closed> {
    let host = order.account.host.as_str();
    let wired = |e| closed(e, host);
    let why = if capa.stls {
        wire.send_line(&Verb::Stls.line()).map_err(wired)?;
        let answer = status(wire).map_err(wired)?;
        if answer.is_ok {
            wire.start_tls().map_err(|e| match e {
                // Half a handshake is no reason to try until it works.
                WireError::Closed | WireError::Slow | WireError::Broken(_) => {
                    Closed::Never(AcquireError::Tls { host: host.to_owned(), why: e.to_string() })
                }
                e => closed(e, host),
            })?;
            return Ok(None);
        }
        format!("the server refuses STLS: {}", answer.shown())
    } else {
        "the server does not offer STLS".to_owned()
    };
    if order.trust.insecure_plain {
        return Ok(Some(why));
    }
    Err(Closed::Never(AcquireError::Tls {
        host: host.to_owned(),
        why: format!("{why}; nothing secret was sent"),
    }))
}

/// Signs in by the first way that can begin; a refusal is not tried again by another one.
fn sign_in(
    wire: &mut Wire<'_>,
    order: &Order,
    credential: &Credential,
    capa: &Capa,
) -> Result<Mechanism, Closed> {
    let binding = wire.exporter();
    let offered = Offered {
        sasl: capa.sasl.clone(),
        // A server that says nothing of itself knows USER and PASS, as RFC 1939 has it.
        command: capa.user || !capa.is_known,
        exporter: binding.is_some(),
    };
    let fail = |e: SignError| sign_in_failed(order, e.to_string());
    let ways = sign::ways(&order.mechanisms, credential, &offered).map_err(fail)?;
    let mut last = None;
    for way in ways {
        let Way::Sasl(mechanism) = way else {
            user_and_pass(wire, order, credential)?;
            return Ok(Mechanism::Login);
        };
        let binding = match (&binding, mechanism) {
            (Some(bytes), Mechanism::ScramSha256Plus) => Binding::Exporter(bytes.clone()),
            (Some(_), _) if !offered.has_plus() => Binding::NotOffered,
            _ => Binding::Unable,
        };
        let nonce = sign::nonce().map_err(fail)?;
        let account = &order.account;
        let signing = Signing {
            user: &account.user,
            credential,
            host: &account.host,
            port: account.port,
            nonce: &nonce,
            binding,
        };
        match sign::begin(mechanism, &signing) {
            Ok(mut exchange) => {
                return go_through(wire, order, exchange.as_mut()).map(|()| mechanism);
            }
            // Another one may be able to carry it.
            Err(e) => last = Some(e),
        }
    }
    Err(fail(last.unwrap_or(SignError::NoWay { offered: String::new() })))
}

fn hide(wire: &mut Wire<'_>, credential: &Credential) {
    let (Credential::Password(secret) | Credential::Token(secret)) = credential;
    wire.transcript.hide(secret.bytes());
}

/// Without a secret that the server may have echoed.
fn scrubbed(closed: Closed, wire: &Wire<'_>) -> Closed {
    let scrub = |text: &str| String::from_utf8_lossy(&wire.transcript.scrubbed(text.as_bytes())).into_owned();
    match closed {
        Closed::Later(why) => Closed::Later(scrub(&why)),
        Closed::Never(error) => Closed::Never(error.scrubbed(&scrub)),
    }
}

/// USER and PASS (RFC 1939 7). APOP is not used: it proves knowledge by an MD5 that can be broken by whoever chooses
/// the greeting (CVE-2007-1558).
fn user_and_pass(wire: &mut Wire<'_>, order: &Order, key: &Credential) -> Result<(), Closed> {
    let Credential::Password(password) = key else {
        return Err(sign_in_failed(order, "USER and PASS need a password, not a token".to_owned()));
    };
    let user = order.account.user.as_bytes();
    let cuts = |text: &[u8]| text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
    if cuts(user) || cuts(password.bytes()) {
        let why = "USER and PASS cannot carry a line end or NUL".to_owned();
        return Err(sign_in_failed(order, why));
    }
    let wired = |e| closed(e, &order.account.host);
    wire.send_line(&[b"USER ", user].concat()).map_err(wired)?;
    let answer = status(wire).map_err(wired)?;
    if !answer.is_ok {
        return Err(refused(&answer, order));
    }
    wire.send_secret(b"PASS ", password.bytes()).map_err(wired)?;
    let answer = status(wire).map_err(wired)?;
    if answer.is_ok { Ok(()) } else { Err(refused(&answer, order)) }
}

/// AUTH (RFC 5034 4). Challenges are written down by their length: from those of SCRAM and CRAM-MD5 with the answers a
/// password could be guessed.
fn go_through(wire: &mut Wire<'_>, order: &Order, exchange: &mut dyn Exchange) -> Result<(), Closed> {
    let host = order.account.host.as_str();
    let wired = |e| closed(e, host);
    let fail = |e: &SignError| sign_in_failed(order, e.to_string());
    let mut first = exchange.first();
    let head = format!("AUTH {}", exchange.name());
    // RFC 4422 5.1: an empty initial response is written as `=`.
    if let Some(first) = &first {
        wire.transcript.hide(first);
    }
    let coded = first.as_ref().map(|f| if f.is_empty() { "=".to_owned() } else { STANDARD.encode(f) });
    match coded.filter(|c| head.len().saturating_add(c.len()).saturating_add(3) <= LONGEST_LINE) {
        Some(coded) => {
            first = None;
            wire.send_secret(format!("{head} ").as_bytes(), coded.as_bytes()).map_err(wired)?;
        }
        None => wire.send_line(head.as_bytes()).map_err(wired)?,
    }
    for _ in 0..=CHALLENGES {
        let line = wire.line_unlogged().map_err(wired)?.to_vec();
        let Some(challenge) = challenge(&line) else {
            wire.transcript.server(&line);
            // Whose account this is, the server cannot know.
            if first.is_some() && line.starts_with(b"+OK") {
                let why = "the server let us in before we said who we are".to_owned();
                return Err(sign_in_failed(order, why));
            }
            return end(&line, order, exchange);
        };
        wire.transcript.server(format!("+ <{} octets>", challenge.len()).as_bytes());
        let answer = match (first.take(), STANDARD.decode(challenge.trim_ascii())) {
            (Some(first), _) => Ok(first),
            (None, Ok(challenge)) => exchange.next(&challenge),
            (None, Err(_)) => {
                Err(SignError::Challenge { mechanism: exchange.name(), what: "the challenge is not base64" })
            }
        };
        match answer {
            Ok(answer) => {
                wire.transcript.hide(&answer);
                wire.send_secret(b"", STANDARD.encode(answer).as_bytes()).map_err(wired)?;
            }
            Err(error) => {
                // Cancels; whatever the server says to it changes nothing.
                wire.send_line(b"*").map_err(wired)?;
                drop(status(wire));
                return Err(fail(&error));
            }
        }
    }
    let why = "signing in does not come to its end".to_owned();
    Err(Closed::Never(AcquireError::Protocol { host: host.to_owned(), why }))
}

/// What follows the plus of a challenge; `None` when the line is none.
fn challenge(line: &[u8]) -> Option<&[u8]> {
    if line == b"+" {
        return Some(b"");
    }
    line.strip_prefix(b"+ ")
}

/// The last line of the exchange.
fn end(line: &[u8], order: &Order, exchange: &mut dyn Exchange) -> Result<(), Closed> {
    let is_ok = line == b"+OK" || line.starts_with(b"+OK ");
    if is_ok {
        return exchange.finish(b"").map_err(|e| sign_in_failed(order, e.to_string()));
    }
    let Some(text) = line.strip_prefix(b"-ERR") else {
        let why = format!("neither +OK nor -ERR but \u{201c}{}\u{201d}", said(line));
        return Err(Closed::Never(AcquireError::Protocol { host: order.account.host.clone(), why }));
    };
    let status = Status { is_ok, text: text.trim_ascii().to_vec() };
    match (refused(&status, order), exchange.refusal()) {
        (Closed::Never(_), Some(inner)) => Err(sign_in_failed(order, format!("{}: {inner}", status.shown()))),
        (closed, _) => Err(closed),
    }
}
