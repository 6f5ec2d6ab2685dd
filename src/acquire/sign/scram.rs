//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): neither side shows the password, and each proves that it
//! knows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{Binding, Exchange, SignError, Signing, password, said};

/// Fewest rounds; RFC 7677 4. Fewer would let whoever answers guess the password fast.
const LEAST: u32 = 4096;
/// Most rounds: some seconds of work. A server could ask for hours.
const MOST: u32 = 5_000_000;
/// Longest salt in base64; usual are 24 characters.
const LONGEST_SALT: usize = 4096;

/// The four messages of the exchange.
pub(super) struct Scram {
    name: &'static str,
    /// `gs2-header` of RFC 5802 7.
    gs2: String,
    /// The bytes that tie us to the connection; empty without binding.
    bound: Vec<u8>,
    /// `client-first-message-bare`.
    bare: String,
    nonce: String,
    password: String,
    step: Step,
    refusal: Option<String>,
}

/// Where the exchange is.
enum Step {
    Begin,
    Sent,
    /// Our proof is out; the server's must be this.
    Proving([u8; 32]),
    Proved,
    Broken,
}

/// HMAC-SHA-256.
fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

fn keyed(key: &[u8], message: &[u8]) -> Option<[u8; 32]> {
    Some(mac(key, message)?.finalize().into_bytes().into())
}

/// The value of the attribute `letter`, which must come first in `rest`; `rest` is then what follows its comma.
fn attribute<'a>(rest: &mut &'a str, letter: &str) -> Option<&'a str> {
    let value = rest.strip_prefix(letter)?;
    let (value, after) = value.split_once(',').unwrap_or((value, ""));
    *rest = after;
    Some(value)
}

impl Scram {
    pub(super) fn new(signing: &Signing<'_>, plus: bool) -> Result<Self, SignError> {
        let name = if plus { "SCRAM-SHA-256-PLUS" } else { "SCRAM-SHA-256" };
        let text = |field, why| SignError::Text { mechanism: name, field, why };
        let unprepared = "it has a character that RFC 4013 does not allow";
        let secret = std::str::from_utf8(password(signing, name)?.bytes())
            .map_err(|_| text("password", "it is not UTF-8"))?;
        let secret = stringprep::saslprep(secret).map_err(|_| text("password", unprepared))?;
        let user = stringprep::saslprep(signing.user).map_err(|_| text("user name", unprepared))?;
        if user.is_empty() {
            return Err(text("user name", "it is empty"));
        }
        let nonce = signing.nonce;
        if nonce.is_empty() || !nonce.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
            return Err(text("nonce", "it must be printable ASCII without commas"));
        }
        let (gs2, bound) = match (&signing.binding, plus) {
            (Binding::Exporter(bytes), true) => ("p=tls-exporter,,", bytes.clone()),
            (_, true) => {
                return Err(SignError::Kind { mechanism: name, needs: "a TLS connection to tie itself to" });
            }
            (Binding::NotOffered, false) => ("y,,", Vec::new()),
            (_, false) => ("n,,", Vec::new()),
        };
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Ok(Self {
            name,
            gs2: gs2.to_owned(),
            bound,
            bare: format!("n={user},r={nonce}"),
            nonce: nonce.to_owned(),
            password: secret.into_owned(),
            step: Step::Begin,
            refusal: None,
        })
    }

    fn wrong(&self, what: &'static str) -> SignError {
        SignError::Challenge { mechanism: self.name, what }
    }

    /// Answers `server-first-message` with `client-final-message`.
    fn prove(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SignError> {
        let first = std::str::from_utf8(challenge).map_err(|_| self.wrong("the challenge is not UTF-8"))?;
        let mut rest = first;
        if rest.starts_with("m=") {
            return Err(self.wrong("the server asks for an extension that we do not know"));
        }
        let nonce = attribute(&mut rest, "r=").ok_or_else(|| self.wrong("the challenge has no nonce"))?;
        // A nonce that is ours alone would let an old exchange be played again.
        let fresh = nonce.strip_prefix(&self.nonce).filter(|own| !own.is_empty());
        if !fresh.is_some_and(|own| own.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(self.wrong("the server's nonce does not go on from ours"));
        }
        let salt = attribute(&mut rest, "s=").filter(|s| !s.is_empty() && s.len() <= LONGEST_SALT);
        let salt =
            salt.and_then(|s| STANDARD.decode(s).ok()).ok_or_else(|| self.wrong("the salt is not base64"))?;
        let rounds =
            attribute(&mut rest, "i=").filter(|i| !i.is_empty() && i.bytes().all(|b| b.is_ascii_digit()));
        let rounds = rounds.ok_or_else(|| self.wrong("the number of rounds is not a number"))?;
        let asked = rounds.parse::<u64>().unwrap_or(u64::MAX);
        let rounds = u32::try_from(asked).ok().filter(|n| (LEAST..=MOST).contains(n));
        let rounds =
            rounds.ok_or(SignError::Rounds { mechanism: self.name, asked, least: LEAST, most: MOST })?;

        let bound = STANDARD.encode([self.gs2.as_bytes(), &self.bound].concat());
        let without_proof = format!("c={bound},r={nonce}");
        let signed = format!("{},{first},{without_proof}", self.bare);
        let (proof, server) =
            self.proofs(&salt, rounds, signed.as_bytes()).ok_or_else(|| self.wrong("no key"))?;
        self.step = Step::Proving(server);
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }

    /// `ClientProof`, and what `ServerSignature` must be (RFC 5802 3).
    fn proofs(&self, salt: &[u8], rounds: u32, signed: &[u8]) -> Option<([u8; 32], [u8; 32])> {
        let mut salted = [0; 32];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(self.password.as_bytes(), salt, rounds, &mut salted).ok()?;
        let client_key = keyed(&salted, b"Client Key")?;
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let signature = keyed(&stored_key, signed)?;
        let mut proof = client_key;
        for (byte, other) in proof.iter_mut().zip(signature) {
            *byte ^= other;
        }
        Some((proof, keyed(&keyed(&salted, b"Server Key")?, signed)?))
    }

    /// Checks `server-final-message`.
    fn check(&mut self, message: &[u8], expected: &[u8; 32]) -> Result<(), SignError> {
        let text = std::str::from_utf8(message).map_err(|_| self.wrong("the server's proof is not UTF-8"))?;
        let mut rest = text;
        if let Some(error) = attribute(&mut rest, "e=") {
            let said = said(error.as_bytes());
            self.refusal = Some(said.clone());
            return Err(SignError::Refused { mechanism: self.name, said });
        }
        let proof = attribute(&mut rest, "v=").and_then(|v| STANDARD.decode(v).ok());
        // Not in constant time: what is compared is no secret of ours, and one try ends the exchange.
        if proof.is_some_and(|proof| proof == expected) {
            self.step = Step::Proved;
            return Ok(());
        }
        Err(SignError::Unproven { mechanism: self.name })
    }
}

