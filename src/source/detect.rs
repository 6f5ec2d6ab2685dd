//! Tells what a file is by its content; names only where they are the format (Maildir, MH).

use super::drive::lines;
use super::maildir::{Role, is_unique};
use super::{Kind, fromline, look, mmdf};

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The kind of the container.
    pub kind: &'static str,
    /// Why it is not processed: a code of [`crate::types::record::REASONS`].
    pub reason: Option<&'static str>,
    /// What else the bytes can be read as.
    pub other: Option<&'static str>,
}

const fn is(kind: &'static str) -> Verdict {
    Verdict { kind, reason: None, other: None }
}

const fn not(reason: &'static str) -> Verdict {
    Verdict { kind: "other", reason: Some(reason), other: None }
}

/// Bytes looked at, from the start of the file.
pub(super) const HEAD: usize = 256 * 1024;

/// Most of them, for a file that begins with a header block which does not end before [`HEAD`].
pub(super) const MOST: usize = 16 << 20;

/// Whether `head` begins with a header block of which more is needed to tell whether it is that of a message.
pub(super) fn is_undecided(head: &[u8]) -> bool {
    let look = look::look(head, false);
    is_text(head) && look.is_cut && !look.is_mail()
}

/// Length of the UTF-8 byte order mark that `text` begins with.
pub(super) fn bom(text: &[u8]) -> usize {
    if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Whether `text` begins with a `From ` line that is a separator: by its date, or by the header field after it.
pub(super) fn begins_with_from(text: &[u8]) -> bool {
    let mut lines = lines(text);
    let mut line = || lines.next().and_then(|(range, _)| text.get(range)).unwrap_or_default();
    let first = line();
    // `From : a@example.org` is a header field of the old syntax.
    let fits = first.len() <= fromline::MAX_LINE && !is_from_field(first);
    first.starts_with(b"From ") && fits && (fromline::is_dated(first) || look::field_name(line()).is_some())
}

/// Whether the line is the header field `From`, with blanks before its colon.
pub(super) fn is_from_field(line: &[u8]) -> bool {
    look::field_name(line) == Some(b"From")
}

/// What a file is, from its first bytes; `whole` says that there are no others.
pub(super) fn detect(head: &[u8], whole: bool, role: Role, name: &[u8], forced: Kind) -> Verdict {
    if head.is_empty() {
        return not("empty");
    }
    let Some(marked) = archive(head).or_else(|| (forced == Kind::Auto).then(|| magic(head)).flatten()) else {
        return if forced == Kind::Auto { text(head, whole, role, name) } else { is(forced.code()) };
    };
    // A mark that is text can stand at the start of a message: in the name of its first field, or further down.
    if !begins_as_mail(head, whole, role) {
        return marked;
    }
    let read = if forced == Kind::Auto { text(head, whole, role, name) } else { is(forced.code()) };
    Verdict { other: Some(marked.reason.unwrap_or(marked.kind)), ..read }
}

/// Whether a file with the mark of another kind begins as a message does. Headers of archives hold NULs.
fn begins_as_mail(head: &[u8], whole: bool, role: Role) -> bool {
    let start = head.get(..head.len().min(512)).unwrap_or_default();
    (role != Role::None || memchr::memchr(0, start).is_none())
        && (begins_with_from(head) || look::look(head, whole).is_mail())
}

fn archive(head: &[u8]) -> Option<Verdict> {
    let kind = match head {
        [0x1f, 0x8b, 8, ..] => "gzip",
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => "bzip2",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if begins_with_skippable_frames(head) => "zstd",
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            let olm =
                head.get(30..).is_some_and(|n| n.starts_with(b"Local/") || n.starts_with(b"Categories.xml"));
            return Some(if olm { not("unsupported-olm") } else { is("zip") });
        }
        _ if is_tar(head) => "tar",
        _ => return None,
    };
    Some(is(kind))
}

