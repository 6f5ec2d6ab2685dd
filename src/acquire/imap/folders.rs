//! Which folders there are, and which of them are taken.

use std::collections::HashSet;
use std::time::Duration;

use super::answer::{Answer, Kind, ListLine, Status, StatusLine, after_name};
use super::names;
use super::session::Session;
use super::verb::{Returned, Verb};
use crate::acquire::wire::WireError;
use crate::acquire::{AcquireError, Folder, Notice, Order};
use crate::types::RelPath;

/// A folder of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// Name as the server wrote it.
    pub(super) raw: Vec<u8>,
    /// Name for people.
    pub(super) name: String,
    /// Hierarchy delimiter.
    pub(super) delimiter: Option<u8>,
    /// Attributes, in byte order.
    pub(super) attributes: Vec<Vec<u8>>,
    /// Path, without an epoch.
    pub(super) path: Vec<u8>,
}

impl Mailbox {
    /// Whether it has an attribute, in any case.
    pub(super) fn is(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|a| a.eq_ignore_ascii_case(attribute.as_bytes()))
    }

    /// Whether it can be opened.
    pub(super) fn can_open(&self) -> bool {
        !self.is("\\Noselect") && !self.is("\\NonExistent")
    }

    /// The path of an epoch.
    pub(super) fn epoch(&self, uid_validity: Option<u64>) -> RelPath {
        match uid_validity {
            Some(n) => RelPath::new([self.path.as_slice(), format!(";UIDVALIDITY={n}").as_bytes()].concat()),
            None => RelPath::new(self.path.clone()),
        }
    }

    /// What is told of it, from what STATUS said.
    pub(super) fn folder(&self, status: &StatusLine) -> Folder {
        Folder {
            path: self.epoch(status.uid_validity),
            raw: self.raw.clone(),
            name: self.name.clone(),
            delimiter: self.delimiter,
            attributes: self.attributes.clone(),
            uid_validity: status.uid_validity,
            uid_next: status.uid_next,
            exists: status.messages.unwrap_or(0),
            unseen: status.unseen,
            bytes: status.size,
            mailbox_id: status.mailbox_id.clone(),
            ..Folder::default()
        }
    }

    fn comparable(&self) -> String {
        names::comparable(&self.name, self.delimiter)
    }
}

/// Waits for a list of folders that the server refuses for now: one, four and sixteen seconds.
const WAITS: u32 = 3;

/// Asks for all folders, and gives each a path of its own. In byte order of the paths as they stand in the ledger.
///
/// # Errors
/// When the connection cannot be used any more, or the list is refused.
pub(super) fn list(session: &mut Session<'_>) -> Result<Vec<Mailbox>, WireError> {
    let is_extended = session.can("LIST-EXTENDED") || session.can("IMAP4REV2");
    let special_use = session.can("SPECIAL-USE") || session.can("IMAP4REV2");
    let (mut lines, mut status) =
        lines(session, &Verb::List(is_extended.then_some(Returned { special_use })))?;
    let mut waits = 0;
    while !status.is_ok() {
        if status.is_passing() && waits < WAITS {
            // The server says that it may list another time.
            let wait = Duration::from_secs(1).saturating_mul(4u32.saturating_pow(waits));
            std::thread::sleep(wait.min(session.limits.idle));
            waits = waits.saturating_add(1);
            (lines, status) =
                self::lines(session, &Verb::List(is_extended.then_some(Returned { special_use })))?;
        } else if is_extended {
            (lines, status) = self::lines(session, &Verb::List(None))?;
            break;
        } else {
            break;
        }
    }
    if !status.is_ok() {
        return Err(WireError::Protocol(format!("the list of folders was refused: {}", status.said())));
    }
    if session.can("NAMESPACE") {
        note_namespaces(session, &lines)?;
    }
    Ok(named(session, lines))
}

/// Tells of folders of others or of all, if there are and the list does not show them.
fn note_namespaces(session: &mut Session<'_>, lines: &[ListLine]) -> Result<(), WireError> {
    let mut prefixes = Vec::new();
    session.run(&Verb::Namespace, |kind, answer| {
        if matches!(kind, Kind::Data(name) if name == b"NAMESPACE") {
            prefixes = other_prefixes(answer);
        }
        false
    })?;
    for prefix in prefixes {
        if !prefix.is_empty() && !lines.iter().any(|line| line.name.starts_with(&prefix)) {
            session.notice(
                "namespace-not-listed",
                format!(
                    "folders below `{}` are not of this account alone and are not listed",
                    shown(&prefix)
                ),
            );
        }
    }
    Ok(())
}

