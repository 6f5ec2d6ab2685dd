//! Tells whether text begins with the header block of a message, by the names of its fields.

use super::drive::lines;

/// Field names that mail has and other texts seldom have.
const MAIL: &[&str] = &[
    "apparently-to",
    "arc-authentication-results",
    "arc-message-signature",
    "arc-seal",
    "authentication-results",
    "auto-submitted",
    "bcc",
    "cc",
    "content-transfer-encoding",
    "delivered-to",
    "delivery-date",
    "disposition-notification-to",
    "dkim-signature",
    "domainkey-signature",
    "envelope-to",
    "errors-to",
    "feedback-id",
    "from",
    "in-reply-to",
    "list-id",
    "list-post",
    "list-unsubscribe",
    "mail-followup-to",
    "mailing-list",
    "message-id",
    "mime-version",
    "newsgroups",
    "original-recipient",
    "precedence",
    "received",
    "received-spf",
    "references",
    "reply-to",
    "resent-date",
    "resent-from",
    "resent-message-id",
    "resent-sender",
    "resent-to",
    "return-path",
    "return-receipt-to",
    "sender",
    "subject",
    "thread-index",
    "thread-topic",
    "to",
    "user-agent",
    "x-mailer",
    "x-mimeole",
    "x-original-to",
    "x-priority",
    "x-mozilla-status",
    "x-uidl",
    "xref",
];

/// Field names that mail shares with HTTP and with other texts.
const SHARED: &[&str] = &[
    "comments",
    "content-description",
    "content-disposition",
    "content-id",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "expires",
    "importance",
    "keywords",
    "lines",
    "organization",
    "path",
    "priority",
    "status",
];

/// Field names of mail that only programs write.
const MACHINE: &[&str] = &[
    "arc-seal",
    "authentication-results",
    "delivered-to",
    "dkim-signature",
    "message-id",
    "mime-version",
    "received",
    "return-path",
    "x-mailer",
];

/// Lines between the fields that are tolerated.
const MAX_ODD: usize = 3;

/// Least bytes of a header block that is taken for one though its end is not there.
const LONG: usize = 128 * 1024;

/// Longest field name looked up.
const MAX_NAME: usize = 64;

/// What stands at the start of some text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Fields seen.
    pub fields: usize,
    /// Fields of names that mail has, the same name counted once for each table.
    pub mail: usize,
    /// Fields of names that mail shares with other texts.
    pub shared: usize,
    /// Fields that name an author, a path or an id: `From`, `Received`, `Return-Path`, `Date`, `Message-ID`.
    pub trace: usize,
    /// Fields that only programs write: `Received`, `Message-ID`, `MIME-Version`, `Return-Path` and such.
    pub machine: usize,
    /// Lines that are neither field nor continuation.
    pub odd: usize,
    /// Whether what stands before the first of them is a header block by itself.
    pub sure: bool,
    /// Fields of which the name has no upper-case letter.
    pub lower: usize,
    /// Whether one of the fields is a `Content-Type` with a type in it.
    pub content: bool,
    /// Whether an empty line, or the end of the text, follows the fields.
    pub ended: bool,
    /// Whether the text stops before the header block does.
    pub is_cut: bool,
}

impl Look {
    /// Whether this is the header block of a message.
    ///
    /// One name of mail is enough where the block ends as it should and the name is written as mail writes it;
    /// otherwise it takes two names, or one name over and over that only programs write: a message may begin with more
    /// `Received` fields than are looked at. A block of `Content-` fields alone is a part of a message, and read as
    /// one.
    pub(super) fn is_mail(&self) -> bool {
        let named = self.mail.saturating_add(self.shared);
        if self.odd > 0 {
            return self.sure;
        }
        if self.machine >= 8 && self.machine.saturating_mul(2) >= self.fields {
            return true;
        }
        if self.mail == 0 {
            return self.ended && self.content && self.shared == self.fields;
        }
        let written = self.lower < self.fields;
        // What goes on for as much as is looked at is no sentence with a colon.
        if self.is_cut && written {
            return true;
        }
        if self.ended {
            (written || named >= 3) && named.saturating_mul(4) >= self.fields.min(8)
        } else {
            named >= 2 && written
        }
    }

    /// Whether this is a header block with lines in it that do not belong there. It takes a field that only programs
    /// write: people quote the others in texts.
    pub(super) fn is_damaged_mail(&self) -> bool {
        self.machine > 0 && self.mail >= 3 && self.odd.saturating_mul(2) <= self.fields
    }

    /// Whether this is, beyond doubt, the header block of a message that was on its way.
    pub(super) fn is_sent_mail(&self) -> bool {
        self.trace >= 2 && self.mail.saturating_add(self.shared) >= 3
    }
}

