//! Tokens through the program: from a file, a command or an issuer, renewed when they are over before the account is
//! read, and never written down.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::issuer::{Answers, Issuer};
use crate::support::secrets::{not_in_case, not_printed};
use crate::support::server::{Act, Model, Server};
use crate::support::{self, Ran};

/// Tokens that a server takes one after the other.
const FIRST: &str = "first-access-token.0001";
const SECOND: &str = "second-access-token.0002";
/// Secrets that only the issuer may see.
const DEVICE: &str = "device-code.0003";
const REFRESH: &str = "refresh-token-for-months.0004";
const NEXT_REFRESH: &str = "another-refresh-token.0005";
const CLIENT: &str = "secret-of-the-client.0006";
const SECRETS: &[&str] = &[FIRST, SECOND, DEVICE, REFRESH, NEXT_REFRESH, CLIENT];

/// Both protocols with both mechanisms.
const ALL: [(bool, &str); 4] =
    [(true, "OAUTHBEARER"), (true, "XOAUTH2"), (false, "OAUTHBEARER"), (false, "XOAUTH2")];

/// A server that takes `token`.
fn model(is_imap: bool, sasl: &'static str, token: &'static str) -> Model {
    let mut model = Model::new(is_imap);
    model.sasl = vec![sasl];
    model.has_login = false;
    *model.token_now.lock().unwrap() = Some(token);
    model
}

/// The same, of which the connection breaks at the first message, once; from then on another token holds. `then` is
/// called at that moment.
fn breaking(mut model: Model, then: impl Fn() + Send + Sync + 'static) -> Model {
    let (now, is_broken) = (Arc::clone(&model.token_now), AtomicBool::new(false));
    model.fault = Arc::new(move |moment, _| {
        if matches!(moment.verb, "BODY" | "TOP") && !is_broken.swap(true, Ordering::SeqCst) {
            *now.lock().unwrap() = Some(SECOND);
            then();
            return Act::SayAndClose(Vec::new());
        }
        Act::Send
    });
    model
}

/// Connections that did not come to a sign-in.
fn refusals(server: &Server) -> usize {
    let record = server.record();
    record.connections - record.logins
}

/// A place for cases and files.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, model: &Model, server: &Server, case: &str, more: &[&str]) -> Command {
        let mut command = support::program();
        command.args(["acquire", &model.url(server.port), "--case"]).arg(self.path(case));
        command.args(["--timeout", "10"]).args(more);
        if !more.contains(&"--connections") {
            command.args(["--connections", "1"]);
        }
        if !more.contains(&"--ca-file") {
            command.arg("--ca-file").arg(server.ca_file());
        }
        command
    }

    fn acquire(&self, model: &Model, server: &Server, case: &str, more: &[&str]) -> Ran {
        support::finish(self.command(model, server, case, more))
    }

    /// A file of the certificates of both.
    fn both(&self, server: &Server, issuer: &Issuer) -> String {
        let pem =
            [server.ca_file(), issuer.ca_file.clone()].map(|file| std::fs::read_to_string(file).unwrap());
        self.file("both.pem", &pem.concat())
    }
}

/// Codes and texts of the notices of a case.
fn notices(case: &Path) -> Vec<(String, String)> {
    let odd = support::run(case, &["acquisitions", "--exceptions", "--json"]).ok().json();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    odd.iter().map(|one| (text(one, "kind"), one.to_string())).collect()
}

fn mechanism(case: &Path) -> String {
    let runs = support::run(case, &["log", "--json"]).ok().json();
    let session = runs.iter().find(|event| event["type"] == "account_session").unwrap();
    session["data"]["mechanism"].as_str().unwrap().to_owned()
}

