//! PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login): the password itself, so only ever inside TLS.

use super::{Exchange, SignError, Signing, password};

/// One message: no other identity, the user, the password, with NUL between.
pub(super) struct Plain {
    user: Vec<u8>,
    password: Vec<u8>,
    is_sent: bool,
}

/// Refuses what NUL would cut in two.
fn bare(mechanism: &'static str, user: &str, secret: &[u8]) -> Result<(), SignError> {
    let field = if user.contains('\0') {
        "user name"
    } else if secret.contains(&0) {
        "password"
    } else {
        return Ok(());
    };
    Err(SignError::Text { mechanism, field, why: "it holds a NUL" })
}

impl Plain {
    pub(super) fn new(signing: &Signing<'_>) -> Result<Self, SignError> {
        let secret = password(signing, "PLAIN")?.bytes();
        bare("PLAIN", signing.user, secret)?;
        Ok(Self { user: signing.user.into(), password: secret.to_vec(), is_sent: false })
    }
}

impl Exchange for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn first(&mut self) -> Option<Vec<u8>> {
        self.is_sent = true;
        Some([b"\0", &*self.user, b"\0", &*self.password].concat())
    }

    fn next(&mut self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Err(SignError::Challenge { mechanism: "PLAIN", what: "the server asks for more than there is" })
    }

    fn finish(&mut self, _: &[u8]) -> Result<(), SignError> {
        if self.is_sent {
            return Ok(());
        }
        Err(SignError::Challenge {
            mechanism: "PLAIN",
            what: "the server let us in before we said who we are",
        })
    }
}

/// Two questions: the user, then the password. What the questions say differs from server to server; their order does
/// not.
pub(super) struct Login {
    user: Vec<u8>,
    password: Vec<u8>,
    answered: u8,
}

impl Login {
    pub(super) fn new(signing: &Signing<'_>) -> Result<Self, SignError> {
        let secret = password(signing, "LOGIN")?.bytes();
        bare("LOGIN", signing.user, secret)?;
        Ok(Self { user: signing.user.into(), password: secret.to_vec(), answered: 0 })
    }
}

impl Exchange for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn next(&mut self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.answered = self.answered.saturating_add(1);
        match self.answered {
            1 => Ok(self.user.clone()),
            2 => Ok(self.password.clone()),
            _ => Err(SignError::Challenge { mechanism: "LOGIN", what: "the server asks a third time" }),
        }
    }

    fn finish(&mut self, _: &[u8]) -> Result<(), SignError> {
        if self.answered == 2 {
            return Ok(());
        }
        Err(SignError::Challenge {
            mechanism: "LOGIN",
            what: "the server let us in before we said who we are",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::order::{Credential, Secret};
    use crate::acquire::sign::Binding;

    fn signing<'a>(user: &'a str, credential: &'a Credential) -> Signing<'a> {
        Signing { user, credential, host: "h", port: 1, nonce: "n", binding: Binding::Unable }
    }

    fn secret(text: &[u8]) -> Credential {
        Credential::Password(Secret::new(text.to_vec()))
    }

    #[test]
    fn plain_is_the_message_of_rfc_4616() {
        let credential = secret(b"tanstaaftanstaaf");
        let mut plain = Plain::new(&signing("tim", &credential)).unwrap();
        assert_eq!(plain.first().unwrap(), b"\0tim\0tanstaaftanstaaf");
        assert!(plain.next(b"").is_err());
        assert_eq!(plain.finish(b""), Ok(()));
    }

    #[test]
    fn plain_carries_any_byte_but_nul() {
        let credential = secret(b"p\xff\x01\r\n,=");
        let mut plain = Plain::new(&signing("\u{e9}", &credential)).unwrap();
        assert_eq!(plain.first().unwrap(), b"\0\xc3\xa9\0p\xff\x01\r\n,=");
        assert!(matches!(
            Plain::new(&signing("a", &secret(b"a\0b"))).map(|_| ()),
            Err(SignError::Text { field: "password", .. })
        ));
        assert!(matches!(
            Plain::new(&signing("a\0b", &secret(b"a"))).map(|_| ()),
            Err(SignError::Text { field: "user name", .. })
        ));
    }

    #[test]
    fn login_answers_twice_whatever_is_asked() {
        let credential = secret(b"pw");
        let mut login = Login::new(&signing("joe", &credential)).unwrap();
        assert_eq!(login.first(), None);
        assert!(login.finish(b"").is_err());
        assert_eq!(login.next(b"User Name\0").unwrap(), b"joe");
        assert_eq!(login.next(b"").unwrap(), b"pw");
        assert_eq!(login.finish(b""), Ok(()));
        assert!(login.next(b"Password:").is_err());
    }

    #[test]
    fn a_token_is_not_given_where_a_password_is_asked() {
        let token = Credential::Token(Secret::new(b"t".to_vec()));
        assert!(matches!(Plain::new(&signing("a", &token)).map(|_| ()), Err(SignError::Kind { .. })));
        assert!(matches!(Login::new(&signing("a", &token)).map(|_| ()), Err(SignError::Kind { .. })));
    }
}
