//! CRAM-MD5 (RFC 2195): a keyed MD5 of the server's challenge. Weak, and used only when it is named.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use super::{Exchange, SignError, Signing, password};

const NAME: &str = "CRAM-MD5";

/// One challenge, one answer: the user, a space, and the HMAC in lower-case hex digits.
pub(super) struct CramMd5 {
    user: String,
    password: Vec<u8>,
    is_answered: bool,
}

impl CramMd5 {
    pub(super) fn new(signing: &Signing<'_>) -> Result<Self, SignError> {
        let password = password(signing, NAME)?.bytes().to_vec();
        Ok(Self { user: signing.user.to_owned(), password, is_answered: false })
    }
}

impl Exchange for CramMd5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn first(&mut self) -> Option<Vec<u8>> {
        None
    }

    fn next(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SignError> {
        let wrong = |what| SignError::Challenge { mechanism: NAME, what };
        if self.is_answered {
            return Err(wrong("the server asks a second time"));
        }
        if challenge.is_empty() {
            return Err(wrong("the challenge is empty"));
        }
        let mut mac = Hmac::<Md5>::new_from_slice(&self.password).map_err(|_| wrong("no key"))?;
        mac.update(challenge);
        let mut answer = format!("{} ", self.user);
        for byte in mac.finalize().into_bytes() {
            use std::fmt::Write as _;
            // A String takes whatever is written to it.
            let _ = write!(answer, "{byte:02x}");
        }
        self.is_answered = true;
        Ok(answer.into_bytes())
    }

    fn finish(&mut self, _: &[u8]) -> Result<(), SignError> {
        if self.is_answered {
            return Ok(());
        }
        Err(SignError::Challenge { mechanism: NAME, what: "the server let us in before it challenged us" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::order::{Credential, Secret};
    use crate::acquire::sign::Binding;

    #[test]
    fn answers_the_challenge_of_rfc_2195() {
        let credential = Credential::Password(Secret::new(b"tanstaaftanstaaf".to_vec()));
        let signing = Signing {
            user: "tim",
            credential: &credential,
            host: "h",
            port: 1,
            nonce: "n",
            binding: Binding::Unable,
        };
        let mut cram = CramMd5::new(&signing).unwrap();
        assert_eq!(cram.first(), None);
        assert!(cram.finish(b"").is_err());
        assert!(cram.next(b"").is_err());
        assert_eq!(
            cram.next(b"<1896.697170952@postoffice.reston.mci.net>").unwrap(),
            b"tim b913a602c7eda7a495b4e6e7334d3890"
        );
        assert!(cram.next(b"<again>").is_err());
        assert_eq!(cram.finish(b""), Ok(()));
    }
}
