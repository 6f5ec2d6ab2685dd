//! Real mail, read by us and by mail-parser: nothing fails, every place lies inside, and each difference is explained.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, PartType};
use mailtrail::facts::derive::{Scratch, Seen, derive};
use mailtrail::facts::{ItemFacts, Role, files};
use mailtrail::parse::header;
use mailtrail::parse::known::Known;
use mailtrail::types::Sha256Digest;

use crate::support;

fn below(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { below(&path, out) } else { out.push(path) }
    }
}

/// The messages of a file, roughly: enough to feed the reader, the splitter has tests of its own.
fn messages(data: &[u8]) -> Vec<&[u8]> {
    if !data.starts_with(b"From ") {
        return vec![data];
    }
    let mut starts: Vec<usize> = memchr::memmem::find_iter(data, b"\n\nFrom ").map(|n| n + 2).collect();
    starts.insert(0, 0);
    starts.push(data.len());
    let slices = starts.windows(2).map(|w| &data[w[0]..w[1]]);
    slices.map(|s| &s[memchr::memchr(b'\n', s).map_or(s.len(), |n| n + 1)..]).collect()
}

fn is_mail(message: &[u8]) -> bool {
    header::read(message).value.fields.iter().filter(|f| f.known != Known::Other).count() >= 2
}

fn facts_of(message: &[u8], scratch: &mut Scratch) -> Vec<(ItemFacts, usize)> {
    let mut all = Vec::new();
    derive(message, scratch, &mut |Seen { message: bytes, facts, text, .. }| {
        assert!(files::ranges_hold(bytes, &facts));
        assert!(text.stretches.iter().all(|(_, r)| text.text.get(r.clone()).is_some()));
        for file in &facts.attachments {
            assert!(files::attachment(bytes, file).is_some(), "{file:?}");
        }
        for hop in &facts.hops {
            for at in [hop.helo, hop.rdns, hop.by, hop.id, hop.with, hop.for_].into_iter().flatten() {
                assert!(hop.at.start() <= at.start() && at.end() <= hop.at.end());
            }
        }
        all.push((facts, text.text.len()));
    });
    all
}

#[test]
fn every_real_message_is_read_in_every_form() {
    let Some(corpora) = support::corpora() else { return };
    let mut paths = Vec::new();
    below(&corpora, &mut paths);
    let mut scratch = Scratch::default();
    let (mut items, mut children) = (0, 0);
    for path in &paths {
        let data = fs::read(path).unwrap();
        for message in messages(&data) {
            let whole = facts_of(message, &mut scratch);
            items += 1;
            children += whole.len() - 1;
            // Cut short: still read, and no digest of a part that stands before the cut changes.
            let cut = &message[..message.len() * 2 / 3];
            let short = facts_of(cut, &mut scratch);
            for (a, b) in whole[0].0.attachments.iter().zip(&short[0].0.attachments) {
                let before = a.at.end() + 100 < cut.len() as u64 && a.at == b.at;
                assert!(!before || a.sha256 == b.sha256, "{}", path.display());
            }
            if items % 4 == 0 && !message.contains(&b'\r') && is_mail(message) {
                let crlf: Vec<u8> = message
                    .iter()
                    .flat_map(|&b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] })
                    .collect();
                let other = facts_of(&crlf, &mut scratch);
                let names = |all: &[(ItemFacts, usize)]| -> Vec<_> {
                    all.iter()
                        .map(|(f, _)| {
                            (
                                f.subject.as_ref().map(|s| s.text.clone()),
                                f.addresses.len(),
                                f.attachments.len(),
                                f.hops.len(),
                                f.date.map(|d| d.utc),
                            )
                        })
                        .collect()
                };
                assert_eq!(names(&whole), names(&other), "{}", path.display());
            }
        }
    }
    println!("read {items} messages with {children} messages inside them, from {} files", paths.len());
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect()
}

fn theirs(message: &Message<'_>, name: &HeaderName<'static>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for h in message.headers().iter().filter(|h| h.name == *name) {
        if let HeaderValue::Address(list) = &h.value {
            let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
            out.extend(list.iter().map(|a| (text(a.name()), text(a.address()))));
        }
    }
    out
}

