//! Queries against a small catalog and index.

mod forms;

use super::*;
use crate::catalog::{Catalog, CatalogWriter, ItemRow, Watermark};
use crate::facts::{
    AddressFact, Attachment, ChildPlace, DateReading, Hop, ItemFacts, ItemText, Mailbox, Role, TextFact, Zone,
};
use crate::index::{IndexReader, IndexWriter, Indexed, Watermarks, Way};
use crate::types::record::{Closed, Container, End, Record, SourceHead};
use crate::types::time::UtcMs;
use crate::types::unescape::Rule;
use crate::types::{Anomaly, AnomalyKind, ByteRange, ItemKey, RelPath, Sha256Digest};

/// One mail of the test case.
#[derive(Clone, Copy, Default)]
struct Mail {
    subject: &'static str,
    from: (&'static str, &'static str),
    cc: &'static str,
    date: Option<&'static str>,
    body: &'static str,
    /// by, helo, ip, id
    hop: Option<(&'static str, &'static str, &'static str, &'static str)>,
    file: &'static str,
    child: bool,
    id: &'static str,
}

const MAILS: [Mail; 6] = [
    Mail {
        subject: "Annual report",
        from: ("Ann Smith", "ann@example.org"),
        cc: "bob@other.example",
        date: Some("2024-02-29T23:30:00Z"),
        body: "Please see the annual figures at http://files.example.net/a?b=1 now",
        hop: Some(("mx.example.org", "pc.lan", "192.0.2.10", "AbC123")),
        file: "figures 2023.xlsx",
        child: false,
        id: "<1@example.org>",
    },
    Mail {
        subject: "Re: annual report",
        from: ("Bob", "bob@other.example"),
        cc: "",
        date: Some("2024-03-01T00:00:00Z"),
        body: "the figures look wrong, annual",
        hop: Some(("mx2.Example.ORG", "mail.other.example", "2001:db8::5", "x1")),
        file: "",
        child: false,
        id: "<2@other.example>",
    },
    Mail {
        subject: "",
        from: ("", "ann@mail.example.org.evil.test"),
        cc: "",
        date: None,
        body: "undated annual mail to ann@example.org",
        hop: None,
        file: "",
        child: false,
        id: "",
    },
    Mail {
        subject: "inner",
        from: ("Carol", "carol@example.org"),
        cc: "",
        date: Some("2001-01-01T00:00:00Z"),
        body: "a message inside, report annual annual annual annual",
        hop: None,
        file: "",
        child: true,
        id: "<3@x>",
    },
    Mail { body: "0123456789abcdef plain", from: ("Dora", "dora@sub.example.org"), ..NONE },
    Mail {
        body: "last",
        from: ("Ann", "ANN@EXAMPLE.ORG"),
        date: Some("2024-03-01T12:00:00Z"),
        hop: Some(("relay.test", "[198.51.100.7]", "203.0.113.9", "x3")),
        ..NONE
    },
];

const NONE: Mail = Mail {
    subject: "",
    from: ("", ""),
    cc: "",
    date: None,
    body: "",
    hop: None,
    file: "",
    child: false,
    id: "",
};

