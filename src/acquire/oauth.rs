//! An access token by the device flow of OAuth 2.0 (RFC 8628): the examiner signs in at a browser, here or elsewhere.
//!
//! Everything goes by TLS to the issuer that the examiner named and to the addresses that it announces. Tokens and
//! codes are never written down; the refresh token, which could open the account for months, is held in memory until
//! the run ends.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::keys::{Fresh, Renew};
use super::order::Secret;
use crate::types::text::shown;

/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 256 << 10;
/// Seconds between two questions when the server names none (RFC 8628 3.2).
const USUAL_INTERVAL: u64 = 5;
/// Longest time that a person is waited for, in seconds, whatever the server says.
const LONGEST_WAIT: u64 = 3600;
/// Longest silence of the server.
const SILENCE: Duration = Duration::from_secs(30);
/// Questions in a row that may fail for the network (RFC 8628 3.5 asks to slow down then).
const MOST_FAILURES: u32 = 5;

/// Fields of our forms that nobody else may read.
const SECRETS: &[&str] = &["client_secret", "device_code", "refresh_token"];

/// Who gives tokens, and as whom they are asked for.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// `https://accounts.google.com`, `https://login.microsoftonline.com/common/v2.0` or another one.
    pub url: String,
    /// The client that the issuer knows.
    pub client_id: String,
    /// Its secret, where the issuer wants one (Google does).
    pub client_secret: Option<Secret>,
    /// What the token is for, words divided by spaces.
    pub scope: String,
    /// A file of certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What the person must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The page to open, made safe for a terminal.
    pub page: String,
    /// The same page with the code in it, where the server gives one.
    pub page_with_code: Option<String>,
    /// The code to type there.
    pub code: String,
    /// Seconds until it is void.
    pub seconds: u64,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token itself.
    pub access: Secret,
    /// Seconds until it is void, where the server says so.
    pub seconds: Option<u64>,
    /// What it is for, where the server says something else than was asked for.
    pub scope: Option<String>,
    /// What another one is had with, where the issuer gives it.
    pub refresh: Option<Refresh>,
}

/// A refresh token (RFC 6749 1.5), with the address that takes it.
#[derive(Clone, Debug)]
pub struct Refresh {
    token: Secret,
    url: String,
}

/// Why there is no token. No variant holds a token or a code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OauthError {
    /// An address that is not `https:`, or is none.
    #[error("{url} is no address that starts with https://")]
    Address {
        /// The address, made safe.
        url: String,
    },
    /// The certificates to trust could not be read.
    #[error("cannot trust anybody: {why}")]
    Trust {
        /// Why.
        why: String,
    },
    /// The network, TLS, or an answer that is none.
    #[error("{url}: {why}")]
    Http {
        /// The address, made safe.
        url: String,
        /// Why.
        why: String,
    },
    /// The issuer offers no device flow.
    #[error("{url} announces no {missing}")]
    NotOffered {
        /// The issuer.
        url: String,
        /// The field that is missing.
        missing: &'static str,
    },
    /// The person, or the issuer, said no.
    #[error("access was denied")]
    Denied,
    /// Nobody signed in in time.
    #[error("the code was not used in time")]
    Expired,
    /// The issuer refused in its own words.
    #[error("refused: {said}")]
    Refused {
        /// `error` and `error_description`, made safe.
        said: String,
    },
}

/// Gets a token: `show` is called once with what the person must do, `sleep` before each question.
///
/// Time is counted by what was slept, so a test needs no clock.
///
/// # Errors
/// [`OauthError`].
pub fn device_flow(
    issuer: &Issuer,
    show: &mut dyn FnMut(&Prompt),
    sleep: &mut dyn FnMut(Duration),
) -> Result<Token, OauthError> {
    let agent = agent(issuer)?;
    let found = discover(&agent, issuer)?;
    let (device, token) = (
        address(&found, "device_authorization_endpoint", issuer)?,
        address(&found, "token_endpoint", issuer)?,
    );

    let mut form = vec![("client_id", issuer.client_id.as_str())];
    let secret = client_secret(issuer);
    if let Some(secret) = &secret {
        form.push(("client_secret", secret));
    }
    let mut begin = form.clone();
    begin.push(("scope", &issuer.scope));
    let (status, answer) = post(&agent, &device, &begin)?;
    if status != 200 {
        return Err(refused(&answer, &begin));
    }
    let text = |name: &'static str| answer.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let missing = |missing| OauthError::NotOffered { url: shown(&device), missing };
    let device_code = text("device_code").ok_or_else(|| missing("device_code"))?;
    let code = text("user_code").ok_or_else(|| missing("user_code"))?;
    // Google wrote its own name before there was a standard.
    let page = text("verification_uri").or_else(|| text("verification_url"));
    let page = https(page.ok_or_else(|| missing("verification_uri"))?)?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64);
    let seconds = number("expires_in").unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    show(&Prompt {
        page: shown(page),
        page_with_code: text("verification_uri_complete").and_then(|u| https(u).ok()).map(shown),
        code: shown(code),
        seconds,
    });

    form.push(("grant_type", "urn:ietf:params:oauth:grant-type:device_code"));
    form.push(("device_code", device_code));
    wait(&agent, &token, &form, number("interval").unwrap_or(USUAL_INTERVAL).max(1), seconds, sleep)
}

