//! Signs in: each way of SASL (RFC 4422) as a machine over bytes, without a socket, a clock or chance.
//!
//! Challenges and answers are bare bytes: base64, the `+ ` of the line and its length are the protocol's (RFC 9051
//! 6.2.2, RFC 5034 4). Every answer is a secret, also those of SCRAM and CRAM-MD5: from them a password can be guessed
//! offline.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::panic
    )
)]

mod bearer;
mod choose;
mod cram;
mod plain;
mod scram;

pub use choose::{Offered, Way, ways};

use super::order::{Credential, Mechanism, Secret};

/// Why signing in could not go on. The server has then not seen the password, save by PLAIN and LOGIN.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// None of the ways that we may use is offered.
    #[error("the server offers no way to sign in that may be used: it offers {offered}")]
    NoWay {
        /// What it offers, made safe for a terminal.
        offered: String,
    },
    /// The mechanism needs the other kind of credential.
    #[error("{mechanism} needs {needs}")]
    Kind {
        /// The mechanism's name.
        mechanism: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// The user name or the secret has a character that this mechanism cannot carry.
    #[error("{mechanism} cannot carry the {field}: {why}")]
    Text {
        /// The mechanism's name.
        mechanism: &'static str,
        /// `user name` or `password`.
        field: &'static str,
        /// What is in the way.
        why: &'static str,
    },
    /// The server's challenge is not what the mechanism says it is.
    #[error("{mechanism}: {what}")]
    Challenge {
        /// The mechanism's name.
        mechanism: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// SCRAM: the server asks for fewer rounds than are safe, or for more than we will do.
    #[error("{mechanism}: the server asks for {asked} rounds; {least} to {most} are done")]
    Rounds {
        /// The mechanism's name.
        mechanism: &'static str,
        /// Rounds asked for.
        asked: u64,
        /// Fewest.
        least: u32,
        /// Most.
        most: u32,
    },
    /// SCRAM: the server did not prove that it knows the password.
    #[error("{mechanism}: the server did not prove that it knows the password")]
    Unproven {
        /// The mechanism's name.
        mechanism: &'static str,
    },
    /// The server refused, in its own words.
    #[error("{mechanism}: refused: {said}")]
    Refused {
        /// The mechanism's name.
        mechanism: &'static str,
        /// What it said, made safe for a terminal.
        said: String,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// One attempt to sign in.
///
/// The driver sends the mechanism's [`name`](Exchange::name) with [`first`](Exchange::first) where the protocol lets it
/// (else `first` answers the first, empty challenge), then answers each challenge with [`next`](Exchange::next), and
/// calls [`finish`](Exchange::finish) when the server says that all is well. Only when that is `Ok` is the account
/// open. On an `Err` the driver cancels with `*` (RFC 9051 6.2.2) or drops the connection.
pub trait Exchange {
    /// The mechanism's registered name.
    fn name(&self) -> &'static str;

    /// The initial response; `None` where the server speaks first.
    fn first(&mut self) -> Option<Vec<u8>>;

    /// The answer to a challenge.
    ///
    /// # Errors
    /// When the challenge is not one of the mechanism.
    fn next(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Ends it after the server's success, with the data that came along (usually none).
    ///
    /// # Errors
    /// When the mechanism was not gone through, or the server did not prove itself.
    fn finish(&mut self, success: &[u8]) -> Result<(), SignError>;

    /// What the server said of its refusal inside the exchange (OAUTHBEARER, XOAUTH2, SCRAM `e=`), made safe for a
    /// terminal.
    fn refusal(&self) -> Option<String> {
        None
    }
}

/// Whether SCRAM ties itself to the TLS connection (RFC 5802 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// To the `tls-exporter` bytes of the connection (RFC 9266).
    Exporter(Vec<u8>),
    /// We could, but the server does not offer it: said, so that a server which did offer it finds somebody in the
    /// middle.
    NotOffered,
    /// We cannot, or may not.
    Unable,
}

/// Who signs in, where, and with what.
#[derive(Clone, Debug)]
pub struct Signing<'a> {
    /// User name.
    pub user: &'a str,
    /// Password or token.
    pub credential: &'a Credential,
    /// Host, as named by the examiner (RFC 7628 3.1).
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Printable ASCII without a comma, fresh for each attempt: [`nonce`]. A parameter, so that tests repeat.
    pub nonce: &'a str,
    /// For SCRAM.
    pub binding: Binding,
}

/// Begins to sign in by a mechanism. Nothing is computed yet from what a server says.
///
/// # Errors
/// When the mechanism cannot carry this user name or credential; another one may.
pub fn begin(mechanism: Mechanism, signing: &Signing<'_>) -> Result<Box<dyn Exchange>, SignError> {
    Ok(match mechanism {
        Mechanism::Plain => Box::new(plain::Plain::new(signing)?),
        Mechanism::Login => Box::new(plain::Login::new(signing)?),
        Mechanism::CramMd5 => Box::new(cram::CramMd5::new(signing)?),
        Mechanism::ScramSha256 => Box::new(scram::Scram::new(signing, false)?),
        Mechanism::ScramSha256Plus => Box::new(scram::Scram::new(signing, true)?),
        Mechanism::Xoauth2 => Box::new(bearer::Bearer::xoauth2(signing)?),
        Mechanism::OauthBearer => Box::new(bearer::Bearer::oauthbearer(signing)?),
    })
}

/// A fresh nonce for [`Signing::nonce`]: 24 random bytes of the system, in base64.
///
/// # Errors
/// [`SignError::Random`].
pub fn nonce() -> Result<String, SignError> {
    use base64::Engine as _;
    let mut bytes = [0; 24];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| SignError::Random)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// The registered name of a mechanism.
pub fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        Mechanism::ScramSha256 => "SCRAM-SHA-256",
        Mechanism::Plain => "PLAIN",
        Mechanism::Login => "LOGIN",
        Mechanism::CramMd5 => "CRAM-MD5",
        Mechanism::Xoauth2 => "XOAUTH2",
        Mechanism::OauthBearer => "OAUTHBEARER",
    }
}

/// The password, where that is the credential.
fn password<'a>(signing: &Signing<'a>, mechanism: &'static str) -> Result<&'a Secret, SignError> {
    match signing.credential {
        Credential::Password(secret) => Ok(secret),
        Credential::Token(_) => Err(SignError::Kind { mechanism, needs: "a password, not a token" }),
    }
}

/// The token, where that is the credential.
fn token<'a>(signing: &Signing<'a>, mechanism: &'static str) -> Result<&'a Secret, SignError> {
    match signing.credential {
        Credential::Token(secret) => Ok(secret),
        Credential::Password(_) => {
            Err(SignError::Kind { mechanism, needs: "an access token, not a password" })
        }
    }
}

/// Text of a server, short and safe to show.
fn said(bytes: &[u8]) -> String {
    let short = bytes.get(..1024).unwrap_or(bytes);
    crate::types::text::shown(&String::from_utf8_lossy(short))
}
