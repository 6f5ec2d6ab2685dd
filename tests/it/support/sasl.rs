//! The server's side of SASL, from the documents: what the client of the product is checked against.
#![allow(clippy::format_push_string, reason = "a server of a test need not be fast")]
#![allow(dead_code, reason = "not every test of servers is written yet")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Who may sign in.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) token: String,
    /// Rounds that SCRAM asks for.
    pub(crate) rounds: u32,
}

/// What the server says last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    In,
    Out(&'static str),
}

fn keyed(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Goes through a mechanism. `ask` sends a challenge and gives the answer, `None` when the client cancels or is gone.
/// `exporter` is what the connection is bound to; `has_plus` whether SCRAM-SHA-256-PLUS was offered.
pub(crate) fn judge(
    mechanism: &str,
    initial: Option<Vec<u8>>,
    accounts: &Accounts,
    exporter: Option<Vec<u8>>,
    has_plus: bool,
    ask: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Verdict {
    let cancelled = Verdict::Out("cancelled");
    let right = |is| if is { Verdict::In } else { Verdict::Out("wrong user or password") };
    match mechanism {
        "PLAIN" => {
            let Some(said) = initial.or_else(|| ask(b"")) else { return cancelled };
            right(said == format!("\0{}\0{}", accounts.user, accounts.password).as_bytes())
        }
        "LOGIN" => {
            let Some(user) = ask(b"Username:") else { return cancelled };
            let Some(password) = ask(b"Password:") else { return cancelled };
            right(user == accounts.user.as_bytes() && password == accounts.password.as_bytes())
        }
        "CRAM-MD5" => {
            let challenge = b"<17.42@model>";
            let Some(said) = ask(challenge) else { return cancelled };
            let mut mac = Hmac::<md5::Md5>::new_from_slice(accounts.password.as_bytes()).unwrap();
            mac.update(challenge);
            let mut expected = format!("{} ", accounts.user);
            for byte in mac.finalize().into_bytes() {
                expected += &format!("{byte:02x}");
            }
            right(said == expected.as_bytes())
        }
        "XOAUTH2" | "OAUTHBEARER" => {
            let Some(said) = initial.or_else(|| ask(b"")) else { return cancelled };
            let said = String::from_utf8(said).unwrap();
            let (user, token) = (&accounts.user, &accounts.token);
            let is_right = if mechanism == "XOAUTH2" {
                said == format!("user={user}\x01auth=Bearer {token}\x01\x01")
            } else {
                said.starts_with(&format!("n,a={user},\x01host=127.0.0.1\x01port="))
                    && said.ends_with(&format!("\x01auth=Bearer {token}\x01\x01"))
            };
            if is_right {
                return Verdict::In;
            }
            let answer = ask(br#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
            let expected: &[u8] = if mechanism == "XOAUTH2" { b"" } else { b"\x01" };
            if answer.as_deref() == Some(expected) {
                Verdict::Out("token refused")
            } else {
                Verdict::Out("a refusal was not answered as it must be")
            }
        }
        "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS" => {
            scram(mechanism.ends_with("PLUS"), initial, accounts, exporter, has_plus, ask)
        }
        _ => Verdict::Out("unknown mechanism"),
    }
}

fn scram(
    plus: bool,
    initial: Option<Vec<u8>>,
    accounts: &Accounts,
    exporter: Option<Vec<u8>>,
    has_plus: bool,
    ask: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Verdict {
    let Some(first) = initial.or_else(|| ask(b"")) else { return Verdict::Out("cancelled") };
    let first = String::from_utf8(first).unwrap();
    let bare = first.splitn(3, ',').nth(2).unwrap().to_owned();
    let gs2 = first[..first.len() - bare.len()].to_owned();
    let flag = gs2.split(',').next().unwrap();
    let is_fit = match flag {
        "p=tls-exporter" => plus,
        "y" => !plus && !has_plus,
        "n" => !plus,
        _ => false,
    };
    if !is_fit {
        return Verdict::Out("channel binding does not fit");
    }
    let nonce = bare.split(",r=").nth(1).unwrap();
    let salt = b"salt of the model";
    let server_first = format!("r={nonce}Srv%42,s={},i={}", STANDARD.encode(salt), accounts.rounds);
    let Some(last) = ask(server_first.as_bytes()) else { return Verdict::Out("cancelled") };
    let last = String::from_utf8(last).unwrap();
    let (without_proof, proof) = last.rsplit_once(",p=").unwrap();
    let mut bound = gs2.clone().into_bytes();
    if plus {
        bound.extend(exporter.expect("a PLUS without TLS"));
    }
    if without_proof != format!("c={},r={nonce}Srv%42", STANDARD.encode(bound)) {
        return Verdict::Out("the binding or nonce is not ours");
    }
    let mut salted = [0; 32];
    pbkdf2::pbkdf2::<Hmac<Sha256>>(accounts.password.as_bytes(), salt, accounts.rounds, &mut salted).unwrap();
    let auth = format!("{bare},{server_first},{without_proof}");
    let client_key = keyed(&salted, b"Client Key");
    let signature = keyed(&Sha256::digest(&client_key), auth.as_bytes());
    let expected: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
    let user = bare.strip_prefix("n=").unwrap().split(",r=").next().unwrap();
    if STANDARD.decode(proof).unwrap() != expected || user != accounts.user {
        return Verdict::Out("wrong user or password");
    }
    let server = keyed(&keyed(&salted, b"Server Key"), auth.as_bytes());
    match ask(format!("v={}", STANDARD.encode(server)).as_bytes()) {
        Some(empty) if empty.is_empty() => Verdict::In,
        _ => Verdict::Out("the client does not take our proof"),
    }
}