/// Asks until there is an answer (RFC 8628 3.4, 3.5).
fn wait(
    agent: &Agent,
    url: &str,
    form: &[(&str, &str)],
    mut interval: u64,
    seconds: u64,
    sleep: &mut dyn FnMut(Duration),
) -> Result<Token, OauthError> {
    let mut slept = 0_u64;
    let mut failures = 0_u32;
    loop {
        slept = slept.saturating_add(interval);
        if slept > seconds {
            return Err(OauthError::Expired);
        }
        sleep(Duration::from_secs(interval));
        let (status, answer) = match post(agent, url, form) {
            Ok(answer) => answer,
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures > MOST_FAILURES {
                    return Err(error);
                }
                interval = interval.saturating_mul(2);
                continue;
            }
        };
        failures = 0;
        if status == 200 {
            return token(&answer, url);
        }
        match answer.get("error").and_then(Value::as_str) {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = interval.saturating_add(5),
            Some("access_denied") => return Err(OauthError::Denied),
            Some("expired_token") => return Err(OauthError::Expired),
            _ => return Err(refused(&answer, form)),
        }
    }
}

fn client_secret(issuer: &Issuer) -> Option<String> {
    issuer.client_secret.as_ref().map(|secret| String::from_utf8_lossy(secret.bytes()).into_owned())
}

/// Another access token for a refresh token (RFC 6749 6). The issuer may give a new refresh token with it, which then
/// takes the place of the old one; else that holds on.
///
/// # Errors
/// [`OauthError`]; [`OauthError::Refused`] when the grant is over or was taken back.
pub fn refresh(issuer: &Issuer, with: &Refresh) -> Result<Token, OauthError> {
    let agent = agent(issuer)?;
    let (secret, held) = (client_secret(issuer), String::from_utf8_lossy(with.token.bytes()).into_owned());
    let mut form = vec![("client_id", issuer.client_id.as_str())];
    if let Some(secret) = &secret {
        form.push(("client_secret", secret));
    }
    form.push(("grant_type", "refresh_token"));
    form.push(("refresh_token", &held));
    let (status, answer) = post(&agent, &with.url, &form)?;
    if status != 200 {
        return Err(refused(&answer, &form));
    }
    let mut fresh = token(&answer, &with.url)?;
    fresh.refresh.get_or_insert_with(|| with.clone());
    Ok(fresh)
}

/// Renews the token of a run by its refresh token.
#[derive(Debug)]
pub struct Refresher {
    issuer: Issuer,
    held: Mutex<Refresh>,
}

impl Refresher {
    /// From what the device flow gave.
    pub fn new(issuer: Issuer, first: Refresh) -> Self {
        Self { issuer, held: Mutex::new(first) }
    }
}

impl Renew for Refresher {
    fn renew(&self) -> Result<Fresh, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let token = refresh(&self.issuer, &held).map_err(|error| error.to_string())?;
        let lifetime = token.seconds.map(Duration::from_secs);
        if let Some(next) = token.refresh {
            *held = next;
        }
        Ok(Fresh { token: token.access, lifetime })
    }

    fn source(&self) -> &'static str {
        "the issuer's refresh token"
    }
}

/// Reads the token out of an answer (RFC 6749 5.1) of `url`.
fn token(answer: &Value, url: &str) -> Result<Token, OauthError> {
    let refused = |said: &str| OauthError::Refused { said: said.to_owned() };
    let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(refused("the token is not of the type Bearer"));
    }
    let access = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if access.is_empty() || !access.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(refused("the answer has no token that can be used"));
    }
    Ok(Token {
        access: Secret::new(access.as_bytes().to_vec()),
        seconds: answer.get("expires_in").and_then(Value::as_u64),
        scope: answer.get("scope").and_then(Value::as_str).map(shown),
        refresh: answer
            .get("refresh_token")
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
            .map(|token| Refresh { token: Secret::new(token.as_bytes().to_vec()), url: url.to_owned() }),
    })
}