/// The prefixes of namespaces of other users and of all, in `* NAMESPACE own others shared` (RFC 2342 section 5).
fn other_prefixes(answer: &mut Answer) -> Vec<Vec<u8>> {
    let Some(mut scan) = after_name(answer) else { return Vec::new() };
    scan.pass();
    let mut prefixes = Vec::new();
    for _ in 0..2 {
        scan.blanks();
        if !scan.is(b'(') {
            scan.pass();
            continue;
        }
        scan.blanks();
        while scan.is(b'(') {
            prefixes.extend(scan.bytes());
            while !scan.is(b')') && scan.peek().is_some() {
                scan.blanks();
                if scan.peek() != Some(b')') {
                    scan.pass();
                }
            }
            scan.blanks();
        }
        scan.is(b')');
    }
    prefixes
}

fn lines(session: &mut Session<'_>, verb: &Verb<'_>) -> Result<(Vec<ListLine>, Status), WireError> {
    let mut lines = Vec::new();
    let mut unread = 0u64;
    let status = session.run(verb, |kind, answer| {
        if matches!(kind, Kind::Data(name) if name == b"LIST") {
            match ListLine::read(answer) {
                Some(line) => lines.push(line),
                None => unread = unread.saturating_add(1),
            }
        }
        // The list counts as one answer: its size is limited as a whole.
        false
    })?;
    if unread > 0 {
        session.notices.push(Notice {
            code: "list-line-unreadable",
            path: None,
            text: format!("{unread} lines of the list of folders could not be read"),
            is_partial: true,
        });
    }
    Ok((lines, status))
}

fn shown(raw: &[u8]) -> String {
    crate::types::text::shown(&String::from_utf8_lossy(raw))
}

/// How INBOX is written where it is listed in several ways: in capitals, else as it is written first.
fn inbox(lines: &[ListLine]) -> Option<Vec<u8>> {
    let named = || lines.iter().map(|line| &line.name).filter(|name| name.eq_ignore_ascii_case(b"INBOX"));
    named().find(|name| *name == b"INBOX").or_else(|| named().next()).cloned()
}

/// Names and paths for the lines of a list. Two lines of one folder are one folder.
fn named(session: &mut Session<'_>, lines: Vec<ListLine>) -> Vec<Mailbox> {
    let mut raws = HashSet::new();
    let mut paths = HashSet::new();
    let mut out = Vec::with_capacity(lines.len());
    let inbox = inbox(&lines);
    for line in lines {
        // INBOX in any case is one folder (RFC 3501 section 5.1).
        if line.name.eq_ignore_ascii_case(b"INBOX") && inbox.as_ref().is_some_and(|inbox| *inbox != line.name)
        {
            session.notice(
                "folder-listed-twice",
                format!(
                    "`{}` is the folder INBOX, which is listed and taken once already",
                    shown(&line.name)
                ),
            );
            continue;
        }
        if !raws.insert(line.name.clone()) {
            session
                .notice("folder-listed-twice", format!("the folder `{}` is listed twice", shown(&line.name)));
            continue;
        }
        let decoded = names::decoded(&line.name, session.names_are_utf8);
        if decoded.is_none() {
            let text =
                format!("the name of folder `{}` is broken; its raw bytes are its path", shown(&line.name));
            session.notice("folder-name-broken", text);
        }
        let mut path = decoded.as_ref().map_or_else(
            || names::raw_path(&line.name, line.delimiter),
            |name| names::path(name.as_bytes(), line.delimiter),
        );
        let name = decoded.unwrap_or_else(|| String::from_utf8_lossy(&line.name).into_owned());
        if paths.contains(&path) {
            // Another writing of the same name: told apart by its raw bytes.
            path.extend_from_slice(b";RAW=");
            path.extend_from_slice(crate::types::digest::hex(&line.name).as_bytes());
            session.notice(
                "folder-names-alike",
                format!("folder `{}` has the name of another one, written differently", shown(&line.name)),
            );
        }
        paths.insert(path.clone());
        let ListLine { name: raw, attributes, delimiter } = line;
        out.push(Mailbox { raw, name, delimiter, attributes, path });
    }
    out.sort_by(|a, b| [&a.path[..], b";"].concat().cmp(&[&b.path[..], b";"].concat()));
    out
}