/// Asserts that the case holds what an unbroken run holds, that the log says once that a token was renewed, and no
/// secret.
#[track_caller]
fn is_as_if_nothing_had_happened(bench: &Bench, model: &Model, server: &Server, ran: Ran, source: &str) {
    not_printed(&ran, SECRETS);
    ran.ok();
    let case = bench.path("case");
    // The server breaks once.
    let token = bench.file("whole-token", SECOND);
    bench.acquire(model, server, "whole", &["--token-file", &token]).ok();
    assert!(!support::ledger(&case).is_empty());
    assert!(support::ledger(&case) == support::ledger(&bench.path("whole")), "the ledgers differ");
    let renewed: Vec<_> = notices(&case)
        .into_iter()
        .filter(|(code, _)| code == "token-renewed")
        .map(|(_, text)| text)
        .collect();
    assert_eq!(renewed.len(), 1, "{:?}", notices(&case));
    assert!(renewed[0].contains(source), "{renewed:?}");
    not_in_case(&case, SECRETS);
    support::run(&case, &["verify"]).ok();
    assert_eq!(server.record().violations, Vec::<String>::new());
}

#[test]
fn a_token_that_is_over_before_the_account_is_read_is_had_anew_from_the_command() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        let model = breaking(model(is_imap, sasl, FIRST), || {});
        let server = Server::start(model.clone());
        // The command line stands in the custody log, so the tokens do not stand in it.
        let first = bench.file("first", FIRST);
        let second = bench.file("second", SECOND);
        let command = format!("cat {first} && cp {second} {first}");
        let ran = bench.acquire(&model, &server, "case", &["--token-command", &command]);
        assert_eq!(server.record().refused, Some("token refused"), "the first token was tried once more");
        assert_eq!(refusals(&server), 1);
        is_as_if_nothing_had_happened(&bench, &model, &server, ran, "the token command");
        assert_eq!(mechanism(&bench.path("case")), sasl);
    }
}

#[test]
fn a_token_file_is_read_again_when_its_token_is_over() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        let token = bench.file("token", &format!("{FIRST}\n"));
        let path = token.clone();
        let model = breaking(model(is_imap, sasl, FIRST), move || {
            std::fs::write(&path, format!("{SECOND}\n")).unwrap();
        });
        let server = Server::start(model.clone());
        let ran = bench.acquire(&model, &server, "case", &["--token-file", &token]);
        is_as_if_nothing_had_happened(&bench, &model, &server, ran, "the token file");
    }
}

#[test]
fn several_connections_are_one_run_with_one_token_renewed() {
    for connections in ["2", "5"] {
        let bench = Bench::new();
        let token = bench.file("token", FIRST);
        let path = token.clone();
        let model =
            breaking(model(true, "OAUTHBEARER", FIRST), move || std::fs::write(&path, SECOND).unwrap());
        let server = Server::start(model.clone());
        let more = ["--token-file", &token, "--connections", connections];
        let ran = bench.acquire(&model, &server, "case", &more);
        is_as_if_nothing_had_happened(&bench, &model, &server, ran, "the token file");
    }
}

#[test]
fn a_token_that_is_refused_at_once_is_not_had_anew() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        let model = model(is_imap, sasl, SECOND);
        let server = Server::start(model.clone());
        let count = bench.path("count").display().to_string();
        let command = format!("echo x >> {count}; cat {}", bench.file("token", FIRST));
        let ran = bench.acquire(&model, &server, "case", &["--token-command", &command]).with_code(1);
        assert!(ran.err.contains("refused to sign in joe") && ran.err.contains("401"), "{}", ran.err);
        assert!(ran.err.contains("hint:"), "{}", ran.err);
        assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
        assert_eq!(server.record().connections, 1);
        not_printed(&ran, SECRETS);
        not_in_case(&bench.path("case"), SECRETS);
    }
}

#[test]
fn a_server_that_takes_no_token_twice_does_not_keep_us_forever() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        // What the command gives is never right again.
        let model = breaking(model(is_imap, sasl, FIRST), || {});
        let server = Server::start(model.clone());
        let count = bench.path("count").display().to_string();
        let first = bench.file("first", FIRST);
        let command = format!("echo x >> {count}; cat {first}; echo other-$(wc -l < {count}) > {first}");
        let more = ["--token-command", command.as_str(), "--retries", "1"];
        let ran = bench.acquire(&model, &server, "case", &more).with_code(1);
        assert!(ran.err.contains("hint:"), "{}", ran.err);
        // Once for the beginning, and once for the one connection that was made anew.
        assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\nx\n");
        assert_eq!(refusals(&server), 2);
        let codes: Vec<String> = notices(&bench.path("case")).into_iter().map(|(code, _)| code).collect();
        assert!(codes.contains(&"token-renewed".to_owned()), "{codes:?}");
        not_in_case(&bench.path("case"), SECRETS);
    }
}

