//! Tests of the index as a whole.

use super::*;
use crate::facts::{AddressFact, DateReading, ItemFacts, ItemText, Mailbox, Role, TextFact, Zone};
use crate::types::time::UtcMs;
use crate::types::{ByteRange, ItemKey, Sha256Digest};

#[test]
fn watermarks_are_read_back_and_another_version_is_not() {
    let marks = Watermarks::from([(1, 500), (7, 30)]);
    assert_eq!(read_payload(&payload(&marks, None)), Some((marks.clone(), None)));
    assert_eq!(read_payload(&payload(&marks, Some(9))), Some((marks, Some(9))));
    assert_eq!(read_payload(&payload(&Watermarks::new(), None)), Some((Watermarks::new(), None)));
    assert_eq!(read_payload("0 1:5"), None);
    assert_eq!(read_payload(&format!("{} 1:5", schema::VERSION)), None);
    assert_eq!(read_payload(&format!("{} w0 1:5", schema::VERSION)), None);
    assert_eq!(read_payload(""), None);
}

struct Mail {
    key: ItemKey,
    facts: ItemFacts,
    text: ItemText,
    message: Vec<u8>,
}

fn indexed<'a>(mail: &'a Mail, digest: &'a Sha256Digest) -> Indexed<'a> {
    Indexed {
        key: mail.key,
        sha256: digest,
        wire: digest,
        facts: &mail.facts,
        message: &mail.message,
        text: &mail.text,
        notes: &[],
        state: &[],
        way: Way { trust: &["a", "b"], ..Way::default() },
    }
}

fn mail(item: u64, subject: &str, from: &str, body: &str, header: &str) -> Mail {
    let mut facts = ItemFacts { size: body.len() as u64, ..ItemFacts::default() };
    facts.subject = Some(TextFact { text: subject.to_owned(), at: ByteRange::default() });
    let (name, address) = from.split_once('<').unwrap();
    let mailbox = Mailbox { name: name.to_owned(), address: address.trim_end_matches('>').to_owned() };
    facts.addresses.push(AddressFact { role: Role::From, mailbox, at: ByteRange::default() });
    if !item.is_multiple_of(3) {
        facts.date = {
            let utc = UtcMs(item.cast_signed() * 1000 - 5000);
            Some(DateReading { at: ByteRange::default(), utc, offset_secs_east: None, zone_known: false })
        };
    }
    let mut text = ItemText::default();
    for (zone, part) in [(Zone::Header, header), (Zone::Body, body)] {
        let from = text.text.len();
        text.text.push_str(part);
        text.close(zone, from);
    }
    Mail { key: ItemKey::new(1, item, 0).unwrap(), facts, text, message: Vec::new() }
}

fn index(mails: &[Mail], segments: usize) -> (tempfile::TempDir, IndexReader) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = IndexWriter::open(folder.path()).unwrap();
    let mut worker = writer.worker(1 << 20);
    let digest = Sha256Digest::of(b"x");
    for chunk in mails.chunks(mails.len().div_ceil(segments).max(1)) {
        for mail in chunk {
            worker.add(&indexed(mail, &digest));
        }
        writer.add(&worker.flush().unwrap().unwrap()).unwrap();
    }
    writer.commit(&Watermarks::from([(1, mails.len() as u64)])).unwrap();
    drop(writer);
    let reader = IndexReader::open(folder.path()).unwrap();
    assert_eq!(reader.watermarks()[&1], mails.len() as u64);
    (folder, reader)
}

fn phrase(field: schema::Words, text: &str, open: bool) -> Lookup {
    let role = (field == schema::Words::People).then_some(Role::From);
    Lookup::Words(Phrase { field, role, words: asked(text), open })
}

fn items(reader: &IndexReader, lookup: &Lookup) -> Vec<u64> {
    reader.keys(&reader.find(lookup).unwrap()).unwrap().into_iter().map(ItemKey::item).collect()
}

