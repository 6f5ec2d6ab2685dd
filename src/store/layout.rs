//! The paths inside a case: the only file that spells them.

use std::path::{Path, PathBuf};

use super::framed::LineForm;

/// Where the files of a case are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    form: LineForm,
}

/// What the name of a file of lines ends in when the lines are frames.
const FRAMED_ENDING: &str = ".zst";

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
    pub fn path(self, number: u32, form: LineForm) -> String {
        let ending = if form == LineForm::Framed { FRAMED_ENDING } else { "" };
        match self {
            Self::Pack => format!("packs/{number:06}.pack"),
            Self::PackLines => format!("packs/{number:06}.jsonl{ending}"),
            Self::Ledger => format!("ledger/{number:06}.jsonl{ending}"),
        }
    }

    /// Whether a file of this path holds frames of lines.
    pub fn is_framed(path: &str) -> bool {
        path.ends_with(FRAMED_ENDING)
    }

    /// The kind and number of a path that [`Self::path`] made, and of no other.
    pub fn of(path: &str) -> Option<(Self, u32)> {
        let (folder, name) = path.split_once('/')?;
        let (digits, ending) = name.split_once('.')?;
        let number: u32 = digits.parse().ok().filter(|&n| n > 0)?;
        let (kind, form) = match (folder, ending) {
            ("packs", "pack") => (Self::Pack, LineForm::Plain),
            ("packs", "jsonl") => (Self::PackLines, LineForm::Plain),
            ("packs", "jsonl.zst") => (Self::PackLines, LineForm::Framed),
            ("ledger", "jsonl") => (Self::Ledger, LineForm::Plain),
            ("ledger", "jsonl.zst") => (Self::Ledger, LineForm::Framed),
            _ => return None,
        };
        (kind.path(number, form) == path).then_some((kind, number))
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
    /// The file that is locked for one append to the custody log.
    pub const APPEND_LOCK: &'static str = "append.lock";
    /// The folders of the record.
    pub const FOLDERS: [&'static str; 2] = ["packs", "ledger"];

    /// The layout of the case in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), form: LineForm::Framed }
    }

    /// The same with lines in this form; without it they are in the form of a new case.
    #[must_use]
    pub fn with_form(mut self, form: LineForm) -> Self {
        self.form = form;
        self
    }

    /// The directory of the case.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file with this path relative to the case.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The path of a numbered file of the record, relative to the case.
    pub fn name(&self, kind: FileKind, number: u32) -> String {
        kind.path(number, self.form)
    }

    /// A numbered file of the record.
    pub fn numbered(&self, kind: FileKind, number: u32) -> PathBuf {
        self.root.join(self.name(kind, number))
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
                for form in [LineForm::Plain, LineForm::Framed] {
                    assert_eq!(FileKind::of(&kind.path(number, form)), Some((kind, number)));
                }
            }
        }
        for path in [
            "packs/1.pack",
            "packs/000001.pack.zst",
            "packs/000000.pack",
            "packs/+00001.pack",
            "ledger/000001.pack",
            "x/000001.jsonl",
        ] {
            assert_eq!(FileKind::of(path), None, "{path}");
        }
    }
}