fn facts(mail: &Mail, message: &mut Vec<u8>) -> ItemFacts {
    let mut put = |text: &str| {
        let from = message.len();
        message.extend_from_slice(text.as_bytes());
        Some(ByteRange::of_usize(from, message.len())).filter(|r| !r.is_empty())
    };
    let fact =
        |text: &str| (!text.is_empty()).then(|| TextFact { text: text.to_owned(), at: ByteRange::default() });
    let mut facts =
        ItemFacts { subject: fact(mail.subject), message_id: fact(mail.id), ..ItemFacts::default() };
    let people = [(Role::From, mail.from.0, mail.from.1), (Role::Cc, "", mail.cc)];
    for (role, name, address) in people.into_iter().filter(|p| !p.2.is_empty()) {
        let mailbox = Mailbox { name: name.to_owned(), address: address.to_owned() };
        facts.addresses.push(AddressFact { role, mailbox, at: ByteRange::default() });
    }
    facts.date = mail.date.map(|text| DateReading {
        at: ByteRange::default(),
        utc: UtcMs(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()),
        offset_secs_east: Some(0),
        zone_known: true,
    });
    if let Some((by, helo, ip, id)) = mail.hop {
        let (by, helo, id) = (put(by), put(helo), put(id));
        facts.hops.push(Hop { by, helo, from: helo, id, peer_ip: ip.parse().ok(), ..Hop::default() });
    }
    if !mail.file.is_empty() {
        facts.attachments.push(Attachment {
            part: "2".to_owned(),
            name: mail.file.to_owned(),
            content_type: "application/pdf".to_owned(),
            disposition: String::new(),
            encoding: String::new(),
            size: 1,
            sha256: Sha256Digest::of(b"file"),
            at: ByteRange::default(),
        });
    }
    if mail.child {
        let in_parent = ByteRange::default();
        facts.child = Some(ChildPlace { part: "2".to_owned(), in_parent, in_message: None });
    }
    if mail.date.is_none() {
        facts.anomalies.push(Anomaly { kind: AnomalyKind::MissingDate, at: None, detail: None });
    }
    facts.size = mail.body.len() as u64;
    facts
}

struct Made {
    _folder: tempfile::TempDir,
    catalog: Catalog,
    index: IndexReader,
}

fn case() -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.sqlite");
    let mut catalog = CatalogWriter::open(&path).unwrap();
    let mut index = IndexWriter::open(folder.path()).unwrap();
    let mut worker = index.worker(1 << 20);
    let listing = Sha256Digest::of(b"listing");
    let head = SourceHead { entries: 2, kind: "auto".into(), listing, split: "strict".into() };
    catalog.record(1, 0, &Record::Source(head)).unwrap();
    let mut item = 0;
    for (number, name) in [(1u32, "Mail/Inbox.mbox"), (2, "Mail/old/x.eml")] {
        let kind = if number == 1 { "mbox" } else { "eml" };
        let path = RelPath::new(name.as_bytes());
        let container = Container { container: number, parent: None, kind: kind.into(), path };
        catalog.record(1, item, &Record::Container(container)).unwrap();
        let mut items = 0u32;
        for (n, mail) in (0u8..).zip(&MAILS).filter(|(n, _)| (*n < 5) == (number == 1)) {
            let mut message = Vec::new();
            let facts = facts(mail, &mut message);
            if mail.child {
                item -= 1;
            } else {
                items += 1;
            }
            let key = ItemKey::new(1, item, u32::from(mail.child)).unwrap();
            item += 1;
            let (sha256, wire) = (&Sha256Digest::of(&[n]), &Sha256Digest::of(&[n, 1]));
            let state: &[&str] = match n {
                0 => &["read"],
                1 => &["seen", "replied"],
                5 => &["trashed"],
                _ => &[],
            };
            let (message, notes) = (&message[..], &[][..]);
            let mut text = ItemText::default();
            text.text.push_str(mail.body);
            text.close(Zone::Body, 0);
            let (facts, text) = (&facts, &text);
            let (found, trust) = (["no-received"], ["boundary"]);
            let way = match mail.hop {
                Some(_) => Way { trust: &trust, ..Way::default() },
                None => Way { findings: &found, ..Way::default() },
            };
            worker.add(&Indexed { key, sha256, wire, facts, message, text, notes, state, way });
            let row = ItemRow {
                key,
                container: number,
                number: items,
                start: 0,
                end: 1,
                sha256,
                wire,
                rule: Rule::None,
                lines: 0,
                uid: None,
                blob: None,
                notes,
                server: None,
                state,
                facts,
                message,
            };
            catalog.add_item(&row).unwrap();
        }
        let (size, sha256) = (1, Sha256Digest::of(b"c"));
        let (md5, sha1, reason, error, notes) = (None, None, None, None, Vec::new());
        let items = u64::from(items);
        let end = End { container: number, items, size, sha256, md5, sha1, reason, error, notes };
        catalog.record(1, item, &Record::End(end)).unwrap();
    }
    let closed = Closed { id: Sha256Digest::of(b"source"), containers: 2, items: item, bytes: 2 };
    catalog.record(1, item, &Record::Closed(closed)).unwrap();
    catalog.commit(&[(1, Watermark { items: item, lines: 9 })]).unwrap();
    catalog.close().unwrap();
    index.add(&worker.flush().unwrap().unwrap()).unwrap();
    index.commit(&Watermarks::from([(1, item)])).unwrap();
    let catalog = Catalog::open(&path).unwrap();
    let index = IndexReader::open(folder.path()).unwrap();
    Made { _folder: folder, catalog, index }
}

