//! Servers that play tricks while we sign in: what is echoed is not kept, and nobody lets us in before we have said who
//! we are.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailtrail::acquire::{AcquireError, Credential, Secret};

use crate::support::collect::{Collected, Has, collect, order};
use crate::support::server::{Act, Model, Moment, Server};

const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "tok.en-of-an-hour";

/// Signs in to a model that offers `sasl`, with a fault.
fn signed_in(
    mut model: Model,
    sasl: &[&'static str],
    fault: impl Fn(Moment<'_>, &[u8]) -> Act + Send + Sync + 'static,
) -> (Collected, Server) {
    model.sasl = sasl.to_vec();
    PASSWORD.clone_into(&mut model.accounts.password);
    TOKEN.clone_into(&mut model.accounts.token);
    model.fault = Arc::new(fault);
    let server = Server::start(model.clone());
    let mut order = order(&model.url(server.port), PASSWORD, Some(server.ca_file()));
    if sasl.contains(&"XOAUTH2") || sasl.contains(&"OAUTHBEARER") {
        order.credential = Credential::Token(Secret::new(TOKEN.into()));
    }
    order.list_only = true;
    let all = collect(&order, &Has::default());
    (all, server)
}

/// A server that says OK to AUTHENTICATE before it has asked for anything.
#[track_caller]
fn welcomed_too_early(is_imap: bool, sasl: &'static str) {
    let mut model = Model::new(is_imap);
    model.has_login = false;
    if is_imap {
        model.has_ir = false;
    } else {
        // Longer than the line of AUTH may be, so that it waits for the challenge.
        model.accounts.user = "joe".repeat(100);
    }
    model.sasl = vec![sasl];
    model.fault = Arc::new(move |moment, _| match moment.verb {
        // The greeting tells the capabilities, so this is the first command.
        "CHALLENGE" if is_imap => Act::SayAndClose(b"A1 OK welcome\r\n".to_vec()),
        "CHALLENGE" => Act::SayAndClose(b"+OK welcome\r\n".to_vec()),
        _ => Act::Send,
    });
    let server = Server::start(model.clone());
    let mut order = order(&model.url(server.port), PASSWORD, Some(server.ca_file()));
    if matches!(sasl, "XOAUTH2" | "OAUTHBEARER") {
        order.credential = Credential::Token(Secret::new(TOKEN.into()));
    }
    order.account.user.clone_from(&model.accounts.user);
    order.limits.again = 0;
    let all = collect(&order, &Has::default());
    assert!(all.sessions.is_empty(), "{sasl}, IMAP {is_imap}: {:?}", all.error);
    let Some(AcquireError::SignIn { said, .. }) = &all.error else {
        panic!("{sasl}, IMAP {is_imap}: {:?}\n{}", all.error, all.dialogue());
    };
    assert!(said.contains("before") || said.contains("did not prove"), "{sasl}, IMAP {is_imap}: {said}");
}

#[test]
fn a_server_that_lets_us_in_before_we_said_who_we_are_is_left() {
    for is_imap in [true, false] {
        for sasl in ["PLAIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"] {
            welcomed_too_early(is_imap, sasl);
        }
    }
}

#[test]
fn a_server_that_skips_its_own_proof_is_left() {
    for is_imap in [true, false] {
        for sasl in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
            // The second challenge is the proof; in its place comes the welcome.
            let (all, _) = signed_in(Model::new(is_imap), &[sasl], move |moment, _| match moment.verb {
                "CHALLENGE" if moment.nth == 1 => {
                    let text = if is_imap { "A1 OK welcome\r\n" } else { "+OK welcome\r\n" };
                    Act::SayAndClose(text.into())
                }
                _ => Act::Send,
            });
            let Some(AcquireError::SignIn { said, .. }) = &all.error else {
                panic!("{:?}\n{}", all.error, all.dialogue())
            };
            assert!(said.contains("did not prove that it knows the password"), "{said}");
        }
    }
}

/// The forms in which a server may echo what it was told.
fn echoes() -> Vec<String> {
    vec![
        format!("wrong: {PASSWORD} {TOKEN}"),
        format!("wrong: {} {}", STANDARD.encode(PASSWORD), STANDARD.encode(TOKEN)),
        format!("wrong: {}", STANDARD.encode(format!("\0joe\0{PASSWORD}"))),
        format!("wrong: {}", STANDARD.encode(format!("user=joe\x01auth=Bearer {TOKEN}\x01\x01"))),
        format!("wrong: {}", STANDARD.encode(format!("x{PASSWORD}{TOKEN}y"))),
    ]
}

#[track_caller]
fn keeps_no_echo(all: &Collected, what: &str) {
    let kept = format!("{}\n{:?}\n{:?}", all.dialogue(), all.error, all.notices);
    let digits = |secret: &str, skip: usize| {
        let coded = STANDARD.encode([&vec![0; skip], secret.as_bytes()].concat());
        coded[(skip * 8).div_ceil(6)..(skip + secret.len()) * 8 / 6].to_owned()
    };
    for secret in [PASSWORD, TOKEN] {
        // Of what was never told to the server nothing is hidden; only the one that was sent is looked for.
        if !what.contains(secret) {
            continue;
        }
        assert!(!kept.contains(secret), "{what}: {kept}");
        for skip in 0..3 {
            assert!(!kept.contains(&digits(secret, skip)), "{what} in base64: {kept}");
        }
    }
}

#[test]
fn a_secret_that_a_server_echoes_while_we_sign_in_is_kept_nowhere() {
    for is_imap in [true, false] {
        for (sasl, secret) in
            [(&["PLAIN"][..], PASSWORD), (&["XOAUTH2"], TOKEN), (&["OAUTHBEARER"], TOKEN), (&[], PASSWORD)]
        {
            for echo in echoes() {
                for is_alert in [true, false] {
                    if is_alert && !is_imap {
                        continue;
                    }
                    let text = echo.clone();
                    let (all, _) = signed_in(Model::new(is_imap), sasl, move |moment, _| {
                        let tag = moment.tag;
                        match moment.verb {
                            "AUTHENTICATE" | "LOGIN" if is_alert => Act::Say(
                                format!("* OK [ALERT] {text}\r\n{tag} NO [AUTHENTICATIONFAILED] {text}\r\n")
                                    .into(),
                            ),
                            "AUTHENTICATE" | "LOGIN" => Act::Say(format!("{tag} NO {text}\r\n").into()),
                            "AUTH" | "PASS" => Act::Say(format!("-ERR [AUTH] {text}\r\n").into()),
                            _ => Act::Send,
                        }
                    });
                    assert!(matches!(all.error, Some(AcquireError::SignIn { .. })), "{:?}", all.error);
                    keeps_no_echo(&all, secret);
                }
            }
        }
    }
}

#[test]
fn a_tag_that_is_the_password_is_not_told_either() {
    let (all, _) = signed_in(Model::new(true), &["XOAUTH2"], |moment, _| match moment.verb {
        "AUTHENTICATE" => Act::SayAndClose(format!("{TOKEN} OK in\r\n").into()),
        _ => Act::Send,
    });
    assert!(matches!(all.error, Some(AcquireError::Protocol { .. })), "{:?}", all.error);
    keeps_no_echo(&all, TOKEN);
}

#[test]
fn a_password_cannot_be_guessed_from_the_transcript() {
    for is_imap in [true, false] {
        for sasl in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
            let (all, _) = signed_in(Model::new(is_imap), &[sasl], |_, _| Act::Send);
            let all = all.ok();
            // With salt, rounds and nonces, and the server's proof, one could try passwords for ever.
            for part in ["s=", "v=", "r=", "i=4096"] {
                for line in all.dialogue().lines().filter(|line| line.contains("S: +")) {
                    let coded = line.rsplit(' ').next().unwrap();
                    let said = STANDARD.decode(coded).unwrap_or_default();
                    assert!(!String::from_utf8_lossy(&said).contains(part), "{line}");
                    assert!(!line.contains(part), "{line}");
                }
            }
            assert!(all.dialogue().lines().any(|line| line.contains("S: + <")), "{}", all.dialogue());
        }
    }
}

