//! Servers that break every rule: each mode has the end that it must have, in bounded time, and what holds for all of
//! them: nothing is sent that changes a mailbox, no secret in the clear or in the transcript, nothing told twice,
//! nothing made up.
#![allow(clippy::assigning_clones, clippy::format_push_string, reason = "a mode is run once")]

use std::sync::Arc;
use std::time::Duration;

use crate::support::hostile::{End, Mode, Why, run, run_program};
use crate::support::server::{Act, Box_, Mail, Model, Moment, Server};

/// What a server sends that breaks off in the middle.
fn half(answer: &[u8]) -> Vec<u8> {
    answer[..answer.len() / 2].to_vec()
}

/// Modes before the mailbox lies open, for both protocols.
fn before_sign_in(is_imap: bool) -> Vec<Mode> {
    use End::{Stops, Taken};
    let all = Model::new(is_imap).mails();
    let mode = |name, ends: &[End]| Mode::new(name, is_imap, ends);
    let (tls_verb, capability) = if is_imap { ("STARTTLS", "CAPABILITY") } else { ("STLS", "CAPA") };
    let (ok, no) =
        if is_imap { ("TAG OK done\r\n", "TAG NO not now\r\n") } else { ("+OK\r\n", "-ERR not now\r\n") };
    let broken = &[Stops(Why::Broken, 0)];
    let protocol = &[Stops(Why::Protocol, 0)];
    let sign_in = &[Stops(Why::SignIn, 0)];
    let tls = &[Stops(Why::Tls, 0)];
    let clear = |m: &mut Model| m.tls_first = false;
    let secret_free = |mode: Mode| mode.with(clear);
    vec![
        mode("well behaved", &[Taken(all)]),
        secret_free(mode("well behaved, TLS on the way", &[Taken(all)])),
        mode("greeting: silence", broken).at("GREETING", |_, _| Act::Silence),
        mode("greeting: closed", broken).at("GREETING", |_, _| Act::SayAndClose(Vec::new())),
        mode("greeting: garbage", protocol).say("GREETING", "\u{1b}[2J\u{7}hello\r\n"),
        mode("greeting: HTTP", protocol).say("GREETING", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        mode("greeting: a line without end", protocol)
            .at("GREETING", |_, _| Act::Endless(b"+OK * OK ".to_vec(), b"x".to_vec())),
        mode("greeting: escape sequences", &[Taken(all)]).say(
            "GREETING",
            if is_imap { "* OK \u{1b}[2J\u{1b}]0;x\u{7}\r\n" } else { "+OK \u{1b}[2J\u{1b}]0;x\u{7}\r\n" },
        ),
        mode("greeting: one byte now and then", broken)
            .at("GREETING", |_, answer| Act::Drip(answer.to_vec(), Duration::from_millis(700))),
        mode("greeting: refused", &[Stops(Why::SignIn, 0), Stops(Why::Broken, 0), Stops(Why::Protocol, 0)])
            .say("GREETING", if is_imap { "* BYE go away\r\n" } else { "-ERR go away\r\n" }),
        mode("certificate that is its own authority", tls).with(|m| m.is_self_signed = true),
        mode("certificate for another host", tls).with(|m| m.names = &["mail.example.org"]),
        mode("no TLS at the port for TLS", tls)
            .with(clear)
            .ordered(|o| o.account.scheme = tls_scheme(o.account.scheme)),
        secret_free(mode("TLS not offered", tls)).with(|m| m.offers_tls = false),
        secret_free(mode("TLS refused", tls))
            .at(tls_verb, move |m, _| Act::Say(no.replace("TAG", m.tag).into())),
        secret_free(mode("TLS agreed to, then cleartext", tls)).at(tls_verb, move |m, _| {
            let text = format!("{ok}{ok}", ok = ok.replace("TAG", m.tag));
            Act::SayAndClose(text.as_bytes()[..text.len() / 2].to_vec())
        }),
        secret_free(mode("TLS agreed to, answers in the same breath", &[Stops(Why::Protocol, 0)]))
            .at(tls_verb, move |m, _| Act::Say(format!("{0}{0}", ok.replace("TAG", m.tag)).into())),
        // On a busy machine the last bytes may come with the answer, and are then bytes in the clear.
        secret_free(mode("TLS agreed to, then silence", &[Stops(Why::Tls, 0), Stops(Why::Protocol, 0)])).at(
            tls_verb,
            move |m, _| {
                Act::Drip(
                    ok.replace("TAG", m.tag).into_bytes().into_iter().chain(*b"\x16\x03\x01").collect(),
                    Duration::from_millis(1),
                )
            },
        ),
        secret_free(mode("TLS agreed to with garbage", if is_imap { broken } else { protocol }))
            .say(tls_verb, "maybe\r\n"),
        mode("wrong password", sign_in).with(|m| m.accounts.password = "other".to_owned()),
        mode("no way to sign in", sign_in).with(|m| {
            m.sasl = vec!["GSSAPI", "NTLM"];
            m.has_login = false;
        }),
        mode("PLAIN: asked without end", if is_imap { protocol } else { sign_in })
            .with(|m| m.accounts.password = "other".to_owned())
            .at(if is_imap { "AUTHENTICATE" } else { "AUTH" }, |_, _| Act::Say(b"+ bW9yZQ==\r\n".repeat(50))),
        mode("SCRAM: no proof", sign_in).with(|m| m.sasl = vec!["SCRAM-SHA-256"]).at(
            "CHALLENGE",
            move |m, _| if m.nth == 1 { Act::Say(scram_done(is_imap).into()) } else { Act::Send },
        ),
        mode("SCRAM: a wrong proof", sign_in).with(|m| m.sasl = vec!["SCRAM-SHA-256"]).at(
            "CHALLENGE",
            |m, _| {
                if m.nth == 1 {
                    Act::Say(
                        b"+ dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==\r\n".to_vec(),
                    )
                } else {
                    Act::Send
                }
            },
        ),
        mode("SCRAM: an error in place of the proof", sign_in).with(|m| m.sasl = vec!["SCRAM-SHA-256"]).at(
            "CHALLENGE",
            |m, _| {
                if m.nth == 1 { Act::Say(b"+ ZT1vdGhlci1lcnJvcg==\r\n".to_vec()) } else { Act::Send }
            },
        ),
        mode("SCRAM: hours of rounds", sign_in).with(|m| {
            m.sasl = vec!["SCRAM-SHA-256"];
            m.accounts.rounds = 4_000_000_000;
        }),
        mode("SCRAM: one round", sign_in).with(|m| {
            m.sasl = vec!["SCRAM-SHA-256"];
            m.accounts.rounds = 1;
        }),
        mode("SCRAM: another nonce", sign_in).with(|m| m.sasl = vec!["SCRAM-SHA-256"]).at(
            "CHALLENGE",
            |m, _| {
                if m.nth == 0 { Act::Say(b"+ cj14LHM9WVdKaixpPTQwOTY=\r\n".to_vec()) } else { Act::Send }
            },
        ),
        mode("SASL: a challenge that is no base64", sign_in)
            .with(|m| m.sasl = vec!["SCRAM-SHA-256"])
            .at("CHALLENGE", |_, _| Act::Say(b"+ %%%\r\n".to_vec())),
        mode("SASL: silence after the credential", broken)
            .at(if is_imap { "AUTHENTICATE" } else { "AUTH" }, |_, _| Act::Silence),
        mode("SASL: closed after the credential", broken)
            .at(if is_imap { "AUTHENTICATE" } else { "AUTH" }, |_, _| Act::SayAndClose(Vec::new())),
        mode("capabilities without end", protocol).at(capability, |_, _| {
            Act::Endless(b"+OK\r\n".to_vec(), b"* CAPABILITY IMAP4rev1 X-MORE X-AND-MORE\r\n".to_vec())
        }),
        mode("capabilities: silence", broken).at(capability, |_, _| Act::Silence),
    ]
}

fn tls_scheme(scheme: mailtrail::acquire::Scheme) -> mailtrail::acquire::Scheme {
    use mailtrail::acquire::Scheme::{Imap, Imaps, Pop3, Pop3s};
    match scheme {
        Imap | Imaps => Imaps,
        Pop3 | Pop3s => Pop3s,
    }
}

fn scram_done(is_imap: bool) -> &'static str {
    // Whatever tag the client uses, one of these is it.
    if is_imap { "A1 OK in\r\nA2 OK in\r\nA3 OK in\r\nA001 OK in\r\nA002 OK in\r\n" } else { "+OK in\r\n" }
}