/// The issuer's own words (RFC 6749 5.2), without what was secret in the form that it answers, should it echo that.
fn refused(answer: &Value, form: &[(&str, &str)]) -> OauthError {
    let word = |name: &str, most: usize| {
        let mut text = answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        for (_, secret) in form.iter().filter(|(name, value)| SECRETS.contains(name) && !value.is_empty()) {
            text = text.replace(secret, "<secret>");
        }
        text.chars().take(most).collect::<String>()
    };
    let mut said = word("error", 200);
    let more = word("error_description", 500);
    if said.is_empty() {
        "an answer without a reason".clone_into(&mut said);
    }
    if !more.is_empty() {
        // A String takes whatever is written to it.
        write!(said, ": {more}").unwrap_or_default();
    }
    OauthError::Refused { said: shown(&said) }
}

/// What the issuer announces, by `OpenID` Connect Discovery 1.0 section 4, else by RFC 8414 section 3.
fn discover(agent: &Agent, issuer: &Issuer) -> Result<Value, OauthError> {
    let url = https(issuer.url.trim_end_matches('/'))?;
    let rest = url.get("https://".len()..).unwrap_or_default();
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let places = [
        format!("{url}/.well-known/openid-configuration"),
        format!("https://{host}/.well-known/oauth-authorization-server{path}"),
    ];
    let mut last = None;
    for place in places {
        match get(agent, &place) {
            Ok((200, answer)) if answer.is_object() => return Ok(answer),
            Ok((status, _)) => {
                let why = format!("HTTP status {status}, and no description of an issuer");
                last = Some(OauthError::Http { url: shown(&place), why });
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(OauthError::NotOffered { url: shown(url), missing: "description" }))
}

/// An address that the issuer announces.
fn address(found: &Value, missing: &'static str, issuer: &Issuer) -> Result<String, OauthError> {
    let url = found.get(missing).and_then(Value::as_str);
    let url = url.ok_or_else(|| OauthError::NotOffered { url: shown(&issuer.url), missing })?;
    https(url).map(str::to_owned)
}

/// The address, when it is one that TLS protects.
fn https(url: &str) -> Result<&str, OauthError> {
    let is_plain = url.len() <= 2048 && url.bytes().all(|b| b.is_ascii_graphic());
    if is_plain && url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    {
        return Ok(url);
    }
    let short: String = url.chars().take(200).collect();
    Err(OauthError::Address { url: shown(&short) })
}

fn agent(issuer: &Issuer) -> Result<Agent, OauthError> {
    let trust = |why: String| OauthError::Trust { why };
    let mut roots = Vec::new();
    if let Some(file) = &issuer.ca_file {
        let name = file.display();
        for der in CertificateDer::pem_file_iter(file).map_err(|e| trust(format!("{name}: {e}")))? {
            let der = der.map_err(|e| trust(format!("{name}: {e}")))?;
            roots.push(Certificate::from_der(&der).to_owned());
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.extend(found.certs.iter().map(|der| Certificate::from_der(der).to_owned()));
    }
    if roots.is_empty() {
        return Err(trust("there are no certificates".to_owned()));
    }
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(SILENCE))
        .user_agent(concat!("mailtrail/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

fn get(agent: &Agent, url: &str) -> Result<(u16, Value), OauthError> {
    read(agent.get(url).header("Accept", "application/json").call(), url)
}

fn post(agent: &Agent, url: &str, form: &[(&str, &str)]) -> Result<(u16, Value), OauthError> {
    read(agent.post(url).header("Accept", "application/json").send_form(form.iter().copied()), url)
}

/// Status and JSON of an answer.
fn read(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    url: &str,
) -> Result<(u16, Value), OauthError> {
    let failed = |why: String| OauthError::Http { url: shown(url), why };
    let mut answer = answer.map_err(|e| failed(e.to_string()))?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
    let body = body.map_err(|e| failed(e.to_string()))?;
    // What is not JSON has no field that is looked for, and is refused for that.
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_under_tls_are_taken() {
        assert!(https("https://login.example.org/x").is_ok());
        for odd in [
            "http://login.example.org",
            "https://",
            "https:///x",
            "ftp://x",
            "",
            "https://a b",
            "https://\u{1b}[2J",
        ] {
            assert!(https(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_token_is_of_the_type_bearer_and_is_not_shown() {
        let read = |text: &str| token(&serde_json::from_str(text).unwrap(), "https://h/token");
        let good =
            read(r#"{"access_token":"abc","token_type":"bearer","expires_in":3600,"refresh_token":"r"}"#)
                .unwrap();
        assert_eq!((good.access.bytes(), good.seconds), (&b"abc"[..], Some(3600)));
        let shown = format!("{good:?}");
        assert!(!shown.contains("abc") && !shown.contains("\"r\""), "{shown}");
        assert!(read(r#"{"access_token":"abc","token_type":"mac"}"#).is_err());
        assert!(read(r#"{"access_token":"a b","token_type":"Bearer"}"#).is_err());
        assert!(read(r#"{"token_type":"Bearer"}"#).is_err());
    }
}
