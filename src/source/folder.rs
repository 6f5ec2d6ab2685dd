//! Opens files of a source relative to descriptors of its folders, one name at a time and never through a link:
//! whatever is put in the place of a folder while it is read, no byte from outside of the source comes in.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, open, openat};

use crate::types::RelPath;

use super::Listing;
use super::file::{self, FileState};

/// Descriptors of folders that are kept open. What lies deeper is reached from the last of them, name by name.
const MOST_OPEN: usize = 64;

/// Opens what a listing names. Neighbours are cheap: the folders on the way to the last file stay open.
#[derive(Debug)]
pub struct SourceFolder {
    root: Root,
    chain: Vec<(Vec<u8>, OwnedFd)>,
}

#[derive(Debug)]
enum Root {
    /// The source is a file by itself.
    File(PathBuf),
    /// It is a folder.
    Folder(OwnedFd),
    /// It is a folder that cannot be opened any more.
    Lost(io::ErrorKind, String),
}

impl SourceFolder {
    /// The folder of a listing. When it cannot be opened, every file of it cannot.
    pub fn of(listing: &Listing) -> Self {
        let root = if listing.single {
            Root::File(listing.root.clone())
        } else {
            match open(&listing.root, folder_flags(), Mode::empty()) {
                Ok(root) => Root::Folder(root),
                Err(error) => {
                    let error = io::Error::from(error);
                    Root::Lost(error.kind(), error.to_string())
                }
            }
        };
        Self { root, chain: Vec::new() }
    }

    /// Opens a file for reading only, without following a link, waiting for a writer or touching its access time
    /// where the system allows that.
    ///
    /// # Errors
    /// What the operating system says, and `InvalidInput` for anything but a plain file.
    pub fn open(&mut self, path: &RelPath) -> io::Result<(File, FileState)> {
        let Self { root, chain } = self;
        let root = match &*root {
            Root::File(place) => return file::open(place),
            Root::Lost(kind, what) => return Err(io::Error::new(*kind, what.as_str())),
            Root::Folder(root) => root.as_fd(),
        };
        let path = path.as_bytes();
        let (folder, name) = match memchr::memrchr(b'/', path) {
            Some(at) => path.split_at(at),
            None => (&b""[..], path),
        };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        below(root, chain, folder, |folder| {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = match openat(folder, name, flags | OFlags::NOATIME, Mode::empty()) {
                // Without a touch of the access time is for the owner only.
                Err(rustix::io::Errno::PERM) => openat(folder, name, flags, Mode::empty()),
                other => other,
            };
            file::checked(File::from(opened?))
        })
    }
}

fn folder_flags() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// Does `work` with the folder at `path` below `root`.
pub(super) fn below<T>(
    root: BorrowedFd<'_>,
    chain: &mut Vec<(Vec<u8>, OwnedFd)>,
    path: &[u8],
    work: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>,
) -> io::Result<T> {
    let names = || path.split(|&b| b == b'/').filter(|name| !name.is_empty());
    let same = chain.iter().zip(names()).take_while(|((have, _), want)| have == want).count();
    chain.truncate(same);
    let mut deep: Option<OwnedFd> = None;
    for name in names().skip(same) {
        let above = match (&deep, chain.last()) {
            (Some(deep), _) => deep.as_fd(),
            (None, Some((_, last))) => last.as_fd(),
            (None, None) => root,
        };
        let next = openat(above, name, folder_flags(), Mode::empty())?;
        if chain.len() < MOST_OPEN {
            chain.push((name.to_vec(), next));
        } else {
            deep = Some(next);
        }
    }
    match (&deep, chain.last()) {
        (Some(deep), _) => work(deep.as_fd()),
        (None, Some((_, last))) => work(last.as_fd()),
        (None, None) => work(root),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::source::list;

    fn text(folder: &mut SourceFolder, path: &str) -> Option<String> {
        let (mut file, _) = folder.open(&RelPath::new(path)).ok()?;
        let mut text = String::new();
        file.read_to_string(&mut text).ok().map(|_| text)
    }

    #[test]
    fn files_at_any_depth_are_opened_and_neighbours_share_their_folders() {
        let dir = tempfile::tempdir().unwrap();
        let deep = vec!["d"; MOST_OPEN + 10].join("/");
        fs::create_dir_all(dir.path().join(&deep)).unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        let files = [
            format!("{deep}/x"),
            format!("{deep}/y"),
            "a/b/1".into(),
            "a/b/2".into(),
            "a/3".into(),
            "4".into(),
        ];
        for file in &files {
            fs::write(dir.path().join(file), file).unwrap();
        }
        let mut folder = SourceFolder::of(&list(dir.path()).unwrap());
        for file in &files {
            assert_eq!(text(&mut folder, file).as_ref(), Some(file));
        }
        assert_eq!(text(&mut folder, "a/none"), None);
        assert_eq!(text(&mut folder, "a/b"), None);
        let mut alone = SourceFolder::of(&list(&dir.path().join("4")).unwrap());
        assert_eq!(text(&mut alone, "4").as_deref(), Some("4"));
    }

    #[test]
    fn a_link_in_the_place_of_a_folder_or_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
        for folder in [inside.join("a"), inside.join("b"), outside.clone()] {
            fs::create_dir_all(&folder).unwrap();
            for name in ["1", "2"] {
                fs::write(folder.join(name), folder.file_name().unwrap().as_encoded_bytes()).unwrap();
            }
        }
        let listing = list(&inside).unwrap();
        let mut folder = SourceFolder::of(&listing);
        assert_eq!(text(&mut folder, "a/1").as_deref(), Some("a"));
        for name in ["a", "b"] {
            fs::rename(inside.join(name), dir.path().join(format!("moved-{name}"))).unwrap();
            symlink(&outside, inside.join(name)).unwrap();
        }
        // The folder that is open is read on; one that is a link now is not.
        assert_eq!(text(&mut folder, "a/2").as_deref(), Some("a"));
        assert_eq!(text(&mut folder, "b/1"), None);
        assert_eq!(text(&mut folder, "a/2"), None);
        fs::rename(&inside, dir.path().join("moved")).unwrap();
        symlink(&outside, &inside).unwrap();
        assert_eq!(text(&mut SourceFolder::of(&listing), "1"), None);
    }
}
