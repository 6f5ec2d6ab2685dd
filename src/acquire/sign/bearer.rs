//! OAUTHBEARER (RFC 7628) and XOAUTH2 (Google, Microsoft): an access token, so only ever inside TLS.

use super::{Exchange, SignError, Signing, said, token};

/// One message with the token; a refusal comes as a challenge in JSON, which must be answered before the server says
/// no.
pub(super) struct Bearer {
    name: &'static str,
    message: Vec<u8>,
    /// What answers a refusal.
    giving_up: &'static [u8],
    is_sent: bool,
    refusal: Option<String>,
}

/// Refuses what the field separator or a line end would cut in two. A token is printable ASCII (RFC 6750 2.1).
fn bare(mechanism: &'static str, user: &str, token: &[u8]) -> Result<(), SignError> {
    let why = "it holds a control character";
    if user.bytes().any(|b| b.is_ascii_control()) {
        return Err(SignError::Text { mechanism, field: "user name", why });
    }
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        let why = "a token is printable ASCII without spaces";
        return Err(SignError::Text { mechanism, field: "token", why });
    }
    Ok(())
}

impl Bearer {
    /// `user=` USER ^A `auth=Bearer ` TOKEN ^A ^A; a refusal is answered by an empty line.
    pub(super) fn xoauth2(signing: &Signing<'_>) -> Result<Self, SignError> {
        let name = "XOAUTH2";
        let token = token(signing, name)?.bytes();
        bare(name, signing.user, token)?;
        let message = [b"user=", signing.user.as_bytes(), b"\x01auth=Bearer ", token, b"\x01\x01"].concat();
        Ok(Self { name, message, giving_up: b"", is_sent: false, refusal: None })
    }

    /// RFC 7628 3.1; a refusal is answered by ^A (3.2.3).
    pub(super) fn oauthbearer(signing: &Signing<'_>) -> Result<Self, SignError> {
        let name = "OAUTHBEARER";
        let token = token(signing, name)?.bytes();
        bare(name, signing.user, token)?;
        // The user is a `saslname` of GS2 (RFC 5801 4).
        let user = signing.user.replace('=', "=3D").replace(',', "=2C");
        let head = format!("n,a={user},\x01host={}\x01port={}\x01auth=Bearer ", signing.host, signing.port);
        let message = [head.as_bytes(), token, b"\x01\x01"].concat();
        Ok(Self { name, message, giving_up: b"\x01", is_sent: false, refusal: None })
    }
}

impl Exchange for Bearer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn first(&mut self) -> Option<Vec<u8>> {
        self.is_sent = true;
        Some(self.message.clone())
    }

    fn next(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.refusal.is_some() || !self.is_sent {
            let what = "the server asks for more than there is";
            return Err(SignError::Challenge { mechanism: self.name, what });
        }
        self.refusal = Some(said(challenge));
        Ok(self.giving_up.to_vec())
    }

    fn finish(&mut self, _: &[u8]) -> Result<(), SignError> {
        match &self.refusal {
            Some(said) => Err(SignError::Refused { mechanism: self.name, said: said.clone() }),
            None if self.is_sent => Ok(()),
            None => {
                let what = "the server let us in before we said who we are";
                Err(SignError::Challenge { mechanism: self.name, what })
            }
        }
    }

    fn refusal(&self) -> Option<String> {
        self.refusal.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::order::{Credential, Secret};
    use crate::acquire::sign::Binding;

    const TOKEN: &[u8] = b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

    fn signing<'a>(user: &'a str, credential: &'a Credential) -> Signing<'a> {
        Signing {
            user,
            credential,
            host: "server.example.com",
            port: 143,
            nonce: "n",
            binding: Binding::Unable,
        }
    }

    fn bearer(bytes: &[u8]) -> Credential {
        Credential::Token(Secret::new(bytes.to_vec()))
    }

    #[test]
    fn oauthbearer_is_the_message_of_rfc_7628() {
        let credential = bearer(TOKEN);
        let mut exchange = Bearer::oauthbearer(&signing("user@example.com", &credential)).unwrap();
        assert_eq!(
            exchange.first().unwrap(),
            b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(exchange.finish(b""), Ok(()));
    }

    #[test]
    fn a_comma_in_the_user_does_not_end_it() {
        let credential = bearer(TOKEN);
        let mut exchange = Bearer::oauthbearer(&signing("a=b,c", &credential)).unwrap();
        assert!(exchange.first().unwrap().starts_with(b"n,a=a=3Db=2Cc,\x01"));
    }

    #[test]
    fn xoauth2_is_the_message_that_google_writes_down() {
        let credential = bearer(b"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        let mut exchange = Bearer::xoauth2(&signing("someuser@example.com", &credential)).unwrap();
        assert_eq!(
            exchange.first().unwrap(),
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
        );
    }

    #[test]
    fn a_refusal_is_answered_once_and_kept() {
        let credential = bearer(TOKEN);
        let json = br#"{"status":"invalid_token","scope":"mail"}"#;
        let mut exchange = Bearer::oauthbearer(&signing("u", &credential)).unwrap();
        exchange.first();
        assert_eq!(exchange.next(json).unwrap(), b"\x01");
        assert_eq!(exchange.refusal().unwrap(), std::str::from_utf8(json).unwrap());
        assert!(exchange.next(b"more").is_err());
        assert!(matches!(exchange.finish(b""), Err(SignError::Refused { .. })));
        let mut exchange = Bearer::xoauth2(&signing("u", &credential)).unwrap();
        exchange.first();
        assert_eq!(exchange.next(json).unwrap(), b"");
    }

    #[test]
    fn a_token_cannot_bring_fields_of_its_own() {
        for token in [&b"a\x01b"[..], b"a b", b"a\r\n", b"", b"\xff"] {
            let credential = bearer(token);
            assert!(Bearer::oauthbearer(&signing("u", &credential)).is_err(), "{token:?}");
            assert!(Bearer::xoauth2(&signing("u", &credential)).is_err(), "{token:?}");
        }
        assert!(Bearer::xoauth2(&signing("u\x01", &bearer(TOKEN))).is_err());
        let password = Credential::Password(Secret::new(b"p".to_vec()));
        assert!(matches!(Bearer::xoauth2(&signing("u", &password)).map(|_| ()), Err(SignError::Kind { .. })));
    }
}
