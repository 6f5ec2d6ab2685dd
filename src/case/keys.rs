//! Key files of a case: each is a `keys_added` event of the custody log, with its text, digest, name and note.

use crate::auth::KeyFile;
use crate::store::{Reader, StoreError};
use crate::types::event::KeyFileCopy;
use crate::types::{CustodyEvent, CustodyEventKind, Sha256Digest};

/// Longest key file that a case takes, in bytes; an event holds no more than 64 MiB.
pub const MAX_FILE: u64 = 8 << 20;

/// The key files of a case with their text, in the order they were added.
///
/// # Errors
/// [`StoreError`] when the custody log cannot be read.
pub fn files(reader: &Reader) -> Result<Vec<(KeyFile, Vec<u8>)>, StoreError> {
    let mut out = Vec::new();
    for event in reader.custody()? {
        let (_, event) = event?;
        if event.known_kind() == Some(CustodyEventKind::KeysAdded)
            && let Ok(CustodyEvent::KeysAdded(copy)) = event.read()
        {
            out.extend(file(copy, &event.ts));
        }
    }
    Ok(out)
}

/// `None` when the text is not the one that the digest names: then the event is not ours.
fn file(copy: KeyFileCopy, added: &str) -> Option<(KeyFile, Vec<u8>)> {
    let name = String::from_utf8_lossy(&copy.path).into_owned();
    let file = KeyFile { name, sha256: copy.sha256, added: Some(added.to_owned()), note: copy.note };
    (copy.sha256 == Sha256Digest::of(&copy.text)).then_some((file, copy.text))
}

/// The event that adds a file.
pub fn event(path: &[u8], note: Option<&str>, text: &[u8]) -> CustodyEvent {
    CustodyEvent::KeysAdded(KeyFileCopy {
        bytes: text.len() as u64,
        note: note.map(str::to_owned),
        path: path.to_vec(),
        sha256: Sha256Digest::of(text),
        text: text.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_from_its_event_and_not_with_other_bytes() {
        let CustodyEvent::KeysAdded(copy) = event(b"keys.txt", Some("by letter"), b"a\xff") else {
            panic!("another event");
        };
        let (read, text) = file(copy.clone(), "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(
            (read.name.as_str(), read.note.as_deref(), &text[..]),
            ("keys.txt", Some("by letter"), &b"a\xff"[..])
        );
        assert_eq!(file(KeyFileCopy { text: b"b".to_vec(), ..copy }, ""), None);
    }
}