impl Exchange for Scram {
    fn name(&self) -> &'static str {
        self.name
    }

    fn first(&mut self) -> Option<Vec<u8>> {
        self.step = Step::Sent;
        Some(format!("{}{}", self.gs2, self.bare).into_bytes())
    }

    fn next(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SignError> {
        match std::mem::replace(&mut self.step, Step::Broken) {
            Step::Sent => self.prove(challenge),
            Step::Proving(expected) => self.check(challenge, &expected).map(|()| Vec::new()),
            Step::Begin | Step::Proved | Step::Broken => {
                Err(self.wrong("the server asks for more than there is"))
            }
        }
    }

    fn finish(&mut self, success: &[u8]) -> Result<(), SignError> {
        match std::mem::replace(&mut self.step, Step::Broken) {
            Step::Proved => {
                self.step = Step::Proved;
                Ok(())
            }
            // Where the protocol lets data come with success, the proof may stand there (RFC 4422 3.6).
            Step::Proving(expected) if !success.is_empty() => self.check(success, &expected),
            Step::Begin | Step::Sent | Step::Proving(_) | Step::Broken => {
                Err(SignError::Unproven { mechanism: self.name })
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

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn scram(user: &str, password: &str, binding: Binding) -> Result<Scram, SignError> {
        let plus = matches!(binding, Binding::Exporter(_));
        let credential = Credential::Password(Secret::new(password.into()));
        Scram::new(
            &Signing { user, credential: &credential, host: "h", port: 1, nonce: NONCE, binding },
            plus,
        )
    }

    /// The vector of RFC 7677, to where the proof is out.
    fn proving() -> Scram {
        let mut scram = scram("user", "pencil", Binding::Unable).unwrap();
        assert_eq!(scram.first().unwrap(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(
            String::from_utf8(scram.next(FIRST.as_bytes()).unwrap()).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        scram
    }

    #[test]
    fn speaks_the_exchange_of_rfc_7677() {
        let mut scram = proving();
        assert_eq!(scram.next(FINAL.as_bytes()).unwrap(), b"");
        assert_eq!(scram.finish(b""), Ok(()));
        assert!(scram.next(b"").is_err());
    }

    #[test]
    fn the_proof_may_come_with_the_success() {
        assert_eq!(proving().finish(FINAL.as_bytes()), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_prove_itself_does_not_let_us_in() {
        let unproven = Err(SignError::Unproven { mechanism: "SCRAM-SHA-256" });
        assert_eq!(proving().finish(b""), unproven);
        assert_eq!(scram("user", "pencil", Binding::Unable).unwrap().finish(b""), unproven);
        for wrong in ["v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "v=!", "", "x", "v=6rri"] {
            let mut scram = proving();
            assert!(scram.next(wrong.as_bytes()).is_err(), "{wrong}");
            assert_eq!(scram.finish(FINAL.as_bytes()), unproven, "{wrong}: and there is no second try");
        }
    }

    #[test]
    fn the_servers_own_error_is_kept() {
        let mut scram = proving();
        assert!(
            matches!(scram.next(b"e=invalid-proof"), Err(SignError::Refused { said, .. }) if said == "invalid-proof")
        );
        assert_eq!(scram.refusal().unwrap(), "invalid-proof");
    }

    #[test]
    fn rounds_are_neither_few_nor_endless() {
        let asked = |rounds: &str| {
            let mut scram = scram("user", "pencil", Binding::Unable).unwrap();
            scram.first();
            scram.next(FIRST.replace("4096", rounds).as_bytes()).map(|_| ())
        };
        for rounds in ["1", "4095", "5000001", "4294967296", "99999999999999999999999"] {
            assert!(matches!(asked(rounds), Err(SignError::Rounds { .. })), "{rounds}");
        }
        for rounds in ["", "-1", "+4096", "4096x", " 4096"] {
            assert!(matches!(asked(rounds), Err(SignError::Challenge { .. })), "{rounds}");
        }
        assert_eq!(asked("10000"), Ok(()));
    }

    #[test]
    fn an_odd_challenge_ends_the_exchange() {
        for challenge in [
            "",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", // nothing of the server's own
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "m=x,r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO1,s=,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO1,s=*,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO1,i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==",
            "r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==",
            "r=rOprNGfwEbeRWgbNEkqO1\u{7f},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        ] {
            let mut scram = scram("user", "pencil", Binding::Unable).unwrap();
            scram.first();
            assert!(scram.next(challenge.as_bytes()).is_err(), "{challenge}");
            assert!(scram.next(FIRST.as_bytes()).is_err(), "{challenge}: and there is no second try");
        }
        let mut scram = scram("user", "pencil", Binding::Unable).unwrap();
        scram.first();
        let long = format!("r={NONCE}1,s={},i=4096", "A".repeat(5000));
        assert!(scram.next(long.as_bytes()).is_err());
    }

    #[test]
    fn an_extension_after_the_rounds_is_signed_and_passed_over() {
        let mut scram = scram("user", "pencil", Binding::Unable).unwrap();
        scram.first();
        assert!(scram.next(format!("{FIRST},x=extra").as_bytes()).is_ok());
    }

    #[test]
    fn the_binding_is_part_of_what_is_signed() {
        let first = |binding| {
            let mut scram = scram("u=s,r", "pencil", binding).unwrap();
            let first = String::from_utf8(scram.first().unwrap()).unwrap();
            let last = String::from_utf8(scram.next(FIRST.as_bytes()).unwrap()).unwrap();
            (first, last.split(',').next().unwrap().to_owned())
        };
        assert_eq!(
            first(Binding::NotOffered),
            ("y,,n=u=3Ds=2Cr,r=rOprNGfwEbeRWgbNEkqO".to_owned(), "c=eSws".to_owned())
        );
        let exporter = Binding::Exporter(vec![0xab; 32]);
        let (message, bound) = first(exporter);
        assert_eq!(message, "p=tls-exporter,,n=u=3Ds=2Cr,r=rOprNGfwEbeRWgbNEkqO");
        let mut expected = b"p=tls-exporter,,".to_vec();
        expected.extend([0xab; 32]);
        assert_eq!(bound, format!("c={}", STANDARD.encode(expected)));
        let credential = Credential::Password(Secret::new(b"p".to_vec()));
        let unbound = Signing {
            user: "u",
            credential: &credential,
            host: "h",
            port: 1,
            nonce: "n",
            binding: Binding::Unable,
        };
        assert!(Scram::new(&unbound, true).is_err());
    }

    #[test]
    fn a_password_is_prepared_as_rfc_4013_says() {
        let prepared = |password| scram("u", password, Binding::Unable).map(|s| s.password);
        // The examples of RFC 4013 3.
        assert_eq!(prepared("I\u{ad}X").unwrap(), "IX");
        assert_eq!(prepared("user").unwrap(), "user");
        assert_eq!(prepared("USER").unwrap(), "USER");
        assert_eq!(prepared("\u{aa}").unwrap(), "a");
        assert_eq!(prepared("\u{2168}").unwrap(), "IX");
        assert!(prepared("\u{7}").is_err());
        assert!(prepared("\u{627}1").is_err());
        let bytes = Credential::Password(Secret::new(vec![0xff]));
        let signing = Signing {
            user: "u",
            credential: &bytes,
            host: "h",
            port: 1,
            nonce: "n",
            binding: Binding::Unable,
        };
        assert!(Scram::new(&signing, false).is_err());
    }
}