/// Whether a zstd frame, or the end of what is looked at, follows frames that hold no data (RFC 8878 section 3.1.2).
fn begins_with_skippable_frames(mut head: &[u8]) -> bool {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = head {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        match usize::try_from(length).ok().and_then(|length| rest.get(length..)) {
            Some(next) => head = next,
            None => return true,
        }
    }
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// A tar header: the sum of its bytes, with blanks for the sum itself, is the number that it holds.
fn is_tar(head: &[u8]) -> bool {
    let Some((header, _)) = head.split_at_checked(512) else { return false };
    let Some(field) = header.get(148..156) else { return false };
    let digits = field.trim_ascii_start();
    let digits = digits.get(..digits.iter().take_while(|b| b.is_ascii_digit()).count()).unwrap_or_default();
    let Some(told) = std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, 8).ok()) else {
        return false;
    };
    let sum = header.iter().enumerate().fold(0u32, |sum, (at, &b)| {
        sum.saturating_add(u32::from(if (148..156).contains(&at) { b' ' } else { b }))
    });
    // A block of zeros sums to 256 and holds no digits.
    sum == told && header.first().is_some_and(|&b| b != 0)
}

fn magic(head: &[u8]) -> Option<Verdict> {
    let reason = match head {
        [b'!', b'B', b'D', b'N', ..] => "unsupported-pst",
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => "unsupported-msg",
        [0x78, 0x9f, 0x3e, 0x22, ..] => "unsupported-tnef",
        [0xcf, 0xad, 0x12, 0xfe, ..] => "unsupported-dbx",
        [b'J', b'M', b'F', b'6', ..] => "unsupported-oe4",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "unsupported-utf16",
        _ if head.starts_with(b"-----BEGIN PGP MESSAGE-----") => "encrypted",
        _ if is_utf16(head) => "unsupported-utf16",
        _ if is_emlx(head) => "unsupported-emlx",
        _ => return None,
    };
    Some(not(reason))
}

/// Mail in UTF-16 without a mark: every other byte is NUL, and what is left looks like mail.
fn is_utf16(head: &[u8]) -> bool {
    if !matches!(head, [0, b, ..] | [b, 0, ..] if *b != 0) {
        return false;
    }
    let sample = head.get(..head.len().min(8192)).unwrap_or_default();
    for nul in [0usize, 1] {
        let (nuls, text): (Vec<_>, Vec<_>) =
            sample.iter().copied().enumerate().partition(|(at, _)| at % 2 == nul);
        if sample.len() >= 16 && nuls.iter().all(|(_, b)| *b == 0) && text.iter().all(|(_, b)| *b != 0) {
            let text: Vec<u8> = text.into_iter().map(|(_, b)| b).collect();
            return begins_with_from(&text) || look::look(&text, false).is_mail();
        }
    }
    false
}

/// A line with a count of bytes, then a header block.
fn is_emlx(head: &[u8]) -> bool {
    let Some((range, next)) = lines(head).next() else { return false };
    let count = head.get(range).unwrap_or_default().trim_ascii_end();
    (1..=12).contains(&count.len())
        && count.iter().all(u8::is_ascii_digit)
        && look::look(head.get(next..).unwrap_or_default(), false).is_mail()
}

fn text(head: &[u8], whole: bool, role: Role, name: &[u8]) -> Verdict {
    if mmdf::mark(head).is_some_and(|length| head.len() > length) {
        return is("mmdf");
    }
    let bom = bom(head);
    let blank = head.iter().skip(bom).take_while(|b| matches!(b, b'\n' | b'\r')).count();
    let text = head.get(bom.saturating_add(blank)..).unwrap_or_default();
    let from = begins_with_from(text);
    // Pages that show the source of a message put a line of blanks before it.
    let text = look::skip_blank_line(text);
    let look = look::look(text, whole);
    let mail = look.is_mail();
    if is_cr_only(head) {
        let lf: Vec<u8> = head.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect();
        let text = lf.trim_ascii_start();
        if begins_with_from(text) || look::look(text, whole).is_mail() {
            return not("unsupported-cr");
        }
    }
    match role {
        Role::Maildir { .. } if from || mail || (is_unique(name) && is_text(head)) => return is("maildir"),
        Role::Mh { marked } if mail || (from && marked) => return is("mh"),
        _ => {}
    }
    if from {
        return is("mbox");
    }
    if mail {
        return is(if hides_mbox(text) { "mbox" } else { "eml" });
    }
    if is_mbox_inside(head) {
        return is("mbox");
    }
    if look.is_damaged_mail() {
        return is(match role {
            Role::Maildir { .. } => "maildir",
            Role::Mh { .. } => "mh",
            Role::None => "eml",
        });
    }
    not(if is_state(head, name) { "mailbox-state" } else { "not-mail" })
}