/// Modes of POP3 once the mailbox lies open. The model holds ten messages.
fn pop3() -> Vec<Mode> {
    use End::{Partial, Stops, Taken};
    let mode = |name, ends: &[End]| Mode::new(name, false, ends);
    let protocol = |n| Stops(Why::Protocol, n);
    let fourth = |m: &Moment<'_>| m.line.starts_with("TOP 4 ");
    vec![
        mode("STAT: garbage", &[Taken(10)]).say("STAT", "+OK many\r\n").noting(&["stat-odd"]),
        mode("STAT: more than is listed", &[Partial(10)]).say("STAT", "+OK 12 99\r\n").noting(&["count-mismatch"]),
        mode("STAT: 2^64 messages", &[Taken(10)]).say("STAT", "+OK 18446744073709551617 1\r\n").noting(&["stat-odd"]),
        mode("STAT: neither yes nor no", &[protocol(0)]).say("STAT", "OK\r\n"),
        mode("LIST: refused", &[protocol(0)]).say("LIST", "-ERR no\r\n"),
        mode("LIST: without end", &[protocol(0)])
            .at("LIST", |_, _| Act::Endless(b"+OK\r\n".to_vec(), b"1 100\r\n".to_vec())),
        mode("LIST: a line without end", &[protocol(0)])
            .at("LIST", |_, _| Act::Endless(b"+OK\r\n".to_vec(), b"1".to_vec())),
        mode("LIST: numbers that are none", &[Partial(10)])
            .at("LIST", |m, a| {
                if m.nth > 0 {
                    return Act::Send;
                }
                let mut text = b"+OK\r\n0 1\r\n-1 5\r\nx y\r\n".to_vec();
                text.extend_from_slice(&a[b"+OK 10 messages\r\n".len()..]);
                Act::Say(text)
            })
            .noting(&["list-odd"]),
        mode("LIST: each twice", &[Taken(10)])
            .at("LIST", |m, a| {
                let lines = a[b"+OK 10 messages\r\n".len()..].strip_suffix(b".\r\n").unwrap();
                if m.nth > 0 { Act::Send } else { Act::Say([b"+OK\r\n", lines, lines, b".\r\n"].concat()) }
            })
            .noting(&["list-odd"]),
        mode("LIST: sizes that are too small", &[Taken(10)])
            .say("LIST", "+OK\r\n1 1\r\n2 1\r\n3 1\r\n4 1\r\n5 1\r\n6 1\r\n7 1\r\n8 1\r\n9 1\r\n10 1\r\n.\r\n")
            .noting(&["size-announced-differs"]),
        mode("LIST: sizes that are too large", &[Partial(10)])
            .say("LIST", "+OK\r\n1 99999999999\r\n2 18446744073709551615\r\n3 18446744073709551616\r\n4 1\r\n5 1\r\n6 1\r\n7 1\r\n8 1\r\n9 1\r\n10 1\r\n.\r\n")
            .noting(&["size-announced-differs"]),
        mode("LIST: other messages at the end", &[Partial(10)])
            .at("LIST", |m, _| if m.nth == 1 { Act::Say(b"+OK\r\n1 5\r\n.\r\n".to_vec()) } else { Act::Send })
            .noting(&["list-changed"]),
        mode("UIDL: refused", &[Taken(10)]).say("UIDL", "-ERR no\r\n").noting(&["no-uidl"]),
        mode("UIDL: one name for all", &[Taken(10)])
            .with(|m| m.boxes[0].mails.iter_mut().for_each(|mail| "same".clone_into(&mut mail.uidl)))
            .noting(&["uidl-repeated"]),
        mode("UIDL: evil names", &[Taken(10)]).with(|m| {
            let names = ["..", ".", "../../etc/passwd", "a/b", "%2e%2e", "\u{1b}[2J", ";COPY=2", "\u{202e}x", "\\", "\u{e9}"];
            m.boxes[0].mails.iter_mut().zip(names).for_each(|(mail, name)| name.clone_into(&mut mail.uidl));
        }),
        mode("UIDL: a name of 10,000 bytes", &[Taken(10)])
            .with(|m| m.boxes[0].mails[3].uidl = "x".repeat(10_000))
            .noting(&["list-odd", "no-uidl"]),
        mode("UIDL: without end", &[protocol(0)])
            .at("UIDL", |_, _| Act::Endless(b"+OK\r\n".to_vec(), b"1 abc\r\n".to_vec())),
        mode("UIDL: names nobody listed", &[Partial(10)])
            .at("UIDL", |_, a| {
                let lines = a.strip_suffix(b".\r\n").unwrap();
                Act::Say([lines, b"77 ghost\r\n.\r\n"].concat())
            })
            .noting(&["list-odd"]),
        mode("UIDL: other names after a break", &[Partial(3)]).noting(&["new-during"]).with(|m| {
            m.fault = Arc::new(|m, a| match m.verb {
                "TOP" if m.connection == 0 && m.line.starts_with("TOP 4 ") => Act::SayAndClose(half(a)),
                "UIDL" if m.connection > 0 => {
                    Act::Say(String::from_utf8(a.to_vec()).unwrap().replace(" u", " other").into_bytes())
                }
                _ => Act::Send,
            });
        }),
        mode("UIDL: other numbers after a break", &[Taken(10)]).with(|m| {
            m.fault = Arc::new(|m, a| match m.verb {
                "TOP" if m.connection == 0 && m.line.starts_with("TOP 4 ") => Act::SayAndClose(half(a)),
                _ => Act::Send,
            });
        }).noting(&["reconnected"]),
        mode("a message is refused", &[Partial(9)])
            .at("TOP", move |m, _| if fourth(&m) { Act::Say(b"-ERR [SYS/PERM] lost\r\n".to_vec()) } else { Act::Send }),
        mode("a message has no end", &[Partial(9)]).at("TOP", move |m, _| {
            if fourth(&m) { Act::Endless(b"+OK\r\n".to_vec(), b"more and more\r\n".to_vec()) } else { Act::Send }
        }),
        mode("no message has an end", &[protocol(0)])
            .at("TOP", |_, _| Act::Endless(b"+OK\r\n".to_vec(), b"more and more\r\n".to_vec())),
        mode("a message breaks off each time", &[Partial(9)])
            .at("TOP", move |m, a| if fourth(&m) { Act::SayAndClose(half(a)) } else { Act::Send })
            .noting(&["reconnected"]),
        mode("every message breaks off", &[Stops(Why::Broken, 0)]).at("TOP", |_, a| Act::SayAndClose(half(a))),
        mode("every connection brings one message", &[Taken(10)])
            .at("TOP", |m, a| if m.nth == 0 { Act::Send } else { Act::SayAndClose(half(a)) })
            .noting(&["reconnected"]),
        mode("lines end in LF alone", &[protocol(0)])
            .at("TOP", |_, a| Act::Say(a.iter().copied().filter(|b| *b != b'\r').collect())),
        mode("no message comes", &[Stops(Why::Broken, 0)]).at("TOP", |_, _| Act::Silence),
        mode("a message comes byte by byte", &[Partial(9)]).at("TOP", move |m, a| {
            if fourth(&m) { Act::Drip(a.to_vec(), Duration::from_millis(100)) } else { Act::Send }
        }),
        mode("silence in place of a message", &[Partial(9)])
            .at("TOP", move |m, _| if fourth(&m) { Act::Silence } else { Act::Send }),
        mode("a message begins with neither yes nor no", &[protocol(3)])
            .at("TOP", move |m, a| if fourth(&m) { Act::Say([b"=", a].concat()) } else { Act::Send }),
        mode("each message comes twice", &[Partial(10)])
            .at("TOP", |_, a| Act::Say([a, a].concat()))
            .noting(&["answers-left-over", "reconnected"]),
        mode("each message but the first comes twice", &[Partial(10)])
            .at("TOP", |m, a| if m.nth == 0 { Act::Send } else { Act::Say([a, a].concat()) })
            .noting(&["answers-left-over", "list-changed"]),
        mode("each message comes twice, one command at a time", &[Partial(10)])
            .with(|m| m.more = vec!["TOP", "UIDL"])
            .also_at("TOP", |_, a| Act::Say([a, a].concat()))
            .noting(&["answers-left-over", "reconnected"]),
        mode("TOP gives the header alone", &[Partial(10)])
            .at("TOP", |_, a| {
                let end = a.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
                Act::Say([&a[..end], b".\r\n"].concat())
            })
            .noting(&["size-announced-differs"])
            .lying(),
        mode("TOP adds a line", &[Taken(10)])
            .at("TOP", |_, a| Act::Say([a.strip_suffix(b".\r\n").unwrap(), b"\r\n.\r\n"].concat()))
            .noting(&["size-announced-differs"])
            .lying(),
        mode("TOP is not offered", &[Stops(Why::Choice, 0)]).with(|m| m.more = vec!["UIDL"]),
        mode("RETR and QUIT where mail expires at once", &[Stops(Why::Choice, 0)])
            .with(|m| m.more = vec!["TOP", "UIDL", "EXPIRE 0"])
            .ordered(|o| (o.retr, o.quit) = (true, true)),
        mode("RETR and QUIT when asked for", &[Taken(10)])
            .with(|m| {
                m.more = vec!["TOP", "UIDL", "EXPIRE 30"];
                m.allows_retr = true;
            })
            .ordered(|o| (o.retr, o.quit) = (true, true))
            .noting(&["expire"]),
        mode("no CAPA", &[Taken(10)]).say("CAPA", "-ERR what?\r\n"),
        mode("a delay of days between logins", &[Stops(Why::Broken, 3)])
            .with(|m| m.more.push("LOGIN-DELAY 999999"))
            .noting(&["login-delay"])
            .also_at("TOP", |m, a| if m.line.starts_with("TOP 4 ") { Act::SayAndClose(half(a)) } else { Act::Send }),
        mode("the mailbox is in use", &[Stops(Why::Broken, 0)]).say("AUTH", "-ERR [IN-USE] locked\r\n"),
        mode("the mailbox was in use", &[Taken(10)])
            .at("AUTH", |m, _| if m.connection == 0 { Act::Say(b"-ERR [IN-USE] locked\r\n".to_vec()) } else { Act::Send }),
        mode("dots that are not doubled", &[Taken(10)])
            .with(|m| m.boxes[0].mails[3].bytes = b"Subject: d\r\n\r\n.one\r\ntwo\r\n.three\r\n".to_vec())
            .at("TOP", |m, a| {
                if m.line.starts_with("TOP 4 ") {
                    Act::Say(b"+OK\r\nSubject: d\r\n\r\n.one\r\ntwo\r\n.three\r\n.\r\n".to_vec())
                } else {
                    Act::Say(a.to_vec())
                }
            })
            .noting(&["dot-not-stuffed"]),
        mode("NUL, lone CR and LF, dots, lines like answers", &[Taken(10)]).with(|m| {
            m.boxes[0].mails[3].bytes =
                b"a\0b\r\n.\r\n..\r\n+OK\r\n-ERR no\r\n\n.\n\r.\r\r\n\xff\xfe\r\n".to_vec();
            m.boxes[0].mails[4].bytes = b"\r\n".to_vec();
        }),
        mode("an empty message", &[Taken(10)])
            .with(|m| m.boxes[0].mails[3].bytes = Vec::new())
            .at("TOP", |m, a| if m.line.starts_with("TOP 4 ") { Act::Say(b"+OK\r\n.\r\n".to_vec()) } else { Act::Say(a.to_vec()) }),
        mode("an empty mailbox that is not listed", &[Taken(0)])
            .with(|m| m.boxes[0].mails.clear())
            .say("LIST", "-ERR nothing there\r\n"),
        mode("a message that is long", &[Taken(10)])
            .with(|m| m.boxes[0].mails[3].bytes = [b"Subject: l\r\n\r\n".to_vec(), b".xxxxxxxxx\r\n".repeat(400_000)].concat())
            .ordered(|o| o.limits.in_memory = 1 << 20),
        mode("a long message breaks off each time", &[Partial(9)])
            .with(|m| m.boxes[0].mails[3].bytes = b"xxxxxxxxxx\r\n".repeat(400_000))
            .ordered(|o| o.limits.in_memory = 1 << 20)
            .at("TOP", move |m, a| if fourth(&m) { Act::SayAndClose(half(a)) } else { Act::Send }),
    ]
}

