//! What a client said to a mail server, from its transcript or from its sockets, held against the list of what an
//! acquisition may say. The list allows; whatever is not on it is wrong, known verb or not.

use std::collections::BTreeMap;

/// Which language is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Imap,
    /// RETR and QUIT only when the examiner asked for them.
    Pop3 {
        retr: bool,
    },
}

/// A piece of what the client said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A line without its CRLF; a transcript gives of a secret at its end only the length.
    Line(Vec<u8>, Option<usize>),
    /// A literal of IMAP.
    Literal(Vec<u8>),
}

/// One connection of a transcript.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) said: Vec<Said>,
    /// Lines of the server.
    pub(crate) heard: Vec<String>,
}

/// The connections of each run that a transcript holds, by number, with the URL that `acquisitions --transcript` writes
/// above it; a transcript without such a line is one run.
pub(crate) fn runs(transcript: &str) -> Vec<(String, BTreeMap<u32, Connection>)> {
    let mut runs: Vec<(String, BTreeMap<u32, Connection>)> = Vec::new();
    for line in transcript.lines() {
        if let Some(head) = line.strip_prefix("# event ") {
            runs.push((head.rsplit(", ").next().unwrap().to_owned(), BTreeMap::new()));
            continue;
        }
        if runs.is_empty() {
            runs.push((String::new(), BTreeMap::new()));
        }
        let mut words = line.splitn(4, ' ');
        let (number, _time) = (words.next().unwrap(), words.next().unwrap());
        let (who, text) = (words.next().unwrap(), words.next().unwrap_or_default());
        let connection = runs.last_mut().unwrap().1.entry(number.parse().expect(line)).or_default();
        match who {
            "C:" => connection.said.push(line_of(text)),
            "C+" => connection.said.push(Said::Literal(unescaped(text))),
            "S:" | "S+" => connection.heard.push(text.to_owned()),
            "S=" | "--" => {}
            _ => panic!("no line of a transcript: {line}"),
        }
    }
    runs
}

