//! Every way to sign in, over both protocols and both of their ports, against Dovecot and against servers of our own
//! where Dovecot lacks it.

use mailtrail::acquire::{AcquireError, Credential, Mechanism, Secret};

use crate::support::collect::{Collected, Has, collect, order};
use crate::support::dovecot::{Dovecot, PASSWORD, is_here};
use crate::support::server::{Model, Server};

/// The protocols that can be acquired from.
const PROTOCOLS: [bool; 2] = [false, true];

/// TLS 1.2 alone.
static OLD: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// Signs in to a model that offers `sasl`, by what is named.
fn signed_in(model: &Model, credential: Credential, named: &[Mechanism]) -> (Collected, Server) {
    let server = Server::start(model.clone());
    let mut order = order(&model.url(server.port), "", Some(server.ca_file()));
    order.credential = credential;
    order.mechanisms = named.to_vec();
    order.list_only = true;
    let all = collect(&order, &Has::default());
    assert_eq!(server.record().violations, Vec::<String>::new());
    let dialogue = all.dialogue();
    for secret in ["correct horse", "tok.en-1", "Y29ycmVjdCBob3JzZ", "dG9rLmVuLT"] {
        assert!(!dialogue.contains(secret), "{secret} is in the transcript:\n{dialogue}");
    }
    (all, server)
}

fn password() -> Credential {
    Credential::Password(Secret::new(b"correct horse".to_vec()))
}

fn token() -> Credential {
    Credential::Token(Secret::new(b"tok.en-1".to_vec()))
}

/// With one mechanism offered, it is the one that is used.
fn check(sasl: &'static str, credential: &Credential, named: &[Mechanism], expected: Mechanism) {
    for is_imap in PROTOCOLS {
        for tls_first in [true, false] {
            for has_ir in [true, false] {
                let mut model = Model::new(is_imap);
                model.tls_first = tls_first;
                model.has_ir = has_ir;
                model.has_login = false;
                model.sasl = vec![sasl];
                let (all, server) = signed_in(&model, credential.clone(), named);
                let all = all.ok();
                assert_eq!(all.sessions[0].mechanism, Some(expected), "{sasl}, IMAP {is_imap}");
                assert!(all.sessions[0].tls.is_some());
                assert_eq!(server.record().logins, 1);
            }
        }
    }
}

#[test]
fn each_mechanism_signs_in() {
    check("PLAIN", &password(), &[], Mechanism::Plain);
    check("LOGIN", &password(), &[], Mechanism::Login);
    check("SCRAM-SHA-256", &password(), &[], Mechanism::ScramSha256);
    check("SCRAM-SHA-256-PLUS", &password(), &[], Mechanism::ScramSha256Plus);
    check("CRAM-MD5", &password(), &[Mechanism::CramMd5], Mechanism::CramMd5);
    check("XOAUTH2", &token(), &[], Mechanism::Xoauth2);
    check("OAUTHBEARER", &token(), &[], Mechanism::OauthBearer);
}

#[test]
fn the_protocols_own_command_signs_in_where_there_is_nothing_else() {
    for is_imap in PROTOCOLS {
        for tls_first in [true, false] {
            let mut model = Model::new(is_imap);
            model.tls_first = tls_first;
            model.sasl = Vec::new();
            model.accounts.password = "correct horse \"x\" \\ {3}".to_owned();
            let credential = Credential::Password(Secret::new(model.accounts.password.clone().into_bytes()));
            let (all, _) = signed_in(&model, credential, &[]);
            assert_eq!(all.ok().sessions[0].mechanism, Some(Mechanism::Login));
        }
    }
}

