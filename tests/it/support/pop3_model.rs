//! POP3 as RFC 1939, 2449, 2595 and 5034 have it.
#![allow(clippy::format_push_string, reason = "a server of a test need not be fast")]

use super::sasl::Verdict;
use super::server::Peer;
use super::talk::{self, Language};

/// Serves one client to its end.
pub(crate) fn serve(peer: &mut Peer) -> Option<()> {
    peer.answer("GREETING", "", "", b"+OK model ready <17.42@model>\r\n")?;
    let mut user = String::new();
    let mut is_in = false;
    let mut is_tls = false;
    loop {
        let line = peer.line()?;
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let first = words.next();
        if verb == "PASS" {
            peer.saw("PASS ..");
        } else {
            peer.saw(&line);
        }
        let number = first.and_then(|n| n.parse::<usize>().ok());
        let model = std::sync::Arc::clone(&peer.model);
        // A client that begins TLS here says no command; its bytes may hold line ends.
        is_tls |= line.starts_with("\u{16}\u{3}");
        // A list of what may be said, so that what nobody thought of is a violation too.
        if !talk::is_on_the_list(Language::Pop3 { retr: model.allows_retr }, &line) && !is_tls {
            peer.violation(&line);
        }
        let mails = &model.boxes[0].mails;
        let mail = number.and_then(|n| mails.get(n.checked_sub(1)?));
        let answer: Vec<u8> = match verb.as_str() {
            "CAPA" => {
                let mut text = "+OK here it is\r\n".to_owned();
                for line in &model.more {
                    text += &format!("{line}\r\n");
                }
                if model.has_login {
                    text += "USER\r\n";
                }
                if !model.sasl.is_empty() {
                    text += &format!("SASL {}\r\n", model.sasl.join(" "));
                }
                if model.offers_tls && !peer.is_tls() {
                    text += "STLS\r\n";
                }
                (text + "IMPLEMENTATION model\r\n.\r\n").into_bytes()
            }
            "STLS" if model.offers_tls && !peer.is_tls() => {
                peer.answer(&verb, "", &line, b"+OK begin\r\n")?;
                if !peer.start_tls() {
                    return None;
                }
                continue;
            }
            "AUTH" => {
                if line.len() + 2 > 255 {
                    peer.violation("a command line longer than 255 octets");
                }
                let verdict = peer.authenticate(first.unwrap_or_default(), words.next())?;
                is_in = verdict == Verdict::In;
                said(&verdict)
            }
            "USER" => {
                line[5..].clone_into(&mut user);
                b"+OK go on\r\n".to_vec()
            }
            "PASS" => {
                let verdict = peer.login(&user, &line[5..]);
                is_in = verdict == Verdict::In;
                said(&verdict)
            }
            _ if !is_in => b"-ERR sign in first\r\n".to_vec(),
            "STAT" => {
                let bytes: usize = mails.iter().map(|m| m.bytes.len()).sum();
                format!("+OK {} {bytes}\r\n", mails.len()).into_bytes()
            }
            "LIST" => {
                let mut text = format!("+OK {} messages\r\n", mails.len());
                for (mail, n) in mails.iter().zip(1..) {
                    text += &format!("{n} {}\r\n", mail.bytes.len());
                }
                (text + ".\r\n").into_bytes()
            }
            "UIDL" => {
                let mut text = "+OK\r\n".to_owned();
                for (mail, n) in mails.iter().zip(1..) {
                    let name =
                        if mail.uidl.is_empty() { format!("u{}", mail.uid) } else { mail.uidl.clone() };
                    text += &format!("{n} {name}\r\n");
                }
                (text + ".\r\n").into_bytes()
            }
            "TOP" | "RETR" => match mail {
                Some(mail) => [b"+OK\r\n".to_vec(), stuffed(&mail.bytes)].concat(),
                None => b"-ERR no such message\r\n".to_vec(),
            },
            "QUIT" => {
                peer.answer(&verb, "", &line, b"+OK bye\r\n")?;
                return None;
            }
            _ => b"-ERR no\r\n".to_vec(),
        };
        peer.answer(&verb, "", &line, &answer)?;
    }
}

fn said(verdict: &Verdict) -> Vec<u8> {
    match verdict {
        Verdict::In => b"+OK welcome\r\n".to_vec(),
        Verdict::Out(why) => format!("-ERR [AUTH] {why}\r\n").into_bytes(),
    }
}

/// A message as it goes over the wire (RFC 1939 3).
pub(crate) fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut is_start = true;
    for (at, &byte) in message.iter().enumerate() {
        if is_start && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        is_start = message[..=at].ends_with(b"\r\n");
    }
    if !message.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