/// Why two readings of a text differ; `None` when nothing explains it.
fn why_text(ours: &str, theirs: &str, raw: &[u8]) -> Option<&'static str> {
    let lower = raw.to_ascii_lowercase();
    let has = |what: &[u8]| memchr::memmem::find(&lower, what).is_some();
    if theirs.contains('\u{fffd}') && !raw.is_ascii() {
        return Some("bytes over 127 without a charset: we read them as the body is, mail-parser as U+FFFD");
    }
    if has(b"iso-2022") || ours.contains('\u{fffd}') || theirs.contains('\u{fffd}') {
        return Some(
            "a character split over encoded words: we join their bytes first (RFC 2047 section 5 forbids the split)",
        );
    }
    if has(b"=?") && theirs.contains("=?") {
        return Some("an encoded word inside another word: we decode it, RFC 2047 section 5 says it is none");
    }
    if has(b"=?") && plain(ours) == plain(theirs) {
        return Some("blanks between encoded words vanish (RFC 2047 section 6.2)");
    }
    if theirs.is_empty() && !ours.is_empty() {
        return Some(
            "mail-parser reads no such field: blank first line, or a line that is no field before it",
        );
    }
    None
}

fn why_addresses(ours: &[(String, String)], theirs: &[(String, String)], raw: &[u8]) -> Option<&'static str> {
    let strip = |all: &[(String, String)]| -> Vec<String> {
        all.iter()
            .map(|(n, a)| plain(&format!("{n}{a}")).replace(['(', ')', '"', '\\'], ""))
            .filter(|t| !t.is_empty())
            .collect()
    };
    let (a, b) = (strip(ours), strip(theirs));
    if a == b {
        return Some(
            "a local name without `@` is an address (`root`), comments stay beside names, quotes stay in local parts",
        );
    }
    if ours.iter().any(|(n, a)| !n.is_empty() && a.is_empty()) && raw.contains(&b':') {
        return Some(
            "an empty group gives its name, such as `undisclosed-recipients` (RFC 5322 section 3.4)",
        );
    }
    let has = |what: &[u8]| memchr::memmem::find(raw, what).is_some();
    if has(b"<@") || has(b" .") || has(b". ") || has(b" @") {
        return Some("routes and blanks around dots are no part of an address (RFC 5322 section 4.4)");
    }
    if ours.len() > theirs.len() && ours.iter().filter(|(_, a)| a.contains('@')).count() >= ours.len() {
        return Some("several mailboxes without a comma between them are read one by one");
    }
    let held = |(n, a): &(String, String)| {
        ours.iter().any(|(_, ours)| ours.contains('@') && !a.contains('@') && n.contains(ours.as_str()))
    };
    if theirs.iter().any(held) {
        return Some(
            "the address stands beside a `<..>` that holds none: mail-parser takes what stands in it",
        );
    }
    if ours.iter().any(|(_, a)| a.split_once('@').is_some_and(|(l, h)| has(format!("{l} at {h}").as_bytes())))
    {
        return Some("an address written `user at host` is read as user@host");
    }
    if theirs.iter().any(|(_, a)| a.ends_with("&gt")) {
        return Some("the escaped brackets of a page are no part of an address");
    }
    let tidied = |(_, a): &(String, String)| a.trim_matches(['>', '<', ';', '.', '*']).to_owned();
    if ours.iter().map(|(_, a)| a.clone()).eq(theirs.iter().map(tidied)) {
        return Some("a sign behind an address is no part of it");
    }
    if theirs.iter().any(|(_, a)| a.contains(' ') || a.matches('@').count() > 1) {
        return Some("mail-parser joins a name and an address, or two addresses, into one address");
    }
    why_text(&ours.concat_text(), &theirs.concat_text(), raw)
}

trait ConcatText {
    fn concat_text(&self) -> String;
}

impl ConcatText for [(String, String)] {
    fn concat_text(&self) -> String {
        self.iter().map(|(n, a)| format!("{n} {a}")).collect::<Vec<_>>().join(", ")
    }
}

/// Differences that no rule above explains: most there may be, and what they are.
const UNEXPLAINED: (usize, &str) = (
    40,
    "fields broken by missing line ends, groups inside groups, quotes that never close: each reader stops elsewhere",
);