#[test]
fn the_best_that_is_offered_is_taken_and_cram_md5_is_not() {
    for is_imap in PROTOCOLS {
        let mut model = Model::new(is_imap);
        model.sasl =
            vec!["CRAM-MD5", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2", "OAUTHBEARER"];
        let used = |model: &Model, credential| {
            signed_in(model, credential, &[]).0.ok().sessions[0].mechanism.unwrap()
        };
        assert_eq!(used(&model, password()), Mechanism::ScramSha256Plus);
        assert_eq!(used(&model, token()), Mechanism::OauthBearer);
        // TLS 1.2 has no bytes to be bound to, and the client then says neither `p` nor `y`.
        model.versions = OLD;
        assert_eq!(used(&model, password()), Mechanism::ScramSha256);
        model.sasl = vec!["CRAM-MD5"];
        model.has_login = false;
        let (all, server) = signed_in(&model, password(), &[]);
        assert!(matches!(all.error, Some(AcquireError::SignIn { .. })), "{:?}", all.error);
        assert_eq!(server.record().refused, None, "nothing was tried");
    }
}

#[test]
fn a_refusal_is_told_in_the_servers_words_and_not_tried_again() {
    for is_imap in PROTOCOLS {
        for (sasl, credential, word) in [
            ("PLAIN", password(), "wrong user"),
            ("LOGIN", password(), "wrong user"),
            ("SCRAM-SHA-256", password(), "wrong user"),
            ("XOAUTH2", token(), "401"),
            ("OAUTHBEARER", token(), "401"),
        ] {
            let mut model = Model::new(is_imap);
            model.sasl = vec![sasl];
            model.accounts.password = "another".to_owned();
            model.accounts.token = "another".to_owned();
            let (all, server) = signed_in(&model, credential, &[]);
            match &all.error {
                Some(AcquireError::SignIn { said, user, .. }) => {
                    assert!(said.contains(word), "{sasl}: {said}");
                    assert_eq!(user, "joe");
                }
                other => panic!("{sasl}: {other:?}"),
            }
            let record = server.record();
            assert_eq!((record.logins, record.connections), (0, 1), "{sasl}");
            let refused = if word == "401" { "token refused" } else { "wrong user or password" };
            assert_eq!(record.refused, Some(refused), "{sasl}");
        }
    }
}

#[test]
fn a_token_too_long_for_the_line_follows_the_challenge() {
    let mut model = Model::new(false);
    model.sasl = vec!["XOAUTH2"];
    model.accounts.token = "t0ken.".repeat(300);
    let credential = Credential::Token(Secret::new(model.accounts.token.clone().into_bytes()));
    let (all, server) = signed_in(&model, credential, &[]);
    all.ok();
    assert!(server.record().lines.iter().all(|line| line.len() <= 253), "RFC 5034 4");
}

#[test]
fn dovecot_lets_us_in_by_each_of_its_mechanisms_on_each_port() {
    if !is_here() {
        return;
    }
    let (server, _) = Dovecot::with_account(3);
    for is_imap in PROTOCOLS {
        let urls = if is_imap {
            [
                format!("imaps://joe@127.0.0.1:{}", server.imaps),
                format!("imap://joe@127.0.0.1:{}", server.imap),
            ]
        } else {
            [
                format!("pop3s://joe@127.0.0.1:{}", server.pop3s),
                format!("pop3://joe@127.0.0.1:{}", server.pop3),
            ]
        };
        for url in urls {
            for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5, Mechanism::ScramSha256]
            {
                let mut order = order(&url, PASSWORD, Some(server.ca_file()));
                order.mechanisms = vec![mechanism];
                order.list_only = true;
                let all = collect(&order, &Has::default()).ok();
                assert_eq!(all.sessions[0].mechanism, Some(mechanism), "{url}");
                assert!(!all.dialogue().contains("s3cret"));
                order.credential = Credential::Password(Secret::new(b"wrong".to_vec()));
                let all = collect(&order, &Has::default());
                assert!(
                    matches!(all.error, Some(AcquireError::SignIn { .. })),
                    "{url} {mechanism:?}: {:?}",
                    all.error
                );
            }
            // Without a name, the best: SCRAM.
            let mut order = order(&url, PASSWORD, Some(server.ca_file()));
            order.list_only = true;
            let all = collect(&order, &Has::default()).ok();
            assert_eq!(all.sessions[0].mechanism, Some(Mechanism::ScramSha256), "{url}");
            // A pin in place of the authority.
            order.trust.ca_file = None;
            order.trust.pin = Some(server.authority.pin());
            let all = collect(&order, &Has::default()).ok();
            assert_eq!(all.sessions[0].tls.as_ref().unwrap().trusted_by, "pin");
            order.trust.pin = Some([7; 32]);
            assert!(matches!(collect(&order, &Has::default()).error, Some(AcquireError::Tls { .. })));
            order.trust.pin = None;
            assert!(matches!(collect(&order, &Has::default()).error, Some(AcquireError::Tls { .. })));
        }
    }
}

#[test]
fn without_tls_nothing_is_said_unless_the_examiner_insists() {
    for is_imap in PROTOCOLS {
        let mut model = Model::new(is_imap);
        model.tls_first = false;
        model.offers_tls = false;
        let server = Server::start(model.clone());
        let mut order = order(&model.url(server.port), "correct horse", Some(server.ca_file()));
        order.list_only = true;
        let all = collect(&order, &Has::default());
        assert!(matches!(all.error, Some(AcquireError::Tls { .. })), "{:?}", all.error);
        assert_eq!(server.record().violations, Vec::<String>::new());
        order.trust.insecure_plain = true;
        let all = collect(&order, &Has::default()).ok();
        assert!(all.sessions[0].tls.is_none());
        assert!(all.codes().contains(&"no-tls"), "{:?}", all.codes());
        // The model sees the password in the clear, so the check above could have failed.
        assert!(!server.record().violations.is_empty());
    }
}

#[test]
fn a_certificate_that_is_its_own_authority_is_told_with_the_pin_that_would_trust_it() {
    let mut model = Model::new(true);
    model.is_self_signed = true;
    let server = Server::start(model);
    let dir = tempfile::tempdir().unwrap();
    let acquire = |more: &[&str]| {
        let mut command = crate::support::program();
        command.args(["acquire", &format!("imaps://joe@127.0.0.1:{}", server.port), "--password-env", "PW"]);
        command
            .args(["--quiet", "--case"])
            .arg(dir.path().join("case"))
            .args(more)
            .env("PW", "correct horse");
        crate::support::finish(command)
    };
    let pem = server.ca_file().to_str().unwrap().to_owned();
    let refused = acquire(&["--ca-file", &pem]).with_code(1);
    let digest = refused.err.split_once("its SHA-256 is ").expect(&refused.err).1.get(..64).unwrap();
    assert!(refused.err.contains("is its own authority"), "{}", refused.err);
    assert!(refused.err.contains(&format!("--pin-sha256 {digest}")), "{}", refused.err);
    acquire(&["--pin-sha256", digest]).ok();
    assert_eq!(crate::support::count(&dir.path().join("case"), "*"), 13);
}