#[test]
fn a_command_that_gives_no_other_token_is_told_and_its_words_are_kept() {
    let bench = Bench::new();
    let model = breaking(model(true, "XOAUTH2", FIRST), || {});
    let server = Server::start(model.clone());
    let first = bench.file("first", FIRST);
    let command = format!("cat {first} || exit 7; rm {first}");
    let more = ["--token-command", command.as_str(), "--retries", "1"];
    bench.acquire(&model, &server, "case", &more).with_code(1);
    let told = notices(&bench.path("case"));
    assert!(
        told.iter().any(|(code, text)| code == "token-not-renewed" && text.contains("exit status: 7")),
        "{told:?}"
    );
    // The same token again is no other token.
    let token = bench.file("token", FIRST);
    let model = breaking(self::model(true, "XOAUTH2", FIRST), || {});
    let server = Server::start(model.clone());
    bench.acquire(&model, &server, "other", &["--token-file", &token, "--retries", "1"]).with_code(1);
    let told = notices(&bench.path("other"));
    assert!(
        told.iter().any(|(code, text)| code == "token-not-renewed" && text.contains("the same again")),
        "{told:?}"
    );
}

const ABOUT: &str =
    r#"{"issuer":"{base}","device_authorization_endpoint":"{base}/device","token_endpoint":"{base}/token"}"#;

fn begun() -> String {
    format!(
        r#"{{"device_code":"{DEVICE}","user_code":"WDJB-MJHT","verification_uri":"https://example.org/device","expires_in":120,"interval":1}}"#
    )
}