#[test]
fn what_was_alerted_before_tls_is_told_as_said_by_anybody() {
    let mut model = Model::new(true);
    model.tls_first = false;
    let (all, _) = signed_in(model, &["PLAIN"], |moment, bytes| match moment.verb {
        "STARTTLS" => Act::Say([&b"* OK [ALERT] call this number\r\n"[..], bytes].concat()),
        _ => Act::Send,
    });
    let all = all.ok();
    let alert = all.notices.iter().find(|notice| notice.code == "server-alert").unwrap();
    assert!(alert.text.starts_with("in the clear, before TLS"), "{}", alert.text);
}

#[test]
fn a_server_that_says_later_is_asked_once_more_and_one_that_says_no_is_not() {
    let answer = |code: &'static str| {
        signed_in(Model::new(true), &["PLAIN"], move |moment, _| match moment.verb {
            "AUTHENTICATE" if moment.connection == 0 => {
                Act::Say(format!("{} NO [{code}] not now\r\n", moment.tag).into())
            }
            _ => Act::Send,
        })
    };
    let (all, server) = answer("UNAVAILABLE");
    all.ok();
    assert_eq!(server.record().connections, 2);
    let (all, server) = answer("AUTHENTICATIONFAILED");
    assert!(matches!(all.error, Some(AcquireError::SignIn { .. })), "{:?}", all.error);
    assert_eq!(server.record().connections, 1);
}

#[test]
fn a_password_that_is_refused_on_the_way_is_not_tried_again_and_one_that_may_be_right_later_is() {
    for (said, tries) in [
        ("[AUTHENTICATIONFAILED] wrong", 1),
        ("[UNAVAILABLE] not now", 2),
        ("[ALERT] Too many simultaneous connections. (Failure)", 2),
    ] {
        // The connection breaks at the first message; the one sign-in that follows is refused.
        let state = Arc::new(std::sync::Mutex::new((false, 0)));
        let seen = Arc::clone(&state);
        let mut model = Model::new(true);
        model.fault = Arc::new(move |moment, _| {
            let mut state = seen.lock().unwrap();
            match (moment.verb, state.0) {
                ("BODY", false) => {
                    state.0 = true;
                    Act::SayAndClose(Vec::new())
                }
                ("AUTHENTICATE", true) => {
                    state.1 += 1;
                    if state.1 == 1 {
                        Act::Say(format!("{} NO {said}\r\n", moment.tag).into())
                    } else {
                        Act::Send
                    }
                }
                _ => Act::Send,
            }
        });
        let server = Server::start(model.clone());
        let order = order(&model.url(server.port), "correct horse", Some(server.ca_file()));
        let all = collect(&order, &Has::default());
        assert_eq!(state.lock().unwrap().1, tries, "{said}: {:?}", all.error);
        let is_refused = matches!(all.error, Some(AcquireError::SignIn { .. }));
        assert_eq!((is_refused, all.messages.len() == model.mails()), (tries == 1, tries == 2), "{said}");
    }
}
