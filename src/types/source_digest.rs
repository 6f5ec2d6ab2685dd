//! The digest that names a source (docs/format.md, section 4).

use super::digest::{Sha256Digest, Sha256Stream};
use super::json::Obj;
use super::path::RelPath;
use super::record::Entry;

/// The digest that names a source: SHA-256 over one canonical JSON line for each thing that the walk found, in
/// ledger order: `{"path":..,"sha256":..,"size":..}` for a file, `{"note":..,"path":..,"type":..}` for the rest.
/// What is inside archives is left out, because the archive's own digest covers it.
///
/// Of an account it is over the lines of the segment themselves, up to the last but `closed`.
#[derive(Debug, Default)]
pub struct SourceDigest {
    hash: Sha256Stream,
    line: Vec<u8>,
}

impl SourceDigest {
    /// The next file of the source itself.
    pub fn file(&mut self, path: &RelPath, sha256: &Sha256Digest, size: u64) {
        self.line.clear();
        let mut o = Obj::new(&mut self.line);
        o.text("path", path.as_bytes()).digest("sha256", sha256).uint("size", size);
        o.end();
        self.line.push(b'\n');
        self.hash.update(&self.line);
    }

    /// The next thing that is not a file that was read.
    pub fn entry(&mut self, entry: &Entry) {
        self.line.clear();
        let mut o = Obj::new(&mut self.line);
        if let Some(note) = &entry.note {
            o.text("note", note);
        }
        o.text("path", entry.path.as_bytes()).str("type", &entry.kind);
        o.end();
        self.line.push(b'\n');
        self.hash.update(&self.line);
    }

    /// The next lines of an account, each with its LF.
    pub fn lines(&mut self, lines: &[u8]) {
        self.hash.update(lines);
    }

    /// The digest.
    pub fn finish(self) -> Sha256Digest {
        self.hash.finish()
    }
}
