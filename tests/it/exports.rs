//! What `export` hands over, and what it says of what it could not.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{self, evidence, run};

/// A message over 64 MiB: an attachment near its beginning, another that is most of it.
fn long_message() -> Vec<u8> {
    let mut out = b"From: alice@example.org\nTo: bob@example.org\nSubject: long\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\n\
        Content-Type: application/pdf; name=small.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--b\n\
        Content-Type: application/zip; name=large.zip\nContent-Transfer-Encoding: base64\n\n"
        .to_vec();
    out.extend(b"AwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQFAwQ=\n".repeat(1 << 20));
    out.extend_from_slice(b"--b--\n");
    assert!(out.len() > 64 << 20);
    out
}

fn provenance(to: &Path) -> Value {
    serde_json::from_slice(&fs::read(to.join("provenance.json")).unwrap()).unwrap()
}

/// Whether `SHA256SUMS` names every file of the export and each has its digest.
fn is_whole(to: &Path) -> bool {
    let sums = fs::read_to_string(to.join("SHA256SUMS")).unwrap();
    let names: Vec<&str> = sums.lines().map(|line| &line[66..]).collect();
    let files = support::files_below(to);
    let mut files: Vec<&str> = files.iter().map(|f| f.to_str().unwrap()).collect();
    files.retain(|name| *name != "SHA256SUMS");
    names == files
        && sums.lines().all(|line| {
            let digest = mailtrail::types::Sha256Digest::of(&fs::read(to.join(&line[66..])).unwrap());
            digest.to_string() == line[..64]
        })
}

#[test]
fn an_attachment_of_a_very_long_message_that_cannot_be_had_is_named_and_the_rest_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (case, seized, to) = (dir.path().join("case"), dir.path().join("seized"), dir.path().join("to"));
    fs::create_dir(&seized).unwrap();
    fs::write(seized.join("long.eml"), long_message()).unwrap();
    fs::write(seized.join("short.eml"), evidence::message(3)).unwrap();
    support::import(&case, &seized);
    let ran = run(&case, &["export", "all", "--attachments", "--json", "--to", to.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}{}", ran.text(), ran.err);
    let done = ran.json().pop().unwrap();
    assert_eq!((&done["items"], &done["attachments"]), (&2.into(), &2.into()));
    let item = run(&case, &["list", "--json"]).ok().json()[0]["item"].as_str().unwrap().to_owned();
    assert!(item.ends_with("-1-1"));
    for failed in [&done["failed"], &provenance(&to)["failed"]] {
        assert_eq!(failed.as_array().unwrap().len(), 1, "{failed}");
        assert_eq!(failed[0]["item"], item.as_str());
        assert!(failed[0]["reason"].as_str().unwrap().contains("attachment 2"), "{failed}");
    }
    assert!(ran.err.contains(&item) && ran.err.contains("attachment 2"), "{}", ran.err);
    assert!(is_whole(&to));
    assert_eq!(fs::read(to.join("attachments/000001-1-small.pdf")).unwrap(), b"%PDF-");
    assert_eq!(
        fs::metadata(to.join(format!("mail/000001-{item}.eml"))).unwrap().len(),
        long_message().len() as u64
    );
    assert_eq!(run(&case, &["show", &item, "--attachment", "1"]).ok().out, b"%PDF-");
    let ran = run(&case, &["show", &item, "--attachment", "2"]).with_code(1);
    assert!(ran.err.contains("attachment 2 goes on beyond"), "{}", ran.err);
}