/// The folders to take, and what is told of the others.
///
/// # Errors
/// [`AcquireError::NoFolder`] when the folder that the URL names is not there.
pub(super) fn choose(
    order: &Order,
    is_gmail: bool,
    all: Vec<Mailbox>,
) -> Result<(Vec<Mailbox>, Vec<Notice>), AcquireError> {
    let (mut notices, mut notices_partial) = (Vec::new(), Vec::new());
    let mut notice = |code, mailbox: &Mailbox, text: String| {
        notices.push(Notice { code, path: Some(mailbox.epoch(None)), text, is_partial: false });
    };
    let only = order.account.folder.as_deref().map(|f| f.trim_matches('/'));
    let is_named = only.is_some() || !order.choice.folders.is_empty();
    let has_all = all.iter().any(|m| m.is("\\All") && m.can_open());
    let mut taken = Vec::new();
    let mut is_met = vec![false; order.choice.folders.len()];
    for mailbox in all {
        let name = mailbox.comparable();
        let meets = |pattern: &str| {
            let pattern = names::comparable(pattern, mailbox.delimiter);
            names::matches(&pattern, &name) || names::matches(&pattern, &mailbox.name)
        };
        let is_wanted = if let Some(only) = only {
            names::comparable(only, None) == name || only == mailbox.name
        } else {
            let mut is_wanted = order.choice.folders.is_empty();
            for (pattern, met) in order.choice.folders.iter().zip(&mut is_met) {
                if meets(pattern) {
                    (is_wanted, *met) = (true, true);
                }
            }
            is_wanted
        };
        if !mailbox.can_open() {
            notice("folder-noselect", &mailbox, "it holds folders alone and cannot be opened".to_owned());
        } else if !is_wanted {
            notice("folder-excluded", &mailbox, "not among the folders to take".to_owned());
        } else if let Some(pattern) = order.choice.exclude.iter().find(|p| meets(p)) {
            notice("folder-excluded", &mailbox, format!("left by the rule `exclude {pattern}`"));
        } else if mailbox.raw.contains(&0) {
            notices_partial.push(Notice {
                code: "folder-refused",
                path: Some(mailbox.epoch(None)),
                text: "its name holds a NUL byte, so it cannot be asked for".to_owned(),
                is_partial: true,
            });
        } else if is_gmail
            && has_all
            && !is_named
            && !["\\All", "\\Junk", "\\Trash"].iter().any(|a| mailbox.is(a))
        {
            notice(
                "gmail-label",
                &mailbox,
                "a label of Gmail: its messages are in All Mail, Spam or Trash, with their labels".to_owned(),
            );
        } else {
            taken.push(mailbox);
        }
    }
    notices.append(&mut notices_partial);
    if is_gmail && !has_all && !is_named {
        notices.push(Notice {
            code: "gmail-all-mail-hidden",
            path: None,
            text: "All Mail is not shown to IMAP; labels are taken as folders, so a message may be there more than once, \
                   and mail without a label is not"
                .to_owned(),
            is_partial: true,
        });
    }
    if let Some(only) = only
        && taken.is_empty()
    {
        let (host, folder) = (order.account.host.clone(), only.to_owned());
        return Err(AcquireError::NoFolder { host, folder });
    }
    for (pattern, is_met) in order.choice.folders.iter().zip(is_met) {
        if !is_met {
            notices.push(Notice {
                code: "folder-not-found",
                path: None,
                text: format!("no folder is called `{pattern}`"),
                is_partial: true,
            });
        }
    }
    Ok((taken, notices))
}

/// Asks what STATUS tells of a folder; `None` where it is refused or not told.
///
/// # Errors
/// When the connection cannot be used any more.
pub(super) fn status(session: &mut Session<'_>, mailbox: &Mailbox) -> Result<Option<StatusLine>, WireError> {
    let tag = send_status(session, mailbox)?;
    read_status(session, &tag)
}

/// Sends STATUS alone. It never asks for SIZE (RFC 8438): Dovecot adds up the sizes then, and notes each of them in its
/// list of UIDs when somebody fetches the messages another day.
pub(super) fn send_status(session: &mut Session<'_>, mailbox: &Mailbox) -> Result<Vec<u8>, WireError> {
    let has_id = session.can("OBJECTID");
    session.send(&Verb::Status { name: &mailbox.raw, has_id })
}

