//! Names for the disk, of paths of the ledger that no file system takes: folders on a server may have names of
//! thousands of bytes.
//!
//! A name over 255 bytes, and the folders of a path over 2,000, are cut and carry the SHA-256 of what they stand for,
//! so that no two are merged. A name that looks as if it had been cut is cut as well: nobody can name a folder so that
//! it meets another.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::types::{RelPath, Sha256Digest};

use super::ExportError;

/// Longest name, in bytes: `NAME_MAX` of Linux, macOS and the file systems in use there.
const LONGEST_NAME: usize = 255;

/// Longest path of folders, in bytes; with the name of a file and the place to restore to it stays below `PATH_MAX`
/// (4,096).
const LONGEST_PATH: usize = 2000;

/// Bytes of a name that stay when it is cut, at most; a code or character that the cut would break goes whole.
const KEPT: usize = 180;

/// Hex digits of a digest, and the `~` before them.
const TAIL: usize = 65;

/// The names given so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: BTreeMap<RelPath, RelPath>,
}

impl Names {
    /// The place of a file below `to`.
    ///
    /// # Errors
    /// [`ExportError::UnsafePath`] when it leads out of there.
    pub(super) fn file(&mut self, to: &Path, path: &RelPath) -> Result<PathBuf, ExportError> {
        check(path)?;
        let name = path.name();
        let short = one_name(name);
        let place = match path.as_bytes().len().checked_sub(name.len().saturating_add(1)) {
            Some(end) => {
                let folder = RelPath::new(path.as_bytes().get(..end).unwrap_or_default());
                let folder = self.folder_below(&folder);
                [folder.as_bytes(), b"/", &short].concat()
            }
            None => short.clone(),
        };
        let place = RelPath::new(place);
        if short != name {
            self.given.insert(path.clone(), place.clone());
        }
        Ok(place.below(to))
    }

    /// The place of a folder below `to`.
    ///
    /// # Errors
    /// As [`Names::file`].
    pub(super) fn folder(&mut self, to: &Path, path: &RelPath) -> Result<PathBuf, ExportError> {
        check(path)?;
        Ok(self.folder_below(path).below(to))
    }

    fn folder_below(&mut self, path: &RelPath) -> RelPath {
        let short = RelPath::new(folder_name(path.as_bytes()));
        if short != *path && !self.given.contains_key(path) {
            self.given.insert(path.clone(), short.clone());
        }
        short
    }

    /// Paths of the ledger, each folder and file once, and what they are called instead; in byte order.
    pub(super) fn given(self) -> Vec<(RelPath, RelPath)> {
        self.given.into_iter().collect()
    }
}

/// A path may name nothing outside of where it is put.
fn check(path: &RelPath) -> Result<(), ExportError> {
    let is_safe = !path.as_bytes().is_empty()
        && path.below(Path::new("")).components().all(|c| matches!(c, Component::Normal(_)));
    if is_safe { Ok(()) } else { Err(ExportError::UnsafePath { path: path.clone() }) }
}

/// The folders of a path.
fn folder_name(folder: &[u8]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = folder.split(|&b| b == b'/').map(one_name).collect();
    let out = names.join(&b'/');
    if out.len() <= LONGEST_PATH {
        return out;
    }
    let flat: Vec<u8> = folder.iter().map(|&b| if b == b'/' { b'!' } else { b }).collect();
    cut(&flat, folder)
}

/// A name, cut where it must be.
fn one_name(name: &[u8]) -> Vec<u8> {
    if name.len() > LONGEST_NAME || looks_cut(name) { cut(name, name) } else { name.to_vec() }
}

/// The beginning of `shown`, and the digest of `whole`.
fn cut(shown: &[u8], whole: &[u8]) -> Vec<u8> {
    let mut end = shown.len().min(KEPT);
    // Not inside a percent code (`%C3`), nor inside a character of UTF-8.
    let code = shown.get(end.saturating_sub(2)..end).unwrap_or_default();
    if let Some(at) = code.iter().position(|&b| b == b'%') {
        end = end.saturating_sub(code.len().saturating_sub(at));
    }
    while shown.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) && end > KEPT.saturating_sub(4) {
        end = end.saturating_sub(1);
    }
    let mut out = shown.get(..end).unwrap_or_default().to_vec();
    out.push(b'~');
    out.extend_from_slice(Sha256Digest::of(whole).to_string().as_bytes());
    out
}

/// Whether a name could be one that was cut.
fn looks_cut(name: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(TAIL) else { return false };
    // What a cut leaves before the digest.
    (KEPT.saturating_sub(8)..=KEPT).contains(&at)
        && name.get(at..).and_then(<[u8]>::split_first).is_some_and(|(mark, digits)| {
            *mark == b'~' && digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str) -> String {
        let place = Names::default().file(Path::new(""), &RelPath::new(path)).unwrap();
        place.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_path_of_the_ledger_cannot_leave_the_folder() {
        for bad in ["../x", "/etc/passwd", "a/../../x", ""] {
            assert!(Names::default().file(Path::new("out"), &RelPath::new(bad)).is_err(), "{bad}");
        }
        assert_eq!(named("a/b"), "a/b");
        assert_eq!(named("b"), "b");
    }

    #[test]
    fn names_that_fit_stay_as_they_are() {
        let long = "x".repeat(255);
        let path = format!("{long}/{long}/{long}");
        assert_eq!(named(&path), path);
    }

    #[test]
    fn names_that_are_cut_fit_and_are_never_merged() {
        let long = "ü%C3%BC".repeat(60);
        let mut seen = std::collections::BTreeSet::new();
        let deep = vec!["deep"; 500].join("/");
        let mut paths = Vec::new();
        for end in ["", "a", "b", "/a", "/b"] {
            paths.push(format!("{long}{end}/f"));
            paths.push(format!("top/{long}{end}/f"));
            paths.push(format!("{deep}{end}/f"));
            paths.push(format!("{}{end}", long.repeat(2)));
        }
        // As if somebody had known what the others are called here.
        let known: Vec<String> = paths.iter().map(|path| named(path)).collect();
        paths.extend(known);
        for path in &paths {
            let name = named(path);
            assert!(name.split('/').all(|part| part.len() <= 255 && !part.is_empty()), "{name}");
            assert!(name.len() <= LONGEST_PATH + 256, "{name}");
            assert!(!name.contains("%~") && !name.contains("%C~"), "{name}");
            assert!(seen.insert(name.clone()), "{path} meets another as {name}");
        }
    }

    #[test]
    fn what_is_called_otherwise_is_told_once_for_a_folder() {
        let mut names = Names::default();
        let folder = format!("{};UIDVALIDITY=1", "n".repeat(300));
        for uid in 1..4 {
            names.file(Path::new("to"), &RelPath::new(format!("{folder}/;UID={uid}"))).unwrap();
            names.file(Path::new("to"), &RelPath::new(format!("short/;UID={uid}"))).unwrap();
        }
        let place = names.folder(Path::new("to"), &RelPath::new(folder.as_str())).unwrap();
        let given = names.given();
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].1.below(Path::new("to")), place);
        assert_eq!(given[0].0.as_bytes(), folder.as_bytes());
    }
}
