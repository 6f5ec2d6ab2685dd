//! Paths below a source: bytes, `/` between the names, no leading `/`.

use std::borrow::Cow;
use std::path::Path;

/// Where something lies below its source, as the bytes the file system holds.
///
/// A file given as a source by itself has its own name as its path. What an opened archive holds has the
/// archive's path, `!/`, and the name inside the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Vec<u8>);

impl RelPath {
    /// A path from its bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For people: bytes that are not UTF-8 become U+FFFD. Never an identity.
    pub fn display(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The path of something inside the archive at this path.
    #[must_use]
    pub fn inside(&self, name: &[u8]) -> Self {
        let mut path = self.0.clone();
        path.extend_from_slice(b"!/");
        path.extend_from_slice(name);
        Self(path)
    }

    /// The last name in the path.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|&b| b == b'/').next().unwrap_or_default()
    }

    /// The folder, with its epoch, of a message of an account: what stands before `/;UID=`, `/;UIDL=`, or, where a POP3
    /// server names no messages, `/;SHA256=` and `/;MSG=`; all of the path when there is none.
    pub fn folder_of_account(&self) -> &[u8] {
        let name = self.name();
        let is_message =
            [&b";UID="[..], b";UIDL=", b";SHA256=", b";MSG="].iter().any(|mark| name.starts_with(mark));
        let below = if is_message { name.len().saturating_add(1) } else { 0 };
        self.0.get(..self.0.len().saturating_sub(below)).unwrap_or_default()
    }

    /// This path below `root`, on a system whose file names are bytes.
    #[cfg(unix)]
    pub fn below(&self, root: &Path) -> std::path::PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        root.join(Path::new(std::ffi::OsStr::from_bytes(&self.0)))
    }
}
