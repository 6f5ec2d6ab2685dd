//! Servers that know only TLS 1.0 or 1.1: refused with words that say so, and reached by OpenSSL where it is built in
//! and asked for.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::server::Server;
use crate::support::{self, Ran};

/// A server that refuses each first word of TLS with an alert, as those do that know no version of it.
fn refusing(alert: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _hello = socket.read(&mut [0; 4096]);
            let _told = socket.write_all(&[21, 3, 1, 0, 2, 2, alert]);
        }
    });
    port
}

fn acquire(case: &std::path::Path, url: &str, more: &[&str]) -> Ran {
    let password = case.with_extension("password");
    std::fs::write(&password, "correct horse\n").unwrap();
    let password = password.to_str().unwrap();
    let mut args = vec!["acquire", url, "--password-file", password, "--connections", "1", "--timeout", "10"];
    args.extend(more);
    support::run(case, &args)
}

#[test]
fn a_server_of_old_tls_is_refused_with_words_that_say_so_and_what_reaches_it() {
    let dir = tempfile::tempdir().unwrap();
    let pin = "00".repeat(32);
    for (alert, said) in [
        (70, "the server speaks only TLS 1.1 or older"),
        (40, "no cipher suite in common"),
        (71, "no cipher suite in common"),
    ] {
        for scheme in ["imaps", "pop3s"] {
            let case = dir.path().join(format!("case-{alert}-{scheme}"));
            let url = format!("{scheme}://joe@127.0.0.1:{}", refusing(alert));
            let ran = acquire(&case, &url, &["--pin-sha256", &pin]).with_code(1);
            assert!(ran.err.contains(said), "{}", ran.err);
            assert!(
                ran.err.contains("hint: no secret was sent") && ran.err.contains("--tls-native"),
                "{}",
                ran.err
            );
            let is_told = ran.err.contains("--features native-tls");
            assert_eq!(is_told, !cfg!(feature = "native-tls"), "{}", ran.err);
        }
    }
}

#[cfg(not(feature = "native-tls"))]
#[test]
fn a_build_without_openssl_refuses_the_flag_and_names_the_build_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let case = dir.path().join("case");
    let server = Server::start(support::server::Model::new(true));
    let url = format!("imaps://joe@127.0.0.1:{}", server.port);
    let ran = acquire(&case, &url, &["--tls-native"]).with_code(2);
    assert!(ran.err.contains("--features native-tls"), "{}", ran.err);
    assert!(!case.exists());
    assert_eq!(server.record().connections, 0);
}

#[cfg(feature = "native-tls")]
mod with_openssl {
    use mailtrail::acquire::{AcquireError, Mechanism};
    use serde_json::Value;

    use super::*;
    use crate::support::collect::{Has, collect, order};
    use crate::support::server::{Act, Model};

    fn model(is_imap: bool, tls_first: bool, version: &'static str) -> Model {
        let mut model = Model::new(is_imap);
        model.tls_first = tls_first;
        model.old_tls = Some(version);
        model
    }

    /// Every way to a server.
    fn models(version: &'static str) -> Vec<Model> {
        let both = |is_imap| [model(is_imap, true, version), model(is_imap, false, version)];
        [both(true), both(false)].into_iter().flatten().collect()
    }

    fn events(case: &std::path::Path, kind: &str) -> Vec<Value> {
        let log = support::run(case, &["log", "--json"]).ok().json();
        log.into_iter().filter(|event| event["type"] == kind).map(|event| event["data"].clone()).collect()
    }

