//! IMAP as RFC 3501 and 9051 have it, as far as an acquisition needs it.
#![allow(clippy::format_push_string, reason = "a server of a test need not be fast")]

use std::fmt::Write as _;

use super::sasl::Verdict;
use super::server::{Box_, Mail, Peer};
use super::talk::{self, Language};

/// Serves one client to its end.
pub(crate) fn serve(peer: &mut Peer) -> Option<()> {
    let greeting = format!("* OK [CAPABILITY {}] model ready\r\n", capabilities(peer, false));
    peer.answer("GREETING", "", "", greeting.as_bytes())?;
    let mut is_in = false;
    let mut is_tls = false;
    let mut open: Option<usize> = None;
    loop {
        let (line, args) = command(peer)?;
        let tag = args.first().cloned().unwrap_or_default();
        let mut verb = args.get(1).cloned().unwrap_or_default().to_ascii_uppercase();
        if verb == "UID" {
            verb = format!("UID {}", args.get(2).cloned().unwrap_or_default().to_ascii_uppercase());
        }
        let is_secret = verb == "LOGIN" || verb == "AUTHENTICATE";
        peer.saw(if is_secret { &verb } else { &line });
        // A client that begins TLS here says no command; its bytes may hold line ends.
        is_tls |= line.starts_with("\u{16}\u{3}");
        // A list of what may be said, so that what nobody thought of is a violation too.
        if !talk::is_on_the_list(Language::Imap, &line) && !is_tls {
            peer.violation(&line);
        }
        let model = std::sync::Arc::clone(&peer.model);
        let arg = |n: usize| args.get(n).cloned().unwrap_or_default();
        let ok = |text: String| format!("{text}{tag} OK done\r\n").into_bytes();
        let mut name = verb.clone();
        let answer: Vec<u8> = match verb.as_str() {
            "CAPABILITY" => ok(format!("* CAPABILITY {}\r\n", capabilities(peer, is_in))),
            "NOOP" => ok(String::new()),
            "LOGOUT" => {
                peer.answer("LOGOUT", &tag, &line, &ok("* BYE bye\r\n".to_owned()))?;
                return None;
            }
            "STARTTLS" if model.offers_tls && !peer.is_tls() => {
                peer.answer("STARTTLS", &tag, &line, &ok(String::new()))?;
                if !peer.start_tls() {
                    return None;
                }
                continue;
            }
            "AUTHENTICATE" => {
                let initial = args.get(3).cloned();
                if initial.is_some() && !model.has_ir {
                    peer.violation("an initial response without SASL-IR");
                }
                let verdict = peer.authenticate(&arg(2), initial.as_deref())?;
                is_in = verdict == Verdict::In;
                said(&tag, &verdict)
            }
            "LOGIN" => {
                let verdict = peer.login(&arg(2), &arg(3));
                is_in = verdict == Verdict::In;
                said(&tag, &verdict)
            }
            "ID" => ok("* ID (\"name\" \"model\" \"version\" \"1\")\r\n".to_owned()),
            _ if !is_in => format!("{tag} BAD sign in first\r\n").into_bytes(),
            "NAMESPACE" => ok("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".to_owned()),
            "ENABLE" => ok("* ENABLED UTF8=ACCEPT\r\n".to_owned()),
            "LIST" => {
                let mut out = Vec::new();
                for folder in &model.boxes {
                    out.extend_from_slice(format!("* {verb} ({}) \"/\" ", folder.attributes).as_bytes());
                    out.extend_from_slice(&astring(&folder.name));
                    out.extend_from_slice(b"\r\n");
                }
                out.extend(ok(String::new()));
                out
            }
            "STATUS" => match find(&model.boxes, &arg(2)) {
                Some(n) => {
                    let folder = &model.boxes[n];
                    let unseen = folder.mails.iter().filter(|m| !m.flags.contains("\\Seen")).count();
                    let next = folder.mails.last().map_or(1, |m| m.uid + 1);
                    let mut out = b"* STATUS ".to_vec();
                    out.extend(astring(&folder.name));
                    out.extend(ok(format!(
                        " (MESSAGES {} UIDNEXT {next} UIDVALIDITY {} UNSEEN {unseen})\r\n",
                        folder.mails.len(),
                        folder.validity
                    )));
                    out
                }
                None => format!("{tag} NO no such folder\r\n").into_bytes(),
            },
            "EXAMINE" => match find(&model.boxes, &arg(2)) {
                Some(n) => {
                    open = Some(n);
                    let folder = &model.boxes[n];
                    let next = folder.mails.last().map_or(1, |m| m.uid + 1);
                    format!(
                        "* FLAGS (\\Seen \\Answered)\r\n* OK [PERMANENTFLAGS ()] none\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {}] v\r\n* OK [UIDNEXT {next}] n\r\n{tag} OK [READ-ONLY] done\r\n",
                        folder.mails.len(),
                        folder.validity
                    )
                    .into_bytes()
                }
                None => format!("{tag} NO no such folder\r\n").into_bytes(),
            },
            "UNSELECT" => {
                open = None;
                ok(String::new())
            }
            "UID SEARCH" => {
                let mut text = "* SEARCH".to_owned();
                for mail in open.iter().flat_map(|n| &model.boxes[*n].mails) {
                    write!(text, " {}", mail.uid).unwrap();
                }
                ok(text + "\r\n")
            }
            "UID FETCH" => match open {
                Some(n) => {
                    let items = line.splitn(5, ' ').nth(4).unwrap_or_default().to_owned();
                    kind(&items).clone_into(&mut name);
                    let mut out = fetch(&model.boxes[n].mails, &arg(3), &items);
                    out.extend(ok(String::new()));
                    out
                }
                None => format!("{tag} BAD no folder is open\r\n").into_bytes(),
            },
            _ => format!("{tag} BAD no\r\n").into_bytes(),
        };
        peer.answer(&name, &tag, &line, &answer)?;
    }
}

