//! Servers that break every rule: each mode has the end that it must have, in bounded time, and what holds for all of them:
//! nothing is sent that changes a mailbox, no secret in the clear or in the transcript, nothing told twice, nothing made up.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use mailtrail::acquire::{AcquireError, Order};

use crate::support::collect::{Collected, Has, collect, order};
use crate::support::imap_model::one;
use crate::support::pop3_model::stuffed;
use crate::support::server::{Act, Box_, Fault, Mail, Model, Moment, Server};

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All is well (exit 0): so many messages were taken.
    Taken(usize),
    /// So many were taken, and it says that something is missing (exit 3).
    Partial(usize),
    /// It stops (exit 1) with this error, and so many messages were taken before.
    Stops(Why, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Tls,
    SignIn,
    Protocol,
    Broken,
    Choice,
}

/// One way to misbehave.
struct Mode {
    name: &'static str,
    model: Model,
    /// Changes to what is asked for.
    order: fn(&mut Order),
    /// Any of these is right: where a server leaves two readings, either is honest.
    ends: Vec<End>,
    /// Codes that must be among the notices.
    codes: Vec<&'static str>,
    /// Whether what was taken differs from what the model holds, because the mode lies about bytes.
    lies: bool,
}

impl Mode {
    fn new(name: &'static str, is_imap: bool, ends: &[End]) -> Self {
        Self {
            name,
            model: Model::new(is_imap),
            order: |_| {},
            ends: ends.to_vec(),
            codes: Vec::new(),
            lies: false,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Model)) -> Self {
        change(&mut self.model);
        self
    }

    /// A fault at one verb.
    fn at(self, verb: &'static str, act: impl Fn(Moment<'_>, &[u8]) -> Act + Send + Sync + 'static) -> Self {
        let fault: Fault =
            Arc::new(move |moment, answer| if moment.verb == verb { act(moment, answer) } else { Act::Send });
        self.with(|m| m.fault = fault)
    }

    fn say(self, verb: &'static str, text: &'static str) -> Self {
        self.at(verb, move |moment, _| Act::Say(text.replace("TAG", moment.tag).into_bytes()))
    }

    fn ordered(mut self, change: fn(&mut Order)) -> Self {
        self.order = change;
        self
    }

    fn noting(mut self, codes: &[&'static str]) -> Self {
        self.codes = codes.to_vec();
        self
    }

    fn lying(mut self) -> Self {
        self.lies = true;
        self
    }

    /// Runs it; says what is wrong.
    fn check(&self) -> Result<(), String> {
        let server = Server::start(self.model.clone());
        let mut order = order(&self.model.url(server.port), "correct horse", Some(server.ca_file()));
        order.limits.idle = Duration::from_secs(2);
        order.limits.connect = Duration::from_secs(4);
        order.limits.again = 1;
        (self.order)(&mut order);
        let begun = Instant::now();
        let all = collect(&order, &Has::default());
        let time = begun.elapsed();
        let mut wrong = Vec::new();
        let found = end(&all);
        if !self.ends.contains(&found) {
            wrong.push(format!("ended as {found:?}, not as {:?}", self.ends));
        }
        if time > Duration::from_secs(40) {
            wrong.push(format!("took {time:?}"));
        }
        for code in &self.codes {
            if !all.codes().contains(code) {
                wrong.push(format!("no notice {code}, but {:?}", all.codes()));
            }
        }
        self.always(&all, &server, &mut wrong);
        if wrong.is_empty() {
            return Ok(());
        }
        let tail: String = all.dialogue().lines().rev().take(6).collect::<Vec<_>>().join("\n    ");
        Err(format!(
            "{}: {}\n  error: {:?}\n  notices: {:?}\n  left: {:?}\n    {}",
            self.name,
            wrong.join("; "),
            all.error,
            all.notices.iter().take(4).collect::<Vec<_>>(),
            all.left.iter().take(3).collect::<Vec<_>>(),
            tail.chars().take(1500).collect::<String>()
        ))
    }

    /// What holds whatever a server does.
    fn always(&self, all: &Collected, server: &Server, wrong: &mut Vec<String>) {
        let record = server.record();
        if !record.violations.is_empty() {
            wrong.push(format!("sent what it must not: {:?}", record.violations));
        }
        let dialogue = all.dialogue();
        for secret in ["correct horse", "Y29ycmVjdCBob3JzZ", "AGpvZQBjb3JyZWN0"] {
            if dialogue.contains(secret) {
                wrong.push("the transcript holds the password".to_owned());
            }
        }
        if !dialogue.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)) {
            wrong.push("the transcript holds control characters".to_owned());
        }
        let mut paths = HashSet::new();
        let told = all.messages.iter().map(|m| m.path.clone());
        let told = told.chain(all.left.iter().map(|l| l.at.path.display().into_owned()));
        for path in told {
            if path.split('/').any(|name| name == "." || name == ".." || name.is_empty())
                || path.contains(char::is_control)
            {
                wrong.push(format!("a path that could lead elsewhere: {path:?}"));
            }
            if !paths.insert(path.clone()) {
                wrong.push(format!("{path} was told twice"));
            }
        }
        if !self.lies {
            let truth: HashSet<&[u8]> =
                self.model.boxes.iter().flat_map(|b| &b.mails).map(|m| m.bytes.as_slice()).collect();
            for message in all.messages.iter().filter(|m| !truth.contains(m.bytes.as_slice())) {
                wrong.push(format!("{} is not what the server holds", message.path));
            }
        }
        if all.error.is_none() {
            for b in &all.books {
                if b.listed != b.known + b.taken + b.excluded + b.failed + b.gone {
                    wrong.push(format!("the books do not balance: {b:?}"));
                }
            }
        }
    }
}

