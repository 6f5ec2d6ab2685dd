//! A token by the device flow (RFC 8628), from an issuer that is scripted.

use std::time::Duration;

use mailtrail::acquire::Secret;
use mailtrail::acquire::oauth::{Issuer as Asked, OauthError, Prompt, Token, device_flow};

use crate::support::issuer::{Answers, Issuer};

const ABOUT: &str =
    r#"{"issuer":"{base}","device_authorization_endpoint":"{base}/device","token_endpoint":"{base}/token"}"#;
const BEGUN: &str = r#"{"device_code":"dev-1 &=","user_code":"WDJB-MJHT","verification_uri":"https://example.org/device","verification_uri_complete":"https://example.org/device?c=WDJB-MJHT","expires_in":120,"interval":5}"#;
const TOKEN: &str =
    r#"{"access_token":"tok-en","token_type":"Bearer","expires_in":3599,"refresh_token":"for-months"}"#;

/// An issuer that answers the questions for the token one after the other, the last one for ever.
fn issuer(tokens: &'static [(u16, &'static str)]) -> Issuer {
    with(Box::new(move |path, _, before| match path {
        "/.well-known/openid-configuration" => Some((200, ABOUT.to_owned())),
        "/device" => Some((200, BEGUN.to_owned())),
        "/token" => {
            let (status, text) = tokens[before.min(tokens.len() - 1)];
            (status != 0).then(|| (status, text.to_owned()))
        }
        _ => Some((404, String::new())),
    }))
}

fn with(answers: Answers) -> Issuer {
    Issuer::new(answers)
}

fn asked(issuer: &Issuer) -> Asked {
    Asked {
        url: issuer.url.clone(),
        client_id: "client 1".to_owned(),
        client_secret: Some(Secret::new(b"sec&ret".to_vec())),
        scope: "https://mail.example.org/ offline".to_owned(),
        ca_file: Some(issuer.ca_file.clone()),
    }
}

/// The end, the prompts, and the seconds slept.
fn flow(asked: &Asked) -> (Result<Token, OauthError>, Vec<Prompt>, Vec<u64>) {
    let (mut prompts, mut slept) = (Vec::new(), Vec::new());
    let end = device_flow(asked, &mut |prompt| prompts.push(prompt.clone()), &mut |time: Duration| {
        slept.push(time.as_secs());
    });
    (end, prompts, slept)
}

