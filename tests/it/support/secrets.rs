//! Looks for secrets where none may be: in what was printed and in every file of a case, packed or not, also as base64.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Ran;

/// The forms in which a secret may be found: itself, and as base64 wherever it stands in something longer.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    for before in 0..3 {
        let coded = STANDARD.encode([&vec![0; before], secret.as_bytes()].concat());
        // The digits at both ends hold bits of the neighbours.
        let (from, to) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
        forms.push(coded.as_bytes()[from..to].to_vec());
    }
    forms
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    forms(secret).iter().any(|form| memchr::memmem::find(bytes, form).is_some())
}

/// Asserts that none of the secrets stands in what a run printed.
#[track_caller]
pub(crate) fn not_printed(ran: &Ran, secrets: &[&str]) {
    for secret in secrets {
        assert!(!holds(&ran.out, secret), "{secret} on stdout: {}", String::from_utf8_lossy(&ran.out));
        assert!(!holds(ran.err.as_bytes(), secret), "{secret} on stderr: {}", ran.err);
    }
}

/// Asserts that none of the secrets stands in a case, nor in its transcript.
#[track_caller]
pub(crate) fn not_in_case(case: &Path, secrets: &[&str]) {
    let files = super::files_below(case);
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(case.join(&file)).unwrap();
        for secret in secrets {
            assert!(!holds(&bytes, secret), "{secret} in {}", file.display());
            for frame in frames(&bytes) {
                assert!(!holds(&frame, secret), "{secret} packed in {}", file.display());
            }
        }
    }
    // Some runs end before there is anything to tell.
    let talk = super::run(case, &["acquisitions", "--transcript"]);
    for secret in secrets {
        assert!(!holds(&talk.out, secret), "{secret} in the transcript");
    }
}

/// What stands in each zstd frame of a file.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    let mut out = Vec::new();
    for at in memchr::memmem::find_iter(bytes, MAGIC) {
        let mut decoder = zstd::stream::read::Decoder::new(&bytes[at..]).unwrap().single_frame();
        let mut frame = Vec::new();
        if std::io::Read::read_to_end(&mut decoder, &mut frame).is_ok() {
            out.push(frame);
        }
    }
    out
}

#[test]
fn a_secret_is_found_in_its_own_form_in_base64_and_packed() {
    let secret = "hunter2-hunter3";
    for before in ["", "a", "ab", "abc"] {
        assert!(holds(STANDARD.encode(format!("{before}{secret}xyz")).as_bytes(), secret));
    }
    let packed = zstd::encode_all(secret.as_bytes(), 3).unwrap();
    assert!(!holds(&packed[..4], secret));
    assert!(frames(&packed).iter().any(|frame| holds(frame, secret)));
    assert!(!holds(b"hunter", secret));
}