/// The name of the field that `line` begins, without blanks before the colon; `None` when it begins none.
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(256).position(|&b| b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| (33..=126).contains(b))).then_some(name)
}

/// The text behind a first line that holds nothing but blanks.
pub(super) fn skip_blank_line(text: &[u8]) -> &[u8] {
    match lines(text).next() {
        Some((range, next)) if text.get(range.clone()).is_some_and(|line| line.trim_ascii().is_empty()) => {
            text.get(next..).unwrap_or_default()
        }
        _ => text,
    }
}

/// Looks at the start of `text`; `whole` says that there is nothing after it.
pub(super) fn look(text: &[u8], whole: bool) -> Look {
    let mut look = Look::default();
    let mut seen = 0u128;
    for (number, (range, next)) in lines(text).enumerate() {
        let line = text.get(range).unwrap_or_default();
        if line.is_empty() {
            look.ended = look.fields > 0;
            return look;
        }
        if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) && number > 0 {
            continue;
        }
        // Old delivery programs put the sender of the envelope, quoted, first.
        if number == 0 && line.starts_with(b">From ") {
            continue;
        }
        match field_name(line.trim_ascii_start()) {
            Some(name) => {
                look.fields = look.fields.saturating_add(1);
                count(&mut look, &mut seen, name, line);
            }
            // A line that is cut off may be a field.
            None if next == text.len() && !whole && !text.ends_with(b"\n") => {}
            None if look.odd < MAX_ODD => {
                look.sure |= look.odd == 0 && look.is_mail();
                look.odd = look.odd.saturating_add(1);
            }
            None => return look,
        }
        if next == text.len() && whole {
            look.ended = true;
        }
    }
    look.is_cut = !whole && look.fields > 0 && look.odd == 0 && text.len() >= LONG;
    look
}

fn count(look: &mut Look, seen: &mut u128, name: &[u8], line: &[u8]) {
    if !name.iter().any(u8::is_ascii_uppercase) {
        look.lower = look.lower.saturating_add(1);
    }
    if name.len() > MAX_NAME {
        return;
    }
    let known = |table: &[&str]| table.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    if let Some(place) = known(MAIL) {
        let bit = 1u128.checked_shl(u32::try_from(place).unwrap_or(127)).unwrap_or(0);
        look.mail = look.mail.saturating_add(usize::from(*seen & bit == 0));
        let traces: [&[u8]; 4] = [b"from", b"received", b"return-path", b"message-id"];
        if *seen & bit == 0 && traces.iter().any(|t| name.eq_ignore_ascii_case(t)) {
            look.trace = look.trace.saturating_add(1);
        }
        if MACHINE.iter().any(|m| name.eq_ignore_ascii_case(m.as_bytes())) {
            look.machine = look.machine.saturating_add(1);
        }
        *seen |= bit;
    } else if known(SHARED).is_some() {
        look.shared = look.shared.saturating_add(1);
        if name.eq_ignore_ascii_case(b"date") {
            look.trace = look.trace.saturating_add(1);
        }
        look.content |= name.eq_ignore_ascii_case(b"content-type") && line.contains(&b'/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        let look = look(text.as_bytes(), true);
        assert_eq!(look.is_mail() || look.is_damaged_mail(), expected, "{text}");
    }

    #[test]
    fn header_blocks_of_mail_are_known() {
        check("From: a@example.org\nTo: b@example.org\n\nHi\n", true);
        check("Subject: hi\n\nHi\n", true);
        check("Return-Path: <>\r\nReceived: from x\r\n\tby y\r\n", true);
        check("Content-Type: text/plain\n\nHi\n", true);
        check("Mail content:\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0\n\n", true);
        check(" From: a@example.org\nSubject: x\n\n", true);
        check(&"Received: from x by y; z\n".repeat(500), true);
        check(">From a Mon\nReceived: from x\nDate: y\n\n", true);
    }

    #[test]
    fn other_texts_with_colons_are_not() {
        check("Note: call Bob\n\nthen go home\n", false);
        check("Package: x\nVersion: 1\nDescription: y\n\n", false);
        check("{\"from\": 1}\n", false);
        check("name: x\nfrom: y\nversion: 3\n", false);
        check("HTTP/1.1 200 OK\nDate: x\nContent-Type: text/html\n\n", false);
        check("Nov 20 08:15:04 host postfix/smtpd[1]: connect from x\n", false);
        check("Date: tomorrow\n\nbuy milk\n", false);
        check("-----Original Message-----\nFrom: Bob\nSent: today\nTo: Eve\nSubject: x\n\nHi\n", false);
        check("Dear all,\n\nFrom: now on\n", false);
    }
}
