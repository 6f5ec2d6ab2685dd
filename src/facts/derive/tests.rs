//! Tests of `derive`.

use super::*;
use crate::facts::Zone;

struct Got {
    facts: ItemFacts,
    text: String,
    hidden: String,
}

fn all(message: &[u8]) -> Vec<Got> {
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    derive(message, &mut scratch, &mut |Seen { facts, text, .. }| {
        let of = |zone: Zone| {
            let pieces = text.stretches.iter().filter(|(z, _)| *z == zone);
            pieces.map(|(_, r)| &text.text[r.clone()]).collect::<Vec<_>>().join("|")
        };
        out.push(Got { text: of(Zone::Body), hidden: of(Zone::Hidden), facts });
    });
    out
}

fn codes(got: &Got) -> Vec<&'static str> {
    got.facts.anomalies.iter().map(|a| a.kind.code()).collect()
}

const HEAD: &str = "From: a@x.org\nDate: Thu, 20 Nov 2025 08:15:04 +0000\nMessage-ID: <1@x.org>\n";

fn message(rest: &str) -> Vec<Got> {
    let lf = format!("{HEAD}{rest}");
    let got = all(lf.as_bytes());
    let crlf = all(lf.replace('\n', "\r\n").as_bytes());
    assert_eq!(got.len(), crlf.len());
    for (a, b) in got.iter().zip(&crlf) {
        assert_eq!(codes(a), codes(b));
        assert_eq!(a.text, b.text.replace('\r', ""));
        assert_eq!(a.facts.attachments.len(), b.facts.attachments.len());
    }
    got
}

#[test]
fn a_plain_message_gives_its_fields_and_its_text() {
    let got = message("Subject: =?utf-8?q?H=C3=A9?=\nTo: \"B, C\" <b@y.org>, d@z.org\n\nHello\nworld\n");
    let [one] = got.as_slice() else { panic!("one item") };
    assert_eq!(one.facts.subject.as_ref().unwrap().text, "H\u{e9}");
    assert_eq!(one.facts.in_role(crate::facts::Role::To).count(), 2);
    assert_eq!(one.text, "Hello\nworld\n");
    assert!(one.facts.date.is_some() && one.facts.mih.is_some());
    assert_eq!(codes(one), [""; 0]);
}

#[test]
fn a_truncated_multipart_still_gives_the_attachment() {
    let got = message(
        "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nsee --b in a line\n\
         --b\nContent-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQKAA==\n",
    );
    let one = &got[0];
    assert_eq!(one.text, "see --b in a line");
    let file = &one.facts.attachments[0];
    assert_eq!((file.part.as_str(), file.name.as_str(), file.size), ("2", "x.pdf", 10));
    assert_eq!(file.sha256, Sha256Digest::of(b"%PDF-1.4\n\0"));
    assert_eq!(codes(one), ["multipart-unterminated"]);
}

#[test]
fn a_message_in_a_message_is_an_item_of_its_own() {
    let got = message(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nouter words\n--b\nContent-Type: message/rfc822\n\n\
         Subject: inner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ninner words\n--c\n\
         Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogZGVlcAoKZGVlcCB3b3Jkcwo=\n\
         --c--\n--b--\n",
    );
    let paths: Vec<_> = got.iter().map(|g| g.facts.child.as_ref().map_or("", |c| c.part.as_str())).collect();
    assert_eq!(paths, ["", "2", "2.2"]);
    let texts: Vec<_> = got.iter().map(|g| g.text.trim()).collect();
    assert_eq!(texts, ["outer words", "inner words", "deep words"]);
    assert!(got.iter().all(|g| g.facts.attachments.is_empty()));
    assert!(got[1].facts.child.as_ref().unwrap().in_message.is_some());
    assert!(got[2].facts.child.as_ref().unwrap().in_message.is_none());
    assert_eq!(got[2].facts.child_sha256.unwrap().0, Sha256Digest::of(b"Subject: deep\n\ndeep words\n"));
}