fn is_cr_only(head: &[u8]) -> bool {
    memchr::memchr(b'\r', head).is_some() && memchr::memchr(b'\n', head).is_none()
}

/// Text in any charset that ASCII is a part of: no NUL in its first bytes.
fn is_text(head: &[u8]) -> bool {
    memchr::memchr(0, head.get(..head.len().min(4096)).unwrap_or_default()).is_none()
}

/// Whether a mailbox that lost its first separator begins with this header block: later, outside of any multipart,
/// an empty line and a full separator stand before the header block of another message that was on its way.
fn hides_mbox(text: &[u8]) -> bool {
    let header = text.get(..end_of_header(text)).unwrap_or_default();
    let multipart = memchr::memmem::find(&header.to_ascii_lowercase(), b"multipart/").is_some();
    !multipart
        && separators(text)
            .any(|(at, after)| after_blank(text, at) && look::look(after, false).is_sent_mail())
}

fn end_of_header(text: &[u8]) -> usize {
    lines(text).find(|(range, _)| range.is_empty()).map_or(text.len(), |(range, _)| range.start)
}

/// Whether an mbox begins after bytes that are no mail. Texts that show a mailbox, such as programs and pages, are
/// told by how they begin.
fn is_mbox_inside(head: &[u8]) -> bool {
    const SHOWS: [&[u8]; 9] = [b"#", b"<", b"{", b"[", b"/*", b"//", b"%", b"use ", b"import "];
    let start = head.trim_ascii_start();
    if SHOWS.iter().any(|s| start.starts_with(s)) {
        return false;
    }
    separators(head).any(|(_, after)| {
        let look = look::look(after, false);
        look.is_mail() && look.mail >= 2
    })
}

fn after_blank(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
}

/// Full separators at line starts, or after NULs: where they stand, and what comes after them.
fn separators(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    memchr::memmem::find_iter(text, b"From ").filter_map(|at| {
        let before = text.get(at.checked_sub(1)?)?;
        let rest = text.get(at..)?;
        let (range, next) = lines(rest).next()?;
        let line = rest.get(range)?;
        let full = matches!(before, b'\n' | 0) && fromline::is_dated(line) && !fromline::is_git(line);
        full.then(|| (at, rest.get(next..).unwrap_or_default()))
    })
}

/// Files in which mail programs keep the state of a mailbox: told by content, or by the names that they must have.
fn is_state(head: &[u8], name: &[u8]) -> bool {
    const NAMES: [&[u8]; 12] = [
        b"dovecot-uidlist",
        b"dovecot-uidvalidity",
        b"dovecot-keywords",
        b"dovecot.mailbox.log",
        b"subscriptions",
        b".subscriptions",
        b".mh_sequences",
        b".xmhcache",
        b"maildirsize",
        b"maildirfolder",
        b"courierimapuiddb",
        b"courierimapsubscribed",
    ];
    NAMES.contains(&name)
        || name.starts_with(b"dovecot.index")
        || name.starts_with(b"dovecot.list.index")
        || name.starts_with(b"dovecot-uidvalidity.")
        || head.starts_with(b"// <!-- <mdb:mork:z")
}

#[cfg(test)]
mod tests;