/// Modes of IMAP once signed in. The model holds ten messages (UIDs 1 to 10) in INBOX and three (101 to 103) in Sent.
fn imap() -> Vec<Mode> {
    use End::{Partial, Stops, Taken};
    let mode = |name, ends: &[End]| Mode::new(name, true, ends);
    let protocol = |n| Stops(Why::Protocol, n);
    let literal = |text: &'static str| {
        move |m: Moment<'_>, a: &[u8]| {
            if m.line.contains("101") { Act::Send } else { Act::SayAndClose(with_literal(a, text)) }
        }
    };
    vec![
        mode("greeting: PREAUTH", &[protocol(0)])
            .with(|m| m.tls_first = false)
            .say("GREETING", "* PREAUTH you are in\r\n"),
        mode("greeting: a referral", &[Stops(Why::Broken, 0)])
            .say("GREETING", "* BYE [REFERRAL imap://other.example.org/] elsewhere\r\n"),
        mode("sign-in: a referral", &[Stops(Why::SignIn, 0)])
            .say("AUTHENTICATE", "TAG NO [REFERRAL imap://joe@other.example.org/] elsewhere\r\n"),
        mode("sign-in: a wrong tag", &[protocol(0)]).say("AUTHENTICATE", "X99 OK in\r\n"),
        mode("folders: refused", &[protocol(0)]).say("LIST", "TAG NO no\r\n"),
        mode("folders: without end", &[protocol(0)])
            .at("LIST", |_, _| Act::Endless(Vec::new(), b"* LIST () \"/\" \"more and more\"\r\n".to_vec())),
        mode("folders: a line without end", &[protocol(0)])
            .at("LIST", |_, _| Act::Endless(b"* LIST () \"/\" \"".to_vec(), b"x".to_vec())),
        mode("folders: parentheses 100,000 deep", &[Partial(13)])
            .at("LIST", |m, a| Act::Say([b"* LIST ".to_vec(), b"(".repeat(60_000), b"\r\n".to_vec(), a.to_vec(), m.tag[..0].into()].concat())),
        mode("folders: a literal of 10^11 bytes for a name", &[protocol(0)])
            .at("LIST", |_, _| Act::Say(b"* LIST () \"/\" {100000000000}\r\nabc".to_vec())),
        mode("folders: a literal of less than nothing for a name", &[Partial(13)])
            .at("LIST", |_, a| Act::Say([b"* LIST () \"/\" {-5}\r\n", a].concat())),
        mode("folders: evil names", &[Taken(17)]).with(|m| {
            let names: [&[u8]; 7] =
                [b"../../etc", b"a/./b", b"\x1b[2J", b"&Jjo-&-&ZeVn", b"\xff\xfe", b"x//y", b"caf\xc3\xa9"];
            m.boxes.truncate(1);
            for (name, n) in names.into_iter().zip(200..) {
                m.boxes.push(folder(name, n));
            }
        }),
        mode("folders: a name of 5,000 bytes", &[Taken(14)]).with(|m| m.boxes.push(folder(&b"long".repeat(1250), 200))),
        mode("folders: the same one twice", &[Taken(13)])
            .at("LIST", |m, a| {
                let end = format!("{} OK", m.tag);
                let lines = a.split_at(a.windows(end.len()).position(|w| w == end.as_bytes()).unwrap()).0;
                Act::Say([lines, a].concat())
            }),
        mode("folders: two that differ in what a file name would lose", &[Taken(15)]).with(|m| {
            m.boxes.push(folder(b"x", 200));
            m.boxes.push(folder(b"X", 201));
        }),
        mode("folders: one that cannot be opened", &[Taken(13)]).with(|m| {
            m.boxes.push(Box_ { attributes: "\\Noselect".to_owned(), mails: Vec::new(), ..folder(b"Parent", 200) });
        }),
        mode("EXAMINE: read-write", &[Partial(0)])
            .at("EXAMINE", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("READ-ONLY", "READ-WRITE").into()))
            .noting(&[]),
        mode("EXAMINE: does not say that it is read-only", &[Partial(0)])
            .at("EXAMINE", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("[READ-ONLY] ", "").into())),
        mode("EXAMINE: refused", &[Partial(0)]).say("EXAMINE", "TAG NO [NOPERM] no\r\n"),
        mode("EXAMINE: INBOX refused", &[Partial(3)])
            .at("EXAMINE", |m, _| if m.line.contains("INBOX") { Act::Say(format!("{} NO [NOPERM] no\r\n", m.tag).into()) } else { Act::Send }),
        mode("EXAMINE: no UIDVALIDITY", &[Partial(13)])
            .at("EXAMINE", |m, _| Act::Say(format!("* 10 EXISTS\r\n{} OK [READ-ONLY] done\r\n", m.tag).into())),
        mode("EXAMINE: 4,294,967,295 messages", &[Partial(13)])
            .at("EXAMINE", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("* 10 EXISTS", "* 4294967295 EXISTS").into())),
        mode("EXAMINE: 2^64 messages", &[Taken(13)])
            .at("EXAMINE", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("* 10 EXISTS", "* 18446744073709551617 EXISTS").into())),
        mode("EXAMINE: UIDVALIDITY of every other time", &[Taken(13)])
            .at("EXAMINE", |m, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("UIDVALIDITY 17", &format!("UIDVALIDITY {}", 17 + m.nth % 2)).into())),
        mode("STATUS: refused", &[Taken(13)]).say("STATUS", "TAG NO no\r\n"),
        mode("STATUS: garbage", &[Taken(13)]).say("STATUS", "* STATUS ((((\r\nTAG OK done\r\n"),
        mode("listing: refused", &[Partial(0)]).say("LISTING", "TAG NO no\r\n"),
        mode("listing: without end", &[Partial(0)])
            .at("LISTING", |_, _| Act::Endless(Vec::new(), b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 5)\r\n".to_vec())),
        mode("listing: UIDs without end", &[Partial(0)]).at("LISTING", |_, _| {
            let mut text = Vec::new();
            for n in 1..60_000 {
                text.extend(format!("* {n} FETCH (UID {n} FLAGS ({}))\r\n", "\\X".repeat(20)).into_bytes());
            }
            Act::SayAndClose(text)
        }),
        mode("listing: parentheses 60,000 deep", &[Taken(13)])
            .at("LISTING", |m, _| Act::Say(format!("* 1 FETCH {}\r\n{} OK done\r\n", "(".repeat(60_000), m.tag).into())),
        mode("listing: UIDs downwards", &[Taken(13)]).at("LISTING", |_, a| Act::Say(turned(a))),
        mode("listing: each twice", &[Taken(13)]).at("LISTING", |_, a| Act::Say([&turned(a)[..a.len() - tail(a)], a].concat())),
        mode("listing: UID 0", &[Taken(13)])
            .at("LISTING", |_, a| Act::Say([b"* 11 FETCH (UID 0 FLAGS () RFC822.SIZE 5)\r\n", a].concat())),
        mode("listing: UID 2^32 and 2^64", &[Partial(13)])
            .at("LISTING", |_, a| Act::Say([b"* 11 FETCH (UID 4294967296 FLAGS () RFC822.SIZE 5)\r\n* 12 FETCH (UID 18446744073709551616 FLAGS ())\r\n", a].concat())),
        mode("listing: no UID in it", &[Taken(13)])
            .at("LISTING", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("(UID ", "(X-ID ").into())),
        mode("listing: sizes that lie", &[Taken(13)])
            .at("LISTING", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("RFC822.SIZE ", "RFC822.SIZE 9").into()))
            .noting(&["size-announced-differs"]),
        mode("listing: sizes that are none", &[Taken(13)])
            .at("LISTING", |_, a| Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("RFC822.SIZE ", "RFC822.SIZE -").into())),
        mode("listing: items nobody asked for", &[Taken(13)]).at("LISTING", |_, a| {
            Act::Say(String::from_utf8(a.to_vec()).unwrap().replace("(UID ", "(X-NEW (a (b) \"c\\\"\") MODSEQ (7) X-B {3}\r\n)\r\n UID ").into())
        }),
        mode("listing: lines nobody asked for", &[Taken(13)])
            .at("LISTING", |_, a| Act::Say([b"* VANISHED (EARLIER) 1:5\r\n* OK still here\r\n* X-ODD {3}\r\nabc\r\n* 7 RECENT\r\n", a].concat())),
        mode("bodies: refused", &[Partial(0)]).say("BODY", "TAG NO [LIMIT] slow down\r\n"),
        mode("bodies: BYE", &[Stops(Why::Broken, 0)])
            .at("BODY", |_, _| Act::SayAndClose(b"* BYE too much\r\n".to_vec())),
        mode("bodies: silence", &[Stops(Why::Broken, 0)]).at("BODY", |_, _| Act::Silence),
        mode("bodies: none of them", &[Partial(0)]).say("BODY", "TAG OK done\r\n"),
        mode("bodies: one is missing", &[Partial(12)]).at("BODY", |m, a| if in_inbox(&m) { Act::Say(without(a, "(UID 4 ")) } else { Act::Send }),
        mode("bodies: one is missing and gone", &[Partial(12)])
            .at("BODY", |m, a| if in_inbox(&m) { Act::Say([b"* 4 EXPUNGE\r\n".to_vec(), without(a, "(UID 4 ")].concat()) } else { Act::Send }),
        mode("bodies: NIL", &[Partial(3)]).at("BODY", |m, _| {
            if !in_inbox(&m) {
                return Act::Send;
            }
            let mut text = String::new();
            for n in 1..=10 {
                text += &format!("* {n} FETCH (UID {n} BODY[] NIL)\r\n");
            }
            Act::Say(format!("{text}{} OK done\r\n", m.tag).into())
        }),
        mode("bodies: empty strings", &[Partial(3)]).lying().at("BODY", |m, _| {
            if !in_inbox(&m) {
                return Act::Send;
            }
            let mut text = String::new();
            for n in 1..=10 {
                text += &format!("* {n} FETCH (UID {n} BODY[] \"\")\r\n");
            }
            Act::Say(format!("{text}{} OK done\r\n", m.tag).into())
        }),
        mode("bodies: each twice", &[Taken(13)])
            .at("BODY", |_, a| Act::Say([&a[..a.len() - tail(a)], a].concat())),
        mode("bodies: of messages nobody asked for", &[Taken(13)])
            .at("BODY", |_, a| Act::Say([b"* 99 FETCH (UID 999 BODY[] {3}\r\nabc)\r\n", a].concat())),
        mode("bodies: wrong sequence numbers", &[Taken(13)])
            .at("BODY", |_, a| Act::Say(replaced(a, b"* 4 FETCH", b"* 7 FETCH"))),
        mode("bodies: no UID in it", &[Partial(12)])
            .at("BODY", |_, a| Act::Say(replaced(a, b"(UID 4 ", b"("))),
        mode("bodies: a literal of 10^11 bytes", &[Taken(13)]).at("BODY", literal("100000000000")),
        mode("bodies: a literal of 2^64+1 bytes", &[protocol(0)]).at("BODY", literal("18446744073709551617")),
        mode("bodies: a literal of less than nothing", &[Partial(3), Partial(0), Partial(12), protocol(0), protocol(3)]).at("BODY", literal("-1")),
        mode("bodies: a literal of letters", &[Partial(3), Partial(0), Partial(12), protocol(0), protocol(3)]).at("BODY", literal("many")),
        mode("bodies: reset in a literal each time", &[Stops(Why::Broken, 8)])
            .at("BODY", |m, a| if in_inbox(&m) { Act::SayAndClose(half(a)) } else { Act::Send }),
        mode("bodies: reset in a literal once", &[Taken(13)])
            .at("BODY", |m, a| if m.connection == 0 { Act::SayAndClose(half(a)) } else { Act::Send }),
        // Each literal swallows what ends its answer: none of them is a message.
        mode("bodies: shorter than announced, and more follows", &[Stops(Why::Broken, 0)])
            .lying()
            .at("BODY", |m, a| if in_inbox(&m) { Act::SayAndClose(replaced(a, b"BODY[] {", b"BODY[] {1")) } else { Act::Send }),
        mode("bodies: byte by byte", &[Stops(Why::Broken, 0)])
            .at("BODY", |m, a| if in_inbox(&m) { Act::Drip(a.to_vec(), Duration::from_millis(200)) } else { Act::Send }),
        mode("bodies: literal8", &[Taken(13)]).at("BODY", |_, a| Act::Say(replaced(a, b"BODY[] {", b"BODY[] ~{"))),
        mode("bodies: NUL, lone CR and LF, lines like answers", &[Taken(13)]).with(|m| {
            m.boxes[0].mails[3].bytes =
                b"a\0b\r\nA0007 OK done\r\n* BYE\r\n)\r\n\n.\n\r\r\n\xff\xfe{9}\r\n* 1 FETCH (UID 1 BODY[] {3}".to_vec();
        }),
        mode("bodies: an empty message", &[Taken(13)]).with(|m| m.boxes[0].mails[3].bytes = Vec::new()),
        mode("a long message, in pieces", &[Taken(13)])
            .with(|m| m.boxes[0].mails[3].bytes = b"xxxxxxxxxx\r\n".repeat(400_000))
            .ordered(|o| o.limits.in_memory = 1 << 20),
        mode("a long message: the range is not kept to", &[Taken(13)])
            .with(|m| m.boxes[0].mails[3].bytes = b"xxxxxxxxxx\r\n".repeat(400_000))
            .ordered(|o| o.limits.in_memory = 1 << 20)
            .at("PIECE", |m, _| {
                let body = b"xxxxxxxxxx\r\n".repeat(400_000);
                let head = format!("* 4 FETCH (UID 4 BODY[]<0> {{{}}}\r\n", body.len());
                Act::Say([head.as_bytes(), &body, format!(")\r\n{} OK done\r\n", m.tag).as_bytes()].concat())
            }),
        // In parts it does not come: asked for whole it does.
        mode("a long message: empty pieces for ever", &[Taken(13)])
            .with(|m| m.boxes[0].mails[3].bytes = b"xxxxxxxxxx\r\n".repeat(400_000))
            .ordered(|o| o.limits.in_memory = 1 << 20)
            .at("PIECE", |m, _| Act::Say(format!("* 4 FETCH (UID 4 BODY[]<0> \"\")\r\n{} OK done\r\n", m.tag).into())),
        mode("flags change while it is copied", &[Taken(13)])
            .at("FLAGS", |_, a| Act::Say(replaced(a, b"(UID 4 FLAGS (\\Seen)", b"(UID 4 FLAGS (\\Deleted)"))),
        mode("items of Gmail", &[Partial(13)]).with(|m| m.more = vec!["X-GM-EXT-1"]),
        mode("object ids", &[Taken(13)]).with(|m| m.more = vec!["OBJECTID"]),
        mode("UTF8=ACCEPT", &[Taken(13)]).with(|m| m.more = vec!["ENABLE", "UTF8=ACCEPT"]),
        mode("LITERAL-, ENABLE and revision 2", &[Taken(13)]).with(|m| m.more = vec!["IMAP4rev2", "ENABLE", "LITERAL-"]),
    ]
}