impl Made {
    fn ask(&self, query: &str, options: &Options) -> Result<Hits, SearchError> {
        search(Case { catalog: &self.catalog, index: &self.index, messages: None }, query, options)
    }

    /// The query is an error that names this column and says these words.
    #[track_caller]
    fn refuses(&self, query: &str, column: usize, words: &str) {
        let error = self.ask(query, &Options::default()).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("column {column}: ")) && error.contains(words),
            "{query}: {error}"
        );
    }

    /// The numbers of the mails in [`MAILS`] that answer, in ledger order.
    fn check(&self, query: &str, want: &[usize]) {
        let options = Options { order: Order::Ledger, ..Options::default() };
        let hits = self.ask(query, &options).unwrap();
        // Mail 3 is the child of mail 2.
        let number = |key: &ItemKey| match (key.item(), key.child()) {
            (item, 0) if item < 3 => usize::try_from(item).unwrap(),
            (2, 1) => 3,
            (item, _) => usize::try_from(item).unwrap() + 1,
        };
        let got: Vec<_> = hits.keys.iter().map(number).collect();
        assert_eq!(got, want, "{query}");
        assert_eq!(hits.total, want.len() as u64, "{query}");
    }
}

#[test]
fn every_field_finds_what_it_says() {
    let case = case();
    for (query, want) in [
        ("", &[0, 1, 2, 3, 4, 5][..]),
        ("annual", &[0, 1, 2, 3]),
        ("annual report", &[0, 1, 3]),
        ("\"annual report\"", &[0, 1]),
        ("annual -report", &[2]),
        ("subject:annual AND NOT subject:re", &[0]),
        ("body:annu*", &[0, 1, 2, 3]),
        ("body:\"annual fig*\"", &[0]),
        ("http://files.example.net/a?b=1", &[0]),
        ("from:ann@example.org", &[0, 5]),
        ("from:<Ann@Example.org>", &[0, 5]),
        ("from:example.org", &[0, 3, 4, 5]),
        ("from:@sub.example.org", &[4]),
        ("from:*@example.org", &[0, 3, 4, 5]),
        ("from:\"ann smith\"", &[0]),
        ("from:smi*", &[0]),
        ("from:(carol OR dora)", &[3, 4]),
        ("cc:bob@other.example", &[0]),
        ("recipient:bob", &[0]),
        ("sender:bob", &[1]),
        ("bob", &[0, 1]),
        ("ann@example.org", &[0, 2, 5]),
        ("date:2024-02", &[0]),
        ("date:2024-02-29..2024-03-01", &[0, 1, 5]),
        ("date:2024-02-29..<2024-03-01", &[0]),
        ("date:[2024-02-29 TO 2024-03-01]", &[0, 1, 5]),
        ("after:2024-03", &[1, 5]),
        ("before:2024-03-01", &[0, 3]),
        ("until:2024-03-01", &[0, 1, 3, 5]),
        ("on:2024/03/01", &[1, 5]),
        ("date:2024-03-01", &[1, 5]),
        ("date:<2024", &[3]),
        ("NOT date:2024", &[2, 3, 4]),
        ("hop:example.org", &[0, 1]),
        ("hop:mx.example.org", &[0]),
        ("hop:lan", &[0]),
        ("hop.by:mx*", &[0, 1]),
        ("hop.by:other.example", &[]),
        ("hop.helo:*.other.example", &[1]),
        ("hop:192.0.2.0/24", &[0]),
        ("hop.ip:2001:db8::/32", &[1]),
        // A claim is no address that somebody saw.
        ("hop:198.51.100.7", &[]),
        ("hop:198.51.100.0/24", &[]),
        ("hop:203.0.113.9", &[5]),
        ("hop.helo:198.51.100.7", &[5]),
        ("hop.helo:[198.51.100.7]", &[5]),
        ("192.0.2.10", &[]),
        ("any:192.0.2.10", &[0]),
        ("hop.id:abc123", &[0]),
        ("hop{by:mx.example.org ip:192.0.2.0/24}", &[0]),
        ("hop{by:example.org ip:203.0.113.9}", &[]),
        ("hop.by:example.org hop{NOT ip:192.0.2.0/24}", &[1]),
        ("hop{(id:x1 OR id:x3) -by:relay.test}", &[1]),
        ("hop{192.0.2.10}", &[0]),
        ("NOT hop[0]{by:example.org}", &[2, 3, 4, 5]),
        ("hop[-1].helo:lan", &[0]),
        ("hop[1].helo:lan", &[]),
        ("hop[0]:mx.example.org", &[0]),
        ("hop.trust:boundary", &[0, 1, 5]),
        ("finding:no-received", &[2, 3, 4]),
        ("finding:any", &[2, 3, 4]),
        ("finding:no-*", &[2, 3, 4]),
        ("hops:0", &[2, 3, 4]),
        ("hops:>0", &[0, 1, 5]),
        ("hops:1..2", &[0, 1, 5]),
        ("path:\"lan -> example.org\"", &[0]),
        ("path:\"192.0.2.0/24 -> ?\"", &[0]),
        ("path:\"* -> ? -> * -> example.org\"", &[0, 1]),
        ("path:\"* -> mx*\"", &[0, 1]),
        ("path:\"? -> ? -> ?\"", &[]),
        ("path:\"* -> *\"", &[0, 1, 5]),
        ("hop.time:2024", &[]),
        ("hopdelay:>0s", &[]),
        ("hop.class:network", &[0, 1, 5]),
        ("hop.tls:unk*", &[0, 1, 5]),
        ("hop.software:postfix", &[]),
        ("any:abc123", &[0]),
        ("abc123", &[]),
        ("attachment:figures", &[0]),
        ("attachment:\"figures 2023.xlsx\"", &[0]),
        ("has:attachment", &[0]),
        ("has:date", &[0, 1, 3, 5]),
        ("type:application/*", &[0]),
        ("anomaly:missing-date", &[2, 4]),
        ("anomaly:Missing-*", &[2, 4]),
        ("has:\"attachment\"", &[0]),
        ("KIND:Message hop.tls:unknown", &[0, 1, 5]),
        ("is:read", &[0, 1]),
        ("is:seen", &[0, 1]),
        ("is:trashed", &[5]),
        ("is:deleted", &[5]),
        ("is:expunged", &[]),
        ("is:answered", &[1]),
        ("*", &[0, 1, 2, 3, 4, 5]),
        ("* NOT kind:child", &[0, 1, 2, 4, 5]),
        ("(* kind:child) OR last", &[3, 5]),
        ("all", &[]),
        ("kind:child", &[3]),
        ("kind:message", &[0, 1, 2, 4, 5]),
        ("kind:eml", &[5]),
        ("container:inbox", &[0, 1, 2, 3, 4]),
        ("folder:OLD/", &[5]),
        ("messageid:<1@EXAMPLE.org>", &[0]),
        ("any:2@other.example", &[1]),
        ("size:<5", &[5]),
        ("size:4..5", &[5]),
        ("hash:0123456789abcdef", &[]),
        ("0123456789abcdef", &[4]),
    ] {
        case.check(query, want);
    }
}

