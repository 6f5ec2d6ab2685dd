//! Nothing that changes a mailbox is ever sent: shown by strace, on the sockets themselves, and by the transcript,
//! which says the same as the sockets, byte by byte.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::dovecot::{Dovecot, PASSWORD, Settings, is_here};
use crate::support::talk::{self, Language, Said};
use crate::support::wiretap::{self, Tap};
use crate::support::{self, maildir};

const POP3: Language = Language::Pop3 { retr: false };

/// A server that knows no TLS, so that the sockets carry the talk in the clear, with mail in every folder.
fn clear_server(messages: u64) -> (Dovecot, maildir::Account) {
    let settings = Settings { tls_required: false, more: "ssl = no\n".to_owned(), ..Settings::default() };
    Dovecot::with_account_and(&settings, messages)
}

/// Acquires into a case under strace.
fn tapped(dir: &Path, name: &str, url: &str, more: &[&str]) -> Tap {
    let password = dir.join("password");
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let case = dir.join(name);
    let mut args = vec!["acquire", url, "--password-file", password.to_str().unwrap()];
    args.extend(["--case", case.to_str().unwrap()]);
    args.extend(more);
    wiretap::tap(&dir.join(format!("{name}.trace")), env!("CARGO_BIN_EXE_mailtrail"), &args)
}

fn transcript(case: &Path) -> String {
    support::run(case, &["acquisitions", "--transcript"]).ok().text()
}