/// Reads the answer to [`send_status`].
pub(super) fn read_status(session: &mut Session<'_>, tag: &[u8]) -> Result<Option<StatusLine>, WireError> {
    let mut line = None;
    let status = session.until(tag, |kind, answer| {
        if matches!(kind, Kind::Data(name) if name == b"STATUS") {
            // The name is not compared: servers answer in another writing of it. One command, one answer.
            line = StatusLine::read(answer);
        }
        false
    })?;
    Ok(line.filter(|_| status.is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquire::{Account, Choice, Credential, Limits, Scheme, Secret, Trust};

    fn mailbox(name: &str, attributes: &[&str]) -> Mailbox {
        Mailbox {
            raw: name.as_bytes().to_vec(),
            name: name.to_owned(),
            delimiter: Some(b'.'),
            attributes: attributes.iter().map(|a| a.as_bytes().to_vec()).collect(),
            path: names::path(name.as_bytes(), Some(b'.')),
        }
    }

    fn check(
        only: Option<&str>,
        folders: &[&str],
        exclude: &[&str],
        is_gmail: bool,
    ) -> (Vec<String>, Vec<&'static str>) {
        let texts = |t: &[&str]| t.iter().map(|&t| t.to_owned()).collect();
        let order = Order {
            account: Account {
                scheme: Scheme::Imaps,
                user: "u".into(),
                host: "h".into(),
                port: 1,
                folder: only.map(str::to_owned),
            },
            trust: Trust::default(),
            credential: Credential::Password(Secret::default()),
            renewal: None,
            mechanisms: vec![],
            choice: Choice { folders: texts(folders), exclude: texts(exclude), ..Choice::default() },
            connections: 1,
            list_only: false,
            refetch: false,
            retr: false,
            quit: false,
            limits: Limits::default(),
        };
        let all = vec![
            mailbox("INBOX", &[]),
            mailbox("INBOX.Sent", &["\\Sent"]),
            mailbox("Up", &["\\Noselect"]),
            mailbox("All", &["\\all"]),
            mailbox("Junk", &["\\Junk"]),
        ];
        match choose(&order, is_gmail, all) {
            Ok((taken, notices)) => {
                (taken.into_iter().map(|m| m.name).collect(), notices.into_iter().map(|n| n.code).collect())
            }
            Err(_) => (vec![], vec!["error"]),
        }
    }

    #[test]
    fn folders_are_taken_as_the_examiner_says() {
        assert_eq!(check(None, &[], &[], false).0, ["INBOX", "INBOX.Sent", "All", "Junk"]);
        assert_eq!(check(None, &["inbox*"], &[], false).0, ["INBOX", "INBOX.Sent"]);
        assert_eq!(check(None, &["INBOX/Sent"], &[], false).0, ["INBOX.Sent"]);
        assert_eq!(check(None, &[], &["J*", "All"], false).0, ["INBOX", "INBOX.Sent"]);
        assert_eq!(check(Some("INBOX/Sent/"), &[], &[], false).0, ["INBOX.Sent"]);
        assert_eq!(check(Some("Nowhere"), &[], &[], false).1, ["error"]);
        assert!(check(None, &["Nowhere"], &[], false).1.contains(&"folder-not-found"));
    }

    #[test]
    fn namespaces_of_others_are_found() {
        let prefixes = |text: &str| {
            let mut answer = Answer { text: text.as_bytes().to_vec(), literals: Vec::new() };
            other_prefixes(&mut answer)
        };
        let text = "* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\")) ((\"#shared/\" \"/\" \"X\" (\"a\"))(\"#ftp/\" \"/\"))";
        assert_eq!(prefixes(text), [b"~".to_vec(), b"#shared/".to_vec(), b"#ftp/".to_vec()]);
        assert!(prefixes("* NAMESPACE ((\"\" \".\")) NIL NIL").is_empty());
        assert!(prefixes("* NAMESPACE (((((").is_empty());
    }

    #[test]
    fn gmail_is_taken_by_all_mail_spam_and_trash() {
        let (taken, notices) = check(None, &[], &[], true);
        assert_eq!(taken, ["All", "Junk"]);
        assert_eq!(notices.iter().filter(|n| **n == "gmail-label").count(), 2);
        assert_eq!(check(None, &["INBOX"], &[], true).0, ["INBOX"]);
        let (taken, notices) = check(None, &[], &["All"], true);
        assert!(taken == ["Junk"] && !notices.contains(&"gmail-all-mail-hidden"));
    }
}