#[test]
fn a_message_alone_tells_the_same_and_nothing_inside_it_is_read() {
    let inner = "Content-Type: message/rfc822\n\nFrom: in@b\nSubject: inner\n\nwords\n";
    let whole =
        format!("From: out@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n{inner}--x\n{inner}--x--\n");
    let mut read = Vec::new();
    derive(whole.as_bytes(), &mut Scratch::default(), &mut |seen| read.push(seen.facts));
    let mut alone = Vec::new();
    derive_to(whole.as_bytes(), Extent::Parts, &mut Scratch::default(), &mut |seen| alone.push(seen.facts));
    assert_eq!((read.len(), alone.len()), (3, 1));
    assert_eq!(alone[0], read[0]);
    assert_eq!(first(whole.as_bytes()), read[0]);
    // The header alone tells what the whole tells of it.
    let header = of_header(whole.as_bytes());
    let end = whole.find("\n\n").unwrap() as u64;
    let in_header = |a: &&Anomaly| a.at.is_some_and(|at| at.end() <= end);
    assert_eq!(
        (&header.addresses, &header.hops, &header.date),
        (&read[0].addresses, &read[0].hops, &read[0].date)
    );
    let both = [&header, &read[0]]
        .map(|facts| facts.anomalies.iter().filter(in_header).cloned().collect::<Vec<_>>());
    assert_eq!(both[0], both[1]);
}

#[test]
fn a_chain_of_messages_ends_at_the_depth_limit() {
    let chain = "Content-Type: message/rfc822\n\n".repeat(40_000);
    let got = all(chain.as_bytes());
    assert_eq!(got.len(), 65);
    assert!(codes(got.last().unwrap()).contains(&"depth-limit"));
}

#[test]
fn boundaries_that_never_come_take_linear_time() {
    let opening = |n| format!("--b\nContent-Type: multipart/mixed; boundary=x{n}\n\n");
    let parts: String = (0..20_000).map(opening).collect();
    let bomb = format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}");
    let started = std::time::Instant::now();
    let got = all(bomb.as_bytes());
    assert!(codes(&got[0]).contains(&"boundary-limit"));
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn hidden_text_preambles_and_epilogues_are_searchable() {
    let got = message(
        "Content-Type: multipart/alternative; boundary=b\n\nbefore it\n--b\nContent-Type: text/html\n\n\
         <p>seen<b>whole</b></p><p style=\"display:none\">unseen</p>\n--b--\nafter it\n",
    );
    assert_eq!(got[0].text.trim(), "seenwhole");
    for word in ["unseen", "before it", "after it"] {
        assert!(got[0].hidden.contains(word), "{word}");
    }
    assert_eq!(codes(&got[0]), ["preamble-text", "epilogue-text", "hidden-text"]);
}

#[test]
fn of_many_files_in_a_text_as_many_as_parts_are_taken_out_and_their_names_are_shared() {
    let text = "begin 644 a\n#0V%T\n`\nend\n".repeat(MAX_FILES + 10);
    let mail = format!("Content-Type: text/plain; name=\"{}\"\n\n{text}findme\n", "n".repeat(100_000));
    let (mut files, mut codes) = (0, Vec::new());
    let mut scratch = Scratch::default();
    derive(mail.as_bytes(), &mut scratch, &mut |seen| {
        files = seen.facts.attachments.len();
        codes.extend(seen.facts.anomalies.iter().map(|anomaly| anomaly.kind));
    });
    assert_eq!(files, MAX_FILES);
    assert!(codes.contains(&AnomalyKind::PartLimit));
    // What is not taken out is searched as text, and the long name is there once.
    assert!(scratch.text.text.ends_with("end\nfindme\n"));
    let mut long: Vec<_> = scratch.text.parts.iter().filter(|part| part.name.len() > 1000).collect();
    assert!(long.len() > 1000);
    long.dedup_by(|a, b| std::sync::Arc::ptr_eq(&a.name, &b.name));
    assert_eq!(long.len(), 1);
}

