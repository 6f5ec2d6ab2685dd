//! Key files of a case: each is a `keys_added` event of the custody log, with its text, digest, name and note.

use crate::auth::KeyFile;
use crate::store::{Reader, StoreError};
use crate::types::Sha256Digest;
use crate::types::json::{self, Obj, Value};

/// Type of the event.
pub const EVENT: &str = "keys_added";
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
        if event.kind == EVENT
            && let Some(read) = json::read(&event.data).and_then(|data| read(&data, &event.ts))
        {
            out.push(read);
        }
    }
    Ok(out)
}

/// `None` when the text is not the one that the digest names: then the event is not ours.
fn read(data: &Value, added: &str) -> Option<(KeyFile, Vec<u8>)> {
    let text = json::text_of(data.get("text")?)?;
    let sha256: Sha256Digest = data.get("sha256")?.as_str()?.parse().ok()?;
    let path = json::text_of(data.get("path")?)?;
    let note = data.get("note").and_then(json::text_of);
    let string = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let file = KeyFile { name: string(path), sha256, added: Some(added.to_owned()), note: note.map(string) };
    (sha256 == Sha256Digest::of(&text)).then_some((file, text))
}

/// The data of the event that adds a file.
pub fn data(path: &[u8], note: Option<&str>, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut o = Obj::new(&mut out);
    o.uint("bytes", text.len() as u64);
    if let Some(note) = note {
        o.str("note", note);
    }
    o.text("path", path).digest("sha256", &Sha256Digest::of(text)).text("text", text);
    o.end();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_from_its_event_and_not_with_other_bytes() {
        let value = json::read(&data(b"keys.txt", Some("by letter"), b"a\xff")).unwrap();
        let (file, text) = read(&value, "2026-01-01T00:00:00Z").unwrap();
        assert_eq!(
            (file.name.as_str(), file.note.as_deref(), &text[..]),
            ("keys.txt", Some("by letter"), &b"a\xff"[..])
        );
        let mut other = value;
        other["text"] = "b".into();
        assert_eq!(read(&other, ""), None);
    }
}
