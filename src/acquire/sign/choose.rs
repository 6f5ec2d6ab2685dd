//! Which ways to sign in are tried, and in what order: the best that is offered, or those that the examiner names.

use super::{Credential, Mechanism, SignError, name, said};

/// What the server offers.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Names of SASL mechanisms, as written (`AUTH=` of RFC 9051 7.2.2, `SASL` of RFC 5034).
    pub sasl: Vec<Vec<u8>>,
    /// Whether the protocol's own command may be used: LOGIN, or USER and PASS.
    pub command: bool,
    /// Whether the connection has `tls-exporter` bytes to tie SCRAM to.
    pub exporter: bool,
}

/// One way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a mechanism of SASL.
    Sasl(Mechanism),
    /// By LOGIN of IMAP, or USER and PASS of POP3.
    Command,
}

impl Way {
    /// The mechanism, for the record.
    pub fn mechanism(self) -> Mechanism {
        match self {
            Self::Sasl(mechanism) => mechanism,
            Self::Command => Mechanism::Login,
        }
    }
}

/// Best first, when none is named. CRAM-MD5 is never chosen: it is no safer than PLAIN inside TLS, and its servers keep
/// passwords in the clear.
const WITH_PASSWORD: &[Mechanism] =
    &[Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login];
const WITH_TOKEN: &[Mechanism] = &[Mechanism::OauthBearer, Mechanism::Xoauth2];

impl Offered {
    fn has(&self, mechanism: Mechanism) -> bool {
        self.sasl.iter().any(|offered| offered.eq_ignore_ascii_case(name(mechanism).as_bytes()))
    }

    /// Whether SCRAM-SHA-256-PLUS is offered: then SCRAM-SHA-256 must not claim the opposite ([`super::Binding`]).
    pub fn has_plus(&self) -> bool {
        self.has(Mechanism::ScramSha256Plus)
    }
}

/// The ways to try, in order. The driver goes to the next one only when the one before could not begin
/// ([`super::begin`]) or the server says that it does not know it: a wrong password is not tried again.
///
/// # Errors
/// [`SignError::NoWay`] when none of them is offered.
pub fn ways(named: &[Mechanism], credential: &Credential, offered: &Offered) -> Result<Vec<Way>, SignError> {
    let usual = match credential {
        Credential::Password(_) => WITH_PASSWORD,
        Credential::Token(_) => WITH_TOKEN,
    };
    let wanted = if named.is_empty() { usual } else { named };
    let mut ways = Vec::new();
    for &mechanism in wanted {
        let way = match mechanism {
            Mechanism::Login if offered.command => Way::Command,
            Mechanism::ScramSha256Plus if !offered.exporter => continue,
            _ if offered.has(mechanism) => Way::Sasl(mechanism),
            _ => continue,
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    if !ways.is_empty() {
        return Ok(ways);
    }
    let mut names: Vec<String> = offered.sasl.iter().take(64).map(|name| said(name)).collect();
    if offered.command {
        names.push("a plain login".to_owned());
    }
    let offered = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(SignError::NoWay { offered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::order::Secret;

    fn check(
        named: &[Mechanism],
        token: bool,
        sasl: &str,
        command: bool,
        exporter: bool,
    ) -> Result<Vec<Way>, SignError> {
        let secret = Secret::new(b"s".to_vec());
        let credential = if token { Credential::Token(secret) } else { Credential::Password(secret) };
        let sasl = sasl.split_whitespace().map(|s| s.as_bytes().to_vec()).collect();
        ways(named, &credential, &Offered { sasl, command, exporter })
    }

    #[test]
    fn the_best_that_is_offered_comes_first_and_cram_md5_never() {
        let all = "cram-md5 PLAIN login Scram-Sha-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1 XOAUTH2";
        let password = |command, exporter| check(&[], false, all, command, exporter).unwrap();
        assert_eq!(
            password(false, true),
            [Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login]
                .map(Way::Sasl)
        );
        assert_eq!(
            password(true, false),
            [Way::Sasl(Mechanism::ScramSha256), Way::Sasl(Mechanism::Plain), Way::Command]
        );
        assert_eq!(check(&[], true, all, true, true).unwrap(), [Way::Sasl(Mechanism::Xoauth2)]);
        assert_eq!(
            check(&[], true, "XOAUTH2 OAUTHBEARER", true, true).unwrap(),
            [Mechanism::OauthBearer, Mechanism::Xoauth2].map(Way::Sasl)
        );
    }

    #[test]
    fn what_is_named_is_used_and_nothing_else() {
        assert_eq!(
            check(&[Mechanism::CramMd5], false, "PLAIN CRAM-MD5", true, true).unwrap(),
            [Way::Sasl(Mechanism::CramMd5)]
        );
        assert_eq!(check(&[Mechanism::Login], false, "PLAIN", true, true).unwrap(), [Way::Command]);
        let none = check(&[Mechanism::ScramSha256], false, "PLAIN \x1b[2J", true, true);
        assert_eq!(none, Err(SignError::NoWay { offered: "PLAIN, \\u{1b}[2J, a plain login".to_owned() }));
    }

    #[test]
    fn a_token_is_never_sent_as_a_password() {
        assert!(check(&[], true, "PLAIN LOGIN", true, true).is_err());
        assert_eq!(
            check(&[], false, "", false, false),
            Err(SignError::NoWay { offered: "nothing".to_owned() })
        );
    }
}
