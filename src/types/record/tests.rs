//! Tests of `record`.

use super::*;

#[test]
fn lines_of_an_account_read_back_and_changed_ones_do_not() {
    let sha256 = Sha256Digest::of(b"x");
    let account = Account {
        kind: "imap".into(),
        host: "mail.example.org".into(),
        port: Some(10_143),
        user: "ann".into(),
        exclude: vec!["Spam".into()],
        since: Some(-5),
        max_size: Some(9),
        ..Account::default()
    };
    let folder = Folder {
        path: RelPath::new("Entw\u{fc}rfe;UIDVALIDITY=3"),
        name: "Entw\u{fc}rfe".into(),
        raw: Some(b"Entw&APw-rfe".to_vec()),
        delimiter: Some(b"/".to_vec()),
        attributes: vec![b"\\Drafts".to_vec(), b"\\HasNoChildren".to_vec()],
        uid_validity: Some(3),
        mailbox_id: None,
    };
    let file = File {
        container: 1,
        parent: None,
        kind: "imap".into(),
        path: RelPath::new("INBOX;UIDVALIDITY=1/;UID=4"),
        size: 3,
        sha256,
        wire: sha256,
        uid: Some(4),
        server: Some(Box::new(ServerState { flags: vec![b"\\Seen".to_vec()], ..ServerState::default() })),
        notes: Vec::new(),
    };
    for record in [Record::Account(account), Record::Folder(folder), Record::File(file)] {
        let mut line = Vec::new();
        record.write_line(&mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        assert_eq!(Record::parse(&line), Ok(record));
        let text = String::from_utf8(line).unwrap();
        assert!(Record::parse(text.replacen('{', "{\"0\":1,", 1).as_bytes()).is_err());
    }
}

#[test]
fn a_ledger_line_reads_back_and_a_changed_one_does_not() {
    let sha256 = Sha256Digest::of(b"x");
    let item = Record::Item(Item {
        container: 1,
        number: 2,
        separator: b"From a\xff\n".to_vec(),
        start: 10,
        end: 20,
        terminator: b"\r\n".to_vec(),
        sha256,
        rule: Rule::MboxRd,
        lines: 3,
        wire: Sha256Digest::of(b"y"),
        uid: Some(7),
        notes: vec![Anomaly::at(AnomalyKind::SuspectFrom, ByteRange::of_usize(1, 2)).with("d")],
    });
    let mut line = Vec::new();
    item.write_line(&mut line);
    line.pop();
    assert_eq!(Record::parse(&line), Ok(item));
    let text = String::from_utf8(line).unwrap();
    assert!(Record::parse(text.replace("\"n\":2", "\"n\": 2").as_bytes()).is_err());
    assert!(Record::parse(text.replace("\"uid\":7", "\"uid\":7,\"x\":1").as_bytes()).is_err());
}