#[test]
fn digests_and_ids_are_found_by_all_or_some_of_their_digits() {
    let case = case();
    let digest = |bytes: &[u8]| Sha256Digest::of(bytes).to_string();
    for (field, text, want) in [
        ("sha256", digest(&[1]), &[1][..]),
        ("hash", digest(&[1])[..9].to_uppercase(), &[1]),
        ("hash", digest(&[4, 1]), &[4]),
        ("wire", digest(&[4, 1]), &[4]),
        ("sha256", digest(&[4, 1]), &[]),
        ("hash", digest(b"file"), &[0]),
        ("any", digest(b"file"), &[0]),
        ("attachment.sha256", digest(b"file")[..8].to_owned(), &[0]),
        ("sha256", format!("{}0", &digest(&[1])[..63]), if digest(&[1]).ends_with('0') { &[1] } else { &[] }),
    ] {
        case.check(&format!("{field}:{text}"), want);
    }
    let source = &digest(b"source")[..16];
    case.check(&format!("source:{}", &source[..6]), &[0, 1, 2, 3, 4, 5]);
    case.check(&format!("id:{source}-1-3/2"), &[3]);
    case.check(&format!("id:{source}-1-3"), &[2]);
    case.check(&format!("id:{source}-2"), &[5]);
    case.check(&format!("container:{source}-2"), &[5]);
}