/// What a FETCH is for.
fn kind(items: &str) -> &'static str {
    if items.contains("]<") {
        "PIECE"
    } else if items.contains("BODY") {
        "BODY"
    } else if items.contains("INTERNALDATE") {
        "LISTING"
    } else {
        "FLAGS"
    }
}

fn capabilities(peer: &Peer, is_in: bool) -> String {
    let model = &peer.model;
    let mut text = "IMAP4rev1 ID NAMESPACE UNSELECT".to_owned();
    for more in &model.more {
        write!(text, " {more}").unwrap();
    }
    if is_in {
        return text;
    }
    if model.has_ir {
        text += " SASL-IR";
    }
    for name in &model.sasl {
        write!(text, " AUTH={name}").unwrap();
    }
    if model.offers_tls && !peer.is_tls() {
        text += " STARTTLS";
    }
    if !model.has_login {
        text += " LOGINDISABLED";
    }
    text
}

fn said(tag: &str, verdict: &Verdict) -> Vec<u8> {
    match verdict {
        Verdict::In => format!("{tag} OK welcome\r\n").into_bytes(),
        Verdict::Out(why) => format!("{tag} NO [AUTHENTICATIONFAILED] {why}\r\n").into_bytes(),
    }
}

/// A command with its literals, and its words: atoms, strings, and lists as one word.
fn command(peer: &mut Peer) -> Option<(String, Vec<String>)> {
    let mut line = peer.line()?;
    let mut args = Vec::new();
    let mut rest = line.clone();
    loop {
        let literal = rest.strip_suffix('}').and_then(|r| r.rsplit_once('{')).and_then(|(head, n)| {
            Some((head.to_owned(), n.trim_end_matches('+').parse::<usize>().ok()?, n.ends_with('+')))
        });
        let Some((head, size, is_sure)) = literal else { break };
        words(&head, &mut args);
        if !is_sure {
            peer.answer("CONTINUE", "", "", b"+ go on\r\n")?;
        }
        let bytes = peer.bytes(size)?;
        args.push(String::from_utf8_lossy(&bytes).into_owned());
        rest = peer.line()?;
        line.push_str(&rest);
    }
    words(&rest, &mut args);
    Some((line, args))
}

