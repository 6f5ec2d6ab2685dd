//! Containers of real mail: every byte in one range, and items where the expected results say, or a reason why not.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use mailtrail::source::{Close, Cut, Event, Long, Open, Options, list, read};
use mailtrail::types::digest::Sha256Stream;
use mailtrail::types::{AnomalyKind, RelPath, Sha256Digest};

use crate::support::{corpora, corpus};

/// An item: first byte of its separator, first and last of its body, just past its terminator; and what was odd.
struct Item {
    open: u64,
    start: u64,
    end: u64,
    close: u64,
    notes: Vec<AnomalyKind>,
}

/// A container, with the bytes of its ranges put together again.
struct Container {
    open: Open,
    close: Close,
    items: Vec<Item>,
    bytes: Vec<u8>,
}

impl Container {
    fn body(&self, n: usize) -> &[u8] {
        let item = &self.items[n];
        &self.bytes[usize::try_from(item.start).unwrap()..usize::try_from(item.end).unwrap()]
    }

    fn kind(&self) -> &'static str {
        match (self.open.kind, self.close.reason) {
            ("other", Some(reason)) => reason,
            (kind, _) => kind,
        }
    }
}

/// Reads a folder or file and checks the books of each container.
fn containers(root: &Path) -> Vec<Container> {
    let listing = list(root).unwrap();
    let mut done = Vec::new();
    let mut now: Option<(Open, Vec<Item>, Vec<u8>)> = None;
    let mut sink = |event| {
        match event {
            Event::Entry(_) | Event::Long(Long::Start { .. } | Long::End { .. }) => {}
            Event::Open(open) => now = Some((open, Vec::new(), Vec::new())),
            Event::Bytes(b) => {
                let (_, items, bytes) = now.as_mut().unwrap();
                assert_eq!(b.base, bytes.len() as u64);
                let mut at = 0;
                for cut in b.cuts {
                    let place = |p: usize| b.base + p as u64;
                    match cut {
                        Cut::Item { separator, body, terminator, notes, .. } => {
                            assert_eq!(
                                (separator.start, separator.end, body.end),
                                (at, body.start, terminator.start)
                            );
                            at = terminator.end;
                            items.push(Item {
                                open: place(separator.start),
                                start: place(body.start),
                                end: place(body.end),
                                close: place(terminator.end),
                                notes: notes.iter().map(|n| n.kind).collect(),
                            });
                        }
                        Cut::Gap { range, .. } => {
                            assert_eq!(range.start, at);
                            at = range.end;
                        }
                    }
                }
                assert_eq!(at, b.data.len());
                bytes.extend_from_slice(&b.data);
            }
            Event::Long(Long::Part(part)) => now.as_mut().unwrap().2.extend_from_slice(&part),
            Event::Close(close) => {
                let (open, items, bytes) = now.take().unwrap();
                assert_eq!((close.items, close.size), (items.len() as u64, bytes.len() as u64));
                if let Some(sha256) = close.sha256 {
                    assert_eq!(sha256, Sha256Digest::of(&bytes));
                } else {
                    assert_eq!(
                        (items.len(), items[0].open, items[0].start, items[0].end),
                        (1, 0, 0, close.size)
                    );
                }
                done.push(Container { open, close, items, bytes });
            }
        }
        ControlFlow::Continue(())
    };
    read(&listing, &Options::default(), &mut sink).unwrap();
    done
}

fn named<'a>(all: &'a [Container], path: &str) -> &'a Container {
    all.iter().find(|c| c.open.path.as_bytes() == path.as_bytes()).unwrap()
}