fn line_of(text: &str) -> Said {
    let secret = text
        .strip_suffix(" octets>")
        .and_then(|head| head.rsplit_once('<'))
        .and_then(|(head, count)| Some((head, count.parse().ok()?)));
    match secret {
        Some((head, count)) => Said::Line(unescaped(head), Some(count)),
        None => Said::Line(unescaped(text), None),
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once("\\x") {
        out.extend_from_slice(plain.as_bytes());
        out.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// What was said, from the bytes that left a socket.
pub(crate) fn split(language: Language, wire: &[u8]) -> Vec<Said> {
    let mut out = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 2..).unwrap_or_default();
        let literal = announced(line).filter(|_| language == Language::Imap);
        out.push(Said::Line(line.to_vec(), None));
        if let Some(count) = literal {
            let count = count.min(rest.len());
            out.push(Said::Literal(rest[..count].to_vec()));
            rest = &rest[count..];
        }
    }
    out
}

/// The length of the literal that a line announces.
fn announced(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('}')?;
    text.rsplit_once('{')?.1.trim_end_matches('+').parse().ok()
}

/// Whether the bytes of a socket are what a transcript says, byte by byte; of secrets the length.
pub(crate) fn is_same(said: &[Said], wire: &[u8]) -> bool {
    let mut rest = wire;
    for piece in said {
        let (text, secret, end): (&[u8], usize, &[u8]) = match piece {
            Said::Line(text, secret) => (text, secret.unwrap_or_default(), b"\r\n"),
            Said::Literal(text) => (text, 0, b""),
        };
        let Some(after) = rest.strip_prefix(text) else { return false };
        let Some(after) = after.get(secret..) else { return false };
        let Some(after) = after.strip_prefix(end) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// What is not on the list, as the client wrote it.
pub(crate) fn wrong(language: Language, said: &[Said]) -> Vec<String> {
    let mut out = Vec::new();
    let mut command = String::new();
    let mut shown = Vec::new();
    let mut signs_in = false;
    for piece in said {
        match piece {
            Said::Literal(bytes) => {
                command.push('S');
                shown.extend_from_slice(bytes);
                continue;
            }
            Said::Line(line, secret) => {
                shown.extend_from_slice(line);
                let literal =
                    if language == Language::Imap && secret.is_none() { announced(line) } else { None };
                let text = match literal {
                    Some(_) => &line[..line.iter().rposition(|&b| b == b'{').unwrap()],
                    None => line,
                };
                command.push_str(&skeleton(text));
                command.push_str(if secret.is_some() { "*" } else { "" });
                if literal.is_some() {
                    continue;
                }
            }
        }
        let is_reading = match language {
            Language::Imap => imap(&command),
            Language::Pop3 { retr } => pop3(&command, retr),
        };
        let is_answer = signs_in && is_response(&command);
        if !(is_reading || is_answer) {
            out.push(String::from_utf8_lossy(&shown).into_owned());
        }
        let verb = command.split(' ').nth(usize::from(language == Language::Imap)).unwrap_or_default();
        signs_in = ["AUTHENTICATE", "AUTH"].contains(&verb) || (signs_in && !is_reading);
        command.clear();
        shown.clear();
    }
    // The server refused the literal that the last command announced, or left.
    let goes_on = |rest: &str| imap(&format!("{command}{rest}"));
    if !shown.is_empty() && !["S", "S S", "S (MESSAGES)"].iter().any(|rest| goes_on(rest)) {
        out.push(String::from_utf8_lossy(&shown).into_owned());
    }
    out
}

/// The line with an `S` for each string between quotes, so that what a server named cannot look like a command.
fn skeleton(line: &[u8]) -> String {
    let mut out = String::new();
    let mut bytes = line.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'"' {
            out.push(char::from(byte));
            continue;
        }
        out.push('S');
        loop {
            match bytes.next() {
                Some(b'\\') => drop(bytes.next()),
                Some(b'"') => break,
                Some(_) => {}
                None => {
                    out.push_str(" without end");
                    break;
                }
            }
        }
    }
    out
}

/// Whether a line may be an answer to a challenge: base64, too long to be a verb of four letters, or the answer to an
/// error of OAUTHBEARER (RFC 7628 section 3.2.3); `*` for a secret or to cancel.
fn is_response(line: &str) -> bool {
    let is_coded = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    ["", "*", "AQ=="].contains(&line)
        || (line.len() >= 8 && line.len().is_multiple_of(4) && line.bytes().all(is_coded))
}

/// Mechanisms of SASL.
fn is_mechanism(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Whether each word between the parentheses of `list` passes.
fn all_in(list: &str, passes: impl Fn(&str) -> bool) -> bool {
    let Some(words) = list.strip_prefix('(').and_then(|list| list.strip_suffix(')')) else { return false };
    words.split(' ').all(passes)
}

/// Items of FETCH that are read: none that sets `\Seen`, none that makes a server begin to count changes.
fn is_item(item: &str) -> bool {
    const ITEMS: &[&str] = &[
        "UID",
        "FLAGS",
        "INTERNALDATE",
        "RFC822.SIZE",
        "EMAILID",
        "THREADID",
        "X-GM-MSGID",
        "X-GM-THRID",
        "X-GM-LABELS",
        "BODY.PEEK[]",
    ];
    let is_piece = item
        .strip_prefix("BODY.PEEK[]<")
        .and_then(|rest| rest.strip_suffix('>'))
        .and_then(|range| range.split_once('.'))
        .is_some_and(|(from, length)| is_number(from) && is_number(length));
    ITEMS.contains(&item) || is_piece
}

/// Whether a command of IMAP, its strings as `S`, changes nothing whatever the server (standards: RFC 9051 sections 6.1
/// to 6.4).
fn imap(command: &str) -> bool {
    let Some((tag, command)) = command.split_once(' ') else { return false };
    if tag.is_empty() || !tag.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    match verb {
        "CAPABILITY" | "NOOP" | "LOGOUT" | "STARTTLS" | "NAMESPACE" | "UNSELECT" => rest.is_empty(),
        "ENABLE" => rest == "UTF8=ACCEPT",
        "COMPRESS" => rest == "DEFLATE",
        "ID" => all_in(rest, |word| word == "S"),
        "LIST" => {
            let known = |word: &str| ["SUBSCRIBED", "CHILDREN", "SPECIAL-USE"].contains(&word);
            rest == "S S" || rest.strip_prefix("S S RETURN ").is_some_and(|list| all_in(list, known))
        }
        "XLIST" => rest == "S S",
        "EXAMINE" | "MYRIGHTS" | "GETQUOTAROOT" => rest == "S",
        "GETMETADATA" => rest.strip_prefix("S ").is_some_and(|rest| {
            all_in(rest, |word| word.starts_with("/private/") || word.starts_with("/shared/"))
        }),
        "STATUS" => {
            let items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE", "MAILBOXID"];
            rest.strip_prefix("S ").is_some_and(|list| all_in(list, |word| items.contains(&word)))
        }
        "UID" => {
            let fetch = rest.strip_prefix("FETCH ").and_then(|rest| rest.split_once(' '));
            let is_set = |set: &str| set.bytes().all(|b| b.is_ascii_digit() || b",:*".contains(&b));
            let is_one = rest.strip_prefix("SEARCH UID ").is_some_and(is_number);
            rest == "SEARCH ALL"
                || is_one
                || fetch.is_some_and(|(set, items)| is_set(set) && all_in(items, is_item))
        }
        "AUTHENTICATE" => {
            let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, "*"));
            is_mechanism(mechanism) && (first == "=" || is_response(first))
        }
        "LOGIN" => rest == "S *" || rest == "S S",
        _ => false,
    }
}

/// Whether a command of POP3 changes nothing on the servers we know.
fn pop3(command: &str, retr: bool) -> bool {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    match verb {
        "CAPA" | "STLS" | "STAT" | "LIST" | "UIDL" => rest.is_empty(),
        "TOP" => rest.split_once(' ').is_some_and(|(n, lines)| is_number(n) && is_number(lines)),
        "RETR" => retr && is_number(rest),
        "QUIT" => retr && rest.is_empty(),
        "AUTH" => {
            let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, "*"));
            is_mechanism(mechanism) && (first == "=" || is_response(first))
        }
        "USER" | "PASS" => !rest.is_empty(),
        _ => false,
    }
}