const PENDING: (u16, &str) = (400, r#"{"error":"authorization_pending"}"#);
const SLOWER: (u16, &str) = (400, r#"{"error":"slow_down"}"#);

#[test]
fn a_token_comes_once_the_person_has_signed_in_and_not_faster_than_asked() {
    let issuer = issuer(&[PENDING, SLOWER, PENDING, (200, TOKEN)]);
    let (end, prompts, slept) = flow(&asked(&issuer));
    let token = end.unwrap();
    assert_eq!(token.access.bytes(), b"tok-en");
    assert_eq!(token.seconds, Some(3599));
    assert!(!format!("{token:?}").contains("tok-en"));
    assert_eq!(slept, [5, 5, 10, 10]);
    assert_eq!(prompts.len(), 1);
    assert_eq!(prompts[0].code, "WDJB-MJHT");
    assert_eq!(prompts[0].page, "https://example.org/device");
    assert_eq!(prompts[0].page_with_code.as_deref(), Some("https://example.org/device?c=WDJB-MJHT"));
    assert_eq!(prompts[0].seconds, 120);
    assert_eq!(
        issuer.bodies("/device"),
        ["client_id=client+1&client_secret=sec%26ret&scope=https%3A%2F%2Fmail.example.org%2F+offline"]
    );
    let question = "client_id=client+1&client_secret=sec%26ret&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=dev-1+%26%3D";
    assert_eq!(issuer.bodies("/token"), [question; 4]);
}

#[test]
fn each_refusal_has_its_own_end() {
    let end = |tokens| flow(&asked(&issuer(tokens))).0.unwrap_err();
    assert!(matches!(end(&[PENDING, (400, r#"{"error":"access_denied"}"#)]), OauthError::Denied));
    assert!(matches!(end(&[(400, r#"{"error":"expired_token"}"#)]), OauthError::Expired));
    let said =
        end(&[(401, "{\"error\":\"invalid_client\",\"error_description\":\"no \\u001b[2J\"}")]).to_string();
    assert_eq!(said, "refused: invalid_client: no \\u{1b}[2J");
    assert!(matches!(end(&[(200, "<html>")]), OauthError::Refused { .. }));
    assert!(matches!(
        end(&[(200, r#"{"access_token":"x","token_type":"mac"}"#)]),
        OauthError::Refused { .. }
    ));
}

#[test]
fn nobody_is_waited_for_longer_than_the_code_holds() {
    let issuer = issuer(&[PENDING]);
    let (end, _, slept) = flow(&asked(&issuer));
    assert!(matches!(end, Err(OauthError::Expired)));
    assert_eq!(slept.iter().sum::<u64>(), 120);
}

#[test]
fn a_broken_connection_is_tried_again_more_slowly() {
    let issuer = issuer(&[(0, ""), (0, ""), (200, TOKEN)]);
    let (end, _, slept) = flow(&asked(&issuer));
    assert!(end.is_ok(), "{end:?}");
    assert_eq!(slept, [5, 10, 20]);
}

#[test]
fn an_issuer_may_describe_itself_as_rfc_8414_says() {
    let issuer = with(Box::new(|path, _, _| match path {
        "/.well-known/oauth-authorization-server/tenant" => Some((200, ABOUT.to_owned())),
        "/device" => Some((200, BEGUN.to_owned())),
        "/token" => Some((200, TOKEN.to_owned())),
        _ => Some((404, String::new())),
    }));
    let mut asked = asked(&issuer);
    asked.url += "/tenant/";
    assert!(flow(&asked).0.is_ok());
}

#[test]
fn an_issuer_that_cannot_be_trusted_is_not_asked() {
    let issuer = issuer(&[(200, TOKEN)]);
    let mut other = asked(&issuer);
    other.ca_file = Some(self::issuer(&[PENDING]).ca_file);
    // The other issuer's folder is gone with it, so the file cannot be read.
    assert!(matches!(flow(&other).0, Err(OauthError::Trust { .. })));
    let stranger = self::issuer(&[PENDING]);
    other.ca_file = Some(stranger.ca_file.clone());
    assert!(matches!(flow(&other).0, Err(OauthError::Http { .. })));
    assert!(issuer.asked.lock().unwrap().is_empty());
    other.url = other.url.replace("https:", "http:");
    assert!(matches!(flow(&other).0, Err(OauthError::Address { .. })));
}

#[test]
fn an_issuer_cannot_send_us_out_of_tls_or_elsewhere() {
    let about = |text: &'static str| {
        with(Box::new(move |path, _, _| match path {
            "/.well-known/openid-configuration" => Some((200, text.to_owned())),
            "/device" => Some((302, String::new())),
            _ => Some((404, String::new())),
        }))
    };
    let http =
        about(r#"{"device_authorization_endpoint":"http://127.0.0.1/x","token_endpoint":"{base}/token"}"#);
    assert!(matches!(flow(&asked(&http)).0, Err(OauthError::Address { .. })));
    let none = about(r#"{"token_endpoint":"{base}/token"}"#);
    assert!(matches!(
        flow(&asked(&none)).0,
        Err(OauthError::NotOffered { missing: "device_authorization_endpoint", .. })
    ));
    let moved = about(ABOUT);
    assert!(matches!(flow(&asked(&moved)).0, Err(OauthError::Refused { .. })));
    let long = with(Box::new(|_, _, _| Some((200, format!("{{\"x\":\"{}\"}}", "y".repeat(400_000))))));
    assert!(matches!(flow(&asked(&long)).0, Err(OauthError::Http { .. })));
}
