//! Each kind of event comes back from what was written, and what an older program wrote is written again to the byte.

use std::fs;
use std::path::Path;

use crate::types::record::Account;
use crate::types::{RelPath, Sha256Digest, SourceId};

use crate::types::readers::ReaderVersions;

use super::*;

fn stamps(is_recent: bool) -> SourceStamps {
    SourceStamps { mount: 29, is_recent, sha256: Sha256Digest::of(b"stat") }
}

fn naming() -> SourceNaming {
    SourceNaming {
        bytes: 7,
        canonical: Some(b"/seized/\xff".to_vec()),
        entries: 2,
        label: Some("exhibit B".into()),
        listing: Sha256Digest::of(b"l"),
        note: Some("by hand".into()),
        kind: "auto".into(),
        md5: true,
        sha1: false,
        split: "strict".into(),
        path: b"seized".to_vec(),
    }
}

fn blob(what: BlobRole) -> EventBlob {
    EventBlob { sha256: Sha256Digest::of(b"b"), len: 3, what }
}

fn tally() -> CommitTally {
    let mut files_before = FileStateRows::default();
    files_before.push(&FileStateRow { container: 1, mtime_ns: -1, ..FileStateRow::default() });
    let notice = EventNotice {
        code: "other-body".into(),
        partial: true,
        path: Some(RelPath::new(b"INBOX\xff".to_vec())),
        sha256: Some(Sha256Digest::of(b"o")),
        text: "two bodies".into(),
    };
    CommitTally {
        blobs: vec![blob(BlobRole::Transcript), blob(BlobRole::Other("newer".into()))],
        files_after: files_before.clone(),
        files_before,
        files_read: None,
        items: 5,
        notices: vec![notice],
        segment: Some(3),
    }
}

fn run() -> AccountRun {
    let folder = FolderRun {
        attributes: vec![b"\\Sent".to_vec()],
        balanced: Some(true),
        books: Some(FolderSums { listed: 2, taken: 1, known: 1, ..FolderSums::default() }),
        bytes: Some(9),
        flags_since: Some("1:5,9".into()),
        highest_modseq: Some(u64::MAX.to_string()),
        mailbox_id: Some(b"F\xff".to_vec()),
        name: "Müller".into(),
        path: RelPath::new("M%C3%BCller;UIDVALIDITY=18"),
        permanent_flags: vec![b"\\*".to_vec()],
        refetched: Some(RefetchSums { alike: 1, ..RefetchSums::default() }),
        uid_next: Some(6),
        ..FolderRun::default()
    };
    AccountRun {
        balanced: Some(false),
        error: Some("the server hung up".into()),
        folders: vec![folder],
        label: Some("exhibit C".into()),
        newest_internal_date: Some("2025-11-20T08:15:04Z".into()),
        segment: Some(2),
        source: Some(SourceId::Known(0x5f0c_2a9b_e4d1_7788)),
        url: "imaps://joe@example.org".into(),
        ..AccountRun::default()
    }
}

