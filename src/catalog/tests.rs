//! What is written to a catalog and read from it again.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::facts::{
    AddressFact, Attachment, ChildPlace, DateReading, Grade, Hop, ItemFacts, Mailbox, NotIndexed, Role,
    TextFact, Tls,
};
use crate::types::record::{Closed, Container, End, Entry, File, Record, SourceHead};
use crate::types::server::ServerState;
use crate::types::time::UtcMs;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind, ByteRange, ItemKey, RelPath, Sha256Digest};

pub(super) const MESSAGE: &[u8] = b"Received: from helo.example (rdns.example [192.0.2.1]) by mx.example id Q1 for <a@b>; date\nSubject: x\n\n";

#[expect(clippy::unnecessary_wraps, reason = "as the fields want it")]
fn at(text: &str) -> Option<ByteRange> {
    let from = memchr::memmem::find(MESSAGE, text.as_bytes()).unwrap();
    Some(ByteRange::of_usize(from, from + text.len()))
}

#[expect(clippy::unnecessary_wraps, reason = "as the field wants it")]
fn date(ms: i64) -> Option<DateReading> {
    let at = ByteRange::new(40, 50).unwrap();
    Some(DateReading { at, utc: UtcMs(ms), offset_secs_east: Some(-3600), zone_known: true })
}

pub(super) fn facts() -> ItemFacts {
    let person = |role, name: &str, address: &str, from| AddressFact {
        role,
        mailbox: Mailbox { name: name.to_owned(), address: address.to_owned() },
        at: ByteRange::new(from, from + 10).unwrap(),
    };
    let text = |text: &str| Some(TextFact { text: text.to_owned(), at: ByteRange::new(1, 2).unwrap() });
    let hop = Hop {
        at: ByteRange::new(0, 90).unwrap(),
        grade: Grade::Generic,
        family: "postfix",
        helo: at("helo.example"),
        from: at("helo.example"),
        rdns: at("rdns.example"),
        peer_ip: "192.0.2.1".parse().ok(),
        peer_ip_at: at("192.0.2.1"),
        by: at("mx.example"),
        by_ip: "2001:db8::1".parse().ok(),
        id: at("Q1"),
        for_: at("a@b"),
        tls: Tls::Evidence,
        peer_port: Some(0),
        local_uid: Some(7),
        date: date(1_000_000_001_500),
        ..Hop::default()
    };
    ItemFacts {
        size: 100,
        subject: text("Grüße"),
        message_id: text("<1@x>"),
        mih: Some("00112233445566778899aabbccddeeff".to_owned()),
        date: date(1_000_000_000_000),
        addresses: vec![
            person(Role::From, "Ann", "ann@x", 10),
            person(Role::To, "", "b@x", 30),
            person(Role::To, "Ann", "ann@x", 30),
        ],
        hops: vec![hop.clone(), Hop { date: None, ..hop }],
        hops_total: 9,
        attachments: vec![Attachment {
            part: "2".to_owned(),
            name: "a.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            disposition: String::new(),
            encoding: "base64".to_owned(),
            size: 5,
            sha256: Sha256Digest::of(b"pdf"),
            at: ByteRange::new(3, 9).unwrap(),
        }],
        state: vec!["read"],
        not_indexed: vec![NotIndexed { part: "1".to_owned(), reason: "encrypted" }],
        anomalies: vec![Anomaly { kind: AnomalyKind::Encrypted, at: None, detail: Some("p".into()) }],
        ..ItemFacts::default()
    }
}

pub(super) fn digest(n: u8) -> Sha256Digest {
    Sha256Digest::of(&[n])
}