/// One command as a server of the tests reads it, literals taken out (`EXAMINE {5}`): whether it is on the list. The
/// cancelling of a sign-in is no command.
pub(crate) fn is_on_the_list(language: Language, line: &str) -> bool {
    if line == "*" {
        return true;
    }
    match language {
        Language::Imap => {
            let mut text = skeleton(line.as_bytes());
            while let Some((head, rest)) = text.split_once('{') {
                let Some((count, rest)) = rest.split_once('}') else { return false };
                if !is_number(count.trim_end_matches('+')) {
                    return false;
                }
                text = format!("{head}S{rest}");
            }
            imap(&text)
        }
        Language::Pop3 { retr } => pop3(line, retr),
    }
}

/// What is not on the list in a transcript, or in those of a case. `language` is for a transcript that does not name
/// its account.
pub(crate) fn wrong_in(language: Language, transcript: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (url, connections) in runs(transcript) {
        let language = match (url.is_empty(), url.starts_with("imap")) {
            (true, _) => language,
            (false, true) => Language::Imap,
            (false, false) => Language::Pop3 { retr: false },
        };
        out.extend(connections.values().flat_map(|connection| wrong(language, &connection.said)));
    }
    out
}

/// The transcripts of a case, in which something was said, and nothing but what reads.
#[track_caller]
pub(crate) fn assert_only_reads(transcript: &str) {
    only_reads_but(transcript, |_| false);
}

/// The same of an older program, which asked for subscriptions (LSUB) as well.
#[track_caller]
pub(crate) fn assert_only_read_then(transcript: &str) {
    only_reads_but(transcript, |said| said.contains(" LSUB "));
}

#[track_caller]
fn only_reads_but(transcript: &str, is_known: impl Fn(&str) -> bool) {
    let wrong = wrong_in(Language::Imap, transcript);
    let wrong: Vec<_> = wrong.into_iter().filter(|said| !is_known(said)).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let runs = runs(transcript);
    let said = runs.iter().flat_map(|(_, connections)| connections.values()).map(|one| one.said.len());
    assert!(!runs.iter().any(|(url, _)| url.is_empty()) && said.sum::<usize>() > 2, "{transcript}");
}
