//! What the names around a file say: Maildir folders, MH folders, Dovecot's list of UIDs.

use std::collections::HashMap;
use std::io::Read as _;

use crate::types::{Anomaly, AnomalyKind, RelPath};

use super::{Found, Listing, SourceFolder, What};

/// What the place of a file says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    #[default]
    None,
    /// It lies in `cur` or `new` of a Maildir, or in its `tmp`.
    Maildir {
        /// Whether that is `tmp`.
        tmp: bool,
    },
    /// It has a number for a name in a folder where all have, or beside `.mh_sequences`.
    Mh {
        /// Whether `.mh_sequences` lies there.
        marked: bool,
    },
}

#[derive(Default)]
struct Folder {
    numbers: bool,
    others: bool,
    sequences: bool,
}

/// The folders of a source.
pub(super) struct Folders<'a> {
    folders: HashMap<&'a [u8], Folder>,
}

fn parts(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => {
            (path.get(..slash).unwrap_or_default(), path.get(slash.saturating_add(1)..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

fn is_number(name: &[u8]) -> bool {
    (1..=10).contains(&name.len()) && name.iter().all(u8::is_ascii_digit) && !name.starts_with(b"0")
}

impl<'a> Folders<'a> {
    pub(super) fn of(found: &'a [Found]) -> Self {
        let mut folders: HashMap<&[u8], Folder> = HashMap::new();
        for thing in found {
            let path = thing.path.as_bytes();
            match &thing.what {
                What::File { .. } => {
                    let (dir, name) = parts(path);
                    let folder = folders.entry(dir).or_default();
                    folder.sequences |= name == b".mh_sequences";
                    if is_number(name) {
                        folder.numbers = true;
                    } else if !name.starts_with(b".") {
                        folder.others = true;
                    }
                }
                What::Other(entry) if entry.kind == "directory" => {
                    folders.entry(path).or_default();
                }
                What::Other(_) => {}
            }
        }
        Self { folders }
    }

    /// What the place of this file says of it.
    pub(super) fn role(&self, path: &RelPath) -> Role {
        let (dir, name) = parts(path.as_bytes());
        let (above, last) = parts(dir);
        let beside = |sibling: &[u8]| {
            let mut dir = above.to_vec();
            if !above.is_empty() {
                dir.push(b'/');
            }
            dir.extend_from_slice(sibling);
            self.folders.contains_key(&dir[..])
        };
        if !name.starts_with(b".") {
            match last {
                b"cur" => return Role::Maildir { tmp: false },
                b"new" if beside(b"cur") || beside(b"tmp") => return Role::Maildir { tmp: false },
                b"tmp" if beside(b"cur") || beside(b"new") => return Role::Maildir { tmp: true },
                _ => {}
            }
        }
        match self.folders.get(dir) {
            Some(folder) if is_number(name) && (folder.sequences || !folder.others) => {
                Role::Mh { marked: folder.sequences }
            }
            _ => Role::None,
        }
    }
}

/// The role inside an archive, where what lies beside a file is not known yet.
pub(super) fn role_inside(name: &[u8]) -> Role {
    let (dir, name) = parts(name);
    match parts(dir).1 {
        b"cur" | b"new" if !name.starts_with(b".") => Role::Maildir { tmp: false },
        b"tmp" if is_unique(name) => Role::Maildir { tmp: true },
        _ => Role::None,
    }
}

/// The name before the info part that holds the flags; the separator is `:` where the system allows it in names.
pub(super) fn base(name: &[u8]) -> &[u8] {
    let info = |w: &[u8]| matches!(w, [b':' | b';' | b'!', b'1' | b'2', b',']);
    let end = name.windows(3).position(info).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// Whether a name has the form that Maildir asks for: digits, a dot, something, a dot; or an info part.
pub(super) fn is_unique(name: &[u8]) -> bool {
    if base(name).len() < name.len() {
        return true;
    }
    let digits = name.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = name.get(digits..).unwrap_or_default();
    digits > 0 && rest.starts_with(b".") && rest.iter().skip(1).any(|&b| b == b'.')
}

/// What the name of a Maildir file claims that its size and place do not bear out. `W=`, the size with CRLF, is not
/// compared: a file that was changed on purpose keeps neither.
pub(super) fn notes(name: &[u8], size: u64, tmp: bool) -> Vec<Anomaly> {
    let mut notes = Vec::new();
    if tmp {
        notes.push(Anomaly::whole(AnomalyKind::Undelivered));
    }
    for field in base(name).split(|&b| b == b',').skip(1) {
        let digits = field.strip_prefix(b"S=").and_then(|d| std::str::from_utf8(d).ok());
        if let Some(claimed) = digits.and_then(|d| d.parse::<u64>().ok())
            && claimed != size
        {
            let detail = format!("the name says {claimed} bytes, the file has {size}");
            notes.push(Anomaly::whole(AnomalyKind::SizeInNameDiffers).with(detail));
        }
    }
    notes
}

/// Largest `dovecot-uidlist` read for its UIDs, in bytes; some 5 million messages.
const MAX_LIST: u64 = 256 << 20;

/// The UIDs of one Maildir.
#[derive(Default)]
pub(super) struct Uids {
    dir: Vec<u8>,
    known: HashMap<Vec<u8>, u64>,
}

impl Uids {
    /// The UID of a Maildir file, from the `dovecot-uidlist` beside its `cur`.
    pub(super) fn of(&mut self, listing: &Listing, folder: &mut SourceFolder, path: &RelPath) -> Option<u64> {
        let (dir, name) = parts(path.as_bytes());
        let above = parts(dir).0;
        let root: Vec<u8> = if above.is_empty() { Vec::new() } else { [above, b"/"].concat() };
        if self.dir != root || self.dir.is_empty() && self.known.is_empty() {
            let list = RelPath::new([&root[..], b"dovecot-uidlist"].concat());
            self.known = load(listing, folder, &list);
            self.known.entry(Vec::new()).or_default();
            self.dir = root;
        }
        self.known.get(base(name)).copied().filter(|_| !name.is_empty())
    }
}

/// `3 V<uidvalidity> N<next> G<guid>`, then lines `<uid> [extensions] :<name>`; version 1 has `<uid> <name>`.
fn load(listing: &Listing, folder: &mut SourceFolder, path: &RelPath) -> HashMap<Vec<u8>, u64> {
    let mut known = HashMap::new();
    let Ok(place) = listing.found.binary_search_by(|f| f.path.cmp(path)) else { return known };
    if !matches!(listing.found.get(place), Some(Found { what: What::File { size, .. }, .. }) if *size <= MAX_LIST)
    {
        return known;
    }
    let mut text = Vec::new();
    let Ok((opened, _)) = folder.open(path) else { return known };
    if opened.take(MAX_LIST).read_to_end(&mut text).is_err() {
        return known;
    }
    for line in text.split(|&b| b == b'\n').skip(1) {
        let mut words = line.splitn(2, |&b| b == b' ');
        let uid = words.next().and_then(|w| std::str::from_utf8(w).ok()).and_then(|w| w.parse().ok());
        let rest = words.next().unwrap_or_default();
        let name = match rest.iter().position(|&b| b == b':') {
            Some(0) => rest.get(1..),
            Some(_) => memchr::memmem::find(rest, b" :").and_then(|at| rest.get(at.saturating_add(2)..)),
            None => Some(rest),
        };
        if let (Some(uid), Some(name)) = (uid, name) {
            known.insert(base(name.trim_ascii_end()).to_vec(), uid);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_info_part_is_known_by_three_separators() {
        for name in ["1.2.h:2,S", "1.2.h;2,S", "1.2.h!2,S", "1.2.h"] {
            assert_eq!(base(name.as_bytes()), b"1.2.h");
        }
        assert!(is_unique(b"1763626504.M1P2.host") && is_unique(b"5:2,") && !is_unique(b"notes.txt"));
    }

    #[test]
    fn a_size_in_a_name_is_compared() {
        assert!(notes(b"1.2.h,S=10,W=11:2,S", 10, false).is_empty());
        assert_eq!(notes(b"1.2.h,S=10,W=11:2,S", 9, true).len(), 2);
    }
}