#[test]
fn lists_of_a_message_and_all_inside_it_have_one_limit_and_what_is_left_out_is_told() {
    let inner = "Content-Type: message/rfc822\nTo: a@b, c@d\nReferences: <1> <2>\nReceived: by x; y\n\n";
    let lists = Lists { addresses: 3, hops: 9, references: 9, anomalies: 100 };
    let (children, work, parts, files) = (100, 1 << 20, 100, 100);
    let mut budget = Budget { extent: Extent::Inside, children, work, decoded: 250, parts, files, lists };
    let mut seen = Vec::new();
    let mail = inner.repeat(3);
    one(mail.as_bytes(), None, 0, &mut Scratch::default(), &mut budget, &mut |one| {
        let is_told = one.facts.anomalies.iter().any(|a| a.kind == AnomalyKind::HeaderOverLimit);
        seen.push((one.facts.addresses.len(), one.facts.references.len(), one.facts.hops.len(), is_told));
    });
    assert_eq!(seen[..3], [(2, 2, 1, false), (1, 2, 1, true), (0, 2, 1, true)]);
}

#[test]
fn messages_in_an_encoding_are_decoded_up_to_a_limit_and_kept_as_files_beyond() {
    let inner = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n";
    let lists = Lists::of(100);
    let (children, work, parts, files) = (100, 1 << 20, 100, 100);
    let mut budget = Budget { extent: Extent::Inside, children, work, decoded: 250, parts, files, lists };
    let mail = format!("{inner}{inner}{inner}{inner}Subject: x\n\n{}", "y".repeat(40));
    let mut seen = Vec::new();
    one(mail.replace('=', "=3D").as_bytes(), None, 0, &mut Scratch::default(), &mut budget, &mut |one| {
        let kinds: Vec<_> = one.facts.anomalies.iter().map(|anomaly| anomaly.kind).collect();
        seen.push((kinds.contains(&AnomalyKind::WorkLimit), one.facts.attachments.len()));
    });
    let (last, before) = seen.split_last().unwrap();
    assert_eq!(*last, (true, 1), "{seen:?}");
    assert!(before.iter().all(|one| *one == (false, 0)) && seen.len() < 5, "{seen:?}");
}

#[test]
fn a_uuencoded_file_in_text_is_an_attachment_and_no_words() {
    let got = message("\nHi\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n");
    let file = &got[0].facts.attachments[0];
    assert_eq!(
        (file.part.as_str(), file.name.as_str(), file.encoding.as_str()),
        ("1#1", "cat.txt", "uuencode")
    );
    assert_eq!(file.sha256, Sha256Digest::of(b"Cat"));
    assert!(!got[0].text.contains("0V%T") && got[0].text.contains("bye"));
}

#[test]
fn every_leaf_whose_content_gives_no_words_is_listed() {
    let part = |kind: &str, data: &str| {
        format!("--b\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{data}\n")
    };
    let parts = [
        part("text/plain", "aGVsbG8="),
        part("image/png", "iVBORw0KGgoAAAAN"),
        part("audio/x-wav; name=a.wav", "UklGRgAAAAA="),
        part("video/mp4", "AAAAGGZ0eXA="),
        part("application/octet-stream", "AAECAw=="),
        part("image/svg+xml", "PHN2Zy8+"),
        part("font/woff", ""),
    ];
    let got = message(&format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", parts.concat()));
    let listed: Vec<_> = got[0].facts.not_indexed.iter().map(|n| (n.part.as_str(), n.reason)).collect();
    assert_eq!(listed, [("2", "binary"), ("3", "binary"), ("4", "binary"), ("5", "binary")]);
    let got = message("\nHi\nbegin 644 a.gif\n#`````\n`\nend\n");
    assert_eq!(got[0].facts.attachments.len(), 1);
    assert_eq!(got[0].facts.not_indexed.len(), 1);
}

#[test]
fn what_is_encrypted_is_listed_and_not_guessed() {
    let got = message(
        "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\n\
         Version: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\nhQ\n--b--\n",
    );
    assert_eq!(got[0].facts.not_indexed.len(), 1);
    assert_eq!(codes(&got[0]), ["encrypted"]);
}

#[test]
fn a_message_without_a_header_or_a_byte_is_still_an_item() {
    assert_eq!(codes(&all(b"")[0]), ["empty-item"]);
    let got = all(b"just some words\nand more\n");
    assert_eq!(got[0].text, "just some words\nand more\n");
    assert_eq!(codes(&got[0]), ["header-missing"]);
}