/// An issuer that gives a token by the device flow, good for `seconds`, and another for the refresh token.
fn issuer(seconds: u32) -> Issuer {
    Issuer::new(Box::new(move |path, body, before| match path {
        "/.well-known/openid-configuration" => Some((200, ABOUT.to_owned())),
        "/device" => Some((200, begun())),
        "/token" if body.contains("grant_type=refresh_token") => {
            if !body.contains(REFRESH) || !body.contains(CLIENT) {
                return Some((400, r#"{"error":"invalid_grant"}"#.to_owned()));
            }
            Some((
                200,
                format!(
                    r#"{{"access_token":"{SECOND}","token_type":"Bearer","expires_in":3600,"refresh_token":"{NEXT_REFRESH}"}}"#
                ),
            ))
        }
        "/token" if before == 0 => Some((400, r#"{"error":"authorization_pending"}"#.to_owned())),
        "/token" => Some((
            200,
            format!(
                r#"{{"access_token":"{FIRST}","token_type":"Bearer","expires_in":{seconds},"refresh_token":"{REFRESH}"}}"#
            ),
        )),
        _ => Some((404, String::new())),
    }))
}

/// Signs in by an issuer; the client's secret stands in a file.
fn by_issuer(bench: &Bench, model: &Model, server: &Server, issuer: &Issuer) -> Ran {
    let secret = bench.file("client-secret", &format!("{CLIENT}\n"));
    let both = bench.both(server, issuer);
    let more = [
        "--oauth-issuer",
        &issuer.url,
        "--client-id",
        "client-1",
        "--client-secret-file",
        &secret,
        "--scope",
        "mail read",
        "--ca-file",
        &both,
    ];
    bench.acquire(model, server, "case", &more)
}

#[test]
fn the_device_flow_signs_in_and_its_refresh_token_gives_another_token_on_the_way() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        let model = breaking(model(is_imap, sasl, FIRST), || {});
        let server = Server::start(model.clone());
        let issuer = issuer(3600);
        let ran = by_issuer(&bench, &model, &server, &issuer);
        assert!(
            ran.err.contains("open https://example.org/device and type the code WDJB-MJHT"),
            "{}",
            ran.err
        );
        is_as_if_nothing_had_happened(&bench, &model, &server, ran, "refresh token");
        let begun = &issuer.bodies("/device")[0];
        assert!(begun.contains("scope=mail+read") && begun.contains("client_id=client-1"), "{begun}");
        let last = issuer.bodies("/token").pop().unwrap();
        assert!(last.contains("grant_type=refresh_token"), "{last}");
    }
}

#[test]
fn a_token_of_which_the_time_is_known_to_be_over_is_not_even_tried() {
    for (is_imap, sasl) in ALL {
        let bench = Bench::new();
        let model = model(is_imap, sasl, SECOND);
        let server = Server::start(model.clone());
        let issuer = issuer(0);
        let ran = by_issuer(&bench, &model, &server, &issuer);
        assert_eq!((server.record().refused, refusals(&server)), (None, 0));
        is_as_if_nothing_had_happened(&bench, &model, &server, ran, "its time is over");
    }
}

/// What an issuer may do to us ends in exit 1 with a hint, within its time, and no secret is told.
#[track_caller]
fn no_token(answers: Answers, said: &str) {
    let bench = Bench::new();
    let model = model(true, "OAUTHBEARER", FIRST);
    let server = Server::start(model.clone());
    let issuer = Issuer::new(answers);
    let ran = by_issuer(&bench, &model, &server, &issuer).with_code(1);
    assert!(ran.err.contains(said), "{said}: {}", ran.err);
    assert!(ran.err.contains("hint: check issuer, client and scope"), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
    not_printed(&ran, SECRETS);
    assert_eq!(server.record().connections, 0, "nobody was signed in");
    assert!(!bench.path("case").exists(), "nothing was begun");
}

#[test]
fn an_issuer_that_refuses_or_plays_tricks_ends_the_command_with_a_hint() {
    let flow = |token: (u16, String)| -> Answers {
        Box::new(move |path, _, _| match path {
            "/.well-known/openid-configuration" => Some((200, ABOUT.to_owned())),
            "/device" => Some((200, begun())),
            "/token" => Some(token.clone()),
            _ => Some((404, String::new())),
        })
    };
    no_token(flow((400, r#"{"error":"access_denied"}"#.to_owned())), "access was denied");
    no_token(flow((400, r#"{"error":"expired_token"}"#.to_owned())), "the code was not used in time");
    let echo = format!(
        "{{\"error\":\"invalid_client\",\"error_description\":\"\\u001b[2J {DEVICE} and {CLIENT} are wrong\"}}"
    );
    no_token(flow((401, echo)), "<secret> and <secret> are wrong");
    no_token(flow((200, "<html>".to_owned())), "no token");
    no_token(Box::new(|_, _, _| None), "no token");
    no_token(Box::new(|_, _, _| Some((200, format!("{{\"x\":\"{}\"}}", "y".repeat(400_000))))), "no token");
    let elsewhere =
        r#"{"device_authorization_endpoint":"http://127.0.0.1/x","token_endpoint":"{base}/token"}"#;
    no_token(
        Box::new(move |_, _, _| Some((200, elsewhere.to_owned()))),
        "no address that starts with https://",
    );
    no_token(Box::new(|_, _, _| Some((302, String::new()))), "HTTP status 302");
}

#[test]
fn a_code_that_nobody_used_in_time_ends_the_command() {
    let begun = begun().replace("120", "2");
    no_token(
        Box::new(move |path, _, _| match path {
            "/.well-known/openid-configuration" => Some((200, ABOUT.to_owned())),
            "/device" => Some((200, begun.clone())),
            _ => Some((400, r#"{"error":"authorization_pending"}"#.to_owned())),
        }),
        "the code was not used in time",
    );
}

#[test]
fn an_issuer_that_is_down_or_not_trusted_is_told_apart_from_the_mail_server() {
    let bench = Bench::new();
    let model = model(false, "XOAUTH2", FIRST);
    let server = Server::start(model.clone());
    // A port where nobody listens.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let down = format!("https://127.0.0.1:{port}");
    let ran = bench
        .acquire(&model, &server, "case", &["--oauth-issuer", &down, "--client-id", "c", "--scope", "mail"])
        .with_code(1);
    assert!(ran.err.contains("no token: ") && ran.err.contains(&port.to_string()), "{}", ran.err);
    // The certificate of the issuer is that of another authority.
    let issuer = issuer(3600);
    let ran = bench
        .acquire(
            &model,
            &server,
            "case",
            &["--oauth-issuer", &issuer.url, "--client-id", "c", "--scope", "mail"],
        )
        .with_code(1);
    assert!(ran.err.contains("no token: ") && ran.err.contains("hint:"), "{}", ran.err);
    assert!(issuer.asked.lock().unwrap().is_empty());
    assert_eq!(server.record().connections, 0);
    // Of an issuer that nobody knows the scope must be named.
    bench.acquire(&model, &server, "case", &["--oauth-issuer", &down, "--client-id", "c"]).with_code(2);
}

/// Signs in by the program with more flags, in an environment.
#[track_caller]
fn signs_in(model: &Model, more: &[&str], env: Option<(&str, &str)>, expected: &str) {
    let bench = Bench::new();
    let server = Server::start(model.clone());
    let more: Vec<String> =
        more.iter().map(|arg| arg.replace("{dir}", bench.dir.path().to_str().unwrap())).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    bench.file("password", "correct horse battery\n");
    let mut command = bench.command(model, &server, "case", &more);
    command.envs(env);
    let ran = support::finish(command).ok();
    let secrets = ["correct horse battery"];
    not_printed(&ran, &secrets);
    let case = bench.path("case");
    not_in_case(&case, &secrets);
    assert_eq!(mechanism(&case), expected, "{more:?}");
    assert_eq!(server.record().violations, Vec::<String>::new());
    assert_eq!(support::count(&case, "*"), model.mails() as u64);
}

#[test]
fn each_flag_for_a_password_and_each_mechanism_signs_in_through_the_program() {
    for is_imap in [true, false] {
        let with = |sasl: &[&'static str]| {
            let mut model = Model::new(is_imap);
            model.sasl = sasl.to_vec();
            "correct horse battery".clone_into(&mut model.accounts.password);
            model
        };
        let all = with(&["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]);
        // The best that is there: bound to the connection.
        signs_in(&all, &["--password-file", "{dir}/password"], None, "SCRAM-SHA-256-PLUS");
        let env = Some(("MAILTRAIL_TEST_PASSWORD", "correct horse battery"));
        signs_in(&all, &["--password-env", "MAILTRAIL_TEST_PASSWORD"], env, "SCRAM-SHA-256-PLUS");
        signs_in(&all, &["--password-command", "cat {dir}/password"], None, "SCRAM-SHA-256-PLUS");
        for (flag, expected) in [
            ("scram-sha-256-plus", "SCRAM-SHA-256-PLUS"),
            ("scram-sha-256", "SCRAM-SHA-256"),
            ("plain", "PLAIN"),
            ("login", "LOGIN"),
            ("cram-md5", "CRAM-MD5"),
        ] {
            let more = ["--password-file", "{dir}/password", "--mechanism", flag];
            signs_in(&all, &more, None, expected);
        }
    }
}

#[test]
fn a_password_that_is_refused_ends_the_command_with_a_hint_and_is_not_told() {
    for is_imap in [true, false] {
        let bench = Bench::new();
        let mut model = Model::new(is_imap);
        model.sasl = vec!["SCRAM-SHA-256-PLUS"];
        let server = Server::start(model.clone());
        let file = bench.file("password", "not the right password");
        let ran = bench.acquire(&model, &server, "case", &["--password-file", &file]).with_code(1);
        assert!(
            ran.err.contains("refused to sign in joe") && ran.err.contains("hint: check user and password"),
            "{}",
            ran.err
        );
        not_printed(&ran, &["not the right password"]);
        not_in_case(&bench.path("case"), &["not the right password"]);
        // A way that is named and not offered is not replaced by another.
        let more = ["--password-file", file.as_str(), "--mechanism", "plain"];
        let ran = bench.acquire(&model, &server, "case", &more).with_code(1);
        assert!(ran.err.contains("no way to sign in that may be used"), "{}", ran.err);
        assert_eq!(server.record().logins, 0);
    }
}