fn written(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("catalog.sqlite");
    let mut writer = CatalogWriter::open(&path).unwrap();
    let head = SourceHead { entries: 2, kind: "auto".into(), listing: digest(1), split: "strict".into() };
    writer.record(1, 0, &Record::Source(head)).unwrap();
    let path_of = |name: &str| RelPath::new(name.as_bytes());
    let entry = Entry { path: path_of("l"), kind: "symlink".into(), note: Some(b"/x".to_vec()) };
    writer.record(1, 0, &Record::Entry(entry)).unwrap();
    let container = Container { container: 1, parent: None, kind: "mbox".into(), path: path_of("in") };
    writer.record(1, 0, &Record::Container(container)).unwrap();
    let (facts, note) =
        (facts(), Anomaly { kind: AnomalyKind::MixedLineEnds, at: ByteRange::new(5, 6), detail: None });
    let child = ItemFacts {
        child: Some(ChildPlace {
            part: "2.1".into(),
            in_parent: ByteRange::new(7, 9).unwrap(),
            in_message: ByteRange::new(17, 19),
        }),
        ..ItemFacts::default()
    };
    let server = ServerState { uidl: Some(b"x".to_vec()), ..ServerState::default() };
    for number in 1..=3u32 {
        for sub in 0..2 {
            let key = ItemKey::new(1, u64::from(number) - 1, sub).unwrap();
            let place = BlobPlace { pack: 1, at: 10, len: 20, raw: 300, offset: u64::from(number), size: 90 };
            let row = ItemRow {
                key,
                container: 1,
                number,
                start: 5,
                end: 95,
                sha256: &digest(2),
                wire: &digest(if sub == 0 { 3 } else { 2 }),
                rule: if sub == 0 { Rule::MboxRd } else { Rule::None },
                lines: 4,
                uid: Some(77),
                blob: (sub == 0).then_some(place),
                notes: std::slice::from_ref(&note),
                server: (sub == 0).then_some(&server),
                state: &["flagged"],
                facts: if sub == 0 { &facts } else { &child },
                message: MESSAGE,
            };
            writer.add_item(&row).unwrap();
        }
    }
    writer.commit(&[(1, Watermark { items: 3, lines: 6 })]).unwrap();
    let end = End {
        container: 1,
        items: 3,
        size: 300,
        sha256: digest(4),
        md5: None,
        sha1: None,
        reason: Some("unreadable".into()),
        error: Some((299, "io".into())),
        notes: vec![note],
    };
    writer.record(1, 3, &Record::End(end)).unwrap();
    let file = File {
        container: 2,
        parent: Some(1),
        kind: "eml".into(),
        path: path_of("x.eml"),
        size: 9,
        sha256: digest(5),
        wire: digest(5),
        uid: None,
        server: None,
        notes: Vec::new(),
    };
    writer.record(1, 3, &Record::File(file)).unwrap();
    writer.commit(&[]).unwrap();
    assert_eq!(writer.watermark(1).unwrap(), Watermark { items: 3, lines: 6 });
    writer.close().unwrap();
    path
}