#[test]
fn words_phrases_prefixes_and_addresses_are_found() {
    use schema::Words::{Body, Header, People, Subject};
    let mails = [
        mail(
            0,
            "Quarterly report",
            "Bob Smith <Bob@Mx.Example.org>",
            "Meet me at the harbour, 東京都 at noon.",
            "X-Mailer: pine",
        ),
        mail(1, "Re: report", "Ann <ann@example.org.evil>", "the harbour me at", "noon"),
        mail(2, "Café", "\"\" <bob.smith@other.example>", &"y".repeat(400), ""),
    ];
    let (_folder, r) = index(&mails, 2);
    let check = |lookup: Lookup, want: &[u64]| assert_eq!(items(&r, &lookup), want, "{lookup:?}");
    check(phrase(Subject, "REPORT", false), &[0, 1]);
    check(phrase(Subject, "cafe", false), &[2]);
    check(phrase(Body, "at the harbour", false), &[0]);
    check(phrase(Body, "the harb", true), &[0, 1]);
    check(phrase(Body, "noon", false), &[0]);
    check(phrase(Header, "noon", false), &[1]);
    check(phrase(Body, "東京", false), &[0]);
    check(phrase(Body, "都", false), &[0]);
    check(phrase(Body, "東京都 at noon", false), &[0]);
    check(phrase(Body, "東京 at noon", false), &[]);
    check(phrase(Body, &"Y".repeat(400), false), &[2]);
    check(phrase(Body, &"y".repeat(399), false), &[]);
    check(phrase(People, "bob smith", false), &[0, 2]);
    check(phrase(People, "bob mx", false), &[0]);
    check(phrase(People, "smith bob", false), &[]);
    let mut term = Vec::new();
    schema::address_term(&mut term, Role::From, "bob@MX.example.ORG");
    check(Lookup::Term(term.clone()), &[0]);
    schema::domain_term(&mut term, Role::From, "example.org");
    check(Lookup::Prefix(term), &[0]);
    let dated = r.dated(Some(UtcMs(-4000)), None).unwrap();
    assert_eq!(r.keys(&dated).unwrap().len(), 2);
    assert_eq!(r.dated(None, Some(UtcMs(-3000))).unwrap().len(), 1);
    assert_eq!(r.sized(400, 500).unwrap().len(), 1);
    assert_eq!(r.keyed(&[(mails[1].key, mails[2].key)]).unwrap().len(), 2);
    assert_eq!(r.terms(schema::kind::KIND).unwrap(), [(b"message".to_vec(), 3)]);
    assert!(r.damaged_files().unwrap().is_empty());
}

/// A generator of numbers: the test needs many texts, not good randomness.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn every_set_is_that_of_a_plain_scan() {
    let mut seed = 1;
    let mut texts = Vec::new();
    for _ in 0..700 {
        let words = next(&mut seed) % 300;
        let word = |seed: &mut u64| format!("w{}", next(seed) % (1 + next(seed) % 400));
        texts.push((0..words).map(|_| word(&mut seed)).collect::<Vec<_>>());
    }
    let mails: Vec<_> = (0..)
        .zip(&texts)
        .map(|(n, t)| mail(n, &t.iter().take(3).cloned().collect::<String>(), " <a@b>", &t.join(" "), ""))
        .collect();
    for segments in [1, 5] {
        let (_folder, r) = index(&mails, segments);
        for n in 0..300 {
            let (a, b) = (next(&mut seed) % 40, next(&mut seed) % 40);
            let want: Vec<String> = [a, b].iter().take(1 + n % 2).map(|n| format!("w{n}")).collect();
            let open = n % 5 == 0;
            let hit = |text: &&Vec<String>| {
                text.windows(want.len()).any(|w| {
                    let last = want.len() - 1;
                    w[..last] == want[..last]
                        && if open { w[last].starts_with(&want[last]) } else { w[last] == want[last] }
                })
            };
            let scan: Vec<u64> = (0..).zip(&texts).filter(|(_, t)| hit(t)).map(|(n, _)| n).collect();
            assert_eq!(
                items(&r, &phrase(schema::Words::Body, &want.join(" "), open)),
                scan,
                "{want:?} {open}"
            );
        }
    }
}