/// Whether the bodies of INBOX are asked for.
fn in_inbox(m: &Moment<'_>) -> bool {
    !m.line.contains("101")
}

/// A folder with one message.
fn folder(name: &[u8], n: u64) -> Box_ {
    let bytes = format!("Subject: {n}\r\n\r\nin {n}\r\n").into_bytes();
    let mail = Mail { uid: n, flags: String::new(), bytes, uidl: String::new() };
    Box_ { name: name.to_vec(), attributes: String::new(), validity: n, mails: vec![mail] }
}

/// Length of the last line.
fn tail(answer: &[u8]) -> usize {
    let lines = &answer[..answer.len() - 2];
    answer.len() - lines.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1)
}

/// Every `old` as `new`.
fn replaced(answer: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = answer;
    while let Some(at) = rest.windows(old.len()).position(|w| w == old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// The lines of a listing from the last to the first.
fn turned(answer: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive("\r\n").collect();
    let done = lines.pop().unwrap();
    lines.reverse();
    lines.push(done);
    lines.concat().into_bytes()
}

/// The answer without the message of which the line holds `mark`.
fn without(answer: &[u8], mark: &str) -> Vec<u8> {
    let Some(at) = answer.windows(mark.len()).position(|w| w == mark.as_bytes()) else {
        return answer.to_vec();
    };
    let start = answer[..at].iter().rposition(|&b| b == b'\n').map_or(0, |n| n + 1);
    let open = at + answer[at..].iter().position(|&b| b == b'{').unwrap();
    let close = open + answer[open..].iter().position(|&b| b == b'}').unwrap();
    let size: usize = std::str::from_utf8(&answer[open + 1..close]).unwrap().parse().unwrap();
    let end = close + 3 + size + b")\r\n".len();
    [&answer[..start], &answer[end..]].concat()
}

/// The answer with another size for the first literal.
fn with_literal(answer: &[u8], size: &str) -> Vec<u8> {
    let open = answer.iter().position(|&b| b == b'{').unwrap();
    let close = open + answer[open..].iter().position(|&b| b == b'}').unwrap();
    [&answer[..=open], size.as_bytes(), &answer[close..]].concat()
}

#[test]
fn imap_servers_before_sign_in() {
    run(before_sign_in(true));
}

#[test]
fn imap_servers_that_are_signed_in_to() {
    run(imap());
}

#[test]
fn pop3_servers_before_sign_in() {
    run(before_sign_in(false));
}

#[test]
fn pop3_servers_that_are_signed_in_to() {
    run(pop3());
}

#[test]
fn the_program_ends_as_it_must_before_sign_in() {
    run_program(before_sign_in(false));
    run_program(before_sign_in(true));
}

#[test]
fn the_program_ends_as_it_must_with_pop3_servers() {
    run_program(pop3());
}

#[test]
fn the_program_ends_as_it_must_with_imap_servers() {
    run_program(imap());
}

#[test]
fn the_checks_catch_a_client_that_does_what_it_must_not() {
    // The model itself finds the violations, or no mode could fail for them.
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut model = Model::new(false);
    model.tls_first = false;
    let server = Server::start(model);
    let socket = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    for said in ["USER joe", "PASS correct horse", "DELE 1", "RSET", "RETR 1", "QUIT"] {
        reader.read_line(&mut line).unwrap();
        (&socket).write_all(format!("{said}\r\n").as_bytes()).unwrap();
    }
    while reader.read_line(&mut line).unwrap() > 0 {}
    assert_eq!(server.record().violations, ["a password in the clear", "DELE 1", "RSET", "RETR 1", "QUIT"]);
}