fn words(text: &str, out: &mut Vec<String>) {
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        let mut word = String::new();
        match c {
            ' ' => {
                chars.next();
                continue;
            }
            '"' => {
                chars.next();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => word.extend(chars.next()),
                        c => word.push(c),
                    }
                }
            }
            '(' => {
                for c in chars.by_ref() {
                    word.push(c);
                    if c == ')' {
                        break;
                    }
                }
            }
            _ => {
                while let Some(c) = chars.next_if(|c| *c != ' ') {
                    word.push(c);
                }
            }
        }
        out.push(word);
    }
}

/// A name on the wire: between quotes, or a literal where quotes cannot hold it.
fn astring(name: &[u8]) -> Vec<u8> {
    if name.iter().any(|b| matches!(b, b'\r' | b'\n' | 0 | 0x80..)) || name.len() > 1000 {
        return [format!("{{{}}}\r\n", name.len()).as_bytes(), name].concat();
    }
    let mut out = b"\"".to_vec();
    for &byte in name {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
    out
}

fn find(boxes: &[Box_], name: &str) -> Option<usize> {
    boxes.iter().position(|b| String::from_utf8_lossy(&b.name) == name)
}

/// The messages of a set of UIDs.
fn fetch(mails: &[Mail], set: &str, items: &str) -> Vec<u8> {
    let last = mails.last().map_or(0, |m| m.uid);
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
    let ranges: Vec<(u64, u64)> = set
        .split(',')
        .map(|part| match part.split_once(':') {
            Some((a, b)) => (number(a).min(number(b)), number(a).max(number(b))),
            None => (number(part), number(part)),
        })
        .collect();
    let mut out = Vec::new();
    for (mail, n) in mails.iter().zip(1..) {
        if ranges.iter().any(|(a, b)| (*a..=*b).contains(&mail.uid)) {
            out.extend(one(mail, n, items));
        }
    }
    out
}

/// One FETCH answer.
pub(crate) fn one(mail: &Mail, n: usize, items: &str) -> Vec<u8> {
    let mut out = format!("* {n} FETCH (UID {}", mail.uid).into_bytes();
    if items.contains("FLAGS") {
        out.extend(format!(" FLAGS ({})", mail.flags).bytes());
    }
    if items.contains("INTERNALDATE") {
        out.extend(b" INTERNALDATE \" 3-Mar-2025 10:00:00 +0100\"");
    }
    if items.contains("RFC822.SIZE") {
        out.extend(format!(" RFC822.SIZE {}", mail.bytes.len()).bytes());
    }
    if items.contains("EMAILID") {
        out.extend(format!(" EMAILID (M{}) THREADID (T{})", mail.uid, mail.uid).bytes());
    }
    if items.contains("X-GM-MSGID") {
        let uid = mail.uid;
        // A name outside ASCII, a blank and a quote for every other message; a broken name for every fifth.
        let named = if uid.is_multiple_of(2) { " \"M&APw-ller &- \\\"S&APY-hne\\\"\"" } else { "" };
        let broken = if uid.is_multiple_of(5) { " \"x&A-\"" } else { "" };
        let labels = format!("\"\\\\Inbox\" work{named}{broken}");
        out.extend(format!(" X-GM-MSGID {uid}7 X-GM-THRID {uid}8 X-GM-LABELS ({labels})").bytes());
    }
    if let Some((_, range)) = items.split_once("]<") {
        let (from, length) = range.split('>').next().unwrap().split_once('.').unwrap();
        let from: usize = from.parse().unwrap();
        let end = (from + length.parse::<usize>().unwrap()).min(mail.bytes.len());
        let piece = mail.bytes.get(from..end).unwrap_or_default();
        out.extend(format!(" BODY[]<{from}> {{{}}}\r\n", piece.len()).bytes());
        out.extend(piece);
    } else if items.contains("BODY") {
        out.extend(format!(" BODY[] {{{}}}\r\n", mail.bytes.len()).bytes());
        out.extend(&mail.bytes);
    }
    out.extend(b")\r\n");
    out
}