    #[test]
    fn a_server_of_tls_1_0_or_1_1_is_reached_when_the_examiner_says_so_and_the_record_says_it() {
        for (version, name) in [("1.0", "TLSv1"), ("1.1", "TLSv1.1")] {
            for model in models(version) {
                let dir = tempfile::tempdir().unwrap();
                let server = Server::start(model.clone());
                let url = model.url(server.port);
                let ca = server.ca_file();
                let ca = ["--ca-file", ca.to_str().unwrap()];
                // Never in silence: without the flag it is refused.
                let ran = acquire(&dir.path().join("refused"), &url, &ca).with_code(1);
                assert!(
                    ran.err.contains("TLS 1.1 or older") && ran.err.contains("--tls-native reaches"),
                    "{}",
                    ran.err
                );
                assert_eq!(server.record().logins, 0);
                let case = dir.path().join("case");
                acquire(&case, &url, &[&ca[..], &["--tls-native"]].concat()).ok();
                assert_eq!(support::count(&case, "*"), model.mails() as u64, "{url}");
                assert_eq!(server.record().violations, Vec::<String>::new());
                assert_eq!(events(&case, "account_begun")[0]["tls_native"], true);
                let tls = events(&case, "account_session")[0]["tls"].clone();
                assert_eq!((&tls["version"], &tls["trusted_by"]), (&name.into(), &"ca-file".into()), "{tls}");
                assert!(tls["library"].as_str().unwrap().starts_with("OpenSSL "), "{tls}");
                assert!(tls["cipher"].as_str().unwrap().starts_with("TLS_ECDHE_ECDSA_WITH_"), "{tls}");
                assert_eq!(tls["chain"][0], mailtrail::types::digest::hex(&server.authority.pin()), "{tls}");
                let odd = support::run(&case, &["acquisitions", "--exceptions", "--json"]).ok().text();
                assert!(odd.contains("tls-native") && odd.contains(name), "{odd}");
                let talk = support::run(&case, &["acquisitions", "--transcript"]).ok().text();
                assert!(
                    talk.contains(&format!("{name} TLS_ECDHE")) && talk.contains("-- OpenSSL "),
                    "{talk}"
                );
                assert!(!talk.contains("correct horse"));
                support::run(&case, &["verify"]).ok();
            }
        }
    }

    #[test]
    fn the_flag_leaves_everything_else_as_it_is() {
        for is_imap in [true, false] {
            let model = Model::new(is_imap);
            let dir = tempfile::tempdir().unwrap();
            let server = Server::start(model.clone());
            let (url, ca) = (model.url(server.port), server.ca_file());
            let ca = ["--ca-file", ca.to_str().unwrap()];
            let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
            acquire(&ours, &url, &ca).ok();
            acquire(&theirs, &url, &[&ca[..], &["--tls-native"]].concat()).ok();
            assert!(support::ledger(&ours) == support::ledger(&theirs), "the ledgers differ");
            assert_eq!(events(&theirs, "account_session")[0]["tls"]["version"], "TLSv1.3");
            // What was so before stays so: no new keys where OpenSSL is not used.
            let tls = events(&ours, "account_session")[0]["tls"].clone();
            assert!(tls.get("library").is_none() && tls["version"] == "TLSv1.3", "{tls}");
            assert!(events(&ours, "account_begun")[0].get("tls_native").is_none());
        }
    }

    /// How a run over OpenSSL ends, with trust put as a test wants it.
    fn ended(
        model: &Model,
        trust: impl Fn(&mut mailtrail::acquire::Trust, &Server),
    ) -> (support::collect::Collected, Server) {
        let server = Server::start(model.clone());
        let mut order = order(&model.url(server.port), "correct horse", Some(server.ca_file()));
        order.trust.native = true;
        order.list_only = true;
        trust(&mut order.trust, &server);
        let all = collect(&order, &Has::default());
        if all.error.is_some() {
            assert_eq!(server.record().lines, Vec::<String>::new(), "something was said to whoever it is");
        }
        (all, server)
    }