fn end(all: &Collected) -> End {
    let taken = all.messages.len();
    let why = match &all.error {
        None => {
            let is_partial = all.notices.iter().any(|n| n.is_partial)
                || all.left.iter().any(|l| l.why == mailtrail::acquire::Why::Failed)
                || all.books.is_empty();
            return if is_partial { End::Partial(taken) } else { End::Taken(taken) };
        }
        Some(AcquireError::Tls { .. }) => Why::Tls,
        Some(AcquireError::SignIn { .. }) => Why::SignIn,
        Some(AcquireError::Protocol { .. }) => Why::Protocol,
        Some(AcquireError::Broken { .. }) => Why::Broken,
        Some(AcquireError::Choice { .. }) => Why::Choice,
        Some(other) => panic!("{other:?}"),
    };
    End::Stops(why, taken)
}

/// Runs many at once, since most of them wait; fails with all that went wrong.
fn run(modes: Vec<Mode>) {
    let names: HashSet<_> = modes.iter().map(|m| (m.name, m.model.is_imap)).collect();
    assert_eq!(names.len(), modes.len(), "two modes have one name");
    println!("{} modes", modes.len());
    let queue = Mutex::new(modes);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(mode) = queue.lock().unwrap().pop() else { return };
                    let name = mode.name;
                    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mode.check()));
                    let answer = checked.unwrap_or_else(|_| Err(format!("{name}: panicked")));
                    if let Err(why) = answer {
                        failures.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} modes end wrongly:\n{}", failures.len(), failures.join("\n"));
}

/// The first `n` lines of a message as a server that breaks off would send them.
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
        mode("certificate for another host", tls).with(|m| m.names = &["mail.example.org"]),
        mode("no TLS at the port for TLS", tls)
            .with(clear)
            .ordered(|o| o.account.scheme = tls_scheme(o.account.scheme)),
        secret_free(mode("TLS not offered", tls)).with(|m| m.offers_tls = false),
        secret_free(mode("TLS refused", tls))
            .at(tls_verb, move |m, _| Act::Say(no.replace("TAG", m.tag).into())),
        secret_free(mode("TLS agreed to, then cleartext", tls)).at(tls_verb, move |m, _| {
            let text = format!("{ok}{ok}", ok = ok.replace("TAG", m.tag));
            Act::SayAndClose(text[..text.len() / 2].as_bytes().to_vec())
        }),
        secret_free(mode(
            "TLS agreed to, answers in the same breath",
            &[Stops(Why::Protocol, 0), Stops(Why::Tls, 0)],
        ))
        .at(tls_verb, move |m, _| Act::Say(format!("{0}{0}", ok.replace("TAG", m.tag)).into())),
        secret_free(mode("TLS agreed to, then silence", tls)).at(tls_verb, move |m, _| {
            Act::Drip(
                ok.replace("TAG", m.tag).into_bytes().into_iter().chain(*b"\x16\x03\x01").collect(),
                Duration::from_millis(1),
            )
        }),
        secret_free(mode("TLS agreed to with garbage", protocol)).say(tls_verb, "maybe\r\n"),
        mode("wrong password", sign_in).with(|m| m.accounts.password = "other".to_owned()),
        mode("no way to sign in", sign_in).with(|m| {
            m.sasl = vec!["GSSAPI", "NTLM"];
            m.has_login = false;
        }),
        mode("PLAIN: asked without end", sign_in)
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
            .noting(&["size-mismatch"]),
        mode("LIST: sizes that are too large", &[Partial(10)])
            .say("LIST", "+OK\r\n1 99999999999\r\n2 18446744073709551615\r\n3 18446744073709551616\r\n4 1\r\n5 1\r\n6 1\r\n7 1\r\n8 1\r\n9 1\r\n10 1\r\n.\r\n")
            .noting(&["size-mismatch"]),
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
        mode("a message comes byte by byte", &[Partial(9)]).at("TOP", move |m, a| {
            if fourth(&m) { Act::Drip(a.to_vec(), Duration::from_millis(100)) } else { Act::Send }
        }),
        mode("silence in place of a message", &[Partial(9)])
            .at("TOP", move |m, _| if fourth(&m) { Act::Silence } else { Act::Send }),
        mode("a message begins with neither yes nor no", &[protocol(3)])
            .at("TOP", move |m, a| if fourth(&m) { Act::Say([b"=", a].concat()) } else { Act::Send }),
        mode("each message comes twice", &[Partial(10)])
            .at("TOP", |_, a| Act::Say([a, a].concat()))
            .noting(&["list-changed"]),
        mode("TOP gives the header alone", &[Partial(10)])
            .at("TOP", |_, a| {
                let end = a.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
                Act::Say([&a[..end], b".\r\n"].concat())
            })
            .noting(&["size-mismatch"])
            .lying(),
        mode("TOP adds a line", &[Taken(10)])
            .at("TOP", |_, a| Act::Say([a.strip_suffix(b".\r\n").unwrap(), b"\r\n.\r\n"].concat()))
            .noting(&["size-mismatch"])
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

impl Mode {
    /// A fault that leaves what else is set.
    fn also_at(
        self,
        verb: &'static str,
        act: impl Fn(Moment<'_>, &[u8]) -> Act + Send + Sync + 'static,
    ) -> Self {
        let earlier = Arc::clone(&self.model.fault);
        let fault: Fault = Arc::new(move |m, a| if m.verb == verb { act(m, a) } else { earlier(m, a) });
        self.with(|m| m.fault = fault)
    }
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

#[expect(dead_code, reason = "the modes of IMAP use them")]
fn for_imap() {
    let _one = one;
    let _stuffed = stuffed;
    let _mail = |m: Mail, b: Box_| (m, b);
}