#[test]
fn mboxes_with_known_offsets_are_cut_at_these_offsets() {
    let Some(dir) = corpus("coppit-mbox-messageparser") else { return };
    // Our separators beyond the expected ones, with the reason.
    let attached =
        "second message of an attached mailbox: a full separator after an empty line, nothing announces it";
    let more: BTreeMap<&str, (&[u64], &str)> = [("mailarc-3", (&[30820u64][..], attached))].into();
    // Full separators before header blocks, without an empty line before them: the expected results merge these.
    let inferred: BTreeMap<&str, usize> =
        [("mailarc-1", 1), ("mailarc-1-dos", 1), ("mailarc-3", 1), ("malformed", 51)].into();
    let all = containers(&dir.join("mailboxes"));
    let mut seen = 0;
    for entry in fs::read_dir(dir.join("results")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(mailbox) = name.strip_prefix("offset_").and_then(|n| n.strip_suffix(".stdout")) else {
            continue;
        };
        let numbers = |kind: &str| -> Vec<u64> {
            let text = fs::read_to_string(dir.join(format!("results/{kind}_{mailbox}.stdout"))).unwrap();
            text.lines().map(|l| l.parse().unwrap()).collect()
        };
        let container = named(&all, &format!("{mailbox}.txt"));
        let (extra, _) = more.get(mailbox).copied().unwrap_or_default();
        let is_inferred = |item: &Item| item.notes.contains(&AnomalyKind::SeparatorInferred);
        let count = container.items.iter().filter(|i| is_inferred(i)).count();
        assert_eq!(count, inferred.get(mailbox).copied().unwrap_or(0), "{mailbox}");
        let kept: Vec<&Item> =
            container.items.iter().filter(|i| !extra.contains(&i.open) && !is_inferred(i)).collect();
        let offsets: Vec<u64> = kept.iter().map(|i| i.open).collect();
        assert_eq!(offsets, numbers("offset"), "{mailbox}");
        assert_eq!(kept.len() + extra.len() + count, container.items.len(), "{mailbox}");
        let ends = offsets.iter().skip(1).copied().chain([container.close.size]);
        let lengths: Vec<u64> = offsets.iter().zip(ends).map(|(a, b)| b - a).collect();
        assert_eq!(lengths, numbers("length"), "{mailbox}");
        seen += 1;
    }
    println!("{seen} mailboxes, offsets and lengths as expected; listed differences: {more:?}");
    assert_eq!(seen, 11);
}

#[test]
fn an_mbox_gives_the_messages_that_stand_beside_it() {
    let Some(dir) = corpus("apache-mime4j") else { return };
    let dir = dir.join("mbox/test-1");
    let all = containers(&dir.join("mbox.rlug"));
    assert_eq!(all[0].items.len(), 5);
    for n in 0..5 {
        let expected = fs::read(dir.join(format!("mbox.rlug-{n}"))).unwrap();
        // The expected files hold the empty line that ends the message in the mailbox.
        assert_eq!([all[0].body(n), b"\n"].concat(), expected, "{n}");
        assert_eq!(all[0].items[n].close - all[0].items[n].end, 1, "{n}");
    }
}

#[test]
fn content_length_is_believed_only_where_it_does_not_lie() {
    let Some(dir) = corpus("email-folder-rjbs") else { return };
    let all = containers(&dir);
    for (name, items) in
        [("mboxcl2", 3), ("mboxcl2.lies", 3), ("mboxcl3", 2), ("testmbox", 10), ("testmbox.dos", 10)]
    {
        assert_eq!(named(&all, &format!("mboxes/{name}")).items.len(), items, "{name}");
    }
    assert_eq!(named(&all, "mboxes/testmbox.mac").close.reason, Some("unsupported-cr"));
    assert_eq!(named(&all, "mboxes/testmbox.empty").close.reason, Some("empty"));
    let lies = named(&all, "mboxes/mboxcl2.lies");
    assert!(lies.items.iter().any(|i| i.notes.contains(&AnomalyKind::ContentLengthWrong)));
    let (honest, lies) = (named(&all, "mboxes/mboxcl2"), lies);
    for n in 0..3 {
        assert_eq!((honest.items[n].start, honest.items[n].end), (lies.items[n].start, lies.items[n].end));
    }
    let count = |kind: &str| all.iter().filter(|c| c.open.kind == kind).count();
    assert_eq!((count("maildir"), count("mh")), (11, 4));
    let undelivered = named(&all, "testmaildir/tmp/1050314226.9981_8.penfold");
    assert_eq!(undelivered.items[0].notes, [AnomalyKind::Undelivered]);
}

#[test]
fn the_same_messages_in_mbox_mmdf_and_compressed_are_the_same_items() {
    let Some(dir) = corpus("mairix") else { return };
    let all = containers(&dir.join("messages"));
    let bodies = |path: &str| -> Vec<String> {
        let inside = |c: &&Container| c.open.path.display().starts_with(path) && !c.items.is_empty();
        let mut found = Vec::new();
        for container in all.iter().filter(inside) {
            for n in 0..container.items.len() {
                // Fields that the programs which wrote the containers added or took away.
                let text = String::from_utf8_lossy(container.body(n)).into_owned();
                let kept = text.lines().filter(|l| {
                    !["Status:", "X-Status:", "Content-Length:", "Lines:", "X-Keywords:", "X-UID:"]
                        .iter()
                        .any(|name| l.starts_with(name))
                });
                found.push(kept.collect::<Vec<_>>().join("\n"));
            }
        }
        found.sort();
        found
    };
    let mbox = bodies("mbox/animals");
    assert_eq!(mbox.len(), 3 * 2, "plain, gzip and xz");
    assert!(mbox.chunks(3).all(|same| same.iter().all(|b| b == &same[0])));
    let mbox: Vec<String> = mbox.into_iter().step_by(3).collect();
    assert_eq!(bodies("mmdf/animals").len(), 2);
    for (a, b) in bodies("mmdf/animals").iter().zip(&mbox) {
        let body = |text: &str| text.split_once("\n\n").map(|(_, b)| b.trim_end().to_owned());
        assert_eq!(body(a), body(b));
    }
    // The MH folder and the Maildir hold other messages of the same thread.
    assert_eq!((bodies("mh/animals/").len(), bodies("maildir/animals/").len()), (2, 3));
}