    fn refusal(error: Option<&AcquireError>) -> String {
        match error {
            Some(AcquireError::Tls { why, .. }) => why.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn host_names_pins_and_authorities_are_judged_as_without_the_flag() {
        for version in ["1.0", "1.3"] {
            for is_imap in [true, false] {
                let mut model = model(is_imap, true, version);
                let pin = |server: &Server| Some(server.authority.pin());
                let digest = |server: &Server| mailtrail::types::digest::hex(&server.authority.pin());
                let (all, _) = ended(&model, |_, _| {});
                assert_eq!(all.ok().sessions[0].tls.as_ref().unwrap().trusted_by, "ca-file");
                let (all, _) = ended(&model, |trust, server| trust.pin = pin(server));
                assert_eq!(all.ok().sessions[0].tls.as_ref().unwrap().trusted_by, "pin");
                // A pin needs no authority, and no name.
                let (all, _) = ended(&model, |trust, server| {
                    trust.pin = pin(server);
                    trust.ca_file = None;
                });
                all.ok();
                let (all, server) = ended(&model, |trust, _| trust.pin = Some([7; 32]));
                let why = refusal(all.error.as_ref());
                assert!(why.contains("not the pinned one") && why.contains(&digest(&server)), "{why}");
                // The system's roots know nothing of it.
                let (all, server) = ended(&model, |trust, _| trust.ca_file = None);
                let why = refusal(all.error.as_ref());
                assert!(why.contains("invalid peer certificate") && why.contains(&digest(&server)), "{why}");
                // Another authority.
                let other = tempfile::tempdir().unwrap();
                let file = support::authority::Authority::new().ca_file(other.path());
                let (all, _) = ended(&model, |trust, _| trust.ca_file = Some(file.clone()));
                refusal(all.error.as_ref());
                // A certificate for somebody else.
                model.names = &["elsewhere.example.org", "127.0.0.2"];
                let (all, server) = ended(&model, |_, _| {});
                let why = refusal(all.error.as_ref());
                assert!(why.contains("mismatch") && why.contains(&digest(&server)), "{why}");
                let (all, _) = ended(&model, |trust, server| trust.pin = pin(server));
                all.ok();
            }
        }
    }

    #[test]
    fn scram_is_tied_to_a_connection_of_openssl_too_where_there_is_what_to_tie_it_to() {
        for is_imap in [true, false] {
            for (version, expected) in [
                ("1.3", Mechanism::ScramSha256Plus),
                ("1.2", Mechanism::ScramSha256),
                ("1.0", Mechanism::ScramSha256),
            ] {
                let mut model = model(is_imap, true, version);
                model.sasl = vec!["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
                let (all, _) = ended(&model, |_, _| {});
                assert_eq!(all.ok().sessions[0].mechanism, Some(expected), "TLS {version}");
            }
        }
    }

    #[test]
    fn a_server_that_is_silent_or_trickles_under_openssl_does_not_keep_us() {
        for is_imap in [true, false] {
            // In the middle of the handshake.
            let port = {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                std::thread::spawn(move || {
                    for mut socket in listener.incoming().flatten() {
                        std::thread::spawn(move || {
                            let _begun = socket.write_all(&[22, 3, 1, 64, 0]);
                            while socket.write_all(&[0]).is_ok() {
                                std::thread::sleep(std::time::Duration::from_millis(50));
                            }
                        });
                    }
                });
                port
            };
            let scheme = if is_imap { "imaps" } else { "pop3s" };
            let mut order = order(&format!("{scheme}://joe@127.0.0.1:{port}"), "correct horse", None);
            order.trust.native = true;
            order.trust.pin = Some([7; 32]);
            order.limits.connect = std::time::Duration::from_secs(2);
            let begun = std::time::Instant::now();
            let all = collect(&order, &Has::default());
            assert!(matches!(all.error, Some(AcquireError::Tls { .. })), "{:?}", all.error);
            assert!(begun.elapsed().as_secs() < 30);
            // After it.
            let mut model = model(is_imap, true, "1.0");
            model.fault = std::sync::Arc::new(|moment, _| match moment.verb {
                "GREETING" => Act::Silence,
                _ => Act::Send,
            });
            let server = Server::start(model.clone());
            let mut order = order_of(&model, &server);
            order.limits.idle = std::time::Duration::from_secs(1);
            order.limits.again = 0;
            let all = collect(&order, &Has::default());
            assert!(matches!(all.error, Some(AcquireError::Broken { .. })), "{:?}", all.error);
        }
    }

    fn order_of(model: &Model, server: &Server) -> mailtrail::acquire::Order {
        let mut order = order(&model.url(server.port), "correct horse", Some(server.ca_file()));
        order.trust.native = true;
        order
    }

    #[test]
    fn a_connection_over_openssl_that_is_cut_is_made_anew() {
        let mut model = model(true, true, "1.1");
        model.fault = std::sync::Arc::new(|moment, bytes| match moment.verb {
            "BODY" if moment.connection == 0 => Act::SayAndClose(bytes[..bytes.len() / 2].to_vec()),
            _ => Act::Send,
        });
        let server = Server::start(model.clone());
        let all = collect(&order_of(&model, &server), &Has::default()).ok();
        all.assert_balance();
        assert_eq!(all.messages.len(), model.mails());
        assert!(server.record().connections > 1);
    }
}