/// One of each kind, with everything that it can tell. A new kind does not compile without its line here.
fn sample(kind: CustodyEventKind) -> CustodyEvent {
    match kind {
        CustodyEventKind::Created => CustodyEvent::Created,
        CustodyEventKind::SourceBegun => CustodyEvent::SourceBegun {
            naming: naming(),
            segment: 3,
            readers: ReaderVersions { splitter: 2, archive_walk: 5 },
            by_other_readers: Some((2, ReaderVersions::FIRST)),
            source_changed: true,
        },
        CustodyEventKind::ItemsCommitted => CustodyEvent::ItemsCommitted(tally()),
        CustodyEventKind::ImportStopped => CustodyEvent::ImportStopped(tally()),
        CustodyEventKind::SourceImported => {
            CustodyEvent::SourceImported { segment: 3, stat: Some(stamps(true)) }
        }
        CustodyEventKind::SourceSeenAgain => CustodyEvent::SourceSeenAgain {
            naming: SourceNaming { canonical: None, label: None, note: None, ..naming() },
            source: SourceId::Known(1),
            stat: Some(stamps(false)),
        },
        CustodyEventKind::SourceUnchanged => {
            CustodyEvent::SourceUnchanged { naming: naming(), source: SourceId::Known(1) }
        }
        CustodyEventKind::AccountBegun => CustodyEvent::AccountBegun(Box::new(AccountStart {
            account: Account { kind: "imap".into(), host: "example.org".into(), ..Account::default() },
            connections: 4,
            insecure_plain: false,
            label: Some("exhibit C".into()),
            list_only: true,
            note: None,
            pin_sha256: Some("00ff".into()),
            refetch_verify: true,
            resumes: Some(2),
            tls_native: true,
            url: "imaps://joe@example.org".into(),
        })),
        CustodyEventKind::AccountSession => CustodyEvent::AccountSession(Box::new(AccountSession {
            address: "192.0.2.1:993".into(),
            blobs: vec![blob(BlobRole::Certificate)],
            capabilities: vec![Vec::new(), b"IMAP4rev1\xff".to_vec()],
            greeting: b"* OK \xff".to_vec(),
            mechanism: Some("PLAIN".into()),
            server_id: b"NIL".to_vec(),
            tls: Some(SessionTls {
                chain: vec![Sha256Digest::of(b"b")],
                cipher: "TLS_AES_256_GCM_SHA384".into(),
                library: Some("OpenSSL".into()),
                trusted_by: "ca-file".into(),
                version: "TLSv1.3".into(),
            }),
            url: "imaps://joe@example.org".into(),
        })),
        CustodyEventKind::AccountAcquired => CustodyEvent::AccountAcquired(run()),
        CustodyEventKind::AccountSeenAgain => CustodyEvent::AccountSeenAgain(run()),
        CustodyEventKind::AccountStopped => CustodyEvent::AccountStopped(run()),
        CustodyEventKind::AccountListed => CustodyEvent::AccountListed(run()),
        CustodyEventKind::Rebuilt => CustodyEvent::Rebuilt { items: 7 },
        CustodyEventKind::Exported => CustodyEvent::Exported(ExportTally {
            form: "mbox".into(),
            manifest_sha256: Some(Sha256Digest::of(b"m")),
            query: "from:joe".into(),
            query_language: Some(2),
            query_zone: Some("Europe/Berlin".into()),
            to: b"/out/\xff".to_vec(),
            ..ExportTally::default()
        }),
        CustodyEventKind::Restored => CustodyEvent::Restored(RestoreTally {
            id: "5f0c2a9be4d17788-3".into(),
            renamed: Some(1),
            to: b"/out".to_vec(),
            ..RestoreTally::default()
        }),
        CustodyEventKind::TrustSet => CustodyEvent::TrustSet(TrustWords {
            acquired_ms: Some(-1),
            hosts: vec!["example.org".into()],
            networks: vec!["!192.0.2.9".into(), "192.0.2.0/24".into()],
            signed_in_is_own: true,
            submission_networks: vec!["198.51.100.0/24".into()],
            teaching_addresses: true,
        }),
        CustodyEventKind::KeysAdded => CustodyEvent::KeysAdded(KeyFileCopy {
            bytes: 2,
            note: Some("by letter".into()),
            path: b"keys.txt".to_vec(),
            sha256: Sha256Digest::of(b"a\xff"),
            text: b"a\xff".to_vec(),
        }),
        CustodyEventKind::Recovered => CustodyEvent::Recovered {
            cut: vec![Cut {
                path: "packs/000001.pack".into(),
                from: 3,
                to: 9,
                sha256: Sha256Digest::of(b"c"),
            }],
            head_behind: true,
        },
        CustodyEventKind::Stopped => CustodyEvent::Stopped,
    }
}

#[test]
fn every_kind_is_read_back_by_its_own_reader() {
    for &kind in CustodyEventKind::ALL {
        let event = sample(kind);
        assert_eq!((event.kind(), event.code()), (Some(kind), kind.code()));
        assert_eq!(CustodyEventKind::of(kind.code()), Some(kind));
        let data = event.data();
        assert!(json::read_canonical(&data).is_some(), "{}", String::from_utf8_lossy(&data));
        assert_eq!(CustodyEvent::read(kind.code(), &data), Ok(event));
    }
}

#[test]
fn every_event_of_the_frozen_cases_is_written_again_to_the_byte() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/frozen");
    let mut seen = 0;
    for version in ["v1", "v2"] {
        let log = fs::read(frozen.join(version).join("custody.jsonl")).unwrap();
        for line in log.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            let value = json::read(line).unwrap();
            let mut data = Vec::new();
            json::canonical(&mut data, &value["data"]);
            let event = CustodyEvent::read(value["type"].as_str().unwrap(), &data).unwrap();
            assert!(event.kind().is_some());
            assert_eq!(String::from_utf8_lossy(&event.data()), String::from_utf8_lossy(&data));
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} events");
}

#[test]
fn a_kind_of_a_newer_program_is_kept_as_it_stands() {
    let event = CustodyEvent::read("disposed", b"{\"why\":[1,null]}").unwrap();
    assert_eq!(
        (event.kind(), event.code(), event.data()),
        (None, "disposed", b"{\"why\":[1,null]}".to_vec())
    );
    // A key more in a kind that we know is passed over.
    let rebuilt = CustodyEvent::read("rebuilt", b"{\"by\":\"x\",\"items\":7}");
    assert_eq!(rebuilt, Ok(CustodyEvent::Rebuilt { items: 7 }));
}

#[test]
fn data_that_its_kind_cannot_have_names_the_key() {
    for (code, data, key) in [
        ("rebuilt", "{}", "items"),
        ("rebuilt", "{\"items\":-1}", "items"),
        ("rebuilt", "[]", ""),
        ("trust_set", "{\"hosts\":[7]}", "hosts"),
        ("items_committed", "{\"files_before\":[[1]],\"items\":1}", "files_before"),
        ("source_seen_again", "{}", "options"),
    ] {
        let error = CustodyEvent::read(code, data.as_bytes()).unwrap_err();
        assert_eq!((error.kind.code(), error.key), (code, key));
    }
    let error = CustodyEvent::read("rebuilt", b"7").unwrap_err();
    assert_eq!(error.to_string(), "data of event rebuilt cannot be read: it is no object");
}