#[test]
fn the_order_is_newest_first_and_a_limit_changes_no_count() {
    let case = case();
    let hits = case.ask("", &Options { limit: Some(3), ..Options::default() }).unwrap();
    let items: Vec<_> = hits.keys.iter().map(|k| (k.item(), k.child())).collect();
    assert_eq!((items, hits.total, hits.undated), (vec![(4, 0), (1, 0), (0, 0)], 6, None));
    let all = case.ask("", &Options::default()).unwrap();
    assert_eq!(all.keys.last().map(|k| k.item()), Some(3));
    assert_eq!((hits.last, all.last), (2, 2));
    let oldest = case.ask("", &Options { order: Order::Oldest, ..Options::default() }).unwrap();
    let items: Vec<_> = oldest.keys.iter().map(|k| (k.item(), k.child())).collect();
    assert_eq!((items, oldest.last), (vec![(2, 1), (0, 0), (1, 0), (4, 0), (2, 0), (3, 0)], 2));
    let best = case.ask("annual", &Options { order: Order::Relevance, ..Options::default() }).unwrap();
    assert_eq!(best.keys[0].item(), 0);
}

#[test]
fn undated_items_are_counted_beside_a_question_about_dates() {
    let case = case();
    let undated = |query: &str| case.ask(query, &Options::default()).unwrap().undated;
    assert_eq!(undated("date:2024"), Some(2));
    assert_eq!(undated("annual date:2024"), Some(1));
    // It is in the answer already.
    assert_eq!(undated("annual NOT date:2024"), Some(0));
    assert_eq!(undated("bob date:2024"), Some(0));
}

#[test]
fn days_begin_in_the_zone_asked_for() {
    let case = case();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    let hits = case.ask("date:2024-03-01", &Options { zone, ..Options::default() }).unwrap();
    assert_eq!(hits.total, 3);
}

#[test]
fn a_wrong_value_names_its_column() {
    let case = case();
    let check = |query: &str, column, words| case.refuses(query, column, words);
    check("a date:yesterday", 8, "2024-03");
    check("hop.ip:300.1.1.1", 8, "network");
    check("size:big", 6, "bytes");
    check("hash:xyz", 6, "hex");
    check("(!!!)", 2, "letter");
    check("from:!!", 6, "letter");
    check("id:x", 4, "id");
    check("a anomaly:nonsense", 11, "nearest");
    check("anomaly:zone-mising", 9, "zone-missing");
    check("is:nonsense", 4, "seen");
    check("kind:nonsense", 6, "child");
    check("hop.family:postfx", 12, "postfix");
    check("hop.tls:yes", 9, "asserted-clear");
    check("has:child", 5, "attachment, date, subject, hop, anomaly");
    check("notindexed:(binary OR bin)", 23, "over-limit");
    check("is:z*", 4, "undelivered");
    check("hop.class:nets", 11, "network, local-submission");
    check("hop{tls:yes}", 9, "evidence");
    check("hop.trust:good", 11, "attested");
    check("finding:weekday", 9, "weekday-mismatch");
    check("hops:many", 6, "hops");
    check("hopdelay:>1y", 10, "90s");
    check("hop{time:soon}", 10, "2024-03");
    check("path:example.org", 6, "container");
    check("path:\"a.example ->\"", 6, "oldest");
    check("hop[0].ip:x", 11, "network");
}