#[test]
fn rows_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&written(folder.path())).unwrap();
    let want = facts();
    let mut seen = 0;
    let keys =
        [ItemKey::new(1, 2, 0).unwrap(), ItemKey::new(1, 9, 0).unwrap(), ItemKey::new(1, 0, 1).unwrap()];
    catalog
        .each::<CatalogError>(keys, |row| {
            seen += 1;
            if row.part().is_some() {
                assert_eq!(
                    (row.part(), row.digests(&catalog)?.wire, row.date()),
                    (Some("2.1"), row.digests(&catalog)?.sha256, None)
                );
                assert_eq!(row.more(&catalog)?.in_message, ByteRange::new(17, 19));
                assert_eq!(catalog.item_id(row).to_string(), "pending000001-1-1/2.1");
                assert_eq!(catalog.key(&catalog.item_id(row))?, Some(row.key()));
                return Ok(());
            }
            assert_eq!((row.number(), row.start(), row.end(), row.size(), row.lines()), (3, 5, 95, 100, 4));
            let digests = row.digests(&catalog)?;
            assert_eq!(
                (digests.sha256, digests.wire, row.rule(), row.uid()),
                (digest(2), digest(3), Rule::MboxRd, Some(77))
            );
            assert_eq!(
                (row.subject(), row.message_id(), row.zone()),
                (Some("Grüße"), Some(&b"<1@x>"[..]), Some(-3600))
            );
            assert_eq!(row.mih(), crate::facts::mih(b"<1@x>"));
            let place = row.blob(&catalog)?.unwrap();
            assert_eq!((place.pack, place.at, place.raw, place.offset, place.size), (1, 10, 300, 3, 90));
            let people = row.people(&catalog)?;
            assert_eq!(people.len(), 3);
            for (got, want) in people.iter().zip(&want.addresses) {
                assert_eq!(got.role, want.role);
                assert_eq!((&*got.name, &*got.address), (&*want.mailbox.name, &*want.mailbox.address));
            }
            let attachments = row.attachments(&catalog)?;
            assert_eq!((&*attachments[0].name, &*attachments[0].content_type), ("a.pdf", "application/pdf"));
            assert_eq!(
                (attachments[0].sha256, attachments[0].at),
                (Sha256Digest::of(b"pdf"), ByteRange::new(3, 9).unwrap())
            );
            let notes = row.notes(&catalog)?;
            assert_eq!(
                (&*notes[0].code, notes[0].of_source, notes[0].at),
                ("mixed-line-ends", true, ByteRange::new(5, 6))
            );
            assert_eq!(
                (notes[1].kind, notes[1].detail.as_deref()),
                (Some(AnomalyKind::Encrypted), Some("p"))
            );
            let more = row.more(&catalog)?;
            assert_eq!(more.server.as_ref().and_then(|s| s.uidl.as_deref()), Some(&b"x"[..]));
            assert_eq!(more.state.iter().map(|s| &**s).collect::<Vec<_>>(), ["flagged", "read"]);
            assert_eq!((more.zone_known, more.hops_total, &*more.not_indexed[0].1), (true, 9, "encrypted"));
            let hops = row.hops(&catalog)?;
            assert_eq!(hops.len(), 2);
            let (hop, source) = (&hops[0], &want.hops[0]);
            assert_eq!(
                (hop.at, hop.date, hop.zone, hop.zone_known),
                (source.at, Some(UtcMs(1_000_000_001_500)), Some(-3600), true)
            );
            assert_eq!(
                (hop.relay.by, hop.relay.helo),
                (Some(&b"mx.example"[..]), Some(&b"helo.example"[..]))
            );
            assert_eq!((hop.relay.peer_ip, hop.relay.by_ip), (source.peer_ip, source.by_ip));
            assert_eq!((hop.id, hop.for_), (Some(&b"Q1"[..]), Some(&b"a@b"[..])));
            assert_eq!((hop.peer_port, hop.relay.tls, hop.relay.family), (Some(0), "evidence", "postfix"));
            assert_eq!((hops[1].date, hops[1].at), (None, source.at));
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 2);
    let containers = catalog.containers().unwrap();
    assert_eq!((containers.len(), containers[1].items, &*containers[1].kind), (2, Some(1), "eml"));
    assert_eq!(catalog.not_processed().unwrap()[0].error, Some((299, "io".to_owned())));
    assert_eq!(&*containers[0].notes[0].code, "mixed-line-ends");
    let (first, last) = containers[0].keys().unwrap();
    let mut count = 0;
    catalog
        .range::<CatalogError>(first, last, |_| {
            count += 1;
            Ok(if count == 5 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            })
        })
        .unwrap();
    assert_eq!(count, 5);
    assert_eq!(catalog.entries().unwrap()[0].note.as_deref(), Some(&b"/x"[..]));
    assert!(catalog.quick_check().unwrap());
}

#[test]
fn a_closed_source_has_its_id_and_what_was_not_committed_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let mut writer = CatalogWriter::open(&path).unwrap();
    let closed = Record::Closed(Closed { id: digest(9), containers: 2, items: 4, bytes: 309 });
    writer.record(1, 4, &closed).unwrap();
    drop(writer);
    assert_eq!(Catalog::open(&path).unwrap().sources()[0].id, None);
    let mut writer = CatalogWriter::open(&path).unwrap();
    writer.record(1, 4, &closed).unwrap();
    writer.truncate_from(1, 1).unwrap();
    writer.record(1, 4, &closed).unwrap();
    writer.commit(&[(1, Watermark { items: 1, lines: 4 })]).unwrap();
    writer.close().unwrap();
    let catalog = Catalog::open(&path).unwrap();
    let source = &catalog.sources()[0];
    assert_eq!((source.id, source.derived.items), (Some(digest(9)), 1));
    assert_eq!(catalog.segment(source.source_id()), Some(1));
    let mut keys = Vec::new();
    catalog
        .range::<CatalogError>(ItemKey::default(), ItemKey::from_u64(u64::MAX), |row| {
            keys.push(row.key().item());
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
    assert_eq!(keys, [0, 0]);
    assert!(!folder.path().join("catalog.sqlite-wal").exists());
}