#[test]
fn what_was_not_committed_is_not_there_and_an_index_can_go_on() {
    let mails: Vec<_> = (0..3).map(|n| mail(n, "s", " <a@b>", "text", "")).collect();
    let (folder, r) = index(&mails, 1);
    assert_eq!(r.len(), 3);
    let mut writer = IndexWriter::open(folder.path()).unwrap();
    let mut worker = writer.worker(1 << 20);
    let (digest, more) = (Sha256Digest::of(b"x"), mail(3, "s", " <a@b>", "text", ""));
    let item = indexed(&more, &digest);
    worker.add(&item);
    writer.add(&worker.flush().unwrap().unwrap()).unwrap();
    assert_eq!(IndexReader::open(folder.path()).unwrap().len(), 3);
    writer.commit(&Watermarks::from([(1, 4)])).unwrap();
    assert_eq!(IndexReader::open(folder.path()).unwrap().len(), 4);
    assert_eq!(r.len(), 3);
}

/// Mails with hops, references and words that come again and again.
fn varied(count: u64) -> Vec<Mail> {
    let mut seed = 7;
    (0..count)
        .map(|item| {
            let words: Vec<_> =
                (0..next(&mut seed) % 90).map(|_| format!("w{}", next(&mut seed) % 50)).collect();
            let mut mail =
                mail(item, &words[..words.len() / 9].join(" "), "A <a@b.c>", &words.join(" "), "x");
            for hop in 0..next(&mut seed) % 4 {
                let from = mail.message.len();
                mail.message.extend_from_slice(format!("h{}.example", next(&mut seed) % 5).as_bytes());
                let name = Some(ByteRange::of_usize(from, mail.message.len()));
                let date = (hop != 1).then(|| DateReading {
                    at: ByteRange::default(),
                    utc: UtcMs(next(&mut seed).cast_signed()),
                    offset_secs_east: None,
                    zone_known: true,
                });
                mail.facts.hops.push(crate::facts::Hop { by: name, id: name, date, ..Default::default() });
            }
            mail.facts.references = vec![format!("<{}@x>", item / 2), "<a@x>".to_owned(), "<a@x>".to_owned()];
            mail
        })
        .collect()
}

#[test]
fn the_index_holds_of_each_item_what_the_item_gives() {
    let (mails, key) = (varied(300), DigestKey::default());
    let digest = Sha256Digest::of(b"x");
    let digests = |mails: &[Mail]| {
        let (mut worker, mut out) = (IndexWorker::for_digests(), Vec::new());
        for mail in mails {
            worker.add(&indexed(mail, &digest));
        }
        worker.take_digests(&key, &mut out);
        out
    };
    let want = digests(&mails);
    for segments in [1, 4] {
        let (folder, reader) = index(&mails, segments);
        assert_eq!(reader.into_answers(&key).0.unwrap(), want);
        IndexWriter::open(folder.path()).unwrap().condense().unwrap();
        let reader = IndexReader::open(folder.path()).unwrap();
        assert_eq!(reader.into_answers(&key).0.unwrap(), want);
    }
    let mut other = varied(300);
    other[9].text.text = other[9].text.text.split(' ').rev().collect::<Vec<_>>().join(" ");
    let other = digests(&other);
    assert_eq!((0..300).filter(|&n| other[n] != want[n]).collect::<Vec<_>>(), [9]);
}

/// Everything that is found of some words, hops and hashes.
fn answers(r: &IndexReader) -> Vec<(Vec<ItemKey>, String)> {
    let mut out = Vec::new();
    for n in 0..50 {
        for text in [format!("w{n}"), format!("w{n} w{}", n * 7 % 50)] {
            for open in [false, true] {
                let lookup = phrase(schema::Words::Body, &text, open);
                let set = r.find(&lookup).unwrap();
                let mut scores = r.scores(&set, std::slice::from_ref(&lookup)).unwrap();
                scores.sort_by_key(|score| score.0);
                out.push((r.keys(&set).unwrap(), format!("{scores:?}")));
            }
        }
        let hash =
            Lookup::Hash(schema::kind::REFERENCE, schema::message_id_hash(&format!("<{n}@x>")).to_vec());
        out.push((r.keys(&r.find(&hash).unwrap()).unwrap(), String::new()));
        let hash = Lookup::Hash(
            schema::kind::HOP_ID,
            schema::hop_id_hash(format!("h{n}.example").as_bytes()).to_vec(),
        );
        let hops = r.find_hops(&[hash]).unwrap();
        out.push((r.keys(&r.with_hops(&hops).unwrap()).unwrap(), hops.len().to_string()));
    }
    let mut dates = r.dates(&r.all()).unwrap();
    dates.sort_unstable();
    out.push((Vec::new(), format!("{dates:?}")));
    out.push((r.keys(&r.hop_counted(2, 4).unwrap()).unwrap(), String::new()));
    let late = r.hops_delayed(Some(0), None).unwrap();
    out.push((r.keys(&r.with_hops(&late).unwrap()).unwrap(), late.len().to_string()));
    out.push((Vec::new(), format!("{:?}", r.terms(schema::kind::HAS).unwrap())));
    out
}