/// What one run in the clear must show.
fn sockets_say_what_the_transcript_says(language: Language, port: u16, url: &str, more: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let tap = tapped(dir.path(), "case", url, &[&["--insecure-plain"], more].concat());
    assert_eq!(tap.code, 0);
    // To nobody but the server that was named, and by no way that is not looked at.
    assert_eq!(tap.others, Vec::<String>::new());
    assert!(!tap.streams.is_empty());
    for stream in &tap.streams {
        assert_eq!(stream.to, format!("127.0.0.1:{port}"));
        let wrong = talk::wrong(language, &talk::split(language, &stream.bytes));
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    // Each connection of the transcript is one socket, byte by byte, and no socket is left over.
    let text = transcript(&dir.path().join("case"));
    talk::assert_only_reads(&text);
    let runs = talk::runs(&text);
    let [(_, connections)] = runs.as_slice() else { panic!("{} runs", runs.len()) };
    let mut streams = tap.streams;
    for (number, connection) in connections {
        let same = streams.iter().position(|stream| talk::is_same(&connection.said, &stream.bytes));
        assert!(same.is_some(), "connection {number} of the transcript is on no socket:\n{text}");
        streams.remove(same.unwrap());
        // Nothing is compressed, or the sockets would show no words; Debian's Dovecot does not offer it without its
        // plugin.
        assert!(connection.heard.iter().all(|line| !line.contains("COMPRESS")), "{:?}", connection.heard);
    }
    assert!(streams.is_empty(), "{} sockets are not in the transcript", streams.len());
    // Bodies came, and by the one way.
    let fetched = |piece: &Said| match piece {
        Said::Line(line, _) => match language {
            Language::Imap => String::from_utf8_lossy(line).contains(" (UID BODY.PEEK[])"),
            Language::Pop3 { .. } => line.starts_with(b"TOP "),
        },
        Said::Literal(_) => false,
    };
    assert!(connections.values().flat_map(|connection| &connection.said).any(fetched), "{text}");
}

#[test]
fn sockets_of_an_acquisition_over_imap_carry_only_commands_that_read_and_the_transcript_tells_each() {
    if !is_here() || !wiretap::is_here() {
        return;
    }
    let (server, _account) = clear_server(400);
    let url = format!("imap://joe@127.0.0.1:{}", server.imap);
    sockets_say_what_the_transcript_says(Language::Imap, server.imap, &url, &["--connections", "3"]);
    for mechanism in ["scram-sha256", "login"] {
        let more = ["--connections", "1", "--mechanism", mechanism];
        sockets_say_what_the_transcript_says(Language::Imap, server.imap, &url, &more);
    }
}

#[test]
fn sockets_of_an_acquisition_over_pop3_carry_only_commands_that_read_and_the_transcript_tells_each() {
    if !is_here() || !wiretap::is_here() {
        return;
    }
    let (server, _account) = clear_server(200);
    let url = format!("pop3://joe@127.0.0.1:{}", server.pop3);
    sockets_say_what_the_transcript_says(POP3, server.pop3, &url, &[]);
    sockets_say_what_the_transcript_says(POP3, server.pop3, &url, &["--mechanism", "login"]);
}

#[test]
fn inside_tls_the_same_list_holds_and_nobody_else_is_spoken_to() {
    if !is_here() || !wiretap::is_here() {
        return;
    }
    let (server, _account) = Dovecot::with_account(120);
    let ca_file = server.ca_file();
    for (scheme, port) in
        [("imaps", server.imaps), ("imap", server.imap), ("pop3s", server.pop3s), ("pop3", server.pop3)]
    {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("{scheme}://joe@127.0.0.1:{port}");
        let tap = tapped(dir.path(), "case", &url, &["--ca-file", ca_file.to_str().unwrap()]);
        assert_eq!((tap.code, tap.others), (0, Vec::new()), "{scheme}");
        let text = transcript(&dir.path().join("case"));
        talk::assert_only_reads(&text);
        let sockets = tap.streams.len();
        assert_eq!(sockets, talk::runs(&text)[0].1.len(), "{scheme}");
        for stream in &tap.streams {
            assert_eq!(stream.to, format!("127.0.0.1:{port}"));
            // What stands in the clear is the way to TLS alone; a record of TLS begins with its type, 22.
            let clear = &stream.bytes[..stream.bytes.iter().position(|&byte| byte == 22).unwrap()];
            let language = if scheme.starts_with("imap") { Language::Imap } else { POP3 };
            let clear: Vec<String> = talk::split(language, clear)
                .iter()
                .map(|piece| match piece {
                    Said::Line(line, _) => String::from_utf8_lossy(line).into_owned(),
                    Said::Literal(_) => "a literal".to_owned(),
                })
                .collect();
            let wanted: &[&str] = match scheme {
                "imap" => &["A1 CAPABILITY", "A2 STARTTLS"],
                "pop3" => &["CAPA", "STLS"],
                _ => &[],
            };
            let at_most = clear.iter().all(|line| wanted.contains(&line.as_str()));
            assert!(at_most || clear == ["A1 STARTTLS"], "{scheme}: {clear:?}");
        }
    }
}

#[test]
fn the_same_checks_find_a_client_that_marks_and_deletes() {
    if !is_here() || !wiretap::is_here() {
        return;
    }
    let (server, account) = clear_server(30);
    let dir = tempfile::tempdir().unwrap();
    let coded = STANDARD.encode(format!("\0joe\0{PASSWORD}"));
    // A client of a few lines: says each, and reads as many lines as the server answers with before it goes on.
    let client = |port: u16, lines: &[&str], end: &str| {
        let say = |line: &&str| {
            format!(
                "printf '%s\\r\\n' '{line}' >&3; while read -r line <&3; do case $line in {end}) break;; esac; done\n"
            )
        };
        let greeted = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r line <&3\n");
        let script = greeted + &lines.iter().map(say).collect::<String>();
        let trace = dir.path().join(format!("{port}.trace"));
        wiretap::tap(&trace, "bash", &["-c", &script])
    };
    let before = maildir::snapshot(&account.root);
    let plain = format!("a1 AUTHENTICATE PLAIN {coded}");
    let said = [
        &plain,
        "a2 SELECT INBOX",
        "a3 UID STORE 1:* +FLAGS (\\Answered)",
        "a4 UID FETCH 1 (UID BODY[])",
        "a5 LOGOUT",
    ];
    let tap = client(server.imap, &said, "a*");
    let wrong = |language, tap: &Tap| {
        let all: Vec<u8> = tap.streams.iter().flat_map(|stream| stream.bytes.clone()).collect();
        talk::wrong(language, &talk::split(language, &all))
    };
    assert_eq!(wrong(Language::Imap, &tap), said[1..4]);
    // It was no show: the mailbox is another one now, which is what the other tests look for.
    assert!(before != maildir::snapshot(&account.root));
    let plain = format!("AUTH PLAIN {coded}");
    let said = [&plain, "STAT", "RETR 1", "DELE 1", "RSET", "QUIT"];
    let tap = client(server.pop3, &said, "[+-]*");
    assert_eq!(wrong(POP3, &tap), said[2..]);
    // A byte more or less, or another one, is no longer what the transcript says.
    let line = |text: &str| Said::Line(text.as_bytes().to_vec(), None);
    let talk = [line("A1 EXAMINE {2+}"), Said::Literal(b"\xc3\xbc".to_vec()), line(""), line("A2 UNSELECT")];
    let wire = b"A1 EXAMINE {2+}\r\n\xc3\xbc\r\nA2 UNSELECT\r\n";
    assert!(talk::is_same(&talk, wire));
    assert!(!talk::is_same(&talk, &wire[..wire.len() - 1]));
    assert!(!talk::is_same(&talk, &[wire, b"A3 STORE 1 FLAGS ()\r\n".as_slice()].concat()));
    assert!(!talk::is_same(&talk[..3], wire));
}

#[test]
fn the_list_lets_nothing_pass_that_may_change_a_mailbox() {
    for line in [
        "A1 SELECT \"INBOX\"",
        "A1 SELECT {5}",
        "A1 EXAMINE \"INBOX\" (CONDSTORE)",
        "A1 UID STORE 1 +FLAGS (\\Seen)",
        "A1 STORE 1 +FLAGS (\\Seen)",
        "A1 UID FETCH 1 (UID BODY[])",
        "A1 UID FETCH 1 (UID BODY.PEEK[] RFC822)",
        "A1 UID FETCH 1 (UID BINARY[1])",
        "A1 UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 1)",
        "A1 UID FETCH 1:* (UID FLAGS MODSEQ)",
        "A1 UID EXPUNGE 1",
        "A1 EXPUNGE",
        "A1 CLOSE",
        "A1 ENABLE CONDSTORE",
        "A1 UNSELECT \"x\"",
        "A1 STATUS \"x\" (HIGHESTMODSEQ)",
        "A1 SETMETADATA \"x\" (/private/comment NIL)",
        "A1 GETMETADATA \"x\" (/private/comment) DELETE",
        "A1 FROBNICATE",
        "EXPUNGE",
        "",
    ] {
        assert!(!talk::is_on_the_list(Language::Imap, line), "{line}");
    }
    for line in
        ["DELE 1", "RSET", "LAST", "RETR 1", "QUIT", "TOP 1", "TOP 1 2 3", "LIST 1; DELE 1", "XTND", ""]
    {
        assert!(!talk::is_on_the_list(POP3, line), "{line}");
    }
    for line in [
        "A1 EXAMINE \"SELECT \\\" EXPUNGE\"",
        "A1 EXAMINE {2}",
        "A1 STATUS \"a b\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
        "A9 UID FETCH 1:4,7 (UID BODY.PEEK[]<0.9>)",
        "A1 LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)",
    ] {
        assert!(talk::is_on_the_list(Language::Imap, line), "{line}");
    }
    // Base64 may only stand where a challenge is answered.
    let line = |text: &str| Said::Line(text.as_bytes().to_vec(), None);
    let said = [line("AUTH PLAIN"), line("AGpvZQBzM2NyZXQ="), line("STAT"), line("AGpvZQBzM2NyZXQ=")];
    assert_eq!(talk::wrong(POP3, &said), ["AGpvZQBzM2NyZXQ="]);
}
