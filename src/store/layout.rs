//! The paths inside a case: the only file that spells them.

use std::path::{Path, PathBuf};

/// Where the files of a case are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

/// What a numbered file of the record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `packs/NNNNNN.pack`
    Pack,
    /// `packs/NNNNNN.jsonl`
    PackLines,
    /// `ledger/NNNNNN.jsonl`
    Ledger,
}

impl FileKind {
    /// The path of number `number`, relative to the case, with `/` between the names.
    pub fn path(self, number: u32) -> String {
        match self {
            Self::Pack => format!("packs/{number:06}.pack"),
            Self::PackLines => format!("packs/{number:06}.jsonl"),
            Self::Ledger => format!("ledger/{number:06}.jsonl"),
        }
    }

    /// The kind and number of a path that [`Self::path`] made, and of no other.
    pub fn of(path: &str) -> Option<(Self, u32)> {
        let (folder, name) = path.split_once('/')?;
        let (digits, ending) = name.split_once('.')?;
        let number: u32 = digits.parse().ok().filter(|&n| n > 0)?;
        let kind = match (folder, ending) {
            ("packs", "pack") => Self::Pack,
            ("packs", "jsonl") => Self::PackLines,
            ("ledger", "jsonl") => Self::Ledger,
            _ => return None,
        };
        (kind.path(number) == path).then_some((kind, number))
    }
}

impl Layout {
    /// `VERSION`, relative to the case.
    pub const VERSION: &'static str = "VERSION";
    /// `case.json`, relative to the case.
    pub const CASE: &'static str = "case.json";
    /// `custody.jsonl`, relative to the case.
    pub const CUSTODY: &'static str = "custody.jsonl";
    /// `HEAD`, relative to the case.
    pub const HEAD: &'static str = "HEAD";
    /// The name a new `HEAD` has before it is put in place.
    pub const HEAD_NEW: &'static str = "HEAD.tmp";
    /// The file that the writer locks.
    pub const LOCK: &'static str = "lock";
    /// The folders of the record.
    pub const FOLDERS: [&'static str; 2] = ["packs", "ledger"];

    /// The layout of the case in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory of the case.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file with this path relative to the case.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A numbered file of the record.
    pub fn numbered(&self, kind: FileKind, number: u32) -> PathBuf {
        self.root.join(kind.path(number))
    }

    /// Folder of what can be made anew from the record.
    pub fn derived(&self) -> PathBuf {
        self.root.join("derived")
    }

    /// The catalog.
    pub fn catalog(&self) -> PathBuf {
        self.derived().join("catalog.sqlite")
    }

    /// Folder of the index.
    pub fn index(&self) -> PathBuf {
        self.derived().join("index")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_path_is_read_in_its_one_form() {
        for kind in [FileKind::Pack, FileKind::PackLines, FileKind::Ledger] {
            for number in [1, 999_999, 1_000_000] {
                assert_eq!(FileKind::of(&kind.path(number)), Some((kind, number)));
            }
        }
        for path in
            ["packs/1.pack", "packs/000000.pack", "packs/+00001.pack", "ledger/000001.pack", "x/000001.jsonl"]
        {
            assert_eq!(FileKind::of(path), None, "{path}");
        }
    }
}