fn files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn segments_put_together_answer_as_before_and_are_few() {
    let mails = varied(700);
    let key = DigestKey::default();
    for segments in [2, 5, 70] {
        let (folder, before) = index(&mails, segments);
        assert_eq!(before.parts.len(), segments);
        let digests = || IndexReader::open(folder.path()).unwrap().into_answers(&key).0.unwrap();
        let want = digests();
        let mut writer = IndexWriter::open(folder.path()).unwrap();
        writer.condense().unwrap();
        let after = IndexReader::open(folder.path()).unwrap();
        assert_eq!(after.parts.len(), 1);
        assert!(files(folder.path()) <= 8, "{}", files(folder.path()));
        assert_eq!(after.watermarks(), before.watermarks());
        assert_eq!(digests(), want);
        assert_eq!(answers(&after), answers(&before));
        assert!(after.damaged_files().unwrap().is_empty());
        let keys: Vec<_> = (0..700).map(|doc| after.parts[0].key(doc).unwrap()).collect();
        assert!(keys.is_sorted());
        // A second time there is nothing to do, and the index goes on.
        let meta = || std::fs::read(folder.path().join("meta.json")).unwrap();
        let before = meta();
        writer.condense().unwrap();
        assert_eq!(meta(), before);
        let mut worker = writer.worker(1 << 20);
        let digest = Sha256Digest::of(b"x");
        let more = Mail { key: ItemKey::new(2, 1, 0).unwrap(), ..mail(3, "s", " <a@b>", "text", "") };
        worker.add(&indexed(&more, &digest));
        writer.add(&worker.flush().unwrap().unwrap()).unwrap();
        assert!(matches!(writer.condense(), Err(IndexError::NotCommitted)));
        writer.commit(&Watermarks::from([(1, 700), (2, 2)])).unwrap();
        writer.condense().unwrap();
        let last = IndexReader::open(folder.path()).unwrap();
        assert_eq!((last.len(), last.parts.len()), (701, 2));
    }
}

#[test]
fn an_end_before_the_commit_leaves_the_old_segments_and_the_next_time_cleans_up() {
    let (folder, before) = index(&varied(80), 40);
    let names = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let old = names();
    // All that is done before the commit.
    let writable = tantivy::Index::open(directory::Writable::open(folder.path()).unwrap()).unwrap();
    let metas = condense::condense(folder.path(), &writable).unwrap().unwrap();
    assert_eq!(metas.len(), 1);
    drop((metas, writable));
    assert!(names().len() > old.len() && old.iter().all(|name| names().contains(name)));
    let between = IndexReader::open(folder.path()).unwrap();
    assert_eq!((between.parts.len(), between.len()), (40, 80));
    assert_eq!(answers(&between), answers(&before));
    let mut writer = IndexWriter::open(folder.path()).unwrap();
    writer.condense().unwrap();
    let after = IndexReader::open(folder.path()).unwrap();
    assert_eq!((after.parts.len(), after.len()), (1, 80));
    assert_eq!(answers(&after), answers(&before));
    assert!(names().len() <= 8, "{:?}", names());
}

#[test]
fn a_damaged_segment_is_not_put_together_and_the_index_stays_as_it_was() {
    let (folder, _reader) = index(&varied(60), 3);
    let file = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
    let file = file.filter(|p| p.extension().is_some_and(|e| e == "term")).min().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let meta = std::fs::read(folder.path().join("meta.json")).unwrap();
    let mut writer = IndexWriter::open(folder.path()).unwrap();
    assert!(matches!(writer.condense(), Err(IndexError::Damaged)));
    assert_eq!(std::fs::read(folder.path().join("meta.json")).unwrap(), meta);
}

#[test]
fn files_of_an_index_follow_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _reader) = index(&varied(3), 1);
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), mode(&plain), "{}", path.display());
    }
}