#[test]
fn differences_to_mail_parser_are_explained() {
    let Some(corpora) = support::corpora() else { return };
    let mut paths = Vec::new();
    below(&corpora, &mut paths);
    let mut scratch = Scratch::default();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let (mut count, mut same) = (0, 0);
    for path in &paths {
        let data = fs::read(path).unwrap();
        for message in messages(&data).into_iter().filter(|m| is_mail(m)) {
            let parsed = std::panic::catch_unwind(|| MessageParser::default().parse(message));
            let Ok(Some(parsed)) = parsed else {
                *reasons.entry("mail-parser gives nothing, or panics").or_default() += 1;
                continue;
            };
            count += 1;
            let facts = facts_of(message, &mut scratch).remove(0).0;
            let header = header::read(message).value;
            let raw = |known| header.first(known).map_or(&b""[..], |f| f.value);
            let mut clean = true;
            let mut judge = |why: Option<&'static str>, shown: &dyn Fn() -> String| {
                clean = false;
                match why {
                    Some(why) => *reasons.entry(why).or_default() += 1,
                    None => unexplained.push(format!("{}: {}", path.display(), shown())),
                }
            };
            let ours = facts.subject.as_ref().map_or("", |s| s.text.as_str());
            let other =
                parsed.header_values(HeaderName::Subject).next().and_then(|v| v.as_text()).unwrap_or("");
            let one_blank = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
            if one_blank(ours) != one_blank(other) {
                judge(why_text(ours, other, raw(Known::Subject)), &|| format!("subject {ours:?} {other:?}"));
            }
            let fields = [
                (Role::From, HeaderName::From, Known::From),
                (Role::To, HeaderName::To, Known::To),
                (Role::Cc, HeaderName::Cc, Known::Cc),
                (Role::Sender, HeaderName::Sender, Known::Sender),
                (Role::ReplyTo, HeaderName::ReplyTo, Known::ReplyTo),
            ];
            for (role, name, known) in fields {
                let ours: Vec<_> =
                    facts.in_role(role).map(|m| (one_blank(&m.name), m.address.clone())).collect();
                let other: Vec<_> =
                    theirs(&parsed, &name).into_iter().map(|(n, a)| (one_blank(&n), a)).collect();
                if ours != other {
                    judge(why_addresses(&ours, &other, raw(known)), &|| {
                        format!("{role:?} {ours:?} {other:?}")
                    });
                }
            }
            let other_files: Vec<Sha256Digest> = parsed
                .parts
                .iter()
                .filter_map(|p| match &p.body {
                    PartType::Binary(b) | PartType::InlineBinary(b) => Some(Sha256Digest::of(b)),
                    _ => None,
                })
                .collect();
            let missing =
                other_files.iter().filter(|d| !facts.attachments.iter().any(|a| a.sha256 == **d)).count();
            if missing > 0 {
                judge(why_files(&facts, &parsed), &|| {
                    format!("{missing} files, ours {:?}", facts.attachments)
                });
            }
            same += usize::from(clean);
        }
    }
    for (why, n) in &reasons {
        println!("{n:6}  {why}");
    }
    for line in &unexplained {
        println!("unexplained: {}", line.chars().take(400).collect::<String>());
    }
    println!("{count} messages, {same} the same, {} differences unexplained", unexplained.len());
    assert!(unexplained.len() <= UNEXPLAINED.0, "{} ({})", unexplained.len(), UNEXPLAINED.1);
}

fn why_files(facts: &ItemFacts, parsed: &Message<'_>) -> Option<&'static str> {
    let told = |code: &str| facts.anomalies.iter().any(|a| a.kind.code() == code);
    if told("base64-truncated") || told("base64-invalid") || told("base64-trailing") {
        return Some(
            "damaged base64: we keep every whole byte, as RFC 2045 section 6.8 asks; mail-parser keeps the raw text or drops the last group",
        );
    }
    if told("multipart-without-parts") || told("multipart-boundary-missing") || told("multipart-unterminated")
    {
        return Some("a multipart without its boundaries is text to us and a binary part to mail-parser");
    }
    if facts.attachments.iter().any(|a| a.encoding.contains("uu")) {
        return Some("x-uuencode is decoded by us only");
    }
    if facts.attachments.iter().any(|a| !matches!(a.encoding.as_str(), "base64" | "quoted-printable")) {
        return Some(
            "without an encoding the last line end before a boundary is the boundary's, earlier ones are content (RFC 2046 section 5.1.1)",
        );
    }
    if parsed.parts.iter().any(|p| matches!(p.body, PartType::Message(_) | PartType::Multipart(_))) {
        return Some(
            "a message inside the message is an item of its own, and boundary lines in mid-line are none",
        );
    }
    None
}