#[test]
fn exports_of_gmail_hold_as_many_messages_as_their_lists_say() {
    let Some(dir) = corpus("got-your-back-samples") else { return };
    let all = containers(&dir.join("samples"));
    let vault = all.iter().find(|c| c.open.path.display().ends_with("_0.mbox")).unwrap();
    assert_eq!(vault.items.len(), 53);
    let takeout = named(&all, "google-takeout/takeout.mbox");
    let lines = takeout.bytes.windows(6).filter(|w| *w == b"\nFrom ").count() + 1;
    assert_eq!(takeout.items.len(), lines);
    let mboxes: usize = all.iter().filter(|c| c.open.kind == "mbox").map(|c| c.items.len()).sum();
    // 156 of them behind empty lines; two more of git's own sample, whose messages end without one.
    assert_eq!(mboxes, 158);
}

/// Where our kinds differ from those that the collector of the mail counted, and why.
const REASONS: &[(&str, &str)] = &[
    (
        "unsupported-cr",
        "CR-only files are listed as such; the collector counted some as mbox and some as other",
    ),
    ("mmdf", "MMDF mailboxes: the collector has no such kind"),
    (
        "eml",
        "header blocks with one or two fields, `Content-` fields alone, or odd lines in them are mail for us",
    ),
    ("unsupported-olm", "OLM files are zip files for the collector"),
];

#[test]
fn every_byte_of_every_corpus_is_in_one_range() {
    let Some(dir) = corpora() else { return };
    println!(
        "kinds by content against the `kinds:` lines of the collector; reasons of differences: {REASONS:#?}"
    );
    let mut folders: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    for folder in folders {
        let all = containers(&folder);
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let mut items = 0;
        for container in &all {
            items += container.items.len();
            *kinds.entry(container.kind()).or_default() += 1;
            if container.open.parent.is_none() {
                let place = container.open.path.below(&folder);
                assert_eq!(container.bytes, fs::read(&place).unwrap(), "{}", place.display());
            }
            assert!(!container.close.changed);
        }
        let source = fs::read_to_string(folder.join("SOURCE.txt")).unwrap_or_default();
        let theirs = source.lines().find(|l| l.starts_with("kinds:")).unwrap_or("kinds: not counted");
        let theirs = theirs.split(';').next().unwrap();
        println!("{}: {items} items, ours {kinds:?}, {theirs}", folder.file_name().unwrap().display());
        let expected = ["MBOX", "EML"].iter().filter_map(|k| {
            let count = theirs.split(&format!("'{k}': ")).nth(1)?;
            count.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok()
        });
        let expected: usize = expected.sum();
        let ours =
            ["mbox", "eml", "maildir", "mh", "mmdf", "unsupported-cr"].iter().filter_map(|k| kinds.get(k));
        let ours: usize = ours.sum();
        assert!(ours + 4 >= expected, "mail was missed in {}: {kinds:?}, {theirs}", folder.display());
    }
}

#[test]
fn no_file_of_logs_or_of_labelled_cases_is_taken_for_mail() {
    for name in [
        "crowdsec-mail-logs",
        "exchange-logs-kinesis",
        "ossec-wazuh-mail-tests",
        "syslog-ng-patterndb",
        "received",
    ] {
        let Some(dir) = corpus(name) else { return };
        for container in containers(&dir) {
            assert!(container.items.is_empty(), "{name}: {}", container.open.path.display());
        }
    }
}

#[test]
fn a_listing_is_the_same_for_every_order_of_directories() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b/2", "a.txt", "a/1", "b/1", "a-"] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let listing = list(dir.path()).unwrap();
    let paths: Vec<&RelPath> = listing.found.iter().map(|f| &f.path).collect();
    assert!(paths.is_sorted());
    assert_eq!(paths.len(), 5);
    let mut lines = Sha256Stream::new();
    for found in &listing.found {
        let (path, size) = (found.path.display(), found.path.as_bytes().len());
        lines.update(format!("{{\"path\":\"{path}\",\"size\":{size},\"type\":\"file\"}}\n").as_bytes());
    }
    assert_eq!(listing.digest, lines.finish());
}
